"""Options that several commands have, and the types of their values.

`add_command` makes the parser of a command; the functions below it add one option each.
A type turns the text of an option into its value or says in one line what it must be.
"""

import argparse
import json
import math
import sys
from collections.abc import Callable
from typing import Any

Command = Callable[[argparse.Namespace], int]
"""What a command does: takes the parsed options, returns the exit status."""


def add_command(
    commands: Any, name: str, function: Command, summary: str, *, threads: bool = True
) -> argparse.ArgumentParser:
    """Adds a command and returns its parser.

    Args:
        commands: what `add_subparsers` returned.
        name, function, summary: of the command.
        threads: whether it has the option --threads.
    """
    parser = commands.add_parser(name, help=summary, description=summary)
    parser.set_defaults(function=function, threads=None, limits=True)
    if threads:
        parser.add_argument(
            "--threads",
            type=whole,
            metavar="N",
            help="threads (default: SPINRNN_THREADS, else as many as SLURM and the system allow)",
        )
    return parser


def add_memory(
    parser: argparse.ArgumentParser,
    what: str,
    default: str = "SPINRNN_MEMORY, else half of what is available",
) -> None:
    """Adds --memory; what: what the memory is for, default: what holds without it."""
    parser.add_argument(
        "--memory", type=size, metavar="SIZE", help=f"memory {what} (default: {default})"
    )


def add_set(parser: argparse.ArgumentParser, example: str = "train.epochs=50") -> None:
    """Adds --set, a list of texts KEY=VALUE."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help=f"overrule one key, as in {example}; may be repeated",
    )


def add_seed(parser: argparse.ArgumentParser) -> None:
    """Adds --seed."""
    parser.add_argument("--seed", type=integer, metavar="N", help="short for --set train.seed=N")


def add_use(parser: argparse.ArgumentParser) -> None:
    """Adds --use, a list of files."""
    parser.add_argument(
        "--use",
        action="append",
        default=[],
        metavar="FILE",
        help="Python file with kinds of your own, as mydevices.py, which is run; may be repeated",
    )


def add_forward(parser: argparse.ArgumentParser, what: str) -> None:
    """Adds --forward; what: it is asked for."""
    parser.add_argument(
        "--forward",
        metavar="MODULE:NAME",
        help=f"a device that gives {what} in place of the network: a callable of a Python module"
        " of yours, which is run, as lab:device or drivers/lab.py:device",
    )


def forward_of(options: argparse.Namespace) -> Any:
    """The callable of --forward, None without it."""
    if options.forward is None:
        return None
    from spinrnn.runs.loops import named

    return named(options.forward)


def note_of_device(folder: Any, forward: Any) -> None:
    """Prints `runs.loops.note_of`, if there is one."""
    from spinrnn.runs.loops import note_of

    note = note_of(folder, forward)
    if note is not None:
        print(f"spinrnn: note: {note}", file=sys.stderr)


def add_columns(
    parser: argparse.ArgumentParser, what: str = "a file of yours", example: str = "time=t,power=V2"
) -> None:
    """Adds --columns and --units; what: the file that they are about."""
    parser.add_argument(
        "--columns",
        metavar="NAMES",
        help=f"which arrays or columns of {what} are which, as in {example}; a number"
        " counts them from 1",
    )
    parser.add_argument(
        "--units",
        metavar="UNITS",
        help="units of them by name or number, as in t=ns,I=mA, where the file does not say them or"
        " not rightly; they are converted to SI units",
    )


def add_targets(parser: argparse.ArgumentParser) -> None:
    """Adds --targets and --rows, of data that are learned."""
    parser.add_argument(
        "--targets",
        metavar="NAMES",
        help="columns or arrays of the data that are targets of a regression, as in y,z; a number"
        " counts them from 1",
    )
    add_rows(parser, "points")


def add_rows(parser: argparse.ArgumentParser, default: str) -> None:
    """Adds --rows; default: what holds without it."""
    parser.add_argument(
        "--rows",
        choices=("points", "cases"),
        help="of a table without a column of cases: all rows are points of one case, or each is a"
        f" case of one point (default: {default})",
    )


def columns(options: argparse.Namespace) -> Any:
    """`Columns` of these options."""
    import dataclasses

    from spinrnn.config.tables import names_in
    from spinrnn.errors import ConfigError
    from spinrnn.readers.columns import Columns

    said, problems = Columns.of_texts(options.columns, options.units), []
    text = getattr(options, "targets", None)
    targets = () if text is None else names_in(text, "--targets", problems)
    if problems:
        raise ConfigError(problems)
    return dataclasses.replace(said, rows=getattr(options, "rows", None), targets=targets)


def add_config(parser: argparse.ArgumentParser, what: str) -> None:
    """Adds the argument CONFIG.toml, which may be left out; what: it is."""
    parser.add_argument("config", nargs="?", metavar="CONFIG.toml", help=what)


def add_recipe(parser: argparse.ArgumentParser) -> None:
    """Adds --recipe."""
    parser.add_argument(
        "--recipe",
        metavar="NAME",
        help="defaults of this name, as series for measured series; short for --set recipe=NAME",
    )


def add_ensemble(parser: argparse.ArgumentParser) -> None:
    """Adds --ensemble."""
    parser.add_argument(
        "--ensemble",
        type=whole,
        metavar="K",
        help="train K networks that answer together; short for --set train.ensemble=K",
    )


SHORT = {
    "recipe": "recipe",
    "seed": "train.seed",
    "ensemble": "train.ensemble",
    "columns": "data.columns",
    "units": "data.units",
    "targets": "data.targets",
    "rows": "data.rows",
}
"""{option: key}, of those that are short for --set KEY=VALUE."""


def settings_of(options: argparse.Namespace) -> list[str]:
    """Texts KEY=VALUE of --set and what is short for it; ConfigError where they say the
    same key twice.
    """
    from spinrnn.errors import ConfigError

    known = {text.partition("=")[0].strip() for text in options.set}
    given = {option: getattr(options, option, None) for option in SHORT}
    given = {option: value for option, value in given.items() if value is not None}
    twice = [option for option in given if SHORT[option] in known]
    if twice:
        raise ConfigError([f"--{o} and --set {SHORT[o]}: give one of them" for o in twice])
    if "targets" in given:
        # a number of a column is a text in the file
        given["targets"] = json.dumps(given["targets"], ensure_ascii=False)
    return [*options.set, *(f"{SHORT[option]}={value}" for option, value in given.items())]


def add_envelope(parser: argparse.ArgumentParser) -> None:
    """Adds --envelope, --band and --rate."""
    parser.add_argument(
        "--envelope",
        action="store_true",
        help="the file has a voltage that oscillates, in place of a power: take its power",
    )
    parser.add_argument(
        "--band",
        type=band,
        metavar="LOW:HIGH",
        help="envelope: frequencies in Hz that are kept, as 0.9e9:1.1e9 (default: chosen from the"
        " spectrum)",
    )
    parser.add_argument(
        "--rate",
        type=positive,
        metavar="HZ",
        help="envelope: powers in a second (default: the width of the band)",
    )


def envelope(options: argparse.Namespace) -> Any:
    """`Demodulation` of the three options; None without --envelope.

    ConfigError: --band or --rate alone.
    """
    from spinrnn.errors import ConfigError
    from spinrnn.recordings.envelope import Demodulation

    if options.envelope:
        return Demodulation(options.band, options.rate)
    given = [name for name in ("band", "rate") if getattr(options, name) is not None]
    if given:
        raise ConfigError([f"--{given[0]}: goes with --envelope"])
    return None


def add_json(parser: argparse.ArgumentParser, what: str = "one JSON object") -> None:
    """Adds --json; what: what is printed then."""
    parser.add_argument("--json", action="store_true", help=f"print {what}")


def add_powers(
    parser: argparse.ArgumentParser, synapse: str, type: Callable[[str], float] | None = None
) -> None:
    """Adds the two powers of the energy; synapse: the second default in words."""
    parser.add_argument(
        "--neuron-power",
        type=type or power,
        metavar="W",
        help="energy: power of an oscillator (default: 0.65e-6)",
    )
    parser.add_argument(
        "--synapse-power",
        type=type or power,
        metavar="W",
        help=f"energy: power of a synapse (default: {synapse})",
    )


def powers(options: argparse.Namespace) -> dict[str, float]:
    """The powers in W that were given, under the names of `analysis.energy`'s
    arguments.
    """
    given = {"neuron_power": options.neuron_power, "synapse_power": options.synapse_power}
    return {name: value for name, value in given.items() if value is not None}


# ---- types of values ----


def whole(text: str) -> int:
    """A whole number of at least 1."""
    if not (text.isascii() and text.isdigit() and len(text) < 9 and int(text)):
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text!r}")
    return int(text)


def integer(text: str) -> int:
    """A whole number; whether it may be negative is for the key to say."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a whole number, got {text!r}") from None


