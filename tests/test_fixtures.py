"""Files that version 0.1 wrote are read, gone on with and simulated again, to the same numbers.

All goes through the public interface. `fixtures/make_v0_1.py` made the files; whatever a test
changes is a copy. Other processors round differently, so only what was stored, and names and
digests of a sweep's points, must be equal exactly.
"""

import hashlib
import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import here

import spinrnn
from spinrnn.config import versions
from spinrnn.config.run import to_tables

FILES = Path(__file__).parent / "fixtures" / "v0_1"
EXPECTED = json.loads((FILES / "expected.json").read_text())
ULP = {"float64": 2.0**-52, "float32": 2.0**-23}
TRAINED = 1e-9
"""Of numbers after some steps of training in float64, which enlarge what rounding does."""


@pytest.fixture(autouse=True, scope="module")
def _unchanged():
    before = contents(FILES)
    yield
    assert contents(FILES) == before


@pytest.fixture
def copy(tmp_path):
    return Path(shutil.copytree(FILES, tmp_path / "copy"))


@pytest.fixture(scope="module")
def data():
    return spinrnn.load_dataset(FILES / "data.npz")


def contents(folder):
    """{path: digest} of all files of a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def some(data):
    step = len(data) // 7
    return data.inputs[::step], data.lengths[::step], data.labels[::step]


def close(found, expected, tolerance, where=""):
    """Checks numbers against expected ones; the tolerance is a share of the largest of them."""
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    scale = np.nanmax(np.abs(expected), initial=1e-30) if expected.size else 1
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale, err_msg=where)


def same_records(found, expected, where=""):
    """Checks dictionaries of trained numbers, texts and further dictionaries."""
    for key, value in expected.items():
        if isinstance(value, dict):
            same_records(found[key], value, key)
        elif isinstance(value, str):
            assert found[key] == value, key
        else:
            close(found[key], value, TRAINED, f"{where}.{key}")


# ---- names ----


def test_the_public_names_are_there():
    assert set(EXPECTED["names"]) <= set(spinrnn.__all__)
    for name in EXPECTED["names"]:
        assert getattr(spinrnn, name) is not None


def test_the_measures_are_there():
    assert set(EXPECTED["analysis"]) <= set(spinrnn.analysis.__all__)
    for name in EXPECTED["analysis"]:
        assert name == "figures" or callable(getattr(spinrnn.analysis, name))
    assert callable(spinrnn.analysis.figures.step_responses)


# ---- configurations and data ----


@pytest.mark.parametrize("name", EXPECTED["configs"])
def test_a_configuration_means_what_it_meant(name):
    config, expected = (
        spinrnn.load_config(FILES / "configs" / f"{name}.toml"),
        EXPECTED["configs"][name],
    )
    flat = versions.without_roles(to_tables(config)) | {"network": versions.flat(config.network)}
    for table in ("network", "train", "data"):
        for key, value in expected[table].items():
            found = flat[table][key]
            if key == "source" and found != "digits":
                assert Path(found).is_file()
                found = Path(found).name
            assert (list(found) if isinstance(found, tuple) else found) == value, f"{table}.{key}"
    assert [config.network.resolved_substeps, config.resolved_split_seed] == expected["resolved"]


def test_the_data_are_known_again(data):
    assert data.digest() == EXPECTED["run"]["summary"]["data_sha256"]
    assert spinrnn.load_digits().digest() == EXPECTED["digits"]


# ---- networks ----


@pytest.mark.parametrize("name", EXPECTED["networks"])
def test_a_network_computes_what_it_computed(name, data):
    net, expected = spinrnn.load(FILES / name), EXPECTED["networks"][name]
    u, lengths, labels = some(data)
    tolerance = 200 * ULP[net.config.dtype]
    loss, gradient = net.loss_and_grad(u, labels, lengths, noise_seed=3)
    close(net.forward(u, lengths, noise_seed=3), expected["logits"], tolerance, "logits")
    close(loss, expected["loss"], tolerance, "loss")
    close(gradient, expected["gradient"], tolerance, "gradient")


@pytest.mark.parametrize("name", EXPECTED["networks"])
def test_a_network_is_written_as_it_was(name, tmp_path):
    spinrnn.load(FILES / name).save(tmp_path / "new.h5")
    assert layout(tmp_path / "new.h5") == layout(FILES / name)


def layout(path):
    """What an HDF5 file holds: {name: shape, type, dimensions, unit}, and the root's attributes."""
    found = {}

    def look(name, item):
        if isinstance(item, h5py.Dataset):
            dims = [[scale.name for scale in axis.values()] for axis in item.dims]
            found[name] = item.shape, item.dtype.str, dims, item.attrs.get("units")

    with h5py.File(path) as file:
        file.visititems(look)
        return found, attributes_of(file)


