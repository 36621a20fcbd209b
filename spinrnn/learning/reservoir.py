"""A reservoir: nothing but the readout is learned, in closed form."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from spinrnn.datasets.stretches import windows
from spinrnn.errors import ConfigError
from spinrnn.learning.protocol import Estimator
from spinrnn.learning.ridge import (
    Sums,
    known_alike,
    scattered,
    solve_each,
    sums_each,
    total_each,
)
from spinrnn.networks.recurrent import Network
from spinrnn.networks.scaling import Scaling

CASES, NUMBERS = 256, 1 << 22
"""Cases whose features are in memory at once, at most, and numbers of features, if a
case does not have more."""


@dataclass(frozen=True)
class Reservoir(Estimator):
    """Ridge regression of the output weights; all others stay as they were drawn. The
    penalty is the one with the lowest squared error on the validation part.
    """

    kind = "reservoir"
    at_once = True
    hears_devices = False
    ideal_synapses = True
    needs = frozenset({"time"})

    def fit(self, net: Network, task: Any, training: Any, validation: Any) -> float:
        """Writes output weights and biases to the network's parameters; returns the
        penalty.

        Classes are learned as targets of 1 and 0.

        Raises:
            ConfigError: the network's synapses cannot be written exactly.
        """
        others = [one.kind for one in net.config.synapses if not one.direct]
        if others:
            here = " and ".join(dict.fromkeys(others))
            raise ConfigError([f"estimator.kind: reservoir needs ideal synapses, these are {here}"])
        probe = _probe(net)
        # many cases of a series run side by side, one long one does not
        parts = training, windows(validation, task.washout, task.window)
        groups = known_alike(_targets(probe, task, part, net) for part in parts)
        known, learned = (total_each(_sums(probe, task, p, net, groups)) for p in parts[::-1])
        *found, penalty = solve_each(learned, known)
        weights, biases = scattered(groups, *found)
        views, gain = net.views(), net.config.output_amplification
        views["w_out"][:], views["b_out"][:] = weights / gain, biases / gain
        return penalty


def _probe(net):
    """A network whose outputs are what the output weights act on."""
    config = dataclasses.replace(
        net.config, outputs=net.config.features, output_amplification=1.0, follows=()
    )
    probe = Network(config)
    own, given = probe.layout.named(probe.parameters), net.layout.named(net.parameters)
    for name, view in own.items():
        if not name.endswith("_out"):
            view[...] = given[name]
    own["w_out"][...], own["b_out"][...] = np.eye(config.features), 0
    if net.mask is not None:
        masks, whole = net.layout.named(net.mask), np.ones(probe.layout.size, dtype=bool)
        for name, view in probe.layout.named(whole).items():
            if not name.endswith("_out"):
                view[...] = masks[name]
        probe.mask = whole
    probe.devices = net.devices
    if net.scaling is not None:
        # what the outputs act on is no target
        probe.scaling = Scaling(net.scaling.input_mean, net.scaling.input_deviation)
    return probe


def _some(probe, data):
    """Some cases after the others."""
    size = probe.config.features * data.inputs.shape[2]
    at_once = max(1, min(CASES, NUMBERS // size))
    for first in range(0, len(data), at_once):
        yield data.take(slice(first, first + at_once))


def _targets(probe, task, data, net):
    """Targets of some cases after the others."""
    return (task.wanted(part, net.config.outputs) for part in _some(probe, data))


def _sums(probe, task, data, net, groups) -> Iterator[list[Sums]]:
    """Sums of each group of outputs over some cases, or over a piece of the time of a
    long one, after the others.
    """
    for part in _some(probe, data):
        targets = task.wanted(part, net.config.outputs)
        targets = targets if net.scaling is None else net.scaling.wanted(targets)
        if targets.ndim == 2:
            features = probe.forward(part.inputs, part.lengths)[:, :, None]
            yield sums_each(features, targets[:, :, None], groups, part.weights)
            continue
        for points, features in probe.pieces(part.inputs, part.lengths):
            yield sums_each(features, targets[:, :, points], groups, part.weights)
