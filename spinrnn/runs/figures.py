"""Pictures of a comparison: capacity by delay, or a score of each method."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spinrnn.plotting import in_our_settings

COLOURS = ("#9a9a9a", "#5b8db8", "#d08a3c", "#b03060")
"""Of the methods, the network last."""


@in_our_settings
def draw(found: Any, ax: Axes | None = None) -> Axes:
    """A `Comparison`: the capacity of each output, where it has them, else bars of the
    score that chooses.
    """
    axes: Axes = Figure(figsize=(6, 4), layout="constrained").subplots() if ax is None else ax
    (_capacities if found.sides[-1].capacities is not None else _bars)(axes, found)
    axes.set_title(found.config.data.name)
    return axes


def _capacities(axes, found):
    for side, colour in zip(found.sides, COLOURS, strict=True):
        delays = np.arange(1, len(side.capacities) + 1)
        label = f"{side.name}: {side.capacities.sum():.1f}"
        axes.plot(delays, side.capacities, ".-", color=colour, label=label)
    axes.axhline(found.chance, color="black", linestyle=":", label="chance")
    axes.set(xlabel="delay k", ylabel="squared correlation", ylim=(-0.02, 1.05))
    axes.legend(title=f"sum, at most {found.bound}")


def _bars(axes, found):
    task = found.config.task
    name = "nrmse" if "nrmse" in found.sides[0].evaluation.scores else task.chooses
    values = [side.evaluation.scores[name] for side in found.sides]
    names = [f"{side.name}\n({side.features})" for side in found.sides]
    axes.bar(names, values, color=COLOURS)
    if name == "nrmse":
        axes.set_yscale("log")
    for place, value in enumerate(values):
        axes.annotate(f"{value:.3g}", (place, value), ha="center", va="bottom")
    axes.set(ylabel=name)
