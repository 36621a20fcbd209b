"""Data sets from their sources: the digits, files of all formats, folders."""

import dataclasses
import functools
import warnings
from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from spinrnn.config.run import DataConfig, RunConfig
from spinrnn.config.sources import KEYS, is_built_in, near_name
from spinrnn.config.tables import names_in, suggest
from spinrnn.datasets import cases, folder, named, pairs, tables
from spinrnn.datasets.builtin import load_built_in
from spinrnn.datasets.dataset import Dataset
from spinrnn.datasets.known import Known
from spinrnn.datasets.series import RULES, Series, joined, without_gaps
from spinrnn.datasets.sounds import is_sound, rate_of, resampled
from spinrnn.datasets.statistics import statistics
from spinrnn.errors import ConfigError, DataError, DataNote, StoreError
from spinrnn.files.atomic import packaged
from spinrnn.readers.columns import NONE, ROWS, Columns, arranged, targets_of
from spinrnn.readers.formats import ENDINGS, ending_of, read_table

OWN = (".npz", ".h5", ".hdf5")
"""Endings of files whose numbers of classes stay as they are, as runs know them."""
DRONES = ("dx4e", "dx6i", "MTx", "Nineeg", "Parrot", "q205", "S500", "tello", "WiFi", "wltoys")
"""Classes of the set D62."""
TABLES = {
    "iris": (
        ("setosa", "versicolor", "virginica"),
        "sepal_length sepal_width petal_length petal_width",
    ),
    "wine": (
        ("0", "1", "2"),
        "alcohol malic_acid ash alcalinity_of_ash magnesium total_phenols flavanoids "
        "nonflavanoid_phenols proanthocyanins color_intensity hue od280_od315 proline",
    ),
}
"""{name: (classes, measures)} of packaged tables."""
OPTIONAL = ("label", "labels", "class", "target", "targets", "test", "case", "time")
"""Names of data.columns that a file of new data need not have."""
OF_RUN = ("data.columns of the run", "data.units of the run")


def load_digits() -> Dataset:
    """The sequential digits [paper]: 1797 images of 8 x 8 pixels, read row by row.

    The inputs are (1797, 1, 64), the grey level / 16.
    """
    arrays = read_table(packaged("digits.h5")).arrays
    images = arrays["images"]
    return Dataset(images.reshape(len(images), 1, -1) / 16, arrays["labels"].astype(np.int64))


def _load_drones():
    """The set D62 (CC BY 4.0): (1000, 1, 256) spectra of radio transmissions in ten
    classes, relative powers; its test part is the published one.
    """
    arrays = read_table(packaged("drones.h5")).arrays
    return Dataset(
        arrays["spectra"][:, None, :],
        arrays["labels"].astype(np.int64),
        test=arrays["test"].astype(bool),
        classes=DRONES,
    )


def _load_table(name):
    """Iris or wine (CC BY 4.0): (case, measure, 1) with three classes."""
    arrays = read_table(packaged(f"{name}.h5")).arrays
    classes, channels = TABLES[name]
    labels = arrays["labels"].astype(np.int64)
    return Dataset(
        arrays["features"][:, :, None], labels, classes=classes, channels=tuple(channels.split())
    )


_PACKAGED = {
    "digits": load_digits,
    "drones": _load_drones,
    "iris": functools.partial(_load_table, "iris"),
    "wine": functools.partial(_load_table, "wine"),
}
"""{data.source: what reads it} of the data that are installed with the package."""


def load_dataset(
    source: str | Path,
    labelled: bool | None = True,
    missing: str = "refuse",
    columns: Columns | str = NONE,
    units: str | None = None,
    test: str | Path | None = None,
    frontend: str = "none",
    features: str | None = None,
    targets: str | int | Sequence[str | int] | None = None,
    rows: str | None = None,
    **built_in: int,
) -> Dataset:
    """Reads a `Dataset`. What had to be guessed is told by a `DataNote`, a warning.

    Args:
        source: "digits", "drones", "iris" or "wine"; or one of these:
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
        labelled: whether there must be labels, as training needs them unless targets
            are named; None: labels, targets and test parts are left out.
        missing: what is done where a value is missing: "refuse", "linear" (the straight
            line between its neighbours in time) or "hold" (the value before it); before
            the first and after the last value of a case there is that one.
        columns: which columns or arrays of a file are which, as in "label=class,V=2"; a
            number counts them from 1. units: of them, as in "t=ns,V=mV", where the file
            does not say them or not rightly; they are converted to SI units.
        test: file or folder of the test part, where it is one of its own.
        frontend: "mel" makes of WAV files log mel energies as of `spinrnn.mel`, twenty
            bands every 15 ms, in place of their samples; "statistics" makes numbers of
            each case as of `spinrnn.statistics`, those that features names, in place of
            its points.
        targets: columns or arrays that are targets of a regression, by their names or
            counted from 1, as in "y,z" or a list; they are not converted unless units
            says what they are in.
        rows: of a table without a column of cases: "points", all rows are points of one
            case, or "cases", each row is a case of one point.
        built_in: of a series that needs no file length=, seed= and delays=, as in
            `DataConfig`.
    Raises:
        StoreError: the file cannot be read; DataError: its content does not fit
            together, or is ambiguous; ConfigError: columns or units are not written so,
            or source and built_in do not go together.
    """
    _check_known(missing=(missing, RULES), frontend=(frontend, cases.FRONTENDS))
    names = _columns_of(columns, units, targets, rows)
    if labelled and targets is not None:
        labelled = False
    if frontend == "statistics":
        points = _loaded(source, labelled, missing, names, test, "none", built_in)
        return _statistics(source, points, features)
    if features is not None:
        raise DataError('features: goes with frontend = "statistics"')
    return _loaded(source, labelled, missing, names, test, frontend, built_in)


