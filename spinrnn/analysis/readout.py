"""Linear readouts whose predictions are of cases that they have not seen.

Ridge regression over folds of the cases. Each fold in turn is predicted; the strength
of the penalty is chosen on a fold that is neither fitted nor predicted.
"""

import numpy as np

from spinrnn.arrays import array_of
from spinrnn.errors import DataError

RIDGES = 10.0 ** np.arange(-8, 2)
"""Strengths of the penalty that are tried, in units of the features' mean variance."""


def held_out(
    features: np.ndarray,
    targets: np.ndarray,
    groups: np.ndarray,
    strata: np.ndarray | None = None,
    folds: int = 5,
) -> tuple[np.ndarray, np.ndarray]:
    """Predictions of each group by ridge regressions that were fitted to other groups.

    Each fold in turn is predicted; the next one chooses the strength of the penalty for
    each target; the rest is fitted, and in the end both.

    Args:
        features: (row, feature) and targets: (row, target), real and finite.
        groups: (row,) whole numbers, rows of one group stay together.
        strata: (row,) whole numbers from 0: features and targets are taken about their
            means over the training rows of the same stratum, so that what all groups
            share there is not counted as predicted. None: one stratum.
        folds: at least 3.
    Returns:
        (prediction, baseline), both (row, target) float64; the baseline is the training
        mean of the stratum.
    Raises:
        DataError: fewer groups than folds, or a training part without rows of a
        stratum.
    """
    features = np.asarray(array_of(features, "features"), dtype=np.float64)
    targets = np.asarray(array_of(targets, "targets"), dtype=np.float64)
    strata = np.zeros(len(features), dtype=int) if strata is None else array_of(strata, "strata")
    names, members = np.unique(array_of(groups, "groups"), return_inverse=True)
    if len(names) < folds:
        raise DataError(
            f"a readout tested on what it has not seen needs at least {folds} cases or stretches "
            f"of time, there are {len(names)}"
        )
    fold = members % folds
    prediction, baseline = np.empty_like(targets), np.empty_like(targets)
    for number in range(folds):
        test, choice = fold == number, fold == (number + 1) % folds
        train = ~(test | choice)
        trial = _Ridge(features[train], targets[train], strata[train])
        scores = trial.scores(features[choice], targets[choice], strata[choice])
        fit = _Ridge(features[~test], targets[~test], strata[~test])
        prediction[test], baseline[test] = fit.predict(
            features[test], strata[test], scores.argmin(axis=0)
        )
    return prediction, baseline


class _Ridge:
    """Ridge regressions of all strengths at once, through the eigenvectors of the
    features' covariance."""

    def __init__(self, features, targets, strata):
        self.count = np.bincount(strata)
        self.feature_means = self._means(features, strata)
        self.target_means = self._means(targets, strata)
        x, y = features - self.feature_means[strata], targets - self.target_means[strata]
        deviation = x.std(axis=0)
        # a feature that does not change carries nothing, and rounding must not become a
        # signal
        changes = deviation > 1e-6 * np.abs(features).max(axis=0)
        self.scale = np.where(changes, deviation, np.inf)
        x = x / self.scale
        values, self.vectors = np.linalg.eigh(x.T @ x / len(x))
        self.values, self.product = np.maximum(values, 0), self.vectors.T @ (x.T @ y) / len(x)

    def _means(self, values, strata):
        """(stratum, column) means."""
        sums = np.zeros((len(self.count), values.shape[1]))
        np.add.at(sums, strata, values)
        return sums / np.maximum(self.count, 1)[:, None]

    def _project(self, features, strata):
        """(row, eigenvector) of features about the means of their stratum."""
        if strata.max(initial=0) >= len(self.count) or not self.count[strata].all():
            raise DataError(
                "a readout needs each time in its training cases; there are too few cases of "
                "full length"
            )
        return (features - self.feature_means[strata]) / self.scale @ self.vectors

    def scores(self, features, targets, strata):
        """Sums of squared errors (ridge, target)."""
        x, y = self._project(features, strata), targets - self.target_means[strata]
        return np.array([((x @ self._weights(ridge) - y) ** 2).sum(axis=0) for ridge in RIDGES])

    def predict(self, features, strata, choice):
        """(prediction, baseline) with the ridge chosen for each target, choice
        (target,)."""
        weights = np.empty_like(self.product)
        for number in np.unique(choice):
            mine = choice == number
            weights[:, mine] = self._weights(RIDGES[number])[:, mine]
        baseline = self.target_means[strata]
        return baseline + self._project(features, strata) @ weights, baseline

    def _weights(self, ridge):
        return self.product / (self.values[:, None] + ridge)
