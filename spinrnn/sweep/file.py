"""The sweep file, read to a `Sweep`: a base configuration, axes and seeds.

[sweep]
name = "intervals"
seeds = 10              # train.seed = 0 ... 9; or a list; else that of [train]
base = "base.toml"      # a configuration; the tables here overrule its own

[train]
epochs = 100

[[axes]]
key = "network.input_interval"
# or linear = {...}, or values = [...]
logarithmic = { from = 1e-9, to = 100e-9, count = 9 }

[[axes]]
name = "tau"            # the dimension's name; without it the key's last part
[axes.zip]
"neuron.relaxation_time" = [10e-9, 20e-9]
"network.highpass_time" = [100e-9, 200e-9]
"""

import dataclasses
import functools
import json
import math
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spinrnn.config import recipes, versions
from spinrnn.config.parts import is_table
from spinrnn.config.run import TABLES
from spinrnn.config.tables import suggest
from spinrnn.config.toml import place_neurons, tell_old_keys
from spinrnn.errors import ConfigError, StoreError
from spinrnn.files.atomic import read_bytes
from spinrnn.notebook import card, plural
from spinrnn.sweep.axes import (
    Axis,
    axes_problems,
    placed,
    read_axes,
    seed_axis,
    seed_problems,
)
from spinrnn.sweep.points import Point, expand, json_digest, sizes_of_data

_ALWAYS = ("network", "train", "data")
"""Tables that 0.1 knew."""
OPTIONS = ("record_test", "cumulative_drive")
"""Of [sweep], true or false: what is recorded besides."""


