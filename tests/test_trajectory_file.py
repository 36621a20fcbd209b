"""Trajectory files: what is written is read to the bit; unfinished, damaged and hostile files are refused; memory stays bounded; a kill loses nothing."""

import errno
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time

import h5py
import numpy as np
import pytest
from conftest import refused

import spinrnn
from spinrnn import memory, store, streamed, threads
from spinrnn.datasets import split

ALL = ("p", "m", "drive", "output")


def command(*arguments, **options):
    return subprocess.run([sys.executable, "-m", "spinrnn", *map(str, arguments)], capture_output=True, text=True, timeout=300, **options)


@pytest.fixture
def net():
    return spinrnn.Network(spinrnn.NetworkConfig(layers=(5, 4, 6), inputs=2, outputs=3, density_int=0.5, substeps=3), seed=1)


@pytest.fixture
def given():
    """Inputs (37, 2, 7), lengths and labels; 37 cases are three blocks, the last one not full."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(37, 2, 7)), rng.integers(3, 8, 37), np.arange(37) % 3


@pytest.fixture
def written(net, given, tmp_path):
    """(network, its trajectory in memory, path of its file with all variables)."""
    u, lengths, labels = given
    path = tmp_path / "traces.h5"
    net.simulate_to(path, u, lengths, labels=labels, variables=ALL)
    return net, net.simulate(u, lengths), path


# ---- what is in a file ----


def same(file, trajectory):
    """Checks that the file holds this trajectory, to the bit in float32."""
    for layer in range(len(trajectory.state)):
        for stored, array in ((file.state, trajectory.state), (file.output, trajectory.output), (file.drive, trajectory.drive)):
            assert stored[layer].shape == array[layer].shape
            np.testing.assert_array_equal(stored[layer][:], array[layer].astype(np.float32))
    np.testing.assert_array_equal(file.time, trajectory.time)
    np.testing.assert_array_equal(file.logits, trajectory.logits.astype(np.float32))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"dtype": "float64"},
        {"neuron": "ctrnn"},
        {"scheme": "euler", "density_int": 1.0},
        {"relaxation_time": 3e-9, "highpass_time": 20e-9},
    ],
)
def test_both_ways_of_writing_hold_the_simulation(net, given, tmp_path, changes):
    u, lengths, labels = given
    net = spinrnn.Network(spinrnn.NetworkConfig(**{**vars(net.config), **changes}), seed=2)
    trajectory = net.simulate(u, lengths)
    trajectory.save(tmp_path / "saved.h5", labels=labels)
    net.simulate_to(tmp_path / "streamed.h5", u, lengths, labels=labels, cases=np.arange(37) + 100)
    for name in ("saved.h5", "streamed.h5"):
        with spinrnn.Trajectory.open(tmp_path / name) as file:
            same(file, trajectory)
            assert file.mean is None
            assert file.config == net.config
            assert file.network.parameters.tobytes() == net.parameters.tobytes()
            np.testing.assert_array_equal(file.network.mask, net.mask)
            np.testing.assert_array_equal(file.lengths, lengths)
            np.testing.assert_array_equal(file.labels, labels)
            assert file.labels.dtype == np.int64
            assert (file.time.dtype, file.state[0].dtype, file.inputs.dtype) == (np.float64, np.float32, np.dtype(net.config.dtype))
            again = file.network.simulate(file.inputs, file.lengths)
            np.testing.assert_array_equal(again.state[2], trajectory.state[2])
            assert file.cases[3] == (3 if name == "saved.h5" else 103)
            file.check()


def test_the_mean_power_and_the_ends_of_cases(written, given):
    _, trajectory, path = written
    with spinrnn.open_trajectory(path) as file:
        for layer in range(3):
            difference = trajectory.state[layer] - file.mean[layer][:] - trajectory.output[layer]
            assert np.nanmax(np.abs(difference)) < 1e-6
            for case, length in enumerate(given[1]):
                assert np.isfinite(file.state[layer][case, :, : 3 * length + 1]).all()
                assert np.isnan(file.state[layer][case, :, 3 * length + 1 :]).all()


@pytest.mark.parametrize("every", [2, 3, 5, 20, 21])
def test_every_so_many_substeps(net, given, tmp_path, every):
    """Also where the number does not divide the 21 substeps: the drive has always one time less."""
    u, lengths, _ = given
    trajectory = net.simulate(u, lengths)
    net.simulate_to(tmp_path / "t.h5", u, lengths, every=every, variables=["drive", "p"], layers=[2, 0])
    with spinrnn.open_trajectory(tmp_path / "t.h5") as file:
        times = len(file.time)
        assert times == 21 // every + 1
        np.testing.assert_allclose(file.time, trajectory.time[::every], rtol=1e-14)
        assert file.output is None
        assert file.state[1] is None
        assert file.drive[1] is None
        assert file.every == every
        for layer in (0, 2):
            np.testing.assert_array_equal(file.state[layer][:], trajectory.state[layer][:, :, ::every])
            np.testing.assert_array_equal(file.drive[layer][:], trajectory.drive[layer][:, :, ::every][:, :, : times - 1])


def test_results_do_not_depend_on_threads_or_memory(net, given, tmp_path):
    u, lengths, _ = given
    contents = set()
    for count, limit in ((1, None), (3, None), (3, 200_000)):
        with threads.using(count), memory.using(limit):
            net.simulate_to(tmp_path / "t.h5", u, lengths)
        with spinrnn.open_trajectory(tmp_path / "t.h5") as file:
            contents.add(b"".join(x[:].tobytes() for x in (*file.state, *file.output, *file.drive)))
    assert len(contents) == 1
    with memory.using(1000), pytest.raises(spinrnn.MemoryLimitError, match="shorter sequences"):
        net.simulate_to(tmp_path / "t.h5", u, lengths)


def test_slices_are_those_of_numpy(written):
    _, trajectory, path = written
    array, t = trajectory.state[1], np.arange(37)
    keys = [
        3, -1, np.int64(5), slice(None), slice(30, 2, -7), slice(5, 5), ..., (), None, (3, 1), (3, 1, 2), (..., 2), (2, ...), (..., 1, 2),
        (..., 1, 2, 3), (slice(2, 20, 3), 1), (slice(None), slice(1, 3), slice(None, None, -2)), (slice(None), 2, [1, 5, 3]), [4, 30, 4, -2],
        (np.array([[1, 20], [36, 1]]), 2), ([1, 20, 36], [0, 1, 2], [5, 6, 7]), t % 5 == 0, (t % 5 == 0, ..., 1), (slice(3), None, 2),
        (3, None), np.zeros(37, bool), [], (slice(10), slice(None), 3), (slice(10), ..., 3), np.isfinite(array), ([3, 2], slice(None), 1),
    ]  # fmt: skip
    for key in keys:
        with spinrnn.open_trajectory(path) as file:
            np.testing.assert_array_equal(file.state[1][key], array[key], err_msg=repr(key), strict=True)
    with spinrnn.open_trajectory(path) as file:
        stored = file.state[1]
        assert (len(stored), stored.shape, stored.ndim, stored.size, stored.nbytes) == (37, array.shape, 3, array.size, array.nbytes)
        np.testing.assert_array_equal(np.asarray(stored), array)
        assert np.asarray(stored, dtype=np.float64).dtype == np.float64
        for bad in (37, -38, (0, 4), "a", (0, 0, 0, 0), [37]):
            with pytest.raises(IndexError):
                stored[bad]
        pieces = [block for _, block in stored.blocks()]
        np.testing.assert_array_equal(np.concatenate(pieces), array)
    with pytest.raises(spinrnn.StoreError, match="has been closed"):
        stored[0]


def test_what_cannot_be_asked_for(net, given, tmp_path):
    u, lengths, _ = given
    wrong = (
        ({"every": 0}, "every"), ({"every": 22}, "every: must be a whole number from 1 to 21"), ({"every": True}, "every"),
        ({"variables": ["pp"]}, "did you mean p"), ({"layers": [3]}, "from 0 to 2"), ({"layers": []}, "at least one"),
        ({"variables": ["x"], "layers": [-1], "every": 1.5}, r"every.*variables.*layers"),
    )  # fmt: skip
    for options, words in wrong:
        with pytest.raises(spinrnn.ConfigError, match=words):
            net.simulate_to(tmp_path / "t.h5", u, lengths, **options)
    twin = spinrnn.Network(spinrnn.NetworkConfig(**{**vars(net.config), "neuron": "ctrnn"}))
    with pytest.raises(spinrnn.ConfigError, match="no mean power"):
        twin.simulate_to(tmp_path / "t.h5", u, lengths, variables=["m"])
    for options in ({"labels": [1]}, {"cases": np.zeros(37)}, {"labels": np.full(37, 2**40)}):
        with pytest.raises(spinrnn.DataError):
            net.simulate_to(tmp_path / "t.h5", u, lengths, **options)
    with pytest.raises(spinrnn.DataError, match="no cases"):
        net.simulate_to(tmp_path / "t.h5", u[:0])
    trajectory = net.simulate(u, lengths)
    trajectory.network = None
    with pytest.raises(spinrnn.DataError, match="has no network"):
        trajectory.save(tmp_path / "t.h5")
    assert list(tmp_path.iterdir()) == []


# ---- other programs ----


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_xarray_opens_it(written, engine):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip({"netcdf4": "netCDF4"}.get(engine, engine))
    net, trajectory, path = written
    with xarray.open_dataset(path, engine=engine) as data:
        sizes = {
            "case": 37,
            "time": 22,
            "drive_time": 21,
            "input_time": 7,
            "channel": 2,
            "class": 3,
            "neuron_0": 5,
            "neuron_1": 4,
            "neuron_2": 6,
        }
        assert dict(data.sizes) == sizes | {"source_0": 5, "source_1": 4, "source_2": 6}
        assert set(data.coords) == set(data.sizes)  # each axis has its coordinate
        for layer in range(3):
            for name, array, last, units in (
                ("power", trajectory.state, "time", "1"), ("output", trajectory.output, "time", "1"), ("drive", trajectory.drive, "drive_time", "1/s"),
            ):  # fmt: skip
                found = data[f"{name}_{layer}"]
                assert found.dims == ("case", f"neuron_{layer}", last)
                assert (found.dtype, found.attrs["units"]) == (np.float32, units)
                assert f"layer {layer}" in found.attrs["long_name"]
                np.testing.assert_array_equal(found.values, array[layer])
        assert data.time.dtype == np.float64
        assert data.time.attrs["units"] == "s"
        np.testing.assert_array_equal(data.time.values, trajectory.time)
        np.testing.assert_array_equal(data.w_int_1.values, net.views()["w_int"][1])
        assert data.w_int_1.dims == ("neuron_1", "source_1")
        assert data.power_2.sel(case=3, neuron_2=1).sel(time=5e-9, method="nearest").shape == ()
        assert all(data[name].attrs["units"] in ("1", "s", "1/s") and data[name].attrs["long_name"] for name in data.variables)
        assert (data.attrs["neuron"], data.attrs["substeps"], data.attrs["complete"]) == ("oscillator", 3, 1)
        assert data.attrs["relaxation_time"] == 10e-9
        assert "layers = [5, 4, 6]" in data.attrs["config"]


def run_program(*arguments):
    if shutil.which(arguments[0]) is None:
        pytest.skip(f"{arguments[0]} is not installed")
    result = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    return " ".join(result.stdout.split())


def test_ncdump_shows_names_coordinates_and_units(written):
    _, trajectory, path = written
    text = run_program("ncdump", "-v", "time,logits", path)
    for part in (
        "float power_0(case, neuron_0, time) ;", 'drive_1:units = "1/s" ;', 'time:units = "s" ;', "double time(time) ;", "case = 37 ;",
        'drive_1:long_name = "drive I of the neurons of layer 1, held from drive_time on" ;', ":complete = 1 ;", "float w_int_2(neuron_2, source_2) ;",
    ):  # fmt: skip
        assert part in text
    assert "phony" not in text
    values = text.split("time = 0, ")[1].split(";")[0].split(",")
    np.testing.assert_allclose([0, *map(float, values)], trajectory.time, rtol=1e-5)


def test_h5dump_shows_scales_and_units(written):
    _, trajectory, path = written
    text = run_program("h5dump", "-d", "/drive_0", "-s", "2,1,3", "-c", "1,1,1", path)
    for part in ('"DIMENSION_LIST"', '"1/s"', '"drive I of the neurons of layer 0, held from drive_time on"', "H5T_IEEE_F32LE"):
        assert part in text
    assert f"(2,1,3): {trajectory.drive[0][2, 1, 3]:.5g}"[:14] in text
    assert '"DIMENSION_SCALE"' in run_program("h5dump", "-d", "/time", path)


def test_octave_reads_arrays_and_units(written, tmp_path):
    net, trajectory, path = written
    script = tmp_path / "read.m"
    script.write_text(
        f's = load("{path}"); printf("%d ", size(s.power_1)); printf("%.9g ", s.power_1(6, 2, 4), s.time(6), s.w_out(5, 3));\n'
        f'try, pkg load netcdf; printf("%s|%s|", ncreadatt("{path}", "drive_1", "units"), ncreadatt("{path}", "power_1", "long_name"));\n'
        f'd = ncinfo("{path}", "power_1").Dimensions; printf("%s,", d.Name); catch, printf("no netcdf"); end\n'
    )
    text = run_program("octave", "--no-gui", "--norc", script)
    numbers = [trajectory.state[1][3, 1, 5], trajectory.time[5], net.views()["w_out"][2, 4]]
    assert text.startswith("22 4 37 ")  # Octave counts axes from the fastest one
    np.testing.assert_allclose([float(word) for word in text.split()[3:6]], numbers, rtol=1e-6)
    if "no netcdf" in text:
        pytest.skip("Octave's package netcdf, which reads units, is not installed")
    assert "1/s|normalised power p of the neurons of layer 1|time,neuron_1,case," in text


# ---- trust ----


def test_an_unfinished_file_is_known_and_a_failure_leaves_nothing(net, given, tmp_path):
    u, lengths, _ = given
    path, kept = tmp_path / "t.h5", tmp_path / "kept.h5"

    def stop(done):
        if done > 16:
            part = next(tmp_path.glob(".t.h5.*.part"))
            shutil.copy(part, kept)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        net.simulate_to(path, u, lengths, on_block=stop)
    assert list(tmp_path.iterdir()) == [kept]
    with pytest.raises(spinrnn.StoreError, match="unfinished"):
        spinrnn.open_trajectory(kept)
    with h5py.File(kept) as file:  # other programs see it, too
        assert file.attrs["complete"] == 0
    with pytest.raises(spinrnn.StoreError, match="open_trajectory"):
        spinrnn.load(kept)


def test_stale_files_are_removed_and_those_at_work_are_not(net, given, tmp_path):
    u, lengths, _ = given
    path = tmp_path / "t[1].h5"
    stale, other = tmp_path / ".t[1].h5.0123456789ab.part", tmp_path / ".t1.h5.0123456789ab.part"
    stale.write_bytes(b"x")
    other.write_bytes(b"x")  # of another target
    begun = []

    def second(done):
        if not begun:
            begun.append(1)
            net.simulate_to(path, u[:5], lengths[:5])  # as another process would, to the same target
            with spinrnn.open_trajectory(path) as file:
                assert len(file) == 5

    with threads.using(1):
        net.simulate_to(path, u, lengths, on_block=second)
    assert sorted(tmp_path.iterdir()) == sorted([path, other])
    with spinrnn.open_trajectory(path) as file:
        file.check()
        assert len(file) == 37


@pytest.mark.parametrize("call", ["pwrite", "fsync", "fdatasync", "replace"])
def test_a_full_disk_leaves_the_old_file(written, given, monkeypatch, call):
    net, trajectory, path = written
    before, calls, true = path.read_bytes(), [], getattr(os, call)
    monkeypatch.setattr(streamed, "_SYNC", 1)

    def full(*arguments):
        calls.append(1)
        if len(calls) > (5 if call == "pwrite" else 0):
            raise OSError(errno.ENOSPC, "No space left on device")
        return true(*arguments)

    monkeypatch.setattr(os, call, full)
    for write in (lambda: net.simulate_to(path, *given[:2]), lambda: trajectory.save(path)):
        calls.clear()
        with pytest.raises(spinrnn.StoreError, match=r"cannot write .*traces\.h5: No space left on device; nothing of it is kept"):
            write()
        assert calls
        assert path.read_bytes() == before
        assert [p.name for p in path.parent.iterdir()] == ["traces.h5"]


def test_room_is_asked_for_before_anything_is_simulated(net, given, tmp_path, monkeypatch):
    monkeypatch.setattr(net, "history", None)
    disk = os.statvfs(tmp_path)
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result((*disk[:4], 1, *disk[5:])))
    with pytest.raises(spinrnn.StoreError, match=r"No space left on device: .* needed, 4.0 KiB free"):
        net.simulate_to(tmp_path / "t.h5", *given[:2])
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def small_disk(tmp_path):
    """A tmpfs of 300 KiB; needs root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("mounting a tmpfs needs root")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_small_and_a_read_only_disk(small_disk, net, given, monkeypatch):
    path = small_disk / "t.h5"
    net.simulate_to(path, *given[:2], every=7, variables=["p"], layers=[0])
    before = path.read_bytes()
    monkeypatch.setattr(streamed, "_check_room", lambda *_: None)
    with pytest.raises(spinrnn.StoreError, match="No space left on device"):
        net.simulate_to(path, np.tile(given[0], (9, 1, 1)))
    assert path.read_bytes() == before
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(spinrnn.StoreError, match="Read-only file system"):
        net.simulate_to(path, *given[:2])
    with spinrnn.open_trajectory(path) as file:
        file.check()


