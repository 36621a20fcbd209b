"""Ranges of channels and steps in time: those of new data beside the training's, as
numbers in another unit are other inputs, and nothing else would show it.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from spinrnn.datasets.dataset import Dataset
from spinrnn.readers.units import SHARE, in_words, shown_in_si, unit_of, with_other_zero

FAR = 100.0
"""By which factor numbers are told to be off; units differ by 1000."""
FAR_OF_SHARES = 30.0
"""The same of shares, as a percent differs by 100."""
FEW = 10
"""With fewer values of a channel all may be near 0 by chance."""
APART = 0.05
"""Of a step in time, by which another one may differ."""
MOST = 3
"""Channels that one sentence names."""
_BLOCK = 4096
"""Cases that are looked at at once."""


class Range(NamedTuple):
    """Numbers of a channel: the least, the greatest, the root of the mean square."""

    least: float
    greatest: float
    size: float

    @property
    def largest(self) -> float:
        """The largest absolute number."""
        return max(abs(self.least), abs(self.greatest))


def ranges_of(data: Dataset) -> tuple[tuple[Range, int], ...]:
    """(channel,) of (its range, how many finite values it has), within the cases'
    lengths; of inputs (case, channel, time).
    """
    inputs = np.asarray(data.inputs)
    cases, channels, points = inputs.shape
    least, greatest = np.full(channels, np.inf), np.full(channels, -np.inf)
    squares, counts = np.zeros(channels), np.zeros(channels, dtype=int)
    for start in range(0, cases, _BLOCK):
        part = inputs[start : start + _BLOCK].astype(np.float64)
        known = np.isfinite(part)
        if data.lengths is not None:
            ends = np.asarray(data.lengths)[start : start + _BLOCK]
            known &= (np.arange(points) < ends[:, None])[:, None]
        least = np.minimum(least, part.min(axis=(0, 2), where=known, initial=np.inf))
        greatest = np.maximum(greatest, part.max(axis=(0, 2), where=known, initial=-np.inf))
        with np.errstate(over="ignore"):
            squares += np.square(part).sum(axis=(0, 2), where=known)
        counts += known.sum(axis=(0, 2))
    sizes = np.sqrt(squares / np.maximum(counts, 1))
    numbers = np.array([least, greatest, sizes]).T
    # of what has no number, or numbers whose squares leave the range, nothing is known
    numbers[~np.isfinite(numbers).all(axis=1)] = 0
    rows = zip(numbers.tolist(), counts.tolist(), strict=True)
    return tuple((Range(*row), count) for row, count in rows)


def is_far(own: Range, count: int, known: Range, factor: float = FAR) -> bool:
    """Whether numbers, so many, are off those of a training by more than a factor."""
    if not count or known.size <= 0:
        return False
    above = own.largest > factor * known.largest
    return above or (count >= FEW and 0 < own.largest < known.size / factor)


# ---- sentences ----


def far_channels(
    data: Dataset, known: Sequence[Range], units: Sequence[str], limits: Sequence[str]
) -> dict[int, str]:
    """{channel: a sentence} of those whose numbers are far from the training's, or seem
    to be in a unit with another zero, unless both sides say their units.

    Args:
        known: ranges of the training; units: symbols of the training, "" for none;
            limits: those of the data.
    """
    found = {}
    for k, (own, count) in enumerate(ranges_of(data)):
        factor = FAR_OF_SHARES if SHARE in (units[k], limits[k]) else FAR
        far = is_far(own, count, known[k], factor)
        shifted = count and not limits[k] and _with_other_zero(own, known[k], units[k])
        if (units[k] and limits[k]) or not (far or shifted):
            continue
        name = data.channels[k] if data.channels else None
        said = f"{name or f'channel {k}'} is from {_span(own, limits[k])}, in the training from "
        said += _span(known[k], units[k])
        found[k] = f"{said}; {_advice(name, own, known[k], units[k], limits[k])}"
    return found


def far_value(
    values: Sequence[float], known: Sequence[Range], names: Sequence[str] | None
) -> str | None:
    """A sentence on the first number of a point (channel,) that is far above those of
    the training, else None; names: of the channels.
    """
    for k, (value, own) in enumerate(zip(values, known, strict=True)):
        if is_far(Range(value, value, abs(value)), 1, own):
            about = f"{names[k] if names else f'channel {k}'} is {value:.3g}, in the training from"
            return f"{about} {_span(own, '')}; lines are taken in the unit of the training"
    return None


def _span(one, unit):
    return f"{one.least:.3g} to {one.greatest:.3g}{f' {in_words(unit)}' if unit else ''}"


def _advice(name, own, known, unit, limit):
    """What to do; unit: of the training, limit: of the data."""
    if limit:
        said = "the training did not say its unit, so give the numbers as it had them"
        other = f"; --units {name}={shown_in_si(limit)} takes those of a file as they stand"
        return said + (other if name else "")
    if not unit:
        return "neither says its unit, so give the numbers in that of the training"
    likely = _likely(own, known, unit)
    if name is None or likely is None:
        return f"it does not say its unit, so give the numbers in {in_words(unit)}"
    return f"it does not say its unit, so say it, as in --units {name}={likely}"


def _likely(own, known, symbol):
    """The unit with a prefix in which the numbers would be of the training's size."""
    unit = unit_of(symbol)
    if unit is None or unit.decibels or unit.offset:
        return None
    shifted = _with_other_zero(own, known, symbol)
    if shifted is not None:
        return shifted
    if unit.si == SHARE:
        return "%" if own.size > known.size else None
    power = round(math.log10(known.size * unit.factor / own.size) / 3)
    prefixes = {-5: "f", -4: "p", -3: "n", -2: "u", -1: "m", 0: "", 1: "k", 2: "M", 3: "G", 4: "T"}
    found = unit_of(prefixes.get(power, "?") + unit.si)
    return found.symbol if found is not None and found.si == unit.si else None


def _with_other_zero(own, known, symbol):
    """The unit of another zero, as degC for K, in which the numbers would be those of
    the training, or within half their extent of them; None where they are so as they
    stand.
    """
    if own.least <= known.greatest and own.greatest >= known.least:
        return None
    margin = (known.greatest - known.least) / 2
    for unit in with_other_zero(symbol):
        least, greatest = unit.to_si(np.array([own.least, own.greatest]))
        if known.least - margin <= least and greatest <= known.greatest + margin:
            return unit.symbol
    return None


# ---- steps in time ----


def step_problem(own: tuple[float, str], known: tuple[float, str]) -> str | None:
    """A sentence on a step in time that is not the training's, else None; both are
    (number, unit as the file writes it), "" where it says none.
    """
    if any(_alike(one, other) for one, other in _readings(own, known)):
        return None
    return (
        f"the step in time is {_step(own)}, in the training {_step(known)}, and a point is taken "
        "for a point; resample the data, or where the unit is another one say it, as in "
        "--units time=ns"
    )


def _readings(own, known):
    """Pairs of numbers in the same unit, as far as these are said."""
    units = unit_of(own[1]), unit_of(known[1])
    in_si = [
        float(unit.to_si(np.float64(number))) if unit else None
        for unit, number in zip(units, (own[0], known[0]), strict=True)
    ]
    said = [bool(unit and unit.symbol) for unit in units]
    pairs = [] if all(said) else [(own[0], known[0])]
    return [*pairs, *([in_si] if None not in in_si else [])]


def _alike(one, other):
    return abs(one - other) <= APART * abs(other)


def _step(step):
    return f"{step[0]:.6g}{f' {step[1]}' if step[1] else ' (no unit)'}"
