"""Weak RESET of hafnium oxide (arXiv:2107.06064): pairs of cells whose resistances only
grow, and which of their imperfections costs most.
"""

from pathlib import Path
from typing import Any

import numpy as np

from spinrnn.datasets.loading import load_digits
from spinrnn.paper.numbers import FigureNumbers
from spinrnn.synapses.protocol import Request
from spinrnn.synapses.rram import RRAM
from spinrnn.systems.learning import accuracy, images, mean, trained
from spinrnn.systems.trials import Trial

NONE = {"slope_spread": 0.0, "offset_spread": 0.0, "telegraph": 0.0, "pink": 0.0}
CONDITIONS: dict[str, dict[str, float]] = {
    "mean device": NONE,
    "pink noise": {**NONE, "pink": 0.025},
    "telegraph noise": {**NONE, "telegraph": 0.5},
    "slopes differ": {**NONE, "slope_spread": 1.0},
    "offsets differ": {**NONE, "offset_spread": 1.0},
    "devices differ": {**NONE, "slope_spread": 1.0, "offset_spread": 1.0},
    "everything": {},
}
"""{name: keys of the synapse}; everything is the synapse as published."""
LAYERS, EPOCHS, SEEDS, RATE = [512], 20, 12, 100.0
"""Rate in pulses for a step of 1, halved every seventh epoch by the authors; here it
falls as half a cosine."""
MNIST: dict[str, Any] = {"layers": [512], "epochs": 5, "batch": 100}
PUBLISHED: dict[str, Any] = {"layers": [3000], "epochs": 20, "batch": 1000}
"""The published network and training on MNIST."""
PULSES = (0, 100, 500, 1000, 5000)


def tables(layers: list[int], epochs: int, seed: int, rate: float, **cells: Any) -> dict[str, Any]:
    """Tables of a binary network; cells: keys of the synapse."""
    return {
        "network": {
            "kind": "feedforward",
            "layers": layers,
            "normalisation": "batch",
            "statistics": "batch",
        },
        "activation": {"kind": "sign"},
        "synapse": {"kind": "rram", "largest": 1.0, **cells},
        # of a step of 1: rate pulses, and 8e-3 for gains and shifts
        "writer": {"kind": "pulses", "scale": rate / 0.02, "share": 0.4},
        "train": {
            "epochs": epochs,
            "batch": 100,
            "learning_rate": 0.02,
            "noise": 0.0,
            "clip": 0.0,
            "seed": seed,
        },
        "data": {"split_seed": 0, "validation_fraction": 0.05},
    }


def trials(quick: bool, folders: dict[str, Path]) -> list[Trial]:
    """Cells by themselves, digits under all conditions, and with data MNIST."""
    epochs, seeds = (2, 1) if quick else (EPOCHS, SEEDS)
    found = [Trial({"what": "cells"}, _cells)]
    for seed in range(seeds):
        for name, cells in CONDITIONS.items():
            key = {"what": "digits", "condition": name, "seed": seed, "epochs": epochs}
            given = tables(LAYERS, epochs, seed, RATE, **cells)
            found.append(Trial(key, lambda g=given: _learned(g, load_digits()), given))
        key = {"what": "refresh", "condition": "everything", "seed": seed, "epochs": epochs}
        given = tables(LAYERS, epochs, seed, RATE, refresh=1000)
        found.append(Trial(key, lambda g=given: _learned(g, load_digits()), given))
    if "mnist" in folders:
        found += _mnist_trials(quick, folders["mnist"])
    return found


def _mnist_trials(quick, folder):
    if quick:
        return _on_images("mnist", folder, {**MNIST, "epochs": 1}, 2000)
    return _on_images("mnist", folder, MNIST) + _on_images("published", folder, PUBLISHED)


