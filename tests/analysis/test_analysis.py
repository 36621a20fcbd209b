"""Each measure of the analysis against a closed form or a constructed case: noise of
known spectrum, exact relaxations, shift registers, orthogonal states."""

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.integrate

import spinrnn
from spinrnn import analysis
from spinrnn.analysis import figures
from spinrnn.analysis.powers import synapses


def ar1(rng, coefficient, shape, deviation=1.0):
    """Stationary series x' = coefficient x + noise along the last axis, with this
    standard deviation."""
    x = np.empty(shape)
    x[..., 0] = rng.normal(size=shape[:-1])
    for k in range(1, shape[-1]):
        x[..., k] = coefficient * x[..., k - 1] + np.sqrt(1 - coefficient**2) * rng.normal(
            size=shape[:-1]
        )
    return deviation * x


# ---- spectra ----


def test_the_spectrum_of_white_noise_is_flat():
    step, deviation = 2e-9, 0.3
    power = 0.5 + deviation * np.random.default_rng(0).normal(size=(1, 3, 40000))
    found = analysis.power_spectrum(1e-6 + step * np.arange(40000), power, segment=256)
    assert found.frequency[-1] == pytest.approx(1 / (2 * step))
    assert found.density[:, 2:-2].mean(axis=1) == pytest.approx(
        np.full(3, 2 * deviation**2 * step), rel=0.03
    )
    assert found.density[:, 2:-2].std() < 0.12 * 2 * deviation**2 * step
    assert found.half == pytest.approx(np.full(3, 1 / (4 * step)), rel=0.03)
    assert figures.power_spectrum({"layer 0": found}).get_xlabel() == "frequency (MHz)"


def test_the_spectrum_of_an_ar1_series():
    step, a = 1e-9, 0.9
    power = ar1(np.random.default_rng(1), a, (30, 2, 4000))
    power[:10, :, 3000:] = np.nan
    found = analysis.power_spectrum(step * np.arange(4000), power, segment=500)
    theory = (
        2 * step * (1 - a**2) / np.abs(1 - a * np.exp(-2j * np.pi * found.frequency * step)) ** 2
    )
    assert found.segments == 20 * 15 + 10 * 11
    assert np.abs(found.density / theory - 1)[:, 3:-1].max() < 0.3
    assert found.density[:, 3:-1].mean() == pytest.approx(theory[3:-1].mean(), rel=0.05)
    assert analysis.power_spectrum(step * np.arange(4000), power[10:]).frequency[
        1
    ] == pytest.approx(1 / (4000 * step))
    assert 8 <= analysis.power_spectrum(step * np.arange(4000), power[10:11]).segments <= 9


def test_the_autocorrelation_of_an_ar1_series():
    step, a = 3e-9, 0.8
    power = 0.4 + ar1(np.random.default_rng(2), a, (40, 2, 2000), 0.01)
    power[:20, :, 1500:] = np.nan
    power[:, 1] = 0.4
    found = analysis.autocorrelation(
        step * np.arange(2000), power.astype(np.float32), longest=60 * step
    )
    assert len(found.lag) == 61
    assert np.abs(found.correlation[0] - a ** np.arange(61)).max() < 0.03
    assert found.integrated[0] == pytest.approx(step * (1 + a) / (2 * (1 - a)), rel=0.05)
    assert found.efold[0] == pytest.approx(-step / np.log(a), rel=0.05)
    assert np.isnan(found.correlation[1]).all()
    assert np.isnan([found.integrated[1], found.efold[1]]).all()
    assert figures.autocorrelation({"layer 0": found}).get_xlabel() == "lag (ns)"


def test_a_correlation_counts_the_pairs_of_each_lag():
    """A power with a period is correlated by 1 over any number of periods, also where
    few pairs are left; half of the cases are shorter."""
    power = np.tile(np.cos(np.pi * np.arange(400) / 20), (4, 1, 1))
    power[::2, :, 200:] = np.nan
    found = analysis.autocorrelation(np.arange(400.0), power, longest=240)
    assert found.correlation[0, ::40] == pytest.approx(np.ones(7), abs=1e-9)
    assert found.correlation[0, 20::40] == pytest.approx(-np.ones(6), abs=1e-9)


