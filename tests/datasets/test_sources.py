"""Data as they lie: archives' pairs of files, tables, folders of files, MATLAB and
netCDF; what is ambiguous is refused with what was seen and what is wanted.
"""

import dataclasses
import re
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
from scipy.io import wavfile

import spinrnn
from spinrnn.datasets.cases import files_of, of_files
from spinrnn.datasets.known import Known
from spinrnn.datasets.loading import load_inputs
from spinrnn.datasets.series import Series, padded, without_gaps
from spinrnn.datasets.tables import of_columns
from spinrnn.errors import DataNote
from spinrnn.readers.columns import NONE
from spinrnn.readers.table import Table

TS = "@problemName A\n@univariate true\n@classLabel true {}\n@data\n"


@pytest.fixture(autouse=True)
def notes():
    """Sentences that loading said, instead of warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataNote)
        yield lambda: " | ".join(str(warning.message) for warning in caught)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def refused(source, words, **options):
    with pytest.raises(spinrnn.DataError, match=words) as caught:
        spinrnn.load_dataset(source, **options)
    assert "\n" not in str(caught.value)


# ---- archives ----


@pytest.mark.parametrize("source", ["A_TRAIN.ts", "A", "."])
def test_the_pair_of_an_archive(tmp_path, notes, source):
    write(tmp_path / "A_TRAIN.ts", TS.format("b a") + "1,2,3:a\n4,5,6:b\n")
    write(tmp_path / "A_TEST.ts", TS.format("a b c") + "7,8:c\n")
    data = spinrnn.load_dataset(tmp_path / source)
    np.testing.assert_array_equal(data.inputs[:, 0], [[1, 2, 3], [4, 5, 6], [7, 8, np.nan]])
    assert data.labels.tolist() == [1, 0, 2]
    assert data.classes == ("b", "a", "c")
    assert data.lengths.tolist() == [3, 3, 2]
    assert data.test.tolist() == [False, False, True]
    assert "the test part is A_TEST.ts" in notes()


def test_parts_alone(tmp_path, notes):
    train = write(tmp_path / "A_TRAIN.ts", TS.format("b a") + "1,2,3:a\n4,5,6:b\n")
    data = spinrnn.load_dataset(train)
    assert data.test is None
    assert data.lengths is None
    assert "no file TEST beside it" in notes()
    test = write(tmp_path / "A_TEST.ts", TS.format("b a") + "7,8,9:a\n")
    assert len(spinrnn.load_dataset(test)) == 1
    write(test, "@classLabel true a b\n@data\n7,8:9,1:a\n")
    refused(train, "the parts have 1 and 2 channels")


def test_rows_of_the_ucr(tmp_path, notes):
    train = write(tmp_path / "A_TRAIN.tsv", "2\t0.5\t1.5\tNaN\n-1\t2.5\t3.5\t4.5\n")
    write(tmp_path / "A_TEST.tsv", "2\t0.5\t1.5\t7\n5\t1\t1\t1\n")
    data = spinrnn.load_dataset(train)
    assert data.lengths.tolist() == [2, 3, 3, 3]
    assert data.labels.tolist() == [1, 0, 1, 2]
    assert data.classes == ("-1", "2", "5")
    assert data.inputs[1, 0].tolist() == [2.5, 3.5, 4.5]
    assert "the first column is the label of its row" in notes()
    write(train, "  1  0.5 1.5\n  2  2.5 3.5\n").rename(tmp_path / "a.txt")
    assert spinrnn.load_dataset(tmp_path / "a.txt").classes == ("1", "2")
    write(train, "0.1\t0.5\t1.5\n0.2\t2.5\t3.5\n")
    refused(train, r"its first column is no label of each row \(0.1\)")
    write(train, "1\t0.5\t1.5\n2\tNaN\tNaN\n3\t2\t3\n")
    refused(train, "case 1 has no value")


@pytest.mark.parametrize(
    ("head", "rows"),
    [
        ("label,0,1,2", "up,0.5,1,2\ndown,3,1,2\n"),
        ("label,1,2,3", "up,0.5,1,2\ndown,3,1,2\n"),
        ("0,1,2,Class", "0.5,1,2,up\n3,1,2,down\n"),
        ("class,0,1,2", "8,0.5,1,2\n7,3,1,2\n"),
        ("label,0,1,2", "up,5,1,2\ndown,3,1,2\n"),
    ],
)
def test_a_head_that_counts_the_points_is_no_case(tmp_path, notes, head, rows):
    path = write(tmp_path / "a.csv", f"{head}\n{rows}")
    data = spinrnn.load_dataset(path)
    assert data.classes == (("7", "8") if rows[0] == "8" else ("down", "up"))
    assert data.labels.tolist() == [1, 0]
    assert data.inputs.tolist() == [[[0.5 if "0.5" in rows else 5, 1, 2]], [[3, 1, 2]]]
    name = next(cell for cell in head.split(",") if not cell.isdigit())
    assert f"the column {name} is the label of its row" in notes()
    # a word that is no name of labels is a label
    if rows.startswith("up"):
        write(path, f"{head.replace('label', 'side')}\n{rows}")
        assert spinrnn.load_dataset(path).classes == ("down", "side", "up")
    write(path, "label,0,1,2\n0.5,0.5,1,2\n1.5,3,1,2\n")
    refused(path, r"its column label is no label of each row \(0.5\); write whole numbers or words")


def test_missing_values_are_refused_or_filled_by_a_rule(tmp_path):
    path = write(tmp_path / "a.ts", TS.format("a b") + "?,2,?,?,8,?:a\n1,2,3,NaN:b\n")
    refused(path, "5 values are missing, the first is case 0, channel 0, point 0; .*linear")
    refused(path, "missing: must be one of refuse, linear, hold; got mean", missing="mean")
    linear = spinrnn.load_dataset(path, missing="linear")
    np.testing.assert_array_equal(linear.inputs[0, 0], [2, 2, 4, 6, 8, 8])
    np.testing.assert_array_equal(linear.inputs[1, 0], [1, 2, 3, 3, np.nan, np.nan])
    hold = spinrnn.load_dataset(path, missing="hold")
    np.testing.assert_array_equal(hold.inputs[0, 0], [2, 2, 2, 2, 8, 8])
    write(path, TS.format("a") + "?,?:a\n")
    refused(
        path, "case 0, channel 0 has no value; there is no other point to fill", missing="linear"
    )


def test_targets_of_a_regression(tmp_path):
    path = write(tmp_path / "a.ts", "@targetLabel true\n@data\n1,2:0.5\n3,4:-1\n")
    data = spinrnn.load_dataset(path)
    assert data.inputs.tolist() == [[[1, 2]], [[3, 4]]]
    assert data.targets.tolist() == [[0.5], [-1]]
    assert data.labels is None
    np.savez(tmp_path / "a.npz", inputs=np.zeros((2, 1, 3)), targets=np.zeros((3, 1)))
    refused(tmp_path / "a.npz", r"targets must be numbers \(case, output\) or")


def test_labels_at_every_point(tmp_path):
    labels = np.array([[0, 1, 1], [1, -1, 0]])
    np.savez(tmp_path / "a.npz", inputs=np.zeros((2, 1, 3)), labels=labels)
    data = spinrnn.load_dataset(tmp_path / "a.npz")
    assert data.labels.tolist() == labels.tolist()
    assert data.classes is None


@pytest.mark.parametrize("rule", ["refuse", "linear", "hold"])
def test_a_gap_where_a_case_has_one_point_cannot_be_filled(tmp_path, rule):
    path = write(tmp_path / "a.csv", "case,label,x,y\nW1,u,1,2\nW2,d,3,\nW3,u,5,6\n")
    with pytest.raises(spinrnn.DataError, match="case W2, channel y") as caught:
        spinrnn.load_dataset(path, missing=rule)
    assert "there is no other point to fill it from, so write the value or" in str(caught.value)
    assert "linear" not in str(caught.value)


# ---- tables ----

LONG = """case,Time,x,label,y,test,remark
b,0,1,up,10,0,q
b,1,2,up,20,0,q
a,0,5,down,50,1,q
b,2,3,up,30,0,q
a,1,6,down,60,1,q
"""


def test_a_long_table(tmp_path, notes):
    data = spinrnn.load_dataset(write(tmp_path / "a.csv", LONG))
    nan = np.nan
    np.testing.assert_array_equal(
        data.inputs, [[[1, 2, 3], [10, 20, 30]], [[5, 6, nan], [50, 60, nan]]]
    )
    assert data.classes == ("down", "up")
    assert (data.labels.tolist(), data.lengths.tolist()) == ([1, 0], [3, 2])
    assert data.test.tolist() == [False, True]
    assert "channels are x, y" in notes()
    assert "left out: remark" in notes()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("case,", "kase,", "without a column case; give each row its case"),
        ("label", "lable", "without a column label"),
        ("a,1,6,down", "a,1,6,up", "case a has several values of label: down, up"),
        ("b,2,", "b,1,", "in case b the time does not increase after its point 1"),
        ("a,1,6,down,60,1", "a,1,6,down,60,0", "case a has several values of test"),
        ("remark", "class", "label, class may all be the label"),
        ("x,", "class_x,", None),
        (
            "b,1,2,up,20",
            "b,1,2,up,",
            "1 value is missing, the first is case b, channel y, point 1; .*linear",
        ),
    ],
)
def test_a_long_table_that_does_not_fit(tmp_path, old, new, words):
    path = write(tmp_path / "a.csv", LONG.replace(old, new))
    if words is None:
        assert spinrnn.load_dataset(path).inputs.shape == (2, 2, 3)
    else:
        refused(path, words)


ONE_PLACE = "most cases stand in one place"
SEVERAL = "most cases have one row, so one point; several have b (lines 3 to 4)"


@pytest.mark.parametrize(
    ("cases", "told"),
    [
        ("abcdbe", f"case b (lines 3, 6) stands twice, while {ONE_PLACE}; name them apart"),
        ("abcbdefd", f"cases b (lines 3, 5), d (lines 6, 9) stand twice, while {ONE_PLACE}; name"),
        ("abcbdbebfgh", f"case b (lines 3, 5, 7 ...) stands twice, while {ONE_PLACE}; name"),
        ("aabbccaa", f"case a (lines 2 to 3, 8 to 9) stands twice, while {ONE_PLACE}; name"),
        # in turns, and of several lengths
        ("abcabc", None),
        ("aabbbc", None),
        ("abbcde", None),
    ],
)
def test_a_case_that_stands_twice_in_a_table(tmp_path, notes, cases, told):
    rows = [(case, "up" if case in "ace" else "down", k) for k, case in enumerate(cases)]
    path = write(
        tmp_path / "a.csv", "case,label,x\n" + "".join(f"{a},{b},{c}\n" for a, b, c in rows)
    )
    timed = "case,label,x,time\n" + "".join(f"{a},{b},{c},{c}\n" for a, b, c in rows)
    assert len(spinrnn.load_dataset(write(tmp_path / "b.csv", timed))) == len(set(cases))
    if told is not None:
        refused(path, re.escape(told))
    else:
        assert len(spinrnn.load_dataset(path)) == len(set(cases))
        assert (SEVERAL in notes()) == (cases == "abbcde")


WORDS = "write numbers or leave such cells empty, or take a column of texts out of the file"


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ("1 n.d. 2 n.d. 3 n.d.", "a: n.d. in line 3 is no number, and 2 more such cells; "),
        ("n.d. bad bad 2 bad n.d.", "a: n.d. in line 2 is no number, and 4 more such cells; "),
        ("bad nan 1 1 - -", "a: bad in line 2 is no number, and 2 more such cells; "),
        ("one two three four five six", None),
        ("one two three nan NA n/a", None),
    ],
)
def test_words_among_numbers_are_no_column_of_texts(tmp_path, notes, cells, told):
    """A column that may be a channel is not left out by a note."""
    rows = [f"{k}\t{'ud'[k % 2]}\t{cell}\t{k}" for k, cell in enumerate(cells.split())]
    path = tmp_path / "one.csv"
    path.write_text("\n".join(["case\tlabel\ta\tb", *rows]) + "\n")
    if told is None:
        assert spinrnn.load_dataset(path).channels == ("b",)
        assert "left out: a, which is no number" in notes()
        return
    refused(path, re.escape(told + WORDS))
    # a training that had no such channel, or another name for it
    assert load_inputs(str(path), known=Known(channels=("b",))).channels == ("b",)
    with pytest.raises(spinrnn.DataError, match=re.escape(told)):
        load_inputs(str(path), known=Known(channels=("a", "b")))
    refused(path, re.escape(f"c{told[1:]}"), columns="c=a")


def test_words_among_numbers_in_a_folder(tmp_path):
    for k, kind in enumerate("uudd"):
        (tmp_path / kind).mkdir(exist_ok=True)
        (tmp_path / kind / f"{k}.csv").write_text("t,a,b\n0,1,2\n1,n.d.,3\n")
    refused(tmp_path, r"\d.csv: a: n.d. in line 3 is no number; write numbers or leave")


def test_one_series_is_one_case(tmp_path, notes):
    path = write(tmp_path / "table.txt", "# t (s)\tmx ()\n0\t0.5\n1e-9\t0.25\n3e-9\t0\n")
    refused(path, "one table of the columns t, mx, without a column case and without a column lab")
    data = spinrnn.load_dataset(path, labelled=False)
    assert data.inputs.tolist() == [[[0.5, 0.25, 0]]]
    assert data.labels is None
    assert "the times of 1 case are not even" in notes()
    assert "no column case, so all rows are one case" in notes()


@pytest.mark.parametrize(
    ("numbers", "cases"), [(2, [[[1], [2]], [[3], [4]]]), (4, [[[1, 3], [2, 4]]])]
)
def test_each_row_is_a_case_where_it_has_all_numbers_that_one_takes(numbers, cases):
    arrays = {"x": np.array([1.0, 3.0]), "y": np.array([2.0, 4.0])}
    asked = dataclasses.replace(NONE, numbers=numbers)
    found, _, _ = of_columns(Table(Path("a.csv"), arrays), False, asked)
    assert found.inputs.tolist() == cases


def test_cases_are_numbered_as_they_begin(tmp_path):
    text = "case;label;u\n10;1;0,5\n9;2;1,5\n10;1;2,5\n9;2;3,5\n"
    data = spinrnn.load_dataset(write(tmp_path / "a.csv", text))
    assert data.inputs.tolist() == [[[0.5, 2.5]], [[1.5, 3.5]]]
    assert (data.labels.tolist(), data.classes) == ([0, 1], ("1", "2"))


@pytest.mark.parametrize(
    ("ids", "names"),
    [
        (("9007199254740992", "9007199254740993"), None),
        (("007", "7"), None),
        (("7", "07"), None),
        (("1.0", "2.0"), ("1", "2")),
        (("1", "1.5"), None),
    ],
)
def test_cases_are_told_apart_by_their_texts(tmp_path, ids, names):
    """As the file has them, also under another name and beside a column that is not read."""
    one, other = ids
    rows = f"{one},a,1,5\n{other},b,2,6\n{one},a,3,7\n{other},b,4,8\n"
    for heads, columns in (("case,label,x,y", NONE), ("id,kind,x,y", "case=1,label=kind")):
        path = write(tmp_path / "a.csv", f"{heads}\n{rows}")
        data = spinrnn.load_dataset(path, columns=columns)
        assert data.inputs.tolist() == [[[1, 3], [5, 7]], [[2, 4], [6, 8]]]
        assert data.names == (names or ids)


def test_the_same_whole_number_with_and_without_a_fraction_is_one_case(tmp_path):
    for text in ("case,label,x\n1,a,1\n2,b,2\n1.0,a,3\n", "case;label;x\n1;a;1\n2;b;2\n1,0;a;3\n"):
        data = spinrnn.load_dataset(write(tmp_path / "a.csv", text))
        assert (data.names, data.lengths.tolist()) == (("1", "2"), [2, 1])


def test_a_column_that_is_left_out_does_not_shift_the_texts(tmp_path):
    long = "w" * 300_000
    ids = ["7", "07"] * 9
    rows = "".join(f"{long if k == 0 else 'v'},{case},a,{k}\n" for k, case in enumerate(ids))
    data = spinrnn.load_dataset(write(tmp_path / "a.csv", f"remark,case,label,x\n{rows}"))
    assert data.names == ("7", "07")
    assert data.inputs[1, 0].tolist() == list(range(1, 18, 2))


def test_numbers_of_cases_beyond_those_that_floats_tell_apart_are_refused():
    large = np.array([2.0**53, 2.0**53 + 2])
    arrays = {"case": large, "label": np.array([0.0, 1.0]), "x": np.arange(2.0)}
    with pytest.raises(
        spinrnn.DataError, match="case is 9007199254740992 in row 0 of data; numbers"
    ):
        of_columns(Table(Path("a.lvm"), arrays), True)
    small = {**arrays, "case": large - 3}
    assert of_columns(Table(Path("a.lvm"), small), True)[0].names == (
        "9007199254740989",
        "9007199254740991",
    )


def test_a_time_in_capital_letters_is_told():
    arrays = {"T": np.arange(3.0), "x": np.ones(3)}
    _, _, said = of_columns(Table(Path("a.csv"), arrays), False, NONE)
    assert "T is the time; where it is a channel: --columns T=T" in said
    _, _, said = of_columns(Table(Path("a.csv"), {"t": arrays["T"], "x": arrays["x"]}), False, NONE)
    assert not [text for text in said if "is the time" in text]


@pytest.mark.parametrize(
    ("head", "columns", "channels"),
    [
        ("T (K)", None, ("T", "R")),
        ("T (mT)", None, ("T", "R")),
        ("T (J/m3)", None, ("T", "R")),
        ("t (degC)", None, ("t", "R")),
        ("T", None, ("R",)),
        ("T (ns)", None, ("R",)),
        ("T (a.u.)", None, ("R",)),
        ("T", "T=T", ("T", "R")),
        ("T (ns)", "T=1", ("T", "R")),
        ("T (K)", "time=T", ("R",)),
        ("T (K)", "t=T", ("R",)),
    ],
)
def test_a_time_is_in_a_unit_of_time_unless_the_user_says_it(tmp_path, head, columns, channels):
    rows = "".join(f"{k},{k % 3},{k},{'ud'[k % 2]}\n" for k in range(8))
    path = write(tmp_path / "a.csv", f"{head},R,case,label\n{rows}")
    data = spinrnn.load_dataset(path, columns=columns or NONE)
    assert (data.channels, len(data)) == (channels, 8)
    for k, kind in enumerate("ud"):
        write(tmp_path / "f" / kind / f"{k}.csv", f"{head},R\n0,1\n1,3\n")
    assert spinrnn.load_dataset(tmp_path / "f", columns=columns or NONE).channels == channels
    # runs of earlier versions are read as they were
    if columns is None:
        asked = dataclasses.replace(NONE, heads=False)
        assert spinrnn.load_dataset(path, columns=asked).channels == ("R",)


def test_a_channel_of_the_training_is_neither_time_nor_label():
    arrays = {"T": np.arange(3.0), "x": np.ones(3), "class": np.full(3, 2.0)}
    asked = dataclasses.replace(NONE, channels=("class", "T"))
    found, _, said = of_columns(Table(Path("a.csv"), arrays), False, asked)
    assert found.inputs.tolist() == [[[2, 2, 2], [0, 1, 2]]]
    assert (found.channels, found.labels) == (("class", "T"), None)
    assert "left out: x, which the training did not have" in said


def test_nor_is_it_in_a_folder(tmp_path):
    write(tmp_path / "up" / "1.csv", "T,x\n5,1\n6,2\n7,4\n")
    asked = dataclasses.replace(NONE, channels=("x", "T"))
    found = of_files(tmp_path, files_of(tmp_path), False, asked)[0]
    assert found.inputs.tolist() == [[[1, 2, 4], [5, 6, 7]]]


def test_a_folder_without_heads_fits_where_it_has_as_many_channels(tmp_path):
    write(tmp_path / "up" / "1.csv", "5.5,1\n6.5,3\n8.5,4\n")
    asked = dataclasses.replace(NONE, channels=("x", "y"))
    assert of_files(tmp_path, files_of(tmp_path), False, asked)[0].inputs.shape == (1, 2, 3)
    asked = dataclasses.replace(NONE, channels=("x", "y", "z"))
    with pytest.raises(spinrnn.DataError, match="x, y, z are missing among"):
        of_files(tmp_path, files_of(tmp_path), False, asked)


ROWS = "5.5,1\n6.5,3\n9.5,4\n"
"""Without names, and no time."""


@pytest.mark.parametrize(
    ("text", "channels", "found"),
    [
        (ROWS, ("x", "y"), [[5.5, 6.5, 9.5], [1, 3, 4]]),
        (ROWS.replace("\n", ",2\n"), ("x", "y", "z"), [[5.5, 6.5, 9.5], [1, 3, 4], [2, 2, 2]]),
        ("y,x\n" + ROWS, ("x", "y"), [[1, 3, 4], [5.5, 6.5, 9.5]]),
        (ROWS, ("x", "y", "z"), "x, y, z are missing among the columns column_1, column_2"),
        ("0,5.5\n1,3\n2,4\n", ("x", "y"), "its first column increases evenly; is it the time?"),
        ("0,5,1\n1,3,2\n2,4,5\n", ("x", "y"), "increases evenly; is it the time? Write a row"),
        ("x,y\n1,low\n2,high\n", ("x", "y"), "y holds no numbers; give a column of numbers for"),
        ("x,y\n1,low\n2,high\n", ("x", "z"), "z is missing among the columns x; give a column"),
        # a column is named in a hint only where it may be meant
        ("zeta,y\n1,2\n", ("x", "y"), "x is missing among the columns zeta, y; columns are named by"
         " --columns, as in x=NAME"),
        ("zeta,volts,y\n1,2,3\n", ("volt", "y"), "as in volt=volts"),
        ("zeta,Y\n1,2\n", ("x", "y"), "x, y are missing among the columns zeta, Y; columns are"
         " named by --columns, as in y=Y"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["1.csv", "up/1.csv"])
def test_a_file_for_a_training_with_names_is_the_same_alone_and_in_a_folder(
    tmp_path, notes, place, text, channels, found
):
    path = write(tmp_path / place, text)
    source = tmp_path if "/" in place else path
    load = lambda: load_inputs(str(source), known=Known(channels=channels, units=("",)))
    if isinstance(found, str):
        with pytest.raises(spinrnn.DataError) as error:
            load()
        assert f"{path}: " in str(error.value)
        assert found in str(error.value)
        return
    data = load()
    assert data.inputs.tolist() == [found]
    named = text[0] == "y"
    assert data.channels == (channels if named else None)
    told = f"columns without names are taken as {', '.join(channels)}"
    assert (told in notes()) == (not named)


def test_hints_of_arrays_name_a_channel_that_may_be_meant():
    for own, hint in ((("voltage", "q"), "as in volt=voltage"), (("q", "r"), "as in volt=NAME")):
        data = spinrnn.Dataset(np.zeros((1, 2, 3)), channels=own)
        with pytest.raises(spinrnn.DataError, match=hint):
            Known(channels=("volt", "x")).matched(data)


# ---- folders ----


def test_a_folder_of_tables_by_class(tmp_path, notes):
    for name, values in (("up/1", (1, 2)), ("up/2", (3, 4, 5)), ("down/1", (6, 7))):
        rows = "".join(f"{k}e-9,{v},{-v}\n" for k, v in enumerate(values))
        write(tmp_path / f"{name}.csv", "time,x,y\n" + rows)
    write(tmp_path / "README.md", "about")
    write(tmp_path / "up/.hidden.csv", "x")
    data = spinrnn.load_dataset(tmp_path)
    np.testing.assert_array_equal(data.inputs[:, 0], [[6, 7, np.nan], [1, 2, np.nan], [3, 4, 5]])
    np.testing.assert_array_equal(data.inputs[1, 1], [-1, -2, np.nan])
    assert (data.labels.tolist(), data.classes) == ([0, 1, 1], ("down", "up"))
    assert data.test is None
    assert "3 files, channels are x, y" in notes()
    write(tmp_path / "up/3.csv", "time,x,z\n0,1,2\n1,2,3\n")
    refused(tmp_path, r"3\.csv: has the channels x, z, the first file has x, y")


@pytest.mark.parametrize("names", [("train", "test"), ("Train", "TEST")])
def test_a_folder_of_sounds_in_two_parts(tmp_path, names):
    for part, shift in zip(names, (0, 100), strict=True):
        for label in "10", "9":
            (tmp_path / part / label).mkdir(parents=True)
            samples = np.array([int(label), 16384], np.int16) + np.int16(shift)
            wavfile.write(tmp_path / part / label / "a.wav", 8000, samples)
    data = spinrnn.load_dataset(tmp_path)
    assert (data.inputs[:, 0, 0] * 32768).tolist() == [10, 9, 110, 109]
    assert data.classes == ("9", "10")
    assert data.labels.tolist() == [1, 0, 1, 0]
    assert data.test.tolist() == [False, False, True, True]


def test_folders_that_are_ambiguous(tmp_path, notes):
    write(tmp_path / "a.csv", "x\n1.5\n2.5\n")
    refused(tmp_path, "its files are in no folders of classes")
    assert spinrnn.load_dataset(tmp_path, labelled=False).inputs.tolist() == [[[1.5, 2.5]]]
    write(tmp_path / "up/b.csv", "x\n1.5\n2.5\n")
    refused(tmp_path, "holds the files a.csv beside folders of classes")
    (tmp_path / "a.csv").unlink()
    write(tmp_path / "down/b.tsv", "x\n1.5\n2.5\n")
    refused(tmp_path, r"holds files of the kinds \.csv, \.tsv; leave one kind")
    write(tmp_path / "down/b.tsv", "").unlink()
    write(tmp_path / "up/b.csv", "0,1.5\n1,2.5\n2,4.5\n")
    refused(tmp_path, "its first column increases evenly; is it the time")
    write(tmp_path / "up/b.csv", "time,x\n0,1\n1,2\n")
    write(tmp_path / "up/c.csv", "time,x\n0,1\n2,2\n")
    spinrnn.load_dataset(tmp_path)
    assert "the step in time differs from file to file, 1 to 2" in notes()


@pytest.mark.parametrize(
    ("head", "step", "found", "told"),
    [
        ("t (us)", 2000, (0.002, "s"), None),
        ("t (us)", 2, (0.001001, "s"), "step in time differs from file to file, 2e-06 to 0.002 s"),
        ("t", 2, (2.0, "ms"), "unit of the time differs from file to file, none, ms: steps cannot"),
    ],
)
def test_steps_of_files_are_compared_in_one_unit(tmp_path, notes, head, step, found, told):
    write(tmp_path / "up/b.csv", "t (ms),x\n0,1\n2,2\n")
    write(tmp_path / "up/c.csv", f"{head},x\n0,1\n{step},2\n")
    number, unit = spinrnn.load_dataset(tmp_path).step
    assert (pytest.approx(number), unit) == found
    assert told in notes() if told else "time" not in notes()


def test_an_empty_folder_is_told(tmp_path):
    with pytest.raises(spinrnn.StoreError, match=r"no files of data; wanted are .*MNIST's IDX"):
        spinrnn.load_dataset(tmp_path)


# ---- arrays ----


def test_matlab(tmp_path):
    inputs = np.arange(24.0).reshape(3, 2, 4)
    arrays = {"inputs": inputs, "labels": [[3, 1, 3]], "lengths": [[4.0, 3, 4]]}
    scipy.io.savemat(tmp_path / "a.mat", arrays)
    data = spinrnn.load_dataset(tmp_path / "a.mat")
    np.testing.assert_array_equal(data.inputs, inputs)
    assert (data.labels.tolist(), data.classes) == ([1, 0, 1], ("1", "3"))
    assert data.lengths.tolist() == [4, 3, 4]
    assert data.lengths.dtype.kind == "i"


def test_netcdf(tmp_path):
    """-999 stood for nothing and was an input."""
    netcdf = pytest.importorskip("netCDF4")
    with netcdf.Dataset(tmp_path / "a.nc", "w") as file:
        for name, size in (("case", 2), ("channel", 1), ("time", 3)):
            file.createDimension(name, size)
        inputs = file.createVariable("inputs", "f4", ("case", "channel", "time"), fill_value=-999)
        inputs[:] = [[[1, 2, 3]], [[4, -999, 6]]]
        file.createVariable("labels", "i4", ("case",))[:] = [0, 1]
        file.createVariable("names", str, ("case",))[0] = "a"
    refused(tmp_path / "a.nc", "1 value is missing, the first is case 1, channel 0, point 1")
    data = spinrnn.load_dataset(tmp_path / "a.nc", missing="linear")
    assert data.inputs.tolist() == [[[1, 2, 3]], [[4, 5, 6]]]


def test_files_of_before_keep_their_digests(tmp_path):
    """Recorded before there were other formats and labels."""
    inputs = (np.arange(24) / 7).reshape(4, 2, 3).astype(np.float32)
    arrays = {
        "inputs": inputs,
        "labels": np.array([1, 2, 1, 9], np.uint8),
        "lengths": np.array([3, 2, 3, 1], np.int32),
        "test": np.array([0, 1, 0, 1]),
    }
    np.savez(tmp_path / "a.npz", **arrays)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.update(arrays)
    digests = {spinrnn.load_dataset(tmp_path / name).digest() for name in ("a.npz", "a.h5")}
    assert digests == {DIGEST}


DIGEST = "9995df03dcc717f7ac47664172113bb9c7e4a52671e0f9aa8eb17c930095cac3"


def test_padding_is_no_bomb():
    with pytest.raises(spinrnn.DataError, match="case 0 has 100000 points, far more than"):
        padded([np.zeros((1, 100_000)), *[np.zeros((1, 1))] * 1000])
    with pytest.raises(spinrnn.DataError, match="case 1 has 2 channels, case 0 has 1"):
        padded([np.zeros((1, 2)), np.zeros((2, 2))])


def test_padding_is_no_gap():
    inputs = np.array([[[1, np.nan]]])
    with pytest.raises(spinrnn.DataError, match="1 value is missing"):
        without_gaps("a", Series(inputs))
    assert without_gaps("a", Series(inputs, lengths=np.array([1]))).inputs is inputs


def test_files_that_count_in_other_units_are_refused(tmp_path):
    """Else the unit would be learned in place of the class."""
    for name, unit in (("a", "mV"), ("b", "mA")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.csv").write_text(f"time (s),V1 ({unit})\n0,1.5\n1,5\n2,6\n")
    with pytest.raises(spinrnn.DataError, match="the unit of V1 is A, in the first file V"):
        spinrnn.load_dataset(tmp_path)
