"""The command line of `spinrnn evaluate`."""

import dataclasses
import json
import sys
from pathlib import Path


def _evaluate(options):
    from spinrnn.config.toml import load_config
    from spinrnn.datasets import loading as loading_
    from spinrnn.datasets import parts
    from spinrnn.errors import ConfigError, StoreError
    from spinrnn.files.text import read_json
    from spinrnn.learning import trainer as training
    from spinrnn.neurons.spread import draw_devices
    from spinrnn.runs import checkpoints, loading
    from spinrnn.runs.loading import SUMMARY_KEYS, check_data

    folder = Path(options.run)
    if not (folder / "config.toml").is_file():
        raise StoreError(f"{folder}: no config.toml there; give the folder of a run")
    stored = load_config(folder / "config.toml")
    changed = load_config(folder / "config.toml", options.set)
    same_split = dataclasses.replace(changed.data, source=stored.data.source) == stored.data
    if changed.train != stored.train or not same_split:
        raise ConfigError(
            ["--set: evaluate takes keys of [network], and data.source for data that have moved"]
        )
    net = loading.load(folder)
    net = net.replace(**vars(changed.network))
    data = loading_.load_dataset(changed.data.source)
    finished = (folder / "summary.json").is_file()
    state = (
        read_json(folder / "summary.json", SUMMARY_KEYS)
        if finished
        else checkpoints.load_newest_checkpoint(folder)[2]
    )
    check_data(state["data_sha256"], data.digest(), folder)
    if not finished:
        if state["best_epoch"] is None:
            raise StoreError(
                f"{folder}: no epoch has been finished yet; go on with spinrnn train --out {folder} --resume"
            )
        print(
            f"spinrnn: warning: the run in {folder} is not finished, this is its best epoch so far",
            file=sys.stderr,
        )
    test = data.take(parts.split(data, stored.data, stored.resolved_split_seed)[2])
    if sys.stderr.isatty():
        print(
            f"evaluating {len(test)} cases; the first call of a version compiles for some seconds",
            file=sys.stderr,
            flush=True,
        )
    score = training.evaluate(net, test)
    result = {
        "test_accuracy": score.accuracy,
        "test_loss": score.loss,
        "cases": len(test),
        "substeps": net.config.resolved_substeps,
    }
    result["finished"] = finished
    if options.json:
        print(json.dumps({**result, "confusion": score.confusion.tolist()}))
    else:
        oscillators = net.config.neuron == "oscillator"
        devices = "" if net.devices is None else ", devices that differ"
        if net.devices is not None and net.devices.same(draw_devices(net.config)):
            devices += f" (device_seed {net.config.device_seed})"
        noise = (
            f", thermal noise of {net.config.thermal_power:g}"
            if oscillators and net.config.thermal_power
            else ""
        )
        print(
            f"test accuracy {100 * score.accuracy:.2f} % of {len(test)} cases, loss {score.loss:.4f}, {result['substeps']} substeps{devices}{noise}"
        )
    return 0
