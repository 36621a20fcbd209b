"""IDX files, the format of MNIST: a header of type and dimensions, then the values.

They may be gzipped. Reading trusts nothing: the header is checked against what the file
can hold before memory is asked for, no more is decompressed than the header claims, and
a file that is shorter or longer than that is refused.
"""

import gzip
import io
import math
import zlib
from pathlib import Path

import numpy as np

from spinrnn.errors import StoreError
from spinrnn.files.atomic import read_bytes

TYPES = {0x08: "ubyte", 0x09: "sbyte", 0x0B: "short", 0x0C: "int", 0x0D: "float", 0x0E: "double"}
"""The format's type codes. Numbers are stored with the highest byte first."""
DTYPES = {
    "ubyte": ">u1",
    "sbyte": ">i1",
    "short": ">i2",
    "int": ">i4",
    "float": ">f4",
    "double": ">f8",
}
"""{name of a type: NumPy's name}."""
LARGEST = 2**30
"""Values in a file; MNIST has 4.7e7."""
DEFLATE = 1032
"""Bytes that one byte of gzip can stand for at most (two bits for a run of 258)."""
_GZIP = b"\x1f\x8b"
_PIECE = 2**20


class IdxFile:
    """One IDX file. Opening it reads and checks the header, `read` the values.

    Attributes:
        path: Path; type: a name of `DTYPES`; shape: tuple of the dimensions.
    """

    path: Path
    type: str
    shape: tuple[int, ...]

    def __init__(self, path: str | Path, dimensions: int):
        """Opens the file and expects this number of dimensions.

        Raises:
            StoreError: it cannot be read, is no IDX file, or its header claims what it
                cannot hold.
        """
        self.path = Path(path)
        content = read_bytes(path)
        # by content: programs that fetch files may unpack them and keep the name
        self._zipped = content.startswith(_GZIP)
        stream = io.BytesIO(content)
        self._stream = gzip.GzipFile(fileobj=stream) if self._zipped else stream
        self.type, self.shape = self._header(dimensions)
        self._bytes = math.prod(self.shape) * np.dtype(DTYPES[self.type]).itemsize
        self._check_claim(len(content), 4 + 4 * dimensions)

    def _header(self, dimensions):
        """(type, shape) as the header says."""
        magic = self._take(4)
        if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES:
            shown = magic.hex(" ") or "(none)"
            raise StoreError(f"{self.path}: not an IDX file, it begins with the bytes {shown}")
        if magic[3] != dimensions:
            raise StoreError(f"{self.path}: has {magic[3]} dimensions, expected {dimensions}")
        sizes = self._take(4 * dimensions)
        if len(sizes) < 4 * dimensions:
            raise StoreError(f"{self.path}: truncated within its header")
        return TYPES[magic[2]], tuple(np.frombuffer(sizes, ">u4").tolist())

    def _check_claim(self, size, header):
        """Refuses a header that claims what a file of this size cannot hold."""
        sizes, values = " x ".join(map(str, self.shape)), math.prod(self.shape)
        claim = f"its header claims {sizes} values of type {self.type}"
        if not values:
            raise StoreError(f"{self.path}: empty, {claim}")
        if values > LARGEST:
            raise StoreError(
                f"{self.path}: {claim}, more than {LARGEST:.1e}; it is damaged, or too large "
                "for spinrnn"
            )
        if self._zipped and self._bytes > DEFLATE * size:
            raise StoreError(
                f"{self.path}: truncated or damaged, {claim}, more than {size} bytes of gzip "
                "can hold"
            )
        rest = size - header
        if not self._zipped and self._bytes != rest:
            fault = "truncated" if rest < self._bytes else "too long"
            raise StoreError(f"{self.path}: {fault}, {claim} but {rest} bytes follow it")

    def read(self) -> np.ndarray:
        """The values, of the file's shape, in the machine's byte order. May be called
        once.

        Raises:
            StoreError: the file is damaged, or shorter or longer than its header
                claims.
        """
        # a page of it costs memory only once it is written
        content, filled = np.empty(self._bytes, np.uint8), 0
        while filled < self._bytes:
            piece = self._take(min(_PIECE, self._bytes - filled))
            if not piece:
                raise StoreError(
                    f"{self.path}: truncated, {filled} of {self._bytes} bytes follow its header"
                )
            content[filled : filled + len(piece)] = np.frombuffer(piece, np.uint8)
            filled += len(piece)
        # at the end of a gzipped file this also reads its checksum
        if self._take(1):
            raise StoreError(
                f"{self.path}: too long, more than {self._bytes} bytes follow its header"
            )
        self._stream.close()
        array = content.view(DTYPES[self.type]).reshape(self.shape)
        return array.astype(array.dtype.newbyteorder("="), copy=False)

    def _take(self, count):
        try:
            return self._stream.read(count)
        # gzip raises all three for a file that ends early or is damaged
        except (EOFError, OSError, zlib.error) as error:
            raise StoreError(f"{self.path}: truncated or damaged gzip file ({error})") from None
