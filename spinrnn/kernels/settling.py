"""Compiled: neurons that are coupled both ways relax step by step, and the adjoint of
the last steps.

One loop for any kind of neuron: the kind's own step gives s', J = ds'/ds and
b = ds'/dI. All neurons of a panel of V samples are moved at once from the old values.
Samples do not know of each other, so panels may be shared out among threads in any way.

A neuron emits its first m states, m = 1 or 2, and each of them makes drives of its own
by the same couplings: m products with one matrix, one after the other.

The couplings are a symmetric matrix, so what carries emitted values to drives carries
gradients of drives to those of emitted values.
"""

import hashlib
from typing import Any, NamedTuple

import numpy as np

from spinrnn.kernels.authors import compiled, fingerprint
from spinrnn.kernels.compiling import joined, kernel, loop, piece, tagged
from spinrnn.kernels.couplings import ADDS, couple, couple_gradient
from spinrnn.kernels.stepping import (
    add_product,
    limited,
    multiply,
    quiet,
    states_backward,
    stepped,
)
from spinrnn.kernels.tiles import row_length, view
from spinrnn.kernels.tuples import joint, put, spans, take


class Nudge(NamedTuple):
    """Of one relaxation, floats in the network's dtype.

    Attributes:
        step: h, in units of time.
        beta: by which (wanted - emitted) is added to the sum that an output receives,
            the first one of two.
        pull: by which, times `Neurons.scale`, it is added to the emitted value itself,
            which then is held between low and high.
    """

    step: float
    beta: float
    pull: float
    low: float
    high: float


class Neurons(NamedTuple):
    """What N neurons are, layer after layer, the outputs last; in the network's dtype.

    Attributes:
        numbers: (Q, N) flat; shared: numbers that all have in common; scale: (N,) by
            which the sum of what reaches a neuron is multiplied.
    """

    numbers: np.ndarray
    shared: np.ndarray
    scale: np.ndarray


class Places(NamedTuple):
    """Where in a thread's memory of `adjoint` its parts stand; see `memory_of`."""

    sums: int
    emitted: int
    jacobian: int
    by_drive: int
    g_sums: int
    g_state: int
    g_before: int
    tile: int


class Form(NamedTuple):
    """What the kernels are compiled for, besides a kind's step.

    Attributes:
        states: d; numbers: Q; emits: m, how many of the states are emitted.
    """

    states: int
    numbers: int
    emits: int


@joined
def only(held, total, scale):
    """The drive I of a neuron that emits one state."""
    return held[0] + scale * total[0]


@joined
def both(held, total, scale):
    """The drives of a neuron that emits two."""
    return held[0] + scale * total[0], held[1] + scale * total[1]


def moving(step, form, nudged, kept):
    """A loop that moves some neighbouring neurons of a panel by one step; true where a
    state has changed, of neurons of several states always.

    step: as of `stepping.limited`; nudged: whether they are nudged; kept: whether J and
    b are written.
    """
    alone, every = form.states == 1, spans(1, form.emits)
    drive_of = both if form.emits == 2 else only

    @joined
    def neuron(c, q, shared, scale, one, k, j, held, total, goal, states, jacobian, by_drive):
        s, received = take(states, j), take(total, k)
        off = missing(goal[k], s[0]) if nudged else one - one
        first = received[0] + c.beta * off if nudged else received[0]
        drive = drive_of(take(held, k), joint(first, received[1:]), scale)
        s_next, slopes, inputs = step(q, shared, c.step, s, drive, one, one, one)
        put(states, j, s_next)
        first = s_next[0]
        if nudged:
            first = pulled(c, first, scale * off)
            states[0][j] = first
        if kept:
            put(jacobian, j, slopes)
            put(by_drive, j, inputs)
        return first != s[0]

    @loop
    def move(c, numbers, scale, shared, base, base_at, sums, sums_at, size, wanted, states, J, b):
        v, one, changed = row_length(sums), sums.dtype.type(1), 0
        for row in range(scale.size):
            q, own, top, here = take(numbers, row), scale[row], row * v, 0
            # of a whole array the compiler would not know that lanes are neighbours
            held = every(base, base_at + top, 0, size, v)
            total = every(sums, sums_at + top, 0, size, v)
            goal = view(wanted, top, v) if nudged else view(sums, sums_at + top, v)
            for k in range(v):
                moved = neuron(c, q, shared, own, one, k, top + k, held, total, goal, states, J, b)
                here |= 1 if moved or not alone else 0
            changed |= here
        return changed

    return move


@joined
def missing(goal, emitted):
    """What is missing to a goal; NaN, which is not equal to itself, stands for none."""
    return goal - emitted if goal == goal else emitted - emitted


@joined
def pulled(c, emitted, off):
    """An emitted value that is pulled, held between low and high; NaN passes."""
    emitted += c.pull * off
    return c.low if emitted < c.low else (c.high if emitted > c.high else emitted)


