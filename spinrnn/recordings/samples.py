"""What was measured on devices: time, power, drive and noise, from arrays or a user's
file.

A file is HDF5 or NPZ with these arrays. T is the number of times, C of cases, N of
neurons:

    time     (T,) s, increasing; or (C, T) where cases have their own power    (T,), (C,
    N, T), or (C, T) for a fit of one device, (N, T) for an analysis drive    as power,
    or one value for all cases or neurons, or (T,) for all; each is held
             until the next time, so the last one may be left out
    noise    standard deviation of the power's noise: one number, or as power
    (optional)

NaN in the power marks what was not measured, and what follows the end of a shorter
case. `samples_of` writes the axes out and checks what a fit and an analysis both need.
"""

import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from spinrnn.errors import ConfigError, DataError, DataNote, StoreError
from spinrnn.notebook import amount
from spinrnn.readers.columns import NONE, Columns, arranged, case_advice
from spinrnn.readers.formats import read_table
from spinrnn.readers.objects import library_of, named_of
from spinrnn.readers.units import unit_of
from spinrnn.recordings.envelope import Demodulation, demodulated, doubts

NAMES = ("time", "drive", "power", "noise")
KEYS = ("case", "neuron")
"""Columns that say of which one a row is."""
HIGHEST = 1e30
"""Powers and drives above are no measurements: their squares would leave the range of
numbers.
"""
LOWEST = 1e-30
"""Times and drives that are all below are none either, for the same reason."""
MOST_LETTERS = 40
"""Of a text that a message repeats."""
MOST_PROBLEMS = 10
"""That one message tells."""
_AXES = {
    "case": "(case, neuron, time), (case, time) or (time,)",
    "neuron": "(case, neuron, time), (neuron, time) or (time,)",
}


@dataclass(frozen=True, eq=False)
class Samples:
    """Arrays with all their axes; 1 where an axis has one value for all.

    Attributes:
        time: (case or 1, time) float64, s.
        power: (case, neuron, time) of the kind of numbers that was given.
        drive: (case or 1, neuron or 1, time or time - 1), or None.
        noise: (case or 1, neuron or 1, time or 1), or None.
    """

    time: np.ndarray
    power: np.ndarray
    drive: np.ndarray | None
    noise: np.ndarray | None

    @property
    def ends(self) -> np.ndarray:
        """(case,) number of the last time at which a neuron was measured; 0 without
        any.
        """
        measured = np.asarray(~np.isnan(self.power).all(axis=1))
        last = measured.shape[1] - 1 - np.argmax(measured[:, ::-1], axis=1)
        return np.where(measured.any(axis=1), last, 0)

    def where(self, case: int, neuron: int = 0) -> str:
        """A case's neuron in words, as far as there are several."""
        cases, neurons, _ = self.power.shape
        named = [f"case {case}"] * (cases > 1) + [f"neuron {neuron}"] * (neurons > 1)
        return ", ".join(named) or "the recording"


