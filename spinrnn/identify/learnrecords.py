"""Recordings from which a device is learned: evenly sampled, scaled, in stretches.

All cases stand one after the other in one array. A stretch is a range of it within one
case; windows and open-loop runs are taken within stretches only.
"""

import dataclasses
import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from spinrnn.errors import DataError, listed
from spinrnn.neurons.learned import Channel
from spinrnn.readers.columns import Columns, arranged
from spinrnn.readers.formats import read_table
from spinrnn.recordings.measurement import from_trajectory, measurement
from spinrnn.recordings.reading import open_trajectory
from spinrnn.recordings.samples import check_seconds, tell

UNEVEN = 0.05
"""Share of the sampling step by which a time may be off an even grid."""
FLAT = 1e-9
"""Share of its largest value below which the spread of a channel is rounding."""
DRIVE = re.compile(r"drive\d*")
"""Names of drives: drive, drive2, ..."""
STEPS, MOST_HELD = 4, 100
"""Samples of an input interval where the drive was not held; of a longer one at most,
as a device forgets in it."""
LEAST = 200
"""Samples of the training part: fewer are fewer than a small network has weights."""


class Stretch(NamedTuple):
    """Samples first to last - 1 of `Records.output`."""

    first: int
    last: int

    @property
    def size(self) -> int:
        return self.last - self.first


@dataclasses.dataclass(frozen=True, eq=False)
class Records:
    """Recordings of one device.

    Attributes:
        time: (time,) s of all cases in turn; sampling_step: D in s.
        output: (time,) in the user's unit, NaN where it was not recorded; drives:
            (drive, time).
        cases: stretches, one for each case.
        names, units: of the output, then of the drives.
        sources: what was read.
    """

    time: np.ndarray
    sampling_step: float
    output: np.ndarray
    drives: np.ndarray
    cases: tuple[Stretch, ...]
    names: tuple[str, ...]
    units: tuple[str, ...]
    sources: tuple[str, ...] = ()

    def channels(self, stretches: Sequence[Stretch]) -> tuple[Channel, tuple[Channel, ...]]:
        """(output, drives) as the stretches have them: mean 0 and spread 1 of their
        numbers; ranges of all that was seen there.

        Raises:
            DataError: an output or a drive that does not change there.
        """
        rows = np.concatenate([np.arange(first, last) for first, last in stretches])
        values = np.vstack([self.output, self.drives])[:, rows]
        made, problems = [], []
        for name, unit, row in zip(self.names, self.units, values, strict=True):
            row = row[np.isfinite(row)]
            spread = float(row.std()) if row.size else 0.0
            if not spread > FLAT * np.abs(row).max(initial=0.0):
                problems.append(f"{name}: does not change in the training part; nothing is learned")
                continue
            ends = float(row.min()), float(row.max())
            made.append(Channel(name, unit, float(row.mean()), 1 / spread, *ends))
        tell(problems)
        return made[0], tuple(made[1:])


def records_of(
    time: np.ndarray,
    drives: Mapping[str, np.ndarray],
    output: np.ndarray,
    name: str = "output",
    units: Mapping[str, str] | None = None,
    every: int = 1,
    sources: Sequence[str] = (),
) -> Records:
    """Checked `Records`.

    Args:
        time: (sample,) or (case, sample) s; output: the same, NaN where missing.
        drives: {name: as output, or one for all cases}; every: keeps every so many-th
            sample.
    Raises:
        DataError: all mistakes of a kind at once: shapes, times that do not increase or
            are uneven, missing drives.
    """
    if not drives:
        raise DataError("drive: give at least one drive; a device without one is not learned")
    read = {key: measurement(time, drive, output) for key, drive in drives.items()}
    first = next(iter(read.values()))
    rows, values, wide = [], [], []
    for case, times in enumerate(first.time):
        known = np.flatnonzero(np.isfinite(times))[::every]
        rows.append(times[known])
        values.append(first.power[case, known])
        wide.append([_filled(data.drive[case], known) for data in read.values()])
    ends = np.cumsum([0, *map(len, rows)])
    step = _step_of(rows)
    return Records(
        np.concatenate(rows),
        step,
        np.concatenate(values),
        np.concatenate(wide, axis=1),
        tuple(Stretch(int(a), int(b)) for a, b in itertools.pairwise(ends)),
        (name, *drives),
        tuple((units or {}).get(key, "1") for key in (name, *drives)),
        tuple(sources),
    )


