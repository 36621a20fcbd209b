"""Surroundings in which files fail, for every command that writes: one line, status 2, what was there is intact, nothing half-written is left."""

import errno
import fcntl
import itertools
import os
import shutil
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest

import spinrnn
from spinrnn import cli, files
from spinrnn.compiling import PACKAGE

FIXED = ["--fix", "Q=0.7"]
COMMANDS = {
    "train": lambda given, out: ["train", given / "tiny.toml", "--out", out / "run", "--resume"],
    "simulate": lambda given, out: [
        "simulate",
        given / "trained",
        "--input",
        "tiny.npz:test[0:20]",
        "--out",
        out / "new.h5",
        "--overwrite",
    ],
    "sweep run": lambda given, out: ["sweep", "run", given / "sweep.toml", "--out", out / "sweep", "--executor", "serial"],
    "sweep collect": lambda given, out: ["sweep", "collect", out / "swept"],
    "reproduce": lambda given, out: ["reproduce", "energy", "--no-run", "--out", out / "cubes"],
    "analyse": lambda given, out: ["analyse", given / "traces.h5", "--only", "activity,dimension", "--out", out / "report"],
    "identify": lambda given, out: ["identify", given / "device.npz", *FIXED, "--out", out / "fit"],
    "save": lambda given, out: ["save", given / "trained", out / "saved.h5"],
}
"""The arguments of each; `save` is Network.save, which has no command."""
every_command = pytest.mark.parametrize("name", COMMANDS)


def run(arguments):
    """Exit status of a command within this process."""
    arguments = [str(argument) for argument in arguments]
    if arguments[0] != "save":
        return cli.main(arguments)
    try:
        spinrnn.load(arguments[1]).save(arguments[2])
    except spinrnn.SpinrnnError as error:
        print(f"spinrnn: error: {error}", file=sys.stderr)
        return 2
    return 0


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with what the commands read."""
    folder, rng = tmp_path_factory.mktemp("given"), np.random.default_rng(5)
    labels = np.repeat(np.arange(3), 40)
    inputs = rng.normal(size=(3, 2, 5))[labels] + 0.1 * rng.normal(size=(120, 2, 5))
    np.savez(folder / "tiny.npz", inputs=inputs, labels=labels)
    settings = '[network]\nlayers = [6, 5]\ninputs = 2\noutputs = 3\nsubsteps = 2\n[train]\nepochs = 2\nbatch = 16\ncheckpoint_seconds = 0\n[data]\nsource = "tiny.npz"\n'
    (folder / "tiny.toml").write_text(settings)
    (folder / "sweep.toml").write_text(
        '[sweep]\nname = "toy"\nbase = "tiny.toml"\n[[axes]]\nkey = "train.learning_rate"\nvalues = [0.01, 0.02]\n'
    )
    time_ = np.linspace(0, 100e-9, 200)
    drive = np.where((time_ // 20e-9) % 2, 4e8, 2.5e8)
    power, p = [], 0.3
    for k in range(200):
        power.append(p)
        for _ in range(10):
            p += (time_[1] / 10) * (-1e8 * (1 + 0.7 * p) * p + drive[k] * p * (1 - p))
    np.savez(folder / "device.npz", time=time_, drive=drive / 1e8, power=np.array(power) + 1e-3 * rng.normal(size=200))
    showing = warnings.showwarning
    here = os.getcwd()
    os.chdir(folder)
    assert run(["train", folder / "tiny.toml", "--out", folder / "trained"]) == 0
    assert run(["simulate", folder / "trained", "--input", "tiny.npz:test[0:20]", "--out", folder / "traces.h5"]) == 0
    assert run(["sweep", "run", folder / "sweep.toml", "--out", folder / "swept", "--executor", "serial"]) == 0
    os.chdir(here)
    warnings.showwarning = showing
    return folder


@pytest.fixture
def given(made, monkeypatch):
    monkeypatch.chdir(made)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # the command line has its own
    return made


def cubes(out):
    """What commands read and write in one folder: the cubes that `reproduce` draws from, the sweep that `sweep collect` collects."""
    shutil.copytree("swept", out / "swept")
    shutil.copytree(files.packaged("reproduction"), out / "cubes", ignore=lambda _, names: [n for n in names if not n.endswith(".h5")])


def contents(folder):
    """{path: bytes} of all files, save locks."""
    return {p: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file() and p.name != ".lock" and p.suffix != ".run"}


def refused(capsys, status, *fragments):
    error = capsys.readouterr().err.strip().splitlines()
    lines = [line for line in error if "error:" in line]
    assert status == 2, error
    assert len(lines) == 1, error
    assert not any("Traceback" in line for line in error)
    assert any(fragment in lines[0] for fragment in fragments), lines[0]


def whole(out):
    """Nothing half-written."""
    assert [p for p in out.rglob("*") if p.suffix in (".tmp", ".part")] == []


@every_command
def test_a_disk_that_is_full_at_any_moment(name, given, tmp_path, monkeypatch, capsys):
    """The first, second, ... fsync finds no room; afterwards, with room, the same command ends well."""
    cubes(tmp_path)
    kept = contents(tmp_path)
    true, failures = os.fsync, 0
    for moment in itertools.chain(range(4), range(4, 200, 7)):
        calls = []

        def full(descriptor, calls=calls, moment=moment):
            calls.append(1)
            if len(calls) > moment:
                raise OSError(errno.ENOSPC, "No space left on device")
            return true(descriptor)

        monkeypatch.setattr(os, "fsync", full)
        status = run(COMMANDS[name](given, tmp_path))
        if len(calls) <= moment:
            break
        refused(capsys, status, "No space left on device")
        failures += 1
        whole(tmp_path)
        assert kept.items() <= contents(tmp_path).items()
    monkeypatch.setattr(os, "fsync", true)
    assert failures
    assert run(COMMANDS[name](given, tmp_path)) == 0
    whole(tmp_path)


@pytest.fixture
def disk(tmp_path):
    """A tmpfs of 8 MiB; needs root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("mounting a tmpfs needs root")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@every_command
