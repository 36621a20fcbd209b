"""The spiking network: cases shown to leaky integrate-and-fire neurons, of which the
first to fire silences the others; eq. (S1) to (S6) of docs/MODEL.md.

Its synapses learn by what happens in the compiled loop, so a network is changed by
`show`. What it has learned is judged with all that frozen, each case for itself: so
results are the same to the bit for any number of threads.
"""

import math
from typing import Any, ClassVar

import numpy as np

from spinrnn.config.spiking import SpikingConfig
from spinrnn.errors import DataError
from spinrnn.kernels import events
from spinrnn.kernels.random import seed_key
from spinrnn.machine import threads
from spinrnn.networks.base import Seed
from spinrnn.networks.inputs import checked_inputs
from spinrnn.networks.losses import losses_of
from spinrnn.networks.planning import Plan
from spinrnn.networks.running import Batch
from spinrnn.networks.static import StaticNetwork, require_room
from spinrnn.notebook import card, span
from spinrnn.synapses.connections import Connections
from spinrnn.synapses.layout import Layout, draw_weights

CASES = 250
"""That a thread judges at once."""
_CHANCE = 9
"""Purpose of random numbers; others are in `learning.trainer`, `synapses.connections`
and `networks.feedforward`."""
_BLOCK = "w_0"


