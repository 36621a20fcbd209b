"""Data sets: the digits that come with the package, the user's own files and folders, and stratified splits."""

import hashlib
from dataclasses import dataclass

import numpy as np

from spinrnn.errors import DataError

_ARRAYS = ("inputs", "labels", "lengths", "test")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled sequences.

    Attributes:
        inputs: (case, channel, time) real.
        labels: (case,) whole numbers from 0; None for inputs that are only to be simulated.
        lengths: (case,) input points of each case, or None if all have the whole length.
        test: (case,) bool, True for the cases of the test part that the data bring with them, or None if it is to be drawn. Zeros and
            ones are taken too.

    Raises:
        DataError: the cases differ in shape, or test is not one truth value for each case.
    """

    inputs: np.ndarray
    labels: np.ndarray | None
    lengths: np.ndarray | None = None
    test: np.ndarray | None = None

    def __post_init__(self):
        for name in _ARRAYS:
            value = getattr(self, name)
            try:
                object.__setattr__(self, name, None if value is None else np.asarray(value))
            except ValueError:
                raise DataError(
                    f"{name}: the cases differ in shape; pad them to one length and give their lengths"
                ) from None
        if self.test is not None:
            object.__setattr__(self, "test", _truth(self.test, len(self)))

    def __len__(self):
        return len(self.inputs if self.labels is None else self.labels)

    def digest(self):
        """SHA-256 of the content, by which a run knows its data again."""
        digest = hashlib.sha256()
        for array in (self.inputs, self.labels, self.lengths, self.test):
            if array is not None:
                digest.update(f"{array.dtype.str} {array.shape}".encode())
                digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def take(self, indices):
        """The cases with these indices."""
        return Dataset(
            *(
                None if (array := getattr(self, name)) is None else array[indices]
                for name in _ARRAYS
            )
        )


def _truth(test, cases):
    """test as (case,) bool; an HDF5 file's bool may hold any byte, so these are looked at too."""
    numbers = test.view(np.uint8) if test.dtype == bool else test
    if (
        test.shape != (cases,)
        or numbers.dtype.kind not in "iu"
        or not np.isin(numbers, (0, 1)).all()
    ):
        raise DataError(
            f"test: must be {cases} times true or false (1 or 0), one for each case; got {test.dtype} of shape {test.shape}"
        )
    return numbers == 1
