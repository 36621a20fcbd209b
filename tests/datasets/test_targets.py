"""Columns that are targets of a regression: named on the command line, in a configuration and in
Python, of tables, folders and arrays.
"""

import csv

import numpy as np
import pytest
from conftest import here, refused

import spinrnn
from spinrnn.datasets.known import Known
from spinrnn.datasets.loading import load_inputs
from spinrnn.runs.loading import open_run

SMALL = ["--set", "network.layers=[4]", "--set", "network.substeps=2", "--set", "train.epochs=1"]

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def films(path, cases=20, heads="u,v,y,z"):
    """A table with a case in each row; returns its numbers (row, column)."""
    numbers = np.random.default_rng(0).normal(size=(cases, 4)).round(3)
    path.write_text("\n".join([heads, *(",".join(map(str, row)) for row in numbers)]) + "\n")
    return numbers


def load(path, targets, **options):
    return spinrnn.load_dataset(path, targets=targets, **options)


# ---- reading ----


@pytest.mark.parametrize("targets", ["z,y", ["z", "y"], "4,3", "z,3", [4, 3]])
def test_columns_by_name_or_number(tmp_path, targets):
    numbers = films(tmp_path / "a.csv")
    data = load(tmp_path / "a.csv", targets, rows="cases")
    np.testing.assert_array_equal(data.inputs, numbers[:, :2, None])
    np.testing.assert_array_equal(data.targets, numbers[:, [3, 2]])
    assert (data.channels, data.target_names) == (("u", "v"), ("z", "y"))
    # all rows are one series by themselves
    series = load(tmp_path / "a.csv", targets)
    np.testing.assert_array_equal(series.inputs, numbers[None, :, :2].transpose(0, 2, 1))
    np.testing.assert_array_equal(series.targets, numbers[None, :, [3, 2]].transpose(0, 2, 1))


def test_one_value_of_a_case_or_one_at_each_point(tmp_path):
    (tmp_path / "a.csv").write_text(
        "case,time,V,end,now\na,0,1,5,1\na,1,2,5,2\nb,0,3,7,4\nb,1,4,7,\nb,2,5,7,6\n"
    )
    data = load(tmp_path / "a.csv", "end", missing="hold")
    np.testing.assert_array_equal(data.targets, [[5], [7]])
    np.testing.assert_array_equal(data.inputs[:, 1], [[1, 2, np.nan], [4, 4, 6]])
    gaps = [[[1, 2, np.nan]], [[4, np.nan, 6]]]
    np.testing.assert_array_equal(load(tmp_path / "a.csv", "now").targets, gaps)
    assert load(tmp_path / "a.csv", "now,end").targets.shape == (2, 2, 3)
    assert load(tmp_path / "a.csv", "now").lengths.tolist() == [2, 3]


def test_their_units_are_the_files_unless_they_are_said(tmp_path):
    films(tmp_path / "a.csv", heads="u (mV),v,y (mV),z")
    raw = load(tmp_path / "a.csv", "y")
    given = load(tmp_path / "a.csv", "y", units="y=mV")
    np.testing.assert_array_equal(given.targets, raw.targets / 1000)
    np.testing.assert_array_equal(given.inputs, raw.inputs)
    assert raw.units == ("V", "", "")


def test_rows_below_counted_names_are_cases_of_one_channel(tmp_path):
    numbers = films(tmp_path / "a.csv", heads="y,0,1,2")
    data = load(tmp_path / "a.csv", "y")
    np.testing.assert_array_equal(data.inputs, numbers[:, None, 1:])
    np.testing.assert_array_equal(data.targets, numbers[:, :1])
    # without names the first column is what UCR's files have as label
    (tmp_path / "b.csv").write_text("\n".join((tmp_path / "a.csv").read_text().split("\n")[1:]))
    same = load(tmp_path / "b.csv", "1")
    np.testing.assert_array_equal(same.inputs, data.inputs)
    np.testing.assert_array_equal(same.targets, data.targets)


def test_new_data_need_no_targets_and_are_asked_by_names_alone(tmp_path):
    (tmp_path / "a.csv").write_text("u,w,v\n1,2,3\n")
    known = Known(channels=("u", "v"), targets=("3",))
    data = load_inputs(str(tmp_path / "a.csv"), known=known)
    assert (data.inputs.tolist(), data.targets) == ([[[1], [3]]], None)
    both = load_inputs(str(tmp_path / "a.csv"), known=Known(channels=("u",), targets=("w", "y")))
    assert both.inputs.tolist() == [[[1]]]


