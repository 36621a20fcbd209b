"""Values as JSON and CSV, and the sentences of errors."""

import errno
import math

import pytest

import spinrnn
from spinrnn.errors import listed, reason_of
from spinrnn.files.text import read_json, to_csv, to_json, write_json


def test_csv_has_seven_digits_and_leaves_out_what_is_missing():
    rows = [
        {"a": 1, "b": 1 / 3, "c": "x,y"},
        {"a": 12345678, "b": math.nan, "c": None},
        {"a": True, "b": 123456789.0, "c": ""},
    ]
    assert to_csv(rows) == 'a,b,c\n1,0.3333333,"x,y"\n12345678,,\nTrue,1.234568e+08,\n'
    assert to_csv([]) == "\n"


def test_json_files(tmp_path):
    path = tmp_path / "x.json"
    write_json(path, {"a": 1, "b": [1.5, None]})
    assert path.read_text() == to_json({"a": 1, "b": [1.5, None]})
    assert read_json(path, ("a", "b")) == {"a": 1, "b": [1.5, None]}
    for content, keys in ((b'{"a": 1}', ("a", "b")), (b"[1]", ()), (b'{"a', ()), (b"\xff", ())):
        path.write_bytes(content)
        with pytest.raises(spinrnn.StoreError, match="damaged; remove it"):
            read_json(path, keys)
    path.write_bytes(b"[" * 100000)
    with pytest.raises(spinrnn.StoreError, match="damaged"):
        read_json(path, ())
    with pytest.raises(spinrnn.StoreError, match=r"cannot read .*: No such file"):
        read_json(tmp_path / "none", ())


def test_names_of_a_file_in_a_sentence():
    assert listed([]) == "nothing"
    assert listed(["a", "b"]) == "a, b"
    names = [f"n{number}" for number in range(12)]
    assert listed(names[:10]) == ", ".join(names[:10])
    assert listed(names) == ", ".join(names[:10]) + " and 2 more"
    assert listed(["x" * 100]) == "x" * 60
    assert listed(["a\nb\x1b"]) == r"a\nb\x1b"


def test_reasons_of_the_system():
    assert reason_of(OSError(errno.ENOSPC, "No space left on device")) == "No space left on device"
    assert reason_of(ValueError("one\ntwo")) == "one"
    assert reason_of(KeyError()) == "KeyError"
    text = reason_of(OSError(errno.ESTALE, "Stale file handle"))
    assert text.startswith("Stale file handle: its network file system lost it")
    assert text.endswith("choose a folder on another one, spinrnn doctor FOLDER examines it")
    locks = reason_of(OSError("unable to lock file, errno = 11"))
    assert "HDF5_USE_FILE_LOCKING=FALSE" in locks
    assert "no working file locks" in reason_of(OSError(errno.ENOLCK, "No locks available"))


def test_what_is_not_printable_is_escaped():
    assert str(spinrnn.DataError("a\nb\x1b[2J ä")) == r"a\nb\x1b[2J ä"
    error = spinrnn.ConfigError(["a: wrong", "b: too"], "file")
    assert str(error) == "file: a: wrong; b: too"
    assert error.problems == ["a: wrong", "b: too"]
