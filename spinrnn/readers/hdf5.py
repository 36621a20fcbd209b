"""HDF5 files of other programs: their own, netCDF-4's, MATLAB's since version 7.3.

`files.hdf5` makes hostile ones harmless.
"""

from pathlib import Path

import numpy as np

from spinrnn.files.hdf5 import read_foreign
from spinrnn.readers import netcdf
from spinrnn.readers.table import Table

ENDINGS = (".h5", ".hdf5", ".nc", ".nc4")
SIGNATURE = b"\x89HDF\r\n\x1a\n"
MATLAB = b"MATLAB 7.3 MAT-file"
_UNREAD = (
    "its units are a text of variable length, which is not read, as damage there can make HDF5 "
    'hang; say the unit by --units, or write it as numpy.bytes_("uS")'
)


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

    Packed numbers are unpacked and missing ones are NaN, as netCDF's conventions say;
    arrays of MATLAB have its order of axes. What is no array of numbers or texts of
    fixed length is left out.

    Raises:
        StoreError: damaged, or with links, or with arrays that are elsewhere.
    """
    found = read_foreign(content, path)
    if content.startswith(MATLAB) or Path(path).suffix.lower() == ".mat":
        return _of_matlab(path, found)
    ours = netcdf.MARK in found.attributes
    arrays, units, notes = {}, {}, []
    for name, array in found.arrays.items():
        described = found.described.get(name, {})
        given = {key: value for key, value in described.items() if value is not None}
        if array.dtype.kind == "S":
            arrays[name] = netcdf.texts_of(array) if ours else array
            continue
        arrays[name], said = netcdf.values_of(array, given, ours)
        notes += [f"{name}: {said}"] if said else []
        if isinstance(given.get("units"), bytes | str):
            units[name] = _text(given["units"])
        elif "units" in described and not given.get("units"):
            notes.append(f"{name}: {_UNREAD}")
    return Table(
        Path(path),
        arrays,
        found.attributes,
        units,
        left_out=found.left_out,
        notes=tuple(notes),
    )


def _text(value):
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


# ---- MATLAB ----


def _of_matlab(path, found):
    """`Table` of a file that MATLAB wrote, whose axes HDF5 shows in reverse."""
    arrays = {}
    for name, array in found.arrays.items():
        kind = _text(found.described.get(name, {}).get("MATLAB_class") or b"")
        empty = found.described.get(name, {}).get("MATLAB_empty", 0)
        if name.startswith("#"):
            continue
        if empty:
            arrays[name] = np.empty(0)
        elif kind == "char":
            arrays[name] = characters(array.T)
        else:
            arrays[name] = plain_vector(array.T.astype(bool) if kind == "logical" else array.T)
    left_out = {name: why for name, why in found.left_out.items() if not name.startswith("#")}
    return Table(Path(path), arrays, found.attributes, left_out=left_out)


def plain_vector(array: np.ndarray) -> np.ndarray:
    """An array of MATLAB's, where every vector is a matrix of one row or column, with
    one axis if it is a vector and none if it is a number.
    """
    if array.ndim == 2 and 1 in array.shape:
        return array.reshape(() if array.size == 1 else -1)
    return array


def characters(codes: np.ndarray) -> np.ndarray:
    """Texts (row,) of an array (row, character) of numbers of characters."""
    rows = codes.reshape(len(codes), -1) if codes.ndim else codes.reshape(1, 1)
    texts = ["".join(map(chr, row)).rstrip() for row in rows.astype(np.uint16).tolist()]
    return plain_vector(np.array(texts, dtype=np.str_))