def test_lags_are_limited_unless_more_are_asked_for(monkeypatch):
    monkeypatch.setattr("spinrnn.analysis.spectra.LONGEST", 16)
    time, power = np.arange(100.0), np.random.default_rng(18).normal(size=(1, 1, 100))
    assert len(analysis.autocorrelation(time, power).lag) == 17
    assert len(analysis.autocorrelation(time, power, longest=30).lag) == 31
    assert analysis.power_spectrum(time, power).frequency[1] == pytest.approx(1 / 16)
    assert analysis.power_spectrum(time, power, segment=50).frequency[1] == pytest.approx(1 / 50)


def test_a_series_that_is_too_short_has_no_integrated_time():
    found = analysis.autocorrelation(
        np.arange(100.0), np.linspace(0, 1, 100).reshape(1, 1, 100), longest=20
    )
    assert np.isnan(found.integrated[0])
    assert np.isnan(found.efold[0])
    swings = analysis.autocorrelation(
        np.arange(200.0), np.cos(np.pi * np.arange(200.0)).reshape(1, 1, 200)
    )
    assert np.isnan(swings.integrated[0])
    assert swings.efold[0] == pytest.approx((1 - 1 / np.e) / 2, abs=0.01)


@pytest.mark.parametrize("measure", [analysis.power_spectrum, analysis.autocorrelation])
def test_unequal_steps_are_refused(measure):
    time = np.arange(100.0)
    time[50:] += 0.1
    with pytest.raises(spinrnn.DataError, match=r"not equally spaced, steps from 1 to 1\.1 s"):
        measure(time, np.zeros((1, 1, 100)))


# ---- one device ----

GAMMA, Q = 1e8, 0.7
STEP = 0.5e-9


def device(levels, hold=400, start=0.3):
    """(time, power, drive) of an oscillator, eq. (1), under levels (1/s) held for so
    many steps each, integrated by DOP853."""
    powers, p = [start], start
    for level in levels:
        rhs = lambda t, p, i=level: -GAMMA * (1 + Q * p) * p + i * p * (1 - p)
        times = STEP * np.arange(hold + 1)
        part = scipy.integrate.solve_ivp(
            rhs, (0, times[-1]), [p], "DOP853", times, rtol=1e-11, atol=1e-14
        ).y[0]
        powers, p = [*powers, *part[1:]], part[-1]
    return (
        STEP * np.arange(len(powers)),
        np.array(powers).reshape(1, 1, -1),
        np.repeat(levels, hold).reshape(1, 1, -1).astype(float),
    )


def test_steady_states_of_the_equation():
    levels = np.array([2.0, 1.5, 3.0, 1.6, 0.2]) * GAMMA
    time, power, drive = device(levels)
    found = analysis.steady_states(time, power, drive, 1 / GAMMA, Q)
    assert found.drive.tolist() == levels.tolist()
    theory = [1.0 / 2.7, 0.5 / 2.2, 2.0 / 3.7, 0.6 / 2.3, 0.0]
    assert found.expected == pytest.approx(theory, abs=1e-12)
    assert found.power == pytest.approx(theory, abs=1e-4)
    assert found.unsettled == 0
    assert analysis.steady_states(time, power, drive, most=2).passed == 3
    assert np.isnan(analysis.steady_states(time, power, drive).expected).all()
    assert figures.steady_states(found).get_xlabel() == "drive $I$ ($10^{6}$/s)"


@pytest.mark.parametrize("measure", [analysis.steady_states, analysis.step_responses])
def test_axes_that_are_missing_or_do_not_fit(measure):
    """One neuron needs one axis; the drive may have the last time, of which there is no
    use."""
    time, power, drive = device(np.array([2.0, 1.5]) * GAMMA)
    whole = measure(time, power, drive)
    for given in (
        (power[0], drive[0]),
        (power[0, 0], drive[0, 0]),
        (power[0, 0], np.append(drive[0, 0], np.nan)),
    ):
        np.testing.assert_array_equal(measure(time, *given).drive, whole.drive)
    with pytest.raises(
        spinrnn.DataError, match=r"drive: must have the shape of power, \(1, 1, 801\)"
    ):
        measure(time, power, drive[0])
    for wrong in (power[..., 1:], power[None], 0.5):
        with pytest.raises(
            spinrnn.DataError, match=r"power: must end in the axis of the 801 times"
        ):
            measure(time, wrong, drive)


def test_a_power_that_has_not_come_to_rest_is_no_steady_state():
    time, power, drive = device(np.array([2.0, 1.5]) * GAMMA, hold=40)  # two relaxation times
    found = analysis.steady_states(time, power, drive)
    assert (len(found.power), found.unsettled) == (0, 2)


