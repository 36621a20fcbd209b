"""Pairs of hafnium-oxide cells: the laws of their differences, what pulses and noise do to
their resistances, and what is counted.
"""

import dataclasses
import functools

import numpy as np
import pytest
from scipy import signal, stats
from scipy.special import gamma

import spinrnn
from spinrnn.kernels.cells import weights_of
from spinrnn.machine import threads
from spinrnn.synapses.laws import OFFSETS, SLOPES
from spinrnn.synapses.protocol import Request
from spinrnn.synapses.rram import SPAN, pink_weights

QUIET = {"telegraph": 0.0, "pink": 0.0}
ALIKE = {"slope_spread": 0.0, "offset_spread": 0.0}
MANY = (250, 200)


def made(shape=MANY, seed=0, **values):
    """(kind, its trained numbers, its devices), fresh."""
    kind, trained = spinrnn.RRAM(**values), np.zeros(shape)
    return kind, trained, kind.make(trained, np.random.default_rng(seed))


def pulse(device, change, seed=1, **more):
    kind, trained, devices = device
    request = Request(np.broadcast_to(change, trained.shape), asks="pulses", **more)
    return kind.program(trained, devices, request, np.random.default_rng(seed))


# ---- laws ----

TRUNCATED = {
    "slope": (stats.expon(3.74158e-5, 6.56468e-4), 3.74e-5, 7.6e-3),
    "turn": (stats.lognorm(0.803382, scale=542.539), 41, 2000),
    "late_slope": (stats.expon(0, 2.88905e-5), 0, 1.3e-4),
    "offset": (stats.norm(5.29314e-3, 5.32080e-2), -0.15, 0.15),
    "resistance": (stats.norm(6988, 381.7), 6252, 7897),
}


@functools.cache
def fresh():
    return made(**QUIET)[2]


@pytest.mark.parametrize("name", TRUNCATED)
def test_what_is_drawn_follows_its_truncated_law(name):
    """Kolmogorov-Smirnov, 1e5 cells, p > 0.01."""
    law, low, high = TRUNCATED[name]
    drawn = fresh()[name].ravel()
    assert drawn.size == 100_000
    assert low * (1 - 1e-6) <= drawn.min()
    assert drawn.max() <= high * (1 + 1e-6)
    below, above = law.cdf(low), law.cdf(high)
    found = stats.kstest(drawn, lambda x: (law.cdf(x) - below) / (above - below))
    assert found.pvalue > 0.01


def test_the_amplitude_of_telegraph_noise_is_uniform():
    drawn = made(telegraph=0.5)[2]["amplitude"].ravel()
    assert stats.kstest(drawn, stats.uniform(0, 0.5).cdf).pvalue > 0.01


def test_cells_of_the_mean():
    """The means of the truncated laws; between none and all of the spread it is linear."""
    means = {name: law.mean for name, law in (SLOPES | OFFSETS).items()}
    devices = made((2, 2), **QUIET, **ALIKE)[2]
    for name, mean in means.items():
        np.testing.assert_allclose(devices[name], mean, rtol=1e-6)
        drawn = fresh()[name]
        assert abs(drawn.mean() - mean) < 4 * drawn.std() / np.sqrt(drawn.size)
    half = made(**QUIET, slope_spread=0.5, offset_spread=0.25)[2]
    for name, share in (("slope", 0.5), ("turn", 0.5), ("resistance", 0.25), ("offset", 0.25)):
        expected = means[name] + share * (fresh()[name].astype(float) - means[name])
        np.testing.assert_allclose(half[name], expected, rtol=1e-5, atol=1e-8)


# ---- resistances ----


