"""The derivatives of a kind that is somebody else's, against differences of its step.

A wrong one leaves a fit that looks well, with wrong intervals. What is compared are
steps that first guesses of the fit take under the recorded drive. At a kink the slope
on either side is right, so a derivative is wrong only where it is beyond the one-sided
differences of two lengths. A guess may diverge, as that of a default time constant far
below a sample: what it reaches later is no size for the steps before, nor for those of
other guesses.
"""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from spinrnn.config.kinds import gradcheck_of
from spinrnn.errors import ConfigError
from spinrnn.identify.problem import Problem, Solution
from spinrnn.identify.sensitivity import response, workspace
from spinrnn.kernels.authors import result_of, uncompiled
from spinrnn.kernels.levels import authored

VISITS, CASES = 12, 4
"""Steps of a guess in each case that are compared; cases."""
LENGTHS = 1e-4, 1e-6
"""Of the differences, relative to the input."""
FALSE = 1e-3
"""Relative error from which a derivative is wrong; no interval shows less."""
_NEAR_ZERO = 1e-3
"""Of the largest value so far, which is the size of smaller ones."""
_FAR = 1e3
"""Times the recorded states, beyond which a guess has diverged."""
_ROUNDING = 1e-14
"""Of a state after a step, and of what each input makes of it."""


def check_slopes(problem: Problem, guesses: Sequence[tuple[Any, dict, np.ndarray]]) -> None:
    """Raises a ConfigError that names a derivative of the step that is wrong.

    guesses: (origin, values by label, first states).
    """
    model = problem.model
    if not authored(model.neuron) or not guesses:
        return
    parts = [_visited(problem, values, start) for _, values, start in guesses]
    x, size, h, moved = (np.concatenate(part) for part in zip(*parts, strict=True))
    numbers, states = len(model.number_names), [state.name for state in model.neuron.states]

    def stepped(x):
        return _run(model, x[:, :numbers], x[:, numbers:-1], x[:, -1:], h[:, None])

    # a number that no parameter moves needs no derivative
    asked = np.append(moved.any(axis=0), [True] * (len(states) + 1))
    inputs = [*model.number_names, *states, model.neuron.drive.name]
    _check(model, "step", inputs, asked, x, size, stepped)


def check_kick(problem: Problem, solution: Solution, noise: dict[str, float]) -> None:
    """Raises a ConfigError that names a derivative of the thermal kick by a state that
    is wrong; a warning says so where the kick fails everywhere.

    noise: {quantity that is the thermal noise: value with which there is some}.
    """
    model = problem.model
    if not authored(model.neuron):
        return
    x, size, h, _ = _visited(problem, solution.values, solution.start, noise)
    count, rng, states = len(x), np.random.default_rng(0), [s.name for s in model.neuron.states]
    r2, cosine = rng.exponential(2.0, count), np.cos(rng.uniform(0, 2 * np.pi, count))
    numbers, d, kick = len(model.number_names), len(states), uncompiled(model.functions.kick)
    q, s, size = x[:, :numbers], x[:, numbers:-1], size[:, numbers:-1]
    failed = np.full(d, np.nan), np.full((d, d), np.nan)

    def kicked(s):
        rows = zip(q, h, s, r2, cosine, strict=True)
        found = [result_of(kick, (tuple(q), h, tuple(s), a, b, 1.0)) for q, h, s, a, b in rows]
        found = [failed if row is None else row[:2] for row in found]
        return tuple(np.array(part, dtype=np.float64) for part in zip(*found, strict=True))

    if np.isfinite(kicked(s)[0]).any():
        _check(model, "kick", states, np.array([True] * d), s, size, kicked)
    else:
        warnings.warn(
            f"neuron: the kick of {model.kind} fails in plain Python with the numbers of the "
            "fit, so its derivatives are not compared",
            stacklevel=2,
        )


# ---- points ----


def _visited(problem, values, start, noise=None):
    """((n, Q + d + 1) numbers, states and drive, their sizes, (n,) lengths) of some
    steps from a guess, and (n, Q) whether a parameter moves the number; noise: as of
    `check_kick`.
    """
    cases = slice(0, min(CASES, problem.cases))
    rows = [row | (noise or {}) for row in problem.rows_of(values)[cases]]
    found = problem.model.calibrated(rows)
    h, far = problem.durations[cases], _far(problem, rows, cases)
    drive = found.level[:, None] + found.gain[:, None] * problem.drive[cases]
    state = np.asarray(start, dtype=np.float64).reshape(problem.cases, -1)[cases]
    reached, strongest = np.zeros_like(state), np.abs(drive).max(axis=1)
    parts, last = [], 0
    for step in np.unique(np.linspace(0, h.shape[1] - 1, VISITS).astype(int)):
        if step > last:
            state = _run(problem.model, found.q, state, drive[:, last:step], h[:, last:step])[0]
        going, last = (h[:, step] > 0) & np.isfinite(state).all(axis=1), step
        # the first states are of the data
        going &= (step == 0) | (np.abs(state[:, problem.model.place]) <= far)
        reached = np.fmax(reached, np.abs(state))
        x = np.column_stack([found.q, state, drive[:, step]])
        most = np.column_stack([found.q, reached, strongest])
        size, moved = np.fmax(np.abs(x), _NEAR_ZERO * most), (found.by_q != 0).any(axis=2)
        parts.append((x[going], size[going], h[going, step], moved[going]))
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))