def _columns_of(columns, units, targets, rows):
    """`Columns` of arguments of `load_dataset`."""
    names = columns
    if not isinstance(names, Columns) or units is not None:
        texts = None if isinstance(columns, Columns) else columns
        names = Columns.of_texts(texts, units, ("columns", "units"))
    if targets is not None:
        found: list[str] = []
        if isinstance(targets, str):
            wanted = names_in(targets, "targets", found)
        else:
            several = [targets] if isinstance(targets, Integral) else targets
            wanted = tuple(map(str, several))
        if found:
            raise ConfigError(found)
        names = dataclasses.replace(names, targets=wanted)
    if rows is not None:
        _check_known(rows=(rows, ROWS))
        names = dataclasses.replace(names, rows=None if rows == ROWS[0] else rows)
    return names


def _loaded(source, labelled, missing, names, test, frontend, built_in):
    """`load_dataset` without numbers in place of points; names: `Columns`."""
    if built_in or is_built_in(source):
        if test is not None or names.targets or not names.empty:
            others = "columns, units, targets and test part"
            raise DataError(f"{source} is built in: it takes no {others}")
        if frontend != "none":
            raise DataError(f'{source} is built in: frontend = "{frontend}" is for WAV files')
        return _built_in(_of_keys(source, built_in))
    path = Path(source)
    series, own, notes = _series_of(path, source, labelled, names, frontend, test is not None)
    if test is not None:
        series, own, more = _with_test(path, series, own, Path(test), labelled, names, frontend)
        notes = (*notes, *more)
    if notes:
        warnings.warn(f"{path}: {'; '.join(dict.fromkeys(notes))}", DataNote, stacklevel=3)
    if labelled is None:
        series, own = dataclasses.replace(series, labels=None, targets=None), None
    if isinstance(series, Dataset):
        return series if labelled is not None else dataclasses.replace(series, test=None)
    dense = ending_of(path) not in OWN
    if missing != "refuse" or dense:
        series = without_gaps(path, series, missing)
    try:
        return series.dataset(own, dense)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def _statistics(source, points, features):
    """Numbers of the cases of a source in place of their points."""
    try:
        return statistics(points, features)
    except DataError as error:
        raise DataError(f"{source}: {error}") from None


def _check_known(**given):
    """Raises DataError for arguments that are none of their values; given: {name:
    (value, its values)}.
    """
    for name, (value, known) in given.items():
        if value not in known:
            raise DataError(f"{name}: must be one of {', '.join(known)}; got {value}")


def _built_in(config):
    """The data of a `DataConfig` that need no file."""
    if Path(config.source).exists():
        text = f'the file or folder of the name is "./{config.source}"'
        warnings.warn(f"data.source = {config.source} needs no file; {text}", DataNote, 4)
    return load_built_in(config) if config.built_in else _PACKAGED[config.source]()


def _of_keys(source, built_in):
    """`DataConfig` of a source and its keys."""
    unknown = [key for key in built_in if key not in KEYS]
    if unknown:
        raise TypeError(f"load_dataset has no argument {unknown[0]!r}{suggest(unknown[0], KEYS)}")
    return DataConfig(str(source), **built_in)


def _with_test(path, series, own, test, labelled, names, frontend):
    """(`Series` of both parts, test (case,), what is to be said) of a source and the
    file of its test part; own: test part that the source has by itself.
    """
    if own is not None or isinstance(series, Dataset):
        raise DataError(f"{path}: has a test part of its own beside that of {test}")
    other, own, notes = _series_of(test, str(test), labelled, names, frontend, True)
    if own is not None or isinstance(other, Dataset):
        raise DataError(f"{test}: is the test part, and has a part of its own for it")
    whole, both = _joined(path, (series, other))
    return whole, both, (*notes, f"the test part is {test.name}")


