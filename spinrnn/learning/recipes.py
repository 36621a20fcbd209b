"""Configurations that serve the built-in tasks: a reservoir, and a network trained by
backpropagation.
"""

import copy
from typing import Any

from spinrnn.config.run import RunConfig, from_tables
from spinrnn.config.sources import SOURCES
from spinrnn.config.tables import suggest
from spinrnn.errors import ConfigError

RESERVOIR: dict[str, dict[str, Any]] = {
    "network": {
        "layers": [100],
        "recurrent": "antisymmetric",
        "highpass_time": 0.0,
        "substeps": 8,
        "dtype": "float64",
    },
    "estimator": {"kind": "reservoir"},
    "train": {"noise": 0.0},
}
TRAINED: dict[str, dict[str, Any]] = {
    "network": {
        "layers": [32, 32, 32],
        "amplification": 4.0,
        "output_amplification": 1.0,
        "highpass_time": 0.0,
    },
    "train": {"noise": 0.0, "epochs": 500, "batch": 16, "learning_rate": 0.01},
}


def _tuned(amplification, spectral_radius, relaxation_time, bias_ratio, recurrent="antisymmetric"):
    """Tables of a reservoir that was found by a random search on the validation part,
    of the series with seed 0.
    """
    weights = {"amplification": amplification, "spectral_radius": spectral_radius}
    return {
        "network": {**weights, "recurrent": recurrent},
        "neuron": {"relaxation_time": relaxation_time, "bias_ratio": bias_ratio},
    }


OWN: dict[str, dict[str, dict[str, Any]]] = {
    "reservoir": {
        "narma10": _tuned(0.19, 113.0, 11.6e-9, 3.1),
        "narma2": _tuned(0.23, 4.1, 1.3e-9, 1.3),
        "mackey_glass": _tuned(0.5, 145.0, 25e-9, 3.4),
        "sine_square": _tuned(0.5, 145.0, 25e-9, 3.4),
        "memory": _tuned(0.02, 2600.0, 17e-9, 1.3),
        "parity": _tuned(5.1, 0.89, 1.1e-9, 2.5, "normal"),
        "lorenz": _tuned(0.014, 184.0, 1.0e-9, 1.3),
    },
    "trained": {
        "narma10": {"data": {"length": 30_000}, "task": {"washout": 40, "window": 140}},
    },
}
"""{recipe: {data.source: what it adds to `RESERVOIR` or `TRAINED`}}."""
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
