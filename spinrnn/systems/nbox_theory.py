"""What is known of the thermal memristor without simulating it: threshold and hold
point of its characteristic, and where its equilibrium loses its stability.

The equations are (N1) to (N3) of docs/nbox.md; all numbers are SI.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq

from spinrnn.neurons.memristor import BOLTZMANN, CHARGE, VACUUM, Memristor


class Point(NamedTuple):
    """A point of the characteristic: V, T in K, current in A."""

    voltage: float
    temperature: float
    current: float


def beta(neuron: Memristor) -> float:
    """Lowering of the barrier, eV/V^(1/2)."""
    permittivity = np.pi * VACUUM * neuron.permittivity * neuron.thickness
    return float(np.sqrt(CHARGE / permittivity))


def resistance(neuron: Memristor, voltage, temperature):
    """R(T, V) in Ohm, numbers or arrays."""
    barrier = neuron.activation_energy - beta(neuron) * np.sqrt(np.abs(voltage))
    exponential = np.exp(barrier / (BOLTZMANN * temperature))
    return neuron.series_resistance + neuron.prefactor * exponential


def voltage_of(neuron: Memristor, temperature: float) -> float:
    """V in V that holds the device at a temperature: the root of V^2 / R(T, V) =
    (T - T_0) / R_th, whose left side grows with V.
    """
    power = (temperature - neuron.ambient) / neuron.thermal_resistance
    largest = np.sqrt(resistance(neuron, 0.0, temperature) * power) + 1e-12

    def excess(v):
        return v * v / resistance(neuron, v, temperature) - power

    return float(brentq(excess, 0.0, largest, xtol=1e-15))


def point_at(neuron: Memristor, temperature: float) -> Point:
    voltage = voltage_of(neuron, temperature)
    current = voltage / resistance(neuron, voltage, temperature)
    return Point(voltage, temperature, float(current))


def drive_of(neuron: Memristor, point: Point) -> float:
    """V_in that holds the circuit there: V + R_L I."""
    return point.voltage + neuron.load_resistance * point.current


# ---- threshold ----


def closed_threshold(neuron: Memristor) -> Point:
    """Threshold where R_s is 0: T* = (A - sqrt(A^2 - 4 A T_0)) / 2 with A = (E_a - beta
    sqrt(V*)) / k_B, V* from the heat at T*. It exists for A > 4 T_0.

    At the largest voltage dV/dT = 0, and so d(V^2 / R)/dT = 1 / R_th at this V: with
    dR/dT = -R A / T^2 that is T*^2 = A (T* - T_0).
    """
    voltage, temperature = 0.0, neuron.ambient
    for _ in range(200):
        a = (neuron.activation_energy - beta(neuron) * np.sqrt(voltage)) / BOLTZMANN
        if a <= 4 * neuron.ambient:
            raise ValueError("E_a - beta sqrt(V) is at most 4 k_B T_0: there is no threshold")
        temperature = (a - np.sqrt(a * a - 4 * a * neuron.ambient)) / 2
        r = neuron.prefactor * np.exp(a / temperature)
        voltage = np.sqrt(r * (temperature - neuron.ambient) / neuron.thermal_resistance)
    return Point(float(voltage), float(temperature), float(voltage / r))


def threshold(neuron: Memristor) -> Point:
    """The largest voltage on the cold side of the characteristic."""
    return point_at(neuron, _turning(neuron)[0])


def hold(neuron: Memristor) -> Point:
    """The smallest voltage on its hot side."""
    return point_at(neuron, _turning(neuron)[1])


def _turning(neuron):
    """Temperatures where dV/dT = 0, the first two."""
    grid = neuron.ambient * np.geomspace(1.0001, 20, 400)
    slopes = [_slope(neuron, t) for t in grid]
    found = [
        brentq(lambda t: _slope(neuron, t), a, b, xtol=1e-10)
        for a, b, x, y in zip(grid, grid[1:], slopes, slopes[1:], strict=False)
        if x * y < 0
    ]
    return found if len(found) > 1 else [*found, np.nan]


def _slope(neuron, temperature):
    """What has the sign of dV/dT: d(V^2 / R)/dT - 1 / R_th at constant V."""
    v = voltage_of(neuron, temperature)
    return v * currents(neuron, v, temperature)[2] - 1 / neuron.thermal_resistance


# ---- stability ----


def currents(neuron: Memristor, voltage, temperature):
    """(I, dI/dV, dI/dT) of I = V / R(T, V) in A, A/V, A/K."""
    r, root = resistance(neuron, voltage, temperature), np.sqrt(np.abs(voltage))
    thermal, lowering = BOLTZMANN * temperature, beta(neuron)
    barrier = (neuron.activation_energy - lowering * root) / thermal
    share = (r - neuron.series_resistance) / r
    current = voltage / r
    by_v = (1 + share * lowering * root / (2 * thermal)) / r
    return current, by_v, current * share * barrier / temperature


def jacobian(neuron: Memristor, voltage: float, temperature: float) -> np.ndarray:
    """(2, 2) of dV/dt and dT/dt by V and T, in SI units."""
    current, by_v, by_t = currents(neuron, voltage, temperature)
    c, heat = neuron.capacitance, neuron.thermal_capacitance
    cooled = 1 / neuron.thermal_resistance
    return np.array(
        [
            [-(1 / neuron.load_resistance + by_v) / c, -by_t / c],
            [(current + voltage * by_v) / heat, (voltage * by_t - cooled) / heat],
        ]
    )


def eigenvalues(neuron: Memristor, point: Point) -> np.ndarray:
    """Of the Jacobian at a point, 1/s, complex, the larger real part first."""
    found = np.linalg.eigvals(jacobian(neuron, point.voltage, point.temperature))
    return found[np.argsort(-found.real)].astype(complex)


def edges(neuron: Memristor) -> tuple[float, ...]:
    """V_in in V at which an equilibrium gains or loses its stability, in rising order:
    the largest real part of the eigenvalues changes its sign.
    """
    grid = neuron.ambient * np.geomspace(1.0005, 8, 400)

    def growth(temperature):
        return float(eigenvalues(neuron, point_at(neuron, temperature))[0].real)

    values = [growth(t) for t in grid]
    found = [
        brentq(growth, a, b, xtol=1e-9)
        for a, b, x, y in zip(grid, grid[1:], values, values[1:], strict=False)
        if x * y < 0
    ]
    return tuple(sorted(drive_of(neuron, point_at(neuron, t)) for t in found))
