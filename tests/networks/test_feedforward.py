"""The network without time: its pass against a plain one, its gradient, batch
normalisation, bits for any number of threads, and a run like any other.
"""

import dataclasses
import warnings

import numpy as np
import pytest

import spinrnn
from spinrnn.checks.feedforward import check_feedforward
from spinrnn.config.run import from_tables, to_tables
from spinrnn.config.toml import from_toml, to_toml
from spinrnn.machine.threads import using
from spinrnn.networks import products

CONFIG = spinrnn.FeedforwardConfig(
    layers=(5, 4),
    inputs=6,
    outputs=3,
    amplification=(1.0, 1.5, 0.8),
    output_amplification=2.0,
    dtype="float64",
)


def made(cases=9, seed=0, **changes):
    """A network with all parameters away from zero, inputs (case, 2, 3), labels."""
    net = spinrnn.network_of(dataclasses.replace(CONFIG, **changes), seed=seed)
    rng = np.random.default_rng(seed)
    net.parameters += 0.1 * rng.normal(size=net.parameters.size)
    return net, rng.normal(size=(cases, 2, 3)), rng.integers(0, 3, cases)


def plain(net, u, mean=None, variance=None):
    """Outputs by formulas (F1) to (F4), one sum after the other."""
    c, p = net.config, net.layout.named(net.parameters)
    h = u.reshape(len(u), -1)
    for i, amplification in enumerate(c.amplifications):
        z = np.einsum("ij,cj->ci", p[f"w_{i}"], h) * amplification
        if c.normalisation == "batch":
            own = z.mean(axis=0), z.var(axis=0)
            centre, wide = own if mean is None else (mean[i], variance[i])
            z = p[f"gain_{i}"] * (z - centre) / np.sqrt(wide + 1e-5) + p[f"shift_{i}"]
        else:
            z = z + p[f"bias_{i}"]
        h = {
            "relu": lambda z: np.maximum(z, 0),
            "hard_tanh": lambda z: np.clip(z, -1, 1),
            "sign": lambda z: np.where(z >= 0, 1.0, -1.0),
            "linear": lambda z: z,
        }[c.activation.kind](z)
    return c.output_amplification * z


@pytest.mark.parametrize("activation", ["relu", "hard_tanh", "sign", "linear"])
def test_outputs_are_those_of_the_formulas(activation):
    net, u, _ = made(activation=activation)
    np.testing.assert_allclose(net.forward(u), plain(net, u), rtol=1e-12, atol=1e-12)


def test_batch_normalisation_takes_the_batch_in_training_and_running_means_afterwards():
    net, u, labels = made(normalisation="batch")
    outputs, loss, _ = net.logits_loss_grad(u, labels)
    np.testing.assert_allclose(outputs, plain(net, u), rtol=1e-11, atol=1e-12)
    assert loss == net.loss(u, labels)
    rng = np.random.default_rng(5)
    for i, n in enumerate((5, 4, 3)):
        net.buffers[f"statistics/mean_{i}"][:] = rng.normal(size=n)
        net.buffers[f"statistics/variance_{i}"][:] = rng.uniform(0.5, 2, n)
    means, variances = (
        [net.buffers[f"statistics/{what}_{i}"] for i in range(3)] for what in ("mean", "variance")
    )
    running = plain(net, u, means, variances)
    np.testing.assert_allclose(net.forward(u), running, rtol=1e-11, atol=1e-12)
    of_batch = net.replace(statistics="batch")
    np.testing.assert_allclose(of_batch.forward(u), plain(net, u), rtol=1e-11, atol=1e-12)


def test_running_means_are_plain_means_first_and_then_forget():
    net, u, labels = made(normalisation="batch", momentum=0.25)
    prepared, first = net.prepared(), []
    for k in range(6):
        prepared.logits_loss_grad(u * (1 + k), labels)
        z = (1 + k) * u.reshape(9, 6) @ net.layout.named(net.parameters)["w_0"].T
        first.append((z.mean(axis=0), z.var(axis=0, ddof=1)))
        prepared.commit()
        if k == 3:
            mean, variance = (np.mean([one[i] for one in first], axis=0) for i in (0, 1))
            np.testing.assert_allclose(net.buffers["statistics/mean_0"], mean)
            np.testing.assert_allclose(net.buffers["statistics/variance_0"], variance)
    for k in (4, 5):
        mean = 0.75 * mean + 0.25 * first[k][0]
    np.testing.assert_allclose(net.buffers["statistics/mean_0"], mean)
    assert net.buffers["statistics/count"] == 6


