"""`spinrnn doctor`: each check finds its fault, and none where all is well.

The surroundings are made up, or made odd.
"""

import errno
import fcntl
import json
import os
import subprocess
import sys
import time
import tomllib

import pytest
from conftest import here, refused

from spinrnn.doctor import examine, installation, memory, places, probe, processors, verdict
from spinrnn.doctor.installation import Library
from spinrnn.kernels import compiling
from spinrnn.machine import cgroups
from spinrnn.machine import memory as machine_memory
from spinrnn.sweep import folder as sweep_folder

GIB = 2**30


def only(findings, state="problem"):
    """The one verdict in this state."""
    found = [verdict for verdict in findings if verdict.state == state]
    assert len(found) == 1, findings
    return found[0]


OMPI = {"OMPI_COMM_WORLD_LOCAL_SIZE": "2"}
JOB = {"SLURM_JOB_CPUS_PER_NODE": "8"}
STEP = {**JOB, "SLURM_STEP_ID": "0", "SLURM_PROCID": "0", "SLURM_STEP_TASKS_PER_NODE": "2"}


@pytest.mark.parametrize(
    ("environ", "affinity", "machine", "quota", "state", "text", "fix"),
    [
        (OMPI, 1, 8, None, "problem",
         "Open MPI has pinned this process to one processor where 4 are its share",
         "--bind-to none, or --map-by slot:PE=4"),
        ({"MPI_LOCALNRANKS": "2"}, 1, 8, None, "problem", "MPI has pinned", "-bind-to none"),
        ({"PMI_RANK": "0", "PMI_SIZE": "2"}, 1, 8, None, "problem", "MPI has pinned",
         "I_MPI_PIN_DOMAIN=4"),
        ({**STEP, "SLURM_CPUS_PER_TASK": "4"}, 1, 64, None, "problem", "SLURM has pinned",
         "--cpu-bind=none, or srun --cpus-per-task=4"),
        (JOB, 1, 64, None, "problem", "SLURM has pinned", "srun --cpu-bind=none"),
        ({**JOB, "SLURM_CPUS_PER_TASK": "8"}, 2, 64, None, "problem",
         "fewer processors than it was allocated", "--cpus-per-task=8"),
        (STEP, 8, 64, None, "problem",
         "each takes 8 threads of 8 processors", "srun --cpus-per-task=4"),
        ({"SPINRNN_THREADS": "9"}, 8, 8, None, "problem",
         "SPINRNN_THREADS=9, but 8 may be used", "SPINRNN_THREADS=8"),
        ({"SPINRNN_THREADS": "4"}, 8, 8, 1.5, "problem",
         "SPINRNN_THREADS=4, but 2 may be used", "SPINRNN_THREADS=2"),
        ({"SPINRNN_THREADS": "many"}, 8, 8, None, "problem", "must be a whole number", "unset"),
        ({"SPINRNN_THREADS": "3"}, 8, 8, None, "note", "leaves 5 of 8 processors idle", "unset"),
        ({"OMP_NUM_THREADS": "77"}, 8, 8, None, "note",
         "OMP_NUM_THREADS=77 does not hold for spinrnn", "SPINRNN_THREADS=77"),
        ({"NUMBA_NUM_THREADS": "77"}, 8, 8, None, "note",
         "NUMBA_NUM_THREADS=77", "SPINRNN_THREADS=77"),
    ],
)  # fmt: skip
def test_processors(monkeypatch, environ, affinity, machine, quota, state, text, fix):
    for name in ("SPINRNN_THREADS", "SLURM_CPUS_PER_TASK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    found = only(processors.processors(environ, affinity, machine, quota), state)
    assert text in found.text
    assert fix in found.fix


@pytest.mark.parametrize(
    ("environ", "affinity", "machine", "quota"),
    [
        ({}, 8, 8, None),
        ({}, 8, 8, 1.5),
        ({"SPINRNN_THREADS": "8", "OMP_NUM_THREADS": "77"}, 8, 8, None),
        ({"OMPI_COMM_WORLD_LOCAL_SIZE": "8"}, 1, 8, None),  # a processor for each
        ({**STEP, "SLURM_CPUS_PER_TASK": "4"}, 4, 64, None),
        ({**STEP, "SLURM_STEP_TASKS_PER_NODE": "8", "SLURM_CPUS_PER_TASK": "1"}, 1, 64, None),
    ],
)
def test_processors_that_are_as_they_should_be(monkeypatch, environ, affinity, machine, quota):
    monkeypatch.delenv("SPINRNN_THREADS", raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert {
        verdict.state for verdict in processors.processors(environ, affinity, machine, quota)
    } == {"fine"}


def test_a_part_of_the_machine_is_mentioned(monkeypatch):
    monkeypatch.delenv("SPINRNN_THREADS", raising=False)
    found = only(processors.processors({}, 1, 8, None), "note")
    assert "bound to 1 of 8 processors" in found.text
    assert "taskset" in found.text


def test_processors_of_a_node():
    assert (
        processors.slurm_processors({"SLURM_JOB_CPUS_PER_NODE": "4(x2),2", "SLURM_NODEID": "2"})
        == 2
    )
    assert (
        processors.slurm_processors({"SLURM_JOB_CPUS_PER_NODE": "4(x2),2", "SLURM_NODEID": "1"})
        == 4
    )
    assert processors.slurm_processors({}) is None


def memory_of(monkeypatch, asked, limit, available):
    """The verdict on memory where SPINRNN_MEMORY is this text."""
    monkeypatch.setattr(machine_memory, "available_memory", lambda: available)
    monkeypatch.setenv("SPINRNN_MEMORY", asked)
    (found,) = memory.memory_checks({"SPINRNN_MEMORY": asked}, limit, available)
    return found.state, found.text


def test_memory(monkeypatch):
    """4 GiB that are taken unasked are half of what there is."""
    of = lambda *given: memory_of(monkeypatch, *given)
    rest = "for the states of a batch"
    assert of("", None, 4 * GIB) == ("fine", f"4.0 GiB {rest}")
    assert of("", 16 * GIB, 4 * GIB) == ("fine", f"4.0 GiB {rest}, control group 16.0 GiB")
    assert of("", 2**62, 4 * GIB) == ("fine", f"4.0 GiB {rest}")
    assert of("8G", None, 4 * GIB)[0] == "fine"
    killed = "the process may be killed without a word"
    text = f"SPINRNN_MEMORY=8.1 GiB, but there are 8.0 GiB: {killed}"
    assert of("8.1G", None, 4 * GIB) == ("problem", text)
    text = f"SPINRNN_MEMORY=3.0 GiB, but there are 2.0 GiB, control group 2.0 GiB: {killed}"
    assert of("3G", 2 * GIB, 4 * GIB) == ("problem", text)
    assert of("64M", None, GIB)[0] == "fine"
    cut = "time is cut into segments, which costs time"
    assert of("63M", None, GIB) == ("note", f"only 63.0 MiB {rest}: {cut}")
    state, text = of("much", None, GIB)
    assert (state, "must be a size" in text) == ("problem", True)


GOOD = {
    "look": {"path": "/x", "tried": "/x", "exists": True, "folder": True, "mode": 0o40700},
    "mount": {"type": "ext4"},
    "write": {"error": None},
}
BAD = {**GOOD, "write": {"error": [30, "Read-only file system"]}}
HUNG = {"look": {}, "hung": "write"}


@pytest.mark.parametrize(
    ("environ", "found", "state", "text"),
    [
        ({}, [("/x", GOOD)], "fine", "/x (ext4)"),
        ({"NUMBA_DISABLE_JIT": "0"}, [("/y", BAD), ("/x", GOOD)], "fine", "/x (ext4)"),
        (
            {},
            [("/y", BAD), ("/z", HUNG)],
            "problem",
            "compiled code cannot be kept, every run compiles for about ten seconds"
            " (/y: Read-only file system; /z: it does not answer (write))",
        ),
        (
            {"NUMBA_CACHE_DIR": "/y"},
            [("/y", BAD), ("/x", GOOD)],
            "problem",
            "/y, which NUMBA_CACHE_DIR names, cannot be written: Read-only file system",
        ),
        (
            {},
            [("/x", {**GOOD, "mount": {"type": "nfs4"}})],
            "note",
            "/x is on a network file system (nfs4): many processes that start at once wait for it",
        ),
        (
            {},
            [("/x", {**GOOD, "look": {**GOOD["look"], "mode": 0o41777, "tried": "/t"}})],
            "note",
            "/x: others may write to /t, and loading a cache runs its code",
        ),
        (
            {"NUMBA_DISABLE_JIT": "1"},
            [("/x", GOOD)],
            "problem",
            "NUMBA_DISABLE_JIT is set: everything runs a thousand times slower",
        ),
        (
            {},
            ImportError("no\nLLVM"),
            "problem",
            "Numba cannot be imported: ImportError: no LLVM",
        ),
    ],
)
def test_the_cache(environ, found, state, text):
    assert only(installation.cache(environ, found), state).text == text


def test_why_a_folder_cannot_be_written():
    assert probe.trouble(GOOD) == ""
    assert probe.trouble({"failed": "broken"}) == "broken"
    assert probe.trouble({"look": {"folder": False}}) == "is not a folder"


@pytest.mark.parametrize(
    ("running", "built", "state", "text"),
    [
        ((1, 14, 6), (1, 14, 6), "fine", "h5py 3.14, HDF5 1.14.6; h5py lets one thread"),
        ((1, 14, 7), (1, 14, 6), "fine", "h5py 3.14, HDF5 1.14.7; h5py lets one thread"),
        ((1, 14, 5), (1, 14, 6), "problem", "HDF5 1.14.5, but h5py was built against 1.14.6"),
        ((1, 16, 0), (1, 14, 6), "problem", "HDF5 1.16.0, but h5py was built against 1.14.6"),
        ((1, 14, 3), (1, 14, 3), "note", "HDF5 1.14.3 raises floating-point exceptions"),
    ],
)
def test_hdf5(running, built, state, text):
    assert text in only(installation.hdf5({}, Library("3.14", running, built, False)), state).text


def test_locks_and_imports_of_hdf5():
    good = Library("3.14", (1, 14, 6), (1, 14, 6), True)
    assert ", with MPI; " in installation.hdf5({}, good)[0].text
    for text in ("TRUE", "FALSE", "1", "0", "BEST_EFFORT"):
        assert len(installation.hdf5({"HDF5_USE_FILE_LOCKING": text}, good)) == 1
    found = only(installation.hdf5({"HDF5_USE_FILE_LOCKING": "no"}, good))
    assert "'no' is none of TRUE, FALSE and BEST_EFFORT" in found.text
    found = only(installation.hdf5({}, ImportError("libhdf5.so")))
    assert found.text == "h5py cannot be imported: ImportError: libhdf5.so"
    here = installation.library()
    import h5py

    assert (here.h5py, here.running) == (h5py.__version__, h5py.version.hdf5_version_tuple)


@pytest.mark.parametrize(
    ("name", "version", "text"),
    [
        ("numpy", "1.26.4", "numpy 1.26.4 is older than 2.0"),
        ("numpy", "2.0.0rc1", None),
        ("matplotlib", "3.9.4", "matplotlib 3.9.4 is older than 3.10.7"),
        ("matplotlib", "3.10.7", None),
        ("matplotlib", "3.11.0", None),
        ("llvmlite", "0.1", None),
        ("numba", None, "numba is not installed"),
    ],
)
def test_versions(name, version, text):
    found = installation.versions({name: version}, "3.12", None, {})
    assert [verdict.text for verdict in found if verdict.state == "problem"] == [text] * bool(text)


def test_processor_and_extras():
    found = installation.versions({"numpy": "2.1"}, "3.12.1", 64, {"mpi": False, "dask": True})
    assert [(verdict.subject, verdict.text) for verdict in found] == [
        ("versions", "Python 3.12.1, numpy 2.1"),
        ("processor", "AVX-512, vectors of 64 bytes"),
        ("extra mpi", "not installed; pip install 'spinrnn[mpi]', if a sweep is to use it"),
        ("extra dask", "installed"),
    ]
    assert {verdict.state for verdict in found} == {"fine"}
    assert "no AVX" in only(installation.versions({}, "3.12", 16, {}), "note").text
    assert installation.versions({}, "3.12", 32, {})[1].text == "AVX, vectors of 32 bytes"
    extras = tomllib.loads((compiling.PACKAGE.parent / "pyproject.toml").read_text())["project"]
    assert set(installation.EXTRAS) < set(extras["optional-dependencies"])


@pytest.mark.parametrize(
    ("flags", "size"), [("fpu avx avx2 avx512f", 64), ("fpu avx avx2", 32), ("fpu sse4_2", 16)]
)
def test_vectors_of_the_processor(tmp_path, monkeypatch, flags, size):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\nbugs\t: avx512f\n")
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    assert installation.vectors() == size
    (tmp_path / "proc/cpuinfo").write_text("")
    assert installation.vectors() is None


# ---- folders ----


def facts_of(folder, **options):
    return dict(probe.probe(str(folder), **options))


def test_a_good_folder(tmp_path):
    findings = places.folder_checks(tmp_path, probe.examine(tmp_path), {})
    assert "problem" not in {verdict.state for verdict in findings}
    assert list(tmp_path.iterdir()) == []


MOUNTS = r"""
1 0 8:1 / / rw - ext4 /dev/sda1 rw
2 1 0:5 / /home ro shared:1 - nfs4 server:/home rw
3 1 0:6 / /a\040b rw - lustre x rw
4 1 0:7 / /a\040b rw - tmpfs x rw
"""


def test_the_mount_of_a_path():
    assert probe.mount_of("/homes", MOUNTS) == ("ext4", "/", False)
    assert probe.mount_of("/home/me", MOUNTS) == ("nfs4", "/home", True)
    assert probe.mount_of("/a b", MOUNTS) == ("tmpfs", "/a b", False)
    assert probe.mount_of("/x", "") is None


def test_the_type_comes_from_the_system(tmp_path):
    (tmp_path / "proc/self").mkdir(parents=True)
    mounts = b"1 0 8:1 / / rw - nfs4 x rw\n2 1 0:5 / /\xff rw - ext4 y rw\n"
    (tmp_path / "proc/self/mountinfo").write_bytes(mounts)
    assert places.folder_checks("x", facts_of(tmp_path, root=tmp_path), {})[0].text.endswith(
        "nfs4 (network)"
    )


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_folder_without_locks(tmp_path, monkeypatch, number):
    def none(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", none)
    facts = facts_of(tmp_path)
    found = only(places.folder_checks("x", facts, {}))
    assert f"no file locks here ({os.strerror(number)})" in found.text
    assert "HDF5_USE_FILE_LOCKING=FALSE" in found.fix
    assert only(
        [
            f
            for f in places.folder_checks("x", facts, {"HDF5_USE_FILE_LOCKING": "FALSE"})
            if f.subject == "locks"
        ],
        "note",
    )
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)
    assert "granted to everybody" in only(places.folder_checks("x", facts_of(tmp_path), {})).text


@pytest.mark.parametrize(
    ("call", "subject"), [("fsync", "fsync"), ("replace", "rename and fsync of the folder")]
)
def test_a_folder_where_calls_fail(tmp_path, monkeypatch, call, subject):
    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, call, fail)
    found = [f for f in places.folder_checks("x", facts_of(tmp_path), {}) if f.state == "problem"]
    assert subject in [f.subject for f in found]
    assert all("Input/output error" in f.text for f in found)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("ahead", "state", "text"),
    [
        (10, "note", "10 s behind"),
        (100, "problem", "100 s behind"),
        (-100, "problem", "100 s ahead of"),
    ],
)
def test_clocks_that_differ(tmp_path, monkeypatch, ahead, state, text):
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + ahead)
    assert (
        text
        in only(
            [f for f in places.folder_checks("x", facts_of(tmp_path), {}) if f.subject == "clock"],
            state,
        ).text
    )
    assert sweep_folder.SILENCE / 2 > places.MUCH_SKEW


