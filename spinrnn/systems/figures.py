"""The drawings of the studies, from what their `numbers` found; sizes and colours are
those of `paper.figures`.
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from spinrnn.paper.figures import BLACK, BLUE, GREEN, MARKERS, PAGE, RED, SERIES
from spinrnn.paper.numbers import FigureNumbers

WAYS = {"naive": BLUE, "twin": GREEN, "exact": RED}
"""Colours of the ways to devices that differ."""


def _panels(count: int, height: float = 2.2) -> tuple[Figure, Any]:
    """A figure of so many panels beside each other, with their letters."""
    figure = Figure(figsize=(PAGE, height), layout="constrained")
    axes = np.atleast_1d(figure.subplots(1, count))
    for ax, letter in zip(axes, "abcdef", strict=False):
        ax.set_title(letter, loc="left", fontweight="bold")
    return figure, axes


# ---- RF network ----


def rf(result: FigureNumbers) -> Figure:
    """a: spectra and the resonators under them; b: learning; c: devices that differ."""
    figure, axes = _panels(3)
    _spectra(axes[0], result.data["spectra"])
    _curves(axes[1], result.data["rows"])
    _transfer(axes[2], result.data["rows"])
    return figure


def _spectra(ax, found):
    tones = np.array(found["tones"]) / 1e6
    for spectrum, colour in zip(found["spectra"], SERIES, strict=False):
        ax.plot(tones, np.array(spectrum) / np.max(spectrum), color=colour, linewidth=0.6)
    weights = np.array(found["weights"])
    ax.plot(tones, -1 + 0.5 * weights / np.abs(weights).max(), color=BLACK, linewidth=0.4)
    resonators = np.array(found["resonators"]) / 1e6
    for first, colour in ((0, RED), (1, BLUE)):
        own = resonators[first::2]
        ax.vlines(own, -2.2, -1.8, color=colour, linewidth=0.2)
    ax.set_yticks([-2, -1, 0, 1], ["resonators", "weights", "0", "spectra"])
    ax.set_xlabel("frequency (MHz)")


def _curves(ax, rows):
    for way, colour in (("ideal", BLUE), ("software", BLACK)):
        for row in (row for row in rows if row["way"] == way):
            epochs = np.arange(1, len(row["curve"]) + 1)
            label = {"ideal": "RF network", "software": "ReLU"}[way] if row["seed"] == 0 else None
            ax.plot(epochs, row["curve"], color=colour, linewidth=0.6, label=label)
    ax.set_xlabel("epoch")
    ax.set_ylabel("test accuracy (%)")
    ax.legend(loc="lower right")


def _transfer(ax, rows):
    for (way, colour), marker in zip(WAYS.items(), MARKERS, strict=False):
        own = [row for row in rows if row["way"] == way]
        spreads = sorted({row["spread"] for row in own})
        values = [[r["accuracy"] for r in own if r["spread"] == spread] for spread in spreads]
        means = [np.mean(v) for v in values]
        ax.plot(spreads, means, color=colour, marker=marker, label=way)
        for spread, each in zip(spreads, values, strict=True):
            ax.plot([spread] * len(each), each, color=colour, marker=".", linestyle="none")
    ax.set_xscale("log")
    ax.set_ylim(0, 102)
    ax.set_xlabel("spread of frequencies and powers")
    ax.set_ylabel("test accuracy (%)")
    ax.legend(loc="lower left")
