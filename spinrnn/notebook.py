"""What a notebook shows of an object: a small table in HTML, sizes and ranges in place
of arrays. Whatever a text holds is escaped.
"""

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

LARGEST = 10_000_000
"""Numbers of an array whose range is looked at: more would take a second."""
MOST_ROWS = 30
"""Of a table."""
LONGEST = 200
"""Characters of a cell."""
_PREFIXED = ("s", "Hz", "A", "V", "W")
_PREFIXES = ("f", "p", "n", "\N{MICRO SIGN}", "m", "", "k", "M", "G", "T")


def card(title: str, rows: Iterable[tuple[str, Any]]) -> str:
    """A table of two columns; rows: (name, value), those of None are left out."""
    kept = [(name, _cell(value)) for name, value in rows if value is not None]
    more = len(kept) - MOST_ROWS
    if more > 0:
        kept = [*kept[:MOST_ROWS], ("...", f"{more} more")]
    lines = [
        f"<tr><th style='text-align:left'>{_text(name)}</th>"
        f"<td style='text-align:left'>{_text(value)}</td></tr>"
        for name, value in kept
    ]
    head = f"<caption style='text-align:left'><b>{_text(title)}</b></caption>"
    return f"<table class='spinrnn'>{head}<tbody>{''.join(lines)}</tbody></table>"


def _cell(value):
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_cell(own)}" for key, own in value.items())
    if isinstance(value, np.ndarray):
        return described(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_cell, value))
    return str(value)


def _text(value):
    """Escaped, on one line and not long."""
    text = " ".join(str(value).split())
    return html.escape(text if len(text) <= LONGEST else f"{text[:LONGEST]}...")


def amount(value: Any, unit: str = "1") -> str | None:
    """A number with its unit and a prefix, as "10 ns"; None stays None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if unit in ("", "1"):
        return f"{value:.6g}"
    if unit not in _PREFIXED or not np.isfinite(value) or value == 0:
        return f"{value:.6g} {unit}"
    power = int(np.clip(3 * np.floor(np.log10(abs(value)) / 3 + 1e-9), -15, 12))
    return f"{value / 10.0**power:.6g} {_PREFIXES[power // 3 + 5]}{unit}"


def plural(count: int, word: str) -> str:
    """As "3 cases"."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def missing(count: int) -> str:
    """As "3 values are missing"."""
    return f"{plural(count, 'value')} {'is' if count == 1 else 'are'} missing"


def span(values: Any, unit: str = "1") -> str:
    """The range of an array's numbers, as "0 to 0.8 W"; what is not a number is
    counted.
    """
    values = np.asarray(values)
    if values.dtype.kind not in "fiub" or not values.size:
        return ""
    if values.size > LARGEST:
        return "range not looked at"
    missing = int(np.isnan(values).sum()) if values.dtype.kind == "f" else 0
    if missing == values.size:
        return "all NaN"
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    text = f"{low:.4g} to {high:.4g}" + ("" if unit in ("", "1") else f" {unit}")
    return text + (f", {missing} NaN" if missing else "")


def described(values: Any, unit: str = "1") -> str:
    """Shape, kind and range of an array."""
    values = np.asarray(values)
    parts = [str(values.shape), str(values.dtype), span(values, unit)]
    return ", ".join(part for part in parts if part)
