"""The oscillator's linewidth, and the noise power that it entails."""

import math

from spinrnn.config.run import LARGEST_THERMAL_POWER, NetworkConfig
from spinrnn.errors import ConfigError


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
