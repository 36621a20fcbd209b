"""The network without time: layers that follow one another, forward and backward by
hand; eq. (F1) to (F4) of docs/MODEL.md.

Products are those of `networks.products`, so results are the same to the bit for any
number of threads. The bits of a case's outputs may depend on which cases are asked for
with it, as BLAS adds up in another order for other sizes.
"""

import warnings
from typing import Any, ClassVar, NamedTuple

import numpy as np

from spinrnn.config.feedforward import FeedforwardConfig
from spinrnn.errors import ConfigError, DivergenceError
from spinrnn.kernels import normalising
from spinrnn.kernels.losses import Targets
from spinrnn.machine import threads
from spinrnn.machine.blas import one_thread
from spinrnn.machine.threads import each
from spinrnn.networks.base import Seed, finite
from spinrnn.networks.inputs import checked_inputs
from spinrnn.networks.losses import losses_of
from spinrnn.networks.planning import Plan
from spinrnn.networks.products import blocks, product
from spinrnn.networks.running import Batch
from spinrnn.networks.static import StaticNetwork, require_room
from spinrnn.networks.targets import checked_targets
from spinrnn.notebook import card, span
from spinrnn.synapses.connections import Connections
from spinrnn.synapses.layout import Layout, draw_weights

CASES = 1000
"""That are judged at once where no statistics of all cases are wanted."""
_DRAWN = ("activation", "neuron_seed")
"""Keys on which the neurons' factors depend."""
_DEVICES = 8
"""Purpose of random numbers; others are in `learning.trainer` and
`synapses.connections`."""


class Layer(NamedTuple):
    """What the backward pass needs of a layer.

    Attributes:
        inputs: (case, n_{l-1}) that it is given; normal: (case, n_l) of batch
            normalisation, and inverse: (n_l,) deviations; or None.
        sums: (case, n_l) that the neurons are given.
        mean, variance: (n_l,) over the cases, or None.
    """

    inputs: np.ndarray
    normal: np.ndarray | None
    inverse: np.ndarray | None
    sums: np.ndarray
    mean: np.ndarray | None
    variance: np.ndarray | None


