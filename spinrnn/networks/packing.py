"""The form in which the kernels take the parameters, and the way back for their gradients.

Each layer's W_ext and W_int are dense or sparse matrices for the kernels, by the density of their masks; where both are of a kind they are
one matrix, [W_ext | W_int], as the rows they act on are adjacent. Amplifications are multiplied in. Dense matrices are stored by tiles.
"""

from dataclasses import dataclass

import numpy as np

from spinrnn.kernels.couplings import Weights
from spinrnn.kernels.tiles import aligned, lanes, tile_heights

SPARSE_BELOW = 0.3
"""Density below which the sparse kernel is the faster one, as `spinrnn bench` measures it."""


@dataclass
class _Matrix:
    """One matrix of the table of `kernels.Weights`: blocks of parameters side by side, all dense or all sparse.

    Attributes:
        target, source: first rows; shape: (targets, sources); blocks: names of the parameter blocks, left to right.
        transposed: whether the blocks' rows are the sources.
        later: whether another matrix of the table has the same targets and comes first.
        entries: of a sparse one, (entries,) places in the flat vector, row by row; columns, pointers: as there.
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


class Packing:
    """Maps flat parameters to `kernels.Weights`, and the kernels' gradients back.

    Args:
        config: `NetworkConfig`; layout: `parameters.Layout`; mask: (size,) bool or None; devices: `devices.Devices` or None.
    Attributes:
        config: as given; mask, devices: copies; gradient_size: length of a block's flat vector of gradients; weights: number of couplings that are
            multiplied with; sparse: whether the sparse kernel takes part.
    """

    def __init__(self, config, layout, mask, devices=None):
        self.config, self._layout = config, layout
        self.devices = None if devices is None else devices.copy()
        self.mask = None if mask is None else mask.copy()
        self._lanes = lanes(config.dtype)
        self._places = layout.named(np.arange(layout.size))
        layers = config.layers
        tops = np.cumsum([0, *layers])
        forward, backward = [], []
        for i, n in enumerate(layers):
            into = [(f"w_ext_{i}", tops[i - 1])] if i else []
            forward += self._matrices(
                tops[i], n, [*into, (f"w_int_{i}", tops[i])], transposed=False
            )
            out_of = [(f"w_ext_{i + 1}", tops[i + 1])] if i + 1 < len(layers) else []
            backward += self._matrices(
                tops[i], n, [(f"w_int_{i}", tops[i]), *out_of], transposed=True
            )
        inputs = self._matrices(0, layers[0], [("w_ext_0", 0)], transposed=False)
        outputs = self._matrices(0, config.outputs, [("w_out", 0)], transposed=False)
        self._trained = [*forward, *inputs, *outputs]
        at = 0
        for matrix in self._trained:
            matrix.gradient = at
            at += (
                -(-matrix.shape[1] // self._lanes) * self._lanes * matrix.shape[0]
                if matrix.entries is None
                else len(matrix.entries)
            )
        self._end_places = {
            "bias": np.concatenate([self._places[f"bias_{i}"] for i in range(len(layers))]),
            "b_out": self._places["b_out"],
        }
        self._ends = {}
        for name, places in self._end_places.items():
            self._ends[name] = (at, at + len(places))
            at += len(places)
        self.gradient_size = at
        self._gradients = self._find_gradients()
        self._weights = self._arrange(
            forward,
            backward,
            [*inputs, *outputs, *self._matrices(0, layers[-1], [("w_out", 0)], transposed=True)],
        )
        self.sparse = any(m.entries is not None for m in forward)
        self.weights = sum(
            m.shape[0] * m.shape[1] if m.entries is None else len(m.entries) for m in self._trained
        )
        self._gains = np.ones(layout.size, dtype=config.dtype)
        for name, view in layout.named(self._gains).items():
            if name.startswith(("w_ext", "w_int")):
                view[:] = config.amplifications[int(name.rpartition("_")[2])]
            elif name in ("w_out", "b_out"):
                view[:] = config.output_amplification
        self._bias = None
        if self.devices is not None:
            tops = np.cumsum(layers)[:-1]
            for i, gain in enumerate(np.split(self.devices.gain.astype(config.dtype), tops)):
                for name in (f"w_ext_{i}", f"w_int_{i}"):
                    layout.named(self._gains)[name][:] *= gain[:, None]
            self._bias = (config.bias_ratio * (self.devices.bias - 1)).astype(config.dtype)

    def pack(self, flat):
        """`kernels.Weights` of flat parameters (size,)."""
        if self.mask is not None:
            flat = np.where(
                self.mask, flat, flat.dtype.type(0)
            )  # not a product: NaN in a missing entry must not count either
        values = aligned((len(self._sources), flat.dtype))
        np.take(flat * self._gains, self._sources, out=values)
        if self._bias is not None:  # what each device's fixed bias differs from the nominal one
            values[self._weights.bias : self._weights.bias + len(self._bias)] += self._bias
        return self._weights._replace(values=values)

    def unpack_gradient(self, packed):
        """Adjoint of `pack`: the gradient (size,) of the flat parameters, zero where the mask is False."""
        flat = packed[self._gradients] * self._gains
        if self.mask is not None:
            flat[~self.mask] = 0
        return flat

    def _matrices(self, target, targets, blocks, transposed):
        """Matrices of one group of target rows; blocks are (name, first source row), on adjacent rows."""
        kinds = [self._is_sparse(name) for name, _ in blocks]
        groups = [blocks] if len(set(kinds)) == 1 else [[block] for block in blocks]
        made = []
        for group in groups:
            names = [name for name, _ in group]
            places = np.hstack(
                [self._places[name].T if transposed else self._places[name] for name in names]
            )
            matrix = _Matrix(
                int(target),
                int(group[0][1]),
                (targets, places.shape[1]),
                names,
                transposed,
                later=bool(made),
            )
            if self._is_sparse(names[0]):
                there = self.mask[places]
                matrix.entries, matrix.columns = (
                    places[there],
                    np.nonzero(there)[1].astype(np.int32),
                )
                matrix.pointers = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
            made.append(matrix)
        return made

    def _is_sparse(self, name):
        return self.mask is not None and self.mask[self._places[name]].mean() < SPARSE_BELOW

    def _value_places(self, matrix):
        """Places in the flat vector of a matrix's values, in their order."""
        if matrix.entries is not None:
            return matrix.entries
        places = np.hstack(
            [
                self._places[name].T if matrix.transposed else self._places[name]
                for name in matrix.blocks
            ]
        )
        height, cut = tile_heights(len(places))
        parts = [(places[:cut], height), (places[cut:], height - 1)]
        return np.concatenate(
            [
                part.reshape(-1, h, part.shape[1]).transpose(0, 2, 1).ravel()
                for part, h in parts
                if len(part)
            ]
        )

    def _tiling(self, matrix):
        return tile_heights(matrix.shape[0]) if matrix.entries is None else (1, matrix.shape[0])

    def _find_gradients(self):
        """Where in the packed gradient that of each flat parameter stands; 0 for what does not exist."""
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
        """`kernels.Weights` without values. Sparse matrices' values come first, so that columns and values are counted alike."""
        matrices = [*forward, *backward, *others]
        order = sorted(matrices, key=lambda m: m.entries is None)
        self._sources = np.concatenate(
            [*map(self._value_places, order), *self._end_places.values()]
        )
        starts, columns, pointers, start, pointer = (
            {},
            [np.empty(0, np.int32)],
            [np.empty(0, np.int64)],
            0,
            0,
        )
        for matrix in order:
            starts[id(matrix)] = start, pointer
            if matrix.entries is None:
                start += matrix.shape[0] * matrix.shape[1]
            else:
                columns.append(matrix.columns)
                pointers.append(matrix.pointers + start)
                start += len(matrix.entries)
                pointer += len(matrix.pointers)
        table = [
            [
                m.entries is not None,
                m.target,
                m.shape[0],
                m.source,
                m.shape[1],
                *starts[id(m)],
                m.gradient,
                m.later,
                *self._tiling(m),
            ]
            for m in matrices
        ]
        config = self.config
        neurons = sum(config.layers)
        return Weights(
            table=np.array(table, dtype=np.int64), forward=len(forward), backward=len(backward),
            values=None, columns=np.concatenate(columns), pointers=np.concatenate(pointers),
            bias=start, b_out=start + neurons,
            neurons=neurons, channels=config.inputs, last=config.layers[-1], classes=config.outputs,
            g_bias=self._ends["bias"][0], g_b_out=self._ends["b_out"][0],
        )  # fmt: skip
