"""`spinrnn init`: a file that loads to the defaults, has every key with its meaning, and says
what follows from the data.
"""

import dataclasses
import re
import warnings

import numpy as np
import pytest
from conftest import here, refused

import spinrnn
from spinrnn.config import kinds
from spinrnn.config.run import NETWORKS, RunConfig, to_tables
from spinrnn.config.template import meanings, template, undocumented
from spinrnn.config.toml import from_toml, load_config
from spinrnn.errors import DataNote
from spinrnn.runs import checking
from spinrnn.runs.beginning import remarks

LINE = re.compile(r"#?(\w+) =")


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataNote)
        yield


def every_kind():
    """A run for each kind of each role."""
    yield RunConfig()
    for kind in kinds.kinds_of("neuron").values():
        settles = kind.quadratures == 2
        network = spinrnn.SymmetricConfig if settles else spinrnn.NetworkConfig
        yield RunConfig(network(neuron=kind.example()))
    for kind in kinds.kinds_of("task").values():
        yield RunConfig(task=kind())
    for kind in kinds.kinds_of("activation").values():
        yield RunConfig(spinrnn.FeedforwardConfig(activation=kind()))
    for kind in kinds.kinds_of("estimator").values():
        network = next(cls for cls in NETWORKS.values() if kind.needs <= cls.abilities)
        yield RunConfig(network(), spinrnn.TrainConfig(estimator=kind()))


def sections(text):
    """{table: its lines} of a file."""
    found = {}
    for line in text.splitlines():
        head = re.match(r"\[+(\w+)\]", line)
        if head:
            lines = found.setdefault(head[1], [])
        elif found:
            lines.append(line)
    return found


# ---- the file ----


@pytest.mark.parametrize("config", [*every_kind()], ids=lambda c: "-".join(k.kind for k in c.kinds))
def test_it_loads_to_the_run_that_it_shows(config):
    read = from_toml(template(config))
    assert read == config
    known = ("inputs", "outputs", "readout")[: 3 if "time" in config.network.abilities else 2]
    assert read.network.follows == config.network.follows == known


@pytest.mark.parametrize("config", [*every_kind()], ids=lambda c: "-".join(k.kind for k in c.kinds))
def test_every_key_of_every_table_is_there_behind_its_meaning(config):
    own = sections(template(config))
    tables = to_tables(config)
    if "neuron" in tables and "time" in config.network.abilities:
        tables["neuron"] = {**tables["neuron"], "train": (), "train_per": "layer"}
    assert list(own) == list(tables)
    for name, table in tables.items():
        places = [n for n, line in enumerate(own[name]) if LINE.match(line)]
        assert sorted(LINE.match(own[name][n])[1] for n in places) == sorted(table)
        for n in places:
            assert own[name][n - 1].startswith("# "), own[name][n]
            assert not LINE.match(own[name][n - 1]), f"{own[name][n]} has no meaning"
    assert undocumented(config) == []


def test_values_that_follow_are_comments_and_uncommented_they_are_the_same():
    text = template(RunConfig())
    assert "#substeps = 4  # automatic" in text
    assert "#inputs = 1  # follows from the data" in text
    assert '#columns = ""  # not given' in text
    config = from_toml(re.sub(r"^#(\w+ = (?!\"\").*)$", r"\1", text, flags=re.MULTILINE))
    assert config.network.substeps == 4
    assert config.network.follows == ()
    assert config == dataclasses.replace(
        RunConfig(),
        network=spinrnn.NetworkConfig(substeps=4, highpass_time=1e-7),
        data=spinrnn.DataConfig(test_fraction=0.2, split_seed=0),
    )


def test_units_ranges_and_other_kinds_are_said():
    text = template(RunConfig())
    assert "# tau = 1 / gamma in s; above 0 s\nrelaxation_time = 1e-08" in text
    assert "one batch (s)\ncheckpoint_seconds" in re.sub(r"each batch", "one batch", text)
    known = (
        '# "bptt", "twin", "reservoir", "equilibrium", "vdsp", "counts"; spinrnn kinds lists the'
    )
    known += "\n# keys of each"
    assert f'{known}\nkind = "bptt"' in text
    assert "None" not in re.sub(r'"[^"]*"', "", text)
    assert max(map(len, text.splitlines())) <= 100


def test_meanings_are_those_of_the_docstring():
    class Documented:
        """Something.

        Attributes:
            a: one thing,
                in two lines.
            b, c: two things; x: none.

        Raises:
            d: nothing.
        """

    known = {"a": "one thing, in two lines.", "b": "two things; x: none."}
    assert meanings(Documented) == {**known, "c": "two things; x: none."}


def test_layers_of_different_neurons():
    neurons = (spinrnn.Oscillator(bias_ratio=3), spinrnn.CTRNN())
    config = RunConfig(spinrnn.NetworkConfig(layers=(3, 2), neuron=neurons, highpass_time=0))
    assert from_toml(template(config)) == config


# ---- the command ----


