"""Likelihoods by counting: by hand, by Gaussians, and what cannot be counted."""

import itertools

import numpy as np
import pytest
from scipy.integrate import quad

import spinrnn
from spinrnn.config.run import from_tables
from spinrnn.learning.counts import counted, edges_of, gaussian, possible
from spinrnn.learning.trainer import Trainer
from spinrnn.networks.bayesian import EDGES


def run_of(data, network=None, **tables):
    tables = {"network": {"kind": "bayesian", **(network or {})}, **tables}
    return from_tables(tables).fitted_to(data)


def fitted(data, network=None, **keys):
    config = run_of(data, network, estimator={"kind": "counts", **keys})
    net = spinrnn.network_of(config.network)
    config.train.estimator.fit(net, config.task, data, None)
    return net


def test_counts_by_hand():
    bins = np.array([[0, 1], [0, 0], [2, 1], [1, 1]])
    labels, weights = np.array([0, 0, 1, 1]), np.array([1.0, 1, 1, 3])
    found = counted(bins, labels, weights, 2, 3)
    expected = [[[3, 1, 1], [2, 2, 1]], [[1, 4, 2], [1, 5, 1]]]
    np.testing.assert_allclose(found, np.array(expected) / np.array([5, 7])[:, None, None])
    found = counted(bins, labels, weights, 2, 3, smoothing=0.5)
    np.testing.assert_allclose(found[0, 0], np.array([2.5, 0.5, 0.5]) / 3.5)


def test_bins_have_about_the_same_number_of_cases():
    u = np.random.default_rng(0).normal(size=(800, 2)) ** 3
    edges = edges_of(u, 8)
    assert edges.shape == (2, 7)
    own = np.searchsorted(edges[1], u[:, 1], side="right")
    np.testing.assert_allclose(np.bincount(own), 100, atol=1)


@pytest.mark.parametrize("share", [0.1, 0.9])
@pytest.mark.parametrize("bins", [2, 8, 64])
def test_a_rare_value_and_a_frequent_one_are_in_two_bins(share, bins):
    u = (np.arange(100) < 100 * share).astype(float)[:, None]
    edges = edges_of(u, bins)
    np.testing.assert_array_equal(edges, 0.5)
    there = possible(edges)
    np.testing.assert_array_equal(there.nonzero()[1], [0, bins - 1])
    np.testing.assert_array_equal(edges_of(u * 0 + 3, bins), 3)


def test_bins_without_values_are_no_values():
    """A class of few cases does not lose by them, whatever the number of bins."""
    u = (np.arange(300) % 3 == 0).astype(float)[:, None, None]
    labels = (np.arange(300) < 30).astype(int)
    for bins in (3, 8, 256):
        net = fitted(spinrnn.Dataset(u, labels), {"bins": bins})
        memory = net.layout.named(net.parameters)["memory_0"][:, 0]
        # Laplace's rule for two values: 181 of 272 against 21 of 32, 91 against 11
        expected = [[255, round(255 * 91 / 272 * 32 / 11)], [round(255 * 21 / 32 * 272 / 181), 255]]
        np.testing.assert_array_equal(memory[:, [0, -1]], expected)


def test_a_constant_says_nothing_to_classes_of_any_size():
    rng = np.random.default_rng(0)
    u = rng.normal(size=(100, 2, 1))
    u[:, 1] = 3.0
    labels = (np.arange(100) < 5).astype(int)
    for likelihood in ("counts", "gaussian"):
        with pytest.warns(spinrnn.errors.DataNote, match="1 of 2 .* constant"):
            net = fitted(spinrnn.Dataset(u, labels), likelihood=likelihood)
        memory = net.layout.named(net.parameters)["memory_0"]
        np.testing.assert_array_equal(memory[:, 1], 255)


@pytest.mark.parametrize("scale", [2.0**-900, 2.0**900])
def test_gaussians_of_very_small_and_large_values(scale):
    rng = np.random.default_rng(0)
    u, labels = rng.normal(size=(30, 2)) * [1, 1e3], np.arange(30) % 2
    plain = gaussian(u, labels, np.ones(30), 2, edges_of(u, 4))
    other = gaussian(u * scale, labels, np.ones(30), 2, edges_of(u * scale, 4))
    np.testing.assert_allclose(other, plain, rtol=1e-12)


def test_gaussians_are_integrals_over_the_bins():
    rng = np.random.default_rng(0)
    u, labels = rng.normal(size=(30, 1)), np.arange(30) % 2
    weights, edges = rng.uniform(0.5, 2, 30), np.array([[-0.5, 0.2, 1.0]])
    found = gaussian(u, labels, weights, 2, edges)
    own, share = u[labels == 1, 0], weights[labels == 1]
    mean = (share * own).sum() / share.sum()
    deviation = np.sqrt((share * (own - mean) ** 2).sum() / share.sum())

    def density(x):
        return np.exp(-(((x - mean) / deviation) ** 2) / 2) / deviation / np.sqrt(2 * np.pi)

    limits = [mean - 12 * deviation, -0.5, 0.2, 1.0, mean + 12 * deviation]
    expected = [quad(density, *pair)[0] for pair in itertools.pairwise(limits)]
    np.testing.assert_allclose(found[1, 0], expected, rtol=1e-6)
    np.testing.assert_allclose(found.sum(axis=2), 1, rtol=1e-12)


