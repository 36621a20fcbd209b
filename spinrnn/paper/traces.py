"""Power against time of single neurons for images, and what it says of the class."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from spinrnn.analysis.classes import class_variance
from spinrnn.config.run import RunConfig
from spinrnn.datasets import loading, parts
from spinrnn.datasets.dataset import Dataset
from spinrnn.errors import DataError
from spinrnn.networks.recurrent import Network

LONGEST = 640
"""Times kept of a trace; of longer ones every second, third ... is kept."""


@dataclass(frozen=True)
class Trace:
    """Power of one neuron for one case.

    Attributes:
        layer, neuron: from 0; case: number in the data; label: its class; time: (time,)
            s; power: (time,) dimensionless.
    """

    layer: int
    neuron: int
    case: int
    label: int
    time: np.ndarray
    power: np.ndarray


def test_part(config: RunConfig) -> tuple[np.ndarray, Dataset]:
    """(indices of the test cases in the data, `Dataset`) of a `RunConfig`."""
    data = loading.load_dataset(config.data.source)
    return parts.split(data, config.data, config.resolved_split_seed)[2], data


def labels_of(data: Dataset) -> np.ndarray:
    """The classes of the cases; DataError if the data have none."""
    if data.labels is None:
        raise DataError("the data have no labels")
    return data.labels


def first_of(data: Dataset, cases: np.ndarray, labels: Iterable[int]) -> list[int]:
    """Numbers of the first cases of these classes, one for each entry.

    The second entry of a class gets its second case, and so on.

    Args:
        data: `Dataset`; cases: numbers in the data, among which to look; labels:
            classes.
    """
    waiting = {label: iter(cases[labels_of(data)[cases] == label]) for label in set(labels)}
    return [int(next(waiting[label])) for label in labels]


def traces(
    net: Network, data: Dataset, cases: list[int], neurons: Iterable[tuple[int, int]]
) -> list[Trace]:
    """`Trace`s of all neurons for all cases.

    Args:
        net: `Network`; data: `Dataset`; cases: numbers in the data; neurons: list of
            (layer, neuron).
    """
    found = net.simulate(data.inputs[cases])
    every = slice(None, None, -(-len(found.time) // LONGEST))
    return [
        Trace(
            layer,
            neuron,
            case,
            int(labels_of(data)[case]),
            found.time[every],
            found.state[layer][number, neuron][every].astype(float),
        )
        for layer, neuron in neurons
        for number, case in enumerate(cases)
    ]


def separation(net: Network, data: Dataset, cases: np.ndarray) -> dict[str, np.ndarray]:
    """Share of the variance of the powers that lies between classes, for each layer.

    With 0 the powers say nothing of the class, with 1 they say all.

    Variances are summed over the neurons, and over all times or at the end alone.

    Args:
        net: `Network`; data: `Dataset`, all cases of one length; cases: numbers in the
            data.
    Returns:
        {"all times": (layer,), "the end": (layer,)} float64.
    """
    found = [
        class_variance(state, labels_of(data)[cases])
        for state in net.simulate(data.inputs[cases]).state
    ]
    return {
        "all times": np.array([f.share for f in found]),
        "the end": np.array([f.over_time[-1] for f in found]),
    }
