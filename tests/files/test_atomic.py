"""What is written lasts: the order of writing, renaming and syncing, and temporary
files.
"""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from conftest import here

import spinrnn
from spinrnn.files import atomic
from spinrnn.files.atomic import make_folder, write_atomic, write_together
from spinrnn.files.container import write_file


@pytest.fixture
def events(monkeypatch):
    """What is asked of the system, in order: ("sync" or "rename", path)."""
    found, fsync, replace = [], os.fsync, os.replace

    def note_sync(descriptor):
        fsync(descriptor)
        found.append(("sync", os.readlink(f"/proc/self/fd/{descriptor}")))

    def note_rename(source, target):
        assert ("sync", str(Path(source).resolve())) in found, f"{source} was not synced before"
        replace(source, target)
        found.append(("rename", str(Path(target).resolve())))

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "replace", note_rename)
    return found


def left_unsynced(events):
    """Files whose folder was not synced after they got their name."""
    return [
        path
        for number, (what, path) in enumerate(events)
        if what == "rename" and ("sync", str(Path(path).parent)) not in events[number:]
    ]


def test_folders_are_synced_after_each_rename(events, tmp_path, net, given):
    # a folder for each, so that no later write syncs what an earlier one left
    for name in "abcde":
        (tmp_path / name).mkdir()
    write_atomic(tmp_path / "x", b"1")
    assert left_unsynced(events) == []
    write_together({tmp_path / "a" / "x": "1", tmp_path / "b" / "x": b"2"})
    write_file(tmp_path / "c" / "x.h5", lambda file: file.create_dataset("x", data=np.arange(3)))
    net.simulate_to(tmp_path / "d" / "t.h5", *given[:2])
    net.save(tmp_path / "e" / "network.h5")
    # kernels that were compiled just now have got names of their own
    written = [Path(path) for what, path in events if what == "rename"]
    assert len([path for path in written if path.is_relative_to(tmp_path.resolve())]) == 6
    assert left_unsynced(events) == []


def test_a_rename_that_is_not_synced_is_seen(events, tmp_path, monkeypatch):
    monkeypatch.setattr(atomic, "sync_folder", lambda _: None)
    write_atomic(tmp_path / "x", b"1")
    assert left_unsynced(events) == [str(tmp_path / "x")]


@pytest.mark.parametrize("command", ["train", "sweep"])
def test_commands_leave_no_folder_unsynced(events, tmp_path, tiny_file, sweep_file, command):
    if command == "train":
        result = here("train", tiny_file, "--out", tmp_path / "run", "--set", "train.epochs=1")
    else:
        path = sweep_file('[[axes]]\nkey = "train.seed"\nvalues = [0, 1]', epochs=1)
        folder = ["--out", tmp_path / "sweep"]
        result = here("sweep", "run", path, *folder, "--executor", "serial")
    assert result.returncode == 0, result.stderr
    assert len([path for what, path in events if what == "rename"]) > 4
    assert left_unsynced(events) == []


def test_new_folders_are_synced_in_those_above(events, tmp_path):
    make_folder(tmp_path / "a" / "b" / "c")
    assert (tmp_path / "a" / "b" / "c").is_dir()
    synced = {path for what, path in events if what == "sync"}
    assert synced == {str(tmp_path), str(tmp_path / "a"), str(tmp_path / "a" / "b")}
    events.clear()
    make_folder(tmp_path / "a" / "b")
    assert events == []


def test_folders_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for bad in (tmp_path / "file" / "a", tmp_path / ("n" * 300), str(tmp_path / "a\0b")):
        with pytest.raises(spinrnn.StoreError, match="cannot create the folder"):
            make_folder(bad)


def test_files_that_belong_together_are_all_there_or_none(tmp_path, monkeypatch):
    """A disk that is full at the second leaves the first of before."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(b"earlier")
    fsync, calls = os.fsync, []

    def full(descriptor):
        calls.append(1)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(spinrnn.StoreError, match="second: No space left on device"):
        write_together({first: "new", second: "new"})
    assert first.read_bytes() == b"earlier"
    assert [path.name for path in tmp_path.iterdir()] == ["first"]


def test_a_second_rename_that_fails_tells_which_files_are_new(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    second.mkdir()
    with pytest.raises(spinrnn.StoreError, match=r"second: Is a directory; already new: .*first$"):
        write_together({first: "new", second: "new"})
    assert first.read_text() == "new"
    assert {path.name for path in tmp_path.iterdir()} == {"first", "second"}


@pytest.mark.parametrize("what", ["bytes", "hdf5", "network", "trajectory"])
def test_a_folder_that_cannot_be_synced_leaves_the_file_and_says_so(
    tmp_path, monkeypatch, net, given, what
):
    path, (u, lengths), fsync = tmp_path / "x.h5", given[:2], os.fsync

    def refuse(descriptor):
        if Path(os.readlink(f"/proc/self/fd/{descriptor}")).is_dir():
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fsync(descriptor)

    write = {
        "bytes": lambda: write_atomic(path, b"1"),
        "hdf5": lambda: write_file(path, lambda file: file.create_dataset("x", data=1)),
        "network": lambda: net.save(path),
        "trajectory": lambda: net.simulate_to(path, u, lengths),
    }[what]
    write()
    whole = path.read_bytes()
    path.unlink()
    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(spinrnn.StoreError) as caught:
        write()
    said = str(caught.value)
    assert said.startswith(f"{path} is written, but its folder could not be synced: Input/output")
    assert "nothing" not in said
    assert "cannot write" not in said
    assert path.read_bytes() == whole or what == "trajectory"
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.h5"]
    if what == "trajectory":
        spinrnn.open_trajectory(path).close()


def test_all_folders_are_synced_where_one_cannot_be(tmp_path, monkeypatch):
    folders, tried = [tmp_path / name for name in "ab"], []

    def refuse(folder):
        tried.append(folder)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(atomic, "sync_folder", refuse)
    with pytest.raises(atomic.UnsyncedError, match="a/x is written"):
        atomic.sync_names([folder / "x" for folder in folders])
    assert tried == folders


def test_a_temporary_file_that_somebody_removes_before_it_is_locked(tmp_path, monkeypatch):
    """Another process may take it for a stale one: then a new one is made."""
    flock, names = atomic.fcntl.flock, []

    def other(descriptor, how):
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        names.append(path.name)
        if len(names) == 1:
            path.unlink()
        elif len(names) == 2:
            raise BlockingIOError
        return flock(descriptor, how)

    monkeypatch.setattr(atomic.fcntl, "flock", other)
    temporary, descriptor = atomic.new_temporary(tmp_path / "x")
    os.close(descriptor)
    assert len(set(names)) == 3
    assert temporary.name == names[2]
    assert temporary.exists()
