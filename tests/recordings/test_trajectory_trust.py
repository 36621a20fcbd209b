"""Trust in trajectory files: unfinished, damaged and hostile ones are refused, memory
stays bounded, a kill or a full disk loses nothing.
"""

import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import fuzz
import h5py
import numpy as np
import pytest
from conftest import tmpfs

import spinrnn
from spinrnn.files import lazy, streaming
from spinrnn.machine import threads


def test_an_unfinished_file_is_known_and_a_failure_leaves_nothing(net, given, tmp_path):
    u, lengths, _ = given
    path, kept = tmp_path / "t.h5", tmp_path / "kept.h5"

    def stop(done):
        if done > 16:
            part = next(tmp_path.glob(".t.h5.*.tmp"))
            shutil.copy(part, kept)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        net.simulate_to(path, u, lengths, on_block=stop)
    assert list(tmp_path.iterdir()) == [kept]
    with pytest.raises(
        spinrnn.StoreError, match="unfinished, the simulation that wrote it was interrupted"
    ):
        spinrnn.open_trajectory(kept)
    with h5py.File(kept) as file:  # other programs see it, too
        assert file.attrs["complete"] == 0
    with pytest.raises(spinrnn.StoreError, match="open_trajectory"):
        spinrnn.load(kept)


def test_stale_files_are_removed_and_those_at_work_are_not(net, given, tmp_path):
    u, lengths, _ = given
    path = tmp_path / "t[1].h5"
    stale, other = tmp_path / ".t[1].h5.0123456789ab.tmp", tmp_path / ".t1.h5.0123456789ab.tmp"
    stale.write_bytes(b"x")
    other.write_bytes(b"x")  # of another target
    begun = []

    def second(done):
        if not begun:
            begun.append(1)
            net.simulate_to(
                path, u[:5], lengths[:5]
            )  # as another process would, to the same target
            with spinrnn.open_trajectory(path) as file:
                assert len(file) == 5

    with threads.using(1):
        net.simulate_to(path, u, lengths, on_block=second)
    assert sorted(tmp_path.iterdir()) == sorted([path, other])
    with spinrnn.open_trajectory(path) as file:
        file.check()
        assert len(file) == 37


def test_a_file_system_without_locks(written, given, monkeypatch):
    """Files are written and read; what may be a stale file stays, as nobody can
    tell.
    """
    net, trajectory, path = written
    stale = path.with_name(".traces.h5.0123456789ab.tmp")
    stale.write_bytes(b"x")

    def none(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    monkeypatch.setenv("HDF5_USE_FILE_LOCKING", "TRUE")
    net.simulate_to(path, *given[:2])
    with spinrnn.open_trajectory(path) as file:
        np.testing.assert_array_equal(file.state[0][:], trajectory.state[0])
    assert sorted(p.name for p in path.parent.iterdir()) == [stale.name, path.name]


@pytest.mark.parametrize("call", ["pwrite", "fsync", "fdatasync", "replace"])
def test_a_full_disk_leaves_the_old_file(written, given, monkeypatch, call):
    net, trajectory, path = written
    before, calls, true = path.read_bytes(), [], getattr(os, call)
    monkeypatch.setattr(streaming, "SYNC", 1)

    def full(*arguments):
        calls.append(1)
        if len(calls) > (5 if call == "pwrite" else 0):
            raise OSError(errno.ENOSPC, "No space left on device")
        return true(*arguments)

    monkeypatch.setattr(os, call, full)
    for write in (lambda: net.simulate_to(path, *given[:2]), lambda: trajectory.save(path)):
        calls.clear()
        with pytest.raises(
            spinrnn.StoreError,
            match=r"cannot write .*traces\.h5: No space left on device; nothing of it is kept",
        ):
            write()
        assert calls
        assert path.read_bytes() == before
        assert [p.name for p in path.parent.iterdir()] == ["traces.h5"]


def test_room_is_asked_for_before_anything_is_simulated(net, given, tmp_path, monkeypatch):
    monkeypatch.setattr(net, "history", None)
    disk = os.statvfs(tmp_path)
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result((*disk[:4], 1, *disk[5:])))
    with pytest.raises(
        spinrnn.StoreError, match=r"No space left on device: .* needed, 4.0 KiB free"
    ):
        net.simulate_to(tmp_path / "t.h5", *given[:2])
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def small_disk(tmp_path):
    yield from tmpfs(tmp_path / "disk", "300k")


