"""Measures of a network whose layers are of different neurons: each layer by what it is."""

import csv

import numpy as np
import pytest

import spinrnn
from spinrnn import CTRNN, Oscillator, analysis

TAU = 20e-9


@pytest.fixture(scope="module")
def bench():
    """CTRNNs of 20 ns, then oscillators of two kinds of Q, without weights between layers;
    inputs step between levels held for 20 and 40 times. Returns (network, inputs)."""
    oscillators = [Oscillator(nonlinear_damping=q, bias_ratio=2 + q) for q in (0.5, 1.0)]
    config = spinrnn.NetworkConfig(
        layers=(2, 3, 3), neuron=(CTRNN(TAU), *oscillators), highpass_time=0, outputs=2,
        input_interval=400e-9, substeps=400, dtype="float64",
    )  # fmt: skip
    net = spinrnn.Network(config)
    net.parameters[:] = 0
    net.views()["w_ext"][0][:] = [[0.3], [-0.2]]
    # what an oscillator receives is its bias alone, of each neuron another one
    for layer in (1, 2):
        net.views()["bias"][layer][:] = [0.5, 1.0, 2.0]
    return net, np.array([[[-0.4, 1.0, 0.2, -1.7, 2.0, 0.6]], [[0.5, -0.3, 1.5, -1.6, 0.9, 2.5]]])


@pytest.fixture(scope="module")
def recording(bench):
    net, inputs = bench
    return analysis.recording_of(net.simulate(inputs), net.config, inputs, None, net)


def answers(recording, folder, *names):
    """{measure: rows} of a report."""
    report = analysis.analyse(recording, folder / "report", measures=list(names))
    assert not report.skipped
    return {name: list(csv.DictReader((folder / f"report/{name}.csv").open())) for name in names}


def test_what_layers_have_in_common(recording):
    assert recording.neuron == "ctrnn-oscillator-oscillator"
    assert [recording.kind_of(layer) for layer in range(3)] == [CTRNN, Oscillator, Oscillator]
    # 20 and 10 ns, 0.5 and 1
    assert (recording.relaxation_time, recording.nonlinear_damping) == (None, None)
    assert [recording.relaxation_times(layer) for layer in range(3)] == [TAU, 10e-9, 10e-9]
    assert [recording.dampings(layer) for layer in range(3)] == [None, 0.5, 1.0]
    assert recording.rests(0) is None
    assert [recording.rests(layer) for layer in (1, 2)] == pytest.approx([2.5e8, 3e8])


def test_steady_states_are_those_of_the_oscillators(recording, tmp_path):
    found = answers(recording, tmp_path, "steady")["steady"]
    assert {row["layer"] for row in found} == {"1", "2"}
    for row in found:
        q = {"1": 0.5, "2": 1.0}[row["layer"]]
        xi = float(row["drive_per_s"]) * 10e-9
        assert float(row["expected"]) == pytest.approx((xi - 1) / (xi + q))
        assert float(row["power"]) == pytest.approx(float(row["expected"]), abs=1e-6)


def test_relaxation_has_each_layers_own_rate(recording, tmp_path):
    found = answers(recording, tmp_path, "relaxation")["relaxation"]
    of_ctrnn = [row for row in found if row["layer"] == "0"]
    assert len(of_ctrnn) > 5
    for row in of_ctrnn:
        assert float(row["expected_rate_per_s"]) == pytest.approx(1 / TAU)
        assert float(row["rate_per_s"]) == pytest.approx(1 / TAU, rel=0.02)
    of_others = [row for row in found if row["layer"] != "0"]
    assert of_others
    for row in of_others:
        expected = float(row["drive_per_s"]) - 1e8
        assert float(row["expected_rate_per_s"]) == pytest.approx(expected)
        assert float(row["rate_per_s"]) == pytest.approx(expected, rel=0.05)


def test_the_cumulative_drive_is_in_each_layers_time(bench, recording, tmp_path):
    net, inputs = bench
    rows = answers(recording, tmp_path, "drive")["drive"]
    found = {layer: [] for layer in "012"}
    for row in rows:
        found[row["layer"]].append(float(row["cumulative_drive"]))
    intervals = 400e-9 / TAU
    level = np.abs(inputs).mean() * intervals
    np.testing.assert_allclose(found["0"], [0.3 * level, 0.2 * level], rtol=1e-9)
    # of the oscillators what is beyond gamma xi_0; a bias counts in the network's unit of time
    for layer in "12":
        np.testing.assert_allclose(found[layer], np.array([0.5, 1, 2]) * intervals, rtol=1e-9)
    whole = np.mean([value for values in found.values() for value in values])
    assert spinrnn.cumulative_drive(net, inputs) == pytest.approx(whole, rel=1e-9)


def test_every_other_measure_is_made(recording, tmp_path):
    names = ["spectrum", "correlation", "activity", "dimension", "energy"]
    found = answers(recording, tmp_path, *names)
    assert len(found["activity"]) == 8
    assert {row["layer"] for row in found["activity"]} == {"0", "1", "2"}


def test_a_negative_state_counts_by_its_magnitude(bench, tmp_path):
    net, _ = bench
    trajectory = net.simulate(np.full((1, 1, 4), -20.0))
    recording = analysis.recording_of(trajectory, net.config, None, None, net)
    found = answers(recording, tmp_path, "activity")["activity"]
    means = [float(row["mean"]) for row in found[:2]]
    assert min(means) < -0.8
    assert all(abs(mean) > 0.8 for mean in means)
    assert all(float(row["share_above"]) > 0.5 for row in found[:2])


def test_a_recording_without_its_network(bench):
    net, inputs = bench
    recording = analysis.recording_of(net.simulate(inputs), net.config)
    assert recording.kind_of(0) is CTRNN
    assert recording.dampings(2) == 1.0
