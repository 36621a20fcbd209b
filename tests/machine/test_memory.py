"""Memory limits: sizes as text, and what the environment and the system allow."""

import pytest

import spinrnn
from spinrnn.cli import main as cli
from spinrnn.machine import cgroups, memory, signals, threads
from spinrnn.machine.setting import Setting

GIB = 2**30


@pytest.fixture(autouse=True)
def system(tmp_path, monkeypatch):
    """A made-up machine with 20 GiB free, four processors, no batch system. Returns a
    function that writes one of its files.
    """
    for name in (
        "SLURM_MEM_PER_NODE",
        "SLURM_MEM_PER_CPU",
        "SLURM_CPUS_PER_TASK",
        "SPINRNN_MEMORY",
        "SPINRNN_THREADS",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: set(range(4)), raising=False)
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    monkeypatch.setattr(memory, "_chosen", Setting("memory"))
    monkeypatch.setattr(memory, "_from_machine", memory._from_machine.__wrapped__)
    monkeypatch.setattr(threads, "_chosen", Setting("threads"))

    def write(path, text):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)

    write(
        "proc/meminfo",
        f"MemTotal:       99 kB\nMemFree:          7 kB\nMemAvailable:   {20 * 2**20} kB\n",
    )
    cgroups.processor_quota.cache_clear()
    yield write
    cgroups.processor_quota.cache_clear()


def test_sizes():
    for text, size in {
        "2G": 2 * GIB,
        " 1.5 GiB ": 3 * 2**29,
        "512m": 2**29,
        "64KB": 2**16,
        "1T": 2**40,
        "1000000": 10**6,
        "7B": 7,
    }.items():
        assert memory.parse_size(text) == size, text
    for text in (
        "",
        "G",
        "0",
        "0.2",
        "-1G",
        "2 G B",
        "2P",
        "1e9",
        "1,5G",
        "inf",
        "nan",
        "²G",
        "2G\n3",
        "9" * 400,
        ".5G",
        "2Gi B",
    ):
        with pytest.raises(ValueError, match="must be a size such as 2G"):
            memory.parse_size(text)


def test_sizes_as_text():
    expected = {
        0: "0 B",
        1023: "1023 B",
        1024: "1.0 KiB",
        3 * 2**29: "1.5 GiB",
        2**50: "1024.0 TiB",
    }
    assert {size: memory.format_size(size) for size in expected} == expected
    for k in range(1, 5):
        assert memory.format_size(1024**k - 1).startswith(("1.0 ", "1023 B")), k
        assert memory.format_size(int(1023.9 * 1024**k)).startswith("1023.9 "), k
    assert memory.parse_size(memory.format_size(123 * 2**20)) == 123 * 2**20


def test_half_of_what_is_free():
    assert spinrnn.get_memory_limit() == 10 * GIB


def test_slurm(monkeypatch):
    monkeypatch.setenv("SLURM_MEM_PER_CPU", "1024")
    assert memory.get_memory_limit() == 2 * GIB  # four processors
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "2")
    assert memory.get_memory_limit() == GIB
    threads.set_threads(64)  # a wish for threads brings no memory
    assert memory.get_memory_limit() == GIB
    monkeypatch.delenv("SLURM_MEM_PER_CPU")
    for value, expected in {"8192": 4, "0": 10, "": 10, "x": 10, "999999": 10}.items():
        monkeypatch.setenv("SLURM_MEM_PER_NODE", value)
        assert memory.get_memory_limit() == expected * GIB, value


def test_control_groups(system):
    system("proc/self/cgroup", "0::/job/step\n")
    system("sys/fs/cgroup/job/step/memory.max", "max\n")
    assert memory.get_memory_limit() == 10 * GIB
    system("sys/fs/cgroup/job/memory.max", f"{6 * GIB}\n")
    assert memory.get_memory_limit() == 3 * GIB
    system("sys/fs/cgroup/job/step/memory.max", f"{8 * GIB}\n")
    assert memory.get_memory_limit() == 3 * GIB  # the smallest, of whichever group
    system("proc/self/cgroup", "4:memory:/docker/abc\n0::/\n")
    system("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
    assert memory.get_memory_limit() == 10 * GIB
    system("sys/fs/cgroup/memory/memory.limit_in_bytes", f"{4 * GIB}\n")
    assert memory.get_memory_limit() == 2 * GIB


def test_systems_that_do_not_say(system, monkeypatch):
    system("proc/meminfo", "MemTotal: 99 kB\n")
    monkeypatch.setattr(
        memory.os,
        "sysconf",
        {"SC_PHYS_PAGES": GIB // 4096, "SC_PAGE_SIZE": 4096}.__getitem__,
        raising=False,
    )
    assert memory.get_memory_limit() == GIB // 2
    monkeypatch.delattr(memory.os, "sysconf")
    assert memory.get_memory_limit() == GIB


def test_the_order_of_wishes(monkeypatch):
    monkeypatch.setenv("SPINRNN_MEMORY", "64G")  # taken whole, though it is more than there is
    assert memory.get_memory_limit() == 64 * GIB
    spinrnn.set_memory_limit(5)
    assert memory.get_memory_limit() == 5
    spinrnn.set_memory_limit("2G")
    assert memory.get_memory_limit() == 2 * GIB
    spinrnn.set_memory_limit(None)
    assert memory.get_memory_limit() == 64 * GIB
    monkeypatch.setenv("SPINRNN_MEMORY", "plenty")
    with pytest.raises(
        spinrnn.ConfigError,
        match=r"^SPINRNN_MEMORY: must be a size such as 2G, 1.5G or 512M, got 'plenty'$",
    ):
        memory.get_memory_limit()
    for wrong in (0, -1, 1.5, True, "plenty"):
        with pytest.raises(ValueError, match="size"):
            spinrnn.set_memory_limit(wrong)


def test_the_command_line(tmp_path, tiny_file, monkeypatch, capsys):
    # pytest keeps its own
    monkeypatch.setattr(signals, "_watch", lambda: None)
    monkeypatch.setattr(signals.signal, "signal", lambda *_: None)
    out = tmp_path / "run"
    arguments = ["train", str(tiny_file), "--out", str(out), "--set", "train.epochs=1"]
    for name, option, wrong in (
        ("SPINRNN_MEMORY", "--memory", "2X"),
        ("SPINRNN_THREADS", "--threads", "0"),
    ):
        monkeypatch.setenv(name, wrong)
        assert cli.main(arguments) == 2
        assert capsys.readouterr().err.startswith(f"spinrnn: error: {name}: must be a ")
        assert not out.exists()
        with pytest.raises(SystemExit, match="2"):
            cli.main([*arguments, option, wrong])
        assert f"argument {option}: must be a " in capsys.readouterr().err
    assert cli.main([*arguments, "--memory", "3G", "--threads", "1"]) == 0
    assert (memory.get_memory_limit(), threads.get_threads()) == (3 * GIB, 1)
    assert cli.main(["evaluate", str(out), "--memory", "2G", "--threads", "2"]) == 0
    assert (memory.get_memory_limit(), threads.get_threads()) == (2 * GIB, 2)
