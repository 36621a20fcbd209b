"""Time stepping against theory: the closed form of one neuron, fixed points and rates, and the convergence of coupled networks."""

import numpy as np
import pytest
from convergence import KINDS, errors, order

import spinrnn
from spinrnn.kernels import arithmetic, compiling


def single(drive_weight, **changes):
    """One uncoupled oscillator whose drive is xi_0 + drive_weight u."""
    config = spinrnn.NetworkConfig(
        layers=(1,), inputs=1, outputs=1, dtype="float64", power_floor=0.0, **changes
    )
    net = spinrnn.Network(config)
    net.parameters[:] = 0
    net.views()["w_ext"][0][:] = drive_weight
    return net


def logistic(p, drive, q, t):
    """Closed form of eq. (1) for a constant drive, in units of gamma, after time t; in extended precision, without overflow care."""
    a, c = np.longdouble(drive) - 1, np.longdouble(drive) + q
    phi = np.expm1(a * t) / a if a else np.longdouble(t)
    return p * np.exp(a * t) / (1 + c * p * phi)


@pytest.mark.parametrize("q", [0.0, 0.7])
@pytest.mark.parametrize("substeps", [1, 4, 32])
def test_one_neuron_follows_the_closed_form(q, substeps):
    """At each input point the drive jumps: up, slightly above and below and exactly at threshold, negative, and far up. The step is exact for any h."""
    net = single(1.0, nonlinear_damping=q, substeps=substeps, input_interval=17e-9)
    drives = np.array(
        [2.0, 3.5, 1.0, 1.0 + 1e-9, 1.0 - 1e-6, 0.999, 0.3, 0.0, -0.8, 2.5, 1.0005, 12.0]
    )
    power = net.simulate((drives - 2).reshape(1, 1, -1)).state[0][0, 0, ::substeps]
    expected = [1 / (2 + q)]
    for drive in drives:
        expected.append(logistic(expected[-1], drive, q, 1.7))
    np.testing.assert_allclose(power, np.array(expected, dtype=float), rtol=1e-12, atol=0)


def test_fixed_point_and_the_rates_around_it():
    """p* = (xi - 1)/(xi + Q); small deviations decay at I - gamma for any Q; an undriven oscillator at gamma."""
    for xi, q in ((2.0, 0.0), (3.0, 0.0), (1.5, 2.0)):
        net = single(1.0, bias_ratio=xi, nonlinear_damping=q, substeps=50)
        resting = net.simulate(np.zeros((1, 1, 3))).state[0]
        np.testing.assert_allclose(resting, (xi - 1) / (xi + q), rtol=1e-14)
        p = net.simulate(np.array([[[1e-5] + [0.0] * 4]])).state[0][0, 0] - (xi - 1) / (xi + q)
        assert np.log(p[100] / p[200]) / 2 == pytest.approx(xi - 1, rel=1e-4)
    net = single(1.0, substeps=4)
    p = net.simulate(np.full((1, 1, 12), -2.0)).state[0][0, 0]
    np.testing.assert_allclose(p[-1] / p[-5], np.exp(-1), rtol=1e-4)


def test_the_exponential_step_stays_in_bounds_for_any_drive():
    for dtype in ("float32", "float64"):
        net = single(1.0, substeps=1, input_interval=1e-6).replace(dtype=dtype, power_floor=1e-6)
        u = (
            np.random.default_rng(0).uniform(-1, 1, (50, 1, 40))
            * np.logspace(-2, 6, 50)[:, None, None]
        )
        power = net.simulate(u).state[0]
        assert (power >= np.dtype(dtype).type(1e-6)).all()
        assert (power <= 1).all()


def test_without_a_floor_the_power_dies_and_stays_finite():
    """Far below threshold the power underflows to 0, which is a fixed point; strong drive after that must not make 0/0."""
    for dtype in ("float32", "float64"):
        net = single(1.0, substeps=1, input_interval=1e-6).replace(dtype=dtype, power_floor=0.0)
        power = net.simulate(np.array([[[-50.0] * 30 + [500.0] * 3]])).state[0][0, 0]
        assert power[30] < 1e-37
        assert np.isfinite(power).all()


def test_high_pass_filter_removes_the_mean():
    """A step of the mean power is forgotten with the time tau_hp, eq. (2)."""
    net = single(1.0, highpass_time=30e-9, substeps=16)
    y = net.simulate(np.ones((1, 1, 40))).output[0][0, 0]
    np.testing.assert_allclose(y[-1] / y[-17], np.exp(-10 / 30), rtol=1e-6)


@pytest.mark.parametrize(("neuron", "scheme"), KINDS)
def test_coupled_networks_converge_with_their_order(neuron, scheme):
    """Against DOP853 restarted at each input point (tests/convergence.py draws the figure)."""
    substeps, distances = errors(neuron, scheme)
    assert order(substeps, distances) == pytest.approx(
        {"euler": 1.0, "exponential": 2.0}[scheme], abs=0.1
    )


