"""The form in which the kernels take the parameters, and the way back for their
gradients.

Each layer's W_ext and W_int are dense or sparse matrices for the kernels, by the
density of their masks; where both are of a kind they are one matrix, [W_ext | W_int],
as the rows they act on are adjacent. Amplifications are multiplied in. Dense matrices
are stored by tiles.
"""

from dataclasses import dataclass

import numpy as np

from spinrnn.config.spread import GAIN
from spinrnn.kernels.couplings import Weights
from spinrnn.kernels.tiles import aligned, lanes, tile_heights
from spinrnn.networks.population import Population

SPARSE_BELOW = 0.3
"""Density below which the sparse kernel is the faster one, as `spinrnn bench` measures
it.
"""


@dataclass
class _Matrix:
    """One matrix of the table of `couplings.Weights`: blocks of parameters side by
    side, all dense or all sparse.

    Attributes:
        target, source: first rows; shape: (targets, sources); blocks: names of the
            parameter blocks, left to right.
        transposed: whether the blocks' rows are the sources.
        later: whether another matrix of the table has the same targets and comes first.
        entries: of a sparse one, (entries,) places in the flat vector, row by row;
            columns, pointers: as there.
        gradient: where its gradient starts.
    """

    target: int
    source: int
    shape: tuple
    blocks: list
    transposed: bool
    later: bool
    entries: np.ndarray | None = None
    columns: np.ndarray | None = None
    pointers: np.ndarray | None = None
    gradient: int = 0

    @property
    def size(self):
        """Number of its values."""
        return self.shape[0] * self.shape[1] if self.entries is None else len(self.entries)


