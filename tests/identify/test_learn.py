"""Learned devices: recordings, training, number of states, noise, known equations, the
command."""

import dataclasses
import json
import re
import warnings
from pathlib import Path

import madedevices
import numpy as np
import pytest
from conftest import here, refused

import spinrnn
from spinrnn.errors import ConfigError, DataError
from spinrnn.identify import learndiffusion
from spinrnn.identify.learn import FACTOR, WINDOW, best_states, parting_of
from spinrnn.identify.learnadvice import advice_lines, doubts
from spinrnn.identify.learnrecords import (
    Parts,
    Stretch,
    parts_of,
    records_of,
    records_of_trajectory,
    suited_interval,
    window_starts,
)
from spinrnn.identify.learntraining import Settings, Training, scaled
from spinrnn.machine import threads
from spinrnn.neurons.learned import applied

SKYRMION = Path(__file__).resolve().parents[3] / "shared" / "data" / "skyrmion"
SMALL = {"states": 1, "hidden": 6, "iterations": 60, "points": 10}


def some(samples=600, **keys):
    return madedevices.recording(samples, **keys)


# ---- recordings ----


def test_cases_stand_one_after_the_other_and_windows_stay_within_them():
    time, u, p = some(300)
    both = np.stack([p, np.r_[p[:250], np.full(50, np.nan)]])
    both[0, 100] = np.nan
    records = records_of(time, {"drive": u}, both)
    assert records.cases == (Stretch(0, 300), Stretch(300, 550))
    assert records.sampling_step == pytest.approx(1e-9)
    starts = window_starts(records, records.cases, 2, 10)
    # begins with two recorded values and ends within the case
    assert not {99, 100} & set(starts)
    assert {98, 101, 288, 300} <= set(starts)
    assert not {289, 290, 299} & set(starts)
    assert starts.max() == 550 - 12


def test_parts_by_range_by_share_and_by_cases():
    time, u, p = some(1000)
    one = records_of(time, {"drive": u}, p)
    assert parts_of(one, None, 0.2) == Parts((Stretch(0, 800),), (Stretch(800, 1000),))
    assert parts_of(one, (100, 500), 0.2).held_out == (Stretch(500, 1000),)
    assert parts_of(one, None, (600, 900)).training == (Stretch(0, 600),)
    several = records_of(time[:200], {"drive": u.reshape(5, 200)}, p.reshape(5, 200))
    assert parts_of(several, None, 0.2).held_out == (Stretch(800, 1000),)
    with pytest.raises(DataError, match="overlap"):
        parts_of(one, (0, 700), (600, 900))
    with pytest.raises(DataError, match=r"held-out: 600:1100 is no range within the 1000"):
        parts_of(one, (0, 500), (600, 1100))
    with pytest.raises(DataError, match="training part has 150 samples; it takes at least 200"):
        parts_of(one, (0, 150), 0.2)


def test_times_off_the_grid_are_told_and_those_of_a_solver_are_not():
    time, u, p = some(300)
    rough = time + 0.02e-9 * np.where(np.arange(300) % 3, 1, -1)
    assert records_of(rough, {"drive": u}, p).sampling_step == pytest.approx(1e-9, rel=2e-4)
    late = np.r_[time[:100], time[100:] + 0.5e-9]
    with pytest.raises(DataError, match="off an even grid"):
        records_of(late, {"drive": u}, p)


def test_what_does_not_change_is_not_learned():
    time, _, p = some(400)
    with pytest.raises(DataError, match="drive: does not change in the training part"):
        spinrnn.learn_device(time, np.ones(400), p)
    with pytest.raises(ConfigError, match=r"states: .*; diffusion: .*; bound"):
        spinrnn.learn_device(time, p, p, states=0, diffusion="all", bound=0)


def test_every_other_sample():
    time, u, p = some(600)
    records = records_of(time, {"drive": u}, p, every=2)
    assert records.sampling_step == pytest.approx(2e-9)
    assert np.array_equal(records.output, p[::2])


# ---- training ----


def made(samples=600, states=1, **keys):
    time, u, p = some(samples)
    records = records_of(time, {"drive": u}, p)
    stretches = (Stretch(0, samples),)
    settings = Settings(hidden=6, points=10, windows=20, **keys)
    return Training(records, scaled(records, stretches), stretches, states, settings)


