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


@in_our_settings
def training_curves(history: list[dict[str, Any]], axes: Sequence[Axes] | None = None):
    """Loss, accuracy (of a regression nrmse) and gradient norm against the epoch.

    Args:
        history: records of epochs, as in metrics.jsonl.
        axes: three axes, or None for a figure of its own.
    Returns:
        The three axes.
    """
    own = Figure(figsize=(12, 3.6), layout="constrained")
    panels = own.subplots(1, 3) if axes is None else axes
    loss, score, norm = panels
    classes = "validation_accuracy" in history[0]
    name, scale = ("accuracy", 100) if classes else ("nrmse", 1)
    parts = [("train_{}", "training", "-"), ("validation_{}", "validation", "--")]
    for key, label, style in parts:
        _line(loss, history, key.format("loss"), label, style)
        if key.format(name) in history[0]:
            _line(score, history, key.format(name), label, style, scale=scale)
    _line(norm, history, "gradient_norm", "mean of the epoch", "-")
    _line(norm, history, "gradient_norm_max", "largest", ":")
    meaning = "cross-entropy (nat)" if classes else "mean squared error"
    positive = any((record["validation_loss"] or 0) > 0 for record in history)
    loss.set(xlabel="epoch", ylabel=meaning, yscale="log" if positive else "linear")
    score.set(xlabel="epoch", ylabel="accuracy (%)" if classes else "nrmse")
    norm.set(xlabel="epoch", ylabel="norm of the gradient before clipping", ylim=(0, None))
    for ax in panels:
        ax.legend(frameon=False)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
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
def confusion_matrix(confusion: Any, ax: Axes | None = None) -> Axes:
    """Number of cases by label (row) and answer (column).

    The colour is the share of the label's cases, in percent, so that classes of
    different sizes compare.

    Args:
        confusion: (class, class) whole numbers, as `Evaluation.confusion`.
        ax: to draw into, or None for a figure of its own.
    Returns:
        The axes.
    """
    if ax is None:
        ax = Figure(figsize=(5.6, 4.6), layout="constrained").subplots()
    confusion = np.asarray(confusion)
    percent = 100 * confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    image = ax.imshow(percent, cmap="Blues", vmin=0, vmax=100)
    ax.figure.colorbar(image, ax=ax, label="colour: share of the label's cases (%)")
    classes = len(confusion)
    if classes <= LARGEST_TABLE:
        for row, column in np.argwhere(confusion):
            colour = "white" if percent[row, column] > 50 else "black"
            text = str(confusion[row, column])
            style = {"ha": "center", "va": "center", "fontsize": 8}
            ax.text(column, row, text, color=colour, **style)
        ax.set(xticks=range(classes), yticks=range(classes), title="numbers: cases")
    ax.set(xlabel="class answered", ylabel="class of the label")
    return ax