def test_noise_does_not_hide_a_steady_state_and_a_drift_does():
    rng = np.random.default_rng(3)
    drive = np.full((20, 1, 399), 2 * GAMMA)
    noise = ar1(rng, 0.9, (20, 1, 400), 0.02)
    found = analysis.steady_states(STEP * np.arange(400), 0.5 + noise, drive)
    assert len(found.power) >= 17
    assert found.power == pytest.approx(np.full(len(found.power), 0.5), abs=0.03)
    drift = 0.5 + noise + np.linspace(0, 0.5, 400)
    assert analysis.steady_states(STEP * np.arange(400), drift, drive).unsettled == 20


@pytest.mark.parametrize("at", [0.6, 0.7, 0.8, 0.9, 0.97])
def test_a_power_that_rises_late_is_no_steady_state(at):
    """An oscillator that turns on in the second half of its plateau, whose rise must
    not count as noise."""
    time = STEP * np.arange(401)
    rise = 0.4 / (1 + np.exp(-(time - at * time[-1]) * 2 * GAMMA))
    power = rise + 0.003 * np.random.default_rng(16).normal(size=(20, 1, 401))
    found = analysis.steady_states(time, power, np.full((20, 1, 400), 2 * GAMMA))
    assert found.unsettled == 20


def test_the_theory_of_steady_states_is_drawn_as_it_bends():
    """Also between drives that lie far apart, and with its corner at the threshold."""
    time, power, drive = device(np.array([0.5, 6.0]) * GAMMA)
    line = figures.steady_states(analysis.steady_states(time, power, drive, 1 / GAMMA, Q)).lines[-1]
    x, y = line.get_data()
    xi = x / (GAMMA * 1e-6)
    assert y == pytest.approx(np.where(xi > 1, (xi - 1) / (xi + Q), 0), abs=1e-12)
    assert np.abs(xi - 1).min() < 1e-12
    assert len(x) > 100


def test_relaxation_follows_the_drive_above_and_below_threshold():
    """The rate is |I - gamma| whatever the size of the step."""
    levels = np.array([2.0, 1.2, 3.0, 0.3, 2.5]) * GAMMA
    time, power, drive = device(levels, start=0.05)
    found = analysis.step_responses(time, power, drive, 1 / GAMMA)
    assert found.drive.tolist() == levels.tolist()
    assert found.before[1:].tolist() == levels[:-1].tolist()
    assert np.isnan(found.before[0])
    assert found.expected == pytest.approx(np.array([1.0, 0.2, 2.0, 0.7, 1.5]) * GAMMA)
    assert found.rate == pytest.approx(found.expected, rel=1e-4)
    assert found.time == pytest.approx(1 / found.expected, rel=1e-4)
    assert found.last == pytest.approx([1.0 / 2.7, 0.2 / 1.9, 2.0 / 3.7, 0.0, 1.5 / 3.2], abs=1e-4)
    assert found.residual.max() < 1e-6
    assert (found.unchanged, found.failed, found.passed) == (0, 0, 0)


def test_a_small_step_relaxes_exponentially_and_a_large_one_does_not():
    time, power, drive = device(np.array([2.0, 2.02]) * GAMMA, start=1.0 / 2.7)
    small = analysis.step_responses(time, power, drive, form="exponential")
    assert small.unchanged == 1
    assert small.rate[0] == pytest.approx(1.02 * GAMMA, rel=0.02)
    time, power, drive = device(np.array([4.0]) * GAMMA, start=0.01)
    large = analysis.step_responses(time, power, drive, form="exponential")
    assert large.residual[0] > 0.01


def test_exponentials_are_found_exactly():
    time = STEP * np.arange(301)
    rates = np.array([3e7, 1e8, 4e8])
    power = (0.6 - 0.2 * np.exp(-rates[:, None] * time))[None]
    found = analysis.step_responses(time, power, np.ones((1, 3, 300)), form="exponential")
    assert found.rate == pytest.approx(rates, rel=1e-6)
    assert found.first == pytest.approx(np.full(3, 0.4), rel=1e-6)
    assert found.last == pytest.approx(np.full(3, 0.6), rel=1e-6)
    assert figures.step_responses(found).get_ylabel().startswith("relaxation rate")


