"""Cases of any length as they come from files, before they are a data set: padding,
what is missing, and parts that are put together.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from spinrnn.datasets.channels import PLACE, likely
from spinrnn.datasets.dataset import Dataset
from spinrnn.datasets.labels import numbered
from spinrnn.errors import DataError, listed
from spinrnn.notebook import missing

LARGEST_RATIO = 64
"""Of the bytes of padded cases to those without padding, where they are many."""
SMALL = 2**26
"""Bytes that padded cases may have in any case."""
RULES = ("refuse", "linear", "hold")
"""What is done with a missing value: nothing, the straight line between its neighbours
in time, or the value before it. Before the first value of a case there is that one,
and after the last the last, by both rules.
"""


_FILL = 'leave these cases out, or fill them: data.missing = "linear", in Python missing="linear"'
_GIVE = "there is no other point to fill it from, so write the value or leave the case out"
"""What is advised where values are missing."""


@dataclass(frozen=True, eq=False)
class Series:
    """Cases from files.

    Attributes:
        inputs: (case, channel, time), NaN after the end of a shorter case.
        labels: (case,) of any kind, or None.
        lengths: (case,), or None where all have the whole length.
        order: names of all classes in the order of the file, or None.
        targets, channels, names, units, rate, target_names, step: as of `Dataset`, or
            None.
    """

    inputs: np.ndarray
    labels: np.ndarray | None = None
    lengths: np.ndarray | None = None
    order: tuple[str, ...] | None = None
    targets: np.ndarray | None = None
    channels: tuple[str, ...] | None = None
    names: tuple[str, ...] | None = None
    units: tuple[str, ...] | None = None
    rate: float | None = None
    target_names: tuple[str, ...] | None = None
    step: tuple[float, str] | None = None

    def dataset(self, test: np.ndarray | None = None, dense: bool = True) -> Dataset:
        """The data set; test, dense: as of `Dataset` and `numbered`."""
        labels, classes = self.labels, None
        if labels is not None and not self.at_points:
            labels, classes = numbered(labels, self.order, dense)
        known = classes, self.targets, self.channels, self.names
        scales = {"units": self.units, "rate": self.rate, "step": self.step}
        scales |= {"target_names": self.target_names}
        return Dataset(self.inputs, labels, self.lengths, test, *known, **scales)

    @property
    def at_points(self) -> bool:
        """Whether there is a label for every input point, and not a column for each
        class with a single 1 in each row.
        """
        labels, points = self.labels, self.inputs.shape[2]
        if labels is None or labels.ndim != 2 or labels.dtype.kind not in "iu":
            return False
        columns = np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all()
        return labels.shape[1] == points and not columns


def padded(cases: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray | None]:
    """((case, channel, time) padded with NaN, lengths or None) of cases (channel,
    time).

    Raises:
        DataError: other channels in a case than in the first, or one case is so long
            that the others' padding would fill the memory.
    """
    lengths = np.array([case.shape[-1] for case in cases])
    channels, longest = cases[0].shape[0], int(lengths.max())
    wrong = [k for k, case in enumerate(cases) if case.shape[0] != channels]
    if wrong:
        raise DataError(
            f"case {wrong[0]} has {cases[wrong[0]].shape[0]} channels, case 0 has {channels}"
        )
    kind = np.result_type(np.float32, *{case.dtype for case in cases})
    size = kind.itemsize * channels * longest * len(cases)
    if size > max(LARGEST_RATIO * sum(case.nbytes for case in cases), SMALL):
        raise DataError(
            f"case {int(lengths.argmax())} has {longest} points, far more than the others; "
            "cut it, as all are padded to the longest"
        )
    inputs = np.full((len(cases), channels, longest), np.nan, kind)
    for row, case in zip(inputs, cases, strict=True):
        row[:, : case.shape[-1]] = case
    return inputs, None if (lengths == longest).all() else lengths


def answers(values: np.ndarray, lengths: np.ndarray | None) -> np.ndarray:
    """Targets (case, output, time), NaN after the case's end; (case, output) where each
    case has one value.
    """
    ends = np.full(len(values), values.shape[2]) if lengths is None else np.asarray(lengths)
    there = np.arange(values.shape[2]) < ends[:, None, None]
    same = (values == values[:, :, :1]) | ~there
    # a case without any target has none at its end
    same |= (np.isnan(values) | ~there).all(axis=2, keepdims=True)
    return values[:, :, 0] if same.all() else values


def joined(parts: Sequence[Series]) -> Series:
    """The cases of all parts, one part behind the other.

    Raises:
        DataError: other channels, units or rates, or labels or targets in one part
            only.
    """
    parts = [parts[0], *(in_channels_of(parts[0].channels, part) for part in parts[1:])]
    channels = [part.inputs.shape[1] for part in parts]
    if len(set(channels)) > 1:
        raise DataError(f"the parts have {channels[0]} and {channels[1]} channels")
    units = _common_units(parts)
    if len({part.labels is None for part in parts}) > 1:
        raise DataError("one part has labels, the other none")
    targets = _joined_targets(parts)
    cases = [row[:, : _length(part, k)] for part in parts for k, row in enumerate(part.inputs)]
    inputs, lengths = padded(cases)
    labels = None
    if parts[0].labels is not None:
        labels = np.concatenate([part.labels for part in parts if part.labels is not None])
    order = [name for part in parts for name in part.order or ()]
    names = [name for part in parts for name in part.names or ()]
    return Series(
        inputs,
        labels,
        lengths,
        tuple(dict.fromkeys(order)) or None,
        targets,
        channels=parts[0].channels,
        names=tuple(names) if len(names) == len(inputs) else None,
        units=units,
        rate=parts[0].rate if len({part.rate for part in parts}) == 1 else None,
        target_names=parts[0].target_names,
        step=parts[0].step,
    )


def _joined_targets(parts):
    """Targets of all cases, or None; at every point where those of a part are."""
    found = [part.targets for part in parts if part.targets is not None]
    if not found:
        return None
    if len(found) < len(parts) or len({(one.shape[1], one.ndim) for one in found}) > 1:
        shapes = [_shape_of(part.targets) for part in parts]
        raise DataError(f"the parts have {' and '.join(shapes)}; give both parts the same targets")
    if found[0].ndim == 2:
        return np.concatenate(found)
    return padded([row for one in found for row in one])[0]


def _shape_of(targets):
    return "no targets" if targets is None else f"targets of the shape {targets.shape}"


def _common_units(parts):
    """Units of the channels of all parts, or None; DataError where two differ."""
    known = [part.units for part in parts if part.units is not None]
    for units in known[1:]:
        for k, pair in enumerate(zip(known[0], units, strict=True)):
            if len(set(pair)) > 1:
                one, other = (unit or "no unit" for unit in pair)
                raise DataError(
                    f"channel {k} is in {one} in one part, in {other} in the other; say what it "
                    "is, as in --units NAME=mV"
                )
    return known[0] if known else None


D = TypeVar("D", Series, Dataset)


def in_channels_of(channels: tuple[str, ...] | None, data: D) -> D:
    """The data with their channels in the order of these names, where both have names.

    Raises:
        DataError: they have others.
    """
    own = data.channels
    if channels is None or own is None or own == channels:
        return data
    if sorted(own) != sorted(channels):
        raise DataError(
            f"the channels are {listed(own)}, where {listed(channels)} are wanted; columns are "
            f"named by --columns, as in {_hint(channels, own)}"
        )
    order = [own.index(name) for name in channels]
    units = None if data.units is None else tuple(data.units[k] for k in order)
    return dataclasses.replace(data, inputs=data.inputs[:, order], channels=channels, units=units)


def _hint(channels, own):
    """How a column is given that may be a channel of another name."""
    missing = [name for name in channels if name not in own] or list(channels)
    left = [name for name in own if name not in channels] or list(own)
    pairs = [_apart(name, other) for name in missing for other in left]
    found = (likely([name], [other]) for name, other in pairs)
    near = next((pair for pair in found if pair[1] != PLACE), (pairs[0][0], PLACE))
    return "=".join(near)


def _apart(*names):
    """Two names without the words that both begin with, as of numbers of a channel:
    "maximum 1" and "maximum ax" are 1 and ax.
    """
    one, other = (name.split(" ") for name in names)
    while len(one) > 1 and len(other) > 1 and one[0] == other[0]:
        one, other = one[1:], other[1:]
    return " ".join(one), " ".join(other)


def fitted(data: Dataset, wanted: int, channels: tuple[str, ...] | None) -> Dataset:
    """The data with their channels in the order of a network that reads so many.

    Args:
        channels: their names, or None where they are not known.
    Raises:
        DataError: the data have others.
    """
    shape = np.shape(data.inputs)
    if len(shape) == 3 and shape[1] != wanted:
        swapped = "; are its axes (case, channel, time)?" if shape[2] == wanted else ""
        own = f"{shape[1]} channel{'s' if shape[1] != 1 else ''}{_named(data.channels)}"
        raise DataError(f"has {own}, the network reads {wanted}{_named(channels)}{swapped}")
    return in_channels_of(channels, data)


def _named(channels):
    return "" if channels is None else f" ({listed(channels)})"


def _length(part, case):
    return part.inputs.shape[2] if part.lengths is None else int(part.lengths[case])


def without_gaps(path: str | Path, series: Series, rule: str = "refuse") -> Series:
    """The series with its missing values filled by one of `RULES`.

    Raises:
        DataError: a value is missing and the rule is "refuse", or a channel of a case
            has none at all.
    """
    inputs, ends = series.inputs, series.lengths
    alone = inputs.shape[2] == 1
    if inputs.dtype.kind != "f":
        return series
    gaps = np.isnan(inputs)
    if ends is not None:
        gaps &= np.arange(inputs.shape[2]) < np.asarray(ends)[:, None, None]
    if not gaps.any():
        return series
    case, channel, point = np.argwhere(gaps)[0].tolist()
    place = _place(series, case, channel)
    if rule == "refuse":
        point = "" if alone else f", point {point}"
        raise DataError(
            f"{path}: {missing(int(gaps.sum()))}, the first is {place}{point}; "
            f"{_GIVE if alone else _FILL}"
        )
    filled = inputs.copy()
    for case, channel in np.argwhere(gaps.any(axis=2)).tolist():
        end = inputs.shape[2] if ends is None else int(ends[case])
        row = filled[case, channel, :end]
        if np.isnan(row).all():
            raise DataError(f"{path}: {_place(series, case, channel)} has no value; {_GIVE}")
        row[:] = _filled(row, rule)
    return dataclasses.replace(series, inputs=filled)


def _place(series, case, channel):
    """A channel of a case in words, by their names where they have some."""
    name = series.names[case] if series.names else case
    return f"case {name}, channel {series.channels[channel] if series.channels else channel}"


def _filled(row, rule):
    points, known = np.arange(len(row)), np.flatnonzero(~np.isnan(row))
    if rule == "linear":
        return np.interp(points, known, row[known])
    before = np.searchsorted(known, points, side="right") - 1
    return row[known[np.maximum(before, 0)]]
