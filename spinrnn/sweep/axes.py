"""The axes of a sweep: keys of a configuration, and the values that each of them takes."""

import dataclasses
import json
import math
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spinrnn.config.run import (
    DataConfig,
    NetworkConfig,
    TrainConfig,
)
from spinrnn.config.tables import suggest
from spinrnn.sweep.columns import reserved

LARGEST_SWEEP = 100_000
"""Points; more is taken for a mistake."""


TABLES = {"network": NetworkConfig, "train": TrainConfig, "data": DataConfig}


KEYS = {
    f"{table}.{field.name}": field
    for table, cls in TABLES.items()
    for field in dataclasses.fields(cls)
}


SECONDS = (
    "network.input_interval",
    "network.relaxation_time",
    "network.highpass_time",
    "train.checkpoint_seconds",
)


def unit(key):
    """Symbol of the unit of a configuration key."""
    return "s" if key in SECONDS else "1"


@dataclass(frozen=True)
class Axis:
    """One dimension of a sweep.

    Attributes:
        name: of the dimension; values: {configuration key: tuple of values}, all of one length, which change together.
    """

    name: str
    values: dict

    def __len__(self):
        return len(next(iter(self.values.values())))


def _placed(table, folder):
    """The table, a relative data.source made absolute; names of built-in data stay."""
    source = table.get("source")
    if folder is None or not isinstance(source, str) or source in ("", "digits"):
        return dict(table)
    return {**table, "source": str(folder / Path(source).expanduser())}


def _axes(tables, folder, problems):
    axes = []
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        problems.append("axes: write [[axes]] with two brackets, one for each axis")
        return axes
    for number, table in enumerate(tables, 1):
        where = f"axis {number}" + (
            f" ({table['name']})"
            if isinstance(table.get("name"), str)
            else f" ({table['key']})"
            if "key" in table
            else ""
        )
        known = ("name", "key", "values", "linear", "logarithmic", "zip")
        found = [
            f"{where}: unknown key {key}{suggest(key, known)}" for key in table if key not in known
        ]
        kinds = [kind for kind in ("values", "linear", "logarithmic") if kind in table]
        if "zip" in table:
            if "key" in table or kinds:
                found.append(f"{where}: give either key with its values or zip")
            zipped = table["zip"]
            if not isinstance(zipped, dict) or not zipped:
                found.append(
                    f'{where}: zip must be a table of keys and lists, as in zip = {{ "network.density_int" = [0.1, 0.5] }}'
                )
                zipped = {}
        elif len(kinds) != 1 or not isinstance(table.get("key"), str):
            found.append(f"{where}: give a key and one of values, linear and logarithmic, or zip")
            zipped = {}
        else:
            zipped = {
                table["key"]: table[kinds[0]]
                if kinds[0] == "values"
                else {kinds[0]: table[kinds[0]]}
            }
        values = {}
        for key, given in zipped.items():
            if key not in KEYS:
                found.append(f"{where}: {key} is no configuration key{suggest(key, KEYS)}")
            values[key] = _values(given, f"{where}: {key}", found)
            if key == "data.source":
                values[key] = tuple(_placed({"source": v}, folder)["source"] for v in values[key])
        if len({len(v) for v in values.values()}) > 1:
            found.append(
                f"{where}: zipped lists must have one length, got "
                + ", ".join(f"{key} {len(v)}" for key, v in values.items())
            )
        elif values and not found:
            rows = [_hashable(row) for row in zip(*values.values(), strict=True)]
            found += [f"{where}: {_shown(row)} stands there twice" for row in _twice(rows)]
        if not found:
            axes.append(Axis(table.get("name", next(iter(values)).partition(".")[2]), values))
        problems += found
    return axes


