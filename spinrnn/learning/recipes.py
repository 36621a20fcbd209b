"""Configurations that serve the built-in tasks: a reservoir, and a network trained by
backpropagation.
"""

import copy
from typing import Any

from spinrnn.config.run import RunConfig, from_tables
from spinrnn.config.sources import SOURCES
from spinrnn.config.tables import suggest
from spinrnn.errors import ConfigError

RESERVOIR = {
    "network": {"layers": [100], "dtype": "float64", "highpass_time": 0.0},
    "estimator": {"kind": "reservoir"},
    "train": {"noise": 0.0},
}
TRAINED = {
    "network": {
        "layers": [32, 32, 32],
        "highpass_time": 0.0,
        "amplification": 4.0,
        "output_amplification": 1.0,
    },
    "train": {"noise": 0.0, "epochs": 500, "batch": 16, "learning_rate": 0.01},
}
OWN: dict[str, dict[str, dict[str, Any]]] = {"reservoir": {}, "trained": {}}
"""{recipe: {data.source: what differs from `RESERVOIR` or `TRAINED`}}."""
NAMES = tuple(name for name, source in SOURCES.items() if source.length)


def recipe(name: str, kind: str = "reservoir", neurons: int | None = None) -> dict[str, Any]:
    """Tables of a configuration for a built-in task.

    Args:
        name: of the task; kind: "reservoir" or "trained"; neurons: of a reservoir.
    Raises:
        ConfigError: there is no such task.
    """
    if name not in NAMES:
        raise ConfigError([f"there is no built-in task {name}{suggest(name, NAMES)}"])
    tables = copy.deepcopy(RESERVOIR if kind == "reservoir" else TRAINED)
    for section, table in OWN[kind].get(name, {}).items():
        tables[section] = {**tables.get(section, {}), **table}
    if neurons is not None:
        tables["network"]["layers"] = [neurons]
    return {**tables, "data": {"source": name, **tables.get("data", {})}}


def recipe_config(name: str, kind: str = "reservoir", neurons: int | None = None) -> RunConfig:
    """`recipe` as a `RunConfig`."""
    return from_tables(recipe(name, kind, neurons))
