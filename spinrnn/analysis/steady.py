"""Steady states under a constant drive, against theory."""

from dataclasses import dataclass

import numpy as np

from spinrnn.analysis.leastsquares import inefficiency
from spinrnn.analysis.plateaus import (
    each_neuron,
    evenly,
    fitting_arrays,
    plateaus_of,
    stretches,
    thresholds,
)


@dataclass(frozen=True, eq=False)
class SteadyStates:
    """Powers at which neurons came to rest; arrays (state,).

    Attributes:
        case, neuron: from 0; drive: 1/s.
        power: mean over the last quarter of the plateau; spread: standard deviation there; both dimensionless.
        expected: (xi - 1) / (xi + Q), 0 below threshold; NaN where gamma is not known.
        threshold: gamma of the neuron, 1/s, NaN where it is not known; nonlinear_damping: its Q; both as given.
        unsettled, passed: number of plateaus at whose end the power was not at rest, or its noise too slow to tell, and of those passed over as too many.
    """

    case: np.ndarray
    neuron: np.ndarray
    drive: np.ndarray
    power: np.ndarray
    spread: np.ndarray
    expected: np.ndarray
    threshold: np.ndarray
    nonlinear_damping: np.ndarray
    unsettled: int
    passed: int


def steady_power(drive, threshold, nonlinear_damping=0.0):
    """p* = (xi - 1) / (xi + Q) with xi = drive / threshold, and 0 below the threshold. Drive and threshold in one unit, arrays or numbers."""
    drive = np.asarray(drive, dtype=np.float64)
    above = drive > threshold
    return np.where(
        above, (drive - threshold) / np.where(above, drive + nonlinear_damping * threshold, 1), 0.0
    )


def steady_states(
    time, power, drive, relaxation_time=None, nonlinear_damping=0.0, tolerance=1e-3, most=1000
):
    """Steady states at the ends of the plateaus of the drive, against theory.

    A power has come to rest where the means of the third and the last quarter of the plateau differ by less than a hundredth of the plateau's range
    of powers, or by no more than noise would make them differ (three standard errors, those of the quieter quarter: a power that rises in one of
    them is no noise).

    Args:
        time: (time,) s; power: (case, neuron, time), (neuron, time) or (time,); drive: as power, 1/s, the last time may be missing.
        relaxation_time: 1 / gamma (s), None if it is not known; nonlinear_damping: Q; each a number, or (neuron,) where devices differ.
        tolerance: as in `find_plateaus`.
        most: plateaus that are looked at; of more evenly chosen ones.
    Returns:
        `SteadyStates`.
    Raises:
        DataError: no drive stays constant long enough, or the arrays do not fit together.
    """
    time, power, drive = fitting_arrays(time, power, drive)
    plateaus, rows, unsettled = plateaus_of(drive, tolerance), [], 0
    chosen = evenly(len(plateaus), most)
    for k, t, p in stretches(time, power, plateaus, chosen):
        quarters = [
            p[(t >= low * t[-1]) & (t <= high * t[-1])] for low, high in ((0.5, 0.75), (0.75, 1.0))
        ]
        if min(map(len, quarters)) < 2:
            unsettled += 1
            continue
        third, last = (q.mean() for q in quarters)
        error = np.sqrt(2 * min(q.var() / len(q) * inefficiency(q) for q in quarters))
        if abs(last - third) > max(0.01 * np.ptp(p), 3 * error, 1e-6):
            unsettled += 1
        else:
            rows.append(
                (plateaus.case[k], plateaus.neuron[k], plateaus.drive[k], last, quarters[1].std())
            )
    columns = np.array(rows).reshape(-1, 5).T
    case, neuron = columns[:2].astype(int)
    threshold, damping = (
        thresholds(relaxation_time, power)[neuron],
        each_neuron("nonlinear_damping", nonlinear_damping, power)[neuron],
    )
    expected = np.where(np.isnan(threshold), np.nan, steady_power(columns[2], threshold, damping))
    return SteadyStates(
        case,
        neuron,
        *columns[2:],
        expected,
        threshold,
        damping,
        unsettled,
        len(plateaus) - len(chosen),
    )
