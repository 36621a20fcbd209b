"""LabVIEW's measurement files (.lvm): text with a head that says how it is written.

Lines of key and value end with `***End_of_Header***`, which each segment has again for
its channels. Then come a row of names, `X_Value` first and perhaps `Comment` last, and
the samples.
"""

from pathlib import Path

import numpy as np

from spinrnn.errors import DataError, listed
from spinrnn.readers.cells import Form, columns, missing_note, names_and_units
from spinrnn.readers.table import Table
from spinrnn.readers.text import head_of, lines_of, number

ENDINGS = (".lvm",)
SIGNATURE = "LabVIEW Measurement"
_END = "***End_of_Header***"
_SEPARATORS = {"tab": "\t", "comma": ",", "\\t": "\t", ",": ",", ";": ";"}
LARGEST_RATIO = 64
"""Of the values of padded segments to the bytes of the file, where it is large."""


def claims(content: bytes) -> bool:
    """Whether the bytes begin as such a file."""
    return head_of(content).lstrip().startswith(SIGNATURE)


def read(path: str | Path, content: bytes) -> Table:
    """`Table` of the bytes of a file: an array (row,) for each column, or (segment,
    row) where there are several segments, NaN after the end of a shorter one.

    A file without times gets `X_Value` from the first value and the step of its head.

    Raises:
        DataError: damaged, truncated, or segments with other channels than the first.
    """
    lines, notes = lines_of(path, content)
    head, start = _pairs(path, lines, 0, "\t,;")
    form = Form(
        _SEPARATORS.get(head.get("separator", ["tab"])[0].lower(), "\t"),
        "," if head.get("decimal_separator", ["."])[0] == "," else ".",
    )
    found = []
    while start < len(lines):
        segment, start = _segment(path, lines, start, form, head)
        if segment is not None:
            found.append(segment)
    if not found:
        raise DataError(f"{path}: holds no samples behind its head; it is truncated")
    names, units, said, _ = found[0]
    if any(segment[0] != names for segment in found):
        other = next(segment[0] for segment in found if segment[0] != names)
        raise DataError(
            f"{path}: its segments have other columns, {listed(names)} and "
            f"{listed(other)}; save them as files"
        )
    arrays = found[0][3] if len(found) == 1 else _joined(path, found, len(content))
    notes += said + missing_note(list(arrays), list(arrays.values()))
    if len(found) > 1:
        notes += (f"its {len(found)} segments are the first axis",)
    attributes = {key: " ".join(values) for key, values in head.items()}
    return Table(Path(path), arrays, attributes, units, notes=notes)


def _pairs(path, lines, start, separators):
    """({key in small letters: values}, number of the line after the head's end)."""
    head = {}
    for n in range(start, len(lines)):
        text = lines[n].strip()
        if text.startswith(_END):
            return head, n + 1
        for separator in separators:
            key, between, rest = text.partition(separator)
            if between:
                values = [cell.strip() for cell in rest.split(separator)]
                # `Separator<TAB>,` and the like must keep their value
                head[key.strip().lower()] = [cell for cell in values if cell]
                head[key.strip().lower()] = head[key.strip().lower()] or [""]
                break
    raise DataError(f"{path}: its head has no end; the file is truncated")


def _segment(path, lines, start, form, whole):
    """((names, {name: unit}, notes, {name: (row,) values}) or None, the next line)."""
    while start < len(lines) and not lines[start].strip():
        start += 1
    if start == len(lines):
        return None, start
    head = {}
    if lines[start].split(form.delimiter)[0].strip() != "X_Value":
        head, start = _pairs(path, lines, start, form.delimiter)
    while start < len(lines) and not lines[start].strip():
        start += 1
    rows, end = [], start + 1
    while end < len(lines) and lines[end].strip(" \r"):
        rows.append(end)
        end += 1
    if not rows:
        raise DataError(f"{path}: has a head without samples, it is truncated")
    return _columns(path, lines, start, rows, form, {**whole, **head}), end


def _columns(path, lines, start, rows, form, head):
    """(names, {name: unit}, notes, {name: values}) of the rows below a row of names."""
    cells = [cell.strip() for cell in lines[start].split(form.delimiter)]
    # an empty cell at the end of a line is a comment that was not written
    while len(cells) > 1 and cells[-1] in ("", "Comment"):
        cells.pop()
    names, units, said = names_and_units(cells)
    width, plain = len(names), {}
    for n in rows:
        row = lines[n].split(form.delimiter)
        plain[n] = form.delimiter.join(row[:width] if len(row) <= width + 1 else row)
    read = columns(path, plain, rows, width, form)
    arrays = {
        name: column
        for name, column in zip(names, read, strict=True)
        if isinstance(column, np.ndarray)
    }
    channels = [k for k, cell in enumerate(cells) if cell != "X_Value"]
    named = {names[k]: unit for k, unit in units.items()}
    for k, unit in zip(channels, head.get("y_unit_label", []), strict=False):
        named[names[k]] = unit
    if head.get("x_dimension", [""])[0].lower() == "time" and "X_Value" in arrays:
        named["X_Value"] = "s"
    return names, named, said + _made_times(arrays, head), arrays


def _made_times(arrays, head):
    """Fills times that the file leaves out; the sentence that says so, or ()."""
    times = arrays.get("X_Value")
    if times is None or times.dtype.kind != "f" or not np.isnan(times).all():
        return ()
    try:
        first, step = (number(head[key][0].replace(",", ".")) for key in ("x0", "delta_x"))
    except (KeyError, ValueError):
        return ("X_Value is empty, and the head does not say X0 and Delta_X",)
    times[:] = first + step * np.arange(len(times))
    return (f"X_Value follows from X0 = {first:g} and Delta_X = {step:g}",)


def _joined(path, found, size):
    """{name: (segment, row)} of all segments."""
    longest = max(len(array) for *_, arrays in found for array in arrays.values())
    if longest * len(found) > max(LARGEST_RATIO * size, 2**20):
        raise DataError(f"{path}: one of its {len(found)} segments is far longer than the others")
    joined = {}
    for name in found[0][3]:
        pieces = [arrays.get(name) for *_, arrays in found]
        if any(piece is None or piece.dtype.kind != "f" for piece in pieces):
            continue
        joined[name] = np.full((len(found), longest), np.nan)
        for row, piece in zip(joined[name], pieces, strict=True):
            row[: len(piece)] = piece
    return joined
