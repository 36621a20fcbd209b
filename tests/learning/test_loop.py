"""A device in the loop: whose loss and whose gradient it is, what is asked, and what is
made of answers that fail.
"""

import dataclasses
import functools

import numpy as np
import pytest

import spinrnn
from spinrnn.kernels.blocks import run_blocks
from spinrnn.learning import loop, readings
from spinrnn.machine.threads import using


def timeless(**changes):
    """A run of a network without time on `tiny_data`, its cases cut to whole ones."""
    network = spinrnn.FeedforwardConfig(**{"layers": (6,), "inputs": 8, "outputs": 3} | changes)
    return spinrnn.RunConfig(network, spinrnn.TrainConfig(epochs=2, batch=16))


def kinds_of_runs(tiny_config):
    """{name: run}, each of two epochs."""
    short = dataclasses.replace(tiny_config.train, epochs=2)
    base = dataclasses.replace(tiny_config, train=short)

    def of(train=None, **network):
        made = dataclasses.replace(base.network, **network)
        trained = dataclasses.replace(short, **(train or {}))
        return dataclasses.replace(base, network=made, train=trained)

    return {
        "plain": base,
        "noise of inputs, mean of weights": of({"noise": 0.1, "average": 2}),
        "thermal": of(neuron=spinrnn.Oscillator(thermal_power=1e-3)),
        "float64, both, squares": of(dtype="float64", readout="both", readout_features="quadratic"),
        "power": of(readout="power"),
        "spread": of(spread=spinrnn.Spread(gamma=0.1)),
        "binary": dataclasses.replace(of(), network=of(synapse=spinrnn.Sign()).network),
    }


NAMES = list(kinds_of_runs(spinrnn.RunConfig(spinrnn.NetworkConfig(inputs=2, outputs=3))))


def alike(one, two):
    """Whether two results have the same bits, but for times."""
    assert one.network.parameters.tobytes() == two.network.parameters.tobytes()
    for own, other in zip(one.history, two.history, strict=True):
        assert own | {"seconds": 0} == other | {"seconds": 0}
    for name in ("test_loss", "test_accuracy", "best_epoch"):
        assert one.summary[name] == two.summary[name]


def own(call):
    return call.twin()


@pytest.mark.parametrize("name", NAMES)
def test_the_twin_as_its_own_device_gives_the_same_bits(name, tiny_config, tiny_data):
    config = kinds_of_runs(tiny_config)[name]
    alike(
        spinrnn.train(config, data=tiny_data),
        spinrnn.train(config, data=tiny_data, forward=own),
    )


@pytest.mark.parametrize("changes", [{}, {"normalisation": "batch"}, {"dtype": "float64"}])
def test_so_does_a_network_without_time(changes, tiny_data):
    data = spinrnn.Dataset(np.ascontiguousarray(tiny_data.inputs[:, :, :4]), tiny_data.labels)
    config = timeless(**changes)
    alike(spinrnn.train(config, data=data), spinrnn.train(config, data=data, forward=own))


def test_the_devices_own_methods_give_the_same(tiny_config, tiny_data):
    """`network` is the twin as it is at the call."""

    def forward(call):
        net = call.network
        assert net.parameters.tobytes() == call.parameters.tobytes()
        assert set(call.weights) == set(net.layout.blocks)
        np.testing.assert_array_equal(call.weights["w_out"], net.views()["w_out"])
        return net.forward(call.inputs, call.lengths, call.seed)

    config = kinds_of_runs(tiny_config)["thermal"]
    device = spinrnn.train(config, data=tiny_data, forward=forward)
    alike(spinrnn.train(config, data=tiny_data), device)


# ---- whose loss, whose gradient: eq. (G1) ----


def some_networks():
    rng = np.random.default_rng(1)
    config = spinrnn.NetworkConfig(
        layers=(5, 4), inputs=2, outputs=3, substeps=2, dtype="float64", readout="both",
        output_amplification=2.0,
    )  # fmt: skip
    flat = spinrnn.FeedforwardConfig(layers=(5, 4), inputs=12, outputs=3, dtype="float64")
    points = dataclasses.replace(config, readout="points")
    for one in (config, flat, points, dataclasses.replace(config, readout_features="quadratic")):
        net = spinrnn.Network(one) if "time" in one.abilities else spinrnn.FeedforwardNetwork(one)
        net.parameters = net.parameters + 0.3 * rng.normal(size=net.layout.size)
        yield net


