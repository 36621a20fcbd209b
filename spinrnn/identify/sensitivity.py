"""Compiled: a state of single neurons under a given drive, and its derivatives.

One loop for any kind of neuron: the kind's own step gives s', J = ds'/ds, b = ds'/dI
and P = ds'/dq, and the derivatives S of the d states by whatever the numbers q and the
drive I depend on go forward with them, S' = J S + P dq + b dI. So the Jacobian that a
least-squares fit needs costs one pass, where an adjoint would cost one for each sample.
Steps are in seconds, each may have a length of its own.
"""

import hashlib
from typing import Any, NamedTuple

import numpy as np

from spinrnn.kernels.authors import fingerprint
from spinrnn.kernels.compiling import kernel, piece, tagged
from spinrnn.kernels.stepping import limited, quiet, stepped
from spinrnn.kernels.tuples import put, spans, take


class Calibrated(NamedTuple):
    """Numbers of a device for each case, and their derivatives by K parameters.

    The drive is I = level + gain u, u as measured. All in the units of a kind's step in
    seconds.

    Attributes:
        q: (case, Q), by_q: (case, Q, K); level, gain: (case,), by_level, by_gain:
            (case, K).
    """

    q: np.ndarray
    by_q: np.ndarray
    level: np.ndarray
    by_level: np.ndarray
    gain: np.ndarray
    by_gain: np.ndarray


_kept: dict[Any, Any] = {}
"""{(functions, states, numbers): compiled loop}."""


def response(functions: Any, states: int, numbers: int, kind: str) -> Any:
    """The compiled loop of a kind's `Functions`, as `_response_of` describes it.

    states: d; numbers: Q; kind: names its file in the cache.
    """
    key = (functions, states, numbers)
    if key not in _kept:
        step = functions.strong or functions.step
        prints = [fingerprint(f) if f else "" for f in (step, functions.limit)]
        stamp = None if None in prints else repr((prints, states, numbers)).encode()
        tag = hashlib.sha256(stamp).hexdigest()[:16] if stamp else f"here{len(_kept)}"
        with tagged(tag):
            made = _response_of(step, functions.limit, states, numbers)
            _kept[key] = kernel(made, f"response-{kind}", stamp)
    return _kept[key]


@piece
def _carry(d, wide, count, by_q, by_level, by_gain, u, kicks, slopes, work):
    """One step of the derivatives (d, columns): S' = J S + P dq + b dI.

    work: after d states J, then a row of b and P for each state, then room.
    """
    at_j, at_b = d, d + d * d
    at_s, total = at_b + d * wide, slopes.shape[1]
    for i in range(d):
        for c in range(total):
            x = 0.0
            for j in range(d):
                x += work[at_j + i * d + j] * slopes[j, c]
            work[at_s + i * total + c] = x
    for i in range(d):
        row = at_b + i * wide
        for c in range(count):
            x = work[row] * (by_level[c] + u * by_gain[c])
            for n in range(wide - 1):
                x += work[row + 1 + n] * by_q[n, c]
            work[at_s + i * total + c] += x
        for e in range(kicks.size):
            work[at_s + i * total + count + d + e] += work[row] * kicks[e]
        for c in range(total):
            slopes[i, c] = work[at_s + i * total + c]


@piece
def _copy(source, target, count):
    for i in range(count):
        target[i] = source[i]


def _views(states, numbers) -> tuple[Any, Any, Any, Any]:
    """`spans` of the numbers, the states, J, and b with P."""
    sizes = (1, numbers), (1, states), (states, states), (states, 1 + numbers)
    every, each, square, inputs = (spans(*size) for size in sizes)
    return every, each, square, inputs


def _response_of(step, limit, states, numbers):
    """A function that steps single neurons; its arguments, all float64 arrays:

    durations, drive: (case, M pieces) s, user's unit, held for that long; pieces: steps
    between two times; kicks: (case, M pieces, E), derivatives by e at e = 0 are asked
    for, where the drive is I + e kick; q to by_gain: of `Calibrated`, q as (Q, case)
    flat; shared: numbers that all neurons have in common; place: of the state that is
    wanted; state: (case, d) and slopes: (case, d, K + d + E) at the first time, which
    become those at the last; work: room; found: (case, M + 1), by: (case, M + 1,
    K + d + E), the state at the M + 1 times of each case and its derivatives by the
    parameters, the first states and e.
    """
    # a kind's strong step is exact wherever its usual one is
    move = limited(quiet(stepped(step, tuple(range(numbers)))), limit)
    # of their compiled form only the arguments count
    every, each, square, inputs = _views(states, numbers)
    d, wide = states, 1 + numbers

    def response(
        durations, drive, pieces, kicks, q, by_q, level, by_level, gain, by_gain, shared, place,
        state, slopes, work, found, by,
    ):  # fmt: skip
        after, jacobian = each(work, 0, 0, 1, 1), square(work, d, d, 1, 1)
        columns, count, cases = inputs(work, d + d * d, wide, 1, 1), by_q.shape[2], drive.shape[0]
        for case in range(cases):
            own = take(every(q, case, 0, cases, 1), 0)
            _copy(state[case], work, d)
            found[case, 0] = work[place]
            _copy(slopes[case, place], by[case, 0], by.shape[2])
            for k in range(drive.shape[1]):
                h, u = durations[case, k], drive[case, k]
                # after the end of a case there are steps without length
                if h > 0.0:
                    current, s = level[case] + gain[case] * u, take(after, 0)
                    s_next, j_next, b_next = move(own, shared, h, s, current, 1.0, 1.0, 1.0)
                    put(after, 0, s_next)
                    put(jacobian, 0, j_next)
                    put(columns, 0, b_next)
                    _carry(
                        d, wide, count, by_q[case], by_level[case], by_gain[case], u,
                        kicks[case, k], slopes[case], work,
                    )  # fmt: skip
                if (k + 1) % pieces == 0:
                    now = (k + 1) // pieces
                    found[case, now] = work[place]
                    _copy(slopes[case, place], by[case, now], by.shape[2])
            _copy(work, state[case], d)

    return response


def workspace(states: int, numbers: int, columns: int) -> np.ndarray:
    """Room for `response`; columns: K + d + E."""
    return np.empty(states + states * states + states * (1 + numbers) + states * columns)
