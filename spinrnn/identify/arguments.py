"""Checks of what a fit is asked for: which parameters are known, how the drive goes on,
whether recordings go together."""

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spinrnn.config.tables import nearest
from spinrnn.datasets.ranges import FAR
from spinrnn.errors import ConfigError, DataError, DataNote
from spinrnn.identify.models import Model
from spinrnn.notebook import amount, plural
from spinrnn.recordings.gaps import gaps_of
from spinrnn.recordings.measurement import Measurement
from spinrnn.recordings.samples import are_whole

SLOW = 1e-3
"""s between samples, above which an oscillator's time is more probably in another
unit."""

_USUAL = {"time": "ns", "drive": "mA", "power": "mW"}
"""{array: unit that an example takes}."""


def known_parameters(
    fixed: Mapping | None,
    free: Sequence[str],
    drive_between: str,
    level: float,
    data: Measurement,
    model: Model,
    each: Sequence[str] = (),
    bounds: Mapping | None = None,
) -> dict[str, tuple[float, float]]:
    """Checked {name: (value, uncertainty)} of what is not fitted; arguments as in
    `identify_device`.

    Raises:
        ConfigError: all mistakes of the arguments; DataError: the data fit no such
        device.
    """
    problems, known = [], {}
    if not isinstance(fixed or {}, Mapping):
        problems.append(f"fixed: {fixed} is none of {', '.join(model.names)}")
    else:
        known = _fixed(fixed or {}, model, problems)
    problems += _name_problems("free", free, model) + _name_problems("each", each, model)
    problems += [f"{name}: cannot be both fixed and free" for name in free if name in known]
    usual = model.defaults(known, (*free, *each))
    known |= {name: (value, 0.0) for name, value in usual.items()}
    problems += [
        f"each: {name} is fixed, which no recording fits" for name in each if name in known
    ]
    problems += _bound_problems(bounds, known, model)
    if len(known) == len(model.names):
        problems.append("fixed: nothing is left to fit")
    problems += _drive_problems(drive_between, data)
    floor = getattr(model, "floor", 0.0)
    if not 0 <= floor < 0.1:
        problems.append(f"power_floor: must be in [0, 0.1), got {floor}")
    if not 0 < level < 1:
        problems.append(f"level: must be between 0 and 1, as in 0.95, got {level}")
    if problems:
        raise ConfigError(problems)
    wrong = model.data_problem(known, data)
    if wrong is not None:
        raise DataError(wrong)
    return known


def _fixed(fixed, model, problems):
    """{name: (value, uncertainty)} of what the user fixed; mistakes are added to
    problems."""
    known = {}
    for name, given in fixed.items():
        if name not in model.names:
            problems += _name_problems("fixed", [name], model)
            continue
        pair = given if isinstance(given, tuple | list) else (given, 0.0)
        try:
            value, uncertainty = (float(number) for number in pair)
        except (TypeError, ValueError):
            problems.append(f"{name}: give a number or (number, uncertainty), got {given!r}")
            continue
        wrong = model.parameters[name].problem(value)
        if wrong is not None or not 0 <= uncertainty < math.inf:
            sentence = model.parameters[name].problem(math.nan)
            problems.append(f"{name}: {sentence} with an uncertainty from 0, got {given!r}")
        known[name] = (value, uncertainty)
    return known


def _name_problems(what, names, model):
    """Names that are no parameters, in words."""
    problems = []
    for name in names:
        if name not in model.names:
            near = nearest(name, model.names)
            hint = f"; did you mean {near}?" if near else ""
            if set(name.split(",")) <= {*model.names, ""}:
                hint = "; give one name at a time"
            problems.append(f"{what}: {name} is none of {', '.join(model.names)}{hint}")
    return problems


def _bound_problems(bounds, known, model):
    """Bounds that are none, in words."""
    if not isinstance(bounds or {}, Mapping):
        return [f"bounds: give {{name: (low, high)}}, got {bounds!r}"]
    problems = _name_problems("bounds", bounds or {}, model)
    for name, given in (bounds or {}).items():
        try:
            low, high = (float(x) for x in given)
        except (TypeError, ValueError):
            low, high = 1.0, 0.0
        if not low < high:
            problems.append(f"bounds: {name} takes (low, high), got {given!r}")
        elif name in known:
            problems.append(f"bounds: {name} is fixed, which needs none")
        elif name in model.names:
            own = model.parameters[name]
            if high <= own.low or low >= own.high:
                outside = f"{low:g} to {high:g} is outside what it may be, {own.low:g} to"
                problems.append(f"bounds: {name}: {outside} {own.high:g}")
    return problems


def check_units(parts: Sequence[Measurement], names: Sequence[str], advice: str) -> None:
    """Raises a DataError where recordings of one device are known to be in different
    units; names: theirs, advice: what to do, with {units} as an option takes them.

    A time without a unit is in s, unless its steps are far from those of the others.
    """
    problems, units = [], []
    for array, usual in _USUAL.items():
        owners: dict[str, list[str]] = {}
        for part, name in zip(parts, names, strict=True):
            owners.setdefault(part.units.get(array, ""), []).append(name)
        if len(owners) > 1 and (array != "time" or _steps_differ(parts)):
            told = [
                f"{f'in {unit}' if unit else 'without a unit'} in {_some(own)}"
                for unit, own in owners.items()
            ]
            problems.append(f"{array}: is {' and '.join(told)}")
            units.append(f"{array}={usual}")
    if problems:
        text, told = "; ".join(problems), advice.format(units=",".join(units))
        raise DataError(f"{text}; fitted together they need the same: {told}")


