"""The spin-torque nano-oscillator: its quantities and numbers, eq. (1) to (6) of
docs/MODEL.md, and its linewidth with the noise power that it entails.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from spinrnn.config.neurons import title_of
from spinrnn.config.quantity import quantity
from spinrnn.config.run import LARGEST_NUMBER, LARGEST_THERMAL_POWER, NetworkConfig
from spinrnn.errors import ConfigError
from spinrnn.kernels.arithmetic import decay, square_root, vanishing
from spinrnn.neurons.protocol import Functions, Neuron, State


@dataclass(frozen=True)
class Oscillator(Neuron):
    """dp/dt = -gamma (1 + Q p) p + I p (1 - p), eq. (1): the power of a spin-torque
    nano-oscillator.
    """

    kind: ClassVar[str] = "oscillator"
    states: ClassVar[tuple[State, ...]] = (State("power", "1", "normalised power p"),)
    drive: ClassVar[State] = State("drive", "1/s", "drive I")
    schemes: ClassVar[tuple[str, ...]] = ("exponential", "euler")
    highpass: ClassVar[float | None] = 10.0
    name: ClassVar[str] = "oscillator"
    title: ClassVar[str] = "a network of spin-torque nano-oscillators"
    span: ClassVar[tuple[float, float] | None] = (0.0, 1.0)
    threshold: ClassVar[bool] = True

    relaxation_time: float = quantity(
        10e-9, "s", "tau = 1 / gamma", above=0, spread="gamma", fit="log"
    )
    bias_ratio: float = quantity(
        2.0,
        about="xi_0 = fixed bias / threshold, the supercriticality",
        above=1,
        high=LARGEST_NUMBER,
        why="else the oscillator is below its threshold and silent",
        spread="bias",
        fit="log",
    )
    nonlinear_damping: float = quantity(
        0.0, about="Q", low=0, high=LARGEST_NUMBER, source="field", spread=True, fit="log1p"
    )
    power_floor: float = quantity(
        1e-6, about="smallest power, stands for thermal fluctuations; 0 is none", low=0, below=0.1
    )
    thermal_power: float = quantity(
        0.0,
        about="eta, mean power that thermal noise alone sustains, eq. (6); 0 is no noise",
        low=0,
        high=LARGEST_THERMAL_POWER,
        why="in units of the normalised power",
        source="field",
    )

    @property
    def time_unit(self) -> float:
        return self.relaxation_time

    @property
    def noisy(self) -> bool:
        return self.thermal_power > 0

    @property
    def drive_unit(self) -> float:
        return 1 / self.relaxation_time

    def numbers(self, time_unit: float, factors: Mapping[str, Any]) -> dict[str, Any]:
        rate = time_unit / self.relaxation_time
        damping = rate * factors["gamma"]
        return {
            "damping": damping,
            "saturation": damping * factors["nonlinear_damping"] * self.nonlinear_damping,
            "floor": self.power_floor,
            "noise": damping * self.thermal_power,
            "bias": rate * (factors["bias"] * self.bias_ratio),
        }

    def bias(self, q: Mapping[str, Any]) -> Any:
        return q["bias"]

    def rest(self, q: Mapping[str, Any]) -> tuple[Any, ...]:
        power = steady_power(q["bias"], q["damping"], q["saturation"])
        # a device whose own threshold is above its bias is silent but for the floor
        return (np.maximum(power, q["floor"]),)

    def functions(self, scheme: str) -> Functions:
        if scheme == "euler":
            return Functions(step=euler, limit=raised_above, kick=kick_from_zero)
        return Functions(
            step=exponential,
            limit=raised,
            kick=kick_below_one,
            halves=True,
            strength=strength,
            strong=strong_exponential,
        )


def steady_power(drive: Any, damping: Any, saturation: Any) -> Any:
    """The power at which eq. (1) comes to rest, p* = (I - g) / (I + gq), above the
    threshold I = g; below it the formula's value is negative and the power 0.

    Args:
        drive: I; damping: g; saturation: gq = g Q; in one unit, numbers or arrays.
    """
    return (drive - damping) / (drive + saturation)


# ---- one substep of one neuron: eq. (1) with its own g and gq = g Q ----
# q = (g, gq, floor, noise, bias) as `Oscillator.numbers` names them.


def euler(q, shared, h, s, current, one):
    """p' = p + h (-(g + gq p) p + I p (1 - p)).

    Nothing keeps p' above zero.
    """
    g, gq, p, zero = q[0], q[1], s[0], one - one
    lost = p * (h * (current + gq))
    growth = h * (current - g) - lost
    p_next = p + p * growth
    # infinity minus infinity is NaN, which no floor hides
    p_next += p_next - p_next
    by_numbers = (-h * p, -h * p * p, zero, zero, zero)
    return (p_next,), ((one + growth - lost,),), (h * p * (one - p),), (by_numbers,)


def exponential(q, shared, h, s, current, one):
    """Eq. (5) for a drive I that is held for h.

    With a = I - g, c = I + gq, E = exp(-|a| h), psi = phi E for a >= 0 and phi else,
    chi the same of dphi/da: p' = p / D, D = E + c p psi, for a >= 0, and p' = p E / D,
    D = 1 + c p psi, else. Hence

        dp'/dp = E / D^2 ,  dp'/dI = p' (h - p (psi + c chi) / D) ,
        dp'/dc = -p' p psi / D ,

    the last one for a fixed a.
    """
    g, gq, p, zero = q[0], q[1], s[0], one - one
    a, c = current - g, current + gq
    kept, lost, curved = decay(abs(a) * h)
    psi = h * lost
    chi = h * h * (curved if a >= 0 else lost - curved)
    inverse = one / ((kept if a >= 0 else one) + c * p * psi)
    p_next = (p if a >= 0 else p * kept) * inverse
    by_i = p_next * (h - p * (psi + c * chi) * inverse)
    by_c = -p_next * p * psi * inverse
    by_numbers = (by_c - by_i, by_c, zero, zero, zero)
    return (p_next,), ((kept * inverse * inverse,),), (by_i,), (by_numbers,)


def strength(q, h, current, one):
    """|a| h / 8: above 1 a neuron forgets all but exp(-8) within a step."""
    two = one + one
    return abs(current - q[0]) * h / (two * two * two)


def strong_exponential(q, shared, h, s, current, one):
    """`exponential`; for strong drives without differences of large numbers.

    With c = a + r for a >= 0 and r - |a| else, r = g + gq, the terms of order |a|
    cancel:

        a >= 0:  D = p + E (1 - p) + r p psi ,
                 dp'/dI = p' h (E (1 - p) + r h p lambda) / D ,
        a < 0:   D = (1 - p) + E p + r p psi ,
                 dp'/dI = p' h ((1 - p) + r h p mu) / D ,

    lambda = (1 - E - x E) / x^2 and mu = (E - 1 + x) / x^2. Where x = |a| h is not
    larger than 8, the results are those of `exponential` to the bit, so that a sample
    does not depend on those beside it.
    """
    g, gq, p, zero = q[0], q[1], s[0], one - one
    two = one + one
    eight = two * two * two
    a, c, r = current - g, current + gq, g + gq
    x = abs(a) * h
    kept, lost, curved = decay(x)
    psi = h * lost
    chi = h * h * (curved if a >= 0 else lost - curved)
    # next to D^2 of a power near 1 even the smallest number would count
    kept = zero if a < 0 and x > vanishing(one) else kept
    left = one - p
    # a - a is NaN for an infinite drive, which must not go unnoticed
    far = (p if a >= 0 else left) + (kept * (left if a >= 0 else p) + p * (r * psi)) + (a - a)
    near = (kept if a >= 0 else one) + c * p * psi
    inverse = one / (far if x > eight else near)
    p_next = (p if a >= 0 else p * kept) * inverse
    near = h - p * (psi + c * chi) * inverse
    # lambda is not wanted where x may be 0
    bent = (lost - kept) / (x if x > eight else one)
    far = (kept if a >= 0 else one) * left + p * (r * h) * (bent if a >= 0 else curved)
    by_i = p_next * (h * far * inverse if x > eight else near)
    by_c = -p_next * p * psi * inverse
    by_numbers = (by_c - by_i, by_c, zero, zero, zero)
    return (p_next,), ((kept * inverse * inverse,),), (by_i,), (by_numbers,)


def raised(q, s, one):
    """Never below the floor; the derivatives are zero where it holds."""
    p, floor = s[0], q[2]
    held = p <= floor
    return (floor if held else p,), (not held,)


def raised_above(q, s, one):
    """`raised`, but a floor of 0 is none: Euler's power may be below zero."""
    p, floor = s[0], q[2]
    # not `and`, which would be a branch
    held = (p <= floor) & (floor > one - one)
    return (floor if held else p,), (not held,)


