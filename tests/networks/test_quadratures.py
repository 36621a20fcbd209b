"""Oscillators with amplitude and phase: their step against the equation, and networks
that settle by both quadratures, whose estimate is the adjoint's where there is an energy.
"""

import numpy as np
import pytest
from test_symmetric import made

import spinrnn
from spinrnn.checks.neuron import check_neuron
from spinrnn.config.run import from_tables
from spinrnn.machine.threads import using
from spinrnn.neurons.stuart_landau import _rest, cubic_root, pair

NEURON = spinrnn.StuartLandau()


def rate_of_change(q, c, field):
    """dc/dt of eq. (E7)."""
    g, gq, pump, detuning, shift, reference = q
    p = abs(c) ** 2
    grown = ((pump - g) - (pump + gq) * p) / 2 * c
    return grown + 1j * (detuning + shift * p) * c + field + 1j * reference


def stepped(q, h, c, field):
    (x, y), *_ = pair(q, (), h, (c.real, c.imag), (field.real, field.imag), 1.0)
    return x + 1j * y


def test_the_power_obeys_the_equation_of_oscillators():
    """Eq. (1), and the phase turns with its own frequency."""
    neuron = spinrnn.StuartLandau(nonlinear_damping=0.7, nonlinear_shift=2.0, reference=0.0)
    unit = neuron.time_unit
    q = tuple(neuron.numbers(unit, {**dict.fromkeys(NAMES, 1.0), "frequency": 1.001}).values())
    rng, h = np.random.default_rng(0), 1e-6
    c = rng.normal(size=30) + 1j * rng.normal(size=30)
    after, p = stepped(q, h, c, np.zeros(30) * 1j), abs(c) ** 2
    found = (abs(after) ** 2 - p) / h
    np.testing.assert_allclose(found, -(1 + 0.7 * p) * p + 2 * p * (1 - p), 1e-4, 1e-5)
    turned = np.angle(after / c) / h
    wanted = 2 * np.pi * 1e5 * unit + 2.7 * (p - 1 / 2.7)
    np.testing.assert_allclose(turned, wanted, 1e-4, 1e-5)


NAMES = ("gamma", "bias", "nonlinear_damping", "frequency")


@pytest.mark.parametrize("h", [0.3, 1.0, 3.0])
def test_a_step_of_any_length_rests_where_the_equation_does(h):
    rng = np.random.default_rng(1)
    q = np.array([1.1, 0.4, 2.0, 0.2, 0.1, 1.0])
    c, field = np.zeros(20) * 1j, rng.normal(size=20) + 1j * rng.uniform(size=20)
    for _ in range(2000):
        c = stepped(q, h, c, field)
    assert abs(rate_of_change(q, c, field)).max() < 1e-13


def test_an_oscillator_that_turns_freely_keeps_its_power():
    """By the rule of the trapezium, whatever the length of the step."""
    q, c = np.array([1.0, 0.5, 2.0, 0.9, 0.0, 0.0]), np.array([0.3 + 0.1j])
    for _ in range(300):
        before, c = c, stepped(q, 1.5, c, np.zeros(1) * 1j)
    assert abs(c[0]) ** 2 == pytest.approx(1 / 2.5, rel=1e-12)
    assert abs(np.angle(c / before)[0]) > 0.5


def test_the_root_of_the_cubic():
    k, turn = np.meshgrid(np.geomspace(1e-12, 1e30, 300), [0, 1e-3, 1.0, 30.0, 1e6])
    w = cubic_root(k, turn, 1.0)
    np.testing.assert_allclose(w * ((1 + w) ** 2 + turn), k, rtol=1e-14)


def test_derivatives_are_those_of_the_complex_step():
    neuron = spinrnn.StuartLandau(bias_ratio=3.0, nonlinear_damping=1.0, nonlinear_shift=2.0)
    found = list(check_neuron(neuron))
    assert [row.text for row in found if not row.ok] == []
    assert sum(row.promise.startswith("pair: d ") for row in found) == 8
    assert max(row.error for row in found if row.promise.startswith("pair")) < 1e-14


def test_every_oscillator_locks_to_the_reference_by_itself():
    """The roots of (D^2 + Omega^2) p = f^2, D half of what is lost less what is gained,
    with numbers of each device.
    """
    spread = spinrnn.Spread(gamma=0.1, bias=0.1, nonlinear_damping=0.2, frequency=0.05, seed=1)
    neuron = spinrnn.StuartLandau(nonlinear_damping=0.5, nonlinear_shift=0.3)
    net, u, _ = made(neuron=neuron, spread=spread, steps=2000)
    net.parameters[:] = 0
    g, xi, q, f = (net.buffers[f"devices/{name}"] for name in NAMES)
    damping, pump = g, 2 * xi
    gq, shift = g * 0.5 * q, 0.3 * 2.5 / 2
    detuning = 2 * np.pi * 100e6 * 10e-9 * (f - 1) - shift / 2.5
    emitted = np.concatenate(net.settle(u), axis=1)[0]
    numbers = (damping, gq, pump, detuning, shift, 1.0)
    assert abs(rate_of_change(numbers, emitted, 0)).max() < 1e-12
    assert np.ptp(np.angle(emitted)) > 0.3
    np.testing.assert_allclose(net.prepared()._population.start, [emitted.real, emitted.imag])


