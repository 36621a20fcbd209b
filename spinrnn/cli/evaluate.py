"""The command line of `spinrnn evaluate`."""

import argparse
import json
import sys
from typing import Any

from spinrnn.cli.options import add_command, add_json, add_memory, add_set, add_use

SUMMARY = "Test a trained network on the test part of its data."


def add_commands(commands: Any) -> None:
    """Adds the command; commands: what `add_subparsers` returned."""
    parser = add_command(commands, "evaluate", evaluate, SUMMARY)
    parser.add_argument("run", metavar="RUN", help="run folder")
    add_set(parser)
    add_use(parser)
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

    run = open_run(options.run, options.set)
    data = load_data(run.config, run.folder)
    run.check_data(data.digest())
    if run.best_epoch is None:
        advice = f"go on with spinrnn train --out {run.folder} --resume"
        raise StoreError(f"{run.folder}: no epoch has been finished yet; {advice}")
    if run.note:
        print(f"spinrnn: warning: {run.note}", file=sys.stderr)
    test = data.take(parts.split(data, run.config.data, run.config.resolved_split_seed)[2])
    if sys.stderr.isatty():
        text = f"evaluating {len(test)} cases; the first call of a version compiles"
        print(f"{text} for some seconds", file=sys.stderr, flush=True)
    score = trainer.evaluate(run.network, test)
    substeps = run.network.config.resolved_substeps
    if options.json:
        result = {
            "test_accuracy": score.accuracy,
            "test_loss": score.loss,
            "cases": len(test),
            "substeps": substeps,
            "finished": run.finished,
            "confusion": score.confusion.tolist(),
        }
        print(json.dumps(result))
    else:
        text = f"test accuracy {100 * score.accuracy:.2f} % of {len(test)} cases"
        text += f", loss {score.loss:.4f}, {substeps} substeps"
        print(text + _devices(run.network) + _noise(run.network.config))
    return 0


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
    noisy = [neuron for neuron in config.neurons if neuron.noisy]
    powers = dict.fromkeys(getattr(neuron, "thermal_power", None) for neuron in noisy)
    known = " and ".join(f"{power:g}" for power in powers if power is not None)
    return (", thermal noise" + (f" of {known}" if known else "")) if noisy else ""
