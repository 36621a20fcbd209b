"""Regression and forecasting: scores by their definitions, series cut in time, runs from
start to end, free runs.
"""

import dataclasses
import json

import numpy as np
import pytest
from conftest import here, refused

import spinrnn
from spinrnn.cli import wording
from spinrnn.datasets.parts import divide
from spinrnn.learning.trainer import Trainer
from spinrnn.tasks.regression import errors_of


def config_of(task, **train):
    network = spinrnn.NetworkConfig(layers=(6, 5), substeps=2)
    options = {"epochs": 4, "batch": 8, "noise": 0.0, "checkpoint_seconds": 0} | train
    return spinrnn.RunConfig(network, spinrnn.TrainConfig(**options), task=task)


@pytest.fixture
def series():
    """One channel of 400 points, and its running sum of three points as a target."""
    u = np.random.default_rng(0).normal(size=400)
    target = 0.1 * (u + np.roll(u, 1) + np.roll(u, 2))
    return spinrnn.Dataset(u[None, None], targets=np.stack([target, -target])[None])


def test_scores_by_their_definitions():
    rng = np.random.default_rng(1)
    values, outputs = rng.normal(size=(4, 2, 7)), rng.normal(size=(4, 2, 7))
    values[0, 1, 3:] = np.nan
    values[2, :, :5] = np.nan
    found = errors_of(outputs, values)
    known = ~np.isnan(values)
    error, own = outputs[known] - values[known], []
    for case in range(4):
        own.append(np.mean((outputs[case] - values[case])[known[case]] ** 2))
    assert found["loss"] == pytest.approx(np.mean(own), rel=1e-12)
    variance = sum(
        np.sum((values[:, k][known[:, k]] - values[:, k][known[:, k]].mean()) ** 2) for k in (0, 1)
    )
    assert found["nrmse"] == pytest.approx(np.sqrt(np.sum(error**2) / variance), rel=1e-12)
    assert found["r2"] == pytest.approx(1 - np.sum(error**2) / variance, rel=1e-12)
    sizes = np.abs(outputs[known]) + np.abs(values[known])
    assert found["smape"] == pytest.approx(np.mean(2 * np.abs(error) / sizes), rel=1e-12)
    constant = np.ones((2, 1, 3))
    assert errors_of(constant, constant)["nrmse"] == 0
    assert errors_of(constant + 1, constant)["nrmse"] == np.inf


def test_a_series_is_cut_in_time(series):
    """400 points: 280 to train on, 40 and 80 after them; each counts once after the
    washout.
    """
    config = config_of(spinrnn.Regression(washout=20, window=60))
    training, validation, test = divide(series, config)
    whole = series.inputs[0, 0]
    starts = [0, 40, 80, 120, 160, 200, 220]
    np.testing.assert_array_equal(training.inputs[:, 0], [whole[a : a + 60] for a in starts])
    np.testing.assert_array_equal(validation.inputs[0, 0], whole[260:320])
    np.testing.assert_array_equal(test.inputs[0, 0], whole[300:400])
    for part in (training, validation, test):
        assert np.isnan(part.targets[:, :, :20]).all()
        assert np.isfinite(part.targets[:, :, 20:]).all()
    np.testing.assert_array_equal(test.targets[0, :, 20:], series.targets[0, :, 320:])
    with pytest.raises(spinrnn.DataError, match="a series of 400 points is too short for"):
        divide(series, config_of(spinrnn.Regression(washout=300)))


