"""What a training step does before the optimiser: the learning rate's course, the
clipping."""

import math

import numpy as np

from spinrnn.config.run import TrainConfig
from spinrnn.kernels.updates import LANES, square_sum
from spinrnn.machine.threads import ordered_map, parts_of


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
    """Sum of the squares of a vector in float64, on all threads; cut into parts of one
    size, so that its bits do not depend on the threads.
    """

    def square(part):
        sums = np.zeros(LANES)
        square_sum(numbers[part], sums)
        return sums

    return float(np.sum(ordered_map(square, parts_of(numbers.size))))
