"""Training, validation and test part of a data set."""

import numpy as np

from spinrnn.config.run import TEST_FRACTION
from spinrnn.errors import DataError


def split(data, config, seed):
    """Indices (training, validation, test) of a stratified random split: each class gives the rounded shares that `DataConfig` asks for.

    A test part that the data bring with them is taken as it is, and the shares are those of the other cases.

    Args:
        data: `Dataset`; config: `DataConfig`; seed: of the draw, `RunConfig.resolved_split_seed`.

    Raises:
        DataError: a part is empty, because there are too few cases; or a test part is asked for though the data bring theirs.
    """
    share, own = config.test_fraction, data.test
    if own is None:
        share, own = TEST_FRACTION if share is None else share, np.zeros(len(data), bool)
    elif share is not None:
        raise DataError(
            f"data.test_fraction: these data bring their own test part, {np.sum(own)} of {len(own)} cases; leave the key out"
        )
    else:
        share = 0.0
    if config.validation_fraction + share >= 1:
        raise DataError(
            f"data.validation_fraction: {config.validation_fraction} and {share} for the test part leave nothing to train on"
        )
    rng = np.random.default_rng(seed)
    parts = ([], [], [np.flatnonzero(own)])
    for label in np.unique(data.labels):
        members = rng.permutation(np.flatnonzero((data.labels == label) & ~own))
        test = round(share * len(members))
        validation = round(config.validation_fraction * len(members))
        for part, chosen in zip(
            parts,
            np.split(members[::-1], [len(members) - test - validation, len(members) - test]),
            strict=True,
        ):
            part.append(chosen)
    parts = [np.sort(np.concatenate(part)) if part else np.empty(0, dtype=int) for part in parts]
    for name, part in zip(("training", "validation", "test"), parts, strict=True):
        if not len(part):
            if name == "test" and data.test is not None:
                raise DataError("data: their own test part is empty, test is true for no case")
            raise DataError(
                f"data: the {name} part is empty, {len(data) - own.sum()} cases are too few for these fractions"
            )
    return parts
