"""Repeats the table of measured series in docs/results.md:

    python docs/series.py FOLDER [NAME ...]

FOLDER has X_TRAIN.ts and X_TEST.ts of each series X, in it or in a folder X, as the
package aeon brings them (aeon/datasets/data), and for the spoken digits a folder or zip
file spoken-digits of DIGIT_speakerS_NN.wav. Each row is printed when it is known:
medians of three seeds, of the official test part, of the recipe "series", of a single
network of it, of its reservoir, of ridge regression and of the nearest neighbour. Runs
are kept in --runs, and a killed call goes on.
"""

import argparse
import dataclasses
import io
import re
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
from scipy.io import wavfile

import spinrnn
from spinrnn.errors import DataNote

NAMES = ("BasicMotions", "ArrowHead", "OSULeaf", "spoken", "unheard")
SETTINGS = {name: {"epochs": 20, "batch": 32} for name in ("spoken", "unheard")}
"""What overrules the recipe: with thousands of training cases fewer passes do."""
SEEDS = 3
RATE, WINDOW, HOP, BANDS = 8000, 256, 120, 20
"""Of the front end: Hz, samples of 32 ms, of 15 ms, mel bands."""


# ---- data ----


def data_of(folder, name):
    """The `Dataset` of a series; None where it is not there."""
    if name in ("spoken", "unheard"):
        return spoken(folder, unheard=name == "unheard")
    for place in (folder / name, folder):
        if (place / f"{name}_TRAIN.ts").is_file():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DataNote)
                return spinrnn.load_dataset(place / name)
    return None


def recordings(folder):
    """(name, content) of each WAV file of the spoken digits."""
    archive, place = folder / "spoken-digits.zip", folder / "spoken-digits"
    if (place / "spoken-digits.zip").is_file():
        archive = place / "spoken-digits.zip"
    if archive.is_file():
        with zipfile.ZipFile(archive) as file:
            for name in sorted(file.namelist()):
                yield Path(name).name, file.read(name)
    elif place.is_dir():
        for path in sorted(place.rglob("*.wav")):
            yield path.name, path.read_bytes()


def spoken(folder, unheard):
    """Spoken digits as log energies of mel bands. Test part: recordings 0 to 4 of each
    digit and speaker, or all of speaker 0, which the training then never hears.
    """
    frames, labels, tests = [], [], []
    for name, content in recordings(folder):
        found = re.fullmatch(r"(\d)_speaker(\d+)_(\d+)\.wav", name)
        if found is None:
            continue
        digit, speaker, number = map(int, found.groups())
        _, samples = wavfile.read(io.BytesIO(content))
        frames.append(log_mel(samples / 32768))
        labels.append(digit)
        tests.append(speaker == 0 if unheard else number < 5)
    if not frames:
        return None
    lengths = np.array([len(own) for own in frames])
    inputs = np.zeros((len(frames), BANDS, lengths.max()))
    for case, own in zip(inputs, frames, strict=True):
        case[:, : len(own)] = own.T
    return spinrnn.Dataset(inputs, np.array(labels), lengths, np.array(tests))


