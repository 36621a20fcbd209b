"""Checks of what a fit is asked for: which parameters are known, how the drive goes
on."""

import math
from collections.abc import Mapping

import numpy as np

from spinrnn.errors import ConfigError, DataError
from spinrnn.identify.oscillator import LOWEST, NAMES
from spinrnn.recordings.measurement import Measurement

MOST_ABOVE = 0.05
"""Share of the samples that noise may lift above the power of p = 1."""


def known_parameters(
    fixed: Mapping | None,
    free_scale: bool,
    drive_between: str,
    power_floor: float,
    level: float,
    data: Measurement,
) -> dict[str, tuple[float, float]]:
    """Checked {name: (value, uncertainty)} of what is not fitted; arguments as in
    `identify_device`.

    Raises:
        ConfigError: all mistakes of the arguments; DataError: the powers fit no
        oscillator.
    """
    problems, known = [], {}
    if not isinstance(fixed or {}, Mapping):
        problems.append(f"fixed: {fixed} is none of {', '.join(NAMES)}")
    else:
        known = _fixed(fixed or {}, problems)
    if free_scale and "scale" in known:
        problems.append("scale: cannot be both fixed and free")
    known = _with_defaults(known, free_scale)
    if len(known) == len(NAMES):
        problems.append("fixed: nothing is left to fit")
    problems += _drive_problems(drive_between, data)
    if not 0 <= power_floor < 0.1:
        problems.append(f"power_floor: must be in [0, 0.1), got {power_floor}")
    if not 0 < level < 1:
        problems.append(f"level: must be between 0 and 1, as in 0.95, got {level}")
    if problems:
        raise ConfigError(problems)
    _check_powers(known, data)
    return known


def _fixed(fixed, problems):
    """{name: (value, uncertainty)} of what the user fixed; mistakes are added to
    problems."""
    known = {}
    for name, given in fixed.items():
        if name not in NAMES:
            problems.append(f"fixed: {name} is none of {', '.join(NAMES)}")
            continue
        pair = given if isinstance(given, tuple | list) else (given, 0.0)
        try:
            value, uncertainty = (float(number) for number in pair)
        except (TypeError, ValueError):
            problems.append(f"{name}: give a number or (number, uncertainty), got {given!r}")
            continue
        lowest = LOWEST.get(name, -math.inf)
        if not (lowest < value < math.inf and 0 <= uncertainty < math.inf):
            above = f" above {lowest:g}" if lowest > -math.inf else ""
            problems.append(
                f"{name}: must be a number{above} with an uncertainty from 0, got {given!r}"
            )
        known[name] = (value, uncertainty)
    return known


def _with_defaults(known, free_scale):
    """Without gamma, Q or bias the drive is the whole drive; the power is
    normalised."""
    known = dict(known)
    if not {"gamma", "Q", "bias"} & set(known):
        known["bias"] = (0.0, 0.0)
    if not free_scale:
        known.setdefault("scale", (1.0, 0.0))
    return known


def _drive_problems(drive_between, data):
    if drive_between not in ("held", "linear"):
        return [f'drive_between: must be "held" or "linear", got {drive_between!r}']
    if drive_between == "held":
        return []
    if data.drive.shape != data.power.shape:
        return [
            "drive_between: a linear drive needs a value at each time, these data have one less"
        ]
    if not np.isfinite(data.drive).all():
        return ["drive_between: a linear drive needs a value at the last sample of each case, too"]
    return []


def _check_powers(known, data):
    power = data.power[data.present]
    if not (power > 0).any():
        raise DataError("power: no sample is above 0")
    if "scale" not in known:
        return
    scale = known["scale"][0]
    above = np.mean(power > scale)
    if above > MOST_ABOVE:
        raise DataError(
            f"power: {above:.0%} of the samples are above {scale:g}, where no oscillator of "
            "eq. (1) goes; normalise the power, or let scale be fitted (free_scale, --free-scale)"
        )
