"""Compiled: the extended Kalman filter of a single neuron with thermal noise, for any
kind that has a `kick`.

Between two samples the mean of the states goes by the kind's step and their covariance
C by its Jacobian, C' = J C J^T. The kick adds its own mean and covariance: those of the
kind's `kick` over the law of its two random numbers, by a rule that is exact for the
moments of Gaussian kicks. At a sample the reading y, of variance S, moves both, and
gives a term of the likelihood.
"""

import hashlib
from typing import Any, NamedTuple

import numpy as np

from spinrnn.kernels.authors import compiled, fingerprint
from spinrnn.kernels.compiling import kernel, piece, tagged
from spinrnn.kernels.stepping import quiet, stepped
from spinrnn.kernels.tuples import put, spans, take

LENGTHS, ANGLES = 3, 8
"""Points of the rule for r^2 = -2 ln(u), by Laguerre, and for the angle."""
_kept: dict[Any, Any] = {}
"""{(functions, states, numbers): compiled filter}."""


def rule() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n,) r^2, cosines and weights over which a kick is averaged."""
    half, weights = np.polynomial.laguerre.laggauss(LENGTHS)
    angles = np.pi * (np.arange(ANGLES) + 0.5) / ANGLES
    r2 = np.repeat(2 * half, ANGLES)
    return r2, np.tile(np.cos(angles), LENGTHS), np.repeat(weights / ANGLES, ANGLES)


def workspace(states: int) -> np.ndarray:
    """Room for a filter."""
    return np.empty(3 * states + 5 * states * states)


def filter_of(functions: Any, states: int, numbers: int, kind: str) -> Any:
    """The compiled filter of a kind's `Functions`, as `_filter_of` describes it."""
    key = (functions, states, numbers)
    if key not in _kept:
        parts = (functions.strong or functions.step, functions.kick, functions.limit)
        prints = [fingerprint(f) if f else "" for f in parts]
        stamp = None
        if None not in prints:
            stamp = repr((prints, functions.halves, states, numbers)).encode()
        tag = hashlib.sha256(stamp).hexdigest()[:16] if stamp else f"here{len(_kept)}"
        with tagged(tag):
            made = _filter_of(parts, functions.halves, states, numbers)
            _kept[key] = kernel(made, f"filter-{kind}", stamp)
    return _kept[key]


@piece
def _through(d, at_j, at_c, at_t, work):
    """C = J C J^T, (d, d) each, row by row in work."""
    for i in range(d):
        for j in range(d):
            x = 0.0
            for k in range(d):
                x += work[at_j + i * d + k] * work[at_c + k * d + j]
            work[at_t + i * d + j] = x
    for i in range(d):
        for j in range(d):
            x = 0.0
            for k in range(d):
                x += work[at_t + i * d + k] * work[at_j + j * d + k]
            work[at_c + i * d + j] = x


@piece
def _read(d, place, at_c, y, scale, zero, variance, work):
    """(S, innovation) of a reading, by which the states and C are moved."""
    size = scale * scale * work[at_c + place * d + place] + variance
    wrong = y - zero - scale * work[place]
    for i in range(d):
        # the gain, before C is changed
        work[2 * d + i] = scale * work[at_c + i * d + place] / size
    for i in range(d):
        work[i] += work[2 * d + i] * wrong
        for j in range(d):
            work[at_c + i * d + j] -= size * work[2 * d + i] * work[2 * d + j]
    return size, wrong


class _Places(NamedTuple):
    """Where in the room the numbers of d states stand: after the d states and 2 d more
    the covariance, J, room for a product, K, second moments; d * d numbers each."""

    c: int
    j: int
    product: int
    k: int
    moments: int


def _places(d):
    return _Places(*(3 * d + n * d * d for n in range(5)))


def _advance_of(move, d):
    """A piece that takes the states and their covariance a step on."""
    at = _places(d)

    def advance(q, shared, h, u, after, jacobian, work):
        s_next, j_next, _ = move(q, shared, h, take(after, 0), u, 1.0, 1.0, 1.0)
        put(after, 0, s_next)
        put(jacobian, 0, j_next)
        _through(d, at.j, at.c, at.product, work)

    return piece(advance)


