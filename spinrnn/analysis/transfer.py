"""The transfer curve: steady power against drive, with threshold and nonlinear
damping.

A recording's curve is that of the device which most likely gave its whole responses to
steps of the drive (`devices`); of steady powers alone, `transfer_curve` fits it to
them.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
import scipy.stats

from spinrnn.analysis.answer import Answer, Settings, rms
from spinrnn.analysis.devices import Steps, device_of, responses_of_layers
from spinrnn.analysis.leastsquares import check_confidence, least_squares
from spinrnn.analysis.profile import profile
from spinrnn.analysis.steady import mean_power, steady_of_layers, steady_power
from spinrnn.arrays import array_of
from spinrnn.errors import DataError
from spinrnn.recordings.recording import Recording

SPAN = 0.1
"""Share of the largest drive that those of oscillating neurons must span."""
FEW = 4
"""Steady states at different drives from which on each neuron has a curve of its
own."""
UNLIKE = 0.05
"""Residual of a transfer curve, as a share of its largest power, from which on it is
said that the model does not describe it, if the powers' own noise is smaller [ours]."""
LISTED = 12
"""Curves up to which each has a sentence."""
_TOGETHER = "all neurons"
FEWEST, ALTOGETHER = 2_000, 40_000
"""Samples of a device that are fitted, whatever the number of devices; those of all of
them together."""


