"""IDX files: every type, plain and gzipped; whatever is damaged, hostile or does not fit is refused in one line; training on a folder of them."""

import gzip
import json
import os
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from conftest import IDX_CODES, idx_bytes, refused, spinrnn_command

import spinrnn
from spinrnn.datasets.parts import split
from spinrnn.learning.trainer import Trainer
from spinrnn.readers.idx import IdxFile

IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"


def read(path, content, dimensions=1):
    path.write_bytes(content)
    return IdxFile(path, dimensions).read()


@pytest.mark.parametrize("dtype", IDX_CODES)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_every_type(tmp_path, dtype, pack):
    array = (np.random.default_rng(0).normal(size=(5, 2, 3)) * 50).astype(dtype)
    result = read(tmp_path / "x", pack(idx_bytes(array)), 3)
    assert result.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(result, array)


def test_the_bytes_of_the_format(tmp_path):
    """Written out by hand, the highest byte first."""
    content = bytes.fromhex("00000b02 00000002 00000001 0102 ffff")
    np.testing.assert_array_equal(read(tmp_path / "x", content, 2), [[258], [-1]])


GOOD = idx_bytes(np.arange(100, dtype=np.uint8))
PACKED = gzip.compress(GOOD, mtime=0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an IDX file, it begins with the bytes \\(none\\)"),
        (GOOD[:3], "not an IDX file"),
        (b"\x89PNG" + GOOD, "not an IDX file, it begins with the bytes 89 50 4e 47"),
        (b"\0\0\x0a" + GOOD[3:], "not an IDX file"),  # a type code that the format does not have
        (b"\0\1" + GOOD[2:], "not an IDX file"),
        (b"\0\0\x08\x02" + GOOD[4:], "has 2 dimensions, expected 1"),
        (GOOD[:6], "truncated within its header"),
        (GOOD[:-1], "truncated, its header claims 100 values of type ubyte but 99 bytes follow"),
        (GOOD + b"\0", "too long, its header claims 100 values of type ubyte but 101 bytes follow"),
        (idx_bytes(np.empty(0, np.uint8)), "empty"),
        (struct.pack(">BBBBI", 0, 0, 8, 1, 2**32 - 1), r"more than 1\.1e\+09"),
        (gzip.compress(GOOD[:3], mtime=0), "not an IDX file"),
        (gzip.compress(GOOD[:6], mtime=0), "truncated within its header"),
        (gzip.compress(GOOD[:-1], mtime=0), "truncated, 99 of 100 bytes follow"),
        (gzip.compress(GOOD + b"\0", mtime=0), "too long, more than 100 bytes follow"),
        (
            gzip.compress(struct.pack(">BBBBI", 0, 0, 14, 1, 2**30), mtime=0),
            "more than .* bytes of gzip can hold",
        ),
        (PACKED[:5], "truncated or damaged gzip"),
        (PACKED[:40], "truncated or damaged gzip"),
        (PACKED[:-1], "truncated or damaged gzip"),
        (PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:], "truncated or damaged gzip file .CRC"),
        (PACKED[:10] + b"\xff" + PACKED[11:], "truncated or damaged gzip"),
        (PACKED + b"more", "truncated or damaged gzip"),
    ],
)
def test_bad_files(tmp_path, content, message):
    with pytest.raises(spinrnn.StoreError, match=rf"^{tmp_path}/x\.gz: .*{message}") as caught:
        read(tmp_path / "x.gz", content)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("claim", [100, 50_000_000])
def test_a_bomb_takes_no_memory(tmp_path, claim):
    """200 MB of zeros in 200 kB, of which no more is unpacked than the header claims; and a header that claims more than is there."""
    zeros = gzip.compress(
        struct.pack(">BBBBI", 0, 0, 8, 1, claim) + bytes(200_000_000 if claim == 100 else 1000)
    )
    path = tmp_path / "bomb.gz"
    path.write_bytes(zeros if claim == 100 else zeros + gzip.compress(os.urandom(60_000), 1)[:-8])
    tracemalloc.start()
    with pytest.raises(spinrnn.StoreError, match="too long" if claim == 100 else "truncated"):
        IdxFile(path, 1).read()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (
        peak < 5e6 + claim
    )  # tracemalloc counts what is asked for, also where it is never touched


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


def test_training_on_a_folder(idx_folder, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    settings = [
        "data.source=../sets/mnist.small/",
        "network.layers=[6]",
        "network.outputs=3",
        "network.substeps=2",
        "train.epochs=30",
        "train.batch=8",
    ]
    arguments = [word for text in settings for word in ("--set", text)]
    result = spinrnn_command("train", *arguments, cwd=work)
    assert result.returncode == 0, result.stderr
    run = work / "runs" / "mnist.small-seed0"
    summary = json.loads((run / "summary.json").read_text())
    assert summary["cases"] == {"training": 54, "validation": 6, "test": 18}
    assert np.sum(summary["confusion"], axis=1).tolist() == [6, 6, 6]
    assert summary["test_accuracy"] > 0.8
    plain = json.loads(
        spinrnn_command("evaluate", run, "--json").stdout
    )  # from another working directory
    assert (plain["test_accuracy"], plain["cases"]) == (summary["test_accuracy"], 18)
    (run / "summary.json").unlink()
    resumed = spinrnn_command("train", *arguments, "--resume", cwd=work)
    assert "continuing in runs/mnist.small-seed0;" in resumed.stdout, resumed.stderr
    wrong = spinrnn_command("train", *arguments, "--set", "data.test_fraction=0.2", cwd=work)
    refused(
        wrong,
        "data.test_fraction: these data bring their own test part, 18 of 78 cases; leave the key out",
    )
    assert [path.name for path in (work / "runs").iterdir()] == [run.name]
    labels = (idx_folder / "t10k-labels-idx1-ubyte").read_bytes()
    (idx_folder / "t10k-labels-idx1-ubyte").write_bytes(labels[:-1] + b"\0")
    refused(spinrnn_command("evaluate", run), "was trained on other data")


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
