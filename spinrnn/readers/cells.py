"""Rows of cells in a text become columns by name: numbers or texts, units, missing
values.
"""

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spinrnn.errors import DataError, listed
from spinrnn.readers.table import MOST_PROBLEMS, tell
from spinrnn.readers.text import MISSING, is_number, number, numbers
from spinrnn.readers.units import is_unit, unit_of

MOST_COLUMNS = 2**16
CHUNK = 8192
"""Rows that are cut into cells at once: a cell takes some sixty bytes."""
LARGEST_RATIO = 64
"""Of the bytes of a column of texts to those of the file: each takes as much as the
longest.
"""
LEAST_NUMBERS = 0.1
"""Share of the cells of a column of texts, from which on it is meant as numbers."""
_BRACKETS = re.compile(r"(.*?)\s*(?:\(([^()]*)\)|\[([^\[\]]*)\])", re.DOTALL)
_SLASH = re.compile(r"(.*\S)\s+/\s*(\S+)", re.DOTALL)
_CLOSE_SLASH = re.compile(r"([^\s/]+)/([^\s/]+)")
"""`I/mA`: a name and its unit, where the whole is no unit that is known, as A/m."""


@dataclass(frozen=True)
class Form:
    """How a line is cut into cells.

    Attributes:
        delimiter: one character, or None for any white space.
        decimal: "." or ",", the sign before a number's fraction.
    """

    delimiter: str | None
    decimal: str = "."

    def cut(self, line: str) -> list[str]:
        """The cells of a line, without the quotes around them; ValueError where a quote
        is not closed.
        """
        if self.delimiter is None:
            return line.split()
        if '"' not in line:
            return line.split(self.delimiter)
        try:
            rows = list(csv.reader([line], delimiter=self.delimiter, strict=True))
        except csv.Error as error:
            raise ValueError from error
        return rows[0] if rows else [""]

    def plain(self, cell: str) -> str:
        """A number's cell with a point; what cannot be a number in this form is no
        number afterwards.
        """
        if self.decimal == ".":
            return cell
        return cell.replace(".", "_").replace(",", ".")

    def is_number(self, cell: str) -> bool:
        """Whether a cell holds a number in this form."""
        if self.decimal == "," and cell.strip().endswith(","):
            return False
        return is_number(self.plain(cell))


# ---- names ----


def names_and_units(cells: Sequence[str]) -> tuple[list[str], dict[int, str], tuple[str, ...]]:
    """(names, {column: unit}, notes) of a row of names.

    A unit stands in brackets behind its name, or behind a stroke, as in `I / mA` and
    `G/uS`. A name that is empty or there twice gets the number of its column.
    """
    names, units = [], {}
    for k, cell in enumerate(cells):
        name, unit = _parted(cell.strip())
        names.append(name)
        if unit is not None:
            units[k] = unit
    nameless = [k for k, name in enumerate(names) if not name]
    counts = Counter(names)
    twice = sorted(name for name, count in counts.items() if name and count > 1)
    notes = ()
    if twice:
        notes += (f"several columns are called {listed(twice)}; their numbers follow the names",)
    if nameless:
        notes += (f"without a name: {listed(f'column_{k + 1}' for k in nameless)}",)
    return _distinct(names, set(twice)), units, notes


def _parted(cell):
    """(name, unit or None)."""
    for form in (_BRACKETS, _SLASH, _CLOSE_SLASH):
        found = form.fullmatch(cell)
        if form is _CLOSE_SLASH and unit_of(cell) is not None:
            continue
        if found and found.group(1):
            unit = next(part for part in found.groups()[1:] if part is not None)
            if is_unit(unit):
                return found.group(1), unit.strip()
    return cell, None


def _distinct(names, twice):
    """The names, numbered where they are empty or there twice."""
    taken, found = set(names), []
    for k, name in enumerate(names, 1):
        made = f"{name or 'column'}_{k}" if not name or name in twice else name
        while made != name and made in taken:
            made += "_"
        taken.add(made)
        found.append(made)
    return found


# ---- columns ----


