"""All of a training step that is compiled: blocks of samples through the network, forward and backward, written as pairs.

Every ``x_forward`` is followed by its ``x_backward``, the exact adjoint of the discrete step (not of the differential equation).
`run_blocks` strings the pieces together; everything else in the package sees only `run_blocks`.

Reduced units: time in relaxation times (gamma = 1), drive in damping rates (I = 1 is the threshold). Equation numbers (1) to (5)
are those of docs/MODEL.md.

Sizes, used in every shape comment:
    L layers; n_l neurons of layer l, N of all layers; C input channels; K classes;
    V samples in a row (`tiles.lanes`: 64 bytes); P panels of V samples in a block; T input points; S substeps for each of them;
    M = T S substeps in all; D time levels that an array keeps.

A time level is a flat array of P N V values, (panel, neuron, sample), layers one below the other: the rows of layers l-1 and l are
adjacent, so that A_l [W_ext,l | W_int,l] acts on them in one product. The last panel is filled up with copies of the last sample,
whose losses do not count. Because the extrapolation of the drive to the middle of the substep is linear, it is applied to the neurons'
outputs before the product: z(k) = 3/2 y(k) - 1/2 y(k-1), with y(-1) = y(0); for Euler z = y.

The backward pass needs z, dp'/dp and dp'/dI of all substeps. Where they would not fit into memory the substeps are cut into segments: the
forward pass keeps the state at the start of each, and the backward pass runs a segment forward once more before it goes back through it.

Kernels do not allocate for each step and do not raise: `run_blocks` returns 0, or 1 + the first sample with a non-finite state.
"""

import numpy as np

from spinrnn.kernels.compiling import inlined, kernel, piece
from spinrnn.kernels.couplings import couple, couple_gradient
from spinrnn.kernels.devicesteps import noisy_forward, spread_forward
from spinrnn.kernels.losses import cross_entropy
from spinrnn.kernels.stepping import neurons_backward, neurons_forward
from spinrnn.kernels.tiles import (
    row_length,
    view,
)
from spinrnn.kernels.workspace import add_and_clear, copy, fill, fill_rows, sum_rows

# ---- small pieces ----


# ---- the couplings: one product for each matrix ----


@inlined
def interval_backward(w, u, u_here, work, gradient, panel, panels):
    """Gradients of the input weights and the biases from one input interval, whose dLoss/dI are summed in g_base; clears it."""
    memory, channels = work.memory, w.channels * row_length(u)
    couple_gradient(
        w,
        w.forward + w.backward,
        memory,
        work.g_base,
        panel,
        u,
        u_here,
        channels,
        panels,
        gradient,
        memory,
        work.tile,
    )
    for q in range(panels):
        start = work.g_base + q * panel
        add_and_clear(view(memory, work.g_bias, panel), view(memory, start, panel))


# ---- readout: the last layer's output at each sample's end, or its average over the window before it ----


@piece
def readout_forward(k, weights, ends, memory, state, mean, readout, last, panel, panels):
    """readout (P, n_{L-1}, V) += weight y(k) of the `last` neurons, which are those of the last layer."""
    v = row_length(memory)
    for q in range(panels):
        for j in range(v):
            before_end = ends[q * v + j] - k
            if 0 <= before_end < weights.size:
                source, target = (q + 1) * panel - last * v + j, readout + q * last * v + j
                for i in range(last):
                    memory[target + i * v] += weights[before_end] * (
                        memory[state + source + i * v] - memory[mean + source + i * v]
                    )


@piece
def readout_backward(k, weights, ends, memory, g_readout, g_state, g_mean, last, panel, panels):
    v = row_length(memory)
    for q in range(panels):
        for j in range(v):
            before_end = ends[q * v + j] - k
            if 0 <= before_end < weights.size:
                source, target = g_readout + q * last * v + j, (q + 1) * panel - last * v + j
                for i in range(last):
                    g_y = weights[before_end] * memory[source + i * v]
                    memory[g_state + target + i * v] += g_y
                    memory[g_mean + target + i * v] -= g_y


@inlined
def logits_forward(w, work, panels):
    """Eq. (4): logits (P, K, V) = A_out (W_out readout + b_out)."""
    memory, v = work.memory, row_length(work.memory)
    for q in range(panels):
        fill_rows(
            memory,
            work.logits + q * w.classes * v,
            w.values,
            w.b_out,
            w.classes,
            memory.dtype.type(0),
        )
    matrix, logits = w.forward + w.backward + 1, work.logits
    couple(
        w, matrix, memory, work.readout, w.last * v, logits, memory, logits, w.classes * v, panels
    )