NETS = list(some_networks())
LABELS = ["both", "without time", "points", "squares"]


def asked(net, reading, targets, u):
    """(outputs, loss, gradient) of a step with a device that gives this."""
    found = loop.Loop(lambda call: reading).measured(
        net, targets, (u, None, np.arange(len(u))), 0, loop.Place("training")
    )
    # all blocks are those of one call
    with using(1):
        return net.prepared().logits_loss_grad(u, found)


def problem(net):
    """(inputs, values, what a device gives for the outputs, Targets)."""
    rng = np.random.default_rng(2)
    # three blocks, the last one not full
    u = rng.normal(size=(37, 2, 6))
    outputs = net.forward(u)
    values = rng.normal(size=outputs.shape)
    data = spinrnn.Dataset(u, targets=values)
    return u, values, outputs + rng.normal(size=outputs.shape), net.targets(data, values=values)


@pytest.mark.parametrize("net", NETS, ids=LABELS)
def test_the_loss_is_the_devices_and_the_rest_the_twins(net):
    """Targets that are as far from the twin's outputs as these are from the device's
    give the same slopes, so the gradient that the twin has alone.
    """
    u, values, given, targets = problem(net)
    outputs, loss, gradient = asked(net, given, targets, u)
    np.testing.assert_array_equal(outputs, given)
    assert loss == pytest.approx(((given - values) ** 2).mean(), rel=1e-14)
    twin = net.targets(spinrnn.Dataset(u), values=net.forward(u) - (given - values))
    wanted = net.prepared().logits_loss_grad(u, twin)[2]
    np.testing.assert_allclose(gradient, wanted, rtol=1e-10, atol=1e-13 * np.abs(wanted).max())
    # and it is not the twin's own
    assert np.abs(gradient - net.prepared().logits_loss_grad(u, targets)[2]).max() > 1e-3


def test_answers_that_cannot_be_written_compile_nothing_anew():
    """A log that is read back gives such arrays, and the kernel takes long to compile."""
    net = NETS[0]
    u, _, given, targets = problem(net)
    asked(net, given.copy(), targets, u)
    known = len(run_blocks.signatures)
    sealed = [array.copy() for array in (given, *targets)]
    for array in sealed:
        array.flags.writeable = False
    asked(net, sealed[0], type(targets)(*sealed[1:]), u)
    assert len(run_blocks.signatures) == known


