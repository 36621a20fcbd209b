"""What a training step does to the gradient and the rate before the optimiser: the learning rate's course, the clipping."""

import math

import numpy as np


def learning_rate(config, step, steps):
    """Rate of step (from 0) of `steps`: constant, or half a cosine from config.learning_rate to 0 (Loshchilov & Hutter 2017, arXiv:1608.03983)."""
    if config.schedule == "constant":
        return config.learning_rate
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * step / steps))


def clip_gradient(gradient, limit):
    """Scales the gradient, in place, to at most the norm `limit` (0: no limit). Returns its norm before, summed in float64."""
    norm = float(np.sqrt(np.add.reduce(np.square(gradient, dtype=np.float64))))
    if 0 < limit < norm:
        gradient *= limit / norm
    return norm
