"""What a fit found: values with standard errors and intervals, and the tests of its
residuals.

Errors follow from the Jacobian of the predicted power over the noise (whitened). What
the first states of each case can imitate is taken out of it, so that only the device's
parameters remain. All of it needs no more of the samples than the triangular factor of
their derivatives, which has the same lengths and angles.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import stats

from spinrnn.errors import DataError
from spinrnn.identify.entries import key_of, named, report_of, unit_of
from spinrnn.identify.models import Model, fix_some
from spinrnn.identify.outliers import Found, Outlier, outliers
from spinrnn.identify.problem import Problem, Solution
from spinrnn.identify.residuals import Diagnosis, Suspect, diagnose
from spinrnn.identify.steps import MOST_STEPS, is_coarse
from spinrnn.identify.suspects import Suspects
from spinrnn.identify.triangles import Arrow
from spinrnn.notebook import card, plural
from spinrnn.recordings.measurement import Measurement

UNKNOWN = 20.0
"""Standard error of a logarithm from which on its number is not known at all."""
TOGETHER = 1e-7
"""Smallest singular value of the Jacobian, its columns of length 1, at which parameters
count as told apart."""
FROM_ZERO = "the data do not tell it from 0"
_INDEPENDENT = 1e-12
"""Of first states: smaller singular values are those of states without effect."""
_COARSE = f"{MOST_STEPS} steps between two samples are too few; take a part of the recording"


@dataclass(frozen=True, eq=False, repr=False)
class DeviceFit:
    """What `identify_device` found. Dictionaries go by the names of parameters, of an
    oscillator "gamma", "Q", "bias", "gain", "scale" and "readout_offset", and of what
    follows from them, "gamma (1 + Q)", "gamma (bias - 1)" and "threshold". A parameter
    that each recording has for itself is "gain[0]", "gain[1]", and so on.

    Attributes:
        values: fitted and fixed parameters, with the derived numbers; units by `unit`.
        errors: standard errors; 0 for what is fixed exactly.
        intervals: (low, high) at `level`; t-distribution, or normal where the noise is
            known; NaN where there is none, and why is in reasons.
        free: names that were fitted; fixed: {name: (value, uncertainty)} of the others.
        level: of the intervals; start: fitted states at the first time, (case,), or
            (case, d) of a kind with d states.
        noise: standard deviation of the residuals, in the power's unit.
        predicted: (case, sample) power, NaN after the end of a case.
        residual: (case, sample) measured less predicted, NaN where missing.
        measurement: what was fitted; drive_between: "held" or "linear".
        diagnosis: the tests of the residuals.
        model: the kind that was fitted, `identify.models.Model`.
        reasons: {name: why there is no interval}.
        outliers: single samples outside the noise, and those left out of the fit.
        held: fitted names that end at a bound; intervals of the others are those of
            what they would be if the bound were the value.
        mirrors: sets of names whose signs can be turned together: it fits as well.
        thermal: name of the kind's noise quantity where it was fitted, with
            readout_noise; then predicted is that of one sample before. None else.
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
    model: Model
    reasons: dict[str, str] = field(default_factory=dict)
    outliers: list[Outlier] = field(default_factory=list)
    thermal: str | None = None
    held: tuple[str, ...] = ()
    mirrors: list[tuple[str, ...]] = field(default_factory=list)

    def unit(self, name: str) -> str:
        """Unit of a value, with the names of the units that the file has."""
        return named(unit_of(self.model, name), self.measurement.units)

    def __repr__(self) -> str:
        found = ", ".join(f"{name} = {self.values[name]:.5g}" for name in self.shown)
        wrong = "" if self.diagnosis.describes else "; the model does not describe the data"
        return f"<DeviceFit {found}{wrong}>"

    @property
    def shown(self) -> list[str]:
        """Names of parameters, without those derived and without a readout that is as
        it usually is."""
        usual = self.model.defaults({}, ())
        derived = set(self.values) - set(self.free) - set(self.fixed)
        return [
            name
            for name in self.values
            if name not in derived
            and not (self.fixed.get(name) == (usual.get(name), 0.0) and usual[name] == 0.0)
        ]

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        rows = []
        for name, value in self.values.items():
            low, high = self.intervals[name]
            unit = self.unit(name)
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


