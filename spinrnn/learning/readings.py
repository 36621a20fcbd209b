"""What a device in the loop gives back for a batch, and whether it can be used."""

from typing import Any, NamedTuple

import numpy as np

from spinrnn.arrays import array_of
from spinrnn.errors import DataError


class Reading(NamedTuple):
    """What a device gives for the cases of a call; one of the two, or both.

    Attributes:
        outputs: (case, K), of a network that is read at points (case, K, time), in the
            targets' units, as of `Network.forward`.
        features: (case, n), or (case, n, time): the numbers that the output weights
            act on, of a digital readout, as the neurons give them: y of eq. (4) without
            its squares; of a network without time what its last hidden layer gives.
    """

    outputs: Any = None
    features: Any = None


class WrongReading(DataError):
    """A reading of another type or shape."""


class NotFinite(WrongReading):
    """A reading with a number that is NaN or infinite, which may pass by itself."""


def shapes_of(config: Any, points: int) -> dict[str, tuple[int, ...]]:
    """{name: shape of one case's} of a `Reading` for inputs of so many points."""
    timed = "time" in config.abilities
    over = (points,) if timed and config.readout == "points" else ()
    read = config.read if timed else config.sizes[-2]
    return {"outputs": (config.outputs, *over), "features": (read, *over)}


def checked_reading(
    given: Any, config: Any, points: int, lengths: np.ndarray
) -> dict[str, np.ndarray]:
    """{name: (case, ...) float64} of what a device gave; behind a case's end 0.

    given: a `Reading`, or outputs alone.

    Raises:
        WrongReading: it is of another type or shape; NotFinite: a number before the
        end of its case is not finite.
    """
    reading = given if isinstance(given, Reading) else Reading(given)
    wanted, cases = shapes_of(config, points), len(lengths)
    parts = {name: part for name, part in reading._asdict().items() if part is not None}
    if not parts:
        raise WrongReading(f"gave None; it must give the outputs, {(cases, *wanted['outputs'])}")
    found = {}
    for name, part in parts.items():
        array = _numbers(part, name, (cases, *wanted[name]))
        if array.ndim == 3:
            after = np.arange(points) >= lengths[:, None, None]
            array = np.where(after, 0.0, array)
        _require_finite(array, name)
        found[name] = np.ascontiguousarray(array)
    return found


def _numbers(part, name, shape):
    try:
        array = array_of(part, name, missing=True)
    except DataError:
        array = np.empty(0, dtype=object)
    if array.dtype.kind not in "fiub":
        what = type(part).__name__ if array.dtype.kind == "O" else f"{array.dtype}"
        raise WrongReading(f"gave {name} that are no array of numbers but {what}")
    if array.shape != shape:
        raise WrongReading(f"gave {name} of the shape {array.shape}; it must be {shape}")
    # a copy, as a driver may use its array again
    return np.array(array, dtype=np.float64)


def _require_finite(array, name):
    wrong = np.argwhere(~np.isfinite(array))
    if len(wrong):
        case, place = wrong[0][0], ", ".join(map(str, wrong[0][1:]))
        value = array[tuple(wrong[0])]
        raise NotFinite(
            f"gave {name} that are not finite: {value} at case {case}, {name[:-1]} {place}; "
            f"{len(wrong)} of {array.size} numbers"
        )
