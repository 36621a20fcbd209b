"""Scaling: found on the training part, kept with the network, applied by everything
that takes inputs, and without it nothing changes.
"""

import dataclasses
import pickle

import numpy as np
import pytest

import spinrnn
from spinrnn.errors import DataError
from spinrnn.learning.trainer import Trainer
from spinrnn.networks import recurrent
from spinrnn.networks.scaling import Scaling, scaling_of, standard
from spinrnn.networks.targets import checked_targets
from spinrnn.runs import checkpoints

UNITS = np.array([2e-6, 3e4])[:, None]
OFFSETS = np.array([5e-6, 1e6])[:, None]


def in_units(data):
    """The same data in other units, NaN after the ends of cases."""
    inputs = np.asarray(data.inputs, float) * UNITS + OFFSETS
    late = np.arange(inputs.shape[2]) >= np.asarray(data.lengths)[:, None, None]
    return dataclasses.replace(data, inputs=np.where(late, np.nan, inputs))


def scaled_run(config, **train):
    data = dataclasses.replace(config.data, scaling="standard")
    network = dataclasses.replace(config.network, dtype="float64")
    train = dataclasses.replace(config.train, **train)
    return dataclasses.replace(config, network=network, data=data, train=train)


def pair(dtype="float64", readout="end", outputs=False, **changes):
    """(a network with a scaling, the same without, scaling, inputs in units, inputs as
    it computes with them).
    """
    config = spinrnn.NetworkConfig(
        layers=(6, 5), inputs=2, outputs=3, dtype=dtype, readout=readout, substeps=2, **changes
    )
    own = ([1e-6, 2e-6, 0], [3e-6, 1e-6, 2e-6]) if outputs else (None, None)
    scaling = Scaling(OFFSETS[:, 0], UNITS[:, 0], *own)
    net, plain = spinrnn.Network(config, seed=1), spinrnn.Network(config, seed=1)
    net.scaling = scaling
    u = np.random.default_rng(3).normal(size=(7, 2, 9)) * UNITS + OFFSETS
    return net, plain, scaling, u, (u - OFFSETS) / UNITS


def test_means_and_deviations_are_of_the_points_that_there_are():
    rng = np.random.default_rng(0)
    inputs, lengths = 3 + 2 * rng.normal(size=(20, 2, 8)), rng.integers(3, 9, 20)
    late = np.arange(8) >= lengths[:, None]
    inputs[np.broadcast_to(late[:, None], inputs.shape)] = np.nan
    targets = rng.normal(size=(20, 2, 8))
    targets[:, 1, :3] = np.nan
    found = standard(inputs, lengths, targets)
    for c in range(2):
        values = np.concatenate([inputs[k, c, : lengths[k]] for k in range(20)])
        assert found.input_mean[c] == pytest.approx(values.mean(), rel=1e-12)
        assert found.input_deviation[c] == pytest.approx(values.std(), rel=1e-12)
    assert found.output_mean == pytest.approx([targets[:, 0].mean(), targets[:, 1, 3:].mean()])
    assert found.output_deviation[1] == pytest.approx(targets[:, 1, 3:].std(), rel=1e-12)


@pytest.mark.parametrize("size", [1e-200, 1e-6, 1, 1e6, 1e200])
def test_of_any_size(size):
    """Squares neither overflow nor vanish, and a constant is only shifted."""
    values = np.array([1.0, 2, 3, 6])[:, None, None] * size
    found = standard(np.concatenate([values, np.full_like(values, 0.1 * size)], axis=1))
    assert found.input_mean == pytest.approx([3 * size, 0.1 * size], rel=1e-12)
    assert found.input_deviation[0] == pytest.approx(np.sqrt(3.5) * size, rel=1e-12)
    assert found.input_deviation[1] == 1