def test_a_full_and_a_read_only_disk(name, given, disk, capsys):
    cubes(disk)
    with open(disk / "big", "wb", buffering=0) as file:
        while True:
            try:
                file.write(bytes(4096))
            except OSError:
                break
    kept = contents(disk)
    refused(capsys, run(COMMANDS[name](given, disk)), "No space left on device")
    whole(disk)
    assert kept.items() <= contents(disk).items()
    (disk / "big").unlink()
    assert run(COMMANDS[name](given, disk)) == 0  # also over what the failure left
    kept = contents(disk)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    if name == "train":  # complete: nothing is left to write
        shutil.rmtree(given / "nothing", ignore_errors=True)
        status = run([*COMMANDS[name](given, disk)[:-2], disk / "another"])
    elif name == "sweep run":
        status = run(["sweep", "run", given / "sweep.toml", "--out", disk / "another", "--executor", "serial"])
    else:
        status = run(COMMANDS[name](given, disk))
    refused(capsys, status, "Read-only file system")
    assert contents(disk) == kept


@every_command
def test_no_permission(name, given, tmp_path_factory, capfd):
    """Root may do everything, so a child process takes another user."""
    if os.getuid():
        pytest.skip("needs root to become somebody else")
    out = tmp_path_factory.mktemp("theirs")
    for folder in (given, out):
        for above in (folder, *folder.parents):
            if "pytest" in str(above):
                os.chmod(above, 0o755)
    cubes(out)
    for folder in (out, *(p for p in out.rglob("*") if p.is_dir())):
        os.chmod(folder, 0o555)
    code = f"""
import os, sys
sys.path[:0] = [{str(PACKAGE.parent)!r}, {os.path.dirname(__file__)!r}]
import numpy, numba, h5py, matplotlib.pyplot, spinrnn.figures, spinrnn.kernels, test_conditions as t
from pathlib import Path
os.setgroups([]); os.setgid(65534); os.setuid(65534)
sys.exit(t.run(t.COMMANDS[{name!r}](Path({str(given)!r}), Path({str(out)!r}))))
"""
    environ = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path_factory.mktemp("cache")), "HOME": "/nonexistent"}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, cwd=given, env=environ)
    if "ModuleNotFoundError" in result.stderr:
        pytest.skip("Python's own library cannot be read by another user here")
    assert result.returncode == 2, result.stderr
    assert "Permission denied" in result.stderr
    assert "Traceback" not in result.stderr
    whole(out)


@every_command
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks(name, number, given, tmp_path, monkeypatch, capsys):
    """Everything works; a run says what is not guarded and leaves the temporary files of others alone."""

    def none(*_):
        raise OSError(number, os.strerror(number))

    cubes(tmp_path)
    (tmp_path / "run").mkdir()
    other = tmp_path / "run" / ".config.toml.0123.tmp"
    other.write_text("of another process")
    monkeypatch.setattr(fcntl, "flock", none)
    monkeypatch.setenv("HDF5_USE_FILE_LOCKING", "TRUE")
    assert run(COMMANDS[name](given, tmp_path)) == 0
    assert other.exists()
    if name == "train":
        error = capsys.readouterr().err
        assert f"no file locks here ({os.strerror(number)})" in error
        assert "start one process for each folder" in error


@every_command
def test_an_open_that_fails_for_locks(name, given, tmp_path, monkeypatch, capsys):
    """Some network file systems answer an open, a write or a rename with ENOLCK or ESTALE: the line says what that is and what to do."""

    def fail(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    cubes(tmp_path)
    kept = contents(tmp_path)
    monkeypatch.setattr(os, "replace", fail)
    status = run(COMMANDS[name](given, tmp_path))
    refused(
        capsys,
        status,
        "its file system has no lock service that answers; choose a folder on another one, spinrnn doctor FOLDER examines it",
    )
    whole(tmp_path)
    assert kept.items() <= contents(tmp_path).items()


@every_command
def test_files_from_the_future(name, given, tmp_path, monkeypatch):
    """A clock that was set back: what lies there is a day ahead, and the command goes on over it."""
    cubes(tmp_path)
    assert run(COMMANDS[name](given, tmp_path)) == 0
    before = contents(tmp_path)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() - 86400)
    for path in tmp_path.rglob("*"):
        os.utime(path, (now() + 86400,) * 2)
    assert run(COMMANDS[name](given, tmp_path)) == 0
    whole(tmp_path)
    assert contents(tmp_path).keys() == before.keys()
