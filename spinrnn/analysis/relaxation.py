"""Relaxation: how fast a neuron comes to its steady state after a step of the drive.

Under a constant drive I, eq. (1) has a closed form, eq. (5): the logistic function,
which `step_responses` fits. Small deviations from the steady state decay at the rate |I
- gamma|.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
import scipy.stats

from spinrnn.analysis.answer import Answer, Settings, each_device, evenly, rms, table
from spinrnn.analysis.leastsquares import check_confidence, inefficiency, least_squares
from spinrnn.analysis.plateaus import (
    fewer,
    fitting_arrays,
    plateaus_of,
    stretches,
    thresholds,
)
from spinrnn.analysis.rates import rates_of
from spinrnn.errors import DataError
from spinrnn.recordings.recording import Recording

SAMPLES = 400
"""Of a response that are fitted; of more some are chosen, denser at its beginning."""


@dataclass(frozen=True, eq=False)
class StepResponses:
    """Fits to what followed a step of the drive; arrays (step,).

    Attributes:
        case, neuron: from 0; drive: 1/s, after the step; before: 1/s, NaN where the
            recording began with it.
        rate, rate_low, rate_high: 1/s, at which the deviation from the steady state
            decays, with its confidence interval.
        time, time_low, time_high: s, relaxation time 1 / rate; an interval that is open
            upwards ends in inf.
        expected: 1/s, |drive - gamma|; NaN where gamma is not known.
        first, last: power at the step and that it tends to, of the fit; residual: root
            mean square of what the fit leaves; dimensionless.
        confidence: of the intervals; form: the function fitted.
        unchanged, failed, passed: number of plateaus without a response to fit, of fits
            that failed, and of those passed over as too many.
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
    time: np.ndarray,
    power: np.ndarray,
    drive: np.ndarray,
    relaxation_time: float | np.ndarray | None = None,
    form: str = "logistic",
    confidence: float = 0.95,
    tolerance: float = 1e-3,
    most: int = 200,
) -> StepResponses:
    """Rates and relaxation times from the responses to steps of the drive.

    Logistic responses by maximum likelihood (`rates`), with noise of the readout and of
    the device itself, which are those of all responses of a neuron. Exponential ones by
    least squares: intervals follow from the residuals (Student's t), where correlated
    ones count as the fewer that they are worth.

    Args:
        time, power, drive: as in `steady_states`.
        relaxation_time: 1 / gamma (s), a number or (neuron,), for comparison.
        form: "logistic", which eq. (1) follows for any step, with the rate |I - gamma|;
            or "exponential", without a model, for small steps and the CTRNN.
        confidence: of the intervals, in (0, 1); tolerance: as in `find_plateaus`.
        most: fits; of more plateaus evenly chosen ones are fitted.
    Raises:
        DataError: no drive stays constant long enough, arrays do not fit together, form
        is neither of the two or confidence not in (0, 1).
    """
    time, power, drive = fitting_arrays(time, power, drive)
    if form not in _FORMS:
        raise DataError(f"form: must be one of {', '.join(_FORMS)}, got {form!r}")
    check_confidence(confidence)
    plateaus = plateaus_of(drive, tolerance)
    chosen = evenly(len(plateaus), most)
    rows, unchanged, failed = _fit_all(time, power, plateaus, chosen, form, confidence)
    case, neuron, level, before, rate, low, high, *powers = np.array(rows).reshape(-1, 10).T
    with np.errstate(divide="ignore"):
        times = 1 / rate, np.where(high > 0, 1 / high, np.nan), np.where(low > 0, 1 / low, np.inf)
    neuron = neuron.astype(int)
    expected = np.abs(level - thresholds(relaxation_time, power)[neuron])
    columns = (case.astype(int), neuron, level, before, rate, low, high, *times, expected)
    counts = {"unchanged": unchanged, "failed": failed, "passed": len(plateaus) - len(chosen)}
    return StepResponses(*columns, *powers, confidence=confidence, form=form, **counts)


# ---- fits ----


def _fit_all(time, power, plateaus, chosen, form, confidence):
    """(rows of what is known of each fit, number of plateaus without a response, of
    fits that failed)."""
    rows, parts, unchanged, failed = [], [], 0, 0
    for k, t, p in stretches(time, power, plateaus, chosen):
        if form == "logistic":
            kept = fewer(len(p), SAMPLES)
            t, p = t[kept], p[kept]
        # a drive that drifts moves the power, too: by less than its own relative drift
        if not _responds(p, 20 * plateaus.drift[k] / max(abs(plateaus.drive[k]), 1e-300)):
            unchanged += 1
            continue
        fit = _fit_response(t, p, form, confidence)
        if fit is None:
            failed += 1
            continue
        place = plateaus.case[k], plateaus.neuron[k], plateaus.drive[k], plateaus.before[k]
        rows.append((*place, *fit[0]))
        parts.append((plateaus.drive[k], t, p, fit[1]))
    if form == "logistic" and rows:
        rows = _with_noise(np.array(rows), parts, confidence)
    return rows, unchanged, failed


