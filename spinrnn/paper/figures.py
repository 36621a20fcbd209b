"""The drawings of the figures, from what `numbers` found.

Sizes are those of a journal's columns, colours those that colour-blind people tell
apart. Every function takes a `numbers.FigureNumbers` and returns a figure.
"""

from contextlib import AbstractContextManager
from typing import Any

import matplotlib.ticker
import numpy as np
from matplotlib.figure import Figure

from spinrnn.config.versions import attributes
from spinrnn.paper.curves import QUARTILES, band, medians
from spinrnn.paper.numbers import PAPER, PAPER_ENERGY, FigureNumbers, density
from spinrnn.plotting import figure_bytes, settings

COLUMN, PAGE = 3.4, 7.0
"""Widths of one and of two columns (inches)."""
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, RED, PINK = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
"""Palette of Okabe and Ito (2008)."""
SERIES = (BLUE, RED, GREEN, PINK, ORANGE, SKY)
MARKERS = "osD^vP"
STYLE = {
    "font.size": 7,
    "axes.labelsize": 7,
    "axes.titlesize": 7,
    "axes.linewidth": 0.6,
    "legend.fontsize": 6,
    "legend.frameon": False,
    "xtick.labelsize": 6,
    "ytick.labelsize": 6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.0,
    "lines.markersize": 3,
    "pdf.fonttype": 42,
    "savefig.dpi": 300,
    "figure.dpi": 100,
}
HEADROOM = 1.18
"""Upper end of axes of the power p from 0 to 1 that have a text at their top."""


def style() -> AbstractContextManager[None]:
    """Context in which figures are made and saved in our style, not the user's."""
    return settings(STYLE)


def pictures(figure: Figure, stem: Any) -> dict[str, bytes]:
    """{path: bytes} of stem.pdf and stem.png.

    They have no date, so that the same numbers give the same bytes.
    """
    forms = {
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
        "png": {"Software": None},
    }
    return {
        f"{stem}.{form}": figure_bytes(figure, format=form, metadata=metadata)
        for form, metadata in forms.items()
    }


# ---- figure 1 ----


def fig1(result: FigureNumbers) -> Figure:
    """a: six images; b to d: the power of one neuron of each layer for all of them."""
    figure = Figure(figsize=(PAGE, 3.6), layout="constrained")
    top, bottom = list(figure.subfigures(2, 1, height_ratios=(1, 2.6)))
    colours = dict(zip(result.data["cases"], SERIES, strict=True))
    images = zip(result.data["images"], colours.values(), strict=True)
    upper = top.subplots(1, 6)
    for ax, ((label, pixels), colour) in zip(upper, images, strict=True):
        _image(ax, label, pixels, colour)
    _title(upper[0], "a")
    axes = bottom.subplots(1, 3, sharey=True)
    places = sorted({(t.layer, t.neuron) for t in result.data["traces"]})
    for ax, (layer, neuron), letter in zip(axes, places, "bcd", strict=True):
        for trace in result.data["traces"]:
            if (trace.layer, trace.neuron) == (layer, neuron):
                ax.plot(1e9 * trace.time, trace.power, color=colours[trace.case], linewidth=0.8)
        share = result.data["shares"]["the end"][layer]
        _title(ax, letter, f"layer {layer}, neuron {neuron}")
        text = f"{100 * share:.0f} % of the layer's variance at the end\nlies between the classes"
        ax.text(0.03, 0.97, text, transform=ax.transAxes, fontsize=6, verticalalignment="top")
        ax.set(xlabel="time (ns)", ylim=(0, HEADROOM), yticks=np.linspace(0, 1, 6))
    axes[0].set_ylabel("power $p$")
    return figure


def _image(ax, label, pixels, colour):
    side = round(len(pixels) ** 0.5)
    ax.imshow(pixels.reshape(side, side), cmap="Greys", vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[])
    ax.set_title(f"class {label}", color=colour)
    for spine in ax.spines.values():
        spine.set(color=colour, linewidth=1.5)


