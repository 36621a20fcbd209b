"""Identify a device: gamma, Q, bias and gain of eq. (1) from measured trajectories.

The model is eq. (1) with I(t) = gamma bias + gain drive(t), and power = scale p +
independent noise. The drive is in the user's unit, and gain in 1/s for one of it: for a
drive in 1/s, as simulations have it, gain = 1 and bias = 0. The power at the first time
of each case is fitted too.

What can be known: dp/dt = p [gamma (bias - 1) - gamma (Q + bias) p + gain drive (1 -
p)] has three numbers and not four. Any data fix gamma (1 + Q), gamma (bias - 1) and
gain, hence the threshold gamma (1 - bias) / gain, but gamma, Q and bias only if one of
the three is known. A number with an uncertainty may stand for it, which goes into the
intervals of the others.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import optimize

from spinrnn.errors import DataError
from spinrnn.identify.arguments import known_parameters
from spinrnn.identify.guesses import starts
from spinrnn.identify.problem import Problem
from spinrnn.identify.result import DeviceFit, Solution, result_of
from spinrnn.readers.objects import library_of
from spinrnn.recordings.measurement import Measurement, measurement, measurement_of

EVALUATIONS = 300
"""Of the prediction, that a search may take."""
_SAME = 1e-6
"""Relative difference up to which two costs are the same."""
_SEARCH: dict[str, Any] = {
    "method": "trf",
    "x_scale": "jac",
    "ftol": 1e-11,
    "xtol": 1e-11,
    "gtol": None,
    "max_nfev": EVALUATIONS,
}


def identify_device(
    time: Any,
    drive: np.ndarray | None = None,
    power: np.ndarray | None = None,
    *,
    noise: np.ndarray | float | None = None,
    fixed: Mapping[str, float | tuple[float, float]] | None = None,
    free_scale: bool = False,
    drive_between: str = "held",
    power_floor: float = 0.0,
    level: float = 0.95,
) -> DeviceFit:
    """Fits eq. (1) to measured trajectories of one device.

    Args:
        time: (sample,) or (case, sample) s, NaN after the end of a case; or one thing
            in the place of all four arrays: a `Measurement`, a DataFrame with columns
            of their names and perhaps `case`, an xarray Dataset, or a dictionary.
        drive: (sample,) or (case, sample) in any unit, the last one may be missing.
        power: (sample,) or (case, sample), normalised; NaN: missing.
        noise: standard deviation of the power's noise, where it is known; a number or
            as power.
        fixed: {name: number, or (number, uncertainty as a standard deviation)} of
            parameters that are not fitted: gamma (1/s), Q, bias, gain (1/s for one unit
            of drive), scale (unit of power). Without gamma, Q or bias among them bias
            is 0, so the drive is the whole drive.
        free_scale: fit scale too, for a power that is not normalised; else it is 1 or
            as in fixed.
        drive_between: "held": each value until the next time; "linear": samples of a
            drive that goes on in between.
        power_floor: smallest p, `Oscillator.power_floor` of a simulation; 0 for
            none.
        level: of the confidence intervals.
    Raises:
        DataError: the data do not fit together, do not tell parameters apart, or the
        fit does not converge; ConfigError: arguments are wrong; MemoryLimitError: too
        many samples and cases at once.
    """
    data = _measured(time, drive, power, noise)
    known = known_parameters(fixed, free_scale, drive_between, power_floor, level, data)
    problem = Problem(data, known, drive_between, power_floor)
    return result_of(problem, _best(problem), level)


def _measured(time, drive, power, noise):
    """`Measurement` of what was given."""
    if isinstance(time, Measurement):
        return time
    if library_of(time) and drive is None and power is None:
        return measurement_of(time)
    return measurement(time, drive, power, noise)


def _best(problem):
    """`Solution` of the least cost, reached from starts of two kinds or the best of
    all."""
    best, reached = None, set()
    for kind, values, start in starts(problem):
        found = solve(problem, values, start)
        if found is None:
            continue
        if best is None or found.cost < best.cost * (1 - _SAME):
            best, reached = found, set()
        if found.cost <= best.cost * (1 + _SAME):
            reached.add(kind)
        # starts of different kinds agree that there is nothing better
        if len(reached) == 2:
            break
    if best is None:
        raise DataError(
            f"the fit did not converge within {EVALUATIONS} evaluations from any start; are time "
            "in s and power normalised? Fix what is known"
        )
    return best


def solve(problem: Problem, values: Mapping[str, float], start: np.ndarray) -> Solution | None:
    """Least squares from these values and (case,) first powers; None if it does not
    converge."""
    x = problem.pack(values, start)
    if not np.isfinite(problem.residual(x)).all():
        return None
    settings: dict[str, Any] = {"jac": problem.jacobian} | _SEARCH
    found = optimize.least_squares(problem.residual, x, **settings)
    return None if found.status <= 0 else Solution(*problem.unpack(found.x), float(found.cost))
