"""The command line of the analysis: `spinrnn analyse`.

Exit status: 0 the report is written, 1 it is too but a measure that --only names is not in it, 2 bad input or nothing that could be measured.
"""

import math
import sys


def add_commands(command, positive, size):
    """Adds the command; arguments as those of `cli_sweep.add_commands`."""
    sub = command(
        "analyse",
        _analyse,
        "Measure the dynamics in a trajectory file, or in your own file of a device; write a report folder.",
    )
    sub.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help="trajectory of spinrnn, or HDF5 or NPZ with time (s), power and perhaps drive (1/s)",
    )
    sub.add_argument(
        "--out",
        metavar="DIR",
        help="report folder (default: FILE-analysis, without the file's ending)",
    )
    sub.add_argument(
        "--only",
        metavar="NAMES",
        help="measures, as in steady,relaxation (default: all that the file allows; --list names them)",
    )
    sub.add_argument("--list", action="store_true", help="say what measures there are")
    sub.add_argument(
        "--start",
        type=_seconds,
        default=0.0,
        metavar="S",
        help="leave out what comes before, where a transient would disturb",
    )
    sub.add_argument(
        "--tolerance",
        type=float,
        default=1e-3,
        metavar="X",
        help="changes of the drive that count as noise, as a share of the largest drive",
    )
    for name, unit, what in (
        ("relaxation-time", "S", "1 / gamma"),
        ("nonlinear-damping", "Q", "Q"),
        ("bias-ratio", "XI", "supercriticality without input"),
        ("input-interval", "S", "time for which an input is held"),
    ):
        sub.add_argument(
            f"--{name}", type=float, metavar=unit, help=f"{what}, where your file does not say it"
        )
    sub.add_argument(
        "--neuron-power",
        type=float,
        metavar="W",
        help="energy: power of an oscillator (default: 0.65e-6)",
    )
    sub.add_argument(
        "--synapse-power", type=float, metavar="W", help="energy: power of a synapse (default: 0)"
    )
    sub.add_argument(
        "--memory",
        type=size,
        metavar="SIZE",
        help="memory, as in 2G; of a large file fewer cases are taken (default: half of what is available)",
    )


def _seconds(text):
    import argparse

    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(
            f"must be a time in seconds from 0, as in 50e-9, got {text!r}"
        )
    return value


def _analyse(options):
    from pathlib import Path

    from spinrnn.analysis.measures import MEASURES, Settings
    from spinrnn.analysis.report import analyse
    from spinrnn.errors import ConfigError

    if options.list:
        for name, measure in MEASURES.items():
            print(f"{name:<12} {measure.__doc__}")
        return 0
    if not options.file:
        raise ConfigError(["FILE: give the trajectory or the recording to analyse"])
    if options.out == "":
        raise ConfigError(["--out: give the name of a folder"])
    powers = {"neuron_power": options.neuron_power, "synapse_power": options.synapse_power}
    settings = Settings(
        options.start,
        options.tolerance,
        **{name: value for name, value in powers.items() if value is not None},
    )
    file = Path(options.file)

    def on_measure(name):
        if sys.stderr.isatty():
            print(f"\r\x1b[K{name} ...", end="", file=sys.stderr, flush=True)

    out = options.out or file.with_name(f"{file.stem}-analysis")
    report = analyse(
        file,
        out,
        measures=None
        if options.only is None
        else [name.strip() for name in options.only.split(",") if name.strip()],
        settings=settings,
        on_measure=on_measure,
        input_interval=options.input_interval,
        relaxation_time=options.relaxation_time,
        nonlinear_damping=options.nonlinear_damping,
        bias_ratio=options.bias_ratio,
    )
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    pairs = [f"{name}.png and .csv" for name in report.findings]
    print(report.text + f"\nwritten in {out}: report.txt, {', '.join(pairs)}")
    return 1 if options.only and report.skipped else 0
