"""A front end for sounds: logarithms of their energies in bands of the mel scale."""

import numpy as np

from spinrnn.arrays import array_of
from spinrnn.errors import ConfigError, DataError

LEAST = 1e-10
"""Energy of a band, of the full scale, below which all is silence."""
MOST_BANDS = 256


def mel(
    samples: np.ndarray,
    rate: float,
    *,
    bands: int = 20,
    window: float = 32e-3,
    step: float = 15e-3,
) -> np.ndarray:
    """(band, frame) log mel energies of a sound, float64: a channel for each band.

    The scale is m = 2595 log10(1 + f / 700 Hz) (O'Shaughnessy 1987, Speech
    Communication). Bands are triangles that have their centres evenly on it, between 0
    and half the rate, and reach to the centres beside (Davis & Mermelstein 1980, IEEE
    Trans. ASSP 28, 357). The energy of a frame in a band is the sum of |X_k|^2 times
    the triangle over sum w^2, X the spectrum of the samples times a Hann window w; its
    natural logarithm is taken, of 1e-10 at least.

    Args:
        samples: (sample,) as shares of the full scale; rate: of them, Hz.
        bands: number of bands.
        window, step: of a frame and from one to the next, s. A sound that is shorter
            than a window gets silence behind it; what is left at the end is dropped.
    Raises:
        DataError: samples are no finite numbers of one axis; ConfigError: rate, bands,
        window or step are impossible, all at once.
    """
    samples = array_of(samples, "samples")
    if samples.ndim != 1 or not samples.size or samples.dtype.kind not in "fiu":
        raise DataError(
            f"samples: must be numbers (sample,), got {samples.dtype} of shape {samples.shape}"
        )
    if not np.isfinite(samples).all():
        place = int(np.argmin(np.isfinite(samples)))
        raise DataError(f"samples: no finite number at sample {place}")
    _check(rate, bands, window, step)
    length, hop = round(window * rate), max(1, round(step * rate))
    sound = np.zeros(max(length, samples.size))
    sound[: samples.size] = samples
    frames = np.lib.stride_tricks.sliding_window_view(sound, length)[::hop]
    weight = np.hanning(length + 1)[:-1]
    power = np.abs(np.fft.rfft(frames * weight, axis=1)) ** 2 / np.square(weight).sum()
    frequencies = np.fft.rfftfreq(length, 1 / rate)
    energy = power @ triangles(frequencies, rate, bands).T
    return np.log(np.maximum(energy, LEAST)).T


def triangles(frequencies: np.ndarray, rate: float, bands: int) -> np.ndarray:
    """(band, frequency) weights of the bands: 1 at their centres."""
    edges = np.linspace(0, _mel(rate / 2), bands + 2)
    position = _mel(frequencies)
    rising = (position - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - position) / (edges[2:] - edges[1:-1])[:, None]
    return np.clip(np.minimum(rising, falling), 0, None)


def _mel(frequency):
    """Of a frequency in Hz."""
    return 2595 * np.log10(1 + np.asarray(frequency) / 700)


def _check(rate, bands, window, step):
    problems = []
    if not 0 < rate < np.inf:
        problems.append(f"rate: must be above 0 Hz, got {rate}")
    if not isinstance(bands, int | np.integer) or not 1 <= bands <= MOST_BANDS:
        problems.append(f"bands: must be a whole number from 1 to {MOST_BANDS}, got {bands!r}")
    for name, time in (("window", window), ("step", step)):
        if not 0 < time < np.inf:
            problems.append(f"{name}: must be a time above 0 s, got {time}")
    if not problems:
        lines = round(window * rate) // 2 + 1
        # else bands of low frequencies lie between two lines and are always empty
        if (triangles(np.fft.rfftfreq(max(round(window * rate), 1), 1 / rate), rate, bands)
                .max(axis=1) == 0).any():  # fmt: skip
            problems.append(
                f"bands: {bands} are too many for a window of {window:g} s, whose spectrum has "
                f"{lines} lines; take fewer, or a longer window"
            )
    if problems:
        raise ConfigError(problems)
