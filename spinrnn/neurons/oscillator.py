"""The spin-torque nano-oscillator: its quantities and numbers, eq. (1) to (6) of
docs/MODEL.md, and its linewidth with the noise power that it entails.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from spinrnn.config.quantity import quantity
from spinrnn.config.run import LARGEST_NUMBER, LARGEST_THERMAL_POWER, NetworkConfig
from spinrnn.errors import ConfigError
from spinrnn.neurons.protocol import Neuron, State


@dataclass(frozen=True)
class Oscillator(Neuron):
    """dp/dt = -gamma (1 + Q p) p + I p (1 - p), eq. (1): the power of a spin-torque
    nano-oscillator.
    """

    kind: ClassVar[str] = "oscillator"
    states: ClassVar[tuple[State, ...]] = (State("power", "1", "normalised power p"),)
    drive: ClassVar[State] = State("drive", "1/s", "drive I, a rate")
    schemes: ClassVar[tuple[str, ...]] = ("exponential", "euler")
    highpass: ClassVar[float | None] = 10.0

    relaxation_time: float = quantity(
        10e-9, "s", "tau = 1 / gamma", above=0, spread="gamma", fit="log"
    )
    bias_ratio: float = quantity(
        2.0,
        about="xi_0 = fixed bias / threshold, the supercriticality",
        above=1,
        high=LARGEST_NUMBER,
        spread="bias",
        fit="log",
    )
    nonlinear_damping: float = quantity(
        0.0, about="Q", low=0, high=LARGEST_NUMBER, source="field", spread=True, fit="log1p"
    )
    power_floor: float = quantity(
        1e-6, about="smallest power, stands for thermal fluctuations; 0 is none", low=0, high=0.1
    )
    thermal_power: float = quantity(
        0.0,
        about="eta, mean power that thermal noise alone sustains, eq. (6); 0 is no noise",
        low=0,
        high=LARGEST_THERMAL_POWER,
        source="field",
    )

    @property
    def time_unit(self) -> float:
        return self.relaxation_time

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
        power = (q["bias"] - q["damping"]) / (q["bias"] + q["saturation"])
        # a device whose own threshold is above its bias is silent but for the floor
        return (np.maximum(power, q["floor"]),)


def linewidth(config: NetworkConfig, nonlinear_shift: float = 0.0) -> float:
    """Linewidth of an oscillator at its fixed bias, full width at half maximum in Hz.

    (1 + nu^2) gamma eta / (4 pi p*) with p* = (xi_0 - 1) / (xi_0 + Q) [field]: the
    phase of the amplitude diffuses with D / p*, D = gamma eta / 2; eta is
    `NetworkConfig.thermal_power`.

    Args:
        config: of a network of oscillators.
        nonlinear_shift: nu = 2 (domega/dp) / [gamma (xi_0 + Q)], omega the angular
            frequency: the nonlinear frequency shift over the total nonlinear damping of
            the amplitude, which is half of that of the power. Eq. (1) does not need it.
    Raises:
        ConfigError: nonlinear_shift is not finite, or a CTRNN is given, which has no
            linewidth.
    """
    return config.thermal_power * _width_of_unit_power(config, nonlinear_shift)


def thermal_power(linewidth: float, config: NetworkConfig, nonlinear_shift: float = 0.0) -> float:
    """`NetworkConfig.thermal_power` of a measured linewidth: `linewidth` turned round.

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
    if config.neuron != "oscillator":
        raise ConfigError(["linewidth: the CTRNN has none"])
    if not math.isfinite(nonlinear_shift):
        raise ConfigError([f"nonlinear_shift: must be a finite number, got {nonlinear_shift}"])
    rest = config.reduced().rest
    return (1 + nonlinear_shift**2) / (4 * math.pi * config.relaxation_time * rest)
