"""The command line of `spinrnn tasks`: the built-in tasks, and what simple methods and
a network reach on them.
"""

import argparse
import json
import math
from pathlib import Path
from typing import Any

from spinrnn.cli.options import add_command, add_json, add_set, whole

SUMMARY = (
    "List the tasks that need no file; of one, what simple methods and a reservoir of"
    " oscillators, or a trained network, reach."
)


def add_commands(commands: Any) -> None:
    """Adds the command; commands: what `add_subparsers` returned."""
    parser = add_command(commands, "tasks", tasks, SUMMARY)
    parser.add_argument(
        "task", nargs="?", metavar="TASK", help="one of them, as narma10 (default: list all)"
    )
    parser.add_argument(
        "--run", metavar="DIR", help="compare the network of this run folder, on its data"
    )
    parser.add_argument(
        "--neurons", type=whole, metavar="N", help="of the reservoir and of the ESN (default: 100)"
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="of the reservoir and of the ESN; that of the series is --set data.seed=N",
    )
    add_set(parser, "data.length=2000")
    parser.add_argument(
        "--recipe",
        choices=("reservoir", "trained"),
        default="reservoir",
        help="configuration for the task: a reservoir, or 3 x 32 trained by backpropagation",
    )
    parser.add_argument(
        "--write", metavar="FILE", help="write the configuration to this file and compute nothing"
    )
    parser.add_argument(
        "--out", metavar="PNG", help="draw the capacities of memory or parity, or the errors"
    )
    add_json(parser)


def tasks(options: argparse.Namespace) -> int:
    """Lists the tasks, or compares on one of them."""
    from spinrnn.config.toml import overruled
    from spinrnn.errors import ConfigError
    from spinrnn.learning.recipes import recipe

    if options.task is None and options.run is None:
        others = {"--write": options.write, "--out": options.out, "--neurons": options.neurons}
        given = [name for name, value in others.items() if value is not None]
        if given or options.set:
            raise ConfigError([f"{(given or ['--set'])[0]}: name a task, as spinrnn tasks narma10"])
        return _list(options)
    for name in ("run", "write", "out"):
        if getattr(options, name) == "":
            raise ConfigError([f"--{name}: give a name"])
    if options.run is not None:
        return _compare(options, *_of_run(options))
    tables = recipe(options.task, options.recipe, options.neurons)
    tables["train"]["seed"] = options.seed
    config = overruled(tables, options.set)
    if options.write is not None:
        return _write(options.write, tables)
    return _compare(options, config, None)


# ---- all ----


def _list(options):
    from spinrnn.config.sources import SOURCES
    from spinrnn.datasets.builtin import BUILT_INS

    for name, one in BUILT_INS.items():
        known = {"kind": SOURCES[name].task["kind"], "points": SOURCES[name].length}
        told = {"asks": one.asks, "equation": one.equation, "cites": one.cites, "doi": one.doi}
        if options.json:
            print(json.dumps({"task": name, **known, **told}))
            continue
        print(f"{name}: {one.asks} ({known['kind']}, {known['points']} points)")
        if one.equation:
            print(f"  {one.equation}")
        print(f"  {one.cites}, doi:{one.doi}")
    return 0


# ---- one ----


def _of_run(options):
    """(`RunConfig`, `Network`) of the folder of a run."""
    from spinrnn.errors import ConfigError
    from spinrnn.runs.loading import open_run

    if options.task is not None or options.neurons is not None or options.write is not None:
        raise ConfigError(["--run: takes task and neurons from the run; leave the others out"])
    run = open_run(options.run, options.set, command="tasks")
    return run.config, run.network


def _write(path, tables):
    from spinrnn.config.toml import tables_to_toml
    from spinrnn.errors import StoreError
    from spinrnn.files.atomic import write_atomic

    if Path(path).exists():
        raise StoreError(f"{path} exists; choose another name")
    write_atomic(path, tables_to_toml(tables))
    print(f"{path}: for spinrnn train {path}")
    return 0


def _compare(options, config, network):
    from spinrnn.runs.comparison import compare

    found = compare(config, network, options.seed)
    if options.out is not None:
        from spinrnn import plotting
        from spinrnn.runs import figures

        plotting.save(figures.draw(found), options.out)
    if options.json:
        parts = dict(zip(("training", "validation", "test"), found.points, strict=True))
        head = {"task": config.data.source, "points": parts, "picture": options.out}
        print(json.dumps({**head, "findings": found.findings()}))
        return 0
    print("\n".join(_lines(found)))
    if options.out is not None:
        print(f"picture: {options.out}")
    return 0


def _lines(found):
    """The comparison as a table for people."""
    from spinrnn.datasets.builtin import BUILT_INS

    one = BUILT_INS[found.config.data.source]
    training, validation, test = found.points
    lines = [
        f"{found.config.data.name}: {one.asks} ({one.cites}, doi:{one.doi})",
        f"training {training}, validation {validation}, test {test} points; numbers are those of "
        "the test",
    ]
    columns = _columns(found)
    width = max(len(_name(found, side)) for side in found.sides) + 2
    lines.append(" " * width + "".join(f"{name:>14}" for name in columns))
    for side in found.sides:
        values = "".join(f"{_shown(value(side)):>14}" for value in columns.values())
        chosen = ", ".join(f"{key} {value:g}" for key, value in side.chosen.items())
        lines.append(f"{_name(found, side):<{width}}{values}   {chosen}".rstrip())
    if found.sides[-1].capacities is not None:
        chance = f"by chance {found.chance:.2g} of each output"
        lines.append(f"the capacity is at most {found.bound}; {chance}")
    return lines


def _name(found, side):
    if side.name == "network":
        neurons, learned = found.config.network.layers, found.config.train.estimator.kind
        return f"{' x '.join(map(str, neurons))} neurons, {learned}"
    return f"{side.name}, {side.features} numbers"


def _columns(found):
    """{heading: function of a `Side`}."""
    task = found.config.task
    columns = {
        score.name: lambda side, name=score.name: side.evaluation.scores[name]
        for score in task.scores
        if score.name not in ("smape", "balanced_accuracy")
    }
    if task.kind == "forecasting":
        columns["log10 nrmse"] = lambda side: math.log10(side.evaluation.scores["nrmse"])
    if found.sides[-1].capacities is not None:
        columns["capacity"] = lambda side: side.capacities.sum()
    return columns


def _shown(value):
    return f"{value:.4g}"
