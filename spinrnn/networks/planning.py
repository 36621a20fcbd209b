"""How a batch will be run: blocks of samples, segments of time, and the memory that takes."""

import dataclasses
import math

import numpy as np

from spinrnn.errors import MemoryLimitError
from spinrnn.kernels.tiles import LINE, lanes
from spinrnn.machine import threads
from spinrnn.machine.memory import format_size

UNITS = 8
"""Panels x substeps whose gradients are summed at once: enough for long sums in registers, few enough for the processor's cache."""


CACHE = 3 << 17
"""Bytes that surely stay in a core's second cache."""


LARGE_WEIGHTS = 1 << 21
"""Bytes of dense weights from which on each pass over them serves two panels: one for each of ever so many threads is then the slower way."""


WIDE_BLOCK = 4
"""Most panels in a block of a sparse network."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """How a batch will be run.

    Attributes:
        panels: of the whole batch; block: panels in a block; blocks: their number; chunk: substeps, see `steps.Constants`.
        segment: substeps whose history is kept at once; segments: their number, 1 where all of it fits into the limit.
        threads: threads at work.
        bytes: memory that all of this takes, without inputs and parameters; whole: what it would take in one segment.
    """

    panels: int
    block: int
    blocks: int
    chunk: int
    segment: int
    segments: int
    threads: int
    bytes: int
    whole: int


def plan(config, packing, samples, points, backward, limit=None):
    """`Plan` for samples of this many input points within so many bytes (None: any).

    It has the fewest segments that fit, as each one less saves a share of the work; where none fit, fewer threads; where not even one
    thread fits, what takes the least.
    """
    v, size = lanes(config.dtype), np.dtype(config.dtype).itemsize
    panels = -(-samples // v)
    block, chunk = _block(config, packing, panels)
    blocks, steps_all = -(-panels // block), max(1, points * config.resolved_substeps)
    workers = max(1, min(threads.get_threads(), blocks))
    gradients = size * packing.gradient_size * blocks if backward else 0

    def work(segment):
        kept, segments = (segment, -(-steps_all // segment)) if backward else (1, 1)
        return size * sum(work_sizes(config, block, chunk, 0, kept, segments).values())

    segment, whole = steps_all, gradients + workers * work(steps_all)
    if limit is not None and whole > limit:
        lengths = [steps_all]
        if backward:  # more segments take more again, for their starts: the least is near the root of the number of substeps
            lengths += [
                -(-steps_all // (count * chunk)) * chunk
                for count in range(2, 4 * math.isqrt(steps_all) + 2)
            ]
        least = min(lengths, key=work)
        workers = max(1, min(workers, (limit - gradients) // work(least)))
        segment = next(
            (length for length in lengths if gradients + workers * work(length) <= limit), least
        )
    return Plan(
        panels,
        block,
        blocks,
        chunk,
        segment,
        -(-steps_all // segment),
        workers,
        gradients + workers * work(segment),
        whole,
    )


def plan_within(config, packing, samples, points, backward, limit):
    """`plan`, or MemoryLimitError where nothing fits into the limit."""
    p = plan(config, packing, samples, points, backward, limit)
    check_memory(
        p.bytes,
        limit,
        f"a batch of {samples} cases with {points * config.resolved_substeps} substeps",
        "a smaller batch",
    )
    return p


def check_memory(need, limit, what, advice):
    """Raises MemoryLimitError if `need` bytes for `what` are more than the limit."""
    if need > limit:
        needed, allowed = format_size(need), format_size(limit)
        if needed == allowed:
            needed, allowed = f"{need} bytes", f"{limit} bytes"
        advice = (
            f"allow more (--memory, SPINRNN_MEMORY, spinrnn.set_memory_limit), or take {advice}"
        )
        raise MemoryLimitError(f"{what} needs {needed} at least, {allowed} are allowed; {advice}")


def check_simulation(config, packing, lengths, limit):
    """Raises MemoryLimitError if the history of so many cases does not fit: what is returned, and once more of the blocks at work."""
    points = int(lengths.max(initial=0))
    p, steps_all = (
        plan(config, packing, len(lengths), points, False),
        points * config.resolved_substeps,
    )
    case = np.dtype(config.dtype).itemsize * 3 * (steps_all + 1) * sum(config.layers)
    need = case * (len(lengths) + p.threads * p.block * lanes(config.dtype))
    check_memory(
        need,
        limit,
        f"a simulation of {len(lengths)} cases with {steps_all} substeps",
        "fewer cases at a time",
    )


def simulation_blocks(config, packing, lengths, limit):
    """(cases in a block, threads) of a simulation whose blocks are written to a file as they come; MemoryLimitError where no block fits."""
    points = int(lengths.max(initial=0))
    p, steps_all = (
        plan(config, packing, len(lengths), points, False),
        points * config.resolved_substeps,
    )
    cases = p.block * lanes(config.dtype)
    need = (
        np.dtype(config.dtype).itemsize
        * (steps_all + 1)
        * cases
        * (3 * sum(config.layers) + 3 * max(config.layers))
    )  # history, copies
    check_memory(
        need,
        limit,
        f"a simulation of {steps_all} substeps in blocks of {cases} cases",
        "shorter sequences or fewer substeps",
    )
    return cases, max(1, min(p.threads, limit // need))


def _block(config, packing, panels):
    """(panels in a block, substeps in a chunk)."""
    if (
        packing.sparse
    ):  # rows are picked here and there, so those of a step should lie in the cache together
        rows = LINE * sum(config.layers)
        block = max(1, min(WIDE_BLOCK, CACHE // rows))
        units = max(block, min(UNITS, CACHE // (2 * rows)))
    else:
        block, units = (
            2 if np.dtype(config.dtype).itemsize * packing.weights > LARGE_WEIGHTS else 1,
            UNITS,
        )
    block = max(1, min(panels, block))
    return block, max(1, units // block)


def work_sizes(config, block, chunk, history, kept, segments):
    """Numbers of each part of `kernels.Work`, by name."""
    v, neurons, last = lanes(config.dtype), sum(config.layers), config.layers[-1]
    level = block * neurons * v
    return {
        "state": level,
        "mean": level,
        "drive": level,
        "base": level,
        "constant": level,
        "states": history * level,
        "means": history * level,
        "drives": history * level,
        "held": 2 * level,
        "blended": (kept + 1) * level + v * v,
        "by_state": kept * level,
        "by_drive": kept * level,
        "starts": 3 * segments * level if segments > 1 else 0,
        "readout": block * last * v + v * v,
        "g_readout": block * last * v,
        "logits": block * config.outputs * v,
        "g_logits": block * config.outputs * v,
        "g_state": level,
        "g_mean": level,
        "g_blended": 2 * level,
        "g_base": level,
        "g_bias": neurons * v,
        "tile": chunk * block * v * v,
    }
