"""Files of arrays: the reader that bytes and names ask for, and what is said about
names.
"""

import io
import struct
import zipfile

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
        ("a.xyz", spinrnn.DataError, r"a\.xyz: give a \.npz, .* or \.\w+ file"),
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


def archive(path, content, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr("x.npy", content)
    return path


def numpy_file(shape, values=b""):
    """The bytes of a .npy file of doubles with such a shape in its header."""
    stream = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue() + values


def test_archives_that_claim_more_than_they_hold(tmp_path):
    small = archive(tmp_path / "small.npz", numpy_file((2,), bytes(16)))
    assert read_table(small).arrays["x"].tolist() == [0, 0]
    large = archive(tmp_path / "large.npz", numpy_file((10**12,), bytes(16)))
    with pytest.raises(spinrnn.DataError, match=r"claims the shape \(1000000000000,\), which is"):
        read_table(large)
    packed = archive(tmp_path / "packed.npz", numpy_file((2,), bytes(16)), zipfile.ZIP_BZIP2)
    with pytest.raises(spinrnn.DataError, match="packed in a way that NumPy does not"):
        read_table(packed)
    # the size of what is packed, in the directory at the end of the archive
    content = bytearray(small.read_bytes())
    place = content.rindex(b"PK\1\2") + 24
    content[place : place + 4] = struct.pack("<I", 1101 * len(content))
    (tmp_path / "ratio.npz").write_bytes(content)
    with pytest.raises(spinrnn.DataError, match="claims more than 1100 times its"):
        read_table(tmp_path / "ratio.npz")
