"""Steady states: the power at which a neuron comes to rest under a constant drive.

For a constant drive I, eq. (1) has the steady state p* = (xi - 1) / (xi + Q) with
xi = I / gamma, and p* = 0 below the threshold I = gamma.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
import scipy.special

from spinrnn.analysis.answer import Answer, Settings, each_device, evenly, rms, table
from spinrnn.analysis.leastsquares import inefficiency
from spinrnn.analysis.plateaus import (
    each_neuron,
    fitting_arrays,
    plateaus_of,
    stretches,
    thresholds,
)
from spinrnn.arrays import array_of
from spinrnn.errors import DataError
from spinrnn.recordings.recording import Recording


@dataclass(frozen=True, eq=False)
class SteadyStates:
    """Powers at which neurons came to rest; arrays (state,).

    Attributes:
        case, neuron: from 0; drive: 1/s.
        power: mean over the last quarter of the plateau; spread: standard deviation
            there; both dimensionless.
        expected: (xi - 1) / (xi + Q), 0 below threshold; NaN where gamma is not known.
        threshold: gamma of the neuron, 1/s, NaN where it is not known.
        nonlinear_damping: its Q, as given.
        unsettled: number of plateaus at whose end the power was not at rest, or its
            noise too slow to tell; passed: of those passed over as too many.
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


def steady_power(
    drive: float | np.ndarray,
    threshold: float | np.ndarray,
    nonlinear_damping: float | np.ndarray = 0.0,
) -> np.ndarray:
    """p* = (xi - 1) / (xi + Q) with xi = drive / threshold, and 0 below the threshold.

    Args:
        drive, threshold: in one unit, arrays or numbers; nonlinear_damping: Q.
    Returns:
        float64, NaN where drive or threshold is NaN or masked.
    """
    drive = np.asarray(array_of(drive, "drive", missing=True), dtype=np.float64)
    threshold = array_of(threshold, "threshold", missing=True)
    damping = array_of(nonlinear_damping, "nonlinear_damping", missing=True)
    above = drive > threshold
    below_one = np.where(above, drive + damping * threshold, 1)
    power = np.where(above, (drive - threshold) / below_one, 0.0)
    return np.where(np.isnan(drive) | np.isnan(threshold), np.nan, power)


def mean_power(
    drive: np.ndarray, threshold: float, nonlinear_damping: float, thermal_power: float
) -> np.ndarray:
    """Mean steady power with thermal noise: of eq. (7), a normal distribution around
    (xi - 1) / (xi + Q) with the variance eta / (xi + Q), cut off at zero.

    Args:
        drive: (k,) and threshold in one unit; thermal_power: eta, 0 for none.
    """
    if not thermal_power > 0:
        return steady_power(drive, threshold, nonlinear_damping)
    xi = drive / threshold
    crowding = np.maximum(xi + nonlinear_damping, 1e-3)
    deviation = np.sqrt(thermal_power / crowding)
    away = (xi - 1) / crowding / deviation
    # hazard of a normal distribution: erfcx keeps it where both parts vanish
    hazard = np.sqrt(2 / np.pi) / scipy.special.erfcx(-away / np.sqrt(2))
    return deviation * (away + hazard)


def steady_states(
    time: np.ndarray,
    power: np.ndarray,
    drive: np.ndarray,
    relaxation_time: float | np.ndarray | None = None,
    nonlinear_damping: float | np.ndarray = 0.0,
    tolerance: float = 1e-3,
    most: int = 1000,
) -> SteadyStates:
    """Steady states at the ends of the plateaus of the drive, against theory.

    Args:
        time: (time,) s; power: (case, neuron, time), (neuron, time) or (time,); drive:
            as power, 1/s, the last time may be missing.
        relaxation_time: 1 / gamma (s), None if it is not known; nonlinear_damping: Q;
            each a number, or (neuron,) where devices differ.
        tolerance: as in `find_plateaus`.
        most: plateaus that are looked at; of more evenly chosen ones.
    Raises:
        DataError: no drive stays constant long enough, or the arrays do not fit
        together.
    """
    time, power, drive = fitting_arrays(time, power, drive)
    gamma = thresholds(relaxation_time, power)
    damping = each_neuron("nonlinear_damping", nonlinear_damping, power)
    plateaus, rows, unsettled = plateaus_of(drive, tolerance), [], 0
    chosen = evenly(len(plateaus), most)
    for k, t, p in stretches(time, power, plateaus, chosen):
        rest = _rest(t, p)
        if rest is None:
            unsettled += 1
        else:
            rows.append((plateaus.case[k], plateaus.neuron[k], plateaus.drive[k], *rest))
    case, neuron, *columns = np.array(rows).reshape(-1, 5).T
    case, neuron = case.astype(int), neuron.astype(int)
    gamma, damping = gamma[neuron], damping[neuron]
    return SteadyStates(
        case,
        neuron,
        *columns,
        expected=np.where(np.isnan(gamma), np.nan, steady_power(columns[0], gamma, damping)),
        threshold=gamma,
        nonlinear_damping=damping,
        unsettled=unsettled,
        passed=len(plateaus) - len(chosen),
    )


