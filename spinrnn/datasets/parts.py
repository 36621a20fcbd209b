"""Training, validation and test part of a data set: a stratified draw."""

import numpy as np

from spinrnn.config.run import TEST_FRACTION, DataConfig, RunConfig
from spinrnn.datasets.dataset import Dataset
from spinrnn.datasets.stretches import divide_series, is_series
from spinrnn.errors import DataError, listed

NAMES = ("training", "validation", "test")
LEAST_DEVIATION, LARGEST_INPUT = 0.01, 100.0
"""Of a channel: with less, or more, the drive is all bias, or the input alone."""
MOST = 4
"""Channels that one sentence names."""
RARE = 5.0
"""Deviations of the farthest number of a channel that is mostly the same."""
MOST_SILENT = 0.2
"""Share of the inputs that never fire, of which nothing is said."""
FIRING = "bring them to [0, 1], as docs/vdsp.md says"
"""What is advised for inputs that fire."""


def divide(data: Dataset, config: RunConfig) -> tuple[Dataset, Dataset, Dataset]:
    """(training, validation, test) of data as they lie, with what the task learns.

    Cases are drawn (`split`); a single case with targets at every point is one series,
    cut in time (`stretches.divide_series`).
    """
    data, task = config.task.prepared(data), config.task
    if is_series(data):
        parts = divide_series(data, config.data, task.washout, task.window)
    else:
        cases = split(data, config.data, config.resolved_split_seed)
        parts = data.take(cases[0]), data.take(cases[1]), data.take(cases[2])
    _check_targets(parts[0], task.washout)
    if parts[0].weights is not None and not parts[0].weights.any():
        raise DataError("weights: all of the training part are 0, so nothing can be learned")
    return parts


def _check_targets(training, washout):
    """Raises DataError for outputs of which nothing can be learned."""
    if training.targets is None:
        return
    there = np.isfinite(training.targets)
    if there.ndim == 3:
        ends = np.full(len(there), there.shape[2])
        ends = ends if training.lengths is None else np.asarray(training.lengths)
        points = np.arange(there.shape[2])
        there = there & ((points >= washout) & (points < ends[:, None]))[:, None]
    none = np.flatnonzero(~there.any(axis=(0, *range(2, there.ndim))))
    if none.size:
        outputs = f"output{'s' if none.size > 1 else ''} {listed([str(k) for k in none])}"
        raise DataError(f"targets: {outputs} (from 0) of the training part has no target at all")


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
    members = [np.flatnonzero((labels == label) & ~own) for label in np.unique(labels)]
    sizes = [len(own_cases) for own_cases in members]
    tests = _counts(sizes, share, sizes)
    validations = _counts(sizes, config.validation_fraction, np.subtract(sizes, tests))
    counts = zip(members, validations, tests, strict=True)
    drawn = [_draw(cases, validation, test, rng) for cases, validation, test in counts]
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


def _counts(sizes, share, free):
    """Cases of each class that a part gets: the rounded share of each; where that is
    none at all, the rounded share of all cases, one each of the largest classes that
    keep a case for the training.

    free: cases of each class that no other part has.
    """
    counts = [round(share * size) for size in sizes]
    wanted = round(share * sum(sizes))
    if any(counts) or not wanted:
        return counts
    for place in np.argsort([-size for size in sizes], kind="stable")[:wanted]:
        counts[place] = int(free[place] > 1)
    return counts


def _draw(members, validation, test, rng):
    """(training, validation, test) cases of the members of one class."""
    order = rng.permutation(members)[::-1]
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
        key = "test_fraction" if name == "test" else "validation_fraction"
        raise DataError(
            f"data: the {name} part is empty, {drawn} cases are too few for data.{key}; take more "
            "cases, or another share"
        )


