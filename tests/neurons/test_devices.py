"""Devices that differ, and thermal noise: exact gradients, one realisation whatever the
blocks, what is drawn is kept.
"""

import dataclasses
import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import twin

import spinrnn
from spinrnn.checks import gradient as gradcheck
from spinrnn.kernels import authors, compiling
from spinrnn.kernels import random as thermal
from spinrnn.networks.running import Runner
from spinrnn.neurons import oscillator
from spinrnn.neurons import spread as devices

SPREAD = {
    "spread_gamma": 0.2,
    "spread_nonlinear_damping": 0.3,
    "spread_bias": 0.1,
    "spread_gain": 0.4,
    "nonlinear_damping": 0.4,
}
SPREADS = {
    "gamma": "spread_gamma",
    "nonlinear_damping": "spread_nonlinear_damping",
    "bias": "spread_bias",
    "gain": "spread_gain",
}
NOISE = {"thermal_power": 3e-3}
KINDS = [SPREAD, NOISE, SPREAD | NOISE]
ALL_AT_ONCE = [*(pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS[:2]), KINDS[2]]
SCHEMES = ("exponential", "euler")


@pytest.fixture(autouse=True)
def _limits():
    yield
    spinrnn.set_threads(None)
    spinrnn.set_memory_limit(None)


def problem(scale=1.0, layers=(3, 5, 2), **changes):
    """A network with all parameters away from zero, inputs of unequal lengths, labels."""
    settings = {"substeps": 3, "readout_window": 1, "dtype": "float64"} | changes
    net = spinrnn.Network(
        spinrnn.NetworkConfig(layers=layers, inputs=2, outputs=3, **settings), seed=0
    )
    rng = np.random.default_rng(0)
    net.parameters += 0.3 * rng.normal(size=net.parameters.size)
    return net, scale * rng.normal(size=(4, 2, 6)), rng.integers(0, 3, 4), np.array([6, 3, 5, 6])


def compare(net, u, labels, lengths, seed=7):
    """Forward and backward pass against the twin."""
    mask = 1 if net.mask is None else net.mask
    views = net.layout.grouped(net.parameters * mask)
    reference = twin.logits(net.config, views, u, lengths, None, net.devices, seed)
    np.testing.assert_allclose(
        net.forward(u, lengths, seed), reference, rtol=0, atol=1e-12 * np.abs(reference).max()
    )
    _, gradient = net.loss_and_grad(u, labels, lengths, seed)
    exact = twin.complex_step_gradient(
        net.config,
        net.layout,
        net.parameters,
        net.mask,
        u,
        labels,
        lengths,
        1e-30,
        net.devices,
        seed,
    )
    for block, (where, _) in net.layout.blocks.items():
        assert np.abs(exact[where]).max() > 1e-6, f"{block} takes no part in the test"
        np.testing.assert_allclose(
            gradient[where],
            exact[where],
            rtol=0,
            atol=1e-12 * np.abs(exact[where]).max(),
            err_msg=block,
        )


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("kind", ALL_AT_ONCE)
def test_forward_and_gradient_agree_with_the_twin(kind, scheme):
    small = {"layers": (2, 4, 2), "scheme": scheme} | kind
    compare(*problem(amplification=(1.0, 2.5, 0.7), **small))
    compare(*problem(density_int=0.5, density_ext=0.6, **small))


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("kind", ALL_AT_ONCE)
def test_strong_drives_and_an_active_floor_too(kind, scheme):
    """Strong noise meets both limits: the floor, and the power of 1 beyond which
    nothing is kicked.
    """
    changes = kind | ({"thermal_power": 0.1} if "thermal_power" in kind else {})
    net, u, labels, lengths = problem(
        5.0, scheme=scheme, power_floor=0.05, output_amplification=1.0, **changes
    )
    states = np.concatenate([s.ravel() for s in net.simulate(u, lengths, 7).state])
    assert (states == 0.05).any()
    drives = (
        np.concatenate([d[np.isfinite(d)] for d in net.simulate(u, lengths, 7).drive])
        * net.config.relaxation_time
    )
    assert drives.min() < -2 < 4 < drives.max()
    compare(net, u, labels, lengths)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("kind", ALL_AT_ONCE)