# ---- exp(-x) ----


@compiling.kernel
def all_decays(x, kept, lost, curved):
    for i in range(x.size):
        kept[i], lost[i], curved[i] = arithmetic.decay(x[i])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_decay_is_accurate_over_the_whole_range(dtype):
    largest = 87 if dtype == np.float32 else 708
    x = np.concatenate(
        [np.logspace(-25, np.log10(largest), 40000), np.linspace(0.2, largest, 40000)]
    ).astype(dtype)
    results = [np.empty_like(x) for _ in range(3)]
    all_decays(x, *results)
    wide = x.astype(np.longdouble)
    series = sum((-wide) ** n / np.longdouble(np.prod(np.arange(1.0, n + 3))) for n in range(20))
    exact = (
        np.exp(-wide),
        -np.expm1(-wide) / wide,
        np.where(wide < 0.5, series, (np.expm1(-wide) + wide) / wide**2),
    )
    for result, reference, ulps in zip(results, exact, (2, 3, 8), strict=True):
        assert np.max(np.abs(result / reference - 1)) < ulps * np.finfo(dtype).eps
    for i, special in enumerate(np.array([0, np.nan, 1e6], dtype)):
        kept, lost, curved = (np.empty(1, dtype) for _ in range(3))
        all_decays(np.array([special]), kept, lost, curved)
        expected = [(1, 1, 0.5), (np.nan,) * 3, (0, 1e-6, 1e-6)][i]
        np.testing.assert_allclose([kept[0], lost[0], curved[0]], expected, rtol=2e-6, atol=1e-37)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_decay_at_the_ends_of_the_range(dtype):
    """Denormals, zero, what is beyond the range, infinities and NaN; each among others, as vectors share their instructions."""
    info, largest = np.finfo(dtype), 87 if dtype == np.float32 else 708
    tiny = [
        0.0,
        info.smallest_subnormal,
        info.tiny / 3,
        info.tiny,
        1e-30,
        1e-28,
        info.eps / 4,
        info.eps,
    ]
    large = [
        largest - 1e-3,
        largest,
        np.nextafter(dtype(largest), dtype(np.inf)),
        largest + 20,
        1e10,
        info.max / 4,
        info.max,
    ]
    x = np.array([*tiny, np.nan, *large, np.inf, 0.5, 1.0], dtype)
    kept, lost, curved = (np.empty_like(x) for _ in range(3))
    all_decays(x, kept, lost, curved)
    n = len(tiny)
    for result, limit in ((kept, 1), (lost, 1), (curved, 0.5)):
        np.testing.assert_allclose(result[:n], limit, rtol=2 * info.eps)
        assert np.isnan(result[n])
    beyond = slice(n + 1, n + 1 + len(large))
    assert (kept[beyond] >= 0).all()
    assert (kept[beyond] <= np.exp(-largest + 1e-2)).all()
    assert (kept[beyond][2:] <= kept[beyond][1]).all()
    wide = x[beyond].astype(np.longdouble)
    np.testing.assert_allclose(lost[beyond], 1 / wide, rtol=8 * float(info.eps), atol=info.tiny)
    np.testing.assert_allclose(
        curved[beyond], (1 - 1 / wide) / wide, rtol=8 * float(info.eps), atol=info.tiny
    )
    assert kept[-3] <= np.exp(-dtype(largest)) * 1.01
    assert lost[-3] == 0
    np.testing.assert_allclose(
        [kept[-2], lost[-2], kept[-1], lost[-1]],
        [np.exp(-0.5), 2 - 2 * np.exp(-0.5), np.exp(-1), 1 - np.exp(-1)],
        rtol=4 * info.eps,
    )


def test_decay_around_the_ends_of_the_range_reduction():
    """Where n jumps, and where the third function changes from its series to the difference (x = ln 2 / 2), nothing else may."""
    for dtype in (np.float32, np.float64):
        edges = np.concatenate([(np.arange(20) + 0.5) * np.log(2), [1e-30, 1e-300]]).astype(dtype)
        below, above = np.nextafter(edges, dtype(0)), np.nextafter(edges, dtype(np.inf))
        x = np.concatenate(
            [np.nextafter(below, dtype(0)), below, edges, above, np.nextafter(above, dtype(np.inf))]
        )
        kept, lost, curved = (np.empty_like(x) for _ in range(3))
        all_decays(x, kept, lost, curved)
        wide, few = x.astype(np.longdouble), 8 * np.finfo(dtype).eps
        series = sum(
            (-wide) ** n / np.longdouble(np.prod(np.arange(1.0, n + 3))) for n in range(20)
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(wide > 1e-20, -np.expm1(-wide) / wide, 1)
            exact = np.where(wide < 0.5, series, (np.expm1(-wide) + wide) / wide**2)
        for result, reference in ((kept, np.exp(-wide)), (lost, mean), (curved, exact)):
            np.testing.assert_allclose(result, reference.astype(float), rtol=float(few))
