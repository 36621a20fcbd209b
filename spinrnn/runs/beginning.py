"""How a new configuration begins: a file with all keys, and what follows from the data
said beside them.
"""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from spinrnn.config.recipes import DEFAULT, KEY, SERIES
from spinrnn.config.run import RunConfig
from spinrnn.config.sources import is_built_in
from spinrnn.config.template import template
from spinrnn.config.toml import load_config
from spinrnn.datasets.dataset import Dataset
from spinrnn.datasets.loading import data_of
from spinrnn.datasets.parts import NAMES, class_problems, divide, scale_problems
from spinrnn.errors import DataError, StoreError, listed
from spinrnn.files.atomic import write_atomic


def begin(
    out: str | Path, settings: Sequence[str] = (), source: str | None = None
) -> tuple[RunConfig, Dataset | None]:
    """Writes a configuration file; returns the run and its data, as far as they were
    named. Files with one answer for each case get the recipe for series, unless another
    is named.

    Args:
        out: of the file, which must not exist.
        settings: texts "table.key=value", as of `load_config`.
        source: of the data, data.source; None: those that come with spinrnn.
    Raises:
        StoreError: the file exists, or cannot be written; ConfigError: settings;
        DataError: data that cannot be learned from.
    """
    out = Path(out)
    if out.exists() or out.is_symlink():
        raise StoreError(f"{out} exists; choose another --out, or remove it")
    given = [*settings, f"data.source={source}"] if source is not None else list(settings)
    config, data = load_config(None, given), None
    named = [text.partition("=")[2] for text in settings if text.startswith(f"{KEY}=")]
    recipe = named[-1] if named else DEFAULT
    if source is not None:
        config, data = _with_task(config, settings)
        if not named and _whole_cases(config, data):
            recipe = SERIES
            config, data = _with_task(load_config(None, [*given, f"{KEY}={recipe}"]), settings)
    placed = _beside(config, out.absolute().parent, source)
    write_atomic(out, template(placed, data and remarks(config, data), recipe))
    return config, data


def _whole_cases(config, data):
    """Whether cases of files have one answer each."""
    built_in = is_built_in(config.data.source)
    return not built_in and "readout" not in config.task.sizes(config.task.prepared(data))


def _with_task(config, settings):
    """(the run, its data), with the task that the data can serve where none is said."""
    if any(text.startswith("task.kind=") for text in settings):
        return config, data_of(config)
    data = data_of(config, labelled=False)
    if data.labels is None and data.targets is not None:
        config = dataclasses.replace(config, task="regression")
    if data.labels is None and data.targets is None:
        try:
            return config, data_of(config)
        except DataError as error:
            raise DataError(
                f"{error}; or name the columns of a regression's targets, --targets, or take "
                "--task forecasting, which learns to continue the inputs"
            ) from None
    return config, data


def _beside(config, folder, source):
    """The run with relative paths that count from the folder of its file."""
    if source is None or config.data.source == source or os.path.isabs(source):
        return config
    path = os.path.relpath(config.data.source, folder)
    return dataclasses.replace(config, data=dataclasses.replace(config.data, source=path))


def remarks(config: RunConfig, data: Dataset) -> dict[str, list[str]]:
    """{"table.key": sentences} on what follows from the data for a file's keys.

    Raises:
        DataError: the data cannot serve the task, or be split.
    """
    sizes = config.task.sizes(config.network.arranged(config.task.prepared(data)))
    found = {f"network.{key}": [f"Of these data: {value}"] for key, value in sizes.items()}
    if data.channels is not None and sizes["inputs"] == len(data.channels):
        found["network.inputs"][0] += f" ({listed(data.channels)})"
    parts = divide(data, config)
    found["data.source"] = [about(data)]
    lengths = data.lengths
    if lengths is not None and "readout" not in sizes and "time" in config.network.abilities:
        ends = f"{int(np.min(lengths))} to {int(np.max(lengths))} points"
        text = f'Cases have {ends}; "power", "mean" and "both" suit them'
        found["network.readout"] = [text]
    # bins are taken where the values are
    any_scale, firing = ({key} <= config.network.abilities for key in ("counts", "events"))
    found["data.source"] += [] if any_scale else scale_problems(parts[0], firing=firing)
    if config.task.labelled:
        found["data.source"] += class_problems(*parts)
    counts = [f"{len(part)} {name}" for name, part in zip(NAMES, parts, strict=True)]
    found["data.validation_fraction"] = [f"Of these data: {', '.join(counts)}"]
    return found


def about(data: Dataset) -> str:
    """A sentence with the sizes of a data set and the cases of its classes."""
    cases, channels, points = np.shape(data.inputs)
    text = f"{_many(cases, 'case')} of {_many(channels, 'channel')} and {_many(points, 'point')}"
    if data.labels is None:
        return text
    classes = classes_of(data)
    shown = [f"{name} {count}" for name, count in classes.items()]
    return f"{text}; classes {listed(shown)}"


def classes_of(data: Dataset) -> dict[str, int]:
    """{name of a class: its cases, or points}, in the order of the classes."""
    labels, counts = np.unique(np.asarray(data.labels), return_counts=True)
    names = data.classes
    return {
        names[k] if names else str(k): count
        for k, count in zip(labels.tolist(), counts.tolist(), strict=True)
        if k >= 0
    }


def _many(count, what):
    return f"{count} {what}{'s' if count != 1 else ''}"
