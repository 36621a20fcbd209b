"""The unknowns of a fit and what they predict: packing, residuals and their Jacobian.

Unknowns are the parameters of the device that are not known, and of each case the power
at its first time.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from spinrnn.errors import DataError, MemoryLimitError
from spinrnn.identify.oscillator import NAMES, coordinate_of, slope_of, value_of
from spinrnn.identify.sensitivity import device_forward
from spinrnn.machine.memory import format_size, get_memory_limit
from spinrnn.recordings.measurement import Measurement

PIECES = 4
"""Steps between two samples of a drive that goes linearly between them."""


class Problem:
    """Residuals and their Jacobian by the coordinates of the unknowns.

    Coordinates are log gamma, log (1 + Q), bias, gain and log scale, as far as they are
    free, and of each case logit p at its start. Any real numbers are a possible device,
    so that nothing needs bounds.

    Attributes:
        data: `Measurement`; known: {name: (value, uncertainty)}; free: names that are
            fitted.
        drive_between: "held" or "linear"; floor: smallest p.
        cases, samples: numbers of them; count: number of samples that are present.
        present: (case, sample) bool; case_of: (present sample,) its case.
        power: (present sample,) measured; sigma: (present sample,) its noise where that
            is known, else the power's own size, so that tolerances mean the same for
            all.
        pieces: steps between two samples; durations, drive: (case, step), s and user's
            unit.
        given: drive as it was given, 0 where it is missing.
    """

    def __init__(
        self,
        data: Measurement,
        known: Mapping[str, tuple[float, float]],
        drive_between: str,
        floor: float,
    ):
        self.data, self.known = data, dict(known)
        self.drive_between, self.floor = drive_between, floor
        self.free = [name for name in NAMES if name not in known]
        self.cases, self.samples = data.power.shape
        self.present = data.present
        self.count = int(self.present.sum())
        self.case_of = np.nonzero(self.present)[0]
        self.pieces = PIECES if drive_between == "linear" else 1
        self._check_size()
        self.power = data.power[self.present]
        if data.noise is None:
            self.sigma = np.full(self.count, np.sqrt(np.mean(self.power**2)))
        else:
            self.sigma = data.noise[self.present]
        self.durations = np.repeat(data.durations / self.pieces, self.pieces, axis=1)
        self.given = np.nan_to_num(data.drive)
        self.drive = self._on_steps(self.given)

    def _check_size(self):
        """Raises a DataError for too few samples, a MemoryLimitError for too many."""
        size = len(self.free) + self.cases
        if self.count <= size:
            raise DataError(
                f"power: {self.count} samples are too few for {size} unknowns, those of the "
                "device and one for each case"
            )
        taken = 8 * (6 * self.count * size + self.cases * self.samples * (2 * self.pieces + 30))
        if taken > get_memory_limit():
            raise MemoryLimitError(
                f"a fit of {self.count} samples in {self.cases} cases takes {format_size(taken)}, "
                f"the limit is {format_size(get_memory_limit())}; take fewer cases or samples, or "
                "raise the limit (SPINRNN_MEMORY)"
            )

    def _on_steps(self, values):
        """(case, step) drive in the middle of each step, held or linear between the
        times."""
        if self.drive_between == "held":
            return np.ascontiguousarray(values[:, : self.samples - 1])
        share = (np.arange(self.pieces) + 0.5) / self.pieces
        between = values[:, :-1, None] + share * np.diff(values, axis=1)[:, :, None]
        return between.reshape(self.cases, -1)

    # ---- prediction ----

    def predict(
        self, values: Mapping[str, float], start: np.ndarray, kicks: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """p and its derivatives at all times.

        Args:
            values: of all `NAMES`; start: (case,) p at the first time.
            kicks: (case, step, E) 1/s, changes of the drive for which derivatives are
                wanted.
        Returns:
            (case, sample), (case, sample, 5 + E), as `device_forward` gives them.
        """
        if kicks is None:
            kicks = np.zeros((*self.drive.shape, 0))
        p = np.empty((self.cases, self.samples))
        slopes = np.empty((self.cases, self.samples, 5 + kicks.shape[2]))
        device_forward(
            self.durations,
            self.drive,
            self.pieces,
            kicks,
            float(values["gamma"]),
            float(values["Q"]),
            float(values["bias"]),
            float(values["gain"]),
            float(self.floor),
            start,
            p,
            slopes,
        )
        return p, slopes

    def case_costs(self, values: Mapping[str, float], start: np.ndarray) -> np.ndarray:
        """(case,) sum of squares of the residuals over sigma."""
        p = self.predict(values, start)[0][self.present]
        residual = (self.power - values["scale"] * p) / self.sigma
        return np.bincount(self.case_of, residual**2, self.cases)

    def power_slopes(
        self, values: Mapping[str, float], p: np.ndarray, slopes: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of the predicted power, from what `predict` returned.

        Returns:
            (present sample, 5) by `NAMES`, (present sample,) by p at the start of its
            case.
        """
        slopes, scale = slopes[self.present], values["scale"]
        by_parameters = np.column_stack([scale * slopes[:, :4], p[self.present]])
        return by_parameters, scale * slopes[:, 4]

    # ---- coordinates ----

    def pack(self, values: Mapping[str, float], start: np.ndarray) -> np.ndarray:
        """(free + case,) coordinates of parameters and first powers."""
        free = [coordinate_of(name, values[name]) for name in self.free]
        return np.concatenate([free, np.log(start / (1 - start))])

    def unpack(self, x: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
        """(values of all `NAMES`, (case,) first powers) of coordinates."""
        values = {name: value for name, (value, _) in self.known.items()}
        # the coordinates of the first powers follow those of the parameters
        for name, coordinate in zip(self.free, x, strict=False):
            values[name] = value_of(name, coordinate)
        logits = np.clip(x[len(self.free) :], -600, 600)
        return values, 1 / (1 + np.exp(-logits))

    def residual(self, x: np.ndarray) -> np.ndarray:
        """(present sample,) predicted less measured power over sigma, at these
        coordinates."""
        values, start = self.unpack(x)
        predicted = values["scale"] * self.predict(values, start)[0][self.present]
        return (predicted - self.power) / self.sigma

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        """(present sample, free + case) derivatives of `residual`."""
        values, start = self.unpack(x)
        by_parameters, by_start = self.power_slopes(values, *self.predict(values, start))
        by_coordinates = [
            by_parameters[:, NAMES.index(name)] * slope_of(name, values[name]) for name in self.free
        ]
        by_logit = by_start * (start * (1 - start))[self.case_of]
        return self.matrix(by_coordinates, by_logit) / self.sigma[:, None]

    def matrix(self, columns: Sequence[np.ndarray], by_start: np.ndarray) -> np.ndarray:
        """(present sample, free + case): columns of the free parameters, and by_start
        in the column of the sample's own case."""
        found = np.zeros((self.count, len(self.free) + self.cases))
        found[:, : len(self.free)] = np.transpose(columns)
        found[np.arange(self.count), len(self.free) + self.case_of] = by_start
        return found
