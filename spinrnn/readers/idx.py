"""IDX files, the format of MNIST and its relatives (Fashion-MNIST, KMNIST): a header of type and dimensions, then the values; plain or gzipped.

Reading trusts nothing. The header is checked against what the file can hold before memory is asked for, no more is decompressed than the
header claims, and a file that is shorter or longer than that is refused.
"""

import gzip
import io
import math
import zlib
from pathlib import Path

import numpy as np

from spinrnn.errors import DataError, StoreError
from spinrnn.files.atomic import read_bytes

TYPES = {0x08: "ubyte", 0x09: "sbyte", 0x0B: "short", 0x0C: "int", 0x0D: "float", 0x0E: "double"}
"""The format's type codes. Numbers are stored with the highest byte first."""
_DTYPES = {
    "ubyte": ">u1",
    "sbyte": ">i1",
    "short": ">i2",
    "int": ">i4",
    "float": ">f4",
    "double": ">f8",
}
LARGEST = 2**30
"""Values in a file; MNIST has 4.7e7."""
DEFLATE = 1032
"""Bytes that one byte of gzip can stand for at most (two bits for a run of 258)."""
_PIECE = 2**20


class IdxFile:
    """One IDX file. Opening it reads and checks the header, `read` the values.

    Attributes:
        path: Path; type: a name of `TYPES`; shape: tuple of the dimensions.
    """

    def __init__(self, path, dimensions):
        """Opens the file and expects this number of dimensions.

        Raises:
            StoreError: it cannot be read, is no IDX file, or its header claims what it cannot hold.
        """
        self.path = Path(path)
        content = read_bytes(path)
        self._zipped = (
            content[:2] == b"\x1f\x8b"
        )  # by content: programs that fetch files may unpack them and keep the name
        self._stream = (
            gzip.GzipFile(fileobj=io.BytesIO(content)) if self._zipped else io.BytesIO(content)
        )
        magic = self._take(4)
        if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES:
            raise StoreError(
                f"{path}: not an IDX file, it begins with the bytes {magic.hex(' ') or '(none)'}"
            )
        if magic[3] != dimensions:
            raise StoreError(f"{path}: has {magic[3]} dimensions, expected {dimensions}")
        sizes = self._take(4 * dimensions)
        if len(sizes) < 4 * dimensions:
            raise StoreError(f"{path}: truncated within its header")
        self.type = TYPES[magic[2]]
        self.shape = tuple(np.frombuffer(sizes, ">u4").tolist())
        values = math.prod(self.shape)
        self._bytes = values * np.dtype(_DTYPES[self.type]).itemsize
        claim = f"its header claims {' x '.join(map(str, self.shape))} values of type {self.type}"
        if not values:
            raise StoreError(f"{path}: empty, {claim}")
        if values > LARGEST:
            raise StoreError(
                f"{path}: {claim}, more than {LARGEST:.1e}; it is damaged, or too large for spinrnn"
            )
        rest = len(content) - 4 - 4 * dimensions
        if self._zipped and self._bytes > DEFLATE * len(content):
            raise StoreError(
                f"{path}: truncated or damaged, {claim}, more than {len(content)} bytes of gzip can hold"
            )
        if not self._zipped and self._bytes != rest:
            raise StoreError(
                f"{path}: {'truncated' if rest < self._bytes else 'too long'}, {claim} but {rest} bytes follow it"
            )

    def read(self):
        """The values, of the file's shape, in the machine's byte order. May be called once.

        Raises:
            StoreError: the file is damaged, or shorter or longer than its header claims.
        """
        content, filled = (
            np.empty(self._bytes, np.uint8),
            0,
        )  # a page of it costs memory only once it is written
        while filled < self._bytes and (piece := self._take(min(_PIECE, self._bytes - filled))):
            content[filled : filled + len(piece)] = np.frombuffer(piece, np.uint8)
            filled += len(piece)
        if filled < self._bytes:
            raise StoreError(
                f"{self.path}: truncated, {filled} of {self._bytes} bytes follow its header"
            )
        if self._take(1):  # also reads gzip's checksum
            raise StoreError(
                f"{self.path}: too long, more than {self._bytes} bytes follow its header"
            )
        self._stream.close()
        array = content.view(_DTYPES[self.type]).reshape(self.shape)
        return array.astype(array.dtype.newbyteorder("="), copy=False)

    def _take(self, count):
        try:
            return self._stream.read(count)
        except (
            EOFError,
            OSError,
            zlib.error,
        ) as error:  # gzip raises all three for a file that ends early or is damaged
            raise StoreError(f"{self.path}: truncated or damaged gzip file ({error})") from None


def read_folder(folder):
    """Reads a data set of four files under MNIST's names, `train-images-idx3-ubyte` and so on, each perhaps with `.gz`, or with `.idx3` for `-idx3`.

    Returns:
        inputs: (case, 1, pixel) real, pixels row by row; ubyte is scaled to [0, 1] and becomes float32, other types keep their values.
        labels: (case,) int64.
        test: (case,) bool, True for the cases of the t10k files, which follow those of the train files.
    Raises:
        StoreError: a file is missing, damaged or not of this format; DataError: the files do not fit together.
    """
    folder = Path(folder)
    names = [(f"{part}-images", 3) for part in ("train", "t10k")] + [
        (f"{part}-labels", 1) for part in ("train", "t10k")
    ]
    paths = [_find(folder, *name) for name in names]
    missing = [
        f"{stem}-idx{dimensions}-ubyte"
        for (stem, dimensions), path in zip(names, paths, strict=True)
        if path is None
    ]
    if missing:
        raise StoreError(
            f"{folder}: has no file {' and no file '.join(missing)} (or the same with .gz)"
        )
    files = [IdxFile(path, dimensions) for path, (_, dimensions) in zip(paths, names, strict=True)]
    images, labels = files[:2], files[2:]
    _check(images, labels)
    counts = [file.shape[0] for file in images]
    dtype = np.result_type(np.float32, _DTYPES[images[0].type])  # float64 where float32 would round
    inputs, start = np.empty((sum(counts), 1, math.prod(images[0].shape[1:])), dtype), 0
    for count, file in zip(counts, images, strict=True):
        part = inputs[start : start + count]
        part[...] = file.read().reshape(part.shape)
        start += count
    if images[0].type == "ubyte":
        inputs /= 255
    labels = np.concatenate([file.read().astype(np.int64) for file in labels])
    return inputs, labels, np.arange(len(labels)) >= counts[0]


def _find(folder, stem, dimensions):
    """The first of a file's possible paths that exists, else None. Some collections have folders of the same names."""
    spellings = [
        f"{stem}{mark}idx{dimensions}-ubyte{suffix}" for mark in "-." for suffix in ("", ".gz")
    ]
    return next((folder / name for name in spellings if (folder / name).is_file()), None)


def _check(images, labels):
    """Raises DataError if training and test files, or images and labels, do not fit together. Before any values are read."""
    for one, other in zip(images, labels, strict=True):
        if one.shape[0] != other.shape[0]:
            raise DataError(
                f"{one.path} holds {one.shape[0]} images, but {other.path.name} {other.shape[0]} labels"
            )
        if other.type in ("float", "double"):
            raise DataError(f"{other.path}: labels must be whole numbers, got type {other.type}")
    train, test = images
    if (train.shape[1:], train.type) != (test.shape[1:], test.type):
        size = "{0[1]} x {0[2]} pixels of type {1}"
        raise DataError(
            f"{train.path} holds images of {size.format(train.shape, train.type)}, but {test.path.name} {size.format(test.shape, test.type)}"
        )
