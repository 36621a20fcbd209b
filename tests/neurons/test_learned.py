"""The learned device: its file, its checks, its right-hand side."""

import itertools

import numpy as np
import pytest

from spinrnn.errors import DataError, StoreError
from spinrnn.neurons.learned import Channel, LearnedDevice, load_learned


def made(rng, hidden=5, delays=2, drives=1):
    """A learned device of random weights."""
    columns = delays * (1 + drives)
    sizes = (columns, hidden, hidden, delays)
    weights = tuple(
        (rng.normal(size=(after, before)), rng.normal(size=after))
        for before, after in itertools.pairwise(sizes)
    )
    return LearnedDevice(
        weights=weights,
        output=Channel("mz", "1", 0.7, 10.0, 0.5, 0.8),
        drives=tuple(Channel(f"u{i}", "J/m3", 8e5, 5e-6, 6e5, 1e6) for i in range(drives)),
        sampling_step=5e-12,
        unit_step=0.025,
        delays=delays,
        provenance={"files": ["table.txt"]},
    )


def test_a_file_gives_back_the_device(tmp_path):
    device = made(np.random.default_rng(0), drives=2)
    device.save(tmp_path / "device.h5")
    again = load_learned(tmp_path / "device.h5")
    for (a, b), (c, d) in zip(device.weights, again.weights, strict=True):
        assert np.array_equal(a, c)
        assert np.array_equal(b, d)
    assert (again.output, again.drives, again.delays) == (device.output, device.drives, 2)
    assert again.provenance == {"files": ["table.txt"]}
    assert again.diffusion is None


def test_the_slope_is_that_of_the_layers_in_turn():
    device = made(np.random.default_rng(1), hidden=3)
    z, v = np.array([0.3, -0.2]), np.array([0.5, 0.1])
    (w0, b0), (w1, b1), (w2, b2) = device.weights
    x = np.array([0.3, -0.2, 0.5, 0.1])
    wanted = w2 @ np.tanh(w1 @ np.tanh(w0 @ x + b0) + b1) + b2
    assert np.allclose(device.slope(z, v), wanted, rtol=1e-15)


def test_shapes_that_do_not_fit_are_told():
    device = made(np.random.default_rng(2))
    with pytest.raises(DataError, match="do not follow 4 values"):
        LearnedDevice(device.weights[1:], device.output, device.drives, 1e-9, 1.0)
    broken = ((np.full((2, 4), np.nan), np.zeros(2)),)
    with pytest.raises(DataError, match="finite"):
        LearnedDevice(broken, device.output, device.drives, 1e-9, 1.0)


def test_a_damaged_file_is_told(tmp_path):
    path = tmp_path / "device.h5"
    made(np.random.default_rng(3)).save(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoreError):
        load_learned(path)