@dataclass(frozen=True, repr=False)
class Sweep:
    """A sweep as `load_sweep` reads it.

    Attributes:
        name: by which its folder is called.
        axes: the seeds last.
        tables: the base configuration as nested dictionaries.
        record_test: keep the test score of every epoch, never used to choose the best.
        cumulative_drive: compute it for every point.
        data: {`DataConfig.name`: digest} where that is known already, so that results
            can be read where the data are not; else None.
    """

    name: str
    axes: tuple[Axis, ...]
    tables: dict
    record_test: bool = False
    cumulative_drive: bool = False
    data: dict[str, str] | None = None

    def __repr__(self) -> str:
        axes = " x ".join(f"{axis.name} {len(axis)}" for axis in self.axes)
        return f"<Sweep {self.name} of {plural(len(self), 'point')}: {axes or 'no axis'}>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        rows: list[tuple[str, Any]] = [("points", len(self))]
        rows += [(f"{axis.name}, {len(axis)}: {key}", values) for axis in self.axes
                 for key, values in axis.values.items()]  # fmt: skip
        return card(f"Sweep {self.name}", rows)

    @property
    def shape(self) -> tuple[int, ...]:
        """Points along each axis."""
        return tuple(len(axis) for axis in self.axes)

    def __len__(self) -> int:
        return math.prod(self.shape)

    @functools.cached_property
    def points(self) -> list[Point]:
        """All points, the last axis fastest.

        Raises:
            ConfigError: points are impossible or the same.
            DataError: they do not fit their data; StoreError: data cannot be read.
        """
        record = [name for name in OPTIONS if getattr(self, name)]
        return expand(self.axes, self.tables, record, self.data)

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of the sweep: its axes and the digests of its points in order."""
        axes = [[axis.name, axis.values] for axis in self.axes]
        return json_digest([self.name, axes, [point.digest for point in self.points]])

    def to_json(self) -> dict:
        """What JSON can hold, for `from_json`."""
        options = {name: getattr(self, name) for name in OPTIONS}
        return {
            "sweep": {"name": self.name, **options},
            "axes": [{"name": axis.name, "zip": axis.values} for axis in self.axes],
            "tables": self.tables,
            "data": {point.config.data.name: point.data for point in self.points},
        }

    @classmethod
    def from_json(cls, value: dict, where: str | Path) -> "Sweep":
        """The sweep that `to_json` described; ConfigError as for a file."""
        content = {"sweep": value["sweep"], "axes": value["axes"], **value["tables"]}
        sweep = _from_tables(content, Path("/"), where)
        return dataclasses.replace(sweep, data=dict(value["data"]))


def load_sweep(path: str | Path) -> Sweep:
    """Reads a sweep file and checks it, its points and that they fit their data.

    Raises:
        ConfigError: every mistake of the file, or the impossible points.
        DataError: the data do not fit; StoreError: a file cannot be read.
    """
    sweep = read_sweep(path)
    tell_old_keys(_old_keys(sweep), path)
    return sweep


def read_sweep(path: str | Path) -> Sweep:
    """`load_sweep` of a file that spinrnn brings: its keys of 0.1 are not told."""
    sweep = _from_tables(_read(path), Path(path).absolute().parent, path)
    try:
        sizes = sizes_of_data(sweep.axes, sweep.tables)
        network = {**sweep.tables["network"], **sizes}
        sweep = dataclasses.replace(sweep, tables={**sweep.tables, "network": network})
        _ = sweep.points
    except ConfigError as error:
        raise ConfigError(error.problems, path) from None
    return sweep


def _old_keys(sweep):
    """{old key: new key} of the keys of 0.1 in the tables and on the axes."""
    keys = [key for axis in sweep.axes for key in axis.values]
    on_axes = {key: versions.OLD[key] for key in keys if key in versions.OLD}
    return versions.old_keys(sweep.tables) | on_axes


def _read(path):
    """Nested dictionaries of a TOML file."""
    try:
        return tomllib.loads(read_bytes(path).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        # ValueError: also text that is not UTF-8; RecursionError: nesting without end
        raise ConfigError([f"not valid TOML: {error}"], path) from None


def _from_tables(content, folder, where):
    """A `Sweep` of nested dictionaries, relative paths counting from the folder.

    Raises:
        ConfigError: all mistakes at once, told as those of `where`.
    """
    head = content.get("sweep", {})
    problems = _table_problems(content) + versions.twice(content)
    if isinstance(head, dict):
        problems += _head_problems(head)
    else:
        problems.append("sweep: must be a table, write [sweep] and its keys below")
        head = {}
    base, found = _base(head["base"], folder) if "base" in head else ({}, [])
    problems += found
    axes, found = read_axes(content.get("axes", []), folder)
    problems += found
    if "seeds" in head:
        found = seed_problems(head["seeds"])
        problems += found
        axes += [] if found else [seed_axis(head["seeds"])]
    problems += axes_problems(axes)
    if problems:
        raise ConfigError(problems, where)
    named = content.get(recipes.KEY, base.pop(recipes.KEY, recipes.DEFAULT))
    # a point is one network, also of a recipe for several
    own = {"train": {"ensemble": 1, **base.get("train", {})}} if named != recipes.DEFAULT else {}
    base, found = recipes.resolved({**base, **own, recipes.KEY: named})
    if found:
        raise ConfigError(found, where)
    options = {key: head.get(key, False) for key in OPTIONS}
    own = _absolute({name: content.get(name, {}) for name in TABLES}, folder)
    tables = {name: base.get(name, {}).copy() for name in TABLES}
    for name, table in own.items():
        if isinstance(table, list):
            versions.put(tables, name, table)
        else:
            for key, value in table.items():
                versions.put(tables, f"{name}.{key}", value)
    tables = {name: table for name, table in tables.items() if table or name in _ALWAYS}
    return Sweep(head["name"], tuple(axes), tables, **options)


def _table_problems(content):
    known = (*TABLES, "sweep", "axes", recipes.KEY)
    problems = [
        f"{name}: unknown table{suggest(name, known)}" for name in content if name not in known
    ]
    for table in TABLES:
        if not is_table(table, content.get(table, {})):
            problems.append(f"{table}: must be a table, write [{table}] and its keys below")
    return problems


def _head_problems(head):
    """What is wrong in [sweep], apart from its seeds and its base."""
    known = ("name", "seeds", "base", *OPTIONS)
    problems = [
        f"sweep.{key}: unknown key{suggest(key, known)}" for key in head if key not in known
    ]
    name = head.get("name")
    if name is None:
        problems.append('sweep.name: is missing; a sweep has a table [sweep] with name = "..."')
    elif not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        want = 'a text of letters, digits, ".", "_" and "-", as in name = "intervals"'
        problems.append(f"sweep.name: must be {want}, got {json.dumps(name)}")
    for key in OPTIONS:
        if not isinstance(head.get(key, False), bool):
            problems.append(f"sweep.{key}: must be true or false, got {json.dumps(head[key])}")
    return problems


def _base(source, folder):
    """Tables of the base configuration, its data beside it, and its mistakes."""
    if not isinstance(source, str) or not source:
        return {}, ["sweep.base: must be the path of a configuration file"]
    path = folder / Path(source).expanduser()
    try:
        tables = _read(path)
    except StoreError as error:
        return {}, [f"sweep.base: {error}"]
    except ConfigError as error:
        return {}, error.problems
    wrong = [
        f"sweep.base: {path} has {name}, which is no table of a configuration"
        for name, table in tables.items()
        if name != recipes.KEY and (name not in TABLES or not is_table(name, table))
    ]
    return ({}, wrong) if wrong else (_absolute(tables, path.parent), [])


def _absolute(tables, folder):
    """The tables, a relative data.source counting from the folder."""
    place_neurons(tables, folder)
    return {
        name: placed(table, folder) if name == "data" else table for name, table in tables.items()
    }
