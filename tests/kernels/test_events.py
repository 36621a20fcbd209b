"""The event kernel against a loop over all steps, to the bit, and the learning rule
against its closed form."""

import math

import numpy as np
import pytest
import spikingtwin as twin

from spinrnn.kernels import events

PLAIN = events.Window(1.0, (1.0, 1.0), (1.0, 1.0), (0.0, 0.0), (0.0, 0.0), 0.0, 1.0)
DEVICE = events.Window(1.5, (1.7, 1.6), (0.7, 0.8), (0.4, 0.2), (0.0, 0.0), 0.0, 1.0)


def timing(steps=120, pause=30, **others):
    """1 ms steps, time constants of 30 and 60 ms."""
    usual = {
        "input_wait": 0,
        "output_wait": 5,
        "silence": 10,
        "threshold": 1.0,
        "reset": -1.0,
        "firing": 1.5,
        "floor": -1.0,
        "keep": math.exp(-1 / 60),
        "filtered": 0.0,
        "forget": math.exp(-1 / 5000),
        "growth": 0.05,
        "base": 0.0,
        "gain": 1.0,
    }
    return events.Timing(steps=steps, pause=pause, **(usual | others))


def powers(t):
    return np.exp(-np.arange(max(t.steps, t.pause) + 2) / 30)


def at_rest(inputs, outputs):
    whole, real = (lambda n: np.zeros(n, dtype=np.int64)), np.zeros
    return events.State(
        real(inputs), whole(inputs), real(outputs), real(outputs), whole(outputs), real(outputs),
        whole(2),
    )  # fmt: skip


def show(rests, t, weights, state, rate=0.1, window=PLAIN, *, grows=True, carries=True, **others):
    """`present` of cases (case, input); returns their spikes."""
    devices = events.Devices(
        window,
        others.get("factors", np.zeros((2, 0, 0))),
        others.get("curves", np.zeros((2, 0))),
        (np.uint32(1), np.uint32(2)),
    )
    counts = np.zeros((len(rests), weights.shape[1]), dtype=np.int64)
    orders = others.get("orders", np.zeros((len(rests), 0), dtype=np.int64))
    scratch = events.scratch_of(weights.shape[0], weights.shape[1], t.steps, weights.dtype)
    events.present(
        rests, t, powers(t), devices, rate, grows, carries, state, weights, orders, counts, scratch
    )
    return counts


def cases(seed, count=6, inputs=14):
    """Potentials that currents would lead to: dark ones, grey ones, bright ones."""
    rng = np.random.default_rng(seed)
    return rng.choice([0.5, 0.98, 1.0, 1.2, 2.5, 4.5], (count, inputs)) + rng.choice(
        [0, 0.01], (count, inputs)
    )


MODELS = {
    "simple": timing(),
    "waits": timing(input_wait=4, silence=3, output_wait=25),
    "paper": timing(80, 0, input_wait=1, filtered=math.exp(-1 / 2), gain=0.4, base=0.1),
    "short": timing(10, 3, firing=0.1),
    "quiet": timing(firing=1e6),
    "falls": timing(forget=math.exp(-1 / 5), growth=8.0, silence=0, output_wait=0, floor=0.0),
}


DTYPES = ["float32", pytest.param("float64", marks=pytest.mark.slow)]  # compiles for seconds


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("window", [PLAIN, DEVICE], ids=["plain", "device"])
def test_the_kernel_is_the_loop_over_all_steps(model, dtype, window):
    """Spikes, weights, thresholds and all that goes on, to the bit, case after case."""
    t, rests = MODELS[model], cases(1)
    weights = np.random.default_rng(2).random((14, 5)).astype(dtype)
    own, state, twins = weights.copy(), at_rest(14, 5), at_rest(14, 5)
    counts = show(rests, t, own, state, window=window)
    for case, row in zip(rests, counts, strict=True):
        spikes, _ = twin.present(case, t, powers(t), window, 0.1, True, twins, weights)
        expected = np.bincount([j for _, j in spikes], minlength=5)
        np.testing.assert_array_equal(row, expected)
    if window is PLAIN:
        np.testing.assert_array_equal(own, weights)
    else:
        # powers are those of a library
        np.testing.assert_allclose(own, weights, rtol=1e-6 if dtype == "float32" else 1e-13)
    for name in ("potential", "waiting", "level", "current", "silent", "raised"):
        np.testing.assert_array_equal(getattr(state, name), getattr(twins, name), name)
    assert state.events[0] == counts.sum()
    assert (counts.sum() > 0) == (model != "quiet")


def test_closed_form_potentials_are_those_of_multiplying_step_by_step():
    t, rests = timing(350, 0), cases(3, 1, 40)[0]
    one, other = (
        twin.Inputs(rests, t, powers(t), at_rest(40, 1), recursive) for recursive in (False, True)
    )
    for _ in range(t.steps):
        assert one.step() == other.step()
        np.testing.assert_allclose(one.potential, other.potential, atol=1e-12)


