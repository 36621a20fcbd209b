"""The learned device as a neuron: derivatives, noise, internal steps, units, rest, and
networks that carry it."""

import dataclasses
import pickle
import warnings

import numpy as np
import owntwin
import pytest
from neurons.learnednoise import NEURON, SEED, UNIT, H, distances_of_noise, noisy_step

import spinrnn
from spinrnn.checks.neuron import check_neuron
from spinrnn.config.toml import from_toml, load_config, to_toml
from spinrnn.errors import ConfigError
from spinrnn.kernels.leveled import called_level
from spinrnn.neurons.learned import Channel, LearnedDevice
from spinrnn.neurons.learnedkind import at_rest
from spinrnn.neurons.learnedstep import arranged, step, weights_in
from spinrnn.neurons.learnedtext import device_of, text_of
from spinrnn.runs.suspicions import warn_beyond

QUIET = dataclasses.replace(NEURON, noise=0.0)
CONFIG = {"layers": (3, 2), "inputs": 2, "outputs": 3, "input_interval": 3e-9}


def linear(rate=1.0, gain=0.5, states=1, **changes):
    """A device without hidden layers: dz/dt = -rate z + gain v."""
    matrix = np.zeros((states, 2 * states))
    matrix[:, :states], matrix[:, states] = -rate * np.eye(states), gain
    known = {
        "weights": ((matrix, np.zeros(states)),),
        "output": Channel("power", "1", 0.2, 4.0, 0.0, 1.0),
        "drives": (Channel("drive", "1/s", 1e8, 2e-8, 0.5e8, 2.5e8),),
        "sampling_step": 1e-9,
        "unit_step": 0.1,
        "delays": states,
    }
    return LearnedDevice(**known | changes)


def problem(neuron, **changes):
    config = spinrnn.NetworkConfig(**CONFIG | {"neuron": neuron, "dtype": "float64"} | changes)
    net, rng = spinrnn.Network(config, seed=1), np.random.default_rng(1)
    net.parameters += 0.2 * rng.normal(size=net.parameters.size)
    return net, rng.normal(size=(3, 2, 4)), np.arange(3), np.array([4, 2, 3])


@pytest.mark.slow
def test_all_promises_of_a_neuron_are_kept():
    checks = list(check_neuron(NEURON))
    assert {"rest", "order", "d output_state'/d gain"} <= {check.promise for check in checks}
    assert not [check.text for check in checks if not check.ok]
    assert all(check.error < 1e-12 for check in checks if check.promise.startswith("d "))


@pytest.mark.parametrize("hidden", [1, 13, 25])
def test_outputs_and_gradients_are_those_of_the_twin(hidden):
    """Widths of one tile, of several equal and of unequal ones; each neuron its own."""
    rng, device = np.random.default_rng(hidden), NEURON.device
    sizes = [(hidden, 4), (hidden, hidden), (2, hidden)]
    weights = tuple((rng.normal(size=s) / np.sqrt(s[1]), rng.normal(size=s[0])) for s in sizes)
    own = spinrnn.Learned.of(dataclasses.replace(device, weights=weights, diffusion=None))
    spread = spinrnn.Spread(drive_gain=0.2, output_gain=0.1, speed=0.3)
    trained = ("drive_gain", "drive_offset", "output_gain")
    net, u, labels, lengths = problem(own, spread=spread, trained=trained, trained_per="neuron")
    views = net.layout.grouped(net.parameters)
    expected = owntwin.logits(net.config, views, u, lengths, net.devices)
    np.testing.assert_allclose(net.forward(u, lengths), expected, rtol=0, atol=1e-12)
    directions = rng.normal(size=(2, net.layout.size))
    slopes = owntwin.slopes(net, u, labels, lengths, directions)
    gradient = net.loss_and_grad(u, labels, lengths)[1]
    np.testing.assert_allclose(directions @ gradient, slopes, rtol=1e-11)


def test_noise_is_what_was_learned_with_its_derivatives():
    of_step, of_derivatives = distances_of_noise()
    assert of_step < 1e-14
    assert of_derivatives < 1e-14


