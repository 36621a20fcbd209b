"""Which cases of which data, written as source:part[cases]: "digits:test[0:100]", "mine.npz", "mnist:train[5]", "mine.h5[3,5,9]"."""

import re
from pathlib import Path

import numpy as np

from spinrnn.config.tables import suggest
from spinrnn.datasets import loading, parts
from spinrnn.errors import ConfigError, DataError

PARTS = {"train": 0, "validation": 1, "test": 2}
"""Parts and their place in what `datasets.split` returns; "all" is everything."""
_FORM = re.compile(
    r"(?P<source>.*?)(?::(?P<part>[A-Za-z]+))?(?:\[(?P<cases>[^\[\]]*)\])?", re.DOTALL
)
_CASES = re.compile(r"(-?\d{1,18})?(?::(-?\d{1,18})?(?::(-?\d{1,18})?)?)?", re.ASCII)


def parse(text):
    """(source or "", part or None, cases or None) of such a text.

    Raises:
        ConfigError: there is no such part, or a bracket is missing.
    """
    source, part, cases = _FORM.fullmatch(text).groups()
    if source.count("[") != source.count("]") and not Path(source).exists():
        raise ConfigError(
            [f"--input {text}: a bracket is missing; cases are written as in [0:100]"]
        )
    if part is not None and part not in (*PARTS, "all"):
        if Path(f"{source}:{part}").exists():  # a colon in a file's name
            return f"{source}:{part}", None, cases
        hint = suggest(part, (*PARTS, "all"))
        raise ConfigError([f"--input {text}: unknown part {part}{hint}"])
    return source, part, cases


def select(text, config=None, data_check=None):
    """The cases that the text names.

    Args:
        text: source:part[cases]; each of the three may be left out: the source of the run, all cases. Parts are those that the run has split,
            cases are a number, numbers with commas between them, or a slice as of a list. Files need no labels unless a part is asked for.
        config: `RunConfig` of the run, or None where there is none.
        data_check: called with the digest of the run's own data before a part of them is taken.
    Returns:
        (`Dataset` of these cases, their numbers (case,) in the whole, digest of the whole).
    Raises:
        ConfigError, DataError, StoreError: what cannot be read, split or found.
    """
    source, part, cases = parse(text)
    if not source and config is None:
        raise ConfigError(
            [f"--input {text}: names no data, and without a run there are none that could be meant"]
        )
    if part in PARTS and config is None:
        raise ConfigError(
            [
                f"--input {text}: a part needs the run that has split the data; give its folder, or leave out :{part}"
            ]
        )
    own = not source or (config is not None and _same(source, config.data.source))
    data = loading.load_dataset(source or config.data.source, labelled=False)
    numbers, digest = np.arange(len(data)), data.digest()
    if part in PARTS:
        if data.labels is None:
            raise DataError(
                f"--input {text}: the data have no labels and so no parts; leave out :{part}"
            )
        if own and data_check is not None:
            data_check(digest)
        numbers = parts.split(data, config.data, config.resolved_split_seed)[PARTS[part]]
    if cases is not None:
        numbers = numbers[_index(cases, len(numbers), text)]
    if not len(numbers):
        raise DataError(f"--input {text}: names no case")
    return data.take(numbers), numbers, digest


def _same(one, other):
    return one == other or (
        Path(one).exists() and Path(other).exists() and Path(one).samefile(other)
    )


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
                f"--input {text}: cases must be a number, numbers with commas between them, or a slice, as in [0:100]"
            ]
        ) from None
    wrong = numbers[(numbers < -count) | (numbers >= count)]
    if wrong.size:
        raise DataError(f"--input {text}: there is no case {wrong[0]}, only 0 to {count - 1}")
    return numbers
