"""Folders of IDX files: order, spellings and types, what does not fit, training."""

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest
from conftest import here, idx_bytes, refused

import spinrnn
from spinrnn.datasets.parts import split
from spinrnn.learning.trainer import Trainer

IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"


def test_a_folder(idx_folder):
    data = spinrnn.load_dataset(str(idx_folder))
    assert data.inputs.shape == (78, 1, 12)
    assert (data.inputs.dtype, data.labels.dtype) == (np.float32, np.int64)
    assert data.lengths is None
    train = np.frombuffer(
        gzip.decompress((idx_folder / IMAGES).read_bytes())[16:], np.uint8
    ).reshape(60, 12)
    test = np.frombuffer(
        (idx_folder / "t10k-images-idx3-ubyte").read_bytes()[16:], np.uint8
    ).reshape(18, 12)
    np.testing.assert_allclose(
        data.inputs[:, 0], np.concatenate([train, test]) / 255, rtol=1e-7
    )  # pixels row by row
    np.testing.assert_array_equal(data.labels, [*(np.arange(60) % 3), *(np.arange(18) % 3)])
    training, validation, own = split(data, spinrnn.DataConfig(), 0)
    np.testing.assert_array_equal(own, np.arange(60, 78))
    np.testing.assert_array_equal(np.bincount(data.labels[validation]), [2, 2, 2])
    assert len(training) == 54


def test_other_spellings_and_folders_of_the_same_name(idx_folder):
    expected = spinrnn.load_dataset(str(idx_folder)).digest()
    packed = (idx_folder / IMAGES).read_bytes()
    (idx_folder / IMAGES).rename(idx_folder / "train-images.idx3-ubyte.gz")
    (idx_folder / "train-images-idx3-ubyte").mkdir()
    (idx_folder / LABELS).rename(idx_folder / "train-labels.idx1-ubyte")  # still gzipped
    assert spinrnn.load_dataset(str(idx_folder)).digest() == expected
    (idx_folder / "train-images.idx3-ubyte").write_bytes(gzip.decompress(packed))
    assert spinrnn.load_dataset(str(idx_folder)).digest() == expected


@pytest.mark.parametrize(
    ("dtype", "expected"), [("i1", "f4"), ("i2", "f4"), ("i4", "f8"), ("f4", "f4"), ("f8", "f8")]
)
def test_other_types_keep_their_values(idx_folder, dtype, expected):
    images = (np.random.default_rng(1).normal(size=(60, 3, 4)) * 50).astype(dtype)
    for part, count in (("train", 60), ("t10k", 18)):
        (idx_folder / f"{part}-images-idx3-ubyte").write_bytes(idx_bytes(images[:count]))
    inputs = spinrnn.load_dataset(str(idx_folder)).inputs
    assert inputs.dtype == np.dtype(expected)
    np.testing.assert_array_equal(inputs[:60, 0], images.reshape(60, 12))


def test_files_that_do_not_fit_together(idx_folder):
    def refused_with(name, array, message):
        good = (idx_folder / name).read_bytes()
        (idx_folder / name).write_bytes(idx_bytes(array))
        with pytest.raises(spinrnn.DataError, match=message):
            spinrnn.load_dataset(str(idx_folder))
        (idx_folder / name).write_bytes(good)

    refused_with(
        LABELS, np.zeros(59, np.uint8), rf"{IMAGES} holds 60 images, but {LABELS} 59 labels"
    )
    refused_with(
        "t10k-labels-idx1-ubyte",
        np.zeros(19, np.uint8),
        "t10k-images-idx3-ubyte holds 18 images, but .* 19 labels",
    )
    refused_with(LABELS, np.zeros(60), "labels must be whole numbers, got type double")
    other = "holds images of 3 x 4 pixels of type ubyte, but t10k-images-idx3-ubyte "
    refused_with(
        "t10k-images-idx3-ubyte",
        np.zeros((18, 4, 3), np.uint8),
        other + "4 x 3 pixels of type ubyte",
    )
    refused_with(
        "t10k-images-idx3-ubyte",
        np.zeros((18, 3, 4), np.float32),
        other + "3 x 4 pixels of type float",
    )


