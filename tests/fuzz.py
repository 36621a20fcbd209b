"""Fuzzed files: `python tests/fuzz.py 20000 [--seed S]` mutates files of every kind
that spinrnn reads and reads each with its reader.

Allowed is an error of spinrnn in one line, or, for the kinds with a checksum, the very
same numbers; files of the user's, and those whose checksum was made to fit, may give
other numbers. Not allowed: another exception or a warning, a crash, a hang, much
memory. Each file is known by seed and number, from which `--make N FILE` makes it
again. Reading happens in child processes, so that a crash has a number.
"""

import argparse
import collections
import io
import json
import os
import random
import re
import resource
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from pathlib import Path

import h5py
import numpy as np

import spinrnn
from spinrnn.errors import SpinrnnError
from spinrnn.files import container, lazy, seal
from spinrnn.files.hdf5 import read_arrays
from spinrnn.recordings.measurement import load_measurement
from spinrnn.recordings.opening import open_recording
from spinrnn.runs import checkpoints
from spinrnn.sweep.cube import Cube, NamedArray, load_cube

SECONDS, PATIENCE, MEMORY = 30, 300, 100e6
"""That a file may take at most, s of processor and of clock (the machine may be busy)
and bytes; the files have some 10 kB, and user data may be compressed 1024 times.
"""
BATCH = 500
"""Files that a child process reads."""


# ---- the files and their readers ----


def paths_in(folder):
    """{kind: path} of the files in a folder."""
    return {kind: folder / f"{kind}.{'npz' if kind.endswith('npz') else 'h5'}" for kind in READERS}


def make_files(folder):
    """Writes a small file of each kind; returns {kind: path}."""
    folder = Path(folder)
    rng = np.random.default_rng(5)
    files = paths_in(folder)
    data = _make_users(files, rng)
    config = spinrnn.NetworkConfig(layers=(4, 3), inputs=2, outputs=3, density_int=0.5, substeps=2)
    net = spinrnn.Network(config, seed=1)
    net.save(files["network"])
    inputs, lengths, labels = (data[name][:20] for name in ("inputs", "lengths", "labels"))
    variables = ("p", "m", "drive", "output")
    net.simulate_to(files["trajectory"], inputs, lengths, labels=labels, variables=variables)
    _make_runs(folder, files, data)
    return files


def _make_users(files, rng):
    """The files of users, in both formats; returns the arrays of the data set."""
    labels = np.repeat(np.arange(3), 20)
    inputs, lengths = rng.normal(size=(60, 2, 5)), rng.integers(4, 6, 60)
    data = {"inputs": inputs, "labels": labels, "lengths": lengths}
    step = np.arange(30) * 1e-9
    recording = {"time": step, "power": rng.random((3, 2, 30)), "drive": rng.random((3, 2, 30))}
    recording |= {"labels": np.arange(3), "inputs": rng.random((3, 1, 6))}
    recording |= {"input_interval": np.float64(5e-9), "relaxation_time": np.float64(1e-9)}
    measured = {"time": step, "power": rng.random((3, 30)), "drive": rng.random((3, 30))}
    measured |= {"noise": np.float64(0.1)}
    for name, arrays in (("data", data), ("recording", recording), ("measurement", measured)):
        np.savez(files[f"{name}_npz"], **arrays)
        with h5py.File(files[f"{name}_h5"], "w", track_order=False) as file:
            for key, array in arrays.items():
                packed = {"compression": "gzip", "shuffle": True} if array.ndim > 1 else {}
                file.create_dataset(key, data=array, track_times=False, **packed)
    return data


BASE = """
[network]
layers = [4, 3]
inputs = 2
outputs = 3
density_int = 0.5
substeps = 2
[train]
epochs = 2
batch = 16
checkpoint_seconds = 0
[data]
source = "data/d.npz"
"""
SWEEP = """
[sweep]
name = "toy"
base = "base.toml"
[[axes]]
key = "train.learning_rate"
values = [1e-3, 1e-2]
"""


