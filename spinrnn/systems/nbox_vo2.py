"""A verified sister of the thermal memristor: vanadium dioxide with its hysteresis,
after the published program of the thermal neuristor array (repository
yuanhangzhang98/VO2_thermal_neuristor_array, parameters and equations read there).

    R = R_0 exp(E_a / T) g(T) + R_m ,
    g = 1/2 + 1/2 tanh{beta [delta w/2 + T_c - T - T_p]}

with delta = +1 while it heats and -1 while it cools. What it remembers is where it last
turned round: T_r, and the proximity temperature T_pr, of which T_p = T_pr P((T - T_r) /
T_pr) is left on the way through a minor loop.

Euler's steps of 10 ns are part of that program, and of what it is known for: they feed
an oscillation of angular frequency w by w^2 h / 2. The neuron `vo2` has the same
equations with a step of second order.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq

R0, EA, RM = 5.35883e-3, 5220.474, 262.5 * 4.900253
"""Ohm, K, Ohm."""
WIDTH, CENTRE, STEEPNESS, PROXIMITY = 7.193571, 332.805839, 0.2527963, 0.9562697
"""w, T_c in K, beta in 1/K, gamma."""
COLDEST, HOTTEST = 305.0, 370.0
"""Limits of T in the exponential, K."""
CAPACITANCE, HEAT, COOLING = 145.34619e-12, 49.62777e-12, 0.2055873e-3
"""F, J/K, W/K."""
LOAD, BASE = 12e3, 325.0
"""Ohm, K."""
STEP, TURN = 10e-9, 0.01
"""s, K."""


class Memory(NamedTuple):
    """Where the loops of each case stand; arrays of one length.

    Attributes:
        direction: +1 heating, -1 cooling; turned: T_r in K; proximity: T_pr in K;
            looked: temperature when it was last looked whether it turns, K.
    """

    direction: np.ndarray
    turned: np.ndarray
    proximity: np.ndarray
    looked: np.ndarray


def semiconducting(temperature: np.ndarray, memory: Memory) -> np.ndarray:
    """g, share of the device that is not metallic, from 0 to 1."""
    some = np.where(memory.proximity == 0, 1.0, memory.proximity)
    x = (temperature - memory.turned) / some
    left = 0.5 * (1 - np.sin(PROXIMITY * x)) * (1 + np.tanh(np.pi**2 - 2 * np.pi * x))
    shift = memory.direction * WIDTH / 2 + CENTRE - memory.proximity * left
    return 0.5 + 0.5 * np.tanh(STEEPNESS * (shift - temperature))


def resistance(temperature: np.ndarray, memory: Memory) -> np.ndarray:
    """In Ohm."""
    limited = np.clip(temperature, COLDEST, HOTTEST)
    return R0 * np.exp(EA / limited) * semiconducting(temperature, memory) + RM


def turned(temperature: np.ndarray, memory: Memory) -> Memory:
    """The memory after a look at the temperature: a case that goes the other way than
    before begins a new loop where it is.
    """
    moved = temperature - memory.looked
    looks = np.abs(moved) > TURN
    turns = looks & (np.sign(moved) != memory.direction)
    direction = np.where(turns, -memory.direction, memory.direction)
    # away from 0 and 1, whose artanh is infinite
    g = np.clip(semiconducting(temperature, memory), 1e-12, 1 - 1e-12)
    new = direction * WIDTH / 2 + CENTRE - np.arctanh(2 * g - 1) / STEEPNESS - temperature
    return Memory(
        direction,
        np.where(turns, temperature, memory.turned),
        np.where(turns, new, memory.proximity),
        np.where(looks, temperature, memory.looked),
    )


def simulated(drives: np.ndarray, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """(V, T) over time from a cold device, (case, step), in V and K.

    Args:
        drives: (case,) held V_in in V; seconds: of the whole time.
    """
    drives = np.asarray(drives, dtype=float)
    count = round(seconds / STEP)
    voltage, temperature = np.zeros((2, drives.size, count + 1))
    temperature[:, 0] = BASE
    start = np.full(drives.size, BASE)
    memory = Memory(np.ones(drives.size), start, np.zeros(drives.size), start)
    for k in range(count):
        v, t = voltage[:, k], temperature[:, k]
        r = resistance(t, memory)
        voltage[:, k + 1] = v + STEP / CAPACITANCE * ((drives - v) / LOAD - v / r)
        temperature[:, k + 1] = t + STEP / HEAT * (v * v / r - COOLING * (t - BASE))
        memory = turned(temperature[:, k + 1], memory)
    return voltage, temperature


# ---- stability on the two branches of the whole loop ----


def branch(direction: int) -> Memory:
    """The memory of the whole loop: +1 heating, -1 cooling; no minor loop."""
    zero = np.zeros(1)
    return Memory(np.full(1, float(direction)), zero + BASE, zero, zero + BASE)


def rest(drive: float, direction: int) -> tuple[float, float]:
    """(V, T) of the coldest equilibrium of a branch at a held V_in, in V and K."""

    def excess(temperature):
        voltage, r = _held_at(temperature, direction)
        return voltage + LOAD * voltage / r - drive

    grid = BASE + np.geomspace(1e-3, 100, 2000)
    first = int(np.argmax(excess(grid) > 0))
    temperature = brentq(lambda t: float(excess(t)), grid[first - 1], grid[first], xtol=1e-10)
    return float(_held_at(temperature, direction)[0]), float(temperature)


def _held_at(temperature, direction):
    """V that holds a branch at a temperature, and its resistance there; numbers or
    arrays.
    """
    r = resistance(np.atleast_1d(temperature), branch(direction))
    r = r if np.ndim(temperature) else r[0]
    return np.sqrt(r * COOLING * (temperature - BASE)), r


def growth(drive: float, direction: int) -> float:
    """Largest real part of the eigenvalues at the equilibrium of a branch, 1/s."""
    v, t = rest(drive, direction)
    r, near = _held_at(t, direction)[1], 1e-4
    by_t = (_held_at(t + near, direction)[1] - _held_at(t - near, direction)[1]) / (2 * near)
    jacobian = [
        [-(1 / LOAD + 1 / r) / CAPACITANCE, v / r**2 * by_t / CAPACITANCE],
        [2 * v / r / HEAT, -(v * v / r**2 * by_t + COOLING) / HEAT],
    ]
    return float(np.linalg.eigvals(jacobian).real.max())


def window() -> tuple[float, float]:
    """V_in in V at which the equilibrium of the heating branch becomes unstable, and
    that of the cooling branch stable: between them nothing can come to rest.
    """
    low = brentq(lambda u: growth(u, 1), 9.0, 10.4, xtol=1e-6)
    high = brentq(lambda u: growth(u, -1), 14.0, 18.0, xtol=1e-6)
    return float(low), float(high)
