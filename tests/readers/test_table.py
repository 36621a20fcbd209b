"""Files of arrays: the reader that bytes and names ask for, and what is said about
names.
"""

import h5py
import numpy as np
import pytest

import spinrnn
from spinrnn.readers.formats import read_table


@pytest.mark.parametrize("name", ["a.npz", "a.h5", "a.dat"])
def test_an_archive_is_known_by_its_bytes(tmp_path, name):
    np.savez(tmp_path / "a.npz", x=np.arange(3), y=np.float32(1.5))
    (tmp_path / "a.npz").rename(tmp_path / name)
    table = read_table(tmp_path / name)
    assert table.arrays["x"].tolist() == [0, 1, 2]
    assert (table.arrays["y"], table.attributes, table.path.name) == (1.5, {}, name)


@pytest.mark.parametrize("name", ["a.npz", "a.h5", "a.mat"])
@pytest.mark.parametrize("block", [0, 512, 1024])
def test_an_hdf5_file_is_known_by_its_bytes(tmp_path, name, block):
    """Also behind a block of another program, as MATLAB writes one."""
    with h5py.File(tmp_path / name, "w", userblock_size=block) as file:
        file["x"], file["group/y"], file.attrs["of"] = np.arange(3), np.eye(2), 2.5
    table = read_table(tmp_path / name)
    assert table.arrays["x"].tolist() == [0, 1, 2]
    assert table.arrays["group/y"].tolist() == [[1, 0], [0, 1]]
    assert table.attributes == {"of": 2.5}


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("a.csv", spinrnn.DataError, r"a\.csv: give a \.npz, \.h5 or \.hdf5 file"),
        ("a.npz", spinrnn.DataError, "not a NumPy archive"),
        ("a.hdf5", spinrnn.StoreError, "not an HDF5 file"),
    ],
)
def test_other_files_are_refused_by_their_names(tmp_path, name, error, words):
    (tmp_path / name).write_text("time,power\n")
    with pytest.raises(error, match=words):
        read_table(tmp_path / name)


def test_names(tmp_path):
    np.savez(tmp_path / "a.npz", inputs=1, lenghts=2, mine=3, labelss=4, inputz=5)
    table = read_table(tmp_path / "a.npz")
    table.check_names(["inputs"], ["label", "test"][1:])
    with pytest.raises(spinrnn.DataError) as caught:
        table.check_names(["inputs", "labels"], ["lengths"], {"mine": "yours"})
    assert str(caught.value) == (
        f"{tmp_path / 'a.npz'}: has no array labels; it holds inputs, lenghts, mine, labelss, "
        "inputz; unknown array labelss; did you mean labels?; unknown array lenghts; did you mean "
        "lengths?"
        "; unknown array mine; give yours in its place"
    )