def test_the_gradient_does_not_depend_on_the_threads():
    training, found = made(), []
    starts = np.arange(0, 500, 20)
    try:
        for count in (1, 2, 3):
            threads.set_threads(count)
            found.append(training.gradient(starts))
    finally:
        threads.set_threads(None)
    assert len({(loss, gradient.tobytes()) for loss, gradient in found}) == 1


def test_the_gradient_is_that_of_the_loss():
    training = made(states=2)
    starts, rng = np.arange(0, 500, 20), np.random.default_rng(1)
    _, gradient = training.gradient(starts)
    flat, towards = training.flat, rng.standard_normal(training.flat.size)
    losses = []
    for sign in (1, -1):
        training.flat = flat + sign * 1e-6 * towards
        losses.append(training.gradient(starts)[0])
    assert (losses[0] - losses[1]) / 2e-6 == pytest.approx(gradient @ towards, rel=1e-6)


def test_a_batch_is_the_mean_of_its_windows():
    training, starts = made(states=2), np.arange(3, 600 - 20, 50)
    assert len(starts) % 8
    loss, gradient = training.gradient(starts)
    single = [training.gradient(np.array([start])) for start in starts]
    assert loss == pytest.approx(np.mean([loss for loss, _ in single]), rel=1e-12)
    np.testing.assert_allclose(gradient, np.mean([g for _, g in single], axis=0), atol=1e-13)


def test_open_loop_runs_are_compared_where_they_were_recorded():
    training = made(states=2)
    stretch = Stretch(100, 180)
    run = training.predicted([stretch], training.flat)[0]
    assert run[0] == training.data.output[100]
    assert np.isfinite(run).all()
    error = np.sqrt(np.mean((run - training.data.output[100:180]) ** 2))
    error /= training.data.output[100:180].std()
    assert training.open_loop([stretch], training.flat) == pytest.approx(error)
    broken = np.full_like(training.flat, np.nan)
    assert training.open_loop([stretch], broken) == np.inf


def test_the_best_of_a_training_is_kept():
    training = made(iterations=60, check=20).run()
    errors = [error for _, _, error in training.history]
    assert training.best[1] == min(errors)
    assert [iteration for iteration, _, _ in training.history] == [20, 40, 60]
    assert training.best[1] < 0.5


def test_the_number_of_states_is_where_the_error_no_longer_falls():
    assert best_states({1: 0.455, 2: 0.030, 3: 0.046}) == 2
    assert best_states({1: 0.012, 2: 0.009, 3: 0.001}) == 1
    assert best_states({1: 0.23, 2: 0.2, 3: 0.01}) == 1
    assert best_states({1: 0.4, 2: 0.2, 3: 0.1, 4: 0.09}) == 3
    assert best_states({1: 0.4, 2: 0.2}) == 2


# ---- a device ----


@pytest.fixture(scope="module")
def fit():
    return spinrnn.learn_device(*some(1500), **(SMALL | {"iterations": 300}), seed=1)


def test_a_device_of_the_oscillator_describes_it(fit):
    assert fit.held_out_error < 0.12
    assert fit.describes
    assert fit.parting.time is None
    assert fit.device.provenance["held_out_nrmse"] == fit.held_out_error


def test_a_device_from_its_file_goes_on_as_the_fit(fit, tmp_path):
    fit.device.save(tmp_path / "device.h5")
    device = spinrnn.load_learned(tmp_path / "device.h5")
    time, u, p = some(1500)
    run = device.simulate(time[:900], u[:900], start=p[:1])
    np.testing.assert_allclose(run, fit.predicted[:900], rtol=1e-9)
    rest = device.simulate(time[:5], np.zeros(5))
    assert np.ptp(rest) < 1e-6
    assert rest[0] == pytest.approx(0.3 / 2.3, rel=0.1)


def test_drives_beyond_those_that_were_seen_are_told(fit):
    time, u, p = some(50)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit.device.simulate(time, 0.9 * u, start=p[:1])
    with pytest.warns(UserWarning, match="beyond what the device was learned from, -0.99"):
        fit.device.simulate(time, 2 * u, start=p[:1])
    with pytest.raises(DataError, match="must go in steps of 1e-09 s"):
        fit.device.simulate(2 * time, u)
    with pytest.raises(DataError, match=r"drive: must have the shape \(50,\)"):
        fit.device.simulate(time, u[:40])
    with pytest.raises(DataError, match="start: give the first 1 outputs"):
        fit.device.simulate(time, u, start=p[:2])