def note_seconds(data: Measurement, model: Model) -> None:
    """Warns of times without a unit that are probably in another one than s: whole
    numbers, or samples far apart of a fast device.
    """
    if data.units.get("time"):
        return
    steps = data.durations
    step = _usual_step(steps)
    if are_whole(data.time):
        text = "holds whole numbers, which are taken as s; are they ns, or numbers of samples?"
    elif model.normalised and step > SLOW:
        text = f"samples are {step:.2g} s apart, oscillators relax within some ns; is it in s?"
    else:
        return
    warnings.warn(f"time: {text}", DataNote, stacklevel=3)


def warn_of_units(
    data: Measurement, recordings: np.ndarray, model: Model, each: Sequence[str]
) -> None:
    """Warns of recordings whose steps in time, drives or powers are of another order
    than those of the others, unless they have a gain of their own for it.

    recordings: (case,) number of the recording of each case.
    """
    cases = [np.flatnonzero(recordings == number) for number in np.unique(recordings)]
    names = [data.name_of(int(own[0])) for own in cases]
    for array, what, apart, exempt in (
        ("time", "samples", " apart", None),
        ("drive", "drives up to", "", model.drive_gain),
        ("power", "powers up to", "", model.readout.scale),
    ):
        if exempt in each and exempt is not None:
            continue
        sizes = np.array([_size(data, array, own) for own in cases])
        known = sizes[sizes > 0]
        # of two the smaller, of more that of most
        usual = np.sort(known)[(len(known) - 1) // 2] if known.size else 0.0
        far = (sizes > FAR * usual) | (FAR * sizes < usual)
        odd = np.flatnonzero(far & (sizes > 0))
        if not odd.size:
            continue
        unit = data.units.get(array, "s" if array == "time" else "")
        told = [amount(float(f"{size:.3g}"), unit) for size in (sizes[odd[0]], usual)]
        text = f"{_some([names[k] for k in odd])} {'has' if odd.size == 1 else 'have'} {what}"
        text += f" {told[0]}{apart}, the others {told[1]}; is a unit wrong? Correct that file, or"
        advice = f"say the unit of all by --units {array}={_USUAL[array]}"
        warnings.warn(f"{text} {advice}", stacklevel=3)


def _size(data, array, cases):
    """The usual step in time of some cases, or the largest number of another array."""
    if array == "time":
        return _usual_step(data.durations[cases])
    return float(np.nanmax(np.abs(getattr(data, array)[cases]), initial=0.0))


def warn_of_gaps(data: Measurement, drive_between: str) -> None:
    """Warns of steps in time far above the others of their case, across which the drive
    is not known."""
    found = [(case, gaps_of(time)) for case, time in enumerate(data.time)]
    gaps = [(case, own) for case, own in found if own is not None]
    if not gaps:
        return
    case, first = gaps[0]
    where = f"{data.name_of(case)}: " if len(data.time) > 1 else ""
    at = amount(float(f"{data.time[case, first.after]:.6g}"), "s")
    step = amount(float(f"{first.step:.4g}"), "s")
    text = f"time: {where}the step after sample {first.after} ({at}) is {step}, "
    text += f"{first.times:.4g} times the usual one"
    more = sum(own.count for _, own in gaps) - 1
    text += f", and there {'are' if more > 1 else 'is'} {plural(more, 'more gap')}" * (more > 0)
    goes = "is held" if drive_between == "held" else "goes linearly"
    advice = "cut the recording there, or give the rows that are missing with the drive"
    warnings.warn(f"{text}; the drive {goes} across it: {advice} and without a power", stacklevel=3)


def _steps_differ(parts):
    """Whether the usual times between samples are of other units."""
    steps = [_usual_step(part.durations) for part in parts]
    return max(steps) > FAR * min(steps)


def _usual_step(durations):
    return float(np.median(durations[durations > 0]))


def _some(names, most=3):
    """Names in a row, not too many."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def check_driven(problem: Any) -> None:
    """Raises a DataError where the drive of a `Problem` never changes and leaves open
    what is asked for, as a fit would say after a long search.
    """
    if problem.each:
        # recordings with values of their own tell more than one
        return
    drive = _only_drive(problem.data, problem.drive_between)
    wrong = None if drive is None else problem.model.drive_problem(problem.known, drive)
    if wrong is not None:
        raise DataError(wrong)


def _only_drive(data, drive_between):
    """The drive if it is the same throughout, else None; held, that of the last sample
    of a case counts for nothing.
    """
    ends = np.isfinite(data.time).sum(axis=1) - (drive_between == "held")
    used = data.drive[np.arange(data.drive.shape[1]) < ends[:, None]]
    return float(used[0]) if used.size and (used == used[0]).all() else None


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
