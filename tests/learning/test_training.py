"""Training: it learns, it is a function of its seed, masks hold, the test part is not looked at, divergence is told with its place."""

import dataclasses

import numpy as np
import pytest

import spinrnn
from spinrnn.learning.trainer import Trainer, evaluate
from spinrnn.runs.run import summarise


def with_train(config, **changes):
    return dataclasses.replace(config, train=dataclasses.replace(config.train, **changes))


def with_network(config, **changes):
    return dataclasses.replace(config, network=dataclasses.replace(config.network, **changes))


@pytest.mark.parametrize("neuron", ["oscillator", "ctrnn"])
@pytest.mark.parametrize("scheme", ["exponential", "euler"])
def test_it_learns(tiny_config, tiny_data, neuron, scheme):
    config = with_train(with_network(tiny_config, neuron=neuron, scheme=scheme), epochs=25)
    result = spinrnn.train(config, data=tiny_data)
    assert result.summary["test_accuracy"] > 0.9
    assert result.history[-1]["train_loss"] < result.history[0]["train_loss"] / 3
    assert result.summary["test_accuracy"] == np.trace(result.summary["confusion"]) / np.sum(
        result.summary["confusion"]
    )
    assert result.folder is None


def test_the_result_is_a_function_of_the_seed(tiny_config, tiny_data):
    first, again = (spinrnn.train(tiny_config, data=tiny_data) for _ in range(2))
    other = spinrnn.train(with_train(tiny_config, seed=1), data=tiny_data)
    assert first.network.parameters.tobytes() == again.network.parameters.tobytes()
    assert first.network.parameters.tobytes() != other.network.parameters.tobytes()


@pytest.mark.parametrize(("density_int", "sparse"), [(0.15, True), (0.5, False)])
def test_masked_weights_never_move(tiny_config, tiny_data, density_int, sparse):
    config = with_train(
        with_network(tiny_config, density_int=density_int, density_ext=0.4),
        weight_decay=0.1,
        noise=0.3,
    )
    trainer = Trainer(config, tiny_data)
    assert trainer.net._packing().sparse == sparse
    mask = trainer.net.mask.copy()
    for _ in trainer.steps():
        assert (trainer.net.parameters[~mask] == 0).all()
    np.testing.assert_array_equal(trainer.net.mask, mask)


@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_stopping_anywhere_and_restoring_changes_nothing(tiny_config, tiny_data, noise):
    config = with_train(tiny_config, noise=noise)
    whole = Trainer(config, tiny_data)
    for _ in whole.steps():
        pass
    total = whole.adam.steps
    for stop in range(0, total + 1, 3):
        first = Trainer(config, tiny_data)
        for count, _ in enumerate(first.steps(), 1):
            if count >= stop:
                break
        arrays, state = first.state()
        arrays = {name: array.copy() for name, array in arrays.items()}
        second = Trainer(config, tiny_data)
        second.restore(arrays, state)
        for _ in second.steps():
            pass
        assert second.net.parameters.tobytes() == whole.net.parameters.tobytes()
        assert second.best_parameters.tobytes() == whole.best_parameters.tobytes()
        for a, b in zip(second.history, whole.history, strict=True):
            assert {k: v for k, v in a.items() if k != "seconds"} == {
                k: v for k, v in b.items() if k != "seconds"
            }


def test_every_case_is_seen_once_in_an_epoch_and_the_test_part_never(
    tiny_config, tiny_data, monkeypatch
):
    trainer = Trainer(with_train(tiny_config, noise=0.0, epochs=2), tiny_data)
    seen = []
    right = trainer.net.logits_loss_grad

    def watch(u, labels, lengths, noise_seed):
        seen.append(u)
        return right(u, labels, lengths, noise_seed)

    monkeypatch.setattr(trainer.net, "logits_loss_grad", watch)
    for _ in trainer.steps():
        pass

    def key(u):
        return sorted(case.tobytes() for case in u)

    seen = np.concatenate(seen)
    half = len(seen) // 2
    assert key(seen[:half]) == key(seen[half:]) == key(trainer.training.inputs)
    assert (seen[:half] != seen[half:]).any()
    assert not set(key(seen)) & set(key(trainer.test.inputs))


def test_the_best_epoch_is_that_of_the_validation_part(tiny_config, tiny_data):
    trainer = Trainer(
        with_train(tiny_config, epochs=12, learning_rate=0.3, schedule="constant"), tiny_data
    )
    kept = []
    for record in trainer.steps():
        if record:
            kept.append(trainer.net.parameters.copy())
    ranks = [r["validation_accuracy"] for r in trainer.history]
    best = max(k for k, accuracy in enumerate(ranks) if accuracy == max(ranks))
    assert trainer.best["epoch"] == best + 1
    assert trainer.best_parameters.tobytes() == kept[best].tobytes()
    assert evaluate(trainer.best_network(), trainer.validation).accuracy == max(ranks)


def test_the_split_follows_the_seed_unless_it_is_fixed(tiny_config, tiny_data):
    def test_part(seed, split_seed):
        config = with_train(
            dataclasses.replace(tiny_config, data=spinrnn.DataConfig(split_seed=split_seed)),
            seed=seed,
        )
        return Trainer(config, tiny_data).test.inputs.tobytes()

    assert test_part(0, None) == test_part(1, 0) == test_part(0, 0)
    assert test_part(1, None) == test_part(0, 1) != test_part(0, None)


