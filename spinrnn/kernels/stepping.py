"""From an author's functions of one neuron to a compiled level, and the adjoint of any.

A *level* is all neurons of a block of samples in one substep. `level_of` puts a kind's
`neurons.protocol.Functions` into one loop over rows and samples, together with the
high-pass filter of eq. (2), and `run_blocks` calls it by its address, so that is
compiled once and not for each kind. Forward it also writes what the adjoint needs: the
Jacobian ds'/ds and ds'/dI. The backward step is then the same multiplications for every
kind.
"""

from typing import NamedTuple

import numpy as np

from spinrnn.kernels.arithmetic import ordered
from spinrnn.kernels.authors import compiled
from spinrnn.kernels.compiling import joined, loop, piece
from spinrnn.kernels.random import kicks, scramble
from spinrnn.kernels.tiles import row_length, view
from spinrnn.kernels.tuples import beside, columns, joint, passing, plus, product, put, spans, take


class Constants(NamedTuple):
    """What the steps need besides weights and states.

    Floats in the network's dtype, reduced units.
    """

    # h, length of a substep
    step: float
    # kappa, relaxation factor of the filter's mean: m' = m + kappa (target - m); 0
    # where there is no filter
    blend: float
    # the filter sees p + ahead (p' - p): 1/2, or 0 for Euler
    ahead: float
    # z(k) = now y(k) + before y(k-1): 3/2 and -1/2, or 1 and 0 for Euler
    now: float
    before: float
    # S
    substeps: int
    # (window + 1,) weight of y at so many substeps before a sample's end: [1], or the
    # trapezoidal rule, so that it is an integral and not a mean of S values
    readout: np.ndarray
    # substeps whose gradients of the weights are summed together
    chunk: int
    # END, MEAN, BOTH or POINTS: what W_out acts on, see `blocks`
    reading: int
    # by which the average over a sample's whole time, of y = p - m, becomes that of
    # p - p(0): kappa / (1 - kappa / 2), as the filter adds up y; 0 for that of y
    tilt: float


class Noise(NamedTuple):
    """Random numbers of one call."""

    # of the call's seed
    key_first: np.uint32
    key_second: np.uint32
    # number of the case that the call's first sample is, and of its first substep
    first_case: int
    first_substep: int


class Places(NamedTuple):
    """Where in memory the numbers of a level stand."""

    # I; m; z of the time after
    drive: int
    mean: int
    after: int
    # d levels: s, changed in place
    state: int
    # d d levels, row by row: ds'/ds
    jacobian: int
    # ds'/dI of the first state; of the others
    by_drive: int
    by_drive_others: int
    # ds'/dq of the states and the numbers that are trained, row by row
    by_numbers: int
    # rows for a level of its own, which may be anything before and after
    scratch: int


class Level(NamedTuple):
    """Which rows of a level are stepped, and when."""

    # numbers from one state to the next
    size: int
    # in a row of ds'/ds and of ds'/dq in memory: the most of all kinds in the network
    states: int
    trained: int
    # the first row's first number; rows
    offset: int
    rows: int
    # neurons to which the rows belong in turn, and the number of the first of them
    neurons: int
    first: int
    # where their numbers start; where those start that they have in common, and how
    # many
    numbers: int
    shared: int
    shared_count: int
    # whether all neurons have the same numbers
    same: bool
    # counted in the call
    substep: int
    sample: int


@joined
def filtered(c, p, m, p_next):
    """(m', z') of eq. (2): m' = m + kappa (p + ahead (p' - p) - m)."""
    m_next = m + c.blend * ((p + c.ahead * (p_next - p)) - m)
    return m_next, c.now * (p_next - m_next) + c.before * (p - m)


@joined
def filtered_euler(c, p, m, p_next):
    """`filtered` with Euler's constants: ahead 0, now 1 and before 0."""
    m_next = m + c.blend * (p - m)
    return m_next, p_next - m_next


# ---- the functions of a kind, put together ----
# B is ds'/d(I, q): a column for the drive and one for each number that is trained.


