"""Conditions in which writing fails or cannot be trusted, for every command that
writes.

A full disk, a read-only one, no permission, a clock that was set back, a file system
without locks. What was there stays, nothing is half-written, no temporary file is left,
and one line says what is wrong. Each command and each condition has a quick test; all
pairs are slow.

Two processes on one folder: tests/test_run.py, test_sweep_run.py and
test_trajectory_trust.py.
"""

import dataclasses
import errno
import fcntl
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from conftest import here, refused, tmpfs
from kills import bits, look_at, temporaries, weights

import spinrnn
from spinrnn.runs.run import Interrupted
from spinrnn.sweep import work
from spinrnn.sweep.folder import SweepFolder

OTHER_WORDS = (errno.ENOSYS, errno.EOPNOTSUPP)
"""Of file systems without locks."""
REPRODUCTION = Path(__file__).parents[2] / "data" / "reproduction"
TINY = """
[network]
layers = [6, 5]
inputs = 2
outputs = 3
density_int = 0.5
substeps = 2
[train]
batch = 16
checkpoint_seconds = 0
[data]
source = "tiny.npz"
"""
SWEEP = """
[sweep]
name = "toy"
base = "tiny.toml"
[train]
epochs = 2
[[axes]]
key = "train.learning_rate"
values = [1e-3, 1e-2, 2e-2]
"""

KNOWN = ("--fix", "Q=0.5", "--fix", "gamma=1e8")
"""Of the device that is identified, whose short recording does not tell them apart."""


@pytest.fixture(scope="module")
def material():
    """A folder with data, configurations and a measurement; `need` adds what commands
    read, and in `earlier` what earlier commands wrote.
    """
    # where another user may look
    folder = Path(tempfile.mkdtemp(prefix="conditions-"))
    folder.chmod(0o755)
    (folder / "earlier").mkdir()
    make_data(folder)
    make_device(folder).save(folder / "earlier" / "network.h5")
    yield folder
    shutil.rmtree(folder)


def make_data(folder):
    """Data of three classes, and the configurations of a run and a sweep over them."""
    rng = np.random.default_rng(5)
    labels = np.repeat(np.arange(3), 20)
    inputs = rng.normal(size=(3, 2, 5))[labels] + 0.1 * rng.normal(size=(60, 2, 5))
    np.savez(folder / "tiny.npz", inputs=inputs, labels=labels)
    (folder / "tiny.toml").write_text(TINY)
    (folder / "sweep.toml").write_text(SWEEP)


def make_device(folder):
    """A measurement of a device, simulated; returns the network."""
    rng = np.random.default_rng(6)
    time, drive = np.arange(300) * 2.5e-9, np.repeat(rng.normal(size=60), 5)
    config = spinrnn.NetworkConfig(layers=(3,), inputs=1, outputs=2, substeps=4)
    net = spinrnn.Network(config, seed=1)
    power = net.simulate(drive[None, None, :75]).state[0][0, 0, :300]
    power = power + 0.01 * rng.normal(size=300)
    np.savez(folder / "device.npz", time=time, drive=drive, power=power)
    return net


def need(folder, name):
    """Path of what commands read or wrote, made when it is first needed."""
    path = folder / name
    if not path.exists():
        MAKE[name](folder, path)
    return path


def make_earlier_run(folder, out):
    """Stopped within its first epoch."""
    calls = itertools.count(1)
    config = spinrnn.load_config(folder / "tiny.toml", ["train.epochs=4"])
    with pytest.raises(Interrupted):
        spinrnn.train(config, out=out, stop=lambda: next(calls) == 6)


def make_earlier_figures(folder, out):
    """The results that figure 4 needs, and files of other content in place of the
    figure.
    """
    out.mkdir()
    for path in (REPRODUCTION / "densities.h5", *REPRODUCTION.glob("fig4.*")):
        shutil.copy(path, out)
    for path in out.glob("fig4.*"):
        path.write_bytes(b"earlier")


def make_earlier_fit(folder, out):
    """The files of a fit of another kind."""
    part = ["--cases", "0:1", "--noise", "0.5", *KNOWN]
    assert here("identify", folder / "device.npz", *part, "--out", out).returncode < 2


