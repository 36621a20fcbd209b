"""The network that settles: layers coupled both ways by the same weights, whose neurons
relax to a steady state; eq. (E1) to (E6) of docs/MODEL.md.

Its gradient is had in two ways: by two relaxations (equilibrium propagation), and by
the exact adjoint of the steps. Both are of the same loss, half the squared error of
what the outputs' neurons emit.
"""

from typing import Any, ClassVar, NamedTuple

import numpy as np

from spinrnn.config.symmetric import SymmetricConfig
from spinrnn.errors import DataError, DivergenceError, MemoryLimitError
from spinrnn.kernels.losses import Targets
from spinrnn.kernels.settling import Form, memory_of
from spinrnn.kernels.tiles import lanes
from spinrnn.machine import threads
from spinrnn.machine.blas import one_thread
from spinrnn.machine.memory import format_size, get_memory_limit
from spinrnn.networks.base import Seed, finite
from spinrnn.networks.inputs import checked_inputs
from spinrnn.networks.planning import Plan
from spinrnn.networks.products import product
from spinrnn.networks.running import Batch
from spinrnn.networks.settling import (
    Phase,
    Population,
    Settling,
    Wiring,
    factors_of,
    padded,
    panels,
)
from spinrnn.networks.static import StaticNetwork, require_room
from spinrnn.networks.targets import checked_targets
from spinrnn.notebook import card, span
from spinrnn.synapses.connections import Connections
from spinrnn.synapses.layout import Layout, draw_weights

CASES = 512
"""That are judged at once."""
_DRAWN = ("neuron", "spread")
"""Keys on which the neurons' factors depend."""