def test_missing_files_are_named(idx_folder, tmp_path):
    (idx_folder / LABELS).unlink()
    with pytest.raises(
        spinrnn.StoreError, match=r"mnist\.small: has no file train-labels-idx1-ubyte \(or"
    ):
        spinrnn.load_dataset(str(idx_folder))
    (idx_folder / "t10k-images-idx3-ubyte").unlink()
    with pytest.raises(
        spinrnn.StoreError,
        match="no file t10k-images-idx3-ubyte and no file train-labels-idx1-ubyte",
    ):
        spinrnn.load_dataset(str(idx_folder))
    with pytest.raises(spinrnn.DataError, match="nor a folder that exists"):
        spinrnn.load_dataset(str(tmp_path / "mnist"))


def test_training_on_a_folder(idx_folder, tmp_path, monkeypatch):
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    settings = [
        "data.source=../sets/mnist.small/",
        "network.layers=[6]",
        "network.outputs=3",
        "network.substeps=2",
        "train.epochs=30",
        "train.batch=8",
    ]
    arguments = [word for text in settings for word in ("--set", text)]
    result = here("train", *arguments)
    assert result.returncode == 0, result.stderr
    run = work / "runs" / "mnist.small-seed0"
    summary = json.loads((run / "summary.json").read_text())
    assert summary["cases"] == {"training": 54, "validation": 6, "test": 18}
    assert np.sum(summary["confusion"], axis=1).tolist() == [6, 6, 6]
    assert summary["test_accuracy"] > 0.8
    # from another working directory
    monkeypatch.chdir(tmp_path)
    plain = json.loads(here("evaluate", run, "--json").stdout)
    assert (plain["test_accuracy"], plain["cases"]) == (summary["test_accuracy"], 18)
    monkeypatch.chdir(work)
    (run / "summary.json").unlink()
    resumed = here("train", *arguments, "--resume")
    assert "continuing in runs/mnist.small-seed0;" in resumed.stdout, resumed.stderr
    wrong = here("train", *arguments, "--set", "data.test_fraction=0.2")
    words = "data.test_fraction: these data bring their own test part, 18 of 78 cases; leave"
    refused(wrong, words)
    assert [path.name for path in (work / "runs").iterdir()] == [run.name]
    labels = (idx_folder / "t10k-labels-idx1-ubyte").read_bytes()
    (idx_folder / "t10k-labels-idx1-ubyte").write_bytes(labels[:-1] + b"\0")
    refused(here("evaluate", run), "was trained on other data")


def test_the_given_test_part_is_the_trainers(idx_folder):
    config = spinrnn.RunConfig(
        network=spinrnn.NetworkConfig(layers=(2,), outputs=3, substeps=1),
        data=spinrnn.DataConfig(split_seed=4),
    )
    data = spinrnn.load_dataset(str(idx_folder))
    trainer = Trainer(config, data)
    np.testing.assert_array_equal(trainer.test.inputs, data.inputs[60:])
    learned = np.concatenate([trainer.training.inputs, trainer.validation.inputs])
    assert sorted(case.tobytes() for case in learned) == sorted(
        case.tobytes() for case in data.inputs[:60]
    )


def test_mnist():
    folder = Path(
        os.environ.get("SPINRNN_MNIST", Path(__file__).parents[3] / "shared" / "data" / "mnist")
    )
    if not folder.is_dir():
        pytest.skip(f"MNIST is not in {folder}; SPINRNN_MNIST=FOLDER names another one")
    data = spinrnn.load_dataset(folder)
    assert data.inputs.shape == (70_000, 1, 784)
    assert (data.inputs.min(), data.inputs.max()) == (0, 1)
    assert data.inputs[:60_000].mean(dtype=float) == pytest.approx(0.1307, abs=5e-5)
    np.testing.assert_array_equal(data.labels[[0, 1, 2, 60_000, 60_001]], [5, 0, 4, 7, 2])
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    np.testing.assert_array_equal(np.bincount(data.labels[~data.test]), counts)
    parts = split(data, spinrnn.DataConfig(), 0)
    np.testing.assert_array_equal(parts[2], np.arange(60_000, 70_000))
    np.testing.assert_allclose(np.bincount(data.labels[parts[1]]), 0.1 * np.array(counts), atol=0.5)
