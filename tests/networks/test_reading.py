"""What the output weights act on and what is learned: readout at the end, over the whole
time, at every point; labels and values, missing ones, weights.
"""

import dataclasses

import numpy as np
import pytest

import spinrnn
from spinrnn.networks import planning

READOUTS = (
    *("end", "mean", "both", "points", "power", "end_power"),
    *("end squares", "points squares", "end_power squares"),
)
"""With "squares" the output weights act on the squares of what is read too."""
CASES, POINTS, OUTPUTS = 19, 6, 3


def network(readout, **changes):
    readout, _, squares = readout.partition(" ")
    config = {"layers": (5, 4), "inputs": 2, "outputs": OUTPUTS, "substeps": 2}
    config |= {"readout_features": "quadratic"} if squares else {}
    config |= {"dtype": "float64", "readout": readout, **changes}
    return spinrnn.Network(spinrnn.NetworkConfig(**config), seed=1)


@pytest.fixture
def given():
    """Inputs of 19 cases, which are three panels, and their lengths."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(CASES, 2, POINTS)), rng.integers(2, POINTS + 1, CASES)


def wanted(readout, kind):
    """Labels or targets, some missing, those of the first point there."""
    rng, at_points = np.random.default_rng(3), readout.startswith("points")
    if kind == "labels":
        labels = rng.integers(0, 3, (CASES, POINTS))
        labels[rng.random(labels.shape) < 0.3] = -1
        labels[:, 0] = np.arange(CASES) % 3
        return {"labels": labels if at_points else labels[:, 0]}
    values = rng.normal(size=(CASES, OUTPUTS, POINTS))
    values[rng.random(values.shape) < 0.3] = np.nan
    values[:, 0, 0] = 1.0
    return {"targets": values if at_points else values[:, :, 0]}


def features(net, u, lengths):
    """(case, F, R) that the output weights act on, of the states over time."""
    trajectory, config = net.simulate(u, lengths), net.config
    y = trajectory.output[-1]
    substeps, found = config.resolved_substeps, []
    for case, length in enumerate(lengths):
        own = y[case, :, : length * substeps + 1]
        mean = np.trapezoid(own, axis=1) / (length * substeps)
        state = trajectory.state[-1][case, :, : length * substeps + 1]
        power = np.trapezoid(state - state[:, :1], axis=1) / (length * substeps)
        points = np.full((len(own), POINTS), np.nan)
        points[:, :length] = own[:, substeps::substeps]
        read = {
            "end": own[:, -1:],
            "mean": mean[:, None],
            "both": np.concatenate([own[:, -1], mean])[:, None],
            "points": points,
            "power": power[:, None],
            "end_power": np.concatenate([own[:, -1], power])[:, None],
        }[config.readout]
        squares = [read**2] if config.readout_features == "quadratic" else []
        found.append(np.concatenate([read, *squares]))
    return np.array(found)


def outputs_of(net, u, lengths):
    views = net.views()
    found = np.einsum("kf,cfr->ckr", views["w_out"], features(net, u, lengths))
    return net.config.output_amplification * (found + views["b_out"][:, None])


@pytest.mark.parametrize("neuron", ["oscillator", "ctrnn"])
@pytest.mark.parametrize("readout", READOUTS)
def test_outputs_are_what_the_states_say(readout, neuron, given):
    u, lengths = given
    net = network(readout, neuron=neuron)
    outputs = net.forward(u, lengths)
    at_points = readout.startswith("points")
    assert outputs.shape == ((CASES, OUTPUTS, POINTS) if at_points else (CASES, OUTPUTS))
    expected = outputs_of(net, u, lengths)
    expected = expected if at_points else expected[:, :, 0]
    np.testing.assert_allclose(outputs, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("kind", ["labels", "values"])
@pytest.mark.parametrize("readout", READOUTS)
def test_losses_by_their_definitions(readout, kind, given):
    """Mean over cases of weight times the mean over the case's targets."""
    u, lengths = given
    net, target = network(readout), wanted(readout, kind)
    weights = np.random.default_rng(5).uniform(0, 2, CASES)
    outputs, losses = outputs_of(net, u, lengths), []
    for case, length in enumerate(lengths):
        own = outputs[case] if not readout.startswith("points") else outputs[case, :, :length]
        if kind == "values":
            values = target["targets"][case].reshape(OUTPUTS, -1)[:, : own.shape[1]]
            losses.append(np.nanmean((own - values) ** 2))
        else:
            labels = np.atleast_1d(target["labels"][case])[: own.shape[1]]
            logs = own - np.log(np.exp(own).sum(axis=0))
            picked = [-logs[label, t] for t, label in enumerate(labels) if label >= 0]
            losses.append(np.mean(picked))
    expected = np.mean(weights * losses)
    assert net.loss(u, lengths=lengths, weights=weights, **target) == pytest.approx(
        expected, rel=1e-12
    )
    plain = net.loss(u, lengths=lengths, **target)
    assert plain == pytest.approx(np.mean(losses), rel=1e-12)


