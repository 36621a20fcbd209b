"""Data: the digits are scikit-learn's, users' files are checked, splits are stratified and complete."""

import zipfile

import h5py
import numpy as np
import pytest

import spinrnn
from spinrnn.datasets import split


def test_digits_are_those_of_scikit_learn():
    sklearn = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed (the test extra brings it)")
    theirs, ours = sklearn.load_digits(), spinrnn.load_digits()
    np.testing.assert_array_equal(ours.inputs, theirs.data[:, None, :] / 16)
    np.testing.assert_array_equal(ours.labels, theirs.target)
    assert ours.lengths is None


def test_digits_carry_their_origin():
    from pathlib import Path

    with h5py.File(Path(__file__).parent.parent / "data" / "digits.h5") as file:
        assert "CC BY 4.0" in file.attrs["licence"]
        assert "UCI" in file.attrs["source"]
        assert "Alpaydin" in file.attrs["citation"]
        assert file["images"].attrs["units"] == file["labels"].attrs["units"] == "1"


def test_splits_are_stratified_disjoint_complete_and_seeded():
    labels = spinrnn.load_digits().labels
    config = spinrnn.DataConfig()
    parts = split(labels, config, 0)
    assert sorted(np.concatenate(parts)) == list(range(1797))
    for part, share in zip(parts, (0.7, 0.1, 0.2), strict=True):
        counts = np.bincount(labels[part])
        np.testing.assert_allclose(counts, share * np.bincount(labels), atol=1)
    again, other = split(labels, config, 0), split(labels, config, 1)
    assert all((a == b).all() for a, b in zip(parts, again, strict=True))
    assert set(parts[2]) != set(other[2])
    with pytest.raises(spinrnn.DataError, match="validation part is empty"):
        split(np.array([0, 0, 0, 1, 1, 1]), config, 0)


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_users_files(tmp_path, suffix, tiny_data):
    path = tmp_path / f"mine{suffix}"
    arrays = {"inputs": tiny_data.inputs, "labels": tiny_data.labels, "lengths": tiny_data.lengths}
    if suffix == ".npz":
        np.savez(path, **arrays)
    else:
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file.create_dataset(name, data=array, compression="gzip")
    data = spinrnn.load_dataset(str(path))
    for name, array in arrays.items():
        np.testing.assert_array_equal(getattr(data, name), array)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"inputs": np.zeros((3, 1, 2))}, "no array labels; it holds inputs"),
        ({"inputs": np.zeros((3, 2)), "labels": np.zeros(3, int)}, "must have the axes"),
        ({"inputs": np.zeros((3, 1, 2)), "labels": np.zeros(3)}, "labels must be 3 whole numbers"),
        ({"inputs": np.zeros((3, 1, 2)), "labels": np.zeros(3, int), "length": np.ones(3)}, "did you mean lengths"),
        ({"inputs": np.zeros((3, 1, 2)), "labels": np.zeros(4, int)}, "labels must be 3 whole numbers"),
        ({"inputs": np.zeros((3, 1, 2)), "labels": np.zeros(3, int), "lengths": np.zeros((3, 1), int)}, "lengths must be"),
        ({"inputs": np.array([{}], dtype=object), "labels": np.zeros(1, int)}, "not a NumPy archive of plain arrays"),
    ],
)
def test_bad_users_files(tmp_path, arrays, message):
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(spinrnn.DataError, match=message):
        spinrnn.load_dataset(str(tmp_path / "bad.npz"))


def test_unreadable_users_files(tmp_path):
    with pytest.raises(spinrnn.StoreError, match="No such file"):
        spinrnn.load_dataset(str(tmp_path / "missing.npz"))
    with pytest.raises(spinrnn.DataError, match="neither"):
        spinrnn.load_dataset("mnist")
    (tmp_path / "a.npz").write_bytes(b"PK nonsense")
    with pytest.raises(spinrnn.DataError, match=r"a\.npz: not a NumPy archive"):
        spinrnn.load_dataset(str(tmp_path / "a.npz"))
    with zipfile.ZipFile(tmp_path / "z.npz", "w") as archive:
        for name in ("inputs", "labels"):
            archive.writestr(name, b"abc")
    with pytest.raises(spinrnn.DataError, match="not a NumPy archive"):
        spinrnn.load_dataset(str(tmp_path / "z.npz"))
    (tmp_path / "a.h5").write_bytes(b"nonsense")
    with pytest.raises(spinrnn.StoreError, match=r"a\.h5: not an HDF5 file"):
        spinrnn.load_dataset(str(tmp_path / "a.h5"))
