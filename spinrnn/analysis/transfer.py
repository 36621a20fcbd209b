"""The transfer curve, steady power against drive, with threshold and nonlinear damping."""

from dataclasses import dataclass

import numpy as np
import scipy.optimize
import scipy.stats

from spinrnn.analysis.leastsquares import check_confidence, least_squares
from spinrnn.analysis.steady import steady_power
from spinrnn.errors import DataError

SPAN = 0.1
"""Share of the largest drive that those of oscillating neurons must span for a transfer curve."""


@dataclass(frozen=True, eq=False)
class TransferCurve:
    """Steady power against drive, and the fit of (xi - 1) / (xi + Q) to it.

    Attributes:
        drive: (k,) in the unit of the drive that was given, sorted; power: (k,) dimensionless.
        threshold, threshold_low, threshold_high: drive at which the power begins, with its confidence interval, in the same unit.
        nonlinear_damping, nonlinear_damping_low, nonlinear_damping_high: Q, dimensionless.
        residual: root mean square of what the fit leaves, dimensionless; confidence: of the intervals.
        silent: number of points left out, as they have no power at a drive above one at which the oscillator has some: it had not turned on.
    """

    drive: np.ndarray
    power: np.ndarray
    threshold: float
    threshold_low: float
    threshold_high: float
    nonlinear_damping: float
    nonlinear_damping_low: float
    nonlinear_damping_high: float
    residual: float
    confidence: float
    silent: int


def transfer_curve(drive, power, confidence=0.95):
    """Threshold and nonlinear damping from steady powers.

    Args:
        drive: (k,) in any unit, in which the threshold comes out; power: (k,) normalised steady powers, as `SteadyStates` has them; confidence: in (0, 1).
    Returns:
        `TransferCurve`.
    Raises:
        DataError: fewer than 4 points at 3 different drives, fewer than 2 above threshold, or these span less than `SPAN`.
    """
    check_confidence(confidence)
    order = np.argsort(drive, kind="stable")
    drive, power = (
        np.asarray(drive, dtype=np.float64)[order],
        np.asarray(power, dtype=np.float64)[order],
    )
    # p = 0 stays a fixed point above threshold, near which an oscillator may be for longer than a plateau
    highest = power.max(initial=0.0)
    silent = (power <= max(1e-3, 0.01 * highest)) & (
        drive > np.min(drive[power > max(1e-3, 0.05 * highest)], initial=np.inf)
    )
    drive, power = drive[~silent], power[~silent]
    largest = np.abs(drive).max(initial=0.0)
    levels = 1 + np.sum(np.diff(drive) > 1e-3 * largest) if len(drive) else 0
    oscillating = power > max(1e-3, 0.01 * power.max(initial=0.0))
    if len(drive) < 4 or levels < 3 or len(np.unique(drive[oscillating])) < 2:
        raise DataError(
            f"a transfer curve needs 4 steady states at 3 different drives, 2 of them above threshold; there are {len(drive)} at {levels}, "
            f"{oscillating.sum()} of them oscillate"
        )
    if np.ptp(drive[oscillating]) < SPAN * largest:
        raise DataError(
            f"the drives of the oscillating neurons span less than {100 * SPAN:g} % of the largest, too little to extrapolate to a threshold"
        )
    x = drive / largest
    # 1 / (1 - p) = xi for Q = 0: where the lowest oscillating point would have its threshold is a good place to begin
    start = x[oscillating][0] * (1 - min(0.9, power[oscillating][0]))
    best = None
    for damping in (0.0, 1.0, 5.0):
        fit = least_squares(steady_power, x, power, (start, damping))
        if fit is not None and fit[0][0] > 0 and (best is None or fit[2] < best[2]):
            best = fit
    if best is None:
        raise DataError(
            "no threshold fits these steady states; are the powers normalised? spinrnn identify --free-scale finds their scale"
        )
    (threshold, damping), covariance, squares = best
    half = scipy.stats.t.ppf(0.5 + confidence / 2, len(x) - 2) * np.sqrt(np.diag(covariance))
    return TransferCurve(
        drive, power, largest * threshold, largest * (threshold - half[0]), largest * (threshold + half[0]), float(damping), float(damping - half[1]),
        float(damping + half[1]), float(np.sqrt(squares / len(x))), confidence, int(silent.sum()),
    )  # fmt: skip
