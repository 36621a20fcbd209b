"""Whether a network's neurons are driven above their threshold, of kinds that tell
(`Neuron.excitation`): what its inputs and its initial weights can bring each layer to.
"""

import numpy as np

from spinrnn.config.kinds import loaded
from spinrnn.networks.recurrent import Network


def excitations(net: Network, inputs: np.ndarray) -> tuple[list[str], list[str]]:
    """(notes, warnings): for each layer of such neurons the threshold and what reaches
    it; a warning where the drive never gets there.

    Args:
        inputs: (case, channel, time), of the training.
    """
    notes, warnings = [], []
    for layer, neuron in enumerate(net.config.neurons):
        if neuron.excitation:
            low, high = (end * neuron.drive_unit for end in drive_of(net, layer, inputs))
            ok, text = loaded(neuron.excitation)(neuron, (low, high))
            sentence = f"{neuron.name}, layer {layer}: {text}"
            (notes if ok else warnings).append(sentence)
    return notes, warnings


def drive_of(net: Network, layer: int, inputs: np.ndarray) -> tuple[float, float]:
    """(least, largest) drive of a layer that its bias, inputs (case, channel, time) and
    initial weights can bring it to, in the kernels' units.
    """
    largest = float(np.nanmax(np.abs(inputs), initial=0.0))
    neuron = net.config.neurons[layer]
    middle = float(neuron.bias(neuron.nominal_numbers(net.config.time_unit)))
    reached = _most(net, layer, largest)
    return middle - reached, middle + reached


def _most(net, layer, largest):
    """The largest sum that weights and inputs can bring a neuron of a layer to."""
    views, config = net.views(), net.config
    sums = _rows(views["w_ext"][layer]) * (largest if layer == 0 else _span(config, layer - 1))
    sums = sums + _rows(views["w_int"][layer]) * _span(config, layer)
    return float((config.amplifications[layer] * sums).max() + np.abs(views["bias"][layer]).max())


def _rows(weights):
    return np.abs(np.asarray(weights, dtype=float)).sum(axis=1)


def _span(config, layer):
    span = config.neurons[layer].span
    return 1.0 if span is None else max(abs(limit) for limit in span)
