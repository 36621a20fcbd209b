"""Measured trajectories of one oscillator, as a fit needs them."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from spinrnn.arrays import PADDED_WITH_NAN, array_of
from spinrnn.errors import DataError
from spinrnn.files.container import is_spinrnn_file
from spinrnn.notebook import card, described, plural, span
from spinrnn.readers.columns import NONE, Columns
from spinrnn.recordings.envelope import Demodulation
from spinrnn.recordings.samples import (
    NAMES,
    Samples,
    device_of,
    error_of,
    kind_problems,
    read_device,
    samples_of,
    size_problems,
    tell,
)
from spinrnn.recordings.trajectory import AnyTrajectory

LEAST = 3
"""Samples of a case that are not NaN, at least."""


@dataclass(frozen=True, eq=False, repr=False)
class Measurement:
    """Trajectories of one device, checked. Where a case has no more samples, durations
    are 0.

    Attributes:
        time: (case, sample) float64, s; NaN after the end of a case.
        drive: (case, sample) in the user's unit, or (case, sample - 1): each value is
            held until the next time. At the last sample of a case it may be NaN, as a
            held drive has no use for it; 0 after that.
        power: (case, sample) float64; NaN: missing.
        noise: (case, sample) standard deviation of the power's noise, or None where it
            is unknown.
        resolution: relative resolution of the numbers that the power was stored in.
        units: of time, drive and power, as far as a file says them.
        names: of the cases, where they are of several recordings; else ().
    """

    time: np.ndarray
    drive: np.ndarray
    power: np.ndarray
    noise: np.ndarray | None
    resolution: float
    units: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()

    def __repr__(self) -> str:
        count = int(self.present.sum())
        return f"<Measurement of {count} samples in {plural(len(self.power), 'case')}>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        rows = [
            ("time", span(self.time, "s")),
            ("drive", described(self.drive)),
            ("power", described(self.power)),
            ("noise", self.noise),
        ]
        return card(f"Measurement of {plural(len(self.power), 'case')}", rows)

    @property
    def present(self) -> np.ndarray:
        """(case, sample) bool: where the power was measured."""
        return ~np.isnan(self.power)

    @property
    def durations(self) -> np.ndarray:
        """(case, sample - 1) s between the times, 0 after the end of a case."""
        return np.nan_to_num(np.diff(self.time, axis=1))

    def name_of(self, case: int) -> str:
        """A case in words."""
        return self.names[case] if self.names else f"case {case}"

    def named(self, recording: str) -> "Measurement":
        """The same with names of the cases after that of the recording."""
        several = len(self.power) > 1
        names = [f"{recording} {self.name_of(k)}" for k in range(len(self.power))]
        return dataclasses.replace(self, names=tuple(names) if several else (recording,))

    def take(self, cases: slice) -> "Measurement":
        """The cases of a slice; DataError if there are none."""
        if not len(self.power[cases]):
            raise DataError(f"cases: the {len(self.power)} cases have none of these")
        noise = None if self.noise is None else self.noise[cases]
        time, drive, power = self.time[cases], self.drive[cases], self.power[cases]
        own = {"time": time, "drive": drive, "power": power, "noise": noise}
        return dataclasses.replace(self, **own, names=self.names[cases])


def measurement(time, drive, power, noise=None) -> Measurement:
    """Checks measured trajectories of one device; `samples` describes their axes.

    Args:
        time: (sample,) or (case, sample) s, increasing, not necessarily evenly.
        drive: as power, or with one value less for each case where it is held between
            the times; (sample,) if all cases have the same.
        power: (sample,) or (case, sample); NaN or masked where it is missing, and after
            the end of shorter cases.
        noise: standard deviation of the power's noise, one number or as power; None if
            it is unknown.
    Raises:
        DataError: all mistakes at once.
    """
    arrays, problems = {}, []
    for name, value in zip(NAMES, (time, drive, power, noise), strict=True):
        if value is None and name == "noise":
            continue
        try:
            arrays[name] = array_of(value, name, missing=True, padding=PADDED_WITH_NAN)
        except DataError as error:
            problems.append(str(error))
    tell(problems + kind_problems(arrays))
    shape = arrays["power"].shape
    if len(shape) == 3:
        tell([f"power: must have the axes (sample,) or (case, sample), got the shape {shape}"])
    return _measurement(arrays)


def measurement_of(data: Any) -> Measurement:
    """Checks trajectories of one device in an object of pandas or xarray, or in a
    dictionary of arrays, with the names `time`, `drive`, `power` and perhaps `noise`.

    Columns of a DataFrame are one case, or those of its column `case`.

    Raises:
        DataError: arrays are missing or do not fit together, or there are several
            neurons.
    """
    arrays, units = device_of(data, NAMES[:3], NAMES[3:], "case")
    try:
        tell(kind_problems(arrays))
        power = arrays["power"]
        if power.ndim == 3 and power.shape[1] > 1:
            text = f"holds {power.shape[1]} neurons; a fit is of one, as isel(neuron=0) chooses it"
            raise DataError(f"power: {text}")
        return dataclasses.replace(_measurement(arrays), units=_told(units))
    except DataError as error:
        raise DataError(f"{type(data).__name__}: {error}") from None


def _told(units):
    """Units of a file that are some."""
    return {name: units[name] for name in NAMES[:3] if units.get(name, "1") != "1"}


def _measurement(arrays, neuron=0):
    """`Measurement` of one neuron; arrays: {name: real array}."""
    samples, problems = samples_of(arrays, "case", LEAST, neuron)
    if samples is None:
        raise error_of(problems)
    problems += _fit_problems(samples)
    if problems or samples.drive is None:
        raise error_of(problems)
    cases, _, times = samples.power.shape
    used = np.arange(times) <= samples.ends[:, None]
    power = samples.power[:, 0].astype(np.float64)
    drive = np.broadcast_to(samples.drive[:, 0], (cases, samples.drive.shape[2]))
    noise = samples.noise
    if noise is not None:
        noise = np.broadcast_to(noise[:, 0].astype(np.float64), power.shape)
    return Measurement(
        np.where(used, samples.time, np.nan),
        np.where(used[:, : drive.shape[1]], drive.astype(np.float64), 0.0),
        np.where(used, power, np.nan),
        noise,
        _resolution(samples.power),
    )


def _fit_problems(samples: Samples):
    """What a fit lacks, in words: enough powers, a drive known throughout, numbers of a
    size that it can take.
    """
    problems, drives = [], None
    counts = np.count_nonzero(~np.isnan(samples.power[:, 0]), axis=1)
    if samples.drive is not None:
        drives = np.broadcast_to(samples.drive[:, 0], (len(counts), samples.drive.shape[2]))
    for case, (count, end) in enumerate(zip(counts, samples.ends, strict=True)):
        where = samples.where(case)
        if count < LEAST:
            problems.append(
                f"power: {where} has {plural(count, 'sample')} besides NaN; it takes at least "
                f"{LEAST}"
            )
        # the drive at the end itself is held until after it
        missing = [] if drives is None else np.flatnonzero(~np.isfinite(drives[case, :end]))
        if len(missing):
            problems.append(
                f"drive: {where} has no finite value at sample {missing[0]}; only the power may be "
                "missing: give the drive there, or cut the recording into one before and one "
                "after it, as several files or cases"
            )
    return problems + size_problems(
        {"time": samples.time, "drive": samples.drive, "noise": samples.noise}
    )


def _resolution(power):
    """Relative step of float32 if the numbers were stored in it, else of float64.

    Also if they were widened to float64 afterwards.
    """
    with np.errstate(over="ignore"):
        single = power.dtype.kind == "f" and np.array_equal(
            power.astype(np.float32).astype(power.dtype), power, equal_nan=True
        )
    return float(np.finfo(np.float32 if single else np.float64).eps)


# ---- sources ----


def from_trajectory(
    trajectory: AnyTrajectory, layer: int, neuron: int, cases: slice | None = None
) -> Measurement:
    """Power and drive of one simulated neuron.

    Args:
        trajectory: what `Network.simulate` returned or `spinrnn.open_trajectory`
            opened.
        layer, neuron: from 0; cases: None for all.
    Raises:
        DataError: there is no such neuron or case, or no power or drive of it was
            stored.
    """
    layers = len(trajectory.state or trajectory.drive or [])
    if not 0 <= layer < layers:
        raise DataError(f"layer {layer}: the trajectory has the layers 0 to {layers - 1}")
    power = _of_layer(trajectory.state, "power", layer, neuron)
    drive = _of_layer(trajectory.drive, "drive", layer, neuron)
    cases = slice(None) if cases is None else cases
    own = np.asarray(power[cases, neuron])
    if not len(own):
        raise DataError(f"cases: none of the {power.shape[0]} cases is among them")
    found = measurement(trajectory.time, np.asarray(drive[cases, neuron]), own)
    return dataclasses.replace(found, units={"time": "s"})


def _of_layer(layers, word, layer, neuron):
    """A layer's array (case, neuron, time), if it has such a neuron."""
    if layers is None or layers[layer] is None:
        raise DataError(f"layer {layer}: the {word} was not stored; simulate with it")
    neurons = layers[layer].shape[1]
    if not 0 <= neuron < neurons:
        raise DataError(f"neuron {neuron}: layer {layer} has the neurons 0 to {neurons - 1}")
    return layers[layer]


