"""Recipes: defaults that keys overrule; what comes of one is an ordinary configuration."""

import dataclasses

import numpy as np
import pytest
from conftest import here

import spinrnn
from spinrnn.config.recipes import RECIPES, resolved
from spinrnn.config.run import to_tables
from spinrnn.config.toml import from_toml, load_config, to_toml
from spinrnn.datasets.loading import data_of

SERIES = spinrnn.recipe("series")


def changes(config):
    """{"table.key": value} of what differs from the defaults."""
    known = to_tables(spinrnn.RunConfig())
    return {
        f"{name}.{key}": value
        for name, table in to_tables(config).items()
        for key, value in table.items()
        if value != known[name].get(key)
    }


@pytest.mark.parametrize("source", ["narma2", "sine_square", "lorenz"])
def test_a_recipe_yields_to_answers_at_every_point(source):
    for given, readout in (({}, "points"), ({"readout": "mean"}, "mean")):
        data = {"source": source, "length": 200}
        config = spinrnn.recipe("series", network=given, data=data)
        fitted = config.fitted_to(data_of(config))
        assert (fitted.network.readout, fitted.train.batch) == (readout, 8)
    of_cases = spinrnn.Dataset(np.zeros((2, 1, 4)), [0, 1])
    assert SERIES.fitted_to(of_cases).network.readout == "power"


def test_a_recipe_is_what_it_says():
    wanted = {f"{name}.{key}": v for name, t in RECIPES["series"].items() for key, v in t.items()}
    assert changes(SERIES) == wanted
    assert wanted["data.scaling"] == "standard"
    assert spinrnn.recipe("digits") == spinrnn.RunConfig()


def test_what_is_given_overrules(tmp_path):
    (tmp_path / "a.toml").write_text('recipe = "series"\n[train]\nepochs = 7\n')
    for config in (
        load_config(tmp_path / "a.toml"),
        load_config(None, ["recipe=series", "train.epochs=7"]),
        load_config(None, ["train.epochs = 7", 'recipe = "series"']),
        spinrnn.recipe("series", train={"epochs": 7}),
    ):
        train = dataclasses.replace(SERIES.train, epochs=7)
        assert config == dataclasses.replace(SERIES, train=train)
    # a setting overrules the recipe that a file names
    assert load_config(tmp_path / "a.toml", ["recipe=digits"]).train.epochs == 7
    assert load_config(tmp_path / "a.toml", ["recipe=digits"]).data.scaling == "none"


@pytest.mark.parametrize("name", ["bogus", "serie", 3, None])
def test_other_names_are_refused_in_python_as_in_a_file(name):
    with pytest.raises(spinrnn.ConfigError) as caught:
        spinrnn.RunConfig(recipe=name)
    with pytest.raises(spinrnn.ConfigError) as from_tables:
        spinrnn.recipe(name)
    assert caught.value.problems == from_tables.value.problems
    assert caught.value.problems[0].startswith("recipe: unknown recipe ")
    # that of files that spinrnn wrote
    assert spinrnn.RunConfig(recipe="").recipe == ""


def test_what_is_written_is_the_whole_configuration():
    text = to_toml(SERIES)
    assert "recipe" not in text
    assert from_toml(text) == SERIES
    # of a whole configuration a recipe overrules nothing
    assert from_toml(f'recipe = "series"\n{to_toml(spinrnn.RunConfig())}').train.batch == 128


def test_other_kinds_take_away_what_they_do_not_have(monkeypatch):
    recipe = {"estimator": {"kind": "bptt", "warm": "reservoir"}, "neuron": {"bias_ratio": 3.0}}
    monkeypatch.setitem(RECIPES, "own", recipe)
    config = spinrnn.recipe("own", estimator={"kind": "reservoir"}, neuron={"kind": "ctrnn"})
    assert (config.train.estimator.kind, config.network.neuron.kind) == ("reservoir", "ctrnn")
    assert spinrnn.recipe("own").train.estimator.warm == "reservoir"
    mixed = spinrnn.recipe(
        "own", network={"layers": [4, 4], "highpass_time": 0}, neuron=[{}, {"kind": "ctrnn"}]
    )
    assert [neuron.kind for neuron in mixed.network.neurons] == ["oscillator", "ctrnn"]
    # the name of 0.1 takes the place of the recipe's
    with pytest.warns(UserWarning, match=r"keys of 0\.1"):
        old = load_config(None, ["recipe=own", "network.bias_ratio=4"])
    assert old.network.neuron.bias_ratio == 4
    # and the recipe itself is as it was
    assert recipe["neuron"] == {"bias_ratio": 3.0}


@pytest.mark.parametrize(
    ("tables", "problem"),
    [
        ({"recipe": "serie"}, "recipe: unknown recipe \"serie\"; did you mean series?"),
        ({"recipe": 3}, "recipe: unknown recipe 3; known are digits, series"),
        ({"recipe": "series", "train": 3}, "train: must be a table"),
        ({"recipe": "series", "train": {"epoch": 3}}, "train.epoch: unknown key; did you mean"),
        ({"recipe": "series", "trian": {}}, "trian: unknown table; did you mean train?"),
    ],
)  # fmt: skip
def test_mistakes(tables, problem):
    with pytest.raises(spinrnn.ConfigError) as caught:
        spinrnn.recipe(tables.pop("recipe"), **tables)
    assert any(found.startswith(problem) for found in caught.value.problems)


def test_digits_change_nothing():
    tables = {"train": {"epochs": 3}, "neuron": [{}, {}]}
    assert resolved(tables) == (tables, [])
    assert resolved({**tables, "recipe": "digits"}) == (tables, [])


def test_in_a_sweep(sweep_file, tiny_file):
    text = tiny_file.read_text()
    tiny_file.write_text(f'recipe = "series"\n{text}')
    path = sweep_file()
    config = spinrnn.load_sweep(path).points[0].config
    assert config.data.scaling == "standard"
    assert (config.train.epochs, config.train.ensemble) == (4, 1)
    path.write_text(f'recipe = "digits"\n{path.read_text()}')
    sweep = spinrnn.load_sweep(path)
    assert sweep.points[0].config.data.scaling == "none"
    again = spinrnn.Sweep.from_json(sweep.to_json(), "x")
    assert again.digest == sweep.digest
    path.write_text(f'recipe = "other"\n{sweep_file().read_text()}')
    with pytest.raises(spinrnn.ConfigError, match="recipe: unknown recipe"):
        spinrnn.load_sweep(path)


def test_on_the_command_line(tiny_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = here("train", tiny_file, "--recipe", "series", "--out", "run")
    assert found.returncode == 0, found.stderr
    stored = load_config(tmp_path / "run" / "config.toml")
    assert (stored.data.scaling, stored.train.epochs) == ("standard", 4)
    assert spinrnn.load(tmp_path / "run").scaling is not None
    again = here("train", "--recipe", "series", "--out", "run", "--resume")
    assert again.returncode == 0, again.stderr
    twice = here("train", "--recipe", "series", "--set", "recipe=digits")
    assert (twice.returncode, twice.stderr) == (
        2, "spinrnn: error: --recipe and --set recipe: give one of them\n",
    )  # fmt: skip