def test_central_differences(kind, scheme):
    config = dataclasses.replace(gradcheck.AWKWARD, scheme=scheme, dtype="float64", **kind)
    rows = list(
        gradcheck.check_one(config, 6, 1, gradcheck.BOUND)
    )  # this seed has blocks of 1e-5 of the loss, where rounding is felt
    assert len(rows) == 3 * 3 + 2
    assert max(r.error for r in rows) < 1e-8


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        (SPREAD, "float32"),
        (SPREAD, "float64"),
        # compiles for seconds
        pytest.param(SPREAD | NOISE, "float32", marks=pytest.mark.slow),
        (SPREAD | NOISE, "float64"),
    ],
)
@pytest.mark.parametrize("density", [1.0, 0.2])
def test_threads_segments_and_the_length_of_calls_do_not_change_a_bit(
    monkeypatch, kind, density, dtype
):
    from spinrnn.networks import planning
    from spinrnn.networks import running as engine

    config = spinrnn.NetworkConfig(
        layers=(9, 21), inputs=1, outputs=3, dtype=dtype, density_int=density, **kind
    )
    net = spinrnn.Network(config, seed=1)
    rng = np.random.default_rng(0)
    u, labels, lengths = (
        rng.normal(size=(70, 1, 20)),
        rng.integers(0, 3, 70),
        rng.integers(5, 21, 70),
    )
    results, segments = set(), set()
    for threads, limit, call in itertools.product((1, 3), (2**30, 1), (engine.LONGEST_CALL, 1)):
        spinrnn.set_threads(threads)
        monkeypatch.setattr(engine, "LONGEST_CALL", call)
        needed = planning.plan(config, net._packing(), 70, 20, True, limit).bytes
        spinrnn.set_memory_limit(max(limit, needed))
        segments.add(net.plan(70, 20).segments)
        logits, loss, gradient = net.logits_loss_grad(u, labels, lengths, 3)
        results.add(
            (logits.tobytes(), loss, gradient.tobytes(), net.forward(u, lengths, 3).tobytes())
        )
    assert max(segments) > 1
    assert len(results) == 1
    spinrnn.set_memory_limit(None)
    trajectory = net.simulate(u, lengths, 3)
    assert trajectory.logits.tobytes() == logits.tobytes()


def test_noise_is_a_function_of_seed_case_neuron_and_substep():
    config = spinrnn.NetworkConfig(
        layers=(5,), inputs=1, outputs=2, substeps=2, dtype="float64", **NOISE
    )
    net = spinrnn.Network(config, seed=1)
    net.parameters[:] = 0
    u = np.zeros((40, 1, 8))
    first = net.simulate(u, noise_seed=1).state[0]
    assert np.array_equal(first, net.simulate(u, noise_seed=1).state[0])
    assert np.array_equal(first[:7], net.simulate(u[:7], noise_seed=1).state[0])  # of no other case
    assert np.array_equal(first[:, :, :7], net.simulate(u[:, :, :3], noise_seed=1).state[0])
    for other in (2, [1, 0, 5], [1, 1]):
        assert not np.array_equal(first, net.simulate(u, noise_seed=other).state[0])
    increments = np.diff(first, axis=2).reshape(-1)
    assert len(np.unique(increments)) > 0.99 * increments.size
    with pytest.raises(spinrnn.DataError, match="noise_seed"):
        net.forward(u, noise_seed=-1)
    with pytest.raises(spinrnn.DataError, match="noise_seed"):
        net.forward(u, noise_seed=1.5)


def test_a_divergence_is_found_where_it_was():
    """The search runs the case again, with its own noise."""
    net, u, _, _ = problem(scheme="euler", substeps=1, power_floor=0.0, thermal_power=1e-3)
    many = np.repeat(u, 10, axis=0)
    many[33] = 1e6
    with pytest.raises(spinrnn.DivergenceError) as error:
        net.forward(many)
    assert error.value.case == 33


def test_a_divergence_that_noise_causes_is_found_where_it_was():
    """Kicked above 4/3, a coarse Euler step of a negative drive throws the power ever
    higher: when, only the case's own noise knows.
    """
    net = lone(1, scheme="euler", substeps=1, thermal_power=0.1)
    net.views()["w_ext"][0][:] = 1
    u = np.full((40, 1, 60), -5.0)
    u[:, :, :3] = 1
    with pytest.raises(spinrnn.DivergenceError) as error:
        net.forward(u)
    case, step = error.value.case, error.value.step
    assert case > 0
    assert 3 < step < 59
    net.forward(u[: case + 1, :, :step])
    with pytest.raises(spinrnn.DivergenceError):
        net.forward(u[: case + 1, :, : step + 1])


