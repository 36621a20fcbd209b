"""Measuring in other processes: what a new one takes to start, and the same work in JAX
or PyTorch, each in a process of its own.

A peer's threads, which may spin between calls, and its failures stay in its process. It
computes only when it is asked for a step.
"""

import importlib.util
import json
import math
import subprocess
import sys
import tempfile
import threading
import time

from spinrnn.bench.timing import PAUSE

PEERS = {
    "jax-layers": ("jax", "JAX, layer by layer"),
    "jax-block": ("jax", "JAX, all layers as one matrix"),
    "torch-eager": ("torch", "PyTorch, all layers as one matrix"),
    "torch-compiled": ("torch", "PyTorch, the same, step compiled"),
}
"""{name: (library, what it is)}; `spinrnn.bench.peers` has the programs."""
DEVICE_PEERS = {
    "torch-binary": "PyTorch",
    "torch-walls": "PyTorch, walls by hand",
    "aihwkit-walls": "aihwkit, devices of constant steps",
    "torch-pulses": "PyTorch, pulse tables by hand",
    "aihwkit-pulses": "aihwkit, a filamentary memory",
    "torch-rf": "PyTorch",
}
"""{LIBRARY-WORK: what it is}, works of `bench.devices`."""
RESERVOIR = "reservoirpy"
"""Peer of reservoirs, and its library."""
PATIENCE = 300
"""Seconds after which a peer that does not answer is given up."""

IMPORT = """
import sys, time
start = time.perf_counter()
__import__(sys.argv[1])
print(time.perf_counter() - start)
"""
EMPTY_CACHE = """
import sys, time
from pathlib import Path
import numpy as np
from spinrnn import Network; from spinrnn.kernels import compiling
folder = Path(sys.argv[1])
# replaced, as NUMBA_CACHE_DIR would only come first, before folders that are filled
compiling.cache_folders = lambda: [folder]
"""
FIRST = f"""{EMPTY_CACHE}
net, u = Network(), np.zeros((128, 1, 64), np.float32)
start = time.perf_counter()
net.loss_and_grad(u, np.zeros(128, int))
net.forward(u)
print(time.perf_counter() - start)
"""


class ProcessError(Exception):
    """Another process that failed; the message is the last thing it said."""


def in_new_process(code: str, argument: str) -> tuple[float, float]:
    """Runs code in a new Python.

    Returns the seconds that it prints, and those from the process's start to its end.
    """
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, argument], capture_output=True, text=True, errors="replace"
    )
    total = time.perf_counter() - start
    if done.returncode:
        raise ProcessError(_last_line(done.stderr) or f"Python ended with status {done.returncode}")
    return float(done.stdout), total


def is_installed(library: str) -> bool:
    return importlib.util.find_spec(library) is not None


class Peer:
    """The reference work (Euler) in another library. Calling it does one step there and
    returns the seconds that took.

    Args:
        name: of `PEERS`, or `RESERVOIR`; neurons, points, batch: of the reference work,
            of a reservoir the points of the series; threads: that it may use.
    Attributes:
        loss, norm: of the latest step, the latter of its gradient.
    Raises:
        ProcessError: it could not be started, or failed.
    """

    def __init__(self, name: str, neurons: int, points: int, batch: int, threads: int) -> None:
        work = {
            "peer": name,
            "neurons": neurons,
            "points": points,
            "batch": batch,
            "threads": threads,
        }
        # a file, as a pipe that nobody reads may fill up; `close` closes it
        self._complaints = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-m", "spinrnn.bench.peers", json.dumps(work)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            text=True,
            bufsize=1,
        )
        self.loss = self.norm = math.nan

    def __call__(self) -> float:
        alarm = threading.Timer(PATIENCE, self._process.kill)
        alarm.start()
        try:
            answer = self._ask()
        except (OSError, ValueError):
            raise ProcessError(self._complaint()) from None
        finally:
            alarm.cancel()
        time.sleep(PAUSE)
        self.loss, self.norm = answer["loss"], answer["norm"]
        return answer["seconds"]

    def _ask(self) -> dict[str, float]:
        """Has one step done; returns its answer."""
        questions, answers = self._process.stdin, self._process.stdout
        assert questions is not None
        assert answers is not None
        questions.write("step\n")
        return json.loads(answers.readline())

    def _complaint(self) -> str:
        """The last thing that the process said before it ended."""
        self._process.wait()
        self._complaints.seek(0)
        said = _last_line(self._complaints.read())
        return said or f"it ended with status {self._process.returncode}"

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.communicate()
        self._complaints.close()


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
