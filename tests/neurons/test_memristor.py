"""The thermal memristor: its equations against SciPy's Radau, the derivatives of its step
entry by entry where it spikes, its equilibrium, noise, and training through it."""

import itertools
import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import spinrnn
from spinrnn.kernels.authors import uncompiled
from spinrnn.neurons import memristor
from spinrnn.neurons.memristor import SET_A, Memristor, equilibrium

SPIKES = [(1.04, 384.0), (1.0, 450.0), (0.9, 640.0), (0.6, 800.0), (0.2, 400.0), (-0.9, 500.0)]
"""V and T before, within and after a spike."""
NUMBERS = Memristor().nominal_numbers(10e-9)


def single(neuron, **fields):
    """A network of one neuron whose V_in is its input."""
    config = spinrnn.NetworkConfig(
        layers=(1,), outputs=2, neuron=neuron, **{"dtype": "float64", **fields}
    )
    net = spinrnn.Network(config, seed=0)
    net.parameters[:] = 0
    net.views()["w_ext"][0][:] = 1
    return net


def equations(neuron):
    """(dV/dt, dT/dt) as they stand in the papers, SI, in other words than the kind's."""
    c, kb, e = neuron, 1.380649e-23, 1.602176634e-19
    beta = math.sqrt(e**3 / (math.pi * 8.8541878128e-12 * c.permittivity * c.thickness))

    def rhs(_, y, u):
        v, t = y
        barrier = c.activation_energy * e - beta * math.sqrt(abs(v))
        r = c.series_resistance + c.prefactor * math.exp(barrier / (kb * t))
        dv = ((u - v) / c.load_resistance - v / r) / c.capacitance
        dt = (v * v / r - (t - c.ambient) / c.thermal_resistance) / c.thermal_capacitance
        return dv, dt

    return rhs


def exact(neuron, u, seconds, times=None):
    start, tight = (0.0, neuron.ambient), {"rtol": 1e-10, "atol": [1e-11, 1e-8]}
    return solve_ivp(equations(neuron), (0, seconds), start, "Radau", times, args=(u,), **tight).y


# ---- the step ----


def test_beta_is_the_one_of_the_parameters():
    """0.053333 eV/V^(1/2) for eps_r = 45 and 45 nm."""
    beta = NUMBERS["lowering"] * memristor.BOLTZMANN
    assert beta == pytest.approx(0.053333, rel=2e-5)


@pytest.mark.slow
def test_it_is_of_fourth_order_and_agrees_with_radau():
    """Set B, a whole spike and the wait for the next one."""
    u, found = np.full((1, 1, 40), 4.2), []
    for substeps in (20, 40, 80, 160):
        net = single(Memristor(), input_interval=100e-9, substeps=substeps)
        found.append(net.simulate(u).states["temperature"][0][0, 0, ::substeps])
    changes = [np.abs(b - a).max() for a, b in itertools.pairwise(found)]
    assert np.log2(changes[0] / changes[1]) == pytest.approx(4, abs=0.15)
    assert np.log2(changes[1] / changes[2]) == pytest.approx(4, abs=0.15)
    times = np.arange(41) * 100e-9
    wanted = exact(Memristor(), 4.2, 4e-6, times)[1]
    np.testing.assert_allclose(found[-1], wanted, rtol=1e-6)
    assert wanted.max() > 500


def after_4_us(substeps, dtype):
    """V after 40 steps of 100 ns, ten thermal times each, at 4.2 V."""
    net = single(Memristor(), input_interval=100e-9, substeps=substeps, dtype=dtype)
    return net.simulate(np.full((1, 1, 40), 4.2)).state[0][0, 0, -1]


def test_a_coarse_step_is_divided():
    """One step of 100 ns is twenty of 5 ns."""
    found = after_4_us(1, "float64")
    assert found == after_4_us(20, "float64")
    assert found == pytest.approx(exact(Memristor(), 4.2, 4e-6)[0, -1], abs=1e-5)


@pytest.mark.slow  # compiles for seconds
def test_single_precision_gives_the_same_but_for_rounding():
    wanted = after_4_us(1, "float64")
    assert after_4_us(1, "float32") == pytest.approx(wanted, abs=2e-4)


def test_a_step_of_hundreds_of_thermal_times_is_right():
    """400 of them in one substep, where it once came to 1e96 K without a word."""
    net = single(Memristor(), input_interval=4e-6, substeps=1)
    found = net.simulate(np.full((1, 1, 1), 2.5)).states["temperature"][0][0, 0, -1]
    wanted = exact(Memristor(), 2.5, 4e-6)[1, -1]
    assert wanted == pytest.approx(311.8, abs=0.1)
    assert found == pytest.approx(wanted, abs=1e-4)


