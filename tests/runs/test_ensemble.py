"""Ensembles: runs of several seeds in one folder, which answer together; killed, gone on
with, read again.
"""

import dataclasses
import json

import numpy as np
import pytest
from conftest import here
from scipy.special import log_softmax, softmax

import spinrnn
from spinrnn.config.toml import read_config
from spinrnn.networks.ensemble import Ensemble
from spinrnn.runs.ensembles import member_configs
from spinrnn.runs.predicting import Answering


def of(config, count=3, **changes):
    train = dataclasses.replace(config.train, ensemble=count, epochs=2)
    return dataclasses.replace(config, train=train, **changes)


@pytest.fixture
def networks():
    config = spinrnn.NetworkConfig(layers=(4,), inputs=2, outputs=3, substeps=2)
    return [spinrnn.Network(config, seed=k) for k in range(3)]


U = np.random.default_rng(0).normal(size=(6, 2, 5))


def test_classes_have_the_mean_of_the_probabilities(networks):
    found = Ensemble(networks, True).forward(U)
    mean = np.mean([softmax(net.forward(U).astype(float), axis=1) for net in networks], axis=0)
    np.testing.assert_allclose(np.exp(found), mean, rtol=1e-12)
    np.testing.assert_allclose(found, np.log(mean), rtol=1e-10)


def test_probabilities_that_would_be_0_keep_their_order(networks):
    for net in networks:
        net.views()["w_out"][:] *= 1e4
    found = Ensemble(networks, True).forward(U)
    assert np.isfinite(found).all()
    logs = [log_softmax(net.forward(U).astype(float), axis=1) for net in networks]
    np.testing.assert_allclose(found, np.logaddexp.reduce(logs, axis=0) - np.log(3), rtol=1e-12)


def test_values_are_averaged(networks):
    found = Ensemble(networks, False).forward(U)
    expected = np.mean([net.forward(U).astype(float) for net in networks], axis=0)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_points_after_an_end_stay_nan():
    config = spinrnn.NetworkConfig(layers=(4,), inputs=2, outputs=3, readout="points")
    nets = [spinrnn.Network(config, seed=k) for k in range(2)]
    lengths = np.array([5, 5, 3, 5, 1, 5])
    found = Ensemble(nets, True).forward(U, lengths)
    assert (np.isnan(found) == np.isnan(nets[0].forward(U, lengths))).all()


def test_networks_must_be_of_one_form(networks):
    other = spinrnn.Network(spinrnn.NetworkConfig(layers=(4,), inputs=1, outputs=3))
    for wrong in ([], [networks[0], other]):
        with pytest.raises(spinrnn.DataError, match="ensemble: give networks"):
            Ensemble(wrong, True)


def test_members_are_runs_of_other_seeds_on_the_same_parts(tiny_config, tiny_data):
    config = of(tiny_config)
    configs = member_configs(config)
    assert [one.train.seed for one in configs] == [0, 1000, 2000]
    assert {one.resolved_split_seed for one in configs} == {0}
    result = spinrnn.train(config, data=tiny_data)
    single = spinrnn.train(of(tiny_config, 1), data=tiny_data)
    first = result.network.networks[0]
    np.testing.assert_array_equal(first.parameters, single.network.parameters)
    members = result.summary["members"]
    assert [member["seed"] for member in members] == [0, 1000, 2000]
    assert members[0]["test_loss"] == single.summary["test_loss"]
    assert result.summary["parameters"] == 3 * single.summary["parameters"]
    assert result.summary["test_loss"] < np.mean([m["test_loss"] for m in members])
    assert len(result.summary["confusion"]) == 3


