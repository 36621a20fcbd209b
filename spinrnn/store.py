"""HDF5 files of spinrnn: networks and checkpoints, written atomically, checked against a digest when read.

A file holds real arrays as plain contiguous datasets and, as attributes of the root, `format` ("spinrnn"), `kind` ("network",
"checkpoint" or "point", the result of a point of a sweep), `version`, `config` (the configuration as TOML) and `sha256` over all of that. Reading trusts nothing: links, storage,
types and sizes are checked before any data is touched, and no code is ever loaded.
"""

import hashlib
import io
import json
import uuid
import warnings
from pathlib import Path

import h5py
import numpy as np

from spinrnn import config as configs
from spinrnn.devices import devices_of
from spinrnn.errors import ConfigError, DataError, StoreError
from spinrnn.files import read_bytes, write_atomic
from spinrnn.network import Network

VERSION = 1
"""Version of the file format that is written; newer ones are refused."""
LARGEST_COUNT, LARGEST_DEPTH = 10_000, 4
"""Of datasets in a file and of nested groups; hard links could make a small file endless."""


def save_network(net, path):
    """Writes a network to an HDF5 file: one dataset for each block of parameters, and of the mask and the devices if there are any."""
    arrays = {f"parameters/{name}": view for name, view in net.layout.named(net.parameters).items()}
    if net.mask is not None:
        arrays |= {f"mask/{name}": view.astype(np.uint8) for name, view in net.layout.named(net.mask).items()}
    if net.devices is not None:
        arrays |= net.devices.named()
    _write(path, "network", configs.to_toml(configs.RunConfig(network=net.config), ["network"]), arrays)


def load(path):
    """Reads a `Network` from a file that `Network.save` wrote, from a checkpoint (its best epoch so far) or from a run folder.

    The result file of a point of a sweep has the network of its best epoch, too.

    Raises:
        StoreError: missing, truncated, damaged, foreign or too new, one line that says which.
    """
    path = Path(path)
    if path.is_dir():
        if not (path / "network.h5").exists():
            return _checkpoint_network(*load_newest_checkpoint(path)[:2], path)
        path = path / "network.h5"
    kind, toml, arrays = _read(path)
    config = _config(path, toml)
    if kind in ("checkpoint", "point"):
        return _checkpoint_network(config, arrays, path)
    net = _empty_network(config.network)
    for prefix, flat in (("parameters", net.parameters), ("mask", net.mask)):
        for name, view in {} if flat is None else net.layout.named(flat).items():
            stored = arrays.get(f"{prefix}/{name}")
            if stored is None or stored.shape != view.shape:
                raise StoreError(
                    f"{path}: the dataset {prefix}/{name} is missing or not of the shape {view.shape}; the file does not fit its configuration"
                )
            view[...] = stored
    net.devices = _devices(path, arrays, config.network)
    return net


def save_checkpoint(path, config, arrays, state):
    """Writes flat arrays by name and `state`, anything that JSON can hold, for `load_checkpoint`."""
    save_record(path, "checkpoint", configs.to_toml(config), arrays, state)


def load_checkpoint(path):
    """Returns (RunConfig, {name: array}, state) of a checkpoint; StoreError as in `load`."""
    toml, arrays, state = load_record(path, "checkpoint")
    return _config(path, toml), arrays, state


def save_record(path, kind, toml, arrays, state):
    """Writes a file of this kind: the configuration as TOML, arrays by name, and `state`, anything that JSON can hold."""
    encoded = np.frombuffer(json.dumps(state).encode(), dtype=np.uint8)
    _write(path, kind, toml, {**arrays, "state_json": encoded})


def load_record(path, kind):
    """Returns (configuration as TOML, {name: array}, state) of a file that `save_record` wrote; StoreError as in `load`."""
    found, toml, arrays = _read(path)
    if found != kind or "state_json" not in arrays:
        raise StoreError(f"{path}: holds a {found}, not a {kind}")
    try:
        return toml, arrays, json.loads(arrays.pop("state_json").tobytes())
    except ValueError:
        raise StoreError(f"{path}: its state is not readable") from None


def checkpoint_paths(folder):
    """Checkpoints of a run folder, newest first."""
    return sorted(Path(folder).glob("checkpoints/[0-9]*.h5"), reverse=True)


def load_newest_checkpoint(folder):
    """`load_checkpoint` of the newest one that is whole; warns of each damaged one by name.

    Raises:
        StoreError: there is none, or none is whole.
    """
    paths = checkpoint_paths(folder)
    if not paths:
        raise StoreError(f"{folder}: no network.h5 and no checkpoint; is it a run folder of spinrnn?")
    for path in paths:
        try:
            return load_checkpoint(path)
        except StoreError as error:
            reason = error
            warnings.warn(f"skipped a checkpoint that cannot be used: {error}", stacklevel=2)
    raise StoreError(f"{folder}: no checkpoint can be used; the last one tried: {reason}")


