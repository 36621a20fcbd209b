"""The command line of `spinrnn check`: what a configuration would run, and what is
wrong with it.

Exit status: 0 it can run, 2 it cannot.
"""

import argparse
import dataclasses
import json
from typing import Any

from spinrnn.cli.options import (
    add_columns,
    add_command,
    add_config,
    add_ensemble,
    add_json,
    add_memory,
    add_recipe,
    add_seed,
    add_set,
    add_targets,
    add_use,
    settings_of,
)
from spinrnn.cli.wording import span

WIDTH = len("validation") + 2
"""Of the names of the lines."""
MEASURING = (
    f"{'measuring':<{WIDTH}}the time, by real steps; what they need is compiled the first time, "
    "up to a minute"
)
"""What is said before a wait."""
_MEASURED = {
    "one point": "one point of each sequence",
    "some steps": "some steps of each relaxation",
}
SUMMARY = "Say what a configuration would run: sizes, data, memory, time, disk, problems."


def add_commands(commands: Any) -> None:
    """Adds the command; commands: what `add_subparsers` returned."""
    parser = add_command(commands, "check", check, SUMMARY)
    add_config(parser, "configuration (default: the built-in recipe)")
    add_set(parser)
    add_recipe(parser)
    add_seed(parser)
    add_ensemble(parser)
    add_columns(parser, "the data", "label=class,V=voltage")
    add_targets(parser)
    add_use(parser)
    add_memory(parser, "for the states of a batch, as in 2G")
    add_json(parser)


def check(options: argparse.Namespace) -> int:
    """Checks and measures; prints all that was found."""
    from spinrnn.errors import ConfigError
    from spinrnn.runs.checking import described, measure

    found, planned = described(options.config, settings_of(options))
    told = [] if options.json else lines_of(found)
    if told:
        # what is known at once is read while steps are measured
        print("\n".join([*told, MEASURING] if planned else told), flush=True)
    measure(found, planned)
    if options.json:
        print(json.dumps(_plain(found)))
    else:
        print("\n".join(line for line in [*lines_of(found), *times_of(found)] if line not in told))
    if found.problems:
        raise ConfigError(found.problems, options.config)
    return 0


def _plain(found: Any) -> dict[str, Any]:
    """What was found as JSON has it."""
    from spinrnn.config.run import to_tables

    own = {field.name: getattr(found, field.name) for field in dataclasses.fields(found)}
    own["config"] = None if found.config is None else to_tables(found.config)
    own["expected"] = None if found.expected is None else dataclasses.asdict(found.expected)
    return own


def lines_of(found: Any) -> list[str]:
    """Lines for people about what was found, as far as it was."""
    lines: dict[str, str] = {}
    if found.config is not None and found.parameters is not None:
        lines |= _of_network(found)
    if found.about is not None:
        lines["data"] = found.about
    for name, classes in found.parts.items():
        lines[name] = _of_part(classes)
    if found.expected is not None and not found.problems:
        lines |= _of_expected(found)
    said = [f"{name:<{WIDTH}}{text}" for name, text in lines.items()]
    said += [f"note: {text}" for text in found.notes]
    return said + [f"warning: {text}" for text in found.warnings]


def _of_network(found: Any) -> dict[str, str]:
    c = found.config.network
    sizes = "-".join(map(str, c.sizes))
    neuron, steps = c.summary
    estimator = found.config.train.estimator
    text = f"1 pass of {estimator.kind}"
    if not estimator.at_once:
        batches = f"{found.batches} batch{'es' if found.batches != 1 else ''}"
        text = f"{found.epochs} epochs of {batches} of up to {found.config.train.batch} cases"
    return {
        "task": f"{found.config.task.kind}, read at: {c.readout}",
        "network": f"{sizes} {neuron}, {found.parameters} parameters, {steps}",
        "learning": text,
    }


def _of_part(classes: Any) -> str:
    from spinrnn.errors import listed

    if not isinstance(classes, dict):
        return f"{classes} case{'s' if classes != 1 else ''}"
    return f"{sum(classes.values())}: {listed(f'{name} {n}' for name, n in classes.items())}"


def _of_expected(found: Any) -> dict[str, str]:
    from spinrnn.machine.memory import format_size

    e = found.expected
    batch, data = f"{format_size(e.memory)} for a batch", f"{format_size(e.data)} for the data"
    devices = f", {format_size(e.devices)} for the devices of synapses" if e.devices else ""
    return {
        "memory": f"{batch}, {data}{devices}, besides Python's own",
        "disk": f"{format_size(e.disk)} in the run folder, {format_size(e.free)} free here",
    }


def times_of(found: Any) -> list[str]:
    """The line about the time, where it was measured."""
    e = found.expected
    if e is None or found.problems:
        return []
    text = f"{span(e.seconds)} on this machine"
    if e.source == "steps":
        text += f", {span(e.compiling)} compiling before"
    elif e.source in _MEASURED:
        text = f"some {text}, by {_MEASURED[e.source]}; a batch takes {span(e.step)}"
    else:
        text = f"some {text}, by the number of steps alone: too many to measure a single one"
    return [f"{'time':<{WIDTH}}{text}"]
