"""The neuron of the RF network: the package's oscillator at rest, whose radio-frequency
power drives the next layer, eq. (R3) and (R4) of docs/rf.md.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from spinrnn.config.quantity import quantity
from spinrnn.config.run import LARGEST_NUMBER
from spinrnn.neurons.oscillator import steady_power
from spinrnn.neurons.static import Activation

PUBLISHED = "program of arXiv:2211.03659"


@dataclass(frozen=True)
class RF(Activation):
    """P = A p R I^2 of an oscillator at rest, p = (xi - 1)/(xi + Q), xi = I / I_th; its
    current is I = g_m (V + V_bias), held between I_th and a multiple of it.

    z is the voltage V of a chain of resonators in V, the value a power in W. An
    oscillator below its threshold, or at the largest current, passes no gradient.
    """

    kind: ClassVar[str] = "rf"
    drive_unit: ClassVar[str] = "V"
    unit: ClassVar[str] = "W"
    usual_drive: ClassVar[float] = 4e-3
    usual_value: ClassVar[float] = 1e-6

    transconductance: float = quantity(
        3.388370758630916e-3,
        "S",
        "g_m, current for a voltage (the authors found it by a search)",
        above=0,
        high=LARGEST_NUMBER,
        source=PUBLISHED,
    )
    bias_voltage: float = quantity(
        11.084586710145186e-3,
        "V",
        "V_bias, added to the voltage (the authors found it by a search)",
        low=-LARGEST_NUMBER,
        high=LARGEST_NUMBER,
        source=PUBLISHED,
    )
    threshold_current: float = quantity(
        10e-6, "A", "I_th, at which it begins to oscillate", above=0, high=1, source=PUBLISHED
    )
    largest_ratio: float = quantity(
        4.0,
        about="largest current over I_th",
        above=1,
        high=LARGEST_NUMBER,
        source=PUBLISHED,
    )
    resistance: float = quantity(
        1e3, "ohm", "R of a junction", above=0, high=LARGEST_NUMBER, source=PUBLISHED
    )
    efficiency: float = quantity(
        1.25,
        about="A, power given over p R I^2",
        above=0,
        high=LARGEST_NUMBER,
        source=PUBLISHED,
    )
    nonlinear_damping: float = quantity(
        2.0, about="Q", low=0, high=LARGEST_NUMBER, source=PUBLISHED
    )
    tolerance: float = quantity(
        0.0,
        about="eps: powers are multiplied once by max(0, 1 + eps N(0, 1))",
        low=0,
        high=1,
        source=PUBLISHED,
    )

    def factors(self, neurons: int, rng: np.random.Generator) -> np.ndarray | None:
        if not self.tolerance:
            return None
        return np.maximum(0.0, 1 + self.tolerance * rng.standard_normal(neurons))

    def value(self, z: np.ndarray, factors: np.ndarray | None = None) -> np.ndarray:
        xi, _ = self._ratio(z)
        power = steady_power(xi, 1.0, self.nonlinear_damping)
        return self._scaled(power * xi * xi, self._unit_power, factors)

    def slope(self, z: np.ndarray, factors: np.ndarray | None = None) -> np.ndarray:
        """dP/dV = g_m A R [(1 + Q) I^2 / (I_th (xi + Q)^2) + 2 I p] between the limits
        of the current, 0 elsewhere.
        """
        xi, free = self._ratio(z)
        q = self.nonlinear_damping
        by_ratio = (1 + q) * xi * xi / (xi + q) ** 2 + 2 * xi * steady_power(xi, 1.0, q)
        by_voltage = self._unit_power * self.transconductance / self.threshold_current
        return self._scaled(free * by_ratio, by_voltage, factors)

    def consumption(self, z: np.ndarray) -> np.ndarray:
        """R I^2 in W, what a junction takes from its current, for voltages z in V."""
        xi, _ = self._ratio(z)
        return self.resistance * (self.threshold_current * xi) ** 2

    @property
    def _unit_power(self):
        """A R I_th^2."""
        return self.efficiency * self.resistance * self.threshold_current**2

    def _ratio(self, z):
        """(I / I_th between its limits, whether it is strictly between them)."""
        gain = self.transconductance / self.threshold_current
        wanted = gain * (z + self.bias_voltage)
        free = (wanted > 1) & (wanted < self.largest_ratio)
        return np.clip(wanted, 1, self.largest_ratio).astype(z.dtype), free

    @staticmethod
    def _scaled(values, unit, factors):
        scaled = values * unit
        return scaled if factors is None else scaled * factors.astype(scaled.dtype)
