"""What a data set is: labelled sequences, checked when they are put together."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spinrnn.arrays import PADDED_WITH_LENGTHS, array_of
from spinrnn.datasets.labels import numbered
from spinrnn.errors import DataError, listed
from spinrnn.notebook import card, described, plural, span
from spinrnn.readers.units import shown

ARRAYS = ("inputs", "labels", "lengths", "test", "targets")
"""Names of a data set's arrays, in files as in Python."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled sequences. Arrays may be given as lists; a masked input is a missing
    one.

    Attributes:
        inputs: (case, channel, time) real; what follows a case's length may be NaN.
        labels: (case,) whole numbers from 0, or (case, time) for every input point, -1
            where there is none; None for inputs that are only simulated, or have
            targets. Texts and truth values are numbered.
        lengths: (case,) input points of each case, or None if all have the whole
            length.
        test: (case,) bool, True for the cases of the test part that the data bring with
            them, or None if it is to be drawn. Zeros and ones are taken too.
        classes: names of the classes 0, 1, ..., or None where they have no others than
            their numbers.
        targets: (case, output) real, or (case,) of one output; or (case, output, time)
            for every input point. NaN where there is none; None where labels say what
            is learned.
        channels: names of the input channels, and names: of the cases, as far as the
            data have them; they do not count as content.
        weights: (case,) from 0, of the cases' losses, or None if all count alike. They
            act on what is learned, not on the scores that are reported.
        units: (channel,) symbols of what the inputs count in, "" where it is not known;
            rate: of sounds, Hz. None where nothing is known; no content either.
        target_names: (output,) names of the targets, or None; no content either.
        step: (number, unit as the file writes it, "" for none) of the step in time from
            one point to the next, or None where it is not known; no content either.

    Raises:
        DataError: the cases differ in shape, a label or a length is masked, or test is
            not one truth value, weights not one number for each case, target_names not
            one for each output.
    """

    inputs: np.ndarray
    labels: np.ndarray | None = None
    lengths: np.ndarray | None = None
    test: np.ndarray | None = None
    classes: tuple[str, ...] | None = None
    targets: np.ndarray | None = None
    channels: tuple[str, ...] | None = None
    names: tuple[str, ...] | None = None
    weights: np.ndarray | None = None
    units: tuple[str, ...] | None = None
    rate: float | None = None
    target_names: tuple[str, ...] | None = None
    step: tuple[float, str] | None = None

    def __post_init__(self):
        for name in ARRAYS:
            value = getattr(self, name)
            if value is not None:
                missing = name in ("inputs", "targets")
                array = array_of(value, name, missing=missing, padding=PADDED_WITH_LENGTHS)
                object.__setattr__(self, name, array)
        if self.labels is not None and self.labels.dtype.kind in "SUb" and self.labels.ndim == 1:
            labels, classes = numbered(self.labels, self.classes)
            object.__setattr__(self, "labels", labels)
            object.__setattr__(self, "classes", classes)
        if self.classes is not None:
            object.__setattr__(self, "classes", tuple(map(str, self.classes)))
        if self.units is not None:
            object.__setattr__(self, "units", _units(self.units, self.inputs))
        if self.targets is not None and self.targets.ndim == 1:
            object.__setattr__(self, "targets", self.targets[:, None])
        if self.target_names is not None:
            object.__setattr__(self, "target_names", _target_names(self))
        if self.test is not None:
            object.__setattr__(self, "test", _truth(self.test, len(self)))
        if self.weights is not None:
            object.__setattr__(self, "weights", _weights(self.weights, len(self)))

    @classmethod
    def of(
        cls,
        data: Any,
        targets: str | Sequence[str] | None = None,
        missing: str = "refuse",
    ) -> Dataset:
        """A data set of an object of pandas or xarray, or of a dictionary of arrays.

        What had to be guessed is told by a `DataNote`, a warning.

        Args:
            data: a DataFrame with a row for each point and the columns `case`, perhaps
                `label`, `time` and `test`; the other columns of numbers are channels.
                A DataArray, or a Dataset with the variable `inputs`, whose dimensions
                are called case, channel and time, in any order and some of them; beside
                it `label` (case,), `lengths`, `test`, `targets`. A Dataset without
                inputs: each variable (case, time) is a channel. A dictionary of arrays
                of these names, or of columns.
            targets: names of columns or variables that are targets of a regression.
            missing: what is done with a missing value, as in `spinrnn.load_dataset`.
                What is missing at a case's end is its end.
        Raises:
            DataError: the object does not fit together, or is ambiguous.
        """
        from spinrnn.datasets.objects import dataset_of

        return dataset_of(data, targets, missing)

    def __len__(self) -> int:
        return len(self.inputs if self.labels is None else self.labels)

    def __repr__(self) -> str:
        cases = f"{len(self)} case{'s' if len(self) != 1 else ''}"
        own = f", {int(self.test.sum())} for the test" if self.test is not None else ""
        classes = f", classes {listed(self.classes)}" if self.classes else ""
        return f"<Dataset of {cases}, inputs {np.shape(self.inputs)}{own}{classes}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: sizes, classes, ranges."""
        lengths, test, counts = self.lengths, self.test, None
        if self.labels is not None and self.labels.dtype.kind in "iu":
            found, cases = np.unique(self.labels[self.labels >= 0], return_counts=True)
            names = self.classes or ()
            own = [names[k] if k < len(names) else str(k) for k in found.tolist()]
            counts = dict(zip(own, cases.tolist(), strict=True))
        rows = [
            ("inputs (case, channel, time)", described(self.inputs)),
            ("points of a case", None if lengths is None else span(lengths)),
            ("classes, cases or points of each", counts),
            ("targets", self.targets),
            ("for the test", None if test is None else plural(int(test.sum()), "case")),
            ("weights", self.weights),
        ]
        return card(f"Dataset of {plural(len(self), 'case')}", rows)

    def flat(self) -> Dataset:
        """The cases as lists of numbers: inputs (case, channel * time, 1), one channel
        after the other.

        DataError: cases differ in length, or have answers at every point.
        """
        inputs = np.asarray(self.inputs)
        if inputs.ndim != 3:
            # what is wrong with it is told where it is used
            return self
        points = inputs.shape[2]
        if self.lengths is not None and (np.asarray(self.lengths) != points).any():
            raise DataError(f"inputs: {self._of_lengths()}")
        if points > 1 and any(
            given is not None and given.ndim == wanted
            for given, wanted in ((self.labels, 2), (self.targets, 3))
        ):
            raise DataError(
                "targets: there is one at every point; a network without time has one answer for "
                'each case; choose network.kind = "recurrent"'
            )
        whole = inputs.reshape(len(inputs), inputs.shape[1] * points, 1)
        own = self.channels, self.units
        channels, units = own if points == 1 else (None, None)
        return dataclasses.replace(self, inputs=whole, lengths=None, channels=channels, units=units)

    def _of_lengths(self) -> str:
        """What is wrong with cases of several lengths in a network without time."""
        lengths = np.asarray(self.lengths)
        longer = np.flatnonzero(lengths > 1)
        if not 2 * len(longer) < len(lengths):
            return (
                f"cases have {span(lengths)} points; a network without time takes cases of one "
                'length; choose network.kind = "recurrent"'
            )
        names = [self.names[k] if self.names else str(k) for k in longer.tolist()]
        told = [f"{name} {lengths[k]} times" for name, k in zip(names, longer, strict=True)]
        return (
            f"most cases have one point, but there is case {listed(told)}; give each row a case of "
            'its own, or where cases are sequences choose network.kind = "recurrent"'
        )

    def digest(self) -> str:
        """SHA-256 of the content, by which a run knows its data again."""
        digest = hashlib.sha256()
        for array in (self.inputs, self.labels, self.lengths, self.test, self.targets):
            if array is not None:
                digest.update(f"{array.dtype.str} {array.shape}".encode())
                digest.update(np.ascontiguousarray(array).data)
        # data without names have the digest that they had before there were names
        if self.classes is not None:
            digest.update(json.dumps(self.classes).encode())
        if self.weights is not None:
            digest.update(b"weights")
            digest.update(np.ascontiguousarray(self.weights).data)
        return digest.hexdigest()

    def weighed(self, classes: np.ndarray) -> Dataset:
        """The same, with the weight of each case times that of its class, (K,)."""
        own = classes[np.maximum(np.asarray(self.labels), 0)]
        weights = own if self.weights is None else own * self.weights
        return dataclasses.replace(self, weights=weights)

    def take(self, indices) -> Dataset:
        """The cases with these indices, a slice or (case,) numbers or truth values."""
        taken = {name: getattr(self, name) for name in (*ARRAYS, "weights")}
        taken = {name: array[indices] for name, array in taken.items() if array is not None}
        names = self.names
        if names is not None:
            numbers = np.atleast_1d(np.arange(len(names))[indices])
            names = tuple(names[k] for k in numbers.tolist())
        return dataclasses.replace(self, **taken, names=names)