@pytest.mark.parametrize(("stamp", "ahead"), [(5.0, 3.0), (1.5, 0.0), (0.5, -0.5)])
def test_a_clock_is_off_by_what_lies_outside_of_the_writing(stamp, ahead):
    """The file was written between 1 s and 2 s by the clock of this machine."""
    assert probe._ahead(stamp, 1.0, 2.0) == ahead


MIB = 2**20


@pytest.mark.parametrize(
    ("free", "left", "states"),
    [
        (200 * MIB, 1000, ["fine"]),
        (200 * MIB - 1, 1000, ["note"]),
        (2 * MIB, 1000, ["note"]),
        (2 * MIB - 1, 1000, ["problem"]),
        (200 * MIB, 999, ["fine", "note"]),
        (200 * MIB, 50, ["fine", "note"]),
        (200 * MIB, 49, ["fine", "problem"]),
    ],
)
def test_room(free, left, states):
    found = list(places._room({"size": GIB, "free": free, "files": 5000, "files_free": left}))
    assert [verdict.state for verdict in found] == states


def test_words_of_room():
    found = list(places._room({"size": GIB, "free": 2**27, "files": 100, "files_free": 3}))
    assert [verdict.text for verdict in found] == [
        "128.0 MiB of 1.0 GiB",
        "only 3 more files (inodes) of 100",
    ]
    unlimited = places._room({"size": GIB, "free": GIB, "files": 0, "files_free": 0})
    assert [verdict.state for verdict in unlimited] == ["fine"]