def test_one_that_is_not_held_starts_where_a_thousand_steps_lead():
    """They are made once, whoever asks for the same values."""
    net, u, _ = made(
        neuron=spinrnn.StuartLandau(reference=0.03), spread=spinrnn.Spread(frequency=0.1, seed=1)
    )
    _rest.cache_clear()
    start = net.prepared()._population.start
    net.forward(u)
    np.testing.assert_array_equal(net.replace(steps=9).prepared()._population.start, start)
    assert _rest.cache_info().misses == 1
    off, c = 2 * np.pi * (net.buffers["devices/frequency"] - 1), 0.5j * np.ones(18)
    for _ in range(1000):
        c = stepped((1.0, 0.0, 2.0, off, 0.0, 0.03), 1.0, c, 0j)
    np.testing.assert_allclose(start, [c.real, c.imag], atol=1e-9)
    turned = np.angle(stepped((1.0, 0.0, 2.0, off, 0.0, 0.03), 1.0, c, 0j) / c)
    assert abs(turned).max() > 0.1


def weak(neuron=NEURON, **spread):
    """A network of weak couplings, which comes to rest in 300 steps."""
    given = {"amplification": 1.0, "start_gain": 0.2, "bias_deviation": 0.0, "steps": 300}
    differ = spinrnn.Spread(seed=3, **spread)
    net, u, labels = made(9, neuron=neuron, spread=differ, levels=(-0.4, 0.4), **given)
    return net, 0.3 * u, labels


def compared(net, u, labels, exact, **keys):
    """(cosine, error relative to the exact gradient) of an estimate."""
    estimator = spinrnn.Equilibrium(steps=300, nudge="drive", **keys)
    own = estimator.estimate(net.prepared(), u, labels, None, 0).gradient
    length = np.linalg.norm(exact)
    return own @ exact / length / np.linalg.norm(own), np.linalg.norm(own - exact) / length


def orders(net, u, labels, exact, betas):
    """{sign: with which power of beta the error of an estimate grows}."""
    found = {}
    for sign in ("plus", "symmetric"):
        pairs = [compared(net, u, labels, exact, beta=beta, sign=sign) for beta in betas]
        found[sign] = np.polyfit(np.log(betas), np.log([pair[1] for pair in pairs]), 1)[0]
    return found


def test_the_estimate_is_the_adjoint_where_there_is_an_energy():
    """Damping, bias and gain may differ; the error goes as beta and as its square."""
    net, u, labels = weak(gamma=0.1, bias=0.1, gain=0.2)
    exact = net.loss_and_grad(u, labels)[1]
    slopes = orders(net, u, labels, exact, np.geomspace(1e-3, 1e-1, 5))
    assert slopes["plus"] == pytest.approx(1, abs=0.05)
    assert slopes["symmetric"] == pytest.approx(2, abs=0.05)
    cosine, error = compared(net, u, labels, exact, beta=1e-3, sign="symmetric")
    assert cosine > 1 - 1e-9
    assert error < 1e-5


def energy(net, u, emitted):
    """(case,) eq. (E8) of what all layers emit, [(case, n)]."""
    p, c = net.layout.named(net.effective()), net.config
    gains = np.split(net.buffers["devices/gain"], np.cumsum(c.populations)[:-1])
    damping = np.split(net.buffers["devices/gamma"], np.cumsum(c.populations)[:-1])
    total = -((emitted[0].real @ p["w_0"]) * u.reshape(len(u), -1)).sum(axis=1)
    for i, z in enumerate(emitted):
        own = -(2 - damping[i]) * abs(z) ** 2 / 4 + 2 * abs(z) ** 4 / 8
        own -= c.neuron.reference * z.imag + p[f"bias_{i}"] * z.real
        total += (own / (c.amplifications[i] * gains[i])).sum(axis=1)
        if i:
            total -= ((z.conj() @ p[f"w_{i}"]) * emitted[i - 1]).real.sum(axis=1)
    return total


