"""What a synapse is for everything above it: devices that hold a trained number and
give a weight.

A kind of synapse is a frozen dataclass that inherits `Synapse`. Its methods take and
give NumPy arrays of a block of weights, (targets, sources), once forward and once back
for a batch; nothing of them enters the loop over time.
"""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np

from spinrnn.config.kinds import Kind

ASKED = ("amount", "flips", "pulses")
"""What a writer may ask of a synapse, see `Request`."""


class Field(NamedTuple):
    """What one device holds besides the trained number; SI unit. Numbers below `low` or
    above `high` are impossible, and a file with some is refused; None: no limit.
    """

    name: str
    unit: str
    meaning: str
    low: float | None = None
    high: float | None = None

    def problem(self, values: np.ndarray) -> str | None:
        """A sentence where some of the values are impossible."""
        low, high = (bound is not None for bound in (self.low, self.high))
        wrong = values < self.low if low else np.zeros(values.shape, dtype=bool)
        wrong = wrong | (values > self.high) if high else wrong
        if not wrong.any():
            return None
        limits = f"{self.low:g} to {self.high:g}" if low and high else ""
        limits = limits or (f"at least {self.low:g}" if low else f"at most {self.high:g}")
        count, first = np.count_nonzero(wrong), values[wrong][0]
        return f"{self.meaning}, must be {limits}; got {first:g}, {count} of {values.size} devices"


class Request(NamedTuple):
    """What a writer asks of the trained numbers of a block.

    Attributes:
        change: (targets, sources) of floats; of an "amount" what is to be added, of
            "flips" 1 where the sign is to be turned over and else 0, of "pulses" a
            whole number of them, whose sign is that of the wanted change.
        keep: what they are multiplied with before; 1 leaves them as they are, less is
            a decay.
        asks: which of these it is.
        exists: (targets, sources) bool, where there is a device; None: everywhere.
    """

    change: np.ndarray
    keep: float = 1.0
    asks: str = "amount"
    exists: np.ndarray | None = None


class Events(NamedTuple):
    """What programming has cost.

    Attributes:
        count: devices that were programmed, each time anew; energy: of all of them, J.
        refused: of these, those that could not do what was asked; saturated: those that
            stand at the end of their range afterwards.
    """

    count: int = 0
    energy: float = 0.0
    refused: int = 0
    saturated: int = 0

    def __add__(self, other: Any) -> "Events":
        return Events(*(a + b for a, b in zip(self, other, strict=True)))


class Answer(NamedTuple):
    """How devices answer to voltages, for rules that write them while a network runs:
    eq. (S4), (S5) of docs/MODEL.md. Of each pair the first is upwards.

    Attributes:
        volts: at the device for the potential 1; exponents: of the state; slopes: 1/V;
            thresholds: V.
        curves: of the state at even distances from 0 to 1 in place of its powers, or
            None.
        factors: names of the two fields by which devices differ; None: they do not.
        scatters: deviation of an event, in units of the state.
        low, span: a trained number is low + span x of the state x in [0, 1].
        base, gain: what an output is given is base + gain x.
        energy: of an event, J; 0: it is not known.
    """

    volts: float = 1.0
    exponents: tuple[float, float] = (1.0, 1.0)
    slopes: tuple[float, float] = (1.0, 1.0)
    thresholds: tuple[float, float] = (0.0, 0.0)
    curves: tuple[Any, Any] | None = None
    factors: tuple[str, str] | None = None
    scatters: tuple[float, float] = (0.0, 0.0)
    low: float = 0.0
    span: float = 1.0
    base: float = 0.0
    gain: float = 1.0
    energy: float = 0.0

    def largest_event(self, potential: float) -> float:
        """Share of its way that an event moves a state at a learning rate of 1.

        potential: of the input; a negative one moves upwards.
        """
        way = 0 if potential < 0 else 1
        over = abs(potential) * self.volts - self.thresholds[way]
        return math.expm1(min(self.slopes[way] * max(over, 0.0), 700.0))


