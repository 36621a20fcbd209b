"""Findings for machines: their form, and what JSON lacks."""

import json

import numpy as np
import pytest

from spinrnn.findings import finding, findings, plain


def test_a_finding_is_a_value_with_unit_and_meaning():
    found = findings({"relaxation_time_2": (np.float32(0.5), "s", "median relaxation time")})
    assert found == {
        "relaxation_time_2": {"value": 0.5, "unit": "s", "meaning": "median relaxation time"}
    }
    assert finding("two", "", "a text")["value"] == "two"


@pytest.mark.parametrize("key", ["Q", "a b", "a__b", "_a", "a_", "1a", "gamma (1 + Q)", ""])
def test_keys_are_snake_case(key):
    with pytest.raises(ValueError, match="snake_case"):
        findings({key: (1.0, "1", "anything")})


def test_what_json_lacks_becomes_null():
    value = {
        "a": [np.nan, 1.5, np.inf],
        "b": np.array([[1.0, -np.inf]]),
        "c": (np.bool_(True), None),
    }
    found = plain(value)
    assert found == {"a": [None, 1.5, None], "b": [[1.0, None]], "c": [True, None]}
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert type(plain(np.int64(3))) is int
    assert plain(np.float64("nan")) is None
