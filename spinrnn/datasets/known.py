"""What a network's training knew of its data: names of classes and channels, units, the
points of a case, ranges, the rate of sounds. Other data are brought to it, or refused.
"""

import dataclasses
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spinrnn.datasets.dataset import Dataset
from spinrnn.datasets.ranges import MOST, Range, far_channels, ranges_of, step_problem
from spinrnn.datasets.series import fitted
from spinrnn.errors import DataError, DataNote, listed
from spinrnn.readers.units import as_asked, in_words, unit_of


@dataclass(frozen=True)
class Known:
    """What was known of the data of a training.

    Attributes:
        classes, channels: names of the classes and of the input channels, None where
            they have none.
        units: (channel,) symbols of what the numbers count in, "" where it is not
            known; None if nothing was kept, as of earlier versions.
        rate: of sounds, Hz, or None.
        points: input points of the longest case; None where it was not kept.
        targets: names of what the outputs should be, None where they have none.
        ranges: (channel,) `Range` of the numbers; step: as of `Dataset`; None where
            they were not kept.
    """

    classes: tuple[str, ...] | None = None
    channels: tuple[str, ...] | None = None
    units: tuple[str, ...] | None = None
    rate: float | None = None
    points: int | None = None
    targets: tuple[str, ...] | None = None
    ranges: tuple[Range, ...] | None = None
    step: tuple[float, str] | None = None

    @classmethod
    def of_data(cls, data: Dataset) -> "Known":
        """What a data set knows, of inputs (case, channel, time)."""
        points = np.shape(data.inputs)[2]
        ranges = tuple(found for found, _ in ranges_of(data))
        named = data.classes, data.channels, data.units, data.rate, points, data.target_names
        return cls(*named, ranges, data.step)

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Known":
        """Of `record`, or of more, or less; what is none of it is not known."""
        rate = record.get("rate")
        is_rate = isinstance(rate, int | float) and math.isfinite(rate) and rate > 0
        texts = ("classes", "channels", "units", "targets")
        names = {key: _names(record.get(key)) for key in texts}
        points = record.get("points")
        return cls(
            **names,
            rate=float(rate) if is_rate else None,
            points=points if type(points) is int and points > 0 else None,
            ranges=_ranges(record.get("ranges")),
            step=_step(record.get("step")),
        )

    def record(self) -> dict[str, Any]:
        """{name: value} of what is known, as JSON holds it."""
        own = dataclasses.asdict(self).items()
        return {name: _listed(value) for name, value in own if value is not None}

    def matched(self, data: Dataset, where: str = "data") -> Dataset:
        """Data with their channels in the order and in the units of the training; what
        was converted is told by a `DataNote`. Of what is not known on either side
        nothing is changed, nor refused; where numbers or the step in time are far from
        those of the training, a warning says so.

        Args:
            where: what the data are called in the note.
        Raises:
            DataError: they have other channels, units of another kind, or another rate.
        """
        if self.rate is not None and data.rate not in (None, self.rate):
            raise DataError(
                f"sounds are of {data.rate:g} Hz, those of the training of {self.rate:g} Hz; give "
                "the path of the files, which are then resampled"
            )
        named = data.channels is not None and np.ndim(data.inputs) == 3
        if self.channels is not None and named:
            data = fitted(data, len(self.channels), self.channels)
        far = self._warn(data, where)
        if data.units is None or self.units is None or len(data.units) != len(self.units):
            return data
        pairs = enumerate(zip(data.units, self.units, strict=True))
        differ = [(k, *pair) for k, pair in pairs if all(pair) and len(set(pair)) > 1]
        _tell_unsaid(data, self.units, where, far)
        return _in_units(data, differ, where) if differ else data

    def _warn(self, data, where):
        """Warns of numbers and steps far from the training's; returns the channels."""
        far, axes = {}, np.shape(data.inputs)
        if self.ranges is not None and len(axes) == 3 and axes[1] == len(self.ranges):
            none = ("",) * axes[1]
            fits = self.units is None or len(self.units) == axes[1]
            units = (self.units if fits else None) or none
            far = far_channels(data, self.ranges, units, data.units or none)
        texts = list(far.values())
        said = [
            *texts[:MOST],
            *([f"and {len(texts) - MOST} more channels"] if len(texts) > MOST else []),
        ]
        if self.step is not None and data.step is not None:
            said += [text for text in [step_problem(data.step, self.step)] if text]
        for text in said:
            warnings.warn(f"{where}: {text}", stacklevel=4)
        return far

    def labelled(self, data: Dataset) -> Dataset:
        """Data with the numbers of their labels that the network has for classes of the
        same names; as they are where either side has no names.

        Raises:
            DataError: a label is of a class that the network does not know.
        """
        if self.classes is None or data.classes in (None, self.classes) or data.labels is None:
            return data
        assert data.classes is not None
        place = {name: k for k, name in enumerate(self.classes)}
        labels = np.asarray(data.labels)
        used = np.unique(labels[labels >= 0]).tolist()
        foreign = [k for k in used if k >= len(data.classes) or data.classes[k] not in place]
        if foreign:
            names = [data.classes[k] if k < len(data.classes) else str(k) for k in foreign]
            raise DataError(
                f"labels: {listed(names)} is none of the classes {listed(self.classes)} that the "
                "network knows; rename them, or leave these cases out"
            )
        # the last entry is that of -1, no label
        numbers = np.array([*(place.get(name, -1) for name in data.classes), -1], dtype=np.int64)
        return dataclasses.replace(
            data, labels=numbers[np.maximum(labels, -1)], classes=self.classes
        )