def _truth(test, cases):
    """test as (case,) bool, or DataError."""
    # HDF5's truth values are bytes, and a damaged file holds others than 0 and 1
    numbers = test.view(np.uint8) if test.dtype == bool else test
    right = test.shape == (cases,) and numbers.dtype.kind in "iu"
    if not right or not np.isin(numbers, (0, 1)).all():
        raise DataError(
            f"test: must be {cases} times true or false (1 or 0), one for each case; "
            f"got {test.dtype} of shape {test.shape}"
        )
    return numbers == 1


def _units(units, inputs):
    """units as a tuple of symbols, or DataError."""
    found = tuple(shown(str(unit)) for unit in units)
    if isinstance(units, str) or (inputs.ndim == 3 and len(found) != inputs.shape[1]):
        raise DataError(
            f"units: must be a text for each of the {inputs.shape[1]} channels, as in "
            f'units=("V", "A"); got {units!r}'
        )
    return found


def _target_names(data):
    """(output,) texts, or DataError."""
    names, targets = data.target_names, data.targets
    found = () if isinstance(names, str) else tuple(map(str, names))
    if targets is not None and targets.ndim > 1 and len(found) != targets.shape[1]:
        raise DataError(
            f"target_names: must be a name for each of the {targets.shape[1]} outputs, as in "
            f'target_names=("y", "z"); got {names!r}'
        )
    return found


def _weights(weights, cases):
    """weights as (case,) float64, or DataError."""
    found = array_of(weights, "weights")
    right = found.shape == (cases,) and found.dtype.kind in "fiub"
    if not right or not (np.isfinite(found) & (found >= 0)).all():
        raise DataError(
            f"weights: must be {cases} finite numbers from 0, one for each case; got "
            f"{found.dtype} of shape {found.shape}"
        )
    return found.astype(np.float64)
