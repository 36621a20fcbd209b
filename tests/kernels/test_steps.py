"""Time stepping against theory: the closed form of one neuron, fixed points and rates,
and the convergence of coupled networks.
"""

import decimal

import numpy as np
import pytest
from convergence import KINDS, errors, order

import spinrnn
from spinrnn.kernels import arithmetic, authors, compiling
from spinrnn.neurons import oscillator


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
    """Closed form of eq. (1) for a constant drive, in units of gamma, after time t; in
    extended precision, without overflow care.
    """
    a, c = np.longdouble(drive) - 1, np.longdouble(drive) + q
    phi = np.expm1(a * t) / a if a else np.longdouble(t)
    return p * np.exp(a * t) / (1 + c * p * phi)


@pytest.mark.parametrize("q", [0.0, 0.7])
@pytest.mark.parametrize("substeps", [1, 4, 32])
def test_one_neuron_follows_the_closed_form(q, substeps):
    """At each input point the drive jumps: up, slightly above and below and exactly at
    threshold, negative, and far up. The step is exact for any h.
    """
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
    """p* = (xi - 1)/(xi + Q); small deviations decay at I - gamma for any Q; an
    undriven oscillator at gamma.
    """
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
    """Far below threshold the power underflows to 0, which is a fixed point; strong
    drive after that must not make 0/0.
    """
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
    """Denormals, zero, what is beyond the range, infinities and NaN; each among others,
    as vectors share their instructions.
    """
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
    """Where n jumps, and where the third function changes from its series to the
    difference (x = ln 2 / 2), nothing else may.
    """
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


# ---- one step, and its derivatives ----


def exact_step(p, drive, g, gq, h):
    """(p', dp'/dp, dp'/dI) of eq. (5) in 300 digits; derivatives by differences."""

    def step(p, drive):
        a, c = drive - g, drive + gq
        grown = (a * h).exp()
        phi = (grown - 1) / a
        return p * grown / (1 + c * p * phi)

    with decimal.localcontext(decimal.Context(300, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX)):
        p, drive, g, gq, h = (decimal.Decimal(float(x)) for x in (p, drive, g, gq, h))
        small = decimal.Decimal("1e-100")
        results = (
            step(p, drive),
            (step(p + small * p, drive) - step(p, drive)) / (small * p),
            (step(p, drive + small * drive) - step(p, drive)) / (small * drive),
        )
        # below the smallest number a float has none of
        return [float(x) if abs(x) > decimal.Decimal("1e-320") else 0.0 for x in results]


strong_step = authors.compiled(oscillator.strong_exponential)


@compiling.kernel
def all_steps(p, drive, g, gq, h, results):
    one = p.dtype.type(1)
    for i in range(p.size):
        after, slopes, by_drive, _ = strong_step((g, gq), p[:0], h, (p[i],), drive[i], one)
        results[i, 0], results[i, 1], results[i, 2] = after[0], slopes[0][0], by_drive[0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_step_and_its_derivatives_for_drives_of_any_strength(dtype):
    """Both signs, from a hundredth of gamma to 1e17, for powers from the floor to 1."""
    g, gq, h = dtype(1.25), dtype(0.5), dtype(0.25)
    strengths = np.concatenate([np.logspace(-2, 6, 33), [1e8, 1e12, 1e17]])
    drives, powers = np.concatenate([strengths, -strengths]), [1e-6, 0.01, 0.3, 0.9, 0.9999, 1.0]
    drive, p = (x.ravel().astype(dtype) for x in np.meshgrid(drives, powers))
    results = np.empty((p.size, 3), dtype)
    all_steps(p, drive, g, gq, h, results)
    exact = np.array([exact_step(*pair, g, gq, h) for pair in zip(p, drive, strict=True)])
    eps = float(np.finfo(dtype).eps)
    # results near the smallest numbers are no longer exact, but as good as zero
    least = 1e-20 if dtype == np.float32 else 1e-190
    x = np.abs(drive.astype(float) - float(g)) * float(h)
    # up to |a| h = 8 terms of order h cancel to one of 1 / x^2, above nothing does
    bound = eps * np.where(x > 8, 8 + x * (x < 90), 200)
    for column, name in enumerate(("p'", "dp'/dp", "dp'/dI")):
        seen, right = results[:, column].astype(float), exact[:, column]
        near = np.abs(seen - right) <= bound * np.abs(right) + least
        where = np.flatnonzero(~near)[:5]
        assert near.all(), (name, p[where], drive[where], seen[where], right[where])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["ideal", "spread", "noisy"])
