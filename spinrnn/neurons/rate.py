"""Activations of software networks: rectified linear, sign, hard tanh, linear.

Where a function has a kink its slope there is that of the side named.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from spinrnn.neurons.static import Activation


@dataclass(frozen=True)
class ReLU(Activation):
    """max(0, z), rectified linear; its slope at 0 is 0. Initial weights after He et al.
    2015, arXiv:1502.01852.
    """

    kind: ClassVar[str] = "relu"
    start_gain: ClassVar[float] = math.sqrt(2)

    def value(self, z: np.ndarray, factors: np.ndarray | None = None) -> np.ndarray:
        # maximum keeps NaN
        return np.maximum(z, z.dtype.type(0))

    def slope(self, z: np.ndarray, factors: np.ndarray | None = None) -> np.ndarray:
        return (z > 0).astype(z.dtype)


@dataclass(frozen=True)
class Sign(Activation):
    """+1 for z >= 0, else -1; its slope is a stand-in, 1 for |z| <= 1, else 0
    (straight through).
    """

    kind: ClassVar[str] = "sign"
    exact: ClassVar[bool] = False

    def value(self, z: np.ndarray, factors: np.ndarray | None = None) -> np.ndarray:
        value = (z >= 0).astype(z.dtype)
        value += value - z.dtype.type(1)
        # z - z is NaN where z is not finite, which no sign may hide
        value += z - z
        return value

    def slope(self, z: np.ndarray, factors: np.ndarray | None = None) -> np.ndarray:
        return (np.abs(z) <= 1).astype(z.dtype)


@dataclass(frozen=True)
class HardTanh(Activation):
    """z held between -1 and 1; its slope at both ends is 1."""

    kind: ClassVar[str] = "hard_tanh"

    def value(self, z: np.ndarray, factors: np.ndarray | None = None) -> np.ndarray:
        one = z.dtype.type(1)
        # clip keeps NaN
        return np.clip(z, -one, one)

    def slope(self, z: np.ndarray, factors: np.ndarray | None = None) -> np.ndarray:
        return (np.abs(z) <= 1).astype(z.dtype)


@dataclass(frozen=True)
class Linear(Activation):
    """z itself."""

    kind: ClassVar[str] = "linear"

    def value(self, z: np.ndarray, factors: np.ndarray | None = None) -> np.ndarray:
        return z

    def slope(self, z: np.ndarray, factors: np.ndarray | None = None) -> np.ndarray:
        return np.ones_like(z)