@pytest.mark.parametrize(("coefficient", "least"), [(0.0, 90), (0.9, 85)])
def test_confidence_intervals_hold_the_truth_as_often_as_they_say(coefficient, least):
    """White noise, and noise that is correlated over ten times, half a relaxation time,
    where intervals for white noise hold it in a third of the trials."""
    time = STEP * np.arange(401)
    power = (
        0.5
        - 0.3 * np.exp(-GAMMA * time)
        + ar1(np.random.default_rng(4), coefficient, (100, 1, 401), 0.01)
    )
    found = analysis.step_responses(time, power, np.ones((100, 1, 400)), form="exponential")
    assert len(found.rate) == 100
    assert least <= np.sum((found.rate_low <= GAMMA) & (found.rate_high >= GAMMA)) <= 99
    assert np.sum((found.time_low <= 1 / GAMMA) & (found.time_high >= 1 / GAMMA)) >= least
    assert np.median(found.rate_high - found.rate_low) < 0.5 * GAMMA
    narrow = analysis.step_responses(
        time, power[:20], np.ones((20, 1, 400)), form="exponential", confidence=0.5
    )
    ratio = (found.rate_high - found.rate_low)[:20] / (narrow.rate_high - narrow.rate_low)
    assert ratio == pytest.approx(
        np.full(20, 1.96 / 0.6745), rel=0.15
    )  # of Student's t for at least 20 degrees of freedom


def test_a_drive_that_drifts_within_the_tolerance_is_no_step():
    """The power at rest follows it; that is no relaxation, however little noise there
    is."""
    drive = 2 * GAMMA * (1 + np.linspace(0, 1.5e-3, 400))
    xi = np.append(drive, drive[-1]) / GAMMA
    found = analysis.step_responses(
        STEP * np.arange(401), ((xi - 1) / (xi + Q)).reshape(1, 1, -1), drive.reshape(1, 1, -1)
    )
    assert (len(found.rate), found.unchanged) == (0, 1)


def test_few_samples_have_few_degrees_of_freedom():
    """12 samples and 3 unknowns: Student's t for at most 9 degrees of freedom has a
    ratio of at least 3.22, a normal distribution of 2.91."""
    time = 4e-9 * np.arange(12)
    power = (
        0.5
        - 0.3 * np.exp(-GAMMA * time)
        + 0.003 * np.random.default_rng(19).normal(size=(30, 1, 12))
    )
    wide, narrow = (
        analysis.step_responses(
            time, power, np.ones((30, 1, 11)), form="exponential", confidence=level
        )
        for level in (0.95, 0.5)
    )
    assert len(wide.rate) >= 25
    assert ((wide.rate_high - wide.rate_low) / (narrow.rate_high - narrow.rate_low) > 3.2).all()


def test_plateaus():
    drive = np.concatenate(
        [
            np.full(10, 2.0),
            [5, 6, 7],
            np.full(9, 3.0) + 1e-5,
            np.linspace(3.1, 3.9, 400),
            [np.nan],
            np.full(8, 4.0),
        ]
    )
    found = analysis.find_plateaus(drive.reshape(1, 1, -1), tolerance=1e-3)
    assert found.start.tolist() == [0, 13, 423]
    assert found.stop.tolist() == [10, 22, 431]
    assert found.drive == pytest.approx([2, 3.00001, 4])
    assert found.before[1] == 7
    assert len(analysis.find_plateaus(drive.reshape(1, 1, -1), tolerance=1e-3, shortest=10)) == 1
    with pytest.raises(spinrnn.DataError, match="no drive stays constant"):
        analysis.steady_states(
            np.arange(101.0), np.zeros((1, 1, 101)), np.arange(100.0).reshape(1, 1, -1)
        )


