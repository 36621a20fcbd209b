"""`spinrnn tasks`: the list, a comparison, its files, mistakes."""

import json

import pytest
from conftest import here

from spinrnn.datasets.builtin import BUILT_INS
from spinrnn.learning import baselines

SMALL = ["--neurons", "8", "--set", "data.length=1000", "--set", "network.substeps=2"]


@pytest.fixture(autouse=True)
def few(monkeypatch, tmp_path):
    for name, value in (("RADII", 0.9), ("LEAKS", 1.0), ("SCALINGS", 0.3)):
        monkeypatch.setattr(baselines, name, (value,))
    monkeypatch.chdir(tmp_path)


def test_the_list_has_every_task_with_its_paper():
    done = here("tasks")
    assert done.returncode == 0
    for name, one in BUILT_INS.items():
        assert f"{name}: {one.asks}" in done.stdout
        assert f"doi:{one.doi}" in done.stdout
    rows = [json.loads(line) for line in here("tasks", "--json").stdout.splitlines()]
    assert [row["task"] for row in rows] == list(BUILT_INS)
    assert rows[0]["kind"] == "regression"
    assert rows[0]["points"] == 6000


def test_a_comparison(tmp_path):
    done = here("tasks", "memory", *SMALL, "--set", "data.delays=3", "--out", "m.png")
    assert done.returncode == 0, done.stderr
    assert "training 600, validation 100, test 200 points" in done.stdout
    for word in ("last value, 1 numbers", "delays, 8 numbers", "ESN, 8 numbers", "8 neurons, res"):
        assert word in done.stdout
    assert "the capacity is at most 8" in done.stdout
    assert (tmp_path / "m.png").read_bytes()[:4] == b"\x89PNG"
    found = json.loads(here("tasks", "memory", *SMALL, "--json").stdout)
    assert found["points"] == {"training": 600, "validation": 100, "test": 200}
    assert len(found["findings"]["network_capacities"]["value"]) == 40


def test_a_recipe_is_a_file_that_trains(tmp_path):
    assert here("tasks", "narma2", *SMALL, "--write", "n.toml").returncode == 0
    done = here("train", "n.toml", "--out", "run")
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    found = json.loads(here("tasks", "--run", "run", "--json").stdout)
    assert found["task"] == "narma2"
    assert found["findings"]["network_nrmse"]["value"] == summary["test_nrmse"]
    again = here("tasks", "narma2", "--write", "n.toml")
    assert (again.returncode, "n.toml exists" in again.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["narma"], "there is no built-in task narma; did you mean narma2?"),
        (["--neurons", "3"], "--neurons: name a task, as spinrnn tasks narma10"),
        (["--set", "data.length=300"], "--set: name a task"),
        (["narma10", "--set", "data.lenght=300"], "data.lenght: unknown key; did you mean length?"),
        (["narma10", "--set", "data.source=digits"], "data.source: must be one of the built-in"),
        (["narma10", "--run", "here"], "--run: takes task and neurons from the run"),
        (["narma10", "--out", ""], "--out: give a name"),
        (["--run", "nowhere"], "nowhere: no config.toml there"),
    ],
)
def test_mistakes_are_one_line(arguments, message):
    done = here("tasks", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
