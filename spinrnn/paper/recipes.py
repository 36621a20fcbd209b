"""The recipes: for each figure its sweeps, numbers and drawing; and of --quick."""

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from typing import Any

from spinrnn.config.neurons import name_of
from spinrnn.errors import ConfigError
from spinrnn.paper import figures as draw
from spinrnn.paper import numbers, robustness
from spinrnn.paper.curves import same
from spinrnn.sweep.axes import Axis
from spinrnn.sweep.file import Sweep, read_sweep

QUICK_SEEDS, QUICK_SHARE = 2, 5
QUICK_ENTRIES = {
    "intervals": {"input_interval": (0, 4, 6)},
    "noise": {"input_interval": (0, 4, 6)},
    "longer": {"neuron": (0,), "input_interval": (1, 3)},
    "relaxation": {"run": (0, 1, 3, 5, 6, 8)},
    "rates": {"input_interval": (0, 2, 4)},
    "amplification": {},
    "densities": {"wiring": (0, 1, 3, 5, 7, 9, 10, 11, 13, 16)},
    "validation": {"run": (0, 3, 7, 8)},
    "spread": {"spread": (0, 3, 5)},
    "thermal": {"thermal_power": (0, 3, 5)},
}
"""Entries kept of the axes of each sweep; of others all.

Besides, `QUICK_SEEDS` seeds, and one of `QUICK_SHARE` epochs.
"""


@dataclass(frozen=True)
class Recipe:
    """One figure.

    Attributes:
        title: what it shows; sweeps: {name: which of its points, a function of a
            `Point`, or None for all}; compute: function of a `reproduction.Source`,
            returns a `numbers.FigureNumbers`; draw: function of that, returns the
            figure.
    """

    title: str
    sweeps: dict[str, Callable | None]
    compute: Callable[..., numbers.FigureNumbers]
    draw: Callable[[numbers.FigureNumbers], Any]


def _first_oscillators(point):
    """Seed 0 of the oscillators at one input interval per relaxation time."""
    network = point.config.network
    return (
        name_of(network) == "oscillator"
        and point.config.train.seed == 0
        and same(network.input_interval, network.time_unit)
    )


RECIPES = {
    "fig1": Recipe(
        "power of three neurons for six images",
        {"intervals": _first_oscillators},
        numbers.fig1,
        draw.fig1,
    ),
    "fig2": Recipe(
        "accuracy against the input interval, both networks",
        {"intervals": None, "noise": None, "longer": None},
        numbers.fig2,
        draw.fig2,
    ),
    "fig3": Recipe(
        "three relaxation times, three learning rates, cumulative drive",
        {"intervals": None, "relaxation": None, "rates": None},
        numbers.fig3,
        draw.fig3,
    ),
    "fig4": Recipe(
        "accuracy against the density of the weights", {"densities": None}, numbers.fig4, draw.fig4
    ),
    "fig5": Recipe(
        "accuracy and loss against the epoch at three densities",
        {"densities": None},
        numbers.fig5,
        draw.fig5,
    ),
    "energy": Recipe(
        "energy per image against accuracy",
        {"intervals": None, "densities": None},
        numbers.energy,
        draw.energy,
    ),
    "guideline": Recipe(
        "what `spinrnn advise` expects against what training yields",
        {
            "intervals": None,
            "noise": None,
            "rates": None,
            "amplification": None,
            "validation": None,
        },
        numbers.guideline,
        draw.guideline,
    ),
    "spread": Recipe(
        "accuracy against the spread of the devices, with and without training on them",
        {"spread": None},
        robustness.spread,
        draw.against,
    ),
    "thermal": Recipe(
        "accuracy against thermal noise, with and without training with it",
        {"thermal": None},
        robustness.thermal,
        draw.against,
    ),
}
"""{name: `Recipe`}."""


def recipe(name: str) -> Recipe:
    """The `Recipe` of this name; ConfigError if there is none."""
    if name not in RECIPES:
        raise ConfigError([f"{name}: no such figure; there are {', '.join(RECIPES)}, and all"])
    return RECIPES[name]


def recipe_sweep(name: str, quick: bool = False) -> Sweep:
    """The `Sweep` of a recipe; quick: with fewer seeds, epochs and points."""
    sweep = _read(name)
    if not quick:
        return sweep
    kept = {"seed": range(QUICK_SEEDS)} | QUICK_ENTRIES[name]
    axes = [_reduced(axis, kept.get(axis.name, range(len(axis)))) for axis in sweep.axes]
    train = sweep.tables["train"]
    tables = sweep.tables | {"train": train | {"epochs": train["epochs"] // QUICK_SHARE}}
    return dataclasses.replace(sweep, name=f"{name}-quick", axes=tuple(axes), tables=tables)


@functools.cache
def _read(name):
    """The sweep of a recipe's file; its points are worked out once."""
    with resources.as_file(resources.files("spinrnn.paper") / "recipes") as folder:
        return read_sweep(folder / f"{name}.toml")


def _reduced(axis, entries):
    """The axis with these entries only."""
    values = {key: tuple(column[k] for k in entries) for key, column in axis.values.items()}
    return Axis(axis.name, values)
