"""Measured series with the recipe "series": the figures of docs/results.md, where the
data are. They come with the package aeon; SPINRNN_SERIES names another folder.
"""

import importlib.util
import os
import sys
from pathlib import Path

import numpy as np
import pytest

import spinrnn

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
sys.path.insert(0, str(DOCS))
import series  # noqa: E402 - a page's script

LEAST = {"BasicMotions": 0.95, "OSULeaf": 0.70, "ArrowHead": 0.65}
"""Median test accuracy of three seeds."""


def folder_of_data():
    """Where the series lie, or None."""
    if "SPINRNN_SERIES" in os.environ:
        return Path(os.environ["SPINRNN_SERIES"])
    found = importlib.util.find_spec("aeon")
    return Path(found.origin).parent / "datasets" / "data" if found and found.origin else None


@pytest.mark.slow
@pytest.mark.parametrize("name", LEAST)
def test_the_recipe_learns_measured_series(name, tmp_path):
    folder = folder_of_data()
    data = None if folder is None else series.data_of(folder, name)
    if data is None:
        pytest.skip(f"no {name}: install aeon, or name a folder with it by SPINRNN_SERIES")
    together, _, reservoirs, _ = series.runs_of(name, data, tmp_path)
    assert np.median(together) >= LEAST[name]
    assert np.median(together) >= np.median(reservoirs) - 0.01


def series_like(cases=24, seed=0):
    """Two classes by the frequency of a wave that begins anywhere, far from order 1."""
    rng = np.random.default_rng(seed)
    labels = np.arange(cases) % 2
    phases = rng.uniform(0, 2 * np.pi, (cases, 1))
    waves = np.sin(phases + np.arange(60) * np.where(labels, 0.4, 0.8)[:, None])
    inputs = 2e4 + 3e3 * (waves + 0.1 * rng.normal(size=waves.shape))
    return spinrnn.Dataset(inputs[:, None], labels)


def test_the_recipe_learns_from_a_dozen_cases():
    tables = {"train": {"epochs": 12, "ensemble": 1}, "network": {"layers": [12]}}
    config = spinrnn.recipe("series", **tables)
    own = np.arange(60) >= 20
    data = series_like(60)
    data = spinrnn.Dataset(data.inputs, data.labels, test=own)
    assert spinrnn.train(config, data=data).summary["test_accuracy"] >= 0.9


def test_baselines_by_hand():
    """The nearest neighbour and the ridge of the page's script."""
    x = np.array([[0.0, 0], [1, 0], [0, 2]])
    y, z = np.array([0, 0, 1]), np.array([[0.2, 1.5], [0.6, 0.1]])
    assert series.nearest(x, y, z).tolist() == [1, 0]
    rng = np.random.default_rng(0)
    weights, known, other = rng.normal(size=5), *rng.normal(size=(2, 80, 5))
    truth = [(part @ weights > 0).astype(int) for part in (known, other)]
    assert (series.ridge(known, truth[0], other) == truth[1]).mean() > 0.9


def test_the_front_end_hears_a_tone():
    """A tone of 1 kHz is loudest in the band around it."""
    time = np.arange(2000) / series.RATE
    frames = series.log_mel(np.sin(2 * np.pi * 1000 * time))
    assert frames.shape == (15, series.BANDS)
    mel = 2595 * np.log10(1 + np.array([1000, series.RATE / 2]) / 700)
    assert set(frames.argmax(axis=1)) == {round(mel[0] / mel[1] * (series.BANDS + 1)) - 1}
