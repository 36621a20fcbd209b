"""A reservoir: nothing but the readout is learned, in closed form."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg

from spinrnn.errors import ConfigError
from spinrnn.learning.protocol import Estimator
from spinrnn.networks.recurrent import Network
from spinrnn.networks.scaling import Scaling

PENALTIES = tuple(10.0**k for k in range(-9, 3))
"""That are tried, in units of the mean square of what the output weights act on."""
CASES = 256
"""Whose features are in memory at once."""


@dataclass(frozen=True)
class Reservoir(Estimator):
    """Ridge regression of the output weights; all others stay as they were drawn. The
    penalty is the one with the lowest squared error on the validation part.
    """

    kind = "reservoir"
    at_once = True

    def fit(self, net: Network, task: Any, training: Any, validation: Any) -> float:
        """Writes output weights and biases to the network's parameters; returns the
        penalty.

        Classes are learned as targets of 1 and 0.

        Raises:
            ConfigError: the network's synapses cannot be written exactly.
        """
        if not net.config.synapse.direct:
            kind = net.config.synapse.kind
            raise ConfigError([f"estimator.kind: reservoir needs ideal synapses, these are {kind}"])
        probe, found = _probe(net), None
        known = list(_sums(probe, task, validation, net))
        gram, moment, _ = _total(_sums(probe, task, training, net))
        scale = np.trace(gram[:-1, :-1]) / max(gram[-1, -1], 1) / (len(gram) - 1)
        # the last row is the bias, which is not held back
        ridge = np.append(np.ones(len(gram) - 1), 0.0) * scale * gram[-1, -1]
        for penalty in PENALTIES:
            weights = linalg.solve(gram + np.diag(penalty * ridge), moment, assume_a="sym")
            error = _squared_error(_total(known), weights)
            if found is None or error < found[0]:
                found = error, penalty, weights
        assert found is not None
        views, weights = net.views(), found[2].T / net.config.output_amplification
        views["w_out"][:], views["b_out"][:] = weights[:, :-1], weights[:, -1]
        return found[1]


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


def _sums(probe, task, data, net) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(X^T X, X^T Y, Y^T Y) of some cases after the others; X has a column of ones."""
    for first in range(0, len(data), CASES):
        part = data.take(slice(first, first + CASES))
        features = probe.forward(part.inputs, part.lengths).astype(np.float64)
        targets = task.wanted(part, net.config.outputs)
        targets = targets if net.scaling is None else net.scaling.wanted(targets)
        features = features.reshape(*features.shape[:2], -1)
        targets = targets.reshape(*targets.shape[:2], -1)
        rows = np.moveaxis(features, 1, 2).reshape(-1, features.shape[1])
        values = np.moveaxis(targets, 1, 2).reshape(-1, targets.shape[1])
        there = np.isfinite(values).all(axis=1) & np.isfinite(rows).all(axis=1)
        x, y = np.column_stack([rows[there], np.ones(int(there.sum()))]), values[there]
        if part.weights is not None:
            # a squared error times its weight is that of rows times the weight's root
            root = np.sqrt(np.repeat(part.weights, features.shape[2])[there])[:, None]
            x, y = root * x, root * y
        yield x.T @ x, x.T @ y, y.T @ y


def _total(sums):
    return tuple(np.sum(parts, axis=0) for parts in zip(*sums, strict=True))


def _squared_error(sums, weights):
    """Sum of (X W - Y)^2."""
    gram, moment, square = sums
    return float(np.trace(weights.T @ gram @ weights - 2 * weights.T @ moment + square))
