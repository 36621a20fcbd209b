"""The text files of the UCR and UEA archives of time series (.ts): cases of one or
several channels with a class each.

A head of lines `@key value` ends with `@data`. Each further line is a case: the values
of a channel with commas between them, channels with colons between them, the class or
the target last. `?` or NaN is a missing value. Lengths may differ from case to case.
"""

import re
from pathlib import Path

import numpy as np

from spinrnn.errors import DataError, listed
from spinrnn.readers.table import Table, tell
from spinrnn.readers.text import head_of, lines_of, number, numbers

ENDINGS = (".ts",)
LARGEST_RATIO = 64
"""Of the bytes of the padded array to those of the file, where it is large: one long
case among many short ones would fill the memory.
"""
SMALL = 2**24
"""Bytes of an array that is taken in any case."""
_CLAIM = re.compile(r"^\s*@(problemname|data|timestamps|classlabel)\b", re.I | re.M)
_TRUTH = {"true": True, "false": False}


def claims(content: bytes) -> bool:
    """Whether the bytes begin as such a file."""
    head = head_of(content)
    return head.lstrip().startswith(("@", "#", "%")) and _CLAIM.search(head) is not None


def read(path: str | Path, content: bytes) -> Table:
    """`Table` of the bytes of a file.

    Its arrays: `inputs` (case, channel, time) float64, NaN where a value is missing and
    after the end of a shorter case; `lengths` (case,) where they differ; `labels`
    (case,) with the names of the classes in the order of the head, or `targets` (case,)
    of a regression.

    Raises:
        DataError: no such file, or its cases do not fit its head; with numbers of the
            first lines that do not.
    """
    lines, notes = lines_of(path, content)
    start, head = _head(path, lines)
    tell(path, _head_problems(head))
    names = _classes(head)
    rows = [(n, line) for n, line in enumerate(lines[start:], start + 1) if _is_case(line)]
    if not rows:
        raise DataError(f"{path}: holds no case after @data")
    cases, last = _cases(path, rows, bool(names) or _target(head))
    tell(path, _problems(head, cases, [n for n, _ in rows]))
    arrays = _arrays(path, cases, len(content))
    if names:
        arrays["labels"] = _labels(path, last, [n for n, _ in rows], names)
    elif _target(head):
        arrays["targets"] = _targets(path, last, [n for n, _ in rows])
    attributes = {key: " ".join(values) for key, values in head.items()}
    classes = {"labels": names} if names else {}
    return Table(Path(path), arrays, attributes, classes=classes, notes=notes)


def _is_case(line):
    return bool(line.strip()) and not line.lstrip().startswith(("#", "%"))


# ---- head ----


def _head(path, lines):
    """(number of lines up to @data, {key in small letters: its values})."""
    head = {}
    for n, line in enumerate(lines, 1):
        key, *values = line.split() or [""]
        if key.lower() == "@data":
            return n, head
        if key.startswith("@"):
            head[key[1:].lower()] = values
        elif _is_case(line):
            raise DataError(f"{path}: line {n} stands before @data, but is no line @key value")
    raise DataError(f"{path}: has no line @data; it is truncated, or no .ts file")


def _flag(head, key):
    """true or false of a key; None where it is not there."""
    values = head.get(key)
    return _TRUTH.get(values[0].lower()) if values else None


def _target(head):
    return bool(_flag(head, "targetlabel"))


def _classes(head):
    return tuple(head["classlabel"][1:]) if _flag(head, "classlabel") else ()


