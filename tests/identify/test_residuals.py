"""Tests of residuals against textbook forms, and each suspect with its sign, size and
share."""

import numpy as np
import pytest
from scipy import stats

import spinrnn
from spinrnn.identify import residuals
from spinrnn.identify.residuals import Suspect, diagnose

TRUE = {"gamma": 1e8, "Q": 0.8, "bias": 1.7, "gain": 0.4e8}
STEP = 2.5e-9
"""s between samples, a quarter of the relaxation time."""


def sample(seed, count=60, fitted=3, noise=1.0):
    """(residual (1, count) of a linear fit, jacobian, suspect's direction, target)."""
    rng = np.random.default_rng(seed)
    jacobian, direction = rng.normal(size=(count, fitted)), rng.normal(size=count)
    direction += jacobian[:, 0]
    target = noise * rng.normal(size=count) + 0.3 * direction
    fit = np.linalg.lstsq(jacobian, target, rcond=None)[0]
    return (target - jacobian @ fit)[None], jacobian, direction, target


def nested(jacobian, direction, target):
    """(coefficient, its standard error for a variance of 1, sums of squares without and
    with) of the fit with the direction as one more column."""
    both = np.column_stack([jacobian, direction])
    values = np.linalg.lstsq(both, target, rcond=None)[0]
    error = np.sqrt(np.linalg.inv(both.T @ both)[-1, -1])
    without = target - jacobian @ np.linalg.lstsq(jacobian, target, rcond=None)[0]
    return values[-1], error, without @ without, np.sum((target - both @ values) ** 2)


@pytest.mark.parametrize(("factor", "sign"), [(2.0, 1), (-2.0, -1)])
def test_a_suspect_of_unknown_noise_is_an_f_test_of_one_more_column(factor, sign):
    e, jacobian, direction, target = sample(1)
    suspect = Suspect("key", "name", direction, factor, "unit")
    check = diagnose(e, jacobian, [suspect], False, np.zeros_like(e)).checks[-1]
    value, error, without, with_it = nested(jacobian, direction, target)
    freedom = 60 - 3 - 1
    ratio = (without - with_it) / (with_it / freedom)
    assert check.p == pytest.approx(stats.f.sf(ratio, 1, freedom))
    assert check.estimate == pytest.approx(sign * 2 * value)
    assert check.error == pytest.approx(2 * error * np.sqrt(with_it / freedom))
    assert check.share == pytest.approx(1 - with_it / without)
    assert (check.name, check.unit, check.key) == ("name", "unit", "key")


def test_a_suspect_of_known_noise_is_a_chi_square_test():
    e, jacobian, direction, target = sample(2)
    suspect = Suspect("key", "name", direction, 1.0, "1")
    found = diagnose(e, jacobian, [suspect], True, np.zeros_like(e))
    value, error, without, with_it = nested(jacobian, direction, target)
    check = found.checks[-1]
    assert check.p == pytest.approx(stats.chi2.sf(without - with_it, 1))
    assert (check.estimate, check.error) == pytest.approx((value, error))
    assert found.chi_square == pytest.approx(without)
    assert found.freedom == 57
    size = found.checks[1]
    assert (size.name, size.key) == ("size against the noise", "noise_size")
    assert size.p == pytest.approx(stats.chi2.sf(without, 57))


def test_the_correlation_is_tested_as_ljung_and_box_do():
    """Two cases with a hole: pairs across it and across cases do not count."""
    rng = np.random.default_rng(3)
    e = rng.normal(size=(2, 50))
    e[0, 20], e[1, 40:] = np.nan, np.nan
    found = diagnose(e, rng.normal(size=(89, 2)), [], False, np.zeros_like(e))
    variance, terms = np.nanmean(e**2), 0.0
    for lag in range(1, 13):
        products = e[:, lag:] * e[:, :-lag]
        r = np.nanmean(products) / variance
        terms += np.isfinite(products).sum() * r**2
        assert found.correlation[lag - 1] == pytest.approx(r)
    assert len(found.correlation) == 12
    assert found.checks[0].p == pytest.approx(stats.chi2.sf(terms, 12))
    long = rng.normal(size=(1, 400))
    assert len(diagnose(long, np.ones((400, 1)), [], False, long * 0).correlation) == 20


