"""Equilibrium propagation in a training: flips by the law, free phases that have settled,
resumption to the bit, runs like any other, and no accuracy where labels say nothing.
"""

import dataclasses

import numpy as np
import pytest

import spinrnn
from spinrnn.config.run import from_tables
from spinrnn.kernels.losses import Targets
from spinrnn.learning.trainer import Trainer, evaluate
from spinrnn.systems.equilibrium import CONDITIONS, tables

DIGITS = spinrnn.load_digits()
FEW = DIGITS.take(np.arange(400))


def trainer_of(name, epochs=1, data=FEW, layers=(32,), **train):
    """A training of a condition of the study, of few neurons."""
    given = CONDITIONS[name]
    made = tables({**given, "train": {**given["train"], "epochs": epochs, **train}}, 0, 50)
    made["network"] |= {"layers": list(layers), "steps": 20, "dtype": "float64"}
    return Trainer(from_tables(made).fitted_to(data), data)


def test_every_flip_is_one_of_the_law():
    """a <- (1 - gamma) a + gamma g; a sign turns over where -sign(w) a > tau, and
    nowhere else.
    """
    trainer = trainer_of("binary")
    writer, net = trainer.config.train.writer, trainer.net
    mean, is_weight, turned = np.zeros(net.layout.size), net.layout.is_weight(), 0
    estimator, seen = trainer.config.train.estimator, []
    original = type(estimator).estimate

    def estimate(self, *arguments):
        found = original(self, *arguments)
        # the writer's change takes its place
        seen.append(found.gradient.copy())
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(estimator), "estimate", estimate)
        before = np.sign(net.effective())
        for _ in trainer.steps():
            mean = (1 - writer.gamma) * mean - writer.gamma * seen[-1].astype(float)
            now, law = np.sign(net.effective()), -before * mean > writer.tau
            near = np.abs(-before * mean - writer.tau) < 1e-6 * writer.tau
            np.testing.assert_array_equal(((now != before) == law)[is_weight & ~near], True)
            turned += np.count_nonzero(law & is_weight)
            before = now
    assert turned > 15
    assert trainer.learner.events.count == pytest.approx(turned, rel=0.01)


@pytest.mark.parametrize(("name", "steps"), [("binary", 40), ("real", 100)])
def test_a_free_phase_on_digits_has_settled(name, steps):
    made = tables(CONDITIONS[name], 0, 50)
    made["network"] |= {"layers": [256], "steps": steps, "dtype": "float64"}
    net = spinrnn.network_of(from_tables(made).fitted_to(DIGITS).network, seed=1)
    u = DIGITS.inputs[:200].reshape(200, 64, 1)
    ends = [np.concatenate(net.settle(u, count), axis=1) for count in (steps, steps + 1)]
    assert np.abs(ends[1] - ends[0]).max() < 1e-10
    assert np.ptp(ends[0]) > 0.9


def test_a_training_goes_on_to_the_same_bits():
    whole = trainer_of("binary", epochs=2)
    for _ in whole.steps():
        pass
    part = trainer_of("binary", epochs=2)
    steps = part.steps()
    for _ in range(10):
        next(steps)
    arrays, state = part.state()
    arrays = {name: array.copy() for name, array in arrays.items()}
    other = trainer_of("binary", epochs=2)
    other.restore(arrays, state)
    for _ in other.steps():
        pass
    np.testing.assert_array_equal(other.net.parameters, whole.net.parameters)
    assert other.history[-1]["train_loss"] == whole.history[-1]["train_loss"]


def test_oscillators_that_differ_learn_digits():
    trainer = trainer_of("oscillators, 10 %", epochs=8, schedule="constant")
    records = [record for record in trainer.steps() if record]
    assert records[-1]["train_accuracy"] > 0.6
    assert records[-1]["train_loss"] < 0.6 * records[0]["train_loss"]
    chances = spinrnn.predict(trainer.net, FEW, task=spinrnn.Classification()).probabilities
    np.testing.assert_allclose(chances.sum(axis=1), 1, rtol=1e-6)


def test_series_of_numbers_are_learned_too():
    """Values are emitted around the middle of the two levels."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(200, 1, 4)).astype(np.float32)
    targets = 3 + 0.5 * np.tanh(inputs[:, 0] @ rng.normal(size=(4, 1)))
    data = spinrnn.Dataset(inputs, targets=targets)
    config = from_tables(
        {
            "network": {
                "kind": "symmetric",
                "layers": [16],
                "output_amplification": 4.0,
                "dtype": "float64",
            },
            "neuron": {"kind": "oscillator"},
            "task": {"kind": "regression"},
            "estimator": {"kind": "equilibrium", "nudge": "drive", "sign": "symmetric"},
            "train": {"epochs": 30, "learning_rate": 0.01, "noise": 0.0},
            "data": {"scaling": "standard"},
        }
    )
    trainer = Trainer(config.fitted_to(data), data)
    for _ in trainer.steps():
        pass
    found = evaluate(trainer.net, trainer.test)
    assert found.r2 > 0.8


def test_a_device_in_the_loop_is_told_to_lack_a_nudge():
    trainer = trainer_of("real")
    targets = trainer.config.task.targets(trainer.net, FEW)
    measured = np.zeros((len(FEW), 10, 1))
    with pytest.raises(spinrnn.DataError, match=r'take estimator\.kind = "bptt"'):
        trainer.config.train.estimator.estimate(
            trainer.prepared, FEW.flat().inputs, targets._replace(measured=measured), None, 0
        )
    assert isinstance(targets, Targets)


def test_other_networks_have_no_two_phases():
    with pytest.raises(spinrnn.ConfigError, match=r'set network.kind to "symmetric"'):
        from_tables({"estimator": {"kind": "equilibrium"}})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("real", 96, 100), ("binary", 92.5, 100), ("binary, shuffled", 0, 20)],
)
def test_digits_are_learned_and_labels_without_meaning_are_not(name, least, most):
    data = DIGITS
    if name.endswith("shuffled"):
        order = np.random.default_rng(0).permutation(len(data))
        assert data.labels is not None
        data = dataclasses.replace(data, labels=data.labels[order])
    trainer = trainer_of(name, CONDITIONS[name]["train"]["epochs"], data, (256,))
    for _ in trainer.steps():
        pass
    found = 100 * evaluate(trainer.best_network(), trainer.test).accuracy
    assert least <= found <= most
    if name == "binary":
        flips = [record["programming_count"] for record in trainer.history]
        assert np.mean(flips[-10:]) < 0.2 * np.mean(flips[:3])
