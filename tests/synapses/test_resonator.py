"""Chains of resonators: weights against a triple loop, derivatives, symmetries of a line,
devices that differ, threads, precision.
"""

import dataclasses

import numpy as np
import pytest

import spinrnn
from spinrnn.checks.synapse import check_synapse
from spinrnn.errors import ConfigError

NOMINAL = spinrnn.Resonator()
UNEQUAL = spinrnn.Resonator(
    tone_spacing="geometric", tone_tolerance=1e-2, resonance_tolerance=2e-2, dead=0.2,
    damping=0.03, unit_power=1e-6,
)  # fmt: skip


def chains(kind, shape=(3, 12), seed=0, dtype="float64"):
    """(trained in GHz, devices)"""
    trained = np.empty(shape, dtype)
    devices = kind.make(trained, np.random.default_rng(seed))
    # up to a few lines away
    trained += np.random.default_rng([seed, 1]).normal(0, 2e-3, shape).astype(dtype)
    return trained, devices


def plain(kind, trained, devices):
    """Eq. (1.1) and (1.2) as they stand, one pair of tone and resonator after the other."""
    count = trained.shape[1]
    tones = kind.frequencies(kind.tone_spacing, count) * devices["tone"]
    designed = kind.frequencies(kind.resonator_spacing, count)
    weights = np.zeros(trained.shape)
    for j, i, k in np.ndindex(*trained.shape, count):
        f = (designed[k] + 1e9 * trained[j, k]) * devices["resonance"][j, k]
        a, d = kind.damping * f, tones[i] - f
        sign = (-1) ** (k + 1) * devices["works"][j, k]
        weights[j, i] += sign * 2 * a * d / (a**2 + d**2)
    return weights * np.tan(np.pi / 4) / (8 * 2**0.5) / 10e-6 * kind.unit_power


@pytest.mark.parametrize("kind", [NOMINAL, UNEQUAL], ids=["nominal", "unequal"])
@pytest.mark.parametrize(("dtype", "allowed"), [("float64", 1e-12), ("float32", 3e-5)])
def test_weights_are_those_of_a_triple_loop(kind, dtype, allowed):
    trained, devices = chains(kind, dtype=dtype)
    weights = kind.read(trained, devices)
    expected = plain(kind, trained.astype("float64"), devices)
    assert weights.dtype == dtype
    assert np.abs(weights - expected).max() < allowed * np.abs(expected).max()


@pytest.mark.parametrize("kind", [NOMINAL, UNEQUAL], ids=["nominal", "unequal"])
def test_read_backward_is_the_derivative_of_read(kind):
    """To 1e-8 in float64; the same in float32 but for its rounding."""
    rows = list(check_synapse(kind))
    assert [row.text for row in rows if not row.ok] == []
    assert sum("read_backward" in row.promise for row in rows) == 3
    trained, devices = chains(kind)
    g = np.random.default_rng(3).normal(size=trained.shape)
    exact = kind.read_backward(trained, devices, g)
    near = kind.read_backward(trained.astype("float32"), devices, g.astype("float32"))
    assert near.dtype == "float32"
    assert np.abs(near - exact).max() < 1e-3 * np.abs(exact).max()


def test_a_single_line():
    """At most 1, at half a width; 0 at resonance with the slope -2 / (alpha f); odd to first
    order in the distance over the frequency.
    """
    kind = dataclasses.replace(NOMINAL, damping=0.01)
    unit = kind.kappa / kind.threshold_current
    f = 0.02
    distance = np.linspace(-4e-3, 4e-3, 8001)
    # s_0 = -1, and d = f_i - f_jk is minus the detuning over the lowest tone
    detunings = np.broadcast_to(-distance[:, None], (8001, 1)).copy()
    devices = {"tone": np.ones(1), **{name: np.ones((8001, 1)) for name in ("resonance", "works")}}
    g = -kind.read(detunings, devices)[:, 0] / unit
    assert np.abs(g).max() == pytest.approx(1, abs=1e-5)
    assert np.abs(g).max() <= 1 + 1e-12
    assert distance[g.argmax()] == pytest.approx(0.01 * f, rel=0.02)
    assert (np.sign(g) == np.sign(distance)).all()
    slope = -kind.read_backward(detunings, devices, np.ones((8001, 1)))[:, 0] / unit
    assert slope[4000] == pytest.approx(-2 / (0.01 * f), rel=1e-9)
    # odd but for the line's width, which follows its frequency
    near = np.abs(distance) < 1e-4
    odd = (g + g[::-1])[near]
    assert np.abs(odd).max() < 2.5 * np.abs(distance / f)[near].max()
    assert np.abs(odd).max() > 0
    even = np.abs(odd / np.where(distance[near] == 0, 1, distance[near] ** 2))
    # second order: divided by d^2 it stays the same all over
    assert even[distance[near] != 0].std() < 0.3 * even[distance[near] != 0].mean()