class Packing:
    """Maps flat parameters to `couplings.Weights`, and the kernels' gradients back.

    Args:
        config: `NetworkConfig`; layout: `layout.Layout`; mask: (size,) bool or None;
            devices: `spread.Devices` or None.
    Attributes:
        config: as given; mask, devices: copies; gradient_size: length of a block's flat
            vector of gradients; weights: number of couplings that are multiplied with;
            sparse: whether the sparse kernel takes part.
    """

    def __init__(self, config, layout, mask, devices=None):
        self.config, self._layout = config, layout
        self.devices = None if devices is None else devices.copy()
        self.mask = None if mask is None else mask.copy()
        self._lanes = lanes(config.dtype)
        self._places = layout.named(np.arange(layout.size))
        forward, backward = self._coupling_matrices()
        inputs = self._matrices(0, config.layers[0], [("w_ext_0", 0)], transposed=False)
        outputs = self._matrices(0, config.outputs, [("w_out", 0)], transposed=False)
        transposed = self._matrices(0, config.features, [("w_out", 0)], transposed=True)
        self._trained = [*forward, *inputs, *outputs]
        self._place_gradients()
        self._gradients = self._find_gradients()
        self._weights = self._arrange(forward, backward, [*inputs, *outputs, *transposed])
        self.sparse = any(m.entries is not None for m in forward)
        self.weights = sum(m.size for m in self._trained)
        self._gains = self._find_gains()
        self.population = Population(config, layout, self.devices)
        # the gradients of the neurons' numbers stand behind those of the weights
        self._g_neurons = self.gradient_size
        self.gradient_size += self.population.gradient_size
        difference = self.population.difference
        self._bias = None if difference is None else difference.astype(config.dtype)

    def pack(self, flat):
        """`couplings.Weights` of flat parameters (size,)."""
        if self.mask is not None:
            # not a product: NaN in a missing entry must not count either
            flat = np.where(self.mask, flat, flat.dtype.type(0))
        values = aligned((len(self._sources), flat.dtype))
        np.take(flat * self._gains, self._sources, out=values)
        if self._bias is not None:
            values[self._weights.bias : self._weights.bias + len(self._bias)] += self._bias
        return self._weights._replace(values=values)

    def neurons(self, flat):
        """`blocks.Neurons` of flat parameters (size,)."""
        return self.population.neurons(flat, self._g_neurons)

    def unpack_gradient(self, packed, parameters):
        """Adjoint of `pack` and `neurons` at these parameters: the gradient (size,) of
        the flat parameters, zero where the mask is False.
        """
        flat = packed[self._gradients] * self._gains
        own = self._weights.g_bias, self._g_neurons
        self.population.put_gradient(packed, *own, parameters, flat)
        if self.mask is not None:
            flat[~self.mask] = 0
        return flat

    def _coupling_matrices(self):
        """Matrices of all layers: the drive of each from z, and their transposes."""
        layers, forward, backward = self.config.layers, [], []
        tops = np.cumsum([0, *layers])
        for i, n in enumerate(layers):
            own = (f"w_int_{i}", tops[i])
            into = [(f"w_ext_{i}", tops[i - 1])] if i else []
            out_of = [(f"w_ext_{i + 1}", tops[i + 1])] if i + 1 < len(layers) else []
            forward += self._matrices(tops[i], n, [*into, own], transposed=False)
            backward += self._matrices(tops[i], n, [own, *out_of], transposed=True)
        return forward, backward

    def _place_gradients(self):
        """Gives each trained matrix, the biases and b_out a place in a block's vector
        of gradients.
        """
        at = 0
        for matrix in self._trained:
            matrix.gradient = at
            targets, sources = matrix.shape
            dense = -(-sources // self._lanes) * self._lanes * targets
            at += dense if matrix.entries is None else len(matrix.entries)
        biases = [self._places[f"bias_{i}"] for i in range(len(self.config.layers))]
        self._end_places = {"bias": np.concatenate(biases), "b_out": self._places["b_out"]}
        self._ends = {}
        for name, places in self._end_places.items():
            self._ends[name] = (at, at + len(places))
            at += len(places)
        self.gradient_size = at

    def _find_gains(self):
        """(size,) what each parameter is multiplied with.

        amplifications, and the devices' factors.
        """
        config = self.config
        gains = np.ones(self._layout.size, dtype=config.dtype)
        views = self._layout.named(gains)
        for i, amplification in enumerate(config.amplifications):
            views[f"w_ext_{i}"][:] = views[f"w_int_{i}"][:] = amplification
        views["w_out"][:] = views["b_out"][:] = config.output_amplification
        if self.devices is not None and GAIN in self.devices.factors:
            cuts = np.cumsum(config.layers)[:-1]
            for i, gain in enumerate(np.split(self.devices.gain.astype(config.dtype), cuts)):
                views[f"w_ext_{i}"][:] *= gain[:, None]
                views[f"w_int_{i}"][:] *= gain[:, None]
        return gains

    def _matrices(self, target, targets, blocks, transposed):
        """Matrices of one group of target rows.

        Blocks are (name, first source row), on adjacent rows.
        """
        kinds = [self._is_sparse(name) for name, _ in blocks]
        groups = [blocks] if len(set(kinds)) == 1 else [[block] for block in blocks]
        made = []
        for group in groups:
            names, source = [name for name, _ in group], int(group[0][1])
            places = self._places_of(names, transposed)
            shape, later = (targets, places.shape[1]), bool(made)
            matrix = _Matrix(int(target), source, shape, names, transposed, later)
            if self._is_sparse(names[0]):
                assert self.mask is not None
                there = self.mask[places]
                matrix.entries = places[there]
                matrix.columns = np.nonzero(there)[1].astype(np.int32)
                matrix.pointers = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
            made.append(matrix)
        return made

    def _places_of(self, names, transposed):
        """(targets, sources) places in the flat vector of blocks side by side."""
        blocks = [self._places[name] for name in names]
        return np.hstack([block.T for block in blocks] if transposed else blocks)

    def _is_sparse(self, name):
        return self.mask is not None and self.mask[self._places[name]].mean() < SPARSE_BELOW

    def _value_places(self, matrix):
        """Places in the flat vector of a matrix's values, in their order."""
        if matrix.entries is not None:
            return matrix.entries
        places = self._places_of(matrix.blocks, matrix.transposed)
        height, cut = tile_heights(len(places))
        tiles = []
        for part, h in ((places[:cut], height), (places[cut:], height - 1)):
            if len(part):
                tiles.append(part.reshape(-1, h, part.shape[1]).transpose(0, 2, 1).ravel())
        return np.concatenate(tiles)

    def _tiling(self, matrix):
        return tile_heights(matrix.shape[0]) if matrix.entries is None else (1, matrix.shape[0])

    def _find_gradients(self):
        """Where in the packed gradient that of each flat parameter stands.

        0 for what does not exist.
        """
        found = np.zeros(self._layout.size, dtype=np.intp)
        for matrix in self._trained:
            if matrix.entries is not None:
                found[matrix.entries] = matrix.gradient + np.arange(len(matrix.entries))
                continue
            targets, sources = matrix.shape
            rows, columns = np.arange(targets)[:, None], np.arange(sources)
            places = np.hstack([self._places[name] for name in matrix.blocks])
            v = self._lanes
            found[places] = matrix.gradient + (columns // v * targets + rows) * v + columns % v
        for name, (start, _) in self._ends.items():
            places = self._end_places[name]
            found[places] = start + np.arange(len(places))
        return found

    def _arrange(self, forward, backward, others):
        """`couplings.Weights` without values.

        Sparse matrices' values come first, so that columns and values are counted
        alike.
        """
        config, matrices = self.config, [*forward, *backward, *others]
        order = sorted(matrices, key=lambda matrix: matrix.entries is None)
        values = [*map(self._value_places, order), *self._end_places.values()]
        self._sources = np.concatenate(values)
        columns, pointers = [np.empty(0, np.int32)], [np.empty(0, np.int64)]
        starts, start, pointer = {}, 0, 0
        for matrix in order:
            starts[id(matrix)] = start, pointer
            if matrix.entries is not None:
                columns.append(matrix.columns)
                pointers.append(matrix.pointers + start)
                pointer += len(matrix.pointers)
            start += matrix.size
        neurons = sum(config.layers)
        return Weights(
            table=np.array([self._line(m, *starts[id(m)]) for m in matrices], dtype=np.int64),
            forward=len(forward),
            backward=len(backward),
            values=np.empty(0, config.dtype),
            columns=np.concatenate(columns),
            pointers=np.concatenate(pointers),
            bias=start,
            b_out=start + neurons,
            neurons=neurons,
            channels=config.inputs,
            last=config.layers[-1],
            read=config.read,
            features=config.features,
            classes=config.outputs,
            g_bias=self._ends["bias"][0],
            g_b_out=self._ends["b_out"][0],
        )

    def _line(self, m, start, pointer):
        """A matrix's line of `Weights.table`, in the order of its columns."""
        sparse, (targets, sources) = m.entries is not None, m.shape
        height, cut = self._tiling(m)
        of_values = (start, pointer, m.gradient)
        return [sparse, m.target, targets, m.source, sources, *of_values, m.later, height, cut]
