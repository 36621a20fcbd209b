"""The drawings of the studies, from what their `numbers` found; sizes and colours are
those of `paper.figures`.
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spinrnn.paper.figures import BLACK, BLUE, GREEN, MARKERS, PAGE, RED, SERIES
from spinrnn.paper.numbers import FigureNumbers
from spinrnn.systems.metaplasticity import ends

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


# ---- metaplasticity ----


def metaplasticity(result: FigureNumbers) -> Figure:
    """a: cost of turning a sign over; b, c: what is kept of two tasks; d: of many."""
    rows, quadratic = result.data["rows"], result.data["quadratic"]
    figure, axes = _panels(4)
    axes[0].plot(quadratic["theta"], quadratic["cost"], ".", color=BLUE, markersize=2)
    axes[0].set_xlabel("|latent weight|")
    axes[0].set_ylabel("cost of turning it over")
    for ax, what, names in (
        (axes[1], "digits", ("digits", "permuted digits")),
        (axes[2], "fashion", ("MNIST", "Fashion-MNIST")),
    ):
        _kept(ax, ends(rows, what), names)
    _many(axes[3], [row for row in rows if row["what"] == "permuted"])
    return figure


def _kept(ax, found, names):
    """Accuracies of two tasks at the end against m."""
    for task, (name, colour) in enumerate(zip(names, (BLUE, RED), strict=True)):
        means = [values[:, task].mean() for values in found.values()]
        ax.plot(list(found), means, color=colour, marker=MARKERS[task], label=name)
        for m, values in found.items():
            ax.plot([m] * len(values), values[:, task], ".", color=colour)
    ax.set_ylim(0, 102)
    ax.set_xlabel("m")
    ax.set_ylabel("accuracy at the end (%)")
    if found:
        ax.legend(loc="lower right")
    else:
        _absent(ax)


def _absent(ax):
    ax.text(0.5, 0.5, "needs --data", transform=ax.transAxes, ha="center")


def _many(ax, rows):
    """Accuracy at the end of each of many tasks; the shorter sequence with markers."""
    shortest = min((len(row["after"][-1]) for row in rows), default=0)
    strengths = sorted({row["m"] for row in rows})
    for row in rows:
        values, short = row["after"][-1], len(row["after"][-1]) == shortest
        colour = SERIES[strengths.index(row["m"])]
        label = f"m = {row['m']:g}" if short else None
        style = {"marker": "o"} if short else {"linewidth": 0.6}
        ax.plot(np.arange(1, len(values) + 1), values, color=colour, label=label, **style)
    ax.set_ylim(0, 102)
    ax.set_xlabel("permuted task")
    ax.set_ylabel("accuracy at the end (%)")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if rows:
        ax.legend(loc="best")
    else:
        _absent(ax)


# ---- domain walls ----


def domain_wall(result: FigureNumbers) -> Figure:
    """a: positions as written; b: accuracy against states; c: what a margin saves."""
    rows = result.data["rows"]
    figure, axes = _panels(3)
    for row, colour in zip(result.data["walls"], SERIES, strict=False):
        axes[0].errorbar(
            row["levels"],
            row["means"],
            row["deviations"],
            color=colour,
            marker="o",
            linestyle="none",
            label=f"{row['states']} states",
        )
    axes[0].set_xlabel("level")
    axes[0].set_ylabel("position, mean and deviation")
    axes[0].legend(loc="upper left")
    texts = {"narrow": "20-20-20", "wide": "128-128-64", "mnist": "MNIST"}
    for (what, text), colour in zip(texts.items(), SERIES, strict=False):
        _by_states(axes[1], [row for row in rows if row["what"] == what], colour, text)
    axes[1].set_xticks(range(4), ["2", "3", "5", "ideal"])
    axes[1].set_xlabel("states")
    axes[1].set_ylabel("test accuracy (%)")
    axes[1].legend(loc="lower right")
    _margins(axes[2], [row for row in rows if row["what"] == "margin"])
    return figure


def _by_states(ax, rows, colour, text):
    places = {2: 0, 3: 1, 5: 2, 0: 3}
    values = {p: [r["accuracy"] for r in rows if r["states"] == n] for n, p in places.items()}
    own = {place: found for place, found in values.items() if found}
    if own:
        ax.plot(list(own), [np.mean(v) for v in own.values()], color=colour, label=text)
    for place, found in own.items():
        ax.plot([place] * len(found), found, ".", color=colour)


def _margins(ax, rows):
    margins = sorted({row["margin"] for row in rows})
    own = [[row for row in rows if row["margin"] == margin] for margin in margins]
    ax.plot(margins, [np.mean([r["events_per_sample"] for r in v]) for v in own], "o-", color=BLUE)
    ax.set_yscale("log")
    ax.set_xlabel("margin (distances of levels)")
    ax.set_ylabel("writings for a sample", color=BLUE)
    other = ax.twinx()
    other.plot(margins, [np.mean([r["accuracy"] for r in v]) for v in own], "s-", color=RED)
    other.set_ylim(80, 100)
    other.set_ylabel("test accuracy (%)", color=RED)


# ---- skyrmions as learned devices ----


def skyrmion(result: FigureNumbers) -> Figure:
    """a: open loop; b: frequencies of the two tables; c: forecasts; d: when the device
    and its recording part.
    """
    rows = result.data["rows"]
    figure, axes = _panels(4, 1.9)
    for row in [row for row in rows if row["what"] == "open loop"][:1]:
        time = 5e-3 * np.arange(len(row["recorded"]))
        axes[0].plot(time, row["recorded"], color=BLACK, label="micromagnetics")
        axes[0].plot(time, row["learned"], "--", color=RED, label="learned device")
        axes[0].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))
    axes[0].set_xlabel("time (ns)")
    axes[0].set_ylabel("$10\\,(m_z - m_z(0))$")
    _frequencies(axes[1], [row for row in rows if row["what"] == "frequencies"])
    for row in [row for row in rows if row["what"] == "mackey-glass"]:
        axes[2].plot(row["horizons"], row["log10_nrmse"], "o-", color=BLUE)
    axes[2].set_xlabel("points ahead")
    axes[2].set_ylabel("log$_{10}$ NRMSE")
    for row in [row for row in rows if row["what"] == "collapse"]:
        start = 1e-9 + (1500 + 20_000) * 5e-12
        time = 1e9 * (start + 10 * 5e-12 * np.arange(len(row["off"])))
        axes[3].plot(time, row["off"], color=RED)
        axes[3].axvline(1e9 * row["time"], color=BLACK, linewidth=0.6)
    axes[3].set_xlabel("time (ns)")
    axes[3].set_ylabel("difference of $y$")
    return figure


def _frequencies(ax, rows):
    texts = {"Ku_ext_DMI": "$K_u$", "DMI_ext_Ku": "$D$"}
    for row, colour in zip(rows, SERIES, strict=False):
        table, device = 1e-9 * np.array(row["table_hertz"]), 1e-9 * np.array(row["device_hertz"])
        ax.plot(table, device, ".", color=colour, label=texts.get(row["table"], row["table"]))
        ax.plot(table, table, color=BLACK, linewidth=0.6, zorder=0)
    ax.set_xlabel("table (GHz)")
    ax.set_ylabel("device (GHz)")
    if rows:
        ax.legend(loc="upper left")


# ---- weak RESET ----


def weak_reset(result: FigureNumbers) -> Figure:
    """a: resistance against pulses; b: accuracy under each imperfection."""
    cells, rows = result.data["cells"], result.data["rows"]
    figure, axes = _panels(2)
    median, low, high = np.array(cells["percentiles"]).T / 1e3
    axes[0].plot(cells["pulses"], median, "o-", color=BLUE, label="median")
    axes[0].fill_between(cells["pulses"], low, high, color=BLUE, alpha=0.2, label="5 to 95 %")
    axes[0].set_yscale("log")
    axes[0].set_xlabel("weak RESET pulses")
    axes[0].set_ylabel("resistance (kOhm)")
    axes[0].legend(loc="upper left")
    names = list(dict.fromkeys(row["condition"] for row in rows))
    for what, colour, shift in (("digits", BLUE, -0.1), ("mnist", RED, 0.1)):
        _strip(axes[1], rows, names, what, "condition", colour, shift)
    axes[1].set_yticks(range(len(names)), names)
    axes[1].invert_yaxis()
    axes[1].set_xlabel("test accuracy (%)")
    axes[1].legend(loc="upper left")
    return figure


def _strip(ax, rows, names, what, key, colour, shift):
    """Accuracies of each name as points, their means as bars."""
    label = what
    for place, name in enumerate(names):
        own = [row["accuracy"] for row in rows if row["what"] == what and row[key] == name]
        if own:
            ax.plot(own, [place + shift] * len(own), ".", color=colour, label=label)
            ax.plot(np.mean(own), place + shift, "|", color=colour, markersize=8)
            label = None


# ---- devices on oscillators ----


def devices(result: FigureNumbers) -> Figure:
    """a: accuracy with each synapse; b: two tasks one after the other."""
    rows = result.data["rows"]
    figure, axes = _panels(2, 2.6)
    names = list(dict.fromkeys(row["name"] for row in rows if row["what"] == "synapse"))
    _strip(axes[0], rows, names, "synapse", "name", BLUE, 0.0)
    axes[0].set_yticks(range(len(names)), names)
    axes[0].invert_yaxis()
    axes[0].set_xlabel("test accuracy (%)")
    own = [row for row in rows if row["what"] == "tasks"]
    strengths = sorted({row["m"] for row in own})
    found = {m: np.array([r["after"][-1] for r in own if r["m"] == m]) for m in strengths}
    _kept(axes[1], found, ("digits", "permuted digits"))
    return figure
