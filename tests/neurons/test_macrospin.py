"""The macrospin: its equation, signs and derivatives, its rest, its thermal kick."""

import dataclasses

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import spinrnn
from spinrnn.errors import ConfigError
from spinrnn.neurons import llg
from spinrnn.neurons.macrospin import BOLTZMANN, CHARGE, HBAR, PERMEABILITY, Macrospin

RICH = dataclasses.replace(Macrospin.example(), damping=0.1, temperature=300.0)


def numbers(neuron):
    return tuple(neuron.nominal_numbers(neuron.time_unit).values())


def unit(vector):
    return vector / np.sqrt((vector**2).sum(axis=0))


def run(neuron, m, current, steps, h=0.2):
    """m after so many steps at a current in A, without the compiler."""
    q, shared = numbers(neuron), neuron.shared()

    def slope(m):
        return llg.slope(q, shared, m, current / neuron.current_unit, 1.0)

    for _ in range(steps):
        k1 = slope(m)
        k2 = slope(llg.added(m, h / 2, k1))
        k3 = slope(llg.added(m, h / 2, k2))
        k4 = slope(llg.added(m, h, k3))
        m, _ = llg.projection(llg.added(m, h / 6, llg.mean(k1, k2, k3, k4, 1.0)), 1.0)
    return m


def test_the_slope_is_that_of_gilberts_equation():
    """Solved for dm/dt by a linear system, in SI units, with the torque as it stands in
    the literature: no line of the package's form is used.
    """
    neuron, current = RICH, 3e-3
    gamma, alpha = neuron.gyromagnetic_ratio, neuron.damping
    rng = np.random.default_rng(0)
    u, p = unit(neuron.vector("axis")), unit(neuron.vector("polariser"))
    for m in unit(rng.normal(size=(3, 5))).T:
        field = neuron.vector("field") + 2 * neuron.anisotropy / neuron.saturation * u * (u @ m)
        field = field - PERMEABILITY * neuron.saturation * neuron.vector("demag") * m
        square = neuron.asymmetry**2
        epsilon = neuron.polarisation * square / (square + 1 + (square - 1) * (m @ p))
        density = current / neuron.area
        spin = HBAR * density * epsilon / (CHARGE * neuron.saturation * neuron.thickness)
        torque = np.cross(m, np.cross(p, m)) + neuron.field_like * np.cross(m, p)
        free = gamma * (-np.cross(m, field) + spin * torque)
        # m x is the matrix `crossed`: (1 - alpha m x) dm/dt = free
        crossed = np.cross(np.eye(3), m)
        wanted = np.linalg.solve(np.eye(3) - alpha * crossed, free)
        change = llg.slope(
            numbers(neuron), neuron.shared(), tuple(m), current / neuron.current_unit, 1.0
        )
        assert np.allclose(np.array(change) / neuron.time_unit, wanted, rtol=1e-12)


def test_a_positive_current_favours_parallel_and_a_negative_one_antiparallel():
    rng = np.random.default_rng(1)
    begin = tuple(unit(rng.normal(size=(3, 20))))
    p = (0.5, 0.0, -np.sqrt(0.75))
    for sign in (1, -1):
        m = run(Macrospin(), begin, sign * 0.3, 400)
        # what is left is the field that the current has to fight
        assert (sign * llg.dot(m, p) > 0.9).all()


def test_a_current_that_favours_the_other_way_opposes_the_damping():
    """Precession about +z with the polariser along -z: it grows with I > threshold."""
    neuron = Macrospin(polariser_x=0.0, polariser_z=-1.0, polarisation=0.4)
    angle = 0.01
    begin = (np.sin(angle), 0.0, np.cos(angle))
    rate = neuron.gyromagnetic_ratio
    field = 1.2 - PERMEABILITY * 8e5
    torque = HBAR * 0.4 / (2 * CHARGE * neuron.saturation * neuron.volume)
    threshold = neuron.damping * field / torque
    for current, grows in ((1.05 * threshold, True), (0.95 * threshold, False), (-1e-3, False)):
        m = run(neuron, begin, current, 2000, h=0.5)
        time = 2000 * 0.5 * neuron.time_unit
        growth = rate * (torque * current - neuron.damping * field) / (1 + neuron.damping**2)
        assert (m[2] < begin[2]) == grows
        # d ln(theta) / dt for a small angle
        found = np.log(np.arccos(m[2]) / angle)
        if current > 0:
            assert found == pytest.approx(growth * time, rel=0.02)


