"""Training: it learns, each part of a step has its value, masks hold, the test part is
not looked at, divergence is told with its place.
"""

import dataclasses

import numpy as np
import pytest

import spinrnn
from spinrnn.learning.learner import Step
from spinrnn.learning.trainer import Trainer, _Sums, evaluate
from spinrnn.runs.run import summarise
from spinrnn.synapses.protocol import Events
from spinrnn.tasks.protocol import Evaluation


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


def test_the_result_is_the_same_to_the_bit(tiny_config, tiny_data):
    first, again = (spinrnn.train(tiny_config, data=tiny_data) for _ in range(2))
    assert first.network.parameters.tobytes() == again.network.parameters.tobytes()
    for a, b in zip(first.history, again.history, strict=True):
        assert {**a, "seconds": 0} == {**b, "seconds": 0}


# ---- what a step does, by its values ----


def watched(trainer):
    """Lets the trainer do its first two epochs; what it asked of the network.

    Returns:
        A list of (inputs, labels, lengths, noise seed, gradient before clipping).
    """
    seen, right = [], trainer.prepared.logits_loss_grad

    def watch(u, labels, lengths, noise_seed):
        result = right(u, labels, lengths, noise_seed)
        seen.append((u.copy(), labels, lengths, noise_seed, result[2].copy()))
        return result

    trainer.prepared.logits_loss_grad = watch
    records = []
    for record in trainer.steps():
        if record:
            records.append(record)
            if len(records) == 2:
                break
    return seen


def test_initial_weights_and_masks_follow_the_seed(tiny_config, tiny_data):
    """With one split, as that follows the seed, too."""
    fixed = dataclasses.replace(tiny_config, data=spinrnn.DataConfig(split_seed=0))
    nets = [Trainer(with_train(fixed, seed=seed), tiny_data).net for seed in (0, 1)]
    for seed, net in enumerate(nets):
        expected = spinrnn.Network(fixed.network, seed=seed)
        np.testing.assert_array_equal(net.parameters, expected.parameters)
        np.testing.assert_array_equal(net.mask, expected.mask)
    assert (nets[0].parameters != nets[1].parameters).mean() > 0.5
    assert (nets[0].mask != nets[1].mask).any()


@pytest.mark.parametrize("seed", [0, 7])
def test_a_batch_is_the_next_of_the_seeds_order_with_the_seeds_noise(tiny_config, tiny_data, seed):
    """Order, input noise and thermal noise are those of (seed, purpose, epoch, batch).

    Folders of earlier versions go on to the same bits only if these numbers stay.
    """
    config = with_train(tiny_config, seed=seed, noise=0.2, epochs=2)
    config = dataclasses.replace(config, data=spinrnn.DataConfig(split_seed=0))
    trainer = Trainer(config, tiny_data)
    part, seen = trainer.training, watched(Trainer(config, tiny_data))
    # 84 cases in batches of 16: five and one of four
    assert len(seen) == 12
    assert [len(targets.labels) for _, targets, *_ in seen[:6]] == [16] * 5 + [4]
    for k, (inputs, targets, lengths, noise_seed, _) in enumerate(seen):
        epoch, batch = divmod(k, 6)
        order = np.random.default_rng([seed, 1, epoch]).permutation(84)
        cases = order[16 * batch : 16 * batch + 16]
        rng = np.random.default_rng([seed, 2, epoch, batch])
        noise = rng.standard_normal((len(cases), 2, 5), dtype=np.float32)
        np.testing.assert_array_equal(inputs, part.inputs[cases] + 0.2 * noise)
        np.testing.assert_array_equal(targets.labels[:, 0], part.labels[cases])
        np.testing.assert_array_equal(lengths, part.lengths[cases])
        assert noise_seed == (seed, 3, epoch, batch)


