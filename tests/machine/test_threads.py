"""Threads: what the environment and the system allow, and the pool that uses them."""

import os
import threading

import pytest

import spinrnn
from spinrnn.machine import cgroups, threads


@pytest.fixture(autouse=True)
def system(tmp_path, monkeypatch):
    """A made-up machine: eight processors, no batch system, no limits. Returns a function that writes one of its files."""
    for name in ("SLURM_CPUS_PER_TASK", "SPINRNN_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    monkeypatch.setattr(threads, "_chosen", None)

    def write(path, text):
        cgroups.processor_quota.cache_clear()
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)

    cgroups.processor_quota.cache_clear()
    yield write
    cgroups.processor_quota.cache_clear()


def test_the_smallest_of_slurm_and_affinity(monkeypatch):
    assert threads.get_threads() == 8
    for value, expected in {
        "3": 3,
        "8": 8,
        "64": 8,
        "1": 1,
        "": 8,
        "0": 8,
        "-2": 8,
        "²": 8,
        "three": 8,
    }.items():
        monkeypatch.setenv("SLURM_CPUS_PER_TASK", value)
        assert threads.get_threads() == expected, value
    monkeypatch.delattr(threads.os, "sched_getaffinity")
    monkeypatch.setattr(threads.os, "cpu_count", lambda: None)
    assert threads.get_threads() == 1


def test_quota_of_version_2(system, monkeypatch):
    system("proc/self/cgroup", "0::/system.slice/job_7\n")
    assert threads.get_threads() == 8
    system("sys/fs/cgroup/system.slice/job_7/cpu.max", "max 100000\n")
    assert threads.get_threads() == 8
    system("sys/fs/cgroup/system.slice/cpu.max", "550000 100000\n")  # of a group above
    assert threads.get_threads() == 6
    system("sys/fs/cgroup/system.slice/job_7/cpu.max", "150000 100000\n")
    assert threads.get_threads() == 2
    system("sys/fs/cgroup/system.slice/job_7/cpu.max", "5000 100000\n")
    assert threads.get_threads() == 1
    monkeypatch.setenv("SPINRNN_THREADS", "5")  # the user's wish is not limited
    assert threads.get_threads() == 5


def test_quota_of_version_1(system):
    """In a container the group's path is that of the machine outside, and the group itself is mounted at the top."""
    system(
        "proc/self/cgroup",
        "5:memory:/docker/1:2\n3:cpuset:/\n2:cpu,cpuacct:/docker/1:2\n1:name=systemd:/\n0::/../x y\n",
    )
    system("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n")
    system("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n")
    assert threads.get_threads() == 8
    system("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "400000\n")
    assert threads.get_threads() == 4
    system("sys/fs/cgroup/cpu/cpu.cfs_period_us", "0\n")
    assert threads.get_threads() == 8


def test_the_order_of_wishes(monkeypatch):
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "3")
    monkeypatch.setenv("SPINRNN_THREADS", " 20 ")
    assert threads.get_threads() == 20
    threads.set_threads(30)
    assert threads.get_threads() == 30
    threads.set_threads(None)
    assert threads.get_threads() == 20
    monkeypatch.setenv("SPINRNN_THREADS", " ")
    assert threads.get_threads() == 3


@pytest.mark.parametrize("text", ["0", "-1", "two", "2.0", "²", "1_0", "9" * 5000])
def test_a_wrong_variable_is_an_error(monkeypatch, text):
    monkeypatch.setenv("SPINRNN_THREADS", text)
    with pytest.raises(
        spinrnn.ConfigError, match=r"^SPINRNN_THREADS: must be a whole number of at least 1, got"
    ):
        threads.get_threads()
    threads.set_threads(2)  # overrules it
    assert threads.get_threads() == 2


@pytest.mark.parametrize("count", [0, -1, 1.0, True, "2"])
def test_wrong_numbers_of_threads(count):
    with pytest.raises(ValueError, match="whole number of at least 1"):
        threads.set_threads(count)


def test_the_threads_are_used(monkeypatch):
    monkeypatch.setenv("SPINRNN_THREADS", "3")
    seen = set()
    barrier = threading.Barrier(3, timeout=20)  # passes only if three items run at the same time
    threads.ordered_map(lambda _: (barrier.wait(), seen.add(threading.get_ident())), range(3))
    assert len(seen) == 3
    threads.set_threads(1)
    assert (
        threads.ordered_map(lambda _: threading.get_ident(), range(3))
        == [threading.get_ident()] * 3
    )


def test_the_real_system_has_an_answer(monkeypatch):
    monkeypatch.undo()
    cgroups.processor_quota.cache_clear()
    assert 1 <= threads.available_threads() <= os.cpu_count()
