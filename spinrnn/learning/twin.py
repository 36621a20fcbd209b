"""Learning by a twin: the loss is that of the network as its devices are, the
derivatives are those of a network whose devices are all alike.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spinrnn.learning.protocol import Estimate, Estimator


@dataclass(frozen=True)
class Twin(Estimator):
    """The slopes of the real network's loss, sent back through an ideal twin with the
    same trained numbers, as of arXiv:2211.03659: the differences of devices need not be
    known, outputs are enough. It is no exact gradient where devices differ.
    """

    kind = "twin"
    needs = frozenset({"twin"})

    def estimate(self, net: Any, u: np.ndarray, targets: Any, lengths: Any, seed: Any) -> Estimate:
        """As of `Estimator.estimate`."""
        return Estimate(*net.logits_loss_grad(u, targets, lengths, seed, twin=True))
