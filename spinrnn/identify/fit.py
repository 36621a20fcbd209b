"""Identify a device: gamma, Q, bias and gain of eq. (1) from measured trajectories of time, drive and power, with confidence intervals.

The model is eq. (1) with I(t) = gamma bias + gain drive(t), and power = scale p + independent noise. The drive is in the user's unit, and gain in
1/s for one of it: for a drive in 1/s, as simulations have it, gain = 1 and bias = 0. The power at the first time of each case is fitted too.

What can be known: dp/dt = p [gamma (bias - 1) - gamma (Q + bias) p + gain drive (1 - p)] has three numbers and not four. Any data fix
gamma (1 + Q), gamma (bias - 1) and gain, hence the threshold gamma (1 - bias) / gain, but gamma, Q and bias only if one of the three is known. A
number with an uncertainty may stand for it, which goes into the intervals of the others.
"""

import math
from collections.abc import Mapping

import numpy as np

from spinrnn.errors import ConfigError, DataError
from spinrnn.identify.guesses import starts
from spinrnn.identify.oscillator import NAMES
from spinrnn.identify.problem import EVALUATIONS, Problem
from spinrnn.identify.result import result_of
from spinrnn.recordings.measurement import Measurement, measurement


def identify_device(
    time,
    drive=None,
    power=None,
    *,
    noise=None,
    fixed=None,
    free_scale=False,
    drive_between="held",
    power_floor=0.0,
    level=0.95,
):
    """Fits eq. (1) to measured trajectories of one device.

    Args:
        time, drive, power, noise: as in `measured.measurement`; or a `Measurement` alone in the place of time.
        fixed: {name: number, or (number, uncertainty as a standard deviation)} of parameters that are not fitted. Without gamma, Q or bias
            among them bias is 0, so the drive is the whole drive.
        free_scale: fit scale too, for a power that is not normalised; else it is 1 or as in fixed.
        drive_between: "held": each value until the next time; "linear": samples of a drive that goes on in between.
        power_floor: smallest p, `NetworkConfig.power_floor` of a simulation; 0 for none.
        level: of the confidence intervals.
    Returns:
        `DeviceFit`.
    Raises:
        DataError: the data do not fit together, do not tell parameters apart, or the fit does not converge; ConfigError: arguments are wrong;
        MemoryLimitError: too many samples and cases at once.
    """
    data = time if isinstance(time, Measurement) else measurement(time, drive, power, noise)
    known = known_parameters(fixed, free_scale, drive_between, power_floor, level, data)
    problem = Problem(data, known, drive_between, power_floor)
    best, reached = None, set()
    for kind, values, start in starts(problem):
        found = problem.solve(values, start)
        if found is None:
            continue
        if best is None or found.cost < best.cost * (1 - 1e-6):
            best, reached = found, set()
        if found.cost <= best.cost * (1 + 1e-6):
            reached.add(kind)
        if len(reached) == 2:  # starts of different kinds agree that there is nothing better
            break
    if best is None:
        raise DataError(
            f"the fit did not converge within {EVALUATIONS} evaluations from any start; are time in s and power normalised? Fix what is known"
        )
    return result_of(problem, best, level)


def known_parameters(fixed, free_scale, drive_between, power_floor, level, data):
    """Checked {name: (value, uncertainty)} of what is not fitted."""
    problems, known = [], {}
    for name, given in (
        (fixed or {}).items() if isinstance(fixed or {}, Mapping) else [("fixed", fixed)]
    ):
        if name not in NAMES:
            problems.append(f"fixed: {name} is none of {', '.join(NAMES)}")
            continue
        try:
            value, uncertainty = (
                float(x) for x in (given if isinstance(given, tuple | list) else (given, 0.0))
            )
        except (TypeError, ValueError):
            problems.append(f"{name}: give a number or (number, uncertainty), got {given!r}")
            continue
        lowest = {"gamma": 0.0, "Q": -1.0, "scale": 0.0}.get(name, -math.inf)
        if not (lowest < value < math.inf and 0 <= uncertainty < math.inf):
            above = f" above {lowest:g}" if lowest > -math.inf else ""
            problems.append(
                f"{name}: must be a number{above} with an uncertainty from 0, got {given!r}"
            )
        known[name] = (value, uncertainty)
    if not {"gamma", "Q", "bias"} & set(known):
        known["bias"] = (0.0, 0.0)
    if free_scale and "scale" in known:
        problems.append("scale: cannot be both fixed and free")
    elif not free_scale:
        known.setdefault("scale", (1.0, 0.0))
    if len(known) == len(NAMES):
        problems.append("fixed: nothing is left to fit")
    if drive_between not in ("held", "linear"):
        problems.append(f'drive_between: must be "held" or "linear", got {drive_between!r}')
    elif drive_between == "linear" and data.drive.shape != data.power.shape:
        problems.append(
            "drive_between: a linear drive needs a value at each time, these data have one less"
        )
    elif drive_between == "linear" and not np.isfinite(data.drive).all():
        problems.append(
            "drive_between: a linear drive needs a value at the last sample of each case, too"
        )
    if not 0 <= power_floor < 0.1:
        problems.append(f"power_floor: must be in [0, 0.1), got {power_floor}")
    if not 0 < level < 1:
        problems.append(f"level: must be between 0 and 1, as in 0.95, got {level}")
    if problems:
        raise ConfigError(problems)
    power = data.power[data.present]
    if not (power > 0).any():
        raise DataError("power: no sample is above 0")
    if "scale" in known and np.mean(power > known["scale"][0]) > 0.05:
        raise DataError(
            f"power: {np.mean(power > known['scale'][0]):.0%} of the samples are above {known['scale'][0]:g}, where no oscillator of eq. (1) goes; "
            "normalise the power, or let scale be fitted (free_scale, --free-scale)"
        )
    return known


# ---- result ----
