"""Levels by kind: compiled or taken from the cache, and kept for their address."""

import functools
import hashlib
import threading

import numba
import numpy as np
from numba import types
from numba.core.errors import NumbaError

from spinrnn.errors import ConfigError
from spinrnn.kernels.authors import asked_for, fingerprint, result_of, types_of
from spinrnn.kernels.compiling import kernel, tagged
from spinrnn.kernels.pointers import address_of
from spinrnn.kernels.stepping import Constants, Form, Level, Noise, Places, level_of

_kept = {}
"""{(functions, form, dtype): (compiled function, address)}."""
_lock = threading.Lock()


def level_address(functions, form, dtype, kind):
    """Address of the level of a kind's `Functions` in a `Form` and precision.

    kind: names its file in the cache; what it holds is known by its instructions.
    """
    return _level(functions, form, dtype, kind)[1]


def level_function(functions, form, dtype, kind):
    """The compiled level itself, to be called from Python."""
    return _level(functions, form, dtype, kind)[0]


def _level(functions, form, dtype, kind):
    if functions.level:
        # it finds them in its own numbers, so one serves devices of any size
        form = form._replace(states=0, numbers=0)
        functions = functions._replace(scratch=0)
    key = (functions, form, np.dtype(dtype))
    with _lock:
        if key not in _kept:
            name, stamp = f"level-{kind}", _stamp(functions, form)
            known = hashlib.sha256(stamp).hexdigest()[:16] if stamp else f"here{len(_kept)}"
            own = functions.step.__module__.startswith("spinrnn.")
            if not own and not numba.config.DISABLE_JIT:
                _check_here(functions.step, form, dtype, kind)
            # an author's code makes the compiler fail in ways of any kind
            foreseen = NumbaError if own else Exception
            make = functions.level or functools.partial(level_of, functions)
            try:
                with tagged(known):
                    function = kernel(make(form), name, stamp)
                _kept[key] = function, address_of(function, signature(dtype))
            except foreseen as error:
                told = [] if own else _miscounted(functions._asdict(), form, kind)
                raise ConfigError(told or [_uncompiled(kind, error)]) from None
        return _kept[key]


def _check_here(step, form, dtype, kind):
    """`check_step` of a step that is compiled with its level afterwards: plain Python
    tells in no time that the form is right; where it does not, the compiler is asked.
    """
    if _misshapen(result_of(step, _arguments(form, dtype)), form, kind):
        check_step(step, form, dtype, kind)


def authored(neuron):
    """Whether a neuron's kind is somebody else's, and not one of spinrnn's own."""
    return not type(neuron).__module__.startswith("spinrnn.")


def check_authored(neuron, step, numbers, dtype="float64", chosen=()):
    """`check_step` of a kind that is `authored`; numbers: how many a neuron has."""
    if authored(neuron):
        form = Form(len(neuron.states), numbers, chosen, False, False)
        check_step(step, form, dtype, neuron.kind)


def check_step(step, form, dtype, kind):
    """Raises ConfigError unless a step can be compiled and gives back what the kernels
    take: tuples of the lengths that the kind's states and numbers ask for.
    """
    try:
        found = types_of(step, _arguments(form, dtype))
    # whatever the author's code makes the compiler do
    except Exception as error:
        told = _miscounted({"step": step}, form, kind)
        raise ConfigError(told or [_uncompiled(kind, error)]) from None
    problems = _misshapen(found, form, kind)
    if problems:
        raise ConfigError(problems)


def _miscounted(functions, form, kind):
    """A line for each function that takes other counts of numbers and states apart than
    it gets.

    functions: {name as in a kind's `Functions`: it, or None}.
    """
    none, problems = np.empty(0), []
    every = {
        "step": lambda q, s: (q, none, 1.0, s, 1.0, 1.0),
        "strong": lambda q, s: (q, none, 1.0, s, 1.0, 1.0),
        "pair": lambda q, s: (q, none, 1.0, s, (1.0, 1.0), 1.0),
        "limit": lambda q, s: (q, s, 1.0),
        "kick": lambda q, s: (q, 1.0, s, 1.0, 1.0, 1.0),
        "strength": lambda q, s: (q, 1.0, 1.0, 1.0),
    }
    for name, arguments_of in every.items():
        function = functions.get(name)
        asked = function and asked_for(function, arguments_of, form.numbers, form.states)
        if asked:
            wanted = " and ".join(_several(n, what) for n, what in zip(asked, _WHAT, strict=True))
            given = f"numbers gives {form.numbers} and states names {form.states}"
            problems.append(f"neuron: the {name} of {kind} asks for {wanted}; {given}")
    return problems


