"""What is analysed: powers over time, with what else is known, from a trajectory of ours or from a file that a device was measured into.

A file of the user's is HDF5 or NPZ with these arrays; a root attribute or dataset will do for the numbers:

    time                (time,) s, increasing
    power               (case, neuron, time), (neuron, time) or (time,), normalised, dimensionless
    drive               the same axes, 1/s; time k's is held until time k + 1, so the last one may be left out      (optional)
    inputs              (case, channel, point), each value held for input_interval from the first time on           (optional)
    labels              (case,) whole numbers                                                                       (optional)
    input_interval      s; relaxation_time, s; nonlinear_damping and bias_ratio, dimensionless: numbers             (optional)

NaN marks what was not measured; a case that ends early ends in NaN.
"""

import contextlib
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import spinrnn
from spinrnn.config.tables import nearest
from spinrnn.errors import DataError, StoreError, listed
from spinrnn.files.atomic import read_bytes
from spinrnn.files.container import is_spinrnn_file
from spinrnn.files.hdf5 import read_arrays
from spinrnn.machine.memory import get_memory_limit
from spinrnn.readers.npz import read_npz

ARRAYS = ("time", "power", "drive", "inputs", "labels")
NUMBERS = ("input_interval", "relaxation_time", "nonlinear_damping", "bias_ratio")
ALIASES = {
    "gamma": "relaxation_time, 1 / gamma in s,",
    "tau": "relaxation_time (s)",
    "Q": "nonlinear_damping",
}
"""What users may call numbers, and how they are given."""
CASES = 10
"""That are taken whatever the memory."""
HIGHEST = 1e30
"""Powers and drives above are no measurements: their squares would leave the range of numbers."""
LARGEST = 256e6
"""Bytes of one layer's powers or drives that are taken at a time; of more cases every second, third ... is taken, of long ones the beginning."""
SHORTEST = 1000
"""Times that are taken whatever the memory."""


