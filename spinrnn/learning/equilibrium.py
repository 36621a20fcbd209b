"""Equilibrium propagation: the gradient of a network that settles, from two of its own
steady states and without a backward pass.

Scellier & Bengio 2017 (arXiv:1602.05179); symmetric nudging: Laborieux et al. 2021
(arXiv:2006.03824); binary synapses: Laydevant et al. 2021 (arXiv:2103.08953).
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from spinrnn.config.quantity import quantity
from spinrnn.config.run import LARGEST_NUMBER
from spinrnn.errors import ConfigError, DataError
from spinrnn.learning.protocol import Estimate, Estimator

_LAYDEVANT = "Laydevant et al. 2021, arXiv:2103.08953"
_SIGN = 9
"""Purpose of random numbers; others are in `learning.trainer`, `neurons.spread`,
`synapses.connections` and `networks.feedforward`."""


@dataclass(frozen=True)
class Equilibrium(Estimator):
    """Equilibrium propagation, eq. (E6): the network settles freely, then with its
    outputs nudged towards what they should be; what two coupled neurons emit differs
    between the two, and that is the gradient.

    Attributes:
        steps: K, of a relaxation with nudge.
        sign: of beta: "random" for each batch, "plus", or "symmetric", both of them, of
            which the mean has an error of beta^2 and not of beta, for twice the work.
        nudge: "state" pulls what the outputs emit, as published for rate units; "drive"
            adds to what they receive, for which the estimate tends to the exact
            gradient for any neuron whose steady state grows with its drive.
    """

    kind = "equilibrium"
    hears_devices = False
    needs = frozenset({"equilibrium"})
    beta: float = quantity(
        0.3, about="strength of the nudge", above=0, high=LARGEST_NUMBER, source=_LAYDEVANT
    )
    steps: int = 10
    sign: Literal["random", "plus", "symmetric"] = "random"
    nudge: Literal["state", "drive"] = "state"

    def problems(self) -> list[str]:
        """What is impossible about the values, a sentence each."""
        few = self.steps < 1
        return super().problems() + ([f"steps: must be at least 1, got {self.steps}"] * few)

    def estimate(self, net: Any, u: np.ndarray, targets: Any, lengths: Any, seed: Any) -> Estimate:
        """As of `Estimator.estimate`; net: `networks.symmetric.Prepared`; seed: of the
        sign of beta.

        Raises:
            ConfigError: the neurons cannot be nudged so; DataError: a device is in the
                loop; DivergenceError.
        """
        problems = net.config.unpulled(self.nudge)
        if problems:
            raise ConfigError(problems)
        batch = net.batch_of(u, targets, lengths)
        if batch.targets.measured.size:
            raise DataError(
                "a device in the loop: equilibrium needs its states with a nudge, which it does "
                'not give; take estimator.kind = "bptt"'
            )
        free = net.free(np.ascontiguousarray(batch.u[:, :, 0]))
        cases, emitted = len(free.inputs), free.phase.emitted
        losses, _ = net.losses(free, batch.targets)
        wanted, beta = net.wanted(batch.targets, cases), self._beta(seed)
        first = net.nudged(free, wanted, beta, self.steps, self.nudge).emitted
        if self.sign == "symmetric":
            second = net.nudged(free, wanted, -beta, self.steps, self.nudge).emitted
            each = batch.targets.weights / (2 * beta * cases)
        else:
            second, each = emitted, batch.targets.weights / (beta * cases)
        gradient = net.contrast(free, first, second, each)
        return Estimate(*net.trained(net.outputs(emitted, cases), losses, gradient))

    def _beta(self, seed):
        """beta of a batch with its sign."""
        if self.sign != "random":
            return self.beta
        rng = np.random.default_rng([*np.atleast_1d(seed).tolist(), _SIGN])
        return self.beta if rng.integers(2) else -self.beta
