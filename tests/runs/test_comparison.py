"""A network beside simple methods on a built-in task: same parts, same scores."""

import numpy as np
import pytest

import spinrnn
from spinrnn.config.toml import from_toml, to_toml
from spinrnn.datasets.parts import divide
from spinrnn.learning import baselines
from spinrnn.learning.recipes import NAMES, recipe, recipe_config
from spinrnn.runs import figures
from spinrnn.runs.comparison import compare
from spinrnn.tasks.capacity import capacities


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """One echo state network is enough."""
    for name, value in (("RADII", 0.9), ("LEAKS", 1.0), ("SCALINGS", 0.3)):
        monkeypatch.setattr(baselines, name, (value,))


def small(source, **keys):
    tables = recipe(source, neurons=8)
    tables["data"] |= {"length": 1000, **keys}
    tables["network"] |= {"substeps": 2, "dtype": "float32"}
    return spinrnn.config.run.from_tables(tables)


def test_the_network_is_judged_as_the_methods_are():
    config = small("memory", delays=3)
    found = compare(config)
    assert [side.name for side in found.sides] == ["last value", "delays", "ESN", "network"]
    assert (found.neurons, found.points) == (8, (600, 100, 200))
    # the network of the same run, from its own training
    result = spinrnn.train(config)
    own = found.sides[-1]
    assert own.evaluation.nrmse == result.summary["test_nrmse"]
    assert own.features == 8
    data = spinrnn.load_dataset("memory", length=1000, delays=3)
    test = divide(data, config)[2]
    each = capacities(result.network.forward(test.inputs), test.targets)
    np.testing.assert_allclose(own.capacities, each)
    again = compare(config, result.network)
    assert again.sides[-1].evaluation.scores == own.evaluation.scores


def test_findings_have_every_number():
    found = compare(small("parity", delays=2))
    entries = found.findings()
    assert entries["capacity_bound"]["value"] == entries["neurons"]["value"] == 8
    assert entries["capacity_chance"]["value"] == pytest.approx(1 / 200)
    for side in found.sides:
        assert entries[f"{side.key}_nrmse"]["value"] == side.evaluation.nrmse
        assert entries[f"{side.key}_capacity"]["value"] == pytest.approx(side.capacities.sum())
        assert entries[f"{side.key}_capacities"]["value"] == side.capacities.tolist()
    assert "esn_capacity" in entries
    assert "capacity_bound" not in compare(small("narma2")).findings()
    tables = recipe("memory", neurons=8)
    tables["data"] |= {"length": 1000, "delays": 3}
    tables["network"] |= {"substeps": 2, "dtype": "float32", "readout_features": "quadratic"}
    squares = compare(spinrnn.config.run.from_tables(tables))
    assert squares.findings()["capacity_bound"]["value"] == 16
    assert [side.features for side in squares.sides] == [1, 16, 16, 16]


def test_other_data_are_told():
    with pytest.raises(spinrnn.DataError, match=r"one of the built-in tasks narma10, .*got digits"):
        compare(spinrnn.RunConfig())


@pytest.mark.parametrize("source", ["memory", "narma2", "sine_square"])
def test_pictures_have_the_numbers(source):
    found = compare(small(source))
    axes = figures.draw(found)
    if source == "memory":
        lines = axes.get_lines()
        np.testing.assert_array_equal(lines[3].get_ydata(), found.sides[3].capacities)
        assert f"{found.sides[3].capacities.sum():.1f}" in lines[3].get_label()
    else:
        score = "nrmse" if source == "narma2" else "accuracy"
        heights = [bar.get_height() for bar in axes.patches]
        assert heights == [side.evaluation.scores[score] for side in found.sides]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["reservoir", "trained"])
def test_recipes_are_configurations(name, kind):
    config = recipe_config(name, kind)
    assert config.data.source == name
    assert from_toml(to_toml(config)) == config
    assert (config.train.estimator.kind == "reservoir") == (kind == "reservoir")
    assert config.train.noise == 0
    assert recipe_config(name, neurons=30).network.layers == (30,)


def test_a_task_that_is_not_there():
    with pytest.raises(spinrnn.ConfigError, match="no built-in task narma; did you mean narma"):
        recipe("narma")
