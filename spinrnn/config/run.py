"""What a run is: frozen dataclasses for the network, the training and the data.

Quantities are in SI units here (seconds). The kernels work in units of the neuron's
time and drive.
"""

import dataclasses
import functools
import itertools
import math
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar

from spinrnn.config import kinds, neurons, recipes, slips, sources, versions
from spinrnn.config.bayesian import BayesianConfig
from spinrnn.config.features import features_of
from spinrnn.config.feedforward import FeedforwardConfig
from spinrnn.config.parts import (
    LARGEST_NUMBER,
    check_synapses,
    check_weights,
    entries_table,
    for_each,
    is_table,
    kind_part,
    one_or_each,
    set_parts,
    settled,
)
from spinrnn.config.quantity import quantities, quantity
from spinrnn.config.slips import LEAST, time_in
from spinrnn.config.spiking import SpikingConfig
from spinrnn.config.spread import Spread, known_spread, spread_of, spreads_of
from spinrnn.config.symmetric import SymmetricConfig
from spinrnn.config.tables import (
    Problems,
    Unsaid,
    check,
    keys_of,
    names_in,
    nearest,
    pairs_of,
    plain,
    suggest,
    unsaid,
)
from spinrnn.errors import ConfigError
from spinrnn.notebook import amount, card, plural

T = TypeVar("T")

FOLLOWING = {"inputs": 1, "outputs": 10, "readout": "end"}
"""Keys of [network] that follow from the data where they are not given, and what they
are without data."""
OF_POWER = ("power", "end_power")
"""Readings that average the power as it is before the filter."""
OF_BOTH = ("both", "end_power")
"""Readings of an average and of the end, with output weights of their own."""
LARGEST_RATIO = 1e5
"""Of a time to the relaxation time: more is taken for a mistake of units."""
LARGEST_THERMAL_POWER = 0.1
"""In units of the normalised power: beyond it eq. (1) has lost its meaning."""
COLUMNS_FORM, UNITS_FORM = "NAME=COLUMN, as in time=t,power=V2", "NAME=UNIT, as in t=ns,I=mA"
"""What stands in data.columns and data.units, between commas."""
TEST_FRACTION = 0.2
"""Of data without a test part of their own, where `DataConfig.test_fraction` is
None."""


class Reduced(NamedTuple):
    """Time scales of a network in units of its `time_unit`.

    Attributes:
        step: h, length of a substep.
        blend: relaxation factor of one substep: the share of its distance to the target
            that the high-pass filter's mean covers; 0 without a filter.
        rest: what a neuron of the first layer emits before any input.
    """

    step: float
    blend: float
    rest: float


def _with_old_keys(from_flat: Callable, order: Iterable[str] = ()) -> Callable[[type[T]], type[T]]:
    """Lets a dataclass take the arguments of 0.1 as well.

    from_flat: arguments as they are now of those that may be 0.1's; order: names of
        0.1's positional arguments, where they are others than now.
    """

    def decorated(cls: type[T]) -> type[T]:
        made = cls.__init__

        @functools.wraps(made)
        def __init__(self, *arguments, **given):
            names = [*(order or keys_of(self))][: len(arguments)]
            twice = [name for name in names if name in given]
            if len(names) < len(arguments) or twice:
                what = f"{twice[0]} is given twice" if twice else "too many arguments"
                raise TypeError(f"{cls.__name__}: {what}; give them by name, as in epochs=50")
            given |= zip(names, arguments, strict=True)
            made(self, **from_flat(given))

        cls.__init__ = __init__
        return cls

    return decorated


def _network_from_flat(given: dict[str, Any]) -> dict[str, Any]:
    """Arguments of `NetworkConfig` of those that may be 0.1's; what is not given
    follows from the data.
    """
    still = given.pop("follows", tuple(FOLLOWING))
    # a copy that `dataclasses.replace` makes is given all that was not changed
    unsaid = (key for key in still if key not in given or isinstance(given[key], Unsaid))
    return {"follows": tuple(unsaid), **versions.from_flat(given)}