def test_with_learning_off_nothing_changes():
    weights = np.random.default_rng(2).random((14, 5))
    own, state = weights.copy(), at_rest(14, 5)
    state.raised[:] = 0.3
    first = show(cases(1), timing(), own, state, 0.0, grows=False, carries=False)
    np.testing.assert_array_equal(own, weights)
    np.testing.assert_array_equal(state.raised, 0.3)
    # each case begins anew, so in another order each has the same spikes
    again = show(cases(1)[::-1].copy(), timing(), own, state, 0.0, grows=False, carries=False)
    np.testing.assert_array_equal(first, again[::-1])
    assert first.sum()


# ---- the rule ----


def pair(delay, rest, x, window=PLAIN, rate=0.1):
    """Change of a synapse whose input fires `delay` steps before its output does.

    A second input, of full strength, makes the output fire; it fires by an input
    potential that it begins with.
    """
    t = timing(delay + 1, 0, firing=0.9)
    state = at_rest(2, 1)
    # the first fires in step 1, the second in the last
    state.potential[:] = 3.0, 3.0
    state.waiting[1] = delay
    weights = np.array([[x], [1.0]])
    counts = show(np.array([[rest, 1e3]]), t, weights, state, rate, window)
    assert counts.sum() == 1
    return weights[0, 0] - x


