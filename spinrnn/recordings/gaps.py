"""Gaps of a recording: steps in time far above its usual one, as lost samples leave."""

from typing import NamedTuple

import numpy as np

EVEN = 0.1
"""Of the usual step, up to which others are that one, too."""
MOST = 0.1
"""Share of other steps, from which on a recording is uneven by nature."""
LOST = 2.5
"""Times the usual step, from which on it is a gap: times that are rounded to few digits
have steps of one and of two."""


class Gaps(NamedTuple):
    """Gaps of a recording.

    Attributes:
        count: how many; after: number of the sample before the first.
        step: the first one; usual: median of all steps; both in the unit of the time.
    """

    count: int
    after: int
    step: float
    usual: float

    @property
    def times(self) -> float:
        """The first gap over the usual step."""
        return self.step / self.usual

    @property
    def least(self) -> float:
        """What steps are above that are gaps."""
        return LOST * self.usual


def gaps_of(time: np.ndarray) -> Gaps | None:
    """`Gaps` of increasing times (time,), NaN at the end only; None without one, or
    where most steps are not the same, as in logarithmic sampling or with jitter.
    """
    steps = np.diff(time[np.isfinite(time)])
    if len(steps) < 2:
        return None
    usual = float(np.median(steps))
    wide = np.flatnonzero(steps > LOST * usual)
    others = np.count_nonzero(np.abs(steps - usual) > EVEN * usual)
    if not wide.size or others > max(1, MOST * len(steps)):
        return None
    return Gaps(len(wide), int(wide[0]), float(steps[wide[0]]), usual)