def kicked(p, length, cosine, one):
    """(p', dp'/dp, dp'/dr^2) of a kick of the amplitude with r^2 = length: p' = p +
    2 r sqrt(p) cos(theta) + r^2.

    Where rounding takes p' below zero, it is zero and so are the derivatives.
    """
    zero = one - one
    mixed = square_root(length * p) * cosine
    p_next = (p + length) + (mixed + mixed)
    slope = one + (mixed / p if p > zero else zero)
    by_length = one + (mixed / length if length > zero else zero)
    below = p_next < zero
    return (zero if below else p_next), (zero if below else slope), (zero if below else by_length)


def kick_below_one(q, h, s, r2, cosine, one):
    """`kicked` with r^2 scaled to eq. (6), held below 1: eq. (1) has no meaning beyond,
    and a strong negative drive would let it grow.
    """
    zero = one - one
    variance = q[3] * h / (one + one)
    p, slope, by_length = kicked(s[0], r2 * variance, cosine, one)
    above = p > one
    slope = zero if above else slope
    by_noise = zero if above else by_length * (r2 * h / (one + one))
    return (one if above else p,), ((slope,),), ((zero, zero, zero, by_noise, zero),)


def kick_from_zero(q, h, s, r2, cosine, one):
    """`kicked` after Euler's step, which is raised to 0 before."""
    zero = one - one
    variance = q[3] * h / (one + one)
    below = s[0] < zero
    p, slope, by_length = kicked(zero if below else s[0], r2 * variance, cosine, one)
    slope = zero if below else slope
    by_noise = by_length * (r2 * h / (one + one))
    return (p,), ((slope,),), ((zero, zero, zero, by_noise, zero),)


