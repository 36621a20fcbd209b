"""Adam on flat vectors. In NumPy, as a step costs far less than one batch."""

import numpy as np

from spinrnn.config.run import TrainConfig


class Adam:
    """Adam with decoupled weight decay.

    Kingma & Ba 2015, arXiv:1412.6980, algorithm 1; the decay as in Loshchilov & Hutter
    2019, arXiv:1711.05101. An entry whose gradient is always zero never moves (and
    decays only from what it is), so masked weights stay zero.

    Args:
        size, dtype: of the vectors.
        config: its beta1, beta2, epsilon and weight_decay.
        decayed: (size,) bool, the entries that weight decay acts on.
    Attributes:
        first, second: (size,) running means of the gradient and of its square.
        steps: number of steps taken.
    """

    first: np.ndarray
    second: np.ndarray
    steps: int

    def __init__(self, size: int, dtype: str, config: TrainConfig, decayed: np.ndarray):
        self.first, self.second = np.zeros(size, dtype), np.zeros(size, dtype)
        self.steps = 0
        self._config, self._decayed = config, decayed

    def step(self, parameters: np.ndarray, gradient: np.ndarray, rate: float) -> None:
        """One step with this learning rate; parameters are modified in place."""
        c = self._config
        self.steps += 1
        self.first += (1 - c.beta1) * (gradient - self.first)
        self.second += (1 - c.beta2) * (gradient * gradient - self.second)
        # both means start at zero: divided by 1 - beta**steps they have no bias
        root = np.sqrt(self.second / (1 - c.beta2**self.steps))
        if c.weight_decay > 0:
            parameters[self._decayed] *= 1 - rate * c.weight_decay
        parameters -= rate / (1 - c.beta1**self.steps) * self.first / (root + c.epsilon)
