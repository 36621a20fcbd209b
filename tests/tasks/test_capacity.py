"""Capacities: squared correlations, and what theory says of their sum."""

import numpy as np
import pytest

import spinrnn
from spinrnn.learning.baselines import baselines
from spinrnn.tasks.capacity import capacities


def test_they_are_squared_correlations():
    rng = np.random.default_rng(0)
    targets = rng.normal(size=(2, 3, 50))
    outputs = 0.3 * targets + rng.normal(size=targets.shape) + 4
    targets[0, :, :7] = np.nan
    for k, found in enumerate(capacities(outputs, targets)):
        known = np.isfinite(targets[:, k])
        wanted = np.corrcoef(outputs[:, k][known], targets[:, k][known])[0, 1] ** 2
        assert found == pytest.approx(wanted, rel=1e-12)
    assert capacities(-2 * targets + 1, targets) == pytest.approx(np.ones(3))
    assert capacities(np.ones_like(targets), targets).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("outputs", "targets", "message"),
    [
        (np.zeros((1, 2, 3)), np.zeros((1, 2, 4)), "must have the same shape"),
        (np.zeros((2, 3)), np.zeros((2, 3)), "must have the same shape"),
        (np.zeros((1, 2, 3)), np.full((1, 2, 3), np.nan), "output 0 has fewer than two"),
    ],
)
def test_what_cannot_be_compared_is_told(outputs, targets, message):
    with pytest.raises(spinrnn.DataError, match=message):
        capacities(outputs, targets)


def test_a_linear_readout_of_delays_remembers_just_these():
    """MC is the number of delays, the bound of as many features: Jaeger's theorem."""
    run = spinrnn.RunConfig(data=spinrnn.DataConfig("memory", length=3000, delays=12))
    data = spinrnn.load_dataset("memory", length=3000, delays=12)
    found = {one.name: one for one in baselines(run, data, 6)}
    each = capacities(found["delays"].outputs, found["delays"].targets.values)
    # u(t) itself is none of the outputs
    np.testing.assert_allclose(each[:5], 1, atol=1e-9)
    assert each[5:].max() < 0.02
    assert capacities(found["ESN"].outputs, found["ESN"].targets.values).sum() < 6.1