def test_a_folder_of_tables(tmp_path):
    for case, ends in enumerate((2, 3)):
        rows = "".join(f"{t},{case + t},{10 * case},{t * case}\n" for t in range(ends))
        (tmp_path / f"{case}.csv").write_text("time,V,y,z\n" + rows)
    data = load(tmp_path, "y")
    np.testing.assert_array_equal(data.targets, [[0], [10]])
    assert (data.channels, data.target_names) == (("V", "z"), ("y",))
    points = load(tmp_path, "z,y").targets
    wanted = [[[0, 0, np.nan], [0, 0, np.nan]], [[0, 1, 2], [10, 10, 10]]]
    np.testing.assert_array_equal(points, wanted)
    (tmp_path / "2.csv").write_text("time,V,z\n0,1,2\n")
    with pytest.raises(spinrnn.DataError, match=r"2\.csv: targets: there is no y; known are"):
        load(tmp_path, "y")


def test_arrays_by_name(tmp_path):
    y, z = np.arange(3.0), np.arange(6.0).reshape(3, 2)
    np.savez(tmp_path / "a.npz", inputs=np.zeros((3, 1, 4)), y=y, z=z)
    np.testing.assert_array_equal(load(tmp_path / "a.npz", "z,y").targets, np.c_[z, y])
    assert load(tmp_path / "a.npz", "y").targets.tolist() == [[0], [1], [2]]
    np.savez(tmp_path / "b.npz", inputs=np.zeros((3, 1, 4)), y=y[:2], z=z)
    with pytest.raises(spinrnn.DataError, match="do not go together"):
        load(tmp_path / "b.npz", "z,y")


def test_outputs_of_arrays_have_their_names(tmp_path):
    arrays = {"inputs": np.zeros((4, 1, 2)), "y": np.arange(4.0), "z": np.ones((4, 2))}
    np.savez(tmp_path / "a.npz", **arrays)
    assert load(tmp_path / "a.npz", "y").target_names == ("y",)
    assert load(tmp_path / "a.npz", "z,y").target_names == ("z_0", "z_1", "y")
    np.savez(tmp_path / "b.npz", inputs=np.zeros((4, 1, 2)), targets=np.ones((4, 1)))
    assert spinrnn.load_dataset(tmp_path / "b.npz").target_names is None


def test_a_test_part_in_a_file_of_its_own(tmp_path):
    numbers, other = films(tmp_path / "a.csv"), films(tmp_path / "b.csv", cases=5)
    data = load(tmp_path / "a.csv", "y,z", rows="cases", test=tmp_path / "b.csv")
    np.testing.assert_array_equal(data.targets, np.vstack([numbers, other])[:, 2:])
    assert (int(data.test.sum()), data.target_names) == (5, ("y", "z"))
    series = load(tmp_path / "a.csv", "y", test=tmp_path / "b.csv")
    assert series.targets.shape == (2, 1, 20)
    assert np.isnan(series.targets[1, 0, 5:]).all()
    (tmp_path / "b.csv").write_text("case,u,v,z,y\na,1,2,3,4\na,1,2,3,4\n")
    with pytest.raises(spinrnn.DataError, match="give both parts the same targets"):
        load(tmp_path / "a.csv", "y", test=tmp_path / "b.csv")


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        ("yy", "there is no yy; did you mean y?"),
        ("9", "there is no 9; known are u, v, y, z"),
        ("y,", "write names with commas between them"),
        ("y,y", "y is given twice"),
        ("y,3", "y is named twice"),
        ("u,v,y,z", "no column of numbers is left for a channel"),
    ],
)
def test_targets_that_cannot_be(tmp_path, targets, words):
    films(tmp_path / "a.csv")
    for given in (targets, targets.split(",")) if targets not in ("y,", "y,y") else (targets,):
        with pytest.raises(ValueError, match=words.replace("?", r"\?")):
            load(tmp_path / "a.csv", given)


def test_texts_are_no_targets_and_built_in_data_take_none(tmp_path):
    (tmp_path / "a.csv").write_text("case,u,y\n1,2,low\n2,3,high\n")
    with pytest.raises(spinrnn.DataError, match="targets: y is no column of numbers"):
        load(tmp_path / "a.csv", "y")
    with pytest.raises(spinrnn.DataError, match="it takes no columns, units, targets and test"):
        load("narma10", "y")
    with pytest.raises(spinrnn.DataError, match="rows: must be one of points, cases; got lines"):
        load(tmp_path / "a.csv", None, rows="lines")
    with pytest.raises(spinrnn.DataError, match="a name for each of the 2 outputs"):
        spinrnn.Dataset(np.zeros((1, 1, 1)), targets=[[1.0, 2.0]], target_names=("y",))


def test_objects_of_python_keep_the_names_too():
    rows = {"case": [0, 0, 1], "V": [1.0, 2.0, 3.0], "y": [5.0, 5.0, 6.0]}
    data = spinrnn.Dataset.of(rows, targets="y")
    assert (data.targets.tolist(), data.target_names) == ([[5.0], [6.0]], ("y",))
    assert data.take([1]).target_names == ("y",)


