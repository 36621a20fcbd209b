"""How many dimensions the states of a layer fill."""

from dataclasses import dataclass

import numpy as np

from spinrnn.errors import DataError


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
