"""Thermal noise of the device in a fit: the filter against plain lines, known values
that come back, and reasons where there is no interval."""

import json

import numpy as np
import pytest
from test_identify import levels, powers

import spinrnn
from spinrnn.cli.main import main
from spinrnn.identify import filtering, models, result, thermal, triangles
from spinrnn.identify import problem as problem_
from spinrnn.identify.problem import Solution
from spinrnn.identify.triangles import triangle
from spinrnn.recordings.measurement import measurement

TRUE = {"gamma": 1e8, "Q": 0.8, "bias": 1.9, "gain": 0.4e8}
H, ETA, READ = 2.5e-9, 2e-3, 0.01
SMALL = {"Q": 0.8, "gamma": 1e8, "scale": 1e-6}


def noisy(seed, samples=400, eta=ETA, read=READ, fine=25, bias=TRUE["bias"]):
    """(time, drive, power) of an oscillator with thermal noise and a noisy readout."""
    rng = np.random.default_rng(seed)
    gamma, q, gain = TRUE["gamma"], TRUE["Q"], TRUE["gain"]
    drive, p, dt = levels(rng, samples), 0.3, H / fine
    size, found = np.sqrt(gamma * eta * dt / 2), [0.3]
    for u in drive[:-1]:
        current = gamma * bias + gain * u
        a, c = current - gamma, current + gamma * q
        kept, bent = np.exp(a * dt), np.expm1(a * dt) / a
        for x, y in size * rng.normal(size=(fine, 2)):
            p = p * kept / (1 + c * p * bent)
            p = min((np.sqrt(p) + x) ** 2 + y**2, 1.0)
        found.append(p)
    return np.arange(samples) * H, drive, np.array(found) + read * rng.normal(size=samples)


# ---- the parts ----


def test_a_triangle_is_that_of_all_rows():
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(37, 5)) * 10.0 ** np.arange(-2, 3)
    found = None
    for part in np.split(rows, [3, 4, 20]):
        found = triangle(part, found)
    expected = np.linalg.qr(rows, mode="r")
    np.testing.assert_allclose(np.abs(found), np.abs(expected), rtol=1e-10, atol=1e-12)
    assert (np.tril(found, -1) == 0).all()
    assert np.isnan(triangle(np.full((3, 2), np.inf))).all()
    assert (triangle(np.zeros((4, 2))) == 0).all()


def test_an_arrow_has_the_lengths_and_angles_of_all_rows(monkeypatch):
    """Of cases that come in parts, and one that has fewer rows than columns; no factor
    on the way has columns of two cases.
    """
    rng, cases, own, common = np.random.default_rng(2), 5, 2, 3
    case = np.repeat([0, 1, 1, 2, 4], [6, 7, 8, 1, 9])
    rows = rng.normal(size=(len(case), own + common))
    dense = np.zeros((len(case), cases * own + common))
    for i, number in enumerate(case):
        dense[i, number * own : (number + 1) * own] = rows[i, :own]
    dense[:, cases * own :] = rows[:, own:]
    widths = []
    whole = triangles.triangle
    monkeypatch.setattr(
        triangles, "triangle", lambda r, *a: widths.append(r.shape[1]) or whole(r, *a)
    )
    arrow = triangles.Arrow(cases, own, common)
    for part in np.split(np.arange(len(case)), [4, 13, 20]):
        arrow.add(case[part], rows[part, :own], rows[part, own:])
    found = arrow.whole()
    np.testing.assert_allclose(found.T @ found, dense.T @ dense, rtol=1e-10, atol=1e-12)
    assert max(widths) == own + common
    arrow.add(np.array([3]), np.full((1, own), np.nan), np.zeros((1, common)))
    assert np.isnan(arrow.whole()[-1, -1])


