"""The command line of `spinrnn evaluate`."""

import argparse
import json
import sys
from typing import Any

from spinrnn.cli.options import (
    add_command,
    add_forward,
    add_json,
    add_memory,
    add_set,
    add_use,
    forward_of,
    note_of_device,
)
from spinrnn.cli.wording import (
    chosen,
    number_of,
    of_classes,
    trained_lines,
    trained_numbers,
    value_of,
)

SUMMARY = "Test a trained network on the test part of its data."


def add_commands(commands: Any) -> None:
    """Adds the command; commands: what `add_subparsers` returned."""
    parser = add_command(commands, "evaluate", evaluate, SUMMARY)
    parser.add_argument("run", metavar="RUN", help="run folder")
    add_set(parser)
    add_use(parser)
    add_forward(parser, "the outputs")
    add_memory(
        parser,
        "for the states of a batch, as in 2G; less takes longer and gives the same bits",
    )
    add_json(parser)


def evaluate(options: argparse.Namespace) -> int:
    """Tests the network; prints the scores and what is special about its devices."""
    from spinrnn.datasets import parts
    from spinrnn.errors import StoreError
    from spinrnn.learning import trainer
    from spinrnn.runs.loading import load_data, open_run

    forward = forward_of(options)
    run = open_run(options.run, options.set)
    note_of_device(run.folder, forward)
    data = load_data(run.config, run.folder)
    run.check_data(data.digest())
    if run.best_epoch is None:
        advice = f"go on with spinrnn train --out {run.folder} --resume"
        raise StoreError(f"{run.folder}: no epoch has been finished yet; {advice}")
    if run.note:
        print(f"spinrnn: warning: {run.note}", file=sys.stderr)
    test = parts.divide(data, run.config)[2]
    if sys.stderr.isatty():
        text = f"evaluating {len(test)} cases; the first call of a version compiles"
        print(f"{text} for some seconds", file=sys.stderr, flush=True)
    task = run.config.task
    found = trainer.evaluate(run.network, test, task=task, forward=forward)
    substeps = run.network.config.resolved_substeps
    numbers = {f"test_{name}": value for name, value in found.plain().items()}
    further = {name: array.tolist() for name, array in found.further.items()}
    if options.json:
        place = {"cases": len(test), "substeps": substeps, "finished": run.finished}
        place |= {} if forward is None else {"forward": options.forward}
        print(json.dumps({**numbers, **place, **further, **trained_numbers(run.network)}))
        return 0
    text = _scores(task, found.plain(), len(test))
    text += f", {substeps} substeps" if "time" in run.network.config.abilities else ""
    members = getattr(run.network, "networks", ())
    text += f", ensemble of {len(members)}" if members else ""
    text += f", of the device {options.forward}" if forward is not None else ""
    print(text + _devices(run.network) + _noise(run.network.config))
    for line in (*of_classes({**numbers, **further}, run.network), *trained_lines(run.network)):
        print(line)
    return 0


def _scores(task: Any, scores: dict[str, Any], cases: int) -> str:
    """The scores in words, the one that chooses first."""
    score = chosen(task)
    text = f"test {score.name} {value_of(score, scores[score.name])} of {cases} case"
    text += "s" if cases > 1 else ""
    others = [name for name in scores if name != score.name and "balanced" not in name]
    return text + "".join(f", {name} {number_of(scores[name])}" for name in others)


def _devices(net: Any) -> str:
    """Which devices the network has, where they differ."""
    from spinrnn.neurons.spread import draw_devices

    if net.devices is None:
        return ""
    drawn = net.devices.same(draw_devices(net.config))
    seed = f" (spread.seed {net.config.spread.seed})" if drawn else ""
    return f", devices that differ{seed}"


def _noise(config: Any) -> str:
    """Which thermal noise the network has, if any."""
    timed = "time" in config.abilities
    noisy = [neuron for neuron in config.neurons if neuron.noisy] if timed else []
    powers = dict.fromkeys(getattr(neuron, "thermal_power", None) for neuron in noisy)
    known = " and ".join(f"{power:g}" for power in powers if power is not None)
    return (", thermal noise" + (f" of {known}" if known else "")) if noisy else ""
