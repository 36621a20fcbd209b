"""Published weights as learned devices: what their authors' data and ours give; the
parts of the study that need no data."""

from pathlib import Path

import numpy as np
import pytest

import spinrnn
from spinrnn.neurons.learned import Channel, LearnedDevice
from spinrnn.systems import figures, skyrmion

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "skyrmion"
there = pytest.mark.skipif(
    not (FOLDER / "published").is_dir(), reason="the published weights are no part of spinrnn"
)


@there
@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("spectrogram", (-1.715, -1.004, -0.405, -0.002, 1.049, 2.113, 2.895)),
        ("cochlear", (-0.867, -0.611, -0.337, -0.004, 0.540, 1.120, 1.363)),
    ],
)
def test_fixed_points_of_the_measured_oscillator(name, wanted):
    assert skyrmion._at_rest(FOLDER, name)["y"] == pytest.approx(wanted, abs=0.002)


@there
def test_frequencies_of_both_tables_are_within_a_percent():
    for table, largest in (("Ku_ext_DMI", 0.0081), ("DMI_ext_Ku", 0.0087)):
        found = skyrmion._frequencies(FOLDER, table, skyrmion.FIGURES)
        assert found["largest"] == pytest.approx(largest, abs=2e-4)
        assert found["largest"] < 0.01


@there
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "mse"),
    [
        ("1skyrmion_voltage", 9.85e-4),
        ("ku_dmi_seed6", 4.83e-5),
        ("ku_dmi_used_for_figures", 4.70e-5),
    ],
)
def test_the_open_loop_is_the_published_one(name, mse):
    assert skyrmion._open_loop(FOLDER, name)["mse_trained"] == pytest.approx(mse, rel=0.01)


@there
@pytest.mark.slow
def test_table_and_device_part_where_the_skyrmion_collapses():
    assert skyrmion._collapse(FOLDER)["time"] == pytest.approx(113e-9, abs=0.5e-9)


@there
@pytest.mark.slow
def test_the_device_forecasts_as_a_reservoir():
    found = skyrmion._mackey_glass(FOLDER)
    errors = dict(zip(found["horizons"], found["log10_nrmse"], strict=True))
    for horizon, wanted in ((1, -1.93), (12, -0.33), (22, -0.65)):
        assert errors[horizon] == pytest.approx(wanted, abs=0.03)


def damped():
    """dz/dt = -z + v, one state."""
    matrix = np.array([[-1.0, 1.0]])
    channel = Channel("y", "1", 0.0, 1.0, -1.0, 1.0)
    return LearnedDevice(((matrix, np.zeros(1)),), channel, (channel,), 1e-9, 0.1, 1)


def test_a_free_run_takes_the_drive_within_a_step():
    """z = t - 1 + exp(-t) under v = t; of fourth order, so 1e-7 in a unit of time."""
    run = skyrmion.free_run(damped(), np.zeros(1), lambda at: np.array([0.1 * at]), 11)
    assert run[-1, 0] == pytest.approx(np.exp(-1.0), abs=1e-6)


@pytest.mark.slow
def test_a_reservoir_emits_at_the_start_of_each_value():
    series = np.array([1.0, 1.0, 0.5])
    features = skyrmion.reservoir(damped(), series)
    assert features.shape == (3, skyrmion.MASK)
    mask = np.random.RandomState(3).randn(skyrmion.MASK)
    masked = (series[:, None] * mask).ravel()
    z, wanted = 0.0, []
    for value in 0.4 * masked / abs(masked.min()):
        wanted.append(z)
        z = value + (z - value) * np.exp(-0.2)
    np.testing.assert_allclose(features.ravel(), wanted, atol=2e-6)


def test_weights_are_read_and_what_is_wrong_is_told(tmp_path):
    channel = Channel("y", "1", 0.0, 1.0, -1.0, 1.0)
    given = {"weight0": np.ones((3, 2)), "bias0": np.zeros(3), "weight1": np.ones((1, 3))}
    np.savez(tmp_path / "a.npz", **given, bias1=np.zeros(1))
    known = channel, (channel,), 1e-9, 0.1, 1
    device = spinrnn.learned_of_weights(tmp_path / "a.npz", *known)
    assert [m.shape for m, _ in device.weights] == [(3, 2), (1, 3)]
    np.savez(tmp_path / "b.npz", **given)
    with pytest.raises(spinrnn.DataError, match="has no bias1"):
        spinrnn.learned_of_weights(tmp_path / "b.npz", *known)
    with pytest.raises(spinrnn.StoreError, match="cannot read"):
        spinrnn.learned_of_weights(tmp_path / "c.npz", *known)
    with pytest.raises(spinrnn.DataError, match=r"a\.npz: weights"):
        spinrnn.learned_of_weights(tmp_path / "a.npz", channel, (channel,), 1e-9, 0.1, 2)


def test_the_study_draws_what_there_is():
    rows = [
        {"what": "at rest", "device": "cochlear", "u": [0], "y": [0.1]},
        {"what": "collapse", "time": 113e-9, "off": [0.1, 0.2]},
        {"what": "digits", "seed": 0, "epochs": 1, "accuracy": 50.0},
        {"what": "digits", "seed": 1, "epochs": 1, "accuracy": 60.0},
    ]
    result = skyrmion.numbers(rows)
    assert result.findings["digits"][0] == 55.0
    assert result.findings["collapse"][0] == 113e-9
    assert len(figures.skyrmion(result).axes) == 4
    assert skyrmion.trials(True, {}) == []
