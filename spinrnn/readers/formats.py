"""Which reader a file needs, by its bytes, or else by its name."""

import zlib
from pathlib import Path
from types import ModuleType

from spinrnn.errors import DataError
from spinrnn.files.atomic import read_bytes
from spinrnn.readers import delimited, hdf5, lvm, matlab, npz, odt, ovf, tdms, ts, wav
from spinrnn.readers.table import Table

READERS: tuple[ModuleType, ...] = (npz, hdf5, matlab, wav, tdms, ts, lvm, odt, ovf, delimited)
"""Those that know their files by the first bytes come first."""
ENDINGS = tuple(ending for reader in READERS for ending in reader.ENDINGS)
"""Of names of such files, in small letters. Each may be followed by .gz."""
LARGEST = 2**30
"""Bytes that a packed file may unpack to."""
_GZIP = b"\x1f\x8b"


def ending_of(path: str | Path) -> str:
    """The ending of a name in small letters, the one before where the last is .gz."""
    path = Path(path)
    if path.suffix.lower() == ".gz":
        path = path.with_suffix("")
    return path.suffix.lower()


def read_table(path: str | Path) -> Table:
    """Reads a file of a known format, under its usual name or another one, packed by
    gzip or not.

    Raises:
        StoreError, DataError: it cannot be read, or its content is not what the format
            allows.
    """
    path = Path(path)
    content = read_bytes(path)
    if content.startswith(_GZIP):
        content = _unpacked(path, content)
    for reader in READERS:
        if reader.claims(content):
            return reader.read(path, content)
    # a damaged file may have lost its signature; its reader says what is wrong
    for reader in READERS:
        if ending_of(path) in reader.ENDINGS:
            return reader.read(path, content)
    raise DataError(f"{path}: give a {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]} file")


def _unpacked(path, content):
    """What a gzip file holds; DataError if that is damaged or too much."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacker.decompress(content, LARGEST)
    except zlib.error as error:
        raise DataError(f"{path}: a damaged gzip file ({error})") from None
    if unpacker.unconsumed_tail:
        raise DataError(f"{path}: unpacks to more than {LARGEST:.1e} bytes; unpack it yourself")
    if not unpacker.eof:
        raise DataError(f"{path}: a truncated gzip file")
    return unpacked
