"""What is in a source of data, in numbers: arrays, units, sampling, cases, classes, and
what it could be used for.

The uses are tried by the functions that the commands call, so the reasons are those
that a command would give.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spinrnn.config.sources import is_built_in
from spinrnn.datasets.dataset import Dataset
from spinrnn.datasets.loading import load_dataset
from spinrnn.errors import DataNote, SpinrnnError
from spinrnn.files.container import is_spinrnn_file
from spinrnn.identify.pulses import load_pulses
from spinrnn.readers.columns import NONE, Columns, arranged
from spinrnn.readers.formats import read_table
from spinrnn.readers.table import Table
from spinrnn.recordings.gaps import gaps_of
from spinrnn.recordings.measurement import load_measurement
from spinrnn.recordings.opening import open_recording

MOST_ARRAYS = 1000
"""That are described; files of hundreds of thousands of arrays exist."""
EVEN = 1e-3
"""Of a step: deviations below still are even steps."""
FAR = 10.0
"""Inputs whose mean is so many deviations from 0, or whose deviation is so far from 1,
are hard to learn from as they are.
"""


@dataclass(frozen=True)
class ArrayLook:
    """One array.

    Attributes:
        name, shape, dtype: as it is read; unit: as the file says, or None.
        least, greatest, mean, deviation: of the finite numbers, None without any.
        missing, infinite: numbers that are NaN, or infinite.
        step: median of the steps of increasing numbers with one axis, else None.
        even: whether all steps are that one.
        gaps: steps far above it, where others are that one; gap: the first of them;
            gap_after: index of the number before it.
        different: values of a column of texts that differ, None of numbers.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    unit: str | None
    least: float | None = None
    greatest: float | None = None
    mean: float | None = None
    deviation: float | None = None
    missing: int = 0
    infinite: int = 0
    step: float | None = None
    even: bool = False
    gaps: int = 0
    gap: float | None = None
    gap_after: int | None = None
    different: int | None = None


@dataclass(frozen=True)
class CasesLook:
    """Cases of a data set.

    Attributes:
        cases, channels, points: the axes of the inputs; shortest: input points.
        classes: {name: cases}, None without labels; test: cases of the test part.
        channel_means, channel_deviations: over all cases and points, for each channel.
        missing: NaN within the cases' lengths.
    """

    cases: int
    channels: int
    points: int
    shortest: int
    classes: dict[str, int] | None
    test: int
    channel_means: list[float]
    channel_deviations: list[float]
    missing: int


@dataclass(frozen=True)
class Look:
    """A source of data.

    Attributes:
        source: as it was named; attributes: {name: text} of the file's head.
        arrays: of a file; left_out: {name: why}; notes: what had to be found out.
        cases: if it is a data set; uses: {use: "" or why not}.
        data: the data set, and table: the arrays, for pictures.
    """

    source: str
    attributes: dict[str, str]
    arrays: list[ArrayLook]
    left_out: dict[str, str]
    notes: list[str]
    cases: CasesLook | None
    uses: dict[str, str]
    data: Dataset | None
    table: Table | None


def look(source: str | Path, columns: Columns = NONE) -> Look:
    """Looks at a source.

    Args:
        source: of `load_dataset`, or a file of a device, or of spinrnn.
        columns: what the user calls the arrays of the file, and their units.
    Raises:
        StoreError, DataError: it cannot be read at all.
    """
    path = Path(source)
    table, notes = None, []
    if not is_built_in(source) and path.is_file():
        table = arranged(read_table(path), columns)
        notes += table.notes
    data, uses, said = _uses(source, columns)
    notes += said
    if table is None and data is None:
        raise next(error for error in uses.values() if isinstance(error, SpinrnnError))
    return Look(
        str(source),
        {str(key): str(value) for key, value in (table.attributes if table else {}).items()},
        [_array(name, array, table) for name, array in _some(table)],
        dict(table.left_out) if table else {},
        list(dict.fromkeys(notes)),
        None if data is None else _cases(data),
        {use: str(why or "") for use, why in uses.items()},
        data,
        table,
    )


