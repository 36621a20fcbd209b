"""The picture of `spinrnn look`: cases of each class, or columns over the time."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spinrnn.datasets.dataset import Dataset
from spinrnn.look.contents import Look
from spinrnn.plotting import in_our_settings
from spinrnn.readers.table import Table

PANELS = 6
"""Classes or columns that are shown."""
CASES = 5
"""Of each class."""
POINTS = 5000
"""Of a line; more are not seen."""
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
        title = "" if data.labels is None else f"class {name}, {np.sum(labels == label)} cases"
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
