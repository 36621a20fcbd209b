"""What the recipes of the built-in tasks must reach; long, as they are of full size."""

import math

import pytest

import spinrnn
from spinrnn.learning.recipes import recipe_config
from spinrnn.runs.comparison import compare


def found(name):
    comparison = compare(recipe_config(name))
    return {side.key: side for side in comparison.sides}, comparison


@pytest.mark.slow
def test_narma10():
    sides, _ = found("narma10")
    assert sides["network"].evaluation.nrmse < 0.36 < sides["delays"].evaluation.nrmse
    # the same device in finer steps, fitted anew: no matter of the discretisation
    config = recipe_config("narma10")
    finer = spinrnn.NetworkConfig(**{**vars(config.network), "substeps": 32})
    run = spinrnn.RunConfig(finer, config.train, config.data, config.task)
    nrmse = spinrnn.train(run).summary["test_nrmse"]
    assert nrmse == pytest.approx(sides["network"].evaluation.nrmse, rel=0.03)


@pytest.mark.slow
def test_mackey_glass_and_lorenz():
    for name in ("mackey_glass", "lorenz"):
        sides, _ = found(name)
        assert math.log10(sides["network"].evaluation.nrmse) < -3


@pytest.mark.slow
def test_sine_and_square():
    sides, _ = found("sine_square")
    assert sides["network"].evaluation.accuracy >= 0.99


@pytest.mark.slow
def test_capacities_are_below_the_bound():
    sides, comparison = found("memory")
    each = sides["network"].capacities
    assert 25 < each.sum() < comparison.neurons
    # what is near is remembered, what is far is not
    assert each[:10].min() > 0.95
    assert each[-5:].mean() < 0.4
    sides, comparison = found("parity")
    each = sides["network"].capacities
    assert sides["esn"].capacities.sum() < each.sum() < comparison.neurons
    assert each[:3].min() > 0.9