def test_an_equal_pair_has_no_weight():
    """Two resonators at the same frequency, wired head to tail."""
    kind = dataclasses.replace(NOMINAL, lowest_frequency=50e6, highest_frequency=50e6)
    devices = {"tone": np.array([0.98, 1.01])}
    devices |= {name: np.ones((1, 2)) for name in ("resonance", "works")}
    weights = kind.read(np.full((1, 2), 3e-4), devices)
    assert weights.tolist() == [[0.0, 0.0]]
    devices["works"][0, 0] = 0
    assert (kind.read(np.full((1, 2), 3e-4), devices) != 0).all()


def test_weights_do_not_depend_on_the_scale_of_frequencies():
    trained, devices = chains(UNEQUAL)
    larger = dataclasses.replace(UNEQUAL, lowest_frequency=40e6, highest_frequency=240e6)
    np.testing.assert_allclose(
        larger.read(2 * trained, devices), UNEQUAL.read(trained, devices), rtol=1e-10
    )


def test_designed_frequencies_go_in_equal_steps_or_ratios():
    kind = spinrnn.Resonator(lowest_frequency=20e6, highest_frequency=320e6)
    np.testing.assert_allclose(kind.frequencies("linear", 4), [20e6, 120e6, 220e6, 320e6])
    np.testing.assert_allclose(kind.frequencies("geometric", 5), 20e6 * 2.0 ** np.arange(5))


def test_fresh_chains():
    start = np.empty((40, 50))
    devices = UNEQUAL.make(start, np.random.default_rng(5))
    assert start.std() == pytest.approx(1e-3 / 50**0.5, rel=0.05)
    assert devices["tone"].shape == (50,)
    assert devices["tone"].std() == pytest.approx(1e-2, rel=0.3)
    assert devices["resonance"].std() == pytest.approx(2e-2, rel=0.05)
    assert sorted(set(devices["works"].ravel())) == [0, 1]
    assert (devices["works"] == 0).sum() == 400
    twin = UNEQUAL.nominal(devices)
    ideal = NOMINAL.make(start.copy(), np.random.default_rng(5))
    assert {name: array.tolist() for name, array in twin.items()} == {
        name: array.tolist() for name, array in ideal.items()
    }
    assert np.abs(UNEQUAL.read(start, twin) - UNEQUAL.read(start, devices)).max() > 0
    # of a kind without differences the twin is itself
    assert spinrnn.Ideal().nominal({"a": start})["a"] is start


def test_bits_do_not_depend_on_threads_nor_on_the_chains_beside():
    trained, devices = chains(UNEQUAL, (40, 200), dtype="float32")
    g = np.random.default_rng(1).normal(size=trained.shape).astype("float32")
    found = []
    for count in (1, 3):
        spinrnn.set_threads(count)
        found.append((UNEQUAL.read(trained, devices), UNEQUAL.read_backward(trained, devices, g)))
    spinrnn.set_threads(None)
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
    some = {name: array[5:6] if array.ndim == 2 else array for name, array in devices.items()}
    np.testing.assert_array_equal(UNEQUAL.read(trained[5:6], some), found[0][0][5:6])


def test_nan_passes():
    trained, devices = chains(NOMINAL)
    trained[1, 2] = np.nan
    assert np.isnan(NOMINAL.read(trained, devices)).all(axis=1).tolist() == [False, True, False]


def test_impossible_values_are_told_at_once():
    with pytest.raises(ConfigError) as error:
        spinrnn.Resonator(highest_frequency=1e6, dead=-0.1, damping=0.0, tone_spacing="cubic")
    told = "; ".join(error.value.problems)
    for name in ("highest_frequency: must be at least lowest", "dead:", "damping:", "tone_sp"):
        assert name in told, told
