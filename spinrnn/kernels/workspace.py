"""The memory of a thread: one table of what it holds, from which sizes and places
follow.

A *level* is one number for each neuron and sample of a block: P N V numbers, (panel,
neuron, sample). A *segment* is the substeps whose history is kept at once, a *chunk*
those whose gradients of the weights are summed together; size letters as in
`kernels.blocks`.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from spinrnn.kernels.compiling import loop, piece
from spinrnn.kernels.tiles import LINE, aligned, row_length, view


class Shape(NamedTuple):
    """What the sizes depend on."""

    lanes: int  # V
    neurons: int  # N
    features: int  # F, what W_out acts on
    classes: int  # K
    points: int  # at which the output is read: 1, or T
    block: int  # P, panels in a block
    chunk: int  # substeps
    history: int  # 0, or M + 1 where a simulation wants all levels of state, mean and drive
    kept: int  # substeps whose z, ds'/ds and ds'/dI are kept: a segment's, or 1 without gradients
    segments: int
    states: int  # d of the neurons, the most where layers differ
    trained: int  # numbers of a neuron whose gradient is wanted
    scratch: int  # rows that a kind's own level asks for

    @property
    def level(self):
        return self.block * self.neurons * self.lanes

    @property
    def readout(self):
        return self.points * self.block * self.features * self.lanes

    @property
    def logits(self):
        return self.points * self.block * self.classes * self.lanes

    @property
    def tile(self):
        return self.lanes * self.lanes


class Part(NamedTuple):
    """A line of the table."""

    name: str
    size: Callable[[Shape], int]
    meaning: str


PARTS = (
    Part("state", lambda s: s.states * s.level, "d levels: the states s at the current time"),
    Part("mean", lambda s: s.level, "the filter's mean m; 0 where there is none"),
    Part("drive", lambda s: s.level, "I held over the current substep"),
    Part("base", lambda s: s.level, "part of I that is constant over an input interval"),
    Part("constant", lambda s: s.level, "part of I that never changes: xi_0 + b"),
    Part("states", lambda s: s.history * s.states * s.level, "the history of s, time after time"),
    Part("means", lambda s: s.history * s.level, "of m"),
    Part("drives", lambda s: s.history * s.level, "of I"),
    Part("held", lambda s: (s.states + 1) * s.level, "states and mean of samples past their end"),
    Part(
        "blended",
        lambda s: (s.kept + 1) * s.level + s.tile,
        "z, what the couplings act on, of the substeps kept and the time after; V rows follow,"
        " as a transposed tile may reach beyond the last",
    ),
    Part(
        "jacobian",
        lambda s: s.kept * s.states**2 * s.level,
        "ds'/ds of the substeps kept: d d levels each, row by row",
    ),
    Part(
        "by_drive",
        lambda s: s.kept * s.level,
        "ds'/dI of the first state in the substeps kept, which the backward pass turns into"
        " dLoss/dI",
    ),
    Part(
        "by_drive_others",
        lambda s: s.kept * (s.states - 1) * s.level,
        "ds'/dI of the other states",
    ),
    Part(
        "by_numbers",
        lambda s: s.kept * s.states * s.trained * s.level,
        "ds'/dq of the numbers that are trained: for each state a level of each number",
    ),
    Part(
        "starts",
        lambda s: (s.states + 2) * s.segments * s.level if s.segments > 1 else 0,
        "states, mean and z at the start of each segment",
    ),
    Part("readout", lambda s: s.readout + s.tile, "(R, P, F, V) what W_out acts on; V rows"),
    Part("g_readout", lambda s: s.readout, "(R, P, F, V) dLoss/dreadout"),
    Part("logits", lambda s: s.logits, "(R, P, K, V) of the R times of reading"),
    Part("g_logits", lambda s: s.logits, "(R, P, K, V) dLoss/dlogits"),
    Part("g_state", lambda s: s.states * s.level, "dLoss/ds at the current time"),
    Part(
        "g_before",
        lambda s: s.states * s.level if s.states > 1 or s.trained else 0,
        "dLoss/ds one substep before, as it is summed",
    ),
    Part("g_mean", lambda s: s.level, "dLoss/dm"),
    Part("g_blended", lambda s: 2 * s.level, "dLoss/dz at times k and k + 1, at k modulo 2"),
    Part("g_base", lambda s: s.level, "dLoss/dI summed over the substeps of an input interval"),
    Part("g_bias", lambda s: s.neurons * s.lanes, "(N, V) dLoss/dI summed over time and panels"),
    Part(
        "g_numbers",
        lambda s: s.trained * s.neurons * s.lanes,
        "(trained, N, V) dLoss/dq summed over time and panels",
    ),
    Part("scratch", lambda s: s.scratch * s.lanes, "(rows, V) of a kind's own level"),
    Part("tile", lambda s: s.chunk * s.block * s.tile, "transposed tiles of a chunk's substeps"),
)
"""The table: name, numbers, meaning; in the order in which the parts lie in memory."""

Work = NamedTuple(
    "Work",
    [
        ("memory", np.ndarray),
        ("history", int),
        ("kept", int),
        ("states_count", int),
        ("trained", int),
        *[(part.name, int) for part in PARTS],
    ],
)
"""Memory of one thread as the kernels take it.

