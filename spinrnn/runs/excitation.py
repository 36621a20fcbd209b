"""What the inputs and the initial weights can bring each layer of a network to, and
whether its neurons are then driven above their threshold, of kinds that tell
(`Neuron.excitation`).
"""

from typing import Any, TypeAlias

import numpy as np

from spinrnn.config.kinds import loaded
from spinrnn.networks.recurrent import Network

Drives: TypeAlias = list[tuple[float, float]]
"""(least, largest) drive of each layer, in the kernels' units."""


def drives_of(net: Network, data: Any) -> Drives:
    """`Drives` by bias, initial weights and a `Dataset`, of which the network gets what
    its scaling leaves.
    """
    inputs = net.received(data.inputs, data.lengths)
    largest = float(np.abs(inputs).max(initial=0.0))
    views, found = net.layout.grouped(net.effective()), []
    for layer, neuron in enumerate(net.config.neurons):
        middle = float(neuron.bias(neuron.nominal_numbers(net.config.time_unit)))
        reached = _most(net.config, views, layer, largest)
        found.append((middle - reached, middle + reached))
    return found


def excitations(net: Network, drives: Drives) -> tuple[list[str], list[str]]:
    """(notes, warnings): for each layer of such neurons the threshold and what reaches
    it; a warning where the drive never gets there.
    """
    notes, warnings = [], []
    for layer, (neuron, ends) in enumerate(zip(net.config.neurons, drives, strict=True)):
        if neuron.excitation:
            low, high = (end * neuron.drive_unit for end in ends)
            ok, text = loaded(neuron.excitation)(neuron, (low, high))
            sentence = f"{neuron.name}, layer {layer}: {text}"
            (notes if ok else warnings).append(sentence)
    return notes, warnings


def _most(config, views, layer, largest):
    """The largest sum that weights and inputs can bring a neuron of a layer to."""
    sums = _rows(views["w_ext"][layer]) * (largest if layer == 0 else _span(config, layer - 1))
    sums = sums + _rows(views["w_int"][layer]) * _span(config, layer)
    return float((config.amplifications[layer] * sums).max() + np.abs(views["bias"][layer]).max())


def _rows(weights):
    return np.abs(np.asarray(weights, dtype=float)).sum(axis=1)


def _span(config, layer):
    span = config.neurons[layer].span
    return 1.0 if span is None else max(abs(limit) for limit in span)
