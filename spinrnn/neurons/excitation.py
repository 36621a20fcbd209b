"""Whether a current makes a macrospin oscillate, and if not, what is missing: the
threshold against the current, and the slips of units that lie between the two.
"""

import math

import numpy as np

from spinrnn.errors import ConfigError
from spinrnn.neurons.autooscillation import orbits, threshold_current
from spinrnn.neurons.macrospin import Macrospin

USUAL = 5.0
"""Times the threshold, to which devices are driven: a slip of units is looked for that
would bring the current between 1 and this."""
NEARLY = 0.4
"""The same of a factor that nearly does."""
FACTORS = (
    (2.0, "hbar/e in place of hbar/(2e), or a torque for P/2"),
    (2 * math.pi, "h in place of hbar"),
    (10.0, "one digit"),
    (1e3, "mA as A, or nm as um"),
    (1e4, "A/cm2 as A/m2, or Oe as T"),
    (1e6, "uA as A, or um2 as m2"),
    (1e9, "nA as A, or nm as m"),
    (1 / 1.602176634e-19, "the charge of the electron"),
)
"""What is often missing, and where it comes from."""
DENSITY = 3e2
"""By which a density that was meant may be off the threshold's either way."""

POWERS = np.geomspace(0.02, 50, 60)
"""Of the orbits on which torque and damping may balance, for the linear mode: up to the
last one that there is."""
ROUND = 0.8
"""Power of the last orbit, from which on there is nothing but the opposite of the rest
beyond it."""


def excitation(macrospin: Macrospin, current: float | tuple[float, float]) -> tuple[bool, str]:
    """(whether it oscillates, one sentence with the threshold and what is missing).

    Args:
        current: A, or the least and the largest that the drive comes to.
    """
    low, high = float(np.min(current)), float(np.max(current))
    rounding = 1e-9 * max(abs(low), abs(high))
    low, high = (0.0 if abs(x) < rounding else x for x in (low, high))
    try:
        threshold = threshold_current(macrospin)
    except ConfigError as error:
        return False, error.problems[0].partition(": ")[2]
    near = high if threshold > 0 else low
    given = f"{low:.3g} A" if low == high else f"{low:.3g} to {high:.3g} A"
    ratio = near / threshold
    if ratio >= 1:
        return _far_above(macrospin, given, near, threshold)
    head = f"the current of {given} does not reach the threshold of {threshold:.4g} A"
    if ratio <= 0:
        return False, f"{head}: {'no current flows' if low == high == 0 else _turned(macrospin)}"
    why = _slips(macrospin) or missing(1 / ratio)
    return False, f"{head}, {1 / ratio:.3g} times as much: {why}"


def _slips(macrospin):
    """Which of its values are far from what is usual, so that no reason is looked for
    in the current; "" where none is.
    """
    names = [text.partition(":")[0] for text in macrospin.unusual()]
    are = "are" if len(names) > 1 else "is"
    return f"{' and '.join(names)} {are} far from what is usual, see to that first" * bool(names)


def missing(ratio: float) -> str:
    """What a current lacks of which the threshold is so many times as much."""
    for factor, reason in FACTORS:
        if 1 <= factor / ratio < USUAL:
            return f"a factor of {factor:.4g} would do ({reason})"
    for factor, reason in FACTORS:
        if NEARLY <= factor / ratio < 1:
            return f"a factor of {factor:.4g} ({reason}) gives {factor / ratio:.2g} of it"
    return (
        "no usual slip of units; less area, thickness, Ms, damping or field, or more P, lowers it"
    )


def _turned(macrospin):
    side = "parallel" if macrospin.shared()[:3] @ _direction(macrospin) > 0 else "antiparallel"
    return (
        f"its sign is wrong, m rests nearer to {side}, and a positive current favours parallel;"
        " turn the current or the polariser round"
    )


def _direction(macrospin):
    q = macrospin.nominal_numbers(macrospin.time_unit)
    return np.array(macrospin.rest({**q, "bias": 0.0}), dtype=float)


def _turned_over(macrospin, current, head):
    """Whether damping and torque balance on some orbit about the rest."""
    found = orbits(macrospin, POWERS)
    balance = np.abs(found.loss / found.gain)
    there = np.isfinite(balance)
    if not there.any():
        # as on the cone of a film whose field is below Ms, along which nothing holds m
        return True, f"{head}; there are no orbits about its rest to say more from"
    balance = balance[there]
    # beyond a separatrix other orbits are open to m
    if not (found.power[there].max() > ROUND and (abs(current) > balance).all()):
        return True, head
    most = f"more than the {balance.max():.3g} A that the largest orbit takes"
    what = f"{head}, {most}: m turns over and stays there"
    return False, f"{what}; {_slips(macrospin) or 'less of it oscillates'}"


def _far_above(macrospin, given, near, threshold):
    """Above threshold: it oscillates, or a torque above the field turns it round."""
    ratio, q = near / threshold, macrospin.nominal_numbers(macrospin.time_unit)
    torque = abs(q["torque"] * near / macrospin.current_unit) / (1 - abs(q["skew"]))
    head = f"the current of {given} is {ratio:.3g} times the threshold of {threshold:.4g} A"
    # in units of the largest field
    if torque < 1:
        return _turned_over(macrospin, near, head)
    wrong = f"{head}, and its torque {torque:.3g} times the field: m is turned to the polariser"
    slips = _slips(macrospin)
    if slips:
        return False, f"{wrong}; {slips}"
    if 1 / DENSITY < ratio * macrospin.area < DENSITY:
        own = near * macrospin.area
        return False, f"{wrong}; if it is a density in A/m2, times the area it is {own:.3g} A"
    for factor, reason in FACTORS:
        if 1 <= ratio / factor < USUAL:
            return False, f"{wrong}; a factor of {factor:.4g} too much ({reason})"
    return False, f"{wrong}; less of it oscillates"
