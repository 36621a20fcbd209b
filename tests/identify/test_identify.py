"""Identification of a device: derivatives, recovery of known values within the
intervals, what data cannot tell, and wrong models told."""

import json
import math
import os
import subprocess
import sys
import time as clock
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import refused

import spinrnn
from spinrnn.cli.main import main
from spinrnn.identify import arguments, models, oscillator, residuals
from spinrnn.identify import figures as figures_
from spinrnn.identify import fit as fit_
from spinrnn.identify import problem as problem_
from spinrnn.identify import sensitivity as response
from spinrnn.recordings import measurement as measured

TRUE = {"gamma": 1e8, "Q": 0.8, "bias": 1.7, "gain": 0.4e8}
"""1/s, 1, 1, 1/s for one unit of drive."""
STEP = 2.5e-9
"""s between samples, a quarter of the relaxation time."""


def powers(durations, drive, gamma, q, bias, gain, start, pieces=1, kick=0.0, floor=0.0):
    """(sample,) power of one oscillator by the closed form of eq. (1), also for complex
    parameters."""
    p, found = start, [start]
    for h, u, more in zip(durations, drive, np.broadcast_to(kick, len(drive)), strict=True):
        current = gamma * bias + gain * u + more
        x, c = (current - gamma) * h, current + gamma * q
        phi = (
            sum(x**n / math.factorial(n + 1) for n in range(12))
            if abs(x) < 0.1
            else (np.exp(x) - 1) / x
        )
        p = p * np.exp(x) / (1 + c * p * h * phi)
        p = p if p.real > floor else floor
        found.append(p)
    return np.array(found[::pieces])


