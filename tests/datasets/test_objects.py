"""Data sets of objects of pandas and xarray, and of dictionaries: the same numbers, whatever the
order of axes and rows.
"""

import itertools
import subprocess
import sys
import warnings

import numpy as np
import pytest

import spinrnn
from spinrnn.errors import DataNote

pytestmark = pytest.mark.filterwarnings("ignore::spinrnn.errors.DataNote")
X = np.random.default_rng(0).normal(size=(3, 2, 4))
LABELS = ["b", "a", "b"]


def frame(short=True):
    """The cases in a long table, the last one shorter; the row's number is the time."""
    pandas = pytest.importorskip("pandas")
    rows = [
        {"case": f"c{c}", "label": LABELS[c], "time": 1e-9 * t, "V": X[c, 0, t], "I": X[c, 1, t]}
        for c, t in itertools.product(range(3), range(4))
        if not (short and c == 2 and t == 3)
    ]
    return pandas.DataFrame(rows)


def test_a_long_table():
    with pytest.warns(DataNote, match="DataFrame: channels are V, I"):
        data = spinrnn.Dataset.of(frame())
    assert np.array_equal(data.inputs[:2], X[:2])
    assert np.array_equal(data.inputs[2, :, :3], X[2, :, :3])
    assert data.lengths.tolist() == [4, 4, 3]
    assert (data.labels.tolist(), data.classes) == ([1, 0, 1], ("a", "b"))


def test_an_index_with_names_is_columns():
    data = spinrnn.Dataset.of(frame(False).set_index(["case", "time"]))
    assert np.array_equal(data.inputs, X)


def test_words_among_the_numbers_of_a_frame():
    """As pandas.read_csv gives a column with a word in it."""
    table = frame(short=False)
    table["V"] = [*map(str, range(6)), "n.d.", *map(str, range(5))]
    told = "DataFrame: V: n.d. in row 6 is no number; write numbers or leave such cells empty"
    with pytest.raises(spinrnn.DataError, match=told):
        spinrnn.Dataset.of(table)


def test_kinds_of_columns():
    """Missing numbers, categories in an order of their own, dates, truth values, whole numbers
    that may be missing.
    """
    pandas = pytest.importorskip("pandas")
    table = frame(False)
    table["label"] = pandas.Categorical(table.label, ["z", "b", "a"])
    table["time"] = pandas.Timestamp("2026-01-01") + pandas.to_timedelta(table.time * 1e9, "us")
    table["on"] = table.V > 0
    table["count"] = pandas.array(range(12), dtype="Int64")
    table["test"] = table.case == "c1"
    table.loc[5, "V"] = np.nan
    table.loc[5, "count"] = pandas.NA
    with pytest.raises(
        spinrnn.DataError, match="2 values are missing, the first is case c1, channel V, point 1"
    ):
        spinrnn.Dataset.of(table)
    data = spinrnn.Dataset.of(table, missing="linear")
    assert data.classes == ("b", "a")
    assert data.inputs.shape == (3, 4, 4)
    assert data.inputs[1, 0, 1] == pytest.approx((X[1, 0, 0] + X[1, 0, 2]) / 2)
    assert np.array_equal(data.inputs[:, 2], X[:, 0] > 0) or np.isnan(X[1, 0, 1])
    assert data.inputs[1, 3].tolist() == [4, 5, 6, 7]
    assert data.test.tolist() == [False, True, False]


def test_targets_of_a_long_table():
    table = frame()
    table["q"] = table.case.map({"c0": 1.5, "c1": 2.5, "c2": 4.0})
    table["y"] = np.arange(11.0)
    one = spinrnn.Dataset.of(table, targets="q")
    assert one.targets.tolist() == [[1.5], [2.5], [4.0]]
    assert one.inputs.shape == (3, 3, 4)
    both = spinrnn.Dataset.of(table, targets=["y", "q"])
    assert both.inputs.shape == (3, 2, 4)
    assert both.targets[1, 0].tolist() == [4, 5, 6, 7]
    assert both.targets[1, 1].tolist() == [2.5] * 4
    assert both.targets[2, 0, :3].tolist() == [8, 9, 10]
    for targets, text in (("z", "there is no z"), ("V2", "there is no V2")):
        with pytest.raises(spinrnn.DataError, match=text):
            spinrnn.Dataset.of(table, targets=targets)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_dimensions_in_any_order(order):
    xarray = pytest.importorskip("xarray")
    dims = np.array(["case", "channel", "time"])[list(order)]
    array = xarray.DataArray(X.transpose(order), dims=dims, coords={"label": ("case", LABELS)})
    data = spinrnn.Dataset.of(array)
    assert np.array_equal(data.inputs, X)
    assert data.labels.tolist() == [1, 0, 1]
    named = array.rename("voltage").rename({"channel": "Feature"})
    assert np.array_equal(spinrnn.Dataset.of(named).inputs, X)