def result_of(
    problem: Problem, solution: Solution, level: float, left_out: Sequence[Outlier] = ()
) -> DeviceFit:
    """`DeviceFit` of the solution of a problem.

    Args:
        level: of the intervals; left_out: outliers that the data are without.
    Raises:
        DataError: the data do not tell all fitted parameters apart.
    """
    values = solution.values
    suspects = Suspects(problem, values)
    gathered = _gathered(problem, solution, suspects)
    free = [n for n in problem.free_labels if problem.labels[n] not in solution.held]
    names = [problem.labels[n] for n in free]
    check_told_apart(problem, values, names, gathered.orthogonal[:, free], gathered.labels[:, free])
    freedom = problem.count - len(free) - gathered.rank
    variance, quantile = _scatter(problem, solution, freedom, level)
    covariance = covariance_of(gathered.orthogonal, free, variance, _uncertain(problem))
    reasons = _unknown(problem, values, free, covariance) | held_reasons(problem, solution)
    everything, errors = with_errors(problem, values, covariance)
    intervals, errors, reasons = intervals_of(problem, everything, errors, quantile, reasons)
    predicted, residual = _predicted(problem, solution)
    spikes = outliers_of(problem, solution, gathered, freedom)
    return DeviceFit(
        values=everything,
        errors=errors,
        intervals=intervals,
        free=problem.free,
        fixed=problem.known,
        level=level,
        start=_squeezed(solution.start),
        noise=float(np.sqrt(np.nansum(residual**2) / freedom)),
        predicted=predicted,
        residual=residual,
        measurement=problem.data,
        drive_between=problem.drive_between,
        diagnosis=_diagnosis(problem, gathered, suspects, predicted, residual, spikes),
        model=problem.model,
        reasons=reasons,
        outliers=[*left_out, *_named(problem, spikes)],
        held=solution.held,
        mirrors=list(solution.mirrors),
    )


def intervals_of(
    problem: Problem,
    values: Mapping[str, float],
    errors: Mapping[str, float],
    quantile: float,
    reasons: Mapping[str, str],
) -> tuple[dict[str, tuple[float, float]], dict[str, float], dict[str, str]]:
    """(intervals, errors, reasons) by name; NaN where there is a reason for none.

    Args:
        quantile: half the width of an interval over its error.
        reasons: known before; positive parameters whose interval would reach 0 are
            added, whose error stays.
    """
    ends = {}
    for name, x in values.items():
        # what was fitted is known to rounding at best
        least = np.spacing(abs(x)) if errors[name] > 0 or name in problem.free else 0.0
        width = max(quantile * errors[name], least)
        ends[name] = (x - width, x + width)
    told = {**_from_zero(problem, ends, errors), **reasons}
    return (
        ends | dict.fromkeys(told, (np.nan, np.nan)),
        {**errors, **dict.fromkeys(reasons, np.nan)},
        told,
    )


def _from_zero(problem, intervals, errors):
    """{label: why it has no interval} of positive parameters whose interval would reach
    0."""
    log = {name for name, own in problem.model.parameters.items() if own.coordinate == "log"}
    own = [label for label in problem.free if problem.name_of(label) in log]
    found = {label: errors[label] for label in own if intervals[label][0] <= 0}
    return {label: f"its error is {error:.2g}: {FROM_ZERO}" for label, error in found.items()}


