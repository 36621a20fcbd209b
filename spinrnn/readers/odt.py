"""OOMMF's data tables (.odt): text whose comments name columns and units as lists in
Tcl's writing, `{total energy}` in braces where there are blanks.
"""

import re
from pathlib import Path

import numpy as np

from spinrnn.errors import DataError
from spinrnn.readers.cells import Form, columns, missing_note, names_and_units
from spinrnn.readers.table import Table
from spinrnn.readers.text import head_of, lines_of

ENDINGS = (".odt",)
_CLAIM = re.compile(r"\s*#\s*ODT\b", re.I)
_ENTRY = re.compile(r"^#\s*(Title|Columns|Units)\s*:(.*)$", re.I | re.S)
_WORD = re.compile(r"\{([^{}]*)\}|(\S+)")


def claims(content: bytes) -> bool:
    """Whether the bytes begin as such a file."""
    return _CLAIM.match(head_of(content)) is not None


def read(path: str | Path, content: bytes) -> Table:
    """`Table` of the bytes of a file: an array (row,) for each column.

    Columns have the last part of their names, `mx` of `Oxs_TimeDriver::mx`, where no
    other has the same.

    Raises:
        DataError: damaged, or tables of other columns behind the first.
    """
    lines, notes = lines_of(path, content)
    heads, rows = _heads(lines), []
    if not heads.get("columns"):
        raise DataError(f"{path}: has no line # Columns:; it is truncated, or no .odt file")
    if len({tuple(names) for names in heads["columns"]}) > 1:
        raise DataError(f"{path}: holds tables of other columns; save them as files")
    rows = [n for n, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")]
    if not rows:
        raise DataError(f"{path}: holds no row of data")
    names, _, said = names_and_units(_short(heads["columns"][0]))
    plain = {n: lines[n].replace("{}", "nan") for n in rows}
    read = columns(path, plain, rows, len(names), Form(None))
    if len(heads["columns"]) > 1:
        said += (f"the rows of its {len(heads['columns'])} tables follow each other",)
    units = (heads.get("units") or [[]])[0]
    arrays = {
        name: column
        for name, column in zip(names, read, strict=True)
        if isinstance(column, np.ndarray)
    }
    return Table(
        Path(path),
        arrays,
        {"title": " ".join(heads["title"][0])} if heads.get("title") else {},
        {name: unit for name, unit in zip(names, units, strict=False) if name in arrays},
        notes=notes + said + missing_note(names, read),
    )


def _heads(lines):
    """{"title", "columns", "units": [words of each such line]}."""
    found, at = {}, 0
    while at < len(lines):
        text = lines[at]
        at += 1
        # a line that ends with a stroke goes on in the next comment
        while text.endswith("\\") and at < len(lines):
            text = text[:-1] + " " + lines[at].lstrip("# ")
            at += 1
        entry = _ENTRY.match(text)
        if entry:
            words = [braced or word for braced, word in _WORD.findall(entry[2])]
            found.setdefault(entry[1].lower(), []).append(words)
    return found


def _short(names):
    """The last parts of names, where those are unique."""
    last = [name.rpartition(":")[2] for name in names]
    return [
        short if short and last.count(short) == 1 else name
        for name, short in zip(names, last, strict=True)
    ]
