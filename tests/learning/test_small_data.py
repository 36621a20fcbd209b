"""What few cases need: an early end, the mean of the last weights, weights of classes."""

import dataclasses
import math

import numpy as np
import pytest
from scipy.special import log_softmax

import spinrnn
from spinrnn.learning.average import add_to_average
from spinrnn.learning.trainer import Trainer
from spinrnn.runs import checkpoints


def changed(config, task=None, **train):
    network = dataclasses.replace(config.network, dtype="float64")
    train = dataclasses.replace(config.train, **train)
    return dataclasses.replace(config, network=network, train=train, task=task or config.task)


def interrupted(config, data, folder, steps):
    """The run in a folder that was stopped after so many steps."""
    calls = []

    def stop():
        calls.append(0)
        return len(calls) > steps

    with pytest.raises(spinrnn.Interrupted):
        spinrnn.train(config, folder, data=data, stop=stop)
    return spinrnn.train(config, folder, resume=True, data=data)


# ---- early stopping ----


@pytest.mark.parametrize(
    ("scores", "patience", "ended"),
    [
        ([0.5, 0.6, 0.6, 0.6], 2, True),
        ([0.5, 0.6, 0.6], 2, False),
        ([0.6, 0.5, 0.7, 0.5], 2, False),
        # a tie is no better score
        ([0.6, 0.6, 0.6], 2, True),
        ([0.5] * 9, 0, False),
        ([], 1, False),
    ],
)
def test_patience_is_counted_from_the_last_better_score(
    scores, patience, ended, tiny_config, tiny_data
):
    trainer = Trainer(changed(tiny_config, patience=patience), tiny_data)
    trainer.history = [{"validation_accuracy": score} for score in scores]
    assert trainer.stopped == ended


def test_a_lower_loss_is_better_for_a_regression(tiny_config, tiny_data):
    task = spinrnn.Regression()
    data = spinrnn.Dataset(tiny_data.inputs, targets=np.zeros((120, 3)))
    trainer = Trainer(changed(tiny_config, task, patience=2), data)
    trainer.history = [{"validation_loss": loss} for loss in (3.0, 2.0, 1.0, 1.5)]
    assert not trainer.stopped
    trainer.history += [{"validation_loss": 1.2}]
    assert trainer.stopped


def test_a_training_ends_early_and_after_a_resumption_at_the_same_epoch(
    tmp_path, tiny_config, tiny_data
):
    # a rate of nothing, so that no epoch after the first is better
    config = changed(tiny_config, patience=2, learning_rate=1e-30)
    whole = spinrnn.train(config, data=tiny_data)
    assert whole.summary["epochs"] == len(whole.history) == 3
    again = interrupted(config, tiny_data, tmp_path / "run", 14)
    assert again.history[-1]["epoch"] == 3
    np.testing.assert_array_equal(again.network.parameters, whole.network.parameters)


# ---- the mean of the last weights ----


def test_the_mean_is_plain_at_first_and_then_forgets():
    weights = np.random.default_rng(0).normal(size=(400, 3))
    average, span = np.full(3, 9.0), 20.0
    keep, expected = math.exp(-1 / span), np.zeros(3)
    for k, w in enumerate(weights, 1):
        add_to_average(average, w, k, span)
        if k <= 20:
            np.testing.assert_allclose(average, weights[:k].mean(axis=0), rtol=1e-12)
            expected = average.copy()
        else:
            expected = keep * expected + (1 - keep) * w
            np.testing.assert_allclose(average, expected, rtol=1e-12, atol=1e-14)


def test_the_mean_is_validated_and_kept(tiny_config, tiny_data):
    """It is that of the weights after each step, which go on as without it."""
    config, plain = changed(tiny_config, average=0.5), changed(tiny_config)
    trainer, other, mean = Trainer(config, tiny_data), Trainer(plain, tiny_data), None
    pairs = zip(trainer.steps(), other.steps(), strict=True)
    for steps, (record, _) in enumerate(pairs, 1):
        np.testing.assert_array_equal(trainer.net.parameters, other.net.parameters)
        mean = other.net.parameters.copy() if mean is None else mean
        add_to_average(mean, other.net.parameters, steps, 0.5 * trainer.batches)
        if record:
            net = trainer.net.replace()
            net.parameters = mean
            found = spinrnn.evaluate(net, trainer.validation)
            assert record["validation_loss"] == found.loss
    assert trainer.best is not None
    np.testing.assert_array_equal(trainer.average, mean)
    best = trainer.best_network()
    assert spinrnn.evaluate(best, trainer.validation).loss == trainer.best["validation_loss"]
    assert not (best.parameters == trainer.net.parameters).all()


