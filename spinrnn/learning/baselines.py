"""What simple methods reach on a task at every point: the last value, a linear readout
of delays, a plain echo state network. Their readouts are ridge regressions whose
penalty, and the network's parameters too, are chosen on the validation part.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from spinrnn.config.run import NetworkConfig, RunConfig
from spinrnn.datasets.dataset import Dataset
from spinrnn.datasets.parts import divide
from spinrnn.learning.esn import NUMBERS, EchoState
from spinrnn.learning.ridge import (
    known_alike,
    scattered,
    solve_each,
    squared_error,
    sums_each,
    total_each,
)
from spinrnn.networks.recurrent import Network
from spinrnn.tasks.protocol import Evaluation

RADII, SCALINGS, LEAKS = (0.8, 0.95), (0.1, 0.3, 1.0), (1.0, 0.3)
"""Of the echo state networks that are tried."""

Features = Callable[[np.ndarray], Iterator[tuple[slice, np.ndarray]]]
"""Of inputs (case, channel, time): (cases, features (case, F, time)) of some after the
others."""


@dataclass
class Baseline:
    """What a simple method has reached.

    Attributes:
        name: "last value", "delays" or "ESN".
        features: numbers that its readout acts on.
        evaluation: of the test part, as `spinrnn.evaluate` has it of a network.
        outputs: (case, K, time) of the test part; targets: its `Targets`.
        chosen: {parameter: value} that the validation part has chosen.
    """

    name: str
    features: int
    evaluation: Evaluation
    outputs: np.ndarray
    targets: Any
    chosen: dict[str, float]


def baselines(config: RunConfig, data: Dataset, neurons: int, seed: int = 0) -> list[Baseline]:
    """The baselines of a run's task, on the parts that the run has. Where the network
    reads squares too, so do delays and the echo state network.

    Args:
        config: its task, data and `network.readout_features` are used; data: as they
            lie.
        neurons: of the echo state network, and delays of the linear readout.
        seed: of the echo state network.
    Raises:
        DataError: the data do not fit the task, or have no targets at every point.
    """
    parts = divide(data, config)
    sizes = config.task.sizes(config.task.prepared(data))
    inputs = sizes["inputs"]
    methods = {"last value": [({}, _delays(1))], "delays": [({}, _delays(neurons))]}
    methods["ESN"] = [
        (
            {"radius": radius, "scaling": scaling, "leak": leak},
            EchoState(neurons, inputs, radius, scaling, leak, seed).blocks,
        )
        for radius, scaling, leak in itertools.product(RADII, SCALINGS, LEAKS)
    ]
    if config.network.readout_features == "quadratic":
        for name in ("delays", "ESN"):
            methods[name] = [(chosen, _with_squares(own)) for chosen, own in methods[name]]
    fitted = _Fits(config.task, parts, sizes)
    return [fitted.best(name, tried) for name, tried in methods.items()]


def _with_squares(features: Features) -> Features:
    """The features, then their squares."""

    def blocks(u):
        for cases, x in features(u):
            yield cases, np.concatenate([x, x**2], axis=1)

    return blocks


def _delays(count: int) -> Features:
    """u(t), u(t-1), ... u(t-count+1) of each channel, 0 before a case's start."""

    def blocks(u):
        at_once = max(1, NUMBERS // (count * u.shape[1] * u.shape[2]))
        for first in range(0, len(u), at_once):
            cases = slice(first, first + at_once)
            own = u[cases]
            found = np.zeros((len(own), count, *own.shape[1:]))
            for delay in range(min(count, own.shape[2])):
                found[:, delay, :, delay:] = own[:, :, : own.shape[2] - delay]
            yield cases, found.reshape(len(own), -1, own.shape[2])

    return blocks


class _Fits:
    """Ridge regressions of one task on one split."""

    def __init__(self, task, parts, sizes):
        self.task, self.parts, self.outputs = task, parts, sizes["outputs"]
        # a network of one neuron knows what targets are
        config = NetworkConfig(
            layers=(1,), inputs=sizes["inputs"], outputs=self.outputs, readout="points"
        )
        self.net = Network(config)
        wanted = [[task.wanted(part, self.outputs)] for part in parts[:2]]
        self.groups = known_alike(wanted)

    def best(self, name, tried) -> Baseline:
        """Of the methods [(parameters, features)] the best on the validation part."""
        found = None
        for chosen, features in tried:
            training, known = (self._sums(features, part) for part in self.parts[:2])
            weights, biases, penalty = solve_each(training, known)
            each = zip(known, weights, biases, strict=True)
            error = sum(squared_error(sums, w.T, b) for sums, w, b in each)
            weights, biases = scattered(self.groups, weights, biases)
            if found is None or error < found[0]:
                found = error, chosen | {"penalty": penalty}, features, weights, biases
        assert found is not None, "nothing was tried"
        _, chosen, features, weights, biases = found
        test = self.parts[2]
        outputs = np.concatenate(
            [
                np.einsum("kf,bft->bkt", weights, x) + biases[:, None]
                for _, x in features(np.asarray(test.inputs, np.float64))
            ]
        )
        targets = self.task.targets(self.net, test)
        evaluation = self.task.evaluation(outputs, targets)
        return Baseline(name, weights.shape[1], evaluation, outputs, targets, chosen)

    def _sums(self, features, part):
        wanted = self.task.wanted(part, self.outputs)

        def blocks():
            for cases, x in features(np.asarray(part.inputs, np.float64)):
                yield sums_each(x, wanted[cases], self.groups)

        return total_each(blocks())
