"""How well powers tell the classes apart, over time: the share of their variance that lies between the classes, and a linear classifier."""

from dataclasses import dataclass

import numpy as np

from spinrnn.analysis.readout import held_out
from spinrnn.errors import DataError

FOLDS = 5


@dataclass(frozen=True, eq=False)
class ClassVariance:
    """Share of the variance over the cases that lies between the classes: 0 says nothing of the class, 1 all.

    Attributes:
        share: of variances summed over neurons and times; over_time: (time,) of variances summed over neurons, NaN where no class has two cases left,
            so that any difference would lie between classes.
    """

    share: float
    over_time: np.ndarray


@dataclass(frozen=True, eq=False)
class ClassAccuracy:
    """Accuracy of a linear classifier on cases that it has not seen.

    Attributes:
        time: (k,) s; accuracy: (k,) share of right answers; low, high: (k,) its 95 % interval (Wilson).
        chance: share of the largest class, which always guessing it would reach; cases: (k,) that were left at each time.
    """

    time: np.ndarray
    accuracy: np.ndarray
    low: np.ndarray
    high: np.ndarray
    chance: float
    cases: np.ndarray


def class_variance(power, labels):
    """Share of the variance of the powers that lies between the classes.

    With few cases the share is too high: of n cases in k classes without any difference it is about (k - 1) / (n - 1).

    Args:
        power: (case, neuron, time), a case may end in NaN; labels: (case,).
    Returns:
        `ClassVariance`.
    Raises:
        DataError: fewer than two classes.
    """
    power, labels = np.asarray(power, dtype=np.float64), np.asarray(labels)
    classes = np.unique(labels)
    if len(classes) < 2:
        raise DataError("at least two classes are needed")
    present = np.isfinite(power).all(axis=1)  # (case, time)
    values = np.where(present[:, None, :], power, 0)
    count = present.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = values.sum(axis=0) / count
        total = (np.where(present[:, None, :], values - mean, 0) ** 2).sum(axis=0)
        between = np.zeros_like(total)
        for label in classes:
            part = labels == label
            members = present[part].sum(axis=0)
            between += np.where(
                members > 0, members * (values[part].sum(axis=0) / members - mean) ** 2, 0
            )
        over_time = between.sum(axis=0) / total.sum(axis=0)
        enough = np.max([present[labels == label].sum(axis=0) for label in classes], axis=0) > 1
        over_time[~enough] = np.nan
        # each time weighs by its variance, whatever the number of cases left
        between, total = (np.where(enough, sums / count, 0).sum() for sums in (between, total))
        return ClassVariance(float(between / total), over_time)


def class_accuracy(time, power, labels, most=33):
    """Accuracy of a linear classifier (ridge regression to one column for each class, the largest wins) that sees the powers at one time.

    Args:
        time: (time,) s; power: (case, neuron, time), a case may end in NaN; labels: (case,); most: times that are tried, evenly chosen.
    Returns:
        `ClassAccuracy`; times at which too few cases are left are not in it.
    Raises:
        DataError: fewer than two classes, or at no time as many cases of each of two classes as there are folds.
    """
    power, labels = np.asarray(power, dtype=np.float64), np.asarray(labels)
    classes, number = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise DataError("at least two classes are needed")
    columns = np.eye(len(classes))[number]
    rows = []
    for k in np.unique(np.linspace(0, len(time) - 1, min(most, len(time))).round().astype(int)):
        there = np.flatnonzero(np.isfinite(power[:, :, k]).all(axis=1))
        if np.sum(np.bincount(number[there], minlength=len(classes)) >= FOLDS) < 2:
            continue
        groups = np.empty(len(there), dtype=int)
        groups[np.argsort(number[there], kind="stable")] = np.arange(
            len(there)
        )  # neighbours in class fall into different folds
        answer = held_out(power[there, :, k], columns[there], groups, folds=FOLDS)[0].argmax(axis=1)
        rows.append((time[k], np.mean(answer == number[there]), len(there)))
    if not rows:
        raise DataError(f"a classifier needs at least {FOLDS} cases of each of two classes")
    when, accuracy, cases = np.array(rows).T
    z = 1.96
    middle, half = (
        accuracy + z**2 / (2 * cases),
        z * np.sqrt(accuracy * (1 - accuracy) / cases + z**2 / (4 * cases**2)),
    )
    low, high = ((middle + sign * half) / (1 + z**2 / cases) for sign in (-1, 1))
    chance = np.bincount(number).max() / len(number)
    return ClassAccuracy(when, accuracy, low, high, float(chance), cases.astype(int))
