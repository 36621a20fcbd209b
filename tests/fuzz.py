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


def make_files(folder):
    """Writes a small file of each kind; returns {kind: path}."""
    folder = Path(folder)
    rng = np.random.default_rng(5)
    labels = np.repeat(np.arange(3), 20)
    inputs, lengths = rng.normal(size=(60, 2, 5)), rng.integers(4, 6, 60)
    files = {name: folder / f"{name}.{'npz' if name.endswith('npz') else 'h5'}" for name in READERS}
    data = {"inputs": inputs, "labels": labels, "lengths": lengths}
    step = np.arange(30) * 1e-9
    recording = {
        "time": step,
        "power": rng.random((3, 2, 30)),
        "drive": rng.random((3, 2, 30)),
        "labels": np.arange(3),
    }
    recording |= {
        "inputs": rng.random((3, 1, 6)),
        "input_interval": np.float64(5e-9),
        "relaxation_time": np.float64(1e-9),
    }
    measured = {
        "time": step,
        "power": rng.random((3, 30)),
        "drive": rng.random((3, 30)),
        "noise": np.float64(0.1),
    }
    for name, arrays in (("data", data), ("recording", recording), ("measurement", measured)):
        np.savez(files[f"{name}_npz"], **arrays)
        with h5py.File(files[f"{name}_h5"], "w", track_order=False) as file:
            for key, array in arrays.items():
                packed = {"compression": "gzip", "shuffle": True} if array.ndim > 1 else {}
                file.create_dataset(key, data=array, track_times=False, **packed)
    config = spinrnn.NetworkConfig(layers=(4, 3), inputs=2, outputs=3, density_int=0.5, substeps=2)
    net = spinrnn.Network(config, seed=1)
    net.save(files["network"])
    variables = ("p", "m", "drive", "output")
    net.simulate_to(
        files["trajectory"], inputs[:20], lengths[:20], labels=labels[:20], variables=variables
    )
    (folder / "data").mkdir()
    np.savez(folder / "data" / "d.npz", **data)
    (folder / "base.toml").write_text(
        "[network]\nlayers = [4, 3]\ninputs = 2\noutputs = 3\ndensity_int = 0.5\nsubsteps = 2\n"
        '[train]\nepochs = 2\nbatch = 16\ncheckpoint_seconds = 0\n[data]\nsource = "data/d.npz"\n'
    )
    (folder / "sweep.toml").write_text(
        '[sweep]\nname = "toy"\nbase = "base.toml"\n[[axes]]\nkey = "train.learning_rate"\nvalues = [1e-3, 1e-2]\n'
    )
    sweep = spinrnn.load_sweep(folder / "sweep.toml")
    spinrnn.run_sweep(sweep, folder / "out", executor="serial")
    spinrnn.collect_sweep(sweep, folder / "out").save(files["cube"])
    (folder / "out" / "points" / f"{sweep.points[0].name}.h5").rename(files["point"])
    spinrnn.train(sweep.points[0].config, folder / "run", pictures=False)
    checkpoints.checkpoint_paths(folder / "run")[0].rename(files["checkpoint"])
    return files


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


SEALED = {"network": lambda path: _network(spinrnn.load(path)), "checkpoint": _recorded("checkpoint"), "point": _recorded("point"),
          "cube": _cube, "trajectory": _trajectory}  # fmt: skip
READERS = {
    **SEALED, "data_npz": _dataset, "data_h5": _dataset, "recording_npz": _recording, "recording_h5": _recording,
    "measurement_npz": _measurement, "measurement_h5": _measurement,
}  # fmt: skip


# ---- bytes changed ----


def mutate_bytes(content, others, rng):
    """The bytes with one to three mistakes in them: flipped, zeroed, inserted, removed,
    spliced, cut off.
    """
    mutated = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 30))):
        at, size = rng.randrange(len(mutated) + 1), rng.choice((1, 1, 2, 8, 64, 600))
        here = slice(at, at + size)
        what = rng.choice(
            (
                "flip",
                "flip",
                "byte",
                "zero",
                "ones",
                "number",
                "remove",
                "insert",
                "splice",
                "move",
                "cut",
                "grow",
            )
        )
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
    return rng.choice((
        "", "x" * 30000, "[" * 20000, "{" * 20000, '{"a":' * 20000, "[network]\nlayers = [1000000000, 1000000000]", "[network]\nlayers = 3",
        "[network]\nlayers = []", "a = " + "[" * 5000, "[network]\nlayers = [" + "9" * 5000 + "]", "[network]\nsubsteps = 1000000000",
        "[network]\ninputs = nan", "null", "[]", "{}", "1e999", "\u2028\n", "p,p,p", "spinrnn", "a." * 20000 + "a = 1", "\x1b[2J\n",
    ))  # fmt: skip


