"""A threshold-switching memristor that heats itself, with a capacitor beside it and a
resistor before it: a neuron of the NbOx class, eq. (N1) to (N3) of docs/nbox.md.

Trap-assisted conduction grows with temperature and voltage, the current heats the
filament, and the heat runs away: the device switches, empties its capacitor, cools and
waits. It has the behaviours of arXiv:2209.00413; the parameters are ours.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from spinrnn.config.quantity import quantity
from spinrnn.kernels.arithmetic import decay, square_root
from spinrnn.kernels.tuples import plus, product
from spinrnn.neurons.protocol import Functions, Neuron, State

BOLTZMANN = 8.617333262e-5
"""k_B in eV/K."""
CHARGE, VACUUM = 1.602176634e-19, 8.8541878128e-12
"""q in C, eps_0 in F/m."""
COARSE = 2
"""A step that is longer than R_th C_th over this number is divided: in 10 us of spikes
of the set B the voltage is then wrong by less than 1e-6 V."""
MOST = 10_000
"""Largest number of parts of a step, which take about ten milliseconds; a step that
needs more gives NaN."""
LARGEST = 1e6
"""Of factors and voltages."""


@dataclass(frozen=True)
class Memristor(Neuron):
    """C dV/dt = (V_in - V) / R_L - V / R(T, V), C_th dT/dt = V^2 / R - (T - T_0) / R_th
    with R = R_s + R_0 exp((E_a - beta sqrt|V|) / (k_B T)).

    The defaults are the set B of docs/nbox.md, a relaxation oscillator; `SET_A` has
    what differs in the set A, which begins softly.
    """

    kind: ClassVar[str] = "memristor"
    states: ClassVar[tuple[State, ...]] = (
        State("voltage", "V", "voltage V across the device"),
        State("temperature", "K", "temperature T of the filament"),
    )
    drive: ClassVar[State] = State("drive", "V", "input voltage V_in before the resistor R_L")
    schemes: ClassVar[tuple[str, ...]] = ("exponential",)
    name: ClassVar[str] = "memristor"
    title: ClassVar[str] = "a network of thermal memristors"

    capacitance: float = quantity(
        1e-9, "F", "C beside the device", low=1e-18, high=1e-3, spread=True, fit="log"
    )
    thermal_capacitance: float = quantity(
        1e-14, "J/K", "C_th of the filament", low=1e-20, high=1e-3, spread=True, fit="log"
    )
    thermal_resistance: float = quantity(
        1e6, "K/W", "R_th to the surroundings", low=1e-3, high=1e12, spread=True, fit="log"
    )
    prefactor: float = quantity(
        90.0, "ohm", "R_0 of the conduction", low=1e-9, high=1e12, spread=True, fit="log"
    )
    activation_energy: float = quantity(
        0.215,
        "eV",
        "E_a of the traps",
        low=1e-3,
        high=10,
        source="field",
        spread=True,
        fit="log",
    )
    permittivity: float = quantity(
        45.0, "1", "eps_r, which with the thickness d makes beta", low=1, high=LARGEST, fit="log"
    )
    series_resistance: float = quantity(
        1e3,
        "ohm",
        "R_s that is left when it is hot; keeps it from burning",
        low=0,
        high=1e12,
        fit="log1p",
    )
    load_resistance: float = quantity(10e3, "ohm", "R_L before the device", above=0, high=1e12)
    thickness: float = quantity(45e-9, "m", "d of the layer", above=0, high=1)
    ambient: float = quantity(298.0, "K", "T_0 of the surroundings", above=0, high=1e4)
    bias_voltage: float = quantity(
        0.0, "V", "constant part of V_in", low=-LARGEST, high=LARGEST, fit="plain"
    )
    noise: float = quantity(
        0.0,
        "K/s^0.5",
        "sigma, thermal noise: dT = sigma dW; 0 is none",
        low=0,
        high=LARGEST,
        source="field",
    )

    @property
    def time_unit(self) -> float:
        """The thermal time R_th C_th in s."""
        return self.thermal_resistance * self.thermal_capacitance

    @property
    def settling_time(self) -> float:
        """The longer one of the thermal time and that of the capacitor, R_L C."""
        return max(self.time_unit, self.load_resistance * self.capacitance)

    @property
    def longest_step(self) -> float:
        q = tuple(self.nominal_numbers(self.time_unit).values())
        return MOST * self.time_unit / strength(q, 1.0, 0.0, 1.0)

    @property
    def noisy(self) -> bool:
        return self.noise > 0

    def numbers(self, time_unit: float, factors: Mapping[str, Any]) -> dict[str, Any]:
        resistance = self.thermal_resistance * factors["thermal_resistance"]
        heat = self.thermal_capacitance * factors["thermal_capacitance"]
        lowering = np.sqrt(CHARGE / (math.pi * VACUUM * self.permittivity * self.thickness))
        return {
            "rate": time_unit / (self.load_resistance * self.capacitance * factors["capacitance"]),
            "heating": time_unit / (self.load_resistance * heat),
            "cooling": time_unit / (resistance * heat),
            "series": self.series_resistance / self.load_resistance,
            "prefactor": self.prefactor * factors["prefactor"] / self.load_resistance,
            "barrier": self.activation_energy * factors["activation_energy"] / BOLTZMANN,
            # beta in eV/V^(1/2) is sqrt(q^3 / ...) / q
            "lowering": lowering / BOLTZMANN,
            "ambient": self.ambient,
            "noise": self.noise**2 * time_unit,
            "bias": self.bias_voltage,
        }

    def bias(self, q: Mapping[str, Any]) -> Any:
        return q["bias"]

    def rest(self, q: Mapping[str, Any]) -> tuple[Any, ...]:
        return equilibrium(q, q["bias"])

    def start_problem(self, start: float) -> str:
        if start > 0:
            return ""
        return "its temperature in K, too, which must be above 0; leave it out, at rest"

    def functions(self, scheme: str) -> Functions:
        own = {"strength": strength, "strong": divided, "rounded": True}
        return Functions(step, kick=kick, halves=True, **own)


SET_A: dict[str, float] = {"thermal_capacitance": 1e-13, "capacitance": 200e-12}
"""What differs in the set A: `Memristor(**SET_A)` begins softly and rings."""


# ---- equilibrium ----


def equilibrium(q: Mapping[str, Any], drive: Any) -> tuple[Any, Any]:
    """(V, T) at which nothing changes, in V and K; whether it is stable is another
    question.

    With the current I = V_in - V in units of V / R_L the temperature follows twice,
    from the resistance V / I and from the heat V I, and their difference falls with V:

        (E_a - beta sqrt(V)) / (k_B ln((V / I - R_s) / R_0)) - T_0 - R_th V I = 0 .

    There is one root as long as R_L is steep enough to hold the device at any point of
    its characteristic.

    Args:
        q: as `Memristor.numbers` gives it; drive: V_in in V; numbers or arrays, complex
            ones carry derivatives.
    """
    u = drive + 0.0 * (q["series"] + q["prefactor"] + q["barrier"] + q["ambient"])
    # where V_in is 0 a stand-in is solved and thrown away, which may divide by 0
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return _solved(q, u)


def _solved(q, u):
    """`equilibrium` for a V_in that has the form of the whole."""
    real = {name: np.real(value) for name, value in q.items()}
    sign, size = np.where(np.real(u) < 0, -1.0, 1.0), np.abs(np.real(u))
    whole = np.where(size > 0, size, 1.0)
    # resistance of the device without its barrier, and none at all
    least = real["series"] + real["prefactor"]
    low, high = whole * least / (1 + least), whole
    for _ in range(60):
        middle = (low + high) / 2
        cold = _excess(real, middle, whole)[0] < 0
        low, high = np.where(cold, low, middle), np.where(cold, middle, high)
    v, full = (low + high) / 2, np.where(size > 0, sign * u, 1.0)
    for _ in range(3):
        value, slope = _excess(q, v, full)
        v = v - value / slope
    power = v * (full - v)
    v, power = np.where(size > 0, v, 0.0), np.where(size > 0, power, 0.0)
    return sign * v, q["ambient"] + q["heating"] / q["cooling"] * power


def _excess(q, v, u):
    """The left side of `equilibrium` and its slope by V."""
    current, root = u - v, np.sqrt(v)
    logarithm = np.log((v / current - q["series"]) / q["prefactor"])
    top, resistance = q["barrier"] - q["lowering"] * root, q["heating"] / q["cooling"]
    value = top / logarithm - q["ambient"] - resistance * v * current
    by_v = u / (current * current) / (v / current - q["series"])
    slope = -q["lowering"] / (2 * root * logarithm) - top * by_v / logarithm**2
    return value, slope - resistance * (current - v)


# ---- one step of one neuron ----
# q = (rate, heating, cooling, series, prefactor, barrier, lowering, ambient, noise,
# bias) as `Memristor.numbers` names them; resistances in units of R_L, energies in K.


def conductance(q, v, t, one):
    """(G, G_x, x, sqrt|V|): G = R_L / R = 1 / (r_s + r_0 exp(x)) with x = (E_a - beta
    sqrt|V|) / (k_B T), G_x = dG/dx = -G r_0 exp(x) G.

    Where the voltage has taken the whole barrier away, x stays 0.
    """
    size = v if v.real >= 0 else -v
    root = square_root(size)
    x = (q[5] - q[6] * root) / t
    kept, _, _ = decay(x if x.real > 0 else one - one)
    inverse = one / (q[3] * kept + q[4])
    g = kept * inverse
    slope = -(g * (q[4] * inverse))
    return g, slope if x.real > 0 else one - one, x, root


def rates(q, v, t, u, one):
    """(dV/dt, dT/dt), their Jacobian, and a tuple with (V, T, G_x, x, sqrt|V|, G) for
    `by_number`.

    The root's own slope is infinite at V = 0, but V d sqrt|V|/dV = sqrt|V| / 2 is not,
    and only that is wanted.
    """
    two = one + one
    g, slope, x, root = conductance(q, v, t, one)
    current = v * g
    rate_v = q[0] * (u - v - current)
    rate_t = q[1] * (v * current) - q[2] * (t - q[7])
    # V dG/dV and dG/dT
    bent, warm = -slope * q[6] * root / (two * t), -slope * x / t
    jacobian = (
        (-q[0] * (one + g + bent), -q[0] * v * warm),
        (q[1] * v * (two * g + bent), q[1] * v * v * warm - q[2]),
    )
    return (rate_v, rate_t), jacobian, (v, t, slope, x, root, g)


def by_numbers_of(q, u, point, one):
    """d(dV/dt, dT/dt)/dq, a pair for each number but the last two, at a point of
    `rates`.
    """
    v, t, slope, _, root, g = point
    zero, into, heat = one - one, -q[0] * v, q[1] * v * v
    rest = slope / q[4]
    return (
        (u - v - v * g, zero),
        (zero, v * v * g),
        (zero, q[7] - t),
        (-into * g * g, -heat * g * g),
        (into * rest, heat * rest),
        (into * slope / t, heat * slope / t),
        (-into * slope * root / t, -heat * slope * root / t),
        (zero, q[2]),
    )


def carried(h, jacobians, own, dv, dt, one):
    """(dV', dT') of a Runge-Kutta step for changes (dV, dT) of its start, and own[i] of
    the rates at its four points.
    """
    two = one + one
    half, sixth = h / two, h / (two + two + two)
    first = through(jacobians[0], own[0], dv, dt)
    second = through(jacobians[1], own[1], dv + half * first[0], dt + half * first[1])
    third = through(jacobians[2], own[2], dv + half * second[0], dt + half * second[1])
    last = through(jacobians[3], own[3], dv + h * third[0], dt + h * third[1])
    return (
        dv + sixth * (first[0] + two * (second[0] + third[0]) + last[0]),
        dt + sixth * (first[1] + two * (second[1] + third[1]) + last[1]),
    )


def through(jacobian, own, dv, dt):
    """Change of the rates at a point."""
    return (
        jacobian[0][0] * dv + jacobian[0][1] * dt + own[0],
        jacobian[1][0] * dv + jacobian[1][1] * dt + own[1],
    )


def along(h, jacobians, owns, i, one):
    """`carried` of a number: entry i of what `by_numbers_of` gave at four points."""
    own = (owns[0][i], owns[1][i], owns[2][i], owns[3][i])
    return carried(h, jacobians, own, one - one, one - one, one)


def step(q, shared, h, s, u, one):
    """The classical Runge-Kutta step of fourth order for a held V_in, with the
    derivatives of its four points carried along.
    """
    two, zero = one + one, one - one
    half, sixth = h / two, h / (two + two + two)
    v, t = s
    k1, j1, p1 = rates(q, v, t, u, one)
    k2, j2, p2 = rates(q, v + half * k1[0], t + half * k1[1], u, one)
    k3, j3, p3 = rates(q, v + half * k2[0], t + half * k2[1], u, one)
    k4, j4, p4 = rates(q, v + h * k3[0], t + h * k3[1], u, one)
    v_next = v + sixth * (k1[0] + two * (k2[0] + k3[0]) + k4[0])
    t_next = t + sixth * (k1[1] + two * (k2[1] + k3[1]) + k4[1])
    js, still, driven = (j1, j2, j3, j4), (zero, zero), (q[0], zero)
    by_v = carried(h, js, (still, still, still, still), one, zero, one)
    by_t = carried(h, js, (still, still, still, still), zero, one, one)
    by_u = carried(h, js, (driven, driven, driven, driven), zero, zero, one)
    owns = (
        by_numbers_of(q, u, p1, one),
        by_numbers_of(q, u, p2, one),
        by_numbers_of(q, u, p3, one),
        by_numbers_of(q, u, p4, one),
    )
    a, b, c = along(h, js, owns, 0, one), along(h, js, owns, 1, one), along(h, js, owns, 2, one)
    d, e, f = along(h, js, owns, 3, one), along(h, js, owns, 4, one), along(h, js, owns, 5, one)
    g, k = along(h, js, owns, 6, one), along(h, js, owns, 7, one)
    by_numbers = (
        (a[0], b[0], c[0], d[0], e[0], f[0], g[0], k[0], zero, zero),
        (a[1], b[1], c[1], d[1], e[1], f[1], g[1], k[1], zero, zero),
    )
    return (v_next, t_next), ((by_v[0], by_t[0]), (by_v[1], by_t[1])), by_u, by_numbers


def strength(q, h, u, one):
    """Above 1 a step is longer than R_th C_th / COARSE, or than the shortest time of
    the capacitor: dI/dV = G + V dG/dV is at most (1 + E_a / (2 k_B T_0)) / (R_s + R_0).
    """
    two = one + one
    thermal = q[2] * h * two
    electrical = q[0] * h * (one + (one + q[5] / (two * q[7])) / (q[3] + q[4]))
    return thermal if thermal.real > electrical.real else electrical


def divided(q, shared, h, s, u, one):
    """`step` in so many parts that none is stronger than 1; NaN where they are more
    than MOST.
    """
    wanted, count = strength(q, h, u, one).real, one
    while count < wanted and wanted <= MOST:
        count = count + one
    zero, done = one - one, one - one
    part = h / count if wanted <= MOST else square_root(-one)
    after, jacobian, by_u = s, ((one, zero), (zero, one)), (zero, zero)
    none = (zero, zero, zero, zero, zero, zero, zero, zero, zero, zero)
    by_numbers = (none, none)
    while done < count:
        after, own, by_own, by_each = step(q, shared, part, after, u, one)
        jacobian = product(own, jacobian)
        by_u, by_numbers = plus(by_own, product(own, by_u)), plus(by_each, product(own, by_numbers))
        done = done + one
    return after, jacobian, by_u, by_numbers


def kick(q, h, s, r2, cosine, one):
    """T' = T + sigma sqrt(h) n, n standard normal; q[8] is sigma^2."""
    zero = one - one
    moved = square_root(q[8] * h * r2) * cosine
    by_noise = moved / (q[8] + q[8]) if q[8].real > zero else zero
    v, t = s
    by_numbers = (
        (zero, zero, zero, zero, zero, zero, zero, zero, zero, zero),
        (zero, zero, zero, zero, zero, zero, zero, zero, by_noise, zero),
    )
    return (v, t + moved), ((one, zero), (zero, one)), by_numbers