def held_reasons(problem: Problem, solution: Solution) -> dict[str, str]:
    """{label: why there is no interval}, of what the search could not move freely or
    whose steps are too coarse, and of what follows from that.
    """
    coarse = problem.steps >= MOST_STEPS and is_coarse(problem, solution)
    reasons = dict.fromkeys(problem.free, _COARSE) if coarse else {}
    at = solution.values
    reasons |= {label: f"it ends at its bound, {at[label]:.4g}" for label in solution.held}
    for name, slopes in _everything(problem, at)[1].items():
        of = [problem.labels[n] for n in np.flatnonzero(slopes)]
        held = [label for label in of if label in solution.held]
        if name in problem.labels or not set(of) & set(reasons):
            continue
        follows = f"it follows from {' and '.join(held)}, which {'end' if held[1:] else 'ends'}"
        reasons[name] = f"{follows} at a bound" if held else _COARSE
    return reasons


def _squeezed(start):
    """(case,) of (case, 1)."""
    return start[:, 0] if start.ndim > 1 and start.shape[1] == 1 else start


def _predicted(problem, solution):
    """(case, sample) power, and measured less predicted."""
    state = problem.predict(solution.values, solution.start)
    predicted = problem.readout(solution.values, state)
    predicted = np.where(np.isnan(problem.data.time), np.nan, predicted)
    return predicted, problem.data.power - predicted


def outliers_of(problem: Problem, solution: Solution, gathered: "Gathered", freedom: int) -> Found:
    """Outliers of a fit, their places among the present samples."""
    free = gathered.labels[:, problem.free_labels]
    columns = np.column_stack([gathered.starts, free])
    lengths = np.linalg.norm(columns, axis=0)
    _, singular, turned = np.linalg.svd(columns / np.where(lengths > 0, lengths, 1.0))
    kept = singular > _INDEPENDENT * singular.max()
    # rows of the Jacobian times this are rows of orthonormal columns
    inverse = (turned[kept] / singular[kept, None]).T / np.where(lengths > 0, lengths, 1.0)[:, None]
    residuals, leverages = [], []
    for found in problem.predictions(solution.values, solution.start):
        sigma = problem.of(problem.sigma, found)
        rows = np.hstack([found.by_start, found.by_labels[:, problem.free_labels]])
        leverages.append(_leverages(found.case, rows / sigma[:, None], inverse, problem))
        residuals.append((problem.of(problem.data.power, found) - found.y) / sigma)
    known = problem.data.noise is not None
    return outliers(np.concatenate(residuals), np.concatenate(leverages), freedom, known)


def _leverages(case, rows, inverse, problem):
    """(n,) squares of the lengths of rows of orthonormal columns: rows (n, d + free) of
    the Jacobian without the zeros of other cases, times their rows of `inverse`.
    """
    found, d = np.empty(len(rows)), problem.model.states
    for number in np.unique(case):
        own = inverse[number * d : (number + 1) * d], inverse[problem.cases * d :]
        # R of Q R has the lengths of its columns for fewer rows
        r: Any = np.linalg.qr(np.concatenate(own).T, mode="r")
        mine = case == number
        found[mine] = np.sum((rows[mine] @ r.T) ** 2, axis=1)
    return found


def _named(problem, spikes):
    """`Outlier`s with their case, sample and time."""
    cases, samples = np.nonzero(problem.present) if len(spikes.places) else ([], [])
    return [
        Outlier(
            int(cases[at]),
            int(samples[at]),
            float(problem.data.time[cases[at], samples[at]]),
            float(size),
            False,
        )
        for at, size in zip(spikes.places, spikes.sizes, strict=True)
    ]


def _uncertain(problem):
    """{number of a known label: its uncertainty}."""
    return {
        number: problem.known[problem.name_of(label)][1]
        for number, label in enumerate(problem.labels)
        if problem.name_of(label) in problem.known
    }


def _scatter(problem, solution, freedom, level):
    """(variance of whitened noise, half the width of an interval over its error)."""
    if problem.data.noise is not None:
        return 1.0, float(stats.norm.ppf((1 + level) / 2))
    return 2 * solution.cost / freedom, float(stats.t.ppf((1 + level) / 2, freedom))