def _values(rng):
    """Something that stands where an array or a number is expected."""
    return rng.choice((
        np.zeros(0), np.float64(np.nan), np.float64(np.inf), np.full((3, 2, 30), 1e308), np.full(30, -1e308), np.int64(-(2**63)),
        np.uint64(2**64 - 1), np.zeros((1,) * 20), np.zeros((0, 3)), np.array(True), np.array([[7, 8]], np.uint8).view(bool), np.float16(9),
        np.array(1j), np.array(b"text"), np.zeros(3, [("a", "i4"), ("b", "f8")]), np.longdouble(1) / 3, np.arange(60)[::-1],
        np.zeros((60, 2, 5), ">f4"), np.full(60, 2**62), np.frombuffer(b"[" * 50000, np.uint8), np.frombuffer(b"\xff\xfe{", np.uint8),
        np.frombuffer(b'{"a":' * 20000, np.uint8), np.frombuffer(b"{}", np.uint8), np.zeros((2, 60)), np.arange(30) * 1e-9,
    ))  # fmt: skip


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


def _change_dataset(file, name, rng):
    old = file[name]
    values, shape, dtype = old[()], old.shape, old.dtype
    what = rng.choice((
        "remove", "rename", "retype", "reshape", "claim", "values", "value", "soft", "loop", "elsewhere", "storage", "virtual", "objects",
        "texts", "compound", "references", "group", "deep", "cycle", "bomb", "twice", "filters", "many", "empty", "resize", "alias", "fan",
        "piece", "type",
    ))  # fmt: skip
    if what == "alias":
        file["alias"] = old
        return
    if what == "value":
        if values.size:
            flat = np.array(values).reshape(-1)
            flat[rng.randrange(flat.size)] = rng.choice((0, 1, 100))
            old[...] = flat.reshape(shape)
        return
    del file[name]
    if what == "remove":
        return
    if what == "rename":
        file[
            rng.choice(
                (name + "s", "x", name[:-1] or "y", "ä" * 200, "a/b/c/d", "labels", "state_json")
            )
        ] = values
    elif what == "retype":
        kinds = ("f2", "f4", "f8", ">f8", "i1", "i8", "u8", "c16", "?")
        with np.errstate(all="ignore"):
            file[name] = np.asarray(values).astype(rng.choice(kinds))
    elif what == "reshape":
        file[name] = rng.choice(
            (
                values.reshape(-1),
                values.reshape(1, *shape),
                values.T,
                values[..., None],
                values.reshape(-1)[:-1],
            )
        )
    elif what == "claim":
        file.create_dataset(
            name,
            (rng.choice((10**5, 10**9, 10**12, 2**61)),),
            dtype,
            chunks=rng.choice((None, (1000,))),
        )
    elif what == "values":
        file[name] = _values(rng) if rng.random() < 0.9 else np.zeros(10**6)
    elif what in ("soft", "loop"):
        file[name] = h5py.SoftLink("/" + name if what == "loop" else "/time")
    elif what == "elsewhere":
        file[name] = h5py.ExternalLink(
            rng.choice(("other.h5", "/dev/zero", "/proc/self/mem", file.filename)), "/" + name
        )
    elif what == "storage":
        file.create_dataset(
            name,
            shape,
            dtype,
            external=[(rng.choice(("/dev/zero", "/etc/hostname", "none")), 0, h5py.h5f.UNLIMITED)],
        )
    elif what == "virtual":
        layout = h5py.VirtualLayout(shape or (1,), dtype)
        layout[...] = h5py.VirtualSource(
            rng.choice((".", "other.h5", "/dev/zero")), "x", shape or (1,)
        )
        file.create_virtual_dataset(name, layout)
    elif what == "objects":
        file.create_dataset(
            name, data=[np.arange(3), np.arange(5)] * 10, dtype=h5py.vlen_dtype(np.float64)
        )
    elif what == "texts":
        file.create_dataset(
            name, data=["a"] * (shape[0] if shape else 1), dtype=h5py.string_dtype()
        )
    elif what == "compound":
        file[name] = np.zeros(shape, [("a", dtype), ("b", "f8", (1000,))])
    elif what == "references":
        file.create_dataset(name, data=[file.ref] * 3, dtype=h5py.ref_dtype)
    elif what == "group":
        file.create_group(name)["x"] = values
    elif what == "deep":
        file[name + "/a" * rng.choice((2, 5, 300)) + "/x"] = values
    elif what == "cycle":
        group = file.create_group(name)
        group["again"] = rng.choice((file, group))
        group["more"] = file["/"]
    elif what == "bomb":
        dataset = file.create_dataset(
            name,
            (rng.choice((10**6, 10**7)),),
            "f8",
            chunks=(10**6,),
            compression=rng.choice(("gzip", "lzf")),
        )
        dataset[: 10**6] = 0
    elif what in ("twice", "filters"):
        _filtered(file, name, rng, twice=what == "twice")
    elif what == "many":
        group = file.create_group(name)
        for number in range(rng.choice((100, 1000))):
            group[f"x{number}"] = 0
    elif what == "fan":  # few groups, very many ways through them
        group = file.create_group(name)
        for _ in range(rng.choice((2, 3, 20))):
            below = file.create_group(None)
            for number in range(100):
                group[f"x{number}"] = below
            group = below
    elif what == "piece":  # a small array in a piece that is large when it is unpacked
        long = max(values.size, rng.choice((10**3, 10**6, 10**7)))
        file.create_dataset(
            name, (max(1, values.size),), "f8", chunks=(long,), maxshape=(None,), compression="gzip"
        )[...] = 0
    elif what == "type":
        file[name] = np.dtype("f8")
    elif what == "empty":
        file[name] = h5py.Empty(dtype)
    elif what == "resize":
        file.create_dataset(
            name, data=np.atleast_1d(values), maxshape=(None,) * max(1, len(shape)), chunks=True
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


def _change_attribute(item, rng):
    names = list(item.attrs)
    name = (
        rng.choice(names)
        if names and rng.random() < 0.8
        else rng.choice(("format", "kind", "config", "input_interval", "x" * 300))
    )
    what = rng.choice(
        (
            "remove",
            "text",
            "text",
            "value",
            "rename",
            "empty",
            "texts",
            "version",
            "swap",
            "objects",
            "large",
            "vlen",
        )
    )
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


def mutate_npz(path, rng):
    """Writes a NumPy archive anew with one or two things changed."""
    with zipfile.ZipFile(path) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    packing, late = zipfile.ZIP_STORED, []
    for _ in range(rng.choice((1, 1, 2))):
        at = rng.randrange(len(members))
        name, content = members[at]
        what = rng.choice((
            "remove", "rename", "values", "objects", "claim", "header", "text", "double", "gzip", "bz2", "lzma", "bomb", "size", "overlap",
            "flags", "dtype", "order", "version",
        ))  # fmt: skip
        head_size = 10 + struct.unpack("<H", content[8:10])[0] if content[:6] == b"\x93NUMPY" else 0
        head, body = content[:head_size], content[head_size:]
        if what == "remove" and len(members) > 1:
            del members[at]
        elif what == "rename":
            members[at] = (
                rng.choice(
                    ("x.npy", name[:-4] + "s.npy", name[:-4], "../" + name, "/abs.npy", "ä\n.npy")
                ),
                content,
            )
        elif what in ("values", "objects"):
            stream, value = (
                io.BytesIO(),
                _values(rng) if what == "values" else np.array([None, {}, "x"], object),
            )
            np.save(stream, value)
            members[at] = name, stream.getvalue()
        elif what in ("claim", "dtype", "order", "header", "version") and head:
            if what == "claim":
                claimed = rng.choice(
                    (
                        "(10000000000,)",
                        "(-1,)",
                        "(2305843009213693952, 8)",
                        "(0, 99999999999)",
                        "(True,)",
                        "()",
                        "(3, 2, 29)",
                    )
                )
                text = re.sub(rb"'shape': \([^)]*\)", b"'shape': " + claimed.encode(), head[10:])
            elif what == "dtype":
                kinds = (
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
                text = re.sub(
                    rb"'descr': '[^']*'", b"'descr': " + repr(rng.choice(kinds)).encode(), head[10:]
                )
            elif what == "order":
                text = head[10:].replace(b"False", rng.choice((b"True", b"None", b"[]")))
            else:
                text = rng.choice(
                    (
                        b"{",
                        b"(" * 3000,
                        b"-" * 9000 + b"1",
                        b"{'descr': 1L}",
                        head[10:].replace(b"(", b"(1L,"),
                        b"\0" * 20,
                        head[10:],
                    )
                )
            version = bytes((rng.choice((0, 2, 3, 9)), 0)) if what == "version" else head[6:8]
            members[at] = name, head[:6] + version + struct.pack("<H", len(text)) + text + body
        elif what == "text":
            members[at] = name, b"hello"
        elif what == "double":
            members.append(rng.choice(members))
        elif what == "bomb":
            size = rng.choice((10**6, 3 * 10**8 if rng.random() < 0.1 else 10**7))
            stream = io.BytesIO()
            np.lib.format.write_array_header_1_0(
                stream, {"descr": "|u1", "fortran_order": False, "shape": (size,)}
            )
            members[at], packing = (
                (name, stream.getvalue() + bytes(size)),
                rng.choice((8, 8, 12, 14)),
            )
        elif what in ("gzip", "bz2", "lzma"):
            packing = {
                "gzip": zipfile.ZIP_DEFLATED,
                "bz2": zipfile.ZIP_BZIP2,
                "lzma": zipfile.ZIP_LZMA,
            }[what]
        else:
            late.append(what)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names twice
        with zipfile.ZipFile(path, "w", packing) as archive:
            for name, content in members:
                archive.writestr(zipfile.ZipInfo(name), content, packing)
    content = bytearray(path.read_bytes())
    places = [m.start() for m in re.finditer(b"PK\x01\x02", bytes(content))]
    for what in late if places else ():
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
    path.write_bytes(content)


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


def fuzz(count, seed=0, first=0, tell=print):
    """Reads `count` mutated files.

    Returns:
        (Counter of (kind, how, outcome), [(number, kind, what is wrong)], longest time
            in s, most memory in bytes).
    """
    counts, wrong, longest, most = collections.Counter(), [], 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "files").mkdir()
        make_files(folder / "files")
        at, end = first, first + count
        try:
            while at < end:
                stop = min(end, at + BATCH)
                command = [
                    sys.executable,
                    __file__,
                    "--work",
                    str(folder),
                    str(seed),
                    str(at),
                    str(stop),
                ]
                with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=folder) as child:
                    buffer, open_number, ended = b"", None, False
                    while not ended:
                        ready = select.select([child.stdout], [], [], PATIENCE)[0]
                        piece = os.read(child.stdout.fileno(), 1 << 16) if ready else b""
                        if not piece:
                            child.kill()
                            ended = True
                        *lines, buffer = (buffer + piece).split(b"\n")
                        for number, *result in map(json.loads, lines):
                            if not result:
                                open_number = number
                                continue
                            kind, how, outcome, seconds, memory = result
                            at, open_number, longest, most = (
                                number + 1,
                                None,
                                max(longest, seconds),
                                max(most, memory),
                            )
                            counts[kind, how, outcome.split(":")[0]] += 1
                            if outcome.startswith("WRONG"):
                                wrong.append((number, kind, outcome))
                                tell(f"{number} {kind} {how}: {outcome}")
                    if at < stop:
                        if open_number is None:
                            raise RuntimeError(
                                f"a child ended with status {child.wait()} before file {at}"
                            )
                        kind = list(READERS)[open_number % len(READERS)]
                        status = child.wait()
                        late = not ready or status == -signal.SIGXCPU
                        text = (
                            f"WRONG: longer than {SECONDS} s"
                            if late
                            else f"WRONG: the process died with status {status}"
                        )
                        counts[kind, "?", "WRONG"] += 1
                        wrong.append((open_number, kind, text))
                        tell(f"{open_number} {kind}: {text}")
                        at = open_number + 1
        except KeyboardInterrupt:  # what there is until now counts
            tell(f"interrupted before file {at}")
    return counts, wrong, longest, most


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
        folder, seed, start, stop = options.work
        folder = Path(folder)
        files = {
            kind: folder / "files" / f"{kind}.{'npz' if kind.endswith('npz') else 'h5'}"
            for kind in READERS
        }
        return work(files, int(seed), int(start), int(stop), folder / "mutated")
    if options.make:
        with tempfile.TemporaryDirectory() as folder:
            files = make_files(folder)
            number, kind = int(options.make[0]), list(READERS)[int(options.make[0]) % len(READERS)]
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
        f"{sum(counts.values())} files, {len(wrong)} wrong; the longest took {longest:.2f} s, the most memory {most / 1e6:.0f} MB"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
