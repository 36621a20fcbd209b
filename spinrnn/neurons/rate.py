"""Activations that are functions of a line: ReLU, hard tanh, sign, and none at all."""

import math
from dataclasses import dataclass

import numpy as np

from spinrnn.neurons.static import Activation


@dataclass(frozen=True)
class ReLU(Activation):
    """max(z, 0); initial weights after He et al. 2015, arXiv:1502.01852."""

    kind = "relu"
    start_gain = math.sqrt(2)

    def value(self, z: np.ndarray, factors: np.ndarray | None = None) -> np.ndarray:
        # in this order a NaN stays one
        return np.maximum(z, z.dtype.type(0))

    def slope(self, z: np.ndarray, factors: np.ndarray | None = None) -> np.ndarray:
        return (z > 0).astype(z.dtype)


@dataclass(frozen=True)
class HardTanh(Activation):
    """z, held between -1 and 1."""

    kind = "hard_tanh"

    def value(self, z: np.ndarray, factors: np.ndarray | None = None) -> np.ndarray:
        return np.clip(z, z.dtype.type(-1), z.dtype.type(1))

    def slope(self, z: np.ndarray, factors: np.ndarray | None = None) -> np.ndarray:
        return (np.abs(z) <= 1).astype(z.dtype)


@dataclass(frozen=True)
class Sign(Activation):
    """1 where z is at least 0, else -1. The slope is the straight-through estimate of
    Hubara et al. 2016, arXiv:1602.02830: that of `HardTanh`.
    """

    kind = "sign"
    exact = False

    def value(self, z: np.ndarray, factors: np.ndarray | None = None) -> np.ndarray:
        one = z.dtype.type(1)
        # NaN is not at least 0 and not below it: it stays
        return np.where(z >= 0, one, np.where(z < 0, -one, z))

    def slope(self, z: np.ndarray, factors: np.ndarray | None = None) -> np.ndarray:
        return (np.abs(z) <= 1).astype(z.dtype)


@dataclass(frozen=True)
class Linear(Activation):
    """z as it is."""

    kind = "linear"

    def value(self, z: np.ndarray, factors: np.ndarray | None = None) -> np.ndarray:
        return z

    def slope(self, z: np.ndarray, factors: np.ndarray | None = None) -> np.ndarray:
        return np.ones_like(z)
