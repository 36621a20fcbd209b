"""The estimators of scikit-learn: its own checks, and values that they cannot know."""

import subprocess
import sys

import numpy as np
import pytest

import spinrnn

sklearn = pytest.importorskip("sklearn", "1.6", reason="scikit-learn is not installed (sklearn)")
from sklearn.base import clone  # noqa: E402
from sklearn.model_selection import GridSearchCV  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils import estimator_checks  # noqa: E402

from spinrnn.sklearn import SpinClassifier, SpinRegressor  # noqa: E402

SMALL = {"layers": (8,), "epochs": 2, "batch": 16}


def waves(cases=60, channels=2, points=9, seed=0):
    """Noisy series of three classes called by their names, (case, channel, time)."""
    rng = np.random.default_rng(seed)
    labels = np.arange(cases) % 3
    patterns = np.random.default_rng(7).normal(size=(3, channels, points))
    x = patterns[labels] + 0.2 * rng.normal(size=(cases, channels, points))
    return x, np.array(["up", "down", "flat"])[labels]


# ---- scikit-learn's own checks ----


@pytest.mark.slow
@pytest.mark.parametrize("estimator", ["reservoir", "bptt"])
@pytest.mark.parametrize("cls", [SpinClassifier, SpinRegressor])
def test_all_checks_of_scikit_learn_pass(cls, estimator):
    estimator_checks.check_estimator(cls(layers=(16,), estimator=estimator, epochs=30, batch=16))


FEW = (
    "check_estimators_nan_inf",
    "check_fit2d_1sample",
    "check_n_features_in_after_fitting",
    "check_sample_weight_equivalence_on_dense_data",
    "check_estimators_unfitted",
)


@pytest.mark.parametrize("check", FEW)
@pytest.mark.parametrize("cls", [SpinClassifier, SpinRegressor])
def test_a_few_of_them(cls, check):
    getattr(estimator_checks, check)(cls.__name__, cls(layers=(4,)))


# ---- values ----


def test_a_classifier_learns_and_answers_with_the_labels():
    x, y = waves()
    net = SpinClassifier(random_state=3).fit(x, y)
    fresh, truth = waves(seed=1)
    assert net.classes_.tolist() == ["down", "flat", "up"]
    assert net.score(fresh, truth) > 0.95
    logits = net.decision_function(fresh)
    assert (net.predict(fresh) == net.classes_[logits.argmax(axis=1)]).all()
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(net.predict_proba(fresh), shares, rtol=1e-9)
    # the network itself, of the inputs in units of the training's deviation
    mean, deviation = x.mean(axis=(0, 2)), x.std(axis=(0, 2))
    own = net.network_.forward((fresh - mean[:, None]) / deviation[:, None])
    np.testing.assert_allclose(own, logits, rtol=1e-5, atol=1e-5)


def test_of_two_classes_the_decision_is_one_number():
    x, y = waves()
    x, y = x[y != "flat"], y[y != "flat"]
    net = SpinClassifier().fit(x, y)
    decision = net.decision_function(x)
    assert decision.shape == (len(x),)
    assert ((decision > 0) == (net.predict(x) == "up")).all()
    np.testing.assert_allclose(net.predict_proba(x)[:, 1], 1 / (1 + np.exp(-decision)))


def test_two_axes_are_one_channel():
    x, y = waves(channels=1)
    flat, deep = SpinClassifier().fit(x[:, 0], y), SpinClassifier().fit(x, y)
    assert (flat.decision_function(x[:, 0]) == deep.decision_function(x)).all()
    assert (flat.n_features_in_, deep.n_features_in_) == (9, 1)
    with pytest.raises(ValueError, match=r"must be \(case, channel, time\) as in fit"):
        deep.predict(x[:, 0, :1])
    with pytest.raises(ValueError, match="9 features"):
        flat.predict(x[:, 0, :5])


def test_a_regressor_learns_several_numbers_in_their_own_units():
    x, _ = waves(200)
    rng = np.random.default_rng(2)
    x = rng.normal(size=x.shape)
    y = np.column_stack([1e6 + 1e4 * x[:, 0, -1], 1e-7 * x[:, 1].mean(axis=1)])
    net = SpinRegressor().fit(x[:150], y[:150])
    assert net.predict(x[150:]).shape == (50, 2)
    assert net.score(x[150:], y[150:]) > 0.8
    single = SpinRegressor().fit(x[:150], y[:150, 0])
    assert single.predict(x[150:]).shape == (50,)
    assert abs(single.predict(x[150:]).mean() - 1e6) < 5e3


