"""MATLAB's files up to version 7: level 5 of the format and its forerunner, level 4.
Those of version 7.3 are HDF5 files: `hdf5`.

Level 5 is a head of 128 bytes and elements: a type, a length, the bytes ("MAT-File
Format", The MathWorks). A matrix is an element of elements: flags, dimensions, name,
numbers; cells and structures hold matrices. Everything is read here, since SciPy's
reader, which is compiled, crashes on damaged files.
"""

import math
import zlib
from pathlib import Path

import numpy as np

from spinrnn.errors import DataError
from spinrnn.readers.hdf5 import characters, plain_vector
from spinrnn.readers.table import Table

ENDINGS = (".mat",)
HEAD = 128
LARGEST = 2**31
"""Bytes that a packed matrix may have."""
LARGEST_DEPTH = 4
"""Of structures and cells in each other."""
LARGEST_COUNT = 100_000
"""Elements of all cells and structures."""
_ORDERS = {b"IM": "<", b"MI": ">"}
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8",
          13: "u8", 16: "u1", 17: "u2", 18: "u4"}  # fmt: skip
"""{type of an element: its numbers}; the last three are text."""
_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8",
            15: "u8"}  # fmt: skip
"""{class of a matrix: its numbers}. They may be stored in a smaller type."""
_MATRIX, _PACKED, _UTF8 = 14, 15, 16
_CELL, _STRUCTURE, _CHAR = 1, 2, 4
_LOGICAL, _COMPLEX = 0x200, 0x800
_LEVEL_4 = {0: "f8", 1: "f4", 2: "i4", 3: "i2", 4: "u2", 5: "u1"}


class _Damaged(Exception):
    """What cannot be a file of MATLAB, in words."""


def claims(content: bytes) -> bool:
    """Whether the bytes are those of a file of level 5."""
    return content.startswith(b"MATLAB") and content[126:HEAD] in _ORDERS


def read(path: str | Path, content: bytes) -> Table:
    """`Table` of the bytes of a file.

    A vector has one axis, a number none; the fields of a structure have its name before
    a "/"; cells that hold texts alone are an array of texts.

    Raises:
        DataError: damaged, or no such file.
    """
    level = _Level5 if content[126:HEAD] in _ORDERS else _Level4
    try:
        reader = level(content)
        reader.collect()
    except (_Damaged, zlib.error) as error:
        raise DataError(f"{path}: not a file of MATLAB, truncated or damaged ({error})") from None
    return Table(Path(path), reader.found, left_out=reader.left_out)


# ---- level 5 ----


