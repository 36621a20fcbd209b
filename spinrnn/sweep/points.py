"""The points of a sweep: what runs its axes expand to, always the same and in the same order, and the identity of each.

A point's name is the digest of all that its result depends on.
"""

import dataclasses
import hashlib
import itertools
import json
from dataclasses import dataclass

from spinrnn.config.run import (
    RunConfig,
    automatic,
    from_tables,
    to_tables,
)
from spinrnn.datasets import loading
from spinrnn.datasets import parts as parts_
from spinrnn.errors import ConfigError, DataError
from spinrnn.networks.recurrent import Network
from spinrnn.neurons.spread import SPREADS
from spinrnn.sweep.axes import TABLES

VERSION = 1
"""Part of each point's identity: a change of what a configuration means makes all points new ones."""
SHOWN = 5
"""Of the different reasons for which points are impossible."""


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


# ---- reading ----


def _place(values):
    return (
        ", ".join(f"{key.partition('.')[2]} = {json.dumps(value)}" for key, value in values.items())
        or "the only point"
    )


# ---- points ----


def expand(sweep):
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
    return sha256_of([VERSION, tables, sorted(record)])


def sha256_of(value):
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
