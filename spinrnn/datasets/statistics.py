"""A front end for sequences: a few numbers of each case in place of its points."""

import dataclasses

import numpy as np

from spinrnn.arrays import array_of
from spinrnn.config.features import STATISTICS, Feature, features_of
from spinrnn.datasets.dataset import Dataset
from spinrnn.errors import DataError, listed


def statistics(data: Dataset, features: str | None = None) -> Dataset:
    """The data with numbers of the cases in place of their points: inputs (case,
    feature, 1), float64, and no lengths.

    Of a channel x(t) over a case's length: `mean`; `deviation`, the square root of the
    mean of (x - mean)^2; `maximum` and `minimum` of x - mean; `jerk`, the mean of |x(t
    + 1) - x(t)|, 0 of a single point. All are in the channel's units; the jerk is of
    one input point.

    Args:
        features: which of them, as in "maximum 1, deviation gyro_z, jerk 1-3": a
            statistic and the name of a channel or its number, counted from 1; of "1-3"
            the mean over these channels. None: all of all channels.
    Raises:
        ConfigError: features is not written so; DataError: a channel is not there, or
            there is an answer at every point.
    """
    inputs = array_of(data.inputs, "inputs", missing=True)
    if inputs.ndim != 3:
        raise DataError(f"inputs: expected (case, channel, time), got the shape {inputs.shape}")
    if any(
        given is not None and given.ndim == wanted
        for given, wanted in ((data.labels, 2), (data.targets, 3))
    ):
        raise DataError(
            "features: there is an answer at every point, so points cannot be taken together"
        )
    wanted = _wanted(features, data, inputs.shape[1])
    found = _of_channels(inputs, data.lengths)
    columns = [
        found[feature.statistic][:, feature.first - 1 : feature.last].mean(axis=1)
        for feature in wanted
    ]
    names = tuple(_name(feature, data.channels) for feature in wanted)
    units = None if data.units is None else tuple(_unit(f, data.units) for f in wanted)
    numbers = np.stack(columns, axis=1)[:, :, None]
    return dataclasses.replace(data, inputs=numbers, lengths=None, channels=names, units=units)


def _wanted(features, data, channels):
    """`Feature`s with the numbers of their channels."""
    if features is None:
        pairs = [(name, k) for name in STATISTICS for k in range(1, channels + 1)]
        return [Feature(name, None, k, k) for name, k in pairs]
    found, names, problems = [], list(data.channels or ()), []
    for feature in features_of(features):
        if feature.channel is not None and feature.channel not in names:
            have = listed(names) if names else "without names; give their numbers, from 1"
            problems.append(f"no channel {feature.channel!r}; they are {have}")
        elif feature.channel is not None:
            place = names.index(feature.channel) + 1
            feature = feature._replace(first=place, last=place)
        elif feature.last > channels:
            problems.append(f"channel {feature.last} of {channels}; they count from 1")
        found.append(feature)
    if problems:
        raise DataError("features: " + "; ".join(problems))
    return found


def _of_channels(inputs, lengths):
    """{statistic: (case, channel)}; NaN of what is not finite before a case's end."""
    points = inputs.shape[2]
    ends = np.full(len(inputs), points) if lengths is None else np.asarray(lengths)
    there = np.arange(points) < ends[:, None, None]
    count = ends[:, None].astype(np.float64)
    x = np.where(there, inputs, 0.0).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = x.sum(axis=2) / count
        free = x - mean[:, :, None]
        squares = np.where(there, free**2, 0.0).sum(axis=2) / count
        steps = np.where(there[:, :, 1:], np.abs(np.diff(x, axis=2)), 0.0).sum(axis=2)
    return {
        "mean": mean,
        "deviation": np.sqrt(squares),
        "maximum": np.where(there, free, -np.inf).max(axis=2),
        "minimum": np.where(there, free, np.inf).min(axis=2),
        "jerk": steps / np.maximum(count - 1, 1),
    }


def _name(feature, channels):
    """Name of a feature: with that of its channel where there is one."""
    first, last = feature.first, feature.last
    if first == last:
        return f"{feature.statistic} {channels[first - 1] if channels else first}"
    return f"{feature.statistic} {first}-{last}"


def _unit(feature, units):
    """Unit of a feature: that of its channels, "" where these differ."""
    own = set(units[feature.first - 1 : feature.last])
    return own.pop() if len(own) == 1 else ""
