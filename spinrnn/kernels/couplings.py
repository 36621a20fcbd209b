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


class Weights(NamedTuple):
    """The parameters as the kernels want them: matrices between groups of neighbouring rows, with masks and amplification applied.

    A line of the table is one matrix: 0 whether it is sparse, 1 first target row, 2 targets n, 3 first source row, 4 sources m, 5 where its
    values start, 6 where its row pointers start (sparse), 7 where its gradient starts, 8 whether it adds to what earlier lines made of
    its target rows, 9 and 10 height and cut of its tiles (dense, see `tiles.tile_heights`). The values of a dense matrix are these tiles,
    each column by column. Row i of a sparse one has the entries pointers[i] to pointers[i + 1], counted in values and columns,
    columns from the first source row.
    """

    table: np.ndarray  # (matrices, 11) int64, in this order: drive of layer l from z of layers l-1 and l; their transposes, dLoss/dz of
    #   layer l from dLoss/dI of layers l and l+1; drive of layer 0 from the input channels; logits from the readout; and its transpose
    forward: int  # number of the first kind
    backward: int  # of the second
    values: np.ndarray  # flat; after those of the matrices the two below
    columns: np.ndarray  # flat int32
    pointers: np.ndarray  # flat int64
    bias: int  # where the (N,) trainable biases start in values
    b_out: int  # (K,)
    neurons: int  # N
    channels: int  # C
    last: int  # n_{L-1}
    classes: int  # K
    g_bias: int  # where the gradients of bias and b_out start in a block's flat vector of gradients
    g_b_out: int


@piece
def couple(w, i, source, source_at, source_panel, initial_at, out, out_at, panel, panels):
    """Target rows of out = initial rows + matrix i times source rows, for each panel.

    source_at and out_at are where row 0 of the first panel stands, source_panel and panel how far the panels are apart. The initial rows
    stand in out too, their row 0 at initial_at; initial_at < 0 stands for zeros.
    """
    v = row_length(out)
    sparse, target, targets, first, sources, start = (
        w.table[i, 0],
        w.table[i, 1],
        w.table[i, 2],
        w.table[i, 3],
        w.table[i, 4],
        w.table[i, 5],
    )
    source_at += first * v
    height, cut, row = w.table[i, 9], w.table[i, 10], 0
    while row < targets:
        height -= row == cut
        old, new, here, left = initial_at, out_at + (target + row) * v, source_at, panels
        if initial_at >= 0:
            old += (target + row) * v
        while left > 0:
            if sparse:
                entry = w.table[i, 6] + row
                first_entry, last_entry, together = (
                    w.pointers[entry],
                    w.pointers[entry + 1],
                    PANELS if left > PANELS else left,
                )
                sparse_row(
                    w.values,
                    w.columns,
                    first_entry,
                    last_entry,
                    source,
                    here,
                    source_panel,
                    together,
                    old,
                    out,
                    new,
                    panel,
                )
            else:
                together = 1
                product_tile(
                    height, w.values, start + row * sources, source, here, sources, old, out, new
                )
            here, new, left = (
                here + together * source_panel,
                new + together * panel,
                left - together,
            )
            if initial_at >= 0:
                old += together * panel
        row += height


@piece
def couple_gradient(
    w, i, g_targets, g_at, g_unit, source, source_at, source_unit, units, gradient, tile, tile_at
):
    """gradient of matrix i += sum over units and samples of (target rows of g_targets) (source rows)^T.

    A unit is one panel at one time; g_at and source_at are where row 0 of the first unit stands, g_unit and source_unit how far units are apart.
    A dense gradient is kept as (tile of V sources, target, V); what it holds for sources beyond the last means nothing.
    """
    v = row_length(gradient)
    sparse, targets, sources, out_at = w.table[i, 0], w.table[i, 2], w.table[i, 4], w.table[i, 7]
    g_at += w.table[i, 1] * v
    source_at += w.table[i, 3] * v
    if sparse:
        most = group_length(gradient)
        for row in range(targets):
            entry, end = w.pointers[w.table[i, 6] + row], w.pointers[w.table[i, 6] + row + 1]
            while entry < end:
                count, place = (
                    most if end - entry > most else end - entry,
                    out_at + entry - w.table[i, 5],
                )
                lane_products(
                    count,
                    g_targets,
                    g_at + row * v,
                    g_unit,
                    w.columns,
                    entry,
                    source,
                    source_at,
                    source_unit,
                    units,
                    gradient,
                    place,
                )
                entry += count
        return
    for left in range(0, sources, v):
        for unit in range(units):
            transpose_tile(
                source, source_at + unit * source_unit + left * v, tile, tile_at + unit * v * v
            )
        height, cut, row = w.table[i, 9], w.table[i, 10], 0
        while row < targets:
            height -= row == cut
            place = out_at + (left * targets // v + row) * v
            gradient_tile(
                height, g_targets, g_at + row * v, g_unit, tile, tile_at, units, gradient, place
            )
            row += height
