"""Quantities derived from a network and its inputs, by which runs are compared."""

import math

from spinrnn.config.run import LARGEST_THERMAL_POWER
from spinrnn.errors import ConfigError


def _positive(power):
    return isinstance(power, (int, float)) and 0 <= power < math.inf


def linewidth(config, nonlinear_shift=0.0):
    """Linewidth (Hz, full width at half maximum) of an oscillator at its fixed bias
    that `NetworkConfig.thermal_power` eta entails.

    (1 + nu^2) gamma eta / (4 pi p*) with p* = (xi_0 - 1) / (xi_0 + Q) [field]: the
    phase of the amplitude diffuses with D / p*, D = gamma eta / 2.

    Args:
        config: `NetworkConfig`; nonlinear_shift: nu = 2 (domega/dp) / [gamma (xi_0 +
            Q)], omega the angular frequency: the nonlinear frequency shift over the
            total nonlinear damping of the amplitude, which is half of that of the
            power. Eq. (1) does not need it.
    Raises:
        ConfigError: nonlinear_shift is not finite, or a CTRNN is given, which has no
            linewidth.
    """
    return config.thermal_power * _width_of_unit_power(config, nonlinear_shift)


def thermal_power(linewidth, config, nonlinear_shift=0.0):
    """`NetworkConfig.thermal_power` eta of a measured linewidth (Hz, full width at half
    maximum): `linewidth` turned round.

    Args:
        linewidth: measured at the fixed bias of config; config, nonlinear_shift: as in
            `linewidth`.
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
                f"linewidth: {linewidth:g} Hz would be a noise power of {power:.3g}, the largest is {LARGEST_THERMAL_POWER:g}; most of it is probably"
                f" the nonlinear frequency shift's, which is given as {nonlinear_shift:g} (nonlinear_shift)"
            ]
        )
    return power


def _width_of_unit_power(config, nonlinear_shift):
    if config.neuron != "oscillator":
        raise ConfigError(["linewidth: the CTRNN has none"])
    if not math.isfinite(nonlinear_shift):
        raise ConfigError([f"nonlinear_shift: must be a finite number, got {nonlinear_shift}"])
    return (1 + nonlinear_shift**2) / (4 * math.pi * config.relaxation_time * config.reduced().rest)