def _several(count, what):
    return f"{count} {what}{'' if count == 1 else 's'}"


def _arguments(form, dtype):
    """Ones as the arguments of a step."""
    one = np.dtype(dtype).type(1)
    return (one,) * form.numbers, np.empty(0, dtype), one, (one,) * form.states, one, one


def _misshapen(found, form, kind):
    """A line for each part of a step's result that has not the form it must have."""
    d, count = form.states, form.numbers
    vector, square, numbers = (d,), (d, d), (d, count)
    names = {"s'": vector, "J = ds'/ds": square, "b = ds'/dI": vector, "P = ds'/dq": numbers}
    if not isinstance(found, tuple) or len(found) != 4:
        return [f"neuron: the step of {kind} must give four things: {', '.join(names)}"]
    problems = []
    for part, (name, wanted) in zip(found, names.items(), strict=True):
        shape = _shape(part)
        untold = shape == (0,) and name.startswith("P")
        if untold and form.chosen:
            problems.append(f"neuron.train: the step of {kind} must give {name} to be trained")
        elif shape != wanted and not untold:
            text = f"neuron: the step of {kind} must give {name} as tuples of the form {wanted}"
            problems.append(f"{text}, gave {_uneven(part) if shape is None else shape}")
    return problems


def _shape(part):
    """Form of nested tuples, as (2, 3); None where rows differ."""
    if not isinstance(part, tuple):
        return ()
    rows = {_shape(row) for row in part}
    return (0,) if not part else (len(part), *rows.pop()) if len(rows) == 1 else None


def _uneven(part):
    """What tuples are whose rows differ, in words."""
    if any(_shape(row) is None for row in part):
        return "tuples in tuples of unequal lengths"
    rows = [f"{len(row)}" if isinstance(row, tuple) else "no tuple" for row in part]
    return f"rows of the lengths {', '.join(rows)}"


def _uncompiled(kind, error):
    """What the compiler says of an author's functions, in a line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    own = f"{type(error).__name__}: {lines[0] if lines else ''}"
    own = _NO_ARRAYS if any(line.startswith("NRT required") for line in lines) else own
    known = [line for line in lines if line.startswith(_TELLING)] or [own]
    files = [line.rstrip(":") for line in lines if line.startswith('File "')]
    place = [line for line in files if "spinrnn/kernels" not in line]
    where = f" ({place[-1]})" if place else ""
    return f"neuron: the functions of {kind} cannot be compiled: {known[-1]}{where}"


_NO_ARRAYS = "they make a list or an array, for which kernels have no room; give tuples"
_WHAT = "number", "state"
_TELLING = (
    "Untyped global", "NameError", "No implementation", "Unknown attribute", "Cannot unify",
    "No conversion", "Use of unsupported",
)  # fmt: skip
"""Beginnings of lines in which the compiler says the cause."""


def _stamp(functions, form):
    """What the machine code depends on besides the kernels; None: it is not kept."""
    if functions.level is not None:
        # it is one of the kernels
        return repr((functions.level.__module__, functions.level.__qualname__, form)).encode()
    prints = [fingerprint(part) if callable(part) else part for part in functions]
    missing = any(p is None and part is not None for p, part in zip(prints, functions, strict=True))
    return None if missing else repr((prints, form)).encode()


def signature(dtype):
    """Types of a level's arguments in a network's precision."""
    one, flat = np.dtype(dtype).type(1), np.empty(0, dtype=dtype)
    word = np.uint32(0)
    c = Constants(one, one, one, one, one, 1, flat, 1, 0, one)
    noise = Noise(word, word, 0, 0)
    places, level = Places(*range(9)), Level(*range(10), True, 0, 0)
    arguments = (c, flat, flat, noise, flat, places, level)
    return types.void(*(numba.typeof(value) for value in arguments))
