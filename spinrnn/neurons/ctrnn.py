"""The software twin of the oscillator: a neuron of a continuous-time recurrent network.

tau ds/dt = -s + tanh(I). For a drive that is held the step is exact with kappa =
1 - exp(-h), and Euler's with kappa = h.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from spinrnn.config.quantity import quantity
from spinrnn.kernels.arithmetic import decay
from spinrnn.neurons.protocol import Functions, Neuron, State


@dataclass(frozen=True)
class CTRNN(Neuron):
    """tau ds/dt = -s + tanh(I), a continuous-time recurrent network's neuron."""

    kind: ClassVar[str] = "ctrnn"
    states: ClassVar[tuple[State, ...]] = (State("state", "1", "state s"),)
    drive: ClassVar[State] = State("drive", "1", "argument of tanh")
    schemes: ClassVar[tuple[str, ...]] = ("exponential", "euler")
    name: ClassVar[str] = "CTRNN"
    title: ClassVar[str] = "a CTRNN"
    span: ClassVar[tuple[float, float] | None] = (-1.0, 1.0)

    relaxation_time: float = quantity(10e-9, "s", "time constant tau", above=0, fit="log")

    @property
    def time_unit(self) -> float:
        return self.relaxation_time

    def numbers(self, time_unit: float, factors: Mapping[str, Any]) -> dict[str, Any]:
        return {"rate": time_unit / self.relaxation_time}

    def functions(self, scheme: str) -> Functions:
        return Functions(step=euler if scheme == "euler" else exponential)


def exponential(q, shared, h, s, current, one):
    """s' = s + kappa (tanh(I) - s), kappa = 1 - exp(-h / tau)."""
    x = q[0] * h
    kept, lost, _ = decay(x)
    return approach(lost * x, h * kept, s[0], current, one)


def euler(q, shared, h, s, current, one):
    """s' = s + kappa (tanh(I) - s), kappa = h / tau."""
    return approach(q[0] * h, h, s[0], current, one)


def approach(kappa, by_rate, s, current, one):
    """s' and its derivatives, by_rate = dkappa/drate.

    ds'/dI = kappa (1 - tanh(I)^2) = kappa 4 E / (1 + E)^2 with E = exp(-2 |I|).
    """
    two = one + one
    x = two * abs(current)
    kept, lost, _ = decay(x)
    inverse = one / (one + kept)
    target = lost * x * inverse
    target = target if current >= 0 else -target
    s_next = s + kappa * (target - s)
    by_i = kappa * kept * (two * inverse) * (two * inverse)
    return (s_next,), ((one - kappa,),), (by_i,), ((by_rate * (target - s),),)
