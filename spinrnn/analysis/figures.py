"""One figure for each measure. Every function takes an `ax` to draw into, makes a figure of its own without one, returns the axes, never shows or saves.

Where several curves go into one picture (layers, neurons), results come as {name: result}.
"""

import numpy as np
from matplotlib.figure import Figure

from spinrnn.analysis.steady import steady_power
from spinrnn.plotting import in_our_settings, prefixed

MANY = 12
"""Neurons up to which each gets a line in a legend."""


def _axes(ax):
    return Figure(figsize=(5.2, 3.8), layout="constrained").subplots() if ax is None else ax


def _legend(ax, **options):
    """The axes with a legend, where there is something to name: of neurons that do not change no curve may be drawn."""
    if ax.get_legend_handles_labels()[0]:
        ax.legend(frameon=False, **options)
    return ax


def _frequency(values):
    """(factor, unit) of rates in 1/s; powers of ten, as 1/ns reads worse for many than 10^9 / s."""
    values = np.abs(np.asarray(values, dtype=float))
    largest = np.max(values[np.isfinite(values)], initial=0.0)
    power = int(np.floor(np.log10(largest) / 3)) * 3 if largest > 0 else 0
    return 10.0**-power, "1/s" if power == 0 else f"$10^{{{power}}}$/s"


@in_our_settings
def steady_states(result, ax=None):
    """Steady power against drive, with theory where it is known: as a line, or as a mark for each state where devices differ. result: `SteadyStates`."""
    ax = _axes(ax)
    factor, unit = _frequency(result.drive)
    ax.errorbar(
        factor * result.drive, result.power, result.spread, fmt="o", markersize=4, label="measured"
    )
    theory = r"$(\xi - 1) / (\xi + Q)$"
    known = np.isfinite(result.expected).any()
    if known and (np.ptp(result.threshold) or np.ptp(result.nonlinear_damping)):
        ax.plot(
            factor * result.drive,
            result.expected,
            "k_",
            markersize=9,
            label=f"{theory} of each device",
            zorder=3,
        )
    elif known:
        threshold, damping = result.threshold[0], result.nonlinear_damping[0]
        x = np.union1d(np.linspace(result.drive.min(), result.drive.max(), 300), threshold)
        x = x[(x >= result.drive.min()) & (x <= result.drive.max())]
        ax.plot(factor * x, steady_power(x, threshold, damping), "k-", label=theory)
    ax.set(xlabel=f"drive ({unit})", ylabel="steady power p*")
    return _legend(ax)


@in_our_settings
def step_responses(result, ax=None):
    """Relaxation rate against drive with confidence intervals, and |drive - gamma| as marks where gamma is known. result: `StepResponses`."""
    ax = _axes(ax)
    factor, unit = _frequency(result.rate)
    reach = np.abs(np.stack([result.rate - result.rate_low, result.rate_high - result.rate]))
    scale, drive_unit = _frequency(result.drive)
    ax.errorbar(
        scale * result.drive,
        factor * result.rate,
        factor * reach,
        fmt="o",
        markersize=4,
        label=f"fit, {100 * result.confidence:g} %",
    )
    if np.isfinite(result.expected).any():
        ax.plot(
            scale * result.drive,
            factor * result.expected,
            "k_",
            markersize=9,
            label=r"expected, as $|I - \gamma|$",
            zorder=3,
        )
    # not to the ends of the intervals, of which one may be as wide as it likes
    highest = np.nanmax([*result.rate, *result.expected], initial=0.0)
    ax.set(
        xlabel=f"drive after the step ({drive_unit})",
        ylabel=f"relaxation rate ({unit})",
        ylim=(0, 1.3 * factor * highest or None),
    )
    return _legend(ax)


