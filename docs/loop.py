"""Networks trained for devices that differ, with these in the loop and without: the
table of docs/loop.md.

    python docs/loop.py [SEEDS]

Five seeds take some ten minutes on two cores.
"""

import dataclasses
import sys

import numpy as np

import spinrnn
from spinrnn.datasets.loading import data_of
from spinrnn.datasets.parts import divide

SIZES = 0.1, 0.2
"""Spreads of all four numbers of a neuron."""
ALONE, LOOPED = 20, 10
"""Epochs of the twin alone, and then with the devices in the loop."""
RATE = 5e-3
"""Learning rate in the loop."""


def main(seeds: int = 5) -> None:
    """A line for each way: accuracies in percent, mean and deviation over the seeds."""
    found: dict[str, list[float]] = {}
    for seed in range(seeds):
        config = spinrnn.recipe("digits", train={"epochs": ALONE, "seed": seed})
        data = data_of(config)
        twin = spinrnn.train(config, data=data)
        rows = {"alike": twin.summary["test_accuracy"]}
        for size in SIZES:
            rows |= of_spread(config, data, twin.network, size)
        for name, accuracy in rows.items():
            found.setdefault(name, []).append(100 * accuracy)
        print(f"seed {seed}: {rows}", flush=True)
    for name, values in found.items():
        deviation = np.std(values, ddof=1) if len(values) > 1 else np.nan
        print(f"{name:20}{np.mean(values):8.1f} +- {deviation:.1f}", flush=True)


def of_spread(config, data, alone, size):
    """{way: accuracy of the devices on the test part} of so much spread."""
    seed, test = config.train.seed, divide(data, config)[2]
    spread = spinrnn.Spread(gamma=size, nonlinear_damping=size, bias=size, gain=size, seed=seed)

    def device(call):
        net = call.network.replace(spread=spread)
        return net.forward(call.inputs, call.lengths, call.seed)

    def start(trainer):
        if trainer.learner.steps == 0:
            trainer.net.parameters[:] = alone.parameters

    found = {f"{size:g} transferred": spinrnn.evaluate(alone, test, forward=device).accuracy}
    for name, epochs, rate, begin in (
        ("then in the loop", LOOPED, RATE, start),
        ("in the loop alone", ALONE, config.train.learning_rate, None),
    ):
        train = dataclasses.replace(config.train, epochs=epochs, learning_rate=rate)
        one = dataclasses.replace(config, train=train)
        result = spinrnn.train(one, data=data, forward=device, on_start=begin)
        found[f"{size:g} {name}"] = result.summary["test_accuracy"]
    return found


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
