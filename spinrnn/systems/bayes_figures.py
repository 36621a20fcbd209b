"""The drawing of the Bayesian machine's study: accuracy against cycles, against wrong
bits, and by where the registers begin.
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from spinrnn.paper.figures import BLACK, BLUE, MARKERS, PAGE, RED, SERIES, SKY
from spinrnn.paper.numbers import FigureNumbers
from spinrnn.systems.bayes import CYCLES, NAMES, RATES

SHOWN = ("iris", "wine4", "wine13", "gestures")
BARS = {
    "float": ("float", BLACK),
    "value": ("for each value", BLUE),
    "column": ("for each column", SKY),
    "equal seeds": ("equal seeds", RED),
    "logarithmic": ("logarithmic", SERIES[2]),
}
"""{machine: (label, colour)}."""


def bayes(result: FigureNumbers) -> Figure:
    """a: against cycles; b: against wrong bits; c: machines beside each other; d: error
    of two columns by the shift between their registers.
    """
    rows = result.data["rows"]
    own = {row["what"]: row["accuracy"] for row in rows if row.get("likelihood") == "counts"}
    own = {name: own[name] for name in SHOWN if name in own}
    figure = Figure(figsize=(PAGE, 4.2), layout="constrained")
    axes = figure.subplot_mosaic([list("ab"), list("cd")])
    for letter, ax in axes.items():
        ax.set_title(letter, loc="left", fontweight="bold")
    _cycles(axes["a"], own)
    _wrong(axes["b"], own)
    _machines(axes["c"], own)
    _shifts(axes["d"], next(row for row in rows if row["what"] == "shifts"))
    return figure


def _cycles(ax, own):
    for (name, found), colour, marker in zip(own.items(), SERIES, MARKERS, strict=False):
        curve = [found[f"{n} cycles"] for n in CYCLES]
        ax.plot(CYCLES, curve, color=colour, marker=marker, label=NAMES[name])
        ax.axhline(found["float"], color=colour, linestyle=":", linewidth=0.6)
    ax.set_xscale("log", base=2)
    ax.set_xticks(CYCLES, [str(n) for n in CYCLES])
    ax.set_xlabel("cycles (dotted: float)")
    ax.set_ylabel("accuracy (%)")
    ax.legend(loc="lower right")


def _wrong(ax, own):
    """Of the gestures where they are there, else of wine."""
    name = "gestures" if "gestures" in own else "wine4"
    found = own[name]
    kinds: dict[str, tuple[str, Any]] = {
        "": ("255 cycles", BLUE),
        ", pairs": ("255 cycles, pairs of cells", SKY),
        ", logarithmic": ("logarithmic", SERIES[2]),
        ", float": ("float32", BLACK),
    }
    for (kind, (label, colour)), marker in zip(kinds.items(), MARKERS, strict=False):
        curve = [found[f"{rate:g} wrong{kind}"] for rate in RATES]
        ax.plot(RATES, curve, color=colour, marker=marker, label=label)
    ax.set_xscale("log")
    ax.set_ylim(0, 102)
    ax.set_xlabel(f"share of cells read wrongly ({NAMES[name]})")
    ax.set_ylabel("accuracy (%)")
    ax.legend(loc="lower left")


def _machines(ax, own):
    width = 0.8 / len(BARS)
    for number, (key, (label, colour)) in enumerate(BARS.items()):
        places = np.arange(len(own)) + (number - (len(BARS) - 1) / 2) * width
        ax.bar(places, [found[key] for found in own.values()], width, color=colour, label=label)
    ax.set_xticks(range(len(own)), [NAMES[name].replace(", ", ",\n") for name in own])
    ax.set_ylim(0, 139)
    ax.set_yticks(range(0, 101, 20))
    ax.set_ylabel("accuracy (%)")
    ax.legend(loc="upper center", ncols=3)


def _shifts(ax, found):
    places = range(len(found["places"]))
    ax.bar(places, found["errors"], color=BLUE)
    for place, error in zip(places, found["errors"], strict=True):
        ax.text(place, error, f"{error:.2g}", ha="center", va="bottom")
    ax.set_ylim(0, 1.12 * max(found["errors"]))
    ax.set_xticks(places, [str(place) for place in found["places"]])
    ax.set_xlabel("places between two registers")
    ax.set_ylabel("rms error of their count")
