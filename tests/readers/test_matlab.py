"""MATLAB's files: those that SciPy and Octave write, version 7.3 to its documentation,
damaged ones.
"""

import shutil
import subprocess

import h5py
import numpy as np
import pytest
import scipy.io

import spinrnn
from spinrnn.readers.formats import read_table

ARRAYS = {
    "time": np.arange(5) * 1e-9,
    "power": np.arange(10.0).reshape(2, 5),
    "counts": np.array([[1, 2]], dtype=np.int16),
    "one": 3.5,
    "cube": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "truth": np.array([True, False, True]),
}


@pytest.mark.parametrize("packed", [False, True])
def test_what_scipy_writes(tmp_path, packed):
    more = {
        "name": "device 7",
        "labels": np.array(["up", "down", "up"], dtype=object),
        "meas": {"t": np.arange(3.0), "deep": {"x": 2.0}},
        "z": np.array([1j, 2]),
        "cells": np.array([np.arange(2), "a"], dtype=object),
    }
    scipy.io.savemat(tmp_path / "a.mat", {**ARRAYS, **more}, do_compression=packed)
    table = read_table(tmp_path / "a.mat")
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(table.arrays[name], np.squeeze(array))
    assert table.arrays["counts"].dtype == np.int16
    assert table.arrays["truth"].dtype == bool
    assert table.arrays["name"].item() == "device 7"
    assert table.arrays["labels"].tolist() == ["up", "down", "up"]
    assert table.arrays["meas/t"].tolist() == [0, 1, 2]
    assert table.arrays["meas/deep/x"] == 2
    assert sorted(table.left_out) == ["cells", "z"]
    with pytest.raises(spinrnn.DataError, match=r"no array z; .*; z is no plain array of real"):
        table.check_names(["z"])


def test_level_4(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"power": ARRAYS["power"]}, format="4")
    np.testing.assert_array_equal(read_table(tmp_path / "a.mat").arrays["power"], ARRAYS["power"])


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("octave") is None, reason="Octave is not installed")
@pytest.mark.parametrize("version", ["-v4", "-v6", "-v7"])
def test_what_octave_writes(tmp_path, version):
    code = (
        "t = (0:4)*1e-9; P = reshape(0:9, 5, 2)'; l = {'up','down'}; s.x = 2; b = true; c = 'ab';"
    )
    names = "'t', 'P'" if version == "-v4" else "'t', 'P', 'l', 's', 'b', 'c'"
    code += f" save('{version}', 'a.mat', {names});"
    command = ["octave", "--no-gui", "--eval", code]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=120)
    arrays = read_table(tmp_path / "a.mat").arrays
    np.testing.assert_array_equal(arrays["t"], ARRAYS["time"])
    np.testing.assert_array_equal(arrays["P"], ARRAYS["power"])
    if version != "-v4":
        assert arrays["l"].tolist() == ["up", "down"]
        assert (arrays["s/x"], arrays["b"], arrays["c"]) == (2, True, "ab")


def matlab_73(path, fill):
    """A file as MATLAB 7.3 writes them: a block of 512 bytes with its head, then
    HDF5.
    """
    with h5py.File(path, "w", userblock_size=512) as file:
        fill(file)
    content = bytearray(path.read_bytes())
    head = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Mon Jan  1 2024 HDF5 schema 1.00 ."
    content[:128] = head.ljust(124) + b"\0\2IM"
    path.write_bytes(content)


def test_version_73_has_its_own_order_of_axes(tmp_path):
    def fill(file):
        def put(name, array, kind, **more):
            file[name] = array
            file[name].attrs["MATLAB_class"] = np.bytes_(kind)
            file[name].attrs.update(more)

        put("time", ARRAYS["time"][:, None], "double")
        put("power", ARRAYS["power"].T, "double")
        put("cube", ARRAYS["cube"].T, "single")
        put("truth", np.array([[1], [0]], np.uint8), "logical", MATLAB_int_decode=np.int32(1))
        put("name", np.array([[ord(c)] for c in "µ 7"], np.uint16), "char")
        put("names", np.array([[ord(c) for c in row] for row in ("ab", "c ")], np.uint16).T, "char")
        put("nothing", np.array([0, 0], np.uint64), "double", MATLAB_empty=np.uint8(1))
        put("meas/x", np.array([[2.5]]), "double")
        file["#refs#/a"] = np.arange(3)
        put("cells", np.array([[file["#refs#/a"].ref]], dtype=h5py.ref_dtype), "cell")

    matlab_73(tmp_path / "a.mat", fill)
    table = read_table(tmp_path / "a.mat")
    for name in ("time", "power", "cube"):
        np.testing.assert_array_equal(table.arrays[name], ARRAYS[name])
    assert table.arrays["truth"].tolist() == [True, False]
    assert table.arrays["name"].item() == "µ 7"
    assert table.arrays["names"].tolist() == ["ab", "c"]
    assert table.arrays["nothing"].size == 0
    assert table.arrays["meas/x"] == 2.5
    assert list(table.left_out) == ["cells"]
    assert "#refs#/a" not in table.arrays


@pytest.mark.parametrize("content", [b"", b"nonsense", b"MATLAB 5.0".ljust(126) + b"IM"])
def test_what_is_no_file_of_matlab(tmp_path, content):
    (tmp_path / "a.mat").write_bytes(content)
    if content.endswith(b"IM"):
        assert read_table(tmp_path / "a.mat").arrays == {}
        return
    with pytest.raises(spinrnn.DataError, match="not a file of MATLAB, truncated or damaged"):
        read_table(tmp_path / "a.mat")


@pytest.mark.parametrize("form", ["4", "5", "packed"])
def test_damaged_files_of_matlab_end_in_one_line(tmp_path, form):
    """SciPy's reader crashes on some of these."""
    path, rng = tmp_path / "a.mat", np.random.default_rng(0)
    arrays = {"t": np.arange(4.0), "c": "ab"} | ({"s": {"x": "ab"}} if form != "4" else {})
    scipy.io.savemat(path, arrays, format=form[:1].replace("p", "5"), do_compression=form[1:] != "")
    good, messages = path.read_bytes(), []
    for trial in range(1500):
        bad = bytearray(good[: rng.integers(len(good))] if trial % 4 == 0 else good)
        for place in rng.integers(120 if form != "4" else 0, len(good), 1 + trial % 3):
            if place < len(bad):
                bad[place] = rng.integers(256)
        path.write_bytes(bad)
        try:
            read_table(path)
        except spinrnn.SpinrnnError as error:
            messages.append(str(error))
    assert len(messages) > 300
    assert not any("\n" in message for message in messages)


def test_a_claim_of_more_than_the_file_holds(tmp_path):
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"t": np.zeros((3, 5))})
    content = path.read_bytes()
    shape = np.array([3, 5], "<i4").tobytes()
    assert content.count(shape) == 1
    path.write_bytes(content.replace(shape, np.array([30_000, 50_000], "<i4").tobytes()))
    with pytest.raises(spinrnn.DataError, match="a matrix of 1500000000 numbers holds 15"):
        read_table(path)