def test_input_noise_is_normal_and_of_the_given_width(tiny_config, tiny_data):
    """Moments of 20,000 numbers: a uniform or squared one has others.

    The statistical errors are 0.007 of the mean and of 1, 0.025 of the fourth moment's
    3.
    """
    inputs = np.zeros((4000, 2, 5), np.float32)
    data = spinrnn.Dataset(inputs, np.arange(4000) % 3)
    config = with_train(tiny_config, noise=0.3, batch=4000, epochs=2)
    seen = watched(Trainer(config, data))
    z = seen[0][0].ravel() / 0.3
    assert abs(z.mean()) < 0.03
    assert abs(z.std() - 1) < 0.02
    assert abs((z**4).mean() - 3) < 0.15
    assert abs((z**3).mean()) < 0.1
    # all numbers of one batch are independent, and so are those of two
    for other in (np.roll(z, 1), seen[1][0].ravel() / 0.3):
        assert abs(np.corrcoef(z, other)[0, 1]) < 0.03
    calm = watched(Trainer(with_train(config, noise=0.0), data))
    assert not calm[0][0].any()


def test_thermal_noise_of_a_batch_acts_by_its_seed(tiny_config, tiny_data):
    """The gradient is the network's with this noise, another one with another seed."""
    config = with_network(tiny_config, thermal_power=0.05)
    config = dataclasses.replace(config, data=spinrnn.DataConfig(split_seed=0))
    config = with_train(config, noise=0.0, clip=0.0, epochs=2)
    for seed in (0, 1):
        trainer = Trainer(with_train(config, seed=seed), tiny_data)
        fresh = trainer.net.replace()
        inputs, targets, lengths, noise_seed, gradient = watched(trainer)[0]
        labels = targets.labels[:, 0]
        _, expected = fresh.loss_and_grad(inputs, labels, lengths, (seed, 3, 0, 0))
        np.testing.assert_array_equal(gradient, expected)
        _, other = fresh.loss_and_grad(inputs, labels, lengths, (seed + 1, 3, 0, 0))
        assert np.linalg.norm(gradient - other) > 0.01 * np.linalg.norm(gradient)
        assert noise_seed == (seed, 3, 0, 0)