def read_arrays(content, path):
    """Attributes and arrays of an HDF5 file given as bytes, after checks that make a hostile file harmless.

    Args:
        content: the file; path: its name, for messages.
    Returns:
        ({name: attribute}, {name: array}); nested names with "/".
    """
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            arrays = {}
            _collect(file, "", arrays, path, len(content))
            attributes = {}
            for name in file.attrs:
                value = file.attrs[name]
                attributes[name] = value.item() if isinstance(value, np.generic) else value
            return attributes, arrays
    except StoreError:
        raise
    except Exception as error:  # h5py raises OSError, KeyError, RuntimeError and more for a broken file
        raise StoreError(f"{path}: not an HDF5 file, truncated or damaged ({str(error).splitlines()[0]})") from None


def _collect(group, prefix, arrays, path, limit):
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise StoreError(f"{path}: {prefix}{name} is a link elsewhere, which spinrnn does not follow")
        if len(arrays) >= LARGEST_COUNT or prefix.count("/") >= LARGEST_DEPTH:
            raise StoreError(f"{path}: more than {LARGEST_COUNT} datasets, or groups nested more than {LARGEST_DEPTH} deep")
        item = group[name]
        if isinstance(item, h5py.Group):
            _collect(item, f"{prefix}{name}/", arrays, path, limit)
            continue
        plain = item.shape is not None and item.dtype.kind in "fiub" and not item.is_virtual and not item.external
        if not plain or (item.compression is None and item.id.get_storage_size() < item.nbytes):
            raise StoreError(f"{path}: the dataset {prefix}{name} is not a plain array of real numbers")
        if item.nbytes + sum(a.nbytes for a in arrays.values()) > 1024 * max(limit, 1):
            raise StoreError(f"{path}: with the dataset {prefix}{name} it claims more than 1024 times the {limit} bytes of the file")
        arrays[f"{prefix}{name}"] = item[()]


def memory_file():
    """A new HDF5 file in memory alone; its name is its own, as HDF5 keeps two threads from creating files of one name."""
    return h5py.File(f"memory-{uuid.uuid4().hex}", "w", driver="core", backing_store=False)


def _write(path, kind, toml, arrays):
    arrays = {name: np.ascontiguousarray(a) for name, a in arrays.items()}
    with memory_file() as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array, track_times=False)
        header = {"format": "spinrnn", "kind": kind, "version": VERSION, "config": toml}
        file.attrs.update({**header, "sha256": _digest(kind, VERSION, toml, arrays)})
        file.flush()
        content = file.id.get_file_image()
    write_atomic(path, content)


def _read(path):
    """Returns (kind, configuration as TOML, {name: array}) of a whole file."""
    attributes, arrays = read_arrays(read_bytes(path), path)
    if not all(isinstance(attributes.get(name), str) for name in ("format", "kind", "config")) or attributes["format"] != "spinrnn":
        raise StoreError(f"{path}: not written by spinrnn")
    version = attributes.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise StoreError(f"{path}: has the format version {version}, this spinrnn reads up to {VERSION}; install a newer spinrnn")
    kind, toml = attributes["kind"], attributes["config"]
    if str(attributes.get("sha256")) != _digest(kind, version, toml, arrays):
        raise StoreError(f"{path}: damaged, its content does not match its checksum")
    return kind, toml, arrays


def _digest(kind, version, toml, arrays):
    digest = hashlib.sha256(json.dumps([kind, version, toml]).encode())
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape}".encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


def _config(path, toml):
    try:
        return configs.from_toml(toml)
    except ConfigError as error:
        raise StoreError(f"{path}: its configuration cannot be used: {error}") from None


def _empty_network(config):
    """A network whose parameters and mask wait to be filled."""
    net = Network(config)
    net.parameters[:] = 0
    return net


def _devices(path, arrays, config):
    try:
        return devices_of(arrays, config)
    except DataError as error:
        raise StoreError(f"{path}: {error}; the file does not fit its configuration") from None


def _checkpoint_network(config, arrays, path):
    net = _empty_network(config.network)
    names = ["best_parameters"] if net.mask is None else ["best_parameters", "mask"]
    wrong = [name for name in names if name not in arrays or arrays[name].shape != (net.layout.size,)]
    if wrong:
        raise StoreError(f"the file lacks {' and '.join(wrong)} of {net.layout.size} numbers")
    net.parameters[:] = arrays["best_parameters"]
    if net.mask is not None:
        net.mask[:] = arrays["mask"].astype(bool)
    net.devices = _devices(path, arrays, config.network)
    return net