@in_our_settings
def transfer_curve(results, ax=None):
    """Steady power against drive with the fitted curve and the threshold. results: {name: `TransferCurve`}."""
    ax = _axes(ax)
    factor, unit = _frequency(np.concatenate([r.drive for r in results.values()]))
    for number, (name, r) in enumerate(results.items()):
        colour, text = f"C{number % 10}", name if len(results) <= MANY else None
        ax.plot(factor * r.drive, r.power, "o", color=colour, markersize=4, label=text)
        x = np.linspace(min(r.drive.min(), 0.9 * r.threshold), r.drive.max(), 300)
        ax.plot(factor * x, steady_power(x, r.threshold, r.nonlinear_damping), "-", color=colour)
        ax.axvspan(
            factor * r.threshold_low,
            factor * r.threshold_high,
            color=colour,
            alpha=0.2,
            linewidth=0,
        )
        ax.axvline(factor * r.threshold, color=colour, linestyle=":")
    ax.set(xlabel=f"drive ({unit})", ylabel="steady power p*")
    return _legend(ax) if len(results) <= MANY else ax


@in_our_settings
def power_spectrum(results, ax=None):
    """Median over the neurons of each layer, with the band of all of them. results: {name: `Spectrum`}."""
    ax = _axes(ax)
    factor, unit = prefixed(np.concatenate([r.frequency for r in results.values()]), "Hz")
    for number, (name, r) in enumerate(results.items()):
        drawn = np.isfinite(r.density).all(axis=1) & (r.density[:, 1:] > 0).any(axis=1)
        f, density = factor * r.frequency[1:], r.density[drawn, 1:] / factor
        if len(density):
            ax.plot(f, np.median(density, axis=0), color=f"C{number}", label=name)
            ax.fill_between(
                f,
                density.min(axis=0),
                density.max(axis=0),
                color=f"C{number}",
                alpha=0.15,
                linewidth=0,
            )
    ax.set(xlabel=f"frequency ({unit})", ylabel=f"spectral density of p (1/{unit})")
    if ax.lines:
        ax.set(xscale="log", yscale="log")
    return _legend(ax)


@in_our_settings
def autocorrelation(results, ax=None):
    """Median over the neurons of each layer, with the band of all of them. results: {name: `Autocorrelation`}."""
    ax = _axes(ax)
    factor, unit = prefixed(np.concatenate([r.lag for r in results.values()]), "s")
    for number, (name, r) in enumerate(results.items()):
        known = np.isfinite(r.correlation[:, 0])
        if known.any():
            lines = r.correlation[known]
            ax.plot(factor * r.lag, np.median(lines, axis=0), color=f"C{number}", label=name)
            ax.fill_between(
                factor * r.lag,
                lines.min(axis=0),
                lines.max(axis=0),
                color=f"C{number}",
                alpha=0.15,
                linewidth=0,
            )
    ax.axhline(0, color="0.6", linewidth=0.8)
    ax.axhline(1 / np.e, color="0.6", linewidth=0.8, linestyle=":")
    ax.set(xlabel=f"lag ({unit})", ylabel="autocorrelation of p")
    return _legend(ax)


@in_our_settings
def memory(results, ax=None):
    """Held-out score against the delay, summed over channels if there are several. results: {name: `Memory`}."""
    ax = _axes(ax)
    factor, unit = prefixed(np.concatenate([r.delay for r in results.values()]), "s")
    for name, r in results.items():
        channels = len(r.score)
        ax.plot(
            factor * r.delay,
            r.score.sum(axis=0),
            marker=".",
            label=f"{name}: sum {r.capacity.sum():.2f}" if r.independent else name,
        )
    ax.set(
        xlabel=f"delay ({unit})",
        ylabel="share of the input's variance decoded"
        + (f", sum of {channels} channels" if channels > 1 else ""),
    )
    ax.set_ylim(bottom=0)
    return _legend(ax)


@in_our_settings
def cumulative_drive(results, ax=None):
    """Cumulative drive of each neuron, in rising order, and the paper's reference value 1. results: {name: `CumulativeDrive`}."""
    ax = _axes(ax)
    for name, r in results.items():
        ax.plot(
            np.arange(len(r.neuron)),
            np.sort(r.neuron),
            marker=".",
            label=f"{name}: mean {r.value:.3g}",
        )
    ax.axhline(1, color="k", linestyle="--", linewidth=0.8)
    ax.set(xlabel="neurons, sorted", ylabel="cumulative drive", ylim=(0, None))
    return _legend(ax)


