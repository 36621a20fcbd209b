"""What a run is: frozen dataclasses for the network, the training and the data.

Quantities are in SI units here (seconds). The kernels work in reduced units (time in
relaxation times, drive in damping rates); `NetworkConfig.reduced` is the one place that
converts.
"""

import dataclasses
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from spinrnn.config.tables import Problems, check, from_nested
from spinrnn.errors import ConfigError

LARGEST_RATIO = 1e5
"""Of a time to the relaxation time: more is taken for a mistake of units."""
LARGEST_NUMBER = 1e9
"""Of dimensionless quantities; products of them stay far from the limits of float32."""
LARGEST_NETWORK = 1e10
"""Weights."""
LARGEST_THERMAL_POWER = 0.1
"""In units of the normalised power: beyond it eq. (1) has lost its meaning."""
TEST_FRACTION = 0.2
"""Of data without a test part of their own, where `DataConfig.test_fraction` is
None."""


class Reduced(NamedTuple):
    """Time scales of a network in reduced units: relaxation times, damping rates.

    Attributes:
        step: h, length of a substep.
        blend: relaxation factor of one substep: the share of its distance to the target
            that the high-pass filter's mean (CTRNN: the state) covers.
        rest: power at the start, the fixed point (xi_0 - 1) / (xi_0 + Q) for the bias
            alone; 0 for the CTRNN.
    """

    step: float
    blend: float
    rest: float


@dataclass(frozen=True)
class NetworkConfig:
    """The network and its time stepping. Times in seconds; equations of docs/MODEL.md.

    [paper] marks what comes from arXiv:2408.02835, [field] standard oscillator theory,
    [ours] a choice of this project. NumPy numbers and lists count as Python's numbers
    and tuples.

    Attributes:
        layers: neurons in each layer [paper: 32, 32, 32].
        inputs: input channels.
        outputs: classes.
        neuron: "oscillator", eq. (1), or "ctrnn", its software twin.
        scheme: "exponential", second order, or "euler", first order.
        substeps: substeps of one input interval; None means
            ceil(4 input_interval / relaxation_time) [ours].
        input_interval: Delta t, time for which one input value is held (s) [ours: 10
            ns].
        relaxation_time: tau = 1 / gamma (s) [ours: 10 ns].
        highpass_time: tau_hp of the filter that removes the mean power, eq. (2) (s)
            [ours: 10 tau]; the CTRNN has none.
        bias_ratio: xi_0 = fixed bias / threshold, the supercriticality; above 1 [ours:
            2]; the CTRNN has none.
        nonlinear_damping: Q, dimensionless [field].
        power_floor: smallest power, stands for thermal fluctuations; 0 is none [ours].
        amplification: A, one number or one for each layer [paper: an amplification on
            each path].
        output_amplification: A_out [ours: 10].
        readout_window: 0 reads the output at the end of the sequence, w averages over
            its last w input intervals [ours].
        density_int: share of the entries of each W_int that exist, in (0, 1].
        density_ext: the same of each W_ext, input weights included.
        dtype: "float32" or "float64".
        thermal_power: eta, mean power that thermal noise alone sustains in an undriven
            oscillator, eq. (6); 0 is no noise [field]. It follows from a measured
            linewidth by `spinrnn.thermal_power`; the CTRNN has none.
        spread_gamma: relative standard deviation of gamma from neuron to neuron, as in
            0.1; log-normal [ours]. The CTRNN has no spread.
        spread_nonlinear_damping: the same of Q; without effect where Q is 0, the
            default.
        spread_bias: the same of the fixed bias xi_0.
        spread_gain: the same of the amplification A.
        device_seed: of these differences; the same number is the same devices [ours].

    Raises:
        ConfigError: all impossible values at once.
    """

    layers: tuple[int, ...] = (32, 32, 32)
    inputs: int = 1
    outputs: int = 10
    neuron: Literal["oscillator", "ctrnn"] = "oscillator"
    scheme: Literal["exponential", "euler"] = "exponential"
    substeps: int | None = None
    input_interval: float = 10e-9
    relaxation_time: float = 10e-9
    highpass_time: float = 100e-9
    bias_ratio: float = 2.0
    nonlinear_damping: float = 0.0
    power_floor: float = 1e-6
    amplification: float | tuple[float, ...] = 1.0
    output_amplification: float = 10.0
    readout_window: int = 0
    density_int: float = 1.0
    density_ext: float = 1.0
    dtype: Literal["float32", "float64"] = "float32"
    thermal_power: float = 0.0
    spread_gamma: float = 0.0
    spread_nonlinear_damping: float = 0.0
    spread_bias: float = 0.0
    spread_gain: float = 0.0
    device_seed: int = 0

    def __post_init__(self) -> None:
        check(self)

    @property
    def resolved_substeps(self) -> int:
        """S: `substeps`; where that is None a substep is at most a quarter of tau."""
        if self.substeps is not None:
            return self.substeps
        # the margin keeps 4 * 10e-9 / 10e-9 from rounding up to 5
        return max(1, math.ceil(4 * self.input_interval / self.relaxation_time - 1e-9))

    @property
    def amplifications(self) -> tuple[float, ...]:
        """A_l of each layer."""
        if isinstance(self.amplification, tuple):
            return self.amplification
        return (self.amplification,) * len(self.layers)

    def reduced(self) -> Reduced:
        """The time scales in the kernels' units."""
        step = self.input_interval / self.relaxation_time / self.resolved_substeps
        if self.neuron == "ctrnn":
            return Reduced(step, step if self.scheme == "euler" else -math.expm1(-step), 0.0)
        blend = -math.expm1(-step * self.relaxation_time / self.highpass_time)
        rest = (self.bias_ratio - 1) / (self.bias_ratio + self.nonlinear_damping)
        return Reduced(step, blend, rest)

    def problems(self) -> list[str]:
        """What is impossible about the values, a sentence each."""
        found = Problems(self)
        _check_sizes(self, found)
        _check_times(self, found)
        _check_neurons(self, found)
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
    window = c.readout_window
    found.require(window >= 0, "readout_window", "0 or a number of input intervals")
    forward = itertools.pairwise((c.inputs, *c.layers, c.outputs))
    weights = sum(a * b for a, b in forward) + sum(n * n for n in c.layers)
    if weights > LARGEST_NETWORK:
        many = f"{weights:.1e} weights are more than {LARGEST_NETWORK:.0e}"
        found.add("layers", f"{many}; is that meant?")