SERIAL = ["--executor", "serial"]
MAKE = {
    "run": lambda m, out: done("train", m / "tiny.toml", "--set", "train.epochs=2", "--out", out),
    "traces.h5": lambda m, out: done("simulate", need(m, "run"), "--out", out),
    "sweep": lambda m, out: done("sweep", "run", m / "sweep.toml", "--out", out, *SERIAL),
    "earlier/run": make_earlier_run,
    "earlier/t.h5": lambda m, out: done(
        "simulate", need(m, "run"), "--input", ":test[0:2]", "--out", out
    ),
    "earlier/sweep": lambda m, out: done(
        "sweep", "run", m / "sweep.toml", "--out", out, *SERIAL, "--shard", "0/3"
    ),
    "earlier/cube.h5": lambda m, out: done(
        "sweep", "collect", need(m, "earlier/sweep"), "--cube", out
    ),
    "earlier/report": lambda m, out: done(
        "analyse",
        need(m, "traces.h5"),
        "--only",
        "drive,dimension",
        "--start",
        "1e-9",
        "--out",
        out,
    ),
    "earlier/device": make_earlier_fit,
    "earlier/figures": make_earlier_figures,
}


def done(*arguments):
    result = here(*arguments)
    assert result.returncode == 0, result.stderr
    return result


@dataclasses.dataclass
class Command:
    """A command that writes `what`, for which there is an earlier state. arguments:
    function of the folders of the material and of the outputs.

    goes_on: writes more than once, so that a failure may leave more than there was, but
    never less.
    """

    what: str
    arguments: object
    goes_on: bool = False


COMMANDS = {
    "train": Command("run", lambda m, d: ["train", "--out", d / "run", "--resume"], True),
    "simulate": Command(
        "t.h5", lambda m, d: ["simulate", need(m, "run"), "--out", d / "t.h5", "--overwrite"]
    ),
    "sweep run": Command(
        "sweep",
        lambda m, d: [
            "sweep",
            "run",
            m / "sweep.toml",
            "--out",
            d / "sweep",
            "--executor",
            "serial",
        ],
        True,
    ),
    "sweep collect": Command(
        "cube.h5", lambda m, d: ["sweep", "collect", need(m, "sweep"), "--cube", d / "cube.h5"]
    ),
    "analyse": Command(
        "report",
        lambda m, d: [
            "analyse",
            need(m, "traces.h5"),
            "--only",
            "drive,energy",
            "--out",
            d / "report",
        ],
    ),
    "identify": Command(
        "device", lambda m, d: ["identify", m / "device.npz", *KNOWN, "--out", d / "device"]
    ),
    "reproduce": Command(
        "figures", lambda m, d: ["reproduce", "fig4", "--no-run", "--out", d / "figures"]
    ),
    "Network.save": Command("network.h5", lambda m, d: [m, d]),
}


def run(name, material, outputs):
    """The finished command, in this process."""
    arguments = COMMANDS[name].arguments(material, outputs)
    if name != "Network.save":
        return here(*arguments)
    try:
        spinrnn.load(need(material, "run")).save(outputs / "network.h5")
    except spinrnn.StoreError as error:
        return subprocess.CompletedProcess(arguments, 2, "", f"{error}\n")
    return subprocess.CompletedProcess(arguments, 0, "", "")


def put_earlier(material, name, outputs):
    """Gives the folder of the outputs what an earlier command left there."""
    what = need(material, f"earlier/{COMMANDS[name].what}")
    target = outputs / what.name
    shutil.copytree(what, target) if what.is_dir() else shutil.copy(what, target)


def contents(folder):
    """{path: bytes} of all files below, without the file of a lock, which has no
    content.
    """
    return {
        p.relative_to(folder): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and p.name not in (".lock", "filler")
    }


def check_intact(name, before, outputs):
    """What must hold after a failure."""
    assert temporaries(outputs) == []
    after = contents(outputs)
    if not COMMANDS[name].goes_on:
        assert after == before
        return
    look_at(outputs / COMMANDS[name].what, Counter())
    assert set(before) - {p for p in before if "checkpoints" in p.parts} <= set(after)
    for path in before:
        if "points" in path.parts:
            assert after[path] == before[path]
    newest = [
        max((int(p.stem) for p in files if p.parent.name == "checkpoints"), default=-1)
        for files in (before, after)
    ]
    assert newest[1] >= newest[0]
    if (outputs / "run").exists():
        lines = (outputs / "run" / "metrics.jsonl").read_bytes()
        assert lines[-1:] in (b"", b"\n")
        assert [json.loads(line)["epoch"] for line in lines.splitlines()] == list(
            range(1, lines.count(b"\n") + 1)
        )


class Expected(dict):
    """{name: result of the undisturbed command}, each found when it is first asked
    for.
    """

    def __init__(self, material):
        super().__init__()
        self.material = material

    def __missing__(self, name):
        outputs = self.material / f"expected-{name}"
        outputs.mkdir()
        put_earlier(self.material, name, outputs)
        result = run(name, self.material, outputs)
        assert result.returncode in ((0, 1) if name == "identify" else (0,)), result.stderr
        self[name] = numbers(name, self.material, outputs)
        assert contents(outputs) != contents(self.material / "earlier" / COMMANDS[name].what)
        return self[name]