@pytest.mark.parametrize("estimator", ["reservoir", "bptt"])
def test_a_weight_of_three_is_three_samples_and_one_of_none_is_no_sample(estimator):
    x, y = waves(30)
    weights = np.random.default_rng(0).integers(0, 4, 30)
    repeated = np.repeat(np.arange(30), weights)[::-1]
    net = SpinClassifier(estimator=estimator, **SMALL)
    one = clone(net).fit(x, y, sample_weight=weights).decision_function(x)
    other = clone(net).fit(x[repeated], y[repeated]).decision_function(x)
    assert (one == other).all()
    alike = clone(net).fit(x, y).decision_function(x)
    assert np.abs(one - alike).max() > 1e-3
    scaled = clone(net).fit(x, y, sample_weight=2 * weights).decision_function(x)
    np.testing.assert_allclose(one, scaled, rtol=1e-6)


def test_a_network_without_a_reservoir_learns_by_its_own_estimator():
    x, y = waves(30)
    counts = spinrnn.TrainConfig(estimator=spinrnn.Counts())
    config = spinrnn.RunConfig(spinrnn.BayesianConfig(bins=2), counts)
    own = SpinClassifier(config).fit(x[:, 0], y)
    assert own.config_.train.estimator == spinrnn.Counts()
    assert own.score(x[:, 0], y) > 0.5
    with pytest.raises(spinrnn.ConfigError, match="bptt learns recurrent"):
        SpinClassifier(config, estimator="bptt").fit(x[:, 0], y)


def test_parameters_reach_the_run():
    x, y = waves(30)
    config = spinrnn.RunConfig(
        spinrnn.NetworkConfig(layers=(5,), neuron=spinrnn.CTRNN(), readout="mean"),
        spinrnn.TrainConfig(epochs=1, seed=4, noise=0.0),
    )
    own = SpinClassifier(config, estimator=None).fit(x, y).config_
    assert (own.network.layers, own.network.readout, own.train.seed) == ((5,), "mean", 4)
    assert (own.network.inputs, own.network.outputs) == (2, 3)
    assert isinstance(own.network.neuron, spinrnn.CTRNN)
    assert isinstance(own.train.estimator, spinrnn.BPTT)
    settings = {"neuron.bias_ratio": 3.0, "network.density_int": 0.5, "writer.beta1": 0.8}
    other = SpinClassifier(
        estimator=spinrnn.BPTT(warm="reservoir"), readout="end", random_state=9,
        settings=settings, learning_rate=1e-3, noise=0.1, **SMALL,
    ).fit(x, y)  # fmt: skip
    run = other.config_
    assert (run.network.neuron.bias_ratio, run.network.density_int) == (3.0, 0.5)
    assert (run.train.writer.beta1, run.train.estimator.warm) == (0.8, "reservoir")
    assert (run.train.seed, run.train.learning_rate, run.train.noise) == (9, 1e-3, 0.1)
    assert run.network.readout == "end"
    assert [record["epoch"] for record in other.history_] == [1, 2]


def test_the_random_state_is_the_seed():
    x, y = waves(30)

    def answers(state):
        return SpinClassifier(layers=(4,), random_state=state).fit(x, y).decision_function(x)

    assert (answers(1) == answers(1)).all()
    assert (answers(1) != answers(2)).any()
    assert (answers(None) == answers(0)).all()
    assert (answers(np.random.RandomState(0)) != answers(0)).any()


def test_search_pipeline_and_clone():
    x, y = waves(45, channels=1)
    line = make_pipeline(StandardScaler(), SpinClassifier(layers=(4,), scale=False))
    choice = {
        "spinclassifier__layers": [(1,), (12,)],
        "spinclassifier__settings": [None, {"network.amplification": 1e-3}],
    }
    found = GridSearchCV(line, choice, cv=2).fit(x[:, 0], y)
    assert found.best_params_["spinclassifier__layers"] == (12,)
    assert found.best_score_ > 0.9
    net = SpinRegressor(epochs=7, settings={"writer.beta1": 0.5})
    assert clone(net).get_params() == net.get_params()
    assert net.set_params(epochs=9).epochs == 9


