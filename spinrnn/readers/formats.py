"""Which reader a file of arrays needs, by its bytes, or else by its name."""

from pathlib import Path

from spinrnn.errors import DataError
from spinrnn.files.atomic import read_bytes
from spinrnn.readers import hdf5, npz
from spinrnn.readers.table import Table

_READERS = (npz, hdf5)
ENDINGS = tuple(ending for reader in _READERS for ending in reader.ENDINGS)
"""Of names of such files."""


def read_table(path: str | Path) -> Table:
    """Reads a .npz, .h5 or .hdf5 file, or one of these formats under another name.

    Raises:
        StoreError, DataError: it cannot be read, or its content is not plain arrays.
    """
    path = Path(path)
    content = read_bytes(path)
    for reader in _READERS:
        if reader.claims(content):
            return reader.read(path, content)
    # a damaged file may have lost its signature; its reader says what is wrong
    for reader in _READERS:
        if path.suffix in reader.ENDINGS:
            return reader.read(path, content)
    raise DataError(f"{path}: give a {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]} file")