def test_the_first_steps_are_adams_with_clipping_decay_and_rate(tiny_config, tiny_data):
    """Three steps written out, in float64: each gradient scaled to the norm 0.05,
    weights decayed and biases not, at the rates of a cosine over 12 steps that begins
    at its top.
    """
    config = with_train(
        with_network(tiny_config, dtype="float64"),
        epochs=2,
        learning_rate=0.3,
        clip=0.05,
        weight_decay=0.2,
        beta1=0.8,
        beta2=0.9,
        epsilon=1e-3,
    )
    trainer = Trainer(config, tiny_data)
    expected = trainer.net.parameters.copy()
    weights = np.ones(expected.size, bool)
    biases = spinrnn.Network(config.network, seed=0)
    biases.parameters[:] = 0
    for bias in [*biases.views()["bias"], biases.views()["b_out"]]:
        bias[:] = 1
    weights[biases.parameters == 1] = False
    assert (~weights).sum() == 6 + 5 + 3
    m = v = 0.0
    gradients, right = [], trainer.prepared.logits_loss_grad

    def watch(*arguments):
        result = right(*arguments)
        gradients.append(result[2].copy())
        return result

    trainer.prepared.logits_loss_grad = watch
    for t, _ in zip((1, 2, 3), trainer.steps(), strict=False):
        rate = 0.3 * (1 + np.cos(np.pi * (t - 1) / 12)) / 2
        g = gradients[-1] * 0.05 / np.linalg.norm(gradients[-1])
        m, v = 0.8 * m + 0.2 * g, 0.9 * v + 0.1 * g**2
        expected[weights] *= 1 - rate * 0.2
        expected -= rate * (m / (1 - 0.8**t)) / (np.sqrt(v / (1 - 0.9**t)) + 1e-3)
        np.testing.assert_allclose(trainer.net.parameters, expected, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(trainer.learner.memory["first"], m, rtol=1e-10, atol=1e-16)


def test_the_rates_of_a_run_are_those_of_its_last_batches(tiny_config, tiny_data):
    """4 epochs of 6 batches: the record of an epoch has the rate of its last step."""
    records = spinrnn.train(with_train(tiny_config, learning_rate=0.1), data=tiny_data).history
    steps = np.array([5, 11, 17, 23])
    expected = 0.05 * (1 + np.cos(np.pi * steps / 24))
    np.testing.assert_allclose([r["learning_rate"] for r in records], expected, rtol=1e-12)
    constant = with_train(tiny_config, learning_rate=0.1, schedule="constant", epochs=2)
    records = spinrnn.train(constant, data=tiny_data).history
    assert [r["learning_rate"] for r in records] == [0.1, 0.1]


def test_the_best_epoch_is_the_latest_of_the_highest_accuracy(tiny_config, tiny_data, monkeypatch):
    # none is that of the training part
    accuracies = iter([0.5, 0.8, 0.8, 0.7])

    def scripted(net, data, task, forward):
        return Evaluation({"accuracy": next(accuracies), "loss": 1.0}, {})

    trainer = Trainer(tiny_config, tiny_data)
    monkeypatch.setattr("spinrnn.learning.trainer.scored", scripted)
    kept = [trainer.net.parameters.copy() for record in trainer.steps() if record]
    assert trainer.best is trainer.history[2]
    assert (trainer.best["epoch"], trainer.best["validation_accuracy"]) == (3, 0.8)
    assert not {r["train_accuracy"] for r in trainer.history} & {0.5, 0.8, 0.7}
    assert trainer.best_parameters.tobytes() == kept[2].tobytes() != kept[3].tobytes()
    assert trainer.best_network().parameters.tobytes() == kept[2].tobytes()


def test_a_task_may_choose_by_the_lowest_loss(tiny_config, tiny_data, monkeypatch):
    """The latest of the lowest, whatever the accuracy is."""

    @dataclasses.dataclass(frozen=True)
    class ByLoss(spinrnn.Classification):
        kind = "made_by_loss"
        chooses = "loss"

    scores = iter([(0.5, 0.1), (0.25, 0.5), (0.25, 0.4), (0.75, 0.6)])

    def scripted(net, data, task, forward):
        return Evaluation(dict(zip(("loss", "accuracy"), next(scores), strict=True)), {})

    trainer = Trainer(dataclasses.replace(tiny_config, task=ByLoss()), tiny_data)
    monkeypatch.setattr("spinrnn.learning.trainer.scored", scripted)
    kept = [trainer.net.parameters.copy() for record in trainer.steps() if record]
    assert (trainer.best["epoch"], trainer.best["validation_loss"]) == (3, 0.25)
    assert trainer.best_parameters.tobytes() == kept[2].tobytes() != kept[3].tobytes()


def test_sums_of_an_epoch_are_over_cases_and_over_batches():
    sums, outputs = _Sums(), np.zeros((1, 1))
    right = [np.array([True, False, True]), np.array([True])]
    sums.add(Step(outputs, 0.5, 4.0, Events(2, 1.5, 1, 5)), 3, {"accuracy": right[0]})
    sums.add(Step(outputs, 2.5, 3.0, Events(1, 0.25, 0, 2)), 1, {"accuracy": right[1]})
    assert (sums.cases, sums.loss, sums.norm, sums.largest_norm) == (4, 4.0, 7.0, 4.0)
    assert sums.scores == {"accuracy": 3}
    assert type(sums.scores["accuracy"]) is int
    # those that are saturated stand there still
    assert sums.events == (3, 1.75, 1, 2)
    # as in a checkpoint that knew no saturated ones
    assert Events(*(3, 1.75, 1)) == (3, 1.75, 1, 0)


def test_sums_of_0_1_are_those_of_a_classification():
    """As its checkpoints have them, which stay as they are."""
    before = {"cases": 4, "loss": 4.0, "correct": 3, "norm": 7.0, "largest_norm": 4.0}
    given = dict(before)
    sums = _Sums.of(given)
    assert given == before
    assert sums == _Sums(4, 4.0, 7.0, 4.0, scores={"accuracy": 3})
    assert _Sums.of(vars(sums)) == sums


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
    total = whole.learner.steps
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
    right = trainer.prepared.logits_loss_grad

    def watch(u, labels, lengths, noise_seed):
        seen.append(u)
        return right(u, labels, lengths, noise_seed)

    monkeypatch.setattr(trainer.prepared, "logits_loss_grad", watch)
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


def diverging(trainer, call):
    """Lets the network fail at its n-th call, as if a neuron had blown up there."""
    calls, right = [], trainer.prepared.logits_loss_grad

    def fail(*arguments):
        calls.append(0)
        if len(calls) == call:
            raise spinrnn.DivergenceError("a power is infinite", case=4, layer=1, neuron=2, step=3)
        return right(*arguments)

    trainer.prepared.logits_loss_grad = fail


@pytest.mark.parametrize(
    ("scheme", "advice"),
    [
        ("exponential", "try a smaller train.learning_rate or train.clip"),
        (
            "euler",
            'try network.scheme = "exponential", more network.substeps, or a smaller '
            "train.learning_rate or train.clip",
        ),
    ],
)
def test_divergence_says_where_and_what_to_try(tiny_config, tiny_data, scheme, advice):
    """The ninth batch is the third of the second epoch; its step is not done."""
    trainer = Trainer(with_network(tiny_config, scheme=scheme), tiny_data)
    diverging(trainer, 9)
    before = []
    steps = (before.append(trainer.net.parameters.copy()) for _ in trainer.steps())
    with pytest.raises(spinrnn.DivergenceError) as caught:
        list(steps)
    error = caught.value
    assert str(error) == f"diverged in epoch 2, batch 3: a power is infinite; {advice}"
    assert (error.case, error.layer, error.neuron, error.step) == (4, 1, 2, 3)
    assert len(before) == 8
    np.testing.assert_array_equal(trainer.net.parameters, before[-1])


def test_divergence_in_validation_is_told_as_that(tiny_config, tiny_data, monkeypatch):
    trainer = Trainer(tiny_config, tiny_data)

    def fail(net, data, task, forward):
        raise spinrnn.DivergenceError("a power is infinite")

    monkeypatch.setattr("spinrnn.learning.trainer.scored", fail)
    with pytest.raises(spinrnn.DivergenceError, match="diverged in epoch 1, batch validation: "):
        list(trainer.steps())


def test_a_training_that_really_diverges(tiny_config, tiny_data):
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
    """84 training cases in batches of 25, 25, 25 and 9, with a learning rate that
    changes nothing: the epoch's loss is that of the whole part.
    """
    config = with_train(tiny_config, batch=25, epochs=1, noise=0.0, learning_rate=1e-30)
    trainer = Trainer(config, tiny_data)
    norms = []
    right = trainer.prepared.logits_loss_grad

    def watch(*arguments):
        result = right(*arguments)
        norms.append(np.linalg.norm(result[2].astype(float)))
        return result

    trainer.prepared.logits_loss_grad = watch
    (record,) = [r for r in trainer.steps() if r]
    part = trainer.training
    assert record["train_loss"] == pytest.approx(
        trainer.net.loss(part.inputs, part.labels, part.lengths), rel=1e-5
    )
    assert record["train_accuracy"] == pytest.approx(evaluate(trainer.net, part).accuracy)
    assert record["gradient_norm"] == pytest.approx(np.mean(norms), rel=1e-5)
    assert record["gradient_norm_max"] == pytest.approx(max(norms), rel=1e-5)
    assert len(norms) == 4
    assert max(norms) > 1.01 * norms[-1]
    score = evaluate(trainer.net, trainer.validation)
    assert record["validation_loss"] == score.loss != record["train_loss"]
    assert record["validation_accuracy"] == score.accuracy
    assert record["epoch"] == 1


def test_confusion_has_labels_in_rows():
    net = spinrnn.Network(spinrnn.NetworkConfig(layers=(2,), outputs=2))
    net.parameters[:] = 0
    net.views()["b_out"][:] = [0, 1]
    score = evaluate(net, spinrnn.Dataset(np.ones((4, 1, 2)), [0, 0, 0, 1]))
    np.testing.assert_array_equal(score.confusion, [[0, 3], [0, 1]])
    assert score.accuracy == 0.25


def test_an_evaluation_is_that_of_the_logits(tiny_config, tiny_data):
    """Mean cross-entropy in nat, with lengths and with the seed of thermal noise."""
    config = dataclasses.replace(tiny_config.network, thermal_power=0.05)
    net = spinrnn.Network(config, seed=2)
    labels = tiny_data.labels
    for seed in (0, 5):
        logits = net.forward(tiny_data.inputs, tiny_data.lengths, seed).astype(float)
        score = evaluate(net, tiny_data, seed)
        shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        loss = -np.log([share[label] for share, label in zip(shares, labels, strict=True)])
        assert score.loss == pytest.approx(loss.mean(), rel=1e-6)
        assert score.accuracy == np.mean([np.argmax(row) for row in logits] == labels)
        assert score.confusion.sum() == 120
        assert list(score.confusion.sum(axis=1)) == [40, 40, 40]
    assert evaluate(net, tiny_data).loss != evaluate(net, tiny_data, 5).loss
    cut = spinrnn.Dataset(tiny_data.inputs, labels)
    assert evaluate(net, tiny_data).loss != evaluate(net, cut).loss


def test_seconds_are_those_of_all_epochs_and_of_this_one(tiny_config, tiny_data, monkeypatch):
    """By a clock that goes on by one second with each look: a batch takes one."""
    ticks = iter(range(1000))
    trainer = Trainer(tiny_config, tiny_data)
    monkeypatch.setattr("spinrnn.learning.trainer.time.perf_counter", lambda: next(ticks))
    for count, record in enumerate(trainer.steps(), 1):
        assert trainer.seconds() == count
        assert record is None or record["seconds"] == 6
        if count == 14:
            break
    assert [record["seconds"] for record in trainer.history] == [6, 6]


# ---- checkpoints ----


def test_masks_and_other_devices_are_restored_and_not_drawn_again(tiny_config, tiny_data):
    """A checkpoint has them, so that its run needs no draw of this version."""
    config = with_network(tiny_config, spread_gamma=0.2)
    trainer = Trainer(config, tiny_data)
    arrays, state = trainer.state()
    arrays = {name: array.copy() for name, array in arrays.items()}
    arrays["mask"] = 1 - arrays["mask"] * trainer.net.layout.is_weight()
    arrays["devices/gamma"] *= 1.5
    trainer.restore(arrays, state)
    np.testing.assert_array_equal(trainer.net.mask, arrays["mask"] == 1)
    np.testing.assert_array_equal(
        trainer.net.devices.named()["devices/gamma"], arrays["devices/gamma"]
    )


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("mask", np.ones(3), "mask"),
        ("parameters", np.ones(3), "parameters"),
        ("adam_first", np.ones((2, 2)), "adam_first"),
        ("epoch", 1.0, "epoch"),
        ("batch", True, "batch"),
        ("steps", -1, "steps"),
    ],
)
def test_what_is_not_a_state_is_refused(tiny_config, tiny_data, name, value, words):
    trainer = Trainer(tiny_config, tiny_data)
    arrays, state = trainer.state()
    (arrays if name in arrays else state)[name] = value
    with pytest.raises(ValueError, match=f"^{words}$"):
        trainer.restore(arrays, state)
    del (arrays if name in arrays else state)[name]
    with pytest.raises(KeyError, match=words):
        trainer.restore(arrays, state)


def test_the_summary_is_of_the_given_network(tiny_config, tiny_data):
    trainer = Trainer(tiny_config, tiny_data)
    for _ in trainer.steps():
        pass
    trainer.net.parameters[:] = 0  # as if the last epoch had been a bad one
    summary = summarise(trainer, trainer.best_network(), 1.25)
    loss = evaluate(trainer.best_network(), trainer.test).loss
    assert summary["test_loss"] == loss != evaluate(trainer.net, trainer.test).loss
    assert summary["seconds_compiling"] == 1.25
