"""Power against time of single neurons for single images, and how well the powers of each layer tell the classes apart."""

from dataclasses import dataclass

import numpy as np

from spinrnn import datasets
from spinrnn.analysis.classes import class_variance

LONGEST = 640
"""Times kept of a trace; of longer ones every second, third ... is kept."""


@dataclass(frozen=True)
class Trace:
    """Power of one neuron for one case.

    Attributes:
        layer, neuron: from 0; case: number in the data; label: its class; time: (time,) s; power: (time,) dimensionless.
    """

    layer: int
    neuron: int
    case: int
    label: int
    time: np.ndarray
    power: np.ndarray


def test_part(config):
    """(indices of the test cases in the data, `Dataset`) of a `RunConfig`."""
    data = datasets.load_dataset(config.data.source)
    return datasets.split(data, config.data, config.resolved_split_seed)[2], data


def first_of(config, labels):
    """Numbers of the first test cases of these classes, one for each entry: the second entry of a class gets its second case, and so on.

    Args:
        config: `RunConfig`; labels: list of classes.
    """
    cases, data = test_part(config)
    waiting = {label: iter(cases[data.labels[cases] == label]) for label in set(labels)}
    return [int(next(waiting[label])) for label in labels], data


def traces(net, data, cases, neurons):
    """`Trace`s of all neurons for all cases.

    Args:
        net: `Network`; data: `Dataset`; cases: numbers in the data; neurons: list of (layer, neuron).
    """
    found = net.simulate(data.inputs[cases])
    every = slice(None, None, -(-len(found.time) // LONGEST))
    return [
        Trace(layer, neuron, case, int(data.labels[case]), found.time[every], found.state[layer][number, neuron][every].astype(float))
        for layer, neuron in neurons
        for number, case in enumerate(cases)
    ]


def separation(net, data, cases):
    """Share of the variance of the powers over the cases that lies between the classes, for each layer: 0 says nothing of the class, 1 all.

    Variances are summed over neurons and times.

    Returns:
        (layer,) float64.
    """
    states = net.simulate(data.inputs[cases]).state
    return np.array([class_variance(power, data.labels[cases]).share for power in states])
