"""Measuring in other processes: what a new one takes to start, and the same work in JAX or PyTorch, each in a process of its own.

A peer's threads, which may spin between calls, and its failures stay in its process. It computes only when it is asked for a step.
"""

import importlib.util
import json
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
compiling.cache_folders = lambda: [folder]  # NUMBA_CACHE_DIR would only come first, before folders that are filled
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


def in_new_process(code, argument):
    """Runs code in a new Python. Returns the seconds that it prints, and those from the process's start to its end."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code, argument], capture_output=True, text=True)
    total = time.perf_counter() - start
    if done.returncode:
        raise ProcessError(_last_line(done.stderr) or f"Python ended with status {done.returncode}")
    return float(done.stdout), total


def is_installed(library):
    return importlib.util.find_spec(library) is not None


class Peer:
    """The reference work (Euler) in another library. Calling it does one step there and returns the seconds that took.

    Args:
        name: of `PEERS`; neurons, points, batch: of the reference work; threads: that it may use.
    Attributes:
        loss, norm: of the latest step, the latter of its gradient.
    Raises:
        ProcessError: it could not be started, or failed.
    """

    def __init__(self, name, neurons, points, batch, threads):
        work = json.dumps(
            {"peer": name, "neurons": neurons, "points": points, "batch": batch, "threads": threads}
        )
        self._complaints = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by `close`; a pipe that nobody reads may fill up
        self._process = subprocess.Popen(
            [sys.executable, "-m", "spinrnn.bench.peers", work],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._complaints, text=True, bufsize=1,
        )  # fmt: skip
        self.loss = self.norm = None

    def __call__(self):
        alarm = threading.Timer(PATIENCE, self._process.kill)
        alarm.start()
        try:
            self._process.stdin.write("step\n")
            answer = json.loads(self._process.stdout.readline())
        except (OSError, ValueError):
            self._process.wait()
            self._complaints.seek(0)
            raise ProcessError(
                _last_line(self._complaints.read())
                or f"it ended with status {self._process.returncode}"
            ) from None
        finally:
            alarm.cancel()
        time.sleep(PAUSE)
        self.loss, self.norm = answer["loss"], answer["norm"]
        return answer["seconds"]

    def close(self):
        self._process.kill()
        self._process.communicate()
        self._complaints.close()


def _last_line(text):
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
