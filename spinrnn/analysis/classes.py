"""How well powers tell the classes apart, over time: the share of their variance that
lies between the classes, and a linear classifier."""

from dataclasses import dataclass

import numpy as np

from spinrnn.analysis.answer import (
    MOST,
    Answer,
    Settings,
    each_layer,
    evenly,
    known,
    labels_of,
    largest,
    table_of_layers,
)
from spinrnn.analysis.readout import held_out
from spinrnn.arrays import array_of
from spinrnn.errors import DataError
from spinrnn.recordings.recording import Recording

FOLDS = 5
_ALIKE = 1e-13
"""Variance over the square of the powers that single precision makes."""


@dataclass(frozen=True, eq=False)
class ClassVariance:
    """Share of the variance over the cases that lies between the classes: 0 says
    nothing of the class, 1 all.

    Attributes:
        share: of variances summed over neurons and times.
        over_time: (time,) of variances summed over neurons, NaN where no class has two
            cases left, so that any difference would lie between classes, and where all
            cases are alike.
    """

    share: float
    over_time: np.ndarray


@dataclass(frozen=True, eq=False)
class ClassAccuracy:
    """Accuracy of a linear classifier on cases that it has not seen.

    Attributes:
        time: (k,) s; accuracy: (k,) share of right answers; low, high: (k,) its 95 %
            interval (Wilson).
        chance: share of the largest class, which always guessing it would reach.
        cases: (k,) that were left at each time.
    """

    time: np.ndarray
    accuracy: np.ndarray
    low: np.ndarray
    high: np.ndarray
    chance: float
    cases: np.ndarray


def class_variance(power: np.ndarray, labels: np.ndarray) -> ClassVariance:
    """Share of the variance of the powers that lies between the classes.

    With few cases the share is too high: of n cases in k classes without any difference
    it is about (k - 1) / (n - 1).

    Args:
        power: (case, neuron, time), a case may end in NaN; labels: (case,).
    Raises:
        DataError: fewer than two classes.
    """
    power, labels, classes = _checked(power, labels)
    present = np.all(np.isfinite(power), axis=1)  # (case, time)
    values = np.where(present[:, None, :], power, 0)
    count = present.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = values.sum(axis=0) / count
        total = (np.where(present[:, None, :], values - mean, 0) ** 2).sum(axis=0)
        between = np.zeros_like(total)
        for label in classes:
            part = labels == label
            members = present[part].sum(axis=0)
            off = values[part].sum(axis=0) / members - mean
            between += np.where(members > 0, members * off**2, 0)
        over_time = between.sum(axis=0) / total.sum(axis=0)
        # of cases that are alike the variance is rounding, and so is any share of it
        scale = count * np.abs(values).max(axis=(0, 1)) ** 2
        over_time[~(total.sum(axis=0) > _ALIKE * scale)] = np.nan
        enough = np.max([present[labels == label].sum(axis=0) for label in classes], axis=0) > 1
        over_time[~enough] = np.nan
        # each time weighs by its variance, whatever the number of cases left
        between, total = (np.where(enough, sums / count, 0).sum() for sums in (between, total))
        return ClassVariance(float(between / total), over_time)


def class_accuracy(
    time: np.ndarray, power: np.ndarray, labels: np.ndarray, most: int = 33
) -> ClassAccuracy:
    """Accuracy of a linear classifier that sees the powers at one time.

    Ridge regression to one column for each class; the largest wins.

    Args:
        time: (time,) s; power: (case, neuron, time), a case may end in NaN.
        labels: (case,); most: times that are tried, evenly chosen.
    Returns:
        `ClassAccuracy`; times at which too few cases are left are not in it.
    Raises:
        DataError: fewer than two classes, or at no time as many cases of each of two
        classes as there are folds.
    """
    time, (power, labels, classes) = array_of(time, "time"), _checked(power, labels)
    number = np.searchsorted(classes, labels)
    columns, rows = np.eye(len(classes))[number], []
    for k in evenly(len(time), min(most, len(time))):
        there = np.flatnonzero(np.isfinite(power[:, :, k]).all(axis=1))
        if np.sum(np.bincount(number[there], minlength=len(classes)) >= FOLDS) < 2:
            continue
        # neighbours in class fall into different folds
        groups = np.empty(len(there), dtype=int)
        groups[np.argsort(number[there], kind="stable")] = np.arange(len(there))
        prediction, _ = held_out(power[there, :, k], columns[there], groups, folds=FOLDS)
        right = prediction.argmax(axis=1) == number[there]
        rows.append((time[k], np.mean(right), len(there)))
    if not rows:
        raise DataError(f"a classifier needs at least {FOLDS} cases of each of two classes")
    when, accuracy, cases = np.array(rows).T
    low, high = _wilson(accuracy, cases)
    chance = np.bincount(number).max() / len(number)
    return ClassAccuracy(when, accuracy, low, high, float(chance), cases.astype(int))


