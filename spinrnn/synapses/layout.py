"""The trainable parameters: one flat vector, its blocks, initial values and masks.

Order of the flat vector: w_ext of each layer, w_int of each layer, bias of each layer,
w_out, b_out; without time w, bias, gain and shift of each layer; each block row by row
(row = receiving neuron). Gradients, Adam's moments and masks have the same order.
"""

import math
from typing import Any

import numpy as np

from spinrnn.config.neurons import trained_of


class Layout:
    """Where each block stands in the flat vector.

    Args:
        config: of the network, with time or without.
    Attributes:
        blocks: {"w_ext_0": (slice, shape), ...}; w_ext_l is (n_l, n_{l-1}), with the
            input channels before layer 0; w_int_l (n_l, n_l); bias_l (n_l,); w_out (K,
            F), F = `NetworkConfig.features`; b_out (K,); neuron_Q_l, the coordinates of
            a trained quantity Q in a layer that has it, (1,) or (n_l,). Without time
            {"w_0": ...}: w_l (n_l, n_{l-1}), the outputs are the last layer; bias_l,
            and of batch normalisation gain_l and shift_l, (n_l,).
        size: length of the vector.
    """

    def __init__(self, config: Any) -> None:
        timed = "time" in config.abilities
        shapes = _shapes_in_time(config) if timed else config.shapes()
        self.blocks: dict[str, tuple[slice, tuple[int, ...]]] = {}
        self.size, self._layers = 0, len(config.layers) + (not timed)
        self._is_weight: np.ndarray | None = None
        for name, shape in shapes.items():
            stop = self.size + math.prod(shape)
            self.blocks[name] = (slice(self.size, stop), shape)
            self.size = stop

    def places(self, block: str) -> slice:
        """Where a block stands."""
        return self.blocks[block][0]

    def named(self, flat: np.ndarray) -> dict[str, np.ndarray]:
        """Views of a flat vector by block name, as {"w_ext_0": array, ...}."""
        return {name: flat[where].reshape(shape) for name, (where, shape) in self.blocks.items()}

    def grouped(self, flat: np.ndarray) -> dict[str, Any]:
        """Views of a flat vector by kind of block.

        {"w_ext": [..], "w_int": [..], "bias": [..], "w_out": .., "b_out": ..}; of what
        a layer does not have, None is in the list.
        """
        groups = {}
        for name, view in self.named(flat).items():
            if name in ("w_out", "b_out"):
                groups[name] = view
            else:
                stem, _, layer = name.rpartition("_")
                groups.setdefault(stem, [None] * self._layers)[int(layer)] = view
        return groups

    def is_weight(self) -> np.ndarray:
        """(size,) bool: True for weights, False for biases; not to be written to."""
        if self._is_weight is None:
            flags = np.ones(self.size, dtype=bool)
            for name, (where, _) in self.blocks.items():
                flags[where] = name.startswith("w_")
            flags.flags.writeable = False
            self._is_weight = flags
        return self._is_weight


def _shapes_in_time(config):
    """{block: shape} of a recurrent network."""
    layers = config.layers
    shapes = {
        f"w_ext_{i}": (n, before)
        for i, (n, before) in enumerate(zip(layers, (config.inputs, *layers), strict=False))
    }
    shapes |= {f"w_int_{i}": (n, n) for i, n in enumerate(layers)}
    shapes |= {f"bias_{i}": (n,) for i, n in enumerate(layers)}
    shapes |= {"w_out": (config.outputs, config.features), "b_out": (config.outputs,)}
    counts = layers if config.trained_per == "neuron" else [1] * len(layers)
    for quantity in config.trained:
        shapes |= {
            trained_block(quantity, i): (n,)
            for i, (n, neuron) in enumerate(zip(counts, config.neurons, strict=True))
            if quantity in trained_of(config, neuron)
        }
    return shapes


def trained_block(quantity, layer):
    """Name of the block of a neuron's trained quantity in a layer."""
    return f"neuron_{quantity}_{layer}"


