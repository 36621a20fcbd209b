"""Regression: numbers at the end of each case, or at every input point."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spinrnn.config.quantity import quantity
from spinrnn.errors import DataError
from spinrnn.tasks.protocol import Evaluation, Score, Task


@dataclass(frozen=True)
class Regression(Task):
    """The outputs are numbers; the loss is the mean squared error."""

    kind = "regression"
    scores = (
        Score("loss", "1", "mean squared error", "low"),
        Score("nrmse", "1", "root of the mean squared error over the target's variance", "low"),
        Score("r2", "1", "coefficient of determination, 1 - nrmse^2"),
        Score("smape", "1", "mean of 2 |o - y| / (|o| + |y|), 0 to 2", "low"),
    )
    chooses = "loss"
    labelled = False
    washout: int = quantity(0, about="points at a case's start without a target", low=0)
    window: int = quantity(
        200, about="points of a training case that is cut out of one series", low=1
    )

    def prepared(self, data: Any) -> Any:
        """The data, whose targets must be there."""
        if data.targets is None:
            raise DataError(
                f"task.kind: a {self.kind} needs targets, (case, output) or (case, output, time); "
                "these data have none; name columns of a table, as in --targets y "
                '(data.targets = "y")'
            )
        return data

    def sizes(self, data: Any) -> dict[str, Any]:
        targets = np.asarray(data.targets)
        reading = {"readout": "points"} if targets.ndim == 3 else {}
        return {"inputs": np.shape(data.inputs)[1], "outputs": targets.shape[1], **reading}

    def wanted(self, data: Any, outputs: int) -> np.ndarray:
        """The targets, those of the first `washout` points left out."""
        values = np.array(data.targets, dtype=np.float64)
        if values.ndim == 3:
            there = np.isfinite(values).any(axis=(1, 2))
            values[:, :, : self.washout] = np.nan
            lost = np.flatnonzero(there & ~np.isfinite(values).any(axis=(1, 2)))
            if len(lost):
                raise DataError(
                    f"task.washout: the first {self.washout} points do not count, which leaves no "
                    f"target of case {lost[0]}, of {values.shape[2]} points; take fewer"
                )
        return values

    def targets(self, net: Any, data: Any) -> Any:
        """Values (case, K, R), as of `wanted`."""
        return net.targets(data, values=self.wanted(data, net.config.outputs))

    def evaluation(self, outputs: np.ndarray, targets: Any) -> Evaluation:
        return Evaluation(errors_of(outputs, targets.values), {})


def errors_of(outputs: np.ndarray, values: np.ndarray) -> dict[str, float]:
    """The scores of outputs (case, K) or (case, K, R) against values (case, K, R), NaN
    where there is none.

    The variance is that of each output's targets about their mean over all that are
    there; several outputs are summed (Jaeger 2001, GMD report 148, for one output). It
    is 0 for a constant target: then nrmse is infinite and r2 is minus infinity, unless
    the error is 0 too.
    """
    outputs = outputs.reshape(*outputs.shape[:2], -1)[:, :, : values.shape[2]]
    known = ~np.isnan(values)
    error = np.where(known, outputs - values, 0.0)
    count = known.sum(axis=(0, 2))
    mean = np.where(known, values, 0.0).sum(axis=(0, 2)) / np.maximum(count, 1)
    deviation = np.where(known, values - mean[:, None], 0.0)
    squares, variance = float((error**2).sum()), float((deviation**2).sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        nmse = np.float64(squares) / variance if squares or variance else np.float64(0)
        sizes = np.abs(outputs) + np.abs(values)
        relative = np.where(known & (sizes > 0), 2 * np.abs(error) / sizes, 0.0)
    # the loss is a mean over cases of their own means, as in training
    own = known.sum(axis=(1, 2))
    loss = float(((error**2).sum(axis=(1, 2)) / np.maximum(own, 1)).mean())
    return {
        "loss": loss,
        "nrmse": float(np.sqrt(nmse)),
        "r2": float(1 - nmse),
        "smape": float(relative.sum() / known.sum()),
    }
