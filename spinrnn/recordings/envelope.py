"""The power, phase and frequency of an oscillating voltage over time.

The part of the spectrum within a band around the carrier, without its negative
frequencies, is that of the analytic signal z = A exp(i phi) (Gabor 1946, J. IEE 93,
429). Its square is twice the power, its phase's slope the instantaneous frequency
(Boashash 1992, Proc. IEEE 80, 520).
"""

from dataclasses import dataclass
from numbers import Real

import numpy as np
from scipy import fft, signal

from spinrnn.arrays import array_of
from spinrnn.errors import ConfigError, DataError
from spinrnn.notebook import amount, card, described
from spinrnn.recordings.gaps import gaps_of

LEAST = 64
"""Samples that are needed."""
EVEN = 1e-3
"""Of the mean step in time: larger deviations are refused."""
SMALLEST = 1e-6
"""Of the spectrum's peak: what is below is left out without noise, too."""
GAP = 0.05
"""Of the carrier, between parts of the spectrum that belong together."""
STANDS_OUT = 4.0
"""Times the median of the spectrum, from which on it is more than noise."""
SLOPE = 0.25
"""Of the band's width, that each slope of the filter takes: the wider, the sooner it
settles."""
ABOVE = 1.1
"""Times the band's width, above which a rate gives powers that share noise."""
BLURRED = 0.04
"""Of a drive's variance lost in means, above which an ideal device is refused now and
then, where the noise is 3 % of the voltage."""
EDGE = 2.0
"""Edges that are not known, over the inverse of the band's half width."""


@dataclass(frozen=True)
class Demodulation:
    """How a voltage becomes a power.

    Attributes:
        band: (low, high) in Hz; None: chosen from the spectrum.
        rate: of the samples, Hz; None: the band's width, at which the noise of one is
            independent of the next one's.
    """

    band: tuple[float, float] | None = None
    rate: float | None = None


@dataclass(frozen=True, eq=False)
class Envelope:
    """What `envelope` found. NaN at the edges.

    Attributes:
        time: (time,) s.
        power: (..., time) mean square over an oscillation, V^2, or W with a resistance.
        phase: (..., time) rad, of the oscillation less that of the carrier; 0 in the
            middle.
        frequency: (..., time) Hz, instantaneous.
        carrier: Hz; band: (low, high) Hz; edge: s at each end that are not known.
    """

    time: np.ndarray
    power: np.ndarray
    phase: np.ndarray
    frequency: np.ndarray
    carrier: float
    band: tuple[float, float]
    edge: float

    def __repr__(self) -> str:
        low, high = (amount(limit, "Hz") for limit in self.band)
        return (
            f"<Envelope of {len(self.time)} times, {amount(self.carrier, 'Hz')} in {low} to {high}>"
        )

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        rows = [
            ("carrier", amount(self.carrier, "Hz")),
            ("band", " to ".join(str(amount(limit, "Hz")) for limit in self.band)),
            ("edges", amount(self.edge, "s")),
            ("power", described(self.power)),
            ("frequency", described(self.frequency, "Hz")),
            ("phase", described(self.phase, "rad")),
        ]
        return card(f"Envelope at {len(self.time)} times", rows)


