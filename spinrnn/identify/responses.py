"""A synapse of measured pulse responses: mean steps up and down against the state, how
far pulses and devices scatter, with confidence intervals, and whether that describes
the data.

The model: a pulse changes the state x, the conductance in its window, by u h(x) + s n;
h is straight between knots, u belongs to the device and the direction and has the mean
1, n is normal and drawn for each pulse. What is read is x + r m, m normal and drawn for
each reading.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from spinrnn.errors import DataError
from spinrnn.identify.pulses import Pulses, load_pulses
from spinrnn.readers.columns import NONE, Columns
from spinrnn.synapses.measured import Measured

KNOTS = 8
"""Of each curve, at most; less where there are fewer than 8 pulses for each."""
FEW = 4
"""Groups from which the scatter of an estimate is known: devices, else their cycles,
else stretches of successive pulses."""
STRETCHES, IN_TURN = 10, 3
TURNS = 12
"""Of curve and factors, until both stay."""
DOUBT = 1e-3
"""Probability below which a test says that the model does not describe the data."""
MATTERS = 0.03
"""Deviations below this share of the mean step count as none, however sure they are."""


class Estimate(NamedTuple):
    """A number and its confidence interval; NaN where it cannot be known."""

    value: float
    low: float
    high: float


class ResidualTest(NamedTuple):
    """A test of what the model leaves: what it asks, the probability that chance alone
    leaves as much, the size over the mean step, and whether the model holds.
    """

    asks: str
    probability: float
    size: float
    holds: bool


@dataclass(frozen=True, eq=False)
class SynapseFit:
    """What pulse responses say of a kind of device.

    Attributes:
        window: (lowest, highest) conductance, S, states 0 and 1.
        states: (knot,) from 0 to 1.
        potentiation, depression: (knot,) mean step of a pulse, from 0, in units of the
            window; their intervals: (2, knot), NaN where too few pulses are near.
        numbers: {name: `Estimate`}: potentiation_scatter and depression_scatter, of a
            pulse, and read_noise in units of the window; potentiation_spread and
            depression_spread from device to device, relative.
        told_apart: whether noise of reading is seen beside that of writing.
        tests: of the residuals; level: of the intervals.
        devices, cycles, pulses: how many there are; outside: share of the readings that
            are outside the window.
        points: (state, step, upwards) of all pulses, for a picture.
        notes: sentences on the table.
    """

    window: tuple[float, float]
    states: np.ndarray
    potentiation: np.ndarray
    potentiation_interval: np.ndarray
    depression: np.ndarray
    depression_interval: np.ndarray
    numbers: dict[str, Estimate]
    told_apart: bool
    tests: tuple[ResidualTest, ...]
    level: float
    devices: int
    cycles: int
    pulses: int
    outside: float
    points: tuple[np.ndarray, np.ndarray, np.ndarray]
    notes: tuple[str, ...] = ()

    @property
    def describes(self) -> bool:
        """Whether no test found that the model fails."""
        return all(test.holds for test in self.tests)

    def synapse(self, **keys: Any) -> Measured:
        """The kind of synapse; keys: further ones, as largest or pulse_voltage."""
        names = [name for name in self.numbers if name != "read_noise"]
        known = {name: self.numbers[name].value for name in names}
        known = {name: float(f"{value:.6g}") for name, value in known.items() if value > 0}
        low, high = (float(f"{value:.8g}") for value in self.window)
        curves = [
            tuple(float(f"{min(max(step, 0.0), 1.0):.6g}") for step in curve)
            for curve in (self.potentiation, self.depression)
        ]
        window = {"lowest_conductance": low, "highest_conductance": high}
        return Measured(*curves, **{**known, **window, **keys})


def identify_synapse(
    source: "str | Path | Pulses",
    columns: Columns = NONE,
    window: tuple[float, float] | None = None,
    knots: int = KNOTS,
    level: float = 0.95,
) -> SynapseFit:
    """Fits a synapse to measured pulse responses.

    Args:
        source: a file as of `identify.pulses.load_pulses`, or its content.
        columns: what the user calls the file's columns, and their units.
        window: lowest and highest conductance in S; None: means over devices and cycles
            of the least and largest that was read.
        knots: of each curve, at most; level: of the confidence intervals.
    Raises:
        StoreError: the file cannot be read; DataError: all that is wrong with it, or
            with the arguments.
    """
    data = source if isinstance(source, Pulses) else load_pulses(source, columns)
    _check(window, knots, level)
    low, high = window or _window(data)
    y = (data.conductance - low) / (high - low)
    steps = _steps_of(data, y)
    count = min(knots, max(2, min(steps.up.sum(), (~steps.up).sum()) // 8))
    model = _Model(steps, int(count))
    _check_signs(model)
    groups = _groups(data, steps)
    t = float(stats.t.ppf(0.5 + level / 2, groups.max()))
    curves = {up: _curve(model, groups, up, t) for up in (True, False)}
    noise = _noise(model, groups, t)
    numbers = {
        "potentiation_scatter": noise[0],
        "depression_scatter": noise[1],
        "potentiation_spread": _spread(model, True, level),
        "depression_spread": _spread(model, False, level),
        "read_noise": noise[2],
    }
    return SynapseFit(
        (float(low), float(high)), model.states, *curves[True], *curves[False], numbers,
        bool(noise[2].low > 0), _tests(model), level, len(data.devices),
        int(data.cycle.max()) + 1, len(y), float(((y < 0) | (y > 1)).mean()),
        (steps.x, steps.change, steps.up), data.notes,
    )  # fmt: skip


def _check(window, knots, level):
    problems = []
    if window is not None and not 0 <= window[0] < window[1] < math.inf:
        problems.append(f"window: must be two conductances from 0, the lower first; got {window}")
    if not 2 <= knots <= 100:
        problems.append(f"knots: must be from 2 to 100, got {knots}")
    if not 0 < level < 1:
        problems.append(f"level: must be in (0, 1), got {level}")
    if problems:
        raise DataError("; ".join(problems))


def _check_signs(model):
    """DataError where pulses do the contrary of what they are called."""
    names = {True: "potentiation", False: "depression"}
    wrong = [name for up, name in names.items() if model.upward[model.steps.up == up].mean() <= 0]
    if wrong:
        raise DataError(
            f"{' and '.join(wrong)}: pulses move the conductance the other way on the mean; are "
            "directions or signs turned round?"
        )


def _window(data):
    """Means over devices of the means over cycles of the least and largest reading."""
    ends = []
    for device in range(len(data.devices)):
        own = [
            data.conductance[data.sequence == sequence]
            for sequence in np.unique(data.sequence[data.device == device])
        ]
        ends.append([np.mean([g.min() for g in own]), np.mean([g.max() for g in own])])
    return np.mean(ends, axis=0)


# ---- steps between readings ----


@dataclass(eq=False)
class _Steps:
    """Changes from a reading to the next, of which the reading before is known too.

    Attributes, arrays (step,): before: the reading before the first of the two, and
    before_up: direction of the pulse that followed it, from which x, the state of the
    first, is predicted without its own noise; change; up; device, sequence, cycle;
    follows: whether the step before it in the arrays is the one before it in time.
    """

    before: np.ndarray
    before_up: np.ndarray
    read: np.ndarray
    change: np.ndarray
    up: np.ndarray
    device: np.ndarray
    sequence: np.ndarray
    cycle: np.ndarray
    follows: np.ndarray
    x: np.ndarray


def _steps_of(data, y):
    same = data.sequence[2:] == data.sequence[:-2]
    at = np.flatnonzero(same) + 1
    steps = _Steps(
        y[at - 1], data.upwards[at], y[at], y[at + 1] - y[at], data.upwards[at + 1],
        data.device[at], data.sequence[at], data.cycle[at], np.diff(at, prepend=-5) == 1, y[at],
    )  # fmt: skip
    for upwards, name in ((True, "potentiation"), (False, "depression")):
        count = int((steps.up == upwards).sum())
        if count < 4:
            raise DataError(
                f"{name}: {count} pulses follow two readings of the same device and cycle; a fit "
                "needs at least 4"
            )
    return steps


class _Model:
    """The curves by least squares, and what each device makes of them.

    Attributes:
        states: (knot,); steps: with x, the predicted states; weights: (step, knot).
        curve: {upwards: (knot,)}, from 0 in both directions; factor: {upwards:
            (device,)} u, of mean 1, NaN of devices without such pulses.
        upward: (step,) change in the direction of the pulse; mean: (step,) h(x);
            residual: (step,) what u h(x) leaves of `upward`.
    """

    def __init__(self, steps: _Steps, knots: int) -> None:
        self.steps, self.states = steps, np.linspace(0, 1, knots)
        self.upward = np.where(steps.up, 1.0, -1.0) * steps.change
        everything = np.ones(len(steps.x), dtype=bool)
        for _ in range(3):
            self.weights = hats(steps.x, knots)
            found = {up: self.fitted(everything, up) for up in (True, False)}
            self.curve = {up: curve for up, (curve, _) in found.items()}
            self.factor = {up: factor for up, (_, factor) in found.items()}
            up_before, down_before = (
                np.interp(steps.before, self.states, self.curve[up]) * self._of_device(up)
                for up in (True, False)
            )
            steps.x = steps.before + np.where(steps.before_up, up_before, -down_before)
        self.weights = hats(steps.x, knots)
        self.mean = self.response(steps.x)
        factor = np.where(steps.up, self._of_device(True), self._of_device(False))
        self.residual = self.upward - factor * self.mean

    def response(self, x: np.ndarray) -> np.ndarray:
        """(step,) h of the direction of each step."""
        up, down = (np.interp(x, self.states, self.curve[which]) for which in (True, False))
        return np.where(self.steps.up, up, down)

    def _of_device(self, up):
        """(step,) factor of each step's device, 1 where it is not known."""
        return np.nan_to_num(self.factor[up], nan=1.0)[self.steps.device]

    def fitted(self, chosen: np.ndarray, up: bool) -> tuple[np.ndarray, np.ndarray]:
        """((knot,) curve, (device,) factors of mean 1) of some steps in a direction, by
        least squares of u h(x) in turns.

        Devices with large steps get further, so at far states a plain mean would be
        theirs.
        """
        own = chosen & (self.steps.up == up)
        weights, step, device = self.weights[own], self.upward[own], self.steps.device[own]
        count = len(np.bincount(self.steps.device))
        factor = np.where(np.bincount(device, minlength=count) > 0, 1.0, np.nan)
        for _ in range(TURNS):
            u = factor[device]
            scaled = weights * u[:, None]
            curve = solved(scaled.T @ scaled, scaled.T @ step)
            h = weights @ curve
            squares = np.bincount(device, h * h, count)
            known = squares > 0
            factor = np.where(known, np.bincount(device, h * step, count), np.nan)
            factor = factor / np.where(known, squares, 1.0)
            mean = np.nanmean(factor)
            factor, curve = factor / mean, curve * mean
        return curve, factor


