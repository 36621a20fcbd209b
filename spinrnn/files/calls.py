"""The log of a device's calls, an HDF5 file that any kill leaves whole.

All calls of a training are known before it starts, so the file is made with a place for
each, under a temporary name, and what comes later is written to its place by plain
writes: HDF5's own tables never change. Places that were not written take no room on the
disk (the file is sparse) and read as zero. An answer has a checksum; one that a power
cut tore is not one.
"""

import hashlib
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from spinrnn.errors import StoreError, reason_of
from spinrnn.files.atomic import new_temporary, remove_stale, sync_names
from spinrnn.files.container import AXIS_ORDER, in_oldest_form
from spinrnn.files.streaming import Variable, create, open_hdf5, place_of, put_attributes

PARTS = ("training", "validation", "test")
"""Of the data; their numbers are those of the dataset `part`."""
ASKED, ANSWERED = 1, 2
"""Of the dataset `state`; 0: not asked."""
OUTPUTS, FEATURES = 1, 2
"""Of the dataset `gave`, added up."""
LETTERS = 240
"""Bytes that are kept of an error."""
_TEXT = f"S{LETTERS}"
_CALL = {
    "state": ("u1", "1", "0 not asked, 1 asked in vain so far, 2 answered"),
    "gave": ("u1", "1", "1 outputs, 2 features, 3 both"),
    "attempts": ("i4", "1", "times that the device was asked, torn answers not counted"),
    "started": ("f8", "s", "of the last attempt, since 1970-01-01 UTC"),
    "seconds": ("f8", "s", "that the last attempt took"),
    "seconds_failed": ("f8", "s", "that attempts before it took, waits between not counted"),
    "parameters_sha256": ("S64", "1", "of the weights and all else the device was set to"),
    "inputs_sha256": ("S64", "1", "of inputs and lengths"),
    "answer_sha256": ("S64", "1", "of outputs and features, float64"),
    "first_error": (_TEXT, "1", "of the attempts"),
    "last_error": (_TEXT, "1", "of the attempts"),
}
"""{dataset with an entry for each call: (type, unit, meaning)}, written as they
come.
"""


class Planned(NamedTuple):
    """The calls that there will be, each (call,), and their sizes.

    Attributes:
        part: numbers of `PARTS`; epoch: from 1; batch: from 1, 0 of a whole part;
            cases: in each.
        outputs, features: shapes of one case's.
    """

    part: np.ndarray
    epoch: np.ndarray
    batch: np.ndarray
    cases: np.ndarray
    outputs: tuple[int, ...]
    features: tuple[int, ...]

    def same(self, other: "Planned") -> bool:
        """Whether it has the same calls of the same sizes."""
        return all(np.array_equal(one, two) for one, two in zip(self, other, strict=True))


