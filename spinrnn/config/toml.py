"""A run's configuration as TOML: reading it, settings that overrule it, writing it."""

import dataclasses
import json
import re
import tomllib
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from spinrnn.config import recipes, sources, versions
from spinrnn.config.run import (
    FOLLOWING,
    RunConfig,
    automatic,
    from_tables,
    known_keys,
    parts_of,
    to_tables,
)
from spinrnn.config.tables import unsaid
from spinrnn.config.unread import without_unread
from spinrnn.errors import ConfigError, OldKeyWarning, StoreError, reason_of

LARGEST_DOTS = 200
"""In a line of a configuration that a file holds. The time of Python's TOML parser
grows with the square of a key's parts: minutes for a hundred thousand."""

PATHS = ("source", "test")
"""Keys of [data] that name files."""
NEURON_FILE = "file"
"""Key of [neuron] that names one, whose content stands beside it once it was read."""

_FRACTION = re.compile(r"(?<=[\[ ,])-?[0-9]+\.[0-9]+(?:e[-+]?[0-9]+)?(?=[,\]])")
"""A number of a list, as of a network of many layers. Its dot parts no key."""


def load_config(path: str | Path | None = None, settings: str | Iterable[str] = ()) -> RunConfig:
    """Reads a configuration.

    Args:
        path: TOML file; None for the defaults.
        settings: texts "table.key=value", or "recipe=NAME", that overrule the file;
            value as in TOML, a bare word counts as text, a relative data.source counts
            from the working directory.
    Returns:
        The run; a relative data.source is resolved against the folder of the file.
    Raises:
        ConfigError: the content, all mistakes at once; StoreError: the file cannot be
            read.
    """
    return read_config(path, settings, told=True)


def read_config(
    path: str | Path | None = None, settings: str | Iterable[str] = (), told: bool = False
) -> RunConfig:
    """`load_config`; told: whether keys of 0.1 in the file are told, and a recipe that
    it does not name was not asked for, as they need not be of a file that spinrnn
    wrote. Those in settings are told.
    """
    settings = [settings] if isinstance(settings, str) else list(settings)
    tables = {} if path is None else _read(Path(path))
    old = versions.old_keys(tables) if told else {}
    problems = versions.twice(tables)
    where = path if old else None
    old |= _overrule(tables, settings, problems)
    try:
        config = from_tables(tables)
    except ConfigError as error:
        sources = [str(path)] * (path is not None) + ["settings"] * bool(settings)
        found = dict.fromkeys(problems + error.problems)
        raise ConfigError(found, " with the ".join(sources)) from None
    if problems:
        raise ConfigError(problems)
    tell_old_keys(old, where)
    if told and recipes.KEY not in tables:
        return dataclasses.replace(config, recipe=recipes.DEFAULT)
    return config


def overruled(tables: dict[str, Any], settings: Iterable[str]) -> RunConfig:
    """The run of nested dictionaries, with settings that overrule them. Keys that its
    estimator does not read have their defaults, if they are none of the settings.

    Raises:
        ConfigError: all mistakes at once.
    """
    settings, problems = list(settings), []
    old = _overrule(tables, settings, problems)
    try:
        config = from_tables(tables)
    except ConfigError as error:
        raise ConfigError(dict.fromkeys(problems + error.problems)) from None
    if problems:
        raise ConfigError(problems)
    tell_old_keys(old)
    named = [text.partition("=")[0].strip() for text in settings]
    return without_unread(config, [versions.OLD.get(key, key) for key in named])


def parts_in(path: str | Path | None, settings: Iterable[str] = ()) -> dict[str, Any]:
    """{field of `RunConfig`: made of it} of a configuration with mistakes, those fields
    that are without.

    Raises:
        StoreError, ConfigError: it cannot be read, or is no TOML.
    """
    tables = {} if path is None else _read(Path(path))
    _overrule(tables, settings, [])
    return parts_of(tables)[0]


def tell_old_keys(old: dict[str, str], where: object = None) -> None:
    """One warning about {old key: new key} that a user wrote, if there are any."""
    if old:
        place = f"{where}: " if where is not None else ""
        pairs = ", ".join(f"{key} is {new}" for key, new in old.items())
        text = f"{place}keys of 0.1, which are still read; now {pairs}"
        warnings.warn(text, OldKeyWarning, stacklevel=3)


def with_settings(config: RunConfig, settings: Mapping[str, Any]) -> RunConfig:
    """The run with other values of some keys; what follows from data goes on following
    from them.

    settings: {"table.key": value}, values as of Python.

    Raises:
        ConfigError: all mistakes in keys and values.
    """
    tables, problems = to_tables(config), []
    for key, value in settings.items():
        parts = str(key).split(".")
        if len(parts) != 2 or not all(parts):
            problems.append(f"{key}: write table.key, as in train.epochs")
            continue
        versions.put(tables, key, value)
    if problems:
        raise ConfigError(problems)
    made = from_tables(tables)
    follows = tuple(k for k in config.network.follows if f"network.{k}" not in settings)
    own = {key: unsaid(FOLLOWING[key]) for key in follows}
    network = dataclasses.replace(made.network, **own, follows=follows)
    return dataclasses.replace(made, network=network, recipe=config.recipe)


