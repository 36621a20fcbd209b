"""Numbers of the figures about real devices: accuracy against spread and thermal noise.

Networks that were trained on such devices or with noise are compared with networks
trained without, which are then put there without further training.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from spinrnn.config.spread import Spread
from spinrnn.errors import StoreError
from spinrnn.learning.trainer import evaluate
from spinrnn.paper.curves import Condition, columns, medians
from spinrnn.paper.numbers import PAPER, FigureNumbers
from spinrnn.paper.traces import test_part


@dataclass(frozen=True)
class Disturbance:
    """What is done to the devices.

    Attributes:
        sweep: name of its sweep, and of the value's column in the table.
        keys: of the table, all of which take the value; table: spread or neuron.
        name: in words; label: of the picture's axis.
        with_it, without: names of the networks trained with and without it.
    """

    sweep: str
    table: str
    keys: tuple[str, ...]
    name: str
    label: str
    with_it: str
    without: str


SPREAD = Disturbance(
    "spread",
    "spread",
    ("gamma", "nonlinear_damping", "bias", "gain"),
    "relative standard deviation of gamma, bias and gain (Q = 0)",
    r"relative standard deviation of $\gamma$, bias and gain ($Q = 0$)",
    "trained on these devices",
    "trained on ideal devices",
)
THERMAL = Disturbance(
    "thermal",
    "neuron",
    ("thermal_power",),
    "noise power eta",
    r"noise power $\eta$",
    "trained with the noise",
    "trained without noise",
)


def spread(source: Any) -> FigureNumbers:
    """Accuracy against the spread of gamma, bias and gain, at Q = 0.

    Every seed has its own devices.
    """
    return _against(source, SPREAD)


def thermal(source: Any) -> FigureNumbers:
    """Accuracy against the power of thermal noise."""
    return _against(source, THERMAL)


def _against(source, what):
    """Networks trained with each value, and those trained without and put there."""

    def value(condition):
        return _values(what, condition.config.network)[what.keys[0]]

    trained = sorted(source.conditions(what.sweep), key=value)
    ideal = source.networks(what.sweep, lambda network: not any(_values(what, network).values()))
    if not ideal:
        raise StoreError(
            f"{what.sweep}: no network without {what.name} has been trained; run the recipe"
        )
    curves = {what.with_it: trained, what.without: [_moved(what, c, ideal) for c in trained]}
    rows, findings = [], {}
    for key, (name, found) in zip(("with", "without"), curves.items(), strict=True):
        for c in found:
            row = {"training": name, what.sweep: value(c), "runs": c.runs}
            rows.append(row | columns("accuracy_percent", 100 * c.band()))
        findings |= _findings(f"trained_{key}", name, what.name, value, found)
    drawn = {"curves": curves, "key": _name(what), "label": what.label}
    return FigureNumbers(drawn, {"": rows}, findings)


def _findings(key: str, name: str, of: str, value: Callable, found: list[Condition]) -> dict:
    accuracies = {value(c): float(middle) for c, middle in zip(found, medians(found), strict=True)}
    enough = [x for x, accuracy in accuracies.items() if accuracy >= PAPER[1]]
    return {
        f"{key}_largest": (
            max(enough, default=None),
            "1",
            f"{name}: largest {of} with the paper's {PAPER[1]} %; null: none",
        ),
        f"{key}_accuracy": (
            {f"{x:g}": round(accuracy, 2) for x, accuracy in accuracies.items()},
            "%",
            f"{name}: median accuracy by {of}",
        ),
    }


def _moved(what, condition, ideal):
    """The `Condition` of ideal networks put on the devices of another condition."""
    values = _values(what, condition.config.network)
    accuracies = [_accuracy(config, net, what, values) for config, net in ideal]
    return Condition(condition.config, {"test_accuracy": np.array(accuracies)}, {})


def _name(what):
    """The first of the keys as `attributes` names it."""
    return f"spread_{what.keys[0]}" if what.table == "spread" else what.keys[0]


def _values(what, network):
    """{key: value} of a network that is disturbed."""
    table = network.spread.table() if what.table == "spread" else network.neuron.table()
    return {key: table.get(key, 0.0) for key in what.keys}


def _accuracy(config, net, what, values):
    """Of a network on its own run's test part, with its seed's devices and noise."""
    cases, data = test_part(config)
    network = config.network
    spread, neuron = network.spread, network.neuron
    if what.table == "spread":
        spread = Spread(**values, seed=spread.seed)
    else:
        neuron = dataclasses.replace(neuron, **values)
    moved = net.replace(spread=spread, neuron=neuron)
    return evaluate(moved, data.take(cases), config.train.seed).accuracy