def test_full_and_read_only_disks(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", disk], capture_output=True
    ).returncode:
        pytest.skip("mounting a tmpfs needs root")
    try:
        (disk / "big").write_bytes(bytes(80_000))
        result = here("doctor", disk, "--json")
        assert result.returncode == 1, result.stderr
        found = {
            (f["subject"], f["state"]): f["text"]
            for f in map(json.loads, result.stdout.splitlines())
        }
        assert "nothing can be written: No space left on device" in found["writing", "problem"]
        assert ("free space", "problem") in found
        assert "in memory" in found["file system", "note"]
        assert [path.name for path in disk.iterdir()] == ["big"]
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        assert "mounted read-only" in here("doctor", disk).stdout
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_a_file_system_that_does_not_answer(tmp_path):
    """The child is given up within the time limit, and removes what it made if it still
    can.
    """
    script = tmp_path / "child.py"
    script.write_text(
        f"import sys, time; sys.path.insert(0, {os.path.dirname(probe.__file__)!r})\nimport probe\n"
        "probe._locks = lambda *_: time.sleep(60)\nprobe._main(sys.argv[1])\n"
    )
    target = tmp_path / "target"
    target.mkdir()
    start = time.monotonic()
    facts = probe.examine(target, 1.0, [sys.executable, str(script)])
    assert time.monotonic() - start < 10
    assert facts["hung"] == "lock"
    assert list(target.iterdir()) == []
    assert (
        "does not answer (waiting for a lock); a dead network mount?"
        in only(places.folder_checks("x", facts, {})).text
    )
    failed = probe.examine(target, 20, [sys.executable, "-c", "raise SystemExit('broken')"])
    assert "cannot be examined: broken" in only(places.folder_checks("x", failed, {})).text


