"""The drawings of the figures, from what `numbers` found: sizes of a journal's columns, colours that colour-blind people tell apart."""

import matplotlib
import matplotlib.ticker
import numpy as np
from matplotlib.figure import Figure

from spinrnn.paper.curves import QUARTILES, band, medians
from spinrnn.paper.numbers import PAPER, PAPER_ENERGY, density
from spinrnn.plotting import figure_bytes, settings

COLUMN, PAGE = 3.4, 7.0
"""Widths of one and of two columns (inches)."""
BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PINK = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
"""Palette of Okabe and Ito (2008)."""
SERIES = (BLUE, RED, GREEN, PINK, ORANGE, SKY)
MARKERS = "osD^vP"
STYLE = {
    "font.size": 7, "axes.labelsize": 7, "legend.fontsize": 6, "xtick.labelsize": 6, "ytick.labelsize": 6, "axes.titlesize": 7,
    "lines.linewidth": 1.0, "lines.markersize": 3, "axes.linewidth": 0.6, "xtick.major.width": 0.6, "ytick.major.width": 0.6,
    "legend.frameon": False, "pdf.fonttype": 42, "savefig.dpi": 300, "figure.dpi": 100,
}  # fmt: skip


def style():
    """Context in which figures are made and saved in our style, whatever the user's own is."""
    return settings(STYLE)


def pictures(figure, stem):
    """{path: bytes} of stem.pdf and stem.png, without a date, so that the same numbers give the same bytes."""
    forms = {
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
        "png": {"Software": None},
    }
    return {
        f"{stem}.{form}": figure_bytes(figure, format=form, metadata=metadata)
        for form, metadata in forms.items()
    }


