"""One figure for each measure.

Every function takes an `ax` to draw into, makes a figure of its own without one,
returns the axes, and never shows or saves. Where several curves go into one picture
(layers, neurons), results come as {name: result}. Legends stand beside the axes, where
they cover no curve.
"""

from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spinrnn.analysis.activity import Activity
from spinrnn.analysis.classes import ClassAccuracy, ClassVariance
from spinrnn.analysis.consumption import Energy
from spinrnn.analysis.dimension import Dimension
from spinrnn.analysis.drive import CumulativeDrive
from spinrnn.analysis.recall import Memory
from spinrnn.analysis.relaxation import StepResponses
from spinrnn.analysis.spectra import Autocorrelation, Spectrum
from spinrnn.analysis.steady import SteadyStates, steady_power
from spinrnn.analysis.transfer import TransferCurve
from spinrnn.plotting import in_our_settings, prefixed

MANY = 12
"""Neurons up to which each gets a line in a legend."""
_THEORY = r"$(\xi - 1) / (\xi + Q)$"


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    return Figure(figsize=(6.6, 3.8), layout="constrained").subplots()


def _legend(ax: Axes) -> Axes:
    """The axes with a legend beside them, where there is something to name: of neurons
    that do not change no curve may be drawn."""
    if ax.get_legend_handles_labels()[0]:
        ax.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return ax


def _band(ax, x, low, high, colour):
    ax.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)


def _frequency(values):
    """(factor, unit) of rates in 1/s; powers of ten, as 1/ns reads worse for many than
    10^9 / s."""
    values = np.abs(np.asarray(values, dtype=float))
    largest = np.max(values[np.isfinite(values)], initial=0.0)
    power = int(np.floor(np.log10(largest) / 3)) * 3 if largest > 0 else 0
    return 10.0**-power, "1/s" if power == 0 else f"$10^{{{power}}}$/s"


def _number(value):
    """Three digits, as a power of ten where that is shorter."""
    digits, _, power = f"{value:.3g}".partition("e")
    return rf"${digits} \times 10^{{{int(power)}}}$" if power else digits


def _amount(value, unit):
    factor, prefixed_unit = prefixed([value], unit)
    return f"{factor * value:.3g} {prefixed_unit}"


def _all(results: Mapping, attribute: str) -> Iterable:
    return np.concatenate([getattr(r, attribute) for r in results.values()])


# ---- single devices ----


@in_our_settings
def steady_states(result: SteadyStates, ax: Axes | None = None) -> Axes:
    """Steady power against drive, with theory where it is known: as a line, or as a
    mark for each state where devices differ."""
    ax = _axes(ax)
    factor, unit = _frequency(result.drive)
    x = factor * result.drive
    ax.errorbar(x, result.power, result.spread, fmt="o", markersize=4, label="measured")
    known = np.isfinite(result.expected).any()
    if known and (np.ptp(result.threshold) or np.ptp(result.nonlinear_damping)):
        ax.plot(x, result.expected, "k_", markersize=9, label=f"{_THEORY} of each device", zorder=3)
    elif known:
        threshold, damping = result.threshold[0], result.nonlinear_damping[0]
        low, high = result.drive.min(), result.drive.max()
        if low == high:
            # a line also beside a single state
            low, high = 0.95 * low, 1.05 * high
        drive = np.union1d(np.linspace(low, high, 300), threshold)
        drive = drive[(drive >= low) & (drive <= high)]
        ax.plot(factor * drive, steady_power(drive, threshold, damping), "k-", label=_THEORY)
    ax.set(xlabel=f"drive $I$ ({unit})", ylabel="steady power $p^*$")
    return _legend(ax)


@in_our_settings
def step_responses(result: StepResponses, ax: Axes | None = None) -> Axes:
    """Relaxation rate against drive with confidence intervals, and |I - gamma| as marks
    where gamma is known."""
    ax = _axes(ax)
    factor, unit = _frequency(result.rate)
    scale, drive_unit = _frequency(result.drive)
    reach = np.abs(np.stack([result.rate - result.rate_low, result.rate_high - result.rate]))
    x, label = scale * result.drive, f"fit, {100 * result.confidence:g} %"
    ax.errorbar(x, factor * result.rate, factor * reach, fmt="o", markersize=4, label=label)
    if np.isfinite(result.expected).any():
        marks = {"markersize": 9, "zorder": 3, "label": r"expected, as $|I - \gamma|$"}
        ax.plot(x, factor * result.expected, "k_", **marks)
    # not to the ends of the intervals, of which one may be as wide as it likes
    highest = np.nanmax([*result.rate, *result.expected], initial=0.0)
    ax.set(
        xlabel=f"drive $I$ after the step ({drive_unit})",
        ylabel=f"relaxation rate ({unit})",
        ylim=(0, 1.3 * factor * highest or None),
    )
    return _legend(ax)


