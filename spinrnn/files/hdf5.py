"""HDF5 files of spinrnn: networks and checkpoints, written atomically, checked against a digest when read.

A file holds real arrays as plain contiguous datasets and, as attributes of the root, `format` ("spinrnn"), `kind` ("network",
"checkpoint" or "point", the result of a point of a sweep), `version`, `config` (the configuration as TOML) and `sha256` over all of that. Reading trusts nothing: links, storage,
types and sizes are checked before any data is touched, and no code is ever loaded.
"""

import hashlib
import io
import json
import math
import os
import uuid
import warnings
from pathlib import Path

import h5py
import numpy as np

from spinrnn.config import run as configs
from spinrnn.errors import ConfigError, DataError, StoreError, listed, reason_of
from spinrnn.files.atomic import read_bytes, write_atomic
from spinrnn.networks.recurrent import Network
from spinrnn.neurons.spread import devices_of
from spinrnn.synapses.layout import Layout

VERSION = 1
"""Version of the file format that is written; newer ones are refused."""
LARGEST_COUNT, LARGEST_DEPTH = 10_000, 4
"""Of datasets in a file and of nested groups; hard links could make a small file endless."""
_WHOLE = b"spinrnn whole 1\n"
"""Begins the last 48 bytes of what `write_file` writes; the SHA-256 of all before follows. HDF5 overlooks them, other programs that write cut them off."""
_HARMLESS = (h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32)
"""Filters that give as many bytes as they take."""
SEALED, UNSEALED, SEAL_SIZE = b"spinrnn stream 1", b"spinrnn stopped\n", 64
"""How the last bytes of a streamed file begin, and their number; see `streamed`."""


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

    The result file of a point of a sweep has the network of its best epoch, too; `open_trajectory(path).network` is that of a trajectory file.

    Raises:
        StoreError: missing, truncated, damaged, foreign or too new, one line that says which.
    """
    path = Path(path)
    if path.is_dir():
        if not (path / "network.h5").exists():
            return _checkpoint_network(*load_newest_checkpoint(path)[:2], path)
        path = path / "network.h5"
    return load_with_config(path)[0]


def load_with_config(path):
    """(`Network`, `RunConfig`) of a file, as `load` reads it; the latter None where the file knows its network only."""
    kind, toml, arrays = _read(path)
    config = _config(path, toml)
    if kind in ("checkpoint", "point"):
        return _checkpoint_network(config, arrays, path), config
    layout = Layout(config.network)
    sparse = config.network.density_int < 1 or config.network.density_ext < 1

    def blocks(prefix, kinds):
        for name, (_, shape) in layout.blocks.items():
            stored = arrays.get(f"{prefix}/{name}")
            if stored is None or stored.shape != shape or stored.dtype.kind not in kinds:
                raise StoreError(
                    f"{path}: the dataset {prefix}/{name} is missing or not of the shape {shape}; the file does not fit its configuration"
                )
        return {name: arrays[f"{prefix}/{name}"] for name in layout.blocks}

    return network_from(
        config.network, blocks("parameters", "f"), blocks("mask", "bu") if sparse else None, _devices(path, arrays, config.network)
    ), None


def network_from(config, blocks, masks, devices):
    """`Network` with these parameters, {name: array} of the blocks of its layout; masks: the same for the mask, None where all entries exist; devices: as its attribute."""
    net = _empty_network(config)
    for flat, stored in ((net.parameters, blocks), (net.mask, masks)):
        for name, view in {} if flat is None else net.layout.named(flat).items():
            view[...] = stored[name]
    net.devices = devices
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
        raise StoreError(f"{path}: holds a {listed([found])}, not a {kind}")
    try:
        return toml, arrays, json.loads(arrays.pop("state_json").tobytes())
    except (ValueError, RecursionError):
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
            last = error
            warnings.warn(f"skipped a checkpoint that cannot be used: {error}", stacklevel=2)
    raise StoreError(f"{folder}: no checkpoint can be used; the last one tried: {last}")


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
        with open(path, "rb") as stream, h5py.File(stream, "r") as file:  # through Python, as HDF5_USE_FILE_LOCKING overrules `locking`
            return _attribute(file, "format") in ("spinrnn", b"spinrnn") if "format" in file.attrs else False
    except Exception:  # damaged: whoever reads all of it says how
        return False


def read_arrays(content, path, ratio=1024):
    """Attributes and arrays of an HDF5 file given as bytes, after checks that make a hostile file harmless.

    Args:
        content: the file; path: its name, for messages; ratio: of all arrays' bytes to those of the file, at most. 1024 is that of the best
            compression, spinrnn's own files are not compressed.
    Returns:
        ({name: attribute}, {name: array}); nested names with "/".
    """
    seal = content[max(content.rfind(_WHOLE, -96), 0) :]  # a little further on, should the end be lost or grown
    if seal.startswith(_WHOLE):  # HDF5 never sees what has come to harm: damaged bytes can hang it. Files of before have no such end
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
    except Exception as error:  # h5py raises OSError, KeyError, RuntimeError and more for a broken file
        raise StoreError(
            f"{path}: not an HDF5 file, truncated or damaged ({(str(error) or type(error).__name__).splitlines()[0]})"
        ) from None


def read_attributes(file, texts=True):
    """{name: number, text, bytes or array of numbers} of the root; texts: those of variable length, too, whose damage can hang HDF5."""
    found = {name: _attribute(file, name, texts) for name in file.attrs}
    return {name: value for name, value in found.items() if value is not None}


def _attribute(file, name, texts=True):
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
                raise StoreError(f"{self.path}: more than {LARGEST_COUNT} datasets, or groups nested more than {LARGEST_DEPTH} deep")
            item, full = group[name], f"{prefix}{name}"
            if isinstance(item, h5py.Group):
                self.take(item, f"{full}/")
                continue
            check_plain(item, full, self.path)
            self.bytes += item.nbytes
            piece = math.prod(item.chunks or ()) * item.dtype.itemsize  # is unpacked whole, even where the array is smaller
            if max(self.bytes, piece) > self.ratio * max(self.limit, 1):
                times = f"{self.ratio} times " if self.ratio > 1 else ""
                raise StoreError(
                    f"{self.path}: with the dataset {listed([full])} it claims more than {times}the {self.limit} bytes of the file"
                )
            self.arrays[full] = item[()]


def check_link(group, name, prefix, path):
    """Raises StoreError unless the group's entry is its own object and no link that leads elsewhere."""
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise StoreError(f"{path}: {listed([prefix + name])} is a link elsewhere, which spinrnn does not follow")


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
        raise StoreError(f"{path}: the dataset {listed([name])} is not a plain array of real numbers")
    if item.chunks is None:
        return
    how = item.id.get_create_plist()
    filters = [how.get_filter(number)[0] for number in range(how.get_nfilters())]
    if len(set(filters) - set(_HARMLESS)) > 1 or len(set(filters)) < len(filters):
        raise StoreError(f"{path}: the dataset {listed([name])} is packed more than once, so a small file could fill the memory")


