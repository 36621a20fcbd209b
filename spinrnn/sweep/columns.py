"""Columns of a sweep's results: names, units and meaning of numbers and of curves.

Which scores there are is said by the tasks of its points.
"""

import operator
from collections.abc import Iterable
from typing import Any

from spinrnn.config import kinds
from spinrnn.runs.run import FINER

Columns = dict[str, tuple[str, str]]
"""{name: (unit, meaning)}."""

OF_RUN: Columns = {
    "best_epoch": ("1", "epoch with the best score of the validation part"),
    "seconds_training": ("s", "time of training and validation"),
}
"""From the summary of the run, besides scores."""

OF_DEVICES: Columns = {
    "programming_count": ("1", "devices and pulses of programming in the training"),
    "programming_energy": ("J", "energy of these"),
    "programming_refused": ("1", "of these, those that could not be done"),
}
"""The same of synapses that are devices."""

EXTRA: Columns = {
    "cumulative_drive": (
        "1",
        "mean of |integral of (I - gamma xi_0) dt| over an input interval, on the test part",
    ),
    "seconds": (
        "s",
        "time of the point, with the test and all files, in the process that finished it",
    ),
    "diverged": ("1", "1 where a state or loss became infinite or NaN, 0 where not"),
    "failed": ("1", "1 where the point failed for another reason, 0 where not"),
}
"""From the point itself."""

OF_EPOCH: Columns = {
    "gradient_norm": ("1", "mean norm of the gradient before clipping"),
    "learning_rate": ("1", "learning rate of the last step"),
    "seconds": ("s", "time of the epoch"),
}
"""From the record of an epoch, besides scores."""


def all_tasks() -> list[Any]:
    """The known kinds of tasks."""
    return [kinds.kind_of("task", name) for name in kinds.names_of("task")]


def summary_columns(tasks: Iterable[Any], devices: bool = False) -> Columns:
    """Columns from the summaries of runs of these tasks: all of their scores, and where
    there are devices what programming them has cost.
    """
    scores, found = _scores(tasks), {}
    for ending, steps in (("", ""), ("_fine", f" with {FINER} times finer substeps")):
        for name, score in scores.items():
            meaning = f"{score.meaning}: test part, best epoch{steps}"
            found[f"test_{name}{ending}"] = score.unit, meaning
    for name, score in scores.items():
        found[f"validation_{name}"] = score.unit, f"{score.meaning}: validation part, best epoch"
    return found | OF_RUN | (OF_DEVICES if devices else {})


def history_columns(tasks: Iterable[Any]) -> Columns:
    """Columns against the epoch of runs of these tasks; in the cube with "history_"
    before the name.
    """
    scores, found = _scores(tasks), {}
    for part, of in (
        ("train", "training part during the epoch"),
        ("validation", "validation part"),
        ("test", "test part"),
    ):
        for name, score in scores.items():
            found[f"{part}_{name}"] = score.unit, f"{score.meaning}: {of}"
    return found | OF_EPOCH


def _scores(tasks):
    """{name: `Score`} of all tasks, those first that choose the best epoch; of a name
    with several meanings all of these.
    """
    every = [(score.name != task.chooses, score) for task in tasks for score in task.scores]
    found = {}
    for _, score in sorted(every, key=operator.itemgetter(0)):
        known = found.setdefault(score.name, score)
        if score.meaning not in known.meaning.split(" or "):
            found[score.name] = known._replace(meaning=f"{known.meaning} or {score.meaning}")
    return found


def reserved(name: str) -> bool:
    """Whether a dimension or coordinate of the cube must not have this name."""
    taken = name in summary_columns(all_tasks(), devices=True) or name in EXTRA
    return taken or name == "epoch" or name.startswith("history_")