def _shaken_of(kick, d):
    """A piece that adds the mean and covariance of a kick of length h."""
    at_c, at_j, at_t, at_k, at_m = _places(d)

    def shaken(q, h, r2, cosine, weight, after, other, slopes, work):
        s = take(after, 0)
        for n in range(d * d):
            work[at_j + n] = 0.0
            work[at_m + n] = 0.0
        for i in range(d):
            work[i] = 0.0
        for n in range(r2.size):
            s_next, k_next, _ = kick(q, h, s, r2[n], cosine[n], 1.0)
            put(other, 0, s_next)
            put(slopes, 0, k_next)
            for i in range(d):
                work[i] += weight[n] * work[d + i]
                for j in range(d):
                    work[at_j + i * d + j] += weight[n] * work[at_k + i * d + j]
                    work[at_m + i * d + j] += weight[n] * work[d + i] * work[d + j]
        _through(d, at_j, at_c, at_t, work)
        for i in range(d):
            for j in range(d):
                work[at_c + i * d + j] += work[at_m + i * d + j] - work[i] * work[j]

    return piece(shaken)


def _between_of(parts, halves, d):
    """A piece that goes from one sample to the next in so many steps."""
    step, kick, limit = parts
    advance = _advance_of(quiet(stepped(step, ())), d)
    shaken = _shaken_of(compiled(kick), d)
    limiting = _limiting(compiled(limit) if limit else None)

    def between(q, shared, durations, drive, level, gain, r2, cosine, weight, views, work):
        after, jacobian, other, slopes = views
        for k in range(durations.size):
            h, u = durations[k], level + gain * drive[k]
            if h > 0.0:
                part = 0.5 * h if halves else h
                advance(q, shared, part, u, after, jacobian, work)
                shaken(q, h, r2, cosine, weight, after, other, slopes, work)
                if halves:
                    advance(q, shared, part, u, after, jacobian, work)
                limiting(q, after)

    return piece(between), limiting


def _filter_of(parts, halves, states, numbers):
    """A function that filters the cases one after the other; its arguments:

    durations, drive: (case, M pieces); pieces; q: (Q, case) flat; level, gain, scale,
    zero: (case,); shared; place: of the measured state; start: (case, d), first: (d, d)
    its covariance; power: (case, M + 1), NaN where missing; variance: (case, M + 1) or
    (case, 1) of the readout; r2, cosine, weight: `rule`; work: room; mean, size: (case,
    M + 1), what is predicted of each reading one sample before, and its variance;
    state, spread: (case, M + 1) the same of the measured state. Returns minus twice the
    logarithm of the likelihood.
    """
    d, at_c, at_j, at_k = states, *(_places(states)[i] for i in (0, 1, 3))
    every: Any = spans(1, numbers)
    each: Any = spans(1, states)
    square: Any = spans(states, states)
    between, limiting = _between_of(parts, halves, d)

    def whole(
        durations, drive, pieces, q, level, gain, scale, zero, shared, place, start, first, power,
        variance, r2, cosine, weight, work, mean, size, state, spread,
    ):  # fmt: skip
        after, other = each(work, 0, 0, 1, 1), each(work, d, 0, 1, 1)
        views = after, square(work, at_j, d, 1, 1), other, square(work, at_k, d, 1, 1)
        cases, total = drive.shape[0], 0.0
        for case in range(cases):
            own = take(every(q, case, 0, cases, 1), 0)
            for i in range(d):
                work[i] = start[case, i]
                for j in range(d):
                    work[at_c + i * d + j] = first[i, j]
            for now in range(power.shape[1]):
                steps = slice((now - 1) * pieces if now else 0, now * pieces)
                between(
                    own, shared, durations[case, steps], drive[case, steps], level[case],
                    gain[case], r2, cosine, weight, views, work,
                )  # fmt: skip
                noise = variance[case, now if variance.shape[1] > 1 else 0]
                state[case, now], c = work[place], work[at_c + place * d + place]
                spread[case, now], size[case, now] = c, scale[case] * scale[case] * c + noise
                mean[case, now] = zero[case] + scale[case] * work[place]
                y = power[case, now]
                # NaN is no reading
                if y == y:
                    s, wrong = _read(d, place, at_c, y, scale[case], zero[case], noise, work)
                    total += np.log(2.0 * np.pi * s) + wrong * wrong / s
                    limiting(own, after)
        return total

    return whole


def _limiting(held):
    """A piece that holds the states within the kind's limit; their covariance stays."""
    if held is None:

        def nothing(q, after):
            pass

        return piece(nothing)

    def limiting(q, after):
        s_next, _ = held(q, take(after, 0), 1.0)
        put(after, 0, s_next)

    return piece(limiting)
