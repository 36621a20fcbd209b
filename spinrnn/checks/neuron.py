"""A kind of neuron against what it promises: derivatives, precision, rest, order.

The functions of `neurons.protocol.Functions` are called at random numbers, states and
drives. Their derivatives are compared with central differences of fourth order, and
where the code bears complex numbers with the complex step, which is exact to rounding.
Code that drops the imaginary part says something else than the differences, which then
count alone.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterator

import numpy as np
from scipy.integrate import solve_ivp

from spinrnn.config.quantity import spread_names
from spinrnn.kernels import authors
from spinrnn.kernels.authors import types_of, uncompiled
from spinrnn.kernels.leveled import called_level
from spinrnn.kernels.levels import check_authored
from spinrnn.neurons.protocol import Functions, Neuron

BOUND = 1e-7
"""On the error of a derivative, relative to the largest of its row and 1."""
EXACT = 1e-12
"""The same against the complex step."""
ROUGH = 1e-4
"""Between differences and the complex step where the code is steep."""
STEP = 5e-5
"""Of the differences, relative to |x|; their error is of fourth order."""
SAMPLES = 40
H = 0.2
"""Length of the steps that are checked, in units of time."""


@dataclasses.dataclass
class NeuronCheck:
    """Outcome of one promise.

    Attributes:
        neuron, scheme: what was checked; promise: as "d v'/d w", "precision", "rest".
        error: largest deviation, relative; ok: whether it is within the bound.
        text: what was found, as "d v'/d w: 0.31, differences say 0.28".
    """

    neuron: str
    scheme: str
    promise: str
    error: float
    ok: bool
    text: str


# each function is compiled once, though several promises call it
called = functools.lru_cache(maxsize=16)(authors.called)


def step_called(case: "_Case", step: Callable | None = None) -> Callable:
    """A kind's step, compiled, of one neuron; of a kind with a level of its own that
    level for one neuron and a row of equal samples.

    step: where it is not the usual one.
    """
    if case.functions.level is None:
        own = case.functions.step if step is None else step
        return called(own, case.functions.rounded)
    return called_level(case.functions, len(case.names), case.s.shape[1], case.neuron.kind)


@dataclasses.dataclass
class _Case:
    """A kind in one scheme, with samples to call its functions at."""

    neuron: Neuron
    scheme: str
    functions: Functions
    names: list[str]
    # (samples, Q), (samples, d), (samples,)
    q: np.ndarray
    s: np.ndarray
    drive: np.ndarray
    shared: np.ndarray

    def check(self, promise: str, error: float, bound: float, text: str) -> NeuronCheck:
        # the comparison is false for NaN
        ok = bool(error <= bound)
        return NeuronCheck(self.neuron.kind, self.scheme, promise, float(error), ok, text)


def check_neuron(neuron: Neuron, seed: int = 0) -> Iterator[NeuronCheck]:
    """Checks a kind in all of its schemes.

    Args:
        neuron: an instance; its quantities are those that are checked, and numbers near
            them.
        seed: of the samples.
    Raises:
        ConfigError: a step gives back something else than the kernels take.
    """
    for scheme in neuron.schemes:
        case = _case(neuron, scheme, seed)
        functions = case.functions
        if functions.level is None:
            check_authored(neuron, functions.step, len(case.names))
        yield from _derivatives(case, functions.step, "", case.drive)
        if functions.pair is not None:
            yield from _pair(case, functions.pair)
        if functions.strong is not None:
            strong = 100 * case.drive
            yield from _derivatives(case, functions.strong, "strong: ", strong)
            yield _same_where_weak(case)
        if functions.kick is not None:
            yield from _kick(case, functions.kick)
        if functions.limit is not None:
            yield _limit(case, functions.limit)
        if functions.level is None:
            yield _precision(case)
        yield _rest(case)
        rhs = getattr(neuron, "rhs", None)
        if rhs is not None:
            yield _order(case, rhs)


def _case(neuron, scheme, seed):
    rng = np.random.default_rng(seed)
    numbers = neuron.nominal_numbers(neuron.time_unit)
    q = np.array([float(value) for value in numbers.values()])
    rest = np.array([float(value) for value in neuron.rest(numbers)])
    spread = rng.uniform(0.8, 1.2, (SAMPLES, len(q)))
    # what is 0 of the nominal neuron, as a detuning, need not be so of others
    q = np.where(q == 0, _devices(neuron, seed), q * spread)
    states = rest * rng.uniform(0.5, 1.5, (SAMPLES, len(rest)))
    # states at rest at 0 are moved away from it
    states += np.where(rest == 0, rng.normal(size=states.shape), 0)
    bias = float(neuron.bias(numbers))
    drive = bias + (1 + abs(bias)) * rng.normal(size=SAMPLES)
    shared = np.asarray(neuron.shared(), dtype=np.float64)
    return _Case(neuron, scheme, neuron.functions(scheme), list(numbers), q, states, drive, shared)


def _devices(neuron, seed):
    """(samples, Q) numbers of neurons whose quantities with a spread differ by 10 %."""
    rng = np.random.default_rng([seed, 1])
    factors = {name: rng.uniform(0.9, 1.1, SAMPLES) for name in spread_names(neuron)}
    numbers = neuron.numbers(neuron.time_unit, factors)
    return np.stack([np.broadcast_to(value, SAMPLES) for value in numbers.values()], axis=-1)


# ---- derivatives of a step ----


def _derivatives(case, step, prefix, drives):
    """A check for each entry of J, b and P."""
    call, whole = step_called(case, step), uncompiled(step)
    states = [state.name for state in case.neuron.states]
    inputs = [*states, case.neuron.drive.name, *case.names]
    given, found, exact = [], [], []
    for q, s, drive in zip(case.q, case.s, drives, strict=True):
        x, d = np.array([*s, drive, *q]), len(s)

        def after(x, function=call, d=d):
            arguments = tuple(x[d + 1 :]), case.shared, H, tuple(x[:d]), x[d], 1.0
            return np.array(function(*arguments)[0])

        given.append(_matrix(call(tuple(q), case.shared, H, tuple(s), drive, 1.0), len(inputs)))
        found.append(differences(after, x))
        exact.append(_complex_step(lambda x: after(x, whole), x))
    given, found = np.array(given), np.array(found)
    sharp = None if any(e is None for e in exact) else np.array(exact)
    if sharp is not None and not np.allclose(sharp, found, rtol=BOUND, atol=BOUND):
        # where the code is steep its differences are coarse: what agrees with the
        # complex step to rounding, and with them roughly, is right
        exactly = np.isclose(given, sharp, rtol=EXACT, atol=EXACT)
        roughly = np.isclose(found, sharp, rtol=ROUGH, atol=ROUGH)
        found, sharp = np.where(exactly & roughly, sharp, found), None
    yield from _entries(case, prefix, states, inputs, given, found, sharp)


def _pair(case, pair):
    """A check for each entry of J and of b by both drives."""
    call, whole = called(pair, case.functions.rounded), uncompiled(pair)
    states, name = [state.name for state in case.neuron.states], case.neuron.drive.name
    inputs, given, found, exact = [*states, f"{name} 0", f"{name} 1"], [], [], []
    for q, s, first, second in zip(case.q, case.s, case.drive, case.drive[::-1], strict=True):
        x, d = np.array([*s, first, second]), len(s)

        def after(x, function=call, q=q, d=d):
            arguments = tuple(q), case.shared, H, tuple(x[:d]), tuple(x[d:]), 1.0
            return np.array(function(*arguments)[0])

        _, jacobian, by_drives, _ = call(tuple(q), case.shared, H, tuple(s), (first, second), 1.0)
        given.append(np.concatenate([jacobian, by_drives], axis=1))
        found.append(differences(after, x))
        exact.append(_complex_step(lambda x, after=after: after(x, whole), x))
    sharp = None if any(e is None for e in exact) else np.array(exact)
    yield from _entries(case, "pair: ", states, inputs, np.array(given), np.array(found), sharp)


def _matrix(result, width):
    """[J b P] (d, width) of what a step gave; NaN for what it does not give."""
    _, jacobian, by_drive, by_numbers = result
    rows = []
    for i, row in enumerate(jacobian):
        further = by_numbers[i] if len(by_numbers) else ()
        own = [*row, by_drive[i], *further]
        rows.append(own + [np.nan] * (width - len(own)))
    return np.array(rows, dtype=np.float64)


def _entries(case, prefix, states, inputs, given, found, sharp):
    """A `NeuronCheck` for each entry, by its worst sample."""
    for i, j in np.ndindex(found.shape[1:]):
        if np.isnan(given[:, i, j]).all():
            # derivatives by numbers are only needed where they are trained
            continue
        name = f"{prefix}d {states[i]}'/d {inputs[j]}"
        scale = np.maximum(1, np.abs(found[:, i]).max(axis=1))
        right, bound, source = found, BOUND, "differences say"
        if sharp is not None:
            right, bound, source = sharp, EXACT, "the complex step says"
        error = np.abs(given[:, i, j] - right[:, i, j]) / scale
        worst = int(np.argmax(np.where(np.isnan(error), np.inf, error)))
        text = f"{name}: {given[worst, i, j]:.6g}, {source} {right[worst, i, j]:.6g}"
        yield case.check(name, error[worst], bound, text)


def differences(function: Callable, x: np.ndarray) -> np.ndarray:
    """(outputs, inputs) Jacobian of a function at x, by central differences of fourth
    order.
    """
    columns = []
    for j in range(len(x)):
        step = STEP * max(abs(x[j]), 0.05)
        values = []
        for k in (-2, -1, 1, 2):
            shifted = x.copy()
            shifted[j] += k * step
            values.append(function(shifted))
        columns.append((values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step))
    return np.array(columns).T


def _complex_step(function, x):
    """The Jacobian by the complex step through the Python code; None where that does
    not bear complex numbers.
    """
    columns = []
    for j in range(len(x)):
        shifted = x.astype(complex)
        shifted[j] += 1e-30j
        try:
            values = np.array(function(shifted), dtype=complex)
        except Exception:
            # whatever the author's code does with complex numbers
            return None
        columns.append(np.imag(values) / 1e-30)
    found = np.array(columns).T
    return found if np.isfinite(found).all() else None


# ---- noise, limits, strong drives ----


def _kick(case, kick):
    """A check for each entry of K and of its derivatives by numbers."""
    call, states = called(kick), [state.name for state in case.neuron.states]
    rng = np.random.default_rng(1)
    inputs, given, found = [*states, *case.names], [], []
    # some noise, also where the kind's own is none
    numbers = np.abs(case.q) + 0.01
    for q, s in zip(numbers, case.s, strict=True):
        r2, cosine = rng.exponential(2), np.cos(rng.uniform(0, 2 * np.pi))
        x, d = np.array([*s, *q]), len(s)

        def after(x, d=d, r2=r2, cosine=cosine):
            return np.array(call(tuple(x[d:]), H, tuple(x[:d]), r2, cosine, 1.0)[0])

        _, slope, by_numbers = call(tuple(q), H, tuple(s), r2, cosine, 1.0)
        rows = [[*row, *more] for row, more in zip(slope, by_numbers or [()] * len(s), strict=True)]
        own = np.array([row + [np.nan] * (len(inputs) - len(row)) for row in rows])
        given.append(own)
        found.append(differences(after, x))
    yield from _entries(case, "kick: ", states, inputs, np.array(given), np.array(found), None)


def _limit(case, limit):
    """Where a limit holds no derivative passes, elsewhere all."""
    call, worst = called(limit), 0.0
    for q, s in zip(case.q, case.s, strict=True):
        for scale in (1.0, 1e-9, -1.0):

            def after(x, q=q):
                return np.array(call(tuple(q), tuple(x), 1.0)[0])

            found = np.diag(differences(after, scale * s))
            passes = np.array(call(tuple(q), tuple(scale * s), 1.0)[1], dtype=float)
            # a difference over the very edge says nothing
            clear = (found < 1e-6) | (np.abs(found - 1) < 1e-6)
            worst = max(worst, float(np.abs(found - passes)[clear].max(initial=0)))
    text = f"limit: what passes differs by {worst:.2g} from the derivative"
    return case.check("limit", worst, 1e-6, text)


def _same_where_weak(case):
    """`strong` gives the bits of `step` where the drive is weak."""
    usual, strong = step_called(case), step_called(case, case.functions.strong)
    strength = called(case.functions.strength, case.functions.rounded)
    different = 0
    for q, s, drive in zip(case.q, case.s, case.drive, strict=True):
        if strength(tuple(q), H, drive, 1.0) <= 1:
            arguments = tuple(q), case.shared, H, tuple(s), drive, 1.0
            different += usual(*arguments) != strong(*arguments)
    text = f"strong: {different} of {len(case.s)} samples differ from step for weak drives"
    return case.check("strong", different, 0, text)


# ---- precision, rest, order ----


def _precision(case):
    """In float32 all results are of float32: a literal would widen them."""
    one = np.float32(1)
    q, s = (tuple(np.float32(x) for x in row) for row in (case.q[0], case.s[0]))
    shared, h, drive = case.shared.astype(np.float32), np.float32(H), np.float32(case.drive[0])
    wide = []
    calls = {
        "step": (case.functions.step, (q, shared, h, s, drive, one)),
        "strong": (case.functions.strong, (q, shared, h, s, drive, one)),
        "kick": (case.functions.kick, (q, h, s, one, one, one)),
        "strength": (case.functions.strength, (q, h, drive, one)),
    }
    for name, (function, arguments) in calls.items():
        if function is not None and np.dtype("f8") in _leaves(types_of(function, arguments)):
            wide.append(name)
    text = f"precision: {' and '.join(wide)} widen float32 to float64; use `one` for numbers"
    return case.check("precision", len(wide), 0, text if wide else "precision: float32 stays")


def _leaves(kinds):
    if not isinstance(kinds, tuple):
        return [kinds]
    return [leaf for kind in kinds for leaf in _leaves(kind)]


def _rest(case):
    """A neuron at rest stays there."""
    neuron, call = case.neuron, step_called(case)
    numbers = neuron.nominal_numbers(neuron.time_unit)
    rest = tuple(float(value) for value in neuron.rest(numbers))
    q = tuple(float(value) for value in numbers.values())
    after = call(q, case.shared, H, rest, float(neuron.bias(numbers)), 1.0)[0]
    moved = np.abs(np.array(after) - rest) / (1 + np.abs(rest))
    i = int(np.argmax(moved))
    text = f"rest: {neuron.states[i].name} goes from {rest[i]:.6g} to {after[i]:.6g} in a step"
    return case.check("rest", float(moved[i]), 1e-9, text)


def _order(case, rhs):
    """The order of the step against DOP853 of the class's `rhs`."""
    call, wanted = step_called(case), 1 if case.scheme == "euler" else 2
    q, s, drive = tuple(case.q[0]), case.s[0], float(case.drive[0])
    solution = solve_ivp(
        lambda _, y: np.array(rhs(q, tuple(y), drive), dtype=np.float64),
        (0, 1), s, method="DOP853", rtol=1e-12, atol=1e-14,
    )  # fmt: skip
    errors = []
    for steps in (16, 32):
        y = tuple(s)
        for _ in range(steps):
            y = call(q, case.shared, 1 / steps, y, drive, 1.0)[0]
        errors.append(float(np.abs(np.array(y) - solution.y[:, -1]).max()))
    # an exact step has no order
    order = np.log2(errors[0] / errors[1]) if errors[1] > 1e-10 else np.inf
    short = max(0.0, wanted - order)
    text = f"order: {order:.2f} against DOP853, the network's scheme is of order {wanted}"
    return case.check("order", short, 0.2, text)
