"""The power, phase and frequency of a voltage whose modulation is known."""

import json
import re
import warnings

import numpy as np
import pytest
from conftest import here, refused

import spinrnn
from spinrnn.recordings.envelope import Demodulation, binned, demodulated
from spinrnn.recordings.measurement import load_measurement

SAMPLING, CARRIER, MODULATION = 20e9, 1.234e9, 7e6
TIME = np.arange(20000) / SAMPLING
TURN = 2 * np.pi * TIME


def noise(size, seed=0):
    return size * np.random.default_rng(seed).normal(size=TIME.size)


def known(found):
    there = np.isfinite(found.power)
    assert 0.6 < there.mean() < 0.99
    return there


def rms(values):
    return float(np.sqrt(np.mean(values**2)))


@pytest.mark.parametrize(("size", "error"), [(0.0, 0.002), (0.05, 0.006), (0.2, 0.02)])
def test_a_modulated_amplitude(size, error):
    amplitude = 1 + 0.4 * np.cos(MODULATION * TURN + 0.3)
    voltage = amplitude * np.cos(CARRIER * TURN) + 0.1 + noise(size)
    found = spinrnn.envelope(TIME, voltage)
    there = known(found)
    assert rms((found.power - amplitude**2 / 2)[there]) < error
    assert found.carrier == pytest.approx(CARRIER, abs=1e5)
    low, high = found.band
    assert low < CARRIER - MODULATION < CARRIER + MODULATION < high < 1.1 * CARRIER
    # the noise in the band, of the noise in all frequencies
    assert rms((found.frequency - CARRIER)[there]) < 1e5 + 3e7 * size


@pytest.mark.parametrize(("size", "error"), [(0.0, 2e5), (0.05, 4e5), (0.2, 1.5e6)])
def test_a_modulated_frequency(size, error):
    depth = 3.0
    phase = depth * np.sin(MODULATION * TURN)
    truth = CARRIER + depth * MODULATION * np.cos(MODULATION * TURN)
    found = spinrnn.envelope(TIME, np.cos(CARRIER * TURN + phase) + noise(size))
    there = known(found)
    assert rms((found.frequency - truth)[there]) < error
    assert found.power[there].mean() == pytest.approx(0.5, rel=0.02)
    # the phase, but for the choice of the carrier
    whole = (found.phase + found.carrier * TURN - CARRIER * TURN - phase)[there]
    assert rms(whole - whole.mean()) < 0.01 + 0.3 * size


def test_the_edges_are_nan_and_as_wide_as_the_band_says():
    found = spinrnn.envelope(TIME, np.cos(CARRIER * TURN), band=(1.1e9, 1.4e9))
    assert found.edge == pytest.approx(2 / 0.15e9)
    inside = (found.edge <= TIME) & (TIME[-1] - found.edge >= TIME)
    for values in (found.power, found.phase, found.frequency):
        assert np.array_equal(np.isfinite(values), inside)
    # next to the edge, where it is worst
    assert np.abs(found.power[inside] - 0.5).max() < 0.01


def test_a_band_takes_one_of_two_oscillations():
    voltage = np.cos(CARRIER * TURN) + 3 * np.cos(2.6e9 * TURN)
    one = spinrnn.envelope(TIME, voltage, band=(1.0e9, 1.5e9))
    assert np.nanmean(one.power) == pytest.approx(0.5, rel=1e-3)
    assert one.carrier == pytest.approx(CARRIER, rel=1e-3)
    high = spinrnn.envelope(TIME, voltage)
    assert np.nanmean(high.power) == pytest.approx(4.5, rel=1e-2)


@pytest.mark.parametrize("band", [(0.95e9, 1.5e9), (0.6e9, 1.05e9), (1e9, 1.5e9), (0.5e9, 1e9),
                                  (1e6, 1.02e9), (0.9e9, 10e9)])  # fmt: skip
def test_what_a_given_band_holds_passes(band):
    """At its edges too; what is farther away than a slope does not."""
    voltage = np.cos(1e9 * TURN)
    found = spinrnn.envelope(TIME, voltage, band=band)
    # a narrow slope at 0 or half the sampling rate settles later than the edge says
    there = slice(2000, -2000)
    np.testing.assert_allclose(found.power[there], 0.5, rtol=0.03)
    beyond = band[1] + 0.3 * (band[1] - band[0])
    if beyond < 5e9:
        both = spinrnn.envelope(TIME, voltage + np.cos(beyond * TURN), band=band)
        assert np.nanmean(both.power) == pytest.approx(0.5, rel=0.03)


@pytest.mark.parametrize("wrong", [{"band": ("a", "b")}, {"band": 3}, {"rate": "x"},
                                   {"resistance": [1]}])  # fmt: skip