@_with_old_keys(_network_from_flat)
@dataclass(frozen=True)
class NetworkConfig:
    """The network and its time stepping. Times in seconds; equations of docs/MODEL.md.

    [paper] marks what comes from arXiv:2408.02835, [field] standard oscillator theory,
    [ours] a choice of this project. NumPy numbers and lists count as Python's numbers
    and tuples.

    The neuron's parameters are its own, as in ``neuron=Oscillator(bias_ratio=3)``. The
    names that they had here in 0.1 are still taken, and read, by way of
    `config.versions`.

    Attributes:
        layers: neurons in each layer [paper: 32, 32, 32].
        inputs: input channels.
        outputs: classes.
        neuron: a kind of neuron, as Oscillator(), eq. (1), or CTRNN(), its software
            twin; or a tuple with one for each layer. If all are equal it is that one.
        scheme: one of the schemes that all neurons have; "exponential", second order,
            or "euler", first order.
        substeps: substeps of one input interval; None means
            ceil(4 input_interval / tau), tau the shortest time of the neurons [ours].
        input_interval: Delta t, time for which one input value is held (s) [ours: 10
            ns].
        highpass_time: tau_hp of the filter that removes the emitted mean, eq. (2) (s);
            0 is no filter; None means the neuron's own, of the oscillator 10 tau
            [ours], of the CTRNN none; it is one filter for all layers.
        amplification: A, one number or one for each layer [paper: an amplification on
            each path].
        output_amplification: A_out [ours: 10].
        readout_window: 0 reads the output at the end of the sequence, w averages over
            its last w input intervals [ours].
        readout: "end" reads as readout_window says; "mean" averages over each case's
            whole time, "both" reads both with weights of their own; "power" averages
            what the filter has not passed yet, less its first value, and "end_power"
            reads that and the end; "points" reads at the end of each input interval,
            for targets at every point [ours].
        readout_features: "linear", the output weights act on what is read; "quadratic",
            on its squares too, with weights of their own [ours].
        density_int: share of the entries of each W_int that exist, in (0, 1].
        density_ext: the same of each W_ext, input weights included.
        recurrent: how each W_int is drawn: "normal", with independent entries of the
            variance 1 / (density_int n_l); "antisymmetric", (M - M^T) / sqrt(2) of such
            an M, whose eigenvalues are imaginary: states turn, as in a memory, and none
            grows [ours].
        spectral_radius: of each W_int as it is drawn, before A_l; None: as it comes.
        dtype: "float32" or "float64".
        spread: how much neurons differ from each other, `Spread`; log-normal [ours].
        trained: names of the neuron's quantities that are trained, in all layers that
            have them.
        trained_per: whether a layer has one value of each of them, or each neuron.
        synapse: a kind of synapse, as Ideal(): what trained numbers become as weights;
            or a tuple with one for each layer, that of the outputs last.
        abilities: what an estimator or a training may ask of such a network: "adjoint",
            the exact gradient through time; "time", states that go on.
        earlier: keys of 0.1 and their values, also where they have no effect.
        follows: those of inputs, outputs and readout that were not given: a training
            takes from its data what they ask for (`RunConfig.fitted`).

    Raises:
        ConfigError: all impossible values at once.
    """

    layers: tuple[int, ...] = (32, 32, 32)
    inputs: int = 1
    outputs: int = 10
    neuron: Any = None
    scheme: str = "exponential"
    substeps: int | None = None
    input_interval: float = quantity(10e-9, "s", "time for which an input value is held")
    highpass_time: float | None = quantity(None, "s", "of the filter that removes the mean")
    amplification: float | tuple[float, ...] = 1.0
    output_amplification: float = 10.0
    readout_window: int = 0
    density_int: float = 1.0
    density_ext: float = 1.0
    recurrent: Literal["normal", "antisymmetric"] = "normal"
    spectral_radius: float | None = None
    dtype: Literal["float32", "float64"] = "float32"
    spread: Any = field(default_factory=Spread)
    trained: tuple[str, ...] = ()
    trained_per: Literal["layer", "neuron"] = "layer"
    synapse: Any = None
    readout: Literal["end", "mean", "both", "points", "power", "end_power"] = "end"
    readout_features: Literal["linear", "quadratic"] = "linear"
    earlier: Any = field(default=(), repr=False, compare=False)
    follows: Any = field(default=(), repr=False, compare=False)

    kind: ClassVar[str] = "recurrent"
    abilities: ClassVar[frozenset[str]] = frozenset({"adjoint", "time"})
    read_with: ClassVar[Mapping[str, Mapping[str, Any]]] = {"trained_per": {"trained": ...}}
    parts: ClassVar[tuple[str, ...]] = ("neuron", "spread", "synapse")
    tasks: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        still = (key for key in self.follows if getattr(self, key) == FOLLOWING[key])
        object.__setattr__(self, "follows", tuple(still))
        neuron, problems = neurons.made(self.neuron)
        unknown = any(problem.partition(": ")[0].endswith(".kind") for problem in problems)
        object.__setattr__(self, "neuron", neuron)
        synapse, found = one_or_each("synapse", self.synapse)
        object.__setattr__(self, "synapse", synapse)
        problems += found + set_parts(self, {"spread": (spread_of, known_spread)})
        if unknown:
            # what belongs to a kind that is not known cannot be told from a mistake
            object.__setattr__(self, "spread", Spread())
            object.__setattr__(self, "trained", ())
        try:
            check(self)
        except ConfigError as error:
            problems += error.problems
        neuron, trained = neurons.settled(neuron, self.trained)
        object.__setattr__(self, "neuron", neuron)
        object.__setattr__(self, "trained", trained)
        object.__setattr__(self, "synapse", settled(self.synapse, len(self.layers) + 1))
        earlier, found = versions.remembered(self)
        object.__setattr__(self, "earlier", tuple(earlier.items()))
        for key in self.follows:
            object.__setattr__(self, key, unsaid(FOLLOWING[key]))
        if problems or found:
            raise ConfigError(problems + found)

    def __getattr__(self, name: str) -> Any:
        """Keys of 0.1 that have moved."""
        moved = versions.OLD.get(f"network.{name}")
        if moved is None:
            raise AttributeError(f"NetworkConfig has no attribute {name!r}")
        earlier = dict(self.earlier)
        if name not in earlier:
            raise AttributeError(f"config.{name} is config.{moved} now, of each of config.neurons")
        warnings.warn(f"config.{name} is config.{moved} now", DeprecationWarning, stacklevel=2)
        return earlier[name]

    def rows(self) -> list[tuple[str, Any]]:
        """What a notebook shows of the network: (name, value)."""
        own = {
            one.kind: [
                f"{name} {amount(getattr(one, name), q.unit)}"
                for name, q in quantities(one).items()
            ]
            for one in self.neurons
        }
        filtered = None if self.filter_time is None else amount(self.filter_time, "s")
        interval = amount(self.input_interval, "s")
        return [
            ("channels", self.inputs),
            ("layers", self.layers),
            ("outputs", f"{self.outputs}, read at: {self.readout}, {self.readout_features}"),
            *((f"neuron {kind}", values) for kind, values in own.items()),
            ("input interval", f"{interval} in {plural(self.resolved_substeps, 'substep')}"),
            ("scheme, numbers", (self.scheme, self.dtype)),
            ("high-pass filter", filtered or "none"),
            ("amplification", self.amplifications),
            ("connections", f"{self.density_int:g} of recurrent, {self.density_ext:g} of others"),
            ("spread", self.spread.deviations or None),
            ("trained", self.trained or None),
        ]

    def _repr_html_(self) -> str:
        return card("NetworkConfig", self.rows())

    @property
    def neurons(self) -> tuple[Any, ...]:
        """The neuron of each layer, whether they are the same or not."""
        return for_each(self.neuron, len(self.layers))

    @property
    def synapses(self) -> tuple[Any, ...]:
        """The synapse of each layer, that of the outputs last."""
        return for_each(self.synapse, len(self.layers) + 1)

    @property
    def kinds(self) -> tuple[Any, ...]:
        """All kinds that take part."""
        return (*self.neurons, *dict.fromkeys(self.synapses))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Input channels, neurons of each layer, outputs."""
        return (self.inputs, *self.layers, self.outputs)

    @property
    def summary(self) -> tuple[str, str]:
        """What its neurons are, and its steps, in a few words each."""
        count, step = self.resolved_substeps, self.input_interval / self.resolved_substeps
        return neurons.name_of(self), f"{count} substeps of {step:.3g} s a point"

    def automatic(self) -> dict[str, Any]:
        """{key: value} that it takes where the key is None."""
        times = {"highpass_time": self.filter_time or 0.0}
        return {"substeps": self.resolved_substeps, **times}

    def fitted(self, sizes: Mapping[str, Any]) -> "NetworkConfig":
        """The network with what its keys follow of the data.

        sizes: {key: value}, as of `Task.sizes`.
        """
        own = {key: sizes[key] for key in self.follows if key in sizes}
        return dataclasses.replace(self, **own, follows=())

    def arranged(self, data: Any) -> Any:
        """A `Dataset` as such a network takes it."""
        return data

    @property
    def _first(self) -> Any:
        """The first layer's neuron, also where there is no layer, which is told."""
        return self.neuron[0] if isinstance(self.neuron, tuple) else self.neuron

    @property
    def time_unit(self) -> float:
        """Of the kernels (s): that of the first layer's neuron."""
        return self._first.time_unit

    @property
    def filter_time(self) -> float | None:
        """`highpass_time`, or where that is None the neuron's own; None for no filter
        (s).
        """
        if self.highpass_time is not None:
            return self.highpass_time or None
        own = self._first.highpass
        return None if own is None else own * self.time_unit

    @property
    def usual_interval(self) -> float:
        """An input interval in s that suits the fastest of its neurons."""
        return min(one.usual_interval for one in neurons.entries(self.neuron).values())

    @property
    def resolved_substeps(self) -> int:
        """S: `substeps`; where that is None a substep is at most a quarter of the
        shortest tau.
        """
        if self.substeps is not None:
            return self.substeps
        return _substeps(self.input_interval, self.neurons)

    @property
    def read(self) -> int:
        """Numbers that are read of the last layer."""
        return self.layers[-1] * (2 if self.readout in OF_BOTH else 1)

    @property
    def features(self) -> int:
        """Numbers that the output weights act on."""
        return self.read * (2 if self.readout_features == "quadratic" else 1)

    @property
    def amplifications(self) -> tuple[float, ...]:
        """A_l of each layer."""
        return for_each(self.amplification, len(self.layers))

    def misfits(self, train: Any) -> list[str]:
        """What a training asks for that such a network does not have, a sentence
        each.
        """
        return []

    def reduced(self) -> Reduced:
        """The time scales in the kernels' units."""
        unit, filter_time = self.time_unit, self.filter_time
        step = self.input_interval / unit / self.resolved_substeps
        blend = -math.expm1(-step * unit / filter_time) if filter_time else 0.0
        rest = self._first.rest(self._first.nominal_numbers(unit))[0]
        return Reduced(step, blend, float(rest))

    def problems(self) -> list[str]:
        """What is impossible about the values, a sentence each."""
        found = Problems(self)
        _check_sizes(self, found)
        _check_times(self, found)
        neurons.check_neurons(self, found)
        check_synapses(self, found)
        _check_amplifications(self, found)
        return found