def _make_runs(folder, files, data):
    """A point and the cube of a sweep, and a checkpoint."""
    (folder / "data").mkdir()
    np.savez(folder / "data" / "d.npz", **data)
    (folder / "base.toml").write_text(BASE)
    (folder / "sweep.toml").write_text(SWEEP)
    sweep = spinrnn.load_sweep(folder / "sweep.toml")
    spinrnn.run_sweep(sweep, folder / "out", executor="serial")
    spinrnn.collect_sweep(sweep, folder / "out").save(files["cube"])
    (folder / "out" / "points" / f"{sweep.points[0].name}.h5").rename(files["point"])
    spinrnn.train(sweep.points[0].config, folder / "run", pictures=False)
    checkpoints.checkpoint_paths(folder / "run")[0].rename(files["checkpoint"])


def _bits(*values):
    """What was read as something that can be compared."""
    return [
        (v.dtype.str, v.shape, v.tobytes()) if isinstance(v, np.ndarray) else repr(v)
        for v in values
    ]


def _network(net):
    return _bits(
        net.config,
        net.parameters,
        net.mask,
        *sorted(({} if net.devices is None else net.devices.named()).items()),
    )


def _recorded(kind):
    def read(path):
        config, arrays, state = (
            checkpoints.load_checkpoint(path)
            if kind == "checkpoint"
            else container.load_record(path, "point")
        )
        return _bits(
            config, state, sorted(arrays), *(arrays[name] for name in sorted(arrays))
        ) + _network(spinrnn.load(path))

    return read


def _cube(path):
    cube = load_cube(path)
    named = sorted((cube.coordinates | cube.variables).items())
    return _bits(*(x for name, v in named for x in (name, v.values)), cube.sweep().digest)


def _trajectory(path):
    with spinrnn.open_trajectory(path) as file:
        lists = [
            x
            for found in (file.state, file.mean, file.output, file.drive)
            if found
            for x in found
            if x is not None
        ]
        arrays = [
            file.time,
            file.logits,
            file.inputs,
            file.cases,
            file.labels,
            file.lengths,
            *(np.asarray(x) for x in lists),
        ]
        return _bits(*arrays, file.noise_seed) + _network(file.network)


def _dataset(path):
    data = spinrnn.load_dataset(path)
    return _bits(data.inputs, data.labels, data.lengths, data.test)


def _recording(path):
    with open_recording(path) as found:
        layers = [np.asarray(x) for d in (found.power, found.drive) if d for x in d.values()]
        return _bits(
            found.time,
            *layers,
            found.inputs,
            found.labels,
            found.input_interval,
            found.relaxation_time,
        )


def _measurement(path):
    m = load_measurement(path)
    return _bits(m.time, m.drive, m.power, m.noise)


SEALED = {
    "network": lambda path: _network(spinrnn.load(path)),
    "checkpoint": _recorded("checkpoint"),
    "point": _recorded("point"),
    "cube": _cube,
    "trajectory": _trajectory,
}
READERS = {
    **SEALED,
    "data_npz": _dataset,
    "data_h5": _dataset,
    "recording_npz": _recording,
    "recording_h5": _recording,
    "measurement_npz": _measurement,
    "measurement_h5": _measurement,
}


# ---- bytes changed ----


MISTAKES = "flip flip byte zero ones number remove insert splice move cut grow"


def mutate_bytes(content, others, rng):
    """The bytes with one to three mistakes in them: flipped, zeroed, inserted, removed,
    spliced, cut off.
    """
    mutated = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 30))):
        at, size = rng.randrange(len(mutated) + 1), rng.choice((1, 1, 2, 8, 64, 600))
        here = slice(at, at + size)
        what = rng.choice(MISTAKES.split())
        length = len(mutated[here])
        if what == "flip" and length:
            mutated[at] ^= 1 << rng.randrange(8)
        elif what == "byte":
            mutated[here] = rng.randbytes(length)
        elif what == "zero":
            mutated[here] = bytes(length)
        elif what == "ones":
            mutated[here] = b"\xff" * length
        elif what == "number":  # where a size or an address may stand
            value = rng.choice(
                (0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1, len(mutated), at)
            )
            mutated[at : at + 8] = struct.pack("<Q", value)[: len(mutated[at : at + 8])]
        elif what == "remove":
            del mutated[here]
        elif what == "insert":
            mutated[at:at] = rng.randbytes(size)
        elif what in ("splice", "move"):
            source = mutated if what == "move" else rng.choice(others)
            other = rng.randrange(len(source) + 1)
            mutated[here] = source[other : other + size]
        elif what == "cut" and rng.random() < 0.5:
            del mutated[at:]
        elif what == "grow":
            mutated += rng.randbytes(size)
    return bytes(mutated)


