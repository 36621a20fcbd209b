"""Series that need no file: values against plain implementations and known statistics."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import spinrnn
from spinrnn.config.sources import SOURCES
from spinrnn.datasets import builtin

SERIES = [name for name, source in SOURCES.items() if source.length]
DIGESTS = {
    "narma10": "e0b458e50122026b",
    "narma2": "02fa5077e6dbafa8",
    "mackey_glass": "43768a26bf82fd70",
    "sine_square": "0e9031e3bc42a47e",
    "memory": "cf7c2d19001473a8",
    "parity": "eff99ea882162779",
    "lorenz": "d33493ca407ebb06",
}


def made(name, **keys):
    return spinrnn.load_dataset(name, **keys)


# ---- all ----


@pytest.mark.parametrize("name", SERIES)
def test_a_series_is_a_function_of_its_keys(name):
    data, other = made(name, length=300), made(name, length=300, seed=1)
    assert data.digest() == made(name, length=300, seed=0).digest() != other.digest()
    assert data.inputs.shape[::2] == (1, 300)
    assert len(builtin.BUILT_INS) == len(SERIES)


@pytest.mark.parametrize("name", SERIES)
def test_a_shorter_series_is_the_start_of_a_longer_one(name):
    short, long = made(name, length=700), made(name, length=1300)
    assert np.array_equal(short.inputs, long.inputs[:, :, :700])
    for array in ("labels", "targets"):
        if getattr(short, array) is not None:
            assert np.array_equal(getattr(short, array), getattr(long, array)[..., :700])


@pytest.mark.parametrize("name", SERIES)
def test_the_bits_stay(name):
    """They are those of every machine, as a run knows its data by them."""
    assert made(name, length=200).digest()[:16] == DIGESTS[name]


# ---- NARMA ----


def test_narma10_is_its_equation():
    data = made("narma10", length=1000)
    u, y = data.inputs[0, 0], data.targets[0, 0]
    # y[t] is the target at the point of u[t], y(t+1) of the paper
    for t in range(10, 1000):
        last = y[t - 1]
        wanted = 0.3 * last + 0.05 * last * y[t - 10 : t].sum() + 1.5 * u[t - 9] * u[t] + 0.1
        assert y[t] == pytest.approx(wanted, rel=1e-12)
    assert 0 <= u.min() < 0.01
    assert 0.49 < u.max() <= 0.5


def test_narma2_is_its_equation():
    data = made("narma2", length=1000)
    u, y = data.inputs[0, 0], data.targets[0, 0]
    wanted = 0.4 * y[1:-1] + 0.4 * y[1:-1] * y[:-2] + 0.6 * u[2:] ** 3 + 0.1
    np.testing.assert_allclose(y[2:], wanted, rtol=1e-12)


def test_narma10_stays_bounded():
    """Of plain draws a fifth of series this long grows without end."""
    y = made("narma10", length=50_000).targets
    assert y.max() <= 1
    assert y.mean() == pytest.approx(0.386, abs=0.005)


# ---- chaos ----


def test_mackey_glass_is_its_equation():
    """The first four delays against DOP853, delay after delay."""
    h, nodes = 1 / builtin.STEPS, builtin.DELAY * builtin.STEPS
    x, slope, before = np.full(nodes + 1, 1.2), np.zeros(nodes + 1), lambda t: 1.2
    for delay in range(4):
        x, slope = builtin._next_delay(x, slope, h)
        start = 17.0 * delay
        history = before

        def change(t, y, history=history):
            past = history(t - 17)
            return 0.2 * past / (1 + past**10) - 0.1 * y

        first = 1.2 if delay == 0 else history(start).item()
        found = solve_ivp(
            change, (start, start + 17), [first], "DOP853", dense_output=True, rtol=1e-11,
            atol=1e-12, max_step=0.5,
        )  # fmt: skip
        before = lambda t, sol=found.sol: sol(t)[0]
        times = start + h * np.arange(nodes + 1)
        np.testing.assert_allclose(x, found.sol(times)[0], atol=2e-7)


def test_mackey_glass_has_its_statistics():
    """Those of a plain integration by Euler's method with a hundredth of a unit."""
    x = [1.2] * 1701
    for _ in range(600_000):
        past = x[-1701]
        x.append(x[-1] + 0.01 * (0.2 * past / (1 + past**10) - 0.1 * x[-1]))
    plain, series = np.array(x[100_000::100]), made("mackey_glass").inputs
    assert series.mean() == pytest.approx(plain.mean(), abs=0.005)
    assert series.std() == pytest.approx(plain.std(), abs=0.005)
    assert series.min() == pytest.approx(plain.min(), abs=0.02)
    assert series.max() == pytest.approx(plain.max(), abs=0.02)


def test_lorenz_is_its_equation():
    x, y, z = made("lorenz", length=200).inputs[0] * 10 + [[0], [0], [25]]

    def change(t, s):
        return 10 * (s[1] - s[0]), s[0] * (28 - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]

    times = 0.02 * np.arange(50)
    found = solve_ivp(
        change, (0, 1), [x[100], y[100], z[100]], "DOP853", times, rtol=1e-11, atol=1e-11
    )
    np.testing.assert_allclose([x[100:150], y[100:150], z[100:150]], found.y, atol=1e-4)


def test_lorenz_has_its_statistics():
    """<z> = 23.55 and <x^2> = 8/3 <z>, as d(x^2/20 ...)/dt averages to zero."""
    x, y, z = made("lorenz", length=20_000).inputs[0] * 10 + [[0], [0], [25]]
    assert z.mean() == pytest.approx(23.55, abs=0.3)
    assert (x * y).mean() == pytest.approx(8 / 3 * z.mean(), rel=0.01)
    assert (x * x).mean() == pytest.approx((x * y).mean(), rel=0.01)


# ---- classes, memory ----


def test_sine_and_square():
    data = made("sine_square", length=804)
    u, labels = data.inputs[0, 0], data.labels[0]
    assert data.classes == ("sine", "square")
    for start in range(0, 800, 8):
        assert len(set(labels[start : start + 8])) == 1
        phase = 2 * np.pi * np.arange(8) / 8
        wanted = np.sign(np.sin(phase + 0.1)) if labels[start] else np.sin(phase)
        np.testing.assert_allclose(u[start : start + 8], wanted, atol=1e-15)
    assert 0.4 < labels.mean() < 0.6


def test_memory_is_the_inputs_before():
    data = made("memory", length=400, delays=7)
    u, y = data.inputs[0, 0], data.targets[0]
    assert y.shape == (7, 400)
    for k in range(1, 8):
        assert np.array_equal(y[k - 1, k:], u[:-k])
        # of the first points too
        assert np.isfinite(y[k - 1]).all()
    assert (u.min(), u.max()) == pytest.approx((-0.5, 0.5), abs=0.01)


def test_parity_is_of_the_last_bits():
    data = made("parity", length=400, delays=5)
    s, y = data.inputs[0, 0].astype(int), data.targets[0]
    assert set(s) == {0, 1}
    for k in range(1, 6):
        for t in range(k, 400):
            assert y[k - 1, t] == s[t - k : t + 1].sum() % 2
    assert made("parity", length=400).targets.shape == (1, 8, 400)
    assert made("memory", length=400).targets.shape == (1, 40, 400)