@pytest.mark.parametrize("readout", ["end", "mean", "both", "points"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_network_reads_scaled_inputs_and_says_scaled_outputs(readout, dtype):
    net, plain, scaling, u, own = pair(dtype, readout, outputs=True)
    lengths = np.array([9, 9, 5, 9, 3, 9, 1])
    expected = plain.forward(own, lengths).astype(float)
    shape = (1, 3) + (1,) * (expected.ndim - 2)
    deviation, mean = scaling.output_deviation.reshape(shape), scaling.output_mean.reshape(shape)
    allowed = 1e-12 if dtype == "float64" else 3e-6
    found = (net.forward(u, lengths) - mean) / deviation
    np.testing.assert_allclose(found, expected, rtol=0, atol=allowed * 10)
    assert net.forward(u, lengths).dtype == np.float64
    assert plain.forward(own, lengths).dtype == dtype


@pytest.mark.parametrize("readout", ["end", "points"])
def test_a_large_mean_of_targets_rounds_nothing_away(readout, monkeypatch):
    """Of 1e8 the step of float32 is 8, that of float64 1.5e-8."""
    net, plain, _, u, own = pair("float32", readout)
    net.scaling = Scaling(OFFSETS[:, 0], UNITS[:, 0], [1e8, -1e8, 0], [1, 2, 3])
    expected = plain.forward(own).astype(float)

    def said(outputs):
        shape = (3,) + (1,) * (outputs.ndim - 2)
        mean, deviation = net.scaling.output_mean, net.scaling.output_deviation
        return (outputs - mean.reshape(shape)) / deviation.reshape(shape)

    np.testing.assert_allclose(said(net.forward(u)), expected, rtol=0, atol=1e-5)
    whole = spinrnn.Ensemble([net, net], probabilities=False).forward(u)
    np.testing.assert_array_equal(whole, net.forward(u))
    stream = net.stream(cases=7)
    streamed = np.stack([stream(u[:, :, t]) for t in range(9)], axis=2)
    last = expected if readout == "end" else expected[:, :, -1]
    np.testing.assert_allclose(said(streamed[:, :, -1]), last, rtol=0, atol=1e-5)
    np.testing.assert_allclose(said(net.simulate(u).logits), last, rtol=0, atol=1e-5)
    if readout == "points":
        monkeypatch.setattr(recurrent, "is_long", lambda *_: True)
        for points, outputs in net.pieces(u):
            np.testing.assert_allclose(said(outputs), expected[:, :, points], rtol=0, atol=1e-5)


def test_loss_and_gradient_are_of_scaled_targets():
    net, plain, scaling, u, own = pair(outputs=True)
    values = np.random.default_rng(0).normal(size=(7, 3))
    raw = values * scaling.output_deviation + scaling.output_mean
    loss, gradient = net.loss_and_grad(u, targets=raw)
    expected = plain.loss_and_grad(own, targets=values)
    assert loss == pytest.approx(expected[0], rel=1e-9)
    np.testing.assert_allclose(gradient, expected[1], rtol=1e-7, atol=1e-9)
    assert net.loss(u, targets=raw) == loss
    labels = np.arange(7) % 3
    assert net.loss(u, labels) == pytest.approx(plain.loss(own, labels), rel=1e-9)


def test_the_gradient_of_a_scaled_network():
    """Central differences of its own loss, 1e-8."""
    net, _, scaling, u, _ = pair(outputs=True)
    raw = np.random.default_rng(0).normal(size=(7, 3)) * scaling.output_deviation
    start, gradient = net.parameters.copy(), net.loss_and_grad(u, targets=raw)[1]
    direction, losses = np.random.default_rng(1).normal(size=gradient.size), []
    for k in (1, -1):
        net.parameters = start + k * 1e-5 * direction
        losses.append(net.loss(u, targets=raw))
    slope = (losses[0] - losses[1]) / 2e-5
    assert abs(gradient @ direction - slope) < 1e-8 * np.abs(gradient * direction).sum()


@pytest.mark.parametrize("readout", [{"readout": "end"}, {"readout": "points"},
                                     {"readout": "end", "readout_window": 3}])  # fmt: skip
def test_streams_give_the_same_outputs(readout):
    net, *_, u, _ = pair("float32", outputs=True, **readout)
    stream, outputs = net.stream(cases=7), None
    for t in range(9):
        outputs = stream(u[:, :, t])
    whole = net.forward(u)
    np.testing.assert_array_equal(outputs, whole[..., -1] if whole.ndim == 3 else whole)


def test_simulations_and_their_files(tmp_path):
    """Inputs are kept as they were given, so that they can be read again."""
    net, plain, _, u, own = pair("float32", outputs=True)
    found, expected = net.simulate(u), plain.simulate(own)
    np.testing.assert_allclose(found.output[1], expected.output[1], atol=1e-5)
    np.testing.assert_array_equal(found.logits, net.forward(u))
    np.testing.assert_array_equal(found.inputs, u)
    found.save(tmp_path / "a.h5")
    net.simulate_to(tmp_path / "b.h5", u)
    for name in ("a.h5", "b.h5"):
        with spinrnn.open_trajectory(tmp_path / name) as file:
            np.testing.assert_array_equal(file.inputs, u)
            np.testing.assert_array_equal(file.logits, found.logits)
            np.testing.assert_array_equal(file.network.forward(file.inputs), net.forward(u))
            np.testing.assert_array_equal(file.network.scaling.input_mean, OFFSETS[:, 0])
    drive = spinrnn.cumulative_drive(net, u)
    assert drive == pytest.approx(spinrnn.cumulative_drive(plain, own), rel=1e-6)


def test_copies_and_files_keep_it(tmp_path):
    net, *_, u, _ = pair(outputs=True)
    net.save(tmp_path / "net.h5")
    copies = net.replace(), pickle.loads(pickle.dumps(net)), spinrnn.load(tmp_path / "net.h5")
    for copy in copies:
        np.testing.assert_array_equal(copy.forward(u), net.forward(u))
    net.scaling = None
    net.save(tmp_path / "net.h5")
    assert spinrnn.load(tmp_path / "net.h5").scaling is None


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"input_mean": [0.0, 0]}, "missing"),
        ({"input_mean": [0.0, 0], "input_deviation": [1.0, 0]}, "not positive"),
        ({"input_mean": [0.0, np.nan], "input_deviation": [1.0, 1]}, "not finite"),
        ({"input_mean": [0.0], "input_deviation": [1.0]}, "has 1 inputs, the network has 2"),
        ({"input_mean": [0.0, 0], "input_deviation": [1.0]}, "for each"),
        ({"input_mean": [0.0, 0], "input_deviation": [1.0, 1], "output_mean": [0.0, 0, 0]},
         "outputs: give a mean and a deviation"),
    ],
)  # fmt: skip
def test_scalings_that_do_not_fit(arrays, reason, tmp_path):
    config = pair()[0].config
    with pytest.raises(DataError, match=reason):
        scaling_of({name: np.array(values) for name, values in arrays.items()}, config)
    assert scaling_of({}, config) is None
    with pytest.raises(DataError, match=r"must be a spinrnn\.Scaling"):
        pair()[0].scaling = 3


