"""Writing HDF5 files larger than memory: places first, then blocks, the seal last.

HDF5 makes a file with contiguous datasets under a temporary name. Threads then write
blocks of cases to their places by plain writes, without HDF5 and without its locks.
When all are there the file gets its seal (`seal` has its form), is synced and renamed.
"""

import contextlib
import errno
import math
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from spinrnn.errors import StoreError, reason_of
from spinrnn.files.atomic import new_temporary, remove_stale, sync_names
from spinrnn.files.container import in_oldest_form
from spinrnn.files.seal import CHECK, LAST, SEALED, UNSEALED, Places, checksum
from spinrnn.machine.memory import format_size

SYNC = 1 << 26
"""Bytes after which the disk is set to work beside the simulation; else what waits for
it would fill the memory, and all of it be written at the end."""
_LARGEST_WRITE = 1 << 28
"""Bytes of one call of the system."""


@dataclass(frozen=True)
class Variable:
    """A dataset to be written.

    Attributes:
        name; dims: names of its axes, each of them that of a coordinate, which is the
            variable with dims == (name,).
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
    """A file that is being written; a context manager.

    It ends with the whole file under its name, or with none. Only an UnsyncedError
    leaves the file, whole, and says so.

    Args:
        path: target, replaced when all is written.
        variables: `Variable`s, coordinates before those that use them.
        attributes: {name: text or numbers} of the root; block: cases in a block.
    Raises:
        StoreError: the folder cannot be written to, or has not enough room.
    """

    def __init__(self, path, variables, attributes, block):
        self.path = Path(path)
        self._temporary: Any = None
        self._syncer = _Syncer()
        try:
            remove_stale(self.path)
            self._temporary, self._descriptor = new_temporary(self.path)
            self._prepare(variables, attributes, block)
        except BaseException as error:
            self._discard()
            self._tell(error)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _):
        try:
            if kind is None:
                self._finish()
        except BaseException as late:
            self._discard()
            self._tell(late)
        if kind is not None:
            self._discard()

    @property
    def size(self):
        """Bytes of the file, but for its seal."""
        return self._places.end

    def write(self, name, start, array):
        """Writes a block of cases, from number `start` on; threads may do so at once.

        Args:
            array: (case, ...) of the dataset's type, a whole block or the rest.
        Raises:
            StoreError: the disk is full, or another error of the system.
        """
        offset, row, _ = self._places.datasets[name]
        content = np.ascontiguousarray(array).data.cast("B")
        self._table[self._first[name] + start // self._places.block] = checksum(content)
        try:
            _write(self._descriptor, content, offset + start * row)
            self._syncer.note(self._descriptor, len(content))
        except OSError as error:
            self._tell(error)

    # ---- before and after the blocks ----

    def _prepare(self, variables, attributes, block):
        """Makes the HDF5 part, in which every dataset has its place."""
        sizes = {v.name: len(v.values) for v in variables if v.dims == (v.name,)}
        shapes = {v.name: tuple(sizes[dim] for dim in v.dims) for v in variables}
        need = sum(math.prod(shapes[v.name]) * np.dtype(v.dtype).itemsize for v in variables)
        _check_room(self.path, need)

        def make(form):
            os.ftruncate(self._descriptor, 0)
            with open_hdf5(self._descriptor, "w+b", "w", form) as file:
                _fill(file, variables, shapes)
                put_attributes(file, {**attributes, "complete": 0})
                return {v.name: place_of(file[v.name]) for v in variables if v.values is None}

        datasets = in_oldest_form(make)
        self._places = Places(os.fstat(self._descriptor).st_size, block, datasets)
        self._first, blocks = self._places.first_blocks()
        self._table: list[Any] = [None] * blocks
        self._mark_unfinished()

    def _mark_unfinished(self):
        """Gives the file its later length, and an end that says what it is not yet."""
        table, places = CHECK * len(self._table), self._places.to_json()
        last = LAST.pack(UNSEALED, table, len(places), bytes(32))
        _write(self._descriptor, last, self._places.end + table + len(places))

    def _finish(self):
        """Gives the complete file its seal and its name."""
        missing = self._table.count(None)
        if missing:
            raise StoreError(
                f"cannot finish {self.path}: {missing} of {len(self._table)} blocks "
                "were not written"
            )
        self._syncer.close()
        os.fsync(self._descriptor)
        self._mark_complete()
        self._write_seal()
        os.replace(self._temporary, self.path)
        self._temporary = None
        # all is on the disk, so what closing says changes nothing
        with contextlib.suppress(OSError):
            os.close(self._descriptor)
        sync_names([self.path])

    def _mark_complete(self):
        """Tells other programs; HDF5 cuts off the end, which it does not know."""
        with open_hdf5(self._descriptor, "r+b", "r+") as file:
            file.attrs.modify("complete", np.int32(1))
        if os.fstat(self._descriptor).st_size != self._places.end:
            raise StoreError(f"cannot finish {self.path}: HDF5 has changed its length")

    def _write_seal(self):
        table, places = b"".join(self._table), self._places.to_json()
        digest = self._places.digest(self._descriptor, table + places)
        last = LAST.pack(SEALED, len(table), len(places), digest)
        at = self._places.end + len(table) + len(places)
        _write(self._descriptor, table + places, self._places.end)
        # "sealed" reaches the disk after all that it is about
        os.fsync(self._descriptor)
        _write(self._descriptor, last, at)
        os.ftruncate(self._descriptor, at + len(last))
        os.fsync(self._descriptor)

    # ---- failures ----

    def _discard(self):
        """Removes what there is of the file."""
        self._syncer.abandon()
        if self._temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._temporary)
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._temporary = None

    def _tell(self, error):
        """Raises the error, one of the system or of HDF5 as a StoreError."""
        foreign = isinstance(error, (OSError, ValueError, RuntimeError))
        if isinstance(error, StoreError) or not foreign:
            raise error
        raise StoreError(
            f"cannot write {self.path}: {reason_of(error)}; nothing of it is kept"
        ) from None


class _Syncer:
    """Has the disk write what there is every `SYNC` bytes, by a thread of its own."""

    def __init__(self):
        self._thread, self._lock = ThreadPoolExecutor(1), threading.Lock()
        self._running, self._waiting = None, 0

    def note(self, descriptor, written):
        """Counts bytes that were written to a file; raises the error that the disk had.

        The system tells an error of the disk to one call only, so each call's end is
        looked at.
        """
        with self._lock:
            self._waiting += written
            idle = self._running is None or self._running.done()
            if self._waiting >= SYNC and idle:
                if self._running is not None:
                    self._running.result()
                self._running = self._thread.submit(os.fdatasync, descriptor)
                self._waiting = 0

    def close(self):
        """Waits for the disk; raises the error that it had."""
        self._thread.shutdown()
        if self._running is not None:
            self._running.result()

    def abandon(self):
        """Waits for the disk, whatever it says."""
        self._thread.shutdown()


# ---- the HDF5 part ----


@contextlib.contextmanager
def open_hdf5(descriptor, mode, hdf5_mode, form=None):
    """An open file as HDF5 sees it; by Python's file, as HDF5 would lock its own."""
    with (
        open(os.dup(descriptor), mode) as stream,
        h5py.File(stream, hdf5_mode, libver=form) as file,
    ):
        yield file


