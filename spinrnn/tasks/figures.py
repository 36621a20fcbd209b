"""Pictures of a training: loss and accuracy over the epochs, and the confusion
matrix."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spinrnn.plotting import in_our_settings

LARGEST_TABLE = 20
"""Classes of a confusion matrix whose numbers can still be read."""
LONGEST_NAME = 24
"""Characters of a class's name that are drawn."""


@in_our_settings
def training_curves(history: list[dict[str, Any]], axes: Sequence[Axes] | None = None):
    """Loss, accuracy (of a regression nrmse) and gradient norm against the epoch, the
    last unless the norm is 0 throughout, as of rules that have no gradient.

    Args:
        history: records of epochs, as in metrics.jsonl.
        axes: three axes, two where the last is left out, or None for a figure of its
            own.
    Returns:
        The two or three axes.
    """
    count = 3 if any(record["gradient_norm"] != 0 for record in history) else 2
    own = Figure(figsize=(4 * count, 3.6), layout="constrained")
    panels = own.subplots(1, count) if axes is None else axes
    loss, score = panels[:2]
    classes = "validation_accuracy" in history[0]
    name, scale = ("accuracy", 100) if classes else ("nrmse", 1)
    parts = [("train_{}", "training", "-"), ("validation_{}", "validation", "--")]
    for key, label, style in parts:
        _line(loss, history, key.format("loss"), label, style)
        if key.format(name) in history[0]:
            _line(score, history, key.format(name), label, style, scale=scale)
    meaning = "cross-entropy (nat)" if classes else "mean squared error"
    positive = any((record["validation_loss"] or 0) > 0 for record in history)
    loss.set(xlabel="epoch", ylabel=meaning, yscale="log" if positive else "linear")
    score.set(xlabel="epoch", ylabel="accuracy (%)" if classes else "nrmse")
    for norm in panels[2:count]:
        _line(norm, history, "gradient_norm", "mean of the epoch", "-")
        _line(norm, history, "gradient_norm_max", "largest", ":")
        norm.set(xlabel="epoch", ylabel="norm of the gradient before clipping", ylim=(0, None))
    for ax in panels[:count]:
        ax.legend(frameon=False)
        # between the ends of an axis of one epoch there is but one whole number
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    return panels


def _line(
    ax: Axes,
    history: list[dict[str, Any]],
    key: str,
    label: str,
    style: str,
    scale: float = 1,
) -> None:
    """One quantity of the records against the epoch."""
    epochs = [record["epoch"] for record in history]
    # a score that is not defined is None
    values = [math.nan if record[key] is None else scale * record[key] for record in history]
    # a line of one point would be invisible
    marker = "o" if len(epochs) < 2 else None
    ax.plot(epochs, values, style, marker=marker, label=label)


@in_our_settings
def confusion_matrix(
    confusion: Any, ax: Axes | None = None, classes: Sequence[str] | None = None
) -> Axes:
    """Number of cases by label (row) and answer (column).

    The colour is the share of the label's cases, in percent, so that classes of
    different sizes compare.

    Args:
        confusion: (class, class) whole numbers, as `Evaluation.confusion`.
        ax: to draw into, or None for a figure of its own.
        classes: their names, or None for numbers from 0.
    Returns:
        The axes.
    """
    if ax is None:
        ax = Figure(figsize=(5.6, 4.6), layout="constrained").subplots()
    confusion = np.asarray(confusion)
    percent = 100 * confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    image = ax.imshow(percent, cmap="Blues", vmin=0, vmax=100)
    ax.figure.colorbar(image, ax=ax, label="colour: share of the label's cases (%)")
    if len(confusion) <= LARGEST_TABLE:
        for row, column in np.argwhere(confusion):
            colour = "white" if percent[row, column] > 50 else "black"
            text = str(confusion[row, column])
            style = {"ha": "center", "va": "center", "fontsize": 8}
            ax.text(column, row, text, color=colour, **style)
        places = range(len(confusion))
        ax.set(xticks=places, yticks=places, title="numbers: cases")
        _named(ax, classes or ())
    ax.set(xlabel="class answered", ylabel="class of the label")
    return ax


def _named(ax, classes):
    """Names of the classes at the ticks of a confusion matrix."""
    if len(classes) != len(ax.get_xticks()):
        return
    long = LONGEST_NAME
    names = [name if len(name) <= long else f"{name[: long - 1]}\u2026" for name in classes]
    # side by side there is room for some 30 characters
    style = {"rotation": 45, "ha": "right"} if sum(map(len, names)) > 30 else {}
    ax.set_xticklabels(names, parse_math=False, **style)
    ax.set_yticklabels(names, parse_math=False)
