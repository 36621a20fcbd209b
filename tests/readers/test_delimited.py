"""Tables of text: delimiters, decimal commas, names and units are found; what is
ambiguous or does not fit is refused with its line.
"""

import tracemalloc

import numpy as np
import pytest

import spinrnn
from spinrnn.readers import cells
from spinrnn.readers.formats import read_table


def read(tmp_path, text, name="a.csv"):
    content = text if isinstance(text, bytes) else text.encode()
    (tmp_path / name).write_bytes(content)
    return read_table(tmp_path / name)


def lists(table):
    return {name: array.tolist() for name, array in table.arrays.items()}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("time,power\n0,1.5\n1e-3,-2\n", None),
        ("time;power\n0;1,5\n1e-3;-2\n", "the decimal sign is a comma"),
        ("time\tpower\n0\t1,5\n1e-3\t-2\n", "the decimal sign is a comma"),
        ("time  power\n0   1.5\n 1e-3 -2\n", "the delimiter is white space"),
        ("time|power\n0|1.5\n1e-3|-2", "the delimiter is |"),
        ("time, power\n0, 1.5\n1e-3, -2\n", None),
        ("time,power,\n0,1.5,\n1e-3,-2,\n", None),
        ("time,power\n0,1.5,\n1e-3,-2,\n", None),
        ('"time","power"\n"0","1.5"\n"1e-3","-2"\n', None),
        ("# made by a program\n\n# time\tpower\n0\t1.5\n\n1e-3\t-2\n# the end\n", None),
        ("% time power\n0 1.5\n1e-3 -2\n", None),
        ("Model,X1\nSample Interval,5e-11\n,\ntime,power\n0,1.5\n1e-3,-2\n", None),
    ],
)
def test_writings_of_one_table(tmp_path, text, note, end):
    table = read(tmp_path, text.replace("\n", end))
    assert lists(table) == {"time": [0, 1e-3], "power": [1.5, -2]}
    if note:
        assert note in table.notes


def test_heads_name_units_and_other_values(tmp_path):
    table = read(tmp_path, "# t (s)\tmx ()\tKu1.region100 (J/m3)\n0\t1\t8e5\n1e-9\t2\t8e5\n")
    assert dict(table.units) == {"t": "s", "mx": "", "Ku1.region100": "J/m3"}
    table = read(tmp_path, "Model,MSO\nRecord,2\nt,V1,note\nns,[mV],\n0,1,a\n1,2,b\n")
    assert dict(table.units) == {"t": "ns", "V1": "mV"}
    assert table.arrays["note"].tolist() == ["a", "b"]
    assert "line 4 holds the units" in table.notes
    assert table.attributes == {"Model": "MSO", "Record": "2"}
    table = read(tmp_path, "# run: 7\n# T = 300\nt / ns;P [dBm];f(x);S (old)\n0;1;2;3\n1;2;3;4\n")
    assert list(table.arrays) == ["t", "P", "f(x)", "S (old)"]
    assert dict(table.units) == {"t": "ns", "P": "dBm"}
    assert table.attributes == {"run": "7", "T": "300"}


@pytest.mark.parametrize("head", ["# t (ns) P [mW] n", "# t (ns), P [mW], n", "t (ns);P [mW];n"])
def test_names_with_another_delimiter_than_the_rows(tmp_path, head):
    table = read(tmp_path, f"{head}\n0 1.5 2\n1 2.5 3\n2 3.5 4\n", "a.txt")
    assert list(table.arrays) == ["t", "P", "n"]
    assert dict(table.units) == {"t": "ns", "P": "mW"}


