"""Text files of LabVIEW and OOMMF, written to their documentation."""

import numpy as np
import pytest

import spinrnn
from spinrnn.readers.formats import read_table

LVM = """LabVIEW Measurement\t
Writer_Version\t2
Reader_Version\t2
Separator\tTab
Decimal_Separator\t,
Multi_Headings\tYes
X_Columns\tOne
Time_Pref\tAbsolute
Operator\tP. Ysicist
***End_of_Header***\t
\t
Channels\t2\t\t\t
Samples\t3\t3\t\t
Y_Unit_Label\tV\tmA\t\t
X_Dimension\tTime\tTime\t\t
X0\t1,0E+0\t1,0E+0\t\t
Delta_X\t5,0E-1\t5,0E-1\t\t
***End_of_Header***\t\t\t\t
X_Value\tPower\tCurrent\tComment
0,0\t1,5\t-2\tstart
0,5\t2,5\t-3\t
1,0\t3,5\t-4
"""
SEGMENT = LVM[LVM.index("Channels") :]


def read(tmp_path, text, name="a.lvm"):
    content = text if isinstance(text, bytes) else text.encode()
    (tmp_path / name).write_bytes(content)
    return read_table(tmp_path / name)


def lists(table):
    return {name: array.tolist() for name, array in table.arrays.items()}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("name", ["a.lvm", "a.txt"])
def test_labview(tmp_path, name, encoding):
    table = read(tmp_path, LVM.replace("\n", "\r\n").encode(encoding), name)
    assert lists(table) == {
        "X_Value": [0, 0.5, 1],
        "Power": [1.5, 2.5, 3.5],
        "Current": [-2, -3, -4],
    }
    assert dict(table.units) == {"X_Value": "s", "Power": "V", "Current": "mA"}
    assert table.attributes["operator"] == "P. Ysicist"


def test_labview_without_times(tmp_path):
    text = LVM.replace("\tOne", "\tNo")
    for time in ("\n0,0\t", "\n0,5\t", "\n1,0\t"):
        text = text.replace(time, "\n\t")
    table = read(tmp_path, text)
    assert table.arrays["X_Value"].tolist() == [1, 1.5, 2]
    assert table.arrays["Power"].tolist() == [1.5, 2.5, 3.5]
    assert "X_Value follows from X0 = 1 and Delta_X = 0.5" in table.notes


def test_labview_with_times_for_each_channel(tmp_path):
    text = LVM.replace("\tOne", "\tMulti").replace(
        "X_Value\tPower\tCurrent\tComment", "X_Value\tPower\tX_Value\tCurrent\tComment"
    )
    rows = "0,0\t1,5\t0,0\t-2\t\n0,5\t2,5\t1,0\t-3\t\n1,0\t3,5\t\t\t\n"
    table = read(tmp_path, text[: text.index("0,0\t")] + rows)
    np.testing.assert_array_equal(table.arrays["X_Value_3"], [0, 1, np.nan])
    np.testing.assert_array_equal(table.arrays["Current"], [-2, -3, np.nan])
    assert dict(table.units) == {"Power": "V", "Current": "mA"}


def test_labview_segments(tmp_path):
    shorter = SEGMENT.replace("1,0\t3,5\t-4\n", "").replace("1,5", "7,5")
    table = read(tmp_path, LVM + "\n" + shorter)
    np.testing.assert_array_equal(table.arrays["Power"], [[1.5, 2.5, 3.5], [7.5, 2.5, np.nan]])
    assert "its 2 segments are the first axis" in table.notes
    with pytest.raises(spinrnn.DataError, match="segments have other columns"):
        read(tmp_path, LVM + "\n" + SEGMENT.replace("Power", "Voltage"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (LVM[:90], "its head has no end"),
        (LVM[: LVM.index("Channels")], "no samples behind its head"),
        (LVM[: LVM.index("0,0\t")], "has a head without samples"),
        (LVM.replace("0,5\t2,5\t-3\t", "0,5"), "line 21 has 1 cells, others 3"),
        (LVM.replace("-3", "x"), "column 3: x in line 21 is no number"),
    ],
)
def test_labview_files_that_do_not_fit(tmp_path, text, words):
    with pytest.raises(spinrnn.DataError, match=words):
        read(tmp_path, text)


ODT = """# ODT 1.0
# Table Start
# Title: mmArchive Data Table, Mon Jan 1 2024
# Columns: {Oxs_CGEvolve::Total energy} Oxs_TimeDriver::mx {Oxs_TimeDriver::Simulation time} \\
##         {Oxs_UZeeman:one:B} {Oxs_UZeeman:two:B}
# Units: J {} s mT mT
 1e-17 0.5 0 1 2
 2e-17 {} 1e-12 1 3
# Table End
"""


def test_oommf(tmp_path):
    table = read(tmp_path, ODT, "a.odt")
    assert list(table.arrays) == [
        "Total energy", "mx", "Simulation time", "Oxs_UZeeman:one:B", "Oxs_UZeeman:two:B",
    ]  # fmt: skip
    np.testing.assert_array_equal(table.arrays["mx"], [0.5, np.nan])
    assert table.arrays["Simulation time"].tolist() == [0, 1e-12]
    assert list(table.units.values()) == ["J", "", "s", "mT", "mT"]
    assert table.attributes["title"].startswith("mmArchive")
    twice = read(tmp_path, ODT + ODT.replace("# ODT 1.0\n", ""), "b.txt")
    assert twice.arrays["Total energy"].tolist() == [1e-17, 2e-17, 1e-17, 2e-17]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ODT[:40], "no line # Columns"),
        (ODT[: ODT.index(" 1e-17")], "holds no row"),
        (ODT.replace(" 1 3\n", " 1\n"), "line 8 has 4 cells, others 5"),
        (ODT + ODT.replace("::mx", "::my"), "tables of other columns"),
    ],
)
def test_oommf_files_that_do_not_fit(tmp_path, text, words):
    with pytest.raises(spinrnn.DataError, match=words):
        read(tmp_path, text, "a.odt")
