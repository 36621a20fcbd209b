"""Data sets of objects of pandas and xarray, and of dictionaries of arrays."""

import dataclasses
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from spinrnn.datasets import named, tables
from spinrnn.datasets.dataset import Dataset
from spinrnn.datasets.series import RULES, Series, without_gaps
from spinrnn.errors import DataError, DataNote, listed
from spinrnn.readers.columns import NONE, in_si
from spinrnn.readers.objects import Named, library_of, named_of

_ROLES = ("case", "channel", "time")


def dataset_of(
    data: Any,
    targets: str | Sequence[str] | None = None,
    missing: str = "refuse",
) -> Dataset:
    """As `Dataset.of`."""
    if missing not in RULES:
        raise DataError(f"missing: must be one of {', '.join(RULES)}; got {missing}")
    found, library = named_of(data), library_of(data)
    wanted = [targets] if isinstance(targets, str) else list(targets or ())
    absent = [name for name in wanted if name not in found.table.arrays]
    if absent:
        raise DataError(
            f"targets: there is no {listed(absent)}; there are {listed(found.table.arrays)}"
        )
    if library == "xarray":
        series, test, said = _of_arrays(found, wanted)
    elif library == "dict" and named.has_cases(found.table):
        if wanted:
            raise DataError("targets: of arrays by name they are the array targets")
        series, test, said = named.of_names(found.table, labelled=False)
    else:
        series, test, said = _of_columns(found, wanted)
    if said:
        warnings.warn(f"{found.table.path}: {'; '.join(said)}", DataNote, stacklevel=3)
    series = without_gaps(found.table.path, series, missing)
    try:
        # the user's own numbers of classes stay, as in `Dataset`
        return series.dataset(test, dense="inputs" not in found.table.arrays)
    except DataError as error:
        raise DataError(f"{found.table.path}: {error}") from None


# ---- columns ----


def _of_columns(found: Named, wanted):
    """(`Series`, test or None, what is to be said) of a long table."""
    asked = dataclasses.replace(NONE, targets=tuple(wanted))
    series, test, said = tables.of_columns(found.table, False, asked)
    order = next(
        (names for name, names in found.orders.items() if name.lower() in tables.LABEL), None
    )
    return dataclasses.replace(series, order=order), test, said


# ---- arrays with named axes ----


def _of_arrays(found: Named, wanted):
    """(`Series`, test or None, what is to be said) of arrays whose axes are
    known.
    """
    table, roles = found.table, found.roles
    inputs, units, said = _inputs(found, wanted)
    cases, others = len(inputs), {}
    for key, names in (("labels", tables.LABEL), ("test", tables.TEST), ("lengths", ("lengths",))):
        names = [n for n in table.arrays if n.lower() in names and n not in wanted]
        if len(names) > 1:
            raise DataError(f"{table.path}: {listed(names)} may all be the {key}; drop the others")
        others[key] = table.arrays[names[0]] if names and roles[names[0]][:1] == ("case",) else None
    lengths = others["lengths"]
    ends = _lengths(inputs) if lengths is None else lengths
    series = Series(inputs, others["labels"], ends, units=units)
    named_targets = wanted or [name for name in ("targets",) if name in table.arrays]
    if named_targets:
        parts = [_three_axes(table, roles, name, "output") for name in named_targets]
        values = np.concatenate([np.broadcast_to(p, (cases, *p.shape[1:])) for p in parts], axis=1)
        at_end = all("time" not in roles[name] for name in named_targets)
        series = dataclasses.replace(series, targets=values[:, :, 0] if at_end else values)
    return series, others["test"], said


def _inputs(found, wanted):
    """((case, channel, time), units, what is to be said): the array inputs, or all
    arrays of numbers over time, a channel each.
    """
    table, roles = found.table, found.roles
    if "inputs" in table.arrays:
        table = in_si(table, ["inputs"])
        inputs = _three_axes(table, roles, "inputs", "channel")
        return inputs, tables.units_of(table, ["inputs"]) * inputs.shape[1], table.notes
    taken = (*tables.LABEL, *tables.TIME, *tables.CASE, *wanted)
    names = [
        name
        for name, array in table.arrays.items()
        if roles[name][-1:] == ("time",) and set(roles[name]) <= {"case", "time"}
        and array.dtype.kind in "fiub" and name.lower() not in taken and name != "targets"
    ]  # fmt: skip
    if not names:
        left = [f"{name} {why}" for name, why in table.left_out.items()]
        raise DataError(
            f"{table.path}: has no array inputs and none over time; it has {listed(table.arrays)}"
            + "".join(f"; {text}" for text in left[:3])
        )
    table = in_si(table, names)
    parts = [_three_axes(table, roles, name, "channel") for name in names]
    cases = max(len(part) for part in parts)
    parts = [np.broadcast_to(part, (cases, *part.shape[1:])) for part in parts]
    said = (f"channels are {listed(names)}", *table.notes)
    # an array may have several channels
    units = [
        unit
        for unit, part in zip(tables.units_of(table, names), parts, strict=True)
        for _ in range(part.shape[1])
    ]
    return np.concatenate(parts, axis=1), tuple(units), said


def _three_axes(table, roles, name, middle):
    """An array as (case, channel or output, time); axes that it lacks have length 1."""
    own, array = roles[name], table.arrays[name]
    further = set(own) - {"case", "time", middle, "channel"}
    if further or (middle == "channel" and "time" not in own):
        raise DataError(
            f"{table.path}: {name} must have the dimensions {', '.join(_ROLES)} or some of them, "
            f"the last among them; it has {', '.join(own)}"
        )
    if array.dtype.kind not in "fiub":
        raise DataError(f"{table.path}: {name} must be real numbers, got {array.dtype}")
    if "case" not in own:
        array = array[None]
    if not set(own) & {middle, "channel"}:
        array = array[:, None]
    return array if "time" in own else array[:, :, None]


def _lengths(inputs):
    """(case,) points up to the last that has a value; None where all have all."""
    if inputs.dtype.kind != "f":
        return None
    gone = np.isnan(inputs).all(axis=1)
    lengths = inputs.shape[2] - np.argmax(~gone[:, ::-1], axis=1)
    empty = np.flatnonzero(gone.all(axis=1))
    if empty.size:
        raise DataError(f"inputs: case {empty[0]} has no value")
    return None if (lengths == inputs.shape[2]).all() else lengths