def test_arrays_without_some_axes():
    xarray = pytest.importorskip("xarray")
    assert spinrnn.Dataset.of(xarray.DataArray(X[:, 0], dims=("case", "time"))).inputs.shape == (
        3, 1, 4,
    )  # fmt: skip
    one = spinrnn.Dataset.of(xarray.DataArray(X[0].T, dims=("time", "channel")))
    assert np.array_equal(one.inputs[0], X[0])
    short = X.copy()
    short[1, :, 2:] = np.nan
    found = spinrnn.Dataset.of(xarray.DataArray(short, dims=("case", "channel", "time")))
    assert found.lengths.tolist() == [4, 2, 4]


def test_variables_are_channels_or_targets():
    xarray = pytest.importorskip("xarray")
    made = xarray.Dataset(
        {
            "V": (("time", "case"), X[:, 0].T),
            "clock": ("time", np.arange(4.0)),
            "y": (("case", "time"), X[:, 1]),
            "q": ("case", [1.0, 2.0, 3.0]),
            "image": (("case", "pixel"), np.zeros((3, 7))),
        },
        {"label": ("case", LABELS), "test": ("case", [0, 1, 0]), "time": np.arange(4)},
    )
    data = spinrnn.Dataset.of(made, targets="y")
    assert np.array_equal(data.inputs[:, 0], X[:, 0])
    assert (data.inputs[:, 1] == np.arange(4)).all()
    assert np.array_equal(data.targets, X[:, None, 1])
    assert data.test.tolist() == [False, True, False]
    assert spinrnn.Dataset.of(made, targets="q").targets.tolist() == [[1], [2], [3]]
    targets = (("case", "output"), np.arange(6.0).reshape(3, 2))
    inputs = (("channel", "case", "time"), X.transpose(1, 0, 2))
    whole = xarray.Dataset({"inputs": inputs, "targets": targets})
    data = spinrnn.Dataset.of(whole)
    assert np.array_equal(data.inputs, X)
    assert data.targets.tolist() == [[0, 1], [2, 3], [4, 5]]


def test_dictionaries():
    data = spinrnn.Dataset.of({"inputs": X, "labels": [1, 2, 1]})
    assert data.labels.tolist() == [1, 2, 1]
    masked = np.ma.masked_greater(X, 1.0)
    assert masked.mask.any()
    with pytest.raises(spinrnn.DataError, match="values are missing"):
        spinrnn.Dataset.of({"inputs": masked, "labels": LABELS})
    table = {name: column.to_numpy() for name, column in frame(False).items()}
    assert np.array_equal(spinrnn.Dataset.of(table).inputs, X)
    assert spinrnn.Dataset.of({"X": X, "y": LABELS}).classes == ("a", "b")


def test_what_is_no_data():
    pandas = pytest.importorskip("pandas")
    xarray = pytest.importorskip("xarray")
    table = frame()
    wrong = [
        (X, "must be a DataFrame of pandas, .*; got ndarray"),
        (table.V, "got Series"),
        (pandas.DataFrame([[1, 2]], columns=["V", "V"]), "V is there twice"),
        (table.sort_values("V"), "the time does not increase"),
        (table.drop(columns=["V", "I"]), "no column of numbers is left"),
        (xarray.DataArray(X, dims=("a", "b", "c")), "inputs has the dimensions a, b, c, not case"),
        (xarray.DataArray(X[:, 0], dims=("case", "channel")), "must have the dimensions case, ch"),
        (xarray.DataArray(X, dims=("case", "time", "t")), "has the dimensions case, time, t"),
        ({"inputs": X, "labels": [1, 2]}, "labels must be 3 whole numbers"),
    ]
    for data, text in wrong:
        with pytest.raises(spinrnn.DataError, match=text):
            spinrnn.Dataset.of(data)
    with pytest.raises(spinrnn.DataError, match="missing: must be one of refuse, linear, hold"):
        spinrnn.Dataset.of(table, missing="drop")


def test_neither_library_is_imported():
    code = """
import sys, numpy as np, spinrnn
spinrnn.Dataset.of({"inputs": np.zeros((3, 1, 2)), "labels": [0, 1, 0]})
print({"pandas", "xarray"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "set()\n", done.stderr


def test_a_case_without_any_target_has_none_at_its_end():
    pandas = pytest.importorskip("pandas")
    y = [np.nan, np.nan, 2, 2]
    table = pandas.DataFrame({"case": [0, 0, 1, 1], "u": [1.0, 2, 3, 4], "y": y})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = spinrnn.Dataset.of(table, targets="y")
        np.testing.assert_array_equal(data.targets, [[np.nan], [2]])
        with pytest.raises(spinrnn.DataError, match="has no row"):
            spinrnn.Dataset.of(table.iloc[:0])
