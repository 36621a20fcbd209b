"""Laws of the differences between hafnium-oxide cells, each truncated to its range by
inverting the distribution function between the bounds.

Parameters and ranges are those of the program of arXiv:2107.06064, as docs/MODEL.md
says.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri


class Law(NamedTuple):
    """A truncated distribution.

    Attributes:
        below: its distribution function without the truncation; at: the inverse of it.
        low, high: the range; about: what is drawn; unit: SI.
    """

    below: Callable[[np.ndarray | float], np.ndarray]
    at: Callable[[np.ndarray], np.ndarray]
    low: float
    high: float
    about: str
    unit: str

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Values of the shape."""
        least, most = self.below(self.low), self.below(self.high)
        found = self.at(least + (most - least) * rng.random(shape))
        # the inverse rounds
        return np.clip(found, self.low, self.high)

    @property
    def mean(self) -> float:
        """Of the truncated distribution, by the midpoints of its inverse."""
        shares = (np.arange(20_000) + 0.5) / 20_000
        least, most = self.below(self.low), self.below(self.high)
        return float(self.at(least + (most - least) * shares).mean())


def normal(mean: float, deviation: float, low: float, high: float, *what: str) -> Law:
    """N(mean, deviation^2) within bounds."""
    return Law(
        lambda x: ndtr((x - mean) / deviation),
        lambda share: mean + deviation * ndtri(share),
        *(low, high, *what),
    )


def log_normal(median: float, sigma: float, low: float, high: float, *what: str) -> Law:
    """exp(N(ln median, sigma^2)) within bounds."""
    return Law(
        lambda x: ndtr(np.log(x / median) / sigma),
        lambda share: median * np.exp(sigma * ndtri(share)),
        *(low, high, *what),
    )


def exponential(shift: float, mean: float, low: float, high: float, *what: str) -> Law:
    """shift + an exponential of a mean, within bounds."""
    return Law(
        lambda x: -np.expm1(-np.maximum(x - shift, 0) / mean),
        lambda share: shift - mean * np.log1p(-share),
        *(low, high, *what),
    )


SLOPES = {
    "slope": exponential(
        3.74158e-5, 6.56468e-4, 3.74e-5, 7.6e-3, "m1, growth of ln R with each early pulse", "1"
    ),
    "turn": log_normal(542.539, 0.803382, 41, 2000, "t*, pulses until growth slows down", "1"),
    "late_slope": exponential(
        0.0, 2.88905e-5, 0, 1.3e-4, "m2, growth of ln R with each late pulse", "1"
    ),
}
"""How resistances answer to pulses."""
OFFSETS = {
    "offset": normal(5.29314e-3, 5.32080e-2, -0.15, 0.15, "c1, of ln R before any pulse", "1"),
    "resistance": normal(6988, 381.7, 6252, 7897, "R_0", "Ohm"),
}
"""Where they begin."""
