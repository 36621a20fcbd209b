"""Synapses that are a user's own measured devices: their mean responses to pulses, and
how far pulses and devices scatter, as `spinrnn identify --synapse` fits them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from spinrnn.config.quantity import quantity
from spinrnn.kernels import pulsing
from spinrnn.machine import threads
from spinrnn.synapses.protocol import Answer, Events, Field, Request, Synapse

LARGEST_STEP = 1.0
"""Of a pulse, in units of the window."""
_PER_CALL = 2**16
"""Devices of one compiled call."""


@dataclass(frozen=True)
class Measured(Synapse):
    """A device whose conductance goes up and down by pulses, with the response that was
    measured: a pulse moves the state x by u h(x) + s N(0, 1), held in [0, 1].

    x is the conductance in its window, `lowest_conductance` to `highest_conductance`;
    the weight is largest (2 x - 1), so a device stands against a fixed reference in the
    middle of the window. h is `potentiation` or minus `depression`, both from 0, at
    evenly spaced states from 0 to 1, straight between them. u is the device's own
    factor, drawn once, s the scatter of a pulse.

    `largest`: weight of the highest conductance; none: sqrt(3 / sources).
    """

    kind: ClassVar[str] = "measured"
    takes: ClassVar[tuple[str, ...]] = ("pulses",)
    answers: ClassVar[bool] = True
    fields: ClassVar[tuple[Field, ...]] = (
        Field("potentiation_factor", "1", "step of the device over the mean one, upwards", 0.0),
        Field("depression_factor", "1", "the same downwards", 0.0),
    )

    potentiation: tuple[float, ...] = ()
    depression: tuple[float, ...] = ()
    largest: float | None = None
    potentiation_scatter: float = quantity(
        0.0, about="from pulse to pulse, standard deviation in units of the window", low=0, high=1
    )
    depression_scatter: float = quantity(0.0, about="the same downwards", low=0, high=1)
    potentiation_spread: float = quantity(
        0.0, about="from device to device, relative standard deviation of the step", low=0, high=3
    )
    depression_spread: float = quantity(0.0, about="the same downwards", low=0, high=3)
    lowest_conductance: float = quantity(0.0, "S", "of the window", low=0, high=1e9)
    highest_conductance: float = quantity(1e-6, "S", "of the window", above=0, high=1e9)
    pulse_voltage: float = quantity(
        0.0, "V", "of a pulse, for its energy; 0: the energy is not known", low=0, high=1e6
    )
    pulse_length: float = quantity(0.0, "s", "of a pulse, for its energy", low=0, high=1e6)

    @classmethod
    def example(cls) -> "Measured":
        return cls((0.05, 0.05), (0.05, 0.05))

    def problems(self) -> list[str]:
        found = super().problems()
        lacking = [name for name in ("potentiation", "depression") if not getattr(self, name)]
        if lacking:
            advice = "give the curves that `spinrnn identify --synapse FILE` writes"
            found.append(f"{' and '.join(lacking)}: pulses without a model; {advice}")
        for name in ("potentiation", "depression"):
            curve = getattr(self, name)
            if len(curve) == 1:
                found.append(f"{name}: needs at least 2 steps, at the states from 0 to 1; got 1")
            elif not all(0 <= step <= LARGEST_STEP for step in curve):
                found.append(f"{name}: steps must be from 0 to 1, the window; got {list(curve)}")
            elif curve and not any(curve):
                found.append(f"{name}: at least one step must be above 0")
        if self.largest is not None and not 0 < self.largest <= 1e9:
            found.append(f"largest: must be above 0 and at most 1e9, got {self.largest}")
        if self.highest_conductance <= self.lowest_conductance:
            found.append(
                "highest_conductance: must be above lowest_conductance, "
                f"{self.lowest_conductance:g} S; got {self.highest_conductance:g}"
            )
        return found

    def largest_of(self, sources: int) -> float:
        """The weight of the highest conductance, of a neuron with so many sources.

        sqrt(3 / sources) unless given: even weights up to it have the variance 1 /
        sources of the usual start.
        """
        return math.sqrt(3 / sources) if self.largest is None else self.largest

    def answer(self, sources: int) -> Answer:
        """The measured curves: an event whose learning rate times exp|v| - 1 is 1 is a
        measured pulse; a smaller one is so much less.
        """
        spread = self.potentiation_spread > 0 or self.depression_spread > 0
        largest = self.largest_of(sources)
        return Answer(
            curves=(self.potentiation, self.depression),
            factors=(self.fields[0].name, self.fields[1].name) if spread else None,
            scatters=(self.potentiation_scatter, self.depression_scatter),
            low=-largest,
            span=2 * largest,
        )

    def make(self, trained: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Fresh devices; weights beyond the window are held at its ends."""
        largest = self.largest_of(trained.shape[1])
        np.clip(trained, -largest, largest, out=trained)
        spreads = self.potentiation_spread, self.depression_spread
        return {
            field.name: np.maximum(0.0, 1 + spread * rng.standard_normal(trained.shape))
            for field, spread in zip(self.fields, spreads, strict=True)
        }

    def nominal(self, devices: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: np.ones_like(array) for name, array in devices.items()}

    def read(self, trained: np.ndarray, devices: Mapping[str, np.ndarray]) -> np.ndarray:
        return trained

    def read_backward(
        self, trained: np.ndarray, devices: Mapping[str, np.ndarray], g_weights: np.ndarray
    ) -> np.ndarray:
        return g_weights

    def program(
        self,
        trained: np.ndarray,
        devices: Mapping[str, np.ndarray],
        request: Request,
        rng: np.random.Generator,
    ) -> Events:
        """Gives each device its pulses, one after the other."""
        pulses = np.array(request.change, dtype=np.float64)
        if request.exists is not None:
            pulses[~request.exists] = 0
        weights = np.ascontiguousarray(trained)
        flat, count = weights.reshape(-1), trained.size
        given = (
            tuple(np.ascontiguousarray(devices[f.name]).reshape(-1) for f in self.fields),
            tuple(np.array(curve) for curve in (self.potentiation, self.depression)),
            (self.potentiation_scatter, self.depression_scatter),
            self.largest_of(trained.shape[1]),
            rng.integers(0, 2**32, 2, dtype=np.uint32),
        )

        def some(first):
            sums = np.zeros(5)
            last = min(first + _PER_CALL, count)
            pulsing.give_pulses(flat, pulses.reshape(-1), *given, first, last, sums)
            return sums

        sums = np.array(threads.ordered_map(some, range(0, count, _PER_CALL))).sum(axis=0)
        trained[...] = weights
        # an ohmic device with the conductance before the pulse
        conductances = sums[3] * self.lowest_conductance + sums[4] * self._window
        energy = self.pulse_voltage**2 * self.pulse_length * float(conductances)
        return Events(int(sums[0]), energy, int(sums[1]), int(sums[2]))

    @property
    def _window(self):
        """S."""
        return self.highest_conductance - self.lowest_conductance