# ---- figure 2 ----


def fig2(result: FigureNumbers) -> Figure:
    """a: two inputs; b: accuracy against the input interval; c to e: powers."""
    figure = Figure(figsize=(PAGE, 4.4), layout="constrained")
    upper, lower = list(figure.subfigures(2, 1))
    left, right = upper.subplots(1, 2, width_ratios=(1, 1.5))
    for (label, pixels), colour in zip(result.data["inputs"], (BLUE, RED), strict=True):
        edges = np.arange(len(pixels) + 1)
        left.stairs(pixels, edges, color=colour, label=f"class {label}", linewidth=0.8)
    left.set(xlabel="time (input intervals)", ylabel="input", ylim=(0, 1.25))
    left.legend(loc="upper right", ncols=2)
    _title(left, "a")
    _paper(right)
    for number, (name, found) in enumerate(result.data["curves"].items()):
        _curve(right, [c.ratio for c in found], found, number, name)
    _accuracy(right, r"input interval $\Delta t / \tau$")
    right.legend(loc="best")
    _title(right, "b")
    axes = lower.subplots(1, 3, sharey=True)
    for ax, letter, (condition, found) in zip(axes, "cde", result.data["panels"], strict=True):
        _powers(ax, found, result.data["cases"])
        interval = rf"$\Delta t$ = {condition.ratio:g} $\tau$ = {1e9 * condition.interval:g} ns"
        _title(ax, letter, interval)
    axes[0].set_ylabel("power $p$, layer 2")
    axes[0].legend(loc="upper left", ncols=3, handlelength=1.5, columnspacing=0.8)
    return figure


def _powers(ax, found, cases):
    """Traces: a colour for each case, a line for each neuron."""
    neurons = sorted({trace.neuron for trace in found})
    for trace in sorted(found, key=lambda trace: (trace.neuron, cases.index(trace.case))):
        first = trace.case == cases[0]
        ax.plot(
            1e9 * trace.time,
            trace.power,
            ("-", "--", ":")[neurons.index(trace.neuron)],
            color=(BLUE, RED)[cases.index(trace.case)],
            linewidth=0.7,
            label=f"neuron {trace.neuron}" if first else None,
        )
    ax.set(xlabel="time (ns)", ylim=(0, HEADROOM), yticks=np.linspace(0, 1, 6))


# ---- figure 3 ----


def fig3(result: FigureNumbers) -> Figure:
    """a, b: relaxation times, in time and in tau; c: learning rates; d: all runs."""
    figure = Figure(figsize=(PAGE, 4.6), layout="constrained")
    (a, b), (c, d) = figure.subplots(2, 2)
    for number, (tau, found) in enumerate(result.data["by_time"].items()):
        name = rf"$\tau$ = {1e9 * tau:g} ns"
        _curve(a, [1e9 * k.interval for k in found], found, number, name)
        _curve(b, [k.ratio for k in found], found, number, name)
    for number, (rate, found) in enumerate(result.data["by_rate"].items()):
        name = f"learning rate {number_text(rate)}"
        _curve(c, [1e9 * k.interval for k in found], found, number, name)
    for ax, letter, text, label in (
        (a, "a", "", r"input interval $\Delta t$ (ns)"),
        (b, "b", "rescaled", r"input interval $\Delta t / \tau$"),
        (c, "c", "", r"input interval $\Delta t$ (ns)"),
    ):
        _paper(ax)
        _accuracy(ax, label)
        _title(ax, letter, text)
        ax.legend(loc="best")
    _runs(d, result.data["runs"])
    _title(d, "d")
    return figure


