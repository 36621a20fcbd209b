"""The couplings: one product for each matrix of a table, and its adjoint."""

from typing import NamedTuple

import numpy as np

from spinrnn.kernels.compiling import piece
from spinrnn.kernels.tiles import (
    PANELS,
    gradient_tile,
    group_length,
    lane_products,
    product_tile,
    row_length,
    sparse_row,
    transpose_tile,
)

SPARSE, TARGET, TARGETS, SOURCE, SOURCES, VALUES, POINTERS, GRADIENT, ADDS, HEIGHT, CUT = range(11)
"""Columns of `Weights.table`."""


class Weights(NamedTuple):
    """The parameters as the kernels take them, with masks and amplifications applied.

    A line of the table is one matrix between groups of neighbouring rows:

        SPARSE            whether it is sparse
        TARGET, TARGETS   first target row, and their number n
        SOURCE, SOURCES   first source row, and their number m
        VALUES, POINTERS  where its values and, of a sparse one, its row pointers start
        GRADIENT          where its gradient starts
        ADDS              whether it adds to what earlier lines made of its target rows
        HEIGHT, CUT       of the tiles of a dense one, see `tiles.tile_heights`

    The values of a dense matrix are its tiles, each column by column. Row i of a sparse
    one has the entries pointers[i] to pointers[i + 1], counted in values and columns;
    columns count from the first source row.
    """

    # (matrices, 11) int64, in this order: drive of layer l from z of layers l-1 and l;
    # their transposes, dLoss/dz of layer l from dLoss/dI of layers l and l+1; drive of
    # layer 0 from the input channels; logits from the readout; and its transpose
    table: np.ndarray
    # number of the first kind, and of the second
    forward: int
    backward: int
    # flat; after those of the matrices bias and b_out
    values: np.ndarray
    # flat int32 and flat int64
    columns: np.ndarray
    pointers: np.ndarray
    # where the (N,) trainable biases and the (K,) b_out start in values
    bias: int
    b_out: int
    # N, C, n_{L-1}, numbers that are read of it, F, K
    neurons: int
    channels: int
    last: int
    read: int
    features: int
    classes: int
    # where the gradients of bias and b_out start in a block's flat vector of gradients
    g_bias: int
    g_b_out: int


@piece
def couple(w, i, source, source_at, source_panel, initial_at, out, out_at, panel, panels):
    """Target rows of out = initial rows + matrix i times source rows, for each panel.

    source_at and out_at are where row 0 of the first panel stands, source_panel and
    panel how far the panels are apart. The initial rows stand in out too, their row 0
    at initial_at; initial_at < 0 stands for zeros.
    """
    v = row_length(out)
    sparse, target, targets = w.table[i, SPARSE], w.table[i, TARGET], w.table[i, TARGETS]
    sources, values = w.table[i, SOURCES], w.table[i, VALUES]
    source_at += w.table[i, SOURCE] * v
    height, cut, row = w.table[i, HEIGHT], w.table[i, CUT], 0
    while row < targets:
        height -= row == cut
        old, new, here = initial_at, out_at + (target + row) * v, source_at
        if initial_at >= 0:
            old += (target + row) * v
        if sparse:
            sparse_panels(w, i, row, source, here, source_panel, old, out, new, panel, panels)
        else:
            for _ in range(panels):
                at = values + row * sources
                product_tile(height, w.values, at, source, here, sources, old, out, new)
                here, new = here + source_panel, new + panel
                if initial_at >= 0:
                    old += panel
        row += height


@piece
def sparse_panels(w, i, row, source, source_at, source_panel, old, out, new, panel, panels):
    """`couple` for one row of a sparse matrix, for as many panels at once as there are
    registers.
    """
    entry = w.table[i, POINTERS] + row
    first, last = w.pointers[entry], w.pointers[entry + 1]
    for q in range(0, panels, PANELS):
        together = PANELS if panels - q > PANELS else panels - q
        here, there = source_at + q * source_panel, new + q * panel
        before = old + q * panel if old >= 0 else old
        sparse_row(
            w.values, w.columns, first, last, source, here, source_panel, together, before,
            out, there, panel,
        )  # fmt: skip


@piece
def couple_gradient(
    w, i, g_targets, g_at, g_unit, source, source_at, source_unit, units, gradient, tile, tile_at
):
    """gradient of matrix i += sum over units and samples of (target rows of g_targets)
    (source rows)^T.

    A unit is one panel at one time; g_at and source_at are where row 0 of the first
    unit stands, g_unit and source_unit how far units are apart. A dense gradient is
    kept as (tile of V sources, target, V); what it holds for sources beyond the last
    means nothing.
    """
    v = row_length(gradient)
    targets, out_at = w.table[i, TARGETS], w.table[i, GRADIENT]
    g_at += w.table[i, TARGET] * v
    source_at += w.table[i, SOURCE] * v
    if w.table[i, SPARSE]:
        sparse_gradient(
            w, i, g_targets, g_at, g_unit, source, source_at, source_unit, units, gradient
        )
        return
    sources = w.table[i, SOURCES]
    for left in range(0, sources, v):
        for unit in range(units):
            here = source_at + unit * source_unit + left * v
            transpose_tile(source, here, tile, tile_at + unit * v * v)
        height, cut, row = w.table[i, HEIGHT], w.table[i, CUT], 0
        while row < targets:
            height -= row == cut
            here, place = g_at + row * v, out_at + (left * targets // v + row) * v
            gradient_tile(height, g_targets, here, g_unit, tile, tile_at, units, gradient, place)
            row += height


@piece
def sparse_gradient(w, i, g_targets, g_at, g_unit, source, source_at, source_unit, units, gradient):
    """`couple_gradient` for a sparse matrix: the entries of a row, some at once."""
    v, most = row_length(gradient), group_length(gradient)
    for row in range(w.table[i, TARGETS]):
        entry = w.table[i, POINTERS] + row
        here, end = g_at + row * v, w.pointers[entry + 1]
        for first in range(w.pointers[entry], end, most):
            count = most if end - first > most else end - first
            place = w.table[i, GRADIENT] + first - w.table[i, VALUES]
            lane_products(
                count, g_targets, here, g_unit, w.columns, first, source, source_at,
                source_unit, units, gradient, place,
            )  # fmt: skip
