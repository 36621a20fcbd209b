"""Reservoirs: the readout is that of a ridge regression, written out once more; nothing
else changes; runs, noise, spread, warm starts.
"""

import dataclasses

import numpy as np
import pytest
from conftest import here

import spinrnn
from spinrnn.config.unread import without_unread
from spinrnn.datasets.parts import divide
from spinrnn.learning.ridge import PENALTIES
from spinrnn.learning.trainer import Trainer


def run_of(config, data, **changes):
    network = dataclasses.replace(config.network, dtype="float64", **changes)
    train = dataclasses.replace(config.train, estimator=spinrnn.Reservoir())
    return dataclasses.replace(config, network=network, train=train)


def trained(config, data):
    trainer = Trainer(config, data)
    before = trainer.net.parameters.copy()
    records = list(trainer.steps())
    assert len(records) == 1
    return trainer, before, records[0]


def features(net, data):
    """(case, F) of a network that is read at its end: states less the filter's mean."""
    y = net.simulate(data.inputs, data.lengths).output[-1]
    ends = data.lengths * net.config.resolved_substeps
    return y[np.arange(len(data)), :, ends]


@pytest.mark.parametrize("changes", [{}, {"spread": spinrnn.Spread(gamma=0.1, gain=0.1)}])
def test_the_readout_is_a_ridge_regression(tiny_config, tiny_data, changes):
    """W of the penalty with the least squared error on the validation part."""
    trainer, before, record = trained(run_of(tiny_config, tiny_data, **changes), tiny_data)
    net, errors = trainer.net, []
    x, other = (features(net, part) for part in (trainer.training, trainer.validation))
    wanted, goal = (np.eye(3)[part.labels] for part in (trainer.training, trainer.validation))
    mean, centre = x.mean(axis=0), wanted.mean(axis=0)
    gram = (x - mean).T @ (x - mean)
    for penalty in PENALTIES:
        ridge = penalty * np.trace(x.T @ x) / x.shape[1] * np.eye(len(gram))
        w = np.linalg.solve(gram + ridge, (x - mean).T @ (wanted - centre))
        b = centre - mean @ w
        errors.append((((other @ w + b - goal) ** 2).sum(), w, b))
    _, w, b = min(errors, key=lambda found: found[0])
    views = net.views()
    np.testing.assert_allclose(views["w_out"], w.T / 10, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(views["b_out"], b / 10, rtol=1e-6, atol=1e-9)
    rest = net.layout.places("w_out").start
    np.testing.assert_array_equal(net.parameters[:rest], before[:rest])
    found = spinrnn.evaluate(net, trainer.validation)
    assert record["validation_accuracy"] == found.accuracy > 0.9
    assert record["train_loss"] == pytest.approx(spinrnn.evaluate(net, trainer.training).loss)


@pytest.mark.parametrize("readout", ["mean", "both", "points"])
def test_targets_in_every_readout(readout):
    """Exactly solvable: the targets are a network's own outputs."""
    rng = np.random.default_rng(0)
    config = spinrnn.NetworkConfig(
        layers=(5, 4), inputs=2, outputs=2, dtype="float64", readout=readout, density_int=0.5
    )
    teacher, u = spinrnn.Network(config, seed=0), rng.normal(size=(300, 2, 9))
    teacher.views()["b_out"][:] = [0.3, -0.2]
    targets = teacher.forward(u).astype(np.float64)
    if readout == "points":
        targets[:, :, 2] = np.nan
    train = spinrnn.TrainConfig(seed=0, estimator=spinrnn.Reservoir())
    run = spinrnn.RunConfig(config, train, task=spinrnn.Regression())
    trainer = Trainer(run, spinrnn.Dataset(u, targets=targets))
    list(trainer.steps())
    scale = np.nanstd(targets)
    outputs = trainer.net.forward(u)
    there = np.isfinite(targets)
    assert np.abs(outputs - targets)[there].max() < 1e-5 * scale


def test_a_run_and_its_resume(tiny_config, tiny_data, tmp_path):
    config = without_unread(run_of(tiny_config, tiny_data))
    result = spinrnn.train(config, tmp_path / "run", data=tiny_data)
    assert (result.summary["epochs"], result.summary["best_epoch"]) == (1, 1)
    again = spinrnn.train(config, tmp_path / "run", resume=True, data=tiny_data)
    np.testing.assert_array_equal(result.network.parameters, again.network.parameters)
    loaded = spinrnn.load(tmp_path / "run")
    np.testing.assert_array_equal(loaded.parameters, result.network.parameters)


def test_backpropagation_from_a_reservoirs_readout(tiny_config, tiny_data, tmp_path):
    cold = dataclasses.replace(tiny_config, train=dataclasses.replace(tiny_config.train, epochs=2))
    estimator = spinrnn.BPTT(warm="reservoir")
    warm = dataclasses.replace(cold, train=dataclasses.replace(cold.train, estimator=estimator))
    reservoir = run_of(cold, tiny_data)
    reservoir = dataclasses.replace(reservoir, network=cold.network)
    start = trained(reservoir, tiny_data)[0].net
    trainer, steps = Trainer(warm, tiny_data), []
    seen = trainer.learner.step

    def step(*arguments):
        steps.append(trainer.net.parameters.copy())
        return seen(*arguments)

    trainer.learner.step = step
    whole = list(trainer.steps())
    np.testing.assert_array_equal(steps[0], start.parameters)
    count = iter(range(9))
    with pytest.raises(spinrnn.Interrupted):
        spinrnn.train(warm, tmp_path / "a", data=tiny_data, stop=lambda: next(count) == 4)
    other = spinrnn.train(warm, tmp_path / "a", resume=True, data=tiny_data)
    records = [record for record in whole if record]
    assert [r["train_loss"] for r in other.history] == [r["train_loss"] for r in records]


def test_the_digits_from_the_command_line(tmp_path):
    out = tmp_path / "run"
    told = here("train", "--out", out, "--set", "estimator.kind=reservoir")
    assert told.returncode == 0, told.stderr
    assert "epoch    1 of 1: " in told.stdout
    _, _, test = divide(spinrnn.load_digits(), spinrnn.RunConfig())
    assert spinrnn.evaluate(spinrnn.load(out), test).accuracy > 0.7


def test_a_weight_of_two_is_two_cases():
    """Of the sums of the ridge regression, and of the kernel's loss."""
    rng = np.random.default_rng(3)
    inputs, labels = rng.normal(size=(40, 2, 6)), np.arange(40) % 2
    weights = np.where(np.arange(40) < 20, 2.0, 1.0)
    twice = np.r_[np.arange(40), np.arange(20)]
    one = spinrnn.Dataset(inputs, labels, weights=weights)
    other = spinrnn.Dataset(inputs[twice], labels[twice])
    config = spinrnn.NetworkConfig(layers=(6,), inputs=2, outputs=2, dtype="float64")
    found = []
    for data in (one, other, spinrnn.Dataset(inputs, labels)):
        net = spinrnn.Network(config, seed=1)
        spinrnn.Reservoir().fit(net, spinrnn.Classification(), data, data)
        found.append(net.parameters)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6, atol=1e-9)
    assert np.abs(found[0] - found[2]).max() > 1e-3
    net = spinrnn.Network(config, seed=1)
    targets = spinrnn.Classification().targets(net, one)
    own = net.prepared().logits_loss_grad(inputs, targets)[2]
    counted = net.loss_and_grad(inputs[twice], labels[twice])[1]
    np.testing.assert_allclose(own * 40 / 60, counted, rtol=1e-9, atol=1e-12)


