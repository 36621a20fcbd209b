"""The drawing of the thermal memristor's study: behaviours, with thresholds and windows
that were known beforehand.
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from spinrnn.paper.figures import BLACK, BLUE, GREEN, ORANGE, PAGE, RED
from spinrnn.paper.numbers import FigureNumbers

COLOURS = {"A": BLUE, "B": RED, "VO2": GREEN}
GREY = "#888888"


def nbox(result: FigureNumbers) -> Figure:
    """a: characteristic; b: windows; c: tonic spiking; d, e: phasic bursting and why;
    f: ringing; g: latency; h: integration; i: noise; j: below threshold.
    """
    figure = Figure(figsize=(PAGE, 7.4), layout="constrained")
    axes = figure.subplot_mosaic([list("abc"), list("dde"), list("fgh"), list("ijj")])
    data = result.data
    _characteristic(axes["a"], data["theory"])
    _windows(axes["b"], data)
    _tonic(axes["c"], data["tonic"])
    _bursts(axes["d"], data["oxide"])
    _branches(axes["e"], data["oxide"])
    _ringing(axes["f"], data["ringing"])
    _latency(axes["g"], data["latency"])
    _integration(axes["h"], data["integration"], data["theory"])
    _noise(axes["i"], data["noise"])
    _passive(axes["j"], data["passive"])
    for letter, ax in axes.items():
        ax.set_title(f"{letter}  {TITLES[letter]}", loc="left", fontsize=7)
    return figure


TITLES = {
    "a": "characteristic",
    "b": "windows",
    "c": "tonic spiking (B, 2.5 V)",
    "d": "phasic bursting (VO2)",
    "e": "why the burst ends",
    "f": "ringing (A, 0.98 of its edge)",
    "g": "spike latency (B)",
    "h": "temporal integration (B)",
    "i": "stochastic spiking (B)",
    "j": "leaky integration below the edge (B)",
}


def _characteristic(ax, known):
    voltage, current = np.array(known["voltage"]), 1e3 * np.array(known["current"])
    ax.plot(voltage, current, color=BLACK, linewidth=0.8)
    for name, width in (("A", 4.0), ("B", 2.0)):
        unstable = np.array(known[f"growth_{name}"]) > 0
        ax.plot(
            np.where(unstable, voltage, np.nan),
            current,
            color=COLOURS[name],
            linewidth=width,
            alpha=0.6,
            label=f"unstable in {name}",
        )
    high = ax.get_ylim()[1]
    for edge in known["edges_B"]:
        across = np.array([0.0, 1.6])
        ax.plot(across, (edge - across) / 10, color=GREY, linewidth=0.5, linestyle="--")
    for what, place, side in (("threshold", (4, -3), "left"), ("hold", (-4, 4), "right")):
        point = known[what]
        where = point["voltage"], 1e3 * point["current"]
        text = f"{what} {point['voltage']:.3f} V"
        ax.plot(*where, "o", color=BLACK)
        ax.annotate(text, where, place, textcoords="offset points", ha=side, fontsize=6)
    ax.set_xlim(0.4, 1.6)
    ax.set_ylim(0, high)
    ax.set_xlabel("V (V)")
    ax.set_ylabel("I (mA)")
    ax.legend(loc="upper left")


def _windows(ax, data):
    """Frequency against V_in over the lower edge; lines: edges by eigenvalues."""
    known, oxide = data["theory"], data["oxide"]
    edges = {name: known[f"edges_{name}"] for name in ("A", "B")} | {"VO2": oxide["window"]}
    curves = {name: data["frequencies"][name] for name in ("A", "B")} | {"VO2": oxide}
    for name, colour in COLOURS.items():
        low, high = edges[name]
        drive = np.array(curves[name]["drive"]) / low
        values = [np.nan if f is None else f / 1e6 for f in curves[name]["frequency"]]
        ax.plot(drive, values, "o-", color=colour, markersize=2, label=f"{name} ({low:.2f} V)")
        for edge in (1.0, high / low):
            ax.axvline(edge, color=colour, linewidth=0.6, linestyle=":")
    for name in ("A", "B"):
        low, high = edges[name]
        values = np.array(known[f"eigenfrequencies_{name}"]) / 1e6
        ax.plot([1.0, high / low], values, "s", color=COLOURS[name], fillstyle="none")
    ax.set_ylim(0, 1.6)
    ax.set_xlabel("V_in / lower edge")
    ax.set_ylabel("frequency (MHz)")
    ax.legend(loc="lower right")


def _time(found: dict[str, Any], values: Any) -> np.ndarray:
    """Of values that go over the whole of a trace, in µs."""
    return np.linspace(0, 1e6 * found["seconds"], len(values))


def _tonic(ax, found):
    ax.plot(_time(found, found["temperature"]), found["temperature"], color=RED)
    ax.set_xlabel("time (µs)")
    ax.set_ylabel("T (K)")


def _bursts(ax, found):
    colours = {"12": GREY, "16": GREEN, "18": ORANGE}
    for name, values in found["temperature"].items():
        spikes = found["spikes"][list(found["drive"]).index(float(name))]
        width = 0.5 if name == "12" else 1.0
        label = f"{name} V: {spikes} spike{'s' if spikes > 1 else ''}"
        ax.plot(_time(found, values), values, color=colours[name], linewidth=width, label=label)
    ax.axhline(found["rest"], color=BLACK, linewidth=0.5, linestyle=":")
    ax.set_xlabel("time (µs)")
    ax.set_ylabel("T (K)")
    ax.legend(loc="upper right")


def _branches(ax, found):
    drive = np.array(found["drive"])
    for name, marker in (("heating", "^"), ("cooling", "v")):
        rates = np.array(found[name]) / 1e6
        ax.plot(drive, rates, marker=marker, color=GREEN, label=f"on the {name} branch",
                fillstyle="full" if name == "heating" else "none")  # fmt: skip
    ax.axhline(0, color=BLACK, linewidth=0.5)
    for edge in found["window"]:
        ax.axvline(edge, color=GREEN, linewidth=0.6, linestyle=":")
        ax.annotate(f"{edge:.2f} V", (edge, 5.2), (2, 0), textcoords="offset points", fontsize=6)
    ax.set_ylim(-5, 6)
    ax.set_xlabel("V_in (V)")
    ax.set_ylabel("growth rate (1/µs)")
    ax.legend(loc="lower left")


def _ringing(ax, found):
    time = _time(found, found["temperature"])
    ax.plot(time, found["temperature"], color=BLUE, linewidth=0.7)
    values, rest = np.array(found["temperature"]), found["rest"]
    late = time > time[-1] / 2
    height = (values[late] - rest).max() * np.exp(-found["decay"] * 1e-6 * time[late][0])
    ax.plot(
        time,
        rest + height * np.exp(found["decay"] * 1e-6 * time),
        color=BLACK,
        linewidth=0.7,
        linestyle="--",
        label="decay by the eigenvalue",
    )
    ax.set_ylim(290, 500)
    ax.set_xlabel("time (µs)")
    ax.set_ylabel("T (K)")
    ax.legend(loc="lower right")


def _latency(ax, found):
    for name, colour, style, label in (
        ("latency", RED, "o-", "to the spike"),
        ("charging", BLACK, "--", "R_L charges C to the threshold"),
    ):
        ax.plot(found["ratio"], 1e6 * np.array(found[name]), style, color=colour, label=label)
    ax.set_ylim(0)
    ax.set_xlabel("V_in / lower edge")
    ax.set_ylabel("latency (µs)")
    ax.legend(loc="upper right")


def _integration(ax, found, known):
    names = {"one": "one pulse", "1": "two, 1 µs apart", "5": "two, 5 µs apart"}
    for (name, label), colour in zip(names.items(), (GREY, RED, BLUE), strict=True):
        values = found["voltage"][name]
        ax.plot(_time(found, values), values, color=colour, linewidth=0.8, label=label)
    ax.axhline(known["threshold"]["voltage"], color=BLACK, linewidth=0.5, linestyle=":")
    ax.set_ylim(0.2, 1.8)
    ax.set_xlabel("time (µs)")
    ax.set_ylabel("V (V)")
    ax.legend(loc="upper left")


def _noise(ax, rows):
    ratios = [row["ratio"] for row in rows]
    ax.plot(
        ratios, [row["probability"] for row in rows], "o-", color=RED, label="P(spike in 20 µs)"
    )
    variation = [np.nan if row["variation"] is None else row["variation"] for row in rows]
    ax.plot(ratios, variation, "s--", color=BLACK, label="CV of the intervals")
    ax.axvline(1.0, color=RED, linewidth=0.6, linestyle=":")
    ax.set_ylim(0, 1.3)
    ax.set_xlabel("V_in / lower edge")
    ax.legend(loc="lower left")


def _passive(ax, found):
    for ratio, values, law in zip(found["ratio"], found["voltage"], found["law"], strict=True):
        time = _time(found, values)
        ax.plot(time, values, color=RED, linewidth=1.0)
        ax.plot(time, law, color=BLACK, linewidth=0.7, linestyle="--")
        # the upper curves end close to each other
        place = -4, -8 if 0.4 < ratio < 0.8 else 2
        where, style = (time[-1], values[-1]), {"textcoords": "offset points", "ha": "right"}
        ax.annotate(f"{ratio:g}", where, place, fontsize=6, **style)
    ax.plot([], [], color=RED, label="V_in at this part of the lower edge")
    ax.plot([], [], color=BLACK, linestyle="--", label="R_L beside the cold device, with C")
    ax.set_ylim(0, 1.45)
    ax.set_xlabel("time (µs)")
    ax.set_ylabel("V (V)")
    ax.legend(loc="upper left", ncols=2)
