"""What may be wrong with a device, as directions in which its power would move.

A saturating readout is no suspect of its own: 1 / p obeys a linear equation, so to
first order it is another scale, which is one.
"""

from collections.abc import Mapping

import numpy as np

from spinrnn.identify.oscillator import KEYS, NAMES, UNITS
from spinrnn.identify.problem import Problem
from spinrnn.identify.residuals import Suspect


def suspects_of(
    problem: Problem,
    values: Mapping[str, float],
    start: np.ndarray,
    p: np.ndarray,
    by_parameters: np.ndarray,
) -> list[Suspect]:
    """All suspects of a fit.

    Args:
        values, start: fitted parameters and (case,) first powers; p: (case, sample).
        by_parameters: (present sample, 5) derivatives of the predicted power by
            `NAMES`.
    """
    return [
        *_of_the_drive(problem, values, start, p),
        *_of_the_readout(problem, values["scale"], p),
        *_of_what_is_fixed(problem, values, by_parameters),
    ]


def _of_the_drive(problem, values, start, p):
    """Suspects that change the drive I: of each its kick of I, (case, step) in 1/s."""
    gain, drive = values["gain"], problem.drive
    largest = float(np.abs(drive).max()) or 1.0
    h = _step(problem)
    middle = np.repeat((p[:, 1:] + p[:, :-1]) / 2, problem.pieces, axis=1)
    damping = -values["gamma"] * middle**2 / (1 - np.minimum(middle, 0.999))
    saturation = -gain * drive * np.abs(drive) / largest
    kicks = [-gain * _slope_of_the_drive(problem) * h, saturation, damping]
    slopes = problem.predict(values, start, np.stack(kicks, axis=2))[1][problem.present]
    lag, bend, more = values["scale"] * slopes[:, 5:].T
    return [
        Suspect("drive_lag", "lag of the drive (delay or another pole)", lag, h, "s"),
        Suspect("drive_saturation", "saturation of the drive", bend, 1 / largest, "1/drive"),
        Suspect("damping", "damping beyond Q p", more, 1.0, "1"),
    ]


def _of_the_readout(problem, scale, p):
    h = _step(problem)
    durations = problem.data.durations
    before = np.where(durations > 0, durations, np.inf)[:, np.r_[0, : problem.samples - 1]]
    with np.errstate(invalid="ignore"):
        slope = np.diff(p, axis=1, prepend=p[:, :1]) / before
    lag = -scale * slope[problem.present] * h
    offset = np.full(problem.count, scale)
    return [
        Suspect("readout_lag", "lag of the readout", lag, h, "s"),
        Suspect("readout_offset", "offset of the readout", offset, scale, UNITS["scale"]),
    ]


def _of_what_is_fixed(problem, values, by_parameters):
    """Parameters whose values were given as exact."""
    return [
        Suspect(
            f"fixed_{KEYS[name][0]}", f"{name} is not {values[name]:g}", column, 1.0, UNITS[name]
        )
        for name, column in zip(NAMES, by_parameters.T, strict=True)
        if name in problem.known and problem.known[name][1] == 0
    ]


def _step(problem):
    """s, the usual time between two samples."""
    return float(np.median(problem.durations[problem.durations > 0])) * problem.pieces


def _slope_of_the_drive(problem):
    """(case, step) change of the drive over the time between samples, unit of drive /
    s.

    A held drive that is late has, until then, the value from before; a linear one has a
    slope.
    """
    if problem.drive_between == "held":
        change = np.diff(problem.given, axis=1, prepend=problem.given[:, :1])
    else:
        change = np.diff(problem.given, axis=1)
    durations = problem.data.durations
    slope = change[:, : problem.samples - 1] / np.where(durations > 0, durations, np.inf)
    return np.repeat(slope, problem.pieces, axis=1)
