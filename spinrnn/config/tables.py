"""A frozen dataclass and its table: types and values are checked, and all problems are told at once."""

import dataclasses
import difflib
import json
import sys
import types
import typing
from numbers import Integral, Real
from typing import Literal

from spinrnn.errors import ConfigError


def _typed(hint, value):
    """Returns value as the annotated type asks for it, or raises TypeError with what is wanted in the user's words."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        if value in arguments and isinstance(value, str):
            return value
        known = " or ".join(json.dumps(a) for a in arguments)
        close = nearest(value, arguments)
        raise TypeError(known if close is None else f"{known} (did you mean {json.dumps(close)}?)")
    if origin is types.UnionType:
        for argument in arguments:
            try:
                return _typed(argument, value)
            except TypeError:
                pass
        raise TypeError(" or ".join(_NAMES[a] for a in arguments if a is not types.NoneType))
    if origin is tuple:
        if isinstance(value, (str, bytes, dict)) or not hasattr(value, "__iter__"):
            raise TypeError(_NAMES[hint])
        try:
            return tuple(_typed(arguments[0], v) for v in value)
        except TypeError:
            raise TypeError(_NAMES[hint]) from None
    if hint is types.NoneType:
        if value is not None:
            raise TypeError("nothing")
        return None
    if hint is str:
        if isinstance(value, str):
            return value
    elif not isinstance(value, bool):
        if hint is int and isinstance(value, Integral) and abs(value) < 2**63:
            return int(value)
        if (
            hint is float and isinstance(value, Real) and abs(value) <= sys.float_info.max
        ):  # also false for NaN
            return float(value)
    raise TypeError(_NAMES[hint])


_NAMES = {
    int: "a whole number",
    float: "a finite number",
    str: "a text",
    tuple[int, ...]: "a list of whole numbers",
    tuple[float, ...]: "a list of numbers",
}


def check(config):
    """Converts and checks the fields of a frozen dataclass in place; raises ConfigError with all problems at once.

    A field of the wrong type counts with its default in the checks of the others.
    """
    problems = []
    hints = typing.get_type_hints(type(config))
    for f in dataclasses.fields(config):
        value = getattr(config, f.name)
        try:
            object.__setattr__(config, f.name, _typed(hints[f.name], value))
        except TypeError as error:
            problems.append(f"{f.name}: must be {error}, got {_shown(value)}")
            object.__setattr__(config, f.name, f.default)
    problems += config.problems()
    if problems:
        raise ConfigError(problems)


def _shown(value):
    try:
        return json.dumps(value)
    except TypeError:
        return repr(value)


def keys_of(cls):
    return [f.name for f in dataclasses.fields(cls)]


def nearest(name, known):
    """The known name that is spelt most like this one, or None where none is close."""
    return next(iter(difflib.get_close_matches(str(name), list(known), 1)), None)


def suggest(name, known):
    """The end of a message about an unknown name: the nearest of the known ones, or all.

    A key is also near where its table alone is missing or another one (network.inputs). Of
    more than 30 known names none is listed, as a line would no longer be read.
    """
    known = list(known)
    last = str(name).rpartition(".")[2]
    same = (key for key in known if key.rpartition(".")[2] == last)
    near = nearest(name, known) or next(same, None)
    if near is not None:
        return f"; did you mean {near}?"
    return f"; known are {', '.join(known)}" if len(known) <= 30 else ""
