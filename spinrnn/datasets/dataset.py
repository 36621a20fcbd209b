"""Data sets: the digits that come with the package, the user's own files and folders, and stratified splits."""

import difflib
import hashlib
import io
import math
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spinrnn.config.run import TEST_FRACTION
from spinrnn.errors import DataError, listed
from spinrnn.files.atomic import packaged, read_bytes
from spinrnn.files.hdf5 import read_arrays
from spinrnn.readers import idx

LARGEST_HEADER = 1000
"""Characters before the numbers of an array in a NumPy archive; plain ones have some hundred, and Python's parser takes memory for more."""
_ARRAYS = ("inputs", "labels", "lengths", "test")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled sequences.

    Attributes:
        inputs: (case, channel, time) real.
        labels: (case,) whole numbers from 0; None for inputs that are only to be simulated.
        lengths: (case,) input points of each case, or None if all have the whole length.
        test: (case,) bool, True for the cases of the test part that the data bring with them, or None if it is to be drawn. Zeros and
            ones are taken too.

    Raises:
        DataError: the cases differ in shape, or test is not one truth value for each case.
    """

    inputs: np.ndarray
    labels: np.ndarray | None
    lengths: np.ndarray | None = None
    test: np.ndarray | None = None

    def __post_init__(self):
        for name in _ARRAYS:
            value = getattr(self, name)
            try:
                object.__setattr__(self, name, None if value is None else np.asarray(value))
            except ValueError:
                raise DataError(f"{name}: the cases differ in shape; pad them to one length and give their lengths") from None
        if self.test is not None:
            object.__setattr__(self, "test", _truth(self.test, len(self)))

    def __len__(self):
        return len(self.inputs if self.labels is None else self.labels)

    def digest(self):
        """SHA-256 of the content, by which a run knows its data again."""
        digest = hashlib.sha256()
        for array in (self.inputs, self.labels, self.lengths, self.test):
            if array is not None:
                digest.update(f"{array.dtype.str} {array.shape}".encode())
                digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def take(self, indices):
        """The cases with these indices."""
        return Dataset(*(None if (array := getattr(self, name)) is None else array[indices] for name in _ARRAYS))


def _truth(test, cases):
    """test as (case,) bool; an HDF5 file's bool may hold any byte, so these are looked at too."""
    numbers = test.view(np.uint8) if test.dtype == bool else test
    if test.shape != (cases,) or numbers.dtype.kind not in "iu" or not np.isin(numbers, (0, 1)).all():
        raise DataError(f"test: must be {cases} times true or false (1 or 0), one for each case; got {test.dtype} of shape {test.shape}")
    return numbers == 1


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
        raise DataError(f'data.source: "{source}" is neither "digits", nor a .npz, .h5 or .hdf5 file, nor a folder that exists')
    arrays = read_npz(path) if path.suffix == ".npz" else read_arrays(read_bytes(path), path)[1]
    missing = [name for name in ("inputs", "labels")[: 1 + labelled] if name not in arrays]
    if missing:
        raise DataError(f"{path}: has no array {' and no array '.join(missing)}; it holds {listed(arrays)}")
    for name in set(arrays) - set(_ARRAYS):  # others may be anything, but not a misspelt one
        for meant in difflib.get_close_matches(name, _ARRAYS, 1):
            raise DataError(f"{path}: unknown array {listed([name])}; did you mean {meant}?")
    if not all(isinstance(array, np.ndarray) for array in arrays.values()):
        raise DataError(f"{path}: not a NumPy archive of plain arrays of numbers")
    inputs, labels, lengths = arrays["inputs"], arrays.get("labels"), arrays.get("lengths")
    if inputs.ndim != 3:
        raise DataError(f"{path}: inputs must have the axes (case, channel, time), got the shape {inputs.shape}")
    for name, array in (("labels", labels), ("lengths", lengths)):
        if array is not None and (array.shape != (len(inputs),) or array.dtype.kind not in "iu"):
            raise DataError(
                f"{path}: {name} must be {len(inputs)} whole numbers, one for each case; got {array.dtype} of shape {array.shape}"
            )
    try:
        return Dataset(inputs, labels, lengths, arrays.get("test"))
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def read_npz(path, content=None):
    """{name: array} of a NumPy archive, or of its bytes as they were read; DataError if it is none, or holds anything but plain arrays."""
    content = read_bytes(path) if content is None else content
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_members(archive, len(content), path)
        with np.load(io.BytesIO(content), allow_pickle=False, max_header_size=LARGEST_HEADER) as archive:
            return {name: archive[name] for name in archive.files}
    except DataError:
        raise
    except Exception as error:  # zip, header and object-array errors are of many classes
        raise DataError(f"{path}: not a NumPy archive of plain arrays of numbers ({type(error).__name__})") from None


def _check_members(archive, size, path):
    """Raises DataError where a small archive would fill the memory: NumPy packs by deflate alone, whose best is a ratio of 1032."""
    members = archive.infolist()
    if any(member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for member in members):
        raise DataError(f"{path}: packed in a way that NumPy does not; write it again with numpy.savez_compressed")
    if sum(member.file_size for member in members) > 1100 * size:
        raise DataError(f"{path}: claims more than 1100 times its {size} bytes")
    headers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    for member in members:
        with archive.open(member) as file:
            if file.peek(6)[:6] == np.lib.format.MAGIC_PREFIX:
                shape, _, dtype = headers[np.lib.format.read_magic(file)](file, max_header_size=LARGEST_HEADER)
                if math.prod(shape) * dtype.itemsize > member.file_size:
                    raise DataError(f"{path}: {listed([member.filename])} claims the shape {shape}, which is more than it holds")


def split(data, config, seed):
    """Indices (training, validation, test) of a stratified random split: each class gives the rounded shares that `DataConfig` asks for.

    A test part that the data bring with them is taken as it is, and the shares are those of the other cases.

    Args:
        data: `Dataset`; config: `DataConfig`; seed: of the draw, `RunConfig.resolved_split_seed`.

    Raises:
        DataError: a part is empty, because there are too few cases; or a test part is asked for though the data bring theirs.
    """
    share, own = config.test_fraction, data.test
    if own is None:
        share, own = TEST_FRACTION if share is None else share, np.zeros(len(data), bool)
    elif share is not None:
        raise DataError(f"data.test_fraction: these data bring their own test part, {np.sum(own)} of {len(own)} cases; leave the key out")
    else:
        share = 0.0
    if config.validation_fraction + share >= 1:
        raise DataError(f"data.validation_fraction: {config.validation_fraction} and {share} for the test part leave nothing to train on")
    rng = np.random.default_rng(seed)
    parts = ([], [], [np.flatnonzero(own)])
    for label in np.unique(data.labels):
        members = rng.permutation(np.flatnonzero((data.labels == label) & ~own))
        test = round(share * len(members))
        validation = round(config.validation_fraction * len(members))
        for part, chosen in zip(parts, np.split(members[::-1], [len(members) - test - validation, len(members) - test]), strict=True):
            part.append(chosen)
    parts = [np.sort(np.concatenate(part)) if part else np.empty(0, dtype=int) for part in parts]
    for name, part in zip(("training", "validation", "test"), parts, strict=True):
        if not len(part):
            if name == "test" and data.test is not None:
                raise DataError("data: their own test part is empty, test is true for no case")
            raise DataError(f"data: the {name} part is empty, {len(data) - own.sum()} cases are too few for these fractions")
    return parts
