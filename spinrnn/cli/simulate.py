"""The command line of trajectory files: `spinrnn simulate`.

Exit status: 0 written, 2 bad input or a full disk, 130, 143 or 75 stopped; then nothing
of the file is left.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from spinrnn.cli.options import (
    add_columns,
    add_command,
    add_memory,
    add_rows,
    add_set,
    add_use,
    columns,
    whole,
)
from spinrnn.progress import Bar

SUMMARY = "Simulate a network and write its states and drives over time to an HDF5 file."


def add_commands(commands: Any) -> None:
    """Adds the command; commands: what `add_subparsers` returned."""
    parser = add_command(commands, "simulate", simulate, SUMMARY)
    parser.add_argument(
        "network",
        metavar="RUN_OR_CONFIG",
        help="run folder or file of a network: as trained; CONFIG.toml: a fresh network of its"
        " seed",
    )
    parser.add_argument(
        "--input",
        metavar="DATA",
        default=":test",
        help="source:part[cases], as in digits:test[0:100], mine.npz or mnist:train[7]; parts"
        " are train, validation, test and all, as the run splits the data (default: the test"
        " part of the run's own data)",
    )
    add_columns(parser, "the data")
    add_rows(parser, "what a case of the training was, else points")
    parser.add_argument("--out", required=True, metavar="FILE", help="file to write, as traces.h5")
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace FILE if it exists, once the new one is complete",
    )
    _add_contents(parser)
    parser.add_argument(
        "--noise-seed",
        type=int,
        default=0,
        metavar="SEED",
        help="of thermal noise, if the neurons have any (default: 0)",
    )
    add_set(parser, "network.substeps=16")
    add_use(parser)
    add_memory(parser, "for the blocks at work, as in 2G", "SPINRNN_MEMORY")


def _add_contents(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say what the file holds."""
    parser.add_argument(
        "--every",
        type=whole,
        default=1,
        metavar="K",
        help="store every K-th substep (default: 1)",
    )
    parser.add_argument(
        "--variables",
        default="p,drive,output",
        metavar="NAMES",
        help="of p (power), m (mean power), drive and output (default: p,drive,output; m is"
        " p - output)",
    )
    parser.add_argument(
        "--layers", metavar="NUMBERS", help="layers to store, from 0, as in 0,2 (default: all)"
    )


def simulate(options: argparse.Namespace) -> int:
    """Simulates the cases that were chosen; writes the file whole or not at all."""
    import spinrnn
    from spinrnn.machine.memory import format_size
    from spinrnn.machine.signals import StopSignals

    out = _target(options)
    layers = _layers(options.layers)
    net, data, more = _chosen(options)
    stop = StopSignals()
    with Bar(len(data), "case") as bar:

        def on_start(size: int) -> None:
            cases = f"{len(data)} case{'s' if len(data) > 1 else ''}"
            print(f"{out}: {cases}, {format_size(size)} to write", flush=True)

        def on_block(done: int) -> None:
            if stop():
                raise _Stopped
            bar(done)

        try:
            _write(
                out, net, data, options, layers=layers, on_start=on_start, on_block=on_block, **more
            )
        except _Stopped:
            print(f"spinrnn: stopped, nothing of {out} is kept", file=sys.stderr)
            return stop.status
    with spinrnn.open_trajectory(out) as file:
        times = f"{len(file.time)} times to {file.time[-1]:g} s"
        print(f"{out}: {len(file)} cases, {times}, {format_size(out.stat().st_size)}")
    return 0


class _Stopped(Exception):
    """A signal asked to stop."""


def _target(options: argparse.Namespace) -> Path:
    """The file to write; StoreError where it must not be written."""
    from spinrnn.errors import StoreError

    out = Path(options.out)
    if out.is_dir():
        raise StoreError(f"{out} is a folder; give the name of a file")
    if out.exists() and not options.overwrite:
        raise StoreError(f"{out} exists; --overwrite replaces it, or choose another --out")
    return out


def _layers(text: str | None) -> list[int] | None:
    """Numbers between commas; None, which means all, where nothing is said."""
    from spinrnn.errors import ConfigError

    try:
        return None if text is None else [int(number) for number in text.split(",")]
    except ValueError:
        form = "numbers with commas between them, as in 0,2"
        raise ConfigError([f"--layers: must be {form}, got {text!r}"]) from None


def _chosen(options: argparse.Namespace) -> tuple[Any, Any, dict[str, Any]]:
    """(`Network`, `Dataset` to simulate, arguments of `write_trajectory` that say what
    it is).
    """
    from spinrnn.datasets.selection import parse, select
    from spinrnn.datasets.series import fitted
    from spinrnn.errors import DataError
    from spinrnn.runs.loading import known_of, open_any

    net, config, run = open_any(options.network, options.set)
    if "time" not in net.config.abilities:
        raise DataError(
            f"{options.network}: a network without time has no trajectories; spinrnn predict gives "
            "its answers"
        )
    if run is not None and run.note:
        print(f"spinrnn: warning: {run.note}", file=sys.stderr)
    known = known_of(options.network, run)
    chosen = options.input, config, run and run.check_data, columns(options), known
    data, cases, digest = select(*chosen)
    try:
        data = data if known is None else known.matched(data, options.input)
        data = fitted(data, net.config.inputs, known and known.channels)
    except DataError as error:
        raise DataError(f"--input {options.input}: {error}") from None
    attributes = {"source": options.input, "data_sha256": digest}
    if config is not None:
        if not parse(options.input)[0]:
            attributes["source"] = f"{config.data.source}{options.input}"
        attributes |= {"seed": config.train.seed, "split_seed": config.resolved_split_seed}
    return net, data, {"cases": cases, "attributes": attributes}


def _write(
    out: Path,
    net: Any,
    data: Any,
    options: argparse.Namespace,
    **more: Any,
) -> None:
    """Calls `write_trajectory` with the data and the options."""
    from spinrnn.recordings.writing import write_trajectory

    write_trajectory(
        out,
        net,
        data.inputs,
        data.lengths,
        labels=data.labels,
        every=options.every,
        variables=[name.strip() for name in options.variables.split(",")],
        noise_seed=options.noise_seed,
        **more,
    )
