"""Threads: how many, and the pool that runs blocks of samples.

The kernels use no BLAS, so nothing else makes threads. Processes know nothing of each
other: each takes all the threads it may. Whoever starts several on the same processors
shares them out, by SPINRNN_THREADS, --threads, `set_threads` or the batch system.
"""

import functools
import itertools
import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from numbers import Integral
from typing import Any

from spinrnn.errors import ConfigError
from spinrnn.machine.cgroups import processor_quota
from spinrnn.machine.setting import Setting

_chosen = Setting("threads")


# ---- how many ----


def available_threads():
    """Threads that this process may use unasked: the smallest of three numbers.

    SLURM_CPUS_PER_TASK: where tasks are not bound, only it tells the share of one task.
    Processors that the process is bound to: a step that did not ask for processors of
    its own is bound to fewer than the variable, inherited from its job, says. The quota
    of computing time of its control groups, rounded up.
    """
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    allowed = bound or 1
    asked = os.environ.get("SLURM_CPUS_PER_TASK", "")
    if asked.isascii() and asked.isdigit() and int(asked) > 0:
        allowed = min(allowed, int(asked))
    quota = processor_quota()
    return allowed if quota is None else max(1, min(allowed, math.ceil(quota)))


def set_threads(count: int | None) -> None:
    """Sets the number of threads of all networks of this process. Results do not depend
    on it.

    Args:
        count: at least 1, also above `available_threads`; None returns to
            SPINRNN_THREADS, else `available_threads`.
    Raises:
        ValueError: anything else.
    """
    _chosen.set(_checked(count))


def _checked(count):
    if count is None:
        return None
    if not isinstance(count, Integral) or isinstance(count, bool) or count < 1:
        raise ValueError(f"number of threads: must be a whole number of at least 1, got {count!r}")
    return int(count)


def get_threads() -> int:
    """The number of threads in use.

    It is what was set, else SPINRNN_THREADS, else `available_threads`.

    Raises:
        ConfigError: SPINRNN_THREADS is not a whole number of at least 1.
    """
    chosen = _chosen.get()
    if chosen is not None:
        return chosen
    asked = os.environ.get("SPINRNN_THREADS", "").strip()
    if not asked:
        return available_threads()
    if not (asked.isascii() and asked.isdigit() and len(asked) < 9 and int(asked)):
        raise ConfigError(
            [f"SPINRNN_THREADS: must be a whole number of at least 1, got {asked[:40]!r}"]
        )
    return int(asked)


def using(count):
    """A block in which the number of threads is `count`; None changes nothing.

    It holds for the thread of Python that entered it. What `set_threads` sets within
    the block holds until its end.
    """
    return _chosen.within(_checked(count))


# ---- the pool ----


@functools.cache
def _pool(count, process):
    """Executor of so many threads; one for each process, as threads do not survive a
    fork.
    """
    return ThreadPoolExecutor(count, thread_name_prefix="spinrnn")


PART = 1 << 16
"""Numbers of a vector that a thread takes at once, next to which it costs little."""


def parts_of(size: int, width: int = 1) -> list[slice]:
    """A vector of so many numbers, or as many rows of `width` numbers, in parts."""
    step = max(1, PART // max(width, 1))
    return [slice(start, start + step) for start in range(0, size, step)] or [slice(0, 0)]


def each(parts: list[slice], work: Callable[[slice], object]) -> None:
    """Calls work(part) of all parts, on the threads of this process."""
    if len(parts) == 1:
        work(parts[0])
    else:
        ordered_map(work, parts)


def ordered_map(function, items, most=None) -> list[Any]:
    """List of function(item), in order.

    This thread and those of the pool, `get_threads` or `most` in all, take one item
    after the other.

    Raises:
        The error of the first item that has one; those not begun by then are left.
    """
    items = list(items)
    results, errors = [None] * len(items), {}
    # next() of a count is one step for all threads, so no item is taken twice
    numbers = itertools.count()

    def work():
        while not errors:
            i = next(numbers)
            if i >= len(items):
                break
            try:
                results[i] = function(items[i])
            # also Ctrl-C, which comes to the main thread
            except BaseException as error:
                errors[i] = error

    # asked for once: another thread may set it meanwhile
    threads = get_threads()
    # this thread works too, so it does not wait for another to wake up
    others = min(threads, len(items), most or len(items)) - 1
    futures = [
        _pool(threads - 1, os.getpid()).submit(copy_context().run, work) for _ in range(others)
    ]
    work()
    for future in futures:
        # one that has not begun would only find that nothing is left
        if not future.cancel():
            future.result()
    if errors:
        raise errors[min(errors)]
    return results
