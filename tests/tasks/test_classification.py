"""Classification by hand: loss, accuracy and confusion of outputs that are written down;
and what a task says about its scores.
"""

import dataclasses

import numpy as np
import pytest

import spinrnn
from spinrnn.kernels.losses import Targets
from spinrnn.tasks.protocol import Evaluation

OUTPUTS = np.log([[1.0, 2, 1], [1, 2, 5], [6, 1, 1], [2, 1, 7]])
LABELS = np.array([1, 1, 0, 0])


def targets_of(labels):
    """`Targets` of (case,) or (case, R) labels."""
    labels = labels.reshape(len(labels), -1)
    return Targets(labels, np.empty((len(labels), 0, 0)), np.ones(len(labels)))


def test_an_evaluation_by_hand():
    """The shares of the right classes are 2/4, 2/8, 6/8 and 2/10."""
    found = spinrnn.Classification().evaluation(OUTPUTS, targets_of(LABELS))
    assert found.loss == pytest.approx(-np.log([0.5, 0.25, 0.75, 0.2]).mean(), rel=1e-14)
    assert found.accuracy == 0.5
    np.testing.assert_array_equal(found.confusion, [[1, 0, 1], [0, 1, 1], [0, 0, 0]])
    assert found.balanced_accuracy == 0.5
    assert list(found.scores) == ["loss", "accuracy", "balanced_accuracy"]
    assert {type(value) for value in found.scores.values()} == {float}
    assert (found.largest_class_share, found.never_answered.tolist()) == (0.5, [])


def test_what_an_accuracy_hides():
    """Five cases of class 0 and one of class 2, all answered by 0."""
    outputs = np.tile([3.0, 1, 2], (6, 1))
    found = spinrnn.Classification().evaluation(outputs, targets_of(np.array([0, 0, 0, 2, 0, 0])))
    assert found.accuracy == pytest.approx(5 / 6)
    assert found.balanced_accuracy == 0.5
    assert found.largest_class_share == pytest.approx(5 / 6)
    assert found.never_answered.tolist() == [2]


def test_ties_are_counted_where_there_are_any():
    """Two of four cases have several largest outputs."""
    outputs = np.array([[1.0, 1, 0], [0, 2, 1], [-3, -3, -3], [1, 1, 2]])
    found = spinrnn.Classification().evaluation(outputs, targets_of(np.array([0, 1, 1, 2])))
    assert found.further["tied"] == 0.5
    assert found.accuracy == 0.75
    assert "tied" not in spinrnn.Classification().evaluation(OUTPUTS, targets_of(LABELS)).further


def test_classes_at_points_by_hand():
    """Two cases with three and one labels: means over the cases of their own means."""
    outputs = np.zeros((2, 2, 3))
    outputs[:, 1] = np.log([[3.0, 1, 1], [1, 1, 7]])
    labels = np.array([[1, 0, 1], [-1, -1, 1]])
    found = spinrnn.Classification().evaluation(outputs, targets_of(labels))
    losses = [-np.log([3 / 4, 1 / 2, 1 / 2]).mean(), -np.log(7 / 8)]
    assert found.loss == pytest.approx(np.mean(losses), rel=1e-14)
    right = spinrnn.Classification().per_case(outputs, targets_of(labels))["accuracy"]
    np.testing.assert_allclose(right, [2 / 3, 1])
    assert found.accuracy == pytest.approx(np.mean([2 / 3, 1]))
    np.testing.assert_array_equal(found.confusion, [[1, 0], [1, 2]])


def test_a_case_is_right_where_its_largest_output_is_the_labels():
    right = spinrnn.Classification().per_case(OUTPUTS, targets_of(LABELS))
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
