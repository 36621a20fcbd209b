"""Labels of any kind become the numbers of classes: texts, truth values, whole numbers
from 0 or not, as integers or floats, one column for each class.
"""

import numpy as np

from spinrnn.errors import DataError, listed


def numbered(
    labels: np.ndarray, order: tuple[str, ...] | None = None, dense: bool = True
) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """(numbers (case,), names of the classes) of labels.

    Texts are numbered by `order`, else sorted, those of numbers by their numbers. Truth
    values are the classes False and True. Of an array (case, class) that holds a single
    1 in each row the column is the class.

    Args:
        labels: (case,), (case, 1), or (case, class) of zeros and ones.
        order: names of all classes, where the data have an order of their own.
        dense: whether whole numbers among which there is no 0 are numbered as well;
            otherwise such numbers stay as they are, unless one is negative.
    Returns:
        No names where the numbers are the user's own.
    Raises:
        DataError: no labels of classes; with the first case that is none.
    """
    labels = _of_one_axis(labels)
    kind = labels.dtype.kind
    if kind in "SU":
        return _of_texts(labels, order)
    if kind == "b":
        return labels.astype(np.int64), ("False", "True")
    if kind == "f":
        labels = _whole(labels)
    elif kind not in "iu":
        raise DataError(f"labels: must be whole numbers, texts or truth values, got {labels.dtype}")
    least = labels.min(initial=0) if labels.size else 0
    if least < 0 or (dense and labels.size and not (labels == 0).any()):
        found, numbers = np.unique(labels, return_inverse=True)
        return numbers.astype(np.int64), tuple(map(str, found.tolist()))
    return labels, None


def _of_one_axis(labels):
    """(case,) of the labels; a row with a single 1 becomes its number."""
    if labels.ndim == 1:
        return labels
    if labels.ndim == 2 and labels.shape[1] == 1:
        return labels[:, 0]
    if labels.ndim == 2 and labels.shape[1] and labels.dtype.kind in "fiub":
        wrong = ~(np.isin(labels, (0, 1)).all(axis=1) & (labels.sum(axis=1) == 1))
        if not wrong.any():
            return labels.argmax(axis=1)
        raise DataError(
            f"labels: of the shape {labels.shape}, so each row must hold a single 1, in the column "
            f"of its class; that of case {int(wrong.argmax())} does not"
        )
    raise DataError(f"labels: must have one axis (case,), got the shape {labels.shape}")


def _of_texts(labels, order):
    texts = np.char.decode(labels, "utf-8", "replace") if labels.dtype.kind == "S" else labels
    texts = np.char.strip(texts)
    empty = np.flatnonzero(texts == "")
    if empty.size:
        raise DataError(f"labels: case {empty[0]} has none")
    found, numbers = np.unique(texts, return_inverse=True)
    if order is None:
        order = in_order(found.tolist())
    place = {name: k for k, name in enumerate(order)}
    foreign = [name for name in found.tolist() if name not in place]
    if foreign:
        raise DataError(f"labels: {listed(foreign)} is none of the classes {listed(order)}")
    return np.array([place[name] for name in found.tolist()], dtype=np.int64)[numbers], tuple(order)


def in_order(names: list[str]) -> tuple[str, ...]:
    """Names of classes sorted, by their numbers where all are numbers."""
    try:
        return tuple(sorted(names, key=lambda name: (float(name), name)))
    except ValueError:
        return tuple(sorted(names))


def _whole(labels):
    """Whole numbers of floats that are whole."""
    missing = np.flatnonzero(np.isnan(labels))
    if missing.size:
        raise DataError(f"labels: case {missing[0]} has none (NaN)")
    wrong = np.flatnonzero((labels != np.round(labels)) | (np.abs(labels) > 2**53))
    if wrong.size:
        raise DataError(
            f"labels: {labels[wrong[0]]:g} of case {wrong[0]} is no class; classes are whole "
            "numbers, texts or truth values"
        )
    return labels.astype(np.int64)
