"""Metaplasticity: the larger a latent weight is, the harder it is to bring it back to
zero, where its sign would change and with it what was learned before.
"""

from dataclasses import dataclass

import numpy as np

from spinrnn.config.quantity import quantity
from spinrnn.config.run import LARGEST_NUMBER
from spinrnn.kernels.updates import gate
from spinrnn.learning.adam import Adam
from spinrnn.learning.protocol import Change
from spinrnn.machine.threads import each, parts_of

_LABORIEUX = "Laborieux et al. 2021, arXiv:2101.07592"


@dataclass(frozen=True)
class Metaplastic(Adam):
    """Adam whose steps towards zero are made smaller by 1 - tanh^2(m |w|), for weights
    alone (Laborieux et al. 2021, arXiv:2101.07592). With m = 0 it is Adam.
    """

    kind = "metaplastic"
    m: float = quantity(
        20.0,
        about="strength: a weight of 1 / m keeps 42 % of a step towards zero; 0 is none",
        low=0,
        high=LARGEST_NUMBER,
        source=_LABORIEUX,
    )
    decay: float = quantity(
        0.0,
        about="share of a weight that is added to its gradient, and protected like it",
        low=0,
        high=LARGEST_NUMBER,
        source=_LABORIEUX,
    )

    def request(
        self,
        gradient: np.ndarray,
        trained: np.ndarray,
        memory: dict[str, np.ndarray],
        step: int,
        rate: float,
        weights: np.ndarray,
    ) -> Change:
        """Adam's step, and of weights what the gate lets through of it."""
        if self.decay:
            gradient = gradient + trained.dtype.type(self.decay) * (weights * trained)
        change, keep = super().request(gradient, trained, memory, step, rate, weights)
        strength = trained.dtype.type(2 * self.m)

        def hold(part: slice) -> None:
            gate(change[part], trained[part], weights[part], strength)

        each(parts_of(change.size), hold)
        return Change(change, keep)
