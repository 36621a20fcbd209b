"""Units in a file's own head: input channels are converted to SI units as `data.units` would,
which is told, and never twice; runs of earlier versions read them as they did.
"""

import json
import warnings

import h5py
import numpy as np
import pytest

import spinrnn
from spinrnn.errors import DataError, DataNote
from spinrnn.readers.columns import Columns
from spinrnn.runs.loading import load_data, open_run
from spinrnn.runs.run import Interrupted

VALUES = np.array([1.5, -2.0, 250.0, 4.0])
SMALL = "[network]\nlayers = [4]\nsubsteps = 2\n[train]\nepochs = 2\nbatch = 8\n"


def written(path, head, values=VALUES, label="a"):
    rows = [f"c{k // 2},{label},{k},{value:.9g}" for k, value in enumerate(values)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def loaded(path, *arguments, **options):
    """(data set, notes) of a source."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = spinrnn.load_dataset(path, *arguments, **options)
    return data, " ".join(str(w.message) for w in caught if w.category is DataNote)


@pytest.mark.parametrize("head", ["V [mV]", "V (mV)", "V / mV", "V (millivolt)", "V"])
def test_columns_are_converted_once(tmp_path, head):
    path = written(tmp_path / "a.csv", f"case,label,t (ns),{head}")
    data, notes = loaded(path)
    known = head not in ("V (millivolt)", "V")
    factor = 1e-3 if known else 1.0
    np.testing.assert_allclose(data.inputs.ravel(), VALUES * factor, rtol=1e-15)
    assert notes.count("V, mV converted to V") == known
    assert data.channels[0].startswith("V")
    assert data.units == ("V" if known else "",)


@pytest.mark.parametrize(("units", "factor"), [("V=mV", 1e-3), ("V=uV", 1e-6), ("V=V", 1.0)])
def test_what_the_user_says_goes_before_the_head(tmp_path, units, factor):
    data, notes = loaded(written(tmp_path / "a.csv", "case,label,t,V [mV]"), units=units)
    np.testing.assert_allclose(data.inputs.ravel(), VALUES * factor, rtol=1e-15)
    assert notes.count("converted") == (factor != 1)
    assert data.units == ("V",)


def test_labels_cases_and_products_are_left_alone(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("case (ms),label (mV),E (mJ/m3)\n1,5,3\n1,5,4\n2,7,5\n2,7,6\n")
    data, notes = loaded(path)
    np.testing.assert_array_equal(data.inputs.ravel(), [3, 4, 5, 6])
    assert (data.names, data.classes, data.units) == (("1", "2"), ("5", "7"), ("mJ/m3",))
    assert "converted" not in notes


def test_files_of_a_folder_may_count_in_several(tmp_path):
    for name, head, scale in (("a", "V (mV)", 1e3), ("b", "V (V)", 1.0), ("c", "V (uV)", 1e6)):
        written(tmp_path / name / "0.csv", f"case,label,t,{head}", VALUES * scale)
    data, notes = loaded(tmp_path, columns="label=2")
    np.testing.assert_allclose(data.inputs[:, -1], np.tile(VALUES, (3, 1)), rtol=1e-12)
    assert notes.count("mV converted to V") == 1
    assert data.units[-1] == "V"


def test_a_file_without_a_unit_beside_one_that_is_converted_is_refused(tmp_path):
    written(tmp_path / "a" / "0.csv", "case,label,t,V (mV)")
    written(tmp_path / "b" / "0.csv", "case,label,t,V")
    with pytest.raises(DataError, match="V is in mV in some files") as error:
        spinrnn.load_dataset(tmp_path)
    assert "--units V=mV" in str(error.value)
    np.testing.assert_allclose(
        loaded(tmp_path, units="V=mV")[0].inputs[1, -1], VALUES * 1e-3, rtol=1e-15
    )


def test_parts_in_files_of_their_own_are_compared(tmp_path):
    own = written(tmp_path / "own.csv", "case,label,t,V (mV)")
    data, _ = loaded(own, test=written(tmp_path / "test.csv", "case,label,t,V (V)"))
    np.testing.assert_allclose(data.inputs[2:].ravel(), 1e3 * data.inputs[:2].ravel())
    for head, told in (("V (A)", "in V in one part, in A in"), ("V", "in V in one part, in no")):
        other = written(tmp_path / "test.csv", f"case,label,t,{head}")
        with pytest.raises(DataError, match=told):
            loaded(own, test=other)


def test_arrays_of_files_and_objects_are_converted(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["inputs"] = VALUES.reshape(2, 1, 2)
        file["inputs"].attrs["units"] = np.bytes_("mV")
        file["labels"] = [0, 1]
    data, notes = loaded(tmp_path / "a.h5")
    np.testing.assert_allclose(data.inputs.ravel(), VALUES * 1e-3, rtol=1e-15)
    assert data.units == ("V",)
    assert "inputs, mV converted to V" in notes
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"case": [0, 0, 1, 1], "I": VALUES, "label": list("aabb")})
    frame.attrs["units"] = {"I": "mA"}
    with pytest.warns(DataNote, match="I, mA converted to A"):
        data = spinrnn.Dataset.of(frame)
    np.testing.assert_allclose(data.inputs.ravel(), VALUES * 1e-3, rtol=1e-15)
    # targets are the user's
    frame = frame.drop(columns="label").assign(y=VALUES)
    frame.attrs["units"] = {"I": "mA", "y": "mV"}
    with pytest.warns(DataNote):
        data = spinrnn.Dataset.of(frame, targets="y")
    np.testing.assert_array_equal(data.targets.ravel(), VALUES)
    xarray = pytest.importorskip("xarray")
    array = xarray.DataArray(VALUES.reshape(2, 2), dims=("case", "time"), name="I")
    array.attrs["units"] = "mA"
    with pytest.warns(DataNote, match="I, mA converted to A"):
        data = spinrnn.Dataset.of(array.to_dataset())
    np.testing.assert_allclose(data.inputs.ravel(), VALUES * 1e-3, rtol=1e-15)
    assert data.units == ("A",)


# ---- runs of earlier versions ----


@pytest.fixture
def earlier(tmp_path):
    """(folder of a run as an earlier version left it within its second epoch, its configuration
    and the data as it read them).
    """
    values = np.random.default_rng(0).normal(size=80)
    path = written(tmp_path / "a.csv", "case,label,t,V (mV)", values)
    head, *rows = path.read_text().splitlines()
    rows = [row.replace(",a,", f",{'ab'[k // 2 % 2]},") for k, row in enumerate(rows)]
    path.write_text("\n".join([head, *rows]) + "\n")
    (tmp_path / "own.toml").write_text(f'[data]\nsource = "{path}"\n{SMALL}')
    config = spinrnn.load_config(tmp_path / "own.toml")
    data, _ = loaded(path, columns=Columns({}, {}, heads=False))
    steps = iter(range(100))
    with pytest.raises(Interrupted):
        spinrnn.train(
            config, tmp_path / "run", data=data, stop=lambda: next(steps) == 2, pictures=False
        )
    return tmp_path / "run", config, data


@pytest.mark.filterwarnings("ignore")
def test_runs_of_earlier_versions_read_heads_as_they_did(earlier):
    folder, config, data = earlier
    assert data.units is None
    run = open_run(folder)
    run.check_data(load_data(run.config, folder).digest())
    result = spinrnn.train(config, folder, resume=True, pictures=False)
    summary = json.loads((folder / "summary.json").read_text())
    assert "units" not in summary
    assert summary["data_sha256"] == data.digest()
    found = spinrnn.predict(folder, folder.parent / "a.csv")
    wanted = result.network.forward(data.inputs, data.lengths)
    np.testing.assert_array_equal(found.outputs, wanted)