def test_one_case_has_no_statistics():
    net, u, labels = made(normalisation="batch")
    prepared = net.prepared()
    for cases in (slice(None), slice(1)):
        prepared.logits_loss_grad(u[cases], labels[cases])
        prepared.commit()
        if cases.stop is None:
            before = {name: array.copy() for name, array in net.buffers.items()}
    for name, array in net.buffers.items():
        np.testing.assert_array_equal(array, before[name], name)


def test_a_step_without_commit_leaves_the_running_means():
    net, u, labels = made(normalisation="batch")
    net.loss_and_grad(u, labels)
    assert (net.buffers["statistics/mean_0"] == 0).all()


def test_gradients_are_exact():
    rows = list(check_feedforward(entries=6))
    assert all(row.ok for row in rows), [row for row in rows if not row.ok]
    assert {"relu", "hard_tanh", "linear", "sign"} <= {row.neuron for row in rows}
    assert {row.block for row in rows} >= {"w_0", "w_2", "bias_1", "gain_0", "shift_2"}


def test_regression_has_the_squared_error_of_what_is_there():
    net, u, _ = made()
    values = np.random.default_rng(3).normal(size=(9, 3))
    values[2, 1] = np.nan
    error = net.forward(u) - values
    expected = np.nanmean(error**2, axis=1).mean()
    assert net.loss(u, targets=values) == pytest.approx(expected, rel=1e-12)
    gradient = net.loss_and_grad(u, targets=values)[1]
    direction = np.random.default_rng(4).normal(size=gradient.size)
    h, p = 1e-6, net.parameters.copy()
    net.parameters = p + h * direction
    above = net.loss(u, targets=values)
    net.parameters = p - h * direction
    below = net.loss(u, targets=values)
    assert gradient @ direction == pytest.approx((above - below) / (2 * h), rel=1e-7)


def test_logits_beyond_the_range_of_the_exponential_have_a_loss():
    net, u, labels = made()
    outputs, loss, gradient = net.logits_loss_grad(1e4 * u, labels)
    assert outputs.max() > 2000
    expected = outputs.max(axis=1) - outputs[np.arange(9), labels]
    assert loss == pytest.approx(expected.mean(), rel=1e-9)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("regression", [False, True])
def test_losses_and_gradients_are_weighted_means(regression):
    net, u, labels = made()
    wanted = np.random.default_rng(3).normal(size=(9, 3)) if regression else labels
    key, weights = "targets" if regression else "labels", np.linspace(0.2, 3, 9)
    one = [net.loss_and_grad(u[i : i + 1], **{key: wanted[i : i + 1]}) for i in range(9)]
    loss, gradient = net.loss_and_grad(u, **{key: wanted}, weights=weights)
    expected = weights @ [each for each, _ in one] / 9
    assert loss == pytest.approx(expected, rel=1e-12)
    expected = weights @ np.array([each for _, each in one]) / 9
    np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=1e-12)


def test_the_sign_passes_slopes_between_minus_one_and_one_only():
    net, u, labels = made(activation="sign", layers=(4,), amplification=(1.0, 1.0))
    p = net.layout.named(net.parameters)
    z = u.reshape(9, 6) @ p["w_0"].T + p["bias_0"]
    h = np.where(z >= 0, 1.0, -1.0)
    o = 2 * (h @ p["w_1"].T + p["bias_1"])
    slope = np.exp(o - o.max(axis=1, keepdims=True))
    slope /= slope.sum(axis=1, keepdims=True)
    slope[np.arange(9), labels] -= 1
    back = (2 * slope / 9) @ p["w_1"] * (np.abs(z) <= 1)
    gradient = net.layout.named(net.loss_and_grad(u, labels)[1])
    np.testing.assert_allclose(gradient["w_0"], back.T @ u.reshape(9, 6), atol=1e-14)
    assert 0 < (np.abs(z) <= 1).mean() < 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bits_do_not_depend_on_the_number_of_threads(dtype):
    config = dataclasses.replace(
        CONFIG, layers=(700, 500), inputs=600, normalisation="batch", activation="sign", dtype=dtype
    )
    net = spinrnn.network_of(config, seed=1)
    rng = np.random.default_rng(0)
    u, labels = rng.normal(size=(130, 600, 1)), rng.integers(0, 3, 130)
    found = []
    for count in (1, 2, 5):
        with using(count):
            outputs, loss, gradient = net.logits_loss_grad(u, labels)
        found.append((outputs.tobytes(), loss, gradient.tobytes(), net.forward(u).tobytes()))
    assert found[0] == found[1] == found[2]
    assert len(products.blocks(700, 130 * 600 * 700)) > 1


