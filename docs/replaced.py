"""Oscillators of trained networks replaced by a device that was learned from their own
trajectory: the table of docs/learned-neuron.md.

    python docs/replaced.py [SEED ...]

A seed takes some two minutes on one core. Nothing is trained again after a replacement.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

import spinrnn
from spinrnn.datasets.loading import data_of
from spinrnn.datasets.parts import divide

EPOCHS = 60
CASES = 40
"""Training cases that are simulated."""
NEURONS = 4
"""Neurons of each layer and case that are learned from, drawn anew for each case."""
LEARNING = {"states": 1, "hidden": 32, "points": 40, "iterations": 16000, "diffusion": "none"}


def main(*seeds: int) -> None:
    """A line for each seed; then the mean and the largest change in points."""
    changes = []
    print("seed  oscillators  devices  change  same answer  held out  drives of test beyond")
    for seed in seeds or range(5):
        network, training, test = trained(seed)
        device = learned(network, training, seed)
        changes.append(compared(seed, network, device, test))
    size = np.abs(changes)
    print(f"change in points: mean {np.mean(changes):+.2f}, largest size {size.max():.2f}")


def trained(seed):
    """(network, training part, test part) of the digits."""
    config = spinrnn.recipe("digits", train={"epochs": EPOCHS, "seed": seed})
    data = data_of(config)
    training, _, test = divide(data, config)
    return spinrnn.train(config, data=data).network, training, test


def learned(network, training, seed):
    """`LearnedFit` of one device from the HDF5 trajectory of some training cases."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trajectory.h5"
        network.simulate_to(path, training.inputs[:CASES])
        with spinrnn.open_trajectory(path) as file:
            rng = np.random.default_rng(seed)
            power, drive = stretches(file, rng)
            time = np.broadcast_to(file.time[:], power.shape)
    units = {"output": "1", "drive": "1/s"}
    return spinrnn.learn_device(time, drive, power, units=units, seed=seed, **LEARNING)


def stretches(file, rng):
    """(stretch, time) powers and drives of some neurons of each case and layer."""
    powers, drives = [], []
    for state, drive in zip(file.state, file.drive, strict=True):
        p, u = np.array(state[:]), np.array(drive[:])
        for case in range(len(p)):
            rows = rng.choice(len(p[case]), NEURONS, replace=False)
            powers.append(p[case, rows])
            drives.append(np.concatenate([u[case, rows], u[case, rows, -1:]], axis=-1))
    # what is held out are the last stretches
    order = rng.permutation(sum(map(len, powers)))
    return np.concatenate(powers)[order], np.concatenate(drives)[order]


def compared(seed, network, fit, test):
    """Change of the accuracy on the test part in points; prints the seed's line."""
    neuron = spinrnn.Learned.of(fit.device, like=network.config.neuron)
    replaced = network.replace(neuron=neuron)
    answers = [net.forward(test.inputs).argmax(axis=1) for net in (network, replaced)]
    before, after = (100 * np.mean(own == test.labels) for own in answers)
    same = 100 * np.mean(answers[0] == answers[1])
    seen = fit.device.drives[0]
    drives = network.simulate(test.inputs).drive
    beyond = [np.mean((u < seen.low) | (u > seen.high)) for u in drives]
    print(
        f"{seed:4}{before:11.2f} %{after:7.2f} %{after - before:+8.2f}{same:11.1f} %"
        f"{100 * fit.held_out_error:9.2f} %{100 * np.mean(beyond):12.4f} %",
        flush=True,
    )
    return after - before


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