def _density(config, block):
    """Share of the entries of a block that exist."""
    if "time" not in config.abilities:
        return 1.0
    return {"w_ext": config.density_ext, "w_int": config.density_int}.get(block[:5], 1.0)


def layer_of(block, layers):
    """Number of the layer that a block of weights or biases belongs to; the outputs of
    a recurrent network of so many layers are the last one.
    """
    return layers if block.endswith("_out") else int(block.rpartition("_")[2])


def existing(config, block, shape):
    """Number of the entries of a block that exist.

    The rounded share that its density asks for, at least one.
    """
    return max(1, round(_density(config, block) * math.prod(shape)))


def draw_mask(config, layout, rng):
    """Random mask (size,) bool.

    In each w_int and w_ext the rounded share of entries that its density asks for, at
    least one; else True.
    """
    mask = np.ones(layout.size, dtype=bool)
    for name, (where, shape) in layout.blocks.items():
        if _density(config, name) < 1:
            entries = math.prod(shape)
            block = np.zeros(entries, dtype=bool)
            block[rng.permutation(entries)[: existing(config, name, shape)]] = True
            mask[where] = block
    return mask


def draw_weights(config, layout, mask, rng):
    """Initial parameters (size,) in the configuration's dtype.

    w ~ N(0, 1 / (density n_in)), biases 0, masked entries 0 [ours]; recurrent ones as
    `NetworkConfig.recurrent` and `spectral_radius` say. Without time w ~ N(0, G^2 /
    n_in) with the `start_gain` G of the activation, behind the last layer 1; biases as
    `FeedforwardConfig.bias_deviation` says, gains 1.

    Dividing by the number of existing inputs keeps the spread of the drive independent
    of the density.
    """
    flat = np.zeros(layout.size)
    if "time" not in config.abilities:
        _draw_without_time(config, layout, flat, rng)
        return flat.astype(config.dtype)
    for name, (where, shape) in layout.blocks.items():
        if len(shape) == 2:
            flat[where] = rng.normal(
                0, 1 / math.sqrt(_density(config, name) * shape[1]), math.prod(shape)
            )
    flat *= mask
    for name, w in layout.named(flat).items():
        if name.startswith("w_int"):
            _arrange(w, config, layout.named(mask)[name] if np.ndim(mask) else True)
    return flat.astype(config.dtype)


def _draw_without_time(config, layout, flat, rng):
    for name, view in layout.named(flat).items():
        deviation = config.deviation(name, view.shape)
        if deviation:
            view[...] = rng.normal(0, deviation, view.shape)
        elif name.startswith("gain"):
            view[...] = 1.0


def _arrange(w, config, mask):
    """Makes recurrent weights (n, n) what the configuration asks for, in place."""
    if config.recurrent == "antisymmetric":
        w[...] = mask * (w - w.T) / math.sqrt(2)
    if config.spectral_radius is not None:
        radius = np.abs(np.linalg.eigvals(w)).max()
        # ten digits, which do not hang on the library's rounding
        w *= float(f"{config.spectral_radius / radius:.10g}") if radius > 0 else 1.0


def axes_of(config, name):
    """Names of the axes of a block, as ("neuron_1", "neuron_0") of w_ext_1; "one" where
    a layer has one value of a trained quantity.
    """
    if "time" not in config.abilities:
        return config.axes(name)
    if name == "w_out":
        alone = config.features == config.layers[-1]
        return ("class", f"neuron_{len(config.layers) - 1}" if alone else "feature")
    if name == "b_out":
        return ("class",)
    stem, _, layer = name.rpartition("_")
    if stem.startswith("neuron_") and config.trained_per == "layer":
        return ("one",)
    if stem == "bias" or stem.startswith("neuron_"):
        return (f"neuron_{layer}",)
    if stem == "w_int":
        return (f"neuron_{layer}", f"source_{layer}")
    return (f"neuron_{layer}", "channel" if layer == "0" else f"neuron_{int(layer) - 1}")
