"""What a network is that settles: layers coupled both ways by the same weights, whose
neurons relax to a steady state. The table [network] with kind = "symmetric".
"""

import itertools
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from spinrnn.config import neurons
from spinrnn.config.layered import LayeredConfig
from spinrnn.config.parts import (
    LARGEST_NUMBER,
    check_weights,
    kind_part,
)
from spinrnn.config.quantity import quantity
from spinrnn.config.spread import Spread, known_spread, spread_of, spreads_of
from spinrnn.config.static import FOLLOWING
from spinrnn.config.tables import Problems, suggest, unsaid
from spinrnn.notebook import amount

LARGEST_STEPS = 100_000
"""Of a relaxation: more is taken for a mistake."""


@dataclass(frozen=True)
class SymmetricConfig(LayeredConfig):
    """A network that settles: eq. (E1) to (E3) of docs/MODEL.md.

    Attributes:
        layers: neurons in each hidden layer, at least one layer.
        inputs: numbers of a case.
        outputs: classes, or values.
        units: neurons of the last layer for each output, which is their mean.
        neuron: a kind of neuron, as Oscillator(), the same in all layers; None: Rate().
        spread: how much neurons differ from each other, `Spread`.
        synapse: a kind of synapse, or a tuple with one for each layer, that of the
            outputs last.
        steps: T, of the relaxation without nudge.
        step: h, length of a step in s; None: the neuron's unit of time.
        scheme: one of the neuron's schemes; None: that by which it settles.
        start: emitted value and other states before the first step; None: at rest.
        amplification: one number, or one for each layer, that of the outputs last; what
            the sum of all that reaches a neuron is multiplied with.
        output_amplification: of the outputs, which are what the neurons emit, less the
            mean of `levels`.
        levels: emitted values that stand for no and yes.
        start_gain: standard deviation of the initial weights times the square root of
            the number of sources.
        bias_deviation: standard deviation of the biases at the start, times the square
            root of their number.
        dtype: "float32" or "float64".
        abilities: what an estimator may ask of such a network: "equilibrium", a free
            and a nudged relaxation; "adjoint", the exact gradient through the steps.

    Raises:
        ConfigError: all impossible values at once.
    """

    layers: tuple[int, ...] = (256,)
    inputs: int = unsaid(FOLLOWING["inputs"])
    outputs: int = unsaid(FOLLOWING["outputs"])
    units: int = 1
    neuron: Any = None
    spread: Any = field(default_factory=Spread)
    synapse: Any = None
    steps: int = 50
    step: float | None = quantity(None, "s", "length of a step")
    scheme: str | None = None
    start: float | None = None
    amplification: float | tuple[float, ...] = 1.0
    output_amplification: float = 10.0
    levels: tuple[float, ...] = (0.0, 1.0)
    start_gain: float = quantity(
        1 / math.sqrt(3), about="of the initial weights", low=0, high=LARGEST_NUMBER
    )
    bias_deviation: float = quantity(0.0, about="of biases at the start", low=0)
    dtype: Literal["float32", "float64"] = "float32"
    follows: Any = field(default=(), repr=False, compare=False)

    kind: ClassVar[str] = "symmetric"
    abilities: ClassVar[frozenset[str]] = frozenset({"adjoint", "equilibrium"})
    parts: ClassVar[tuple[str, ...]] = ("neuron", "spread", "synapse")

    def _make_parts(self) -> list[str]:
        if self.neuron is None or (isinstance(self.neuron, Mapping) and "kind" not in self.neuron):
            object.__setattr__(self, "neuron", {"kind": "rate", **(self.neuron or {})})
        made = {"neuron": kind_part("neuron"), "spread": (spread_of, known_spread)}
        return self._make_with_synapses(made)

    @property
    def kinds(self) -> tuple[Any, ...]:
        """All kinds that take part."""
        return (self.neuron, *dict.fromkeys(self.synapses))

    @property
    def populations(self) -> tuple[int, ...]:
        """Neurons of each layer, that of the outputs last."""
        return (*self.layers, int(self.outputs) * self.units)

    @property
    def resolved_scheme(self) -> str:
        """`scheme`, or where that is None the one by which the neuron settles."""
        return self.scheme or self.neuron.settling or self.neuron.schemes[0]

    @property
    def resolved_step(self) -> float:
        """h (s)."""
        return self.neuron.time_unit if self.step is None else self.step

    @property
    def middle(self) -> float:
        """Emitted value of an output of 0."""
        return sum(self.levels) / 2

    @property
    def summary(self) -> tuple[str, str]:
        """What its neurons are, and its steps, in a few words each."""
        return self.neuron.kind, f"{self.steps} steps of {self.resolved_step:.3g} s"

    def automatic(self) -> dict[str, Any]:
        """{key: value} that it takes where the key is None."""
        return {"step": self.resolved_step, "scheme": self.resolved_scheme}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """{block: shape} of its parameters, as of `Layout.blocks`."""
        sizes = (int(self.inputs), *self.populations)
        pairs = list(enumerate(itertools.pairwise(sizes)))
        shapes: dict[str, tuple[int, ...]] = {f"w_{i}": (n, before) for i, (before, n) in pairs}
        return shapes | {f"bias_{i}": (n,) for i, (_, n) in pairs}

    def axes(self, block: str) -> tuple[str, ...]:
        """Names of the axes of a block, as ("neuron_1", "neuron_0") of w_1."""
        stem, _, number = block.rpartition("_")
        layer, last = int(number), len(self.layers)
        to = f"neuron_{layer}" if layer < last else "class" if self.units == 1 else "output_unit"
        source = "input" if layer == 0 else f"neuron_{layer - 1}"
        return (to, source) if stem == "w" else (to,)

    def deviation(self, block: str, shape: tuple[int, ...]) -> float:
        """Standard deviation of a block's numbers as they are drawn."""
        if block.startswith("w_"):
            return self.start_gain / math.sqrt(shape[1])
        return self.bias_deviation / math.sqrt(shape[0])

    def misfits(self, train: Any) -> list[str]:
        """What a `TrainConfig` asks for that such a network does not have, a sentence
        each.
        """
        return self.unpulled(getattr(train.estimator, "nudge", ""))

    def unpulled(self, nudge: str) -> list[str]:
        """A sentence where a nudge pulls what outputs emit, and neurons cannot be
        pulled.
        """
        states = len(self.neuron.states)
        if nudge != "state" or states == 1:
            return []
        reason = f"{self.neuron.kind} has {states} states, of which none alone can be pulled"
        return [f'estimator.nudge: {reason}; set it to "drive"']

    def rows(self) -> list[tuple[str, Any]]:
        """What a notebook shows of the network: (name, value)."""
        spread = ", ".join(f"{k} {v:g}" for k, v in self.spread.deviations.items())
        return [
            ("sizes", self.sizes),
            ("units of an output", self.units),
            ("neuron", self.neuron.kind),
            ("spread", spread or "none"),
            ("synapse", "-".join(dict.fromkeys(one.kind for one in self.synapses))),
            ("relaxation", f"{self.steps} steps of {amount(self.resolved_step, 's')}"),
            ("scheme", self.resolved_scheme),
            ("amplification", self.amplifications),
            ("numbers", self.dtype),
        ]

    def problems(self) -> list[str]:
        """What is impossible about the values, a sentence each."""
        found = Problems(self)
        self._check_sizes(found)
        self._check_neuron(found)
        self._check_numbers(found)
        self._check_layers(found)
        return found

    def _check_sizes(self, found: Problems) -> None:
        if not self.layers or any(n < 1 for n in self.layers):
            wanted = "give at least one hidden layer, each of at least 1 neuron"
            found.add("layers", f"{wanted}, as in [256]; got {list(self.layers)}")
        for key in ("inputs", "outputs", "units"):
            found.require(getattr(self, key) >= 1, key, "at least 1")
        fits = 1 <= self.steps <= LARGEST_STEPS
        found.require(fits, "steps", f"from 1 to {LARGEST_STEPS}")
        sizes = (int(self.inputs), *self.populations)
        check_weights(sum(a * b for a, b in itertools.pairwise(sizes)), found)

    def _check_neuron(self, found: Problems) -> None:
        neuron = self.neuron
        if self.scheme is not None and self.scheme not in neuron.schemes:
            wanted = " or ".join(json.dumps(name) for name in neuron.schemes)
            found.add("scheme", f"must be {wanted} of the neuron {neuron.kind}, got {self.scheme}")
        elif neuron.functions(self.resolved_scheme).level is not None:
            lacks = "is no function of a few numbers, which a network that settles asks for"
            found.add("neuron.kind", f"{neuron.kind} {lacks}; take another one")
        if neuron.noisy:
            lacks = "a network that settles has no thermal noise; set thermal_power to 0"
            found.add("neuron.thermal_power", lacks)
        known = spreads_of(neuron)
        for name in self.spread.deviations:
            if name not in known:
                found.add(f"spread.{name}", f"unknown key{suggest(name, (*known, 'seed'))}")

    def _check_numbers(self, found: Problems) -> None:
        most = LARGEST_NUMBER
        for key in ("start_gain", "bias_deviation"):
            found.require(0 <= getattr(self, key) <= most, key, f"from 0 to {most:g}")
        levels = self.levels
        fits = len(levels) == 2 and -most <= levels[0] < levels[1] <= most
        found.require(fits, "levels", "two numbers, the smaller one first, as in [0.0, 1.0]")
        fits = self.start is None or -most <= self.start <= most
        found.require(fits, "start", f"from {-most:g} to {most:g}, or left out")
        wrong = fits and self.start is not None and self.neuron.start_problem(self.start)
        if wrong:
            found.add("start", f"{self.start:g} would be of {self.neuron.kind} {wrong}")
        self._check_step(found)

    def _check_step(self, found: Problems) -> None:
        """A step is in proportion to the neuron's time, and such as it can take; what
        follows from a value that is wrong itself is named by that value.
        """
        step, unit, most = self.resolved_step, self.neuron.time_unit, LARGEST_NUMBER
        wrong = Problems(self)
        text = f"positive, and at most {most:g} of the neuron's {unit:g} s"
        wrong.require(1 / most <= step / unit <= most, "step", text)
        if not found and not wrong and step > self.neuron.longest_step:
            long = f"{step:.3g} s is too long for {self.neuron.kind}, of at most"
            wrong.add("step", f"{long} {self.neuron.longest_step:.3g} s; times are in seconds")
        found += (neurons.unusual(self.neuron) if wrong else []) or wrong
