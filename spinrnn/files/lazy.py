"""An array in a file that is sliced like a NumPy array: read as far as it is asked for, in blocks of cases that are checked when they are first read."""

import hashlib
import itertools
import math
import threading

import numpy as np

from spinrnn.errors import StoreError

CHECK = 16
"""Bytes of a block's checksum."""


def checksum(content):
    """`CHECK` bytes of SHA-256."""
    return hashlib.sha256(content).digest()[:CHECK]


class Stored:
    """An array in a file, sliced like a NumPy array; each slice is read when it is asked for, and each block is checked when it is first read.

    Attributes:
        name; shape; dtype; ndim; size; nbytes: as of an array.
    """

    def __init__(self, reader, name, offset, shape, dtype, block, checksums):
        self.name, self.shape, self.dtype = name, tuple(shape), dtype
        self._reader, self._offset, self._block, self._checksums = reader, offset, block, checksums
        self._checked, self._lock = np.zeros(len(checksums), bool), threading.Lock()

    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: math.prod(self.shape))
    nbytes = property(lambda self: self.size * self.dtype.itemsize)

    def __len__(self):
        return self.shape[0]

    def __repr__(self):
        return f"<{self.name} {self.dtype} {self.shape} in {self._reader.path}>"

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError(f"{self.name}: reading it from the file makes a copy")
        array = self[:]
        return array if dtype is None else array.astype(dtype, copy=False)

    def __getitem__(self, key):
        """As for a NumPy array; the memory it takes is that of the cases (first axis) that are named, of a slice that of the result.

        Raises:
            StoreError: what is read does not match its checksum.
        """
        keys = key if isinstance(key, tuple) else (key,)
        if keys and keys[0] is Ellipsis:
            named = sum(k is not None for k in keys) - 1
            keys = (slice(None), *keys) if named < self.ndim else keys[1:]
        if not keys or keys[0] is None:
            return self._gather(np.arange(len(self)))[key]
        first, rest = keys[0], keys[1:]
        if isinstance(first, (int, np.integer)) and not isinstance(first, bool):
            case = int(np.arange(len(self))[first])
            return self._rows(case, case + 1)[(0, *rest)]
        simple = all(
            k is Ellipsis or (isinstance(k, (int, np.integer, slice)) and not isinstance(k, bool))
            for k in rest
        )
        if isinstance(first, slice) and simple:
            return self._gather(np.arange(len(self))[first], rest)
        if isinstance(first, slice):
            return self._gather(np.arange(len(self))[first])[(slice(None), *rest)]
        index = np.asarray(first)
        if index.dtype == bool and index.ndim > 1:
            return self._gather(np.arange(len(self)))[key]
        cases = np.arange(len(self))[first]
        wanted, inverse = np.unique(cases, return_inverse=True)
        return self._gather(wanted)[(inverse.reshape(np.shape(cases)), *rest)]

    def blocks(self):
        """Yields (slice of cases, array of them) block by block, for work on what is larger than memory."""
        for start in range(0, len(self), self._block):
            stop = min(start + self._block, len(self))
            yield slice(start, stop), self._rows(start, stop)

    def _gather(self, cases, rest=()):
        """The cases, which may have any order, block by block; `rest` is applied to the further axes of each."""
        if not len(cases):
            return np.empty((0, *self.shape[1:]), self.dtype)[(slice(None), *rest)]
        numbers = cases // self._block
        cuts = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(cases)]
        result = None
        for first, last in itertools.pairwise(cuts):
            own = cases[first:last]
            low, high = int(own.min()), int(own.max()) + 1
            part = self._rows(low, high)[own - low][(slice(None), *rest)]
            if result is None:
                result = np.empty((len(cases), *part.shape[1:]), self.dtype)
            result[first:last] = part
        return result

    def _rows(self, low, high):
        """Cases low ... high - 1, all of one block or several whole ones."""
        row = math.prod(self.shape[1:]) * self.dtype.itemsize
        first, last = low // self._block, -(-high // self._block)
        if not self._checked[first:last].all():
            for number in np.flatnonzero(~self._checked[first:last]) + first:
                start = int(number) * self._block
                stop = min(len(self), start + self._block)
                content = self._reader.read((stop - start) * row, self._offset + start * row)
                if checksum(content) != self._checksums[number].tobytes():
                    where = f"cases {start} to {stop - 1} of {self.name}"
                    raise StoreError(
                        f"{self._reader.path}: damaged, {where} do not match their checksum"
                    )
                self._checked[number] = True
                if start <= low and high <= stop:
                    return (
                        content[(low - start) * row : (high - start) * row]
                        .view(self.dtype)
                        .reshape(high - low, *self.shape[1:])
                    )
        return (
            self._reader.read((high - low) * row, self._offset + low * row)
            .view(self.dtype)
            .reshape(high - low, *self.shape[1:])
        )