def envelope(
    time: np.ndarray,
    voltage: np.ndarray,
    *,
    band: tuple[float, float] | None = None,
    rate: float | None = None,
    resistance: float | None = None,
) -> Envelope:
    """Power, phase and instantaneous frequency of a voltage with a carrier.

    The filter has no delay. It needs time to settle at both ends, twice the inverse of
    the band's half width long: there all is NaN.

    Args:
        time: (time,) s, even.
        voltage: (..., time) V; one band is chosen for all.
        band: (low, high) in Hz that is kept; the filter's slopes, each a quarter of its
            width, lie outside it as far as there is room.
            None: around the highest peak of the
            spectrum, with all that stands out of the noise beside it, at most from a
            half to three halves of the carrier.
        rate: of the result in Hz: power and frequency are means over as many samples as
            come closest to it, at their mean time. None: the rate of the voltage.
        resistance: Ohm on which the power is dissipated; None: the power is in V^2.
    Raises:
        DataError: times are not even, values are missing, there is no carrier;
        ConfigError: band, rate or resistance are impossible.
    """
    time, voltage = _checked(time, voltage)
    sampling = (len(time) - 1) / (time[-1] - time[0])
    _check_settings(band, rate, resistance, sampling)
    # a mean would be a peak of the spectrum
    centred = voltage - voltage.mean(axis=-1, keepdims=True)
    limits = _band(centred, sampling) if band is None else band
    slopes = _slopes(limits, sampling, band is None)
    analytic = _analytic(centred, sampling, slopes)
    carrier = _carrier(centred, sampling, limits)
    turned = analytic * np.exp(-2j * np.pi * carrier * (time - time[0]))
    phase = np.unwrap(np.angle(turned), axis=-1)
    frequency = carrier + np.gradient(phase, time, axis=-1) / (2 * np.pi)
    power = np.abs(analytic) ** 2 / 2 / (1 if resistance is None else resistance)
    edge = EDGE * 2 / (limits[1] - limits[0])
    unknown = (time - time[0] < edge) | (time[-1] - time < edge)
    if unknown.all():
        raise DataError(
            f"voltage: is shorter than the edges, {edge:.3g} s each, that a band of this width "
            "needs; give a wider band or more samples"
        )
    phase = phase - phase[..., [len(time) // 2]]
    count = 1 if rate is None else max(1, round(sampling / rate))
    power, phase, frequency = (
        binned(np.where(unknown, np.nan, values), count) for values in (power, phase, frequency)
    )
    limits = float(limits[0]), float(limits[1])
    return Envelope(binned(time, count), power, phase, frequency, carrier, limits, edge)


def binned(values: np.ndarray, count: int) -> np.ndarray:
    """Means over so many successive values of the last axis; NaN where one is NaN. What
    is left at the end is dropped.
    """
    bins = values.shape[-1] // count
    return values[..., : bins * count].reshape(*values.shape[:-1], bins, count).mean(axis=-1)


def demodulated(
    arrays: dict[str, np.ndarray], settings: Demodulation
) -> tuple[dict[str, np.ndarray], Envelope]:
    """(arrays with `power` in the place of `voltage`, all at its times, the
    envelope) of a recording: `time`, `voltage`, perhaps `drive`.

    The drive, which is held from each time to the next, is its mean between the two.
    """
    time, voltage = np.asarray(arrays["time"]), arrays["voltage"]
    if time.ndim == 2 and (time == time[:1]).all():
        time = time[0]
    band = envelope(time, voltage).band if settings.band is None else settings.band
    rate = band[1] - band[0] if settings.rate is None else settings.rate
    # slopes within the band leave less than its width, so that powers share noise
    found = envelope(time, voltage, band=band, rate=rate)
    kept = {name: array for name, array in arrays.items() if name not in ("time", "voltage")}
    count, drive = len(time) // len(found.time), kept.get("drive")
    if drive is not None:
        drive = np.asarray(drive, dtype=np.float64)
        if drive.shape[-1] != len(time):
            raise DataError(
                f"drive: has {drive.shape[-1]} values for {len(time)} of the voltage; give as many"
            )
        kept["drive"] = _held(drive, count)
    return {"time": found.time, "power": found.power, **kept}, found


def _held(drive, count):
    """(..., time - 1) means of a drive from the middle of each bin to that of the next.

    Of an even number of samples the middle lies within the hold of one of them.
    """
    starts = (count - 1) // 2, count // 2
    bins = drive.shape[-1] // count - 1
    parts = [binned(drive[..., start : start + bins * count], count) for start in starts]
    return np.mean(parts, axis=0)


def doubts(drive: np.ndarray | None, found: Envelope) -> list[str]:
    """What makes powers no independent samples of a device under its drive, a sentence
    each, with what to do.

    Args:
        drive: (..., time) of the voltage's times, or None; found: made of these.
    """
    problems, step = [], float(found.time[1] - found.time[0]) if len(found.time) > 1 else 0.0
    width = found.band[1] - found.band[0]
    if step and 1 / step > ABOVE * width:
        problems.append(
            f"rate: {amount(1 / step, 'Hz')} is above the band's width, {amount(width, 'Hz')}, so "
            "that neighbouring powers share their noise, and the residuals of a fit are "
            "correlated; leave --rate out, or give a wider --band"
        )
    drive = np.zeros(len(found.time)) if drive is None else np.asarray(drive, dtype=np.float64)
    share = _blurred(drive, len(found.time))
    if share > BLURRED:
        nyquist = drive.shape[-1] // len(found.time) / step / 2
        low = max(found.band[0] - width, 0.1 * found.band[0])
        wider = f"give a wider --band, as in {low:.3g}:{min(found.band[1] + width, nyquist):.3g}"
        problems.append(
            f"drive: {100 * share:.2g} % of its variance is within the {amount(step, 's')} of one "
            "power, over which it is averaged, and a fit may blame the device for it; "
            f"{'leave --rate out' if ABOVE / step < width else wider}"
        )
    return problems


def _blurred(drive, powers):
    """Share of a drive's variance that its means for so many powers have lost."""
    count = drive.shape[-1] // powers
    first = count // 2
    held = drive[..., first : first + (powers - 1) * count]
    whole = held.var(axis=-1).mean()
    parts = held.reshape(*held.shape[:-1], powers - 1, count)
    return float(parts.var(axis=-1).mean() / whole) if whole > 0 else 0.0


# ---- checks ----


def _checked(time, voltage):
    time, voltage = array_of(time, "time"), array_of(voltage, "voltage", missing=True)
    for name, array in (("time", time), ("voltage", voltage)):
        if array.dtype.kind not in "fiu":
            raise DataError(f"{name}: must be real numbers, got {array.dtype}")
    time, voltage = time.astype(np.float64), voltage.astype(np.float64)
    if time.ndim != 1 or not voltage.ndim or voltage.shape[-1] != len(time) or not voltage.size:
        raise DataError(
            "voltage: must have the axes (..., time), and time (time,); got the shapes "
            f"{voltage.shape} and {time.shape}"
        )
    if len(time) < LEAST:
        raise DataError(f"voltage: {len(time)} samples are too few, it takes {LEAST}")
    wrong = np.flatnonzero(~np.isfinite(voltage).reshape(-1, len(time)).all(axis=0))
    if wrong.size:
        raise DataError(
            f"voltage: has no finite value at sample {wrong[0]}; an oscillation cannot be filled "
            "in, cut the recording there"
        )
    steps = np.diff(time)
    if not np.isfinite(time).all() or not (steps > 0).all():
        raise DataError("time: must be finite and increase")
    uneven = np.abs(steps / steps.mean() - 1)
    if uneven.max() > EVEN:
        gaps, worst = gaps_of(time), int(uneven.argmax())
        if gaps is not None:
            raise DataError(
                f"time: is not even, the step after sample {gaps.after} is {gaps.step:.6g} s, the "
                f"usual one {gaps.usual:.6g} s; cut the recording there"
                f"{', and at the other gaps' if gaps.count > 1 else ''}"
            )
        raise DataError(
            f"time: is not even, the step after sample {worst} is {steps[worst]:.6g} s, the mean "
            f"{steps.mean():.6g} s; bring the voltage to even times"
        )
    return time, voltage


def _check_settings(band, rate, resistance, sampling):
    problems = []
    if band is not None:
        numbers = isinstance(band, tuple | list | np.ndarray) and len(band) == 2
        if (
            not numbers
            or not all(map(_is_number, band))
            or not 0 < band[0] < band[1] <= sampling / 2
        ):
            wanted = f"(low, high) in Hz from above 0 to {sampling / 2:.4g}, half the sampling rate"
            problems.append(f"band: must be {wanted}; got {band}")
    if rate is not None and not (_is_number(rate) and 0 < rate <= sampling * (1 + EVEN)):
        problems.append(f"rate: must be above 0 and at most {sampling:.4g} Hz, got {rate!r}")
    if resistance is not None and not (_is_number(resistance) and 0 < resistance < np.inf):
        problems.append(f"resistance: must be a number above 0 Ohm, got {resistance!r}")
    if problems:
        raise ConfigError(problems)


def _is_number(value):
    return isinstance(value, Real) and not isinstance(value, bool)


# ---- work ----


def _spectrum(voltage, sampling):
    """(frequencies, power in each) of all recordings together, in bins that several
    segments are averaged in.
    """
    segment = min(voltage.shape[-1], max(256, voltage.shape[-1] // 8))
    found = signal.welch(voltage, sampling, window="hann", nperseg=segment, axis=-1)
    return found[0], found[1].reshape(-1, len(found[0])).mean(axis=0)


def _band(voltage, sampling):
    """(low, high) Hz around the highest peak."""
    frequencies, density = _spectrum(voltage, sampling)
    peak = int(density.argmax())
    floor = float(np.median(density))
    if not density[peak] > 10 * floor or peak < 2:
        raise DataError(
            "voltage: its spectrum has no peak that stands out, so there is no carrier; give the "
            "band"
        )
    least = STANDS_OUT * max(floor, SMALLEST * density[peak])
    there = np.flatnonzero(density > least)
    # what is beyond a gap is another oscillation
    cuts = np.flatnonzero(np.diff(frequencies[there]) > GAP * frequencies[peak]) + 1
    own = next(part for part in np.split(there, cuts) if peak in part)
    # of a strong modulation a sideband is the highest peak
    carrier = float(np.average(frequencies[own], weights=density[own]))
    half = float(np.abs(frequencies[own] - carrier).max())
    widest = min(carrier / 2, sampling / 2 - carrier)
    half = min(max(half, 2 * frequencies[1]) / (1 - 2 * SLOPE), widest)
    return carrier - half, carrier + half


def _carrier(voltage, sampling, limits):
    """Centre of gravity of the power within a band, Hz."""
    frequencies, density = _spectrum(voltage, sampling)
    inside = (frequencies >= limits[0]) & (frequencies <= limits[1])
    own = np.where(inside, np.maximum(density - STANDS_OUT * np.median(density), 0), 0)
    if not own.sum() > 0:
        return (limits[0] + limits[1]) / 2
    return float((own * frequencies).sum() / own.sum())


def _slopes(limits, sampling, found):
    """((low, high) Hz where the filter begins to pass, widths of its slopes).

    Within a band that was found, which has room for them; around one that was given, so
    that all it holds passes, as far as 0 and half the sampling rate allow.
    """
    low, high = limits
    slope = SLOPE * (high - low)
    if found:
        return (low, high), (slope, slope)
    widths = min(slope, low), min(slope, sampling / 2 - high)
    return (low - widths[0], high + widths[1]), widths


def _analytic(voltage, sampling, slopes):
    """(..., time) complex: the part that a filter with these `_slopes` passes."""
    count = voltage.shape[-1]
    # room behind the end, so that it does not come in at the start
    size = fft.next_fast_len(2 * count)
    spectrum = fft.fft(voltage, size, axis=-1)
    frequencies = fft.fftfreq(size, 1 / sampling)
    (low, high), widths = slopes
    # at half the sampling rate the slope may have no width
    up, down = (max(width, sampling / size) for width in widths)
    inside = np.minimum((frequencies - low) / up, (high - frequencies) / down)
    weight = 0.5 - 0.5 * np.cos(np.pi * np.clip(inside, 0, 1))
    return np.asarray(fft.ifft(2 * spectrum * weight, axis=-1))[..., :count]