@pytest.fixture(scope="module")
def undisturbed(material):
    return Expected(material)


@pytest.fixture
def expected(undisturbed, request):
    """`Expected`, with that of the test's own command found before it is disturbed."""
    parameters = getattr(request.node, "callspec", None)
    for name in [parameters.params["name"]] if parameters else COMMANDS:
        assert undisturbed[name] is not None
    return undisturbed


def commands(*quick):
    """All commands as parameters of a test; those that are not named are slow."""
    slow = pytest.mark.slow
    return [pytest.param(name, marks=() if name in quick else slow) for name in COMMANDS]


def numbers(name, material, outputs):
    """What a command gave, without dates and times."""
    if name == "train":
        return weights(outputs / "run"), sorted(contents(outputs))
    if name == "sweep run":
        return bits(material / "sweep.toml", outputs / "sweep"), sorted(contents(outputs))
    if name == "simulate":
        with spinrnn.open_trajectory(outputs / "t.h5") as file:
            file.check()
            return [np.asarray(x).tobytes() for x in (*file.state, *file.drive, file.logits)]
    found = contents(outputs)
    return (
        {p: c for p, c in found.items() if p.suffix not in (".png", ".pdf")}
        if name != "sweep collect"
        else len(found)
    )


def check_done(name, material, outputs, expected, result):
    assert result.returncode in ((0, 1) if name == "identify" else (0,)), result.stderr
    found, wanted = numbers(name, material, outputs), expected[name]
    if name == "train":
        # a picture that cannot be written costs no number, and is told
        told = re.findall(r"cannot write \S*/(\w+\.png)", result.stderr)
        wanted = wanted[0], [path for path in wanted[1] if path.name not in told]
    assert found == wanted
    assert temporaries(outputs) == []


# ---- disks ----


@pytest.fixture
def disk(tmp_path):
    yield from tmpfs(tmp_path / "disk", "4m")


def fill(disk, free):
    """Leaves so many bytes free."""
    (disk / "filler").unlink(missing_ok=True)
    state = os.statvfs(disk)
    with open(disk / "filler", "wb") as file:
        file.write(bytes(max(0, state.f_bavail * state.f_frsize - free)))


@pytest.mark.parametrize("name", commands("simulate"))
def test_a_full_disk(material, expected, disk, name):
    """With more and more room, so that it becomes full at each moment of the command;
    and in the end it is enough.
    """
    put_earlier(material, name, disk)
    before, refusals, free = contents(disk), 0, 0
    while True:
        fill(disk, free)
        result = run(name, material, disk)
        if result.returncode < 2:
            break
        refusals += 1
        refused(result, "cannot ", "No space left on device")
        assert "standard output" not in result.stderr
        check_intact(name, before, disk)
        free = free * 3 // 2 // 4096 * 4096 + 4096
        if COMMANDS[name].goes_on:
            before = contents(disk)
    assert refusals >= 2
    (disk / "filler").unlink()
    check_done(name, material, disk, expected, result)


@pytest.mark.parametrize("name", commands("train"))
def test_a_read_only_disk(material, expected, disk, name):
    put_earlier(material, name, disk)
    before = contents(disk)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    refused(run(name, material, disk), "cannot ", "Read-only file system", str(disk))
    assert contents(disk) == before
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    check_done(name, material, disk, expected, run(name, material, disk))


@pytest.mark.parametrize("name", commands("Network.save"))
def test_no_permission(material, expected, name):
    """As another user than the one whose folders they are."""
    if os.geteuid():
        pytest.skip("becoming another user needs root")
    outputs = Path(tempfile.mkdtemp(prefix="outputs-"))
    try:
        put_earlier(material, name, outputs)
        outputs.chmod(0o755)
        before = contents(outputs)
        os.seteuid(65534)
        try:
            result = run(name, material, outputs)
        finally:
            os.seteuid(0)
        refused(result, "cannot ", "Permission denied", str(outputs))
        assert contents(outputs) == before
        assert temporaries(outputs) == []
    finally:
        shutil.rmtree(outputs)


# ---- clocks ----


@pytest.mark.parametrize("name", commands("sweep run"))
def test_a_clock_that_was_set_back(material, expected, tmp_path, monkeypatch, name):
    """All files are from next year."""
    put_earlier(material, name, tmp_path)
    future = time.time() + 3e7
    for path in (tmp_path, *tmp_path.rglob("*")):
        os.utime(path, (future, future))
    monkeypatch.setattr(time, "time", lambda: 1e6)
    result = run(name, material, tmp_path)
    check_done(name, material, tmp_path, expected, result)
    assert "warning" not in result.stderr


