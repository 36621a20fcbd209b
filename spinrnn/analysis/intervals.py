"""Fits and intervals where nobody knows how noisy the device is.

The thermal noise D is fitted, too, and may be nothing: then its logarithm has no
optimum and the others' errors would pretend that it is known to be nothing. So D goes
up and down from its best value as long as the likelihood allows, and an interval is the
union of those that belong to each D, narrower the less likely it is. That is the
interval of the profile likelihood, with a parabola for all numbers but D. How likely a
D is says the restricted likelihood: the numbers of the responses take a share of the
noise with them, and the most likely D is too small by it.
"""

from dataclasses import dataclass

import numpy as np
import scipy.stats

from spinrnn.analysis.likelihood import Fit, Model, Responses, most_likely

STRIDE = 0.7
"""Step of log D, in standard errors."""
LARGEST_STRIDE = 1.0
STRIDES = 12
"""Steps at most, either way."""
SHARES = ((0.5, 0.3), (0.1, 1.0))
"""To begin with: (share of the variance that is the readout's, D in variances of the
residuals times the rate)."""


@dataclass(frozen=True, eq=False)
class Estimate:
    """A fit with its intervals, in the coordinates of the model.

    Attributes:
        fit: the most likely numbers.
        shared_low, shared_high: (K,), private_low, private_high: (response, M), ends of
            the intervals.
        noisy: whether some thermal noise is needed, at the confidence of the intervals.
    """

    fit: Fit
    shared_low: np.ndarray
    shared_high: np.ndarray
    private_low: np.ndarray
    private_high: np.ndarray
    noisy: bool


def estimate(
    responses: Responses,
    model: Model,
    start: Fit,
    rate: float,
    confidence: float,
) -> Estimate:
    """Fit of all numbers with the thermal noise, and intervals.

    Args:
        start: the best fit without thermal noise.
        rate: at which powers typically relax, in 1 / unit.
        confidence: of the intervals, in (0, 1).
    """
    best = _noisy(responses, model, start, rate)
    quantile = float(scipy.stats.t.ppf(0.5 + confidence / 2, best.freedom))
    near = [best]
    for way in (1, -1):
        near += _walk(responses, model, best, way, quantile)
    return _united(near, start, quantile)


def _noisy(responses, model, start, rate):
    """The better one of the fit without thermal noise and of those with some."""
    best, variance = start, start.shared[-1]
    for share, level in SHARES:
        shared = start.shared.copy()
        shared[-1] = variance + np.log(share)
        shared[-2] = variance + np.log(level * rate)
        fit = most_likely(responses, model, shared, start.private, most=25)
        # half a unit is what one more number gains by chance
        if fit is not None and fit.value < best.value - 1e-3:
            best = fit
    return best


def _walk(responses, model, best, way, quantile):
    """[fit with D held] of D going up (way = 1) or down (-1) from its most likely
    value."""
    found, last, lowest = [], best, best.restricted
    smallest = best.shared[-1] - np.log(responses.span.sum()) - 12
    level, stride = best.shared[-2], best.shared_error[-2] * STRIDE
    if not np.isfinite(level):
        if way < 0:
            return []
        level, stride = _beginning(responses, model, best, smallest), np.log(1.6)
    for _ in range(STRIDES):
        level += way * min(stride, LARGEST_STRIDE)
        shared = last.shared.copy()
        # beyond what the samples can show, D is as good as nothing
        shared[-2] = level if level > smallest else -np.inf
        fit = most_likely(responses, model, shared, last.private, held=[len(shared) - 2], most=20)
        if fit is None:
            break
        found.append(fit)
        last, lowest = fit, min(lowest, fit.restricted)
        if 2 * (fit.restricted - lowest) > quantile**2 or not np.isfinite(shared[-2]):
            break
    return found


def _beginning(responses, model, best, smallest):
    """log D to walk up from where the best D is nothing: a third of its error."""
    shared = best.shared.copy()
    shared[-2] = smallest
    fit = most_likely(responses, model, shared, best.private, most=0)
    error = np.log(fit.shared_error[-2]) if fit is not None else 0.0
    return smallest + np.clip(error, 0, 60) + np.log(0.3)


def _united(near, start, quantile):
    """`Estimate` of fits with one D each: the best of them by the restricted
    likelihood, and the union of their intervals; start: without thermal noise."""
    best = min(near, key=lambda fit: fit.restricted)
    low, high = [np.inf, np.inf], [-np.inf, -np.inf]
    for fit in near:
        reach = np.sqrt(max(quantile**2 - 2 * (fit.restricted - best.restricted), 0.0))
        numbers = (fit.shared, fit.shared_error), (fit.private, fit.private_error)
        for k, (value, error) in enumerate(numbers):
            low[k] = np.minimum(low[k], value - reach * error)
            high[k] = np.maximum(high[k], value + reach * error)
    noisy = 2 * (start.restricted - best.restricted) > quantile**2
    return Estimate(best, low[0], high[0], low[1], high[1], bool(noisy))
