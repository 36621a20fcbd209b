"""Running the kernels: inputs, weights and memory as these take them, and the threads
that call them.

Blocks of samples depend on the network and the number of samples only, and their
gradients are added in order, so all results are the same to the bit for any number of
threads and any limit of memory.
"""

import queue
from typing import NamedTuple

import numpy as np

from spinrnn.config.run import OF_POWER
from spinrnn.errors import DivergenceError
from spinrnn.kernels import blocks, stepping
from spinrnn.kernels.losses import Targets
from spinrnn.kernels.random import seed_key
from spinrnn.kernels.tiles import aligned, lanes
from spinrnn.kernels.workspace import Memory
from spinrnn.machine import threads
from spinrnn.networks.planning import plan, plan_within

LONGEST_CALL = 2e11
"""Operations of one compiled call, about two seconds.

Signals are handled between calls.
"""


NONE = Targets(np.empty((0, 0), np.int64), np.empty((0, 0, 0)), np.empty(0))
READINGS = {
    "end": blocks.END, "mean": blocks.MEAN, "both": blocks.BOTH, "points": blocks.POINTS,
    "power": blocks.MEAN, "end_power": blocks.BOTH,
}  # fmt: skip


def at_end(outputs, lengths):
    """(case, K) of outputs (case, K, R) at each case's end."""
    last = lengths - 1 if outputs.shape[2] > 1 else np.zeros(len(outputs), dtype=np.int64)
    return outputs[np.arange(len(outputs)), :, last]


def targets_of(targets, span):
    """The `losses.Targets` of some samples.

    Numba compiles anew for arrays that cannot be written, as what a device has given
    may be; they are copied.
    """
    return Targets(*(np.require(array[span], requirements="W") for array in targets))


class Batch(NamedTuple):
    """Checked inputs of a call.

    Attributes:
        u: (case, channel, time) in the network's dtype; lengths: (case,) input points,
            int64.
        targets: `losses.Targets`, or None; noise_seed: as in `Network.forward`.
    """

    u: np.ndarray
    lengths: np.ndarray
    targets: Targets | None = None
    noise_seed: int | list | tuple = 0

    @property
    def points(self):
        """Input points of the longest case."""
        return int(self.lengths.max(initial=0))

    def scaled(self, scaling, dtype):
        """The batch as a network of that dtype with a `Scaling`, or None, reads it."""
        if scaling is None:
            return self
        u, targets = scaling.read(self.u), self.targets
        # what follows a case's end is zero
        there = np.arange(u.shape[2]) < self.lengths[:, None, None]
        with np.errstate(over="ignore"):
            u = np.where(there, u, 0.0).astype(dtype)
        if targets is not None and targets.values.size:
            targets = targets._replace(values=scaling.wanted(targets.values))
        if targets is not None and targets.measured.size:
            targets = targets._replace(measured=scaling.wanted(targets.measured))
        return self._replace(u=u, targets=targets)


class Runner:
    """Runs checked inputs through the kernels.

    Keeps the work memory between calls, because fresh pages cost as much as the
    arithmetic.
    """

    def __init__(self):
        # the last one that was put back comes first, so that few threads use few of
        # many
        self._idle = queue.LifoQueue()

    def run(self, packing, flat, batch, backward, limit):
        """Logits (case, class, R), losses (case,) or None, gradient (size,) of the mean
        loss or None. R: times of reading, 1 or the points of the longest case.

        Args:
            packing: `Packing`; flat: (size,) parameters; batch: `Batch`; backward:
                whether the gradient is wanted; limit: bytes.
        Raises:
            DivergenceError: where a state first became infinite or NaN;
                MemoryLimitError.
        """
        config, samples = packing.config, len(batch.u)
        p = plan_within(config, packing, samples, batch.points, backward, limit)
        call = Call(packing, flat, batch, p)
        results = Results.empty(packing, batch, p, backward)
        kept = p.segment if backward else 1

        def run(group):
            memory = self._take(limit)
            bad = call.run(group, memory.work(p.shape(packing, 0, kept), config.dtype), results)
            self._idle.put(memory)
            return bad

        found = threads.ordered_map(run, call_groups(packing, p, backward), p.threads)
        bad = [number for number in found if number]
        if bad:
            raise_divergence(packing, flat, batch, min(bad) - 1)
        if not np.isfinite(results.logits).all():
            raise DivergenceError(
                "the logits are not finite though all states are:"
                " the readout's weights are infinite, NaN or too large"
            )
        losses = None if batch.targets is None else results.losses
        if not backward:
            return results.logits, losses, None
        total = results.gradients[0]
        for gradient in results.gradients[1:]:
            total += gradient
        return results.logits, losses, packing.unpack_gradient(total, flat)

    def history(self, packing, flat, batch, take, most=None):
        """Runs the cases, on at most so many threads, and calls take(span, states,
        mean, drive, logits) for each block of them.

        states is a tuple of d arrays; they, mean and drive are (M + 1, N, case) with
        the block's largest M, of drive the last time means nothing; the kernels' units.
        """
        config = packing.config
        p = plan(config, packing, len(batch.u), batch.points, False)
        call, results = Call(packing, flat, batch, p), Results.empty(packing, batch, p, False)

        def run(number):
            span = call.span((number, number + 1))
            levels = int(batch.lengths[span].max()) * config.resolved_substeps + 1
            work = Memory().work(p.shape(packing, levels, 1), config.dtype)
            bad = call.run((number, number + 1), work, results)
            if bad:
                raise_divergence(packing, flat, batch, bad - 1)
            logits = at_end(results.logits[span], batch.lengths[span])
            take(span, *histories(config, work, levels, len(logits)), logits)

        threads.ordered_map(run, range(p.blocks), min(p.threads, most or p.threads))

    def _take(self, limit):
        """Memory for one thread; what is larger than the limit by now is let go."""
        try:
            memory = self._idle.get_nowait()
        except queue.Empty:
            return Memory()
        return memory if memory.bytes <= limit else Memory()


