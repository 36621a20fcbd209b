"""What the neurons of a layer do together: which are dead or saturated, how many dimensions their states fill, how hard they are driven, what it costs."""

import math
from dataclasses import dataclass

import numpy as np

from spinrnn.analysis.device import each_neuron
from spinrnn.analysis.powers import NEURON_POWER, SYNAPSE_POWER
from spinrnn.errors import DataError

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


@dataclass(frozen=True, eq=False)
class Dimension:
    """Effective dimension of the states.

    Attributes:
        dimension: participation ratio (sum v)^2 / (sum v^2) of the variances v along the principal axes, over all cases and times; from 1 to the number of
            neurons; NaN if nothing changes.
        variances: (neuron,) v, largest first.
        over_time: (time,) the same over the cases at each time, NaN where fewer than two are left or all are alike. Of n cases it is at most n - 1.
    """

    dimension: float
    variances: np.ndarray
    over_time: np.ndarray


@dataclass(frozen=True, eq=False)
class CumulativeDrive:
    """Mean over cases and input intervals of | integral over an interval of (I - I_rest) dt |, dimensionless.

    Attributes:
        value: mean over the neurons; neuron: (neuron,), NaN for a neuron without values.
    """

    value: float
    neuron: np.ndarray


@dataclass(frozen=True, eq=False)
class Energy:
    """Electrical energy of one case over time, for assumed powers.

    Attributes:
        time: (time,) s; neurons, synapses, total: (time,) J, spent until then.
        neuron_count, synapse_count; neuron_power, synapse_power: W, of one, as assumed.
    """

    time: np.ndarray
    neurons: np.ndarray
    synapses: np.ndarray
    total: np.ndarray
    neuron_count: int
    synapse_count: int
    neuron_power: float
    synapse_power: float


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


def effective_dimension(power):
    """How many dimensions the states of a layer fill.

    Args:
        power: (case, neuron, time); times of a case at which a neuron is NaN are left out.
    Returns:
        `Dimension`.
    Raises:
        DataError: fewer than two states.
    """
    power = np.asarray(power, dtype=np.float64)
    present = np.isfinite(power).all(axis=1)  # (case, time)
    states = power.transpose(0, 2, 1)[present]  # (state, neuron)
    if len(states) < 2:
        raise DataError("at least two states are needed, at which all neurons have values")
    variances = np.maximum(np.linalg.eigvalsh(np.atleast_2d(np.cov(states.T, bias=True)))[::-1], 0)
    over_time = np.full(power.shape[2], np.nan)
    for k in np.flatnonzero(present.sum(axis=0) > 1):
        x = power[present[:, k], :, k]
        x = x - x.mean(axis=0)
        product = x @ x.T if len(x) < x.shape[1] else x.T @ x
        over_time[k] = _participation(
            np.trace(product),
            (product**2).sum(),
            np.abs(power[present[:, k], :, k]).max() ** 2 * len(x),
        )
    dimension = _participation(variances.sum(), (variances**2).sum(), np.abs(states).max() ** 2)
    return Dimension(float(dimension), variances, over_time)


def _participation(total, squares, scale):
    """total^2 / squares, NaN where both are the rounding of single precision."""
    return total**2 / squares if total > 1e-13 * scale else np.nan


def drive_integrals(time, drive, interval, rest):
    """Cumulative drive, as `spinrnn.cumulative_drive` defines it, from a recording.

    Args:
        time: (time,) s; drive: (case, neuron, time - 1) in 1/s, time k's held until time k + 1, a case may end in NaN.
        interval: s, input interval, the first one from the first time on; rest: 1/s, drive without input, gamma xi_0, a number or
            (neuron,) where devices differ.
    Returns:
        `CumulativeDrive`.
    Raises:
        DataError: the recording is shorter than an interval, or holds no drive; rest is neither a number nor one for each neuron.
    """
    rest = each_neuron("rest", rest, drive)[:, None]
    elapsed = time - time[0]
    points = math.floor(elapsed[-1] / interval + 1e-6)  # rounding must not cost the last one
    if points < 1:
        raise DataError(
            f"the recording of {elapsed[-1]:.4g} s is shorter than an input interval of {interval:.4g} s"
        )
    integral = np.zeros((*drive.shape[:2], len(time)))
    np.cumsum(
        (np.asarray(drive, dtype=np.float64) - rest) * np.diff(time), axis=2, out=integral[:, :, 1:]
    )
    ends = np.minimum(interval * np.arange(points + 1), elapsed[-1])
    after = np.clip(np.searchsorted(elapsed, ends - 1e-6 * interval), 1, len(time) - 1)
    part = (ends - elapsed[after - 1]) / (elapsed[after] - elapsed[after - 1])
    # the integral is a straight line between times
    at_ends = integral[:, :, after - 1] * (1 - part)
    at_ends += np.where(part > 0, integral[:, :, after] * part, 0)
    values = np.abs(np.diff(at_ends, axis=2))
    present = np.isfinite(values)
    count = present.sum(axis=(0, 2)).astype(float)
    if not count.any():
        raise DataError("no case has a drive over a whole input interval")
    count[count == 0] = np.nan
    neuron = np.where(present, values, 0).sum(axis=(0, 2)) / count
    return CumulativeDrive(float(np.nanmean(neuron)), neuron)


def energy(time, neurons, synapses=0, neuron_power=NEURON_POWER, synapse_power=SYNAPSE_POWER):
    """Energy of one case, E = (n_neurons P_neuron + n_synapses P_synapse) t, as `spinrnn.inference_energy` has it. Never show it without its assumptions.

    Args:
        time: (time,) s; neurons, synapses: their numbers; neuron_power, synapse_power: W of one, the defaults are assumptions.
    Returns:
        `Energy`.
    Raises:
        DataError: a power is negative or not finite.
    """
    for name, power in (("neuron_power", neuron_power), ("synapse_power", synapse_power)):
        if not 0 <= power < math.inf:
            raise DataError(f"{name}: must be a power in watts from 0, got {power}")
    elapsed = np.asarray(time, dtype=np.float64) - time[0]
    parts = neurons * neuron_power * elapsed, synapses * synapse_power * elapsed
    return Energy(elapsed, *parts, sum(parts), neurons, synapses, neuron_power, synapse_power)
