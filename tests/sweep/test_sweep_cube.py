"""The collected cube: what is where, and that other programs open it as it is."""

import json
import shutil
import time
import warnings

import numpy as np
import pytest

import spinrnn
from spinrnn.errors import StoreError
from spinrnn.sweep.folder import SweepFolder
from spinrnn.sweep.status import look

TEXT = """
[[axes]]
key = "network.neuron"
values = ["oscillator", "ctrnn"]
[[axes]]
name = "tau"
zip = { "network.relaxation_time" = [10e-9, 20e-9], "network.highpass_time" = [100e-9, 300e-9] }
[[axes]]
name = "relaxation"
zip = { "network.density_int" = [0.5, 1.0, 0.5], "network.density_ext" = [0.5, 0.5, 1.0] }
[[axes]]
key = "network.layers"
values = [[6, 5]]
[[axes]]
key = "train.epochs"
values = [2, 3]
"""


MADE = []


@pytest.fixture
def made(sweep_file, tmp_path, tmp_path_factory):
    """A sweep of 48 points and a copy of its folder; it is run once."""
    sweep = spinrnn.load_sweep(sweep_file(TEXT, seeds="[3, 1]", record_test="true"))
    if not MADE:
        MADE.append(tmp_path_factory.mktemp("sweep") / "out")
        spinrnn.run_sweep(sweep, MADE[0], executor="serial")
    shutil.copytree(MADE[0], tmp_path / "out")
    return sweep, tmp_path / "out"


def test_the_cube(made, tmp_path):
    sweep, out = made
    missing = sweep.points[5]
    SweepFolder(out).result_path(missing.name).unlink()
    cube = spinrnn.collect_sweep(sweep, out)
    assert cube.states == {"done": 47, "waiting": 1}
    dims = ("neuron", "tau", "relaxation", "layers", "epochs", "seed")
    assert cube.variables["test_accuracy"].dims == dims
    assert cube["test_accuracy"].shape == (2, 2, 3, 1, 2, 2)
    assert np.argwhere(np.isnan(cube["test_accuracy"])).tolist() == [list(missing.position)]
    for point in sweep.points[::7]:
        arrays, state = SweepFolder(out).load(point.digest, point.name)
        assert cube["test_accuracy"][point.position] == state["summary"]["test_accuracy"]
        assert cube["seconds_training"][point.position] == state["summary"]["seconds_training"]
        curve = cube["history_test_loss"][point.position]
        epochs = point.config.train.epochs
        np.testing.assert_array_equal(curve[:epochs], arrays["history/test_loss"].astype("f4"))
        assert np.isnan(curve[epochs:]).all()
    assert cube["diverged"][0, 0, 0, 0, 0, 0] == 0
    assert "cumulative_drive" not in cube.variables
    # coordinates: numbers as they are, zipped axes numbered with the keys beside,
    # everything else with its text
    assert cube["seed"].tolist() == [3, 1]
    assert cube["tau"].tolist() == [0, 1]
    assert cube["relaxation_time"].tolist() == [10e-9, 20e-9]
    assert cube.coordinates["highpass_time"].dims == ("tau",)
    assert cube.coordinates["highpass_time"].attributes["units"] == "s"
    assert cube["density_int"].tolist() == [0.5, 1.0, 0.5]
    assert cube.coordinates["neuron"].labels == ["oscillator", "ctrnn"]
    assert cube.coordinates["layers"].labels == [[6, 5]]
    assert cube["epoch"].tolist() == [1, 2, 3]
    cube.save(tmp_path / "cube.h5")
    again = spinrnn.load_cube(tmp_path / "cube.h5")
    assert again.attributes["digest"] == sweep.digest
    for name, variable in (cube.variables | cube.coordinates).items():
        np.testing.assert_array_equal(variable.values, again[name])
    assert again.coordinates["layers"].labels == [[6, 5]]
    assert not any(
        name.startswith("history")
        for name in spinrnn.collect_sweep(sweep, out, history=False).variables
    )


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_xarray_opens_it_as_it_is(made, tmp_path, engine):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip({"netcdf4": "netCDF4"}.get(engine, engine))
    sweep, out = made
    cube = spinrnn.collect_sweep(sweep, out)
    cube.save(tmp_path / "cube.h5")
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*dimension.*")
        data = xarray.open_dataset(tmp_path / "cube.h5", engine=engine)
    assert dict(data.sizes) == {
        "neuron": 2,
        "tau": 2,
        "relaxation": 3,
        "layers": 1,
        "epochs": 2,
        "seed": 2,
        "epoch": 3,
    }
    for name, variable in cube.variables.items():
        assert data[name].dims == variable.dims
        assert data[name].dtype == variable.values.dtype
        np.testing.assert_array_equal(data[name].values, variable.values)
        assert data[name].attrs["units"] in ("1", "s")
    assert set(data.coords) == set(cube.coordinates)
    assert data["density_ext"].dims == ("relaxation",)
    assert data["neuron"].attrs["flag_meanings"] == "oscillator ctrnn"
    assert data.relaxation_time.values.tolist() == [10e-9, 20e-9]
    assert data.test_accuracy.median("seed").sel(epochs=3).shape == (2, 2, 3, 1)
    assert json.loads(data.attrs["sweep"])["sweep"]["name"] == "toy"
    data.close()


