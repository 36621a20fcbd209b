"""Keys of data that need no file, and the task that follows from them."""

import numpy as np
import pytest

import spinrnn
from spinrnn.config.run import from_tables
from spinrnn.config.sources import SOURCES
from spinrnn.config.toml import from_toml, load_config, to_toml
from spinrnn.datasets import builtin
from spinrnn.errors import ConfigError, DataError, DataNote
from spinrnn.sweep.points import identity

REGRESSION = spinrnn.Regression(washout=100, window=400)


def of(task=None, **data):
    return spinrnn.RunConfig(data=spinrnn.DataConfig(**data), task=task)


@pytest.mark.parametrize(
    ("source", "task"),
    [
        ("digits", spinrnn.Classification()),
        ("mine.npz", spinrnn.Classification()),
        ("narma10", REGRESSION),
        ("narma2", REGRESSION),
        ("mackey_glass", spinrnn.Forecasting(washout=100, window=400)),
        ("lorenz", spinrnn.Forecasting(washout=100, window=400)),
        ("sine_square", spinrnn.Classification()),
        ("memory", REGRESSION),
        ("parity", REGRESSION),
    ],
)
def test_the_task_follows_from_the_source(source, task):
    assert of(source=source).task == task
    assert from_tables({"data": {"source": source}}).task == task


def test_keys_of_the_task_that_are_not_given_are_the_sources():
    table = {"washout": 7}
    wanted = spinrnn.Regression(washout=7, window=400)
    for given in (table, {"kind": "regression", **table}):
        assert of(given, source="narma10").task == wanted
        assert from_tables({"data": {"source": "narma10"}, "task": given}).task == wanted
    assert of("regression", source="narma10").task == REGRESSION
    # what Python gives as a whole is taken as it is
    assert of(spinrnn.Regression(), source="narma10").task == spinrnn.Regression()
    assert of({"horizon": 84}, source="mackey_glass").task.horizon == 84


@pytest.mark.parametrize(
    ("source", "task", "kind"),
    [
        ("narma10", "classification", "regression"),
        ("memory", spinrnn.Forecasting(), "regression"),
        ("lorenz", {"kind": "regression"}, "forecasting"),
        ("sine_square", "regression", "classification"),
    ],
)
def test_a_task_that_does_not_fit_is_told(source, task, kind):
    with pytest.raises(ConfigError) as error:
        of(task, source=source)
    given = getattr(task, "kind", None) or (task if isinstance(task, str) else task["kind"])
    wanted = f'task.kind: must be "{kind}" or left out, as data.source is {source}; got "{given}"'
    assert str(error.value) == wanted


def test_keys_go_with_the_series_that_have_them():
    assert of(source="memory", length=500, seed=2, delays=9).data.delays == 9
    cases = {
        ("digits", "length", 500): "data.length: goes with data.source = narma10, narma2, ",
        ("mine.npz", "seed", 1): "which is mine.npz",
        ("narma10", "delays", 4): "data.delays: goes with data.source = memory, parity, which",
        ("narma10", "length", 99): "data.length: must be from 100 to 100000000 points, got 99",
        ("narma10", "seed", -1): "data.seed: must not be negative, got -1",
        ("parity", "delays", 0): "data.delays: must be from 1 to 10000, got 0",
    }
    for (source, key, value), message in cases.items():
        with pytest.raises(ConfigError) as error:
            from_tables({"data": {"source": source, key: value}})
        assert message in str(error.value)


def test_a_run_is_read_back(tmp_path):
    for config in (of(source="memory", seed=4), of({"washout": 3}, source="narma10", length=200)):
        assert from_toml(to_toml(config)) == config
    text = to_toml(of(source="narma10"))
    assert "# length = 6000 (automatic)" in text
    assert "# seed = 0 (automatic)" in text
    assert "delays" not in text
    # no path: it is found from any folder
    (tmp_path / "run.toml").write_text('[data]\nsource = "lorenz"\n')
    assert load_config(tmp_path / "run.toml").data.source == "lorenz"
    assert load_config(None, ["data.source=parity"]).data.source == "parity"


def test_other_data_say_nothing_of_the_keys():
    """Their texts and the identity of their sweeps' points are those of before."""
    text = to_toml(spinrnn.RunConfig())
    assert not any(word in text for word in ("length", "delays", "# seed"))
    before = "c9656804fedd6003d7de1037db902fa6a60296375c07c7ffada06e6df70685bf"
    assert identity(spinrnn.RunConfig(), "0" * 64) == before


def test_points_are_the_same_by_their_series():
    """The digest of the data says it all, whatever is written down."""
    one, two = of(source="narma10"), of(source="narma10", length=6000, seed=0)
    assert identity(one, "0" * 64) == identity(two, "0" * 64)
    assert identity(one, "0" * 64) != identity(one, "1" * 64)
    assert one.data.name == "narma10"
    assert two.data.name == "narma10(length=6000, seed=0)"


def test_load_dataset_takes_the_keys():
    data = spinrnn.load_dataset("narma10", length=300, seed=5)
    assert data.inputs.shape == (1, 1, 300)
    with pytest.raises(TypeError, match=r"lenght.*did you mean length"):
        spinrnn.load_dataset("narma10", lenght=300)
    with pytest.raises(ConfigError, match="goes with"):
        spinrnn.load_dataset("digits", length=300)
    with pytest.raises(DataError, match="did you mean narma10"):
        spinrnn.load_dataset("narma_10")
    assert set(SOURCES) == {"digits", "drones", "iris", "wine", *builtin.BUILT_INS}


def test_a_file_of_the_name_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "memory").mkdir()
    np.savez(tmp_path / "memory" / "x.npz", inputs=np.zeros((3, 1, 4)))
    with pytest.warns(DataNote, match=r'needs no file; .* is "./memory"'):
        data = spinrnn.load_dataset("memory", length=200)
    assert data.targets.shape == (1, 40, 200)
