"""The doctor: each check finds its fault, in made-up surroundings or in real ones, and leaves nothing behind."""

import builtins
import errno
import fcntl
import gc
import json
import os
import subprocess
import sys
import time

import h5py
import pytest
from conftest import refused

from spinrnn import cgroups, compiling, doctor, memory, threads
from spinrnn.doctor import FINE, NOTE, PROBLEM
from spinrnn.errors import StoreError

VARIABLES = (
    "SPINRNN_THREADS",
    "SPINRNN_MEMORY",
    "SLURM_CPUS_PER_TASK",
    "SLURM_STEP_TASKS_PER_NODE",
    "SLURM_MEM_PER_NODE",
    "SLURM_MEM_PER_CPU",
)


@pytest.fixture(autouse=True)
def surroundings(monkeypatch):
    """Function (processors bound to, of the machine, quota, **environment) that makes up the surroundings; eight processors unless told otherwise."""
    for name in (*VARIABLES, *doctor._SCHEDULERS.values(), "HDF5_USE_FILE_LOCKING", "NUMBA_DISABLE_JIT"):
        monkeypatch.delenv(name, raising=False)

    def set_up(bound=8, machine=8, quota=None, **environment):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(bound)))
        monkeypatch.setattr(os, "cpu_count", lambda: machine)
        for module in (cgroups, threads):
            monkeypatch.setattr(module, "processor_quota", lambda: quota)
        for name, value in environment.items():
            monkeypatch.setenv(name, str(value))

    set_up()
    return set_up


def only(found):
    """The single finding."""
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("given", "state", "text", "fix"),
    [
        ({}, FINE, "8; bound to 8 of 8", ""),
        ({"bound": 2, "SLURM_CPUS_PER_TASK": 8}, PROBLEM, "SLURM gave 8", "srun --cpus-per-task=8"),
        ({"SLURM_CPUS_PER_TASK": 2}, FINE, "2; bound to 8 of 8 processors, SLURM gave 2", ""),
        ({"SPINRNN_THREADS": 12}, PROBLEM, "12 threads on 8", "unset SPINRNN_THREADS, or set it to 8"),
        ({"SPINRNN_THREADS": 3}, NOTE, "3 threads, fewer than the 8", "unset SPINRNN_THREADS"),
        ({"SPINRNN_THREADS": "many"}, PROBLEM, "SPINRNN_THREADS: must be a whole number", "unset"),
        ({"quota": 2.5}, FINE, "3; bound to 8 of 8 processors, a control group allows the time of 2.5", ""),
        ({"quota": 2.5, "SPINRNN_THREADS": 8}, PROBLEM, "more than the control group has time for", "SPINRNN_THREADS=2"),
    ],
)
def test_threads_against_what_was_allocated(surroundings, given, state, text, fix):
    surroundings(**given)
    finding = only(doctor.processors())
    assert finding.state == state
    assert text in finding.text
    assert fix in finding.fix
    assert bool(finding.fix) == (state != FINE)


@pytest.mark.parametrize(
    ("given", "state", "fix"),
    [
        ({"bound": 1, "OMPI_COMM_WORLD_LOCAL_SIZE": 2}, PROBLEM, "--map-by slot:PE=4"),
        ({"bound": 1, "MPI_LOCALNRANKS": 4}, PROBLEM, "I_MPI_PIN_DOMAIN=2"),
        ({"bound": 1, "SLURM_STEP_TASKS_PER_NODE": "2(x3)", "SLURM_CPUS_PER_TASK": 4}, PROBLEM, "srun --cpus-per-task=4"),
        ({"bound": 1, "OMPI_COMM_WORLD_LOCAL_SIZE": 8}, FINE, ""),
        ({"bound": 8, "OMPI_COMM_WORLD_LOCAL_SIZE": 2}, PROBLEM, "SPINRNN_THREADS=4"),
        ({"bound": 8, "OMPI_COMM_WORLD_LOCAL_SIZE": 2, "SPINRNN_THREADS": 4}, FINE, ""),
        ({"bound": 4, "OMPI_COMM_WORLD_LOCAL_SIZE": 2}, FINE, ""),
    ],
)
def test_processes_of_mpi_that_are_pinned_or_take_too_much(surroundings, given, state, fix):
    surroundings(**given)
    finding = only(doctor.processes())
    assert (finding.check, finding.state) == ("pinning", state)
    assert fix in finding.fix