def size(text: str) -> int:
    """A size of memory in bytes, as in 2G."""
    from spinrnn.machine.memory import parse_size

    try:
        return parse_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def number(text: str) -> float:
    """A number from 0."""
    return _number(text, lambda value: value >= 0, "a number from 0")


def seconds(text: str) -> float:
    """A time in s from 0."""
    return _number(text, lambda value: value >= 0, "a time in seconds from 0, as in 50e-9")


def interval(text: str) -> float:
    """A time in s above 0."""
    return _number(text, lambda value: value > 0, "a positive time in seconds, as in 10e-9")


def positive(text: str) -> float:
    """A number above 0."""
    return _number(text, lambda value: value > 0, "a number above 0, as in 50e6")


def band(text: str) -> tuple[float, float]:
    """Two frequencies in Hz, the lower one first."""
    low, colon, high = text.partition(":")
    try:
        limits = positive(low), positive(high)
    except argparse.ArgumentTypeError:
        limits = 1.0, 0.0
    if not colon or limits[0] >= limits[1]:
        raise argparse.ArgumentTypeError(
            f"must be two frequencies in Hz, as in 0.9e9:1.1e9, got {text!r}"
        )
    return limits


def power(text: str) -> float:
    """A power in W from 0."""
    return _number(text, lambda value: value >= 0, "a power in watts from 0, as in 0.65e-6")


def _number(text: str, allowed: Callable[[float], bool], what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    # each comparison is false for NaN, so NaN is refused
    if not (allowed(value) and value < math.inf):
        raise argparse.ArgumentTypeError(f"must be {what}, got {text!r}")
    return value
