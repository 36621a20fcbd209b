"""Opens what is analysed: trajectory files of ours, and files that a device was measured into."""

import contextlib
import math
from pathlib import Path

import numpy as np

import spinrnn
from spinrnn.config.tables import nearest
from spinrnn.errors import DataError, StoreError, listed
from spinrnn.files.atomic import read_bytes
from spinrnn.files.container import is_spinrnn_file
from spinrnn.files.hdf5 import read_arrays
from spinrnn.readers.npz import read_npz
from spinrnn.recordings.recording import Recording, recording_of

ARRAYS = ("time", "power", "drive", "inputs", "labels")


NUMBERS = ("input_interval", "relaxation_time", "nonlinear_damping", "bias_ratio")


ALIASES = {
    "gamma": "relaxation_time, 1 / gamma in s,",
    "tau": "relaxation_time (s)",
    "Q": "nonlinear_damping",
}
"""What users may call numbers, and how they are given."""


HIGHEST = 1e30
"""Powers and drives above are no measurements: their squares would leave the range of numbers."""


def open_recording(path, **numbers):
    """Opens a trajectory file of ours, which is then read as far as it is needed, or reads a file of the user's, as described above.

    Args:
        path: the file; numbers: `NUMBERS` that the file does not hold, None for those that are not known.
    Returns:
        `Recording`.
    Raises:
        StoreError: the file cannot be read; DataError: its content does not fit together, every mistake in one line.
    """
    path, numbers = (
        Path(path),
        {name: value for name, value in numbers.items() if value is not None},
    )
    if path.is_dir():
        raise StoreError(
            f"{path} is a folder; give a trajectory file, which spinrnn simulate writes, or a recording of your own"
        )
    if is_spinrnn_file(path):
        if numbers:
            raise DataError(
                f"{path}: a trajectory of spinrnn has its own {' and '.join(numbers)}; leave the option out"
            )
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(spinrnn.open_trajectory(path))
            recording = recording_of(
                file, file.config, file.inputs, file.labels, file.network, str(path)
            )
            recording.file = file
            stack.pop_all()  # the recording closes it
        return recording
    arrays = _read(path)
    for name in set(arrays) - {*ARRAYS, *NUMBERS}:  # others may be anything, but not a misspelt one
        meant = nearest(name, (*ARRAYS, *NUMBERS))
        if meant is not None:
            raise DataError(f"{path}: unknown array {listed([name])}; did you mean {meant}?")
    for name, meant in ALIASES.items():
        if name in arrays:
            raise DataError(f"{path}: unknown array {name}; give {meant} in its place")
    twice = [name for name in numbers if name in arrays]
    if twice:
        raise DataError(f"{path}: has its own {' and '.join(twice)}; leave the option out")
    arrays |= numbers
    missing = [name for name in ("time", "power") if name not in arrays]
    if missing:
        raise DataError(
            f"{path}: has no array {' and no array '.join(missing)}; it holds {listed(sorted(arrays))}"
        )
    found = {name: np.asarray(arrays[name]) for name in (*ARRAYS, *NUMBERS) if name in arrays}
    shaped, problems = _checked(found)
    if problems:
        raise DataError(f"{path}: {'; '.join(problems)}")
    return Recording(str(path), **shaped)


def _read(path):
    """{name: array} of the file, attributes of an HDF5 file's root included."""
    content = read_bytes(path)
    if content[:4] == b"PK\x03\x04":
        return read_npz(path, content)
    attributes, arrays = read_arrays(content, path)
    return {name: value for name, value in attributes.items() if name in NUMBERS} | arrays


def _checked(found):
    """({attribute of `Recording`: value}, list of problems) of the arrays of a user's file."""
    wrong = [
        f"{name}: must be real numbers, got {array.dtype}"
        for name, array in found.items()
        if array.dtype.kind not in "fiu"
    ]
    if wrong:
        return None, wrong
    problems, shaped = [], {}
    for name in NUMBERS:
        if name in found:
            value = found[name]
            least = name in ("input_interval", "relaxation_time")
            if (
                value.size != 1
                or not math.isfinite(value.item())
                or value.item() < 0
                or (least and value.item() == 0)
            ):
                problems.append(
                    f"{name}: must be one {'positive ' if least else ''}number{'' if least else ' from 0'}, in SI units"
                )
            else:
                shaped[name] = float(value.item())
    time, power = found["time"], found["power"]
    increasing = (
        time.ndim == 1
        and len(time) > 1
        and np.isfinite(time).all()
        and (time[1:] > time[:-1]).all()
    )
    if increasing:  # what is not is left as small as it is in the file
        time = time.astype(np.float64)
    if not increasing or not (np.diff(time) > 0).all():
        problems.append("time: must be at least 2 increasing, finite times in s, of shape (time,)")
        return shaped, problems
    if not 1 <= power.ndim <= 3 or power.shape[-1] != len(time) or not power.size:
        problems.append(
            f"power: must have the axes (case, neuron, time), (neuron, time) or (time,) with {len(time)} times, got the shape {power.shape}"
            + ("; are the axes in another order?" if len(time) in power.shape else "")
        )
        return shaped, problems
    shaped |= {"time": time, "power": {0: _widened(power)}}
    cases, *_ = shaped["power"][0].shape
    empty = np.flatnonzero(np.isnan(shaped["power"][0]).all(axis=(0, 2)))
    if len(empty):
        problems.append(
            f"power: holds nothing but NaN for neuron {', '.join(map(str, empty[:10]))}; leave out what was not measured"
        )
    if np.isinf(power).any():
        problems.append("power: holds infinite values; what was not measured is NaN")
    elif _beyond(shaped["power"][0]):
        problems.append(
            f"power: holds values beyond {HIGHEST:g}; normalise it, so that eq. (1) keeps it below 1"
        )
    if "drive" in found:
        drive = found["drive"]
        if (
            drive.ndim != power.ndim
            or drive.shape[:-1] != power.shape[:-1]
            or drive.shape[-1] not in (len(time), len(time) - 1)
        ):
            problems.append(
                f"drive: must have the shape of power, {power.shape}, or one time less; got {drive.shape}"
            )
        else:
            shaped["drive"] = {0: _widened(drive)[..., : len(time) - 1]}
            if _beyond(shaped["drive"][0]):
                problems.append(
                    f"drive: holds values beyond {HIGHEST:g} / s, or infinite ones; what was not measured is NaN"
                )
    if "inputs" in found:
        if found["inputs"].ndim != 3 or len(found["inputs"]) != cases:
            problems.append(
                f"inputs: must have the axes (case, channel, point) with {cases} cases, got the shape {found['inputs'].shape}"
            )
        elif "input_interval" not in found:
            problems.append("inputs: give input_interval, the time in s for which each is held")
        shaped["inputs"] = found["inputs"]
    if "labels" in found:
        if found["labels"].shape != (cases,) or found["labels"].dtype.kind not in "iu":
            problems.append(
                f"labels: must be {cases} whole numbers, one for each case; got {found['labels'].dtype} of shape {found['labels'].shape}"
            )
        shaped["labels"] = found["labels"]
    return shaped, problems


def _widened(array):
    """As real numbers with the axes (case, neuron, time)."""
    array = array if array.dtype.kind == "f" else array.astype(np.float64)
    return array.reshape((1,) * (3 - array.ndim) + array.shape)


def _beyond(values):
    """Whether a value is larger than `HIGHEST`; as float64, since smaller kinds cannot hold that number."""
    return float(np.fmax.reduce(np.abs(values), axis=None, initial=0)) > HIGHEST
