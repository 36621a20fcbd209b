"""What a network without time is: layers, one after the other, whose neurons have no
state. The table [network] with kind = "feedforward".
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from spinrnn.config.layered import LayeredConfig
from spinrnn.config.parts import (
    LARGEST_NUMBER,
    check_weights,
    kind_part,
)
from spinrnn.config.quantity import quantity
from spinrnn.config.static import FOLLOWING
from spinrnn.config.tables import Problems, unsaid


@dataclass(frozen=True)
class FeedforwardConfig(LayeredConfig):
    """A network without time: eq. (F1) to (F4) of docs/MODEL.md.

    Attributes:
        layers: neurons in each hidden layer; none: the inputs are summed once.
        inputs: numbers of a case.
        outputs: classes, or values.
        activation: what a hidden neuron makes of its sum, as ReLU().
        synapse: a kind of synapse, as Ideal(), or a tuple with one for each layer, that
            of the outputs last.
        normalisation: "batch" gives the sums of each neuron the mean 0 and the variance
            1 over a batch, times a gain and plus a shift that are trained (Ioffe &
            Szegedy 2015, arXiv:1502.03167); "none" leaves them.
        statistics: of "batch", by which cases are judged that are not learned from:
            "running" takes means over the training, "batch" those of the cases that are
            asked for together.
        momentum: of "running", the share that a batch has in the mean.
        bias: whether a constant is added to each sum; behind batch normalisation the
            shift is that constant, as one before it would be subtracted again.
        bias_deviation: standard deviation of the biases at the start, times the square
            root of their number.
        amplification: one number, or one for each layer, that of the outputs last; what
            the products of weights are multiplied with.
        output_amplification: what the last layer's sums are multiplied with.
        neuron_seed: of the differences between neurons, where the activation has any.
        dtype: "float32" or "float64".
        abilities: what an estimator may ask of such a network.

    Raises:
        ConfigError: all impossible values at once.
    """

    layers: tuple[int, ...] = (128,)
    inputs: int = unsaid(FOLLOWING["inputs"])
    outputs: int = unsaid(FOLLOWING["outputs"])
    activation: Any = None
    synapse: Any = None
    normalisation: Literal["none", "batch"] = "none"
    statistics: Literal["running", "batch"] = "running"
    momentum: float = quantity(0.1, about="share of a batch in running means", above=0, high=1)
    bias: bool = True
    bias_deviation: float = quantity(0.0, about="of biases at the start", low=0)
    amplification: float | tuple[float, ...] = 1.0
    output_amplification: float = 1.0
    neuron_seed: int = 0
    dtype: Literal["float32", "float64"] = "float32"
    follows: Any = field(default=(), repr=False, compare=False)

    kind: ClassVar[str] = "feedforward"
    abilities: ClassVar[frozenset[str]] = frozenset({"adjoint", "twin"})
    parts: ClassVar[tuple[str, ...]] = ("activation", "synapse")
    read_with: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "statistics": {"normalisation": "batch"},
        "momentum": {"normalisation": "batch"},
        "bias_deviation": {"bias": True},
    }

    def _make_parts(self) -> list[str]:
        return self._make_with_synapses({"activation": kind_part("activation")})

    @property
    def kinds(self) -> tuple[Any, ...]:
        """All kinds that take part."""
        return (self.activation, *dict.fromkeys(self.synapses))

    @property
    def biased(self) -> bool:
        """Whether there are biases among the parameters."""
        return self.bias and self.normalisation == "none"

    @property
    def summary(self) -> tuple[str, str]:
        """What its neurons are, and its steps, in a few words each."""
        return self.activation.kind, "without time"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """{block: shape} of its parameters, as of `Layout.blocks`."""
        pairs = list(enumerate(itertools.pairwise(self.sizes)))
        shapes = {f"w_{i}": (n, before) for i, (before, n) in pairs}
        vectors = ["bias"] if self.biased else []
        vectors += ["gain", "shift"] if self.normalisation == "batch" else []
        return shapes | {f"{name}_{i}": (n,) for name in vectors for i, (_, n) in pairs}

    def axes(self, block: str) -> tuple[str, ...]:
        """Names of the axes of a block, as ("neuron_1", "neuron_0") of w_1."""
        stem, _, number = block.rpartition("_")
        layer, last = int(number), len(self.layers)
        to = "class" if layer == last else f"neuron_{layer}"
        source = "input" if layer == 0 else f"neuron_{layer - 1}"
        return (to, source) if stem == "w" else (to,)

    def deviation(self, block: str, shape: tuple[int, ...]) -> float:
        """Standard deviation of a block's numbers as they are drawn."""
        if block.startswith("w_"):
            hidden = int(block.rpartition("_")[2]) < len(self.layers)
            return (self.activation.start_gain if hidden else 1.0) / math.sqrt(shape[1])
        return self.bias_deviation / math.sqrt(shape[0]) if block.startswith("bias") else 0.0

    def misfits(self, train: Any) -> list[str]:
        """What a `TrainConfig` asks for that such a network does not have, a sentence
        each.
        """
        if self.normalisation != "batch":
            return []
        problems = []
        if train.average:
            reason = "running means of batch normalisation do not belong to a mean of weights"
            problems.append(f"train.average: {reason}; set it to 0")
        if train.batch == 1:
            reason = "one case has no variance, by which batch normalisation could divide"
            problems.append(f'train.batch: {reason}; take more, or network.normalisation = "none"')
        return problems

    def rows(self) -> list[tuple[str, Any]]:
        """What a notebook shows of the network: (name, value)."""
        normal = self.normalisation
        return [
            ("sizes", self.sizes),
            ("activation", self.activation.kind),
            ("synapse", "-".join(dict.fromkeys(one.kind for one in self.synapses))),
            ("normalisation", f"{normal}, {self.statistics}" if normal != "none" else normal),
            ("biases", self.biased),
            ("amplification", self.amplifications),
            ("numbers", self.dtype),
        ]

    def problems(self) -> list[str]:
        """What is impossible about the values, a sentence each."""
        found = Problems(self)
        if any(n < 1 for n in self.layers):
            found.add("layers", f"each layer needs at least 1 neuron, got {list(self.layers)}")
        for key in ("inputs", "outputs"):
            found.require(getattr(self, key) >= 1, key, "at least 1")
        found.require(self.neuron_seed >= 0, "neuron_seed", "0 or more")
        found.require(0 < self.momentum <= 1, "momentum", "in (0, 1]")
        fits = 0 <= self.bias_deviation <= LARGEST_NUMBER
        found.require(fits, "bias_deviation", f"from 0 to {LARGEST_NUMBER:g}")
        self._check_layers(found)
        check_weights(sum(a * b for a, b in itertools.pairwise(self.sizes)), found)
        return found
