"""Initial weights: their distribution, and what the recurrent ones may be instead."""

import numpy as np
import pytest

import spinrnn
from spinrnn.sweep.points import identity


def drawn(**keys):
    config = spinrnn.NetworkConfig(layers=(40, 30), inputs=2, dtype="float64", **keys)
    return spinrnn.Network(config, seed=3)


@pytest.mark.parametrize("density", [1.0, 0.4])
def test_antisymmetric_weights_turn_states_and_no_more(density):
    net, plain = (
        drawn(density_int=density, recurrent=kind) for kind in ("antisymmetric", "normal")
    )
    for w, m in zip(net.views()["w_int"], plain.views()["w_int"], strict=True):
        if density == 1:
            np.testing.assert_allclose(w, (m - m.T) / np.sqrt(2), rtol=1e-12)
            assert np.abs(np.linalg.eigvals(w).real).max() < 1e-12
        there = (m != 0) & (m.T != 0)
        np.testing.assert_allclose(w[there], -w.T[there], rtol=1e-12)
        assert not w[m == 0].any()
        assert w.std() == pytest.approx(m.std(), rel=0.3)
    # everything else is drawn as before
    for block in ("w_ext", "bias"):
        for one, other in zip(net.views()[block], plain.views()[block], strict=True):
            np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(net.views()["w_out"], plain.views()["w_out"])


@pytest.mark.parametrize("recurrent", ["normal", "antisymmetric"])
def test_the_spectral_radius_is_that_of_each_layer(recurrent):
    net = drawn(recurrent=recurrent, spectral_radius=7.0, density_int=0.5)
    plain = drawn(recurrent=recurrent, density_int=0.5)
    for w, before in zip(net.views()["w_int"], plain.views()["w_int"], strict=True):
        assert np.abs(np.linalg.eigvals(w)).max() == pytest.approx(7, rel=1e-8)
        factor = 7 / np.abs(np.linalg.eigvals(before)).max()
        np.testing.assert_allclose(w, factor * before, rtol=1e-8)


def test_weights_without_an_eigenvalue_stay():
    """A single neuron has no antisymmetric weight."""
    config = spinrnn.NetworkConfig(layers=(1,), recurrent="antisymmetric", spectral_radius=2.0)
    assert spinrnn.Network(config).views()["w_int"][0].tolist() == [[0.0]]


def test_they_tell_points_of_a_sweep_apart():
    runs = [
        spinrnn.RunConfig(network=spinrnn.NetworkConfig(**keys))
        for keys in ({}, {"recurrent": "antisymmetric"}, {"spectral_radius": 2.0})
    ]
    assert len({identity(run, "0" * 64) for run in runs}) == 3