def test_the_transfer_curve_finds_threshold_and_damping_in_any_unit():
    current = np.array([0.5, 1.0, 2.5, 3, 4, 6, 9]) * 1e-3  # A
    threshold, damping = 2e-3, 1.5
    power = np.array([0, 0, 0.25 / 2.75, 0.5 / 3, 1 / 3.5, 2 / 4.5, 3.5 / 6])
    found = analysis.transfer_curve(current[::-1], power[::-1])
    assert (found.threshold, found.nonlinear_damping) == pytest.approx(
        (threshold, damping), rel=1e-5
    )
    assert analysis.steady_power(current, threshold, damping) == pytest.approx(power)
    rng, inside = np.random.default_rng(5), np.zeros(2, int)
    current = np.linspace(0.5e-3, 9e-3, 25)
    for _ in range(40):
        noisy = analysis.transfer_curve(
            current,
            analysis.steady_power(current, threshold, damping) + 0.005 * rng.normal(size=25),
        )
        inside += [
            noisy.threshold_low <= threshold <= noisy.threshold_high,
            noisy.nonlinear_damping_low <= damping <= noisy.nonlinear_damping_high,
        ]
    half = analysis.transfer_curve(noisy.drive, noisy.power, confidence=0.5)
    student = 2.0687 / 0.6853  # for 23 degrees of freedom
    assert noisy.threshold_high - noisy.threshold_low == pytest.approx(
        student * (half.threshold_high - half.threshold_low), rel=1e-3
    )
    assert (inside >= 34).all()
    assert (inside <= 100).all()
    assert figures.transfer_curve({"a": found, "b": noisy}).get_ylabel() == "steady power $p^*$"


@pytest.mark.parametrize(
    ("drive", "power", "message"),
    [
        ([1, 2, 3], [0, 0.5, 0.6], "there are 3 at 3"),
        ([1, 1, 2, 2], [0, 0, 0.5, 0.5], "at 2"),
        ([1, 2, 3, 4], [0, 0, 0, 0.25], "1 of them oscillate"),
        ([2.0, 2.02, 2.04, 2.06], [0.5, 0.505, 0.51, 0.515], "span less than 10 %"),
    ],
)
def test_too_little_for_a_transfer_curve(drive, power, message):
    with pytest.raises(spinrnn.DataError, match=message):
        analysis.transfer_curve(np.array(drive, float), np.array(power))


def test_an_oscillator_that_had_not_turned_on_does_not_move_the_threshold():
    """p = 0 is a fixed point above threshold, too: it is no point of the curve where a
    lower drive gave a power."""
    drive = np.array([0.5, 0.8, 1.2, 1.4, 1.6, 2.0, 2.2, 3.0])
    power = analysis.steady_power(drive, 1.0, 0.5)
    power[[4, 6]] = 0
    found = analysis.transfer_curve(drive, power)
    assert (found.threshold, found.nonlinear_damping) == pytest.approx((1.0, 0.5), rel=1e-5)
    assert (found.silent, len(found.drive)) == (2, 6)


# ---- memory ----


def register(inputs, taps):
    """States of a shift register (case, taps, point): neuron d holds the input of d
    points ago."""
    padded = np.concatenate([np.zeros((len(inputs), taps - 1)), inputs[:, 0]], axis=1)
    return np.stack([padded[:, taps - 1 - d : padded.shape[1] - d] for d in range(taps)], axis=1)


@pytest.mark.parametrize(
    ("cases", "points", "rows"), [(40, 60, 40 * 40), (8, 200, 8 * 180), (1, 2000, 20 * 80)]
)
def test_a_shift_register_remembers_as_many_inputs_as_it_has_places(cases, points, rows):
    """One long case is cut into 20 stretches, of which what looks back into the one
    before is not read."""
    inputs = np.random.default_rng(6).uniform(size=(cases, 1, points))
    found = analysis.input_memory(0.3 + 0.1 * register(inputs, 5), inputs, 10e-9, longest=20)
    assert found.score[0, :5] == pytest.approx(np.ones(5), abs=1e-4)
    assert found.score[0, 5:].max() < 0.02
    assert found.capacity[0] == pytest.approx(5, abs=0.05)
    assert found.reach[0] == pytest.approx(40e-9)
    assert found.delay[1] == 10e-9
    assert found.independent
    assert found.rows == rows
    assert figures.memory({"register": found}).get_xlabel() == "delay (ns)"


def test_a_mixed_register_of_two_channels_and_noise():
    """Any invertible mixture remembers as much; noise of variance s^2 leaves 1 / (1 +
    s^2) of the input's variance."""
    rng = np.random.default_rng(7)
    inputs = rng.normal(size=(60, 2, 80))
    states = np.concatenate([register(inputs[:, :1], 3), register(inputs[:, 1:], 2)], axis=1)
    mixed = np.einsum("ij,cjt->cit", rng.normal(size=(5, 5)), states)
    assert analysis.input_memory(mixed, inputs, 1.0, longest=8).capacity == pytest.approx(
        [3, 2], abs=0.06
    )
    noisy = analysis.input_memory(
        states + 0.5 * rng.normal(size=states.shape), inputs, 1.0, longest=8
    )
    assert noisy.score[0, :3] == pytest.approx(np.full(3, 0.8), abs=0.04)


