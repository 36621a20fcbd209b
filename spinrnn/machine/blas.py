"""NumPy's BLAS on one thread: the bits of its products depend on the number of its
threads, and these wait by spinning.
"""

import contextlib
import functools
import threading
from collections.abc import Iterator
from typing import Any

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_users: list[int] = [0]
_before: list[list[int]] = []


@functools.cache
def _libraries() -> list[Any]:
    return ThreadpoolController().select(user_api="blas").lib_controllers


def _set(counts: list[int]) -> None:
    """Sets each library's number of threads.

    threadpoolctl lets one thread of Python set it and leaves out what others ask for;
    here all are counted, so the last one that leaves may set it.
    """
    for library, count in zip(_libraries(), counts, strict=True):
        getattr(library, "_real_set_num_threads", library.set_num_threads)(count)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Context in which BLAS has one thread.

    The number holds for the process, so the last one that leaves gives it back.
    """
    with _lock:
        _users[0] += 1
        if _users[0] == 1:
            _before.append([library.get_num_threads() for library in _libraries()])
            _set([1] * len(_libraries()))
    try:
        yield
    finally:
        with _lock:
            _users[0] -= 1
            if _users[0] == 0:
                _set(_before.pop())