def test_products_are_cut_by_their_sizes_alone():
    rng = np.random.default_rng(0)
    for shape in ((3, 5, 2), (1000, 300, 40), (40, 300, 1000), (129, 513, 257)):
        a, b = rng.normal(size=shape[:2]), rng.normal(size=shape[1:])
        np.testing.assert_allclose(products.product(a, b), a @ b, rtol=1e-11, atol=1e-11)


# ---- a run like any other ----


def run_config(**network):
    tables = {
        "network": {"kind": "feedforward", "layers": [16], "normalisation": "batch", **network},
        "activation": {"kind": "sign"},
        "train": {"epochs": 3, "noise": 0.0, "checkpoint_seconds": 0},
    }
    return from_tables(tables)


def test_a_run_that_was_stopped_goes_on_to_the_same_bits(tmp_path):
    config = run_config()
    whole = spinrnn.train(config, tmp_path / "whole", pictures=False)
    steps = iter(range(1000))
    with pytest.raises(spinrnn.Interrupted):
        spinrnn.train(config, tmp_path / "cut", stop=lambda: next(steps) == 13)
    resumed = spinrnn.train(config, tmp_path / "cut", resume=True, pictures=False)
    assert resumed.network.parameters.tobytes() == whole.network.parameters.tobytes()
    for name, array in whole.network.buffers.items():
        assert array.tobytes() == resumed.network.buffers[name].tobytes(), name
    assert whole.summary["test_accuracy"] == resumed.summary["test_accuracy"] > 0.5
    assert "test_accuracy_fine" not in whole.summary
    loaded = spinrnn.load(tmp_path / "cut")
    data = spinrnn.load_digits()
    assert loaded.forward(data.inputs).tobytes() == whole.network.forward(data.inputs).tobytes()
    answers = spinrnn.predict(tmp_path / "cut", data)
    np.testing.assert_array_equal(answers.outputs, loaded.forward(data.inputs))


def test_a_network_file_holds_all_that_it_computes_with(tmp_path):
    net, u, labels = made(normalisation="batch", activation="sign")
    prepared = net.prepared()
    prepared.logits_loss_grad(u, labels)
    prepared.commit()
    net.save(tmp_path / "net.h5")
    loaded = spinrnn.load(tmp_path / "net.h5")
    assert loaded.config == net.config
    assert loaded.forward(u).tobytes() == net.forward(u).tobytes()


def test_the_configuration_comes_back_from_its_tables_and_its_text():
    config = run_config(inputs=64, outputs=10)
    assert from_tables(to_tables(config)) == config
    assert from_toml(to_toml(config)) == config


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"network": {"kind": "feedforwards"}}, "network.kind: must be"),
        ({"network": {"kind": "feedforward", "neuron": "ctrnn"}}, "network.neuron: unknown key"),
        ({"network": {"kind": "bayesian", "bias_ratio": 3}}, "network.bias_ratio: unknown key"),
        ({"network": {"kind": "feedforward", "substeps": 3}}, "one of a network of the kind recu"),
        ({"network": {"substep": 3}}, "did you mean substeps?"),
        ({"network": {"kind": "feedforward"}, "neuron": {"kind": "ctrnn"}}, "take [neuron] out"),
        ({"activation": {"kind": "relu"}}, "a network of the kind recurrent has none"),
        (
            {"network": {"kind": "feedforward"}, "estimator": {"kind": "reservoir"}},
            "reservoir learns recurrent networks only",
        ),
        ({"network": {"kind": "feedforward"}, "train": {"gains": "drive"}}, "train.gains: needs a"),
        (
            {"network": {"kind": "feedforward", "normalisation": "batch"}, "train": {"average": 2}},
            "do not belong to a mean of weights",
        ),
        (
            {"network": {"kind": "feedforward", "normalisation": "batch"}, "train": {"batch": 1}},
            "one case has no variance",
        ),
        ({"network": {"kind": "feedforward", "amplification": [1, 2, 3]}}, "of the 2 layers"),
        ({"estimator": {"kind": "twin"}}, "twin learns feedforward networks only"),
    ],
)
def test_what_does_not_go_together_is_told(tables, said):
    with pytest.raises(spinrnn.ConfigError, match=said.replace("[", r"\[").replace("?", r"\?")):
        from_tables(tables)


