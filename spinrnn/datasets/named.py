"""Cases in arrays by name: spinrnn's own names, and those that others use."""

import dataclasses

import numpy as np

from spinrnn.config.tables import nearest
from spinrnn.datasets.dataset import ARRAYS
from spinrnn.datasets.series import Series, joined
from spinrnn.errors import DataError
from spinrnn.readers.columns import Columns, in_si, targets_of, without
from spinrnn.readers.table import Table
from spinrnn.readers.units import shown

_OTHERS = (("x", "y"), ("data", "target"), ("data", "labels"))
"""Names of inputs and labels that others use, in small letters."""
_PARTS = ("train", "test")
WIDE = 32
"""Channels: more of them than points are told, as the axes may be swapped."""


def has_cases(table: Table) -> bool:
    """Whether the arrays have names of cases rather than of columns."""
    return "inputs" in table.arrays or bool(_parts(table)) or bool(_pair(table))


def of_names(
    table: Table, labelled: bool, heads: bool = True
) -> tuple[Series, np.ndarray | None, tuple[str, ...]]:
    """(the cases, test (case,) or None, what is to be said) of arrays by name.

    They are `inputs`, `labels` or `targets`, `lengths` and `test`; or X and y, data and
    target; or X_train, y_train, X_test, y_test, whose case does not matter.

    Args:
        labelled: whether labels are needed.
        heads: as of `Columns`.
    Raises:
        DataError: arrays are missing, misspelt or do not fit together.
    """
    own = _inputs_of(table)
    converted = in_si(table, own, heads)
    series, test, said = _of_names(converted, labelled)
    units = shown(converted.units.get(own[0], "")) if own else ""
    known = (units,) * series.inputs.shape[1] if heads else None
    series = dataclasses.replace(series, units=known)
    return series, test, said + converted.notes[len(table.notes) :]


def with_targets(table: Table, columns: Columns) -> tuple[Table, tuple[str, ...] | None]:
    """The table with the arrays (case,), (case, output) or (case, output, time) that
    the user calls targets as its array `targets`, one behind the other; and names of
    the outputs, those of the arrays with numbers where one has several, None without.

    Raises:
        DataError: they are not there, or do not go together.
    """
    names = targets_of(table, columns)
    if not names:
        return table, None
    parts = [table.arrays[name] for name in names]
    parts = [part[:, None] if part.ndim == 1 else part for part in parts]
    if len({(len(part), *part.shape[2:]) for part in parts}) > 1:
        shapes = ", ".join(f"{name} {table.arrays[name].shape}" for name in names)
        raise DataError(f"{table.path}: targets: {shapes} do not go together")
    rest = without(table, names)
    arrays = {**rest.arrays, "targets": np.concatenate(parts, axis=1)}
    outputs = []
    for name, part in zip(names, parts, strict=True):
        count = part.shape[1]
        outputs += [f"{name}_{i}" for i in range(count)] if count > 1 else [name]
    return dataclasses.replace(rest, arrays=arrays), tuple(outputs)


def _inputs_of(table):
    """Names of the arrays of inputs."""
    parts, pair = _parts(table), _pair(table)
    if "inputs" in table.arrays:
        return ["inputs"]
    return [name for name, _ in parts] if parts else list(pair or ())[:1]


def _of_names(table, labelled):
    """`of_names`, of inputs in the units that they shall have."""
    parts, pair = _parts(table), _pair(table)
    if "inputs" not in table.arrays and parts:
        return _of_parts(table, parts, labelled)
    if "inputs" not in table.arrays and pair:
        inputs, labels = (table.arrays[name] for name in pair)
        said = (f"{pair[0]} is read as inputs, {pair[1]} as labels",)
        series, more = _series(table, inputs, labels)
        return series, None, said + more
    learned = labelled and "targets" not in table.arrays
    needed = ("inputs", "labels") if learned else ("inputs",)
    table.check_names(needed, ARRAYS, _renamed(table, needed))
    inputs, labels, lengths, test, targets = (table.arrays.get(name) for name in ARRAYS)
    order = table.classes.get("labels")
    if order is not None and labels is not None:
        labels = np.array(order, dtype=np.str_)[labels]
    series, said = _series(table, inputs, labels, lengths, order)
    if targets is not None:
        targets = targets[:, None] if targets.ndim == 1 else targets
        if targets.ndim < 2 or len(targets) != len(inputs) or targets.dtype.kind not in "fiu":
            raise DataError(
                f"{table.path}: targets must be numbers (case, output) or (case, output, time) of "
                f"{len(inputs)} cases; got {targets.dtype} of shape {targets.shape}"
            )
        series = dataclasses.replace(series, targets=targets)
    return series, test, said


