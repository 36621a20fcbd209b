"""What a network is given - inputs, lengths, labels - checked against its
configuration.
"""

import numpy as np

from spinrnn.arrays import array_of
from spinrnn.config.run import NetworkConfig
from spinrnn.errors import DataError


def checked_inputs(
    config: NetworkConfig, u, lengths=None, scan: bool = True, dtype: str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (case, channel, time) in the network's dtype and lengths (case,) int64.

    What follows a case's end is zero in the result, whatever it was.

    Args:
        scan: False where the inputs are known to be finite.
        dtype: of the result; None: the network's.
    Raises:
        DataError: they do not fit the network, or are not finite before a case's end.
    """
    # what is masked is NaN from here on, so it may stand behind a case's end
    u, dtype = array_of(u, "inputs", missing=True), dtype or config.dtype
    _check_shape(config, u)
    samples, _, points = u.shape
    lengths = checked_lengths(config, lengths, samples, points)
    with np.errstate(over="ignore"):
        u = u.astype(dtype, copy=False)
    if (lengths < points).any():
        u = np.where(np.arange(points) < lengths[:, None, None], u, u.dtype.type(0))
    if scan and not np.isfinite(u).all():
        case, channel, point = np.argwhere(~np.isfinite(u))[0]
        missing = np.isnan(u[case, channel, point])
        hint = '; data.missing = "linear" fills what is missing' if missing else ""
        raise DataError(
            f"inputs: not finite in {dtype} at case {case}, channel {channel}, time {point}{hint}"
        )
    return u, lengths


def _check_shape(config, u):
    if u.ndim != 3 or u.shape[1] != config.inputs or u.shape[2] < 1:
        swapped = u.ndim == 3 and u.shape[2] == config.inputs
        hint = "; are the last two axes swapped?" if swapped else ""
        raise DataError(
            f"inputs: expected the shape (case, {config.inputs}, time),"
            f" as network.inputs = {config.inputs}; got {u.shape}{hint}"
        )
    if u.dtype.kind not in "fiub":
        raise DataError(f"inputs: expected real numbers, got {u.dtype}")


def checked_lengths(config: NetworkConfig, lengths, samples: int, points: int) -> np.ndarray:
    """Lengths (case,) int64 of so many cases, all the whole length for None.

    Raises:
        DataError: they are no whole numbers from 1, or from the readout's window, to
            `points`.
    """
    if lengths is None:
        lengths = np.full(samples, points, dtype=np.int64)
    lengths = array_of(lengths, "lengths")
    _check_whole("lengths", lengths, samples)
    wrong = np.flatnonzero((lengths < 1) | (lengths > points))
    if wrong.size:
        place = f"got {lengths[wrong[0]]} at case {wrong[0]}"
        raise DataError(f"lengths: must be from 1 to {points}, {place}")
    window = config.readout_window
    short = np.flatnonzero(lengths < window)
    if short.size:
        raise DataError(
            f"readout_window: {window} input intervals are longer"
            f" than the sequence of case {short[0]}, {lengths[short[0]]}"
        )
    return lengths.astype(np.int64)


def checked_labels(config: NetworkConfig, labels, samples: int) -> np.ndarray:
    """Labels (case,) int64 of so many cases.

    Raises:
        DataError: they are no whole numbers from 0 to outputs - 1, or there are no
            cases.
    """
    labels = array_of(labels, "labels")
    _check_whole("labels", labels, samples)
    if samples == 0:
        raise DataError("labels: no cases, the mean loss is not defined")
    wrong = np.flatnonzero((labels < 0) | (labels >= config.outputs))
    if wrong.size:
        raise DataError(
            f"labels: must be from 0 to {config.outputs - 1}, as network.outputs = "
            f"{config.outputs}; got {labels[wrong[0]]} at case {wrong[0]}"
            f"{_from_one(labels, config)}"
        )
    return labels.astype(np.int64)


def _from_one(labels, config):
    """The remedy where labels count from 1, as words to append."""
    if labels.min() == 1 and labels.max() == config.outputs:
        return "; they count from 1, so save labels - 1"
    return ""


def _check_whole(name, values, samples):
    if values.shape != (samples,) or values.dtype.kind not in "iu":
        raise DataError(
            f"{name}: expected {samples} whole numbers, one for each case;"
            f" got {values.dtype} of shape {values.shape}"
        )