@in_our_settings
def neuron_activity(results, ax=None):
    """Mean power of each neuron, in rising order, with its standard deviation; dead, saturated and still ones marked. results: {name: `Activity`}."""
    ax = _axes(ax)
    marks = {"dead": "v", "saturated": "^", "still": "x"}
    first, seen = 0, set()
    for number, (name, r) in enumerate(results.items()):
        order = np.argsort(r.mean)
        x = first + np.arange(len(order))
        ax.errorbar(
            x,
            r.mean[order],
            r.deviation[order],
            fmt=".",
            color=f"C{number}",
            elinewidth=0.8,
            label=name,
        )
        for kind, mark in marks.items():
            flagged = getattr(r, kind)[order]
            if flagged.any():
                text = None if kind in seen else kind
                seen.add(kind)
                ax.plot(
                    x[flagged],
                    r.mean[order][flagged],
                    mark,
                    color="k",
                    fillstyle="none",
                    linestyle="none",
                    label=text,
                )
        first += len(order)
    low, high = r.low, r.high
    for level in (low, high):
        ax.axhline(level, color="0.6", linewidth=0.8, linestyle=":")
    ax.set(xlabel="neurons, sorted in each layer", ylabel="power p, mean and deviation")
    return _legend(ax)


@in_our_settings
def effective_dimension(results, ax=None):
    """Share of the variance in the first k principal axes, with the participation ratio. results: {name: `Dimension`}."""
    ax = _axes(ax)
    for number, (name, r) in enumerate(results.items()):
        total = r.variances.sum()
        if total > 0:
            ax.plot(np.arange(len(r.variances) + 1), np.concatenate([[0], np.cumsum(r.variances) / total]), color=f"C{number}", marker=".",
                    label=f"{name}: dimension {r.dimension:.2f}")  # fmt: skip
            ax.axvline(r.dimension, color=f"C{number}", linestyle=":", linewidth=0.8)
    ax.set(xlabel="principal axes", ylabel="share of the variance", ylim=(0, 1.02))
    ax.xaxis.get_major_locator().set_params(integer=True)
    return _legend(ax)


@in_our_settings
def class_variance(time, results, ax=None):
    """Share of the variance between the classes against time. time: (time,) s; results: {name: `ClassVariance`}."""
    ax = _axes(ax)
    factor, unit = prefixed(time - time[0], "s")
    for name, r in results.items():
        ax.plot(factor * (time - time[0]), r.over_time, label=f"{name}: {r.share:.3f}")
    ax.set(xlabel=f"time ({unit})", ylabel="share of the variance between classes", ylim=(0, 1.02))
    return _legend(ax)


@in_our_settings
def class_accuracy(results, ax=None):
    """Accuracy of the linear classifier against time, with its interval and the level of chance. results: {name: `ClassAccuracy`}."""
    ax = _axes(ax)
    factor, unit = prefixed(np.concatenate([r.time for r in results.values()]), "s")
    for number, (name, r) in enumerate(results.items()):
        ax.plot(factor * r.time, 100 * r.accuracy, color=f"C{number}", marker=".", label=name)
        ax.fill_between(
            factor * r.time, 100 * r.low, 100 * r.high, color=f"C{number}", alpha=0.15, linewidth=0
        )
    ax.axhline(100 * r.chance, color="k", linestyle="--", linewidth=0.8, label="largest class")
    ax.set(xlabel=f"time ({unit})", ylabel="linear classifier, held-out cases (%)", ylim=(0, 102))
    return _legend(ax)


@in_our_settings
def energy(result, ax=None):
    """Energy against time with its parts and the assumptions. result: `Energy`."""
    ax = _axes(ax)
    factor, unit = prefixed(result.time, "s")
    scale, joule = prefixed(result.total, "J")
    parts = scale * np.stack([result.neurons, result.synapses])
    ax.stackplot(factor * result.time, parts, labels=["neurons", "synapses"], alpha=0.6)
    ax.set(xlabel=f"time ({unit})", ylabel=f"energy ({joule})")
    ax.set_title(
        f"assumed: {result.neuron_count} neurons of {1e6 * result.neuron_power:.3g} µW, "
        f"{result.synapse_count} synapses of {1e9 * result.synapse_power:.3g} nW",
        fontsize="small",
    )  # fmt: skip
    return _legend(ax, loc="upper left")