def _renamed(table, needed):
    """{array: the option that names it} of those that alone may be the inputs, or the
    labels, that the table lacks.
    """
    missing = [name for name in needed if name not in table.arrays]
    shapes = {
        name: array.shape
        for name, array in table.arrays.items()
        if name not in ARRAYS and nearest(name, missing) is None
    }
    inputs = [name for name, shape in shapes.items() if len(shape) > 1]
    inputs = ["inputs"] if "inputs" in table.arrays else inputs
    if len(inputs) != 1:
        return {}
    cases = table.arrays[inputs[0]].shape[:1]
    found = {"inputs": inputs, "labels": [name for name in shapes if shapes[name] == cases]}
    alone = {name: found[name][0] for name in missing if len(found[name]) == 1}
    option = ",".join(f"{name}={own}" for name, own in alone.items())
    return dict.fromkeys(alone.values(), f"--columns {option}, or data.columns,")


def _pair(table):
    """(name of inputs, name of labels) of others, or None."""
    small = {name.lower(): name for name in table.arrays}
    # columns of a table may be called x and y as well
    found = [
        pair
        for pair in _OTHERS
        if set(pair) <= set(small) and table.arrays[small[pair[0]]].ndim > 1
    ]
    return tuple(small[name] for name in found[0]) if found else None


def _parts(table):
    """[(name of inputs, name of labels)] of the training and the test part, or []."""
    small = {name.lower(): name for name in table.arrays}
    wanted = [(f"x_{part}", f"y_{part}") for part in _PARTS]
    if any(name not in small for pair in wanted for name in pair):
        return []
    return [tuple(small[name] for name in pair) for pair in wanted]


def _of_parts(table, parts, labelled):
    found, said = [], ()
    for inputs, labels in parts:
        series, more = _series(table, table.arrays[inputs], table.arrays[labels])
        found.append(series)
        said += more
    try:
        whole = joined(found)
    except DataError as error:
        raise DataError(f"{table.path}: {error}") from None
    test = np.repeat([False, True], [len(series.inputs) for series in found])
    names = ", ".join(name for pair in parts for name in pair)
    return whole, test, (f"{names} are read as inputs and labels of both parts", *said)


def _series(table, inputs, labels, lengths=None, order=None):
    """(`Series`, what is to be said) of arrays that fit together."""
    said = ()
    if inputs.ndim == 2:
        said = (f"inputs of the shape {inputs.shape} are read as (case, time), one channel",)
        inputs = inputs[:, None, :]
    elif inputs.ndim == 3 and inputs.shape[1] > max(WIDE, inputs.shape[2]):
        sizes = f"{inputs.shape[1]} channels of {inputs.shape[2]} points"
        said = (f"{sizes}; axes are (case, channel, time)",)
    problems = _problems(inputs, labels, lengths)
    if problems:
        raise DataError(f"{table.path}: {'; '.join(problems)}")
    if lengths is not None and lengths.dtype.kind == "f":
        lengths = lengths.astype(np.int64)
    return Series(inputs, labels, lengths, order), said


def _problems(inputs, labels, lengths):
    """What does not fit together, in words; `Dataset` itself checks test."""
    if inputs.ndim != 3:
        return [
            "inputs must have the axes (case, channel, time), or (case, time) for one channel; "
            f"got the shape {inputs.shape}"
        ]
    cases, problems = len(inputs), []
    if inputs.dtype.kind not in "fiub":
        problems.append(f"inputs must be real numbers, got {inputs.dtype}")
    if labels is not None and (not labels.ndim or len(labels) != cases):
        other = labels.ndim and len(labels) in inputs.shape[1:]
        hint = "; are the axes of inputs in another order?" if other else ""
        problems.append(
            f"labels must be {cases} whole numbers, texts or truth values, one for each case; got "
            f"{labels.dtype} of shape {labels.shape}{hint}"
        )
    if lengths is not None and (lengths.shape != (cases,) or not _are_whole(lengths)):
        problems.append(
            f"lengths must be {cases} whole numbers, one for each case; got {lengths.dtype} of "
            f"shape {lengths.shape}"
        )
    return problems


def _are_whole(array):
    """Whether they are whole numbers, if only as floats: MATLAB has no others."""
    if array.dtype.kind == "f":
        return bool(np.isfinite(array).all() and (array == np.round(array)).all())
    return array.dtype.kind in "iu"
