"""Least squares of a few parameters, and how many correlated residuals count as one."""

import warnings
from collections.abc import Callable, Sequence

import numpy as np
import scipy.optimize

from spinrnn.analysis.spectra import WINDOW
from spinrnn.errors import DataError


def least_squares(
    function: Callable, x: np.ndarray, y: np.ndarray, start: Sequence[float]
) -> tuple[np.ndarray, np.ndarray, float] | None:
    """(values, covariance, sum of squares) of a fit of function(x, *values) to y; None
    if it does not converge, or the data do not determine the values."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            # scipy warns where there is no covariance
            warnings.simplefilter("error", scipy.optimize.OptimizeWarning)
            values, covariance = scipy.optimize.curve_fit(function, x, y, start, maxfev=400)
            squares = float(np.sum((y - function(x, *values)) ** 2))
    except (RuntimeError, ValueError, scipy.optimize.OptimizeWarning):
        return None
    return (values, covariance, squares) if np.isfinite(squares) else None


def inefficiency(residuals: np.ndarray) -> float:
    """How many successive residuals (sample,) say as much as one independent one.

    The statistical inefficiency: twice the integral of their correlation, in steps, at
    least 1 and at most a quarter of their number.
    """
    centred = residuals - residuals.mean()
    n = len(centred)
    spectrum = np.abs(np.fft.rfft(centred, 2 * n)) ** 2
    products = np.fft.irfft(spectrum, 2 * n)[:n]
    if not products[0] > 0:
        return 1.0
    sums = 0.5 + np.cumsum(products[1:] / products[0])
    enough = np.flatnonzero(np.arange(1, n) >= WINDOW * sums)
    if not len(enough):
        return max(1.0, n / 4)
    return float(min(n / 4, max(1.0, 2 * sums[enough[0]])))


def check_confidence(confidence: float) -> None:
    """DataError unless it is in (0, 1)."""
    if not 0 < confidence < 1:
        raise DataError(f"confidence: must be in (0, 1), got {confidence}")
