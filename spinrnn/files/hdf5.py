"""Safe reading of any HDF5 file, ours or a user's: nothing in it is trusted.

Links, storage, filters, types and sizes are checked before any data is touched; no code
is ever loaded. What is read is real arrays by name, and the attributes of the root.
"""

import io
import math
from dataclasses import dataclass

import h5py
import numpy as np

from spinrnn.errors import StoreError, listed
from spinrnn.files.seal import without_digest

LARGEST_COUNT = 10_000
"""Datasets and groups of a file that is not large."""
SMALLEST_DATASET = 300
"""Bytes that its header and its entry in a group take, at the least."""
LARGEST_DEPTH = 4
"""Of nested groups."""
_ONE_TO_ONE = (h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32)
"""Filters whose output is as long as their input, so they cannot unpack a small file
into a large one: one reorders bytes, the other checks them.
"""


BEST_RATIO = 1024
"""Of the bytes of all arrays to those of a file: what the best compression reaches."""
DESCRIPTIONS = (
    "units", "scale_factor", "add_offset", "_FillValue", "missing_value", "valid_min",
    "valid_max", "valid_range", "CLASS", "MATLAB_class", "MATLAB_empty",
)  # fmt: skip
"""Attributes of datasets that say what their numbers mean."""
LARGEST_DESCRIPTION = 1000
"""Bytes of one. Many names may lead to one dataset, and multiply what is longer."""


def read_arrays(content, path, ratio=BEST_RATIO):
    """Attributes and arrays of an HDF5 file given as bytes.

    Args:
        content: the file; path: its name, for messages.
        ratio: of the bytes of all arrays to those of the file, at most; 1 is that of
            spinrnn's own files.
    Returns:
        ({name: attribute of the root}, {name: array}); nested names with "/".
    Raises:
        StoreError: no HDF5 file, damaged, or with anything in it but plain arrays.
    """
    read = _read(content, path, ratio, strict=True)
    return read.attributes, read.arrays


@dataclass(frozen=True)
class Foreign:
    """What a file of another program holds.

    Attributes:
        attributes: of the root, as of `read_attributes`.
        arrays: {name: array of real numbers, or of texts of fixed length}.
        described: {name: {name of `DESCRIPTIONS`: value}} of arrays that have some;
            value: None where it is there, but is not read.
        left_out: {name: why} of what is neither.
    """

    attributes: dict
    arrays: dict
    described: dict
    left_out: dict


def read_foreign(content, path):
    """`Foreign` of a file given as bytes: it may hold anything beside plain arrays.

    Raises:
        StoreError: as `read_arrays`, but what is no array of numbers is left out.
    """
    return _read(content, path, BEST_RATIO, strict=False)


def _read(content, path, ratio, strict):
    """`Foreign` of a file; strict: what is not plain is refused."""
    content = without_digest(path, content)
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            arrays = _Arrays(path, len(content), ratio, strict)
            arrays.collect(file, "")
            attributes = read_attributes(file, texts=ratio == 1)
            return Foreign(attributes, arrays.found, arrays.described, arrays.left_out)
    except StoreError:
        raise
    # h5py raises OSError, KeyError, RuntimeError and more for a broken file
    except Exception as error:
        raise StoreError(
            f"{path}: not an HDF5 file, truncated or damaged ({first_line(error)})"
        ) from None


def first_line(error):
    """What an error says, in its first line; its kind where it says nothing."""
    return (str(error) or type(error).__name__).splitlines()[0]


# ---- attributes ----


def read_attributes(file, texts=True):
    """{name: number, text, bytes or array of numbers} of the attributes of the root.

    Args:
        texts: with those of variable length, whose damage can make HDF5 hang: of files
            whose checksum is right.
    """
    found = {name: read_attribute(file, name, texts) for name in file.attrs}
    return {name: value for name, value in found.items() if value is not None}


def read_attribute(file, name, texts=True):
    """An attribute of the root or of a dataset; None if it is no number, text or array
    of numbers.

    What is none of these is not read, as a few bytes of it may stand for very many.
    """
    attribute = file.attrs.get_id(name)
    kind = attribute.dtype.kind
    largest = LARGEST_DESCRIPTION if isinstance(file, h5py.Dataset) else file.id.get_filesize()
    if math.prod(attribute.shape or ()) * attribute.dtype.itemsize > largest:
        return None
    if kind == "O":
        text = isinstance(attribute.get_type(), h5py.h5t.TypeStringID) and attribute.shape == ()
        if not text or not (texts or name == "format"):
            return None
    elif kind not in "fiubS":
        return None
    value = file.attrs[name]
    return value.item() if isinstance(value, np.generic) else value