def save(path, cases=40, **arrays):
    rng = np.random.default_rng(0)
    arrays = {"inputs": rng.normal(size=(cases, 2, 5)), "labels": np.arange(cases) % 2} | arrays
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})


def test_a_file_of_the_defaults(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = here("init")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "my.toml: a classification",
        "next: spinrnn check my.toml, spinrnn train my.toml",
    ]
    assert load_config("my.toml") == RunConfig()


def test_what_follows_from_data_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lengths = np.repeat([3, 5], 20)
    inputs = 1e-6 * np.random.default_rng(0).normal(size=(40, 2, 5))
    save("a.npz", lengths=lengths, inputs=inputs, labels=["x", "y"] * 20)
    (tmp_path / "sub").mkdir()
    done = here("init", "--data", "a.npz", "--out", "sub/b.toml", "--set", "train.epochs=7")
    assert done.returncode == 0, done.stderr
    assert "sub/b.toml: a classification of 40 cases of 2 channels" in done.stdout
    text = (tmp_path / "sub/b.toml").read_text()
    for words in (
        "# Of these data: 2\n#inputs = 1  # follows from the data",
        '# Cases have 3 to 5 points; "power", "mean" and "both" suit them\nreadout = "power"',
        'recipe = "series"\n',
        "# 40 cases of 2 channels and 5 points; classes x 20, y 20\n",
        "# channel 0 of the inputs has the mean ",
        "# Of these data: 28 training, 4 validation, 8 test\nvalidation_fraction",
        'source = "../a.npz"',
        "epochs = 7\n",
    ):
        assert words in text or words in re.sub(r"\n# ", " ", text), words
    config = load_config(tmp_path / "sub/b.toml")
    assert (tmp_path / "sub" / config.data.source).resolve() == tmp_path / "a.npz"
    recipe = load_config(None, ["recipe=series", "train.epochs=7"])
    assert dataclasses.replace(config, data=recipe.data) == recipe


def test_recipes_of_new_files(tmp_path, monkeypatch):
    """Cases of files are series; a named recipe and answers at points have their own."""
    monkeypatch.chdir(tmp_path)
    save("cases.npz")
    save("points.npz", labels=np.zeros((40, 5), dtype=int))
    assert here("init", "--data", "cases.npz", "--recipe", "digits").returncode == 0
    assert "recipe" not in (tmp_path / "my.toml").read_text()
    assert here("init", "--data", "points.npz", "--out", "points.toml").returncode == 0
    assert "recipe" not in (tmp_path / "points.toml").read_text()
    assert here("init", "--set", "recipe=series", "--out", "none.toml").returncode == 0
    assert load_config("none.toml") == load_config(None, ["recipe=series"])


@pytest.mark.parametrize(
    ("arrays", "options", "kind"),
    [
        ({}, (), "classification"),
        ({"labels": None, "targets": np.ones((40, 1))}, (), "regression"),
        ({"targets": np.ones((40, 1))}, ("--task", "regression"), "regression"),
        ({"targets": np.ones((40, 1))}, (), "classification"),
        ({"labels": None}, ("--task", "forecasting"), "forecasting"),
    ],
)
def test_the_task_that_the_data_can_serve(tmp_path, monkeypatch, arrays, options, kind):
    monkeypatch.setattr(checking, "MEASURED", 0.01)
    monkeypatch.chdir(tmp_path)
    save("a.npz", **arrays)
    done = here("init", "--data", tmp_path / "a.npz", *options)
    assert f"my.toml: a {kind} of" in done.stdout, done.stderr
    assert load_config("my.toml").task.kind == kind
    assert f'source = "{tmp_path}/a.npz"' in (tmp_path / "my.toml").read_text()
    assert here("check", "my.toml").returncode == 0


def test_nothing_is_overwritten_and_nothing_half_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.toml").write_text("mine")
    (tmp_path / "link.toml").symlink_to("nowhere")
    save("none.npz", labels=None)
    before = sorted(tmp_path.iterdir())
    for options, words in (
        ((), "my.toml exists; choose another --out"),
        (("--out", "link.toml"), "link.toml exists"),
        (("--out", "no/b.toml"), "cannot write"),
        (("--out", "b.toml", "--task", "clasification"), 'did you mean "classification"?'),
        (("--out", "b.toml", "--set", "train.epoch=3"), "did you mean epochs?"),
        (("--out", "b.toml", "--data", "none.csv"), "none.csv"),
        (("--out", "b.toml", "--data", "none.npz"), "or take --task forecasting"),
        (("--out", ""), "give a name"),
    ):
        refused(here("init", *options), words)
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "my.toml").read_text() == "mine"


def test_remarks_of_series_at_points():
    data = spinrnn.Dataset(np.zeros((1, 1, 300)), targets=np.zeros((1, 2, 300)))
    found = remarks(RunConfig(task="regression"), data)
    assert found["network.outputs"] == ["Of these data: 2"]
    assert found["network.readout"] == ["Of these data: points"]
