"""Compiled: neurons that are coupled both ways relax step by step, and the adjoint of
the last steps.

One loop for any kind of neuron: the kind's own step gives s', J = ds'/ds and
b = ds'/dI. All neurons of a panel of V samples are moved at once from the old values.
Samples do not know of each other, so panels may be shared out among threads in any way.

The couplings are a symmetric matrix, so what carries emitted values to drives carries
gradients of drives to those of emitted values.
"""

import hashlib
from typing import Any, NamedTuple

import numpy as np

from spinrnn.kernels.authors import fingerprint
from spinrnn.kernels.compiling import joined, kernel, loop, piece, tagged
from spinrnn.kernels.couplings import ADDS, couple, couple_gradient
from spinrnn.kernels.stepping import limited, quiet, states_backward, stepped
from spinrnn.kernels.tiles import row_length, view
from spinrnn.kernels.tuples import joint, put, spans, take


class Nudge(NamedTuple):
    """Of one relaxation, floats in the network's dtype.

    Attributes:
        step: h, in units of time.
        beta: by which (wanted - emitted) is added to the sum that an output receives.
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
    by_others: int
    g_sums: int
    g_state: int
    g_before: int
    tile: int


def moving(step, states, numbers, nudged, kept):
    """A loop that moves some neighbouring neurons of a panel by one step; true where a
    state has changed, of neurons of several states always.

    step: as of `stepping.limited`; states: d; numbers: Q; nudged: whether they are
    nudged; kept: whether J and b are written.
    """
    alone = states == 1

    @joined
    def neuron(c, q, shared, scale, one, j, held, total, goal, states, jacobian, by_drive):
        s = take(states, j)
        off = missing(goal, s[0]) if nudged else one - one
        if nudged:
            total += c.beta * off
        s_next, slopes, inputs = step(q, shared, c.step, s, held + scale * total, one, one, one)
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
    def move(c, numbers, scale, shared, base, sums, wanted, states, jacobian, by_drive):
        v, one, changed = row_length(sums), sums.dtype.type(1), 0
        for row in range(scale.size):
            q, own, top, here = take(numbers, row), scale[row], row * v, 0
            # of a whole array the compiler would not know that lanes are neighbours
            held, total = view(base, top, v), view(sums, top, v)
            goal = view(wanted if nudged else base, top, v)
            for k in range(v):
                moved = neuron(
                    c, q, shared, own, one, top + k, held[k], total[k], goal[k], states, jacobian,
                    by_drive,
                )  # fmt: skip
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
def couple_all(w, source, source_at, out, out_at):
    """The sums that reach all neurons of a panel from what all emit."""
    for i in range(w.table.shape[0]):
        couple(w, i, source, source_at, 0, out_at if w.table[i, ADDS] else -1, out, out_at, 0, 1)


def _relax_of(step, states, numbers):
    """A function that relaxes panels from first to last - 1; its arguments, floats in
    the network's dtype:

    w: `couplings.Weights` of all couplings; c: `Nudge`; n: `Neurons`; states: (panel,
    d, N, V) flat, in place; base: (panel, N, V) flat, the part of the drive that does
    not change; wanted: (panel, n, V) flat, of the last n neurons; steps: most that are
    made, as one that changes nothing is the last; sums: (N V,) memory of the thread;
    taken: (panel,) becomes the number of steps.
    """
    hidden, output = (moving(step, states, numbers, nudged, False) for nudged in (False, True))
    each, every = spans(1, states), spans(1, numbers)
    d = states

    def relax(w, c, n, states, base, wanted, steps, sums, taken, first, last):
        v, count = row_length(states), n.scale.size
        outs = wanted.size // (taken.size * v)
        inner, size = count - outs, count * v
        q_inner = every(n.numbers, 0, 0, count, inner)
        q_outer = every(n.numbers, inner, 0, count, outs)
        scale, last_scale = view(n.scale, 0, inner), view(n.scale, inner, outs)
        for panel in range(first, last):
            at = panel * d * size
            own = each(states, at, 0, size, inner * v)
            outer = each(states, at + inner * v, 0, size, outs * v)
            held = view(base, panel * size, inner * v)
            last_held = view(base, panel * size + inner * v, outs * v)
            goal = view(wanted, panel * outs * v, outs * v)
            sum_inner, sum_outer = view(sums, 0, inner * v), view(sums, inner * v, outs * v)
            for t in range(steps):
                couple_all(w, states, at, sums, 0)
                moved = hidden(c, q_inner, scale, n.shared, held, sum_inner, goal, own, own, own)
                moved |= output(
                    c, q_outer, last_scale, n.shared, last_held, sum_outer, goal, outer, outer,
                    outer,
                )  # fmt: skip
                taken[panel] = t + 1
                if not moved:
                    break

    return relax


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
def _step_backward(w, scale, d, t, memory, at, g_base):
    """Adjoint of step t, from dLoss/ds' to dLoss/ds in g_state."""
    size = g_base.size
    for j in range(d * size):
        memory[at.g_before + j] = 0
    states_backward(
        memory, size, d, at.jacobian + t * d * d * size, at.by_drive + t * size,
        at.by_others + t * (d - 1) * size, at.g_state, at.g_before,
    )  # fmt: skip
    g_drive = view(memory, at.by_drive + t * size, size)
    _scaled(g_drive, scale, g_base, view(memory, at.g_sums + t * size, size))
    couple_all(w, memory, at.g_sums + t * size, memory, at.sums)
    _added(view(memory, at.sums, size), view(memory, at.g_state, size))


