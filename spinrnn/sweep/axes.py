"""The axes of a sweep: keys of a configuration that change together, and their values.

An axis in a sweep file is a key with a list or a range of values, or a table "zip" of
several keys with lists of one length. Functions that end in `_problems` say what is
wrong with it, as lists of lines; the others take what these have found right.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spinrnn.config.run import known_keys
from spinrnn.config.sources import is_built_in
from spinrnn.config.tables import suggest
from spinrnn.config.toml import NEURON_FILE, PATHS
from spinrnn.sweep.columns import reserved

LARGEST_SWEEP = 100_000
"""Points; more is taken for a mistake."""

WHOLE = ("neuron", "spread")
"""Tables that may be a value of an axis as a whole."""
RANGES = ("linear", "logarithmic")


@dataclass(frozen=True)
class Axis:
    """One dimension of a sweep.

    Attributes:
        name: of the dimension.
        values: {configuration key: values}, all of one length, which change together.
    """

    name: str
    values: dict[str, tuple]

    def __len__(self) -> int:
        return len(next(iter(self.values.values())))

    def choices(self) -> list[dict]:
        """{key: value} of each entry."""
        return [
            dict(zip(self.values, row, strict=True))
            for row in zip(*self.values.values(), strict=True)
        ]


def unit(key: str) -> str:
    """Symbol of the unit of a configuration key."""
    return known_keys().get(key, "1")


def auxiliary(axis: Axis) -> dict[str, str]:
    """{name: key} of a zipped axis's coordinates besides the dimension itself."""
    names = {short(key): key for key in axis.values}
    if len(names) == 1:
        return {}
    return {name: key for name, key in names.items() if name != axis.name}


def short(key: str) -> str:
    """A configuration key without its table; a table by its own name."""
    return key.partition(".")[2] or key


def place(values: dict) -> str:
    """{key: value} in words, as in "substeps = 4, seed = 0"."""
    pairs = [f"{short(key)} = {json.dumps(value)}" for key, value in values.items()]
    return ", ".join(pairs) or "the only point"


def placed(table: dict, folder: Path | None) -> dict:
    """The table [data] with relative paths made absolute; names of built-in data
    stay.
    """
    made = dict(table)
    for key in PATHS:
        path = table.get(key)
        if folder is not None and isinstance(path, str) and path and not is_built_in(path):
            made[key] = str(folder / Path(path).expanduser())
    return made


# ---- one axis ----


def read_axes(tables: object, folder: Path) -> tuple[list[Axis], list[str]]:
    """The axes of [[axes]] tables that are right, and what is wrong with the others.

    Args:
        tables: list of dictionaries, as TOML gives them.
        folder: from which relative paths of data count.
    """
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        return [], ["axes: write [[axes]] with two brackets, one for each axis"]
    axes, problems = [], []
    for number, table in enumerate(tables, 1):
        found = _axis_problems(table, _where(number, table))
        problems += found
        if not found:
            axes.append(_axis(table, folder))
    return axes, problems


def _where(number, table):
    """How messages name an axis: by its number, and its name or key."""
    name = table["name"] if isinstance(table.get("name"), str) else table.get("key")
    return f"axis {number}" if name is None else f"axis {number} ({name})"


def _axis(table, folder):
    values = {key: _values(given) for key, given in _given(table).items()}
    for key in PATHS:
        if f"data.{key}" in values:
            paths = [placed({key: value}, folder)[key] for value in values[f"data.{key}"]]
            values[f"data.{key}"] = tuple(paths)
    if f"neuron.{NEURON_FILE}" in values:
        files = values[f"neuron.{NEURON_FILE}"]
        made = [placed({"source": value}, folder)["source"] for value in files]
        values[f"neuron.{NEURON_FILE}"] = tuple(made)
    return Axis(table.get("name", short(next(iter(values)))), values)


def _given(table):
    """{key: list or range} of an axis; {} where its form is wrong."""
    forms = [form for form in ("values", *RANGES) if form in table]
    if "zip" in table:
        return table["zip"] if isinstance(table["zip"], dict) else {}
    if len(forms) != 1 or not isinstance(table.get("key"), str):
        return {}
    (form,) = forms
    return {table["key"]: table[form] if form == "values" else {form: table[form]}}


def _axis_problems(table, where):
    given = _given(table)
    problems, known = _form_problems(table, given, where), (*known_keys(), *WHOLE)
    for key, value in given.items():
        if key not in known:
            problems.append(f"{where}: {key} is no configuration key{suggest(key, known)}")
        problems += _value_problems(value, f"{where}: {key}")
    if not problems:
        values = {key: _values(value) for key, value in given.items()}
        problems = _row_problems(values, where)
    return problems


def _form_problems(table, given, where):
    known = ("name", "key", "values", *RANGES, "zip")
    problems = [
        f"{where}: unknown key {key}{suggest(key, known)}" for key in table if key not in known
    ]
    if "zip" not in table:
        if not given:
            want = "give a key and one of values, linear and logarithmic, or zip"
            problems.append(f"{where}: {want}")
        return problems
    if any(key in table for key in ("key", "values", *RANGES)):
        problems.append(f"{where}: give either key with its values or zip")
    if not given:
        want = "zip must be a table of keys and lists"
        example = 'zip = { "network.density_int" = [0.1, 0.5] }'
        problems.append(f"{where}: {want}, as in {example}")
    return problems


