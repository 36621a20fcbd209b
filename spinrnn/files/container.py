"""Files of spinrnn that fit into memory: networks, checkpoints and points of sweeps.

Such a file holds real arrays as plain contiguous datasets and, as attributes of the
root, `format` ("spinrnn"), `kind` ("network", "checkpoint" or "point", the result of a
point of a sweep), `version`, `config` (the configuration as TOML) and `sha256` over all
of that. It is made in memory, written as a whole and never locked.
"""

import functools
import io
import json
import uuid
from hashlib import sha256

import h5py
import numpy as np

from spinrnn.errors import StoreError, listed, reason_of
from spinrnn.files.atomic import read_bytes, write_atomic
from spinrnn.files.hdf5 import read_arrays, read_attribute
from spinrnn.files.seal import is_streamed, with_digest

VERSION = 2
"""Version of the file format that is written; newer ones are refused.

In 1 the configuration has the keys of 0.1.
"""
AXIS_ORDER = (
    "C: the last axis varies fastest; Octave and MATLAB count axes from that one, "
    "and so show all of them in reverse"
)
"""Attribute `axis_order` of the root of our files."""
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_FORMS = ("earliest", ("v108", "v108"))
"""Of HDF5's own format, as h5py names them. The first is read by every program; the
second, by those with HDF5 1.8 (of 2008) or newer, has no limit of 64 KiB for attributes
and for the list of datasets that share an axis.
"""


# ---- writing ----


def write_container(path, kind, toml, arrays, axes=None):
    """Writes a file of a kind: the configuration as TOML and arrays by name.

    Args:
        axes: {name: names of the array's axes}, for people and other programs.
    Raises:
        StoreError: it cannot be written.
    """
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}

    def fill(file):
        for name, array in arrays.items():
            dataset = file.create_dataset(name, data=array, track_times=False)
            if axes and name in axes:
                dataset.attrs["axes"] = ", ".join(axes[name])
        header = {"format": "spinrnn", "kind": kind, "version": VERSION, "config": toml}
        digest = digest_of([kind, VERSION, toml], arrays)
        file.attrs.update({**header, "axis_order": AXIS_ORDER, "sha256": digest})

    write_file(path, fill)


def save_record(path, kind, toml, arrays, state):
    """`write_container` with a `state`, anything that JSON can hold."""
    encoded = np.frombuffer(json.dumps(state).encode(), dtype=np.uint8)
    write_container(path, kind, toml, {**arrays, "state_json": encoded})


def write_file(path, fill):
    """Writes an HDF5 file, atomically; fill(file) gives it its content, in memory.

    Raises:
        StoreError: it cannot be written.
    """
    write_atomic(path, with_digest(in_oldest_form(functools.partial(_image, fill))))


def in_oldest_form(make):
    """What make(form) gives, in the oldest form of HDF5's format that holds it.

    `make` begins anew each time; form: for h5py's `libver`. What fails for another
    reason fails twice, and the error is that of the second time.
    """
    oldest, newer = _FORMS
    try:
        return make(oldest)
    # h5py has no error of its own for what is too large
    except (OSError, RuntimeError, ValueError):
        return make(newer)


def _image(fill, form):
    """Bytes of the HDF5 file that `fill` makes."""
    if form != _FORMS[0]:
        # HDF5 1.14 gives an image of a file of this form, whose first block has a
        # checksum, with a wrong one; a file that was closed has the right one
        stream = io.BytesIO()
        with h5py.File(stream, "w", libver=form) as file:
            fill(file)
        return stream.getvalue()
    # a name of its own, as HDF5 does not let two threads create files of one name
    name = f"memory-{uuid.uuid4().hex}"
    with h5py.File(name, "w", driver="core", backing_store=False, libver=form) as file:
        fill(file)
        file.flush()
        return file.id.get_file_image()


def digest_of(header, arrays):
    """SHA-256 of a header, which JSON can hold, and of {name: array}; hexadecimal text.

    Types and shapes of the arrays count, their order does not.
    """
    digest = sha256(json.dumps(header).encode())
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape}".encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


# ---- reading ----


def read_container(path):
    """(kind, configuration as TOML, {name: array}) of a whole file.

    Raises:
        StoreError: missing, truncated, damaged, foreign or too new.
    """
    # a trajectory file may be larger than memory
    if is_streamed(path):
        raise StoreError(f"{path}: a trajectory file; spinrnn.open_trajectory opens it")
    attributes, arrays = read_arrays(read_bytes(path), path, 1)
    _check_header(path, attributes)
    kind, toml, version = (attributes[name] for name in ("kind", "config", "version"))
    if str(attributes.get("sha256")) != digest_of([kind, version, toml], arrays):
        raise StoreError(f"{path}: damaged, its content does not match its checksum")
    return kind, toml, arrays


def _check_header(path, attributes):
    """Raises StoreError unless this version can read a file of these attributes."""
    texts = all(isinstance(attributes.get(name), str) for name in ("format", "kind", "config"))
    if not texts or attributes["format"] != "spinrnn":
        raise StoreError(f"{path}: not written by spinrnn")
    check_version(path, "format version", attributes.get("version"), VERSION)


def check_version(path, what, version, known):
    """Raises StoreError unless a version is a whole number up to the known one."""
    if isinstance(version, bool) or not isinstance(version, (int, np.integer)):
        raise StoreError(f"{path}: damaged, its {what} is no whole number")
    if version > known:
        raise StoreError(
            f"{path}: has the {what} {version}, this spinrnn reads up to {known}; "
            "install a newer spinrnn"
        )


def load_record(path, kind):
    """(configuration as TOML, {name: array}, state) of a file that `save_record` wrote.

    Raises:
        StoreError: as of `read_container`, or it is of another kind.
    """
    found, toml, arrays = read_container(path)
    if found != kind or "state_json" not in arrays:
        raise StoreError(f"{path}: holds a {listed([found])}, not a {kind}")
    try:
        return toml, arrays, json.loads(arrays.pop("state_json").tobytes())
    except (ValueError, RecursionError):
        raise StoreError(f"{path}: its state is not readable") from None


def kind_of(path):
    """What kind of file of spinrnn it is, as "trajectory"; "" where that is not
    readable."""
    try:
        with open(path, "rb") as stream, h5py.File(stream, "r") as file:
            kind = read_attribute(file, "kind") if "kind" in file.attrs else ""
    # damaged: whoever reads all of it says how
    except Exception:
        return ""
    kind = kind.decode(errors="replace") if isinstance(kind, bytes) else kind
    return kind if isinstance(kind, str) else ""


def is_spinrnn_file(path):
    """Whether the root of an HDF5 file says that spinrnn wrote it. Reads no data.

    Raises:
        StoreError: the file cannot be opened at all.
    """
    if is_streamed(path):
        return True
    try:
        with open(path, "rb") as file:
            if file.read(len(_SIGNATURE)) != _SIGNATURE:
                return False
    # ValueError: a path with a null byte
    except (OSError, ValueError) as error:
        raise StoreError(f"cannot read {path}: {reason_of(error)}") from None
    try:
        # by Python's file, as HDF5 would lock one that it opens itself
        with open(path, "rb") as stream, h5py.File(stream, "r") as file:
            return "format" in file.attrs and read_attribute(file, "format") in (
                "spinrnn",
                b"spinrnn",
            )
    # damaged: whoever reads all of it says how
    except Exception:
        return False