# ---- structure changed ----


def _texts(rng):
    """Something that stands where a text is expected."""
    return rng.choice(
        (
            "",
            "x" * 30000,
            "[" * 20000,
            "{" * 20000,
            '{"a":' * 20000,
            "[network]\nlayers = [1000000000, 1000000000]",
            "[network]\nlayers = 3",
            "[network]\nlayers = []",
            "a = " + "[" * 5000,
            "[network]\nlayers = [" + "9" * 5000 + "]",
            "[network]\nsubsteps = 1000000000",
            "[network]\ninputs = nan",
            "null",
            "[]",
            "{}",
            "1e999",
            "\u2028\n",
            "p,p,p",
            "spinrnn",
            "a." * 20000 + "a = 1",
            "\x1b[2J\n",
        )
    )


def _values(rng):
    """Something that stands where an array or a number is expected."""
    return rng.choice(
        (
            np.zeros(0),
            np.float64(np.nan),
            np.float64(np.inf),
            np.full((3, 2, 30), 1e308),
            np.full(30, -1e308),
            np.int64(-(2**63)),
            np.uint64(2**64 - 1),
            np.zeros((1,) * 20),
            np.zeros((0, 3)),
            np.array(True),
            np.array([[7, 8]], np.uint8).view(bool),
            np.float16(9),
            np.array(1j),
            np.array(b"text"),
            np.zeros(3, [("a", "i4"), ("b", "f8")]),
            np.longdouble(1) / 3,
            np.arange(60)[::-1],
            np.zeros((60, 2, 5), ">f4"),
            np.full(60, 2**62),
            np.frombuffer(b"[" * 50000, np.uint8),
            np.frombuffer(b"\xff\xfe{", np.uint8),
            np.frombuffer(b'{"a":' * 20000, np.uint8),
            np.frombuffer(b"{}", np.uint8),
            np.zeros((2, 60)),
            np.arange(30) * 1e-9,
        )
    )


def mutate_hdf5(path, rng):
    """Changes what is in an HDF5 file, through HDF5."""
    with h5py.File(path, "r+") as file:
        names = []
        file.visititems(
            lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None
        )
        for _ in range(rng.choice((1, 1, 2))):
            if names and rng.random() < 0.7:
                _change_dataset(file, names.pop(rng.randrange(len(names))), rng)
            else:
                _change_attribute(
                    rng.choice([file, *(file[n] for n in names)]) if rng.random() < 0.2 else file,
                    rng,
                )


CHANGES = (
    "remove rename retype reshape claim values value soft loop elsewhere "
    "storage virtual objects texts compound references group deep cycle bomb "
    "twice filters many empty resize alias fan piece type"
)
"""Of a dataset; `_change_NAME` does most of them."""


def _change_dataset(file, name, rng):
    old = file[name]
    what = rng.choice(CHANGES.split())
    if what == "alias":
        file["alias"] = old
    elif what == "value":
        _change_one_value(old, rng)
    else:
        was = _Was(old[()], old.shape, old.dtype)
        del file[name]
        if what != "remove":
            globals()[f"_change_{what}"](file, name, was, rng)


_Was = collections.namedtuple("_Was", ["values", "shape", "dtype"])


def _change_one_value(old, rng):
    values = old[()]
    if values.size:
        flat = np.array(values).reshape(-1)
        flat[rng.randrange(flat.size)] = rng.choice((0, 1, 100))
        old[...] = flat.reshape(old.shape)


def _change_rename(file, name, was, rng):
    file[
        rng.choice(
            (name + "s", "x", name[:-1] or "y", "ä" * 200, "a/b/c/d", "labels", "state_json")
        )
    ] = was.values


def _change_retype(file, name, was, rng):
    kinds = ("f2", "f4", "f8", ">f8", "i1", "i8", "u8", "c16", "?")
    with np.errstate(all="ignore"):
        file[name] = np.asarray(was.values).astype(rng.choice(kinds))


def _change_reshape(file, name, was, rng):
    file[name] = rng.choice(
        (
            was.values.reshape(-1),
            was.values.reshape(1, *was.shape),
            was.values.T,
            was.values[..., None],
            was.values.reshape(-1)[:-1],
        )
    )


def _change_claim(file, name, was, rng):
    file.create_dataset(
        name,
        (rng.choice((10**5, 10**9, 10**12, 2**61)),),
        was.dtype,
        chunks=rng.choice((None, (1000,))),
    )