@pytest.mark.parametrize("scheme", ["exponential", "euler"])
@pytest.mark.parametrize("kind", ["labels", "values"])
@pytest.mark.parametrize("readout", READOUTS)
def test_gradients_are_exact(readout, kind, scheme, given):
    """Along random directions, against differences of fourth order."""
    u, lengths = given
    net, target = network(readout, scheme=scheme), wanted(readout, kind)
    options = {"lengths": lengths, "weights": np.linspace(0.1, 2, CASES), **target}
    loss, gradient = net.loss_and_grad(u, **options)
    assert loss == net.loss(u, **options)
    point, rng = net.parameters.copy(), np.random.default_rng(1)
    for _ in range(4):
        direction, losses = rng.normal(size=point.size), []
        for k in (-2, -1, 1, 2):
            net.parameters = point + 1e-4 * k * direction
            losses.append(net.loss(u, **options))
        slope = (losses[0] - 8 * losses[1] + 8 * losses[2] - losses[3]) / 12e-4
        assert gradient @ direction == pytest.approx(slope, rel=1e-9, abs=1e-10)


@pytest.fixture
def settings():
    threads, limit = spinrnn.get_threads(), spinrnn.get_memory_limit()
    yield
    spinrnn.set_threads(threads)
    spinrnn.set_memory_limit(limit)


@pytest.mark.parametrize("readout", READOUTS)
def test_bits_do_not_depend_on_memory_threads_or_companions(readout, settings, monkeypatch):
    rng = np.random.default_rng(2)
    u, lengths = rng.normal(size=(40, 2, 30)), rng.integers(2, 31, 40)
    net = network(readout, substeps=4)
    shape = (40, 30) if readout.startswith("points") else (40,)
    labels = rng.integers(0, 3, shape)
    whole = net.logits_loss_grad(u, labels, lengths)
    spinrnn.set_threads(1)
    plan = net.plan(40, 30)
    assert plan.segments == 1
    for threads, share in ((1, 1), (2, 3), (1, 0.6)):
        spinrnn.set_threads(threads)
        spinrnn.set_memory_limit(int(share * plan.bytes))
        again = net.logits_loss_grad(u, labels, lengths)
        assert (net.plan(40, 30).segments > 1) == (share < 1)
        for one, other in zip(whole, again, strict=True):
            np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(net.forward(u[7:9], lengths[7:9]), net.forward(u, lengths)[7:9])
    # several panels in a block, which large networks have
    spinrnn.set_memory_limit(2**40)
    monkeypatch.setattr(planning, "LARGE_WEIGHTS", 0)
    assert net.plan(40, 30).block > 1
    again = net.logits_loss_grad(u, labels, lengths)
    np.testing.assert_array_equal(again[0], whole[0])
    # gradients of its cases are summed in another order
    np.testing.assert_allclose(again[2], whole[2], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("readout", ["points", "points squares"])
def test_a_network_at_points_is_a_stream(given, readout):
    u, _ = given
    net = network(readout)
    stream, outputs = net.stream(cases=CASES), net.forward(u)
    for t in range(POINTS):
        np.testing.assert_array_equal(stream(u[:, :, t]), outputs[:, :, t])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("readout", "window"), [("mean", 0), ("both", 0), ("both", 2)])
@pytest.mark.parametrize("neuron", ["oscillator", "ctrnn"])
def test_a_stream_of_a_network_that_reads_averages(given, readout, window, neuron, dtype):
    """Of the points so far; from a state that was put back it goes on to the same bits."""
    u, _ = given
    net = network(readout, neuron=neuron, readout_window=window, dtype=dtype)
    net.parameters = 3 * net.parameters
    stream, kept, found = net.stream(cases=CASES), None, []
    for t in range(POINTS):
        kept = stream.state if t == 3 else kept
        found.append(stream(u[:, :, t]))
        if t + 1 >= window:
            expected = net.forward(u[:, :, : t + 1])
            allowed = 20 * np.finfo(dtype).eps * np.abs(expected).max()
            np.testing.assert_allclose(found[t], expected, rtol=0, atol=allowed)
    assert found[0].dtype == np.dtype(dtype)
    stream.state = kept
    for t in range(3, POINTS):
        np.testing.assert_array_equal(stream(u[:, :, t]), found[t])
    stream.reset()
    np.testing.assert_array_equal(stream(u[:, :, 0]), found[0])


