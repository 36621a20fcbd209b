"""From a macrospin to the power equation: closed forms, orbits, threshold."""

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import spinrnn
from spinrnn.errors import ConfigError
from spinrnn.neurons import llg
from spinrnn.neurons.autooscillation import SMALL, orbits, oscillator_from, threshold_current
from spinrnn.neurons.macrospin import BOLTZMANN, CHARGE, HBAR, PERMEABILITY, Macrospin

AXIAL = Macrospin(polariser_x=0.0, polariser_z=-1.0, temperature=300.0)
IN_PLANE = Macrospin(
    field_x=0.05, field_z=0.0, start_x=1.0, start_z=0.0, polariser_x=-1.0, polariser_z=0.0
)
BIAXIAL = Macrospin(
    anisotropy=3e4, demag_x=0.05, demag_y=0.25, demag_z=0.7, polariser_x=0.3, polariser_z=-1.0
)


def slope(x, y):
    return np.polynomial.Polynomial.fit(x, y, 2).convert().coef[1]


def test_a_perpendicular_layer_has_the_published_coefficients():
    gamma, alpha = AXIAL.gyromagnetic_ratio, AXIAL.damping
    magnetisation = gamma * PERMEABILITY * AXIAL.saturation
    omega = gamma * 1.2 - magnetisation
    found = oscillator_from(AXIAL)
    assert found.source == "perpendicular"
    assert found.frequency == pytest.approx(omega / (2 * math.pi))
    assert found.frequency_shift == pytest.approx(2 * magnetisation)
    assert found.nonlinear_damping == pytest.approx(2 * magnetisation / omega - 1)
    assert found.damping_rate == pytest.approx(2 * alpha * omega / (1 + alpha**2))
    sigma = gamma * HBAR * 0.4 / (2 * CHARGE * AXIAL.saturation * AXIAL.volume)
    assert found.threshold == pytest.approx(alpha * omega / sigma)
    assert threshold_current(AXIAL) == pytest.approx(found.threshold, rel=1e-9)
    # k_B T for the two squares of the energy Ms V omega_0 p 2 / gamma
    energy = 2 * AXIAL.saturation * AXIAL.volume * omega / gamma
    assert found.thermal_power == pytest.approx(BOLTZMANN * 300 / energy)


def test_the_orbits_of_a_perpendicular_layer_are_circles():
    """Exact for any power: rates 2 alpha (omega_0 + N p) (1 - p) and 2 sigma (1 - p)."""
    found, own = orbits(AXIAL, np.linspace(0.01, 0.3, 8)), oscillator_from(AXIAL)
    omega = 2 * math.pi * own.frequency + own.frequency_shift * found.power
    assert found.frequency == pytest.approx(omega)
    alpha = AXIAL.damping
    loss = 2 * alpha * omega * (1 - found.power) / (1 + alpha**2)
    assert found.loss == pytest.approx(loss)
    gain = own.damping_rate / own.threshold * (1 - found.power)
    assert found.gain == pytest.approx(gain)


def test_an_in_plane_layer_has_the_published_coefficients():
    gamma, alpha = IN_PLANE.gyromagnetic_ratio, IN_PLANE.damping
    h, m = gamma * 0.05, gamma * PERMEABILITY * IN_PLANE.saturation
    omega = math.sqrt(h * (h + m))
    found = oscillator_from(IN_PLANE)
    assert found.frequency == pytest.approx(omega / (2 * math.pi))
    assert found.damping_rate == pytest.approx(2 * alpha * (h + m / 2), rel=2e-4)
    shift = -h * m * (h + m / 4) / (omega * (h + m / 2))
    assert found.frequency_shift == pytest.approx(shift)
    assert found.source == "principal axis"
    assert found.threshold > 0
    # the oscillator takes Q from 0
    assert found.nonlinear_damping < 0
    with pytest.raises(ConfigError, match="nonlinear_damping"):
        found.neuron(2 * found.threshold)


