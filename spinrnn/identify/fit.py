"""Identify a device: the parameters of a kind of neuron from measured trajectories.

For an oscillator the model is eq. (1) with I(t) = gamma bias + gain drive(t), and power
= readout_offset + scale p + independent noise. The drive is in the user's unit, and
gain in 1/s for one of it: for a drive in 1/s, as simulations have it, gain = 1 and bias
= 0. The power at the first time of each case is fitted too.

What can be known: dp/dt = p [gamma (bias - 1) - gamma (Q + bias) p + gain drive (1 -
p)] has three numbers and not four. Any data fix gamma (1 + Q), gamma (bias - 1) and
gain, hence the threshold gamma (1 - bias) / gain, but gamma, Q and bias only if one of
the three is known. A number with an uncertainty may stand for it, which goes into the
intervals of the others.

Other kinds have the quantities that they declare with `fit`, and gain and offset of
drive and readout.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import optimize

from spinrnn.errors import DataError
from spinrnn.identify import grids, guesses
from spinrnn.identify.arguments import (
    check_driven,
    check_units,
    known_parameters,
    note_seconds,
    warn_of_gaps,
    warn_of_units,
)
from spinrnn.identify.mirrors import usual_signs
from spinrnn.identify.models import model_of
from spinrnn.identify.outliers import FEW, SHARE, Outlier
from spinrnn.identify.problem import Problem, Solution
from spinrnn.identify.result import DeviceFit, result_of
from spinrnn.identify.slopes import check_slopes
from spinrnn.identify.steps import MOST_STEPS, is_coarse
from spinrnn.identify.thermal import checked, noise_name
from spinrnn.readers.objects import library_of
from spinrnn.recordings.measurement import Measurement, measurement, measurement_of

EVALUATIONS = 300
"""Of the prediction, that a search may take."""
SHORT = 100_000
"""Samples in all, of which a longer recording is fitted first."""
BEGINNING = 1 / 8
"""Share of a recording that is fitted first, then twice as much."""
FAR = math.log(100)
"""Distance of a logarithm from its start, beyond which a beginning does not tell it."""
ROUNDS = 4
"""Of leaving outliers out, as those that are left may hide further ones."""
_SAME = 1e-6
"""Relative difference up to which two costs are the same."""
_ENOUGH = 1e-7
"""Relative change of cost or coordinates that ends a search which did not end well."""
_TIE = 1e-10
"""Of a column's length, by which a search is tied to its start: more than rounding,
less than what tells parameters apart."""
_AT_BOUND = 1e-6
"""Distance from a bound over that between both, from which on a value is next to it."""
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
    neuron: Any = None,
    observe: str | None = None,
    noise: np.ndarray | float | None = None,
    fixed: Mapping[str, float | tuple[float, float]] | None = None,
    free: Sequence[str] = (),
    free_scale: bool = False,
    each: Sequence[str] = (),
    bounds: Mapping[str, tuple[float, float]] | None = None,
    drive_between: str = "held",
    power_floor: float = 0.0,
    level: float = 0.95,
    without_outliers: bool = False,
    thermal: bool = False,
) -> DeviceFit:
    """Fits a kind of neuron to measured trajectories of one device.

    Args:
        time: (sample,) or (case, sample) s, NaN after the end of a case; or one thing
            in the place of all four arrays: a `Measurement`, a DataFrame with columns
            of their names and perhaps `case`, an xarray Dataset, or a dictionary; or a
            list of these, each a recording of its own length and sampling.
        drive: (sample,) or (case, sample) in any unit, the last one may be missing.
        power: (sample,) or (case, sample), of an oscillator normalised; NaN: missing.
        neuron: kind that is fitted: its name, class, table, or an instance, whose
            values stand for what is not fitted and begin the search; None for the
            oscillator, eq. (1).
        observe: name of the kind's state that was measured; its first.
        noise: standard deviation of the power's noise, where it is known; a number or
            as power.
        fixed: {name: number, or (number, uncertainty as a standard deviation)} of
            parameters that are not fitted. Of an oscillator gamma (1/s), Q, bias, gain
            (1/s for one unit of drive), scale, readout_offset (unit of power); without
            gamma, Q or bias among them bias is 0, so the drive is the whole drive. Of
            others the quantities with `fit`, drive_gain, drive_offset, readout_gain,
            readout_offset.
        free: names fitted besides, which are known else: gain and offset of drive and
            readout, 1 and 0.
        free_scale: fit scale too, for a power that is not normalised; else it is 1 or
            as in fixed.
        each: names of which every recording has its own value; without a list every
            case is a recording.
        bounds: {name: (low, high)} between which a parameter is looked for.
        drive_between: "held": each value until the next time; "linear": samples of a
            drive that goes on in between.
        power_floor: smallest p, `Oscillator.power_floor` of a simulation; 0 for
            none.
        level: of the confidence intervals.
        without_outliers: leave single samples far outside the noise out, and fit again.
        thermal: fit thermal noise of the device and noise of the readout.
    Raises:
        DataError: the data do not fit together, do not tell parameters apart, or the
        fit does not converge; ConfigError: arguments are wrong; MemoryLimitError: too
        many samples and cases at once.
    """
    data, recordings, apart = _recordings(time, drive, power, noise)
    model = model_of(neuron, observe, power_floor)
    if thermal:
        # a kind without noise is told before anything runs
        noise_name(model.neuron)
    free = (*free, *([model.readout.scale] if free_scale else []))
    model.asked(fixed, (*free, *each))
    known = known_parameters(fixed, free, drive_between, level, data, model, each, bounds)
    problem = Problem(data, known, drive_between, model, each, recordings, bounds)
    check_driven(problem)
    note_seconds(data, model)
    warn_of_gaps(data, drive_between)
    if apart:
        warn_of_units(data, recordings, model, each)
    problem, solution = _whole(problem, apart and data.noise is None)
    fit = result_of(problem, solution, level)
    if without_outliers:
        problem, solution, fit = _without_outliers(problem, solution, fit)
    return checked(problem, solution, fit) if thermal else fit


def _without_outliers(problem, solution, fit):
    """(`Problem`, `Solution`, `DeviceFit`) of what is left."""
    left_out: list[Outlier] = []
    for _ in range(ROUNDS):
        fresh = fit.outliers[len(left_out) :]
        if not fresh or len(fresh) > max(FEW, SHARE * problem.count):
            break
        left_out += [one._replace(left_out=True) for one in fresh]
        problem = _without(problem, fresh)
        solution = usual_signs(problem, _polished(problem, solution))
        fit = result_of(problem, solution, fit.level, left_out)
    return problem, solution, fit


def _without(problem, spikes):
    """The problem without some samples."""
    power = problem.data.power.copy()
    for one in spikes:
        power[one.case, one.sample] = np.nan
    made = problem.remade(problem.steps, replace(problem.data, power=power))
    made.sigma = problem.sigma
    return made


def _recordings(time, drive, power, noise):
    """(`Measurement` of all cases, (case,) numbers of their recordings, whether these
    were given apart)."""
    alone = drive is None and power is None
    several = isinstance(time, list | tuple) and alone and len(time)
    if not (several and all(isinstance(x, Measurement) or library_of(x) for x in time)):
        data = _measured(time, drive, power, noise)
        return data, np.arange(len(data.power)), False
    names = [f"recording {number}" for number in range(len(time))]
    parts = [_measured(x, None, None, None) for x in time]
    if len(parts) > 1:
        parts = [x if x.names else x.named(name) for x, name in zip(parts, names, strict=True)]
    check_units(parts, names, "say it of each, or of none where they are in the same")
    numbers = np.repeat(np.arange(len(parts)), [len(part.power) for part in parts])
    return joined(parts), numbers, len(parts) > 1


def joined(parts: Sequence[Measurement]) -> Measurement:
    """All cases of several measurements; noise is known where it is in all of them."""
    if len(parts) == 1:
        return parts[0]
    samples = max(part.power.shape[1] for part in parts)

    def padded(arrays, fill):
        return np.concatenate(
            [np.pad(a, ((0, 0), (0, samples - a.shape[1])), constant_values=fill) for a in arrays]
        )

    noises = [part.noise for part in parts if part.noise is not None]
    known = len(noises) == len(parts)
    return Measurement(
        padded([part.time for part in parts], np.nan),
        padded([part.drive for part in parts], 0.0),
        padded([part.power for part in parts], np.nan),
        padded(noises, 1.0) if known else None,
        max(part.resolution for part in parts),
        dict(set.intersection(*(set(part.units.items()) for part in parts))),
        tuple(name for part in parts for name in part.names),
    )


def _measured(time, drive, power, noise):
    """`Measurement` of what was given."""
    if isinstance(time, Measurement):
        return time
    if library_of(time) and drive is None and power is None:
        return measurement_of(time)
    return measurement(time, drive, power, noise)


def starts(problem: Problem) -> list[tuple[Any, dict[str, float], np.ndarray]]:
    """[(origin, values by label, first states)] from which a search may begin."""
    return guesses.starts(problem) if problem.model.starts_own else grids.starts(problem)


def _whole(problem, apart):
    """(`Problem`, `Solution`) of all samples.

    A long recording is fitted by its beginning first. apart: each recording has noise
    of its own, which is weighed by what the fit before has left of it.
    """
    short = problem.shortened(problem.of_each(SHORT))
    solution = _best(short)
    if short is not problem:
        solution = _polished(problem, solution)
    while problem.steps < MOST_STEPS and is_coarse(problem, solution):
        problem = problem.remade(problem.steps * 2)
        solution = _polished(problem, solution)
    if apart:
        for _ in range(2):
            problem.sigma = own_noise(problem, solution)
            solution = _polished(problem, solution)
    return problem, usual_signs(problem, solution)


def own_noise(problem: Problem, solution: Solution) -> np.ndarray:
    """(case, 1) standard deviation of the residuals of each recording."""
    costs = problem.case_costs(solution.values, solution.start) * problem.sigma[:, 0] ** 2
    numbers = problem.present.sum(axis=1)
    total = np.bincount(problem.recordings, costs)
    found = np.sqrt(total / np.bincount(problem.recordings, numbers))[problem.recordings]
    # recordings of a simulation may have none at all
    return np.maximum(found, 1e-12 * problem.sigma[:, 0])[:, None]


def _polished(problem, solution):
    """The solution of a problem near that of another; DataError if none is found."""
    found = solve(problem, solution.values, solution.start)
    return _unless_lost(found)


def _unless_lost(found):
    if found is None:
        raise DataError(
            f"the fit did not converge within {EVALUATIONS} evaluations from any start; are time "
            "in s and power normalised? Fix what is known"
        )
    return found


def _best(problem):
    """`Solution` of the least cost, reached from starts of two kinds or the best of
    all."""
    best, reached = None, set()
    for origin, values, start in _begun(problem):
        found = solve(problem, values, start)
        if found is None:
            continue
        if best is None or found.cost < best.cost * (1 - _SAME):
            best, reached = found, set()
        if found.cost <= best.cost * (1 + _SAME):
            reached.add(origin)
        # starts of different kinds agree that there is nothing better
        if len(reached) == 2:
            break
    return _unless_lost(best)


def _begun(problem):
    """Yields (origin, values by label, first states) for searches in all samples.

    Of a device that rings, a prediction whose frequency is off fits no better the
    nearer it comes, until it is off by less than half a period in the whole recording.
    In its beginning that is far sooner, so that is fitted first, and then the double of
    it. What is told by later samples only would be lost by that: starts in the whole
    recording follow.
    """
    beginning = problem.shortened(math.ceil(problem.samples * BEGINNING))
    if beginning is not problem and not problem.model.starts_own:
        for origin, values, start in _named(beginning, problem):
            yield origin, *_grown(problem, beginning, values, start)
    yield from _named(problem, problem)


def _named(part, problem):
    """The starts in a part of a problem; those of a grid are of different kinds
    each."""
    found = starts(part)
    check_slopes(problem, found)
    return [
        (number if origin == "grid" else origin, values, start)
        for number, (origin, values, start) in enumerate(found)
    ]


def _grown(problem, part, values, start):
    """(values, first states) by which growing parts of a recording are fitted, each
    from the one before.
    """
    while part is not problem:
        found = solve(part, values, start)
        if found is not None:
            values, start = _told(part, values, found), found.start
        part = problem.shortened(2 * part.samples)
    return values, start


def _told(part, before, found):
    """Values of a search, but as before of what its part of the recording does not
    tell: the logarithm of that runs away, and where it has gone nothing depends on it.
    """
    values = dict(found.values)
    for label in part.free:
        own = part.model.parameters[part.name_of(label)]
        away = abs(own.of(values[label]) - own.of(before[label]))
        if label in found.held or (own.coordinate == "log" and not away < FAR):
            values[label] = before[label]
    return values


class _Search:
    """A problem as least squares take it: in the place of all residuals and their
    Jacobian stand those of the triangular factor, which have the same lengths and
    angles."""

    def __init__(self, problem):
        self.problem, self.x, self.factor = problem, None, np.empty((0, 1))
        self.tie, self.first = None, np.empty(0)

    def at(self, x):
        if self.x is None or not np.array_equal(x, self.x):
            factor = self.problem.factor(x)
            if self.tie is None:
                # by rounding alone nothing goes along directions without effect
                self.tie, self.first = _TIE * np.linalg.norm(factor[:, :-1], axis=0), x.copy()
            tied = np.column_stack([np.diag(self.tie), self.tie * (x - self.first)])
            self.x, self.factor = x.copy(), np.concatenate([factor, tied])
        return self.factor

    def residual(self, x):
        return self.at(x)[:, -1]

    def jacobian(self, x):
        return self.at(x)[:, :-1]


def solve(problem: Problem, values: Mapping[str, float], start: np.ndarray) -> Solution | None:
    """Least squares from these values and (case, d) first states; None if it does not
    converge."""
    x, (low, high) = problem.pack(values, start), problem.box()
    # a search begins within the bounds
    room = 1e-4 * np.minimum(high - low, np.abs(x))
    x = np.clip(x, np.where(np.isfinite(low), low + room, low), np.where(
        np.isfinite(high), high - room, high))  # fmt: skip
    search = _Search(problem)
    if not np.isfinite(search.residual(x)).all():
        return None
    settings: dict[str, Any] = {"jac": search.jacobian, "bounds": (low, high)} | _SEARCH
    # a direction without effect divides 0 by 0 within SciPy, which then bisects
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        found = optimize.least_squares(search.residual, x, **settings)
        if found.status <= 0:
            # a long valley: it is enough that the cost hardly changes
            settings |= {"ftol": _ENOUGH, "xtol": _ENOUGH}
            found = optimize.least_squares(search.residual, found.x, **settings)
    if found.status <= 0:
        return None
    held = _held(found, low, high)[: len(problem.free)]
    names = tuple(np.array(problem.free)[held].tolist())
    return Solution(*problem.unpack(found.x), float(found.cost), names)


def _held(found, low, high):
    """Which coordinates their bounds hold: those that are next to one, and whose least
    cost, along them alone, is beyond it.
    """
    x, width = found.x, high - low
    near = _AT_BOUND * np.where(np.isfinite(width), width, np.maximum(np.abs(x), 1.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        least = x - found.grad / np.sum(found.jac**2, axis=0)
    return ((x - low < near) & (least <= low)) | ((high - x < near) & (least >= high))