@pytest.mark.parametrize("window", [0, 2])
def test_a_stream_squares_what_is_read_at_the_end(given, window):
    u, _ = given
    net = network("end squares", readout_window=window)
    stream = net.stream(cases=CASES)
    for t in range(POINTS):
        found = stream(u[:, :, t])
        if t + 1 >= window:
            np.testing.assert_array_equal(found, net.forward(u[:, :, : t + 1]))
    for readout in ("mean squares", "both squares"):
        with pytest.raises(spinrnn.DataError, match="squares an average, which a stream"):
            network(readout).stream()


def test_a_trajectory_has_the_outputs_at_the_end(given):
    u, lengths = given
    net = network("points")
    outputs = net.forward(u, lengths)
    last = outputs[np.arange(CASES), :, lengths - 1]
    np.testing.assert_array_equal(net.simulate(u, lengths).logits, last)


def test_files_and_changes(tmp_path):
    net = network("both")
    assert net.views()["w_out"].shape == (3, 8)
    net.save(tmp_path / "net.h5")
    np.testing.assert_array_equal(spinrnn.load(tmp_path / "net.h5").parameters, net.parameters)
    with pytest.raises(spinrnn.ConfigError, match="readout: fixed by the trained parameters"):
        net.replace(readout="mean")
    assert network("end").replace(readout="points").config.readout == "points"
    with pytest.raises(spinrnn.ConfigError, match=r"^readout_features: fixed by the trained"):
        net.replace(readout_features="quadratic")
    with pytest.raises(spinrnn.ConfigError, match=r"^readout: fixed by the trained parameters$"):
        network("end").replace(readout="both")


def test_what_does_not_fit_is_refused(given):
    u, lengths = given
    with pytest.raises(spinrnn.ConfigError, match="readout_window: must be 0 with readout = "):
        spinrnn.NetworkConfig(readout="mean", readout_window=2)
    end, points = network("end"), network("points")
    labels = np.zeros(CASES, int)
    values = np.zeros((CASES, OUTPUTS, POINTS))
    missing = np.where(np.arange(CASES)[:, None, None] == 4, np.nan, values)
    late = np.full((CASES, POINTS), -1)
    late[:, -1] = 0
    for net, options, message in (
        (end, {}, "give either labels or targets"),
        (end, {"labels": labels, "targets": values}, "give either labels or targets"),
        (
            end,
            {"targets": values},
            r"the shape \(19, 3\) of a network .*: set network.readout = \"po",
        ),
        (end, {"labels": late}, 'one for each case; .* at every point: set network.readout = "poi'),
        (
            points,
            {"labels": labels},
            r"the shape \(19, 6\), .* each case: set network.readout = \"e",
        ),
        (points, {"targets": values[:, :, 0]}, r"\(19, 3\); .* each case: set network.readout = "),
        (end, {"targets": labels}, r"of shape \(19,\)$"),
        (points, {"labels": np.full((CASES, POINTS), 3)}, "must be below 3"),
        (points, {"targets": missing}, "case 4 has none before its end"),
        (points, {"labels": late}, f"case {np.argmax(lengths < POINTS)} has none before its end"),
        (points, {"targets": values + np.inf}, "infinite in case 0"),
        (end, {"labels": labels, "weights": labels[1:]}, "weights: expected 19 numbers"),
        (end, {"labels": labels, "weights": labels - 1.0}, "must be finite and not negative"),
    ):
        with (
            np.errstate(all="ignore"),
            pytest.raises(spinrnn.DataError, match=message),
        ):
            net.loss_and_grad(u, lengths=lengths, **options)


def test_the_digest_of_what_0_1_could_say_stays():
    config = spinrnn.RunConfig()
    network = dataclasses.replace(config.network, readout="mean")
    from spinrnn.sweep.points import identity

    assert identity(config, "a") != identity(dataclasses.replace(config, network=network), "a")


def test_the_power_is_not_known_point_by_point():
    with pytest.raises(spinrnn.DataError, match='readout = "power" averages the power'):
        network("power").stream()


def test_the_mean_power_knows_what_the_filter_took_away():
    """Of a constant drive y is gone soon, and the power stays: of that "mean" says
    little.
    """
    u = np.full((1, 2, 4000), 0.5)
    found = {}
    for readout in ("mean", "power"):
        net = network(readout, layers=(5,))
        trajectory = net.simulate(u)
        last = trajectory.state[-1][0, :, -1] - trajectory.state[-1][0, :, 0]
        net.views()["w_out"][:] = np.eye(3, len(last))
        net.views()["b_out"][:] = 0
        found[readout] = np.abs(net.forward(u)[0] / net.config.output_amplification / last[:3])
    assert (found["mean"] < 0.2).all()
    assert (np.abs(found["power"] - 1) < 0.2).all()
