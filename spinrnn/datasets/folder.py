"""A data set of images in a folder of IDX files under MNIST's names."""

import math
from pathlib import Path

import numpy as np

from spinrnn.datasets.dataset import Dataset
from spinrnn.errors import DataError, StoreError
from spinrnn.readers.idx import DTYPES, IdxFile

_PARTS = ("train", "t10k")
_FILES = [*((f"{part}-images", 3) for part in _PARTS), *((f"{part}-labels", 1) for part in _PARTS)]
"""(stem of a file's name, its dimensions)."""


def is_one(folder: Path) -> bool:
    """Whether one of the four files is there."""
    return any(_find(folder, stem, dimensions) for stem, dimensions in _FILES)


def read_folder(folder: str | Path) -> Dataset:
    """Reads the four files `train-images-idx3-ubyte`, `t10k-labels-idx1-ubyte` and so
    on.

    Each may have `.gz` behind its name, or `.idx3` in the place of `-idx3`. The inputs
    are (case, 1, pixel), pixels row by row; ubyte is scaled to [0, 1] and becomes
    float32, other types keep their values. The cases of the t10k files follow those of
    the train files and are the test part.

    Raises:
        StoreError: a file is missing, damaged or not of this format.
        DataError: the files do not fit together.
    """
    files = [IdxFile(path, dimensions) for path, dimensions in _paths(Path(folder))]
    images, labels = files[:2], files[2:]
    _check(images, labels)
    test = np.repeat([False, True], [file.shape[0] for file in images])
    numbers = np.concatenate([file.read().astype(np.int64) for file in labels])
    return Dataset(_inputs(images), numbers, test=test)


def _paths(folder):
    """[(path, dimensions)] of the four files."""
    found, missing = [], []
    for stem, dimensions in _FILES:
        path = _find(folder, stem, dimensions)
        if path is None:
            missing.append(f"{stem}-idx{dimensions}-ubyte")
        else:
            found.append((path, dimensions))
    if missing:
        raise StoreError(
            f"{folder}: has no file {' and no file '.join(missing)} (or the same with .gz)"
        )
    return found


def _find(folder, stem, dimensions):
    """The first of a file's possible paths that is a file, else None.

    Some collections have folders of the same names.
    """
    for mark in "-.":
        for suffix in ("", ".gz"):
            path = folder / f"{stem}{mark}idx{dimensions}-ubyte{suffix}"
            if path.is_file():
                return path
    return None


def _check(images, labels):
    """Refuses files that do not fit together, before their values are read."""
    for one, other in zip(images, labels, strict=True):
        if one.shape[0] != other.shape[0]:
            raise DataError(
                f"{one.path} holds {one.shape[0]} images, but {other.path.name} "
                f"{other.shape[0]} labels"
            )
        if other.type in ("float", "double"):
            raise DataError(f"{other.path}: labels must be whole numbers, got type {other.type}")
    train, test = images
    if (train.shape[1:], train.type) != (test.shape[1:], test.type):
        size = "{0[1]} x {0[2]} pixels of type {1}"
        raise DataError(
            f"{train.path} holds images of {size.format(train.shape, train.type)}, but "
            f"{test.path.name} {size.format(test.shape, test.type)}"
        )


def _inputs(images):
    """(case, 1, pixel) of both parts, read into one array, as they may be large."""
    counts, pixels = [file.shape[0] for file in images], math.prod(images[0].shape[1:])
    # float64 where float32 would round
    dtype = np.result_type(np.float32, DTYPES[images[0].type])
    inputs = np.empty((sum(counts), 1, pixels), dtype)
    for part, file in zip(np.split(inputs, counts[:1]), images, strict=True):
        part[...] = file.read().reshape(part.shape)
    if images[0].type == "ubyte":
        inputs /= 255
    return inputs