def hats(x: np.ndarray, knots: int) -> np.ndarray:
    """(step, knot) weights of a function that is straight between evenly spaced knots
    from 0 to 1, and constant beyond.
    """
    place = np.clip(x, 0, 1) * (knots - 1)
    return np.maximum(0, 1 - np.abs(place[:, None] - np.arange(knots)))


def solved(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Least squares of a curve; where there are no data it goes on straight."""
    knots = len(vector)
    bend = np.diff(np.eye(knots), 2, axis=0)
    weak = 1e-9 * np.trace(matrix) / knots
    regular = matrix + weak * (bend.T @ bend) + weak * 1e-6 * np.eye(knots)
    return np.linalg.solve(regular, vector)


# ---- intervals ----


def _groups(data, steps):
    """(step,) numbers from 0 of groups that say something independent: devices, where
    there are enough; else their cycles; else stretches of successive pulses.
    """
    for label in (steps.device, steps.sequence):
        numbers = np.unique(label, return_inverse=True)[1].ravel()
        if numbers.max() + 1 >= FEW:
            return numbers
    # in turns, so that each of them sees all states
    return np.arange(len(steps.x)) // IN_TURN % STRETCHES


def _curve(model, groups, up, t):
    """((knot,) curve, (2, knot) interval) by leaving out one group after the other."""
    count = groups.max() + 1
    without = [model.fitted(groups != group, up)[0] for group in range(count)]
    curve, error = model.curve[up], _jackknife(np.array(without))
    own = model.steps.up == up
    near = model.weights[own] > 0.25
    seen = [len(np.unique(groups[own][column])) for column in near.T]
    enough = (near.sum(axis=0) >= FEW) & (np.array(seen) >= max(FEW, count / 2))
    error = np.where(enough, error, np.nan)
    curve = _continued(model.states, curve, enough)
    return curve, np.stack([curve - t * error, curve + t * error])


def _continued(states, curve, known):
    """The curve with straight lines through the knots that are not known, from 0."""
    at = np.flatnonzero(known)
    if len(at) < 2:
        return curve
    found = np.interp(states, states[at], curve[at])
    for end, (first, second) in ((slice(at[0]), at[:2]), (slice(at[-1] + 1, None), at[-2:])):
        slope = (curve[second] - curve[first]) / (states[second] - states[first])
        found[end] = np.maximum(0, curve[first] + slope * (states[end] - states[first]))
    return found


def _jackknife(without):
    """Standard error of an estimate, of its values (group, ...) without one group."""
    n = len(without)
    return np.sqrt((n - 1) / n * ((without - without.mean(axis=0)) ** 2).sum(axis=0))


def _noise(model, groups, t):
    """`Estimate` of the scatter of a pulse upwards and downwards, and of the noise of
    reading.

    With the step reckoned from the reading y_n itself, the residual is s n + r m_{n+1}
    - (1 + h') r m_n. Successive ones share a reading: the mean of their product is
    -(1 + h') r^2, that of the square s^2 + [1 + (1 + h')^2] r^2. Next to the ends of
    the window, which cut the noise off, steps are left out.
    """
    steps, count = model.steps, groups.max() + 1
    e, kept = _from_readings(model)
    inside = _inside(model, e)
    own_share, shared = _leverage(model)
    sums = []
    for up in (True, False):
        own = inside & (steps.up == up)
        sums += [
            np.bincount(groups[own], e[own] ** 2 / (1 - own_share[own]), count),
            np.bincount(groups[own], 1 + kept[own] ** 2, count),
            np.bincount(groups[own], minlength=count),
        ]
    pairs = np.flatnonzero(steps.follows & inside & np.roll(inside, 1))
    products = e[pairs] * e[pairs - 1] + shared[pairs] * e[pairs] ** 2
    sums += [
        np.bincount(groups[pairs], products, count),
        np.bincount(groups[pairs], kept[pairs], count),
    ]
    table = np.array(sums)
    total = table.sum(axis=1)
    without = [_variances(total - table[:, group]) for group in range(count)]
    values, error = _variances(total), t * _jackknife(np.array(without))
    found = [values, values - error, values + error]
    return [Estimate(*(math.sqrt(max(v, 0.0)) for v in row)) for row in np.transpose(found)]


def _leverage(model):
    """What a fit takes of the residuals: (step,) of the square of each, and of the
    product with the one before it, as shares of the variance.
    """
    steps = model.steps
    own, shared = np.zeros(len(steps.x)), np.zeros(len(steps.x))
    for up in (True, False):
        at = np.flatnonzero(steps.up == up)
        scaled = model.weights[at] * model._of_device(up)[at][:, None]
        turned = np.linalg.pinv(scaled.T @ scaled) @ scaled.T
        squares = np.bincount(steps.device[at], model.mean[at] ** 2)[steps.device[at]]
        by_device = model.mean[at] / np.sqrt(np.maximum(squares, 1e-300))
        own[at] = np.einsum("nk,kn->n", scaled, turned) + by_device**2
        next_to = np.flatnonzero(np.diff(at) == 1) + 1
        products = np.einsum("nk,kn->n", scaled[next_to], turned[:, next_to - 1])
        shared[at[next_to]] = products + by_device[next_to] * by_device[next_to - 1]
    return np.minimum(own, 0.9), shared


def _from_readings(model):
    """((step,) residuals with the state that was read, (step,) 1 + h')."""
    steps, small = model.steps, 1e-4
    sign = np.where(steps.up, 1.0, -1.0)
    factor = np.where(steps.up, model._of_device(True), model._of_device(False))
    left = steps.change - sign * factor * model.response(steps.read)
    rise = model.response(steps.read + small) - model.response(steps.read - small)
    return left, 1 + sign * factor * rise / (2 * small)


def _inside(model, e):
    """(step,) whether no end of the window is within four deviations of the step."""
    far = 4 * math.sqrt(np.mean(e**2))
    after = model.steps.read + model.steps.change
    least, most = np.minimum(model.steps.read, after), np.maximum(model.steps.read, after)
    inside = (least > far) & (most < 1 - far)
    return inside if inside.mean() > 0.2 else np.ones(len(e), dtype=bool)


def _variances(sums):
    """s^2 upwards and downwards, and r^2, of the sums that `_noise` makes."""
    *squares, products, kept = sums
    read = -products / max(kept, 1e-300)
    found = [
        (squares[3 * k] - read * squares[3 * k + 1]) / max(squares[3 * k + 2], 1) for k in range(2)
    ]
    return np.array([*found, read])


def _spread(model, up, level):
    """`Estimate` of the relative standard deviation of the devices' factors.

    The factors scatter by that and by the noise of their own estimates, of which the
    variance is known; the sum has a chi-squared distribution.
    """
    factor = model.factor[up]
    known = np.isfinite(factor)
    own, device = model.steps.up == up, model.steps.device
    count = int(known.sum())
    if count < 3:
        return Estimate(math.nan, math.nan, math.nan)
    factor = factor[known] / factor[known].mean()
    noise = []
    for one in np.flatnonzero(known):
        chosen = own & (device == one)
        h, e = model.mean[chosen], model.residual[chosen]
        joined = model.steps.follows[chosen][1:] & (np.diff(np.flatnonzero(chosen)) == 1)
        products = (h[1:] * h[:-1] * e[1:] * e[:-1])[joined].sum()
        noise.append(max(((h * e) ** 2).sum() + 2 * products, 0.0) / (h @ h) ** 2)
    total, lost = factor.var(ddof=1), float(np.mean(noise))
    tails = stats.chi2.ppf([0.5 + level / 2, 0.5 - level / 2], count - 1)
    values = [total, *((count - 1) * total / tails)]
    return Estimate(*(math.sqrt(max(value - lost, 0.0)) for value in values))


# ---- whether the model describes the data ----


def _tests(model):
    """What residuals say, a `ResidualTest` each."""
    steps, knots = model.steps, len(model.states)
    place = np.clip(2 * knots * steps.x, 0, 2 * knots - 1).astype(int)
    device, quarter = steps.device, np.clip(4 * steps.x, 0, 3).astype(int)
    by_device = 4 * (2 * device + steps.up) + quarter
    found = [
        _means(model, 2 * place + steps.up, 2 * knots, "the curves are straight between knots"),
        _means(model, steps.cycle, 1, "cycles are alike"),
        _means(model, by_device, 2 * len(np.unique(device)), "devices have curves of one shape"),
    ]
    return tuple(test for test in found if test is not None)


def _means(model, label, lost, asks):
    """Test that residuals have the mean 0 in each of some groups.

    Successive residuals share a reading, so those of a stretch nearly cancel: the
    variance of a sum is n times theirs and twice that of the neighbours in it.
    """
    label, e = np.unique(label, return_inverse=True)[1].ravel(), model.residual
    counts = np.bincount(label)
    if len(counts) - lost < 1:
        return None
    same = model.steps.follows & (np.roll(model.steps.up, 1) == model.steps.up)
    pairs = np.flatnonzero(same & (np.roll(label, 1) == label))
    square = np.mean(e**2)
    product = np.mean(e[pairs] * e[pairs - 1]) if len(pairs) else 0.0
    joined = np.bincount(label[pairs], minlength=len(counts))
    variance = np.maximum(counts * square + 2 * joined * product, 0.05 * counts * square)
    mean, variance = np.bincount(label, e) / counts, variance / counts**2
    probability = float(stats.chi2.sf((mean**2 / variance).sum(), len(counts) - lost))
    beyond = np.average(mean**2 - variance, weights=counts)
    size = math.sqrt(max(beyond, 0.0)) / max(float(np.abs(model.mean).mean()), 1e-300)
    return ResidualTest(asks, probability, size, probability > DOUBT or size < MATTERS)