def _values(given, where, problems):
    """Tuple of the values of a list or a range; adds to the problems and returns () where there are none."""
    if isinstance(given, (list, tuple)):
        if not given:
            problems.append(f"{where}: the axis is empty, give at least one value")
        return tuple(given)
    kind = next(iter(given)) if isinstance(given, dict) and len(given) == 1 else None
    limits = given[kind] if kind in ("linear", "logarithmic") else None
    if not isinstance(limits, dict) or set(limits) != {"from", "to", "count"}:
        problems.append(
            f"{where}: must be a list, or a range as in logarithmic = {{ from = 1e-9, to = 1e-7, count = 5 }}"
        )
        return ()
    first, last, count = limits["from"], limits["to"], limits["count"]
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= LARGEST_SWEEP:
        problems.append(
            f"{where}: count must be a whole number from 1 to {LARGEST_SWEEP}, got {json.dumps(count)}; an axis must not be empty"
        )
        return ()
    if not all(
        isinstance(x, (int, float)) and not isinstance(x, bool) and math.isfinite(x)
        for x in (first, last)
    ):
        problems.append(f"{where}: from and to must be numbers")
        return ()
    if kind == "logarithmic" and min(first, last) <= 0:
        problems.append(
            f"{where}: a logarithmic range needs positive numbers, got {first} to {last}"
        )
        return ()
    spaced = np.geomspace if kind == "logarithmic" else np.linspace
    # twelve digits, so that every machine finds the same values, ends as written
    values = [float(f"{x:.12g}") for x in spaced(float(first), float(last), count)]
    values[0], values[-1] = float(first), float(last) if count > 1 else float(first)
    if isinstance(first, int) and isinstance(last, int):
        return tuple(int(x) if x == int(x) else x for x in values)
    return tuple(values)


def _seeds(seeds, problems):
    if isinstance(seeds, int) and not isinstance(seeds, bool):
        seeds = list(range(min(seeds, LARGEST_SWEEP + 1)))
    if (
        not isinstance(seeds, list)
        or not seeds
        or not all(isinstance(s, int) and not isinstance(s, bool) and s >= 0 for s in seeds)
    ):
        problems.append(
            "sweep.seeds: must be a number of at least 1 or a list of whole numbers that are not negative"
        )
        return []
    problems += [f"sweep.seeds: {s} stands there twice" for s in _twice(seeds)]
    return [Axis("seed", {"train.seed": tuple(seeds)})]


def _check_axes(axes, problems):
    """Adds what is wrong between the axes: a key on two of them, names that clash in the cube, too many points."""
    keys = [key for axis in axes for key in axis.values]
    problems += [
        f"{key}: on two axes" + (", and sweep.seeds is one" if key == "train.seed" else "")
        for key in _twice(keys)
    ]
    for axis in axes:
        if not isinstance(axis.name, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", axis.name):
            problems.append(
                f"axes: the name {json.dumps(axis.name)} must be of letters, digits and _, with a letter first"
            )
        elif reserved(axis.name):
            problems.append(f"axes: the name {axis.name} belongs to a result, choose another")
    names = [axis.name for axis in axes] + [c for axis in axes for c in auxiliary(axis)]
    problems += [f"axes: the name {name} is taken twice" for name in _twice(names)]
    count = math.prod(len(axis) for axis in axes)
    if count > LARGEST_SWEEP:
        problems.append(f"axes: {count} points are more than {LARGEST_SWEEP}; is that meant?")


def auxiliary(axis):
    """Names of the coordinates of a zipped axis besides the one that the dimension has itself, {name: key}."""
    names = {key.partition(".")[2]: key for key in axis.values}
    return (
        {} if len(names) == 1 else {name: key for name, key in names.items() if name != axis.name}
    )


def _twice(items):
    """Those that occur more than once, in order."""
    return [item for item, count in Counter(items).items() if count > 1]


def _hashable(value):
    return (
        tuple(_hashable(v) for v in value)
        if isinstance(value, (list, tuple))
        else value
        if not isinstance(value, dict)
        else str(value)
    )


def _shown(row):
    return ", ".join(json.dumps(value) for value in row)