def _check_sizes(c: NetworkConfig, found: Problems) -> None:
    if not c.layers:
        found.add("layers", "give at least one layer, as in [32, 32, 32]")
    if any(n < 1 for n in c.layers):
        found.add("layers", f"each layer needs at least 1 neuron, got {list(c.layers)}")
    found.require(c.inputs >= 1, "inputs", "at least 1")
    found.require(c.outputs >= 1, "outputs", "at least 1")
    for key in ("density_int", "density_ext"):
        found.require(0 < getattr(c, key) <= 1, key, "in (0, 1]")
    radius = c.spectral_radius
    fits = radius is None or 0 < radius <= LARGEST_NUMBER
    found.require(fits, "spectral_radius", f"positive and at most {LARGEST_NUMBER:g}")
    window = c.readout_window
    found.require(window >= 0, "readout_window", "0 or a number of input intervals")
    if window > 0 and c.readout in ("mean", "power", "points"):
        without = f'0 with readout = "{c.readout}", which has no window'
        found.add("readout_window", f"must be {without}, got {window}")
    forward = itertools.pairwise((c.inputs, *c.layers, c.outputs))
    weights = sum(a * b for a, b in forward) + sum(n * n for n in c.layers)
    check_weights(weights, found)


def _substeps(interval: float, kinds_of_neurons: Iterable[Any]) -> int:
    """S of an input interval in s, where it is not given."""
    shortest = min(one.time_unit for one in kinds_of_neurons)
    # the margin keeps 4 * 10e-9 / 10e-9 from rounding up to 5
    return max(1, math.ceil(4 * interval / shortest - 1e-9))


def _check_times(c: NetworkConfig, found: Problems) -> None:
    found.require(c.substeps is None or c.substeps >= 1, "substeps", "at least 1")
    found.require(c.input_interval > 0, "input_interval", "a positive time in seconds")
    given = c.highpass_time
    ok = given is None or given >= 0
    found.require(ok, "highpass_time", "a time in seconds, or 0 for no filter")
    about = lambda kinds: _wrong_times(c, kinds) or ([] if found else _long_steps(c, kinds))
    of_layers = neurons.entries(c.neuron)
    wrong = about(of_layers)
    unusual = neurons.unusual(c.neuron) if wrong else []
    if unusual:
        # a time of a neuron whose values are wrong is wrong, too
        wrong = about({place: slips.as_usual(one) for place, one in of_layers.items()})
    found += unusual + wrong


def _wrong_times(c: NetworkConfig, of_layers: Mapping[str, Any]) -> list[str]:
    """About times out of all proportion to those of neurons {place: kind}."""
    units = [one.time_unit for one in of_layers.values()]
    usual = min(one.usual_interval for one in of_layers.values())
    times = {"input_interval": c.input_interval, "highpass_time": c.highpass_time or 0.0}
    for place, one in of_layers.items():
        own = [name for name, declared in quantities(one).items() if declared.unit == "s"]
        times |= {f"{place}.{name}": getattr(one, name) or 0.0 for name in own}
    wrong = _far_times(times, units[0], usual)
    for unit in set() if wrong else set(units):
        wrong += _far_times({"input_interval": c.input_interval}, unit, usual)
    return wrong


def _far_times(times: dict[str, float], unit: float, usual: float) -> list[str]:
    """About times {key: s} out of all proportion to the neuron's, 0 where there is
    none; usual: input interval that suits the neurons, s.
    """
    wrong, interval = [], times["input_interval"]
    slow = {key: time for key, time in times.items() if "." in key and time >= LEAST}
    if slow and 0 < interval * LARGEST_RATIO <= unit:
        far = f"s is out of all proportion to the input interval, {interval:g} s"
        said = f"{far}; times are in seconds"
        return [f"{key}: {time:g} {said}, {time_in(time, interval)}" for key, time in slow.items()]
    for key, time in times.items():
        if time > 0 and unit > 0 and not 1 / LARGEST_RATIO < time / unit < LARGEST_RATIO:
            far = f"{time:g} s is out of all proportion to the neuron's time, {unit:g} s"
            suits = f"; {usual:.1g} s suits it" if key == "input_interval" else ""
            wrong.append(f"{key}: {far}; times are in seconds, {time_in(time, unit)}{suits}")
    return wrong


