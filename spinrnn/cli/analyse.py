"""The command line of the analysis: `spinrnn analyse`.

Exit status: 0 the report is written, 1 it is too but a measure that --only names is not
in it, 2 bad input or nothing that could be measured.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from spinrnn.cli.options import (
    add_columns,
    add_command,
    add_envelope,
    add_memory,
    add_powers,
    add_use,
    columns,
    envelope,
    powers,
    seconds,
)

SUMMARY = (
    "Measure the dynamics in a trajectory file, or in your own file of a device;"
    " write a report folder."
)


def add_commands(commands: Any) -> None:
    """Adds the command; commands: what `add_subparsers` returned."""
    parser = add_command(commands, "analyse", analyse, SUMMARY)
    add_use(parser)
    parser.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help="trajectory of spinrnn, or a file with time (s), power and perhaps drive (1/s): HDF5,"
        " NPZ, CSV, MATLAB ...",
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        help="report folder (default: FILE-analysis, without the file's ending)",
    )
    parser.add_argument(
        "--only",
        metavar="NAMES",
        help="measures, as in steady,relaxation (default: all that the file allows; --list"
        " names them)",
    )
    parser.add_argument("--list", action="store_true", help="say what measures there are")
    add_columns(parser)
    add_envelope(parser)
    _add_settings(parser)
    _add_numbers(parser)
    add_powers(parser, "0", type=float)
    add_memory(
        parser, "as in 2G; of a large file fewer cases are taken", "half of what is available"
    )


def _add_settings(parser: argparse.ArgumentParser) -> None:
    """Adds the options of how it is measured."""
    parser.add_argument(
        "--start",
        type=seconds,
        default=0.0,
        metavar="S",
        help="leave out what comes before, where a transient would disturb",
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        default=1e-3,
        metavar="X",
        help="changes of the drive that count as noise, as a share of the largest drive",
    )


def _add_numbers(parser: argparse.ArgumentParser) -> None:
    """Adds the numbers of a device that its file may lack."""
    for name, unit, what in (
        ("relaxation-time", "S", "1 / gamma"),
        ("nonlinear-damping", "Q", "Q"),
        ("bias-ratio", "XI", "supercriticality without input"),
        ("input-interval", "S", "time for which an input is held"),
    ):
        parser.add_argument(
            f"--{name}", type=float, metavar=unit, help=f"{what}, where your file does not say it"
        )


def analyse(options: argparse.Namespace) -> int:
    """Measures what the file allows, writes the report and prints its text."""
    from spinrnn.analysis import report
    from spinrnn.analysis.answer import Settings
    from spinrnn.errors import ConfigError

    if options.list:
        return _list()
    if not options.file:
        raise ConfigError(["FILE: give the trajectory or the recording to analyse"])
    if options.out == "":
        raise ConfigError(["--out: give the name of a folder"])
    file = Path(options.file)
    out = options.out or file.with_name(f"{file.stem}-analysis")
    made = report.analyse(
        file,
        out,
        measures=_names(options.only),
        settings=Settings(options.start, options.tolerance, **powers(options)),
        on_measure=lambda name: _show(f"{name} ..."),
        columns=columns(options),
        how=envelope(options),
        input_interval=options.input_interval,
        relaxation_time=options.relaxation_time,
        nonlinear_damping=options.nonlinear_damping,
        bias_ratio=options.bias_ratio,
    )
    _show("")
    written = {Path(path).name for path in made.files}
    files = [
        f"{name}.png and .csv" if f"{name}.png" in written else f"{name}.csv"
        for name in made.findings
    ]
    print(f"{made.text}\nwritten in {out}: report.txt, report.json, {', '.join(files)}")
    return 1 if options.only and made.skipped else 0


def _list() -> int:
    """Prints the names of the measures and what they are."""
    from spinrnn.analysis.measures import MEASURES

    for name, measure in MEASURES.items():
        print(f"{name:<12} {measure.title}")
    return 0


def _names(text: str | None) -> list[str] | None:
    """Names between commas; None, which means all, where nothing is said."""
    if text is None:
        return None
    return [name.strip() for name in text.split(",") if name.strip()]


def _show(text: str) -> None:
    """What is measured now, on a terminal; the empty text clears the line."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
