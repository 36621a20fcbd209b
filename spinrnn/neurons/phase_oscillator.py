"""The phase oscillator: an auto-oscillator whose amplitude is held, so that its phase
alone answers to fields; eq. (E10) and (E11) of docs/MODEL.md.

Without a frequency of its own it is the XY spin. In the field of others it is the
oscillator of Kuramoto 1975; in that of a reference it locks as Adler's, Proc. IRE 34,
351 (1946).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from spinrnn.kernels.arithmetic import square_root
from spinrnn.neurons.locked import Locked, along_x_of
from spinrnn.neurons.protocol import Functions, State


@dataclass(frozen=True)
class PhaseOscillator(Locked):
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
    schemes: ClassVar[tuple[str, ...]] = ("projected",)
    name: ClassVar[str] = "phase oscillator"
    title: ClassVar[str] = "a network of phase oscillators"
    span: ClassVar[tuple[float, float] | None] = (-1.0, 1.0)

    def numbers(self, time_unit: float, factors: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "detuning": self.detuning(time_unit, factors),
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
        return Functions(step=_along_x, pair=pair)


def pair(q, shared, h, s, fields, one):
    """Eq. (E11): the step along the field is projected back on the circle,

        n = k c + h (i delta c + F + i f) ,  c' = n / |n| ,
        dc' = i c' (i c' . dn) / |n| .

    For any h it comes to rest where eq. (E10) does; for a long one it turns straight
    into the field. k = 1 - 1/1024, so that a field which just cancels c turns it, too.
    Where n is 0, as at c = 0 without a field, it has any phase: that of the reference.
    """
    detuning, reference = q
    x, y, turn, two = s[0], s[1], h * detuning, one + one
    many = two * two * two * two * two
    kept = one - one / (many * many)
    n_x = kept * x - turn * y + h * fields[0]
    n_y = kept * y + turn * x + h * (fields[1] + reference)
    square = n_x * n_x + n_y * n_y
    n_y, square = (one, one) if square == one - one else (n_y, square)
    size = one / square_root(square)
    x_next, y_next = n_x * size, n_y * size
    # the part of dn across c', which turns it
    xx, xy, yy = y_next * y_next * size, -x_next * y_next * size, x_next * x_next * size
    jacobian = (
        (kept * xx + xy * turn, kept * xy - xx * turn),
        (kept * xy + yy * turn, kept * yy - xy * turn),
    )
    return (x_next, y_next), jacobian, ((h * xx, h * xy), (h * xy, h * yy)), ()


_along_x = along_x_of(pair)
