"""The software twin of the oscillator: a neuron of a continuous-time recurrent network.

tau ds/dt = -s + tanh(I). For a drive that is held the step is exact with kappa =
1 - exp(-h), and Euler's with kappa = h.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from spinrnn.config.quantity import quantity
from spinrnn.neurons.protocol import Neuron, State


@dataclass(frozen=True)
class CTRNN(Neuron):
    """tau ds/dt = -s + tanh(I), a continuous-time recurrent network's neuron."""

    kind: ClassVar[str] = "ctrnn"
    states: ClassVar[tuple[State, ...]] = (State("state", "1", "state s"),)
    drive: ClassVar[State] = State("drive", "1", "drive I")
    schemes: ClassVar[tuple[str, ...]] = ("exponential", "euler")

    relaxation_time: float = quantity(10e-9, "s", "time constant tau", above=0, fit="log")

    @property
    def time_unit(self) -> float:
        return self.relaxation_time

    def numbers(self, time_unit: float, factors: Mapping[str, Any]) -> dict[str, Any]:
        return {"rate": time_unit / self.relaxation_time}