def _read(path: Path) -> dict[str, Any]:
    """The tables of a file, with a data.source that holds from anywhere."""
    if path.is_dir():
        advice = f"to go on with the run in it: --out {path} --resume"
        raise StoreError(f"{path} is a folder and no configuration; {advice}")
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise StoreError(f"cannot read the configuration {path}: {reason_of(error)}") from None
    except (ValueError, RecursionError) as error:
        # ValueError: also text in another encoding; RecursionError: brackets without
        # end
        if path.suffix.lower() not in ("", ".toml", ".txt"):
            advice = f"data are named in it, spinrnn init --data {path} begins one"
            raise ConfigError(
                [f"is no configuration, which is a TOML file; {advice}"], path
            ) from None
        raise ConfigError([f"not valid TOML: {error}"], path) from None
    data = tables.get("data")
    named = data if isinstance(data, dict) else {}
    for key in PATHS:
        if key in named:
            named[key] = _absolute(named[key], path.absolute().parent)
    place_neurons(tables, path.absolute().parent)
    return tables


def place_neurons(tables: dict[str, Any], folder: Path) -> None:
    """Makes relative files of neurons absolute that are still to be read."""
    neurons = tables.get("neuron")
    for own in neurons if isinstance(neurons, list) else [neurons]:
        if isinstance(own, dict) and NEURON_FILE in own and not own.get("content"):
            own[NEURON_FILE] = _absolute(own[NEURON_FILE], folder)


def _overrule(tables: dict[str, Any], settings: Iterable[str], problems: list[str]) -> dict:
    """Puts the settings into the tables and what is wrong with them to the problems;
    returns {old key: new key} of those of 0.1.
    """
    old = {}
    for text in settings:
        key, equals, value = text.partition("=")
        key = key.strip()
        if key == recipes.KEY and equals:
            tables[key] = _value(value.strip())
            continue
        parts = key.split(".")
        if not equals or len(parts) != 2 or not all(parts):
            problems.append(f"--set {text}: write table.key=value, {_meant(key, value)}")
            continue
        value = _value(value.strip())
        if key in [f"neuron.{NEURON_FILE}", *(f"data.{name}" for name in PATHS)]:
            value = _absolute(value, Path.cwd())
        versions.put(tables, key, value)
        old |= {key: versions.OLD[key]} if key in versions.OLD else {}
    return old


def _meant(key: str, value: str) -> str:
    """The form of a setting, with the key where only its table is missing."""
    keys = [known for known in known_keys() if known.partition(".")[2] == key]
    return f"as in {keys[0]}={value or 'VALUE'}" if keys else "as in train.epochs=50"


def _absolute(source: Any, folder: Path) -> Any:
    """A path that a run folder finds from anywhere; names of built-in data stay."""
    if not isinstance(source, str) or not source or sources.is_built_in(source):
        return source
    try:
        return str(folder / Path(source).expanduser())
    except RuntimeError:
        # there is no user of the name behind the tilde
        return str(folder / source)


def _value(text: str) -> Any:
    """A value as in TOML; what is none is a text."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return parsed["value"] if list(parsed) == ["value"] else text


def from_toml(text: str) -> RunConfig:
    """The run of a configuration's text, as `to_toml` writes it.

    Raises:
        ConfigError: the content, or it is no TOML.
    """
    if any(line.count(".") > LARGEST_DOTS for line in _FRACTION.sub("", text).split("\n")):
        raise ConfigError([f"not a configuration: a line with more than {LARGEST_DOTS} dots"])
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError, TypeError) as error:
        raise ConfigError([f"not valid TOML: {error}"]) from None
    return from_tables(tables)


SECTIONS = ("network", "task", "train", "data")
"""Parts of a run."""


def to_toml(config: RunConfig, sections: Iterable[str] = SECTIONS) -> str:
    """The text, of these sections, that is read back as the same run.

    TOML has no None. Such a key stands there as a comment with the value that it takes,
    so that it goes on following from the other keys.
    """
    known, tables, lines = automatic(config), to_tables(config), []
    names = [name for part in sections for name in _INNER.get(part, (part,)) if name in tables]
    for name in names:
        listed = isinstance(tables[name], list)
        for table in tables[name] if listed else [tables[name]]:
            lines.append(f"[[{name}]]" if listed else f"[{name}]")
            lines += [_line(key, value, known) for key, value in _said(name, table, known)]
            lines.append("")
    return "\n".join(lines)


def tables_to_toml(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """The text of nested dictionaries; what they do not say is not in it."""
    parts = [
        "\n".join([f"[{name}]", *(f"{key} = {_written(value)}" for key, value in table.items())])
        for name, table in tables.items()
    ]
    return "\n\n".join(parts) + "\n"


_INNER = {
    "network": ("network", "neuron", "spread", "activation", "synapse"),
    "train": ("estimator", "writer", "train"),
}
"""{part of a run: its tables}, where there are several."""


def _said(name, table, known):
    """(key, value) of a table without what says nothing: keys of [data] that other data
    have, or that are as in 0.1.
    """
    without = versions.CONTENT if name == "data" else {}
    return [
        (key, value)
        for key, value in table.items()
        if without.get(key, ...) != value and (value is not None or key in known)
    ]


def _line(key, value, known):
    if value is not None:
        return f"{key} = {_written(value)}"
    bring = key == "test_fraction"
    remark = ", unless the data bring their own test part" if bring else ""
    return f"# {key} = {known[key]} (automatic{remark})"


def _written(value: Any) -> str:
    """As in JSON, which writes all but DEL as TOML does."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
