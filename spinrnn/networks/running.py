"""Running the kernels: how samples are cut into blocks, how much memory that takes, and the threads that do it.

Blocks depend on the network and the number of samples only, and their gradients are added in order, so all results are the same to the
bit for any number of threads and any limit of memory.
"""

import queue

import numpy as np

from spinrnn.errors import DivergenceError
from spinrnn.kernels import blocks as kernels
from spinrnn.kernels import stepping as steps
from spinrnn.kernels import workspace
from spinrnn.kernels.tiles import LINE, aligned, lanes
from spinrnn.machine import threads
from spinrnn.networks.planning import plan, plan_within, work_sizes
from spinrnn.neurons.spread import device_constants, thermal_noise

LONGEST_CALL = 2e11
"""Operations of one compiled call, about two seconds: signals are handled between calls."""


class Engine:
    """Runs checked inputs through the kernels; keeps the work arrays between calls, because fresh pages cost as much as the arithmetic."""

    def __init__(self):
        self._idle = (
            queue.LifoQueue()
        )  # so that few threads use few of the arrays that many have left

    def run(self, config, packing, flat, u, lengths, labels, backward, limit, noise_seed=0):
        """Logits (case, class), losses (case,) or None, packed gradient of the mean loss or None; noise_seed as in `Network.forward`.

        Raises:
            DivergenceError: where a state first became infinite or NaN.
        """
        samples = len(u)
        p = plan_within(config, packing, samples, int(lengths.max(initial=0)), backward, limit)
        weights, constants = packing.pack(flat), _constants(config, p.chunk)
        logits = np.empty((samples, config.outputs), dtype=config.dtype)
        losses = np.empty(0 if labels is None else samples)
        gradients = np.empty(
            (p.blocks, packing.gradient_size) if backward else (0, 0), dtype=config.dtype
        )
        width = p.block * lanes(config.dtype)
        labels_given = np.empty(0, dtype=np.int64) if labels is None else labels
        rest = np.dtype(config.dtype).type(config.reduced().rest)
        devices, noise = (
            device_constants(config, packing.devices),
            thermal_noise(config, packing.devices, noise_seed),
        )

        def run(group):
            first, last = group
            span = slice(first * width, min(samples, last * width))
            packed_u, ends = _by_time(u[span], lengths[span], config)
            memory = self._take(limit)
            work = _work(config, memory, p, 0, p.segment if backward else 1)
            bad = kernels.run_blocks(
                constants, weights, packed_u, ends, labels_given[span], 1 / max(samples, 1), rest, p.block, p.segment, backward, work,
                logits[span], losses[span], gradients[first:last], devices, _from(noise, span.start),
            )  # fmt: skip
            self._idle.put(memory)
            return span.start + bad if bad else 0

        bad = [
            b
            for b in threads.ordered_map(run, _groups(config, packing, p, backward), p.threads)
            if b
        ]
        if bad:
            self._raise_divergence(config, packing, flat, u, lengths, min(bad) - 1, noise)
        if not np.isfinite(logits).all():
            raise DivergenceError(
                "the logits are not finite though all states are: the readout's weights are infinite, NaN or too large"
            )
        if not backward:
            return logits, None if labels is None else losses, None
        total = gradients[0]
        for gradient in gradients[1:]:
            total += gradient
        return logits, losses, total

    def history(self, config, packing, flat, u, lengths, take, noise_seed=0, most=None):
        """Runs the cases, on at most so many threads, and calls take(span, state, mean, drive, logits) for each block of them.

        state, mean, drive are (M + 1, N, case) with the block's largest M, of drive the last time means nothing; reduced units.
        noise_seed as in `Network.forward`.
        """
        samples = len(u)
        p = plan(config, packing, samples, int(lengths.max(initial=0)), False)
        weights, constants = packing.pack(flat), _constants(config, p.chunk)
        v, neurons = lanes(config.dtype), sum(config.layers)
        noise = thermal_noise(config, packing.devices, noise_seed)

        def run(number):
            span = slice(number * p.block * v, min(samples, (number + 1) * p.block * v))
            packed_u, ends = _by_time(u[span], lengths[span], config)
            levels, panels = int(ends.max()) + 1, len(ends) // v
            work = _work(config, _Memory(), p, levels, 1)
            logits = np.empty((span.stop - span.start, config.outputs), dtype=config.dtype)
            bad = _forward(
                config,
                packing,
                constants,
                weights,
                packed_u,
                ends,
                p,
                work,
                logits,
                _from(noise, span.start),
            )
            if bad:
                self._raise_divergence(
                    config, packing, flat, u, lengths, span.start + bad - 1, noise
                )
            size = panels * neurons * v
            state, mean, drive = (
                work.memory[at : at + levels * size]
                .reshape(levels, panels, neurons, v)
                .transpose(0, 2, 1, 3)
                .reshape(levels, neurons, -1)[:, :, : len(logits)]
                for at in (work.states, work.means, work.drives)
            )
            take(span, state, mean, drive, logits)

        threads.ordered_map(run, range(p.blocks), min(p.threads, most or p.threads))

    def _take(self, limit):
        """Memory for one thread; what is larger than the limit by now is let go."""
        try:
            memory = self._idle.get_nowait()
        except queue.Empty:
            return _Memory()
        return memory if memory.bytes <= limit else _Memory()

    def _raise_divergence(self, config, packing, flat, u, lengths, case, noise):
        """Says where the case's state first was not finite: by bisection, as a NaN stays, so that no history must be kept."""
        packed_u, ends = _by_time(u[case : case + 1], lengths[case : case + 1], config)
        weights, v, rows = packing.pack(flat), lanes(config.dtype), sum(config.layers)
        p = plan(config, packing, 1, int(lengths[case]), False)
        constants, logits = (
            _constants(config, p.chunk),
            np.empty((1, config.outputs), dtype=config.dtype),
        )

        def state(step):
            work = _work(config, _Memory(), p, 0, 1)
            short = constants._replace(
                readout=constants.readout[:1]
            )  # the readout's window may be longer than this
            _forward(
                config,
                packing,
                short,
                weights,
                packed_u,
                np.full_like(ends, step),
                p,
                work,
                logits,
                _from(noise, case),
            )
            return work.memory[work.state : work.state + rows * v].reshape(rows, v)[:, 0]

        good, bad = 0, int(ends[0])
        while bad - good > 1:
            middle = (good + bad) // 2
            good, bad = (middle, bad) if np.isfinite(state(middle)).all() else (good, middle)
        row = int(np.argmax(~np.isfinite(state(bad))))
        tops = np.cumsum(config.layers)
        layer = int(np.searchsorted(tops, row, side="right"))
        place = {
            "case": case,
            "layer": layer,
            "neuron": int(row - tops[layer] + config.layers[layer]),
            "step": bad - 1,
        }
        where = ", ".join(f"{name} {value}" for name, value in place.items())
        point = (bad - 1) // config.resolved_substeps
        raise DivergenceError(
            f"the state became infinite or NaN at {where} (substeps from 0; input point {point})",
            **place,
        )


