"""Pulse responses of devices as they were measured: rows of a table, checked and put in
order, for the fit of a synapse.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spinrnn.arrays import array_of
from spinrnn.errors import DataError
from spinrnn.readers.columns import NONE, Columns, arranged
from spinrnn.readers.formats import read_table
from spinrnn.readers.table import tell
from spinrnn.readers.units import SHARE, unit_of

UPWARDS = ("up", "potentiation", "p", "ltp", "set", "+", "1", "+1", "positive")
DOWNWARDS = ("down", "depression", "d", "ltd", "reset", "-", "-1", "negative")
NAMES = ("device", "cycle", "pulse", "direction", "conductance")
NEEDED = {"pulse": "n", "conductance": "G"}
"""{column: what users may call it, in examples}."""
LARGEST = 0.1
"""S: of a device; more is taken for a mistake of units, and told."""
CHANCE, FAR, BACK = 6.0, 9.0, 0.2
"""Deviations of chance, and share of the range, beyond which a ramp has turned."""
FEWEST = 5
"""Rows of a ramp of which that is judged."""
NORMAL = 0.6745
"""Median of the absolute value of a standard normal number."""
SIGN = "sign"
"""Another name of direction."""
_FORM = "a positive or negative number, or up and down, potentiation and depression"


@dataclass(frozen=True, eq=False)
class Pulses:
    """Conductances that were read after pulses, in order of time; arrays (row,).

    Attributes:
        conductance: S; upwards: whether the pulse before was one of potentiation.
        device: number of the device, from 0; sequence: of the stretch in which one row
            follows the other, a device's cycle; cycle: its number from 0.
        devices: names of the devices; notes: sentences on what had to be found out.
    """

    conductance: np.ndarray
    upwards: np.ndarray
    device: np.ndarray
    sequence: np.ndarray
    cycle: np.ndarray
    devices: tuple[str, ...]
    notes: tuple[str, ...] = ()


def load_pulses(path: str | Path, columns: Columns = NONE) -> Pulses:
    """`Pulses` of a file: CSV, HDF5 and whatever else `spinrnn look` reads.

    Args:
        path: columns `pulse` and `conductance` (S), perhaps `device`, `cycle` and
            `direction` or `sign`; or two columns, pulse and conductance, first up then
            down.
        columns: what the user calls them, and their units.
    Raises:
        StoreError: it cannot be read; DataError: all that is wrong with the table.
    """
    table = arranged(read_table(Path(path)), columns, (NAMES[-1],))
    arrays, notes = dict(table.arrays), list(table.notes)
    if len(arrays) == 2 and not {"pulse", "conductance"} & set(arrays):
        first, second = arrays
        arrays = {"pulse": arrays[first], "conductance": arrays[second]}
        notes.append(f"{first} is pulse, {second} is conductance")
    missing = [name for name in NEEDED if name not in arrays]
    if missing:
        held = ", ".join(arrays)
        named = ",".join(f"{name}={symbol}" for name, symbol in NEEDED.items() if name in missing)
        advice = f"say which by --columns, as in --columns {named}"
        raise DataError(f"{path}: has no column {' and '.join(missing)}, but {held}; {advice}")
    unit = unit_of(table.units.get("conductance", ""))
    if unit is not None and unit.si not in ("", "S", SHARE):
        advice = "a conductance is in S, as uS; of resistances give one over them"
        raise DataError(f"{path}: conductance: is in {unit.symbol}; {advice}")
    if SIGN in arrays and "direction" not in arrays:
        arrays["direction"] = arrays.pop(SIGN)
    found, more = pulses_of({name: arrays[name] for name in NAMES if name in arrays}, path)
    return _with_notes(found, (*notes, *more))


def _with_notes(found, notes):
    return Pulses(**{**vars(found), "notes": tuple(notes)})


def pulses_of(given: Mapping[str, np.ndarray], path: str | Path) -> tuple[Pulses, list[str]]:
    """(`Pulses` of {name: (row,) array}, sentences on what was found out).

    path: for messages. DataError: all that is wrong.
    """
    arrays = {name: array_of(array, name, missing=True) for name, array in given.items()}
    tell(Path(path), _wrong_arrays(arrays))
    arrays, gaps, left_out = _measured(arrays)
    conductance = np.asarray(arrays["conductance"], dtype=np.float64)
    largest = float(conductance.max(initial=0.0))
    pulse = np.asarray(arrays["pulse"], dtype=np.float64)
    rows, notes = len(pulse), []
    devices, device = np.unique(arrays.get("device", np.zeros(rows)), return_inverse=True)
    if "direction" in arrays:
        upwards, problems = _directions(arrays["direction"], gaps)
        cycle = _numbered(arrays.get("cycle", np.zeros(rows)))
    else:
        upwards, cycle, told = _turned(pulse, conductance, device, arrays.get("cycle"))
        problems, notes = [], [told]
        problems += _again(conductance, upwards, device, cycle, gaps)
    tell(Path(path), [*problems, *_wrong_order(pulse, upwards, device, cycle, gaps)])
    notes += left_out
    if largest > LARGEST:
        told = f"conductances of up to {largest:.3g} S are large for a device"
        notes.append(f"{told}; is the unit another one, as in --units conductance=uS?")
    names = tuple(f"{name:g}" if isinstance(name, float) else str(name) for name in devices)
    if "direction" in arrays and "cycle" not in arrays:
        cycle = _counted(upwards, device)
    _, sequence = np.unique(np.stack([device, cycle, gaps]), axis=1, return_inverse=True)
    order = np.argsort(sequence.ravel(), kind="stable")
    found = Pulses(
        conductance[order], upwards[order], device[order], sequence.ravel()[order], cycle[order],
        names,
    )  # fmt: skip
    tell(Path(path), _too_few(found))
    return found, notes


def _measured(arrays):
    """(arrays without the rows of which no conductance was read, for each row left the
    number of such rows before it, what is said of them).

    From the row before to the row behind it is more than one pulse, so that a stretch
    ends there.
    """
    missing = np.isnan(np.asarray(arrays["conductance"], dtype=np.float64))
    if not missing.any():
        return arrays, np.zeros(len(missing), dtype=int), []
    first, count = np.flatnonzero(missing)[0] + 1, int(missing.sum())
    told = f"{count} of {len(missing)} rows have no conductance, the first is row {first}"
    left = {name: array[~missing] for name, array in arrays.items()}
    return left, np.cumsum(missing)[~missing], [f"{told}; they are left out, as gaps"]


def _numbered(values):
    """Numbers from 0 of values that are equal or not."""
    return np.unique(values, return_inverse=True)[1].ravel()


# ---- what is wrong ----


def _wrong_arrays(arrays):
    problems = []
    shapes = {name: array.shape for name, array in arrays.items()}
    if any(len(shape) != 1 for shape in shapes.values()) or len(set(shapes.values())) > 1:
        told = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        return [f"columns must be of one length, got {told}"]
    for name in ("pulse", "conductance"):
        array = arrays[name]
        if array.dtype.kind not in "fiu":
            problems.append(f"{name}: must be numbers, got {array[:1].tolist()[0]!r}")
            continue
        numbers = np.asarray(array, dtype=np.float64)
        bad = np.flatnonzero(~np.isfinite(numbers) if name == "pulse" else np.isinf(numbers))
        if len(bad):
            what = "missing" if name == "pulse" else "infinite"
            problems.append(f"{name}: {len(bad)} {what}, the first in row {bad[0] + 1}")
        if name == "conductance" and (array < 0).any():
            first = int(np.flatnonzero(array < 0)[0])
            problems.append(
                f"conductance: must not be negative, got {array[first]:g} in row {first + 1}"
            )
        elif name == "conductance" and np.isnan(numbers).all():
            problems.append("conductance: is missing in all rows")
        elif name == "conductance" and len(array) > 1 and np.ptp(numbers[~np.isnan(numbers)]) == 0:
            problems.append("conductance: is the same in all rows")
    if not len(arrays["pulse"]):
        problems.append("has no rows")
    return problems


def _directions(given, gaps):
    """((row,) bool, problems); gaps: (row,) rows before it that were left out."""
    if given.dtype.kind in "fiu":
        numbers = np.asarray(given, dtype=np.float64)
        bad = np.flatnonzero(~(np.abs(numbers) > 0))
        upwards = numbers > 0
    else:
        texts = np.char.lower(np.char.strip(given.astype(str)))
        upwards = np.isin(texts, UPWARDS)
        bad = np.flatnonzero(~upwards & ~np.isin(texts, DOWNWARDS))
    if len(bad):
        value = given[bad[0]]
        return upwards, [f"direction: must be {_FORM}; got {value} in row {_row(bad[0], gaps)}"]
    return upwards, []


def _wrong_order(pulse, upwards, device, cycle, gaps):
    """Pulses of one device, cycle and direction that follow each other are counted
    upwards.
    """
    same = (np.diff(device) == 0) & (np.diff(cycle) == 0) & (upwards[1:] == upwards[:-1])
    back = np.flatnonzero(same & (np.diff(pulse) <= 0))
    if not len(back):
        return []
    row = back[0] + 1
    return [
        f"pulse: goes from {pulse[row - 1]:g} to {pulse[row]:g} in row {_row(row, gaps)}, within "
        "one ramp of a device; rows must be in order of time, and a column cycle tells ramps apart"
    ]


def _row(index, gaps):
    """Number of a row in the user's table, from 1."""
    return index + 1 + gaps[index]


