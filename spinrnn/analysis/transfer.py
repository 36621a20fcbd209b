"""The transfer curve: steady power against drive, with threshold and nonlinear
damping."""

from dataclasses import dataclass

import numpy as np
import scipy.stats

from spinrnn.analysis.answer import Answer, Settings
from spinrnn.analysis.leastsquares import check_confidence, least_squares
from spinrnn.analysis.steady import SteadyStates, steady_of_layers, steady_power
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


def transfer_curve(
    drive: np.ndarray,
    power: np.ndarray,
    confidence: float = 0.95,
    spread: np.ndarray | None = None,
) -> TransferCurve:
    """Threshold and nonlinear damping from steady powers.

    Args:
        drive: (k,) in any unit, in which the threshold comes out.
        power: (k,) normalised steady powers, as `SteadyStates` has them.
        confidence: in (0, 1).
        spread: (k,) standard deviation of each power, for pictures; None if not known.
    Raises:
        DataError: fewer than 4 points at 3 different drives, fewer than 2 above
        threshold, or these span less than `SPAN`.
    """
    check_confidence(confidence)
    drive, power, spread, silent = _points(drive, power, spread)
    oscillating = power > max(1e-3, 0.01 * power.max(initial=0.0))
    largest = np.abs(drive).max(initial=0.0)
    _check_points(drive, oscillating, largest)
    (threshold, damping), covariance, squares = _fit(drive / largest, power, oscillating)
    quantile = scipy.stats.t.ppf(0.5 + confidence / 2, len(drive) - 2)
    half = quantile * np.sqrt(np.diag(covariance))
    return TransferCurve(
        drive=drive,
        power=power,
        threshold=largest * threshold,
        threshold_low=largest * (threshold - half[0]),
        threshold_high=largest * (threshold + half[0]),
        nonlinear_damping=float(damping),
        nonlinear_damping_low=float(damping - half[1]),
        nonlinear_damping_high=float(damping + half[1]),
        residual=float(np.sqrt(squares / len(drive))),
        confidence=confidence,
        silent=silent,
        spread=spread,
    )


def _points(drive, power, spread):
    """(drive, power, spread, number of points left out), sorted by the drive.

    p = 0 stays a fixed point above threshold, near which an oscillator may be for
    longer than a plateau: such points are left out.
    """
    drive = np.asarray(array_of(drive, "drive"), dtype=np.float64)
    power = np.asarray(array_of(power, "power"), dtype=np.float64)
    order = np.argsort(drive, kind="stable")
    drive, power = drive[order], power[order]
    highest = power.max(initial=0.0)
    first = np.min(drive[power > max(1e-3, 0.05 * highest)], initial=np.inf)
    silent = (power <= max(1e-3, 0.01 * highest)) & (drive > first)
    if spread is not None:
        spread = np.asarray(array_of(spread, "spread", missing=True), dtype=np.float64)
        spread = spread[order][~silent]
    return drive[~silent], power[~silent], spread, int(silent.sum())


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


def _fit(x, power, oscillating):
    """((threshold, Q), covariance, sum of squares) of the best fit; x: drive over the
    largest."""
    # 1 / (1 - p) = xi for Q = 0: the threshold that the lowest oscillating point would
    # have
    start, best = x[oscillating][0] * (1 - min(0.9, power[oscillating][0])), None
    for damping in (0.0, 1.0, 5.0):
        fit = least_squares(steady_power, x, power, (start, damping))
        if fit is not None and fit[0][0] > 0 and (best is None or fit[2] < best[2]):
            best = fit
    if best is None:
        raise DataError(
            "no threshold fits these steady states; are the powers normalised? spinrnn identify "
            "--free-scale finds their scale"
        )
    return best


# ---- the measure ----


def measure_transfer(recording: Recording, settings: Settings) -> Answer:
    """Transfer curve and threshold."""
    found, layers = steady_of_layers(recording, settings)
    parts = _parts(recording, found, layers)
    curves, reason = {}, DataError("there are no steady states")
    for name, part in parts.items():
        try:
            curves[name] = transfer_curve(
                found.drive[part], found.power[part], spread=found.spread[part]
            )
        except DataError as error:
            reason = error
    if not curves:
        raise reason
    theory = {name: _device_of(found, parts[name]) for name in curves}
    good = {name: follows(curves[name], found.spread[parts[name]]) for name in curves}
    lines = [_curve_line(name, c, good[name]) for name, c in list(curves.items())[:LISTED]]
    if len(curves) > LISTED:
        lines.append(f"and {len(curves) - LISTED} more in the table")
    lines.append(_intervals_line(recording, curves))
    rows = [{"curve": name} | _columns(c, theory[name]) for name, c in curves.items()]
    return Answer(rows, lines, _numbers(curves, theory, good), (curves,))


def _parts(recording: Recording, found: SteadyStates, layers: np.ndarray) -> dict:
    """{name of a curve: (state,) bool}, of each neuron with enough drives.

    Neurons that are alike give more points together; of those that differ that would be
    a curve of no device.
    """
    places = sorted(set(zip(layers.tolist(), found.neuron.tolist(), strict=True)))
    parts = {
        f"layer {layer}, neuron {neuron}": (layers == layer) & (found.neuron == neuron)
        for layer, neuron in places
    }
    digits = 3 - int(np.floor(np.log10(np.abs(found.drive).max(initial=0) or 1)))
    enough = {
        name: part
        for name, part in parts.items()
        if len(np.unique(found.drive[part].round(digits))) >= FEW
    }
    if not enough or (len(enough) < len(parts) and not recording.differ):
        return {_TOGETHER: np.full(len(found.drive), True)}
    return enough


def _device_of(states, part):
    """(threshold in 1/s, Q) of the device of some steady states, NaN where it is not
    known or they are of devices that differ."""
    known = states.threshold[part], states.nonlinear_damping[part]
    return tuple(float(values[0]) if np.ptp(values) == 0 else np.nan for values in known)


def follows(curve: TransferCurve, spread: np.ndarray) -> bool:
    """Whether (xi - 1) / (xi + Q) describes a curve, to `UNLIKE` or to the powers'
    noise."""
    return curve.residual <= max(UNLIKE * curve.power.max(), float(np.median(spread)))


def _columns(c, theory):
    return {
        "threshold_per_s": c.threshold,
        "threshold_low_per_s": c.threshold_low,
        "threshold_high_per_s": c.threshold_high,
        "nonlinear_damping": c.nonlinear_damping,
        "nonlinear_damping_low": c.nonlinear_damping_low,
        "nonlinear_damping_high": c.nonlinear_damping_high,
        "rms_residual": c.residual,
        "points": len(c.drive),
        "expected_threshold_per_s": theory[0],
        "expected_nonlinear_damping": theory[1],
    }


def _curve_line(name, c, good):
    q = c.nonlinear_damping
    text = (
        f"{name}: threshold {c.threshold:.4g} / s [{c.threshold_low:.4g}, "
        f"{c.threshold_high:.4g}], Q {q:.3g} [{c.nonlinear_damping_low:.3g}, "
        f"{c.nonlinear_damping_high:.3g}], residual {c.residual:.2g}, {len(c.drive)} points"
    )
    if c.silent:
        text += f", without {c.silent} at which it had not turned on"
    if not good:
        text += "; does NOT follow (xi - 1)/(xi + Q), so the intervals cannot be trusted"
    return text


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
