"""Conductances within a window, which the potentials of neurons move: the synapses of
the rule VDSP, with the windows of three measured devices; eq. (S4), (S5) of
docs/MODEL.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from spinrnn.config.quantity import quantity
from spinrnn.synapses.protocol import Answer, Events, Field, Request, Synapse

_SOURCE = "arXiv:2203.11022, the authors' programs"


class Numbers(NamedTuple):
    """Of a window: exponents gamma of the state, slopes alpha in 1/V and thresholds
    theta in V, each up and down; lowest: conductance over the highest one;
    volts: of the device for the potential 1, ours.
    """

    exponents: tuple[float, float]
    slopes: tuple[float, float]
    thresholds: tuple[float, float]
    lowest: float
    volts: float


def _fitted(gamma, alpha, theta, ratio, volts):
    """Numbers of pairs (up, down over up); ratio: of the highest to the lowest
    conductance.
    """
    exponents, slopes, thresholds = ((up, up * share) for up, share in (gamma, alpha, theta))
    return Numbers(exponents, slopes, thresholds, 1 / ratio, volts)


WINDOWS = {
    "vdsp": Numbers((1.0, 1.0), (1.0, 1.0), (0.0, 0.0), 0.0, 1.0),
    "TiO2": _fitted((1.6796, 0.9439), (0.6790, 1.1248), (1.4323, 1.0921), 7.5, 4.0),
    "HZO": _fitted((1.0679, 1.5798), (1.1592, 0.4741), (0.4117, 0.9438), 2.65, 1.5),
    "HfO2": _fitted((1.0172, 0.5), (0.9608, 1.3357), (0.8038, 1.0596), 4.0, 2.5),
}
"""{window: its numbers}, those of devices from the authors' programs."""


@dataclass(frozen=True)
class Conductance(Synapse):
    """A device whose state x in [0, 1] is moved by a voltage: upwards where the
    potential of its input is negative, downwards where it is positive.

    The weight is the conductance in units of the highest, l + (1 - l) x with l the
    lowest one. The numbers are those of the window unless they are given.

    Attributes:
        window: "vdsp" is the rule itself, without thresholds and with a lowest
            conductance of 0; "TiO2", "HZO" and "HfO2" were fitted to devices.
    """

    kind = "conductance"
    takes = ("amount",)
    answers = True
    fields = (
        Field("potentiation_factor", "1", "change of the device over the mean one, upwards", 0.0),
        Field("depression_factor", "1", "the same downwards", 0.0),
    )

    window: Literal["vdsp", "TiO2", "HZO", "HfO2"] = "vdsp"
    volts: float | None = quantity(
        None, "V", "at the device for the potential 1 of an input", above=0, high=1e6
    )
    potentiation_exponent: float | None = quantity(
        None, about="gamma upwards: a change goes with (1 - x)^gamma", low=0, high=100
    )
    depression_exponent: float | None = quantity(
        None, about="gamma downwards: a change goes with x^gamma", low=0, high=100
    )
    potentiation_slope: float | None = quantity(
        None, "1/V", "alpha upwards", low=0, high=1e3, source=_SOURCE
    )
    depression_slope: float | None = quantity(
        None, "1/V", "alpha downwards", low=0, high=1e3, source=_SOURCE
    )
    potentiation_threshold: float | None = quantity(
        None, "V", "below which nothing moves, upwards", low=0, high=1e6, source=_SOURCE
    )
    depression_threshold: float | None = quantity(
        None, "V", "the same downwards", low=0, high=1e6, source=_SOURCE
    )
    lowest: float | None = quantity(
        None, about="conductance over the highest one", low=0, below=1, source=_SOURCE
    )
    potentiation_spread: float = quantity(
        0.0, about="from device to device, relative standard deviation of a change", low=0, high=3
    )
    depression_spread: float = quantity(0.0, about="the same downwards", low=0, high=3)
    energy: float = quantity(0.0, "J", "of an event, 0: it is not known", low=0, high=1e6)

    @property
    def numbers(self) -> Numbers:
        """Of the window, with those that are given in their place."""
        own = WINDOWS[self.window]

        def pair(name, usual):
            given = [getattr(self, f"{way}_{name}") for way in ("potentiation", "depression")]
            up, down = (u if g is None else g for g, u in zip(given, usual, strict=True))
            return up, down

        return Numbers(
            pair("exponent", own.exponents),
            pair("slope", own.slopes),
            pair("threshold", own.thresholds),
            own.lowest if self.lowest is None else self.lowest,
            own.volts if self.volts is None else self.volts,
        )

    def answer(self, sources: int) -> Answer:
        own = self.numbers
        spread = self.potentiation_spread > 0 or self.depression_spread > 0
        names = self.fields[0].name, self.fields[1].name
        return Answer(
            volts=own.volts,
            exponents=own.exponents,
            slopes=own.slopes,
            thresholds=own.thresholds,
            base=own.lowest,
            gain=1 - own.lowest,
            factors=names if spread else None,
            energy=self.energy,
        )

    def make(self, trained: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Fresh devices, whose states are anywhere in the window."""
        trained[...] = rng.random(trained.shape)
        spreads = self.potentiation_spread, self.depression_spread
        return {
            field.name: np.maximum(0.0, 1 + spread * rng.standard_normal(trained.shape))
            for field, spread in zip(self.fields, spreads, strict=True)
        }

    def nominal(self, devices: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: np.ones_like(array) for name, array in devices.items()}

    def read(self, trained: np.ndarray, devices: Mapping[str, np.ndarray]) -> np.ndarray:
        lowest = trained.dtype.type(self.numbers.lowest)
        return lowest + (1 - lowest) * trained

    def read_backward(
        self, trained: np.ndarray, devices: Mapping[str, np.ndarray], g_weights: np.ndarray
    ) -> np.ndarray:
        return g_weights * g_weights.dtype.type(1 - self.numbers.lowest)

    def program(
        self,
        trained: np.ndarray,
        devices: Mapping[str, np.ndarray],
        request: Request,
        rng: np.random.Generator,
    ) -> Events:
        """Makes the change that is asked for, times the device's factor, as far as the
        window goes.
        """
        change = np.array(request.change, dtype=trained.dtype)
        if request.exists is not None:
            change[~request.exists] = 0
        up, down = (devices[field.name] for field in self.fields)
        wanted = trained * trained.dtype.type(request.keep)
        wanted += (change * np.where(change > 0, up, down)).astype(trained.dtype)
        stuck = ((trained >= 1) & (change > 0)) | ((trained <= 0) & (change < 0))
        np.clip(wanted, 0, 1, out=trained)
        count = int(np.count_nonzero(change))
        saturated = np.count_nonzero((trained <= 0) | (trained >= 1))
        return Events(count, count * self.energy, int(np.count_nonzero(stuck)), int(saturated))