class SymmetricNetwork(StaticNetwork):
    """A network of layers that are coupled both ways and settle.

    Args:
        config: None for the default one.
        seed: of the initial weights and the synapses' devices.
    Attributes:
        config: as given; layout: where each block stands in the flat vectors.
        parameters: (size,) all trainable parameters; write to it freely.
        connections: the synapses, which make weights of them.
        buffers: {name: array} of what belongs to the network besides: factors of
            neurons that differ.
        scaling: as of `Network`.
    """

    config: SymmetricConfig
    called: ClassVar[str] = "a network that settles"
    shows: ClassVar[str] = "settle gives its states"
    fixed: ClassVar[tuple[str, ...]] = ("layers", "inputs", "outputs", "units", "synapse")

    def __init__(self, config: SymmetricConfig | None = None, seed: int = 0) -> None:
        self.config = SymmetricConfig() if config is None else config
        self.layout = Layout(self.config)
        rng = np.random.default_rng(seed)
        self.parameters = draw_weights(self.config, self.layout, 1, rng)
        self.connections = Connections(
            self.config.synapses, self.layout, self.parameters, None, seed
        )
        self.buffers = factors_of(self.config)

    def __repr__(self) -> str:
        c = self.config
        sizes = "-".join(map(str, c.sizes))
        synapses = "-".join(dict.fromkeys(one.kind for one in c.synapses))
        kinds = f"{c.neuron.kind}, {synapses}"
        return f"<Network {sizes} both ways, {kinds}, {self.layout.size} parameters>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        count = f"{self.layout.size}; {span(self.parameters)}"
        return card("Network that settles", [*self.config.rows(), ("parameters", count)])

    def replace(self, **changes: Any) -> "SymmetricNetwork":
        """A network with a copy of the parameters and another configuration.

        Factors of neurons are copies unless the neuron or the spread is changed; then
        they are drawn as for a new network.

        Raises:
            ConfigError: the change concerns what the parameters mean, or is impossible
                in itself.
        """
        config = self._config_with(changes)
        other = SymmetricNetwork.__new__(SymmetricNetwork)
        other.config, other.layout = config, self.layout
        other.connections, other.parameters = self.connections.copy(), self.parameters
        same = all(getattr(config, key) == getattr(self.config, key) for key in _DRAWN)
        other.buffers = self._copied_buffers() if same else factors_of(config)
        other.scaling, other.knows = self.scaling, self.knows
        return other

    # ---- what can be asked ----

    def forward(self, u, lengths=None, noise_seed: Seed = 0) -> np.ndarray:
        """Outputs (case, K) of inputs u (case, channel, time) after T steps without
        nudge, of a classification its logits: the amplified mean of what the neurons of
        an output emit. In the network's dtype; float64 where outputs are scaled.

        Args:
            u: real array (case, channel, time) with channel * time = config.inputs,
                finite; lengths: (case,) that are all `time`, or None; noise_seed: not
                used, as such a network has no noise.
        Raises:
            DataError: u or lengths do not fit; DivergenceError: a state is infinite or
            NaN; MemoryLimitError.
        """
        batch = self._read(u, lengths, noise_seed)
        outputs = np.empty((len(batch.u), self.config.outputs), dtype=self.config.dtype)
        prepared = self.prepared()
        for start in range(0, len(batch.u), CASES):
            own = slice(start, start + CASES)
            free = prepared.free(batch.u[own, :, 0])
            outputs[own] = prepared.outputs(free.phase.emitted, len(outputs[own]))
        return self._said(outputs)

    def read_out(self, u, lengths, noise_seed: Seed, features: np.ndarray) -> np.ndarray:
        """DataError: outputs are coupled back, none can be read of features alone."""
        raise DataError(
            "features: a network that settles has no readout of its own; give outputs instead"
        )

    def settle(self, u, steps: int | None = None) -> list[np.ndarray]:
        """[(case, n_l)] what the neurons of each layer emit after so many steps, that
        of the outputs last; complex numbers of neurons that emit two quadratures. None:
        config.steps. Errors as in `forward`.
        """
        batch, prepared = self._read(u, None, 0), self.prepared()
        rows = self.config.neuron.quadratures * sum(self.config.populations)
        found = [np.empty((0, rows), self.config.dtype)]
        for start in range(0, len(batch.u), CASES):
            own = batch.u[start : start + CASES, :, 0]
            found.append(prepared.free(own, steps).phase.emitted[:, : len(own)].T)
        tops, emitted = np.cumsum(self.config.populations), np.concatenate(found)
        if self.config.neuron.quadratures == 2:
            first, second = np.split(emitted, 2, axis=1)
            emitted = first + emitted.dtype.type(1) * 1j * second
        return np.split(emitted, tops[:-1], axis=1)

    def prepared(self) -> "Prepared":
        """The network, for many training steps on inputs that were checked."""
        return Prepared(self)

    def plan(self, cases: int, points: int, backward: bool = True) -> Plan:
        """How so many cases would be run, and the memory it would take; backward: by
        the exact gradient, as the two phases of equilibrium propagation keep no steps.

        MemoryLimitError: it does not fit into `spinrnn.get_memory_limit`.
        """
        c = self.config
        if backward:
            wanted = require_steps(self, cases, c.steps, Wiring(c, self.layout).gradient_size)
        else:
            wanted = self.relaxing(cases, False)
            require_room(cases, wanted, "choose a smaller train.batch")
        count = padded(cases, c.dtype) // lanes(c.dtype)
        return Plan(count, 1, count, 1, 1, 1, threads.get_threads(), 1, wanted, wanted)

    def relaxing(self, cases: int, backward: bool) -> int:
        """Bytes of the states of so many cases, and of the weights."""
        c, neuron = self.config, self.config.neuron
        d = len(neuron.states) + 2 * (neuron.quadratures - 1)
        weights = self.layout.size * (4 if backward else 2)
        numbers = padded(cases, c.dtype) * sum(c.populations) * (3 * d + 6) + weights
        return np.dtype(c.dtype).itemsize * numbers

    def _run(self, batch: Batch, backward: bool) -> tuple[Any, Any, Any]:
        """As of `BaseNetwork`."""
        prepared = self.prepared()
        if backward:
            outputs, losses, gradient = prepared.adjoint(batch)
            return outputs[:, :, None], losses, gradient
        free = prepared.free(batch.u[:, :, 0])
        outputs = prepared.outputs(free.phase.emitted, len(batch.u))
        if batch.targets is None:
            return outputs[:, :, None], None, None
        return outputs[:, :, None], prepared.losses(free, batch.targets)[0], None


class Free(NamedTuple):
    """A relaxation without nudge.

    Attributes:
        inputs: (case, inputs); settling: with the drive of these inputs; phase: where
            it has led.
    """

    inputs: np.ndarray
    settling: Settling
    phase: Phase