def read_device(
    path: str | Path,
    needed: Collection[str],
    optional: Collection[str],
    numbers: Collection[str] = (),
    instead: Mapping[str, str] | None = None,
    columns: Columns = NONE,
    how: Demodulation | None = None,
    rows: Literal["case", "neuron"] = "case",
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """({name: array}, {name: unit}) of a user's file, in SI units where the file or the
    user says another one; what was converted is told by a `DataNote`.

    Columns are one recording, or with a column `case` or `neuron` one of each.

    Args:
        needed, optional: names of arrays.
        numbers: names that may be attributes of an HDF5 file's root as well.
        instead: as of `Table.check_names`.
        columns: what the user calls the arrays of the file, and their units.
        how: that the power is made of a `voltage` in the file, which oscillates.
        rows: as of `samples_of`.
    Raises:
        StoreError: the file cannot be read; DataError: arrays are missing or misspelt.
    """
    if how is not None:
        needed = ["voltage" if name == "power" else name for name in needed]
    path = Path(path)
    if path.is_dir():
        raise StoreError(
            f"{path} is a folder; give a trajectory file, which spinrnn simulate writes, or a "
            "recording of your own"
        )
    read = read_table(path)
    table = arranged(read, columns, (*needed, *optional))
    notes = table.notes[len(read.notes) :]
    if notes:
        warnings.warn(f"{path}: {'; '.join(notes)}", DataNote, stacklevel=4)
    try:
        keys = [name for name in KEYS if name in table.arrays]
        table.check_names(needed, (*optional, *numbers, *keys), instead)
    except DataError as error:
        raise _advised(error, table, needed, columns) from None
    own = unit_of(str(table.units.get("time") or ""))
    if own is not None and own.si not in ("", "s"):
        raise DataError(f"{path}: time: is in {own.symbol}, which is no time; give it in s")
    found = {name: table.attributes[name] for name in numbers if name in table.attributes}
    found |= table.arrays
    names = (*needed, *optional, *numbers)
    arrays = {name: np.asarray(found[name]) for name in names if name in found}
    units = {name: str(unit) for name, unit in table.units.items() if unit}
    arrays = _pivoted(table, arrays, rows) if _is_of_rows(table, arrays) else _one(table, arrays)
    arrays = arrays if how is None else _with_power(path, arrays, table.arrays, how)
    return arrays, units


def _advised(error, table, needed, columns):
    """The error, with the option that names arrays where it was not given."""
    if not columns.empty or set(needed) <= set(table.arrays):
        return error
    first = "voltage" if "voltage" in needed else "power"
    return DataError(f"{error}; say which are which by --columns, as in time=t,{first}=V2")


def _is_of_rows(table, arrays):
    """Whether all arrays are columns of one length, and so is one that says which case
    or neuron a row is of.
    """
    own = [name for name in table.arrays if name in {*arrays, *KEYS}]
    shapes = {table.arrays[name].shape for name in own}
    return len(shapes) == 1 and len(shapes.pop()) == 1 and any(name in KEYS for name in own)


def _one(table, arrays):
    """The arrays of one recording; DataError for columns that are of several, where
    another one may say of which a row is.
    """
    time = arrays["time"]
    if time.ndim == 1 and time.dtype.kind in "fiu":
        advice = case_advice(table, time, arrays)
        problems = increase_problems(time) if advice else []
        tell([f"{problem}{advice}" for problem in problems], table.path)
    return arrays


def check_seconds(path: str | Path, time: np.ndarray, columns: Columns) -> None:
    """DataError for times of a file that are whole numbers without a unit, as numbers
    of samples or of ns are.
    """
    if not are_whole(time):
        return
    if not arranged(read_table(Path(path)), columns, NAMES).units.get("time"):
        raise DataError(
            f"{path}: time: holds whole numbers and no unit; say what they are, as in "
            "--units time=ns, or time=s for seconds"
        )


def are_whole(time: np.ndarray) -> bool:
    """Whether all times are whole numbers, but for rounding."""
    known = time[np.isfinite(time)]
    # a product of a number and a unit has roundings
    return bool(np.allclose(known, np.round(known), rtol=1e-12, atol=0))


def _with_power(path, arrays, whole, how):
    """The arrays with the power of their voltage."""
    if "power" in whole:
        raise DataError(f"{path}: has its own power; leave --envelope out")
    if "noise" in arrays:
        raise DataError(f"{path}: noise is that of a power; leave it out with --envelope")
    try:
        made, found = demodulated(arrays, how)
    except (ConfigError, DataError) as error:
        raise DataError(f"{path}: {error}") from None
    low, high = (amount(limit, "Hz") for limit in found.band)
    step = amount(float(np.diff(found.time[:2])[0]), "s") if len(found.time) > 1 else "0 s"
    warnings.warn(
        f"{path}: power is that of the voltage from {low} to {high}, a mean over {step} each; "
        f"{amount(found.edge, 's')} at both ends are left out",
        DataNote,
        stacklevel=5,
    )
    for text in doubts(arrays.get("drive"), found):
        warnings.warn(f"{path}: {text}", stacklevel=5)
    return made


def device_of(
    data: Any, needed: Collection[str], optional: Collection[str], rows: Literal["case", "neuron"]
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """({name: array}, {name: unit}) as of `read_device`, of an object of pandas or
    xarray, or of a dictionary of arrays.

    Columns of a DataFrame are one recording, or with a column `case` or `neuron` one of
    each. Units in the attributes are converted.

    Args:
        rows: as of `samples_of`, for which two axes of an array with named dimensions
            are made three where they are the others.
    """
    found = named_of(data)
    table = arranged(found.table, NONE, (*needed, *optional))
    if table.notes:
        warnings.warn(f"{table.path}: {'; '.join(table.notes)}", DataNote, stacklevel=4)
    table.check_names(needed, (*optional, *KEYS))
    arrays = {name: table.arrays[name] for name in (*needed, *optional) if name in table.arrays}
    units = {name: str(unit) for name, unit in table.units.items() if unit}
    if library_of(data) == "pandas":
        return _pivoted(table, arrays, rows), units
    known = {name: found.roles.get(name, ()) for name in arrays}
    aligned = {name: _aligned(array, known[name], rows) for name, array in arrays.items()}
    return aligned, units


def _aligned(array, roles, rows):
    """An array with named axes as `samples_of` reads it."""
    axes = set(roles) - {"time"}
    if len(axes) != 1 or axes == {rows} or not axes <= {"case", "neuron"}:
        return array
    return array[:, None] if axes == {"case"} else array[None]


def _pivoted(table, arrays, rows):
    """Columns (row,) as (case, time), (neuron, time) or (case, neuron, time); rows of
    the same case and neuron stand in the order of time.
    """
    keys = [name for name in KEYS if name in table.arrays]
    if not keys:
        return arrays
    places = [np.unique(table.arrays[key], return_inverse=True)[1] for key in keys]
    sizes = [int(place.max(initial=0)) + 1 for place in places]
    flat = np.ravel_multi_index(tuple(places), sizes)
    number = np.empty(len(flat), dtype=int)
    for own in np.unique(flat):
        at = np.flatnonzero(flat == own)
        number[at] = np.arange(len(at))
    shape = (*sizes, int(number.max(initial=0)) + 1)
    found = {}
    for name, column in arrays.items():
        if np.shape(column) != flat.shape:
            # a number of all
            found[name] = column
            continue
        wide = np.full(shape, np.nan)
        wide[(*places, number)] = column
        found[name] = wide
    if "neuron" in keys:
        # the times of a case are those of all of its neurons
        found["time"] = found["time"][..., 0, :]
    elif rows == "neuron":
        # of two axes the first would be neurons
        found |= {name: x[:, None] for name, x in found.items() if name != "time" and x.ndim == 2}
    times = np.atleast_2d(found["time"])
    # an axis that all cases share is one
    found["time"] = times[0] if (times == times[0]).all() else found["time"]
    return found


def error_of(problems: list[str], path: str | Path | None = None) -> DataError:
    """The error that tells all problems in one line."""
    more = "; and more" if len(problems) > MOST_PROBLEMS else ""
    text = "; ".join(problems[:MOST_PROBLEMS]) + more
    return DataError(text if path is None else f"{path}: {text}")


def tell(problems: list[str], path: str | Path | None = None) -> None:
    """Raises the error of the problems, if there are any."""
    if problems:
        raise error_of(problems, path)


def kind_problems(arrays: Mapping[str, np.ndarray]) -> list[str]:
    """Arrays that are no real numbers, in words."""
    return [
        f"{name}: must be real numbers, got {_first_text(array) or array.dtype}"
        for name, array in arrays.items()
        if array.dtype.kind not in "fiu"
    ]


def _first_text(array):
    """The first text of an array that is no number, in words; "" if there is none."""
    for place, text in np.ndenumerate(array if array.dtype.kind in "US" else np.empty(0)):
        text = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
        try:
            float(text or "nan")
        except ValueError:
            rows = ", ".join(str(number + 1) for number in place)
            return f"the text {text[:MOST_LETTERS]!r} in row {rows or 1}"
    return ""


def samples_of(
    arrays: Mapping[str, np.ndarray],
    rows: Literal["case", "neuron"],
    least: int = 2,
    neuron: int | None = None,
) -> tuple[Samples | None, list[str]]:
    """(`Samples`, problems in words); None where the axes of power or time cannot be
    told.

    A drive or noise that does not fit is left out.

    Args:
        arrays: {name: real array} of `NAMES`; time and power at least.
        rows: what the first axis of a power with two axes is.
        least: times that are needed.
        neuron: the one that is taken, None for all.
    """
    power, time = arrays["power"], arrays["time"]
    problems = _axes_problems(power, time, rows, least)
    if problems:
        return None, problems
    widened, problems = {"power": _widened(power, power.ndim, rows)}, []
    times = power.shape[-1]
    for name, lengths in (("drive", (times, times - 1)), ("noise", (times, 1))):
        if name not in arrays:
            continue
        array = np.atleast_1d(arrays[name]) if name == "noise" else arrays[name]
        if _fits(array, power, lengths):
            widened[name] = _widened(array, power.ndim, rows)
        else:
            problems.append(_misfit(name, array, power))
    if neuron is not None:
        widened = {
            name: array[:, neuron : neuron + 1] if array.shape[1] > 1 else array
            for name, array in widened.items()
        }
    time = np.atleast_2d(time).astype(np.float64)
    samples = Samples(time, widened["power"], widened.get("drive"), widened.get("noise"))
    return samples, problems + _value_problems(samples)


def _axes_problems(power, time, rows, least):
    """Why power and time cannot be read, in words."""
    times = time.shape[-1] if time.ndim else 0
    if not 1 <= power.ndim <= 3 or not power.size or power.shape[-1] != times or times < least:
        count = f"{times} times" if times >= least else f"at least {least} times"
        turned = times > 1 and times in power.shape[:-1]
        return [
            f"power: must have the axes {_AXES[rows]} with {count}, got the shape {power.shape}"
            + ("; are the axes in another order?" if turned else "")
        ]
    cases = 1 if power.ndim == 1 or (power.ndim, rows) == (2, "neuron") else len(power)
    if time.ndim > 2 or (time.ndim == 2 and len(time) not in (1, cases)):
        return [_misfit("time", time, power)]
    return []


def _misfit(name, array, power):
    return f"{name}: its shape {array.shape} does not fit the power's {power.shape}"


def _fits(array, power, times):
    """Whether the array has the power's axes, or one value for all of an axis, and such
    a number of times.
    """
    if not 1 <= array.ndim <= 3 or array.shape[-1] not in times:
        return False
    if all(n == 1 for n in array.shape[:-1]):
        return True
    own = zip(array.shape[:-1], power.shape[:-1], strict=False)
    return array.ndim == power.ndim and all(n in (1, most) for n, most in own)


def _widened(array, axes, rows):
    """With the axes (case, neuron, time); axes: their number in the power as given."""
    if array.ndim == 2 and axes == 2 and rows == "case":
        return array[:, None, :]
    return array.reshape((1,) * (3 - array.ndim) + array.shape)


def _first(wrong):
    """[(case, neuron)] of the first trajectories in which a time is wrong."""
    return np.argwhere(wrong.any(axis=2))[: MOST_PROBLEMS + 1].tolist()


def _value_problems(samples):
    """Values that are no measurement, in words."""
    power, noise = samples.power, samples.noise
    problems = []
    for case, neuron in _first(np.isinf(power)):
        sample = np.argmax(np.isinf(power[case, neuron]))
        problems.append(
            f"power: {samples.where(case, neuron)} has an infinite value at sample {sample}; what "
            "was not measured is NaN"
        )
    if not problems and is_beyond(power):
        problems.append(
            f"power: holds values beyond {HIGHEST:g}; normalise it, so that eq. (1) keeps it below "
            "1"
        )
    problems += _time_problems(samples)
    if noise is not None:
        noise = np.broadcast_to(noise, power.shape)
        wrong = ~np.isnan(power) & ~((noise > 0) & np.isfinite(noise))
        for case, neuron in _first(wrong):
            where = samples.where(case, neuron)
            problems.append(f"noise: {where} has a value that is no positive number")
    return problems


def _time_problems(samples):
    """Times up to the last measured one that are not finite or do not increase, in
    words.
    """
    ends = samples.ends if len(samples.time) > 1 else [samples.ends.max()]
    problems = []
    for case, (time, end) in enumerate(zip(samples.time, ends, strict=True)):
        where = f"case {case} " if len(samples.time) > 1 else ""
        problems += increase_problems(time[: end + 1], where)
    return problems


def increase_problems(time: np.ndarray, where: str = "") -> list[str]:
    """Why the times (time,) are not finite and increasing, in words."""
    missing = np.flatnonzero(~np.isfinite(time))
    if missing.size:
        return [f"time: {where}has no finite time at sample {missing[0]}"]
    backwards = np.flatnonzero(np.diff(time) <= 0)
    if backwards.size:
        return [f"time: {where}does not increase after sample {backwards[0]}"]
    return []


def size_problems(arrays: Mapping[str, np.ndarray | None]) -> list[str]:
    """Arrays whose squares would leave the range of numbers, in words; NaN does not
    count, None is no array.
    """
    problems = []
    for name, values in arrays.items():
        if values is None:
            continue
        size = float(np.fmax.reduce(np.abs(values), axis=None, initial=0))
        if np.isfinite(size) and size > HIGHEST:
            problems.append(f"{name}: holds values beyond {HIGHEST:g}; give it in a larger unit")
        elif 0 < size < LOWEST:
            problems.append(f"{name}: is below {LOWEST:g} throughout; give it in a smaller unit")
    return problems


def is_beyond(values: np.ndarray) -> bool:
    """Whether a value is larger than `HIGHEST`, either way."""
    # as float64, since smaller kinds cannot hold that number
    return float(np.fmax.reduce(np.abs(values), axis=None, initial=0)) > HIGHEST
