"""Pictures of a training: loss and accuracy over the epochs, and the confusion matrix."""

import numpy as np
from matplotlib.figure import Figure

from spinrnn.plotting import in_our_settings


@in_our_settings
def training_curves(history, axes=None):
    """Loss, accuracy and gradient norm against the epoch.

    Args:
        history: records of epochs, as in metrics.jsonl; axes: three axes, or None.
    Returns:
        The three axes.
    """
    if axes is None:
        axes = Figure(figsize=(12, 3.6), layout="constrained").subplots(1, 3)
    epochs = [record["epoch"] for record in history]
    marker = "o" if len(epochs) < 2 else None  # a line of one point would be invisible
    for ax, name in zip(axes, ("loss", "accuracy"), strict=False):
        scale = 100 if name == "accuracy" else 1
        ax.plot(
            epochs,
            [scale * record[f"train_{name}"] for record in history],
            "-",
            marker=marker,
            label="training",
        )
        ax.plot(
            epochs,
            [scale * record[f"validation_{name}"] for record in history],
            "--",
            marker=marker,
            label="validation",
        )
        ax.legend(frameon=False)
    axes[0].set(xlabel="epoch", ylabel="cross-entropy", yscale="log")
    axes[1].set(xlabel="epoch", ylabel="accuracy (%)")
    axes[2].plot(
        epochs,
        [record["gradient_norm"] for record in history],
        marker=marker,
        label="mean of the epoch",
    )
    axes[2].plot(
        epochs,
        [record["gradient_norm_max"] for record in history],
        ":",
        marker=marker,
        label="largest",
    )
    axes[2].set(xlabel="epoch", ylabel="gradient norm before clipping", ylim=(0, None))
    axes[2].legend(frameon=False)
    for ax in axes:
        ax.xaxis.get_major_locator().set_params(integer=True)
    return axes


@in_our_settings
def confusion_matrix(confusion, ax=None):
    """Number of cases by label (row) and answer (column); colours show shares of the row, without the diagonal's weight."""
    if ax is None:
        ax = Figure(figsize=(5, 4.6), layout="constrained").subplots()
    confusion = np.asarray(confusion)
    share = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    ax.imshow(share, cmap="Blues", vmin=0, vmax=1)
    classes = len(confusion)
    if classes <= 20:
        for row, column in np.argwhere(confusion):
            colour = "white" if share[row, column] > 0.5 else "black"
            ax.text(
                column,
                row,
                str(confusion[row, column]),
                ha="center",
                va="center",
                color=colour,
                fontsize=8,
            )
        ax.set(xticks=range(classes), yticks=range(classes))
    ax.set(xlabel="answer", ylabel="label")
    return ax