def load_configured(data: DataConfig, labelled: bool = True, heads: bool = True) -> Dataset:
    """`load_dataset` of the keys of [data]; heads: as of `Columns`."""
    names = Columns.of_texts(data.columns, data.units, ("data.columns", "data.units"))
    # whether rows are cases matters where it is not said, and without labels
    told = data.targets is not None and data.rows == ROWS[0]
    names = dataclasses.replace(names, heads=heads, told=told)
    own = {key: getattr(data, key) for key in KEYS if getattr(data, key) is not None}
    kept = ("test", "frontend", "features", "targets", "rows")
    own |= {key: getattr(data, key) for key in kept}
    return load_dataset(data.source, labelled, data.missing, names, **own)


def load_inputs(
    source: str,
    data: DataConfig | None = None,
    columns: Columns = NONE,
    labelled: bool | None = None,
    known: Known | None = None,
    numbers: int | None = None,
) -> Dataset:
    """The inputs of a source that needs no labels, read as a run reads its own data.

    Args:
        data: of the run; columns: the user's, which go before the run's.
        labelled: False keeps labels where there are some.
        known: of the run's data, by which sounds get their rate and columns of tables
            are chosen: further ones are left out. Where it has no units those in heads
            are not converted, as earlier versions did not. Where its cases have one
            point each row of a table is a case, unless the user says it.
        numbers: as of `Columns`.
    Raises:
        As `load_dataset`; DataError also where a file says another unit than the run,
        or one that is converted where the run knows none.
    """
    taken = {} if data is None else _in_front(data, source)
    if is_built_in(source):
        return load_dataset(source, labelled, columns=columns, **taken)
    own: dict[str, Any] = {"numbers": None if "frontend" in taken else numbers}
    if known is not None:
        own |= {"rate": known.rate, "heads": known.units is not None}
        # what a front end makes has names of its own
        own |= {"channels": None if "frontend" in taken else known.channels}
        own |= {"targets": known.targets or (), "new": True}
        own |= {"bare": () if "frontend" in taken else _bare(known)}
    own |= _rows_of(columns, known, numbers, taken)
    if data is None:
        return load_dataset(source, labelled, columns=dataclasses.replace(columns, **own))
    optional = (*OPTIONAL, *own.get("targets", ()))
    of_run = Columns.of_texts(data.columns, data.units, OF_RUN, optional)
    of_run = dataclasses.replace(of_run, agreed=tuple(of_run.units))
    names = dataclasses.replace(of_run.overruled(columns), **own)
    return load_dataset(source, labelled, data.missing, names, **taken)


def _bare(known):
    """Names of the channels of whose unit a training said nothing."""
    units = known.units or ()
    if known.channels is None:
        return ("inputs",) if units and not any(units) else ()
    pairs = zip(known.channels, units, strict=False)
    return tuple(name for name, unit in pairs if not unit)


def _rows_of(columns, known, numbers, taken):
    """What `Columns` say of rows of new data."""
    # of what a front end reads rows are points, and networks without time have numbers
    free = numbers is None and "frontend" not in taken
    if columns.rows is not None or not free:
        return {"rows": columns.rows}
    single = known is not None and known.points == 1
    return {"rows": "cases" if single else None, "told": True}


def _in_front(data, source):
    """Arguments of `load_dataset` for the front end of another source."""
    found = frontend_of(data, source)
    return {"frontend": found, "features": data.features} if found != "none" else {}


def frontend_of(data: DataConfig, source: str | Path) -> str:
    """What a run's front end is for another source: of sounds none for arrays and
    tables, which are its inputs already.
    """
    sounds = not is_built_in(source) and (Path(source).is_dir() or ending_of(source) == ".wav")
    return data.frontend if sounds or data.frontend == "statistics" else "none"


def data_of(config: RunConfig, labelled: bool | None = None, heads: bool = True) -> Dataset:
    """The data of a run, from its [data]. Whole numbers 1 to K as labels become the
    classes 0 to K - 1, unless network.outputs asks for more than K outputs: so 0.1 read
    them.

    Args:
        labelled: whether there must be labels; None: as the task needs them.
        heads: as of `Columns`.
    Raises:
        As `load_dataset`.
    """
    needed = config.task.labelled if labelled is None else labelled
    data, network = load_configured(config.data, needed, heads), config.network
    outputs = None if "outputs" in network.follows else network.outputs
    made = from_one(data, outputs)
    if made is not data and made.classes is not None:
        text = f"labels 1 to {len(made.classes)} are the classes 0 to {len(made.classes) - 1}"
        warnings.warn(f"{config.data.source}: {text}", DataNote, stacklevel=2)
    return made