def test_a_run_learns_and_goes_on_to_the_same_bits(series, tmp_path):
    config, steps = config_of(spinrnn.Regression(washout=5, window=40), epochs=60), []
    whole = spinrnn.train(config, tmp_path / "whole", data=series)
    assert whole.network.config.readout == "points"
    assert (whole.network.config.inputs, whole.network.config.outputs) == (1, 2)
    assert whole.summary["test_nrmse"] < 0.7
    assert whole.summary["test_r2"] == pytest.approx(1 - whole.summary["test_nrmse"] ** 2)
    losses = [record["validation_loss"] for record in whole.history]
    assert whole.summary["validation_loss"] == min(losses)
    test = divide(series, config)[2]
    outputs, values = whole.network.forward(test.inputs), test.targets
    mse = np.nanmean((outputs - values) ** 2)
    assert whole.summary["test_loss"] == pytest.approx(mse, rel=1e-6)
    with pytest.raises(spinrnn.Interrupted):
        spinrnn.train(
            config, tmp_path / "cut", data=series,
            stop=lambda: steps.append(0) or len(steps) == 5,
        )  # fmt: skip
    other = spinrnn.train(config, tmp_path / "cut", resume=True, data=series)
    np.testing.assert_array_equal(whole.network.parameters, other.network.parameters)
    assert spinrnn.evaluate(other.network, test, task=spinrnn.Regression(5)).nrmse == (
        pytest.approx(whole.summary["test_nrmse"], rel=1e-12)
    )


def test_targets_at_the_end_of_cases():
    rng = np.random.default_rng(0)
    u = rng.normal(size=(90, 2, 5))
    data = spinrnn.Dataset(u, targets=u[:, :1, -1] - 0.5 * u[:, 1:, -2])
    result = spinrnn.train(config_of(spinrnn.Regression(), epochs=80), data=data)
    assert result.network.config.readout == "end"
    assert result.summary["cases"] == {"training": 63, "validation": 9, "test": 18}
    assert result.summary["test_nrmse"] < 0.4


def test_a_forecast_is_of_the_inputs(series):
    task = spinrnn.Forecasting(horizon=3)
    data = task.prepared(spinrnn.Dataset(series.inputs))
    np.testing.assert_array_equal(data.targets[0, :, :-3], series.inputs[0, :, 3:])
    assert np.isnan(data.targets[0, :, -3:]).all()
    lengths = np.array([10, 7])
    data = task.prepared(spinrnn.Dataset(np.ones((2, 1, 10)), lengths=lengths))
    assert np.isfinite(data.targets[1, 0]).sum() == 4
    for wrong, message in (
        (series, "makes its targets of the inputs"),
        (spinrnn.Dataset(series.inputs[:, :, :3]), "3 points ahead of a series of 3"),
    ):
        with pytest.raises(spinrnn.DataError, match=message):
            task.prepared(wrong)


def test_a_free_run_reads_its_own_outputs():
    """A sine is gone on with; what is said at each point is the network's answer to it."""
    sine = np.sin(0.3 * np.arange(600))[None, None]
    config = config_of(spinrnn.Forecasting(washout=20, window=100), epochs=100)
    net = spinrnn.train(config, data=spinrnn.Dataset(sine)).network
    start = sine[:, :, :100]
    found = spinrnn.free_run(net, start, 40)
    assert found.shape == (1, 1, 40)
    np.testing.assert_array_equal(found[..., 0], net.forward(start)[..., -1])
    longer = np.concatenate([start, found[:, :, :-1].astype(np.float64)], axis=2)
    np.testing.assert_array_equal(found, net.forward(longer)[:, :, -40:])
    assert spinrnn.valid_time(found, sine[:, :, 100:140])[0] > 5


def test_the_valid_time_is_the_first_beyond_the_bound():
    truth = np.tile([1.0, -1.0], 10)[None, None]
    outputs = truth.copy()
    assert spinrnn.valid_time(outputs, truth)[0] == 20
    outputs[0, 0, 7] += 0.41
    outputs[0, 0, 3] += 0.39
    assert spinrnn.valid_time(outputs, truth)[0] == 7
    outputs[0, 0, 2] = np.nan
    assert spinrnn.valid_time(outputs, truth)[0] == 2