def test_settings_that_are_no_numbers(wrong):
    with pytest.raises(spinrnn.ConfigError, match=next(iter(wrong))):
        spinrnn.envelope(TIME, np.cos(CARRIER * TURN), **wrong)


def test_a_rate_means_over_bins_and_a_resistance_watts():
    amplitude = 1 + 0.4 * np.cos(MODULATION * TURN)
    voltage = amplitude * np.cos(CARRIER * TURN)
    whole = spinrnn.envelope(TIME, voltage)
    found = spinrnn.envelope(TIME, voltage, rate=100e6, resistance=50.0)
    assert len(found.time) == 100
    np.testing.assert_allclose(found.time, binned(TIME, 200))
    np.testing.assert_allclose(found.power, binned(whole.power, 200) / 50)
    np.testing.assert_allclose(found.frequency, binned(whole.frequency, 200))


def test_several_recordings_have_one_band():
    voltages = np.stack([np.cos(CARRIER * TURN), 0.01 * np.cos(1.25e9 * TURN + 1)])
    found = spinrnn.envelope(TIME, voltages)
    assert found.power.shape == (2, 20000)
    single = spinrnn.envelope(TIME, voltages[1], band=found.band)
    # of a band that is given the slopes lie outside
    np.testing.assert_allclose(found.power[1], single.power, rtol=0.03, atol=1e-15)
    assert "carrier" in found._repr_html_()


@pytest.mark.parametrize("count", [1, 4, 5])
def test_a_drive_is_held_from_the_middle_of_a_bin_to_the_next(count):
    """A drive that is a straight line: its mean between two times is in the middle."""
    time = np.arange(2000) / SAMPLING
    voltage = np.cos(CARRIER * 2 * np.pi * time)
    step = time[1]
    # each value is held for a step, so that its mean is that of the line half a step later
    drive = 1e9 * (time + step / 2)
    how = Demodulation((1e9, 1.5e9), SAMPLING / count)
    made, _ = demodulated({"time": time, "voltage": voltage, "drive": drive}, how)
    times = made["time"]
    assert made["drive"].shape == (len(times) - 1,)
    np.testing.assert_allclose(made["drive"], 1e9 * (times[:-1] + times[1:]) / 2, rtol=1e-9)


def device(tmp_path, seed=3):
    """A file with the voltage of an oscillator of eq. (1) on a carrier, and its drive."""
    rng = np.random.default_rng(seed)
    gamma, damping, gain = 1.2e8, 0.6, 1e8
    time = np.arange(6000) * 5e-11
    drive = np.repeat(rng.uniform(1.3, 3.5, 30), 200)
    p = np.full(6000, 0.3)
    for k in range(5999):
        a, c = gain * drive[k] - gamma, gain * drive[k] + gamma * damping
        p[k + 1] = p[k] * np.exp(a * 5e-11) / (1 + c * p[k] * np.expm1(a * 5e-11) / a)
    voltage = 5e-3 * np.sqrt(p) * np.cos(2 * np.pi * 1e9 * time) + 1e-4 * rng.normal(size=6000)
    table = np.column_stack([time, voltage, drive])
    path = tmp_path / "scope.csv"
    np.savetxt(path, table, delimiter=",", header="t,CH1,CH2", comments="")
    return path


NAMES = ("--columns", "time=t,voltage=CH1,drive=CH2")


def test_a_device_is_identified_from_its_voltage(tmp_path):
    path = device(tmp_path)
    done = here("identify", path, "--envelope", *NAMES, "--free-scale", "--json", "--fix", "Q=0.6",
                "--out", tmp_path / "out")  # fmt: skip
    assert "power is that of the voltage from" in done.stderr
    found = json.loads(done.stdout)["findings"]
    for name, truth in (("gamma", 1.2e8), ("gain", 1e8)):
        assert abs(found[name]["value"] - truth) < 4 * found[name]["error"], name
        assert found[name]["error"] < 0.1 * truth
    # half the square of the amplitude of p = 1
    assert found["scale"]["value"] == pytest.approx(25e-6 / 2, rel=0.05)


def test_a_voltage_is_analysed(tmp_path):
    path = device(tmp_path)
    done = here("analyse", path, "--envelope", "--band", "0.7e9:1.3e9", "--rate", "200e6", *NAMES,
                "--only", "activity", "--out", tmp_path / "out")  # fmt: skip
    assert done.returncode == 0, done.stderr
    with spinrnn.analysis.open_recording(
        path, columns=columns(), how=Demodulation((0.7e9, 1.3e9), 200e6)
    ) as recording:
        assert recording.power[0].shape == (1, 1, 60)
        assert np.diff(recording.time) == pytest.approx(5e-9)
        assert 0.2 < np.nanmean(recording.power[0]) / 12.5e-6 < 0.9


