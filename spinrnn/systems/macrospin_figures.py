"""The drawing of the macrospin's study: where the power equation holds and where not,
for a perpendicular and an in-plane film.
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from spinrnn.paper.figures import BLACK, BLUE, GREEN, PAGE, RED, SERIES
from spinrnn.paper.numbers import FigureNumbers


def macrospin(result: FigureNumbers) -> Figure:
    """a, d: power against current of both geometries; b, e: frequency against power; c:
    envelopes with the fit of eq. (1); f: thermal power below threshold.
    """
    figure = Figure(figsize=(PAGE, 4.2), layout="constrained")
    axes = figure.subplot_mosaic([list("abc"), list("def")])
    known = result.data["known"]
    for name, (left, right) in {"perpendicular": "ab", "in-plane": "de"}.items():
        _powers(axes[left], known["theory", name], known["simulation", name])
        _frequencies(axes[right], known["theory", name], known["simulation", name])
        axes[left].set_title(f"{left}  {name}", loc="left")
        axes[right].set_title(f"{right}  {name}", loc="left")
    _envelopes(axes["c"], known["envelope", "perpendicular"])
    _thermal(axes["f"], known["thermal", "perpendicular"])
    return figure


def _powers(ax, theory, own):
    ratios = np.linspace(0, max(own["ratio"]), 400)
    q = theory["nonlinear_damping"]
    with np.errstate(divide="ignore"):
        power = np.where(ratios > 1, (ratios - 1) / (ratios + q), 0)
    ax.plot(ratios, np.where(power <= 1, power, np.nan), color=BLUE, label="eq. (1), formulas")
    orbits = theory["orbits"]
    current = np.array(orbits["current"]) / theory["threshold"]
    ax.plot(current, orbits["power"], color=GREEN, label="orbits")
    ax.plot(own["ratio"], own["power"], "o", color=BLACK, markersize=3, label="simulation")
    ax.set_xlim(0, max(own["ratio"]) * 1.03)
    ax.set_ylim(-0.02, 1.02 * max(0.3, *own["power"]))
    ax.set_xlabel("current / threshold")
    ax.set_ylabel("power p")
    ax.legend(fontsize=6)


def _frequencies(ax, theory, own):
    orbits, largest = theory["orbits"], max(0.3, *own["power"])
    power = np.linspace(0, largest, 50)
    linear = theory["frequency"] + theory["frequency_shift"] / (2 * np.pi) * power
    ax.plot(power, linear / 1e9, color=BLUE, label="$\\omega_0 + N p$")
    ax.plot(orbits["power"], np.array(orbits["frequency"]) / 1e9, color=GREEN, label="orbits")
    there = [(p, f / 1e9) for p, f in zip(own["power"], own["frequency"], strict=True) if f]
    if there:
        ax.plot(*np.array(there).T, "o", color=BLACK, markersize=3, label="simulation")
    ax.set_xlim(0, largest)
    ax.set_ylim(0, None)
    ax.set_xlabel("power p")
    ax.set_ylabel("frequency (GHz)")
    ax.legend(fontsize=6)


def _envelopes(ax, found):
    time = np.array(found["time"]) * 1e9
    rows = zip(found["ratio"], found["power"], found["predicted"], SERIES, strict=False)
    for ratio, power, predicted, colour in rows:
        ax.plot(time, power, ".", color=colour, markersize=3, label=f"{ratio:g} $I_{{th}}$")
        ax.plot(time, predicted, color=colour, linewidth=0.8)
    ax.set_title("c  envelopes, fit of eq. (1)", loc="left")
    ax.set_xlabel("time (ns)")
    ax.set_ylabel("power p")
    ax.legend(fontsize=6, loc="center right", bbox_to_anchor=(1.0, 0.72))


def _thermal(ax, found: dict[str, Any]):
    ratios = np.linspace(0, 0.85, 50)
    ax.plot(ratios, found["eta"] / (1 - ratios), color=BLUE, label="$\\eta / (1 - I / I_{th})$")
    ax.plot(found["ratio"], found["power"], "o", color=RED, markersize=3, label="simulation")
    ax.set_ylim(0, None)
    ax.set_title("f  thermal power, 300 K", loc="left")
    ax.set_xlabel("current / threshold")
    ax.set_ylabel("mean power")
    ax.legend(fontsize=6)
