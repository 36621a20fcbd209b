"""Cases in columns of numbers: a long table with a column that says the case, or rows
of a table without names that are a case each, as in the archive of the UCR.
"""

import dataclasses
import re
from collections.abc import Iterable, Sequence

import numpy as np

from spinrnn.datasets.channels import check_first, check_words, chosen
from spinrnn.datasets.series import Series, answers, padded
from spinrnn.errors import DataError, listed
from spinrnn.notebook import plural
from spinrnn.readers.columns import NONE, Columns, case_advice, in_si, targets_of, without
from spinrnn.readers.delimited import LABELS
from spinrnn.readers.table import Table
from spinrnn.readers.units import is_unit, shown, unit_of

CASE = ("case", "case_id", "series", "trial")
TIME = ("time", "t", "x_value", "timestamp")
LABEL = LABELS
TEST = ("test",)
EVEN = 0.01
"""Of the median step in time: deviations above are told."""
NO_LABEL = "has no names of columns, and its first column is"
NAMES = "a row of names, or the label first in each row"
PLACES = 3
"""That are told of a case in many."""
EXACT = 2**53
"""From here on a float64 stands for several whole numbers."""
_ZEROS = re.compile(r"(?<=\d)[.,]0+$", re.ASCII)
"""With which programs write whole numbers among others."""


def is_of_rows(table: Table, targets: Sequence[str] = (), new: bool = False) -> bool:
    """Whether the columns have no names, or numbers beside one of labels, or beside
    those that are targets, so that rows must be cases. New data need neither.
    """
    if len(table.arrays) > 2 and all(
        name == f"column_{k}" for k, name in enumerate(table.arrays, 1)
    ):
        return True
    others = {*targets} or {name for name in table.arrays if name.lower() in LABEL}
    fits = targets or len(others) == 1 or (new and not others)
    return bool(fits) and _are_counted([name for name in table.arrays if name not in others])


def _are_counted(names):
    """Whether names of columns are 0, 1, 2 ... or 1, 2, 3 ..."""
    known = [[str(k) for k in range(first, first + len(names))] for first in (0, 1)]
    return len(names) > 1 and names in known


# ---- a row for each case ----


def of_rows(table: Table, targets: Sequence[str] = ()) -> tuple[Series, str]:
    """(the cases of rows, a sentence on them): in each row a label, first where no
    column has a name of labels, or in its place the columns that are targets, and the
    values of one channel. NaN at the end of a row is the end of a shorter case.

    Raises:
        DataError: the column of labels cannot be labels.
    """
    if _are_counted(list(table.arrays)):
        return _of_rows(table, table.arrays), "each row is a case"
    if targets:
        wanted = np.column_stack([table.arrays[name] for name in targets]).astype(np.float64)
        series = _of_rows(table, without(table, targets).arrays)
        series = dataclasses.replace(series, targets=wanted, target_names=tuple(targets))
        return series, f"each row is a case, targets are {listed(targets)}"
    found = _find(table, LABEL)
    named = found or next(iter(table.arrays))
    label = table.arrays[named]
    if label.dtype.kind == "f" and not (label == np.round(label)).all():
        which = f"its column {found} is" if found else NO_LABEL
        ask = "whole numbers or words" if found else NAMES
        raise DataError(f"{table.path}: {which} no label of each row ({label[0]:g}); write {ask}")
    series = dataclasses.replace(_of_rows(table, without(table, [named]).arrays), labels=label)
    which = f"the column {found}" if found else "the first column"
    return series, f"{which} is the label of its row"


def _of_rows(table, values):
    """`Series` of the values of one channel in each row; values: {name: column}."""
    words = [name for name, column in values.items() if column.dtype.kind != "f"]
    if words:
        raise DataError(f"{table.path}: {listed(words)} is of texts, between numbers")
    inputs = np.column_stack(list(values.values()))
    lengths = inputs.shape[1] - np.argmax(~np.isnan(inputs[:, ::-1]), axis=1)
    empty = np.flatnonzero(np.isnan(inputs).all(axis=1))
    if empty.size:
        raise DataError(f"{table.path}: case {empty[0]} has no value")
    inputs = inputs[:, None, : int(lengths.max())]
    return Series(inputs, lengths=None if (lengths == inputs.shape[2]).all() else lengths)


# ---- a long table ----