def columns():
    from spinrnn.readers.columns import Columns

    return Columns.of_texts(NAMES[1], None)


def test_mistakes_of_the_commands(tmp_path):
    path = device(tmp_path)
    refused(here("identify", path, *NAMES, "--band", "1e9:2e9"), "--band: goes with --envelope")
    refused(here("identify", path, "--envelope", *NAMES, "--band", "2e9:1e9"), "two frequencies")
    refused(here("analyse", path, "--envelope", *NAMES, "--rate", "-1"), "a number above 0")
    done = here("analyse", path, "--envelope", *NAMES, "--rate", "1e12")
    assert done.returncode == 2
    assert f"error: {path}: rate: must be above 0 and at most 2e+10 Hz" in done.stderr
    refused(here("analyse", path, "--envelope"), "has no array", "voltage", "voltage=V2")
    np.savez(tmp_path / "p.npz", time=TIME, voltage=np.cos(CARRIER * TURN), power=TIME)
    refused(here("analyse", tmp_path / "p.npz", "--envelope"), "has its own power")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_has_no_envelope():
    voltage = np.cos(CARRIER * TURN)
    gap, late = voltage.copy(), TIME.copy()
    gap[77] = np.nan
    late[100:] += 1e-11
    for arrays, text in (
        ((TIME, gap), "no finite value at sample 77"),
        ((late, voltage), "time: is not even, the step after sample 99 .* to even times"),
        ((np.delete(TIME, [7, 8, 90]), voltage[3:]), "sample 6 is 1.5e-10 .* 5e-11 s; cut the"),
        ((TIME[::-1], voltage), "time: must be finite and increase"),
        ((TIME[:50], voltage[:50]), "50 samples are too few"),
        ((TIME, voltage[:100]), r"voltage: must have the axes \(..., time\)"),
        ((TIME, noise(1.0)), "no peak that stands out"),
        ((TIME, voltage > 0), "voltage: must be real numbers, got bool"),
        ((TIME[:200], voltage[:200]), "is shorter than the edges"),
    ):
        with pytest.raises(spinrnn.DataError, match=text):
            spinrnn.envelope(*arrays)
    with pytest.raises(spinrnn.ConfigError) as told:
        spinrnn.envelope(TIME, voltage, band=(2e9, 1e9), rate=-1, resistance=0)
    assert len(told.value.problems) == 3


def test_another_oscillation_near_by_is_left_out():
    voltage = np.cos(CARRIER * TURN) + 0.3 * np.cos(1.6e9 * TURN)
    found = spinrnn.envelope(TIME, voltage)
    assert found.band[1] < 1.55e9
    # a narrow slope at 0 or half the sampling rate settles later than the edge says
    there = slice(2000, -2000)
    np.testing.assert_allclose(found.power[there], 0.5, rtol=0.03)


def test_powers_at_the_bands_width_do_not_share_their_noise():
    """Also those of a band that was found, whose own slopes would take half of it."""
    voltages = [np.cos(CARRIER * TURN) + noise(0.05, seed) for seed in range(8)]
    made, found = demodulated({"time": TIME, "voltage": np.array(voltages)}, Demodulation())
    power = made["power"][:, np.isfinite(made["power"][0])]
    assert len(found.time) == pytest.approx(1e-6 * (found.band[1] - found.band[0]), rel=0.05)
    rest = power - power.mean(axis=1, keepdims=True)
    assert abs((rest[:, 1:] * rest[:, :-1]).mean() / (rest**2).mean()) < 0.2


@pytest.mark.parametrize(
    ("band", "rate", "texts"),
    [
        ((0.3e9, 1.7e9), None, []),
        ((0.7e9, 1.3e9), 1.2e9, ["rate: 1.17647 GHz is above the band's width, 600 MHz,"]),
        ((0.7e9, 1.3e9), None, [r"drive: .* 1.65 ns of one .* give a wider --band, as in 1e.08:"]),
        ((0.7e9, 1.3e9), 0.2e9, ["drive: .* within the 5 ns of one .*; leave --rate out"]),
    ],
)
def test_rates_and_bands_that_make_a_fit_blame_the_device(tmp_path, band, rate, texts):
    path = device(tmp_path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        load_measurement(path, columns=columns(), how=Demodulation(band, rate))
    said = [str(one.message) for one in caught if one.category is UserWarning]
    assert len(said) == len(texts)
    for text, wanted in zip(said, texts, strict=True):
        assert re.search(wanted, text), text
