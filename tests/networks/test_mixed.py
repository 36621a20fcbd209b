"""Layers of different neurons in one network: outputs and exact gradients, files, training,
streams; what of a configuration does not go together."""

from pathlib import Path

import numpy as np
import owntwin
import pytest
from conftest import forget_kinds
from neurons.madekinds import Chain, Memristor
from scipy.differentiate import derivative

import spinrnn
from spinrnn import CTRNN, NetworkConfig, Oscillator, Spread
from spinrnn.analysis.wording import heading
from spinrnn.config import kinds
from spinrnn.networks import planning
from spinrnn.neurons.spread import Devices
from spinrnn.recordings.recording import recording_of

kinds.use(Path(__file__).parents[2] / "docs" / "examples" / "leaky.py")
Leaky = kinds.kind_of("neuron", "leaky")
KINDS = forget_kinds()

# two states, where others have one or three
Slow = type("Slow", (Leaky,), {"kind": "made_slow", "schemes": ("euler",), "__module__": __name__})

NOISY = Oscillator(nonlinear_damping=0.4, thermal_power=3e-3)
THREE = (Oscillator(relaxation_time=8e-9, nonlinear_damping=0.4), CTRNN(12e-9), Leaky())
AWKWARD = {"readout_window": 2, "density_int": 0.5, "density_ext": 0.7, "substeps": 3}
SPREAD = {"spread": Spread(gamma=0.2, bias=0.1, tau=0.3, gain=0.2, seed=4)}
TRAINED = {"trained": ("relaxation_time", "bias_ratio", "tau", "coupling")}
CASES = {
    "plain": (THREE, {}),
    "another order": ((Leaky(), Oscillator(), CTRNN()), {"layers": (2, 4, 3)}),
    "awkward": (THREE, AWKWARD | SPREAD | {"highpass_time": 40e-9}),
    "two alike": ((CTRNN(), THREE[0], THREE[0], Leaky()), {"layers": (3, 2, 4, 2)}),
    "same kind": ((Oscillator(5e-9), Oscillator(20e-9, 3.0)), {"layers": (4, 3)} | AWKWARD),
    "noise": ((CTRNN(), NOISY, Leaky()), {"highpass_time": 30e-9}),
    "noise and devices": ((NOISY, Leaky(), CTRNN(20e-9)), AWKWARD | SPREAD),
    "euler": ((NOISY, Memristor(), CTRNN()), {"scheme": "euler", "substeps": 4}),
    "euler, three states": ((Chain(), Oscillator(), Memristor()), {"scheme": "euler"} | AWKWARD),
    "two and three states": ((Slow(), Chain(), CTRNN()), {"scheme": "euler"}),
}


@pytest.fixture(autouse=True)
def _kinds(monkeypatch):
    # what these tests register and use is unknown to all others
    monkeypatch.setattr(kinds, "_registered", {"neuron": dict(KINDS)})
    for name in ("_sources", "_files"):
        monkeypatch.setattr(kinds, name, {})
    yield
    spinrnn.set_memory_limit(None)


def config_of(neurons, changes):
    known = {"layers": (4, 3, 2), "inputs": 2, "outputs": 3, "dtype": "float64", "substeps": 2}
    return NetworkConfig(**{"highpass_time": 0, **known, **changes, "neuron": neurons})


def problem(neurons, changes, seed=1):
    """(network, inputs, labels, lengths), its trained quantities away from nominal."""
    net, rng = spinrnn.Network(config_of(neurons, changes), seed=seed), np.random.default_rng(seed)
    for name, (where, _) in net.layout.blocks.items():
        if not name.startswith("w_"):
            net.parameters[where] = 0.2 * rng.normal(size=where.stop - where.start)
    u = rng.normal(size=(9, 2, 4))
    return net, u, rng.integers(0, 3, 9), rng.integers(2, 5, 9)


def trained_by(neurons, names):
    """Those of the names that a kind can train."""
    known = {name for neuron in neurons for name in vars(neuron)}
    return tuple(name for name in names if name in known)


# ---- outputs and gradients ----


QUICK_WITHOUT = ("plain", "awkward")
"""Cases without trained quantities that are in the quick suite: each of the others
compiles levels of its own, which differ from those with them by what is written out."""


def is_slow(case, per):
    """Whether a case compiles levels of its own and has what others have too."""
    return case == "two and three states" or not (per or case in QUICK_WITHOUT)


