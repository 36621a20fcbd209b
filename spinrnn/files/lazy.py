"""Reading HDF5 files larger than memory, as `streaming` writes them: what is asked for.

The seal is checked before HDF5 sees a byte. Then HDF5 reads the attributes and the
arrays that were not streamed, and is closed: streamed datasets are read by their
offsets, so no lock and no handle of HDF5 stays, and each block of cases is checked when
it is first read.
"""

import itertools
import math
import os
import stat
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from spinrnn.errors import StoreError, reason_of
from spinrnn.files.hdf5 import check_link, check_plain, first_line, read_attributes
from spinrnn.files.seal import CHECK, LAST, SEALED, UNSEALED, Places, checksum

LARGEST_SEAL = 1 << 28
"""Bytes: what claims more is no seal."""
_LARGEST_READ = 1 << 28
"""Bytes of one call of the system."""


# ---- the file ----


class StreamReader:
    """A file that `StreamWriter` wrote, opened for reading; a context manager.

    Attributes:
        path; attributes: {name: text, number or array} of the root.
        arrays: {name: array} of all that was not streamed; stored: {name: `Stored`}.
        places: `Places` of the streamed datasets.
    Raises:
        StoreError: missing, unfinished, truncated, changed or foreign.
    """

    def __init__(self, path):
        self.path = Path(path)
        try:
            # NONBLOCK: not to wait at a pipe
            self._descriptor: Any = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, ValueError) as error:
            raise StoreError(f"cannot read {path}: {reason_of(error)}") from None
        try:
            self._open()
        except StoreError:
            self.close()
            raise
        # h5py raises OSError, KeyError, RuntimeError and more for a broken file
        except Exception as error:
            self.close()
            raise StoreError(f"{path}: damaged ({first_line(error)})") from None

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
        self.places, table = read_seal(self._descriptor, self.path)
        first, _ = self.places.first_blocks()
        with open(os.dup(self._descriptor), "rb") as stream, h5py.File(stream, "r") as file:
            self._check_datasets(file)
            self._check_places(file)
            found = read_attributes(file)
            self.attributes = {name: _plain(value) for name, value in found.items()}
            streamed = self.places.datasets
            self.arrays = {name: np.asarray(file[name]) for name in file if name not in streamed}
            self.stored = {
                name: Stored(self, file[name], table[first[name] :]) for name in streamed
            }

    def _check_datasets(self, file):
        """Raises StoreError unless all are plain datasets that fit into the file."""
        total = 0
        for name in file:
            check_link(file, name, "", self.path)
            if not isinstance(file[name], h5py.Dataset):
                raise StoreError(
                    f"{self.path}: {name} is a group, which a file of this kind has not"
                )
            check_plain(file[name], name, self.path)
            total += file[name].nbytes
            if file[name].id.get_offset() is None or total > self.places.end:
                raise StoreError(
                    f"{self.path}: the dataset {name} is not stored in a piece of its own"
                )

    def _check_places(self, file):
        """Raises StoreError unless the streamed datasets lie where the seal says."""
        for name, place in self.places.datasets.items():
            item = file[name]
            row = math.prod(item.shape[1:]) * item.dtype.itemsize
            if (item.id.get_offset(), row, *item.shape[:1]) != place:
                raise StoreError(
                    f"{self.path}: the dataset {name} does not lie where the seal says"
                )

    def read(self, size, at):
        """So many bytes from there, (size,) uint8; StoreError if they cannot be had."""
        if self._descriptor is None:
            raise StoreError(
                f"{self.path}: has been closed; read what you need within the with block"
            )
        content, done = np.empty(size, np.uint8), 0
        view = content.data
        try:
            while done < size:
                got = os.preadv(self._descriptor, [view[done : done + _LARGEST_READ]], at + done)
                if not got:
                    raise StoreError(f"{self.path}: became shorter while it was read")
                done += got
        except StoreError:
            raise
        except OSError as error:
            raise StoreError(f"cannot read {self.path}: {reason_of(error)}") from None
        return content


def read_seal(descriptor, path):
    """(`Places`, checksums of the blocks, (block, CHECK) uint8) of a whole file.

    Raises:
        StoreError: unfinished, truncated, damaged or foreign.
    """
    size, table, places, digest = _read_last(descriptor, path)
    end = size - LAST.size - table - places
    tail = os.pread(descriptor, table + places, end)
    damaged = StoreError(f"{path}: damaged, its content does not match its checksum")
    try:
        found = Places.from_json(tail[table:])
    except ValueError:
        raise damaged from None
    blocks = found.first_blocks()[1]
    if found.end != end or table != CHECK * blocks:
        raise damaged
    if found.digest(descriptor, tail) != digest:
        raise damaged
    return found, np.frombuffer(tail[:table], np.uint8).reshape(-1, CHECK)


