"""A network on a built-in task beside what simple methods reach on the same parts."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spinrnn.config.run import RunConfig
from spinrnn.datasets.builtin import BUILT_INS
from spinrnn.datasets.dataset import Dataset
from spinrnn.datasets.loading import load_configured
from spinrnn.datasets.parts import divide
from spinrnn.errors import DataError
from spinrnn.findings import findings
from spinrnn.learning.baselines import baselines
from spinrnn.learning.trainer import evaluate
from spinrnn.networks.base import BaseNetwork
from spinrnn.runs.run import train
from spinrnn.tasks.capacity import capacities
from spinrnn.tasks.protocol import Evaluation

CAPACITIES = ("memory", "parity")
"""Tasks whose outputs are judged one by one."""


@dataclass
class Side:
    """A method and what it has reached on the test part.

    Attributes:
        name: "last value", "delays", "ESN", or the network's.
        features: numbers that its readout acts on.
        evaluation: its scores; capacities: (K,) of each output, or None.
        chosen: {parameter: value} that the validation part has chosen.
    """

    name: str
    features: int
    evaluation: Evaluation
    capacities: np.ndarray | None
    chosen: dict[str, Any]

    @property
    def key(self) -> str:
        """Its name in keys of findings."""
        return self.name.lower().replace(" ", "_")


@dataclass
class Comparison:
    """What methods have reached on one task.

    Attributes:
        config: of the network's run; sides: the simple methods, the network last.
        neurons: of the echo state network, and of the network.
        points: of the three parts; chance: a capacity that chance alone gives.
    """

    config: RunConfig
    sides: list[Side]
    neurons: int
    points: tuple[int, int, int]

    @property
    def chance(self) -> float:
        return 1 / self.points[2]

    @property
    def bound(self) -> int:
        """What no sum of capacities is above: the numbers that a readout acts on."""
        squares = self.config.network.readout_features == "quadratic"
        return self.neurons * (2 if squares else 1)

    def findings(self) -> dict[str, dict[str, Any]]:
        """The numbers for machines."""
        entries: dict[str, tuple[Any, str, str]] = {
            "neurons": (self.neurons, "1", "neurons of the echo state network and of the network"),
        }
        for side in self.sides:
            for score in self.config.task.scores:
                value = side.evaluation.scores[score.name]
                meaning = f"{score.meaning}, {side.name}"
                entries[f"{side.key}_{score.name}"] = value, score.unit, meaning
            if side.capacities is not None:
                total, each = float(side.capacities.sum()), side.capacities
                meaning = f"sum of the squared correlations of all outputs, {side.name}"
                entries[f"{side.key}_capacity"] = total, "1", meaning
                meaning = f"squared correlation of each output, {side.name}"
                entries[f"{side.key}_capacities"] = each, "1", meaning
        if self.sides[-1].capacities is not None:
            bound = "no network of so many neurons, read so, has a larger sum"
            entries["capacity_bound"] = self.bound, "1", bound
            entries["capacity_chance"] = self.chance, "1", "squared correlation by chance alone"
        return findings(entries)


def compare(
    config: RunConfig,
    network: BaseNetwork | None = None,
    seed: int = 0,
    data: Dataset | None = None,
) -> Comparison:
    """Compares a network with simple methods on a built-in task.

    Args:
        config: of a run on a built-in task.
        network: that was trained with it; None: it is trained now, in memory.
        seed: of the echo state network.
        data: the series, None where it is to be made.
    Raises:
        DataError: config.data.source is no built-in task.
    """
    name = config.data.source
    if name not in BUILT_INS:
        names = ", ".join(BUILT_INS)
        raise DataError(f"data.source: must be one of the built-in tasks {names}; got {name}")
    data = load_configured(config.data) if data is None else data
    net: Any = train(config, data=data).network if network is None else network
    neurons, parts = sum(net.config.layers), divide(data, config)
    simple = baselines(config, data, neurons, seed)
    judged = name in CAPACITIES
    sides = [
        Side(
            one.name,
            one.features,
            one.evaluation,
            _capacities(one.outputs, one.targets) if judged else None,
            one.chosen,
        )
        for one in simple
    ]
    outputs = net.forward(parts[2].inputs) if judged else None
    own = evaluate(net, parts[2], task=config.task)
    capacity = _capacities(outputs, simple[0].targets) if judged else None
    sides.append(Side("network", net.config.features, own, capacity, {}))
    return Comparison(config, sides, neurons, tuple(_counted(part) for part in parts))


def _capacities(outputs, targets):
    return capacities(outputs, targets.values)


def _counted(part):
    """Points of a part that have a target."""
    if part.targets is None:
        return int((part.labels >= 0).sum())
    return int(np.isfinite(part.targets).any(axis=1).sum())
