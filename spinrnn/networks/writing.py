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
    """Writes the weights of a network into fresh devices with verification: each is
    written again until its error is within the margin.

    Args:
        net: trained with any kind of synapse; it is not changed. Of kinds that can be
            written so the weights that are wanted count, of others those that they
            have. synapse: what it is written into, as DomainWall(states=3); None: the
            network's own kinds.
        seed: of the devices and the writing.
    Raises:
        ConfigError: the kind cannot be written with verification, or is none.
    """
    given = net.config.synapse if synapse is None else kinds.made_of("synapse", synapse)
    other = network_of(dataclasses.replace(net.config, synapse=given), seed=seed)
    without = {kind.kind for kind in other.connections.kinds.values() if not _can_be_written(kind)}
    if without:
        names = " and ".join(sorted(without))
        raise ConfigError([f"synapse: {names} has no writing with verification"])
    other.parameters, other.scaling = _wanted(net), net.scaling
    other.buffers = {name: array.copy() for name, array in net.buffers.items()}
    if net.mask is not None:
        other.mask = net.mask.copy()
    if net.devices is not None:
        other.devices = net.devices
    events, attempts = other.connections.write(
        other.parameters, other.mask, np.random.default_rng([seed, _WRITING])
    )
    return Written(other, events, attempts)


def _can_be_written(kind):
    return hasattr(kind, "write")


def _wanted(net):
    """(size,) `parameters` with the weights that are to be written."""
    wanted, trained = net.effective().copy(), net.layout.named(net.parameters)
    for name, weights in net.layout.named(wanted).items():
        # a wall stands beside what is wanted; of a chain or a pair of cells the trained
        # number is no weight
        if name in net.connections.kinds and _can_be_written(net.connections.kinds[name]):
            weights[...] = trained[name]
    return wanted
