"""What a neuron is for everything above it: states, numbers, and one step in time.

A kind of neuron is a frozen dataclass that inherits `Neuron`. Its fields are its table
in a configuration file (see `config.quantity`), its class attributes say what it is,
and its functions are plain Python that `kernels.stepping` compiles.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np

from spinrnn.config.kinds import Kind
from spinrnn.config.quantity import spread_names
from spinrnn.config.slips import unusual
from spinrnn.errors import ConfigError


class State(NamedTuple):
    """A variable of a neuron, as files and figures name it; SI unit."""

    name: str
    unit: str
    meaning: str


class Functions(NamedTuple):
    """The plain functions of a kind in one scheme; what is None does not exist.

    Their arguments: q, the tuple of the neuron's numbers; shared, the array of numbers
    that all neurons have in common; h, the length of the step in units of time; s, the
    tuple of d states; I, the drive, held over the step; one, the number 1 in the
    network's precision, as a literal would be of double precision.

    Attributes:
        step: (q, shared, h, s, I, one) -> s', J = ds'/ds, b = ds'/dI, P = ds'/dq:
            tuples (d,), (d, d), (d,) and (d, len(q)), the last one may be ().
        limit: (q, s, one) -> s', passes: what a step may not go beyond, and for each
            state 1, or 0 where a limit holds, so that no gradient passes.
        kick: (q, h, s, r2, cosine, one) -> s', K = ds'/ds, P = ds'/dq: thermal noise
            of a step of length h; r2 = -2 ln(u) and cosine = cos(theta) of u and
            theta / 2 pi uniform in (0, 1): sqrt(r2) cosine is standard normal.
        halves: whether a noisy step is half a step, the kick and half a step; else the
            kick follows the step.
        strength: (q, h, I, one) -> how strongly a step is driven, from 0. Where any
            neuron of a block is above 1, `strong` takes the place of `step`: same
            arguments and results, slower, without loss of digits.
        strong: see strength.
        rounded: whether each operation of step, strong, strength and kick is rounded,
            where else the compiler fuses products with sums as suits a loop: so that
            `strong` gives the bits of `step` to samples that are driven weakly, also
            where it has loops of its own.
        level: where a neuron is no function of a few numbers: (`stepping.Form`) -> the
            whole level's function, a kernel of spinrnn, in place of the loop over
            `step`, which then serves for checks and need not be compiled.
        scratch: rows of memory that such a level asks for.
        pair: (q, shared, h, s, (I_0, I_1), one) -> s', J, b, P: `step` of a kind that
            emits two states, with the drives of both and b (d, 2); `step` is then that
            of I_1 = 0.
    """

    step: Callable
    limit: Callable | None = None
    kick: Callable | None = None
    halves: bool = False
    strength: Callable | None = None
    strong: Callable | None = None
    rounded: bool = False
    level: Callable | None = None
    scratch: int = 0
    pair: Callable | None = None


class Neuron(Kind):
    """Base of all kinds of neurons.

    Class attributes:
        kind: its name in configurations; states: the first one is emitted, it is what
            synapses receive; drive: what drives it, I.
        schemes: names of the ways to step; the first one is the default.
        quadratures: how many of its first states are emitted, 1, or 2 of a complex
            amplitude, each of which drives the same of others by the same weights.
        name: what one of them is called, title: what a network of them is called; both
            as in "the CTRNN has no threshold".
        span: least and largest of what is emitted, where there are such limits.
        threshold: whether it emits only where the drive is above a threshold, eq. (1);
            what is measured of that is asked of such kinds alone.
        excitation: MODULE:NAME of a function of (neuron, (least, largest drive in SI))
            that gives (whether such a drive excites it, a sentence); "" where any does.
        settling: the scheme by which it comes to rest in a network that settles; "" for
            the first of `schemes`.
        highpass: time constant in units of `time_unit` of the filter that removes the
            emitted mean, where the network does not say it; None for none.
    """

    role: ClassVar[str] = "neuron"
    states: ClassVar[tuple[State, ...]]
    drive: ClassVar[State] = State("drive", "1", "drive")
    quadratures: ClassVar[int] = 1
    schemes: ClassVar[tuple[str, ...]] = ("exponential",)
    name: ClassVar[str] = "neuron"
    title: ClassVar[str] = "a network of neurons"
    span: ClassVar[tuple[float, float] | None] = None
    threshold: ClassVar[bool] = False
    excitation: ClassVar[str] = ""
    settling: ClassVar[str] = ""
    highpass: ClassVar[float | None] = None

    @property
    def time_unit(self) -> float:
        """The kernels' unit of time in s."""
        raise NotImplementedError

    @classmethod
    def rate_driven(cls) -> bool:
        """Whether the drive is a rate, in kernels one over the unit of time."""
        return cls.drive.unit == "1/s"

    @property
    def drive_unit(self) -> float:
        """SI units of the drive for one of the kernels'."""
        return 1.0

    @property
    def longest_step(self) -> float:
        """The longest substep in s that can be taken at the bias; a longer one is
        refused.
        """
        return math.inf

    @property
    def usual_interval(self) -> float:
        """An input interval in s that suits it, roughly: as long as it takes to follow
        a drive.
        """
        return self.time_unit

    @property
    def settling_time(self) -> float:
        """The time constant in s with which it comes to rest, roughly, where that is
        stable.
        """
        return self.time_unit

    def unheld(self, deviations: Mapping[str, float]) -> list[str]:
        """A sentence where neurons that differ so, {name: relative deviation}, do not
        come to rest in a network that settles.
        """
        return []

    def unmoved(self, reach: float) -> list[str]:
        """A sentence where drives hardly move it that are off its bias by at most
        `reach`, in the kernels' units.
        """
        return []

    def energyless(self) -> list[str]:
        """A sentence where its steady states are those of no energy, so that
        equilibrium propagation goes astray.
        """
        return []

    @property
    def seen(self) -> tuple[float, float] | None:
        """Least and largest drive (SI) that the device was measured under; a simulation
        beyond them warns. None: it is an equation, which holds everywhere.
        """
        return None

    def unusual(self) -> list[str]:
        """A sentence for each value that is far from what is usual, with what to write
        if its unit is another one.
        """
        return unusual(self)

    @property
    def noisy(self) -> bool:
        """Whether thermal noise acts, so that `kick` is called."""
        return False

    def numbers(self, time_unit: float, factors: Mapping[str, Any]) -> dict[str, Any]:
        """{name: number or (N,) array}: q, in the order in which `step` takes it.

        Args:
            time_unit: of the network's kernels, s.
            factors: {spread's name: 1 or (N,)}, by which each neuron differs.
        """
        raise NotImplementedError

    def nominal_numbers(self, time_unit: float) -> dict[str, Any]:
        """`numbers` of neurons that do not differ."""
        names = spread_names(self)
        try:
            found = self.numbers(time_unit, dict.fromkeys(names, 1.0))
        except KeyError as error:
            known = f"its quantities with a spread are {', '.join(names) or 'none'}"
            problem = f"numbers of the neuron {self.kind} ask for {error}; {known}"
            raise ConfigError([problem]) from None
        if isinstance(found, Mapping) and not any(isinstance(x, str) for x in found.values()):
            return found
        wanted = f"neuron: numbers of {self.kind} must give {{name: number}}, as {{'rate': 0.5}}"
        raise ConfigError([f"{wanted}; gave {found!r}"])

    def bias(self, q: Mapping[str, Any]) -> Any:
        """The constant part of the drive, a number or (N,), in the kernels' units."""
        return 0.0

    def rest(self, q: Mapping[str, Any]) -> tuple[Any, ...]:
        """The d states before any input, numbers or (N,)."""
        return (0.0,) * len(self.states)

    def shared(self) -> np.ndarray:
        """Numbers that all neurons have in common, (n,); none by default."""
        return np.empty(0)

    def start_problem(self, start: float) -> str:
        """What is wrong with a network that settles in which all states start at one
        number, "" for nothing.
        """
        return ""

    def functions(self, scheme: str) -> Functions:
        """The plain functions for one of `schemes`: by default the methods of the same
        names."""
        names = ("step", "limit", "kick", "strength", "strong", "pair")
        known = {name: getattr(self, name, None) for name in names}
        return Functions(**known, halves=True)

    @classmethod
    def class_problems(cls) -> list[str]:
        """What a class lacks as a kind, a sentence each."""
        states, problems = getattr(cls, "states", ()), []
        if not states or not all(isinstance(state, State) for state in states):
            example = 'states = (State("voltage", "V", "membrane voltage"),)'
            problems.append(f"states: must be a tuple of State, as in {example}")
        wanted = {
            "time_unit": "a property, the kernels' unit of time in s, as its time constant",
            "numbers": "a method, what `step` takes as q",
        }
        for name, what in wanted.items():
            if getattr(cls, name) is getattr(Neuron, name):
                problems.append(f"{name}: is missing; {what}")
        if not hasattr(cls, "step") and cls.functions is Neuron.functions:
            problems.append("step: is missing; a static function of (q, shared, h, s, I, one)")
        if cls.quadratures == 2 and not hasattr(cls, "pair") and cls.functions is Neuron.functions:
            wanted = "a static function of (q, shared, h, s, (I_0, I_1), one)"
            problems.append(f"pair: is missing, as quadratures = 2; {wanted}")
        return problems