@piece
def couple_all(w, source, source_at, out, out_at, size, emits):
    """The sums that reach all neurons of a panel from what all emit: one level of
    `size` numbers of each emitted state.
    """
    for m in range(emits):
        here, there = source_at + m * size, out_at + m * size
        for i in range(w.table.shape[0]):
            couple(w, i, source, here, 0, there if w.table[i, ADDS] else -1, out, there, 0, 1)


def _relax_of(step, form):
    """A function that relaxes panels from first to last - 1; its arguments, floats in
    the network's dtype:

    w: `couplings.Weights` of all couplings; c: `Nudge`; n: `Neurons`; states: (panel,
    d, N, V) flat, in place; base: (panel, m, N, V) flat, the part of the drives that
    does not change; wanted: (panel, n, V) flat, of the last n neurons; steps: how many;
    sums, earlier: (m N V,) and (d N V,) memory of the thread; taken: (panel,) becomes
    the number of steps that were made.

    A step that changes nothing is the last, and states that come back to earlier ones
    go round: whole rounds are left out (Brent's way of finding a cycle, BIT 20, 176
    (1980)). Rounding makes such rounds around the steady state.
    """
    hidden, output = (moving(step, form, nudged, False) for nudged in (False, True))
    d, _, emits = form
    each, every = spans(1, d), spans(1, form.numbers)

    def relax(w, c, n, states, base, wanted, steps, sums, earlier, taken, first, last):
        v, count = row_length(states), n.scale.size
        outs = wanted.size // (taken.size * v)
        inner, size = count - outs, count * v
        q_inner = every(n.numbers, 0, 0, count, inner)
        q_outer = every(n.numbers, inner, 0, count, outs)
        scale, last_scale = view(n.scale, 0, inner), view(n.scale, inner, outs)
        for panel in range(first, last):
            at, held, top = panel * d * size, panel * emits * size, inner * v
            own = each(states, at, 0, size, top)
            outer = each(states, at + top, 0, size, outs * v)
            goal = view(wanted, panel * outs * v, outs * v)
            whole, left, made, kept = view(states, at, d * size), steps, 0, 0
            while left > 0:
                couple_all(w, states, at, sums, 0, size, emits)
                moved = hidden(
                    c, q_inner, scale, n.shared, base, held, sums, 0, size, goal, own, own, own
                )
                moved |= output(
                    c, q_outer, last_scale, n.shared, base, held + top, sums, top, size, goal,
                    outer, outer, outer,
                )  # fmt: skip
                left, made = left - 1, made + 1
                if not moved:
                    break
                if kept and _equal(whole, earlier):
                    left %= made - kept
                if made >= 2 * kept:
                    _copied(whole, earlier)
                    kept = made
            taken[panel] = made

    return relax


@loop
def _equal(one, other):
    """Whether all numbers are equal; the outputs, which stand last, come to rest last,
    so that most comparisons end with them.
    """
    j = one.size
    while j > 0 and one[j - 1] == other[j - 1]:
        j -= 1
    return j == 0


@loop
def _scaled(g_drive, scale, g_base, out):
    """out = scale g_drive, and g_base += g_drive, of rows of a panel."""
    v = row_length(g_drive)
    for row in range(scale.size):
        for j in range(row * v, row * v + v):
            out[j] = scale[row] * g_drive[j]
            g_base[j] += g_drive[j]


@loop
def _copied(source, out):
    for j in range(out.size):
        out[j] = source[j]


@loop
def _added(source, out):
    for j in range(out.size):
        out[j] += source[j]


@piece
def _drive_backward(memory, size, states, by_drive, g_state):
    """dLoss/dI in place of the first of d levels of ds'/dI, of a drive."""
    g_drive = view(memory, by_drive, size)
    multiply(g_drive, view(memory, g_state, size))
    for i in range(1, states):
        slopes = view(memory, by_drive + i * size, size)
        add_product(g_drive, slopes, view(memory, g_state + i * size, size))


@piece
def _step_backward(w, scale, d, emits, size, t, memory, at, g_base):
    """Adjoint of step t, from dLoss/ds' to dLoss/ds in g_state."""
    for j in range(d * size):
        memory[at.g_before + j] = 0
    by_drive = at.by_drive + t * emits * d * size
    for m in range(1, emits):
        _drive_backward(memory, size, d, by_drive + m * d * size, at.g_state)
    states_backward(
        memory, size, d, at.jacobian + t * d * d * size, by_drive, by_drive + size, at.g_state,
        at.g_before,
    )  # fmt: skip
    g_sums = at.g_sums + t * emits * size
    for m in range(emits):
        g_drive, g_held = view(memory, by_drive + m * d * size, size), view(g_base, m * size, size)
        _scaled(g_drive, scale, g_held, view(memory, g_sums + m * size, size))
    couple_all(w, memory, g_sums, memory, at.sums, size, emits)
    _added(view(memory, at.sums, emits * size), view(memory, at.g_state, emits * size))


