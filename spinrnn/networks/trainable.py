"""A neuron's trained quantities: their values, which numbers of a step depend on them,
and whether all of their effect has a gradient.

Gradients go from the kernels' numbers, the states at rest and the constant drive to the
quantities by the complex step through the author's methods `numbers`, `rest` and
`bias`. What a quantity does by another way would be left out without a word, so it is
refused here, before anything runs.
"""

import copy
from typing import Any, NamedTuple

import numpy as np

from spinrnn.config.kinds import Kind
from spinrnn.config.neurons import trained_of
from spinrnn.config.quantity import quantities
from spinrnn.errors import ConfigError
from spinrnn.kernels.authors import called, fingerprint, plain
from spinrnn.synapses.layout import trained_block

STEP = 1e-30
"""Of the complex step, with which derivatives are exact to rounding."""
_POINTS = 96
_FEW = 3
"""Points at which a derivative must be wrong, as one may be by an edge."""


def trained_value(neuron, name, x):
    """A quantity of (rows,) coordinates x, 0 for the configuration's value.

    value = nominal exp(x) for the coordinate "log", (1 + nominal) exp(x) - 1 for
    "log1p", nominal + x for "plain"; within the quantity's limits, where the gradient
    is zero. Next to a limit that is none of the values stands the number closest to it.
    """
    declared, nominal = quantities(neuron)[name], getattr(neuron, name)
    if declared.fit == "log":
        value = nominal * np.exp(x)
    elif declared.fit == "log1p":
        value = (1 + nominal) * np.exp(x) - 1
    else:
        value = nominal + x
    low, high = declared.low, declared.high
    if declared.above is not None:
        low = np.nextafter(declared.above, np.inf)
    if declared.below is not None:
        high = np.nextafter(declared.below, -np.inf)
    if low is not None:
        value = np.where(np.real(value) < low, low, value)
    if high is not None:
        value = np.where(np.real(value) > high, high, value)
    return value


def trained_values(config, blocks):
    """{quantity: {layer: (n,) or (1,) values}} of {block: coordinates}, in float64."""
    found = {}
    for name in config.trained:
        for layer, neuron in enumerate(config.neurons):
            if name in trained_of(config, neuron):
                x = np.asarray(blocks[trained_block(name, layer)], dtype=np.float64)
                found.setdefault(name, {})[layer] = np.asarray(trained_value(neuron, name, x))
    return found


def with_fields(neuron, fields):
    """A copy of a kind whose quantities are arrays, past the checks of its table."""
    other = copy.copy(neuron)
    for name, value in fields.items():
        object.__setattr__(other, name, value)
    return other


class Dependence(NamedTuple):
    """Names of numbers that depend on a trained quantity; whether anything does."""

    numbers: frozenset[str]
    effect: bool


def dependences(neuron: Kind, names: tuple[str, ...], time_unit: float) -> dict[str, Dependence]:
    """{trained quantity: `Dependence`} of a kind.

    Numbers may depend on it over a part of its range only, or have a derivative that is
    zero by chance. So they are looked at for many values of all trained quantities,
    from close to the configured ones to far away.
    """
    x, found = _points(neuron, names), {}
    for name in names:
        slopes = _slopes(neuron, x, name, time_unit)
        # NaN counts as a dependence
        numbers = frozenset(key for key, slope in slopes[0].items() if np.any(slope != 0))
        known = [slope[np.isfinite(slope)] for part in slopes for slope in part.values()]
        found[name] = Dependence(numbers, any(np.any(slope != 0) for slope in known))
    return found


def _points(neuron, names):
    """{quantity: (points,) coordinates}, the first one 0."""
    rng, found = np.random.default_rng(0), {}
    for name in names:
        x = rng.choice([-1, 1], _POINTS) * 10.0 ** rng.uniform(-3, 1, _POINTS)
        nominal = abs(getattr(neuron, name))
        if quantities(neuron)[name].fit == "plain" and nominal:
            x[::2] *= nominal
        x[0] = 0.0
        found[name] = x
    return found


def _slopes(neuron, x, name, time_unit):
    """Derivatives of `_parts` by a coordinate, by the complex step."""
    shifted = {**x, name: x[name] + 1j * STEP}
    parts = _parts(neuron, shifted, time_unit)
    return [{key: np.imag(value) / STEP for key, value in part.items()} for part in parts]


def _parts(neuron, x, time_unit):
    """[numbers, {place: state at rest and constant drive}] of coordinates, each
    (points,).
    """
    fields = {name: trained_value(neuron, name, own) for name, own in x.items()}
    other = with_fields(neuron, fields)
    with np.errstate(all="ignore"):
        q = other.nominal_numbers(time_unit)
        further = dict(enumerate([*other.rest(q), other.bias(q)]))
    count = len(next(iter(x.values())))
    return [{key: np.broadcast_to(v, count) for key, v in part.items()} for part in (q, further)]


# ---- what would be left out of a gradient ----


def check_trained(config: Any) -> None:
    """Raises ConfigError unless all that a network's trained quantities do has a
    gradient; all problems at once.
    """
    problems = []
    for neuron in dict.fromkeys(config.neurons):
        names = trained_of(config, neuron)
        problems += _problems(neuron, names, config) if names else []
    if problems:
        raise ConfigError([f"neuron.train: {problem}" for problem in dict.fromkeys(problems)])