# ---- what is drawn ----


def test_spread_is_what_was_asked_for_and_drawn_once():
    config = spinrnn.NetworkConfig(
        layers=(20000, 20000), **SPREAD, density_int=1e-4, density_ext=1e-4
    )
    drawn = devices.draw_devices(config)
    for name, key in SPREADS.items():
        factor = getattr(drawn, name)
        assert factor.mean() == pytest.approx(1, abs=5 * getattr(config, key) / 200)
        assert factor.std() == pytest.approx(getattr(config, key), rel=0.05)
        assert factor.min() > 0
    for a, b in itertools.combinations(SPREADS, 2):
        assert abs(np.corrcoef(getattr(drawn, a), getattr(drawn, b))[0, 1]) < 0.03
    assert (
        devices.draw_devices(dataclasses.replace(config, device_seed=1)).gamma[0] != drawn.gamma[0]
    )
    assert devices.draw_devices(dataclasses.replace(config, spread_gain=0.0)).same(
        devices.Devices(drawn.gamma, drawn.nonlinear_damping, drawn.bias, np.ones(40000))
    )
    assert devices.draw_devices(spinrnn.NetworkConfig()) is None
    assert spinrnn.Network(spinrnn.NetworkConfig(neuron="ctrnn", spread_gain=0.1)).devices is None


def test_devices_know_nothing_of_the_weights():
    """Of one and the same seed, as both have it by default: a neuron of strong damping
    must not be one of large weights.
    """
    net = spinrnn.Network(spinrnn.NetworkConfig(layers=(2000, 1), inputs=1, **SPREAD), seed=0)
    weights = net.views()["w_ext"][0][:, 0]
    for name in SPREADS:
        assert abs(
            np.corrcoef(np.log(getattr(net.devices, name)[:2000]), weights)[0, 1]
        ) < 5 / np.sqrt(2000), name


def test_devices_are_kept_by_files_and_replace(tmp_path):
    net, u, _, lengths = problem(**SPREAD, **NOISE)
    net.devices.gamma[2] = 1.7  # a measured one
    expected = net.forward(u, lengths)
    net.save(tmp_path / "net.h5")
    again = spinrnn.load(tmp_path / "net.h5")
    assert again.devices.same(net.devices)
    assert np.array_equal(again.forward(u, lengths), expected)
    finer = net.replace(substeps=24)
    assert finer.devices.same(net.devices)
    finer.devices.gamma[2] = 1.0
    assert net.devices.gamma[2] == 1.7
    other = net.replace(device_seed=3)
    assert not other.devices.same(net.devices)
    assert net.replace(spread_gamma=0.0).devices.gamma[2] == 1
    ideal = net.replace(**dict.fromkeys(SPREADS.values(), 0.0))
    assert ideal.devices is None
    assert ideal.replace(**{key: SPREAD[key] for key in SPREADS.values()}).devices.same(
        devices.draw_devices(net.config)
    )


def test_devices_count_as_they_are_now():
    """Changed in place, replaced or taken away after a first use: as in a network that
    never had others.
    """
    net, u, _, _ = problem(**SPREAD)
    ideal, first = net.replace(**dict.fromkeys(SPREADS.values(), 0.0)), net.forward(u)
    net.devices.gain[3] *= 2
    changed = net.forward(u)
    assert not np.array_equal(changed, first)
    assert np.array_equal(net.replace().forward(u), changed)
    net.devices.gain[3] = -1.0
    with pytest.raises(spinrnn.DataError, match="positive"):
        net.forward(u)
    net.devices = devices.draw_devices(net.config)
    assert np.array_equal(net.forward(u), first)
    net.devices = None
    assert np.array_equal(net.forward(u), ideal.forward(u))


