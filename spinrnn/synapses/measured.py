"""Synapses that are a user's own measured devices: their mean responses to pulses, and
how far pulses and devices scatter, as `spinrnn identify --synapse` fits them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from spinrnn.config.quantity import quantity
from spinrnn.synapses.protocol import Events, Field, Request, Synapse

LARGEST_STEP = 1.0
"""Of a pulse, in units of the window."""


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
    fields: ClassVar[tuple[Field, ...]] = (
        Field("potentiation_factor", "1", "step of the device over the mean one, upwards"),
        Field("depression_factor", "1", "the same downwards"),
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

    def response(self, x: np.ndarray, upwards: bool) -> np.ndarray:
        """Mean step of a pulse from the states x, at least 0, in units of the
        window.
        """
        curve = self.potentiation if upwards else self.depression
        return np.interp(x, np.linspace(0, 1, len(curve)), curve)

    def program(
        self,
        trained: np.ndarray,
        devices: Mapping[str, np.ndarray],
        request: Request,
        rng: np.random.Generator,
    ) -> Events:
        """Gives each device its pulses, those of a sign one after the other."""
        pulses = request.change.ravel()
        places = np.flatnonzero(pulses)
        if request.exists is not None:
            places = places[request.exists.ravel()[places]]
        pulses = pulses[places]
        largest = self.largest_of(trained.shape[1])
        flat = np.array(trained.ravel()[places], dtype=np.float64)
        x = (flat / largest + 1) / 2
        # float32 holds the ends of the window to within 1e-7
        refused = int(np.where(pulses > 0, x > 1 - 1e-6, x < 1e-6).sum())
        energy = 0.0
        for upwards in (True, False):
            own = pulses > 0 if upwards else pulses < 0
            name = self.fields[0 if upwards else 1].name
            factor = devices[name].ravel()[places[own]]
            count = np.abs(pulses[own])
            x[own], spent = self._pulsed(x[own], count, factor, upwards, rng)
            energy += spent
        weights = largest * (2 * x - 1)
        # a number of pulses that is none must not go unnoticed
        trained.flat[places] = np.where(np.isfinite(pulses), weights, np.nan)
        return Events(len(places), energy, refused, int(((x <= 0) | (x >= 1)).sum()))

    def _pulsed(self, x, count, factor, upwards, rng):
        """(states after `count` pulses each, energy of all of them in J)."""
        scatter = self.potentiation_scatter if upwards else self.depression_scatter
        sign, sums = (1 if upwards else -1), 0.0
        left, at = np.where(np.isfinite(count), count, 0), np.arange(len(x))
        while True:
            at = at[left[at] > 0]
            if not len(at):
                break
            sums += len(at) * self.lowest_conductance + self._window * x[at].sum()
            step = factor[at] * self.response(x[at], upwards)
            if scatter:
                step += scatter * rng.standard_normal(len(at))
            x[at] = np.clip(x[at] + sign * step, 0, 1)
            left[at] -= 1
        # an ohmic device with the conductance before the pulse
        return x, self.pulse_voltage**2 * self.pulse_length * sums

    @property
    def _window(self):
        """S."""
        return self.highest_conductance - self.lowest_conductance
