"""Classification by hand: loss, accuracy and confusion of outputs that are written down;
and what a task says about its scores.
"""

import dataclasses

import numpy as np
import pytest

import spinrnn
from spinrnn.tasks.protocol import Evaluation

OUTPUTS = np.log([[1.0, 2, 1], [1, 2, 5], [6, 1, 1], [2, 1, 7]])
TARGETS = np.array([1, 1, 0, 0])


def test_an_evaluation_by_hand():
    """The shares of the right classes are 2/4, 2/8, 6/8 and 2/10."""
    found = spinrnn.Classification().evaluation(OUTPUTS, TARGETS)
    assert found.loss == pytest.approx(-np.log([0.5, 0.25, 0.75, 0.2]).mean(), rel=1e-14)
    assert found.accuracy == 0.5
    np.testing.assert_array_equal(found.confusion, [[1, 0, 1], [0, 1, 1], [0, 0, 0]])
    assert found.scores == {"loss": found.loss, "accuracy": 0.5}
    assert [type(value) for value in found.scores.values()] == [float, float]
    assert list(found.further) == ["confusion"]


def test_a_case_is_right_where_its_largest_output_is_the_labels():
    right = spinrnn.Classification().per_case(OUTPUTS, TARGETS)
    assert list(right) == ["accuracy"]
    np.testing.assert_array_equal(right["accuracy"], [True, False, True, False])


def test_what_an_evaluation_does_not_have():
    found = Evaluation({"loss": 0.25, "accuracy": 0.5}, {"confusion": np.eye(2)})
    assert repr(found) == "Evaluation(loss=0.25, accuracy=0.5)"
    with pytest.raises(AttributeError, match="there is no los; there are loss, accuracy, confu"):
        _ = found.los


@pytest.mark.parametrize(("chooses", "higher"), [("accuracy", True), ("loss", False)])
def test_the_better_of_two_values_is_the_scores(chooses, higher):
    """The later one of two that are the same, as it comes of the smaller rate."""
    by_this = {"chooses": chooses, "kind": "made_task", "__module__": __name__}
    task = dataclasses.dataclass(frozen=True)(type("By", (spinrnn.Classification,), by_this))
    assert task.better(0.5, 0.25) is higher
    assert task.better(0.25, 0.5) is not higher
    assert task.better(0.5, 0.5)
    assert not task.better(np.nan, 0.5)