def _some(table):
    return [] if table is None else list(table.arrays.items())[:MOST_ARRAYS]


# ---- uses ----


def _uses(source, columns):
    """(`Dataset` or None, {use: None or the error}, what was said)."""
    found: dict[str, SpinrnnError | None] = {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # a regression needs no labels
        needed = not columns.targets
        load = lambda: load_dataset(source, labelled=needed, columns=columns)
        data = _tried(found, "train", load)
        if data is None:
            load = lambda: load_dataset(source, labelled=False, columns=columns)
            data = _tried(found, "simulate", load)
        else:
            found["simulate"] = None
        _tried(found, "analyse", lambda: _opened(source, columns))
        _tried(found, "identify", lambda: load_measurement(source, columns=columns))
        _tried(found, "synapse", lambda: load_pulses(source, columns))
    start = f"{Path(source)}: "
    texts = [str(w.message).removeprefix(start) for w in caught if w.category is DataNote]
    return data, found, [note for text in texts for note in text.split("; ")]


def _opened(source, columns):
    with open_recording(source, columns=columns):
        pass


def _tried(found, use, call):
    """What call() returns; notes the error under the use."""
    try:
        result = call()
    except SpinrnnError as error:
        found[use] = error
        return None
    found[use] = None
    return result


# ---- numbers ----


def _array(name, array, table) -> ArrayLook:
    look: dict[str, Any] = {"unit": table.units.get(name)}
    if array.dtype.kind in "SU":
        look["different"] = len(np.unique(array))
    elif array.dtype.kind in "fiub" and array.size:
        look |= _numbers(array)
    return ArrayLook(name, tuple(array.shape), array.dtype.name, **look)


def _numbers(array):
    """{attribute of `ArrayLook`: value} of numbers."""
    values = array.astype(np.float64)
    finite = np.isfinite(values)
    missing = int(np.isnan(values).sum())
    found: dict[str, Any] = {
        "missing": missing, "infinite": int((~finite).sum()) - missing
    }  # fmt: skip
    if finite.any():
        kept = values[finite]
        # squares of large numbers leave the range
        with np.errstate(over="ignore", invalid="ignore"):
            found |= {"mean": float(kept.mean()), "deviation": float(kept.std())}
        found |= {"least": float(kept.min()), "greatest": float(kept.max())}
    steps = np.diff(values) if values.ndim == 1 and len(values) > 2 else np.zeros(0)
    if steps.size and finite.all() and (steps > 0).all():
        step = float(np.median(steps))
        found |= {"step": step, "even": bool(np.abs(steps - step).max() <= EVEN * step)}
        gaps = gaps_of(values)
        if gaps is not None:
            found |= {"gaps": gaps.count, "gap": gaps.step, "gap_after": gaps.after}
    return found


def _cases(data: Dataset) -> CasesLook:
    inputs = np.asarray(data.inputs, dtype=np.float64)
    cases, channels, points = inputs.shape
    lengths = np.full(cases, points) if data.lengths is None else np.asarray(data.lengths)
    within = np.arange(points) < lengths[:, None]
    counted = np.where(within[:, None], inputs, np.nan)
    missing = int(np.isnan(counted).sum()) - int((~within).sum()) * channels
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # of channels without a value
        warnings.simplefilter("ignore", RuntimeWarning)
        means, deviations = np.nanmean(counted, axis=(0, 2)), np.nanstd(counted, axis=(0, 2))
    classes = None
    if data.labels is not None:
        numbers, counts = np.unique(data.labels, return_counts=True)
        names = [data.classes[k] if data.classes else str(k) for k in numbers.tolist()]
        classes = dict(zip(names, counts.tolist(), strict=True))
    return CasesLook(
        cases,
        channels,
        points,
        int(lengths.min(initial=points)),
        classes,
        0 if data.test is None else int(data.test.sum()),
        means.tolist(),
        deviations.tolist(),
        missing,
    )


def is_ours(path: str | Path) -> bool:
    """Whether spinrnn wrote the file."""
    return Path(path).is_file() and is_spinrnn_file(path)