def test_paths_that_cannot_be_written_or_read(net, given, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"")
    for bad in (file / "t.h5", tmp_path / "none" / "t.h5", tmp_path / ("n" * 253), str(tmp_path / "a\0b")):
        with pytest.raises(spinrnn.StoreError, match="cannot write"):
            net.simulate_to(bad, *given[:2])
    os.mkfifo(tmp_path / "pipe")
    for bad in (tmp_path / "none.h5", tmp_path, tmp_path / "pipe", str(tmp_path / "a\0b")):
        with pytest.raises(spinrnn.StoreError, match="cannot read"):
            spinrnn.open_trajectory(bad)
    for content in (b"", b"hello", os.urandom(5000)):
        file.write_bytes(content)
        with pytest.raises(spinrnn.StoreError, match="no trajectory file"):
            spinrnn.open_trajectory(file)
    net.save(tmp_path / "network.h5")
    with pytest.raises(spinrnn.StoreError, match="no trajectory file"):
        spinrnn.open_trajectory(tmp_path / "network.h5")


def everything(file):
    """All numbers that a file gives, as bytes."""
    lists = [file.state, file.mean, file.output, file.drive]
    arrays = [file.time, file.logits, file.inputs, file.cases, file.labels, file.lengths, file.network.parameters, file.network.mask]
    return b"".join(np.asarray(x).tobytes() for x in (*arrays, *(x for found in lists for x in found))) + repr(file.config).encode()