def test_an_axis_named_after_a_zipped_key_has_its_values(sweep_file, tmp_path):
    text = (
        "[[axes]]\n"
        'name = "density_int"\n'
        'zip = { "network.density_int" = [0.5, 1.0], "network.density_ext" = [0.5, 1.0] }'
    )
    cube = spinrnn.collect_sweep(spinrnn.load_sweep(sweep_file(text)), tmp_path / "none")
    assert cube["density_int"].tolist() == [0.5, 1.0]
    assert cube.coordinates["density_ext"].dims == ("density_int",)
    assert np.isnan(cube["test_loss"]).all()
    assert cube.states == {"waiting": 2}


def test_a_single_point_has_a_cube_without_axes(sweep_file, tmp_path):
    sweep = spinrnn.load_sweep(sweep_file())
    spinrnn.run_sweep(sweep, tmp_path / "out", executor="serial")
    cube = spinrnn.collect_sweep(sweep, tmp_path / "out")
    cube.save(tmp_path / "cube.h5")
    assert spinrnn.load_cube(tmp_path / "cube.h5")["test_accuracy"] == cube["test_accuracy"] > 0
    assert cube["history_train_loss"].shape == (4,)
    assert repr(cube).startswith("<Cube of epoch 4: test_accuracy, test_loss")


def test_files_that_are_no_cube(tmp_path):
    spinrnn.Network(spinrnn.NetworkConfig(layers=(2,))).save(tmp_path / "network.h5")
    with pytest.raises(StoreError, match="not a cube"):
        spinrnn.load_cube(tmp_path / "network.h5")
    with pytest.raises(StoreError, match="No such file"):
        spinrnn.load_cube(tmp_path / "none.h5")


@pytest.mark.slow
def test_a_thousand_points_are_quick(sweep_file, tmp_path):
    """Expansion, status and collection; results are copies of one under all names."""
    text = (
        "[[axes]]\n"
        'key = "train.noise"\n'
        "linear = { from = 0, to = 1, count = 10 }\n"
        "[[axes]]\n"
        'key = "train.clip"\n'
        "linear = { from = 1, to = 2, count = 10 }"
    )
    path = sweep_file(text, seeds=10)
    start = time.process_time()
    sweep = spinrnn.load_sweep(path)
    points = sweep.points
    assert time.process_time() - start < 5
    folder = SweepFolder(tmp_path / "out")
    folder.claim(sweep)
    result = spinrnn.train(points[0].config)
    arrays = {"best_parameters": result.network.parameters, "history/train_loss": np.arange(300.0)}
    state = {
        "values": {},
        "environment": {},
        "summary": result.summary,
        "extra": {},
        "error": None,
        "status": "done",
        "seconds": 1.0,
    }
    for point in points:
        folder.save(point.digest, point.name, "", arrays, {**state, "finished": 0.0})
    start = time.process_time()
    assert look(sweep, folder)["points"]["done"] == 1000
    assert time.process_time() - start < 5
    start = time.process_time()
    cube = spinrnn.collect_sweep(folder.sweep(), folder.path)
    cube.save(tmp_path / "cube.h5")
    assert time.process_time() - start < 10
    assert np.isfinite(cube["test_loss"]).all()


def test_columns_are_those_of_the_tasks(sweep_file, tmp_path):
    rng = np.random.default_rng(0)
    inputs = rng.random((24, 1, 6), dtype=np.float32)
    np.savez(tmp_path / "sums.npz", inputs=inputs, targets=inputs.sum(axis=2))
    path = sweep_file(
        '[task]\nkind = "regression"\n[network]\ninputs = 1\noutputs = 1\nlayers = [3]\n'
        f'[data]\nsource = "{tmp_path / "sums.npz"}"\n'
        '[[axes]]\nkey = "train.epochs"\nvalues = [1, 2]\n',
        record_test="true",
    )
    sweep = spinrnn.load_sweep(path)
    spinrnn.run_sweep(sweep, tmp_path / "out", executor="serial")
    cube = spinrnn.collect_sweep(sweep, tmp_path / "out")
    point = sweep.points[1]
    _, state = SweepFolder(tmp_path / "out").load(point.digest, point.name)
    for name in ("test_nrmse", "test_r2_fine", "validation_smape", "test_loss"):
        assert cube[name][point.position] == state["summary"][name]
        assert np.isfinite(cube[name]).all()
    assert cube["history_test_nrmse"].shape[-1] == 2
    assert "test_accuracy" not in cube.variables
    assert cube.variables["test_loss"].attributes["long_name"].startswith("mean squared error")
