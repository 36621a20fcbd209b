"""Fields of a configuration that are configurations of their own: kinds of a role, or
other tables.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from spinrnn.config import kinds
from spinrnn.config.tables import Problems
from spinrnn.errors import ConfigError

LARGEST_NUMBER = 1e9
"""Of dimensionless quantities; products of them stay far from the limits of float32."""
LARGEST_NETWORK = 1e10
"""Weights."""
LISTED = ("neuron", "synapse")
"""Roles whose tables may be lists, one for each layer."""


def set_parts(config: Any, parts: Mapping[str, tuple[Callable, Callable]]) -> list[str]:
    """Makes the parts of a frozen dataclass of what was given for them, in place.

    parts: {field: (how it is made, what stands in for one with mistakes)}. Returns the
    mistakes, a sentence "field.key: ..." each.
    """
    problems = []
    for key, (make, stand_in) in parts.items():
        given = getattr(config, key)
        try:
            made = make(given)
        except ConfigError as error:
            problems += [f"{key}.{problem}" for problem in error.problems]
            made = stand_in(given)
        object.__setattr__(config, key, made)
    return problems


def kind_part(role: str) -> tuple[Callable, Callable]:
    """Of `set_parts`, for a field of the role's name."""
    return functools.partial(kinds.made_of, role), functools.partial(kinds.stand_in, role)


def entries(role: str, given: Any) -> dict[str, Any]:
    """{"synapse": kind} of a single one, {"synapse[0]": kind, ...} of a tuple."""
    if isinstance(given, tuple):
        return {f"{role}[{i}]": one for i, one in enumerate(given)}
    return {role: given}


def one_or_each(role: str, given: Any) -> tuple[Any, list[str]]:
    """(a kind, or a tuple of kinds; what is wrong with what was given).

    Where something is wrong a stand-in is made, for the checks of other keys: the kind
    with its defaults, the default kind where there is none of the name.
    """
    listed = isinstance(given, (list, tuple))
    if listed and not given:
        return kinds.default(role), [f"{role}: give one kind for all layers, or one for each"]
    found, problems = [], []
    for place, one in entries(role, tuple(given) if listed else given).items():
        try:
            found.append(kinds.made_of(role, one))
        except ConfigError as error:
            problems += [f"{place}.{problem}" for problem in error.problems]
            found.append(kinds.stand_in(role, one))
    return (tuple(found) if listed else found[0]), problems


def is_table(name: str, table: Any, listed: tuple[str, ...] = LISTED) -> bool:
    """Whether something can be a configuration's table of this name, of some also a
    list of tables, one for each layer.
    """
    rows = table if name in listed and isinstance(table, list) else [table]
    return all(isinstance(row, Mapping) for row in rows)


def entries_table(role: str, given: Any) -> Any:
    """The table of a kind, or of a tuple of kinds a list of tables."""
    rows = [one.table() for one in entries(role, given).values()]
    return rows if isinstance(given, tuple) else rows[0]


def settled(given: Any, count: int) -> Any:
    """A single kind for a tuple of so many kinds that are all equal."""
    same = isinstance(given, tuple) and len(given) == count
    return given[0] if same and all(one == given[0] for one in given) else given


def check_synapses(config: Any, found: Problems) -> None:
    """Adds what is wrong with the number of a network's synapses."""
    count = len(config.layers) + 1
    if isinstance(config.synapse, tuple) and len(config.synapse) != count:
        wanted = f"give one, or one for each of the {count} layers, that of the outputs last"
        found.add("synapse", f"{wanted}; got {len(config.synapse)}")


def for_each(given: Any, count: int) -> tuple[Any, ...]:
    """What was given for each of so many layers, or the same for all of them."""
    return given if isinstance(given, tuple) else (given,) * count


def check_weights(weights: float, found: Problems) -> None:
    """Adds that a network has too many weights to be meant."""
    if weights > LARGEST_NETWORK:
        many = f"{weights:.1e} weights are more than {LARGEST_NETWORK:.0e}"
        found.add("layers", f"{many}; is that meant?")
