"""Networks by numbers: what seeds do, how numbers are distributed, what is copied and checked."""

import numpy as np
import pytest
from scipy import stats

import spinrnn
from spinrnn.errors import DataError, MemoryLimitError
from spinrnn.networks.inputs import checked_inputs
from spinrnn.networks.planning import check_simulation, simulation_blocks
from spinrnn.neurons import spread

SPREADS = {
    "gamma": "spread_gamma",
    "nonlinear_damping": "spread_nonlinear_damping",
    "bias": "spread_bias",
    "gain": "spread_gain",
}
REAL = dict.fromkeys(SPREADS.values(), 0.3)


def test_factors_of_devices_are_log_normal_with_mean_1():
    config = spinrnn.NetworkConfig(layers=(20000,), density_int=1e-4, **REAL)
    drawn = spread.draw_devices(config)
    sigma = np.sqrt(np.log1p(0.3**2))
    for name in SPREADS:
        normal = (np.log(getattr(drawn, name)) + sigma**2 / 2) / sigma
        assert stats.kstest(normal, "norm").pvalue > 1e-3, name
        assert getattr(drawn, name).mean() == pytest.approx(1, abs=5 * 0.3 / np.sqrt(20000))


@pytest.mark.parametrize("quantity", SPREADS)
def test_each_quantity_of_devices_depends_on_the_seed(quantity):
    first, second = (
        spread.draw_devices(spinrnn.NetworkConfig(device_seed=seed, **REAL)) for seed in (1, 2)
    )
    assert (getattr(first, quantity) != getattr(second, quantity)).all()