@dataclass(frozen=True)
class Gathered:
    """The triangular factor of whitened derivatives, and its columns.

    Attributes:
        starts: (k, case d), labels: (k, labels), suspects: (k, suspects), residual:
            (k,); orthogonal: labels without what the first states can imitate; rank: of
            the starts.
    """

    starts: np.ndarray
    labels: np.ndarray
    suspects: np.ndarray
    residual: np.ndarray
    orthogonal: np.ndarray
    rank: int


def _gathered(problem: Problem, solution: Solution, suspects: Suspects) -> Gathered:
    """Of all samples, at the solution."""
    count, labels = problem.cases * problem.model.states, len(problem.labels)
    extra, ends = len(suspects.of_drive), labels + len(suspects.all)
    arrow = Arrow(problem.cases, problem.model.states, ends + 1)
    for found in problem.predictions(solution.values, solution.start, suspects.kicks, extra):
        sigma = problem.of(problem.sigma, found)[:, None]
        residual = problem.of(problem.data.power, found) - found.y
        common = np.column_stack([found.by_labels, suspects.columns(found), residual])
        arrow.add(found.case, found.by_start / sigma, common / sigma)
    factor, ends = arrow.whole(), count + ends
    starts, by_labels = factor[:, :count], factor[:, count : count + labels]
    basis = _basis(starts)
    orthogonal = by_labels - basis @ (basis.T @ by_labels)
    return Gathered(
        starts, by_labels, factor[:, count + labels : ends], factor[:, -1], orthogonal,
        basis.shape[1],
    )  # fmt: skip


def _basis(starts):
    """Orthonormal columns that span those of the first states; states without effect
    add none."""
    lengths = np.linalg.norm(starts, axis=0)
    scaled = starts / np.where(lengths > 0, lengths, 1.0)
    u, singular, _ = np.linalg.svd(scaled, full_matrices=False)
    return u[:, singular > _INDEPENDENT * max(singular.max(initial=0), 1e-300)]


def with_errors(
    problem: Problem, values: Mapping[str, float], covariance: np.ndarray
) -> tuple[dict[str, float], dict[str, float]]:
    """The parameters with what follows from them, and standard errors.

    covariance: (labels, labels).
    """
    found, gradients = _everything(problem, values)
    errors = {}
    for name, g in gradients.items():
        # what it does not follow from may be unknown
        at = np.flatnonzero(g)
        square = float(g[at] @ covariance[np.ix_(at, at)] @ g[at])
        errors[name] = math.sqrt(max(square, 0.0))
    return found, errors


def _everything(problem, values):
    """{label: value} of the parameters and of what follows from them, {label: (labels,)
    gradient}."""
    found = {label: float(values[label]) for label in problem.labels}
    gradients = dict(zip(problem.labels, np.eye(len(problem.labels)), strict=True))
    recordings = np.unique(problem.recordings) if problem.each else [0]
    for recording in recordings:
        case = int(np.argmax(problem.recordings == recording)) if problem.each else 0
        row = problem.rows_of(values)[case]
        for name, value in problem.model.derived(row)[0].items():
            label = f"{name}[{recording}]" if problem.each else name
            found[label], gradients[label] = value, np.zeros(len(problem.labels))
            gradients[label][problem.label_of[case]] = problem.model.derived(row)[1][name]
    return found, gradients


