"""Single samples that are no part of the rest: by their externally studentised
residuals, each held against the noise of all others.

A spike among some hundred samples hardly changes their correlation or the direction of
any suspect, but stands far outside the noise. Of n samples the largest is expected far
out, so each probability counts n times (Bonferroni).
"""

from typing import NamedTuple

import numpy as np
from scipy import stats

LEVEL = 0.01
"""Probability that any sample of a right model is called an outlier, by a test that
stands alone."""
SHARE, FEW = 0.01, 3
"""More outliers than this share and this number of samples are no single ones: the
noise is another, or the model is wrong."""
_MOST = 200
"""That are looked for."""
_LEVERAGE = 1 - 1e-9
"""A sample that alone fixes an unknown has no residual to judge by."""
_ROUNDING = 1e-6
"""Share of the sum of squares by which a sample's own may be beyond it: more is that of
a leverage that is 1 but for rounding."""


class Outlier(NamedTuple):
    """A sample outside the noise.

    Attributes:
        case, sample: where, from 0; time: s.
        size: residual over its standard error, without this sample.
        left_out: whether the fit was made without it.
    """

    case: int
    sample: int
    time: float
    size: float
    left_out: bool


class Found(NamedTuple):
    """Outliers among samples.

    Attributes:
        places: (m,) numbers of the samples, the largest first; sizes: (m,) their
            studentised residuals; p: probability of the largest one, all samples
            counted.
    """

    places: np.ndarray
    sizes: np.ndarray
    p: float

    def single(self, count: int) -> bool:
        """Whether they are few among so many samples."""
        return len(self.places) <= max(FEW, SHARE * count)


def outliers(
    residual: np.ndarray, leverage: np.ndarray, freedom: int, known: bool, level: float = LEVEL
) -> Found:
    """The outliers among residuals of a least-squares fit.

    One after the other is taken out, the largest first, so that two do not hide each
    other.

    Args:
        residual: (n,) over the noise where that is known; leverage: (n,) diagonal of
            the projection onto the fitted directions.
        freedom: samples less unknowns; known: the noise is known.
        level: probability of any, in data of the model.
    """
    left = 1 - np.minimum(leverage, _LEVERAGE)
    squares = residual**2 / left
    squares[leverage > _LEVERAGE] = 0.0
    places, sizes, first = [], [], 1.0
    total = float(residual @ residual)
    # without a sample the others would be left with less than nothing
    squares[squares > (1 + _ROUNDING) * total] = 0.0
    while freedom - len(places) > 2 and len(places) < _MOST:
        worst = int(np.argmax(squares))
        others = freedom - len(places) - 1
        variance = 1.0 if known else max(total - squares[worst], 0.0) / others
        if not squares[worst] > 0:
            break
        size = np.sqrt(squares[worst] / variance) if variance > 0 else np.inf
        tail = stats.norm.sf(size) if known else stats.t.sf(size, others)
        p = min(1.0, 2 * float(tail) * len(residual))
        first = p if not places else first
        if p > level:
            break
        places.append(worst)
        sizes.append(float(np.copysign(size, residual[worst])))
        total -= float(squares[worst])
        squares[worst] = 0.0
    return Found(np.array(places, dtype=int), np.array(sizes), first)
