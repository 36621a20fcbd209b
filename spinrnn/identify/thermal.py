"""A fit with thermal noise of the device beside noise of the readout.

Least squares take every residual for noise of the readout, which is independent from
sample to sample; thermal noise adds up in the states. Here the likelihood of the
readings is that of an extended Kalman filter, whose one-step predictions have the
process noise of the kind's `kick`: the noise quantity of the kind and the readout's
standard deviation are two more unknowns, and intervals come from the curvature of the
likelihood at its maximum (observed information).
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import optimize, stats

from spinrnn.config.quantity import quantities
from spinrnn.errors import ConfigError, DataError
from spinrnn.identify.filtering import filter_of, rule, workspace
from spinrnn.identify.problem import Problem, Solution
from spinrnn.identify.residuals import CORRELATION, Check, Diagnosis, correlation
from spinrnn.identify.result import (
    FROM_ZERO,
    DeviceFit,
    held_reasons,
    intervals_of,
    with_errors,
)
from spinrnn.identify.slopes import check_kick
from spinrnn.networks.trainable import with_fields

READOUT = "readout_noise"
_GRID = np.geomspace(1e-6, 1.0, 13)
"""Of the noise quantity, times what makes noise of the size of the residuals."""
_AT_BOUND = 1e-6
"""Distance from a bound, in standard errors, from which on a coordinate is at it."""
_STEP = 0.4
"""Of the differences for the curvature, in standard errors."""
_FAINT = 2.71
"""Twice the gain in logarithmic likelihood below which there may be no thermal noise:
the 95 % point of a share that cannot be negative, half a chi-square law."""
BENT, MANY = 0.3, 0.05
"""Standard deviation of the measured state over its distance to where the noise ends,
above which its law is no normal one; share of samples where that may be."""
LEVEL, LAGS = 0.01, 20


def noise_name(neuron: Any) -> str:
    """The quantity of a kind that is its thermal noise: with 0 nothing is noisy.

    ConfigError where there is none.
    """
    if neuron.functions(neuron.schemes[0]).kick is not None:
        for name, declared in quantities(neuron).items():
            if not isinstance(declared.default, float) or declared.low not in (0, 0.0, None):
                continue
            off = with_fields(neuron, {name: 0.0}).noisy
            if not off and with_fields(neuron, {name: declared.default or 1e-3}).noisy:
                return name
    raise ConfigError([f"thermal: {neuron.kind} has no thermal noise"])


class _Noisy:
    """A problem with two further unknowns: coordinates are those of its free
    parameters, and the logarithms of the noise quantity and of the readout's noise,
    which is known where the data have it."""

    def __init__(self, problem: Problem, solution: Solution):
        model = problem.model
        self.problem, self.model, self.solution = problem, model, solution
        self.name = noise_name(model.neuron)
        self.known = problem.data.noise is not None
        self.loop = filter_of(model.functions, model.states, len(model.number_names), model.kind)
        self.rule = rule()
        self.start = np.array(solution.start).reshape(problem.cases, -1)
        scatter = np.nanstd(problem.data.power, axis=1).max()
        around = np.maximum(np.abs(self.start).max(axis=0), 1e-3 * scatter)
        self.first = np.diag(around**2)
        of = model.parameters
        plain = [of[problem.name_of(label)].coordinate == "plain" for label in problem.free]
        more = 2 - self.known
        # steps of logarithms beyond leave the likelihood's parabola
        self.longest = np.where([*plain, *[False] * more], np.inf, 1.0)
        ends = (limit[: len(problem.free)] for limit in problem.box())
        self.low, self.high = (np.append(limit, [sign * np.inf] * more)
                               for limit, sign in zip(ends, (-1, 1), strict=True))  # fmt: skip

    def unpack(self, x: np.ndarray) -> tuple[dict[str, float], float, float]:
        """(values by label, noise quantity, readout's standard deviation)."""
        count = len(self.problem.free)
        values = self.problem.unpack(np.concatenate([x[:count], self.flat()]))[0]
        return values, math.exp(x[count]), math.exp(x[count + 1]) if not self.known else math.nan

    def held(self, x: np.ndarray) -> np.ndarray:
        """Which coordinates are at a bound."""
        return (x <= self.low) | (x >= self.high)

    def flat(self):
        return self.model.start_coordinates(self.start).ravel()

    def run(self, x: np.ndarray) -> tuple[float, dict[str, np.ndarray]]:
        """(-2 log likelihood, what the filter says of each sample)."""
        problem, model = self.problem, self.model
        values, noise, readout = self.unpack(x)
        rows = [row | {self.name: noise} for row in problem.rows_of(values)]
        vectors = np.array([np.real(model.vector(row)) for row in rows], dtype=np.float64)
        scale, zero = (np.array([row[name] for row in rows]) for name in model.readout)
        variance = np.full((problem.cases, 1), readout**2)
        if self.known:
            variance = np.ascontiguousarray(problem.data.noise) ** 2
        names = ("mean", "size", "state", "spread")
        found = {name: np.empty(problem.data.power.shape) for name in names}
        cost = self.loop(
            np.ascontiguousarray(problem.durations), np.ascontiguousarray(problem.drive),
            problem.pieces, np.ascontiguousarray(vectors[:, :-2].T).ravel(),
            np.ascontiguousarray(vectors[:, -2]), np.ascontiguousarray(vectors[:, -1]), scale,
            zero, model.shared, model.place, self.start, self.first,
            np.ascontiguousarray(problem.data.power), variance, *self.rule,
            workspace(model.states), *found.values(),
        )  # fmt: skip
        return float(cost), found

    def cost(self, x: np.ndarray) -> float:
        if not np.isfinite(x).all() or np.abs(x[len(self.problem.free) :]).max() > 200:
            return 1e300
        with np.errstate(all="ignore"):
            cost = self.run(x)[0]
        return cost if np.isfinite(cost) else 1e300


def thermal_fit(problem: Problem, solution: Solution, plain: DeviceFit) -> DeviceFit:
    """The fit with thermal noise, begun from that of least squares.

    plain: what that one found.
    """
    noisy = _Noisy(problem, solution)
    own = float(getattr(noisy.model.neuron, noisy.name))
    check_kick(problem, solution, {noisy.name: own or _natural(noisy, solution, plain.noise)})
    x, scale = _begin(noisy, solution, plain)
    best, cost = _searched(noisy, x, scale)
    quiet = best.copy()
    quiet[len(problem.free)] = -150.0
    without = _searched(noisy, quiet, scale, hold=len(problem.free))[1]
    faint = not without - cost > _FAINT
    covariance = _information(noisy, best, scale, faint)
    return _result(noisy, plain, best, covariance, faint)


def _begin(noisy, solution, plain):
    """(coordinates, size of a step of each) from which the search begins."""
    problem = noisy.problem
    free = problem.pack(solution.values, noisy.start)[: len(problem.free)]
    of = problem.model.parameters
    steps = [
        plain.errors[label] / abs(of[problem.name_of(label)].slope(solution.values[label]))
        for label in problem.free
    ]
    # least squares know no error of what ends at a bound: there it is that of one alone
    factor = problem.factor(problem.pack(solution.values, solution.start))
    with np.errstate(divide="ignore"):
        alone = math.sqrt(2 * solution.cost / problem.count) / np.linalg.norm(factor, axis=0)
    steps = [
        min(x if 0 < x < math.inf else own, most) or 0.1
        for x, most, own in zip(steps, noisy.longest, alone, strict=False)
    ]
    size = math.log(plain.noise)
    tried = []
    for noise in _GRID * _natural(noisy, solution, plain.noise):
        for readout in (0.0, -1.0, -3.0):
            x = np.array([*free, math.log(noise), size + readout])[: len(free) + 2 - noisy.known]
            tried.append((noisy.cost(x), x))
    best = min(tried, key=lambda entry: entry[0])[1]
    return best, np.array([*steps, 0.3, 0.3])[: len(best)]


def _natural(noisy, solution, size):
    """A noise quantity of about the largest that may be: the kind's own, or 1."""
    own = float(getattr(noisy.model.neuron, noisy.name))
    declared = quantities(noisy.model.neuron)[noisy.name]
    return own * 1e3 if own > 0 else (0.1 if declared.high is None else min(declared.high, 1.0))


def _searched(noisy, x, scale, hold=None):
    """(coordinates, cost) of the least cost near x; hold: number of one that stays."""
    moves = np.array([i for i in range(len(x)) if i != hold])

    def cost(z):
        y = x.copy()
        y[moves] += scale[moves] * z
        return noisy.cost(y)

    jac, begin = (lambda z: _slope(cost, z)), np.zeros(len(moves))
    settings: Any = {"jac": jac, "options": {"gtol": 1e-3, "maxiter": 200}}
    ends = [(limit - x)[moves] / scale[moves] for limit in (noisy.low, noisy.high)]
    z = optimize.minimize(cost, begin, method="BFGS", **settings).x
    if (z < ends[0]).any() or (z > ends[1]).any():
        bounds = optimize.Bounds(*ends)
        z = optimize.minimize(cost, begin, method="L-BFGS-B", bounds=bounds, **settings).x
    found = x.copy()
    found[moves] += scale[moves] * z
    for limit, end, sign in zip((noisy.low, noisy.high), ends, (1, -1), strict=True):
        at = moves[sign * (z - end) < _AT_BOUND]
        found[at] = limit[at]
    return found, cost(z)


def _slope(f, z, h=1e-3):
    """Central differences."""
    return np.array([(f(z + h * e) - f(z - h * e)) / (2 * h) for e in np.eye(len(z))])


def _information(noisy, x, scale, faint):
    """Covariance of the coordinates: the inverse of half the curvature of -2 log
    likelihood, by differences of a share of the standard errors; 0 of those that are
    at a bound, NaN where the likelihood has no maximum.

    faint: there may be no thermal noise. Then the likelihood may be level along the
    logarithm of that, which stays if there is no maximum else.
    """
    moves = ~noisy.held(x)
    whole = _covariance(noisy, x, scale, moves)
    if faint and np.isnan(whole).any():
        moves[len(noisy.problem.free)] = False
        whole = _covariance(noisy, x, scale, moves)
    return whole


def _covariance(noisy, x, scale, moves):
    """`_information` with coordinates that stay, of which it is 0."""
    whole = np.zeros((len(x), len(x)))

    def cost(part):
        y = x.copy()
        y[moves] = part
        return noisy.cost(y)

    found = _curved(cost, x[moves], scale[moves], noisy.longest[moves])
    whole[np.ix_(moves, moves)] = found
    return whole


def _curved(cost, x, scale, longest):
    """`_covariance` of coordinates that all move."""
    h = np.asarray(scale, dtype=float) * _STEP
    for _ in range(3):
        # in steps of about their errors all coordinates have like curvatures
        curved = _curvature(cost, x, h) * np.outer(h, h)
        if not np.isfinite(curved).all() or not np.linalg.eigvalsh(curved)[0] > 0:
            return np.full_like(curved, np.nan)
        covariance = 2 * np.linalg.inv(curved) * np.outer(h, h)
        sizes = np.diag(covariance)
        h = _STEP * np.minimum(np.sqrt(sizes), longest)
    return covariance


def _curvature(f, x, h):
    """(k, k) second derivatives by central differences of steps h."""
    count, middle = len(x), f(x)
    steps = np.diag(h)
    found = np.empty((count, count))
    for i in range(count):
        up, down = f(x + steps[i]), f(x - steps[i])
        found[i, i] = (up - 2 * middle + down) / h[i] ** 2
        for j in range(i):
            pairs = [f(x + a * steps[i] + b * steps[j]) for a, b in ((1, 1), (1, -1), (-1, 1))]
            last = f(x - steps[i] - steps[j])
            found[i, j] = found[j, i] = (pairs[0] - pairs[1] - pairs[2] + last) / (4 * h[i] * h[j])
    return found


# ---- what was found ----


def _result(noisy, plain, x, covariance, faint):
    """`DeviceFit` of the maximum; faint: there may be no thermal noise."""
    problem, count = noisy.problem, len(noisy.problem.free)
    values, noise, readout = noisy.unpack(x)
    reasons, held = _reasons(noisy, plain, x)
    found = noisy.run(x)[1]
    everything, errors = with_errors(problem, values, _of_labels(noisy, x, covariance))
    quantile = float(stats.norm.ppf((1 + plain.level) / 2))
    intervals, errors, reasons = intervals_of(problem, everything, errors, quantile, reasons)
    more = {noisy.name: noise} | ({} if noisy.known else {READOUT: readout})
    for place, (name, value) in enumerate(more.items(), start=count):
        variance = float(covariance[place, place])
        error = math.sqrt(variance) if variance > 0 else math.nan
        everything[name], errors[name] = value, value * error
        width = math.exp(min(quantile * error, 50.0))
        intervals[name] = (value / width, value * width)
    sound = bool(np.isfinite(covariance).all())
    for name, reason in _why_not(noisy, found, sound, faint).items():
        for own in intervals if name == "" else [name]:
            if own not in plain.fixed:
                reasons[own], intervals[own] = reason, (math.nan, math.nan)
    mean = np.where(problem.data.time == problem.data.time, found["mean"], np.nan)
    return replace(
        plain,
        values=everything,
        errors=errors,
        intervals=intervals,
        free=[*plain.free, *more],
        noise=readout if not noisy.known else plain.noise,
        predicted=mean,
        residual=problem.data.power - mean,
        diagnosis=_diagnosis(problem, found, len(x), noisy.known),
        reasons=reasons,
        outliers=[one for one in plain.outliers if one.left_out],
        thermal=noisy.name,
        held=held,
    )


def _of_labels(noisy, x, covariance):
    """Covariance of all labels, of that of the coordinates."""
    problem, count = noisy.problem, len(noisy.problem.free)
    values = noisy.unpack(x)[0]
    slopes = np.array([_slope_of(problem, label, values) for label in problem.free])
    whole = np.zeros((len(problem.labels), len(problem.labels)))
    at = np.ix_(problem.free_labels, problem.free_labels)
    whole[at] = covariance[:count, :count] * np.outer(slopes, slopes)
    return whole + _uncertain_shift(noisy, x, covariance)


def _reasons(noisy, plain, x):
    """({label: why there is no interval}, labels at a bound): what the likelihood ends
    at in place of what least squares did.
    """
    problem, before = noisy.problem, noisy.solution
    held = tuple(np.array(problem.free)[noisy.held(x)[: len(problem.free)]].tolist())
    now = replace(before, values=noisy.unpack(x)[0], held=held)
    gone = held_reasons(problem, before)
    kept = {
        name: reason
        for name, reason in plain.reasons.items()
        if name not in gone and not reason.endswith(FROM_ZERO)
    }
    return kept | held_reasons(problem, now), held


def _slope_of(problem, label, values):
    return problem.model.parameters[problem.name_of(label)].slope(values[label])


def _uncertain_shift(noisy, x, covariance):
    """(labels, labels) that uncertain known numbers add to the covariance: the maximum
    follows a change of one of them."""
    problem = noisy.problem
    size, count = len(problem.labels), len(problem.free)
    total = np.zeros((size, size))
    for name, (value, uncertainty) in problem.known.items():
        if not uncertainty:
            continue
        slopes = []
        for sign in (1, -1):
            problem.known[name] = (value + 0.3 * sign * uncertainty, uncertainty)
            h = 0.1 * np.sqrt(np.maximum(np.diag(covariance), 1e-300))
            slopes.append(
                [
                    (noisy.cost(x + e) - noisy.cost(x - e)) / (2 * h[i])
                    for i, e in enumerate(np.diag(h))
                ]
            )
        problem.known[name] = (value, uncertainty)
        mixed = (np.array(slopes[0]) - np.array(slopes[1])) / (0.6 * uncertainty)
        moved = -0.5 * covariance @ mixed
        values = noisy.unpack(x)[0]
        shift = np.zeros(size)
        shift[problem.labels.index(name)] = 1.0
        for label, at, change in zip(problem.free, problem.free_labels, moved[:count], strict=True):
            shift[at] = change * _slope_of(problem, label, values)
        total += uncertainty**2 * np.outer(shift, shift)
    return total


def _why_not(noisy, found, sound, faint) -> Mapping[str, str]:
    """{name, "" for all: why there is no interval}."""
    lost = {} if sound else {"": "the likelihood has no maximum here"}
    if faint:
        text = "the data are as likely without thermal noise; fit them without --thermal"
        return {**lost, noisy.name: text}
    present = noisy.problem.present
    state, spread = found["state"][present], np.sqrt(np.maximum(found["spread"][present], 0.0))
    if noisy.model.noise_ends is not None:
        near = float(np.mean(spread > BENT * np.abs(state - noisy.model.noise_ends)))
        if near > MANY:
            text = (
                f"the {noisy.model.whole} is near {noisy.model.noise_ends:g} in {near:.0%} of the "
                "samples, where its law under thermal noise is no normal one"
            )
            return {"": text}
    return lost


def _diagnosis(problem, found, fitted, known):
    """Tests of the standardised innovations, which are independent and normal where
    the model with its noise describes the data."""
    with np.errstate(invalid="ignore"):
        e = (problem.data.power - found["mean"]) / np.sqrt(found["size"])
    # those of the first samples are of what was assumed of the start
    e[:, : 1 + problem.model.states] = np.nan
    inside = e[~np.isnan(e)]
    lags = max(1, min(LAGS, inside.size // (4 * problem.cases)))
    r, pairs = correlation(e, lags)
    p = float(stats.chi2.sf(np.sum(pairs * r**2), max(lags - 1, 1)))
    law = float(stats.jarque_bera(inside)[1])
    tests = [(CORRELATION, p, "correlation"), ("law of the innovations", law, "innovations")]
    freedom = inside.size - fitted
    total = float(inside @ inside)
    checks = [Check(name, p, p > LEVEL / len(tests), key=key) for name, p, key in tests]
    return Diagnosis(
        describes=all(check.passed for check in checks),
        rounding=False,
        checks=checks,
        chi_square=total if known else None,
        freedom=freedom,
        overstated=False,
        correlation=r,
    )


def checked(problem: Problem, solution: Solution, plain: DeviceFit) -> DeviceFit:
    """`thermal_fit`; DataError where the filter cannot begin."""
    try:
        return thermal_fit(problem, solution, plain)
    except (ValueError, np.linalg.LinAlgError) as error:
        text = f"the fit with thermal noise failed: {error}; fit without it"
        raise DataError(text) from None