def _check_times(c: NetworkConfig, found: Problems) -> None:
    found.require(c.substeps is None or c.substeps >= 1, "substeps", "at least 1")
    for key in ("input_interval", "relaxation_time", "highpass_time"):
        time, unit = getattr(c, key), c.relaxation_time
        found.require(time > 0, key, "a positive time in seconds")
        if time > 0 and unit > 0 and not 1 / LARGEST_RATIO < time / unit < LARGEST_RATIO:
            far = f"{time:g} s is out of all proportion to relaxation_time, {unit:g} s"
            found.add(key, f"{far}; times are in seconds, as in 10e-9")


def _check_neurons(c: NetworkConfig, found: Problems) -> None:
    above = c.bias_ratio > 1 or c.neuron != "oscillator"
    silent = "above 1, else the oscillator is below its threshold and silent"
    found.require(above, "bias_ratio", silent)
    for key in ("bias_ratio", "nonlinear_damping"):
        found.require(0 <= getattr(c, key) <= LARGEST_NUMBER, key, f"from 0 to {LARGEST_NUMBER:g}")
    found.require(0 <= c.power_floor < 0.1, "power_floor", "in [0, 0.1)")
    found.require(
        0 <= c.thermal_power <= LARGEST_THERMAL_POWER,
        "thermal_power",
        f"from 0 to {LARGEST_THERMAL_POWER:g}, in units of the normalised power",
    )
    deviation = "a relative standard deviation from 0 to 1, as in 0.1 for 10 %"
    for key in ("spread_gamma", "spread_nonlinear_damping", "spread_bias", "spread_gain"):
        found.require(0 <= getattr(c, key) <= 1, key, deviation)
    if c.device_seed < 0:
        found.add("device_seed", f"must not be negative, got {c.device_seed}")


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