# ---- training ----


def test_units_do_not_matter(tiny_config, tiny_data):
    """The same data in other units train to the same network: noise counts in scaled
    units.
    """
    config = scaled_run(tiny_config)
    found = spinrnn.train(config, data=tiny_data)
    other = spinrnn.train(config, data=in_units(tiny_data))
    np.testing.assert_allclose(found.network.parameters, other.network.parameters, atol=1e-6)
    assert found.summary["test_accuracy"] == other.summary["test_accuracy"] > 0.5


def test_training_part_alone_counts(tiny_config, tiny_data):
    trainer = Trainer(scaled_run(tiny_config), tiny_data)
    part, scaling = trainer.training, trainer.net.scaling
    values = [part.inputs[k, 1, : part.lengths[k]] for k in range(len(part))]
    assert scaling.input_mean[1] == pytest.approx(np.concatenate(values).mean(), rel=1e-12)
    assert not scaling.of_outputs
    assert Trainer(tiny_config, tiny_data).net.scaling is None


def test_it_is_in_checkpoints_and_a_run_goes_on_to_the_same_bits(tmp_path, tiny_config, tiny_data):
    config, data = scaled_run(tiny_config), in_units(tiny_data)
    whole = spinrnn.train(config, data=data)
    calls = []

    def stop():
        calls.append(0)
        return len(calls) > 7

    with pytest.raises(spinrnn.Interrupted):
        spinrnn.train(config, tmp_path / "run", data=data, stop=stop)
    half = spinrnn.load(tmp_path / "run")
    np.testing.assert_array_equal(half.scaling.input_mean, whole.network.scaling.input_mean)
    arrays = checkpoints.load_newest_checkpoint(tmp_path / "run")[1]
    assert arrays["scaling/input_deviation"].shape == (2,)
    again = spinrnn.train(config, tmp_path / "run", resume=True, data=data)
    np.testing.assert_array_equal(again.network.parameters, whole.network.parameters)
    loaded = spinrnn.load(tmp_path / "run")
    u, lengths = data.inputs, data.lengths
    np.testing.assert_array_equal(loaded.forward(u, lengths), whole.network.forward(u, lengths))