def _long_steps(c: NetworkConfig, of_layers: Mapping[str, Any]) -> list[str]:
    """About neurons {place: kind} that cannot take the substep."""
    substeps = c.substeps or _substeps(c.input_interval, of_layers.values())
    step, wrong = c.input_interval / substeps, []
    for place, one in of_layers.items():
        if step > one.longest_step:
            least = math.ceil(c.input_interval / one.longest_step)
            long = f"a substep of {step:.3g} s is too long for {place}, a {one.kind}"
            wrong.append(f"substeps: {long}, of at most {one.longest_step:.3g} s; set {least}")
    return wrong


def _check_amplifications(c: NetworkConfig, found: Problems) -> None:
    given, layers = len(c.amplifications), len(c.layers)
    if given != layers:
        wanted = f"give one number, or one for each of the {layers} layers"
        found.add("amplification", f"{wanted}, got {given}")
    smallest = 1 / LARGEST_NUMBER
    gains = {
        "amplification": c.amplifications,
        "output_amplification": (c.output_amplification,),
    }
    for key, values in gains.items():
        wrong = [a for a in values if not smallest <= a <= LARGEST_NUMBER]
        found.require(
            not wrong, key, f"from {smallest:g} to {LARGEST_NUMBER:g}", got=(*wrong, None)[0]
        )


@_with_old_keys(versions.writer_from_flat, versions.TRAIN_ORDER)
@dataclass(frozen=True)
class TrainConfig:
    """How the network is trained. All choices are [ours]; the paper says "standard
    machine learning".

    Attributes:
        epochs: passes over the training part.
        batch: samples in a batch; the last batch of an epoch may be smaller.
        learning_rate: of the writer, at the start.
        schedule: "cosine" lets the rate fall to zero over the run, "constant" keeps it.
        clip: largest norm of the gradient; larger ones are scaled down; 0 switches it
            off.
        noise: standard deviation of Gaussian noise added to the training inputs, in
            units of the inputs, of scaled ones with `data.scaling`; 0 is the paper's
            plain protocol.
        seed: of the initial weights, masks, order of the samples and noise.
        checkpoint_seconds: time between checkpoints within an epoch; 0 writes one after
            each batch.
        checkpoints: that are kept, the newest ones. A damaged one is skipped on
            resuming, so keep two at least where disks are not trusted.
        estimator: how the gradient is found, as BPTT().
        writer: how a gradient becomes a change of the parameters, as Adam(). Adam's
            keys, which stood here in 0.1, are still taken and read.
        patience: epochs without a better validation score after which the training
            ends; 0: it never ends early.
        average: epochs over which an exponential mean of the weights looks back, which
            is then validated and kept in place of the last weights; 0: no mean.
        gains: "drawn" leaves the initial weights as they are drawn; "drive" scales
            those of each layer until the cumulative drive on the training part is 1.
        ensemble: networks that are trained, of seeds 1000 apart, and answer together.

    Raises:
        ConfigError: all impossible values at once.
    """

    epochs: int = 300
    batch: int = 128
    learning_rate: float = 2e-2
    schedule: Literal["cosine", "constant"] = "cosine"
    clip: float = 1.0
    noise: float = 0.15
    seed: int = 0
    checkpoint_seconds: float = quantity(10.0, "s", "time between checkpoints")
    checkpoints: int = 2
    estimator: Any = None
    writer: Any = None
    patience: int = 0
    average: float = 0.0
    gains: Literal["drawn", "drive"] = "drawn"
    ensemble: int = 1

    def __post_init__(self) -> None:
        problems = set_parts(self, {role: kind_part(role) for role in ("estimator", "writer")})
        try:
            check(self)
        except ConfigError as error:
            problems += error.problems
        if problems:
            raise ConfigError(problems)

    def __getattr__(self, name: str) -> Any:
        """Keys of 0.1 that have moved."""
        moved = versions.OLD.get(f"train.{name}")
        if moved is None:
            raise AttributeError(f"TrainConfig has no attribute {name!r}")
        warnings.warn(f"train.{name} is {moved} now", DeprecationWarning, stacklevel=2)
        return getattr(self.writer, name)

    def problems(self) -> list[str]:
        """What is impossible about the values, a sentence each."""
        found = Problems(self)
        for key in ("epochs", "batch", "checkpoints", "ensemble"):
            found.require(getattr(self, key) >= 1, key, "at least 1")
        rate = f"positive and at most {LARGEST_NUMBER:g}"
        found.require(0 < self.learning_rate <= LARGEST_NUMBER, "learning_rate", rate)
        for key in ("clip", "noise", "checkpoint_seconds", "seed", "patience", "average"):
            if getattr(self, key) < 0:
                found.add(key, f"must not be negative, got {getattr(self, key)}")
        for key in ("noise", "average"):
            found.require(getattr(self, key) <= LARGEST_NUMBER, key, f"at most {LARGEST_NUMBER:g}")
        return found


