"""What the inputs and the initial weights can bring each layer of a network to, and
whether its neurons are then driven above their threshold, of kinds that tell
(`Neuron.excitation`).
"""

from typing import Any, TypeAlias

import numpy as np

from spinrnn.config.kinds import loaded
from spinrnn.networks.recurrent import Network

CASES = 1024
"""That are looked at at once."""
Drives: TypeAlias = list[tuple[float, float]]
"""(least, largest) drive of each layer, in the kernels' units."""


def drives_of(net: Network, data: Any) -> Drives:
    """`Drives` by bias, initial weights and a `Dataset`, of which the network gets what
    its scaling leaves.
    """
    views, largest, c = net.layout.grouped(net.effective()), _largest(net, data), net.config
    if "time" in c.abilities:
        unit, every, most = c.time_unit, c.neurons, _most
    else:
        unit, every = c.neuron.time_unit, (c.neuron,) * len(c.populations)
        most = _most_both_ways
    found = []
    for layer, neuron in enumerate(every):
        reached = most(c, views, layer, largest)
        middle = float(neuron.bias(neuron.nominal_numbers(unit)))
        found.append((middle - reached, middle + reached))
    return found


def _largest(net, data):
    """The largest size of what a network gets of a `Dataset`."""
    found = 0.0
    for start in range(0, len(data), CASES):
        own = slice(start, start + CASES)
        lengths = None if data.lengths is None else data.lengths[own]
        found = max(found, float(np.abs(net.received(data.inputs[own], lengths)).max()))
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
    spans = [largest, *(_span(neuron) for neuron in config.neurons)]
    sums = _rows(views["w_ext"][layer]) * spans[layer]
    sums = sums + _rows(views["w_int"][layer]) * spans[layer + 1]
    return float((config.amplifications[layer] * sums).max() + np.abs(views["bias"][layer]).max())


def _most_both_ways(config, views, layer, largest):
    """The same where layers are coupled both ways."""
    span, w = _span(config.neuron), views["w"]
    sums = _rows(w[layer]) * (span if layer else largest)
    if layer + 1 < len(w):
        sums = sums + _rows(w[layer + 1].T) * span
    return float((config.amplifications[layer] * sums).max() + np.abs(views["bias"][layer]).max())


def _rows(weights):
    return np.abs(np.asarray(weights, dtype=float)).sum(axis=1)


def _span(neuron):
    """The largest size of what it emits; 1 where there is no limit."""
    return 1.0 if neuron.span is None else max(abs(limit) for limit in neuron.span)
