"""What oscillators have in common that answer to fields with both quadratures, and lock
to the field of a common reference.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from spinrnn.config.quantity import quantity
from spinrnn.config.run import LARGEST_NUMBER
from spinrnn.neurons.protocol import Neuron, State

LEAST_TURN = 0.1
"""By which fields turn a phase that is to learn, in rad."""


@dataclass(frozen=True)
class Locked(Neuron):
    """Base of kinds in a frame that turns with the reference, which stands along y."""

    drive: ClassVar[State] = State("drive", "1/s", "field F along x")
    quadratures: ClassVar[int] = 2

    relaxation_time: float = quantity(
        10e-9, "s", "tau, fields are in units of 1 / tau", above=0, usual=(1e-11, 1e-3)
    )
    frequency: float = quantity(
        100e6,
        "Hz",
        "f_0 in the reference; only what oscillators differ from it by counts",
        low=0,
        high=1e15,
        spread=True,
        usual=(1e5, 1e12),
    )
    reference: float = quantity(
        1.0,
        about="f, field of the common reference, of the unit 1 / tau",
        low=0,
        high=LARGEST_NUMBER,
    )

    @property
    def time_unit(self) -> float:
        return self.relaxation_time

    @property
    def drive_unit(self) -> float:
        return 1 / self.relaxation_time

    def detuning(self, time_unit: float, factors: Mapping[str, Any]) -> Any:
        """Angle that an oscillator runs ahead in a unit of time (s) without fields."""
        return 2 * math.pi * self.frequency * time_unit * (factors["frequency"] - 1)

    def unheld(self, deviations: Mapping[str, float]) -> list[str]:
        """Adler's condition of the deviation of frequencies: |delta| < f."""
        share = deviations.get("frequency", 0.0)
        shift = 2 * math.pi * self.frequency * self.relaxation_time * share
        if shift < self.reference or shift == 0:
            return []
        about = (
            f"spread.frequency: {share:g} of {self.frequency:g} Hz is {shift:.3g} / tau, and the"
        )
        about += f" reference holds {self.reference:g} / tau: many oscillators do not come to rest"
        return [f"{about}; lower it, or raise neuron.reference"]

    def unmoved(self, reach: float) -> list[str]:
        """The field of the reference turns it back to itself."""
        if reach >= LEAST_TURN * self.reference:
            return []
        about = f"neuron.reference: {self.reference:g} / tau, and fields of at most {reach:.3g}"
        about += (
            f" / tau turn a phase by {reach / self.reference:.2g} rad at most: little is learned"
        )
        return [f"{about}; set {max(reach, 1.0):.1g}, or raise network.amplification"]


def along_x_of(pair: Callable) -> Callable:
    """The step of a neuron for a field along x, made of that for a `pair` of fields."""

    def along_x(q, shared, h, s, current, one):
        after, jacobian, by_fields, _ = pair(q, shared, h, s, (current, one - one), one)
        return after, jacobian, (by_fields[0][0], by_fields[1][0]), ()

    return along_x
