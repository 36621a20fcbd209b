"""Measuring: calls timed in turns, the machine's matrix product, memory, exponents of
growth.

Machines are shared and drift. So the sides of a ratio are never timed one after the
other but in turns, in both orders, and each ratio is taken within one such measurement.
"""

import ctypes
import math
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

Name = TypeVar("Name", bound=Hashable)

IN_A_ROW = 0.05
"""Seconds: a shorter call is repeated in its turn, up to `MOST` times."""
MOST = 5
LEAST_ROUNDS = 2
PAUSE = 0.1
"""Seconds of rest after code whose threads go on to spin for a while when their work is
done, as those of BLAS do.
"""


@dataclass
class Times:
    """Seconds of one side: of its first call, which may compile or load, and of all
    others.
    """

    first: float
    others: list[float] = field(default_factory=list)

    @property
    def best(self) -> float:
        return min(self.others)

    @property
    def median(self) -> float:
        return float(np.median(self.others))


def seconds_of(call: Callable[[], object]) -> Callable[[], float]:
    """A function that makes the call and returns the seconds that it took."""

    def timer() -> float:
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    return timer


def take_turns(
    timers: Mapping[Name, Callable[[], float]], rounds: int, limit: float = math.inf
) -> dict[Name, Times]:
    """Times several sides in turns: forwards in one round, backwards in the next.

    The first of several calls in a turn does not count.

    Args:
        timers: {name: function that does the work once and returns its seconds}.
        rounds: number of rounds; limit: seconds after which no further round begins,
            once there were `LEAST_ROUNDS`.
    Returns:
        {name: `Times`}.
    """
    times = {name: Times(timer()) for name, timer in timers.items()}
    start = time.perf_counter()
    for number in range(rounds):
        if number >= LEAST_ROUNDS and time.perf_counter() - start > limit:
            break
        for name in list(timers)[:: -1 if number % 2 else 1]:
            times[name].others += _turn(timers[name], times[name])
    return times


def _turn(timer: Callable[[], float], times: Times) -> list[float]:
    """Seconds of the calls of one turn."""
    if min(times.first, *times.others, math.inf) < IN_A_ROW:
        # after another side's turn, processors and threads have yet to wake up
        timer()
    turn: list[float] = []
    while not turn or (sum(turn) < IN_A_ROW and len(turn) < MOST):
        turn.append(timer())
    return turn


class Sgemm:
    """The machine's matrix product, the measure of what it can do.

    float32, size x size, by NumPy's BLAS with so many threads.

    Attributes:
        size: rows of the matrices; operations: of one product; seconds: of all products
            timed so far.
        limited: whether BLAS could be told the number of threads; else it takes as many
            as it likes.
    """

    def __init__(self, size: int, threads: int) -> None:
        self.size = size
        self.operations = 2.0 * size**3
        self.seconds: list[float] = []
        self._matrix = np.random.default_rng(0).random((size, size), dtype=np.float32)
        try:
            from threadpoolctl import threadpool_limits
        except ImportError:
            self.limited, self._limits = False, None
        else:
            self.limited, self._limits = True, lambda: threadpool_limits(threads, user_api="blas")

    def __call__(self) -> float:
        """Multiplies once; returns the seconds, without those of the rest after it."""
        timer = seconds_of(lambda: self._matrix @ self._matrix)
        if self._limits is None:
            seconds = timer()
        else:
            with self._limits():
                seconds = timer()
        self.seconds.append(seconds)
        time.sleep(PAUSE)
        return seconds


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """p of seconds ~ size**p, by least squares between the logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def crossing(positions: Sequence[float], ratios: Sequence[float]) -> float | None:
    """Position at which ratios pass 1, interpolated between the logarithms of the
    ratios; None if they do not. Of several the last one.
    """
    logs = np.log(ratios)
    for k in range(len(logs) - 2, -1, -1):
        if (logs[k] < 0) != (logs[k + 1] < 0):
            share = logs[k] / (logs[k] - logs[k + 1])
            return float(positions[k] + share * (positions[k + 1] - positions[k]))
    return None


def peak_growth(call: Callable[[], Any]) -> tuple[int | None, Any]:
    """Makes the call; returns the bytes by which this process's resident memory
    exceeded at its peak what it was before, and the call's result.

    The bytes are None where the system does not say.
    """
    try:
        ctypes.CDLL(None).malloc_trim(
            0
        )  # gives back what was freed, which the call would take first
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
        before = _status("VmRSS")
    except (OSError, KeyError, TypeError, AttributeError):  # not Linux, or another C library
        before = None
    result = call()
    return None if before is None else _status("VmHWM") - before, result


def _status(name: str) -> int:
    """Bytes of an entry of Linux's account of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(dict(line.split(":", 1) for line in lines)[name].split()[0]) * 1024
