"""The plain functions of authors: compiled with what they call, and known by what they
do.

A function of a kind may call other plain functions of its module. `compiled` gives each
of them to the compiler; `fingerprint` is a digest of all that the machine code depends
on, so that a kept one serves until something of it changes, wherever that stands.
"""

import hashlib
import types as python

import numpy as np
from numba import typeof, types
from numba.core.errors import NumbaError
from numba.core.registry import cpu_target
from numba.extending import is_jitted
from numba.np.numpy_support import as_dtype

from spinrnn.kernels.compiling import alone, joined, rounded_joined

FURTHER = 8
"""Numbers and states that a function may ask for besides those that it gets."""


def plain(function):
    """The Python function of one that may be jitted already."""
    return function.py_func if is_jitted(function) else function


def compiled(function, exactly=False, known=None):
    """A piece of an author's function, put in at its call, with all that it calls.

    exactly: whether each operation is rounded, so that its bits are the same in every
    loop.
    """
    function, known = plain(function), {} if known is None else known
    if function not in known:
        # a function that calls itself finds nothing here, and the compiler says so
        known[function] = None
        found = {
            name: compiled(value, exactly, known) or value
            for name, value in references(function).items()
            if _is_plain(value)
        }
        known[function] = (rounded_joined if exactly else joined)(_with(function, found))
    return known[function]


def uncompiled(function, known=None):
    """A copy of an author's function and of all that it calls in plain Python, which
    takes numbers of any type, as complex ones.
    """
    function, known = plain(function), {} if known is None else known
    if function not in known:
        known[function] = function
        found = {}
        for name, value in references(function).items():
            lines = getattr(value, "plain_lines", value)
            if lines is not value or isinstance(lines, python.FunctionType) or is_jitted(lines):
                found[name] = uncompiled(lines, known)
        known[function] = _with(function, found)
    return known[function]


def references(function):
    """{name: value} of the globals and the enclosing variables that a function reads,
    in the functions within it too.
    """
    names, found = set(), {}
    codes = [function.__code__]
    while codes:
        code = codes.pop()
        names.update(code.co_names)
        codes += [const for const in code.co_consts if isinstance(const, python.CodeType)]
    for name in sorted(names):
        if name in function.__globals__:
            found[name] = function.__globals__[name]
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        found[name] = cell.cell_contents
    return found


def _is_plain(value):
    """Whether it is a Python function that the compiler knows by no other form."""
    if not isinstance(value, python.FunctionType):
        return False
    try:
        return cpu_target.typing_context.resolve_value_type(value) is None
    except (NumbaError, ValueError, TypeError):
        return True


def _with(function, replaced):
    """A copy of the function with other values of some globals and enclosing variables.

    It belongs to this module: the author's need not be there where its machine code is
    taken from the cache.
    """
    names = function.__code__.co_freevars
    cells = zip(names, function.__closure__ or (), strict=True)
    closure = tuple(
        python.CellType(replaced[name]) if name in replaced else cell for name, cell in cells
    )
    made = python.FunctionType(
        function.__code__,
        {**function.__globals__, **replaced},
        function.__name__,
        function.__defaults__,
        closure or None,
    )
    made.__qualname__, made.__module__ = function.__qualname__, __name__
    return made


def fingerprint(function):
    """Digest of a function's instructions and of what they refer to, as hexadecimal
    text; None where something of it has no lasting form.
    """
    parts = []
    found = _describe(plain(function), parts, set())
    return hashlib.sha256(repr(parts).encode()).hexdigest() if found else None


def _describe(function, parts, seen):
    """Adds to parts what a function is; whether all of it could be said."""
    if function in seen:
        return True
    seen.add(function)
    _describe_code(function.__code__, parts)
    parts.append(repr(function.__defaults__))
    return all(
        _describe_value(name, value, function, parts, seen)
        for name, value in references(function).items()
    )


def _describe_code(code, parts):
    constants = [c for c in code.co_consts if not isinstance(c, python.CodeType)]
    parts.append((code.co_code, code.co_names, code.co_varnames, repr(constants)))
    for const in code.co_consts:
        if isinstance(const, python.CodeType):
            _describe_code(const, parts)


def _describe_value(name, value, function, parts, seen):
    parts.append(name)
    if is_jitted(value) or isinstance(value, python.FunctionType):
        return _describe(plain(value), parts, seen)
    if isinstance(value, python.ModuleType):
        return _describe_module(value, function, parts, seen)
    if isinstance(value, (bool, int, float, complex, str, bytes, type(None), np.generic, type)):
        parts.append(repr(value))
        return True
    if isinstance(value, tuple):
        return all(_describe_value(str(i), v, function, parts, seen) for i, v in enumerate(value))
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        parts.append((value.dtype.str, value.shape, hashlib.sha256(value.tobytes()).digest()))
        return True
    if type(value).__module__.startswith("numba."):
        # an intrinsic of ours: the seal covers the sources of all kernels
        parts.append(type(value).__name__)
        return True
    if isinstance(value, (python.BuiltinFunctionType, np.ufunc)):
        parts.append(repr(value))
        return True
    return False


def _describe_module(module, function, parts, seen):
    """A module by its name and by those of its members that the function names."""
    parts.append(module.__name__)
    if module.__name__.partition(".")[0] in ("math", "cmath", "numpy", "numba"):
        return True
    named = [name for name in function.__code__.co_names if name in vars(module)]
    return all(_describe_value(n, getattr(module, n), function, parts, seen) for n in named)


def called(function, exactly=False):
    """An author's function compiled alone, to be called from Python; exactly: as of
    `compiled`.
    """
    inner = compiled(function, exactly)

    def call(*arguments):
        return inner(*arguments)

    return alone(call)


def result_of(function, arguments):
    """What an author's function gives back in plain Python; None where it fails."""
    try:
        with np.errstate(all="ignore"):
            return uncompiled(function)(*arguments)
    # a function for the compiler need not run without it
    except Exception:
        return None


def asked_for(function, arguments_of, numbers, states):
    """(numbers, states) that an author's function asks for, where it does not run in
    plain Python with so many; None where it does, or where no other counts help.

    arguments_of: (q, s) -> all of its arguments.
    """
    counts = [(q, s) for q in range(numbers + FURTHER) for s in range(states + FURTHER)]
    near = sorted(counts, key=lambda c: abs(c[0] - numbers) + abs(c[1] - states))
    own = uncompiled(function)
    found = (c for c in near if _takes(own, arguments_of((1.0,) * c[0], (1.0,) * c[1])))
    first = next(found, None)
    return None if first == (numbers, states) else first


def _takes(function, arguments):
    """Whether a function takes its arguments apart, whatever becomes of them."""
    try:
        with np.errstate(all="ignore"):
            function(*arguments)
    except ArithmeticError:
        return True
    # a function for the compiler need not run without it
    except Exception:
        return False
    return True


def types_of(function, arguments):
    """Types of what an author's function gives back for arguments of these types, as
    nested tuples of NumPy's types.
    """
    key = fingerprint(function), tuple(map(typeof, arguments))
    if key not in _types or key[0] is None:
        call = called(function)
        call(*arguments)
        _types[key] = _plain_type(call.nopython_signatures[-1].return_type)
    return _types[key]


_types = {}
"""{(fingerprint, types of arguments): types of the result}."""


def _plain_type(kind):
    if isinstance(kind, types.BaseTuple):
        return tuple(_plain_type(item) for item in kind)
    return as_dtype(kind)
