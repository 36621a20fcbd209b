"""How a batch will be run.

Blocks of samples, segments of time, and the memory that takes.
"""

import dataclasses
import math

import numpy as np

from spinrnn.errors import MemoryLimitError
from spinrnn.kernels.tiles import LINE, lanes
from spinrnn.kernels.workspace import Shape, sizes
from spinrnn.machine import threads
from spinrnn.machine.memory import format_size
from spinrnn.notebook import plural

UNITS = 8
"""Panels x substeps whose gradients are summed at once.

Enough for long sums in registers, few enough for the processor's cache.
"""

CACHE = 3 << 17
"""Bytes that surely stay in a core's second cache."""

LARGE_WEIGHTS = 1 << 21
"""Bytes of dense weights from which on each pass over them serves two panels.

One for each of ever so many threads is then the slower way.
"""

WIDE_BLOCK = 4
"""Most panels in a block of a sparse network."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """How a batch will be run.

    Attributes:
        panels: of the whole batch; block: panels in a block; blocks: their number.
        chunk: substeps whose gradients are summed together.
        segment: substeps whose history is kept at once; segments: their number, 1 where
            all of it fits into the limit.
        threads: threads at work; points: at which the output is read.
        bytes: memory that all of this takes, without inputs and parameters; whole: what
            it would take in one segment.
    """

    panels: int
    block: int
    blocks: int
    chunk: int
    segment: int
    segments: int
    threads: int
    points: int
    bytes: int
    whole: int

    def shape(self, packing, history, kept):
        """`workspace.Shape` of a block's memory; history, kept: as there."""
        points = self.points
        return shape_of(packing, self.block, self.chunk, history, kept, self.segments, points)


def shape_of(packing, block, chunk, history, kept, segments, points):
    """`workspace.Shape` for blocks of so many panels of a network, read so often."""
    config, population = packing.config, packing.population
    return Shape(
        lanes=lanes(config.dtype),
        neurons=sum(config.layers),
        features=config.features,
        classes=config.outputs,
        points=points,
        block=block,
        chunk=chunk,
        history=history,
        kept=kept,
        segments=segments,
        states=population.states,
        trained=population.trained,
        scratch=population.scratch,
    )


def plan(config, packing, samples, points, backward, limit=None):
    """`Plan` for samples of this many input points within so many bytes (None: any).

    It has the fewest segments that fit, as each one less saves a share of the work;
    where none fit, fewer threads; where not even one thread fits, what takes the least.
    """
    size = np.dtype(config.dtype).itemsize
    panels = -(-samples // lanes(config.dtype))
    block, chunk = block_and_chunk(config, packing, panels)
    blocks, substeps = -(-panels // block), max(1, points * config.resolved_substeps)
    read = max(1, points) if config.readout == "points" else 1
    workers = max(1, min(threads.get_threads(), blocks))
    gradients = size * packing.gradient_size * blocks if backward else 0

    def work(segment):
        kept, segments = (segment, -(-substeps // segment)) if backward else (1, 1)
        shape = shape_of(packing, block, chunk, 0, kept, segments, read)
        return size * sum(sizes(shape).values())

    segment, whole = substeps, gradients + workers * work(substeps)
    if limit is not None and whole > limit:
        lengths = segment_lengths(substeps, chunk) if backward else [substeps]
        least = min(lengths, key=work)
        workers = max(1, min(workers, (limit - gradients) // work(least)))
        fitting = (length for length in lengths if gradients + workers * work(length) <= limit)
        segment = next(fitting, least)
    return Plan(
        panels=panels,
        block=block,
        blocks=blocks,
        chunk=chunk,
        segment=segment,
        segments=-(-substeps // segment),
        threads=workers,
        points=read,
        bytes=gradients + workers * work(segment),
        whole=whole,
    )


def segment_lengths(substeps, chunk):
    """Lengths of 1, 2, 3 ...

    segments that cut so many substeps, all but the first whole chunks.

    More segments take more memory again, for their starts: the least is near the root
    of the number of substeps, so twice as many and more need not be tried.
    """
    counts = range(2, 4 * math.isqrt(substeps) + 2)
    return [substeps, *(-(-substeps // (count * chunk)) * chunk for count in counts)]


def block_and_chunk(config, packing, panels):
    """(panels in a block, substeps in a chunk): functions of network and panels."""
    if packing.sparse:
        # rows are picked here and there, so those of a step should lie in the cache
        # together
        rows = LINE * sum(config.layers)
        block = max(1, min(WIDE_BLOCK, CACHE // rows))
        units = max(block, min(UNITS, CACHE // (2 * rows)))
    else:
        large = np.dtype(config.dtype).itemsize * packing.weights > LARGE_WEIGHTS
        block, units = 2 if large else 1, UNITS
    block = max(1, min(panels, block))
    return block, max(1, units // block)


# ---- what does not fit ----


def plan_within(config, packing, samples, points, backward, limit):
    """`plan`, or MemoryLimitError where nothing fits into the limit."""
    p = plan(config, packing, samples, points, backward, limit)
    substeps = points * config.resolved_substeps
    what = f"a batch of {plural(samples, 'case')} with {substeps} substeps"
    check_memory(p.bytes, limit, what, "a smaller batch")
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
    """Raises MemoryLimitError if the history of so many cases does not fit.

    That is what is returned, and once more of the blocks at work.
    """
    p, substeps = _forward_plan(config, packing, lengths)
    numbers = packing.population.states + 2
    case = np.dtype(config.dtype).itemsize * numbers * (substeps + 1) * sum(config.layers)
    need = case * (len(lengths) + p.threads * p.block * lanes(config.dtype))
    what = f"a simulation of {plural(len(lengths), 'case')} with {substeps} substeps"
    check_memory(need, limit, what, "fewer cases at a time")


def simulation_blocks(config, packing, lengths, limit):
    """(cases in a block, threads) of a simulation whose blocks are written to a file as
    they come.

    Raises:
        MemoryLimitError: no block fits.
    """
    p, substeps = _forward_plan(config, packing, lengths)
    cases = p.block * lanes(config.dtype)
    # the history, and copies of a layer
    numbers = packing.population.states + 2
    numbers = numbers * sum(config.layers) + 3 * max(config.layers)
    need = np.dtype(config.dtype).itemsize * (substeps + 1) * cases * numbers
    what = f"a simulation of {substeps} substeps in blocks of {cases} cases"
    check_memory(need, limit, what, "shorter sequences or fewer substeps")
    return cases, max(1, min(p.threads, limit // need))


def _forward_plan(config, packing, lengths):
    """(`Plan` without gradients or limit, substeps of the longest case)."""
    points = int(lengths.max(initial=0))
    p = plan(config, packing, len(lengths), points, False)
    return p, points * config.resolved_substeps
