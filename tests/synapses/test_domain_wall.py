"""Domain walls and binary weights: what is written, what it costs, what is refused."""

import dataclasses
import math

import numpy as np
import pytest

import spinrnn
from spinrnn.synapses.protocol import Events, Request


def wanted(levels, shape=(100, 1000)):
    """Trained numbers at given positions, with the outermost weight 2."""
    return np.broadcast_to(2.0 * np.asarray(levels, float), shape).copy()


@pytest.mark.parametrize("states", [2, 3, 5])
def test_positions_have_the_mean_and_the_deviation_of_their_level(states):
    """Of 1e5 programmings each, within three standard errors."""
    kind = spinrnn.DomainWall(states=states, noise=0.15, largest=2.0)
    for level, place in enumerate(np.linspace(-1, 1, states)):
        trained = wanted(place)
        devices = kind.make(trained, np.random.default_rng(level))
        found, deviation = kind.read(trained, devices) / 2, 0.15 * 2 / (states - 1)
        assert abs(found.mean() - place) < 3 * deviation / math.sqrt(found.size)
        assert abs(found.std() / deviation - 1) < 3 / math.sqrt(2 * found.size)


def test_a_wall_goes_to_the_level_next_to_what_is_wanted():
    kind = spinrnn.DomainWall(states=5, noise=0.0, largest=2.0)
    trained = np.array([[-9.0, -1.51, -1.49, -0.3, 0.2, 0.51, 1.49, 1.51, 7.0]])
    devices = kind.make(trained, np.random.default_rng(0))
    levels = [-2, -2, -1, 0, 0, 1, 1, 2, 2]
    np.testing.assert_array_equal(kind.read(trained, devices)[0], levels)
    # what is wanted stays within the outermost levels
    assert (trained.min(), trained.max()) == (-2, 2)
    np.testing.assert_array_equal(trained[0, 1:-1], [-1.51, -1.49, -0.3, 0.2, 0.51, 1.49, 1.51])


def test_the_outermost_weight_that_is_not_given():
    """A uniform distribution up to half of it has the variance 1 / sources."""
    trained = np.full((2, 48), 100.0)
    kind = spinrnn.DomainWall(noise=0.0)
    weights = kind.read(trained, kind.make(trained, np.random.default_rng(0)))
    np.testing.assert_allclose(weights, 0.5)
    uniform = np.random.default_rng(0).uniform(-0.5, 0.5, 100_000) * weights[0, 0]
    assert uniform.var() == pytest.approx(1 / 48, rel=0.01)


def program(kind, trained, devices, change, seed=5, **more):
    return kind.program(
        trained, devices, Request(np.broadcast_to(change, trained.shape), **more),
        np.random.default_rng(seed),
    )  # fmt: skip


def test_without_a_margin_every_wall_is_moved_at_every_step():
    kind, trained = spinrnn.DomainWall(margin=0.0, energy=2e-15), np.zeros((300, 50))
    devices = kind.make(trained, np.random.default_rng(0))
    for seed in (1, 2, 3):
        before = devices["position"].copy()
        events = program(kind, trained, devices, 0.0, seed)
        assert (devices["position"] != before).all()
        assert events == Events(15_000, pytest.approx(15_000 * 2e-15), 0, 0)


def test_only_walls_beyond_the_margin_are_moved():
    kind, trained = spinrnn.DomainWall(margin=0.3, noise=0.2), np.zeros((300, 50))
    devices = kind.make(trained, np.random.default_rng(0))
    before = devices["position"].copy()
    events = program(kind, trained, devices, 0.0)
    far = np.abs(before) > 0.3 * 0.5
    np.testing.assert_array_equal(devices["position"] != before, far)
    assert events.count == far.sum()
    # a normal distribution of deviation 0.2 distances beyond 0.3 of them
    assert far.mean() == pytest.approx(math.erfc(0.3 / 0.2 / math.sqrt(2)), abs=0.01)


def test_the_accumulator_adds_up_what_is_too_small_for_the_wall():
    kind = spinrnn.DomainWall(noise=0.0, margin=0.5, largest=1.0)
    trained = np.zeros((4, 4))
    devices = kind.make(trained, np.random.default_rng(0))
    moved = [program(kind, trained, devices, 0.1).count for _ in range(4)]
    # the next level is 0.5 away, so 0.25 is the way to it
    assert moved == [0, 0, 16, 0]
    assert (devices["position"] == 0.5).all()
    np.testing.assert_allclose(trained, 0.4)
    assert program(kind, trained, devices, 0.0, keep=0.5).count == 16
    assert (devices["position"] == 0).all()
    np.testing.assert_allclose(trained, 0.2)


