"""What a user's file holds, whatever its format: arrays by name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from spinrnn.config.tables import nearest
from spinrnn.errors import DataError, listed

MOST_PROBLEMS = 5
"""That one message tells: a file of any program may hold thousands of arrays."""


@dataclass(frozen=True, eq=False)
class Table:
    """Arrays of a file by name.

    Attributes:
        path: of the file, for messages.
        arrays: {name: array}; names of nested HDF5 groups with "/".
        attributes: {name: number, text or array} of an HDF5 file's root.
    """

    path: Path
    arrays: Mapping[str, np.ndarray]
    attributes: Mapping[str, Any] = field(default_factory=dict)

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
        for name in sorted(set(self.arrays) - {*needed, *optional}):
            meant = nearest(name, absent)
            if instead is not None and name in instead:
                problems.append(f"unknown array {name}; give {instead[name]} in its place")
            elif meant is not None:
                problems.append(f"unknown array {listed([name])}; did you mean {meant}?")
        if problems:
            raise DataError(f"{self.path}: {'; '.join(problems[:MOST_PROBLEMS])}")