# ---- linewidth ----


def linewidth(config: NetworkConfig, nonlinear_shift: float = 0.0) -> float:
    """Linewidth of an oscillator at its fixed bias, full width at half maximum in Hz.

    (1 + nu^2) gamma eta / (4 pi p*) with p* = (xi_0 - 1) / (xi_0 + Q) [field]: the
    phase of the amplitude diffuses with D / p*, D = gamma eta / 2; eta is
    `Oscillator.thermal_power`.

    Args:
        config: of a network of oscillators.
        nonlinear_shift: nu = 2 (domega/dp) / [gamma (xi_0 + Q)], omega the angular
            frequency: the nonlinear frequency shift over the total nonlinear damping of
            the amplitude, which is half of that of the power. Eq. (1) does not need it.
    Raises:
        ConfigError: nonlinear_shift is not finite, or the network is not of
            oscillators alone.
    """
    width = _width_of_unit_power(config, nonlinear_shift)
    return config.neuron.thermal_power * width


def thermal_power(linewidth: float, config: NetworkConfig, nonlinear_shift: float = 0.0) -> float:
    """`Oscillator.thermal_power` of a measured linewidth: `linewidth` turned round.

    Args:
        linewidth: Hz, full width at half maximum, measured at the fixed bias of config.
        config, nonlinear_shift: as in `linewidth`.
    Raises:
        ConfigError: as in `linewidth`; also for a linewidth that is not positive, or so
            wide that the noise power is none.
    """
    if not 0 < linewidth < math.inf:
        raise ConfigError([f"linewidth: must be a positive frequency in Hz, got {linewidth}"])
    power = linewidth / _width_of_unit_power(config, nonlinear_shift)
    if power > LARGEST_THERMAL_POWER:
        raise ConfigError(
            [
                f"linewidth: {linewidth:g} Hz would be a noise power of {power:.3g},"
                f" the largest is {LARGEST_THERMAL_POWER:g}; most of it is probably"
                " the nonlinear frequency shift's, which is given as"
                f" {nonlinear_shift:g} (nonlinear_shift)"
            ]
        )
    return power


def _width_of_unit_power(config, nonlinear_shift):
    if not isinstance(config.neuron, Oscillator):
        here = title_of(config)
        raise ConfigError([f"linewidth: give a network of oscillators alone, not {here}"])
    if not math.isfinite(nonlinear_shift):
        raise ConfigError([f"nonlinear_shift: must be a finite number, got {nonlinear_shift}"])
    rest = config.reduced().rest
    return (1 + nonlinear_shift**2) / (4 * math.pi * config.time_unit * rest)
