"""Data sets from their sources: the digits, files of all formats, folders."""

import warnings
from pathlib import Path

import numpy as np

from spinrnn.config.run import DataConfig
from spinrnn.config.sources import KEYS, is_built_in, near_name
from spinrnn.config.tables import suggest
from spinrnn.datasets import cases, folder, named, pairs, tables
from spinrnn.datasets.builtin import load_built_in
from spinrnn.datasets.dataset import Dataset
from spinrnn.datasets.series import RULES, Series, joined, without_gaps
from spinrnn.errors import DataError, DataNote
from spinrnn.files.atomic import packaged
from spinrnn.readers.columns import NONE, Columns, arranged
from spinrnn.readers.formats import ENDINGS, ending_of, read_table

OWN = (".npz", ".h5", ".hdf5")
"""Endings of files whose numbers of classes stay as they are, as runs know them."""


def load_digits() -> Dataset:
    """The sequential digits [paper]: 1797 images of 8 x 8 pixels, read row by row.

    The inputs are (1797, 1, 64), the grey level / 16.
    """
    arrays = read_table(packaged("digits.h5")).arrays
    images = arrays["images"]
    return Dataset(images.reshape(len(images), 1, -1) / 16, arrays["labels"].astype(np.int64))


def load_dataset(
    source: str | Path,
    labelled: bool = True,
    missing: str = "refuse",
    columns: Columns = NONE,
    **built_in: int,
) -> Dataset:
    """Reads a `Dataset`. What had to be guessed is told by a `DataNote`, a warning.

    Args:
        source: "digits"; or one of these:
            A file of arrays (.npz, HDF5, netCDF-4, MATLAB) with `inputs` (case,
            channel, time) or (case, time), `labels` (case,) of any kind and perhaps
            `lengths` (case,) and `test` (case,), as in `Dataset`.
            A .ts file, or a .tsv or .txt file of the UCR's archive. Of `X_TRAIN.ts` the
            file `X_TEST.ts` beside it is the test part; `X` names both.
            A table of text with names of columns: `case`, `label`, perhaps `time` and
            `test`; the others are channels.
            A folder with such a pair; or with a file (WAV, CSV ...) for each case in
            folders of their classes, perhaps below `train` and `test`; or with IDX
            files under MNIST's names, whose t10k files are the test part.
            Or a series that needs no file: "narma10", "narma2", "mackey_glass",
            "sine_square", "memory", "parity", "lorenz" (`datasets.builtin`).
        labelled: whether there must be labels, as training needs them.
        missing: what is done where a value is missing: "refuse", "linear" (the straight
            line between its neighbours in time) or "hold" (the value before it); before
            the first and after the last value of a case there is that one.
        columns: what the user calls the arrays of a file, and their units.
        built_in: of a series that needs no file length=, seed= and delays=, as in
            `DataConfig`.
    Raises:
        StoreError: the file cannot be read; DataError: its content does not fit
            together, or is ambiguous; ConfigError: source and built_in do not go
            together.
    """
    if missing not in RULES:
        raise DataError(f"missing: must be one of {', '.join(RULES)}; got {missing}")
    if built_in or is_built_in(source):
        return load_configured(_of_keys(source, built_in))
    path = Path(source)
    series, test, notes = _series_of(path, source, labelled, columns)
    if notes:
        warnings.warn(f"{path}: {'; '.join(dict.fromkeys(notes))}", DataNote, stacklevel=2)
    if isinstance(series, Dataset):
        return series
    dense = ending_of(path) not in OWN
    if missing != "refuse" or dense:
        series = without_gaps(path, series, missing)
    try:
        return series.dataset(test, dense)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def load_configured(config: DataConfig, labelled: bool = True) -> Dataset:
    """The whole `Dataset` that a `DataConfig` names.

    Arguments and errors as of `load_dataset`.
    """
    if not is_built_in(config.source):
        return load_dataset(config.source, labelled)
    if Path(config.source).exists():
        text = f'the file or folder of the name is "./{config.source}"'
        warnings.warn(f"data.source = {config.source} needs no file; {text}", DataNote, 2)
    return load_built_in(config) if config.built_in else load_digits()


def _of_keys(source, built_in):
    """`DataConfig` of a source and its keys."""
    unknown = [key for key in built_in if key not in KEYS]
    if unknown:
        raise TypeError(f"load_dataset has no argument {unknown[0]!r}{suggest(unknown[0], KEYS)}")
    return DataConfig(str(source), **built_in)


def _series_of(path, source, labelled, names):
    """(`Series`, or a `Dataset`, test or None, what is to be said) of a source; names:
    `Columns`.
    """
    pair = pairs.pair_of(path)
    if pair is not None:
        return _of_pair(path, pair, labelled, names)
    if path.is_dir():
        files = cases.files_of(path)
        if not files or folder.is_one(path):
            return folder.read_folder(path), None, ()
        return cases.of_files(path, files, labelled, names)
    if ending_of(path) not in ENDINGS:
        near = near_name(source)
        hint = f"; did you mean {near}?" if near else ""
        raise DataError(
            f'data.source: "{source}" is neither "digits", nor a file of the kinds '
            f"{', '.join(ENDINGS)}, nor a folder that exists{hint}"
        )
    return _of_file(path, labelled, names)


def _of_pair(path, pair, labelled, names):
    """As `_series_of`, of a training part and the test part, if there is one."""
    found = [_of_file(part, labelled, names) for part in pair if part is not None]
    for part, (_, test, _) in zip(pair, found, strict=False):
        if test is not None and len(found) > 1:
            raise DataError(f"{part}: has a test part of its own beside the file of that")
    notes = tuple(dict.fromkeys(note for *_, said in found for note in said))
    if len(found) == 1:
        return found[0][0], found[0][1], (*notes, f"no file {pairs.TEST[1:]} beside it")
    try:
        whole = joined([series for series, *_ in found])
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    counts = [len(series.inputs) for series, *_ in found]
    return whole, np.repeat([False, True], counts), (*notes, f"the test part is {pair[1].name}")


def _of_file(path, labelled, names) -> tuple[Series, np.ndarray | None, tuple[str, ...]]:
    """(`Series`, test or None, what is to be said) of one file."""
    read = read_table(path)
    table = arranged(read, names)
    own = ending_of(path) in OWN
    if own or named.has_cases(table) or any(array.ndim > 1 for array in table.arrays.values()):
        series, test, said = named.of_names(table, labelled)
        return series, test, (*said, *table.notes[len(read.notes) :])
    if tables.is_of_rows(table):
        return tables.of_rows(table), None, ("the first column is the label of its row",)
    if "samples" in table.arrays and "rate" in table.attributes and not labelled:
        return Series(np.atleast_2d(table.arrays["samples"])[None]), None, ()
    series, test, said = tables.of_columns(table, labelled)
    return series, test, (*said, *table.notes)
