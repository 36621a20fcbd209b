"""`spinrnn doctor`: each check finds its fault, in surroundings that are made up or made odd, and none where all is well."""

import errno
import fcntl
import json
import os
import subprocess
import sys
import time

import pytest

from spinrnn.doctor import installation, memory, places, processors, verdict
from spinrnn.doctor import probe as filesystem
from spinrnn.kernels import compiling
from spinrnn.sweep import folder as sweep_folder

GIB = 2**30


def command(*arguments, cwd=None, **environ):
    return subprocess.run(
        [sys.executable, "-m", "spinrnn", "doctor", *map(str, arguments)],
        capture_output=True, text=True, timeout=60, cwd=cwd, env={**os.environ, "PYTHONPATH": str(compiling.PACKAGE.parent), **environ},
    )  # fmt: skip


def only(findings, state="problem"):
    """The one finding in this state."""
    found = [finding for finding in findings if finding.state == state]
    assert len(found) == 1, findings
    return found[0]


OMPI = {"OMPI_COMM_WORLD_LOCAL_SIZE": "2"}
JOB = {"SLURM_JOB_CPUS_PER_NODE": "8"}
STEP = {**JOB, "SLURM_STEP_ID": "0", "SLURM_PROCID": "0", "SLURM_STEP_TASKS_PER_NODE": "2"}


