"""Gains chosen by drive: the drive is the wanted one, by its own definition; nothing but
the size of weights changes.
"""

import dataclasses

import numpy as np
import pytest
from conftest import here

import spinrnn
from spinrnn.learning.gains import choose_gains
from spinrnn.learning.trainer import Trainer

U = np.random.default_rng(0).normal(size=(12, 2, 30))


def network(**changes):
    given = {"layers": (7, 5), "inputs": 2, "outputs": 3, "dtype": "float64"} | changes
    return spinrnn.Network(spinrnn.NetworkConfig(**given), seed=1)


def drives(net, u):
    """[mean | integral over an interval of I - I_rest |] of each layer, written out."""
    config, found = net.config, []
    step = config.input_interval / config.resolved_substeps
    for drive, neuron in zip(net.simulate(u).drive, config.neurons, strict=True):
        gamma = 1 / neuron.relaxation_time
        rate = drive - gamma * neuron.bias_ratio if neuron.threshold else gamma * drive
        intervals = rate.reshape(*rate.shape[:2], -1, config.resolved_substeps).sum(axis=-1)
        found.append(np.abs(intervals * step).mean())
    return found


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"input_interval": 2e-9},
        {"input_interval": 50e-9, "density_int": 0.5},
        {"neuron": spinrnn.CTRNN(), "amplification": (0.1, 5.0)},
        {"neuron": (spinrnn.Oscillator(), spinrnn.CTRNN(25e-9)), "highpass_time": 0},
    ],
)
def test_the_drive_is_the_wanted_one(changes):
    net = network(**changes)
    before, after = choose_gains(net, spinrnn.Dataset(U))
    np.testing.assert_allclose(after, drives(net, U), rtol=1e-6)
    np.testing.assert_allclose(before, drives(network(**changes), U), rtol=1e-6)
    np.testing.assert_allclose(after, 1, rtol=0.05)
    assert np.abs(before - 1).max() > 0.05


def test_weights_keep_their_directions():
    net, drawn = network(), network()
    choose_gains(net, spinrnn.Dataset(10 * U))
    new, old = net.views(), drawn.views()
    for layer in range(2):
        for name in ("w_ext", "w_int"):
            ratio = new[name][layer] / old[name][layer]
            np.testing.assert_allclose(ratio, ratio.flat[0], rtol=1e-12)
        assert (new["w_ext"][layer] / old["w_ext"][layer]).flat[0] == pytest.approx(
            (new["w_int"][layer] / old["w_int"][layer]).flat[0], rel=1e-12
        )
    np.testing.assert_array_equal(new["w_out"], old["w_out"])


def test_inputs_that_are_nothing_leave_weights():
    net, drawn = network(), network()
    _, after = choose_gains(net, spinrnn.Dataset(0 * U))
    assert after[0] == pytest.approx(0, abs=1e-12)
    np.testing.assert_array_equal(net.parameters, drawn.parameters)


def test_in_a_training(tmp_path, tiny_config, tiny_data):
    """With scaled inputs, and the same after a resumption."""
    train = dataclasses.replace(tiny_config.train, gains="drive", epochs=2)
    data = dataclasses.replace(tiny_config.data, scaling="standard")
    config = dataclasses.replace(tiny_config, train=train, data=data)
    trainer = Trainer(config, tiny_data)
    assert trainer.drives is not None
    part = trainer.training
    mean = spinrnn.cumulative_drive(trainer.net, part.inputs, part.lengths)
    assert mean == pytest.approx(1, rel=0.1)
    assert Trainer(tiny_config, tiny_data).drives is None
    whole, calls = spinrnn.train(config, data=tiny_data), []
    assert whole.summary["initial_drive"] == trainer.drives[1].tolist()

    def stop():
        calls.append(0)
        return len(calls) > 3

    with pytest.raises(spinrnn.Interrupted):
        spinrnn.train(config, tmp_path / "run", data=tiny_data, stop=stop)
    again = spinrnn.train(config, tmp_path / "run", resume=True, data=tiny_data)
    np.testing.assert_array_equal(again.network.parameters, whole.network.parameters)


def test_it_is_said(tiny_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = ("--set", "train.epochs=1", "--set", "train.gains=drive")
    found = here("train", tiny_file, "--out", "run", *settings)
    assert "initial cumulative drive of the layers " in found.stdout, found.stderr
