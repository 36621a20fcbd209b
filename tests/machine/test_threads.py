"""Threads: what the environment and the system allow, and the pool that uses them."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import spinrnn
from spinrnn.machine import cgroups, memory, threads
from spinrnn.machine.setting import Setting


@pytest.fixture(autouse=True)
def system(tmp_path, monkeypatch):
    """A made-up machine: eight processors, no batch system, no limits. Returns a
    function that writes one of its files.
    """
    for name in ("SLURM_CPUS_PER_TASK", "SPINRNN_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    monkeypatch.setattr(threads, "_chosen", Setting("threads"))

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
    """In a container the group's path is that of the machine outside, and the group
    itself is mounted at the top.
    """
    system(
        "proc/self/cgroup",
        "5:memory:/docker/1:2\n3:cpuset:/\n2:cpu,cpuacct:/docker/1:2\n"
        "1:name=systemd:/\n0::/../x y\n",
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


def test_the_number_that_another_thread_sets_meanwhile(monkeypatch):
    """It is asked for once: 3 threads, then 1, are a pool of 2 and not of 0."""
    found = iter([3, 1, 1])
    monkeypatch.setattr(threads, "get_threads", lambda: next(found))
    assert threads.ordered_map(lambda x: x * x, range(7)) == [0, 1, 4, 9, 16, 25, 36]


@pytest.mark.parametrize(
    ("using", "get", "default"),
    [(threads.using, spinrnn.get_threads, 8), (memory.using, spinrnn.get_memory_limit, None)],
)
def test_blocks_of_two_threads_at_the_same_time(using, get, default):
    """Neither sees the other's number, and none stays behind, whoever ends first."""
    default = default or get()
    seen, meet = {}, threading.Barrier(2, timeout=20)

    def work(number, first):
        with using(number):
            meet.wait()
            seen[number] = get()
            meet.wait()
            if first:
                return
            meet.wait()
        seen["after", number] = get()

    first = threading.Thread(target=work, args=(1, True))
    second = threading.Thread(target=work, args=(2, False))
    first.start()
    second.start()
    first.join()
    meet.wait()
    second.join()
    assert seen == {1: 1, 2: 2, ("after", 2): default}
    assert get() == default


def test_a_sweep_on_threads_of_this_process_leaves_its_settings(sweep_file, tmp_path):
    sweep = spinrnn.load_sweep(
        sweep_file('[[axes]]\nkey = "train.learning_rate"\nvalues = [1e-3, 1e-2]', epochs=1)
    )
    before = spinrnn.get_threads(), spinrnn.get_memory_limit()
    with ThreadPoolExecutor(2) as pool:
        assert spinrnn.run_sweep(sweep, tmp_path / "out", executor=pool).done == 2
    assert (spinrnn.get_threads(), spinrnn.get_memory_limit()) == before


def test_blocks_within_blocks_and_what_is_set_in_them():
    threads.set_threads(5)
    with threads.using(3):
        assert threads.get_threads() == 3
        with threads.using(None):
            assert threads.get_threads() == 3
            threads.set_threads(7)
            assert threads.get_threads() == 7
        assert threads.get_threads() == 3
        threads.set_threads(None)
        assert threads.get_threads() == 8
    assert threads.get_threads() == 5
    with pytest.raises(ValueError, match="at least 1"), threads.using(0):
        pass
    assert threads.get_threads() == 5


def test_the_threads_of_a_map_are_within_the_block_of_its_caller():
    """What they call asks for the number of threads, too."""
    barrier = threading.Barrier(3, timeout=20)
    with threads.using(3):
        found = threads.ordered_map(lambda _: (barrier.wait(), threads.get_threads())[1], range(3))
    assert found == [3, 3, 3]


def test_the_first_error_is_raised_and_what_follows_is_left():
    done = []

    def work(number):
        if number == 2:
            raise KeyError(number)
        done.append(number)

    with threads.using(1), pytest.raises(KeyError, match="2"):
        threads.ordered_map(work, range(9))
    assert done == [0, 1]


def test_of_several_errors_that_of_the_first_item_is_raised():
    barrier = threading.Barrier(3, timeout=20)

    def work(number):
        barrier.wait()
        raise KeyError(number)

    with threads.using(3), pytest.raises(KeyError, match="0"):
        threads.ordered_map(work, range(3))


def test_at_most_so_many_threads():
    with threads.using(4):
        idents = threads.ordered_map(lambda _: threading.get_ident(), range(50), most=1)
    assert set(idents) == {threading.get_ident()}


def test_the_real_system_has_an_answer(monkeypatch):
    monkeypatch.undo()
    cgroups.processor_quota.cache_clear()
    assert 1 <= threads.available_threads() <= os.cpu_count()