@pytest.mark.parametrize("h", [0.05, 0.4])
def test_derivatives_are_those_of_the_complex_step(h):
    rng = np.random.default_rng(2)
    q, shared = np.array(numbers(RICH)), RICH.shared()
    x = np.concatenate([rng.normal(size=(3, 20)), 3 * rng.normal(size=(1, 20))])
    x = np.concatenate([x, q[:, None] * rng.uniform(0.8, 1.2, (len(q), 20))])

    def after(x):
        return np.array(llg.step(tuple(x[4:]), shared, h, tuple(x[:3]), x[3], 1.0)[0])

    _, jacobian, by_drive, by_numbers = llg.step(tuple(x[4:]), shared, h, tuple(x[:3]), x[3], 1.0)
    for j in range(len(x)):
        shifted = x.astype(complex)
        shifted[j] += 1e-30j
        wanted = np.imag(after(shifted)) / 1e-30
        columns = [*zip(*jacobian, strict=True), by_drive, *zip(*by_numbers, strict=True)]
        own = np.array(np.broadcast_arrays(*columns[j], x[0])[:3])
        assert np.abs(own - wanted).max() <= 1e-12
        span = 1e-4 * np.maximum(np.abs(x[j]), 0.1)
        shifts = [x.copy() for _ in range(4)]
        for k, one in zip((-2, -1, 1, 2), shifts, strict=True):
            one[j] += k * span
        values = [after(one) for one in shifts]
        wanted = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * span)
        assert np.abs(own - wanted).max() <= 1e-8


def test_the_step_is_of_fourth_order_and_keeps_the_length():
    q, shared = numbers(RICH), RICH.shared()
    begin = (0.6, 0.0, 0.8)
    exact = solve_ivp(
        lambda _, m: llg.slope(q, shared, tuple(m), 0.5, 1.0),
        (0, 4),
        begin,
        method="DOP853",
        rtol=1e-12,
        atol=1e-14,
    ).y[:, -1]
    errors = []
    for steps in (16, 32):
        m = begin
        for _ in range(steps):
            m, _ = llg.runge_kutta(q, shared, 4 / steps, m, 0.5, 1.0)
            assert llg.dot(m, m) == pytest.approx(1, abs=1e-15)
        errors.append(np.abs(np.array(m) - exact).max())
    assert np.log2(errors[0] / errors[1]) == pytest.approx(4, abs=0.3)


def test_a_long_step_is_cut_into_short_ones_with_their_derivatives():
    q, shared, s = numbers(RICH), RICH.shared(), (0.6, 0.0, 0.8)
    assert llg.strength(q, 0.1, 0.5, 1.0) < 1
    short = llg.step(q, shared, 0.1, s, 0.5, 1.0)
    assert llg.strong_step(q, shared, 0.1, s, 0.5, 1.0) == short
    h = 3.0
    count = int(np.ceil(llg.strength(q, h, 0.5, 1.0)))
    assert count > 4
    m = s
    for _ in range(count):
        m, _ = llg.runge_kutta(q, shared, h / count, m, 0.5, 1.0)
    after, jacobian, by_drive, _ = llg.strong_step(q, shared, h, s, 0.5, 1.0)
    assert np.allclose(after, m, rtol=1e-13)
    d = 1e-6
    for j in range(3):
        sides = [tuple(np.array(s) + k * d * np.eye(3)[j]) for k in (1, -1)]
        up, down = (np.array(llg.strong_step(q, shared, h, x, 0.5, 1.0)[0]) for x in sides)
        assert np.allclose(np.array(jacobian)[:, j], (up - down) / (2 * d), atol=1e-8)
    up, down = (np.array(llg.strong_step(q, shared, h, s, 0.5 + k * d, 1.0)[0]) for k in (1, -1))
    assert np.allclose(by_drive, (up - down) / (2 * d), atol=1e-8)


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("current", [1e13, 1e30, np.nan])
def test_a_current_beyond_all_bounds_is_nan_and_no_endless_loop(current):
    """Compiled, a strength beyond the integers once counted as one step."""
    q, shared = numbers(RICH), RICH.shared()
    after, jacobian, _, _ = llg.strong_step(q, shared, 0.1, (0.6, 0.0, 0.8), current, 1.0)
    assert np.isnan(after).all()
    assert np.isnan(jacobian).all()


