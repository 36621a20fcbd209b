"""Pictures of a fitted device: its fit, and the residuals over time and delay."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spinrnn.identify.lines import Lines
from spinrnn.identify.responses import SynapseFit
from spinrnn.identify.result import DeviceFit
from spinrnn.plotting import in_our_settings, prefixed

MOST_POINTS = 100_000
"""Of a case."""
MOST_LETTERS = 30
"""Of a file's name beside the curves."""


@in_our_settings
def device_fit(
    fit: DeviceFit, axes: Sequence[Axes] | None = None, cases: int = 3
) -> Sequence[Axes]:
    """Measured and predicted power, residuals, and the correlation of these.

    Args:
        fit: what is drawn; axes: three axes, or None for a figure of their own.
        cases: so many of the first cases are drawn.
    Returns:
        The three axes: power against time; residuals against time, with a band of their
        standard deviation; their correlation against the distance in samples, with a
        band of two standard deviations that chance gives.
    """
    axes = _three() if axes is None else axes
    data = fit.measurement
    factor, unit = prefixed(np.nanmax(data.time), "s")
    drawn = range(min(cases, len(data.power)))
    for case in drawn:
        _draw_measured(fit, axes, case, factor)
    for case in drawn:
        line = {"color": "black", "linewidth": 0.8, "label": "model" if case == 0 else None}
        own = _points_of(data)
        axes[0].plot(factor * data.time[case, own], fit.predicted[case, own], "-", **line)
    axes[0].set(ylabel="power")
    if not fit.diagnosis.describes:
        axes[0].set_title("the model does not describe these data")
    # beside the axes, where it covers no curve
    axes[0].legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    axes[1].axhspan(-fit.noise, fit.noise, color="0.9", zorder=0)
    axes[1].set(xlabel=f"time ({unit})", ylabel="measured - model")
    _draw_correlation(axes[2], fit.diagnosis.correlation, int(data.present.sum()))
    return axes


def _three() -> Sequence[Axes]:
    figure = Figure(figsize=(9, 7.5), layout="constrained")
    return figure.subplots(3, 1, height_ratios=(2, 1, 1))


def _draw_measured(fit, axes, case, factor):
    """Dots: power and residuals of a case; factor: from s to the unit of the axis."""
    data = fit.measurement
    dots = {
        "color": f"C{case}",
        "linestyle": "none",
        "marker": ".",
        "markersize": 4 if data.present[case].sum() < 2000 else 1.5,
        "alpha": 0.5,
    }
    # the end of a long name tells more than its beginning
    name = f"{data.name_of(case)[-MOST_LETTERS:]}, " if len(data.power) > 1 else ""
    own = _points_of(data)
    time = factor * data.time[case, own]
    axes[0].plot(time, data.power[case, own], **dots, label=f"{name}measured")
    axes[1].plot(time, fit.residual[case, own], **dots)


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
