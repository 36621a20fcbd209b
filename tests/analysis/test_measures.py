"""The measures of a recording: rows, sentences and numbers for machines, also of
recordings that were thinned, and what is tested on what."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import spinrnn
from spinrnn import analysis
from spinrnn.analysis import activity, leastsquares, spectra, transfer
from spinrnn.analysis.answer import Settings
from spinrnn.analysis.measures import MEASURES
from spinrnn.findings import findings

TAU, Q = 1e-8, 0.7
GAMMA = 1 / TAU


def step(p, drive, h):
    """Eq. (5): the power after a drive (1/s) has been held for h (s)."""
    a, c = drive - GAMMA, drive + GAMMA * Q
    psi = np.where(a == 0, h, np.expm1(a * h) / np.where(a == 0, 1, a))
    return p * np.exp(a * h) / (1 + c * p * psi)


def powers(drive, h, start=0.2):
    """(case, neuron, time) powers of independent oscillators under drives (.., time -
    1)."""
    p = [np.full(drive.shape[:2], start)]
    for k in range(drive.shape[2]):
        p.append(step(p[-1], drive[:, :, k], h))
    return np.stack(p, axis=2)


def answer(name, recording, **settings):
    """`Answer` of a measure, whose numbers have the form of findings."""
    found = MEASURES[name].answer(recording, Settings(**settings))
    findings(found.numbers)
    return found


def value(found, key):
    return found.numbers[key][0]


@pytest.fixture(scope="module")
def steps():
    """`Recording` of 2 cases and 2 neurons whose drives step between 6 levels, held for
    30 tau."""
    levels = np.array([[[2, 0.5, 3, 1.5, 2.5, 1.8], [3, 2, 1.6, 0.4, 2.4, 1.3]]]) * GAMMA
    levels = np.concatenate([levels, levels[:, ::-1, ::-1] * 1.1])
    drive = np.repeat(levels, 60, axis=2)
    rng = np.random.default_rng(1)
    power = powers(drive, TAU / 2) + 1e-3 * rng.normal(size=(2, 2, 361))
    time = TAU / 2 * np.arange(361)
    return analysis.Recording(
        "steps", time, {3: power}, {3: drive}, None, None, 100e-9, TAU, Q, 1.5
    )


@pytest.fixture(scope="module")
def classes():
    """`Recording` of 40 cases of 2 classes with inputs, whose neurons differ in their
    gain; as single precision has them."""
    rng = np.random.default_rng(2)
    inputs, labels = rng.uniform(size=(40, 1, 24)), np.arange(40) // 20
    gain = np.array([0.5, 0.8, 1.1])[None, :, None] * GAMMA
    drive = (1.5 + np.repeat(inputs, 4, axis=2) + 0.15 * labels[:, None, None]) * gain
    power = powers(drive, TAU / 4, 0.3)
    power[:, 1] += 0.002 * rng.normal(size=power[:, 1].shape)
    time = TAU / 4 * np.arange(97)
    return analysis.Recording(
        "classes", time, {0: power}, {0: drive}, inputs, labels, TAU, TAU, Q, 1.6
    )


# ---- what is tested on what ----


def test_a_prediction_does_not_know_the_targets_of_its_own_fold():
    """Neither the fit nor the choice of the penalty: other targets there change
    nothing."""
    rng = np.random.default_rng(3)
    features = rng.normal(size=(60, 8))
    targets = features[:, :2] + rng.normal(size=(60, 2))
    groups = np.arange(60)
    before, _ = analysis.held_out(features, targets, groups)
    for fold in range(5):
        mine = groups % 5 == fold
        changed = targets.copy()
        changed[mine] = 100 * rng.normal(size=(12, 2))
        after, baseline = analysis.held_out(features, changed, groups)
        np.testing.assert_array_equal(after[mine], before[mine])
        np.testing.assert_allclose(baseline[mine][0], targets[~mine].mean(axis=0))


def test_each_target_has_the_penalty_that_the_fold_after_it_chooses():
    """By plain ridge regressions of all strengths."""
    rng = np.random.default_rng(4)
    features, targets = rng.normal(size=(30, 6)), rng.normal(size=(30, 2))
    targets[:, 0] += features[:, 0]
    fold = np.arange(30) % 5
    prediction, _ = analysis.held_out(features, targets, np.arange(30))

    def ridge(fitted, ridges, rows):
        x, y = features[fitted], targets[fitted]
        centre, size = x.mean(axis=0), x.std(axis=0)
        x = (x - centre) / size
        of = [np.linalg.solve(x.T @ x / len(x) + r * np.eye(6), x.T @ (y - y.mean(axis=0)) / len(x))
              for r in ridges]  # fmt: skip
        return [y.mean(axis=0) + (features[rows] - centre) / size @ b for b in of]

    strengths = 10.0 ** np.arange(-8, 2)
    for number in range(5):
        test, choice = fold == number, fold == (number + 1) % 5
        trial = ridge(~(test | choice), strengths, choice)
        best = np.array([((p - targets[choice]) ** 2).sum(axis=0) for p in trial]).argmin(axis=0)
        expected = ridge(~test, strengths, test)
        for target in range(2):
            np.testing.assert_allclose(
                prediction[test, target], expected[best[target]][:, target], rtol=1e-6
            )


@pytest.mark.parametrize("name", ["variance", "classifier", "memory", "drive", "activity"])
def test_of_a_thinned_recording_drives_inputs_and_labels_are_of_the_cases_taken(classes, name):
    """One case of four: as the recording of these cases alone."""
    few = analysis.Recording(
        "few", classes.time, {0: classes.power[0][::4]}, {0: classes.drive[0][::4]},
        classes.inputs[::4], classes.labels[::4], TAU, TAU, Q, 1.6,
    )  # fmt: skip
    whole = classes.power[0].nbytes
    spinrnn.set_memory_limit(16 * whole // 4)
    try:
        assert classes.stride == 4
        thinned = answer(name, classes)
    finally:
        spinrnn.set_memory_limit(None)
    assert few.stride == 1
    expected = answer(name, few)
    assert thinned.rows == expected.rows
    assert thinned.lines == expected.lines
    assert str(thinned.numbers) == str(expected.numbers)


def test_the_inputs_of_a_capacity_span_those_of_the_cases_taken(monkeypatch):
    inputs = np.zeros((40, 1, 8))
    inputs[::4, 0, 0], inputs[1, 0, 0] = 3.0, 99.0
    net = type("net", (), {"config": None, "devices": None})()
    power = np.zeros((40, 1, 100))
    recording = analysis.Recording("x", np.arange(100.0), {0: power}, inputs=inputs, network=net)
    seen = []
    monkeypatch.setattr(
        "spinrnn.analysis.recall.network_memory",
        lambda net, low, high, layers: seen.append((low, high, layers)) or {},
    )
    spinrnn.set_memory_limit(16 * power.nbytes // 4)
    try:
        with pytest.raises(StopIteration):
            MEASURES["capacity"].answer(recording, Settings())
    finally:
        spinrnn.set_memory_limit(None)
    assert seen == [(0.0, 3.0, [0])]


# ---- single devices ----


def test_steady_states_in_rows_sentences_and_numbers(steps):
    found = answer("steady", steps)
    off = np.array([row["power"] - row["expected"] for row in found.rows])
    assert {row["layer"] for row in found.rows} == {3}
    for row in found.rows:
        xi = row["drive_per_s"] * TAU
        assert row["expected"] == pytest.approx(max((xi - 1) / (xi + Q), 0))
        place = steps.drive[3][row["case"], row["neuron"]]
        assert np.abs(place - row["drive_per_s"]).min() < 1
        assert 5e-4 < row["spread"] < 2e-3
    worst = np.abs(off).argmax()
    root = np.sqrt(np.mean(off**2))
    assert 0 < root < 1e-3
    assert value(found, "rms_deviation") == pytest.approx(root)
    assert value(found, "largest_deviation") == off[worst]
    assert value(found, "largest_deviation_drive") == found.rows[worst]["drive_per_s"]
    assert value(found, "steady_states") + value(found, "unsettled") == 24
    assert found.lines == [
        f"{len(off)} steady states, {24 - len(off)} plateaus of the drive ended before the power "
        "had come to rest, or its noise is too slow to tell",
        f"measured - (xi - 1)/(xi + Q): root mean square {root:.2g}, largest {off[worst]:+.2g} at "
        f"a drive of {found.rows[worst]['drive_per_s']:.4g} / s (layer 3, neuron "
        f"{found.rows[worst]['neuron']})",
    ]


def test_relaxation_in_rows_sentences_and_numbers(steps):
    found = answer("relaxation", steps)
    column = {name: np.array([row[name] for row in found.rows]) for name in found.rows[0]}
    np.testing.assert_allclose(column["expected_rate_per_s"], np.abs(column["drive_per_s"] - GAMMA))
    np.testing.assert_allclose(column["relaxation_time_s"], 1 / column["rate_per_s"])
    np.testing.assert_allclose(column["relaxation_time_low_s"], 1 / column["rate_high_per_s"])
    told = column["rate_low_per_s"] > 0
    assert told.sum() > 18
    np.testing.assert_allclose(
        column["relaxation_time_high_s"][told], 1 / column["rate_low_per_s"][told]
    )
    before = {}
    for case, neuron in np.ndindex(2, 2):
        levels = steps.drive[3][case, neuron, ::60]
        before |= {(case, neuron, level): old for old, level in pairwise(levels)}
    places = zip(column["case"], column["neuron"], column["drive_per_s"].round(-2), strict=True)
    before = {(c, n, round(level, -2)): old for (c, n, level), old in before.items()}
    expected = np.array([before.get(place, np.nan) for place in places])
    np.testing.assert_allclose(column["drive_before_per_s"], expected)
    later = ~np.isnan(expected)
    assert later.sum() > 18
    # what is fitted first is what was before: the steady state of the drive before
    xi = column["drive_before_per_s"][later] * TAU
    before = np.where(xi > 1, (xi - 1) / (xi + Q), 0)
    assert np.median(np.abs(column["first_power"][later] - before)) < 2e-3
    xi = column["drive_per_s"] * TAU
    after = np.where(xi > 1, (xi - 1) / (xi + Q), 0)
    assert np.median(np.abs(column["last_power"] - after)) < 1e-3
    assert np.median(column["rms_residual"]) == pytest.approx(1e-3, rel=0.1)
    times = column["relaxation_time_s"][told]
    assert value(found, "relaxation_time_median") == np.median(times)
    assert value(found, "relaxation_time_lowest") == times.min()
    assert value(found, "relaxation_time_highest") == times.max()
    assert value(found, "undetermined") == (~told).sum()
    rate, expected = column["rate_per_s"][told], column["expected_rate_per_s"][told]
    off = np.median(np.abs(rate / expected - 1))
    inside = np.mean(
        (column["rate_low_per_s"] <= column["expected_rate_per_s"])
        & (column["expected_rate_per_s"] <= column["rate_high_per_s"])
    )
    assert 0.8 < inside <= 1
    assert 1e-4 < off < 0.03
    assert value(found, "rate_deviation") == pytest.approx(off)
    assert value(found, "intervals_with_theory") == inside
    residual = np.sqrt(np.mean(column["rms_residual"] ** 2))
    assert value(found, "rms_residual") == pytest.approx(residual)
    assert found.lines[0].startswith(f"{len(told)} step responses, logistic fit with 95 % interv")
    assert found.lines[-2:] == [
        f"relaxation time after a step {np.median(times):.4g} s (median; it changes with the "
        f"drive), from {times.min():.4g} to {times.max():.4g} s; residual {residual:.2g}",
        f"against the expected rate: {100 * off:.2g} % apart (median), {100 * inside:.0f} % of "
        "the intervals hold it",
    ]


def test_transfer_curves_in_rows_sentences_and_numbers(steps):
    found = answer("transfer", steps)
    assert [row["curve"] for row in found.rows] == ["layer 3, neuron 0", "layer 3, neuron 1"]
    (curves,) = found.shown
    states = analysis.steady_states(steps.time, steps.powers(3), steps.drives(3), TAU, Q)
    for number, (row, line) in enumerate(zip(found.rows, found.lines, strict=False)):
        mine = states.neuron == number
        order = np.argsort(states.drive[mine], kind="stable")
        c = curves[row["curve"]]
        np.testing.assert_array_equal(c.spread, states.spread[mine][order], "its own, in order")
        np.testing.assert_array_equal(c.power, states.power[mine][order])
        alone = analysis.transfer_curve(states.drive[mine], states.power[mine])
        assert c.threshold == pytest.approx(alone.threshold, rel=3e-3)
        assert row["threshold_per_s"] == pytest.approx(GAMMA, rel=0.01)
        assert row["nonlinear_damping"] == pytest.approx(Q, rel=0.03)
        assert row["threshold_low_per_s"] == c.threshold_low < c.threshold < c.threshold_high
        assert row["threshold_high_per_s"] == c.threshold_high
        assert row["nonlinear_damping_low"] == c.nonlinear_damping_low < row["nonlinear_damping"]
        assert row["nonlinear_damping_high"] == c.nonlinear_damping_high > row["nonlinear_damping"]
        assert row["points"] == mine.sum() == value(found, "points")[number]
        assert (row["expected_threshold_per_s"], row["expected_nonlinear_damping"]) == (
            pytest.approx(GAMMA), Q,
        )  # fmt: skip
        assert line == (
            f"layer 3, neuron {number}: threshold {c.threshold:.4g} / s [{c.threshold_low:.4g}, "
            f"{c.threshold_high:.4g}], Q {c.nonlinear_damping:.3g} [{c.nonlinear_damping_low:.3g},"
            f" {c.nonlinear_damping_high:.3g}], residual {c.residual:.2g}, 12 responses, "
            f"{mine.sum()} of them settled"
        )
        assert row["relaxation_rate_low_per_s"] < GAMMA < row["relaxation_rate_high_per_s"]
        assert (row["thermal_power"], row["responses"]) == (c.thermal_power, 12)
        for key in ("threshold", "threshold_low", "threshold_high", "nonlinear_damping"):
            assert value(found, key)[number] == getattr(c, key)
    assert found.lines[-1] == "95 % intervals; the threshold in theory is 1e+08 / s"
    assert value(found, "follows_model") == [True, True]
    assert value(found, "expected_threshold") == pytest.approx([GAMMA, GAMMA])


@pytest.mark.parametrize(("drift", "found"), [(1.9e-3, 1), (2.1e-3, 0)])
def test_a_plateau_may_drift_by_twice_the_tolerance(drift, found):
    """No single step is beyond it."""
    drive = np.linspace(1 - drift, 1, 40)
    assert len(analysis.find_plateaus(drive[None, None], tolerance=1e-3)) == found


@pytest.mark.parametrize(("change", "found"), [(0.9e-3, 1), (1.1e-3, 2)])
def test_a_step_is_a_change_beyond_the_tolerance(change, found):
    """A share of the largest drive, wherever that is."""
    drive = np.array([[[0.5] * 8 + [0.5 - change] * 8], [[-1.0] * 7 + [0.0, 1.0]]], dtype=object)
    drive = np.stack([np.array([0.5] * 8 + [0.5 - change] * 8), np.array([-1.0] * 7 + [0.0] * 9)])
    plateaus = analysis.find_plateaus(drive[:, None], tolerance=1e-3)
    assert np.sum(plateaus.case == 0) == found
    if found == 2:
        assert plateaus.drift[:2] == pytest.approx([0, 0], abs=1e-15)
        assert plateaus.before[1] == 0.5
    else:
        assert plateaus.drift[0] == pytest.approx(change)


def test_the_shortest_plateaus_and_the_stretches_that_are_measured():
    """8 times of the drive are 9 of the power; of fewer that were measured nothing is
    said."""
    drive = np.full((1, 2, 9), 2 * GAMMA)
    drive[0, 1, 8] = 0
    assert analysis.find_plateaus(drive).stop.tolist() == [9, 8]
    assert len(analysis.find_plateaus(drive[:, :, :7])) == 0
    time, power = np.arange(10) * TAU, np.full((1, 2, 10), 0.5)
    power[0, 0, 3] = np.nan
    states = analysis.steady_states(time, power, drive)
    assert states.neuron.tolist() == [0, 1]
    power[0, :, 1:3] = np.nan
    assert len(analysis.steady_states(time, power, drive).power) == 0


@pytest.mark.parametrize(("rise", "rests"), [(0.9, True), (1.1, False)])
def test_a_power_rests_where_its_quarters_differ_by_a_hundredth_of_its_range(rise, rests):
    """Third and last quarter, without noise: 0.1 in all, `rise` thousandths between
    them."""
    power = np.full(401, 0.5)
    power[0] = 0.4
    power[301:] += rise * 1e-3 / (1 + rise * 0.01)
    states = analysis.steady_states(TAU * np.arange(401), power, np.full(400, GAMMA))
    assert (len(states.power), states.unsettled) == ((1, 0) if rests else (0, 1))
    if rests:
        assert states.power[0] == pytest.approx(power[300:].mean())
        assert states.spread[0] == pytest.approx(power[300:].std())


@pytest.mark.parametrize(("size", "count"), [(3.5, 0), (4.5, 1)])
def test_a_response_is_a_change_beyond_four_times_the_noise(size, count):
    """The noise alternates, so its standard deviation is 0.001; a straight line takes
    nothing."""
    noise = 1e-3 * (-1.0) ** np.arange(400)
    power = 0.5 + noise
    power[:100] -= size * 1e-3 * np.exp(-np.arange(100) / 10)
    power[0] = 0.5 - size * 1e-3
    found = analysis.step_responses(
        TAU / 10 * np.arange(400), power, np.full(399, GAMMA), form="exponential"
    )
    assert (len(found.rate), found.unchanged) == (count, 1 - count)


def test_a_statistical_inefficiency_of_known_correlation():
    """An autoregressive series of coefficient a: (1 + a) / (1 - a); alternating values
    are worth one each."""
    rng, a = np.random.default_rng(5), 0.8
    x = np.zeros(200_000)
    noise = rng.normal(size=len(x))
    for k in range(1, len(x)):
        x[k] = a * x[k - 1] + noise[k]
    assert leastsquares.inefficiency(x) == pytest.approx(9, rel=0.05)
    assert leastsquares.inefficiency((-1.0) ** np.arange(100)) == 1
    assert leastsquares.inefficiency(np.zeros(10)) == 1


def test_an_integrated_time_is_cut_at_five_times_itself():
    """0.5 + 0.5 + 0.25 + ... with a bump far out, which is noise; and at lag 4, where
    it counts."""
    correlation = 0.5 ** np.arange(60.0)
    far, near = correlation.copy(), correlation.copy()
    far[9] += 1.0
    near[4] += 1.0
    assert spectra.integrated_time(correlation) == pytest.approx(1.5, abs=0.01)
    assert spectra.integrated_time(far) == pytest.approx(1.5, abs=0.01)
    assert spectra.integrated_time(near) == pytest.approx(2.5, abs=0.01)


def test_the_default_lags_are_half_of_the_times_and_segments_at_least_eight():
    power = np.random.default_rng(6).normal(size=(1, 1, 101))
    time = 1e-9 * np.arange(101)
    assert len(analysis.autocorrelation(time, power).lag) == 51
    assert analysis.autocorrelation(time, power, longest=9.6e-9).lag[-1] == pytest.approx(10e-9)
    found = analysis.power_spectrum(time, power)
    assert found.segments == 8
    assert found.frequency[1] == pytest.approx(1 / 22e-9)
    together = np.sum(found.density[0]) * found.frequency[1]
    assert together == pytest.approx(power.var(), rel=0.25)


def test_the_power_of_a_tone_lies_at_its_frequency_and_half_of_it_below():
    """Amplitude A has the variance A^2 / 2; of two equal tones the first one is at the
    half."""
    time = 1e-9 * np.arange(6400)
    tone = lambda f, a: a * np.sin(2 * np.pi * f * time)
    power = np.stack([tone(50e6, 0.1), tone(50e6, 0.2) + tone(200e6, 0.1)])[None]
    found = analysis.power_spectrum(time, power, segment=640)
    variance = found.density.sum(axis=1) * found.frequency[1]
    assert variance == pytest.approx([0.005, 0.025], rel=0.01)
    assert found.frequency[found.density.argmax(axis=1)] == pytest.approx([50e6, 50e6])
    assert found.half == pytest.approx([50e6, 50e6], abs=2e6)


@pytest.mark.parametrize(
    ("share", "level", "dead", "saturated"),
    [(0.989, 0.005, 0, 0), (0.99, 0.005, 1, 0), (0.99, 0.011, 0, 0), (0.99, 0.95, 0, 1),
     (0.989, 0.95, 0, 0), (1.0, 0.89, 0, 0)],
)  # fmt: skip
def test_dead_and_saturated_are_99_of_100_times_below_and_above(share, level, dead, saturated):
    power = np.full((1, 1, 1000), 0.5)
    power[0, 0, : round(1000 * share)] = level
    found = analysis.neuron_activity(power)
    assert (found.dead.sum(), found.saturated.sum()) == (dead, saturated)
    assert found.below[0] == (share if level < activity.DEAD else 0)
    assert found.above[0] == (share if level > activity.SATURATED else 0)


def test_of_states_with_a_sign_the_magnitude_is_dead_or_saturated():
    state = np.tile([[[-0.95, 0.95]], [[-0.5, -0.5]], [[-0.005, 0.005]]], (1, 1, 50))
    found = analysis.neuron_activity(state.transpose(1, 0, 2), signed=True)
    assert found.mean == pytest.approx([0, -0.5, 0], abs=1e-15)
    assert found.deviation == pytest.approx([0.95, 0, 0.005])
    assert found.saturated.tolist() == [True, False, False]
    assert found.dead.tolist() == [False, False, True]
    assert found.still.tolist() == [False, True, False]


@pytest.mark.parametrize(("deviation", "still"), [(0.9e-3, True), (1.1e-3, False)])
def test_still_neurons_deviate_by_less_than_a_thousandth(deviation, still):
    power = 0.5 + deviation * (-1.0) ** np.arange(100)
    found = analysis.neuron_activity(power[None, None])
    assert found.deviation[0] == pytest.approx(deviation)
    assert found.still[0] == still


@pytest.mark.parametrize(("reach", "told"), [(0.09, False), (0.11, True)])
def test_drives_of_a_transfer_curve_span_a_tenth_of_the_largest(reach, told):
    drive = np.array([0.5, *np.linspace(3 - 3 * reach, 3, 4)])
    power = analysis.steady_power(drive, 1.0, 0.5)
    if told:
        assert analysis.transfer_curve(drive, power).threshold == pytest.approx(1, rel=1e-4)
    else:
        with pytest.raises(spinrnn.DataError, match="span less than 10 %"):
            analysis.transfer_curve(drive, power)


@pytest.mark.parametrize(("size", "follows"), [(0.04, True), (0.06, False)])
def test_a_curve_does_not_follow_theory_from_a_residual_of_a_twentieth_on(size, follows):
    curve = analysis.transfer_curve(np.arange(1.0, 9), analysis.steady_power(np.arange(1.0, 9), 2))
    curve = replace(curve, residual=size * curve.power.max())
    assert transfer.follows(curve, np.zeros(8)) == follows
    assert transfer.follows(curve, np.full(8, 0.05)), "noise explains it"


def test_four_drives_give_each_neuron_a_curve_of_its_own(steps):
    few = analysis.Recording(
        "few", steps.time[:181], {0: steps.power[3][:1, :, :181]},
        {0: steps.drive[3][:1, :, :180]}, None, None, None, TAU, Q,
    )  # fmt: skip
    assert [row["curve"] for row in answer("transfer", few).rows] == ["all neurons"]
    more = analysis.Recording(
        "more", steps.time[:241], {0: steps.power[3][:1, :, :241]},
        {0: steps.drive[3][:1, :, :240]}, None, None, None, TAU, Q,
    )  # fmt: skip
    assert len(answer("transfer", more).rows) == 2


# ---- networks ----


def test_classes_in_rows_sentences_and_numbers(classes):
    found = answer("variance", classes)
    c = analysis.class_variance(classes.power[0], classes.labels)
    assert found.lines == [
        f"layer 0: {c.share:.4f}, largest {np.nanmax(c.over_time):.3g} at a time",
        "without any difference between the 2 classes, 40 cases would give about 0.026",
    ]
    assert np.nanmax(c.over_time) <= 1
    assert value(found, "share") == [c.share]
    assert value(found, "share_by_chance") == 1 / 39
    assert found.rows[5] == {
        "layer": 0, "time_s": classes.time[5], "share_between_classes": c.over_time[5],
    }  # fmt: skip
    found = answer("classifier", classes)
    a = analysis.class_accuracy(classes.time, classes.power[0], classes.labels)
    best = a.accuracy.argmax()
    assert a.accuracy[-1] > 0.75
    assert found.lines == [
        f"layer 0: {100 * a.accuracy[-1]:.1f} % [{100 * a.low[-1]:.1f}, {100 * a.high[-1]:.1f}] "
        f"at {a.time[-1]:.4g} s, best {100 * a.accuracy[best]:.1f} % at {a.time[best]:.4g} s",
        "the largest class has 50.0 % of the cases; 95 % intervals",
    ]
    last = found.rows[-1]
    assert (last["accuracy"], last["low"], last["high"]) == (a.accuracy[-1], a.low[-1], a.high[-1])
    assert last["low"] < last["accuracy"] < last["high"]
    assert (last["time_s"], last["cases"]) == (classes.time[-1], 40)
    assert value(found, "best_time") == [a.time[best]]
    assert value(found, "accuracy_low") == [a.low[-1]]
    assert value(found, "chance") == 0.5


def test_cases_that_are_alike_have_no_share_between_classes():
    """At the first time all cases have the same power, but for rounding."""
    rng = np.random.default_rng(7)
    power = rng.uniform(size=(20, 2, 3))
    power[:, :, 0] = 0.3 * (1 + 1e-16 * rng.integers(-2, 3, size=(20, 2)))
    found = analysis.class_variance(power, np.arange(20) % 2)
    assert np.isnan(found.over_time).tolist() == [True, False, False]


def test_wilsons_interval():
    """8 of 10 right: from 0.4902 to 0.9433, Wilson 1927 with z = 1.96."""
    labels = np.repeat([0, 1], 5)
    power = np.where(labels == 0, -1.0, 1.0)[:, None, None]
    power[[0, 9]] *= -1
    found = analysis.class_accuracy(np.arange(1.0), power, labels)
    assert found.accuracy[0] == 0.8
    assert (found.low[0], found.high[0]) == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_memory_in_rows_sentences_and_numbers(classes):
    found = answer("memory", classes)
    ends = np.arange(1, 25) * 4
    m = analysis.input_memory(classes.power[0][:, :, ends], classes.inputs, TAU)
    assert m.capacity[0] > 0.9
    assert found.lines == [
        f"layer 0, channel 0: at least 10 % of the variance decoded up to a delay of "
        f"{m.reach[0]:.4g} s",
        f"layer 0: linear memory capacity {m.capacity.sum():.2f}",
    ]
    assert found.rows[1] == {
        "states": "layer 0", "channel": 0, "delay_s": TAU, "score": m.score[0, 1],
    }  # fmt: skip
    np.testing.assert_array_equal(value(found, "capacity"), [m.capacity])
    np.testing.assert_array_equal(value(found, "reach"), [m.reach])
    assert value(found, "longest_delay") == 12 * TAU


@pytest.mark.parametrize(("correlation", "independent"), [(0.049, True), (0.051, False)])
def test_inputs_are_independent_up_to_five_standard_deviations(correlation, independent):
    """Of 10,000 rows one is 0.01."""
    memory = analysis.input_memory(
        np.random.default_rng(8).normal(size=(6, 1, 9)), np.ones((6, 1, 9)), 1.0
    )
    memory = replace(memory, correlation=correlation, rows=10_000)
    assert memory.independent == independent


def test_a_cumulative_drive_needs_a_time_to_measure_it_by(classes):
    other = replace(classes, neuron="memristor", relaxation_time=None)
    with pytest.raises(spinrnn.DataError, match="a relaxation time of layer 0: the memristor has"):
        answer("drive", other)


def test_drive_activity_and_dimension_in_rows_sentences_and_numbers(classes):
    found = answer("drive", classes)
    rest = 1.6 * GAMMA
    own = np.abs((classes.drive[0].reshape(40, 3, 24, 4).mean(axis=3) - rest) * TAU)
    own = own.mean(axis=(0, 2))
    assert [row["cumulative_drive"] for row in found.rows] == pytest.approx(own)
    assert value(found, "cumulative_drive") == pytest.approx([own.mean()])
    assert found.lines == [
        f"layer 0: {own.mean():.4g}, neurons from {own.min():.3g} to {own.max():.3g}",
        f"all: {own.mean():.4g}; far below 1 a neuron cannot follow its input",
    ]
    found = answer("activity", classes)
    row = found.rows[1]
    assert (row["neuron"], row["dead"], row["saturated"], row["still"]) == (1, 0, 0, 0)
    assert row["mean"] == pytest.approx(classes.power[0][:, 1].mean())
    assert row["deviation"] == pytest.approx(classes.power[0][:, 1].std())
    assert found.lines == [
        "layer 0: 0 dead, 0 saturated, 0 still, of 3",
        "dead: below 0.01 for 99 % of the times; saturated: above 0.9; still: deviation below "
        "0.001",
    ]
    found = answer("dimension", classes)
    states = classes.power[0].transpose(0, 2, 1).reshape(-1, 3)
    v = np.sort(np.linalg.eigvalsh(np.cov(states.T, bias=True)))[::-1]
    assert [row["variance"] for row in found.rows] == pytest.approx(v)
    ratio = v.sum() ** 2 / (v**2).sum()
    assert value(found, "dimension") == pytest.approx([ratio])
    assert found.lines[0].startswith(f"layer 0: {ratio:.2f} of 3; over the cases at single times")


def test_a_start_leaves_out_what_comes_before(classes):
    found = answer("activity", classes, start=12 * TAU)
    late = classes.power[0][:, :, 48:]
    assert [row["mean"] for row in found.rows] == pytest.approx(late.mean(axis=(0, 2)))
    one = answer("correlation", classes, start=12 * TAU).rows[0]["efold_time_s"]
    expected = analysis.autocorrelation(classes.time[48:], late).efold[0]
    assert one == expected or (np.isnan(one) and np.isnan(expected))


def test_spectrum_and_correlation_in_rows_sentences_and_numbers(classes):
    found = answer("spectrum", classes)
    s = analysis.power_spectrum(classes.time, classes.power[0])
    row = found.rows[3]
    assert row == {
        "layer": 0,
        "frequency_hz": s.frequency[3],
        "density_median_per_hz": np.median(s.density[:, 3]),
        "density_lowest_per_hz": s.density[:, 3].min(),
        "density_highest_per_hz": s.density[:, 3].max(),
    }
    assert value(found, "half_variance_frequency") == [np.median(s.half)]
    assert found.lines[0].startswith(
        f"layer 0: half of the variance lies below {np.median(s.half):.4g} Hz (median; "
        f"{s.half.min():.3g} to {s.half.max():.3g}), {s.segments} segments of "
        f"{1 / s.frequency[1]:.4g} s"
    )
    found = answer("correlation", classes)
    a = analysis.autocorrelation(classes.time, classes.power[0])
    for neuron, row in enumerate(found.rows):
        assert row["neuron"] == neuron
        np.testing.assert_equal(row["integrated_time_s"], a.integrated[neuron])
        np.testing.assert_equal(row["efold_time_s"], a.efold[neuron])
    known = a.efold[np.isfinite(a.efold)]
    assert len(known)
    assert value(found, "efold_time") == [np.median(known)]
    assert f"to 1/e {np.median(known):.4g} s" in found.lines[0]


def test_energy_in_rows_sentences_and_numbers(classes):
    found = answer("energy", classes, neuron_power=2e-6)
    last, middle = found.rows[-1], found.rows[48]
    span = 24 * TAU
    assert last["time_s"] == pytest.approx(span)
    assert (last["neurons_j"], last["synapses_j"]) == pytest.approx((3 * 2e-6 * span, 0))
    assert middle["total_j"] == pytest.approx(last["total_j"] / 2)
    assert value(found, "energy") == pytest.approx(1.44e-12)
    assert found.lines == [
        "1.44e-12 J in 2.4e-07 s, assuming 2e-06 W for each of 3 neurons and 0 W for each of 0 "
        "synapses"
    ]
    parts = analysis.energy(np.array([1.0, 3.0]), 4, 5, 0.5, 0.25)
    assert (parts.neurons[1], parts.synapses[1], parts.total[1]) == (4.0, 2.5, 6.5)


# ---- masked arrays ----


def test_what_is_masked_was_not_measured(steps):
    """As NaN; where nothing may be missing it is refused."""
    mask = np.zeros(steps.power[3].shape, dtype=bool)
    mask[0, 0, 100:140] = True
    power = np.ma.masked_array(steps.power[3].copy(), mask)
    power.data[mask] = 1e9
    holes = np.where(mask, np.nan, steps.power[3])
    given = steps.time, steps.drive[3]
    for measure in (analysis.steady_states, analysis.step_responses):
        masked, plain = (measure(given[0], p, given[1]) for p in (power, holes))
        np.testing.assert_array_equal(masked.drive, plain.drive)
        np.testing.assert_array_equal(masked.case, plain.case)
    for measure in (analysis.neuron_activity, analysis.effective_dimension):
        np.testing.assert_equal(vars(measure(power)), vars(measure(holes)))
    np.testing.assert_equal(
        vars(analysis.power_spectrum(given[0], power)),
        vars(analysis.power_spectrum(given[0], holes)),
    )
    labels = np.ma.masked_array([0, 1], [False, True])
    with pytest.raises(spinrnn.DataError, match="labels: 1 entry is masked"):
        analysis.class_variance(power, labels)
    with pytest.raises(spinrnn.DataError, match="time: 1 entry is masked"):
        analysis.steady_states(np.ma.masked_array(steps.time, np.arange(361) == 3), holes, given[1])


def test_a_power_at_an_unknown_drive_is_unknown():
    """Not 0, which is the power below threshold."""
    drive = np.ma.masked_array([0.5, 2.0, np.nan, 3.0], [False, False, False, True])
    power = analysis.steady_power(drive, 1.0, 0.5)
    assert type(power) is np.ndarray
    np.testing.assert_array_equal(power, [0, 0.4, np.nan, np.nan])
    thresholds = np.ma.masked_array([1.0, 1.0], [False, True])
    np.testing.assert_array_equal(analysis.steady_power(2.0, thresholds), [0.5, np.nan])
    assert analysis.steady_power(0.5, 1.0, np.nan) == 0


def test_masked_groups_strata_and_deviations():
    x, groups = np.arange(12.0)[:, None], np.arange(12)
    masked = np.ma.masked_array(groups % 2, groups == 7)
    for name, others in (("groups", (masked,)), ("strata", (groups, masked))):
        with pytest.raises(spinrnn.DataError, match=rf"{name}: 1 entry is masked, at index \[7\]"):
            analysis.held_out(x, x, *others)
    drive = np.arange(1.0, 9)
    spread = np.ma.masked_array(np.full(8, 0.1), drive == 3)
    curve = analysis.transfer_curve(drive, analysis.steady_power(drive, 2), spread=spread)
    np.testing.assert_array_equal(curve.spread, np.where(drive == 3, np.nan, 0.1))