class FeedforwardNetwork(StaticNetwork):
    """A network of layers without time.

    Args:
        config: None for the default one.
        seed: of the initial weights and the synapses' devices.
    Attributes:
        config: as given; layout: where each block stands in the flat vectors.
        parameters: (size,) all trainable parameters; write to it freely.
        connections: the synapses, which make weights of them.
        buffers: {name: array} of what belongs to the network besides: running means and
            variances of batch normalisation, factors of neurons that differ.
        scaling: as of `Network`.
    """

    config: FeedforwardConfig
    buffers: dict[str, np.ndarray]
    called: ClassVar[str] = "a network without time"
    fixed: ClassVar[tuple[str, ...]] = (
        "layers",
        "inputs",
        "outputs",
        "synapse",
        "normalisation",
        "bias",
    )

    def __init__(self, config: FeedforwardConfig | None = None, seed: int = 0) -> None:
        self.config = FeedforwardConfig() if config is None else config
        self.layout = Layout(self.config)
        rng = np.random.default_rng(seed)
        self.parameters = draw_weights(self.config, self.layout, 1, rng)
        self.connections = Connections(
            self.config.synapses, self.layout, self.parameters, None, seed
        )
        self.buffers = {**_statistics(self.config), **_factors(self.config)}

    def __repr__(self) -> str:
        c = self.config
        sizes = "-".join(map(str, c.sizes))
        synapses = "-".join(dict.fromkeys(one.kind for one in c.synapses))
        return f"<Network {sizes}, {c.activation.kind}, {synapses}, {self.layout.size} parameters>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        count = f"{self.layout.size}; {span(self.parameters)}"
        return card("Network without time", [*self.config.rows(), ("parameters", count)])

    def replace(self, **changes: Any) -> "FeedforwardNetwork":
        """A network with a copy of the parameters and another configuration.

        Factors of neurons are copies unless the activation or `neuron_seed` is changed;
        then they are drawn as for a new network.

        Raises:
            ConfigError: the change concerns what the parameters mean, or is impossible
                in itself.
        """
        config = self._config_with(changes)
        other = FeedforwardNetwork.__new__(FeedforwardNetwork)
        other.config, other.layout = config, self.layout
        other.connections, other.parameters = self.connections.copy(), self.parameters
        other.buffers = self._buffers_for(config)
        other.scaling, other.knows = self.scaling, self.knows
        return other

    def _buffers_for(self, config):
        """Copies of the buffers, in the precision of a configuration."""
        same = all(getattr(config, key) == getattr(self.config, key) for key in _DRAWN)
        fresh = {**_statistics(config), **_factors(config)}
        for name, array in fresh.items():
            if same or name.startswith("statistics/"):
                array[...] = self.buffers[name]
        return fresh

    # ---- what can be asked ----

    def forward(self, u, lengths=None, noise_seed: Seed = 0) -> np.ndarray:
        """Outputs (case, K) of inputs u (case, channel, time), of a classification its
        logits. In the network's dtype; float64 where outputs are scaled.

        Batch normalisation takes the means that `config.statistics` names.

        Args:
            u: real array (case, channel, time) with channel * time = config.inputs,
                finite; lengths: (case,) that are all `time`, or None; noise_seed: not
                used, as such a network has no noise.
        Raises:
            DataError: u or lengths do not fit; DivergenceError: an output is infinite
            or NaN; MemoryLimitError.
        """
        return self._outputs(self._read(u, lengths, noise_seed))

    def trained_outputs(self, u, lengths=None, noise_seed: Seed = 0) -> np.ndarray:
        """`forward` with the statistics of the batch."""
        return self._said(self._run(self._read(u, lengths, noise_seed), False)[0][:, :, 0])

    def read_out(self, u, lengths, noise_seed: Seed, features: np.ndarray) -> np.ndarray:
        """As of `BaseNetwork`; features: (case, n) of the last hidden layer."""
        given = features.astype(self.config.dtype)
        return self._outputs(self._read(u, lengths, noise_seed), given)

    def _outputs(self, batch, read=None):
        """Outputs of a `Batch`; read: as of `_pass`."""
        flat, cases, c = self.effective(), len(batch.u), self.config
        if cases == 1 and self._of_all:
            warnings.warn(
                'network.statistics = "batch": one case alone is its own mean, so its outputs are '
                'those of any case; give many at once, or take statistics = "running"',
                stacklevel=3,
            )
        step = max(cases, 1) if self._of_all else CASES
        outputs = np.empty((cases, c.outputs), dtype=c.dtype)
        self.plan(min(cases, step), 1, backward=False)
        with one_thread(), np.errstate(over="ignore", invalid="ignore"):
            for start in range(0, cases, step):
                own = slice(start, start + step)
                given, u = None if read is None else read[own], batch.u[own, :, 0]
                outputs[own] = self._pass(flat, u, not self._of_all, read=given)[0]
        _check(outputs)
        return self._said(outputs)

    @property
    def _of_all(self):
        """Whether the cases that are asked for together are normalised by their own
        means.
        """
        return self.config.normalisation == "batch" and self.config.statistics == "batch"

    def hidden(self, u, sums: bool = False) -> list[np.ndarray]:
        """[(case, n_l)] what the neurons of each hidden layer give, in the activation's
        unit, or the sums that they are given; arguments and errors as in `forward`.
        """
        batch, c = self._read(u, None, 0), self.config
        with one_thread():
            _, layers = self._pass(self.effective(), batch.u[:, :, 0], not self._of_all)
        found = [layer.sums for layer in layers[:-1]]
        if sums:
            return found
        return [c.activation.value(z, self._factor(i, True)) for i, z in enumerate(found)]

    def prepared(self) -> "Prepared":
        """The network, for many training steps on inputs that were checked."""
        return Prepared(self)

    def plan(self, cases: int, points: int, backward: bool = True) -> Plan:
        """How so many cases would be run, and the memory it would take.

        MemoryLimitError: it does not fit into `spinrnn.get_memory_limit`.
        """
        c, size = self.config, np.dtype(self.config.dtype).itemsize
        each_case = sum(c.sizes[1:]) * (4 if c.normalisation == "batch" else 2) + c.sizes[0]
        weights = self.layout.size * (3 if backward else 1)
        wanted = size * (cases * each_case * (2 if backward else 1) + weights)
        require_room(cases, wanted, "choose a smaller train.batch")
        count = threads.get_threads()
        return Plan(cases, cases, 1, 1, 1, 1, count, 1, wanted, wanted)

    # ---- forward and backward ----

    def _run(self, batch: Batch, backward: bool) -> tuple[Any, Any, Any]:
        """As of `BaseNetwork`, with the statistics of the batch."""
        passed = Prepared(self).passed(batch, backward)
        losses = None if batch.targets is None else passed.losses
        return passed.outputs[:, :, None], losses, passed.gradient

    def run_batch(self, batch: Batch) -> np.ndarray:
        """Outputs (case, K, 1) with the statistics of the batch, as in training."""
        return self._run(batch, False)[0]

    def _pass(self, flat, h, running=False, factors=True, read=None):
        """(outputs (case, K), [`Layer`]) of inputs h (case, inputs).

        Args:
            flat: (size,) with the weights; running: whether batch normalisation takes
                running means; factors: whether neurons differ; read: (case, n) what a
                device gives to the last layer of weights, or None.
        """
        c, views, layers = self.config, self.layout.named(flat), []
        last = len(c.layers)
        for i, amplification in enumerate(c.amplifications):
            h = read if i == last and read is not None else h
            a = product(h, views[f"w_{i}"].T)
            if amplification != 1:
                a *= a.dtype.type(amplification)
            if c.biased:
                a += views[f"bias_{i}"]
            layer = Layer(h, None, None, a, None, None)
            if c.normalisation == "batch":
                layer = self._normalised(layer, views, i, running)
            layers.append(layer)
            if i < last:
                h = c.activation.value(layer.sums, self._factor(i, factors))
                _check_values(c.activation, h, layer.sums)
        outputs = layers[-1].sums
        if c.output_amplification != 1:
            outputs = outputs * outputs.dtype.type(c.output_amplification)
        return outputs, layers

    def _factor(self, layer, wanted):
        """(n,) factors of a layer's neurons, or None."""
        return self.buffers.get(f"devices/factor_{layer}") if wanted else None

    def _normalised(self, layer, views, i, running):
        """The layer with eq. (F3), in the place of its sums."""
        a = layer.sums
        if running:
            mean, variance = (self.buffers[f"statistics/{name}_{i}"] for name in _MOMENTS)
        else:
            mean, variance = np.empty((2, a.shape[1]), dtype=a.dtype)
            _columns(a, lambda s: normalising.moments(a, s.start, s.stop, mean, variance))
        inverse, normal, z = normalising.inverse_deviation(variance), np.empty_like(a), a
        gain, shift = views[f"gain_{i}"], views[f"shift_{i}"]
        _columns(
            a,
            lambda s: normalising.normalise(
                a, s.start, s.stop, mean, inverse, gain, shift, normal, z
            ),
        )
        return Layer(layer.inputs, normal, inverse, z, mean, variance)

    def _back(self, flat, layers, slopes, factors=True):
        """Gradient (size,) by the weights and all else, of slopes (case, K) by the
        outputs: the adjoint of `_pass` with the statistics of the batch.
        """
        c, views = self.config, self.layout.named(flat)
        gradient = np.empty_like(flat)
        own = self.layout.named(gradient)
        g = (slopes * c.output_amplification).astype(flat.dtype)
        for i in reversed(range(len(layers))):
            layer = layers[i]
            if layer.normal is not None:
                _normalised_back(g, layer, views[f"gain_{i}"], own, i)
            if c.biased:
                np.sum(g, axis=0, out=own[f"bias_{i}"])
            if c.amplifications[i] != 1:
                g *= g.dtype.type(c.amplifications[i])
            product(g.T, layer.inputs, out=own[f"w_{i}"])
            if i:
                g = product(g, views[f"w_{i}"])
                g *= c.activation.slope(layers[i - 1].sums, self._factor(i - 1, factors))
        return gradient


