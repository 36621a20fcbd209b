"""What a network's training knew of its data: names of classes and channels, units, the
points of a case, the rate of sounds. Other data are brought to it, or refused.
"""

import dataclasses
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spinrnn.datasets.dataset import Dataset
from spinrnn.datasets.series import fitted
from spinrnn.errors import DataError, DataNote, listed
from spinrnn.readers.units import unit_of


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
    """

    classes: tuple[str, ...] | None = None
    channels: tuple[str, ...] | None = None
    units: tuple[str, ...] | None = None
    rate: float | None = None
    points: int | None = None
    targets: tuple[str, ...] | None = None

    @classmethod
    def of_data(cls, data: Dataset) -> "Known":
        """What a data set knows, of inputs (case, channel, time)."""
        points = np.shape(data.inputs)[2]
        return cls(data.classes, data.channels, data.units, data.rate, points, data.target_names)

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
        )

    def record(self) -> dict[str, Any]:
        """{name: value} of what is known, as JSON holds it."""
        own = dataclasses.asdict(self).items()
        plain = {name: list(v) if isinstance(v, tuple) else v for name, v in own}
        return {name: value for name, value in plain.items() if value is not None}

    def matched(self, data: Dataset, where: str = "data") -> Dataset:
        """Data with their channels in the order and in the units of the training; what
        was converted is told by a `DataNote`. Of what is not known on either side
        nothing is changed, nor refused.

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
        if data.units is None or self.units is None or len(data.units) != len(self.units):
            return data
        pairs = enumerate(zip(data.units, self.units, strict=True))
        differ = [(k, *pair) for k, pair in pairs if all(pair) and len(set(pair)) > 1]
        _tell_unsaid(data, self.units, where)
        return _in_units(data, differ, where) if differ else data

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


def _tell_unsaid(data, units, where):
    """A `DataNote` on channels whose unit the data do not say and the training did."""
    taken = [
        f"{data.channels[k] if data.channels else f'channel {k}'} is taken to be in {wanted}"
        for k, wanted in enumerate(units)
        if wanted and not data.units[k]
    ]
    if taken:
        text = f"{', '.join(taken)}, as in the training; it does not say its unit"
        warnings.warn(f"{where}: {text}", DataNote, stacklevel=4)


def _in_units(data, differ, where):
    """The data with some channels converted; differ: [(channel, unit, wanted unit)]."""
    inputs, notes, problems = np.array(data.inputs, dtype=np.float64), [], []
    units = list(data.units)
    for k, own, wanted in differ:
        name = data.channels[k] if data.channels else f"channel {k}"
        unit, other = unit_of(own), unit_of(wanted)
        if unit is None or other is None or unit.si != other.si:
            problems.append(
                f"{name} is in {own}, in the training it was in {wanted}; give the same quantity, "
                f"or say its unit if the file says a wrong one, as in --units {name}={wanted}"
            )
            continue
        inputs[:, k], units[k] = other.from_si(unit.to_si(inputs[:, k])), wanted
        notes.append(f"{name}, {own} converted to {wanted} as in the training")
    if problems:
        raise DataError("; ".join(problems))
    warnings.warn(f"{where}: {'; '.join(notes)}", DataNote, stacklevel=4)
    return dataclasses.replace(data, inputs=inputs, units=tuple(units))


def _names(found):
    """Names as a file of results has them, a tuple; None where there are none."""
    listed = isinstance(found, list) and all(isinstance(name, str) for name in found)
    return tuple(found) if listed else None
