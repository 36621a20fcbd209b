"""Fixtures: small networks and data that every test can afford."""

import numpy as np
import pytest

import spinrnn


@pytest.fixture
def tiny_data():
    """120 noisy sequences of two channels and three classes that a small network learns at once."""
    rng = np.random.default_rng(5)
    labels = np.repeat(np.arange(3), 40)
    patterns = rng.normal(size=(3, 2, 5))
    inputs = patterns[labels] + 0.1 * rng.normal(size=(120, 2, 5))
    return spinrnn.Dataset(inputs, labels, rng.integers(4, 6, 120))


@pytest.fixture
def tiny_config():
    """A run on `tiny_data` that takes a fraction of a second."""
    return spinrnn.RunConfig(
        network=spinrnn.NetworkConfig(layers=(6, 5), inputs=2, outputs=3, density_int=0.5, substeps=2),
        train=spinrnn.TrainConfig(epochs=4, batch=16, checkpoint_seconds=0),
    )


@pytest.fixture
def tiny_file(tmp_path, tiny_data):
    """`tiny_data` as a .npz file, and a configuration file of `tiny_config` beside it. Returns the path of the latter."""
    np.savez(tmp_path / "tiny.npz", inputs=tiny_data.inputs, labels=tiny_data.labels, lengths=tiny_data.lengths)
    path = tmp_path / "tiny.toml"
    path.write_text(
        "[network]\nlayers = [6, 5]\ninputs = 2\noutputs = 3\ndensity_int = 0.5\nsubsteps = 2\n"
        '[train]\nepochs = 4\nbatch = 16\ncheckpoint_seconds = 0\n[data]\nsource = "tiny.npz"\n'
    )
    return path
