"""Opens what is analysed: trajectory files of ours, and files that devices were
measured into.

Beside the arrays that `samples` describes, a user's file may hold these. A root
attribute or a dataset will do for the numbers:

    inputs            (case, channel, point), each value held for input_interval, from
                      the first time on
    labels            (case,) whole numbers
    input_interval    s
    relaxation_time   s
    nonlinear_damping, bias_ratio    dimensionless
"""

import contextlib
import math
from pathlib import Path
from typing import Any

import numpy as np

from spinrnn.config.quantity import quantities
from spinrnn.errors import DataError
from spinrnn.files.container import is_spinrnn_file
from spinrnn.neurons.oscillator import Oscillator
from spinrnn.readers.columns import NONE, Columns
from spinrnn.readers.objects import library_of
from spinrnn.recordings.envelope import Demodulation
from spinrnn.recordings.reading import open_trajectory
from spinrnn.recordings.recording import Recording, recording_of
from spinrnn.recordings.samples import (
    HIGHEST,
    Samples,
    device_of,
    error_of,
    increase_problems,
    is_beyond,
    kind_problems,
    read_device,
    samples_of,
    tell,
)

ARRAYS = ("time", "power", "drive", "inputs", "labels")
_NAMES = ARRAYS[:2], ARRAYS[2:]
"""Needed, optional."""
NUMBERS = ("input_interval", *(name for name, q in quantities(Oscillator).items() if q.fit))
"""What a user may know of a device of eq. (1), besides its measured arrays."""
_POSITIVE = NUMBERS[:2]
ALIASES = {
    "gamma": "relaxation_time, 1 / gamma in s,",
    "tau": "relaxation_time (s)",
    "Q": "nonlinear_damping",
}
"""What users may call numbers, and how they are given."""


def open_recording(
    path: Any,
    *,
    columns: Columns = NONE,
    how: Demodulation | None = None,
    **numbers: float | None,
) -> Recording:
    """Opens a trajectory file of ours, or reads a file of the user's, as described
    above; or an object of pandas or xarray with the same names.

    A trajectory file is read as far as it is needed.

    Args:
        path: the file; or a DataFrame, an xarray Dataset or a dictionary of arrays.
        columns: what a user calls the arrays of the file, and their units.
        how: that the power is made of a `voltage` in the file, which oscillates.
        numbers: `NUMBERS` that the file does not hold, None for those that are not
            known.
    Raises:
        StoreError: the file cannot be read.
        DataError: its content does not fit together, every mistake in one line.
    """
    given = {name: value for name, value in numbers.items() if value is not None}
    if library_of(path):
        return _of_arrays(type(path).__name__, device_of(path, *_NAMES, "neuron")[0], given)
    path = Path(path)
    if not path.is_dir() and is_spinrnn_file(path):
        own = [*given, *(["names and units"] if not columns.empty else [])]
        own += ["power"] if how is not None else []
        if own:
            raise DataError(
                f"{path}: a trajectory of spinrnn has its own {' and '.join(own)}; leave the "
                "option out"
            )
        return _of_trajectory_file(path)
    found, _ = read_device(path, *_NAMES, NUMBERS, ALIASES, columns, how, "neuron")
    return _of_arrays(path, found, given)


def _of_arrays(path, found, given):
    """`Recording` of {name: array}, and of numbers that are given besides."""
    twice = [name for name in given if name in found]
    if twice:
        raise DataError(f"{path}: has its own {' and '.join(twice)}; leave the option out")
    found |= {name: np.asarray(value) for name, value in given.items()}
    tell(kind_problems(found), path)
    own = {name: found[name] for name in ("time", "power", "drive") if name in found}
    samples, problems = samples_of(own, "neuron")
    problems += _number_problems(found)
    if samples is None:
        raise error_of(problems, path)
    problems += _power_and_drive_problems(samples)
    # where the samples' own times are wrong, that is what is told of them
    if not any(problem.startswith("time:") for problem in problems):
        problems += _time_problems(samples.time)
    problems += _inputs_and_labels_problems(found, len(samples.power))
    tell(problems, path)
    return _recording(str(path), samples, found)


