"""Compiled: a device's equation dz/dt = f([z, v]) over time, and its discrete adjoint.

f is a small network, tanh between its layers; v is the drive. A step of length h is an
explicit rule of Runge and Kutta with four stages,

    k_i = f([z + h sum over j < i of a_ij k_j, v(t + c_i h)]) ,
    z' = z + h sum b_i k_i .

The adjoint follows from these lines. With lambda = dLoss/dz' and J_i of stage i,

    q_i = h (b_i lambda + sum over j > i of a_ji J_j^T q_j) ,
    dLoss/dz = lambda + sum over i of J_i^T q_i ,

and q_i is what reaches the output of f in stage i: layer by layer it gives the gradient
of the weights. It is the gradient of the steps that are made, to rounding; nothing is
integrated backwards.

A known equation may act beside f: half a step of it before and half a step after. Its
step is that of a kind of neuron, which has its own derivatives.

V samples of a row (see `tiles`) are V windows of a recording, or V runs of a device. An
input row of ones makes the biases a column of each matrix.
"""

import itertools
from typing import NamedTuple

import numpy as np

from spinrnn.kernels.arithmetic import decay
from spinrnn.kernels.authors import compiled, fingerprint
from spinrnn.kernels.compiling import kernel, loop, piece, tagged
from spinrnn.kernels.tiles import (
    aligned,
    gradient_tile,
    lanes,
    product_tile,
    row_length,
    tile_heights,
    transpose_tile,
    view,
)
from spinrnn.kernels.tuples import spans, take

STAGES = 4
ROWS, DEPTH, VALUES, HEIGHT, CUT, SOURCES, BACK, BACK_HEIGHT, BACK_CUT, INPUT, DELTA, GRADIENT = (
    range(12)
)
"""Columns of `Net.table`."""


class Rule(NamedTuple):
    """A rule of Runge and Kutta: a (4, 4), b (4,); and where in the step the drive
    between two samples is taken, c (4,), and for the halves of the known equation,
    halves (2,); all 0 where it is held."""

    a: np.ndarray
    b: np.ndarray
    c: np.ndarray
    halves: np.ndarray


class Net(NamedTuple):
    """f as the kernels take it. A line of the table is a layer:

    ROWS, DEPTH         numbers that it gives; that it takes, with the 1
    VALUES, HEIGHT, CUT where its tiles start, and their heights, see `tile_heights`
    SOURCES, BACK, BACK_HEIGHT, BACK_CUT
                        the same of its transpose: how many of what it takes the
                        adjoint goes on to, all of the layer before or the k states
    INPUT, DELTA        rows of a stage where its input stands, and the adjoint of
                        what it gives
    GRADIENT            where its gradient starts
    """

    table: np.ndarray
    values: np.ndarray
    # k; rows of a stage; rows of its adjoints
    states: int
    stage: int
    deltas: int


class Series(NamedTuple):
    """Recordings one after the other, scaled, and the first samples of the windows."""

    # (time,), (drive, time), (panels V,)
    output: np.ndarray
    drives: np.ndarray
    starts: np.ndarray


class Known(NamedTuple):
    """The known equation's numbers: s = unit z + offset is its state, I = bias + gain v
    its drive, `step` its length of h."""

    q: np.ndarray
    shared: np.ndarray
    unit: float
    offset: float
    bias: float
    gain: float
    step: float


NOTHING = Known(np.zeros(1), np.zeros(0), 1.0, 0.0, 0.0, 1.0, 0.0)
"""No equation is known."""


class Places(NamedTuple):
    """Where in a thread's memory things stand."""

    stages: int
    slopes: int
    path: int
    deltas: int
    pulled: int
    adjoint: int
    turned: int
    bent: int
    noise: int


# ---- f ----


@loop
def _bend(values):
    """tanh of all numbers, in place."""
    one = values.dtype.type(1)
    for j in range(values.size):
        x = values[j]
        twice = abs(x) + abs(x)
        kept, mean, _ = decay(twice)
        size = twice * mean / (one + kept)
        values[j] = size if x >= 0 else -size


@loop
def _unbend(adjoint, values):
    """adjoint *= 1 - tanh^2, of the values of tanh."""
    one = values.dtype.type(1)
    for j in range(values.size):
        adjoint[j] *= one - values[j] * values[j]