# ---- mistakes ----


def test_all_mistakes_of_parameters_are_told_at_once():
    x, y = waves(12)
    net = SpinClassifier(layers=(0,), epochs=0, settings={"network.amplifcation": 1})
    with pytest.raises(spinrnn.ConfigError) as told:
        net.fit(x, y)
    assert len(told.value.problems) == 3
    assert "did you mean amplification" in str(told.value)
    for wrong, text in (
        ({"readout": "points"}, "answers at every point"),
        ({"config": "my.toml"}, "must be a RunConfig"),
        ({"settings": "network.layers=3"}, "must be a dictionary"),
        ({"settings": {"layers": 3}}, "write table.key"),
        ({"validation_fraction": 1.5}, "between 0 and 1"),
        ({"estimator": "ridge"}, "estimator.kind"),
    ):
        with pytest.raises(spinrnn.ConfigError, match=text):
            SpinClassifier(**wrong).fit(x, y)


def test_settings_that_would_have_no_effect_are_refused():
    x, y = waves(12)
    settings = {"data.scaling": "standard", "data.test": "a.npz", "task.kind": "regression"}
    with pytest.raises(spinrnn.ConfigError) as told:
        SpinClassifier(settings={**settings, "network.outputs": 3, "train.epoch": 1}).fit(x, y)
    for key in (*settings, "network.outputs"):
        assert f"{key}: cannot be said in settings" in str(told.value)
    assert len(told.value.problems) == 5
    with pytest.raises(spinrnn.ConfigError, match=r"task\.class_weights: cannot be said"):
        SpinRegressor(settings={"task.class_weights": "balanced"}).fit(x, np.arange(12.0))


def test_class_weights_are_those_of_samples():
    """Each class alike is what weights of the samples say too."""
    x, y = waves(90)
    x = x + np.random.default_rng(1).normal(size=x.shape)
    kept = (y != "up") | (np.arange(90) < 30)
    x, y = x[kept], y[kept]

    def answers(weights=None, **more):
        # the same samples learn and choose in each
        net = SpinClassifier(layers=(6,), validation_fraction=0.3, scale=False, **more)
        return net.fit(x, y, weights).decision_function(x)

    settings = {"task.class_weights": "balanced", "data.split_seed": 3}
    own = answers(settings=settings)
    plain = answers(settings={"data.split_seed": 3})
    part = np.array([0.7 * (y == label).sum() for label in y]).round()
    weighed = answers(1 / part, settings={"data.split_seed": 3})
    np.testing.assert_allclose(own, weighed, atol=1e-4)
    assert np.abs(own - plain).max() > 0.03


def test_data_that_cannot_be_learned_are_refused():
    x, y = waves(12)
    gap = x.copy()
    gap[3, 1, 4] = np.nan
    for samples, labels, text in (
        (gap, y, "NaN"),
        (x[..., None], y, r"must be \(case, time\)"),
        (x[:, :, :0], y, "no points in time"),
        (x, np.repeat("up", 12), "same class"),
        (x[:3], y[:3], "each class has one sample"),
    ):
        with pytest.raises(ValueError, match=text):
            SpinClassifier().fit(samples, labels)
    with pytest.raises(ValueError, match="same class"):
        SpinClassifier().fit(x, y, sample_weight=(y == "up").astype(float))
    with pytest.raises(ValueError, match=r"[Nn]egative"):
        SpinClassifier().fit(x, y, sample_weight=-np.ones(12))


@pytest.mark.slow
def test_without_scikit_learn_the_extra_is_named():
    code = """
import sys
sys.modules["sklearn"] = None
import spinrnn
from spinrnn import *
try:
    spinrnn.sklearn
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "pip install 'spinrnn[sklearn]'" in done.stdout, done.stderr


@pytest.mark.slow
def test_importing_spinrnn_does_not_import_scikit_learn():
    code = "import sys, spinrnn; spinrnn.Network; print('sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "False\n", done.stderr


def test_keys_that_the_estimator_does_not_read_are_dropped():
    x = np.random.default_rng(0).normal(size=(20, 4))
    model = SpinClassifier(layers=(8,), epochs=7, batch=8, estimator="reservoir")
    train = model.fit(x, np.arange(20) % 2).config_.train
    assert train == spinrnn.TrainConfig(estimator="reservoir", noise=train.noise, seed=train.seed)
