"""Products of matrices by NumPy's BLAS, cut into blocks that depend on the sizes alone.

Each block is one call of BLAS on one thread, and no sum goes over two blocks. So the
bits do not depend on the number of threads that work on them.
"""

import numpy as np

from spinrnn.machine.threads import each

OPERATIONS = 2e7
"""Multiplications of a block, about half a millisecond, next to which it costs nothing
to hand it to a thread."""
MULTIPLE = 64
"""Of the columns of a block: whole lines of memory, and whole tiles of BLAS."""


def blocks(columns: int, operations: float) -> list[slice]:
    """Parts of so many columns, whose product takes so many multiplications."""
    count = max(1, int(operations / OPERATIONS))
    width = -(-columns // count)
    width = -(-width // MULTIPLE) * MULTIPLE
    return [slice(start, start + width) for start in range(0, columns, width)]


def product(a: np.ndarray, b: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """a (m, k) times b (k, n), as (m, n); within `machine.blas.one_thread`.

    Args:
        out: (m, n) that takes the product, row by row in memory.
    """
    made = np.empty((a.shape[0], b.shape[1]), dtype=a.dtype) if out is None else out
    operations = float(a.shape[0]) * a.shape[1] * b.shape[1]
    # the longer side is cut, so that blocks are not thin
    if a.shape[0] > b.shape[1]:
        parts = blocks(a.shape[0], operations)
        each(parts, lambda rows: np.matmul(a[rows], b, out=made[rows]))
    else:
        parts = blocks(b.shape[1], operations)
        each(parts, lambda own: np.matmul(a, b[:, own], out=made[:, own]))
    return made
