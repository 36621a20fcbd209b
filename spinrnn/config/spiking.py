"""What a spiking network is: inputs that fire, and one layer of leaky
integrate-and-fire neurons of which the first to fire silences the others. The table
[network] with kind = "spiking".
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from spinrnn.config import kinds
from spinrnn.config.parts import check_weights, kind_part, set_parts
from spinrnn.config.quantity import quantity
from spinrnn.config.static import FOLLOWING, StaticConfig
from spinrnn.config.tables import Problems, unsaid

THRESHOLD = 1.5
"""Of the outputs, times the square root of the number of inputs, unless it is given."""
MOST_STEPS = 1_000_000
"""Of a presentation and of a pause."""
_PAPER = "arXiv:2203.11022, the authors' programs"
_TIME = {"low": 0, "high": 1e9}


@dataclass(frozen=True)
class SpikingConfig(StaticConfig):
    """A spiking network: eq. (S1) to (S4) of docs/MODEL.md.

    A case is a list of numbers x; each drives an input neuron, whose potential relaxes
    towards rest + gain x while the case is shown and which fires at the potential 1.
    An output is given the conductances of the synapses whose inputs fire, and fires
    when it is above its threshold; of several the one that is furthest above.

    Attributes:
        layers: neurons of its one layer, as (100,).
        inputs: numbers of a case.
        outputs: classes.
        synapse: a kind that answers to voltages, as Conductance().
        dtype: "float32" or "float64", of the synapses.
        abilities: what an estimator may ask of such a network.

    Raises:
        ConfigError: all impossible values at once.
    """

    layers: tuple[int, ...] = (100,)
    inputs: int = unsaid(FOLLOWING["inputs"])
    outputs: int = unsaid(FOLLOWING["outputs"])
    synapse: Any = None
    time_step: float = quantity(1e-3, "s", "of the simulation", above=0, high=1, source=_PAPER)
    presentation: float = quantity(0.35, "s", "how long a case is shown", above=0, source=_PAPER)
    pause: float = quantity(0.2, "s", "without input after a case", low=0, source=_PAPER)
    rest: float = quantity(
        0.5, about="potential of an input that is given 0, after long", low=-1e6, high=1e6
    )
    gain: float = quantity(
        4.0, about="potential per unit of what an input is given", low=-1e6, high=1e6
    )
    input_time: float = quantity(
        0.03, "s", "time constant of the inputs", above=0, high=1e9, source=_PAPER
    )
    input_reset: float = quantity(
        -1.0, about="potential of an input that has fired", low=-1e3, below=1, source=_PAPER
    )
    input_refractory: float = quantity(0.0, "s", "for which it stays there", **_TIME)
    output_time: float = quantity(0.1, "s", "time constant of the outputs", above=0, high=1e9)
    synapse_time: float = quantity(
        0.0, "s", "time constant of the current of a spike; 0: it is there at once", **_TIME
    )
    threshold: float | None = quantity(
        None,
        about="of the outputs, in synapses; left out: 1.5 times the root of inputs",
        above=0,
        high=1e9,
    )
    growth: float = quantity(
        0.05, about="what a threshold grows by with each spike of its neuron", low=0, high=1e9
    )
    growth_time: float = quantity(
        100.0, "s", "time constant with which it falls again", above=0, high=1e12
    )
    reset: float = quantity(
        -1.0, about="potential of an output that has fired", low=-1e9, high=0, source=_PAPER
    )
    refractory: float = quantity(5e-3, "s", "for which it stays there", source=_PAPER, **_TIME)
    inhibition: float = quantity(
        10e-3, "s", "for which all other outputs then stay at 0", source=_PAPER, **_TIME
    )
    dtype: Literal["float32", "float64"] = "float32"
    follows: Any = field(default=(), repr=False, compare=False)

    kind: ClassVar[str] = "spiking"
    abilities: ClassVar[frozenset[str]] = frozenset({"events"})
    parts: ClassVar[tuple[str, ...]] = ("synapse",)
    read_with: ClassVar[Mapping[str, Mapping[str, Any]]] = {"growth_time": {"growth": ...}}
    tasks: ClassVar[tuple[str, ...]] = ("classification",)

    def _make_parts(self) -> list[str]:
        object.__setattr__(self, "synapse", _of_kind(self.synapse))
        return set_parts(self, {"synapse": kind_part("synapse")})

    @property
    def synapses(self) -> tuple[Any, ...]:
        """The synapse of its one layer."""
        return (self.synapse,)

    @property
    def kinds(self) -> tuple[Any, ...]:
        """All kinds that take part."""
        return self.synapses

    @property
    def sizes(self) -> tuple[int, ...]:
        """Numbers of a case, neurons, classes."""
        return (int(self.inputs), *self.layers, int(self.outputs))

    @property
    def summary(self) -> tuple[str, str]:
        """What its neurons are, and its steps, in a few words each."""
        count = self.steps(self.presentation)
        return "lif, the first silences the others", f"{count} steps of {self.time_step:g} s a case"

    def steps(self, time: float) -> int:
        """A time in whole steps, at least 1 of one that is not 0."""
        return max(round(time / self.time_step), int(time > 0))

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """{block: shape} of its parameters, as of `Layout.blocks`."""
        return {"w_0": (self.layers[0], int(self.inputs))}

    def axes(self, block: str) -> tuple[str, ...]:
        """Names of the axes of a block of parameters, or of a buffer."""
        own = {"w_0": ("neuron", "input"), "spikes": ("class", "neuron"), "cases": ("class",)}
        inputs = ("potential", "waiting")
        return own.get(block, ("input",) if block in inputs else ("neuron",))

    def deviation(self, block: str, shape: tuple[int, ...]) -> float:
        """Standard deviation of a block's numbers as they are drawn, of which synapses
        then make states of their own.
        """
        return 1 / math.sqrt(shape[1])

    def misfits(self, train: Any) -> list[str]:
        """What a `TrainConfig` asks for that such a network does not have, a sentence
        each.
        """
        problems = []
        if train.average:
            reason = "a mean of states would not belong to the thresholds, which have grown"
            problems.append(f"train.average: {reason}; set it to 0")
        if not train.estimator.local:
            return problems
        answer = self.synapse.answer(int(self.inputs))
        largest = max(answer.largest_event(self.input_reset), answer.largest_event(1.0))
        if train.learning_rate * largest > 1:
            volts = answer.volts * max(abs(self.input_reset), 1.0)
            reason = f"above {1 / largest:.3g} an event, at up to {volts:.3g} V, could move a state"
            reason += " out of its window"
            problems.append(f"train.learning_rate: {reason}; got {train.learning_rate:g}")
        return problems

    @property
    def firing(self) -> float:
        """The threshold that the outputs begin with."""
        usual = THRESHOLD * math.sqrt(int(self.inputs))
        return usual if self.threshold is None else self.threshold

    def automatic(self) -> dict[str, Any]:
        """{key: value} that it takes where the key is None."""
        return {"threshold": self.firing} if self.threshold is None else {}

    def rows(self) -> list[tuple[str, Any]]:
        """What a notebook shows of the network: (name, value)."""
        growth = f"{self.growth:g} a spike, {self.growth_time:g} s"
        return [
            ("sizes", self.sizes),
            ("neuron", self.summary[0]),
            ("synapse", self.synapse.kind),
            ("a case", f"{self.presentation:g} s, pause {self.pause:g} s"),
            ("input", f"{self.rest:g} + {self.gain:g} x, {self.input_time:g} s"),
            ("output", f"threshold {self.firing:g}, {self.output_time:g} s"),
            ("growth of thresholds", growth),
            ("numbers", self.dtype),
        ]

    def problems(self) -> list[str]:
        """What is impossible about the values, a sentence each."""
        found = Problems(self)
        found += kinds.range_problems(self)
        if len(self.layers) != 1 or any(n < 1 for n in self.layers):
            found.add("layers", f"must be one layer of at least 1 neuron, got {list(self.layers)}")
        for key in ("inputs", "outputs"):
            found.require(getattr(self, key) >= 1, key, "at least 1")
        if self.time_step > 0:
            for key in ("presentation", "pause"):
                steps = getattr(self, key) / self.time_step
                fits = math.isfinite(steps) and steps <= MOST_STEPS
                found.require(fits, key, f"at most {MOST_STEPS:g} time steps")
        if not getattr(self.synapse, "answers", True):
            able = [n for n in kinds.names_of("synapse") if kinds.kind_of("synapse", n).answers]
            lacks = f"{self.synapse.kind} has no answer to the voltage of a spike"
            found.add("synapse.kind", f"{lacks}; take {' or '.join(able)}")
        check_weights(math.prod(self.layers) * int(self.inputs), found)
        return found


def _of_kind(synapse):
    """What was given for the synapse, of the kind conductance where none is named."""
    if synapse is None or (isinstance(synapse, Mapping) and "kind" not in synapse):
        return {"kind": "conductance", **(synapse or {})}
    return synapse
