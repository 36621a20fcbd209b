"""Data sets from their sources: the digits, files of arrays, folders of IDX files."""

from pathlib import Path

import numpy as np

from spinrnn.datasets.dataset import ARRAYS, Dataset
from spinrnn.datasets.folder import read_folder
from spinrnn.errors import DataError
from spinrnn.files.atomic import packaged
from spinrnn.readers.formats import ENDINGS, read_table


def load_digits() -> Dataset:
    """The sequential digits [paper]: 1797 images of 8 x 8 pixels, read row by row.

    The inputs are (1797, 1, 64), the grey level / 16.
    """
    arrays = read_table(packaged("digits.h5")).arrays
    images = arrays["images"]
    return Dataset(images.reshape(len(images), 1, -1) / 16, arrays["labels"].astype(np.int64))


def load_dataset(source: str | Path, labelled: bool = True) -> Dataset:
    """Reads a `Dataset`.

    Args:
        source: "digits"; or a .npz or .h5 file with `inputs` (case, channel, time),
            `labels` (case,) and perhaps `lengths` (case,) and `test` (case,), as in
            `Dataset`; or a folder of IDX files under MNIST's names, whose t10k files
            are the test part.
        labelled: whether a file must have labels, as training needs them.
    Raises:
        StoreError: the file cannot be read; DataError: its content does not fit
            together.
    """
    if source == "digits":
        return load_digits()
    path = Path(source)
    if path.is_dir():
        return read_folder(path)
    if path.suffix not in ENDINGS:
        raise DataError(
            f'data.source: "{source}" is neither "digits", nor a {", ".join(ENDINGS[:-1])} or '
            f"{ENDINGS[-1]} file, nor a folder that exists"
        )
    table = read_table(path)
    needed = ("inputs", "labels") if labelled and "targets" not in table.arrays else ("inputs",)
    table.check_names(needed, ARRAYS)
    inputs = table.arrays["inputs"]
    labels, lengths, test, targets = (table.arrays.get(name) for name in ARRAYS[1:])
    problems = _problems(inputs, labels, lengths)
    if problems:
        raise DataError(f"{path}: {'; '.join(problems)}")
    try:
        return Dataset(inputs, labels, lengths, test, targets=targets)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def _problems(inputs, labels, lengths):
    """What does not fit together, in words; `Dataset` itself checks test."""
    if inputs.ndim != 3:
        return [f"inputs must have the axes (case, channel, time), got the shape {inputs.shape}"]
    return [
        f"{name} must be {len(inputs)} whole numbers, one for each case; got {array.dtype} "
        f"of shape {array.shape}{_remedy(array, name)}"
        for name, array in (("labels", labels), ("lengths", lengths))
        if array is not None and (array.shape != (len(inputs),) or array.dtype.kind not in "iu")
    ]


def _remedy(array, name):
    """What makes whole numbers of an array that has one axis, as words to append."""
    if array.ndim == 2 and name == "labels":
        return "; of one column for each class labels.argmax(axis=1) makes them"
    if array.ndim != 1:
        return ""
    if array.dtype.kind in "SU":
        return f"; numpy.unique({name}, return_inverse=True)[1] numbers them"
    if array.dtype.kind in "fb":
        return f"; save {name}.astype(int), if that is what they are"
    return ""