def records_of_file(
    path: str | Path, columns: Columns | str | None = None, every: int = 1
) -> Records:
    """`Records` of a file with time, power and drive, perhaps drive2, drive3, ...

    Channels keep the names and units that the file has.

    Args:
        columns: what the file calls them, `Columns` or its text.
    Raises:
        StoreError: the file cannot be read; DataError: its content is no recording.
    """
    if not isinstance(columns, Columns):
        columns = Columns.of_texts(columns, None, ("columns", "units"))
    names = [name for name in columns.names if DRIVE.fullmatch(name)]
    read = read_table(path)
    names += [name for name in read.arrays if DRIVE.fullmatch(name) and name not in names]
    wanted = ("time", "power", *(sorted(names) or ["drive"]))
    table = arranged(read, columns, wanted)
    missing = [name for name in wanted if name not in table.arrays]
    if missing:
        raise DataError(
            f"{path}: has no array {' and no array '.join(missing)}; it holds"
            f" {listed(read.arrays)}; say which are which by --columns, as in"
            " time=t,power=mz,drive=B_ext,drive2=I"
        )
    own = {name: _own_name(read, columns, name) for name in wanted}
    units = {own[name]: table.units.get(name) or "1" for name in wanted}
    drives = {own[name]: table.arrays[name] for name in wanted[2:]}
    arrays = table.arrays["time"], drives, table.arrays["power"]
    try:
        found = records_of(*arrays, own["power"], units, every, (Path(path).name,))
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    check_seconds(path, arrays[0], columns)
    return found


def records_of_trajectory(
    path: str | Path, layer: int, neuron: int, cases: slice = slice(None), every: int = 1
) -> Records:
    """`Records` of a neuron in a trajectory of spinrnn: its drive, and the first of its
    states.

    Raises:
        StoreError, DataError: the file or the neuron is not there.
    """
    with open_trajectory(path) as file:
        try:
            found = from_trajectory(file, layer, neuron, cases)
        except DataError as error:
            raise DataError(f"{path}: {error}") from None
        kind = dict(enumerate(file.config.neurons))[layer]
    state, drive = kind.states[0], kind.drive
    units = {state.name: state.unit, drive.name: drive.unit}
    arrays = found.time, {drive.name: found.drive}, found.power
    return records_of(*arrays, state.name, units, every, (Path(path).name,))


def _own_name(table, columns, name):
    """What the file calls an array."""
    asked = columns.names.get(name, name)
    if asked not in table.arrays and asked.isdigit():
        return list(table.arrays)[int(asked) - 1]
    return asked


def _filled(drive, known):
    """The drive at the samples; the last one may be left out, as held ones are."""
    values = drive[np.minimum(known, len(drive) - 1)].copy()
    if not np.isfinite(values[-1]):
        values[-1] = values[-2]
    return values


def _step_of(rows):
    """D in s of the times of all cases; DataError where they are not even."""
    step = float(np.median(np.concatenate([np.diff(times) for times in rows])))
    problems = []
    for case, times in enumerate(rows):
        grid = times[0] + step * np.arange(len(times))
        # what adds up is a step that is not quite the median
        own = np.polyfit(np.arange(len(times)), times - grid, 1)
        off = np.abs(times - grid - np.polyval(own, np.arange(len(times)))) / step
        if off.max() > UNEVEN or abs(own[0]) > UNEVEN * step:
            where = f"case {case}, " if len(rows) > 1 else ""
            sample = int(off.argmax())
            problems.append(
                f"time: {where}sample {sample} is off an even grid of {step:.6g} s by"
                f" {100 * off.max():.3g} % of a step; resample the recording"
            )
    tell(problems)
    # the median has the roughness of the times, their ends have not
    return sum(times[-1] - times[0] for times in rows) / sum(len(times) - 1 for times in rows)


