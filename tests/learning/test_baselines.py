"""Simple methods on built-in tasks, against the same written out plainly."""

import dataclasses

import numpy as np
import pytest

import spinrnn
from spinrnn.datasets.parts import divide
from spinrnn.learning import baselines, esn
from spinrnn.learning.baselines import Baseline
from spinrnn.learning.ridge import PENALTIES


def config(source, **keys):
    return spinrnn.RunConfig(data=spinrnn.DataConfig(source, length=1000, **keys))


@pytest.fixture
def few(monkeypatch):
    """Two echo state networks are enough."""
    monkeypatch.setattr(baselines, "RADII", (0.9,))
    monkeypatch.setattr(baselines, "LEAKS", (1.0,))
    monkeypatch.setattr(baselines, "SCALINGS", (0.1, 1.0))


def found(run, neurons, seed=0) -> dict[str, Baseline]:
    data = spinrnn.load_dataset(run.data.source, length=run.data.length)
    return {one.name: one for one in baselines.baselines(run, data, neurons, seed)}


def plain_ridge(rows, wanted):
    """The outputs of test rows by a regression with a column of ones, its penalty that
    with the least squared error on the known rows; [(rows, wanted)] of three parts."""
    (x, y), (x_known, y_known), (x_test, _) = zip(rows, wanted, strict=True)
    one = lambda a: np.column_stack([a, np.ones(len(a))])
    best = None
    for penalty in PENALTIES:
        held = penalty * (x**2).sum() / x.shape[1] * np.eye(x.shape[1] + 1)
        held[-1, -1] = 0
        w = np.linalg.solve(one(x).T @ one(x) + held, one(x).T @ y)
        error = ((one(x_known) @ w - y_known) ** 2).sum()
        if best is None or error < best[0]:
            best = error, one(x_test) @ w
    return best[1]


def test_linear_readouts_are_plain_regressions(few):
    """Of the whole series: 700 points are two windows whose points count once."""
    run = config("narma10")
    data = spinrnn.load_dataset("narma10", length=1000)
    u, y = data.inputs[0, 0], data.targets[0, 0]
    spans = [range(100, 700), range(700, 800), range(800, 1000)]
    sides = found(run, 12)
    for name, count in (("last value", 1), ("delays", 12)):
        rows = [np.array([u[t - count + 1 : t + 1][::-1] for t in span]) for span in spans]
        outputs = plain_ridge(rows, [y[list(span), None] for span in spans])[:, 0]
        np.testing.assert_allclose(sides[name].outputs[0, 0, 100:], outputs, rtol=1e-6)
        error = np.sqrt(((outputs - y[800:]) ** 2).mean()) / y[800:].std()
        assert sides[name].evaluation.nrmse == pytest.approx(error, rel=1e-6)
        assert sides[name].features == count


def test_squares_are_read_where_the_network_reads_them(few):
    """y(t) = u(t-1)^2 is what squares of delays tell, and those of states in part."""
    run = config("narma10")
    squares = dataclasses.replace(
        run, network=dataclasses.replace(run.network, readout_features="quadratic")
    )
    u = np.random.default_rng(0).uniform(-1, 1, (1, 1, 1000))
    data = spinrnn.Dataset(u, targets=np.roll(u, 1, axis=2) ** 2)
    plain, quadratic = (
        {one.name: one for one in baselines.baselines(r, data, 4)} for r in (run, squares)
    )
    assert {name: one.features for name, one in plain.items()} == {
        "last value": 1, "delays": 4, "ESN": 4,
    }  # fmt: skip
    assert {name: one.features for name, one in quadratic.items()} == {
        "last value": 1, "delays": 8, "ESN": 8,
    }  # fmt: skip
    assert plain["delays"].evaluation.nrmse > 0.9
    assert quadratic["delays"].evaluation.nrmse < 1e-4
    assert quadratic["ESN"].evaluation.nrmse < 0.95 * plain["ESN"].evaluation.nrmse