@dataclass(frozen=True)
class DataConfig:
    """What the network learns and how it is split.

    The split is stratified: every class has its share in each part.

    Attributes:
        source: "digits"; or a .npz or .h5 file with `inputs` (case, channel, time),
            `labels` (case,), where sequences differ `lengths` (case,) in input points,
            and where the test part is given `test` (case,), 1 for its cases and 0 for
            the others; or a folder of IDX files under MNIST's names
            (train-images-idx3-ubyte, t10k-labels-idx1-ubyte.gz ...), whose t10k files
            are the test part. A relative path counts from the folder of the
            configuration file. Or a series that needs no file: "narma10", "narma2",
            "mackey_glass", "sine_square", "memory", "parity" or "lorenz"
            (`datasets.builtin`).
        validation_fraction: share that chooses the best epoch, of all cases, or of
            those outside the test part that the data bring.
        test_fraction: share of all cases that is read once, at the end. None means the
            test part that the data bring, else 0.2; for data that bring theirs a number
            is an error.
        split_seed: of the split; None means train.seed, so that the median over several
            seeds does not hang on one draw of the test part; a number keeps the parts
            fixed while train.seed varies.
        scaling: "standard" takes from each input channel its mean over the training
            part and divides by its deviation there, targets of a regression likewise;
            the network keeps these numbers and applies them itself. "none" changes
            nothing.
        length, seed: points of a series that needs no file, and of its random numbers;
            None means the series' own length, and 0. For other data an error.
        delays: outputs of "memory" and "parity"; None means 40 and 8.
        test: file or folder of the test part, where it is one of its own: all of its
            cases are the test part, and none of the source.
        missing: what is done where a value is missing: "refuse", "linear" (the straight
            line between its neighbours in time) or "hold" (the value before it).
        frontend: "mel" makes of WAV files log mel energies (`spinrnn.mel`), twenty
            bands every 15 ms, in place of their samples; "statistics" makes numbers of
            each case (`spinrnn.statistics`) in place of its points.
        features: of "statistics", which numbers, as in "maximum 1, deviation gyro_z,
            jerk 1-3"; None: all that there are, of all channels.
        columns: what the columns or arrays of the source are, as in
            "label=class,V=voltage"; None: as they are called.
        units: units of columns, as in "t=ns,I=mA", which are converted to SI units;
            None: as they stand in the source.
        targets: columns or arrays of the source that are targets of a regression, as in
            "y,z", by their names or counted from 1; None: an array called targets.
        rows: of a table without a column of cases: "points", all rows are points of one
            case, or "cases", each row is a case of one point.

    Raises:
        ConfigError: all impossible values at once.
    """

    source: str = "digits"
    validation_fraction: float = 0.1
    test_fraction: float | None = None
    split_seed: int | None = None
    scaling: Literal["none", "standard"] = "none"
    length: int | None = None
    seed: int | None = None
    delays: int | None = None
    test: str | None = None
    missing: Literal["refuse", "linear", "hold"] = "refuse"
    frontend: Literal["none", "mel", "statistics"] = "none"
    features: str | None = None
    columns: str | None = None
    units: str | None = None
    targets: str | None = None
    rows: Literal["points", "cases"] = "points"

    def __post_init__(self) -> None:
        check(self)

    def problems(self) -> list[str]:
        """What is impossible about the values, a sentence each."""
        found = Problems(self)
        if not self.source:
            found.add(
                "source",
                'must be "digits" or the path of a .npz or .h5 file or of a folder of IDX files',
            )
        given = {
            "validation_fraction": self.validation_fraction,
            "test_fraction": self.test_fraction,
        }
        shares = {key: share for key, share in given.items() if share is not None}
        for key, share in shares.items():
            found.require(0 < share < 1, key, "between 0 and 1")
        if all(0 < share < 1 for share in shares.values()) and sum(shares.values()) >= 1:
            found.add("validation_fraction", "with test_fraction it leaves nothing to train on")
        for key in ("split_seed", "seed"):
            if getattr(self, key) is not None and getattr(self, key) < 0:
                found.add(key, f"must not be negative, got {getattr(self, key)}")
        _check_built_in(self, found)
        _check_content(self, found)
        return found

    @property
    def built_in(self) -> dict[str, int]:
        """{key: value} of a series that needs no file, with what stands for None; {} of
        other data.
        """
        own = {key: getattr(self, key) for key in sources.keys_of_source(self.source)}
        known = sources.SOURCES.get(self.source)
        usual = {"seed": 0} if known is None else known._asdict() | {"seed": 0}
        return {key: usual[key] if value is None else value for key, value in own.items()}

    @property
    def name(self) -> str:
        """By which the data are told from others: `source`, and what else was given
        that decides on what is read.
        """
        usual = DataConfig()
        keys = (*versions.CONTENT, *sources.KEYS)
        given = [f"{k}={getattr(self, k)}" for k in keys if getattr(self, k) != getattr(usual, k)]
        return f"{self.source}({', '.join(given)})" if given else self.source

    def whole(self) -> "DataConfig":
        """The same data, however they are split and scaled."""
        own = {key: getattr(self, key) for key in (*versions.CONTENT, *sources.KEYS)}
        return DataConfig(self.source, **own)


def _check_built_in(c: DataConfig, found: Problems) -> None:
    own = sources.keys_of_source(c.source)
    for key in sources.KEYS:
        if getattr(c, key) is not None and key not in own:
            having = [name for name in sources.SOURCES if key in sources.keys_of_source(name)]
            found.add(key, f"goes with data.source = {', '.join(having)}, which is {c.source}")
    shortest, longest = sources.SHORTEST, sources.LONGEST
    fits = c.length is None or shortest <= c.length <= longest
    found.require(fits, "length", f"from {shortest} to {longest} points")
    most = sources.MOST_DELAYS
    found.require(c.delays is None or 1 <= c.delays <= most, "delays", f"from 1 to {most}")


def _check_content(c: DataConfig, found: Problems) -> None:
    """Adds what is wrong with the keys that say how the source is read."""
    found.require(c.test != "", "test", "the path of the test part, or left out", got='""')
    if c.test is not None and c.test_fraction is not None:
        found.add("test_fraction", "data.test has the whole test part; leave one of the two out")
    if c.features is not None:
        fits = c.frontend == "statistics"
        found.require(fits, "features", 'left out unless data.frontend = "statistics"')
        try:
            features_of(c.features)
        except ConfigError as error:
            found += error.problems
    for key, form in (("columns", COLUMNS_FORM), ("units", UNITS_FORM)):
        if getattr(c, key) is not None:
            pairs_of(getattr(c, key), key, form, found)
    if c.targets is not None:
        names_in(c.targets, "targets", found)


