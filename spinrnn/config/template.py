"""A configuration file that explains itself: every key with its default, unit and
meaning, made of the declarations.

The meaning of a key is what the docstring of its dataclass says, or its `quantity`.
"""

import inspect
import json
import re
import textwrap
from collections.abc import Mapping, Sequence

from spinrnn.config import kinds, recipes
from spinrnn.config.quantity import quantities
from spinrnn.config.run import (
    FOLLOWING,
    DataConfig,
    NetworkConfig,
    RunConfig,
    TrainConfig,
    automatic,
    own_keys,
    to_tables,
)

WIDTH = 88
"""Columns of comments."""
_ENTRY = re.compile(r"    ((?:\w+, )*\w+): (.*)")
_DOCUMENTED = {"network": NetworkConfig, "train": TrainConfig, "data": DataConfig}
_SUBJECTS = {
    "network": "the network and its time stepping; times in s",
    "neuron": "the neurons of all layers",
    "spread": "how much neurons differ: relative standard deviations, 0.1 for 10 %",
    "activation": "what a neuron without time makes of its sum",
    "synapse": "what trained numbers become as weights",
    "task": "what is learned",
    "estimator": "how the gradient, or the readout, is found",
    "writer": "what becomes of a gradient",
    "train": "how it is trained",
    "data": "what it learns from",
}
HEAD = """\
# A run of spinrnn. What stands here are the defaults: a line that is taken out changes
# nothing. Keys behind a "#" follow from others or from the data until it is taken away.
"""
_RECIPE = """\
# Names the defaults; "digits" are those of the sequential digits.
recipe = {name}
"""


def meanings(cls: type) -> dict[str, str]:
    """{attribute: what the docstring of a class says of it}, from its "Attributes"."""
    text = inspect.getdoc(cls) or ""
    _, _, section = text.partition("Attributes:\n")
    found: dict[str, str] = {}
    names: list[str] = []
    for line in section.splitlines():
        entry = _ENTRY.fullmatch(line)
        if line and not line.startswith("    "):
            break
        if entry:
            names = entry[1].split(", ")
        for name in names:
            more = entry[2] if entry else line.strip()
            found[name] = f"{found.get(name, '')} {more}".strip()
    return found


def template(
    config: RunConfig,
    remarks: Mapping[str, Sequence[str]] | None = None,
    recipe: str = recipes.DEFAULT,
) -> str:
    """The text of a configuration file, with all keys of the kinds of a run.

    Args:
        config: whose values stand there.
        remarks: {"table.key": further sentences}, those that follow from data.
        recipe: that the values came of.
    """
    said, known, lines = remarks or {}, automatic(config), [HEAD]
    if recipe != recipes.DEFAULT:
        lines.append(_RECIPE.format(name=_written(recipe)))
    for name, tables in to_tables(config).items():
        for table in tables if isinstance(tables, list) else [tables]:
            lines.append(f"[[{name}]]" if isinstance(tables, list) else f"[{name}]")
            lines[-1] += f"  # {_SUBJECTS[name]}"
            for key, value in _whole(config, name, table).items():
                lines += _comments(_meaning(config, name, key))
                lines += [
                    line for text in said.get(f"{name}.{key}", ()) for line in _comments(text)
                ]
                lines.append(_entry(config, name, key, value, known))
            lines.append("")
    return "\n".join(lines)


def _whole(config, name, table):
    """{key: value} of a table with the keys that it has only where they are given."""
    if name != "neuron" or not hasattr(config.network, "trained"):
        return table
    return {"train": list(config.network.trained), "train_per": config.network.trained_per} | {
        key: value for key, value in table.items() if key not in ("train", "train_per")
    }


def _comments(text):
    return ["# " + line for line in textwrap.wrap(text, WIDTH - 2)] if text else []


def _entry(config, name, key, value, known):
    """A line key = value; a comment where the value follows from others."""
    if name == "network" and key in config.network.follows:
        return f"#{key} = {_written(FOLLOWING[key])}  # follows from the data"
    if value is not None:
        return f"{key} = {_written(value)}"
    return f"#{key} = {known[key]}  # automatic" if key in known else f'#{key} = ""  # not given'


def _written(value):
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _meaning(config, name, key):
    """What a key is, with its unit and range as far as they are declared."""
    if name == "spread":
        own = f"of {key}, from neuron to neuron"
        return "of the differences; the same number is the same devices" if key == "seed" else own
    if key == "kind" and name not in _DOCUMENTED:
        others = ", ".join(f'"{kind}"' for kind in kinds.names_of(name))
        return f"{others}; spinrnn kinds lists the keys of each"
    if name == "neuron" and key in ("train", "train_per"):
        return meanings(NetworkConfig)[{"train": "trained"}.get(key, "trained_per")]
    cls = type(config.network) if name == "network" else _DOCUMENTED.get(name)
    if name == "network" and key == "kind":
        return "of the network; others have other keys"
    if cls is None:
        return _of_quantity(_class_of(config, name, key), key)
    if name == "network" and key not in meanings(cls):
        return _of_quantity(cls, key)
    text, unit = meanings(cls).get(key, ""), getattr(quantities(cls).get(key), "unit", "1")
    # a file has no None
    text = re.sub(r"\bNone\b", "left out", text)
    return text if unit == "1" or f"({unit})" in text else f"{text.rstrip('.')} ({unit})"


def _class_of(config, name, key):
    """The class of a kind that has the key."""
    owners = (kind for kind in config.kinds if kind.role == name and hasattr(kind, key))
    return type(next(owners))


def _of_quantity(cls, key):
    """Of a kind's key: what its quantity declares, or its docstring."""
    declared = quantities(cls).get(key)
    if declared is None or not declared.about:
        return meanings(cls).get(key, "")
    unit = "" if declared.unit == "1" else f" in {declared.unit}"
    return f"{declared.about}{unit}; {declared.range}"


def undocumented(config: RunConfig) -> list[str]:
    """Keys "table.key" that a template cannot explain."""
    tables = to_tables(config)
    single = {name: t[0] if isinstance(t, list) else t for name, t in tables.items()}
    keys = {name: own_keys(cls) for name, cls in _DOCUMENTED.items()}
    keys["network"] = own_keys(type(config.network))
    every = [(name, key) for name, table in single.items() for key in keys.get(name) or table]
    return [f"{name}.{key}" for name, key in every if not _meaning(config, name, key)]