@dataclass(eq=False)
class Recording:
    """Powers and what is known beside them. What is not known is None.

    Attributes:
        name: of the file, or "trajectory".
        time: (time,) s; of what is longer than memory allows its beginning, `all_times` is their number before that.
        layers: numbers of the layers that were recorded.
        power: {layer: (case, neuron, time)}; drive: {layer: (case, neuron, time - 1)}, 1/s (CTRNN: dimensionless), or None. Sliceable, perhaps still on disk.
        inputs: (case, channel, point); labels: (case,).
        input_interval, relaxation_time: s; nonlinear_damping, bias_ratio: dimensionless, Q and xi_0.
        neuron: "oscillator" or "ctrnn", whose state stands in the place of the power.
        network: `Network`, of a trajectory of ours; file: the open trajectory file that leaving the recording as a context closes.
    """

    name: str
    time: np.ndarray
    power: dict
    drive: dict | None = None
    inputs: np.ndarray | None = None
    labels: np.ndarray | None = None
    input_interval: float | None = None
    relaxation_time: float | None = None
    nonlinear_damping: float | None = None
    bias_ratio: float | None = None
    neuron: str = "oscillator"
    network: object = None
    file: object = None

    def __post_init__(self):
        self.all_times = len(self.time)
        row = max(min(p.shape[0], CASES) * p.shape[1] for p in self.power.values()) * 8
        self.time = self.time[: max(SHORTEST, int(self._room / row))]

    @property
    def _room(self):
        """Bytes that a float64 copy of a layer's powers may take."""
        return min(LARGEST, get_memory_limit() / 16)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.file is not None:
            self.file.__exit__(*error)

    @property
    def layers(self):
        return sorted(self.power)

    @property
    def cases(self):
        return self.power[self.layers[0]].shape[0]

    @property
    def stride(self):
        """Of the cases every so-manieth is taken, so that a layer's float64 copy stays within `LARGEST` and a sixteenth of the memory limit."""
        largest = max(math.prod(p.shape[:2]) for p in self.power.values()) * len(self.time) * 8
        return min(max(1, self.cases // CASES), max(1, math.ceil(largest / self._room)))

    def powers(self, layer, start=0.0):
        """(case, neuron, time) of a layer, from `start` (s after the first time) on, of every `stride`-th case."""
        return np.asarray(self.power[layer][:: self.stride, :, self.first(start) : len(self.time)])

    def drives(self, layer):
        """(case, neuron, time - 1) of a layer, of every `stride`-th case. DataError if they were not recorded."""
        if self.drive is None or layer not in self.drive:
            raise DataError("it needs the drive, which is not in the file")
        return np.asarray(self.drive[layer][:: self.stride, :, : len(self.time) - 1])

    @property
    def devices(self):
        """`Devices` of the network, None where they do not differ or it is not known."""
        return None if self.network is None else self.network.devices

    def _own(self, quantity, value, layer):
        """The value of each neuron of a layer, (neuron,) where devices differ, else the number; None if it is not known."""
        if value is None or self.devices is None:
            return value
        return value * self.devices.by_layer(self.network.config)[quantity][layer]

    def dampings(self, layer):
        """Q of a layer, a number or (neuron,); None if it is not known."""
        return self._own("nonlinear_damping", self.nonlinear_damping, layer)

    def relaxation_times(self, layer):
        """1 / gamma of a layer (s), a number or (neuron,); None if it is not known."""
        rate = (
            None
            if self.relaxation_time is None
            else self._own("gamma", 1 / self.relaxation_time, layer)
        )
        return None if rate is None else 1 / rate

    def rests(self, layer):
        """Drive without input of a layer (1/s), gamma xi_0, a number or (neuron,); None if it is not known."""
        if self.relaxation_time is None or self.bias_ratio is None:
            return None
        return self._own("bias", self.bias_ratio / self.relaxation_time, layer)

    def first(self, start):
        """Number of the first time at or after `start`, s after the first one. DataError if fewer than two times are left."""
        index = int(np.searchsorted(self.time - self.time[0], start * (1 - 1e-12)))
        if index > len(self.time) - 2:
            raise DataError(
                f"start: {start:g} s leaves fewer than 2 of the {len(self.time)} times, up to {self.time[-1] - self.time[0]:g} s"
            )
        return index

    def point_ends(self):
        """Numbers of the last time of each input interval, (point,). DataError if the interval is not known, or shorter than the step."""
        if self.input_interval is None:
            raise DataError("it needs the input interval")
        elapsed = self.time - self.time[0]
        points = math.floor(
            elapsed[-1] / self.input_interval + 1e-6
        )  # rounding must not cost the last one
        ends = self.input_interval * np.arange(points + 1)
        index = np.searchsorted(elapsed, ends + 1e-6 * self.input_interval, side="right") - 1
        if not points or (np.diff(index) < 1).any():
            raise DataError("it needs at least one time in each input interval")
        return index[1:]


def recording_of(trajectory, config, inputs=None, labels=None, network=None, name="trajectory"):
    """`Recording` of a trajectory.

    Args:
        trajectory: `Trajectory`, or an open trajectory file; config: `NetworkConfig`; inputs: (case, channel, time); labels: (case,); network: `Network`.
    Raises:
        DataError: it holds no power.
    """

    def present(layers):
        found = {number: array for number, array in enumerate(layers or ()) if array is not None}
        return found or None

    power = present(trajectory.state)
    if power is None or not next(iter(power.values())).shape[0]:
        raise DataError(f"{name}: holds no powers; simulate with the variable p")
    oscillator = config.neuron == "oscillator"
    return Recording(
        name, np.asarray(trajectory.time, dtype=np.float64), power, present(trajectory.drive), inputs, labels, config.input_interval,
        config.relaxation_time, config.nonlinear_damping if oscillator else None, config.bias_ratio if oscillator else None, config.neuron, network,
    )  # fmt: skip


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
