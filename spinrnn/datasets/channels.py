"""Which columns of a file are the channels: all that are numbers, or by name those of
the training.
"""

from collections.abc import Sequence
from pathlib import Path

from spinrnn.config.tables import nearest
from spinrnn.errors import DataError, listed


def chosen(
    path: Path,
    own: Sequence[str],
    wanted: Sequence[str] | None,
    texts: Sequence[str] = (),
) -> tuple[list[str], tuple[str, ...]]:
    """(names of the channels, what is to be said of those that are left out).

    Args:
        own: columns of numbers that are nothing else; texts: the other columns.
        wanted: channels of a training in their order, or None for all of `own`.
    Raises:
        DataError: a wanted one is not there.
    """
    if wanted is None:
        return list(own), ()
    missing = [name for name in wanted if name not in own]
    left = [name for name in own if name not in wanted]
    if missing:
        raise DataError(f"{path}: {_sentence(missing, own, texts, left)}")
    said = (f"left out: {listed(left)}, which the training did not have",) if left else ()
    return list(wanted), said


def _sentence(missing, own, texts, left):
    """What is missing among the columns, and how one of another name is given."""
    gone = [name for name in missing if name not in texts]
    there = [name for name in missing if name in texts]
    said = []
    if gone:
        verb = "is" if len(gone) == 1 else "are"
        said.append(f"{listed(gone)} {verb} missing among the columns {listed(own)}")
    if there:
        said.append(f"{listed(there)} {'holds' if len(there) == 1 else 'hold'} no numbers")
    if not (gone and left):
        return f"{', '.join(said)}; give a column of numbers for each channel of the training"
    near = [(name, nearest(name, left)) for name in gone]
    pair = next(((name, other) for name, other in near if other), (gone[0], left[0]))
    return f"{', '.join(said)}; columns are named by --columns, as in {'='.join(pair)}"
