"""Limits that control groups set on this process: containers and batch systems share out processors and memory by them. Linux only; elsewhere none.

A limit of a group holds for all groups below it, so each is looked for from the process's own group upwards. Both versions of the
kernel's interface are read, in the usual place, /sys/fs/cgroup; in a container that shows only part of it, the part that is shown.
"""

import functools
from pathlib import Path

ROOT = Path("/")


def _folders(controller):
    """Folders with the settings of this process's group and of those above it; `controller` is "cpu" or "memory"."""
    for line in read_text(ROOT / "proc/self/cgroup").splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        base = (
            ROOT / "sys/fs/cgroup" / (controller if controllers else "")
        )  # version 2 has one tree without names
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
    """Processors' worth of computing time that the groups allow, a float as in 1.5; None without a limit."""
    quotas = []
    for folder in _folders("cpu"):
        words = f"{read_text(folder / 'cpu.max')} {read_text(folder / 'cpu.cfs_quota_us')} {read_text(folder / 'cpu.cfs_period_us')}".split()
        if (
            len(words) == 2 and words[0].isdigit() and words[1].isdigit() and int(words[1])
        ):  # "max" and -1 are no limit
            quotas.append(int(words[0]) / int(words[1]))
    return min(quotas, default=None)


def memory_limit():
    """Bytes that the groups allow, all their processes together; None without a limit. Version 1 says "no limit" by an enormous one."""
    limits = []
    for folder in _folders("memory"):
        limit = (
            read_text(folder / "memory.max") or read_text(folder / "memory.limit_in_bytes")
        ).strip()
        if limit.isdigit():
            limits.append(int(limit))
    return min(limits, default=None)