@dataclass(frozen=True)
class RunConfig:
    """A whole run: the tables of a configuration file.

    Attributes:
        network: with [neuron], [spread] and [synapse], of one without time with
            [activation] and [synapse]; train: with [estimator] and [writer]; data.
        task: what is asked of the network, as Classification(); None means what the
            data ask for: of a series that needs no file its own task, with data.targets
            a regression, else a classification.
        recipe: by name, whose values stand where none were given; "" where that is not
            known, as of files that spinrnn wrote. It is compared and kept nowhere.

    Raises:
        ConfigError: a table is not of its class, the kinds do not go together, or there
            is no such recipe.
    """

    network: Any = field(default_factory=NetworkConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    data: DataConfig = field(default_factory=DataConfig)
    task: Any = None
    recipe: str = field(default=recipes.DEFAULT, repr=False, compare=False)

    @property
    def kinds(self) -> tuple[Any, ...]:
        """All kinds that take part in the run."""
        own = self.task, self.train.estimator, self.train.writer
        return (*self.network.kinds, *own)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        train, data = self.train, self.data
        shares = f"validation {data.validation_fraction:g}"
        shares += "" if data.test_fraction is None else f", test {data.test_fraction:g}"
        rows = [
            ("task", _row_of(self.task)),
            *self.network.rows(),
            ("estimator", _row_of(train.estimator)),
            ("writer", _row_of(train.writer)),
            ("training", f"{plural(train.epochs, 'epoch')}, batches of {train.batch}"),
            ("learning rate", f"{train.learning_rate:g}, {train.schedule}"),
            ("noise, clip", f"{train.noise:g}, {train.clip:g}"),
            ("seed, of the split", f"{train.seed}, {self.resolved_split_seed}"),
            ("data", f"{data.source}; {shares}"),
        ]
        return card("RunConfig", rows)

    def fitted(self, sizes: Mapping[str, Any]) -> "RunConfig":
        """The run with what its network's keys follow of the data.

        sizes: {key of [network]: value}, as of `Task.sizes`. They come before values of
        the recipe, as nobody gave those.
        """
        usual = recipes.RECIPES.get(self.recipe, {}).get("network", {})
        asked = [key for key in usual if getattr(self.network, key, None) == usual[key]]
        own = {key: sizes[key] for key in asked if key in sizes}
        network = dataclasses.replace(self.network, **own) if own else self.network
        return dataclasses.replace(self, network=network.fitted(sizes))

    def fitted_to(self, data: Any) -> "RunConfig":
        """The run with what its network's keys follow of a `Dataset`.

        DataError: the data lack what the task or the network asks for.
        """
        arranged = self.network.arranged(self.task.prepared(data))
        return self.fitted(self.task.sizes(arranged))

    @property
    def resolved_split_seed(self) -> int:
        """`data.split_seed`, or where that is None `train.seed`."""
        return self.train.seed if self.data.split_seed is None else self.data.split_seed

    def __post_init__(self) -> None:
        classes = {"network": tuple(NETWORKS.values())}
        problems = [
            f"{name}: must be a {cls.__name__}"
            for name, cls in _PARTS.items()
            if not isinstance(getattr(self, name), classes.get(name, cls))
        ]
        own = {key: getattr(self.data, key, None) for key in ("source", "targets")}
        make = functools.partial(sources.task_of, own["source"], targets=own["targets"])
        problems += set_parts(self, {"task": (make, kind_part("task")[1])})
        problems += [] if self.recipe == recipes.UNKNOWN else recipes.unknown(self.recipe)
        if problems:
            raise ConfigError(problems)
        misfits = _misfits(self.network, self.train) + _unasked(self.network, self.task)
        misfits += _unweighed(self.train.estimator, self.task)
        if misfits:
            raise ConfigError(misfits)


def _row_of(kind: Any) -> str:
    """A kind with its parameters in a line."""
    table = kind.table()
    own = ", ".join(f"{key} {value}" for key, value in table.items() if key != "kind")
    return f"{kind.kind}: {own}" if own else kind.kind


def _misfits(network: Any, train: TrainConfig) -> list[str]:
    """What kinds of different roles cannot do together, a sentence each."""
    problems, estimator, writer = [], train.estimator, train.writer
    problems += _unlearned(network, estimator)
    # a local rule asks no writer
    unwritable = [] if estimator.local else _unwritable(writer.gives, network.synapses)
    for synapse in unwritable:
        problems.append(f"writer.kind: {_unlike(writer, synapse)}")
    others = list(dict.fromkeys(one.kind for one in network.synapses if not one.direct))
    if others:
        needs = f"needs ideal synapses, these are {' and '.join(others)}; set it to"
        if train.average:
            problems.append(f"train.average: {needs} 0")
        if train.gains != "drawn":
            problems.append(f'train.gains: {needs} "drawn"')
        problems += _reservoirs(estimator, " and ".join(others))
    return problems + _without_time(network, train)


def _unlearned(network: Any, estimator: Any) -> list[str]:
    """That an estimator learns networks of other kinds, and what to set."""
    missing = sorted(estimator.needs - network.abilities)
    if not missing:
        return []
    able = [kind for kind, cls in NETWORKS.items() if estimator.needs <= cls.abilities]
    own = f'estimator.kind to "{estimator_for(type(network))}"'
    if not able:
        lacks = f"the estimator {estimator.kind} needs {' and '.join(missing)}"
        return [f"estimator.kind: {lacks}, which no kind of network has; set {own}"]
    learns = f"the estimator {estimator.kind} learns {', '.join(able)} networks only"
    kinds_of = " or ".join(f'"{kind}"' for kind in able)
    return [
        f"estimator.kind: {learns}, this one is {network.kind}; set network.kind to {kinds_of}, "
        f"or {own}"
    ]


def _unasked(network: Any, task: Any) -> list[str]:
    """That a network cannot be asked a task, of which it has but some."""
    if not network.tasks or task.kind in network.tasks:
        return []
    wanted = " or ".join(f'"{kind}"' for kind in network.tasks)
    return [f"task.kind: a network of the kind {network.kind} takes {wanted}, got {task.kind}"]


def _unweighed(estimator: Any, task: Any) -> list[str]:
    """That classes are to weigh alike where an estimator shows each case alike."""
    if estimator.weighs or getattr(task, "class_weights", "none") == "none":
        return []
    reason = f"the estimator {estimator.kind} learns without labels, so classes have no weights"
    advice = 'set it to "none", and give each class as many cases'
    return [f"task.class_weights: {reason}; {advice}"]


def _reservoirs(estimator: Any, synapses: str) -> list[str]:
    """That a readout in closed form is asked of synapses that cannot be written so."""
    exact = f"needs ideal synapses, these are {synapses}; set"
    if estimator.ideal_synapses:
        lacks = f'{estimator.kind} {exact} it to "bptt", or synapse.kind = "ideal"'
        return [f"estimator.kind: {lacks}"]
    if estimator.warm == "reservoir":
        return [f'estimator.warm: "reservoir" {exact} it to "none", or synapse.kind = "ideal"']
    return []


def _without_time(network: Any, train: TrainConfig) -> list[str]:
    """What a training asks for that a network without time does not have."""
    if "time" in network.abilities:
        return []
    without = f"needs a network with time, this one is {network.kind}; set it to"
    problems = []
    if train.gains != "drawn":
        problems.append(f'train.gains: {without} "drawn"')
    if train.estimator.warm != "none":
        problems.append(f'estimator.warm: {without} "none"')
    return problems + network.misfits(train)


def _unwritable(gives: str, synapses: Iterable[Any]) -> list[Any]:
    """The synapses that a writer which gives this cannot write. Those that take it not,
    but amounts, get amounts, as biases do; one at least must take it.
    """
    every = list(dict.fromkeys(synapses))
    if not any(gives in one.takes for one in every):
        return every
    return [one for one in every if not {gives, "amount"} & set(one.takes)]


def run_of(network: Any) -> RunConfig:
    """A run of a network of which nothing else is known, for files of networks."""
    own = {"writer": writer_for(network.synapses), "estimator": estimator_for(type(network))}
    return RunConfig(network, TrainConfig(**own))


def estimator_for(network: type) -> str:
    """The kind of estimator where none is named: the first that goes with a class of
    networks.
    """
    known = kinds.names_of("estimator")
    able = (n for n in known if kinds.kind_of("estimator", n).needs <= network.abilities)
    return next(able, known[0])


def writer_for(synapses: Iterable[Any]) -> str:
    """The kind of writer where none is named: the first that can write all synapses."""
    known, every = kinds.names_of("writer"), list(synapses)
    able = (n for n in known if not _unwritable(kinds.kind_of("writer", n).gives, every))
    return next(able, known[0])


def _unlike(writer: Any, synapse: Any) -> str:
    """That a writer asks for what a synapse does not take, and what goes with each."""
    classes = {
        role: [kinds.kind_of(role, name) for name in kinds.names_of(role)]
        for role in ("writer", "synapse")
    }
    with_it = [one.kind for one in classes["writer"] if one.gives in synapse.takes]
    for_it = [one.kind for one in classes["synapse"] if writer.gives in one.takes]
    asked = f"{writer.kind} asks for {writer.gives}"
    taken = f"the synapse {synapse.kind} takes {' or '.join(synapse.takes)}"
    fits = f"{synapse.kind} goes with the writer {' or '.join(with_it) or 'of none here'}"
    return f"{asked}, {taken}; {fits}, {writer.kind} with the synapse {' or '.join(for_it)}"


OF_NETWORKS = ("neuron", "spread", "activation", "synapse")
"""Tables that are parts of networks, of some kinds or of all."""
TABLES = ("network", *OF_NETWORKS, "task", "estimator", "writer", "train", "data")
"""Of a configuration file."""
_PARTS = {"network": NetworkConfig, "train": TrainConfig, "data": DataConfig}
NETWORKS: dict[str, type] = {
    cls.kind: cls
    for cls in (NetworkConfig, FeedforwardConfig, SymmetricConfig, SpikingConfig, BayesianConfig)
}
"""{kind of a network: its class}, the key `kind` of [network]; the first is the
default."""
_OWNERS = {"estimator": "train", "writer": "train", "task": "task"}
"""{table of a kind: part of a run that has it}, but for those of the network."""


def own_keys(cls: type) -> list[str]:
    """Keys of a table that is a dataclass, without those of tables of their own."""
    return [name for name in keys_of(cls) if name not in versions.ELSEWHERE]


def from_tables(tables: Mapping[str, Any]) -> RunConfig:
    """Makes a RunConfig of nested dictionaries, as read from TOML.

    Raises:
        ConfigError: every unknown, mistyped and impossible value, with the nearest
            known key.
    """
    made, problems = parts_of(tables)
    if problems:
        raise ConfigError(problems)
    return RunConfig(**made, recipe=tables.get(recipes.KEY, recipes.UNKNOWN))


def recipe(name: str, **tables: Mapping[str, Any]) -> RunConfig:
    """The run of a recipe: "digits", the defaults, or "series", for measured series.

    Args:
        tables: what overrules it, as in ``recipe("series", train={"epochs": 50})``.
    Raises:
        ConfigError: no such recipe; every mistake in the tables.
    """
    return from_tables({recipes.KEY: name, **tables})


def parts_of(tables: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Fields of `RunConfig` of nested dictionaries, those without mistakes, and all
    mistakes.
    """
    own = {name: table for name, table in tables.items() if name != recipes.KEY}
    problems = [p for name in own for p in _table_problems(name, own)]
    problems += versions.twice(own) + _foreign_tables(own)
    tables, found = recipes.resolved(tables)
    problems += found
    known: dict[str, Any] = {name: t for name, t in tables.items() if is_table(name, t)}
    parts_classes = {**_PARTS, "network": network_class(known)}
    network, found = _network_arguments(known)
    problems += found
    if "kind" not in known.get("writer", {}):
        given = known.get("synapse")
        listed = given if isinstance(given, list) else [given]
        synapses = [kinds.stand_in("synapse", one) for one in listed]
        known["writer"] = {"kind": writer_for(synapses), **known.get("writer", {})}
    if "kind" not in known.get("estimator", {}):
        own_kind = {"kind": estimator_for(parts_classes["network"])}
        known["estimator"] = own_kind | {**known.get("estimator", {})}
    parts = {**known, "network": network}
    for table, owner in _OWNERS.items():
        if table in known and owner != table:
            parts[owner] = {**parts.get(owner, {}), table: known[table]}
    made = {}
    for name, cls in parts_classes.items():
        old = [key.partition(".")[2] for key in versions.OLD if key.startswith(f"{name}.")]
        # only its default class has had keys of 0.1
        fields = (*keys_of(cls), *(old if cls is _PARTS[name] else ()))
        given = {key: value for key, value in parts.get(name, {}).items() if key in fields}
        try:
            made[name] = cls(**given)
        except ConfigError as error:
            problems += [_placed(name, problem) for problem in error.problems]
    data = parts.get("data", {})
    try:
        asked = data.get("source"), known.get("task"), data.get("targets")
        made["task"] = sources.task_of(*asked)
    except ConfigError as error:
        problems += [f"task.{problem}" for problem in error.problems]
    return made, problems


def network_class(tables: Mapping[str, Any]) -> type:
    """The class of the network of nested dictionaries; that of the default where there
    is none of the name.
    """
    table = tables.get("network")
    kind = table.get("kind") if isinstance(table, Mapping) else None
    return NETWORKS.get(kind, NetworkConfig) if isinstance(kind, str) else NetworkConfig


def _table_problems(name: str, tables: Mapping[str, Any]) -> list[str]:
    """A name that is no table, a table that is none, or its unknown keys."""
    table = tables[name]
    if name not in TABLES:
        kind = "table" if isinstance(table, Mapping) else "key"
        owners = [part for part, cls in _PARTS.items() if name in own_keys(cls)]
        if owners:
            return [f"{name}: unknown {kind}; it belongs into the table [{owners[0]}]"]
        return [f"{name}: unknown {kind}{suggest(name, TABLES)}"]
    if not is_table(name, table):
        return [f"{name}: must be a table, write [{name}] and its keys below"]
    if name == "network":
        return _network_problems(tables)
    if name not in _PARTS:
        return []
    return _unknown_keys(name, table, _PARTS[name])


def _network_problems(tables: Mapping[str, Any]) -> list[str]:
    """An unknown kind of [network], or its unknown keys."""
    table, cls = tables["network"], network_class(tables)
    kind = table.get("kind", NetworkConfig.kind)
    if not isinstance(kind, str) or kind not in NETWORKS:
        wanted = " or ".join(f'"{known}"' for known in NETWORKS)
        return [f"network.kind: must be {wanted}{suggest(kind, NETWORKS)}"]
    own = {key: value for key, value in table.items() if key != "kind"}
    return _unknown_keys("network", own, cls)


def _foreign_tables(tables: Mapping[str, Any]) -> list[str]:
    """Tables that the kind of the network does not have."""
    cls = network_class(tables)
    return [
        f"{name}: a network of the kind {cls.kind} has none; take [{name}] out, or set network.kind"
        for name in OF_NETWORKS
        if name not in cls.parts and tables.get(name)
    ]


def _unknown_keys(name: str, table: Mapping[str, Any], cls: type) -> list[str]:
    known, problems = own_keys(cls), []
    old = [key for key in versions.OLD if key.startswith(f"{name}.")]
    old = old if cls in _PARTS.values() else []
    for key in table:
        if key not in known and f"{name}.{key}" not in old:
            problems.append(f"{name}.{key}: unknown key{_suggestion(name, key, cls)}")
    return problems


def _suggestion(name: str, key: str, cls: type) -> str:
    """The nearest key of a table; of [network] also those that are the neuron's, or
    another kind's.
    """
    close = nearest(key, own_keys(cls))
    moved = nearest(f"{name}.{key}", versions.OLD)
    if name == "network":
        owners = [kind for kind, other in NETWORKS.items() if key in own_keys(other)]
        if owners:
            return f"; it is one of a network of the kind {owners[0]}, this one is {cls.kind}"
    of_other = name == "network" and cls is not NetworkConfig
    if close is None and moved is not None and not of_other:
        return f"; did you mean {versions.OLD[moved]}?"
    return suggest(key, own_keys(cls))


def _network_arguments(tables: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Arguments of the network's class of the table [network] and those of its parts,
    and what is wrong between the tables of several neurons.
    """
    network, spread = tables.get("network", {}), tables.get("spread", {})
    cls = network_class(tables)
    parts = {name: tables[name] for name in cls.parts if name in tables}
    if cls is not NetworkConfig:
        return {key: value for key, value in network.items() if key != "kind"} | parts, []
    neuron, trained, problems = neurons.from_table(tables.get("neuron", {}))
    without = ("kind", *versions.ELSEWHERE[1:])
    made = {key: value for key, value in network.items() if key not in without}
    if isinstance(neuron, list):
        # keys of 0.1, which `versions.twice` tells
        made = {key: value for key, value in made.items() if f"network.{key}" not in versions.OLD}
        made |= {"neuron": neuron, "spread": spread}
    else:
        if versions.old_keys({"network": network}):
            if "kind" in neuron:
                made["neuron"] = neuron["kind"]
            made = versions.from_flat(made)
        for key, table in (("neuron", neuron), ("spread", spread)):
            if table or key in made:
                made[key] = {**made.get(key, {}), **table}
    made |= {"synapse": parts["synapse"]} if "synapse" in parts else {}
    return made | trained, problems


def _placed(name: str, problem: str) -> str:
    """A problem of a part's key with its table."""
    key, colon, sentence = problem.partition(": ")
    if key.partition(".")[0].partition("[")[0] in TABLES:
        return problem
    return f"{place_of(name, key)}{colon}{sentence}"


def place_of(name: str, key: str) -> str:
    """Where a key of a table, or of a class that has its name, stands in a file."""
    moved = {"trained": "neuron.train", "trained_per": "neuron.train_per"}
    return (moved.get(key) if name == "network" else None) or f"{name}.{key}"


def to_tables(config: RunConfig) -> dict[str, Any]:
    """Nested dictionaries of a RunConfig, of Python's own numbers, texts and tuples; of
    different neurons or synapses a list of dictionaries.
    """
    network = config.network
    parts = {
        name: {key: plain(getattr(part, key)) for key in own_keys(type(part))}
        for name, part in (("network", network), ("train", config.train), ("data", config.data))
    }
    return {
        **_network_tables(network, parts["network"]),
        "task": config.task.table(),
        "estimator": config.train.estimator.table(),
        "writer": config.train.writer.table(),
        "train": parts["train"],
        "data": parts["data"],
    }


def _network_tables(network: Any, own: dict[str, Any]) -> dict[str, Any]:
    """[network] and the tables of its parts."""
    if not isinstance(network, NetworkConfig):
        parts = {name: entries_table(name, getattr(network, name)) for name in network.parts}
        if "spread" in parts:
            parts["spread"] = _spread_table(network.spread, network.neuron)
        return {"network": {"kind": network.kind, **own}, **parts}
    spread = _spread_table(network.spread, *network.neurons)
    synapse = entries_table("synapse", network.synapse)
    neuron = neurons.to_table(network)
    return {"network": own, "neuron": neuron, "spread": spread, "synapse": synapse}


def _spread_table(spread: Spread, *neurons: Any) -> dict[str, Any]:
    """[spread] with the names of all that neurons of these kinds have."""
    return {**{name: spread.get(name) for name in spreads_of(*neurons)}, "seed": spread.seed}


def automatic(config: RunConfig) -> dict[str, Any]:
    """{key: value} that a RunConfig takes where the key is None.

    `test_fraction` is that of data without a test part of their own.
    """
    return {
        **config.network.automatic(),
        "split_seed": config.resolved_split_seed,
        "test_fraction": TEST_FRACTION,
        **config.data.built_in,
    }


def known_keys() -> dict[str, str]:
    """{"table.key": unit} of all keys, those of all known kinds and of 0.1 too."""
    classes = [*_PARTS.items(), *(("network", cls) for cls in NETWORKS.values())]
    found = {f"{name}.{key}": "1" for name, cls in classes for key in own_keys(cls)}
    found["network.kind"] = "1"
    for name, cls in classes:
        found |= {f"{name}.{key}": q.unit for key, q in quantities(cls).items()}
    found |= {"neuron.train": "1", "neuron.train_per": "1", "spread.seed": "1"}
    for role in kinds.BUILT_IN:
        found[f"{role}.kind"] = "1"
        for kind in kinds.names_of(role):
            cls = kinds.kind_of(role, kind)
            found |= {f"{role}.{key}": "1" for key in keys_of(cls)}
            found |= {f"{role}.{key}": q.unit for key, q in quantities(cls).items()}
    for kind in kinds.names_of("neuron"):
        found |= {f"spread.{key}": "1" for key in spreads_of(kinds.kind_of("neuron", kind))}
    return found | {old: found.get(new, "1") for old, new in versions.OLD.items()}