def _change_values(file, name, was, rng):
    file[name] = _values(rng) if rng.random() < 0.9 else np.zeros(10**6)


def _change_soft(file, name, was, rng):
    file[name] = h5py.SoftLink("/time")


def _change_loop(file, name, was, rng):
    file[name] = h5py.SoftLink("/" + name)


def _change_elsewhere(file, name, was, rng):
    file[name] = h5py.ExternalLink(
        rng.choice(("other.h5", "/dev/zero", "/proc/self/mem", file.filename)), "/" + name
    )


def _change_storage(file, name, was, rng):
    file.create_dataset(
        name,
        was.shape,
        was.dtype,
        external=[(rng.choice(("/dev/zero", "/etc/hostname", "none")), 0, h5py.h5f.UNLIMITED)],
    )


def _change_virtual(file, name, was, rng):
    layout = h5py.VirtualLayout(was.shape or (1,), was.dtype)
    layout[...] = h5py.VirtualSource(
        rng.choice((".", "other.h5", "/dev/zero")), "x", was.shape or (1,)
    )
    file.create_virtual_dataset(name, layout)


def _change_objects(file, name, was, rng):
    file.create_dataset(
        name, data=[np.arange(3), np.arange(5)] * 10, dtype=h5py.vlen_dtype(np.float64)
    )


def _change_texts(file, name, was, rng):
    file.create_dataset(
        name, data=["a"] * (was.shape[0] if was.shape else 1), dtype=h5py.string_dtype()
    )


def _change_compound(file, name, was, rng):
    file[name] = np.zeros(was.shape, [("a", was.dtype), ("b", "f8", (1000,))])


def _change_references(file, name, was, rng):
    file.create_dataset(name, data=[file.ref] * 3, dtype=h5py.ref_dtype)


def _change_group(file, name, was, rng):
    file.create_group(name)["x"] = was.values


def _change_deep(file, name, was, rng):
    file[name + "/a" * rng.choice((2, 5, 300)) + "/x"] = was.values


def _change_cycle(file, name, was, rng):
    group = file.create_group(name)
    group["again"] = rng.choice((file, group))
    group["more"] = file["/"]


def _change_bomb(file, name, was, rng):
    dataset = file.create_dataset(
        name,
        (rng.choice((10**6, 10**7)),),
        "f8",
        chunks=(10**6,),
        compression=rng.choice(("gzip", "lzf")),
    )
    dataset[: 10**6] = 0


def _change_twice(file, name, was, rng):
    _filtered(file, name, rng, twice=True)


def _change_filters(file, name, was, rng):
    _filtered(file, name, rng, twice=False)


def _change_many(file, name, was, rng):
    group = file.create_group(name)
    for number in range(rng.choice((100, 1000))):
        group[f"x{number}"] = 0


def _change_fan(file, name, was, rng):
    """Few groups, very many ways through them."""
    group = file.create_group(name)
    for _ in range(rng.choice((2, 3, 20))):
        below = file.create_group(None)
        for number in range(100):
            group[f"x{number}"] = below
        group = below


def _change_piece(file, name, was, rng):
    """A small array in a piece that is large when it is unpacked."""
    long = max(was.values.size, rng.choice((10**3, 10**6, 10**7)))
    file.create_dataset(
        name, (max(1, was.values.size),), "f8", chunks=(long,), maxshape=(None,), compression="gzip"
    )[...] = 0


def _change_type(file, name, was, rng):
    file[name] = np.dtype("f8")


def _change_empty(file, name, was, rng):
    file[name] = h5py.Empty(was.dtype)


def _change_resize(file, name, was, rng):
    file.create_dataset(
        name, data=np.atleast_1d(was.values), maxshape=(None,) * max(1, len(was.shape)), chunks=True
    )


def _filtered(file, name, rng, twice):
    """A dataset whose only piece is packed twice, or larger than it should be, or by a
    filter that is not there.
    """
    import zlib

    how = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    how.set_chunk((60,))
    for _ in range(1 + twice):
        how.set_deflate(9)
    if rng.random() < 0.2:
        how.set_filter(rng.choice((4, 5, 6, 307, 32015, 65000)), h5py.h5z.FLAG_OPTIONAL, (1, 2, 3))
    kind, space = h5py.h5t.py_create(np.dtype("f8")), h5py.h5s.create_simple((60,))
    dataset = h5py.h5d.create(file.id, name.encode(), kind, space, how)
    size = rng.choice((480, 10**4, 3 * 10**8 if twice and rng.random() < 0.2 else 10**6))
    packed = zlib.compress(bytes(size), 9)
    for _ in range(twice):
        packed = zlib.compress(packed, 9)
    dataset.write_direct_chunk((0,), packed)