def test_states_that_know_nothing_have_no_memory():
    """With many neurons and few cases a readout tested on what it was fitted to would
    find some."""
    rng = np.random.default_rng(8)
    found = analysis.input_memory(rng.normal(size=(30, 100, 20)), rng.normal(size=(30, 1, 20)), 1.0)
    assert found.capacity[0] < 0.05
    assert np.isnan(found.reach[0])


def test_what_all_cases_share_is_no_memory():
    rng = np.random.default_rng(9)
    clock = np.tile(np.eye(20), (30, 1, 1))  # a neuron for each time
    shared = np.tile(rng.normal(size=20), (30, 1, 1)) + 0.1 * rng.normal(size=(30, 1, 20))
    found = analysis.input_memory(clock, shared, 1.0)
    assert found.capacity[0] < 0.05


def test_correlated_inputs_are_not_taken_for_a_capacity():
    inputs = ar1(np.random.default_rng(10), 0.7, (40, 1, 60))
    found = analysis.input_memory(register(inputs, 2), inputs, 1.0)
    assert not found.independent
    assert found.correlation == pytest.approx(0.7, abs=0.1)


def test_cases_of_unequal_length_are_read_to_their_ends():
    inputs = np.random.default_rng(11).uniform(size=(60, 1, 40))
    states = register(inputs, 3)
    inputs[::2, :, 30:], states[::2, :, 30:] = np.nan, np.nan
    found = analysis.input_memory(states, inputs, 1.0, longest=10)
    assert found.rows == 30 * 30 + 30 * 20
    assert found.capacity[0] == pytest.approx(3, abs=0.05)


def test_the_memory_of_a_network_is_measured_with_inputs_of_its_own(monkeypatch):
    """A net whose layers are shift registers of 4 and 2 places, simulated a few cases
    at a time."""
    monkeypatch.setattr("spinrnn.analysis.recall.BYTES", 1e5)
    config = spinrnn.NetworkConfig(layers=(4, 2), substeps=3, dtype="float64")
    seen = []

    def simulate(u):
        seen.append(u)
        held = lambda states: np.concatenate(
            [np.zeros((*states.shape[:2], 1)), np.repeat(states, 3, axis=2)], axis=2
        )
        return SimpleNamespace(state=[held(register(u, 4)), held(register(u, 2))])

    found = analysis.network_memory(
        SimpleNamespace(config=config, simulate=simulate), -1, 2, longest=16
    )
    assert [found[name].capacity[0] for name in (0, 1, "all")] == pytest.approx([4, 2, 4], abs=0.05)
    assert found[0].score[0, :5] == pytest.approx(
        [1, 1, 1, 1, 0], abs=0.03
    )  # read at the ends of the intervals
    assert len(seen) > 1
    inputs = np.concatenate(seen)
    assert len(inputs) == 60
    assert (inputs.min(), inputs.max()) == pytest.approx((-1, 2), abs=0.01)


def test_too_little_for_a_memory():
    with pytest.raises(spinrnn.DataError, match="too few for delays"):
        analysis.input_memory(np.zeros((2, 1, 20)), np.zeros((2, 1, 20)), 1.0)
    with pytest.raises(spinrnn.DataError, match="longest: must be from 1 to 19"):
        analysis.input_memory(np.zeros((9, 1, 20)), np.zeros((9, 1, 20)), 1.0, longest=20)
    with pytest.raises(spinrnn.DataError, match="must agree"):
        analysis.input_memory(np.zeros((9, 1, 20)), np.zeros((9, 1, 21)), 1.0)


# ---- classes ----


def test_the_share_between_classes():
    """Class means +-d with variance 1 about them: d^2 / (1 + d^2); neurons and times
    count by their variance."""
    rng = np.random.default_rng(12)
    labels = np.repeat([3, 5], 4000)
    power = (
        rng.normal(size=(8000, 2, 3))
        + np.array([0, 1, 2]) * np.where(labels == 3, 1, -1)[:, None, None]
    )
    found = analysis.class_variance(power, labels)
    assert found.over_time == pytest.approx([0, 0.5, 0.8], abs=0.02)
    assert found.share == pytest.approx((0 + 1 + 4) / (1 + 2 + 5), abs=0.02)
    power[::2, :, 2] = np.nan
    found = analysis.class_variance(power, labels)
    assert found.over_time == pytest.approx([0, 0.5, 0.8], abs=0.02)
    assert found.share == pytest.approx(5 / 8, abs=0.02)
    assert (
        figures.class_variance(np.array([0, 1e-9, 2e-9]), {"layer 0": found}).get_xlabel()
        == "time (ns)"
    )