def levels(rng, samples, each=5):
    """(sample,) drive that takes a new value at every fifth sample."""
    return np.repeat(rng.normal(size=-(-samples // each)), each)[:samples]


def device(rng, samples=600, noise=0.02, start=0.25, time=None, drive=None, **changes):
    """(time, drive, measured power) of a device that eq. (1) describes, with
    independent noise."""
    time = np.arange(samples) * STEP if time is None else time
    drive = levels(rng, samples) if drive is None else drive
    p = powers(np.diff(time), drive[:-1], *(TRUE | changes).values(), start)
    return time, drive, p + noise * rng.normal(size=samples)


# ---- derivatives ----


def forward(durations, drive, pieces, kicks, numbers, floor, start):
    """(power, derivatives by gamma, Q, bias, gain, the first power and the kicks)."""
    model = models.model_of(None, floor=floor)
    values = dict(zip(TRUE, numbers, strict=True))
    return stepped(model, durations, drive, pieces, kicks, values, start[:, None])


def stepped(model, durations, drive, pieces, kicks, values, start):
    """(the measured state, derivatives) by the compiled loop of a model's kind."""
    made = model.calibrated([values] * len(drive))
    d, wide = model.states, len(model.inner) + model.states + kicks.shape[2]
    slopes = np.zeros((len(drive), d, wide))
    slopes[:, :, len(model.inner) : len(model.inner) + d] = np.eye(d)
    p = np.empty((len(drive), drive.shape[1] // pieces + 1))
    by, count = np.empty((*p.shape, wide)), len(model.number_names)
    loop = response.response(model.functions, d, count, model.kind)
    own = made.by_q, made.level, made.by_level, made.gain, made.by_gain
    at = np.ascontiguousarray(durations), np.ascontiguousarray(drive), pieces, kicks
    room = response.workspace(d, count, wide)
    numbers = np.ascontiguousarray(made.q.T).ravel()
    state = np.array(start, dtype=float)
    loop(*at, numbers, *own, model.shared, model.place, state, slopes, room, p, by)
    return p, by


@pytest.fixture
def awkward():
    """Two cases of uneven steps whose drive is far above, at, nearly at and below the
    threshold, and negative; with kicks of the drive."""
    rng = np.random.default_rng(1)
    drive = np.array(
        [
            [0.5, 2.0, -1.0, -1.75, -1.75 + 1e-7, -8.0, 3.0, 0.0],
            [9.0, -3.0, -2.0, 1.0, -1.6, 0.3, -0.2, 40.0],
        ]
    )
    return (
        rng.uniform(0.05, 2.0, drive.shape) * 1e-8,
        drive,
        rng.normal(size=(*drive.shape, 2)) * 1e7,
        np.array([0.2, 0.01]),
    )


@pytest.mark.parametrize("pieces", [1, 4])
def test_power_and_derivatives_equal_the_complex_step_on_the_closed_form(awkward, pieces):
    durations, drive, kicks, start = awkward
    numbers = tuple(TRUE.values())
    p, by = forward(durations, drive, pieces, kicks, numbers, 0.0, start)
    for case in range(2):
        at = (durations[case], drive[case])
        expected = powers(*at, *numbers, start[case], pieces)
        np.testing.assert_allclose(p[case], expected, rtol=1e-12)
        columns = []
        for j, value in enumerate((*numbers, start[case])):
            shifted = [complex(x) for x in (*numbers, start[case])]
            shifted[j] += 1e-30j * value
            columns.append(powers(*at, *shifted, pieces).imag / 1e-30 / value)
        for j in range(2):
            columns.append(
                powers(
                    *at, *numbers, start[case] + 0j, pieces, kick=1e-30j * kicks[case, :, j]
                ).imag
                / 1e-30
            )
        for j, column in enumerate(columns):
            assert np.abs(by[case, :, j] - column).max() < 1e-12 * np.abs(column).max(), j


@pytest.mark.parametrize("between", ["held", "linear"])
@pytest.mark.parametrize("fixed", [{"Q": 0.8}, {"gamma": 1e8, "scale": 1.3}, {"bias": 1.7}])
def test_the_jacobian_of_the_fit_equals_central_differences(between, fixed):
    """Also its coordinates, the missing samples and the noise of each sample; several
    cases."""
    rng = np.random.default_rng(3)
    time = np.cumsum(rng.uniform(0.2, 2, (3, 30)), axis=1) * 1e-8
    power = rng.uniform(0.1, 0.6, (3, 30))
    power[rng.random((3, 30)) < 0.2] = np.nan
    power[1, 20:] = np.nan
    data = measured.measurement(
        time, rng.normal(size=(3, 30)), power, rng.uniform(0.01, 0.1, (3, 30))
    )
    model = models.model_of(None)
    free = [] if "scale" in fixed else ["scale"]
    problem = problem_.Problem(
        data,
        arguments.known_parameters(fixed, free, between, 0.95, data, model),
        between,
        model,
    )
    x = problem.pack(TRUE | {"scale": 1.2, "readout_offset": 0.0}, np.array([0.2, 0.4, 0.6]))
    assert len(x) == len(problem.free) + 3
    jacobian = problem.jacobian(x)
    for j in range(len(x)):
        h = 1e-5 * max(abs(x[j]), 1.0)
        shifts = [
            problem.residual(x + np.where(np.arange(len(x)) == j, s * h, 0)) for s in (1, -1, 2, -2)
        ]
        slope = (8 * (shifts[0] - shifts[1]) - (shifts[2] - shifts[3])) / (
            12 * h
        )  # fourth order, so that 1e-8 is within reach
        assert np.abs(jacobian[:, j] - slope).max() < 1e-8 * np.abs(slope).max(), j


@pytest.fixture
def alone():
    """(network of one oscillator without recurrence, inputs, labels, durations and
    substeps' inputs (case, step)), float64, exponential scheme."""
    config = spinrnn.NetworkConfig(
        layers=(1,),
        inputs=1,
        outputs=2,
        input_interval=7e-9,
        relaxation_time=10e-9,
        nonlinear_damping=0.8,
        bias_ratio=1.7,
        substeps=3,
        amplification=1.3,
        dtype="float64",
    )
    net, rng = spinrnn.Network(config, seed=3), np.random.default_rng(24)
    net.views()["w_int"][0][:] = 0
    net.views()["w_ext"][0][:] = 0.4
    net.views()["bias"][0][:] = 0.2
    u = rng.normal(size=(4, 1, 12))
    drive = np.repeat(u[:, 0], 3, axis=1)
    return net, u, np.array([0, 1, 1, 0]), np.full(drive.shape, 7e-9 / 3), drive


def alone_numbers(net):
    """gamma, Q, bias, gain and the start of the oscillator as `device_forward` takes
    them."""
    c, views = net.config, net.views()
    gamma = 1 / c.relaxation_time
    bias, gain = (
        c.bias_ratio + views["bias"][0].item(),
        gamma * c.amplification * views["w_ext"][0].item(),
    )
    return (
        gamma,
        c.nonlinear_damping,
        bias,
        gain,
        (c.bias_ratio - 1) / (c.bias_ratio + c.nonlinear_damping),
    )


def test_the_jacobian_gives_the_gradient_of_the_networks_adjoint(alone):
    """The loss of a network of one oscillator, by its powers at all times, times the
    Jacobian, is what backpropagation through time gives."""
    net, u, labels, durations, drive = alone
    *numbers, start = alone_numbers(net)
    p, by = forward(
        durations, drive, 1, np.zeros((*drive.shape, 0)), numbers, 0.0, np.full(4, start)
    )
    simulated = net.simulate(u)
    np.testing.assert_allclose(simulated.state[0][:, 0], p, rtol=1e-12)
    # of the filter's mean only what the powers do to it counts: m' = m + k ((p + p') /
    # 2 - m), read as y = p - m at the end
    kept = np.exp(-durations[0, 0] / net.config.filter_time)
    left = (1 - kept) * kept ** np.arange(drive.shape[1] - 1, -1, -1)
    reads = np.zeros(p.shape[1])  # dy / dp
    reads[-1] = 1
    reads[:-1] -= left / 2
    reads[1:] -= left / 2
    logits = net.forward(u)
    share = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True) - np.eye(2)[labels]
    by_y = share @ (net.config.output_amplification * net.views()["w_out"][:, 0]) / len(u)
    by_power = by_y[:, None] * reads  # (case, time)
    gradient = np.einsum("ck,ckj->j", by_power, by)
    found = net.layout.grouped(net.loss_and_grad(u, labels)[1])
    gamma = numbers[0]
    assert found["bias"][0].item() == pytest.approx(gradient[2], rel=1e-10)
    assert found["w_ext"][0].item() == pytest.approx(
        gradient[3] * gamma * net.config.amplification, rel=1e-10
    )


@pytest.mark.parametrize("name", ["relaxation_time", "nonlinear_damping"])
def test_the_gradient_of_the_sum_of_squares_equals_differences_of_the_networks_powers(alone, name):
    """gamma and Q, which no network trains: by the kernels of the network with another
    relaxation time or damping."""
    net, u, _, durations, drive = alone
    *numbers, start = alone_numbers(net)
    gamma, q, _, gain = numbers
    target = np.random.default_rng(25).uniform(0.1, 0.6, (4, drive.shape[1] + 1))
    squares = lambda value: (
        (net.replace(**{name: value}).simulate(u).state[0][:, 0] - target) ** 2
    ).sum()
    p, by = forward(
        durations, drive, 1, np.zeros((*drive.shape, 0)), numbers, 0.0, np.full(4, start)
    )
    slope = np.einsum("ck,ckj->j", 2 * (p - target), by)
    if name == "relaxation_time":  # the drive of a network is in units of gamma
        gradient = (slope[0] + slope[3] * gain / gamma) * -(gamma**2)
    else:  # a network starts at its fixed point
        gradient = slope[1] - slope[4] * start / (net.config.bias_ratio + q)
    value = getattr(net.config, name)
    h = 1e-3 * value
    shifts = [squares(value + s * h) for s in (1, -1, 2, -2)]
    assert gradient == pytest.approx(
        (8 * (shifts[0] - shifts[1]) - (shifts[2] - shifts[3])) / (12 * h), rel=1e-8
    )


def test_no_derivative_passes_the_floor():
    drive = np.full((1, 12), -20.0)
    drive[0, 8:] = 3.0
    numbers = tuple(TRUE.values())
    p, by = forward(
        np.full((1, 12), 1e-8), drive, 1, np.ones((1, 12, 1)), numbers, 1e-3, np.array([0.3])
    )
    np.testing.assert_allclose(
        p[0], powers(np.full(12, 1e-8), drive[0], *numbers, 0.3, floor=1e-3), rtol=1e-12
    )
    assert (p[0, 4:9] == 1e-3).all()
    assert (by[0, 4:9] == 0).all()
    assert (by[0, 12, [0, 1, 2, 3, 5]] != 0).all()
    assert by[0, 12, 4] == 0


def test_the_kernel_runs_as_plain_python():
    """NUMBA_DISABLE_JIT=1 catches indices out of range."""
    code = """
import numpy as np
from test_identify import TRUE, forward
from spinrnn.kernels.compiling import config
assert config.DISABLE_JIT
durations, drive, kicks = np.full((2, 4), 1e-8), np.ones((2, 4)), np.ones((2, 4, 1))
p, by = forward(durations, drive, 2, kicks, TRUE.values(), 0.0, np.array([0.1, 0.3]))
assert np.isfinite(p).all() and np.isfinite(by).all() and (p[:, 2] != p[:, 1]).all()
"""
    paths = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": paths}
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env=environment,
        cwd=Path(__file__).parent,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr


# ---- known values come back ----


@pytest.mark.slow
def test_known_values_lie_within_their_intervals_in_90_of_100_trials():
    """150 devices and noises, Q, gamma or bias known in turn, so that each of them is
    fitted in 100: within its 95 % interval at least 90 times."""
    inside, wrong = {}, 0
    for trial in range(150):
        known = ("Q", "gamma", "bias")[trial % 3]
        rng = np.random.default_rng([trial, 12])
        true = {
            "gamma": 10 ** rng.uniform(6, 9),
            "Q": rng.uniform(0, 3),
            "bias": rng.uniform(1.2, 2.5),
        }
        true["gain"] = true["gamma"] * rng.uniform(0.2, 0.8) * rng.choice([-1, 1])
        time, drive, power = device(rng, 400, time=np.arange(400) * 0.25 / true["gamma"], **true)
        fit = spinrnn.identify_device(time, drive, power, fixed={known: true[known]})
        assert fit.free == [name for name in TRUE if name != known]
        true["threshold"] = true["gamma"] * (1 - true["bias"]) / true["gain"]
        for name in (*fit.free, "threshold"):
            low, high = fit.intervals[name]
            inside.setdefault(name, []).append(low <= true[name] <= high)
        wrong += not fit.diagnosis.describes
    assert [len(inside[name]) for name in ("gamma", "Q", "bias", "gain", "threshold")] == [
        100,
        100,
        100,
        150,
        150,
    ]
    assert all(0.9 <= np.mean(found) < 1 for found in inside.values()), {
        name: np.mean(found) for name, found in inside.items()
    }
    assert wrong <= 5


@pytest.mark.parametrize(
    ("costs", "best", "tried"),
    [
        ([("grid", 3.0), ("grid", 1.0), ("integrals", 2.0), ("grid", 4.0)], 1.0, 4),
        ([("grid", 3.0), ("grid", 1.0), ("integrals", 1.0 + 5e-7), ("grid", 0.5)], 1.0, 3),
        ([("grid", 3.0), ("integrals", None), ("integrals", 2.0)], 2.0, 3),
    ],
)
def test_the_least_cost_counts_and_two_kinds_that_agree_end_the_search(
    monkeypatch, costs, best, tried
):
    given = [
        (kind, None if cost is None else fit_.Solution({}, np.zeros(1), cost), None)
        for kind, cost in costs
    ]
    seen = []
    monkeypatch.setattr(fit_, "starts", lambda _: given)
    monkeypatch.setattr(fit_, "solve", lambda _, solution, start: seen.append(1) or solution)
    data = measured.measurement(*device(np.random.default_rng(4)))
    problem = problem_.Problem(data, {}, "held", models.model_of(None))
    assert fit_._best(problem).cost == best
    assert len(seen) == tried
    monkeypatch.setattr(fit_, "solve", lambda *_: None)
    with pytest.raises(spinrnn.DataError, match="did not converge within 300 evaluations"):
        fit_._best(problem)


def test_wider_levels_and_less_noise_do_what_they_should():
    time, drive, power = device(np.random.default_rng(4), noise=0.0)
    noise = np.random.default_rng(5).normal(size=len(power))
    widths = []
    for size, level in ((0.02, 0.95), (0.02, 0.5), (0.002, 0.95)):
        fit = spinrnn.identify_device(
            time, drive, power + size * noise, fixed={"Q": 0.8}, level=level
        )
        widths.append(fit.intervals["gamma"][1] - fit.intervals["gamma"][0])
        assert fit.noise == pytest.approx(size, rel=0.1)
    assert widths[1] / widths[0] == pytest.approx(0.6745 / 1.96, rel=0.01)
    assert widths[2] / widths[0] == pytest.approx(0.1, rel=0.1)


def test_several_cases_missing_samples_and_uneven_times():
    """Turn-on from almost nothing, at four drives and of different lengths, with a
    third of the samples missing."""
    rng = np.random.default_rng(6)
    time, drive, power = (np.full((4, 300), np.nan) for _ in range(3))
    for case, (level, length) in enumerate(((-0.5, 300), (0.3, 250), (1.0, 200), (2.0, 120))):
        times = np.cumsum(rng.exponential(STEP / 2, length))
        case_data = device(rng, length, 0.01, 1e-4, times, np.full(length, level))
        for array, values in zip((time, drive, power), case_data, strict=True):
            array[case, :length] = values
    power[rng.random(power.shape) < 0.33] = np.nan
    fit = spinrnn.identify_device(time, drive, power, fixed={"Q": TRUE["Q"]})
    assert fit.diagnosis.describes
    for name in fit.free:
        assert abs(fit.values[name] - TRUE[name]) < 3.5 * fit.errors[name]
        assert fit.errors[name] < 0.05 * abs(TRUE[name])
    assert np.abs(np.log(fit.start / 1e-4)).max() < 0.5
    assert np.array_equal(np.isnan(fit.residual), np.isnan(power))
    assert fit.report()["findings"]["missing"]["value"] == sum(
        np.isnan(p[: np.flatnonzero(~np.isnan(p))[-1]]).sum() for p in power
    )


def test_a_drive_that_goes_linearly_between_its_samples():
    """Simulated with 50 times finer steps; as a held drive it is late by half a sample,
    which the residuals say."""
    time = np.arange(500) * STEP * 2
    drive = np.sin(0.5 * time / 1e-8) + 0.5 * np.sin(0.19 * time / 1e-8)
    fine = np.linspace(0, time[-1], 499 * 50 + 1)
    middle = np.interp((fine[1:] + fine[:-1]) / 2, time, drive)
    power = powers(np.diff(fine), middle, *TRUE.values(), 0.25)[
        ::50
    ] + 0.005 * np.random.default_rng(7).normal(size=500)
    fit = spinrnn.identify_device(time, drive, power, fixed={"Q": 0.8}, drive_between="linear")
    assert fit.diagnosis.describes
    assert all(abs(fit.values[name] - TRUE[name]) < 3.5 * fit.errors[name] for name in fit.free)
    late = spinrnn.identify_device(time, drive, power, fixed={"Q": 0.8}).diagnosis
    lag = next(check for check in late.failed if check.name.startswith("lag of the drive"))
    assert lag.estimate == pytest.approx(-STEP, rel=0.3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_neuron_of_a_simulated_network(dtype):
    """Recurrent drive, default floor: gain 1 and bias 0 for the whole drive in 1/s;
    what is left is rounding and not called a wrong model."""
    config = spinrnn.NetworkConfig(
        layers=(6, 5), inputs=1, outputs=2, nonlinear_damping=0.5, relaxation_time=4e-9, dtype=dtype
    )
    trajectory = spinrnn.Network(config, seed=1).simulate(
        np.random.default_rng(8).normal(size=(3, 1, 40)), [40, 30, 20]
    )
    data = measured.from_trajectory(trajectory, 1, 2, slice(0, 3))
    fit = spinrnn.identify_device(data, power_floor=config.power_floor)
    assert fit.diagnosis.rounding
    assert fit.diagnosis.describes
    assert fit.fixed["bias"] == (0.0, 0.0)
    accuracy = 1e-4 if dtype == "float32" else 1e-9
    for name, value in {"gamma": 0.25e9, "Q": 0.5, "gain": 1.0}.items():
        assert fit.values[name] == pytest.approx(value, rel=accuracy)
    np.testing.assert_allclose(fit.start, 1 / 2.5, rtol=1e-4)


def test_a_power_that_is_not_normalised():
    time, drive, power = device(np.random.default_rng(9), 3000)
    fit = spinrnn.identify_device(time, drive, 3e-9 * power, fixed={"Q": 0.8}, free_scale=True)
    for name in fit.free:
        assert abs(fit.values[name] - (TRUE | {"scale": 3e-9})[name]) < 3.5 * fit.errors[name]
    assert fit.errors["scale"] < 0.1 * 3e-9
    given = spinrnn.identify_device(time, drive, 3e-9 * power, fixed={"Q": 0.8, "scale": 3e-9})
    same = spinrnn.identify_device(time, drive, power, fixed={"Q": 0.8})
    assert given.values["gamma"] == pytest.approx(same.values["gamma"], rel=1e-6)
    assert given.errors["gamma"] == pytest.approx(same.errors["gamma"], rel=1e-6)


def test_10000_samples_take_seconds():
    time, drive, power = device(np.random.default_rng(10), 10_000)
    begin = clock.perf_counter()
    spinrnn.identify_device(time, drive, power, fixed={"Q": 0.8})
    assert clock.perf_counter() - begin < 10  # seen: half a second, and some to compile


# ---- what can be known ----


def test_what_is_fixed_does_not_change_what_the_data_fix():
    """gamma, Q and bias depend on which one is known; the fit, the threshold and the
    two rates do not."""
    data = device(np.random.default_rng(12))
    fits = [
        spinrnn.identify_device(*data, fixed=fixed)
        for fixed in ({"Q": 0.8}, {"Q": 2.0}, {"gamma": 0.5e8}, {"bias": 1.3})
    ]
    for fit in fits[1:]:
        np.testing.assert_allclose(fit.predicted, fits[0].predicted, rtol=1e-5)
        for name in ("gamma (1 + Q)", "gamma (bias - 1)", "threshold", "gain"):
            assert fit.values[name] == pytest.approx(fits[0].values[name], rel=1e-4)
            assert fit.errors[name] == pytest.approx(fits[0].errors[name], rel=1e-3)
    assert fits[1].values["gamma"] != pytest.approx(fits[0].values["gamma"], rel=0.1)
    with pytest.raises(
        spinrnn.DataError,
        match="the power grows without drive, which bias = 0 excludes; fix Q or gamma",
    ):
        spinrnn.identify_device(*data)
    # what is wrong first is told first
    with pytest.raises(spinrnn.DataError, match=r"^the power is at most .*; is it normalised\?"):
        spinrnn.identify_device(*data[:2], 1e-5 * data[2])


def test_a_negative_nonlinear_damping_may_be_known():
    """From above -1 on."""
    data = device(np.random.default_rng(27), Q=-0.3)
    fit = spinrnn.identify_device(*data, fixed={"Q": -0.3})
    assert all(
        abs(fit.values[name] - TRUE[name]) < 3.5 * fit.errors[name]
        for name in ("gamma", "bias", "gain")
    )
    with pytest.raises(spinrnn.ConfigError, match="Q: must be a number above -1"):
        spinrnn.identify_device(*data, fixed={"Q": -1.0})


def test_the_uncertainty_of_a_known_value_goes_into_the_others():
    data = device(np.random.default_rng(13), noise=0.001)
    exact, off = (spinrnn.identify_device(*data, fixed={"Q": q}) for q in (0.8, 0.81))
    loose = spinrnn.identify_device(*data, fixed={"Q": (0.8, 0.01)})
    for name in ("gamma", "bias", "gain", "threshold", "gamma (1 + Q)"):
        shift = off.values[name] - exact.values[name]
        assert loose.errors[name] == pytest.approx(np.hypot(exact.errors[name], shift), rel=0.02), (
            name
        )
    assert loose.errors["Q"] == pytest.approx(0.01)
    # one that the data do not imitate with others, too
    exact, off = (
        spinrnn.identify_device(*data, fixed={"Q": 0.8, "gain": gain}) for gain in (0.4e8, 0.4004e8)
    )
    loose = spinrnn.identify_device(*data, fixed={"Q": 0.8, "gain": (0.4e8, 0.0004e8)})
    for name in ("gamma", "bias"):
        assert loose.errors[name] == pytest.approx(
            np.hypot(exact.errors[name], off.values[name] - exact.values[name]), rel=0.05
        ), name


@pytest.mark.parametrize(
    ("drive", "fixed", "names"),
    [
        (np.full(300, 0.7), {"Q": 0.8}, ("bias", "gain")),
        (np.zeros(300), {"Q": 0.8}, ("gain",)),
        (None, {"bias": 1.0}, ("gamma", "Q")),
    ],
)
def test_what_the_data_cannot_tell_is_said(drive, fixed, names):
    rng = np.random.default_rng(14)
    data = device(
        rng, 300, start=0.05, drive=drive, **({"bias": 1.0} if fixed == {"bias": 1.0} else {})
    )
    if fixed == {"bias": 1.0}:
        fixed = {"bias": 1.0, "gain": 0.4e8}
    with pytest.raises(spinrnn.DataError, match=r"do not (tell|depend)") as caught:
        spinrnn.identify_device(*data, fixed=fixed)
    assert all(name in str(caught.value) for name in names)
    assert "Fix one" in str(caught.value)


# ---- wrong models are told ----


def wrong(kind, rng, samples=1000, noise=0.01):
    """(time, drive, power) of a device of which eq. (1) is not the whole: by Heun's
    rule with 20 steps between the samples."""
    inner, drive = 20, levels(rng, samples)
    fine, h = np.repeat(drive, inner), STEP / inner
    gamma, q, bias, gain = TRUE.values()
    felt = fine
    if kind == "delay":
        felt = np.concatenate([np.full(inner, fine[0]), fine[:-inner]])
    elif kind == "pole":
        felt, x = np.empty_like(fine), fine[0]
        for k, u in enumerate(fine):
            x += -np.expm1(-h / 3e-9) * (u - x)
            felt[k] = x
    elif kind == "saturation":
        felt = np.tanh(0.6 * fine) / 0.6
    more, p, found = 6.0 * (kind == "damping"), 0.3, []
    for k, current in enumerate(gamma * bias + gain * felt):
        if k % inner == 0:
            found.append(p)
        slope = lambda p, current=current: (
            -gamma * (1 + q * p + more * p * p) * p + current * p * (1 - p)
        )
        first = slope(p)
        p += h / 2 * (first + slope(p + h * first))
        if kind == "thermal":
            p = abs(p + np.sqrt(0.001 * gamma * h * p) * rng.normal())
    power = np.array(found)
    if kind == "offset":
        power += 0.05
    elif kind == "scale":
        power *= 1.2
    elif kind == "readout":
        for k in range(1, samples):
            power[k] = power[k - 1] + 0.6 * (power[k] - power[k - 1])
    e = noise * rng.normal(size=samples)
    if kind == "coloured":
        e = np.convolve(e, (0.7, 0.7), "same")
    return np.arange(samples) * STEP, drive, power + e


SUSPECTS = {
    "delay": "lag of the drive",
    "pole": "lag of the drive",
    "saturation": "saturation of the drive",
    "damping": "damping beyond Q p",
    "offset": "offset of the readout",
    "readout": "lag of the readout",
    "scale": "scale is not 1",
    "coloured": "correlation in time",
    "thermal": "correlation in time",
}


@pytest.mark.parametrize("kind", SUSPECTS)
def test_a_wrong_model_is_told_and_named(kind):
    """Sizes, which hold to first order, are those of small faults in
    test_residuals.py."""
    samples = 4000 if kind in ("damping", "offset", "scale") else 1000
    data = wrong(kind, np.random.default_rng(15), samples)
    diagnosis = spinrnn.identify_device(*data, fixed={"Q": 0.8}).diagnosis
    assert not diagnosis.describes
    failed = [check.name for check in diagnosis.failed]
    found = [name for name in failed if name.startswith(SUSPECTS[kind])]
    assert found, failed
    if kind in ("saturation", "damping", "offset", "scale"):
        assert failed[0] == found[0], "it explains most"


def test_a_correlation_over_several_samples_is_seen():
    """An echo after 5 samples, which leaves neighbours uncorrelated."""
    rng = np.random.default_rng(26)
    white = rng.normal(size=1005)
    arguments = rng.normal(size=(1000, 2)), [], False, np.zeros((1, 1000))
    assert residuals.diagnose(white[None, 5:], *arguments).describes
    found = residuals.diagnose(white[None, 5:] + 0.4 * white[None, :-5], *arguments)
    assert [check.name for check in found.failed] == ["correlation in time"]
    assert np.abs(found.correlation).argmax() == 4


def test_the_same_device_without_the_fault_is_not_called_wrong():
    called = [
        spinrnn.identify_device(
            *wrong("nothing", np.random.default_rng([s, 16]), 500), fixed={"Q": 0.8}
        ).diagnosis
        for s in range(12)
    ]
    assert sum(not diagnosis.describes for diagnosis in called) <= 1


@pytest.mark.parametrize(
    ("gain", "name"),
    [(0.45e8, "gain is not 4.5e+07"), ((0.45e8, 1e7), "gain is not 4.5e+07 (± 1e+07)")],
)
def test_a_wrong_value_that_was_fixed_is_told(gain, name):
    """With an uncertainty, too: it is the value that the fit has."""
    fit = spinrnn.identify_device(
        *device(np.random.default_rng(17), 2000), fixed={"Q": 0.8, "gain": gain}
    )
    assert fit.diagnosis.failed[0].name == name
    assert fit.diagnosis.failed[0].estimate == pytest.approx(-0.05e8, rel=0.3)


def test_known_noise_is_tested_against_the_residuals():
    data = device(np.random.default_rng(18), noise=0.02)
    right, less, more = (
        spinrnn.identify_device(*data, noise=sd, fixed={"Q": 0.8}) for sd in (0.02, 0.015, 0.04)
    )
    assert right.diagnosis.describes
    assert not right.diagnosis.overstated
    assert right.diagnosis.chi_square == pytest.approx(
        right.diagnosis.freedom, abs=4 * np.sqrt(2 * right.diagnosis.freedom)
    )
    assert [check.name for check in less.diagnosis.failed] == ["size against the noise"]
    assert more.diagnosis.describes
    assert more.diagnosis.overstated
    assert more.errors["gamma"] == pytest.approx(2 * right.errors["gamma"], rel=1e-3)
    # samples of little noise count more
    rng, uneven = np.random.default_rng(19), np.where(np.arange(600) % 2, 0.002, 0.1)
    time, drive, power = device(rng, noise=0.0)
    weighted = spinrnn.identify_device(
        time, drive, power + uneven * rng.normal(size=600), noise=uneven, fixed={"Q": 0.8}
    )
    assert weighted.diagnosis.describes
    assert weighted.errors["gamma"] < 0.2 * right.errors["gamma"]


# ---- bad input ----


def test_all_mistakes_of_the_data_are_told_at_once():
    time, drive, power = np.arange(6.0), np.zeros(6), np.full((2, 6), 0.3)
    bad = np.tile(time, (2, 1))
    bad[0, 3] = bad[0, 2]
    hole = np.zeros((2, 6))
    hole[1, 2] = np.nan
    with pytest.raises(spinrnn.DataError) as caught:
        measured.measurement(bad, hole, power, [[1.0] * 6, [0.0] * 6])
    for part in (
        "time: case 0 does not increase after sample 2",
        "drive: case 1 has no finite value at sample 2",
        "noise: case 1",
    ):
        assert part in str(caught.value)
    for given, part in (
        ((time, drive[:3], power), r"drive: its shape \(3,\) does not fit"),
        ((time[:4], drive, power), r"power: must have the axes .* with 4 times"),
        ((time, drive, power[0, :2]), "power: must have the axes"),
        ((time, drive, power[None]), "power: must have the axes"),
        ((time, drive, power.T), r"\(6, 2\); are the axes in another order\?"),
        ((time, drive.astype(complex), power), "drive: must be real"),
        (
            (time, drive, [[0.1] * 6, [0.1] * 5]),
            "power: the cases differ in shape; pad them with NaN",
        ),
        (
            (time, drive, np.where(power > 0, np.nan, 0)),
            "power: case 0 has 0 samples besides NaN",
        ),
        (
            (time, drive, np.where(np.arange(6) == 4, np.inf, power)),
            "power: case 0 has an infinite value at sample 4",
        ),
    ):
        with pytest.raises(spinrnn.DataError, match=part):
            measured.measurement(*given)


def test_wrong_arguments_are_told_at_once():
    time, drive, power = device(np.random.default_rng(20), 50)
    with pytest.raises(spinrnn.ConfigError) as caught:
        spinrnn.identify_device(
            time,
            drive[:-1],
            power,
            fixed={"q": 1, "gamma": -1, "Q": (1, -1), "gain": "x", "scale": 1},
            free_scale=True,
            drive_between="linear",
            power_floor=1,
            level=95,
        )
    for part in (
        "q is none of gamma, Q, bias, gain, scale, readout_offset; did you mean Q?",
        "gamma: must",
        "Q: must",
        "gain: give",
        "both fixed and free",
        "drive_between: a linear",
        "power_floor",
        "level",
    ):
        assert part in str(caught.value)
    for settings, part in (
        ({"fixed": dict.fromkeys(oscillator.NAMES, 1.0)}, "nothing is left"),
        ({"drive_between": "cubic"}, "drive_between"),
    ):
        with pytest.raises(spinrnn.ConfigError, match=part):
            spinrnn.identify_device(time, drive, power, **settings)
    with pytest.raises(spinrnn.DataError, match="normalise the power"):
        spinrnn.identify_device(time, drive, 50 * power)
    with pytest.raises(spinrnn.DataError, match="no sample is above 0"):
        spinrnn.identify_device(time, drive, -power)
    with pytest.raises(spinrnn.DataError, match="3 samples are too few for 4 unknowns"):
        spinrnn.identify_device(time[:3], drive[:3], power[:3])


def test_a_fit_beyond_the_memory_limit_is_refused_before_it_is_tried():
    data = device(np.random.default_rng(21), 2000)
    spinrnn.set_memory_limit("200K")
    try:
        with pytest.raises(spinrnn.MemoryLimitError, match="2000 samples in 1 case takes"):
            spinrnn.identify_device(*data)
    finally:
        spinrnn.set_memory_limit(None)


def test_derivatives_of_a_long_case_are_kept_for_a_stretch_alone(monkeypatch):
    """16 numbers of each sample are kept, and 39 of each in a stretch."""
    data = device(np.random.default_rng(21), 2000)
    monkeypatch.setattr(problem_, "STRETCH", 100)
    spinrnn.set_memory_limit("400K")
    try:
        assert spinrnn.identify_device(*data, fixed={"Q": 0.8}).diagnosis.describes
    finally:
        spinrnn.set_memory_limit(None)


def test_layers_neurons_and_cases_that_are_not_there():
    trajectory = spinrnn.Network(
        spinrnn.NetworkConfig(layers=(3,), inputs=1, outputs=2), seed=0
    ).simulate(np.zeros((2, 1, 4)))
    for given, part in (
        ((1, 0), "layers 0 to 0"),
        ((0, 3), "neurons 0 to 2"),
        ((0, 0, slice(5, 6)), "none of the 2 cases"),
    ):
        with pytest.raises(spinrnn.DataError, match=part):
            measured.from_trajectory(trajectory, *given)
    trajectory.drive = None
    with pytest.raises(spinrnn.DataError, match="drive was not stored"):
        measured.from_trajectory(trajectory, 0, 0)


# ---- files and the command ----


@pytest.fixture
def files(tmp_path, monkeypatch):
    """right.npz, right.h5 of three cases and delayed.npz in the present folder. Returns
    it.

    Pictures are drawn, but not made into PNG: test_report.py has real ones.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "spinrnn.identify.report.picture_or_none", lambda draw, name: (draw(), b"\x89PNG")[1]
    )
    rng = np.random.default_rng(22)
    cases = [np.stack(arrays) for arrays in zip(*(device(rng, 240) for _ in range(3)), strict=True)]
    cases[2][0, 7:9] = np.nan
    np.savez("right.npz", **dict(zip(measured.NAMES, cases, strict=False)))
    with h5py.File("right.h5", "w") as file:
        for name, array in zip(measured.NAMES, cases, strict=False):
            file[name] = array
        file["noise"] = np.full(cases[2].shape, 0.02)
        file.attrs["who"] = "the laboratory"
    np.savez("delayed.npz", **dict(zip(measured.NAMES, wrong("delay", rng), strict=False)))
    return tmp_path


def test_identify_writes_text_json_table_and_picture(files, capsys):
    assert main(["identify", "right.npz", "--fix", "Q=0.8", "--cases", "0:2"]) == 0
    text = capsys.readouterr().out
    assert "478 samples in 2 cases, 2 missing" in text
    assert "The model describes the data" in text
    report = json.loads((files / "right-device/device.json").read_text())
    gamma = report["findings"]["gamma"]
    assert gamma["low"] < 1e8 < gamma["high"]
    assert gamma["unit"] == "1/s"
    assert not gamma["fixed"]
    assert report["findings"]["q"] == {
        "value": 0.8,
        "unit": "1",
        "meaning": "nonlinear damping of eq. (1)",
        "error": 0.0,
        "low": 0.8,
        "high": 0.8,
        "fixed": True,
    }
    assert (files / "right-device/device.png").read_bytes().startswith(b"\x89PNG")
    table = (files / "right-device/device.csv").read_text().splitlines()
    assert table[0] == "case,time (s),drive,power,model,residual"
    assert len(table) == 1 + 2 * 240
    assert table[8].split(",")[3] == ""
    case, _, _, power, model, residual = (float(x) for x in table[-1].split(","))
    assert case == 1
    assert residual == pytest.approx(power - model, abs=1e-9)


def test_identify_reads_hdf5_and_takes_known_noise(files, capsys):
    assert (
        main(
            [
                "identify",
                "right.h5",
                "--fix",
                "Q=0.8+-0.05",
                "--json",
                "--out",
                "a",
                "--level",
                "0.5",
            ]
        )
        == 0
    )
    report = json.loads(capsys.readouterr().out)
    assert report == json.loads((files / "a/device.json").read_text())
    assert report["findings"]["noise_known"]["value"]
    assert report["findings"]["level"]["value"] == 0.5
    assert report["findings"]["chi_square"]["value"] == pytest.approx(
        report["findings"]["degrees_of_freedom"]["value"], rel=0.2
    )
    assert report["findings"]["q"]["error"] == pytest.approx(0.05)
    assert len(report["findings"]["start"]["value"]) == 3
    assert main(["identify", "right.h5", "--fix", "Q=0.8", "--noise", "0.1"]) == 0
    assert "smaller than the noise that was said" in capsys.readouterr().out
    assert main(["identify", "right.h5", "--fix", "Q=0.8", "--noise", "0.01"]) == 1
    assert "the noise is probably larger" in capsys.readouterr().out


def test_identify_says_that_a_model_is_wrong_with_status_1(files, capsys):
    assert main(["identify", "delayed.npz", "--fix", "Q=0.8"]) == 1
    text = capsys.readouterr().out
    assert "does NOT describe" in text
    assert "lag of the drive (delay or another pole)" in text
    assert not json.loads((files / "delayed-device/device.json").read_text())["findings"][
        "describes"
    ]["value"]


def test_what_was_given_and_is_another_comes_with_its_option(files, capsys):
    arrays = device(np.random.default_rng(2), noise=0.003)
    for name, power in (("moved", arrays[2] + 0.1), ("right_one", arrays[2])):
        np.savez(f"{name}.npz", time=arrays[0], drive=arrays[1], power=power)
    assert main(["identify", "moved.npz", "--fix", "Q=0.8"]) == 1
    text = capsys.readouterr().out
    assert "offset of the readout" in text
    assert "\n    --free readout_offset fits it\n" in text
    assert main(["identify", "right_one.npz", "--fix", "Q=8", "--fix", "gamma=1e8"]) == 1
    assert "\n    without --fix gamma it is fitted\n" in capsys.readouterr().out
    assert main(["identify", "moved.npz", "--free", "readout_offset,scale"]) == 2
    assert "readout_offset; give one name at a time" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("names", "count", "told"),
    [
        (["Q", "gain"], 1, "Fix one, as in fixed={'gain': 0.5} or --fix gain=0.5 with its value"),
        (
            ["gamma", "Q", "gain"],
            2,
            "Fix 2, as in fixed={'Q': 0.5, 'gain': 0.5} or --fix Q=0.5 --fix gain=0.5 with their",
        ),
    ],
)
def test_as_many_are_to_be_fixed_as_are_too_many(names, count, told):
    assert models.fix_some(names, count).startswith(told)


def test_identify_notices_a_power_that_is_not_normalised_and_cases_of_several_devices(
    files, capsys
):
    with np.load("right.npz") as right:
        arrays = dict(right)
    np.savez("watts.npz", **arrays | {"power": 3e-6 * arrays["power"]})
    main(["identify", "watts.npz", "--fix", "Q=0.8", "--cases", "0:1"])
    assert "is it normalised? --free-scale" in capsys.readouterr().out
    np.savez(
        "two.npz", **arrays | {"time": arrays["time"] * [[1], [2], [1]]}
    )  # the second device is half as fast
    assert main(["identify", "two.npz", "--fix", "Q=0.8"]) == 1
    told = "the 3 cases were fitted as one device; where they are several, fit each alone"
    assert f"{told} (--cases 0:1)" in capsys.readouterr().out
    for number in (0, 1):
        rows = {name: array[number] for name, array in np.load("two.npz").items()}
        np.savez(f"own{number}.npz", **rows)
    assert main(["identify", "own0.npz", "own1.npz", "--fix", "Q=0.8"]) == 1
    told = "the 2 files were fitted as one device; where they are several, fit each file alone, or"
    printed = capsys.readouterr().out
    assert f"{told} give each its own gain, say, by --each gain" in printed
    assert "--cases" not in printed


def test_identify_notices_a_time_that_is_not_in_seconds(files, capsys):
    with np.load("right.npz") as right:
        np.savez("ns.npz", time=1e9 * right["time"], drive=right["drive"], power=right["power"])
    assert main(["identify", "ns.npz", "--fix", "Q=0.8"]) == 0
    assert "is the time in s?" in capsys.readouterr().out
    assert main(["identify", "right.npz", "--fix", "Q=0.8"]) == 0
    assert "is the time in s?" not in capsys.readouterr().out


def test_identify_refuses_bad_arguments_and_files_in_one_line(files, capsys):
    def run(*arguments):
        status = main(["identify", *arguments])
        return subprocess.CompletedProcess(arguments, status, *capsys.readouterr())

    result = run(
        "right.npz",
        "--fix",
        "Q",
        "--fix",
        "bias=1",
        "--fix",
        "bias=2",
        "--cases",
        "3",
        "--neuron",
        "a,b",
        "--out",
        "",
        "--noise",
        "0",
    )
    refused(
        result,
        "--fix: write NAME=VALUE",
        "bias is given twice",
        "--cases: write A:B",
        "--neuron: write L,N",
        "--out:",
        "--noise: must",
    )
    np.savez("misspelt.npz", time=np.arange(9.0), drive=np.zeros(9), powr=np.zeros(9))
    refused(run("misspelt.npz"), "no array power", "unknown array powr; did you mean power?")
    np.savez("short.npz", time=np.arange(9.0), drive=np.zeros(4), power=np.full(9, 0.1))
    refused(run("short.npz"), "short.npz: drive: its shape (4,)")
    refused(run("missing.h5"), "cannot read missing.h5")
    (files / "right.csv").write_text("time,drive,power\n")
    refused(run("right.csv"), "holds names but no row of data")
    refused(run("right.npz", "--cases", "7:"), "the 3 cases have none of these")
    try:
        refused(run("right.npz", "--memory", "10K"), "the limit is 10.0 KiB")
    finally:
        spinrnn.set_memory_limit(None)
    spinrnn.Network(spinrnn.NetworkConfig(layers=(3,), inputs=1, outputs=2), seed=0).save("net.h5")
    refused(run("net.h5"), "was written by spinrnn", "--neuron")
    assert sorted(path.name for path in files.iterdir() if path.is_dir()) == []


def test_the_figure_draws_into_axes_that_are_given():
    fit = spinrnn.identify_device(*device(np.random.default_rng(23), 100), fixed={"Q": 0.8})
    axes = figures_.device_fit(fit)
    again = figures_.device_fit(fit, axes)
    assert again is axes
    assert axes[0].lines[1].get_ydata() == pytest.approx(fit.predicted[0])
    assert axes[1].get_xlabel() == "time (ns)"
    assert axes[0].lines[1].get_xdata() == pytest.approx(1e9 * fit.measurement.time[0])


@pytest.mark.skipif(
    "open_trajectory" not in spinrnn.__all__, reason="this spinrnn has no trajectory files"
)
def test_identify_reads_a_neuron_of_a_trajectory_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    config = spinrnn.NetworkConfig(layers=(4, 3), inputs=1, outputs=2, nonlinear_damping=0.5)
    spinrnn.Network(config, seed=1).simulate(np.random.default_rng(8).normal(size=(3, 1, 40))).save(
        "traces.h5"
    )
    assert main(["identify", "traces.h5", "--neuron", "1,2", "--cases", ":2", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["findings"]["rounding"]["value"]
    assert report["findings"]["cases"]["value"] == 2
    for name, value in {"gamma": 1e8, "Q": 0.5, "gain": 1.0}.items():
        assert report["findings"][name.lower()]["value"] == pytest.approx(value, rel=1e-3)
    assert report["neuron"] == [1, 2]
    assert main(["identify", "traces.h5"]) == 2
    assert "if it is a trajectory, say which neuron (--neuron L,N)" in capsys.readouterr().err
    assert main(["identify", "traces.h5", "--neuron", "1,2", "--fix", "gamma=10e-9"]) == 0
    told = capsys.readouterr()
    assert "gamma is fixed at 1e-08 1/s, which is that of no oscillator: it is a rate" in told.out
    assert "fitted as one device" not in told.out, "the cases of a neuron are of one device"
    noisy = spinrnn.Network(
        spinrnn.NetworkConfig(layers=(3,), inputs=1, outputs=2, thermal_power=1e-2)
    )
    noisy.simulate(np.random.default_rng(8).normal(size=(3, 1, 40))).save("noisy.h5")
    assert main(["identify", "noisy.h5", "--neuron", "0,1", "--fix", "Q=0"]) == 1
    told = capsys.readouterr()
    assert "simulated with thermal noise" in told.err
    assert "the residuals are correlated, so the p of the others are too small" in told.out
    assert main(["identify", "traces.h5", "--neuron", "2"]) == 2
    assert "write --neuron L,N with the layer, as in --neuron 0,2" in capsys.readouterr().err


@pytest.mark.parametrize("ending", ["npz", "h5"])
def test_identify_takes_a_neuron_of_a_recording_with_an_axis_of_neurons(files, capsys, ending):
    """The axes that `analyse` reads."""
    with np.load("right.npz") as right:
        arrays = {name: right[name] for name in ("time", "drive", "power")}
    both = {
        name: np.stack([0.5 * arrays[name], arrays[name]], axis=1) for name in ("drive", "power")
    } | {"time": arrays["time"]}
    if ending == "npz":
        np.savez("both.npz", **both)
    else:
        with h5py.File("both.h5", "w") as file:
            file.update(both)
    assert main(["identify", "right.npz", "--fix", "Q=0.8", "--json"]) == 0
    alone = json.loads(capsys.readouterr().out)
    assert main(["identify", f"both.{ending}", "--neuron", "1", "--fix", "Q=0.8", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["findings"] == alone["findings"]
    for neuron, message in (
        (None, "2 neurons; give one of them"),
        ("2", "2 neurons; give one of them"),
        ("0,1", "no layers; write --neuron 1"),
    ):
        assert (
            main(["identify", f"both.{ending}", *(() if neuron is None else ("--neuron", neuron))])
            == 2
        )
        assert message in capsys.readouterr().err
    assert main(["identify", "right.npz", "--neuron", "0"]) == 2
    assert "no axis of neurons" in capsys.readouterr().err
    np.savez("shared.npz", **both | {"drive": both["drive"][:, 1:]})
    assert main(["identify", "shared.npz", "--neuron", "1", "--fix", "Q=0.8", "--json"]) == 0
    shared = json.loads(capsys.readouterr().out)
    assert shared["findings"] == alone["findings"], "one drive for all neurons of a case"
    for wrong in (both["drive"][:2], arrays["drive"]):
        np.savez("unfit.npz", **both | {"drive": wrong})
        assert main(["identify", "unfit.npz", "--neuron", "1"]) == 2
        assert "drive: its shape" in capsys.readouterr().err
    noise = np.stack(
        [
            np.full(arrays["power"].shape, 9.0),
            np.full(arrays["power"].shape, alone["findings"]["noise"]["value"]),
        ],
        axis=1,
    )
    for given in (noise, np.float64(alone["findings"]["noise"]["value"])):
        np.savez("noisy.npz", **both, noise=given)
        assert main(["identify", "noisy.npz", "--neuron", "1", "--fix", "Q=0.8", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["findings"]["degrees_of_freedom"]["value"] == pytest.approx(
            found["findings"]["chi_square"]["value"], rel=1e-6
        )