class SpikingNetwork(StaticNetwork):
    """A network that learns by its own spikes.

    Args:
        config: None for the default one.
        seed: of the initial states of the synapses and of their differences.
    Attributes:
        config: as given; layout: where each block stands in the flat vectors.
        parameters: (size,) the states of the synapses; write to it freely.
        connections: the synapses.
        buffers: {name: array} of what belongs to the network besides: `state/...`, what
            goes on from case to case while it learns; `answers/spikes` (class, neuron)
            spikes of each neuron in cases of each class, and `answers/cases` (class,)
            how many these were, by which neurons have their classes.
        scaling: as of `Network`.
    """

    config: SpikingConfig
    buffers: dict[str, np.ndarray]
    called: ClassVar[str] = "a spiking network"
    shows: ClassVar[str] = "spikes gives its spikes"
    fixed: ClassVar[tuple[str, ...]] = ("layers", "inputs", "outputs", "synapse")

    def __init__(self, config: SpikingConfig | None = None, seed: int = 0) -> None:
        self.config = SpikingConfig() if config is None else config
        self.layout = Layout(self.config)
        rng = np.random.default_rng(seed)
        self.parameters = draw_weights(self.config, self.layout, 1, rng)
        self.connections = Connections(
            self.config.synapses, self.layout, self.parameters, None, seed
        )
        self.buffers = _buffers(self.config)

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.config.sizes))
        return f"<Network {sizes}, lif, {self.config.synapse.kind}, {self.layout.size} synapses>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        count = f"{self.layout.size}; {span(self.parameters)}"
        return card("Spiking network", [*self.config.rows(), ("synapses", count)])

    def replace(self, **changes: Any) -> "SpikingNetwork":
        """A network with a copy of the parameters and another configuration.

        Raises:
            ConfigError: the change concerns what the parameters mean, or is impossible
                in itself.
        """
        config = self._config_with(changes)
        other = SpikingNetwork.__new__(SpikingNetwork)
        other.config, other.layout = config, self.layout
        other.connections, other.parameters = self.connections.copy(), self.parameters
        other.buffers = self._copied_buffers()
        other.scaling, other.knows = self.scaling, self.knows
        return other

    # ---- what can be asked ----

    @property
    def labels(self) -> np.ndarray:
        """(neuron,) the class that each neuron answers to: that in whose cases it has
        fired most often on average; -1 of one that has not fired.
        """
        cases = self.buffers["answers/cases"]
        mean = self.buffers["answers/spikes"] / np.maximum(cases, 1)[:, None]
        return np.where(mean.any(axis=0), mean.argmax(axis=0), -1)

    def forward(self, u, lengths=None, noise_seed: Seed = 0) -> np.ndarray:
        """Outputs (case, class) of inputs u (case, channel, time): the mean number of
        spikes of the neurons that answer to a class; 0 where there are none.

        Nothing is learned, and each case begins at rest.

        Args:
            u: real array (case, channel, time) with channel * time = config.inputs,
                finite; lengths: (case,) that are all `time`, or None; noise_seed: not
                used, as such a network has no noise.
        Raises:
            DataError: u or lengths do not fit; MemoryLimitError.
        """
        return self.answers(self.spikes(u, lengths))

    def spikes(self, u, lengths=None) -> np.ndarray:
        """Spikes (case, neuron) int64 in each case; arguments and errors as of
        `forward`.
        """
        batch = self._read(u, lengths, 0)
        return self.counted(batch.u[:, :, 0])

    def answers(self, counts: np.ndarray) -> np.ndarray:
        """Outputs (case, class) of spikes (case, neuron)."""
        labels = self.labels
        outputs = np.zeros((len(counts), int(self.config.outputs)), dtype=self.config.dtype)
        for k in range(outputs.shape[1]):
            own = labels == k
            if own.any():
                outputs[:, k] = counts[:, own].mean(axis=1)
        return outputs

    def counted(self, x: np.ndarray) -> np.ndarray:
        """Spikes (case, neuron) of cases (case, input); nothing learns. Errors as of
        `show`, and MemoryLimitError.
        """
        self._require_cases(x)
        self.plan(len(x), 1, backward=False)
        numbers, weights = _Numbers(self), self._weights()
        starts = range(0, len(x), CASES)
        counts = np.zeros((len(x), self.config.layers[0]), dtype=np.int64)

        def some(start):
            own = slice(start, start + CASES)
            state = numbers.state(raised=self.buffers["state/raised"])
            numbers.show(x[own], 0.0, False, state, weights, counts[own])

        threads.ordered_map(some, starts)
        return counts

    def show(
        self, x: np.ndarray, rate: float, seed: int = 0, shuffled: bool = False
    ) -> tuple[np.ndarray, int, int]:
        """Shows cases one after the other, from which the synapses learn, in place;
        thresholds grow and everything goes on from case to case.

        Args:
            x: (case, input), finite; rate: learning rate; seed: of what chance does to
                the devices; shuffled: each case each synapse sees the potential of
                another input than its own.
        Returns:
            (spikes (case, neuron); of these how many the synapses learned from; how
            many synapses they have moved, each time anew).
        Raises:
            DataError: x is anything else.
        """
        self._require_cases(x)
        numbers, weights = _Numbers(self, seed), self._weights()
        state = numbers.state(**{k: self.buffers[f"state/{k}"] for k in events.State._fields})
        counts = np.zeros((len(x), self.config.layers[0]), dtype=np.int64)
        before, shown = state.events.copy(), int(self.buffers["state/shown"][0])
        orders = _orders(x.shape, (seed, _CHANCE, shown)) if shuffled else None
        numbers.show(x, rate, True, state, weights, counts, orders)
        self.layout.named(self.parameters)[_BLOCK][...] = weights.T
        self.buffers["state/shown"] += len(x)
        spikes, moved = state.events - before
        return counts, int(spikes), int(moved)

    def _require_cases(self, x):
        shape, inputs = np.shape(x), int(self.config.inputs)
        if len(shape) != 2 or shape[1] != inputs or not np.isfinite(x).all():
            wanted = f"must be finite and of the shape (case, {inputs})"
            raise DataError(f"cases: {wanted}; got the shape {shape}")

    def tally(self, counts: np.ndarray, labels: np.ndarray, fresh: bool = False) -> None:
        """Takes note of which neurons fire in cases of which class.

        counts: (case, neuron); labels: (case,), negative ones stand for none; fresh:
        whether what was noted before is forgotten.
        """
        known = labels >= 0
        for name, values in (("spikes", counts[known]), ("cases", np.ones(known.sum(), int))):
            kept = self.buffers[f"answers/{name}"]
            if fresh:
                kept[...] = 0
            np.add.at(kept, labels[known], values)

    def cases(self, u, lengths=None) -> np.ndarray:
        """(case, input) of inputs that are known to be finite, scaled."""
        u, _ = self._flat(u, lengths)
        u, lengths = checked_inputs(self.config, u, None, scan=False, dtype=self._input_dtype)
        batch = Batch(u, lengths, None).scaled(self.scaling, self.config.dtype)
        return batch.u[:, :, 0]

    def prepared(self) -> "SpikingNetwork":
        """The network itself: a rule of its own needs no more."""
        return self

    def run(self, batch: Batch) -> Any:
        """DataError: there is no gradient, which `loss_and_grad` asks for."""
        return self._run(batch, True)

    def plan(self, cases: int, points: int, backward: bool = True) -> Plan:
        """How so many cases would be run, and the memory it would take.

        MemoryLimitError: it does not fit into `spinrnn.get_memory_limit`.
        """
        c, count = self.config, threads.get_threads()
        inputs, neurons, _ = c.sizes
        scratch = inputs * (c.steps(c.presentation) * 4 + 60)
        weights = 3 * self.layout.size * np.dtype(c.dtype).itemsize
        at_once = min(cases, CASES)
        wanted = weights + cases * neurons * 8 + count * (scratch + at_once * inputs * 8)
        require_room(cases, wanted, "choose fewer threads or a larger network.time_step")
        return Plan(cases, at_once, 1, 1, 1, 1, count, 1, wanted, wanted)

    def _run(self, batch: Batch, backward: bool) -> tuple[Any, Any, Any]:
        """As of `BaseNetwork`; DataError where a gradient is asked for."""
        if backward:
            raise DataError("a spiking network has no gradient; it learns by its own spikes")
        outputs = self.answers(self.counted(batch.u[:, :, 0]))
        losses = None if batch.targets is None else losses_of(outputs, batch.targets)[0]
        return outputs[:, :, None], losses, None

    def _weights(self):
        """(input, neuron) copy of the trained numbers of the synapses."""
        return np.array(self.layout.named(self.parameters)[_BLOCK].T, order="C")