def test_the_classifier_sees_when_the_classes_differ():
    rng = np.random.default_rng(13)
    labels = np.repeat(np.arange(4), [40, 20, 20, 20])
    power = 0.01 * rng.normal(size=(100, 60, 5))
    power[:, :4, 3] += np.eye(4)[labels]
    found = analysis.class_accuracy(np.arange(5.0), power, labels)
    assert found.accuracy[3] == 1
    assert found.chance == 0.4
    # with 60 neurons and 100 cases a classifier tested on what it was fitted to would
    # be right nearly always
    assert (found.accuracy[:3] < 0.55).all()
    assert (found.low < found.accuracy + 1e-9).all()
    assert found.low[3] == pytest.approx(
        100 / (100 + 1.96**2)
    )  # Wilson's interval does not shrink to nothing where all are right
    assert found.high[0] - found.low[0] == pytest.approx(2 * 1.96 * np.sqrt(0.24 / 100), rel=0.15)
    assert analysis.class_accuracy(np.arange(5.0), power, labels, most=2).time.tolist() == [0, 4]
    power[60:, :, 4] = np.nan
    ends = analysis.class_accuracy(np.arange(2.0), power[..., 3:], labels)
    assert ends.cases.tolist() == [100, 60]
    assert figures.class_accuracy({"layer 0": found}).get_ylim()[1] == 102


def test_one_case_of_each_class_says_nothing_of_the_share_between_them():
    power = np.random.default_rng(17).normal(size=(6, 3, 4))
    power[2:, :, 3] = np.nan  # one case of each class is left
    found = analysis.class_variance(power, np.array([0, 1, 0, 1, 0, 1]))
    assert np.isfinite(found.over_time).tolist() == [True, True, True, False]
    assert found.share == pytest.approx(
        analysis.class_variance(power[:, :, :3], np.array([0, 1, 0, 1, 0, 1])).share
    )


@pytest.mark.parametrize(
    "measure", [analysis.class_variance, lambda p, y: analysis.class_accuracy(np.arange(2.0), p, y)]
)
def test_one_class_is_not_enough(measure):
    with pytest.raises(spinrnn.DataError, match="two classes"):
        measure(np.zeros((20, 2, 2)), np.zeros(20, int))


def test_a_classifier_needs_cases():
    with pytest.raises(spinrnn.DataError, match="at least 5 cases of each"):
        analysis.class_accuracy(np.arange(2.0), np.zeros((8, 2, 2)), np.repeat([0, 1], 4))


# ---- populations ----


def test_the_dimension_of_orthogonal_states():
    """Equal variances along N orthogonal directions give N, whatever the rotation; v
    gives (sum v)^2 / sum v^2; one direction 1."""
    rng = np.random.default_rng(14)
    rotation = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    corners = np.concatenate([np.eye(6), -np.eye(6)])  # (state, neuron)
    power = (0.5 + 0.1 * corners @ rotation)[:, :, None].repeat(2, axis=2)
    found = analysis.effective_dimension(power)
    assert found.dimension == pytest.approx(6)
    assert found.over_time == pytest.approx([6, 6])
    v = np.array([4, 2, 1, 1, 0.5, 0.5])
    found = analysis.effective_dimension((corners * np.sqrt(v) @ rotation)[:, :, None])
    assert found.dimension == pytest.approx(81 / 22.5)
    assert found.variances / found.variances.sum() == pytest.approx(v / v.sum())
    line = np.linspace(0, 1, 50)[None, None] * np.ones((1, 6, 1))
    assert analysis.effective_dimension(line).dimension == pytest.approx(1)
    assert np.isnan(analysis.effective_dimension(line).over_time).all()
    assert np.isnan(analysis.effective_dimension(np.full((5, 3, 4), 0.5, np.float32)).dimension)
    power[0, 0, 0] = np.nan
    assert analysis.effective_dimension(power).dimension < 6
    assert figures.effective_dimension({"layer 0": found}).get_xlabel() == "principal axes"