def attributes_of(file):
    """Names of the root's attributes, but for those that 0.1 did not write."""
    return sorted(set(file.attrs) - {"axis_order"})


# ---- trajectory files ----


@pytest.mark.parametrize("name", EXPECTED["trajectories"])
def test_a_trajectory_is_read_to_the_bit(name):
    expected = EXPECTED["trajectories"][name]
    with spinrnn.open_trajectory(FILES / name) as file:
        file.check()
        assert file.noise_seed == expected["noise_seed"]
        np.testing.assert_array_equal(file.time, expected["time"])
        np.testing.assert_array_equal(file.logits, np.float32(expected["logits"]))
        for key in ("state", "mean", "output", "drive"):
            layers = getattr(file, key)
            assert (layers is None) == (expected[key] is None)
            for layer, stored in zip(layers or (), expected[key] or (), strict=True):
                np.testing.assert_array_equal(np.asarray(layer)[:2], np.float32(stored))


@pytest.mark.parametrize("name", EXPECTED["trajectories"])
def test_a_trajectory_is_simulated_again(name):
    """The file's weights, devices, inputs and noise make the states that it holds."""
    with spinrnn.open_trajectory(FILES / name) as file:
        again = file.network.simulate(file.inputs, file.lengths, noise_seed=file.noise_seed)
        close(again.logits, file.logits, 2 * ULP["float32"])
        for key in ("state", "output", "drive"):
            for layer, found in zip(getattr(file, key) or (), getattr(again, key), strict=False):
                close(found, np.asarray(layer), 2 * ULP["float32"], key)


@pytest.mark.parametrize("name", EXPECTED["trajectories"])
def test_a_trajectory_is_written_as_it_was(name, tmp_path):
    expected = EXPECTED["trajectories"][name]
    with spinrnn.open_trajectory(FILES / name) as file:
        file.network.simulate_to(
            tmp_path / "new.h5",
            file.inputs,
            file.lengths,
            labels=file.labels,
            noise_seed=file.noise_seed,
            variables=file.attributes["variables"].split(","),
        )
    assert layout(tmp_path / "new.h5") == layout(FILES / name)
    with h5py.File(tmp_path / "new.h5") as raw:
        found = {key: [list(item.shape), item.dtype.str] for key, item in raw.items()}
        assert (found, attributes_of(raw)) == (expected["datasets"], expected["attributes"])


# ---- run folders ----


def test_a_finished_run_is_read(copy, data):
    result, expected = spinrnn.train(out=copy / "finished", resume=True), EXPECTED["run"]
    for key, value in expected["summary"].items():
        assert result.summary[key] == value, key
    for record, stored in zip(result.history, expected["history"], strict=True):
        assert {key: record[key] for key in stored} == stored
    close(spinrnn.load(copy / "finished").forward(*some(data)[:2]), expected["logits"], 1e-12)
    moved = f"data.source={copy / 'data.npz'}"
    told = here("evaluate", copy / "finished", "--set", moved, "--json")
    for key in ("test_accuracy", "test_loss", "confusion"):
        close(json.loads(told.stdout)[key], expected["summary"][key], 1e-12)


def test_an_unfinished_run_goes_on_to_what_it_would_have_been(copy, data):
    folder, expected = copy / "unfinished", EXPECTED["run"]
    close(spinrnn.load(folder).forward(*some(data)[:2]), expected["unfinished_logits"], 1e-12)
    epochs = []
    result = spinrnn.train(
        out=folder,
        resume=True,
        data=data,
        pictures=False,
        on_epoch=epochs.append,
    )
    assert len(epochs) == len(expected["history"]) - 1  # it was stopped in the second
    same_records(result.summary, expected["summary"])
    assert len(result.history) == len(expected["history"])
    for record, stored in zip(result.history, expected["history"], strict=True):
        same_records(record, stored)
    close(spinrnn.load(folder).forward(*some(data)[:2]), expected["logits"], TRAINED)


