"""Forecasting: the inputs some points later, and the network running freely on its own
outputs.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from spinrnn.config.quantity import quantity
from spinrnn.errors import DataError
from spinrnn.tasks.regression import Regression


@dataclass(frozen=True)
class Forecasting(Regression):
    """The outputs are the inputs `horizon` points later; the loss is the mean squared
    error."""

    kind = "forecasting"
    horizon: int = quantity(1, about="points ahead", low=1)

    def prepared(self, data: Any) -> Any:
        """The data with their own later inputs as targets, where there are any."""
        if data.targets is not None:
            raise DataError(
                "task.kind: a forecasting makes its targets of the inputs; leave the targets out, "
                "or take a regression"
            )
        inputs = np.asarray(data.inputs, dtype=np.float64)
        points = inputs.shape[2]
        if points <= self.horizon:
            raise DataError(
                f"task.horizon: {self.horizon} points ahead of a series of {points}; it must be "
                "shorter"
            )
        targets = np.full(inputs.shape, np.nan)
        targets[:, :, : points - self.horizon] = inputs[:, :, self.horizon :]
        if data.lengths is not None:
            late = np.arange(points) >= np.asarray(data.lengths)[:, None] - self.horizon
            targets[np.broadcast_to(late[:, None], targets.shape)] = np.nan
        return dataclasses.replace(data, labels=None, targets=targets)

    def named(self, known: Any) -> tuple[str, ...] | None:
        """The outputs are the channels, later."""
        return known.channels


def free_run(net: Any, start: np.ndarray, points: int) -> np.ndarray:
    """(case, channel, points) that a network trained with horizon 1 says when it reads
    its own outputs.

    Args:
        net: `Network` read at points, with as many outputs as inputs.
        start: (case, channel, time) inputs before the free run.
    Raises:
        DataError: outputs and inputs differ in number, or start does not fit.
    """
    if not isinstance(points, int) or points < 1:
        raise DataError(f"points: must be a whole number of at least 1, got {points!r}")
    if net.config.outputs != net.config.inputs:
        raise DataError(
            f"free run: {net.config.outputs} outputs cannot be the {net.config.inputs} inputs"
        )
    start = np.asarray(start)
    if start.ndim != 3 or not start.shape[2]:
        raise DataError(
            "start: must have the axes (case, channel, time) and at least one point; got the shape "
            f"{start.shape}"
        )
    stream, found = net.stream(cases=len(start)), []
    for t in range(start.shape[2]):
        output = stream(start[:, :, t])
    for _ in range(points):
        found.append(output)
        output = stream(output)
    return np.stack(found, axis=2)


def valid_time(outputs: np.ndarray, truth: np.ndarray, bound: float = 0.4) -> np.ndarray:
    """(case,) points until a free run's error first exceeds a bound.

    The error is the root of the mean over channels of squares, over that of the truth's
    deviations from its mean (Pathak et al. 2018, Phys. Rev. Lett. 120, 024102); so long
    as it does not, all points.

    Args:
        outputs, truth: (case, channel, points).
    """
    outputs, truth = np.asarray(outputs), np.asarray(truth)
    if outputs.shape != truth.shape or truth.ndim != 3:
        raise DataError(
            "outputs, truth: must have the same shape (case, channel, points); got "
            f"{outputs.shape} and {truth.shape}"
        )
    deviation = truth - truth.mean(axis=2, keepdims=True)
    size = np.sqrt((deviation**2).mean(axis=(1, 2)))
    error = np.sqrt(((outputs - truth) ** 2).mean(axis=1)) / size[:, None]
    # a NaN is beyond any bound
    beyond = ~(error <= bound)
    return np.where(beyond.any(axis=1), beyond.argmax(axis=1), truth.shape[2])
