"""The ideal synapse: a weight is the trained number."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from spinrnn.synapses.protocol import Synapse


@dataclass(frozen=True)
class Ideal(Synapse):
    """A weight is the trained number itself, written exactly and at no cost."""

    kind = "ideal"
    direct = True

    def read(self, trained: np.ndarray, devices: Mapping[str, np.ndarray]) -> np.ndarray:
        return trained

    def read_backward(
        self, trained: np.ndarray, devices: Mapping[str, np.ndarray], g_weights: np.ndarray
    ) -> np.ndarray:
        return g_weights