def _runs(ax, runs):
    """Accuracy of each run against its cumulative drive, by Delta t / tau."""
    ratios = np.array([run["input_interval_s"] / run["relaxation_time_s"] for run in runs])
    drive = np.array([run["cumulative_drive"] for run in runs])
    accuracy = np.array([run["accuracy_percent"] for run in runs])
    even = np.isclose(ratios, 1)
    for part, colour, marker, name in (
        ((ratios < 1) & ~even, GREEN, "o", r"$\tau > \Delta t$"),
        (even, BLACK, "D", r"$\tau = \Delta t$"),
        ((ratios > 1) & ~even, ORANGE, "^", r"$\tau < \Delta t$"),
    ):
        dots = {"color": colour, "markersize": 2, "alpha": 0.6, "markeredgewidth": 0}
        ax.plot(drive[part], accuracy[part], marker, label=name, **dots)
    ax.axvline(1, color=BLACK, linestyle="--", linewidth=0.7)
    _accuracy(ax, "cumulative drive")
    ax.legend(loc="best", markerscale=1.5)


# ---- figures 4 and 5 ----


def fig4(result: FigureNumbers) -> Figure:
    """Accuracy against the density of the recurrent weights, others, and all."""
    figure = Figure(figsize=(COLUMN, 2.6), layout="constrained")
    ax = figure.subplots()
    _paper(ax)
    for number, (name, found) in enumerate(result.data["curves"].items()):
        _curve(ax, [density(c) for c in found], found, number, name)
    _accuracy(ax, "density")
    shares = sorted({density(c) for found in result.data["curves"].values() for c in found})
    ax.set_xticks(shares)
    ax.minorticks_off()
    ax.legend(loc="best")
    return figure


def fig5(result: FigureNumbers) -> Figure:
    """Accuracy and loss of training and test against the epoch at three densities."""
    panels = result.data["panels"]
    figure = Figure(figsize=(PAGE, 3.6), layout="constrained")
    axes = figure.subplots(2, len(panels), sharex=True, sharey="row", squeeze=False)
    for (upper, lower), (share, condition) in zip(axes.T, panels.items(), strict=True):
        for ax, column, scale in ((upper, "accuracy", 100), (lower, "loss", 1)):
            for part, name, line, colour in (
                ("train", "training", "-", BLUE),
                ("test", "test", "--", RED),
            ):
                low, middle, high = scale * band(condition.curves[f"{part}_{column}"])
                epochs = np.arange(1, len(middle) + 1)
                ax.fill_between(epochs, low, high, color=colour, alpha=0.2, linewidth=0)
                ax.plot(epochs, middle, line, color=colour, label=name)
        upper.set_title(f"density {100 * share:g} %")
        upper.set(ylim=(0, 101))
        lower.set(xlabel="epoch", yscale="log")
    axes[0, 0].set_ylabel("accuracy (%)")
    axes[1, 0].set_ylabel("cross-entropy")
    axes[0, 0].legend(loc="lower right")
    return figure


# ---- energy, guideline, devices ----