def test_a_run_is_trained_again(data):
    """The same initial weights, masks, split, order and noise, from the configuration alone."""
    config = spinrnn.load_config(FILES / "configs" / "tiny.toml")
    same_records(spinrnn.train(config, data=data).summary, EXPECTED["run"]["summary"])


# ---- sweeps ----


@pytest.mark.parametrize("name", ["sweep.toml", "configs/grid.toml"])
def test_a_sweep_expands_to_the_same_points(name):
    sweep, expected = spinrnn.load_sweep(FILES / name), EXPECTED["sweep"][name]
    assert sweep.digest == expected["digest"]
    assert list(sweep.shape) == expected["shape"]
    axes = {axis.name: {k: list(v) for k, v in axis.values.items()} for axis in sweep.axes}
    assert axes == expected["axes"]
    assert [[p.name, p.digest, p.values] for p in sweep.points] == expected["points"]


def same_cube(cube, expected, tolerance, but=()):
    names = set(cube.variables) | set(cube.coordinates)
    assert set(expected) <= names
    # a score that came after 0.1
    assert all("balanced_accuracy" in name for name in names - set(expected))
    for name, (dims, values) in expected.items():
        variable = cube.variables.get(name) or cube.coordinates[name]
        assert list(variable.dims) == dims
        if name not in but:
            close(variable.values, values, tolerance, name)


def test_a_cube_is_read(tmp_path):
    cube = spinrnn.load_cube(FILES / "cube.h5")
    same_cube(cube, EXPECTED["sweep"]["cube"], 0)
    assert cube.sweep().digest == EXPECTED["sweep"]["sweep.toml"]["digest"]
    cube.save(tmp_path / "new.h5")
    assert layout(tmp_path / "new.h5") == layout(FILES / "cube.h5")


def test_the_status_of_a_sweep(copy):
    result = here("sweep", "status", copy / "sweep", "--json")
    assert result.returncode == 0
    found = json.loads(result.stdout)
    states = {key: count for key, count in found["points"].items() if count}
    assert states == EXPECTED["sweep"]["states"]
    assert [error["status"] for error in found["errors"]] == ["failed", "diverged", "diverged"]


def test_a_sweep_goes_on_without_doing_points_again(copy):
    sweep, folder = spinrnn.load_sweep(copy / "sweep.toml"), copy / "sweep"
    same_cube(spinrnn.collect_sweep(sweep, folder), EXPECTED["sweep"]["cube"], 0)
    before, states = contents(folder / "points"), EXPECTED["sweep"]["states"]
    progress = spinrnn.run_sweep(sweep, folder, executor="serial")
    assert progress.skipped == len(before) == 12 - states["waiting"]
    assert (progress.finished, progress.failed) == (12, 1)
    after = contents(folder / "points")
    assert len(after) == 12
    assert before.items() <= after.items()
    progress = spinrnn.run_sweep(sweep, folder, executor="serial", retry_failed=True)
    assert (progress.skipped, progress.failed) == (11, 0)
    times = [name for name in EXPECTED["sweep"]["cube"] if "seconds" in name]
    same_cube(spinrnn.collect_sweep(sweep, folder), EXPECTED["sweep"]["complete"], TRAINED, times)


@pytest.mark.parametrize("name", EXPECTED["sweep"]["logits"])
def test_a_point_of_a_sweep_is_a_network(name, data):
    net = spinrnn.load(FILES / "sweep" / "points" / name)
    close(net.forward(*some(data)[:2]), EXPECTED["sweep"]["logits"][name], 1e-12)


# ---- the command line ----


@pytest.mark.parametrize("number", range(len(EXPECTED["commands"])))
def test_a_command_ends_with_its_status(number, copy):
    """The commands ran one after the other in one folder, but none needs one before it."""
    arguments, status = EXPECTED["commands"][number]
    result = here(*(text.replace("{}", str(copy)) for text in arguments))
    assert result.returncode == status, result.stderr
