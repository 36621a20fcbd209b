"""Blocks of samples through the network, forward and backward: the order of things.

Every ``x_forward`` is followed by its ``x_backward``, the exact adjoint of the discrete
step (not of the differential equation). `run_blocks` strings the pieces together;
everything else in the package sees only `run_blocks`.

Reduced units: time in relaxation times (gamma = 1), drive in damping rates (I = 1 is
the threshold). Equation numbers (1) to (5) are those of docs/MODEL.md.

Sizes, used in every shape comment:
    L layers; n_l neurons of layer l, N of all layers; C input channels; K classes;
    V samples in a row (`tiles.lanes`: 64 bytes); P panels of V samples in a block;
    T input points; S substeps for each of them; M = T S substeps in all;
    F numbers that W_out acts on; R times at which the output is read, 1 or T.

A time level is a flat array of P N V values, (panel, neuron, sample), layers one below
the other: the rows of layers l-1 and l are adjacent, so that A_l [W_ext,l | W_int,l]
acts on them in one product. The last panel is filled up with copies of the last sample,
whose losses do not count. Because the extrapolation of the drive to the middle of the
substep is linear, it is applied to the neurons' outputs before the product: z(k) = 3/2
y(k) - 1/2 y(k-1), with y(-1) = y(0); for Euler z = y.

The backward pass needs z, dp'/dp and dp'/dI of all substeps. Where they would not fit
into memory the substeps are cut into segments: the forward pass keeps the state at the
start of each, and the backward pass runs a segment forward once more before it goes
back through it.

Kernels do not allocate for each step and do not raise: `run_blocks` returns 0, or 1 +
the first sample with a non-finite state.
"""

from typing import NamedTuple

import numpy as np

from spinrnn.kernels.compiling import inlined, kernel, piece
from spinrnn.kernels.couplings import ADDS, couple, couple_gradient
from spinrnn.kernels.losses import cross_entropy, squared_error
from spinrnn.kernels.pointers import call_level
from spinrnn.kernels.stepping import (
    Level,
    Places,
    add,
    emitted_backward,
    level_backward,
    numbers_backward,
    states_backward,
)
from spinrnn.kernels.tiles import row_length, view
from spinrnn.kernels.workspace import (
    add_and_clear,
    add_rows,
    copy,
    copy_all,
    difference,
    fill,
    fill_rows,
    sum_rows,
)

END, MEAN, BOTH, POINTS = range(4)
"""What W_out acts on: the last layer at a sample's end, or its average over the last
time (`Constants.readout`), F = n_{L-1}; its average over a sample's whole time, F =
n_{L-1}; both, one below the other, F = 2 n_{L-1}; the last layer at the end of each
input interval, F = n_{L-1} and R = T. Where it acts on the squares of these numbers
too, they stand below, and F is twice as large.
"""

ADDRESS, FIRST, ROWS, NUMBERS, SHARED, SHARED_COUNT, SAME = range(7)
"""Columns of `Neurons.table`."""


class Neurons(NamedTuple):
    """The neurons as the kernels take them.

    A line of the table is neighbouring neurons of one kind:

        ADDRESS         of their level, see `stepping.level_of`
        FIRST, ROWS     number of the first neuron, and how many there are
        NUMBERS         where their numbers start
        SHARED, SHARED_COUNT  where those start that they have in common, and how many
        SAME            whether all of them have the same numbers
    """

    # (groups, 7) int64
    table: np.ndarray
    # flat: of each group its Q numbers for all of its neurons, number after number
    numbers: np.ndarray
    # flat
    shared: np.ndarray
    # (N,) constant part of the drive
    bias: np.ndarray
    # (d N,) states at the start, state after state; (N,) mean at the start
    rest: np.ndarray
    mean: np.ndarray
    # where the gradients of numbers and of rest start in a block's flat vector
    g_numbers: int
    g_rest: int


