"""Writers: the metaplastic gate, flips and whole pulses."""

import math

import numpy as np
import pytest

import spinrnn


def asked(writer, gradients, trained, rate=0.02, weights=None):
    """What a writer asks for at each of several gradients, of numbers that stay."""
    memory = writer.memory(trained.size, str(trained.dtype))
    weights = np.ones(trained.size, bool) if weights is None else weights
    return [
        writer.request(gradient.copy(), trained, memory, t, rate, weights)
        for t, gradient in enumerate(gradients, 1)
    ]


def drawn(dtype, size=500, steps=8):
    rng = np.random.default_rng(3)
    gradients = rng.standard_normal((steps, size)).astype(dtype)
    return gradients, (0.3 * rng.standard_normal(size)).astype(dtype), rng.random(size) < 0.8


# ---- metaplastic ----


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_without_strength_it_is_adam_to_the_bit(dtype):
    gradients, trained, weights = drawn(dtype)
    own = {"beta1": 0.8, "beta2": 0.97, "epsilon": 1e-6, "weight_decay": 0.1}
    adam = asked(spinrnn.Adam(**own), gradients, trained, weights=weights)
    other = asked(spinrnn.Metaplastic(m=0.0, **own), gradients, trained, weights=weights)
    for one, two in zip(adam, other, strict=True):
        assert one.change.tobytes() == two.change.tobytes()
        assert one.keep == two.keep == 1 - 0.02 * 0.1
        assert two.change.dtype == dtype


def test_the_gate_is_on_steps_towards_zero_of_weights_alone():
    gradients, trained, weights = drawn("float64")
    adam = asked(spinrnn.Adam(), gradients, trained, weights=weights)
    for m in (0.7, 5.0):
        other = asked(spinrnn.Metaplastic(m=m), gradients, trained, weights=weights)
        for one, two in zip(adam, other, strict=True):
            towards = weights & (one.change * trained < 0)
            np.testing.assert_array_equal(one.change[~towards], two.change[~towards])
            gate = 1 / np.cosh(m * np.abs(trained[towards])) ** 2
            np.testing.assert_allclose(two.change[towards], one.change[towards] * gate, rtol=1e-9)
        # so the steps away from zero have the same sum, whatever the strength
        away = weights & (adam[0].change * trained > 0)
        assert np.abs(other[0].change[away]).sum() == np.abs(adam[0].change[away]).sum()


def test_where_it_is_strong_no_sign_ever_changes():
    gradients, trained, weights = drawn("float32", steps=300)
    trained[:5] = 0
    for m, changes in ((1e6, 0), (0.0, 100)):
        own, writer = trained.copy(), spinrnn.Metaplastic(m=m)
        memory = writer.memory(own.size, "float32")
        for t, gradient in enumerate(gradients, 1):
            own += writer.request(gradient, own, memory, t, 0.05, weights).change
        kept = weights & (np.abs(trained) > 1e-4)
        turned = np.count_nonzero(np.sign(own[kept]) != np.sign(trained[kept]))
        assert (turned == 0) if changes == 0 else turned > changes
        # zeros leave, and biases are free
        assert own[:5].all()
        assert (np.sign(own) != np.sign(trained))[~weights].any()


@pytest.mark.parametrize(("start", "m"), [(0.3, 5.0), (0.1, 20.0), (0.2, 0.0), (0.4, 3.0)])
def test_the_time_to_cross_zero(start, m):
    """(1 / lr) [w / 2 + sinh(2 m w) / (4 m)] with a constant unit step, and as long from
    below."""
    rate = 2e-4
    expected = (start / 2 + math.sinh(2 * m * start) / (4 * m)) / rate if m else start / rate
    writer = spinrnn.Metaplastic(m=m, beta1=0.0, beta2=0.0)
    trained, memory = np.array([start, -start]), writer.memory(2, "float64")
    steps = 0
    while trained[0] > 0:
        steps += 1
        change = writer.request(
            np.array([1.0, -1.0]), trained, memory, steps, rate, np.ones(2, bool)
        )
        trained = trained + change.change
        assert trained[1] == -trained[0]
    assert steps == pytest.approx(expected, rel=0.01)