@pytest.mark.parametrize("net", NETS, ids=LABELS)
def test_measured_features_are_what_the_readout_learns_of(net):
    u, values, _, targets = problem(net)
    wanted = readings.shapes_of(net.config, 6)["features"]
    features = np.random.default_rng(3).normal(size=(len(u), *wanted))
    outputs, _, gradient = asked(net, spinrnn.Reading(features=features), targets, u)
    views, timed = net.layout.named(net.parameters), "time" in net.config.abilities
    own, names = features, ("w_out", "b_out") if timed else ("w_2", "bias_2")
    if timed and net.config.readout_features == "quadratic":
        own = np.concatenate([features, features**2], axis=1)
    weights, biases = (views[name] for name in names)
    gain = net.config.output_amplification
    bias = biases.reshape(-1, *(1,) * (own.ndim - 2))
    # docs/MODEL.md, eq. (4)
    expected = gain * (np.einsum("kf,cf...->ck...", weights, own) + bias)
    np.testing.assert_allclose(outputs, expected, rtol=1e-12, atol=1e-12)
    slope = 2 * (outputs - values) / values[0].size / len(u)
    by_weights = gain * np.tensordot(slope, own, axes=([0, 2], [0, 2]) if own.ndim == 3 else (0, 0))
    found = net.layout.named(gradient)[names[0]]
    np.testing.assert_allclose(found, by_weights, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(net.read_out(u, None, 0, features), outputs, rtol=1e-13)


def test_outputs_beside_features_are_taken_as_they_are():
    net = NETS[0]
    u, _, given, targets = problem(net)
    features = np.zeros((len(u), 8))
    outputs, _, gradient = asked(net, spinrnn.Reading(given, features), targets, u)
    np.testing.assert_array_equal(outputs, given)
    assert not net.layout.named(gradient)["w_out"].any()


def test_scaled_outputs_are_given_in_the_units_of_the_targets(tiny_data):
    """To the rounding of the scaling, there and back."""
    targets = 100 + 20 * tiny_data.inputs.mean(axis=2)
    data = spinrnn.Dataset(tiny_data.inputs, targets=targets)
    network = spinrnn.NetworkConfig(layers=(4,), inputs=2, outputs=2, substeps=2, dtype="float64")
    config = spinrnn.RunConfig(
        network, spinrnn.TrainConfig(epochs=1, batch=32), task="regression",
        data=spinrnn.DataConfig(scaling="standard"),
    )  # fmt: skip
    one, two = (spinrnn.train(config, data=data, **more) for more in ({}, {"forward": own}))
    np.testing.assert_allclose(two.network.parameters, one.network.parameters, rtol=1e-9)
    assert two.summary["test_loss"] == pytest.approx(one.summary["test_loss"], rel=1e-9)


def test_behind_a_cases_end_nothing_counts(tiny_data):
    network = spinrnn.NetworkConfig(
        layers=(4,), inputs=2, outputs=1, substeps=2, readout="points", dtype="float64"
    )
    data = spinrnn.Dataset(
        tiny_data.inputs, targets=tiny_data.inputs[:, :1], lengths=tiny_data.lengths
    )
    config = spinrnn.RunConfig(network, spinrnn.TrainConfig(epochs=1, batch=32), task="regression")

    def garbage(call):
        outputs = call.twin()
        after = np.arange(outputs.shape[2]) >= call.lengths[:, None, None]
        return np.where(after, np.inf, outputs)

    one = spinrnn.train(config, data=data)
    alike_weights = spinrnn.train(config, data=data, forward=garbage).network.parameters
    assert alike_weights.tobytes() == one.network.parameters.tobytes()


# ---- what it is good for ----


def test_a_device_that_differs_is_trained_better_in_the_loop(tiny_config, tiny_data):
    """Neurons that differ by 10 %, which the twin does not know."""
    longer = dataclasses.replace(tiny_config.train, epochs=12)
    config = dataclasses.replace(tiny_config, train=longer)
    alone = spinrnn.train(config, data=tiny_data).network
    for seed in (2, 3):
        spread = spinrnn.Spread(gamma=0.1, nonlinear_damping=0.1, bias=0.1, gain=0.1, seed=seed)

        def device(call, spread=spread):
            net = call.network.replace(spread=spread)
            return net.forward(call.inputs, call.lengths, call.seed)

        looped = spinrnn.train(config, data=tiny_data, forward=device).network
        transferred, trained = (
            spinrnn.evaluate(net, tiny_data, forward=device).loss for net in (alone, looped)
        )
        assert trained < 0.92 * transferred, (trained, transferred)


# ---- what is asked, and when ----


def test_what_is_asked_and_in_which_order(tiny_config, tiny_data):
    seen = []

    def forward(call):
        seen.append(call)
        return call.twin()

    config = kinds_of_runs(tiny_config)["plain"]
    result = spinrnn.train(config, data=tiny_data, forward=forward)
    cases = result.summary["cases"]
    batches = -(-cases["training"] // 16)
    assert [call.number for call in seen] == list(range(1, 2 * (batches + 1) + 2))
    assert [call.part for call in seen] == (
        (["training"] * batches + ["validation"]) * 2 + ["test"]
    )
    of_epoch = [call for call in seen if call.part == "training" and call.place.epoch == 2]
    assert sorted(np.concatenate([call.cases for call in of_epoch])) == list(
        range(cases["training"])
    )
    assert [len(call.inputs) for call in seen if call.part != "training"] == [
        cases["validation"], cases["validation"], cases["test"]
    ]  # fmt: skip
    with pytest.raises(ValueError, match="read-only"):
        seen[0].parameters[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        seen[0].weights["w_out"][0, 0] = 1
    assert result.summary["forward_calls"] == len(seen)
    assert result.summary["forward_failures"] == 0
    assert {"test_loss_twin", "test_accuracy_twin"} <= set(result.summary)


def test_the_test_part_is_the_devices(tiny_config, tiny_data):
    """A device that always answers the class 2."""

    def forward(call):
        outputs = np.zeros((len(call.inputs), 3))
        outputs[:, 2] = 9
        return outputs

    result = spinrnn.train(tiny_config, data=tiny_data, forward=forward)
    confusion = np.array(result.summary["confusion"])
    assert confusion[:, 2].sum() == confusion.sum()
    assert result.summary["validation_accuracy"] == result.history[-1]["validation_accuracy"]
    answers = spinrnn.predict(
        result.network, tiny_data, task=spinrnn.Classification(), forward=forward
    )
    assert set(answers.answers) == {"2"}
    assert spinrnn.evaluate(result.network, tiny_data, forward=forward).accuracy == 1 / 3


# ---- answers that fail ----


class Flaky:
    """The twin, but the first attempts of some calls fail."""

    def __init__(self, failing, error=None, times=2):
        error = TimeoutError("no answer") if error is None else error
        self.failing, self.error, self.times, self.asked = set(failing), error, times, []

    def __call__(self, call):
        self.asked.append((call.number, call.attempt))
        if call.number in self.failing and call.attempt <= self.times:
            if isinstance(self.error, Exception):
                raise self.error
            return self.error * call.twin()
        return call.twin()


@pytest.mark.parametrize("error", [TimeoutError("no answer"), np.nan, np.inf])
def test_what_may_pass_by_itself_is_asked_again(error, tiny_config, tiny_data, monkeypatch):
    waited = []
    monkeypatch.setattr(loop.Loop, "_pause", lambda self, seconds: waited.append(seconds))
    device = Flaky([2, 7], error, times=3)
    result = spinrnn.train(tiny_config, data=tiny_data, forward=device, forward_wait=0.5)
    alike(spinrnn.train(tiny_config, data=tiny_data), result)
    assert device.asked[1:5] == [(2, 1), (2, 2), (2, 3), (2, 4)]
    assert waited == [0.5, 1, 2] * 2
    assert result.summary["forward_failures"] == 6


def test_waits_have_a_longest(tiny_config, tiny_data, monkeypatch):
    waited = []
    monkeypatch.setattr(loop.Loop, "_pause", lambda self, seconds: waited.append(seconds))
    device = Flaky([1], times=9)
    spinrnn.train(tiny_config, data=tiny_data, forward=device, forward_retries=9)
    assert waited == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_device_that_never_answers_ends_clearly(tiny_config, tiny_data):
    device = Flaky([3], times=99)
    with pytest.raises(spinrnn.DeviceError) as found:
        spinrnn.train(
            tiny_config, data=tiny_data, forward=device, forward_retries=1, forward_wait=0
        )
    text = str(found.value)
    assert text.startswith(
        "forward: call 3 (epoch 1, batch 3) in each of 2 attempts, the last: came to "
        "TimeoutError: no answer ("
    )
    assert "test_loop.py, line" in text
    assert text.endswith("the run was in memory only; give out=... to be able to go on")
    assert "\n" not in text
    assert isinstance(found.value.__cause__, TimeoutError)


def given(value, place=1):
    """A device that gives this at one call."""
    return lambda call: value(call) if call.number == place else call.twin()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (lambda call: None, "gave None; it must give the outputs, (16, 3)"),
        (lambda call: call.twin().T, "gave outputs of the shape (3, 16); it must be (16, 3)"),
        (lambda call: call.twin()[:-1], "gave outputs of the shape (15, 3); it must be (16, 3)"),
        (lambda call: "high", "gave outputs that are no array of numbers but <U4"),
        (lambda call: {"a": 1}, "gave outputs that are no array of numbers but dict"),
        (lambda call: 1j * call.twin(), "gave outputs that are no array of numbers but complex64"),
        (lambda call: [[1], [2, 3]], "gave outputs that are no array of numbers but list"),
        (lambda call: spinrnn.Reading(), "gave None; it must give the outputs, (16, 3)"),
        (
            lambda call: spinrnn.Reading(features=np.zeros((16, 3))),
            "gave features of the shape (16, 3); it must be (16, 5)",
        ),
    ],
)
def test_answers_that_cannot_be_used_end_at_once(value, said, tiny_config, tiny_data):
    with pytest.raises(spinrnn.DeviceError) as found:
        spinrnn.train(tiny_config, data=tiny_data, forward=given(value))
    assert str(found.value).startswith(f"forward: call 1 (epoch 1, batch 1): {said}; ")


def test_numbers_that_are_not_finite_say_where(tiny_config, tiny_data):
    def value(call):
        outputs = call.twin()
        outputs[4, 2], outputs[5, 0] = np.nan, -np.inf
        return outputs

    said = "not finite: nan at case 4, output 2; 2 of "
    for place, where in ((4, "epoch 1, batch 4"), (7, "epoch 1, the validation part")):
        with pytest.raises(spinrnn.DeviceError, match=said) as found:
            spinrnn.train(
                tiny_config, data=tiny_data, forward=given(value, place), forward_retries=0
            )
        assert str(found.value).startswith(f"forward: call {place} ({where}): gave outputs")


def test_arguments_that_cannot_be(tiny_config, tiny_data):
    def two(a, b):
        return a

    for forward, said in (
        (5, "forward: must be callable, as f(call); got int"),
        (Flaky, "forward: Flaky is a class; give an instance of it"),
        (two, "forward: must take one argument, the call, as f(call)"),
    ):
        with pytest.raises(spinrnn.ConfigError) as found:
            spinrnn.train(tiny_config, data=tiny_data, forward=forward)
        assert found.value.problems == [said]
    with pytest.raises(spinrnn.ConfigError) as found:
        spinrnn.train(
            tiny_config, data=tiny_data, forward=own, forward_retries=-1, forward_wait=np.nan
        )
    assert found.value.problems == [
        "forward_retries: must be a whole number from 0, got -1",
        "forward_wait: must be seconds from 0, got nan",
    ]
    # of a partial what is left counts
    assert loop.problems_of(functools.partial(two, b=1), 0, 0) == []


def test_runs_that_cannot_have_a_device(tiny_config, tiny_data):
    for train, said in (
        ({"ensemble": 2}, "train.ensemble: 2 networks cannot share a device"),
        ({"estimator": spinrnn.Reservoir()}, "estimator.kind: reservoir learns all at once"),
    ):
        changed = dataclasses.replace(
            tiny_config, train=dataclasses.replace(tiny_config.train, **train)
        )
        with pytest.raises(spinrnn.ConfigError, match=said):
            spinrnn.train(changed, data=tiny_data, forward=own)
    nets = [spinrnn.Network(tiny_config.network, seed=k) for k in range(2)]
    with pytest.raises(spinrnn.ConfigError, match="not with an ensemble"):
        spinrnn.evaluate(spinrnn.Ensemble(nets, True), tiny_data, forward=own)


@pytest.mark.parametrize(
    ("network", "estimator", "advice"),
    [
        (spinrnn.SymmetricConfig(layers=(3,)), spinrnn.Equilibrium(), 'take "bptt", or leave'),
        (spinrnn.SpikingConfig(layers=(3,)), spinrnn.VDSP(), "leave the device out"),
        (spinrnn.BayesianConfig(), spinrnn.Counts(), "leave the device out"),
    ],
    ids=["equilibrium", "vdsp", "counts"],
)
def test_a_device_is_not_asked_for_an_estimator_that_would_not_hear_it(
    tmp_path, tiny_data, network, estimator, advice
):
    def asked(call):
        raise AssertionError("the device was asked")

    config = spinrnn.RunConfig(network, spinrnn.TrainConfig(estimator=estimator))
    with pytest.raises(spinrnn.ConfigError) as told:
        spinrnn.train(config, tmp_path / "run", data=tiny_data, forward=asked)
    (problem,) = told.value.problems
    assert problem.startswith(f"estimator.kind: {estimator.kind} learns ")
    assert f"which a device in the loop does not give; {advice}" in problem
    assert not (tmp_path / "run").exists()


def test_an_estimator_that_takes_no_notice_is_told():
    net = NETS[0]
    u, _, given, targets = problem(net)
    found = loop.Loop(lambda call: given).measured(
        net, targets, (u, None, np.arange(len(u))), 0, loop.Place("training")
    )
    loop.check_learned(given.astype(np.float32), found, "mine")
    with pytest.raises(spinrnn.ConfigError, match="mine does not learn of what a device measures"):
        loop.check_learned(net.forward(u), found, "mine")


def test_devices_in_synapses_are_set_to_what_they_make(tiny_config, tiny_data):
    """`weights` are those of the synapses, `parameters` what is trained."""
    network = dataclasses.replace(tiny_config.network, synapse=spinrnn.Sign(), density_int=1.0)
    train = dataclasses.replace(tiny_config.train, epochs=1)

    def forward(call):
        blocks = call.network.layout.named(call.network.effective())
        for name, weights in call.weights.items():
            np.testing.assert_array_equal(weights, blocks[name])
        assert len(np.unique(call.weights["w_int_0"])) == 2
        assert len(np.unique(call.parameters)) > 50
        return call.twin()

    spinrnn.train(spinrnn.RunConfig(network, train), data=tiny_data, forward=forward)