def test_the_rule_has_the_moments_of_two_normal_numbers():
    r2, cosine, weight = filtering.rule()
    mean = lambda f: float(np.sum(weight * f))
    assert mean(np.ones_like(r2)) == pytest.approx(1)
    assert (mean(r2), mean(r2**2)) == pytest.approx((2, 8))
    x = np.sqrt(r2) * cosine
    assert (mean(x), mean(x**2), mean(x**4)) == pytest.approx((0, 1, 3))
    one, two = np.sqrt(r2) * (2 * cosine**2 - 1), np.sqrt(r2) * 2 * cosine * np.sqrt(1 - cosine**2)
    assert (mean(one**2), mean(two**2)) == pytest.approx((1, 1))
    assert (mean(one), mean(one * two)) == pytest.approx((0, 0), abs=1e-12)


def made(time, drive, power, **settings):
    """A problem, and a solution at the true values."""
    data = measurement(time, drive, power, **settings)
    model = models.model_of(None)
    known = {"Q": (0.8, 0.0), "scale": (1.2, 0.0), "readout_offset": (0.1, 0.0)}
    problem = problem_.Problem(data, known, "held", model)
    values = TRUE | {"scale": 1.2, "readout_offset": 0.1}
    return problem, Solution(values, np.array([[0.3]]), 1.0)


def test_the_filter_equals_its_formulas_in_plain_lines():
    """A step of half the length, a kick with mean 2 v and variance 4 p v + 4 v^2,
    another half; readings with a gain and an offset, one of them missing."""
    time, drive, power = noisy(2, 30)
    power = 0.1 + 1.2 * power
    power[7] = np.nan
    problem, solution = made(time, drive, power)
    own = thermal._Noisy(problem, solution)
    x = np.array([np.log(1e8), 1.9, 0.4e8, np.log(ETA), np.log(READ)])
    cost, found = own.run(x)
    p, c, total = 0.3, own.first[0, 0], 0.0
    v = 1e8 * ETA * H / 2
    for k in range(30):
        if k:
            for part in range(2):
                at = lambda start, u=drive[k - 1]: powers([H / 2], [u], *TRUE.values(), start)[1]
                slope = (at(p + 1e-30j)).imag / 1e-30
                p, c = at(p), c * slope**2
                if part == 0:
                    p, c = p + 2 * v, c + 4 * p * v + 4 * v * v
        assert found["mean"][0, k] == pytest.approx(0.1 + 1.2 * p, rel=1e-9)
        size = 1.44 * c + READ**2
        assert found["size"][0, k] == pytest.approx(size, rel=1e-8)
        if k != 7:
            wrong = power[k] - 0.1 - 1.2 * p
            total += np.log(2 * np.pi * size) + wrong**2 / size
            p, c = p + 1.2 * c / size * wrong, c - 1.44 * c * c / size
    assert cost == pytest.approx(total, rel=1e-9)


def test_the_curvature_is_that_of_second_derivatives():
    matrix = np.array([[3.0, 0.7, -0.2], [0.7, 2.0, 0.4], [-0.2, 0.4, 1.0]])
    f = lambda x: float(x @ matrix @ x / 2 + x.sum())
    found = thermal._curvature(f, np.array([0.1, -0.4, 2.0]), np.array([0.1, 0.3, 0.2]))
    np.testing.assert_allclose(found, matrix, rtol=1e-9)


@pytest.mark.parametrize(("kind", "name"), [("oscillator", "thermal_power"), ("ctrnn", None)])
def test_the_noise_quantity_of_a_kind_is_found(kind, name):
    neuron = models.model_of(kind).neuron
    if name is None:
        with pytest.raises(spinrnn.ConfigError, match="thermal: ctrnn has no thermal noise"):
            thermal.noise_name(neuron)
    else:
        assert thermal.noise_name(neuron) == name


# ---- known values come back ----