_MOMENTS = ("mean", "variance")


def _statistics(config):
    """Running means before any batch."""
    if config.normalisation == "none":
        return {}
    found = {"statistics/count": np.zeros(1, dtype=np.int64)}
    for i, n in enumerate(config.sizes[1:]):
        found[f"statistics/mean_{i}"] = np.zeros(n, dtype=config.dtype)
        found[f"statistics/variance_{i}"] = np.ones(n, dtype=config.dtype)
    return found


def _factors(config):
    """Factors of neurons that differ; none where they are alike."""
    rng, found = np.random.default_rng([config.neuron_seed, _DEVICES]), {}
    for i, n in enumerate(config.layers):
        factors = config.activation.factors(n, rng)
        if factors is not None:
            found[f"devices/factor_{i}"] = factors.astype(config.dtype)
    return found


def _columns(a, work):
    """Calls work(columns) of the columns of a (case, neuron), on all threads."""
    parts = blocks(a.shape[1], 20.0 * a.size)
    stops = [min(part.stop, a.shape[1]) for part in parts]
    each([slice(p.start, stop) for p, stop in zip(parts, stops, strict=True)], work)


def _normalised_back(g, layer, gain, own, i):
    """Adjoint of `_normalised`, in place of g (case, neuron)."""
    g_gain, g_shift = own[f"gain_{i}"], own[f"shift_{i}"]
    _columns(
        g,
        lambda s: normalising.normalise_backward(
            g, s.start, s.stop, layer.normal, layer.inverse, gain, g_gain, g_shift, False
        ),
    )


def _check_values(activation, values, sums):
    """ConfigError where an activation does not give one number for each sum."""
    shape, dtype = np.shape(values), getattr(values, "dtype", None)
    if shape != sums.shape or dtype != sums.dtype:
        got = f"{dtype} of the shape {shape}"
        raise ConfigError(
            [
                f"activation.kind: value of {activation.kind} must give {sums.dtype} of the shape "
                f"of z, {sums.shape}; got {got}"
            ]
        )