@pytest.fixture
def in_order(monkeypatch):
    """All but the folder is as it should be."""
    for name in ("processors", "memory_checks"):
        monkeypatch.setattr(examine, name, lambda *_: [])
    for name in ("versions", "hdf5", "cache"):
        monkeypatch.setattr(examine.installation, name, lambda *_: [])


def test_the_command(tmp_path, in_order):
    result = here("doctor", tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines()[-1] == "no problems"
    assert list(tmp_path.iterdir()) == []
    states = {
        json.loads(line)["state"] for line in here("doctor", tmp_path, "--json").stdout.splitlines()
    }
    assert "problem" not in states


@pytest.mark.parametrize(("count", "words"), [(1, "1 problem"), (2, "2 problems")])
def test_problems_are_counted(tmp_path, in_order, monkeypatch, count, words):
    wrong = verdict.problem("threads", "too many", "take fewer")
    monkeypatch.setattr(examine, "processors", lambda *_: [wrong] * count)
    result = here("doctor", tmp_path)
    assert result.returncode == 1
    assert result.stdout.startswith("problem  threads: too many\n         -> take fewer\n")
    assert result.stdout.splitlines()[-1] == words
    (first, *_) = map(json.loads, here("doctor", tmp_path, "--json").stdout.splitlines())
    assert first == {
        "subject": "threads",
        "state": "problem",
        "text": "too many",
        "fix": "take fewer",
    }


def test_this_machine_is_looked_at(tmp_path, monkeypatch):
    """Also with variables that other commands refuse."""
    monkeypatch.setenv("SPINRNN_THREADS", "x")
    result = here("doctor", tmp_path, "--json")
    found = {found["subject"]: found for found in map(json.loads, result.stdout.splitlines())}
    assert (result.returncode, result.stderr) == (1, "")
    assert found["threads"]["state"] == "problem"
    assert set(found) >= {"memory", "versions", "HDF5", "cache", "file system", "locks", "clock"}


def test_folders_that_are_none(tmp_path):
    (tmp_path / "file").write_text("")
    for name, message in (
        (tmp_path / "none", "no such folder"),
        (tmp_path / "file", "is not a folder"),
        ("", "give the name"),
    ):
        refused(here("doctor", name), message)
