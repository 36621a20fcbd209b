"""The command line of `spinrnn look`: what spinrnn sees in a file or folder, or a run.

Exit status: 0 it was read, whatever it could be used for; 2 it cannot be read.
"""

import argparse
import dataclasses
import json
from typing import Any

from spinrnn.cli.options import add_columns, add_command, add_json, add_targets, add_use, columns

SUMMARY = (
    "Say what is in a file or folder of data:"
    " arrays, units, cases, classes, sampling, what it could be used for."
)


def add_commands(commands: Any) -> None:
    """Adds the command; commands: what `add_subparsers` returned."""
    parser = add_command(commands, "look", look, SUMMARY, threads=False)
    parser.add_argument(
        "file",
        metavar="FILE",
        help="data as of data.source (.npz, HDF5, netCDF, MATLAB, .ts, .tsv, CSV, WAV, LabVIEW,"
        " OOMMF, TDMS; a folder; digits), a device's recording, or the folder of a run",
    )
    add_columns(parser)
    add_targets(parser)
    add_use(parser)
    parser.add_argument(
        "--out",
        metavar="PNG",
        help="write a picture of it to this file; of the run of a spiking network what its"
        " neurons have learned",
    )
    add_json(parser)


_READERS = {
    "trajectory": "a trajectory is read by spinrnn analyse, and one neuron of it by spinrnn"
    " identify --neuron L,N",
    "network": "a network is read by spinrnn simulate, and in Python by spinrnn.load",
    "learned": "a learned device is read by spinrnn identify --learned, and in Python by"
    " spinrnn.load_learned",
}
"""{kind of a file of spinrnn: what reads it}."""


def look(options: argparse.Namespace) -> int:
    """Looks at the file; prints what is in it and writes the picture."""
    from spinrnn.errors import ConfigError, DataError
    from spinrnn.look import contents, runs
    from spinrnn.look.wording import lines_of

    if not options.file or options.out == "":
        raise ConfigError(["FILE, --out: give the name of a file"])
    if contents.is_ours(options.file):
        from spinrnn.files.container import kind_of

        advice = _READERS.get(kind_of(options.file), "; ".join(_READERS.values()))
        raise DataError(f"{options.file}: was written by spinrnn; {advice}")
    if runs.is_run(options.file):
        return _look_at_run(options)
    found = contents.look(options.file, columns(options))
    picture = None
    if options.out:
        from spinrnn import plotting
        from spinrnn.look import figures

        axes = figures.draw(found)
        if axes is not None:
            plotting.save(axes, options.out)
            picture = options.out
    if options.json:
        print(json.dumps({**_plain(found), "picture": picture}))
        return 0
    print("\n".join(lines_of(found)))
    if options.out:
        print(f"\npicture: {picture or 'none, there is nothing to draw'}")
    return 0


def _look_at_run(options: argparse.Namespace) -> int:
    """Prints what a run is made of and what it has learned."""
    from spinrnn.cli.wording import trained_lines, trained_numbers
    from spinrnn.errors import ConfigError
    from spinrnn.look.runs import lines_of_run, look_at_run

    said = columns(options)
    if not said.empty or said.targets or said.rows is not None:
        given = "--columns, --units, --targets, --rows"
        raise ConfigError([f"{given}: go with data, not with a run"])
    found = look_at_run(options.file)
    if options.out:
        _draw_run(found, options.out)
    members = getattr(found.network, "networks", (found.network,))
    if options.json:
        trained = [trained_numbers(net).get("trained", {}) for net in members]
        own = {"trained": trained[0]} if len(members) == 1 else {"members": trained}
        print(json.dumps({**found.plain(), **own, "picture": options.out}))
        return 0
    print("\n".join(lines_of_run(found)))
    for k, net in enumerate(members):
        name = f"member {k}, " if len(members) > 1 else ""
        print("".join(f"  {name}{line}\n" for line in trained_lines(net)), end="")
    if options.out:
        print(f"\npicture: {options.out}")
    return 0


def _draw_run(found: Any, path: str) -> None:
    """Writes the picture of a run; ConfigError where there is none."""
    from spinrnn import plotting
    from spinrnn.errors import ConfigError
    from spinrnn.look import figures

    if hasattr(found.network, "networks"):
        told = f"--out: an ensemble; give one of its networks, as {found.folder}/member-0"
        raise ConfigError([told])
    if found.kind != "spiking":
        told = "--out: goes with data, or with the run of a spiking network, whose receptive fields"
        raise ConfigError([f"{told} it draws; this one is {found.kind}"])
    axes = figures.receptive_fields(found.network, found.known.classes)
    plotting.save(axes[0], path)


def _plain(found: Any) -> dict[str, Any]:
    """A look as JSON has it: no NaN, and without the data."""
    from spinrnn.findings import plain

    kept = ("source", "attributes", "left_out", "notes", "uses")
    result: dict[str, Any] = {name: getattr(found, name) for name in kept}
    result["arrays"] = [dataclasses.asdict(array) for array in found.arrays]
    result["cases"] = None if found.cases is None else dataclasses.asdict(found.cases)
    return plain(result)
