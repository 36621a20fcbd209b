"""What a user's array becomes: a plain one, in which nothing masked is a number.

A masked array (`numpy.ma`) keeps numbers under its mask, and `numpy.asarray` hands
these out as if they had been measured. So every array that enters the package goes
through `array_of`.
"""

import numpy as np

from spinrnn.errors import DataError

PADDED_WITH_NAN = "with NaN to one length"
PADDED_WITH_LENGTHS = "to one length and give their lengths"


def array_of(values, name: str, *, missing: bool = False, padding: str | None = None) -> np.ndarray:
    """The values as a plain array, without a copy where nothing is masked.

    Args:
        values: an array, a masked array, or lists (of lists ...) of numbers or of such
            arrays.
        name: what the user calls it, for messages.
        missing: whether NaN may stand for what is missing. Masked entries then become
            NaN, whole numbers among them float64.
        padding: how rows of different lengths are to be made one array, for the
            message.
    Raises:
        DataError: an entry is masked and nothing may be missing, or the rows differ in
            length.
    """
    try:
        if not _is_masked(values):
            return np.asarray(values)
        masked = _joined(values)
    except ValueError:
        padding = padding or (PADDED_WITH_NAN if missing else PADDED_WITH_LENGTHS)
        raise DataError(f"{name}: the cases differ in shape; pad them {padding}") from None
    array = np.asarray(masked.data)
    # a record has a mask for each of its fields; no caller computes with records
    if array.dtype.kind == "V" or not np.ma.is_masked(masked):
        return array
    if not missing:
        raise DataError(f"{name}: {_where(np.ma.getmaskarray(masked))}")
    kind = array.dtype if array.dtype.kind in "fc" else np.dtype(np.float64)
    return np.where(np.ma.getmaskarray(masked), np.nan, array).astype(kind, copy=False)


def _is_masked(values):
    """Whether there is a masked array in nested lists, or the values are one."""
    if isinstance(values, list | tuple):
        return any(_is_masked(value) for value in values)
    return isinstance(values, np.ma.MaskedArray)


def _joined(values):
    """One masked array of nested lists. NumPy itself looks one level deep for masks."""
    if isinstance(values, list | tuple) and _is_masked(values):
        return np.ma.stack([_joined(value) for value in values])
    return np.ma.asarray(values)


def _where(mask):
    count, first = np.count_nonzero(mask), np.argwhere(mask)[0].tolist()
    entries = "1 entry is masked" if count == 1 else f"{count} entries are masked"
    place = f", at index {first}" if count == 1 else f", the first at index {first}"
    return f"{entries}{place if first else ''}; give numbers there, or leave these cases out"