@pytest.mark.parametrize(("p", "describes"), [(0.0049, False), (0.0051, True)])
def test_each_of_two_tests_has_half_of_a_hundredth(monkeypatch, p, describes):
    e, jacobian, direction, _ = sample(4)
    monkeypatch.setattr(residuals.stats.f, "sf", lambda *_: p)
    monkeypatch.setattr(residuals.stats.chi2, "sf", lambda *_: 0.5)
    suspect = Suspect("key", "name", direction, 1.0, "1")
    assert diagnose(e, jacobian, [suspect], False, np.zeros_like(e)).describes == describes


@pytest.mark.parametrize(("size", "overstated"), [(0.005, True), (0.02, False), (0.995, False)])
def test_noise_is_overstated_where_chance_makes_so_little_in_one_of_100_data(size, overstated):
    rng = np.random.default_rng(5)
    jacobian, e = rng.normal(size=(50, 2)), rng.normal(size=(1, 50))
    e *= np.sqrt(stats.chi2.ppf(size, 48) / np.sum(e**2))
    assert diagnose(e, jacobian, [], True, np.zeros_like(e)).overstated == overstated
    assert not diagnose(e, jacobian, [], False, np.zeros_like(e)).overstated


@pytest.mark.parametrize(("steps", "rounding"), [(29.0, True), (31.0, False)])
def test_residuals_below_thirty_steps_of_the_resolution_are_rounding(steps, rounding):
    e = 1e-6 * (-1.0) ** np.arange(40)[None]
    found = diagnose(e, np.ones((40, 1)), [], False, np.full(e.shape, 1e-6 / steps))
    assert found.rounding == rounding
    assert found.describes == rounding, "correlated from sample to sample"


def test_what_the_fit_imitates_is_no_suspect():
    e, jacobian, direction, _ = sample(6)
    for part, tested in ((1e-6, False), (1e-4, True)):
        mixed = jacobian @ [1.0, 2.0, 3.0]
        mixed = mixed + part * np.linalg.norm(mixed) / np.linalg.norm(direction) * direction
        suspect = Suspect("key", "name", mixed, 1.0, "1")
        checks = diagnose(e, jacobian, [suspect], False, np.zeros_like(e)).checks
        assert (len(checks) == 2) == tested


def test_suspects_that_failed_stand_first_the_one_that_explains_most_at_the_head():
    checks = [
        residuals.Check("correlation in time", 1e-9, False),
        residuals.Check("little", 1e-5, False, 0.1),
        residuals.Check("right", 0.5, True, 0.9),
        residuals.Check("much", 1e-4, False, 0.3),
    ]
    found = residuals.Diagnosis(False, False, checks, None, 1, False, np.zeros(1))
    assert [check.name for check in found.failed] == ["much", "little", "correlation in time"]


# ---- suspects ----


def power_of(drive, rate, inner, start=0.3, more=0.0, by_state=0.0):
    """(sample,) power for I = rate(drive) held over inner steps of each sample, by
    Runge and Kutta's rule; more: damping by p^2 beyond Q p; by_state: what the gain of
    the drive grows by with p."""
    gamma, q = TRUE["gamma"], TRUE["Q"]
    p, found, h = start, [start], STEP / inner

    def slope(p, current):
        current += by_state * (current - gamma * TRUE["bias"]) * p
        return -gamma * (1 + q * p + more * p * p) * p + current * p * (1 - p)

    for k in range(len(drive) - 1):
        for current in rate(k):
            a = slope(p, current)
            b = slope(p + h / 2 * a, current)
            c = slope(p + h / 2 * b, current)
            p += h / 6 * (a + 2 * b + 2 * c + slope(p + h * c, current))
        found.append(p)
    return np.array(found)


SIZES = {
    "drive_lag": (0.05 * STEP, "s"),
    "drive_saturation": (2e-3, "1/drive"),
    "gain_state": (3e-3, "1"),
    "damping": (0.02, "1"),
    "readout_lag": (0.05 * STEP, "s"),
    "readout_offset": (1e-3, "unit of power"),
    "fixed_scale": (-2e-3, "unit of power"),
    "fixed_q": (0.01, "1"),
}


