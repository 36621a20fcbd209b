"""What outputs should be, as the kernels take it: labels or values, at a case's end or
at every input point.
"""

from typing import Any

import numpy as np

from spinrnn.arrays import array_of
from spinrnn.config.run import NetworkConfig
from spinrnn.errors import DataError
from spinrnn.kernels.losses import Targets
from spinrnn.networks.inputs import checked_labels


def checked_targets(
    config: NetworkConfig,
    lengths: np.ndarray,
    points: int,
    labels: Any = None,
    values: Any = None,
    weights: Any = None,
) -> Targets:
    """`Targets` of cases with these lengths (case,) and inputs of so many points.

    Args:
        labels: (case,) whole numbers in [0, outputs), of a cross-entropy; where the
            network is read at points (case, point), less than 0 for no target.
        values: (case, K), of a mean squared error; where the network is read at points
            (case, K, point); NaN for no target.
        weights: (case,) of the cases' losses, from 0; None: all 1.
    Raises:
        DataError: they do not fit, or a case has no target.
    """
    cases, at_points = len(lengths), config.readout == "points"
    if (labels is None) == (values is None):
        raise DataError("targets: give either labels or targets")
    # what follows a case's end has no target
    read = int(lengths.max(initial=0)) if at_points else 1
    after = np.arange(read) >= lengths[:, None] if at_points else np.zeros((cases, 1), dtype=bool)
    none, no_values = np.empty((cases, 0), dtype=np.int64), np.empty((cases, 0, 0))
    own_weights = _checked_weights(weights, cases)
    if labels is not None:
        known = _labels_at(config, labels, cases, points, at_points)[:, :read]
        known = np.where(after, -1, known)
        _require_targets((known >= 0).any(axis=1))
        return Targets(np.ascontiguousarray(known), no_values, own_weights)
    known = _values_at(config, values, cases, points, at_points)[:, :, :read]
    known = np.where(after[:, None], np.nan, known)
    _require_targets(np.isfinite(known).any(axis=(1, 2)))
    return Targets(none, np.ascontiguousarray(known), own_weights)


def _labels_at(config, labels, cases, points, at_points):
    """(case, R) int64."""
    labels = array_of(labels, "labels")
    if not at_points and labels.ndim == 1:
        return checked_labels(config, labels, cases)[:, None]
    if not at_points:
        raise DataError(
            f"labels: expected {cases} whole numbers, one for each case; got {labels.dtype} of "
            f"shape {labels.shape}{_other_reading(labels.ndim - 1, at_points)}"
        )
    if labels.shape != (cases, points) or labels.dtype.kind not in "iu":
        raise DataError(
            f"labels: expected whole numbers of the shape {(cases, points)}, one for each input "
            f"point; got {labels.dtype} of shape {labels.shape}"
            f"{_other_reading(labels.ndim - 1, at_points)}"
        )
    if (labels >= config.outputs).any():
        case = int(np.flatnonzero((labels >= config.outputs).any(axis=1))[0])
        raise DataError(
            f"labels: must be below {config.outputs}, as network.outputs = {config.outputs}; got "
            f"{labels[case].max()} at case {case}"
        )
    return np.maximum(labels.astype(np.int64), -1)


def _values_at(config, values, cases, points, at_points):
    """(case, K, R) float64."""
    values = array_of(values, "targets")
    shape = (cases, config.outputs, *((points,) if at_points else ()))
    if values.shape != shape or values.dtype.kind not in "fiu":
        reading = f' of a network with readout = "{config.readout}"'
        raise DataError(
            f"targets: expected numbers of the shape {shape}{reading}; got {values.dtype} of "
            f"shape {values.shape}{_other_reading(values.ndim - 2, at_points)}"
        )
    values = values.astype(np.float64)
    if np.isinf(values).any():
        case = int(np.flatnonzero(np.isinf(values).reshape(cases, -1).any(axis=1))[0])
        raise DataError(f"targets: infinite in case {case}; NaN stands for no target")
    return values if at_points else values[:, :, None]


def _other_reading(axes, at_points):
    """What to do where there are answers at points and the network has one for each
    case, or the other way round; axes: of the answers, beyond those of one.
    """
    if axes == 1 and not at_points:
        return '; there is one at every point: set network.readout = "points"'
    if axes == 0 and at_points:
        return '; there is one for each case: set network.readout = "end"'
    return ""


def _checked_weights(weights, cases):
    if weights is None:
        return np.ones(cases)
    found = array_of(weights, "weights")
    if found.shape != (cases,) or found.dtype.kind not in "fiub":
        raise DataError(
            f"weights: expected {cases} numbers, one for each case; got {found.dtype} of shape "
            f"{found.shape}"
        )
    found = found.astype(np.float64)
    if not (np.isfinite(found).all() and (found >= 0).all()):
        raise DataError("weights: must be finite and not negative")
    return found


def _require_targets(known):
    if not len(known):
        raise DataError("labels: no cases, the mean loss is not defined")
    if not known.all():
        raise DataError(f"targets: case {int(np.argmin(known))} has none before its end")


def shaped(config: NetworkConfig, outputs: np.ndarray, lengths: np.ndarray, points: int):
    """Outputs (case, K, R) of the kernels as users see them: (case, K), or of a network
    that is read at points (case, K, point), NaN after a case's end.
    """
    if config.readout != "points":
        return outputs[:, :, 0]
    found = np.full((*outputs.shape[:2], points), np.nan, dtype=outputs.dtype)
    found[:, :, : outputs.shape[2]] = outputs
    found[np.broadcast_to((np.arange(points) >= lengths[:, None])[:, None], found.shape)] = np.nan
    return found
