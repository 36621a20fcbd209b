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
    "reproduce": "Run what a figure of the paper, or a study of a further one, needs, and draw it.",
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
    parser.add_argument(
        "--data",
        metavar="DIR",
        help="folder with the data that do not come with spinrnn, as DIR/mnist (IDX files)",
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
    from spinrnn.systems.studies import STUDIES

    if options.list:
        for name, found in RECIPES.items():
            print(f"{name:<15} {found.title} (sweeps: {', '.join(found.sweeps)})")
        for name, found in STUDIES.items():
            wants = f" (--data with {', '.join(found.wants)})" if found.wants else ""
            print(f"{name:<15} {found.title}{wants}")
        return 0
    names = _figures(options)
    settings = sweeps.engine_settings(options)
    stop = None if options.no_run else StopSignals()
    failed = 0
    for name in [name for name in names if name in STUDIES]:
        if not _study(STUDIES[name], options, stop):
            return _stopped(name, stop)
    for name in [name for name in names if name not in STUDIES]:
        outcome = _run(name, options, stop, settings)
        for progress in outcome.progress:
            failed += progress.failed
            sweeps.tell_failures(progress)
        if stop is not None and (outcome.findings is None or stop()):
            return _stopped(name, stop)
        _tell(name, outcome)
    return 1 if failed else 0


def _stopped(name: str, stop: Any) -> int:
    """Says how to go on; the exit status."""
    text = f"spinrnn: stopped before {name} was complete; to go on: the same command again"
    print(text, file=sys.stderr)
    return stop.status


def _study(wanted: Any, options: argparse.Namespace, stop: Any) -> bool:
    """Carries a study out and tells what it found; False where it was stopped."""
    from spinrnn.systems.trials import study

    with sweeps.Line() as line:

        def on_trial(key: dict[str, Any], number: int, count: int) -> None:
            what = ", ".join(f"{name} {value}" for name, value in key.items())
            line.start(f"{wanted.name}: trial {number} of {count}, {what}")

        outcome = study(
            wanted,
            _out(options),
            quick=options.quick,
            run=not options.no_run,
            data=options.data,
            on_trial=on_trial,
            stop=stop or (lambda: False),
        )
    if outcome.findings is None:
        return False
    for name in outcome.lacking:
        text = f"{wanted.name} is without its trials on {name}; give them by --data DIR"
        print(f"spinrnn: warning: {text} with DIR/{name}", file=sys.stderr)
    _tell_findings(wanted.name, wanted.title, outcome)
    return True


def _out(options: argparse.Namespace) -> str:
    return options.out or ("reproduction-quick" if options.quick else "reproduction")


def _figures(options: argparse.Namespace) -> list[str]:
    """Names of the figures that are asked for; ConfigError where that is impossible."""
    from spinrnn.errors import ConfigError
    from spinrnn.paper.recipes import RECIPES
    from spinrnn.systems.studies import STUDIES

    known = [*RECIPES, *STUDIES]
    if not options.figures:
        raise ConfigError([f"give a figure, one of {', '.join(known)}, or all"])
    names = known if "all" in options.figures else options.figures
    unknown = [name for name in names if name not in known]
    if unknown:
        there = f"there are {', '.join(known)}, and all"
        raise ConfigError([f"{name}: no such figure; {there}" for name in unknown])
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
            _out(options),
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
    _tell_findings(name, RECIPES[name].title, outcome)


def _tell_findings(name: str, title: str, outcome: Any) -> None:
    print(f"{name}: {title}")
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