def test_the_noise_of_many_samples_has_the_learned_variance():
    """Of a device at rest that does nothing but noise of 0.3 per root of its time."""
    nothing = linear(0.0, 0.0, 2, diffusion=((np.zeros((2, 4)), np.full(2, np.log(0.3))),))
    config = spinrnn.NetworkConfig(
        layers=(40,), neuron=spinrnn.Learned.of(nothing, drive_scale=1e8), input_interval=1e-9,
        substeps=1, inputs=1, dtype="float64",
    )  # fmt: skip
    paths = spinrnn.Network(config, seed=0).simulate(np.zeros((100, 1, 5)))
    for states in (paths.state[0], paths.states["output_state_1"][0]):
        steps = np.diff(states, axis=-1)
        # of 20000 numbers, 4 standard errors
        assert steps.std() == pytest.approx(0.3 * np.sqrt(0.1), rel=0.02)
        assert abs(steps.mean()) < 4 * 0.095 / np.sqrt(steps.size)
        assert abs((steps[..., 1:] * steps[..., :-1]).mean()) < 4 * 0.009 / np.sqrt(16000)
    both = np.diff(paths.state[0]) * np.diff(paths.states["output_state_1"][0])
    assert abs(both.mean()) < 4 * 0.009 / np.sqrt(20000)


def test_a_long_substep_is_several_steps_of_the_devices_own():
    q = tuple(QUIET.numbers(QUIET.time_unit, UNIT).values())
    # of noise that is 0, whose level is compiled for the noise above
    call = called_level(QUIET.functions("exponential"), len(q), 2, "learned", seed=SEED)
    shared, s = QUIET.shared(), (0.3, -0.2)
    # the unit of time is four sampling steps
    long = call(q, shared, 0.75, s, 0.5, 1.0)
    jacobian = np.eye(2)
    for _ in range(3):
        s, own, *_ = call(q, shared, 0.25, s, 0.5, 1.0)
        jacobian = np.array(own) @ jacobian
    np.testing.assert_allclose(long[0], s, rtol=1e-14)
    np.testing.assert_allclose(long[1], jacobian, rtol=1e-14)
    # one that is too long by rounding alone is one
    assert call(q, shared, 0.25 * (1 + 1e-12), (0.3, -0.2), 0.5, 1.0)[0] == pytest.approx(
        step(q, shared, 0.25, (0.3, -0.2), 0.5, 1.0)[0], rel=1e-11
    )


@pytest.mark.slow  # compiles for seconds
def test_float32_is_float64_rounded():
    exact, single = problem(NEURON), problem(NEURON, dtype="float32")
    np.testing.assert_allclose(
        single[0].forward(single[1].astype("f4"), single[3]),
        exact[0].forward(exact[1], exact[3]), atol=1e-4,
    )  # fmt: skip


def test_the_arrangement_gives_the_weights_back():
    for device in (NEURON.device, linear()):
        found = weights_in(arranged(device, 0))
        (matrix, bias), *others = device.weights
        k = device.delays
        drive = matrix[:, k:].sum(axis=1)
        np.testing.assert_allclose(found[0][0], np.column_stack([matrix[:, :k], drive]))
        np.testing.assert_array_equal(found[0][1], bias)
        for (a, b), (c, d) in zip(found[1:], others, strict=True):
            np.testing.assert_array_equal(a, c)
            np.testing.assert_array_equal(b, d)


# ---- units ----


