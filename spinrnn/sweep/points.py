"""The points of a sweep: the runs that its axes expand to, in one order everywhere.

A point's name is the start of its digest, which covers all that its result depends on.
"""

import dataclasses
import functools
import hashlib
import itertools
import json
import warnings
from dataclasses import dataclass
from typing import Any

from spinrnn.config import sources, versions
from spinrnn.config.run import (
    FOLLOWING,
    TABLES,
    RunConfig,
    automatic,
    network_class,
    parts_of,
    to_tables,
)
from spinrnn.config.tables import keys_of
from spinrnn.config.unread import idle_keys, idle_sentences, unread_keys
from spinrnn.datasets import loading
from spinrnn.datasets.parts import divide
from spinrnn.errors import ConfigError, DataError, DataNote
from spinrnn.networks.making import network_of
from spinrnn.sweep.axes import Axis, place

VERSION = 2
"""Part of each point's identity: raised where a configuration changes its meaning."""
FLAT = 1
"""Version of what 0.1 could express; it keeps its identity of then."""
SHOWN = 5
"""Of the different reasons for which points are impossible."""
NEURON_COST = 60
"""Time that a neuron's own step takes, in multiplications of couplings."""


@dataclass(frozen=True)
class Point:
    """One run of a sweep.

    Attributes:
        position: index on each axis.
        values: {configuration key: value} on the axes.
        config: of the run.
        data: digest of its data.
        digest: SHA-256 of all that its result depends on.
        cost: expected time in arbitrary units.
    """

    position: tuple[int, ...]
    values: dict
    config: RunConfig
    data: str
    digest: str
    cost: float

    @property
    def name(self) -> str:
        """By which its files are called."""
        return self.digest[:20]

    def __str__(self) -> str:
        return place(self.values)


def expand(
    axes: tuple[Axis, ...], tables: dict, record: list[str], known: dict | None = None
) -> list[Point]:
    """All points, the last axis fastest.

    Args:
        axes: of the sweep.
        tables: the base configuration as nested dictionaries.
        record: names of what is recorded besides, part of the points' identity.
        known: {`DataConfig.name`: digest}; None: the data are loaded and checked.
    Raises:
        ConfigError: points are impossible or the same.
        DataError: networks do not fit their data; StoreError: data cannot be read.
    """
    entries = itertools.product(*(axis.choices() for axis in axes))
    choices = [{key: v for entry in choice for key, v in entry.items()} for choice in entries]
    configs = _configurations(tables, choices)
    if known is None:
        _tell_unread(configs)
        known = _data_digests(configs)
    positions = itertools.product(*(range(len(axis)) for axis in axes))
    points = []
    for position, values, config in zip(positions, choices, configs, strict=True):
        data = known[config.data.name]
        digest = identity(config, data, record)
        points.append(Point(position, values, config, data, digest, cost(config)))
    _check_different(points)
    return points


def identity(config: RunConfig, data: str, record: list[str] | tuple = ()) -> str:
    """SHA-256 of all that the result of a run depends on, as hexadecimal text.

    Automatic values count as what they come to, the data by their content. How often
    checkpoints are written and how many are kept does not count.

    Args:
        config: of the run.
        data: digest of the data.
        record: names of what is recorded besides.
    """
    tables = to_tables(config)
    tables = versions.without_roles(tables) or tables
    flat = versions.flat(config.network) if "task" not in tables else None
    if flat is not None:
        tables = {"network": flat, "train": tables["train"], "data": tables["data"]}
    for key, value in automatic(config).items():
        for table in tables.values():
            if key in table and table[key] is None:
                table[key] = value
    if "amplification" in tables["network"]:
        tables["network"]["amplification"] = config.network.amplifications
    tables["data"]["source"] = data
    # which series it is, is in the digest of the data
    for key in sources.KEYS:
        del tables["data"][key]
    for key in ("checkpoint_seconds", "checkpoints"):
        del tables["train"][key]
    # the effect of these is in the data's digest
    for key in versions.CONTENT:
        del tables["data"][key]
    tables = {name: versions.without_later(name, table) for name, table in tables.items()}
    if flat is not None:
        _leave_out_ideal(tables["network"])
        return json_digest([FLAT, tables, sorted(record)])
    if "spread" in tables and not config.network.spread:
        # without effect
        del tables["spread"]
    return json_digest([VERSION, tables, sorted(record)])