def _of_trajectory_file(path):
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(open_trajectory(path))
        recording = recording_of(
            file, file.config, file.inputs, file.labels, file.network, str(path)
        )
        recording.file = file
        # from here on the recording closes it
        stack.pop_all()
    return recording


# ---- checks ----


def _number_problems(found):
    """Numbers that are none, in words."""
    problems = []
    for name in NUMBERS:
        if name not in found:
            continue
        value = found[name].item() if found[name].size == 1 else math.nan
        if not math.isfinite(value) or value < 0 or (name in _POSITIVE and value == 0):
            wanted = "one positive number" if name in _POSITIVE else "one number from 0"
            problems.append(f"{name}: must be {wanted}, in SI units")
    return problems


def _power_and_drive_problems(samples: Samples):
    """Powers and drives that an analysis cannot take, in words."""
    problems = []
    empty = np.flatnonzero(np.isnan(samples.power).all(axis=(0, 2)))
    if len(empty):
        problems.append(
            f"power: holds nothing but NaN for neuron {', '.join(map(str, empty[:10]))}; leave out "
            "what was not measured"
        )
    if samples.drive is not None and is_beyond(samples.drive):
        problems.append(
            f"drive: holds values beyond {HIGHEST:g} / s, or infinite ones; what was not measured "
            "is NaN"
        )
    return problems


def _time_problems(time):
    """Why the times (case or 1, time) are not those of all cases, in words."""
    own = _times_of_all(time)
    if not (np.isnan(time[:, : len(own)]) | (time[:, : len(own)] == own)).all():
        return [
            "time: differs from case to case; an analysis needs the same times for all, so "
            "analyse such cases one by one"
        ]
    return increase_problems(own)


def _inputs_and_labels_problems(found, cases):
    """Inputs and labels that do not fit so many cases, in words."""
    problems = []
    inputs, labels = found.get("inputs"), found.get("labels")
    if inputs is not None and (inputs.ndim != 3 or len(inputs) != cases):
        problems.append(
            f"inputs: must have the axes (case, channel, point) with {cases} cases, got the shape "
            f"{inputs.shape}"
        )
    elif inputs is not None and "input_interval" not in found:
        problems.append("inputs: give input_interval, the time in s for which each is held")
    if labels is not None and (labels.shape != (cases,) or labels.dtype.kind not in "iu"):
        problems.append(
            f"labels: must be {cases} whole numbers, one for each case; got {labels.dtype} of "
            f"shape {labels.shape}"
        )
    return problems


def _times_of_all(time):
    """(time,) of the case with most times, without the NaN at their end."""
    longest = time[np.argmax(np.count_nonzero(~np.isnan(time), axis=1))]
    return longest[: len(longest) - int(np.argmax(~np.isnan(longest[::-1])))]


# ---- work ----


def _recording(name, samples: Samples, found):
    """`Recording` of checked arrays, without times at which no case was measured."""
    time = _times_of_all(samples.time)
    times = len(time)
    power, drive = samples.power[:, :, :times], samples.drive
    if drive is not None:
        shape = (*power.shape[:2], drive.shape[2])
        drive = {0: np.broadcast_to(_real(drive), shape)[:, :, : times - 1]}
    numbers = {key: float(found[key].item()) if key in found else None for key in NUMBERS}
    return Recording(
        name,
        time,
        {0: _real(power)},
        drive,
        found.get("inputs"),
        found.get("labels"),
        numbers["input_interval"],
        numbers["relaxation_time"],
        numbers["nonlinear_damping"],
        numbers["bias_ratio"],
    )


def _real(array):
    """As real numbers: whole ones have no NaN."""
    return array if array.dtype.kind == "f" else array.astype(np.float64)