def test_outputs_that_are_known_at_other_points(few):
    """Each readout is of its own points: linear targets are met."""
    u = np.random.default_rng(0).normal(size=(1, 1, 1000))
    whole = np.concatenate([2 * u + 1, -u], axis=1)
    targets = whole.copy()
    targets[:, 0, ::2], targets[:, 1, 1::2] = np.nan, np.nan
    run = spinrnn.RunConfig(task=spinrnn.Regression())
    last = baselines.baselines(run, spinrnn.Dataset(u, targets=targets), 4)[0]
    count = last.outputs.shape[2]
    np.testing.assert_allclose(last.outputs, whole[:, :, -count:], atol=1e-6)


def test_states_are_those_of_the_equation():
    net = esn.EchoState(7, 2, radius=0.8, scaling=0.4, leak=0.3, seed=4)
    u = np.random.default_rng(0).normal(size=(3, 2, 11))
    assert np.abs(np.linalg.eigvals(net.w)).max() == pytest.approx(0.8)
    assert np.abs(net.w_in).max() <= 0.4 >= np.abs(net.b).max()
    for case in range(3):
        x = np.zeros(7)
        for t in range(11):
            x = 0.7 * x + 0.3 * np.tanh(net.w_in @ u[case, :, t] + net.w @ x + net.b)
            np.testing.assert_allclose(net.states(u)[case, :, t], x, rtol=1e-12)
    assert not np.array_equal(esn.EchoState(7, 2, seed=5).w, net.w)


def test_states_come_in_blocks(monkeypatch):
    net, u = esn.EchoState(7, 2), np.random.default_rng(0).normal(size=(5, 2, 11))
    monkeypatch.setattr(esn, "NUMBERS", 7 * 11 * 2)
    parts = list(net.blocks(u))
    assert [cases for cases, _ in parts] == [slice(0, 2), slice(2, 4), slice(4, 6)]
    np.testing.assert_allclose(np.concatenate([x for _, x in parts]), net.states(u), rtol=1e-12)


def test_the_validation_part_chooses_the_echo_state_network(few, monkeypatch):
    run = config("narma10")
    best = found(run, 20, seed=3)["ESN"]
    tried = {}
    for scaling in (0.1, 1.0):
        monkeypatch.setattr(baselines, "SCALINGS", (scaling,))
        one = found(run, 20, seed=3)["ESN"]
        tried[scaling] = one.outputs
        assert one.chosen["scaling"] == scaling
    np.testing.assert_array_equal(best.outputs, tried[best.chosen["scaling"]])
    # in whatever order they are tried
    monkeypatch.setattr(baselines, "SCALINGS", (1.0, 0.1))
    assert found(run, 20, seed=3)["ESN"].chosen == best.chosen
    assert found(run, 20, seed=4)["ESN"].evaluation.nrmse != best.evaluation.nrmse
    assert best.evaluation.nrmse < found(run, 20)["last value"].evaluation.nrmse


@pytest.mark.parametrize("source", ["mackey_glass", "sine_square", "lorenz", "parity"])
def test_every_task_has_them_with_its_own_scores(source, few):
    run = config(source)
    sides = found(run, 30)
    assert list(sides) == ["last value", "delays", "ESN"]
    for side in sides.values():
        assert set(side.evaluation.scores) == {score.name for score in run.task.scores}
    test = divide(spinrnn.load_dataset(source, length=1000), run)[2]
    assert sides["ESN"].outputs.shape[2] == test.inputs.shape[2]
    if source == "sine_square":
        assert sides["ESN"].evaluation.accuracy > 0.95 > sides["last value"].evaluation.accuracy
    if source == "mackey_glass":
        assert sides["delays"].evaluation.nrmse < 0.01 < sides["last value"].evaluation.nrmse
    if source == "parity":
        # no linear readout of bits has a parity
        assert sides["delays"].evaluation.r2 < 0.02 < 0.05 < sides["ESN"].evaluation.r2