ATTRIBUTES = "remove text text value rename empty texts version swap objects large vlen"


def _change_attribute(item, rng):
    names = list(item.attrs)
    name = (
        rng.choice(names)
        if names and rng.random() < 0.8
        else rng.choice(("format", "kind", "config", "input_interval", "x" * 300))
    )
    what = rng.choice(ATTRIBUTES.split())
    if what in ("remove", "rename") and name in item.attrs:
        if what == "rename":
            item.attrs[name + "_"] = item.attrs[name]
        del item.attrs[name]
    elif what == "text":
        item.attrs[name] = _texts(rng)[:60000]
    elif what == "value":
        value = _values(rng)
        item.attrs[name] = value if value.nbytes < 60000 else value.reshape(-1)[:100]
    elif what == "empty":
        item.attrs[name] = h5py.Empty("f8")
    elif what == "texts":
        item.attrs.create(name, ["a", "b"], dtype=h5py.string_dtype())
    elif what == "version":
        item.attrs["version"] = rng.choice((-1, 0, 2, 2**62, 1.0, "1"))
    elif what == "swap":
        other = rng.choice(names) if names else None
        if other is not None:
            item.attrs[name] = item.attrs[other]
    elif what == "objects":
        item.attrs.create(
            name, np.array([np.arange(3), np.arange(4)], object), dtype=h5py.vlen_dtype(np.int32)
        )
    elif what == "vlen":  # 4000 times the same numbers of the heap
        _many_times(item, name, rng.choice((np.int32, "text")))
    elif what == "large":
        for number in range(40):
            item.attrs[f"a{number}"] = "x" * 1000


def _many_times(item, name, kind):
    """An attribute of 3000 entries; that all of them stand for the same heap object is
    what `one_heap_object` makes of it.
    """
    text = isinstance(kind, str)
    values = np.empty(3000, object)
    values[:] = ["x" * 30000 if text else np.zeros(10000, np.int32)] + [
        "y" if text else np.zeros(1, np.int32)
    ] * 2999
    if name in item.attrs:
        del item.attrs[name]
    item.attrs.create(name, values, dtype=h5py.string_dtype() if text else h5py.vlen_dtype(kind))


def one_heap_object(content):
    """The bytes of a file in which every entry of `_many_times` is the first one, the
    large one: 90 MB from 48 kB.
    """
    first = re.search(rb"(?s)(?:\x30\x75|\x10\x27)\0\0(.{8})(.{4})", content)
    if first is None:
        return content
    start, content = first.start(), bytearray(content)
    while content[start + 16 : start + 20] == b"\1\0\0\0":
        content[start + 16 : start + 32] = content[first.start() : first.start() + 16]
        start += 16
    return bytes(content)


MEMBERS = (
    "remove rename values objects claim header text double gzip bz2 lzma bomb "
    "size overlap flags dtype order version"
)
"""Of an archive; `_directory` does size, overlap and flags."""
PACKINGS = {"gzip": zipfile.ZIP_DEFLATED, "bz2": zipfile.ZIP_BZIP2, "lzma": zipfile.ZIP_LZMA}


def mutate_npz(path, rng):
    """Writes a NumPy archive anew with one or two things changed."""
    with zipfile.ZipFile(path) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    packing, late = zipfile.ZIP_STORED, []
    for _ in range(rng.choice((1, 1, 2))):
        at = rng.randrange(len(members))
        what = rng.choice(MEMBERS.split())
        head, _ = _header(members[at][1])
        if what == "remove" and len(members) > 1:
            del members[at]
        elif what in PACKINGS:
            packing = PACKINGS[what]
        elif what == "double":
            members.append(rng.choice(members))
        elif what == "bomb":
            members[at], packing = _zeros(members[at][0], rng), rng.choice((8, 8, 12, 14))
        elif what in ("rename", "values", "objects", "text"):
            members[at] = _other_member(members[at], what, rng)
        elif what in ("claim", "dtype", "order", "header", "version") and head:
            members[at] = members[at][0], _other_header(members[at][1], what, rng)
        else:
            late.append(what)
    with warnings.catch_warnings():
        # of names twice
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(path, "w", packing) as archive:
            for name, content in members:
                archive.writestr(zipfile.ZipInfo(name), content, packing)
    path.write_bytes(_directory(bytearray(path.read_bytes()), late, rng))


