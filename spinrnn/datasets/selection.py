"""Which cases of which data, written as source:part[cases].

Examples: "digits:test[0:100]", "mine.npz", "mnist:train[5]", "mine.h5[3,5,9]".
"""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from spinrnn.config.run import RunConfig
from spinrnn.config.tables import suggest
from spinrnn.datasets.dataset import Dataset
from spinrnn.datasets.known import Known
from spinrnn.datasets.loading import data_of, load_inputs
from spinrnn.datasets.parts import divide, split
from spinrnn.datasets.stretches import is_series
from spinrnn.errors import ConfigError, DataError
from spinrnn.readers.columns import NONE, Columns

PARTS = {"train": 0, "validation": 1, "test": 2}
"""Parts and their place in what `split` returns; "all" is everything."""
_FORM = re.compile(
    r"(?P<source>.*?)(?::(?P<part>[A-Za-z]+))?(?:\[(?P<cases>[^\[\]]*)\])?", re.DOTALL
)
_CASES = re.compile(r"(-?\d{1,18})?(?::(-?\d{1,18})?(?::(-?\d{1,18})?)?)?", re.ASCII)


def parse(text: str) -> tuple[str, str | None, str | None]:
    """(source or "", part or None, cases or None) of such a text.

    Raises:
        ConfigError: there is no such part, or a bracket is missing.
    """
    found = _FORM.fullmatch(text)
    # every text fits, as the source may be any
    assert found is not None
    source, part, cases = found.groups()
    if source.count("[") != source.count("]") and not Path(source).exists():
        raise ConfigError(
            [f"--input {text}: a bracket is missing; cases are written as in [0:100]"]
        )
    if part is not None and part not in (*PARTS, "all"):
        # a colon in a file's name
        if Path(f"{source}:{part}").exists():
            return f"{source}:{part}", None, cases
        hint = suggest(part, (*PARTS, "all"))
        raise ConfigError([f"--input {text}: unknown part {part}{hint}"])
    return source, part, cases


def select(
    text: str,
    config: RunConfig | None = None,
    data_check: Callable[[str], object] | None = None,
    columns: Columns = NONE,
    known: Known | None = None,
) -> tuple[Dataset, np.ndarray, str]:
    """The cases that the text names.

    Args:
        text: source:part[cases]. Each of the three may be left out: the source is that
            of the run then, the cases are all. Parts are those that the run has split,
            cases are a number, numbers with commas between them, or a slice as of a
            list. Files need no labels unless a part is asked for; they are read as the
            run reads its own, see `load_inputs`.
        config: of the run, or None where there is none.
        data_check: called with the digest of the run's own data before a part of them
            is taken.
        columns: what the user calls the arrays of a file, and their units; goes before
            what the run says.
        known: what the run knows of its data.
    Returns:
        (`Dataset` of these cases, their numbers (case,) in the whole, digest of the
            whole).
    Raises:
        ConfigError, DataError, StoreError: what cannot be read, split or found.
    """
    source, part, cases = parse(text)
    own = config is not None and (not source or _same(source, config.data.source))
    if config is None:
        _check_without_run(text, source, part)
    if config is not None and own and columns.empty and columns.rows is None:
        data = data_of(config, False, known is None or known.units is not None)
    else:
        source = source or (config.data.source if config is not None else "")
        data = load_inputs(source, config and config.data, columns, False, known)
    numbers, digest = np.arange(len(data)), data.digest()
    if config is not None and part in PARTS:
        if config.task.labelled and data.labels is None:
            raise DataError(
                f"--input {text}: the data have no labels and so no parts; leave out :{part}"
            )
        if own and data_check is not None:
            data_check(digest)
        prepared = config.task.prepared(data)
        if is_series(prepared):
            return divide(data, config)[PARTS[part]], numbers, digest
        numbers = split(prepared, config.data, config.resolved_split_seed)[PARTS[part]]
    if cases is not None:
        numbers = numbers[_index(cases, len(numbers), text)]
    if not len(numbers):
        raise DataError(f"--input {text}: names no case")
    return data.take(numbers), numbers, digest


def _check_without_run(text, source, part):
    """Raises ConfigError for what only a run can tell."""
    if not source:
        raise ConfigError(
            [f"--input {text}: names no data, and without a run there are none that could be meant"]
        )
    if part in PARTS:
        raise ConfigError(
            [
                f"--input {text}: a part needs the run that has split the data; give its folder, "
                f"or leave out :{part}"
            ]
        )


def _same(one, other):
    """Whether two sources are one, perhaps by different paths."""
    if one == other:
        return True
    one, other = Path(one), Path(other)
    return one.exists() and other.exists() and one.samefile(other)


def _index(cases, count, text):
    """Slice, or array of numbers, of count cases."""
    found = _CASES.fullmatch(cases.strip())
    if ":" in cases and found:
        start, stop, step = (None if number is None else int(number) for number in found.groups())
        if step == 0:
            raise ConfigError([f"--input {text}: a step of 0 leads nowhere"])
        return slice(start, stop, step)
    try:
        numbers = np.array([int(number) for number in cases.split(",")])
    except (ValueError, OverflowError):
        raise ConfigError(
            [
                f"--input {text}: cases must be a number, numbers with commas between them, or "
                "a slice, as in [0:100]"
            ]
        ) from None
    wrong = numbers[(numbers < -count) | (numbers >= count)]
    if wrong.size:
        raise DataError(f"--input {text}: there is no case {wrong[0]}, only 0 to {count - 1}")
    return numbers