def energy(result: FigureNumbers) -> Figure:
    """Accuracy against energy of an image; a: along the interval, b: the density."""
    figure = Figure(figsize=(PAGE, 2.9), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for ax, along, letter in zip(axes, ("input interval", "density"), "ab", strict=True):
        _paper(ax)
        for number, synapse in enumerate(result.data["powers"]):
            rows = [row for row in result.data["rows"] if row["along"] == along]
            rows = [row for row in rows if row["synapse_power_w"] == synapse]
            x = [1e12 * row["energy_per_image_j"] for row in rows]
            name = f"a synapse takes {1e9 * synapse:g} nW"
            low, middle, high = ([row[f"accuracy_percent_{q}"] for row in rows] for q in QUARTILES)
            ax.fill_between(x, low, high, color=SERIES[number], alpha=0.15, linewidth=0)
            ax.plot(x, middle, color=SERIES[number], marker=MARKERS[number], label=name)
        name = f"paper: about {1e12 * PAPER_ENERGY:g} pJ"
        ax.axvline(1e12 * PAPER_ENERGY, color=BLACK, linestyle="--", linewidth=0.7, label=name)
        _accuracy(ax, "energy per image (pJ)")
        _title(ax, letter, f"along the {along}")
    axes[1].set_xscale("linear")
    axes[1].set_ylabel("")
    assumed = f"assumed: a neuron takes {1e6 * result.data['neuron_power']:.3g} µW"
    axes[1].legend(loc="best", title=assumed, title_fontsize=6)
    return figure


def guideline(result: FigureNumbers) -> Figure:
    """Expected and trained accuracy side by side at each input interval."""
    figure = Figure(figsize=(COLUMN, 2.6), layout="constrained")
    ax = figure.subplots()
    for usual, colour, words in ((True, BLUE, "usual"), (False, RED, "advised")):
        rows = [row for row in result.data["rows"] if _is_usual(row) == usual]
        for name, shift, marker in (("expected", 0.97, "_"), ("trained", 1.03, "o")):
            x = [shift * row["interval_over_relaxation_time"] for row in rows]
            low, middle, high = (
                np.array([row[f"{name}_percent_{q}"] for row in rows]) for q in QUARTILES
            )
            label = f"{words} settings, {name}"
            reach = middle - low, high - middle
            ax.errorbar(x, middle, reach, fmt=marker, color=colour, capsize=2, label=label)
    _accuracy(ax, r"input interval $\Delta t / \tau$")
    ax.legend(loc="best")
    return figure


def _is_usual(row):
    return row["amplification"] == 1 and row["noise"] == 0


def against(result: FigureNumbers) -> Figure:
    """Accuracy against a value from 0, which stands left of a logarithmic axis."""
    figure = Figure(figsize=(COLUMN, 2.6), layout="constrained")
    ax = figure.subplots()
    _paper(ax)
    curves, key = result.data["curves"], result.data["key"]
    every = [c for found in curves.values() for c in found]
    values = sorted({attributes(c.config.network)[key] for c in every})
    zero = _place_of_zero([value for value in values if value > 0])
    for number, (name, found) in enumerate(curves.items()):
        x = [attributes(c.config.network)[key] or zero for c in found]
        _curve(ax, x, found, number, name)
    _accuracy(ax, result.data["label"])
    ax.set_xticks([value or zero for value in values], [number_text(value) for value in values])
    ax.minorticks_off()
    ax.legend(loc="best")
    return figure


def _place_of_zero(positive):
    """As far left of the smallest value as the next is right of it; else a decade."""
    if not positive:
        return 0.1
    step = positive[1] / positive[0] if len(positive) > 1 else 10
    return positive[0] / step


# ---- parts ----


def number_text(value: float) -> str:
    """A number in a picture: 0.01 as it is, 0.0001 and 1e-05 as powers of ten."""
    text = f"{value:g}"
    if "e" not in text and (value == 0 or abs(value) >= 1e-3):
        return text
    factor, power = f"{value:.5e}".split("e")
    factor = f"{float(factor):g}"
    times = "" if factor == "1" else rf"{factor} \times "
    return rf"${times}10^{{{int(power)}}}$"


def _curve(ax, x, found, number, name):
    """Median over the seeds with the band between the quartiles."""
    if not found:
        return
    low, _, high = 100 * np.transpose([c.band() for c in found])
    ax.fill_between(x, low, high, color=SERIES[number], alpha=0.2, linewidth=0)
    ax.plot(x, medians(found), color=SERIES[number], marker=MARKERS[number], label=name)


def _paper(ax):
    """The paper's accuracy as a grey band."""
    low, middle, high = PAPER
    name = f"paper: {middle} ± {high - middle:.2f} %"
    ax.axhspan(low, high, color="0.88", linewidth=0, zorder=0, label=name)
    ax.axhline(middle, color="0.6", linewidth=0.6, zorder=0)


def _accuracy(ax, label):
    """Axes of the accuracy in percent against something on a logarithmic axis."""
    ax.set(xscale="log", xlabel=label, ylabel="test accuracy (%)", ylim=(0, 101))
    ax.xaxis.set_major_formatter(lambda x, _: number_text(x))
    ax.xaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())


def _title(ax, letter, text=""):
    ax.set_title(rf"$\bf{{{letter}}}$  {text}", loc="left")
