"""HDF5 files larger than memory: all datasets get their places first, blocks are written as they come, a seal is written last.

HDF5 makes a file with contiguous datasets under a temporary name. Threads then write blocks of cases to their places by plain writes, without HDF5 and
without its locks. When all are there, the file gets its seal, is synced and renamed. The seal stands behind what HDF5 sees as the file:

    table       16 bytes (of SHA-256) for each block of each streamed dataset
    places      JSON: end of the HDF5 part, cases in a block, [name, offset, bytes of a case, cases] of each streamed dataset
    last 64     16 bytes `SEALED`, lengths of table and places, SHA-256 of everything that is not in a streamed dataset

Until then the last 64 bytes begin with `UNSEALED`, so an interrupted file is known even if somebody renames it. Reading checks the seal before HDF5 sees
a byte, and each block when it is first read.
"""

import contextlib
import dataclasses
import errno
import json
import math
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np

from spinrnn.errors import StoreError, reason_of
from spinrnn.files.atomic import new_temporary, remove_stale, sync_folder
from spinrnn.files.seal import CHECK, LAST, SEALED, UNSEALED, checksum, digest_outside
from spinrnn.machine.memory import format_size

_SYNC = 1 << 26
"""Bytes after which the disk is set to work, beside the simulation: else all of it would wait for the end, in memory that others need."""


@dataclasses.dataclass(frozen=True)
class Variable:
    """A dataset to be written.

    Attributes:
        name; dims: names of its axes, each of them that of a coordinate, which is the variable with dims == (name,).
        dtype: of the numbers; units: symbol; long_name: for people.
        values: array, or None for what will be streamed along the first axis.
    """

    name: str
    dims: tuple
    dtype: str
    units: str
    long_name: str
    values: np.ndarray | None = None


