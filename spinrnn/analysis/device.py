"""What one oscillator does under a drive that stays constant: its steady state, how fast it gets there, and the threshold that both show.

For a constant drive I, eq. (1) has the steady state p* = (xi - 1) / (xi + Q), xi = I / gamma, and a closed form on the way there, eq. (5): the
logistic function, which `step_responses` fits. Small deviations decay at the rate |I - gamma|.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import scipy.optimize
import scipy.stats

from spinrnn.analysis.spectra import WINDOW
from spinrnn.errors import DataError

SHORTEST = 8
"""Times of the shortest stretch that is looked at."""
SPAN = 0.1
"""Share of the largest drive that those of oscillating neurons must span for a transfer curve."""


@dataclass(frozen=True, eq=False)
class Plateaus:
    """Stretches of constant drive; arrays (plateau,).

    Attributes:
        case, neuron: from 0.
        start, stop: numbers of the times at which the drive begins and ends to be held; the power at `stop` is still the stretch's.
        drive: 1/s, mean over the stretch; before: the same of the stretch of any length before it, NaN for the first.
        drift: 1/s, by which the means of its two halves differ.
    """

    case: np.ndarray
    neuron: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    drive: np.ndarray
    before: np.ndarray
    drift: np.ndarray

    def __len__(self):
        return len(self.case)


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


def steady_power(drive, threshold, nonlinear_damping=0.0):
    """p* = (xi - 1) / (xi + Q) with xi = drive / threshold, and 0 below the threshold. Drive and threshold in one unit, arrays or numbers."""
    drive = np.asarray(drive, dtype=np.float64)
    above = drive > threshold
    return np.where(
        above, (drive - threshold) / np.where(above, drive + nonlinear_damping * threshold, 1), 0.0
    )


def find_plateaus(drive, tolerance=1e-3, shortest=SHORTEST):
    """Stretches over which the drive stays constant.

    Args:
        drive: (case, neuron, time - 1), time k's is held until time k + 1; tolerance: changes that do not count, as a share of the largest
            drive; shortest: times a stretch must have.
    Returns:
        `Plateaus`.
    """
    drive = np.asarray(drive, dtype=np.float64)
    scale = np.nanmax(np.abs(drive), initial=0.0) * tolerance
    found = []
    for case, neuron in np.ndindex(drive.shape[:2]):
        row = drive[case, neuron]
        ends = np.flatnonzero(~(np.abs(np.diff(row)) <= scale)) + 1  # NaN ends a stretch, too
        edges = np.concatenate([[0], ends, [len(row)]])
        for number in np.flatnonzero(np.diff(edges) >= shortest):
            start, stop = edges[number], edges[number + 1]
            part = row[start:stop]
            if (
                np.isfinite(part).all() and np.ptp(part) <= 2 * scale
            ):  # else it drifts in small steps
                before = row[edges[number - 1] : start].mean() if number else np.nan
                found.append(
                    (
                        case,
                        neuron,
                        start,
                        stop,
                        part.mean(),
                        before,
                        abs(part[: len(part) // 2].mean() - part[len(part) // 2 :].mean()),
                    )
                )
    columns = np.array(found).reshape(-1, 7).T
    return Plateaus(*columns[:4].astype(int), *columns[4:])


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
    time, power, drive = _fitting(time, power, drive)
    plateaus, rows, unsettled = _plateaus(drive, tolerance), [], 0
    chosen = evenly(len(plateaus), most)
    for k, t, p in _stretches(time, power, plateaus, chosen):
        quarters = [
            p[(t >= low * t[-1]) & (t <= high * t[-1])] for low, high in ((0.5, 0.75), (0.75, 1.0))
        ]
        if min(map(len, quarters)) < 2:
            unsettled += 1
            continue
        third, last = (q.mean() for q in quarters)
        error = np.sqrt(2 * min(q.var() / len(q) * _repeated(q) for q in quarters))
        if abs(last - third) > max(0.01 * np.ptp(p), 3 * error, 1e-6):
            unsettled += 1
        else:
            rows.append(
                (plateaus.case[k], plateaus.neuron[k], plateaus.drive[k], last, quarters[1].std())
            )
    columns = np.array(rows).reshape(-1, 5).T
    case, neuron = columns[:2].astype(int)
    threshold, damping = (
        _threshold(relaxation_time, power)[neuron],
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
    time, power, drive = _fitting(time, power, drive)
    if form not in _FORMS:
        raise DataError(f"form: must be one of {', '.join(_FORMS)}, got {form!r}")
    _check_confidence(confidence)
    plateaus, rows = _plateaus(drive, tolerance), []
    chosen = evenly(len(plateaus), most)
    unchanged = failed = 0
    for k, t, p in _stretches(time, power, plateaus, chosen):
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
    expected = np.abs(c[2] - _threshold(relaxation_time, power)[neuron])
    return StepResponses(
        case, neuron, c[2], c[3], rate, low, high, *times, expected, *c[7:], confidence, form, unchanged, failed, len(plateaus) - len(chosen)
    )  # fmt: skip


def transfer_curve(drive, power, confidence=0.95):
    """Threshold and nonlinear damping from steady powers.

    Args:
        drive: (k,) in any unit, in which the threshold comes out; power: (k,) normalised steady powers, as `SteadyStates` has them; confidence: in (0, 1).
    Returns:
        `TransferCurve`.
    Raises:
        DataError: fewer than 4 points at 3 different drives, fewer than 2 above threshold, or these span less than `SPAN`.
    """
    _check_confidence(confidence)
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
        fit = _least_squares(steady_power, x, power, (start, damping))
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


# ---- parts ----


def _fitting(time, power, drive):
    """time (time,), power (case, neuron, time) and drive (case, neuron, time - 1), or DataError."""
    time, power, drive = (np.asarray(array) for array in (time, power, drive))
    if time.ndim != 1 or not 1 <= power.ndim <= 3 or power.shape[-1] != len(time):
        raise DataError(
            f"power: must end in the axis of the {time.size} times and have at most (case, neuron, time); got the shape {power.shape}"
        )
    if drive.shape[:-1] != power.shape[:-1] or drive.shape[-1] not in (len(time), len(time) - 1):
        raise DataError(
            f"drive: must have the shape of power, {power.shape}, or one time less; got {drive.shape}"
        )
    whole = (1,) * (3 - power.ndim)
    return (
        time,
        power.reshape(whole + power.shape),
        drive.reshape(whole + drive.shape)[..., : len(time) - 1],
    )


def each_neuron(name, value, array):
    """(neuron,) of a number, or of one for each neuron of an array (case, neuron, time); else DataError."""
    value, neurons = np.asarray(value, dtype=np.float64), array.shape[1]
    if value.shape not in ((), (neurons,)):
        raise DataError(
            f"{name}: must be one number, or one for each of {neurons} neurons; got the shape {value.shape}"
        )
    return np.broadcast_to(value, (neurons,))


def _threshold(relaxation_time, power):
    """(neuron,) gamma, 1/s, NaN where it is not known."""
    return 1 / each_neuron(
        "relaxation_time", np.nan if relaxation_time is None else relaxation_time, power
    )


def _plateaus(drive, tolerance):
    plateaus = find_plateaus(drive, tolerance)
    if not len(plateaus):
        raise DataError(
            f"no drive stays constant, within {tolerance:g} of the largest, over {SHORTEST} times; a test signal of long steps gives such, and a "
            "larger tolerance (--tolerance) takes noise of the drive for constant"
        )
    return plateaus


def evenly(count, most):
    """Numbers below count, evenly chosen if they are more than most."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(int))


