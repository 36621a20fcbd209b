"""Identify a device: gamma, Q, bias and gain of eq. (1) from measured trajectories of time, drive and power, with confidence intervals.

The model is eq. (1) with I(t) = gamma bias + gain drive(t), and power = scale p + independent noise. The drive is in the user's unit, and gain in
1/s for one of it: for a drive in 1/s, as simulations have it, gain = 1 and bias = 0. The power at the first time of each case is fitted too.

What can be known: dp/dt = p [gamma (bias - 1) - gamma (Q + bias) p + gain drive (1 - p)] has three numbers and not four. Any data fix
gamma (1 + Q), gamma (bias - 1) and gain, hence the threshold gamma (1 - bias) / gain, but gamma, Q and bias only if one of the three is known. A
number with an uncertainty may stand for it, which goes into the intervals of the others.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from spinrnn.errors import ConfigError, DataError, MemoryLimitError
from spinrnn.identify.guesses import starts
from spinrnn.identify.residuals import Diagnosis, diagnose
from spinrnn.identify.sensitivity import device_forward
from spinrnn.machine.memory import format_size, memory_limit
from spinrnn.recordings.measurement import Measurement, measurement

NAMES = ("gamma", "Q", "bias", "gain", "scale")
UNITS = {
    "gamma": "1/s",
    "Q": "1",
    "bias": "1",
    "gain": "1/s per unit of drive",
    "scale": "unit of power",
}
DERIVED_UNITS = {"gamma (1 + Q)": "1/s", "gamma (bias - 1)": "1/s", "threshold": "unit of drive"}
PIECES = 4
"""Steps between two samples of a drive that goes linearly between them."""
_EVALUATIONS = 300
_TOGETHER = 1e-7
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


def identify_device(
    time,
    drive=None,
    power=None,
    *,
    noise=None,
    fixed=None,
    free_scale=False,
    drive_between="held",
    power_floor=0.0,
    level=0.95,
):
    """Fits eq. (1) to measured trajectories of one device.

    Args:
        time, drive, power, noise: as in `measured.measurement`; or a `Measurement` alone in the place of time.
        fixed: {name: number, or (number, uncertainty as a standard deviation)} of parameters that are not fitted. Without gamma, Q or bias
            among them bias is 0, so the drive is the whole drive.
        free_scale: fit scale too, for a power that is not normalised; else it is 1 or as in fixed.
        drive_between: "held": each value until the next time; "linear": samples of a drive that goes on in between.
        power_floor: smallest p, `NetworkConfig.power_floor` of a simulation; 0 for none.
        level: of the confidence intervals.
    Returns:
        `DeviceFit`.
    Raises:
        DataError: the data do not fit together, do not tell parameters apart, or the fit does not converge; ConfigError: arguments are wrong;
        MemoryLimitError: too many samples and cases at once.
    """
    data = time if isinstance(time, Measurement) else measurement(time, drive, power, noise)
    known = _known(fixed, free_scale, drive_between, power_floor, level, data)
    problem = _Problem(data, known, drive_between, power_floor)
    best, reached = None, set()
    for kind, values, start in starts(problem):
        found = problem.solve(values, start)
        if found is None:
            continue
        if best is None or found.cost < best.cost * (1 - 1e-6):
            best, reached = found, set()
        if found.cost <= best.cost * (1 + 1e-6):
            reached.add(kind)
        if len(reached) == 2:  # starts of different kinds agree that there is nothing better
            break
    if best is None:
        raise DataError(
            f"the fit did not converge within {_EVALUATIONS} evaluations from any start; are time in s and power normalised? Fix what is known"
        )
    return _result(problem, best, level)


def _known(fixed, free_scale, drive_between, power_floor, level, data):
    """Checked {name: (value, uncertainty)} of what is not fitted."""
    problems, known = [], {}
    for name, given in (
        (fixed or {}).items() if isinstance(fixed or {}, Mapping) else [("fixed", fixed)]
    ):
        if name not in NAMES:
            problems.append(f"fixed: {name} is none of {', '.join(NAMES)}")
            continue
        try:
            value, uncertainty = (
                float(x) for x in (given if isinstance(given, tuple | list) else (given, 0.0))
            )
        except (TypeError, ValueError):
            problems.append(f"{name}: give a number or (number, uncertainty), got {given!r}")
            continue
        lowest = {"gamma": 0.0, "Q": -1.0, "scale": 0.0}.get(name, -math.inf)
        if not (lowest < value < math.inf and 0 <= uncertainty < math.inf):
            above = f" above {lowest:g}" if lowest > -math.inf else ""
            problems.append(
                f"{name}: must be a number{above} with an uncertainty from 0, got {given!r}"
            )
        known[name] = (value, uncertainty)
    if not {"gamma", "Q", "bias"} & set(known):
        known["bias"] = (0.0, 0.0)
    if free_scale and "scale" in known:
        problems.append("scale: cannot be both fixed and free")
    elif not free_scale:
        known.setdefault("scale", (1.0, 0.0))
    if len(known) == len(NAMES):
        problems.append("fixed: nothing is left to fit")
    if drive_between not in ("held", "linear"):
        problems.append(f'drive_between: must be "held" or "linear", got {drive_between!r}')
    elif drive_between == "linear" and data.drive.shape != data.power.shape:
        problems.append(
            "drive_between: a linear drive needs a value at each time, these data have one less"
        )
    elif drive_between == "linear" and not np.isfinite(data.drive).all():
        problems.append(
            "drive_between: a linear drive needs a value at the last sample of each case, too"
        )
    if not 0 <= power_floor < 0.1:
        problems.append(f"power_floor: must be in [0, 0.1), got {power_floor}")
    if not 0 < level < 1:
        problems.append(f"level: must be between 0 and 1, as in 0.95, got {level}")
    if problems:
        raise ConfigError(problems)
    power = data.power[data.present]
    if not (power > 0).any():
        raise DataError("power: no sample is above 0")
    if "scale" in known and np.mean(power > known["scale"][0]) > 0.05:
        raise DataError(
            f"power: {np.mean(power > known['scale'][0]):.0%} of the samples are above {known['scale'][0]:g}, where no oscillator of eq. (1) goes; "
            "normalise the power, or let scale be fitted (free_scale, --free-scale)"
        )
    return known


@dataclass(frozen=True)
class _Solution:
    values: dict
    start: np.ndarray
    cost: float


class _Problem:
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
        if taken > memory_limit():
            raise MemoryLimitError(
                f"a fit of {self.count} samples in {self.cases} cases takes {format_size(taken)}, the limit is {format_size(memory_limit())}; take "
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
        """`_Solution` by least squares from here; None if it does not converge."""
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
            max_nfev=_EVALUATIONS,
        )
        return None if found.status <= 0 else _Solution(*self.unpack(found.x), float(found.cost))


# ---- result ----


def _result(problem, found, level):
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
    _check_told_apart(
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
    everything, slopes = _with_derived(values)
    errors = {name: float(np.sqrt(max(g @ covariance @ g, 0.0))) for name, g in slopes.items()}
    intervals = {
        name: (v - quantile * errors[name], v + quantile * errors[name])
        for name, v in everything.items()
    }
    predicted = np.where(np.isnan(data.time), np.nan, values["scale"] * p)
    residual = data.power - predicted
    return DeviceFit(
        everything, errors, intervals, problem.free, problem.known, level, start, float(np.sqrt(np.nansum(residual**2) / freedom)), predicted,
        residual, data, problem.drive_between, _diagnosis(problem, values, start, p, by, predicted, residual),
    )  # fmt: skip


def _check_told_apart(problem, values, outside, lengths, whole):
    """Raises a DataError if some fitted parameters can change together without a change of the prediction."""
    silent = [
        name
        for name, left, all_of in zip(problem.free, lengths, whole, strict=True)
        if not left > _TOGETHER * max(all_of, 1e-300)
    ]
    if silent:
        raise DataError(
            f"the data do not depend on {' and on '.join(silent)}; is the drive zero, or the power constant? {_fix(silent)}"
        )
    singular, directions = np.linalg.svd(outside / lengths, full_matrices=False)[1:]
    if singular[-1] < _TOGETHER:
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


def _with_derived(v):
    """(values with the derived ones, {name: gradient by `NAMES`})."""
    slopes = {name: np.eye(len(NAMES))[i] for i, name in enumerate(NAMES)}
    gamma, q, bias, gain = (v[name] for name in ("gamma", "Q", "bias", "gain"))
    found = {name: float(v[name]) for name in NAMES}
    found |= {"gamma (1 + Q)": gamma * (1 + q), "gamma (bias - 1)": gamma * (bias - 1)}
    slopes["gamma (1 + Q)"] = np.array([1 + q, gamma, 0, 0, 0])
    slopes["gamma (bias - 1)"] = np.array([bias - 1, 0, gamma, 0, 0])
    if gain:
        found["threshold"] = gamma * (1 - bias) / gain
        slopes["threshold"] = np.array(
            [(1 - bias) / gain, 0, -gamma / gain, -gamma * (1 - bias) / gain**2, 0]
        )
    return found, slopes


def _diagnosis(problem, values, start, p, by, predicted, residual):
    """`Diagnosis` of the residuals, with what may be wrong with a device as suspects."""
    data, gain, scale = problem.data, values["gain"], values["scale"]
    middle = np.repeat((p[:, 1:] + p[:, :-1]) / 2, problem.pieces, axis=1)
    largest = float(np.abs(problem.drive).max()) or 1.0
    h = float(np.median(problem.durations[problem.durations > 0])) * problem.pieces
    held = (
        problem.drive_between == "held"
    )  # until t + lag, the value from before; a linear drive has a slope instead
    change = np.diff(problem.given, axis=1, **({"prepend": problem.given[:, :1]} if held else {}))[
        :, : problem.samples - 1
    ]
    before = np.repeat(
        change / np.where(data.durations > 0, data.durations, np.inf), problem.pieces, axis=1
    )
    kicks = {
        "lag of the drive (delay or another pole)": (-gain * before * h, h, "s"),
        "saturation of the drive": (
            -gain * problem.drive * np.abs(problem.drive) / largest,
            1 / largest,
            "1/drive",
        ),
        "damping beyond Q p": (
            -values["gamma"] * middle**2 / (1 - np.minimum(middle, 0.999)),
            1.0,
            "1",
        ),
    }
    present = problem.present
    kicked = problem.run(values, start, np.stack([kick for kick, _, _ in kicks.values()], axis=2))[
        1
    ][present]
    suspects = {
        name: (scale * kicked[:, 5 + j], factor, unit)
        for j, (name, (_, factor, unit)) in enumerate(kicks.items())
    }
    with np.errstate(invalid="ignore"):
        slope = (
            np.diff(p, axis=1, prepend=p[:, :1])
            / np.where(data.durations > 0, data.durations, np.inf)[
                :, np.r_[0, : problem.samples - 1]
            ]
        )
    suspects["lag of the readout"] = (-scale * slope[present] * h, h, "s")
    # no saturation of the readout: 1 / p obeys a linear equation, so to first order it is another scale, which has its own line below
    suspects["offset of the readout"] = (np.full(problem.count, scale), scale, UNITS["scale"])
    by_names, by_start = problem.columns(values, p, by)
    for name, column in zip(NAMES, by_names.T, strict=True):
        if name in problem.known and problem.known[name][1] == 0:
            suspects[f"{name} is not {values[name]:g}"] = (column, 1.0, UNITS[name])
    weight = 1 / problem.sigma if data.noise is not None else np.ones(problem.count)
    jacobian = problem.matrix([by_names[:, NAMES.index(name)] for name in problem.free], by_start)
    e, resolution = residual.copy(), data.resolution * np.abs(predicted)
    e[present] *= weight
    resolution[present] *= weight
    weighted = {
        name: (direction * weight, factor, unit)
        for name, (direction, factor, unit) in suspects.items()
    }
    return diagnose(e, jacobian * weight[:, None], weighted, data.noise is not None, resolution)