def test_resistances_grow_continuously_and_slower_beyond_t_star():
    """Eq. (8.1), written out for each cell and number of pulses."""
    device, before = made((20, 10), **QUIET), None
    d, given = device[2], 0
    for step in (0, 40, 40, 90, 400, 400, 1000, 3000):
        given += step
        pulse(device, step)
        t, m1, m2 = given, d["slope"][0], d["late_slope"][0]
        mean = np.where(
            t < d["turn"][0], m1 * t, m2 * t + d["turn"][0] * (m1 - m2)
        )  # fmt: skip
        expected = np.log(d["resistance"][0]) + d["offset"][0] + mean
        np.testing.assert_allclose(d["log_resistance"][0], expected, rtol=0, atol=2e-5)
        # the other cells have had no pulse
        untouched = np.log(d["resistance"][1]) + d["offset"][1]
        np.testing.assert_allclose(d["log_resistance"][1], untouched, atol=2e-6)
        if before is not None:
            assert (d["log_resistance"][0] >= before).all()
        before = d["log_resistance"][0].copy()
    # a step by one pulse on either side of t* is no jump
    device = made((20, 10), **QUIET)
    d = device[2]
    pulse(device, np.floor(d["turn"][0]))
    before = d["log_resistance"][0].copy()
    pulse(device, 1)
    grown = d["log_resistance"][0] - before
    assert (grown <= np.maximum(d["slope"], d["late_slope"])[0] + 3e-6).all()


def test_the_medians_of_many_cells():
    """As of another program, without noise, within 1 %."""
    device, given = made(**QUIET), 0
    for t, median in ((0, 7032), (100, 7480), (500, 8560), (1000, 9028), (5000, 10331)):
        pulse(device, t - given)
        given = t
        resistance = np.exp(device[2]["log_resistance"][0].astype(float))
        assert np.median(resistance) == pytest.approx(median, rel=0.01)
    low, high = np.percentile(resistance, [5, 95])
    assert (low, high) == (pytest.approx(7433, rel=0.01), pytest.approx(35_794, rel=0.02))


def test_a_fresh_pair_differs_by_what_was_drawn():
    d = fresh()["log_resistance"]
    assert (d[0] - d[1]).std() == pytest.approx(0.101, abs=0.002)


def test_the_weight_is_the_sign_of_the_difference():
    kind, trained, devices = device = made((3, 4), **QUIET, **ALIKE)
    trained[:] = [[1, -1, 0.3, -0.3]] * 3
    # equal resistances: as it was drawn
    np.testing.assert_array_equal(kind.read(trained, devices), np.sign(trained))
    pulse(device, np.array([[-3, 3, 0, 0]] * 3))
    np.testing.assert_array_equal(kind.read(trained, devices), [[-1, 1, 1, -1]] * 3)
    np.testing.assert_array_equal(devices["pulses"][0], [[0, 3, 0, 0]] * 3)
    np.testing.assert_array_equal(devices["pulses"][1], [[3, 0, 0, 0]] * 3)
    other = dataclasses.replace(kind, largest=2.0)
    np.testing.assert_array_equal(other.read(trained, devices), [[-2, 2, 2, -2]] * 3)


def test_as_many_pulses_on_both_cells_leave_the_sign_to_their_differences():
    alike, unlike = made((40, 50), **QUIET, **ALIKE), made((40, 50), **QUIET)
    offsets = made((40, 50), **QUIET, slope_spread=0.0)
    signs = []
    for device in (alike, unlike, offsets):
        kind, trained, devices = device
        signs.append([kind.read(trained, devices)])
        for count in (300, -300):
            pulse(device, count)
        signs[-1].append(kind.read(trained, devices))
    assert (alike[2]["log_resistance"][0] == alike[2]["log_resistance"][1]).all()
    assert (signs[0][0] == signs[0][1]).all()
    # slopes that differ turn some pairs, equal ones none, but for rounding
    assert 0.02 < np.mean(signs[1][0] != signs[1][1]) < 0.5
    assert np.mean(signs[2][0] != signs[2][1]) < 1e-3


# ---- noise ----


def share_high(device):
    return device[2]["high"][0].mean()