def covariance_of(
    orthogonal: np.ndarray, free: Sequence[int], variance: float, uncertain: Mapping[int, float]
) -> np.ndarray:
    """(labels, labels) covariance of the parameters.

    With the columns of the free parameters J = Q R it is R^-1 R^-T for these, and the
    fit follows a change of the data by R^-1 Q^T. A known number that is a little off
    changes the prediction, which the free ones make up for.

    Args:
        orthogonal: (k, labels); free: numbers of the free columns; variance: of
            whitened noise.
        uncertain: {number of a known one: its uncertainty}.
    """
    count = orthogonal.shape[1]
    lengths = np.linalg.norm(orthogonal[:, free], axis=0)
    q, r = np.linalg.qr(orthogonal[:, free] / lengths)
    inverse = np.linalg.inv(r) / lengths[:, None]
    covariance = np.zeros((count, count))
    covariance[np.ix_(free, free)] = variance * inverse @ inverse.T
    for number, uncertainty in uncertain.items():
        shift = np.zeros(count)
        shift[number] = 1.0
        shift[free] = -inverse @ (q.T @ orthogonal[:, number])
        covariance += uncertainty**2 * np.outer(shift, shift)
    return covariance


def check_told_apart(
    problem: Problem,
    values: Mapping[str, float],
    names: Sequence[str],
    orthogonal: np.ndarray,
    whitened: np.ndarray,
) -> None:
    """Raises a DataError if some fitted parameters can change together without a change
    of the prediction; orthogonal, whitened: (k, names) columns of the free
    parameters."""
    lengths = np.linalg.norm(orthogonal, axis=0)
    whole = np.maximum(np.linalg.norm(whitened, axis=0), 1e-300)
    silent = [
        name
        for name, left, length in zip(names, lengths, whole, strict=True)
        if not left > TOGETHER * length
    ]
    if silent:
        raise DataError(
            f"the data do not depend on {' and on '.join(silent)}; is the drive zero, or the "
            f"power constant? {fix_some(silent, len(silent))}"
        )
    singular, directions = np.linalg.svd(orthogonal / lengths, full_matrices=False)[1:]
    lost = [row for s, row in zip(singular, directions, strict=True) if s < TOGETHER]
    if not lost:
        return
    highest = float(np.nanmax(problem.data.power))
    own = problem.model.apart_problem(problem.known, values, highest)
    if own is not None:
        raise DataError(own)
    sets = [[name for name, x in zip(names, row, strict=True) if abs(x) > 0.01] for row in lost]
    together = ", nor ".join(" and ".join(names) for names in sets)
    too_many = list(dict.fromkeys(name for names in sets for name in names))
    raise DataError(
        f"the data do not tell {together} apart; is the drive constant, the power "
        "steady, the noise too large, or the device much faster than the samples? "
        f"{fix_some(too_many, len(lost))}"
    )


def _unknown(problem, values, free, covariance):
    """{label: why it has no interval} of a positive parameter that is known to no power
    of ten.

    DataError where there are several: they can change together, so that a search runs
    far away, and there rounding hides it from `check_told_apart`.
    """
    far = []
    for number in free:
        label = problem.labels[number]
        parameter = problem.model.parameters[problem.name_of(label)]
        error = np.sqrt(covariance[number, number]) / parameter.slope(values[label])
        if parameter.coordinate != "plain" and error > UNKNOWN:
            far.append(label)
    if len(far) > 1:
        raise DataError(
            f"the data do not tell {' and '.join(far)} apart: they may change by many powers of "
            f"ten. {fix_some(far)}"
        )
    return dict.fromkeys(far, "the data leave its power of ten open")


def _diagnosis(problem, gathered, suspects, predicted, residual, spikes):
    """`Diagnosis` of the residuals (case, sample); in units of the noise where it is
    known, else of one that all recordings have."""
    data = problem.data
    known = data.noise is not None
    jacobian = np.column_stack([gathered.labels[:, problem.free_labels], gathered.starts])
    found = [
        Suspect(one.key, one.name, direction, one.factor, one.unit)
        for one, direction in zip(suspects.all, gathered.suspects.T, strict=True)
    ]
    return diagnose(
        residual / problem.sigma,
        jacobian,
        found,
        known,
        data.resolution * np.abs(predicted) / problem.sigma,
        gathered.residual,
        spikes.p,
    )


def labels_of(fit: Any) -> dict[str, str]:
    """{name of a value: its key in files for machines}."""
    return {name: key_of(fit.model, name)[0] for name in fit.values}
