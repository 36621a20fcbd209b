"""The command line of the reproduced figures: `spinrnn reproduce` and `spinrnn advise`.

Exit status as `spinrnn sweep run` has it.
"""

import argparse
import dataclasses
import json
import sys
from typing import Any

from spinrnn.cli import sweep as sweeps
from spinrnn.cli.options import add_command, add_json, add_powers, interval, powers, whole

SUMMARIES = {
    "reproduce": "Run what a figure of the paper needs, and draw it.",
    "advise": "Recommend relaxation time, substeps, learning rate and amplification"
    " for an input time scale.",
}


def add_commands(commands: Any) -> None:
    """Adds both commands; commands: what `add_subparsers` returned."""
    _add_reproduce(add_command(commands, "reproduce", reproduce, SUMMARIES["reproduce"]))
    _add_advise(add_command(commands, "advise", advise, SUMMARIES["advise"]))


def _add_reproduce(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help="as --list names them, or all")
    parser.add_argument("--list", action="store_true", help="say what figures there are")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="fewer seeds, epochs and points; minutes instead of hours",
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        help="folder of sweeps and figures (default: reproduction, with --quick"
        " reproduction-quick)",
    )
    parser.add_argument(
        "--no-run",
        action="store_true",
        help="only draw what there is, also from the cubes alone, as in data/reproduction",
    )
    add_powers(parser, "0, 1e-9 and 1e-8")
    sweeps.add_engine_options(parser)


def _add_advise(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--interval",
        type=interval,
        required=True,
        metavar="S",
        help="time for which an input value is held, in seconds, as in 10e-9",
    )
    parser.add_argument(
        "--points",
        type=whole,
        default=64,
        metavar="N",
        help="input points of a case (default: 64)",
    )
    parser.add_argument(
        "--relaxation-time",
        type=interval,
        metavar="S",
        help="of the device, where it is given; in seconds",
    )
    parser.add_argument(
        "--cubes",
        metavar="DIR",
        help="folder of the reproduced sweeps (default: those that come with spinrnn)",
    )
    add_json(parser)


# ---- reproduce ----


def reproduce(options: argparse.Namespace) -> int:
    """Runs what the figures need and draws them, one after the other."""
    from spinrnn.machine.signals import StopSignals
    from spinrnn.paper.recipes import RECIPES

    if options.list:
        for name, found in RECIPES.items():
            print(f"{name:<10} {found.title} (sweeps: {', '.join(found.sweeps)})")
        return 0
    names = _figures(options)
    settings = sweeps.engine_settings(options)
    stop = None if options.no_run else StopSignals()
    failed = 0
    for name in names:
        outcome = _run(name, options, stop, settings)
        for progress in outcome.progress:
            failed += progress.failed
            sweeps.tell_failures(progress)
        if stop is not None and (outcome.findings is None or stop()):
            advice = "to go on: the same command again"
            text = f"spinrnn: stopped before {name} was complete; {advice}"
            print(text, file=sys.stderr)
            return stop.status
        _tell(name, outcome)
    return 1 if failed else 0


def _figures(options: argparse.Namespace) -> list[str]:
    """Names of the figures that are asked for; ConfigError where that is impossible."""
    from spinrnn.errors import ConfigError
    from spinrnn.paper.recipes import RECIPES, recipe

    if not options.figures:
        raise ConfigError([f"give a figure, one of {', '.join(RECIPES)}, or all"])
    names = list(RECIPES) if "all" in options.figures else options.figures
    for name in names:
        recipe(name)
    if powers(options) and "energy" not in names:
        raise ConfigError(["--neuron-power, --synapse-power: go with the figure energy"])
    if options.out == "":
        raise ConfigError(["--out: give the name of a folder"])
    return names


def _run(name: str, options: argparse.Namespace, stop: Any, settings: dict[str, Any]) -> Any:
    """`Outcome` of one figure."""
    from spinrnn.paper.reproduction import reproduce

    with sweeps.Line() as line:

        def on_sweep(sweep: Any, folder: Any, points: int) -> None:
            line.start(f"sweep {sweep.name} in {folder}, {points} points")

        return reproduce(
            name,
            options.out or ("reproduction-quick" if options.quick else "reproduction"),
            quick=options.quick,
            run=not options.no_run,
            compute=powers(options) if name == "energy" else None,
            on_sweep=on_sweep,
            on_progress=line,
            stop=stop or (lambda: False),
            **settings,
        )


def _tell(name: str, outcome: Any) -> None:
    """Prints which points are missing, what was found and which files there are."""
    from spinrnn.paper.recipes import RECIPES

    for sweep, count in outcome.missing.items():
        text = f"{name} is drawn without {count} points of the sweep {sweep}"
        print(f"spinrnn: warning: {text}, which have no result", file=sys.stderr)
    print(f"{name}: {RECIPES[name].title}")
    for found in outcome.findings.values():
        unit = "" if found["unit"] in ("1", "") else f" {found['unit']}"
        print(f"  {found['meaning']}: {json.dumps(found['value'])}{unit}")
    print(f"  written: {', '.join(outcome.files)}", flush=True)


# ---- advise ----


def advise(options: argparse.Namespace) -> int:
    """Prints the advice, as a configuration file or as JSON."""
    from spinrnn.paper import guide

    advice = guide.advise(options.interval, options.points, options.relaxation_time, options.cubes)
    if options.json:
        print(json.dumps(dataclasses.asdict(advice)))
    else:
        print(guide.to_toml(advice), end="")
    return 0
