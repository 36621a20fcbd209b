"""The picture of `spinrnn look`: cases of each class, or columns over the time; of a
spiking network what its neurons have learned.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spinrnn.datasets.dataset import Dataset
from spinrnn.look.contents import Look
from spinrnn.notebook import plural
from spinrnn.plotting import in_our_settings
from spinrnn.readers.table import Table

PANELS = 6
"""Classes or columns that are shown."""
CASES = 5
"""Of each class."""
POINTS = 5000
"""Of a line; more are not seen."""
FIELDS, IN_A_ROW = 100, 10
"""Neurons whose receptive fields are shown."""
_TIMES = ("time", "t", "x_value")


def draw(look: Look) -> Axes | None:
    """Axes of the picture of a source, cases where it has some, else columns; None
    where there is nothing to draw.
    """
    if look.data is not None and len(look.data) and look.data.inputs.size:
        return cases(look.data)[0]
    drawn = columns(look.table) if look.table is not None else []
    return drawn[0] if len(drawn) else None


@in_our_settings
def cases(data: Dataset, axes: Sequence[Axes] | None = None) -> list[Axes]:
    """The first channel of some cases of each class over the input points.

    Args:
        data: with one case at least.
        axes: one for each class that is shown, or None for a figure of its own.
    """
    labels = np.zeros(len(data), int) if data.labels is None else data.labels
    shown = np.unique(labels)[:PANELS]
    panels = _panels(len(shown)) if axes is None else list(axes)
    for ax, label in zip(panels, shown.tolist(), strict=True):
        for case in np.flatnonzero(labels == label)[:CASES]:
            length = data.inputs.shape[2] if data.lengths is None else int(data.lengths[case])
            values = data.inputs[case, 0, :length]
            points = np.arange(length)[:: _stride(length)]
            ax.plot(points, values[:: _stride(length)], linewidth=0.8)
        name = data.classes[label] if data.classes else label
        count = plural(int(np.sum(labels == label)), "case")
        title = "" if data.labels is None else f"class {name}, {count}"
        ax.set(title=title[:60], xlabel="input point", ylabel="channel 0")
    return panels


@in_our_settings
def columns(table: Table, axes: Sequence[Axes] | None = None) -> list[Axes]:
    """The first columns of numbers over the time, or over their numbers.

    Args:
        axes: one for each column that is shown, or None for a figure of its own.
    """
    found = {
        name: array
        for name, array in table.arrays.items()
        if array.ndim == 1 and array.dtype.kind in "fiub" and len(array) > 1
    }
    times = [name for name in found if name.lower() in _TIMES]
    time = found.pop(times[0]) if times and len(found) > 1 else None
    shown = list(found.items())[:PANELS]
    panels = (_panels(len(shown)) if shown else []) if axes is None else list(axes)
    for ax, (name, array) in zip(panels, shown, strict=True):
        own = time if time is not None and len(time) == len(array) else np.arange(len(array))
        stride = _stride(len(array))
        ax.plot(own[::stride], array[::stride], linewidth=0.8)
        label = _named(table, times[0]) if own is time else "number of the row"
        ax.set(xlabel=label, ylabel=_named(table, name))
    return panels


@in_our_settings
def receptive_fields(
    net: Any, classes: Sequence[str] | None = None, axes: Sequence[Axes] | None = None
) -> list[Axes]:
    """The weights of each neuron of a `SpikingNetwork` as a picture of its inputs,
    dark where they are large, below the class that it answers to; "-": it never fired.

    Neurons stand in the order of their classes. A picture is a square where the inputs
    fill one, else a line.

    Args:
        classes: their names; axes: one for each neuron that is shown, `FIELDS` at most,
            or None for a figure of its own.
    """
    weights, labels = net.layout.named(net.effective())["w_0"], net.labels
    side = math.isqrt(weights.shape[1])
    rows = side if side * side == weights.shape[1] else 1
    # those that never fired have no class, and are the last
    order = np.argsort(np.where(labels < 0, labels.max() + 1, labels), kind="stable")[:FIELDS]
    panels = _field_panels(len(order)) if axes is None else list(axes)
    low, high = weights.min(), weights.max()
    for ax, neuron in zip(panels, order.tolist(), strict=True):
        field, label = weights[neuron].reshape(rows, -1), int(labels[neuron])
        ax.imshow(field, cmap="gray_r", vmin=low, vmax=high, aspect="equal" if rows > 1 else "auto")
        name = "-" if label < 0 else classes[label] if classes else str(label)
        ax.set_title(name[:12], fontsize=8)
        ax.set(xticks=[], yticks=[])
    return panels


def _field_panels(count):
    rows = -(-count // IN_A_ROW)
    figure = Figure(figsize=(IN_A_ROW, 1.3 * rows), layout="constrained")
    grid = figure.subplots(rows, IN_A_ROW, squeeze=False).ravel().tolist()
    for ax in grid[count:]:
        ax.remove()
    return grid[:count]


def _named(table, name):
    unit = table.units.get(name)
    return f"{name[:40]} ({unit})" if unit else name[:40]


def _stride(length):
    return max(1, length // POINTS)


def _panels(count):
    rows = -(-count // 3)
    figure = Figure(figsize=(4 * min(count, 3), 2.8 * rows), layout="constrained")
    grid = figure.subplots(rows, min(count, 3), squeeze=False).ravel().tolist()
    for ax in grid[count:]:
        ax.remove()
    return grid[:count]
