"""The memory of a thread: where its parts start, and how they are copied and filled."""

from typing import NamedTuple

import numpy as np

from spinrnn.kernels.compiling import loop, piece
from spinrnn.kernels.tiles import (
    row_length,
)


class Work(NamedTuple):
    """Memory of one thread: one flat array, and where its parts start."""

    memory: np.ndarray
    history: int  # 0, or M + 1 where a simulation wants all levels of state, mean and drive
    kept: int  # substeps whose z, dp'/dp and dp'/dI are kept: those of a segment, or 1 for the forward pass alone
    state: int  # level: power p (CTRNN: s) at the current time
    mean: int  # level: the filter's mean m; 0 for the CTRNN
    drive: int  # level: I held over the current substep
    base: int  # level: the part of the drive that is constant over an input interval
    constant: int  # level: xi_0 + b
    states: int  # levels of the history
    means: int
    drives: int
    held: int  # two levels: state and mean of samples past their end
    blended: int  # levels: z, what the couplings act on, of the substeps kept and the time after; V rows follow, as a transposed
    #   tile may reach beyond the last
    by_state: int  # levels: dp'/dp of the substeps kept
    by_drive: (
        int  # levels: dp'/dI of the substeps kept, which the backward pass turns into dLoss/dI
    )
    starts: int  # state, mean and z at the start of each segment
    readout: int  # (P, n_{L-1}, V) what W_out acts on
    g_readout: int  # (P, n_{L-1}, V)
    logits: int  # (P, K, V)
    g_logits: int  # (P, K, V) dLoss/dlogits
    g_state: int  # level: dLoss/dp at the current time
    g_mean: int  # level: dLoss/dm
    g_blended: int  # two levels: dLoss/dz at times k and k + 1, at k modulo 2
    g_base: int  # level: dLoss/dI summed over the substeps of an input interval
    g_bias: int  # (N, V) dLoss/dI summed over time and panels
    tile: int  # transposed tiles of the substeps of a chunk


@piece
def fill(memory, start, count, number):
    """view(memory, start, count) = number; the array expression takes ten times as long to compile."""
    for i in range(start, start + count):
        memory[i] = number


@loop
def add_and_clear(total, values):
    """total += values, then values = 0."""
    for i in range(total.size):
        total[i] += values[i]
        values[i] = total.dtype.type(0)


@piece
def copy(memory, source, target, count):
    """view(memory, target, count) = view(memory, source, count)."""
    for i in range(count):
        memory[target + i] = memory[source + i]


@piece
def fill_rows(memory, start, values, first, rows, constant):
    """Row i of memory from `start` on = constant + values[first + i] in all places."""
    v = row_length(memory)
    for i in range(rows):
        for j in range(v):
            memory[start + i * v + j] = constant + values[first + i]


@piece
def sum_rows(memory, start, rows, total, total_at):
    """total[total_at + i] += sum of row i of memory from `start` on."""
    v = row_length(memory)
    for i in range(rows):
        for j in range(v):
            total[total_at + i] += memory[start + i * v + j]