# ---- where it does not describe ----


def failed(fit, records=None, parts=None, **changes):
    """The advice about a fit with other errors, settings or recording."""
    settings = {**fit.device.provenance["settings"], **changes.pop("settings", {})}
    provenance = {**fit.device.provenance, "settings": settings}
    device = dataclasses.replace(fit.device, provenance=provenance, **changes.pop("device", {}))
    own = {"training_error": 0.5, "held_out_error": 0.5, "expected_most": 0.0} | changes
    if records is not None:
        own["records"] = dataclasses.replace(fit.records, **records)
    found = dataclasses.replace(fit, device=device, **own)
    return list(advice_lines(found if parts is None else dataclasses.replace(found, parts=parts)))


def test_a_fit_that_describes_needs_no_advice(fit):
    assert list(advice_lines(fit)) == []


def test_what_is_tried_first_is_what_was_below_the_usual(fit):
    """300 iterations and 6 hidden units, one state that was given."""
    falling, done = (
        [(i, 0.0, 1.0 / (1 + i)) for i in range(5)],
        [(0, 0.0, 0.5), *[(1, 0.0, 0.6)] * 4],
    )
    (text,) = failed(fit, history=falling)
    assert text.startswith(
        "Try more --iterations (6000), as the error still fell; more --states (2);"
        " more --hidden (50); more --points (20) ("
    )
    (text,) = failed(fit, history=done, scouted={1: 0.5, 2: 0.5})
    assert text.startswith("Try more --iterations (6000); more --hidden (50); more --states (2);")
    usual = {"iterations": 6000, "hidden": 60, "points": 30}
    (text,) = failed(fit, history=done, settings=usual)
    assert text.startswith("Try more --states (2); more --hidden (120); more --points (60) (")


def test_too_little_was_recorded(fit):
    reason, text = failed(fit, training_error=0.05, held_out_error=0.3)
    assert reason == (
        "Probably the recording is too short for so many weights, as the training part is described"
        " to 5 %."
    )
    assert text.startswith("Try a longer recording; fewer --hidden (3) (")