def test_without_the_accumulator_the_wall_is_all_there_is():
    kind = spinrnn.DomainWall(noise=0.0, margin=0.5, largest=2.0, accumulate=False)
    trained = np.full((4, 4), 0.3)
    devices = kind.make(trained, np.random.default_rng(0))
    assert not trained.any()
    for _ in range(9):
        assert program(kind, trained, devices, 0.4).count == 0
    assert not trained.any()
    assert program(kind, trained, devices, 0.6).count == 16
    assert (trained == 1.0).all()
    noisy = spinrnn.DomainWall(noise=0.2, accumulate=False)
    devices = noisy.make(trained, np.random.default_rng(0))
    np.testing.assert_array_equal(trained, noisy.read(trained, devices))


def test_a_slip_ends_one_level_off_and_at_the_ends_further_in():
    kind = spinrnn.DomainWall(noise=0.0, slips=0.1, margin=0.0, largest=2.0)
    for place, beside in ((0, {-0.5, 0.5}), (1, {0.5}), (-1, {-0.5})):
        trained = wanted(place)
        devices = kind.make(trained, np.random.default_rng(0))
        found = devices["position"]
        assert set(np.unique(found)) == {place, *beside}
        wrong = np.count_nonzero(found != place)
        assert abs(wrong / found.size - 0.1) < 3 * math.sqrt(0.09 / found.size)
        if place == 0:
            assert np.mean(found == 0.5) == pytest.approx(0.05, abs=0.003)
        # those that are right stay where they are
        events = program(kind, trained, devices, 0.0)
        assert events.count == wrong
        assert events.refused == np.count_nonzero(devices["position"] != place)
        # those at an end stand there, whether they were moved or not
        assert events.saturated == (0 if place == 0 else trained.size)


def test_where_there_is_no_wall_none_is_moved():
    kind, exists = spinrnn.DomainWall(margin=0.0), np.zeros((6, 5), bool)
    exists[2:] = True
    trained = np.zeros((6, 5))
    devices = kind.make(trained, np.random.default_rng(0))
    before = devices["position"].copy()
    assert program(kind, trained, devices, 0.0, exists=exists).count == 20
    np.testing.assert_array_equal(devices["position"] != before, exists)


@pytest.mark.parametrize(("margin", "noise"), [(0.5, 0.2), (0.2, 0.2), (0.1, 0.3)])
def test_attempts_of_writing_with_verification_are_geometric(margin, noise):
    """With p = erf(margin / (noise sqrt 2)): 1e5 walls, each share within three standard
    errors."""
    kind = spinrnn.DomainWall(margin=margin, noise=noise, energy=1e-15, attempts=1000)
    trained = np.zeros((100, 1000))
    devices = kind.make(trained, np.random.default_rng(0))
    events, attempts = kind.write(trained, devices, None, np.random.default_rng(1))
    p = math.erf(margin / (noise * math.sqrt(2)))
    for k in range(1, 5):
        expected = p * (1 - p) ** (k - 1)
        error = math.sqrt(expected * (1 - expected) / attempts.size)
        assert abs(np.mean(attempts == k) - expected) < 3 * error
    assert events == (attempts.sum(), pytest.approx(attempts.sum() * 1e-15), 0, 0)
    assert np.abs(devices["position"]).max() <= margin * 0.5


def test_a_wall_that_cannot_be_written_is_refused():
    kind = spinrnn.DomainWall(margin=0.0, attempts=3, largest=1.0)
    trained = np.array([[0.0, 1.0], [-1.0, 0.5]])
    devices, exists = kind.make(trained, np.random.default_rng(0)), np.ones((2, 2), bool)
    exists[1, 1] = False
    events, attempts = kind.write(trained, devices, exists, np.random.default_rng(1))
    np.testing.assert_array_equal(attempts, [[3, 3], [3, 0]])
    assert events[::2] == (9, 3)
    assert events.saturated == 6


def test_a_trained_network_is_written_once(tiny_config, tiny_data):
    net = spinrnn.train(tiny_config, data=tiny_data).network
    walls = spinrnn.DomainWall(states=7, margin=0.1, noise=0.2, largest=1.0)
    written = spinrnn.write_devices(net, walls, seed=3)
    again = spinrnn.write_devices(net, walls, seed=3)
    assert written.events == again.events
    np.testing.assert_array_equal(written.network.effective(), again.network.effective())
    other = written.network
    assert other.config.synapse == walls
    np.testing.assert_array_equal(other.mask, net.mask)
    weights = net.layout.is_weight()
    np.testing.assert_array_equal(other.parameters[~weights], net.parameters[~weights])
    there = weights & net.mask
    # within half a distance of levels, and the margin, of what was trained
    error = np.abs(other.effective() - np.clip(net.parameters, -1, 1))[there]
    assert error.max() < (0.5 + 0.1 + 1e-6) / 3
    attempts = np.concatenate([a.ravel() for a in written.attempts.values()])
    assert written.events.count == attempts.sum()
    assert np.count_nonzero(attempts) == there.sum()
    assert not net.connections.devices
    with pytest.raises(spinrnn.ConfigError, match="ideal has no writing with verification"):
        spinrnn.write_devices(net)


