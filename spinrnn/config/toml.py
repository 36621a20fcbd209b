"""A run's configuration as TOML: reading it, settings that overrule it, writing it."""

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from spinrnn.config.run import RunConfig, automatic, from_tables, to_tables
from spinrnn.errors import ConfigError, StoreError, reason_of

LARGEST_DOTS = 200
"""In a line of a configuration that a file holds. The time of Python's TOML parser
grows with the square of a key's parts: minutes for a hundred thousand."""


def load_config(path: str | Path | None = None, settings: str | Iterable[str] = ()) -> RunConfig:
    """Reads a configuration.

    Args:
        path: TOML file; None for the defaults.
        settings: texts "table.key=value" that overrule the file; value as in TOML, a
            bare word counts as text, a relative data.source counts from the working
            directory.
    Returns:
        The run; a relative data.source is resolved against the folder of the file.
    Raises:
        ConfigError: the content, all mistakes at once; StoreError: the file cannot be
            read.
    """
    settings = [settings] if isinstance(settings, str) else list(settings)
    tables = {} if path is None else _read(Path(path))
    problems = _overrule(tables, settings)
    try:
        config = from_tables(tables)
    except ConfigError as error:
        sources = [str(path)] * (path is not None) + ["settings"] * bool(settings)
        raise ConfigError(problems + error.problems, " with the ".join(sources)) from None
    if problems:
        raise ConfigError(problems)
    return config


def _read(path: Path) -> dict[str, Any]:
    """The tables of a file, with a data.source that holds from anywhere."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise StoreError(f"cannot read the configuration {path}: {reason_of(error)}") from None
    except (ValueError, RecursionError) as error:
        # ValueError: also text in another encoding; RecursionError: brackets without
        # end
        raise ConfigError([f"not valid TOML: {error}"], path) from None
    data = tables.get("data")
    if isinstance(data, dict) and "source" in data:
        data["source"] = _absolute(data["source"], path.absolute().parent)
    return tables


def _overrule(tables: dict[str, Any], settings: Iterable[str]) -> list[str]:
    """Puts the settings into the tables; returns what is wrong with them."""
    problems = []
    for text in settings:
        key, equals, value = text.partition("=")
        parts = key.strip().split(".")
        if not equals or len(parts) != 2 or not all(parts):
            problems.append(f"--set {text}: write table.key=value, as in train.epochs=50")
            continue
        table = tables.setdefault(parts[0], {})
        if isinstance(table, dict):
            value = _value(value.strip())
            if parts == ["data", "source"]:
                value = _absolute(value, Path.cwd())
            table[parts[1]] = value
    return problems


def _absolute(source: Any, folder: Path) -> Any:
    """A path that a run folder finds from anywhere; names of built-in data stay."""
    if not isinstance(source, str) or source in ("", "digits"):
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
    if any(line.count(".") > LARGEST_DOTS for line in text.split("\n")):
        raise ConfigError([f"not a configuration: a line with more than {LARGEST_DOTS} dots"])
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError, TypeError) as error:
        raise ConfigError([f"not valid TOML: {error}"]) from None
    return from_tables(tables)


def to_toml(config: RunConfig, sections: Iterable[str] = ("network", "train", "data")) -> str:
    """The text, of these sections, that is read back as the same run.

    TOML has no None. Such a key stands there as a comment with the value that it takes,
    so that it goes on following from the other keys.
    """
    known, tables, lines = automatic(config), to_tables(config), []
    for name in sections:
        lines.append(f"[{name}]")
        for key, value in tables[name].items():
            if value is None:
                bring = key == "test_fraction"
                remark = ", unless the data bring their own test part" if bring else ""
                lines.append(f"# {key} = {known[key]} (automatic{remark})")
            else:
                lines.append(f"{key} = {_written(value)}")
        lines.append("")
    return "\n".join(lines)


def _written(value: Any) -> str:
    """As in JSON, which writes all but DEL as TOML does."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