@inlined
def logits_backward(w, work, gradient, panels):
    """From dLoss/dlogits, 0 for the copies that fill the last panel, to dLoss/dreadout, which must be zero, and the gradients of W_out and b_out."""
    memory, v = work.memory, row_length(work.memory)
    matrix, g_logits, unit, g_unit = (
        w.forward + w.backward + 1,
        work.g_logits,
        w.last * v,
        w.classes * v,
    )
    couple_gradient(
        w,
        matrix,
        memory,
        g_logits,
        g_unit,
        memory,
        work.readout,
        unit,
        panels,
        gradient,
        memory,
        work.tile,
    )
    couple(
        w,
        matrix + 1,
        memory,
        g_logits,
        g_unit,
        work.g_readout,
        memory,
        work.g_readout,
        unit,
        panels,
    )
    for q in range(panels):
        sum_rows(memory, g_logits + q * g_unit, w.classes, gradient, w.g_b_out)


# ---- a block of samples ----


@piece
def hold_finished(k, ends, memory, old, new, panel, panels):
    """Samples past their own end get back what they had, so that what follows the end can neither diverge nor carry a gradient."""
    v = row_length(memory)
    for q in range(panels):
        for j in range(v):
            if k >= ends[q * v + j]:
                for i in range(q * panel + j, (q + 1) * panel, v):
                    memory[new + i] = memory[old + i]


@piece
def forget_finished(k, ends, memory, by, panel, panels):
    """Derivatives of samples past their own end, whose step did not count, are zero: one that overflowed would make NaN of a gradient of zero."""
    v = row_length(memory)
    for q in range(panels):
        for j in range(v):
            if k >= ends[q * v + j]:
                for i in range(q * panel + j, (q + 1) * panel, v):
                    memory[by + i] = memory.dtype.type(0)


@piece
def first_bad_sample(memory, state, panel, samples):
    """0, or 1 + the first sample of a time level that is not finite. A NaN stays in a neuron, so looking at the end is enough."""
    v = row_length(memory)
    for sample in range(samples):
        start = state + sample // v * panel + sample % v
        for i in range(start, start + panel, v):
            if not np.isfinite(memory[i]):
                return sample + 1
    return 0


@inlined
def segment_forward(
    c,
    w,
    u,
    u_at,
    u_time,
    ends,
    first_end,
    first,
    last,
    reading,
    work,
    panel,
    panels,
    devices,
    noise,
    first_sample,
):
    """Substeps first to last - 1; on entry state, mean and z are those of time `first`. Reads out at times first to last - 1 if `reading`.

    u_at is where the block's first panel stands in u at time 0, u_time how far times are apart. What is kept of substep k stands at place
    k - first, or at 0 and 1 in turn where nothing is kept. first_sample is the number of the block's first sample in the call.
    """
    memory, size, channels = work.memory, panels * panel, w.channels * row_length(u)
    for k in range(first, last):
        if reading and k > first_end - c.readout.size:
            readout_forward(
                k,
                c.readout,
                ends,
                memory,
                work.state,
                work.mean,
                work.readout,
                w.last,
                panel,
                panels,
            )
        if k % c.substeps == 0 or k == first:
            here = u_at + k // c.substeps * u_time
            couple(
                w,
                w.forward + w.backward,
                u,
                here,
                channels,
                work.constant,
                memory,
                work.base,
                panel,
                panels,
            )
        blended, by = (
            work.blended + (k - first) % (work.kept + 1) * size,
            (k - first) % work.kept * size,
        )
        blended_next, by_state, by_drive = (
            work.blended + (k - first + 1) % (work.kept + 1) * size,
            work.by_state + by,
            work.by_drive + by,
        )
        for i in range(w.forward):
            initial_at = work.drive if w.table[i, 8] else work.base
            couple(w, i, memory, blended, panel, initial_at, memory, work.drive, panel, panels)
        if work.history:
            copy(memory, work.state, work.states + k * size, size)
            copy(memory, work.mean, work.means + k * size, size)
            copy(memory, work.drive, work.drives + k * size, size)
        if k >= first_end:
            copy(memory, work.state, work.held, size)
            copy(memory, work.mean, work.held + size, size)
        if devices is None:
            neurons_forward(
                c,
                view(memory, work.drive, size),
                view(memory, work.state, size),
                view(memory, work.mean, size),
                view(memory, blended_next, size),
                view(memory, by_state, size),
                view(memory, by_drive, size),
            )
        elif noise is None:
            spread_forward(
                c,
                devices,
                view(memory, work.drive, size),
                view(memory, work.state, size),
                view(memory, work.mean, size),
                view(memory, blended_next, size),
                view(memory, by_state, size),
                view(memory, by_drive, size),
            )
        else:
            noisy_forward(
                c,
                devices,
                noise,
                k,
                first_sample,
                view(memory, work.drive, size),
                view(memory, work.state, size),
                view(memory, work.mean, size),
                view(memory, blended_next, size),
                view(memory, by_state, size),
                view(memory, by_drive, size),
            )
        if k >= first_end:
            hold_finished(k, ends, memory, work.held, work.state, panel, panels)
            hold_finished(k, ends, memory, work.held + size, work.mean, panel, panels)
            hold_finished(
                k, ends, memory, blended, blended_next, panel, panels
            )  # without a state that follows, z could feed itself
            forget_finished(k, ends, memory, by_state, panel, panels)
            forget_finished(k, ends, memory, by_drive, panel, panels)