def test_a_mean_goes_on_to_the_same_bits(tmp_path, tiny_config, tiny_data):
    config = changed(tiny_config, average=1.0)
    whole = spinrnn.train(config, data=tiny_data)
    again = interrupted(config, tiny_data, tmp_path / "run", 8)
    np.testing.assert_array_equal(again.network.parameters, whole.network.parameters)
    arrays = checkpoints.load_newest_checkpoint(tmp_path / "run")[1]
    assert "average_parameters" in arrays
    spinrnn.train(changed(tiny_config), tmp_path / "other", data=tiny_data)
    arrays = checkpoints.load_newest_checkpoint(tmp_path / "other")[1]
    assert "average_parameters" not in arrays


# ---- weights of classes ----


def uneven(data):
    """40, 10 and 4 cases of three classes."""
    return data.take(np.r_[0:40, 40:50, 80:84])


def test_balanced_weights_make_each_class_count_alike(tiny_data):
    part = uneven(tiny_data)
    weights = spinrnn.Classification(class_weights="balanced").class_weights_of(part, 4)
    assert weights is not None
    np.testing.assert_allclose(weights, [54 / 120, 54 / 30, 54 / 12, 0])
    counts = np.bincount(part.labels, minlength=4)
    assert (weights * counts).sum() == pytest.approx(54)
    assert spinrnn.Classification().class_weights_of(part, 3) is None


def test_the_weighted_loss_and_its_gradient(tiny_config, tiny_data):
    """What a step sees is the loss written out, and its slope, to 1e-8."""
    config = changed(tiny_config, spinrnn.Classification(class_weights="balanced"))
    trainer = Trainer(config, uneven(tiny_data))
    net, part = trainer.net, trainer.training
    known = config.task.targets(net, part)
    found = net.prepared().logits_loss_grad(part.inputs, known, part.lengths)

    def loss(parameters):
        net.parameters = parameters
        logs = log_softmax(net.forward(part.inputs, part.lengths), axis=1)
        own = -logs[np.arange(len(part)), part.labels]
        return np.mean([own[part.labels == k].mean() for k in range(3)])

    start = net.parameters.copy()
    assert found[1] == pytest.approx(loss(start), rel=1e-12)
    direction = np.random.default_rng(0).normal(size=start.size)
    slope = (loss(start + 1e-5 * direction) - loss(start - 1e-5 * direction)) / 2e-5
    assert abs(found[2] @ direction - slope) < 1e-8 * np.abs(found[2] * direction).sum()


def test_a_step_of_training_is_weighted(tiny_config, tiny_data):
    """The loss of an epoch of one batch is that of the mean over classes."""
    task = spinrnn.Classification(class_weights="balanced")
    config = changed(tiny_config, task, batch=99, epochs=1, noise=0.0)
    trainer = Trainer(config, uneven(tiny_data))
    net, part = trainer.net.replace(), trainer.training
    logs = log_softmax(net.forward(part.inputs, part.lengths), axis=1)
    own = -logs[np.arange(len(part)), part.labels]
    record = next(trainer.steps())
    assert record is not None
    expected = np.mean([own[part.labels == k].mean() for k in range(3)])
    assert record["train_loss"] == pytest.approx(expected, rel=1e-10)


def test_a_reservoir_weighs_rows(tiny_config, tiny_data):
    """Each case as often as its weight says gives the same readout."""
    task = spinrnn.Classification(class_weights="balanced")
    base = changed(tiny_config, estimator=spinrnn.Reservoir())
    data = tiny_data.take(np.r_[0:40, 40:60, 80:90])
    trainer = Trainer(dataclasses.replace(base, task=task), data)
    weights = task.class_weights_of(trainer.training, 3)
    often = np.rint(weights / weights.min()).astype(int)
    np.testing.assert_allclose(weights, often * weights.min())
    list(trainer.steps())
    other = Trainer(base, data)
    for name in ("training", "validation"):
        part = getattr(other, name)
        setattr(other, name, part.take(np.repeat(np.arange(len(part)), often[part.labels])))
    list(other.steps())
    scale = np.abs(other.net.parameters).max()
    np.testing.assert_allclose(trainer.net.parameters, other.net.parameters, atol=1e-8 * scale)


def test_class_weights_choose_the_penalty(tiny_config, tiny_data):
    """The cases that choose it count as those that are learned from."""
    task = spinrnn.Classification(class_weights="balanced")
    config = changed(tiny_config, task, estimator=spinrnn.Reservoir())
    trainer = Trainer(config, uneven(tiny_data))
    weights = task.class_weights_of(trainer.training, 3)
    labels = trainer.validation.labels
    assert len(np.unique(weights[labels])) > 1
    np.testing.assert_array_equal(trainer.validation.weights, weights[labels])


def test_labels_at_points_have_no_weights():
    labels = np.zeros((3, 5), dtype=int)
    data = spinrnn.Dataset(np.zeros((3, 1, 5)), labels)
    task = spinrnn.Classification(class_weights="balanced")
    with pytest.raises(spinrnn.DataError, match=r"task\.class_weights: .*one label"):
        task.class_weights_of(data, 2)