@pytest.mark.parametrize("rest", [0.0, 0.2, 0.5, 0.95])
def test_pairing_window_is_the_closed_form(rest):
    """dw of (S4) with v(t) = rest + (-1 - rest) exp(-t / tau) after the input's
    spike.
    """
    for delay in (0, 1, 5, 12, 20, 28, 40, 80):
        v = rest + (-1 - rest) * math.exp(-delay / 30)
        size = 0.1 * math.expm1(abs(v))
        expected = size * (1 - 0.3) if v < 0 else -size * 0.3
        assert pair(delay, rest, 0.3) == pytest.approx(expected, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("rest", [0.2, 0.5, 0.9])
def test_the_change_turns_its_sign_where_the_potential_does(rest):
    turn = 30 * math.log((rest + 1) / rest)
    assert pair(math.floor(turn), rest, 0.5) > 0 > pair(math.ceil(turn), rest, 0.5)


def test_without_current_potentiation_decays_as_the_closed_form():
    for delay in (0, 10, 30, 60, 200):
        expected = 0.1 * 0.5 * math.expm1(math.exp(-delay / 30))
        assert pair(delay, 0.0, 0.5) == pytest.approx(expected, rel=1e-12)


def test_device_windows_have_thresholds_exponents_and_slopes():
    for delay in (0, 3, 8, 30, 60, 100):
        v = 1.5 * (0.8 + (-1 - 0.8) * math.exp(-delay / 30))
        way = 0 if v < 0 else 1
        over = max(abs(v) - DEVICE.thresholds[way], 0)
        size = 0.1 * math.expm1(DEVICE.slopes[way] * over)
        expected = size * 0.7**1.7 if v < 0 else -size * 0.3**1.6
        assert pair(delay, 0.8, 0.3, DEVICE) == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_each_output_spike_is_one_update_of_all_its_synapses():
    weights = np.random.default_rng(2).random((14, 5))
    before, state = weights.copy(), at_rest(14, 5)
    counts = show(cases(1, 1), timing(), weights, state)
    assert state.events[0] == counts.sum() > 2
    assert state.events[1] == 14 * counts.sum()
    moved = (weights != before).any(axis=0)
    np.testing.assert_array_equal(moved, counts[0] > 0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_states_stay_in_their_window_without_clipping(dtype):
    """Also at the largest rate, over many cases; the ends themselves stay."""
    largest = 1 / math.expm1(1.0)
    weights = np.random.default_rng(2).random((14, 5)).astype(dtype)
    weights[0], weights[1] = 0, 1
    show(cases(1, 200), timing(firing=0.2), weights, at_rest(14, 5), largest)
    assert weights.min() >= 0
    assert weights.max() <= 1


@pytest.mark.parametrize("lowest", [-2.0, -12.0, -800.0, -1e6])
@pytest.mark.parametrize("window", [PLAIN, DEVICE], ids=["plain", "device"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_states_stay_in_their_window_far_below_the_reset(dtype, window, lowest):
    """Inputs may be negative: their potentials then are, and ask for any change."""
    rests = cases(1, 20)
    rests[:, :3] = lowest
    weights = np.random.default_rng(2).random((14, 5)).astype(dtype)
    rate = 0.1 if lowest > -1e6 else 1e3
    assert show(rests, timing(firing=0.2), weights, at_rest(14, 5), rate, window).sum() > 5
    assert weights.min() >= 0
    assert weights.max() <= 1
    if lowest < -10:
        assert (weights[:3] == 1).any()


def test_a_power_below_one_holds_states_at_the_end_of_the_window():
    window = PLAIN._replace(exponents=(1.0, 0.5))
    weights = np.full((14, 5), 1e-6)
    # dark inputs are above 0 when the bright ones make an output fire
    rests = np.repeat([[0.5] * 7 + [4.5] * 7], 5, axis=0)
    show(rests, timing(firing=1e-6), weights, at_rest(14, 5), 0.5, window)
    assert weights.min() >= 0
    assert np.isfinite(weights).all()


def test_fixed_point_under_random_pairing():
    """w* = E[(e^|v| - 1) of v < 0] / E[e^|v| - 1], by the mean of a long run."""
    rng, total, found = np.random.default_rng(0), np.zeros(2), []
    potentials = rng.uniform(-1, 0.7, 8000)
    weights, t = np.array([[0.5], [1.0]]), timing(1, 0, firing=0.9)
    # an input that waits keeps its potential; the second makes the output fire
    for v in potentials:
        state = at_rest(2, 1)
        state.potential[:], state.waiting[0] = (v, 3.0), 5
        weights[1] = 1.0
        show(np.array([[0.0, 0.0]]), t, weights, state, 0.01)
        size = math.expm1(abs(v))
        total += (size * (v < 0), size)
        found.append(weights[0, 0])
    assert np.mean(found[1500:]) == pytest.approx(total[0] / total[1], abs=0.02)


def test_twice_the_rate_is_half_the_presentations():
    """To first order: the difference falls with the square of the rate."""

    def moved(rate, repeats):
        weights = np.full((14, 1), 0.4)
        for _ in range(repeats):
            show(cases(1, 3), timing(firing=1e-9, growth=0.0), weights, at_rest(14, 1), rate)
        return weights - 0.4

    gaps = []
    for rate in (1e-3, 1e-4):
        slow, fast = moved(rate, 2), moved(2 * rate, 1)
        gaps.append(np.abs(slow - fast).max() / np.abs(slow).max())
    assert gaps[0] < 0.05
    assert gaps[1] == pytest.approx(gaps[0] / 10, rel=0.1)


# ---- devices ----


def test_devices_that_differ_have_their_factors():
    rng = np.random.default_rng(3)
    weights, factors = rng.random((14, 5)), rng.uniform(0.5, 1.5, (2, 14, 5))
    own, t = weights.copy(), timing(growth=0.0)
    show(cases(1), t, own, at_rest(14, 5), window=DEVICE, factors=factors)
    state = at_rest(14, 5)
    for case in cases(1):
        twin.present(case, t, powers(t), DEVICE, 0.1, True, state, weights, factors)
    np.testing.assert_allclose(own, weights, rtol=1e-13)


def test_measured_curves_stand_in_for_powers():
    """Straight curves of the plain rule give its changes; low and span are of the
    weight.
    """
    curves = np.array([[1.0, 0.5, 0.0], [0.0, 0.5, 1.0]])
    states = np.random.default_rng(3).random((14, 5))
    own, shifted = states.copy(), 0.5 * states - 0.2
    t = timing(growth=0.0)
    show(cases(1), t, own, at_rest(14, 5))
    window = PLAIN._replace(low=-0.2, span=0.5)
    # the weight w stands for the state (w + 0.2) / 0.5
    scaled = t._replace(gain=1 / 0.5, base=0.2 / 0.5)
    show(cases(1), scaled, shifted, at_rest(14, 5), window=window, curves=curves)
    np.testing.assert_allclose((shifted + 0.2) / 0.5, own, rtol=1e-11)


def test_scatter_is_that_of_each_event():
    """Of equal devices after one event: mean that of the rule, deviation the
    scatter's; what does not move does not scatter.
    """
    window = PLAIN._replace(scatters=(0.01, 0.02), thresholds=(0.0, 0.1))
    t, inputs = timing(1, 0, firing=0.9), 4001
    for v, expected, deviation in ((-0.5, 0.5 * math.expm1(0.5), 0.01), (0.05, 0.0, 0.0)):
        state = at_rest(inputs, 1)
        state.potential[:], state.waiting[:] = v, 5
        state.potential[0], state.waiting[0] = 3.0, 0
        weights = np.full((inputs, 1), 0.5)
        weights[0] = 1.0
        show(np.zeros((1, inputs)), t, weights, state, 0.1, window)
        moved = weights[1:, 0] - 0.5
        assert moved.mean() == pytest.approx(0.1 * expected, abs=4 * deviation / 63)
        assert moved.std() == pytest.approx(deviation, rel=0.05)


def test_potentials_in_another_order_are_those_of_other_inputs():
    t, rests = timing(), cases(1, 1)
    order = np.random.default_rng(4).permutation(14)[None].astype(np.int64)
    weights = np.random.default_rng(2).random((14, 5))
    own, plain = weights.copy(), weights.copy()
    show(rests, t, own, at_rest(14, 5), orders=order)
    show(rests, t, plain, at_rest(14, 5))
    assert np.abs(own - plain).max() > 0.01
    same = weights.copy()
    show(rests, t, same, at_rest(14, 5), orders=np.arange(14)[None])
    np.testing.assert_array_equal(same, plain)
