"""Compiled steps of learning and of simple devices against the lines of NumPy that they
stand for, to the bit, for any number of threads."""

import numpy as np
import pytest

import spinrnn
from spinrnn.kernels import updates
from spinrnn.learning.schedule import clip_gradient
from spinrnn.machine import threads
from spinrnn.synapses.protocol import Request

DTYPES = ("float32", "float64")


def drawn(dtype, *shape):
    """Numbers of which some are zero, of either sign."""
    rng = np.random.default_rng(4)
    numbers = rng.standard_normal((5, *shape)).astype(dtype)
    numbers[rng.random(numbers.shape) < 0.1] = 0
    numbers[rng.random(numbers.shape) < 0.05] = -0.0
    return numbers


def same(one, other):
    assert one.dtype == other.dtype
    assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
def test_adam_is_its_lines(dtype):
    real = np.dtype(dtype).type
    gradient, first, second, *_ = drawn(dtype, 1003)
    second = np.abs(second)
    own = gradient.copy(), first.copy(), second.copy()
    numbers = tuple(map(real, (0.1, 0.002, -0.3, 0.7, 1e-8)))
    updates.adam(*own, *numbers)
    decay1, decay2, scale, divisor, epsilon = numbers
    first += decay1 * (gradient - first)
    second += decay2 * (gradient * gradient - second)
    same(own[1], first)
    same(own[2], second)
    same(own[0], scale * first / (np.sqrt(second / divisor) + epsilon))


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-13)])
def test_the_gate(dtype, tolerance):
    change, trained, found, *_ = drawn(dtype, 1003)
    weights = np.arange(1003) % 3 > 0
    found[:] = change
    updates.gate(found, trained, weights, trained.dtype.type(2 * 1.7))
    towards = weights & (np.sign(change) == -np.sign(trained)) & (change != 0)
    same(found[~towards], change[~towards])
    expected = change[towards] / np.cosh(1.7 * trained[towards].astype(float)) ** 2
    np.testing.assert_allclose(found[towards], expected, rtol=tolerance)
    # NaN is no size that protects
    trained[towards] = np.nan
    updates.gate(found, trained, weights, trained.dtype.type(3))
    assert np.isfinite(found).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_whole_pulses(dtype):
    change, *_ = drawn(dtype, 1003)
    change[7], weights = np.nan, np.arange(1003) % 3 > 0
    scale, most, share = map(change.dtype.type, (3.7, 4, 0.3))
    expected = np.where(weights, np.clip(np.rint(scale * change), -most, most), share * change)
    updates.whole(change, weights, scale, most, share)
    same(change, expected)
    assert np.count_nonzero(change == most) > 10


@pytest.mark.parametrize("dtype", DTYPES)
def test_flips_are_wanted_by_a_running_mean(dtype):
    gradient, mean, trained, *_ = drawn(dtype, 1003)
    trained[3], weights = 0, np.arange(1003) % 3 > 0
    gamma, tau, rate = numbers = tuple(map(trained.dtype.type, (0.3, 0.2, 0.05)))
    expected = mean - gamma * (mean + gradient)
    change = gradient.copy()
    updates.want_flips(change, mean, trained, weights, numbers)
    same(mean, expected)
    against = np.where(trained >= 0, -mean, mean) > tau
    same(change, np.where(weights, against, -rate * gradient).astype(dtype))
    assert 100 < np.count_nonzero(against) < 900


@pytest.mark.parametrize("dtype", DTYPES)
def test_signs_move_and_flip(dtype):
    trained, change, weights, *_ = drawn(dtype, 17, 59)
    size, keep = trained.dtype.type(0.3), trained.dtype.type(0.9)
    assert updates.signs(trained, size, weights)
    same(weights, np.where(trained >= 0, size, -size))
    moved = trained.copy()
    count = updates.move_signs(moved, change, keep)
    same(moved, trained * keep + change)
    assert count == np.count_nonzero((moved >= 0) != (trained >= 0)) > 100
    smallest = np.finfo(dtype).tiny
    for flips in ((change > 0).astype(dtype), single(change)):
        flipped = trained.copy()
        assert updates.flip_signs(flipped, flips, smallest) == np.count_nonzero(flips) > 0
        turned = np.where(trained == 0, -smallest, -trained)
        same(flipped, np.where(flips != 0, turned, trained))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("wrong", [np.inf, -np.inf, np.nan])
