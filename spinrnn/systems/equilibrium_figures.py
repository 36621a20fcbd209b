"""The drawing of the study of equilibrium propagation, of its `numbers`."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from spinrnn.neurons.oscillator import Oscillator
from spinrnn.paper.figures import BLACK, BLUE, GREEN, MARKERS, PAGE, RED, SERIES
from spinrnn.paper.numbers import FigureNumbers
from spinrnn.systems.equilibrium import BETAS, CONDITIONS


def equilibrium(result: FigureNumbers) -> Figure:
    """a: laws of beta; b: agreement by depth; c, d: of oscillators against beta, by
    coupling and by spread; e: accuracies; f: flips; g, h: of amplitude and phase, by
    what turns them.
    """
    rows = result.data["rows"]
    figure = Figure(figsize=(PAGE, 6.6), layout="constrained")
    axes = figure.subplots(3, 3).ravel()
    _laws(axes[0], [row for row in rows if row["what"] == "beta"])
    _depth(axes[1], [row for row in rows if row["what"] == "depth"])
    cosines = [row for row in rows if row["what"] == "cosine"]
    _cosines(axes[2], [row for row in cosines if row["spread"] == 0], "coupling")
    _cosines(axes[3], [row for row in cosines if row["coupling"] == 1.0], "spread")
    _accuracies(axes[4], rows)
    _flips(axes[5], [row for row in rows if row.get("condition") == "binary"])
    turned = [row for row in rows if row["what"] == "rotation"]
    _cosines(axes[6], [row for row in turned if row["of"] == "frequency"], "value", "frequency")
    _cosines(axes[7], [row for row in turned if row["of"] == "shift"], "value", "shift nu")
    axes[8].set_axis_off()
    for ax, letter in zip(axes, "abcdefgh", strict=False):
        ax.set_title(letter, loc="left", fontweight="bold")
    return figure


def _laws(ax, rows):
    colours = {"interior": BLUE, "oscillators": RED}
    texts = {"interior": "rates", "oscillators": "oscillators"}
    for row in rows:
        for sign, style in (("plus", "o-"), ("symmetric", "s--")):
            text = f"{texts[row['network']]}, {'one sign' if sign == 'plus' else 'both'}"
            label = text if row["seed"] == 0 else None
            colour = colours[row["network"]]
            ax.plot(BETAS, row[sign], style, color=colour, label=label, markersize=2, linewidth=0.6)
    ax.set(xscale="log", yscale="log", xlabel="beta", ylabel="error of the gradient")
    ax.legend(loc="lower right", fontsize=5)


def _depth(ax, rows):
    ways = (("published", BLACK), ("longer", BLUE), ("symmetric", GREEN))
    kinds = (
        ("rate", "state", "o-"),
        ("interior", "state", "^:"),
        (Oscillator.kind, "drive", "s--"),
    )
    for neuron, nudge, style in kinds:
        own = [row for row in rows if row["neuron"] == neuron]
        for way, colour in ways:
            values = [row["cosines"][f"{way}, {nudge}"]["cosine"] for row in own]
            label = f"{neuron}, {way}" if neuron != "interior" else None
            depths = [row["depth"] for row in own]
            ax.plot(depths, values, style, color=colour, label=label, markersize=3, linewidth=0.6)
    ax.set(xlabel="hidden layers", ylabel="cosine with exact gradient")
    ax.set_xticks(sorted({row["depth"] for row in rows}))
    ax.legend(loc="lower left", fontsize=5)


def _cosines(ax, rows, key, title=""):
    """Against beta, one sign dotted; 1 - cosine would hide where it fails."""
    for row, colour in zip(rows, SERIES, strict=False):
        ax.plot(BETAS, row["plus"], ":", color=colour, linewidth=0.8)
        ax.plot(BETAS, row["symmetric"], "-", color=colour, label=f"{row[key]:g}")
    ax.set(xscale="log", xlabel="beta", ylabel="cosine with exact gradient")
    ax.legend(title=title or key, loc="lower left", fontsize=5, title_fontsize=5)


def _accuracies(ax, rows):
    names = list(CONDITIONS)
    for what, colour, shift in (("digits", BLUE, -0.1), ("mnist", RED, 0.2)):
        label = what
        for place, name in enumerate(names):
            own = [r["accuracy"] for r in rows if r["what"] == what and r["condition"] == name]
            if own:
                ax.plot(own, [place + shift] * len(own), ".", color=colour, label=label)
                ax.plot(np.mean(own), place + shift, "|", color=colour, markersize=8)
                label = None
    ax.set_yticks(range(len(names)), names, fontsize=5)
    ax.invert_yaxis()
    ax.set_xlabel("test accuracy (%)")
    ax.legend(loc="lower left")


def _flips(ax, rows):
    for what, colour, marker in (("digits", BLUE, MARKERS[0]), ("mnist", RED, MARKERS[1])):
        for row in (row for row in rows if row["what"] == what):
            epochs: Any = np.arange(1, len(row["flips"]) + 1)
            label = what if row["seed"] == 0 else None
            ax.plot(
                epochs, row["flips"], color=colour, marker=marker, markersize=2, linewidth=0.6,
                label=label,
            )  # fmt: skip
    ax.set(yscale="log", xlabel="epoch", ylabel="flips of a weight in an epoch")
    ax.legend(loc="upper right")