A flat array; of `Shape` history, kept, states and trained; and where each of `PARTS`
starts.
"""


def sizes(shape):
    """{name: numbers} of all parts."""
    return {part.name: part.size(shape) for part in PARTS}


class Memory:
    """The work memory of one thread, kept as long as it is large enough."""

    def __init__(self):
        self._array = np.empty(0)

    @property
    def bytes(self):
        return self._array.nbytes

    def take(self, size, dtype):
        """Array of this size; zeros when new, else with what was there."""
        if self._array.size < size or self._array.dtype != dtype:
            # let go before the new one is made
            self._array = np.empty(0)
            self._array = aligned((size, dtype))
        return self._array[:size]

    def work(self, shape, dtype):
        """`Work` of this shape; each part starts at a multiple of LINE numbers."""
        lengths = [-(-size // LINE) * LINE for size in sizes(shape).values()]
        starts = np.cumsum([0, *lengths]).tolist()
        array = self.take(starts[-1], np.dtype(dtype))
        counts = (shape.history, shape.kept, shape.states, shape.trained)
        return Work(array, *counts, *starts[:-1])


# ---- for the kernels: copy, fill and sum spans of it ----


@loop
def fill_all(out, number):
    for i in range(out.size):
        out[i] = number


@piece
def fill(memory, start, count, number):
    """view(memory, start, count) = number."""
    fill_all(view(memory, start, count), number)


@loop
def copy_all(source, target):
    """target = source, which do not overlap."""
    for i in range(source.size):
        target[i] = source[i]


@piece
def copy(memory, source, target, count):
    """view(memory, target, count) = view(memory, source, count)."""
    copy_all(view(memory, source, count), view(memory, target, count))


@loop
def add_and_clear(total, values):
    """total += values, then values = 0."""
    for i in range(total.size):
        total[i] += values[i]
        values[i] = total.dtype.type(0)


@loop
def difference(out, a, b):
    """out = a - b."""
    for i in range(out.size):
        out[i] = a[i] - b[i]


@loop
def fill_rows(out, values):
    """Row i of a flat array = values[i] in all places."""
    v = row_length(out)
    for i in range(values.size):
        number = values[i]
        for j in range(i * v, i * v + v):
            out[j] = number


@loop
def add_rows(out, values):
    """Row i of a flat array += values[i] in all places."""
    v = row_length(out)
    for i in range(values.size):
        number = values[i]
        for j in range(i * v, i * v + v):
            out[j] += number


@piece
def sum_rows(memory, start, rows, total, total_at):
    """total[total_at + i] += sum of row i of memory from `start` on."""
    v = row_length(memory)
    for i in range(rows):
        for j in range(v):
            total[total_at + i] += memory[start + i * v + j]