def _header(content):
    """(header, numbers) of an array in an archive."""
    size = 10 + struct.unpack("<H", content[8:10])[0] if content[:6] == b"\x93NUMPY" else 0
    return content[:size], content[size:]


def _zeros(name, rng):
    """A member that is small when it is packed."""
    size = rng.choice((10**6, 3 * 10**8 if rng.random() < 0.1 else 10**7))
    stream, header = io.BytesIO(), {"descr": "|u1", "fortran_order": False, "shape": (size,)}
    np.lib.format.write_array_header_1_0(stream, header)
    return name, stream.getvalue() + bytes(size)


def _other_member(member, what, rng):
    """Another name or content."""
    name, content = member
    if what == "rename":
        stem = name[:-4]
        names = ("x.npy", stem + "s.npy", stem, "../" + name, "/abs.npy", "ä\n.npy")
        return rng.choice(names), content
    if what == "text":
        return name, b"hello"
    stream = io.BytesIO()
    np.save(stream, _values(rng) if what == "values" else np.array([None, {}, "x"], object))
    return name, stream.getvalue()


SHAPES = (
    "(10000000000,)",
    "(-1,)",
    "(2305843009213693952, 8)",
    "(0, 99999999999)",
    "(True,)",
    "()",
    "(3, 2, 29)",
)
KINDS = (
    "|O",
    "<M8[s]",
    "<U1000000",
    "|V0",
    "|S0",
    "<f16",
    "<q",
    "[('a', '<f8')]",
    "<f99",
    "(10000,)f8",
)


def _other_header(content, what, rng):
    """Other words before the numbers of an array."""
    head, body = _header(content)
    words = head[10:]
    if what == "claim":
        shape = b"'shape': " + rng.choice(SHAPES).encode()
        words = re.sub(rb"'shape': \([^)]*\)", shape, words)
    elif what == "dtype":
        kind = b"'descr': " + repr(rng.choice(KINDS)).encode()
        words = re.sub(rb"'descr': '[^']*'", kind, words)
    elif what == "order":
        words = words.replace(b"False", rng.choice((b"True", b"None", b"[]")))
    else:
        long = words.replace(b"(", b"(1L,")
        deep = (b"(" * 3000, b"-" * 9000 + b"1")
        words = rng.choice((b"{", *deep, b"{'descr': 1L}", long, b"\0" * 20, words))
    version = bytes((rng.choice((0, 2, 3, 9)), 0)) if what == "version" else head[6:8]
    return head[:6] + version + struct.pack("<H", len(words)) + words + body


def _directory(content, changes, rng):
    """The bytes of an archive with changes in the list of its members."""
    places = [match.start() for match in re.finditer(b"PK\x01\x02", bytes(content))]
    for what in changes if places else ():
        at = rng.choice(places)
        if what == "size":
            where = at + rng.choice((16, 20, 24))
            content[where : where + 4] = struct.pack("<I", rng.choice((0, 1, 2**31, 2**32 - 1)))
        elif what == "flags":
            where = at + rng.choice((4, 6, 8, 10))
            content[where : where + 2] = struct.pack("<H", rng.randrange(2**16))
        else:
            other = rng.choice(places)
            content[at + 42 : at + 46] = content[other + 42 : other + 46]
    return content


# ---- checksums made to fit ----


def reseal(path, kind, original):
    """Gives a changed file a checksum that fits, as somebody would who means harm;
    leaves it where that is impossible.
    """
    if kind == "trajectory":
        with lazy.StreamReader(original) as reader:
            reseal_streamed(path, reader)
        return
    try:
        attributes, arrays = read_arrays(path.read_bytes(), path, 50)
        if kind == "cube":
            attributes.pop("sha256", None)
            text = attributes.pop("layout")
            layout = json.loads(text)
            digest = Cube(
                {},
                {n: NamedArray(tuple(v[1]), arrays[n], v[2]) for n, v in layout.items()},
                attributes,
            ).seal(text)
        else:
            digest = container.digest_of(
                [attributes["kind"], attributes["version"], attributes["config"]], arrays
            )
    except Exception:  # then it is no such file any more
        return
    with h5py.File(path, "r+") as file:
        file.attrs["sha256"] = digest


