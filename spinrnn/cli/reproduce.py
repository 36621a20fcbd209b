"""The command line of the reproduced figures: `spinrnn reproduce` and `spinrnn advise`. Exit status as `spinrnn sweep run` has it."""

import dataclasses
import json
import math
import sys

from spinrnn.cli import sweep as cli_sweep


def add_commands(command, positive, size):
    """Adds both commands; arguments as those of `cli_sweep.add_commands`."""
    sub = command("reproduce", _reproduce, "Run what a figure of the paper needs, and draw it.")
    sub.add_argument("figures", nargs="*", metavar="FIGURE", help="as --list names them, or all")
    sub.add_argument("--list", action="store_true", help="say what figures there are")
    sub.add_argument(
        "--quick",
        action="store_true",
        help="fewer seeds, epochs and points; minutes instead of hours",
    )
    sub.add_argument(
        "--out",
        metavar="DIR",
        help="folder of sweeps and figures (default: reproduction, with --quick reproduction-quick)",
    )
    sub.add_argument(
        "--no-run",
        action="store_true",
        help="only draw what there is, also from the cubes alone, as in data/reproduction",
    )
    sub.add_argument(
        "--neuron-power",
        type=_power,
        metavar="W",
        help="energy: power of an oscillator (default: 0.65e-6)",
    )
    sub.add_argument(
        "--synapse-power",
        type=_power,
        metavar="W",
        help="energy: power of a synapse (default: 0, 1e-9 and 1e-8)",
    )
    cli_sweep.add_engine_options(sub, positive, size)

    sub = command(
        "advise",
        _advise,
        "Recommend relaxation time, substeps, learning rate and amplification for an input time scale.",
    )
    sub.add_argument(
        "--interval",
        type=_seconds,
        required=True,
        metavar="S",
        help="time for which an input value is held, in seconds, as in 10e-9",
    )
    sub.add_argument(
        "--points",
        type=positive,
        default=64,
        metavar="N",
        help="input points of a case (default: 64)",
    )
    sub.add_argument(
        "--relaxation-time",
        type=_seconds,
        metavar="S",
        help="of the device, where it is given; in seconds",
    )
    sub.add_argument(
        "--cubes",
        metavar="DIR",
        help="folder of the reproduced sweeps (default: those that come with spinrnn)",
    )
    sub.add_argument("--json", action="store_true", help="print one JSON object")


def _power(text):
    return _number(text, lambda value: value >= 0, "a power in watts from 0, as in 0.65e-6")


def _seconds(text):
    return _number(text, lambda value: value > 0, "a positive time in seconds, as in 10e-9")


def _number(text, allowed, what):
    import argparse

    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (allowed(value) and value < math.inf):
        raise argparse.ArgumentTypeError(f"must be {what}, got {text!r}")
    return value


def _reproduce(options):
    from spinrnn.errors import ConfigError
    from spinrnn.machine.signals import StopSignals
    from spinrnn.paper.recipes import RECIPES, recipe
    from spinrnn.paper.reproduction import reproduce

    if not options.figures and not options.list:
        raise ConfigError([f"give a figure, one of {', '.join(RECIPES)}, or all"])
    if options.list:
        for name, found in RECIPES.items():
            print(f"{name:<10} {found.title} (sweeps: {', '.join(found.sweeps)})")
        return 0
    names = list(RECIPES) if "all" in options.figures else options.figures
    for name in names:
        recipe(name)
    compute = {"neuron_power": options.neuron_power, "synapse_power": options.synapse_power}
    compute = {name: value for name, value in compute.items() if value is not None}
    if compute and "energy" not in names:
        raise ConfigError(["--neuron-power, --synapse-power: go with the figure energy"])
    if options.out == "":
        raise ConfigError(["--out: give the name of a folder"])
    out = options.out or ("reproduction-quick" if options.quick else "reproduction")
    settings = cli_sweep.engine_settings(options)
    stop, failed = (lambda: False) if options.no_run else StopSignals(), 0

    for name in names:
        with cli_sweep.Line() as line:

            def on_sweep(sweep, folder, points, line=line):
                line.start(f"sweep {sweep.name} in {folder}, {points} points")

            outcome = reproduce(
                name, out, quick=options.quick, run=not options.no_run, compute=compute if name == "energy" else None, on_sweep=on_sweep,
                on_progress=line, stop=stop, **settings,
            )  # fmt: skip
        for progress in outcome.progress:
            failed += progress.failed
            cli_sweep.tell_failures(progress)
        if outcome.findings is None or stop():
            print(
                f"spinrnn: stopped before {name} was complete; to go on: the same command again",
                file=sys.stderr,
            )
            return stop.status
        for sweep, count in outcome.missing.items():
            print(
                f"spinrnn: warning: {name} is drawn without {count} points of the sweep {sweep}, which have no result",
                file=sys.stderr,
            )
        print(f"{name}: {RECIPES[name].title}")
        for what, value in outcome.findings.items():
            print(f"  {what}: {json.dumps(value)}")
        print(f"  written: {', '.join(outcome.files)}", flush=True)
    return 1 if failed else 0


def _advise(options):
    from spinrnn.paper.guide import advise, to_toml

    advice = advise(options.interval, options.points, options.relaxation_time, options.cubes)
    print(
        json.dumps(dataclasses.asdict(advice)) if options.json else to_toml(advice),
        end="\n" if options.json else "",
    )
    return 0