def _again(conductance, upwards, device, cycle, gaps):
    """Where no direction was given: what turned once does not turn again."""
    ramps = _numbered(np.stack([device, cycle]).T @ [len(device) + 1, 1])
    for one in np.unique(ramps):
        extent = np.ptp(conductance[ramps == one])
        for part, sign in ((upwards, 1), (~upwards, -1)):
            rows = np.flatnonzero((ramps == one) & part)
            back = _back(sign * conductance[rows], extent)
            if back is not None:
                return [
                    f"conductance: goes up again after it went down, about row "
                    f"{_row(rows[back], gaps)}; a column direction, or a pulse number that begins "
                    "anew, tells which pulses go up"
                ]
    return []


def _back(rising, extent):
    """The row, from 0, at which a ramp upwards has gone back by more than chance makes
    of it; None where it does not. extent: range of the ramp and the one back.

    Second differences hold the scatter of pulses and readings, and hardly the ramp.
    Over n pulses scatter makes at most sqrt(n) of it; back by half of the range is
    beyond a few of it, as devices come back to their curve. Medians of three pass over
    a single bad reading.
    """
    if len(rising) < FEWEST:
        return None
    scatter = np.median(np.abs(np.diff(rising, 2))) / NORMAL / np.sqrt(2)
    smooth = np.median([rising[:-2], rising[1:-1], rising[2:]], axis=0)
    for n in 2 ** np.arange(int(np.log2(len(smooth) - 1)) + 1):
        some = max(CHANCE * scatter * np.sqrt(n), BACK * extent)
        half = max(FAR * scatter, 0.5 * extent)
        beyond = np.flatnonzero(smooth[:-n] - smooth[n:] > min(some, half))
        if len(beyond):
            return int(beyond[0]) + n + 1
    return None


