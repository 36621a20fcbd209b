"""HDF5 files of spinrnn: networks and checkpoints, written atomically, checked against a digest when read.

A file holds real arrays as plain contiguous datasets and, as attributes of the root, `format` ("spinrnn"), `kind` ("network",
"checkpoint" or "point", the result of a point of a sweep), `version`, `config` (the configuration as TOML) and `sha256` over all of that. Reading trusts nothing: links, storage,
types and sizes are checked before any data is touched, and no code is ever loaded.
"""

import hashlib
import io
import math

import h5py
import numpy as np

from spinrnn.errors import StoreError, listed
from spinrnn.files.seal import WHOLE

LARGEST_COUNT, LARGEST_DEPTH = 10_000, 4
"""Of datasets in a file and of nested groups; hard links could make a small file endless."""
_HARMLESS = (h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32)
"""Filters that give as many bytes as they take."""


def read_arrays(content, path, ratio=1024):
    """Attributes and arrays of an HDF5 file given as bytes, after checks that make a hostile file harmless.

    Args:
        content: the file; path: its name, for messages; ratio: of all arrays' bytes to those of the file, at most. 1024 is that of the best
            compression, spinrnn's own files are not compressed.
    Returns:
        ({name: attribute}, {name: array}); nested names with "/".
    """
    seal = content[
        max(content.rfind(WHOLE, -96), 0) :
    ]  # a little further on, should the end be lost or grown
    if seal.startswith(
        WHOLE
    ):  # HDF5 never sees what has come to harm: damaged bytes can hang it. Files of before have no such end
        content = content[: -len(seal)]
        if seal[16:] != hashlib.sha256(content).digest():
            raise StoreError(f"{path}: damaged, its content does not match its checksum")
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            collected = _Collected(path, len(content), ratio)
            collected.take(file, "")
            return read_attributes(file, texts=ratio == 1), collected.arrays
    except StoreError:
        raise
    except (
        Exception
    ) as error:  # h5py raises OSError, KeyError, RuntimeError and more for a broken file
        raise StoreError(
            f"{path}: not an HDF5 file, truncated or damaged ({(str(error) or type(error).__name__).splitlines()[0]})"
        ) from None


def read_attributes(file, texts=True):
    """{name: number, text, bytes or array of numbers} of the root; texts: those of variable length, too, whose damage can hang HDF5."""
    found = {name: read_attribute(file, name, texts) for name in file.attrs}
    return {name: value for name, value in found.items() if value is not None}


def read_attribute(file, name, texts=True):
    """An attribute of the root; None for what is no number, text or array of numbers, as a few bytes of it may stand for very many."""
    attribute = file.attrs.get_id(name)
    if attribute.dtype.kind == "O":  # a text of variable length, or worse
        text = isinstance(attribute.get_type(), h5py.h5t.TypeStringID) and attribute.shape == ()
        if not text or not (texts or name == "format"):
            return None
    elif attribute.dtype.kind not in "fiubS":
        return None
    value = file.attrs[name]
    return value.item() if isinstance(value, np.generic) else value


class _Collected:
    """The arrays of a file. A hard link may lead to what was there before, so whatever is looked at counts, not what is stored."""

    def __init__(self, path, limit, ratio):
        self.path, self.limit, self.ratio = path, limit, ratio
        self.arrays, self.entries, self.bytes = {}, 0, 0

    def take(self, group, prefix):
        """Takes what is in the group; StoreError where it is too much, or not plain."""
        for name in group:
            check_link(group, name, prefix, self.path)
            self.entries += 1
            if self.entries > LARGEST_COUNT or prefix.count("/") >= LARGEST_DEPTH:
                raise StoreError(
                    f"{self.path}: more than {LARGEST_COUNT} datasets, or groups nested more than {LARGEST_DEPTH} deep"
                )
            item, full = group[name], f"{prefix}{name}"
            if isinstance(item, h5py.Group):
                self.take(item, f"{full}/")
                continue
            check_plain(item, full, self.path)
            self.bytes += item.nbytes
            piece = (
                math.prod(item.chunks or ()) * item.dtype.itemsize
            )  # is unpacked whole, even where the array is smaller
            if max(self.bytes, piece) > self.ratio * max(self.limit, 1):
                times = f"{self.ratio} times " if self.ratio > 1 else ""
                raise StoreError(
                    f"{self.path}: with the dataset {listed([full])} it claims more than {times}the {self.limit} bytes of the file"
                )
            self.arrays[full] = item[()]


def check_link(group, name, prefix, path):
    """Raises StoreError unless the group's entry is its own object and no link that leads elsewhere."""
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise StoreError(
            f"{path}: {listed([prefix + name])} is a link elsewhere, which spinrnn does not follow"
        )


def check_plain(item, name, path):
    """Raises StoreError unless the dataset holds real numbers in this very file, and as many bytes as it claims."""
    plain = (
        isinstance(item, h5py.Dataset)
        and item.shape is not None
        and item.dtype.kind in "fiub"
        and not item.is_virtual
        and not item.external
    )
    if not plain or (item.compression is None and item.id.get_storage_size() < item.nbytes):
        raise StoreError(
            f"{path}: the dataset {listed([name])} is not a plain array of real numbers"
        )
    if item.chunks is None:
        return
    how = item.id.get_create_plist()
    filters = [how.get_filter(number)[0] for number in range(how.get_nfilters())]
    if len(set(filters) - set(_HARMLESS)) > 1 or len(set(filters)) < len(filters):
        raise StoreError(
            f"{path}: the dataset {listed([name])} is packed more than once, so a small file could fill the memory"
        )