def _leave_out_ideal(network):
    """Takes keys of devices out where they have no effect: ideal neurons keep the
    identity that they had in versions without these keys.
    """
    spreads = [key for key in versions.SPREAD if key != "device_seed"]
    if network["neuron"] == versions.IDEAL or not any(network[key] for key in spreads):
        network["device_seed"] = 0
    for key in ("thermal_power", "device_seed", *spreads):
        if not network[key]:
            del network[key]


def json_digest(value: object) -> str:
    """SHA-256 of a value as JSON, as hexadecimal text."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def cost(config: RunConfig) -> float:
    """Expected time of a run: its multiplications per training case and input point."""
    layers = config.network.layers
    if "time" not in config.network.abilities:
        products = sum(a * b for a, b in itertools.pairwise(config.network.sizes))
        return float(config.train.epochs * products)
    before = (0, *layers[:-1])
    couplings = sum(n * (n + m) for n, m in zip(layers, before, strict=True))
    substeps = config.train.epochs * config.network.resolved_substeps
    return float(substeps * (couplings + NEURON_COST * sum(layers)))


# ---- configurations ----


def _configurations(tables, choices):
    """`RunConfig` of each choice {key: value}; ConfigError if any is impossible."""
    configs, complaints, made = [], {}, {}
    for values in choices:
        config, problems = _parts(_changed(tables, values), made)
        for problem in problems:
            complaints.setdefault(problem, []).append(values)
        if config is not None:
            configs.append(config)
    if complaints:
        raise ConfigError(_by_reason(complaints, len(choices)))
    return configs


def _tell_unread(configs):
    """Warns of keys that were given and that no point reads: of several estimators or
    modes one is enough.
    """
    idle = [idle_keys(config.network, config.train) for config in configs]
    first = idle[0] if idle else {}
    common = {key: needs for key, needs in first.items() if all(key in own for own in idle)}
    for text in idle_sentences(common):
        warnings.warn(text, stacklevel=2)
    keys = [unread_keys(config.network, config.train) for config in configs]
    every = [key for key in keys[0] if all(key in own for own in keys)] if keys else []
    if every:
        names = " or ".join(dict.fromkeys(config.train.estimator.kind for config in configs))
        warnings.warn(f"{', '.join(every)}: not read by the estimator {names}", stacklevel=2)


def _changed(tables, values):
    """The base configuration's tables with the values of one choice."""
    changed = {name: tables.get(name, {}).copy() for name in TABLES}
    for key, value in values.items():
        versions.put(changed, key, value)
    return changed


_OF_OTHERS = ("synapse", "network")
"""Tables whose mistakes are told with the network, not with its training."""


def _parts(tables, made):
    """The `RunConfig` of tables, None where there is a mistake, and the mistakes.

    `made` keeps each different part: along the axis of the seeds [train] alone changes.
    """
    parts, problems = {}, []
    groups = {
        "network": ("network", "neuron", "spread", "activation", "synapse"),
        # which task it is may follow from the source
        "task": ("task", "data"),
        # which writer it is may follow from the synapse
        "train": ("train", "estimator", "writer", "synapse"),
        "data": ("data",),
    }
    for name, group in groups.items():
        own = {table: tables[table] for table in group if tables[table]}
        if name == "train" and "kind" in tables["network"]:
            # and which estimator, from the kind of the network
            own["network"] = {"kind": tables["network"]["kind"]}
        text = json.dumps([name, own])
        if text not in made:
            every, found = parts_of(own)
            found = [p for p in found if name != "task" or p.startswith("task")]
            found = [p for p in found if name != "train" or not p.startswith(_OF_OTHERS)]
            if name == "network" and name in every:
                # the points of a sweep say their sizes themselves
                every[name] = every[name].fitted({})
            made[text] = every.get(name), found
        parts[name], found = made[text]
        problems += found
    train = parts["train"]
    if train is not None and train.ensemble > 1:
        one = "a point is one network; train more of them with seeds, as seeds = 5 in [sweep]"
        problems.append(f"train.ensemble: {one}")
    try:
        return (None if problems else RunConfig(**parts)), problems
    except ConfigError as error:
        return None, error.problems


