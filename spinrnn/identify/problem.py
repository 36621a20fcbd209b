"""The unknowns of a fit and what they predict: packing, residuals and their Jacobian.

Unknowns are the parameters of the device that are not known, each for all recordings or
one for each, and of each case the states at its first time. A recording is gone through
in stretches, so that its whole Jacobian is never in memory: of the Jacobian and the
residuals a fit needs no more than their triangular factor, which each stretch brings up
to date.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spinrnn.errors import DataError, MemoryLimitError
from spinrnn.identify.models import Model
from spinrnn.identify.sensitivity import Calibrated, response, workspace
from spinrnn.identify.triangles import Arrow
from spinrnn.machine.memory import format_size, get_memory_limit
from spinrnn.notebook import plural
from spinrnn.recordings.measurement import Measurement

PIECES = 4
"""Steps between two samples of a drive that goes linearly between them."""
STRETCH = 1 << 13
"""Samples that are gone through at once."""
FEWEST = 2000
"""Samples of a case that stand for a longer one in a first fit."""
_ARRAYS = 14
"""Numbers for each sample that a fit and what it tells need."""


class Stretch(NamedTuple):
    """Some cases from a sample to another.

    Attributes:
        cases: slice; first, last: samples at its ends; the first one belongs to the
            stretch before, unless it is the first of all.
    """

    cases: slice
    first: int
    last: int

    @property
    def rows(self) -> slice:
        """Its own samples."""
        return slice(self.first + (self.first > 0), self.last + 1)


@dataclass(frozen=True)
class Solution:
    """Parameters (by label) and (case, d) first states at which a search ended; cost:
    half the sum of squares of the residuals over sigma; held: labels at a bound;
    mirrors: as of `mirrors.mirrors_of`, once they were asked for."""

    values: dict[str, float]
    start: np.ndarray
    cost: float
    held: tuple[str, ...] = ()
    mirrors: tuple[tuple[str, ...], ...] = ()


class Predicted(NamedTuple):
    """What the model says of a stretch's own samples that are present.

    Attributes:
        stretch: which; case: (n,) their case.
        state: (n,) the measured state; speed: (n,) its change over the time from the
            sample before, per s; y: (n,) prediction.
        by_labels: (n, labels) derivatives of y by the parameters; by_start: (n, d) by
            the first states of the case; by_kicks: (n, E).
    """

    stretch: Stretch
    case: np.ndarray
    state: np.ndarray
    speed: np.ndarray
    y: np.ndarray
    by_labels: np.ndarray
    by_start: np.ndarray
    by_kicks: np.ndarray


class Problem:
    """Residuals and their Jacobian by the coordinates of the unknowns.

    Attributes:
        data: `Measurement`; known: {name: (value, uncertainty)}; model: `Model`.
        drive_between: "held" or "linear"; bounds: {name: (low, high)}.
        recordings: (case,) number of the recording of each case.
        each: names of which every recording has its own.
        labels: names of all parameters, of those in each one for each recording as
            "gain[0]"; label_of: (case, name) number of the label.
        free: labels that are fitted; free_labels: their numbers.
        cases, samples: numbers of them; count: number of samples that are present.
        present: (case, sample) bool.
        sigma: (case, sample) noise of the power where it is known, else (case, 1) its
            own size, so that tolerances mean the same for all.
        pieces: steps between two samples; between: (case, sample - 1) s; durations,
            drive: (case, step), s and user's unit.
        given: drive as it was given, 0 where it is missing.
    """

    def __init__(
        self,
        data: Measurement,
        known: Mapping[str, tuple[float, float]],
        drive_between: str,
        model: Model,
        each: Sequence[str] = (),
        recordings: np.ndarray | None = None,
        bounds: Mapping[str, tuple[float, float]] | None = None,
        steps: int = 1,
    ):
        self.data, self.known, self.model = data, dict(known), model
        self.drive_between, self.bounds = drive_between, dict(bounds or {})
        self.cases, self.samples = data.power.shape
        self.recordings = np.arange(self.cases) if recordings is None else recordings
        self.each = tuple(each)
        self._name_labels()
        self.present = data.present
        self.count = int(self.present.sum())
        self.pieces = steps * (PIECES if drive_between == "linear" else 1)
        self._check_size()
        if data.noise is None:
            size = np.sqrt(np.nanmean(data.power**2)) or 1.0
            self.sigma = np.full((self.cases, 1), size)
        else:
            self.sigma = data.noise
        self.durations = self.between = data.durations
        if self.pieces > 1:
            self.durations = np.repeat(self.between / self.pieces, self.pieces, axis=1)
        self.given = np.nan_to_num(data.drive)
        self.drive = self._on_steps(self.given)
        states, numbers = model.states, len(model.number_names)
        self._loop = response(model.functions, states, numbers, model.kind)

    def _name_labels(self):
        self.labels, rows = [], []
        count = int(self.recordings.max()) + 1
        for name in self.model.names:
            first = len(self.labels)
            own = name in self.each
            self.labels += [f"{name}[{r}]" for r in range(count)] if own else [name]
            rows.append(first + (self.recordings if own else 0 * self.recordings))
        self.label_of = np.transpose(rows)
        self.free = [label for label in self.labels if self.name_of(label) not in self.known]
        self.free_labels = [self.labels.index(label) for label in self.free]

    def name_of(self, label: str) -> str:
        """The parameter that a label is of."""
        name = label.partition("[")[0]
        return name if name in self.each else label

    def _check_size(self):
        """Raises a DataError for too few samples, a MemoryLimitError for too many."""
        states = self.cases * self.model.states
        size = len(self.free) + states
        if self.count <= size:
            each = "one" if self.model.states == 1 else self.model.states
            raise DataError(
                f"power: {self.count} samples are too few for {size} unknowns, those of the "
                f"device and {each} for each case"
            )
        kept = self.cases * self.samples * (_ARRAYS + 2 * self.pieces)
        columns = len(self.labels) + self.model.states + 6
        # a stretch has whole cases, or a part of one
        stretch = min(self.count, STRETCH + min(self.samples, STRETCH))
        taken = 8 * (kept + 3 * columns * stretch + 4 * (states + columns) ** 2)
        if taken > get_memory_limit():
            raise MemoryLimitError(
                f"a fit of {self.count} samples in {plural(self.cases, 'case')} takes "
                f"{format_size(taken)}, "
                f"the limit is {format_size(get_memory_limit())}; take fewer cases or samples, or "
                "raise the limit (SPINRNN_MEMORY)"
            )

    def _on_steps(self, values):
        """(case, step) drive in the middle of each step, held or linear between the
        times."""
        if self.drive_between == "held":
            held = values[:, : self.samples - 1]
            return np.repeat(held, self.pieces, axis=1) if self.pieces > 1 else held
        share = (np.arange(self.pieces) + 0.5) / self.pieces
        between = values[:, :-1, None] + share * np.diff(values, axis=1)[:, :, None]
        return between.reshape(self.cases, -1)

    # ---- going through the recordings ----

    def stretches(self) -> Iterator[Stretch]:
        """All of them: whole cases together, or long ones one after the other."""
        together = max(1, STRETCH // self.samples)
        if self.samples <= STRETCH:
            for first in range(0, self.cases, together):
                cases = slice(first, min(first + together, self.cases))
                yield Stretch(cases, 0, self.samples - 1)
            return
        for case in range(self.cases):
            for first in range(0, self.samples - 1, STRETCH):
                last = min(first + STRETCH, self.samples - 1)
                yield Stretch(slice(case, case + 1), first, last)

    def states(
        self,
        values: Mapping[str, float],
        start: np.ndarray,
        kicks: Callable[[Stretch, np.ndarray], np.ndarray] | None = None,
        extra: int = 0,
    ) -> Iterator[tuple[Stretch, np.ndarray, np.ndarray]]:
        """The measured state and its derivatives, stretch after stretch.

        Args:
            values: by labels; start: (case, d) first states.
            kicks: of a stretch and its states (case, sample): (case, step, extra),
                changes of the drive for which derivatives are wanted.
        Returns:
            (stretch, (case, sample) state at its samples with the first, (case, sample,
            K + d + extra) derivatives by `Model.inner`, first states and kicks).
        """
        d, k = self.model.states, len(self.model.inner)
        whole = self.model.calibrated(self.rows_of(values))
        start = np.asarray(start, dtype=np.float64).reshape(self.cases, d)
        state, slopes = np.empty(0), np.empty(0)
        for stretch in self.stretches():
            own = Calibrated(*(part[stretch.cases] for part in whole))
            if stretch.first == 0:
                state = start[stretch.cases].copy()
                slopes = np.zeros((len(state), d, k + d + extra))
                slopes[:, :, k : k + d] = np.eye(d)
            kicked = None
            if kicks is not None:
                # once without kicks, which depend on the state
                found = self._step(own, stretch, state.copy(), slopes[:, :, : k + d].copy(), None)
                kicked = kicks(stretch, found[0])
            yield stretch, *self._step(own, stretch, state, slopes, kicked)

    def _step(self, own, stretch, state, slopes, kicks):
        """(state, derivatives) of a stretch; state and slopes become those at its
        end."""
        steps = slice(stretch.first * self.pieces, stretch.last * self.pieces)
        drive = np.ascontiguousarray(self.drive[stretch.cases, steps])
        durations = np.ascontiguousarray(self.durations[stretch.cases, steps])
        cases, length = len(drive), stretch.last - stretch.first + 1
        kicks = np.zeros((*drive.shape, 0)) if kicks is None else np.ascontiguousarray(kicks)
        found = np.empty((cases, length))
        by = np.empty((cases, length, slopes.shape[2]))
        numbers = own.q.shape[1]
        self._loop(
            durations, drive, self.pieces, kicks, np.ascontiguousarray(own.q.T).ravel(),
            own.by_q, own.level, own.by_level, own.gain, own.by_gain, self.model.shared,
            self.model.place, state, slopes,
            workspace(self.model.states, numbers, slopes.shape[2]), found, by,
        )  # fmt: skip
        return found, by

    def predict(self, values: Mapping[str, float], start: np.ndarray) -> np.ndarray:
        """(case, sample) the measured state at all times."""
        found = np.empty((self.cases, self.samples))
        for stretch, state, _ in self.states(values, start):
            found[stretch.cases, stretch.first : stretch.last + 1] = state
        return found

    def readout(self, values: Mapping[str, float], state: np.ndarray) -> np.ndarray:
        """(case, sample) what is measured of these states."""
        rows, names = self.rows_of(values), self.model.readout
        scale, zero = (np.array([row[name] for row in rows])[:, None] for name in names)
        return zero + scale * state

    def predictions(
        self,
        values: Mapping[str, float],
        start: np.ndarray,
        kicks: Callable[[Stretch, np.ndarray], np.ndarray] | None = None,
        extra: int = 0,
    ) -> Iterator[Predicted]:
        """`Predicted` of all stretches; arguments as of `states`."""
        rows, names = self.rows_of(values), self.model.names
        k, d = len(self.model.inner), self.model.states
        inner = [names.index(name) for name in self.model.inner]
        scale_at, zero_at = (names.index(name) for name in self.model.readout)
        scales, zeros = (np.array([row[name] for row in rows]) for name in self.model.readout)
        for stretch, state, by in self.states(values, start, kicks, extra):
            skipped = stretch.rows.start - stretch.first
            present = self.present[stretch.cases, stretch.rows]
            case = stretch.cases.start + np.nonzero(present)[0]
            s, slopes = state[:, skipped:][present], by[:, skipped:][present]
            scale = scales[case]
            own = np.empty((len(s), len(names)))
            own[:, inner] = scale[:, None] * slopes[:, :k]
            own[:, scale_at], own[:, zero_at] = s, 1.0
            by_labels = self._by_labels(own, case)
            further = scale[:, None] * slopes[:, k:]
            y = zeros[case] + scale * s
            speed = self._speed(stretch, state)[:, skipped:][present]
            further = further[:, :d], further[:, d:]
            yield Predicted(stretch, case, s, speed, y, by_labels, *further)

    def _by_labels(self, own, case):
        """(n, labels) of (n, names) derivatives by the parameters of each case."""
        if not self.each:
            return own
        found = np.zeros((len(own), len(self.labels)))
        found[np.arange(len(own))[:, None], self.label_of[case]] = own
        return found

    def _speed(self, stretch, state):
        """(case, sample) change of the state over the time from the sample before."""
        durations = self.between[stretch.cases, stretch.first : stretch.last]
        change = np.diff(state, axis=1) / np.where(durations > 0, durations, np.inf)
        return np.pad(change, ((0, 0), (1, 0)))

    def of(self, values: np.ndarray, found: Predicted) -> np.ndarray:
        """(n,) of (case, sample) or (case, 1) those at the samples of a prediction."""
        stretch = found.stretch
        present = self.present[stretch.cases, stretch.rows]
        own = values[stretch.cases]
        own = own[:, stretch.rows] if values.shape[1] > 1 else own
        return np.broadcast_to(own, present.shape)[present]

    def case_costs(self, values: Mapping[str, float], start: np.ndarray) -> np.ndarray:
        """(case,) sum of squares of the residuals over sigma."""
        costs = np.zeros(self.cases)
        for found in self.predictions(values, start):
            residual = (self.of(self.data.power, found) - found.y) / self.of(self.sigma, found)
            costs += np.bincount(found.case, residual**2, self.cases)
        return costs

    # ---- coordinates ----

    def rows_of(self, values: Mapping[str, float]) -> list[dict[str, float]]:
        """{name: value} for each case, of values by labels."""
        made: dict[int, dict[str, float]] = {}
        for recording in self.recordings if self.each else [0]:
            if int(recording) not in made:
                made[int(recording)] = {
                    name: values[f"{name}[{recording}]" if name in self.each else name]
                    for name in self.model.names
                }
        return [made[int(r) if self.each else 0] for r in self.recordings]

    def spread_out(self, values: Mapping[str, float]) -> dict[str, float]:
        """Values by labels, of values by names."""
        return {label: values[self.name_of(label)] for label in self.labels}

    def pack(self, values: Mapping[str, float], start: np.ndarray) -> np.ndarray:
        """(free + case d,) coordinates of parameters and first states."""
        of = self.model.parameters
        free = [of[self.name_of(label)].of(values[label]) for label in self.free]
        start = np.asarray(start, dtype=np.float64).reshape(self.cases, -1)
        return np.concatenate([free, self.model.start_coordinates(start).ravel()])

    def unpack(self, x: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
        """(values of all labels, (case, d) first states) of coordinates."""
        values = {
            label: self.known[self.name_of(label)][0]
            for label in self.labels
            if self.name_of(label) in self.known
        }
        # the coordinates of the first states follow those of the parameters
        for label, coordinate in zip(self.free, x, strict=False):
            values[label] = self.model.parameters[self.name_of(label)].value(coordinate)
        start = x[len(self.free) :].reshape(self.cases, self.model.states)
        return values, self.model.start_of(start)

    def box(self) -> tuple[np.ndarray, np.ndarray]:
        """Bounds of all coordinates: of the quantities, narrowed by the user's."""
        size = len(self.free) + self.cases * self.model.states
        low, high = np.full(size, -np.inf), np.full(size, np.inf)
        for number, label in enumerate(self.free):
            name = self.name_of(label)
            parameter = self.model.parameters[name]
            own = self.bounds.get(name, (-np.inf, np.inf))
            least, most = max(parameter.low, own[0]), min(parameter.high, own[1])
            low[number], high[number] = parameter.coordinates(least, most)
        return low, high

    # ---- residuals ----

    def rows(self, x: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Derivatives of the residual, predicted less measured power over sigma, by the
        coordinates; stretch after stretch.

        Yields (n,) the case of each sample, (n, d) by its first states, and (n, free +
        1) by the parameters, and the residual itself.
        """
        values, start = self.unpack(x)
        of = self.model.parameters
        slopes = [of[self.name_of(label)].slope(values[label]) for label in self.free]
        by_start = self.model.start_slope(start)
        for found in self.predictions(values, start):
            sigma = self.of(self.sigma, found)[:, None]
            residual = found.y - self.of(self.data.power, found)
            by_free = found.by_labels[:, self.free_labels] * slopes
            own = found.by_start * by_start[found.case]
            yield found.case, own / sigma, np.column_stack([by_free, residual]) / sigma

    def factor(self, x: np.ndarray) -> np.ndarray:
        """(k + 1, k + 1) numbers whose columns, those of the coordinates and of the
        residual, have the lengths and angles of those of all samples."""
        found = Arrow(self.cases, self.model.states, len(self.free) + 1)
        with np.errstate(all="ignore"):
            for rows in self.rows(x):
                found.add(*rows)
            whole, starts = found.whole(), self.cases * self.model.states
        return np.hstack([whole[:, starts:-1], whole[:, :starts], whole[:, -1:]])

    def residual(self, x: np.ndarray) -> np.ndarray:
        """(present sample,) predicted less measured power over sigma."""
        return np.concatenate([common[:, -1] for _, _, common in self.rows(x)])

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        """(present sample, free + case d) derivatives of `residual`."""
        return np.concatenate([self._whole(*rows) for rows in self.rows(x)])

    def _whole(self, case, own, common):
        """Derivatives by all coordinates, of those that `rows` gives."""
        d, free = self.model.states, len(self.free)
        made = np.zeros((len(case), free + self.cases * d))
        made[:, :free] = common[:, :free]
        at = np.arange(len(case))[:, None]
        made[at, free + case[:, None] * d + np.arange(d)] = own
        return made

    def step_time(self) -> float:
        """s, the usual time between two samples."""
        durations = self.between[:, : 10 * STRETCH]
        return float(np.median(durations[durations > 0]))

    def of_each(self, samples: int) -> int:
        """Samples of each case where there are to be so many in all, but not fewer than
        tell what the device does."""
        return max(FEWEST, samples // self.cases)

    def shortened(self, samples: int) -> "Problem":
        """The problem of the first samples of each case, for first guesses."""
        data = self.data
        if samples >= self.samples:
            return self
        noise = None if data.noise is None else data.noise[:, :samples]
        time, drive, power = (part[:, :samples] for part in (data.time, data.drive, data.power))
        short = Measurement(time, drive, power, noise, data.resolution, data.units)
        keep = short.present.any(axis=1)
        if not keep.all() or short.present.sum() <= 4 * len(self.free) + self.cases:
            return self
        return self.remade(self.steps, short)

    @property
    def steps(self) -> int:
        """Steps between two samples, of a drive that is held."""
        return self.pieces // (PIECES if self.drive_between == "linear" else 1)

    def remade(self, steps: int, data: Measurement | None = None) -> "Problem":
        """The problem with so many steps, perhaps of other data of the same shape."""
        return Problem(
            data or self.data, self.known, self.drive_between, self.model, self.each,
            self.recordings, self.bounds, steps,
        )  # fmt: skip