# ---- datasets ----


class _Arrays:
    """The arrays of a file; what it may hold is limited by its length.

    Hard links may lead to the same dataset many times, so whatever is looked at counts.

    Attributes:
        found, described, left_out: as of `Foreign`.
    """

    def __init__(self, path, size, ratio, strict):
        self.path, self.size, self.ratio, self.strict = path, max(size, 1), ratio, strict
        self.largest_count = max(LARGEST_COUNT, size // SMALLEST_DATASET)
        self.found, self.described, self.left_out = {}, {}, {}
        self.entries, self.bytes = 0, 0

    def collect(self, group, prefix):
        """Reads what is in a group; StoreError where it is too much, or not plain."""
        for name in group:
            full = f"{prefix}{name}"
            check_link(group, name, prefix, self.path)
            self._count(prefix)
            item = group[name]
            if isinstance(item, h5py.Group):
                self.collect(item, f"{full}/")
                continue
            why = "" if self.strict else _foreign(item)
            if why:
                self.left_out[full] = why
            else:
                check_plain(item, full, self.path, self.strict)
                self._measure(item, full)
                self.found[full] = item[()]
                if not self.strict:
                    self._describe(item, full)

    def _describe(self, item, name):
        """Keeps what the file says of a dataset's numbers."""
        given = {key: read_attribute(item, key, False) for key in DESCRIPTIONS if key in item.attrs}
        if given:
            self.described[name] = given

    def _count(self, prefix):
        self.entries += 1
        if self.entries > self.largest_count or prefix.count("/") >= LARGEST_DEPTH:
            raise StoreError(
                f"{self.path}: more than {self.largest_count} datasets, "
                f"or groups nested more than {LARGEST_DEPTH} deep"
            )

    def _measure(self, item, name):
        self.bytes += item.nbytes
        # a chunk is unpacked as a whole, even where the array is smaller
        chunk = math.prod(item.chunks or ()) * item.dtype.itemsize
        if max(self.bytes, chunk) > self.ratio * self.size:
            times = f"{self.ratio} times " if self.ratio > 1 else ""
            raise StoreError(
                f"{self.path}: with the dataset {listed([name])} it claims more than "
                f"{times}the {self.size} bytes of the file"
            )


def check_link(group, name, prefix, path):
    """Raises StoreError if an entry of a group links to another name or file."""
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise StoreError(
            f"{path}: {listed([prefix + name])} is a link elsewhere, which spinrnn does not follow"
        )


def _foreign(item):
    """Why a dataset of another program's is left out, in words; "" if it is not."""
    if not isinstance(item, h5py.Dataset):
        return "is no dataset"
    if item.is_virtual or item.external:
        return ""
    if item.shape is None:
        return "is empty"
    if item.dtype.kind == "O":
        return "is of texts or lists of variable length; write texts with a fixed one, as type S"
    if item.dtype.kind not in "fiubS":
        return "is no array of real numbers"
    if _is_stored(item):
        return ""
    scale = "CLASS" in item.attrs and read_attribute(item, "CLASS", False) == b"DIMENSION_SCALE"
    return "is a dimension without coordinates" if scale else "has no values in the file"


def check_plain(item, name, path, strict=True):
    """Raises StoreError unless a dataset holds real numbers, all in this very file.

    Args:
        strict: whether texts of fixed length are refused too.
    """
    if not _is_real_array(item, strict) or not _is_stored(item):
        raise StoreError(
            f"{path}: the dataset {listed([name])} is not a plain array of real numbers"
        )
    if item.chunks is not None and _is_packed_twice(item):
        raise StoreError(
            f"{path}: the dataset {listed([name])} is packed more than once, "
            "so a small file could fill the memory"
        )


def _is_real_array(item, strict):
    kinds = "fiub" if strict else "fiubS"
    return isinstance(item, h5py.Dataset) and item.shape is not None and item.dtype.kind in kinds


def _is_stored(item):
    """Whether the numbers lie in this file, and as many bytes as the shape claims."""
    if item.is_virtual or item.external:
        return False
    return item.compression is not None or item.id.get_storage_size() >= item.nbytes


def _is_packed_twice(item):
    """Whether more than one filter can make many bytes of few."""
    how = item.id.get_create_plist()
    filters = [how.get_filter(number)[0] for number in range(how.get_nfilters())]
    return len(set(filters) - set(_ONE_TO_ONE)) > 1 or len(set(filters)) < len(filters)