def test_wrong_devices_are_told(tmp_path):
    """Before anything runs or is written: a file of them could not be read again."""
    net, u, _, _ = problem(**SPREAD)
    uses = (
        net.forward,
        net.simulate,
        lambda _: net.save(tmp_path / "a.h5"),
        lambda u: net.simulate_to(tmp_path / "b.h5", u),
        lambda _: net.replace(),
    )
    right = net.devices.gain
    wrong_ones = (
        np.ones(3),
        np.full(10, np.nan),
        np.zeros(10),
        -right,
        np.ones(10, int),
        1.0,
        [1.0, [2.0]],
        np.array(list("abcdefghij")),
        1e300 * right,
    )
    for wrong, use in itertools.product(wrong_ones, uses):
        net.devices.gain = wrong
        with pytest.raises(spinrnn.DataError, match=r"devices\.gain: expected 10 positive"):
            use(u)
    net.devices.gain = right.tolist()
    net.save(tmp_path / "list.h5")
    assert np.array_equal(spinrnn.load(tmp_path / "list.h5").devices.gain, right)
    before = net.devices
    for wrong, message in (
        ({"gamma": right}, "got dict"),
        (spinrnn.Devices(*[right] * 3, right[1:]), r"devices\.gain: expected 10"),
    ):
        with pytest.raises(spinrnn.DataError, match=message):
            net.devices = wrong
    assert net.devices is before
    twin_network = spinrnn.Network(dataclasses.replace(net.config, neuron="ctrnn"))
    with pytest.raises(spinrnn.DataError, match=r"gamma, .*the CTRNN has none"):
        twin_network.devices = before
    assert [path.name for path in tmp_path.iterdir()] == ["list.h5"]


def test_a_run_keeps_its_devices_and_its_noise(tmp_path, tiny_config, tiny_data):
    """Killed and resumed to the same bits; the network of the run, of its checkpoints
    and of memory have the same devices.
    """
    network = dataclasses.replace(
        tiny_config.network, thermal_power=1e-3, spread_gamma=0.1, spread_gain=0.2, device_seed=4,
        dtype="float64",
    )  # fmt: skip
    config = dataclasses.replace(tiny_config, network=network)
    whole = spinrnn.train(config, data=tiny_data)
    steps = iter(range(100))
    with pytest.raises(spinrnn.Interrupted):
        spinrnn.train(config, tmp_path / "run", data=tiny_data, stop=lambda: next(steps) == 7)
    assert spinrnn.load(tmp_path / "run").devices.same(whole.network.devices)
    result = spinrnn.train(None, tmp_path / "run", resume=True, data=tiny_data)
    assert result.network.parameters.tobytes() == whole.network.parameters.tobytes()
    assert [r["train_loss"] for r in result.history] == [r["train_loss"] for r in whole.history]
    loaded = spinrnn.load(tmp_path / "run")
    assert loaded.devices.same(whole.network.devices)
    assert loaded.devices.same(devices.draw_devices(network))
    quiet = spinrnn.train(
        dataclasses.replace(config, network=dataclasses.replace(network, thermal_power=0.0)),
        data=tiny_data,
    )
    assert quiet.history[0]["train_loss"] != whole.history[0]["train_loss"]


def test_each_batch_of_training_has_noise_of_its_own(monkeypatch, tiny_config, tiny_data):
    seeds, right = [], Runner.run

    def watch(self, packing, flat, batch, backward, limit):
        seeds.extend([batch.noise_seed] if backward else [])
        return right(self, packing, flat, batch, backward, limit)

    monkeypatch.setattr(Runner, "run", watch)
    config = dataclasses.replace(
        tiny_config,
        network=dataclasses.replace(tiny_config.network, thermal_power=1e-3, dtype="float64"),
    )
    spinrnn.train(config, data=tiny_data)
    assert seeds[0] == 0, "while compiling"
    assert len(seeds) > 8
    assert len(set(seeds)) == len(seeds)


# ---- random numbers ----


@compiling.kernel
def all_words(counters, keys, out):
    for i in range(len(counters)):
        out[i, 0], out[i, 1] = thermal.scramble(
            counters[i, 0], counters[i, 1], keys[i, 0], keys[i, 1]
        )


def test_known_answers_of_the_generator():
    """Those that its authors publish with Random123."""
    counters = np.array([[0, 0], [0xFFFFFFFF] * 2, [0x243F6A88, 0x85A308D3]], np.uint32)
    keys = np.array([[0, 0], [0xFFFFFFFF] * 2, [0x13198A2E, 0x03707344]], np.uint32)
    expected = np.array(
        [[0x6B200159, 0x99BA4EFE], [0x1CB996FC, 0xBB002BE7], [0xC4923A9C, 0x483DF7A0]], np.uint32
    )
    out = np.empty_like(counters)
    all_words(counters, keys, out)
    np.testing.assert_array_equal(out, expected)