def test_names_that_are_missing_empty_or_there_twice(tmp_path):
    table = read(tmp_path, "1.5,2\n3,4\n")
    assert lists(table) == {"column_1": [1.5, 3], "column_2": [2, 4]}
    assert table.notes == ("no names; columns are called column_1, column_2",)
    table = read(tmp_path, "f,f,,g\n1,2,3,4\n5,6,7,8\n")
    assert list(table.arrays) == ["f_1", "f_2", "column_3", "g"]
    assert table.notes == (
        "several columns are called f; their numbers follow the names",
        "without a name: column_3",
    )
    # pandas without names writes their numbers, and one without a name for the index
    table = read(tmp_path, ",0,1\n0,1.5,2.5\n1,3.5,4.5\n")
    assert lists(table) == {"column_1": [0, 1], "0": [1.5, 3.5], "1": [2.5, 4.5]}


def test_missing_numbers_are_counted_and_texts_are_texts(tmp_path):
    table = read(tmp_path, "t,P,when\n0,,2024-01-01 10:00\n1,NaN,x\n2,3,\n3,n/a,z\n4,1,z\n5,1,z\n")
    np.testing.assert_array_equal(table.arrays["P"], [np.nan, np.nan, 3, np.nan, 1, 1])
    assert table.notes == ("NaN for what is missing or no number: P (3)",)
    assert table.arrays["when"].tolist() == ["2024-01-01 10:00", "x", "", "z", "z", "z"]


def test_words_among_numbers_and_numbers_among_words(tmp_path):
    """What is less than half of a column is a mistake in it."""
    numbers = "t,P\n" + "".join(f"{k},{'x' if k % 5 < 2 else k}\n" for k in range(20))
    with pytest.raises(spinrnn.DataError, match="column 2: x in line 2 is no number, and 7 more"):
        read(tmp_path, numbers)
    words = "t,P\n" + "".join(f"{k},{'x' if k % 5 < 3 else k}\n" for k in range(20))
    assert read(tmp_path, words).arrays["P"].tolist()[:5] == ["x", "x", "x", "3", "4"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "cp1252", "utf-8-sig"])
