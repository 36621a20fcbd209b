"""The loss of outputs that are there at once, and its slope: as of `kernels.losses`, in
NumPy, next to products of matrices it costs nothing.
"""

import numpy as np

from spinrnn.kernels.losses import Targets


def losses_of(outputs: np.ndarray, targets: Targets) -> tuple[np.ndarray, np.ndarray]:
    """losses (case,), and the slope (case, K) of their mean by outputs (case, K), both
    float64: of labels the cross-entropy, of values the mean squared error over those
    that are there.
    """
    outputs = outputs.astype(np.float64)
    if targets.labels.size:
        losses, slopes = _cross_entropy(outputs, targets.labels[:, 0])
    else:
        losses, slopes = _squared_error(outputs, targets.values[:, :, 0])
    weights = targets.weights
    return weights * losses, slopes * (weights / len(outputs))[:, None]


def _cross_entropy(outputs, labels):
    """log of the sum of exp(o_i) less o_label; the largest is taken out, as its
    exponential could overflow.
    """
    cases, shifted = np.arange(len(outputs)), outputs - outputs.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    total = exponentials.sum(axis=1)
    losses = np.log(total) - shifted[cases, labels]
    slopes = exponentials / total[:, None]
    slopes[cases, labels] -= 1
    return losses, slopes


def _squared_error(outputs, values):
    known = np.isfinite(values)
    count = known.sum(axis=1)
    error = np.where(known, outputs - np.where(known, values, 0.0), 0.0)
    return (error * error).sum(axis=1) / count, 2 * error / count[:, None]
