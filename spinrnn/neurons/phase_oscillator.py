"""The phase oscillator: an auto-oscillator whose amplitude is held, so that its phase
alone answers to fields; eq. (E10) and (E11) of docs/MODEL.md.

Without a frequency of its own it is the XY spin. In the field of others it is the
oscillator of Kuramoto 1975; in that of a reference it locks as Adler's, Proc. IRE 34,
351 (1946).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from spinrnn.config.quantity import quantity
from spinrnn.config.run import LARGEST_NUMBER
from spinrnn.kernels.arithmetic import square_root
from spinrnn.neurons.protocol import Functions, Neuron, State


@dataclass(frozen=True)
class PhaseOscillator(Neuron):
    """dphi/dt = delta + Im[(F + i f) e^(-i phi)], eq. (E10), of c = e^(i phi).

    F is the field of others and of the inputs, f that of a reference, to which it
    locks, delta by how much its frequency differs.

    What it emits are both quadratures, and each of them adds up in a field of others.
    """

    kind: ClassVar[str] = "phase_oscillator"
    states: ClassVar[tuple[State, ...]] = (
        State("in_phase", "1", "quadrature x = cos(phi)"),
        State("quadrature", "1", "quadrature y = sin(phi), along the reference"),
    )
    drive: ClassVar[State] = State("drive", "1/s", "field F along x")
    quadratures: ClassVar[int] = 2
    schemes: ClassVar[tuple[str, ...]] = ("projected",)
    name: ClassVar[str] = "phase oscillator"
    title: ClassVar[str] = "a network of phase oscillators"

    relaxation_time: float = quantity(10e-9, "s", "tau, fields are in units of 1 / tau", above=0)
    frequency: float = quantity(
        100e6,
        "Hz",
        "f_0 in the reference; only what oscillators differ from it by counts",
        low=0,
        high=1e15,
        spread=True,
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

    def numbers(self, time_unit: float, factors: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "detuning": 2 * math.pi * self.frequency * time_unit * (factors["frequency"] - 1),
            "reference": time_unit / self.relaxation_time * self.reference,
        }

    def rest(self, q: Mapping[str, Any]) -> tuple[Any, ...]:
        """In the reference alone; of one that it does not hold, where it is slowest."""
        detuning, reference = np.broadcast_arrays(*map(np.asarray, q.values()))
        # 0 / 0 stands for any phase, that of the reference among them
        x = -detuning / np.where(reference > 0, reference, np.inf)
        x = np.where(reference > 0, np.clip(x, -1, 1), -np.sign(detuning))
        return x, np.sqrt(1 - x * x)

    def functions(self, scheme: str) -> Functions:
        return Functions(step=along_x, pair=pair)


def along_x(q, shared, h, s, current, one):
    """`pair` for a field along x alone."""
    after, jacobian, by_fields, _ = pair(q, shared, h, s, (current, one - one), one)
    return after, jacobian, (by_fields[0][0], by_fields[1][0]), ()


def pair(q, shared, h, s, fields, one):
    """Eq. (E11): the step along the field is projected back on the circle,

        n = c + h (i delta c + F + i f) ,  c' = n / |n| ,
        dc' = i c' (i c' . dn) / |n| .

    For any h it comes to rest where eq. (E10) does; for a long one it turns straight
    into the field.
    """
    detuning, reference = q
    x, y, turn = s[0], s[1], h * detuning
    n_x, n_y = x - turn * y + h * fields[0], y + turn * x + h * (fields[1] + reference)
    size = one / square_root(n_x * n_x + n_y * n_y)
    x_next, y_next = n_x * size, n_y * size
    # the part of dn across c', which turns it
    xx, xy, yy = y_next * y_next * size, -x_next * y_next * size, x_next * x_next * size
    jacobian = (
        (xx + xy * turn, xy - xx * turn),
        (xy + yy * turn, yy - xy * turn),
    )
    return (x_next, y_next), jacobian, ((h * xx, h * xy), (h * xy, h * yy)), ()
