"""Binary weights: the sign of a latent number."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from spinrnn.config.quantity import quantity
from spinrnn.config.run import LARGEST_NUMBER
from spinrnn.synapses.protocol import Events, Request, Synapse


@dataclass(frozen=True)
class Sign(Synapse):
    """W = largest sign(latent), with sign(0) = +1: binary weights (Courbariaux et al.
    2016, arXiv:1602.02830). The gradient passes straight through the sign.
    """

    kind = "sign"
    takes = ("amount", "flips")
    exact = False
    largest: float | None = quantity(
        None,
        about="the size of all weights; left out: 2 / sqrt(sources) of a block",
        above=0,
        high=LARGEST_NUMBER,
    )
    energy: float = quantity(
        0.0, "J", "that a change of sign takes, an assumption", low=0, high=LARGEST_NUMBER
    )

    def read(self, trained: np.ndarray, devices: Mapping[str, np.ndarray]) -> np.ndarray:
        return signs(trained >= 0, binary_size(self.largest, trained), trained.dtype)

    def read_backward(
        self, trained: np.ndarray, devices: Mapping[str, np.ndarray], g_weights: np.ndarray
    ) -> np.ndarray:
        return g_weights

    def program(
        self,
        trained: np.ndarray,
        devices: Mapping[str, np.ndarray],
        request: Request,
        rng: np.random.Generator,
    ) -> Events:
        """Moves the latent numbers, or turns over their signs; counts the signs that
        change.
        """
        before = trained >= 0
        if request.asks == "flips":
            # of a latent zero too, which has no other sign than that of its weight
            turned = np.where(before, -np.abs(trained), np.abs(trained))
            smallest = np.finfo(trained.dtype).tiny
            turned = np.where(before & (trained == 0), -smallest, turned)
            trained[...] = np.where(request.change != 0, turned, trained)
        else:
            super().program(trained, devices, request, rng)
        changed = before != (trained >= 0)
        if request.exists is not None:
            changed &= request.exists
        count = int(np.count_nonzero(changed))
        return Events(count, count * self.energy)


def binary_size(largest: float | None, block: np.ndarray) -> float:
    """The size of the binary weights (targets, sources) of a block: as given, or twice
    the deviation 1 / sqrt(sources) of the weights that a network starts with.
    """
    return 2 / math.sqrt(block.shape[1]) if largest is None else largest


def signs(positive: np.ndarray, size: float, dtype: np.dtype) -> np.ndarray:
    """size where positive, else -size."""
    values = np.array([-size, size], dtype)
    return values[positive.view(np.int8)]