def of_columns(
    table: Table, labelled: bool, asked: Columns = NONE
) -> tuple[Series, np.ndarray | None, tuple[str, ...]]:
    """(the cases, test (case,) or None, what is to be said) of a long table.

    A column `case` says to which case a row belongs, by its text where the file is of
    text, so that 007 and 7 are two, 7.0 and 7 are not; `label` says the class, `test`
    whether the case is for the test, `time` when it was, and others may be targets;
    what else is a number is a channel, or of these the ones that are asked for,
    whatever they are called. Without `case` all rows are one, or each is one.

    Args:
        labelled: whether labels, and so several cases, are needed.
        asked: its heads, rows, targets, numbers and channels count here.
    Raises:
        DataError: there is no column of cases or labels; a channel is missing; a case
            has several labels, rows where one is all it can have, or stands twice; the
            time does not increase within a case; numbers of cases are too large to be
            told apart.
    """
    kinds = (("case", CASE), ("time", TIME), ("label", LABEL), ("test", TEST))
    targets = targets_of(table, asked)
    read, free = table, without(table, targets)
    found = {what: _find(free, names, _others(free, what, names, asked)) for what, names in kinds}
    needed = ("label",) if asked.rows == "cases" else ("case", "label")
    missing = [what for what in needed if labelled and found[what] is None]
    own, left = _channels(free, found, asked)
    table = in_si(table, own, asked.heads)
    channels = {name: table.arrays[name] for name in own}
    _check(table, missing, channels, [table.arrays[name] for name in targets])
    alone = asked.numbers == len(channels) if asked.rows is None else asked.rows == "cases"
    said = _said(free, found, channels) + left + table.notes[len(read.notes) :]
    said += (f"targets are {listed(targets)}",) if targets and not asked.new else ()
    said += _rows_note(asked, alone) if found["case"] is None else ()
    case = _ids(table, found["case"]) if found["case"] else None
    rows = _rows(case, table, alone)
    if alone and asked.numbers is not None:
        _check_alone(table, case, rows)
    names = None if case is None else tuple(_name(case[at[0]]) for at in rows)
    said += _check_once(table, rows, names if found["time"] is None else None)
    steps, uneven = _steps(table, found["time"], rows, names)
    said += _time_notes(table, found["time"], steps, uneven)
    values = np.array([np.asarray(column, dtype=np.float64) for column in channels.values()])
    inputs, lengths = padded([values[:, at] for at in rows])
    labels = _of_cases(table, found["label"], rows, names)
    test = _of_cases(table, found["test"], rows, names)
    units = units_of(table, channels) if asked.heads else None
    # those that stand for others have no names of their own
    named = tuple(own) if asked.channels in (None, tuple(own)) else None
    series = Series(inputs, labels, lengths, channels=named, names=names, units=units)
    unit = table.units.get(found["time"] or "", "")
    series = dataclasses.replace(series, step=step_of([(step, unit) for step in steps]))
    if targets:
        columns = np.array([table.arrays[name] for name in targets], dtype=np.float64)
        values = answers(padded([columns[:, at] for at in rows])[0], lengths)
        series = dataclasses.replace(series, targets=values, target_names=tuple(targets))
    return series, None if test is None else _truth(table, test), said


def _channels(table, found, asked):
    """As `chosen`, of the columns of numbers that are nothing else."""
    wanted = asked.channels
    free = [name for name in table.arrays if name not in found.values()]
    own = [name for name in free if table.arrays[name].dtype.kind in "fiub"]
    # where a row is a case there is no time
    if wanted is not None and own and asked.rows != "cases" and asked.numbers is None:
        check_first(table.path, own[0], table.arrays[own[0]], len(own))
    texts = [name for name in free if name not in own]
    check_words(table, texts, wanted)
    return chosen(table.path, own, wanted, texts)


def units_of(table: Table, channels: Iterable[str]) -> tuple[str, ...]:
    """(channel,) symbols of the units of columns, "" where the file says none."""
    return tuple(shown(table.units.get(name, "")) for name in channels)


def _name(case):
    """A case's name; numbers of tables are floats."""
    whole = isinstance(case, np.floating) and case == np.round(case)
    return str(int(case) if whole else case)


def _others(table, what, names, asked):
    """Columns that are none of what has these names: channels of a training, what the
    user calls otherwise, and a time in a unit that is none of time.
    """
    named = [name for name in asked.names if name not in names]
    other = [name for name in table.arrays if what == "time" and not is_time(table, name, asked)]
    return {*(asked.channels or ()), *named, *other}


