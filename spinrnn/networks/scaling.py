"""Scaling of what a network reads and says, channel by channel: found on a training
part, kept with the network, which applies it itself.

A network computes with numbers of order 1. With a scaling it reads (u - mean) /
deviation of each input channel; its outputs are multiplied with the deviations of the
targets, and their means are added.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from spinrnn.arrays import array_of
from spinrnn.config.run import NetworkConfig
from spinrnn.errors import DataError

PREFIX = "scaling/"
"""Of the arrays of a scaling in files."""
ROUNDING = 8
"""A deviation of so many roundings of the mean is that of a constant."""


@dataclass(frozen=True, eq=False)
class Scaling:
    """Means and deviations, in the units of the data.

    Attributes:
        input_mean, input_deviation: (channel,); a channel that is constant has the
            deviation 1.
        output_mean, output_deviation: (K,) of the targets; None where outputs are said
            as they are, as logits.
    Raises:
        DataError: they are not finite, a deviation is not positive, or one of two is
            missing.
    """

    input_mean: np.ndarray
    input_deviation: np.ndarray
    output_mean: np.ndarray | None = None
    output_deviation: np.ndarray | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None:
                array = array_of(value, f"scaling: {field.name}")
                if array.dtype.kind not in "fiub":
                    raise DataError(f"scaling: {field.name} must be numbers, got {array.dtype}")
                array = np.atleast_1d(array).astype(np.float64)
                object.__setattr__(self, field.name, array)
        for name in ("input", "output"):
            mean, deviation = getattr(self, f"{name}_mean"), getattr(self, f"{name}_deviation")
            problem = _problem(mean, deviation, optional=name == "output")
            if problem:
                raise DataError(f"scaling of the {name}s: {problem}")

    @classmethod
    def neutral(cls, config: NetworkConfig) -> "Scaling":
        """One that changes no input."""
        return cls(np.zeros(config.inputs), np.ones(config.inputs))

    @property
    def of_outputs(self) -> bool:
        """Whether outputs are scaled too."""
        return self.output_mean is not None

    def read(self, u: np.ndarray) -> np.ndarray:
        """Inputs (case, channel, ...) of the data as the network computes with them,
        float64.
        """
        return _scaled(u, self.input_mean, self.input_deviation)

    def said(self, outputs: np.ndarray) -> np.ndarray:
        """Outputs (case, K, ...) of the network in the targets' units: float64, since
        float32 would round them away where a mean is large; in their own dtype where
        outputs are not scaled.
        """
        if self.output_mean is None or self.output_deviation is None:
            return outputs
        shape = (-1,) + (1,) * (outputs.ndim - 2)
        mean, deviation = self.output_mean.reshape(shape), self.output_deviation.reshape(shape)
        return outputs.astype(np.float64) * deviation + mean

    def wanted(self, values: np.ndarray) -> np.ndarray:
        """Targets (case, K, ...) as the network's own outputs should be; the inverse of
        `said`.
        """
        if self.output_mean is None or self.output_deviation is None:
            return values
        return _scaled(values, self.output_mean, self.output_deviation)

    def named(self) -> dict[str, np.ndarray]:
        """{name in files: array}."""
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        return {f"{PREFIX}{name}": array for name, array in own.items() if array is not None}


def _problem(mean, deviation, optional):
    """What is wrong with a mean and its deviation, or an empty text."""
    if mean is None and deviation is None and optional:
        return ""
    if mean is None or deviation is None or mean.shape != deviation.shape or mean.ndim != 1:
        return "give a mean and a deviation for each"
    if not (np.isfinite(mean).all() and np.isfinite(deviation).all()):
        return "a mean or a deviation is not finite"
    return "" if (deviation > 0).all() else "a deviation is not positive"


def _scaled(values, mean, deviation):
    shape = (-1,) + (1,) * (np.ndim(values) - 2)
    return (values - mean.reshape(shape)) / deviation.reshape(shape)


def check_scaling(scaling: Any, config: NetworkConfig) -> None:
    """DataError unless it is a `Scaling` of such a network, or None."""
    if scaling is None:
        return
    if not isinstance(scaling, Scaling):
        raise DataError(f"scaling: must be a spinrnn.Scaling or None, got {scaling!r}")
    pairs = {"inputs": scaling.input_mean, "outputs": scaling.output_mean}
    for name, mean in pairs.items():
        wanted = getattr(config, name)
        if mean is not None and len(mean) != wanted:
            raise DataError(f"scaling: has {len(mean)} {name}, the network has {wanted}")


def scaling_of(arrays: dict[str, np.ndarray], config: NetworkConfig) -> Scaling | None:
    """The `Scaling` of arrays by the names of its fields, None where there are none.

    Raises:
        DataError: it does not fit the network.
    """
    if not arrays:
        return None
    try:
        scaling = Scaling(**arrays)
    except TypeError:
        raise DataError("scaling of the inputs: a mean or a deviation is missing") from None
    check_scaling(scaling, config)
    return scaling


# ---- found on data ----


def standard(inputs: np.ndarray, lengths: Any = None, targets: Any = None) -> Scaling:
    """`Scaling` by means and deviations over cases and points.

    Args:
        inputs: (case, channel, time), finite up to each case's length; lengths: (case,)
            or None; what follows a case's length does not count.
        targets: (case, K, R), NaN where there is none; None: outputs are not scaled.
    """
    inputs = np.asarray(inputs)
    there = np.ones((len(inputs), inputs.shape[2]), dtype=bool)
    if lengths is not None:
        there = np.arange(inputs.shape[2]) < np.asarray(lengths)[:, None]
    means, deviations = _moments([inputs[:, c][there] for c in range(inputs.shape[1])])
    if targets is None:
        return Scaling(means, deviations)
    own = [targets[:, k][~np.isnan(targets[:, k])] for k in range(targets.shape[1])]
    return Scaling(means, deviations, *_moments(own))


def _moments(channels):
    """Means and deviations (n,) of arrays of numbers; of a constant the deviation 1."""
    found = [_moment(np.asarray(values, dtype=np.float64)) for values in channels]
    means, deviations = np.array(found, dtype=np.float64).reshape(-1, 2).T
    return means, deviations


def _moment(values):
    if not len(values):
        return 0.0, 1.0
    # squares of large numbers could overflow, those of small ones vanish
    largest = float(np.abs(values).max()) or 1.0
    relative = values / largest
    mean, deviation = float(relative.mean()), float(relative.std())
    constant = deviation <= ROUNDING * np.finfo(np.float64).eps
    return mean * largest, 1.0 if constant else deviation * largest
