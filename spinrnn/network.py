"""The network: checks what it is given, cuts it into blocks of samples, runs the kernels on them and puts the results together.

Blocks depend on the number of samples only, and their gradients are added in order, so all results are the same to the bit for
any number of threads.
"""

import dataclasses
import itertools
import math
import queue

import numpy as np

from spinrnn import kernels, threads
from spinrnn.config import NetworkConfig
from spinrnn.errors import ConfigError, DataError, DivergenceError
from spinrnn.parameters import Layout, draw_mask, draw_weights, pack, packed_offsets, unpack_gradient
from spinrnn.trajectory import Trajectory

LARGEST_BLOCK = 64
"""Samples in a block: products of this width run near the processor's peak, and two blocks already make a batch of 128."""


class _Workspace:
    """Buffers of one thread, kept between calls because fresh pages cost as much as the arithmetic."""

    def __init__(self):
        self._buffers = {}

    def take(self, name, shape, dtype):
        """Uninitialised array of this shape, the same memory for the same name."""
        size = math.prod(shape)
        buffer = self._buffers.get(name)
        if buffer is None or buffer.size < size or buffer.dtype != dtype:
            buffer = self._buffers[name] = np.empty(size, dtype)
        return buffer[:size].reshape(shape)


class Network:
    """A multilayer recurrent network of spin-torque nano-oscillators, or its CTRNN twin.

    Args:
        config: `NetworkConfig`.
        seed: of the masks and the initial weights.
    Attributes:
        config: as given.
        layout: `Layout` of the flat vectors.
        parameters: (size,) all trainable parameters, in the configuration's dtype; write to it freely.
        mask: (size,) bool, False where an entry does not exist, or None if all do. Such entries have no effect whatever is written there.
    """

    def __init__(self, config=None, seed=0):
        self.config = NetworkConfig() if config is None else config
        self.layout = Layout(self.config)
        rng = np.random.default_rng(seed)
        sparse = self.config.density_int < 1 or self.config.density_ext < 1
        self.mask = draw_mask(self.config, self.layout, rng) if sparse else None
        self.parameters = draw_weights(self.config, self.layout, 1 if self.mask is None else self.mask, rng)
        self._workspaces = queue.SimpleQueue()

    def __repr__(self):
        c = self.config
        sizes = "-".join(str(n) for n in (c.inputs, *c.layers, c.outputs))
        return f"<Network {sizes}, {c.neuron}, {c.scheme}, {c.resolved_substeps} substeps, {self.layout.size} parameters>"

    def __getstate__(self):  # for pickle and copy, which cannot take a queue
        return {name: value for name, value in vars(self).items() if name != "_workspaces"}

    def __setstate__(self, state):
        vars(self).update(state)
        self._workspaces = queue.SimpleQueue()

    @property
    def parameters(self):
        return self._parameters

    @parameters.setter
    def parameters(self, values):
        values = np.array(values, dtype=self.config.dtype)
        if values.shape != (self.layout.size,):
            raise DataError(f"parameters: expected {self.layout.size} numbers, got the shape {values.shape}")
        self._parameters = values

    def views(self):
        """{"w_ext": [..], "w_int": [..], "bias": [..], "w_out": .., "b_out": ..}: writable views of `parameters`.

        w_ext[l] is (n_l, n_{l-1}), for l = 0 (n_0, inputs); w_int[l] (n_l, n_l); bias[l] (n_l,); w_out (outputs, n_{L-1}); b_out (outputs,).
        """
        return self.layout.grouped(self.parameters)

    def replace(self, **changes):
        """A network with a copy of the parameters and another configuration, as in ``net.replace(substeps=32)``.

        Raises:
            ConfigError: the change concerns the parameters' number or masks, or is impossible in itself.
        """
        config = dataclasses.replace(self.config, **changes)
        fixed = ("layers", "inputs", "outputs", "density_int", "density_ext")
        problems = [f"{name}: fixed by the trained parameters" for name in fixed if getattr(config, name) != getattr(self.config, name)]
        if problems:
            raise ConfigError(problems)
        other = Network.__new__(Network)
        other.__setstate__({"config": config, "layout": self.layout, "mask": None if self.mask is None else self.mask.copy()})
        other.parameters = self.parameters
        return other

    def forward(self, u, lengths=None):
        """Logits (case, class) of inputs u (case, channel, time), eq. (4); each value of u is held for one input interval.

        Args:
            u: real array (case, channel, time), finite.
            lengths: (case,) input points of each case; values after them are ignored, NaN too. None: all have the whole length.
        Raises:
            DataError: u or lengths do not fit; DivergenceError: a state became infinite or NaN.
        """
        u, lengths = self.check_inputs(u, lengths)
        return self._run(u, lengths, None, False)[0]

    def loss(self, u, labels, lengths=None):
        """Mean cross-entropy over the cases (float), without the backward pass. Arguments and errors as in `loss_and_grad`."""
        u, lengths = self.check_inputs(u, lengths)
        losses = self._run(u, lengths, self.check_labels(labels, len(u)), False)[1]
        return float(losses.mean())

    def loss_and_grad(self, u, labels, lengths=None):
        """Mean cross-entropy over the cases (float) and its gradient (size,), the exact adjoint of the discrete steps.

        Args:
            u, lengths: as in `forward`.
            labels: (case,) whole numbers in [0, outputs).
        Raises:
            DataError, DivergenceError: as in `forward`; also for a loss that is not finite.
        """
        return self.logits_loss_grad(u, labels, lengths)[1:]

    def logits_loss_grad(self, u, labels, lengths=None):
        """`loss_and_grad` with the logits (case, class) in front."""
        u, lengths = self.check_inputs(u, lengths)
        labels = self.check_labels(labels, len(u))
        logits, losses, gradient = self._run(u, lengths, labels, True)
        loss = float(losses.mean())
        if not math.isfinite(loss):
            raise DivergenceError("the loss is not finite though all logits are")
        if not np.isfinite(gradient).all():
            raise DivergenceError("the gradient is not finite though the loss is")
        return logits, loss, gradient

    def simulate(self, u, lengths=None):
        """All states and drives over time, as a `Trajectory`.

        Args and errors as in `forward`. Memory: about 4 numbers for each case, neuron and substep.
        """
        u, lengths = self.check_inputs(u, lengths)
        samples, _, points = u.shape
        substeps = self.config.resolved_substeps
        trajectory, packed = Trajectory.empty(self.config, samples, points), self._packed()

        def run(span):
            cache, _, bad = self._run_block(packed, _Workspace(), u[span], lengths[span], history=True)
            if bad:
                self._raise_divergence(u[span], lengths[span], span.start)
            levels = int(lengths[span].max()) * substeps
            state, mean, drive = (a.reshape(levels + 1, -1, len(u[span])) for a in (cache.state, cache.mean, cache.drive))
            row = 0
            for layer, n in enumerate(self.config.layers):
                own = slice(row, row + n)
                trajectory.state[layer][span, :, : levels + 1] = state[:, own].transpose(2, 1, 0)
                trajectory.output[layer][span, :, : levels + 1] = (state[:, own] - mean[:, own]).transpose(2, 1, 0)
                trajectory.drive[layer][span, :, :levels] = drive[:levels, own].transpose(2, 1, 0)
                row += n
            trajectory.logits[span] = cache.logits.T

        with threads.one_blas_thread():
            threads.ordered_map(run, _blocks(samples))
        trajectory.finish(self.config, lengths)
        return trajectory

    def save(self, path):
        """Writes configuration, parameters and mask to an HDF5 file, atomically; `spinrnn.load` reads it."""
        from spinrnn.store import save_network

        save_network(self, path)

    # ---- checks ----

    def check_inputs(self, u, lengths=None):
        """Returns u in the network's dtype and lengths as (case,) int64, or raises DataError."""
        config = self.config
        try:
            u = np.asarray(u)
        except ValueError:
            raise DataError("inputs: the cases differ in shape; pad them to one length and give their lengths") from None
        if u.ndim != 3 or u.shape[1] != config.inputs or u.shape[2] < 1:
            raise DataError(
                f"inputs: expected the shape (case, {config.inputs}, time), as network.inputs = {config.inputs}; got {u.shape}"
                + ("; are the last two axes swapped?" if u.ndim == 3 and u.shape[2] == config.inputs else "")
            )
        if u.dtype.kind not in "fiub":
            raise DataError(f"inputs: expected real numbers, got {u.dtype}")
        samples, _, points = u.shape
        lengths = self._check_lengths(lengths, samples, points)
        with np.errstate(over="ignore"):
            u = u.astype(config.dtype, copy=False)
        if (lengths < points).any():  # what follows the end may be anything, NaN too
            u = np.where(np.arange(points) < lengths[:, None, None], u, u.dtype.type(0))
        if not np.isfinite(u).all():
            case, channel, point = np.argwhere(~np.isfinite(u))[0]
            raise DataError(f"inputs: not finite in {config.dtype} at case {case}, channel {channel}, time {point}")
        return u, lengths

    def _check_lengths(self, lengths, samples, points):
        window = self.config.readout_window
        lengths = np.full(samples, points, dtype=np.int64) if lengths is None else np.asarray(lengths)
        if lengths.shape != (samples,) or lengths.dtype.kind not in "iu":
            raise DataError(f"lengths: expected {samples} whole numbers, one for each case; got {lengths.dtype} of shape {lengths.shape}")
        wrong = np.flatnonzero((lengths < 1) | (lengths > points))
        if wrong.size:
            raise DataError(f"lengths: must be from 1 to {points}, got {lengths[wrong[0]]} at case {wrong[0]}")
        short = np.flatnonzero(lengths < window)
        if short.size:
            raise DataError(
                f"readout_window: {window} input intervals are longer than the sequence of case {short[0]}, {lengths[short[0]]}"
            )
        return lengths.astype(np.int64)

    def check_labels(self, labels, samples):
        """Returns labels as (case,) int64, or raises DataError."""
        labels = np.asarray(labels)
        if labels.shape != (samples,) or labels.dtype.kind not in "iu":
            raise DataError(f"labels: expected {samples} whole numbers, one for each case; got {labels.dtype} of shape {labels.shape}")
        if samples == 0:
            raise DataError("labels: no cases, the mean loss is not defined")
        wrong = np.flatnonzero((labels < 0) | (labels >= self.config.outputs))
        if wrong.size:
            raise DataError(
                f"labels: must be from 0 to {self.config.outputs - 1}, as network.outputs = {self.config.outputs}; "
                f"got {labels[wrong[0]]} at case {wrong[0]}"
            )
        return labels.astype(np.int64)

    # ---- running the kernels ----

    def _run(self, u, lengths, labels, backward):
        """Logits (case, class), losses (case,) or None, gradient (size,) or None of checked input."""
        config, samples = self.config, len(u)
        packed, scale = self._packed(), 1 / max(samples, 1)
        logits = np.empty((samples, config.outputs), dtype=config.dtype)
        losses = None if labels is None else np.empty(samples)

        def run(span):
            try:
                workspace = self._workspaces.get_nowait()
            except queue.Empty:
                workspace = _Workspace()
            block_labels = None if labels is None else labels[span]
            cache, gradients, bad = self._run_block(packed, workspace, u[span], lengths[span], block_labels, scale, backward)
            if not bad:
                logits[span] = cache.logits.T
                if labels is not None:
                    losses[span] = cache.losses
            self._workspaces.put(workspace)
            return gradients, bad

        spans = _blocks(samples)
        with threads.one_blas_thread():
            results = threads.ordered_map(run, spans)
            for span, (_, bad) in zip(spans, results, strict=True):
                if bad:
                    self._raise_divergence(u[span], lengths[span], span.start)
        if not np.isfinite(logits).all():
            raise DivergenceError("the logits are not finite though all states are: the readout's weights are infinite, NaN or too large")
        if not backward:
            return logits, losses, None
        total = results[0][0]
        for gradients, _ in results[1:]:
            for name in ("couplings", "w_in", "bias", "w_out", "b_out"):
                getattr(total, name)[...] += getattr(gradients, name)
        return logits, losses, unpack_gradient(config, self.layout, total, self.mask)

    def _packed(self):
        """(`kernels.Constants`, `kernels.Weights`), the same for all blocks."""
        return self._constants(), pack(self.config, self.layout, self.parameters, self.mask)

    def _run_block(self, packed, workspace, u, lengths, labels=None, scale=0.0, backward=False, history=False):
        """(cache, gradients, what `kernels.run_block` returned) of one block; with `history` the cache keeps all times, of the mean too."""
        constants, weights = packed
        ends = lengths * self.config.resolved_substeps
        first_end, last_end = int(ends.min()), int(ends.max())
        cache = self._cache(workspace, len(ends), last_end, full=backward or history, mean=history)
        gradients = self._gradients(workspace, len(ends))
        labels = np.empty(0, dtype=np.int64) if labels is None else labels
        u = _by_time(u, ends, self.config)
        bad = kernels.run_block(constants, weights, u, ends, first_end, last_end, labels, scale, cache, gradients, backward)
        return cache, gradients, bad

    def _raise_divergence(self, u, lengths, first_case):
        """Runs the block again, with all its history, and says where the first non-finite state appeared."""
        cache, _, _ = self._run_block(self._packed(), _Workspace(), u, lengths, history=True)
        step = int(np.argmax(~np.isfinite(cache.state).all(axis=1)))
        row, sample = divmod(int(np.argmax(~np.isfinite(cache.state[step]))), len(u))
        tops = np.cumsum(self.config.layers)
        layer = int(np.searchsorted(tops, row, side="right"))
        place = {
            "case": first_case + sample,
            "layer": layer,
            "neuron": int(row - tops[layer] + self.config.layers[layer]),
            "step": step - 1,
        }
        where = ", ".join(f"{name} {value}" for name, value in place.items())
        point = (step - 1) // self.config.resolved_substeps
        raise DivergenceError(f"the state became infinite or NaN at {where} (substeps from 0; input point {point})", **place)

    def _constants(self):
        config, real = self.config, np.dtype(self.config.dtype).type
        reduced, euler, ctrnn = config.reduced(), config.scheme == "euler", config.neuron == "ctrnn"
        model = kernels.CTRNN if ctrnn else kernels.OSCILLATOR_EULER if euler else kernels.OSCILLATOR_EXPONENTIAL
        return kernels.Constants(
            model=model,
            step=real(reduced.step),
            blend=real(reduced.blend),
            nonlinear_damping=real(config.nonlinear_damping),
            floor=real(config.power_floor if config.power_floor > 0 else -np.inf),
            bias=real(0 if ctrnn else config.bias_ratio),
            now=real(1 if euler else 1.5),
            before=real(0 if euler else -0.5),
            substeps=config.resolved_substeps,
            window=config.readout_window * config.resolved_substeps,
            output_gain=real(config.output_amplification),
        )

    def _cache(self, workspace, samples, substeps, full, mean=False):
        """`kernels.Cache` for one block, at its start; full keeps all time levels, mean also those of the filter."""
        config = self.config
        neurons, rest = sum(config.layers), config.reduced().rest

        def take(name, *shape, dtype=config.dtype):
            return workspace.take(name, shape, np.dtype(dtype))

        levels, mean_levels = (substeps + 1 if full else 2), (substeps + 1 if mean else 2)
        cache = kernels.Cache(
            state=take("state", levels, neurons * samples),
            blended=take("blended", levels, neurons * samples),
            mean=take("mean", mean_levels, neurons * samples),
            drive=take("drive", levels, neurons * samples),
            base=take("base", neurons * samples),
            readout=take("readout", config.layers[-1], samples),
            logits=take("logits", config.outputs, samples),
            losses=take("losses", samples, dtype="float64"),
        )
        cache.state[0] = rest
        cache.mean[0] = rest  # the CTRNN has none, and its rest is 0: then y = s - 0
        if config.neuron == "ctrnn":
            cache.mean[:] = 0
        return cache

    def _gradients(self, workspace, samples):
        """`kernels.Gradients` of one block: the sums in arrays of their own, set to zero, the rest in the workspace."""
        config = self.config
        neurons, last, outputs = sum(config.layers), config.layers[-1], config.outputs
        offsets = packed_offsets(config)
        largest = max(*np.diff(offsets), config.layers[0] * config.inputs, outputs * last)

        def zeros(*shape):
            return np.zeros(shape, dtype=config.dtype)

        def take(name, *shape):
            return workspace.take("g_" + name, shape, np.dtype(config.dtype))

        return kernels.Gradients(
            couplings=zeros(int(offsets[-1])),
            w_in=zeros(config.layers[0], config.inputs),
            bias=zeros(neurons),
            w_out=zeros(outputs, last),
            b_out=zeros(outputs),
            logits=take("logits", outputs, samples),
            readout=take("readout", last, samples),
            state=take("state", neurons * samples),
            mean=take("mean", neurons * samples),
            drive=take("drive", neurons * samples),
            blended=take("blended", 2, neurons * samples),
            base=take("base", neurons * samples),
            base_total=take("base_total", neurons * samples),
            product=take("product", int(largest)),
        )


def _blocks(samples):
    """Slices that cut the samples into blocks of nearly equal size, at most LARGEST_BLOCK each."""
    count = -(-samples // LARGEST_BLOCK)
    bounds = [i * samples // count for i in range(count + 1)] if count else [0]
    return [slice(a, b) for a, b in itertools.pairwise(bounds)]


def _by_time(u, ends, config):
    """Inputs (case, channel, time) as the kernels read them, (time, channel, case), up to the block's longest case."""
    return np.ascontiguousarray(u[:, :, : int(ends.max()) // config.resolved_substeps].transpose(2, 1, 0))