class CallLog:
    """A file of calls, new or gone on with.

    Args:
        path: of the file; planned: `Planned`; title: attribute of a new file.
    Raises:
        StoreError: it cannot be written, or holds other calls than these.
    """

    def __init__(self, path: Path, planned: Planned, title: str) -> None:
        self.path, self._planned = Path(path), planned
        self._first = np.concatenate([[0], np.cumsum(planned.cases)]).astype(np.int64)
        try:
            if not self.path.exists():
                self._make(title)
            self._places = self._found()
            self._file = os.open(self.path, os.O_RDWR)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            if isinstance(error, StoreError):
                raise
            raise StoreError(f"cannot write {self.path}: {reason_of(error)}") from None

    def close(self) -> None:
        os.close(self._file)

    # ---- what happens to a call; number: from 1 ----

    def failed(
        self, number: int, started: float, seconds: float, text: str, digests: dict[str, str]
    ) -> None:
        """Notes an attempt that failed; StoreError: the call has an answer."""
        count = self._in_vain(number)
        failed = float(self._entry("seconds_failed", number))
        state = {"state": ASKED, "attempts": count + 1, "started": started, "seconds": seconds}
        # no letter of several bytes is cut in two
        short = text.encode()[:LETTERS].decode(errors="ignore")
        names = ("last_error",) if count else ("first_error", "last_error")
        errors = dict.fromkeys(names, short)
        self._put(number, {**state, "seconds_failed": failed + seconds, **digests, **errors})
        self._sync()

    def answered(
        self, number: int, started: float, seconds: float, arrays: dict[str, np.ndarray],
        cases: np.ndarray, digests: dict[str, str],
    ) -> None:  # fmt: skip
        """Keeps an answer: arrays (case, ...) by name, outputs, features or both;
        cases: (case,) numbers in their part. That it is there is written last.

        StoreError: the call has an answer, which stays.
        """
        count = self._in_vain(number)
        first = self._first[number - 1]
        self._write("case", first, cases, "i8")
        for name, array in arrays.items():
            self._write(name, first, array, "f8")
        gave = sum({"outputs": OUTPUTS, "features": FEATURES}[name] for name in arrays)
        entry = {"gave": gave, "attempts": count + 1}
        entry |= {"started": started, "seconds": seconds, "answer_sha256": _digest(arrays)}
        self._put(number, {**entry, **digests, "state": ANSWERED})
        self._sync()

    def answer(self, number: int) -> tuple[dict[str, np.ndarray], dict[str, str]] | None:
        """({name: (case, ...) float64}, digests of what was asked) of a call that was
        answered, else None; also None where a power cut has torn the answer.
        """
        if self._entry("state", number) != ANSWERED:
            return None
        gave, first = int(self._entry("gave", number)), self._first[number - 1]
        shapes = {"outputs": self._planned.outputs, "features": self._planned.features}
        arrays = {}
        for name, bit in (("outputs", OUTPUTS), ("features", FEATURES)):
            if gave & bit:
                shape = (int(self._planned.cases[number - 1]), *shapes[name])
                arrays[name] = self._read(name, first, int(np.prod(shape)), "f8").reshape(shape)
        if self._entry("answer_sha256", number).decode() != _digest(arrays):
            return None
        names = ("parameters_sha256", "inputs_sha256")
        return arrays, {name: self._entry(name, number).decode() for name in names}

    def totals(self) -> dict[str, Any]:
        """Calls that were answered, attempts that failed, and seconds of both."""
        count = len(self._planned.cases)
        own = {name: self._read(name, 0, count, _CALL[name][0]) for name in _CALL}
        done = own["state"] == ANSWERED
        seconds = own["seconds_failed"].sum() + own["seconds"][done].sum()
        failures = own["attempts"].sum() - done.sum()
        return {"calls": int(done.sum()), "failures": int(failures), "seconds": float(seconds)}

    def _in_vain(self, number):
        """Attempts that failed so far: a torn answer is none of them."""
        if self.answer(number) is not None:
            raise StoreError(f"{self.path} has an answer of call {number}, which is kept")
        torn = self._entry("state", number) == ANSWERED
        return int(self._entry("attempts", number)) - int(torn)

    # ---- places ----

    def _put(self, number, entry):
        for name, value in entry.items():
            text = value.encode() if isinstance(value, str) else value
            self._write(name, number - 1, text, _CALL[name][0])

    def _entry(self, name, number):
        return self._read(name, number - 1, 1, _CALL[name][0])[0]

    def _write(self, name, first, values, dtype):
        content = np.ascontiguousarray(np.atleast_1d(values), dtype=dtype).data.cast("B")
        offset, row, _ = self._places[name]
        at = offset + int(first) * row
        try:
            while content:
                done = os.pwrite(self._file, content, at)
                content, at = content[done:], at + done
        except OSError as error:
            raise StoreError(f"cannot write {self.path}: {reason_of(error)}") from None

    def _read(self, name, first, count, dtype):
        offset, row, _ = self._places[name]
        size = np.dtype(dtype).itemsize * count
        content = os.pread(self._file, size, offset + int(first) * row)
        # what was not written behind the end of a file that was cut is zero
        return np.frombuffer(content.ljust(size, b"\0"), dtype=dtype)

    def _sync(self):
        try:
            os.fdatasync(self._file)
        except OSError as error:
            raise StoreError(f"cannot write {self.path}: {reason_of(error)}") from None

    # ---- the HDF5 part ----

    def _make(self, title):
        """Makes the file with all places, whole or not at all."""
        remove_stale(self.path)
        temporary, descriptor = new_temporary(self.path)
        variables = _variables(self._planned, self._first)

        def make(form):
            os.ftruncate(descriptor, 0)
            with open_hdf5(descriptor, "w+b", "w", form) as file:
                _fill(file, variables, title)

        try:
            in_oldest_form(make)
            os.fsync(descriptor)
            os.replace(temporary, self.path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)
        sync_names([self.path])

    def _found(self):
        """{dataset: (offset, bytes of an entry, entries)} of the file."""
        with open(self.path, "rb") as stream, open_hdf5(stream.fileno(), "rb", "r") as file:
            sets: dict[str, Any] = dict(file.items())
            known = [sets[name][()] for name in ("part", "epoch", "batch", "cases")]
            shapes = [sets[name].shape[1:] for name in ("outputs", "features")]
            if not self._planned.same(Planned(*known, *shapes)):
                raise StoreError(
                    f"{self.path} has the calls of another training; move it away, or begin in a "
                    "new folder"
                )
            names = [*_CALL, "case", "outputs", "features"]
            return {name: place_of(sets[name]) for name in names}


def _digest(arrays):
    """SHA-256 of an answer."""
    found = hashlib.sha256()
    for name in sorted(arrays):
        found.update(np.ascontiguousarray(arrays[name], dtype=np.float64).data.cast("B"))
    return found.hexdigest()


def _variables(planned, first):
    """`Variable`s of the file, and the sizes of their axes."""
    calls, rows = len(planned.cases), int(first[-1])
    found = [
        Variable("part", ("call",), "u1", "1", f"of the data: {', '.join(PARTS)}", planned.part),
        Variable("epoch", ("call",), "i4", "1", "from 1", planned.epoch),
        Variable("batch", ("call",), "i4", "1", "from 1; 0 of a whole part", planned.batch),
        Variable("first", ("call",), "i8", "1", "row of its first case", first[:-1]),
        Variable("cases", ("call",), "i4", "1", "rows that it has", planned.cases),
    ]
    found += [Variable(name, ("call",), *about) for name, about in _CALL.items()]
    found.append(Variable("case", ("row",), "i8", "1", "number of the case in its part"))
    for name, shape, about in (
        ("outputs", planned.outputs, "that the device gave, in the targets' units"),
        ("features", planned.features, "that the device's readout gave"),
    ):
        axes = ("row", name[:-1], "point")[: 1 + len(shape)]
        found.append(Variable(name, axes, "f8", "1", about))
    sizes = {"call": calls, "row": rows}
    return found, sizes, {"outputs": planned.outputs, "features": planned.features}


def _fill(file, variables, title):
    """Makes the datasets with their names of axes, units and meanings."""
    found, sizes, further = variables
    for variable in found:
        shape = tuple(sizes[axis] for axis in variable.dims if axis in sizes)
        dataset = create(file, variable, shape + further.get(variable.name, ()))
        about = {"units": variable.units, "long_name": variable.long_name}
        put_attributes(dataset, about)
        for axis, name in enumerate(variable.dims):
            dataset.dims[axis].label = name
    about = {"format": "spinrnn calls", "version": 1, "title": title}
    put_attributes(file, {**about, "axis_order": AXIS_ORDER})
