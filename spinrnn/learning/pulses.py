"""Whole pulses: steps of Adam as devices take them that know no amounts."""

from dataclasses import dataclass

import numpy as np

from spinrnn.config.quantity import quantity
from spinrnn.config.run import LARGEST_NUMBER
from spinrnn.kernels.updates import whole
from spinrnn.learning.adam import Adam
from spinrnn.learning.protocol import Change
from spinrnn.machine.threads import each, parts_of

_WEAK = "the program of arXiv:2107.06064"


@dataclass(frozen=True)
class Pulses(Adam):
    """Adam's step, of weights in whole pulses. With a learning rate of 0.008 and
    scale = 12500 they are those of arXiv:2107.06064: 100 pulses for a step of 1.
    """

    kind = "pulses"
    gives = "pulses"
    scale: float = quantity(
        1000.0,
        about="pulses of a weight for a learning rate of 1 and a step of 1",
        above=0,
        high=LARGEST_NUMBER,
    )
    share: float = quantity(
        1.0,
        about="of the learning rate, that biases and all else without pulses have",
        low=0,
        high=LARGEST_NUMBER,
    )
    most: int = quantity(
        126, about="pulses in a step, at most", low=1, high=1_000_000, source=_WEAK
    )

    def problems(self) -> list[str]:
        found = super().problems()
        if self.weight_decay:
            found.append("weight_decay: pulses know no decay; set it to 0")
        return found

    def request(
        self,
        gradient: np.ndarray,
        trained: np.ndarray,
        memory: dict[str, np.ndarray],
        step: int,
        rate: float,
        weights: np.ndarray,
    ) -> Change:
        """Pulses in the direction in which the weight is to go. There is no decay."""
        change, _ = super().request(gradient, trained, memory, step, rate, weights)
        numbers = tuple(map(change.dtype.type, (self.scale, self.most, self.share)))
        each(parts_of(change.size), lambda part: whole(change[part], weights[part], *numbers))
        return Change(change)