@dataclass(frozen=True)
class TrainConfig:
    """How the network is trained. All choices are [ours]; the paper says "standard
    machine learning".

    Attributes:
        epochs: passes over the training part.
        batch: samples in a batch; the last batch of an epoch may be smaller.
        learning_rate: of Adam, at the start.
        schedule: "cosine" lets the rate fall to zero over the run, "constant" keeps it.
        beta1: of Adam (Kingma & Ba 2015, arXiv:1412.6980), decay of the first moment.
        beta2: the same of the second moment.
        epsilon: of Adam, added to the root of the second moment.
        weight_decay: decoupled (Loshchilov & Hutter 2019, arXiv:1711.05101), on
            weights, not on biases.
        clip: largest norm of the gradient; larger ones are scaled down; 0 switches it
            off.
        noise: standard deviation of Gaussian noise added to the training inputs, in
            units of the inputs; 0 is the paper's plain protocol.
        seed: of the initial weights, masks, order of the samples and noise.
        checkpoint_seconds: time between checkpoints within an epoch; 0 writes one after
            each batch.
        checkpoints: that are kept, the newest ones. A damaged one is skipped on
            resuming, so keep two at least where disks are not trusted.

    Raises:
        ConfigError: all impossible values at once.
    """

    epochs: int = 300
    batch: int = 128
    learning_rate: float = 2e-2
    schedule: Literal["cosine", "constant"] = "cosine"
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    clip: float = 1.0
    noise: float = 0.15
    seed: int = 0
    checkpoint_seconds: float = 10.0
    checkpoints: int = 2

    def __post_init__(self) -> None:
        check(self)

    def problems(self) -> list[str]:
        """What is impossible about the values, a sentence each."""
        found = Problems(self)
        for key in ("epochs", "batch", "checkpoints"):
            found.require(getattr(self, key) >= 1, key, "at least 1")
        rate = f"positive and at most {LARGEST_NUMBER:g}"
        found.require(0 < self.learning_rate <= LARGEST_NUMBER, "learning_rate", rate)
        found.require(1e-30 <= self.epsilon <= 1, "epsilon", "from 1e-30 to 1")
        for key in ("beta1", "beta2"):
            found.require(0 <= getattr(self, key) < 1, key, "in [0, 1)")
        for key in ("weight_decay", "clip", "noise", "checkpoint_seconds", "seed"):
            if getattr(self, key) < 0:
                found.add(key, f"must not be negative, got {getattr(self, key)}")
        for key in ("weight_decay", "noise"):
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
            configuration file.
        validation_fraction: share that chooses the best epoch, of all cases, or of
            those outside the test part that the data bring.
        test_fraction: share of all cases that is read once, at the end. None means the
            test part that the data bring, else 0.2; for data that bring theirs a number
            is an error.
        split_seed: of the split; None means train.seed, so that the median over several
            seeds does not hang on one draw of the test part; a number keeps the parts
            fixed while train.seed varies.

    Raises:
        ConfigError: all impossible values at once.
    """

    source: str = "digits"
    validation_fraction: float = 0.1
    test_fraction: float | None = None
    split_seed: int | None = None

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
        if self.split_seed is not None and self.split_seed < 0:
            found.add("split_seed", f"must not be negative, got {self.split_seed}")
        return found


@dataclass(frozen=True)
class RunConfig:
    """A whole run: tables [network], [train] and [data] of a configuration file.

    Raises:
        ConfigError: a table is not of its class.
    """

    network: NetworkConfig = field(default_factory=NetworkConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    data: DataConfig = field(default_factory=DataConfig)

    @property
    def resolved_split_seed(self) -> int:
        """`data.split_seed`, or where that is None `train.seed`."""
        return self.train.seed if self.data.split_seed is None else self.data.split_seed

    def __post_init__(self) -> None:
        parts = {"network": NetworkConfig, "train": TrainConfig, "data": DataConfig}
        problems = [
            f"{name}: must be a {cls.__name__}"
            for name, cls in parts.items()
            if not isinstance(getattr(self, name), cls)
        ]
        if problems:
            raise ConfigError(problems)


def from_tables(tables: Mapping[str, Any]) -> RunConfig:
    """Makes a RunConfig of nested dictionaries, as read from TOML.

    Raises:
        ConfigError: every unknown, mistyped and impossible value, with the nearest
            known key.
    """
    return from_nested(RunConfig, tables)


def to_tables(config: RunConfig) -> dict[str, dict[str, Any]]:
    """Nested dictionaries of a RunConfig, of Python's own numbers, texts and tuples."""
    return dataclasses.asdict(config)


def automatic(config: RunConfig) -> dict[str, Any]:
    """{key: value} that a RunConfig takes where the key is None.

    `test_fraction` is that of data without a test part of their own.
    """
    return {
        "substeps": config.network.resolved_substeps,
        "split_seed": config.resolved_split_seed,
        "test_fraction": TEST_FRACTION,
    }
