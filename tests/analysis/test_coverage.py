"""Intervals hold the truth as often as they say: fits of devices with noise of the
readout and of their own."""

from pathlib import Path

import numpy as np
import pytest
import scipy.stats

import spinrnn
from spinrnn import analysis
from spinrnn.analysis.devices import device_of

GAMMA, Q, STEP = 1e8, 0.6, 0.5e-9
SHARED = Path(__file__).resolve().parents[3] / "shared"
CASE = SHARED / "cases" / "transfer_wrong_interval.npz"


def recorded(rng, levels, hold, noise, eta=0.0, step=STEP, start=0.3):
    """[(drive, times, powers)] of a device held at levels (in thresholds): eq. (5), and
    eq. (6) by half a step, a kick and half a step eight times between two samples."""
    count, pieces = round(hold / step), 8 if eta else 1
    h, deviation = step / pieces, np.sqrt(GAMMA * eta * step / pieces / 2)
    p, powers = start, [start]
    for level in levels:
        a, c = GAMMA * (level - 1), GAMMA * (level + Q)
        half = np.exp(a * h / 2), np.expm1(a * h / 2) / a * c
        for _ in range(count):
            for kick in deviation * rng.normal(size=(pieces, 2)):
                p = p * half[0] / (1 + p * half[1])
                p = min((np.sqrt(p) + kick[0]) ** 2 + kick[1] ** 2, 1.0)
                p = p * half[0] / (1 + p * half[1])
            powers.append(p)
    powers = np.array(powers) + noise * rng.normal(size=len(powers))
    times = step * np.arange(count)
    return [
        (GAMMA * level, times, powers[k * count : (k + 1) * count])
        for k, level in enumerate(levels)
    ]


def trials(count, lowest, highest, hold, noise, eta=0.0, number=12, step=STEP):
    """[(z of threshold, Q, rate), `Device`] of so many recordings: errors in units of
    what the intervals say is one standard deviation."""
    found, normal = [], scipy.stats.norm.ppf(0.975)
    for trial in range(count):
        rng = np.random.default_rng([5, trial])
        levels = rng.uniform(lowest, highest, number)
        d = device_of(recorded(rng, levels, hold, noise, eta, step))
        z = []
        for name, truth in (("threshold", GAMMA), ("nonlinear_damping", Q),
                            ("relaxation_rate", GAMMA)):  # fmt: skip
            low, high = getattr(d, f"{name}_low"), getattr(d, f"{name}_high")
            z.append((truth - (low + high) / 2) / ((high - low) / 2) * normal)
        found.append((z, d))
    return found


@pytest.mark.parametrize(("noise", "eta"), [(0.02, 0.0), (0.005, 1e-3)])
def test_a_device_is_within_its_intervals(noise, eta):
    """Plateaus of two and a half relaxation times, drives from 0.54 thresholds on."""
    found = trials(24, 0.54, 3.6, 25e-9, noise, eta)
    z = np.array([row for row, _ in found])
    # with thermal noise the relaxation rate has no interval
    told = 2 if eta else 3
    assert (np.sum(np.abs(z[:, :told]) < 1.96, axis=0) >= 20).all()
    assert np.isnan(z[:, 2]).all() == bool(eta)
    # errors as large as the intervals say: a factor of 1.4 would show
    size = np.sqrt(np.mean(z[:, :2] ** 2, axis=0))
    assert (size > 0.8).all()
    assert (size < 1.25).all()
    noises = np.array([(d.thermal_power, d.readout) for _, d in found])
    assert np.median(noises[:, 1]) == pytest.approx(noise, rel=0.1)
    assert np.median(noises[:, 0]) == pytest.approx(eta, rel=0.3, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("eta", [0.0, 1e-3])
@pytest.mark.parametrize("lowest", [0.54, 1.15, 1.4])
@pytest.mark.parametrize("hold", [25e-9, 200e-9])
def test_devices_are_within_their_intervals(lowest, hold, eta):
    z = np.array([row for row, _ in trials(60, lowest, 3.6, hold, 0.02, eta)])
    assert (np.sum(np.abs(z[:, : 2 if eta else 3]) < 1.96, axis=0) >= 52).all()


def test_wider_confidence_is_a_wider_interval():
    rng = np.random.default_rng(2)
    parts = recorded(rng, [0.7, 1.3, 2.0, 3.1], 50e-9, 0.02)
    wide, narrow = device_of(parts, 0.95), device_of(parts, 0.5)
    ratio = np.log(wide.threshold_high / wide.threshold_low) / np.log(
        narrow.threshold_high / narrow.threshold_low
    )
    assert ratio == pytest.approx(1.96 / 0.6745, rel=0.15)


def test_what_a_recording_does_not_determine_has_no_interval():
    """All drives below threshold; and samples too far apart to see a relaxation."""
    rng = np.random.default_rng(3)
    d = device_of(recorded(rng, [0.3, 0.5, 0.6, 0.4], 25e-9, 0.05, start=0.02))
    assert np.isnan([d.threshold_low, d.threshold_high]).all()
    assert "does not determine the threshold" in d.reason
    parts = [(level * GAMMA, 200e-9 * np.arange(40),
              analysis.steady_power(level * np.ones(40), 1, Q) + 0.01 * rng.normal(size=40))
             for level in (0.5, 1.2, 1.7, 2.5, 3.5)]  # fmt: skip
    d = device_of(parts)
    assert d.threshold_low < GAMMA < d.threshold_high
    assert np.isnan(d.relaxation_rate_low)


@pytest.mark.skipif(not CASE.exists(), reason="the recording is not beside the project")
def test_a_recording_whose_interval_was_wrong(tmp_path):
    report = spinrnn.analyse(CASE, tmp_path / "report", measures=["transfer"])
    found = report.numbers["transfer"]
    assert found["threshold_low"]["value"][0] < 1.25e8 < found["threshold_high"]["value"][0]
    assert found["nonlinear_damping_low"]["value"][0] < 0.6
    assert found["nonlinear_damping_high"]["value"][0] > 0.6
    width = found["threshold_high"]["value"][0] - found["threshold_low"]["value"][0]
    assert width < 0.02 * 1.25e8


@pytest.mark.parametrize("weighed", [False, True])
def test_steady_powers_are_within_their_intervals(weighed):
    """Twelve powers from half a threshold on, equally noisy or with errors of their
    own."""
    inside, lengths = np.zeros(2, int), []
    for trial in range(30):
        rng = np.random.default_rng([7, trial])
        drive = rng.uniform(0.5, 3.6, 12)
        error = 0.02 * (rng.uniform(0.2, 2, 12) if weighed else np.ones(12))
        power = analysis.steady_power(drive, 1.0, Q) + error * rng.normal(size=12)
        c = analysis.transfer_curve(drive, power, error=error if weighed else None)
        inside += [
            c.threshold_low < 1 < c.threshold_high,
            c.nonlinear_damping_low < Q < c.nonlinear_damping_high,
        ]
        lengths.append(c.threshold_high - c.threshold_low)
    assert (inside >= 26).all()
    assert np.median(lengths) == pytest.approx(0.12, rel=0.3)


def test_errors_that_are_none_are_refused():
    drive = np.arange(1.0, 9)
    power = analysis.steady_power(drive, 2.0)
    with pytest.raises(spinrnn.DataError, match="error: must be positive"):
        analysis.transfer_curve(drive, power, error=np.zeros(8))
    with pytest.raises(spinrnn.DataError, match="the same number of points"):
        analysis.transfer_curve(drive, power, error=np.ones(7))