def test_a_small_capacitor_is_stepped_by_its_own_time():
    """R_s C is 0.1 ns, a twenty-fifth of the substep; the slow equation is fitted to."""
    neuron = Memristor(capacitance=1e-13)
    net = single(neuron, input_interval=1e-8)
    found = net.simulate(np.full((1, 1, 200), 6.0))
    times = np.arange(801) * 2.5e-9
    wanted = exact(neuron, 6.0, 2e-6, times)
    assert wanted[1].max() > 400
    np.testing.assert_allclose(found.state[0][0, 0], wanted[0], atol=1e-4)
    np.testing.assert_allclose(found.states["temperature"][0][0, 0], wanted[1], rtol=1e-4)


def test_a_step_of_too_many_parts_is_refused_or_an_error():
    tiny = Memristor(capacitance=1e-14)
    longest, said = tiny.longest_step, r"for neuron, a memristor, of at most 2.*e-08 s; set 2$"
    assert 1e-8 < longest < 4e-8
    with pytest.raises(spinrnn.ConfigError, match=said):
        single(tiny, input_interval=1.5 * longest, substeps=1)
    single(tiny, input_interval=1.5 * longest, substeps=2)
    # devices whose own numbers ask for more
    spread = spinrnn.Spread(capacitance=0.3, seed=3)
    net = single(tiny, input_interval=longest, substeps=1, spread=spread)
    with pytest.raises(spinrnn.DivergenceError, match="infinite or NaN"):
        net.forward(np.ones((1, 1, 1)))


def derivatives(function, q, h, s, u):
    """[J b P] by the complex step."""
    x, d = np.array([*s, u, *q]), len(s)
    columns = []
    for j in range(len(x)):
        shifted = x.astype(complex)
        shifted[j] += 1e-30j
        after = function(tuple(shifted[d + 1 :]), None, h, tuple(shifted[:d]), shifted[d], 1.0)[0]
        columns.append(np.imag(after) / 1e-30)
    return np.array(columns).T


@pytest.mark.parametrize(("name", "h"), [("step", 0.3), ("divided", 1.6)])
@pytest.mark.parametrize("state", SPIKES)
def test_each_derivative_is_exact_where_it_spikes(name, h, state):
    """Relative to itself: next to the largest of its row most would be nothing."""
    function, q = uncompiled(getattr(memristor, name)), tuple(NUMBERS.values())
    wanted = derivatives(function, q, h, state, 2.3)
    _, jacobian, by_drive, by_numbers = function(q, None, h, state, 2.3, 1.0)
    found = np.hstack([jacobian, np.array(by_drive)[:, None], by_numbers])
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
    # the noise and the bias act elsewhere, all others here
    assert ((wanted != 0).sum(axis=0) > 0).tolist() == [True] * 11 + [False] * 2


def test_a_voltage_that_takes_the_barrier_away_leaves_the_series_resistance():
    state, q = (20.0, 400.0), tuple(NUMBERS.values())
    g, slope, _, _ = uncompiled(memristor.conductance)(q, *state, 1.0)
    assert g == pytest.approx(10e3 / (1e3 + 90), rel=1e-12)
    assert slope == 0
    found = uncompiled(memristor.step)(q, None, 0.1, state, 2.3, 1.0)[1]
    wanted = derivatives(uncompiled(memristor.step), q, 0.1, state, 2.3)
    np.testing.assert_allclose(found, wanted[:, :2], rtol=1e-12)


def test_without_a_voltage_the_derivatives_are_finite():
    """The slope of sqrt|V| is not."""
    q = tuple(NUMBERS.values())
    found = uncompiled(memristor.step)(q, None, 0.1, (0.0, 298.0), 0.0, 1.0)
    assert all(np.isfinite(np.hstack([*found[1], found[2], *found[3]])))
    assert found[0] == (0.0, 298.0)


# ---- equilibrium and noise ----


@pytest.mark.parametrize("neuron", [Memristor(), Memristor(**SET_A, series_resistance=0.0001)])
@pytest.mark.parametrize("u", [0.0, 0.3, 1.8, 2.5, 5.0, -2.5])
def test_nothing_changes_at_equilibrium(neuron, u):
    v, t = equilibrium(neuron.nominal_numbers(1e-9), u)
    dv, dt = equations(neuron)(0, (float(v), float(t)), u)
    assert abs(dv) * 1e-9 < 1e-12 * max(1, abs(u))
    assert abs(dt) * 1e-9 < 1e-9 * t