def _read_last(descriptor, path):
    """(bytes of file, table and places, SHA-256) as the last 64 bytes say."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise StoreError(f"cannot read {path}: not a file")
    size = status.st_size
    last = os.pread(descriptor, LAST.size, max(0, size - LAST.size))
    magic, table, places, digest = LAST.unpack(last) if len(last) == LAST.size else (b"", 0, 0, b"")
    if magic == UNSEALED:
        raise StoreError(
            f"{path}: unfinished, the simulation that wrote it was interrupted; "
            "remove it and simulate again"
        )
    fits = table + places + LAST.size <= size
    if magic != SEALED or max(table, places) > LARGEST_SEAL or not fits:
        raise StoreError(
            f"{path}: no trajectory file of spinrnn, or truncated, or changed by another program"
        )
    return size, table, places, digest


def _plain(value):
    """An attribute as a text, number or array of Python's and NumPy's own kinds."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.item() if isinstance(value, np.generic) else value


# ---- its arrays ----


class Stored:
    """An array in a file, sliced like one of NumPy; read when a slice is asked for.

    Attributes:
        name, shape, dtype, ndim, size, nbytes: as of an array.
        offset: where it lies in the file, bytes; block: cases that a checksum covers.
        checksums: (block, CHECK) uint8.
    """

    def __init__(self, reader, item, checksums):
        self._reader, self.name = reader, item.name.lstrip("/")
        self.shape, self.dtype = tuple(item.shape), item.dtype
        self.offset, self.block = item.id.get_offset(), reader.places.block
        self.checksums = checksums[: -(-len(self) // self.block)]
        self._checked = np.zeros(len(self.checksums), bool)

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
        """As for a NumPy array.

        The memory it takes is that of the cases (first axis) that are named, of a slice
        that of the result.

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
        if _is_number(first):
            case = int(np.arange(len(self))[first])
            return self._rows(case, case + 1)[(0, *rest)]
        if isinstance(first, slice):
            return self._slice(np.arange(len(self))[first], rest)
        if np.asarray(first).dtype == bool and np.ndim(first) > 1:
            return self._gather(np.arange(len(self)))[key]
        return self._pick(np.arange(len(self))[first], rest)

    def _slice(self, cases, rest):
        """These cases, of each what `rest` names of the further axes."""
        if all(k is Ellipsis or isinstance(k, slice) or _is_number(k) for k in rest):
            return self._gather(cases, rest)
        # lists in further axes may combine with each other, which NumPy does best
        return self._gather(cases)[(slice(None), *rest)]

    def _pick(self, cases, rest):
        """Cases of any order and number, as an array of numbers; each is read once."""
        wanted, inverse = np.unique(cases, return_inverse=True)
        return self._gather(wanted)[(inverse.reshape(np.shape(cases)), *rest)]

    def blocks(self):
        """Yields (slice of cases, array of them), for work on what is larger than
        memory.
        """
        for start in range(0, len(self), self.block):
            stop = min(start + self.block, len(self))
            yield slice(start, stop), self._rows(start, stop)

    def _gather(self, cases, rest=()):
        """Cases of any order, read block by block, of each what `rest` names."""
        if not len(cases):
            return np.empty((0, *self.shape[1:]), self.dtype)[(slice(None), *rest)]
        numbers = cases // self.block
        cuts = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(cases)]
        result: Any = None
        for first, last in itertools.pairwise(cuts):
            own = cases[first:last]
            low, high = int(own.min()), int(own.max()) + 1
            part = self._rows(low, high)[own - low][(slice(None), *rest)]
            if result is None:
                result = np.empty((len(cases), *part.shape[1:]), self.dtype)
            result[first:last] = part
        return result

    def _rows(self, low, high):
        """Cases low ... high - 1 of one block, (high - low, ...)."""
        number = low // self.block
        if self._checked[number]:
            return self._as_cases(low, high, self._read(low, high))
        start = number * self.block
        stop = min(len(self), start + self.block)
        content = self._read(start, stop)
        if checksum(content) != self.checksums[number].tobytes():
            raise StoreError(
                f"{self._reader.path}: damaged, cases {start} to {stop - 1} of {self.name} "
                "do not match their checksum"
            )
        self._checked[number] = True
        row = self._row
        return self._as_cases(low, high, content[(low - start) * row : (high - start) * row])

    @property
    def _row(self):
        """Bytes of a case."""
        return math.prod(self.shape[1:]) * self.dtype.itemsize

    def _read(self, low, high):
        """Bytes of the cases low ... high - 1, as they lie in the file."""
        return self._reader.read((high - low) * self._row, self.offset + low * self._row)

    def _as_cases(self, low, high, content):
        return content.view(self.dtype).reshape(high - low, *self.shape[1:])


def _is_number(key):
    return isinstance(key, (int, np.integer)) and not isinstance(key, bool)