@inlined
def segment_backward(
    c, w, u, u_at, u_time, ends, first_end, first, last, work, gradient, panel, panels
):
    """`segment_forward` read upside down; on entry the gradients at time `last` are known but for the readout's."""
    memory, size = work.memory, panels * panel
    for k in range(last - 1, first - 1, -1):
        if k + 1 > first_end - c.readout.size:
            readout_backward(
                k + 1,
                c.readout,
                ends,
                memory,
                work.g_readout,
                work.g_state,
                work.g_mean,
                w.last,
                panel,
                panels,
            )
        here, g_blended, g_after = (
            (k - first) * size,
            work.g_blended + (k + 1) % 2 * size,
            work.g_blended + k % 2 * size,
        )
        neurons_backward(
            c,
            view(memory, work.by_state + here, size),
            view(memory, work.by_drive + here, size),
            view(memory, g_blended, size),
            view(memory, g_after, size),
            view(memory, work.g_state, size),
            view(memory, work.g_mean, size),
            view(memory, work.g_base, size),
        )
        for i in range(w.forward, w.forward + w.backward):
            couple(
                w,
                i,
                memory,
                work.by_drive + here,
                panel,
                g_after if w.table[i, 8] else -1,
                memory,
                g_after,
                panel,
                panels,
            )
        if k % c.substeps == 0:
            interval_backward(w, u, u_at + k // c.substeps * u_time, work, gradient, panel, panels)
        if k % c.chunk == 0 or k == first:  # the weights' part of several substeps
            units = (
                (last if last < k + c.chunk - k % c.chunk else k + c.chunk - k % c.chunk) - k
            ) * panels
            for i in range(w.forward):
                couple_gradient(
                    w,
                    i,
                    memory,
                    work.by_drive + here,
                    panel,
                    memory,
                    work.blended + here,
                    panel,
                    units,
                    gradient,
                    memory,
                    work.tile,
                )


@kernel
def run_blocks(
    c,
    w,
    u,
    ends,
    labels,
    scale,
    rest,
    block,
    segment,
    backward,
    work,
    logits,
    losses,
    gradients,
    devices=None,
    noise=None,
):
    """Blocks of samples one after the other: forward, losses if there are labels, gradients of scale times the sum of losses if
    `backward`, which needs labels.

    Args:
        c, w: `steps.Constants`, `Weights`.
        u: flat (T, panels of all blocks, C, V) and V rows more; ends: (panels x V,) int64, each sample's last time in substeps.
        labels: (samples,) int64, or (0,) for none; scale, rest: of the losses, power at the start.
        block: panels in a block, the last may have fewer; segment: substeps, a multiple of c.chunk if there are several segments.
        work: `Work` for one block, modified in place.
        logits: (samples, K), losses: (samples,) float64, gradients: (blocks, flat) or (0, 0); written, for each block.
        devices: `devicesteps.DeviceConstants`, noise: `devicesteps.Noise`, or None. They differ in type, so each case is compiled when it is first
            wanted, and for ideal neurons nothing is left of the others. With noise there must be devices.
    Returns:
        0, or 1 + the first sample whose final state is not finite (the blocks from its own on have no results).
    """
    memory, v = work.memory, row_length(u)
    samples, u_panels, panel = logits.shape[0], ends.size // v, w.neurons * v
    u_time, zero = u_panels * w.channels * v, memory.dtype.type(0)
    for number in range((u_panels + block - 1) // block):
        start = number * block
        panels = u_panels - start if u_panels - start < block else block
        first_sample, last_sample, size = start * v, (start + panels) * v, panels * panel
        last_sample = samples if last_sample > samples else last_sample
        own_ends, own_logits = (
            ends[start * v : (start + panels) * v],
            logits[first_sample:last_sample],
        )
        first_end = last_end = own_ends[0]
        for i in range(own_ends.size):
            first_end = own_ends[i] if own_ends[i] < first_end else first_end
            last_end = own_ends[i] if own_ends[i] > last_end else last_end
        u_at, segments = start * w.channels * v, (last_end + segment - 1) // segment

        for q in range(panels):
            fill_rows(memory, work.constant + q * panel, w.values, w.bias, w.neurons, c.bias)
        copy(memory, work.constant, work.base, size)
        if devices is None:
            fill(memory, work.state, size, rest)
            fill(memory, work.mean, size, rest)
        else:
            for q in range(panels):
                fill_rows(memory, work.state + q * panel, devices.rest, 0, w.neurons, zero)
            copy(memory, work.state, work.mean, size)
        fill(memory, work.blended, size, zero)
        fill(memory, work.readout, panels * w.last * v, zero)

        # forward through all segments, then backward through them, each but the last after it has run forward once more
        for turn in range(2 * segments - 1 if backward else segments):
            i = turn if turn < segments else 2 * (segments - 1) - turn
            first, last = i * segment, (i + 1) * segment
            last = last_end if last > last_end else last
            kept = work.starts + 3 * i * size
            if 0 < turn < segments:
                copy(memory, work.blended + segment * size, work.blended, size)
            if segments > 1:
                if turn < segments:
                    copy(memory, work.state, kept, size)
                    copy(memory, work.mean, kept + size, size)
                    copy(memory, work.blended, kept + 2 * size, size)
                else:
                    copy(memory, kept, work.state, size)
                    copy(memory, kept + size, work.mean, size)
                    copy(memory, kept + 2 * size, work.blended, size)
            segment_forward(
                c, w, u, u_at, u_time, own_ends, first_end, first, last, turn < segments, work, panel, panels, devices, noise, first_sample
            )  # fmt: skip

            if turn == segments - 1:
                if work.history:
                    copy(memory, work.state, work.states + last * size, size)
                    copy(memory, work.mean, work.means + last * size, size)
                bad = first_bad_sample(memory, work.state, panel, last_sample - first_sample)
                if bad:
                    return first_sample + bad
                readout_forward(
                    last,
                    c.readout,
                    own_ends,
                    memory,
                    work.state,
                    work.mean,
                    work.readout,
                    w.last,
                    panel,
                    panels,
                )
                logits_forward(w, work, panels)
                for j in range(last_sample - first_sample):
                    for o in range(w.classes):
                        own_logits[j, o] = memory[
                            work.logits + (j // v * w.classes + o) * v + j % v
                        ]
                if labels.size > 0:
                    fill(memory, work.g_logits, panels * w.classes * v, zero)
                    own_labels, own_losses = (
                        labels[first_sample:last_sample],
                        losses[first_sample:last_sample],
                    )
                    cross_entropy(own_logits, own_labels, scale, own_losses, memory, work.g_logits)
                if backward:
                    gradient = gradients[number]
                    fill(gradient, 0, gradient.size, zero)
                    fill(memory, work.g_readout, panels * w.last * v, zero)
                    fill(memory, work.g_state, size, zero)
                    fill(memory, work.g_mean, size, zero)
                    fill(memory, work.g_blended, 2 * size, zero)
                    fill(memory, work.g_base, size, zero)
                    fill(memory, work.g_bias, panel, zero)
                    logits_backward(w, work, gradient, panels)
            if backward and turn >= segments - 1:
                segment_backward(
                    c,
                    w,
                    u,
                    u_at,
                    u_time,
                    own_ends,
                    first_end,
                    first,
                    last,
                    work,
                    gradients[number],
                    panel,
                    panels,
                )
        if backward:
            sum_rows(memory, work.g_bias, w.neurons, gradients[number], w.g_bias)
    return 0
