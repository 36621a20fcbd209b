"""Binary weights: the sign of a latent number."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from spinrnn.config.quantity import quantity
from spinrnn.config.run import LARGEST_NUMBER
from spinrnn.kernels import updates
from spinrnn.machine.threads import ordered_map, parts_of
from spinrnn.synapses.protocol import Events, Request, StraightThrough


@dataclass(frozen=True)
class Sign(StraightThrough):
    """W = largest sign(latent), with sign(0) = +1: binary weights (Courbariaux et al.
    2016, arXiv:1602.02830). The gradient passes straight through the sign.
    """

    kind = "sign"
    takes = ("amount", "flips")
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
        weights = np.empty(trained.shape, trained.dtype)
        self.read_into(trained, devices, weights)
        return weights

    def read_into(
        self, trained: np.ndarray, devices: Mapping[str, np.ndarray], out: np.ndarray
    ) -> bool:
        size, parts = trained.dtype.type(binary_size(self.largest, trained)), parts_of(*out.shape)
        return all(ordered_map(lambda rows: updates.signs(trained[rows], size, out[rows]), parts))

    def program(
        self,
        trained: np.ndarray,
        devices: Mapping[str, np.ndarray],
        request: Request,
        rng: np.random.Generator,
    ) -> Events:
        """Moves the latent numbers that exist, or turns over their signs; counts the
        signs that change.
        """
        change, keep = request.change, trained.dtype.type(request.keep)
        if request.exists is not None:
            change = np.where(request.exists, change, change.dtype.type(0))
        if request.asks == "flips":
            # a latent zero turns over too, though it has no sign of its own
            smallest = np.finfo(trained.dtype).tiny
            work = lambda rows: updates.flip_signs(trained[rows], change[rows], smallest)
        else:
            work = lambda rows: updates.move_signs(trained[rows], change[rows], keep)
        count = sum(ordered_map(work, parts_of(*trained.shape)))
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