def test_numbers_that_are_not_finite_are_seen(dtype, wrong):
    numbers, weights, *_ = drawn(dtype, 17, 59)
    flat, size = numbers.ravel(), numbers.dtype.type(0.3)
    flat[1] = np.finfo(dtype).max
    assert updates.finite(flat)
    for place in (0, 500, flat.size - 1):
        before, flat[place] = flat[place], wrong
        assert not updates.finite(flat)
        assert not updates.signs(numbers, size, weights)
        flat[place] = before


def single(like):
    """One entry, in a corner."""
    flips = np.zeros_like(like)
    flips[-1, -1] = 1
    return flips


@pytest.mark.parametrize("dtype", DTYPES)
def test_walls_want_levels(dtype):
    trained, change, position, levels, _ = drawn(dtype, 17, 59)
    far = np.empty(trained.shape, bool)
    numbers = tuple(map(trained.dtype.type, (0.9, 1.3, 1.7, 2, 4, 0.5, 0.25)))
    keep, size, scale, middle, last, distance, margin = numbers
    wanted = np.clip(trained * keep + change, -size, size)
    updates.want_levels(trained, change, position, numbers, levels, far)
    same(trained, wanted)
    same(levels, np.clip(np.rint(wanted * scale + middle), 0, last))
    places = levels * distance - trained.dtype.type(1)
    same(far, np.abs(position - places) > margin)
    assert 0 < far.mean() < 1
    # NaN goes through, for the alarm above
    change[3, 4] = np.nan
    updates.want_levels(trained, change, position, numbers, levels, far)
    assert np.isnan(trained[3, 4])


def test_a_wall_is_programmed_as_its_parts_say():
    """The numbers that `program` gives to the kernel are those of `make` and `write`."""
    kind, rng = spinrnn.DomainWall(states=5, noise=0.1), np.random.default_rng(2)
    trained = rng.uniform(-1, 1, (30, 12)).astype("float32")
    position = kind.make(trained, rng)["position"]
    wanted, change = trained.copy(), 0.4 * rng.standard_normal((30, 12)).astype("float32")
    levels, far = kind._want(wanted, position, Request(change))
    expected = trained + change
    kind._settle(expected)
    same(wanted, expected)
    same(levels, kind._levels(expected))
    distance = np.abs(position - kind._places(levels))
    same(far, distance > kind.margin * kind.distance)


@pytest.mark.parametrize("size", [0, 1, 63, 1000, threads.PART, 2 * threads.PART + 65, 700_003])
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_norm_is_the_root_of_sums_that_are_made_side_by_side(size, dtype):
    """Each 64th square of a part is added to the one before; all threads give its bits."""
    gradient = np.random.default_rng(size).standard_normal(size).astype(dtype)
    sums = []
    for part in threads.parts_of(size):
        squares = np.square(gradient[part], dtype=np.float64)
        rows = np.concatenate([squares, np.zeros(-squares.size % 64)]).reshape(-1, 64)
        sums.append(np.add.accumulate(rows)[-1] if len(rows) else np.zeros(64))
    for count in (1, 3):
        with threads.using(count):
            found = clip_gradient(gradient, 0.0)
        assert found == np.sqrt(np.sum(sums))
        assert found == pytest.approx(np.linalg.norm(gradient.astype(float)), rel=1e-14)


@pytest.mark.parametrize("synapse", ["sign", "domain_wall"])
def test_bits_of_a_step_do_not_depend_on_threads(synapse):
    """With blocks of more than one part."""
    kind = spinrnn.Sign() if synapse == "sign" else spinrnn.DomainWall()
    found = []
    for count in (1, 3):
        rng = np.random.default_rng(1)
        trained = rng.uniform(-0.1, 0.1, (500, 300)).astype("float32")
        change = 0.1 * rng.standard_normal(trained.shape).astype("float32")
        with threads.using(count):
            devices = kind.make(trained, rng)
            events = kind.program(trained, devices, Request(change, 0.99), rng)
            weights = kind.read(trained, devices)
        found.append((events, trained.tobytes(), weights.tobytes()))
    assert found[0] == found[1]
    assert found[0][0].count > 1000
