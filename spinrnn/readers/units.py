"""Units as files and people write them, and what makes SI units of them.

One unit in brackets behind a name, as in `t (ns)`, is known here by its symbol or word,
with the usual prefixes. Products of units, as J/m3, are known as units but are not
converted.
"""

import re
from dataclasses import dataclass

import numpy as np

from spinrnn.config.tables import suggest
from spinrnn.errors import DataError

_PREFIXES = {
    "f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0,
    "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
}  # fmt: skip
_BASES = {
    "s": ("second", "seconds", "sec"),
    "Hz": ("hertz",),
    "A": ("ampere", "amperes", "amp", "amps"),
    "V": ("volt", "volts"),
    "W": ("watt", "watts"),
    "T": ("tesla",),
    "A/m": (),
    "K": ("kelvin",),
    "Ohm": ("\u03a9", "ohm", "ohms"),
    "S": ("siemens",),
    "m": ("meter", "metre"),
    "J": ("joule",),
    "rad": ("radian", "radians"),
}
"""{symbol of an SI unit: words for it}."""
_OERSTED = 1e3 / (4 * np.pi)
"""A/m; an oersted is 1000 / (4 pi) of them by definition."""
_OTHER = ("g", "mol", "N", "C", "F", "H", "Pa", "eV", "bit", "px")
"""Symbols that are known in products, and alone, but not converted."""
_PLAIN = ("", "1", "-", "a.u.", "arb", "arb.", "arb.u.", "arb. units", "arb. u.", "counts",
          "Sequence")  # fmt: skip
"""What stands for a unit where there is none; the last is that of Rigol's scopes."""


SHARE = "share"
"""Unit of what is in percent, once it is converted: 1 is 100 %."""
_TWINS = {0xB5: "u", 0x3BC: "u", 0x2126: "\u03a9", 0x2212: "-"}


@dataclass(frozen=True)
class Unit:
    """A unit that can be converted.

    Attributes:
        symbol: as it is shown; si: symbol of the SI unit.
        factor, offset: a value in SI units is factor (value + offset).
        decibels: of a logarithmic unit, where a value is factor 10^(value / 10).
    """

    symbol: str
    si: str
    factor: float = 1.0
    offset: float = 0.0
    decibels: bool = False

    def to_si(self, values: np.ndarray) -> np.ndarray:
        """The values in the SI unit, float64; as they are where that is the unit."""
        if (self.factor, self.offset, self.decibels) == (1.0, 0.0, False):
            return values
        values = np.asarray(values, dtype=np.float64)
        if self.decibels:
            return self.factor * 10.0 ** (values / 10)
        # 1e-9 has no exact binary form, its inverse has, and so one rounding is saved
        inverse = round(1 / self.factor) if self.factor < 1 else 0
        if inverse and inverse * self.factor == 1:
            return (values + self.offset) / inverse
        return (values + self.offset) * self.factor

    def from_si(self, values: np.ndarray) -> np.ndarray:
        """Values of the SI unit in this one, float64; the inverse of `to_si`."""
        if (self.factor, self.offset, self.decibels) == (1.0, 0.0, False):
            return values
        values = np.asarray(values, dtype=np.float64)
        if self.decibels:
            return 10 * np.log10(values / self.factor)
        return values / self.factor - self.offset


def _known():
    """{spelling: `Unit`}."""
    found = {}
    for symbol, words in _BASES.items():
        for prefix, factor in _PREFIXES.items():
            unit = Unit(prefix + symbol, symbol, factor)
            found[prefix + symbol] = unit
            if symbol == "Ohm":
                found |= {prefix + word: unit for word in words[:1]}
        found |= {word: Unit(symbol, symbol) for word in words}
    for symbol, unit, factor in (("Oe", "A/m", _OERSTED), ("G", "T", 1e-4), ("Gs", "T", 1e-4)):
        for prefix in ("m", "", "k"):
            made = Unit(prefix + symbol, unit, _PREFIXES[prefix] * factor)
            found[prefix + symbol] = made
    degrees = Unit("degC", "K", 1.0, 273.15)
    found |= {"degC": degrees, "°C": degrees, "celsius": degrees}
    found |= dict.fromkeys(("deg", "°", "degrees"), Unit("deg", "rad", np.pi / 180))
    found |= {"dBm": Unit("dBm", "W", 1e-3, decibels=True), "%": Unit("%", SHARE, 0.01)}
    found[SHARE] = Unit(SHARE, SHARE)
    found |= {"min": Unit("min", "s", 60.0), "h": Unit("h", "s", 3600.0)}
    return found


_UNITS = _known()
_FACTORS = {*_UNITS, *(prefix + symbol for symbol in _OTHER for prefix in _PREFIXES)}


def unit_of(text: str) -> Unit | None:
    """The unit of a symbol or word; None if it is unknown or a product."""
    spelling = _plain(text)
    if spelling in _PLAIN:
        return Unit("", "")
    return _UNITS.get(spelling) or _UNITS.get(spelling.lower() if len(spelling) > 3 else "")


def is_unit(text: str) -> bool:
    """Whether the text is a unit, or a product of units as J/m3 or Hz^0.5."""
    if unit_of(text) is not None:
        return True
    factors = [part for part in re.split(r"[/*·⋅() ]+", _plain(text)) if part not in ("", "1")]
    return 0 < len(factors) < 8 and all(
        re.sub(r"\^?-?[\d.]*$", "", factor) in _FACTORS and not factor[0].isdigit()
        for factor in factors
    )


def shown(text: str) -> str:
    """A unit as it is kept: its symbol, or the text of one that is not converted; ""
    for none.
    """
    unit = unit_of(text)
    return _plain(text) if unit is None else unit.symbol


def shown_in_si(text: str) -> str:
    """The unit of the same numbers once they are converted, as `shown`."""
    unit = unit_of(text)
    return _plain(text) if unit is None else unit.si


def with_other_zero(symbol: str) -> list[Unit]:
    """The units that have another zero than this SI unit."""
    found = {unit.symbol: unit for unit in _UNITS.values() if unit.si == symbol and unit.offset}
    return list(found.values())


def in_words(symbol: str) -> str:
    """What numbers are in, in a sentence."""
    return "shares (1 is 100 %)" if symbol == SHARE else symbol


def as_asked(symbol: str) -> str:
    """The unit that files say where numbers are kept in this one."""
    return "%" if symbol == SHARE else symbol


def asked_unit(text: str) -> Unit:
    """The unit that a user names.

    Raises:
        DataError: it is not known.
    """
    unit = unit_of(text)
    if unit is None:
        names = [name for name in _UNITS if name.isascii()]
        raise DataError(
            f"unknown unit {text}{suggest(text, names)}; s, ns, GHz, mA, mV, uW, dBm, mT, Oe, A/m, "
            "K, degC and the like are known"
        )
    return unit


def _plain(text):
    # of micro, ohm and minus there are two characters each, and programs write either
    return text.strip().translate(_TWINS)