def _by_reason(complaints, count):
    """One line for each reason, with its place unless it concerns all points."""
    lines = []
    for problem, where in complaints.items():
        at = "" if len(where) == count else f"at {place(where[0])}{_others(len(where))}: "
        lines.append(at + problem)
    if len(lines) > SHOWN:
        return [*lines[:SHOWN], f"and {len(lines) - SHOWN} more reasons"]
    return lines


def _others(count):
    if count < 2:
        return ""
    return " (and one more point)" if count == 2 else f" (and {count - 1} more points)"


def _check_different(points):
    """ConfigError if two points are the same run."""
    first, same = {}, []
    for point in points:
        other = first.setdefault(point.digest, point)
        if other is not point:
            same.append((point, other))
    if same:
        point, other = same[0]
        raise ConfigError([f"{point}: is the same run as {other}{_others(len(same))}"])


# ---- data ----


def sizes_of_data(axes: tuple[Axis, ...], tables: dict) -> dict[str, Any]:
    """{key of [network]: value} that the data ask for, of keys that neither the base
    nor an axis gives and whose defaults do not serve. Outputs that no class uses do no
    harm, and points of 0.1 had them.

    Arguments as of `expand`. Where axes vary the data, the task or the kind of the
    network there are none.

    Raises:
        DataError, StoreError: the data cannot be read.
    """
    keys = {key for axis in axes for key in axis.values}
    given = {f"network.{key}" for key in tables.get("network", {})} | keys
    network = network_class(tables)()
    unsaid = [key for key in network.follows if f"network.{key}" not in given]
    if not unsaid or any(key.startswith(("data.", "task.", "network.kind")) for key in keys):
        return {}
    parts, problems = parts_of({name: tables[name] for name in ("task", "data") if name in tables})
    if problems:
        # which the points will tell
        return {}
    _loaded.cache_clear()
    task, data = parts["task"], parts["data"]
    cases = loading.from_one(_loaded(data.whole(), task.labelled))
    sizes = task.sizes(network.arranged(task.prepared(cases)))
    asked = {key: sizes[key] for key in unsaid if sizes.get(key, FOLLOWING[key]) != FOLLOWING[key]}
    # classes that are to be counted must have cases
    spare = "counts" not in network.abilities
    spare = spare and asked.get("outputs", FOLLOWING["outputs"]) < FOLLOWING["outputs"]
    if task.labelled and spare:
        text = f"data.source has {asked.pop('outputs')} classes, network.outputs stays 10"
        warnings.warn(f"{text} unless the sweep gives it", DataNote, stacklevel=4)
    return asked


@functools.lru_cache(maxsize=1)
def _loaded(data, labelled):
    """The data of a `DataConfig`, kept for the next question."""
    return loading.load_configured(data, labelled)


def _data_digests(configs):
    """{`DataConfig.name`: digest}, after a check that every network fits its data.

    The digest is of the labels as they are stored: whether a point counts them from 0
    follows from its network.outputs, see `loading.from_one`.
    """
    data, checked = {}, set()
    for config in configs:
        name, network = config.data.name, config.network
        if name not in data:
            data[name] = _loaded(config.data.whole(), config.task.labelled)
            # it is in `data` now
            _loaded.cache_clear()
        shape = (network.inputs, network.outputs, network.readout_window, network.dtype)
        shape = (network.kind, *shape, network.readout, config.task, config.data)
        if shape not in checked:
            checked.add(shape)
            _check_data(config, data[name])
    return {name: cases.digest() for name, cases in data.items()}


def _check_data(config, cases):
    """DataError unless the run's network can take the cases and they can be split.

    Layers of one neuron stand for the network's own, whose sizes do not matter here.
    """
    cases = loading.from_one(cases, config.network.outputs)
    cases = config.network.arranged(cases)
    small: dict[str, Any] = {}
    if "layers" in keys_of(config.network):
        small |= {"layers": (1,) * len(config.network.layers)}
    if "time" in config.network.abilities:
        small |= {"density_int": 1.0, "density_ext": 1.0}
    net = network_of(dataclasses.replace(config.network, **small))
    try:
        net.check_inputs(cases.inputs, cases.lengths)
        config.task.targets(net, config.task.prepared(cases))
        divide(cases, config)
    except DataError as error:
        raise DataError(f"{config.data.name}: {error}") from None
