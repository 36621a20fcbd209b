"""Sounds brought to the sampling rate of a training."""

import dataclasses
from fractions import Fraction
from typing import Any

import numpy as np

from spinrnn.errors import DataError
from spinrnn.readers.table import Table


def is_sound(table: Table) -> bool:
    """Whether a table is that of a WAV file."""
    return "samples" in table.arrays and "rate" in table.attributes


def rate_of(rate: Any) -> float | None:
    """A table's rate as a data set has it."""
    return float(rate) if isinstance(rate, int | float | np.number) and rate > 0 else None


def resampled(table: Table, rate: float | None) -> tuple[Table, tuple[str, ...]]:
    """(the table of a WAV file at a lower rate, what is to be said); others as they
    are.

    A polyphase filter takes out what lies above half the new rate (scipy's
    `resample_poly`).

    Args:
        rate: Hz that is wanted, or None.
    Raises:
        DataError: the rate of the file is lower.
    """
    if rate is None or not is_sound(table) or table.attributes["rate"] == rate:
        return table, ()
    own = table.attributes["rate"]
    if own < rate:
        raise DataError(
            f"{table.path}: has {own:g} Hz, the sounds of the training have {rate:g} Hz; what lies "
            f"above {own / 2:g} Hz is not in it; record it at {rate:g} Hz or more"
        )
    from scipy.signal import resample_poly

    ratio = Fraction(rate).limit_denominator(1000) / Fraction(own).limit_denominator(1000)
    samples = resample_poly(
        np.asarray(table.arrays["samples"], dtype=np.float64),
        ratio.numerator,
        ratio.denominator,
        axis=-1,
    )
    arrays = {**table.arrays, "samples": samples, "time": np.arange(samples.shape[-1]) / rate}
    made = dataclasses.replace(table, arrays=arrays, attributes={**table.attributes, "rate": rate})
    return made, (f"{own:g} Hz resampled to {rate:g} Hz, as in the training",)
