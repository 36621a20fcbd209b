"""What a run is: frozen dataclasses for the network, the training and the data, read from TOML and checked as a whole.

Quantities are in SI units here (seconds). The kernels work in reduced units (time in relaxation times, drive in damping rates);
`NetworkConfig.reduced` is the one place that converts.
"""

import dataclasses
import itertools
import math
import typing
from dataclasses import dataclass, field
from typing import Literal

from spinrnn.config.tables import check, keys_of, suggest
from spinrnn.errors import ConfigError

LARGEST_RATIO = 1e5
"""Times that differ by more from the relaxation time are taken for a mistake of units."""
LARGEST_NUMBER = 1e9
"""Of dimensionless quantities; all their products stay far from the limits of float32."""
LARGEST_NETWORK = 1e10
"""Weights."""
LARGEST_THERMAL_POWER = 0.1
"""In units of the normalised power: beyond it eq. (1) has lost its meaning."""
TEST_FRACTION = 0.2
"""Of data without a test part of their own, where `DataConfig.test_fraction` is None."""


class Reduced(typing.NamedTuple):
    """The time scales of a network in reduced units: time in relaxation times, rates in damping rates."""

    step: float  # h: length of a substep
    blend: float  # share of the way to its target that the high-pass filter's mean (CTRNN: the state) goes in one substep
    rest: float  # power at the start: the fixed point (xi_0 - 1) / (xi_0 + Q) for the bias alone; 0 for the CTRNN


@dataclass(frozen=True)
class NetworkConfig:
    """The network and its time stepping. Times in seconds; equation numbers of docs/MODEL.md.

    [paper] marks what comes from arXiv:2408.02835, [field] standard oscillator theory, [ours] a choice of this project.

    Attributes:
        layers: neurons in each layer [paper: 32, 32, 32].
        inputs: input channels.
        outputs: classes.
        neuron: "oscillator", eq. (1), or "ctrnn", its software twin.
        scheme: "exponential", second order, or "euler", first order.
        substeps: substeps of one input interval; None means ceil(4 input_interval / relaxation_time) [ours].
        input_interval: Delta t, time for which one input value is held (s) [ours: 10 ns].
        relaxation_time: tau = 1 / gamma (s) [ours: 10 ns].
        highpass_time: tau_hp of the filter that removes the mean power, eq. (2) (s) [ours: 10 tau]; the CTRNN has none.
        bias_ratio: xi_0 = fixed bias / threshold, the supercriticality; above 1 [ours: 2]; the CTRNN has none.
        nonlinear_damping: Q, dimensionless [field].
        power_floor: smallest power, stands for thermal fluctuations; 0 switches it off [ours].
        amplification: A, one number or one for each layer [paper: an amplification on each path].
        output_amplification: A_out [ours: 10].
        readout_window: 0 reads the output at the end of the sequence, w averages over its last w input intervals [ours].
        density_int, density_ext: share of the entries of each W_int, W_ext (input weights included) that exist, in (0, 1].
        dtype: "float32" or "float64".
        thermal_power: eta, mean power that thermal noise alone sustains in an undriven oscillator, eq. (6); 0 is no noise [field]. It follows from a
            measured linewidth by `spinrnn.thermal_power`; the CTRNN has none.
        spread_gamma, spread_nonlinear_damping, spread_bias, spread_gain: relative standard deviation from neuron to neuron of gamma, of Q, of the
            fixed bias xi_0 and of the amplification A, as in 0.1; log-normal [ours]. That of Q has no effect where Q is 0, the default; the CTRNN has none.
        device_seed: of these differences; the same number is the same set of devices [ours].
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

    def __post_init__(self):
        check(self)

    @property
    def resolved_substeps(self):
        """S: `substeps`, or where that is None the smallest number that keeps a substep at most a quarter of the relaxation time."""
        if self.substeps is not None:
            return self.substeps
        # the margin keeps 4 * 10e-9 / 10e-9 from rounding up to 5
        return max(1, math.ceil(4 * self.input_interval / self.relaxation_time - 1e-9))

    @property
    def amplifications(self):
        """A_l of each layer, a tuple."""
        return (
            self.amplification
            if isinstance(self.amplification, tuple)
            else (self.amplification,) * len(self.layers)
        )

    def problems(self):
        """Yields what is impossible about the values; types are right already."""
        if not self.layers:
            yield "layers: give at least one layer, as in [32, 32, 32]"
        if any(n < 1 for n in self.layers):
            yield f"layers: each layer needs at least 1 neuron, got {list(self.layers)}"
        for name in ("inputs", "outputs"):
            if getattr(self, name) < 1:
                yield f"{name}: must be at least 1, got {getattr(self, name)}"
        if self.substeps is not None and self.substeps < 1:
            yield f"substeps: must be at least 1, got {self.substeps}"
        for name in ("input_interval", "relaxation_time", "highpass_time"):
            if not getattr(self, name) > 0:
                yield f"{name}: must be a positive time in seconds, got {getattr(self, name)}"
            elif (
                self.relaxation_time > 0
                and not 1 / LARGEST_RATIO
                < getattr(self, name) / self.relaxation_time
                < LARGEST_RATIO
            ):
                yield (
                    f"{name}: {getattr(self, name):g} s is out of all proportion to relaxation_time, {self.relaxation_time:g} s; "
                    "times are in seconds, as in 10e-9"
                )
        if self.neuron == "oscillator" and not self.bias_ratio > 1:
            yield f"bias_ratio: must be above 1, else the oscillator is below its threshold and silent, got {self.bias_ratio}"
        for name in ("bias_ratio", "nonlinear_damping"):
            if not 0 <= getattr(self, name) <= LARGEST_NUMBER:
                yield f"{name}: must be from 0 to {LARGEST_NUMBER:g}, got {getattr(self, name)}"
        if not 0 <= self.power_floor < 0.1:
            yield f"power_floor: must be in [0, 0.1), got {self.power_floor}"
        if isinstance(self.amplification, tuple) and len(self.amplification) != len(self.layers):
            yield f"amplification: give one number, or one for each of the {len(self.layers)} layers, got {len(self.amplification)}"
        for name, gains in (
            ("amplification", self.amplifications),
            ("output_amplification", (self.output_amplification,)),
        ):
            wrong = [a for a in gains if not 1 / LARGEST_NUMBER <= a <= LARGEST_NUMBER]
            if wrong:
                yield f"{name}: must be from {1 / LARGEST_NUMBER:g} to {LARGEST_NUMBER:g}, got {wrong[0]}"
        widths = (self.inputs, *self.layers, self.outputs)
        weights = sum(a * b for a, b in itertools.pairwise(widths)) + sum(
            n * n for n in self.layers
        )
        if weights > LARGEST_NETWORK:
            yield f"layers: {weights:.1e} weights are more than {LARGEST_NETWORK:.0e}; is that meant?"
        if self.readout_window < 0:
            yield f"readout_window: must be 0 or a number of input intervals, got {self.readout_window}"
        for name in ("density_int", "density_ext"):
            if not 0 < getattr(self, name) <= 1:
                yield f"{name}: must be in (0, 1], got {getattr(self, name)}"
        if not 0 <= self.thermal_power <= LARGEST_THERMAL_POWER:
            yield f"thermal_power: must be from 0 to {LARGEST_THERMAL_POWER:g}, in units of the normalised power, got {self.thermal_power}"
        for name in ("spread_gamma", "spread_nonlinear_damping", "spread_bias", "spread_gain"):
            if not 0 <= getattr(self, name) <= 1:
                yield f"{name}: must be a relative standard deviation from 0 to 1, as in 0.1 for 10 %, got {getattr(self, name)}"
        if self.device_seed < 0:
            yield f"device_seed: must not be negative, got {self.device_seed}"

    def reduced(self):
        """Converts to the kernels' units. Returns a `Reduced`."""
        step = self.input_interval / self.relaxation_time / self.resolved_substeps
        if self.neuron == "ctrnn":
            return Reduced(step, step if self.scheme == "euler" else -math.expm1(-step), 0.0)
        blend = -math.expm1(-step * self.relaxation_time / self.highpass_time)
        return Reduced(
            step, blend, (self.bias_ratio - 1) / (self.bias_ratio + self.nonlinear_damping)
        )


