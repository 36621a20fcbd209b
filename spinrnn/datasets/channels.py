"""Which columns of a file are the channels: all that are numbers, or by name those of
the training; without names all, where there are as many.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from spinrnn.config.tables import nearest
from spinrnn.errors import DataError, listed
from spinrnn.readers.table import MOST_PROBLEMS, Table, tell

PLACE = "NAME"
"""In a hint, where no column can be meant rather than another."""
_NAMELESS = re.compile(r"(column_|sample )\d+", re.ASCII)


def are_nameless(names: Sequence[str]) -> bool:
    """Whether columns, or channels of sounds, have no names but their numbers."""
    return bool(names) and all(_NAMELESS.fullmatch(name) for name in names)


def chosen(
    path: Path,
    own: Sequence[str],
    wanted: Sequence[str] | None,
    texts: Sequence[str] = (),
) -> tuple[list[str], tuple[str, ...]]:
    """(names of the channels, what is to be said of those that are left out).

    Args:
        own: columns of numbers that are nothing else; texts: the other columns.
        wanted: channels of a training in their order, or None for all of `own`.
    Raises:
        DataError: a wanted one is not there.
    """
    if wanted is None:
        return list(own), ()
    if len(own) == len(wanted) and are_nameless(own) and not {*own} & {*wanted}:
        return list(own), (f"columns without names are taken as {listed(wanted)}",)
    missing = [name for name in wanted if name not in own]
    left = [name for name in own if name not in wanted]
    if missing:
        raise DataError(f"{path}: {_sentence(missing, own, texts, left)}")
    said = (f"left out: {listed(left)}, which the training did not have",) if left else ()
    return list(wanted), said


def check_words(table: Table, names: Sequence[str], wanted: Sequence[str] | None) -> None:
    """Refuses columns of texts, of these names, in which there are numbers too: they
    may be channels, and would be left out.

    Args:
        wanted: as of `chosen`; others are left out in any case.
    Raises:
        DataError: the first of the cells that are no numbers, with their lines.
    """
    asked = [name for name in names if wanted is None or name in wanted]
    faults = {name: table.words[name]() for name in asked if name in table.words}
    told = [f"{name}: {fault}" for name, fault in faults.items() if fault]
    advice = "; write numbers or leave such cells empty, or take a column of texts out of the file"
    tell(table.path, [f"{'; '.join(told[:MOST_PROBLEMS])}{advice}"] if told else [])


def likely(missing: Sequence[str], left: Sequence[str]) -> tuple[str, str]:
    """(a channel, the column that may be it): one that is spelt nearly so, else
    `PLACE`.
    """
    near = [(name, nearest(name, left)) for name in missing]
    return next(((name, other) for name, other in near if other), (missing[0], PLACE))


def _sentence(missing, own, texts, left):
    """What is missing among the columns, and how one of another name is given."""
    gone = [name for name in missing if name not in texts]
    there = [name for name in missing if name in texts]
    said = []
    if gone:
        verb = "is" if len(gone) == 1 else "are"
        said.append(f"{listed(gone)} {verb} missing among the columns {listed(own)}")
    if there:
        said.append(f"{listed(there)} {'holds' if len(there) == 1 else 'hold'} no numbers")
    if not (gone and left):
        return f"{', '.join(said)}; give a column of numbers for each channel of the training"
    pair = "=".join(likely(gone, left))
    return f"{', '.join(said)}; columns are named by --columns, as in {pair}"


def check_first(path: Path, name: str, column: np.ndarray, count: int) -> None:
    """Refuses a first column, of so many, without a name that looks like the time."""
    if name != "column_1" or count < 2 or len(column) < 3:
        return
    step = np.diff(column)
    if (step > 0).all() and np.ptp(step) <= 1e-3 * step[0]:
        raise DataError(
            f"{path}: has no names, and its first column increases evenly; is it the time? "
            "Write a row of names, as time,voltage"
        )