def log_mel(samples):
    """(frame, band) logarithm of the energy in triangular bands of the mel scale."""
    top = 2595 * np.log10(1 + RATE / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, BANDS + 2) / 2595) - 1)
    bins = np.arange(WINDOW // 2 + 1) * RATE / WINDOW
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    bank = np.maximum(0, np.minimum(rising, falling))
    samples = np.pad(samples, (0, max(0, WINDOW - len(samples))))
    windows = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    energy = np.abs(np.fft.rfft(windows * np.hanning(WINDOW))) ** 2
    return np.log(energy @ bank.T + 1e-6)


# ---- baselines ----


def flat(data, points=100):
    """(case, number) scaled channels, of cases of unequal length at so many points."""
    part = data.take(~data.test)
    inputs = np.asarray(data.inputs, dtype=float)
    lengths = np.full(len(data), inputs.shape[2]) if data.lengths is None else data.lengths
    known = [
        case[:, :length] for case, length in zip(part.inputs, lengths[~data.test], strict=True)
    ]
    every = np.concatenate(known, axis=1)
    scaled = (inputs - every.mean(axis=1)[:, None]) / every.std(axis=1)[:, None]
    if data.lengths is None:
        return scaled.reshape(len(data), -1)
    places = np.linspace(0, 1, points)
    return np.array([
        [np.interp(places * (n - 1), np.arange(n), channel[:n]) for channel in case]
        for case, n in zip(scaled, lengths, strict=True)
    ]).reshape(len(data), -1)  # fmt: skip


def nearest(x, y, z):
    """Classes of the nearest training case, by the Euclidean distance."""
    squares = (x**2).sum(axis=1)
    return y[(squares - 2 * z @ x.T).argmin(axis=1)]


def ridge(x, y, z):
    """Classes by ridge regression to 0 and 1, its penalty by leaving out one case."""
    centre, wanted = x.mean(axis=0), np.eye(y.max() + 1)[y]
    x, z, mean = x - centre, z - centre, wanted.mean(axis=0)
    values, vectors = np.linalg.eigh(x @ x.T)
    goal, found = vectors.T @ (wanted - mean), None
    for penalty in np.trace(x @ x.T) / len(x) * 10.0 ** np.arange(-6, 4):
        share = values / (values + penalty)
        own = (vectors**2 * share).sum(axis=1) + 1 / len(x)
        rest = (wanted - mean - vectors @ (share[:, None] * goal)) / (1 - own)[:, None]
        error = (rest**2).sum()
        if found is None or error < found[0]:
            found = error, vectors @ (goal / (values + penalty)[:, None])
    return (z @ (x.T @ found[1]) + mean).argmax(axis=1)


# ---- the table ----


def runs_of(name, data, folder):
    """(test accuracies of the recipe, of single networks, of reservoirs), a seed each;
    seconds of a run of the recipe.
    """
    together, single, reservoirs, seconds = [], [], [], []
    for seed in range(SEEDS):
        config = spinrnn.recipe("series", train={"seed": seed, **SETTINGS.get(name, {})})
        summary = spinrnn.train(config, folder / f"{name}-{seed}", True, data).summary
        together.append(summary["test_accuracy"])
        single += [member["test_accuracy"] for member in summary.get("members", [summary])]
        seconds.append(summary["seconds_training"])
        estimator = spinrnn.Reservoir()
        train = spinrnn.TrainConfig(seed=seed, estimator=estimator)
        config = dataclasses.replace(config, train=train)
        reservoirs.append(spinrnn.train(config, data=data).summary["test_accuracy"])
    return together, single, reservoirs, seconds


def row_of(name, data, folder):
    """A row of the table, and accuracies of single seeds."""
    own = ~data.test
    x, y, z, truth = (
        flat(data)[own],
        data.labels[own],
        flat(data)[data.test],
        data.labels[data.test],
    )
    others = [(answer(x, y, z) == truth).mean() for answer in (ridge, nearest)]
    *found, seconds = runs_of(name, data, folder)
    cells = [*(np.median(accuracies) for accuracies in found), *others]
    text = " | ".join(f"{100 * cell:.1f}" for cell in cells)
    seeds = ", ".join(f"{100 * accuracy:.1f}" for accuracy in found[0])
    return f"| {name} | {own.sum()} | {len(truth)} | {text} | {seeds} | {np.median(seconds):.0f} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--runs", type=Path, default=Path("runs/series"))
    options = parser.parse_args()
    print(
        "| series | training | test | recipe | one network | reservoir | ridge | 1-NN | seeds | s |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
    for name in options.names or NAMES:
        data = data_of(options.folder, name)
        if data is None:
            print(f"{name}: not in {options.folder}", file=sys.stderr)
            continue
        print(row_of(name, data, options.runs), flush=True)


if __name__ == "__main__":
    main()
