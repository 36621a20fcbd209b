"""What netCDF's conventions say of an array's numbers: packed ones become values,
those that stand for nothing NaN.

Read are `scale_factor`, `add_offset`, `_FillValue`, `missing_value`, `valid_min`,
`valid_max`, `valid_range` (NetCDF Users Guide, Attribute Conventions; CF Conventions
1.11, sections 2.5.1 and 8.1) and, where the netCDF library wrote the file, the values
with which it fills what nobody wrote.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

MARK = "_NCProperties"
"""Attribute of the root that the netCDF library writes."""
_FILLS = {"f": 9.969209968386869e36, "i2": -32767, "i4": -2147483647, "i8": -9223372036854775806,
          "u2": 65535, "u4": 4294967295, "u8": 18446744073709551614}  # fmt: skip
"""{kind or type: the library's value of what was never written}; bytes have none."""


def values_of(
    array: np.ndarray, given: Mapping[str, Any], written_by_netcdf: bool = False
) -> tuple[np.ndarray, str]:
    """(values, a sentence on what was done or "") of the numbers of a file.

    Whole numbers that are neither packed nor missing stay whole, others become float64;
    float32 that is not packed stays what it is.

    Args:
        array: of real numbers; given: the attributes of its dataset.
        written_by_netcdf: whether the library wrote the file.
    """
    if array.dtype.kind not in "fiu":
        return array, ""
    missing = _missing(array, given, written_by_netcdf)
    scale, offset = (_number(given.get(key)) for key in ("scale_factor", "add_offset"))
    values, said = array, []
    if scale is not None or offset is not None:
        # what leaves the range of numbers is infinite, as in the file
        with np.errstate(over="ignore", invalid="ignore"):
            values = array.astype(np.float64) * (1.0 if scale is None else scale)
            values += 0.0 if offset is None else offset
        said.append(f"scale {scale or 1:g} and offset {offset or 0:g} applied")
    if missing.any():
        values = values.astype(values.dtype if values.dtype.kind == "f" else np.float64)
        values[missing] = np.nan
        said.append(f"{np.count_nonzero(missing)} missing values are NaN")
    return values, "; ".join(said)


def texts_of(array: np.ndarray) -> np.ndarray:
    """Texts of an array of bytes; single characters are joined along the last axis, as
    netCDF has no others of fixed length.
    """
    if array.dtype.itemsize == 1 and array.ndim and array.size:
        joined = np.ascontiguousarray(array).view(f"S{array.shape[-1]}")
        array = joined.reshape(array.shape[:-1])
    return array


def _number(value):
    """The one finite number of an attribute, or None."""
    array = np.asarray(value if value is not None else [])
    if array.size != 1 or array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        return None
    return float(array.item())


def _numbers(value):
    array = np.atleast_1d(np.asarray(value if value is not None else []))
    return array if array.dtype.kind in "fiu" else array[:0].astype(float)


def _missing(array, given, written_by_netcdf):
    """Where the numbers, as they are stored, stand for nothing."""
    fills = [*_numbers(given.get("_FillValue")), *_numbers(given.get("missing_value"))]
    if written_by_netcdf and "_FillValue" not in given:
        kind = "f" if array.dtype.kind == "f" else array.dtype.str[1:]
        fills += [_FILLS[kind]] if kind in _FILLS else []
    missing = np.zeros(array.shape, bool)
    for fill in fills:
        # as the array's type rounds it, but not a number that this type cannot hold
        with np.errstate(over="ignore", invalid="ignore"):
            stored = np.asarray(fill).astype(array.dtype)
        if array.dtype.kind == "f" or stored == fill:
            missing |= array == stored
    low, high = (_number(given.get(key)) for key in ("valid_min", "valid_max"))
    ends = _numbers(given.get("valid_range"))
    if ends.size == 2:
        low, high = float(ends[0]), float(ends[1])
    if low is not None:
        missing |= array < low
    if high is not None:
        missing |= array > high
    return missing
