"""The reference work that `spinrnn bench` times, in all its variants.

Forward and backward of 3 layers of n neurons, one input channel, 64 input points of 4
substeps, batch 128, float32, readout averaged over the last input interval, 10 classes,
cross-entropy. Operations are those of the products with W_ext and W_int alone, a
multiplication and an addition counted as two: 2 forward and 4 backward for each
existing weight, substep and case. Neuron updates, readout and everything else take time
and count nothing.
"""

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from spinrnn.bench.timing import Times, seconds_of
from spinrnn.config.run import NetworkConfig
from spinrnn.machine import memory, threads
from spinrnn.networks import packing, planning
from spinrnn.networks.recurrent import Network

Row = dict[str, Any]

FIELDS = (
    "work",
    "neurons",
    "scheme",
    "dtype",
    "density",
    "threads",
    "first_s",
    "best_s",
    "median_s",
    "gflops",
)
"""Of each row, None where one means nothing; others follow as the row needs them."""


class Side:
    """A network and its inputs, ready to be timed: calling it does the work once and
    returns the seconds.

    Args:
        neurons, scheme, dtype, density, points, batch: of the reference work, where it
            is varied.
        backward: False for the forward pass alone.
        sparse: True and False force the sparse or the dense kernel, None leaves the
            choice to the density.
        count: threads, None for those of the whole run.
        limit: of memory in bytes, None for that of the process.
    """

    def __init__(
        self,
        neurons: int,
        *,
        scheme: str = "exponential",
        dtype: str = "float32",
        density: float = 1.0,
        points: int = 64,
        batch: int = 128,
        backward: bool = True,
        sparse: bool | None = None,
        count: int | None = None,
        limit: int | None = None,
    ) -> None:
        self.config = reference_config(
            neurons, scheme=scheme, dtype=dtype, density_int=density, density_ext=density
        )
        self.batch, self.points, self.backward = batch, points, backward
        self.threads, self.limit = count, limit
        self.net = Network(self.config, seed=0)
        with _choice(sparse):
            # chooses between the kernels, and is kept by the network
            self._packing = self.net._packing()
        self.u, self.labels = reference_data(batch, points, dtype)
        self._time = seconds_of(self.run)

    def __call__(self) -> float:
        return self._time()

    def run(self) -> Any:
        """Does the work once; returns its logits, loss and gradient, or the logits
        alone.
        """
        with threads.using(self.threads), memory.using(self.limit):
            if self.backward:
                return self.net.logits_loss_grad(self.u, self.labels)
            return self.net.forward(self.u)

    def plan(self) -> planning.Plan:
        """`planning.Plan` of the work."""
        with threads.using(self.threads), memory.using(self.limit):
            return planning.plan(
                self.config,
                self._packing,
                self.batch,
                self.points,
                self.backward,
                memory.get_memory_limit(),
            )

    def operations(self) -> int:
        """Of the products with the couplings that exist, see the head of this file."""
        mask = np.ones(self.net.layout.size, bool) if self.net.mask is None else self.net.mask
        weights = sum(
            int(block.sum())
            for name, block in self.net.layout.named(mask).items()
            if name.startswith(("w_ext", "w_int"))
        )
        each = 6 if self.backward else 2
        return each * self.batch * self.points * self.config.resolved_substeps * weights

    def row(self, work: str, times: Times, **more: Any) -> Row:
        """The result of this side."""
        config, plan = self.config, self.plan()
        own = {
            "neurons": config.layers[0],
            "scheme": config.scheme,
            "dtype": config.dtype,
            "density": config.density_int,
            "threads": self.threads or threads.get_threads(),
            "substeps": config.resolved_substeps,
            "batch": self.batch,
            "points": self.points,
            "segments": plan.segments,
            "memory_bytes": plan.bytes,
        }
        return new_row(work, times, self.operations(), **own, **more)


def reference_config(neurons: int, **changes: Any) -> NetworkConfig:
    """`NetworkConfig` of the reference work, with these changes."""
    return NetworkConfig(layers=(neurons,) * 3, substeps=4, readout_window=1, **changes)


def reference_data(
    batch: int, points: int, dtype: str = "float32"
) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (case, 1, time) and labels (case,) of the reference work, always these."""
    rng = np.random.default_rng(0)
    return rng.random((batch, 1, points)).astype(dtype), rng.integers(0, 10, batch)


@contextlib.contextmanager
def _choice(sparse: bool | None) -> Iterator[None]:
    """Within it, packings choose the sparse (True) or the dense kernel always."""
    kept = packing.SPARSE_BELOW
    try:
        if sparse is not None:
            packing.SPARSE_BELOW = math.inf if sparse else 0.0
        yield
    finally:
        packing.SPARSE_BELOW = kept


def new_row(
    work: str, times: Times | None = None, operations: float | None = None, **more: Any
) -> Row:
    """A result: `FIELDS`, and what more there is to say.

    Of `Times` those of time; with operations also the rate, of the best time.
    """
    row: Row = dict.fromkeys(FIELDS) | {"work": work}
    if times is not None:
        row["first_s"] = round(times.first, 6)
        row["best_s"] = round(times.best, 6)
        row["median_s"] = round(times.median, 6)
        if operations is not None:
            row["gflops"] = round(operations / times.best / 1e9, 2)
    return row | more
