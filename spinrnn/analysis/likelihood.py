"""Maximum likelihood of responses to steps of the drive: of devices of eq. (1) with
thermal noise of their own, read out with noise.

Each response has its growth a, its crowding c and its first power; the device's thermal
noise D and the variance R of the readout are those of all. A `Model` says how these
five follow from numbers that all responses share and numbers of each. Times are
measured in `Responses.unit`. See `kernels.innovations` for what the likelihood is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from spinrnn.kernels.innovations import LANES, WORK, responses_forward

EXACT = 1e-8
"""Standard deviation of the readout, as a share of the largest power, below which it
counts as rounding."""
ENOUGH = 1e-5
"""Gain of the logarithm of the likelihood with which a fit ends."""
WEAK = 0.1
"""Information on each number that is there without a measurement."""
VAGUE = 1e12
"""Variance of a number that is not determined."""
_RISE, _FALL = 6.0, 8.0
"""Factors of the damping after a step that fails, and one that succeeds."""


@dataclass(frozen=True, eq=False)
class Responses:
    """Powers after steps of the drive, one response after the other.

    Attributes:
        drive: (response,) times the unit.
        powers: (sample,); steps: (sample,) time since the sample before, in units.
        edges: (response + 1,) where each response begins, and the end.
        span: (response,) duration in units.
        unit: s, of times and of 1 / drive.
    """

    drive: np.ndarray
    powers: np.ndarray
    steps: np.ndarray
    edges: np.ndarray
    span: np.ndarray
    unit: float

    def __len__(self) -> int:
        return len(self.drive)

    @property
    def first(self) -> np.ndarray:
        """(response,) first power measured of each."""
        return self.powers[self.edges[:-1]]


def responses_of(parts: Sequence[tuple[float, np.ndarray, np.ndarray]]) -> Responses:
    """`Responses` of (drive in 1/s, times in s from the step on, powers) of each."""
    span = np.array([times[-1] for _, times, _ in parts])
    unit = float(np.median(span))
    steps = [np.diff(times, prepend=0.0) / unit for _, times, _ in parts]
    edges = np.cumsum([0, *(len(powers) for *_, powers in parts)])
    drive = unit * np.array([drive for drive, *_ in parts])
    powers = np.concatenate([powers for *_, powers in parts])
    return Responses(drive, powers, np.concatenate(steps), edges, span / unit, unit)


class Model(Protocol):
    """How the numbers of the responses follow from those of a fit.

    The last two that are shared are log D and log R.
    """

    def own(
        self, shared: np.ndarray, private: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(numbers (response, 5) in the order of `kernels.innovations.NUMBERS`, their
        derivatives (response, 5, K) by the shared ones (K,), and (response, 5, M) by
        those of each (response, M))."""
        ...

    def within(self, shared: np.ndarray, private: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both, within their limits."""
        ...


@dataclass(frozen=True, eq=False)
class Fit:
    """The most likely numbers.

    Attributes:
        shared: (K,), private: (response, M), as the model takes them.
        value: -log likelihood, without a constant.
        restricted: the same with all numbers but the noises integrated out (Laplace):
            what many numbers of few samples each take from the noise does not count.
        shared_error, private_error: standard errors, the root of `VAGUE` of what is
            not determined; those of numbers that were held are 0.
        freedom: samples less numbers.
    """

    shared: np.ndarray
    private: np.ndarray
    value: float
    restricted: float
    shared_error: np.ndarray
    private_error: np.ndarray
    freedom: int


# ---- one evaluation ----


@dataclass(frozen=True, eq=False)
class _Point:
    """Likelihood of some numbers, its gradient and Fisher information by parts."""

    shared: np.ndarray
    private: np.ndarray
    value: float
    by_shared: np.ndarray
    by_private: np.ndarray
    shared_info: np.ndarray
    mixed_info: np.ndarray
    private_info: np.ndarray


def _evaluate(responses, own, thermal):
    """(value (response,), slope (response, 5), information (response, 5, 5))."""
    count, numbers = len(responses), LANES - 1
    value, slope = np.empty(count), np.empty((count, numbers))
    info = np.empty((count, numbers, numbers))
    changes = 1e-6 * np.abs(own)
    changes[:, :2] += 1e-6 / responses.span[:, None]
    # a share of the readout's noise, where that of the device is next to nothing
    changes[:, 2] += 1e-9 * own[:, 3] / responses.span
    changes[:, 2] *= thermal
    responses_forward(
        responses.powers, responses.steps, responses.edges, own, changes, np.empty(WORK),
        value, slope, info,
    )  # fmt: skip
    return value, slope, info


def _at(responses, model, shared, private, thermal):
    """`_Point` of some numbers."""
    own, to_shared, to_private = model.own(shared, private)
    value, slope, info = _evaluate(responses, own, thermal)
    half = info @ to_private
    return _Point(
        shared,
        private,
        float(value.sum()),
        np.einsum("rn,rnk->k", slope, to_shared),
        np.einsum("rn,rnm->rm", slope, to_private),
        np.einsum("rnk,rnp,rpl->kl", to_shared, info, to_shared, optimize=True),
        np.einsum("rnk,rnm->rkm", to_shared, half),
        np.einsum("rnm,rnp->rmp", to_private, half),
    )


# ---- the fit ----


def most_likely(
    responses: Responses,
    model: Model,
    shared: np.ndarray,
    private: np.ndarray,
    held: Sequence[int] = (),
    most: int = 60,
) -> Fit | None:
    """The fit that starts from some numbers, by damped scoring (Levenberg-Marquardt
    with the Fisher information).

    Args:
        shared: (K,), with log D = -inf for a device without noise, which is then held;
            private: (response, M).
        held: numbers of the shared ones that stay.
        most: steps.
    Returns:
        None where the likelihood of the start is no number.
    """
    thermal = bool(np.isfinite(shared[-2]))
    free = np.array([k not in held for k in range(len(shared))])
    free[-2] &= thermal
    shared, private = model.within(np.array(shared, float), np.array(private, float))
    now, damping = _at(responses, model, shared, private, thermal), 1e-3
    if not np.isfinite(now.value):
        return None
    for _ in range(most):
        after, damping = _step(responses, model, now, free, damping, thermal)
        if after is None:
            break
        gain, now = now.value - after.value, after
        # a damped step gains little far from the optimum, too
        if gain < ENOUGH and damping < 1e-2:
            break
    freedom = len(responses.powers) - int(free.sum()) - now.private.size
    restricted = now.value + _volume(now)
    errors = _errors(now, free, freedom)
    return Fit(now.shared, now.private, now.value, restricted, *errors, max(1, freedom))


def _step(responses, model, now, free, damping, thermal):
    """(the `_Point` after a step that does not worsen the likelihood, or None, damping
    to go on with)."""
    while damping < 1e8:
        move = _move(now, free, damping)
        if move is not None:
            shared, private = model.within(now.shared + move[0], now.private + move[1])
            after = _at(responses, model, shared, private, thermal)
            if after.value <= now.value:
                return after, max(damping / _FALL, 1e-9)
        damping *= _RISE
    return None, damping


def _move(now, free, damping):
    """(change of the shared numbers, of the private ones), None where there is none.

    The private ones, which belong to one response each, are eliminated first.
    """
    inner = now.private_info.copy()
    places = np.arange(inner.shape[1])
    inner[:, places, places] = inner[:, places, places] * (1 + damping) + 1e-9
    try:
        across = np.linalg.solve(inner, now.mixed_info.transpose(0, 2, 1))
        back = np.linalg.solve(inner, now.by_private[..., None])[..., 0]
        outer = now.shared_info + np.diag(damping * (np.diag(now.shared_info) + 1e-9))
        outer = outer - np.einsum("rkm,rml->kl", now.mixed_info, across)
        right = np.einsum("rkm,rm->k", now.mixed_info, back) - now.by_shared
        change = np.zeros(len(free))
        change[free] = np.linalg.solve(outer[np.ix_(free, free)], right[free])
    except np.linalg.LinAlgError:
        return None
    change = np.clip(change, -1.5, 1.5)
    own = np.clip(-back - across @ change, -3, 3)
    return (change, own) if np.isfinite(change).all() and np.isfinite(own).all() else None


def _volume(now):
    """Half of the logarithm of the determinant of the information on all numbers but
    the two noises; what is not determined counts as known to about three."""
    inner = now.private_info + WEAK * np.eye(now.private.shape[1])
    total = np.linalg.slogdet(inner)[1].sum()
    count = len(now.shared) - 2
    if count:
        mixed = now.mixed_info[:, :count]
        across = np.linalg.solve(inner, mixed.transpose(0, 2, 1))
        outer = now.shared_info[:count, :count] - np.einsum("rkm,rml->kl", mixed, across)
        total += np.linalg.slogdet(outer + WEAK * np.eye(count))[1]
    return 0.5 * float(total)


def _errors(now, free, freedom):
    """Standard errors (K,) and (response, M), by the inverse of the information.

    As of a variance that is estimated: n / (n - numbers) times that of the likelihood.
    """
    samples = freedom + int(free.sum()) + now.private.size
    factor = samples / max(1, freedom)
    inner = _inverse(now.private_info)
    across = inner @ now.mixed_info[:, free].transpose(0, 2, 1)
    outer = now.shared_info - np.einsum(
        "rkm,rmn,rln->kl", now.mixed_info, inner, now.mixed_info, optimize=True
    )
    covariance = _inverse(outer[np.ix_(free, free)][None])[0]
    shared = np.zeros(len(free))
    shared[free] = np.sqrt(factor * np.diag(covariance))
    places = np.arange(inner.shape[1])
    own = (inner + across @ covariance @ across.transpose(0, 2, 1))[:, places, places]
    return shared, np.sqrt(factor * own)


def _inverse(matrices):
    """Inverses (k, n, n) of informations, with `VAGUE` on the diagonal where nothing is
    known."""
    found = np.zeros_like(matrices)
    for k, matrix in enumerate(matrices):
        if not np.isfinite(matrix).all():
            found[k] = VAGUE * np.eye(len(matrix))
            continue
        scale = np.sqrt(np.maximum(np.diag(matrix), 1e-100))
        values, vectors = np.linalg.eigh(matrix / np.outer(scale, scale))
        known = values > 1e-10
        vague = (np.abs(vectors[:, ~known]) > 1e-4).any(axis=1)
        inner = (vectors[:, known] / values[known]) @ vectors[:, known].T / np.outer(scale, scale)
        inner[vague, vague] = VAGUE
        found[k] = inner
    return found