def _head_problems(head):
    """What cannot be read by this head, in words."""
    problems = []
    for key in ("timestamps", "univariate", "equallength", "classlabel", "targetlabel"):
        if key in head and _flag(head, key) is None:
            problems.append(f"@{key} must be true or false, got {listed(head[key])}")
    for key in ("dimensions", "serieslength"):
        if key in head and not (len(head[key]) == 1 and re.fullmatch(r"\d{1,9}", head[key][0])):
            problems.append(f"@{key} must be a whole number, got {listed(head[key])}")
    if _flag(head, "timestamps"):
        problems.append(
            "@timeStamps true: only values at even steps are read, write them without their times"
        )
    names = _classes(head)
    if _flag(head, "classlabel") and not names:
        problems.append("@classLabel true must be followed by the names of the classes")
    if len(set(names)) < len(names):
        problems.append("@classLabel names a class twice")
    if names and _target(head):
        problems.append("has both @classLabel and @targetLabel")
    return problems


# ---- cases ----


def _cases(path, rows, labelled):
    """([[values of a channel for each channel] for each case], [last field]);
    the last fields are texts where the cases are labelled.
    """
    cases, last, problems = [], [], []
    for n, line in rows:
        *channels, end = line.strip().split(":")
        channels = channels if labelled else [*channels, end]
        values = [numbers(channel.split(",")) for channel in channels]
        problems += [
            f"line {n}, channel {k}: {_fault(channels[k])}"
            for k, channel in enumerate(values)
            if channel is None
        ]
        if not channels:
            problems.append(f"line {n}: no colon between values and class")
        cases.append(values)
        last.append(end.strip())
    tell(path, problems)
    return cases, last


def _fault(channel):
    """The first value that is none, in words."""
    for k, cell in enumerate(channel.split(",")):
        try:
            number(cell)
        except ValueError:
            return f"{listed([cell.strip()])} is no number, at point {k}"
    return "cannot be read"


def _problems(head, cases, lines):
    """Where the cases do not fit each other or the head, in words."""
    wanted = 1 if _flag(head, "univariate") else len(cases[0])
    wanted = int(head["dimensions"][0]) if "dimensions" in head else wanted
    length = len(cases[0][0]) if _flag(head, "equallength") else None
    if length is not None and "serieslength" in head:
        length = int(head["serieslength"][0])
    problems = []
    for n, case in zip(lines, cases, strict=True):
        own = {len(channel) for channel in case}
        if len(case) != wanted:
            problems.append(f"line {n} has {len(case)} channels in place of {wanted}")
        elif len(own) > 1:
            problems.append(f"line {n}: its channels have the lengths {listed(map(str, own))}")
        elif length is not None and own != {length}:
            problems.append(f"line {n} has {own.pop()} points in place of {length}")
    return problems


def _arrays(path, cases, size):
    """{"inputs": (case, channel, time), "lengths": (case,) where they differ}."""
    lengths = np.array([len(case[0]) for case in cases])
    shape = (len(cases), len(cases[0]), int(lengths.max()))
    if 8 * np.prod(shape, dtype=float) > max(LARGEST_RATIO * size, SMALL):
        raise DataError(
            f"{path}: its longest case has {shape[2]} points; with all {shape[0]} padded to that "
            f"it would take more than {LARGEST_RATIO} times its {size} bytes, so cut that case"
        )
    inputs = np.full(shape, np.nan)
    for row, case in zip(inputs, cases, strict=True):
        row[:, : len(case[0])] = case
    return {"inputs": inputs} | ({} if (lengths == shape[2]).all() else {"lengths": lengths})


def _labels(path, last, lines, names):
    """(case,) numbers of the classes."""
    number_of = {name: k for k, name in enumerate(names)}
    tell(
        path,
        [
            f"line {n} ends with {listed([name])}, which @classLabel does not name"
            for n, name in zip(lines, last, strict=True)
            if name not in number_of
        ],
    )
    return np.array([number_of[name] for name in last], dtype=np.int64)


def _targets(path, last, lines):
    values = [numbers([cell]) for cell in last]
    tell(
        path,
        [
            f"line {n} ends with {listed([cell])}, which is no number"
            for n, cell, value in zip(lines, last, values, strict=True)
            if value is None
        ],
    )
    return np.concatenate([value for value in values if value is not None])