def _rest(t, p):
    """(power, its standard deviation) over the last quarter of a plateau, None if it
    moves.

    It has come to rest where the means of the third and the last quarter differ by less
    than a hundredth of the plateau's range of powers, or by no more than noise would
    make them differ: three standard errors, those of the quieter quarter, as a power
    that rises in one of them is no noise.
    """
    third, last = (
        p[(t >= low * t[-1]) & (t <= high * t[-1])] for low, high in ((0.5, 0.75), (0.75, 1.0))
    )
    if min(len(third), len(last)) < 2:
        return None
    variance = min(q.var() / len(q) * inefficiency(q) for q in (third, last))
    allowed = max(0.01 * np.ptp(p), 3 * np.sqrt(2 * variance), 1e-6)
    if abs(last.mean() - third.mean()) > allowed:
        return None
    return last.mean(), last.std()


# ---- the measure ----


def steady_of_layers(recording: Recording, settings: Settings) -> tuple[SteadyStates, np.ndarray]:
    """(`SteadyStates` of all layers, (state,) layer of each); Q is NaN where it is not
    known.
    """

    def damping(layer):
        kind, known = recording.kind_of(layer), recording.dampings(layer)
        if not kind.threshold:
            raise DataError(f"the {kind.name} has no threshold")
        return {"nonlinear_damping": np.nan if known is None else known}

    return each_device(recording, steady_states, settings, damping)


def measure_steady(recording: Recording, settings: Settings) -> Answer:
    """Steady states against theory."""
    found, layers = steady_of_layers(recording, settings)
    # theory for a Q that nobody has said would make a perfect device look wrong
    expected = np.where(np.isnan(found.nonlinear_damping), np.nan, found.expected)
    found = dataclasses.replace(found, expected=expected)
    first = _count_line(found)
    if not len(found.power):
        raise DataError(first)
    compared, numbers = _against_theory(recording, found, layers)
    rows = table(
        {
            "layer": layers,
            "case": found.case,
            "neuron": found.neuron,
            "drive_per_s": found.drive,
            "power": found.power,
            "spread": found.spread,
            "expected": found.expected,
        }
    )
    counts = {
        "steady_states": (len(rows), "1", "number of steady states"),
        "unsettled": (found.unsettled, "1", "plateaus that ended before the power was at rest"),
        "passed_over": (found.passed, "1", "plateaus that were not looked at"),
    }
    return Answer(rows, [first, compared], counts | numbers, (found,))


def _count_line(found):
    passed = f"; {found.passed} more than were looked at" if found.passed else ""
    return (
        f"{len(found.power)} steady states, {found.unsettled} plateaus of the drive ended before "
        f"the power had come to rest, or its noise is too slow to tell{passed}"
    )


def _against_theory(recording, found, layers):
    """(sentence, numbers) of the differences between measured and expected powers."""
    root, greatest, at = np.nan, np.nan, np.nan
    if np.isfinite(found.expected).all():
        off = found.power - found.expected
        worst = np.abs(off).argmax()
        root, greatest, at = rms(off), off[worst], found.drive[worst]
        line = (
            f"measured - (xi - 1)/(xi + Q): root mean square {root:.2g}, largest "
            f"{greatest:+.2g} at a drive of {at:.4g} / s "
            f"(layer {layers[worst]}, neuron {found.neuron[worst]})"
        )
    else:
        needed = {
            "the relaxation time (--relaxation-time)": recording.relaxation_time,
            "Q (--nonlinear-damping)": recording.nonlinear_damping,
        }
        unknown = [text for text, value in needed.items() if value is None]
        line = f"not compared with theory, without {' and '.join(unknown)}"
    return line, {
        "rms_deviation": (root, "1", "root mean square of measured less expected power"),
        "largest_deviation": (greatest, "1", "measured less expected power, the largest"),
        "largest_deviation_drive": (at, "1/s", "drive at which that is"),
    }
