"""What a user's file holds, whatever its format: arrays by name, and what it says of
them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from spinrnn.config.tables import nearest
from spinrnn.errors import DataError, listed

MOST_PROBLEMS = 5
"""That one message tells: a file of any program may hold thousands of arrays."""


def tell(path: str | Path, problems: list[str]) -> None:
    """Raises DataError with the first of the problems of a file, if there are any."""
    if problems:
        left = len(problems) - MOST_PROBLEMS
        more = f"; and {left} more" if left > 0 else ""
        raise DataError(f"{path}: {'; '.join(problems[:MOST_PROBLEMS])}{more}")


@dataclass(frozen=True, eq=False)
class Table:
    """Arrays of a file by name.

    Attributes:
        path: of the file, for messages.
        arrays: {name: array}, in the file's order; names of nested HDF5 groups with
            "/".
        attributes: {name: number, text or array} of the file's head or root.
        units: {name of an array: its unit as the file writes it}, as far as it says so.
        classes: {name of an array of whole numbers: names of the classes 0, 1, ...}.
        left_out: {name: why} of what the file holds beside its arrays.
        notes: sentences on what had to be found out to read the file, as its delimiter.
        texts: {name of a column of numbers: what gives its cells as they stand in the
            file, (row,) texts}, of files of text: 007 and 7 are one number.
        words: {name of a column of texts: what says which of its cells are no numbers,
            where others are}, of files of text; it says "" of what is meant as texts.
        line: what gives the line, from 1, of a row, of files of text.
    """

    path: Path
    arrays: Mapping[str, np.ndarray]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    texts: Mapping[str, Callable[[], np.ndarray]] = field(default_factory=dict)
    words: Mapping[str, Callable[[], str]] = field(default_factory=dict)
    line: Callable[[int], int] | None = None

    def __repr__(self) -> str:
        arrays = listed(f"{name} {np.shape(array)}" for name, array in self.arrays.items())
        return f"<Table of {self.path.name}: {arrays}>"

    def check_names(
        self,
        needed: Iterable[str],
        optional: Iterable[str] = (),
        instead: Mapping[str, str] | None = None,
    ) -> None:
        """Refuses a file without the needed arrays, or with misspelt ones.

        Other arrays may have any name, but not one that is nearly that of an array that
        is not there.

        Args:
            instead: {name that users may give: what to give in its place}.
        Raises:
            DataError: all such names at once.
        """
        needed = list(needed)
        missing = [name for name in needed if name not in self.arrays]
        absent = [name for name in (*needed, *optional) if name not in self.arrays]
        problems = []
        if missing:
            problems.append(
                f"has no array {' and no array '.join(missing)}; it holds {listed(self.arrays)}"
            )
        problems += [f"{name} {self.left_out[name]}" for name in missing if name in self.left_out]
        for name in sorted(set(self.arrays) - {*needed, *optional}):
            meant = nearest(name, absent)
            if instead is not None and name in instead:
                problems.append(f"unknown array {name}; give {instead[name]} in its place")
            elif meant is not None:
                problems.append(f"unknown array {listed([name])}; did you mean {meant}?")
        if problems:
            raise DataError(f"{self.path}: {'; '.join(problems[:MOST_PROBLEMS])}")
