"""Do the residuals of a fit say that its model does not describe the data? Tests of their size, of their order and of named suspects.

A right model leaves noise that is independent from sample to sample. So the residuals are tested for correlation in time (Ljung and Box), against
the noise where it is known (chi-square), and against directions into which the predicted power would move if something more were
in the device (score tests, of one degree of freedom each): they find much smaller faults than the first two, and give them a name.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

LEVEL = 0.01
"""Probability that data of the model itself are called wrong: that of all tests together (each has its share, Bonferroni)."""
LAGS = 20
"""Samples over which the correlation is looked for, less in short data."""
_ROUNDING = 30
"""Residuals below so many steps of the numbers' resolution are rounding, which is neither independent nor of any interest."""


@dataclass(frozen=True)
class Check:
    """One test of the residuals.

    Attributes:
        name: what it looks for; p: probability of so much or more of it if the model is right; passed: p is above this test's share of `LEVEL`.
        share: of the sum of squares of the residuals that the suspect would explain; None for tests of no suspect.
        estimate, error: size of the suspect and its standard error, to first order, so of a large one no more than its order; unit: theirs.
    """

    name: str
    p: float
    passed: bool
    share: float | None = None
    estimate: float | None = None
    error: float | None = None
    unit: str = ""


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What the residuals say.

    Attributes:
        describes: no test failed: nothing in the data contradicts the model.
        rounding: the residuals are no larger than the rounding of the stored power, so that nothing was tested.
        checks: list of `Check`; chi_square: sum of squares over the noise's variance, None where the noise is unknown; freedom: its degrees of freedom.
        correlation: (lag,) of the residuals, from lag 1.
    """

    describes: bool
    rounding: bool
    checks: list
    chi_square: float | None
    freedom: int
    overstated: bool
    correlation: np.ndarray

    @property
    def failed(self):
        """The tests that failed; first those of suspects, the one that explains most at the head."""
        return sorted(
            (c for c in self.checks if not c.passed),
            key=lambda c: (c.share is None, -(c.share or 0), c.p),
        )


def correlation(residual, lags):
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


def diagnose(residual, jacobian, suspects, known, resolution):
    """Tests the residuals of a least-squares fit.

    Args:
        residual: (case, sample) measured less predicted power, over the noise's standard deviation where it is known; NaN where missing.
        jacobian: (present sample, k) derivatives of the prediction, in the same unit, by the k fitted numbers.
        suspects: {name: ((present sample,) derivative by the suspect, in the same unit, factor to its unit, unit)}.
        known: the noise is known; resolution: (case, sample) rounding of the power in the same unit.
    Returns:
        `Diagnosis`.
    """
    present = ~np.isnan(residual)
    e = residual[present]
    count, fitted = jacobian.shape
    freedom = count - fitted
    total = float(e @ e)
    lags = max(1, min(LAGS, int(present.sum(axis=1).max()) // 4))
    r, pairs = correlation(residual, lags)
    rounding = bool(total <= (_ROUNDING * resolution[present]) @ (_ROUNDING * resolution[present]))
    found = [("correlation in time", float(stats.chi2.sf(np.sum(pairs * r**2), lags)), {})]
    chi_square = total if known else None
    if known:
        found.append(("size against the noise", float(stats.chi2.sf(total, freedom)), {}))
    basis = np.linalg.qr(jacobian / np.maximum(np.linalg.norm(jacobian, axis=0), 1e-300))[0]
    for name, (direction, factor, unit) in suspects.items():
        length = np.linalg.norm(direction)
        rest = direction / length if length > 0 else direction
        rest = rest - basis @ (basis.T @ rest)
        rest = rest - basis @ (
            basis.T @ rest
        )  # twice, as the first leaves rounding where little is left
        left = np.linalg.norm(rest)
        if (
            not left > 1e-5 or freedom < 2
        ):  # the fitted parameters can imitate it: the data cannot tell, and it does no harm
            continue
        score = float(rest @ e) / left
        explained = min(float(score**2 / total), 1.0) if total > 0 else 0.0
        variance = 1.0 if known else max(total - score**2, 0.0) / (freedom - 1)
        ratio = (
            score**2 / variance if variance > 0 else np.inf
        )  # variance 0: it explains all that is left
        p = stats.chi2.sf(ratio, 1) if known else stats.f.sf(ratio, 1, freedom - 1)
        scale = abs(factor) / (left * length)
        size = {
            "share": explained,
            "estimate": float(np.sign(factor) * score * scale),
            "error": float(np.sqrt(variance) * scale),
            "unit": unit,
        }
        found.append((name, float(p), size))
    checks = [Check(name, p, rounding or p > LEVEL / len(found), **more) for name, p, more in found]
    overstated = known and bool(stats.chi2.cdf(total, freedom) < LEVEL)
    return Diagnosis(
        all(c.passed for c in checks), rounding, checks, chi_square, freedom, overstated, r
    )