@pytest.mark.slow
def test_failures_are_tried_again_after_the_clock_was_set_back(material, tmp_path, monkeypatch):
    sweep, out = spinrnn.load_sweep(material / "sweep.toml"), tmp_path / "out"

    def broken(*_, **__):
        raise RuntimeError("broken")

    with monkeypatch.context() as patch:
        patch.setattr(work.run, "train", broken)
        assert spinrnn.run_sweep(sweep, out, executor="serial").failed == 3
    monkeypatch.setattr(time, "time", lambda: 1e6)
    assert spinrnn.run_sweep(sweep, out, executor="serial", retry_failed=True).done == 3


def test_a_worker_of_the_future_is_dead(tmp_path):
    """A lock that a worker on another machine touched before the clock was set back
    does not keep its point for ever.
    """
    lock = SweepFolder(tmp_path).lock("x")
    path = tmp_path / "points" / "x.run"
    path.parent.mkdir()
    path.write_text(json.dumps({"host": "elsewhere", "pid": 1}))
    assert not lock.acquire()
    future = time.time() + 3e7
    os.utime(path, (future, future))
    assert not lock.held()
    assert lock.acquire()
    lock.release()


# ---- locks ----


@pytest.mark.parametrize(
    "number", [errno.ENOLCK, *(pytest.param(n, marks=pytest.mark.slow) for n in OTHER_WORDS)]
)
@pytest.mark.parametrize("name", commands("sweep collect"))
def test_a_file_system_without_locks(material, expected, tmp_path, monkeypatch, name, number):
    """All is written; where several processes could meet in a folder a line says that
    nothing keeps them apart.
    """

    def none(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", none)
    put_earlier(material, name, tmp_path)
    result = run(name, material, tmp_path)
    check_done(name, material, tmp_path, expected, result)
    lines = result.stderr.splitlines()
    if not COMMANDS[name].goes_on:
        assert lines == []
        return
    assert lines
    assert all("no file locks here" in line and "one process at a time" in line for line in lines)
    assert os.strerror(number) in lines[0]


@pytest.mark.parametrize("name", commands("identify", "reproduce", "analyse"))
def test_files_that_cannot_be_opened_for_want_of_locks(material, tmp_path, monkeypatch, name):
    """Some network file systems say so of opening a file."""
    put_earlier(material, name, tmp_path)
    before, true = contents(tmp_path), os.open

    def none(path, *arguments, **options):
        if (
            isinstance(path, (str, Path))
            and str(path).startswith(str(tmp_path))
            and str(path).endswith(".tmp")
        ):
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
        return true(path, *arguments, **options)

    monkeypatch.setattr(os, "open", none)
    refused(
        run(name, material, tmp_path),
        "cannot write",
        "no working file locks",
        "choose a folder on another one",
    )
    assert contents(tmp_path) == before


SHIM = """
#include <errno.h>
int flock(int fd, int how) { errno = NUMBER; return -1; }
"""
SCRIPT = """
import sys, warnings
from pathlib import Path
sys.path[:0] = [sys.argv[1], str(Path(sys.argv[1]).parent)]
import h5py
import test_conditions as t
try:
    h5py.File(Path(sys.argv[2]) / "earlier/cube.h5", "r")
except OSError:
    pass
else:
    sys.exit("HDF5 locks files here, although nothing can be locked")
from spinrnn.files.container import is_spinrnn_file
if not is_spinrnn_file(Path(sys.argv[2]) / "earlier/network.h5"):
    sys.exit("a file of ours is not known as one")
for name in t.COMMANDS:
    outputs = Path(sys.argv[3]) / name
    outputs.mkdir()
    t.put_earlier(Path(sys.argv[2]), name, outputs)
    result = t.run(name, Path(sys.argv[2]), outputs)
    if result.returncode > (name == "identify"):
        sys.exit(f"{name}: {result.stderr}")
"""


@pytest.mark.slow
def test_hdf5_that_cannot_lock(material, expected, tmp_path):
    """The system's own flock fails, also within the HDF5 library, which is told to
    lock: no file of ours is opened in a way that would.
    """
    if not shutil.which("cc"):
        pytest.skip("needs a C compiler")
    (tmp_path / "shim.c").write_text(SHIM)
    shim = tmp_path / "shim.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", f"-DNUMBER={errno.ENOSYS}", "-o", shim, tmp_path / "shim.c"],
        check=True,
    )
    environment = {**os.environ, "LD_PRELOAD": str(shim), "HDF5_USE_FILE_LOCKING": "TRUE"}
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    command = [sys.executable, "-c", SCRIPT, Path(__file__).parent, material, outputs]
    result = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, timeout=300, env=environment
    )
    assert result.returncode == 0, result.stderr
    for name in COMMANDS:
        assert numbers(name, material, outputs / name) == expected[name]