def _tell_unsaid(data, units, where, told):
    """A `DataNote` on channels whose unit the data do not say and the training did;
    told: channels of which that is said.
    """
    taken = [
        f"{_called(data, k)} is taken to be in {in_words(wanted)}"
        for k, wanted in enumerate(units)
        if wanted and not data.units[k] and k not in told
    ]
    if taken:
        text = f"{', '.join(taken)}, as in the training; it does not say its unit"
        warnings.warn(f"{where}: {text}", DataNote, stacklevel=4)


def _called(data, channel):
    return data.channels[channel] if data.channels else f"channel {channel}"


def _in_units(data, differ, where):
    """The data with some channels converted; differ: [(channel, unit, wanted unit)]."""
    inputs, notes, problems = np.array(data.inputs, dtype=np.float64), [], []
    units = list(data.units)
    for k, own, wanted in differ:
        name = _called(data, k)
        unit, other = unit_of(own), unit_of(wanted)
        if unit is None or other is None or unit.si != other.si:
            problems.append(
                f"{name} is in {in_words(own)}, in the training it was in {in_words(wanted)}; give "
                "the same quantity, or say its unit if the file says a wrong one, as in --units "
                f"{name}={as_asked(wanted)}"
            )
            continue
        inputs[:, k], units[k] = other.from_si(unit.to_si(inputs[:, k])), wanted
        notes.append(f"{name}, {own} converted to {wanted} as in the training")
    if problems:
        raise DataError("; ".join(problems))
    warnings.warn(f"{where}: {'; '.join(notes)}", DataNote, stacklevel=4)
    return dataclasses.replace(data, inputs=inputs, units=tuple(units))


def _listed(value):
    """Tuples, and those in them, as lists."""
    return [_listed(one) for one in value] if isinstance(value, tuple) else value


def _ranges(found):
    """`Range`s as a file of results has them; None of anything else."""
    rows = found if isinstance(found, list) else [None]
    right = all(isinstance(row, list) and len(row) == 3 for row in rows)
    numbers = [number for row in rows for number in row or ()] if right else [None]
    if not all(map(_is_finite, numbers)):
        return None
    return tuple(Range(*map(float, row)) for row in rows if row)


def _step(found):
    """A step in time as a file of results has it; None of anything else."""
    pair = isinstance(found, list) and len(found) == 2
    right = pair and _is_finite(found[0]) and found[0] > 0 and isinstance(found[1], str)
    return (float(found[0]), found[1]) if right else None


def _is_finite(number):
    plain = isinstance(number, int | float) and not isinstance(number, bool)
    return plain and math.isfinite(number)


def _names(found):
    """Names as a file of results has them, a tuple; None where there are none."""
    listed = isinstance(found, list) and all(isinstance(name, str) for name in found)
    return tuple(found) if listed else None