class _Numbers:
    """What the compiled loop needs of a network.

    seed: of what chance does to the devices.
    """

    def __init__(self, net: SpikingNetwork, seed: int = 0) -> None:
        self.config, c = net.config, net.config
        answer = c.synapse.answer(int(c.inputs))
        self.timing = timing_of(c, answer)
        self.powers = powers_of(c)
        factors, curves = np.zeros((2, 0, 0)), np.zeros((2, 0))
        if answer.factors is not None:
            own = net.connections.devices[_BLOCK]
            factors = np.array([own[name].T for name in answer.factors], dtype=np.float64)
        if answer.curves is not None:
            curves = _resampled(answer.curves)
        window = events.Window(*(getattr(answer, name) for name in events.Window._fields))
        self.devices = events.Devices(window, factors, curves, seed_key([seed, _CHANCE]))

    def state(self, **given: np.ndarray) -> events.State:
        """A state at rest, with some arrays that are given."""
        own = _state(self.config)
        if "raised" in given and len(given) == 1:
            # threads share what they only read
            own["raised"] = given["raised"].copy()
            return events.State(**own)
        return events.State(**(own | given))

    def show(self, x, rate, learns, state, weights, counts, orders=None):
        """`kernels.events.present` of cases x (case, input)."""
        c = self.config
        rests = c.rest + c.gain * np.asarray(x, dtype=np.float64)
        scratch = events.scratch_of(x.shape[1], c.layers[0], self.timing.steps, weights.dtype)
        orders = np.zeros((len(x), 0), dtype=np.int64) if orders is None else orders
        events.present(
            rests,
            self.timing,
            self.powers,
            self.devices,
            float(rate),
            learns,
            learns,
            state,
            weights,
            orders,
            counts,
            scratch,
        )


def timing_of(c: SpikingConfig, answer: Any) -> events.Timing:
    """Numbers of a presentation; answer: of the synapses."""

    def kept(time):
        return math.exp(-c.time_step / time) if time > 0 else 0.0

    # with a filter the current of a spike is as large in all as without one
    share = 1.0 - kept(c.synapse_time)
    # a trained number low + span x stands for the weight base + gain x
    slope = answer.gain / answer.span
    return events.Timing(
        steps=c.steps(c.presentation),
        pause=c.steps(c.pause),
        input_wait=c.steps(c.input_refractory),
        output_wait=c.steps(c.refractory),
        silence=c.steps(c.inhibition),
        threshold=1.0,
        reset=c.input_reset,
        firing=c.firing,
        floor=c.reset,
        keep=kept(c.output_time),
        filtered=kept(c.synapse_time),
        forget=kept(c.growth_time),
        growth=c.growth,
        base=share * (answer.base - slope * answer.low),
        gain=share * slope,
    )


def powers_of(c: SpikingConfig) -> np.ndarray:
    """What is left of an input's potential after 0, 1, ... steps."""
    count = max(c.steps(c.presentation), c.steps(c.pause)) + 2
    return np.exp(-c.time_step / c.input_time * np.arange(count))


def _state(c):
    """{field: array} of `kernels.events.State`, at rest."""
    inputs, neurons, _ = c.sizes
    whole = {"waiting": inputs, "silent": neurons, "events": 2}
    real = {"potential": inputs, "level": neurons, "current": neurons, "raised": neurons}
    return {name: np.zeros(n, dtype=np.int64) for name, n in whole.items()} | {
        name: np.zeros(n) for name, n in real.items()
    }


def _buffers(c):
    """Buffers of a network that has not seen anything."""
    _, neurons, classes = c.sizes
    return {
        **{f"state/{name}": array for name, array in _state(c).items()},
        "state/shown": np.zeros(1, dtype=np.int64),
        "answers/spikes": np.zeros((classes, neurons), dtype=np.int64),
        "answers/cases": np.zeros(classes, dtype=np.int64),
    }


def _orders(shape, seed):
    """(case, input) an order of the inputs for each case."""
    *purpose, shown = seed
    return np.array(
        [
            np.random.default_rng([*purpose, shown + i]).permutation(shape[1])
            for i in range(shape[0])
        ],
        dtype=np.int64,
    ).reshape(shape)


def _resampled(curves):
    """(2, knot) of curves of different numbers of knots, at the knots of both."""
    knots = [np.linspace(0, 1, len(curve)) for curve in curves]
    count = math.lcm(*(len(own) - 1 for own in knots)) + 1
    places = np.linspace(0, 1, count)
    return np.array([np.interp(places, own, c) for own, c in zip(knots, curves, strict=True)])