def test_no_mpi_no_finding():
    assert doctor.processes() == []


def test_memory_that_is_not_there(monkeypatch):
    memory._from_machine.cache_clear()
    monkeypatch.setattr(memory, "_from_machine", lambda: 8 << 30)
    assert only(doctor.memory_size()).state == FINE
    monkeypatch.setenv("SPINRNN_MEMORY", "9G")
    finding = only(doctor.memory_size())
    assert finding.state == PROBLEM
    assert "9.0 GiB for a computation, 8.0 GiB are available" in finding.text
    assert "4.0GiB or less" in finding.fix
    assert memory.parse_size("4.0GiB") == 4 << 30
    monkeypatch.setenv("SPINRNN_MEMORY", "lots")
    assert "SPINRNN_MEMORY" in only(doctor.memory_size()).text


def test_the_cache_of_compiled_code(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    bad, good = tmp_path / "file" / "cache", tmp_path / "good"
    monkeypatch.setattr(compiling, "cache_folders", lambda: [bad, good])
    finding = only(doctor.cache())
    assert finding.state == FINE
    assert f"is kept in {good}; not in {bad} (Not a directory)" in finding.text
    assert list(good.iterdir()) == []
    monkeypatch.setattr(doctor, "mount_of", lambda _: ("/home", "nfs4", False))
    assert only(doctor.cache()).state == NOTE
    monkeypatch.setattr(doctor, "_free", lambda _: 1000)
    assert only(doctor.cache()).state == PROBLEM
    monkeypatch.setattr(compiling, "cache_folders", lambda: [bad])
    finding = only(doctor.cache())
    assert finding.state == PROBLEM
    assert "NUMBA_CACHE_DIR" in finding.fix


def test_the_hdf5_library(monkeypatch):
    assert only(doctor.hdf5()).state == FINE
    monkeypatch.setenv("HDF5_USE_FILE_LOCKING", "FALSE")
    assert "of no effect on spinrnn" in only(doctor.hdf5()).text
    monkeypatch.setattr(h5py.version, "hdf5_built_version_tuple", (1, 8, 4))
    assert "was built for 1.8.4" in only(doctor.hdf5()).text
    monkeypatch.setattr(h5py, "File", lambda *_, **__: exec("raise OSError('no driver')"))
    finding = only(doctor.hdf5())
    assert finding.state == PROBLEM
    assert "no driver" in finding.text


def test_versions_and_extras(monkeypatch, tmp_path):
    assert "numba" in only(doctor.versions()).text
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text("flags : sse2\n")
    with monkeypatch.context() as patch:
        patch.setattr(cgroups, "ROOT", tmp_path)
        patch.setattr("platform.machine", lambda: "x86_64")
        assert only(doctor.versions()).state == NOTE
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    assert only(doctor.versions()).state == PROBLEM
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "dask" else name)
    assert "spinrnn[dask]" in only(doctor.extras()).fix
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    assert only(doctor.extras()).state == FINE


# ---- file systems ----


def states(found):
    return {finding.check: finding.state for finding in found}


def test_an_ordinary_folder_is_fine_and_stays_empty(tmp_path):
    found = doctor.file_system(tmp_path)
    assert states(found) | {"room": FINE} == {"folder": FINE, "room": FINE, "locks": FINE, "clock": FINE}
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StoreError, match="No such file or directory"):
        doctor.file_system(tmp_path / "none")


def test_mounts_are_told_apart(monkeypatch, tmp_path):
    (tmp_path / "proc/self").mkdir(parents=True)
    lines = [
        "1 0 8:1 / / rw,noatime - ext4 /dev/a rw",
        "2 1 0:5 / /home rw - nfs4 server:/home rw",
        "3 1 0:6 / /home/my\\040data ro - lustre x rw",
    ]
    (tmp_path / "proc/self/mountinfo").write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    assert doctor.mount_of("/homer/x") == ("/", "ext4", False)
    assert doctor.mount_of("/home/x") == ("/home", "nfs4", False)
    assert doctor.mount_of("/home/my data/runs") == ("/home/my data", "lustre", True)
    monkeypatch.setattr(cgroups, "ROOT", tmp_path / "none")
    assert doctor.mount_of("/home") == ("", "unknown", False)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks(monkeypatch, tmp_path, number):
    monkeypatch.setattr(fcntl, "flock", lambda *_: exec(f"raise OSError({number}, {os.strerror(number)!r})"))
    found = doctor._judge(tmp_path, doctor.probe(tmp_path))
    assert states(found)["locks"] == PROBLEM
    assert any(os.strerror(number) in finding.text for finding in found)
    assert list(tmp_path.iterdir()) == []