def _adjoint_of(step, states, numbers):
    """A function that makes so many steps more, without nudge, and goes back through
    them, for panels from first to last - 1. Further arguments than those of `relax`:

    g_outputs: (panel, n, V) flat, dLoss/d emitted of the last n neurons at the end;
    g_base: (panel, N, V) flat, becomes dLoss/dbase; gradient: flat, to which is added
    what `couple_gradient` gives for each line of the table; memory, at: of `memory_of`.
    """
    whole = moving(step, states, numbers, False, True)
    each, every, square = spans(1, states), spans(1, numbers), spans(states, states)
    others = spans(1, states - 1)
    d = states

    def adjoint(w, c, n, states, base, steps, g_outputs, g_base, gradient, memory, at, first, last):
        v, count = row_length(states), n.scale.size
        size = count * v
        q, panels = every(n.numbers, 0, 0, count, count), base.size // size
        outs = g_outputs.size // (panels * v)
        sums = view(memory, at.sums, size)
        for panel in range(first, last):
            here, inner = panel * d * size, size - outs * v
            own = each(states, here, 0, size, size)
            held, g_held = view(base, panel * size, size), view(g_base, panel * size, size)
            for t in range(steps):
                _copied(own[0], view(memory, at.emitted + t * size, size))
                couple_all(w, states, here, memory, at.sums)
                jacobian = square(memory, at.jacobian + t * d * d * size, d * size, size, size)
                by_drive = joint(
                    view(memory, at.by_drive + t * size, size),
                    others(memory, at.by_others + t * (d - 1) * size, 0, size, size),
                )
                whole(c, q, n.scale, n.shared, held, sums, held, own, jacobian, by_drive)
            for j in range(d * size):
                memory[at.g_state + j] = 0
            goal = view(g_outputs, panel * outs * v, outs * v)
            _copied(goal, view(memory, at.g_state + inner, outs * v))
            for t in range(steps - 1, -1, -1):
                _step_backward(w, n.scale, d, t, memory, at, g_held)
            for i in range(w.table.shape[0]):
                couple_gradient(
                    w, i, memory, at.g_sums, size, memory, at.emitted, size, steps, gradient,
                    memory, at.tile,
                )  # fmt: skip

    return adjoint


def memory_of(neurons: int, states: int, steps: int, lanes: int) -> tuple[int, Places]:
    """(numbers, `Places`) of the memory of a thread for so many steps back."""
    level = neurons * lanes
    sizes = {
        "sums": level,
        # a transposed tile may reach beyond the last row
        "emitted": steps * level + lanes * lanes,
        "jacobian": steps * states**2 * level,
        "by_drive": steps * level,
        "by_others": steps * (states - 1) * level,
        "g_sums": steps * level,
        "g_state": states * level,
        "g_before": states * level,
        "tile": steps * lanes * lanes,
    }
    starts = np.cumsum([0, *sizes.values()]).tolist()
    return starts[-1], Places(*starts[:-1])


_MAKERS = {"relax": _relax_of, "adjoint": _adjoint_of}
_kept: dict[Any, Any] = {}
"""{(name, functions, states, numbers): compiled entry}."""


def entry(name: str, functions: Any, states: int, numbers: int, kind: str) -> Any:
    """`relax` or `adjoint`, compiled, of a kind's `Functions`.

    states: d; numbers: Q; kind: names its file in the cache.
    """
    key = (name, functions, states, numbers)
    if key not in _kept:
        # a kind's strong step is exact wherever its usual one is
        step = functions.strong or functions.step
        prints = [fingerprint(f) if f else "" for f in (step, functions.limit)]
        stamp = None if None in prints else repr((name, prints, states, numbers)).encode()
        tag = hashlib.sha256(stamp).hexdigest()[:16] if stamp else f"here{len(_kept)}"
        with tagged(tag):
            move = limited(quiet(stepped(step, ())), functions.limit)
            _kept[key] = kernel(_MAKERS[name](move, states, numbers), f"{name}-{kind}", stamp)
    return _kept[key]
