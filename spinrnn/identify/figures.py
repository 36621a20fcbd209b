"""Pictures of a fitted device: its fit, and the residuals over time and delay."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spinrnn.identify.lines import Lines
from spinrnn.identify.responses import SynapseFit
from spinrnn.identify.result import DeviceFit
from spinrnn.plotting import in_our_settings, prefixed
from spinrnn.recordings.gaps import gaps_of

MOST_POINTS = 100_000
"""Of a case."""
MOST_CASES = 6
"""That are drawn."""
MOST_LETTERS = 30
"""Of a file's name beside the curves."""
LONG = 2000
"""Samples of a case, from which on dots are small and lines thin."""
CLOSE = 500
"""Samples of the stretch of a long case that is drawn by itself, too."""


@in_our_settings
def device_fit(
    fit: DeviceFit, axes: Sequence[Axes] | None = None, cases: int = MOST_CASES
) -> Sequence[Axes]:
    """Measured and predicted power, residuals, and the correlation of these.

    Args:
        fit: what is drawn; axes: three axes, or None for a figure of their own.
        cases: so many are drawn at most, those that the model describes worst.
    Returns:
        The three axes: power against time; residuals against time, with their standard
        deviation, a band of one case and lines of several; their correlation against
        the distance in samples, with a band of two standard deviations that chance
        gives. In a figure of its own a fourth, of long cases: the power in the stretch
        that the model describes worst.
    """
    data = fit.measurement
    misfits = np.array([_spread(fit, case) / _noise(fit, case) for case in range(len(data.power))])
    drawn = np.sort(np.argsort(-misfits, kind="stable")[:cases]).tolist()
    axes = _axes(data.power.shape[1] > LONG) if axes is None else axes
    scales = _scales(data)
    _draw_cases(fit, axes[0], drawn, scales, _points_of(data))
    _draw_residuals(fit, axes[1], drawn, scales)
    _label(fit, axes, drawn, scales)
    if len(axes) > 3:
        _draw_close(fit, axes[3], drawn, scales)
    _draw_correlation(axes[2], fit.diagnosis.correlation, int(data.present.sum()))
    return axes


def _axes(close: bool) -> Sequence[Axes]:
    """Three axes above each other, and with a close-up a fourth beside the first."""
    figure = Figure(figsize=(11 if close else 9, 7.5), layout="constrained")
    rows: list[Any] = [["power", "close"], ["residual"] * 2, ["correlation"] * 2]
    rows = rows if close else [row[:1] for row in rows]
    found = figure.subplot_mosaic(rows, height_ratios=(2, 1, 1))
    names = ("power", "residual", "correlation", *(("close",) if close else ()))
    return [found[name] for name in names]


def _scales(data):
    """((factor, unit) of the time, that of the power); "" for a power without one."""
    unit = data.units.get("power", "")
    power = prefixed(data.power, unit) if unit else (1.0, "")
    return prefixed(np.nanmax(data.time), "s"), power


def _spread(fit, case):
    """Standard deviation of the residuals of a case."""
    return float(np.sqrt(np.nanmean(fit.residual[case] ** 2)))


def _noise(fit, case):
    """Standard deviation of the noise of a case where it is known, else of all."""
    noise = fit.measurement.noise
    known = fit.noise if noise is None else np.sqrt(np.nanmean(noise[case] ** 2))
    return float(known) or 1.0


def _label(fit, axes, drawn, scales):
    """Units, title and legend."""
    (_, seconds), (_, unit) = scales
    of_power = f" ({unit})" if unit else ""
    axes[0].set(ylabel=f"power{of_power}")
    axes[1].set(xlabel=f"time ({seconds})", ylabel=f"measured - model{of_power}")
    count = len(fit.measurement.power)
    few = f"{len(drawn)} of {count} cases, those described worst" if len(drawn) < count else ""
    wrong = "" if fit.diagnosis.describes else "the model does not describe these data"
    axes[0].set_title("\n".join(filter(None, (wrong, few))))
    # beside the axes, where it covers no curve
    place = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}
    axes[-1 if len(axes) > 3 else 0].legend(
        *axes[0].get_legend_handles_labels(), frameon=False, fontsize=8, **place
    )


def _draw_cases(fit, ax, drawn, scales, own):
    """Measured powers of some cases as dots, then those of the model as lines; own: the
    samples."""
    data = fit.measurement
    (factor, _), (scale, _) = scales
    for place, case in enumerate(drawn):
        # the end of a long name tells more than its beginning
        name = f"{data.name_of(case)[-MOST_LETTERS:]}, " if len(data.power) > 1 else ""
        dots = {**_dots(place, data.power[case, own]), "label": f"{name}measured"}
        ax.plot(factor * data.time[case, own], scale * data.power[case, own], **dots)
    for case in drawn:
        time, power = _broken(data.time[case, own], fit.predicted[case, own])
        line = {"color": "black", "label": "model" if case == drawn[0] else None}
        line |= {"linewidth": 0.8} if len(time) < LONG else {"linewidth": 0.5, "alpha": 0.7}
        ax.plot(factor * time, scale * power, "-", **line)


def _draw_residuals(fit, ax, drawn, scales):
    """Dots: residuals of some cases, and the standard deviation of each."""
    data = fit.measurement
    (factor, _), (scale, _) = scales
    own = _points_of(data)
    for place, case in enumerate(drawn):
        residual = fit.residual[case, own]
        ax.plot(factor * data.time[case, own], scale * residual, **_dots(place, residual))
    if len(data.power) == 1:
        ax.axhspan(-scale * fit.noise, scale * fit.noise, color="0.9", zorder=0)
        return
    for place, case in enumerate(drawn):
        for sign in (-1, 1):
            height = sign * scale * _spread(fit, case)
            ax.axhline(height, color=f"C{place}", linewidth=1, linestyle="--")