def is_time(table: Table, name: str, asked: Columns) -> bool:
    """Whether a column may be a time: by its unit, unless the user says that it is."""
    unit = table.units.get(name, "")
    known = unit_of(unit)
    no_time = known.si not in ("", "s") if known is not None else is_unit(unit)
    # runs of earlier versions took what is called so, whatever its unit
    return name in asked.names or not (no_time and asked.heads)


def _find(table, names, others=()):
    """The column of one of these names, or if there is none of one in capital letters;
    None without: beside `time` a `T` may be anything. It is none of the others.
    """
    free = [name for name in table.arrays if name not in others]
    found = [name for name in free if name in names]
    found = found or [name for name in free if name.lower() in names]
    if len(found) > 1:
        raise DataError(
            f"{table.path}: {listed(found)} may all be the {names[0]}; name the others otherwise"
        )
    return found[0] if found else None


def _check(table, missing, channels, targets):
    """Raises DataError for a table that cannot be cases; targets: columns."""
    if missing:
        raise DataError(
            f"{table.path}: one table of the columns {listed(table.arrays)}, without a column "
            f"{' and without a column '.join(missing)}; give each row its case and label"
            f"{', or --rows cases where each is one' if 'case' in missing else ''}, or write a "
            "file for each case into a folder of its class"
        )
    if not channels:
        raise DataError(
            f"{table.path}: no column of numbers is left for a channel; it holds "
            f"{listed(table.arrays)}"
        )
    columns = [*channels.values(), *targets]
    lengths = {len(column) for column in columns if column.ndim == 1}
    if len(lengths) != 1 or any(column.ndim != 1 for column in columns):
        raise DataError(f"{table.path}: its arrays are no columns of one length")
    if lengths == {0}:
        raise DataError(f"{table.path}: has no row; give each case one at least")


def _said(table, found, channels):
    """Sentences on what the columns are taken for."""
    other = [
        name
        for name, column in table.arrays.items()
        if column.dtype.kind not in "fiub" and name not in found.values()
    ]
    said = (f"channels are {listed(channels)}",)
    if found["time"] not in (None, *TIME):
        name = found["time"]
        said += (f"{name} is the time; where it is a channel: --columns {name}={name}",)
    if other:
        said += (f"left out: {listed(other)}, which is no number",)
    return said


def _rows_note(asked, alone):
    """(a sentence) on what rows without a column of cases are."""
    said = f"no column case, so {'each row is a' if alone else 'all rows are one'} case"
    if asked.told:
        said += f"; --rows {'points takes all of them' if alone else 'cases takes each'} as one"
    return (said,)


def _ids(table, name):
    """(row,) to which case a row belongs: texts, or numbers that differ where the
    file's do.
    """
    case = table.arrays[name]
    if case.dtype.kind != "f":
        return case
    if np.isnan(case).any():
        raise DataError(f"{table.path}: row {int(np.isnan(case).argmax())} of data has no case")
    if name in table.texts:
        texts = table.texts[name]()
        found, at = np.unique(texts, return_inverse=True)
        return np.array([_ZEROS.sub("", text) for text in found.tolist()])[at]
    large = np.flatnonzero(np.abs(case) >= EXACT)
    if large.size:
        raise DataError(
            f"{table.path}: {name} is {case[large[0]]:.0f} in row {large[0]} of data; numbers from "
            f"{EXACT} on cannot be told apart as this file holds them; write them as texts, or "
            "number the cases anew"
        )
    return case


def _rows(case, table, alone):
    """[rows] of each case, in the order in which the cases begin; alone: whether each
    is one where no column says which.
    """
    if case is None:
        every = np.arange(len(next(iter(table.arrays.values()))))
        return [*every[:, None]] if alone else [every]
    _, first, number = np.unique(case, return_index=True, return_inverse=True)
    order = np.argsort(number, kind="stable")
    pieces = np.split(order, np.cumsum(np.bincount(number))[:-1])
    return [pieces[k] for k in np.argsort(first)]


def _check_alone(table, case, rows):
    """Raises DataError for a case of several rows, where a row is a whole one."""
    several = [at for at in rows if len(at) > 1]
    if several:
        raise DataError(
            f"{table.path}: case {_name(case[several[0][0]])} has {len(several[0])} rows, and a "
            "row is a whole case of a network without time; give each row a case of its own, or "
            "leave out the column of cases"
        )


