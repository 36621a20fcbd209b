"""The writer Adam: steps along running means of the gradient."""

from dataclasses import dataclass

import numpy as np

from spinrnn.config.quantity import quantity
from spinrnn.config.run import LARGEST_NUMBER
from spinrnn.kernels.updates import adam
from spinrnn.learning.protocol import Change, Writer
from spinrnn.machine.threads import each, parts_of

_ADAM = "Kingma & Ba 2015, arXiv:1412.6980"


@dataclass(frozen=True)
class Adam(Writer):
    """Adam (Kingma & Ba 2015, arXiv:1412.6980) with decoupled weight decay (Loshchilov
    & Hutter 2019, arXiv:1711.05101).

    An entry whose gradient is always zero never moves (and decays only from what it
    is), so masked weights stay zero.
    """

    kind = "adam"
    beta1: float = quantity(
        0.9, about="decay of the gradient's running mean", low=0, below=1, source=_ADAM
    )
    beta2: float = quantity(
        0.999, about="the same of its square's running mean", low=0, below=1, source=_ADAM
    )
    epsilon: float = quantity(
        1e-8, about="added to the square's root", low=1e-30, high=1, source=_ADAM
    )
    weight_decay: float = quantity(
        0.0,
        about="share of a weight, not of a bias, that a step of rate 1 takes away",
        low=0,
        high=LARGEST_NUMBER,
        source="Loshchilov & Hutter 2019, arXiv:1711.05101",
    )

    def memory(self, size: int, dtype: str) -> dict[str, np.ndarray]:
        """Running means of the gradient and of its square, (size,) each."""
        return {"first": np.zeros(size, dtype), "second": np.zeros(size, dtype)}

    def request(
        self,
        gradient: np.ndarray,
        trained: np.ndarray,
        memory: dict[str, np.ndarray],
        step: int,
        rate: float,
        weights: np.ndarray,
    ) -> Change:
        """Algorithm 1 of the paper."""
        first, second = memory["first"], memory["second"]
        real = gradient.dtype.type
        # both means start at zero: divided by 1 - beta**step they have no bias
        scale = real(-(rate / (1 - self.beta1**step)))
        divisor, epsilon = real(1 - self.beta2**step), real(self.epsilon)
        decays = real(1 - self.beta1), real(1 - self.beta2)

        def update(part: slice) -> None:
            vectors = gradient[part], first[part], second[part]
            adam(*vectors, *decays, scale, divisor, epsilon)

        each(parts_of(gradient.size), update)
        return Change(gradient, 1 - rate * self.weight_decay)
