"""A level of devices whose right-hand side is a network of weights: rows of V samples
instead of numbers.

dz/dt = f([z, u]) is a chain of matrix products with tanh between them. For one neuron
and the V samples of a row they are products of small matrices, `tiles.product_tile`; a
function of numbers, as other kinds have, would be a loop over weights in each lane. A
substep is one or several steps of Runge and Kutta's 3/8 rule, and carries the exact
derivatives of these very steps: each stage finds the Jacobian A of f backward through
the network, which takes k products for its k outputs, and the tangents follow, K = A X
+ B e, of the d states at the start and the drive. What a row writes to memory is what
`stepping.level_of` writes for other kinds, so that the way back is the same.

Numbers in common (`Learned.shared`, arranged by `neurons.learnedstep`):

    STATES, STEP, NOISE   k; the longest internal step, in the device's unit of time;
                          where the network of the noise starts, 0: there is none
    NETWORK               where f starts: its layers L, L + 1 widths (k + 1, ..., k) and
                          for each layer [W b] and then W^T, both as tiles

The k + 1 inputs are z and u, as the drive is held over a substep and v = (u, ..., u).
"""

import math
from typing import NamedTuple

import numpy as np

from spinrnn.kernels.arithmetic import decay, square_root
from spinrnn.kernels.compiling import loop, piece
from spinrnn.kernels.random import kicks, scramble
from spinrnn.kernels.stepping import add, add_product, filtered, filtered_euler, multiply
from spinrnn.kernels.tiles import TILE, product_tile, row_length, view
from spinrnn.kernels.workspace import copy, fill

STATES, STEP, NOISE, NETWORK = range(4)
"""Places in the shared numbers."""
RATE, GAIN, SHIFT, SCALE, ZERO, NOISE_GAIN, BIAS = range(7)
"""Places in a neuron's numbers: the network's unit of time in the device's; u = GAIN I
+ SHIFT; s = ZERO + SCALE z; factor of the noise; constant part of I."""
ALMOST = 1e-3
"""Share of an internal step by which a substep may be longer without a further one."""


class Room(NamedTuple):
    """Where in memory the scratch rows of a level stand, as numbers."""

    # k rows: z at the start of the substep
    first: int
    # k rows z and k (k + 1) rows dz/d(z0, u), as far as the substep has come and at a
    # stage
    now: int
    stage: int
    # four times the same: dz/dt and its tangents
    slopes: int
    # u
    drive: int
    # (k, k + 1) rows df/d[z, u] at a stage
    jacobian: int
    # inputs, layers and outputs of f, a row of ones below each; 1 - tanh^2 of the
    # layers
    values: int
    bends: int
    # two times the widest layer
    back: int
    # what noise adds to the k rows z and the k (k + 1) tangents
    kicks: int


def room_rows(states, widths):
    """Rows that a level asks for, of k and the widths of all its networks."""
    carried = states * (states + 2)
    values = max(sum(w) + len(w) for w in widths)
    bends = max(sum(w[1:-1]) for w in widths)
    widest = max(max(w) for w in widths)
    return states + 7 * carried + 1 + states * (states + 1) + values + bends + 2 * widest


@piece
def width(shared, at, layer):
    """Of a network's layer, 0 for its inputs."""
    return int(shared[at + 1 + layer])


@piece
def most(shared, at, most_values, most_bends, widest):
    """The largest of these three and of what a network asks for."""
    values, bends, layers = 0, 0, int(shared[at])
    for layer in range(layers + 1):
        here = width(shared, at, layer)
        values += here + 1
        bends += here if 0 < layer < layers else 0
        widest = here if here > widest else widest
    return (
        values if values > most_values else most_values,
        bends if bends > most_bends else most_bends,
        widest,
    )


