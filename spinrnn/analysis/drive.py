"""The cumulative drive: what a neuron receives within one input interval.

| integral over an interval of (I - I_rest) dt |, dimensionless, and its means. Name and
reference value 1 are the paper's, the definition is ours: far below 1 a neuron cannot
follow its input.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from spinrnn.analysis.answer import Answer, Settings, table_of_layers
from spinrnn.analysis.plateaus import each_neuron
from spinrnn.arrays import array_of
from spinrnn.errors import DataError
from spinrnn.networks.driving import drive_sums
from spinrnn.recordings.recording import Recording


@dataclass(frozen=True, eq=False)
class CumulativeDrive:
    """Mean over cases and input intervals of the cumulative drive, dimensionless.

    Attributes:
        value: mean over the neurons; neuron: (neuron,), NaN for a neuron without
            values.
    """

    value: float
    neuron: np.ndarray


# ---- of a network ----


def cumulative_drive(net: Any, u: np.ndarray, lengths: np.ndarray | None = None) -> float:
    """Mean cumulative drive over cases, input points and neurons, dimensionless.

    The drive at rest is gamma xi_0; of devices that differ each one's own fixed bias.
    In the CTRNN, which has no threshold, the argument of tanh takes the place of
    (I - gamma xi_0) / gamma.

    Args:
        net: `Network` that is simulated; u: (case, channel, time).
        lengths: (case,) input points of each case, or None, as in `Network.forward`.
    Raises:
        DataError: inputs do not fit, or there are none; DivergenceError: a state became
        infinite or NaN.
    """
    points, neurons, total = net.check_inputs(u, lengths)[1], sum(net.config.layers), 0.0
    # added one by one, as `sum` of newer Pythons has other bits
    for _, part in drive_sums(net, u, lengths):
        total += part
    return total / (int(points.sum()) * neurons)


# ---- of a recording ----


def drive_integrals(
    time: np.ndarray, drive: np.ndarray, interval: float, rest: float | np.ndarray
) -> CumulativeDrive:
    """Cumulative drive of each neuron of a recording.

    Args:
        time: (time,) s.
        drive: (case, neuron, time - 1) in 1/s, time k's held until time k + 1, a case
            may end in NaN.
        interval: s, input interval, the first one from the first time on.
        rest: 1/s, drive without input, gamma xi_0, a number or (neuron,) where devices
            differ.
    Raises:
        DataError: the recording is shorter than an interval, or holds no drive; rest is
        neither a number nor one for each neuron.
    """
    time, drive = array_of(time, "time"), array_of(drive, "drive", missing=True)
    rest = each_neuron("rest", rest, drive)[:, None]
    elapsed = time - time[0]
    # rounding must not cost the last interval
    points = math.floor(elapsed[-1] / interval + 1e-6)
    if points < 1:
        raise DataError(
            f"the recording of {elapsed[-1]:.4g} s is shorter than an input interval of "
            f"{interval:.4g} s"
        )
    values = np.abs(np.diff(_at_ends(time, drive, interval, rest, points), axis=2))
    present = np.isfinite(values)
    count = present.sum(axis=(0, 2)).astype(float)
    if not count.any():
        raise DataError("no case has a drive over a whole input interval")
    count[count == 0] = np.nan
    neuron = np.where(present, values, 0).sum(axis=(0, 2)) / count
    return CumulativeDrive(float(np.nanmean(neuron)), neuron)


def _at_ends(time, drive, interval, rest, points):
    """(case, neuron, points + 1) integral of drive - rest up to the ends of the
    intervals.

    It is a straight line between the times, within which an interval may end.
    """
    elapsed = time - time[0]
    integral = np.zeros((*drive.shape[:2], len(time)))
    steps = (np.asarray(drive, dtype=np.float64) - rest) * np.diff(time)
    np.cumsum(steps, axis=2, out=integral[:, :, 1:])
    ends = np.minimum(interval * np.arange(points + 1), elapsed[-1])
    after = np.searchsorted(elapsed, ends - 1e-6 * interval)
    after = np.clip(after, 1, len(elapsed) - 1)
    part = (ends - elapsed[after - 1]) / (elapsed[after] - elapsed[after - 1])
    at_ends = integral[:, :, after - 1] * (1 - part)
    # 0 times NaN is NaN: what follows an end must not count where the end is on a time
    at_ends += np.where(part > 0, integral[:, :, after] * part, 0)
    return at_ends


def _of_layer(recording, layer, interval):
    """`CumulativeDrive` of a layer; the drive of a CTRNN is without a unit and without
    rest."""
    drives, rest = recording.drives(layer), recording.rests(layer)
    if not recording.kind_of(layer).rate_driven():
        times = recording.relaxation_times(layer)
        if times is None:
            raise DataError(
                f"it needs a relaxation time of layer {layer}: the {recording.kind_of(layer).name} "
                "has none"
            )
        # of devices that differ one for each neuron
        drives, rest = drives / (times if np.ndim(times) == 0 else times[:, None]), 0.0
    return drive_integrals(recording.time, drives, interval, rest)


def measure_drive(recording: Recording, settings: Settings) -> Answer:
    """Cumulative drive."""
    if recording.input_interval is None:
        raise DataError("it needs the input interval (--input-interval)")
    if any(
        recording.kind_of(k).rate_driven() and recording.rests(k) is None for k in recording.layers
    ):
        raise DataError(
            "it needs the drive at rest: the relaxation time and bias_ratio, the supercriticality "
            "without input"
        )
    found = {
        f"layer {k}": _of_layer(recording, k, recording.input_interval) for k in recording.layers
    }
    lines = [
        f"{name}: {d.value:.4g}, neurons from {np.nanmin(d.neuron):.3g} to "
        f"{np.nanmax(d.neuron):.3g}"
        for name, d in found.items()
    ]
    mean = float(np.nanmean(np.concatenate([d.neuron for d in found.values()])))
    lines.append(f"all: {mean:.4g}; far below 1 a neuron cannot follow its input")
    columns = [
        {"neuron": np.arange(len(d.neuron)), "cumulative_drive": d.neuron} for d in found.values()
    ]
    numbers = {
        "layers": (recording.layers, "1", "numbers of the layers, in the order of the lists"),
        "cumulative_drive": ([d.value for d in found.values()], "1", "mean over the neurons"),
        "cumulative_drive_of_all": (mean, "1", "mean over the neurons of all layers"),
    }
    return Answer(table_of_layers(recording.layers, columns), lines, numbers, (found,))