def test_telegraph_noise_after_many_pulses_at_once():
    """P(low to high) = p_h / (p_h + p_l) (1 - (1 - p_h - p_l)^n), within three standard
    errors; one by one gives the same."""
    rise, fall = 0.0008, 0.002
    for n, steps in ((200, 1), (1000, 1), (5000, 1), (40, 5)):
        device = made(seed=n, pink=0.0)
        assert not share_high(device)
        for k in range(steps):
            pulse(device, n // steps, seed=(n, k))
        expected = rise / (rise + fall) * (1 - (1 - rise - fall) ** n)
        error = np.sqrt(expected * (1 - expected) / 50_000)
        assert abs(share_high(device) - expected) < 3 * error
    # in the long run
    device = made(pink=0.0)
    pulse(device, 100_000)
    assert share_high(device) == pytest.approx(0.2857, abs=0.006)


def test_dwell_times_of_telegraph_noise():
    """1250 pulses in the low state and 500 in the high one: of those that are high, so
    many are low 25 pulses later."""
    device = made(pink=0.0)
    pulse(device, 100_000)
    before = device[2]["high"][0].copy()
    pulse(device, 25, seed=2)
    after = device[2]["high"][0]
    for state, time in ((1, 500), (0, 1250)):
        left = np.mean(after[before == state] != state)
        rate = 1 / 500 + 1 / 1250
        expected = 1 / time / rate * (1 - (1 - rate) ** 25)
        error = np.sqrt(expected / np.count_nonzero(before == state))
        assert abs(left - expected) < 3 * error


def test_the_size_of_telegraph_noise_is_drawn_at_every_step():
    device = made(**ALIKE, pink=0.0)
    d, quiet = device[2], made((1, 1), **QUIET, **ALIKE)
    pulse(device, 4000)
    pulse(quiet, 4000)
    high, shares = d["high"][0] == 1, []
    # in the step that made them high, too
    for seed in (1, 2, 3):
        if seed > 1:
            pulse(device, 0, seed)
        noise = d["log_resistance"][0] - quiet[2]["log_resistance"][0]
        assert np.abs(noise[~high]).max() < 1e-6
        shares.append(noise[high] / d["amplitude"][0][high])
        # those of tiny amplitudes round
        of_size = shares[-1][d["amplitude"][0][high] > 0.05]
        assert stats.kstest(of_size, stats.uniform(0, 1).cdf).pvalue > 0.01
    assert abs(np.corrcoef(shares[1], shares[2])[0, 1]) < 0.05


def test_weights_of_pink_noise():
    k = np.arange(127)
    found = pink_weights(127)
    np.testing.assert_allclose(found, gamma(k + 0.5) / (gamma(0.5) * gamma(k + 1)), rtol=1e-12)
    np.testing.assert_allclose(found[:4], [1, 0.5, 0.375, 0.3125])
    assert pink_weights(1).tolist() == [1]


def numbers_of(device, pulses):
    """(pulses, 2, targets, sources) of the uniform numbers of a device's cells: pink noise
    that remembers one pulse alone."""
    kind, trained, devices = device
    one = dataclasses.replace(kind, memory=1, pink=1.0)
    own = {name: array.copy() for name, array in devices.items()}
    found = []
    for _ in range(pulses):
        for change in (1, -1):
            pulse((one, trained, own), change)
        found.append(own["pink"].copy())
    return np.array(found)


@pytest.mark.parametrize("memory", [1, 2, 3, 4, 5, 15, 127])
@pytest.mark.parametrize("centred", [False, True])
def test_pink_noise_is_the_weighted_sum_of_the_last_numbers(memory, centred):
    shape = (3, 70)
    device = made(shape, telegraph=0.0, pink=0.03, memory=memory, centred=centred)
    numbers, weights = numbers_of(device, memory + 6).astype(float), pink_weights(memory)
    given = 0
    for step in (memory, 1, 2, 3):
        pulse(device, step)
        given += step
        newest = numbers[given - memory : given, 0][::-1]
        expected = 0.03 * np.einsum("k,kij->ij", weights, newest)
        np.testing.assert_allclose(device[2]["pink"][0], expected, atol=3e-6)


def test_its_numbers_are_uniform_and_independent():
    numbers = numbers_of(made((25, 40), telegraph=0.0), 50)
    assert stats.kstest(numbers.ravel(), stats.uniform(0, 1).cdf).pvalue > 0.01
    assert (numbers.min() > 0, numbers.max() < 1) == (True, True)
    # pulses follow each other, cells stand side by side, and the two of a pair
    for one, other in (
        (numbers[1:], numbers[:-1]),
        (numbers[4:], numbers[:-4]),
        (numbers[..., 1:], numbers[..., :-1]),
        (numbers[:, 0], numbers[:, 1]),
    ):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 4 / np.sqrt(one.size)
    # another block of the same run has others
    device = made((25, 40), seed=1, telegraph=0.0)
    assert abs(np.corrcoef(numbers_of(device, 1).ravel(), numbers[0].ravel())[0, 1]) < 0.1


def test_pink_noise_is_in_the_resistance_that_is_read():
    """Without telegraph noise ln R of cells that are alike is that of the quiet cell and
    the pink noise; also of those without a pulse.
    """
    device, quiet = made((20, 10), telegraph=0.0, **ALIKE), made((20, 10), **QUIET, **ALIKE)
    for seed, pulses in enumerate((0, 300)):
        for one in (device, quiet):
            pulse(one, pulses, seed)
        noise = device[2]["log_resistance"] - quiet[2]["log_resistance"]
        assert noise.std() > 0.005
        np.testing.assert_allclose(noise, device[2]["pink"], atol=2e-6)


def test_the_mean_of_pink_noise_is_that_of_its_numbers():
    """0.159 with 127 terms, which cancels within a pair; 0 where they are centred."""
    for centred, mean in ((False, 0.159), (True, 0.0)):
        device = made(telegraph=0.0, centred=centred)
        before = device[2]["pink"].copy()
        assert before.mean() == pytest.approx(mean, abs=5e-4)
        pulse(device, 200)
        assert device[2]["pink"][0].mean() == pytest.approx(mean, abs=5e-4)
        # what has had no pulse is as it was
        np.testing.assert_array_equal(device[2]["pink"][1], before[1])
        expected = 0.025 * np.sqrt((pink_weights(127) ** 2).sum() / 12)
        assert device[2]["pink"].std() == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(
    ("memory", "band", "slope"),
    [(127, (0.002, 0.05), -1.05), (127, (0.02, 0.2), -0.96), (15, (0.002, 0.05), -0.67)],
)
def test_the_spectrum_of_pink_noise(memory, band, slope):
    """Of the filter, over the band: with 15 terms it is white below 1/15."""
    frequency, response = signal.freqz(pink_weights(memory), worN=20_000, fs=1)
    frequencies = np.linspace(*band, 500)
    power = np.interp(frequencies, frequency, np.abs(response) ** 2)
    found = np.polyfit(np.log(frequencies), np.log(power), 1)[0]
    assert found == pytest.approx(slope, abs=0.03)


def test_a_long_record_has_the_spectrum_of_the_filter():
    device, record = made((8, 8), telegraph=0.0, centred=True, memory=15), []
    for _ in range(512):
        pulse(device, 1)
        record.append(device[2]["pink"][0].ravel().copy())
    frequency, power = signal.periodogram(np.array(record), axis=0)
    expected = np.abs(signal.freqz(pink_weights(15), worN=frequency[1:-1], fs=1)[1]) ** 2
    expected *= 2 * 0.025**2 / 12
    ratio = power[1:-1].mean(axis=1) / expected
    # what leaks from bin to bin is below a tenth
    np.testing.assert_allclose(ratio[:250].reshape(10, 25).mean(axis=1), 1, atol=0.1)


def test_weights_of_groups_are_those_of_the_numbers():
    weights = weights_of([1.0, 0.5, 0.25])
    assert weights.shape == (4, 2, 4)
    np.testing.assert_array_equal(weights[0], [[1, 0, 0, 0], [0, 0, 0.25, 0.5]])
    np.testing.assert_array_equal(weights[3], [[0, 0.25, 0.5, 1], [0, 0, 0, 0]])


# ---- the same bits, and what is counted ----


def test_threads_and_the_size_of_steps_do_not_change_a_bit():
    """A number of a pulse is that of the cell and the pulse alone."""
    shape, found = (200, 200), []
    assert 2 * SPAN < 40_000
    change = np.rint(30 * np.random.default_rng(7).standard_normal(shape))
    for count in (1, 3):
        with threads.using(count):
            device = made(shape)
            events = pulse(device, change)
        found.append((events, {name: a.tobytes() for name, a in device[2].items()}))
    assert found[0] == found[1]
    device = made(shape)
    for part in (change // 2, change - change // 2):
        pulse(device, part)
    assert device[2]["pink"][1].tobytes() == _pink_of(change, shape)[1].tobytes()


def _pink_of(change, shape):
    device = made(shape)
    pulse(device, change)
    return device[2]["pink"]


def test_pulses_energy_and_cells_beyond_t_star_are_counted():
    device = made((30, 40), energy=2e-12, **QUIET)
    change = np.zeros((30, 40))
    change[:10], change[10:20] = 500, -700
    events = pulse(device, change)
    turn = device[2]["turn"]
    late = np.count_nonzero(turn[0, :10] <= 500) + np.count_nonzero(turn[1, 10:20] <= 700)
    assert events == (400 * 1200, pytest.approx(400 * 1200 * 2e-12), 0, late)
    assert 0 < late < 800


def test_a_cell_that_can_take_no_more_refuses():
    device = made((2, 3), endurance=100, **QUIET, **ALIKE)
    assert pulse(device, 60)[::2] == (360, 0)
    assert pulse(device, 60)[::2] == (240, 6)
    before = device[2]["log_resistance"].copy()
    assert pulse(device, 60)[::2] == (0, 6)
    np.testing.assert_array_equal(device[2]["log_resistance"], before)
    assert (device[2]["given"][0] == 100).all()
    assert (device[2]["pulses"][0] == 100).all()
    # the other cells of the pairs are fresh
    assert pulse(device, -70)[::2] == (420, 0)


def test_where_there_is_no_pair_none_is_pulsed():
    device, exists = made((2, 3)), np.array([[True, True, False], [False] * 3])
    assert pulse(device, 5, exists=exists).count == 10
    np.testing.assert_array_equal(device[2]["given"][0], 5 * exists)


def test_a_refresh_sets_both_cells_and_writes_their_difference_again():
    """Off by default. Events of both kinds are counted."""
    kind, trained, devices = device = made(
        (2, 3), refresh=100, energy=1e-12, set_energy=1e-10, **QUIET, **ALIKE
    )
    pulse(device, np.array([[80, 130, -130], [10, 10, 10]]))
    pulse(device, np.array([[0, -90, 0], [0, 0, 0]]))
    np.testing.assert_array_equal(devices["sets"], [[0, 2, 2], [0, 0, 0]])
    # 130 against 0 comes down to 50 against 0, half of what is allowed
    np.testing.assert_array_equal(devices["pulses"][0], [[80, 0, 0], [10, 10, 10]])
    np.testing.assert_array_equal(devices["pulses"][1], [[0, 40, 50], [0, 0, 0]])
    pulse(device, np.array([[0, -70, 0], [0, 0, 0]]))
    events = pulse(device, 0)
    assert events == (2 + 50, pytest.approx(50e-12 + 2e-10), 0, 0)
    assert kind.read(trained, devices)[0, 1] < 0
    assert spinrnn.RRAM().refresh == 0


def test_what_is_impossible_is_told():
    with pytest.raises(spinrnn.ConfigError) as caught:
        spinrnn.RRAM(slope_spread=-0.5, memory=0, fall=0.0)
    assert caught.value.problems == [
        "slope_spread: must be from 0 to 1, got -0.5",
        "fall: must be above 0 and at most 0.5, got 0.0",
        "memory: must be from 1 to 10000, got 0",
    ]