@compiling.kernel
def all_kicks(neurons, first, key, lengths, cosines):
    thermal.kicks(2, neurons, first, key[0], key[1], lengths, cosines)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_kicks_are_those_of_two_normal_numbers(dtype):
    """Against the twin's logarithm and cosine, and the moments of many."""
    from scipy import stats

    rng = np.random.default_rng(0)
    lengths, cosines = (np.empty(50 * 40 * 16, dtype) for _ in range(2))
    key = rng.integers(0, 2**32, 2, dtype=np.uint32)
    all_kicks(40, 5, key, lengths, cosines)
    v = 64 // np.dtype(dtype).itemsize
    few = 8 * float(np.finfo(dtype).eps)
    for place in rng.integers(0, lengths.size, 500):
        row = place // v
        x, y = twin.threefry(
            (5 + int(row) // 40 * v + int(place) % v, 2 + int(row) % 40), [int(k) for k in key]
        )
        u, w = ((word // 2 + 0.5) / 2**31 for word in (x, y))
        assert lengths[place] == pytest.approx(-2 * np.log(u), rel=few, abs=few)
        assert cosines[place] == pytest.approx(np.cos(2 * np.pi * w), rel=0, abs=few)
    r2 = lengths.reshape(-1, 40, v) / 2
    assert stats.kstest(r2.ravel(), "expon").pvalue > 1e-3
    assert stats.kstest(np.sqrt(2 * r2.ravel()) * cosines, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(r2.ravel(), cosines)[0, 1]) < 5 / np.sqrt(r2.size)
    normal = (np.sqrt(2 * r2.ravel()) * cosines).reshape(-1, 40, v)
    for axis in range(3):  # neighbours in case and neuron know nothing of each other
        a, b = np.moveaxis(normal, axis, 0)[:-1].ravel(), np.moveaxis(normal, axis, 0)[1:].ravel()
        assert abs(np.corrcoef(a, b)[0, 1]) < 5 / np.sqrt(a.size)


kicked = authors.compiled(oscillator.kicked)


@compiling.kernel
def all_kicked(p, length, cosine, powers, slopes):
    for i in range(p.size):
        powers[i], slopes[i], _ = kicked(p[i], length[i], cosine[i], p.dtype.type(1))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_kicks_at_the_edges(dtype):
    """A kick from no power at all; one that ends where it began, which rounding would
    take below zero.
    """
    p = np.random.default_rng(0).uniform(1e-6, 1, 10000).astype(dtype)
    length, cosine = np.nextafter(p, np.dtype(dtype).type(2)), np.full_like(p, -1)
    p[:10], length[:10], cosine[:10] = 0, 0.25, np.linspace(-1, 1, 10)
    powers, slopes = np.empty_like(p), np.empty_like(p)
    all_kicked(p, length, cosine, powers, slopes)
    np.testing.assert_array_equal(powers[:10], 0.25)
    np.testing.assert_array_equal(slopes[:10], 1)
    raw = (p + length) - 2 * np.sqrt(length * p)
    assert (raw[10:] < 0).any()
    assert (powers >= 0).all()
    assert (slopes[10:][raw[10:] < 0] == 0).all()


def test_silent_devices_start_at_the_floor():
    """One whose threshold is above its bias rests at the floor, or at zero without one."""
    for floor, start in ((1e-3, 1e-3), (0.0, 0.0)):
        net = spinrnn.Network(
            spinrnn.NetworkConfig(
                layers=(3,), inputs=1, outputs=1, power_floor=floor, dtype="float64"
            ),
            seed=0,
        )
        net.devices = devices.Devices(
            np.array([1.0, 3.0, 1.0]), np.ones(3), np.array([1.0, 1.0, 0.4]), np.ones(3)
        )
        states = net.simulate(np.zeros((1, 1, 2))).state[0][0]
        np.testing.assert_allclose(states[:, 0], [0.5, start, start])
        assert (states[1:] == start).all()


# ---- the physics ----


def lone(count=16, **changes):
    """So many identical oscillators without couplings, in float64 unless changed."""
    settings = {"dtype": "float64", "power_floor": 0.0} | changes
    net = spinrnn.Network(
        spinrnn.NetworkConfig(layers=(count,), inputs=1, outputs=1, **settings), seed=0
    )
    net.parameters[:] = 0
    return net


def last_states(net, drive, points, seed):
    """Powers of all neurons after so many relaxation times, for 1000 cases; some at a
    time, as a trajectory has all times.
    """
    parts = [
        net.simulate(np.full((100, 1, points), drive), noise_seed=[seed, part]).state[0][:, :, -1]
        for part in range(10)
    ]
    return np.concatenate(parts).ravel()


STATIONARY = [
    (2.0, 0.0, 1e-3, "exponential"),
    (3.0, 0.7, 4e-3, "exponential"),
    (1.02, 0.0, 1e-2, "exponential"),
    (3.0, 0.7, 4e-3, "euler"),
]


@pytest.mark.parametrize(("xi", "q", "eta", "scheme"), STATIONARY)
def test_stationary_distribution(xi, q, eta, scheme):
    """Exp(-(p - p*)^2 / (2 gamma eta / (I + gamma Q))) on p > 0, from far above
    threshold to a distribution that zero cuts in half.
    """
    from scipy import stats

    net = lone(
        bias_ratio=xi,
        nonlinear_damping=q,
        thermal_power=eta,
        scheme=scheme,
        substeps=8 if scheme == "exponential" else 32,
    )
    duration = 12 / (xi - 1) if xi > 1.5 else 60
    state = last_states(net, 0.0, int(duration), 11)
    fixed, width = (xi - 1) / (xi + q), np.sqrt(eta / (xi + q))
    theory = stats.truncnorm(-fixed / width, (1 - fixed) / width, fixed, width)
    assert state.mean() == pytest.approx(
        theory.mean(),
        abs=5 * theory.std() / np.sqrt(state.size)
        + (0 if scheme == "exponential" else 0.02 * width),
    )
    assert state.std() == pytest.approx(
        theory.std(), rel=5 / np.sqrt(2 * state.size) + (0.002 if scheme == "exponential" else 0.02)
    )
    if scheme == "exponential":
        assert stats.kstest(state, theory.cdf).pvalue > 1e-3


def test_thermal_equilibrium_without_drive():
    """eta is the mean power of the undriven oscillator, whose power is distributed
    exponentially.
    """
    from scipy import stats

    net = lone(thermal_power=1e-3, substeps=8)
    net.views()["w_ext"][0][:] = 1
    state = last_states(net, -2.0, 25, 5)
    assert state.mean() == pytest.approx(1e-3, rel=5 / np.sqrt(state.size) + 1e-3)
    assert stats.kstest(state, stats.expon(scale=1e-3).cdf).pvalue > 1e-3


@pytest.mark.parametrize(("scheme", "order"), [("exponential", 2), ("euler", 1)])
def test_weak_order_of_the_noise(scheme, order):
    """Error of the stationary variance when the step is halved; the distances are far
    beyond the statistical error.
    """
    eta, errors = 1e-3, []
    interval = {"exponential": 20e-9, "euler": 5e-9}[scheme]
    for substeps in (2, 4):
        net = lone(thermal_power=eta, scheme=scheme, substeps=substeps, input_interval=interval)
        points = round(160e-9 / interval)
        states = net.simulate(np.zeros((2000, 1, points)), noise_seed=2).state[0]
        states = states[:, :, :: round(20e-9 / interval) * substeps][
            :, :, 4:
        ]  # every second relaxation time, when the start is forgotten
        errors.append(abs(states.var() / (eta / 2) - 1))
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.35)


def test_gamma_of_a_device_scales_its_time_and_its_noise():
    """A device with twice the damping and, for an equal supercriticality, twice the
    drive does the same in half the time.
    """
    slow, fast = lone(thermal_power=2e-3, substeps=4), lone(thermal_power=2e-3, substeps=8)
    fast.devices = devices.Devices(*(np.full(16, factor) for factor in (2.0, 1.0, 2.0, 1.0)))
    a, b = (
        net.simulate(np.zeros((16, 1, points)), noise_seed=9).state[0]
        for net, points in ((slow, 8), (fast, 4))
    )
    np.testing.assert_allclose(a, b, rtol=1e-11)


def test_linewidth_and_noise_power_are_each_others_inverse():
    config = spinrnn.NetworkConfig(bias_ratio=2.5, nonlinear_damping=0.3, thermal_power=2e-4)
    width = spinrnn.linewidth(config, nonlinear_shift=3.0)
    assert width == pytest.approx((1 + 9) * 2e-4 / (4 * np.pi * 10e-9 * 1.5 / 2.8))
    assert spinrnn.thermal_power(width, config, nonlinear_shift=3.0) == pytest.approx(2e-4)
    for wrong in (0, -1.0, np.nan, np.inf):
        with pytest.raises(spinrnn.ConfigError, match="linewidth"):
            spinrnn.thermal_power(wrong, config)
    with pytest.raises(spinrnn.ConfigError, match="nonlinear_shift"):
        spinrnn.linewidth(config, np.nan)
    with pytest.raises(
        spinrnn.ConfigError,
        match=r"noise power of 0\.126, the largest is 0\.1; "
        r".*which is given as 0 \(nonlinear_shift\)",
    ):
        spinrnn.thermal_power(2e6, spinrnn.NetworkConfig())
    assert spinrnn.thermal_power(2e6, spinrnn.NetworkConfig(), 5) == pytest.approx(
        0.12566 / 26, rel=1e-3
    )


def test_impossible_settings_are_told_all_at_once():
    with pytest.raises(spinrnn.ConfigError) as error:
        spinrnn.NetworkConfig(thermal_power=0.2, spread_gamma=-0.1, spread_gain=10, device_seed=-1)
    assert len(error.value.problems) == 4


def test_the_kernels_of_devices_run_as_plain_python():
    """NUMBA_DISABLE_JIT=1 catches indices out of range and the plain lines of the
    generator that differ from its instructions.
    """
    code = f"""
import itertools, numpy as np, spinrnn, twin
from spinrnn.kernels import random as thermal
assert thermal.scramble is not thermal._scramble
spread = {SPREAD}
for scheme, (dtype, tolerance), kind in itertools.product(
    ("exponential", "euler"),
    (("float64", 1e-12), ("float32", 1e-4)),
    (spread, spread | dict(thermal_power=1e-3)),
):
    c = spinrnn.NetworkConfig(
        layers=(2, 3), inputs=2, outputs=2, scheme=scheme, dtype=dtype,
        substeps=2, readout_window=1, **kind,
    )
    net = spinrnn.Network(c, seed=0)
    u, lengths = np.random.default_rng(0).normal(size=(3, 2, 3)), np.array([3, 1, 2])
    expected = twin.logits(c, net.views(), u, lengths, None, net.devices, 6)
    allowed = tolerance * max(1, np.abs(expected).max())
    assert np.abs(net.forward(u, lengths, 6) - expected).max() < allowed
    _, gradient = net.loss_and_grad(u, [0, 1, 1], lengths, 6)
    direction = np.random.default_rng(1).normal(size=gradient.size)
    shifted = net.layout.grouped(net.parameters + 1e-30j * direction)
    slope = twin.loss(c, shifted, u, [0, 1, 1], lengths, net.devices, 6).imag / 1e-30
    assert abs(gradient @ direction - slope) < tolerance * np.abs(gradient).sum()
"""
    environment = {
        **os.environ,
        "NUMBA_DISABLE_JIT": "1",
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path]),
    }
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env=environment,
        timeout=600,
    )
    assert result.returncode == 0, result.stderr


def test_points_of_sweeps_without_devices_keep_their_names():
    """What is off does not count, nor a seed of devices where nothing is spread; what
    is on does.
    """
    from spinrnn.sweep.points import identity

    def name(**changes):
        return identity(spinrnn.RunConfig(network=spinrnn.NetworkConfig(**changes)), "data")

    assert name().startswith("4c927e551d82d364e5a4ded155070de9"), (
        "what it was before there were devices"
    )
    assert name(device_seed=3) == name()
    different = [
        name(thermal_power=1e-3),
        name(spread_gain=0.1),
        name(spread_gain=0.1, device_seed=3),
        name(spread_bias=0.1),
    ]
    assert len({name(), *different}) == 5
    assert name(neuron="ctrnn", spread_gain=0.1, device_seed=3) == name(
        neuron="ctrnn", spread_gain=0.1
    )
