"""Pictures of a fitted device: its fit, and the residuals over time and delay."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spinrnn.identify.result import DeviceFit
from spinrnn.plotting import in_our_settings, prefixed


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
    factor, unit = prefixed(data.time, "s")
    drawn = range(min(cases, len(data.power)))
    for case in drawn:
        _draw_measured(fit, axes, case, factor)
    for case in drawn:
        line = {"color": "black", "linewidth": 0.8, "label": "model" if case == 0 else None}
        axes[0].plot(factor * data.time[case], fit.predicted[case], "-", **line)
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
    time, name = factor * data.time[case], f"case {case}, " if len(data.power) > 1 else ""
    axes[0].plot(time, data.power[case], **dots, label=f"{name}measured")
    axes[1].plot(time, fit.residual[case], **dots)


def _draw_correlation(ax, correlation, samples):
    bound = 2 / np.sqrt(max(samples, 1))
    ax.axhspan(-bound, bound, color="0.9", zorder=0)
    ax.bar(range(1, len(correlation) + 1), correlation, width=0.3)
    ax.set(xlabel="distance (samples)", ylabel="correlation of residuals")
    ax.xaxis.get_major_locator().set_params(integer=True)