class Block(NamedTuple):
    """A block of samples, as the pieces below take it."""

    # (P V,) each sample's last time in substeps; the first and the last of them
    ends: np.ndarray
    first_end: int
    last_end: int
    # its first sample's number in the call, and one more than its last one's
    first_sample: int
    last_sample: int
    # P; numbers of a panel in a level, N V; numbers of a level
    panels: int
    panel: int
    size: int
    # where its first panel stands in u at time 0, and how far times are apart there
    u_at: int
    u_time: int
    # R
    points: int


# ---- readout: the last layer's output at a sample's end, or its average ----


@piece
def weight_of(k, end, reading, weights, tilt):
    """Weight of time k in the average that ends at a sample's end: over its whole time,
    by the trapezoidal rule, or of the table; tilt: see `Constants`.
    """
    before_end = end - k
    if reading == MEAN:
        inside = weights.dtype.type(1 if 0 < k < end else 0.5)
        # sum of the later times' weights, as m goes on with what y was
        lever = before_end if 0 < k < end else 0.25 if k > 0 else 0.5 * end - 0.25
        share = (inside + tilt * weights.dtype.type(lever)) / weights.dtype.type(end)
        return share if before_end >= 0 else weights.dtype.type(0)
    return weights[before_end] if 0 <= before_end < weights.size else weights.dtype.type(0)


@piece
def readout_forward(
    k, reading, weights, tilt, ends, memory, state, mean, readout, sizes, panel, panels
):
    """readout (P, F, V) += weight y(k) of the last layer, sizes = (n_{L-1}, F).

    `readout` is where the row of its first neuron stands.
    """
    v, last, features = row_length(memory), sizes[0], sizes[1]
    for q in range(panels):
        for j in range(v):
            weight = weight_of(k, ends[q * v + j], reading, weights, tilt)
            if weight != 0:
                source, target = (q + 1) * panel - last * v + j, readout + q * features * v + j
                for i in range(last):
                    memory[target + i * v] += weight * (
                        memory[state + source + i * v] - memory[mean + source + i * v]
                    )


@piece
def readout_backward(
    k, reading, weights, tilt, ends, memory, g_readout, g_state, g_mean, sizes, panel, panels
):
    """dLoss/dp and dLoss/dm of time k += weight dLoss/dreadout, with the signs of y = p
    - m.
    """
    v, last, features = row_length(memory), sizes[0], sizes[1]
    for q in range(panels):
        for j in range(v):
            weight = weight_of(k, ends[q * v + j], reading, weights, tilt)
            if weight != 0:
                source, target = g_readout + q * features * v + j, (q + 1) * panel - last * v + j
                for i in range(last):
                    g_y = weight * memory[source + i * v]
                    memory[g_state + target + i * v] += g_y
                    memory[g_mean + target + i * v] -= g_y


