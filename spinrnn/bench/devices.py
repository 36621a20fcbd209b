"""The works by which networks of devices are compared: training steps of layers without
time, each in turns with the same in other libraries.

`binary`: 784-n-n-10, binary weights and sign neurons. `walls`: domain walls of five
states. `pulses`: a pulse table, in whole pulses; both with ReLU. All have batch
normalisation and Adam. `rf`: the RF network of `systems.rf`, an epoch of 3 steps of 256
of its spectra.
"""

from typing import Any

import numpy as np

from spinrnn.bench.reference import Row, new_row
from spinrnn.bench.timing import Times, seconds_of
from spinrnn.config.run import RunConfig, from_tables
from spinrnn.datasets.loading import load_dataset
from spinrnn.learning.learner import GradientLearner
from spinrnn.machine import threads
from spinrnn.networks.making import network_of
from spinrnn.networks.targets import checked_targets
from spinrnn.systems import rf

WORKS = ("binary", "walls", "pulses", "rf")
INPUTS, CLASSES = 784, 10
RF_NEURONS, RF_BATCH, RF_STEPS = 128, 256, 3
_CURVE = tuple(0.02 * np.exp(-2 * np.linspace(0, 1, 11)))
"""A response to pulses that grows smaller towards the end of the window."""
_DEVICES: dict[str, dict[str, Any]] = {
    "binary": {"synapse": {"kind": "sign"}, "activation": {"kind": "sign"}},
    "walls": {"synapse": {"kind": "domain_wall"}, "activation": {"kind": "relu"}},
    "pulses": {
        "synapse": {
            "kind": "measured",
            "potentiation": list(map(float, _CURVE)),
            "depression": list(map(float, _CURVE[::-1])),
            "potentiation_scatter": 0.002,
            "depression_scatter": 0.002,
        },
        "activation": {"kind": "relu"},
        "writer": {"kind": "pulses"},
    },
}
RATE = 1e-3
"""Of Adam; with the writer's scale it is a pulse at a time."""


def work_config(work: str, neurons: int) -> RunConfig:
    """The configuration of one of `WORKS` other than `rf`."""
    network = {
        "kind": "feedforward",
        "layers": [neurons, neurons],
        "inputs": INPUTS,
        "outputs": CLASSES,
        "normalisation": "batch",
    }
    train = {"learning_rate": RATE, "clip": 0.0}
    return from_tables({"network": network, "train": train, **_DEVICES[work]})


def work_data(work: str, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (case, channel, 1) and labels (case,), always these."""
    if work == "rf":
        data = load_dataset("drones").flat()
        assert data.labels is not None
        own = slice(0, RF_STEPS * batch)
        inputs = data.inputs[own].reshape(-1, data.inputs.shape[1], 1)
        return inputs.astype("float32"), data.labels[own]
    rng = np.random.default_rng(0)
    return rng.random((batch, INPUTS, 1), dtype="float32"), rng.integers(0, CLASSES, batch)


class DeviceSide:
    """A network of devices in training, ready to be timed: calling it does the work
    once, which changes the network, and returns the seconds.

    Args:
        work: of `WORKS`; neurons: of each hidden layer; batch: cases of a step; count:
            threads, None for those of the whole run.
    Attributes:
        net: the network; config: of the run; loss: of the latest step.
    """

    def __init__(self, work: str, neurons: int, batch: int, count: int | None = None) -> None:
        self.work, self.neurons, self.batch, self.count = work, neurons, batch, count
        self.u, self.labels = work_data(work, batch)
        self.config = _rf_config(neurons, self.u) if work == "rf" else work_config(work, neurons)
        self.net = network_of(self.config.network, 0)
        self._learner = GradientLearner(self.config.train, self.net)
        self._prepared, self.loss = self.net.prepared(), float("nan")
        self._time = seconds_of(self.run)

    def __call__(self) -> float:
        return self._time()

    def run(self) -> None:
        """The work once: a step for each batch of the inputs."""
        with threads.using(self.count):
            for start in range(0, len(self.u), self.batch):
                own = slice(start, start + self.batch)
                ones = np.ones(len(self.u[own]), int)
                targets = checked_targets(self.net.config, ones, 1, self.labels[own])
                seed = (0, self._learner.steps)
                given = self.u[own], targets, None
                step = self._learner.step(
                    self._prepared, given, self.config.train.learning_rate, seed
                )
                self.loss = step.loss

    def operations(self) -> int:
        """Of the products with the weights: 2 forward and 4 backward for each weight
        and case, of which the first layer needs no adjoint of its inputs.
        """
        named = self.net.layout.named(self.net.parameters)
        weights = [block.size for name, block in named.items() if name.startswith("w_")]
        return len(self.u) * (6 * sum(weights) - 2 * weights[0])

    def row(self, times: Times, **more: Any) -> Row:
        """The result of this side."""
        own = {
            "neurons": self.neurons,
            "dtype": "float32",
            "threads": self.count or threads.get_threads(),
            "batch": self.batch,
        }
        # chains of resonators cost more than the products
        operations = None if self.work == "rf" else self.operations()
        return new_row(self.work, times, operations, **own, **more)


def _rf_config(neurons, u):
    tables = rf.tables(0, 1)
    tables["network"] |= {"layers": [neurons], "inputs": u.shape[1], "outputs": CLASSES}
    return from_tables(tables)
