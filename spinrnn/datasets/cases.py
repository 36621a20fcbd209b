"""A folder with a file for each case: WAV files or tables, in folders of their
classes, perhaps below `train` and `test`.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from spinrnn.datasets.channels import are_nameless, check_first, check_words, chosen
from spinrnn.datasets.labels import in_order
from spinrnn.datasets.mel import mel
from spinrnn.datasets.series import Series, answers, padded
from spinrnn.datasets.sounds import rate_of, resampled
from spinrnn.datasets.tables import TIME, in_one_unit, is_time, step_of, units_of
from spinrnn.errors import ConfigError, DataError, StoreError, listed, reason_of
from spinrnn.readers.columns import NONE, Columns, arranged, in_si, targets_of, without
from spinrnn.readers.formats import ENDINGS, ending_of, read_table
from spinrnn.readers.table import Table
from spinrnn.readers.units import shown, shown_in_si

MOST_FILES = 1_000_000
FRONTENDS = ("none", "mel", "statistics")
"""What is made of samples before they are inputs."""
STEP = 15e-3
"""From one frame of a sound to the next, s."""
_PARTS = ("train", "test")


def files_of(folder: Path) -> list[tuple[Path, str | None, bool]]:
    """[(file, its class or None, whether it is for the test)] of a folder, sorted.

    Raises:
        StoreError: it cannot be read; DataError: files of several formats, or files
            beside folders of classes.
    """
    parts = {entry.name.lower(): entry for entry in _entries(folder) if entry.is_dir()}
    if set(parts) == set(_PARTS):
        found = [
            (file, name, part == "test")
            for part in _PARTS
            for file, name in _of_classes(parts[part])
        ]
    else:
        found = [(file, name, False) for file, name in _of_classes(folder)]
    endings = sorted({ending_of(file) for file, *_ in found})
    if len(endings) > 1:
        raise DataError(f"{folder}: holds files of the kinds {', '.join(endings)}; leave one kind")
    if len(found) > MOST_FILES:
        raise DataError(f"{folder}: holds more than {MOST_FILES} files")
    return found


def _entries(folder):
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise StoreError(f"cannot read {folder}: {reason_of(error)}") from None


def _of_classes(folder):
    """[(file, class or None)] of the files in a folder, or in folders in it."""
    entries = _entries(folder)
    own = [entry for entry in entries if _is_case(entry)]
    inner = [
        (file, entry.name)
        for entry in entries
        if entry.is_dir()
        for file in _entries(entry)
        if _is_case(file)
    ]
    if own and inner:
        raise DataError(
            f"{folder}: holds the files {listed(file.name for file in own)} beside folders of "
            "classes; move them into one, or away"
        )
    return inner or [(file, None) for file in own]


def _is_case(path):
    return path.is_file() and ending_of(path) in ENDINGS


def of_files(
    folder: Path,
    files: list[tuple[Path, str | None, bool]],
    labelled: bool,
    columns: Columns = NONE,
    frontend: str = "none",
) -> tuple[Series, np.ndarray | None, tuple[str, ...]]:
    """(the cases, test (case,) or None, what is to be said) of files, a case each.

    The labels are the names of the folders. Samples of WAV files are the input; of
    tables all columns of numbers but the time and targets are channels, by the names
    of the first.

    Args:
        labelled: whether the files must be in folders of classes.
        columns: what the user calls the arrays of each file, their units, targets.
        frontend: one of `FRONTENDS`: "mel" makes bands (`mel`) of the samples of WAV
            files.
    Raises:
        DataError: a file has other channels, units or rate than the first.
    """
    names = [name for _, name, _ in files]
    if labelled and None in names:
        raise DataError(
            f"{folder}: its files are in no folders of classes; make a folder for each class, with "
            "the files of its cases"
        )
    found = _read(files, columns, frontend)
    try:
        inputs, lengths = padded(found.cases)
    except DataError as error:
        raise DataError(f"{folder}: {error}; the cases are its files in their order") from None
    labels = None if None in names else np.array(names, dtype=np.str_)
    order = None if labels is None else in_order(sorted(set(names)))
    test = np.array([is_test for *_, is_test in files])
    first = found.channels
    steps = in_one_unit([step for step in found.steps if step is not None])
    said = (f"{len(files)} files, channels are {listed(first)}", *_step_notes(steps))
    channels = None if are_nameless(first) else first
    own_names = tuple(str(file.relative_to(folder)) for file, *_ in files)
    targets = answers(padded(found.targets)[0], lengths) if found.targets else None
    known = order, targets, channels, own_names, found.units, found.rate
    series = Series(inputs, labels, lengths, *known, found.target_names, step_of(steps))
    return series, test if test.any() else None, (*said, *dict.fromkeys(found.notes))


class _Files(NamedTuple):
    """Files of a case each: [(channel, time)], names of the channels, their units, the
    rate of all or None, steps in time as of `Dataset`, what is to be said, targets
    [(output, time)] and their names.
    """

    cases: list[np.ndarray]
    channels: tuple[str, ...]
    units: tuple[str, ...] | None
    rate: float | None
    steps: list[tuple[float, str] | None]
    notes: list[str]
    targets: list[np.ndarray]
    target_names: tuple[str, ...] | None


def _read(files, columns, frontend) -> _Files:
    """All files; DataError where one has other channels than the first."""
    cases, steps, notes, units, rates = [], [], [], [], set()
    first, scales, heads, targets = None, None, {}, _Targets(columns)
    for file, *_ in files:
        table, changed = resampled(arranged(read_table(file), columns), columns.rate)
        table = targets.taken(table)
        channels, step = _of_table(table, frontend, columns)
        check_words(table, _texts(table), columns.channels)
        names, left = chosen(file, [*channels], columns.channels, _texts(table))
        channels = {name: channels[name] for name in names}
        first = first or tuple(channels)
        said, count = table.units, len(table.notes)
        table = in_si(table, [name for name in channels if name in table.arrays], columns.heads)
        channels = {name: table.arrays.get(name, row) for name, row in channels.items()}
        changed += table.notes[count:]
        for name in channels:
            heads.setdefault(name, set()).add(shown(said.get(name, "")))
        own = _scales_of(table, channels, frontend)
        scales = own if scales is None else scales
        _check_scales(file, own, scales)
        if tuple(channels) != first:
            raise DataError(
                f"{file}: has the channels {listed(channels)}, the first file has {listed(first)}; "
                "give all files the same columns"
            )
        cases.append(np.array([channels[name] for name in first]))
        steps.append(step)
        units.append(units_of(table, first))
        rates.add(rate_of(table.attributes.get("rate")))
        notes += [*left, *changed]
    if columns.heads:
        _check_said(files[0][0].parent, heads)
    # where a file says no unit, that of the others counts
    common = tuple(map(max, zip(*units, strict=True))) if columns.heads else None
    rate = rates.pop() if len(rates) == 1 else None
    return _Files(cases, first or (), common, rate, steps, notes, *targets.found(cases))


class _Targets:
    """Takes the columns that are targets out of tables, of files of a case each."""

    def __init__(self, columns):
        self._columns, self._names = columns, []
        self._found: list[np.ndarray] = []

    def taken(self, table):
        """The table without them."""
        own = targets_of(table, self._columns)
        self._names = self._names or own
        if own and own == self._names:
            self._found.append(np.array([table.arrays[name] for name in own], dtype=np.float64))
        return without(table, own)

    def found(self, cases):
        """([(output, time)], names) of all cases; ([], None) of new data that lack
        some.
        """
        if not self._names or len(self._found) < len(cases):
            return [], None
        return self._found, tuple(self._names)


def _texts(table):
    """Names of the columns that are no numbers."""
    return [name for name, column in table.arrays.items() if column.dtype.kind not in "fiub"]


def _of_table(table: Table, frontend: str = "none", asked: Columns = NONE):
    """({channel: (time,)}, step in time as of `Dataset`) of a file of one case; what is
    asked for as a channel is no time.
    """
    if frontend == "mel":
        return _of_sound(table)
    if "samples" in table.arrays and "rate" in table.attributes:
        samples = np.atleast_2d(table.arrays["samples"])
        step = 1 / table.attributes["rate"], "s"
        return {f"sample {k}": row for k, row in enumerate(samples)}, step
    columns = {
        name: array
        for name, array in table.arrays.items()
        if array.ndim == 1 and array.dtype.kind in "fiub"
    }
    no_time = {*(asked.channels or ()), *(name for name in asked.names if name not in TIME)}
    times = [
        name
        for name in columns
        if name.lower() in TIME and name not in no_time and is_time(table, name, asked)
    ]
    if len(columns) == len(times) or len({len(column) for column in columns.values()}) > 1:
        raise DataError(
            f"{table.path}: holds no columns of one length beside the time, but {table!r}"
        )
    name, column = next(iter(columns.items()))
    check_first(table.path, name, column, len(columns))
    time = columns.pop(times[0]) if len(times) == 1 else None
    if time is None or len(time) < 2:
        return columns, None
    return columns, (float(np.median(np.diff(time))), table.units.get(times[0], ""))


def _scales_of(table, channels, frontend):
    """{channel, or rate: what its numbers count in}, as far as the file says it."""
    found = {f"the unit of {name}": table.units.get(name, "") for name in channels}
    # bands reach up to half the rate
    return found | ({"the rate": table.attributes["rate"]} if frontend == "mel" else {})


def _check_scales(file, own, first):
    """DataError where a file counts in others than the first one; one says nothing."""
    for what, value in own.items():
        other = first.get(what, value)
        if value != other and value and other:
            raise DataError(
                f"{file}: {what} is {value}, in the first file {other}; write all files alike"
            )


def _check_said(folder, heads):
    """DataError where some files say a unit that is converted, and others none; heads:
    {channel: {unit of a file, ""}}.
    """
    for name, found in heads.items():
        converted = [unit for unit in sorted(found) if shown_in_si(unit) != unit]
        if "" in found and converted:
            raise DataError(
                f"{folder}: {name} is in {converted[0]} in some files, others do not say it; give "
                f"its unit, as in --units {name}={converted[0]}"
            )


def _of_sound(table):
    """As `_of_table`, of the bands of a WAV file."""
    if "samples" not in table.arrays or "rate" not in table.attributes:
        raise DataError(f'{table.path}: frontend = "mel" is for WAV files')
    bands = mel_of(table)
    return {f"band {k}": row for k, row in enumerate(bands)}, (STEP, "s")


def mel_of(table: Table) -> np.ndarray:
    """(channel, frame) bands of all channels of a WAV file, one channel after the
    other.
    """
    samples, rate = np.atleast_2d(table.arrays["samples"]), table.attributes["rate"]
    try:
        return np.concatenate([mel(row, rate, step=STEP) for row in samples])
    except (ConfigError, DataError) as error:
        raise DataError(f"{table.path}: {error}") from None


def _step_notes(steps):
    """Sentences on steps in time, in one unit where they could be, that differ."""
    sizes, units = [size for size, _ in steps], sorted({shown(unit) for _, unit in steps})
    if len(units) > 1:
        named = listed([unit or "none" for unit in units])
        told = "steps cannot be compared, and a point is taken for a point"
        return (f"the unit of the time differs from file to file, {named}: {told}",)
    if sizes and max(sizes) - min(sizes) > 0.01 * min(sizes):
        unit = f" {units[0]}" if units[0] else ""
        span = f"{min(sizes):g} to {max(sizes):g}{unit}"
        return (f"the step in time differs from file to file, {span}",)
    return ()
