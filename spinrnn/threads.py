"""Threads: how many, the pool that runs blocks of samples, and the limit of one BLAS thread inside the kernels."""

import contextlib
import functools
import os
import threading
from concurrent.futures import ThreadPoolExecutor

_chosen = None


def available_threads():
    """Threads that this process may use: SLURM_CPUS_PER_TASK if set and sensible, else the processor affinity."""
    asked = os.environ.get("SLURM_CPUS_PER_TASK", "")
    if asked.isascii() and asked.isdigit() and int(asked) > 0:
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def set_threads(count):
    """Sets the number of threads of all networks of this process; None returns to `available_threads`. Results do not depend on it."""
    global _chosen
    if count is not None and (not isinstance(count, int) or count < 1):
        raise ValueError(f"number of threads: must be a whole number of at least 1, got {count!r}")
    _chosen = count


@contextlib.contextmanager
def setting_kept():
    """Context after which the number of threads is what it was set to before."""
    before = _chosen
    try:
        yield
    finally:
        set_threads(before)


def get_threads():
    """The number of threads in use."""
    return _chosen or available_threads()


@functools.cache
def _pool(count, pid):  # pid: a pool does not survive a fork
    return ThreadPoolExecutor(count, thread_name_prefix="spinrnn")


def ordered_map(function, items):
    """List of function(item), in order, computed by the pool; in this thread where one is enough."""
    items = list(items)
    if min(get_threads(), len(items)) <= 1:
        return [function(item) for item in items]
    return list(_pool(get_threads(), os.getpid()).map(function, items))


@functools.cache
def _blas():
    import scipy.linalg  # noqa: F401 - Numba's np.dot calls SciPy's BLAS, which must be loaded to be found
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")


_blas_lock, _blas_users, _blas_limit = threading.Lock(), 0, None


@contextlib.contextmanager
def one_blas_thread():
    """Context in which BLAS uses one thread, as the blocks of samples are the parallel work; also makes the bits independent of its threads.

    The limit belongs to the whole process: the first thread to enter sets it, the last to leave restores what was.
    """
    global _blas_users, _blas_limit
    with _blas_lock:
        if _blas_users == 0:
            _blas_limit = _blas().limit(limits=1)
        _blas_users += 1
    try:
        yield
    finally:
        with _blas_lock:
            _blas_users -= 1
            if _blas_users == 0:
                _blas_limit.restore_original_limits()