def _with_noise(rows, parts, confidence):
    """Rows with rates, intervals and powers of the likelihood, neuron by neuron."""
    for neuron in np.unique(rows[:, 1]):
        own = np.flatnonzero(rows[:, 1] == neuron)
        starts = np.array([parts[k][3] for k in own])
        found = rates_of([parts[k][:3] for k in own], starts, confidence)
        if found is not None:
            rows[own, 4:9] = found
    return rows


def _detrended(values):
    """What is left of values about a straight line."""
    x = np.linspace(-1, 1, len(values))
    return values - values.mean() - x * (x @ values) / (x @ x)


def _settles_at(p):
    """Mean of the last quarter, and of at least two powers."""
    return p[-max(2, len(p) // 4) :].mean()


def _responds(p, least):
    """Whether the power changes over a stretch by more than `least`, and by more than
    four times its noise, which the second half shows."""
    noise = _detrended(p[len(p) // 2 :]).std()
    return abs(p[0] - _settles_at(p)) > max(1e-4, least, 4 * noise)


def _logistic(t, first, growth, crowding):
    """Eq. (5) with a = growth and c = crowding.

    Signs that make no sense are taken as their opposites, so that the fit needs no
    bounds.
    """
    first, crowding = abs(first), abs(crowding)
    z = np.exp(-np.abs(growth) * t)
    psi = -np.expm1(-np.abs(growth) * t) / abs(growth) if growth else t
    if growth >= 0:
        return first / (z + crowding * first * psi)
    return first * z / (1 + crowding * first * psi)


def _exponential(t, first, rate, last):
    return last + (first - last) * np.exp(-rate * t)


_FORMS = {"logistic": _logistic, "exponential": _exponential}


def _starts(t, p, form):
    """Yields values (first, rate or growth, ...) to begin a fit from; t from 0 to 1."""
    first, last = p[0], _settles_at(p)
    half = np.flatnonzero(np.abs(p - first) >= 0.5 * abs(last - first))
    guess = np.log(2) / max(t[half[0]], 0.5 / len(t)) if len(half) else 1.0
    for rate in (guess, 3 * guess, 0.3 * guess):
        if form == "exponential":
            yield first, rate, last
            continue
        p0, up = max(first, 1e-9), max(last, 1e-9)
        above, below = (p0, rate, rate / up), (p0, -rate, 0.1 * rate)
        # a power that ends near 0 probably decays below threshold
        yield from (above, below) if last > 0.05 * first else (below, above)


def _best_fit(t, p, form):
    """(values, covariance, sum of squares) of the best fit, None if none converges."""
    noise = 1.3 * len(p) * _detrended(p[len(p) // 2 :]).var()
    good, best = max(1e-8 * np.sum((p - p.mean()) ** 2), noise), None
    for start in _starts(t, p, form):
        if best is not None and best[2] <= good:
            break
        fit = least_squares(_FORMS[form], t, p, start)
        if fit is not None and (best is None or fit[2] < best[2]):
            best = fit
    return best


def _limit(values, form):
    """The power that a fitted function tends to."""
    if form == "exponential":
        return values[2]
    return max(values[1], 0) / max(abs(values[2]), 1e-300)


def _fit_response(t, p, form, confidence):
    """((rate, low, high, first, last, residual), (growth, crowding, first)), rates in
    1/s, or None; t in s from 0."""
    span = t[-1]
    best = _best_fit(t / span, p, form)
    if best is None or len(p) <= 3:
        return None
    values, covariance, squares = best
    successive = inefficiency(p - _FORMS[form](t / span, *values))
    freedom = max(1, len(p) / successive - 3)
    quantile = scipy.stats.t.ppf(0.5 + confidence / 2, freedom)
    error = np.sqrt(covariance[1, 1] * successive) * quantile
    rate = abs(values[1])
    tends = _limit(values, form)
    # a final power far beyond what was measured: the stretch shows no more than a slope
    if not rate > 0 or not np.isfinite(error) or abs(tends) > 10 * np.abs(p).max():
        return None
    interval = (rate - error) / span, (rate + error) / span
    row = rate / span, *interval, values[0], tends, np.sqrt(squares / len(p))
    return row, (values[1] / span, values[2] / span, values[0])


# ---- the measure ----


def measure_relaxation(recording: Recording, settings: Settings) -> Answer:
    """Relaxation after steps of the drive."""
    forms = {
        layer: "logistic" if recording.kind_of(layer).threshold else "exponential"
        for layer in recording.layers
    }
    found, layers = each_device(
        recording, step_responses, settings, lambda layer: {"form": forms[layer]}
    )
    expected = found.expected.copy()
    for layer in [layer for layer in forms if forms[layer] == "exponential"]:
        own = layers == layer
        rates = thresholds(recording.relaxation_times(layer), recording.power[layer])
        expected[own] = rates[found.neuron[own]]
    fitted = " and ".join(dict.fromkeys(forms[layer] for layer in layers)) or found.form
    found = dataclasses.replace(found, expected=expected, form=fitted)
    lines = [_count_line(found)]
    if not len(found.rate):
        raise DataError(lines[0])
    told = found.rate_low > 0
    if not told.all():
        lines.append(
            f"{len(told) - told.sum()} of them do not tell the rate, their intervals hold 0; "
            "they are in the table only"
        )
    times, numbers = _times(found, told)
    compared, more = _against_theory(found, told)
    rows = table({"layer": layers} | _columns(found))
    return Answer(rows, lines + times + compared, numbers | more, (found,))


def _columns(found):
    return {
        "case": found.case,
        "neuron": found.neuron,
        "drive_per_s": found.drive,
        "drive_before_per_s": found.before,
        "rate_per_s": found.rate,
        "rate_low_per_s": found.rate_low,
        "rate_high_per_s": found.rate_high,
        "relaxation_time_s": found.time,
        "relaxation_time_low_s": found.time_low,
        "relaxation_time_high_s": found.time_high,
        "expected_rate_per_s": found.expected,
        "first_power": found.first,
        "last_power": found.last,
        "rms_residual": found.residual,
    }


def _count_line(found):
    aside = [
        (found.unchanged, "without a response beyond the noise"),
        (found.failed, "that no fit describes"),
        (found.passed, "more than were fitted"),
    ]
    more = "".join(f"; {number} {what}" for number, what in aside if number)
    intervals = f"{found.form} fit with {100 * found.confidence:g} % intervals"
    return f"{len(found.rate)} step responses, {intervals}{more}"


def _times(found, told):
    """([sentence], numbers) of the relaxation times that are told."""
    low = middle = high = left = np.nan
    lines = []
    if told.any():
        low, middle, high = np.quantile(found.time[told], [0, 0.5, 1])
        left = rms(found.residual)
        lines.append(
            f"relaxation time after a step {middle:.4g} s (median; it changes with the drive), "
            f"from {low:.4g} to {high:.4g} s; residual {left:.2g}"
        )
    return lines, {
        "step_responses": (len(found.rate), "1", "number of responses that were fitted"),
        "undetermined": (int((~told).sum()), "1", "fits whose interval of the rate holds 0"),
        "unchanged": (found.unchanged, "1", "plateaus without a response beyond the noise"),
        "failed_fits": (found.failed, "1", "responses that no fit describes"),
        "passed_over": (found.passed, "1", "plateaus that were not fitted"),
        "relaxation_time_median": (middle, "s", "median relaxation time after a step"),
        "relaxation_time_lowest": (low, "s", "shortest of them"),
        "relaxation_time_highest": (high, "s", "longest of them"),
        "rms_residual": (left, "1", "root mean square of what the fits leave of the power"),
        "confidence": (found.confidence, "1", "confidence level of the intervals"),
    }


def _against_theory(found, told):
    """([sentence], numbers) of the difference to the expected rates, where these are
    known."""
    off = inside = np.nan
    lines = []
    if told.any() and np.isfinite(found.expected).all():
        inside = np.mean((found.rate_low <= found.expected) & (found.expected <= found.rate_high))
        expected = np.where(told & (found.expected > 0), found.expected, np.nan)
        off = np.nanmedian(np.abs(found.rate / expected - 1))
        lines.append(
            f"against the expected rate: {100 * off:.2g} % apart (median), {100 * inside:.0f} % "
            "of the intervals hold it"
        )
    return lines, {
        "rate_deviation": (off, "1", "median relative difference to the expected rate"),
        "intervals_with_theory": (inside, "1", "share of intervals that hold the expected rate"),
    }
