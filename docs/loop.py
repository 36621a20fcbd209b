"""Networks trained for devices that differ, with these in the loop and without: the
table of docs/loop.md.

    python docs/loop.py [EPOCHS [SEEDS]]

Twenty epochs of five seeds take some ten minutes on two cores.
"""

import sys

import numpy as np

import spinrnn
from spinrnn.datasets.loading import data_of
from spinrnn.datasets.parts import divide

SIZES = 0.1, 0.2
"""Spreads of all four numbers of a neuron."""


def main(epochs: int = 20, seeds: int = 5) -> None:
    """A line for each way: accuracies in percent, mean and deviation over the seeds."""
    found: dict[str, list[float]] = {}
    for seed in range(seeds):
        config = spinrnn.recipe("digits", train={"epochs": epochs, "seed": seed})
        data = data_of(config)
        twin = spinrnn.train(config, data=data)
        rows = [("alike", twin.summary["test_accuracy"])]
        for size in SIZES:
            rows += of_spread(config, data, twin.network, size)
        for name, accuracy in rows:
            found.setdefault(name, []).append(100 * accuracy)
        print(f"seed {seed}: {dict(rows)}", flush=True)
    for name, values in found.items():
        deviation = np.std(values, ddof=1) if len(values) > 1 else np.nan
        print(f"{name:20}{np.mean(values):8.2f} +- {deviation:.2f}", flush=True)


def of_spread(config, data, alone, size):
    """[(way, accuracy of the devices on the test part)] of so much spread."""
    seed, test = config.train.seed, divide(data, config)[2]
    spread = spinrnn.Spread(gamma=size, nonlinear_damping=size, bias=size, gain=size, seed=seed)

    def device(call):
        net = call.network.replace(spread=spread)
        return net.forward(call.inputs, call.lengths, call.seed)

    transferred = spinrnn.evaluate(alone, test, forward=device).accuracy
    looped = spinrnn.train(config, data=data, forward=device).summary["test_accuracy"]
    rows = {"transferred": transferred, "in the loop": looped}
    return [(f"{size:g} {name}", accuracy) for name, accuracy in rows.items()]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
