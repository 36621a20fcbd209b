"""Likelihoods by counting: a Bayesian machine learns by one look at its training part,
and is programmed once.
"""

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.special import ndtr

from spinrnn.config.quantity import quantity
from spinrnn.errors import DataError, DataNote, listed
from spinrnn.learning.protocol import Estimator
from spinrnn.networks.bayesian import EDGES, BayesianNetwork, bytes_of

NARROWEST = 1e-3
"""Deviation of a Gaussian at least, of the observable's own over all cases."""
SILENT = 0.05
"""Share of the cases without any count of which is told."""


@dataclass(frozen=True)
class Counts(Estimator):
    """Counts of the training part become the memory of a Bayesian machine; no writer is
    asked.

    Bins have their edges at the quantiles of the training part, so that each has about
    the same number of cases.

    Attributes:
        likelihood: "counts" takes the share of a class's cases in each bin; "gaussian"
            the integral of a Gaussian of their mean and variance over it.
        smoothing: added to each count; 1 is Laplace's rule.
    """

    kind = "counts"
    at_once = True
    needs = frozenset({"counts"})
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
        _check_classes(labels, config.outputs)
        known = labels >= 0
        weights = np.ones(len(labels)) if training.weights is None else training.weights
        u = net._read(training.inputs, training.lengths, 0).u[known, :, 0]
        net.buffers[EDGES][...] = edges_of(u, config.bins)
        _tell_constant(u)
        given = labels[known], weights[known], config.outputs
        shares = np.bincount(given[0], given[1], config.outputs)
        if self.likelihood == "counts":
            bins = net.observed(training.inputs, training.lengths)[known]
            found = counted(bins, *given, config.bins, self.smoothing)
        else:
            found = gaussian(u, *given, net.buffers[EDGES])
        views = net.layout.named(net.parameters)
        for name, numbers in bytes_of(config, found, shares / shares.sum()).items():
            views[name][...] = numbers
        _tell_undecided(net, training)


def edges_of(u: np.ndarray, bins: int) -> np.ndarray:
    """(observable, bin - 1) quantiles of u (case, observable), so that bins have about
    the same number of cases.
    """
    return np.quantile(u, np.arange(1, bins) / bins, axis=0).T


def counted(
    bins: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    classes: int,
    count: int,
    smoothing: float = 1.0,
) -> np.ndarray:
    """p(bin | class), (class, observable, bin): (n + smoothing) / (N + smoothing *
    bins) with n of a class's N cases in a bin.

    Args:
        bins: (case, observable); labels: (case,) from 0; weights: (case,) what each
            case counts; count: of bins.
    """
    found = np.empty((classes, bins.shape[1], count))
    for j in range(bins.shape[1]):
        places = labels * count + bins[:, j]
        found[:, j] = np.bincount(places, weights, classes * count).reshape(classes, count)
    found += smoothing
    return found / found.sum(axis=2, keepdims=True)


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
    least = NARROWEST * u.std(axis=0)
    least = np.where(least > 0, least, 1.0)
    found = np.empty((classes, u.shape[1], edges.shape[1] + 1))
    for i in range(classes):
        own, share = u[labels == i], weights[labels == i]
        share = np.full(len(own), 1.0) if not share.sum() else share
        mean = np.average(own, axis=0, weights=share)
        variance = np.average((own - mean) ** 2, axis=0, weights=share)
        scaled = (edges - mean[:, None]) / np.maximum(np.sqrt(variance), least)[:, None]
        below = np.pad(ndtr(scaled), ((0, 0), (1, 1)), constant_values=((0, 0), (0, 1)))
        found[i] = np.maximum(np.diff(below, axis=1), 1e-9)
    return found / found.sum(axis=2, keepdims=True)


def _check_classes(labels, classes):
    counts = np.bincount(labels[labels >= 0], minlength=classes)
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


def _tell_constant(u):
    """Warns of observables that have one value in all cases."""
    constant = np.flatnonzero((u == u[:1]).all(axis=0)).tolist()
    if constant:
        names = ", ".join(map(str, constant[:5])) + (" ..." if len(constant) > 5 else "")
        text = f"{len(constant)} of {u.shape[1]} observables are constant in the training part "
        warnings.warn(f"{text}and say nothing: {names}", DataNote, stacklevel=3)
