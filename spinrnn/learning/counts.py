"""Likelihoods by counting: a Bayesian machine learns by one look at its training part,
and is programmed once.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from scipy.special import ndtr

from spinrnn.config.quantity import quantity
from spinrnn.errors import DataError, DataNote, listed
from spinrnn.learning.protocol import Estimator
from spinrnn.networks.bayesian import EDGES, BayesianNetwork, bytes_of

NARROWEST = 1e-3
"""Deviation of a Gaussian at least, of the observable's own over all cases."""
UNSEEN = 1e-300
"""Likelihood of a bin that no value falls into, which divisions bear."""
SILENT = 0.05
"""Share of the cases without any count of which is told."""


@dataclass(frozen=True)
class Counts(Estimator):
    """Counts of the training part become the memory of a Bayesian machine; no writer is
    asked.

    Bins have their edges at the quantiles of the training part, so that each has about
    the same number of cases; of repeated values some bins are empty sets.

    Attributes:
        likelihood: "counts" takes the share of a class's cases in each bin; "gaussian"
            the integral of a Gaussian of their mean and variance over it.
        smoothing: added to each count; 1 is Laplace's rule.
    """

    kind = "counts"
    at_once = True
    hears_devices = False
    needs = frozenset({"counts"})
    read_with: ClassVar[Mapping[str, Mapping[str, Any]]] = {"smoothing": {"likelihood": "counts"}}
    likelihood: Literal["counts", "gaussian"] = "counts"
    smoothing: float = quantity(1.0, about="added to each count", above=0, high=1e6)

    def fit(self, net: BayesianNetwork, task: Any, training: Any, validation: Any) -> None:
        """Writes the edges of the bins and the memory.

        Args:
            training: `Dataset`; weights of its cases count as so many cases;
            validation: is not used.
        Raises:
            DataError: a class of the network has no case in the training part, or there
                is but one class.
        """
        labels, config = np.asarray(training.labels), net.config
        known = labels >= 0
        weights = np.ones(len(labels)) if training.weights is None else training.weights
        _check_classes(labels[known], np.asarray(weights)[known], config.outputs)
        u = net._read(training.inputs, training.lengths, 0).u[known, :, 0]
        net.buffers[EDGES][...] = edges_of(u, config.bins)
        constant = (u == u[:1]).all(axis=0)
        _tell_constant(constant)
        given = labels[known], weights[known], config.outputs
        shares = np.bincount(given[0], given[1], config.outputs)
        if self.likelihood == "counts":
            bins = net.observed(training.inputs, training.lengths)[known]
            there = possible(net.buffers[EDGES])
            found = counted(bins, *given, config.bins, self.smoothing, there)
        else:
            found = gaussian(u, *given, net.buffers[EDGES])
        found[:, constant] = 1 / config.bins
        views = net.layout.named(net.parameters)
        for name, numbers in bytes_of(config, found, shares / shares.sum()).items():
            views[name][...] = numbers
        _tell_undecided(net, training)


def edges_of(u: np.ndarray, bins: int) -> np.ndarray:
    """(observable, bin - 1) quantiles of u (case, observable), so that bins have about
    the same number of cases.

    An edge at the smallest value has nothing below it. It is put at the next larger
    value, so a value that most cases have stays apart from the others. Each edge then
    stands midway between the values on both its sides, so rounding of a measured value
    does not move it to another bin.
    """
    edges = np.quantile(u, np.arange(1, bins) / bins, axis=0).T
    least = u.min(axis=0)
    above = np.where(u > least, u, np.inf).min(axis=0)
    edges = np.maximum(edges, np.where(np.isfinite(above), above, least)[:, None])
    return np.array([_midway(*row) for row in zip(edges, np.sort(u, axis=0).T, strict=True)])


def _midway(edges, values):
    """Edges (bin - 1,) between their neighbours among sorted values (case,)."""
    upper = np.searchsorted(values, edges, side="left")
    inside = (upper > 0) & (upper < len(values))
    below, above = values[np.maximum(upper - 1, 0)], values[np.minimum(upper, len(values) - 1)]
    middle = below + (above - below) / 2
    return np.where(inside & (middle > below) & np.isfinite(middle), middle, edges)


