"""Recipes: named sets of defaults, which keys that are given overrule.

A configuration names one with its key `recipe`. What comes of it is an ordinary
configuration; the name is not kept.
"""

import copy
from collections.abc import Mapping
from typing import Any

from spinrnn.config import versions
from spinrnn.config.tables import shown, suggest

KEY = "recipe"
"""Of a configuration, beside its tables."""
DEFAULT, SERIES = "digits", "series"
UNKNOWN = ""
"""In place of a recipe's name, where it is not known whether one was named."""
RECIPES: dict[str, dict[str, dict[str, Any]]] = {
    # the defaults of the classes
    DEFAULT: {},
    # chosen on measured series with 36 to 2,700 training cases, docs/results.md
    SERIES: {
        "network": {"readout": "power"},
        "train": {
            "epochs": 100,
            "batch": 8,
            "learning_rate": 1e-2,
            "average": 5.0,
            "ensemble": 3,
        },
        "data": {"scaling": "standard"},
    },
}
"""{name: {table: {key: value}}} of what differs from the defaults."""


def unknown(name: Any) -> list[str]:
    """What is wrong with the name of a recipe, [] if there is one."""
    if isinstance(name, str) and name in RECIPES:
        return []
    return [f"{KEY}: unknown recipe {shown(name)}{suggest(name, RECIPES)}"]


def resolved(tables: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """(tables with the defaults of the recipe that they name, what is wrong with the
    name).

    The keys that are given come in place of the recipe's, and another kind takes away
    the keys that it does not have.
    """
    name, own = tables.get(KEY, DEFAULT), {k: t for k, t in tables.items() if k != KEY}
    wrong = unknown(name)
    if wrong:
        return own, wrong
    if not RECIPES[name]:
        return own, []
    made = copy.deepcopy(RECIPES[name])
    for table, given in own.items():
        if not isinstance(given, Mapping):
            versions.put(made, table, given)
            continue
        # a kind first, as it says which keys there are
        for key in sorted(given, key=lambda key: key != "kind"):
            versions.put(made, f"{table}.{key}", given[key])
        made.setdefault(table, {})
    return made, []