def test_dead_saturated_and_still_neurons():
    time = np.linspace(0, 2 * np.pi, 1000)
    rows = [
        0.001 + 0 * time,
        0.95 + 0.02 * np.sin(time),
        0.5 + 0.3 * np.sin(time),
        0.4 + 0 * time,
        0.5 + 0.5 * np.sin(time),
        np.nan + time,
    ]
    rows[0][5] = 0.5  # one time in a thousand does not bring it to life
    found = analysis.neuron_activity(np.stack(rows)[None])
    assert found.dead.tolist() == [True, False, False, False, False, False]
    assert found.saturated.tolist() == [False, True, False, False, False, False]
    assert found.still.tolist() == [False, False, False, True, False, False]
    assert found.mean[:5] == pytest.approx([0.001, 0.95, 0.5, 0.4, 0.5], abs=1e-3)
    assert found.deviation[2] == pytest.approx(0.3 / np.sqrt(2), rel=1e-2)
    assert found.above[4] == pytest.approx(np.arccos(0.8) / np.pi, abs=0.01)
    assert figures.neuron_activity({"layer 0": found}).get_legend_handles_labels()[1] == [
        "dead",
        "saturated",
        "still",
        "limits of dead, saturated",
        "layer 0",
    ]


def test_the_cumulative_drive_of_a_recording_is_that_of_the_network():
    config = spinrnn.NetworkConfig(
        layers=(3, 2),
        inputs=2,
        outputs=2,
        input_interval=7e-9,
        relaxation_time=3e-9,
        substeps=3,
        dtype="float64",
    )
    net = spinrnn.Network(config, seed=2)
    u = np.random.default_rng(15).normal(size=(5, 2, 4))
    t = net.simulate(u, np.array([4, 1, 3, 4, 2]))
    found = [analysis.drive_integrals(t.time, drive, 7e-9, 2 / 3e-9) for drive in t.drive]
    mean = np.concatenate([f.neuron for f in found]).mean()
    assert mean == pytest.approx(
        spinrnn.cumulative_drive(net, u, np.array([4, 1, 3, 4, 2])), rel=1e-9
    )


def test_the_cumulative_drive_between_times():
    """|I - rest| = 3 over 1.5 intervals, then -1: integrals 3 and (1.5 - 0.5) over
    intervals that end between times."""
    time = np.array([10.0, 10.7, 11.5, 12.3])
    found = analysis.drive_integrals(time, np.array([[[5.0, 5.0, 1.0]]]), 1.0, 2.0)
    assert found.neuron == pytest.approx([(3 + 1) / 2])
    with pytest.raises(spinrnn.DataError, match="shorter than an input interval"):
        analysis.drive_integrals(time, np.zeros((1, 1, 3)), 3.0, 2.0)
    assert figures.cumulative_drive({"layer 0": found}).get_ylabel() == "cumulative drive"


def test_the_energy_is_that_of_an_inference():
    config = spinrnn.NetworkConfig()
    found = analysis.energy(
        5 + config.input_interval * np.arange(65),
        96,
        synapses(config),
        2e-6,
        1e-9,
    )
    assert found.total[-1] == pytest.approx(spinrnn.inference_energy(config, 64, 2e-6, 1e-9))
    assert found.total[0] == 0
    assert found.neurons[32] == pytest.approx(96 * 2e-6 * 320e-9)
    with pytest.raises(spinrnn.DataError, match="synapse_power"):
        analysis.energy(np.arange(3.0), 1, synapse_power=-1)
    assert "96 neurons of 2 µW" in figures.energy(found).get_title()


# ---- readout ----


def test_the_penalty_is_chosen_by_cases_that_are_not_fitted():
    """40 features that know nothing and 100 cases: fitted cases would choose no
    penalty, and predictions would be wrong by more than the mean is."""
    rng = np.random.default_rng(20)
    features, targets = rng.normal(size=(100, 40)), rng.normal(size=(100, 8))
    prediction, baseline = analysis.held_out(features, targets, np.arange(100))
    assert ((prediction - targets) ** 2).sum() < 1.15 * ((baseline - targets) ** 2).sum()
    slope = rng.normal(size=(40, 8))
    prediction, baseline = analysis.held_out(features, features @ slope, np.arange(100))
    assert ((prediction - features @ slope) ** 2).sum() < 1e-6 * (
        (baseline - features @ slope) ** 2
    ).sum()
