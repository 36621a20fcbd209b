"""Capacities: how much of each output's targets is met, whatever their scale."""

from typing import Any

import numpy as np

from spinrnn.errors import DataError


def capacities(outputs: Any, targets: Any) -> np.ndarray:
    """(K,) squared correlation coefficients between outputs and their targets.

    Of the delays of "memory" their sum is the memory capacity MC (Jaeger 2001,
    doi:10.24406/publica-fhg-291107). Where the targets do not depend on each other no
    network of N neurons with a linear readout has a sum above N (Dambre et al. 2012,
    doi:10.1038/srep00514). Of T points chance alone gives about 1 / T each.

    Args:
        outputs: (case, K, time), as of `Network.forward`.
        targets: of the same shape, NaN where there is none.
    Raises:
        DataError: the shapes differ, or an output has fewer than two targets.
    """
    found, wanted = np.asarray(outputs, np.float64), np.asarray(targets, np.float64)
    if found.ndim != 3 or found.shape != wanted.shape:
        raise DataError(
            "outputs, targets: must have the same shape (case, output, time); got "
            f"{found.shape} and {wanted.shape}"
        )
    known = np.isfinite(wanted)
    count = known.sum(axis=(0, 2))
    if (count < 2).any():
        raise DataError(f"targets: output {int(np.argmin(count))} has fewer than two")
    found, wanted = _centred(found, known, count), _centred(wanted, known, count)
    squares = (found**2).sum(axis=(0, 2)) * (wanted**2).sum(axis=(0, 2))
    products = (found * wanted).sum(axis=(0, 2))
    # what never differs has no correlation
    return np.divide(products**2, squares, out=np.zeros(len(count)), where=squares > 0)


def _centred(values, known, count):
    """Deviations from the mean of each output, 0 where there is no target."""
    values = np.where(known, values, 0.0)
    mean = values.sum(axis=(0, 2)) / count
    return np.where(known, values - mean[:, None], 0.0)
