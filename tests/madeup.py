"""Cubes of the reproduced sweeps without training: results by formula."""

import dataclasses
import functools
import math

import numpy as np

import spinrnn
from spinrnn.paper import recipes
from spinrnn.paper.recipes import RECIPES
from spinrnn.paper.source import Source
from spinrnn.sweep.cube import NamedArray, collect_sweep

# of a few hundred points, which many tests ask for
recipe_sweep = functools.cache(recipes.recipe_sweep)

SWEEPS = (
    "intervals",
    "noise",
    "longer",
    "relaxation",
    "rates",
    "amplification",
    "densities",
    "validation",
    "spread",
    "thermal",
)


def drive_of(config):
    """A made-up cumulative drive: Delta t / tau, and weakly the learning rate."""
    network = config.network
    return (
        network.input_interval
        / network.neuron.relaxation_time
        * (config.train.learning_rate / 0.02) ** 0.3
    )


def accuracy_of(config):
    """A made-up accuracy: of the drive alone, less beyond 3 tau and when sparse."""
    network, drive = config.network, drive_of(config)
    ratio = network.input_interval / network.neuron.relaxation_time
    value = 0.4 + 0.55 * min(1, drive) ** 0.5 - 0.1 * max(0, math.log(ratio / 3))
    return (
        value
        * network.density_int**0.02
        * network.density_ext**0.03
        * (0.98 if network.neuron.kind == "ctrnn" else 1)
    )


def made_up(sweep, missing=()):
    """A cube of a sweep without training: results by formula, seeds over a point.

    missing: numbers of points that have none.
    """
    cube = collect_sweep(sweep, "nowhere", history=False)
    for number, point in enumerate(sweep.points):
        if number in missing:
            continue
        accuracy = accuracy_of(point.config) + 0.01 * (
            point.position[-1] / (sweep.shape[-1] - 1) - 0.5
        )
        values = {
            "test_accuracy": accuracy,
            "test_accuracy_fine": accuracy - 0.001,
            "test_loss": 1 - accuracy,
            "diverged": 0,
            "failed": 0,
        }
        for name, value in (values | {"cumulative_drive": drive_of(point.config)}).items():
            if name in cube.variables:
                cube[name][point.position] = value
    if sweep.record_test:
        dims, epochs = tuple(axis.name for axis in sweep.axes), np.arange(1, 6)
        for name, factor in {
            "train_accuracy": 1.02,
            "test_accuracy": 1,
            "train_loss": 0.3,
            "test_loss": 0.5,
        }.items():
            curve = factor * cube["test_accuracy"][..., None] * (1 - 0.5 / epochs)
            cube.variables[f"history_{name}"] = NamedArray(
                (*dims, "epoch"), curve.astype(np.float32), {}
            )
        cube.coordinates["epoch"] = NamedArray(("epoch",), epochs.astype(float), {})
    return cube


def write_cubes(out):
    """Writes made-up cubes of all sweeps and untrained networks into a folder."""
    for name in SWEEPS:
        made_up(recipe_sweep(name)).save(out / f"{name}.h5")
    for ratio in (0.05, 1, 20):
        config = spinrnn.NetworkConfig(input_interval=ratio * 10e-9, substeps=4)
        spinrnn.Network(config, seed=1).save(out / f"network-{ratio:g}.h5")
    # the ideal ones, which "thermal" shares
    for point in recipe_sweep("spread").points[:2]:
        network = dataclasses.replace(point.config.network, device_seed=0)
        net = spinrnn.Network(network, seed=point.config.train.seed)
        net.save(out / f"network-{point.name}.h5")
    return out


@functools.lru_cache(maxsize=40)
def computed(folder, name, **options):
    """What a recipe finds in a folder of cubes, without a drawing."""
    source = Source(folder, {sweep: recipe_sweep(sweep) for sweep in RECIPES[name].sweeps})
    return RECIPES[name].compute(source, **options)