def test_in_the_place_of_an_oscillator_units_are_its_own():
    oscillator = spinrnn.Oscillator(relaxation_time=20e-9, bias_ratio=1.5)
    own = spinrnn.Learned.of(linear(states=2), like=oscillator)
    assert own.time_unit == 20e-9
    assert spinrnn.NetworkConfig(neuron=own).filter_time == pytest.approx(200e-9)
    assert own.drive_unit == pytest.approx(5e7)
    q = own.numbers(20e-9, UNIT)
    assert q["bias"] == pytest.approx(1.5)
    # 10 units of the device's time are 100 ns
    assert q["rate"] == pytest.approx(2.0)
    # I = 1.5 is 7.5e7 per s, (7.5e7 - 1e8) 2e-8 = -0.5 of the device's, z* = -0.25
    assert own.rest(q)[0] == pytest.approx(0.2 - 0.25 / 4)
    config = spinrnn.NetworkConfig(
        layers=(2,), inputs=1, neuron=own, highpass_time=0.0, dtype="float64"
    )
    net = spinrnn.Network(config, seed=0)
    net.parameters[:] = 0
    paths = net.simulate(np.zeros((1, 1, 3)))
    assert np.allclose(paths.drive[0], 7.5e7)
    assert np.allclose(paths.state[0], 0.2 - 0.25 / 4)


def test_by_default_a_drive_of_one_is_half_of_the_range_seen():
    own = spinrnn.Learned.of(linear())
    assert own.drive_unit == pytest.approx(1e8)
    q = own.numbers(own.time_unit, UNIT)
    assert q["bias"] == pytest.approx(1.5)
    assert q["gain"] * (q["bias"] + 1) + q["shift"] == pytest.approx((2.5e8 - 1e8) * 2e-8)
    assert own.time_unit == pytest.approx(4e-9)
    assert own.states[0].unit == "1"


def test_other_drives_are_held_in_the_middle_of_what_was_seen():
    second = Channel("field", "T", 0.1, 10.0, 0.2, 0.4)
    matrix = np.array([[-1.0, 0.5, 3.0]])
    device = linear(
        weights=((matrix, np.zeros(1)),), drives=(linear().drives[0], second)
    )  # fmt: skip
    first = spinrnn.Learned.of(device)
    assert float(at_rest(device, 0, 0.7)[0]) == pytest.approx(0.5 * 0.7 + 3 * 2)
    field = dataclasses.replace(first, driven="field")
    assert field.drive.unit == "T"
    assert field.drive_unit == pytest.approx(0.1)
    with pytest.raises(ConfigError, match="driven: the device has the drive drive or field"):
        dataclasses.replace(first, driven="voltage")


def test_a_device_that_does_not_come_to_rest_starts_in_the_middle():
    turning = np.array([[0.0, 1.0, 0.0, 0.0], [-1.0, 0.0, 0.0, 0.0]])
    growing = linear(weights=((turning + 0.01 * np.eye(2, 4), np.full(2, 0.1)),), delays=2)
    assert np.array_equal(at_rest(growing, 0, np.array([0.3, 0.4])), np.zeros((2, 2)))


# ---- files ----


def test_a_rest_beside_an_equation_is_refused_by_the_equations_name():
    known = spinrnn.Oscillator()
    table = {"neuron": {"kind": known.kind, **known.table()}, "gain": 1.0}
    device = dataclasses.replace(spinrnn.Learned.example().device, base=table)
    with pytest.raises(ConfigError, match="beside the equation of oscillator is no neuron yet"):
        spinrnn.Learned.of(device)


def test_the_text_is_the_device():
    device = dataclasses.replace(NEURON.device, provenance={"files": ["a.txt"]})
    again, name = device_of(text_of(device, "device.h5"))
    assert name == "device.h5"
    for networks in ("weights", "diffusion"):
        for (a, b), (c, d) in zip(getattr(again, networks), getattr(device, networks), strict=True):
            assert np.array_equal(a, c)
            assert np.array_equal(b, d)
    for name in ("output", "drives", "sampling_step", "unit_step", "held", "provenance"):
        assert getattr(again, name) == getattr(device, name)