def test_mutated_files_are_refused_or_harmless(written, tmp_path):
    """Bytes flipped, zeroed, inserted and removed, pieces exchanged, ends cut off: refused with one line, or the very same numbers."""
    _, _, path = written
    content, bad, messages = path.read_bytes(), tmp_path / "bad.h5", []
    with spinrnn.open_trajectory(path) as file:
        expected = everything(file)
    rng = random.Random(7)
    tail = len(content) - 3000
    for number in range(400):
        mutated = bytearray(content)
        for _ in range(rng.choice((1, 1, 3))):
            at, size = rng.randrange(tail if rng.random() < 0.3 else 0, len(mutated) - 1), rng.choice((1, 1, 8, 600))
            kind = rng.randrange(6)
            if kind < 2:
                mutated[at] ^= 1 << rng.randrange(8)
            elif kind == 2:
                mutated[at : at + size] = bytes(len(mutated[at : at + size]))
            elif kind == 3:
                del mutated[at : at + size]
            elif kind == 4:
                mutated[at:at] = rng.randbytes(size)
            else:
                other = rng.randrange(len(mutated))
                mutated[at : at + size] = mutated[other : other + size][: len(mutated[at : at + size])]
        if number % 10 == 0:
            del mutated[rng.randrange(len(mutated)) :]
        bad.write_bytes(mutated)
        try:
            with spinrnn.open_trajectory(bad) as file:
                found = everything(file)
        except spinrnn.StoreError as error:
            messages.append(str(error))
        else:
            assert found == expected, number
            assert mutated == content  # every byte counts
    assert len(messages) > 350
    assert not any("\n" in message for message in messages)


