"""Writing a network that was trained elsewhere into fresh devices, each until it is
near enough to what is wanted.
"""

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from spinrnn.config import kinds
from spinrnn.errors import ConfigError
from spinrnn.networks.making import network_of
from spinrnn.synapses.protocol import Events

_WRITING = 7
"""Purpose of random numbers; those before are of `synapses.connections` and others."""


class Written(NamedTuple):
    """What `write_devices` gives.

    Attributes:
        network: with the devices as they were written.
        events: what that took; refused: devices that never came near enough.
        attempts: {block: (targets, sources)} of each device.
    """

    network: Any
    events: Events
    attempts: dict[str, np.ndarray]


def write_devices(net: Any, synapse: Any = None, seed: int = 0) -> Written:
    """Writes the trained numbers of a network into fresh devices with verification:
    each is written again until its error is within the margin.

    Args:
        net: trained with any kind of synapse; it is not changed. synapse: what it is
            written into, as DomainWall(states=3); None: the network's own kind.
        seed: of the devices and the writing.
    Raises:
        ConfigError: the kind cannot be written with verification, or is none.
    """
    kind = kinds.made_of("synapse", net.config.synapse if synapse is None else synapse)
    if not hasattr(kind, "write"):
        raise ConfigError([f"synapse: {kind.kind} has no writing with verification"])
    other = network_of(dataclasses.replace(net.config, synapse=kind), seed=seed)
    other.parameters, other.scaling = net.parameters, net.scaling
    other.buffers = {name: array.copy() for name, array in net.buffers.items()}
    if net.mask is not None:
        other.mask = net.mask.copy()
    if net.devices is not None:
        other.devices = net.devices
    events, attempts = other.connections.write(
        other.parameters, other.mask, np.random.default_rng([seed, _WRITING])
    )
    return Written(other, events, attempts)