def _too_few(found):
    """Problems of what is there, but not enough."""
    problems = []
    for upwards, name in ((True, "potentiation"), (False, "depression")):
        count = int((found.upwards == upwards).sum())
        if not count:
            problems.append(f"has pulses of one direction only; there is no {name}")
        elif count < 2:
            problems.append(f"{name}: a single pulse says nothing about a response")
    lengths = np.bincount(found.sequence)
    if not problems and lengths.max() < 3:
        problems.append("no device has three pulses one after the other")
    return problems


# ---- tables without a direction ----


def _turned(pulse, conductance, device, cycle):
    """(upwards, cycle, what was found out) of a table without a direction: a device's
    ramps go up first and then down, and so on.

    Where the number of the pulse does not grow a stretch begins. Where these go up and
    down in turns they are ramps; else each of them turns at its largest conductance.
    """
    given = np.zeros(len(pulse)) if cycle is None else _numbered(cycle)
    upwards, ramp = np.ones(len(pulse), dtype=bool), np.zeros(len(pulse), dtype=int)
    groups = _numbered(np.stack([device, given]).T @ [len(pulse) + 1, 1])
    wheres = set()
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        parts = np.split(rows, 1 + np.flatnonzero(np.diff(pulse[rows]) <= 0))
        in_turns = len(parts) > 1 and all(
            _rises(conductance[part]) == (k % 2 == 0) for k, part in enumerate(parts)
        )
        if not in_turns:
            tops = [1 + conductance[part].argmax() for part in parts]
            parts = [half for part, top in zip(parts, tops, strict=True)
                     for half in np.split(part, [top])]  # fmt: skip
        for k, part in enumerate(parts):
            upwards[part], ramp[part] = k % 2 == 0, k // 2
        wheres.add("where pulses are counted anew" if in_turns else "at the highest conductance")
    told = f"no direction is given: ramps go up first, and turn {' or '.join(sorted(wheres))}"
    return upwards, (ramp if cycle is None else given.astype(int)), told


def _rises(conductance):
    """Whether the end is above the start, each the mean of a tenth."""
    tenth = max(1, len(conductance) // 10)
    return conductance[-tenth:].mean() > conductance[:tenth].mean()


def _counted(upwards, device):
    """(row,) cycles where none are given: one ends where a device goes up again."""
    cycle = np.zeros(len(upwards), dtype=int)
    for one in np.unique(device):
        rows = np.flatnonzero(device == one)
        again = np.r_[False, upwards[rows][1:] & ~upwards[rows][:-1]]
        cycle[rows] = np.cumsum(again)
    return cycle
