"""The training and the test part of a data set in two files, known by their names:
`Name_TRAIN.ts` and `Name_TEST.ts`, as the archives write them.
"""

from pathlib import Path

TRAIN, TEST = "_TRAIN", "_TEST"
_ENDINGS = (".ts", ".tsv", ".txt", ".csv")
"""In the order in which they are looked for."""


def pair_of(path: Path) -> tuple[Path, Path | None] | None:
    """(file of the training part, file of the test part or None) that a path means.

    The path is the file of the training part; or both names without `_TRAIN` and the
    ending; or a folder that holds one such pair. None if it is nothing of that.
    """
    if path.is_dir():
        found = [train for ending in _ENDINGS for train in sorted(path.glob(f"*{TRAIN}{ending}"))]
        names = {train.name.partition(TRAIN)[0] for train in found}
        return _with_test(found[0]) if len(names) == 1 else None
    if path.is_file():
        return _with_test(path) if path.stem.endswith(TRAIN) else None
    for ending in _ENDINGS:
        train = path.with_name(f"{path.name}{TRAIN}{ending}")
        if train.is_file():
            return _with_test(train)
    return None


def _with_test(train):
    test = train.with_name(train.name.replace(TRAIN, TEST))
    return train, test if test.is_file() else None
