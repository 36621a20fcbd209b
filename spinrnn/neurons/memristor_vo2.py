"""A memristor of vanadium dioxide with its hysteresis: the thermal memristor's verified
sister, with the parameters of a published program (repository
yuanhangzhang98/VO2_thermal_neuristor_array).

    C dV/dt = (V_in - V) / R_L - V / R ,  C_th dT/dt = V^2 / R - S_th (T - T_0) ,
    R = R_0 exp(E_a / T) g + R_m ,
    g = 1/2 + 1/2 tanh{beta [delta w/2 + T_c - T - T_p]} ,
    T_p = T_pr P((T - T_r) / T_pr) ,
    P(x) = 1/2 (1 - sin gamma x) (1 + tanh(pi^2 - 2 pi x))                         (N5)

delta = +1 while it heats and -1 while it cools. Where the temperature has moved by 0.01
K since it was last looked at, and the other way than before, it turns round: delta
changes its sign, T_r becomes T, and T_pr what leaves g as it is, T_p - delta w with the
delta of before. What it remembers are four more states. The map is differentiable but
where it turns; the derivatives are those of the way that was taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from spinrnn.config.quantity import quantity
from spinrnn.kernels.arithmetic import decay
from spinrnn.neurons.protocol import Functions, Neuron, State

PUBLISHED = "program of yuanhangzhang98/VO2_thermal_neuristor_array"
LARGEST = 1e6


@dataclass(frozen=True)
class VO2(Neuron):
    """Eq. (N5) of docs/vo2.md: a memristor of vanadium dioxide."""

    kind: ClassVar[str] = "vo2"
    states: ClassVar[tuple[State, ...]] = (
        State("voltage", "V", "voltage V across the device"),
        State("temperature", "K", "temperature T"),
        State("reversal", "K", "temperature T_r of the last reversal"),
        State("proximity", "K", "proximity temperature T_pr of the loop"),
        State("direction", "1", "+1 on the heating side, -1 on the cooling side"),
        State("looked", "K", "temperature when it was last looked at"),
    )
    drive: ClassVar[State] = State("drive", "V", "input voltage V_in before the resistor R_L")
    schemes: ClassVar[tuple[str, ...]] = ("exponential",)
    name: ClassVar[str] = "memristor of vanadium dioxide"
    title: ClassVar[str] = "a network of memristors of vanadium dioxide"

    capacitance: float = quantity(
        145.34619e-12, "F", "C", above=0, high=1, source=PUBLISHED, spread=True
    )
    thermal_capacitance: float = quantity(
        49.62777e-12, "J/K", "C_th", above=0, high=1, source=PUBLISHED, spread=True
    )
    thermal_conductance: float = quantity(
        0.2055873e-3, "W/K", "S_th", above=0, high=1e3, source=PUBLISHED, spread=True
    )
    prefactor: float = quantity(
        5.35883e-3, "ohm", "R_0", above=0, high=LARGEST, source=PUBLISHED, spread=True
    )
    activation_temperature: float = quantity(
        5220.474, "K", "E_a / k_B", above=0, high=1e5, source=PUBLISHED
    )
    metallic_resistance: float = quantity(
        1286.3164, "ohm", "R_m", above=0, high=1e9, source=PUBLISHED, spread=True
    )
    width: float = quantity(
        7.193571, "K", "w of the whole loop", above=0, high=100, source=PUBLISHED
    )
    centre: float = quantity(
        332.805839, "K", "T_c of the whole loop", above=0, high=1e4, source=PUBLISHED, spread=True,
    )  # fmt: skip
    steepness: float = quantity(0.2527963, "1/K", "beta", above=0, high=100, source=PUBLISHED)
    closing: float = quantity(
        0.9562697, "1", "gamma, of minor loops", above=0, high=10, source=PUBLISHED
    )
    coldest: float = quantity(
        305.0, "K", "least T in the exponential", above=0, high=1e4, source=PUBLISHED
    )
    hottest: float = quantity(
        370.0, "K", "largest T in the exponential", above=0, high=1e4, source=PUBLISHED
    )
    turn: float = quantity(
        0.01, "K", "by which T has to move to be looked at", above=0, high=100, source=PUBLISHED
    )
    load_resistance: float = quantity(12e3, "ohm", "R_L", above=0, high=1e12, source=PUBLISHED)
    ambient: float = quantity(
        325.0, "K", "T_0 of the stage it sits on", above=0, high=1e4, source=PUBLISHED
    )
    bias_voltage: float = quantity(0.0, "V", "constant part of V_in", low=-LARGEST, high=LARGEST)

    @property
    def time_unit(self) -> float:
        """A fifth of the thermal time C_th / S_th, in s."""
        return self.thermal_capacitance / self.thermal_conductance / 5

    @property
    def settling_time(self) -> float:
        """The longer one of the thermal time and that of the capacitor, R_L C."""
        return max(5 * self.time_unit, self.load_resistance * self.capacitance)

    @property
    def longest_step(self) -> float:
        """The shorter of its times: that of the heat, and that of the capacitor where
        the device is a metal. Beyond twice that the midpoint rule is unstable.
        """
        heat = self.thermal_capacitance / self.thermal_conductance
        hot = 1 / (1 / self.load_resistance + 1 / self.metallic_resistance)
        return min(heat, self.capacitance * hot)

    def numbers(self, time_unit: float, factors: Mapping[str, Any]) -> dict[str, Any]:
        load, heat = self.load_resistance, self.thermal_capacitance * factors["thermal_capacitance"]
        conductance = self.thermal_conductance * factors["thermal_conductance"]
        return {
            "rate": time_unit / (load * self.capacitance * factors["capacitance"]),
            "heating": time_unit / (load * heat),
            "cooling": time_unit * conductance / heat,
            "metallic": self.metallic_resistance * factors["metallic_resistance"] / load,
            "prefactor": self.prefactor * factors["prefactor"] / load,
            "barrier": self.activation_temperature,
            "width": self.width,
            "centre": self.centre * factors["centre"],
            "steepness": self.steepness,
            "closing": self.closing,
            "ambient": self.ambient,
            "bias": self.bias_voltage,
            "coldest": self.coldest,
            "hottest": self.hottest,
            "turn": self.turn,
        }

    def bias(self, q: Mapping[str, Any]) -> Any:
        return q["bias"]

    def rest(self, q: Mapping[str, Any]) -> tuple[Any, ...]:
        """On the heating side of the whole loop."""
        v, t = heating_equilibrium(q, q["bias"])
        return v, t, q["ambient"], 0.0, 1.0, t

    def functions(self, scheme: str) -> Functions:
        return Functions(step)


def heating_equilibrium(q: Mapping[str, Any], drive: Any) -> tuple[Any, Any]:
    """(V, T) at which nothing changes on the heating side of the whole loop.

    With the resistance R of the temperature the heat gives V = sqrt(R S_th (T - T_0)),
    and V + R_L V / R = V_in; its left side grows with T as long as R_L is steep enough.

    Args:
        q: as `VO2.numbers` gives it; drive: V_in in V; numbers or arrays, complex ones
            carry derivatives.
    """
    sign = np.where(np.real(drive) < 0, -1.0, 1.0)
    real = {name: np.real(value) for name, value in q.items()}
    none = 0.0 * (real["ambient"] + real["centre"] + real["prefactor"] + np.real(drive))
    low, high = real["ambient"] + none, real["ambient"] + 2000.0 + none
    for _ in range(70):
        middle = (low + high) / 2
        cold = _held(real, middle)[1] < np.abs(np.real(drive))
        low, high = np.where(cold, middle, low), np.where(cold, high, middle)
    driven = np.abs(np.real(drive)) > 0
    t = np.where(driven, (low + high) / 2, real["ambient"] + 1.0)
    near = 1e-5
    slope = (_held(real, t + near)[1] - _held(real, t - near)[1]) / (2 * near)
    for _ in range(4):
        t = t - np.where(driven, (_held(q, t)[1] - sign * drive) / slope, 0.0)
    v = np.where(driven, sign * _held(q, t)[0], 0.0)
    return v, np.where(driven, t, q["ambient"] + none)


def _held(q, t):
    """(V, V_in) that hold the heating side at a temperature."""
    limited = np.where(np.real(t) > q["hottest"], q["hottest"], t)
    limited = np.where(np.real(t) < q["coldest"], q["coldest"], limited)
    z = q["steepness"] * (q["width"] / 2 + q["centre"] - t)
    r = q["prefactor"] * np.exp(q["barrier"] / limited) * (1 + np.tanh(z)) / 2 + q["metallic"]
    v = np.sqrt(r * q["cooling"] / q["heating"] * (t - q["ambient"]))
    return v, v + v / r


# ---- one step of one device ----
# q as `VO2.numbers` names them; resistances in units of R_L. A tuple of 7 has what
# belongs to V, T, T_r, T_pr, delta, the temperature looked at, and V_in.


def soft(z, one):
    """(1 + tanh(z)) / 2 and its slope, by exp(-2 |z|): without cancellation."""
    two = one + one
    size = z if z.real >= 0 else -z
    kept, _, _ = decay(two * size)
    inverse = one / (one + kept)
    return inverse if z.real >= 0 else kept * inverse, two * kept * inverse * inverse


def left(q, t, turned, proximity, one):
    """T_p = T_pr P(x) with x = (T - T_r) / T_pr, and its derivatives by T and T_pr;
    that by T_r is the opposite of that by T.
    """
    zero, two = one - one, one + one
    pi = (two + two) * np.arctan(one)
    fresh = proximity.real == zero
    x = (t - turned) / (one if fresh else proximity)
    angle, wave = q[9] * x, one - np.sin(q[9] * x)
    closed, closing = soft(pi * pi - two * pi * x, one)
    p = wave * closed
    slope = -q[9] * np.cos(angle) * closed - two * pi * wave * closing
    by_proximity = p if fresh else p - x * slope
    by_t = proximity * slope if fresh else slope
    return proximity * p, by_t, by_proximity


def resistance(q, t, memory, one):
    """R / R_L, and its slopes by T, T_r, T_pr, delta."""
    zero, two = one - one, one + one
    cold, hot = t.real < q[12], t.real > q[13]
    limited = q[12] if cold else (q[13] if hot else t)
    kept, _, _ = decay(q[5] / limited)
    full = q[4] / kept
    rest, by_t, by_proximity = left(q, t, memory[0], memory[1], one)
    g, bent = soft(q[8] * (memory[2] * q[6] / two + q[7] - t - rest), one)
    # slope by the gap, and by the temperature in the exponential
    by_gap, by_limited = full * bent * q[8], -full * g * q[5] / (limited * limited)
    slope = (zero if cold or hot else by_limited) - by_gap * (one + by_t)
    return full * g + q[3], (slope, by_gap * by_t, -by_gap * by_proximity, by_gap * q[6] / two)


def rates(q, v, t, memory, u, one):
    """(dV/dt, dT/dt), their derivatives by V, and by R."""
    two = one + one
    r, slopes = resistance(q, t, memory, one)
    current = v / r
    rate_v, rate_t = q[0] * (u - v - current), q[1] * v * current - q[2] * (t - q[10])
    by_v = (-q[0] * (one + one / r), two * q[1] * current)
    by_r = (q[0] * current / r, -q[1] * v * current / r)
    return (rate_v, rate_t), by_v, by_r, slopes


def carried(q, h, first, second, dv, dt, places, one):
    """(dV', dT') of a step of the midpoint rule, for changes of its start; first,
    second: what `rates` gave at its points; places: factors of the slopes by T_r, T_pr
    and delta, and of the drive's.
    """
    half = h / (one + one)
    kv, kt = through(q, first, dv, dt, places)
    mv, mt = through(q, second, dv + half * kv, dt + half * kt, places)
    return dv + h * mv, dt + h * mt


def through(q, point, dv, dt, places):
    """Change of the rates at a point."""
    by_v, by_r, slopes = point[1], point[2], point[3]
    dr = slopes[0] * dt + slopes[1] * places[0] + slopes[2] * places[1] + slopes[3] * places[2]
    return (
        by_v[0] * dv + by_r[0] * dr + q[0] * places[3],
        by_v[1] * dv + by_r[1] * dr - q[2] * dt,
    )


def step(q, shared, h, s, u, one):
    """The midpoint rule with the memory as it stands, and a look at the temperature
    afterwards.
    """
    zero, half = one - one, h / (one + one)
    v, t, memory = s[0], s[1], (s[2], s[3], s[4])
    first = rates(q, v, t, memory, u, one)
    second = rates(q, v + half * first[0][0], t + half * first[0][1], memory, u, one)
    v_next, t_next = v + h * second[0][0], t + h * second[0][1]
    none = (zero, zero, zero, zero)
    by_v = carried(q, h, first, second, one, zero, none, one)
    by_t = carried(q, h, first, second, zero, one, none, one)
    places = (one, zero, zero, zero)
    by_turned = carried(q, h, first, second, zero, zero, places, one)
    places = (zero, one, zero, zero)
    by_proximity = carried(q, h, first, second, zero, zero, places, one)
    places = (zero, zero, one, zero)
    by_direction = carried(q, h, first, second, zero, zero, places, one)
    places = (zero, zero, zero, one)
    by_u = carried(q, h, first, second, zero, zero, places, one)
    row_v = (by_v[0], by_t[0], by_turned[0], by_proximity[0], by_direction[0], zero, by_u[0])
    row_t = (by_v[1], by_t[1], by_turned[1], by_proximity[1], by_direction[1], zero, by_u[1])
    after, c, d, e, f = looked_at(q, t_next, s, row_t, one)
    return (
        (v_next, t_next, after[0], after[1], after[2], after[3]),
        (row_v[:6], row_t[:6], c[:6], d[:6], e[:6], f[:6]),
        (row_v[6], row_t[6], c[6], d[6], e[6], f[6]),
        (),
    )


def looked_at(q, t, s, row, one):
    """(T_r, T_pr, delta, temperature looked at) after a step to T, and the derivatives
    of each; row: those of T.
    """
    zero = one - one
    turned, proximity, direction, looked = s[2], s[3], s[4], s[5]
    moved = t - looked
    looks = abs(moved.real) > q[14]
    turns = looks and (moved.real > zero) != (direction.real > zero)
    rest, slope, by_proximity = left(q, t, turned, proximity, one)
    new = rest - direction * q[6]
    after = (
        t if turns else turned,
        new if turns else proximity,
        -direction if turns else direction,
        t if looks else looked,
    )
    on, seen = (one if turns else zero), (one if looks else zero)
    off, unseen, way = one - on, one - seen, on * slope
    zeros = (zero, zero, zero, zero, zero, zero, zero)
    by_turned = weighted(on, row, zeros, off, zero, zero, zero)
    own = (zero, zero, -way, on * by_proximity, -on * q[6], zero, zero)
    by_new = weighted(way, row, own, zero, off, zero, zero)
    by_looked = weighted(seen, row, zeros, zero, zero, zero, unseen)
    by_direction = weighted(zero, row, zeros, zero, zero, off - on, zero)
    return after, by_turned, by_new, by_direction, by_looked


def weighted(factor, row, own, turned, proximity, direction, looked):
    """factor row + own, and what is added by T_r, T_pr, delta, the last look."""
    return (
        factor * row[0] + own[0],
        factor * row[1] + own[1],
        factor * row[2] + own[2] + turned,
        factor * row[3] + own[3] + proximity,
        factor * row[4] + own[4] + direction,
        factor * row[5] + own[5] + looked,
        factor * row[6] + own[6],
    )
