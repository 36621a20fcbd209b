"""What a training step does before the optimiser: the learning rate's course, the
clipping."""

import math

import numpy as np

from spinrnn.config.run import TrainConfig
from spinrnn.machine.threads import PART, ordered_map


def learning_rate(config: TrainConfig, step: int, steps: int) -> float:
    """Rate of a step (from 0) of so many steps.

    Constant, or half a cosine from config.learning_rate to 0 (Loshchilov & Hutter 2017,
    arXiv:1608.03983, eq. (5) without restarts).
    """
    if config.schedule == "constant":
        return config.learning_rate
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * step / steps))


def clip_gradient(gradient: np.ndarray, limit: float) -> float:
    """Scales the gradient, in place, to at most the norm `limit` (0: no limit).

    Returns:
        Its norm before, summed in float64.
    """
    norm = math.sqrt(_square_sum(gradient))
    if 0 < limit < norm:
        gradient *= limit / norm
    return norm


def _square_sum(numbers):
    """Sum of the squares of a vector in float64, on all threads.

    Cut into halves as NumPy's own pairwise sum cuts it, down to parts that stay in a
    processor's cache: so it has the bits of a sum over the whole.
    """
    parts = [slice(0, numbers.size)]
    levels = 0
    while parts[0].stop - parts[0].start > PART:
        parts, levels = [half for part in parts for half in _halves(part)], levels + 1
    square = lambda part: np.add.reduce(np.square(numbers[part], dtype=np.float64))
    sums = ordered_map(square, parts)
    for _ in range(levels):
        sums = [one + other for one, other in zip(sums[::2], sums[1::2], strict=True)]
    return float(sums[0])


def _halves(part):
    """The two parts whose sums NumPy adds; the first has a multiple of 8 numbers."""
    half = (part.stop - part.start) // 2
    middle = part.start + half - half % 8
    return slice(part.start, middle), slice(middle, part.stop)