def test_a_folder_that_is_read_again(tmp_path, tiny_file, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = here("train", tiny_file, "--ensemble", 2, "--out", "run", "--set", "train.epochs=2")
    assert found.returncode == 0, found.stderr
    assert "ensemble of 2, whose networks alone have" in found.stdout
    ensemble, summary = spinrnn.load("run"), json.loads((tmp_path / "run/summary.json").read_text())
    assert len(ensemble) == 2
    assert (tmp_path / "run/confusion.png").exists()
    assert not (tmp_path / "run/member-0/curves.png").exists()
    found = here("evaluate", "run", "--json")
    numbers = json.loads(found.stdout)
    assert numbers["test_accuracy"] == summary["test_accuracy"]
    assert numbers["test_loss"] == pytest.approx(summary["test_loss"], rel=1e-12)
    assert "ensemble of 2" in here("evaluate", "run").stdout
    # tiny.npz lies beside the configuration
    source = tiny_file.parent / "tiny.npz"
    answers = spinrnn.predict("run", source)
    data = spinrnn.load_dataset(source)
    np.testing.assert_array_equal(answers.outputs, ensemble.forward(data.inputs, data.lengths))
    again = spinrnn.predict(ensemble, data, spinrnn.Classification())
    np.testing.assert_array_equal(again.probabilities, answers.probabilities)
    answer = Answering(ensemble, spinrnn.Classification()).stream()
    for point in data.inputs[0, :, : data.lengths[0]].T:
        last = answer(point)
    np.testing.assert_allclose(last[1:], answers.probabilities[0], rtol=1e-5)
    again = here("train", "--out", "run", "--resume")
    assert again.returncode == 0, again.stderr
    assert json.loads((tmp_path / "run/summary.json").read_text()) == summary
    refused = here("simulate", "run", "--out", "a.h5")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "an ensemble; simulate takes one network, as run/member-0" in refused.stderr
    other = here("train", tiny_file, "--ensemble", 3, "--out", "run", "--resume")
    assert other.returncode == 2
    assert "train.ensemble: 2 there, 3 asked for" in other.stderr


@pytest.mark.parametrize("steps", [3, 13])
def test_one_that_was_stopped_goes_on_to_the_same_bits(steps, tmp_path, tiny_config, tiny_data):
    """Within the first member, and within the second one."""
    config, calls = of(tiny_config, 2), []
    whole = spinrnn.train(config, data=tiny_data)

    def stop():
        calls.append(0)
        return len(calls) > steps

    with pytest.raises(spinrnn.Interrupted):
        spinrnn.train(config, tmp_path / "run", data=tiny_data, stop=stop)
    assert (tmp_path / "run/member-1").exists() == (steps == 13)
    with pytest.raises(spinrnn.StoreError, match="the ensemble is not complete; go on"):
        spinrnn.load(tmp_path / "run")
    assert read_config(tmp_path / "run/config.toml").train.ensemble == 2
    again = spinrnn.train(None, tmp_path / "run", resume=True, data=tiny_data)
    for one, other in zip(whole.network.networks, again.network.networks, strict=True):
        np.testing.assert_array_equal(one.parameters, other.parameters)
    assert again.summary["test_loss"] == whole.summary["test_loss"]


def test_a_regression_in_units():
    """The loss is that of scaled targets, for the ensemble as for its networks."""
    rng = np.random.default_rng(0)
    u = rng.normal(size=(60, 1, 6))
    data = spinrnn.Dataset(u, targets=1e-6 * u.mean(axis=2) + 5e-6)
    network = spinrnn.NetworkConfig(layers=(12,), readout="both", substeps=2)
    train = spinrnn.TrainConfig(estimator=spinrnn.Reservoir(), ensemble=2)
    scaled = spinrnn.DataConfig(scaling="standard")
    config = spinrnn.RunConfig(network, train, scaled, task=spinrnn.Regression())
    result = spinrnn.train(config, data=data)
    assert result.summary["test_nrmse"] < 0.5
    assert result.summary["test_loss"] == pytest.approx(result.summary["test_nrmse"] ** 2, rel=0.9)
    values = [net.forward(u) for net in result.network.networks]
    np.testing.assert_allclose(result.network.forward(u), np.mean(values, axis=0), rtol=1e-6)


def test_a_point_of_a_sweep_is_one_network(sweep_file):
    path = sweep_file('[[axes]]\nkey = "train.ensemble"\nvalues = [1, 2]')
    with pytest.raises(spinrnn.ConfigError, match=r"train\.ensemble: a point is one network"):
        spinrnn.load_sweep(path)


def test_what_programming_has_cost_is_that_of_all_members(tiny_config, tiny_data, tmp_path):
    network = dataclasses.replace(tiny_config.network, synapse="sign")
    config = of(tiny_config, 2, network=network)
    counts = [
        spinrnn.train(one, data=tiny_data).summary["programming_count"]
        for one in member_configs(config)
    ]
    found = spinrnn.train(config, tmp_path / "run", data=tiny_data, pictures=False).summary
    assert found["programming_count"] == sum(counts) > 0
