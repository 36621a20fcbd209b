"""NumPy's .npz files, without pickle."""

import io
import math
import zipfile
from pathlib import Path

import numpy as np

from spinrnn.errors import DataError, listed
from spinrnn.readers.table import Table

ENDINGS = (".npz",)
SIGNATURE = b"PK\x03\x04"
LARGEST_HEADER = 1000
"""Characters of the description before an array's numbers. Plain arrays need some
hundred; Python's parser of longer ones would take memory without bounds.
"""
LARGEST_RATIO = 1100
"""Of all arrays' bytes to those of the file: the best of deflate, the only compression
that NumPy uses, is 1032.
"""
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def claims(content: bytes) -> bool:
    """Whether the bytes are those of an archive."""
    return content.startswith(SIGNATURE)


def read(path: str | Path, content: bytes) -> Table:
    """`Table` of the bytes of a file.

    Raises:
        DataError: no archive of NumPy's, or one with anything but plain arrays.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_members(archive, len(content), path)
        stream = io.BytesIO(content)
        with np.load(stream, allow_pickle=False, max_header_size=LARGEST_HEADER) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except DataError:
        raise
    # damaged archives, headers and arrays of objects raise errors of many classes
    except Exception as error:
        raise DataError(
            f"{path}: not a NumPy archive of plain arrays of numbers ({type(error).__name__})"
        ) from None
    # of a member that is no array NumPy gives the bytes
    foreign = [name for name, array in arrays.items() if not isinstance(array, np.ndarray)]
    if foreign:
        raise DataError(
            f"{path}: {listed(foreign)} is no array; write it with numpy.savez, arrays alone"
        )
    return Table(Path(path), arrays)


def _check_members(archive, size, path):
    """Raises DataError where a small archive would fill the memory."""
    members = archive.infolist()
    plain = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    if any(member.compress_type not in plain for member in members):
        raise DataError(
            f"{path}: packed in a way that NumPy does not; write it again with "
            "numpy.savez_compressed"
        )
    if sum(member.file_size for member in members) > LARGEST_RATIO * size:
        raise DataError(f"{path}: claims more than {LARGEST_RATIO} times its {size} bytes")
    for member in members:
        with archive.open(member) as file:
            _check_header(file, member, path)


def _check_header(file, member, path):
    """Raises DataError where an array claims more than its member holds."""
    if file.peek(6)[:6] != np.lib.format.MAGIC_PREFIX:
        return
    read_header = _HEADERS[np.lib.format.read_magic(file)]
    shape, _, dtype = read_header(file, max_header_size=LARGEST_HEADER)
    if math.prod(shape) * dtype.itemsize > member.file_size:
        raise DataError(
            f"{path}: {listed([member.filename])} claims the shape {shape}, which is more than "
            "it holds"
        )
