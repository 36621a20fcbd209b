"""What one oscillator does under a drive that stays constant: its steady state, how fast it gets there, and the threshold that both show.

For a constant drive I, eq. (1) has the steady state p* = (xi - 1) / (xi + Q), xi = I / gamma, and a closed form on the way there, eq. (5): the
logistic function, which `step_responses` fits. Small deviations decay at the rate |I - gamma|.
"""

from dataclasses import dataclass

import numpy as np
import scipy.optimize
import scipy.stats

from spinrnn.analysis.leastsquares import check_confidence, inefficiency, least_squares
from spinrnn.analysis.plateaus import (
    evenly,
    fitting_arrays,
    plateaus_of,
    stretches,
    thresholds,
)
from spinrnn.errors import DataError


@dataclass(frozen=True, eq=False)
class StepResponses:
    """Fits to what followed a step of the drive; arrays (step,).

    Attributes:
        case, neuron: from 0; drive: 1/s, after the step; before: 1/s, NaN where the recording began with it.
        rate, rate_low, rate_high: 1/s, at which the deviation from the steady state decays, with its confidence interval.
        time, time_low, time_high: s, relaxation time 1 / rate; an interval that is open upwards ends in inf.
        expected: 1/s, |drive - gamma|; NaN where gamma is not known.
        first, last: power at the step and that it tends to, of the fit; residual: root mean square of what the fit leaves; dimensionless.
        confidence: of the intervals; form: the function fitted.
        unchanged, failed, passed: number of plateaus without a response to fit, of fits that failed, and of those passed over as too many.
    """

    case: np.ndarray
    neuron: np.ndarray
    drive: np.ndarray
    before: np.ndarray
    rate: np.ndarray
    rate_low: np.ndarray
    rate_high: np.ndarray
    time: np.ndarray
    time_low: np.ndarray
    time_high: np.ndarray
    expected: np.ndarray
    first: np.ndarray
    last: np.ndarray
    residual: np.ndarray
    confidence: float
    form: str
    unchanged: int
    failed: int
    passed: int


def step_responses(
    time,
    power,
    drive,
    relaxation_time=None,
    form="logistic",
    confidence=0.95,
    tolerance=1e-3,
    most=200,
):
    """Rates and relaxation times from the responses to steps of the drive, by least squares.

    Intervals follow from the residuals (Student's t) and count correlated residuals as the fewer that they are worth, as noise of the device itself is
    correlated over about the time that is measured.

    Args:
        time, power, drive: as in `steady_states`; relaxation_time: 1 / gamma (s), a number or (neuron,), for comparison.
        form: "logistic", which eq. (1) follows for any step, with the rate |I - gamma|; or "exponential", without a model, for small steps and the CTRNN.
        confidence: of the intervals, in (0, 1); tolerance: as in `find_plateaus`; most: fits; of more plateaus evenly chosen ones are fitted.
    Returns:
        `StepResponses`.
    Raises:
        DataError: no drive stays constant long enough, arrays do not fit together, form is neither of the two or confidence not in (0, 1).
    """
    time, power, drive = fitting_arrays(time, power, drive)
    if form not in _FORMS:
        raise DataError(f"form: must be one of {', '.join(_FORMS)}, got {form!r}")
    check_confidence(confidence)
    plateaus, rows = plateaus_of(drive, tolerance), []
    chosen = evenly(len(plateaus), most)
    unchanged = failed = 0
    for k, t, p in stretches(time, power, plateaus, chosen):
        # a drive that drifts moves the power, too: by less than its own relative drift
        if not _responds(p, 20 * plateaus.drift[k] / max(abs(plateaus.drive[k]), 1e-300)):
            unchanged += 1
            continue
        fit = _fit_response(t, p, form, confidence)
        if fit is None:
            failed += 1
        else:
            rows.append(
                (plateaus.case[k], plateaus.neuron[k], plateaus.drive[k], plateaus.before[k], *fit)
            )
    c = np.array(rows).reshape(-1, 10).T
    rate, low, high = c[4:7]
    with np.errstate(divide="ignore"):
        times = 1 / rate, np.where(high > 0, 1 / high, np.nan), np.where(low > 0, 1 / low, np.inf)
    case, neuron = c[:2].astype(int)
    expected = np.abs(c[2] - thresholds(relaxation_time, power)[neuron])
    return StepResponses(
        case, neuron, c[2], c[3], rate, low, high, *times, expected, *c[7:], confidence, form, unchanged, failed, len(plateaus) - len(chosen)
    )  # fmt: skip


# ---- parts ----


def _detrended(values):
    """What is left of values about a straight line."""
    x = np.linspace(-1, 1, len(values))
    return values - values.mean() - x * (x @ values) / (x @ x)


def _responds(p, least):
    """Whether the power changes over a stretch by more than four times its noise, which the second half shows, and by more than `least`."""
    ends = p[0], p[-max(2, len(p) // 4) :].mean()
    return abs(ends[0] - ends[1]) > max(1e-4, least, 4 * _detrended(p[len(p) // 2 :]).std())


def _logistic(t, first, growth, crowding):
    """Eq. (5) with a = growth and c = crowding; signs that make no sense are taken as their opposites, so that the fit needs no bounds."""
    first, crowding = abs(first), abs(crowding)
    z = np.exp(-np.abs(growth) * t)
    psi = -np.expm1(-np.abs(growth) * t) / abs(growth) if growth else t
    return (
        first / (z + crowding * first * psi)
        if growth >= 0
        else first * z / (1 + crowding * first * psi)
    )


def _exponential(t, first, rate, last):
    return last + (first - last) * np.exp(-rate * t)


_FORMS = {"logistic": _logistic, "exponential": _exponential}


def _fit_response(t, p, form, confidence):
    """(rate, low, high, first, last, residual), rates in 1/s, or None."""
    span = t[-1]
    first, last = p[0], p[-max(2, len(p) // 4) :].mean()
    half = np.flatnonzero(np.abs(p - first) >= 0.5 * abs(last - first))
    guess = np.log(2) / max(t[half[0]] / span, 0.5 / len(t)) if len(half) else 1.0
    good = max(
        1e-8 * np.sum((p - p.mean()) ** 2), 1.3 * len(p) * _detrended(p[len(p) // 2 :]).var()
    )
    best = None
    for rate in (guess, 3 * guess, 0.3 * guess):
        if form == "exponential":
            starts = [(first, rate, last)]
        else:
            p0, up = max(first, 1e-9), max(last, 1e-9)
            rising = last > 0.05 * first  # else it decays below threshold
            starts = [(p0, rate, rate / up), (p0, -rate, 0.1 * rate)][:: 1 if rising else -1]
        for start in starts:
            if best is None or best[2] > good:
                fit = least_squares(_FORMS[form], t / span, p, start)
                best = fit if best is None or (fit is not None and fit[2] < best[2]) else best
    if best is None or len(p) <= 3:
        return None
    values, covariance, squares = best
    successive = inefficiency(p - _FORMS[form](t / span, *values))
    error = np.sqrt(covariance[1, 1] * successive) * scipy.stats.t.ppf(
        0.5 + confidence / 2, max(1, len(p) / successive - 3)
    )
    rate = abs(values[1])
    tends = values[2] if form == "exponential" else max(values[1], 0) / max(abs(values[2]), 1e-300)
    # a final power far beyond what was measured: the stretch shows no more than a slope
    if not rate > 0 or not np.isfinite(error) or abs(tends) > 10 * np.abs(p).max():
        return None
    return (
        rate / span,
        (rate - error) / span,
        (rate + error) / span,
        values[0],
        tends,
        np.sqrt(squares / len(p)),
    )