def _check(outputs):
    """DivergenceError unless all outputs (case, K) are finite."""
    wrong = ~np.isfinite(outputs).all(axis=1)
    if wrong.any():
        case = int(np.argmax(wrong))
        raise DivergenceError(f"an output is not finite at case {case}", case=case)


def _measured(targets, dtype):
    """(outputs (case, K), numbers (case, n) that the last layer of weights is given) of
    a device in the loop, each None where it does not give them.
    """
    given = (None, None) if targets is None else (targets.measured, targets.features)
    there = [array if array is not None and array.size else None for array in given]
    return [array if array is None else array[:, :, 0].astype(dtype) for array in there]


class Passed(NamedTuple):
    """A batch forward, and where it was asked for backward.

    Attributes:
        outputs: (case, K) in the network's units; losses: (case,), None without
            targets; gradient: (size,) of their mean by weights and all else, or None.
        layers: `Layer`s of the forward pass.
    """

    outputs: np.ndarray
    losses: np.ndarray | None
    gradient: np.ndarray | None
    layers: list[Layer]


class Prepared:
    """A network for steps of training on inputs that are known to be finite."""

    def __init__(self, net: FeedforwardNetwork) -> None:
        self._net = net
        self._layers: list[Layer] = []

    def passed(self, batch: Batch, backward: bool, twin: bool = False) -> Passed:
        """A batch through the network, with the statistics of the batch.

        twin: whether the gradient is that of the twin whose devices are all alike, at
            the slopes of the network's own loss.
        """
        net, u = self._net, np.ascontiguousarray(batch.u[:, :, 0])
        flat = net.effective()
        net.plan(len(u), 1, backward)
        measured, read = _measured(batch.targets, flat.dtype)
        with one_thread(), np.errstate(over="ignore", invalid="ignore"):
            outputs, layers = net._pass(flat, u, read=read)
            outputs = outputs if measured is None else measured
            _check(outputs)
            if batch.targets is None:
                return Passed(outputs, None, None, layers)
            losses, slopes = losses_of(outputs, batch.targets)
            if not backward:
                return Passed(outputs, losses, None, layers)
            if twin:
                flat = net.connections.read_nominal(net.parameters)
                own = net._pass(flat, u, factors=False, read=read)[1]
                gradient = net._back(flat, own, slopes, factors=False)
            else:
                gradient = net._back(flat, layers, slopes)
        return Passed(outputs, losses, gradient, layers)

    def logits_loss_grad(
        self, u: np.ndarray, targets: Any, lengths=None, noise_seed: Seed = 0, twin: bool = False
    ) -> tuple[np.ndarray, float, np.ndarray]:
        """Outputs (case, K), mean loss and its gradient (size,) by the trained numbers.

        Args:
            u: (case, channel, time); targets: (case,) labels, or `Targets` that were
                checked; twin: as in `passed`.
        Raises:
            DivergenceError: an output, the loss or the gradient is not finite.
        """
        net = self._net
        u, _ = net._flat(u, lengths)
        u, lengths = checked_inputs(net.config, u, None, scan=False, dtype=net._input_dtype)
        if not isinstance(targets, Targets):
            targets = checked_targets(net.config, lengths, 1, targets)
        batch = Batch(u, lengths, targets).scaled(net.scaling, net.config.dtype)
        return self.run(batch, twin)

    def run(self, batch: Batch, twin: bool = False) -> tuple[np.ndarray, float, np.ndarray]:
        """The same of a `Batch` with targets."""
        net, passed = self._net, self.passed(batch, True, twin)
        self._layers = passed.layers
        assert passed.losses is not None
        assert passed.gradient is not None
        loss = finite(passed.losses.mean())
        if not np.isfinite(passed.gradient).all():
            raise DivergenceError("the gradient is not finite though the loss is")
        read_backward = net.connections.read_nominal_backward if twin else None
        back = read_backward or net.connections.read_backward
        return net._said(passed.outputs), loss, back(net.parameters, passed.gradient)

    def commit(self) -> None:
        """Takes the last batch's means into the running ones; after a step that was
        made.

        The first batches count alike, until each has the share `momentum`. A batch of
        one case, as the last of an epoch may be, has no variance and does not count.
        """
        buffers, cases = self._net.buffers, None
        for i, layer in enumerate(self._layers):
            if layer.mean is None or layer.variance is None:
                return
            cases = len(layer.sums)
            if cases < 2:
                return
            count = buffers["statistics/count"][0] + 1
            share = max(self._net.config.momentum, 1 / count)
            # of a sample of the cases, so without bias
            unbiased = layer.variance * (cases / (cases - 1))
            for name, own in zip(_MOMENTS, (layer.mean, unbiased), strict=True):
                kept = buffers[f"statistics/{name}_{i}"]
                kept += kept.dtype.type(share) * (own - kept)
        if cases is not None:
            buffers["statistics/count"] += 1