class StreamWriter:
    """A file that is being written; a context manager that ends with the whole file under its name, or with none.

    Args:
        path: target, replaced when all is written.
        variables: coordinates before those that use them; attributes: {name: text or number} of the root; block: cases in a block.
    Raises:
        StoreError: the folder cannot be written to, or has not enough room.
    """

    def __init__(self, path, variables, attributes, block):
        self.path, self.block = Path(path), block
        self._temporary = None
        self._syncer, self._syncing, self._waiting, self._lock = (
            ThreadPoolExecutor(1),
            None,
            0,
            threading.Lock(),
        )
        try:
            remove_stale(self.path)
            self._temporary, self._descriptor = new_temporary(self.path)
            self._prepare(variables, attributes)
        except BaseException as error:
            self._discard()
            self._tell(error)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _):
        try:
            if kind is None:
                self._seal()
        except BaseException as late:
            self._discard()
            self._tell(late)
        if kind is not None:
            self._discard()

    @property
    def size(self):
        """Bytes of the file, but for its seal."""
        return self._end

    def write(self, name, start, array):
        """Writes the cases from `start` on, a whole block or the rest: array of the dataset's type and further axes. Threads may do so at once.

        Raises:
            StoreError: the disk is full, or another error of the system.
        """
        offset, row, _ = self._places[name]
        content = memoryview(np.ascontiguousarray(array)).cast("B")
        self._table[self._first[name] + start // self.block] = checksum(content)
        try:
            _write(self._descriptor, content, offset + start * row)
            self._sync(len(content))
        except OSError as error:
            self._tell(error)

    def _sync(self, written):
        """Has the disk write what there is, now and then; raises the error that the last time had, as the system tells it once only."""
        with self._lock:
            self._waiting += written
            if self._waiting >= _SYNC and (self._syncing is None or self._syncing.done()):
                if self._syncing is not None:
                    self._syncing.result()
                self._syncing, self._waiting = (
                    self._syncer.submit(os.fdatasync, self._descriptor),
                    0,
                )

    def _prepare(self, variables, attributes):
        sizes = {v.name: len(v.values) for v in variables if v.dims == (v.name,)}
        shapes = {v.name: tuple(sizes[dim] for dim in v.dims) for v in variables}
        _check_room(
            self.path,
            sum(math.prod(shapes[v.name]) * np.dtype(v.dtype).itemsize for v in variables),
        )
        with open(os.dup(self._descriptor), "w+b") as stream, h5py.File(stream, "w") as file:
            for v in variables:
                dataset = _create(file, v, shapes[v.name])
                put_attributes(dataset, {"units": v.units, "long_name": v.long_name})
                if v.dims == (v.name,):
                    dataset.make_scale(v.name)
                else:
                    for axis, dim in enumerate(v.dims):
                        dataset.dims[axis].attach_scale(file[dim])
            put_attributes(file, {**attributes, "complete": 0})
            places = {
                v.name: (file[v.name].id.get_offset(), shapes[v.name])
                for v in variables
                if v.values is None
            }
            items = {v.name: np.dtype(v.dtype).itemsize for v in variables}
        self._places = {
            name: (at, items[name] * math.prod(shape[1:]), shape[0])
            for name, (at, shape) in places.items()
        }
        self._end = os.fstat(self._descriptor).st_size
        blocks = [-(-cases // self.block) for _, _, cases in self._places.values()]
        self._first = dict(zip(self._places, np.cumsum([0, *blocks]).tolist(), strict=False))
        self._table = [None] * sum(blocks)
        self._mark()

    def _mark(self):
        """Gives the file its later length and says at its end that it is not finished."""
        places = self._json()
        last = LAST.pack(UNSEALED, CHECK * len(self._table), len(places), bytes(32))
        _write(self._descriptor, last, self._end + CHECK * len(self._table) + len(places))

    def _json(self):
        streamed = [[name, *place] for name, place in self._places.items()]
        return json.dumps({"end": self._end, "block": self.block, "streamed": streamed}).encode()

    def _seal(self):
        if None in self._table:
            raise StoreError(
                f"cannot finish {self.path}: {self._table.count(None)} of {len(self._table)} blocks were not written"
            )
        self._syncer.shutdown()
        if self._syncing is not None:
            self._syncing.result()
        os.fsync(self._descriptor)
        with open(os.dup(self._descriptor), "r+b") as stream, h5py.File(stream, "r+") as file:
            file.attrs.modify("complete", np.int32(1))
        if (
            os.fstat(self._descriptor).st_size != self._end
        ):  # HDF5 cuts off what it does not know, here the mark
            raise StoreError(f"cannot finish {self.path}: HDF5 has changed its length")
        table, places = b"".join(self._table), self._json()
        digest = digest_outside(self._descriptor, self._end, self._places.values())
        digest.update(table + places)
        _write(self._descriptor, table + places, self._end)
        os.fsync(self._descriptor)
        at = self._end + len(table) + len(places)
        _write(self._descriptor, LAST.pack(SEALED, len(table), len(places), digest.digest()), at)
        os.ftruncate(self._descriptor, at + LAST.size)
        os.fsync(self._descriptor)
        os.replace(self._temporary, self.path)
        os.close(self._descriptor)
        self._temporary = None
        sync_folder(self.path.parent)

    def _discard(self):
        self._syncer.shutdown()
        if self._temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._temporary)
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._temporary = None

    def _tell(self, error):
        """Raises the error, one of the system or of HDF5 as a StoreError."""
        if isinstance(error, StoreError) or not isinstance(
            error, (OSError, ValueError, RuntimeError)
        ):
            raise error
        raise StoreError(
            f"cannot write {self.path}: {reason_of(error)}; nothing of it is kept"
        ) from None


def put_attributes(item, attributes):
    """Writes attributes of a group or dataset: texts with a fixed length, which all programs read; whole numbers as int32 where they fit.

    A whole number that not even int64 holds, as a seed may be, becomes its digits.
    """
    for name, value in attributes.items():
        value = str(value) if isinstance(value, int) and not -(2**63) <= value < 2**63 else value
        if isinstance(value, str):
            content = value.encode()
            item.attrs.create(name, content, dtype=h5py.string_dtype("utf-8", max(1, len(content))))
        else:
            value = np.asarray(value)
            whole = np.int32 if np.all(np.abs(value) < 2**31) else np.int64
            item.attrs.create(
                name, value.astype(whole if value.dtype.kind in "iub" else np.float64)
            )


def _create(file, v, shape):
    if v.values is not None:
        return file.create_dataset(
            v.name, data=np.ascontiguousarray(v.values, dtype=v.dtype), track_times=False
        )
    how = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    how.set_layout(h5py.h5d.CONTIGUOUS)
    how.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)  # so that it has a place at once
    how.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    how.set_obj_track_times(False)
    kind, space = h5py.h5t.py_create(np.dtype(v.dtype)), h5py.h5s.create_simple(shape)
    return h5py.Dataset(h5py.h5d.create(file.id, v.name.encode(), kind, space, how))


def _check_room(path, need):
    """Raises OSError where the disk says that so many bytes do not fit, before hours are spent on it."""
    disk = os.statvfs(path.parent)
    free = disk.f_bavail * disk.f_frsize
    if disk.f_blocks and need > free:
        raise OSError(
            errno.ENOSPC,
            f"No space left on device: {format_size(need)} needed, {format_size(free)} free",
        )


def _write(descriptor, content, at):
    content = memoryview(content)
    while content:
        done = os.pwrite(descriptor, content[: 1 << 28], at)
        content, at = content[done:], at + done


# ---- reading ----
