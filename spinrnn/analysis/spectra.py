"""How powers fluctuate: their spectrum over frequency, and over what time they are correlated with themselves."""

from dataclasses import dataclass

import numpy as np
import scipy.signal

from spinrnn.errors import DataError

WINDOW = 5
"""The sum of an autocorrelation is cut at this many of the times it gives [Sokal 1997]: what follows is noise."""

LONGEST = 1 << 16
"""Times of a segment, and lags, unless more are asked for: more segments, and so less noise, are worth more than finer frequencies."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Power spectral density of the power p.

    Attributes:
        frequency: (f,) Hz, from 0 to half of the sampling rate.
        density: (neuron, f) in 1/Hz, one-sided: its integral is the variance of p about the mean of each segment.
        half: (neuron,) Hz, half of the variance lies below; NaN for a neuron that does not change.
        segments: number of segments averaged.
    """

    frequency: np.ndarray
    density: np.ndarray
    half: np.ndarray
    segments: int


@dataclass(frozen=True, eq=False)
class Autocorrelation:
    """Autocorrelation of the power p about its mean.

    Attributes:
        lag: (k,) s, from 0.
        correlation: (neuron, k), 1 at lag 0; NaN for a neuron that does not change, and at lags that no case has.
        integrated: (neuron,) s, integral of the correlation from lag 0 on, which is tau for exp(-lag / tau); NaN where the series is too short to tell,
            or where the correlation swings so much that the integral is not above 0.
        efold: (neuron,) s, lag at which the correlation falls below 1/e; NaN if it does not.
    """

    lag: np.ndarray
    correlation: np.ndarray
    integrated: np.ndarray
    efold: np.ndarray


def even_step(time):
    """Distance (s) of equally spaced times (time,); DataError if they are not, or fewer than two."""
    if len(time) < 2:
        raise DataError(f"time: {len(time)} times are too few, at least 2 are needed")
    steps = np.diff(time)
    step = (time[-1] - time[0]) / (len(time) - 1)
    if np.abs(steps - step).max() > 1e-3 * step:
        raise DataError(
            f"time: not equally spaced, steps from {steps.min():.4g} to {steps.max():.4g} s; this measure needs equal steps"
        )
    return float(step)


def power_spectrum(time, power, segment=None):
    """Spectrum by Welch's method: Hann windows that overlap by half, averaged over all cases.

    Args:
        time: (time,) s, equally spaced; power: (case, neuron, time), a case may end in NaN.
        segment: times of a segment; the default gives at least 8 segments in all, of at most `LONGEST` times.
    Returns:
        `Spectrum`.
    Raises:
        DataError: times are not equally spaced, or there are too few.
    """
    step, power = even_step(time), np.asarray(power, dtype=np.float64)
    lengths = _lengths(power)
    if segment is None:
        longest = int(np.median(lengths)) if len(lengths) else 0
        each = -(
            -8 // max(1, np.sum(lengths >= longest))
        )  # segments wanted of a case: 2 L / segment - 1, as they overlap by half
        segment = min(2 * longest // (each + 1), LONGEST)
    if segment < 8 or not (lengths >= segment).any():
        raise DataError(
            f"power: segments of {segment} times are too short for a spectrum, or no case has as many"
        )
    total, segments = 0.0, 0
    for case in np.flatnonzero(lengths >= segment):
        count = (lengths[case] - segment // 2) // (segment - segment // 2)
        frequency, density = scipy.signal.welch(
            power[case, :, : lengths[case]], 1 / step, nperseg=segment, noverlap=segment // 2
        )
        total, segments = total + count * density, segments + count
    density = total / segments
    share = np.cumsum(density, axis=1)
    half = np.full(len(density), np.nan)
    # a power that only rounding changes has no spectrum to speak of
    largest = np.max(np.abs(power), axis=(0, 2), initial=0.0, where=np.isfinite(power))
    for neuron in np.flatnonzero(share[:, -1] * frequency[1] > (1e-7 * largest) ** 2):
        half[neuron] = np.interp(share[neuron, -1] / 2, share[neuron], frequency)
    return Spectrum(frequency, density, half, int(segments))


def autocorrelation(time, power, longest=None):
    """Autocorrelation and the times that follow from it.

    The mean is over all cases and times of a neuron. A single case of n correlation times therefore shows values that are too low by about 2 / n.

    Args:
        time: (time,) s, equally spaced; power: (case, neuron, time), a case may end in NaN; longest: largest lag in s, by default half of the time, but no more
            than `LONGEST` steps.
    Returns:
        `Autocorrelation`.
    Raises:
        DataError: times are not equally spaced, or there are too few.
    """
    step, power = even_step(time), np.asarray(power, dtype=np.float64)
    _, neurons, times = power.shape
    lags = (
        min(times // 2, LONGEST) if longest is None else min(times - 1, int(longest / step + 0.5))
    )
    if lags < 1 or not np.isfinite(power).any():
        raise DataError("power: no values, or fewer than two times; an autocorrelation needs more")
    present = np.isfinite(power)
    mean = np.where(present, power, 0).sum(axis=(0, 2)) / np.maximum(present.sum(axis=(0, 2)), 1)
    size = 1 << (times + lags).bit_length()
    products, pairs = np.zeros((neurons, lags + 1)), np.zeros((neurons, lags + 1))
    for values, there in zip(power, present, strict=True):
        products += _products(np.where(there, values - mean[:, None], 0), size, lags)
        pairs += np.rint(_products(there.astype(float), size, lags))
    with np.errstate(divide="ignore", invalid="ignore"):
        covariance = np.where(pairs > 0, products / pairs, np.nan)
        # a power that only rounding changes has no correlation to speak of
        constant = ~(covariance[:, :1] > (1e-7 * np.abs(mean[:, None])) ** 2)
        correlation = np.where(constant, np.nan, covariance / covariance[:, :1])
    integrated = step * np.array([integrated_time(row) for row in correlation])
    efold = step * np.array([_crossing(row, 1 / np.e) for row in correlation])
    return Autocorrelation(step * np.arange(lags + 1), correlation, integrated, efold)


def integrated_time(correlation):
    """Integral of a correlation (k,) at whole lags, in steps, by the trapezoidal rule up to `WINDOW` times itself; NaN if that lies beyond the lags or is not above 0."""
    sums = 0.5 + np.cumsum(correlation[1:])
    enough = np.flatnonzero(np.arange(1, len(correlation)) >= WINDOW * sums)
    return float(sums[enough[0]]) if len(enough) and sums[enough[0]] > 0 else np.nan


def _products(values, size, lags):
    """Sums over time of values (neuron, time) times themselves later, (neuron, lag)."""
    return np.fft.irfft(np.abs(np.fft.rfft(values, size)) ** 2, size)[:, : lags + 1]


def _crossing(row, level):
    """First place, in steps, at which a row falls below a level; NaN if it does not."""
    below = np.flatnonzero(row < level)
    if not len(below) or below[0] == 0:
        return np.nan
    k = below[0]
    return k - 1 + (row[k - 1] - level) / (row[k - 1] - row[k])


def _lengths(power):
    """Times of each case before its first NaN, (case,)."""
    finite = np.isfinite(power).all(axis=1)
    return np.where(finite.all(axis=1), power.shape[2], finite.argmin(axis=1))
