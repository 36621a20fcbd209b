"""What a fit found: values with standard errors and intervals, and the tests of its
residuals.

Errors follow from the Jacobian of the predicted power over the noise (whitened). What
each case's own first power can imitate is taken out of it, so that only the device's
parameters remain: its part orthogonal to the first powers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from spinrnn.errors import DataError
from spinrnn.identify.entries import report_of
from spinrnn.identify.oscillator import DERIVED_UNITS, NAMES, UNITS, with_derived
from spinrnn.identify.problem import Problem
from spinrnn.identify.residuals import Diagnosis, diagnose
from spinrnn.identify.suspects import suspects_of
from spinrnn.notebook import card, plural
from spinrnn.recordings.measurement import Measurement

TOGETHER = 1e-7
"""Smallest singular value of the Jacobian, its columns of length 1, at which parameters
count as told apart."""


@dataclass(frozen=True)
class Solution:
    """Parameters (by name) and (case,) first powers at which a search ended; cost: half
    the sum of squares of the residuals over sigma."""

    values: dict[str, float]
    start: np.ndarray
    cost: float


@dataclass(frozen=True, eq=False, repr=False)
class DeviceFit:
    """What `identify_device` found. Dictionaries go by the names of parameters
    ("gamma", "Q", "bias", "gain", "scale") and of what follows from them ("gamma (1 +
    Q)", "gamma (bias - 1)" and "threshold").

    Attributes:
        values: fitted and fixed parameters, with the derived numbers; units in
            `oscillator.UNITS` and `DERIVED_UNITS`.
        errors: standard errors; 0 for what is fixed exactly.
        intervals: (low, high) at `level`; t-distribution, or normal where the noise is
            known.
        free: names that were fitted; fixed: {name: (value, uncertainty)} of the others.
        level: of the intervals; start: (case,) fitted p at the first time.
        noise: standard deviation of the residuals, in the power's unit.
        predicted: (case, sample) power, NaN after the end of a case.
        residual: (case, sample) measured less predicted, NaN where missing.
        measurement: what was fitted; drive_between: "held" or "linear".
        diagnosis: the tests of the residuals.
    """

    values: dict[str, float]
    errors: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    free: list[str]
    fixed: dict[str, tuple[float, float]]
    level: float
    start: np.ndarray
    noise: float
    predicted: np.ndarray
    residual: np.ndarray
    measurement: Measurement
    drive_between: str
    diagnosis: Diagnosis

    def __repr__(self) -> str:
        found = ", ".join(f"{name} = {self.values[name]:.5g}" for name in NAMES)
        wrong = "" if self.diagnosis.describes else "; the model does not describe the data"
        return f"<DeviceFit {found}{wrong}>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        rows = []
        for name, value in self.values.items():
            low, high = self.intervals[name]
            unit = (UNITS | DERIVED_UNITS)[name]
            text = f"{value:.5g} \N{PLUS-MINUS SIGN} {self.errors[name]:.2g}"
            text += "" if unit == "1" else f" {unit}"
            known = "fixed" if name in self.fixed else f"{low:.4g} to {high:.4g}"
            rows.append((name, f"{text}, {known}"))
        data, found = self.measurement, self.diagnosis
        failed = ", ".join(check.name for check in found.checks if not check.passed)
        verdict = "describes the data" if found.describes else f"fails: {failed}"
        rows += [
            ("samples", f"{int(data.present.sum())} in {plural(len(data.power), 'case')}"),
            ("noise of the power", f"{self.noise:.3g}"),
            ("the model", verdict),
        ]
        return card(f"DeviceFit, intervals at {self.level:g}", rows)

    def report(self) -> dict:
        """All but the samples as JSON has them: findings and tests, by short keys; the
        form is in docs/FILES.md."""
        return report_of(self)


def result_of(problem: Problem, solution: Solution, level: float) -> DeviceFit:
    """`DeviceFit` of the solution of a problem; level: of the intervals.

    Raises:
        DataError: the data do not tell all fitted parameters apart.
    """
    data, values, start = problem.data, solution.values, solution.start
    p, slopes = problem.predict(values, start)
    by_parameters, by_start = problem.power_slopes(values, p, slopes)
    whitened = by_parameters / problem.sigma[:, None]
    orthogonal = _orthogonal_to_starts(problem, whitened, by_start / problem.sigma)
    free = [NAMES.index(name) for name in problem.free]
    check_told_apart(problem, values, orthogonal[:, free], whitened[:, free])
    freedom = problem.count - len(free) - problem.cases
    if data.noise is not None:
        variance, quantile = 1.0, float(stats.norm.ppf((1 + level) / 2))
    else:
        variance = 2 * solution.cost / freedom
        quantile = float(stats.t.ppf((1 + level) / 2, freedom))
    covariance = _covariance(orthogonal, free, variance, problem.known)
    everything, gradients = with_derived(values)
    errors = {name: float(np.sqrt(max(g @ covariance @ g, 0.0))) for name, g in gradients.items()}
    intervals = {
        name: (value - quantile * errors[name], value + quantile * errors[name])
        for name, value in everything.items()
    }
    predicted = np.where(np.isnan(data.time), np.nan, values["scale"] * p)
    residual = data.power - predicted
    return DeviceFit(
        values=everything,
        errors=errors,
        intervals=intervals,
        free=problem.free,
        fixed=problem.known,
        level=level,
        start=start,
        noise=float(np.sqrt(np.nansum(residual**2) / freedom)),
        predicted=predicted,
        residual=residual,
        measurement=data,
        drive_between=problem.drive_between,
        diagnosis=_diagnosis(problem, solution, p, by_parameters, by_start, predicted, residual),
    )


def _orthogonal_to_starts(problem, whitened, by_start):
    """The part of whitened columns (sample, 5) that is orthogonal, within each case, to
    the derivative by_start (sample,) by the case's first power."""

    def sum_of_case(values):
        return np.bincount(problem.case_of, values, problem.cases)[problem.case_of]

    unit = by_start / np.sqrt(np.maximum(sum_of_case(by_start**2), 1e-300))
    return np.column_stack([column - unit * sum_of_case(unit * column) for column in whitened.T])


