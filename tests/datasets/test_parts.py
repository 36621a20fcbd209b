"""Parts of small data, and what a network cannot learn of them."""

import numpy as np
import pytest

import spinrnn
from spinrnn.datasets import stretches
from spinrnn.datasets.dataset import Dataset
from spinrnn.datasets.parts import class_problems, divide, scale_problems, silent_problems, split


def of_classes(*sizes):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    return spinrnn.Dataset(np.random.default_rng(0).normal(size=(len(labels), 1, 4)), labels)


def test_few_cases_of_each_class():
    """Ten classes of five: a tenth of all are five cases of five classes, where a tenth
    of each class is none; every class keeps cases to learn from.
    """
    data = of_classes(*[5] * 10)
    training, validation, test = split(data, spinrnn.DataConfig(), 0)
    assert [len(training), len(validation), len(test)] == [35, 5, 10]
    assert len(np.unique(data.labels[validation])) == 5
    assert np.unique(data.labels[training]).tolist() == list(range(10))
    assert sorted([*training, *validation, *test]) == list(range(50))
    with pytest.raises(spinrnn.DataError, match="the validation part is empty, 4 cases are too"):
        split(of_classes(2, 2), spinrnn.DataConfig(), 0)
    # a class of one case keeps it for the training
    data, config = of_classes(1, 1, 3, 3), spinrnn.DataConfig("a", 0.1, 0.1)
    training, validation, test = split(data, config, 0)
    assert [len(training), len(validation), len(test)] == [6, 1, 1]
    assert np.unique(data.labels[training]).tolist() == [0, 1, 2, 3]


def test_classes_that_cannot_be_learned():
    one, two = of_classes(4), of_classes(4, 4)
    assert class_problems(two, two, two) == []
    assert class_problems(one, one, two) == [
        "all training cases have the class 0; an accuracy says nothing here",
        "class 1 of the test part: there is no training case, so none can be answered rightly",
    ]
    three = of_classes(2, 2, 2)
    assert class_problems(two, two, three) == [
        "class 2 of the test part: there is no training case, so none can be answered rightly"
    ]
    named = spinrnn.Dataset(three.inputs, three.labels, classes=("a", "b", "c"))
    assert class_problems(two, named, two)[0].startswith("class c of the validation part")
    series = spinrnn.Dataset(one.inputs, targets=one.inputs)
    assert class_problems(series, series, series) == []


@pytest.mark.parametrize(
    ("factor", "offset", "told"),
    [(1, 0, False), (0.02, 0, False), (0.005, 0, True), (90, 0, False), (150, 0, True),
     (1, 200, True), (0, 3, False), (0, 300, True), (1e-6, 0, True)],
)  # fmt: skip
def test_inputs_far_from_1(factor, offset, told):
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(50, 2, 20))
    inputs[:, 1] = factor * inputs[:, 1] / inputs[:, 1].std() + offset
    inputs[:, :, 15:] = 1e9
    data = spinrnn.Dataset(inputs, np.zeros(50, int), np.full(50, 15))
    problems = scale_problems(data)
    assert len(problems) == told
    if told:
        assert problems[0].startswith("channel 1 of the inputs has the mean ")
        assert problems[0].endswith(', far from 1; set data.scaling = "standard"')
        assert not scale_problems(data, scaled=True)


SIDE_BY_SIDE = (
    "channels of the inputs have numbers far from 1: R has the mean 1e+03 and the deviation 500; "
    "width has the mean 6e-08 and the deviation 4e-09; "
)


@pytest.mark.parametrize("firing", [False, True])
def test_numbers_side_by_side_are_told_by_their_channels(firing):
    """Measures in SI units, and a pixel at an edge that is 0 in nearly all cases."""
    cases = np.tile([-1.0, 1.0], 50)
    edge = np.zeros(100)
    edge[3] = 1 / 16
    rows = [1000 + 500 * cases, 0.5 + 0.3 * cases, 6e-8 + 4e-9 * cases, edge]
    names = ("R", "TMR", "width", "edge")
    data = spinrnn.Dataset(np.array(rows).T[:, :, None], np.zeros(100, int), channels=names)
    advice = (
        "bring them to [0, 1], as docs/vdsp.md says"
        if firing
        else ('set data.scaling = "standard"')
    )
    assert scale_problems(data, firing=firing) == [SIDE_BY_SIDE + advice]
    one = spinrnn.Dataset(data.inputs[:, :2], data.labels)
    told = "channel 0 of the inputs has the mean 1e+03 and the deviation 500, far from 1; "
    assert scale_problems(one, firing=firing) == [told + advice]
    seven = spinrnn.Dataset(np.repeat(one.inputs[:, :1], 7, axis=1), data.labels)
    assert scale_problems(seven)[0].endswith("; 3 more; " + 'set data.scaling = "standard"')