@pytest.mark.parametrize("estimator", [spinrnn.Reservoir(), spinrnn.BPTT(warm="reservoir")])
def test_a_regression_in_microvolts(estimator):
    """Outputs come back in the targets' units, and the scores are those of the same
    numbers in volts of order 1.
    """
    rng = np.random.default_rng(0)
    u = rng.normal(size=(60, 2, 6))
    y = np.stack([u[:, 0].mean(axis=1), u[:, 1, -1]], axis=1)
    network = spinrnn.NetworkConfig(layers=(12,), readout="both", dtype="float64", substeps=2)
    train = spinrnn.TrainConfig(noise=0.0, estimator=estimator)
    if not estimator.at_once:
        train = dataclasses.replace(train, epochs=2, batch=16, learning_rate=1e-3)
    data = spinrnn.DataConfig(scaling="standard")
    config = spinrnn.RunConfig(network, train, data, task=spinrnn.Regression())
    units, offset = np.array([1e-6, 1e3]), np.array([5e-6, -2e4])
    plain = spinrnn.train(config, data=spinrnn.Dataset(u, targets=y))
    other = spinrnn.train(config, data=spinrnn.Dataset(u * UNITS, targets=y * units + offset))
    expected = plain.network.forward(u)
    assert np.corrcoef(expected[:, 0], y[:, 0])[0, 1] > 0.9
    found = (other.network.forward(u * UNITS) - offset) / units
    np.testing.assert_allclose(found, expected, atol=1e-5)
    for name in ("test_loss", "validation_loss"):
        assert other.summary[name] == pytest.approx(plain.summary[name], rel=1e-4)
    last = other.history[-1]
    assert last["train_loss"] == pytest.approx(plain.history[-1]["train_loss"], rel=1e-4)
    # the loss of the records is that of training, of scaled targets
    trainer = Trainer(other.config, spinrnn.Dataset(u * UNITS, targets=y * units + offset))
    part, net = trainer.test, other.network
    loss = net.loss(part.inputs, targets=part.targets)
    assert other.summary["test_loss"] == pytest.approx(loss, rel=1e-9)


def test_a_forecast_runs_freely_in_its_own_units():
    """Outputs are fed back as inputs, so both must be in the data's units."""
    sine = 1e-6 * np.sin(0.3 * np.arange(300))[None, None] + 4e-6
    network = spinrnn.NetworkConfig(layers=(24,), inputs=1, outputs=1, readout="points")
    train = spinrnn.TrainConfig(estimator=spinrnn.Reservoir())
    data = spinrnn.DataConfig(scaling="standard")
    task = spinrnn.Forecasting(washout=20, window=100)
    run = spinrnn.RunConfig(network, train, data, task=task)
    result = spinrnn.train(run, data=spinrnn.Dataset(sine))
    assert result.summary["test_nrmse"] < 0.1
    free = spinrnn.free_run(result.network, sine[:, :, :100], points=10)
    assert np.abs(free - sine[:, :, 100:110]).max() < 0.3e-6


def test_targets_checked_before_are_in_the_datas_units():
    """A prepared network takes checked targets as they are in the data."""
    net, plain, scaling, u, own = pair(outputs=True)
    values = np.random.default_rng(0).normal(size=(7, 3))
    raw = values * scaling.output_deviation + scaling.output_mean
    targets = checked_targets(net.config, np.full(7, 9), 9, values=raw)
    outputs, loss, _ = net.prepared().logits_loss_grad(u, targets)
    assert loss == pytest.approx(plain.loss(own, targets=values), rel=1e-9)
    np.testing.assert_array_equal(outputs, net.forward(u))


def test_what_follows_a_case_is_as_nothing():
    """Zeros there would be -1e30 deviations."""
    net, plain, *_ = pair("float32")
    net.scaling = Scaling([1e30, 1e30], [1, 1])
    lengths = np.array([9, 4])
    found = net.forward(np.full((2, 2, 9), 1e30), lengths)
    np.testing.assert_array_equal(found, plain.forward(np.zeros((2, 2, 9)), lengths))
    gradient = net.loss_and_grad(np.full((2, 2, 9), 1e30), [0, 1], lengths)[1]
    expected = plain.loss_and_grad(np.zeros((2, 2, 9)), [0, 1], lengths)[1]
    np.testing.assert_array_equal(gradient, expected)


def test_a_scaling_of_texts_is_told():
    with pytest.raises(DataError, match="scaling: input_mean must be numbers"):
        Scaling(["a"], [1])
