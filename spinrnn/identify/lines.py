"""Resonance lines of rectified voltages (spin diodes): where each line lies, how wide
and how dispersive it is, how its frequency goes with the field, and what of that the
resonator of the RF network, eq. (R1) of docs/rf.md, leaves out.

A line at the frequency f, against the field H with u = H - H0:

    V = s w^2 / (u^2 + w^2) + a w u / (u^2 + w^2) + b + c H
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from spinrnn.analysis.leastsquares import inefficiency, least_squares
from spinrnn.errors import DataError
from spinrnn.readers.columns import NONE, Columns, arranged
from spinrnn.readers.formats import read_table

WIDTHS = 8
"""Half widths to both sides of a line that are fitted."""
LEAST_FIT = 0.9
"""R^2 from which a line counts: a fit below it has missed the line, or two overlap."""
FAR = 5.0
"""Robust standard deviations from the straight line through the lines at which one is
left out: at low fields a magnet is not saturated, and a second line may overlap."""
FEW = 12
"""Points of a line, at least."""
_FREQUENCY = re.compile(r"(\d+(?:\.\d+)?)[ _]?([kMG]?)Hz", re.IGNORECASE)
_POWERS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}


@dataclass(frozen=True, eq=False)
class Lines:
    """Fitted lines, in order of frequency; arrays (line,) or (2, line) of intervals.

    Attributes:
        frequency: Hz; field: H0, and width: w, the half width at half maximum, in the
            unit of the field; symmetric: s, and dispersive: a, V.
        share: |a| / |s|; share_interval, field_interval, width_interval: at `level`.
        fitted: R^2; fitted_dispersive: R^2 of the same fit with s = 0, all that (R1)
            allows; good: lines that count, of which `slope` and the rest are made.
        slope: k, and offset: H_i, of f = k (H0 - H_i); each (value, low, high), k in Hz
            per unit of the field; straight: R^2 of that.
        width_constant, width_slope: of w = constant + slope f, each (value, low, high).
        damping: (line,) k w / f, which (R1) has as a constant alpha.
        unit: of the field; level: of the intervals.
        points: (field, voltage, model) of each line.
    """

    frequency: np.ndarray
    field: np.ndarray
    field_interval: np.ndarray
    width: np.ndarray
    width_interval: np.ndarray
    symmetric: np.ndarray
    dispersive: np.ndarray
    share: np.ndarray
    share_interval: np.ndarray
    fitted: np.ndarray
    fitted_dispersive: np.ndarray
    good: np.ndarray
    slope: tuple[float, float, float]
    offset: tuple[float, float, float]
    straight: float
    width_constant: tuple[float, float, float]
    width_slope: tuple[float, float, float]
    unit: str
    level: float
    points: tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...]

    @property
    def damping(self) -> np.ndarray:
        return self.slope[0] * self.width / self.frequency


def fit_lines(
    source: str | Path,
    frequencies: tuple[float, float] = (0.0, math.inf),
    columns: Columns = NONE,
    unit: str = "Oe",
    level: float = 0.95,
) -> Lines:
    """Fits a resonance line for each frequency, and the straight line that they are on.

    Args:
        source: a file with columns `frequency` (Hz), `field` and `voltage`; or pairs of
            columns field, voltage, whose names hold the frequency, as in 5.0_GHz.
        frequencies: lowest and highest that are taken, Hz.
        columns: what the user calls the columns, and their units.
        unit: of the field, for texts; level: of the confidence intervals.
    Raises:
        StoreError: the file cannot be read; DataError: it holds no such lines, or fewer
        than three could be fitted.
    """
    spectra = _spectra(Path(source), columns)
    low, high = frequencies
    chosen = {f: spectra[f] for f in sorted(spectra) if low <= f <= high}
    if not chosen:
        held = f"{min(spectra):g} to {max(spectra):g} Hz"
        raise DataError(f"{source}: has no line from {low:g} to {high:g} Hz, but from {held}")
    fits = {f: _line(field, voltage, level) for f, (field, voltage) in chosen.items()}
    fits = {f: fit for f, fit in fits.items() if fit is not None}
    frequency = np.array(list(fits))
    field = np.array([fit["field"] for fit in fits.values()])
    good = np.array([fit["fitted"] >= LEAST_FIT for fit in fits.values()], dtype=bool)
    if good.sum() >= 3:
        good &= _on_a_straight_line(field, frequency, good)
    if good.sum() < 3:
        raise DataError(
            f"{source}: {good.sum()} of {len(chosen)} lines can be fitted, three are needed; "
            "choose others by --frequencies"
        )
    names = [name for name in next(iter(fits.values())) if name != "points"]
    arrays = {name: np.array([fit[name] for fit in fits.values()]).T for name in names}
    slope, offset, straight = _straight(arrays["field"][good], frequency[good], level)
    width_constant, width_slope = _width_law(frequency[good], arrays["width"][good], level)
    return Lines(
        frequency=frequency, **arrays, good=good, slope=slope, offset=offset, straight=straight,
        width_constant=width_constant, width_slope=width_slope, unit=unit, level=level,
        points=tuple(fit["points"] for fit in fits.values()),
    )  # fmt: skip


# ---- reading ----


def _spectra(path, columns):
    """{frequency in Hz: (field, voltage)}"""
    arrays = arranged(read_table(path), columns, ("frequency", "field", "voltage")).arrays
    if {"frequency", "field", "voltage"} <= set(arrays):
        every = (np.asarray(arrays[name], dtype=np.float64) for name in
                 ("frequency", "field", "voltage"))  # fmt: skip
        frequency, field, voltage = every
        found = {f: (field[frequency == f], voltage[frequency == f]) for f in set(frequency)}
    else:
        found = _pairs(path, arrays)
    problems = []
    for f, (field, voltage) in found.items():
        known = np.isfinite(field) & np.isfinite(voltage)
        found[f] = field[known], voltage[known]
        if known.sum() < FEW:
            problems.append(f"{f:g} Hz has {known.sum()} points, {FEW} are needed")
        elif np.ptp(field[known]) == 0:
            problems.append(f"{f:g} Hz: the field does not change")
    if problems:
        raise DataError(f"{path}: {'; '.join(problems[:5])}")
    return found


def _pairs(path, arrays):
    named = [(name, _FREQUENCY.search(name)) for name in arrays]
    known = [(name, match) for name, match in named if match]
    if not known or len(known) % 2:
        raise DataError(
            f"{path}: needs columns frequency, field and voltage, or pairs of field and voltage "
            "whose names hold the frequency, as in 5.0_GHz"
        )
    found = {}
    for (first, match), (second, other) in zip(known[::2], known[1::2], strict=True):
        if match[0] != other[0]:
            raise DataError(f"{path}: {first} and {second} are no pair of one frequency")
        frequency = float(match[1]) * _POWERS[match[2].lower()]
        found[frequency] = tuple(np.asarray(arrays[n], dtype=float) for n in (first, second))
    return found


# ---- one line ----


def _shape(field, h0, w):
    """(point, 4) of the symmetric and the dispersive part, and of the background."""
    u = field - h0
    bell = 1 / (1 + (u / w) ** 2)
    return np.stack([bell, u / w * bell, np.ones_like(u), u], axis=1)


def _line(field, voltage, level):
    """{attribute of `Lines`: value} of one line, or None where it cannot be fitted."""
    h0, w = _start(field, voltage)
    for _ in range(4):
        near = np.abs(field - h0) <= WIDTHS * w
        if near.sum() < FEW:
            return None
        x, y = field[near], voltage[near]
        found = least_squares(_curve, x, y, [h0, w, *_parts(x, y, h0, w)])
        if found is None:
            return None
        values, covariance, squares = found
        h0, w = values[0], abs(values[1])
        if not field.min() < h0 < field.max():
            return None
    model = _curve(x, *values)
    # residuals that go together count as fewer points
    covariance = covariance * inefficiency(y - model)
    total = float(((y - y.mean()) ** 2).sum())
    pure = np.delete(_shape(x, h0, w), 0, axis=1)
    rest = y - pure @ np.linalg.lstsq(pure, y, rcond=None)[0]
    t = stats.t.ppf(0.5 + level / 2, len(x) - 6)
    errors = t * np.sqrt(np.diag(covariance))
    s, a = values[2], values[3] * np.sign(values[1])
    share = abs(a / s)
    gradient = np.zeros(6)
    gradient[2:4] = -share / s, share / values[3]
    spread = t * math.sqrt(gradient @ covariance @ gradient)
    return {
        "field": h0, "field_interval": (h0 - errors[0], h0 + errors[0]),
        "width": w, "width_interval": (w - errors[1], w + errors[1]),
        "symmetric": s, "dispersive": a, "share": share,
        "share_interval": (max(share - spread, 0.0), share + spread),
        "fitted": 1 - squares / total, "fitted_dispersive": 1 - float(rest @ rest) / total,
        "points": (x, y, model),
    }  # fmt: skip


def _curve(field, h0, w, *parts):
    return _shape(field, h0, w) @ np.asarray(parts)


def _parts(field, voltage, h0, w):
    return np.linalg.lstsq(_shape(field, h0, w), voltage, rcond=None)[0]


def _start(field, voltage):
    """(H0, w) of the least squares on a grid."""
    span, best = np.ptp(field), (math.inf, 0.0, 1.0)
    for w in span * np.array([0.01, 0.02, 0.04, 0.08]):
        for h0 in np.linspace(field.min(), field.max(), 61)[1:-1]:
            left = voltage - _shape(field, h0, w) @ _parts(field, voltage, h0, w)
            best = min(best, (float(left @ left), h0, w))
    return best[1:]


# ---- all lines ----


def _regression(x, y, level):
    """(slope, y at the mean of x, their standard errors, mean of x, t)"""
    n, mean = len(x), x.mean()
    power = float(((x - mean) ** 2).sum())
    slope = float((x - mean) @ y) / power
    left = y - y.mean() - slope * (x - mean)
    noise = math.sqrt(left @ left / (n - 2))
    t = float(stats.t.ppf(0.5 + level / 2, n - 2))
    return slope, y.mean(), noise / math.sqrt(power), noise / math.sqrt(n), mean, t


def _on_a_straight_line(field, frequency, good):
    """(line,) whether it is on the line through most of them: median of all slopes
    (Theil and Sen), deviations by their median.
    """
    at = np.flatnonzero(good)
    first, second = (at[i] for i in np.triu_indices(len(at), 1))
    apart = field[second] != field[first]
    rise, run = (values[second] - values[first] for values in (frequency, field))
    slope = np.median(rise[apart] / run[apart])
    left = frequency - slope * field
    left -= np.median(left[at])
    # a tenth of a percent of the range is no deviation, however exact the others are
    scale = max(1.4826 * np.median(np.abs(left[at])), 1e-3 * np.ptp(frequency[at]))
    return np.abs(left) <= FAR * scale


def _straight(field, frequency, level):
    """(k, H_i, R^2) of f = k (H0 - H_i), the first two with intervals."""
    k, centre, k_error, centre_error, mean, t = _regression(field, frequency, level)
    offset = mean - centre / k
    error = t * math.hypot(centre_error, (mean - offset) * k_error) / abs(k)
    left = frequency - k * (field - offset)
    straight = 1 - float(left @ left) / float(((frequency - frequency.mean()) ** 2).sum())
    return (k, k - t * k_error, k + t * k_error), (offset, offset - error, offset + error), straight


def _width_law(frequency, width, level):
    slope, centre, error, centre_error, mean, t = _regression(frequency, width, level)
    constant = centre - slope * mean
    spread = t * math.hypot(centre_error, mean * error)
    return (
        (constant, constant - spread, constant + spread),
        (slope, slope - t * error, slope + t * error),
    )