def from_one(data: Dataset, outputs: int | None = None) -> Dataset:
    """The data set with classes that count from 0, where its labels are 1 to K without
    names and K is the number of outputs, or that is not given.
    """
    labels = data.labels
    if labels is None or labels.ndim != 1 or not labels.size or data.classes is not None:
        return data
    found = np.unique(labels)
    if found[0] != 1 or found[-1] != len(found) or outputs not in (None, len(found)):
        return data
    classes = tuple(map(str, found.tolist()))
    return dataclasses.replace(data, labels=labels.astype(np.int64) - 1, classes=classes)


def _series_of(path, source, labelled, names, frontend, alone=False):
    """(`Series`, or a `Dataset`, test or None, what is to be said) of a source.

    names: `Columns`; alone: no test part is looked for beside a file.
    """
    pair = None if alone and path.is_file() else pairs.pair_of(path)
    if pair is not None and frontend == "none":
        return _of_pair(path, pair, labelled, names)
    if path.is_dir():
        files = cases.files_of(path)
        if folder.is_one(path):
            return folder.read_folder(path), None, ()
        if not files:
            raise StoreError(
                f"{path}: holds no files of data; wanted are files of cases "
                f"({', '.join(ENDINGS)}) in folders of their classes, a pair of an archive, or "
                "MNIST's IDX files"
            )
        return cases.of_files(path, files, labelled, names, frontend)
    if ending_of(path) not in ENDINGS:
        near = near_name(path.name)
        hint = f"; did you mean {near}?" if near else ""
        raise DataError(
            f'data.source: "{source}" is neither "digits", nor a file of the kinds '
            f"{', '.join(ENDINGS)}, nor a folder that exists{hint}"
        )
    return _of_file(path, labelled, names, frontend)


def _of_pair(path, pair, labelled, names):
    """As `_series_of`, of a training part and the test part, if there is one."""
    found = [_of_file(part, labelled, names) for part in pair if part is not None]
    for part, (_, test, _) in zip(pair, found, strict=False):
        if test is not None and len(found) > 1:
            raise DataError(f"{part}: has a test part of its own beside the file of that")
    notes = tuple(dict.fromkeys(note for *_, said in found for note in said))
    if len(found) == 1:
        return found[0][0], found[0][1], (*notes, f"no file {pairs.TEST[1:]} beside it")
    whole, test = _joined(path, [series for series, *_ in found])
    return whole, test, (*notes, f"the test part is {pair[1].name}")


def _joined(path, parts):
    """(`Series` of both parts, test (case,))."""
    try:
        whole = joined(parts)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    return whole, np.repeat([False, True], [len(part.inputs) for part in parts])


def _of_file(
    path, labelled, names, frontend="none"
) -> tuple[Series, np.ndarray | None, tuple[str, ...]]:
    """(`Series`, test or None, what is to be said) of one file."""
    read = read_table(path)
    table, resampling = resampled(arranged(read, names), names.rate)
    if frontend == "mel":
        return _of_one_sound(table, labelled), None, resampling
    own = ending_of(path) in OWN
    if own or named.has_cases(table) or any(array.ndim > 1 for array in table.arrays.values()):
        table, outputs = named.with_targets(table, names)
        series, test, said = named.of_names(table, labelled, names.heads)
        if series.targets is not None:
            series = dataclasses.replace(series, target_names=outputs)
        return series, test, (*said, *table.notes[len(read.notes) :])
    targets = targets_of(table, names)
    # of a training with names of columns a row is none of one channel
    free = names.rows is None and names.channels is None
    if free and tables.is_of_rows(table, targets, names.new):
        series, said = tables.of_rows(table, targets)
        return series, None, (said,)
    if is_sound(table) and not labelled:
        samples, rate = np.atleast_2d(table.arrays["samples"]), rate_of(table.attributes["rate"])
        return Series(samples[None], rate=rate), None, resampling
    series, test, said = tables.of_columns(table, labelled, names)
    return series, test, (*said, *table.notes)


def _of_one_sound(table, labelled):
    """`Series` of the bands of one WAV file."""
    if not is_sound(table):
        raise DataError(f'{table.path}: frontend = "mel" is for WAV files')
    if labelled:
        raise DataError(
            f"{table.path}: is one case without a label; write WAV files into folders of their "
            "classes"
        )
    return Series(cases.mel_of(table)[None], rate=rate_of(table.attributes["rate"]))
