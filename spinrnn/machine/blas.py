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
_limit: list[Any] = []


@functools.cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Context in which BLAS has one thread.

    The number holds for the process, so the last one that leaves gives it back.
    """
    with _lock:
        _users[0] += 1
        if _users[0] == 1:
            _limit.append(_libraries().limit(limits=1))
    try:
        yield
    finally:
        with _lock:
            _users[0] -= 1
            if _users[0] == 0:
                _limit.pop().restore_original_limits()