def test_encodings(tmp_path, encoding):
    table = read(tmp_path, "t (µs);I (µA)\r\n0;1,5\r\n1;2,5\r\n".encode(encoding), "a.txt")
    assert lists(table) == {"t": [0, 1], "I": [1.5, 2.5]}
    assert dict(table.units) == {"t": "µs", "I": "µA"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        (" \n\n", "empty"),
        ("# t\n# 1\n", "no row, only comments"),
        ("time,power\n", "names but no row"),
        ("t,P\n0,1\n1,2,3\n2,3\n3,4\n", "line 3 has 3 cells, others 2"),
        ("t,P\n0,1.5\n1,2.5\n2,3.5\n3", "line 5 has 1 cells, others 2"),
        (
            "t,P\n0,1\n1,x\n2,3\n3,4\n",
            "column 2: x in line 3 is no number; write a number or leave it empty$",
        ),
        ("t,P\n0,1\n1,x\n2,3\n3,4\n4,5\n5,y\n6,7\n", "x in line 3 is no number, and 1 more"),
        ("t,P\n0,1_0\n1,2\n2,3\n3,4\n", "1_0 in line 2 is no number"),
        ('t,P\n0,1\n1,"2\n2,3\n3,4\n', "line 3: a quote is not closed"),
        ("time;power\n0,5,1\n1,5,2\n2,5,3\n", "line 1 names 2 columns, but .* 3 cells"),
        ("1,5\n2,5\n3,5\n", "two columns of whole numbers or one with a decimal comma"),
        ("t,P\n\x00,1\n", "no text, line 2 holds the character 0x0"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(tmp_path, text, words):
    with pytest.raises(spinrnn.DataError, match=words) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_a_name_decides_what_a_comma_is(tmp_path):
    assert lists(read(tmp_path, "n,k\n1,5\n2,5\n3,5\n")) == {"n": [1, 2, 3], "k": [5, 5, 5]}
    assert lists(read(tmp_path, "n\n1,5\n2,5\n3,5\n")) == {"n": [1.5, 2.5, 3.5]}
    assert len(read(tmp_path, "1,5\n2,5\n3.5,5\n").arrays) == 2


def test_what_a_scope_writes_beside_its_columns(tmp_path):
    head = "X,CH1,Start,Increment,\nSequence,Volt,-6.0e-03,1.0e-06,\n"
    table = read(tmp_path, head + "0,1.5,,,\n1,2.5,,,\n2,3.5,,,\n")
    assert table.arrays["CH1"].tolist() == [1.5, 2.5, 3.5]
    assert dict(table.units) == {"X": "Sequence", "CH1": "Volt"}
    assert np.isnan(table.arrays["Start"]).all()


def test_an_empty_row_is_no_row_of_names(tmp_path):
    assert lists(read(tmp_path, ",,\n1,2.5,3\n")) == {
        "column_1": [1], "column_2": [2.5], "column_3": [3],
    }  # fmt: skip


def test_names_may_be_numbers_and_a_wrong_first_row_is_no_row_of_names(tmp_path):
    table = read(tmp_path, "field,1.0,2.0\n5,0.1,0.2\n6,0.3,0.4\n")
    assert lists(table) == {"field": [5, 6], "1.0": [0.1, 0.3], "2.0": [0.2, 0.4]}
    with pytest.raises(spinrnn.DataError, match="0s in line 2 is no number"):
        read(tmp_path, "t,P\n0s,1\n1,2\n2,3\n3,4\n")


def test_rows_are_read_in_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(cells, "CHUNK", 3)
    table = read(tmp_path, "t,s\n" + "".join(f"{k},{'abc'[k % 3]}\n" for k in range(10)))
    assert table.arrays["t"].tolist() == list(range(10))
    assert table.arrays["s"].tolist() == [*"abcabcabca"]
    with pytest.raises(spinrnn.DataError, match="column 1: x in line 7"):
        read(tmp_path, "t,s\n" + "".join(f"{'x' if k == 5 else k},1\n" for k in range(10)))


def test_one_long_cell_is_no_bomb(tmp_path):
    """NumPy's arrays of texts take for each as much as the longest."""
    content = "t,note\n" + "1,a\n" * 20_000 + "2," + "b" * 1_000_000 + "\n"
    tracemalloc.start()
    table = read(tmp_path, content)
    assert tracemalloc.get_traced_memory()[1] < 60e6
    tracemalloc.stop()
    assert list(table.arrays) == ["t"]
    with pytest.raises(spinrnn.DataError, match="note is a column of texts of up to 1000000"):
        table.check_names(["note"])
    with pytest.raises(spinrnn.DataError, match="is no number"):
        read(tmp_path, "t,P\n" + "1,1\n" * 20_000 + "2," + "9" * 1_000_000 + "\n")
    with pytest.raises(spinrnn.DataError, match="more than 65536 columns"):
        read(tmp_path, "1," * 100_000 + "\n")


@pytest.mark.parametrize("decimal", [".", ","])
def test_what_pandas_writes(tmp_path, decimal):
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame({"t": np.arange(50) * 1e-9, "P, raw": rng.normal(size=50)})
    frame["class"] = ["a", 'b "c"'] * 25
    frame.to_csv(tmp_path / "a.csv", sep=";" if decimal == "," else ",", decimal=decimal)
    table = read_table(tmp_path / "a.csv")
    for name in frame:
        assert table.arrays[name].tolist() == frame[name].tolist()


def test_a_gzipped_table(tmp_path):
    import gzip

    packed = gzip.compress(b"t,P\n0,1\n1,2\n")
    assert lists(read(tmp_path, packed, "table.txt.gz"))["P"] == [1, 2]
    with pytest.raises(spinrnn.DataError, match="truncated gzip"):
        read(tmp_path, packed[:-3], "table.txt.gz")
    with pytest.raises(spinrnn.DataError, match="damaged gzip"):
        read(tmp_path, packed[:12] + b"\xff\xff" + packed[14:], "table.txt.gz")
