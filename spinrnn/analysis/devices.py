"""Threshold, nonlinear damping and relaxation rate of a device from its whole responses
to steps of the drive, settled or not.

With xi = drive / threshold, eq. (1) under a constant drive has the growth a = gamma
(xi - 1) and the crowding c = gamma (xi + Q) of eq. (5), docs/MODEL.md. gamma is fitted
apart from the threshold, so the drive may have any unit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spinrnn.analysis.answer import Settings, each_device, evenly
from spinrnn.analysis.intervals import Estimate, estimate
from spinrnn.analysis.likelihood import EXACT, Fit, most_likely, responses_of
from spinrnn.analysis.plateaus import fewer, fitting_arrays, plateaus_of, stretches, unshared
from spinrnn.errors import DataError
from spinrnn.recordings.recording import Recording

LARGEST = 0.3
"""Standard error of log threshold, and of log gamma, beyond which a recording does not
determine it: the interval would rest on a parabola that is none [ours]."""
SLOW = 2.0
"""Relaxation rate times the time between two samples beyond which nothing is seen of a
relaxation [ours]."""
LEAST = 1e-17
"""Smallest power at a step."""
FEWEST = 64
"""Samples of a response that are kept, whatever their number."""
GUESSES = (1.0, 10.0, 0.1)
"""Relaxation rates to begin with, over the threshold."""


@dataclass(frozen=True)
class _Threshold:
    """log threshold, log (1 + Q), log gamma of all; log first power of each."""

    drive: np.ndarray
    fastest: float
    least: float

    def own(self, shared, private):
        threshold, above, gamma, noise, readout = np.exp(shared)
        xi = self.drive / threshold
        numbers = np.empty((len(xi), 5))
        numbers[:, 0] = gamma * (xi - 1)
        numbers[:, 1] = gamma * (xi + above - 1)
        numbers[:, 2:4] = noise, readout
        numbers[:, 4] = np.exp(private[:, 0])
        by = np.zeros((len(xi), 5, 5))
        by[:, :2, 0] = -gamma * xi[:, None]
        by[:, 1, 1] = gamma * above
        by[:, :2, 2] = numbers[:, :2]
        by[:, 2, 3], by[:, 3, 4] = noise, readout
        own = np.zeros((len(xi), 5, 1))
        own[:, 4, 0] = numbers[:, 4]
        return numbers, by, own

    def within(self, shared, private):
        shared[:2] = np.clip(shared[:2], [-30, -7], [30, 7])
        shared[2] = np.clip(shared[2], -30, self.fastest)
        shared[4] = max(shared[4], self.least)
        return shared, np.clip(private, np.log(LEAST), np.log(1.5))


@dataclass(frozen=True, eq=False)
class Device:
    """What responses say of a device; each with `_low` and `_high`, NaN where the
    recording does not determine it.

    Attributes:
        threshold: in the unit of the drive; nonlinear_damping: Q; relaxation_rate:
            gamma, 1/s.
        thermal_power: eta, 0 where none is seen; readout: standard deviation of the
            readout's noise.
        confidence: of the intervals; reason: why an interval is missing, or "".
    """

    threshold: float
    threshold_low: float
    threshold_high: float
    nonlinear_damping: float
    nonlinear_damping_low: float
    nonlinear_damping_high: float
    relaxation_rate: float
    relaxation_rate_low: float
    relaxation_rate_high: float
    thermal_power: float
    readout: float
    confidence: float
    reason: str


def device_of(
    parts: Sequence[tuple[float, np.ndarray, np.ndarray]], confidence: float = 0.95
) -> Device:
    """Fits the responses of one device.

    Args:
        parts: (drive, times in s from the step on, powers) of each response.
        confidence: of the intervals.
    Raises:
        DataError: no threshold describes them.
    """
    responses = responses_of(parts)
    highest = float(np.abs(responses.powers).max())
    shortest = responses.steps[responses.steps > 0].min()
    model = _Threshold(
        responses.drive, np.log(1e3 / shortest), 2 * np.log(EXACT * highest + 1e-150)
    )
    start = _quiet(responses, model, highest)
    found = estimate(responses, model, start, float(np.exp(start.shared[2])), confidence)
    seen = found.fit.shared[2] + np.log(shortest) < np.log(SLOW)
    return _device(found, responses.unit, confidence, seen)


def _quiet(responses, model, highest):
    """The best fit without thermal noise."""
    private = np.log(np.maximum(responses.first, 0.02 * highest))[:, None]
    best: Fit | None = None
    threshold = _guess(responses)
    for factor in (*GUESSES, 3 / (responses.steps[1] * threshold)):
        gamma = np.log(factor * threshold)
        variance = np.log(0.01 * highest**2)
        shared = np.array([np.log(threshold), np.log(1.5), gamma, -np.inf, variance])
        fit = most_likely(responses, model, shared, private)
        if fit is not None and (best is None or fit.value < best.value):
            best = fit
    if best is None:
        raise DataError("no threshold describes these responses; are the powers normalised?")
    return best


def _guess(responses):
    """Threshold to begin with: as if Q were 0 at the lowest drive that ends with
    power."""
    last = responses.powers[responses.edges[1:] - 1]
    ends = [
        responses.powers[stop - max(2, (stop - start) // 4) : stop].mean()
        for start, stop in zip(responses.edges[:-1], responses.edges[1:], strict=True)
    ]
    ends = np.array(ends)
    high = ends > 0.1 * max(ends.max(), last.max() * 1e-3)
    each = responses.drive[high] * (1 - np.clip(ends[high], 0, 0.9))
    each = each[each > 0]
    return float(np.median(each)) if len(each) else float(np.abs(responses.drive).max()) / 2


def _device(found: Estimate, unit: float, confidence: float, seen: bool) -> Device:
    """`Device` of an estimate in units of time."""
    middle, low, high = found.fit.shared, found.shared_low, found.shared_high
    lacks = []
    ends = np.stack([middle, low, high])[:, :3]
    names = ("the threshold", "Q", "the relaxation rate")
    for k, name in enumerate(names):
        if not found.fit.shared_error[k] < LARGEST or (k == 2 and not seen):
            ends[1:, k] = np.nan
            lacks.append(name)
    with np.errstate(over="ignore"):
        threshold, above, gamma = np.exp(ends).T
    reason = f"the recording does not determine {' and '.join(lacks)}" if lacks else ""
    if found.noisy and seen:
        # with readout noise of 0.02 and short plateaus it held the truth in 50 of 60
        gamma[1:] = np.nan
        reason += "; " if reason else ""
        reason += "with thermal noise the interval of the relaxation rate would be too narrow"
    return Device(
        *(threshold / unit).tolist(),
        *(above - 1).tolist(),
        *(gamma / unit).tolist(),
        thermal_power=float(2 * np.exp(middle[3] - middle[2])) if found.noisy else 0.0,
        readout=float(np.exp(middle[4] / 2)),
        confidence=confidence,
        reason=reason,
    )


# ---- the responses of a recording ----


@dataclass(frozen=True, eq=False)
class Steps:
    """Responses of many devices; arrays (step,).

    Attributes:
        case, neuron: from 0; drive: 1/s.
        times: s from the step on, powers: measured, an array for each.
    """

    case: np.ndarray
    neuron: np.ndarray
    drive: np.ndarray
    times: np.ndarray
    powers: np.ndarray

    def parts(self, chosen: np.ndarray, most: int) -> list[tuple[float, np.ndarray, np.ndarray]]:
        """The arguments of `device_of`; of more than so many samples fewer of each."""
        numbers = np.flatnonzero(chosen)
        samples = sum(len(self.powers[k]) for k in numbers)
        each = max(FEWEST, most // len(numbers)) if samples > most else samples
        found = []
        for k in numbers:
            kept = fewer(len(self.powers[k]), each)
            found.append((self.drive[k], self.times[k][kept], self.powers[k][kept]))
        return found


def responses_of_layers(recording: Recording, settings: Settings) -> tuple[Steps, np.ndarray]:
    """(`Steps` of all layers of devices with a threshold, (step,) layer of each)."""

    def check(layer):
        kind = recording.kind_of(layer)
        if not kind.threshold:
            raise DataError(f"the {kind.name} has no threshold")
        return {}

    return each_device(recording, _steps, settings, check)


def _steps(time, power, drive, relaxation_time, tolerance, most=400):
    """`Steps` after those of the drive; evenly chosen ones of more than so many of a
    device."""
    time, power, drive = fitting_arrays(time, power, drive)
    plateaus = plateaus_of(drive, tolerance)
    chosen = evenly(len(plateaus), most * power.shape[1])
    rows, times, powers = [], [], []
    for k, t, p in stretches(time, power, plateaus, chosen):
        count = len(t) - unshared(plateaus, k)
        rows.append((plateaus.case[k], plateaus.neuron[k], plateaus.drive[k]))
        times.append(t[:count])
        powers.append(p[:count])
    case, neuron, levels = np.array(rows).reshape(-1, 3).T
    return Steps(case.astype(int), neuron.astype(int), levels, _objects(times), _objects(powers))


def _objects(arrays):
    """One array that holds others of any length."""
    found = np.empty(len(arrays), dtype=object)
    found[:] = arrays
    return found
