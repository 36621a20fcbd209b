"""Ridge regression in closed form, from sums over all points that are read, so that no
point is kept.

The products are those of BLAS on one thread: its threads wait by spinning, and their
number would change the last bits.
"""

import functools
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy import linalg
from threadpoolctl import ThreadpoolController

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
        with _one_thread():
            products = x.T @ x, x.T @ y
        return cls(w.sum(), *sums, *products, float((y * y).sum()))


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
    with _one_thread():
        return _solve(training, known, penalties)


def _solve(training, known, penalties):
    n = training.count or 1
    mean, level = training.x / n, training.y / n
    spread = training.xx - np.outer(training.x, mean)
    common = training.xy - np.outer(training.x, level)
    # of a sum of squares no eigenvalue is negative but by rounding
    values, vectors = linalg.eigh(spread)
    values, common = np.maximum(values, 0.0), vectors.T @ common
    scale = np.trace(training.xx) / max(len(mean), 1)
    found = None
    for penalty in penalties:
        # features that never differ have no weight, and nothing is divided by 0
        weights = vectors @ (common / (values + max(penalty * scale, 1e-300))[:, None])
        biases = level - mean @ weights
        error = squared_error(known, weights, biases)
        if found is None or error < found[0]:
            found = error, penalty, weights, biases
    assert found is not None, "no penalties"
    return found[2].T, found[3], found[1]


@functools.cache
def _controller():
    return ThreadpoolController()


def _one_thread():
    """Context in which BLAS has one thread."""
    return _controller().limit(limits=1, user_api="blas")


def squared_error(sums: Sums, weights: np.ndarray, biases: np.ndarray) -> float:
    """Sum of (x W + b - y)^2 over the points; weights (F, K), biases (K,)."""
    linear = np.vdot(weights, sums.xx @ weights - 2 * sums.xy)
    constant = biases @ (sums.count * biases + 2 * (sums.x @ weights - sums.y))
    return float(linear + constant + sums.yy)
