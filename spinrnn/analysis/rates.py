"""Rates at which devices relax after steps of the drive, with thermal noise.

Each response has a growth a, a crowding c and a first power of its own, so no threshold
is needed; the noises of readout and device are those of all responses of a device, as
one alone rarely tells them apart. The rate is |a|.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spinrnn.analysis.intervals import estimate
from spinrnn.analysis.likelihood import EXACT, most_likely, responses_of

SMALLEST = 1e-12
"""Powers and crowdings that are begun with, over their largest."""


@dataclass(frozen=True)
class _Rates:
    """log D and log R of all responses; a over its scale, log c, log first power."""

    scale: np.ndarray
    least: float

    def own(self, shared, private):
        noise, readout = np.exp(shared)
        count = len(private)
        numbers = np.empty((count, 5))
        numbers[:, 0] = self.scale * private[:, 0]
        numbers[:, 1], numbers[:, 4] = np.exp(private[:, 1:]).T
        numbers[:, 2:4] = noise, readout
        by = np.zeros((count, 5, 2))
        by[:, 2, 0], by[:, 3, 1] = noise, readout
        own = np.zeros((count, 5, 3))
        own[:, 0, 0] = self.scale
        own[:, 1, 1], own[:, 4, 2] = numbers[:, 1], numbers[:, 4]
        return numbers, by, own

    def within(self, shared, private):
        shared[1] = max(shared[1], self.least)
        limits = np.array([1e4, 30, 0.5])
        return shared, np.clip(private, [-1e4, -30, -40], limits)


def rates_of(
    parts: Sequence[tuple[float, np.ndarray, np.ndarray]],
    starts: np.ndarray,
    confidence: float,
) -> np.ndarray | None:
    """Fits responses of one device.

    Args:
        parts: (drive, times in s from the step on, powers) of each response.
        starts: (response, 3) a and c in 1/s and first power, to begin with.
        confidence: of the intervals.
    Returns:
        (response, 5) |a|, low and high end of its interval (1/s), first power and that
        it tends to; None where the fit fails.
    """
    responses = responses_of(parts)
    highest = float(np.abs(responses.powers).max())
    growth = responses.unit * starts[:, 0]
    scale = np.maximum(np.abs(growth), 0.3 / responses.span)
    model = _Rates(scale, 2 * np.log(EXACT * highest + 1e-150))
    crowding = responses.unit * np.abs(starts[:, 1])
    private = np.stack(
        [
            growth / scale,
            np.log(np.maximum(crowding, 1e-3 * scale)),
            np.log(np.maximum(np.abs(starts[:, 2]), SMALLEST * highest)),
        ],
        axis=1,
    )
    shared = np.array([-np.inf, np.log(1e-4 * highest**2)])
    start = most_likely(responses, model, shared, private)
    if start is None:
        return None
    found = estimate(responses, model, start, float(np.median(scale)), confidence)
    return _rows(found, scale, responses.unit)


def _rows(found, scale, unit):
    """The numbers of `rates_of`, of an estimate."""
    middle, low, high = (
        scale / unit * values[:, 0]
        for values in (found.fit.private, found.private_low, found.private_high)
    )
    falls = middle < 0
    low, high = np.where(falls, -high, low), np.where(falls, -low, high)
    crowding, first = np.exp(found.fit.private[:, 1:]).T
    last = np.where(falls, 0.0, middle * unit / crowding)
    return np.stack([np.abs(middle), low, high, first, last], axis=1)