def test_fewer_cases_than_features_are_no_warning(recwarn):
    """The matrix is badly conditioned then, which the validation part judges."""
    rng = np.random.default_rng(0)
    data = spinrnn.Dataset(1e-3 * rng.normal(size=(30, 1, 20)), np.arange(30) % 2)
    network = spinrnn.NetworkConfig(layers=(64,), readout="both")
    train = spinrnn.TrainConfig(estimator=spinrnn.Reservoir())
    spinrnn.train(spinrnn.RunConfig(network, train), data=data)
    assert not [str(found.message) for found in recwarn if "conditioned" in str(found.message)]


@pytest.mark.parametrize("weighed", [False, True])
def test_outputs_that_are_known_at_other_points_each_have_their_own(weighed):
    """Two outputs known alternately: the targets are a network's own, and solvable."""
    config = spinrnn.NetworkConfig(
        layers=(5, 4), inputs=2, outputs=3, dtype="float64", readout="points"
    )
    rng = np.random.default_rng(0)
    teacher, u = spinrnn.Network(config, seed=0), rng.normal(size=(120, 2, 10))
    teacher.views()["b_out"][:] = [0.3, -0.2, 0.1]
    whole = teacher.forward(u)
    targets = whole.copy()
    targets[:, 0, ::2], targets[:, 1, 1::2], targets[:, 2, 1::2] = np.nan, np.nan, np.nan
    weights = rng.uniform(0.5, 2, 120) if weighed else None
    train = spinrnn.TrainConfig(seed=0, estimator=spinrnn.Reservoir())
    run = spinrnn.RunConfig(config, train, task=spinrnn.Regression())
    trainer = Trainer(run, spinrnn.Dataset(u, targets=targets, weights=weights))
    list(trainer.steps())
    assert np.abs(trainer.net.forward(u) - whole).max() < 1e-5 * whole.std()


@pytest.mark.parametrize("estimator", [spinrnn.Reservoir(), spinrnn.BPTT()])
@pytest.mark.parametrize("axes", [2, 3])
def test_an_output_without_any_target_is_told(estimator, axes):
    u, targets = np.random.default_rng(0).normal(size=(2, 40, 2, 9))
    targets[:, 1] = np.nan
    network = spinrnn.NetworkConfig(layers=(4,), inputs=2, outputs=2,
                                    readout="points" if axes == 3 else "end")  # fmt: skip
    train = spinrnn.TrainConfig(epochs=1, estimator=estimator)
    run = spinrnn.RunConfig(network, train, task=spinrnn.Regression())
    data = spinrnn.Dataset(u, targets=targets if axes == 3 else targets[:, :, 0])
    with pytest.raises(spinrnn.DataError, match=r"output 1 \(from 0\) .* no target at all"):
        Trainer(run, data)
