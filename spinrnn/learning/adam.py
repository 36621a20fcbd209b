"""Adam, its learning rate and the clipping of the gradient, on flat vectors. NumPy: a step costs far less than one batch."""

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
