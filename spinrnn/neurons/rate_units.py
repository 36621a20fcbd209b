"""Units of equilibrium propagation: a rate that follows its drive between 0 and 1, and
one that shows others only on which side of 1/2 it is.

Both are tau ds/dt = -s + ..., and Euler's step of the length tau is the update of
Scellier & Bengio 2017 (arXiv:1602.05179) and Laydevant et al. 2021 (arXiv:2103.08953).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from spinrnn.config.quantity import quantity
from spinrnn.kernels.arithmetic import decay
from spinrnn.neurons.protocol import Functions, Neuron, State


@dataclass(frozen=True)
class _Relaxing(Neuron):
    """What both have in common: a time constant, and rates between 0 and 1."""

    schemes: ClassVar[tuple[str, ...]] = ("exponential", "euler")
    settling: ClassVar[str] = "euler"
    span: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    relaxation_time: float = quantity(10e-9, "s", "time constant tau", above=0, fit="log")

    @property
    def time_unit(self) -> float:
        return self.relaxation_time

    def numbers(self, time_unit: float, factors: Mapping[str, Any]) -> dict[str, Any]:
        return {"speed": time_unit / self.relaxation_time}


@dataclass(frozen=True)
class Rate(_Relaxing):
    """tau ds/dt = -s + clip(I, 0, 1), a rate; Euler's step of the length tau is
    s' = clip(I, 0, 1).
    """

    kind: ClassVar[str] = "rate"
    states: ClassVar[tuple[State, ...]] = (State("rate", "1", "rate s"),)
    drive: ClassVar[State] = State("drive", "1", "argument of the clipped line")
    name: ClassVar[str] = "rate unit"
    title: ClassVar[str] = "a network of rate units"

    def functions(self, scheme: str) -> Functions:
        return Functions(step=rate_euler if scheme == "euler" else rate_exponential)


@dataclass(frozen=True)
class BinaryRate(_Relaxing):
    """tau ds/dt = -s + I, held between 0 and 1, of which others see H(s - 1/2), 0 or 1,
    H(0) = 1; Euler's step of c tau is s' = clip((1 - c) s + c I, 0, 1).

    What is emitted is a step, whose derivative is 0 wherever it has one: gradients do
    not pass through it.
    """

    kind: ClassVar[str] = "binary_rate"
    states: ClassVar[tuple[State, ...]] = (
        State("output", "1", "0 or 1, what others see"),
        State("rate", "1", "rate s"),
    )
    drive: ClassVar[State] = State("drive", "1", "what the rate follows")
    name: ClassVar[str] = "binary rate unit"
    title: ClassVar[str] = "a network of binary rate units"

    def functions(self, scheme: str) -> Functions:
        return Functions(step=binary_euler if scheme == "euler" else binary_exponential)


def between(x, one):
    """x held between 0 and 1; comparisons with NaN are false, so it passes."""
    zero = one - one
    return zero if x < zero else (one if x > one else x)


def inside(x, one):
    """1 where x is strictly between 0 and 1, the slope of `between`, else 0."""
    zero = one - one
    return one if (x > zero) & (x < one) else zero


# ---- one substep, q = (1 / tau,) ----


def rate_euler(q, shared, h, s, current, one):
    """s' = (1 - kappa) s + kappa clip(I, 0, 1), kappa = h / tau."""
    return towards(q[0] * h, h, s[0], current, one)


def rate_exponential(q, shared, h, s, current, one):
    """The same with kappa = 1 - exp(-h / tau), exact for a drive that is held."""
    x = q[0] * h
    kept, lost, _ = decay(x)
    return towards(lost * x, h * kept, s[0], current, one)


def towards(kappa, by_speed, s, current, one):
    """s' and its derivatives; by_speed = dkappa/dspeed."""
    target = between(current, one)
    s_next = (one - kappa) * s + kappa * target
    slope = kappa * inside(current, one)
    return (s_next,), ((one - kappa,),), (slope,), ((by_speed * (target - s),),)


def binary_euler(q, shared, h, s, current, one):
    """s' = clip((1 - kappa) s + kappa I, 0, 1), kappa = h / tau."""
    return held(q[0] * h, h, s[1], current, one)


def binary_exponential(q, shared, h, s, current, one):
    """The same with kappa = 1 - exp(-h / tau)."""
    x = q[0] * h
    kept, lost, _ = decay(x)
    return held(lost * x, h * kept, s[1], current, one)


def held(kappa, by_speed, s, current, one):
    """(H(s' - 1/2), s') and the derivatives; those of the step are 0."""
    zero = one - one
    free = (one - kappa) * s + kappa * current
    s_next, slope = between(free, one), inside(free, one)
    # s' - s' is NaN where s' is, which no step may hide
    shown = (one if s_next + s_next >= one else zero) + (s_next - s_next)
    jacobian = (zero, zero), (zero, slope * (one - kappa))
    by_speed = (zero,), (slope * by_speed * (current - s),)
    return (shown, s_next), jacobian, (zero, slope * kappa), by_speed