def test_classes_at_every_point():
    """Which of two levels the input is on; what has no label does not count."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (60, 12))
    u = (2 * labels - 1)[:, None] + 0.1 * rng.normal(size=(60, 1, 12))
    labels[:, 3] = -1
    data = spinrnn.Dataset(u, labels)
    result = spinrnn.train(config_of(None, epochs=30), data=data)
    assert result.network.config.readout == "points"
    assert result.summary["test_accuracy"] == 1.0
    assert np.sum(result.summary["confusion"]) == 12 * 11


def test_the_command_line(series, tmp_path):
    np.savez(tmp_path / "sum.npz", inputs=series.inputs, targets=series.targets)
    (tmp_path / "a.toml").write_text(
        '[task]\nkind = "regression"\nwashout = 5\nwindow = 40\n[network]\nlayers = [5]\n'
        'substeps = 2\n[train]\nepochs = 3\nnoise = 0.0\n[data]\nsource = "sum.npz"\n'
    )
    run = tmp_path / "run"
    result = here("train", tmp_path / "a.toml", "--out", run)
    assert result.returncode == 0, result.stderr
    summary = json.loads((run / "summary.json").read_text())
    assert f"nrmse {summary['test_nrmse']:.4f}" in result.stdout
    assert "accuracy" not in result.stdout
    assert (run / "curves.png").exists()
    assert not (run / "confusion.png").exists()
    assert 'readout = "points"' in (run / "config.toml").read_text()
    found = json.loads(here("evaluate", run, "--json").stdout)
    assert found["test_loss"] == pytest.approx(summary["test_loss"], rel=1e-12)
    assert here("train", tmp_path / "a.toml", "--out", run, "--resume").returncode == 0
    refused(
        here(
            "train", tmp_path / "a.toml", "--out", tmp_path / "b", "--set", "task.kind=forecasting"
        ),
        "task.kind: a forecasting makes its targets of the inputs",
    )
    refused(
        here("train", "--out", tmp_path / "b", "--set", "task.kind=regression"), "needs targets"
    )


def test_sizes_follow_unless_they_are_given(series):
    task = spinrnn.Regression()
    config = config_of(task)
    network = dataclasses.replace(config.network, outputs=3)
    with pytest.raises(spinrnn.DataError, match=r"targets: expected numbers of the shape"):
        spinrnn.train(dataclasses.replace(config, network=network), data=series)
    config = spinrnn.NetworkConfig(outputs=10)
    assert config.follows == ("inputs", "readout")
    assert dataclasses.replace(config, substeps=3).follows == ("inputs", "readout")
    assert dataclasses.replace(config, inputs=2).follows == ("readout",)
    with pytest.raises(spinrnn.DataError, match="inputs: expected the shape"):
        Trainer(
            config_of(task), spinrnn.Dataset(np.zeros((1, 2, 50)), targets=np.zeros((1, 1, 50)))
        )


def test_a_forecast_of_a_file_of_inputs_alone(tmp_path, series):
    """From training to a simulation of the test part, whose washout is before it, and to
    answers under the channels' names.
    """
    table = np.stack([np.zeros(400), series.inputs[0, 0]], axis=1)
    np.savetxt(tmp_path / "u.csv", table, delimiter=",", header="case,u", comments="")
    task = ("--set", "task.kind=forecasting", "--set", "task.washout=10")
    small = ("--set", "network.layers=[5]", "--set", "train.epochs=2")
    run, source = tmp_path / "run", f"data.source={tmp_path / 'u.csv'}"
    result = here("train", "--out", run, "--set", source, *task, *small)
    assert result.returncode == 0, result.stderr
    assert here("evaluate", run).returncode == 0
    answered = here("predict", run, tmp_path / "u.csv")
    assert answered.stdout.splitlines()[0].split() == ["case", "point", "u"]
    simulated = here("simulate", run, "--input", ":test", "--out", tmp_path / "s.h5")
    assert simulated.returncode == 0, simulated.stderr
    inputs = spinrnn.open_trajectory(tmp_path / "s.h5").inputs
    np.testing.assert_allclose(inputs[0, 0], series.inputs[0, 0, 310:], rtol=1e-6)
    wrong = ("train", "--out", tmp_path / "b", "--set", source, *small)
    refused(here(*wrong, "--set", "task.kind=regression"), "a regression needs targets")
    refused(here(*wrong), "without a column label")


def test_targets_of_one_output_and_what_does_not_fit(series):
    u = np.zeros((20, 1, 4))
    assert spinrnn.Dataset(u, targets=np.ones(20)).targets.shape == (20, 1)
    short = spinrnn.Dataset(np.zeros((9, 1, 50)), targets=np.zeros((9, 1, 50)))
    with pytest.raises(spinrnn.DataError, match=r"task\.washout: the first 60 points do not co"):
        Trainer(config_of(spinrnn.Regression(washout=60)), short)
    swapped = spinrnn.Dataset(np.zeros((1, 90, 1)), targets=np.zeros((1, 1, 1)))
    with pytest.raises(spinrnn.DataError, match=r"inputs have the axes \(case, channel, time\)"):
        divide(swapped, config_of(spinrnn.Regression()))
    net = spinrnn.Network(spinrnn.NetworkConfig(layers=(3,), outputs=1, readout="points"))
    with pytest.raises(spinrnn.DataError, match="points: must be a whole number of at least 1"):
        spinrnn.free_run(net, np.zeros((1, 1, 3)), 0)
    with pytest.raises(spinrnn.DataError, match="must have the same shape"):
        spinrnn.valid_time(np.zeros((1, 1, 3)), np.zeros((1, 1, 4)))


def test_an_evaluation_takes_its_task_from_the_data(series):
    net = spinrnn.Network(spinrnn.NetworkConfig(layers=(3,), outputs=2, readout="points"))
    found = spinrnn.evaluate(net, series)
    assert found.scores == spinrnn.evaluate(net, series, task=spinrnn.Regression()).scores
    net = spinrnn.Network(spinrnn.NetworkConfig(layers=(3,), outputs=1, readout="points"))
    ahead = spinrnn.evaluate(net, spinrnn.Dataset(series.inputs), task=spinrnn.Forecasting())
    assert ahead.loss > 0


def test_targets_from_which_nothing_is_learned():
    u = np.random.default_rng(0).normal(size=(30, 1, 4))
    for targets, told in (
        (np.ones(30), "all training targets of output 0 are the same"),
        (1e6 * u[:, 0, 0], "output 0 of the targets has the mean .* far from 1; set"),
    ):
        data = spinrnn.Dataset(u, targets=targets)
        with pytest.warns(UserWarning, match=told):
            spinrnn.train(config_of(spinrnn.Regression(), epochs=1), data=data)


def test_a_score_that_is_not_defined_is_none(tmp_path):
    """Constant targets have no deviation: JSON knows no infinity."""
    u = np.random.default_rng(0).normal(size=(30, 1, 4))
    data = spinrnn.Dataset(u, targets=np.ones(30))
    with pytest.warns(UserWarning, match="all training targets of output 0 are the same"):
        result = spinrnn.train(config_of(spinrnn.Regression(), epochs=1), tmp_path / "a", data=data)
    assert result.summary["test_nrmse"] is None
    assert "Infinity" not in (tmp_path / "a" / "summary.json").read_text()
    assert (tmp_path / "a" / "curves.png").exists()
    assert ", nrmse undefined, " in "".join(wording.results_of_training(result))


def test_parts_without_targets_are_told_before_anything_runs(series, tmp_path):
    """A gap longer than a window makes no case of it; one of the validation is told."""
    targets = series.targets.copy()
    targets[:, :, 100:200] = np.nan
    task = spinrnn.Regression(washout=10, window=40)
    data = dataclasses.replace(series, targets=targets)
    training = divide(data, config_of(task))[0]
    assert len(training) == 6
    assert np.isfinite(training.targets).any(axis=(1, 2)).all()
    targets[:, :, 280:320] = np.nan
    with pytest.raises(spinrnn.DataError, match="the validation part: targets: case 0 has none"):
        spinrnn.train(
            config_of(task), tmp_path / "a", data=dataclasses.replace(data, targets=targets)
        )
    assert not (tmp_path / "a").exists()
    targets[:] = np.nan
    with pytest.raises(spinrnn.DataError, match="has none before its end"):
        spinrnn.train(config_of(task), data=dataclasses.replace(data, targets=targets))