def _on_images(what, folder, training, cases=None):
    """MNIST in three conditions; cases: how many of the training part, the first
    ones.
    """

    def run(cells):
        given = tables(training["layers"], training["epochs"], 0, RATE, **cells)
        given["train"]["batch"] = training["batch"]
        given["data"] = {"validation_fraction": 0.02}
        return _learned(given, images(folder, cases))

    key = {"what": what, "seed": 0, "epochs": training["epochs"]}
    return [
        Trial({**key, "condition": name}, lambda c=CONDITIONS[name]: run(c))
        for name in ("mean device", "devices differ", "everything")
    ]


def _learned(given, data):
    trainer = trained(given, data)
    net, events = trainer.best_network(), trainer.learner.events
    cells = 2 * int(net.layout.is_weight().sum())
    return {
        "accuracy": accuracy(net, trainer.test),
        "events": events.count,
        "pulses_per_cell": events.count / cells,
        "energy": events.energy,
    }


def _cells(count=100_000):
    """Resistances of many cells against the number of pulses: median and percentiles
    without noise, and the deviation of ln of the quotient in fresh pairs.
    """
    kind, rng = RRAM(telegraph=0.0, pink=0.0), np.random.default_rng(0)
    trained_numbers = np.ones((1, count))
    devices, given, rows = kind.make(trained_numbers, rng), 0, []
    first, second = devices["log_resistance"].astype(float)
    spread = float(np.std(first - second))
    for pulses in PULSES:
        change = np.full((1, count), float(pulses - given))
        kind.program(trained_numbers, devices, Request(change, asks="pulses"), rng)
        given = pulses
        resistance = np.exp(devices["log_resistance"][0].astype(float))
        rows.append(np.percentile(resistance, [50, 5, 95]).tolist())
    return {"pulses": PULSES, "percentiles": rows, "fresh_deviation": spread}


# ---- numbers ----


def _error(rows, condition):
    """Standard error over the seeds of what a condition costs, seed by seed; None of
    one seed.
    """
    by_seed = [
        {
            row["seed"]: row["accuracy"]
            for row in rows
            if row.get("condition") == name and row["what"] == "digits"
        }
        for name in ("mean device", condition)
    ]
    lost = [by_seed[0][seed] - value for seed, value in by_seed[1].items()]
    return float(np.std(lost, ddof=1) / np.sqrt(len(lost))) if len(lost) > 1 else None


def numbers(rows: list[dict[str, Any]]) -> FigureNumbers:
    """What each imperfection costs."""
    cells = next(row for row in rows if row["what"] == "cells")
    rows = [row for row in rows if row["what"] != "cells"]
    names = ("what", "condition", "seed", "epochs", "accuracy", "events", "pulses_per_cell")
    names += ("energy",)
    table = [{name: row.get(name, "") for name in names} for row in rows]
    found: dict[str, tuple[Any, str, str]] = {
        "fresh_deviation": (
            cells["fresh_deviation"],
            "1",
            "standard deviation of ln(R_BL / R_BLb) of fresh pairs",
        ),
        "median_resistance": (
            [row[0] for row in cells["percentiles"]],
            "ohm",
            f"median resistance after {', '.join(map(str, PULSES))} pulses",
        ),
    }
    for what in ("digits", "mnist", "published"):
        for name in CONDITIONS:
            value = mean(rows, what, condition=name)
            if value is not None:
                key = f"{what}_{name.replace(' ', '_')}"
                found[key] = value, "%", f"mean accuracy, {what}, {name}"
    loss = {name: mean(rows, "digits", condition=name) for name in CONDITIONS}
    for name in ("devices differ", "pink noise", "telegraph noise"):
        lost = loss["mean device"] - loss[name]
        key = f"loss_{name.replace(' ', '_')}"
        found[key] = lost, "%", f"points lost by: {name}"
        found[f"{key}_error"] = _error(rows, name), "%", f"standard error of: {name}"
    for what, text in (("digits", "without"), ("refresh", "with")):
        value = mean(rows, what, "pulses_per_cell", condition="everything")
        found[f"{what}_pulses"] = value, "1", f"mean pulses of a cell, {text} refresh"
    found["refresh_accuracy"] = mean(rows, "refresh"), "%", "mean accuracy, everything, refresh"
    return FigureNumbers({"rows": rows, "cells": cells}, {"": table}, found)
