"""The macrospin: a free layer whose magnetisation is one unit vector m, in SI units,
equations (M1) to (M4) of docs/MODEL.md.

*Signs.* The current is positive where it favours m parallel to the polariser, that is,
where electrons come to the free layer from the polariser's side. A negative current
turns m away from it. On which side of the free layer the polariser lies does not enter.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from spinrnn.config.kinds import range_problems
from spinrnn.config.quantity import quantity
from spinrnn.config.slips import unusual
from spinrnn.neurons import llg
from spinrnn.neurons.protocol import Functions, Neuron, State

HBAR, CHARGE, BOLTZMANN = 1.054571817e-34, 1.602176634e-19, 1.380649e-23
PERMEABILITY = 1.25663706212e-6
ALIGNINGS, NEAR = 2000, 1e-4
"""Steps towards the field at most; torque over field at which Newton's method takes
over."""
NEWTON, PARTS = 6, 4
"""Steps of Newton's method for each of the parts in which a current comes on."""
SETTLED = 1e-9
"""Slope over field of what is at rest; decay over precession of what nothing holds."""
FIELDS, CURRENTS = (0.0, 20.0), (1e-8, 0.1)
"""Sizes that are usual, T and A."""
DENSITIES = (("a density in A/m2", 1.0), ("a density in A/cm2", 1e4))
"""What a current is meant as that has to be multiplied by the area."""
AWRY = (1e-3, 2e-3, 3e-3)
"""By which the search for a rest starts beside a direction that may be a maximum."""


