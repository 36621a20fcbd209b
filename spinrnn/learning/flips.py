"""Binary weights without latent numbers: a sign is turned over when the mean of its
gradient has spoken against it for long enough.
"""

from dataclasses import dataclass

import numpy as np

from spinrnn.config.quantity import quantity
from spinrnn.config.run import LARGEST_NUMBER
from spinrnn.kernels.updates import want_flips
from spinrnn.learning.protocol import Change, Writer
from spinrnn.machine.threads import each, parts_of

_LAYDEVANT = "Laydevant et al. 2021, arXiv:2103.08953"


@dataclass(frozen=True)
class Flips(Writer):
    """a <- (1 - gamma) a - gamma gradient; a weight's sign is turned over where
    -sign(w) a > tau (Helwegen et al. 2019, arXiv:1906.02107). All else goes down its
    gradient.
    """

    kind = "flips"
    gives = "flips"
    gamma: float = quantity(
        3e-3, about="share of a new gradient in the mean", above=0, high=1, source=_LAYDEVANT
    )
    tau: float = quantity(
        1e-4, about="mean gradient that turns a sign over", low=0, high=LARGEST_NUMBER
    )

    def memory(self, size: int, dtype: str) -> dict[str, np.ndarray]:
        """Running mean of the negative gradient, (size,)."""
        return {"mean": np.zeros(size, dtype)}

    def request(
        self,
        gradient: np.ndarray,
        trained: np.ndarray,
        memory: dict[str, np.ndarray],
        step: int,
        rate: float,
        weights: np.ndarray,
    ) -> Change:
        """Which signs are to be turned over; the learning rate is that of all else."""
        mean, real = memory["mean"], gradient.dtype.type
        numbers = real(self.gamma), real(self.tau), real(rate)

        def update(part: slice) -> None:
            want_flips(gradient[part], mean[part], trained[part], weights[part], numbers)

        each(parts_of(gradient.size), update)
        return Change(gradient)
