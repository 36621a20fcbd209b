"""Trajectories as xarray and pandas have them: the same values at the same places."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

import spinrnn

LENGTHS = [5, 3, 5, 4]


@pytest.fixture(scope="module")
def trajectory():
    config = spinrnn.NetworkConfig(layers=(3, 2), inputs=2, outputs=2)
    u = np.random.default_rng(0).normal(size=(4, 2, 5))
    return spinrnn.Network(config, seed=1).simulate(u, LENGTHS)


@pytest.fixture
def file(trajectory, tmp_path):
    trajectory.save(tmp_path / "a.h5", labels=np.array([1, 0, 0, 1]))
    with spinrnn.open_trajectory(tmp_path / "a.h5") as found:
        yield found


def lists_of(trajectory):
    return {"power": trajectory.state, "output": trajectory.output, "drive": trajectory.drive}


def test_xarray_has_the_same_values(trajectory, file):
    pytest.importorskip("xarray")
    for source in (trajectory, file):
        made = source.to_xarray()
        assert made.power.dims == ("case", "neuron", "time")
        assert made.layer.values.tolist() == [0, 0, 0, 1, 1]
        assert made.number.values.tolist() == [0, 1, 2, 0, 1]
        assert (made.time.values == trajectory.time).all()
        assert made.time.attrs["units"] == "s"
        assert (made.power.attrs["units"], made.drive.attrs["units"]) == ("1", "1/s")
        for name, layers in lists_of(trajectory).items():
            for layer, own in enumerate(layers):
                found = made[name].where(made.layer == layer, drop=True).values
                assert np.array_equal(found[:, :, : own.shape[2]], own, equal_nan=True)
                assert np.isnan(found[:, :, own.shape[2] :]).all()
        assert np.array_equal(made.logits.values, trajectory.logits)
        assert np.array_equal(made.inputs.values, trajectory.inputs)
        assert made.lengths.values.tolist() == LENGTHS
        np.testing.assert_allclose(made.input_time.values, 10e-9 * np.arange(5))
    assert file.to_xarray().labels.values.tolist() == [1, 0, 0, 1]


def test_layers_and_cases_are_chosen(trajectory, file):
    pytest.importorskip("xarray")
    for source in (trajectory, file):
        made = source.to_xarray(layers=1, cases=[3, 1])
        assert made.case.values.tolist() == [3, 1]
        assert made.layer.values.tolist() == [1, 1]
        assert np.array_equal(made.power.values, trajectory.state[1][[3, 1]], equal_nan=True)
        assert np.array_equal(made.logits.values, trajectory.logits[[3, 1]])
        sliced = source.to_xarray(layers=[0], cases=slice(1, 3))
        assert np.array_equal(sliced.power.values, trajectory.state[0][1:3], equal_nan=True)


def test_numbers_of_cases_are_those_of_the_data_set(trajectory, tmp_path):
    pytest.importorskip("xarray")
    net, u = trajectory.network, trajectory.inputs
    spinrnn.write_trajectory(tmp_path / "b.h5", net, u, cases=[7, 9, 11, 13], every=4, layers=[1])
    with spinrnn.open_trajectory(tmp_path / "b.h5") as file:
        made = file.to_xarray(cases=[1])
        assert made.case.values.tolist() == [9]
        assert made.sizes["time"] == 6
        assert made.layer.values.tolist() == [1, 1]
        with pytest.raises(spinrnn.DataError, match="layers: there are 1; got 0"):
            file.to_xarray(layers=0)


def test_a_table_has_a_row_for_each_time_that_there_is(trajectory, file):
    pytest.importorskip("pandas")
    for source in (trajectory, file):
        table = source.to_table()
        assert list(table) == ["case", "layer", "neuron", "time", "power", "output", "drive"]
        # four substeps of each point, and the start
        assert len(table) == 5 * sum(4 * n + 1 for n in LENGTHS)
        assert table.attrs["units"]["drive"] == "1/s"
        one = table[(table.case == 1) & (table.layer == 1) & (table.neuron == 1)]
        assert (one.time.values == trajectory.time[:13]).all()
        assert (one.power.values == trajectory.state[1][1, 1, :13]).all()
        assert (one.drive.values[:-1] == trajectory.drive[1][1, 1, :12]).all()
        assert np.isnan(one.drive.values[-1])


def test_layers_of_different_neurons(tmp_path):
    pytest.importorskip("xarray")
    config = spinrnn.NetworkConfig(
        layers=(2, 2), neuron=(spinrnn.Oscillator(), spinrnn.CTRNN()), highpass_time=0, outputs=2
    )
    found = spinrnn.Network(config).simulate(np.zeros((1, 1, 3)))
    with pytest.raises(spinrnn.DataError, match="different neurons, power in 1, state in 1"):
        found.to_xarray()
    assert "power" in found.to_xarray(layers=0)
    assert "power" not in found.to_xarray(layers=1)


def test_what_cannot_be_exported(trajectory):
    pytest.importorskip("xarray")
    with pytest.raises(spinrnn.DataError, match="layers: there are 0, 1; got 2"):
        trajectory.to_xarray(layers=2)
    with pytest.raises(spinrnn.DataError, match="cases: must be a slice or numbers of the 4 cases"):
        trajectory.to_xarray(cases=[7])
    foreign = dataclasses.replace(trajectory, network=None)
    with pytest.raises(spinrnn.DataError, match="its network is not known"):
        foreign.to_xarray()
    spinrnn.set_memory_limit(1000)
    try:
        with pytest.raises(spinrnn.MemoryLimitError, match="choose layers="):
            trajectory.to_table()
    finally:
        spinrnn.set_memory_limit(None)


@pytest.mark.parametrize(("method", "library"), [("to_xarray", "xarray"), ("to_table", "pandas")])
def test_without_the_library_the_extra_is_named(method, library):
    code = f"""
import sys
sys.modules["{library}"] = None
import numpy as np, spinrnn
try:
    spinrnn.Trajectory(np.zeros(1), [], [], [], np.zeros((0, 2))).{method}()
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert f"pip install 'spinrnn[{library}]'" in done.stdout, done.stderr
