"""Long sequences in pieces of their time: the bits of one call, and flat memory."""

import tracemalloc

import numpy as np
import pytest

import spinrnn
from spinrnn.learning import reservoir
from spinrnn.networks import pieces


def network(neuron=None, layers=(6, 5), **keys):
    config = spinrnn.NetworkConfig(
        layers=layers, inputs=2, outputs=3, readout="points", neuron=neuron, **keys
    )
    return spinrnn.Network(config, seed=1)


@pytest.fixture
def short(monkeypatch):
    """Pieces of some points, which none of the lengths is a multiple of."""

    def to(points, layers=(6, 5), block=1):
        monkeypatch.setattr(pieces, "PIECE", 4 * 16 * block * layers[-1] * points)

    return to


@pytest.mark.parametrize(
    ("neuron", "keys"),
    [
        (spinrnn.Oscillator(), {}),
        (spinrnn.Oscillator(thermal_power=1e-3), {}),
        (spinrnn.CTRNN(), {"density_int": 0.3}),
        (spinrnn.Oscillator(), {"scheme": "euler"}),
    ],
)
def test_outputs_are_those_of_one_call(neuron, keys, short):
    net, rng = network(neuron, **keys), np.random.default_rng(0)
    u = rng.normal(size=(35, 2, 23))
    lengths = rng.integers(3, 24, 35)
    whole = net.forward(u, lengths, noise_seed=3)
    assert np.isfinite(whole[0, 0, 0])
    assert not pieces.is_long(net._packing(), 35, 23)
    short(5)
    assert pieces.is_long(net._packing(), 35, 23)
    assert np.array_equal(net.forward(u, lengths, noise_seed=3), whole, equal_nan=True)
    if not keys:
        found = np.concatenate([part for _, part in net.pieces(u, noise_seed=3)], axis=2)
        assert np.array_equal(found, net.forward(u, noise_seed=3))


def test_pieces_say_which_points_they_are(short):
    net, u = network(), np.ones((2, 2, 12))
    ((points, outputs),) = net.pieces(u)
    assert (points, outputs.shape) == (slice(0, 12), (2, 3, 12))
    short(5)
    assert [points for points, _ in net.pieces(u)] == [slice(0, 5), slice(5, 10), slice(10, 12)]


def test_a_state_that_is_not_finite_is_told_with_its_case(short):
    net = network(scheme="euler", layers=(6, 5), density_int=1.0)
    net.views()["w_int"][0][...] = 1e30
    u = np.ones((20, 2, 23))
    short(5)
    with pytest.raises(spinrnn.DivergenceError, match="case 0"):
        net.forward(u)


def task_data(cases, points):
    rng = np.random.default_rng(0)
    u = rng.normal(size=(cases, 2, points)).astype(np.float32)
    return spinrnn.Dataset(u, targets=np.concatenate([u, u[:, :1]], axis=1))


def grown(function):
    """Bytes that a call takes at most beyond what was there."""
    tracemalloc.start()
    function()
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak - before


def test_the_readout_of_pieces_is_that_of_the_whole(short, monkeypatch):
    data, task = task_data(3, 61), spinrnn.Regression(washout=4)
    whole = network()
    reservoir.Reservoir().fit(whole, task, data, data)
    short(7)
    monkeypatch.setattr(reservoir, "NUMBERS", 2 * 5 * 61)
    pieced = network()
    reservoir.Reservoir().fit(pieced, task, data, data)
    np.testing.assert_allclose(pieced.parameters, whole.parameters, rtol=2e-3, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("many", ["points", "cases"])
def test_memory_of_a_reservoir_does_not_grow_with_the_data(many, short, monkeypatch):
    """Ten times as much data take what their copy in float32 takes, and no states."""
    short(50, layers=(60,))
    monkeypatch.setattr(reservoir, "NUMBERS", 60 * 400)
    shapes = {"points": [(1, 3000), (1, 30_000)], "cases": [(20, 150), (200, 150)]}[many]
    few, much = (task_data(*shape) for shape in shapes)
    net = network(layers=(60,), substeps=1)
    fit = lambda data: reservoir.Reservoir().fit(net, spinrnn.Regression(), data, data)
    small, large = grown(lambda: fit(few)), grown(lambda: fit(much))
    states = 60 * 4 * much.inputs.size // 2
    copies = 4 * much.targets.nbytes
    assert large < small + copies < states
