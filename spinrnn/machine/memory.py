"""Memory: how much the arrays of a computation may take.

Results do not depend on it; less of it costs time. Sizes are written as SLURM writes
them: K, M, G and T are powers of 1024.
"""

import functools
import math
import os
import re
from numbers import Integral

from spinrnn.errors import ConfigError
from spinrnn.machine import cgroups
from spinrnn.machine.setting import Setting
from spinrnn.machine.threads import available_threads

SHARE = 0.5
"""Of the available memory, taken unasked: the rest is for data, libraries and
neighbours.
"""

_UNITS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}
_SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,9})?)\s*([KMGT]?)(?:i?B)?", re.ASCII | re.IGNORECASE)
_UNKNOWN = 2**31
"""Bytes, where the system says nothing."""
_chosen = Setting("memory")


# ---- sizes as text ----


def parse_size(text):
    """Bytes of a size such as "2G", "1.5 GiB", "512M" or "1000000", which is in bytes.

    Raises:
        ValueError: it is none, or less than a byte.
    """
    found = _SIZE.fullmatch(text.strip())
    size = int(float(found[1]) * 1024 ** _UNITS[found[2].upper()]) if found else 0
    if size < 1:
        raise ValueError(f"must be a size such as 2G, 1.5G or 512M, got {text[:40]!r}")
    return size


def format_size(size):
    """Text of a number of bytes, such as "1.5 GiB"; `parse_size` reads it."""
    if size < 1024:
        return f"{size} B"
    # 7e-6: what one decimal would show as 1024.0 is 1.0 of the next unit
    power = min(4, int(math.log(size, 1024) + 7e-6))
    return f"{size / 1024**power:.1f} {'KMGT'[power - 1]}iB"


# ---- what there is ----


def _from_slurm():
    """Bytes that SLURM gives to this process; None outside of a job.

    They are told for the node, or for each of the processors that the process may use.
    """
    node, processor = _slurm_bytes("SLURM_MEM_PER_NODE"), _slurm_bytes("SLURM_MEM_PER_CPU")
    if node is not None:
        return node
    return None if processor is None else processor * available_threads()


def _slurm_bytes(name):
    """Bytes of a variable in megabytes; None where it is not set, or 0 for the whole
    node.
    """
    text = os.environ.get(name, "")
    return int(text) * 2**20 if text.isascii() and text.isdigit() and int(text) > 0 else None


def _from_system():
    """Bytes that are free or can be freed; where the system does not say, all of its
    memory.

    None where it does not say that either.
    """
    words = cgroups.read_text(cgroups.ROOT / "proc/meminfo").split()
    if "MemAvailable:" in words[:-1]:
        return int(words[words.index("MemAvailable:") + 1]) * 1024
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


@functools.cache
def _from_machine():
    """Bytes that control groups and the system leave, as found when it was first asked.

    Later it would be less by what this process itself takes.
    """
    sizes = [size for size in (cgroups.memory_limit(), _from_system()) if size]
    return min(sizes, default=_UNKNOWN)


def available_memory():
    """Bytes that this process may take unasked.

    Half of the smallest of three: SLURM's share, its control groups' limit, what is
    free.
    """
    return max(1, int(SHARE * min(_from_machine(), _from_slurm() or math.inf)))


# ---- what is taken ----


def set_memory_limit(size: int | str | None) -> None:
    """Sets the memory that the arrays of a computation may take, for all networks.

    Results do not depend on it.

    Args:
        size: bytes, or a text such as "2G"; None returns to SPINRNN_MEMORY, else
            `available_memory`.
    Raises:
        ValueError: anything else.
    """
    _chosen.set(_checked(size))


def _checked(size):
    if size is None:
        return None
    if isinstance(size, str):
        return parse_size(size)
    if not isinstance(size, Integral) or isinstance(size, bool) or size < 1:
        raise ValueError(
            f"memory limit: must be a whole number of bytes or a size such as '2G', got {size!r}"
        )
    return int(size)


def using(size):
    """A block in which the limit is `size`, as of `set_memory_limit`; None changes
    nothing.

    It holds for the thread of Python that entered it. What `set_memory_limit` sets
    within the block holds until its end.
    """
    return _chosen.within(_checked(size))


def get_memory_limit() -> int:
    """Bytes that the arrays of a computation may take.

    It is what was set, else SPINRNN_MEMORY, else `available_memory`.

    Raises:
        ConfigError: SPINRNN_MEMORY is not a size.
    """
    chosen = _chosen.get()
    if chosen is not None:
        return chosen
    asked = os.environ.get("SPINRNN_MEMORY", "").strip()
    try:
        return parse_size(asked) if asked else available_memory()
    except ValueError as error:
        raise ConfigError([f"SPINRNN_MEMORY: {error}"]) from None
