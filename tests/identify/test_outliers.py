"""Single outliers: found, named, left out; and none where there is none."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats
from test_identify import device

import spinrnn
from spinrnn.cli.main import main
from spinrnn.identify import result as result_
from spinrnn.identify.outliers import outliers


def linear(seed, count=80, spikes=()):
    """(residuals, leverages, columns, target) of a linear fit of 3 columns."""
    rng = np.random.default_rng(seed)
    columns, target = rng.normal(size=(count, 3)), rng.normal(size=count)
    for place, size in spikes:
        target[place] += size
    q = np.linalg.qr(columns)[0]
    return target - q @ (q.T @ target), np.sum(q**2, axis=1), columns, target


def test_a_studentised_residual_is_that_of_a_fit_without_the_sample():
    """Against the fit of all others: residual there over its own standard error."""
    residual, leverage, columns, target = linear(1, spikes=[(11, -9.0)])
    found = outliers(residual, leverage, 77, False)
    assert found.places.tolist() == [11]
    kept = np.arange(80) != 11
    values, rest = np.linalg.lstsq(columns[kept], target[kept], rcond=None)[:2]
    inverse = np.linalg.inv(columns[kept].T @ columns[kept])
    error = np.sqrt(rest[0] / 76 * (1 + columns[11] @ inverse @ columns[11]))
    size = (target[11] - columns[11] @ values) / error
    assert found.sizes[0] == pytest.approx(size)
    assert found.p == pytest.approx(80 * 2 * stats.t.sf(abs(size), 76))


def test_of_known_noise_it_is_normal():
    residual, leverage, _, _ = linear(2, spikes=[(5, 8.0)])
    found = outliers(residual, leverage, 77, True)
    size = residual[5] / np.sqrt(1 - leverage[5])
    assert found.sizes[0] == pytest.approx(size)
    assert found.p == pytest.approx(80 * 2 * stats.norm.sf(size))


def test_two_do_not_hide_each_other():
    residual, leverage, _, _ = linear(3, spikes=[(5, 30.0), (60, 7.0)])
    assert sorted(outliers(residual, leverage, 77, False).places.tolist()) == [5, 60]


def test_a_sample_that_alone_fixes_an_unknown_but_for_rounding_is_none():
    """As the first one, where a hidden start acts on it alone: the others would be left
    with a negative sum of squares, and each of them was called an outlier."""
    residual, leverage, _, _ = linear(4)
    residual[0], leverage[0] = 1e-3, 1 - 2e-9
    assert outliers(residual, leverage, 77, False).places.size == 0
    # a spike that is all that is left of exact data stays one
    exact = np.zeros(80)
    exact[7] = 1.0
    assert outliers(exact, np.zeros(80), 77, False).places.tolist() == [7]


def test_none_is_found_in_99_of_100_normal_samples():
    found = [outliers(*linear(seed)[:2], 77, False) for seed in range(1000)]
    assert 2 <= sum(len(one.places) > 0 for one in found) <= 25
    assert 0.005 < np.mean([one.p < 0.02 for one in found]) < 0.04


def spiked(seed=3, size=0.15, at=217):
    time, drive, power = device(np.random.default_rng(seed), 400)
    power = power.copy()
    power[at] += size
    return time, drive, power


def test_a_spike_among_400_samples_is_named_and_left_out(tmp_path, monkeypatch, capsys):
    """Which passes every other test of the residuals."""
    monkeypatch.chdir(tmp_path)
    time, drive, power = spiked()
    fit = spinrnn.identify_device(time, drive, power, fixed={"Q": 0.8})
    assert [check.key for check in fit.diagnosis.failed] == ["outliers"]
    assert [(one.case, one.sample) for one in fit.outliers] == [(0, 217)]
    assert fit.outliers[0].time == pytest.approx(time[217])
    assert fit.outliers[0].size == pytest.approx(0.15 / 0.02, rel=0.3)
    np.savez("spiked.npz", time=time, drive=drive, power=power)
    assert main(["identify", "spiked.npz", "--fix", "Q=0.8"]) == 1
    told = capsys.readouterr().out
    assert "case 0, sample 217 (5.425e-07 s)" in told
    assert "--without-outliers" in told
    assert main(["identify", "spiked.npz", "--fix", "Q=0.8", "--without-outliers"]) == 0
    assert "left out: case 0, sample 217" in capsys.readouterr().out
    without = spinrnn.identify_device(time, drive, power, fixed={"Q": 0.8}, without_outliers=True)
    power[217] = np.nan
    missing = spinrnn.identify_device(time, drive, power, fixed={"Q": 0.8})
    for name in missing.free:
        assert without.values[name] == pytest.approx(missing.values[name], rel=1e-6)
        assert without.errors[name] == pytest.approx(missing.errors[name], rel=1e-5)
    assert [one.left_out for one in without.outliers] == [True]
    assert without.report()["findings"]["outliers"]["value"] == [[0, 217]]


def test_noise_of_another_law_is_no_set_of_single_outliers():
    rng = np.random.default_rng(4)
    time, drive, power = device(rng, 400, noise=0.0)
    power = power + 0.02 * rng.standard_t(1.2, 400)
    power[0] = 0.25
    with np.errstate(all="ignore"):
        fit = spinrnn.identify_device(
            time, drive, power, fixed={"Q": 0.8}, without_outliers=True, free_scale=True
        )
    assert not fit.diagnosis.describes
    assert not any(one.left_out for one in fit.outliers)


def test_leverages_of_cases_are_those_of_whole_rows():
    rng, d, cases = np.random.default_rng(3), 2, 3
    case, inverse = np.repeat([0, 2], [4, 5]), rng.normal(size=(cases * d + 4, 9))
    rows = rng.normal(size=(len(case), d + 4))
    whole = np.zeros((len(case), len(inverse)))
    for i, number in enumerate(case):
        whole[i, number * d : (number + 1) * d] = rows[i, :d]
    whole[:, cases * d :] = rows[:, d:]
    problem = SimpleNamespace(cases=cases, model=SimpleNamespace(states=d))
    found = result_._leverages(case, rows, inverse, problem)
    np.testing.assert_allclose(found, np.sum((whole @ inverse) ** 2, axis=1), rtol=1e-12)