def test_a_case_does_not_see_that_another_is_driven_strongly(kind, dtype):
    """A strong drive changes how a level is computed, but nobody else's bits."""
    changes = {
        "ideal": {},
        "spread": {"spread_gamma": 0.2, "spread_gain": 0.1},
        "noisy": {"thermal_power": 1e-3},
    }[kind]
    config = spinrnn.NetworkConfig(layers=(5, 3), dtype=dtype, substeps=2, **changes)
    net = spinrnn.Network(config, seed=1)
    u = np.random.default_rng(0).normal(size=(8, 1, 6))
    labels = np.arange(8)
    alone = net.forward(u)
    mixed = u.copy()
    mixed[3, 0, 2:] = 1e6
    beside = np.delete(np.arange(8), 3)
    np.testing.assert_array_equal(net.forward(mixed)[beside], alone[beside])
    assert (net.forward(mixed)[3] != alone[3]).any()
    # of the strong case the last three points do not count
    lengths = np.where(np.arange(8) == 3, 2, 6)
    np.testing.assert_array_equal(
        net.loss_and_grad(mixed, labels, lengths)[1], net.loss_and_grad(u, labels, lengths)[1]
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_saturated_neurons_pass_no_gradient(dtype):
    """Inputs of 1e20: p' = 1 whatever the weights are."""
    net = spinrnn.Network(spinrnn.NetworkConfig(layers=(4, 3), dtype=dtype), seed=0)
    u = np.full((3, 1, 4), 1e20)
    u[1] *= -1
    loss, gradient = net.loss_and_grad(u, [0, 1, 2])
    blocks = net.layout.named(gradient)
    assert np.isfinite(loss)
    assert np.abs(blocks["w_ext_0"]).max() < 1e-10
    assert np.abs(blocks["w_out"]).max() > 1e-3
    power = net.simulate(u).state[0]
    assert (power <= 1).all()
    assert (power >= np.dtype(dtype).type(1e-6)).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("spread", [0.0, 0.1])
def test_a_neuron_whose_power_has_died_passes_no_gradient(dtype, spread):
    """Without a floor a strong negative drive ends at 0, where a strong positive one
    has the slope exp(|a| h).
    """
    config = spinrnn.NetworkConfig(
        layers=(2,), outputs=2, power_floor=0.0, substeps=2, dtype=dtype, spread_gamma=spread
    )
    net = spinrnn.Network(config, seed=0)
    net.parameters[:] = 0
    net.views()["w_ext"][0][:] = [[1], [0]]
    net.views()["bias"][0][:] = 0.5
    net.views()["w_out"][:] = [[1, 2], [3, 5]]
    net.views()["w_int"][0][:] = [[0.1, 0.2], [0.3, 0.1]]
    u = np.concatenate([np.full(12, -1e3), np.full(12, 1e2)]).reshape(1, 1, -1)
    power = net.simulate(u).state[0][0]
    assert power[0, -1] == 0
    assert power[1, -1] > 0.3
    gradient = net.loss_and_grad(u, [0])[1]
    assert np.isfinite(gradient).all()
    # as if the dead neuron were none: that of the other one, by central differences
    place = net.layout.blocks["bias_0"][0].start + 1
    wide = net.replace(dtype="float64")
    slope = []
    for shift in (1e-6, -1e-6):
        other = wide.replace()
        other.parameters[place] += shift
        slope.append(other.loss(u, [0]))
    assert gradient[place] == pytest.approx((slope[0] - slope[1]) / 2e-6, rel=1e-3)
    assert abs(gradient[place - 1]) < 1e-30
