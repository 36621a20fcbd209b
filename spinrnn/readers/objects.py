"""Objects of pandas and xarray, and dictionaries of arrays, as a `Table`.

Neither library is imported here: what is given comes from it. Of xarray the names of
the dimensions say what an axis is, whatever their order; in a `Table` it is case,
channel (or neuron, or output), time.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spinrnn.arrays import array_of
from spinrnn.errors import DataError, listed
from spinrnn.readers.cells import Form, words_among
from spinrnn.readers.table import Table

ROLES = {
    "case": ("case", "case_id", "series", "trial"),
    "channel": ("channel", "feature", "variable"),
    "neuron": ("neuron",),
    "output": ("output",),
    "time": ("time", "t", "x_value", "timestamp", "point", "input_time"),
}
"""{what an axis is: names of a dimension, in small letters}, in the order of axes."""


@dataclass(frozen=True, eq=False)
class Named:
    """A table, and what is known of the axes of its arrays.

    Attributes:
        roles: {name of an array: a key of `ROLES` for each axis}; empty where arrays
            have no names of axes.
        orders: {name of a column: its texts in an order of their own}.
    """

    table: Table
    roles: Mapping[str, tuple[str, ...]]
    orders: Mapping[str, tuple[str, ...]]


def library_of(data: Any) -> str:
    """Whose object it is: "pandas", "xarray", "dict"; "" for any other."""
    if isinstance(data, Mapping) and type(data).__module__.split(".")[0] != "xarray":
        return "dict"
    top = type(data).__module__.split(".")[0]
    right = {"pandas": "columns", "xarray": "dims"}
    return top if hasattr(data, right.get(top, "")) else ""


def named_of(data: Any) -> Named:
    """The object as a table.

    Raises:
        DataError: it is no such object, or two columns have the same name.
    """
    library = library_of(data)
    if library == "pandas":
        return _of_frame(data)
    if library == "xarray":
        return _of_xarray(data)
    if library == "dict":
        arrays = {
            str(name): array_of(value, str(name), missing=True) for name, value in data.items()
        }
        return Named(Table(Path("dictionary"), arrays), {}, {})
    raise DataError(
        "data: must be a DataFrame of pandas, a DataArray or Dataset of xarray, or a dictionary of "
        f"arrays; got {type(data).__name__}"
    )


# ---- pandas ----


def _of_frame(frame):
    """Columns; levels of a named index are columns in front."""
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    names = [str(name) for name in frame.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"DataFrame: {listed(twice)} is there twice; rename one")
    arrays, orders = {}, {}
    for k, name in enumerate(names):
        column = frame.iloc[:, k]
        arrays[name] = _values(column.to_numpy(), np.asarray(column.isna()))
        # a categorical column has an order of its own
        known = getattr(column.dtype, "categories", None)
        if known is not None and arrays[name].dtype.kind == "U":
            used = set(arrays[name].tolist())
            orders[name] = tuple(text for text in map(str, known) if text in used)
    units = {str(name): str(unit) for name, unit in (frame.attrs.get("units") or {}).items()}
    own = {name: unit for name, unit in units.items() if name in arrays}
    words = {
        name: functools.partial(_words, column)
        for name, column in arrays.items()
        if column.dtype.kind == "U"
    }
    return Named(Table(Path("DataFrame"), arrays, units=own, words=words), {}, orders)


def _words(column):
    """Cells of a column that are no numbers, where others are; rows count from 0."""
    rows = range(-1, len(column) - 1)
    return words_among(column.tolist(), rows, Form(None), "row")


def _values(values, missing):
    """An array of numbers or texts; missing ones are NaN or empty, times are s from the
    first one.
    """
    values = np.asarray(values)
    if values.dtype.kind == "M":
        values = values - values[~missing].min() if (~missing).any() else values - values
    if values.dtype.kind == "m":
        return np.where(missing, np.nan, values / np.timedelta64(1, "ns") / 1e9)
    if values.dtype.kind in "fiubUS":
        return values
    known = values[~missing].tolist()
    if all(isinstance(value, bool | np.bool_) for value in known) and not missing.any():
        return values.astype(bool)
    if all(isinstance(value, int | float | np.number) for value in known):
        return np.array(
            [np.nan if gap else float(v) for v, gap in zip(values, missing, strict=True)]
        )
    return np.array(["" if gap else str(v) for v, gap in zip(values, missing, strict=True)], "U")


# ---- xarray ----


def _of_xarray(data):
    """Variables and coordinates, their axes in the order of `ROLES`."""
    name = type(data).__name__
    if not hasattr(data, "data_vars"):
        # an array is the inputs, whatever it is called
        data = data.rename(None).to_dataset(name="inputs")
    arrays, roles, units, left = {}, {}, {}, {}
    for key, variable in data.variables.items():
        own = [_role(dim) for dim in variable.dims]
        unknown = [str(d) for d, role in zip(variable.dims, own, strict=True) if role is None]
        if unknown or len(set(own)) < len(own):
            axes = listed(unknown) if unknown else listed(map(str, variable.dims))
            left[str(key)] = f"has the dimensions {axes}, not {', '.join(ROLES)}"
            continue
        order = np.argsort([[*ROLES].index(role) for role in own], kind="stable")
        values = np.transpose(np.asarray(variable.values), order)
        flat = values.reshape(-1)
        missing = np.array([value != value for value in flat]) if flat.dtype.kind in "OMm" else None
        if missing is not None:
            values = _values(flat, missing).reshape(values.shape)
        arrays[str(key)], roles[str(key)] = values, tuple(own[k] for k in order)
        if isinstance(variable.attrs.get("units"), str):
            units[str(key)] = variable.attrs["units"]
    return Named(Table(Path(name), arrays, units=units, left_out=left), roles, {})


def _role(dim):
    """What an axis of this name is, or None."""
    found = [role for role, names in ROLES.items() if str(dim).lower() in names]
    return found[0] if found else None
