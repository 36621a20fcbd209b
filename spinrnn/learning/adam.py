"""Adam, its learning rate and the clipping of the gradient, on flat vectors. NumPy: a step costs far less than one batch."""

import math

import numpy as np


class Adam:
    """Adam (Kingma & Ba 2015, arXiv:1412.6980, algorithm 1) with decoupled weight decay (Loshchilov & Hutter 2019, arXiv:1711.05101).

    An entry whose gradient is always zero never moves (and decays only from what it is), so masked weights stay zero.

    Args:
        size, dtype: of the vectors; config: `TrainConfig`; decayed: (size,) bool, the entries that weight decay acts on.
    Attributes:
        first, second: (size,) the moments; steps: number of steps taken.
    """

    def __init__(self, size, dtype, config, decayed):
        self.first, self.second = np.zeros(size, dtype), np.zeros(size, dtype)
        self.steps = 0
        self._config, self._decayed = config, decayed

    def step(self, parameters, gradient, rate):
        """One step with this learning rate; parameters are modified in place."""
        c = self._config
        self.steps += 1
        self.first += (1 - c.beta1) * (gradient - self.first)
        self.second += (1 - c.beta2) * (gradient * gradient - self.second)
        root = np.sqrt(self.second / (1 - c.beta2**self.steps))
        if c.weight_decay > 0:
            parameters[self._decayed] *= 1 - rate * c.weight_decay
        parameters -= rate / (1 - c.beta1**self.steps) * self.first / (root + c.epsilon)


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
