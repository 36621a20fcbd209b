"""Do the residuals of a fit say that its model does not describe the data?

A right model leaves noise that is independent from sample to sample. So the residuals
are tested for correlation in time (Ljung and Box), against the noise where it is known
(chi-square), and against directions into which the predicted power would move if
something more were in the device (score tests, of one degree of freedom each): they
find much smaller faults than the first two, and give them a name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

LEVEL = 0.01
"""Probability that data of the model itself are called wrong: that of all tests
together (each has its share, Bonferroni)."""
LAGS = 20
"""Samples over which the correlation is looked for, less in short data."""
CORRELATION, SIZE = "correlation in time", "size against the noise"
OUTLIERS = "single outliers"
"""Names of the tests of no suspect."""
_ROUNDING = 30
"""Residuals below so many steps of the numbers' resolution are rounding, which is
neither independent nor of any interest."""
_LEFT = 1e-5
"""Share of a suspect's direction outside those of the fitted numbers from which on it
is tested; of less the fit imitates it: the data cannot tell, and it does no harm."""


@dataclass(frozen=True, eq=False)
class Suspect:
    """Something that may be wrong with a device.

    Attributes:
        key: short, for machines; name: for people.
        direction: (present sample,) derivative of the predicted power by its size.
        factor: of that size to `unit`.
    """

    key: str
    name: str
    direction: np.ndarray
    factor: float
    unit: str


@dataclass(frozen=True)
class Check:
    """One test of the residuals.

    Attributes:
        name: what it looks for; key: the same, short, for machines.
        p: probability of so much or more of it if the model is right; passed: p is
            above this test's share of `LEVEL`.
        share: of the sum of squares of the residuals that the suspect would explain;
            None for tests of no suspect.
        estimate, error: size of the suspect and its standard error, to first order, so
            of a large one no more than its order; unit: theirs.
    """

    name: str
    p: float
    passed: bool
    share: float | None = None
    estimate: float | None = None
    error: float | None = None
    unit: str = ""
    key: str = ""


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What the residuals say.

    Attributes:
        describes: no test failed: nothing in the data contradicts the model.
        rounding: the residuals are no larger than the rounding of the stored power, so
            that nothing was tested.
        checks: list of `Check`; chi_square: sum of squares over the noise's variance,
            None where the noise is unknown; freedom: its degrees of freedom.
        overstated: the noise is known, and the residuals are smaller than it.
        correlation: (lag,) of the residuals, from lag 1.
    """

    describes: bool
    rounding: bool
    checks: list[Check]
    chi_square: float | None
    freedom: int
    overstated: bool
    correlation: np.ndarray

    @property
    def failed(self) -> list[Check]:
        """The tests that failed; first those of suspects, the one that explains most at
        the head."""
        return sorted(
            (check for check in self.checks if not check.passed),
            key=lambda check: (check.share is None, -(check.share or 0), check.p),
        )


def correlation(residual: np.ndarray, lags: int) -> tuple[np.ndarray, np.ndarray]:
    """Correlation of residuals at samples k apart, k = 1 ... lags.

    Args:
        residual: (case, sample), NaN where missing; lags: number of them.
    Returns:
        (lags,) correlations, (lags,) number of pairs in each.
    """
    present = ~np.isnan(residual)
    e = np.where(present, residual, 0.0)
    variance = (e**2).sum() / present.sum()
    pairs = np.array([(present[:, k:] & present[:, :-k]).sum() for k in range(1, lags + 1)])
    products = np.array([(e[:, k:] * e[:, :-k]).sum() for k in range(1, lags + 1)])
    return products / np.maximum(pairs, 1) / (variance or 1.0), pairs


def diagnose(
    residual: np.ndarray,
    jacobian: np.ndarray,
    suspects: Sequence[Suspect],
    known: bool,
    resolution: np.ndarray,
    turned: np.ndarray | None = None,
    outside: float | None = None,
) -> Diagnosis:
    """Tests the residuals of a least-squares fit.

    Args:
        residual: (case, sample) measured less predicted power, over the noise's
            standard deviation where it is known; NaN where missing.
        jacobian: (present sample, k) derivatives of the prediction, in the same unit,
            by the k fitted numbers.
        suspects: their directions in the same unit; known: the noise is known.
        resolution: (case, sample) rounding of the power in the same unit.
        turned: the residuals of the present samples after the same rotation of all of
            them that the columns of jacobian and the suspects have gone through, where
            these are those of a triangular factor.
        outside: probability of the largest residual as one of so many.
    """
    present = ~np.isnan(residual)
    e = residual[present]
    count, fitted = len(e), jacobian.shape[1]
    freedom, total = count - fitted, float(e @ e)
    lags = max(1, min(LAGS, int(present.sum(axis=1).max()) // 4))
    r, pairs = correlation(residual, lags)
    # Ljung and Box: the sum over the lags of n r^2 is of a chi-square law
    p = float(stats.chi2.sf(np.sum(pairs * r**2), lags))
    found: list[tuple[str, float, dict[str, Any]]] = [(CORRELATION, p, {"key": "correlation"})]
    if known:
        found.append((SIZE, float(stats.chi2.sf(total, freedom)), {"key": "noise_size"}))
    if outside is not None:
        found.append((OUTLIERS, outside, {"key": "outliers"}))
    lengths = np.maximum(np.linalg.norm(jacobian, axis=0), 1e-300)
    basis = np.linalg.qr(jacobian / lengths)[0]
    turned = e if turned is None else turned
    for suspect in suspects:
        tested = _score_test(turned, basis, suspect, known, freedom)
        if tested is not None:
            found.append((suspect.name, *tested))
    rounding = bool(total <= np.sum((_ROUNDING * resolution[present]) ** 2))
    checks = [Check(name, p, rounding or p > LEVEL / len(found), **more) for name, p, more in found]
    return Diagnosis(
        describes=all(check.passed for check in checks),
        rounding=rounding,
        checks=checks,
        chi_square=total if known else None,
        freedom=freedom,
        overstated=known and bool(stats.chi2.cdf(total, freedom) < LEVEL),
        correlation=r,
    )


def _score_test(e, basis, suspect, known, freedom):
    """(p, further attributes of `Check`) of a suspect, None where the data cannot tell.

    The part of its direction that is orthogonal to those of the fitted numbers,
    (sample, k) orthonormal in basis, is compared with the residuals e (sample,).
    """
    length, total = np.linalg.norm(suspect.direction), float(e @ e)
    outside = suspect.direction / length if length > 0 else suspect.direction
    # twice, as the first time leaves rounding where little is left
    for _ in range(2):
        outside = outside - basis @ (basis.T @ outside)
    left = np.linalg.norm(outside)
    if not left > _LEFT or freedom < 2:
        return None
    score = float(outside @ e) / left
    explained = min(float(score**2 / total), 1.0) if total > 0 else 0.0
    variance = 1.0 if known else max(total - score**2, 0.0) / (freedom - 1)
    # variance 0: it explains all that is left
    ratio = score**2 / variance if variance > 0 else np.inf
    p = stats.chi2.sf(ratio, 1) if known else stats.f.sf(ratio, 1, freedom - 1)
    scale = abs(suspect.factor) / (left * length)
    return float(p), {
        "share": explained,
        "estimate": float(np.sign(suspect.factor) * score * scale),
        "error": float(np.sqrt(variance) * scale),
        "unit": suspect.unit,
        "key": suspect.key,
    }