def test_its_decay_is_part_of_the_gradient():
    gradients, trained, weights = drawn("float64")
    own = asked(spinrnn.Metaplastic(m=0.0, decay=0.3), gradients, trained, weights=weights)
    with_it = [gradient + 0.3 * weights * trained for gradient in gradients]
    expected = asked(spinrnn.Adam(), with_it, trained, weights=weights)
    for one, two in zip(own, expected, strict=True):
        np.testing.assert_array_equal(one.change, two.change)
        assert one.keep == 1


# ---- flips ----


def test_every_flip_has_a_mean_gradient_against_its_sign():
    """Eq. (9.3) written out; biases go down their gradients."""
    gradients, trained, weights = drawn("float64", steps=40)
    trained[0] = 0
    mean, flips = np.zeros(trained.size), 0
    found = asked(spinrnn.Flips(gamma=0.1, tau=0.3), gradients, trained, 0.05, weights)
    for gradient, change in zip(gradients, found, strict=True):
        mean = (1 - 0.1) * mean + 0.1 * -gradient
        sign = np.where(trained < 0, -1, 1)
        expected = weights & (-sign * mean > 0.3)
        np.testing.assert_array_equal(change.change[weights] == 1, expected[weights])
        np.testing.assert_array_equal(np.unique(change.change[weights]) % 1, 0)
        np.testing.assert_allclose(change.change[~weights], -0.05 * gradient[~weights])
        assert change.keep == 1
        flips += expected.sum()
    assert flips > 100


def test_flips_go_the_way_that_lowers_the_loss():
    """L = -<goal, w>: only weights that are unlike the goal are turned over, once."""
    rng, kind = np.random.default_rng(0), spinrnn.Sign(largest=1.0)
    goal, trained = np.sign(rng.standard_normal((2, 6, 50)))
    unlike, writer = goal != trained, spinrnn.Flips(gamma=0.2, tau=0.5)
    memory, size, count = writer.memory(300, "float64"), np.ones(300, bool), 0
    for t in range(1, 20):
        change = writer.request(-goal.ravel(), trained.ravel(), memory, t, 0.1, size)
        request = spinrnn.Request(change.change.reshape(6, 50), asks="flips")
        count += kind.program(trained, {}, request, rng).count
    np.testing.assert_array_equal(kind.read(trained, {}), goal)
    assert count == unlike.sum()


# ---- pulses ----


def test_pulses_are_adams_steps_rounded_and_clamped():
    gradients, trained, weights = drawn("float32")
    own = {"beta1": 0.7, "beta2": 0.9, "epsilon": 1e-4}
    adam = asked(spinrnn.Adam(**own), gradients, trained, 0.01, weights)
    writer = spinrnn.Pulses(**own, scale=900.0, most=7, share=0.25)
    for one, two in zip(adam, asked(writer, gradients, trained, 0.01, weights), strict=True):
        expected = np.clip(np.rint(900 * one.change), -7, 7)
        np.testing.assert_array_equal(two.change[weights], expected[weights])
        np.testing.assert_allclose(two.change[~weights], 0.25 * one.change[~weights], rtol=1e-6)
        assert two.change.dtype == np.float32
        assert two.keep == 1
    assert np.abs(two.change[weights]).max() == 7


def test_pulses_know_no_decay():
    with pytest.raises(spinrnn.ConfigError, match="weight_decay: pulses know no decay; set it to"):
        spinrnn.Pulses(weight_decay=0.1)


def test_the_published_pulses():
    """100 for a unit step, and 8e-3 for a bias; at most 126."""
    writer = spinrnn.Pulses(scale=12_500.0)
    gradients, weights = [np.array([-2.0, 3.0, -2.0])], np.array([True, True, False])
    (found,) = asked(writer, gradients, np.zeros(3), 0.008, weights)
    np.testing.assert_allclose(found.change, [100, -100, 8e-3], rtol=1e-6)
    (found,) = asked(writer, gradients, np.zeros(3), 0.2, weights)
    np.testing.assert_array_equal(found.change[:2], [126, -126])
