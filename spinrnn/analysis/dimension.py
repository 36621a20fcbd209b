"""How many dimensions the states of a layer fill: the participation ratio."""

from dataclasses import dataclass

import numpy as np

from spinrnn.analysis.answer import (
    Answer,
    Settings,
    each_layer,
    known,
    largest,
    table_of_layers,
)
from spinrnn.arrays import array_of
from spinrnn.errors import DataError
from spinrnn.recordings.recording import Recording


@dataclass(frozen=True, eq=False)
class Dimension:
    """Effective dimension of the states.

    Attributes:
        dimension: participation ratio (sum v)^2 / (sum v^2) of the variances v along
            the principal axes, over all cases and times; from 1 to the number of
            neurons; NaN if nothing changes.
        variances: (neuron,) v, largest first.
        over_time: (time,) the same over the cases at each time, NaN where fewer than
            two are left or all are alike. Of n cases it is at most n - 1.
    """

    dimension: float
    variances: np.ndarray
    over_time: np.ndarray


def effective_dimension(power: np.ndarray) -> Dimension:
    """How many dimensions the states of a layer fill.

    Args:
        power: (case, neuron, time); times of a case at which a neuron is NaN are left
            out.
    Raises:
        DataError: fewer than two states.
    """
    power = np.asarray(array_of(power, "power", missing=True), dtype=np.float64)
    present = np.all(np.isfinite(power), axis=1)  # (case, time)
    states = power.transpose(0, 2, 1)[present]  # (state, neuron)
    if len(states) < 2:
        raise DataError("at least two states are needed, at which all neurons have values")
    variances = np.maximum(np.linalg.eigvalsh(np.atleast_2d(np.cov(states.T, bias=True)))[::-1], 0)
    over_time = np.full(power.shape[2], np.nan)
    for k in np.flatnonzero(present.sum(axis=0) > 1):
        over_time[k] = _of_cases(power[present[:, k], :, k])
    dimension = _participation(variances.sum(), (variances**2).sum(), np.abs(states).max() ** 2)
    return Dimension(float(dimension), variances, over_time)


def _of_cases(states):
    """Participation ratio of states (case, neuron), without their eigenvalues."""
    x = states - states.mean(axis=0)
    # both products have the same eigenvalues but zeros: the smaller one will do
    product = x @ x.T if len(x) < x.shape[1] else x.T @ x
    scale = np.abs(states).max() ** 2 * len(x)
    return _participation(np.trace(product), (product**2).sum(), scale)


def _participation(total, squares, scale):
    """total^2 / squares, NaN where both are the rounding of single precision."""
    return total**2 / squares if total > 1e-13 * scale else np.nan


def measure_dimension(recording: Recording, settings: Settings) -> Answer:
    """Effective dimension of the states."""
    found = each_layer(recording, effective_dimension, settings.start)
    lines = []
    for name, d in found.items():
        value = f"{d.dimension:.2f}" if np.isfinite(d.dimension) else "unknown, as nothing changes,"
        line = f"{name}: {value} of {len(d.variances)}"
        if np.isfinite(d.over_time).any():
            line += f"; over the cases at single times up to {known(largest(d.over_time))}"
        lines.append(line)
    columns = [
        {"axis": np.arange(len(d.variances)), "variance": d.variances} for d in found.values()
    ]
    layers = found.values()
    numbers = {
        "layers": (recording.layers, "1", "numbers of the layers, in the order of the lists"),
        "dimension": ([d.dimension for d in layers], "1", "participation ratio of all states"),
        "neurons": ([len(d.variances) for d in layers], "1", "number of neurons, its upper limit"),
        "dimension_of_cases": (
            [largest(d.over_time) for d in layers], "1",
            "participation ratio over the cases at one time, the largest",
        ),
    }  # fmt: skip
    return Answer(table_of_layers(recording.layers, columns), lines, numbers, (found,))
