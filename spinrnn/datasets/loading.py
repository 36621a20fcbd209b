"""Data sets from their sources: the packaged digits, .npz, HDF5, folders of IDX files."""

from pathlib import Path

import numpy as np

from spinrnn.config.tables import nearest
from spinrnn.datasets.dataset import _ARRAYS, Dataset
from spinrnn.errors import DataError, listed
from spinrnn.files.atomic import packaged, read_bytes
from spinrnn.files.hdf5 import read_arrays
from spinrnn.readers import idx
from spinrnn.readers.npz import read_npz


def load_digits():
    """The sequential digits [paper]: 1797 images of 8 x 8 pixels, read row by row, grey level / 16. Returns a `Dataset`, (1797, 1, 64)."""
    path = packaged("digits.h5")
    _, arrays = read_arrays(read_bytes(path), path)
    images = arrays["images"]
    return Dataset(images.reshape(len(images), 1, -1) / 16, arrays["labels"].astype(np.int64))


def load_dataset(source, labelled=True):
    """Reads a `Dataset`.

    Args:
        source: "digits"; or a .npz or .h5 file with `inputs` (case, channel, time), `labels` (case,) and perhaps `lengths` (case,) and
            `test` (case,), as in `Dataset`; or a folder of IDX files under MNIST's names, as `idx.read_folder` takes it, whose t10k
            files are the test part.
        labelled: whether a file must have labels, as training needs them.
    Raises:
        StoreError: the file cannot be read; DataError: its content does not fit together.
    """
    if source == "digits":
        return load_digits()
    path = Path(source)
    if path.is_dir():
        inputs, labels, test = idx.read_folder(path)
        return Dataset(inputs, labels, test=test)
    if path.suffix not in (".npz", ".h5", ".hdf5"):
        raise DataError(
            f'data.source: "{source}" is neither "digits", nor a .npz, .h5 or .hdf5 file, nor a folder that exists'
        )
    arrays = read_npz(path) if path.suffix == ".npz" else read_arrays(read_bytes(path), path)[1]
    missing = [name for name in ("inputs", "labels")[: 1 + labelled] if name not in arrays]
    if missing:
        raise DataError(
            f"{path}: has no array {' and no array '.join(missing)}; it holds {listed(arrays)}"
        )
    for name in set(arrays) - set(_ARRAYS):  # others may be anything, but not a misspelt one
        meant = nearest(name, _ARRAYS)
        if meant is not None:
            raise DataError(f"{path}: unknown array {listed([name])}; did you mean {meant}?")
    if not all(isinstance(array, np.ndarray) for array in arrays.values()):
        raise DataError(f"{path}: not a NumPy archive of plain arrays of numbers")
    inputs, labels, lengths = arrays["inputs"], arrays.get("labels"), arrays.get("lengths")
    if inputs.ndim != 3:
        raise DataError(
            f"{path}: inputs must have the axes (case, channel, time), got the shape {inputs.shape}"
        )
    for name, array in (("labels", labels), ("lengths", lengths)):
        if array is not None and (array.shape != (len(inputs),) or array.dtype.kind not in "iu"):
            raise DataError(
                f"{path}: {name} must be {len(inputs)} whole numbers, one for each case; got {array.dtype} of shape {array.shape}"
            )
    try:
        return Dataset(inputs, labels, lengths, arrays.get("test"))
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
