"""The network: its parameters, what can be asked of it, and the checks of what it is
given. `engine` does the work.
"""

import dataclasses
import math

import numpy as np

from spinrnn.config.run import NetworkConfig
from spinrnn.errors import ConfigError, DataError, DivergenceError
from spinrnn.machine.memory import get_memory_limit
from spinrnn.networks.packing import Packing
from spinrnn.networks.planning import check_simulation, plan_within, simulation_blocks
from spinrnn.networks.running import Batch, Runner
from spinrnn.neurons.spread import SPREADS, Devices, check_devices, checked_seed, draw_devices
from spinrnn.recordings.histories import taker
from spinrnn.recordings.trajectory import MemorySink, Trajectory
from spinrnn.synapses.layout import Layout, draw_mask, draw_weights


class Network:
    """A multilayer recurrent network of spin-torque nano-oscillators, or its CTRNN
    twin.

    Args:
        config: `NetworkConfig`.
        seed: of the masks and the initial weights.
    Attributes:
        config: as given.
        layout: `Layout` of the flat vectors.
        parameters: (size,) all trainable parameters, in the configuration's dtype;
            write to it freely.
        mask: (size,) bool, False where an entry does not exist, or None if all do. Such
            entries have no effect whatever is written there.
        devices: `devices.Devices`, how the neurons differ from each other, drawn from
            config.device_seed, or None where they do not.
    """

    def __init__(self, config=None, seed=0):
        self.config = NetworkConfig() if config is None else config
        self.layout = Layout(self.config)
        rng = np.random.default_rng(seed)
        sparse = self.config.density_int < 1 or self.config.density_ext < 1
        self.mask = draw_mask(self.config, self.layout, rng) if sparse else None
        self.parameters = draw_weights(
            self.config, self.layout, 1 if self.mask is None else self.mask, rng
        )
        self.devices = draw_devices(self.config)
        self._runner, self._packed = Runner(), None

    def __repr__(self):
        c = self.config
        sizes = "-".join(str(n) for n in (c.inputs, *c.layers, c.outputs))
        return f"<Network {sizes}, {c.neuron}, {c.scheme}, {c.resolved_substeps} substeps, {self.layout.size if self.mask is None else self.mask.sum()} parameters>"

    def __getstate__(self):  # for pickle and copy: without work arrays
        return {
            name: value for name, value in vars(self).items() if name not in ("_runner", "_packed")
        }

    def __setstate__(self, state):
        vars(self).update(state)
        self._runner, self._packed = Runner(), None

    @property
    def parameters(self):
        return self._parameters

    @parameters.setter
    def parameters(self, values):
        values = np.array(values, dtype=self.config.dtype)
        if values.shape != (self.layout.size,):
            raise DataError(
                f"parameters: expected {self.layout.size} numbers, got the shape {values.shape}"
            )
        self._parameters = values

    @property
    def devices(self):
        return self._devices

    @devices.setter
    def devices(self, devices):
        check_devices(devices, self.config)
        self._devices = devices

    def views(self):
        """{"w_ext": [..], "w_int": [..], "bias": [..], "w_out": .., "b_out": ..}:
        writable views of `parameters`.

        w_ext[l] is (n_l, n_{l-1}), for l = 0 (n_0, inputs); w_int[l] (n_l, n_l);
        bias[l] (n_l,); w_out (outputs, n_{L-1}); b_out (outputs,).
        """
        return self.layout.grouped(self.parameters)

    def replace(self, **changes):
        """A network with a copy of the parameters and another configuration, as in
        ``net.replace(substeps=32)``.

        Its devices are the same ones unless a spread or device_seed is changed; then
        they are drawn as for a new network.

        Raises:
            ConfigError: the change concerns the parameters' number or masks, or is
                impossible in itself; DataError: devices do not fit.
        """
        config = dataclasses.replace(self.config, **changes)
        fixed = ("layers", "inputs", "outputs", "density_int", "density_ext")
        problems = [
            f"{name}: fixed by the trained parameters"
            for name in fixed
            if getattr(config, name) != getattr(self.config, name)
        ]
        if problems:
            raise ConfigError(problems)
        other = Network.__new__(Network)
        other.__setstate__(
            {
                "config": config,
                "layout": self.layout,
                "mask": None if self.mask is None else self.mask.copy(),
            }
        )
        check_devices(self.devices, self.config)
        kept = all(
            getattr(config, key) == getattr(self.config, key)
            for key in ("neuron", "device_seed", *SPREADS.values())
        )
        other.devices = (
            draw_devices(config)
            if not kept
            else None
            if self.devices is None
            else self.devices.copy()
        )
        other.parameters = self.parameters
        return other

    def forward(self, u, lengths=None, noise_seed=0):
        """Logits (case, class) of inputs u (case, channel, time), eq.

        (4); each value of u is held for one input interval.

        Args:
            u: real array (case, channel, time), finite.
            lengths: (case,) input points of each case; values after them are ignored,
                NaN too. None: all have the whole length.
            noise_seed: of thermal noise, if config.thermal_power is above 0: a whole
                number from 0, or a list of them. Noise is a function of it, the case's
                number in u, the neuron and the substep.
        Raises:
            DataError: u or lengths do not fit; DivergenceError: a state became infinite
                or NaN.
        """
        u, lengths = self.check_inputs(u, lengths)
        return self._run(u, lengths, None, False, noise_seed)[0]

    def loss(self, u, labels, lengths=None, noise_seed=0):
        """Mean cross-entropy over the cases (float), without the backward pass.

        Arguments and errors as in `loss_and_grad`.
        """
        u, lengths = self.check_inputs(u, lengths)
        return _finite(
            self._run(u, lengths, self.check_labels(labels, len(u)), False, noise_seed)[1].mean()
        )

    def loss_and_grad(self, u, labels, lengths=None, noise_seed=0):
        """Mean cross-entropy over the cases (float) and its gradient (size,), the exact
        adjoint of the discrete steps, for the noise that was drawn.

        Args:
            u, lengths, noise_seed: as in `forward`.
            labels: (case,) whole numbers in [0, outputs).
        Raises:
            DataError, DivergenceError: as in `forward`; also for a loss that is not
                finite.
        """
        return self.logits_loss_grad(u, labels, lengths, noise_seed)[1:]

    def logits_loss_grad(self, u, labels, lengths=None, noise_seed=0):
        """`loss_and_grad` with the logits (case, class) in front."""
        u, lengths = self.check_inputs(u, lengths)
        labels = self.check_labels(labels, len(u))
        logits, losses, gradient = self._run(u, lengths, labels, True, noise_seed)
        loss = _finite(losses.mean())
        if not np.isfinite(gradient).all():
            raise DivergenceError("the gradient is not finite though the loss is")
        return logits, loss, gradient

    def simulate(self, u, lengths=None, noise_seed=0):
        """All states and drives over time, as a `Trajectory`.

        Args and errors as in `forward`; MemoryLimitError: all of it does not fit.
        Memory: 3 numbers for each case, neuron and substep.
        """
        u, lengths = self.check_inputs(u, lengths)
        check_simulation(self.config, self._packing(), lengths, get_memory_limit())
        trajectory = Trajectory.empty(self.config, len(u), u.shape[2])
        trajectory.network, trajectory.inputs, trajectory.lengths, trajectory.noise_seed = (
            self.replace(),
            u,
            lengths,
            noise_seed,
        )
        layers = range(len(self.config.layers))
        sink = MemorySink(trajectory)
        take = taker(sink, self.config, lengths, MemorySink.variables, layers)
        self.history(u, lengths, take, noise_seed)
        return trajectory

    def simulate_to(self, path, u, lengths=None, **options):
        """All states and drives over time, written to a trajectory file block by block,
        so that they may be larger than memory.

        Args and errors as in `forward`; path and options as in
        `spinrnn.write_trajectory`.
        """
        from spinrnn.recordings.writing import write_trajectory

        write_trajectory(path, self, u, lengths, **options)

    def history(self, u, lengths, take, noise_seed=0, most=None):
        """Simulates checked inputs block by block and calls `take` for each block, as
        `Engine.history` says; at most so many threads.
        """
        batch = Batch(u, lengths, None, checked_seed(noise_seed))
        self._runner.history(self._packing(), self.parameters, batch, take, most)

    def blocks(self, lengths):
        """`engine.simulation_blocks` of this network within `spinrnn.get_memory_limit`."""
        return simulation_blocks(self.config, self._packing(), lengths, get_memory_limit())

    def plan(self, cases, points, backward=True):
        """How so many cases of so many input points would be run, with the memory it
        would take: an `engine.Plan`. Computes nothing.

        backward: for `loss_and_grad`, else for `forward`. MemoryLimitError: it does not
        fit into `spinrnn.get_memory_limit`.
        """
        return plan_within(
            self.config, self._packing(), cases, points, backward, get_memory_limit()
        )

    def save(self, path):
        """Writes configuration, parameters, mask and devices to an HDF5 file,
        atomically; `spinrnn.load` reads it. DataError: devices do not fit.
        """
        from spinrnn.networks.saved import save_network

        check_devices(self.devices, self.config)
        save_network(self, path)

    # ---- checks ----

    def check_inputs(self, u, lengths=None):
        """Returns u in the network's dtype and lengths as (case,) int64, or raises
        DataError.
        """
        config = self.config
        try:
            u = np.asarray(u)
        except ValueError:
            raise DataError(
                "inputs: the cases differ in shape; pad them to one length and give their lengths"
            ) from None
        if u.ndim != 3 or u.shape[1] != config.inputs or u.shape[2] < 1:
            raise DataError(
                f"inputs: expected the shape (case, {config.inputs}, time), as network.inputs = {config.inputs}; got {u.shape}"
                + (
                    "; are the last two axes swapped?"
                    if u.ndim == 3 and u.shape[2] == config.inputs
                    else ""
                )
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
            raise DataError(
                f"inputs: not finite in {config.dtype} at case {case}, channel {channel}, time {point}"
            )
        return u, lengths

    def _check_lengths(self, lengths, samples, points):
        window = self.config.readout_window
        lengths = (
            np.full(samples, points, dtype=np.int64) if lengths is None else np.asarray(lengths)
        )
        if lengths.shape != (samples,) or lengths.dtype.kind not in "iu":
            raise DataError(
                f"lengths: expected {samples} whole numbers, one for each case; got {lengths.dtype} of shape {lengths.shape}"
            )
        wrong = np.flatnonzero((lengths < 1) | (lengths > points))
        if wrong.size:
            raise DataError(
                f"lengths: must be from 1 to {points}, got {lengths[wrong[0]]} at case {wrong[0]}"
            )
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
            raise DataError(
                f"labels: expected {samples} whole numbers, one for each case; got {labels.dtype} of shape {labels.shape}"
            )
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

    def _run(self, u, lengths, labels, backward, noise_seed=0):
        """Logits (case, class), losses (case,) or None, gradient (size,) or None of
        checked input.
        """
        batch = Batch(u, lengths, labels, checked_seed(noise_seed))
        return self._runner.run(
            self._packing(), self.parameters, batch, backward, get_memory_limit()
        )

    def _packing(self):
        """`Packing` for the configuration, the mask and the devices as they are now."""
        p, devices = self._packed, self.devices
        known = p is not None and p.config is self.config and np.array_equal(p.mask, self.mask)
        if not known or not _same_devices(devices, p.devices):
            check_devices(devices, self.config)
            self._packed = Packing(self.config, self.layout, self.mask, devices)
        return self._packed


def _same_devices(devices, known):
    """Whether what `Network.devices` may be, checked or not, is what was checked
    before.
    """
    return devices is known or (isinstance(devices, Devices) and devices.same(known))


def _finite(loss):
    loss = float(loss)
    if not math.isfinite(loss):
        raise DivergenceError("the loss is not finite though all logits are")
    return loss