class Prepared:
    """A network for steps of training on inputs that are known to be finite.

    Attributes:
        config: of the network.
    """

    config: SymmetricConfig

    def __init__(self, net: SymmetricNetwork) -> None:
        self._net, self.config = net, net.config
        self._population = Population(net.config, net.buffers)
        self._wiring = Wiring(net.config, net.layout)
        self._tops = np.cumsum([0, *net.config.populations]).tolist()
        self._outs = net.config.populations[-1]
        # outputs are read of the first state that their neurons emit
        self._last = slice(self._tops[-2], self._tops[-1])

    # ---- relaxations ----

    def free(self, inputs: np.ndarray, steps: int | None = None) -> Free:
        """The relaxation without nudge, of inputs (case, inputs); steps: None for those
        of the configuration.

        DivergenceError: what a neuron emits is not finite.
        """
        settling = self._settling(inputs)
        wanted = np.zeros((self._outs, padded(len(inputs), self.config.dtype)), self.config.dtype)
        steps = self.config.steps if steps is None else steps
        phase = settling.relaxed(settling.started(), wanted, steps, settling.nudge())
        self._require_finite(phase.emitted[:, : len(inputs)])
        return Free(inputs, settling, phase)

    def nudged(
        self, free: Free, wanted: np.ndarray, beta: float, steps: int, on: str = "state"
    ) -> Phase:
        """The relaxation from where the free one has led, with a nudge.

        Args:
            wanted: (n, cases in whole panels) as of `wanted`; beta: of any sign; steps:
                K; on: "state" pulls what the outputs emit, eq. (E4), "drive" adds to
                what they receive, eq. (E5).
        """
        c, h = self.config, self.config.resolved_step / self.config.neuron.time_unit
        pull = beta * h if on == "state" else 0.0
        nudge = free.settling.nudge(0.0 if on == "state" else beta, pull, c.neuron.span)
        phase = free.settling.relaxed(free.phase.states.copy(), wanted, steps, nudge)
        self._require_finite(phase.emitted[:, : len(free.inputs)])
        return phase

    def _settling(self, inputs):
        """`Settling` of inputs (case, inputs): their drive is computed here, once."""
        net, c, p = self._net, self.config, self._population
        flat = net.effective()
        count, given = padded(len(inputs), c.dtype), inputs
        if count > len(inputs):
            given = np.zeros((count, c.inputs), dtype=c.dtype)
            given[: len(inputs)] = inputs
        # a second drive is of other neurons alone
        views, neurons = net.layout.named(flat), sum(c.populations)
        base = np.zeros((c.neuron.quadratures * neurons, count), c.dtype)
        constant = p.bias + np.concatenate([views[f"bias_{i}"] for i in range(len(c.populations))])
        first = self._tops[1]
        with one_thread(), np.errstate(over="ignore", invalid="ignore"):
            drive = product(views["w_0"], given.T)
            np.multiply(drive, p.neurons.scale[:first, None], out=base[:first])
        base[:first] += constant[:first, None]
        base[first:neurons] = constant[first:, None]
        step = c.resolved_step / c.neuron.time_unit
        return Settling(p, self._wiring.pack(flat), panels(base), step)

    def _require_finite(self, emitted):
        """DivergenceError unless all that neurons emit, (m N, case), is finite."""
        wrong = ~np.isfinite(emitted)
        if wrong.any():
            place, case = np.argwhere(wrong)[0].tolist()
            neuron = place % self._tops[-1]
            layer = int(np.searchsorted(self._tops, neuron, "right")) - 1
            raise DivergenceError(
                f"a state is not finite at case {case}, layer {layer}, neuron "
                f"{neuron - self._tops[layer]}",
                case=case,
                layer=layer,
                neuron=neuron - self._tops[layer],
            )

    # ---- outputs, targets, losses ----

    def outputs(self, emitted: np.ndarray, cases: int) -> np.ndarray:
        """(case, K) of what all neurons emit, (m N, cases in whole panels)."""
        c = self.config
        last = emitted[self._last, :cases]
        mean = last.reshape(c.outputs, c.units, cases).mean(axis=1)
        real = mean.dtype.type
        return np.ascontiguousarray(((mean - real(c.middle)) * real(c.output_amplification)).T)

    def wanted(self, targets: Targets, cases: int) -> np.ndarray:
        """(n, cases in whole panels) what the outputs' neurons should emit, NaN where
        there is no target.
        """
        c = self.config
        wanted = np.full((c.outputs, padded(cases, c.dtype)), np.nan)
        if targets.labels.size:
            wanted[:, :cases] = c.levels[0]
            wanted[targets.labels[:, 0], np.arange(cases)] = c.levels[1]
        else:
            wanted[:, :cases] = targets.values[:, :, 0].T / c.output_amplification + c.middle
        return np.repeat(wanted, c.units, axis=0).astype(c.dtype)

    def losses(self, free: Free, targets: Targets) -> tuple[np.ndarray, np.ndarray]:
        """losses (case,) float64, and slopes (n, cases in whole panels) of their mean
        by what the outputs' neurons emit.

        Where a device has given the outputs, its values take the neurons' place.
        """
        c, cases = self.config, len(free.inputs)
        wanted = self.wanted(targets, cases)
        emitted = free.phase.emitted[self._last]
        if targets.measured.size:
            emitted = wanted.copy()
            given = targets.measured[:, :, 0].T / c.output_amplification + c.middle
            emitted[:, :cases] = np.repeat(given, c.units, axis=0)
        off = np.where(np.isnan(wanted), 0, emitted - wanted)
        halves = 0.5 * (off[:, :cases].astype(np.float64) ** 2).sum(axis=0)
        off[:, :cases] *= (targets.weights / cases).astype(off.dtype)
        return targets.weights * halves, off

    # ---- gradients ----

    def adjoint(
        self, batch: Batch, back: int | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Outputs (case, K), losses (case,), and the gradient (size,) of their mean by
        the effective weights: the exact adjoint of the steps.

        back: through so many of the last steps; None: all of them.
        """
        c, inputs = self.config, np.ascontiguousarray(batch.u[:, :, 0])
        assert batch.targets is not None
        back = c.steps if back is None else min(back, c.steps)
        require_steps(self._net, len(inputs), back, self._wiring.gradient_size)
        before = self.free(inputs, c.steps - back)
        after = before.settling.relaxed(
            before.phase.states.copy(), self._no_target(len(inputs)), back, before.settling.nudge()
        )
        self._require_finite(after.emitted[:, : len(inputs)])
        free = before._replace(phase=after)
        losses, slopes = self.losses(free, batch.targets)
        g_base, packed = before.settling.adjoint(
            before.phase.states, back, slopes, self._wiring.gradient_size
        )
        gradient = np.zeros(self._net.layout.size, dtype=c.dtype)
        self._wiring.unpack(packed, gradient)
        self._put_base(g_base, inputs, gradient)
        outputs = self.outputs(after.emitted, len(inputs))
        if batch.targets.measured.size:
            outputs = batch.targets.measured[:, :, 0].astype(c.dtype)
        return outputs, losses, gradient

    def _no_target(self, cases):
        return np.zeros((self._outs, padded(cases, self.config.dtype)), self.config.dtype)

    def _put_base(self, g_base, inputs, gradient):
        """Puts the gradients of what does not change into a gradient (size,)."""
        views, cases = self._net.layout.named(gradient), len(inputs)
        scale = self._population.neurons.scale[: self._tops[1]]
        for i, (start, stop) in enumerate(zip(self._tops, self._tops[1:], strict=False)):
            views[f"bias_{i}"][...] = g_base[start:stop, :cases].sum(axis=1)
        g_drive = g_base[: self._tops[1], :cases] * scale[:, None]
        with one_thread():
            product(g_drive, inputs, out=views["w_0"])

    def contrast(
        self, free: Free, first: np.ndarray, second: np.ndarray, each: np.ndarray
    ) -> np.ndarray:
        """Gradient (size,) by the effective weights: minus the difference of the
        products of what two coupled neurons emit, eq. (E6).

        Args:
            first, second: (m N, cases in whole panels) emitted with a nudge, and
                without or with the opposite one.
            each: (case,) what a case's difference is multiplied with.
        """
        cases, layout = len(free.inputs), self._net.layout
        gradient = np.empty(layout.size, dtype=self.config.dtype)
        views = layout.named(gradient)
        # x' y' - x y = (x' - x)(y' + y)/2 + (x' + x)/2 (y' - y): no large products are
        # subtracted
        change = (second - first)[:, :cases] * each.astype(first.dtype)
        # what is learned already stays as it is with a nudge, and adds nothing
        moved = change.any(axis=0)
        inputs, total = free.inputs, (first + second)[:, :cases]
        if not moved.all():
            inputs, change, total = inputs[moved], change[:, moved], total[:, moved]
        mean = total * first.dtype.type(0.5)
        scale = self._population.neurons.scale
        with one_thread():
            for i, (start, stop) in enumerate(zip(self._tops, self._tops[1:], strict=False)):
                own = slice(start, stop)
                views[f"bias_{i}"][...] = change[own].sum(axis=1) / scale[own]
                if i == 0:
                    product(change[own], inputs, out=views["w_0"])
                    continue
                left, right = self._every(own), self._every(slice(self._tops[i - 1], start))
                product(
                    np.concatenate([x for at in left for x in (change[at], mean[at])], axis=1),
                    np.concatenate([x for at in right for x in (mean[at], change[at])], axis=1).T,
                    out=views[f"w_{i}"],
                )
        return gradient

    def _every(self, neurons):
        """Where each of the emitted states of these neurons stands."""
        shifts = [i * self._tops[-1] for i in range(self.config.neuron.quadratures)]
        return [slice(neurons.start + by, neurons.stop + by) for by in shifts]

    def batch_of(self, u: np.ndarray, targets: Any, lengths: Any) -> Batch:
        """A scaled `Batch` of inputs (case, channel, time) that were checked, and of
        labels or `Targets`.
        """
        net = self._net
        u, _ = net._flat(u, lengths)
        u, lengths = checked_inputs(net.config, u, None, scan=False, dtype=net._input_dtype)
        if not isinstance(targets, Targets):
            targets = checked_targets(net.config, lengths, 1, targets)
        return Batch(u, lengths, targets).scaled(net.scaling, net.config.dtype)

    def logits_loss_grad(
        self, u: np.ndarray, targets: Any, lengths=None, noise_seed: Seed = 0
    ) -> tuple[np.ndarray, float, np.ndarray]:
        """Outputs (case, K), mean loss and its gradient (size,) by the trained numbers,
        by the exact adjoint of all steps.

        Args:
            u: (case, channel, time); targets: (case,) labels, or `Targets` that were
                checked.
        Raises:
            DivergenceError: a state, the loss or the gradient is not finite;
            MemoryLimitError: the steps are too many to go back through.
        """
        return self.run(self.batch_of(u, targets, lengths))

    def run(self, batch: Batch, back: int | None = None) -> tuple[np.ndarray, float, np.ndarray]:
        """The same of a `Batch` with targets; back: as of `adjoint`."""
        outputs, losses, gradient = self.adjoint(batch, back)
        if not np.isfinite(gradient).all():
            raise DivergenceError("the gradient is not finite though the loss is")
        return self.trained(outputs, losses, gradient)

    def trained(
        self, outputs: np.ndarray, losses: np.ndarray, gradient: np.ndarray
    ) -> tuple[np.ndarray, float, np.ndarray]:
        """Outputs as they are said, mean loss, and the gradient (size,) by the trained
        numbers of one by the effective weights.
        """
        net, loss = self._net, finite(losses.mean())
        return net._said(outputs), loss, net.connections.read_backward(net.parameters, gradient)

    def commit(self) -> None:
        """Nothing: there is nothing that a step leaves behind."""


def require_steps(net: SymmetricNetwork, cases: int, back: int, packed: int) -> int:
    """Bytes that a gradient through so many of the last steps takes in all; packed:
    `Wiring.gradient_size`.

    MemoryLimitError: they do not fit into `spinrnn.get_memory_limit`.
    """
    c, limit = net.config, get_memory_limit()
    v, form = lanes(c.dtype), Form(len(c.neuron.states), 0, c.neuron.quadratures)
    count = padded(cases, c.dtype) // v
    # the numbers of a kind take no memory of their own
    kept = memory_of(sum(c.populations), form, back, v)[0]
    numbers = min(threads.get_threads(), count) * kept + count * packed
    wanted = net.relaxing(cases, True) + np.dtype(c.dtype).itemsize * numbers
    if wanted > limit:
        raise MemoryLimitError(
            f"the exact gradient of {cases} cases through {back} steps takes "
            f"{format_size(wanted)}, the limit is {format_size(limit)}; choose fewer "
            'network.steps, a smaller train.batch, or estimator.kind = "equilibrium"'
        )
    return wanted