def test_clocks_that_differ(monkeypatch, tmp_path):
    real = time.time
    for ahead, words in ((100, "behind"), (-100, "ahead of")):  # ours, so the file system's the other way
        monkeypatch.setattr(time, "time", lambda ahead=ahead: real() + ahead)
        clock = next(f for f in doctor._judge(tmp_path, doctor.probe(tmp_path)) if f.check == "clock")
        assert clock.state == PROBLEM
        assert f"clock is 100.0 s {words}" in clock.text


def test_what_cannot_be_renamed_or_written(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "replace", lambda *_: exec("raise OSError(18, 'Invalid cross-device link')"))
    found = doctor._judge(tmp_path, doctor.probe(tmp_path))
    assert states(found)["folder"] == PROBLEM
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(builtins, "open", lambda *_, **__: exec("raise PermissionError(13, 'Permission denied')"))
    found = doctor._judge(tmp_path, doctor.probe(tmp_path))
    assert "Permission denied" in only(found).text


def test_a_small_and_a_read_only_disk(tmp_path):
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=50", "tmpfs", tmp_path], capture_output=True).returncode:
        pytest.skip("mounting a tmpfs needs root")
    try:
        found = doctor.file_system(tmp_path)
        assert [f.state for f in found if f.check == "room"] == [PROBLEM, PROBLEM]
        assert any("in memory" in f.text for f in found)
        (tmp_path / "big").write_bytes(bytes(1000 << 10))
        with pytest.raises(OSError, match="No space"):
            (tmp_path / "more").write_bytes(bytes(1 << 20))
        found = doctor.file_system(tmp_path)
        assert "No space left" in only(found).text
        assert not list(tmp_path.glob(".*"))
        gc.collect()  # a file that is open for writing would forbid it
        subprocess.run(["mount", "-o", "remount,ro", tmp_path], check=True)
        assert "read-only" in only(doctor.file_system(tmp_path)).text
    finally:
        subprocess.run(["umount", "-l", tmp_path], check=True)


def test_a_file_system_that_does_not_answer(monkeypatch, tmp_path):
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(slow))
    start = time.monotonic()
    assert "does not answer within 0.3 s" in only(doctor.file_system(tmp_path, seconds=0.3)).text
    assert time.monotonic() - start < 10


# ---- the command ----


def command(*arguments, prefix=(), **environment):
    kept = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    call = [*prefix, sys.executable, "-m", "spinrnn", "doctor", *map(str, arguments)]
    return subprocess.run(call, capture_output=True, text=True, timeout=60, env=kept | environment)


def test_the_command_says_what_is_wrong_and_exits_with_1(tmp_path):
    result = command(tmp_path, SPINRNN_THREADS="1000")
    assert result.returncode == 1
    assert "PROBLEM  threads   1000 threads on" in result.stdout
    assert "-> unset SPINRNN_THREADS" in result.stdout
    found = [json.loads(line) for line in command(tmp_path, "--json").stdout.splitlines()]
    assert {"threads", "memory", "cache", "HDF5", "versions", "extras", "folder", "locks", "clock"} <= {f["check"] for f in found}
    assert list(tmp_path.iterdir()) == []
    refused(command(tmp_path / "none"), "cannot look at", "No such file or directory")


def test_one_processor_under_mpi_is_seen(tmp_path):
    if (os.cpu_count() or 1) < 2:
        pytest.skip("needs two processors")
    core = str(min(os.sched_getaffinity(0)))
    result = command(tmp_path, prefix=["taskset", "-c", core], OMPI_COMM_WORLD_LOCAL_SIZE="1")
    assert result.returncode == 1
    assert "--bind-to none" in result.stdout
