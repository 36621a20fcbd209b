"""What a fit found: values, errors and intervals, with the numbers that follow from them."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from spinrnn.errors import DataError
from spinrnn.identify.oscillator import DERIVED_UNITS, NAMES, UNITS, with_derived
from spinrnn.identify.residuals import Diagnosis
from spinrnn.identify.suspects import diagnosis_of
from spinrnn.recordings.measurement import Measurement

TOGETHER = 1e-7
"""Smallest singular value of the Jacobian, its columns of length 1, at which parameters count as told apart."""


@dataclass(frozen=True, eq=False, repr=False)
class DeviceFit:
    """What `identify_device` found. Dictionaries go by the names in `NAMES`, or of the derived numbers in `DERIVED_UNITS`.

    Attributes:
        values: fitted and fixed parameters, with the derived numbers; units in `UNITS` and `DERIVED_UNITS`.
        errors: standard errors; 0 for what is fixed exactly.
        intervals: (low, high) at `level`; t-distribution, or normal where the noise is known.
        free: names that were fitted; fixed: {name: (value, uncertainty)} of the others.
        level: of the intervals; start: (case,) fitted p at the first time.
        noise: standard deviation of the residuals, in the power's unit.
        predicted: (case, sample) power, NaN after the end of a case; residual: measured less predicted, NaN where missing.
        measurement: `Measurement`; drive_between: "held" or "linear"; diagnosis: `Diagnosis`.
    """

    values: dict
    errors: dict
    intervals: dict
    free: list
    fixed: dict
    level: float
    start: np.ndarray
    noise: float
    predicted: np.ndarray
    residual: np.ndarray
    measurement: Measurement
    drive_between: str
    diagnosis: Diagnosis

    def __repr__(self):
        found = ", ".join(f"{name} = {self.values[name]:.5g}" for name in NAMES)
        return f"<DeviceFit {found}{'' if self.diagnosis.describes else '; the model does not describe the data'}>"

    def report(self):
        """All but the samples as plain numbers, texts, lists and dictionaries, as JSON has them."""
        units = UNITS | DERIVED_UNITS
        numbers = {
            name: {
                "value": value, "error": self.errors[name], "low": self.intervals[name][0], "high": self.intervals[name][1],
                "unit": units[name], "fixed": name in self.fixed,
            }
            for name, value in self.values.items()
        }  # fmt: skip
        diagnosis = vars(self.diagnosis) | {
            "checks": [vars(check) for check in self.diagnosis.checks], "correlation": self.diagnosis.correlation.tolist(),
        }  # fmt: skip
        present = self.measurement.present
        return {
            "parameters": numbers, "level": self.level, "start": self.start.tolist(), "cases": len(present), "samples": int(present.sum()),
            "missing": int((~np.isnan(self.predicted) & ~present).sum()), "noise": self.noise, "highest": float(np.nanmax(self.measurement.power)), "noise_known": self.measurement.noise is not None,
            "drive_between": self.drive_between, **diagnosis,
        }  # fmt: skip


def result_of(problem, found, level):
    values, start, data = found.values, found.start, problem.data
    p, by = problem.run(values, start)
    by_names, by_start = problem.columns(values, p, by)
    weighted, by_start = by_names / problem.sigma[:, None], by_start / problem.sigma
    unit = (
        by_start
        / np.sqrt(np.maximum(np.bincount(problem.case_of, by_start**2, problem.cases), 1e-300))[
            problem.case_of
        ]
    )
    # what each case's own first power can imitate is taken out, so that only the device's parameters remain
    outside = np.column_stack(
        [
            c - unit * np.bincount(problem.case_of, unit * c, problem.cases)[problem.case_of]
            for c in weighted.T
        ]
    )
    order = [NAMES.index(name) for name in problem.free]
    lengths = np.linalg.norm(outside[:, order], axis=0)
    check_told_apart(
        problem, values, outside[:, order], lengths, np.linalg.norm(weighted[:, order], axis=0)
    )
    freedom = problem.count - len(order) - problem.cases
    known_noise = data.noise is not None
    variance = 1.0 if known_noise else 2 * found.cost / freedom
    quantile = float(
        stats.norm.ppf((1 + level) / 2) if known_noise else stats.t.ppf((1 + level) / 2, freedom)
    )
    q, r = np.linalg.qr(outside[:, order] / lengths)
    inverse = (
        np.linalg.inv(r) / lengths[:, None]
    )  # J = Q R: covariance R^-1 R^-T, and R^-1 Q^T is the change of the fit with the data
    covariance = np.zeros((len(NAMES), len(NAMES)))
    covariance[np.ix_(order, order)] = variance * inverse @ inverse.T
    for name, (
        _,
        uncertainty,
    ) in problem.known.items():  # the fit follows a fixed number that is a little off
        shift = np.zeros(len(NAMES))
        shift[NAMES.index(name)] = 1.0
        shift[order] = -inverse @ (q.T @ outside[:, NAMES.index(name)])
        covariance += uncertainty**2 * np.outer(shift, shift)
    everything, slopes = with_derived(values)
    errors = {name: float(np.sqrt(max(g @ covariance @ g, 0.0))) for name, g in slopes.items()}
    intervals = {
        name: (v - quantile * errors[name], v + quantile * errors[name])
        for name, v in everything.items()
    }
    predicted = np.where(np.isnan(data.time), np.nan, values["scale"] * p)
    residual = data.power - predicted
    return DeviceFit(
        everything, errors, intervals, problem.free, problem.known, level, start, float(np.sqrt(np.nansum(residual**2) / freedom)), predicted,
        residual, data, problem.drive_between, diagnosis_of(problem, values, start, p, by, predicted, residual),
    )  # fmt: skip


def check_told_apart(problem, values, outside, lengths, whole):
    """Raises a DataError if some fitted parameters can change together without a change of the prediction."""
    silent = [
        name
        for name, left, all_of in zip(problem.free, lengths, whole, strict=True)
        if not left > TOGETHER * max(all_of, 1e-300)
    ]
    if silent:
        raise DataError(
            f"the data do not depend on {' and on '.join(silent)}; is the drive zero, or the power constant? {_fix(silent)}"
        )
    singular, directions = np.linalg.svd(outside / lengths, full_matrices=False)[1:]
    if singular[-1] < TOGETHER:
        together = [
            name
            for name, part in zip(problem.free, directions[-1], strict=True)
            if abs(part) > 0.01
        ]
        if "bias" in problem.known and values["bias"] < 1 and values["Q"] > 1000:
            raise DataError(
                f"the power grows without drive, which bias = {values['bias']:g} excludes; fix Q or gamma in its place, as in fixed={{'Q': 0.5}} or "
                "--fix Q=0.5 with its value, or give the whole drive"
            )
        raise DataError(
            f"the data do not tell {' and '.join(together)} apart; "
            f"is the drive constant, the power steady, the noise too large, or the device much faster than the samples? {_fix(together)}"
        )


def _fix(names):
    return f"Fix one, as in fixed={{'{names[-1]}': 0.5}} or --fix {names[-1]}=0.5 with its value, or vary the drive"
