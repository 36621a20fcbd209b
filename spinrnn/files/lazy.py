"""An array in a file that is sliced like a NumPy array: read as far as it is asked for, in blocks of cases that are checked when they are first read."""

import itertools
import json
import math
import os
import stat
import threading
from pathlib import Path

import h5py
import numpy as np

from spinrnn.errors import StoreError, reason_of
from spinrnn.files.hdf5 import check_link, check_plain, read_attributes
from spinrnn.files.seal import (
    CHECK,
    LARGEST_SEAL,
    LAST,
    SEALED,
    UNSEALED,
    checksum,
    digest_outside,
)


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


class StreamReader:
    """A file that `StreamWriter` wrote, opened for reading. Its seal has been checked; streamed datasets are read when they are asked for.

    Attributes:
        attributes: {name: text, number or array} of the root; arrays: {name: array} of all that was not streamed; stored: {name: `Stored`}.
    Raises:
        StoreError: missing, unfinished, truncated, changed or foreign.
    """

    def __init__(self, path):
        self.path = Path(path)
        try:
            self._descriptor = os.open(
                path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
            )  # NONBLOCK: not to wait at a pipe
        except (OSError, ValueError) as error:
            raise StoreError(f"cannot read {path}: {reason_of(error)}") from None
        try:
            self._open()
        except StoreError:
            self.close()
            raise
        except (
            Exception
        ) as error:  # h5py raises OSError, KeyError, RuntimeError and more for a broken file
            self.close()
            raise StoreError(
                f"{path}: damaged ({str(error).splitlines()[0] if str(error) else type(error).__name__})"
            ) from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Closes the file; arrays that were read stay."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self):
        table, block, end, places = _read_seal(self._descriptor, self.path)
        with open(os.dup(self._descriptor), "rb") as stream, h5py.File(stream, "r") as file:
            self.attributes = {name: _plain(value) for name, value in read_attributes(file).items()}
            self.arrays, self.stored, first, total = {}, {}, 0, 0
            for name in file:
                check_link(file, name, "", self.path)
                if not isinstance(file[name], h5py.Dataset):
                    raise StoreError(
                        f"{self.path}: {name} is a group, which a file of this kind has not"
                    )
                check_plain(file[name], name, self.path)
                total += file[name].nbytes
                if file[name].id.get_offset() is None or total > end:
                    raise StoreError(
                        f"{self.path}: the dataset {name} is not stored in a piece of its own"
                    )
                if name not in places:
                    self.arrays[name] = file[name][()]
            for name, (offset, row, cases) in places.items():
                shape, dtype = file[name].shape, file[name].dtype
                if (
                    file[name].id.get_offset(),
                    math.prod(shape[1:]) * dtype.itemsize,
                    shape[:1],
                ) != (offset, row, (cases,)):
                    raise StoreError(
                        f"{self.path}: the dataset {name} does not lie where the seal says"
                    )
                blocks = -(-cases // block)
                self.stored[name] = Stored(
                    self, name, offset, shape, dtype, block, table[first : first + blocks]
                )
                first += blocks

    def read(self, size, at):
        """So many bytes from there; StoreError where they cannot be had."""
        if self._descriptor is None:
            raise StoreError(
                f"{self.path}: has been closed; read what you need within the with block"
            )
        content = np.empty(size, np.uint8)
        view, done = memoryview(content), 0
        try:
            while done < size and (
                got := os.preadv(self._descriptor, [view[done : done + (1 << 28)]], at + done)
            ):
                done += got
        except OSError as error:
            raise StoreError(f"cannot read {self.path}: {reason_of(error)}") from None
        if done < size:
            raise StoreError(f"{self.path}: became shorter while it was read")
        return content


def _read_seal(descriptor, path):
    """(checksums of the blocks (blocks, 16), cases in a block, end of the HDF5 part, {name: (offset, bytes of a case, cases)}) of a whole file."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise StoreError(f"cannot read {path}: not a file")
    size = status.st_size
    last = os.pread(descriptor, LAST.size, max(0, size - LAST.size))
    magic, of_table, of_places, expected = (
        LAST.unpack(last) if len(last) == LAST.size else (b"", 0, 0, b"")
    )
    if magic == UNSEALED:
        raise StoreError(
            f"{path}: unfinished, the simulation that wrote it was interrupted; remove it and simulate again"
        )
    end = size - LAST.size - of_table - of_places
    if magic != SEALED or max(of_table, of_places) > LARGEST_SEAL or end < 0:
        raise StoreError(
            f"{path}: no trajectory file of spinrnn, or truncated, or changed by another program"
        )
    tail = os.pread(descriptor, of_table + of_places, end)
    damaged = StoreError(f"{path}: damaged, its content does not match its checksum")
    try:
        head = json.loads(tail[of_table:])
        block, streamed = head["block"], {name: tuple(place) for name, *place in head["streamed"]}
        numbers = [block, head["end"], *(n for place in streamed.values() for n in place)]
        whole = all(type(n) is int and 0 <= n < 2**62 for n in numbers) and all(
            len(place) == 3 for place in streamed.values()
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        raise damaged from None
    if not whole or block < 1 or head["end"] != end:
        raise damaged
    at = 0
    for offset, row, cases in sorted(streamed.values()):
        if offset < at or offset + row * cases > end:
            raise damaged
        at = offset + row * cases
    if of_table != CHECK * sum(-(-cases // block) for _, _, cases in streamed.values()):
        raise damaged
    digest = digest_outside(descriptor, end, streamed.values())
    digest.update(tail)
    if digest.digest() != expected:
        raise damaged
    return np.frombuffer(tail[:of_table], np.uint8).reshape(-1, CHECK), block, end, streamed


def _plain(value):
    if isinstance(value, bytes):  # np.bytes_ too
        return value.decode("utf-8", "replace")
    return value.item() if isinstance(value, np.generic) else value
