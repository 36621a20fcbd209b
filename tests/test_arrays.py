"""Arrays of users: what lies under a mask is never computed with."""

import numpy as np
import pytest

from spinrnn.arrays import array_of
from spinrnn.errors import DataError

MASKED = np.ma.masked_array([[1, 2, 3], [4, 5, 6]], [[0, 0, 1], [0, 0, 0]])


def test_masked_entries_are_missing_where_nan_may_be():
    found = array_of(MASKED, "power", missing=True)
    assert type(found) is np.ndarray
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [[1, 2, np.nan], [4, 5, 6]])
    single = array_of(MASKED.astype(np.float32), "power", missing=True)
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, [[1, 2, np.nan], [4, 5, 6]])
    np.testing.assert_array_equal(MASKED.data, [[1, 2, 3], [4, 5, 6]])


def test_masked_entries_are_refused_where_nothing_may_be_missing():
    with pytest.raises(DataError, match=r"^labels: 1 entry is masked, at index \[0, 2\]; give "):
        array_of(MASKED, "labels")
    with pytest.raises(DataError, match=r"^labels: 6 entries are masked, the first at index \[0, "):
        array_of(np.ma.masked_all((2, 3)), "labels")
    with pytest.raises(DataError, match=r"^scale: 1 entry is masked; give numbers"):
        array_of(np.ma.masked, "scale")


def test_masks_are_found_within_lists_at_any_depth():
    expected = [[1, 2, np.nan], [4, 5, 6]]
    for values in (list(MASKED), [[1, 2, np.ma.masked], [4, 5, 6]], (MASKED[0], [4, 5, 6])):
        np.testing.assert_array_equal(array_of(values, "power", missing=True), expected)
        with pytest.raises(DataError, match="masked"):
            array_of(values, "power")
    deep = array_of([[MASKED], [MASKED]], "power", missing=True)
    np.testing.assert_array_equal(deep, [[expected], [expected]])


def test_plain_arrays_are_handed_through_without_a_copy():
    plain = np.arange(3.0)
    assert array_of(plain, "time") is plain
    assert np.shares_memory(array_of(np.ma.asarray(plain), "time"), plain)
    assert type(array_of(np.ma.asarray(plain), "time")) is np.ndarray
    assert array_of([1, 2], "labels").dtype.kind == "i"
    assert array_of(np.ma.asarray([True, False]), "test").dtype == bool
    records = np.ma.masked_array(np.zeros(2, [("a", "f8")]), [(1,), (0,)])
    assert array_of(records, "time").dtype.kind == "V"


@pytest.mark.parametrize("rows", [[[1, 2], [3]], [[np.ma.masked, 2], [3]]])
def test_rows_of_different_lengths_are_told(rows):
    with pytest.raises(DataError, match=r"^power: the cases differ in shape; pad them with NaN to"):
        array_of(rows, "power", missing=True)
    with pytest.raises(DataError, match=r"^inputs: the cases differ in shape; pad them to one "):
        array_of(rows, "inputs")
