"""Text files of other programs as lines: their encoding, and numbers in them."""

import codecs
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from spinrnn.errors import DataError

HEAD = 4096
"""Bytes by which a text file is known."""
_BOMS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
"""Characters that no text file has, save tabs, line ends and form feeds."""
_END = "\x1a"
"""With which some programs of DOS end a file."""
MISSING = frozenset(("", "nan", "na", "n/a", "?", "--", "null", "none"))
"""What tables write for a number that is not there, in small letters."""
LONGEST = 100
"""Characters of a number. In NumPy's array of texts each takes those of the longest."""


def head_of(content: bytes) -> str:
    """The first characters of a text; "" of what is none."""
    encoding, mark = _encoding(content)
    text = content[mark : mark + HEAD].decode(encoding, "replace")
    return "" if _CONTROL.search(text.rstrip(_END)) else text


def lines_of(path: str | Path, content: bytes) -> tuple[list[str], tuple[str, ...]]:
    """(lines without their ends, what is to be said of the encoding).

    UTF-8, UTF-16 with or without a mark, else Windows-1252, the encoding of programs
    that write a micro sign as one byte.

    Raises:
        DataError: no text, or empty.
    """
    encoding, mark = _encoding(content)
    notes = ()
    try:
        text = content[mark:].decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8" or mark:
            raise DataError(f"{path}: damaged or truncated, it is no {encoding} text") from error
        encoding, text = "windows-1252", content.decode("cp1252", "replace")
    if encoding != "utf-8":
        notes = (f"the text is encoded as {encoding}",)
    text = text.rstrip(_END)
    control = _CONTROL.search(text)
    if control:
        line = text.count("\n", 0, control.start()) + 1
        raise DataError(
            f"{path}: no text, line {line} holds the character {ord(control.group()):#04x}"
        )
    if not text.strip():
        raise DataError(f"{path}: empty")
    # str.splitlines would cut at form feeds and at marks of other scripts too
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), notes


def _encoding(content):
    """(encoding, bytes of its mark)."""
    for mark, name in _BOMS.items():
        if content.startswith(mark):
            return name, len(mark)
    head = content[:HEAD]
    # of Latin letters every second byte of UTF-16 is 0
    for start, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        if len(head) > 3 and head[start::2].count(0) > 0.4 * len(head):
            return name, 0
    return "utf-8", 0


def numbers(cells: Sequence[str]) -> np.ndarray | None:
    """(cell,) float64, NaN for what is in `MISSING`; None if a cell is no number."""
    if max(map(len, cells), default=0) <= LONGEST and not any("_" in cell for cell in cells):
        try:
            return np.array(cells, dtype=np.str_).astype(np.float64)
        except ValueError:
            pass
    try:
        return np.array([number(cell) for cell in cells])
    except ValueError:
        return None


def number(cell: str) -> float:
    """The number in a cell, NaN for what is in `MISSING`; ValueError if it is none."""
    cell = cell.strip()
    if cell.lower() in MISSING:
        return np.nan
    # Python's numbers may hold an underscore, those of files do not
    if "_" in cell or len(cell) > LONGEST:
        raise ValueError
    return float(cell)


def is_number(cell: str) -> bool:
    """Whether a cell holds a number, or the word nan."""
    try:
        return cell.strip().lower() == "nan" or not np.isnan(number(cell))
    except ValueError:
        return False