def test_thermal_noise_and_that_of_the_readout_come_back():
    """Of eight devices: as far from the true values as the errors say."""
    true = TRUE | {"thermal_power": ETA, "readout_noise": READ}
    far = {name: [] for name in true if name != "Q"}
    for seed in range(8):
        fit = spinrnn.identify_device(*noisy([seed, 5]), fixed={"Q": 0.8}, thermal=True)
        assert fit.thermal == "thermal_power"
        for name in far:
            log = name in ("thermal_power", "readout_noise")
            shift = np.log(fit.values[name] / true[name]) if log else fit.values[name] - true[name]
            error = fit.errors[name] / (fit.values[name] if log else 1.0)
            far[name].append(shift / error)
            low, high = fit.intervals[name]
            assert low < fit.values[name] < high
    for name, sizes in far.items():
        assert 0.3 < np.sqrt(np.mean(np.square(sizes))) < 2.0, name


def test_least_squares_alone_miss_what_thermal_noise_does(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    time, drive, power = noisy(3, 600)
    np.savez("hot.npz", time=time, drive=drive, power=power)
    assert main(["identify", "hot.npz", "--fix", "Q=0.8"]) == 1
    assert "--thermal fits it" in capsys.readouterr().out
    assert main(["identify", "hot.npz", "--fix", "Q=0.8", "--thermal", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    eta, read = (found["findings"][key] for key in ("thermal_power", "readout_noise"))
    assert eta["low"] < ETA < eta["high"]
    assert read["low"] < READ < read["high"]
    assert eta["unit"] == "1"
    assert set(found["tests"]) == {"correlation", "innovations"}
    plain = spinrnn.identify_device(time, drive, power, fixed={"Q": 0.8})
    hot = spinrnn.identify_device(time, drive, power, fixed={"Q": 0.8}, thermal=True)
    assert hot.errors["bias"] > 1.3 * plain.errors["bias"]


def test_an_uncertain_known_number_moves_the_others_as_another_value_does():
    data = noisy(4, 300)
    exact, off = (spinrnn.identify_device(*data, fixed={"Q": q}, thermal=True) for q in (0.8, 0.84))
    loose = spinrnn.identify_device(*data, fixed={"Q": (0.8, 0.04)}, thermal=True)
    for name in ("gamma", "bias"):
        shift = off.values[name] - exact.values[name]
        assert loose.errors[name] == pytest.approx(np.hypot(exact.errors[name], shift), rel=0.1)


def test_bounds_hold_with_thermal_noise_too():
    """The gain's own value is 4e7; what it is held at moves the others."""
    data, bounds = noisy(1, 200), {"gain": (1e7, 3e7)}
    fit = spinrnn.identify_device(*data, fixed={"Q": 0.8}, bounds=bounds, thermal=True)
    same = spinrnn.identify_device(*data, fixed={"Q": 0.8, "gain": 3e7}, thermal=True)
    assert fit.held == ("gain",)
    assert fit.values["gain"] == pytest.approx(3e7, rel=1e-9)
    for name in ("gain", "threshold"):
        assert "ends at" in fit.reasons[name]
        assert np.isnan([fit.errors[name], *fit.intervals[name]]).all()
    for name in ("gamma", "thermal_power"):
        assert fit.values[name] == pytest.approx(same.values[name], rel=1e-3)
        assert fit.errors[name] == pytest.approx(same.errors[name], rel=1e-2)


@pytest.mark.parametrize("hot", [False, True])
def test_bounds_far_away_change_nothing(hot):
    """Of an offset of 3e-7 in powers of 1e-6, between bounds of any width."""
    time, drive, power = noisy(1, 100)
    known = {"fixed": SMALL, "free": ["readout_offset"], "thermal": hot}
    free, fit = (
        spinrnn.identify_device(time, drive, 3e-7 + 1e-6 * power, **known, bounds=bounds)
        for bounds in ({}, {"readout_offset": (0, 1e-5 if hot else 1)})
    )
    assert (fit.held, fit.reasons) == ((), free.reasons)
    for name in free.free:
        assert fit.values[name] == pytest.approx(free.values[name], rel=1e-3)
        assert fit.errors[name] == pytest.approx(free.errors[name], rel=1e-2)


def test_a_bound_at_zero_holds():
    """Where nothing of the size of the value says how near is near."""
    time, drive, power = noisy(1, 100)
    fit = spinrnn.identify_device(
        time, drive, 3e-7 + 1e-6 * power, fixed=SMALL,
        free=["readout_offset"], bounds={"readout_offset": (-np.inf, 0)}, thermal=True,
    )  # fmt: skip
    assert fit.held == ("readout_offset",)
    assert fit.values["readout_offset"] == 0.0
    assert np.isfinite(fit.intervals["gamma"]).all()


# ---- no interval, but the reason ----


@pytest.mark.parametrize("hot", [False, True])
@pytest.mark.parametrize(("seed", "read"), [(3, READ), (5, 0.0)])
def test_no_interval_of_what_is_fitted_has_no_width(seed, read, hot):
    """With noise of the readout alone, and without any."""
    data, fixed = noisy(seed, 200, eta=0.0, read=read), {"Q": 0.8, "gain": 0.4e8}
    fit = spinrnn.identify_device(*data, fixed=fixed, thermal=hot)
    for name, (low, high) in fit.intervals.items():
        if name in fixed or name in ("scale", "readout_offset"):
            assert (low, high, fit.errors[name]) == (fit.values[name], fit.values[name], 0.0)
        elif name in fit.reasons:
            assert np.isnan([low, high]).all()
            assert fit.errors[name] != 0
        else:
            assert low < fit.values[name] < high
            assert fit.errors[name] > 0


def test_an_interval_holds_at_least_the_numbers_beside_its_value():
    problem, solution = made(*noisy(2, 30))
    errors = dict.fromkeys(solution.values, 0.0) | {"gain": 1e-30}
    found = result.intervals_of(problem, solution.values, errors, 2.0, {})[0]
    assert found["gamma"] == (np.nextafter(1e8, 0), np.nextafter(1e8, np.inf))
    assert found["gain"] == (np.nextafter(0.4e8, 0), np.nextafter(0.4e8, np.inf))
    assert found["Q"] == (0.8, 0.8)


def test_a_likelihood_that_is_level_along_the_noise_leaves_it_where_it_is(monkeypatch):
    """The others have the intervals of what they are without it."""
    own = thermal._Noisy(*made(*noisy(2, 30)))
    x = np.array([np.log(1e8), 1.9, 0.4e8, -20.0, np.log(READ)])
    scale = np.array([0.1, 0.1, 1e6, 0.3, 0.3])
    moves = [0, 1, 2, 4]
    monkeypatch.setattr(own, "cost", lambda y: float(np.sum(((y - x) / scale)[moves] ** 2)))
    found = thermal._information(own, x, scale, True)
    np.testing.assert_allclose(found, np.diag(scale**2 * [1, 1, 1, 0, 1]), rtol=1e-6, atol=1e-6)
    assert np.isnan(thermal._information(own, x, scale, False)).all()


def test_without_thermal_noise_it_has_no_interval():
    fit = spinrnn.identify_device(*noisy(5, eta=0.0), fixed={"Q": 0.8}, thermal=True)
    assert "as likely without thermal noise" in fit.reasons["thermal_power"]
    assert np.isnan(fit.intervals["thermal_power"]).all()
    assert np.isfinite(fit.intervals["gamma"]).all()


def test_near_zero_power_there_is_the_reason_in_place_of_intervals():
    """Below the threshold the law of the power is exponential."""
    data = noisy(6, eta=2e-2, bias=0.8)
    fit = spinrnn.identify_device(*data, fixed={"Q": 0.8}, thermal=True)
    assert "its law under thermal noise is no normal one" in fit.reasons["gamma"]
    assert all(np.isnan(fit.intervals[name]).all() for name in fit.free)
    assert fit.intervals["Q"] == (0.8, 0.8)
