"""Measured trajectories of single oscillators: checks of time, drive and power, and the files that hold them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spinrnn.config.tables import nearest
from spinrnn.errors import DataError, listed
from spinrnn.files.atomic import read_bytes
from spinrnn.files.container import is_spinrnn_file
from spinrnn.files.hdf5 import read_arrays
from spinrnn.readers.npz import read_npz

ARRAYS = ("time", "drive", "power", "noise")
"""Arrays of a file; noise may be missing."""


@dataclass(frozen=True, eq=False)
class Measurement:
    """Trajectories of one device, checked. Where a case has no more samples, durations are 0.

    Attributes:
        time: (case, sample) float64, s; NaN after the end of a case.
        drive: (case, sample) in the user's unit, or (case, sample - 1): each value is held until the next time. At the last sample of a case
            it may be NaN, as a held drive has no use for it; 0 after that.
        power: (case, sample) float64; NaN: missing.
        noise: (case, sample) standard deviation of the power's noise, or None where it is unknown.
        resolution: relative resolution of the numbers that the power was stored in.
    """

    time: np.ndarray
    drive: np.ndarray
    power: np.ndarray
    noise: np.ndarray | None
    resolution: float

    @property
    def present(self):
        """(case, sample) bool: where the power was measured."""
        return ~np.isnan(self.power)

    @property
    def durations(self):
        """(case, sample - 1) s between the times, 0 after the end of a case."""
        return np.nan_to_num(np.diff(self.time, axis=1))

    def take(self, cases):
        """The cases of a slice; DataError if there are none."""
        if not len(self.power[cases]):
            raise DataError(f"cases: the {len(self.power)} cases have none of these")
        noise = None if self.noise is None else self.noise[cases]
        return Measurement(
            self.time[cases], self.drive[cases], self.power[cases], noise, self.resolution
        )


def measurement(time, drive, power, noise=None):
    """Checks measured trajectories of one device.

    Args:
        time: (sample,) or (case, sample) s, increasing, not necessarily evenly.
        drive: as power, or with one value less for each case where it is held between the times; (sample,) if all cases have the same.
        power: (sample,) or (case, sample); NaN where it is missing, and after the end of shorter cases.
        noise: standard deviation of the power's noise, one number or as power; None if it is unknown.
    Returns:
        `Measurement`.
    Raises:
        DataError: all mistakes at once.
    """
    arrays, problems = {}, []
    for name, value in zip(ARRAYS, (time, drive, power, noise), strict=True):
        try:
            array = None if value is None else np.asarray(value)
        except ValueError:
            problems.append(f"{name}: the cases differ in length; pad them with NaN to one length")
            continue
        if value is not None and array.dtype.kind not in "fiu":
            problems.append(f"{name}: must be real numbers, got {array.dtype}")
        elif value is not None:
            arrays[name] = array
    if problems:
        raise DataError("; ".join(problems))
    power = arrays["power"]
    if power.ndim not in (1, 2) or power.shape[-1] < 3 or not power.size:
        raise DataError(
            f"power: must have the axes (sample,) or (case, sample) and at least 3 samples, got the shape {power.shape}{_turned(power)}"
        )
    cases, samples = power.shape if power.ndim == 2 else (1, len(power))
    lengths = {"time": (samples,), "drive": (samples, samples - 1), "noise": (samples, 1)}
    for name, allowed in lengths.items():
        array = arrays.get(name)
        if array is None:
            continue
        if array.ndim == 0 and name == "noise":
            array = array[None]
        if (
            array.ndim not in (1, 2)
            or array.shape[-1] not in allowed
            or (array.ndim == 2 and len(array) not in (1, cases))
        ):
            problems.append(
                f"{name}: its shape {array.shape} does not fit the power's {power.shape}"
            )
        arrays[name] = array
    if problems:
        raise DataError("; ".join(problems))
    resolution = _resolution(power)
    power = power.reshape(cases, samples).astype(np.float64)
    for name in arrays.keys() - {"power"}:
        array = arrays[name]
        array = np.broadcast_to(array, (cases, array.shape[-1])).astype(np.float64)
        arrays[name] = np.broadcast_to(array, power.shape) if name == "noise" else array
    time, drive, noise = (arrays.get(name) for name in ("time", "drive", "noise"))
    present = ~np.isnan(power)
    ends = np.where(
        present.any(axis=1), samples - 1 - np.argmax(present[:, ::-1], axis=1), 0
    )  # last sample of each case
    used = np.arange(samples) <= ends[:, None]
    for case in range(cases):
        where = f"case {case}" if cases > 1 else "the trajectory"
        end = ends[case]
        if present[case].sum() < 3:
            problems.append(
                f"power: {where} has {present[case].sum()} samples that are not NaN; it takes at least 3"
            )
        if np.isinf(power[case]).any():
            problems.append(
                f"power: {where} has an infinite value at sample {np.argmax(np.isinf(power[case]))}"
            )
        wrong = np.flatnonzero(~np.isfinite(time[case, : end + 1]))
        if wrong.size:
            problems.append(f"time: {where} has no finite time at sample {wrong[0]}")
        elif (backwards := np.flatnonzero(np.diff(time[case, : end + 1]) <= 0)).size:
            problems.append(f"time: {where} does not increase after sample {backwards[0]}")
        wrong = np.flatnonzero(~np.isfinite(drive[case, :end]))
        if wrong.size:
            problems.append(
                f"drive: {where} has no finite value at sample {wrong[0]}; only the power may be missing"
            )
        if (
            noise is not None
            and not ((noise[case] > 0) & np.isfinite(noise[case]))[present[case]].all()
        ):
            problems.append(f"noise: {where} has a value that is no positive number")
    if problems:
        more = f"; and {len(problems) - 10} more" if len(problems) > 10 else ""
        raise DataError("; ".join(problems[:10]) + more)
    return Measurement(
        np.where(used, time, np.nan),
        np.where(used[:, : drive.shape[1]], drive, 0.0),
        np.where(used, power, np.nan),
        noise,
        resolution,
    )


def _turned(power):
    return (
        "; are the axes in another order?"
        if power.ndim == 2 and power.shape[0] > 3 > power.shape[1]
        else ""
    )


def _resolution(power):
    """Relative step of float32 if the numbers were stored in it, also where they were widened afterwards; else of float64."""
    with np.errstate(over="ignore"):
        single = power.dtype.kind == "f" and np.array_equal(
            power.astype(np.float32).astype(power.dtype), power, equal_nan=True
        )
    return float(np.finfo(np.float32 if single else np.float64).eps)


def from_trajectory(trajectory, layer, neuron, cases=None):
    """Power and drive of one simulated neuron as a `Measurement`.

    Args:
        trajectory: what `Network.simulate` returned or `spinrnn.open_trajectory` opened; layer, neuron: from 0; cases: slice, None for all.
    Raises:
        DataError: there is no such neuron or case, or the file has no power or no drive of it.
    """
    layers = len(
        trajectory.state
        if trajectory.state is not None
        else trajectory.drive
        if trajectory.drive is not None
        else []
    )
    if not 0 <= layer < layers:
        raise DataError(f"layer {layer}: the trajectory has the layers 0 to {layers - 1}")
    found = {}
    for name in ("state", "drive"):
        by_layer = getattr(trajectory, name)
        if by_layer is None or by_layer[layer] is None:
            raise DataError(
                f"layer {layer}: the {'power' if name == 'state' else 'drive'} was not stored; simulate with it"
            )
        if not 0 <= neuron < by_layer[layer].shape[1]:
            raise DataError(
                f"neuron {neuron}: layer {layer} has the neurons 0 to {by_layer[layer].shape[1] - 1}"
            )
        found[name] = np.asarray(by_layer[layer][slice(None) if cases is None else cases, neuron])
    if not len(found["state"]):
        raise DataError(
            f"cases: none of the {trajectory.state[layer].shape[0]} cases is among them"
        )
    return measurement(trajectory.time, found["drive"], found["state"])


def load_measurement(path, neuron=None):
    """Reads a `Measurement` from a .npz, .h5 or .hdf5 file with the arrays time, drive and power, perhaps noise.

    Args:
        path: the file; shapes as in `measurement`, or (case, neuron, sample), as `analysis.open_recording` reads them, of power, drive and noise.
        neuron: of those, from 0.
    Raises:
        StoreError: the file cannot be read; DataError: arrays are missing or do not fit together, or there is no such neuron.
    """
    path = Path(path)
    if path.suffix not in (".npz", ".h5", ".hdf5"):
        raise DataError(f"{path}: give a .npz, .h5 or .hdf5 file")
    arrays = read_npz(path) if path.suffix == ".npz" else read_arrays(read_bytes(path), path)[1]
    missing = [name for name in ARRAYS[:3] if name not in arrays]
    near = {name: nearest(name, arrays) for name in missing}
    if missing:
        if is_spinrnn_file(path):
            raise DataError(
                f"{path}: was written by spinrnn; if it is a trajectory, say which neuron (--neuron L,N)"
            )
        meant = "".join(
            f"; should {listed([close])} be {name}?" for name, close in near.items() if close
        )
        raise DataError(
            f"{path}: has no array {' and no array '.join(missing)}; it holds {listed(arrays)}{meant}"
        )
    try:
        return measurement(*(_of_neuron(arrays, neuron).get(name) for name in ARRAYS))
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def _of_neuron(arrays, neuron):
    """The arrays with those of one neuron in the place of (case, neuron, sample); DataError if it is not said which, or there is none."""
    power = arrays["power"]
    if power.ndim != 3:
        if neuron is not None:
            raise DataError(
                f"power: has no axis of neurons, its shape is {power.shape}; rows are cases (--cases)"
            )
        return arrays
    if neuron is None or not neuron < power.shape[1]:
        raise DataError(
            f"power: has the axes (case, neuron, sample) and {power.shape[1]} neurons; give one of them, from 0 on (--neuron N)"
        )
    several = [
        name
        for name in ("drive", "power", "noise")
        if name in arrays and (name != "noise" or arrays[name].ndim > 1)
    ]
    wrong = [
        name
        for name in several
        if arrays[name].shape[:2] != power.shape[:2] or arrays[name].ndim != 3
    ]
    if wrong:
        raise DataError(
            f"{wrong[0]}: its shape {arrays[wrong[0]].shape} does not fit the power's {power.shape}"
        )
    return arrays | {name: arrays[name][:, neuron] for name in several}
