"""Findings for machines, as JSON files have them.

{key: {"value": ..., "unit": ..., "meaning": ...}}. Keys are short, in snake_case, and
stay the same from version to version; docs/FILES.md says which files hold findings.
"""

import math
import re
from typing import Any

import numpy as np

_KEY = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def finding(value: Any, unit: str, meaning: str) -> dict[str, Any]:
    """One finding as JSON has it.

    Args:
        value: number, truth value, text, None, or arrays, lists and dictionaries of
            them; what is not finite becomes None, which JSON writes as null.
        unit: as in "1/s"; "1" for a number without one, "" for a text.
        meaning: one short sentence for people.
    Returns:
        {"value", "unit", "meaning"}.
    """
    return {"value": plain(value), "unit": unit, "meaning": meaning}


def findings(entries: dict[str, tuple[Any, str, str]]) -> dict[str, dict[str, Any]]:
    """{key: `finding`} of {key: (value, unit, meaning)}.

    Raises:
        ValueError: a key is not in snake_case.
    """
    wrong = [key for key in entries if not _KEY.fullmatch(key)]
    if wrong:
        raise ValueError(f"keys of findings must be snake_case, got {', '.join(map(repr, wrong))}")
    return {key: finding(*entry) for key, entry in entries.items()}


def plain(value: Any) -> Any:
    """Value in Python's own types, with None for NaN and infinity, which JSON lacks."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