def held_for(records: Records) -> int:
    """Samples for which a drive keeps its value, the median; least of the drives."""
    found = []
    for drive in records.drives:
        changes = [np.flatnonzero(np.diff(drive[a:b])) for a, b in records.cases]
        lengths = np.concatenate([np.diff(places) for places in changes])
        if lengths.size:
            found.append(int(np.median(lengths)))
    return min(found, default=1)


def suited_interval(records: Records) -> float:
    """Input interval in s for a network of such devices: as long as a drive was held,
    or `STEPS` samples where it went on all the time.
    """
    held = held_for(records)
    return records.sampling_step * (STEPS if held == 1 else min(held, MOST_HELD))


class Parts(NamedTuple):
    """Stretches to learn from, and those that were held out."""

    training: tuple[Stretch, ...]
    held_out: tuple[Stretch, ...]


def parts_of(
    records: Records,
    training: tuple[int, int] | None,
    held_out: tuple[int, int] | float,
) -> Parts:
    """The parts of a recording.

    Args:
        training: first sample and the one after the last, of the only case; None: what
            is before the held-out part.
        held_out: the same, or a share: of the only case's samples the last ones, of
            several cases the last ones.
    Raises:
        DataError: too few samples, or parts that overlap.
    """
    cases = records.cases
    if isinstance(held_out, tuple) or training is not None:
        found = _chosen(records, training, held_out)
    elif len(cases) == 1:
        cut = round(cases[0].size * (1 - held_out))
        found = Parts((Stretch(0, cut),), (Stretch(cut, cases[0].last),))
    else:
        count = min(max(1, round(len(cases) * held_out)), len(cases) - 1)
        found = Parts(cases[:-count], cases[-count:])
    problems = []
    for name, part in found._asdict().items():
        own = sum(int(np.isfinite(records.output[a:b]).sum()) for a, b in part)
        least = LEAST if name == "training" else LEAST // 4
        if own < least:
            text = f"the {name.replace('_', '-')} part has {own} samples; it takes at least {least}"
            problems.append(text)
    tell(problems)
    return found


def _chosen(records, training, held_out):
    """`Parts` of ranges of samples."""
    if len(records.cases) > 1:
        raise DataError("samples A:B choose of one case; of several give a share to hold out")
    size = records.cases[0].size
    if not isinstance(held_out, tuple):
        _, last = training
        held_out = last, size
    if training is None:
        training = 0, held_out[0]
    problems = [
        f"{name}: {a}:{b} is no range within the {size} samples"
        for name, (a, b) in (("training", training), ("held-out", held_out))
        if not 0 <= a < b <= size
    ]
    if not problems and max(training[0], held_out[0]) < min(training[1], held_out[1]):
        problems.append("the training and the held-out part overlap")
    tell(problems)
    return Parts((Stretch(*training),), (Stretch(*held_out),))


def window_starts(
    records: Records, stretches: Sequence[Stretch], states: int, points: int
) -> np.ndarray:
    """(window,) first samples of windows of `points` steps within a stretch that
    begin with k recorded values.

    Raises:
        DataError: there are none.
    """
    there = np.isfinite(records.output)
    starts = []
    for first, last in stretches:
        own = np.arange(first, last - points - states + 1)
        for delay in range(states):
            own = own[there[own + delay]]
        starts.append(own)
    found = np.concatenate(starts)
    if not found.size:
        raise DataError(
            f"no window of {points} steps with {states} states fits into a stretch of the"
            " recording; give longer ones, or fewer points (--points)"
        )
    return found


def pieces_of(stretches: Sequence[Stretch], count: int, least: int) -> list[Stretch]:
    """The stretches cut into about `count` pieces, none below `least` samples."""
    total = sum(stretch.size for stretch in stretches)
    pieces = []
    for first, last in stretches:
        size = last - first
        own = max(1, min(round(count * size / total), size // least))
        cuts = np.linspace(first, last, own + 1).astype(int)
        pieces += [Stretch(int(a), int(b)) for a, b in itertools.pairwise(cuts)]
    return pieces
