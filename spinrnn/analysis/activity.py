"""What the neurons of a layer do together: which are dead or saturated, how many dimensions their states fill, how hard they are driven, what it costs."""

from dataclasses import dataclass

import numpy as np

DEAD, SATURATED = 0.01, 0.9
"""Powers [ours]. With Q = 0 the slope of p* against xi is (1 - p*)^2: at 0.9 a hundredth of what it is at threshold."""
SHARE = 0.99
"""Of the times, for which a neuron must be there."""
STILL = 1e-3
"""Standard deviation of the power, below which a neuron tells nothing [ours]."""


@dataclass(frozen=True, eq=False)
class Activity:
    """What each neuron does over all cases and times; arrays (neuron,).

    Attributes:
        mean, deviation: of the power, dimensionless; NaN for a neuron without values.
        below, above: shares of the times with a power below `DEAD` and above `SATURATED`, or what was given for them.
        dead, saturated: bool, there for at least `SHARE` of the times; still: bool, the deviation is below `STILL`.
        low, high: the two powers.
    """

    mean: np.ndarray
    deviation: np.ndarray
    below: np.ndarray
    above: np.ndarray
    dead: np.ndarray
    saturated: np.ndarray
    still: np.ndarray
    low: float
    high: float


def neuron_activity(power, low=DEAD, high=SATURATED):
    """Dead and saturated neurons.

    Args:
        power: (case, neuron, time), NaN where there is none (of a CTRNN the magnitude of its states); low, high: powers below and above which a neuron counts.
    Returns:
        `Activity`.
    """
    power = np.asarray(power, dtype=np.float64)
    present = np.isfinite(power)
    count = present.sum(axis=(0, 2)).astype(float)
    count[count == 0] = np.nan
    mean = np.where(present, power, 0).sum(axis=(0, 2)) / count
    deviation = np.sqrt((np.where(present, power - mean[:, None], 0) ** 2).sum(axis=(0, 2)) / count)
    below, above = ((hit & present).sum(axis=(0, 2)) / count for hit in (power < low, power > high))
    return Activity(
        mean, deviation, below, above, below >= SHARE, above >= SHARE, deviation < STILL, low, high
    )