def test_a_network_is_whole_without_the_devices_file(tmp_path):
    path = tmp_path / "device.h5"
    NEURON.device.save(path)
    (tmp_path / "run.toml").write_text('[neuron]\nkind = "learned"\nfile = "device.h5"\n')
    config = load_config(tmp_path / "run.toml", ["network.layers=[3]", "network.dtype=float64"])
    assert config.network.neuron.file == str(path)
    net = spinrnn.Network(config.network, seed=1)
    net.save(tmp_path / "net.h5")
    path.unlink()
    again = spinrnn.load(tmp_path / "net.h5")
    u = np.random.default_rng(0).normal(size=(2, 1, 3))
    assert np.array_equal(again.forward(u), net.forward(u))
    assert from_toml(to_toml(config)) == config
    assert pickle.loads(pickle.dumps(config)) == config
    with pytest.raises(ConfigError, match=r"file: .*device.h5"):
        load_config(tmp_path / "run.toml")


def test_another_file_takes_the_place_of_the_content(tmp_path):
    for name, device in (("a.h5", NEURON.device), ("b.h5", linear())):
        device.save(tmp_path / name)
    (tmp_path / "a.toml").write_text(to_toml(load_config(None, [
        "neuron.kind=learned", f"neuron.file={tmp_path / 'a.h5'}",
    ])))  # fmt: skip
    changed = load_config(tmp_path / "a.toml", [f"neuron.file={tmp_path / 'b.h5'}"])
    assert changed.network.neuron.device.delays == 1
    assert len(changed.network.neuron.states) == 1


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "file: give the file of a learned device"),
        ({"file": "none.h5"}, "file: .*none.h5"),
        ({"content": "AAAA"}, "content: is no learned device"),
        ({"content": NEURON.content[:-8]}, "content: is no learned device"),
        ({"content": NEURON.content, "drive_scale": -1.0}, "drive_scale: must be above 0"),
        ({"content": NEURON.content, "emits": "all"}, "emits: must be"),
        ({"file": 3}, "file: must be a text"),
    ],
)
def test_mistakes_are_told(given, told):
    with pytest.raises(ConfigError, match=told):
        spinrnn.Learned(**given)


def test_noise_is_the_same_however_a_batch_is_cut():
    net, u, _, _ = problem(NEURON)
    whole = net.forward(u, noise_seed=3)
    spinrnn.set_threads(2)
    try:
        assert np.array_equal(net.forward(np.tile(u, (20, 1, 1)), noise_seed=3)[:3], whole)
    finally:
        spinrnn.set_threads(None)
    assert not np.array_equal(net.forward(u, noise_seed=4), whole)
    assert noisy_step((0.1, 0.2), 0.3)[0] != noisy_step((0.1, 0.2), 0.4)[0]
    assert H < 1


# ---- beyond what was seen ----


def test_drives_beyond_what_was_seen_are_told_with_their_share(tmp_path):
    """Half of the neurons are driven beyond: 2 of 3 of the first layer, none of the
    second."""
    config = spinrnn.NetworkConfig(
        layers=(3, 1), inputs=1, neuron=spinrnn.Learned.of(linear(states=2)), input_interval=4e-9,
        dtype="float64",
    )  # fmt: skip
    net = spinrnn.Network(config, seed=0)
    net.parameters[:] = 0
    net.parameters[net.layout.places("bias_0")] = [0.0, 1.2, -1.5]
    with pytest.warns(UserWarning, match="67 % in layer 0 of neurons and times; a smaller net"):
        net.simulate(np.zeros((2, 1, 3)))
    data = spinrnn.Dataset(np.zeros((2, 1, 3)), np.array([0, 1]))
    with pytest.warns(UserWarning, match="67 % in layer 0"):
        warn_beyond(net, data)
    with pytest.warns(UserWarning, match="67 % in layer 0 of neurons and times"):
        spinrnn.write_trajectory(tmp_path / "t.h5", net, np.zeros((2, 1, 3)))
    with spinrnn.open_trajectory(tmp_path / "t.h5") as file:
        assert np.allclose(np.asarray(file.drive[0])[0, 1], 1.5e8 + 1.2e8)
        assert file.config.neuron == config.neuron
    net.parameters[:] = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.simulate(np.zeros((2, 1, 3)))
    # a drive that acts half lets twice as much be
    half = dataclasses.replace(config.neuron, drive_gain=0.5)
    assert half.seen == pytest.approx((1e8, 5e8))