def test_weights_of_any_synapse_are_written():
    """As they are, where the trained number is none; a wall for each layer."""
    walls = spinrnn.DomainWall(states=5, margin=0.1, noise=0.05, largest=1.0)
    pairs = spinrnn.RRAM(largest=0.5)
    config = spinrnn.FeedforwardConfig(layers=(6,), inputs=5, outputs=3, synapse=pairs)
    net = spinrnn.network_of(config, seed=2)
    written = spinrnn.write_devices(net, walls).network
    weights = net.layout.is_weight()
    error = np.abs(written.effective() - net.effective())[weights]
    assert error.max() < (0.1 + 1e-6) / 2
    # so noisy that many walls stand at other levels than the wanted ones
    walls = dataclasses.replace(walls, noise=0.6, attempts=1000)
    each = dataclasses.replace(config, synapse=(walls, spinrnn.DomainWall(states=3)))
    net = spinrnn.network_of(each, seed=2)
    written = spinrnn.write_devices(net)
    assert written.network.config == each
    assert written.events.count >= weights.sum()
    wanted = net.layout.named(np.clip(net.parameters, -1, 1))["w_0"]
    error = np.abs(written.network.layout.named(written.network.effective())["w_0"] - wanted)
    assert error.max() < (0.5 + 0.1 + 1e-6) / 2
    mixed = dataclasses.replace(config, synapse=(walls, pairs))
    with pytest.raises(spinrnn.ConfigError, match="rram has no writing with verification"):
        spinrnn.write_devices(spinrnn.network_of(mixed))


def test_a_wall_without_room_is_refused():
    assert spinrnn.DomainWall(states=7).problems() == []
    with pytest.raises(spinrnn.ConfigError) as caught:
        spinrnn.DomainWall(states=8)
    assert caught.value.problems == [
        "states: 8 positions of a wall need 7e-07 m; 6e-07 m have room for 7 at a distance of "
        "1e-07 m"
    ]
    spinrnn.DomainWall(states=8, length=700e-9)
    spinrnn.DomainWall(states=8, spacing=80e-9)
    with pytest.raises(spinrnn.ConfigError, match="noise: must be from 0 to 10, got -1"):
        spinrnn.DomainWall(noise=-1.0)


# ---- signs ----


def test_binary_weights_are_signs_and_zero_is_positive():
    trained = np.array([[-0.3, 0.0, 2.0, -0.0]], np.float32)
    for largest, size in ((None, 1.0), (0.7, 0.7)):
        weights = spinrnn.Sign(largest=largest).read(trained, {})
        np.testing.assert_allclose(weights, size * np.array([[-1, 1, 1, 1]]), rtol=1e-7)
        assert weights.dtype == np.float32


def test_changes_of_sign_are_counted():
    kind = spinrnn.Sign(energy=1e-15)
    trained = np.array([[-0.1, 0.1, 0.1, -0.1]])
    exists = np.array([[True, True, True, False]])
    events = program(kind, trained, {}, [0.2, -0.05, -0.2, 0.2], exists=exists)
    assert events == (2, pytest.approx(2e-15), 0, 0)
    # what does not exist is left alone
    np.testing.assert_allclose(trained, [[0.1, 0.05, -0.1, -0.1]])


def test_flips_turn_signs_over_and_keep_the_size():
    kind = spinrnn.Sign()
    trained = np.array([[-0.1, 0.2, 0.0, 0.3, 0.0]])
    before = kind.read(trained, {})
    events = program(kind, trained, {}, [1.0, 1.0, 1.0, 0.0, 0.0], asks="flips")
    assert events.count == 3
    np.testing.assert_array_equal(kind.read(trained, {}), before * [-1.0, -1.0, -1.0, 1.0, 1.0])
    np.testing.assert_allclose(trained, [[0.1, -0.2, 0, 0.3, 0]], atol=1e-300)
    program(kind, trained, {}, 1.0, asks="flips")
    np.testing.assert_array_equal(kind.read(trained, {}), before * [1.0, 1.0, 1.0, -1.0, -1.0])


def test_the_corner_of_a_quadratic_task():
    """L = 1/2 (b - t)' H (b - t) of b = sign(theta): ends at the signs of t, in two
    dimensions (arXiv:2101.07592)."""
    kind, goal = spinrnn.Sign(largest=1.0), np.array([[1.5, 0.5]])
    for seed in range(5):
        rng = np.random.default_rng(seed)
        turn = rng.uniform(0, 2 * np.pi)
        axes = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        curvature = axes @ np.diag(5 * rng.uniform(0.2, 1, 2)) @ axes.T
        theta = 0.01 * rng.standard_normal((1, 2))
        losses = {}
        for _ in range(500):
            b = kind.read(theta, {})
            losses[tuple(b[0])] = 0.5 * ((b - goal) @ curvature @ (b - goal).T).item()
            slope = kind.read_backward(theta, {}, (b - goal) @ curvature)
            program(kind, theta, {}, -0.35 * slope)
        assert theta[0, 0] > 0
        assert losses[1.0, 1.0] == min(losses.values())
