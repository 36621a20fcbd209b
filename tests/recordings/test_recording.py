"""What is analysed: the same cases of all arrays, and the numbers of each neuron."""

import numpy as np
import pytest

import spinrnn
from spinrnn import analysis


@pytest.fixture
def long_recording(monkeypatch):
    """60 cases, of which memory allows every third; each number says its case."""
    monkeypatch.setattr("spinrnn.recordings.recording.LARGEST", 20 * 2 * 1000 * 8)
    case = np.arange(60.0)[:, None, None]
    inputs, labels = case + np.zeros((1, 3, 4)), np.arange(60) % 7
    time, power = np.arange(1000.0), case + np.arange(2)[:, None] / 10 + np.zeros((1, 1, 1000))
    drive = power[:, :, :999] + 0.5
    return analysis.Recording("x", time, {0: power, 2: power + 100}, {2: drive}, inputs, labels)


def test_what_is_taken_is_of_the_same_cases(long_recording):
    expected = np.arange(0, 60, 3)
    assert long_recording.stride == 3
    assert (long_recording.layers, long_recording.cases) == ([0, 2], 60)
    np.testing.assert_array_equal(long_recording.powers(0)[:, 0, 0], expected)
    np.testing.assert_array_equal(long_recording.powers(2)[:, 1, -1], expected + 100.1)
    np.testing.assert_array_equal(long_recording.drives(2)[:, 0, 998], expected + 0.5)
    np.testing.assert_array_equal(long_recording.taken_inputs()[:, 2, 3], expected)
    np.testing.assert_array_equal(long_recording.taken_labels(), expected % 7)
    with pytest.raises(spinrnn.DataError, match="needs the drive"):
        long_recording.drives(0)


def test_powers_begin_at_the_first_time_that_is_asked_for(long_recording):
    recording = analysis.Recording("x", np.arange(5.0) + 2, {0: np.arange(5.0)[None, None]})
    assert recording.powers(0, 1.5).tolist() == [[[2.0, 3.0, 4.0]]]
    assert recording.powers(0, 3.0).tolist() == [[[3.0, 4.0]]]
    assert recording.taken_inputs() is recording.taken_labels() is None
    with pytest.raises(spinrnn.DataError, match=r"start: 3.5 s leaves .* 5 times, up to 4 s"):
        recording.powers(0, 3.5)


def test_the_last_time_of_each_input_interval():
    recording = analysis.Recording(
        "x", 7 + np.arange(9) * 0.25, {0: np.zeros((1, 1, 9))}, input_interval=0.5
    )
    assert recording.point_ends().tolist() == [2, 4, 6, 8]
    recording = analysis.Recording(
        "x", np.arange(8) * 0.3, {0: np.zeros((1, 1, 8))}, input_interval=1.0
    )
    assert recording.point_ends().tolist() == [3, 6]


def test_numbers_of_devices_are_those_of_their_layer():
    config = spinrnn.NetworkConfig(
        layers=(2, 1),
        inputs=1,
        relaxation_time=5e-9,
        bias_ratio=1.9,
        nonlinear_damping=2.0,
        substeps=1,
    )
    net = spinrnn.Network(config)
    net.devices = spinrnn.Devices(
        gamma=np.array([1.0, 2, 4]),
        nonlinear_damping=np.array([1.0, 3, 5]),
        bias=np.array([0.5, 1, 2]),
        gain=np.ones(3),
    )
    recording = analysis.recording_of(net.simulate(np.zeros((1, 1, 2))), config, network=net)
    np.testing.assert_allclose(recording.relaxation_times(0), [5e-9, 2.5e-9])
    np.testing.assert_allclose(recording.relaxation_times(1), [1.25e-9])
    np.testing.assert_allclose(recording.dampings(0), [2, 6])
    np.testing.assert_allclose(recording.dampings(1), [10])
    np.testing.assert_allclose(recording.rests(0), [1.9 / 5e-9 * 0.5, 1.9 / 5e-9])
    np.testing.assert_allclose(recording.rests(1), [1.9 / 5e-9 * 2])
    assert recording.input_interval == config.input_interval


def test_a_unit_of_time_is_no_relaxation_time():
    """Of a memristor the first is known, the other has no meaning."""
    config = spinrnn.NetworkConfig(layers=(1, 1), neuron=["memristor", "ctrnn"])
    power = {0: np.zeros((1, 1, 3)), 1: np.zeros((1, 1, 3))}
    recording = analysis.Recording("x", np.arange(3.0), power, neurons=config.neurons)
    assert recording.relaxation_times(0) is None
    assert recording.relaxation_times(1) == config.neurons[1].relaxation_time


def test_what_is_masked_is_missing_and_a_masked_label_is_refused():
    mask = np.zeros((2, 1, 4), bool)
    mask[1, 0, 2] = True
    power = np.ma.masked_array(np.ones((2, 1, 4)), mask)
    recording = analysis.Recording("x", np.arange(4.0), {0: power}, {0: power[:, :, :3]}, power)
    np.testing.assert_array_equal(np.isnan(recording.powers(0)), mask)
    np.testing.assert_array_equal(np.isnan(recording.drives(0)), mask[:, :, :3])
    np.testing.assert_array_equal(np.isnan(recording.taken_inputs()), mask)
    with pytest.raises(spinrnn.DataError, match="labels: 1 entry is masked"):
        analysis.Recording(
            "x", np.arange(4.0), {0: power}, labels=np.ma.masked_array([0, 1], [False, True])
        )
