"""Limits that control groups set on this process; Linux only, elsewhere none.

Containers and batch systems share out processors and memory by them. A limit of a group
holds for all groups below it, so each is looked for from the process's own group
upwards. Both versions of the kernel's interface are read, in the usual place,
/sys/fs/cgroup; in a container that shows only part of it, the part that is shown.
"""

import functools
from pathlib import Path

ROOT = Path("/")


def _folders(controller):
    """Folders with the settings of this process's group and of those above it.

    Args:
        controller: "cpu" or "memory".
    """
    for line in read_text(ROOT / "proc/self/cgroup").splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        # version 1 has a tree for each controller, version 2 one tree without a name
        base = ROOT / "sys/fs/cgroup" / (controller if controllers else "")
        names = group.strip("/").split("/")
        for depth in range(len(names), -1, -1):
            yield base.joinpath(*names[:depth])


def read_text(path):
    """Content of a file of the system; "" if it cannot be read."""
    try:
        return path.read_text()
    except OSError:
        return ""


@functools.cache
def processor_quota():
    """Processors' worth of computing time that the groups allow; None without a limit.

    A float, as in 1.5.
    """
    quotas = []
    for folder in _folders("cpu"):
        # version 2 has both numbers in one file, version 1 in two; no limit is "max" or
        # -1
        files = ("cpu.max", "cpu.cfs_quota_us", "cpu.cfs_period_us")
        words = " ".join(read_text(folder / name) for name in files).split()
        if len(words) == 2 and all(word.isdigit() for word in words) and int(words[1]):
            quotas.append(int(words[0]) / int(words[1]))
    return min(quotas, default=None)


def memory_limit():
    """Bytes that the groups allow, all their processes together; None without a limit.

    Version 1 says "no limit" by an enormous one.
    """
    limits = []
    for folder in _folders("memory"):
        text = read_text(folder / "memory.max") or read_text(folder / "memory.limit_in_bytes")
        if text.strip().isdigit():
            limits.append(int(text))
    return min(limits, default=None)
