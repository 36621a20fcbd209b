"""One continuing series: parts are stretches of time, never shuffled across a cut."""

import dataclasses

import numpy as np

from spinrnn.config.run import TEST_FRACTION, DataConfig
from spinrnn.datasets.dataset import Dataset
from spinrnn.errors import DataError


def is_series(data: Dataset) -> bool:
    """Whether the data are a single case with targets at every point."""
    targets = data.labels if data.targets is None else data.targets
    axes = 2 if data.targets is None else 3
    return len(data.inputs) == 1 and targets is not None and np.ndim(targets) == axes


def divide_series(
    data: Dataset, config: DataConfig, washout: int, window: int
) -> tuple[Dataset, Dataset, Dataset]:
    """(training, validation, test) of a series: the first stretch of time cut into
    cases of equal length, the second and the third one case each.

    Targets of the first `washout` points of each case do not count. Of validation and
    test these points are those before their stretch, so that each point of a stretch
    counts once; of the training each case begins so many points before the last one's
    end.

    Raises:
        DataError: the series is too short.
    """
    points = data.inputs.shape[2] if data.lengths is None else int(data.lengths[0])
    test_share = TEST_FRACTION if config.test_fraction is None else config.test_fraction
    test = points - round(test_share * points)
    validation = test - round(config.validation_fraction * points)
    # a case may not be all washout, and not end in the next stretch
    length = min(max(window, washout + 1), validation)
    if min(washout, points) >= validation or not washout < validation < test < points:
        swapped = data.inputs.shape[1] > points
        hint = "; inputs have the axes (case, channel, time)" if swapped else ""
        raise DataError(
            f"data: a series of {points} points is too short for a washout of {washout} and parts "
            f"of {validation}, {test - validation} and {points - test} points{hint}"
        )
    starts = list(range(0, validation - length + 1, length - washout))
    if starts[-1] + length < validation:
        # the last one ends with the stretch
        starts.append(validation - length)
    spans = [(start, start + length) for start in starts]
    spans = [span for span in spans if _has_targets(data, span, washout)]
    if not spans:
        raise DataError("data: the training stretch of the series has no target")
    return (
        _cases(data, spans, washout),
        _cases(data, [(validation - washout, test)], washout),
        _cases(data, [(test - washout, points)], washout),
    )


def windows(data: Dataset, washout: int, window: int) -> Dataset:
    """A series as cases of equal length, as `divide_series` cuts the training part, but
    each target counts once; other data, and a series without washout, as they are.

    data: of one of its parts, whose first `washout` points have no target.
    """
    points = data.inputs.shape[2]
    length = max(window, washout + 1)
    if not (is_series(data) and washout) or points < 2 * length:
        return data
    starts = [*range(0, points - length, length - washout), points - length]
    cases = _cases(data, [(start, start + length) for start in starts], washout)
    # the last one ends with the series, and so begins within the one before
    counted = starts[-2] + length - starts[-1]
    if cases.targets is not None:
        cases.targets[-1, :, :counted] = np.nan
    if cases.labels is not None:
        cases.labels[-1, :counted] = -1
    return cases


def _has_targets(data, span, washout):
    """Whether any point of a stretch counts."""
    after = slice(span[0] + washout, span[1])
    if data.targets is None:
        return bool((np.asarray(data.labels)[:, after] >= 0).any())
    return bool(np.isfinite(np.asarray(data.targets, dtype=np.float64)[:, :, after]).any())


def _cases(data, spans, washout):
    """A `Dataset` of stretches of equal length, the first points without targets. Name
    and weight of the one case are those of each stretch.
    """
    inputs = np.concatenate([data.inputs[:, :, a:b] for a, b in spans])
    labels = targets = None
    if data.targets is not None:
        targets = np.concatenate([data.targets[:, :, a:b] for a, b in spans]).astype(np.float64)
        targets[:, :, :washout] = np.nan
    else:
        labels = np.concatenate([data.labels[:, a:b] for a, b in spans])
        labels[:, :washout] = -1
    weights = None if data.weights is None else np.repeat(data.weights, len(spans))
    names = None if data.names is None else data.names * len(spans)
    own = {"labels": labels, "targets": targets, "weights": weights, "names": names}
    return dataclasses.replace(data, inputs=inputs, lengths=None, test=None, **own)