def stepped(step, chosen, exactly=False):
    """A piece (q, shared, h, s, I, one) -> s', J, B of an author's step.

    chosen: places in q of the numbers that are trained; exactly: as of `compiled`.
    """
    step, inputs = compiled(step, exactly), beside(chosen)

    @joined
    def with_inputs(q, shared, h, s, current, one):
        after, jacobian, by_drive, by_numbers = step(q, shared, h, s, current, one)
        return after, jacobian, inputs(by_drive, by_numbers)

    return with_inputs


def noisy(step, functions, chosen):
    """A piece (q, shared, h, s, I, r2, cosine, one) -> s', J, B with thermal noise.

    Derivatives follow by the chain rule, for the kick that was drawn.
    """
    kick, inputs = compiled(functions.kick, functions.rounded), beside(chosen)

    @joined
    def kicked(q, h, s, r2, cosine, jacobian, by_inputs, one):
        after, slope, by_numbers = kick(q, h, s, r2, cosine, one)
        jacobian, through = product(slope, jacobian), product(slope, by_inputs)
        if chosen:
            through = plus(inputs(one - one, by_numbers), through)
        return after, jacobian, through

    @joined
    def whole(q, shared, h, s, current, r2, cosine, one):
        first, jacobian, by_inputs = step(q, shared, h, s, current, one)
        return kicked(q, h, first, r2, cosine, jacobian, by_inputs, one)

    @joined
    def split(q, shared, h, s, current, r2, cosine, one):
        half = h / (one + one)
        first, jacobian, by_inputs = step(q, shared, half, s, current, one)
        middle, jacobian, by_inputs = kicked(q, h, first, r2, cosine, jacobian, by_inputs, one)
        after, own, by_own = step(q, shared, half, middle, current, one)
        return after, product(own, jacobian), plus(by_own, product(own, by_inputs))

    return split if functions.halves else whole


def quiet(step):
    """`noisy` without noise."""

    @joined
    def without(q, shared, h, s, current, r2, cosine, one):
        return step(q, shared, h, s, current, one)

    return without


def limited(step, limit):
    """The piece with the kind's limit, where no gradient passes."""
    if limit is None:
        return step
    limit = compiled(limit)

    @joined
    def with_limit(q, shared, h, s, current, r2, cosine, one):
        after, jacobian, by_inputs = step(q, shared, h, s, current, r2, cosine, one)
        after, passes = limit(q, after, one)
        zero = one - one
        return after, passing(passes, jacobian, zero), passing(passes, by_inputs, zero)

    return with_limit


# ---- a level, forward ----


class Form(NamedTuple):
    """What a level is compiled for, besides the functions.

    Attributes:
        states: d; numbers: Q, how many numbers a neuron has; chosen: places among them
            of those that are trained; noisy: whether thermal noise acts; euler: whether
            the network's scheme is Euler's.
    """

    states: int
    numbers: int
    chosen: tuple[int, ...]
    noisy: bool
    euler: bool