@dataclass(frozen=True)
class Macrospin(Neuron):
    """The Landau-Lifshitz-Gilbert-Slonczewski equation of a free layer, (M1).

    What is emitted is m_x, which a junction whose reference layer lies along x reads:
    its conductance goes with the cosine of the angle between the two. Choose the axes
    so. The drive is a current in A; a density is multiplied by `area` first.
    """

    kind: ClassVar[str] = "macrospin"
    states: ClassVar[tuple[State, ...]] = (
        State("mx", "1", "magnetisation along x, over Ms"),
        State("my", "1", "magnetisation along y, over Ms"),
        State("mz", "1", "magnetisation along z, over Ms"),
    )
    drive: ClassVar[State] = State("drive", "A", "current, positive where it favours parallel")
    name: ClassVar[str] = "macrospin"
    title: ClassVar[str] = "a network of macrospins"
    span: ClassVar[tuple[float, float] | None] = (-1.0, 1.0)
    excitation: ClassVar[str] = "spinrnn.neurons.excitation:excitation"

    saturation: float = quantity(8e5, "A/m", "Ms", above=0, fit="log", usual=(1e4, 3e6))
    damping: float = quantity(
        0.01, about="alpha of Gilbert", above=0, high=10, spread=True, fit="log", source="field"
    )
    field_x: float = quantity(0.0, "T", "applied field along x, mu_0 H", fit="plain", usual=FIELDS)
    field_y: float = quantity(0.0, "T", "applied field along y, mu_0 H", fit="plain", usual=FIELDS)
    field_z: float = quantity(1.2, "T", "applied field along z, mu_0 H", fit="plain", usual=FIELDS)
    anisotropy: float = quantity(
        0.0,
        "J/m3",
        "K of the energy -K (u m)^2; negative: a hard axis",
        spread=True,
        fit="log",
        usual=(1.0, 1e8),
    )
    axis_x: float = quantity(0.0, about="of the axis u; its length does not count")
    axis_y: float = quantity(0.0, about="of the axis u")
    axis_z: float = quantity(1.0, about="of the axis u")
    demag_x: float = quantity(
        0.0, about="demagnetising factor along x; all 1 in sum", low=0, high=1, fit="plain"
    )
    demag_y: float = quantity(0.0, about="along y", low=0, high=1, fit="plain")
    demag_z: float = quantity(1.0, about="along z", low=0, high=1, fit="plain")
    polarisation: float = quantity(
        0.4, about="P, spin polarisation", above=0, high=1, fit="log", source="field"
    )
    asymmetry: float = quantity(
        1.0, about="Lambda of Slonczewski; 1: the same torque at any angle", above=0, fit="log"
    )
    field_like: float = quantity(
        0.0, about="beta, field-like over damping-like torque", low=-10, high=10, fit="plain"
    )
    polariser_x: float = quantity(0.5, about="direction p; its length does not count")
    polariser_y: float = quantity(0.0, about="direction p")
    polariser_z: float = quantity(-0.8660254037844386, about="direction p")
    thickness: float = quantity(3e-9, "m", "of the free layer", above=0, usual=(1e-10, 1e-6))
    area: float = quantity(
        7.853981633974483e-15,
        "m2",
        "through which it flows",
        above=0,
        spread=True,
        usual=(1e-18, 1e-8),
    )
    temperature: float = quantity(0.0, "K", "0: no thermal field", low=0, usual=(1e-3, 2e3))
    gyromagnetic_ratio: float = quantity(
        1.76085963e11, "rad/(s T)", "gamma, positive", above=0, usual=(5e10, 5e11)
    )
    # no fit: b of the network and an offset of the drive are the same, in units near 1
    bias_current: float = quantity(3e-4, "A", "constant current", usual=CURRENTS)
    current_unit: float = quantity(
        1e-4, "A", "current of a weighted sum of 1", above=0, usual=CURRENTS
    )
    start_x: float = quantity(0.0, about="near which direction it rests at the start")
    start_y: float = quantity(0.0, about="near which direction it rests")
    start_z: float = quantity(1.0, about="near which direction it rests")
    start_angle: float = quantity(
        0.0, "rad", "from the rest at which it starts", low=0, high=math.pi
    )

    @classmethod
    def example(cls) -> "Macrospin":
        """One in which every term acts, and whose current moves it at once."""
        return cls(
            field_x=0.4,
            field_y=0.1,
            anisotropy=1e5,
            axis_x=0.5,
            demag_x=0.1,
            demag_y=0.2,
            demag_z=0.7,
            asymmetry=1.5,
            field_like=0.2,
            bias_current=2e-3,
            current_unit=2e-2,
        )

    def problems(self) -> list[str]:
        found = range_problems(self)
        for name in ("axis", "polariser", "start"):
            length = np.linalg.norm(self.vector(name))
            if not 0 < length < math.inf:
                found.append(f"{name}_x: {name}_x, _y and _z must be a direction, not all 0")
        if not found and not self.field_scale > 0:
            text = "a field, an anisotropy or demagnetising factors that differ must turn m"
            found.append(f"field_z: {text}")
        return found

    def unusual(self) -> list[str]:
        densities = [(what, size * self.area) for what, size in DENSITIES]
        return unusual(self, {"A": densities})

    def vector(self, name: str) -> np.ndarray:
        """(3,) of "field", "axis", "demag", "polariser" or "start"."""
        return np.array([getattr(self, f"{name}_{along}") for along in "xyz"])

    @property
    def volume(self) -> float:
        """Of the free layer, m^3."""
        return self.thickness * self.area

    @property
    def skewed(self) -> bool:
        """Whether the torque depends on the angle as Lambda other than 1 has it."""
        return self.asymmetry != 1

    @property
    def field_scale(self) -> float:
        """The largest field that m may feel without a current, T."""
        demag = PERMEABILITY * self.saturation * float(np.ptp(self.vector("demag")))
        anisotropy = 2 * abs(self.anisotropy) / self.saturation
        return float(np.linalg.norm(self.vector("field"))) + anisotropy + demag

    @property
    def time_unit(self) -> float:
        return 1 / (self.gyromagnetic_ratio * self.field_scale)

    @property
    def usual_interval(self) -> float:
        # some three turns
        return 20 * self.time_unit

    @property
    def settling_time(self) -> float:
        """Of the slower one of the two modes about its rest without a current; inf
        where nothing holds it there.
        """
        q, shared = self.nominal_numbers(self.time_unit), self.shared()
        m = np.array(self.rest({**q, "bias": 0.0}), dtype=float)
        _, matrix, _ = llg.derivatives(tuple(q.values()), shared, tuple(m), 0.0, 1.0)
        across = np.eye(3) - np.outer(m, m)
        # along m, where nothing moves, it is 0
        modes = np.linalg.eigvals(across @ np.array(matrix, dtype=float) @ across)
        slower = np.delete(modes, np.abs(modes).argmin()).real.max()
        return self.time_unit / -slower if slower < -SETTLED else math.inf

    @property
    def longest_step(self) -> float:
        q = tuple(float(x) for x in self.nominal_numbers(self.time_unit).values())
        return llg.MOST * self.time_unit / llg.strength(q, 1.0, q[-1], 1.0)

    @property
    def drive_unit(self) -> float:
        return self.current_unit

    @property
    def noisy(self) -> bool:
        return self.temperature > 0

    def numbers(self, time_unit: float, factors: Mapping[str, Any]) -> dict[str, Any]:
        turn = self.gyromagnetic_ratio * time_unit
        damping = self.damping * factors["damping"]
        moment = self.saturation * self.volume * factors["area"]
        square = self.asymmetry**2
        spins = HBAR / CHARGE * self.polarisation * square / (square + 1)
        noise = 2 * turn * BOLTZMANN * self.temperature * damping / (1 + damping**2) / moment
        demag = turn * PERMEABILITY * self.saturation
        return {
            "damping": damping,
            "field_x": turn * self.field_x,
            "field_y": turn * self.field_y,
            "field_z": turn * self.field_z,
            "anisotropy": 2 * turn * self.anisotropy * factors["anisotropy"] / self.saturation,
            "demag_x": demag * self.demag_x,
            "demag_y": demag * self.demag_y,
            "demag_z": demag * self.demag_z,
            "torque": turn * spins * self.current_unit / moment,
            "skew": (square - 1) / (square + 1),
            "field_like": self.field_like,
            "noise": noise,
            "bias": self.bias_current / self.current_unit,
        }

    def bias(self, q: Mapping[str, Any]) -> Any:
        return q["bias"]

    def shared(self) -> np.ndarray:
        """p and u, of length 1."""
        return np.concatenate([_unit(self.vector("polariser")), _unit(self.vector("axis"))])

    def rest(self, q: Mapping[str, Any]) -> tuple[Any, ...]:
        """Where m does not move under the bias, next to `start`; that without a current
        where there is none with it. It need not be stable.
        """
        found = rest_of(tuple(q.values()), self.shared(), q["bias"], self.vector("start"))
        return _tilted(found, self.start_angle) if self.start_angle else found

    def start_problem(self, start: float) -> str:
        # its length becomes 1 in the first step, if it can
        if 1e-12 <= abs(start) <= 1e3:
            return ""
        return "all components of a magnetisation of length 1; leave it out, or set 0.577"

    def functions(self, scheme: str) -> Functions:
        return Functions(
            step=llg.step,
            kick=llg.kick,
            halves=True,
            strength=llg.strength,
            strong=llg.strong_step,
            rounded=True,
        )


