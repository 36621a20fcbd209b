"""Ridge regression from sums, against the plain one with a column of ones."""

import numpy as np
import pytest

from spinrnn.learning.ridge import Sums, solve, squared_error, total


def drawn(seed, points=60, features=5):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(points, features)) * [1, 2, 3, 0.1, 1] + [5, 0, -1, 0, 2]
    return x, x @ rng.normal(size=(features, 2)) + 3 + rng.normal(size=(points, 2))


@pytest.mark.parametrize("penalty", [1e-6, 1e-2, 1.0])
def test_it_is_the_plain_one(penalty):
    x, y = drawn(0)
    weights, biases, found = solve(Sums.of(x, y), Sums.of(x, y), [penalty])
    ones = np.column_stack([x, np.ones(len(x))])
    held = penalty * (x**2).sum() / x.shape[1] * np.diag([1, 1, 1, 1, 1, 0])
    wanted = np.linalg.solve(ones.T @ ones + held, ones.T @ y)
    np.testing.assert_allclose(weights, wanted[:-1].T, rtol=1e-9)
    np.testing.assert_allclose(biases, wanted[-1], rtol=1e-9)
    assert found == penalty


def test_the_known_points_choose_the_penalty():
    x, y = drawn(0, points=8)
    x_known, y_known = drawn(1, points=200)
    y_known = x_known @ np.linalg.lstsq(x, y, rcond=None)[0] + 50 * y_known.std()
    errors = {}
    for penalty in (1e-6, 1e-2, 1e2):
        weights, biases, _ = solve(Sums.of(x, y), Sums.of(x, y), [penalty])
        errors[penalty] = ((x_known @ weights.T + biases - y_known) ** 2).sum()
    known = Sums.of(x_known, y_known)
    best = min(errors, key=errors.get)
    for order in (list(errors), list(errors)[::-1]):
        assert solve(Sums.of(x, y), known, order)[2] == best


def test_sums_add_up_and_have_the_error():
    x, y = drawn(2)
    whole, parts = Sums.of(x, y), total(Sums.of(x[k::3], y[k::3]) for k in range(3))
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)
    weights, biases = np.ones((5, 2)), np.array([1.0, -2.0])
    wanted = ((x @ weights + biases - y) ** 2).sum()
    assert squared_error(whole, weights, biases) == pytest.approx(wanted)


def test_features_that_never_differ_have_no_weight():
    x, y = drawn(3)
    x[:, 1] = 4.0
    weights, biases, _ = solve(Sums.of(x, y), Sums.of(x, y), [1e-9])
    assert np.isfinite(weights).all()
    assert abs(weights[:, 1]).max() < 1e-6
    weights, biases, _ = solve(Sums.of(0 * x, y), Sums.of(0 * x, y))
    assert not weights.any()
    np.testing.assert_allclose(biases, y.mean(axis=0))