# ---- rest ----


def test_at_rest_nothing_moves_and_the_derivatives_are_carried_along():
    q = np.array(numbers(RICH), dtype=complex)
    neuron = RICH

    def rest(q):
        names = neuron.nominal_numbers(neuron.time_unit)
        return np.array(neuron.rest(dict(zip(names, q, strict=True))))

    m = rest(np.real(q))
    change = llg.slope(tuple(np.real(q)), neuron.shared(), tuple(m), np.real(q[-1]), 1.0)
    assert np.abs(change).max() < 1e-14
    for j in (1, 4, 7, 8, 12):
        shifted = q.copy()
        shifted[j] += 1e-30j
        d = 1e-5
        up, down = (rest(np.real(q) + k * d * np.eye(len(q))[j]) for k in (1, -1))
        assert np.imag(rest(shifted)) / 1e-30 == pytest.approx((up - down) / (2 * d), abs=1e-8)


def test_the_rest_is_the_minimum_next_to_the_start():
    easy = Macrospin(field_z=0.0, demag_z=0.0, anisotropy=4e5, bias_current=0.0)
    for z in (1.0, -1.0):
        neuron = dataclasses.replace(easy, start_z=z, start_x=0.3)
        m = neuron.rest(neuron.nominal_numbers(neuron.time_unit))
        assert m == pytest.approx((0, 0, z), abs=1e-12)
    # a start at a maximum does not stay there
    against = dataclasses.replace(easy, anisotropy=0.0, field_z=-0.1, start_z=1.0)
    assert against.rest(against.nominal_numbers(against.time_unit))[2] == pytest.approx(-1)
    turned = dataclasses.replace(easy, start_angle=0.2)
    m = turned.rest(turned.nominal_numbers(turned.time_unit))
    assert np.arccos(m[2]) == pytest.approx(0.2)


def test_many_devices_rest_each_by_itself():
    neuron = Macrospin(field_x=0.3)
    single = neuron.nominal_numbers(neuron.time_unit)
    many = {**single, "field_z": single["field_z"] * np.array([0.5, 1.0, 1.5])}
    found = np.array(neuron.rest(many))
    for i in range(3):
        own = neuron.rest({**single, "field_z": many["field_z"][i]})
        assert found[:, i] == pytest.approx(own, abs=1e-12)


# ---- thermal field ----


def test_the_kick_is_brownian_and_its_derivatives_are_right():
    rng = np.random.default_rng(3)
    n, variance = 4000, 1e-4
    q = list(numbers(RICH))
    q[11] = variance
    for m in unit(rng.normal(size=(3, 3))).T:
        r2, cosine = -2 * np.log(rng.random(n)), np.cos(2 * np.pi * rng.random(n))
        drawn = zip(r2, cosine, strict=True)
        after = np.array([llg.kick(tuple(q), 1.0, tuple(m), a, b, 1.0)[0] for a, b in drawn])
        moved = after - m
        covariance = moved.T @ moved / n
        wanted = variance * (np.eye(3) - np.outer(m, m))
        assert np.allclose(covariance, wanted, atol=5 * variance * np.sqrt(2 / n))


