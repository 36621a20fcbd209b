"""Data that need no file: their names, the keys of [data] that they have, and the task
that each of them asks. `datasets.builtin` makes them.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from spinrnn.config import kinds
from spinrnn.config.tables import nearest
from spinrnn.errors import ConfigError


class Source(NamedTuple):
    """Data that need no file.

    Attributes:
        task: table of [task] where the user does not say another; {} for data that
            serve any.
        length: points of the series where data.length is not given; 0 for data that are
            no series and have none of the keys.
        delays: outputs where data.delays is not given; 0 for data without that key.
    """

    task: Mapping[str, Any]
    length: int = 0
    delays: int = 0


_REGRESSION = {"kind": "regression", "washout": 100, "window": 400}
_FORECASTING = {"kind": "forecasting", "washout": 100, "window": 400, "horizon": 1}

SOURCES = {
    "digits": Source({}),
    "drones": Source({}),
    "iris": Source({}),
    "wine": Source({}),
    "narma10": Source(_REGRESSION, 6000),
    "narma2": Source(_REGRESSION, 6000),
    "mackey_glass": Source(_FORECASTING, 6000),
    "sine_square": Source({"kind": "classification"}, 2560),
    "memory": Source(_REGRESSION, 6000, 40),
    "parity": Source(_REGRESSION, 6000, 8),
    "lorenz": Source(_FORECASTING, 6000),
}
"""{data.source: `Source`}."""
KEYS = ("length", "seed", "delays")
"""Of [data], those of series that need no file."""
SHORTEST, LONGEST = 100, 100_000_000
"""Points."""
MOST_DELAYS = 10_000


def is_built_in(source: Any) -> bool:
    """Whether a data.source needs no file."""
    return isinstance(source, str) and source in SOURCES


def keys_of_source(source: Any) -> tuple[str, ...]:
    """Those of `KEYS` that a data.source has."""
    known = SOURCES.get(source) if isinstance(source, str) else None
    if known is None or not known.length:
        return ()
    return KEYS if known.delays else KEYS[:2]


def task_of(source: Any, given: Any, targets: Any = None) -> Any:
    """The kind of task for a data.source, of what the user gave for it: a kind, its
    name, its table without or with the key kind, or None. With targets, data.targets,
    it is a regression where the kind is not said.

    Where the kind is not said, or is the one that the data ask for, keys that are not
    given are the source's.

    Raises:
        ConfigError: the kind is one of spinrnn's own that these data cannot serve, or
            there are mistakes in the table.
    """
    if not keys_of_source(source):
        # also data from Python, beside which the source says nothing
        return kinds.made_of("task", _with_targets(given, targets))
    asked = SOURCES[source].task
    if given is None:
        return kinds.made_of("task", asked)
    table = {"kind": given} if isinstance(given, str) else given
    if isinstance(table, Mapping) and table.get("kind", asked["kind"]) == asked["kind"]:
        return kinds.made_of("task", {**asked, **table})
    made = kinds.made_of("task", table)
    if made.kind != asked["kind"] and made.kind in kinds.BUILT_IN["task"]:
        raise ConfigError(
            [f'kind: must be "{asked["kind"]}" or left out, as data.source is {source}; got '
             f'"{made.kind}"']
        )  # fmt: skip
    return made


def _with_targets(given, targets):
    """What was given for the task, with its kind where data.targets say it."""
    if targets is None or not (given is None or isinstance(given, Mapping)):
        return given
    return {"kind": "regression", **(given or {})}


def near_name(source: Any) -> str | None:
    """The name of built-in data that is spelt most like a source, None for a path."""
    is_path = "/" in str(source) or "\\" in str(source) or "." in str(source)
    return None if is_path else nearest(source, SOURCES)