def reseal(path):
    """Gives a file that was changed through HDF5 a seal that fits, as somebody would who means harm."""
    with streamed.StreamReader(path) as reader:
        table = b"".join(s._checksums.tobytes() for s in reader.stored.values())
        block = next(iter(reader.stored.values()))._block

    def seal(change):
        with h5py.File(path, "r+") as file:
            change(file)
        with open(path, "r+b") as stream:
            end = os.fstat(stream.fileno()).st_size
            places = {}
            with h5py.File(path) as file:
                for name in reader.stored:
                    item = file.get(name, getlink=True)
                    if isinstance(item, h5py.HardLink) and isinstance(file[name], h5py.Dataset) and file[name].id.get_offset():
                        places[name] = (file[name].id.get_offset(), file[name].nbytes // len(file[name]), len(file[name]))
                    else:
                        old = reader.stored[name]
                        places[name] = (old._offset, old.nbytes // len(old), len(old))
            text = streamed.json.dumps({"end": end, "block": block, "streamed": [[n, *p] for n, p in places.items()]}).encode()
            digest = streamed._digest_outside(stream.fileno(), end, places.values())
            digest.update(table + text)
            stream.seek(end)
            stream.write(table + text + streamed._LAST.pack(store.SEALED, len(table), len(text), digest.digest()))

    return seal


def test_hostile_files_with_a_seal_that_fits(written, tmp_path):
    _, _, path = written
    (tmp_path / "secret.bin").write_bytes(os.urandom(4000))
    bad = tmp_path / "bad.h5"

    def link(file):
        del file["time"]
        file["time"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/x")

    def soft(file):
        del file["power_0"]
        file["power_0"] = h5py.SoftLink("/power_1")

    def external(file):
        del file["bias_0"]
        file.create_dataset("bias_0", (5,), "f4", external=[(str(tmp_path / "secret.bin"), 0, 20)])

    def virtual(file):
        del file["bias_0"]
        layout = h5py.VirtualLayout((5,), "f4")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", (5,))
        file.create_virtual_dataset("bias_0", layout)

    def bomb(file):
        del file["bias_0"]
        file.create_dataset("bias_0", (10**12,), "f4", chunks=(1000,), compression="gzip")

    def group(file):
        del file["bias_0"]
        file.create_group("bias_0")

    def texts(file):
        del file["bias_0"]
        file.create_dataset("bias_0", data=["a"] * 5, dtype=h5py.string_dtype())

    def shape(file):
        del file["bias_0"]
        file["bias_0"] = np.zeros(6, np.float32)

    def kind(file):
        del file["time"]
        file["time"] = np.arange(22)

    def claim(file):  # the arrays that it claims must exist before memory is taken for them
        file.attrs["config"] = str(file.attrs["config"].decode()).replace("[5, 4, 6]", "[50000, 4, 6]")

    def newer(file):
        file.attrs["version"] = 2

    def lost(file):
        del file.attrs["kind"]

    def times(file):
        file.attrs["every"] = 2

    attacks = {
        link: "link elsewhere", soft: "link elsewhere", external: "not a plain array", virtual: "not a plain array", bomb: "plain array|piece of its own",
        group: "is a group", texts: "not a plain array", shape: "bias_0", kind: "time", claim: "missing or", newer: "newer spinrnn",
        lost: "not a trajectory", times: "times do not fit",
    }  # fmt: skip
    for attack, words in attacks.items():
        shutil.copy(path, bad)
        reseal(bad)(attack)
        with pytest.raises(spinrnn.StoreError, match=words):
            spinrnn.open_trajectory(bad)
    shutil.copy(path, bad)
    reseal(bad)(lambda file: file.attrs.update(note="added"))  # the seal alone is no obstacle
    with spinrnn.open_trajectory(bad) as file:
        assert file.attributes["note"] == "added"
    shutil.copy(path, bad)
    with h5py.File(bad, "r+") as file:
        file.attrs["note"] = "added by another program"
    with pytest.raises(spinrnn.StoreError, match="changed by another program"):
        spinrnn.open_trajectory(bad)


def test_a_damaged_block_is_told_when_it_is_read(written, tmp_path):
    _, trajectory, path = written
    with spinrnn.open_trajectory(path) as file:
        stored = file.state[1]
        at = stored._offset + stored.nbytes // 37 * 20  # in case 20, of the second block
        content = bytearray(path.read_bytes())
        content[at] ^= 1
        path.write_bytes(content)
    with spinrnn.open_trajectory(path) as file:
        np.testing.assert_array_equal(file.state[1][:16], trajectory.state[1][:16])
        np.testing.assert_array_equal(file.state[1][32:, 2, 5], trajectory.state[1][32:, 2, 5])
        for read in (lambda: file.state[1][17], lambda: file.state[1][:], lambda: file.state[1][..., 0], file.check):
            with pytest.raises(spinrnn.StoreError, match="cases 16 to 31 of power_1 do not match"):
                read()


def test_a_file_that_is_cut_while_it_is_open(written):
    _, _, path = written
    with spinrnn.open_trajectory(path) as file:
        os.truncate(path, 5000)
        with pytest.raises(spinrnn.StoreError, match="became shorter"):
            file.state[2][:]


def test_a_block_that_was_not_written_gives_no_file(tmp_path):
    variables = [streamed.Variable("case", ("case",), "i4", "1", "x", np.arange(20)), streamed.Variable("x", ("case",), "f4", "1", "x")]
    with (
        pytest.raises(spinrnn.StoreError, match="1 of 2 blocks were not written"),
        streamed.StreamWriter(tmp_path / "x.h5", variables, {}, 16) as file,
    ):
        file.write("x", 0, np.zeros(16, np.float32))
    assert list(tmp_path.iterdir()) == []


def test_reading_from_several_threads(written):
    _, trajectory, path = written
    wrong = []
    with spinrnn.open_trajectory(path) as file:

        def read(first):
            for case in np.roll(np.arange(37), first):
                if not np.array_equal(file.state[0][case], trajectory.state[0][case], equal_nan=True):
                    wrong.append(case)

        workers = [threading.Thread(target=read, args=(k,)) for k in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert wrong == []


def test_memory_is_that_of_blocks(tmp_path):
    """200 MB of file within 80 MB more than it takes to simulate a block."""
    code = f"""
import numpy as np, resource, spinrnn
net = spinrnn.Network(spinrnn.NetworkConfig())
u = np.random.default_rng(0).random((720, 1, 64), dtype=np.float32)
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
net.simulate_to("{tmp_path}/small.h5", u[:64])
before = peak()
net.simulate_to("{tmp_path}/large.h5", u)
with spinrnn.open_trajectory("{tmp_path}/large.h5") as file:
    largest = max(float(np.nanmax(block)) for x in file.state for _, block in x.blocks())
    one = file.drive[2][:, 3, ::50]
    assert one.shape == (720, 6) and 0 < largest < 1
print(peak() - before)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "large.h5").stat().st_size > 200e6
    assert int(result.stdout) < 80e6
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 < 1e9


# ---- the command ----


def test_simulate_a_run_a_configuration_and_a_network(tiny_file, tiny_data, tmp_path):
    run, out = tmp_path / "run", tmp_path / "t.h5"
    result = spinrnn.train(spinrnn.load_config(tiny_file), out=run)
    config = spinrnn.load_config(tiny_file)
    parts = split(tiny_data, config.data, config.resolved_split_seed)
    done = command(
        "simulate", run, "--input", f"{tiny_file.parent}/tiny.npz:test[2:9:2]", "--out", out, "--variables", "p,m", "--layers", "1"
    )
    assert done.returncode == 0, done.stderr
    assert "4 cases" in done.stdout
    with spinrnn.open_trajectory(out) as file:
        chosen = parts[2][2:9:2]
        np.testing.assert_array_equal(file.cases, chosen)
        np.testing.assert_array_equal(file.labels, tiny_data.labels[chosen])
        trajectory = result.network.simulate(tiny_data.inputs[chosen], tiny_data.lengths[chosen])
        np.testing.assert_array_equal(file.state[1][:], trajectory.state[1])
        assert file.state[0] is None
        assert file.attributes["seed"] == 0
        assert file.attributes["source"].endswith("tiny.npz:test[2:9:2]")
    refused(command("simulate", run, "--out", out), "t.h5 exists", "--overwrite")
    # the default is the test part of the run's own data; another network's key may be overruled
    done = command("simulate", run, "--out", out, "--overwrite", "--set", "network.substeps=5", "--every", "5")
    assert done.returncode == 0, done.stderr
    with spinrnn.open_trajectory(out) as file:
        np.testing.assert_array_equal(file.cases, parts[2])
        assert file.config.substeps == 5
    # a fresh network of the configuration's seed, all cases
    done = command("simulate", tiny_file, "--input", ":all", "--out", out, "--overwrite", "--set", "train.seed=3")
    assert done.returncode == 0, done.stderr
    with spinrnn.open_trajectory(out) as file:
        fresh = spinrnn.Network(config.network, seed=3)
        assert file.network.parameters.tobytes() == fresh.parameters.tobytes()
        np.testing.assert_array_equal(file.state[0][:], fresh.simulate(tiny_data.inputs, tiny_data.lengths).state[0])
        assert file.attributes["seed"] == 3
    # the network of a file, on a user's inputs without labels; then that of a trajectory file
    np.savez(tmp_path / "mine.npz", inputs=tiny_data.inputs[:3])
    with h5py.File(tmp_path / "mine.h5", "w") as file:
        file["inputs"] = tiny_data.inputs[:3]
    for network, data in ((run / "network.h5", "mine.npz"), (out, "mine.h5[0,2]")):
        done = command("simulate", network, "--input", tmp_path / data, "--out", tmp_path / "u.h5", "--overwrite")
        assert done.returncode == 0, done.stderr
        with spinrnn.open_trajectory(tmp_path / "u.h5") as file:
            assert file.labels is None
            assert len(file) == (3 if data == "mine.npz" else 2)


def test_what_simulate_refuses(tiny_file, tiny_data, tmp_path):
    run, out, source = tmp_path / "run", tmp_path / "t.h5", tiny_file.parent / "tiny.npz"
    spinrnn.train(spinrnn.load_config(tiny_file), out=run)
    for arguments, words in (
        ([tmp_path / "none"], ["No such file"]),
        ([run, "--input", f"{source}:tets"], ["did you mean test"]),
        ([run, "--input", f"{source}[200]"], ["no case 200"]),
        ([run, "--input", f"{source}[5:5]"], ["names no case"]),
        ([run, "--input", f"{source}[a]"], ["cases must be"]),
        ([run, "--input", "digits"], ["network.inputs = 2"]),
        ([run / "network.h5", "--input", f"{source}:test"], ["give its folder"]),
        ([run / "network.h5"], ["names no data"]),
        ([run, "--set", "train.seed=2"], ["takes keys of [network]"]),
        ([run / "network.h5", "--set", "network.substeps=2", "--input", source], ["--set"]),
        ([run, "--variables", "q", "--layers", "7"], ["variables: q", "layers"]),
        ([run, "--layers", "a"], ["--layers"]),
        ([run, "--memory", "1000"], ["are allowed"]),
    ):
        refused(command("simulate", *arguments, "--out", out), *words)
        assert not list(tmp_path.glob("*t.h5*"))
    refused(command("simulate", run, "--out", tmp_path), "is a folder")
    changed = tiny_data.inputs + 1
    np.savez(source, inputs=changed, labels=tiny_data.labels, lengths=tiny_data.lengths)
    refused(command("simulate", run, "--out", out), "other data")


@pytest.fixture
def long_simulation(tmp_path):
    """Arguments of a simulation that writes some hundred blocks of 200 kB, and the path of its file."""
    (tmp_path / "c.toml").write_text("[network]\nlayers = [32, 32]\nsubsteps = 8\n")
    np.savez(tmp_path / "u.npz", inputs=np.random.default_rng(0).random((2000, 1, 32)))
    out = tmp_path / "t.h5"
    return ["simulate", tmp_path / "c.toml", "--input", tmp_path / "u.npz", "--out", out, "--overwrite"], out


def begin(arguments, out, seconds=120):
    """Starts the command; returns the process once it has begun to write."""
    process = subprocess.Popen(
        [sys.executable, "-m", "spinrnn", *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    end = time.monotonic() + seconds
    while process.poll() is None and not list(out.parent.glob(".t.h5.*.part")):
        assert time.monotonic() < end
        time.sleep(0.005)
    return process


def test_kills_leave_a_complete_file_or_the_one_before(long_simulation):
    arguments, out = long_simulation
    assert command(*arguments).returncode == 0
    with spinrnn.open_trajectory(out) as file:
        file.check()
        expected = file.state[1][1990:]
    inode, unfinished = out.stat().st_ino, 0
    rng = random.Random(3)
    for _ in range(8):
        process = begin(arguments, out)
        time.sleep(rng.random() * 0.5)
        process.kill()
        process.wait()
        for left in out.parent.glob(".t.h5.*.part"):
            unfinished += 1
            shutil.copy(left, out.parent / "renamed.h5")
            with pytest.raises(spinrnn.StoreError):
                spinrnn.open_trajectory(out.parent / "renamed.h5")
        with spinrnn.open_trajectory(out) as file:
            file.check()
            np.testing.assert_array_equal(file.state[1][1990:], expected)
    assert unfinished
    assert command(*arguments).returncode == 0
    assert out.stat().st_ino != inode
    assert sorted(p.name for p in out.parent.iterdir() if p.name != "renamed.h5") == ["c.toml", "t.h5", "u.npz"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_removes_what_was_begun(long_simulation, number):
    arguments, out = long_simulation
    process = begin(arguments, out)
    process.send_signal(number)
    status = process.wait(timeout=120)
    left = list(out.parent.glob(".t.h5.*"))
    assert left == []
    assert (status, out.exists()) in ((128 + number, False), (0, True))  # it may have been done by then