def test_inputs_that_never_fire():
    inputs = np.ones((10, 3, 1))
    inputs[:2] = -1
    assert silent_problems(inputs) == []
    inputs[2, 0] = -1
    told = "23 % of the inputs are negative, and such inputs never fire; bring them to [0, 1]"
    assert silent_problems(inputs) == [told + ", as docs/vdsp.md says"]


def test_parts_of_cases_with_targets_are_drawn():
    data = spinrnn.Dataset(np.zeros((20, 1, 3)), targets=np.arange(20.0)[:, None])
    parts = divide(data, spinrnn.RunConfig(task=spinrnn.Regression()))
    assert [len(part) for part in parts] == [14, 2, 4]
    assert sorted(np.concatenate([part.targets[:, 0] for part in parts])) == list(range(20))


def test_weights_and_names_go_with_their_cases():
    rng = np.random.default_rng(0)
    data = spinrnn.Dataset(rng.normal(size=(30, 1, 4)), np.arange(30) % 3, weights=np.arange(30))
    plain = spinrnn.Dataset(data.inputs, data.labels)
    assert data.weights.dtype == np.float64
    assert data.take([4, 7]).weights.tolist() == [4, 7]
    assert data.digest() != plain.digest()
    parts = divide(data, spinrnn.RunConfig())
    assert all((part.inputs == data.inputs[part.weights.astype(int)]).all() for part in parts)
    series = spinrnn.Dataset(rng.normal(size=(1, 1, 300)), targets=rng.normal(size=(1, 1, 300)),
                             weights=[2.0], names=("a",), test=[0])  # fmt: skip
    run = spinrnn.RunConfig(task=spinrnn.Regression(window=50))
    for part in divide(series, run):
        last = part.take([-1])
        assert (last.weights.tolist(), last.names, len(last)) == ([2.0], ("a",), 1)
        assert len(part.weights) == len(part.names) == len(part)


@pytest.mark.parametrize("weights", [[1, 2], [1, -1, 1], [1, np.nan, 1], ["a", "b", "c"]])
def test_weights_that_are_none(weights):
    with pytest.raises(spinrnn.DataError, match="weights: must be 3 finite numbers from 0"):
        spinrnn.Dataset(np.zeros((3, 1, 4)), [0, 1, 0], weights=weights)


@pytest.mark.parametrize(("points", "washout"), [(100, 10), (103, 10), (110, 7), (81, 39)])
def test_windows_of_a_series_count_each_target_once(points, washout):
    targets = np.arange(points, dtype=float)[None, None]
    targets[:, :, :washout] = np.nan
    data = Dataset(2 * np.arange(points)[None, None], targets=targets)
    cases = stretches.windows(data, washout, 40)
    assert cases.inputs.shape[1:] == (1, 40)
    known = np.isfinite(cases.targets)
    assert sorted(cases.targets[known]) == list(range(washout, points))
    np.testing.assert_array_equal(2 * cases.targets[known], cases.inputs[known])
    assert not known[:, :, :washout].any()
    labels = np.where(np.isfinite(targets[:, 0]), targets[:, 0], -1).astype(int)
    of_labels = stretches.windows(Dataset(data.inputs, labels), washout, 40)
    assert sorted(of_labels.labels[of_labels.labels >= 0]) == list(range(washout, points))
    np.testing.assert_array_equal(of_labels.labels >= 0, known[:, 0])


def test_what_is_short_or_has_no_washout_stays():
    data = Dataset(np.zeros((1, 1, 79)), targets=np.zeros((1, 1, 79)))
    assert stretches.windows(data, 10, 40) is data
    long = Dataset(np.zeros((1, 1, 200)), targets=np.zeros((1, 1, 200)))
    assert stretches.windows(long, 0, 40) is long
    many = Dataset(np.zeros((2, 1, 200)), targets=np.zeros((2, 1, 200)))
    assert stretches.windows(many, 10, 40) is many


def test_weights_that_are_all_zero_are_told():
    data = spinrnn.Dataset(np.zeros((30, 1, 4)), np.arange(30) % 2, weights=np.zeros(30))
    with pytest.raises(spinrnn.DataError, match="weights: all of the training part are 0"):
        divide(data, spinrnn.RunConfig())
