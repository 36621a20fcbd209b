"""How powers fluctuate: their spectrum, and over what time they are correlated."""

from dataclasses import dataclass

import numpy as np
import scipy.signal

from spinrnn.analysis.answer import Answer, Settings, each_layer, median, middle, table_of_layers
from spinrnn.arrays import array_of
from spinrnn.errors import DataError
from spinrnn.recordings.recording import Recording

WINDOW = 5
"""The sum of an autocorrelation is cut at this many of the times it gives [Sokal 1997]:
what follows is noise."""
LONGEST = 1 << 16
"""Times of a segment, and lags, unless more are asked for: more segments, and so less
noise, are worth more than finer frequencies."""
SEGMENTS = 8
"""Segments of a spectrum, at least, unless their length is given."""
_ROUNDING = 1e-7
"""Relative change of a power that single precision makes: such has no spectrum to speak
of."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Power spectral density of the power p.

    Attributes:
        frequency: (f,) Hz, from 0 to half of the sampling rate.
        density: (neuron, f) in 1/Hz, one-sided: its integral is the variance of p about
            the mean of each segment.
        half: (neuron,) Hz, half of the variance lies below; NaN for a neuron that does
            not change.
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
        correlation: (neuron, k), 1 at lag 0; NaN for a neuron that does not change, and
            at lags that no case has.
        integrated: (neuron,) s, integral of the correlation from lag 0 on, which is tau
            for exp(-lag / tau); NaN where the series is too short to tell, or where the
            correlation swings so much that the integral is not above 0.
        efold: (neuron,) s, lag at which the correlation falls below 1/e; NaN if it does
            not.
    """

    lag: np.ndarray
    correlation: np.ndarray
    integrated: np.ndarray
    efold: np.ndarray


def even_step(time: np.ndarray) -> float:
    """Distance (s) of equally spaced times (time,); DataError if they are not, or fewer
    than two."""
    if len(time) < 2:
        raise DataError(f"time: {len(time)} times are too few, at least 2 are needed")
    steps = np.diff(time)
    step = (time[-1] - time[0]) / (len(time) - 1)
    if np.abs(steps - step).max() > 1e-3 * step:
        raise DataError(
            f"time: not equally spaced, steps from {steps.min():.4g} to {steps.max():.4g} s; "
            "this measure needs equal steps"
        )
    return float(step)


def power_spectrum(time: np.ndarray, power: np.ndarray, segment: int | None = None) -> Spectrum:
    """Spectrum by Welch's method: Hann windows that overlap by half, averaged over all
    cases.

    Args:
        time: (time,) s, equally spaced; power: (case, neuron, time), a case may end in
            NaN.
        segment: times of a segment; the default gives at least 8 segments in all, of at
            most `LONGEST` times.
    Raises:
        DataError: times are not equally spaced, or there are too few.
    """
    step, power = even_step(array_of(time, "time")), _powers(power)
    lengths = _lengths(power)
    segment = _segment(lengths) if segment is None else segment
    if segment < 8 or not (lengths >= segment).any():
        raise DataError(
            f"power: segments of {segment} times are too short for a spectrum, or no case has "
            "as many"
        )
    total, segments, overlap = 0.0, 0, segment // 2
    for case in np.flatnonzero(lengths >= segment):
        count = (lengths[case] - overlap) // (segment - overlap)
        frequency, density = scipy.signal.welch(
            power[case, :, : lengths[case]], 1 / step, nperseg=segment, noverlap=overlap
        )
        total, segments = total + count * density, segments + count
    density = np.asarray(total / segments)
    return Spectrum(frequency, density, _half(frequency, density, power), int(segments))