def reseal_streamed(path, reader):
    """Writes a seal that fits behind the HDF5 part of a changed file; reader:
    `StreamReader` of what it was.
    """
    table = b"".join(stored.checksums.tobytes() for stored in reader.stored.values())
    with h5py.File(path) as file:
        datasets = {name: _place_now(file, name, old) for name, old in reader.stored.items()}
    with open(path, "r+b") as stream:
        end = os.fstat(stream.fileno()).st_size
        places = seal.Places(end, reader.places.block, datasets)
        tail = table + places.to_json()
        digest = places.digest(stream.fileno(), tail)
        last = seal.LAST.pack(seal.SEALED, len(table), len(tail) - len(table), digest)
        stream.seek(end)
        stream.write(tail + last)


def _place_now(file, name, old):
    """(offset, bytes of a case, cases) of a dataset, where it is one still, else as it
    was.
    """
    link = file.get(name, getlink=True)
    if isinstance(link, h5py.HardLink) and isinstance(file[name], h5py.Dataset):
        item = file[name]
        offset = item.id.get_offset() if item.shape else None
        if offset:
            cases = max(1, len(item))
            return offset, item.nbytes // cases, cases
    return old.offset, old.nbytes // len(old), len(old)


# ---- one file, and many ----


def make(number, seed, files, path):
    """Writes the mutated file of this number to `path`; returns (kind, how: "bytes",
    "structure" or "resealed").
    """
    rng = random.Random(f"{seed}/{number}")
    kind = list(READERS)[number % len(READERS)]
    content = files[kind].read_bytes()
    how = rng.choice(
        ("bytes", "structure", "resealed") if kind in SEALED else ("bytes", "structure")
    )
    if how == "bytes":
        path.write_bytes(mutate_bytes(content, [f.read_bytes() for f in files.values()], rng))
        return kind, how
    path.write_bytes(content)
    try:
        mutate_npz(path, rng) if kind.endswith("npz") else mutate_hdf5(path, rng)
    except (
        TypeError,
        ValueError,
        OSError,
        KeyError,
        RuntimeError,
        OverflowError,
        IndexError,
        zipfile.BadZipFile,
    ):
        how += ", in part"  # two changes that do not go together; HDF5 keeps the first one
    if not kind.endswith("npz"):
        path.write_bytes(one_heap_object(path.read_bytes()))
    if how.startswith("resealed"):
        reseal(path, kind, files[kind])
    return kind, how


