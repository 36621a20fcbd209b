"""What may be wrong with a device, as directions in which its power would move.

A saturating readout is no suspect of its own: 1 / p of an oscillator obeys a linear
equation, so to first order it is another scale, which is one.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from spinrnn.identify.problem import Predicted, Problem, Stretch

_BENT = "damping", "damping that depends on the state"
"""Of a kind that names no suspects of its own: what pulls it back is not linear."""


class Direction(NamedTuple):
    """A suspect without its direction; as `residuals.Suspect`."""

    key: str
    name: str
    factor: float
    unit: str


class Suspects:
    """All suspects of a fit: what they are, and their directions in each stretch.

    Attributes:
        of_drive: those that change the drive, in the order of `kicks`; of_readout: in
            the order of `readings`; fixed: of parameters whose values were given,
            with the numbers of their labels.
        largest, most: of the drive, and of the state that is measured; what depends on
            them is told as a share.
    """

    def __init__(self, problem: Problem, values: Mapping[str, float]):
        self.problem, self.values = problem, values
        self.rows = problem.rows_of(values)
        model = problem.model
        self.gain = np.array([row[model.drive_gain] for row in self.rows])[:, None]
        self.scale = np.array([row[model.readout.scale] for row in self.rows])
        self.gain_now = model.calibrated(self.rows).gain[:, None]
        self.h = problem.step_time()
        self.largest = float(np.abs(problem.drive).max(initial=0)) or 1.0
        unit, scale = model.parameters[model.readout.scale].unit, float(self.scale[0])
        self.most = float(np.nanmax(np.abs(problem.data.power), initial=0)) / abs(scale) or 1.0
        self.of_drive = [
            Direction("drive_lag", "lag of the drive (delay or another pole)", self.h, "s"),
            Direction("drive_saturation", "saturation of the drive", 1 / self.largest, "1/drive"),
            Direction("gain_state", "gain of the drive that depends on the state", 1.0, "1"),
            *(
                Direction(key, name, 1.0, "1")
                for key, name, _ in self._of_the_kind(slice(0, 1), np.zeros((1, 1)))
            ),
        ]
        self.of_readout = [
            Direction("readout_lag", "lag of the readout", self.h, "s"),
            Direction("readout_offset", "offset of the readout", scale, unit),
        ]
        given = [
            (number, label)
            for number, label in enumerate(problem.labels)
            if label in problem.known and label != model.readout.zero
        ]
        self.fixed_labels = [number for number, _ in given]
        self.fixed = [self._of_what_is_fixed(label) for _, label in given]

    def _of_what_is_fixed(self, label):
        """A parameter whose value was given, exactly or not: the fit has that very
        value."""
        key = self.problem.model.keys()[label][0]
        uncertainty = self.problem.known[label][1]
        name = f"{label} is not {self.values[label]:g}"
        name += f" (± {uncertainty:g})" if uncertainty else ""
        return Direction(f"fixed_{key}", name, 1.0, self.problem.model.units()[label])

    @property
    def all(self) -> list[Direction]:
        """In the order of the columns of `columns`."""
        return [*self.of_drive, *self.of_readout, *self.fixed]

    def columns(self, found: Predicted) -> np.ndarray:
        """(n, suspects) their directions at the samples of a prediction that was
        made with `kicks`."""
        by_fixed = found.by_labels[:, self.fixed_labels]
        return np.column_stack([found.by_kicks, self.readings(found), by_fixed])

    def kicks(self, stretch: Stretch, state: np.ndarray) -> np.ndarray:
        """(case, step, suspect) changes of the drive, for `Problem.states`."""
        problem = self.problem
        steps = slice(stretch.first * problem.pieces, stretch.last * problem.pieces)
        drive, gain = problem.drive[stretch.cases, steps], self.gain_now[stretch.cases]
        middle = np.repeat((state[:, 1:] + state[:, :-1]) / 2, problem.pieces, axis=1)
        own = [kick for _, _, kick in self._of_the_kind(stretch.cases, middle)]
        saturation = -gain * drive * np.abs(drive) / self.largest
        lag = -gain * self._slope_of_the_drive(stretch) * self.h
        return np.stack([lag, saturation, gain * drive * middle / self.most, *own], axis=2)

    def _of_the_kind(self, cases, middle):
        """[(key, name, (case, step) change of the drive)] of what the kind says, and of
        one that says nothing, what pulls its state back as the state's square.
        """
        further = self.problem.model.further_suspects(self.rows[cases], middle)
        share, most = middle / self.most, np.abs(self.gain_now[cases]) * self.largest
        return further or [(*_BENT, -most * share * np.abs(share))]

    def _slope_of_the_drive(self, stretch):
        """(case, step) change of the drive over the time between samples, unit of drive
        / s.

        A held drive that is late has, until then, the value from before; a linear one
        has a slope.
        """
        problem, first, last = self.problem, stretch.first, stretch.last
        given = problem.given[stretch.cases]
        if problem.drive_between == "held":
            before = given[:, max(first - 1, 0) : last]
            # nothing is known of what was before the first sample
            before = np.concatenate([before[:, :1], before], axis=1) if first == 0 else before
            change = np.diff(before, axis=1)
        else:
            change = np.diff(given[:, first : last + 1], axis=1)
        durations = problem.between[stretch.cases, first:last]
        slope = change[:, : last - first] / np.where(durations > 0, durations, np.inf)
        return np.repeat(slope, problem.pieces, axis=1)

    def readings(self, found: Predicted) -> np.ndarray:
        """(n, 2) of a lag and an offset of the readout."""
        scale = self.scale[found.case]
        return np.column_stack([-scale * found.speed * self.h, scale])