@in_our_settings
def transfer_curve(results: Mapping[str, TransferCurve], ax: Axes | None = None) -> Axes:
    """Steady power against drive, its standard deviation as error bars where it is
    known, with the fitted curve, the threshold and its confidence interval as a
    band."""
    ax = _axes(ax)
    factor, unit = _frequency(_all(results, "drive"))
    for number, (name, r) in enumerate(results.items()):
        colour, text = f"C{number % 10}", name if len(results) <= MANY else None
        marks = {"fmt": "o", "color": colour, "markersize": 4, "elinewidth": 1, "capsize": 2}
        ax.errorbar(factor * r.drive, r.power, r.spread, label=text, **marks)
        x = np.linspace(min(r.drive.min(), 0.9 * r.threshold), r.drive.max(), 300)
        ax.plot(factor * x, steady_power(x, r.threshold, r.nonlinear_damping), "-", color=colour)
        interval = factor * r.threshold_low, factor * r.threshold_high
        ax.axvspan(*interval, color=colour, alpha=0.2, linewidth=0)
        ax.axvline(factor * r.threshold, color=colour, linestyle=":")
    ax.set(xlabel=f"drive $I$ ({unit})", ylabel="steady power $p^*$")
    return _legend(ax)


# ---- fluctuations ----


@in_our_settings
def power_spectrum(results: Mapping[str, Spectrum], ax: Axes | None = None) -> Axes:
    """Median over the neurons of each layer, with the band of all of them."""
    ax = _axes(ax)
    factor, unit = prefixed(_all(results, "frequency"), "Hz")
    for number, (name, r) in enumerate(results.items()):
        drawn = np.isfinite(r.density).all(axis=1) & (r.density[:, 1:] > 0).any(axis=1)
        f, density = factor * r.frequency[1:], r.density[drawn, 1:] / factor
        if len(density):
            ax.plot(f, np.median(density, axis=0), color=f"C{number}", label=name)
            _band(ax, f, density.min(axis=0), density.max(axis=0), f"C{number}")
    ax.set(xlabel=f"frequency ({unit})", ylabel=f"spectral density of $p$ (1/{unit})")
    if ax.lines:
        ax.set(xscale="log", yscale="log")
    return _legend(ax)


@in_our_settings
def autocorrelation(results: Mapping[str, Autocorrelation], ax: Axes | None = None) -> Axes:
    """Median over the neurons of each layer, with the band of all of them; the level
    1/e."""
    ax = _axes(ax)
    factor, unit = prefixed(_all(results, "lag"), "s")
    for number, (name, r) in enumerate(results.items()):
        lines = r.correlation[np.isfinite(r.correlation[:, 0])]
        if len(lines):
            lag = factor * r.lag
            ax.plot(lag, np.median(lines, axis=0), color=f"C{number}", label=name)
            _band(ax, lag, lines.min(axis=0), lines.max(axis=0), f"C{number}")
    level = {"label": "1/e" if ax.lines else None}
    ax.axhline(0, color="0.6", linewidth=0.8)
    ax.axhline(1 / np.e, color="0.6", linewidth=0.8, linestyle=":", **level)
    ax.set(xlabel=f"lag ({unit})", ylabel="autocorrelation of $p$")
    return _legend(ax)


# ---- networks ----


@in_our_settings
def memory(results: Mapping[str, Memory], ax: Axes | None = None) -> Axes:
    """Held-out score against the delay, summed over channels if there are several."""
    ax = _axes(ax)
    factor, unit = prefixed(_all(results, "delay"), "s")
    channels = 1
    for name, r in results.items():
        channels = len(r.score)
        text = f"{name}: sum {r.capacity.sum():.2f}" if r.independent else name
        ax.plot(factor * r.delay, r.score.sum(axis=0), marker=".", label=text)
    several = f", sum of {channels} channels" if channels > 1 else ""
    ax.set(xlabel=f"delay ({unit})", ylabel=f"share of the input's variance decoded{several}")
    ax.set_ylim(bottom=0)
    return _legend(ax)


@in_our_settings
def cumulative_drive(results: Mapping[str, CumulativeDrive], ax: Axes | None = None) -> Axes:
    """Cumulative drive of each neuron, in rising order, and the paper's reference value
    1."""
    ax = _axes(ax)
    for name, r in results.items():
        text = f"{name}: mean {_number(r.value)}"
        ax.plot(np.arange(len(r.neuron)), np.sort(r.neuron), marker=".", label=text)
    ax.axhline(1, color="k", linestyle="--", linewidth=0.8)
    ax.set(xlabel="neurons, sorted", ylabel="cumulative drive", ylim=(0, None))
    return _legend(ax)