def _far(problem, rows, cases):
    """Size of the measured state beyond which it has left what was recorded."""
    scale, zero = (np.array([[row[name]] for row in rows]) for name in problem.model.readout)
    with np.errstate(all="ignore"):
        states = np.abs(problem.data.power[cases] - zero) / np.abs(scale)
    seen = np.max(states, where=problem.present[cases], initial=0.0)
    return _FAR * seen if seen > 0 else np.inf


def _run(model, q, state, drive, h):
    """((n, d) states after (n, M) steps, (n, d, Q + d + 1) their derivatives by
    numbers, states and drive).
    """
    (count, d), numbers = state.shape, q.shape[1]
    state, slopes = state.copy(), np.zeros((count, d, numbers + d + 1))
    slopes[:, :, numbers:-1] = np.eye(d)
    by_q = np.tile(np.eye(numbers), (count, 1, 1))
    level, gain, none = np.zeros(count), np.ones(count), np.zeros((count, numbers))
    drive, h = np.ascontiguousarray(drive), np.ascontiguousarray(h)
    times, columns = drive.shape[1] + 1, numbers + d + 1
    response(model.functions, d, numbers, model.kind)(
        h, drive, 1, np.ones((*drive.shape, 1)), np.ascontiguousarray(q.T).ravel(), by_q,
        level, none, gain, none, model.shared, 0, state, slopes,
        workspace(d, numbers, columns), np.empty((count, times)), np.empty((count, times, columns)),
    )  # fmt: skip
    return state, slopes


# ---- comparison ----


def _check(model, what, inputs, asked, x, size, function: Callable):
    """ConfigError for the derivative that is farthest from the differences.

    asked: (inputs,) bool; x, size: (n, inputs); function: x -> (n, d), (n, d, inputs).
    """
    with np.errstate(all="ignore"):
        after, given = function(x)
        parts = np.abs(given * x[:, None])
        rounding = np.abs(after) + np.where(np.isfinite(parts), parts, 0.0).sum(axis=2)
        worst = max(
            (
                _wrong(function, x, size, j, after, given[:, :, j], _ROUNDING * rounding)
                for j in np.flatnonzero(asked)
            ),
            key=lambda found: found[0],
        )
    error, j, n, i, right = worst
    if error > FALSE:
        name = f"d {model.neuron.states[i].name}'/d {inputs[j]}"
        raise ConfigError(
            [
                f"neuron: the {what} of {model.kind} gives {name} as {given[n, i, j]:.4g}, "
                f"differences say {right:.4g}; intervals would be wrong. Ask "
                f"{gradcheck_of(model.kind)}"
            ]
        )


def _wrong(function, x, size, j, after, given, rounding):
    """(relative error, j, sample, state, what differences say) of the worst derivative
    by an input; NaN of the differences tells nothing.
    """
    size = _known(size[:, j], after, given)
    sides, middles = [], []
    for length in LENGTHS:
        step = np.zeros_like(x)
        step[:, j] = length * size
        up, down = (function(x + sign * step)[0] for sign in (1, -1))
        width = step[:, j : j + 1]
        sides += [(up - after) / width, (after - down) / width]
        middles.append((up - down) / (2 * width))
    low, high = np.min(sides, axis=0), np.max(sides, axis=0)
    # what the two lengths differ by, no slope is known to
    blurred = np.abs(middles[0] - middles[1]) + rounding / (min(LENGTHS) * size[:, None])
    beyond = np.maximum(low - given, given - high) - blurred
    error = beyond / np.maximum(np.abs(given), np.maximum(np.abs(low), np.abs(high)))
    told = np.isfinite(low + high)
    # a wild guess may be beyond where a kind has derivatives, not all of them
    lost = 0.0 if np.isfinite(given[told]).any() else np.inf
    error = np.where(told, np.where(np.isfinite(given), error, lost), 0.0)
    # where all are 0 it is 0 / 0
    error = np.nan_to_num(error, nan=0.0, posinf=np.inf)
    n, i = np.unravel_index(np.argmax(error), error.shape)
    return float(error[n, i]), int(j), int(n), int(i), float(middles[1][n, i])


def _known(size, after, given):
    """(n,) size of an input; NaN, with which nothing is compared, where it is 0 and
    elsewhere not.
    """
    if not size.any():
        # by its own word as much as the state of which it is least
        parts = np.abs(after / given)
        size = np.where((parts > 0) & np.isfinite(parts), parts, np.inf).min(axis=1)
        size = np.where(np.isfinite(size), size, 0.0 if np.isfinite(size).any() else 1.0)
    return np.where(size > 0, size, np.nan)
