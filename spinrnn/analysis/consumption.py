"""Energy that a case takes over time, from powers that are assumed."""

import math
from dataclasses import dataclass

import numpy as np

from spinrnn.analysis.answer import MOST, Answer, Settings, evenly, table
from spinrnn.analysis.powers import NEURON_POWER, SYNAPSE_POWER, synapses
from spinrnn.arrays import array_of
from spinrnn.errors import DataError
from spinrnn.recordings.recording import Recording


@dataclass(frozen=True, eq=False)
class Energy:
    """Electrical energy of one case over time, for assumed powers.

    Attributes:
        time: (time,) s; neurons, synapses, total: (time,) J, spent until then.
        neuron_count, synapse_count: numbers of them.
        neuron_power, synapse_power: W, of one, as assumed.
    """

    time: np.ndarray
    neurons: np.ndarray
    synapses: np.ndarray
    total: np.ndarray
    neuron_count: int
    synapse_count: int
    neuron_power: float
    synapse_power: float


def energy(
    time: np.ndarray,
    neurons: int,
    synapses: int = 0,
    neuron_power: float = NEURON_POWER,
    synapse_power: float = SYNAPSE_POWER,
) -> Energy:
    """Energy of one case, E = (n_neurons P_neuron + n_synapses P_synapse) t.

    As `spinrnn.inference_energy` has it. Never show it without its assumptions.

    Args:
        time: (time,) s; neurons, synapses: their numbers.
        neuron_power, synapse_power: W of one, the defaults are assumptions.
    Raises:
        DataError: a power is negative or not finite.
    """
    for name, power in (("neuron_power", neuron_power), ("synapse_power", synapse_power)):
        if not 0 <= power < math.inf:
            raise DataError(f"{name}: must be a power in watts from 0, got {power}")
    time = np.asarray(array_of(time, "time"), dtype=np.float64)
    elapsed = time - time[0]
    of_neurons = neurons * neuron_power * elapsed
    of_synapses = synapses * synapse_power * elapsed
    return Energy(
        time=elapsed,
        neurons=of_neurons,
        synapses=of_synapses,
        total=of_neurons + of_synapses,
        neuron_count=neurons,
        synapse_count=synapses,
        neuron_power=neuron_power,
        synapse_power=synapse_power,
    )


def measure_energy(recording: Recording, settings: Settings) -> Answer:
    """Energy of a case."""
    power = settings.neuron_power
    if power is None and recording.network is None:
        raise DataError("it needs the power that a neuron of yours takes (--neuron-power)")
    power = NEURON_POWER if power is None else power
    neurons, weights = sum(p.shape[1] for p in recording.power.values()), 0
    if recording.network is not None:
        config = recording.network.config
        neurons, weights = sum(config.layers), synapses(config)
    time = recording.time[evenly(len(recording.time), MOST)]
    found = energy(time, neurons, weights, power, settings.synapse_power)
    line = (
        f"{found.total[-1]:.4g} J in {found.time[-1]:.4g} s, assuming {found.neuron_power:.3g} W "
        f"for each of {neurons} neurons and {found.synapse_power:.3g} W for each of {weights} "
        "synapses"
    )
    others = [k for k in recording.layers if not recording.kind_of(k).threshold]
    if settings.neuron_power is None and others:
        line += "; that is the power of the paper's oscillators, and these are others"
        line += " (--neuron-power)"
    columns = {
        "time_s": found.time,
        "neurons_j": found.neurons,
        "synapses_j": found.synapses,
        "total_j": found.total,
    }
    numbers = {
        "energy": (found.total[-1], "J", "energy of a case, for the powers assumed"),
        "duration": (found.time[-1], "s", "of a case"),
        "neurons": (neurons, "1", "number of neurons"),
        "synapses": (weights, "1", "number of weights"),
        "neuron_power": (found.neuron_power, "W", "assumed for each neuron"),
        "synapse_power": (found.synapse_power, "W", "assumed for each weight"),
    }
    return Answer(table(columns), [line], numbers, (found,))
