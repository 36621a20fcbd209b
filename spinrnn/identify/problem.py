"""The unknowns of a fit, packed as coordinates, and the residuals with their Jacobian."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from spinrnn.errors import DataError, MemoryLimitError
from spinrnn.identify.oscillator import NAMES
from spinrnn.identify.sensitivity import device_forward
from spinrnn.machine.memory import format_size, get_memory_limit

PIECES = 4
"""Steps between two samples of a drive that goes linearly between them."""


EVALUATIONS = 300


@dataclass(frozen=True)
class Solution:
    values: dict
    start: np.ndarray
    cost: float


class Problem:
    """Residuals and their Jacobian for the fitted coordinates: log gamma, log (1 + Q), bias, gain, log scale, and of each case logit p at its start.

    The logarithms keep every trial within the model, so that nothing needs bounds.
    """

    def __init__(self, data, known, drive_between, floor):
        self.data, self.known, self.drive_between, self.floor = data, known, drive_between, floor
        self.free = [name for name in NAMES if name not in known]
        self.present = data.present
        self.cases, self.samples = data.power.shape
        self.count = int(self.present.sum())
        size = len(self.free) + self.cases
        if self.count <= size:
            raise DataError(
                f"power: {self.count} samples are too few for {size} unknowns, those of the device and one for each case"
            )
        self.pieces = PIECES if drive_between == "linear" else 1
        taken = 8 * (6 * self.count * size + self.cases * self.samples * (2 * self.pieces + 30))
        if taken > get_memory_limit():
            raise MemoryLimitError(
                f"a fit of {self.count} samples in {self.cases} cases takes {format_size(taken)}, the limit is {format_size(get_memory_limit())}; take "
                "fewer cases or samples, or raise the limit (SPINRNN_MEMORY)"
            )
        self.durations = np.repeat(data.durations / self.pieces, self.pieces, axis=1)
        self.given = np.nan_to_num(data.drive)
        self.drive = self.spread(self.given)
        self.power = data.power[self.present]
        # known noise gives residuals without a unit, else the power's own size does, so that tolerances mean the same for all
        self.sigma = (
            np.full(self.count, np.sqrt(np.mean(self.power**2)))
            if data.noise is None
            else data.noise[self.present]
        )
        self.case_of = np.nonzero(self.present)[0]

    def spread(self, values):
        """(case, step) values in the middle of each step from (case, sample) or (case, sample - 1) ones, held or linear between the times."""
        if self.drive_between == "held":
            return np.ascontiguousarray(values[:, : self.samples - 1])
        share = (np.arange(self.pieces) + 0.5) / self.pieces
        between = values[:, :-1, None] + share * np.diff(values, axis=1)[:, :, None]
        return between.reshape(self.cases, -1)

    def run(self, values, start, kicks=None):
        """(p, derivatives) at all times, as `device_forward` gives them; kicks: (case, step, E) or None."""
        kicks = np.zeros((*self.drive.shape, 0)) if kicks is None else kicks
        p = np.empty((self.cases, self.samples))
        by = np.empty((self.cases, self.samples, 5 + kicks.shape[2]))
        numbers = (float(values[name]) for name in ("gamma", "Q", "bias", "gain"))
        device_forward(
            self.durations,
            self.drive,
            self.pieces,
            kicks,
            *numbers,
            float(self.floor),
            start,
            p,
            by,
        )
        return p, by

    def cost(self, values, start):
        """(case,) sum of squares of the residuals."""
        p = self.run(values, start)[0][self.present]
        return np.bincount(
            self.case_of, ((self.power - values["scale"] * p) / self.sigma) ** 2, self.cases
        )

    def columns(self, values, p, by):
        """((present sample, 5) derivatives of the predicted power by `NAMES`, (present sample,) by p at the start of its case), in the power's unit."""
        by = by[self.present]
        return np.column_stack([values["scale"] * by[:, :4], p[self.present]]), values[
            "scale"
        ] * by[:, 4]

    # ---- coordinates ----

    def pack(self, values, start):
        into = {"gamma": math.log, "Q": math.log1p, "scale": math.log}
        return np.concatenate(
            [[into.get(n, float)(values[n]) for n in self.free], np.log(start / (1 - start))]
        )

    def unpack(self, x):
        out = {"gamma": math.exp, "Q": math.expm1, "scale": math.exp}
        values = {name: value for name, (value, _) in self.known.items()}
        # no fit comes to the end of a float's range, but a trial step may, and must give a number
        values |= {
            name: out[name](min(z, 600.0)) if name in out else float(z)
            for name, z in zip(self.free, x, strict=False)
        }
        z = np.clip(x[len(self.free) :], -600, 600)
        return values, 1 / (1 + np.exp(-z))

    def residual(self, x):
        """(present sample,) predicted less measured power over sigma, at these coordinates."""
        values, start = self.unpack(x)
        return (
            values["scale"] * self.run(values, start)[0][self.present] - self.power
        ) / self.sigma

    def jacobian(self, x):
        """(present sample, coordinate) derivatives of `residual`."""
        values, start = self.unpack(x)
        by_names, by_start = self.columns(values, *self.run(values, start))
        slopes = {"gamma": values["gamma"], "Q": 1 + values["Q"], "scale": values["scale"]}
        by_coordinates = [
            by_names[:, NAMES.index(name)] * slopes.get(name, 1.0) for name in self.free
        ]
        return (
            self.matrix(by_coordinates, by_start * (start * (1 - start))[self.case_of])
            / self.sigma[:, None]
        )

    def matrix(self, columns, by_start):
        """(present sample, free + case) matrix of columns for the free parameters and, in each case's own column, of by_start."""
        found = np.zeros((self.count, len(self.free) + self.cases))
        found[:, : len(self.free)] = np.transpose(columns)
        found[np.arange(self.count), len(self.free) + self.case_of] = by_start
        return found

    def solve(self, values, start):
        """`Solution` by least squares from here; None if it does not converge."""
        x = self.pack(values, start)
        if not np.isfinite(self.residual(x)).all():
            return None
        found = optimize.least_squares(
            self.residual,
            x,
            self.jacobian,
            method="trf",
            x_scale="jac",
            ftol=1e-11,
            xtol=1e-11,
            gtol=None,
            max_nfev=EVALUATIONS,
        )
        return None if found.status <= 0 else Solution(*self.unpack(found.x), float(found.cost))