@dataclass(frozen=True)
class TrainConfig:
    """How the network is trained. All choices are [ours]; the paper says "standard machine learning".

    Attributes:
        epochs: passes over the training part.
        batch: samples in a batch; the last batch of an epoch may be smaller.
        learning_rate: of Adam, at the start.
        schedule: "cosine" lets the rate fall to zero over the run, "constant" keeps it.
        beta1, beta2, epsilon: of Adam (Kingma & Ba 2015, arXiv:1412.6980).
        weight_decay: decoupled (Loshchilov & Hutter 2019, arXiv:1711.05101), on weights, not on biases.
        clip: largest norm of the gradient; larger ones are scaled down; 0 switches it off.
        noise: standard deviation of Gaussian noise added to the training inputs, in units of the inputs; 0 is the paper's plain protocol.
        seed: of the initial weights, masks, order of the samples and noise.
        checkpoint_seconds: time between checkpoints within an epoch; 0 writes one after each batch.
        checkpoints: that are kept, the newest ones. A damaged one is skipped on resuming, so keep two at least where disks are not trusted.
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

    def __post_init__(self):
        check(self)

    def problems(self):
        for name in ("epochs", "batch", "checkpoints"):
            if getattr(self, name) < 1:
                yield f"{name}: must be at least 1, got {getattr(self, name)}"
        if not 0 < self.learning_rate <= LARGEST_NUMBER:
            yield f"learning_rate: must be positive and at most {LARGEST_NUMBER:g}, got {self.learning_rate}"
        if not 1e-30 <= self.epsilon <= 1:
            yield f"epsilon: must be from 1e-30 to 1, got {self.epsilon}"
        for name in ("beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                yield f"{name}: must be in [0, 1), got {getattr(self, name)}"
        for name in ("weight_decay", "clip", "noise", "checkpoint_seconds", "seed"):
            if getattr(self, name) < 0:
                yield f"{name}: must not be negative, got {getattr(self, name)}"
        for name in ("weight_decay", "noise"):
            if getattr(self, name) > LARGEST_NUMBER:
                yield f"{name}: must be at most {LARGEST_NUMBER:g}, got {getattr(self, name)}"


@dataclass(frozen=True)
class DataConfig:
    """What the network learns and how it is split; stratified, so every class has its share in each part.

    Attributes:
        source: "digits"; or a .npz or .h5 file with `inputs` (case, channel, time), `labels` (case,), where sequences differ `lengths`
            (case,) in input points, and where the test part is given `test` (case,), 1 for its cases and 0 for the others; or a folder
            of IDX files under MNIST's names (train-images-idx3-ubyte, t10k-labels-idx1-ubyte.gz ...), whose t10k files are the test
            part. A relative path counts from the folder of the configuration file.
        validation_fraction: share that chooses the best epoch, of all cases, or of those outside the test part that the data bring.
        test_fraction: share of all cases that is read once, at the end. None means the test part that the data bring, else 0.2; for
            data that bring theirs a number is an error.
        split_seed: of the split; None means train.seed, so that the median over several seeds does not hang on one draw of the test
            part; a number keeps the parts fixed while train.seed varies.
    """

    source: str = "digits"
    validation_fraction: float = 0.1
    test_fraction: float | None = None
    split_seed: int | None = None

    def __post_init__(self):
        check(self)

    def problems(self):
        if not self.source:
            yield 'source: must be "digits" or the path of a .npz or .h5 file or of a folder of IDX files'
        shares = {
            "validation_fraction": self.validation_fraction,
            "test_fraction": self.test_fraction,
        }
        shares = {name: share for name, share in shares.items() if share is not None}
        impossible = [name for name, share in shares.items() if not 0 < share < 1]
        for name in impossible:
            yield f"{name}: must be between 0 and 1, got {shares[name]}"
        if not impossible and sum(shares.values()) >= 1:
            yield "validation_fraction: with test_fraction it leaves nothing to train on"
        if self.split_seed is not None and self.split_seed < 0:
            yield f"split_seed: must not be negative, got {self.split_seed}"


@dataclass(frozen=True)
class RunConfig:
    """A whole run: tables [network], [train] and [data] of a configuration file."""

    network: NetworkConfig = field(default_factory=NetworkConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    data: DataConfig = field(default_factory=DataConfig)

    @property
    def resolved_split_seed(self):
        """`data.split_seed`, or where that is None `train.seed`."""
        return self.train.seed if self.data.split_seed is None else self.data.split_seed

    def __post_init__(self):
        parts = {"network": NetworkConfig, "train": TrainConfig, "data": DataConfig}
        problems = [
            f"{name}: must be a {cls.__name__}"
            for name, cls in parts.items()
            if not isinstance(getattr(self, name), cls)
        ]
        if problems:
            raise ConfigError(problems)


# ---- types ----


# ---- TOML ----


def from_tables(tables):
    """Makes a RunConfig of nested dictionaries, as read from TOML.

    Raises:
        ConfigError: listing every unknown, mistyped and impossible value; names the closest known key.
    """
    sections = typing.get_type_hints(RunConfig)
    problems, made = [], {}
    for name, table in tables.items():
        if name not in sections:
            owners = [s for s, cls in sections.items() if name in keys_of(cls)]
            hint = (
                f"; it belongs into the table [{owners[0]}]" if owners else suggest(name, sections)
            )
            problems.append(
                f"{name}: unknown {'table' if isinstance(table, dict) else 'key'}{hint}"
            )
        elif not isinstance(table, dict):
            problems.append(f"{name}: must be a table, write [{name}] and its keys below")
        else:
            known = keys_of(sections[name])
            problems += [
                f"{name}.{key}: unknown key{suggest(key, known)}"
                for key in table
                if key not in known
            ]
            try:
                made[name] = sections[name](
                    **{key: value for key, value in table.items() if key in known}
                )
            except ConfigError as error:
                problems += [f"{name}.{problem}" for problem in error.problems]
    if problems:
        raise ConfigError(problems)
    return RunConfig(**made)


def to_tables(config):
    """Nested dictionaries of a RunConfig."""
    return dataclasses.asdict(config)


def automatic(config):
    """{key: value} that a RunConfig takes where the key is None. `test_fraction` is that of data without a test part of their own."""
    return {
        "substeps": config.network.resolved_substeps,
        "split_seed": config.resolved_split_seed,
        "test_fraction": TEST_FRACTION,
    }
