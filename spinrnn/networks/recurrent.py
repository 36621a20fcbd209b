"""The recurrent network: its parameters, and what can be asked of it."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from spinrnn.arrays import array_of
from spinrnn.config.neurons import name_of, trained_of
from spinrnn.config.quantity import quantities
from spinrnn.config.run import OF_POWER, NetworkConfig
from spinrnn.errors import ConfigError, DataError, DivergenceError
from spinrnn.kernels.losses import Targets
from spinrnn.machine.memory import get_memory_limit
from spinrnn.networks.base import BaseNetwork, Seed, finite
from spinrnn.networks.inputs import checked_inputs
from spinrnn.networks.packing import Packing
from spinrnn.networks.pieces import forward_in_pieces, is_long, outputs_of_pieces
from spinrnn.networks.planning import Plan, check_simulation, plan_within, simulation_blocks
from spinrnn.networks.ranges import Beyond
from spinrnn.networks.running import Batch, Runner
from spinrnn.networks.streaming import Stream
from spinrnn.networks.targets import checked_targets, shaped
from spinrnn.networks.trainable import check_trained, trained_values
from spinrnn.neurons.spread import Devices, check_devices, checked_seed, draw_devices
from spinrnn.notebook import card, span
from spinrnn.recordings.histories import taker
from spinrnn.recordings.trajectory import MemorySink, Trajectory
from spinrnn.synapses.connections import Connections
from spinrnn.synapses.layout import Layout, draw_mask, draw_weights

FIXED = (
    "layers",
    "inputs",
    "outputs",
    "density_int",
    "density_ext",
    "trained",
    "trained_per",
    "synapse",
    "features",
)
"""Keys of `NetworkConfig` on which the number of parameters or the masks depend."""
READ = ("readout", "readout_features")
"""Those that `features` depends on."""


class Network(BaseNetwork):
    """A multilayer recurrent network of spin-torque nano-oscillators, or its CTRNN
    twin.

    Args:
        config: None for the default one.
        seed: of the masks and the initial weights.
    Attributes:
        config: as given.
        layout: where each block of parameters stands in the flat vectors.
        parameters: (size,) all trainable parameters, in the configuration's dtype;
            write to it freely.
        mask: (size,) bool, False where an entry does not exist, or None if all do. Such
            entries have no effect whatever is written there.
        devices: how the neurons differ from each other, drawn from config.spread,
            or None where they do not.
        connections: the synapses, which make weights of the trained parameters.
        scaling: `Scaling` of inputs and outputs, which the network applies itself, or
            None: inputs, outputs and targets are the user's, in the data's units.
    """

    config: NetworkConfig
    layout: Layout
    connections: Connections

    def __init__(self, config: NetworkConfig | None = None, seed: int = 0) -> None:
        self.config = NetworkConfig() if config is None else config
        check_trained(self.config)
        self.layout = Layout(self.config)
        rng = np.random.default_rng(seed)
        sparse = self.config.density_int < 1 or self.config.density_ext < 1
        self.mask = draw_mask(self.config, self.layout, rng) if sparse else None
        existing = 1 if self.mask is None else self.mask
        self.parameters = draw_weights(self.config, self.layout, existing, rng)
        self.connections = Connections(
            self.config.synapses, self.layout, self.parameters, self.mask, seed
        )
        self.devices, self.buffers = draw_devices(self.config), {}
        self._runner, self._packed = Runner(), None

    def __repr__(self) -> str:
        c = self.config
        sizes = "-".join(str(n) for n in (c.inputs, *c.layers, c.outputs))
        count = self.layout.size if self.mask is None else self.mask.sum()
        steps = f"{c.resolved_substeps} substeps"
        return f"<Network {sizes}, {name_of(c)}, {c.scheme}, {steps}, {count} parameters>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        mask, devices = self.mask, self.devices
        count = f"{self.layout.size}"
        if mask is not None:
            count = f"{int(mask.sum())} of {self.layout.size} exist"
        rows = [
            *self.config.rows(),
            ("parameters", f"{count}; {span(self.parameters)}"),
            ("synapses", ", ".join(dict.fromkeys(one.kind for one in self.config.synapses))),
            ("devices", "alike" if devices is None else "differ: " + ", ".join(devices.named())),
        ]
        return card("Network", rows)

    def __getstate__(self) -> dict[str, Any]:
        """For pickle and copy: without work arrays."""
        own = vars(self).items()
        return {name: value for name, value in own if name not in ("_runner", "_packed")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._runner, self._packed = Runner(), None

    @property
    def mask(self) -> np.ndarray | None:
        return self._mask

    @mask.setter
    def mask(self, values: Any) -> None:
        if values is not None:
            values = array_of(values, "mask")
            if values.shape != (self.layout.size,) or values.dtype != bool:
                raise DataError(
                    f"mask: expected {self.layout.size} of True and False, or None;"
                    f" got {values.dtype} of shape {values.shape}"
                )
        self._mask = values

    @property
    def devices(self) -> Devices | None:
        return self._devices

    @devices.setter
    def devices(self, devices: Devices | None) -> None:
        check_devices(devices, self.config)
        self._devices = devices

    def views(self) -> dict[str, Any]:
        """Writable views of `parameters`: {"w_ext": [..], "w_int": [..], "bias": [..],
        "w_out": .., "b_out": ..}.

        w_ext[l] is (n_l, n_{l-1}), for l = 0 (n_0, inputs); w_int[l] (n_l, n_l);
        bias[l] (n_l,); w_out (outputs, config.features); b_out (outputs,).
        """
        return self.layout.grouped(self.parameters)

    def trained_values(self) -> dict[str, dict[int, np.ndarray]]:
        """What the neurons' trained quantities are now: {quantity: {layer: values}}, in
        the quantity's unit; (1,) of a layer with one value, (n_l,) with one for each
        neuron.
        """
        return trained_values(self.config, self.layout.named(self.parameters))

    def replace(self, **changes: Any) -> "Network":
        """A network with a copy of the parameters and another configuration, as in
        ``net.replace(substeps=32)``.

        Its mask is a copy. Its devices are copies unless the spread or the kind
        of a layer's neuron is changed; then they are drawn as for a new network.

        Raises:
            ConfigError: the change concerns the parameters' number or masks, or is
                impossible in itself; DataError: devices do not fit.
        """
        config = dataclasses.replace(self.config, **changes)
        changed = [key for key in FIXED if getattr(config, key) != getattr(self.config, key)]
        if not changed:
            pairs = zip(config.neurons, self.config.neurons, strict=True)
            changed = [key for new, old in pairs for key in _fixed(config, new, self.config, old)]
        if changed:
            names = dict.fromkeys(changed)
            if "features" in names:
                quadratic = config.read == self.config.read
                names = {READ[quadratic] if n == "features" else n: None for n in names}
            raise ConfigError([f"{key}: fixed by the trained parameters" for key in names])
        check_trained(config)
        check_devices(self.devices, self.config)
        mask = None if self.mask is None else self.mask.copy()
        other = Network.__new__(Network)
        own = {"layout": self.layout, "connections": self.connections.copy(), "_mask": mask}
        own["buffers"] = {}
        other.__setstate__({"config": config, **own})
        other.devices = self._devices_for(config)
        other.parameters = self.parameters
        other.scaling, other.knows = self.scaling, self.knows
        return other

    def _devices_for(self, config):
        """Copies of the devices where the configuration asks for the same, else new
        ones.
        """
        same = [type(one) for one in config.neurons] == [type(one) for one in self.config.neurons]
        if not same or config.spread != self.config.spread:
            return draw_devices(config)
        return None if self.devices is None else self.devices.copy()

    # ---- what can be asked ----

    def forward(self, u, lengths=None, noise_seed: Seed = 0) -> np.ndarray:
        """Outputs o of inputs u (case, channel, time), eq. (4) of docs/MODEL.md: (case,
        K), of a classification its logits; with readout "points" (case, K, time), NaN
        after a case's end. In the network's dtype; float64 where outputs are scaled.

        Args:
            u: real array (case, channel, time), finite; each value is held for one
                input interval.
            lengths: (case,) input points of each case; values after them are ignored,
                NaN and what is masked too. None: all have the whole length.
            noise_seed: of thermal noise, if the neurons have any: a whole
                number from 0, or a list of them. Noise is a function of it, the case's
                number in u, the neuron and the substep.
        Raises:
            DataError: u or lengths do not fit.
            DivergenceError: a state became infinite or NaN.
            MemoryLimitError: it does not fit into `spinrnn.get_memory_limit`.
        """
        batch, packing = self._read(u, lengths, noise_seed), self._packing()
        if is_long(packing, *batch.u.shape[::2]):
            outputs = forward_in_pieces(self, packing, batch.u, batch.noise_seed)
        else:
            outputs = self._run(batch, False)[0]
        return self._said(shaped(self.config, outputs, batch.lengths, batch.u.shape[2]))

    def read_out(self, u, lengths, noise_seed: Seed, features: np.ndarray) -> np.ndarray:
        """As of `BaseNetwork`; features as `learning.readings.Reading` has them, their
        squares are not among them.
        """
        batch = self._read(u, lengths, noise_seed)
        given = features if features.ndim == 3 else features[:, :, None]
        cases, given = len(given), np.ascontiguousarray(given[:, :, : batch.points])
        none = np.empty((cases, 0), dtype=np.int64), np.empty((cases, 0, 0)), np.ones(cases)
        outputs = self._run(batch._replace(targets=Targets(*none, features=given)), False)[0]
        return self._said(shaped(self.config, outputs, batch.lengths, batch.u.shape[2]))

    def pieces(self, u, lengths=None, noise_seed: Seed = 0) -> Iterator[tuple[slice, np.ndarray]]:
        """(points, outputs (case, K, points)) of `forward`, one piece of the time after
        the other, of a network that is read at points; all at once where the sequences
        are short. After a case's end the outputs mean nothing.

        Arguments and errors as in `forward`.
        """
        batch, packing = self._read(u, lengths, noise_seed), self._packing()
        if is_long(packing, *batch.u.shape[::2]):
            for part, outputs in outputs_of_pieces(self, packing, batch.u, batch.noise_seed):
                yield part, self._said(outputs)
        else:
            outputs = self._run(batch, False)[0]
            yield slice(0, outputs.shape[2]), self._said(outputs)

    def prepared(self) -> "Prepared":
        """The network as it is now, for many training steps on inputs that were
        checked.
        """
        return Prepared(self, self._packing())

    def stream(self, cases: int = 1, noise_seed: Seed = 0) -> "Stream":
        """The network as it is now, to be run one input point after the other.

        ``stream = net.stream()``, then ``stream(u)`` for each point u (channel,), or
        (case, channel) of several cases; each gives the outputs that `forward` gives
        for the points so far, to the bit; with readout "mean" and "both", whose average
        is over the points so far, but for its rounding. See
        `networks.streaming.Stream`.

        Raises:
            DataError: cases is no number of at least 1, or noise_seed; or the power
            over the whole time is read.
        """
        average = self.config.readout in ("mean", "both")
        if average and self.config.readout_features == "quadratic":
            raise DataError(
                'readout_features = "quadratic" squares an average, which a stream does not sum; '
                'give whole sequences (a file, forward), or train with readout "end" or "points", '
                "or linear features"
            )
        if self.config.readout in OF_POWER:
            raise DataError(
                f'readout = "{self.config.readout}" averages the power over the whole sequence, '
                "which is not known at a point; give whole sequences (a file, forward), or train "
                'with network.readout = "mean"'
            )
        if not isinstance(cases, int) or isinstance(cases, bool) or cases < 1:
            raise DataError(f"cases: must be a whole number of at least 1, got {cases!r}")
        return Stream(self, self._packing(), cases, checked_seed(noise_seed))

    def simulate(self, u, lengths=None, noise_seed: Seed = 0) -> Trajectory:
        """All states and drives over time.

        Memory: d + 2 numbers for each case, neuron and substep, d states of a neuron.

        Arguments and errors as in `forward`; MemoryLimitError: all of it does not fit.
        """
        u, lengths = self.check_inputs(u, lengths)
        check_simulation(self.config, self._packing(), lengths, get_memory_limit())
        trajectory = Trajectory.empty(self.config, len(u), u.shape[2])
        trajectory.logits = self._said(trajectory.logits)
        trajectory.network, trajectory.inputs = self.replace(), u
        trajectory.lengths, trajectory.noise_seed = lengths, noise_seed
        layers = range(len(self.config.layers))
        sink = MemorySink(trajectory)
        take = taker(sink, self.config, lengths, sink.variables, layers)
        self.history(u, lengths, take, noise_seed)
        return trajectory

    def simulate_to(self, path: str | Path, u, lengths=None, **options: Any) -> None:
        """All states and drives over time, written to a trajectory file block by block.

        So they may be larger than memory. Arguments and errors as in `forward`; path
        and options as in `spinrnn.write_trajectory`.
        """
        from spinrnn.recordings.writing import write_trajectory

        write_trajectory(path, self, u, lengths, **options)

    def history(
        self, u, lengths, take: Callable, noise_seed: Seed = 0, most: int | None = None
    ) -> None:
        """Simulates checked inputs block by block and calls `take` for each block.

        Arguments of `take` as in `Runner.history`; at most so many threads.
        """
        batch = Batch(u, lengths, None, checked_seed(noise_seed)).scaled(
            self.scaling, self.config.dtype
        )

        def scaled(span, states, mean, drive, logits):
            take(span, states, mean, drive, self._said(logits))

        beyond = Beyond(self.config)
        watched = beyond.watched(scaled)
        self._runner.history(self._packing(), self.effective(), batch, watched, most)
        beyond.warn()

    def blocks(self, lengths: np.ndarray) -> tuple[int, int]:
        """(cases in a block, threads) of a simulation that goes to a file.

        MemoryLimitError: no block fits into `spinrnn.get_memory_limit`.
        """
        return simulation_blocks(self.config, self._packing(), lengths, get_memory_limit())

    def plan(self, cases: int, points: int, backward: bool = True) -> Plan:
        """How so many cases of so many input points would be run, and the memory it
        would take.

        Nothing is computed. backward: for `loss_and_grad`, else for `forward`.
        MemoryLimitError: it does not fit into `spinrnn.get_memory_limit`.
        """
        limit = get_memory_limit()
        return plan_within(self.config, self._packing(), cases, points, backward, limit)

    def save(self, path: str | Path) -> None:
        """Writes configuration, parameters, mask, devices and scaling to an HDF5 file,
        atomically.

        `spinrnn.load` reads it. DataError: devices do not fit.
        """
        check_devices(self.devices, self.config)
        super().save(path)

    def constant_drives(self) -> list[np.ndarray]:
        """[(n_l,)] the drive of each layer's neurons without inputs, weights and
        trained biases, with their devices, in the kernels' units.
        """
        cuts = np.cumsum(self.config.layers)[:-1]
        return np.split(self._packing().population.own_bias, cuts)

    # ---- running the kernels ----

    def _run(self, batch, backward):
        """Outputs (case, K, R), losses (case,) or None, gradient (size,) or None of a
        `Batch`.
        """
        limit = get_memory_limit()
        return self._runner.run(self._packing(), self.effective(), batch, backward, limit)

    def _packing(self):
        """`Packing` for the configuration, the mask and the devices as they are now.

        Mask and devices may have been changed in place, so they are compared with what
        was packed.
        """
        p = self._packed
        known = p is not None and p.config is self.config and np.array_equal(p.mask, self.mask)
        if p is None or not known or not _same_devices(self.devices, p.devices):
            check_devices(self.devices, self.config)
            p = self._packed = Packing(self.config, self.layout, self.mask, self.devices)
        return p


class Prepared:
    """A network with its packing, for steps of training.

    What `Network` does at every call - look for changes of mask and devices, scan the
    inputs - was done before. The parameters are read at each call.
    """

    def __init__(self, net: Network, packing: Packing) -> None:
        self._net, self._packing = net, packing

    def logits_loss_grad(
        self, u: np.ndarray, targets: Any, lengths=None, noise_seed: Seed = 0
    ) -> tuple[np.ndarray, float, np.ndarray]:
        """As of `Network`, for inputs that are known to be finite.

        targets: (case,) labels, or `Targets` that were checked.
        """
        config = self._net.config
        dtype = self._net._input_dtype
        u, lengths = checked_inputs(config, u, lengths, scan=False, dtype=dtype)
        if not isinstance(targets, Targets):
            targets = checked_targets(config, lengths, u.shape[2], targets)
        batch = Batch(u, lengths, targets, checked_seed(noise_seed))
        return self.run(batch.scaled(self._net.scaling, config.dtype))

    def commit(self) -> None:
        """After a step that was made: nothing, as a batch leaves nothing behind."""

    def run(self, batch: Batch) -> tuple[np.ndarray, float, np.ndarray]:
        """Outputs as of `Network.forward`, mean loss and its gradient (size,) of a
        batch with targets.

        DivergenceError: a state, the loss or the gradient is not finite.
        """
        net, limit = self._net, get_memory_limit()
        logits, losses, gradient = net._runner.run(
            self._packing, net.effective(), batch, True, limit
        )
        assert losses is not None
        assert gradient is not None
        loss = finite(losses.mean())
        if not np.isfinite(gradient).all():
            raise DivergenceError("the gradient is not finite though the loss is")
        outputs = net._said(shaped(net.config, logits, batch.lengths, batch.u.shape[2]))
        return outputs, loss, net.connections.read_backward(net.parameters, gradient)


def _fixed(config, new, old_config, old):
    """Keys that must not change from one neuron of a layer to another one."""
    if trained_of(config, new) != trained_of(old_config, old):
        return ["trained"]
    if new.kind != old.kind:
        return []
    fixed = [key for key, declared in quantities(new).items() if declared.fixed]
    return [f"neuron.{key}" for key in fixed if getattr(new, key) != getattr(old, key)]


def _same_devices(devices, known):
    """Whether what `Network.devices` is, checked or not, equals what was checked
    before.
    """
    return devices is known or (isinstance(devices, Devices) and devices.same(known))
