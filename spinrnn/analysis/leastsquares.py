"""Least squares, and how many correlated residuals say as much as one."""

import warnings

import numpy as np
import scipy.optimize
import scipy.stats

from spinrnn.analysis.spectra import WINDOW
from spinrnn.errors import DataError


def least_squares(function, x, y, start):
    """(values, covariance, sum of squares) of a fit by scipy, or None if it does not converge."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter(
                "error", scipy.optimize.OptimizeWarning
            )  # no covariance: the data do not determine the values
            values, covariance = scipy.optimize.curve_fit(function, x, y, start, maxfev=400)
            squares = float(np.sum((y - function(x, *values)) ** 2))
    except (RuntimeError, ValueError, scipy.optimize.OptimizeWarning):
        return None
    return (values, covariance, squares) if np.isfinite(squares) else None


def inefficiency(residuals):
    """How many successive residuals say as much as one independent one, at least 1: twice the integral of their correlation, in steps."""
    centred = residuals - residuals.mean()
    n = len(centred)
    spectrum = np.abs(np.fft.rfft(centred, 2 * n)) ** 2
    products = np.fft.irfft(spectrum, 2 * n)[:n]
    if not products[0] > 0:
        return 1.0
    sums = 0.5 + np.cumsum(products[1:] / products[0])
    enough = np.flatnonzero(np.arange(1, n) >= WINDOW * sums)
    return min(n / 4, max(1.0, 2 * sums[enough[0]] if len(enough) else n / 4))


def check_confidence(confidence):
    if not 0 < confidence < 1:
        raise DataError(f"confidence: must be in (0, 1), got {confidence}")