def load_measurement(
    path: str | Path,
    neuron: int | None = None,
    columns: Columns = NONE,
    how: Demodulation | None = None,
) -> Measurement:
    """Reads a `Measurement` from a user's file, as `samples` describes it.

    Args:
        path: of a file of arrays or a table.
        neuron: from 0, of a power with the axes (case, neuron, sample).
        columns: what the user calls the arrays of the file, and their units.
        how: that the power is made of a `voltage` in the file, which oscillates.
    Raises:
        StoreError: the file cannot be read.
        DataError: arrays are missing or do not fit together, or there is no such
            neuron.
    """
    if not Path(path).is_dir() and is_spinrnn_file(path):
        raise DataError(
            f"{path}: was written by spinrnn; if it is a trajectory, say which neuron "
            "(--neuron L,N)"
        )
    arrays, units = read_device(path, NAMES[:3], NAMES[3:], columns=columns, how=how)
    if how is not None:
        arrays = _without_edges(arrays)
    try:
        tell(kind_problems(arrays))
        _check_neuron(arrays["power"], neuron)
        found = _measurement(arrays, neuron or 0)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    return dataclasses.replace(found, units=_told(units))


def _without_edges(arrays):
    """Arrays without the first times at which no power is known: a fit has the power of
    the first time as a parameter.
    """
    known = np.flatnonzero(
        ~np.isnan(arrays["power"]).all(axis=tuple(range(arrays["power"].ndim - 1)))
    )
    return {name: array[..., known[0] :] for name, array in arrays.items()}


def _check_neuron(power, neuron):
    """Raises DataError where it is not said which neuron, or there is none."""
    if power.ndim < 3 and neuron is not None:
        raise DataError(
            f"power: has no axis of neurons, its shape is {power.shape}; rows are cases (--cases)"
        )
    if power.ndim == 3 and (neuron is None or not 0 <= neuron < power.shape[1]):
        raise DataError(
            f"power: has the axes (case, neuron, sample) and {power.shape[1]} neurons; give one of "
            "them, from 0 on (--neuron N)"
        )
