"""Names and units that a user says: what they are, what is done and told, what is
refused.
"""

from pathlib import Path

import numpy as np
import pytest

import spinrnn
from spinrnn.readers.columns import NONE, Columns, arranged, of_each
from spinrnn.readers.table import Table

ARRAYS = {
    "t": np.array([0, 1, 2]),
    "V2": np.array([1.0, 2, 3]),
    "I": np.array([3.0, 4, 5]),
    "power": np.array([7.0, 8, 9]),
    "note": np.array(["a", "b", "c"]),
}
TABLE = Table(Path("a.csv"), ARRAYS, units={"t": "ns", "I": "mA", "V2": "J/m3"})


def test_names_and_units_of_the_user():
    columns = Columns.of_texts("time=t,power=V2, drive = I", "t=ps,drive=uA")
    table = arranged(TABLE, columns, ("time", "power", "drive"))
    assert sorted(table.arrays) == ["drive", "note", "power", "time"]
    assert table.arrays["time"].tolist() == [0, 1e-12, 2e-12]
    assert table.arrays["power"].tolist() == [1, 2, 3]
    assert table.arrays["drive"].tolist() == [3e-6, 4e-6, 5e-6]
    assert table.units == {"time": "s", "drive": "A", "power": "J/m3"}
    assert table.notes == (
        "time is t, ps converted to s",
        "power is V2",
        "drive is I, uA converted to A",
        "the file's own power is left out",
    )


def test_units_of_the_file_are_converted_where_the_arrays_are_used():
    table = arranged(TABLE, NONE, ("t",))
    assert table.arrays["t"].tolist() == [0, 1e-9, 2e-9]
    assert table.arrays["I"] is ARRAYS["I"]
    assert table.units == {"t": "s", "V2": "J/m3", "I": "mA"}
    assert table.notes == ("t, ns converted to s",)
    assert arranged(TABLE, NONE).arrays["t"] is ARRAYS["t"]


def test_columns_by_their_numbers():
    table = arranged(TABLE, Columns.of_texts("time=1,drive=3,power=4", None))
    assert table.arrays["power"] is ARRAYS["power"]
    assert table.arrays["drive"].tolist() == [3e-3, 4e-3, 5e-3]


def test_names_may_be_exchanged():
    table = arranged(TABLE, Columns.of_texts("V2=power,power=V2", None))
    assert table.arrays["power"].tolist() == [1, 2, 3]
    assert table.arrays["V2"].tolist() == [7, 8, 9]


@pytest.mark.parametrize(
    ("columns", "units", "words"),
    [
        ("time", None, "--columns: write NAME=COLUMN, as in time=t,power=V2; got 'time'"),
        ("", None, "--columns: write NAME=COLUMN"),
        ("a=b,a=c", None, "--columns: a is given twice"),
        ("a=b,c=b", None, "--columns: b is given two names"),
        (None, "t=nsec,I=", "--units: write .*; got 'I='; --units: unknown unit nsec"),
    ],
)
def test_texts_that_say_nothing(columns, units, words):
    with pytest.raises(spinrnn.ConfigError, match=words):
        Columns.of_texts(columns, units)


@pytest.mark.parametrize(
    ("columns", "units", "words"),
    [
        ("time=T1", None, "a.csv: --columns: has no array T1; did you mean t\\?"),
        ("time=pwer", None, "has no array pwer; did you mean power"),
        ("time=9", None, "has no array 9"),
        (None, "notes=s", "--units: has no array notes; did you mean note"),
        (None, "note=s", "--units: note is of <U1, no numbers"),
    ],
)
def test_arrays_that_are_not_there(columns, units, words):
    with pytest.raises(spinrnn.DataError, match=words):
        arranged(TABLE, Columns.of_texts(columns, units))


def test_what_is_said_of_several_files_counts_where_a_file_says_nothing_else():
    column = np.ones(2)
    bare = Table(Path("a.npz"), {"time": column, "drive": column})
    heads = Table(Path("b.csv"), {"t": column, "I": column}, units={"t": "ns", "I": "mA"})
    said = Columns.of_texts("time=t,drive=I", "drive=A,t=us")
    own, other = of_each(said, [bare, heads])
    assert (own.names, {name: unit.symbol for name, unit in own.units.items()}) == (
        {}, {"drive": "A"}
    )  # fmt: skip
    assert (other.names, {*other.units}) == (said.names, {"t"})
    # heads of all are overruled
    assert of_each(said, [heads, heads]) == [said, said]
    wrong = Columns.of_texts("drive=J", None)
    assert of_each(wrong, [bare, heads]) == [wrong, wrong]


def test_what_a_user_says_goes_before_what_a_run_says():
    run = Columns.of_texts("label=kind,V=V1,I=I1", "V=mV,t=ns", ("a", "b"), ("label", "time"))
    user = Columns.of_texts("V=V2,power=I1", "V=uV")
    both = run.overruled(user)
    assert both.names == {"label": "kind", "V": "V2", "power": "I1"}
    assert {name: unit.symbol for name, unit in both.units.items()} == {"V": "uV", "t": "ns"}
    assert (both.places, both.optional) == (("--columns", "--units"), ("label", "time"))
    assert run.overruled(Columns({}, {})) is run
    named = run.overruled(Columns.of_texts("label=class", None))
    assert (named.names["label"], named.optional) == ("class", ("time",))
