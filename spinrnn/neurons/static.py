"""What a neuron without time is for everything above it: a function of its drive, and
the slope of that function.

A kind of activation is a frozen dataclass that inherits `Activation`. Its methods take
and give NumPy arrays, elementwise; nothing of them is compiled.
"""

from typing import ClassVar

import numpy as np

from spinrnn.config.kinds import Kind


class Activation(Kind):
    """Base of all kinds of activations: neurons of networks without time.

    Class attributes:
        kind: its name in configurations.
        exact: whether `slope` is the derivative of `value`, wherever there is one;
            False where it is a stand-in, as the straight-through estimate of a sign.
        drive_unit, unit: of what it takes and gives, SI; "1" for none.
        usual_drive, usual_value: orders of what it takes and gives in these units.
        start_gain: standard deviation of the initial weights before it, times the
            square root of the number of inputs.
    """

    role: ClassVar[str] = "activation"
    exact: ClassVar[bool] = True
    drive_unit: ClassVar[str] = "1"
    unit: ClassVar[str] = "1"
    usual_drive: ClassVar[float] = 1.0
    usual_value: ClassVar[float] = 1.0
    start_gain: ClassVar[float] = 1.0

    def value(self, z: np.ndarray, factors: np.ndarray | None = None) -> np.ndarray:
        """What the neurons give: (case, neuron), in the precision of z.

        Args:
            z: (case, neuron) drives.
            factors: (neuron,) of `factors`; None where these are None.
        """
        raise NotImplementedError

    def slope(self, z: np.ndarray, factors: np.ndarray | None = None) -> np.ndarray:
        """dvalue/dz, (case, neuron), or its stand-in; arguments as of `value`."""
        raise NotImplementedError

    def factors(self, neurons: int, rng: np.random.Generator) -> np.ndarray | None:
        """(neurons,) by which devices differ, drawn once when a network is made.

        None, the default, where all are alike: `value` and `slope` are then called
        with z alone.
        """
        return None

    @classmethod
    def class_problems(cls) -> list[str]:
        """What a class lacks as a kind, a sentence each."""
        wanted = {"value": "what the neurons give", "slope": "its derivative"}
        return [
            f"{name}: is missing; a method of (z, factors=None), {what}"
            for name, what in wanted.items()
            if getattr(cls, name) is getattr(Activation, name)
        ]