def _stretches(time, power, plateaus, chosen):
    """Yields (number of the plateau, times in s from its start, powers in float64) of those that were measured, what was not (NaN) left out."""
    for k in chosen:
        part = slice(plateaus.start[k], plateaus.stop[k] + 1)
        p = np.asarray(power[plateaus.case[k], plateaus.neuron[k], part], dtype=np.float64)
        measured = np.isfinite(p)
        if measured.sum() > SHORTEST:
            yield k, (time[part] - time[part.start])[measured], p[measured]


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
                fit = _least_squares(_FORMS[form], t / span, p, start)
                best = fit if best is None or (fit is not None and fit[2] < best[2]) else best
    if best is None or len(p) <= 3:
        return None
    values, covariance, squares = best
    repeated = _repeated(p - _FORMS[form](t / span, *values))
    error = np.sqrt(covariance[1, 1] * repeated) * scipy.stats.t.ppf(
        0.5 + confidence / 2, max(1, len(p) / repeated - 3)
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


def _least_squares(function, x, y, start):
    """(values, covariance, sum of squares) of a fit by scipy, or None if it does not converge."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter(
                "error", scipy.optimize.OptimizeWarning
            )  # no covariance: the data do not determine the values
            values, covariance = scipy.optimize.curve_fit(function, x, y, start, maxfev=400)
            squares = float(np.sum((y - function(x, *values)) ** 2))
    except (RuntimeError, ValueError, scipy.optimize.OptimizeWarning):
        return None
    return (values, covariance, squares) if np.isfinite(squares) else None


def _repeated(residuals):
    """How many successive residuals say as much as one independent one, at least 1: twice the integral of their correlation, in steps."""
    centred = residuals - residuals.mean()
    n = len(centred)
    spectrum = np.abs(np.fft.rfft(centred, 2 * n)) ** 2
    products = np.fft.irfft(spectrum, 2 * n)[:n]
    if not products[0] > 0:
        return 1.0
    sums = 0.5 + np.cumsum(products[1:] / products[0])
    enough = np.flatnonzero(np.arange(1, n) >= WINDOW * sums)
    return min(n / 4, max(1.0, 2 * sums[enough[0]] if len(enough) else n / 4))


def _check_confidence(confidence):
    if not 0 < confidence < 1:
        raise DataError(f"confidence: must be in (0, 1), got {confidence}")