# a drive cannot come early
@pytest.mark.parametrize(
    ("key", "sign"),
    [(key, sign) for key in SIZES for sign in (1, -1) if (key, sign) != ("drive_lag", -1)],
)
def test_a_small_fault_is_estimated_with_its_sign_and_explains_all(key, sign):
    """Without noise and to first order; the delay of a held drive is taken as spread
    over the sample, which costs a tenth."""
    size, unit = SIZES[key]
    size = sign * size
    rng = np.random.default_rng(7)
    drive = np.repeat(rng.normal(size=60), 5)
    inner = 20
    currents = TRUE["gamma"] * TRUE["bias"] + TRUE["gain"] * drive
    late = round(size / STEP * inner) if key == "drive_lag" else 0
    if key == "drive_saturation":
        currents = TRUE["gamma"] * TRUE["bias"] + TRUE["gain"] * (drive - size * drive * abs(drive))

    def rate(k):
        return [currents[max(k - 1, 0)]] * late + [currents[k]] * (inner - late)

    own = {"damping": {"more": size}, "gain_state": {"by_state": size / 0.4019}}
    power = power_of(drive, rate, inner, **own.get(key, {}))
    fixed = {"Q": TRUE["Q"]}
    if key == "readout_lag":
        power[1:] -= size / STEP * np.diff(power)
    elif key == "readout_offset":
        power += size
    elif key == "fixed_scale":
        power *= 1 + size
    elif key == "fixed_q":
        fixed = {"Q": TRUE["Q"] - size, "gain": TRUE["gain"], "bias": TRUE["bias"]}
    time = STEP * np.arange(len(drive))
    # a share of the gain has its sign also where the gain is negative
    given = -drive if key == "gain_state" else drive
    found = spinrnn.identify_device(time, given, power, fixed=fixed).diagnosis
    check = next(check for check in found.checks if check.key == key)
    assert check.estimate == pytest.approx(size, rel=0.1 if key == "drive_lag" else 0.05)
    assert check.share > 0.99
    assert check.unit == unit
    assert not check.passed
    assert found.failed[0].share == max(c.share or 0 for c in found.checks)


def test_what_pulls_another_kind_back_otherwise_is_estimated():
    """By the square of its state, either way, as a share of the largest drive."""
    size, inner, s = 3e-3, 20, 0.0
    drive = np.repeat(np.random.default_rng(7).normal(size=60), 5)
    power, forced = np.zeros(300), 0.9 * np.abs(drive).max()
    for k, u in enumerate(drive[:-1]):
        for _ in range(inner):
            share = s / 0.9269
            current = -0.9 * u + 0.2 - size * forced * share * abs(share)
            s += -np.expm1(-STEP / inner / 1e-8) * (np.tanh(current) - s)
        power[k + 1] = s
    assert np.abs(power).max() == pytest.approx(0.9269, abs=0.001)
    time, free = STEP * np.arange(300), ["drive_gain", "drive_offset"]
    known = {"neuron": "ctrnn", "free": free, "fixed": {"readout_gain": 2.0}}
    fit = spinrnn.identify_device(time, drive, 2 * power, **known)
    check = next(check for check in fit.diagnosis.checks if check.key == "damping")
    assert check.estimate == pytest.approx(size, rel=0.05)
    assert check.share > 0.99
    assert not check.passed


def test_a_late_linear_drive_is_estimated_too():
    """Sampled at the times, delayed by a tenth of a sample."""
    time = STEP * np.arange(400)
    wave = lambda t: np.sin(0.4e8 * t) + 0.5 * np.sin(0.15e8 * t)
    inner, late = 200, 0.1 * STEP
    fine = STEP / inner * (np.arange(inner) + 0.5)
    currents = lambda k: TRUE["gamma"] * TRUE["bias"] + TRUE["gain"] * wave(time[k] + fine - late)
    power = power_of(time, currents, inner)
    fit = spinrnn.identify_device(
        time, wave(time), power, fixed={"Q": TRUE["Q"]}, drive_between="linear"
    )
    check = next(c for c in fit.diagnosis.checks if c.key == "drive_lag")
    assert check.estimate == pytest.approx(late, rel=0.1)


def test_what_is_fixed_is_a_suspect_with_an_uncertainty_too():
    rng = np.random.default_rng(8)
    drive = np.repeat(rng.normal(size=60), 5)
    currents = TRUE["gamma"] * TRUE["bias"] + TRUE["gain"] * drive
    power = power_of(drive, lambda k: [currents[k]] * 5, 5) + 0.01 * rng.normal(size=300)
    time = STEP * np.arange(300)
    for given, name in ((0.8, "Q is not 0.8"), ((0.8, 0.1), "Q is not 0.8 (± 0.1)")):
        fit = spinrnn.identify_device(time, drive, power, fixed={"Q": given, "bias": (1.7, 0.1)})
        found = {check.key: check for check in fit.diagnosis.checks}
        fixed = {"fixed_q", "fixed_bias", "fixed_scale"}
        assert {key for key in found if key.startswith("fixed")} == fixed
        assert found["fixed_q"].name == name
        assert fit.diagnosis.describes