def test_a_constant_of_a_class_is_no_impossible_bin():
    u = np.array([[0.0], [0.0], [0.0], [1.0], [2.0], [3.0]])
    found = gaussian(u, np.array([0, 0, 0, 1, 1, 1]), np.ones(6), 2, np.array([[0.5, 1.5]]))
    assert (found > 0).all()
    assert found[0, 0, 0] > 0.999


def test_memory_holds_what_was_counted():
    data = spinrnn.load_dataset("iris")
    net = fitted(data, {"bins": 4, "prior": "counts"})
    u = data.inputs[:, :, 0]
    quantiles, edges = np.quantile(u, [0.25, 0.5, 0.75], axis=0).T, net.buffers[EDGES]
    for j in range(4):
        values = np.unique(u[:, j])
        for edge, quantile in zip(edges[j], quantiles[j], strict=True):
            below, above = values[values < quantile].max(), values[values >= quantile].min()
            assert edge == pytest.approx((below + above) / 2, rel=1e-12)
    # so rounding does not move a measured value to another bin
    single = net.observed(data.inputs.astype(np.float32))
    np.testing.assert_array_equal(single, net.observed(data.inputs))
    p = counted(net.observed(data.inputs), data.labels, np.ones(150), 3, 4)
    views = net.layout.named(net.parameters)
    np.testing.assert_array_equal(views["memory_0"], np.round(255 * p / p.max(axis=0)))
    np.testing.assert_array_equal(views["prior_0"], 255)
    assert spinrnn.evaluate(net, data).accuracy > 0.93
    other = fitted(data, {"bins": 4}, likelihood="gaussian")
    assert (other.layout.named(other.parameters)["memory_0"] != views["memory_0"]).any()


def test_cases_without_a_label_do_not_count_and_weights_do():
    data = spinrnn.load_dataset("iris")
    labels = data.labels.copy()
    labels[::3] = -1
    some = data.take(np.flatnonzero(labels >= 0))
    net = fitted(spinrnn.Dataset(data.inputs, labels))
    np.testing.assert_array_equal(net.parameters, fitted(some).parameters)
    twice = np.where(data.inputs[:, 0, 0] > 6, 2.0, 1.0)
    weighed = fitted(spinrnn.Dataset(data.inputs, data.labels, weights=twice), {"bins": 3})
    p = counted(weighed.observed(data.inputs), data.labels, twice, 3, 3)
    memory = weighed.layout.named(weighed.parameters)["memory_0"]
    np.testing.assert_array_equal(memory, np.round(255 * p / p.max(axis=0)))


def test_what_cannot_be_counted_is_told():
    u = np.random.default_rng(0).normal(size=(20, 2, 1))
    with pytest.raises(spinrnn.DataError, match="one class alone"):
        fitted(spinrnn.Dataset(u, np.zeros(20, dtype=int)))
    labels = np.array([0, 2] * 10)
    with pytest.raises(spinrnn.DataError, match="no case of the class 1 is in the training part"):
        fitted(spinrnn.Dataset(u, labels))
    even = np.arange(20) % 2
    for some, told in ((np.ones(20), None), (even, "one class"), (1 - even, "one class")):
        data = spinrnn.Dataset(u, even, weights=some.astype(float))
        if told is None:
            fitted(data)
            continue
        with pytest.raises(spinrnn.DataError, match=told):
            fitted(data)
    u[:, 1] = 3.0
    with pytest.warns(spinrnn.errors.DataNote, match="1 of 2 observables are constant .*: 1"):
        net = fitted(spinrnn.Dataset(u, np.arange(20) % 2))
    memory = net.layout.named(net.parameters)["memory_0"]
    np.testing.assert_array_equal(memory[:, 1], 255)


@pytest.mark.parametrize(
    ("network", "told"),
    [({}, "all counters are 0, .*logarithmic"), ({"mode": "logarithmic", "log_step": 0.001},
     "all sums are full, .* a larger log_step")],
)  # fmt: skip
def test_too_many_columns_are_told(network, told):
    digits = spinrnn.load_digits().flat()
    with pytest.warns(UserWarning, match=told):
        fitted(digits, network)


def test_it_is_learned_in_one_epoch_and_goes_on_after_a_stop():
    data = spinrnn.load_dataset("wine")
    config = run_of(data, {"mode": "logarithmic"})
    trainer = Trainer(config, data)
    (record,) = list(trainer.steps())
    assert record["validation_accuracy"] > 0.9
    assert trainer.epochs == 1
    arrays, state = trainer.state()
    other = Trainer(config, data)
    other.restore({name: array.copy() for name, array in arrays.items()}, state)
    assert list(other.steps()) == []
    np.testing.assert_array_equal(
        other.best_network().forward(data.inputs), trainer.best_network().forward(data.inputs)
    )
    assert spinrnn.evaluate(trainer.best_network(), trainer.test).accuracy > 0.9


def test_balanced_classes_change_the_prior():
    data = spinrnn.load_dataset("wine")
    network = {"mode": "logarithmic", "prior": "counts"}
    plain = Trainer(run_of(data, network), data)
    even = Trainer(run_of(data, network, task={"class_weights": "balanced"}), data)
    for trainer in (plain, even):
        list(trainer.steps())
    priors = [t.net.layout.named(t.net.parameters)["prior_0"] for t in (plain, even)]
    assert priors[0].tolist() != [0, 0, 0]
    assert priors[1].tolist() == [0, 0, 0]
