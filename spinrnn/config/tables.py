"""A frozen dataclass and its table: the types of its fields are the table's schema.

`check` converts the fields to their types and asks the dataclass for its own
`problems`. It tells all problems at once, as sentences "key: what is wrong".
"""

import dataclasses
import difflib
import functools
import json
import re
import sys
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from numbers import Integral, Real
from typing import Any, Literal

from spinrnn.errors import ConfigError

LARGEST_LIST = 30
"""Known names that a message lists; a line with more would not be read."""
SHOWN = 80
"""Characters of a wrong value that a message shows."""


class Problems(list[str]):
    """What is wrong with the values of a dataclass, a sentence for each problem."""

    def __init__(self, config: Any):
        super().__init__()
        self._config = config

    def add(self, key: str, sentence: str) -> None:
        """A problem of a key in words of its own."""
        self.append(f"{key}: {sentence}")

    def require(self, ok: bool, key: str, wanted: str, got: Any = None) -> None:
        """Unless ok, the problem that the key must be what is wanted."""
        if not ok:
            value = getattr(self._config, key) if got is None else got
            self.add(key, f"must be {wanted}, got {value}")


def check(config: Any) -> None:
    """Converts the fields of a frozen dataclass in place and checks them.

    A field of the wrong type counts with its default in the checks of the others.

    Raises:
        ConfigError: all problems at once.
    """
    problems, hints = [], _hints(type(config))
    for field in dataclasses.fields(config):
        value, hint = plain(getattr(config, field.name)), hints[field.name]
        if hint is Any:
            continue
        try:
            converted = _typed(hint, value)
        except TypeError as error:
            problems.append(f"{field.name}: must be {error}, got {shown(value)}{_slip(value)}")
            converted = field.default
        object.__setattr__(config, field.name, converted)
    problems += config.problems()
    if problems:
        raise ConfigError(problems)


# a sweep of a thousand points has ten thousand tables of few classes
_known_hints = functools.lru_cache(maxsize=256)(typing.get_type_hints)


def _hints(cls: type) -> dict[str, Any]:
    """{field: type} of a dataclass; where a class refers to what is not there any more,
    as one in a function may, the types of the defaults.
    """
    try:
        return _known_hints(cls)
    except NameError:
        return {field.name: type(field.default) for field in dataclasses.fields(cls)}


# ---- types ----


class Unsaid:
    """Of the value of a key that was not given. It is the number or text that it stands
    for, and tells a copy of its dataclass that it was not given there either.
    """


class _UnsaidNumber(int, Unsaid):
    pass


class _UnsaidText(str, Unsaid):
    pass


def unsaid(value: int | str) -> Any:
    """The value as one that was not given."""
    return _UnsaidText(value) if isinstance(value, str) else _UnsaidNumber(value)


def plain(value: Any) -> Any:
    """A NumPy scalar or an array without axes as the Python number or text; so a value
    that was not given.

    Anything else is returned as it is, a masked value too: it has no number. NumPy
    itself is not imported, as reading a configuration does not need it.
    """
    if isinstance(value, Unsaid):
        return str.__str__(value) if isinstance(value, str) else int(value)  # type: ignore
    scalar = hasattr(value, "dtype") and getattr(value, "ndim", None) == 0
    if scalar and hasattr(value, "item") and not getattr(value, "mask", False):
        return value.item()
    return value


_NAMES = {
    int: "a whole number",
    float: "a finite number",
    str: "a text",
    bool: "true or false",
    tuple[int, ...]: "a list of whole numbers",
    tuple[float, ...]: "a list of numbers",
    tuple[str, ...]: "a list of texts",
}
_PLAIN: dict[Any, Callable[[Any], Any]] = {
    int: int,
    float: float,
    str: str.__str__,
    bool: bool,
}
"""From any number or text of the kind to Python's own."""


def _typed(hint: Any, value: Any) -> Any:
    """The value as the type asks for it; TypeError says what is wanted."""
    if typing.get_origin(hint) is Literal:
        return _choice(typing.get_args(hint), value)
    if typing.get_origin(hint) is types.UnionType:
        return _one_of(typing.get_args(hint), value)
    if typing.get_origin(hint) is tuple:
        return _items(hint, value)
    if hint is types.NoneType:
        fits = value is None
    elif hint is bool:
        fits = isinstance(value, bool)
    elif hint is str:
        fits = isinstance(value, str)
    elif hint is int:
        fits = _is(Integral, value) and abs(value) < 2**63
    else:
        # the comparison is false for NaN
        fits = _is(Real, value) and abs(value) <= sys.float_info.max
    if not fits:
        raise TypeError(_NAMES.get(hint, "nothing"))
    return None if value is None else _PLAIN[hint](value)