# ---- classification of rows ----


def test_rows_may_be_cases_of_a_classification(tmp_path):
    (tmp_path / "a.csv").write_text("label,u,v\nup,1,2\ndown,3,4\n")
    with pytest.raises(spinrnn.DataError, match="its case and label, or --rows cases where each"):
        spinrnn.load_dataset(tmp_path / "a.csv")
    data = spinrnn.load_dataset(tmp_path / "a.csv", rows="cases")
    assert (data.inputs.tolist(), data.labels.tolist()) == ([[[1], [2]], [[3], [4]]], [1, 0])


# ---- commands ----


@pytest.mark.parametrize("names", ["y,z", "3,4"])
def test_a_regression_of_a_table_by_commands_alone(tmp_path, monkeypatch, names):
    monkeypatch.chdir(tmp_path)
    films(tmp_path / "films.csv")
    given = ["--targets", names, "--rows", "cases"]
    done = here("init", "--data", "films.csv", *given, "--out", "my.toml")
    assert "a regression of 20 cases of 2 channels and 1 point" in done.stdout, done.stderr
    config = spinrnn.load_config("my.toml")
    assert (config.task.kind, config.data.targets) == ("regression", names)
    assert config.data.rows == "cases"
    small = [*SMALL, "--set", "network.readout=end", "--ensemble", "2"]
    assert here("train", "my.toml", *small, "--out", "run").returncode == 0
    plain = ["--set", "data.source=films.csv", *given, *SMALL]
    assert here("train", *plain, "--out", "plain").returncode == 0
    (tmp_path / "new.csv").write_text("v,u\n0.25,0.5\n1,2\n-1,0\n")
    for run in ("run", "plain"):
        known = open_run(run).known
        assert (known.targets, known.channels, known.points) == (("y", "z"), ("u", "v"), 1)
        done = here("predict", run, "new.csv", "--out", "answers.csv")
        assert done.returncode == 0, done.stderr
        with open("answers.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        assert list(rows[0]) == ["case", "y", "z"]
        u = np.array([[0.5, 0.25], [2, 1], [0, -1]])[:, :, None]
        outputs = spinrnn.load(run).forward(u)
        found = [[float(row["y"]), float(row["z"])] for row in rows]
        np.testing.assert_allclose(found, outputs, rtol=1e-6)
    # the targets in a file of new data are neither channels nor foreign
    done = here("predict", "plain", "films.csv")
    assert len(done.stdout.splitlines()) == 21
    assert "which the training did not have" not in done.stderr
    repeated = here("train", "--out", "plain", "--resume")
    assert repeated.returncode == 0
    assert here("evaluate", "plain").returncode == 0
    assert here("simulate", "plain", "--input", "new.csv", "--out", "t.h5").returncode == 0
    assert repr(spinrnn.predict("plain", "new.csv")) == "<Prediction of 3 cases, y, z>"


@pytest.mark.filterwarnings("always::spinrnn.errors.DataNote")
def test_what_a_user_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    films(tmp_path / "a.csv")
    source = ["--set", "data.source=a.csv"]
    done = here("train", *source, "--set", "task.kind=regression", "--out", "run")
    assert 'name columns of a table, as in --targets y (data.targets = "y")' in done.stderr
    done = here("init", "--data", "a.csv", "--out", "b.toml")
    assert "or name the columns of a regression's targets, --targets" in done.stderr
    done = here("check", *source, "--targets", "y")
    assert "all rows are one case; --rows cases takes each as one" in done.stdout
    told = here("look", "a.csv", "--targets", "y", "--rows", "cases").stdout
    assert "yes  training (regression)" in told
    refused(here("train", *source, "--targets", "y", "--set", "data.targets=z"), "give one of them")
    refused(here("look", "a.csv", "--targets", "y,"), "--targets: write names with commas")


def test_numbers_of_a_network_without_time_are_counted_rightly(tmp_path):
    data = spinrnn.Dataset(np.zeros((20, 3, 1)), targets=np.arange(20.0))
    config = spinrnn.RunConfig(
        spinrnn.FeedforwardConfig(layers=(3,)), spinrnn.TrainConfig(epochs=1), task="regression"
    )
    spinrnn.train(config, tmp_path / "run", data=data, pictures=False)
    films(tmp_path / "a.csv", cases=5)
    done = here("predict", tmp_path / "run", tmp_path / "a.csv")
    words = "a case has 4 channels (u, v, y, z) of 5 points, 20 numbers, the network reads 3"
    assert words in done.stderr
    done = here("predict", tmp_path / "run", tmp_path / "a.csv", "--rows", "cases")
    assert "a case has 4 channels (u, v, y, z), the network reads 3" in done.stderr
