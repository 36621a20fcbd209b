"""Keys of [train] and the table [writer] that the estimator of a run does not read,
though a value was given.

A key counts as given where its value is none that stands there by itself: not the
default, which files that spinrnn writes have too, nor that of a recipe. Values that say
what happens anyway, as no noise, are no mistake either.
"""

import dataclasses
from collections.abc import Collection
from typing import Any

from spinrnn.config import kinds, recipes
from spinrnn.config.run import RunConfig, TrainConfig, writer_for

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


def unread_keys(network: Any, train: TrainConfig) -> list[str]:
    """Keys "train.epochs" and the table "writer" that were given and are not read."""
    usual, estimator = TrainConfig(), train.estimator
    if not (estimator.at_once or estimator.local):
        return []
    given = []
    for key, same in (AT_ONCE if estimator.at_once else LOCAL).items():
        tables = [recipe.get("train", {}) for recipe in recipes.RECIPES.values()]
        silent = [getattr(usual, key), same, *(table[key] for table in tables if key in table)]
        given += [f"train.{key}"] if getattr(train, key) not in silent else []
    own = kinds.kind_of("writer", writer_for(network.synapses))()
    return given + ["writer"] * (train.writer not in (usual.writer, own))


def unread(network: Any, train: TrainConfig) -> list[str]:
    """A sentence on the keys that were given and are not read; none where all are."""
    keys, estimator = unread_keys(network, train), train.estimator
    if not keys:
        return []
    how = "learns all at once" if estimator.at_once else "is a rule of the synapses themselves"
    reads = "does not read it" if len(keys) == 1 else "reads none of these"
    return [f"{', '.join(keys)}: the estimator {estimator.kind} {how} and {reads}"]


def without_unread(config: RunConfig, kept: Collection[str] = ()) -> RunConfig:
    """The run with the defaults of the keys that were given and are not read, as where
    these were meant for another estimator.

    kept: keys "table.key" that stay all the same, as a user gave them himself.
    """
    tables = {key.partition(".")[0] for key in kept}
    keys = unread_keys(config.network, config.train)
    usual = TrainConfig()
    names = [key.rpartition(".")[2] for key in keys if key not in {*kept, *tables}]
    own = {name: getattr(usual, name) for name in names}
    return dataclasses.replace(config, train=dataclasses.replace(config.train, **own))
