"""Keys that nothing reads, though a value was given: of [train] and the table [writer]
by the estimator of a run, of any table where another key makes them idle.

A key counts as given where its value is none that stands there by itself: not the
default, which files that spinrnn writes have too, nor that of the recipe. Values that
say what happens anyway, as no noise, are no mistake either.
"""

import dataclasses
import json
from collections.abc import Collection, Mapping
from typing import Any

from spinrnn.config import kinds, recipes
from spinrnn.config.parts import entries
from spinrnn.config.run import RunConfig, TrainConfig, place_of, writer_for

AT_ONCE: dict[str, Any] = {
    "epochs": 1,
    "batch": None,
    "learning_rate": None,
    "schedule": None,
    "clip": 0.0,
    "noise": 0.0,
    "patience": 0,
    "average": 0.0,
}
"""{key of [train] that an estimator does not read which learns all at once: the value
that says what it does, or None}."""
LOCAL: dict[str, Any] = {"clip": 0.0}
"""The same of a rule that synapses follow by themselves."""


def unread_keys(network: Any, train: TrainConfig, recipe: str = recipes.UNKNOWN) -> list[str]:
    """Keys "train.epochs" and the table "writer" that were given and are not read by
    the estimator.

    recipe: as of `RunConfig`; where it is not known the values of all count.
    """
    usual, estimator = TrainConfig(), train.estimator
    if not (estimator.at_once or estimator.local):
        return []
    named = [recipe] if recipe in recipes.RECIPES else [*recipes.RECIPES]
    tables = [recipes.RECIPES[name].get("train", {}) for name in named]
    given = []
    for key, same in (AT_ONCE if estimator.at_once else LOCAL).items():
        silent = [getattr(usual, key), same, *(table[key] for table in tables if key in table)]
        given += [f"train.{key}"] if getattr(train, key) not in silent else []
    own = kinds.kind_of("writer", writer_for(network.synapses))()
    return given + ["writer"] * (train.writer not in (usual.writer, own))


def idle_keys(network: Any, train: TrainConfig) -> dict[str, str]:
    """{key that was given and is not read: under which condition it is}, as
    {"network.cycles": 'network.mode = "stochastic"'}.
    """
    tables = {"network": network, "estimator": train.estimator, "writer": train.writer}
    for part in ("neuron", "synapse", "activation"):
        if part in network.parts:
            tables |= entries(part, getattr(network, part))
    found = {}
    for name, one in tables.items():
        usual = {field.name: _default(field) for field in dataclasses.fields(one)}
        for key, needs in one.read_with.items():
            lacking = [
                f"{place_of(name, other)}{'' if value is ... else f' = {json.dumps(value)}'}"
                for other, value in needs.items()
                if not _holds(getattr(one, other), value)
            ]
            if lacking and getattr(one, key) != usual[key]:
                found[place_of(name, key)] = " and ".join(lacking)
    return found


def idle_sentences(idle: Mapping[str, str]) -> list[str]:
    """A sentence for each condition of what `idle_keys` gives."""
    keys: dict[str, list[str]] = {}
    for key, needs in idle.items():
        keys.setdefault(needs, []).append(key)
    return [f"{', '.join(own)}: read with {needs} only" for needs, own in keys.items()]


def _default(field):
    made = field.default_factory
    return field.default if made is dataclasses.MISSING else made()


def _holds(value, wanted):
    """Whether a key has the wanted value, or with ... any but none."""
    return bool(value) if wanted is ... else value == wanted


def unread(config: RunConfig) -> list[str]:
    """A sentence each on the keys that were given and are not read."""
    network, train = config.network, config.train
    keys, estimator = unread_keys(network, train, config.recipe), train.estimator
    idle = idle_sentences(idle_keys(network, train))
    if not keys:
        return idle
    how = "learns all at once" if estimator.at_once else "is a rule of the synapses themselves"
    reads = "does not read it" if len(keys) == 1 else "reads none of these"
    return [f"{', '.join(keys)}: the estimator {estimator.kind} {how} and {reads}", *idle]


def without_unread(config: RunConfig, kept: Collection[str] = ()) -> RunConfig:
    """The run with the defaults of the keys that were given and are not read, as where
    these were meant for another estimator.

    kept: keys "table.key" that stay all the same, as a user gave them himself.
    """
    tables = {key.partition(".")[0] for key in kept}
    keys = unread_keys(config.network, config.train, config.recipe)
    usual = TrainConfig()
    names = [key.rpartition(".")[2] for key in keys if key not in {*kept, *tables}]
    own = {name: getattr(usual, name) for name in names}
    return dataclasses.replace(config, train=dataclasses.replace(config.train, **own))
