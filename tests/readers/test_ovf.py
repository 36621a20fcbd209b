"""OVF 2 text: fields of OOMMF and mumax3, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from spinrnn.errors import DataError
from spinrnn.readers.formats import read_table

SKYRMION = Path(__file__).resolve().parents[3] / "shared" / "data" / "skyrmion"
TEXT = """# OOMMF OVF 2.0
# Segment count: 1
# Begin: Segment
# Begin: Header
# Title: m
# meshtype: rectangular
# valuedim: 3
# valuelabels: m_x m_y m_z
# valueunits: A/m A/m A/m
# Desc: Total simulation time:  1e-09  s
# xnodes: 2
# ynodes: 1
# znodes: 2
# End: Header
# Begin: Data Text
1 2 3
4 5 6
7 8 9
10 11 -12.5
# End: Data Text
# End: Segment
"""


def table_of(tmp_path, text, name="m.ovf"):
    path = tmp_path / name
    path.write_text(text)
    return read_table(path)


@pytest.mark.parametrize("name", ["m.ovf", "m.omf", "anything"])
def test_components_are_arrays_with_units(tmp_path, name):
    table = table_of(tmp_path, TEXT, name)
    assert list(table.arrays) == ["m_x", "m_y", "m_z"]
    assert table.arrays["m_z"].tolist() == [3, 6, 9, -12.5]
    assert table.units["m_y"] == "A/m"
    assert table.attributes["xnodes"] == 2
    assert table.attributes["desc"] == "Total simulation time:  1e-09  s"


def test_values_of_a_node_may_go_on_in_the_next_line(tmp_path):
    table = table_of(tmp_path, TEXT.replace("1 2 3\n4", "1\n2 3 4"))
    assert table.arrays["m_x"].tolist() == [1, 4, 7, 10]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("OVF 2.0", "OVF 1.0", "is of OVF 1"),
        ("Data Text\n1", "Data Binary 4\n1", "holds binary data"),
        ("10 11 -12.5\n", "10 11\n", "4 nodes of 3 values, it holds 11 values"),
        ("-12.5", "x", "it holds words"),
        ("xnodes: 2", "xnodes: two", "no whole number"),
        ("# xnodes: 2\n", "", "no whole number for 'xnodes'"),
        ("# End: Data Text\n", "# End: Data Text\n# Begin: Data Text\n", "several segments"),
    ],
)
def test_what_is_no_such_field_is_refused(tmp_path, old, new, told):
    with pytest.raises(DataError, match=told):
        table_of(tmp_path, TEXT.replace(old, new))


@pytest.mark.skipif(not SKYRMION.exists(), reason="the skyrmion's files are not here")
def test_the_amplitudes_of_the_skyrmion():
    path = SKYRMION / "1skyrmion_input_PMA_DMI_train" / "sequence_amp3.ovf.gz"
    values = read_table(path).arrays["regions"]
    np.random.seed(6)  # noqa: NPY002
    assert len(values) == 6600
    np.testing.assert_allclose(values[:6001], 1 + np.random.rand(6001), rtol=1e-15)  # noqa: NPY002


@pytest.mark.skipif(not SKYRMION.exists(), reason="the skyrmion's files are not here")
def test_the_columns_of_the_skyrmions_table():
    table = read_table(SKYRMION / "1skyrmion_input_PMA_DMI_train" / "table.txt.gz")
    assert {name: table.units[name] for name in ("t", "Ku1.region100", "Dind.region100")} == {
        "t": "s", "Ku1.region100": "J/m3", "Dind.region100": "J/m2",
    }  # fmt: skip
    assert len(table.arrays["mz"]) == 30001
