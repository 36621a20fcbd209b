"""netCDF-4 as the world writes it: packed and missing numbers, dimensions without
coordinates, texts beside the numbers.
"""

import h5py
import numpy as np
import pytest

import spinrnn
from spinrnn.readers.formats import read_table
from spinrnn.readers.netcdf import values_of


@pytest.fixture
def written(tmp_path):
    """A file of the netCDF library, and what that library reads from it."""
    netcdf = pytest.importorskip("netCDF4")
    path = tmp_path / "a.nc"
    with netcdf.Dataset(path, "w") as file:
        for name, size in (("t", 4), ("case", 3), ("letter", 5)):
            file.createDimension(name, size)
        packed = file.createVariable("inputs", "i2", ("case", "t"), fill_value=-999, zlib=True)
        packed.scale_factor, packed.add_offset, packed.units = 0.25, 10.0, "mV"
        packed[:] = np.ma.masked_array(10 + 0.25 * np.arange(12).reshape(3, 4), np.eye(3, 4))
        labels = file.createVariable("labels", "i4", ("case",))
        labels[:] = [0, 1, 0]
        partly = file.createVariable("partly", "f4", ("t",))
        partly[:2] = 1.5
        ranged = file.createVariable("ranged", "f8", ("t",))
        ranged.valid_range = np.array([0.0, 10.0])
        ranged[:] = [-1, 0, 10, 11]
        names = file.createVariable("names", "S1", ("case", "letter"))
        names[:] = netcdf.stringtochar(np.array(["up", "down", "up"], "S5"))
        file.createVariable("words", str, ("case",))[0] = "a"
        file.createVariable("never", "f4", ("t",), contiguous=True)
    with netcdf.Dataset(path) as file:
        return path, {name: file[name][:] for name in ("inputs", "partly", "ranged")}


def test_values_are_those_of_the_library(written):
    path, expected = written
    table = read_table(path)
    for name, array in expected.items():
        np.testing.assert_array_equal(table.arrays[name], np.ma.filled(array.astype(float), np.nan))
    assert np.isnan(table.arrays["inputs"]).sum() == 3
    assert table.arrays["labels"].tolist() == [0, 1, 0]
    assert table.arrays["labels"].dtype == np.int32
    assert table.arrays["names"].tolist() == [b"up", b"down", b"up"]
    assert table.units == {"inputs": "mV"}
    assert "inputs: scale 0.25 and offset 10 applied; 3 missing values are NaN" in table.notes
    assert table.left_out["t"] == "is a dimension without coordinates"
    with pytest.raises(spinrnn.DataError, match="words is of texts or lists of variable length"):
        table.check_names(["words"])


def test_what_xarray_writes(tmp_path):
    xarray = pytest.importorskip("xarray")
    data = xarray.Dataset(
        {"power": (("case", "time"), np.array([[1.0, np.nan], [2, 3]]))}, {"time": [0.0, 1e-9]}
    )
    data.power.encoding.update(dtype="i2", scale_factor=0.5, _FillValue=-999)
    data.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    table = read_table(tmp_path / "a.nc")
    np.testing.assert_array_equal(table.arrays["power"], data.power)
    assert table.arrays["time"].tolist() == [0, 1e-9]


@pytest.mark.parametrize(
    ("array", "given", "expected"),
    [
        (np.array([1, 2], "i2"), {}, [1, 2]),
        (np.array([1, -9], "i2"), {"_FillValue": np.int16(-9)}, [1, np.nan]),
        (np.array([1, -9], "f4"), {"missing_value": np.array([-9, 3.0])}, [1, np.nan]),
        (np.array([1, 3], "u1"), {"scale_factor": np.float32(0.5)}, [0.5, 1.5]),
        (np.array([1, 3], "i4"), {"add_offset": np.array([2.0])}, [3, 5]),
        (np.array([1, 3, 5.0]), {"valid_min": 2, "valid_max": 4}, [np.nan, 3, np.nan]),
        (np.array([1, 3]), {"scale_factor": b"x", "_FillValue": "y", "valid_range": 3}, [1, 3]),
        (np.array([1, np.nan]), {"_FillValue": np.nan}, [1, np.nan]),
        # -999 is no byte, and 25 is not what is left of it
        (np.array([25, 1], "u1"), {"missing_value": -999.0}, [25, 1]),
        (np.array([0.1, 1], "f4"), {"_FillValue": 0.1}, [np.nan, 1]),
    ],
)
def test_conventions(array, given, expected):
    values, said = values_of(array, given)
    np.testing.assert_array_equal(values, expected)
    assert bool(said) == (values is not array)
    assert values is array or values.dtype.kind == "f"


def test_plain_hdf5_files_keep_their_numbers(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"], file["y"] = np.array([-32767, 1], np.int16), np.float32([9.969209968386869e36])
        file["names"] = np.array(["a", "bc"], "S2")
        file["texts"] = ["of", "variable length"]
    table = read_table(tmp_path / "a.h5")
    assert table.arrays["x"].dtype == np.int16
    assert table.arrays["y"] == np.float32(9.969209968386869e36)
    assert table.arrays["names"].tolist() == [b"a", b"bc"]
    assert list(table.left_out) == ["texts"]
