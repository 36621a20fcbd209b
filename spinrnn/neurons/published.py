"""Learned devices of weights that others have published: dz/dt = W2 tanh(W1 tanh(W0 [z,
u] + b0) + b1) + b2, as of Chen et al., Nat. Commun. 13, 1016 (2022).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from spinrnn.errors import DataError, StoreError, reason_of
from spinrnn.neurons.learned import Channel, LearnedDevice


def learned_of_weights(
    path: str | Path,
    output: Channel,
    drives: Sequence[Channel],
    sampling_step: float,
    unit_step: float,
    delays: int = 2,
) -> LearnedDevice:
    """The device of an NPZ file with the arrays weight0, bias0, weight1, bias1, ...

    Args:
        output, drives: what was recorded: name, unit, offset, scale and range, as
            `LearnedDevice` has them.
        sampling_step: D in s; unit_step: the same in the weights' unit of time.
        delays: k.
    Raises:
        StoreError: the file cannot be read; DataError: arrays are missing, or do not
        fit.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: np.asarray(file[name], dtype=np.float64) for name in file.files}
    except (OSError, ValueError, TypeError, EOFError) as error:
        raise StoreError(f"cannot read {path}: {reason_of(error)}") from None
    layers = sum(name.startswith("weight") for name in arrays)
    names = [(f"weight{i}", f"bias{i}") for i in range(layers)]
    missing = [name for pair in names for name in pair if name not in arrays]
    if missing or not layers:
        wanted = ", ".join(missing) or "weight0, bias0"
        raise DataError(f"{path}: has no {wanted}; there are {', '.join(arrays) or 'no arrays'}")
    try:
        return LearnedDevice(
            weights=tuple((arrays[weight], arrays[bias]) for weight, bias in names),
            output=output,
            drives=tuple(drives),
            sampling_step=sampling_step,
            unit_step=unit_step,
            delays=delays,
            provenance={"files": [Path(path).name]},
        )
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