def class_problems(training: Dataset, validation: Dataset, test: Dataset) -> list[str]:
    """What a network cannot learn of the classes in these parts, a sentence each."""
    if training.labels is None:
        return []
    known, problems = _classes_of(training), []
    if len(known) == 1:
        # a network that always says the same is right
        only = _named(training, known)
        problems.append(f"all training cases have the class {only}; an accuracy says nothing here")
    for name, part in (("validation", validation), ("test", test)):
        unseen = np.setdiff1d(_classes_of(part), known)
        if len(unseen):
            plural = "es" if len(unseen) > 1 else ""
            problems.append(
                f"class{plural} {_named(part, unseen)} of the {name} part: there is no "
                "training case, so none can be answered rightly"
            )
    return problems


def _classes_of(data):
    labels = np.unique(np.asarray(data.labels))
    return labels[labels >= 0]


def _named(data, labels):
    """Classes by their names, or numbers."""
    names = data.classes
    return listed([names[label] if names else str(label) for label in labels])


def scale_problems(training: Dataset, scaled: bool = False, firing: bool = False) -> list[str]:
    """Channels and targets whose numbers are far from 1, a sentence each: the initial
    weights count on inputs of that order, so a network learns nothing of others.

    scaled: whether the network scales them itself; firing: whether inputs are such that
    fire, of which none may be negative.
    """
    advice = FIRING if firing else 'set data.scaling = "standard"'
    problems = [] if scaled else _far_channels(training, advice)
    targets = np.empty((0, 0)) if training.targets is None else training.targets
    for output in range(targets.shape[1]):
        own = targets[:, output]
        if np.nanstd(own) == 0:
            problems.append(f"all training targets of output {output} are the same")
        elif not scaled and max(abs(np.nanmean(own)), np.nanstd(own)) > LARGEST_INPUT:
            told = f"output {output} of the targets has {_span(own)}, far from 1"
            problems.append(f"{told}; {advice}")
    return problems


def silent_problems(inputs: np.ndarray) -> list[str]:
    """A sentence where many of the inputs that shall fire are negative, which never
    do; inputs: as the network reads them.
    """
    share = float(np.mean(np.asarray(inputs) < 0))
    if share <= MOST_SILENT:
        return []
    return [f"{100 * share:.0f} % of the inputs are negative, and such inputs never fire; {FIRING}"]


def _far_channels(training, advice):
    """Sentences on the channels whose numbers are far from 1; numbers side by side, of
    one point, are many, so these share one.
    """
    inputs = np.asarray(training.inputs, dtype=np.float64)
    if training.lengths is not None:
        after = np.arange(inputs.shape[2]) >= np.asarray(training.lengths)[:, None, None]
        inputs = np.where(after, np.nan, inputs)
    alone = inputs.shape[2] == 1
    names = training.channels or tuple(map(str, range(inputs.shape[1])))
    far = {
        name: _span(numbers)
        for name, numbers in zip(names, np.moveaxis(inputs, 1, 0), strict=True)
        if _is_far(numbers, alone)
    }
    if alone and len(far) > 1:
        told = [f"{name} has {span}" for name, span in [*far.items()][:MOST]]
        told += [f"{len(far) - MOST} more"] if len(far) > MOST else []
        return [f"channels of the inputs have numbers far from 1: {'; '.join(told)}; {advice}"]
    return [
        f"channel {name} of the inputs has {span}, far from 1; {advice}"
        for name, span in far.items()
    ]


def _is_far(numbers, alone):
    """Whether the numbers of a channel are; alone: of one point in each case, where one
    that is the same nearly always, as a pixel at the edge, is none.
    """
    mean, deviation = float(np.nanmean(numbers)), float(np.nanstd(numbers))
    if max(abs(mean), deviation) > LARGEST_INPUT:
        return True
    rare = alone and np.nanmax(np.abs(numbers - mean)) > RARE * deviation
    return 0 < deviation < LEAST_DEVIATION and not rare


def _span(numbers):
    """Mean and deviation, in words."""
    mean, deviation = float(np.nanmean(numbers)), float(np.nanstd(numbers))
    return f"the mean {mean:.3g} and the deviation {deviation:.3g}"