def _fill(file, variables, shapes):
    """Makes the datasets, with names for their axes and units."""
    for v in variables:
        dataset = create(file, v, shapes[v.name])
        put_attributes(dataset, {"units": v.units, "long_name": v.long_name})
        if v.dims == (v.name,):
            dataset.make_scale(v.name)
        else:
            for axis, dim in enumerate(v.dims):
                dataset.dims[axis].attach_scale(file[dim])


def create(file, v, shape):
    """The dataset of a variable; only its place if it will be streamed."""
    if v.values is not None:
        values = np.ascontiguousarray(v.values, dtype=v.dtype)
        return file.create_dataset(v.name, data=values, track_times=False)
    how = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    how.set_layout(h5py.h5d.CONTIGUOUS)
    # a place at once, and nothing written to it
    how.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    how.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    how.set_obj_track_times(False)
    kind, space = h5py.h5t.py_create(np.dtype(v.dtype)), h5py.h5s.create_simple(shape)
    return h5py.Dataset(h5py.h5d.create(file.id, v.name.encode(), kind, space, how))


def place_of(dataset):
    """(offset, bytes of a case, cases) of a dataset."""
    shape = dataset.shape
    return dataset.id.get_offset(), dataset.dtype.itemsize * math.prod(shape[1:]), shape[0]


def put_attributes(item, attributes):
    """Writes attributes of a group or dataset, in forms that all programs read.

    Texts get a fixed length, whole numbers int32 where they fit; one that not even
    int64 holds, as a seed may be, becomes its digits.
    """
    for name, value in attributes.items():
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            value = str(value)
        if isinstance(value, str):
            content = value.encode()
            kind = h5py.string_dtype("utf-8", max(1, len(content)))
            item.attrs.create(name, content, dtype=kind)
        else:
            value = np.asarray(value)
            whole = np.int32 if np.all(np.abs(value) < 2**31) else np.int64
            kind = whole if value.dtype.kind in "iub" else np.float64
            item.attrs.create(name, value.astype(kind))


# ---- bytes ----


def _check_room(path, need):
    """Raises OSError where the disk has no room for so many bytes."""
    disk = os.statvfs(path.parent)
    free = disk.f_bavail * disk.f_frsize
    # some file systems say 0 of everything
    if disk.f_blocks and need > free:
        raise OSError(
            errno.ENOSPC,
            f"No space left on device: {format_size(need)} needed, {format_size(free)} free",
        )


def _write(descriptor, content, at):
    """Writes all bytes to that place of a file."""
    content = memoryview(content)
    while content:
        done = os.pwrite(descriptor, content[:_LARGEST_WRITE], at)
        content, at = content[done:], at + done
