"""Keys of 0.1 and keys of now.

In 0.1 all parameters of a neuron stood flat in the table [network], and the neuron was
a name. `from_flat` reads them as what they are now, so that files, settings, sweeps and
scripts of then go on working; `flat` gives the table of then for what it could express,
by which a point of a sweep keeps its digest.

What 0.1 allowed and did not use, as the bias of a CTRNN, has no place in the tables of
now. `NetworkConfig.earlier` remembers it.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from spinrnn.config import kinds
from spinrnn.config.neurons import entries, name_of
from spinrnn.config.parts import LISTED
from spinrnn.config.spread import Spread, spreads_of
from spinrnn.config.tables import keys_of, plain
from spinrnn.errors import ConfigError

NEURON = {
    "relaxation_time": 10e-9,
    "bias_ratio": 2.0,
    "nonlinear_damping": 0.0,
    "power_floor": 1e-6,
    "thermal_power": 0.0,
}
"""{key of [network] in 0.1 that is the neuron's now: its default then}."""
SPREAD = {
    "spread_gamma": "gamma",
    "spread_nonlinear_damping": "nonlinear_damping",
    "spread_bias": "bias",
    "spread_gain": "gain",
    "device_seed": "seed",
}
"""{key of [network] in 0.1: key of [spread] now}."""
HIGHPASS_TIME = 100e-9
"""Default of 0.1, whatever the relaxation time."""
DEFAULTS = {
    **NEURON,
    "highpass_time": HIGHPASS_TIME,
    **dict.fromkeys(SPREAD, 0.0),
    "device_seed": 0,
}
KINDS = ("oscillator", "ctrnn")
"""Neurons of 0.1."""
IDEAL = "ctrnn"
"""The one that had no filter, no spread and no noise."""
LATER = {
    "network": {
        "readout": "end",
        "readout_features": "linear",
        "recurrent": "normal",
        "spectral_radius": None,
    },
    "train": {"patience": 0, "average": 0.0, "gains": "drawn", "ensemble": 1},
    "task": {"class_weights": "none"},
    "data": {"scaling": "none"},
}
"""Keys of tables that came after 0.1, and what it did."""
CONTENT = {
    "test": None,
    "missing": "refuse",
    "frontend": "none",
    "features": None,
    "columns": None,
    "units": None,
    "targets": None,
    "rows": "points",
}
"""Keys of [data] that came after 0.1 and say how the source is read, and what it did.
What a run depends on is the content that comes of them."""
ELSEWHERE = (
    *("neuron", "spread", "trained", "trained_per", "synapse", "earlier", "follows"),
    "activation",
    *("estimator", "writer"),
)
"""Fields of `NetworkConfig` and `TrainConfig` that have tables or keys of their own, or
none.
"""
WRITER = ("beta1", "beta2", "epsilon", "weight_decay")
"""Keys of [train] in 0.1 that are the writer's now."""
TRAIN_ORDER = (
    *("epochs", "batch", "learning_rate", "schedule", *WRITER, "clip", "noise", "seed"),
    *("checkpoint_seconds", "checkpoints"),
)
"""Positional arguments of `TrainConfig` in 0.1."""
_ONLY = {"synapse": "ideal", "task": "classification", "estimator": "bptt", "writer": "adam"}
"""{role: its only kind in 0.1}."""
OLD = {f"network.{key}": f"neuron.{key}" for key in NEURON} | {
    "network.neuron": "neuron.kind",
    **{f"network.{key}": f"spread.{name}" for key, name in SPREAD.items()},
    **{f"train.{key}": f"writer.{key}" for key in WRITER},
}
"""{key of 0.1: key of now} of those that have moved."""
NEW = {new: old for old, new in OLD.items()}


# ---- tables of files, settings and axes ----


def old_keys(tables: Mapping[str, Any]) -> dict[str, str]:
    """{old key: new key} of the keys of 0.1 in tables."""
    found = {}
    for old, new in OLD.items():
        name, _, key = old.partition(".")
        table = tables.get(name)
        if isinstance(table, Mapping) and key in table:
            found[old] = new
    return found


def twice(tables: Mapping[str, Any]) -> list[str]:
    """What is given under its old and its new key, or as an old key beside several
    neurons, a sentence each.
    """
    found = []
    for old, new in old_keys(tables).items():
        table, _, key = new.partition(".")
        if isinstance(tables.get("neuron"), list):
            found.append(of_one_neuron(old))
        elif isinstance(tables.get(table), Mapping) and key in tables[table]:
            found.append(f"{old}: the same as {new}, which is given too; take {old} away")
    return found


def of_one_neuron(old: str) -> str:
    """What is wrong with a key of 0.1 in a network of several neurons."""
    new = OLD[old] if OLD[old].startswith("spread.") else "it into the [[neuron]] that have it"
    return f"{old}: a key of 0.1, when all layers had the same neurons; write {new}"


def put(tables: dict[str, Any], key: str, value: Any) -> None:
    """Puts a value at "table.key", or a whole table, in place of what stands there
    under the name of either version.

    Another kind takes away the keys that it does not have. Of [[neuron]] and
    [[synapse]] all are changed whose kind has the key; if none has, all, so that it is
    told.
    """
    table, _, name = key.partition(".")
    if not name:
        tables[table] = value
        _forget(tables, [old for old, new in OLD.items() if new.startswith(f"{table}.")])
        return
    if key in OLD or key in NEW:
        _forget(tables, [OLD.get(key) or NEW[key]])
    role, _, what = OLD.get(key, key).partition(".")
    rows = tables.get(table)
    if isinstance(rows, list) and table in LISTED:
        tables[table] = _put_in_rows(table, rows, name, value)
        return
    if what == "kind":
        _prune(role, tables.get(role), value)
    own = tables.setdefault(table, {})
    if isinstance(own, dict):
        own[name] = value


def _put_in_rows(role, rows, name, value):
    """Copies of the tables of a list, as [[neuron]], with a value."""
    rows = [dict(row) if isinstance(row, Mapping) else row for row in rows]
    tables = [row for row in rows if isinstance(row, dict)]
    having = [row for row in tables if name in _known_keys(role, row.get("kind"))]
    for row in having or tables:
        if name == "kind":
            _prune(role, row, value)
        row[name] = value
    return rows


def _known_keys(role, kind):
    """Keys of the table of a kind by its name, None for the default; () if there is no
    such kind.
    """
    names = kinds.names_of(role) if role in kinds.BUILT_IN else ()
    if not names or (kind is not None and kind not in names):
        return ()
    own = ("train", "train_per") if role == "neuron" else ()
    return ("kind", *own, *keys_of(kinds.kind_of(role, kind or names[0])))


def _forget(tables, keys):
    for key in keys:
        table, _, name = key.partition(".")
        if isinstance(tables.get(table), dict):
            tables[table].pop(name, None)


def _prune(role, table, name):
    """Takes out of a kind's table what the kind of this name does not have."""
    known = _known_keys(role, name)
    if isinstance(table, dict) and known:
        for key in [key for key in table if key not in known]:
            del table[key]


# ---- arguments of NetworkConfig ----


def from_flat(given: dict[str, Any]) -> dict[str, Any]:
    """Arguments of `NetworkConfig` of those that may be 0.1's.

    A neuron that is given by its name has the meaning of then: what its kind does not
    use is remembered, its filter has the time of then.

    Raises:
        ConfigError: a key of then beside several neurons.
    """
    named = isinstance(given.get("neuron"), str)
    old = {key: value for key, value in given.items() if key in NEURON or key in SPREAD}
    if not named and not old:
        return given
    if isinstance(given.get("neuron"), (list, tuple)):
        problems = [of_one_neuron(f"network.{key}").removeprefix("network.") for key in old]
        raise ConfigError(problems)
    made = {key: value for key, value in given.items() if key not in old}
    earlier = dict(made.get("earlier") or ())
    neurons = {key: old[key] for key in NEURON if key in old}
    kind = _change_neuron(made, neurons, earlier)
    if kind is not None:
        _change_spread(made, old, earlier, kind, named)
    made["earlier"] = tuple((earlier | old).items())
    return made


def writer_from_flat(given: dict[str, Any]) -> dict[str, Any]:
    """Arguments of `TrainConfig` of those that may be 0.1's."""
    old = {key: given[key] for key in WRITER if key in given}
    if not old:
        return given
    made = {key: value for key, value in given.items() if key not in old}
    before = made.get("writer")
    if isinstance(before, str):
        before = {"kind": before}
    if isinstance(before, kinds.Kind):
        before = before.table()
    if before is None or isinstance(before, Mapping):
        made["writer"] = {**(before or {}), **old}
    return made


def _change_neuron(made, old, earlier):
    """Puts 0.1's keys of the neuron into its table; returns the kind's class, None
    where it is not known.
    """
    before = made.get("neuron")
    named = isinstance(before, str)
    if named:
        known = {key: earlier[key] for key in NEURON if key in earlier}
        table = {"kind": str.__str__(before), **known, **old}
    elif before is None or isinstance(before, Mapping):
        table = {"kind": kinds.names_of("neuron")[0], **(before or {}), **old}
    elif isinstance(before, kinds.Kind):
        table = None
    else:
        return None
    if table is not None and table["kind"] not in kinds.names_of("neuron"):
        made["neuron"] = table
        return None
    kind = type(before) if table is None else kinds.kind_of("neuron", table["kind"])
    fields = keys_of(kind)
    if table is None:
        own = {key: value for key, value in old.items() if key in fields}
        made["neuron"] = dataclasses.replace(before, **own) if own else before
    else:
        unused = [key for key in table if key in NEURON and key not in fields]
        made["neuron"] = {key: value for key, value in table.items() if key not in unused}
    _keep_filter(made, kind, earlier, named, before, "relaxation_time" in old)
    return kind


def _keep_filter(made, kind, earlier, named, before: Any, rescaled):
    """In 0.1 the filter's time was a number of seconds, whatever the neuron's."""
    given = made.get("highpass_time")
    if kind.kind not in KINDS or not (named or rescaled):
        return
    if kind.highpass is None:
        # 0 is no filter, which 0.1 could not say
        if named and given:
            earlier["highpass_time"] = given
        made["highpass_time"] = None if named else given
    elif given is None:
        seconds = earlier.get("highpass_time", HIGHPASS_TIME)
        if isinstance(before, kinds.Kind):
            seconds = kind.highpass * vars(before)["relaxation_time"]
        neuron: Any = made["neuron"]
        table = neuron if isinstance(neuron, Mapping) else vars(neuron)
        tau = plain(table.get("relaxation_time", NEURON["relaxation_time"]))
        follows = isinstance(tau, (int, float)) and seconds == kind.highpass * tau
        made["highpass_time"] = None if follows else seconds


def _change_spread(made, old, earlier, kind, named):
    before = made.get("spread")
    table = before.table() if isinstance(before, Spread) else dict(before or {})
    if named and not table.keys() - {"seed"}:
        known = (*spreads_of(kind), "seed")
        kept = {n: earlier[key] for key, n in SPREAD.items() if key in earlier and n in known}
        table = {**kept, **{key: value for key, value in table.items() if value}}
    table |= {SPREAD[key]: old[key] for key in SPREAD if key in old}
    if kind.kind == IDEAL:
        earlier |= {key: table[name] for key, name in SPREAD.items() if name in table}
        table = {}
    made["spread"] = table


def remembered(network: Any) -> tuple[dict[str, Any], list[str]]:
    """All of 0.1's keys that have moved as `network` has them now, with what was given
    where it does not use them, and what is wrong with that. Of several neurons without
    those that are the neuron's.
    """
    known = DEFAULTS | {key: plain(v) for key, v in network.earlier if key in DEFAULTS}
    (neuron, *others), spread = entries(network.neuron).values(), network.spread
    found = {key: value for key, value in known.items() if not (others and key in NEURON)}
    found |= {key: getattr(neuron, key) for key in found if key in NEURON and hasattr(neuron, key)}
    if others or neuron.highpass is not None:
        found["highpass_time"] = network.filter_time or 0.0
    if others or neuron.kind != IDEAL or spread:
        found |= {key: spread.get(name) for key, name in SPREAD.items() if name != "seed"}
        found["device_seed"] = spread.seed
    problems = []
    for key in found:
        try:
            found[key] = type(DEFAULTS[key])(found[key])
        except (TypeError, ValueError, OverflowError):
            problems.append(f"{key}: must be a finite number, got {found[key]!r}")
    return found, problems


# ---- the table of 0.1 ----


def own_table(network: Any) -> dict[str, Any]:
    """{key: value} of a `NetworkConfig` without those of `ELSEWHERE`, and without those
    of `LATER` that are as in 0.1.
    """
    own = {key: plain(getattr(network, key)) for key in keys_of(network) if key not in ELSEWHERE}
    return without_later("network", own)


def without_later(name: str, table: Any) -> Any:
    """A table without those of `LATER` that are as in 0.1; a list as it is."""
    if name not in LATER:
        return table
    return {key: value for key, value in table.items() if LATER[name].get(key, ...) != value}


def without_roles(tables: Mapping[str, Any]) -> dict[str, dict[str, Any]] | None:
    """A run's tables without those of roles that 0.1 did not have; None where their
    kinds are others than it meant.
    """
    if "neuron" not in tables or isinstance(tables["synapse"], list):
        return None
    for role, kind in _ONLY.items():
        default = kinds.kind_of(role, kind)().table()
        if tables[role]["kind"] != kind or (role != "writer" and tables[role] != default):
            return None
    writer = {key: tables["writer"][key] for key in WRITER}
    left = {name: without_later(name, t) for name, t in tables.items() if name not in _ONLY}
    return left | {"train": {**left["train"], **writer}}


def flat(network: Any) -> dict[str, Any] | None:
    """The table [network] of 0.1; None where it could not say this."""
    if "time" not in network.abilities or isinstance(network.neuron, tuple):
        return None
    neuron, spread = network.neuron, network.spread
    ideal = neuron.kind == IDEAL
    new = (
        neuron.kind not in KINDS,
        bool(network.trained),
        any(getattr(network, key) != value for key, value in LATER["network"].items()),
        bool(spread) if ideal else not set(spread.deviations) <= set(SPREAD.values()),
        (network.filter_time is None) != ideal,
    )
    if any(new):
        return None
    return {**own_table(network), "neuron": neuron.kind, **dict(network.earlier)}


def attributes(network: Any) -> dict[str, Any]:
    """{name: value} by which files of recordings tell a network, flat as in 0.1, with
    the keys of its kind; of several neurons as KEY_l, for each layer l. The filter's
    time is the one in use, 0 for none.
    """
    found = {**own_table(network), **_earlier_of(network)}
    for layer, neuron in enumerate(entries(network.neuron).values()):
        after = f"_{layer}" if isinstance(network.neuron, tuple) else ""
        # what is not shown, as a device's weights, is in the configuration alone
        shown = [field.name for field in dataclasses.fields(neuron) if field.repr]
        own = {key: getattr(neuron, key) for key in keys_of(neuron) if key in shown}
        found |= {f"{key}{after}": value for key, value in own.items() if value is not None}
    found |= {f"spread_{name}": value for name, value in network.spread.deviations.items()}
    found["neuron"] = name_of(network)
    if network.trained:
        found["trained"] = ",".join(network.trained)
        found["trained_per"] = network.trained_per
    found["highpass_time"] = network.filter_time or 0.0
    return found


def _earlier_of(network):
    """Keys of 0.1, of the neurons that it had; of others they would not be true."""
    neuron = network.neuron
    if isinstance(neuron, tuple) or neuron.kind not in KINDS:
        return {"device_seed": network.spread.seed}
    return dict(network.earlier)
