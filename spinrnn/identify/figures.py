"""Pictures of a fitted device: its fit, and the residuals over time and delay."""

import numpy as np
from matplotlib.figure import Figure

from spinrnn.plotting import in_our_settings, prefixed


@in_our_settings
def device_fit(fit, axes=None, cases=3):
    """Measured and predicted power, residuals against time, and their correlation against the distance in samples.

    Args:
        fit: `DeviceFit`; axes: three axes, or None; cases: so many of the first cases are drawn.
    Returns:
        The three axes.
    """
    if axes is None:
        axes = Figure(figsize=(9, 7.5), layout="constrained").subplots(
            3, 1, height_ratios=(2, 1, 1)
        )
    data = fit.measurement
    factor, unit = prefixed(data.time, "s")
    for case in range(min(cases, len(data.power))):
        label = f"case {case}, " if len(data.power) > 1 else ""
        colour, time = f"C{case}", factor * data.time[case]
        dots = {
            "color": colour,
            "linestyle": "none",
            "marker": ".",
            "markersize": 4 if data.present[case].sum() < 2000 else 1.5,
            "alpha": 0.5,
        }
        axes[0].plot(time, data.power[case], **dots, label=f"{label}measured")
        axes[0].plot(
            time,
            fit.predicted[case],
            "-",
            color="black",
            linewidth=0.8,
            label="model" if case == 0 else None,
        )
        axes[1].plot(time, fit.residual[case], **dots)
    axes[0].legend(frameon=False, fontsize=8)
    axes[0].set(
        ylabel="power",
        title=None if fit.diagnosis.describes else "the model does not describe these data",
    )
    axes[1].axhspan(-fit.noise, fit.noise, color="0.9", zorder=0)
    axes[1].set(xlabel=f"time ({unit})", ylabel="measured - model")
    found = fit.diagnosis.correlation
    bound = 2 / np.sqrt(max(data.present.sum(), 1))
    axes[2].axhspan(-bound, bound, color="0.9", zorder=0)
    axes[2].bar(range(1, len(found) + 1), found, width=0.3)
    axes[2].set(xlabel="distance (samples)", ylabel="correlation of residuals")
    axes[2].xaxis.get_major_locator().set_params(integer=True)
    return axes
