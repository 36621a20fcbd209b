"""Oscillators of a phase alone: their step against the equation, where they come to
rest, and the estimate, which is the adjoint's also where frequencies differ.
"""

import numpy as np
import pytest
from test_quadratures import compared, orders, weak
from test_symmetric import made

import spinrnn
from spinrnn.checks.neuron import check_neuron
from spinrnn.config.run import from_tables
from spinrnn.neurons.phase_oscillator import pair
from spinrnn.runs.suspicions import suspicions

NEURON = spinrnn.PhaseOscillator()


@np.vectorize(excluded=[0, 1])
def stepped(q, h, c, field):
    (x, y), *_ = pair(q, (), h, (c.real, c.imag), (field.real, field.imag), 1.0)
    return x + 1j * y


def turning(q, c, field):
    """dphi/dt of eq. (E10)."""
    detuning, reference = q
    return detuning + np.imag((field + 1j * reference) / c)


def drawn(seed, count=30):
    """(c on the circle, fields)."""
    rng = np.random.default_rng(seed)
    field = rng.normal(size=count) + 1j * rng.normal(size=count)
    return np.exp(2j * np.pi * rng.uniform(size=count)), field


def test_a_short_step_is_that_of_the_equation():
    (c, field), h = drawn(0), 1e-7
    after = stepped((0.7, 1.3), h, c, field)
    np.testing.assert_allclose(abs(after), 1, rtol=1e-15)
    turned = np.angle(after / c) / h * (1 - 1 / 1024)
    np.testing.assert_allclose(turned, turning((0.7, 1.3), c, field), 1e-5, 1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_field_that_just_cancels_the_amplitude_turns_it(dtype):
    """As sums of binary weights do: c = -i, F = 0, f = 1, h = 1."""
    one = np.dtype(dtype).type(1)
    after, jacobian, *_ = pair((one - one, one), (), one, (one - one, -one), (one - one,) * 2, one)
    assert after == (0, 1)
    assert np.isfinite(jacobian).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_without_phase_and_field_it_takes_the_reference(dtype):
    """c = 0 at first, network.start = 0: n is 0, and c' = i; so is one too small to be
    squared. With a field it turns into that.
    """
    one = np.dtype(dtype).type(1)
    for start in (0.0, 1e-30 if dtype == "float32" else 1e-200):
        c = (one * start, one * start)
        after, jacobian, by_fields, _ = pair((one - one,) * 2, (), one, c, (one - one,) * 2, one)
        assert after == pytest.approx((0, 1), abs=1e-25)
        assert np.isfinite([*jacobian, *by_fields]).all()
    after, *_ = pair((one - one,) * 2, (), one, (one - one,) * 2, (-one, one - one), one)
    assert after == (-1, 0)


def test_a_network_of_oscillators_without_phase_and_field_is_finite():
    net, u, labels = made(neuron=spinrnn.PhaseOscillator(reference=0.0), start=0.0)
    net.parameters[:] = 0
    assert all((layer == 1j).all() for layer in net.settle(u, 3))
    assert np.isfinite(net.loss_and_grad(u, labels)[1]).all()


@pytest.mark.parametrize("h", [0.1, 1.0, 30.0])
def test_a_step_of_any_length_rests_where_the_equation_does(h):
    q, (c, field) = (0.3, 2.0), drawn(1)
    for _ in range(2000):
        c = stepped(q, h, c, 0.5 * field)
    assert abs(turning(q, c, 0.5 * field)).max() < 1e-13


def test_a_long_step_turns_straight_into_the_field():
    c, field = drawn(2)
    after = stepped((0.0, 1.0), 1e12, c, field)
    np.testing.assert_allclose(after, (field + 1j) / abs(field + 1j), rtol=0, atol=1e-11)


def test_derivatives_are_those_of_the_complex_step():
    found = list(check_neuron(NEURON))
    assert [row.text for row in found if not row.ok] == []
    assert sum(row.promise.startswith("pair: d ") for row in found) == 8
    assert max(row.error for row in found if row.promise.startswith("pair")) < 1e-14


@pytest.mark.parametrize(
    ("detuning", "reference", "rest"),
    [
        (0.6, 1.0, (-0.6, 0.8)),
        (-1.2, 2.0, (0.6, 0.8)),
        (0, 0, (0, 1)),
        (3, 1, (-1, 0)),
        (-1, 0, (1, 0)),
    ],
)
def test_rest_is_in_the_reference_or_where_it_is_slowest(detuning, reference, rest):
    found = NEURON.rest({"detuning": detuning, "reference": reference})
    np.testing.assert_allclose(found, rest, rtol=0, atol=1e-15)


def test_frequencies_that_differ_shift_the_phase_in_the_reference():
    net, u, _ = made(neuron=NEURON, spread=spinrnn.Spread(frequency=0.05, seed=1), steps=300)
    net.parameters[:] = 0
    shift = 2 * np.pi * 100e6 * 10e-9 * (net.buffers["devices/frequency"] - 1)
    emitted = np.concatenate(net.settle(u), axis=1)[0]
    assert abs(shift).max() < 1
    np.testing.assert_allclose(emitted, 1j * np.exp(1j * np.arcsin(shift)), atol=1e-12)


def test_the_estimate_is_the_adjoint_also_where_frequencies_differ():
    """A detuning has an energy, -delta phi; the error goes as beta and as its square."""
    net, u, labels = weak(NEURON, frequency=0.05, gain=0.2)
    exact = net.loss_and_grad(u, labels)[1]
    slopes = orders(net, u, labels, exact, np.geomspace(1e-3, 3e-2, 4))
    assert slopes["plus"] == pytest.approx(1, abs=0.05)
    assert slopes["symmetric"] == pytest.approx(2, abs=0.05)
    cosine, error = compared(net, u, labels, exact, beta=1e-3, sign="symmetric")
    assert cosine > 1 - 1e-10
    assert error < 1e-5


def test_the_adjoint_is_the_derivative():
    net, u, labels = made(neuron=NEURON, steps=6)
    exact, rng = net.loss_and_grad(u, labels)[1], np.random.default_rng(4)
    start = net.parameters.copy()
    for _ in range(3):
        direction, values = rng.normal(size=start.size), []
        for sign in (-1, 1):
            net.parameters[:] = start + sign * 1e-6 * direction
            values.append(net.loss(u, labels))
        slope = (values[1] - values[0]) / 2e-6
        assert direction @ exact == pytest.approx(slope, rel=1e-6, abs=1e-8)


def test_a_recurrent_network_refuses_it():
    tables = {"network": {"layers": [4]}, "neuron": {"kind": "phase_oscillator"}}
    with pytest.raises(spinrnn.ConfigError, match="phase_oscillator emits two quadratures"):
        from_tables(tables)


def test_frequencies_that_the_reference_does_not_hold_are_told():
    data = spinrnn.Dataset(np.zeros((4, 6, 1)), np.arange(4) % 3)
    for share, reference, told in ((0.1, 1.0, False), (0.2, 1.0, True), (0.2, 2.0, False)):
        neuron = spinrnn.PhaseOscillator(reference=reference)
        net, _, _ = made(neuron=neuron, spread=spinrnn.Spread(frequency=share), steps=40)
        found = suspicions(net, data).warnings
        assert any("is 1.26 / tau, and the reference holds 1" in text for text in found) == told
