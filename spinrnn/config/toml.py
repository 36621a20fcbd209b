"""A run's configuration as TOML: reading a file, the settings that overrule it (--set), and writing."""

import json
import tomllib
from pathlib import Path

from spinrnn.config.run import automatic, from_tables, to_tables
from spinrnn.errors import ConfigError, StoreError, reason_of

LARGEST_DOTS = 200
"""In a line of a configuration that a file holds: a key of many parts takes the parser minutes."""


def load_config(path=None, settings=()):
    """Reads a configuration.

    Args:
        path: TOML file; None for the defaults.
        settings: texts "table.key=value" that overrule the file; value as in TOML, a bare word counts as text, a relative
            data.source counts from the working directory.
    Returns:
        RunConfig. A relative data.source is resolved against the folder of the file.
    Raises:
        ConfigError: the content; StoreError: the file cannot be read.
    """
    tables = {}
    if path is not None:
        try:
            tables = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise StoreError(f"cannot read the configuration {path}: {reason_of(error)}") from None
        except (
            ValueError,
            RecursionError,
        ) as error:  # also of undecodable text and of nesting without end
            raise ConfigError([f"not valid TOML: {error}"], path) from None
        data = tables.get("data")
        if isinstance(data, dict) and "source" in data:
            data["source"] = _absolute(data["source"], Path(path).absolute().parent)
    problems = []
    settings = [settings] if isinstance(settings, str) else settings
    for text in settings:
        key, equals, value = text.partition("=")
        parts = key.strip().split(".")
        if not equals or len(parts) != 2 or not all(parts):
            problems.append(f"--set {text}: write table.key=value, as in train.epochs=50")
            continue
        table = tables.setdefault(parts[0], {})
        if isinstance(table, dict):
            value = _value(value.strip())
            table[parts[1]] = _absolute(value, Path.cwd()) if parts == ["data", "source"] else value
    try:
        config = from_tables(tables)
    except ConfigError as error:
        where = path if not settings else f"{path} with the settings" if path else "settings"
        raise ConfigError(problems + error.problems, where) from None
    if problems:
        raise ConfigError(problems)
    return config


def _absolute(source, folder):
    """A run folder must find its data again from anywhere, so paths are made absolute; names of built-in data stay."""
    if not isinstance(source, str) or source in ("", "digits"):
        return source
    try:
        return str(folder / Path(source).expanduser())
    except RuntimeError:  # no such user
        return str(folder / source)


def _value(text):
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return parsed["value"] if list(parsed) == ["value"] else text


def from_toml(text):
    """RunConfig of the text of a configuration file, as `to_toml` writes it; ConfigError also if it is no TOML."""
    if any(line.count(".") > LARGEST_DOTS for line in text.split("\n")):
        raise ConfigError([f"not a configuration: a line with more than {LARGEST_DOTS} dots"])
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError, TypeError) as error:
        raise ConfigError([f"not valid TOML: {error}"]) from None
    return from_tables(tables)


def to_toml(config, sections=("network", "train", "data")):
    """The text of a configuration file that `load_config` reads back as the same run; of these sections only."""
    known, lines = automatic(config), []
    for name in sections:
        lines.append(f"[{name}]")
        for key, value in to_tables(config)[name].items():
            if (
                value is None
            ):  # TOML has no None; what follows from other keys must go on following them
                remark = (
                    ", unless the data bring their own test part" if key == "test_fraction" else ""
                )
                lines.append(f"# {key} = {known[key]} (automatic{remark})")
            else:  # numbers, texts and lists of them are written alike in JSON and TOML
                lines.append(f"{key} = {json.dumps(value, ensure_ascii=False)}")
        lines.append("")
    return "\n".join(lines)