def test_inputs_that_do_not_fit_are_told():
    net, u, _ = made()
    with pytest.raises(spinrnn.DataError, match="channel \\* time = 6"):
        net.forward(u[:, :, :2])
    with pytest.raises(spinrnn.DataError, match="whole cases of 3 points"):
        net.forward(u, lengths=np.full(9, 2))
    u[3, 0, 1] = np.nan
    with pytest.raises(spinrnn.DataError, match="not finite"):
        net.forward(u)
    with pytest.raises(spinrnn.DataError, match="no trajectories"):
        net.simulate(u)
    lengths = np.array([3, 2, 3])
    data = spinrnn.Dataset(np.ones((3, 2, 3)), np.array([0, 1, 2]), lengths=lengths)
    with pytest.raises(spinrnn.DataError, match="cases of one length"):
        data.flat()
    # a case that stands twice in a table
    twice = spinrnn.Dataset(
        np.zeros((5, 2, 3)), lengths=np.array([1, 3, 1, 1, 2]), names=tuple("abcde")
    )
    told = "most cases have one point, but there is case b 3 times, e 2 times; give each row a"
    with pytest.raises(spinrnn.DataError, match=told):
        twice.flat()


def test_outputs_that_are_not_finite_are_told_with_their_case():
    net, u, labels = made()
    u[4] = 1e308
    with pytest.raises(spinrnn.DivergenceError, match="case 4"):
        net.loss(u, labels)


def test_hidden_values_are_those_behind_the_outputs():
    """By running means as by those of the cases, whichever judges."""
    for statistics in ("running", "batch"):
        net, u, _ = made(normalisation="batch", statistics=statistics)
        p, h = net.layout.named(net.parameters), net.hidden(u)[-1]
        z = 0.8 * h @ p["w_2"].T
        own = statistics == "batch"
        mean, variance = (z.mean(axis=0), z.var(axis=0)) if own else (0, 1)
        z = p["gain_2"] * (z - mean) / np.sqrt(variance + 1e-5) + p["shift_2"]
        np.testing.assert_allclose(net.forward(u), 2 * z, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("activation", ["relu", "sign"])
def test_a_variance_that_overflows_is_told(activation):
    net, u, labels = made(normalisation="batch", activation=activation, dtype="float32")
    with pytest.raises(spinrnn.DivergenceError, match="not finite"):
        net.loss(1e30 * u, labels)


def test_a_replaced_network_has_the_factors_and_the_precision_asked_for():
    oscillators = {"activation": spinrnn.RF(tolerance=0.1), "dtype": "float32"}
    net = made(normalisation="batch", **oscillators)[0]
    net.buffers["statistics/mean_0"][:] = 0.5
    fresh = made(neuron_seed=4, **oscillators)[0].buffers["devices/factor_1"]
    other = net.replace(neuron_seed=4, dtype="float64")
    np.testing.assert_array_equal(other.buffers["devices/factor_1"].astype("float32"), fresh)
    assert (other.buffers["statistics/mean_0"] == 0.5).all()
    assert {array.dtype for array in other.buffers.values()} == {
        np.dtype("float64"),
        np.dtype("int64"),
    }
    alike = net.replace(activation=spinrnn.RF())
    assert "devices/factor_0" not in alike.buffers
    same = net.replace(momentum=0.2).buffers["devices/factor_0"]
    np.testing.assert_array_equal(same, net.buffers["devices/factor_0"])


def test_one_case_that_is_its_own_mean_is_told():
    """All cases get the same outputs then; two and more are judged together."""
    config = spinrnn.FeedforwardConfig(
        layers=(4,), inputs=3, outputs=2, normalisation="batch", statistics="batch"
    )
    net, u = spinrnn.FeedforwardNetwork(config), np.random.default_rng(0).normal(size=(2, 3, 1))
    with pytest.warns(UserWarning, match="one case alone is its own mean"):
        alone = [net.forward(one[None]) for one in u]
    np.testing.assert_array_equal(*alone)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (net.forward(u)[0] != net.forward(u)[1]).any()
        net.replace(statistics="running").forward(u[:1])
