"""Files of spinrnn that fit into memory: a header, plain arrays, a version and two checksums, written as a whole."""

import hashlib
import json
import uuid

import h5py
import numpy as np

from spinrnn.errors import StoreError, listed, reason_of
from spinrnn.files.atomic import read_bytes, write_atomic
from spinrnn.files.hdf5 import read_arrays, read_attribute
from spinrnn.files.seal import WHOLE, is_streamed

VERSION = 1
"""Version of the file format that is written; newer ones are refused."""


def save_record(path, kind, toml, arrays, state):
    """Writes a file of this kind: the configuration as TOML, arrays by name, and `state`, anything that JSON can hold."""
    encoded = np.frombuffer(json.dumps(state).encode(), dtype=np.uint8)
    write_container(path, kind, toml, {**arrays, "state_json": encoded})


def load_record(path, kind):
    """Returns (configuration as TOML, {name: array}, state) of a file that `save_record` wrote; StoreError as in `load`."""
    found, toml, arrays = read_container(path)
    if found != kind or "state_json" not in arrays:
        raise StoreError(f"{path}: holds a {listed([found])}, not a {kind}")
    try:
        return toml, arrays, json.loads(arrays.pop("state_json").tobytes())
    except (ValueError, RecursionError):
        raise StoreError(f"{path}: its state is not readable") from None


def write_file(path, fill):
    """Writes an HDF5 file, atomically: fill(file) gives it its content in memory, so no kill can leave half of one and no file is ever locked."""
    name = f"memory-{uuid.uuid4().hex}"  # its own, as HDF5 keeps two threads from creating files of one name
    with h5py.File(name, "w", driver="core", backing_store=False) as file:
        fill(file)
        file.flush()
        content = file.id.get_file_image()
    write_atomic(path, content + WHOLE + hashlib.sha256(content).digest())


def write_container(path, kind, toml, arrays):
    arrays = {name: np.ascontiguousarray(a) for name, a in arrays.items()}

    def fill(file):
        for name, array in arrays.items():
            file.create_dataset(name, data=array, track_times=False)
        header = {"format": "spinrnn", "kind": kind, "version": VERSION, "config": toml}
        file.attrs.update({**header, "sha256": digest_of([kind, VERSION, toml], arrays)})

    write_file(path, fill)


def read_container(path):
    """Returns (kind, configuration as TOML, {name: array}) of a whole file."""
    if is_streamed(path):  # may be larger than memory
        raise StoreError(f"{path}: a trajectory file; spinrnn.open_trajectory opens it")
    attributes, arrays = read_arrays(read_bytes(path), path, 1)
    if (
        not all(isinstance(attributes.get(name), str) for name in ("format", "kind", "config"))
        or attributes["format"] != "spinrnn"
    ):
        raise StoreError(f"{path}: not written by spinrnn")
    version = attributes.get("version")
    if not isinstance(version, int):
        raise StoreError(f"{path}: damaged, its format version is no whole number")
    if version > VERSION:
        raise StoreError(
            f"{path}: has the format version {version}, this spinrnn reads up to {VERSION}; install a newer spinrnn"
        )
    kind, toml = attributes["kind"], attributes["config"]
    if str(attributes.get("sha256")) != digest_of([kind, version, toml], arrays):
        raise StoreError(f"{path}: damaged, its content does not match its checksum")
    return kind, toml, arrays


def digest_of(header, arrays):
    """SHA-256 of what JSON can hold and of {name: array}, with the types and shapes of the arrays; hexadecimal text."""
    digest = hashlib.sha256(json.dumps(header).encode())
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape}".encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


def is_spinrnn_file(path):
    """True if the root of an HDF5 file says that spinrnn wrote it. Reads no data; StoreError if the file cannot be opened at all."""
    if is_streamed(path):
        return True
    try:
        with open(path, "rb") as file:
            if file.read(8) != b"\x89HDF\r\n\x1a\n":
                return False
    except (OSError, ValueError) as error:  # ValueError: a path with a null byte
        raise StoreError(f"cannot read {path}: {reason_of(error)}") from None
    try:
        with (
            open(path, "rb") as stream,
            h5py.File(stream, "r") as file,
        ):  # through Python, as HDF5_USE_FILE_LOCKING overrules `locking`
            return (
                read_attribute(file, "format") in ("spinrnn", b"spinrnn")
                if "format" in file.attrs
                else False
            )
    except Exception:  # damaged: whoever reads all of it says how
        return False
