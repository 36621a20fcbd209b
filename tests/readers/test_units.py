"""Units: their factors by definition, what is a unit and what is none."""

import numpy as np
import pytest

import spinrnn
from spinrnn.readers.units import asked_unit, is_unit, unit_of


@pytest.mark.parametrize(
    ("text", "value", "si", "expected"),
    [
        ("s", 2.5, "s", 2.5),
        ("ns", 3, "s", 3e-9),
        ("ps", 0.3, "s", 3e-13),
        ("us", 7, "s", 7e-6),
        ("µs", 7, "s", 7e-6),
        ("μs", 7, "s", 7e-6),
        ("GHz", 1.5, "Hz", 1.5e9),
        ("MHz", 2, "Hz", 2e6),
        ("mA", 3, "A", 3e-3),
        ("uA", 3, "A", 3e-6),
        ("mV", 3, "V", 3e-3),
        ("Volt", 3, "V", 3),
        ("uW", 3, "W", 3e-6),
        ("dBm", 0, "W", 1e-3),
        ("dBm", -30, "W", 1e-6),
        ("mT", 20, "T", 0.02),
        ("Oe", 1, "A/m", 79.57747154594767),
        ("kOe", 1, "A/m", 79577.47154594767),
        ("kA/m", 2, "A/m", 2000),
        ("G", 1e4, "T", 1),
        ("degC", 26.85, "K", 300),
        ("K", 4, "K", 4),
        ("kΩ", 2, "Ohm", 2000),
        ("%", 5, "share", 0.05),
        ("share", 0.5, "share", 0.5),
        ("min", 2, "s", 120),
    ],
)
def test_conversions(text, value, si, expected):
    unit = asked_unit(text)
    assert unit.si == si
    np.testing.assert_allclose(unit.to_si(np.array([value])), expected, rtol=1e-15)


def test_nanoseconds_are_those_of_the_literal():
    """3 ns become the number that Python reads as 3e-9, not its neighbour."""
    for text, power in (("ns", "e-9"), ("ps", "e-12"), ("mA", "e-3"), ("us", "e-6")):
        values = np.arange(1, 200)
        literal = [float(f"{k}{power}") for k in values]
        assert asked_unit(text).to_si(values).tolist() == literal


def test_what_is_in_si_units_stays_as_it_is():
    values = np.arange(3, dtype=np.float32)
    assert unit_of("s").to_si(values) is values


@pytest.mark.parametrize(
    "text", ["", "s", "J/m3", "A/m^2", "Hz^0.5", "V/Hz^0.5", "mV²"[:2], "m s^-1", "rad/s", "a.u."]
)
def test_units(text):
    assert is_unit(text)


@pytest.mark.parametrize("text", ["x", "old", "time", "V1 raw", "2", "Power", "/", "f(x)"])
def test_no_units(text):
    assert not is_unit(text)


def test_unknown_units_are_refused_with_what_is_meant():
    with pytest.raises(spinrnn.DataError, match="unknown unit nsec; did you mean sec"):
        asked_unit("nsec")
    with pytest.raises(spinrnn.DataError, match="unknown unit furlong"):
        asked_unit("furlong")