def possible(edges: np.ndarray) -> np.ndarray:
    """(observable, bin) bool of edges (observable, bin - 1): which bins have values at
    all, as between equal edges there are none.
    """
    return np.diff(edges, prepend=-np.inf, append=np.inf) > 0


def counted(
    bins: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    classes: int,
    count: int,
    smoothing: float = 1.0,
    there: np.ndarray | None = None,
) -> np.ndarray:
    """p(bin | class), (class, observable, bin): (n + smoothing) / (N + smoothing *
    bins) with n of a class's N cases in a bin, and `UNSEEN` in bins without values,
    which are not counted.

    Args:
        bins: (case, observable); labels: (case,) from 0; weights: (case,) what each
            case counts; count: of bins; there: as of `possible`, None for all bins.
    """
    found = np.empty((classes, bins.shape[1], count))
    for j in range(bins.shape[1]):
        places = labels * count + bins[:, j]
        found[:, j] = np.bincount(places, weights, classes * count).reshape(classes, count)
    found += smoothing * (1.0 if there is None else there)
    return np.maximum(found / found.sum(axis=2, keepdims=True), UNSEEN)


def gaussian(
    u: np.ndarray, labels: np.ndarray, weights: np.ndarray, classes: int, edges: np.ndarray
) -> np.ndarray:
    """p(bin | class), (class, observable, bin): integrals over the bins of Gaussians
    with the mean and the variance of a class's cases.

    A deviation is at least a thousandth of that of all cases, and of what is constant
    1, so that no bin is impossible for want of cases; nor is any below 1e-9.

    Args:
        u: (case, observable); others as of `counted`; edges: (observable, bin - 1).
    """
    # powers of two, without rounding, as squares of large values would overflow
    power = -np.frexp(np.abs(u).max(axis=0))[1]
    u, edges = np.ldexp(u, power), np.ldexp(edges, power[:, None])
    least = NARROWEST * u.std(axis=0)
    least = np.where(least > 0, least, 1.0)
    found = np.empty((classes, u.shape[1], edges.shape[1] + 1))
    for i in range(classes):
        own, share = u[labels == i], weights[labels == i]
        mean = np.average(own, axis=0, weights=share)
        variance = np.average((own - mean) ** 2, axis=0, weights=share)
        scaled = (edges - mean[:, None]) / np.maximum(np.sqrt(variance), least)[:, None]
        below = np.pad(ndtr(scaled), ((0, 0), (1, 1)), constant_values=((0, 0), (0, 1)))
        found[i] = np.maximum(np.diff(below, axis=1), 1e-9)
    return found / found.sum(axis=2, keepdims=True)


def _check_classes(labels, weights, classes):
    counts = np.bincount(labels[weights > 0], minlength=classes)
    if (counts > 0).sum() < 2:
        raise DataError("labels: the training part has one class alone; there is nothing to choose")
    empty = np.flatnonzero(counts == 0).tolist()
    if empty:
        have = f"class {listed(map(str, empty))}" if len(empty) == 1 else f"classes {empty}"
        raise DataError(
            f"labels: no case of the {have} is in the training part, so how likely its "
            "values are cannot be counted; set network.outputs, or leave it out of the data"
        )


def _tell_undecided(net, training):
    """Warns where too many likelihoods are multiplied for anything to be counted."""
    # wrong bits are another matter
    ideal = net.replace(bit_error_rate=0.0)
    share = ideal.undecided(training.inputs, training.lengths)["zeros"]
    if share > SILENT:
        config = net.config
        counted, advice = "all counters are 0", 'take fewer observables, or mode = "logarithmic"'
        if config.mode == "logarithmic":
            counted, advice = "all sums are full", "take fewer observables, or a larger log_step"
        text = f"{100 * share:.3g} % of the training cases {counted}, so they are class 0"
        warnings.warn(f"network: in {text}; {advice}", stacklevel=3)


def _tell_constant(constant):
    """Warns of observables that have one value in all cases: (observable,) bool."""
    places = np.flatnonzero(constant).tolist()
    if places:
        names = ", ".join(map(str, places[:5])) + (" ..." if len(places) > 5 else "")
        text = f"{len(places)} of {len(constant)} observables are constant in the training part "
        warnings.warn(f"{text}and say nothing: {names}", DataNote, stacklevel=3)
