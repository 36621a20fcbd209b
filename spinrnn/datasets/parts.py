"""Training, validation and test part of a data set: a stratified draw."""

import numpy as np

from spinrnn.config.run import TEST_FRACTION, DataConfig, RunConfig
from spinrnn.datasets.dataset import Dataset
from spinrnn.datasets.stretches import divide_series, is_series
from spinrnn.errors import DataError, listed

NAMES = ("training", "validation", "test")


def divide(data: Dataset, config: RunConfig) -> tuple[Dataset, Dataset, Dataset]:
    """(training, validation, test) of data as they lie, with what the task learns.

    Cases are drawn (`split`); a single case with targets at every point is one series,
    cut in time (`stretches.divide_series`).
    """
    data, task = config.task.prepared(data), config.task
    if is_series(data):
        washout, window = getattr(task, "washout", 0), getattr(task, "window", None)
        return divide_series(data, config.data, washout, window)
    training, validation, test = split(data, config.data, config.resolved_split_seed)
    return data.take(training), data.take(validation), data.take(test)


def split(data: Dataset, config: DataConfig, seed: int) -> list[np.ndarray]:
    """Indices (training, validation, test) of a stratified random split.

    Each class gives the rounded shares that `DataConfig` asks for. A test part that the
    data bring with them is taken as it is, and the shares are those of the other cases.

    Args:
        seed: of the draw, `RunConfig.resolved_split_seed`.

    Raises:
        DataError: a part is empty, because there are too few cases; or a test part is
            asked for though the data bring theirs.
    """
    own = np.zeros(len(data), bool) if data.test is None else data.test
    share = _test_share(data, config)
    if config.validation_fraction + share >= 1:
        raise DataError(
            f"data.validation_fraction: {config.validation_fraction} and {share} for the test "
            "part leave nothing to train on"
        )
    rng = np.random.default_rng(seed)
    # without classes all cases are alike
    alike = data.labels is None or np.ndim(data.labels) > 1
    labels = np.zeros(len(data), int) if alike else np.asarray(data.labels)
    drawn = [
        _draw(np.flatnonzero((labels == label) & ~own), config.validation_fraction, share, rng)
        for label in np.unique(labels)
    ]
    training, validation, test = ([part[k] for part in drawn] for k in range(3))
    parts = [_sorted(training), _sorted(validation), _sorted([np.flatnonzero(own), *test])]
    _check(parts, data, int(len(data) - own.sum()))
    return parts


def _test_share(data, config):
    """Share of the cases that is drawn for the test part."""
    share = config.test_fraction
    if data.test is None:
        return TEST_FRACTION if share is None else share
    if share is not None:
        raise DataError(
            "data.test_fraction: these data bring their own test part, "
            f"{np.sum(data.test)} of {len(data)} cases; leave the key out"
        )
    return 0.0


def _draw(members, validation_share, test_share, rng):
    """(training, validation, test) cases of the members of one class."""
    order = rng.permutation(members)[::-1]
    test = round(test_share * len(order))
    validation = round(validation_share * len(order))
    return np.split(order, [len(order) - test - validation, len(order) - test])


def _sorted(cases):
    return np.sort(np.concatenate(cases)) if cases else np.empty(0, dtype=int)


def _check(parts, data, drawn):
    """Raises DataError for an empty part; drawn: cases that parts were drawn from."""
    for name, part in zip(NAMES, parts, strict=True):
        if len(part):
            continue
        if name == "test" and data.test is not None:
            raise DataError("data: their own test part is empty, test is true for no case")
        raise DataError(
            f"data: the {name} part is empty, {drawn} cases are too few for these fractions"
        )


def class_problems(training: Dataset, validation: Dataset, test: Dataset) -> list[str]:
    """What a network cannot learn of the classes in these parts, a sentence each."""
    if training.labels is None:
        return []
    known = _classes_of(training)
    if len(known) == 1:
        # a network that always says the same is right
        only = _named(training, known)
        return [f"all training cases have the class {only}; an accuracy says nothing here"]
    problems = []
    for name, part in (("validation", validation), ("test", test)):
        unseen = np.setdiff1d(_classes_of(part), known)
        if len(unseen):
            plural = "es" if len(unseen) > 1 else ""
            problems.append(
                f"class{plural} {_named(training, unseen)} of the {name} part: there is no "
                "training case, so none can be answered rightly"
            )
    return problems


def _classes_of(data):
    labels = np.unique(np.asarray(data.labels))
    return labels[labels >= 0]


def _named(data, labels):
    """Classes by their names, or numbers."""
    names = getattr(data, "classes", None)
    return listed([names[label] if names else str(label) for label in labels])