def test_the_equilibrium_carries_derivatives():
    """By arrays of complex numbers, as training asks for them."""
    whole = Memristor(bias_voltage=1.7).nominal_numbers(1e-9)
    for name in ("series", "prefactor", "barrier", "lowering", "ambient", "heating", "bias"):
        near = {sign: whole | {name: whole[name] * (1 + sign * 1e-6)} for sign in (-1, 1)}
        low, high = (np.array(Memristor().rest(near[sign])) for sign in (-1, 1))
        moved = whole | {name: whole[name] * np.array([1 + 1e-30j])}
        found = np.array([np.imag(x)[0] for x in Memristor().rest(moved)]) / 1e-30
        np.testing.assert_allclose(found, (high - low) / 2e-6, rtol=1e-6)


@pytest.mark.slow
def test_noise_moves_the_temperature_by_a_random_walk():
    """Before it is cooled: sigma sqrt(t), and the mean stays."""
    net = single(Memristor(noise=2e4), input_interval=0.1e-9, substeps=1)
    t = net.simulate(np.zeros((4000, 1, 1)), noise_seed=1).states["temperature"][0][:, 0, -1]
    assert t.std() == pytest.approx(2e4 * math.sqrt(0.1e-9), rel=0.04)
    assert t.mean() == pytest.approx(298, abs=0.02)


def test_the_kick_has_exact_derivatives():
    q = tuple((NUMBERS | {"noise": 0.03}).values())
    found = uncompiled(memristor.kick)(q, 0.2, (0.9, 400.0), 1.3, -0.4, 1.0)
    assert found[0][1] == pytest.approx(400 - 0.4 * math.sqrt(1.3 * 0.2 * 0.03), rel=1e-15)
    more = uncompiled(memristor.kick)(
        (*q[:8], q[8] + 1e-30j, q[9]), 0.2, (0.9, 400.0), 1.3, -0.4, 1.0
    )
    assert found[2][1][8] == pytest.approx(np.imag(more[0][1]) / 1e-30, rel=1e-12)


# ---- in a network ----


@pytest.mark.parametrize(
    "trained",
    [
        (),
        pytest.param(
            ("capacitance", "activation_energy", "thermal_resistance"), marks=pytest.mark.slow
        ),
    ],
)
def test_the_gradient_of_a_network_is_exact(trained):
    """Of weights and of what is trained of the device, while it spikes."""
    config = spinrnn.NetworkConfig(
        layers=(2,),
        outputs=2,
        neuron=Memristor(**SET_A, bias_voltage=2.2),
        input_interval=200e-9,
        trained=trained,
        dtype="float64",
    )
    net = spinrnn.Network(config, seed=1)
    u, labels = np.random.default_rng(0).normal(size=(2, 1, 4)), np.array([0, 1])
    gradient = net.loss_and_grad(u, labels)[1]
    direction = np.random.default_rng(1).normal(size=gradient.size)
    values = []
    for step in (-1e-5, 1e-5):
        moved = net.replace()
        moved.parameters[:] = net.parameters + step * direction
        values.append(moved.loss_and_grad(u, labels)[0])
    assert gradient @ direction == pytest.approx((values[1] - values[0]) / 2e-5, rel=1e-6)


def test_files_and_streams_have_what_a_simulation_has(tmp_path):
    net, u = single(Memristor(bias_voltage=1.0), input_interval=100e-9), np.full((2, 1, 6), 1.5)
    u[1] = -0.3
    net.views()["w_out"][:] = 1
    net.simulate_to(tmp_path / "traces.h5", u)
    known, found = net.simulate(u), spinrnn.Trajectory.open(tmp_path / "traces.h5")
    assert found.network.config.neuron == net.config.neuron
    # files are in single precision
    np.testing.assert_allclose(found.state[0], known.state[0], rtol=1e-6)
    for own, other in zip(found.states["temperature"], known.states["temperature"], strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-6)
    stream = net.stream(cases=2)
    for point in range(6):
        outputs = stream(u[:, :, point])
    np.testing.assert_array_equal(outputs, net.forward(u))
    np.testing.assert_allclose(outputs[:, 0] / 10, known.state[0][:, 0, -1], rtol=1e-12)