def _dots(place, values):
    """The look of measured values."""
    return {
        "color": f"C{place}",
        "linestyle": "none",
        "marker": ".",
        "markersize": 4 if np.isfinite(values).sum() < LONG else 1.5,
        "alpha": 0.5,
    }


def _broken(time, values):
    """(times, values) of a line that is broken at the gaps of the times."""
    gaps = gaps_of(time)
    at = [] if gaps is None else np.flatnonzero(np.diff(time) > gaps.least) + 1
    return np.insert(time, at, np.nan), np.insert(values, at, np.nan)


def _draw_close(fit, ax, drawn, scales):
    """The stretch of a case in which the residuals are largest."""
    squares = np.nan_to_num(fit.residual[drawn] ** 2)
    squares /= np.array([[_noise(fit, case) ** 2] for case in drawn])
    sums = np.pad(np.cumsum(squares, axis=1), ((0, 0), (1, 0)))
    stretches = sums[:, CLOSE:] - sums[:, :-CLOSE]
    place, first = np.unravel_index(stretches.argmax(), stretches.shape)
    _draw_cases(fit, ax, [drawn[place]], scales, slice(first, first + CLOSE))
    ax.lines[0].set_color(f"C{place}")
    ax.set(xlabel=f"time ({scales[0][1]})", title="the stretch described worst")


def _points_of(data):
    """The samples that are drawn: of a long recording every second, third and so on."""
    return slice(None, None, -(-data.power.shape[1] // MOST_POINTS))


def _draw_correlation(ax, correlation, samples):
    bound = 2 / np.sqrt(max(samples, 1))
    ax.axhspan(-bound, bound, color="0.9", zorder=0)
    ax.bar(range(1, len(correlation) + 1), correlation, width=0.3)
    ax.set(xlabel="distance (samples)", ylabel="correlation of residuals")
    ax.xaxis.get_major_locator().set_params(integer=True)


def _row(count: int, size: tuple[float, float]) -> Sequence[Axes]:
    """Axes beside each other, in a figure of their own."""
    return Figure(figsize=size, layout="constrained").subplots(1, count)


# ---- synapses of pulse responses ----


@in_our_settings
def synapse_fit(fit: SynapseFit, axes: Sequence[Axes] | None = None) -> Sequence[Axes]:
    """Steps against the state, up and down, with the curves and their intervals.

    axes: two, or None for a figure of their own. Returns them.
    """
    axes = _row(2, (9, 4)) if axes is None else axes
    states, steps, upwards = fit.points
    kinds = (
        ("potentiation", True, fit.potentiation, fit.potentiation_interval),
        ("depression", False, -fit.depression, -fit.depression_interval),
    )
    for ax, (name, up, curve, interval) in zip(axes, kinds, strict=True):
        chosen = upwards == up
        ax.plot(states[chosen], steps[chosen], ".", color="0.7", markersize=2, zorder=1)
        ax.plot(fit.states, curve, "o-", color="black", markersize=4, linewidth=1)
        ax.fill_between(fit.states, *interval, color="C0", alpha=0.4, linewidth=0)
        ax.set(xlabel="state before the pulse", ylabel="step (of the window)", title=name)
        ax.set_xlim(-0.05, 1.05)
    if not fit.describes:
        axes[0].figure.suptitle("the model does not describe these data")
    return axes


# ---- resonance lines ----


@in_our_settings
def line_fit(lines: Lines, axes: Sequence[Axes] | None = None) -> Sequence[Axes]:
    """Lines over the field, shifted one above the other; their frequencies; their
    widths.

    axes: three, or None for a figure of their own. Returns them.
    """
    axes = _row(3, (12, 4.5)) if axes is None else axes
    for number, (field, voltage, model) in enumerate(lines.points):
        size = np.ptp(voltage) or 1.0
        for values, style in ((voltage, {"marker": ".", "linestyle": "none", "color": "0.6"}),
                              (model, {"color": f"C{number % 10}", "linewidth": 1})):  # fmt: skip
            axes[0].plot(field, (values - voltage.mean()) / size + number, markersize=3, **style)
    axes[0].set(xlabel=f"field ({lines.unit})", ylabel="voltage, scaled and shifted")
    good = lines.good
    for chosen, marker in ((good, "o"), (~good, "x")):
        axes[1].plot(lines.field[chosen], lines.frequency[chosen] / 1e9, marker, color="C0")
        axes[2].plot(lines.frequency[chosen] / 1e9, lines.width[chosen], marker, color="C0")
    ends = np.array([lines.field[good].min(), lines.field[good].max()])
    axes[1].plot(ends, lines.slope[0] * (ends - lines.offset[0]) / 1e9, color="black", linewidth=1)
    axes[1].set(xlabel=f"field of the line ({lines.unit})", ylabel="frequency (GHz)")
    # a width of alpha f, through the mean of those measured
    frequency = np.linspace(0, lines.frequency[good].max(), 2)
    alike = frequency * np.mean(lines.width[good]) / np.mean(lines.frequency[good])
    axes[2].plot(frequency / 1e9, alike, "--", color="0.5", label="proportional, as eq. (R1)")
    axes[2].set(xlabel="frequency (GHz)", ylabel=f"half width ({lines.unit})", ylim=(0, None))
    axes[2].legend(frameon=False, fontsize=8)
    return axes
