"""Several trained networks that answer together: the mean of their probabilities, or
of their values.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from spinrnn.datasets.known import Known
from spinrnn.errors import DataError
from spinrnn.kernels.losses import Targets
from spinrnn.networks.base import BaseNetwork, Seed
from spinrnn.networks.scaling import Scaling


class Ensemble:
    """Networks of one form, trained from other seeds (Hansen & Salamon 1990,
    doi:10.1109/34.58871).

    Args:
        networks: `Network`s with the same inputs, outputs and reading.
        probabilities: whether outputs are logits of classes: then what is averaged are
            the probabilities; else the outputs themselves.
    Attributes:
        networks, probabilities: as given.
    Raises:
        DataError: there is none, or they differ in form.
    """

    networks: tuple[BaseNetwork, ...]
    probabilities: bool

    def __init__(self, networks: Sequence[BaseNetwork], probabilities: bool) -> None:
        self.networks, self.probabilities = tuple(networks), probabilities
        forms = {(n.config.inputs, n.config.outputs, n.config.readout) for n in self.networks}
        if len(forms) != 1:
            raise DataError("ensemble: give networks with the same inputs, outputs and readout")

    def __repr__(self) -> str:
        return f"<Ensemble of {len(self)}: {self.networks[0]!r}>"

    def __len__(self) -> int:
        return len(self.networks)

    @property
    def config(self) -> Any:
        """That of the first network."""
        return self.networks[0].config

    @property
    def scaling(self) -> Scaling | None:
        """That of the first network; members are trained on the same part."""
        return self.networks[0].scaling

    @property
    def knows(self) -> Known | None:
        """That of the first network."""
        return self.networks[0].knows

    @property
    def devices(self) -> Any:
        """Those of the first network."""
        return self.networks[0].devices

    def replace(self, **changes: Any) -> "Ensemble":
        """The ensemble of its networks with another configuration, as of
        `Network.replace`.
        """
        return Ensemble([net.replace(**changes) for net in self.networks], self.probabilities)

    def forward(self, u, lengths=None, noise_seed: Seed = 0) -> np.ndarray:
        """Outputs (case, K), or (case, K, point), float64: the mean of the networks'
        outputs, or of classes the logarithms of the mean probabilities.

        Arguments and errors as of `Network.forward`.
        """
        outputs = [net.forward(u, lengths, noise_seed).astype(np.float64) for net in self.networks]
        if not self.probabilities:
            return np.mean(outputs, axis=0)
        # the largest logarithm taken out, so that no mean of exponentials is 0
        logs = np.stack([o - _log_sum(o, 1) for o in outputs])
        return _log_sum(logs, 0)[0] - np.log(len(self))

    def stream(self, cases: int = 1, noise_seed: Seed = 0) -> Any:
        """DataError: networks are run point by point one at a time."""
        raise DataError("stream: an ensemble has none; take one of its networks")

    def check_inputs(self, u, lengths=None) -> tuple[np.ndarray, np.ndarray]:
        """As of `Network.check_inputs`."""
        return self.networks[0].check_inputs(u, lengths)

    def targets(self, data: Any, labels: Any = None, values: Any = None) -> Targets:
        """As of `Network.targets`."""
        return self.networks[0].targets(data, labels, values)


def _log_sum(logs, axis):
    """log of the sum of exp along an axis, which stays."""
    top = logs.max(axis=axis, keepdims=True)
    return top + np.log(np.exp(logs - top).sum(axis=axis, keepdims=True))