def _is(kind: type, value: Any) -> bool:
    """Whether it is a number of this kind; True and False are none."""
    return isinstance(value, kind) and not isinstance(value, bool)


def _choice(known: tuple[str, ...], value: Any) -> str:
    if isinstance(value, str) and value in known:
        return str.__str__(value)
    wanted = " or ".join(json.dumps(name) for name in known)
    close = nearest(value, known)
    if close is not None:
        wanted += f" (did you mean {json.dumps(close)}?)"
    raise TypeError(wanted)


def _one_of(hints: tuple[Any, ...], value: Any) -> Any:
    for hint in hints:
        try:
            return _typed(hint, value)
        except TypeError:
            pass
    raise TypeError(" or ".join(_NAMES[hint] for hint in hints if hint is not types.NoneType))


def _items(hint: Any, value: Any) -> tuple[Any, ...]:
    """A list of any kind as a tuple; a text or a table is none."""
    item = typing.get_args(hint)[0]
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise TypeError(_NAMES[hint])
    try:
        return tuple(_typed(item, plain(v)) for v in value)
    except TypeError:
        raise TypeError(_NAMES[hint]) from None


_NUMBER_AND_UNIT = re.compile(r"([-+]?\d+(?:\.\d*)?) ?([fpnumkMGT]?)(?:s|Hz|A|V|W|T|K|Oe)")
_EXPONENTS = {"f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12}


def _slip(value: Any) -> str:
    """What to write instead of a text that is nearly a number, as words to append."""
    text = value if isinstance(value, str) else ""
    if re.fullmatch(r"[-+]?\d+,\d+", text):
        return f"; the decimal sign is a point, as in {text.replace(',', '.')}"
    number = _NUMBER_AND_UNIT.fullmatch(text)
    if number:
        power = _EXPONENTS.get(number[2])
        plain = number[1] + (f"e{power}" if power else "")
        return f"; a number in SI units without the unit, as in {plain}"
    return ""


def shown(value: Any) -> str:
    """A wrong value in a message: as in TOML where it can be, and not long."""
    try:
        text = json.dumps(value)
    except (TypeError, ValueError):
        # ValueError: an integer of too many digits, which repr cannot write either
        text = f"a number of {value.bit_length()} bits" if type(value) is int else repr(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."


# ---- dataclasses of tables ----


def keys_of(kind: Any) -> list[str]:
    """The keys of a dataclass's table, a class or an instance."""
    return [field.name for field in dataclasses.fields(kind)]


def pairs_of(text: str | None, place: str, form: str, problems: list[str]) -> dict[str, str]:
    """{left: right} of a text left=right,left=right.

    place: key or option, and form: what it must look like, for the problems, to which
        mistakes are added.
    """
    found = {}
    for pair in (text or "").split(",") if text is not None else ():
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not (name and equals and value):
            problems.append(f"{place}: write {form}; got {pair.strip()!r}")
        elif name in found:
            problems.append(f"{place}: {name} is given twice")
        else:
            found[name] = value
    return found


def names_in(text: str, place: str, problems: list[str]) -> tuple[str, ...]:
    """The names in a text name,name; place, problems: as of `pairs_of`."""
    names = tuple(name.strip() for name in text.split(","))
    if "" in names:
        problems.append(f"{place}: write names with commas between them, as in y,z; got {text!r}")
    twice = sorted({name for name in names if name and names.count(name) > 1})
    problems += [f"{place}: {name} is given twice" for name in twice]
    return names


# ---- unknown names ----


def nearest(name: Any, known: Iterable[str]) -> str | None:
    """The known name that is spelt most like this one, or None where none is close.

    Capital letters count only between names that are the same but for them.
    """
    name, known = str(name), list(known)
    alike = [one for one in known if one.lower() == name.lower()]
    if alike:
        return next(iter(difflib.get_close_matches(name, alike, 1, 0)))
    small: dict[str, str] = {}
    for one in known:
        small.setdefault(one.lower(), one)
    close = difflib.get_close_matches(name.lower(), list(small), 1)
    return small[close[0]] if close else None


def suggest(name: Any, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the nearest known one, or all.

    A key is near as well where its table is missing or another one (inputs for
    network.inputs).
    """
    known = list(known)
    last = str(name).rpartition(".")[2]
    same = (key for key in known if key.rpartition(".")[2] == last)
    near = nearest(name, known) or next(same, None)
    if near is not None:
        return f"; did you mean {near}?"
    if not known:
        return "; there is none"
    return f"; known are {', '.join(known)}" if len(known) <= LARGEST_LIST else ""
