"""The sweep file: a base configuration, axes and seeds, and the points to which they expand, always the same and in the same order.

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
import hashlib
import itertools
import json
import math
import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spinrnn.config.run import (
    DataConfig,
    NetworkConfig,
    RunConfig,
    TrainConfig,
    automatic,
    from_tables,
    to_tables,
)
from spinrnn.config.tables import suggest
from spinrnn.datasets import loading
from spinrnn.datasets import parts as parts_
from spinrnn.errors import ConfigError, DataError, StoreError
from spinrnn.files.atomic import read_bytes
from spinrnn.networks.recurrent import Network
from spinrnn.neurons.spread import SPREADS
from spinrnn.sweep.columns import reserved

VERSION = 1
"""Part of each point's identity: a change of what a configuration means makes all points new ones."""
LARGEST_SWEEP = 100_000
"""Points; more is taken for a mistake."""
SHOWN = 5
"""Of the different reasons for which points are impossible."""

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


@dataclass(frozen=True)
class Point:
    """One run of a sweep.

    Attributes:
        position: index on each axis; values: {key: value} on the axes; config: `RunConfig`; data: digest of its data.
        digest: SHA-256 of all that its result depends on; cost: expected time in arbitrary units.
    """

    position: tuple
    values: dict
    config: RunConfig
    data: str
    digest: str
    cost: float

    @property
    def name(self):
        """By which its files are called."""
        return self.digest[:20]

    def __str__(self):
        return _place(self.values)


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
        return _expand(self)

    @functools.cached_property
    def digest(self):
        """SHA-256 of the sweep: its axes and the digests of its points in order."""
        axes = [[axis.name, axis.values] for axis in self.axes]
        return _sha256([self.name, axes, [point.digest for point in self.points]])

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


# ---- reading ----


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


def _place(values):
    return (
        ", ".join(f"{key.partition('.')[2]} = {json.dumps(value)}" for key, value in values.items())
        or "the only point"
    )


# ---- points ----


def _expand(sweep):
    """List of `Point`s."""
    made = {}  # tables and mistakes of one section: a seed changes [train] alone

    def section(name, table):
        text = json.dumps([name, table])
        if text not in made:
            try:
                made[text] = getattr(from_tables({name: table}), name), []
            except ConfigError as error:
                made[text] = None, error.problems
        return made[text]

    configs, complaints = [], {}
    axes = [
        [
            dict(zip(axis.values, row, strict=True))
            for row in zip(*axis.values.values(), strict=True)
        ]
        for axis in sweep.axes
    ]
    for choice in itertools.product(*axes):
        values = {key: value for row in choice for key, value in row.items()}
        tables = {name: dict(sweep.tables.get(name, {})) for name in TABLES}
        for key, value in values.items():
            table, _, name = key.partition(".")
            tables[table][name] = value
        parts, problems = {}, []
        for name, table in tables.items():
            parts[name], found = section(name, table)
            problems += found
        for problem in problems:
            complaints.setdefault(problem, []).append(values)
        configs.append((values, None if problems else RunConfig(**parts)))
    if complaints:
        raise ConfigError(_by_reason(complaints, len(configs)))
    data = _data_digests([config for _, config in configs]) if sweep.data is None else sweep.data
    record = [name for name in ("record_test", "cumulative_drive") if getattr(sweep, name)]
    positions, points = itertools.product(*(range(len(axis)) for axis in sweep.axes)), []
    for position, (values, config) in zip(positions, configs, strict=True):
        digest = data[config.data.source]
        points.append(
            Point(position, values, config, digest, identity(config, digest, record), _cost(config))
        )
    first = {}
    for point in points:
        other = first.setdefault(point.digest, point)
        if other is not point:
            complaints.setdefault("is the same run as another", []).append(
                point.values | {"sweep.same": str(other)}
            )
    if complaints:
        (same,) = complaints.values()
        other = same[0].pop("sweep.same")
        raise ConfigError([f"{_place(same[0])}: is the same run as {other}" + _others(len(same))])
    return points


def _others(count):
    return (
        f" (and {count - 1} more points)"
        if count > 2
        else " (and one more point)"
        if count == 2
        else ""
    )


def _by_reason(complaints, count):
    """One line for each different reason; the place only where it does not concern all points."""
    lines = [
        problem if len(where) == count else f"at {_place(where[0])}{_others(len(where))}: {problem}"
        for problem, where in complaints.items()
    ]
    return lines[:SHOWN] + (
        [f"and {len(lines) - SHOWN} more reasons"] if len(lines) > SHOWN else []
    )


def identity(config, data, record=()):
    """SHA-256 of all that the result of a run depends on, as hexadecimal text.

    Automatic values count as what they come to, the data by their content; how often checkpoints are written and how many are kept does not.

    Args:
        config: `RunConfig`; data: digest of the data; record: names of what is recorded besides.
    """
    tables = to_tables(config)
    for key, value in automatic(config).items():
        for table in tables.values():
            if key in table and table[key] is None:
                table[key] = value
    tables["network"]["amplification"] = config.network.amplifications
    tables["data"]["source"] = data
    if config.network.neuron != "oscillator" or not any(
        tables["network"][key] for key in SPREADS.values()
    ):
        tables["network"]["device_seed"] = 0  # of no effect
    for key in ("thermal_power", "device_seed", *SPREADS.values()):
        if not tables["network"][key]:
            del tables["network"][
                key
            ]  # ideal neurons are known by the name that they had before there were others
    for key in ("checkpoint_seconds", "checkpoints"):
        del tables["train"][key]
    return _sha256([VERSION, tables, sorted(record)])


def _sha256(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _cost(config):
    """Expected time of a run in arbitrary units: its multiplications and what each neuron costs besides."""
    network = config.network
    couplings = sum(
        n * (before + n) for n, before in zip(network.layers, (0, *network.layers), strict=False)
    )
    return float(
        config.train.epochs * network.resolved_substeps * (couplings + 60 * sum(network.layers))
    )


def _data_digests(configs):
    """{source: digest}, after a check that every network fits its data and its split; each different combination once."""
    data, checked = {}, set()
    for config in configs:
        source, network = config.data.source, config.network
        if source not in data:
            data[source] = loading.load_dataset(source)
        what = (
            source,
            network.inputs,
            network.outputs,
            network.readout_window,
            network.dtype,
            config.data,
        )
        if what not in checked:
            checked.add(what)
            small = dataclasses.replace(
                network, layers=(1,), amplification=1.0, density_int=1.0, density_ext=1.0
            )
            net, cases = Network(small), data[source]
            try:
                net.check_inputs(cases.inputs, cases.lengths)
                net.check_labels(cases.labels, len(cases.inputs))
                parts_.split(cases, config.data, 0)
            except DataError as error:
                raise DataError(f"{source}: {error}") from None
    return {source: cases.digest() for source, cases in data.items()}