@pytest.mark.parametrize(
    ("environ", "affinity", "machine", "quota", "state", "text", "fix"),
    [
        (OMPI, 1, 8, None, "problem", "Open MPI has pinned this process to one processor where 4 are its share", "--bind-to none, or --map-by slot:PE=4"),
        ({"MPI_LOCALNRANKS": "2"}, 1, 8, None, "problem", "MPI has pinned", "-bind-to none"),
        ({"PMI_RANK": "0", "PMI_SIZE": "2"}, 1, 8, None, "problem", "MPI has pinned", "I_MPI_PIN_DOMAIN=4"),
        ({**STEP, "SLURM_CPUS_PER_TASK": "4"}, 1, 64, None, "problem", "SLURM has pinned", "--cpu-bind=none, or srun --cpus-per-task=4"),
        (JOB, 1, 64, None, "problem", "SLURM has pinned", "srun --cpu-bind=none"),
        ({**JOB, "SLURM_CPUS_PER_TASK": "8"}, 2, 64, None, "problem", "fewer processors than it was allocated", "--cpus-per-task=8"),
        (STEP, 8, 64, None, "problem", "each takes 8 threads of 8 processors", "srun --cpus-per-task=4"),
        ({"SPINRNN_THREADS": "9"}, 8, 8, None, "problem", "SPINRNN_THREADS=9, but 8 may be used", "SPINRNN_THREADS=8"),
        ({"SPINRNN_THREADS": "4"}, 8, 8, 1.5, "problem", "SPINRNN_THREADS=4, but 2 may be used", "SPINRNN_THREADS=2"),
        ({"SPINRNN_THREADS": "many"}, 8, 8, None, "problem", "must be a whole number", "unset"),
        ({"SPINRNN_THREADS": "3"}, 8, 8, None, "note", "leaves 5 of 8 processors idle", "unset"),
        ({"OMP_NUM_THREADS": "77"}, 8, 8, None, "note", "OMP_NUM_THREADS=77 does not hold for spinrnn", "SPINRNN_THREADS=77"),
        ({"NUMBA_NUM_THREADS": "77"}, 8, 8, None, "note", "NUMBA_NUM_THREADS=77", "SPINRNN_THREADS=77"),
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
        ({"OMPI_COMM_WORLD_LOCAL_SIZE": "8"}, 1, 8, None),  # a processor for each
        ({**STEP, "SLURM_CPUS_PER_TASK": "4"}, 4, 64, None),
        ({**STEP, "SLURM_STEP_TASKS_PER_NODE": "8", "SLURM_CPUS_PER_TASK": "1"}, 1, 64, None),
    ],
)
def test_processors_that_are_as_they_should_be(monkeypatch, environ, affinity, machine, quota):
    monkeypatch.delenv("SPINRNN_THREADS", raising=False)
    assert {
        finding.state for finding in processors.processors(environ, affinity, machine, quota)
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


def test_memory(monkeypatch):
    monkeypatch.delenv("SPINRNN_MEMORY", raising=False)
    assert memory.memory_checks({}, None, 4 * GIB)[0].state == "fine"
    for text, message in (
        ("much", "must be a size"),
        ("3G", "SPINRNN_MEMORY=3.0 GiB, but there are 2.0 GiB, control group 2.0 GiB"),
    ):
        monkeypatch.setenv("SPINRNN_MEMORY", text)
        assert (
            message in only(memory.memory_checks({"SPINRNN_MEMORY": text}, 2 * GIB, 4 * GIB)).text
        )
    monkeypatch.setenv("SPINRNN_MEMORY", "1M")
    assert (
        "only 1.0 MiB"
        in only(memory.memory_checks({"SPINRNN_MEMORY": "1M"}, None, GIB), "note").text
    )


GOOD = {
    "look": {"path": "/x", "tried": "/x", "exists": True, "folder": True, "mode": 0o40700},
    "mount": {"type": "ext4"},
    "write": {"error": None},
}


def test_the_cache():
    assert installation.cache({}, [("/x", GOOD)])[0].state == "fine"
    bad = {**GOOD, "write": {"error": [30, "Read-only file system"]}}
    assert (
        "every run compiles"
        in only(installation.cache({}, [("/y", bad), ("/z", {"look": {}, "hung": "write"})])).text
    )
    assert (
        "/y, which NUMBA_CACHE_DIR names, cannot be written: Read-only"
        in only(installation.cache({"NUMBA_CACHE_DIR": "/y"}, [("/y", bad), ("/x", GOOD)])).text
    )
    assert (
        "network file system (nfs4)"
        in only(installation.cache({}, [("/x", {**GOOD, "mount": {"type": "nfs4"}})]), "note").text
    )
    assert (
        "others may write"
        in only(
            installation.cache({}, [("/x", {**GOOD, "look": {**GOOD["look"], "mode": 0o41777}})]),
            "note",
        ).text
    )
    assert (
        "NUMBA_DISABLE_JIT"
        in only(installation.cache({"NUMBA_DISABLE_JIT": "1"}, [("/x", GOOD)])).text
    )
    assert (
        "Numba cannot be imported: ImportError: no LLVM"
        in only(installation.cache({}, ImportError("no\nLLVM"))).text
    )


def test_hdf5_and_versions():
    assert (
        installation.hdf5(
            {"HDF5_USE_FILE_LOCKING": "FALSE"}, "3.14", (1, 14, 6), (1, 14, 6), False
        )[0].state
        == "fine"
    )
    assert (
        "built against 1.14.6"
        in only(installation.hdf5({}, "3.14", (1, 10, 4), (1, 14, 6), False)).text
    )
    assert (
        "floating-point"
        in only(installation.hdf5({}, "3.14", (1, 14, 3), (1, 14, 3), False), "note").text
    )
    assert (
        "'no' is none of"
        in only(
            installation.hdf5(
                {"HDF5_USE_FILE_LOCKING": "no"}, "3.14", (1, 14, 6), (1, 14, 6), False
            )
        ).text
    )
    assert (
        "h5py cannot be imported"
        in only(installation.hdf5({}, ImportError("libhdf5.so"), None, None, None)).text
    )
    assert (
        "numpy 1.26.4 is older than 2.0"
        in only(installation.versions({"numpy": "1.26.4"}, "3.12", 64, {})).text
    )
    assert (
        "numba is not installed"
        in only(installation.versions({"numba": None}, "3.12", 32, {"mpi": False})).text
    )
    assert "no AVX" in only(installation.versions({}, "3.12", 16, {}), "note").text


def test_the_oldest_versions_are_those_of_the_project():
    import tomllib

    project = tomllib.loads((compiling.PACKAGE.parent / "pyproject.toml").read_text())["project"]
    written = dict(text.split(">=") for text in project["dependencies"])
    assert {name: verdict._dotted(version) for name, version in installation.TESTED.items()} | {
        "numba": "0.61"
    } == {name: version for name, version in written.items()}
    assert set(installation.EXTRAS) < set(project["optional-dependencies"])


# ---- folders ----


def facts_of(folder, **options):
    return dict(filesystem.probe(str(folder), **options))


def test_a_good_folder(tmp_path):
    findings = places.folder_checks(tmp_path, filesystem.examine(tmp_path), {})
    assert "problem" not in {finding.state for finding in findings}
    assert list(tmp_path.iterdir()) == []


MOUNTS = r"""
1 0 8:1 / / rw - ext4 /dev/sda1 rw
2 1 0:5 / /home ro shared:1 - nfs4 server:/home rw
3 1 0:6 / /a\040b rw - lustre x rw
4 1 0:7 / /a\040b rw - tmpfs x rw
"""


def test_the_mount_of_a_path():
    assert filesystem.mount_of("/homes", MOUNTS) == ("ext4", "/", False)
    assert filesystem.mount_of("/home/me", MOUNTS) == ("nfs4", "/home", True)
    assert filesystem.mount_of("/a b", MOUNTS) == ("tmpfs", "/a b", False)
    assert filesystem.mount_of("/x", "") is None


def test_the_type_comes_from_the_system(tmp_path):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/mountinfo").write_text("1 0 8:1 / / rw - nfs4 x rw\n")
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


def test_room():
    assert places._room({"size": GIB, "free": GIB, "files": 0, "files_free": 0})[0].state == "fine"
    assert (
        places._room({"size": GIB, "free": 2**27, "files": 0, "files_free": 0})[0].state == "note"
    )
    assert (
        "only 3 more files"
        in only(places._room({"size": GIB, "free": GIB, "files": 100, "files_free": 3})).text
    )


def test_full_and_read_only_disks(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", disk], capture_output=True
    ).returncode:
        pytest.skip("mounting a tmpfs needs root")
    try:
        (disk / "big").write_bytes(bytes(80_000))
        result = command(disk, "--json")
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
        assert "mounted read-only" in command(disk).stdout
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_a_file_system_that_does_not_answer(tmp_path):
    """The child is given up within the time limit, and removes what it made if it still can."""
    script = tmp_path / "child.py"
    script.write_text(
        f"import sys, time; sys.path.insert(0, {os.path.dirname(filesystem.__file__)!r})\nimport probe\n"
        "probe._locks = lambda *_: time.sleep(60)\nprobe._main(sys.argv[1])\n"
    )
    target = tmp_path / "target"
    target.mkdir()
    start = time.monotonic()
    facts = filesystem.examine(target, 1.0, [sys.executable, str(script)])
    assert time.monotonic() - start < 10
    assert facts["hung"] == "lock"
    assert list(target.iterdir()) == []
    assert (
        "does not answer (waiting for a lock); a dead network mount?"
        in only(places.folder_checks("x", facts, {})).text
    )
    failed = filesystem.examine(target, 20, [sys.executable, "-c", "raise SystemExit('broken')"])
    assert "cannot be examined: broken" in only(places.folder_checks("x", failed, {})).text


def test_the_command(tmp_path):
    result = command(tmp_path, SPINRNN_THREADS="1")
    assert "no problems" in result.stdout
    assert (result.returncode, result.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []
    bad = command(tmp_path, SPINRNN_THREADS="x")
    assert bad.returncode == 1
    assert "1 problem" in bad.stdout
    (tmp_path / "file").write_text("")
    for name, message in (
        (tmp_path / "none", "no such folder"),
        (tmp_path / "file", "is not a folder"),
        ("", "give the name"),
    ):
        refused = command(name)
        assert refused.returncode == 2
        assert message in refused.stderr
        assert len(refused.stderr.splitlines()) == 1
