"""Energy of an inference, from powers that are assumed."""

import math

from spinrnn.config.run import NetworkConfig
from spinrnn.errors import ConfigError
from spinrnn.synapses.layout import Layout, existing

NEURON_POWER = 0.65e-6
"""W, electrical power of one oscillator [ours]: with it the default network, 96 neurons
and 64 points of 10 ns, takes the about 40 pJ per image that the paper gives for "a
modest network". It is that figure turned round and no measurement; put in your
device's."""
SYNAPSE_POWER = 0.0
"""W, of one synaptic weight [ours]: unknown, and counted as part of the neurons' unless
it is given."""


def _positive(power):
    return isinstance(power, (int, float)) and 0 <= power < math.inf


def synapses(config: NetworkConfig) -> int:
    """Number of weights of a network that exist: input, interlayer, recurrent and
    output weights."""
    return sum(
        existing(config, name, shape)
        for name, (_, shape) in Layout(config).blocks.items()
        if len(shape) == 2
    )


def inference_energy(
    config: NetworkConfig,
    points: int,
    neuron_power: float = NEURON_POWER,
    synapse_power: float = SYNAPSE_POWER,
) -> float:
    """Energy of one inference in joules. Never show it without its assumptions.

    E = (n_neurons P_neuron + n_synapses P_synapse) N_points Delta t.

    Args:
        config: of whose layers all neurons count, the outputs of eq. (4) not.
        points: input points of one case.
        neuron_power, synapse_power: in watts, the defaults are assumptions.
    Raises:
        ConfigError: a power is negative or not finite, or there is no input point.
    """
    powers = {"neuron_power": neuron_power, "synapse_power": synapse_power}
    problems = [
        f"{name}: must be a power in watts from 0, got {power}"
        for name, power in powers.items()
        if not _positive(power)
    ]
    if not (isinstance(points, int) and points >= 1):
        problems.append(f"points: must be a whole number of at least 1, got {points}")
    if not isinstance(config, NetworkConfig):
        problems.append(f"config: must be a NetworkConfig, got a {type(config).__name__}")
    if problems:
        raise ConfigError(problems)
    power = sum(config.layers) * neuron_power + synapses(config) * synapse_power
    return power * points * config.input_interval
