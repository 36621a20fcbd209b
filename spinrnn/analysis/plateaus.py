"""Stretches over which the drive of a neuron stays constant: plateaus.

Steady states and relaxation are measured there. What is too short, drifts or was not
measured is no plateau.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spinrnn.arrays import array_of
from spinrnn.errors import DataError

SHORTEST = 8
"""Times of the shortest stretch that is looked at."""


@dataclass(frozen=True, eq=False)
class Plateaus:
    """Stretches of constant drive; arrays (plateau,).

    Attributes:
        case, neuron: from 0.
        start, stop: numbers of the times at which the drive begins and ends to be held;
            the power at `stop` is still the stretch's.
        drive: 1/s, mean over the stretch; before: the same of the stretch of any length
            before it, NaN for the first.
        drift: 1/s, by which the means of its two halves differ.
    """

    case: np.ndarray
    neuron: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    drive: np.ndarray
    before: np.ndarray
    drift: np.ndarray

    def __len__(self) -> int:
        return len(self.case)


def find_plateaus(drive: np.ndarray, tolerance: float = 1e-3, shortest: int = SHORTEST) -> Plateaus:
    """Stretches over which the drive stays constant.

    Args:
        drive: (case, neuron, time - 1), time k's is held until time k + 1; NaN ends a
            stretch.
        tolerance: changes that do not count, as a share of the largest drive.
        shortest: times a stretch must have.
    """
    drive = np.asarray(array_of(drive, "drive", missing=True), dtype=np.float64)
    change = np.nanmax(np.abs(drive), initial=0.0) * tolerance
    found = []
    for case, neuron in np.ndindex(drive.shape[:2]):
        row = drive[case, neuron]
        # the comparison is false for NaN, so NaN ends a stretch
        ends = np.flatnonzero(~(np.abs(np.diff(row)) <= change)) + 1
        edges = np.concatenate([[0], ends, [len(row)]])
        for number in np.flatnonzero(np.diff(edges) >= shortest):
            start, stop = edges[number], edges[number + 1]
            part = row[start:stop]
            drifts = np.ptp(part) > 2 * change
            if not np.isfinite(part).all() or drifts:
                continue
            before = row[edges[number - 1] : start].mean() if number else np.nan
            half = len(part) // 2
            drift = abs(part[:half].mean() - part[half:].mean())
            found.append((case, neuron, start, stop, part.mean(), before, drift))
    columns = np.array(found).reshape(-1, 7).T
    return Plateaus(*columns[:4].astype(int), *columns[4:])


def plateaus_of(drive: np.ndarray, tolerance: float) -> Plateaus:
    """`find_plateaus`; DataError if there are none."""
    plateaus = find_plateaus(drive, tolerance)
    if not len(plateaus):
        raise DataError(
            f"no drive stays constant, within {tolerance:g} of the largest, over {SHORTEST} "
            "times; a test signal of long steps gives such, and a larger tolerance "
            "(--tolerance) takes noise of the drive for constant"
        )
    return plateaus


def stretches(
    time: np.ndarray, power: np.ndarray, plateaus: Plateaus, chosen: np.ndarray
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """What was measured on the chosen plateaus.

    Yields:
        number of the plateau, times in s from its start, powers in float64; without
        what was not measured (NaN), and not those of which too little is left.
    """
    for k in chosen:
        part = slice(plateaus.start[k], plateaus.stop[k] + 1)
        p = np.asarray(power[plateaus.case[k], plateaus.neuron[k], part], dtype=np.float64)
        measured = np.isfinite(p)
        if measured.sum() > SHORTEST:
            yield k, (time[part] - time[part.start])[measured], p[measured]


def unshared(plateaus: Plateaus, k: int) -> int:
    """1 where the last power of plateau k is the first one of the next, else 0."""
    if k + 1 >= len(plateaus):
        return 0
    same = plateaus.case[k] == plateaus.case[k + 1] and plateaus.neuron[k] == plateaus.neuron[k + 1]
    return int(same and plateaus.stop[k] == plateaus.start[k + 1])


def fewer(count: int, most: int) -> np.ndarray:
    """Numbers below count, at most so many: half of them evenly chosen, half the denser
    the nearer to the first, so that fast and slow changes are both seen."""
    if count <= most:
        return np.arange(count)
    even = np.linspace(0, count - 1, most - most // 2)
    dense = np.geomspace(1, count, most // 2) - 1
    return np.unique(np.concatenate([even, dense]).round().astype(int))


# ---- arguments of measures of single devices ----


def fitting_arrays(
    time: np.ndarray, power: np.ndarray, drive: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Arrays that fit together, with all axes.

    Args:
        time: (time,); power: (case, neuron, time), (neuron, time) or (time,); drive: as
            power, the last time may be missing. What is masked was not measured.
    Returns:
        (time,), (case, neuron, time), (case, neuron, time - 1).
    Raises:
        DataError: they do not fit together.
    """
    time = array_of(time, "time")
    power, drive = (
        array_of(values, name, missing=True)
        for name, values in (("power", power), ("drive", drive))
    )
    if time.ndim != 1 or not 1 <= power.ndim <= 3 or power.shape[-1] != len(time):
        raise DataError(
            f"power: must end in the axis of the {time.size} times and have at most "
            f"(case, neuron, time); got the shape {power.shape}"
        )
    if drive.shape[:-1] != power.shape[:-1] or drive.shape[-1] not in (len(time), len(time) - 1):
        raise DataError(
            f"drive: must have the shape of power, {power.shape}, or one time less; "
            f"got {drive.shape}"
        )
    added = (1,) * (3 - power.ndim)
    power, drive = power.reshape(added + power.shape), drive.reshape(added + drive.shape)
    return time, power, drive[..., : len(time) - 1]


def each_neuron(name: str, value: float | np.ndarray, array: np.ndarray) -> np.ndarray:
    """(neuron,) of a number, or of one for each neuron of an array (case, neuron,
    time)."""
    value, neurons = np.asarray(array_of(value, name), dtype=np.float64), array.shape[1]
    if value.shape not in ((), (neurons,)):
        raise DataError(
            f"{name}: must be one number, or one for each of {neurons} neurons; got the shape "
            f"{value.shape}"
        )
    return np.broadcast_to(value, (neurons,))


def thresholds(relaxation_time: float | np.ndarray | None, power: np.ndarray) -> np.ndarray:
    """(neuron,) gamma, 1/s, NaN where it is not known."""
    given = np.nan if relaxation_time is None else relaxation_time
    return 1 / each_neuron("relaxation_time", given, power)
