"""Backpropagation through time: the exact adjoint of the network's discrete steps."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from spinrnn.learning.protocol import Estimate, Estimator


@dataclass(frozen=True)
class BPTT(Estimator):
    """Backpropagation through time: the exact gradient of the discrete steps.

    Attributes:
        warm: "reservoir" begins with the readout that `Reservoir` finds.
    """

    kind = "bptt"
    needs = frozenset({"adjoint"})
    warm: Literal["none", "reservoir"] = "none"

    def estimate(self, net: Any, u: np.ndarray, targets: Any, lengths: Any, seed: Any) -> Estimate:
        return Estimate(*net.logits_loss_grad(u, targets, lengths, seed))