def _from(noise, case):
    """The noise of a call whose first sample is this case."""
    return None if noise is None else noise._replace(first_case=case)


def _forward(config, packing, constants, weights, u, ends, p, work, logits, noise):
    """One forward pass without labels; returns what `kernels.run_blocks` does."""
    rest, nothing = np.dtype(config.dtype).type(config.reduced().rest), np.empty(0, dtype=np.int64)
    gradients = np.empty((0, 0), dtype=config.dtype)
    return kernels.run_blocks(
        constants, weights, u, ends, nothing, 0.0, rest, p.block, max(1, int(ends.max())), False, work, logits, np.empty(0), gradients,
        device_constants(config, packing.devices), noise,
    )  # fmt: skip


class _Memory:
    """The work memory of one thread, kept as long as it is large enough."""

    def __init__(self):
        self._array = np.empty(0)

    @property
    def bytes(self):
        return self._array.nbytes

    def take(self, size, dtype):
        """Array of this size; zeros when new, else with what was there."""
        if self._array.size < size or self._array.dtype != dtype:
            self._array = None  # before the new one is made
            self._array = aligned((size, dtype))
        return self._array[:size]


def _work(config, memory, p, history, kept):
    """`kernels.Work` for blocks of a plan."""
    sizes = work_sizes(config, p.block, p.chunk, history, kept, p.segments)
    starts = np.cumsum([0, *(-(-size // LINE) * LINE for size in sizes.values())])
    array = memory.take(int(starts[-1]), np.dtype(config.dtype))
    return workspace.Work(
        array,
        history,
        kept,
        **{name: int(start) for name, start in zip(sizes, starts, strict=False)},
    )


def _groups(config, packing, p, backward):
    """(first, last block) of each compiled call: some for each thread, so that one that is held up leaves work to the others."""
    if not p.blocks:
        return []
    operations = (
        2.0
        * p.block
        * lanes(config.dtype)
        * p.segment
        * p.segments
        * packing.weights
        * (3 if backward else 1)
    )
    size = min(
        -(-p.blocks // (4 * p.threads)) if p.threads > 1 else p.blocks,
        max(1, int(LONGEST_CALL / operations)),
    )
    return [(first, min(p.blocks, first + size)) for first in range(0, p.blocks, size)]


def _by_time(u, lengths, config):
    """Inputs (case, channel, time) as the kernels read them: flat (time, panel, channel, V) and V rows more, and each place's end.

    Up to the longest case; the last panel is filled up with copies of the last case.
    """
    v, samples, points = lanes(config.dtype), len(u), int(lengths.max())
    panels = -(-samples // v)
    flat = aligned((points * panels * config.inputs * v + v * v, np.dtype(config.dtype)))
    cases = np.minimum(np.arange(panels * v), samples - 1)
    by_panel = u[cases, :, :points].reshape(panels, v, config.inputs, points)
    flat[: -v * v].reshape(points, panels, config.inputs, v)[:] = by_panel.transpose(3, 0, 2, 1)
    return flat, lengths[cases] * config.resolved_substeps


def _readout_weights(config):
    """`steps.Constants.readout`."""
    window = config.readout_window * config.resolved_substeps
    weights = np.full(window + 1, 1 / max(window, 1), dtype=config.dtype)
    if window:
        weights[0] = weights[-1] = 0.5 / window
    return weights


def _constants(config, chunk):
    """`steps.Constants`."""
    real = np.dtype(config.dtype).type
    reduced, euler, ctrnn = config.reduced(), config.scheme == "euler", config.neuron == "ctrnn"
    return steps.Constants(
        model=steps.CTRNN
        if ctrnn
        else steps.OSCILLATOR_EULER
        if euler
        else steps.OSCILLATOR_EXPONENTIAL,
        step=real(reduced.step),
        blend=real(0 if ctrnn else reduced.blend),
        approach=real(reduced.blend),
        ahead=real(0 if euler or ctrnn else 0.5),
        nonlinear_damping=real(config.nonlinear_damping),
        floor=real(config.power_floor if config.power_floor > 0 else -np.inf),
        bias=real(0 if ctrnn else config.bias_ratio),
        now=real(1 if euler else 1.5),
        before=real(0 if euler else -0.5),
        substeps=config.resolved_substeps,
        readout=_readout_weights(config),
        chunk=chunk,
    )
