"""Which cases a text names."""

import numpy as np
import pytest

import spinrnn
from spinrnn.datasets.parts import split
from spinrnn.datasets.selection import parse, select


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("digits", ("digits", None, None)),
        ("digits:test", ("digits", "test", None)),
        ("digits:test[0:100]", ("digits", "test", "0:100")),
        ("a/b.npz[3]", ("a/b.npz", None, "3")),
        ("c:d/e.h5", ("c:d/e.h5", None, None)),
        (":validation", ("", "validation", None)),
        ("[1,2]", ("", None, "1,2")),
        ("", ("", None, None)),
    ],
)
def test_parse(text, expected):
    assert parse(text) == expected


def test_a_colon_in_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a:b").mkdir()
    assert parse("a:b[0]") == ("a:b", None, "0")
    with pytest.raises(spinrnn.ConfigError, match="known are train, validation, test, all"):
        parse("a:qqq")


def test_parts_are_those_of_the_run():
    config = spinrnn.RunConfig(
        train=spinrnn.TrainConfig(seed=4), data=spinrnn.DataConfig(test_fraction=0.3)
    )
    digits = spinrnn.load_digits()
    parts = split(digits, config.data, 4)
    for name, part in zip(("train", "validation", "test"), parts, strict=True):
        data, numbers, digest = select(f"digits:{name}", config)
        np.testing.assert_array_equal(numbers, part)
        np.testing.assert_array_equal(data.inputs, digits.inputs[part])
        assert digest == digits.digest()
    assert select(":test[-2:]", config)[1].tolist() == parts[2][-2:].tolist()
    assert select(":all[7,-1]", config)[1].tolist() == [7, 1796]
    assert select("digits[10:4:-3]")[1].tolist() == [10, 7]
    seen = []
    select(":test", config, seen.append)
    select("digits:train", config, seen.append)
    select("digits", config, seen.append)  # no part, nothing to check
    assert seen == [digits.digest()] * 2


def test_what_is_refused(tmp_path):
    np.savez(tmp_path / "u.npz", inputs=np.zeros((3, 1, 2)))
    config = spinrnn.RunConfig()
    for text, given, words in (
        ("digits:test", None, "give its folder"),
        (":all", None, "names no data"),
        (f"{tmp_path}/u.npz:test", config, "no labels"),
        ("digits[0:1:0]", None, "step of 0"),
        ("digits[1797]", None, "no case 1797"),
        ("digits[1.5]", None, "cases must be"),
        ("digits[]", None, "cases must be"),
        ("digits[9:9]", None, "names no case"),
        ("digits:test[0:100", config, "a bracket is missing"),
        ("digits:test0:100]", config, "a bracket is missing"),
        ("digits[99999999999999999999999]", None, "cases must be|no case"),
    ):
        with pytest.raises(spinrnn.SpinrnnError, match=words):
            select(text, given)
    data, _, _ = select(f"{tmp_path}/u.npz[1:]")
    assert data.labels is None
    assert len(data) == 2