def columns(
    path: str | Path,
    lines: Sequence[str] | Mapping[int, str],
    rows: Sequence[int],
    width: int,
    form: Form,
) -> list[np.ndarray | str]:
    """A column for each cell of a row: (row,) float64 with NaN for what is missing, or
    (row,) texts, or in words why it was left out.

    Args:
        lines: of the file, by their numbers from 0; rows: numbers of those that hold
            data.
        width: cells of a row.
    Raises:
        DataError: rows of another number of cells, or a word among numbers; the first
            of them with their lines.
    """
    if width > MOST_COLUMNS:
        raise DataError(f"{path}: has {width} columns, more than {MOST_COLUMNS}")
    chunks = [
        _chunk(path, lines, rows[start : start + CHUNK], width, form)
        for start in range(0, len(rows), CHUNK)
    ]
    size = sum(len(lines[n]) for n in rows)
    found: list[np.ndarray | str] = []
    problems: list[str] = []
    for k in range(width):
        pieces = [piece for chunk in chunks if (piece := chunk[k]) is not None]
        if len(pieces) == len(chunks):
            found.append(np.concatenate(pieces))
            continue
        cells = [
            cell
            for start in range(0, len(rows), CHUNK)
            for cell in _cells(lines, rows[start : start + CHUNK], form, k)
        ]
        fault = _fault(cells, rows, form)
        if fault:
            problems.append(f"column {k + 1}: {fault}; write a number or leave it empty")
        found.append(_texts(cells, size))
    tell(path, problems)
    return found


def _chunk(path, lines, rows, width, form) -> list[np.ndarray | None]:
    """[(row,) numbers, or None for a column that holds others] of some rows."""
    cut, problems = [], []
    for n in rows:
        try:
            cells = form.cut(lines[n])
        except ValueError:
            problems.append(f"line {n + 1}: a quote is not closed")
            continue
        if len(cells) != width:
            problems.append(f"line {n + 1} has {len(cells)} cells, others {width}")
        cut.append(cells)
        if len(problems) > MOST_PROBLEMS:
            break
    tell(path, problems)
    return [numbers([form.plain(cell) for cell in column]) for column in zip(*cut, strict=True)]


def cell_texts(
    lines: Sequence[str] | Mapping[int, str], rows: Sequence[int], form: Form, k: int
) -> np.ndarray:
    """(row,) cells of column k as they stand there; arguments as of `columns`."""
    return np.array(_cells(lines, rows, form, k), dtype=np.str_)


def _cells(lines, rows, form, k):
    return [form.cut(lines[n])[k].strip() for n in rows]


def _fault(cells, rows, form):
    """The first cells that are no numbers where most are, in words; "" for texts."""
    wrong = []
    for n, cell in zip(rows, cells, strict=True):
        try:
            number(form.plain(cell))
        except ValueError:
            wrong.append((n, cell))
    if 2 * len(wrong) >= sum(bool(cell) for cell in cells):
        return ""
    return _told(wrong)


def words_among(cells: Sequence[str], rows: Sequence[int], form: Form, where: str = "line") -> str:
    """The first cells of a column of texts that are no numbers, in words, where at
    least a tenth of those that hold anything are numbers; else "".

    Args:
        cells: of the column; rows: numbers of their lines from 0; where: what a line
            is called.
    """
    filled = [(n, cell) for n, cell in zip(rows, cells, strict=True) if cell.lower() not in MISSING]
    wrong = [(n, cell) for n, cell in filled if not form.is_number(cell)]
    if not wrong or len(filled) - len(wrong) < LEAST_NUMBERS * len(filled):
        return ""
    return _told(wrong, where)


def _told(wrong, where="line"):
    """Cells that are no numbers, [(number of the line, cell)], in words."""
    n, cell = wrong[0]
    more = f", and {len(wrong) - 1} more such cells" if len(wrong) > 1 else ""
    return f"{listed([cell])} in {where} {n + 1} is no number{more}"


def _texts(cells, size):
    longest = max(map(len, cells))
    if 4 * longest * len(cells) > max(LARGEST_RATIO * size, 2**20):
        return f"is a column of texts of up to {longest} characters, which is not read"
    return np.array(cells, dtype=np.str_)


def missing_note(names: Sequence[str], arrays: Sequence[np.ndarray | str]) -> tuple[str, ...]:
    """How many numbers are missing in which columns, as a sentence; () if none."""
    counts = {
        name: int(np.isnan(array).sum())
        for name, array in zip(names, arrays, strict=True)
        if isinstance(array, np.ndarray) and array.dtype.kind == "f"
    }
    gaps = [f"{name} ({count})" for name, count in counts.items() if count]
    return (f"NaN for what is missing or no number: {listed(gaps)}",) if gaps else ()