class Results(NamedTuple):
    """What the kernels write.

    Logits (case, class, R), losses (case,), gradients (block, packed).
    """

    logits: np.ndarray
    losses: np.ndarray
    gradients: np.ndarray

    @staticmethod
    def empty(packing, batch, p, backward):
        """Arrays for a batch; without targets no losses, without `backward` no
        gradients.
        """
        config, samples = packing.config, len(batch.u)
        shape = (p.blocks, packing.gradient_size) if backward else (0, 0)
        return Results(
            np.empty((samples, config.outputs, p.points), dtype=config.dtype),
            np.empty(0 if batch.targets is None else samples),
            np.empty(shape, dtype=config.dtype),
        )


class Call:
    """Arguments of `blocks.run_blocks` that all calls for a batch share.

    Args:
        packing, flat, batch: as in `Runner.run`; p: `Plan`; first_case: number of the
            batch's first case, for its thermal noise.
    """

    def __init__(self, packing, flat, batch, p, first_case=0):
        config = packing.config
        self.config, self._batch, self._plan, self._first_case = config, batch, p, first_case
        self._weights, self.constants = packing.pack(flat), constants_of(config, p.chunk)
        self._neurons = packing.neurons(flat)
        self._key = seed_key(batch.noise_seed)

    def span(self, group):
        """The samples of the blocks first to last - 1."""
        width = self._plan.block * lanes(self.config.dtype)
        return slice(group[0] * width, min(len(self._batch.u), group[1] * width))

    def run(self, group, work, results):
        """Runs the blocks first to last - 1.

        Returns 0, or 1 + the first case with a bad state.
        """
        batch, span = self._batch, self.span(group)
        u, ends = by_time(batch.u[span], batch.lengths[span], self.config)
        targets = NONE if batch.targets is None else targets_of(batch.targets, span)
        own = Results(results.logits[span], results.losses[span], results.gradients[slice(*group)])
        bad = self.run_blocks(u, ends, targets, work, own, span.start)
        return span.start + bad if bad else 0

    def run_blocks(self, u, ends, targets, work, results, start=0):
        """`blocks.run_blocks` for samples from number `start` of the batch on."""
        p, scale = self._plan, 1 / max(len(self._batch.u), 1)
        noise = stepping.Noise(self._key[0], self._key[1], self._first_case + start, 0)
        return blocks.run_blocks(
            self.constants, self._weights, self._neurons, noise, u, ends, targets, scale, p.block,
            p.segment, results.gradients.size > 0, work, results.logits, results.losses,
            results.gradients, np.empty(0, dtype=self.config.dtype), False,
        )  # fmt: skip