def _row_problems(values, where):
    """Lists of different lengths, or an entry that occurs twice."""
    if len({len(v) for v in values.values()}) > 1:
        lengths = ", ".join(f"{key} {len(v)}" for key, v in values.items())
        return [f"{where}: zipped lists must have one length, got {lengths}"]
    rows = [_hashable(row) for row in zip(*values.values(), strict=True)]
    return [f"{where}: {_shown(row)} stands there twice" for row in _twice(rows)]


# ---- the values of one key ----


def _value_problems(given, where):
    if isinstance(given, (list, tuple)):
        return [] if given else [f"{where}: the axis is empty, give at least one value"]
    form = next(iter(given)) if isinstance(given, dict) and len(given) == 1 else None
    limits = given[form] if form in RANGES else None
    if not isinstance(limits, dict) or set(limits) != {"from", "to", "count"}:
        example = "logarithmic = { from = 1e-9, to = 1e-7, count = 5 }"
        return [f"{where}: must be a list, or a range as in {example}"]
    first, last, count = limits["from"], limits["to"], limits["count"]
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= LARGEST_SWEEP:
        want = f"count must be a whole number from 1 to {LARGEST_SWEEP}"
        return [f"{where}: {want}, got {json.dumps(count)}; an axis must not be empty"]
    if not (_is_number(first) and _is_number(last)):
        return [f"{where}: from and to must be numbers"]
    if form == "logarithmic" and min(first, last) <= 0:
        want = "a logarithmic range needs positive numbers"
        return [f"{where}: {want}, got {first} to {last}"]
    return []


def _is_number(x):
    return isinstance(x, (int, float)) and not isinstance(x, bool) and math.isfinite(x)


def _values(given):
    """Tuple of the values of a list or a range without problems."""
    if isinstance(given, (list, tuple)):
        return tuple(given)
    ((form, limits),) = given.items()
    first, last, count = limits["from"], limits["to"], limits["count"]
    spaced = np.geomspace if form == "logarithmic" else np.linspace
    # twelve digits, so that every machine finds the same values; the ends as written
    values = [float(f"{x:.12g}") for x in spaced(float(first), float(last), count)]
    values[0] = float(first)
    if count > 1:
        values[-1] = float(last)
    if isinstance(first, int) and isinstance(last, int):
        return tuple(int(x) if x == int(x) else x for x in values)
    return tuple(values)


# ---- the seeds ----


def seed_problems(seeds: object) -> list[str]:
    """What is wrong with `sweep.seeds`."""
    if _is_whole(seeds, 1):
        return []
    if not isinstance(seeds, list) or not seeds or not all(_is_whole(s, 0) for s in seeds):
        want = "a number of at least 1 or a list of whole numbers that are not negative"
        return [f"sweep.seeds: must be {want}"]
    return [f"sweep.seeds: {s} stands there twice" for s in _twice(seeds)]


def seed_axis(seeds: int | list[int]) -> Axis:
    """The axis of so many seeds from 0, or of these."""
    if isinstance(seeds, list):
        return Axis("seed", {"train.seed": tuple(seeds)})
    # no more than is needed to tell that there are too many points
    return Axis("seed", {"train.seed": tuple(range(min(seeds, LARGEST_SWEEP + 1)))})


def _is_whole(value, least):
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


# ---- all axes together ----


def axes_problems(axes: list[Axis]) -> list[str]:
    """What is wrong between the axes: a key on two, equal names, too many points."""
    problems = []
    for key in _twice(key for axis in axes for key in axis.values):
        also = ", and sweep.seeds is one" if key == "train.seed" else ""
        problems.append(f"{key}: on two axes{also}")
    for axis in axes:
        if not isinstance(axis.name, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", axis.name):
            want = "must be of letters, digits and _, with a letter first"
            problems.append(f"axes: the name {json.dumps(axis.name)} {want}")
        elif reserved(axis.name):
            problems.append(f"axes: the name {axis.name} belongs to a result, choose another")
    names = [axis.name for axis in axes] + [name for axis in axes for name in auxiliary(axis)]
    problems += [f"axes: the name {name} is taken twice" for name in _twice(names)]
    count = math.prod(len(axis) for axis in axes)
    if count > LARGEST_SWEEP:
        problems.append(f"axes: {count} points are more than {LARGEST_SWEEP}; is that meant?")
    return problems


def _twice(items: Iterable) -> list:
    """Those that occur more than once, in order."""
    return [item for item, count in Counter(items).items() if count > 1]


def _hashable(value):
    if isinstance(value, (list, tuple)):
        return tuple(_hashable(v) for v in value)
    return json.dumps(value, sort_keys=True) if isinstance(value, dict) else value


def _shown(row):
    return ", ".join(json.dumps(value) for value in row)
