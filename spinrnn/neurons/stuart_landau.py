"""The Stuart-Landau oscillator: an auto-oscillator with amplitude and phase, which is
driven by fields and emits its own; eq. (E7) to (E9) of docs/MODEL.md.

The complex amplitude is that of Slavin & Tiberkevich, IEEE Trans. Magn. 45, 1875
(2009), in a frame that turns with the nominal oscillator; its power obeys eq. (1).
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from spinrnn.config.quantity import quantity
from spinrnn.config.run import LARGEST_NUMBER
from spinrnn.kernels.arithmetic import square_root
from spinrnn.neurons.locked import Locked, along_x_of
from spinrnn.neurons.protocol import Functions, State

FROM = (0.0, 0.5)
"""Quadratures from which rest is looked for, of which 1/2 is along the reference."""
RESTS = 1000
"""Most steps in which it is."""
KEPT = 8
"""Networks whose rest is kept."""
LARGEST_SHIFT = 0.1
"""nu with which digits are learned nearly as without: docs/equilibrium.md."""


@dataclass(frozen=True)
class StuartLandau(Locked):
    """dc/dt = gamma/2 [xi_0 - 1 - (xi_0 + Q) |c|^2] c + i Omega(|c|^2) c + F + i f,
    eq. (E7): the complex amplitude c = x + i y = sqrt(p) e^(i phi) of an
    auto-oscillator. F is the field of others and of the inputs, f that of a reference,
    to which it locks.

    What it emits are both quadratures, and each of them adds up in a field of others.
    """

    kind: ClassVar[str] = "stuart_landau"
    states: ClassVar[tuple[State, ...]] = (
        State("in_phase", "1", "quadrature x of the amplitude"),
        State("quadrature", "1", "quadrature y of the amplitude, along the reference"),
    )
    schemes: ClassVar[tuple[str, ...]] = ("implicit",)
    name: ClassVar[str] = "Stuart-Landau oscillator"
    title: ClassVar[str] = "a network of Stuart-Landau oscillators"

    relaxation_time: float = quantity(
        10e-9, "s", "tau = 1 / gamma", above=0, spread="gamma", usual=(1e-11, 1e-3)
    )
    bias_ratio: float = quantity(
        2.0,
        about="xi_0 = fixed bias / threshold; below 1 it is silent without a field",
        above=0,
        high=LARGEST_NUMBER,
        spread="bias",
    )
    nonlinear_damping: float = quantity(
        0.0, about="Q", low=0, high=LARGEST_NUMBER, source="field", spread=True
    )
    nonlinear_shift: float = quantity(
        0.0,
        about="nu = 2 (domega/dp) / [gamma (xi_0 + Q)], the nonlinear frequency shift",
        low=-LARGEST_NUMBER,
        high=LARGEST_NUMBER,
        source="field",
    )

    def numbers(self, time_unit: float, factors: Mapping[str, Any]) -> dict[str, Any]:
        rate, xi, q = time_unit / self.relaxation_time, self.bias_ratio, self.nonlinear_damping
        damping = rate * factors["gamma"]
        shift = rate * self.nonlinear_shift * (xi + q) / 2
        # without a field the nominal oscillator stands still
        nominal = max(xi - 1, 0) / (xi + q)
        detuning = self.detuning(time_unit, factors)
        return {
            "damping": damping,
            "saturation": damping * factors["nonlinear_damping"] * q,
            "pump": rate * factors["bias"] * xi,
            "detuning": detuning - shift * nominal,
            "shift": shift,
            "reference": rate * self.reference,
        }

    def rest(self, q: Mapping[str, Any]) -> tuple[Any, ...]:
        """Where the reference alone leads from `FROM`, to rounding; an oscillator that
        it does not hold turns for ever, and is taken where it is after `RESTS` steps of
        the unit of time.
        """
        numbers = np.array(np.broadcast_arrays(*q.values()), dtype=float)
        x, y = _rest(numbers.shape, numbers.tobytes())
        return x.copy(), y.copy()

    def energyless(self) -> list[str]:
        if abs(self.nonlinear_shift) <= LARGEST_SHIFT:
            return []
        about = f"neuron.nonlinear_shift: {self.nonlinear_shift:g}, and above {LARGEST_SHIFT:g}"
        about += " equilibrium propagation goes astray, as no energy is at its least"
        return [f'{about}; lower it, or set estimator.kind = "bptt"']

    def functions(self, scheme: str) -> Functions:
        return Functions(step=_along_x, pair=pair)


@functools.lru_cache(maxsize=KEPT)
def _rest(shape, values):
    """`StuartLandau.rest` of numbers (6, ...), as bytes; each training step and each
    validation asks for the same.
    """
    numbers = np.frombuffer(values).reshape(shape)
    x, y = (np.full(shape[1:], value) for value in FROM)
    for _ in range(RESTS):
        before, ((x, y), *_) = (x, y), pair(numbers, (), 1.0, (x, y), (0.0, 0.0), 1.0)
        moved = max(np.abs(x - before[0]).max(), np.abs(y - before[1]).max())
        if moved < 1e-14 * max(1.0, np.abs(y).max()):
            break
    return x, y


def pair(q, shared, h, s, fields, one):
    """Eq. (E9): what is lost counts at the end of the step, what is gained at its
    start, the rotation at both.

    With a = 1 + g h / 2, b = (I + gq) h / 2, 2 t = h (detuning + shift |c|^2) and

        n = (1 + I h / 2 + i t) c + h (F + i f)

    the step is c' (a + b |c'|^2 - i t) = n. For any h it comes to rest where eq. (E7)
    does, and an oscillator that turns freely keeps its power. Of the quadratures

        M dc' = dn + i c' dt ,  M = A + 2 b c' c'^T - i t ,  A = a + b |c'|^2 .
    """
    g, gq, pump, detuning, shift, reference = q
    x, y, two = s[0], s[1], one + one
    half = h / two
    a, b, gain = one + half * g, half * (pump + gq), one + half * pump
    t, bent = half * (detuning + shift * (x * x + y * y)), h * shift
    n_x = gain * x - t * y + h * fields[0]
    n_y = gain * y + t * x + h * (fields[1] + reference)
    turn = t / a
    w = cubic_root(b * (n_x * n_x + n_y * n_y) / (a * a * a), turn * turn, one)
    kept = a * (one + w)
    size = one / (kept * kept + t * t)
    x_next, y_next = (kept * n_x - t * n_y) * size, (kept * n_y + t * n_x) * size
    # the inverse of M
    c = two * b
    det = one / (kept * (kept + c * (x_next * x_next + y_next * y_next)) + t * t)
    xx, xy = (kept + c * y_next * y_next) * det, -(t + c * x_next * y_next) * det
    yx, yy = (t - c * x_next * y_next) * det, (kept + c * x_next * x_next) * det
    # dn + i c' dt by x and y
    up, right = bent * (y + y_next), bent * (x + x_next)
    x_x, x_y = gain - up * x, -t - up * y
    y_x, y_y = t + right * x, gain + right * y
    jacobian = (
        (xx * x_x + xy * y_x, xx * x_y + xy * y_y),
        (yx * x_x + yy * y_x, yx * x_y + yy * y_y),
    )
    return (x_next, y_next), jacobian, ((h * xx, h * xy), (h * yx, h * yy)), ()


_along_x = along_x_of(pair)


def cubic_root(k, turn, one):
    """The real w of w [(1 + w)^2 + turn] = k, for k and turn from 0, to rounding, by
    four steps of Halley. They start at k / (1 + turn + k^(43/64)), near the root for
    any k up to 1e30.
    """
    two = one + one
    four, half = two + two, square_root(k)
    quarter = square_root(half)
    eighth = square_root(quarter)
    last = square_root(square_root(eighth))
    w = k / (one + turn + half * eighth * last * square_root(last))
    for _ in range(4):
        above = one + w
        off = w * (above * above + turn) - k
        slope = above * (above + w + w) + turn
        w -= two * off * slope / (two * slope * slope - off * (four + two * (w + w + w)))
    return w