def test_the_energy_falls_to_where_the_relaxation_ends():
    spread = spinrnn.Spread(gamma=0.1, gain=0.2)
    net, u, _ = made(neuron=NEURON, spread=spread, step=1e-9)
    found = np.array([energy(net, u, net.settle(u, t)) for t in (1, 2, 4, 8, 16, 100, 3000)])
    assert (np.diff(found, axis=0) < 0).all()
    rest = net.settle(u, 3000)
    for layer, neuron, along in ((0, 3, 1e-4), (1, 2, 1e-4j), (2, 5, 1e-4), (2, 1, 1e-4j)):
        values = []
        for sign in (-1, 1):
            other = [own.copy() for own in rest]
            other[layer][:, neuron] += sign * along
            values.append(energy(net, u, other))
        np.testing.assert_allclose((values[1] - values[0]) / 2e-4, 0, atol=1e-7)


@pytest.mark.parametrize(
    ("shift", "frequency", "least", "most"), [(0.3, 0.0, 0.5, 0.99), (0.0, 0.05, 0.5, 0.999)]
)
def test_a_rotation_has_no_energy(shift, frequency, least, most):
    """Neither a frequency that depends on power nor one that differs from the
    reference's: the estimate tends to something else, however small beta is.
    """
    neuron = spinrnn.StuartLandau(nonlinear_shift=shift)
    net, u, labels = weak(neuron, frequency=frequency)
    exact = net.loss_and_grad(u, labels)[1]
    cosines = [
        compared(net, u, labels, exact, beta=beta, sign="symmetric")[0] for beta in (1e-3, 1e-2)
    ]
    assert least < cosines[0] < most
    assert cosines[0] == pytest.approx(cosines[1], abs=1e-3)


def test_bits_do_not_depend_on_threads():
    net, u, labels = made(cases=50, neuron=NEURON, layers=(40, 30), amplification=1.0)
    estimator, found = spinrnn.Equilibrium(nudge="drive", sign="symmetric"), []
    for count in (1, 2, 5):
        with using(count):
            estimate = estimator.estimate(net.prepared(), u, labels, None, (1, 2))
            found.append((net.settle(u)[0], estimate.gradient, net.loss_and_grad(u, labels)[1]))
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(one, two)
    assert net.settle(u[:3])[0].shape == (3, 40)
    np.testing.assert_array_equal(net.settle(u[:3])[0], found[0][0][:3])


def test_strong_couplings_do_not_blow_up():
    """What is lost counts at the end of a step."""
    net, u, _ = made(neuron=NEURON, amplification=1000.0, steps=200)
    emitted = np.concatenate(net.settle(u), axis=1)
    assert 3 < abs(emitted).max() < 100


def test_nan_of_either_quadrature_is_told():
    net, u, _ = made(neuron=NEURON, steps=3)
    net.parameters[net.layout.places("w_2")] = np.nan
    with pytest.raises(spinrnn.DivergenceError, match="layer 0, neuron 0"):
        net.forward(u)
    prepared = made(neuron=NEURON)[0].prepared()
    emitted = np.ones((2 * 18, 4))
    emitted[18 + 7 + 2, 3] = np.nan
    with pytest.raises(spinrnn.DivergenceError, match="case 3, layer 1, neuron 2"):
        prepared._require_finite(emitted)


def test_what_does_not_go_together_is_told_in_one_line():
    tables = {"network": {"layers": [4]}, "neuron": {"kind": "stuart_landau"}}
    with pytest.raises(spinrnn.ConfigError) as caught:
        from_tables(tables)
    assert caught.value.problems == [
        "neuron.kind: stuart_landau emits two quadratures, which are coupled in networks that "
        'settle alone; set network.kind = "symmetric"'
    ]
    tables["network"]["kind"], tables["estimator"] = "symmetric", {"kind": "equilibrium"}
    with pytest.raises(spinrnn.ConfigError, match=r'nudge: .*; set it to "drive"'):
        from_tables(tables)


def test_a_kind_of_two_quadratures_says_its_step_of_both():
    class Half(spinrnn.Neuron):
        kind = "half"
        states = (spinrnn.State("x", "1", "x"), spinrnn.State("y", "1", "y"))
        quadratures = 2

        @staticmethod
        def step(q, shared, h, s, current, one):
            return s, ((one, one), (one, one)), (one, one), ()

    assert [text for text in Half.class_problems() if text.startswith("pair")] == [
        "pair: is missing, as quadratures = 2; a static function of (q, shared, h, s, "
        "(I_0, I_1), one)"
    ]


def test_a_network_of_quadratures_comes_back_from_its_file(tmp_path):
    net, u, _ = made(neuron=NEURON, spread=spinrnn.Spread(frequency=0.02, gain=0.1))
    net.save(tmp_path / "net.h5")
    np.testing.assert_array_equal(spinrnn.load(tmp_path / "net.h5").forward(u), net.forward(u))