@dataclass(frozen=True, eq=False)
class TransferCurve:
    """Steady power against drive, and the fit of (xi - 1) / (xi + Q) to it.

    Attributes:
        drive: (k,) in the unit of the drive that was given, sorted; power: (k,)
            dimensionless.
        threshold, threshold_low, threshold_high: drive at which the power begins, with
            its confidence interval, in the same unit.
        nonlinear_damping, nonlinear_damping_low, nonlinear_damping_high: Q,
            dimensionless.
        residual: root mean square of what the fit leaves, dimensionless.
        confidence: of the intervals.
        silent: number of points left out, as they have no power at a drive above one at
            which the oscillator has some: it had not turned on.
        spread: (k,) standard deviation of each power, None where it is not known.
        relaxation_rate, relaxation_rate_low, relaxation_rate_high: gamma, 1/s; NaN of
            steady powers alone, which do not tell it.
        thermal_power: eta of the device's own noise, 0 where none is seen; NaN of
            steady powers alone.
        responses: number of responses to steps of the drive that were fitted.
        reason: why ends of intervals are NaN, else "".
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
    spread: np.ndarray | None = None
    relaxation_rate: float = np.nan
    relaxation_rate_low: float = np.nan
    relaxation_rate_high: float = np.nan
    thermal_power: float = np.nan
    responses: int = 0
    reason: str = ""


def transfer_curve(
    drive: np.ndarray,
    power: np.ndarray,
    confidence: float = 0.95,
    spread: np.ndarray | None = None,
    error: np.ndarray | None = None,
) -> TransferCurve:
    """Threshold and nonlinear damping from steady powers, by least squares.

    Intervals are those of the profile: of a threshold all belong to it that, with the
    best Q, leave squares that are not too large (F test), as a curve with a corner has
    no parabola at it. Powers that had not settled make them wrong; the measure
    `transfer` of a recording takes such.

    Args:
        drive: (k,) in any unit, in which the threshold comes out.
        power: (k,) normalised steady powers, as `SteadyStates` has them.
        confidence: in (0, 1).
        spread: (k,) standard deviation of each power, for pictures; None if not known.
        error: (k,) standard error of each power, by which it is weighed; None where all
            are as noisy, nobody knows how much.
    Raises:
        DataError: fewer than 4 points at 3 different drives, fewer than 2 above
        threshold, or these span less than `SPAN`; an error that is not positive.
    """
    check_confidence(confidence)
    points = _points(drive, power, spread, error)
    drive, power = points[:, 0], points[:, 1]
    largest = np.abs(drive).max(initial=0.0)
    silent = _silent(drive, power)
    _check_points(drive[~silent], _oscillating(power)[~silent], largest)
    best = _fit(points[~silent], largest)
    # a power that noise hides is no device that had not turned on
    noise = points[:, 3] if error is not None else _residual(points[~silent], best, largest)
    silent &= steady_power(drive / largest, *best) > np.maximum(5 * noise, 1e-3)
    points = points[~silent]
    best = _fit(points, largest)
    threshold, damping = _intervals(points, best, largest, confidence, error is not None)
    return TransferCurve(
        drive=points[:, 0],
        power=points[:, 1],
        threshold=largest * best[0],
        threshold_low=largest * threshold[0],
        threshold_high=largest * threshold[1],
        nonlinear_damping=float(best[1]),
        nonlinear_damping_low=damping[0],
        nonlinear_damping_high=damping[1],
        residual=_residual(points, best, largest),
        confidence=confidence,
        silent=int(silent.sum()),
        spread=None if spread is None else points[:, 2],
    )


def _points(drive, power, spread, error):
    """(k, 4) drive, power, its standard deviation and its standard error (1 where it is
    not known), sorted by the drive."""
    drive = np.asarray(array_of(drive, "drive"), dtype=np.float64)
    columns = [drive, np.asarray(array_of(power, "power"), dtype=np.float64)]
    for values, name in ((spread, "spread"), (error, "error")):
        missing = name == "spread"
        given = np.ones(len(drive)) if values is None else array_of(values, name, missing=missing)
        columns.append(np.asarray(given, dtype=np.float64))
    if len({column.shape for column in columns}) > 1:
        raise DataError("drive, power, spread and error: must have the same number of points")
    if not (columns[3] > 0).all():
        raise DataError("error: must be positive, a standard error of each power")
    return np.stack(columns, axis=1)[np.argsort(drive, kind="stable")]


def _oscillating(power):
    return power > max(1e-3, 0.01 * power.max(initial=0.0))


def _silent(drive, power):
    """(k,) whether an oscillator may not have turned on.

    p = 0 stays a fixed point above threshold, near which an oscillator may be for
    longer than a plateau.
    """
    highest = power.max(initial=0.0)
    first = np.min(drive[power > max(1e-3, 0.05 * highest)], initial=np.inf)
    return ~_oscillating(power) & (drive > first)


def _check_points(drive, oscillating, largest):
    levels = 1 + np.sum(np.diff(drive) > 1e-3 * largest) if len(drive) else 0
    if len(drive) < 4 or levels < 3 or len(np.unique(drive[oscillating])) < 2:
        raise DataError(
            "a transfer curve needs 4 steady states at 3 different drives, 2 of them above "
            f"threshold; there are {len(drive)} at {levels}, {oscillating.sum()} of them oscillate"
        )
    if np.ptp(drive[oscillating]) < SPAN * largest:
        raise DataError(
            f"the drives of the oscillating neurons span less than {100 * SPAN:g} % of the "
            "largest, too little to extrapolate to a threshold"
        )


def _squares(points, largest):
    """Function (threshold over the largest drive, Q) -> sum of weighed squares."""
    x, power, error = points[:, 0] / largest, points[:, 1], points[:, 3]

    def squares(threshold, damping):
        threshold, damping = np.broadcast_arrays(threshold, damping)
        total = np.zeros(threshold.shape)
        for place, value, sigma in zip(x, power, error, strict=True):
            total += ((value - steady_power(place, threshold, damping)) / sigma) ** 2
        return total

    return squares


def _fit(points, largest):
    """(threshold over the largest drive, Q) of the smallest squares."""
    x, power, error = points[:, 0] / largest, points[:, 1], points[:, 3]
    squares = _squares(points, largest)
    grid = np.linspace(0.01, 1, 100)[:, None], np.expm1(np.linspace(np.log(0.1), np.log(100), 60))
    start = np.unravel_index(squares(*grid).argmin(), (100, 60))
    starts = [(grid[0][start[0], 0], grid[1][start[1]]), (0.9 * x[_oscillating(power)][0], 0.0)]
    found = [
        least_squares(lambda x, *values: steady_power(x, *values) / error, x, power / error, values)
        for values in starts
    ]
    good = [fit for fit in found if fit is not None and fit[0][0] > 0 and fit[0][1] > -1]
    if not good:
        raise DataError(
            "no threshold fits these steady states; are the powers normalised? spinrnn identify "
            "--free-scale finds their scale"
        )
    return min(good, key=lambda fit: fit[2])[0]


def _residual(points, best, largest):
    """Root mean square of what a fit leaves."""
    return rms(points[:, 1] - steady_power(points[:, 0] / largest, *best))


def _intervals(points, best, largest, confidence, weighed):
    """((low, high) of the threshold over the largest drive, of Q)."""
    squares, freedom = _squares(points, largest), len(points) - 2
    least = float(squares(*best))
    if weighed:
        # errors that are too small for what the fit leaves are enlarged
        scale, quantile = max(1.0, least / freedom), scipy.stats.norm.ppf(0.5 + confidence / 2)
    else:
        scale, quantile = least / freedom, scipy.stats.t.ppf(0.5 + confidence / 2, freedom)
    box = (0.0, 1.0), (-7.0, 7.0)
    threshold, above = profile(
        lambda threshold, above: squares(np.maximum(threshold, 1e-12), np.expm1(above)),
        box,
        (best[0], np.log1p(best[1])),
        least * (1 + 1e-9) + scale * quantile**2,
    )
    damping = tuple(float(end) for end in np.expm1(above))
    return threshold, damping


# ---- the measure ----


def measure_transfer(recording: Recording, settings: Settings) -> Answer:
    """Transfer curve and threshold."""
    found, layers = steady_of_layers(recording, settings)
    steps, stepped = responses_of_layers(recording, settings)
    parts = _parts(recording, steps, stepped)
    most = int(max(FEWEST, ALTOGETHER / len(parts)))
    curves, reason = {}, DataError("there are no steady states")
    for name, part in parts.items():
        settled = _own(name, found, layers)
        try:
            curves[name] = _curve(steps, part, found, settled, most)
        except DataError as error:
            reason = error
    if not curves:
        raise reason
    theory = {name: _device_of(found, _own(name, found, layers)) for name in curves}
    good = {name: follows(c, c.spread) for name, c in curves.items()}
    mixed = recording.differ and _TOGETHER in curves
    curves = {name: _told(c, good[name], mixed) for name, c in curves.items()}
    lines = [_curve_line(name, c, good[name]) for name, c in list(curves.items())[:LISTED]]
    if len(curves) > LISTED:
        lines.append(f"and {len(curves) - LISTED} more in the table")
    lines.append(_intervals_line(recording, curves))
    rows = [{"curve": name} | _columns(c, theory[name]) for name, c in curves.items()]
    return Answer(rows, lines, _numbers(curves, theory, good), (curves,))


def _name_of(layer, neuron):
    return f"layer {layer}, neuron {neuron}"


def _own(name, states, layers):
    """(state,) bool, the states of a curve."""
    if name == _TOGETHER:
        return np.full(len(layers), True)
    places = zip(layers.tolist(), states.neuron.tolist(), strict=True)
    return np.array([_name_of(*place) == name for place in places], dtype=bool)


def _parts(recording: Recording, steps: Steps, layers: np.ndarray) -> dict:
    """{name of a curve: (step,) bool}, of each neuron with enough drives.

    Neurons that are alike give more points together; of those that differ that would be
    a curve of no device.
    """
    keys = layers.astype(np.int64) << 32 | steps.neuron
    parts = {_name_of(key >> 32, key & 0xFFFFFFFF): keys == key for key in np.unique(keys).tolist()}
    digits = 3 - int(np.floor(np.log10(np.abs(steps.drive).max(initial=0) or 1)))
    enough = {
        name: part
        for name, part in parts.items()
        if len(np.unique(steps.drive[part].round(digits))) >= FEW
    }
    if not enough or (len(enough) < len(parts) and not recording.differ):
        return {_TOGETHER: np.full(len(steps.drive), True)}
    return enough


def _curve(steps, part, found, settled, most):
    """`TransferCurve` of the responses of a part, with the steady states among them."""
    device = device_of(steps.parts(part, most))
    order = np.argsort(found.drive[settled], kind="stable")
    drive, power, spread = (
        values[settled][order] for values in (found.drive, found.power, found.spread)
    )
    silent = _silent(drive, power)
    expected = mean_power(drive, device.threshold, device.nonlinear_damping, device.thermal_power)
    silent &= expected > 5 * np.maximum(spread, 1e-3)
    kept = ~silent
    return TransferCurve(
        drive=drive[kept],
        power=power[kept],
        threshold=device.threshold,
        threshold_low=device.threshold_low,
        threshold_high=device.threshold_high,
        nonlinear_damping=device.nonlinear_damping,
        nonlinear_damping_low=device.nonlinear_damping_low,
        nonlinear_damping_high=device.nonlinear_damping_high,
        residual=rms(power[kept] - expected[kept]) if kept.any() else np.nan,
        confidence=device.confidence,
        silent=int(silent.sum()),
        spread=spread[kept],
        relaxation_rate=device.relaxation_rate,
        relaxation_rate_low=device.relaxation_rate_low,
        relaxation_rate_high=device.relaxation_rate_high,
        thermal_power=device.thermal_power,
        responses=int(part.sum()),
        reason=device.reason,
    )


def _told(curve, good, mixed):
    """A curve whose intervals are NaN where they cannot hold what they say."""
    reason = curve.reason
    if not good:
        reason = "the device does not follow the model, so there is no interval"
    if mixed:
        reason = "the devices differ, so one curve has no interval"
    if reason == curve.reason:
        return curve
    names = ("threshold", "nonlinear_damping", "relaxation_rate")
    ends = {f"{name}_{end}": np.nan for name in names for end in ("low", "high")}
    return dataclasses.replace(curve, reason=reason, **ends)


def _device_of(states, part):
    """(threshold in 1/s, Q) of the device of some steady states, NaN where it is not
    known or they are of devices that differ."""
    known = states.threshold[part], states.nonlinear_damping[part]
    return tuple(
        float(values[0]) if len(values) and np.ptp(values) == 0 else np.nan for values in known
    )


def follows(curve: TransferCurve, spread: np.ndarray) -> bool:
    """Whether (xi - 1) / (xi + Q) describes a curve, to `UNLIKE` or to the powers'
    noise."""
    if not len(curve.power):
        return True
    return curve.residual <= max(UNLIKE * curve.power.max(), float(np.median(spread)))


def _columns(c, theory):
    return {
        "threshold_per_s": c.threshold,
        "threshold_low_per_s": c.threshold_low,
        "threshold_high_per_s": c.threshold_high,
        "nonlinear_damping": c.nonlinear_damping,
        "nonlinear_damping_low": c.nonlinear_damping_low,
        "nonlinear_damping_high": c.nonlinear_damping_high,
        "relaxation_rate_per_s": c.relaxation_rate,
        "relaxation_rate_low_per_s": c.relaxation_rate_low,
        "relaxation_rate_high_per_s": c.relaxation_rate_high,
        "thermal_power": c.thermal_power,
        "rms_residual": c.residual,
        "points": len(c.drive),
        "responses": c.responses,
        "expected_threshold_per_s": theory[0],
        "expected_nonlinear_damping": theory[1],
    }


def _curve_line(name, c, good):
    q, noise = c.nonlinear_damping, c.thermal_power
    text = (
        f"{name}: threshold {c.threshold:.4g} / s{_interval(c, 'threshold', 4)}, "
        f"Q {q:.3g}{_interval(c, 'nonlinear_damping', 3)}, residual {c.residual:.2g}, "
        f"{c.responses} responses, {len(c.drive)} of them settled"
    )
    if noise > 0:
        text += f", thermal power {noise:.2g}"
    if c.silent:
        text += f", without {c.silent} at which it had not turned on"
    if not good:
        text += "; does NOT follow (xi - 1)/(xi + Q), so there are no intervals"
    elif c.reason:
        text += f"; {c.reason}"
    return text


def _interval(c, name, digits):
    low, high = getattr(c, f"{name}_low"), getattr(c, f"{name}_high")
    return f" [{low:.{digits}g}, {high:.{digits}g}]" if np.isfinite(low + high) else ""


def _intervals_line(recording, curves):
    """Level of the intervals, and what theory says beside it."""
    text = f"{100 * next(reversed(curves.values())).confidence:g} % intervals"
    if recording.differ and _TOGETHER in curves:
        return f"{text}; the devices differ, so that one curve is that of none"
    if recording.differ:
        return f"{text}; that of each device in theory is in the table"
    if recording.relaxation_time is not None:
        return f"{text}; the threshold in theory is {1 / recording.relaxation_time:.4g} / s"
    return text


def _numbers(curves, theory, good):
    """For machines, in the order of the curves."""
    entries = {"curves": (list(curves), "", "names of the curves, in the order of the lists")}
    columns = {
        "threshold": ("1/s", "drive at which the power begins"),
        "threshold_low": ("1/s", "lower end of its interval"),
        "threshold_high": ("1/s", "upper end of its interval"),
        "nonlinear_damping": ("1", "Q of the fitted curve"),
        "nonlinear_damping_low": ("1", "lower end of its interval"),
        "nonlinear_damping_high": ("1", "upper end of its interval"),
        "relaxation_rate": ("1/s", "gamma, which the responses tell apart from the threshold"),
        "relaxation_rate_low": ("1/s", "lower end of its interval"),
        "relaxation_rate_high": ("1/s", "upper end of its interval"),
        "thermal_power": ("1", "eta of the device's own noise, 0 where none is seen"),
        "responses": ("1", "number of responses to steps of the drive"),
        "reason": ("", "why there is no interval"),
    }
    for key, (unit, meaning) in columns.items():
        entries[key] = ([getattr(c, key) for c in curves.values()], unit, meaning)
    found = list(curves.values())
    return entries | {
        "rms_residual": (
            [c.residual for c in found],
            "1",
            "root mean square of what the fit leaves",
        ),
        "points": ([len(c.drive) for c in found], "1", "number of steady states"),
        "silent": ([c.silent for c in found], "1", "states left out, as not turned on"),
        "follows_model": (list(good.values()), "", "(xi - 1) / (xi + Q) describes the curve"),
        "expected_threshold": ([t for t, _ in theory.values()], "1/s", "threshold in theory"),
        "expected_nonlinear_damping": ([q for _, q in theory.values()], "1", "Q in theory"),
        "confidence": (found[0].confidence, "1", "confidence level of the intervals"),
    }
