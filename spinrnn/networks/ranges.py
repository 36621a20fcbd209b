"""Drives beyond what a device was ever seen under: a simulation says so once, as what
was learned or measured means nothing there.
"""

import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np


class Beyond:
    """Counts drives beyond `Neuron.seen`, layer by layer.

    Args:
        config: `NetworkConfig`.
    """

    def __init__(self, config: Any):
        tops = np.cumsum([0, *config.layers]).tolist()
        self._layers = [
            (layer, slice(tops[layer], tops[layer + 1]), neuron)
            for layer, neuron in enumerate(config.neurons)
            if neuron.seen is not None
        ]
        self._beyond, self._all = [0] * len(config.layers), [0] * len(config.layers)
        self._lock = threading.Lock()

    def watched(self, take: Callable) -> Callable:
        """A function as `Network.history` calls it, which counts and calls `take`."""
        if not self._layers:
            return take

        def counting(cases, states, mean, drive, logits):
            for layer, neurons, neuron in self._layers:
                own = drive[:-1, neurons] * neuron.drive_unit
                low, high = neuron.seen
                # what is at the edge by rounding alone is within
                slack = 1e-6 * (high - low)
                beyond = np.count_nonzero((own < low - slack) | (own > high + slack))
                with self._lock:
                    self._beyond[layer] += int(beyond)
                    self._all[layer] += own.size
            take(cases, states, mean, drive, logits)

        return counting

    def warn(self) -> None:
        """One warning with the share of all layers, if there is any."""
        shares = {
            layer: self._beyond[layer] / self._all[layer]
            for layer, _, _ in self._layers
            if self._beyond[layer]
        }
        if shares:
            parts = ", ".join(f"{100 * share:.2g} % in layer {n}" for n, share in shares.items())
            text = "drives are beyond what the devices were learned from"
            advice = "a smaller network.amplification keeps them within"
            warnings.warn(f"{text}: {parts} of neurons and times; {advice}", stacklevel=4)