@piece
def _network(net, memory, at, out_at):
    """f of the input that stands in the stage at `at`; its k rows come to out_at."""
    v, table = row_length(memory), net.table
    last = table.shape[0] - 1
    for layer in range(last + 1):
        rows, depth = table[layer, ROWS], table[layer, DEPTH]
        source = at + table[layer, INPUT] * v
        out = out_at if layer == last else at + table[layer + 1, INPUT] * v
        height, cut, row = table[layer, HEIGHT], table[layer, CUT], 0
        while row < rows:
            height -= row == cut
            values = table[layer, VALUES] + row * depth
            here = out + row * v
            product_tile(height, net.values, values, memory, source, depth, -1, memory, here)
            row += height
        if layer < last:
            _bend(view(memory, out, rows * v))


@piece
def _network_adjoint(net, memory, at, deltas, pulled):
    """From the adjoint of what f gave, in the rows of the last layer at `deltas`, those
    of all layers, and J^T of it, k rows at `pulled`."""
    v, table = row_length(memory), net.table
    for layer in range(table.shape[0] - 1, -1, -1):
        sources, depth = table[layer, SOURCES], table[layer, ROWS]
        delta = deltas + table[layer, DELTA] * v
        out = pulled if layer == 0 else deltas + table[layer - 1, DELTA] * v
        height, cut, row = table[layer, BACK_HEIGHT], table[layer, BACK_CUT], 0
        while row < sources:
            height -= row == cut
            values = table[layer, BACK] + row * depth
            here = out + row * v
            product_tile(height, net.values, values, memory, delta, depth, -1, memory, here)
            row += height
        if layer > 0:
            given = view(memory, at + table[layer, INPUT] * v, sources * v)
            _unbend(view(memory, out, sources * v), given)


