"""The drawing of the study of VDSP."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from spinrnn.paper.figures import BLACK, BLUE, GREEN, MARKERS, PAGE, RED, SERIES
from spinrnn.paper.numbers import FigureNumbers
from spinrnn.systems.vdsp import CONTROLS, PUBLISHED, RATES


def vdsp(result: FigureNumbers) -> Figure:
    """a: change of a synapse by a pair of spikes; b: accuracy on digits, of controls
    and devices; c: on MNIST against the number of neurons; d: receptive fields.
    """
    figure = Figure(figsize=(PAGE, 4.4), layout="constrained")
    grid = figure.add_gridspec(2, 1, height_ratios=[1, 0.8])
    upper, lower = (figure.add_subfigure(grid[row, 0]) for row in range(2))
    axes = upper.subplots(1, 3)
    for ax, letter in zip(axes, "abc", strict=True):
        ax.set_title(letter, loc="left", fontweight="bold")
    rows = result.data["rows"]
    _pairs(axes[0], result.data["pairs"])
    _digits(axes[1], rows)
    _neurons(axes[2], [row for row in rows if row["what"] == "mnist"])
    _fields(lower, rows)
    return figure


def _pairs(ax, pairs):
    for (name, changes), colour in zip(pairs["changes"].items(), SERIES, strict=False):
        changes = np.array(changes)
        ax.plot(pairs["delays"], changes / np.abs(changes).max(), color=colour, label=name)
    ax.axhline(0, color=BLACK, linewidth=0.4)
    ax.set_xlabel("output's spike after the input's (ms)")
    ax.set_ylabel("change / largest change")
    ax.legend(loc="upper right")


def _digits(ax, rows):
    own = {name: [r for r in rows if r.get("control") == name] for name in CONTROLS}
    own |= {name: [r for r in rows if r.get("window") == name] for name in RATES}
    for place, (name, found) in enumerate(own.items()):
        values = [row["accuracy"] for row in found]
        colour = RED if name in ("shuffled", "none") else BLUE if name in CONTROLS else GREEN
        ax.bar(place, np.mean(values), color=colour, alpha=0.4)
        ax.plot([place] * len(values), values, ".", color=colour)
    ax.set_xticks(range(len(own)), list(own), rotation=60)
    ax.set_ylim(0, 102)
    ax.set_ylabel("digits, test accuracy (%)")


def _neurons(ax, rows):
    for cases, colour in ((10_000, GREEN), (60_000, BLUE)):
        own = [row for row in rows if row["cases"] == cases]
        counts = sorted({row["neurons"] for row in own})
        values = [[r["accuracy"] for r in own if r["neurons"] == n] for n in counts]
        label = f"ours, {cases:,} images"
        if counts:
            means = [np.mean(v) for v in values]
            ax.plot(counts, means, color=colour, marker=MARKERS[0], label=label)
    counts, means, errors = zip(*((n, *v) for n, v in PUBLISHED.items()), strict=True)
    ax.errorbar(counts, means, errors, color=BLACK, fmt="s", markersize=3, label="paper")
    ax.set_xscale("log")
    ax.set_xticks([10, 25, 50, 100, 200, 400], ["10", "25", "50", "100", "200", "400"])
    ax.minorticks_off()
    ax.set_xlabel("neurons")
    ax.set_ylabel("MNIST, test accuracy (%)")
    ax.legend(loc="lower right")


def _fields(figure: Any, rows):
    """Of MNIST with 100 neurons, or where there is none of digits."""
    figure.suptitle("d", x=0.01, ha="left", fontweight="bold")
    shown = [row for row in rows if "fields" in row]
    full = [row for row in shown if row["what"] == "mnist"]
    chosen = (full or shown)[-1]
    fields = np.array(chosen["fields"])
    side = int(np.sqrt(fields.shape[1]))
    axes = figure.subplots(2, 10).reshape(-1)
    for ax in axes:
        ax.axis("off")
    for ax, field, label in zip(axes, fields, chosen["classes"], strict=False):
        ax.imshow(field.reshape(side, side), cmap="gray_r", vmin=0, vmax=255)
        ax.set_title(str(label) if label >= 0 else "-", fontsize=5, pad=0.5)