def _covariance(orthogonal, free, variance, known):
    """(5, 5) covariance of the parameters by `NAMES`.

    With the columns of the free parameters J = Q R it is R^-1 R^-T for these, and the
    fit follows a change of the data by R^-1 Q^T. A known number that is a little off
    changes the prediction, which the free ones make up for.

    Args:
        orthogonal: (sample, 5); free: numbers of the free columns; variance: of
            whitened noise.
        known: {name: (value, uncertainty)}.
    """
    lengths = np.linalg.norm(orthogonal[:, free], axis=0)
    q, r = np.linalg.qr(orthogonal[:, free] / lengths)
    inverse = np.linalg.inv(r) / lengths[:, None]
    covariance = np.zeros((len(NAMES), len(NAMES)))
    covariance[np.ix_(free, free)] = variance * inverse @ inverse.T
    for name, (_, uncertainty) in known.items():
        number = NAMES.index(name)
        shift = np.zeros(len(NAMES))
        shift[number] = 1.0
        shift[free] = -inverse @ (q.T @ orthogonal[:, number])
        covariance += uncertainty**2 * np.outer(shift, shift)
    return covariance


def check_told_apart(
    problem: Problem, values: Mapping[str, float], orthogonal: np.ndarray, whitened: np.ndarray
) -> None:
    """Raises a DataError if some fitted parameters can change together without a change
    of the prediction; orthogonal, whitened: (sample, free) columns of the free
    parameters."""
    lengths = np.linalg.norm(orthogonal, axis=0)
    whole = np.maximum(np.linalg.norm(whitened, axis=0), 1e-300)
    silent = [
        name
        for name, left, length in zip(problem.free, lengths, whole, strict=True)
        if not left > TOGETHER * length
    ]
    if silent:
        raise DataError(
            f"the data do not depend on {' and on '.join(silent)}; is the drive zero, or the "
            f"power constant? {_fix(silent)}"
        )
    singular, directions = np.linalg.svd(orthogonal / lengths, full_matrices=False)[1:]
    if singular[-1] >= TOGETHER:
        return
    if "bias" in problem.known and values["bias"] < 1 and values["Q"] > 1000:
        raise DataError(
            f"the power grows without drive, which bias = {values['bias']:g} excludes; fix Q or "
            "gamma in its place, as in fixed={'Q': 0.5} or --fix Q=0.5 with its value, or give "
            "the whole drive"
        )
    together = [
        name for name, part in zip(problem.free, directions[-1], strict=True) if abs(part) > 0.01
    ]
    raise DataError(
        f"the data do not tell {' and '.join(together)} apart; is the drive constant, the power "
        "steady, the noise too large, or the device much faster than the samples? "
        f"{_fix(together)}"
    )


def _fix(names):
    return (
        f"Fix one, as in fixed={{'{names[-1]}': 0.5}} or --fix {names[-1]}=0.5 with its value, "
        "or vary the drive"
    )


def _diagnosis(problem, solution, p, by_parameters, by_start, predicted, residual):
    """`Diagnosis` of the residuals (case, sample); in units of the noise where it is
    known."""
    data, present = problem.data, problem.present
    weight = 1 / problem.sigma if data.noise is not None else np.ones(problem.count)
    free = [by_parameters[:, NAMES.index(name)] for name in problem.free]
    jacobian = problem.matrix(free, by_start) * weight[:, None]
    suspects = [
        replace(suspect, direction=suspect.direction * weight)
        for suspect in suspects_of(problem, solution.values, solution.start, p, by_parameters)
    ]
    e, resolution = residual.copy(), data.resolution * np.abs(predicted)
    e[present] *= weight
    resolution[present] *= weight
    return diagnose(e, jacobian, suspects, data.noise is not None, resolution)