@pytest.mark.parametrize(
    ("case", "per"),
    [
        pytest.param(case, per, marks=pytest.mark.slow if is_slow(case, per) else ())
        for case in CASES
        for per in (None, "layer", "neuron")
    ],
)
def test_outputs_and_gradients_are_those_of_the_twin(case, per):
    neurons, changes = CASES[case]
    if changes.get("spread") and not any(isinstance(one, Leaky) for one in neurons):
        changes = changes | {"spread": Spread(gamma=0.2, gain=0.2)}
    if per:
        names = trained_by(neurons, (*TRAINED["trained"], "start", "feedback", "tau_w"))
        changes = changes | {"trained": names, "trained_per": per}
    net, u, labels, lengths = problem(neurons, changes)
    mask = 1 if net.mask is None else net.mask
    views = net.layout.grouped(net.parameters * mask)
    expected = owntwin.logits(net.config, views, u, lengths, net.devices, 5)
    np.testing.assert_allclose(net.forward(u, lengths, 5), expected, rtol=0, atol=1e-12)
    gradient = net.loss_and_grad(u, labels, lengths, 5)[1]
    directions = [*np.random.default_rng(0).normal(size=(3, net.layout.size))]
    # each trained quantity by itself, as it is one number among many
    for name, (where, _) in net.layout.blocks.items():
        if name.startswith("neuron_"):
            alone = np.zeros(net.layout.size)
            alone[where.stop - 1] = 1
            directions.append(alone)
    slopes = owntwin.slopes(net, u, labels, lengths, directions, 5)
    found = np.array([gradient @ (d * mask) for d in directions])
    np.testing.assert_allclose(found, slopes, rtol=0, atol=1e-11 * max(1, np.abs(slopes).max()))


@pytest.mark.parametrize(
    "case",
    ["awkward", "noise and devices", pytest.param("euler, three states", marks=pytest.mark.slow)],
)
def test_gradients_are_central_differences(case):
    """Whatever a twin of the steps may have in common with them."""
    neurons, changes = CASES[case]
    names = trained_by(neurons, TRAINED["trained"])
    if case.startswith("euler"):
        changes = changes | {"spread": Spread(gamma=0.2, gain=0.2)}
    net, u, labels, lengths = problem(neurons, changes | {"trained": names})
    gradient, start = net.loss_and_grad(u, labels, lengths, 5)[1], net.parameters.copy()
    for direction in np.random.default_rng(0).normal(size=(4, net.layout.size)):
        if net.mask is not None:
            direction = direction * net.mask

        def along(x, direction=direction):
            net.parameters[:] = start + float(x) * direction
            return net.loss(u, labels, lengths, 5)

        right = derivative(np.vectorize(along), 0.0, initial_step=0.02, order=8)
        net.parameters[:] = start
        assert gradient @ direction == pytest.approx(right.df, rel=1e-8, abs=1e-9)