@inlined
def read(k, c, w, work, block):
    """What the readout takes of time k."""
    memory, panel, panels, v = work.memory, block.panel, block.panels, row_length(work.memory)
    at, ends, sizes = work.readout, block.ends, (w.last, w.features)
    if c.reading == POINTS:
        if k > 0 and k % c.substeps == 0:
            at += (k // c.substeps - 1) * panels * w.features * v
            for q in range(panels):
                source, target = (q + 1) * panel - w.last * v, at + q * w.features * v
                for i in range(w.last * v):
                    place = source + i
                    memory[target + i] = memory[work.state + place] - memory[work.mean + place]
        return
    if c.reading != MEAN and k > block.first_end - c.readout.size:
        readout_forward(
            k, END, c.readout, c.tilt, ends, memory, work.state, work.mean, at, sizes, panel, panels
        )
    if c.reading == MEAN or c.reading == BOTH:
        at += (w.read - w.last) * v
        readout_forward(
            k,
            MEAN,
            c.readout,
            c.tilt,
            ends,
            memory,
            work.state,
            work.mean,
            at,
            sizes,
            panel,
            panels,
        )


@inlined
def read_backward(k, c, w, work, block):
    """Adjoint of `read`: dLoss/dp and dLoss/dm of time k."""
    memory, panel, panels, v = work.memory, block.panel, block.panels, row_length(work.memory)
    at, ends, sizes = work.g_readout, block.ends, (w.last, w.features)
    g_state, g_mean = work.g_state, work.g_mean
    if c.reading == POINTS:
        if k > 0 and k % c.substeps == 0:
            at += (k // c.substeps - 1) * panels * w.features * v
            for q in range(panels):
                target, source = (q + 1) * panel - w.last * v, at + q * w.features * v
                for i in range(w.last * v):
                    memory[g_state + target + i] += memory[source + i]
                    memory[g_mean + target + i] -= memory[source + i]
        return
    if c.reading != MEAN and k > block.first_end - c.readout.size:
        readout_backward(
            k, END, c.readout, c.tilt, ends, memory, at, g_state, g_mean, sizes, panel, panels
        )
    if c.reading == MEAN or c.reading == BOTH:
        at += (w.read - w.last) * v
        readout_backward(
            k, MEAN, c.readout, c.tilt, ends, memory, at, g_state, g_mean, sizes, panel, panels
        )


@piece
def squares_forward(memory, readout, read, features, units):
    """In each of the units (F, V) of the readout: the squares of what was read, below
    it, where W_out acts on them too, F = 2 read.
    """
    v = row_length(memory)
    if features > read:
        for q in range(units):
            at = readout + q * features * v
            for i in range(at, at + read * v):
                memory[i + read * v] = memory[i] * memory[i]


@piece
def squares_backward(memory, readout, g_readout, read, features, units):
    """Adjoint of `squares_forward`: dLoss/dx += 2 x dLoss/dx^2."""
    v = row_length(memory)
    if features > read:
        for q in range(units):
            at, g_at = readout + q * features * v, g_readout + q * features * v
            for i in range(read * v):
                x, g_square = memory[at + i], memory[g_at + read * v + i]
                memory[g_at + i] += (x + x) * g_square


@piece
def put_features(memory, readout, measured, first, last, features, panels):
    """What a device's readout has read, (samples, read, R), in the place of the
    network's own (R, P, F, V), for samples first to last - 1 of the call.
    """
    v = row_length(memory)
    for j in range(last - first):
        for t in range(measured.shape[2]):
            at = readout + (t * panels + j // v) * features * v + j % v
            for i in range(measured.shape[1]):
                memory[at + i * v] = measured[first + j, i, t]


@inlined
def logits_forward(w, work, units):
    """Eq. (4): logits (R, P, K, V) = A_out (W_out readout + b_out); units: R P."""
    memory, v = work.memory, row_length(work.memory)
    squares_forward(memory, work.readout, w.read, w.features, units)
    unit = w.classes * v
    for q in range(units):
        fill_rows(view(memory, work.logits + q * unit, unit), view(w.values, w.b_out, w.classes))
    i, out = w.forward + w.backward + 1, work.logits
    couple(w, i, memory, work.readout, w.features * v, out, memory, out, unit, units)


@inlined
def logits_backward(c, w, work, gradient, panels, points):
    """From dLoss/dlogits to dLoss/dreadout and the gradients of W_out and b_out.

    dLoss/dlogits is 0 for the copies that fill the last panel; dLoss/dreadout must be
    zero on entry.
    """
    memory, v = work.memory, row_length(work.memory)
    i, g_out, g_in = w.forward + w.backward + 1, work.g_logits, work.g_readout
    source, unit, g_unit = work.readout, w.features * v, w.classes * v
    # the tiles have room for a chunk's units
    for first in range(0, points, c.chunk):
        count = c.chunk if points - first > c.chunk else points - first
        there, here = g_out + first * panels * g_unit, source + first * panels * unit
        couple_gradient(
            w, i, memory, there, g_unit, memory, here, unit, count * panels, gradient, memory,
            work.tile,
        )  # fmt: skip
    couple(w, i + 1, memory, g_out, g_unit, g_in, memory, g_in, unit, points * panels)
    squares_backward(memory, source, g_in, w.read, w.features, points * panels)
    for q in range(points * panels):
        sum_rows(memory, g_out + q * g_unit, w.classes, gradient, w.g_b_out)


@inlined
def losses_of(w, work, block, targets, scale, logits, losses):
    """Copies the logits out, those of a device where they were measured; where there
    are targets, also losses and dLoss/dlogits.
    """
    memory, v, panels = work.memory, row_length(work.memory), block.panels
    measured = targets.measured
    for j in range(block.last_sample - block.first_sample):
        n = block.first_sample + j
        for t in range(block.points):
            for o in range(w.classes):
                place = work.logits + ((t * panels + j // v) * w.classes + o) * v + j % v
                logits[n, o, t] = measured[n, o, t] if measured.size > 0 else memory[place]
    if targets.labels.size > 0 or targets.values.size > 0:
        units = block.points * panels
        fill(memory, work.g_logits, units * w.classes * v, memory.dtype.type(0))
        own_logits = logits[block.first_sample : block.last_sample]
        own_losses = losses[block.first_sample : block.last_sample]
        weights = targets.weights[block.first_sample : block.last_sample]
        if targets.labels.size > 0:
            labels = targets.labels[block.first_sample : block.last_sample]
            cross_entropy(
                own_logits, labels, weights, scale, own_losses, memory, work.g_logits, panels
            )
        else:
            values = targets.values[block.first_sample : block.last_sample]
            squared_error(
                own_logits, values, weights, scale, own_losses, memory, work.g_logits, panels
            )


# ---- samples of a block that are past their end, or not finite ----


@piece
def hold_finished(k, ends, memory, old, new, panel, panels):
    """Samples past their own end get back what they had.

    What follows the end can then neither diverge nor carry a gradient.
    """
    v = row_length(memory)
    for q in range(panels):
        for j in range(v):
            if k >= ends[q * v + j]:
                for i in range(q * panel + j, (q + 1) * panel, v):
                    memory[new + i] = memory[old + i]


@piece
def forget_finished(k, ends, memory, by, panel, panels):
    """Derivatives of samples past their own end, whose step did not count, are zero.

    One that overflowed would make NaN of a gradient of zero.
    """
    v = row_length(memory)
    for q in range(panels):
        for j in range(v):
            if k >= ends[q * v + j]:
                for i in range(q * panel + j, (q + 1) * panel, v):
                    memory[by + i] = memory.dtype.type(0)


@inlined
def forget_all(k, work, block, here):
    """`forget_finished` for all derivatives of substep number `here` of those kept."""
    memory, d, size = work.memory, work.states_count, block.size
    panel, panels, ends = block.panel, block.panels, block.ends
    forget_finished(k, ends, memory, work.by_drive + here * size, panel, panels)
    for part, count in (
        (work.jacobian, d * d),
        (work.by_drive_others, d - 1),
        (work.by_numbers, d * work.trained),
    ):
        for i in range(count):
            at = part + (here * count + i) * size
            forget_finished(k, ends, memory, at, panel, panels)


@piece
def first_bad_sample(memory, state, size, states, panel, samples):
    """0, or 1 + the first sample whose states are not all finite.

    A NaN stays in a neuron, so looking at the end is enough.
    """
    v = row_length(memory)
    for sample in range(samples):
        for n in range(states):
            start = state + n * size + sample // v * panel + sample % v
            for i in range(start, start + panel, v):
                if not np.isfinite(memory[i]):
                    return sample + 1
    return 0


# ---- a substep of all neurons ----


@inlined
def level_forward(c, work, block, neurons, noise, k, after, here):
    """The neurons' part of substep k.

    z' goes to `after`, derivatives to the place of substep number `here` of those kept.
    """
    memory, size, d, v = work.memory, block.size, work.states_count, row_length(work.memory)
    places = Places(
        work.drive,
        work.mean,
        after,
        work.state,
        work.jacobian + here * d * d * size,
        work.by_drive + here * size,
        work.by_drive_others + here * (d - 1) * size,
        work.by_numbers + here * d * work.trained * size,
        work.scratch,
    )
    table = neurons.table
    # neurons of one kind are stepped for all panels at once
    together = block.panels if table.shape[0] == 1 else 1
    for i in range(table.shape[0]):
        first, rows = table[i, FIRST], table[i, ROWS]
        for q in range(0, block.panels, together):
            level = Level(
                size,
                d,
                work.trained,
                q * block.panel + first * v,
                rows * together,
                rows,
                first,
                table[i, NUMBERS],
                table[i, SHARED],
                table[i, SHARED_COUNT],
                table[i, SAME] != 0,
                k,
                block.first_sample + q * v,
            )
            call_level(
                table[i, ADDRESS], c, neurons.numbers, neurons.shared, noise, memory, places, level
            )


@inlined
def level_adjoint(c, work, block, here, g_blended, g_after):
    """Adjoint of `level_forward`: dLoss/dI takes the place of ds'/dI of the first
    state.
    """
    memory, size, d = work.memory, block.size, work.states_count
    drive = work.by_drive + here * size
    by_drive, g_base = view(memory, drive, size), view(memory, work.g_base, size)
    z, z_after = view(memory, g_blended, size), view(memory, g_after, size)
    g_state, g_mean = view(memory, work.g_state, size), view(memory, work.g_mean, size)
    jacobian = work.jacobian + here * d * d * size
    if d == 1 and work.trained == 0:
        by_state = view(memory, jacobian, size)
        level_backward(c, by_state, by_drive, z, z_after, g_state, g_mean, g_base)
        return
    fill(memory, work.g_before, d * size, memory.dtype.type(0))
    emitted_backward(c, z, z_after, g_state, g_mean, view(memory, work.g_before, size))
    by_numbers = work.by_numbers + here * d * work.trained * size
    numbers_backward(
        memory, size, block.panel, d, work.trained, by_numbers, work.g_state, work.g_numbers
    )
    others = work.by_drive_others + here * (d - 1) * size
    states_backward(memory, size, d, jacobian, drive, others, work.g_state, work.g_before)
    add(g_base, by_drive)


@inlined
def interval_forward(w, u, u_here, work, block):
    """The part of the drive that is constant over an input interval.

    xi_0 + b and the inputs'.
    """
    memory, i, channels = work.memory, w.forward + w.backward, w.channels * row_length(u)
    start, out, panel, panels = work.constant, work.base, block.panel, block.panels
    couple(w, i, u, u_here, channels, start, memory, out, panel, panels)


@inlined
def interval_backward(w, u, u_here, work, gradient, block):
    """Gradients of the input weights and the biases from one input interval.

    Its dLoss/dI are summed in g_base, which is cleared.
    """
    memory, i, channels = work.memory, w.forward + w.backward, w.channels * row_length(u)
    g, panel, panels, tile = work.g_base, block.panel, block.panels, work.tile
    couple_gradient(w, i, memory, g, panel, u, u_here, channels, panels, gradient, memory, tile)
    for q in range(panels):
        rows = view(memory, work.g_base + q * panel, panel)
        add_and_clear(view(memory, work.g_bias, panel), rows)


# ---- a segment of substeps ----


@inlined
def segment_forward(c, w, u, block, first, last, reading, work, neurons, noise):
    """Substeps first to last - 1; on entry state, mean and z are those of time `first`.

    Reads out at times first to last - 1 if `reading`. What is kept of substep k stands
    at place k - first, or at 0 and 1 in turn where nothing is kept.
    """
    memory, ends = work.memory, block.ends
    panel, panels, size = block.panel, block.panels, block.size
    state, mean, drive, d = work.state, work.mean, work.drive, work.states_count
    for k in range(first, last):
        if reading:
            read(k, c, w, work, block)
        if k % c.substeps == 0 or k == first:
            interval_forward(w, u, block.u_at + k // c.substeps * block.u_time, work, block)
        blended = work.blended + (k - first) % (work.kept + 1) * size
        blended_next = work.blended + (k - first + 1) % (work.kept + 1) * size
        here = (k - first) % work.kept
        for i in range(w.forward):
            initial_at = drive if w.table[i, ADDS] else work.base
            couple(w, i, memory, blended, panel, initial_at, memory, drive, panel, panels)
        if work.history:
            copy(memory, state, work.states + k * d * size, d * size)
            copy(memory, mean, work.means + k * size, size)
            copy(memory, drive, work.drives + k * size, size)
        if k >= block.first_end:
            copy(memory, state, work.held, d * size)
            copy(memory, mean, work.held + d * size, size)
        level_forward(c, work, block, neurons, noise, k, blended_next, here)
        if k >= block.first_end:
            for i in range(d):
                at = i * size
                hold_finished(k, ends, memory, work.held + at, state + at, panel, panels)
            hold_finished(k, ends, memory, work.held + d * size, mean, panel, panels)
            # without a state that follows, z could feed itself
            hold_finished(k, ends, memory, blended, blended_next, panel, panels)
            forget_all(k, work, block, here)


@inlined
def segment_backward(c, w, u, block, first, last, work, gradient):
    """`segment_forward` read upside down; on entry the gradients at time `last` are
    known.

    That is but for the readout's.
    """
    memory, tile = work.memory, work.tile
    panel, panels, size = block.panel, block.panels, block.size
    for k in range(last - 1, first - 1, -1):
        read_backward(k + 1, c, w, work, block)
        here = k - first
        g_drive, z = work.by_drive + here * size, work.blended + here * size
        g_blended, g_after = (
            work.g_blended + (k + 1) % 2 * size,
            work.g_blended + k % 2 * size,
        )
        level_adjoint(c, work, block, here, g_blended, g_after)
        for i in range(w.forward, w.forward + w.backward):
            initial_at = g_after if w.table[i, ADDS] else -1
            couple(w, i, memory, g_drive, panel, initial_at, memory, g_after, panel, panels)
        if k % c.substeps == 0:
            u_here = block.u_at + k // c.substeps * block.u_time
            interval_backward(w, u, u_here, work, gradient, block)
        # the weights' part of several substeps at once
        if k % c.chunk == 0 or k == first:
            end = k + c.chunk - k % c.chunk
            units = ((last if last < end else end) - k) * panels
            for i in range(w.forward):
                couple_gradient(
                    w, i, memory, g_drive, panel, memory, z, panel, units, gradient, memory, tile
                )


# ---- a block ----


@inlined
def block_of(w, u, ends, logits, number, width):
    """`Block` of this number; each has `width` panels, the last one may have fewer."""
    v = row_length(u)
    first, last = number * width, ends.size // v
    panels = last - first if last - first < width else width
    own_ends = ends[first * v : (first + panels) * v]
    first_end = last_end = own_ends[0]
    for i in range(own_ends.size):
        first_end = own_ends[i] if own_ends[i] < first_end else first_end
        last_end = own_ends[i] if own_ends[i] > last_end else last_end
    last_sample, samples = (first + panels) * v, logits.shape[0]
    last_sample = samples if last_sample > samples else last_sample
    panel, u_panel = w.neurons * v, w.channels * v
    return Block(
        own_ends, first_end, last_end, first * v, last_sample, panels, panel, panels * panel,
        first * u_panel, last * u_panel, logits.shape[2],
    )  # fmt: skip


@inlined
def carry(work, block, z, carried, out):
    """Takes states, mean and z of a block's start from `carried`, or puts there those
    of its end.
    """
    memory, size, states = work.memory, block.size, work.states_count
    first = block.first_sample // row_length(memory) * block.panel * (states + 2)
    for i in range(states + 2):
        at = work.mean if i == states else z
        at = work.state + i * size if i < states else at
        kept, level = view(carried, first + i * size, size), view(memory, at, size)
        if out:
            copy_all(level, kept)
        else:
            copy_all(kept, level)


@inlined
def start_forward(w, work, block, neurons, carried, going_on):
    """States, mean, z and readout at time 0, and the part of the drive that never
    changes.
    """
    memory, size, panel, zero = work.memory, block.size, block.panel, work.memory.dtype.type(0)
    d, rows = work.states_count, w.neurons
    bias = view(w.values, w.bias, rows)
    for q in range(block.panels):
        constant = view(memory, work.constant + q * panel, panel)
        fill_rows(constant, bias)
        add_rows(constant, neurons.bias)
        if not going_on:
            for i in range(d):
                state = view(memory, work.state + i * size + q * panel, panel)
                fill_rows(state, view(neurons.rest, i * rows, rows))
            fill_rows(view(memory, work.mean + q * panel, panel), neurons.mean)
    if going_on:
        carry(work, block, work.blended, carried, False)
    else:
        blended, state = view(memory, work.blended, size), view(memory, work.state, size)
        difference(blended, state, view(memory, work.mean, size))
    copy(memory, work.constant, work.base, size)
    units = block.points * block.panels
    fill(memory, work.readout, units * w.features * row_length(memory), zero)
    if neurons.table.shape[0] > 1:
        # levels of kinds with fewer states than others are never written
        fill(memory, work.jacobian, work.kept * d * d * size, zero)
        fill(memory, work.by_drive_others, work.kept * (d - 1) * size, zero)
        fill(memory, work.by_numbers, work.kept * d * work.trained * size, zero)


@inlined
def start_backward(c, w, work, block, gradient):
    """All gradients zero, then those that the loss has by the readout."""
    memory, size, zero = work.memory, block.size, work.memory.dtype.type(0)
    fill(gradient, 0, gradient.size, zero)
    units = block.points * block.panels
    fill(memory, work.g_readout, units * w.features * row_length(memory), zero)
    fill(memory, work.g_state, work.states_count * size, zero)
    fill(memory, work.g_mean, size, zero)
    fill(memory, work.g_blended, 2 * size, zero)
    fill(memory, work.g_base, size, zero)
    fill(memory, work.g_bias, block.panel, zero)
    fill(memory, work.g_numbers, work.trained * block.panel, zero)
    logits_backward(c, w, work, gradient, block.panels, block.points)


@inlined
def neurons_gradient(c, w, work, block, neurons, gradient):
    """Gradients of the trained numbers, and of the states at rest, from which a block
    started: the last step of the backward pass.
    """
    memory, size, panel, panels = work.memory, block.size, block.panel, block.panels
    read_backward(0, c, w, work, block)
    for i in range(size):
        # z(0) = y(0), and z(1) takes `before` of it
        g_y = memory[work.g_blended + i] + c.before * memory[work.g_blended + size + i]
        memory[work.g_state + i] += g_y
        # the mean starts at what is emitted, or is always 0
        if c.blend != 0:
            memory[work.g_state + i] += memory[work.g_mean + i] - g_y
    for i in range(work.trained):
        at = work.g_numbers + i * panel
        sum_rows(memory, at, w.neurons, gradient, neurons.g_numbers + i * w.neurons)
    for i in range(work.states_count):
        for q in range(panels):
            at = work.g_state + i * size + q * panel
            sum_rows(memory, at, w.neurons, gradient, neurons.g_rest + i * w.neurons)


@inlined
def keep_start(work, block, place, again):
    """Keeps states, mean and z of a segment's start, or takes them back."""
    memory, size, d = work.memory, block.size, work.states_count
    starts = work.starts + (d + 2) * place * size
    if again:
        copy(memory, starts, work.state, d * size)
        copy(memory, starts + d * size, work.mean, size)
        copy(memory, starts + (d + 1) * size, work.blended, size)
    else:
        copy(memory, work.state, starts, d * size)
        copy(memory, work.mean, starts + d * size, size)
        copy(memory, work.blended, starts + (d + 1) * size, size)


@inlined
def finish_forward(c, w, work, block, targets, scale, last, logits, losses, carried):
    """What follows the last substep: history, readout, logits, losses."""
    memory, size, d = work.memory, block.size, work.states_count
    if work.history:
        copy(memory, work.state, work.states + last * d * size, d * size)
        copy(memory, work.mean, work.means + last * size, size)
    if carried.size > 0:
        carry(work, block, work.blended + last % (work.kept + 1) * size, carried, True)
    read(last, c, w, work, block)
    if targets.features.size > 0:
        first, end = block.first_sample, block.last_sample
        put_features(memory, work.readout, targets.features, first, end, w.features, block.panels)
    logits_forward(w, work, block.points * block.panels)
    losses_of(w, work, block, targets, scale, logits, losses)


@kernel
def run_blocks(
    c, w, neurons, noise, u, ends, targets, scale, width, segment, backward, work, logits, losses,
    gradients, carried, going_on,
):  # fmt: skip
    """Blocks of samples one after the other: forward, losses, gradients.

    Args:
        c, w, neurons, noise: `stepping.Constants`, `couplings.Weights`, `Neurons`,
            `stepping.Noise`.
        u: flat (T, panels of all blocks, C, V) and V rows more; ends: (panels x V,)
            int64, each sample's last time in substeps.
        targets: `losses.Targets`; scale: the gradients are those of scale times the sum
            of losses.
        width: panels in a block, the last may have fewer; segment: substeps, a multiple
            of c.chunk if there are several segments.
        backward: whether gradients are wanted, which needs targets.
        work: `workspace.Work` for one block, modified in place.
        logits: (samples, K, R), losses: (samples,) float64, gradients: (blocks, flat)
            or (0, 0); written, for each block.
        carried: flat, block after block states, mean and z (d + 2 levels), which the
            call leaves there; or (0,). going_on: whether it starts from them, not at
            rest.
    Returns:
        0, or 1 + the first sample whose final state is not finite; the blocks from its
        own on have no results.
    """
    memory, d = work.memory, work.states_count
    for number in range((ends.size // row_length(u) + width - 1) // width):
        block = block_of(w, u, ends, logits, number, width)
        size = block.size
        segments = (block.last_end + segment - 1) // segment
        start_forward(w, work, block, neurons, carried, going_on)
        # forward through all segments, then backward through them, each but the last
        # after it has run forward once more
        for turn in range(2 * segments - 1 if backward else segments):
            i = turn if turn < segments else 2 * (segments - 1) - turn
            first, last = i * segment, (i + 1) * segment
            last = block.last_end if last > block.last_end else last
            if 0 < turn < segments:
                copy(memory, work.blended + segment * size, work.blended, size)
            if segments > 1:
                keep_start(work, block, i, turn >= segments)
            segment_forward(c, w, u, block, first, last, turn < segments, work, neurons, noise)
            if turn == segments - 1:
                alive = block.last_sample - block.first_sample
                bad = first_bad_sample(memory, work.state, size, d, block.panel, alive)
                if bad:
                    return block.first_sample + bad
                finish_forward(c, w, work, block, targets, scale, last, logits, losses, carried)
                if backward:
                    start_backward(c, w, work, block, gradients[number])
            if backward and turn >= segments - 1:
                segment_backward(c, w, u, block, first, last, work, gradients[number])
        if backward:
            sum_rows(memory, work.g_bias, w.neurons, gradients[number], w.g_bias)
            # where anything is trained there is room, also if no number depends on it
            if neurons.g_rest < gradients.shape[1]:
                neurons_gradient(c, w, work, block, neurons, gradients[number])
    return 0