def test_what_was_not_seen_is_named(fit):
    drives = fit.records.drives.copy()
    (stretch,) = fit.parts.held_out
    drives[0, stretch.first : stretch.first + stretch.size // 4] = 3.0
    reason, _ = failed(fit, records={"drives": drives})
    assert "25 % of the held-out drive are beyond the training part" in reason


def test_sampling_that_is_too_coarse_or_too_fine(fit):
    noise = np.random.default_rng(0).normal(size=len(fit.records.output))
    reason, text = failed(fit, records={"output": noise})
    assert re.search(
        r"too coarse: from sample to sample the output changes by 14\d % of its", reason
    )
    assert text.startswith("Try a finer sampling step, without --every (")
    slow = np.arange(len(noise)) / 1500.0
    change = 1 / 1500 / slow[: fit.parts.training[0].last].std()
    *_, text = failed(fit, records={"output": slow})
    assert f"--every {round(4 * 0.005 / change)}, as samples differ by little" in text


def test_a_drive_that_goes_on_and_a_known_part(fit):
    drives = np.random.default_rng(0).uniform(-0.9, 0.9, size=fit.records.drives.shape)
    (text,) = failed(fit, records={"drives": drives})
    assert "; --linear, if the drive is not held between samples (" in text
    (text,) = failed(fit, device={"base": {"neuron": {"kind": "oscillator"}}})
    assert text.startswith("Try --known-drive, that leads from the drive's unit to the equation's;")


def test_times_in_another_unit_are_doubted(fit):
    assert list(doubts(fit.records)) == []
    (text,) = doubts(dataclasses.replace(fit.records, sampling_step=0.5))
    assert text.startswith("Samples are 0.5 s apart: is the time in s? --units time=ns says")


@pytest.mark.parametrize(("held", "interval"), [(1, 4e-9), (2, 2e-9), (5, 5e-9), (400, 100e-9)])
def test_the_input_interval_is_that_for_which_the_drive_was_held(held, interval):
    drive = np.repeat(np.random.default_rng(0).normal(size=-(-2000 // held)), held)[:2000]
    time = 1e-9 * np.arange(2000)
    records = records_of(time, {"a": drive}, np.sin(time))
    assert suited_interval(records) == pytest.approx(interval)


def test_a_network_of_it_knows_the_interval(fit):
    found = spinrnn.Learned.of(fit.device)
    assert fit.device.provenance["input_interval"] == pytest.approx(5e-9)
    assert found.usual_interval == pytest.approx(5e-9)
    assert spinrnn.Learned.of(fit.device, speed=2.0).usual_interval == pytest.approx(2.5e-9)
    assert spinrnn.Learned.of(fit.device, time=1e-6).usual_interval == 1e-6
    assert spinrnn.Learned.example().usual_interval == 4e-9


@pytest.mark.slow
def test_a_known_equation_leaves_little_to_learn(tmp_path):
    time, u, p = some(1500)
    known = spinrnn.Oscillator(relaxation_time=12.5e-9, nonlinear_damping=1.0, bias_ratio=1.3)
    arguments = SMALL | {"iterations": 30}
    fit = spinrnn.learn_device(time, u, p, known=known, gain=0.8 * madedevices.RATE, **arguments)
    assert fit.held_out_error < 0.003
    plain = spinrnn.learn_device(time, u, p, **arguments)
    assert plain.held_out_error > 20 * fit.held_out_error
    fit.device.save(tmp_path / "device.h5")
    device = spinrnn.load_learned(tmp_path / "device.h5")
    run = device.simulate(time[:900], u[:900], p[:1])
    np.testing.assert_allclose(run, fit.predicted[:900], rtol=1e-9)


# ---- noise ----


def with_noise(monkeypatch, process, readout, gain=0.8, samples=20000, states=1):
    """A training whose device is y' = gain y + noise, its prediction known exactly."""
    rng = np.random.default_rng(3)
    y = np.zeros(samples)
    kicks = process * rng.standard_normal(samples)
    for n in range(samples - 1):
        y[n + 1] = gain * y[n] + kicks[n]
    y += readout * rng.standard_normal(samples)
    records = records_of(1e-9 * np.arange(samples), {"drive": rng.standard_normal(samples)}, y)
    stretches = (Stretch(0, samples),)
    training = Training(
        records, scaled(records, stretches), stretches, states, Settings(hidden=2, points=5)
    )
    offset = training.data.channels[0].scaled(np.zeros(1))[0]
    monkeypatch.setattr(
        learndiffusion,
        "_after",
        lambda training, starts, z: gain * (z[:, -1] - offset) + offset,
    )
    return training, stretches, training.data.channels[0].scale


@pytest.mark.parametrize(("process", "readout"), [(1.0, 0.0), (1.0, 0.5), (0.05, 1.0)])
@pytest.mark.parametrize("states", [1, 2])
def test_noise_of_device_and_readout_are_told_apart(monkeypatch, process, readout, states):
    training, stretches, scale = with_noise(monkeypatch, process, readout, states=states)
    found = learndiffusion.found_diffusion(training, stretches, "constant")
    assert found.told_apart
    assert found.readout / scale == pytest.approx(readout, rel=0.05, abs=0.03)
    if process > 0.1:
        assert found.process / scale == pytest.approx(process, rel=0.04)
        log = applied(found.weights, np.zeros(training.states * 2))
        size = np.exp(log[-1]) * np.sqrt(training.data.step) / scale
        assert size == pytest.approx(process, rel=0.04)
        assert (log[:-1] < -40).all()
    else:
        assert found.weights is None
        assert "readout" in found.sentence


def test_noises_that_cannot_be_told_apart_are_not(monkeypatch):
    training, stretches, _ = with_noise(monkeypatch, 1.0, 0.5, gain=0.05)
    found = learndiffusion.found_diffusion(training, stretches, "constant")
    assert not found.told_apart
    assert "cannot be told from it" in found.sentence


def test_errors_of_the_model_are_no_noise(monkeypatch):
    training, stretches, _ = with_noise(monkeypatch, 1.0, 0.0)
    monkeypatch.setattr(learndiffusion, "_after", lambda training, starts, z: 0.2 * z[:, -1])
    found = learndiffusion.found_diffusion(training, stretches)
    assert found.weights is None
    assert found.coloured[0] > 0.3
    assert "they are the model's" in found.sentence


def test_the_gradient_of_the_likelihood():
    rng = np.random.default_rng(0)
    values = [rng.standard_normal(shape) for shape in ((5, 3), (5,), (1, 5), (1,))]
    inputs, squares = rng.standard_normal((40, 3)), rng.standard_normal(40) ** 2

    def loss(values):
        logs = (np.tanh(inputs @ values[0].T + values[1]) @ values[2].T + values[3])[:, 0]
        variance = 0.3 + 0.2 * np.exp(2 * logs)
        return 0.5 * np.mean(np.log(variance) + squares / variance)

    found = learndiffusion.likelihood_gradient(values, inputs, squares, 0.3, 0.2)
    for number, gradient in enumerate(found):
        for place in np.ndindex(gradient.shape):
            moved = [value.astype(complex) for value in values]
            moved[number][place] += 1e-30j
            assert gradient[place] == pytest.approx(loss(moved).imag / 1e-30, rel=1e-11)


def test_noise_that_depends_on_the_state(monkeypatch):
    monkeypatch.setattr(learndiffusion, "STEPS", 250)
    rng = np.random.default_rng(2)
    z = rng.uniform(-1, 1, 4000)
    true = 0.1 * np.exp(0.8 * z)
    inputs = np.column_stack([z, rng.standard_normal(4000)])
    own = learndiffusion.Innovations(np.arange(4000), true * rng.standard_normal(4000), inputs)
    h = 0.25
    found = learndiffusion._most_likely(own, np.arange(4000), 0.0, h, np.log(0.2), rng)
    middle = np.linspace(-0.8, 0.8, 5)
    logs = applied(found, np.column_stack([middle, np.zeros(5)]))[:, 0]
    np.testing.assert_allclose(np.exp(logs) * np.sqrt(h), 0.1 * np.exp(0.8 * middle), rtol=0.08)


@pytest.mark.slow
def test_repeated_runs_of_a_noisy_device_have_its_spread():
    """Twin experiment: eq. (1) with thermal noise; noise and spread within 10 %."""
    eta = 2e-4
    fit = spinrnn.learn_device(
        *some(20000, eta=eta), states=1, hidden=16, iterations=1500, points=5
    )
    assert fit.describes
    assert fit.noise.varies
    u = madedevices.drive(400, seed=9)
    time = madedevices.STEP * np.arange(400)
    runs = fit.device.simulate(time, u, start=[0.1], seed=1, runs=400)[:, 50:]
    true = madedevices.power(u, eta=eta, seed=5, copies=400)[50:].T
    ratio = np.sqrt(np.mean(runs.var(axis=0)) / np.mean(true.var(axis=0)))
    assert ratio == pytest.approx(1, abs=0.1)
    off = runs.mean(axis=0) - true.mean(axis=0)
    assert np.sqrt(np.mean(off**2)) < 0.5 * true.std(axis=0).mean()
    p = np.quantile(true, (0.1, 0.5, 0.9))
    x = np.column_stack([fit.device.output.scaled(p), np.zeros(3)])
    log = applied(fit.device.diffusion, x)[:, 0]
    size = np.exp(log) * np.sqrt(fit.device.unit_step) / fit.device.output.scale
    wanted = np.sqrt(2 * p * eta * madedevices.RATE * madedevices.STEP)
    np.testing.assert_allclose(size, wanted, rtol=0.1)


@pytest.mark.slow
def test_the_oscillator_is_learned_to_a_percent_with_one_state():
    time, u, p = some(10000)
    fit = spinrnn.learn_device(time, u, p, hidden=32, iterations=6000)
    assert fit.device.delays == 1
    assert fit.held_out_error <= 0.01


def test_noise_explains_a_part_of_the_error(fit):
    """The excess is what the noise does not make, in squares."""
    noisy = dataclasses.replace(fit, held_out_error=0.5, expected_most=0.4, bound=0.31)
    assert noisy.excess == pytest.approx(0.3)
    assert noisy.describes
    assert not dataclasses.replace(noisy, bound=0.29).describes
    assert dataclasses.replace(noisy, expected_most=0.6).excess == 0


# ---- parting ----


def test_the_time_of_parting_is_the_first_sample_beyond():
    rng = np.random.default_rng(0)
    time, u, _ = some(1000)
    recorded = rng.standard_normal(1000)
    records = records_of(time, {"drive": u}, recorded / 2.0)
    parts = Parts((Stretch(0, 400),), (Stretch(400, 600),))
    predicted = recorded + 0.05 * rng.standard_normal(1000)
    assert parting_of(records, parts, predicted, recorded, 2.0).time is None
    predicted[700:715] += 3
    assert parting_of(records, parts, predicted, recorded, 2.0).time is None
    predicted[800:] += 1
    found = parting_of(records, parts, predicted, recorded, 2.0)
    assert found.sample == 800
    assert found.time == time[800]
    assert found.share == 1
    assert found.error == pytest.approx(1, rel=0.1)
    errors = (predicted - recorded)[:600] ** 2
    usual = np.sqrt(np.convolve(errors, np.ones(WINDOW) / WINDOW, "valid").max())
    assert found.threshold == pytest.approx(FACTOR * usual / 2.0)


def test_a_device_beside_a_further_recording(fit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fit.device.save("device.h5")
    time, u, p = madedevices.recording(800, seed=4)
    other = madedevices.power(0.95 * u[500:], p[500], bias=2.5)
    same = np.c_[time, 0.95 * u, madedevices.power(0.95 * u)]
    changed = same.copy()
    changed[500:, 2] = other
    for name, rows in (("same", same), ("changed", changed)):
        header = "time,drive,power"
        np.savetxt(f"{name}.csv", rows, delimiter=",", header=header, comments="")
    bound = ("--bound", "0.2")
    done = here("identify", "same.csv", "--learned", "device.h5", *bound)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The recording is that of the learned device" in done.stdout
    done = here("identify", "changed.csv", "--learned", "device.h5", *bound, "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)["findings"]
    assert found["parting_time"]["value"] == pytest.approx(500e-9, abs=20e-9)
    assert len(Path("changed-monitor/monitor.csv").read_text().splitlines()) == 801
    refused(
        here("identify", "same.csv", "--learned", "device.h5", "--every", "2"),
        "the device was learned at 1e-09 s",
    )
    refused(here("identify", "same.csv", "--learned", "device.h5", "--hidden", "3"), "--hidden:")


# ---- trajectories ----


def test_a_neuron_of_a_simulation(written):
    path = written[2]
    records = records_of_trajectory(path, 1, 2)
    with spinrnn.open_trajectory(path) as file:
        power, drive = np.asarray(file.state[1][:, 2]), np.asarray(file.drive[1][:, 2])
    assert len(records.cases) == len(power)
    first, last = records.cases[1]
    size = last - first
    np.testing.assert_array_equal(records.output[first:last], power[1, :size])
    np.testing.assert_array_equal(records.drives[0, first : last - 1], drive[1, : size - 1])
    assert (records.names, records.units) == (("power", "drive"), ("1", "1/s"))
    with pytest.raises(DataError, match="neuron 99"):
        records_of_trajectory(path, 1, 99)


# ---- the command ----


def table(path, header="time (s),drive (mA),power (uW)", **keys):
    np.savetxt(path, np.column_stack(some(600, **keys)), delimiter=",", header=header, comments="")
    return path


QUICK = ("--states", "1", "--hidden", "6", "--iterations", "60", "--points", "10")


@pytest.mark.usefixtures("real_pictures")
def test_the_command_writes_a_device(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table("a.csv")
    done = here("identify", "a.csv", "--learn", *QUICK, "--bound", "2")
    assert done.returncode == 0, done.stderr
    assert "The learned device describes what was held out" in done.stdout
    found = json.loads(Path("a-device/device.json").read_text())["findings"]
    device = spinrnn.load_learned("a-device/device.h5")
    assert found["held_out_nrmse"]["value"] == device.provenance["held_out_nrmse"]
    assert found["parting_time"]["value"] is None
    assert (device.drives[0].unit, device.output.unit) == ("A", "W")
    assert device.drives[0].high == pytest.approx(1e-3, rel=0.02)
    assert device.provenance["source"] == ["a.csv"]
    rows = Path("a-device/device.csv").read_text().splitlines()
    assert rows[0] == "case,time (s),power (W),drive (A),learned"
    assert len(rows) == 601
    assert Path("a-device/device.png").stat().st_size > 10000
    done = here("identify", "a.csv", "--learn", *QUICK, "--bound", "0.001", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["findings"]["describes"]["value"] is False


def test_the_known_part_of_a_configuration(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table("a.csv")
    Path("known.toml").write_text(
        '[neuron]\nkind = "oscillator"\nrelaxation_time = 12.5e-9\nbias_ratio = 1.3\n'
        "nonlinear_damping = 1.0\n"
    )
    gain = f"{0.8 * madedevices.RATE / 1e-3},0,1e-6"
    told = here("identify", "a.csv", "--learn", *QUICK, "--known", "known.toml").stderr
    assert "drive is in A, the drive of the known oscillator in 1/s; --known-drive" in told
    time, u, p = some(600)
    np.savez("untold.npz", time=time, drive=u, power=p)
    told = here("identify", "untold.npz", "--learn", *QUICK, "--known", "known.toml").stderr
    assert "drive has no unit and is taken in 1/s, that of the known oscillator" in told
    known = ("--known", "known.toml", "--known-drive", gain)
    done = here("identify", "a.csv", "--learn", *QUICK, *known, "--bound", "0.02")
    assert "no unit" not in done.stderr
    assert done.returncode == 0, done.stdout + done.stderr
    base = spinrnn.load_learned("a-device/device.h5").base
    assert base["neuron"]["kind"] == "oscillator"
    assert base["scale"] == 1e-6
    refused(here("identify", "a.csv", "--learn", "--known-drive", "1,0"), "--known-drive: write")


def test_names_and_several_drives_are_those_of_the_file(tmp_path):
    time, u, p = some(600)
    columns = np.column_stack([time, np.zeros(600), u, p, u[::-1]])
    header = "# t (s)\tmx ()\tKu1.region100 (J/m3)\tmz ()\tDind (J/m2)"
    np.savetxt(tmp_path / "table.txt", columns, delimiter="\t", header=header, comments="")
    fit = spinrnn.learn_device(
        tmp_path / "table.txt",
        columns="time=t,power=mz,drive=Ku1.region100,drive2=Dind",
        **(SMALL | {"iterations": 5}),
    )
    assert fit.device.output.name == "mz"
    assert [(c.name, c.unit) for c in fit.device.drives] == [
        ("Ku1.region100", "J/m3"),
        ("Dind", "J/m2"),
    ]
    drives = {"Dind": u[::-1][:20], "Ku1.region100": u[:20]}
    both = fit.device.simulate(time[:20], drives, p[:1])
    assert np.array_equal(both, fit.device.simulate(time[:20], [u[:20], u[::-1][:20]], p[:1]))
    with pytest.raises(DataError, match="has no Dind"):
        fit.device.simulate(time[:20], {"Ku1.region100": u[:20]}, p[:1])


def test_bad_recordings_and_options_are_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table("a.csv")
    Path("b.csv").write_text("t,I,V\n0,1,2\n1,2,3\n")
    rows = Path("a.csv").read_text().splitlines()
    Path("back.csv").write_text("\n".join([*rows[:300], rows[250], *rows[300:]]))
    Path("still.csv").write_text(
        "\n".join([rows[0], *(f"{r.split(',')[0]},1,{r.split(',')[2]}" for r in rows[1:])])
    )
    refused(here("identify", "b.csv", "--learn"), "has no array time and no array power")
    refused(here("identify", "back.csv", "--learn"), "back.csv: time: does not increase")
    refused(here("identify", "still.csv", "--learn"), "still.csv: drive: does not change")
    refused(here("identify", "a.csv", "--learn", "--train", "0:100"), "at least 200")
    refused(here("identify", "a.csv", "--learn", "--fix", "Q=1"), "--fix: does not go with --learn")
    refused(here("identify", "a.csv", "--states", "2"), "--states: goes with --learn")
    refused(here("identify", "a.csv", "--learn", "--held-out", "2"), "write A:B or a share")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.csv", "b.csv", "back.csv", "still.csv",
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(not SKYRMION.exists(), reason="the skyrmion's tables are not here")
def test_the_skyrmion_is_learned_and_seen_to_collapse():
    path = SKYRMION / "1skyrmion_voltage_train" / "table.txt.gz"
    arguments = {
        "columns": "time=t,power=mz,drive=Ku1.region100",
        "every": 2,
        "training": (1500, 11500),
        "held_out": (11500, 21500),
        "drive_between": "linear",
    }
    fit = spinrnn.learn_device(path, **arguments)
    assert fit.device.delays == 2
    assert fit.scouted[1] >= 0.3
    assert fit.held_out_error <= 0.05
    assert fit.parting.time == pytest.approx(113.0e-9, abs=0.5e-9)
