"""Files of the UCR and UEA archives: values, heads, classes; what does not fit is told
with its line.
"""

import numpy as np
import pytest

import spinrnn
from spinrnn.readers.formats import read_table

HEAD = """# a comment
% and one more
@problemName Made
@timeStamps false
@missing false
@univariate false
@dimensions 2
@equalLength false
@classLabel true rest walk
@data
"""


def read(tmp_path, text, name="Made.ts"):
    content = text if isinstance(text, bytes) else text.encode()
    (tmp_path / name).write_bytes(content)
    return read_table(tmp_path / name)


def test_cases_of_unequal_length_with_channels_and_classes(tmp_path):
    table = read(tmp_path, HEAD + "1,2,3:4,5,6:walk\n7,8:9,-1e1:rest\n")
    nan = np.nan
    np.testing.assert_array_equal(
        table.arrays["inputs"], [[[1, 2, 3], [4, 5, 6]], [[7, 8, nan], [9, -10, nan]]]
    )
    assert table.arrays["labels"].tolist() == [1, 0]
    assert table.arrays["lengths"].tolist() == [3, 2]
    assert table.classes == {"labels": ("rest", "walk")}
    assert table.attributes["problemname"] == "Made"


@pytest.mark.parametrize("name", ["Made.ts", "made.dat", "MADE.TS"])
@pytest.mark.parametrize("change", [str, str.upper, lambda text: text.replace("\n", "\r\n")])
def test_heads_are_known_in_any_case_and_with_any_line_ends(tmp_path, name, change):
    head = change("@problemName a\n@univariate true\n@classLabel true 2 1\n@data\n")
    table = read(tmp_path, "\ufeff" + head + "1, 2:1\n\n3, 4:2\n", name)
    assert table.arrays["inputs"].tolist() == [[[1, 2]], [[3, 4]]]
    assert table.arrays["labels"].tolist() == [1, 0]
    assert "lengths" not in table.arrays


def test_missing_values_and_targets(tmp_path):
    table = read(tmp_path, "@missing true\n@targetlabel true\n@data\n1,?,3:0.5\nNaN,2,3:-1\n")
    assert np.isnan(table.arrays["inputs"]).nonzero()[2].tolist() == [1, 0]
    assert table.arrays["targets"].tolist() == [0.5, -1]
    assert table.classes == {}
    assert "labels" not in table.arrays


def test_without_classes_the_last_field_is_a_channel(tmp_path):
    table = read(tmp_path, "@timeStamps false\n@classLabel false\n@data\n1,2:3,4\n")
    assert table.arrays["inputs"].tolist() == [[[1, 2], [3, 4]]]
    assert list(table.arrays) == ["inputs"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "cp1252"])
def test_other_encodings_are_said(tmp_path, encoding):
    text = "@problemName µ\n@classLabel true 50µA 60µA\n@data\n1,2:60µA\n"
    table = read(tmp_path, text.encode(encoding))
    assert table.classes["labels"] == ("50µA", "60µA")
    assert "encoded as" in table.notes[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("@problemName a\n", "has no line @data; it is truncated"),
        ("@problemName a\n1,2:3\n@data\n", "line 2 stands before @data"),
        (HEAD, "holds no case after @data"),
        (HEAD + "1,2:3,x:rest\n", "line 11, channel 1: x is no number, at point 1"),
        (HEAD + "1,2:3,4_0:rest\n", "line 11, channel 1: 4_0 is no number"),
        (HEAD + "1,2:3,4:run\n", "line 11 ends with run, which @classLabel does not name"),
        (HEAD + "1,2:3,4:rest\n1,2,3,4\n", "line 12: no colon between values and class"),
        (HEAD + "1,2:rest\n", "line 11 has 1 channels in place of 2"),
        (HEAD + "1,2:3:rest\n", "line 11: its channels have the lengths"),
        (HEAD.replace("true rest walk", "true"), "must be followed by the names"),
        (HEAD.replace("rest walk", "a a"), "names a class twice"),
        (HEAD.replace("@dimensions 2", "@dimensions two"), "@dimensions must be a whole number"),
        (HEAD.replace("@univariate false", "@univariate no"), "@univariate must be true or false"),
        (HEAD.replace("@timeStamps false", "@timeStamps true"), "without their times"),
        ("@targetLabel true\n@data\n1,2:a\n", "line 3 ends with a, which is no number"),
        (
            "@equalLength true\n@seriesLength 3\n@data\n1,2,3\n4,5\n",
            "line 5 has 2 points in place of 3",
        ),
        ("@data\n1,2\n\0\n", "no text, line 3 holds the character 0x0"),
    ],
)
def test_what_does_not_fit_is_told_with_its_line(tmp_path, text, words):
    with pytest.raises(spinrnn.DataError, match=words) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_five_problems_are_told_and_the_others_counted(tmp_path):
    with pytest.raises(spinrnn.DataError, match=r"line 15 ends with .*; and 3 more$"):
        read(tmp_path, HEAD + "1:2:none\n" * 8)


def test_one_long_case_among_many_short_ones_is_no_bomb(tmp_path):
    text = (
        HEAD + "1:1:rest\n" * 20_000 + ",".join(["1"] * 100_000) + ":" + ",".join(["1"] * 100_000)
    )
    with pytest.raises(spinrnn.DataError, match="longest case has 100000 points"):
        read(tmp_path, text + ":walk\n")
