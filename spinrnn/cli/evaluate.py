"""The command line of `spinrnn evaluate`."""

import json
import sys


def _evaluate(options):
    from spinrnn.datasets import parts
    from spinrnn.datasets.loading import load_dataset
    from spinrnn.errors import StoreError
    from spinrnn.learning import trainer as training
    from spinrnn.neurons.spread import draw_devices
    from spinrnn.runs.loading import open_run

    run = open_run(options.run, options.set)
    net, config = run.network, run.config
    data = load_dataset(config.data.source)
    run.check_data(data.digest())
    if run.best_epoch is None:
        raise StoreError(
            f"{run.folder}: no epoch has been finished yet; "
            f"go on with spinrnn train --out {run.folder} --resume"
        )
    if run.note:
        print(f"spinrnn: warning: {run.note}", file=sys.stderr)
    test = data.take(parts.split(data, config.data, config.resolved_split_seed)[2])
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
        "finished": run.finished,
    }
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
