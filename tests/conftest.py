"""Fixtures: small networks, data and sweeps that every test can afford."""

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


@pytest.fixture
def sweep_file(tiny_file):
    """Function (text of axes and the like, **settings of [sweep]) that writes a sweep over `tiny_file` beside it and returns its path."""

    def write(text="", epochs=4, **settings):
        lines = ["[sweep]", *(f"{key} = {value}" for key, value in ({"name": '"toy"', "base": '"tiny.toml"'} | settings).items())]
        path = tiny_file.parent / "sweep.toml"
        path.write_text("\n".join([*lines, f"[train]\nepochs = {epochs}", text]))
        return path

    return write
