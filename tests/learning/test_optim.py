"""Adam against its published algorithm, schedules and clipping."""

import itertools

import numpy as np
import pytest

import spinrnn
from spinrnn.learning.schedule import clip_gradient, learning_rate


def test_adam_follows_the_published_algorithm():
    """Algorithm 1 of arXiv:1412.6980 and the decoupled decay of arXiv:1711.05101,
    written out for one entry."""
    adam = spinrnn.Adam(beta1=0.8, beta2=0.95, epsilon=1e-3, weight_decay=0.1)
    rng, memory = np.random.default_rng(0), adam.memory(3, "float64")
    parameters, weights = np.array([1.0, -2.0, 0.5]), np.array([True, True, False])
    expected, m, v = parameters.copy(), np.zeros(3), np.zeros(3)
    for t in range(1, 30):
        g = rng.normal(size=3)
        m, v = 0.8 * m + 0.2 * g, 0.95 * v + 0.05 * g**2
        expected = expected * [1 - 0.03 * 0.1, 1 - 0.03 * 0.1, 1]
        expected = expected - 0.03 * (m / (1 - 0.8**t)) / (np.sqrt(v / (1 - 0.95**t)) + 1e-3)
        change, keep = adam.request(g, parameters, memory, t, 0.03, weights)
        parameters = np.where(weights, keep, 1) * parameters + change
        np.testing.assert_allclose(parameters, expected, rtol=1e-13)


def test_entries_without_gradient_never_move():
    adam, parameters = spinrnn.Adam(weight_decay=0.5), np.array([0, 1], np.float32)
    memory = adam.memory(2, "float32")
    for t in range(1, 51):
        gradient = np.array([0, 0.3], np.float32)
        change, keep = adam.request(gradient, parameters, memory, t, 0.1, np.ones(2, bool))
        parameters = keep * parameters + change
    assert parameters[0] == 0
    assert parameters[1] != 1
    assert parameters.dtype == np.float32


def test_schedules():
    cosine, constant = (
        spinrnn.TrainConfig(learning_rate=0.2),
        spinrnn.TrainConfig(learning_rate=0.2, schedule="constant"),
    )
    rates = [learning_rate(cosine, k, 100) for k in range(100)]
    assert rates[0] == 0.2
    assert rates[50] == pytest.approx(0.1)
    assert 0 < rates[-1] < 1e-3
    assert all(a > b for a, b in itertools.pairwise(rates))
    assert {learning_rate(constant, k, 100) for k in range(100)} == {0.2}


def test_clipping_keeps_the_direction():
    gradient = np.array([3.0, -4.0])
    assert clip_gradient(gradient, 1.0) == 5.0
    np.testing.assert_allclose(gradient, [0.6, -0.8])
    for limit in (0.0, 2.0):
        assert clip_gradient(gradient, limit) == pytest.approx(1.0)
        np.testing.assert_allclose(gradient, [0.6, -0.8])
