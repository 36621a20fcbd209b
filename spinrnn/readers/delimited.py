"""Tables in text files: columns of numbers or texts with a delimiter between them.

What differs from program to program is found out and told by notes: delimiter, decimal
comma, comments, the row of names, the row of units. Where two readings are as good,
the file is refused. mumax3's table.txt, whose comment names columns and units, and the
logs of cmtj are such files.
"""

import contextlib
import dataclasses
import functools
import re
from collections import Counter
from pathlib import Path

import numpy as np

from spinrnn.errors import DataError, listed
from spinrnn.readers.cells import (
    MOST_COLUMNS,
    Form,
    cell_texts,
    columns,
    missing_note,
    names_and_units,
    words_among,
)
from spinrnn.readers.table import Table
from spinrnn.readers.text import lines_of
from spinrnn.readers.units import is_unit

ENDINGS = (".csv", ".tsv", ".txt", ".dat", ".tab", ".asc")
COMMENTS = ("#", "%", "//", "!")
SAMPLE = 100
"""Rows by which the delimiter is found."""
MOST_CELLS = 20_000
"""Of the rows by which it is found."""
MOST_ATTRIBUTES = 1000
_FORMS = tuple(
    Form(delimiter, decimal)
    for delimiter in ("\t", ";", ",", "|", None)
    for decimal in (".", ",")
    if delimiter != decimal
)
_SPACED = re.compile(r"\s+([(\[][^()\[\]\s]*[)\]])")
"""A unit in brackets, and the white space before it."""
LABELS = ("label", "labels", "class", "target")
"""What a column of labels is called."""
_WORDS = {"\t": "tab", None: "white space"}


def claims(content: bytes) -> bool:
    """No bytes are known to be such a table; names are."""
    return False


def read(path: str | Path, content: bytes) -> Table:
    """`Table` of the bytes of a file: an array (row,) for each column.

    Raises:
        DataError: no table of text, an ambiguous one, ragged rows, or words among
            numbers; with the lines.
    """
    lines, notes = lines_of(path, content)
    filled = [n for n, line in enumerate(lines) if line.strip()]
    data = [n for n in filled if not lines[n].lstrip().startswith(COMMENTS)]
    if not data:
        raise DataError(f"{path}: holds no row, only comments")
    form, width, numeric = _form(path, lines, data)
    if width > MOST_COLUMNS:
        raise DataError(f"{path}: has more than {MOST_COLUMNS} columns")
    first = _first_row(lines, data, form, width, numeric)
    head = [n for n in filled if n < data[first]] if first < len(data) else filled
    rows = data[first:]
    if not rows:
        raise DataError(f"{path}: holds names but no row of data")
    found = columns(path, lines, rows, width, form)
    named, units, used, said = _head(path, lines, head, form, found)
    table = _table(
        path,
        found,
        (named, units),
        _attributes(lines, head, used, form),
        (*notes, *_form_note(form, width), *said),
        functools.partial(cell_texts, lines, rows, form),
        lambda column: words_among(column.tolist(), rows, form),
    )
    return dataclasses.replace(table, line=lambda row: rows[row] + 1)


def _table(path, found, head, attributes, notes, texts, words):
    """`Table` of columns.

    head: (cells of names or None, cells of units); texts(k) gives the cells of column
    k, words(column) says which of its cells are no numbers.
    """
    named, unit_row = head
    last = isinstance(found[-1], np.ndarray) and found[-1].dtype.kind == "f"
    if len(found) > 1 and last and np.isnan(found[-1]).all() and not (named and named[-1].strip()):
        # of a delimiter at the end of each line
        found, named = found[:-1], named[:-1] if named else named
    if named is None:
        names, units = [f"column_{k}" for k in range(1, len(found) + 1)], {}
        notes = (*notes, f"no names; columns are called {listed(names)}")
    else:
        names, units, said = names_and_units(named)
        notes += said
    units |= {k: cell.strip(" ()[]") for k, cell in enumerate(unit_row) if cell.strip(" ()[]")}
    pairs = list(zip(names, found, strict=True))
    return Table(
        Path(path),
        {name: column for name, column in pairs if isinstance(column, np.ndarray)},
        attributes,
        {names[k]: unit for k, unit in units.items() if k < len(names)},
        left_out={name: why for name, why in pairs if isinstance(why, str)},
        notes=notes + missing_note(names, found),
        texts={
            name: functools.partial(texts, k)
            for k, (name, column) in enumerate(pairs)
            if isinstance(column, np.ndarray) and column.dtype.kind == "f"
        },
        words={
            name: functools.partial(words, column)
            for name, column in pairs
            if isinstance(column, np.ndarray) and column.dtype.kind == "U"
        },
    )


