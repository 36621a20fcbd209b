"""The drive that a neuron receives over a sequence, summed."""

import math
from dataclasses import dataclass

import numpy as np

from spinrnn.analysis.plateaus import each_neuron
from spinrnn.errors import DataError

_BYTES = 64e6
"""Size of the trajectories kept at a time."""


def cumulative_drive(net, u, lengths=None):
    """Mean over cases, input points and neurons of | integral over one input interval of (I(t) - gamma xi_0) dt |, dimensionless.

    Name and reference value 1 are the paper's, the definition is ours: far below 1 a neuron cannot follow its input. In the CTRNN, which has no
    threshold, the argument of tanh takes the place of (I - gamma xi_0) / gamma. Of devices that differ xi_0 is each one's own fixed bias.

    Args:
        net: `Network`; u: (case, channel, time); lengths: (case,) input points of each case, or None, as in `Network.forward`.
    Returns:
        float.
    Raises:
        DataError: inputs do not fit, or there are none; DivergenceError: a state became infinite or NaN.
    """
    u, lengths = net.check_inputs(u, lengths)
    if not len(u):
        raise DataError("inputs: no cases, the cumulative drive is a mean over them")
    config = net.config
    substeps, neurons = config.resolved_substeps, sum(config.layers)
    if config.neuron == "oscillator":
        scale, bias = (
            config.input_interval / substeps,
            config.bias_ratio * config.input_interval / config.relaxation_time,
        )
    else:
        scale, bias = config.input_interval / config.relaxation_time / substeps, 0.0
    # a trajectory has four numbers for each case, neuron and substep, and `simulate` another four while it works
    cases = max(
        1, int(_BYTES / (8 * np.dtype(config.dtype).itemsize * neurons * u.shape[2] * substeps))
    )
    own = (
        [np.ones(n) for n in config.layers]
        if net.devices is None
        else net.devices.by_layer(config)["bias"]
    )
    total = 0.0
    for start in range(0, len(u), cases):
        part = slice(start, start + cases)
        for factor, drive in zip(
            own, net.simulate(u[part], lengths[part], start).drive, strict=True
        ):  # noise of its own for each part
            integral = (
                drive.reshape(*drive.shape[:2], -1, substeps).sum(axis=-1, dtype=np.float64) * scale
                - (bias * factor)[:, None]
            )
            total += float(np.nansum(np.abs(integral)))  # NaN after a case's own end
    return total / (int(lengths.sum()) * neurons)


@dataclass(frozen=True, eq=False)
class CumulativeDrive:
    """Mean over cases and input intervals of | integral over an interval of (I - I_rest) dt |, dimensionless.

    Attributes:
        value: mean over the neurons; neuron: (neuron,), NaN for a neuron without values.
    """

    value: float
    neuron: np.ndarray


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