class _Level5:
    """Arrays of such a file.

    Attributes:
        found: {name: array}; left_out: {name: why}.
    """

    def __init__(self, content):
        self.content, self.order = content, _ORDERS[content[126:HEAD]]
        self.found, self.left_out, self.count = {}, {}, 0

    def collect(self):
        """Reads all matrices of the file."""
        place = HEAD
        while place < len(self.content):
            kind, data, place = self._element(self.content, place)
            if kind == _PACKED:
                kind, data, _ = self._element(_unpacked(data), 0)
            if kind != _MATRIX:
                raise _Damaged(f"an element of type {kind} where a matrix should be")
            name, value = self._matrix(data)
            self._keep(name, value)

    def _keep(self, name, value):
        """Puts a value into one of the two."""
        if isinstance(value, dict):
            for field, inner in value.items():
                self._keep(f"{name}/{field}", inner)
        elif isinstance(value, np.ndarray):
            self.found[name] = value
        else:
            self.left_out[name] = value

    def _element(self, content, place):
        """(type, bytes, place of the next element) of the element at a place."""
        head = content[place : place + 8]
        if len(head) < 8:
            raise _Damaged("it ends within an element")
        first, length = np.frombuffer(head, self.order + "u4").tolist()
        # up to four bytes may stand in the head itself
        if first >> 16:
            kind, length = first & 0xFFFF, first >> 16
            if length > 4:
                raise _Damaged("an element of impossible length")
            return kind, head[4 : 4 + length], place + 8
        end = place + 8 + length
        if end > len(content):
            raise _Damaged(f"it ends within an element of {length} bytes")
        return first, content[place + 8 : end], end if first == _PACKED else end + -length % 8

    def _numbers(self, kind, data):
        """(value,) of an element of numbers."""
        if kind not in _TYPES:
            raise _Damaged(f"an element of type {kind} where numbers should be")
        dtype = np.dtype(self.order + _TYPES[kind])
        if len(data) % dtype.itemsize:
            raise _Damaged("an element of impossible length")
        return np.frombuffer(data, dtype)

    def _matrix(self, data, depth=0):
        """(name, value) of a matrix: an array, {field: value} of a structure, or in
        words why it is left out.
        """
        self.count += 1
        if self.count > LARGEST_COUNT:
            raise _Damaged(f"more than {LARGEST_COUNT} cells and fields")
        if not data:
            return "", np.empty(0)
        kind, flags, place = self._element(data, 0)
        flags = int([*self._numbers(kind, flags), 0][0])
        kind, shape, place = self._element(data, place)
        shape = [int(n) for n in self._numbers(kind, shape)]
        _, name, place = self._element(data, place)
        if not shape or min(shape) < 0:
            raise _Damaged("a matrix of impossible size")
        return name.decode("latin-1"), self._value(data, place, flags, shape, depth)

    def _value(self, data, place, flags, shape, depth):
        number = flags & 0xFF
        if number in (_CELL, _STRUCTURE) and depth >= LARGEST_DEPTH:
            return f"is nested more than {LARGEST_DEPTH} deep"
        if number == _CELL:
            return self._cells(data, place, math.prod(shape), depth)
        if number == _STRUCTURE:
            return self._structure(data, place, math.prod(shape), depth)
        if flags & _COMPLEX or number not in (*_CLASSES, _CHAR):
            return "is no plain array of real numbers or texts"
        if not math.prod(shape):
            return np.empty(0) if number != _CHAR else np.array("")
        kind, stored, _ = self._element(data, place)
        if number == _CHAR:
            return self._texts(kind, stored, shape)
        values = self._numbers(kind, stored)
        if values.size != math.prod(shape):
            raise _Damaged(f"a matrix of {math.prod(shape)} numbers holds {values.size}")
        dtype = np.dtype(bool if flags & _LOGICAL else _CLASSES[number])
        # what is no number of its class is damaged, and none of ours
        with np.errstate(invalid="ignore"):
            values = values.astype(dtype)
        # MATLAB stores columns one after the other
        return plain_vector(values.reshape(shape, order="F"))

    def _texts(self, kind, stored, shape):
        """Texts (row,) of a matrix of characters."""
        if kind == _UTF8:
            codes = np.array([ord(c) for c in stored.decode("utf-8", "replace")], dtype=np.uint32)
        else:
            codes = self._numbers(kind, stored)
        if codes.size != math.prod(shape):
            raise _Damaged(f"a matrix of {math.prod(shape)} characters holds {codes.size}")
        return characters(codes.reshape(shape, order="F"))

    def _cells(self, data, place, count, depth):
        """(cell,) texts of cells that hold nothing else."""
        cells = []
        while len(cells) < count:
            kind, cell, place = self._element(data, place)
            cells.append(self._matrix(cell, depth + 1)[1] if kind == _MATRIX else "")
        texts = [cell.item() if _is_text(cell) else None for cell in cells]
        if None in texts or not texts:
            return "holds cells that are no texts"
        return np.array(texts, dtype=np.str_)

    def _structure(self, data, place, count, depth):
        """{field: value}, or why it is left out."""
        kind, size, place = self._element(data, place)
        size = int([*self._numbers(kind, size), 0][0])
        _, names, place = self._element(data, place)
        if count != 1 or size < 1:
            return "is an array of structures"
        fields = {}
        for start in range(0, len(names), size):
            kind, value, place = self._element(data, place)
            name = names[start : start + size].split(b"\0")[0].decode("latin-1")
            fields[name] = self._matrix(value, depth + 1)[1] if kind == _MATRIX else "is no matrix"
        return fields


def _unpacked(data):
    unpacker = zlib.decompressobj()
    unpacked = unpacker.decompress(data, LARGEST)
    if unpacker.unconsumed_tail:
        raise _Damaged(f"it unpacks to more than {LARGEST:.1e} bytes")
    return unpacked


def _is_text(value):
    return isinstance(value, np.ndarray) and value.dtype.kind == "U" and value.size == 1


# ---- level 4 ----


class _Level4:
    """As `_Level5`. A matrix is a head of five numbers, its name and its columns."""

    def __init__(self, content):
        self.content, self.found, self.left_out = content, {}, {}

    def collect(self):
        """Reads all matrices of the file."""
        place = 0
        if not self.content:
            raise _Damaged("it is empty")
        while place < len(self.content):
            place = self._matrix(place)

    def _matrix(self, place):
        """Reads the matrix at a place; the place of the next."""
        order, (kind, rows, columns, imaginary, length) = self._head(place)
        kind, what = divmod(kind % 1000, 10)
        if kind not in _LEVEL_4 or what > 2 or min(rows, columns, length) < 0:
            raise _Damaged("its head is none of level 4 or 5")
        dtype = np.dtype(order + _LEVEL_4[kind])
        start = place + 20 + length
        end = start + rows * columns * dtype.itemsize * (2 if imaginary else 1)
        if end > len(self.content) or not 0 < length < 100:
            raise _Damaged("it ends within a matrix")
        name = self.content[place + 20 : start].split(b"\0")[0].decode("latin-1")
        if imaginary or what == 2:
            self.left_out[name] = "is no plain array of real numbers or texts"
            return end
        values = np.frombuffer(self.content, dtype, rows * columns, start)
        values = values.reshape((rows, columns), order="F")
        if what == 1:
            codes = np.where((values >= 0) & (values < 2**16), values, ord("?"))
            self.found[name] = characters(codes)
        else:
            self.found[name] = plain_vector(values.astype(dtype.newbyteorder("=")))
        return end

    def _head(self, place):
        """(order of bytes, five numbers)."""
        head = self.content[place : place + 20]
        if len(head) < 20:
            raise _Damaged("it ends within a head")
        for order, kinds in (("<", range(53)), (">", range(1000, 1053))):
            numbers = np.frombuffer(head, order + "i4").tolist()
            if numbers[0] in kinds:
                return order, numbers
        raise _Damaged("its head is none of level 4 or 5")
