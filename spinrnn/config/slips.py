"""Slips of units: a value far from what is usual of its quantity, and the units in
which the number would be usual.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from spinrnn.config.quantity import quantities
from spinrnn.errors import ConfigError

_MU_0 = 1.25663706212e-6
UNITS: dict[str, tuple[tuple[str, float], ...]] = {
    "s": (("ns", 1e-9), ("ps", 1e-12), ("us", 1e-6), ("ms", 1e-3)),
    "Hz": (("GHz", 1e9), ("MHz", 1e6), ("kHz", 1e3)),
    "m": (("nm", 1e-9), ("um", 1e-6), ("Angstrom", 1e-10)),
    "m2": (("nm2", 1e-18), ("um2", 1e-12), ("cm2", 1e-4)),
    "A": (("mA", 1e-3), ("uA", 1e-6), ("nA", 1e-9)),
    "T": (("A/m", _MU_0), ("kA/m", 1e3 * _MU_0), ("Oe", 1e-4), ("mT", 1e-3)),
    "A/m": (("MA/m", 1e6), ("kA/m or emu/cm3", 1e3), ("T of mu_0 Ms", 1 / _MU_0), ("mA/m", 1e-3)),
    "J/m3": (("MJ/m3", 1e6), ("kJ/m3", 1e3), ("erg/cm3", 0.1)),
    "rad/(s T)": (
        ("m/(A s)", 1 / _MU_0),
        ("GHz/T", 2e9 * math.pi),
        ("Hz/T", 2 * math.pi),
        ("rad/(s Oe)", 1e4),
    ),
}
"""{unit of a quantity: ((unit that is often meant, its size), ...)}, the likely ones
first."""

NEAR = 1e3
"""By which a time may be off the neuron's in the unit that it may be in."""
USUAL_TIME = "as in 10e-9"
LEAST = 0.1
"""Smallest number of a time that is given in another unit than s."""


def unusual(kind: Any, further: Mapping[str, Sequence[tuple[str, float]]] = {}) -> list[str]:
    """A sentence "key: ..." for each quantity that is far from what is usual.

    further: {unit of a quantity: ((what else may be meant, its size), ...)}.
    """
    found = []
    for name, declared in quantities(kind).items():
        value, usual = getattr(kind, name), declared.usual
        if usual is None or value == 0 or _within(usual, value):
            continue
        known = (*UNITS.get(declared.unit, ()), *further.get(declared.unit, ()))
        meant = [(what, value * size) for what, size in known if _within(usual, value * size)]
        found.append(f"{name}: {_sentence(declared, value, meant)}")
    return found


def as_usual(kind: Any) -> Any:
    """A kind with the defaults of the quantities that are far from what is usual; as it
    is where it does not take them.
    """
    found = {
        name: declared.default
        for name, declared in quantities(kind).items()
        if declared.usual is not None and not _within(declared.usual, getattr(kind, name))
    }
    try:
        return dataclasses.replace(kind, **found)
    except ConfigError:
        return kind


def _sentence(declared, value, meant):
    low, high = declared.usual
    unit = "" if declared.unit == "1" else f" {declared.unit}"
    span = f"{low:g} to {high:g}{unit}" if low > 0 else f"up to {high:g}{unit}"
    head = f"{value:g}{unit} is far from what is usual, {span}"
    ways = [f"{number:.4g} if it is {what}" for what, number in meant]
    return f"{head}; write {', '.join(ways)}" if ways else head


def _within(usual, value):
    return usual[0] <= abs(value) <= usual[1]


def time_in(value: float, usual: float) -> str:
    """How a time is written in s, as "50 ns are 5e-08", by a value that is none in s.

    usual: s, near which the one that was meant is.
    """
    if value < LEAST:
        return USUAL_TIME
    far, unit, size = min((abs(math.log(value * a / usual)), unit, a) for unit, a in UNITS["s"])
    return USUAL_TIME if far > math.log(NEAR) else f"{value:g} {unit} are {value * size:.3g}"
