"""Compiled: the triangular factor of a tall matrix, brought up to date by further rows,
also where each case has columns of its own.

Householder's reflections in the order of the columns, in one thread: a library's would
give other bits for other numbers of threads, and wait for them at every stretch.
"""

import numpy as np

from spinrnn.kernels.compiling import kernel, piece


@piece
def _dot(a, b, first):
    """Sum of a b from an index on, in four sums that do not wait for each other."""
    x, y, z, w = 0.0, 0.0, 0.0, 0.0
    whole = first + (a.size - first) // 4 * 4
    for i in range(first, whole, 4):
        x += a[i] * b[i]
        y += a[i + 1] * b[i + 1]
        z += a[i + 2] * b[i + 2]
        w += a[i + 3] * b[i + 3]
    for i in range(whole, a.size):
        x += a[i] * b[i]
    return (x + y) + (z + w)


def _reduce(columns):
    """Turns columns (k, rows), rows >= k, so that column j has zeros after number j."""
    for j in range(columns.shape[0]):
        own = columns[j]
        length = np.sqrt(_dot(own, own, j))
        # away from the entry's own sign, so that nothing cancels
        goal = -length if own[j] > 0.0 else length
        factor = length * (length + abs(own[j]))
        own[j] -= goal
        for c in range(j + 1, columns.shape[0]):
            other = columns[c]
            share = _dot(own, other, j) / factor if factor > 0.0 else 0.0
            for i in range(j, own.size):
                other[i] -= share * own[i]
        own[j] = goal


reduce_columns = kernel(_reduce)


def triangle(rows: np.ndarray, before: np.ndarray | None = None) -> np.ndarray:
    """(k, k) R of [before, rows] = Q R.

    rows: (n, k); before: (k, k) that of rows before, None for none. NaN where a number
    is not finite.
    """
    count = rows.shape[1]
    if not np.isfinite(rows).all() or (before is not None and not np.isfinite(before).all()):
        return np.full((count, count), np.nan)
    columns = np.zeros((count, count + len(rows)))
    if before is not None:
        columns[:, :count] = before.T
    columns[:, count:] = rows.T
    reduce_columns(columns)
    return np.triu(columns[:, :count].T)


class Arrow:
    """A factor of derivatives of many cases: by columns that are a case's own, its
    first states, and by those that all have in common.

    A case's own columns are eliminated first, so that no row knows those of another
    case, and the work for a sample does not grow with the number of cases.
    """

    def __init__(self, cases: int, own: int, common: int) -> None:
        """own: columns of each case; common: of all."""
        self._cases, self._own, self._common = cases, own, common
        self._parts: dict[int, np.ndarray] = {}

    def add(self, case: np.ndarray, own: np.ndarray, common: np.ndarray) -> None:
        """Further rows: case (n,) their cases, in order; own (n, own), common (n,
        common)."""
        rows = np.hstack([own, common])
        cases, counts = np.unique(case, return_counts=True)
        ends = np.cumsum(counts)
        for number, first, last in zip(cases, ends - counts, ends, strict=True):
            self._parts[number] = triangle(rows[first:last], self._parts.get(number))

    def whole(self) -> np.ndarray:
        """(cases own + common, the same) a matrix whose columns, those of the cases
        first, have the lengths and angles of all rows given."""
        width, head = self._own, self._cases * self._own
        found = np.zeros((head + self._common, head + self._common))
        common = np.zeros((self._common, self._common))
        for number, part in self._parts.items():
            rows = slice(number * width, (number + 1) * width)
            found[rows, rows], found[rows, head:] = part[:width, :width], part[:width, width:]
            common = triangle(part[width:, width:], common)
        found[head:, head:] = common
        return found
