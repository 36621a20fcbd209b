"""The RF network: powers within the published limits, devices that differ, and the twin
whose gradient is that of ideal ones.
"""

import dataclasses

import numpy as np
import pytest

import spinrnn
from spinrnn.config.run import from_tables
from spinrnn.systems import rf
from spinrnn.systems.learning import parts_of, trained


@pytest.fixture(scope="module")
def drones():
    return spinrnn.load_dataset("drones")


def made(drones, spread=0.0):
    config = from_tables(rf.tables(0, 1, spread)).fitted_to(drones)
    return spinrnn.network_of(dataclasses.replace(config.network, dtype="float64"), seed=0)


def test_signals_between_layers_are_powers_of_up_to_a_microwatt(drones):
    net, test = made(drones), parts_of(drones)[1]
    (powers,) = net.hidden(test.inputs[:20])
    assert powers.shape == (20, 128)
    assert 0 <= powers.min() < powers.max() <= 1e-6 * (1 + 1e-12)
    (volts,) = net.hidden(test.inputs[:20], sums=True)
    weights = net.layout.named(net.effective())
    expected = test.inputs[:20, 0] if test.inputs.shape[1] == 1 else test.inputs[:20, :, 0]
    expected = expected @ weights["w_0"].T + weights["bias_0"]
    np.testing.assert_allclose(volts, expected, rtol=1e-9, atol=1e-15)
    taken = net.config.activation.consumption(volts)
    assert taken.min() * (1 + 1e-12) >= 1e3 * (10e-6) ** 2
    assert taken.max() <= 1e3 * (40e-6) ** 2 * (1 + 1e-12)


def test_the_twin_has_the_loss_of_the_devices_and_the_gradient_of_ideal_ones(drones):
    real, ideal = made(drones, 0.01), made(drones)
    ideal.parameters = real.parameters
    data = parts_of(drones)[0].take(np.arange(30))
    u, labels = data.inputs, data.labels
    outputs, loss, gradient = real.prepared().logits_loss_grad(u, labels, twin=True)
    exact = real.prepared().logits_loss_grad(u, labels)
    np.testing.assert_array_equal(outputs, exact[0])
    assert loss == exact[1]
    assert np.abs(gradient - exact[2]).max() > 0.1 * np.abs(exact[2]).max()
    # the ideal network's adjoint at the slopes of the real one's loss: linear in them
    targets = ideal.targets(spinrnn.Dataset(u, labels), labels)
    from spinrnn.machine.blas import one_thread
    from spinrnn.networks.losses import losses_of

    with one_thread():
        flat = ideal.effective()
        layers = ideal._pass(flat, ideal._flat(u, None)[0][:, :, 0].astype(float))[1]
        expected = ideal._back(flat, layers, losses_of(outputs, targets)[1])
    expected = ideal.connections.read_backward(ideal.parameters, expected)
    np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())


def test_devices_that_differ_differ_in_powers_too(drones):
    real, test = made(drones, 0.01), parts_of(drones)[1].take(np.arange(5))
    factors = real.buffers["devices/factor_0"]
    assert factors.std() == pytest.approx(0.01, rel=0.3)
    volts = real.hidden(test.inputs, sums=True)[0]
    expected = real.config.activation.value(volts) * factors
    np.testing.assert_allclose(real.hidden(test.inputs)[0], expected, rtol=1e-12)


def test_the_estimator_takes_the_gradient_of_the_twin(drones):
    real, data = made(drones, 0.01), parts_of(drones)[0].take(np.arange(30))
    prepared = real.prepared()
    estimate = spinrnn.Twin().estimate(prepared, data.inputs, data.labels, None, 0)
    expected = prepared.logits_loss_grad(data.inputs, data.labels, twin=True)
    exact = prepared.logits_loss_grad(data.inputs, data.labels)
    np.testing.assert_array_equal(estimate.gradient, expected[2])
    assert (estimate.gradient != exact[2]).any()


@pytest.mark.slow
def test_it_learns_as_published(drones):
    curves = [rf._curve(rf.tables(seed, 100), drones)["curve"] for seed in range(6)]
    ends = [curve[-1] for curve in curves]
    assert np.mean(ends) >= 98.5
    assert min(ends) >= 97.5
    assert 70 <= np.mean([curve[0] for curve in curves]) <= 80


def test_twin_training_by_the_command_s_tables(drones):
    given = rf.tables(0, 2, 1e-3) | {"estimator": {"kind": "twin"}}
    trainer = trained(given, drones)
    assert trainer.history[-1]["train_loss"] < trainer.history[0]["train_loss"]
