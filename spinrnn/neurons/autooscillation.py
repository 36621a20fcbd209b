"""From a macrospin to the power equation: threshold, damping, nonlinear damping,
frequency, its nonlinear shift and the linewidth, (M5) to (M9) of docs/MODEL.md.

About its rest m0, with m = (1 - 2x) m0 + 2 sqrt(x (1 - x)) (cos(phi) e1 + sin(phi)
e2), phi and x are an angle and its momentum, and the energy over 2 is their Hamiltonian
H. An undamped orbit has the action J = <x> over phi and the frequency omega = dH/dJ.
Damping and torque change its energy slowly, by what they do on average over one period
(Slavin & Tiberkevich, IEEE Trans. Magn. 45, 1875 (2009)). Its power p is the mean of x
over time, (1 - <m m0>) / 2.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spinrnn.errors import ConfigError
from spinrnn.neurons import llg
from spinrnn.neurons.macrospin import BOLTZMANN, Macrospin, rest_of
from spinrnn.neurons.oscillator import Oscillator

ANGLES = 256
"""Points of an orbit; means over it converge exponentially with them."""
NEWTON = 60
"""Steps at most from the ellipse of the linear mode to the orbit."""
SMALL = np.array([1.0, 2.0, 3.0, 4.0]) * 5e-4
"""Powers of the orbits from which slopes at p = 0 are taken."""
ALONG = 1e-6
"""Of a rest to a principal axis, so that the closed forms hold."""
SECANT, CLOSE = 30, 1e-10
"""Steps to the exact threshold at most, and its relative error."""
WEAK = 1e-9
"""Torque over the largest one of the polariser that counts as none."""


class Orbits(NamedTuple):
    """Undamped orbits about a rest, each an entry of (n,); NaN where there is none.

    Attributes:
        power: p; action: J; frequency: omega, rad/s.
        loss: rate at which damping alone lets p decay, 1/s; gain: rate at which a
            current lets p grow, 1/(s A).
    """

    power: np.ndarray
    action: np.ndarray
    frequency: np.ndarray
    loss: np.ndarray
    gain: np.ndarray


@dataclass(frozen=True)
class AutoOscillator:
    """The power equation of a macrospin, dp/dt = -gamma (1 + Q p) p + s I p (1 - p).

    Attributes:
        threshold: I_th = gamma / s in A; negative where the rest is nearer to the
            polariser than to its opposite.
        damping_rate: gamma = 2 Gamma_G, 1/s.
        nonlinear_damping: Q, of damping and torque together, near the threshold.
        frequency: omega_0 / 2 pi, Hz, of small precession.
        frequency_shift: N = domega/dp, rad/s for p = 1.
        thermal_power: eta, mean power without a current; 0 without temperature.
        source: where N and Q come from: "perpendicular", "principal axis" (closed
            forms) or "orbits" (means over orbits); see docs/macrospin.md.
    """

    threshold: float
    damping_rate: float
    nonlinear_damping: float
    frequency: float
    frequency_shift: float
    thermal_power: float
    source: str

    def power(self, current: float) -> float:
        """p at rest of the power equation, 0 below threshold."""
        ratio = current / self.threshold
        return max(0.0, (ratio - 1) / (ratio + self.nonlinear_damping))

    def shift(self, current: float) -> float:
        """nu = 2 N / [gamma (I / I_th + Q)], what `spinrnn.linewidth` asks for."""
        ratio = current / self.threshold
        total = self.damping_rate * (ratio + self.nonlinear_damping)
        return 2 * self.frequency_shift / total

    def linewidth(self, current: float) -> float:
        """Full width at half maximum, Hz, above threshold; inf below."""
        power = self.power(current)
        width = (1 + self.shift(current) ** 2) * self.damping_rate * self.thermal_power
        return width / (4 * math.pi * power) if power > 0 else math.inf

    def neuron(self, current: float, **changes: float) -> Oscillator:
        """The oscillator of eq. (1) with this bias current.

        changes: further quantities of `Oscillator`.
        Raises:
            ConfigError: the current does not reach the threshold, or Q is below 0,
                which that neuron does not take.
        """
        return Oscillator(
            relaxation_time=1 / self.damping_rate,
            nonlinear_damping=self.nonlinear_damping,
            bias_ratio=current / self.threshold,
            thermal_power=self.thermal_power,
            **changes,
        )


def oscillator_from(macrospin: Macrospin) -> AutoOscillator:
    """The power equation of a macrospin, from its quantities alone.

    Of first order in the damping: the threshold is that of (M6), which for a rest that
    the current itself moves differs from `threshold_current`.

    Raises:
        ConfigError: no current excites it, as the torque neither damps nor drives it
            at rest; or it has no stable rest near its start.
    """
    mode = _mode(macrospin)
    threshold = _first_threshold(macrospin, mode)
    found = orbits(macrospin, SMALL)
    shift, nonlinear, source = _expansion(macrospin, mode, found)
    scale = macrospin.gyromagnetic_ratio / (macrospin.saturation * macrospin.volume)
    thermal = BOLTZMANN * macrospin.temperature * scale * mode.mean / (2 * mode.frequency**2)
    return AutoOscillator(
        threshold=threshold,
        damping_rate=2 * mode.loss,
        nonlinear_damping=nonlinear,
        frequency=mode.frequency / (2 * math.pi),
        frequency_shift=shift,
        thermal_power=thermal,
        source=source,
    )


def threshold_current(macrospin: Macrospin) -> float:
    """The current in A at which the rest, which it moves, becomes unstable.

    Solves that the trace of the linear equation is 0, of any order in the damping.

    Raises:
        ConfigError: there is none.
    """
    mode = _mode(macrospin)
    first = _first_threshold(macrospin, mode)
    before, current = 0.0, first
    g_before = _growth(macrospin, 0.0)
    for _ in range(SECANT):
        growth = _growth(macrospin, current)
        if not math.isfinite(growth) or growth == g_before:
            break
        step = growth * (current - before) / (growth - g_before)
        before, g_before = current, growth
        current -= step
        if abs(step) <= CLOSE * abs(first):
            return current
    text = f"the rest moves so far with the current that there is none near {first:.3g} A"
    raise ConfigError([f"macrospin: {text}"])


# ---- the linear mode ----


class _Mode(NamedTuple):
    """(M5): small precession about the rest without a current.

    rest: m0; axes: e1 and e2, of the two stiffnesses; stiffness: (2,) K1 and K2; mean:
    (K1 + K2) / 2; frequency: omega_0; loss: Gamma_G; gain: sigma, 1/(s A); all in 1/s.
    """

    rest: np.ndarray
    axes: tuple[np.ndarray, np.ndarray]
    stiffness: np.ndarray
    mean: float
    frequency: float
    loss: float
    gain: float


def _numbers(macrospin):
    """q in 1/s."""
    return tuple(macrospin.nominal_numbers(1.0).values())


def _rest(macrospin, current):
    """(3,) m at rest at a current in A."""
    q = tuple(macrospin.nominal_numbers(macrospin.time_unit).values())
    own = current / macrospin.current_unit
    return np.array(rest_of(q, macrospin.shared(), own, macrospin.vector("start")), dtype=float)


def _growth(macrospin, current, rest=None):
    """1/s at which the amplitude of small precession grows."""
    m = _rest(macrospin, current) if rest is None else rest
    own = current / macrospin.current_unit
    matrix = llg.derivatives(_numbers(macrospin), macrospin.shared(), tuple(m), own, 1.0)[1]
    # m dm/dt is 0 for any m, so at rest the radial part of the trace is, too
    return float(np.trace(np.array(matrix))) / 2


def _mode(macrospin):
    q, shared = _numbers(macrospin), macrospin.shared()
    m = _rest(macrospin, 0.0)
    w = np.array(llg.fields(q, shared, tuple(m), 0.0, 1.0)[0])
    u = shared[3:6]
    # second derivatives of the energy on the sphere
    hessian = np.diag(q[5:8]) - q[4] * np.outer(u, u) + (w @ m) * np.eye(3)
    side = np.cross(m, np.eye(3)[int(np.argmin(np.abs(m)))])
    side /= np.linalg.norm(side)
    plane = np.array([side, np.cross(m, side)])
    stiffness, turned = np.linalg.eigh(plane @ hessian @ plane.T)
    if not stiffness[0] > 0:
        raise ConfigError(["macrospin: it has no stable rest near its start without a current"])
    e1 = turned[:, 0] @ plane
    loss = -_growth(macrospin, 0.0, m)
    # of a torque as large as the field, as that of current_unit may be next to none
    field = macrospin.gyromagnetic_ratio * macrospin.field_scale
    current = macrospin.current_unit * field / q[8]
    gain = (_growth(macrospin, current, m) + loss) / current
    frequency = math.sqrt(stiffness[0] * stiffness[1])
    axes = (e1, np.cross(m, e1))
    return _Mode(m, axes, stiffness, float(stiffness.mean()), frequency, loss, gain)


def _first_threshold(macrospin, mode):
    q = _numbers(macrospin)
    most = q[8] / (1 - abs(q[9])) / macrospin.current_unit
    if not abs(mode.gain) > WEAK * most:
        angle = math.degrees(math.acos(np.clip(macrospin.shared()[:3] @ mode.rest, -1, 1)))
        raise ConfigError(
            [
                "macrospin: no current excites it, as its polariser is at"
                f" {angle:.1f} degrees to its rest and the torque of both halves of a"
                " period cancels; tilt polariser or field, or set asymmetry above 1"
            ]
        )
    return mode.loss / mode.gain


# ---- orbits ----


def orbits(macrospin: Macrospin, powers: np.ndarray) -> Orbits:
    """Undamped orbits with about these powers, (M7) and (M8).

    Args:
        powers: (n,) of which the orbits of the linear mode would have the power.
    """
    mode = _mode(macrospin)
    q, shared = _numbers(macrospin), macrospin.shared()
    phi = 2 * np.pi * np.arange(ANGLES) / ANGLES
    plane = mode.axes[0][:, None] * np.cos(phi) + mode.axes[1][:, None] * np.sin(phi)
    # of the linear mode H = omega_0 J and p = J mean / omega_0
    level = (mode.frequency**2 / mode.mean * np.asarray(powers, dtype=float))[:, None]
    form = mode.stiffness[0] * np.cos(phi) ** 2 + mode.stiffness[1] * np.sin(phi) ** 2
    x = _levels(q, shared, mode, plane, level, np.minimum(level / form, 0.5))
    m, _, slope = _hamiltonian(q, shared, mode, plane, x)
    weight = 1 / slope
    total = weight.mean(axis=-1)
    omega, action = 1 / total, x.mean(axis=-1)

    def mean(values):
        return (weight * values).mean(axis=-1) / total

    power = mean(x)
    quiet = _work(q, shared, m, 0.0)
    driven = _work(q, shared, m, 1.0) - quiet
    # of the action; that of the power follows along the orbits
    stretch = _logarithmic(mode, action, power)
    loss = -stretch * mean(quiet) / (2 * omega * action)
    gain = stretch * mean(driven) / (2 * omega * action) / macrospin.current_unit
    return Orbits(power, action, omega, loss, gain)


def _hamiltonian(q, shared, mode, plane, x):
    """(m, H, dH/dx) at x, (orbits, angles)."""
    root = np.sqrt(x * (1 - x))
    m = tuple((1 - 2 * x) * mode.rest[i] + 2 * root * plane[i] for i in range(3))
    by_x = tuple(-2 * mode.rest[i] + (1 - 2 * x) / root * plane[i] for i in range(3))
    w = llg.fields(q, shared, m, 0.0, 1.0)[0]
    u = tuple(shared[3:6])
    energy = -sum(q[1 + i] * m[i] for i in range(3)) - q[4] * llg.dot(u, m) ** 2 / 2
    energy = energy + sum(q[5 + i] * m[i] ** 2 for i in range(3)) / 2
    return m, energy / 2, -llg.dot(w, by_x) / 2


def _levels(q, shared, mode, plane, level, x):
    """x at which H is so much above its minimum; NaN where there is none."""
    tiny = np.full((1, plane.shape[1]), 1e-300)
    bottom = _hamiltonian(q, shared, mode, plane, tiny)[1].min()
    for _ in range(NEWTON):
        _, energy, slope = _hamiltonian(q, shared, mode, plane, x)
        x = np.clip(x - (energy - bottom - level) / slope, x / 4, (1 + 3 * x) / 4)
    _, energy, slope = _hamiltonian(q, shared, mode, plane, x)
    # an orbit closes about the rest where H grows outwards all around it
    found = (np.abs(energy - bottom - level) < 1e-9 * level) & (slope > 0)
    return np.where(found.all(axis=-1, keepdims=True), x, np.nan)


def _work(q, shared, m, current):
    """d(energy)/dt of damping and torque."""
    w = llg.fields(q, shared, m, current, 1.0)[0]
    return -llg.dot(w, llg.slope(q, shared, m, current, 1.0))


def _logarithmic(mode, action, power):
    """d ln p / d ln J along orbits, by their own differences; 1 + c J near p = 0."""
    ratio = np.log(power * mode.frequency / (action * mode.mean))
    if len(action) < 2:
        return 1 + 0 * ratio
    order = 2 if len(action) > 2 else 1
    return 1 + np.gradient(ratio, action, edge_order=order) * action


def _expansion(macrospin, mode, found):
    """(N, Q, source): slopes at p = 0."""

    def slope(values):
        return np.polynomial.Polynomial.fit(found.power, values, 2).convert().coef[1]

    q = slope(np.log(found.loss)) - slope(np.log(np.abs(found.gain))) - 1
    shift, source = slope(found.frequency), "orbits"
    closed = _closed(macrospin, mode)
    if closed is not None:
        shift, source = closed, "principal axis"
        across = abs(macrospin.shared()[:3] @ mode.rest) < 1 - ALONG
        if np.ptp(mode.stiffness) <= ALONG * mode.mean and not across and not macrospin.skewed:
            q, source = shift / mode.frequency - 1, "perpendicular"
    return float(shift), float(q), source


def _closed(macrospin, mode):
    """N of (M9) where the rest, the field and the axis lie along principal axes of the
    energy, else None.
    """
    q, u = _numbers(macrospin), macrospin.shared()[3:6]
    tensor = np.diag(q[5:8]) - q[4] * np.outer(u, u)
    field = np.array(q[1:4])
    scale = np.abs(tensor).max() + np.linalg.norm(field)
    beside = np.linalg.norm(tensor @ mode.rest - (mode.rest @ tensor @ mode.rest) * mode.rest)
    aside = np.linalg.norm(field - (field @ mode.rest) * mode.rest)
    if max(beside, aside) > ALONG * scale:
        return None
    first, second = (e @ tensor @ e for e in mode.axes)
    along = mode.rest @ tensor @ mode.rest
    a, b, u4 = mode.mean, (first - second) / 2, along - (first + second) / 2
    by_action = (u4 * (2 * a * a + b * b) + 3 * a * b * b) / mode.frequency**2
    return float(by_action * mode.frequency / a)