def test_a_small_and_a_read_only_disk(small_disk, net, given, monkeypatch):
    path = small_disk / "t.h5"
    net.simulate_to(path, *given[:2], every=7, variables=["p"], layers=[0])
    before = path.read_bytes()
    monkeypatch.setattr(streaming, "_check_room", lambda *_: None)
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
    for bad in (
        file / "t.h5",
        tmp_path / "none" / "t.h5",
        tmp_path / ("n" * 253),
        str(tmp_path / "a\0b"),
    ):
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


def reseal(path):
    """Gives a file that was changed through HDF5 a seal that fits, as somebody would
    who means harm.
    """
    with lazy.StreamReader(path) as reader:
        pass

    def seal(change):
        with h5py.File(path, "r+") as file:
            change(file)
        fuzz.reseal_streamed(path, reader)

    return seal


def link(file):
    del file["time"]
    file["time"] = h5py.ExternalLink("other.h5", "/x")


def soft(file):
    del file["power_0"]
    file["power_0"] = h5py.SoftLink("/power_1")


def external(file):
    del file["bias_0"]
    file.create_dataset("bias_0", (5,), "f4", external=[("secret.bin", 0, 20)])


def virtual(file):
    del file["bias_0"]
    layout = h5py.VirtualLayout((5,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (5,))
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


def claim(file):
    """The arrays that it claims must exist before memory is taken for them."""
    file.attrs["config"] = str(file.attrs["config"].decode()).replace("[5, 4, 6]", "[50000, 4, 6]")


def newer(file):
    file.attrs["version"] = 3


def lost(file):
    del file.attrs["kind"]


def times(file):
    file.attrs["every"] = 2


ATTACKS = {
    link: "link elsewhere",
    soft: "link elsewhere",
    external: "not a plain array",
    virtual: "not a plain array",
    bomb: "plain array|piece of its own",
    group: "is a group",
    texts: "not a plain array",
    shape: "bias_0",
    kind: "time",
    claim: "missing or",
    newer: "newer spinrnn",
    lost: "not a trajectory",
    times: "times do not fit",
}


def test_hostile_files_with_a_seal_that_fits(written, tmp_path, monkeypatch):
    path, bad = written[2], tmp_path / "bad.h5"
    monkeypatch.chdir(tmp_path)
    Path("secret.bin").write_bytes(os.urandom(4000))
    for attack, words in ATTACKS.items():
        shutil.copy(path, bad)
        reseal(bad)(attack)
        with pytest.raises(spinrnn.StoreError, match=words):
            spinrnn.open_trajectory(bad)


def test_what_another_program_adds_breaks_the_seal(written, tmp_path):
    """And with one that fits it is read, so the seal is no obstacle of its own."""
    path, bad = written[2], tmp_path / "bad.h5"
    shutil.copy(path, bad)
    reseal(bad)(lambda file: file.attrs.update(note="added"))
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
        at = stored.offset + stored.nbytes // 37 * 20  # in case 20, of the second block
        content = bytearray(path.read_bytes())
        content[at] ^= 1
        path.write_bytes(content)
    with spinrnn.open_trajectory(path) as file:
        np.testing.assert_array_equal(file.state[1][:16], trajectory.state[1][:16])
        np.testing.assert_array_equal(file.state[1][32:, 2, 5], trajectory.state[1][32:, 2, 5])
        for read in (
            lambda: file.state[1][17],
            lambda: file.state[1][:],
            lambda: file.state[1][..., 0],
            file.check,
        ):
            with pytest.raises(spinrnn.StoreError, match="cases 16 to 31 of power_1 do not match"):
                read()


def flipped(content, at, bit):
    """The bytes with one bit of the byte `at` the other way."""
    return content[:at] + bytes([content[at] ^ (1 << bit)]) + content[at + 1 :]


def test_one_flipped_bit_of_a_weight_is_told(written):
    """The highest bit of its exponent makes 1e38 times as much of it."""
    net, _, path = written
    content, weights = path.read_bytes(), net.views()["w_out"].ravel()
    number = int(np.flatnonzero((abs(weights) > 0) & (abs(weights) < 1))[0])
    with h5py.File(path) as file:
        at = file["w_out"].id.get_offset() + 4 * number
    assert np.frombuffer(content[at : at + 4], "f4")[0] == weights[number]
    path.write_bytes(flipped(content, at + 3, 6))
    wrong = float(np.frombuffer(path.read_bytes()[at : at + 4], "f4")[0])
    assert wrong == pytest.approx(float(weights[number]) * 2.0**128)
    with pytest.raises(spinrnn.StoreError, match="does not match its checksum"):
        spinrnn.open_trajectory(path)


def test_a_flipped_bit_in_any_part_is_told(written):
    """On opening or, in a streamed dataset, by `check`; nothing reads other numbers."""
    _, _, path = written
    content = path.read_bytes()
    with h5py.File(path) as file:
        places = {name: (item.id.get_offset(), item.nbytes) for name, item in file.items()}
    last = len(content) - 64
    table, text = np.frombuffer(content[last + 16 : last + 32], "<u8")
    parts = {"table": (last - int(table + text), int(table)), "text": (last - int(text), int(text))}
    parts |= {"lengths": (last + 16, 16), "digest": (last + 32, 32), "magic": (last, 16)}
    for name, (at, size) in {**places, **parts, "superblock": (0, 96)}.items():
        ends = () if name in places else (at, at + size - 1)
        for place in (at + size // 2, *ends):
            path.write_bytes(flipped(content, place, 5))
            with pytest.raises(spinrnn.StoreError, match=r"damaged|truncated, or changed"):
                pytest.fail(f"{name}: a flipped bit at {place} is not told: {read_all(path)}")


def read_all(path):
    """Reads and checks all of a trajectory file."""
    with spinrnn.open_trajectory(path) as file:
        file.check()


def test_a_file_that_is_cut_while_it_is_open(written):
    _, _, path = written
    with spinrnn.open_trajectory(path) as file:
        os.truncate(path, 5000)
        with pytest.raises(spinrnn.StoreError, match="became shorter"):
            file.state[2][:]


def test_a_block_that_was_not_written_gives_no_file(tmp_path):
    variables = [
        streaming.Variable("case", ("case",), "i4", "1", "x", np.arange(20)),
        streaming.Variable("x", ("case",), "f4", "1", "x"),
    ]
    with (
        pytest.raises(spinrnn.StoreError, match="1 of 2 blocks were not written"),
        streaming.StreamWriter(tmp_path / "x.h5", variables, {}, 16) as file,
    ):
        file.write("x", 0, np.zeros(16, np.float32))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_an_error_of_the_disk_is_told_once_and_not_lost(tmp_path, monkeypatch, failing):
    """The system says it to one of the syncs beside the simulation; those that follow,
    if any, know nothing of it.
    """
    variables = [
        streaming.Variable("case", ("case",), "i4", "1", "x", np.arange(9)),
        streaming.Variable("x", ("case",), "f4", "1", "x"),
    ]
    calls = []

    def broken(_):
        calls.append(1)
        if len(calls) == failing:
            raise OSError(errno.EIO, "Input/output error")

    def write():
        with streaming.StreamWriter(tmp_path / "x.h5", variables, {}, 3) as file:
            for start in (0, 3, 6):
                file.write("x", start, np.zeros(3, np.float32))
                while not file._syncer._running.done():
                    time.sleep(0.001)

    monkeypatch.setattr(streaming, "SYNC", 1)
    monkeypatch.setattr(os, "fdatasync", broken)
    with pytest.raises(spinrnn.StoreError, match="Input/output error"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_reading_from_several_threads(written):
    _, trajectory, path = written
    wrong = []
    with spinrnn.open_trajectory(path) as file:

        def read(first):
            for case in np.roll(np.arange(37), first):
                if not np.array_equal(
                    file.state[0][case], trajectory.state[0][case], equal_nan=True
                ):
                    wrong.append(case)

        workers = [threading.Thread(target=read, args=(k,)) for k in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert wrong == []


@pytest.mark.slow
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
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "large.h5").stat().st_size > 200e6
    assert int(result.stdout) < 80e6


@pytest.fixture
def long_simulation(tmp_path):
    """Arguments of a simulation that writes some hundred blocks of 200 kB, and the path
    of its file.
    """
    (tmp_path / "c.toml").write_text("[network]\nlayers = [32, 32]\nsubsteps = 8\n")
    np.savez(tmp_path / "u.npz", inputs=np.random.default_rng(0).random((2000, 1, 32)))
    out = tmp_path / "t.h5"
    return [
        "simulate",
        tmp_path / "c.toml",
        "--input",
        tmp_path / "u.npz",
        "--out",
        out,
        "--overwrite",
    ], out


def begin(arguments, out, seconds=280):
    """Starts the command; returns the process once it has begun to write."""
    process = subprocess.Popen(
        [sys.executable, "-m", "spinrnn", *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + seconds
    while process.poll() is None and not list(out.parent.glob(".t.h5.*.tmp")):
        assert time.monotonic() < end
        time.sleep(0.005)
    return process


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_a_signal_removes_what_was_begun(long_simulation, number):
    arguments, out = long_simulation
    process = begin(arguments, out)
    process.send_signal(number)
    status = process.wait(timeout=280)
    left = list(out.parent.glob(".t.h5.*"))
    assert left == []
    assert (status, out.exists()) in (
        (128 + number, False),
        (0, True),
    )  # it may have been done by then