def fig1(result):
    figure = Figure(figsize=(PAGE, 3.6), layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=(1, 2.6))
    colours = dict(zip(result.data["cases"], SERIES, strict=True))
    for ax, (label, pixels), colour in zip(
        top.subplots(1, 6), result.data["images"], colours.values(), strict=True
    ):
        side = round(len(pixels) ** 0.5)
        ax.imshow(pixels.reshape(side, side), cmap="Greys", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
        ax.set_title(f"class {label}", color=colour)
        for spine in ax.spines.values():
            spine.set(color=colour, linewidth=1.5)
    axes = bottom.subplots(1, 3, sharey=True)
    places = sorted({(t.layer, t.neuron) for t in result.data["traces"]})
    for ax, place, letter in zip(axes, places, "bcd", strict=True):
        for trace in result.data["traces"]:
            if (trace.layer, trace.neuron) == place:
                ax.plot(1e9 * trace.time, trace.power, color=colours[trace.case], linewidth=0.8)
        share = result.data["shares"]["the end"][place[0]]
        _title(ax, letter, f"layer {place[0]}, neuron {place[1]}")
        text = f"{100 * share:.0f} % of the layer's variance at the end\nlies between the classes"
        ax.text(0.03, 0.03, text, transform=ax.transAxes, fontsize=6, verticalalignment="bottom")
        ax.set(xlabel="time (ns)", ylim=(0, 1))
    axes[0].set_ylabel("power p")
    return figure


def fig2(result):
    figure = Figure(figsize=(PAGE, 4.4), layout="constrained")
    upper, lower = figure.subfigures(2, 1)
    left, right = upper.subplots(1, 2, width_ratios=(1, 1.5))
    for (label, pixels), colour in zip(result.data["inputs"], (BLUE, RED), strict=True):
        left.stairs(
            pixels, np.arange(len(pixels) + 1), color=colour, label=f"class {label}", linewidth=0.8
        )
    left.set(xlabel="time (input intervals)", ylabel="input", ylim=(0, 1.25))
    left.legend(loc="upper right", ncols=2)
    _title(left, "a")
    _paper(right)
    for number, (name, found) in enumerate(result.data["curves"].items()):
        _curve(right, [c.ratio for c in found], found, number, name)
    _accuracy(right, r"input interval $\Delta t / \tau$")
    right.legend(loc="lower center")
    _title(right, "b")
    axes = lower.subplots(1, 3, sharey=True)
    for ax, letter, (condition, found) in zip(axes, "cde", result.data["panels"], strict=True):
        for trace in found:
            colour = (BLUE, RED)[result.data["cases"].index(trace.case)]
            line = ("-", "--", ":")[sorted({t.neuron for t in found}).index(trace.neuron)]
            first = trace.case == result.data["cases"][0]
            ax.plot(
                1e9 * trace.time,
                trace.power,
                line,
                color=colour,
                linewidth=0.7,
                label=f"neuron {trace.neuron}" if first else None,
            )
        _title(
            ax,
            letter,
            rf"$\Delta t$ = {condition.ratio:g} $\tau$ = {1e9 * condition.interval:g} ns",
        )
        ax.set(xlabel="time (ns)", ylim=(0, 1))
    axes[0].set_ylabel("power p, layer 2")
    axes[0].legend(loc="upper left", ncols=3, handlelength=1.5, columnspacing=0.8)
    return figure


def fig3(result):
    figure = Figure(figsize=(PAGE, 4.6), layout="constrained")
    (a, scaled), (b, c) = figure.subplots(2, 2)
    for number, (tau, found) in enumerate(result.data["by_time"].items()):
        for ax, places in (
            (a, [1e9 * k.interval for k in found]),
            (scaled, [k.ratio for k in found]),
        ):
            _curve(ax, places, found, number, rf"$\tau$ = {1e9 * tau:g} ns")
    for number, (rate, found) in enumerate(result.data["by_rate"].items()):
        _curve(b, [1e9 * k.interval for k in found], found, number, f"learning rate {rate:g}")
    for ax, letter, text, label in (
        (a, "a", "", r"input interval $\Delta t$ (ns)"),
        (scaled, "a", "rescaled", r"input interval $\Delta t / \tau$"),
        (b, "b", "", r"input interval $\Delta t$ (ns)"),
    ):
        _paper(ax)
        _accuracy(ax, label)
        _title(ax, letter, text)
        ax.legend(loc="lower center")
    ratios = np.array(
        [run["input_interval_s"] / run["relaxation_time_s"] for run in result.data["runs"]]
    )
    drive = np.array([run["cumulative_drive"] for run in result.data["runs"]])
    accuracy = np.array([run["accuracy_percent"] for run in result.data["runs"]])
    even = np.isclose(ratios, 1)
    for part, colour, marker, name in (
        ((ratios < 1) & ~even, GREEN, "o", r"$\tau > \Delta t$"),
        (even, BLACK, "D", r"$\tau = \Delta t$"),
        ((ratios > 1) & ~even, ORANGE, "^", r"$\tau < \Delta t$"),
    ):
        c.plot(
            drive[part],
            accuracy[part],
            marker,
            color=colour,
            markersize=2,
            alpha=0.6,
            markeredgewidth=0,
            label=name,
        )
    c.axvline(1, color=BLACK, linestyle="--", linewidth=0.7)
    _accuracy(c, "cumulative drive")
    _title(c, "c")
    c.legend(loc="lower right")
    return figure


def fig4(result):
    figure = Figure(figsize=(COLUMN, 2.6), layout="constrained")
    ax = figure.subplots()
    _paper(ax)
    for number, (name, found) in enumerate(result.data["curves"].items()):
        _curve(ax, [density(c) for c in found], found, number, name)
    _accuracy(ax, "density")
    shares = sorted({density(c) for found in result.data["curves"].values() for c in found})
    ax.set_xticks(shares)
    ax.minorticks_off()
    ax.legend(loc="lower right")
    return figure


def fig5(result):
    panels = result.data["panels"]
    figure = Figure(figsize=(PAGE, 3.6), layout="constrained")
    axes = figure.subplots(2, len(panels), sharex=True, sharey="row", squeeze=False)
    for column, (share, condition) in zip(axes.T, panels.items(), strict=True):
        for ax, measure, scale in ((column[0], "accuracy", 100), (column[1], "loss", 1)):
            for part, line, colour in (("train", "-", BLUE), ("test", "--", RED)):
                low, middle, high = scale * band(condition.curves[f"{part}_{measure}"])
                epochs = np.arange(1, len(middle) + 1)
                ax.fill_between(epochs, low, high, color=colour, alpha=0.2, linewidth=0)
                ax.plot(
                    epochs,
                    middle,
                    line,
                    color=colour,
                    label="training" if part == "train" else "test",
                )
        column[0].set_title(f"density {100 * share:g} %")
        column[0].set(ylim=(0, 101))
        column[1].set(xlabel="epoch", yscale="log")
    axes[0, 0].set_ylabel("accuracy (%)")
    axes[1, 0].set_ylabel("cross-entropy")
    axes[0, 0].legend(loc="lower right")
    return figure


def energy(result):
    figure = Figure(figsize=(PAGE, 2.9), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    rows, power = result.data["rows"], result.data["neuron_power"]
    for ax, along, letter in zip(axes, ("input interval", "density"), "ab", strict=True):
        _paper(ax)
        for number, synapse in enumerate(result.data["powers"]):
            part = [
                row for row in rows if row["along"] == along and row["synapse_power_w"] == synapse
            ]
            x = [1e12 * row["energy_per_image_j"] for row in part]
            low, middle, high = ([row[f"accuracy_percent_{q}"] for row in part] for q in QUARTILES)
            ax.fill_between(x, low, high, color=SERIES[number], alpha=0.15, linewidth=0)
            ax.plot(
                x,
                middle,
                color=SERIES[number],
                marker=MARKERS[number],
                label=f"a synapse takes {1e9 * synapse:g} nW",
            )
        ax.axvline(1e12 * PAPER_ENERGY, color=BLACK, linestyle="--", linewidth=0.7)
        _accuracy(ax, "energy per image (pJ)")
        _title(ax, letter, f"along the {along}")
    axes[1].set_xscale("linear")
    axes[1].set_ylabel("")
    axes[0].legend(
        loc="lower right", title=f"assumed: a neuron takes {1e6 * power:.3g} µW", title_fontsize=6
    )
    return figure


def guideline(result):
    figure = Figure(figsize=(COLUMN, 2.6), layout="constrained")
    ax = figure.subplots()
    rows = result.data["rows"]
    for usual, colour, words in (
        (True, BLUE, "usual settings"),
        (False, RED, "advised settings"),
    ):
        part = [row for row in rows if (row["amplification"] == 1 and row["noise"] == 0) == usual]
        for name, shift, marker in (("expected", 0.97, "_"), ("trained", 1.03, "o")):
            x = [shift * row["interval_over_relaxation_time"] for row in part]
            low, middle, high = (
                np.array([row[f"{name}_percent_{q}"] for row in part]) for q in QUARTILES
            )
            ax.errorbar(
                x,
                middle,
                (middle - low, high - middle),
                fmt=marker,
                color=colour,
                capsize=2,
                label=f"{words}, {name}",
            )
    _accuracy(ax, r"input interval $\Delta t / \tau$")
    ax.legend(loc="lower center")
    return figure


def against(result):
    """Accuracy against a value that starts from 0, which stands left of the others on a logarithmic axis."""
    figure = Figure(figsize=(COLUMN, 2.6), layout="constrained")
    ax = figure.subplots()
    _paper(ax)
    values = sorted(
        {
            getattr(c.config.network, result.data["key"])
            for found in result.data["curves"].values()
            for c in found
        }
    )
    positive = [value for value in values if value > 0] or [1.0]
    zero = positive[0] / (positive[1] / positive[0] if len(positive) > 1 else 10)
    for number, (name, found) in enumerate(result.data["curves"].items()):
        _curve(
            ax,
            [getattr(c.config.network, result.data["key"]) or zero for c in found],
            found,
            number,
            name,
        )
    _accuracy(ax, result.data["label"])
    ax.set_xticks([value or zero for value in values], [f"{value:g}" for value in values])
    ax.minorticks_off()
    ax.legend(loc="lower left")
    return figure


# ---- parts ----


def _curve(ax, x, found, number, name):
    """Median over the seeds with the band between the quartiles."""
    if not found:
        return
    low, _, high = 100 * np.transpose([c.band() for c in found])
    ax.fill_between(x, low, high, color=SERIES[number], alpha=0.2, linewidth=0)
    ax.plot(x, medians(found), color=SERIES[number], marker=MARKERS[number], label=name)


def _paper(ax):
    """The paper's accuracy as a grey band."""
    ax.axhspan(
        PAPER[0], PAPER[2], color="0.88", linewidth=0, zorder=0, label="paper: 89.83 ± 2.91 %"
    )
    ax.axhline(PAPER[1], color="0.6", linewidth=0.6, zorder=0)


def _accuracy(ax, label):
    ax.set(xscale="log", xlabel=label, ylabel="test accuracy (%)", ylim=(0, 101))
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
    ax.xaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())


def _title(ax, letter, text=""):
    ax.set_title(f"$\\bf{{{letter}}}$  {text}", loc="left")
