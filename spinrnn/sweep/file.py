"""The sweep file, read to a `Sweep`: a base configuration, axes and seeds.

[sweep]
name = "intervals"
seeds = 10                               # train.seed = 0 ... 9; or a list; without it the seed of [train]
base = "base.toml"                       # a configuration; the tables [network], [train], [data] here overrule it

[train]
epochs = 100

[[axes]]
key = "network.input_interval"
logarithmic = { from = 1e-9, to = 100e-9, count = 9 }      # or linear = {...}, or values = [...]

[[axes]]
name = "tau"                             # the dimension's name; without it the key's last part
zip = { "network.relaxation_time" = [10e-9, 20e-9], "network.highpass_time" = [100e-9, 200e-9] }
"""

import dataclasses
import functools
import json
import math
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from spinrnn.config.tables import suggest
from spinrnn.errors import ConfigError, StoreError
from spinrnn.files.atomic import read_bytes
from spinrnn.sweep.axes import TABLES, _axes, _check_axes, _placed, _seeds
from spinrnn.sweep.points import expand, sha256_of


@dataclass(frozen=True)
class Sweep:
    """A sweep as `load_sweep` reads it.

    Attributes:
        name: text; axes: tuple of `Axis`, the seeds last; tables: the base configuration as nested dictionaries.
        record_test: keep the test score of every epoch (never used to choose the best one); cumulative_drive: compute it for every point.
        data: {data.source: digest} where that is known already, so that results can be read where the data are not; else None.
    """

    name: str
    axes: tuple
    tables: dict
    record_test: bool = False
    cumulative_drive: bool = False
    data: dict | None = None

    @property
    def shape(self):
        """Points along each axis."""
        return tuple(len(axis) for axis in self.axes)

    def __len__(self):
        return math.prod(self.shape)

    @functools.cached_property
    def points(self):
        """All `Point`s, the last axis fastest.

        Raises:
            ConfigError: points are impossible or the same; DataError: they do not fit their data; StoreError: data cannot be read.
        """
        return expand(self)

    @functools.cached_property
    def digest(self):
        """SHA-256 of the sweep: its axes and the digests of its points in order."""
        axes = [[axis.name, axis.values] for axis in self.axes]
        return sha256_of([self.name, axes, [point.digest for point in self.points]])

    def to_json(self):
        """What JSON can hold, for `from_json`."""
        axes = [{"name": axis.name, "zip": axis.values} for axis in self.axes]
        options = {"record_test": self.record_test, "cumulative_drive": self.cumulative_drive}
        data = {point.config.data.source: point.data for point in self.points}
        return {
            "sweep": {"name": self.name, **options},
            "axes": axes,
            "tables": self.tables,
            "data": data,
        }

    @classmethod
    def from_json(cls, value, where):
        """The sweep that `to_json` described; ConfigError as for a file."""
        sweep = _from_tables(
            {"sweep": value["sweep"], "axes": value["axes"], **value["tables"]}, Path("/"), where
        )
        return dataclasses.replace(sweep, data=dict(value["data"]))


def load_sweep(path):
    """Reads a sweep file and checks it, its points and that they fit their data.

    Returns:
        `Sweep`.
    Raises:
        ConfigError: every mistake of the file, or the impossible points; DataError: the data do not fit; StoreError: a file cannot be read.
    """
    sweep = _from_tables(_read(path), Path(path).absolute().parent, path)
    try:
        _ = sweep.points
    except ConfigError as error:
        raise ConfigError(error.problems, path) from None
    return sweep


def _read(path):
    try:
        return tomllib.loads(read_bytes(path).decode("utf-8-sig"))
    except (
        ValueError,
        RecursionError,
    ) as error:  # also of undecodable text and of nesting without end
        raise ConfigError([f"not valid TOML: {error}"], path) from None


def _from_tables(content, folder, where):
    """A `Sweep` of nested dictionaries, with all mistakes at once; relative paths count from the folder."""
    problems = [
        f"{name}: unknown table{suggest(name, [*TABLES, 'sweep', 'axes'])}"
        for name in content
        if name not in (*TABLES, "sweep", "axes")
    ]
    head = content.get("sweep", {})
    if not isinstance(head, dict):
        problems, head = [*problems, "sweep: must be a table, write [sweep] and its keys below"], {}
    known = ("name", "seeds", "base", "record_test", "cumulative_drive")
    problems += [
        f"sweep.{key}: unknown key{suggest(key, known)}" for key in head if key not in known
    ]
    name = head.get("name")
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        problems.append(
            f'sweep.name: must be a text of letters, digits, ".", "_" and "-", as in name = "intervals", got {json.dumps(name)}'
        )
    options = {key: head.get(key, False) for key in ("record_test", "cumulative_drive")}
    problems += [
        f"sweep.{key}: must be true or false, got {json.dumps(value)}"
        for key, value in options.items()
        if not isinstance(value, bool)
    ]
    tables = {}
    if "base" in head:
        try:
            tables = _base(head["base"], folder)
        except ConfigError as error:
            problems += error.problems
    for table in TABLES:
        own = content.get(table, {})
        if isinstance(own, dict):
            tables[table] = tables.get(table, {}) | _placed(
                own, folder if table == "data" else None
            )
        else:
            problems.append(f"{table}: must be a table, write [{table}] and its keys below")
    axes = _axes(content.get("axes", []), folder, problems)
    if "seeds" in head:
        axes += _seeds(head["seeds"], problems)
    _check_axes(axes, problems)
    if problems:
        raise ConfigError(problems, where)
    return Sweep(name, tuple(axes), tables, **options)


def _base(source, folder):
    """Tables of the base configuration, its data beside it."""
    if not isinstance(source, str) or not source:
        raise ConfigError(["sweep.base: must be the path of a configuration file"])
    path = folder / Path(source).expanduser()
    try:
        tables = _read(path)
    except StoreError as error:
        raise ConfigError([f"sweep.base: {error}"]) from None
    wrong = [
        name for name, table in tables.items() if name not in TABLES or not isinstance(table, dict)
    ]
    if wrong:
        raise ConfigError(
            [
                f"sweep.base: {path} has {name}, which is no table of a configuration"
                for name in wrong
            ]
        )
    return {
        name: _placed(table, path.parent if name == "data" else None)
        for name, table in tables.items()
    }
