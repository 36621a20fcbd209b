"""Threads: how many, and the pool that runs blocks of samples. The kernels use no BLAS, so nothing else makes threads.

Processes know nothing of each other: each takes all the threads it may. Whoever starts several on the same processors shares them
out, by SPINRNN_THREADS, --threads, `set_threads` or the batch system.
"""

import contextlib
import functools
import itertools
import math
import os
from concurrent.futures import ThreadPoolExecutor
from numbers import Integral

from spinrnn.errors import ConfigError
from spinrnn.machine.cgroups import processor_quota

_chosen = None


def available_threads():
    """Threads that this process may use unasked: the smallest of three numbers, so that it never takes more than any of them allows.

    SLURM_CPUS_PER_TASK: where tasks are not bound, only it tells the share of one task. Processors that the process is bound to: a step
    that did not ask for processors of its own is bound to fewer than the variable, inherited from its job, says. Its control groups'
    quota of computing time, rounded up.
    """
    allowed = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    asked = os.environ.get("SLURM_CPUS_PER_TASK", "")
    if asked.isascii() and asked.isdigit() and int(asked) > 0:
        allowed = min(allowed, int(asked))
    quota = processor_quota()
    return allowed if quota is None else max(1, min(allowed, math.ceil(quota)))


def set_threads(count):
    """Sets the number of threads of all networks of this process, also above `available_threads`. Results do not depend on it.

    None returns to SPINRNN_THREADS, else `available_threads`. ValueError for anything but None and whole numbers of at least 1.
    """
    global _chosen
    if count is not None and (
        not isinstance(count, Integral) or isinstance(count, bool) or count < 1
    ):
        raise ValueError(f"number of threads: must be a whole number of at least 1, got {count!r}")
    _chosen = None if count is None else int(count)


def get_threads():
    """The number of threads in use: what was set, else SPINRNN_THREADS, else `available_threads`.

    Raises:
        ConfigError: SPINRNN_THREADS is not a whole number of at least 1.
    """
    if _chosen is not None:
        return _chosen
    asked = os.environ.get("SPINRNN_THREADS", "").strip()
    if not asked:
        return available_threads()
    if not (asked.isascii() and asked.isdigit() and len(asked) < 9 and int(asked)):
        raise ConfigError(
            [f"SPINRNN_THREADS: must be a whole number of at least 1, got {asked[:40]!r}"]
        )
    return int(asked)


@contextlib.contextmanager
def using(count):
    """Within it the number of threads is `count`, as by `set_threads`; None changes nothing."""
    kept = _chosen
    try:
        if count is not None:
            set_threads(count)
        yield
    finally:
        set_threads(kept)


@functools.cache
def _pool(count, pid):  # pid: a pool does not survive a fork
    return ThreadPoolExecutor(count, thread_name_prefix="spinrnn")


def ordered_map(function, items, most=None):
    """List of function(item), in order; this thread and those of the pool, at most `most` in all, take one item after the other.

    Raises:
        The error of the first item that has one; items that nobody has begun by then are left.
    """
    items = list(items)
    results, errors, numbers = (
        [None] * len(items),
        {},
        itertools.count(),
    )  # next() of a count is one step for all threads

    def work():
        while not errors and (i := next(numbers)) < len(items):
            try:
                results[i] = function(items[i])
            except BaseException as error:  # also Ctrl-C, which comes to the main thread
                errors[i] = error

    others = (
        min(get_threads(), len(items), most or len(items)) - 1
    )  # this thread does not wait for another to wake up, and keeps its processor
    futures = [_pool(get_threads() - 1, os.getpid()).submit(work) for _ in range(others)]
    work()
    for future in futures:
        if not future.cancel():  # else it would only find that nothing is left
            future.result()
    if errors:
        raise errors[min(errors)]
    return results