def check_others(neuron: Kind, name: str, slopes: np.ndarray) -> None:
    """Raises ConfigError where numbers that are taken for independent of a trained
    quantity do depend on it; slopes of these numbers, of any form.
    """
    if np.any(slopes != 0):
        raise ConfigError(
            [
                f"neuron.train: a number of {neuron.kind} depends on {name} at few values only,"
                " at which it was not looked for; write it without such a case"
            ]
        )


def _problems(neuron, names, config):
    """What is wrong with a kind's quantities of these names; a sentence each."""
    unit, kind = config.time_unit, neuron.kind
    try:
        found = dependences(neuron, names, unit)
    # whatever the author's code does with arrays and complex numbers
    except Exception as error:
        text = " ".join(str(error).split())
        return [
            f"numbers, rest and bias of {kind} must take arrays and complex numbers to be"
            f" trained, as NumPy's functions do; they end with {type(error).__name__}: {text}"
        ]
    problems = []
    for name, dependence in found.items():
        own = [f"{name} of {kind} {what}" for what in _otherwise(neuron, name, config.scheme)]
        own += _held_by(neuron, name, dependence, config)
        if _differs(neuron, names, name, unit):
            own.append(
                f"numbers, rest and bias of {kind} lose the derivative by {name}; write them"
                " without what drops an imaginary part, as abs, sign or float"
            )
        if not own and not dependence.effect:
            own = [f"{name} of {kind} has no effect on numbers, rest or bias; leave it out"]
        problems += own
    return problems


def _held_by(neuron, name, dependence, config):
    """What is wrong where a quantity moves a limit of the states."""
    limit = neuron.functions(config.scheme).limit
    numbers = sorted(dependence.numbers)
    return [
        f"limit of {neuron.kind} uses the number {key}, on which {name} acts, and no gradient"
        f" passes there; leave {name} out"
        for key in numbers
        if _moves(limit, neuron, key, config.time_unit)
    ]


def _differs(neuron, names, name, time_unit):
    """Whether the complex step gives other derivatives than differences do, at points
    where those from left and right agree.
    """
    x = _points(neuron, names)
    h = 1e-5 * np.abs(x[name])
    shifted = [{**x, name: x[name] + shift} for shift in (-h, 0, h)]
    # without the configured value, of which h is 0
    below, here, above = (_rows(_parts(neuron, own, time_unit)) for own in shifted)
    slopes, h = _rows(_slopes(neuron, x, name, time_unit)), h[1:]
    with np.errstate(all="ignore"):
        left, right = (here - below) / h, (above - here) / h
        # values may be small differences of others
        rounding = 1e-14 * np.fmax.reduce(abs(here), axis=0) / h
        bound = 1e-3 * np.maximum(abs(left), abs(right)) + rounding
        wrong = (abs(left - right) <= bound) & (abs(left - slopes) > 4 * bound)
    return bool((wrong.sum(axis=1) >= _FEW).any())


def _rows(parts):
    """(values, points but the first) of all values of `_parts`."""
    return np.array([np.real(value)[1:] for part in parts for value in part.values()])


def _moves(limit, neuron, key, time_unit):
    """Whether a kind's limit holds its states elsewhere where a number is another."""
    if limit is None:
        return False
    numbers = {k: float(v) for k, v in neuron.nominal_numbers(time_unit).items()}
    shifted = {**numbers, key: numbers[key] * 1.01 or 0.01}
    for scale in (0.0, 1e-9, 1e-3, 1.0, 1e3, 1e9):
        for sign in (-1, 1):
            s = (sign * scale,) * len(neuron.states)
            one, other = (_held(limit, tuple(q.values()), s) for q in (numbers, shifted))
            if not np.array_equal(one, other, equal_nan=True):
                return True
    return False


def _held(limit, q, s):
    """The states as a kind's limit holds them."""
    try:
        return plain(limit)(q, s, 1.0)[0]
    # what it calls may have no form but the compiled one
    except Exception:
        return called(limit)(q, s, 1.0)[0]


def _otherwise(neuron, name, scheme):
    """In words, what a quantity changes besides numbers, rest and bias."""
    found, usual = [], neuron.functions(scheme)
    for x in (-0.5, 0.5):
        value = float(trained_value(neuron, name, x))
        other = with_fields(neuron, {name: value})
        if not np.array_equal(other.shared(), neuron.shared()):
            found.append("acts in `shared`, which has no gradient; give it in `numbers`")
        if other.noisy and not neuron.noisy:
            found.append("turns on noise that is off at its value; give it a value above 0")
        pairs = zip(usual, other.functions(scheme), strict=True)
        if not all(_same_function(a, b) for a, b in pairs):
            found.append("acts in `functions`, which has no gradient; give it in `numbers`")
    return dict.fromkeys(found)


def _same_function(one, other):
    """Whether two functions are the same as far as can be told; any two values that are
    no functions, if they are equal.
    """
    if one is other or not (callable(one) and callable(other)):
        return one == other
    return fingerprint(one) == fingerprint(other)