def _checked(power, labels):
    """(power in float64, labels, classes); DataError for fewer than two classes."""
    power = np.asarray(array_of(power, "power", missing=True), dtype=np.float64)
    labels = array_of(labels, "labels")
    classes = np.unique(labels)
    if len(classes) < 2:
        raise DataError("at least two classes are needed")
    return power, labels, classes


def _wilson(share, count):
    """(low, high) of the 95 % interval of a share of so many."""
    z = 1.96
    middle = share + z**2 / (2 * count)
    half = z * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    low, high = ((middle + sign * half) / (1 + z**2 / count) for sign in (-1, 1))
    return low, high


# ---- the measures ----


def measure_variance(recording: Recording, settings: Settings) -> Answer:
    """Share of the variance between the classes."""
    labels = labels_of(recording)
    found = each_layer(recording, lambda power: class_variance(power, labels))
    lines = [
        f"{name}: {c.share:.4f}, largest {known(largest(c.over_time))} at a time"
        for name, c in found.items()
    ]
    classes = len(np.unique(labels))
    chance = (classes - 1) / max(1, len(labels) - 1)
    lines.append(
        f"without any difference between the {classes} classes, {len(labels)} cases would give "
        f"about {chance:.3f}"
    )
    some = evenly(len(recording.time), MOST)
    columns = [
        {"time_s": recording.time[some], "share_between_classes": c.over_time[some]}
        for c in found.values()
    ]
    layers = found.values()
    numbers = {
        "layers": (recording.layers, "1", "numbers of the layers, in the order of the lists"),
        "share": ([c.share for c in layers], "1", "share of the variance between the classes"),
        "largest_share": ([largest(c.over_time) for c in layers], "1", "the largest at one time"),
        "share_by_chance": (chance, "1", "share without any difference between the classes"),
        "classes": (classes, "1", "number of classes"),
        "cases": (len(labels), "1", "number of cases"),
    }
    rows = table_of_layers(recording.layers, columns)
    return Answer(rows, lines, numbers, (recording.time, found))


def measure_classifier(recording: Recording, settings: Settings) -> Answer:
    """Linear classifier on held-out cases."""
    labels = labels_of(recording)
    found = each_layer(recording, lambda p: class_accuracy(recording.time, p, labels))
    lines = [
        f"{name}: {100 * c.accuracy[-1]:.1f} % [{100 * c.low[-1]:.1f}, {100 * c.high[-1]:.1f}] at "
        f"{c.time[-1]:.4g} s, best {100 * c.accuracy.max():.1f} % at "
        f"{c.time[c.accuracy.argmax()]:.4g} s"
        for name, c in found.items()
    ]
    chance = next(iter(found.values())).chance
    lines.append(f"the largest class has {100 * chance:.1f} % of the cases; 95 % intervals")
    columns = [
        {
            "time_s": c.time,
            "accuracy": c.accuracy,
            "low": c.low,
            "high": c.high,
            "cases": c.cases,
        }
        for c in found.values()
    ]
    layers = found.values()
    numbers = {
        "layers": (recording.layers, "1", "numbers of the layers, in the order of the lists"),
        "accuracy": ([c.accuracy[-1] for c in layers], "1", "share of right answers at the end"),
        "accuracy_low": ([c.low[-1] for c in layers], "1", "lower end of its 95 % interval"),
        "accuracy_high": ([c.high[-1] for c in layers], "1", "upper end of its 95 % interval"),
        "time": ([c.time[-1] for c in layers], "s", "the end, the last time with enough cases"),
        "best_accuracy": ([c.accuracy.max() for c in layers], "1", "the largest of all times"),
        "best_time": ([c.time[c.accuracy.argmax()] for c in layers], "s", "its time"),
        "chance": (chance, "1", "share of the largest class"),
    }
    return Answer(table_of_layers(recording.layers, columns), lines, numbers, (found,))
