"""NumPy's .npz files, without pickle."""

import io
import math
import zipfile

import numpy as np

from spinrnn.errors import DataError, listed
from spinrnn.files.atomic import read_bytes

LARGEST_HEADER = 1000
"""Characters before the numbers of an array in a NumPy archive; plain ones have some hundred, and Python's parser takes memory for more."""


def read_npz(path, content=None):
    """{name: array} of a NumPy archive, or of its bytes as they were read; DataError if it is none, or holds anything but plain arrays."""
    content = read_bytes(path) if content is None else content
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_members(archive, len(content), path)
        with np.load(
            io.BytesIO(content), allow_pickle=False, max_header_size=LARGEST_HEADER
        ) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except DataError:
        raise
    except Exception as error:  # zip, header and object-array errors are of many classes
        raise DataError(
            f"{path}: not a NumPy archive of plain arrays of numbers ({type(error).__name__})"
        ) from None
    # of a member that is no array NumPy gives the bytes
    foreign = [name for name, array in arrays.items() if not isinstance(array, np.ndarray)]
    if foreign:
        raise DataError(
            f"{path}: {listed(foreign)} is no array; write it with numpy.savez, arrays alone"
        )
    return arrays


def _check_members(archive, size, path):
    """Raises DataError where a small archive would fill the memory: NumPy packs by deflate alone, whose best is a ratio of 1032."""
    members = archive.infolist()
    if any(
        member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for member in members
    ):
        raise DataError(
            f"{path}: packed in a way that NumPy does not; write it again with numpy.savez_compressed"
        )
    if sum(member.file_size for member in members) > 1100 * size:
        raise DataError(f"{path}: claims more than 1100 times its {size} bytes")
    headers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    for member in members:
        with archive.open(member) as file:
            if file.peek(6)[:6] == np.lib.format.MAGIC_PREFIX:
                shape, _, dtype = headers[np.lib.format.read_magic(file)](
                    file, max_header_size=LARGEST_HEADER
                )
                if math.prod(shape) * dtype.itemsize > member.file_size:
                    raise DataError(
                        f"{path}: {listed([member.filename])} claims the shape {shape}, which is more than it holds"
                    )