def raise_divergence(packing, flat, batch, case):
    """Raises DivergenceError that says where the case's state first was not finite.

    By bisection, as a NaN stays in its neuron: the case is run again to ever other
    times, so that no history must be kept.
    """
    config = packing.config
    own = slice(case, case + 1)
    one = Batch(batch.u[own], batch.lengths[own], None, batch.noise_seed)
    p = plan(config, packing, 1, one.points, False)
    call = Call(packing, flat, one, p, first_case=case)
    # the readout's window may be longer than the time to which the case runs
    alone = {"readout": call.constants.readout[:1], "reading": blocks.END}
    call.constants = call.constants._replace(**alone)
    u, ends = by_time(*one[:2], config)
    rows = sum(config.layers)

    def state(step):
        work = Memory().work(p.shape(packing, 0, 1), config.dtype)
        results = Results.empty(packing, one, p, False)
        call.run_blocks(u, np.full_like(ends, step), NONE, work, results)
        level = work.memory[work.state : work.state + rows * lanes(config.dtype)]
        return level.reshape(rows, -1)[:, 0]

    good, bad = 0, int(ends[0])
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if np.isfinite(state(middle)).all() else (good, middle)
    row = int(np.argmax(~np.isfinite(state(bad))))
    raise divergence_at(config, case, row, bad - 1)


def divergence_at(config, case, row, step):
    """DivergenceError of a neuron, by its row among those of all layers, in a substep
    from 0.
    """
    tops = np.cumsum(config.layers)
    layer = int(np.searchsorted(tops, row, side="right"))
    neuron = int(row - tops[layer] + config.layers[layer])
    place = {"case": case, "layer": layer, "neuron": neuron, "step": step}
    where = ", ".join(f"{name} {value}" for name, value in place.items())
    return DivergenceError(
        f"the state became infinite or NaN at {where} (substeps from 0;"
        f" input point {step // config.resolved_substeps})",
        **place,
    )


def call_groups(packing, p, backward):
    """(first, last block) of each compiled call of a `Plan`.

    Some for each thread, so that one that is held up leaves work to the others.
    """
    if not p.blocks:
        return []
    samples, passes = p.block * lanes(packing.config.dtype), 3 if backward else 1
    operations = 2.0 * samples * p.segment * p.segments * packing.weights * passes
    shared = -(-p.blocks // (4 * p.threads)) if p.threads > 1 else p.blocks
    size = min(shared, max(1, int(LONGEST_CALL / operations)))
    return [(first, min(p.blocks, first + size)) for first in range(0, p.blocks, size)]


def by_time(u, lengths, config):
    """Inputs (case, channel, time) as the kernels read them, and the end of each place
    in substeps.

    Flat (time, panel, channel, V) up to the longest case, and V rows more. The last
    panel is filled up with copies of the last case.
    """
    v, samples, points = lanes(config.dtype), len(u), int(lengths.max())
    panels = -(-samples // v)
    flat = aligned((points * panels * config.inputs * v + v * v, np.dtype(config.dtype)))
    cases = np.minimum(np.arange(panels * v), samples - 1)
    by_panel = u[cases, :, :points].reshape(panels, v, config.inputs, points)
    flat[: -v * v].reshape(points, panels, config.inputs, v)[:] = by_panel.transpose(3, 0, 2, 1)
    return flat, lengths[cases] * config.resolved_substeps


def histories(config, work, levels, cases):
    """States, a tuple, mean and drive that a call has left in the work memory, each
    (M + 1, N, case).
    """
    v, neurons, d = lanes(config.dtype), sum(config.layers), work.states_count
    panels = -(-cases // v)
    found = []
    for start, count in ((work.states, d), (work.means, 1), (work.drives, 1)):
        level = work.memory[start : start + levels * count * panels * neurons * v]
        by_neuron = level.reshape(levels, count, panels, neurons, v).transpose(1, 0, 3, 2, 4)
        found.append(by_neuron.reshape(count, levels, neurons, -1)[..., :cases])
    return tuple(found[0]), found[1][0], found[2][0]


def readout_weights(config):
    """`stepping.Constants.readout`."""
    window = config.readout_window * config.resolved_substeps
    weights = np.full(window + 1, 1 / max(window, 1), dtype=config.dtype)
    if window:
        weights[0] = weights[-1] = 0.5 / window
    return weights


def constants_of(config, chunk):
    """`stepping.Constants` of a `NetworkConfig`."""
    real, euler = np.dtype(config.dtype).type, config.scheme == "euler"
    reduced = config.reduced()
    tilt = reduced.blend / (1 - reduced.blend / 2) if config.readout in OF_POWER else 0.0
    return stepping.Constants(
        step=real(reduced.step),
        blend=real(reduced.blend),
        ahead=real(0 if euler else 0.5),
        now=real(1 if euler else 1.5),
        before=real(0 if euler else -0.5),
        substeps=config.resolved_substeps,
        readout=readout_weights(config),
        chunk=chunk,
        reading=READINGS[config.readout],
        tilt=real(tilt),
    )