def _adjoint_of(step, form):
    """A function that makes so many steps more, without nudge, and goes back through
    them, for panels from first to last - 1. Further arguments than those of `relax`:

    g_outputs: (panel, n, V) flat, dLoss/d emitted of the last n neurons at the end, the
    first of two states; g_base: (panel, m, N, V) flat, becomes dLoss/dbase; gradient:
    flat, to which is added what `couple_gradient` gives for each line of the table;
    memory, at: of `memory_of`.
    """
    whole, d, emits = moving(step, form, False, True), form.states, form.emits
    each, every, square = spans(1, d), spans(1, form.numbers), spans(d, d)
    # of each drive d levels, while a step gives its derivatives state by state
    by_inputs = spans(d, emits)

    def adjoint(w, c, n, states, base, steps, g_outputs, g_base, gradient, memory, at, first, last):
        v, count = row_length(states), n.scale.size
        size = count * v
        q, panels = every(n.numbers, 0, 0, count, count), base.size // (emits * size)
        outs = g_outputs.size // (panels * v)
        for panel in range(first, last):
            here, held, inner = panel * d * size, panel * emits * size, size - outs * v
            own, g_held = each(states, here, 0, size, size), view(g_base, held, emits * size)
            for t in range(steps):
                level, top = t * emits * size, at.jacobian + t * d * d * size
                shown = view(states, here, emits * size)
                _copied(shown, view(memory, at.emitted + level, emits * size))
                couple_all(w, states, here, memory, at.sums, size, emits)
                jacobian = square(memory, top, d * size, size, size)
                by_drive = by_inputs(memory, at.by_drive + d * level, size, d * size, size)
                whole(
                    c, q, n.scale, n.shared, base, held, memory, at.sums, size, own[0], own,
                    jacobian, by_drive,
                )  # fmt: skip
            for j in range(d * size):
                memory[at.g_state + j] = 0
            goal = view(g_outputs, panel * outs * v, outs * v)
            _copied(goal, view(memory, at.g_state + inner, outs * v))
            for t in range(steps - 1, -1, -1):
                _step_backward(w, n.scale, d, emits, size, t, memory, at, g_held)
            for i in range(w.table.shape[0]):
                couple_gradient(
                    w, i, memory, at.g_sums, size, memory, at.emitted, size, steps * emits,
                    gradient, memory, at.tile,
                )  # fmt: skip

    return adjoint


def memory_of(neurons: int, form: Form, steps: int, lanes: int) -> tuple[int, Places]:
    """(numbers, `Places`) of the memory of a thread for so many steps back."""
    level, states = neurons * lanes, form.states
    shown = form.emits * level
    sizes = {
        "sums": shown,
        # a transposed tile may reach beyond the last row
        "emitted": steps * shown + lanes * lanes,
        "jacobian": steps * states**2 * level,
        "by_drive": steps * states * shown,
        "g_sums": steps * shown,
        "g_state": states * level,
        "g_before": states * level,
        "tile": steps * form.emits * lanes * lanes,
    }
    starts = np.cumsum([0, *sizes.values()]).tolist()
    return starts[-1], Places(*starts[:-1])


def _own(functions, emits):
    """Which of a kind's `Functions` moves its neurons, of which so many states are
    emitted.
    """
    # a kind's strong step is exact wherever its usual one is
    return functions.pair if emits == 2 else functions.strong or functions.step


def _stepped(own, emits):
    """What `_own` gives, with all of its drives, as of `stepping.stepped`."""
    if emits == 1:
        return stepped(own, ())
    step = compiled(own)

    @joined
    def with_inputs(q, shared, h, s, drives, one):
        after, jacobian, by_drives, _ = step(q, shared, h, s, drives, one)
        return after, jacobian, by_drives

    return with_inputs


_MAKERS = {"relax": _relax_of, "adjoint": _adjoint_of}
_kept: dict[Any, Any] = {}
"""{(name, functions, form): compiled entry}."""


def entry(name: str, functions: Any, form: Form, kind: str) -> Any:
    """`relax` or `adjoint`, compiled, of a kind's `Functions`.

    kind: names its file in the cache.
    """
    key = (name, functions, form)
    if key not in _kept:
        own = _own(functions, form.emits)
        prints = [fingerprint(f) if f else "" for f in (own, functions.limit)]
        stamp = None if None in prints else repr((name, prints, *form)).encode()
        tag = hashlib.sha256(stamp).hexdigest()[:16] if stamp else f"here{len(_kept)}"
        with tagged(tag):
            move = limited(quiet(_stepped(own, form.emits)), functions.limit)
            _kept[key] = kernel(_MAKERS[name](move, form), f"{name}-{kind}", stamp)
    return _kept[key]
