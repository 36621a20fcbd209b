"""Energy of an inference, from powers that are assumed."""

import math
from dataclasses import dataclass

import numpy as np

from spinrnn.config.run import NetworkConfig
from spinrnn.errors import ConfigError, DataError
from spinrnn.neurons.oscillator import _positive
from spinrnn.synapses.layout import Layout, existing

NEURON_POWER = 0.65e-6
"""W, electrical power of one oscillator [ours]: with it the default network, 96 neurons and 64 points of 10 ns, takes the about 40 pJ per image that the
paper gives for "a modest network". It is that figure turned round and no measurement; put in your device's."""
SYNAPSE_POWER = 0.0
"""W, of one synaptic weight [ours]: unknown, and counted as part of the neurons' unless it is given."""


def synapses(config):
    """Number of weights of a network that exist: input, interlayer, recurrent and output weights.

    Args:
        config: `NetworkConfig`.
    """
    return sum(
        existing(config, name, shape)
        for name, (_, shape) in Layout(config).blocks.items()
        if len(shape) == 2
    )


def inference_energy(config, points, neuron_power=NEURON_POWER, synapse_power=SYNAPSE_POWER):
    """Energy of one inference, E = (n_neurons P_neuron + n_synapses P_synapse) N_points Delta t, in joules. Never show it without its assumptions.

    Args:
        config: `NetworkConfig`, of whose layers all neurons count, the outputs of eq. (4) not; points: input points of one case;
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


@dataclass(frozen=True, eq=False)
class Energy:
    """Electrical energy of one case over time, for assumed powers.

    Attributes:
        time: (time,) s; neurons, synapses, total: (time,) J, spent until then.
        neuron_count, synapse_count; neuron_power, synapse_power: W, of one, as assumed.
    """

    time: np.ndarray
    neurons: np.ndarray
    synapses: np.ndarray
    total: np.ndarray
    neuron_count: int
    synapse_count: int
    neuron_power: float
    synapse_power: float


def energy(time, neurons, synapses=0, neuron_power=NEURON_POWER, synapse_power=SYNAPSE_POWER):
    """Energy of one case, E = (n_neurons P_neuron + n_synapses P_synapse) t, as `spinrnn.inference_energy` has it. Never show it without its assumptions.

    Args:
        time: (time,) s; neurons, synapses: their numbers; neuron_power, synapse_power: W of one, the defaults are assumptions.
    Returns:
        `Energy`.
    Raises:
        DataError: a power is negative or not finite.
    """
    for name, power in (("neuron_power", neuron_power), ("synapse_power", synapse_power)):
        if not 0 <= power < math.inf:
            raise DataError(f"{name}: must be a power in watts from 0, got {power}")
    elapsed = np.asarray(time, dtype=np.float64) - time[0]
    parts = neurons * neuron_power * elapsed, synapses * synapse_power * elapsed
    return Energy(elapsed, *parts, sum(parts), neurons, synapses, neuron_power, synapse_power)