def test_the_rate_falls_over_the_run(tiny_config, tiny_data):
    rates = [
        r["learning_rate"]
        for r in spinrnn.train(with_train(tiny_config, epochs=6), data=tiny_data).history
    ]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.02 * rates[0]


def test_noise_and_clipping_act(tiny_config, tiny_data):
    plain = spinrnn.train(with_train(tiny_config, noise=0.0, clip=0.0), data=tiny_data)
    noisy = spinrnn.train(with_train(tiny_config, noise=0.5, clip=0.0), data=tiny_data)
    clipped = spinrnn.train(with_train(tiny_config, noise=0.0, clip=1e-3), data=tiny_data)
    assert len({r.network.parameters.tobytes() for r in (plain, noisy, clipped)}) == 3


def test_divergence_says_where_and_what_to_try(tiny_config, tiny_data):
    config = with_train(
        with_network(tiny_config, scheme="euler", power_floor=0.0), learning_rate=300.0, clip=0.0
    )
    with pytest.raises(
        spinrnn.DivergenceError,
        match=r"diverged in epoch \d+, batch .*layer \d, neuron \d, step \d.*try network.scheme",
    ):
        spinrnn.train(config, data=tiny_data)


def test_data_that_do_not_fit(tiny_config, tiny_data):
    with pytest.raises(spinrnn.DataError, match="inputs = 3"):
        spinrnn.train(with_network(tiny_config, inputs=3), data=tiny_data)
    with pytest.raises(spinrnn.DataError, match="labels: must be from 0 to 1"):
        spinrnn.train(with_network(tiny_config, outputs=2), data=tiny_data)
    with pytest.raises(spinrnn.DataError, match="readout_window"):
        spinrnn.train(with_network(tiny_config, readout_window=5), data=tiny_data)


def test_the_test_part_takes_no_part_in_training(tiny_config, tiny_data):
    """With another test part everything up to the end is the same to the bit."""
    first = Trainer(tiny_config, tiny_data)
    second = Trainer(tiny_config, tiny_data)
    second.test.inputs[:] = 100.0
    for trainer in (first, second):
        for _ in trainer.steps():
            pass
    assert first.best_parameters.tobytes() == second.best_parameters.tobytes()
    assert [r["validation_loss"] for r in first.history] == [
        r["validation_loss"] for r in second.history
    ]


def test_records_are_means_over_cases_and_batches(tiny_config, tiny_data):
    """84 training cases in batches of 60 and 24, with a learning rate that changes nothing: the epoch's loss is that of the whole part."""
    config = with_train(tiny_config, batch=60, epochs=1, noise=0.0, learning_rate=1e-30)
    trainer = Trainer(config, tiny_data)
    assert len(trainer.training) % 60
    norms = []
    right = trainer.net.logits_loss_grad

    def watch(*arguments):
        result = right(*arguments)
        norms.append(np.linalg.norm(result[2].astype(float)))
        return result

    trainer.net.logits_loss_grad = watch
    (record,) = [r for r in trainer.steps() if r]
    part = trainer.training
    assert record["train_loss"] == pytest.approx(
        trainer.net.loss(part.inputs, part.labels, part.lengths), rel=1e-5
    )
    assert record["train_accuracy"] == pytest.approx(evaluate(trainer.net, part).accuracy)
    assert record["gradient_norm"] == pytest.approx(np.mean(norms), rel=1e-5)
    assert record["gradient_norm_max"] == pytest.approx(max(norms), rel=1e-5)


def test_confusion_has_labels_in_rows():
    net = spinrnn.Network(spinrnn.NetworkConfig(layers=(2,), outputs=2))
    net.parameters[:] = 0
    net.views()["b_out"][:] = [0, 1]
    score = evaluate(net, spinrnn.Dataset(np.ones((4, 1, 2)), [0, 0, 0, 1]))
    np.testing.assert_array_equal(score.confusion, [[0, 3], [0, 1]])
    assert score.accuracy == 0.25


def test_noise_differs_from_batch_to_batch(tiny_config, tiny_data, monkeypatch):
    trainer = Trainer(with_train(tiny_config, noise=1.0, epochs=2, batch=42), tiny_data)
    trainer.training.inputs[:] = 0
    seen = []
    right = trainer.net.logits_loss_grad
    monkeypatch.setattr(
        trainer.net,
        "logits_loss_grad",
        lambda u, *rest: (seen.append(u.tobytes()), right(u, *rest))[1],
    )
    for _ in trainer.steps():
        pass
    assert len(set(seen)) == len(seen) == 4


def test_the_summary_is_of_the_best_epoch(tiny_config, tiny_data):
    trainer = Trainer(tiny_config, tiny_data)
    for _ in trainer.steps():
        pass
    trainer.net.parameters[:] = 0  # as if the last epoch had been a bad one
    summary = summarise(trainer, trainer.best_network(), 0.0)
    assert (
        summary["test_loss"]
        == evaluate(trainer.best_network(), trainer.test).loss
        != evaluate(trainer.net, trainer.test).loss
    )