@in_our_settings
def neuron_activity(results: Mapping[str, Activity], ax: Axes | None = None) -> Axes:
    """Mean power or first state of each neuron, in rising order, with its standard
    deviation; dead, saturated and still ones marked."""
    ax = _axes(ax)
    first, levels = 0, set()
    for number, (name, r) in enumerate(results.items()):
        order = np.argsort(r.mean)
        x = first + np.arange(len(order))
        style = {"fmt": ".", "color": f"C{number}", "elinewidth": 0.8, "label": name}
        ax.errorbar(x, r.mean[order], r.deviation[order], **style)
        _mark_kinds(ax, r, order, x)
        first += len(order)
        levels |= {r.low, r.high} | ({-r.low, -r.high} if r.signed else set())
    for place, level in enumerate(sorted(levels)):
        text = None if place else "limits of dead, saturated"
        ax.axhline(level, color="0.6", linewidth=0.8, linestyle=":", label=text)
    shown = {"first state" if r.signed else "power $p$" for r in results.values()}
    ylabel = f"{' or '.join(sorted(shown, reverse=True))}, mean and deviation"
    ax.set(xlabel="neurons, sorted in each layer", ylabel=ylabel)
    return _legend(ax)


def _mark_kinds(ax, result, order, x):
    """Marks of dead, saturated and still neurons, each named once in a picture."""
    named = ax.get_legend_handles_labels()[1]
    for kind, mark in {"dead": "v", "saturated": "^", "still": "x"}.items():
        flagged = getattr(result, kind)[order]
        if flagged.any():
            style = {"color": "k", "fillstyle": "none", "linestyle": "none"}
            label = None if kind in named else kind
            ax.plot(x[flagged], result.mean[order][flagged], mark, label=label, **style)


@in_our_settings
def effective_dimension(results: Mapping[str, Dimension], ax: Axes | None = None) -> Axes:
    """Share of the variance in the first k principal axes, with the participation
    ratio."""
    ax = _axes(ax)
    for number, (name, r) in enumerate(results.items()):
        total = r.variances.sum()
        if total > 0:
            share = np.concatenate([[0], np.cumsum(r.variances) / total])
            label = f"{name}: dimension {r.dimension:.2f}"
            ax.plot(np.arange(len(share)), share, color=f"C{number}", marker=".", label=label)
            ax.axvline(r.dimension, color=f"C{number}", linestyle=":", linewidth=0.8)
    ax.set(xlabel="principal axes", ylabel="share of the variance", ylim=(0, 1.02))
    ax.locator_params(axis="x", integer=True)
    return _legend(ax)


@in_our_settings
def class_variance(
    time: np.ndarray, results: Mapping[str, ClassVariance], ax: Axes | None = None
) -> Axes:
    """Share of the variance between the classes against time; time: (time,) s."""
    ax = _axes(ax)
    elapsed = time - time[0]
    factor, unit = prefixed(elapsed, "s")
    for name, r in results.items():
        ax.plot(factor * elapsed, r.over_time, label=f"{name}: {r.share:.3f}")
    ax.set(xlabel=f"time ({unit})", ylabel="share of the variance between classes", ylim=(0, 1.02))
    return _legend(ax)


@in_our_settings
def class_accuracy(results: Mapping[str, ClassAccuracy], ax: Axes | None = None) -> Axes:
    """Accuracy of the linear classifier against time, with its interval and the level
    of chance."""
    ax = _axes(ax)
    factor, unit = prefixed(_all(results, "time"), "s")
    chance = None
    for number, (name, r) in enumerate(results.items()):
        time, chance = factor * r.time, r.chance
        ax.plot(time, 100 * r.accuracy, color=f"C{number}", marker=".", label=name)
        _band(ax, time, 100 * r.low, 100 * r.high, f"C{number}")
    if chance is not None:
        style = {"color": "k", "linestyle": "--", "linewidth": 0.8}
        ax.axhline(100 * chance, label="largest class", **style)
    ax.set(xlabel=f"time ({unit})", ylabel="linear classifier, held-out cases (%)", ylim=(0, 102))
    return _legend(ax)


@in_our_settings
def energy(result: Energy, ax: Axes | None = None) -> Axes:
    """Energy against time with its parts and the assumptions."""
    ax = _axes(ax)
    factor, unit = prefixed(result.time, "s")
    scale, joule = prefixed(result.total, "J")
    parts = scale * np.stack([result.neurons, result.synapses])
    ax.stackplot(factor * result.time, parts, labels=["neurons", "synapses"], alpha=0.6)
    ax.set(xlabel=f"time ({unit})", ylabel=f"energy ({joule})")
    neurons = f"{result.neuron_count} neurons of {_amount(result.neuron_power, 'W')}"
    synapses = f"{result.synapse_count} synapses of {_amount(result.synapse_power, 'W')}"
    ax.set_title(f"assumed: {neurons}, {synapses}", fontsize="small")
    return _legend(ax)