@piece
def _weights_adjoint(net, memory, at, deltas, turned, gradient, gradient_at):
    """Adds the gradient of the weights of a step's stages, (block of V inputs, row,
    V)."""
    v, table = row_length(memory), net.table
    for layer in range(table.shape[0]):
        rows = table[layer, ROWS]
        source = at + table[layer, INPUT] * v
        delta = deltas + table[layer, DELTA] * v
        for left in range(0, table[layer, DEPTH], v):
            for stage in range(STAGES):
                here = source + (stage * net.stage + left) * v
                transpose_tile(memory, here, memory, turned + stage * v * v)
            height, cut, row = table[layer, HEIGHT], table[layer, CUT], 0
            while row < rows:
                height -= row == cut
                out = gradient_at + table[layer, GRADIENT] + (left * rows // v + row) * v
                gradient_tile(
                    height, memory, delta + row * v, net.deltas * v, memory, turned, STAGES,
                    gradient, out,
                )  # fmt: skip
                row += height


# ---- a step and its adjoint ----


@piece
def _drive(net, series, first, n, blend, memory, at):
    """v of each window at a time between sample n and the next: k values of each
    drive."""
    v, row = row_length(memory), at
    for d in range(series.drives.shape[0]):
        for delay in range(net.states):
            for j in range(v):
                t = series.starts[first + j] + n + delay
                now = series.drives[d, t]
                memory[row + j] = now + blend * (series.drives[d, t + 1] - now)
            row += v


@piece
def _step(net, rule, h, series, first, n, memory, at, slopes, state, after):
    """z' at `after` of z at `state`, k rows each, through the stages at `at`."""
    v, rows = row_length(memory), net.states * row_length(memory)
    for i in range(STAGES):
        here = at + i * net.stage * v
        for r in range(rows):
            total = memory[state + r]
            for j in range(i):
                total += h * rule.a[i, j] * memory[slopes + j * rows + r]
            memory[here + r] = total
        _drive(net, series, first, n, rule.c[i], memory, here + rows)
        _network(net, memory, here, slopes + i * rows)
    for r in range(rows):
        total = memory[state + r]
        for i in range(STAGES):
            total += h * rule.b[i] * memory[slopes + i * rows + r]
        memory[after + r] = total


@piece
def _step_adjoint(net, rule, h, memory, at, places, gradient, gradient_at):
    """From dLoss/dz' at places.adjoint to dLoss/dz in its place; adds the weights'."""
    v, rows = row_length(memory), net.states * row_length(memory)
    last = net.table[net.table.shape[0] - 1, DELTA] * v
    for i in range(STAGES - 1, -1, -1):
        deltas = places.deltas + i * net.deltas * v
        for r in range(rows):
            total = rule.b[i] * memory[places.adjoint + r]
            for j in range(i + 1, STAGES):
                total += rule.a[j, i] * memory[places.pulled + j * rows + r]
            memory[deltas + last + r] = h * total
        pulled = places.pulled + i * rows
        _network_adjoint(net, memory, at + i * net.stage * v, deltas, pulled)
    for r in range(rows):
        for i in range(STAGES):
            memory[places.adjoint + r] += memory[places.pulled + i * rows + r]
    _weights_adjoint(net, memory, at, places.deltas, places.turned, gradient, gradient_at)


@piece
def _compare(net, series, first, n, scale, memory, state, adjoint):
    """Squares of z less the recording at sample n of the windows, summed and times the
    scale of each window; adds their slope. What was not recorded (NaN) does not count.
    """
    v, total = row_length(memory), 0.0
    for delay in range(net.states):
        for j in range(v):
            wanted = series.output[series.starts[first + j] + n + delay]
            if wanted == wanted:
                error = memory[state + delay * v + j] - wanted
                total += scale[first + j] * error * error
                if adjoint >= 0:
                    memory[adjoint + delay * v + j] += 2.0 * scale[first + j] * error
    return total


# ---- the known equation ----


def _known_of(base):
    """A piece: half a step of a kind of neuron on k rows of states, in place.

    Its ds'/ds come to `bent` where that is not below 0. base: (step, limit, count of
    numbers).
    """
    if base is None:

        @piece
        def nothing(net, known, series, first, n, blend, memory, state, bent):
            return

        return nothing
    step, limit = compiled(base[0]), compiled(base[1] or _unlimited)
    numbers = spans(1, base[2])

    @piece
    def half(net, known, series, first, n, blend, memory, state, bent):
        v, one = row_length(memory), 1.0
        q = take(numbers(known.q, 0, 0, 1, 1), 0)
        for delay in range(net.states):
            for j in range(v):
                t, place = series.starts[first + j] + n + delay, delay * v + j
                now = series.drives[0, t]
                drive = now + blend * (series.drives[0, t + 1] - now)
                s = known.unit * memory[state + place] + known.offset
                current = known.bias + known.gain * drive
                s_next, slopes, _, _ = step(q, known.shared, 0.5 * known.step, (s,), current, one)
                s_next, passes = limit(q, s_next, one)
                memory[state + place] = (s_next[0] - known.offset) / known.unit
                if bent >= 0:
                    memory[bent + place] = slopes[0][0] if passes[0] else 0.0

    return half


def _unlimited(q, s, one):
    """The limit of a kind that has none."""
    return s, (True,)


@piece
def _scaled(memory, values, factors, count):
    """values *= factors, `count` numbers."""
    for r in range(count):
        memory[values + r] *= memory[factors + r]


# ---- windows, and runs ----


def _whole_step_of(base):
    """A piece: a step of f with half a step of the known equation on either side."""
    half, has_base = _known_of(base), base is not None

    @piece
    def whole(net, rule, h, known, series, lane, n, memory, at, places, state, after, bent):
        rows = net.states * row_length(memory)
        before = state
        if has_base:
            # on a copy, as the state itself belongs to the path
            before = places.adjoint
            for r in range(rows):
                memory[before + r] = memory[state + r]
            half(net, known, series, lane, n, rule.halves[0], memory, before, bent)
        _step(net, rule, h, series, lane, n, memory, at, places.slopes, before, after)
        if has_base:
            second = bent + rows if bent >= 0 else bent
            half(net, known, series, lane, n, rule.halves[1], memory, after, second)

    return whole


def _backward_of(has_base):
    """A piece: from the path of a panel's windows back to its first step; gives the
    loss."""

    @piece
    def backward(net, rule, h, series, lane, scale, steps, memory, places, gradient, gradient_at):
        rows, loss = net.states * row_length(memory), 0.0
        for r in range(rows):
            memory[places.adjoint + r] = 0.0
        for n in range(steps - 1, -1, -1):
            after, bent = places.path + (n + 1) * rows, places.bent + 2 * n * rows
            loss += _compare(net, series, lane, n + 1, scale, memory, after, places.adjoint)
            if has_base:
                _scaled(memory, places.adjoint, bent + rows, rows)
            at = places.stages + n * STAGES * net.stage * row_length(memory)
            _step_adjoint(net, rule, h, memory, at, places, gradient, gradient_at)
            if has_base:
                _scaled(memory, places.adjoint, bent, rows)
        return loss

    return backward


def _window_gradient_of(base):
    whole, backward = _whole_step_of(base), _backward_of(base is not None)

    def window_gradient(
        net, rule, h, known, series, scale, steps, first, last, memory, places, gradient, losses
    ):
        """Loss and gradient of the panels of V windows from first to last - 1: panel p
        gives losses[p] and its own gradient, so that sums do not depend on threads.

        A window begins with the recorded z of its first sample, and each of the `steps`
        times after it is compared. scale: (panels V,) factor of a window's squares.
        """
        v, size = row_length(memory), gradient.size // losses.size
        rows = net.states * v
        for panel in range(first, last):
            lane = panel * v
            for r in range(rows):
                memory[places.path + r] = series.output[series.starts[lane + r % v] + r // v]
            for n in range(steps):
                state, bent = places.path + n * rows, places.bent + 2 * n * rows
                at = places.stages + n * STAGES * net.stage * v
                after = state + rows
                whole(net, rule, h, known, series, lane, n, memory, at, places, state, after, bent)
            at = panel * size
            losses[panel] = backward(
                net, rule, h, series, lane, scale, steps, memory, places, gradient, at
            )

    return window_gradient


@piece
def _kick(net, noise, series, lane, n, memory, at, state, after, root, normals, normals_at):
    """z' += exp(log noise of [z, v]) sqrt(h) normal; root: sqrt(h)."""
    rows = net.states * row_length(memory)
    for r in range(rows):
        memory[at + r] = memory[state + r]
    _drive(net, series, lane, n, 0.0, memory, at + rows)
    out = at + noise.stage * row_length(memory)
    _network(noise, memory, at, out)
    for r in range(rows):
        memory[after + r] += np.exp(memory[out + r]) * root * normals[normals_at + r]


def _free_run_of(base):
    whole = _whole_step_of(base)

    def free_run(
        net, rule, h, known, series, noise, root, normals, steps, first, last, memory, places, out
    ):
        """z of runs that go on by themselves, of the panels from first to last - 1.

        out: (panel, steps + 1, k V), flat; the first z of each is there. normals:
        (panel, steps, k V) standard normal numbers, flat, or empty without noise.
        """
        v = row_length(memory)
        rows = net.states * v
        state, after = places.path, places.path + rows
        for panel in range(first, last):
            here = panel * (steps + 1) * rows
            for n in range(steps):
                for r in range(rows):
                    memory[state + r] = out[here + r]
                whole(
                    net, rule, h, known, series, panel * v, n, memory, places.stages, places,
                    state, after, -1,
                )  # fmt: skip
                if normals.size > 0:
                    _kick(
                        net, noise, series, panel * v, n, memory, places.noise, state, after, root,
                        normals, (panel * steps + n) * rows,
                    )  # fmt: skip
                here += rows
                for r in range(rows):
                    out[here + r] = memory[after + r]

    return free_run


_kept = {}
"""{(name, step and limit of the known equation): compiled entry}."""


def entry(name, base=None):
    """`window_gradient` or `free_run`, compiled, for a known equation.

    base: (step, limit or None, count of numbers) of a kind of neuron of one state.
    """
    key = name, base
    if key not in _kept:
        make = {"window_gradient": _window_gradient_of, "free_run": _free_run_of}[name]
        if base is None:
            _kept[key] = kernel(make(None))
        else:
            prints = fingerprint(base[0]), base[1] and fingerprint(base[1]), base[2]
            further = repr(prints).encode() if prints[0] else None
            with tagged(f"{name}-{len(_kept)}" if further is None else prints[0][:16]):
                _kept[key] = kernel(make(base), name, further)
    return _kept[key]


# ---- what the kernels take ----

_A38 = ((0, 0, 0, 0), (1 / 3, 0, 0, 0), (-1 / 3, 1, 0, 0), (1, -1, 1, 0))
_A4 = ((0, 0, 0, 0), (1 / 2, 0, 0, 0), (0, 1 / 2, 0, 0), (0, 0, 1, 0))
RULES = {
    "3/8": (_A38, (1 / 8, 3 / 8, 3 / 8, 1 / 8)),
    "rk4": (_A4, (1 / 6, 1 / 3, 1 / 3, 1 / 6)),
}
"""{name: (a, b)}: Kutta's 3/8 rule and the classical one."""


def rule_of(name, held):
    """`Rule` of a name; held: whether the drive is held between two samples."""
    a, b = (np.array(part, dtype=np.float64) for part in RULES[name])
    c, halves = a.sum(axis=1), np.array([0.25, 0.75])
    return Rule(a, b, 0 * c, 0 * halves) if held else Rule(a, b, c, halves)


def _padded(rows):
    """Rows that are transposed V at a time."""
    v = lanes(np.float64)
    return -(-rows // v) * v


class Layout:
    """Where the weights of f stand, flat, in tiles and in a gradient.

    Flat are the matrices (outputs, inputs + 1) of all layers in turn, the biases their
    last columns.

    Args:
        sizes: numbers of inputs, of each hidden layer, of outputs; states: k.
    """

    def __init__(self, sizes, states):
        self.states = states
        self.shapes = [(rows, depth + 1) for depth, rows in itertools.pairwise(sizes)]
        self.size = sum(rows * depth for rows, depth in self.shapes)
        numbers, first = [], 0
        for rows, depth in self.shapes:
            numbers.append(first + np.arange(rows * depth).reshape(rows, depth))
            first += rows * depth
        self.table = self._table()
        back = [own[:, : line[SOURCES]].T for own, line in zip(numbers, self.table, strict=True)]
        self.picks = np.concatenate([_tiled(own) for own in (*numbers, *back)])
        self.places = np.concatenate([_gradient_places(line) for line in self.table])

    def _table(self):
        """The lines of `Net.table`; sets the sizes of a stage and of a gradient."""
        lines, back = [], self.size
        self.stage = self.deltas = self.gradient = values = 0
        for layer, (rows, depth) in enumerate(self.shapes):
            sources = depth - 1 if layer else self.states
            lines.append(
                [
                    *(rows, depth, values, *tile_heights(rows)),
                    *(sources, back, *tile_heights(sources)),
                    *(self.stage, self.deltas, self.gradient),
                ]
            )
            values, back = values + rows * depth, back + rows * sources
            self.stage, self.deltas = self.stage + _padded(depth), self.deltas + rows
            self.gradient += _padded(depth) * rows
        return np.array(lines, dtype=np.int64)

    def net(self, flat):
        """`Net` of flat weights (size,)."""
        values = aligned(np.asarray(flat, dtype=np.float64)[self.picks])
        return Net(self.table, values, self.states, self.stage, self.deltas)

    def memory(self, steps, noise=None):
        """(memory, `Places`) of a thread for windows of so many steps, or runs of one
        at a time; noise: `Layout` of its network."""
        v, k = lanes(np.float64), self.states
        extra = noise.stage + k if noise is not None else 0
        sizes = {
            "stages": steps * STAGES * self.stage,
            "slopes": STAGES * k,
            "path": (steps + 1) * k,
            "deltas": STAGES * self.deltas,
            "pulled": STAGES * k,
            "adjoint": k,
            "turned": STAGES * v,
            "bent": 2 * steps * k,
            "noise": extra,
        }
        starts = np.cumsum([0, *sizes.values()]) * v
        memory = aligned((int(starts[-1]), np.dtype(np.float64)))
        places = Places(*(int(start) for start in starts[:-1]))
        blocks = memory[: sizes["stages"] * v].reshape(steps * STAGES, self.stage, v)
        blocks[:, self.ones] = 1.0
        if noise is not None:
            own = memory[places.noise : places.noise + noise.stage * v]
            own.reshape(noise.stage, v)[noise.ones] = 1.0
        return memory, places

    @property
    def ones(self):
        """Rows of a stage that are 1."""
        return self.table[:, INPUT] + self.table[:, DEPTH] - 1


def _gradient_places(line):
    """Where the numbers of a layer's matrix, row by row, stand in a gradient."""
    v, rows = lanes(np.float64), line[ROWS]
    row, column = np.indices((rows, line[DEPTH]))
    return (line[GRADIENT] + ((column // v) * rows + row) * v + column % v).ravel()


def _tiled(numbers):
    """A matrix's numbers (rows, columns) in the order of its tiles."""
    height, cut = tile_heights(len(numbers))
    found, row = [], 0
    while row < len(numbers):
        height -= row == cut
        found.append(numbers[row : row + height].T.ravel())
        row += height
    return np.concatenate(found)
