"""The parameters of one oscillator: names, units, meanings, coordinates, derived
numbers.

The model is eq. (1) with I(t) = gamma bias + gain drive(t), and power = scale p. All
derivatives by parameters are in the order of `NAMES`.
"""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

NAMES: tuple[str, ...] = ("gamma", "Q", "bias", "gain", "scale")
UNITS: dict[str, str] = {
    "gamma": "1/s",
    "Q": "1",
    "bias": "1",
    "gain": "1/s per unit of drive",
    "scale": "unit of power",
}
DERIVED_UNITS: dict[str, str] = {
    "gamma (1 + Q)": "1/s",
    "gamma (bias - 1)": "1/s",
    "threshold": "unit of drive",
}
LOWEST: dict[str, float] = {"gamma": 0.0, "Q": -1.0, "scale": 0.0}
"""Limits that values must exceed."""
KEYS: dict[str, tuple[str, str]] = {
    "gamma": ("gamma", "damping rate of eq. (1)"),
    "Q": ("q", "nonlinear damping of eq. (1)"),
    "bias": ("bias", "drive at drive = 0, over gamma"),
    "gain": ("gain", "drive of eq. (1) for one unit of the measured drive"),
    "scale": ("scale", "measured power of p = 1"),
    "gamma (1 + Q)": ("saturation_rate", "gamma (1 + Q), which any data fix"),
    "gamma (bias - 1)": ("growth_rate", "gamma (bias - 1), growth of small powers at drive = 0"),
    "threshold": ("threshold", "drive at which the power begins, gamma (1 - bias) / gain"),
}
"""{name: (key, meaning)} in files for machines."""


class _Coordinate(NamedTuple):
    """The number that a fit changes in the place of a parameter."""

    of: Callable[[float], float]
    value: Callable[[float], float]
    slope: Callable[[float], float]


_PLAIN = _Coordinate(float, float, lambda value: 1.0)
_COORDINATES = {
    "gamma": _Coordinate(math.log, math.exp, lambda value: value),
    "Q": _Coordinate(math.log1p, math.expm1, lambda value: 1 + value),
    "scale": _Coordinate(math.log, math.exp, lambda value: value),
}


def coordinate_of(name: str, value: float) -> float:
    """log gamma, log (1 + Q), log scale; bias and gain themselves."""
    return _COORDINATES.get(name, _PLAIN).of(value)


def value_of(name: str, coordinate: float) -> float:
    """The parameter that has this coordinate."""
    # no fit comes to the end of a float's range, but a trial step may, and must give a
    # number
    if name in _COORDINATES:
        return _COORDINATES[name].value(min(coordinate, 600.0))
    return float(coordinate)


def slope_of(name: str, value: float) -> float:
    """Derivative of a parameter by its coordinate."""
    return _COORDINATES.get(name, _PLAIN).slope(value)


def with_derived(values: Mapping[str, float]) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """The parameters with the numbers that follow from them, and their gradients.

    Args:
        values: of all `NAMES`.
    Returns:
        {name: value}, {name: (5,) gradient by `NAMES`}. Without gain there is no
        threshold.
    """
    gamma, q, bias, gain = (values[name] for name in ("gamma", "Q", "bias", "gain"))
    found = {name: float(values[name]) for name in NAMES}
    gradients = {name: np.eye(len(NAMES))[i] for i, name in enumerate(NAMES)}
    found["gamma (1 + Q)"] = gamma * (1 + q)
    gradients["gamma (1 + Q)"] = np.array([1 + q, gamma, 0, 0, 0])
    found["gamma (bias - 1)"] = gamma * (bias - 1)
    gradients["gamma (bias - 1)"] = np.array([bias - 1, 0, gamma, 0, 0])
    if gain:
        found["threshold"] = gamma * (1 - bias) / gain
        gradients["threshold"] = np.array(
            [(1 - bias) / gain, 0, -gamma / gain, -gamma * (1 - bias) / gain**2, 0]
        )
    return found, gradients