def _unit(vector):
    return vector / np.linalg.norm(vector)


def _tilted(m, angle):
    """m turned by an angle, towards the first axis of the frame of `llg.kick`."""
    x, y, z = m
    sign = np.where(np.real(z) >= 0, 1.0, -1.0)
    a = -1 / (sign + z)
    side = (1 + sign * x * x * a, sign * x * y * a, -sign * x)
    return llg.added(llg.scaled(math.cos(angle), m), math.sin(angle), side)


# ---- rest ----


def rest_of(q: tuple, shared: np.ndarray, current: Any, start: np.ndarray) -> tuple[Any, ...]:
    """The three components, numbers or (N,), of the m next to a direction at which
    dm/dt = 0, without a current a minimum of the energy.

    Args:
        q, shared: as `llg.slope` takes them, numbers or (N,), perhaps complex: the
            imaginary parts are carried along as derivatives.
        current: in the unit of q; start: (3,).
    """
    values = np.broadcast_arrays(*[np.atleast_1d(x) for x in (*q, current)])
    q, current = tuple(values[:-1]), values[-1]
    first = _aligned(tuple(np.real(x) for x in q), shared, start)
    quiet = m = _newton(q, shared, first, 0 * current)
    for part in range(1, PARTS + 1):
        m = _newton(q, shared, m, current * (part / PARTS))
    slope = np.linalg.norm(np.real(llg.slope(q, shared, m, current, 1.0)), axis=0)
    # false for NaN
    settled = slope <= SETTLED * np.real(_scale(q))
    m = tuple(np.where(settled, a, b) for a, b in zip(m, quiet, strict=True))
    return m if m[0].size > 1 else tuple(x[0] for x in m)


def _scale(q):
    field = sum(abs(x) for x in q[1:5])
    return field + abs(q[5] - q[6]) + abs(q[6] - q[7])


def _aligned(q, shared, start):
    """m next to the start along its field, without a current, to `NEAR`: the step m'
    ~ w + (bound on the field) m lowers the energy.
    """
    begin = _unit(_unit(start) + np.array(AWRY))
    m = tuple(np.full(np.shape(q[0]), x) for x in begin)
    scale = _scale(q)
    for _ in range(ALIGNINGS):
        w = llg.fields(q, shared, m, 0.0, 1.0)[0]
        if (np.linalg.norm(llg.cross(m, w), axis=0) < NEAR * scale).all():
            break
        m = llg.added(w, scale, m)
        m = llg.scaled(1 / np.sqrt(llg.dot(m, m)), m)
    return m


def _newton(q, shared, m, current):
    """m at which dm/dt = 0, by Newton's method within the tangent plane."""
    for _ in range(NEWTON):
        change, matrix, _ = llg.derivatives(q, shared, m, current, 1.0)
        rows = [matrix[i][j] - m[i] * m[j] for i in range(3) for j in range(3)]
        a = np.moveaxis(np.array(np.broadcast_arrays(*rows)), 0, -1)
        f = np.moveaxis(np.array(np.broadcast_arrays(*change)), 0, -1)
        try:
            move = np.linalg.solve(a.reshape(-1, 3, 3), -f[..., None])[..., 0]
        except np.linalg.LinAlgError:
            return m
        m = llg.added(m, 1.0, tuple(move.T))
        m = llg.scaled(1 / np.sqrt(llg.dot(m, m)), m)
    return m
