"""Memory: how much the arrays of a computation may take. Results do not depend on it; less of it costs time.

Sizes are written as SLURM writes them: K, M, G and T are powers of 1024.
"""

import contextlib
import functools
import math
import os
import re
from numbers import Integral

from spinrnn.errors import ConfigError
from spinrnn.machine import cgroups
from spinrnn.machine.threads import available_threads

SHARE = 0.5
"""Share of the available memory that is taken unasked: the rest is for the data, the libraries and the neighbours."""

_UNITS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}
_SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,9})?)\s*([KMGT]?)(?:i?B)?", re.ASCII | re.IGNORECASE)
_UNKNOWN = 2**31  # bytes, where the system says nothing
_chosen = None


def parse_size(text):
    """Bytes of a size such as "2G", "1.5 GiB", "512M" or "1000000", which is in bytes; ValueError if it is none, or less than a byte."""
    found = _SIZE.fullmatch(text.strip())
    size = int(float(found[1]) * 1024 ** _UNITS[found[2].upper()]) if found else 0
    if size < 1:
        raise ValueError(f"must be a size such as 2G, 1.5G or 512M, got {text[:40]!r}")
    return size


def format_size(size):
    """Text of a number of bytes, such as "1.5 GiB"; `parse_size` reads it."""
    if size < 1024:
        return f"{size} B"
    power = min(
        4, int(math.log(size, 1024) + 7e-6)
    )  # 7e-6: what one decimal would show as 1024.0 is one of the next unit
    return f"{size / 1024**power:.1f} {'KMGT'[power - 1]}iB"


def _from_slurm():
    """Bytes that SLURM gives: for the node, or for each of the processors that this process may use. None outside of a job."""
    for name, times in (
        ("SLURM_MEM_PER_NODE", lambda: 1),
        ("SLURM_MEM_PER_CPU", available_threads),
    ):
        text = os.environ.get(name, "")
        if text.isascii() and text.isdigit() and int(text) > 0:  # megabytes; 0 is the whole node
            return int(text) * 2**20 * times()
    return None


def _from_system():
    """Bytes that are free or can be freed; where the system does not say, all of its memory; None where it does not say that either."""
    words = cgroups.read_text(cgroups.ROOT / "proc/meminfo").split()
    if "MemAvailable:" in words[:-1]:
        return int(words[words.index("MemAvailable:") + 1]) * 1024
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


@functools.cache  # also because it must not shrink by what this process itself takes
def _from_machine():
    """Bytes that control groups and the system leave, as found when it was first asked."""
    return min(
        [size for size in (cgroups.memory_limit(), _from_system()) if size], default=_UNKNOWN
    )


def available_memory():
    """Bytes that this process may take unasked: half of the smallest of SLURM's share, its control groups' limit and what is free."""
    return max(1, int(SHARE * min(_from_machine(), _from_slurm() or math.inf)))


def set_memory_limit(size):
    """Sets the memory that the arrays of a computation may take, for all networks of this process. Results do not depend on it.

    size: bytes, or a text such as "2G"; None returns to SPINRNN_MEMORY, else `available_memory`. ValueError for anything else.
    """
    global _chosen
    if isinstance(size, str):
        size = parse_size(size)
    if size is not None and (not isinstance(size, Integral) or isinstance(size, bool) or size < 1):
        raise ValueError(
            f"memory limit: must be a whole number of bytes or a size such as '2G', got {size!r}"
        )
    _chosen = None if size is None else int(size)


@contextlib.contextmanager
def using(size):
    """Within it the limit is `size`, as by `set_memory_limit`; None changes nothing."""
    kept = _chosen
    try:
        if size is not None:
            set_memory_limit(size)
        yield
    finally:
        set_memory_limit(kept)


def memory_limit():
    """Bytes that the arrays of a computation may take: what was set, else SPINRNN_MEMORY, else `available_memory`.

    Raises:
        ConfigError: SPINRNN_MEMORY is not a size.
    """
    if _chosen is not None:
        return _chosen
    asked = os.environ.get("SPINRNN_MEMORY", "").strip()
    try:
        return parse_size(asked) if asked else available_memory()
    except ValueError as error:
        raise ConfigError([f"SPINRNN_MEMORY: {error}"]) from None


get_memory_limit = memory_limit  # the name in the package's interface, beside get_threads