class Synapse(Kind):
    """Base of all kinds of synapses.

    Class attributes:
        kind: its name in configurations; takes: what a writer may ask of it, some of
            `ASKED`, as in ("amount",).
        fields: what a device holds besides the trained number; `make` gives an array
            of any shape for each.
        direct: whether a weight is the trained number itself, so that nothing has to
            be copied.
        exact: whether `read_backward` is the derivative of `read`; False where it is a
            stand-in, as the straight-through estimate of a weight with two values.
        answers: whether it has `answer`, so that spikes can write it.
    """

    role: ClassVar[str] = "synapse"
    takes: ClassVar[tuple[str, ...]] = ("amount",)
    fields: ClassVar[tuple[Field, ...]] = ()
    direct: ClassVar[bool] = False
    exact: ClassVar[bool] = True
    answers: ClassVar[bool] = False

    @property
    def trained_scale(self) -> float:
        """A change of a trained number that is not small, for the steps of differences:
        1 for weights, a line's width for frequencies.
        """
        return 1.0

    def make(self, trained: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """{field: array} of fresh devices, in most cases (targets, sources); may change
        their trained numbers in place, as where these have limits.
        """
        return {}

    def read(self, trained: np.ndarray, devices: Mapping[str, np.ndarray]) -> np.ndarray:
        """The weights (targets, sources), before amplification."""
        raise NotImplementedError

    def read_into(
        self, trained: np.ndarray, devices: Mapping[str, np.ndarray], out: np.ndarray
    ) -> bool | None:
        """Writes what `read` gives into `out`; of kinds that can without a copy.

        Returns:
            Whether all trained numbers are finite, which weights of few values would
            hide, None where that was not looked at; else nothing may be read of `out`.
        """
        if not np.isfinite(trained).all():
            return False
        out[...] = self.read(trained, devices)
        return True

    def read_backward(
        self, trained: np.ndarray, devices: Mapping[str, np.ndarray], g_weights: np.ndarray
    ) -> np.ndarray:
        """dLoss/dtrained of dLoss/dweights, both (targets, sources)."""
        raise NotImplementedError

    def nominal(self, devices: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The same devices without their differences, as a twin computes with them. By
        default as they are.
        """
        return dict(devices)

    def program(
        self,
        trained: np.ndarray,
        devices: Mapping[str, np.ndarray],
        request: Request,
        rng: np.random.Generator,
    ) -> Events:
        """Does what a writer asks for, in place; devices too may be changed.

        By default each trained number becomes exactly what is asked for, at no cost.
        """
        if request.keep != 1:
            trained *= request.keep
        trained += request.change
        return Events()

    def answer(self, sources: int) -> Answer:
        """How devices answer to voltages; only of kinds that have `answers`.

        sources: of a neuron.
        """
        raise NotImplementedError

    @classmethod
    def class_problems(cls) -> list[str]:
        """What a class lacks as a kind, a sentence each."""
        wanted = {"read": "the weights of trained numbers", "read_backward": "its adjoint"}
        problems = [
            f"{name}: is missing; a method, {what}"
            for name, what in wanted.items()
            if getattr(cls, name) is getattr(Synapse, name)
        ]
        if not all(isinstance(field, Field) for field in cls.fields):
            example = 'fields = (Field("gain", "1", "of the device"),)'
            problems.append(f"fields: must be a tuple of spinrnn.Field, as in {example}")
        if not _some_of(cls.takes, ASKED):
            known = " or ".join(f'"{word}"' for word in ASKED)
            problems.append(f'takes: must be a tuple of {known}, as in takes = ("amount",)')
        return problems


class StraightThrough(Synapse):
    """Base of synapses of few values: the gradient of a weight is taken for that of its
    trained number (Bengio et al. 2013, arXiv:1308.3432).
    """

    exact: ClassVar[bool] = False

    def read_backward(
        self, trained: np.ndarray, devices: Mapping[str, np.ndarray], g_weights: np.ndarray
    ) -> np.ndarray:
        return g_weights


def _some_of(words, known):
    """Whether it is a tuple of known words, at least one."""
    return isinstance(words, tuple) and bool(words) and set(words) <= set(known)