def test_the_derivatives_of_the_kick_are_those_of_differences():
    rng = np.random.default_rng(5)
    q = np.array(numbers(RICH))
    q[11] = 0.02

    for m in [*unit(rng.normal(size=(3, 3))).T, (0.0, 0.0, -1.0)]:
        drawn = rng.exponential(2), np.cos(rng.uniform(0, 2 * np.pi))
        x = np.array([*m, q[11]])

        def after(x, drawn=drawn):
            own = (*q[:11], x[3], q[12])
            return np.array(llg.kick(own, 0.7, tuple(x[:3]), drawn[0], drawn[1], 1.0)[0])

        _, jacobian, by_numbers = llg.kick(tuple(q), 0.7, tuple(m), drawn[0], drawn[1], 1.0)
        own = np.column_stack([jacobian, np.array(by_numbers)[:, 11]])
        for j, step in enumerate((1e-4, 1e-4, 1e-4, 1e-6)):
            sides = [after(x + k * step * np.eye(4)[j]) for k in (-2, -1, 1, 2)]
            wanted = (sides[0] - 8 * sides[1] + 8 * sides[2] - sides[3]) / (12 * step)
            assert np.abs(own[:, j] - wanted).max() < 1e-8


def test_the_noise_is_browns():
    """<B^2> = 2 alpha k_B T / (gamma Ms V) for each component."""
    q = dict(zip(RICH.nominal_numbers(RICH.time_unit), numbers(RICH), strict=True))
    alpha, gamma = RICH.damping, RICH.gyromagnetic_ratio
    field = 2 * alpha * BOLTZMANN * 300 / (gamma * RICH.saturation * RICH.volume)
    wanted = gamma**2 * field / (1 + alpha**2) * RICH.time_unit
    assert q["noise"] == pytest.approx(wanted, rel=1e-12)


# ---- what is refused ----


def test_impossible_macrospins_are_told_all_at_once():
    with pytest.raises(ConfigError) as caught:
        Macrospin(axis_z=0.0, polariser_x=0.0, polariser_z=0.0, damping=-1.0)
    assert {p.partition(":")[0] for p in caught.value.problems} == {
        "axis_x",
        "polariser_x",
        "damping",
    }
    with pytest.raises(ConfigError, match="must turn m"):
        Macrospin(field_z=0.0, demag_z=0.0)


# ---- in a network ----


@pytest.mark.slow
def test_gradients_to_field_current_and_damping_are_those_of_differences():
    trained = ("field_x", "field_z", "damping", "anisotropy", "asymmetry", "saturation")
    neuron = Macrospin.example()
    config = spinrnn.NetworkConfig(
        layers=(3, 2),
        inputs=1,
        outputs=2,
        neuron=neuron,
        trained=trained,
        trained_per="neuron",
        input_interval=4 * neuron.time_unit,
        spread={"damping": 0.2, "area": 0.1},
        dtype="float64",
    )
    net = spinrnn.Network(config, seed=0)
    rng = np.random.default_rng(4)
    net.parameters += 0.1 * rng.normal(size=net.parameters.size)
    u, labels = rng.normal(size=(4, 1, 6)), np.array([0, 1, 1, 0])
    _, gradient = net.loss_and_grad(u, labels)

    def loss(i, step):
        kept = net.parameters[i]
        net.parameters[i] = kept + step
        found = net.loss_and_grad(u, labels)[0]
        net.parameters[i] = kept
        return found

    names = [f"neuron_{quantity}_{layer}" for quantity in trained for layer in (0, 1)]
    # that of the current is that of the bias
    for name in (*names, "bias_0", "bias_1"):
        place = net.layout.places(name)
        for i in range(place.start, place.stop):
            values = [loss(i, k * 2e-4) for k in (-2, -1, 1, 2)]
            wanted = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / 24e-4
            scale = np.abs(gradient[place]).max()
            assert gradient[i] == pytest.approx(wanted, abs=1e-8 * max(scale, 1e-2))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, 1.2 - PERMEABILITY * 8e5),
        (
            {"field_z": 0.0, "field_x": 0.5, "start_x": 1.0, "start_z": 0.0},
            0.5 + PERMEABILITY * 8e5 / 2,
        ),
    ],
)
def test_it_comes_to_rest_by_its_damping(values, field):
    """Out of the film and in its plane, where the mean of two fields counts (Kittel)."""
    alpha, gamma = 0.02, 1.76085963e11
    neuron = spinrnn.Macrospin(damping=alpha, **values)
    wanted = (1 + alpha**2) / (alpha * gamma * field)
    assert neuron.settling_time == pytest.approx(wanted, rel=1e-9)