def loop_of(step, form):
    """The loop over all rows and samples of a level, for one way to step."""
    first, others = columns((0,)), columns(range(1, 1 + len(form.chosen)))
    kicked, smooth = form.noisy, filtered_euler if form.euler else filtered

    @joined
    def neuron(c, q, shared, j, drive, states, mean, after, jacobian, by_drive, by_numbers):
        one = mean.dtype.type(1)
        r2 = jacobian[0][j] if kicked else one
        cosine = by_drive[0][j] if kicked else one
        s, m = take(states, j), mean[j]
        s_next, slopes, inputs = step(q, shared, c.step, s, drive[j], r2, cosine, one)
        put(states, j, s_next)
        put(jacobian, j, slopes)
        put(by_drive, j, first(inputs))
        put(by_numbers, j, others(inputs))
        mean[j], after[j] = smooth(c, s[0], m, s_next[0])

    @loop
    def forward(
        c, numbers, same, shared, drive, states, mean, after, jacobian, by_drive, by_numbers
    ):
        v, row_of, q = row_length(mean), 0, take(numbers, 0)
        # one loop over all where it can be, as a short one of eight samples is unrolled
        for j in range(drive.size if same else 0):
            neuron(c, q, shared, j, drive, states, mean, after, jacobian, by_drive, by_numbers)
        for row in range(0 if same else drive.size // v):
            q = take(numbers, row_of)
            row_of = row_of + 1 if row_of + 1 < numbers[0].size else 0
            for j in range(row * v, row * v + v):
                neuron(c, q, shared, j, drive, states, mean, after, jacobian, by_drive, by_numbers)

    return forward


def strongest(strength, exactly=False):
    """A loop: the `ordered` number of the strongest drive of a level."""
    strength = compiled(strength, exactly)

    @loop
    def largest(c, numbers, drive, h, same):
        one, v = drive.dtype.type(1), row_length(drive)
        top, q = ordered(one - one), take(numbers, 0)
        # flat, so that the largest of a vector of samples is found once and not in
        # each row
        for j in range(drive.size if same else 0):
            number = ordered(strength(q, h, drive[j], one))
            top = number if number > top else top
        neuron = 0
        for row in range(0 if same else drive.size // v):
            q = take(numbers, neuron)
            neuron = neuron + 1 if neuron + 1 < numbers[0].size else 0
            for j in range(row * v, row * v + v):
                number = ordered(strength(q, h, drive[j], one))
                top = number if number > top else top
        return top

    return largest


def level_of(functions, form):
    """The level of a kind, as a Python function that is compiled for its address.

    Its arguments: c, `Constants`; numbers, flat, the Q numbers of all neurons one after
    the other; shared, flat; noise, `Noise`; memory; places, `Places`; level, `Level`.
    """
    d, chosen = form.states, form.chosen
    every, each, others = spans(1, form.numbers), spans(1, d), spans(1, d - 1)
    square, trained = spans(d, d), spans(d, len(chosen))
    usual = whole_step(functions, functions.step, form)
    careful = whole_step(functions, functions.strong, form) if functions.strong else usual
    largest = strongest(functions.strength, functions.rounded) if functions.strong else None
    switched, kicked = functions.strong is not None, form.noisy
    parts = 2 if form.noisy and functions.halves else 1

    def advance(c, numbers, shared, noise, memory, places, level):
        v, size, at = row_length(memory), level.size, level.offset
        count = level.rows * v
        q = every(numbers, level.numbers, 0, level.neurons, level.neurons)
        own = view(shared, level.shared, level.shared_count)
        drive, mean = view(memory, places.drive + at, count), view(memory, places.mean + at, count)
        after = view(memory, places.after + at, count)
        states = each(memory, places.state + at, 0, size, count)
        jacobian = square(memory, places.jacobian + at, level.states * size, size, count)
        first = view(memory, places.by_drive + at, count)
        by_drive = joint(first, others(memory, places.by_drive_others + at, 0, size, count))
        by_numbers = trained(memory, places.by_numbers + at, level.trained * size, size, count)
        if kicked:
            draw(noise, level, jacobian[0], by_drive[0])
        kind = memory.dtype.type
        h = c.step / kind(parts)
        if switched and largest(c, q, drive, h, level.same) > ordered(kind(1)):
            careful(
                c, q, level.same, own, drive, states, mean, after, jacobian, by_drive, by_numbers
            )
        else:
            usual(c, q, level.same, own, drive, states, mean, after, jacobian, by_drive, by_numbers)

    return advance


def whole_step(functions, step, form):
    """`loop_of` an author's step with the kind's noise and limit."""
    step = stepped(step, form.chosen, functions.rounded)
    step = noisy(step, functions, form.chosen) if form.noisy else quiet(step)
    return loop_of(limited(step, functions.limit), form)


@piece
def draw(noise, level, lengths, cosines):
    """r^2 and cos(theta) of each neuron's and sample's kick in a level's substep."""
    substep = np.uint32(level.substep + noise.first_substep)
    key_first, key_second = scramble(substep, np.uint32(0), noise.key_first, noise.key_second)
    case = noise.first_case + level.sample
    kicks(level.first, level.neurons, case, key_first, key_second, lengths, cosines)


# ---- a level, backward: the same for every kind ----


@loop
def level_backward(c, by_state, by_drive, g_blended, g_blended_after, g_state, g_mean, g_base):
    """Adjoint of a substep of neurons of one state, from dLoss/dp' and dLoss/dm' to
    dLoss/dp, dLoss/dm, dLoss/dI.

    g_state and g_mean: on entry dLoss/dp' and dLoss/dm' but for what comes through z.
    g_blended and g_blended_after: dLoss/dz at the times of p' and one later. by_drive
    becomes dLoss/dI, as nobody needs dp'/dI afterwards; g_base sums it over time.
    """
    one = g_state.dtype.type(1)
    # of dLoss/dm' that go to p' and to p
    share, rest = c.ahead * c.blend, (one - c.ahead) * c.blend
    for j in range(g_state.size):
        g_y = c.now * g_blended[j] + c.before * g_blended_after[j]
        g_m = g_mean[j] - g_y
        g_p_next = (g_state[j] + g_y) + share * g_m
        g_state[j] = g_p_next * by_state[j] + rest * g_m
        g_mean[j] = (one - c.blend) * g_m
        g_drive = by_drive[j] * g_p_next
        by_drive[j] = g_drive
        g_base[j] += g_drive


@loop
def emitted_backward(c, g_blended, g_blended_after, g_state, g_mean, g_before):
    """The filter's part of `level_backward`: g_state becomes the whole dLoss/dp', and
    g_before what reaches dLoss/dp through the filter alone.
    """
    one = g_state.dtype.type(1)
    share, rest = c.ahead * c.blend, (one - c.ahead) * c.blend
    for j in range(g_state.size):
        g_y = c.now * g_blended[j] + c.before * g_blended_after[j]
        g_m = g_mean[j] - g_y
        g_state[j] = (g_state[j] + g_y) + share * g_m
        g_before[j] = rest * g_m
        g_mean[j] = (one - c.blend) * g_m


@loop
def multiply(out, by):
    """out *= by."""
    for j in range(out.size):
        out[j] *= by[j]


@loop
def add(out, values):
    """out += values."""
    for j in range(out.size):
        out[j] += values[j]


@loop
def add_product(out, x, y):
    """out += x y."""
    for j in range(out.size):
        out[j] += x[j] * y[j]


@piece
def states_backward(memory, size, states, jacobian, by_drive, by_others, g_state, g_before):
    """dLoss/ds and dLoss/dI of d states from dLoss/ds', all levels of `size` numbers.

    g_before: d levels, on entry what reaches dLoss/ds by other ways; by_drive becomes
    dLoss/dI, and g_state dLoss/ds.
    """
    for i in range(states):
        g = view(memory, g_state + i * size, size)
        for j in range(states):
            slopes = view(memory, jacobian + (i * states + j) * size, size)
            add_product(view(memory, g_before + j * size, size), slopes, g)
    multiply(view(memory, by_drive, size), view(memory, g_state, size))
    for i in range(1, states):
        slopes = view(memory, by_others + (i - 1) * size, size)
        add_product(view(memory, by_drive, size), slopes, view(memory, g_state + i * size, size))
    for j in range(states * size):
        memory[g_state + j] = memory[g_before + j]


@piece
def numbers_backward(memory, size, panel, states, trained, by_numbers, g_state, g_numbers):
    """dLoss/dq (trained, N, V) += sums over the panels of ds'/dq times dLoss/ds'."""
    for number in range(trained):
        out = view(memory, g_numbers + number * panel, panel)
        for i in range(states):
            for q in range(0, size, panel):
                slopes = view(memory, by_numbers + (i * trained + number) * size + q, panel)
                add_product(out, slopes, view(memory, g_state + i * size + q, panel))
