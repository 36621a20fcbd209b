"""Stretches over which the drive of a neuron stays constant."""

from dataclasses import dataclass

import numpy as np

from spinrnn.errors import DataError

SHORTEST = 8
"""Times of the shortest stretch that is looked at."""


@dataclass(frozen=True, eq=False)
class Plateaus:
    """Stretches of constant drive; arrays (plateau,).

    Attributes:
        case, neuron: from 0.
        start, stop: numbers of the times at which the drive begins and ends to be held; the power at `stop` is still the stretch's.
        drive: 1/s, mean over the stretch; before: the same of the stretch of any length before it, NaN for the first.
        drift: 1/s, by which the means of its two halves differ.
    """

    case: np.ndarray
    neuron: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    drive: np.ndarray
    before: np.ndarray
    drift: np.ndarray

    def __len__(self):
        return len(self.case)


def find_plateaus(drive, tolerance=1e-3, shortest=SHORTEST):
    """Stretches over which the drive stays constant.

    Args:
        drive: (case, neuron, time - 1), time k's is held until time k + 1; tolerance: changes that do not count, as a share of the largest
            drive; shortest: times a stretch must have.
    Returns:
        `Plateaus`.
    """
    drive = np.asarray(drive, dtype=np.float64)
    scale = np.nanmax(np.abs(drive), initial=0.0) * tolerance
    found = []
    for case, neuron in np.ndindex(drive.shape[:2]):
        row = drive[case, neuron]
        ends = np.flatnonzero(~(np.abs(np.diff(row)) <= scale)) + 1  # NaN ends a stretch, too
        edges = np.concatenate([[0], ends, [len(row)]])
        for number in np.flatnonzero(np.diff(edges) >= shortest):
            start, stop = edges[number], edges[number + 1]
            part = row[start:stop]
            if (
                np.isfinite(part).all() and np.ptp(part) <= 2 * scale
            ):  # else it drifts in small steps
                before = row[edges[number - 1] : start].mean() if number else np.nan
                found.append(
                    (
                        case,
                        neuron,
                        start,
                        stop,
                        part.mean(),
                        before,
                        abs(part[: len(part) // 2].mean() - part[len(part) // 2 :].mean()),
                    )
                )
    columns = np.array(found).reshape(-1, 7).T
    return Plateaus(*columns[:4].astype(int), *columns[4:])


def fitting_arrays(time, power, drive):
    """time (time,), power (case, neuron, time) and drive (case, neuron, time - 1), or DataError."""
    time, power, drive = (np.asarray(array) for array in (time, power, drive))
    if time.ndim != 1 or not 1 <= power.ndim <= 3 or power.shape[-1] != len(time):
        raise DataError(
            f"power: must end in the axis of the {time.size} times and have at most (case, neuron, time); got the shape {power.shape}"
        )
    if drive.shape[:-1] != power.shape[:-1] or drive.shape[-1] not in (len(time), len(time) - 1):
        raise DataError(
            f"drive: must have the shape of power, {power.shape}, or one time less; got {drive.shape}"
        )
    whole = (1,) * (3 - power.ndim)
    return (
        time,
        power.reshape(whole + power.shape),
        drive.reshape(whole + drive.shape)[..., : len(time) - 1],
    )


def each_neuron(name, value, array):
    """(neuron,) of a number, or of one for each neuron of an array (case, neuron, time); else DataError."""
    value, neurons = np.asarray(value, dtype=np.float64), array.shape[1]
    if value.shape not in ((), (neurons,)):
        raise DataError(
            f"{name}: must be one number, or one for each of {neurons} neurons; got the shape {value.shape}"
        )
    return np.broadcast_to(value, (neurons,))


def thresholds(relaxation_time, power):
    """(neuron,) gamma, 1/s, NaN where it is not known."""
    return 1 / each_neuron(
        "relaxation_time", np.nan if relaxation_time is None else relaxation_time, power
    )


def plateaus_of(drive, tolerance):
    plateaus = find_plateaus(drive, tolerance)
    if not len(plateaus):
        raise DataError(
            f"no drive stays constant, within {tolerance:g} of the largest, over {SHORTEST} times; a test signal of long steps gives such, and a "
            "larger tolerance (--tolerance) takes noise of the drive for constant"
        )
    return plateaus


def evenly(count, most):
    """Numbers below count, evenly chosen if they are more than most."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(int))


def stretches(time, power, plateaus, chosen):
    """Yields (number of the plateau, times in s from its start, powers in float64) of those that were measured, what was not (NaN) left out."""
    for k in chosen:
        part = slice(plateaus.start[k], plateaus.stop[k] + 1)
        p = np.asarray(power[plateaus.case[k], plateaus.neuron[k], part], dtype=np.float64)
        measured = np.isfinite(p)
        if measured.sum() > SHORTEST:
            yield k, (time[part] - time[part.start])[measured], p[measured]
