"""What a neuron without a state is: a function of the sum of its inputs. Networks
without time are made of them.
"""

from typing import ClassVar

import numpy as np

from spinrnn.config.kinds import Kind


class Activation(Kind):
    """Base of all kinds of activations.

    Class attributes:
        kind: its name in configurations.
        exact: whether `slope` is the derivative of `value`; False where it is a
            stand-in, as the straight-through estimate of a sign.
        start_gain: the deviation of initial weights is this over the square root of the
            number of inputs.
    """

    role: ClassVar[str] = "activation"
    exact: ClassVar[bool] = True
    start_gain: ClassVar[float] = 1.0

    def value(self, z: np.ndarray, factors: np.ndarray | None = None) -> np.ndarray:
        """What neurons emit for their sums z (case, neuron), in z's dtype.

        factors: (neuron,) of `factors`, or None where all neurons are alike.
        """
        raise NotImplementedError

    def slope(self, z: np.ndarray, factors: np.ndarray | None = None) -> np.ndarray:
        """Derivative of `value` by z, or its stand-in, (case, neuron) in z's dtype."""
        raise NotImplementedError

    def factors(self, neurons: int, rng: np.random.Generator) -> np.ndarray | None:
        """(neuron,) by which so many neurons differ; None: they are alike."""
        return None

    @classmethod
    def class_problems(cls) -> list[str]:
        """What a class lacks as a kind, a sentence each."""
        wanted = {"value": "what a neuron emits for its sum", "slope": "its derivative"}
        return [
            f"{name}: is missing; a method, {what}"
            for name, what in wanted.items()
            if getattr(cls, name) is getattr(Activation, name)
        ]
