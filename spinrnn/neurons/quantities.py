"""Quantities derived from a network and its inputs, by which runs are compared."""

import math

import numpy as np

from spinrnn.config.run import LARGEST_THERMAL_POWER, NetworkConfig
from spinrnn.errors import ConfigError, DataError
from spinrnn.synapses.layout import Layout, existing

NEURON_POWER = 0.65e-6
"""W, electrical power of one oscillator [ours]: with it the default network, 96 neurons and 64 points of 10 ns, takes the about 40 pJ per image that the
paper gives for "a modest network". It is that figure turned round and no measurement; put in your device's."""
SYNAPSE_POWER = 0.0
"""W, of one synaptic weight [ours]: unknown, and counted as part of the neurons' unless it is given."""

_BYTES = 64e6
"""Size of the trajectories kept at a time."""


def synapses(config):
    """Number of weights of a network that exist: input, interlayer, recurrent and output weights.

    Args:
        config: `NetworkConfig`.
    """
    return sum(existing(config, name, shape) for name, (_, shape) in Layout(config).blocks.items() if len(shape) == 2)


def inference_energy(config, points, neuron_power=NEURON_POWER, synapse_power=SYNAPSE_POWER):
    """Energy of one inference, E = (n_neurons P_neuron + n_synapses P_synapse) N_points Delta t, in joules. Never show it without its assumptions.

    Args:
        config: `NetworkConfig`, of whose layers all neurons count, the outputs of eq. (4) not; points: input points of one case;
        neuron_power, synapse_power: in watts, the defaults are assumptions.
    Raises:
        ConfigError: a power is negative or not finite, or there is no input point.
    """
    powers = {"neuron_power": neuron_power, "synapse_power": synapse_power}
    problems = [f"{name}: must be a power in watts from 0, got {power}" for name, power in powers.items() if not _positive(power)]
    if not (isinstance(points, int) and points >= 1):
        problems.append(f"points: must be a whole number of at least 1, got {points}")
    if not isinstance(config, NetworkConfig):
        problems.append(f"config: must be a NetworkConfig, got a {type(config).__name__}")
    if problems:
        raise ConfigError(problems)
    power = sum(config.layers) * neuron_power + synapses(config) * synapse_power
    return power * points * config.input_interval


def _positive(power):
    return isinstance(power, (int, float)) and 0 <= power < math.inf


def linewidth(config, nonlinear_shift=0.0):
    """Linewidth (Hz, full width at half maximum) of an oscillator at its fixed bias that `NetworkConfig.thermal_power` eta entails.

    (1 + nu^2) gamma eta / (4 pi p*) with p* = (xi_0 - 1) / (xi_0 + Q) [field]: the phase of the amplitude diffuses with D / p*, D = gamma eta / 2.

    Args:
        config: `NetworkConfig`; nonlinear_shift: nu = 2 (domega/dp) / [gamma (xi_0 + Q)], omega the angular frequency: the nonlinear frequency shift over
            the total nonlinear damping of the amplitude, which is half of that of the power. Eq. (1) does not need it.
    Raises:
        ConfigError: nonlinear_shift is not finite, or a CTRNN is given, which has no linewidth.
    """
    return config.thermal_power * _width_of_unit_power(config, nonlinear_shift)


def thermal_power(linewidth, config, nonlinear_shift=0.0):
    """`NetworkConfig.thermal_power` eta of a measured linewidth (Hz, full width at half maximum): `linewidth` turned round.

    Args:
        linewidth: measured at the fixed bias of config; config, nonlinear_shift: as in `linewidth`.
    Raises:
        ConfigError: as in `linewidth`; also for a linewidth that is not positive, or so wide that the noise power is none.
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


def cumulative_drive(net, u, lengths=None):
    """Mean over cases, input points and neurons of | integral over one input interval of (I(t) - gamma xi_0) dt |, dimensionless.

    Name and reference value 1 are the paper's, the definition is ours: far below 1 a neuron cannot follow its input. In the CTRNN, which has no
    threshold, the argument of tanh takes the place of (I - gamma xi_0) / gamma. Of devices that differ xi_0 is each one's own fixed bias.

    Args:
        net: `Network`; u: (case, channel, time); lengths: (case,) input points of each case, or None, as in `Network.forward`.
    Returns:
        float.
    Raises:
        DataError: inputs do not fit, or there are none; DivergenceError: a state became infinite or NaN.
    """
    u, lengths = net.check_inputs(u, lengths)
    if not len(u):
        raise DataError("inputs: no cases, the cumulative drive is a mean over them")
    config = net.config
    substeps, neurons = config.resolved_substeps, sum(config.layers)
    if config.neuron == "oscillator":
        scale, bias = config.input_interval / substeps, config.bias_ratio * config.input_interval / config.relaxation_time
    else:
        scale, bias = config.input_interval / config.relaxation_time / substeps, 0.0
    # a trajectory has four numbers for each case, neuron and substep, and `simulate` another four while it works
    cases = max(1, int(_BYTES / (8 * np.dtype(config.dtype).itemsize * neurons * u.shape[2] * substeps)))
    own = [np.ones(n) for n in config.layers] if net.devices is None else net.devices.by_layer(config)["bias"]
    total = 0.0
    for start in range(0, len(u), cases):
        part = slice(start, start + cases)
        for factor, drive in zip(own, net.simulate(u[part], lengths[part], start).drive, strict=True):  # noise of its own for each part
            integral = drive.reshape(*drive.shape[:2], -1, substeps).sum(axis=-1, dtype=np.float64) * scale - (bias * factor)[:, None]
            total += float(np.nansum(np.abs(integral)))  # NaN after a case's own end
    return total / (int(lengths.sum()) * neurons)