@pytest.mark.parametrize("neuron", [AXIAL, IN_PLANE, BIAXIAL])
def test_the_closed_shift_is_that_of_the_orbits(neuron):
    found = orbits(neuron, SMALL)
    own = oscillator_from(neuron)
    assert slope(found.power, found.frequency) == pytest.approx(own.frequency_shift, rel=1e-5)
    q = slope(found.power, np.log(found.loss)) - slope(found.power, np.log(found.gain)) - 1
    assert own.nonlinear_damping == pytest.approx(q, abs=5e-3)


def test_an_oblique_field_takes_the_orbits():
    """Their frequency is that of an undamped precession of the same power."""
    oblique = Macrospin(field_x=0.5, damping=1e-9)
    found = oscillator_from(oblique)
    assert found.source == "orbits"
    named, shared = oblique.nominal_numbers(oblique.time_unit), oblique.shared()
    q, rest = tuple(named.values()), np.array(oblique.rest({**named, "bias": 0.0}))
    side = np.cross(rest, (0.0, 1.0, 0.0))
    begin = np.cos(0.3) * rest + np.sin(0.3) * side / np.linalg.norm(side)
    period = 1 / (found.frequency * oblique.time_unit)
    times = np.linspace(0, 1.2 * period, 4001)
    path = solve_ivp(
        lambda _, m: llg.slope(q, shared, tuple(m), 0.0, 1.0),
        (0, times[-1]),
        begin,
        t_eval=times,
        rtol=1e-10,
        atol=1e-12,
    ).y
    late = times > period / 2
    back = times[late][np.argmin(np.linalg.norm(path[:, late] - begin[:, None], axis=0))]
    power = np.mean(0.5 - rest @ path[:, times < back] / 2)
    near = orbits(oblique, power * np.linspace(0.7, 1.3, 7))
    wanted = np.interp(power, near.power, near.frequency)
    assert 2 * np.pi / (back * oblique.time_unit) == pytest.approx(wanted, rel=1e-3)


def test_the_sign_of_the_threshold_is_that_of_the_polariser():
    parallel = Macrospin(polariser_x=0.0, polariser_z=1.0)
    assert oscillator_from(parallel).threshold == pytest.approx(-oscillator_from(AXIAL).threshold)


def test_the_exact_threshold_is_where_the_linear_equation_is_neutral():
    neuron = Macrospin(damping=0.1, polariser_x=1.0, polariser_z=-0.6, asymmetry=1.5)
    current = threshold_current(neuron)
    q = neuron.nominal_numbers(neuron.time_unit)
    own = current / neuron.current_unit
    m = neuron.rest({**q, "bias": own})
    matrix = llg.derivatives(tuple(q.values()), neuron.shared(), m, own, 1.0)[1]
    # one eigenvalue is of the length of m, the two others are imaginary
    values = np.linalg.eigvals(np.array(matrix))
    turning = values[np.abs(values.imag) > 0.01]
    assert len(turning) == 2
    assert np.abs(turning.real).max() < 1e-9
    assert current != pytest.approx(oscillator_from(neuron).threshold, rel=1e-3)


def test_a_torque_that_cancels_is_told():
    with pytest.raises(ConfigError, match=r"90.0 degrees to its rest"):
        oscillator_from(Macrospin(polariser_x=1.0, polariser_z=0.0))


def test_the_neuron_and_the_linewidth_are_those_of_the_power_equation():
    found = oscillator_from(AXIAL)
    current = 1.5 * found.threshold
    neuron = found.neuron(current, power_floor=1e-5)
    assert neuron.bias_ratio == pytest.approx(1.5)
    assert found.power(current) == pytest.approx(0.5 / (1.5 + found.nonlinear_damping))
    assert found.power(0.9 * found.threshold) == 0
    config = spinrnn.NetworkConfig(layers=(1,), neuron=neuron)
    wanted = spinrnn.linewidth(config, found.shift(current))
    assert found.linewidth(current) == pytest.approx(wanted)
    assert found.linewidth(0.5 * found.threshold) == math.inf
