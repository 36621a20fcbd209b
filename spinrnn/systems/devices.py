"""Devices as synapses of the recurrent network of oscillators, trained by
backpropagation through time on the digits, point after point: what none of the papers
has, each by itself.
"""

from functools import partial
from pathlib import Path
from typing import Any

from spinrnn.datasets.loading import load_digits
from spinrnn.paper.numbers import FigureNumbers
from spinrnn.systems.learning import accuracy, in_turn, mean, shuffled_digits, trained
from spinrnn.systems.trials import Trial

SYNAPSES: dict[str, dict[str, Any]] = {
    "ideal": {"kind": "ideal"},
    **{
        f"{states} states{text}": {"kind": "domain_wall", "states": states, "noise": noise}
        for states in (5, 3, 2)
        for text, noise in (("", 0.2), (", exact", 0.0))
    },
    "signs": {"kind": "sign"},
    "weak RESET": {"kind": "rram"},
    "weak RESET, alike": {
        "kind": "rram",
        **{"slope_spread": 0.0, "offset_spread": 0.0, "telegraph": 0.0, "pink": 0.0},
    },
}
"""{name: synapse}; exact: without errors of programming, alike: without differences."""
EPOCHS, SEEDS = 60, 5
TASK_EPOCHS, STRENGTHS = 40, (0.0, 5.0, 10.0, 20.0)
"""Of two tasks one after the other, with binary weights."""


def tables(synapse: dict[str, Any], epochs: int, seed: int) -> dict[str, Any]:
    """Tables of the paper's network of 3 x 32 oscillators."""
    return {
        "synapse": synapse,
        "train": {"epochs": epochs, "seed": seed},
        "data": {"split_seed": 0},
    }


def trials(quick: bool, folders: dict[str, Path]) -> list[Trial]:
    """All synapses, and two tasks with the metaplastic gate."""
    epochs, seeds = (2, 1) if quick else (EPOCHS, SEEDS)
    found = []
    for seed in range(seeds):
        for name, synapse in SYNAPSES.items():
            key = {"what": "synapse", "name": name, "seed": seed, "epochs": epochs}
            given = tables(synapse, epochs, seed)
            found.append(Trial(key, lambda g=given: _learned(g), given))
        for m in STRENGTHS[:: 3 if quick else 1]:
            own = 2 if quick else TASK_EPOCHS
            key = {"what": "tasks", "name": "signs", "m": m, "seed": seed, "epochs": own}
            given = tables({"kind": "sign"}, own, seed)
            given["writer"] = {"kind": "metaplastic", "m": m}
            found.append(Trial(key, lambda g=given: _two_tasks(g), given))
    return found


def _learned(given):
    trainer = trained(given, load_digits())
    net, events = trainer.best_network(), trainer.learner.events
    return {
        "accuracy": accuracy(net, trainer.test),
        "events": events.count,
        "energy": events.energy,
        "weights": int(net.layout.is_weight().sum()),
    }


def _two_tasks(given):
    return in_turn(given, [partial(shuffled_digits, number) for number in range(2)])


def numbers(rows: list[dict[str, Any]]) -> FigureNumbers:
    """Accuracies and events of each synapse; what is kept of the first task."""
    names = ("what", "name", "m", "seed", "epochs", "accuracy", "events", "energy")
    table = [{name: row.get(name, "") for name in names} for row in rows]
    for line, row in zip(table, rows, strict=True):
        first, second = row["after"][-1] if "after" in row else ("", "")
        line |= {"first_task": first, "second_task": second}
    found: dict[str, tuple[Any, str, str]] = {}
    for name in SYNAPSES:
        value = mean(rows, "synapse", name=name)
        if value is None:
            continue
        key = name.replace(", ", "_").replace(" ", "_").lower()
        key = f"walls_{key}" if key[0].isdigit() else key
        found[key] = value, "%", f"mean accuracy on the digits, {name}"
        events = mean(rows, "synapse", "events", name=name)
        if events:
            found[f"{key}_events"] = events, "1", f"events of programming in a training, {name}"
    for m in STRENGTHS:
        ends = [row["after"][-1] for row in rows if row["what"] == "tasks" and row["m"] == m]
        if ends:
            first, second = (sum(end[i] for end in ends) / len(ends) for i in (0, 1))
            text = f"mean accuracy of the first and the second task at the end, m = {m:g}"
            found[f"tasks_m_{m:g}"] = [first, second], "%", text
    return FigureNumbers({"rows": rows}, {"": table}, found)