# ---- delimiter ----


def _form(path, lines, data):
    """(`Form`, cells of a row, numbers of the columns that hold numbers)."""
    # heads are at the start
    sample = [lines[n] for n in data[len(data) // 2 :][:SAMPLE]]
    scores = {form: _score(sample, form) for form in _FORMS}
    best = max(scores, key=lambda form: scores[form][0])
    _, width, numeric = scores[best]
    alone = scores[Form(";", ",")]
    if best.delimiter == "," and width == 2 and alone[:2] == ((scores[best][0][0], 1), 1):
        return _of_two(path, lines, data, best, alone)
    return best, width, numeric


def _score(sample, form):
    """((share of cells that are numbers, cells of a row), cells of a row, columns of
    numbers); the larger the first, the better the form suits.
    """
    rows = []
    for line in sample:
        # a quote that is not closed is told by who reads the rows
        with contextlib.suppress(ValueError):
            rows.append(form.cut(line))
    if not rows:
        return (0.0, 1), 1, []
    width = Counter(map(len, rows)).most_common(1)[0][0]
    fitting = [row for row in rows if len(row) == width]
    if width > MOST_COLUMNS:
        return (0.0, width), width, []
    agreeing = len(fitting) / len(sample)
    # of wide rows a few will do
    fitting = fitting[: max(5, MOST_CELLS // width)]
    known = np.array([[form.is_number(cell) for cell in row] for row in fitting])
    filled = np.array([[bool(cell.strip()) for cell in row] for row in fitting])
    share = known.sum() / max(filled.sum(), 1) * agreeing
    many = 2 * known.sum(axis=0) > filled.sum(axis=0)
    return (float(share), width), width, np.flatnonzero(many).tolist()


def _of_two(path, lines, data, pair, alone):
    """As `_form`, where rows such as 1,5 are two whole numbers or one with a decimal
    comma: what the row above says.
    """
    comma, head = Form(";", ","), []
    for n in data:
        if not all(map(pair.is_number, lines[n].split(","))):
            head.append(lines[n])
        elif not comma.is_number(lines[n]):
            return pair, 2, [0, 1]
    if not head:
        shown = listed([lines[data[0]].strip()])
        raise DataError(
            f"{path}: rows such as {shown} are two columns of whole numbers or one with a decimal "
            "comma; write a row of names above them"
        )
    if "," in head[-1]:
        return pair, 2, [0, 1]
    return comma, alone[1], alone[2]


def _form_note(form, width):
    notes = ()
    if width > 1 and form.delimiter != ",":
        notes += (f"the delimiter is {_WORDS.get(form.delimiter, form.delimiter)}",)
    return notes + (("the decimal sign is a comma",) if form.decimal == "," else ())


# ---- head ----


def _first_row(lines, data, form, width, numeric):
    """Which of the lines is the first row of data."""
    for k, n in enumerate(data):
        try:
            cells = form.cut(lines[n])
        except ValueError:
            continue
        if len(cells) != width or (k == 0 and _names_by_counting(lines, data, cells)):
            continue
        known = [form.is_number(cells[c]) for c in numeric]
        # one wrong cell does not make names of a row, but numbers may be names, as in
        # field, 1.0, 2.0
        if any(known) and (known[0] or not cells[numeric[0]].strip()):
            return k
    # a table of texts alone
    return 1


def _names_by_counting(lines, data, cells):
    """Whether the first row counts the columns, so that it cannot be one of data."""
    if not _counts(cells) or len(data) < 2 or any(line.strip() for line in lines[: data[0]]):
        return False
    fraction = any("." in lines[n] for n in data[1:SAMPLE])
    named = not cells[0].strip() or any(cell.strip().lower() in LABELS for cell in cells)
    return named or (fraction and len(cells) > 2)


def _counts(cells):
    """Whether the cells are 0, 1, 2 ... or nothing, 0, 1 ..., which pandas writes as
    names; the name of a column of labels may stand among them.
    """
    texts = [cell.strip() for cell in cells if cell.strip().lower() not in LABELS]
    counted = [str(k) for k in range(len(texts) + 1)]
    known = counted[:-1], ["", *counted[:-2]]
    labelled = len(texts) < len(cells) and texts == counted[1:]
    return len(texts) > 1 and (texts in known or labelled)


def _head(path, lines, head, form, found):
    """(cells of the names or None, cells of the units, lines of either, notes)."""
    width, fitting = len(found), []
    for n in reversed(head):
        cells = _head_cells(lines[n], form, found)
        if len(cells) == width and any(cell.strip() for cell in cells):
            fitting.append((n, cells))
    fitting = [
        (n, cells) for n, cells in fitting if not all(map(form.is_number, cells)) or _counts(cells)
    ]
    if not fitting:
        _check_names(path, lines, head, form, width)
        return None, (), set(), ()
    (n, cells), *above = fitting
    if above:
        cells = _without_constants(cells, found)
    number = any(map(form.is_number, cells)) and not _counts(cells)
    if number and above and not any(map(form.is_number, above[0][1])):
        wrong = next(cell for cell in cells if not form.is_number(cell))
        raise DataError(f"{path}: {listed([wrong.strip()])} in line {n + 1} is no number")
    if above and _are_units(cells):
        return above[0][1], cells, {n, above[0][0]}, (f"line {n + 1} holds the units",)
    said = (f"line {n + 1} counts the columns, so it names them",) if _counts(cells) else ()
    return cells, (), {n}, said


def _without_constants(cells, found):
    """The cells without those of columns that are empty below: scopes write there what
    holds for all rows.
    """
    empty = [
        isinstance(column, np.ndarray) and column.dtype.kind == "f" and bool(np.isnan(column).all())
        for column in found
    ]
    return ["" if nothing else cell for cell, nothing in zip(cells, empty, strict=True)]


def _head_cells(line, form, found):
    """The cells of a line of the head, which may be a comment."""
    text = line.strip("\n")
    for mark in COMMENTS:
        if text.lstrip().startswith(mark):
            text = text.lstrip()[len(mark) :].lstrip()
            break
    try:
        cells = form.cut(text)
    except ValueError:
        return []
    if len(cells) != len(found) or form.delimiter is None:
        cells = _other_cut(text, cells, form, len(found))
    # a delimiter at the end of rows, but not of names
    if len(cells) == len(found) - 1 > 0 and isinstance(found[-1], np.ndarray):
        empty = found[-1].dtype.kind == "f" and bool(np.isnan(found[-1]).all())
        cells = [*cells, ""] if empty else cells
    return cells


def _other_cut(text, cells, form, width):
    """The cells, or those by another delimiter that has as many as the rows: names are
    often written by another program, or by hand.
    """
    joined = _SPACED.sub(r"\1", text).split() if form.delimiter is None else []
    for other in (*(text.split(mark) for mark in "\t;,"), joined):
        if len(other) == width > 1:
            return other
    return cells


def _are_units(cells):
    texts = [cell.strip().strip("()[]") for cell in cells]
    return any(texts) and all(is_unit(text) for text in texts)


def _check_names(path, lines, head, form, width):
    """Refuses a last line of words, and not a comment, that does not fit the rows."""
    plain = [
        n for n in head if lines[n].strip(" \t,;|") and not lines[n].lstrip().startswith(COMMENTS)
    ]
    if not plain:
        return
    last = lines[plain[-1]]
    most = max(
        (len(one.cut(last)) for one in _FORMS if one.delimiter and '"' not in last), default=1
    )
    if most > 1 and not any(map(form.is_number, _head_cells(last, form, [""] * width))):
        raise DataError(
            f"{path}: line {plain[-1] + 1} names {most} columns, but the rows have {width} "
            "cells; is the delimiter the decimal sign too?"
        )


def _attributes(lines, head, used, form):
    """{key: text} of other lines of the head, as far as they are key and value."""
    found = {}
    for n in head:
        if n in used or len(found) >= MOST_ATTRIBUTES:
            continue
        text = lines[n].strip().lstrip("#%!/ ")
        for mark in (form.delimiter, ":", "="):
            key, between, value = text.partition(mark or ":")
            if between and key.strip() and value.strip(" \t,;"):
                found[key.strip(' \t"')] = value.strip(' \t,;"')
                break
    return found