def _segment(lengths):
    """Times of a segment, of cases of these lengths."""
    longest = int(np.median(lengths)) if len(lengths) else 0
    # segments wanted of each case that is as long; it has 2 L / segment - 1, as they
    # overlap
    each = -(-SEGMENTS // max(1, np.sum(lengths >= longest)))
    return min(2 * longest // (each + 1), LONGEST)


def _half(frequency, density, power):
    """(neuron,) frequency below which half of the variance lies."""
    share = np.cumsum(density, axis=1)
    half = np.full(len(density), np.nan)
    largest = np.max(np.abs(power), axis=(0, 2), initial=0.0, where=np.isfinite(power))
    for neuron in np.flatnonzero(share[:, -1] * frequency[1] > (_ROUNDING * largest) ** 2):
        half[neuron] = np.interp(share[neuron, -1] / 2, share[neuron], frequency)
    return half


def autocorrelation(
    time: np.ndarray, power: np.ndarray, longest: float | None = None
) -> Autocorrelation:
    """Autocorrelation and the times that follow from it.

    The mean is over all cases and times of a neuron. A single case of n correlation
    times therefore shows values that are too low by about 2 / n.

    Args:
        time: (time,) s, equally spaced; power: (case, neuron, time), a case may end in
            NaN.
        longest: largest lag in s, by default half of the time, but no more than
            `LONGEST` steps.
    Raises:
        DataError: times are not equally spaced, or there are too few.
    """
    step, power = even_step(array_of(time, "time")), _powers(power)
    times = power.shape[2]
    if longest is None:
        lags = min(times // 2, LONGEST)
    else:
        lags = min(times - 1, int(longest / step + 0.5))
    if lags < 1 or not np.isfinite(power).any():
        raise DataError("power: no values, or fewer than two times; an autocorrelation needs more")
    mean, covariance = _covariance(power, lags)
    with np.errstate(divide="ignore", invalid="ignore"):
        constant = ~(covariance[:, :1] > (_ROUNDING * np.abs(mean[:, None])) ** 2)
        correlation = np.where(constant, np.nan, covariance / covariance[:, :1])
    integrated = step * np.array([integrated_time(row) for row in correlation])
    efold = step * np.array([_crossing(row, 1 / np.e) for row in correlation])
    return Autocorrelation(step * np.arange(lags + 1), correlation, integrated, efold)


def _covariance(power, lags):
    """((neuron,) mean, (neuron, lag) covariance), the mean product of the pairs of each
    lag."""
    present = np.isfinite(power)
    mean = np.where(present, power, 0).sum(axis=(0, 2)) / np.maximum(present.sum(axis=(0, 2)), 1)
    _, neurons, times = power.shape
    size = 1 << (times + lags).bit_length()
    products, pairs = np.zeros((neurons, lags + 1)), np.zeros((neurons, lags + 1))
    for values, there in zip(power, present, strict=True):
        products += _products(np.where(there, values - mean[:, None], 0), size, lags)
        pairs += np.rint(_products(there.astype(float), size, lags))
    with np.errstate(divide="ignore", invalid="ignore"):
        return mean, np.where(pairs > 0, products / pairs, np.nan)


def integrated_time(correlation: np.ndarray) -> float:
    """Integral of a correlation (k,) at whole lags, in steps, by the trapezoidal rule
    up to `WINDOW` times itself; NaN if that lies beyond the lags or is not above 0."""
    sums = 0.5 + np.cumsum(correlation[1:])
    enough = np.flatnonzero(np.arange(1, len(correlation)) >= WINDOW * sums)
    return float(sums[enough[0]]) if len(enough) and sums[enough[0]] > 0 else np.nan


def _powers(power):
    return np.asarray(array_of(power, "power", missing=True), dtype=np.float64)


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


# ---- the measures ----


def measure_spectrum(recording: Recording, settings: Settings) -> Answer:
    """Power spectrum."""
    time = recording.time[recording.first(settings.start) :]
    found = each_layer(recording, lambda power: power_spectrum(time, power), settings.start)
    lines = []
    for name, s in found.items():
        line = f"{name}: half of the variance lies below {middle(s.half, 'Hz')}, {s.segments} "
        line += f"segments of {1 / s.frequency[1]:.4g} s"
        if (s.half < s.frequency[1]).mean() > 0.5:
            line += ", which is the resolution: record longer"
        lines.append(line)
    columns = [
        {
            "frequency_hz": s.frequency,
            "density_median_per_hz": np.nanmedian(s.density, axis=0),
            "density_lowest_per_hz": np.nanmin(s.density, axis=0),
            "density_highest_per_hz": np.nanmax(s.density, axis=0),
        }
        for s in found.values()
    ]
    spectra = found.values()
    numbers = {
        "layers": (recording.layers, "1", "numbers of the layers, in the order of the lists"),
        "half_variance_frequency": (
            [median(s.half) for s in spectra], "Hz",
            "median over the neurons of the frequency below which half of the variance lies",
        ),
        "segments": ([s.segments for s in spectra], "1", "segments averaged"),
        "resolution": ([s.frequency[1] for s in spectra], "Hz", "distance of two frequencies"),
    }  # fmt: skip
    return Answer(table_of_layers(recording.layers, columns), lines, numbers, (found,))


def measure_correlation(recording: Recording, settings: Settings) -> Answer:
    """Autocorrelation time."""
    time = recording.time[recording.first(settings.start) :]
    found = each_layer(recording, lambda power: autocorrelation(time, power), settings.start)
    lines = [
        f"{name}: integrated {middle(a.integrated, 's')}, to 1/e {middle(a.efold, 's')}"
        for name, a in found.items()
    ]
    if any((a.efold < time[1] - time[0]).mean() > 0.5 for a in found.values()):
        lines.append("shorter than the time between two samples, so no more than noise")
    columns = [
        {
            "neuron": np.arange(len(a.efold)),
            "integrated_time_s": a.integrated,
            "efold_time_s": a.efold,
        }
        for a in found.values()
    ]
    numbers = {
        "layers": (recording.layers, "1", "numbers of the layers, in the order of the lists"),
        "integrated_time": (
            [median(a.integrated) for a in found.values()], "s",
            "median over the neurons of the integral of the autocorrelation",
        ),
        "efold_time": (
            [median(a.efold) for a in found.values()], "s",
            "median over the neurons of the lag at which the autocorrelation is 1/e",
        ),
    }  # fmt: skip
    return Answer(table_of_layers(recording.layers, columns), lines, numbers, (found,))
