"""The command line of `spinrnn gradcheck`.

With --neuron, --synapse or --activation the functions of one kind are checked by
themselves. Exit status 1: a block of the gradient, or an entry of a derivative, is
wrong.
"""

import argparse
import dataclasses
import itertools
import json
from collections.abc import Iterator
from typing import Any

from spinrnn.cli.options import add_command, add_config, add_json, add_set, add_use

_ROLES = ("neuron", "synapse", "activation")
SUMMARY = "Compare the hand-derived gradient with central differences; both neurons, both schemes."


def add_commands(commands: Any) -> None:
    """Adds the command; commands: what `add_subparsers` returned."""
    parser = add_command(commands, "gradcheck", gradcheck, SUMMARY)
    add_config(parser, "network to check (default: a small one with all the difficulties)")
    one = parser.add_mutually_exclusive_group()
    one.add_argument(
        "--synapse",
        metavar="NAME",
        help="check a kind of synapse instead: its read_backward against its read",
    )
    one.add_argument(
        "--neuron",
        metavar="NAME",
        help="check the step of this kind of neuron instead: each entry of its derivatives,"
        " precision, rest and order",
    )
    one.add_argument(
        "--activation",
        metavar="NAME",
        help="check this kind of activation instead: its slope, precision, and that NaN stays NaN",
    )
    add_set(parser)
    add_use(parser)
    add_json(parser, "one JSON object for each block")


def gradcheck(options: argparse.Namespace) -> int:
    """Compares, prints each block as it is done, and the largest error at the end."""
    from spinrnn.checks.feedforward import check_feedforward
    from spinrnn.checks.gradient import BOUND, check_gradient
    from spinrnn.checks.symmetric import check_symmetric
    from spinrnn.config.symmetric import SymmetricConfig
    from spinrnn.config.toml import load_config
    from spinrnn.errors import ConfigError

    role = next((role for role in _ROLES if getattr(options, role)), None)
    if role is not None:
        return _check_kind(options, role)
    network = None
    if options.config or options.set:
        network = load_config(options.config, options.set).network
        if "adjoint" not in network.abilities:
            kind = f"a network of the kind {network.kind} has no gradient"
            raise ConfigError([f"network.kind: {kind} that could be compared"])
    rows: Iterator[Any] = check_gradient(network) if _timed(network) else iter(())
    if isinstance(network, SymmetricConfig):
        rows = check_symmetric(network)
    elif network is None or not _timed(network):
        rows = itertools.chain(rows, check_feedforward(network))
    worst, failed, stand_ins = 0.0, 0, 0
    for row in rows:
        stand_ins += row.entries == 0
        failed += not row.ok
        worst = max(worst, row.error)
        text = json.dumps(dataclasses.asdict(row)) if options.json else _line(row)
        print(text, flush=True)
    if not options.json:
        verdict = f"{failed} blocks FAILED" if failed else "all blocks ok"
        verdict += f", {stand_ins} not compared" if stand_ins else ""
        print(f"largest error {worst:.1e}, bound {BOUND:.0e}: {verdict}")
    return 1 if failed else 0


def _timed(network: Any) -> bool:
    """Whether neurons have time; those of the usual network have."""
    return network is None or "time" in network.abilities


def _line(row: Any) -> str:
    if row.entries == 0:
        block = f"{row.neuron:<10} {row.scheme:<13}{row.block:<10}"
        return f"{block}    not compared: its gradient is a stand-in (straight through)"
    verdict = "ok" if row.ok else "FAILED"
    error = f"largest error {row.error:.1e}"
    block = f"{row.neuron:<10} {row.scheme:<13}{row.block:<10}"
    return f"{block}{row.entries:>5} entries   {error}   {verdict}"


def _check_kind(options: argparse.Namespace, role: str) -> int:
    """Checks a kind's functions; what is wrong is printed in words."""
    failed = count = 0
    for row in _checks(options, role):
        failed, count = failed + (not row.ok), count + 1
        if options.json:
            print(json.dumps(dataclasses.asdict(row)), flush=True)
        else:
            error, verdict = f"error {row.error:.1e}", "ok" if row.ok else f"FAILED: {row.text}"
            name = f"{getattr(row, role):<10} {getattr(row, 'scheme', ''):<13}"
            print(f"{name}{row.promise:<38}{error:<16}{verdict}")
    if not options.json:
        broken = f"{failed} BROKEN" if failed else "all kept"
        print(f"{count} promises of {getattr(options, role)}: {broken}")
    return 1 if failed else 0


def _checks(options: argparse.Namespace, role: str) -> Iterator[Any]:
    """The checks of a kind, one after the other."""
    from spinrnn.checks.activation import check_activation
    from spinrnn.checks.neuron import check_neuron
    from spinrnn.checks.synapse import check_synapse
    from spinrnn.config.kinds import kind_of
    from spinrnn.config.toml import load_config

    if not (options.config or options.set):
        # a kind may have no defaults, as one that is a file
        own = kind_of(role, getattr(options, role)).example()
        return check_neuron(own) if role == "neuron" else check_synapse(own)
    settings = [f"{role}.kind={getattr(options, role)}", *(options.set or ())]
    if role == "neuron" and not options.config and kind_of(role, options.neuron).quadratures == 2:
        # another one would refuse it
        settings.insert(0, "network.kind=symmetric")
    if role == "activation":
        settings.insert(0, "network.kind=feedforward")
        return check_activation(load_config(options.config, settings).network.activation)
    network = load_config(options.config, settings).network
    if role == "synapse":
        every = dict.fromkeys(network.synapses)
        return itertools.chain.from_iterable(map(check_synapse, every))
    neurons = dict.fromkeys(one for one in network.kinds if one.role == "neuron")
    return itertools.chain.from_iterable(map(check_neuron, neurons))