def judge(kind, how, path, expected):
    """What reading gives: "refused", "same" or "other", which are allowed, or a text
    that begins with WRONG.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = READERS[kind](path)
    except SpinrnnError as error:
        if not str(error) or "\n" in str(error) or len(str(error)) > 2000:
            return f"WRONG: message {str(error)[:300]!r}"
        return (
            f"WRONG: memory: {error}"
            if re.search("_ArrayMemoryError|Unable to allocate", str(error))
            else "refused"
        )
    except BaseException:
        return f"WRONG: {traceback.format_exc(limit=-3)}"
    if found == expected:
        return "same"
    return "WRONG: other numbers" if kind in SEALED and not how.startswith("resealed") else "other"


def _status(key):
    return int(re.search(rf"{key}:\s+(\d+)", Path("/proc/self/status").read_text())[1]) * 1024


def work(files, seed, start, stop, path):
    """Reads the files of these numbers; a line of JSON before and after each."""
    resource.setrlimit(resource.RLIMIT_AS, (_status("VmSize") + 2**31,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    expected = {kind: READERS[kind](files[kind]) for kind in READERS}
    for number in range(start, stop):
        print(json.dumps([number]), flush=True)
        kind, how = make(
            number,
            seed,
            files,
            path.with_suffix(files[list(READERS)[number % len(READERS)]].suffix),
        )
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins here
        used = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(used.ru_utime + used.ru_stime) + SECONDS + 1
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
        before, began = _status("VmRSS"), time.perf_counter()
        outcome = judge(kind, how, path.with_suffix(files[kind].suffix), expected[kind])
        taken, memory = time.perf_counter() - began, _status("VmHWM") - before
        allowed = max(
            MEMORY, 5 * 1024 * path.with_suffix(files[kind].suffix).stat().st_size
        )  # packed 1024 times, and a few copies of it
        if memory > allowed and not outcome.startswith("WRONG"):
            outcome = f"WRONG: {memory / 1e6:.0f} MB of memory"
        print(json.dumps([number, kind, how, outcome, taken, memory]), flush=True)


class Campaign:
    """What was found in many files.

    Attributes:
        counts: Counter of (kind, how, outcome); wrong: [(number, kind, what is wrong)].
        longest: s; most: bytes; at: number of the next file.
    """

    def __init__(self, first, tell):
        self.counts, self.wrong = collections.Counter(), []
        self.longest, self.most, self.at, self.tell = 0.0, 0, first, tell

    def take(self, number, kind, how, outcome, seconds=0.0, memory=0):
        """One file."""
        self.at = number + 1
        self.longest, self.most = max(self.longest, seconds), max(self.most, memory)
        self.counts[kind, how, outcome.split(":")[0]] += 1
        if outcome.startswith("WRONG"):
            self.wrong.append((number, kind, outcome))
            self.tell(f"{number} {kind} {how}: {outcome}")

    def run(self, folder, seed, stop):
        """Reads files in a child process, up to `stop` or to one that it dies of."""
        command = [sys.executable, __file__, "--work", folder, seed, self.at, stop]
        with subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, cwd=folder) as child:
            unfinished, late = self._listen(child)
            status = child.wait()
        if self.at < stop:
            if unfinished is None:
                raise RuntimeError(f"a child ended with status {status} before file {self.at}")
            late = late or status == -signal.SIGXCPU
            died = f"longer than {SECONDS} s" if late else f"the process died with status {status}"
            kind = list(READERS)[unfinished % len(READERS)]
            self.take(unfinished, kind, "?", f"WRONG: {died}")

    def _listen(self, child):
        """(number of a file that was begun, not ended, or None; whether it hung)."""
        buffer, unfinished = b"", None
        while True:
            ready = select.select([child.stdout], [], [], PATIENCE)[0]
            piece = os.read(child.stdout.fileno(), 1 << 16) if ready else b""
            if not piece:
                child.kill()
                return unfinished, not ready
            *lines, buffer = (buffer + piece).split(b"\n")
            for number, *result in map(json.loads, lines):
                unfinished = None if result else number
                if result:
                    self.take(number, *result)


def fuzz(count, seed=0, first=0, tell=print):
    """Reads `count` mutated files.

    Returns:
        (Counter of (kind, how, outcome), [(number, kind, what is wrong)], longest time
            in s, most memory in bytes).
    """
    campaign, end = Campaign(first, tell), first + count
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "files").mkdir()
        make_files(Path(folder) / "files")
        try:
            while campaign.at < end:
                campaign.run(folder, seed, min(end, campaign.at + BATCH))
        # what there is until now counts
        except KeyboardInterrupt:
            tell(f"interrupted before file {campaign.at}")
    return campaign.counts, campaign.wrong, campaign.longest, campaign.most


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", type=int, nargs="?", default=20000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first file")
    parser.add_argument(
        "--make",
        nargs=2,
        metavar=("N", "FILE"),
        help="write the file of this number, with its suffix, and read it",
    )
    parser.add_argument("--work", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        folder, *numbers = options.work
        files = paths_in(Path(folder) / "files")
        return work(files, *map(int, numbers), Path(folder) / "mutated")
    if options.make:
        with tempfile.TemporaryDirectory() as folder:
            files = make_files(folder)
            number = int(options.make[0])
            kind = list(READERS)[number % len(READERS)]
            path = Path(options.make[1]).with_suffix(files[kind].suffix)
            kind, how = make(number, options.seed, files, path)
            print(path, kind, how, flush=True)
            print(judge(kind, how, path, READERS[kind](files[kind])))
        return None
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    counts, wrong, longest, most = fuzz(
        options.count, options.seed, options.first, lambda text: print(text, flush=True)
    )
    for (kind, how, outcome), number in sorted(counts.items()):
        print(f"{kind:16} {how:20} {outcome:8} {number:6}")
    print(
        f"{sum(counts.values())} files, {len(wrong)} wrong; the longest took {longest:.2f} s, "
        f"the most memory {most / 1e6:.0f} MB"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
