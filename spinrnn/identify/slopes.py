"""The derivatives of a kind that is somebody else's, against differences of its step.

A wrong one leaves a fit that looks well, with wrong intervals. What is compared are
steps that first guesses of the fit take under the recorded drive. At a kink the slope
on either side is right, so a derivative is wrong only where it is beyond the one-sided
differences of two lengths.
"""

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
"""Of an input's largest value, which is the size of smaller ones."""
_ROUNDING = 1e-14
"""Of a state after a step."""


def check_slopes(problem: Problem, guesses: Sequence[tuple[Any, dict, np.ndarray]]) -> None:
    """Raises a ConfigError that names a derivative of the step that is wrong.

    guesses: (origin, values by label, first states).
    """
    model = problem.model
    if not authored(model.neuron) or not guesses:
        return
    parts = [_visited(problem, values, start) for _, values, start in guesses]
    x, h, moved = (np.concatenate(part) for part in zip(*parts, strict=True))
    numbers, states = len(model.number_names), [state.name for state in model.neuron.states]

    def stepped(x):
        return _run(model, x[:, :numbers], x[:, numbers:-1], x[:, -1:], h[:, None])

    # a number that no parameter moves needs no derivative
    asked = np.append(moved.any(axis=0), [True] * (len(states) + 1))
    _check(
        model, "step", [*model.number_names, *states, model.neuron.drive.name], asked, x, stepped
    )


def check_kick(problem: Problem, solution: Solution) -> None:
    """Raises a ConfigError that names a derivative of the thermal kick by a state that
    is wrong.
    """
    model = problem.model
    if not authored(model.neuron):
        return
    x, h, _ = _visited(problem, solution.values, solution.start)
    numbers, count, rng = len(model.number_names), len(x), np.random.default_rng(0)
    r2, cosine = rng.exponential(2.0, count), np.cos(rng.uniform(0, 2 * np.pi, count))
    # some noise, also where the kind's own is none
    q, kick = np.abs(x[:, :numbers]) + 0.01, uncompiled(model.functions.kick)

    def kicked(s):
        rows = zip(q, h, s, r2, cosine, strict=True)
        found = [kick(tuple(q), h, tuple(s), a, b, 1.0)[:2] for q, h, s, a, b in rows]
        return tuple(np.array(part, dtype=np.float64) for part in zip(*found, strict=True))

    states = [state.name for state in model.neuron.states]
    if result_of(kicked, (x[:, numbers:-1],)) is not None:
        _check(model, "kick", states, np.array([True] * len(states)), x[:, numbers:-1], kicked)


# ---- points ----


def _visited(problem, values, start):
    """((n, Q + d + 1) numbers, states and drive, (n,) lengths) of some steps from a
    guess, and (n, Q) whether a parameter moves the number.
    """
    cases = slice(0, min(CASES, problem.cases))
    found = problem.model.calibrated(problem.rows_of(values)[cases])
    h = problem.durations[cases]
    drive = found.level[:, None] + found.gain[:, None] * problem.drive[cases]
    state = np.asarray(start, dtype=np.float64).reshape(problem.cases, -1)[cases]
    parts, last = [], 0
    for step in np.unique(np.linspace(0, h.shape[1] - 1, VISITS).astype(int)):
        if step > last:
            state = _run(problem.model, found.q, state, drive[:, last:step], h[:, last:step])[0]
        going, last = h[:, step] > 0, step
        x = np.column_stack([found.q, state, drive[:, step]])
        parts.append((x[going], h[going, step], (found.by_q[going] != 0).any(axis=2)))
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))


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


def _check(model, what, inputs, asked, x, function: Callable):
    """ConfigError for the derivative that is farthest from the differences.

    asked: (inputs,) bool; x: (n, inputs); function: x -> (n, d), (n, d, inputs).
    """
    with np.errstate(all="ignore"):
        after, given = function(x)
        worst = max(
            (_wrong(function, x, j, after, given[:, :, j]) for j in np.flatnonzero(asked)),
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


def _wrong(function, x, j, after, given):
    """(relative error, j, sample, state, what differences say) of the worst derivative
    by an input; NaN of the differences tells nothing.
    """
    size = np.maximum(np.abs(x[:, j]), _NEAR_ZERO * np.abs(x[:, j]).max())
    if not size.all():
        # by its own word as much as the states
        size = np.full(len(x), np.abs(after).max() / (np.nanmax(np.abs(given)) or 1.0) or 1.0)
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
    blurred = np.abs(middles[0] - middles[1])
    blurred += _ROUNDING * np.abs(after).max() / (min(LENGTHS) * size[:, None])
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