def write_file(path, fill):
    """Writes an HDF5 file, atomically: fill(file) gives it its content in memory, so no kill can leave half of one and no file is ever locked."""
    name = f"memory-{uuid.uuid4().hex}"  # its own, as HDF5 keeps two threads from creating files of one name
    with h5py.File(name, "w", driver="core", backing_store=False) as file:
        fill(file)
        file.flush()
        content = file.id.get_file_image()
    write_atomic(path, content + _WHOLE + hashlib.sha256(content).digest())


def is_streamed(path):
    """Whether the file ends as those of `streamed.StreamWriter` do, finished or not; False also where it cannot be read."""
    try:
        with open(path, "rb") as file:
            file.seek(-SEAL_SIZE, os.SEEK_END)
            return file.read(len(SEALED)) in (SEALED, UNSEALED)
    except (OSError, ValueError):
        return False


def _write(path, kind, toml, arrays):
    arrays = {name: np.ascontiguousarray(a) for name, a in arrays.items()}

    def fill(file):
        for name, array in arrays.items():
            file.create_dataset(name, data=array, track_times=False)
        header = {"format": "spinrnn", "kind": kind, "version": VERSION, "config": toml}
        file.attrs.update({**header, "sha256": digest_of([kind, VERSION, toml], arrays)})

    write_file(path, fill)


def _read(path):
    """Returns (kind, configuration as TOML, {name: array}) of a whole file."""
    if is_streamed(path):  # may be larger than memory
        raise StoreError(f"{path}: a trajectory file; spinrnn.open_trajectory opens it")
    attributes, arrays = read_arrays(read_bytes(path), path, 1)
    if not all(isinstance(attributes.get(name), str) for name in ("format", "kind", "config")) or attributes["format"] != "spinrnn":
        raise StoreError(f"{path}: not written by spinrnn")
    version = attributes.get("version")
    if not isinstance(version, int):
        raise StoreError(f"{path}: damaged, its format version is no whole number")
    if version > VERSION:
        raise StoreError(f"{path}: has the format version {version}, this spinrnn reads up to {VERSION}; install a newer spinrnn")
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
    size = Layout(config.network).size
    names = ["best_parameters"]
    if config.network.density_int < 1 or config.network.density_ext < 1:
        names.append("mask")
    wrong = [name for name in names if name not in arrays or arrays[name].shape != (size,)]
    if wrong:  # before a network is made, as the configuration may claim any size
        raise StoreError(f"{path}: lacks {' and '.join(wrong)} of {size} numbers")
    net = _empty_network(config.network)
    net.parameters[:] = arrays["best_parameters"]
    if net.mask is not None:
        net.mask[:] = arrays["mask"].astype(bool)
    net.devices = _devices(path, arrays, config.network)
    return net
