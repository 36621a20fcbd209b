"""Figures. Every function takes an `ax` to draw into, makes a figure of its own without one, returns the axes, and never shows or saves."""

import io

import numpy as np
from matplotlib.figure import Figure

from spinrnn.files.atomic import write_atomic


def prefixed(values, unit):
    """(factor, prefixed unit) that brings the largest of the values between 1 and 1000."""
    values = np.abs(np.asarray(values, dtype=float))
    largest = np.max(values[np.isfinite(values)], initial=0.0)
    power = int(np.clip(np.floor(np.log10(largest) / 3), -5, 4)) if largest > 0 else 0
    return 10.0 ** (-3 * power), ("f", "p", "n", "µ", "m", "", "k", "M", "G", "T")[power + 5] + unit


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
        ax.plot(epochs, [scale * record[f"train_{name}"] for record in history], "-", marker=marker, label="training")
        ax.plot(epochs, [scale * record[f"validation_{name}"] for record in history], "--", marker=marker, label="validation")
        ax.legend(frameon=False)
    axes[0].set(xlabel="epoch", ylabel="cross-entropy", yscale="log")
    axes[1].set(xlabel="epoch", ylabel="accuracy (%)")
    axes[2].plot(epochs, [record["gradient_norm"] for record in history], marker=marker, label="mean of the epoch")
    axes[2].plot(epochs, [record["gradient_norm_max"] for record in history], ":", marker=marker, label="largest")
    axes[2].set(xlabel="epoch", ylabel="gradient norm before clipping", ylim=(0, None))
    axes[2].legend(frameon=False)
    for ax in axes:
        ax.xaxis.get_major_locator().set_params(integer=True)
    return axes


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
            ax.text(column, row, str(confusion[row, column]), ha="center", va="center", color=colour, fontsize=8)
        ax.set(xticks=range(classes), yticks=range(classes))
    ax.set(xlabel="answer", ylabel="label")
    return ax


def device_fit(fit, axes=None, cases=3):
    """Measured and predicted power, residuals against time, and their correlation against the distance in samples.

    Args:
        fit: `DeviceFit`; axes: three axes, or None; cases: so many of the first cases are drawn.
    Returns:
        The three axes.
    """
    if axes is None:
        axes = Figure(figsize=(9, 7.5), layout="constrained").subplots(3, 1, height_ratios=(2, 1, 1))
    data = fit.measurement
    factor, unit = prefixed(data.time, "s")
    for case in range(min(cases, len(data.power))):
        label = f"case {case}, " if len(data.power) > 1 else ""
        colour, time = f"C{case}", factor * data.time[case]
        dots = {
            "color": colour,
            "linestyle": "none",
            "marker": ".",
            "markersize": 4 if data.present[case].sum() < 2000 else 1.5,
            "alpha": 0.5,
        }
        axes[0].plot(time, data.power[case], **dots, label=f"{label}measured")
        axes[0].plot(time, fit.predicted[case], "-", color="black", linewidth=0.8, label="model" if case == 0 else None)
        axes[1].plot(time, fit.residual[case], **dots)
    axes[0].legend(frameon=False, fontsize=8)
    axes[0].set(ylabel="power", title=None if fit.diagnosis.describes else "the model does not describe these data")
    axes[1].axhspan(-fit.noise, fit.noise, color="0.9", zorder=0)
    axes[1].set(xlabel=f"time ({unit})", ylabel="measured - model")
    found = fit.diagnosis.correlation
    bound = 2 / np.sqrt(max(data.present.sum(), 1))
    axes[2].axhspan(-bound, bound, color="0.9", zorder=0)
    axes[2].bar(range(1, len(found) + 1), found, width=0.3)
    axes[2].set(xlabel="distance (samples)", ylabel="correlation of residuals")
    axes[2].xaxis.get_major_locator().set_params(integer=True)
    return axes


def save(ax, path):
    """Writes the figure of these axes as PNG, atomically; StoreError if that is impossible."""
    write_atomic(path, picture(ax))


def picture(ax):
    """The figure of these axes as PNG, bytes."""
    return figure_bytes(ax.figure, format="png", dpi=150)


def figure_bytes(figure, **options):
    """A figure with the options of `savefig`, among them the format, as bytes."""
    content = io.BytesIO()
    figure.savefig(content, **options)
    return content.getvalue()
