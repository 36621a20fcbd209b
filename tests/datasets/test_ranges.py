"""Ranges of channels: exact, within the cases' lengths, and what is far from another."""

import numpy as np
import pytest

import spinrnn
from spinrnn.datasets import ranges
from spinrnn.datasets.known import Known
from spinrnn.datasets.ranges import Range, is_far, ranges_of


@pytest.mark.parametrize("block", [1, 3, 4096])
def test_ranges_of_what_is_there(monkeypatch, block):
    monkeypatch.setattr(ranges, "_BLOCK", block)
    inputs = np.random.default_rng(0).normal(size=(7, 2, 4))
    lengths = np.array([4, 1, 2, 3, 4, 4, 2])
    inputs[:, 0] *= 1e-9
    for case, end in enumerate(lengths):
        inputs[case, :, end:] = 1e6
    inputs[5, 1, 0] = np.nan
    counted = [
        np.concatenate([row[k, :end] for row, end in zip(inputs, lengths, strict=True)])
        for k in range(2)
    ]
    found = ranges_of(spinrnn.Dataset(inputs, lengths=lengths))
    for own, (one, count) in zip(counted, found, strict=True):
        own = own[np.isfinite(own)]
        assert (one.least, one.greatest, count) == (own.min(), own.max(), len(own))
        assert one.size == pytest.approx(np.sqrt((own**2).mean()), rel=1e-12)


def test_of_nothing_and_of_numbers_beyond_all_range_nothing_is_known():
    inputs = np.array([[[np.nan, np.nan], [1e300, 1.0], [3.0, 4.0]]])
    found = ranges_of(spinrnn.Dataset(inputs))
    assert found[:2] == ((Range(0, 0, 0), 0), (Range(0, 0, 0), 2))
    assert found[2] == (Range(3, 4, np.sqrt(12.5)), 2)


@pytest.mark.parametrize(
    ("own", "count", "far"),
    [
        ((-1, 1, 0.5), 50, False),
        ((-199, 0, 100), 50, False),
        ((-201, 0, 100), 1, True),
        ((-0.0101, 0, 0.01), 50, False),
        ((-0.0099, 0, 0.005), 50, True),
        # of few numbers all may be near 0 by chance
        ((-0.0099, 0, 0.005), 9, False),
        ((0, 0, 0), 50, False),
        ((0, 0, 0), 0, False),
    ],
)
def test_far_is_beyond_a_hundred(own, count, far):
    assert is_far(Range(*own), count, Range(-2, 1.5, 1.0)) == far
    assert not is_far(Range(*own), count, Range(0, 0, 0))


def test_many_channels_are_told_in_few_lines():
    data = spinrnn.Dataset(np.ones((1, 9, 12)))
    known = Known.of_data(data)
    other = spinrnn.Dataset(1e6 * np.ones((1, 9, 12)))
    with pytest.warns(UserWarning, match="channel") as caught:
        known.matched(other, "new")
    texts = [str(warning.message) for warning in caught]
    assert [text[:17] for text in texts[:3]] == [f"new: channel {k} is"[:17] for k in range(3)]
    assert texts[3:] == ["new: and 6 more channels"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"ranges": [[1, 2]]},
        {"ranges": [[1, 2, "3"]]},
        {"ranges": [[1, 2, float("nan")]]},
        {"ranges": 3},
        {"step": [0, "s"]},
        {"step": [1.0]},
        {"step": "s"},
        {"step": [1.0, 2]},
    ],
)
def test_what_a_folder_does_not_hold_rightly_is_not_known(wrong):
    assert Known.of(wrong) == Known()