def test_the_seed_of_a_network_gives_weights_and_masks():
    config = spinrnn.NetworkConfig(layers=(30, 20), density_int=0.5, density_ext=0.5)
    nets = [spinrnn.Network(config, seed=seed) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(nets[0].parameters, nets[1].parameters)
    np.testing.assert_array_equal(nets[0].mask, nets[1].mask)
    assert (nets[0].mask != nets[2].mask).any()
    both = nets[0].mask & nets[2].mask & nets[0].layout.is_weight()
    assert (nets[0].parameters != nets[2].parameters)[both].all()
    assert abs(np.corrcoef(nets[0].parameters[both], nets[2].parameters[both])[0, 1]) < 0.2


def test_initial_weights_are_normal_and_count_existing_inputs_alone():
    config = spinrnn.NetworkConfig(layers=(100, 80), inputs=5, density_int=0.25, density_ext=0.5)
    net = spinrnn.Network(config, seed=3)
    blocks, masks = net.layout.named(net.parameters), net.layout.named(net.mask)
    expected = {"w_int_0": 0.25 * 100, "w_ext_1": 0.5 * 100, "w_int_1": 0.25 * 80, "w_out": 80}
    for name, sources in expected.items():
        weights = blocks[name][masks[name]].astype(float) * np.sqrt(sources)
        assert weights.std() == pytest.approx(1, abs=5 / np.sqrt(2 * weights.size)), name
        assert stats.kstest(weights, "norm").pvalue > 1e-3, name


@pytest.mark.parametrize("scheme", ["exponential", "euler"])
def test_thermal_noise_is_gaussian_of_the_right_size_and_of_its_seed(scheme):
    """One substep at rest moves the power by 2 sqrt(p) s n, s^2 = eta h / 2, to first order."""
    eta, h = 1e-8, 1 / 16
    config = spinrnn.NetworkConfig(
        layers=(60,), thermal_power=eta, scheme=scheme, substeps=16, dtype="float64"
    )
    net = spinrnn.Network(config, seed=0)
    net.parameters[:] = 0
    u = np.zeros((100, 1, 1))
    kicks = []
    for seed in (1, 2):
        state = net.simulate(u, noise_seed=seed).state[0]
        moved = state[:, :, 1] - state[:, :, 0]
        kicks.append(moved.ravel() / np.sqrt(2 * 0.5 * eta * h))
    # half a step of the relaxation at rate gamma follows the kick of the exponential scheme
    after = np.exp(-h / 2) if scheme == "exponential" else 1
    assert kicks[0].std() == pytest.approx(after, rel=0.05)
    assert stats.kstest(kicks[0] / after, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(*kicks)[0, 1]) < 5 / np.sqrt(kicks[0].size)


def test_replace_copies_mask_devices_and_parameters():
    config = spinrnn.NetworkConfig(layers=(6, 5), density_int=0.5, **REAL)
    net = spinrnn.Network(config, seed=1)
    mask, gain = net.mask.copy(), net.devices.gain.copy()
    parameters = net.parameters.copy()
    other = net.replace(substeps=2)
    other.mask[:] = ~other.mask
    other.devices.gain[:] = 2.0
    other.parameters[:] = 0
    np.testing.assert_array_equal(net.mask, mask)
    np.testing.assert_array_equal(net.devices.gain, gain)
    np.testing.assert_array_equal(net.parameters, parameters)


def test_a_mask_that_is_none_is_refused():
    net = spinrnn.Network(spinrnn.NetworkConfig(layers=(3,)))
    for wrong in (np.ones(5, bool), np.ones(net.layout.size), np.ones(net.layout.size, int)):
        with pytest.raises(DataError, match="mask: expected"):
            net.mask = wrong


def test_a_mask_changed_in_place_counts_at_the_next_call():
    net = spinrnn.Network(spinrnn.NetworkConfig(layers=(4,), density_int=0.9), seed=1)
    u = np.ones((2, 1, 3))
    first = net.forward(u)
    net.mask[net.layout.blocks["w_out"][0]] = False
    assert (net.forward(u) != first).any()
    assert (net.forward(u) == net.views()["b_out"]).all()


MASKED = np.ma.array(np.ones((2, 1, 4)), mask=np.zeros((2, 1, 4), bool))


def test_masked_inputs_count_as_missing():
    """Behind a case's end they do not matter; before it they are refused."""
    net = spinrnn.Network(spinrnn.NetworkConfig(layers=(3,)), seed=0)
    u = MASKED.copy()
    u[1, 0, 3] = np.ma.masked
    np.testing.assert_array_equal(net.forward(u, [4, 3]), net.forward(np.ones((2, 1, 4)), [4, 3]))
    for call in (net.forward, net.simulate, lambda u: net.loss_and_grad(u, [0, 1])):
        with pytest.raises(DataError, match="case 1, channel 0, time 3"):
            call(u)


def test_what_else_is_masked_is_refused():
    net = spinrnn.Network(spinrnn.NetworkConfig(layers=(3,), **REAL), seed=0)
    u, two = np.ones((2, 1, 4)), np.ma.array([1, 2], mask=[False, True])
    with pytest.raises(DataError, match="lengths: 1 entry is masked"):
        net.forward(u, two)
    with pytest.raises(DataError, match="labels: 1 entry is masked"):
        net.loss(u, two)
    flat = np.ma.array(net.parameters)
    flat[3] = np.ma.masked
    with pytest.raises(DataError, match=r"parameters: 1 entry is masked, at index \[3\]"):
        net.parameters = flat
    mask = np.ma.array(np.ones(net.layout.size, bool))
    mask[2] = np.ma.masked
    with pytest.raises(DataError, match="mask: 1 entry is masked"):
        net.mask = mask
    net.devices.gain = np.ma.array(net.devices.gain, mask=[True, False, False])
    with pytest.raises(DataError, match=r"devices\.gain: expected 3 positive"):
        net.forward(u)


def test_what_follows_an_end_is_zero_and_nothing_else_is():
    config = spinrnn.NetworkConfig(layers=(3,))
    u = np.arange(1.0, 9.0).reshape(2, 1, 4)
    checked, lengths = checked_inputs(config, u, [4, 2])
    np.testing.assert_array_equal(checked[:, 0], [[1, 2, 3, 4], [5, 6, 0, 0]])
    assert checked.dtype == np.float32
    assert lengths.tolist() == [4, 2]


def test_training_does_not_look_at_its_inputs_again(monkeypatch):
    """A prepared network runs what was checked before, with the same bits, and blanks ends."""
    net = spinrnn.Network(spinrnn.NetworkConfig(layers=(3,), density_int=0.5), seed=0)
    u, labels, lengths = (
        np.random.default_rng(0).normal(size=(5, 1, 4)),
        np.arange(5),
        [4, 2, 3, 4, 1],
    )
    expected = net.logits_loss_grad(u, labels, lengths)
    prepared = net.prepared()
    u[1, 0, 2:] = np.nan
    monkeypatch.setattr(spinrnn.Network, "_packing", None)
    monkeypatch.setattr(spinrnn.Network, "check_inputs", None)
    found = prepared.logits_loss_grad(u, labels, lengths)
    for a, b in zip(expected, found, strict=True):
        np.testing.assert_array_equal(a, b)
    u[0, 0, 0] = np.nan
    with pytest.raises(spinrnn.DivergenceError, match="case 0"):
        prepared.logits_loss_grad(u, labels, lengths)


def test_memory_of_simulations_in_numbers():
    """What is returned and what is at work: three numbers for each neuron and time."""
    spinrnn.set_threads(1)
    try:
        net = spinrnn.Network(spinrnn.NetworkConfig(layers=(5, 3), substeps=2))
        lengths = np.full(40, 10)
        need = 4 * 3 * 21 * 8 * (40 + 16)
        check_simulation(net.config, net._packing(), lengths, need)
        with pytest.raises(MemoryLimitError, match="a simulation of 40 cases with 20 substeps"):
            check_simulation(net.config, net._packing(), lengths, need - 1)
        # a block of a file besides: three copies of a layer
        need = 4 * 21 * 16 * (3 * 8 + 3 * 5)
        assert simulation_blocks(net.config, net._packing(), lengths, need) == (16, 1)
        with pytest.raises(MemoryLimitError, match="in blocks of 16 cases"):
            simulation_blocks(net.config, net._packing(), lengths, need - 1)
    finally:
        spinrnn.set_threads(None)
