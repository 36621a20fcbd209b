"""Network: its parameters and masks, what `simulate` returns, and how it answers to bad input."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import twin
from threadpoolctl import threadpool_info

import spinrnn


@pytest.fixture
def net():
    return spinrnn.Network(
        spinrnn.NetworkConfig(
            layers=(4, 3), inputs=2, outputs=3, dtype="float64", readout_window=2
        ),
        seed=1,
    )


def test_views_are_the_parameters():
    net = spinrnn.Network(spinrnn.NetworkConfig())
    views = net.views()
    assert [w.shape for w in views["w_ext"]] == [(32, 1), (32, 32), (32, 32)]
    assert [w.shape for w in views["w_int"]] == [(32, 32)] * 3
    assert [b.shape for b in views["bias"]] == [(32,)] * 3
    assert (views["w_out"].shape, views["b_out"].shape) == ((10, 32), (10,))
    assert net.parameters.shape == (5_578,)
    assert net.parameters.dtype == np.float32
    views["w_int"][1][2, 3] = 42
    assert (net.parameters == 42).sum() == 1
    net.parameters[:] = 7
    assert (views["b_out"] == 7).all()


def test_initial_weights_have_the_documented_spread_and_depend_on_the_seed():
    config = spinrnn.NetworkConfig(layers=(200, 200), density_int=0.25)
    views = spinrnn.Network(config, seed=0).views()
    assert views["w_ext"][1].std() == pytest.approx(1 / np.sqrt(200), rel=0.03)
    existing = views["w_int"][0][views["w_int"][0] != 0]
    assert existing.std() == pytest.approx(1 / np.sqrt(0.25 * 200), rel=0.03)
    assert (views["bias"][0] == 0).all()
    assert (
        spinrnn.Network(config, seed=0).parameters == spinrnn.Network(config, seed=0).parameters
    ).all()
    assert (
        spinrnn.Network(config, seed=0).parameters != spinrnn.Network(config, seed=1).parameters
    ).any()


@pytest.mark.parametrize("density", [0.0001, 0.1, 0.5, 0.617])
def test_masks_have_the_exact_density(density):
    config = spinrnn.NetworkConfig(
        layers=(30, 20), inputs=4, density_int=density, density_ext=1 - density / 2
    )
    net = spinrnn.Network(config, seed=3)
    masks = net.layout.named(net.mask)
    for name, mask in masks.items():
        expected = {"w_int": density, "w_ext": 1 - density / 2}.get(name[:5], 1.0)
        assert mask.sum() == max(1, round(expected * mask.size)), name
    assert (net.parameters[~net.mask] == 0).all()


def test_simulate_returns_the_states_and_drives_of_the_twin(net):
    rng = np.random.default_rng(0)
    u, lengths = rng.normal(size=(3, 2, 5)), np.array([5, 2, 4])
    trajectory = net.simulate(u, lengths)
    steps = net.config.resolved_substeps
    np.testing.assert_allclose(trajectory.time, np.arange(5 * steps + 1) * 2.5e-9)
    np.testing.assert_array_equal(trajectory.logits, net.forward(u, lengths))
    for case, length in enumerate(lengths):
        record = []
        twin.logits(net.config, net.views(), u[case : case + 1], [length], record)
        for layer in range(2):
            end = length * steps
            state, drive = trajectory.state[layer][case], trajectory.drive[layer][case]
            np.testing.assert_allclose(state[:, :end].T, [r[0][layer] for r in record], rtol=1e-12)
            np.testing.assert_allclose(
                drive[:, :end].T, [r[1][layer] / 10e-9 for r in record], rtol=1e-12
            )
            assert np.isfinite(state[:, end]).all()
            assert np.isnan(state[:, end + 1 :]).all()
            assert np.isnan(drive[:, end:]).all()
            assert np.isnan(trajectory.output[layer][case][:, end + 1 :]).all()
    np.testing.assert_allclose(trajectory.output[0][:, :, 0], 0)


def test_readout_window_is_an_integral_and_does_not_depend_on_the_substeps(net):
    """The window's average of y, by a fine simulation, is approached as h^2; with a
    mean over substeps it would be as h.
    """
    u = np.random.default_rng(0).normal(size=(2, 2, 5))
    fine = net.replace(substeps=512).forward(u)
    coarse = [np.abs(net.replace(substeps=s).forward(u) - fine).max() for s in (8, 16)]
    assert coarse[1] < coarse[0] / 3


@pytest.mark.parametrize(
    ("u", "message"),
    [
        (np.zeros((3, 5)), r"inputs: expected the shape \(case, 2, time\)"),
        (np.zeros((3, 1, 5)), "inputs = 2; got"),
        (np.zeros((3, 2, 0)), "expected the shape"),
        (np.full((3, 2, 5), np.nan), "not finite in float64 at case 0, channel 0, time 0"),
        (np.zeros((3, 2, 5), complex), "expected real numbers"),
        (np.full((3, 2, 5), "a"), "expected real numbers"),
        (np.zeros((3, 2, 1)), "readout_window: 2 input intervals are longer"),
    ],
)
def test_bad_inputs(net, u, message):
    for call in (net.forward, net.simulate, lambda u: net.loss_and_grad(u, [0, 1, 2])):
        with pytest.raises(spinrnn.DataError, match=message):
            call(u)


def test_numbers_too_large_for_float32_are_named():
    net = spinrnn.Network(spinrnn.NetworkConfig(layers=(2,)))
    u = np.zeros((2, 1, 3))
    u[1, 0, 2] = 1e300
    with pytest.raises(
        spinrnn.DataError, match="not finite in float32 at case 1, channel 0, time 2"
    ):
        net.forward(u)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1], "expected 3 whole numbers"),
        ([0, 1, 3], "from 0 to 2, as network.outputs = 3; got 3 at case 2"),
        ([0, -1, 1], "got -1"),
        ([0.0, 1.0, 2.0], "float64"),
    ],
)
def test_bad_labels(net, labels, message):
    with pytest.raises(spinrnn.DataError, match=message):
        net.loss_and_grad(np.zeros((3, 2, 5)), labels)


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([5, 5], "expected 3"),
        ([5, 5, 6], "from 1 to 5, got 6"),
        ([0, 5, 5], "got 0"),
        ([1.5] * 3, "float64"),
    ],
)
def test_bad_lengths(net, lengths, message):
    with pytest.raises(spinrnn.DataError, match=message):
        net.forward(np.zeros((3, 2, 5)), lengths)


def test_no_cases(net):
    assert net.forward(np.zeros((0, 2, 5))).shape == (0, 3)
    with pytest.raises(spinrnn.DataError, match="no cases"):
        net.loss_and_grad(np.zeros((0, 2, 5)), np.zeros(0, int))


def test_divergence_is_located():
    """Euler with a drive far too large for its step; the first bad state is found by
    the twin too.
    """
    config = spinrnn.NetworkConfig(
        layers=(3, 2), scheme="euler", substeps=1, dtype="float64", power_floor=0.0
    )
    net = spinrnn.Network(config, seed=0)
    u = np.zeros((70, 1, 12))
    u[66, 0, 4:] = 1e4
    with pytest.raises(spinrnn.DivergenceError) as caught:
        net.forward(u)
    error, record = caught.value, []
    with np.errstate(all="ignore"):
        twin.logits(config, net.views(), u[66:67], [12], record)
    states = [np.concatenate(p) for p, _ in record]
    first = next(k for k, p in enumerate(states) if not np.isfinite(p).all())
    row = int(np.argmax(~np.isfinite(states[first])))
    assert (error.case, error.step) == (66, first - 1)
    assert (error.layer, error.neuron) == ((0, row) if row < 3 else (1, row - 3))
    for call in (lambda: net.loss_and_grad(u, np.zeros(70, int)), lambda: net.simulate(u)):
        with pytest.raises(spinrnn.DivergenceError, match="case 66"):
            call()


@pytest.mark.parametrize("neuron", ["oscillator", "ctrnn"])
def test_nan_in_the_parameters_never_passes_silently(neuron):
    for block in ("w_int_1", "bias_0", "w_ext_0", "w_out", "b_out"):
        net = spinrnn.Network(spinrnn.NetworkConfig(layers=(3, 2), neuron=neuron), seed=0)
        net.layout.named(net.parameters)[block].flat[0] = np.nan
        with pytest.raises(spinrnn.DivergenceError):
            net.loss_and_grad(np.ones((2, 1, 4)), [0, 1])


def test_an_infinite_power_is_not_hidden_by_the_floor():
    net = spinrnn.Network(spinrnn.NetworkConfig(layers=(3,), scheme="euler", substeps=1), seed=0)
    net.views()["w_ext"][0][:] = 1e30
    with pytest.raises(spinrnn.DivergenceError, match="layer 0"):
        net.forward(np.full((2, 1, 6), 1e8))


def test_logits_that_are_not_finite_are_refused(net):
    net.views()["b_out"][:] = np.inf
    with pytest.raises(spinrnn.DivergenceError, match="logits"):
        net.forward(np.ones((1, 2, 5)))


def test_the_loss_of_very_sure_networks_is_finite(net):
    """exp of such logits is not."""
    u = np.ones((3, 2, 5))
    for top in range(3):
        net.parameters[:] = 0
        net.views()["b_out"][top] = 1e4
        for label, loss in ((top, 0.0), ((top + 1) % 3, 1e4 * net.config.output_amplification)):
            labels = np.full(3, label)
            value, gradient = net.loss_and_grad(u, labels)
            assert value == net.loss(u, labels) == loss
            expected = (np.arange(3) == top) * 1.0 - (np.arange(3) == label)
            np.testing.assert_allclose(
                net.layout.named(gradient)["b_out"],
                net.config.output_amplification * expected,
                rtol=1e-12,
            )


def test_inputs_of_any_real_kind_and_order(net):
    u = np.random.default_rng(0).integers(0, 9, (4, 2, 5))
    expected = net.forward(u.astype(float))
    np.testing.assert_array_equal(net.forward(u), expected)
    np.testing.assert_array_equal(net.forward(np.asfortranarray(u.astype(float))), expected)
    np.testing.assert_array_equal(
        net.forward(u.astype(float).repeat(2, axis=2)[:, :, ::2]), expected
    )


def test_what_follows_the_end_may_be_nan(net):
    u = np.random.default_rng(0).normal(size=(2, 2, 5))
    expected = net.forward(u, [5, 3])
    u[1, :, 3:] = np.nan
    np.testing.assert_array_equal(net.forward(u, [5, 3]), expected)
    with pytest.raises(spinrnn.DataError, match="case 1, channel 0, time 3"):
        net.forward(u, [5, 4])


def test_networks_can_be_copied_and_pickled(net):
    u = np.ones((2, 2, 5))
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net)), net.replace()):
        np.testing.assert_array_equal(other.forward(u), net.forward(u))
        other.parameters[:] = 0
        assert (other.forward(u) != net.forward(u)).any()


def test_assigning_parameters_converts_and_checks(net):
    net.parameters = [0.0] * net.layout.size
    assert net.parameters.dtype == np.float64
    assert (net.forward(np.ones((1, 2, 5))) == 0).all()
    with pytest.raises(spinrnn.DataError, match="expected 64 numbers"):
        net.parameters = np.zeros(3)


def test_many_python_threads_may_share_a_network(net):
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=(90, 2, 5)) for _ in range(16)]
    expected = [net.forward(u).tobytes() for u in inputs]
    with ThreadPoolExecutor(8) as pool:
        assert [x.tobytes() for x in pool.map(net.forward, inputs)] == expected
    before = [library["num_threads"] for library in threadpool_info()]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(net.forward, inputs))
    assert [library["num_threads"] for library in threadpool_info()] == before
