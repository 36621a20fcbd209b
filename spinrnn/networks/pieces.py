"""Long sequences that are read at points, piece after piece of their time, so that the
memory that they take does not grow with their length.

Each piece starts from the state in which the last one ended, so the outputs are those
of one call, to the bit.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from spinrnn.kernels.tiles import lanes
from spinrnn.machine import threads
from spinrnn.machine.memory import get_memory_limit
from spinrnn.networks.planning import block_and_chunk, plan_within
from spinrnn.networks.streaming import Stream

PIECE = 1 << 25
"""Bytes of what the output weights act on, for one block of cases at all its points."""


def points_at_once(packing: Any, cases: int) -> int:
    """Input points of one piece, from 1."""
    config = packing.config
    panels = -(-cases // lanes(config.dtype))
    block, _ = block_and_chunk(config, packing, panels)
    size = np.dtype(config.dtype).itemsize * lanes(config.dtype) * block * config.features
    return max(1, min(PIECE, get_memory_limit()) // size)


def is_long(packing: Any, cases: int, points: int) -> bool:
    """Whether cases of so many points are run in pieces."""
    at_points = packing.config.readout == "points"
    return at_points and cases > 0 and points > points_at_once(packing, cases)


def outputs_of_pieces(
    net: Any, packing: Any, u: np.ndarray, noise_seed: Any, first_case: int = 0
) -> Iterator[tuple[slice, np.ndarray]]:
    """(points, outputs (case, K, points)) of one piece after the other.

    Args:
        u: (case, channel, time) checked and scaled; the outputs are not in the units of
            scaled targets.
        first_case: number of the first case, for its noise.
    Raises:
        DivergenceError: a state became infinite or NaN; MemoryLimitError: not even one
        point fits.
    """
    count = points_at_once(packing, len(u))
    plan_within(packing.config, packing, len(u), count, False, get_memory_limit())
    stream = Stream(net, packing, len(u), noise_seed, first_case)
    for first in range(0, u.shape[2], count):
        part = slice(first, min(first + count, u.shape[2]))
        yield part, stream.run(u[:, :, part])


def forward_in_pieces(net: Any, packing: Any, u: np.ndarray, noise_seed: Any) -> np.ndarray:
    """Outputs (case, K, time) of long cases; arguments as of `outputs_of_pieces`."""
    config, width = packing.config, lanes(packing.config.dtype)
    outputs = np.empty((len(u), config.outputs, u.shape[2]), config.dtype)

    def run(first):
        own = slice(first, first + width)
        for part, found in outputs_of_pieces(net, packing, u[own], noise_seed, first):
            outputs[own, :, part] = found

    threads.ordered_map(run, range(0, len(u), width))
    return outputs
