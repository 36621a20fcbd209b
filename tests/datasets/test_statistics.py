"""Numbers of a case in place of its points."""

import numpy as np
import pytest

import spinrnn
from spinrnn.config.toml import load_config
from spinrnn.datasets.loading import load_inputs
from spinrnn.datasets.series import in_channels_of


def data_of(channels=("a", "b")):
    inputs = np.array([[[1.0, 2, 6, 99], [0, 0, 0, 99]], [[1, 1, 1, 5], [4, 3, 2, 1]]])
    return spinrnn.Dataset(
        inputs, [0, 1], lengths=[3, 4], channels=channels, units=("V", "A") if channels else None
    )


def test_each_statistic_is_of_the_points_before_a_cases_end():
    found = spinrnn.statistics(data_of())
    assert found.inputs.shape == (2, 10, 1)
    assert found.lengths is None
    names = ("mean", "deviation", "maximum", "minimum", "jerk")
    assert found.channels == tuple(f"{name} {k}" for name in names for k in "ab")
    assert found.units == ("V", "A") * 5
    expected = [
        [3, 0, np.sqrt(14 / 3), 0, 3, 0, -2, 0, 2.5, 0],
        [2, 2.5, np.sqrt(3), np.sqrt(1.25), 3, 1.5, -1, -1.5, 4 / 3, 1],
    ]
    np.testing.assert_allclose(found.inputs[:, :, 0], expected, rtol=1e-14, atol=1e-14)


def test_features_name_a_statistic_and_its_channels():
    found = spinrnn.statistics(data_of(), "jerk 1-2, mean b, maximum 1")
    assert found.channels == ("jerk 1-2", "mean b", "maximum a")
    assert found.units == ("", "A", "V")
    np.testing.assert_allclose(found.inputs[:, :, 0], [[1.25, 0, 3], [7 / 6, 2.5, 3]])
    one = spinrnn.Dataset(np.arange(6.0).reshape(3, 2, 1), [0, 1, 0])
    found = spinrnn.statistics(one, "mean 2, jerk 1")
    np.testing.assert_array_equal(found.inputs[:, :, 0], [[1, 0], [3, 0], [5, 0]])


def test_what_is_not_finite_stays_so():
    inputs = np.ones((2, 1, 4))
    inputs[1, 0, 2] = np.nan
    found = spinrnn.statistics(spinrnn.Dataset(inputs, [0, 1])).inputs
    assert np.isfinite(found[0]).all()
    assert np.isnan(found[1]).all()


@pytest.mark.parametrize(
    ("features", "told"),
    [
        ("maxmum 1", "'maxmum' is none of mean, .*did you mean maximum"),
        ("mean", 'must be "STATISTIC CHANNEL"'),
        ("mean 0, jerk 3-2", "count from 1 and rise, got '0'.*got '3-2'"),
        ("mean 3", "channel 3 of 2"),
        ("mean c, mean d", "no channel 'c'; they are a, b; no channel 'd'"),
    ],
)
def test_mistakes_are_told(features, told):
    with pytest.raises((spinrnn.ConfigError, spinrnn.DataError), match=told):
        spinrnn.statistics(data_of(), features)


def test_answers_at_points_are_told():
    data = spinrnn.Dataset(np.ones((2, 1, 3)), np.zeros((2, 3), dtype=int))
    with pytest.raises(spinrnn.DataError, match="an answer at every point"):
        spinrnn.statistics(data)


def test_the_key_is_of_statistics_alone():
    own = spinrnn.DataConfig(frontend="statistics", features="mean 1")
    assert own.name == "digits(frontend=statistics, features=mean 1)"
    for keys, told in (
        ({"features": "mean 1"}, 'features: must be left out unless .* "statistics"'),
        ({"frontend": "statistics", "features": "men 1"}, "features: 'men' is none of"),
    ):
        with pytest.raises(spinrnn.ConfigError, match=told):
            spinrnn.DataConfig(**keys)
    with pytest.raises(spinrnn.DataError, match="goes with frontend"):
        spinrnn.load_dataset("wine", features="mean 1")


def test_a_run_reads_new_sequences_as_its_own(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {"inputs": rng.normal(size=(12, 2, 9)), "labels": np.arange(12) % 2}
    np.savez(tmp_path / "a.npz", **arrays)
    config = load_config(
        None,
        [
            f"data.source={tmp_path / 'a.npz'}",
            "data.frontend=statistics",
            "data.features=maximum 2, mean 1",
        ],
    )
    found = load_inputs(str(tmp_path / "a.npz"), config.data)
    expected = arrays["inputs"][:, 0].mean(axis=1)
    np.testing.assert_allclose(found.inputs[:, 1, 0], expected, rtol=1e-13)
    assert found.channels == ("maximum 2", "mean 1")
    wine = load_inputs("wine", config.data)
    assert wine.inputs.shape == (178, 2, 1)


def test_iris_and_wine_are_those_of_scikit_learn():
    sklearn = pytest.importorskip(
        "sklearn.datasets", reason="scikit-learn is not installed (the test extra brings it)"
    )
    for name, theirs in (("iris", sklearn.load_iris()), ("wine", sklearn.load_wine())):
        ours = spinrnn.load_dataset(name)
        np.testing.assert_array_equal(ours.inputs[:, :, 0], theirs.data)
        np.testing.assert_array_equal(ours.labels, theirs.target)
        assert len(ours.channels) == theirs.data.shape[1]
        assert len(ours.classes) == 3


def test_channels_of_other_names_are_told_without_the_word_of_the_statistic():
    data = spinrnn.Dataset(np.zeros((2, 2, 1)), channels=("maximum ax", "maximum ay"))
    with pytest.raises(spinrnn.DataError, match=r"by --columns, as in 1=NAME$"):
        in_channels_of(("maximum 1", "maximum 2"), data)
    with pytest.raises(spinrnn.DataError, match=r"as in 1=NAME$"):
        in_channels_of(("1", "2"), data)
