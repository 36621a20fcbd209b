"""HDF5 files of other programs. `files.hdf5` makes hostile ones harmless."""

from pathlib import Path

from spinrnn.files.hdf5 import read_arrays
from spinrnn.readers.table import Table

ENDINGS = (".h5", ".hdf5")
SIGNATURE = b"\x89HDF\r\n\x1a\n"


def claims(content: bytes) -> bool:
    """Whether the bytes are those of an HDF5 file.

    It begins with its signature, or after a block of 512 bytes, or of twice as many and
    so on, that belongs to another program, as MATLAB's do.
    """
    place = 0
    while place < len(content):
        if content.startswith(SIGNATURE, place):
            return True
        place = max(512, 2 * place)
    return False


def read(path: str | Path, content: bytes) -> Table:
    """`Table` of the bytes of a file.

    Raises:
        StoreError: damaged, or not plain arrays of real numbers.
    """
    attributes, arrays = read_arrays(content, path)
    return Table(Path(path), arrays, attributes)
