"""Picture of a learned device: recording and run, its error over all of the recording,
and the training."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spinrnn.identify.learn import WINDOW, LearnedFit
from spinrnn.plotting import in_our_settings, prefixed

SHOWN = 400
"""Samples of the held-out part that are drawn."""
MOST = 4000
"""Points of the error's line."""


@in_our_settings
def learned_fit(fit: LearnedFit, axes: Sequence[Axes] | None = None) -> Sequence[Axes]:
    """Recording and open-loop run at the start of the held-out part; the running error
    of all of the recording, with the time where the two part; errors in training.

    axes: three, or None for a figure of their own. Returns them.
    """
    axes = _three() if axes is None else axes
    records, device = fit.records, fit.device
    first, last = fit.parts.held_out[0]
    part = slice(first, min(last, first + SHOWN))
    factor, unit = prefixed(records.time, "s")
    time, label = factor * records.time, f"{device.output.name} ({device.output.unit})"
    axes[0].plot(time[part], records.output[part], ".", markersize=3, color="C0", label="recorded")
    axes[0].plot(time[part], fit.predicted[part], color="black", linewidth=0.8, label="learned")
    axes[0].set(xlabel=f"time ({unit})", ylabel=label)
    if not fit.describes:
        axes[0].set_title("the learned device does not describe what was held out")
    axes[0].legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    _draw_error(fit, axes[1], time)
    axes[1].set(xlabel=f"time ({unit})", ylabel=f"error of {label}")
    axes[1].legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    steps, _, errors = np.array(fit.history).T
    axes[2].semilogy(steps, 100 * errors, color="C0")
    axes[2].axhline(100 * fit.held_out_error, color="C1", label="held out, at last")
    axes[2].set(xlabel="iteration", ylabel="open-loop NRMSE (%)")
    axes[2].legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return axes


def _three() -> Sequence[Axes]:
    return Figure(figsize=(9, 8), layout="constrained").subplots(3, 1)


def _draw_error(fit, ax, time):
    """The largest errors of neighbouring samples, the parts, and the parting."""
    errors = np.abs(fit.predicted - fit.records.output)
    group = max(WINDOW, len(errors) // MOST)
    count = len(errors) // group * group
    rows = np.nan_to_num(errors[:count]).reshape(-1, group)
    ax.plot(time[:count:group], rows.max(axis=1), color="0.4", linewidth=0.8)
    for name, part, color in (("training", 0, "C0"), ("held out", 1, "C1")):
        for n, (first, last) in enumerate(fit.parts[part]):
            ends = time[first], time[last - 1]
            ax.axvspan(*ends, color=color, alpha=0.15, label=None if n else name)
    ax.axhline(fit.parting.threshold, color="black", linestyle=":", linewidth=0.8)
    if fit.parting.sample is not None:
        ax.axvline(time[fit.parting.sample], color="C3", label="the two part")