def _check_once(table, rows, names):
    """What is to be said of a table that does not say when, and in which a few cases
    have several rows together where the others have one.

    DataError: rows of a few cases lie apart, where the others' lie together.
    names: of the cases; None: rows are not looked at.
    """
    if names is None:
        return ()
    apart = [k for k, at in enumerate(rows) if at[-1] - at[0] >= len(at)]
    if 0 < 2 * len(apart) < len(rows):
        told = listed(f"{names[k]} ({_places(table, rows[k])})" for k in apart)
        stands = "cases {} stand" if len(apart) > 1 else "case {} stands"
        raise DataError(
            f"{table.path}: {stands.format(told)} twice, while most cases stand in one place; name "
            "them apart, or where they are one case say when in a column time"
        )
    many = [k for k, at in enumerate(rows) if at.size > 1]
    if 0 < 2 * len(many) < len(rows):
        told = listed(f"{names[k]} ({_places(table, rows[k])})" for k in many)
        return (f"most cases have one row, so one point; several have {told}",)
    return ()


def _places(table, at):
    """In which lines, or rows, a case stands: "lines 3 to 5, 9"; the first of many."""
    line = table.line or int
    pieces = np.split(at, np.flatnonzero(np.diff(at) > 1) + 1)
    ends = [(line(int(piece[0])), line(int(piece[-1]))) for piece in pieces[:PLACES]]
    told = ", ".join(f"{a} to {b}" if a < b else str(a) for a, b in ends)
    more = " ..." if len(pieces) > PLACES else ""
    return f"{'rows' if table.line is None else 'lines'} {told}{more}"


def step_of(steps: Sequence[tuple[float, str]]) -> tuple[float, str] | None:
    """The step in time of cases with these steps, all as of `Dataset`; None of none."""
    steps = in_one_unit(steps)
    return (float(np.median([number for number, _ in steps])), steps[0][1]) if steps else None


def in_one_unit(steps: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """Steps in time as of `Dataset`, in s where they are in several known units."""
    known = [unit_of(unit) for _, unit in steps]
    if len({unit for _, unit in steps}) < 2 or not all(unit and unit.symbol for unit in known):
        return list(steps)
    pairs = zip(known, steps, strict=True)
    return [(float(unit.to_si(np.float64(step))), unit.si) for unit, (step, _) in pairs if unit]


def _steps(table, name, rows, names):
    """([median step in time of each case], how many are uneven); DataError where a time
    does not increase.
    """
    time = np.empty(0, "U") if name is None else table.arrays[name]
    steps, uneven = [], 0
    if time.dtype.kind not in "fiu":
        return steps, uneven
    for case, at in enumerate(rows):
        step = np.diff(time[at])
        if not (step > 0).all():
            where = f"in case {names[case]} " if names else ""
            advice = "" if names else case_advice(table, time, (name,))
            raise DataError(
                f"{table.path}: {where}the time does not increase after "
                f"{'its' if names else 'the'} point {int(np.argmin(step > 0))}{advice}"
            )
        if step.size:
            steps.append(float(np.median(step)))
            uneven += bool(np.abs(step - steps[-1]).max() > EVEN * steps[-1])
    return steps, uneven


def _time_notes(table, name, steps, uneven):
    """Sentences on what the steps in time are."""
    if name is not None and table.arrays[name].dtype.kind not in "fiu":
        return ("the time is text and was left out",)
    said = ()
    if uneven:
        own = plural(uneven, "case")
        said += (f"the times of {own} are not even; points are taken as if they were",)
    if steps and max(steps) - min(steps) > EVEN * min(steps):
        said += (f"the step in time differs, {min(steps):g} to {max(steps):g}",)
    return said


def _of_cases(table, name, rows, names):
    """(case,) the one value that a column has in each case; None without it."""
    if name is None:
        return None
    column = table.arrays[name]
    for case, at in enumerate(rows):
        own = np.unique(column[at])
        if own.size > 1:
            raise DataError(
                f"{table.path}: case {names[case] if names else case} has several values of "
                f"{name}: {listed(map(str, own))}"
            )
    return np.array([column[at[0]] for at in rows])


def _truth(table, test):
    """(case,) bool of zeros and ones, or of words."""
    words = {"true": True, "false": False, "1": True, "0": False, "test": True, "train": False}
    texts = [str(value).strip().lower().removesuffix(".0") for value in test.tolist()]
    wrong = [text for text in texts if text not in words]
    if wrong:
        raise DataError(f"{table.path}: test must be true or false in each row, got {wrong[0]}")
    return np.array([words[text] for text in texts])
