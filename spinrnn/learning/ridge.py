"""Ridge regression in closed form, from sums over all points that are read, so that no
point is kept.

The products are those of BLAS on one thread: its threads wait by spinning, and their
number would change the last bits.
"""

import hashlib
import itertools
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import linalg

from spinrnn.machine.blas import one_thread

PENALTIES = tuple(10.0**k for k in range(-13, 3))
"""That are tried, in units of the mean square of what the output weights act on."""


class Sums(NamedTuple):
    """Sums over points of features x (F,) and what is wanted of them, y (K,).

    Attributes:
        count: points, or the sum of their weights; x: (F,), y: (K,) sums; xx: (F, F),
            xy: (F, K) sums of products; yy: sum of the squares of all y.
    """

    count: float
    x: np.ndarray
    y: np.ndarray
    xx: np.ndarray
    xy: np.ndarray
    yy: float

    @classmethod
    def of(cls, x: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> "Sums":
        """Of points x (point, F) and y (point, K); weights: (point,), or all 1."""
        w = np.ones(len(x)) if weights is None else np.asarray(weights, dtype=np.float64)
        root = np.sqrt(w)[:, None]
        # a squared error times its weight is that of both times the weight's root
        x, y = (x, y) if weights is None else (root * x, root * y)
        sums = (root * x).sum(axis=0), (root * y).sum(axis=0)
        with one_thread():
            products = x.T @ x, x.T @ y
        return cls(w.sum(), *sums, *products, float((y * y).sum()))


def known_alike(parts: Iterable[Iterable[np.ndarray]]) -> list[np.ndarray]:
    """[numbers of outputs] that have their targets at the same points, of all outputs.

    parts: of each part of the data its targets (case, K, ...), some cases after the
    others; NaN for none.
    """
    patterns: list[Any] = []
    for targets in itertools.chain.from_iterable(parts):
        there = np.isfinite(targets)
        patterns = patterns or [hashlib.blake2b() for _ in range(there.shape[1])]
        for output, pattern in enumerate(patterns):
            pattern.update(np.packbits(there[:, output]).tobytes())
    alike: dict[bytes, list[int]] = {}
    for output, pattern in enumerate(patterns):
        alike.setdefault(pattern.digest(), []).append(output)
    return [np.array(outputs) for outputs in alike.values()]


def sums_each(
    x: np.ndarray, y: np.ndarray, groups: list[np.ndarray], weights: np.ndarray | None = None
) -> list[Sums]:
    """`Sums` for each group of outputs, of the points where these have targets.

    Args:
        x: features (case, F, R); y: (case, K, R), NaN for no target; groups: as of
            `known_alike`; weights: (case,), or all 1.
    """
    rows, values, found = np.moveaxis(x, 1, 2), np.moveaxis(y, 1, 2), []
    for outputs in groups:
        own = values if len(groups) == 1 else values[:, :, outputs]
        there = np.isfinite(own).all(axis=2)
        w = None if weights is None else np.broadcast_to(weights[:, None], there.shape)[there]
        # float64 of what counts alone
        found.append(Sums.of(rows[there].astype(np.float64), own[there], w))
    return found


def total_each(parts: Iterable[list[Sums]]) -> list[Sums]:
    """The sum of some for each group; of a generator one after the other."""
    found = None
    for part in parts:
        pairs = zip(part if found is None else found, part, strict=True)
        found = part if found is None else [total(pair) for pair in pairs]
    assert found is not None, "no sums"
    return found


def scattered(
    groups: list[np.ndarray], weights: list[np.ndarray], biases: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (K, F) and biases (K,) of all outputs, of those of groups."""
    order = np.argsort(np.concatenate(groups))
    return np.concatenate(weights)[order], np.concatenate(biases)[order]


def total(parts: Iterable[Sums]) -> Sums:
    """The sum of some; of a generator one after the other."""
    found = None
    for part in parts:
        found = part if found is None else Sums(*(a + b for a, b in zip(found, part, strict=True)))
    assert found is not None, "no sums"
    return found


def solve(
    training: Sums, known: Sums, penalties: Iterable[float] = PENALTIES
) -> tuple[np.ndarray, np.ndarray, float]:
    """(weights (K, F), biases (K,), penalty): the ridge regression of the training
    points whose squared error on the known ones is the lowest.

    The bias is not held back: it is the mean of what the weights leave, so features and
    targets count as deviations from their means. One decomposition into eigenvectors
    serves all penalties.
    """
    weights, biases, penalty = solve_each([training], [known], penalties)
    return weights[0], biases[0], penalty


def solve_each(
    training: Sequence[Sums], known: Sequence[Sums], penalties: Iterable[float] = PENALTIES
) -> tuple[list[np.ndarray], list[np.ndarray], float]:
    """As `solve`, of several groups of outputs with sums over points of their own: the
    weights and the biases of each, and one penalty, of the lowest squared error of all.
    """
    with one_thread():
        fits, found = [_decomposed(sums) for sums in training], None
        for penalty in penalties:
            own = [fit(penalty) for fit in fits]
            error = sum(squared_error(k, *fit) for k, fit in zip(known, own, strict=True))
            if found is None or error < found[0]:
                found = error, penalty, own
    assert found is not None, "no penalties"
    return [weights.T for weights, _ in found[2]], [b for _, b in found[2]], found[1]


def _decomposed(training):
    """Function of a penalty to (weights (F, K), biases (K,))."""
    n = training.count or 1
    mean, level = training.x / n, training.y / n
    spread = training.xx - np.outer(training.x, mean)
    common = training.xy - np.outer(training.x, level)
    # of a sum of squares no eigenvalue is negative but by rounding
    values, vectors = linalg.eigh(spread)
    values, common = np.maximum(values, 0.0), vectors.T @ common
    scale = np.trace(training.xx) / max(len(mean), 1)

    def fit(penalty):
        # features that never differ have no weight, and nothing is divided by 0
        weights = vectors @ (common / (values + max(penalty * scale, 1e-300))[:, None])
        return weights, level - mean @ weights

    return fit


def squared_error(sums: Sums, weights: np.ndarray, biases: np.ndarray) -> float:
    """Sum of (x W + b - y)^2 over the points; weights (F, K), biases (K,)."""
    linear = np.vdot(weights, sums.xx @ weights - 2 * sums.xy)
    constant = biases @ (sums.count * biases + 2 * (sums.x @ weights - sums.y))
    return float(linear + constant + sums.yy)