@piece
def room_of(shared, v, start):
    """`Room` from `start` on."""
    k, further = int(shared[STATES]), int(shared[NOISE])
    values, bends, widest = most(shared, NETWORK, 0, 0, 0)
    if further:
        values, bends, widest = most(shared, further, values, bends, widest)
    carried = k * (k + 2) * v
    now = start + k * v
    stage, slopes = now + carried, now + 2 * carried
    drive = slopes + 4 * carried
    jacobian = drive + v
    values_at = jacobian + k * (k + 1) * v
    bends_at = values_at + values * v
    back = bends_at + bends * v
    return Room(
        start, now, stage, slopes, drive, jacobian, values_at, bends_at, back,
        back + 2 * widest * v,
    )  # fmt: skip


# ---- a network of weights for one row of samples ----


@piece
def tiled_product(a, a_at, rows, depth, memory, source, out):
    """rows of out = matrix times `depth` rows, both in memory; the matrix as tiles."""
    v = row_length(memory)
    tiles = -(-rows // TILE)
    height, cut, row = rows // tiles + 1, rows % tiles * (rows // tiles + 1), 0
    while row < rows:
        height -= row == cut
        at = a_at + row * depth
        product_tile(height, a, at, memory, source, depth, -1, memory, out + row * v)
        row += height


@loop
def activate(values, bends):
    """values = tanh(values), bends = 1 - tanh^2."""
    for j in range(values.size):
        x = values[j]
        one = values.dtype.type(1)
        two = one + one
        distance = two * abs(x)
        kept, lost, _ = decay(distance)
        inverse = one / (one + kept)
        t = lost * distance * inverse
        values[j] = t if x >= 0 else -t
        bends[j] = kept * (two * inverse) * (two * inverse)


@piece
def network_forward(shared, at, memory, room):
    """Place of a network's outputs for the inputs that stand in room.values."""
    v, one = row_length(memory), memory.dtype.type(1)
    layers = int(shared[at])
    data, source, bend = at + 2 + layers, room.values, room.bends
    for layer in range(layers):
        inputs, outputs = width(shared, at, layer), width(shared, at, layer + 1)
        fill(memory, source + inputs * v, v, one)
        target = source + (inputs + 1) * v
        tiled_product(shared, data, outputs, inputs + 1, memory, source, target)
        if layer + 1 < layers:
            activate(view(memory, target, outputs * v), view(memory, bend, outputs * v))
            bend += outputs * v
        data += outputs * (2 * inputs + 1)
        source = target
    return source


@piece
def network_backward(shared, at, memory, room):
    """room.jacobian = the network's Jacobian where `network_forward` was called."""
    v, one = row_length(memory), memory.dtype.type(1)
    layers = int(shared[at])
    k, inputs = width(shared, at, layers), width(shared, at, 0)
    end, bends_end = at + 2 + layers, room.bends
    for layer in range(layers):
        end += width(shared, at, layer + 1) * (2 * width(shared, at, layer) + 1)
        bends_end += width(shared, at, layer) * v if layer else 0
    half = (room.kicks - room.back) // 2
    for i in range(k):
        data, bend, here, there = end, bends_end, room.back, room.back + half
        fill(memory, here, k * v, one - one)
        fill(memory, here + i * v, v, one)
        for layer in range(layers - 1, -1, -1):
            rows, depth = width(shared, at, layer), width(shared, at, layer + 1)
            out = there if layer else room.jacobian + i * inputs * v
            tiled_product(shared, data - rows * depth, rows, depth, memory, here, out)
            if layer:
                bend -= rows * v
                multiply(view(memory, out, rows * v), view(memory, bend, rows * v))
            data -= depth * (2 * rows + 1)
            here, there = there, here


# ---- Runge and Kutta's step of a row, with its tangents ----


@loop
def add_scaled(out, x, factor):
    """out += factor x."""
    for j in range(out.size):
        out[j] += factor * x[j]


@piece
def begin(shared, memory, room, source):
    """The network's inputs: k rows z at `source`, and u."""
    v, k = row_length(memory), int(shared[STATES])
    copy(memory, source, room.values, k * v)
    copy(memory, room.drive, room.values + k * v, v)


@piece
def slope(shared, memory, room, number):
    """Slope number 0 to 3: f and its tangents at room.stage."""
    v, k, zero = row_length(memory), int(shared[STATES]), memory.dtype.type(0)
    m, out = k + 1, room.slopes + number * k * (k + 2) * v
    begin(shared, memory, room, room.stage)
    copy(memory, network_forward(shared, NETWORK, memory, room), out, k * v)
    network_backward(shared, NETWORK, memory, room)
    tangents, of_stage = out + k * v, room.stage + k * v
    for i in range(k):
        by = room.jacobian + i * m * v
        row = tangents + i * m * v
        fill(memory, row, k * v, zero)
        copy(memory, by + k * v, row + k * v, v)
        for j in range(k):
            own = view(memory, by + j * v, v)
            for direction in range(m):
                before = of_stage + (j * m + direction) * v
                add_product(view(memory, row + direction * v, v), own, view(memory, before, v))


@piece
def runge_kutta(shared, h, memory, room):
    """A step of length h of the 3/8 rule, in room.now.

    Stages: now, now + h K1 / 3, now + h (K2 - K1 / 3), now + h (K1 - K2 + K3); now + h
    (K1 + 3 K2 + 3 K3 + K4) / 8.
    """
    v, k, one = row_length(memory), int(shared[STATES]), memory.dtype.type(1)
    count, three = k * (k + 2) * v, one + one + one
    third, eighth = h / three, h / (three + three + one + one)
    now, stage = view(memory, room.now, count), view(memory, room.stage, count)
    # in a loop, as each call would be compiled by itself
    for number in range(4):
        copy(memory, room.now, room.stage, count)
        if number > 0:
            first = third if number == 1 else -third if number == 2 else h
            add_scaled(stage, view(memory, room.slopes, count), first)
        if number > 1:
            second = h if number == 2 else -h
            add_scaled(stage, view(memory, room.slopes + count, count), second)
        if number > 2:
            add_scaled(stage, view(memory, room.slopes + 2 * count, count), h)
        slope(shared, memory, room, number)
    for number in range(4):
        weight = eighth * (three if 0 < number < 3 else one)
        add_scaled(now, view(memory, room.slopes + number * count, count), weight)


# ---- noise ----


@piece
def draw_normals(noise, level, memory, places, k):
    """r^2 and cos(theta) of each two states, of all neurons and samples of a level.

    They stand where the Jacobian will: a pair of levels for each two states; of a
    single state the cosines where ds'/dI will.
    """
    substep = np.uint32(level.substep + noise.first_substep)
    count = level.rows * row_length(memory)
    for pair in range((k + 1) // 2):
        first, second = scramble(substep, np.uint32(pair), noise.key_first, noise.key_second)
        lengths, cosines = places_of_draw(level, places, k, pair)
        kicks(
            level.first, level.neurons, noise.first_case + level.sample, first, second,
            view(memory, lengths, count), view(memory, cosines, count),
        )  # fmt: skip


@piece
def places_of_draw(level, places, k, pair):
    """Where r^2 and cos(theta) of a pair of states stand."""
    at = level_of_jacobian(level, places, k, 2 * pair)
    if k == 1:
        return at, places.by_drive + level.offset
    return at, level_of_jacobian(level, places, k, 2 * pair + 1)


@piece
def level_of_jacobian(level, places, k, number):
    """Where entry `number` of the k k derivatives stands, row by row."""
    i, j = number // k, number % k
    return places.jacobian + level.offset + (i * level.states + j) * level.size


@loop
def normals_of(lengths, cosines, first, second):
    """Two rows of standard normal numbers: sqrt(r^2) times cosine and sine of twice the
    angle, which goes all around.
    """
    for j in range(first.size):
        c, one = cosines[j], first.dtype.type(1)
        radius, left = square_root(lengths[j]), one - c * c
        first[j] = radius * ((c * c) - left)
        second[j] = radius * (c + c) * square_root(left if left > 0 else one - one)


@piece
def take_normals(level, places, memory, room, k, row):
    """room.kicks = the k rows of a row's standard normal numbers."""
    v = row_length(memory)
    for pair in range((k + 1) // 2):
        lengths, cosines = places_of_draw(level, places, k, pair)
        # an odd state takes the first of two; the second goes where nothing is needed
        other = room.kicks + (2 * pair + 1) * v if 2 * pair + 1 < k else room.back
        normals_of(
            view(memory, lengths + row * v, v),
            view(memory, cosines + row * v, v),
            view(memory, room.kicks + 2 * pair * v, v),
            view(memory, other, v),
        )


@loop
def amplitudes(logarithms, factor, normals):
    """normals *= factor exp(logarithms)."""
    for j in range(normals.size):
        x = logarithms[j]
        one = normals.dtype.type(1)
        kept, _, _ = decay(abs(x))
        normals[j] *= factor * (kept if x < 0 else one / kept)


@piece
def diffusion(shared, root, memory, room):
    """room.kicks = what noise adds in a substep, sigma(z, u) root n, and its tangents,
    all at room.now, whose own tangents are those of a start.
    """
    v, k = row_length(memory), int(shared[STATES])
    at, tangents = int(shared[NOISE]), room.kicks + k * v
    begin(shared, memory, room, room.now)
    logarithms = network_forward(shared, at, memory, room)
    amplitudes(view(memory, logarithms, k * v), root, view(memory, room.kicks, k * v))
    network_backward(shared, at, memory, room)
    copy(memory, room.jacobian, tangents, k * (k + 1) * v)
    for number in range(k * (k + 1)):
        own = view(memory, room.kicks + number // (k + 1) * v, v)
        multiply(view(memory, tangents + number * v, v), own)


# ---- a level ----


@piece
def start(q, memory, room, places, level, k, at):
    """room.now and room.drive of a row: z = (s - ZERO) / SCALE, u = GAIN I + SHIFT, and
    the tangents of z by itself.
    """
    v, one = row_length(memory), memory.dtype.type(1)
    inverse, carried = one / q[SCALE], k * (k + 2) * v
    fill(memory, room.now + k * v, carried - k * v, one - one)
    for i in range(k):
        state, z = places.state + i * level.size + at, room.now + i * v
        for j in range(v):
            memory[z + j] = (memory[state + j] - q[ZERO]) * inverse
        fill(memory, room.now + (k + i * (k + 1) + i) * v, v, one)
    copy(memory, room.now, room.first, k * v)
    for j in range(v):
        memory[room.drive + j] = q[GAIN] * memory[places.drive + at + j] + q[SHIFT]


@piece
def whole_step(q, h, shared, memory, room):
    """A substep of length h (in the network's unit) in internal ones that are not
    longer than the device's.
    """
    kind = memory.dtype.type
    length = h * q[RATE]
    count = math.ceil(length / shared[STEP] - kind(ALMOST))
    count = 1 if count < 1 else count
    for _ in range(count):
        runge_kutta(shared, length / kind(count), memory, room)


@piece
def finish(q, memory, room, places, level, k, at):
    """Writes s' = ZERO + SCALE z', ds'/ds and ds'/dI of a row."""
    v, size = row_length(memory), level.size
    tangents, m = room.now + k * v, k + 1
    by_drive = q[SCALE] * q[GAIN]
    for i in range(k):
        state, z = places.state + i * size + at, room.now + i * v
        for j in range(v):
            memory[state + j] = q[ZERO] + q[SCALE] * memory[z + j]
        for n in range(k):
            out = places.jacobian + (i * level.states + n) * size + at
            copy(memory, tangents + (i * m + n) * v, out, v)
        out = places.by_drive_others + (i - 1) * size + at if i else places.by_drive + at
        source = tangents + (i * m + k) * v
        for j in range(v):
            memory[out + j] = by_drive * memory[source + j]


@piece
def by_number(q, memory, room, places, level, k, at, which, place):
    """ds'/dq of a row for one of the numbers GAIN, SHIFT, SCALE and ZERO, which is
    trained number `place`.
    """
    v, one = row_length(memory), memory.dtype.type(1)
    tangents, m = room.now + k * v, k + 1
    for i in range(k):
        out = places.by_numbers + (i * level.trained + place) * level.size + at
        by_drive = tangents + (i * m + k) * v
        for j in range(v):
            if which == GAIN:
                slope = q[SCALE] * memory[by_drive + j] * memory[places.drive + at + j]
            elif which == SHIFT:
                slope = q[SCALE] * memory[by_drive + j]
            else:
                # z' - J z of the z at the start, and 1 - J 1
                slope = memory[room.now + i * v + j] if which == SCALE else one
                for n in range(k):
                    z = memory[room.first + n * v + j] if which == SCALE else one
                    slope -= memory[tangents + (i * m + n) * v + j] * z
            memory[out + j] = slope


@piece
def numbers_of(numbers, level, neuron):
    """q of a neuron."""
    at, step = level.numbers + neuron, level.neurons
    return (
        numbers[at], numbers[at + step], numbers[at + 2 * step], numbers[at + 3 * step],
        numbers[at + 4 * step], numbers[at + 5 * step], numbers[at + 6 * step],
    )  # fmt: skip


def trained_of(chosen):
    """A piece that writes ds'/dq of the numbers that are trained, `chosen`."""
    gain, shift, scale, zero = (
        chosen.index(number) if number in chosen else -1 for number in (GAIN, SHIFT, SCALE, ZERO)
    )

    @piece
    def trained(q, memory, room, places, level, k, at):
        if gain >= 0:
            by_number(q, memory, room, places, level, k, at, GAIN, gain)
        if shift >= 0:
            by_number(q, memory, room, places, level, k, at, SHIFT, shift)
        if scale >= 0:
            by_number(q, memory, room, places, level, k, at, SCALE, scale)
        if zero >= 0:
            by_number(q, memory, room, places, level, k, at, ZERO, zero)

    return trained


def level_of_rows(form):
    """The level of learned devices, as a Python function that is compiled for its
    address; arguments as of `stepping.level_of`.

    form: `stepping.Form`; numbers but GAIN, SHIFT, SCALE and ZERO have no derivative.
    """
    smooth = filtered_euler if form.euler else filtered
    noisy, trained = form.noisy, trained_of(form.chosen)

    def advance(c, numbers, shared, noise, memory, places, level):
        v, k = row_length(memory), int(shared[level.shared + STATES])
        own = view(shared, level.shared, level.shared_count)
        room = room_of(own, v, places.scratch)
        if noisy:
            draw_normals(noise, level, memory, places, k)
        for row in range(level.rows):
            at = level.offset + row * v
            q = numbers_of(numbers, level, row % level.neurons)
            start(q, memory, room, places, level, k, at)
            m, z = places.mean + at, places.after + at
            if noisy:
                take_normals(level, places, memory, room, k, row)
                diffusion(own, q[NOISE_GAIN] * square_root(c.step * q[RATE]), memory, room)
            for j in range(v):
                memory[z + j] = memory[places.state + at + j]
            whole_step(q, c.step, own, memory, room)
            if noisy:
                count = k * (k + 2) * v
                add(view(memory, room.now, count), view(memory, room.kicks, count))
            finish(q, memory, room, places, level, k, at)
            trained(q, memory, room, places, level, k, at)
            for j in range(v):
                p, p_next = memory[z + j], memory[places.state + at + j]
                memory[m + j], memory[z + j] = smooth(c, p, memory[m + j], p_next)

    return advance