def test_segments_and_threads_do_not_change_a_bit():
    net, u, labels, lengths = problem(*CASES["awkward"])
    net = spinrnn.Network(config_of(THREE, AWKWARD | SPREAD | TRAINED), seed=2)
    u = np.tile(u, (8, 1, 4))
    lengths, labels = np.tile(lengths, 8) + 9, np.tile(labels, 8)
    logits, loss, gradient = net.logits_loss_grad(u, labels, lengths)
    whole, segments = net.plan(72, 16).bytes, set()
    least = planning.plan(net.config, net._packing(), 72, 16, True, 1).bytes
    for limit in (whole, (whole + least) // 2, least):
        spinrnn.set_memory_limit(limit)
        segments.add(net.plan(72, 16).segments)
        again = net.logits_loss_grad(u, labels, lengths)
        assert again[1] == loss
        np.testing.assert_array_equal(again[0], logits)
        np.testing.assert_array_equal(again[2], gradient)
    assert len(segments) > 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equal_entries_are_the_single_kind(dtype):
    one = NetworkConfig(layers=(4, 3), neuron=Oscillator(bias_ratio=3), dtype=dtype)
    many = NetworkConfig(layers=[4, 3], neuron=[Oscillator(bias_ratio=3)] * 2, dtype=dtype)
    assert many == one
    assert hash(many) == hash(one)
    assert many.neuron == Oscillator(bias_ratio=3)
    assert many.neurons == one.neurons == (Oscillator(bias_ratio=3),) * 2


def test_a_layer_behaves_as_a_network_of_its_own():
    """An oscillator's layer before a CTRNN's: what it does is what it does alone."""
    both = spinrnn.Network(config_of((NOISY, CTRNN(), CTRNN()), {"highpass_time": 40e-9}))
    alone = spinrnn.Network(
        both.config.__class__(
            layers=(4,), inputs=2, outputs=3, neuron=NOISY, substeps=2, dtype="float64",
            highpass_time=40e-9,
        )
    )  # fmt: skip
    for name in ("w_ext", "w_int", "bias"):
        alone.views()[name][0][:] = both.views()[name][0]
    u = np.random.default_rng(0).normal(size=(5, 2, 6))
    one, other = both.simulate(u, noise_seed=3), alone.simulate(u, noise_seed=3)
    for name in ("state", "output", "drive"):
        np.testing.assert_allclose(getattr(one, name)[0], getattr(other, name)[0], rtol=1e-13)


# ---- point by point ----


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("window", [0, 2])
def test_a_stream_gives_what_the_whole_sequence_gives(dtype, window):
    neurons, changes = CASES["noise and devices"]
    net, *_ = problem(neurons, changes | {"dtype": dtype, "readout_window": window})
    u = np.random.default_rng(0).normal(size=(19, 2, 6)).astype(dtype)
    stream = net.stream(19, noise_seed=4)
    for k in range(6):
        output = stream(u[:, :, k])
        if k + 1 >= window:
            np.testing.assert_array_equal(output, net.forward(u[:, :, : k + 1], noise_seed=4))


# ---- states over time and their files ----


@pytest.mark.parametrize("per", ["layer", "neuron"])
def test_a_trajectory_has_each_layers_own_variables_and_units(per, tmp_path):
    neurons, changes = CASES["awkward"]
    net, u, _, lengths = problem(neurons, changes | TRAINED | {"trained_per": per})
    known = net.simulate(u, lengths)
    assert [part is None for part in known.states["recovery"]] == [True, True, False]
    net.simulate_to(tmp_path / "a.h5", u, lengths, variables=["p", "m", "recovery", "drive"])
    known.save(tmp_path / "b.h5")
    for name in ("a.h5", "b.h5"):
        with spinrnn.open_trajectory(tmp_path / name) as file:
            assert file.config == net.config
            np.testing.assert_array_equal(file.network.parameters, net.parameters)
            np.testing.assert_array_equal(file.network.mask, net.mask)
            assert file.network.devices.same(net.devices)
            assert [part is None for part in file.states["recovery"]] == [True, True, False]
            pairs = [(file.states["recovery"][2], known.states["recovery"][2])]
            for layer in range(3):
                pairs.append((file.state[layer], known.state[layer]))
                pairs.append((file.drive[layer], known.drive[layer]))
            for stored, right in pairs:
                np.testing.assert_array_equal(np.asarray(stored), right.astype("f4"))
    import h5py

    with h5py.File(tmp_path / "a.h5") as file:
        attributes = {key: file[key].attrs["units"] for key in ("drive_0", "drive_1", "drive_2")}
        assert attributes == {"drive_0": b"1/s", "drive_1": b"1", "drive_2": b"V"}
        assert file["state_1"].attrs["long_name"] == b"state s of the neurons of layer 1"
        assert {"power_0", "mean_power_0", "mean_state_1", "voltage_2", "recovery_2"} <= {*file}
        assert file.attrs["neuron"] == b"oscillator-ctrnn-leaky"
        assert file.attrs["relaxation_time_1"] == 12e-9
        assert file.attrs["tau_2"] == 10e-9
        assert "relaxation_time" not in file.attrs
        # a spread of oscillators says nothing of the other layers
        assert "gamma_factor_0" in file
        assert "gamma_factor_1" not in file
        assert "gain_factor_1" in file


def test_drives_are_in_the_unit_of_each_layers_neuron():
    """Of weights that give every layer the constant drive alone."""
    neurons = (CTRNN(20e-9), Oscillator(5e-9, bias_ratio=3), Leaky())
    net = spinrnn.Network(config_of(neurons, {}))
    net.parameters[:] = 0
    net.views()["bias"][0][:] = 0.5
    drives = net.simulate(np.zeros((1, 2, 1))).drive
    assert [float(drive[0, 0, 0]) for drive in drives] == pytest.approx([0.5, 3 / 5e-9, 0])


def test_a_saved_network_comes_back(tmp_path):
    neurons, changes = CASES["awkward"]
    net, u, _, lengths = problem(neurons, changes | TRAINED | {"trained_per": "neuron"})
    net.save(tmp_path / "net.h5")
    again = spinrnn.load(tmp_path / "net.h5")
    assert again.config == net.config
    np.testing.assert_array_equal(again.forward(u, lengths), net.forward(u, lengths))


# ---- training ----


def test_training_goes_on_to_the_same_bits(tmp_path, tiny_data):
    shape = {"inputs": tiny_data.inputs.shape[1], "outputs": 3}
    config = spinrnn.RunConfig(
        network=config_of((NOISY, CTRNN(), Leaky()), SPREAD | TRAINED | shape),
        train=spinrnn.TrainConfig(epochs=3, batch=8, noise=0.1),
    )
    whole = spinrnn.train(config, data=tiny_data, out=tmp_path / "whole")
    calls = []

    def stop():
        calls.append(None)
        return len(calls) > 4

    with pytest.raises(spinrnn.Interrupted):
        spinrnn.train(config, data=tiny_data, out=tmp_path / "parts", stop=stop)
    again = spinrnn.train(config, data=tiny_data, out=tmp_path / "parts", resume=True)
    np.testing.assert_array_equal(again.network.parameters, whole.network.parameters)
    assert again.history[-1]["train_loss"] == whole.history[-1]["train_loss"]
    assert spinrnn.load(tmp_path / "parts").config == config.network
    other = spinrnn.RunConfig(
        network=config_of((NOISY, CTRNN(11e-9), Leaky()), SPREAD | TRAINED | shape),
        train=config.train,
    )
    with pytest.raises(spinrnn.ConfigError, match=r"neuron\[1\]\.relaxation_time: 1e-08 there"):
        spinrnn.train(other, data=tiny_data, out=tmp_path / "parts", resume=True)


# ---- the network's copies and devices ----


def test_replace_keeps_what_parameters_are_of():
    net = spinrnn.Network(config_of(THREE, TRAINED | SPREAD))
    other = net.replace(neuron=(Oscillator(), CTRNN(), Leaky(tau_w=20e-9)))
    assert other.devices.same(net.devices)
    np.testing.assert_array_equal(other.parameters, net.parameters)
    with pytest.raises(spinrnn.ConfigError, match=r"^trained: fixed by the trained parameters$"):
        net.replace(neuron=(CTRNN(), Oscillator(), Leaky()))
    # untrained the kinds may change, and the devices with them
    plain = spinrnn.Network(config_of(THREE, SPREAD))
    moved = plain.replace(neuron=(CTRNN(), Oscillator(), Leaky()))
    assert moved.devices.gamma[:4].tolist() == [1] * 4
    assert plain.devices.gamma[4:].tolist() == [1] * 5


def test_a_spread_is_of_the_layers_whose_kind_has_it():
    net = spinrnn.Network(config_of(THREE, {"spread": Spread(gamma=0.1, tau=0.1, gain=0.1)}))
    single = NetworkConfig(layers=(4, 3, 2), spread=Spread(gamma=0.1, gain=0.1))
    devices = spinrnn.Network(single).devices
    # the same seed is the same devices, whatever stands beside them
    np.testing.assert_array_equal(net.devices.gamma[:4], devices.gamma[:4])
    np.testing.assert_array_equal(net.devices.gain, devices.gain)
    assert (net.devices.tau[:7] == 1).all()
    assert (net.devices.tau[7:] != 1).all()
    with pytest.raises(spinrnn.DataError, match="the oscillator or the CTRNN or the neuron has"):
        net.devices = Devices(start=np.ones(9))


def test_its_name_and_views():
    net = spinrnn.Network(config_of(THREE, TRAINED))
    assert "2-4-3-2-3, oscillator-ctrnn-leaky, exponential" in repr(net)
    parts = net.views()["neuron_relaxation_time"]
    assert [part is None for part in parts] == [False, False, True]
    parts[1][0] = 0.5
    assert net.parameters[net.layout.places("neuron_relaxation_time_1")] == 0.5


@pytest.mark.parametrize("neuron", [(Oscillator(thermal_power=1e-3), CTRNN()), CTRNN()])
def test_a_linewidth_is_of_oscillators_alone(neuron):
    config = NetworkConfig(layers=(2, 2), neuron=neuron, highpass_time=0)
    told = "^linewidth: give a network of oscillators alone, not a"
    with pytest.raises(spinrnn.ConfigError, match=told):
        spinrnn.linewidth(config)
    with pytest.raises(spinrnn.ConfigError, match=told):
        spinrnn.thermal_power(1e6, config)


def test_time_scales():
    config = NetworkConfig(layers=(2, 2), neuron=(Oscillator(20e-9), Oscillator(5e-9)))
    assert config.time_unit == 20e-9
    assert config.filter_time == pytest.approx(200e-9)
    # four substeps of the fastest neuron
    assert config.resolved_substeps == 8


def test_a_report_says_which_states_it_leaves_out():
    net = spinrnn.Network(config_of(THREE, {}))
    recording = recording_of(net.simulate(np.ones((2, 2, 3))), net.config, network=net)
    lines = heading(recording).splitlines()
    left = [line for line in lines if "left out" in line]
    assert left == ["of leaky: measured is voltage (V); left out is recovery (V)"]
