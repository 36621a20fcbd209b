"""What is analysed: powers over time and what else is known, whatever the source."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spinrnn.arrays import array_of
from spinrnn.config import kinds
from spinrnn.config.neurons import name_of
from spinrnn.config.run import NetworkConfig
from spinrnn.errors import DataError
from spinrnn.machine.memory import get_memory_limit
from spinrnn.neurons.spread import Devices
from spinrnn.recordings.trajectory import AnyTrajectory

CASES = 10
"""That are taken whatever the memory."""
LARGEST = 256e6
"""Bytes of one layer's powers or drives that are taken at a time; of more cases every
second, third ... is taken, of long ones the beginning.
"""
SHORTEST = 1000
"""Times that are taken whatever the memory."""
_QUANTITIES = ("relaxation_time", "nonlinear_damping", "bias_ratio")
"""Quantities of a recording that are those of its neurons, if they have them."""


@dataclass(eq=False)
class Recording:
    """Powers and what is known beside them. What is not known is None.

    Much may have been recorded, so `powers`, `drives`, `taken_inputs` and
    `taken_labels` are those of every `stride`-th case, the same for all.

    Attributes:
        name: of the file, or "trajectory".
        time: (time,) s; of what is longer than memory allows its beginning.
        all_times: their number before that.
        power: {layer: (case, neuron, time)}, NaN or masked where it was not measured.
        drive: {layer: (case, neuron, time - 1)}, 1/s (CTRNN: dimensionless), or None.
            Sliceable as the powers, perhaps still on disk.
        inputs: (case, channel, point); labels: (case,).
        input_interval, relaxation_time: s.
        nonlinear_damping, bias_ratio: dimensionless, Q and xi_0.
        neuron: kind, whose emitted state stands in the place of the power.
        neurons: of each layer, where they differ from layer to layer; of the quantities
            above then what all that have it have in common.
        network: `Network`, of a trajectory of ours.
        file: the open trajectory file that leaving the recording as a context closes.
    Raises:
        DataError: a time or a label is masked.
    """

    name: str
    time: np.ndarray
    power: Mapping[int, Any]
    drive: Mapping[int, Any] | None = None
    inputs: np.ndarray | None = None
    labels: np.ndarray | None = None
    input_interval: float | None = None
    relaxation_time: float | None = None
    nonlinear_damping: float | None = None
    bias_ratio: float | None = None
    neuron: str = field(default_factory=lambda: kinds.names_of("neuron")[0])
    network: Any = None
    file: Any = None
    neurons: tuple[Any, ...] = ()

    def __post_init__(self):
        self.time = array_of(self.time, "time")
        self.inputs = _given(self.inputs, "inputs", missing=True)
        self.labels = _given(self.labels, "labels")
        self.all_times = len(self.time)
        row = max(min(p.shape[0], CASES) * p.shape[1] for p in self.power.values()) * 8
        self.time = self.time[: max(SHORTEST, int(self._room / row))]

    @property
    def _room(self) -> float:
        """Bytes that a float64 copy of a layer's powers may take."""
        return min(LARGEST, get_memory_limit() / 16)

    def __enter__(self) -> "Recording":
        return self

    def __exit__(self, *error) -> None:
        if self.file is not None:
            self.file.__exit__(*error)

    @property
    def layers(self) -> list[int]:
        """Numbers of the layers that were recorded."""
        return sorted(self.power)

    @property
    def cases(self) -> int:
        """Number of all cases."""
        return self.power[self.layers[0]].shape[0]

    @property
    def stride(self) -> int:
        """From one case that is taken to the next.

        So that a layer's float64 copy stays within `LARGEST` and a sixteenth of the
        memory limit, though ten cases are taken whatever the memory.
        """
        largest = max(math.prod(p.shape[:2]) for p in self.power.values()) * len(self.time) * 8
        return min(max(1, self.cases // CASES), max(1, math.ceil(largest / self._room)))

    def powers(self, layer: int, start: float = 0.0) -> np.ndarray:
        """(case, neuron, time) of a layer, from `start` (s after the first time) on."""
        times = slice(self.first(start), len(self.time))
        return array_of(self.power[layer][:: self.stride, :, times], "power", missing=True)

    def drives(self, layer: int) -> np.ndarray:
        """(case, neuron, time - 1) of a layer; DataError if they were not recorded."""
        if self.drive is None or layer not in self.drive:
            raise DataError("it needs the drive, which is not in the file")
        drive = self.drive[layer][:: self.stride, :, : len(self.time) - 1]
        return array_of(drive, "drive", missing=True)

    def taken_inputs(self) -> np.ndarray | None:
        """(case, channel, point), None if they are not known."""
        return None if self.inputs is None else self.inputs[:: self.stride]

    def taken_labels(self) -> np.ndarray | None:
        """(case,), None if they are not known."""
        return None if self.labels is None else self.labels[:: self.stride]

    def kind_of(self, layer: int) -> Any:
        """Class of a layer's neurons."""
        if self.neurons:
            return type(self.neurons[layer])
        if self.network is not None:
            return type(self.network.config.neuron)
        return kinds.kind_of("neuron", self.neuron)

    @property
    def devices(self) -> Devices | None:
        """Of the network, None where they do not differ or it is not known."""
        return None if self.network is None else self.network.devices

    @property
    def differ(self) -> bool:
        """Whether not all of its neurons that follow eq. (1) are alike."""
        nominal = {neuron for neuron in self.neurons if neuron.threshold}
        return self.devices is not None or len(nominal) > 1

    def _nominal(self, quantity: str, layer: int) -> Any:
        """A quantity of a layer, None if it is not known."""
        if not self.neurons:
            return getattr(self, quantity)
        return getattr(self.neurons[layer], quantity, None)

    def _own(self, spread: str, value: float | None, layer: int) -> Any:
        """A nominal value, times each neuron's factor where devices differ."""
        if value is None or self.devices is None:
            return value
        factors = self.devices.by_layer(self.network.config).get(spread)
        return value if factors is None else value * factors[layer]

    def dampings(self, layer: int) -> float | np.ndarray | None:
        """Q of a layer, a number or (neuron,); None if it is not known."""
        nominal = self._nominal("nonlinear_damping", layer)
        return self._own("nonlinear_damping", nominal, layer)

    def relaxation_times(self, layer: int) -> float | np.ndarray | None:
        """1 / gamma of a layer (s), a number or (neuron,); None if it is not known."""
        time = self._nominal("relaxation_time", layer)
        rate = self._own("gamma", None if time is None else 1 / time, layer)
        return None if rate is None else 1 / rate

    def rests(self, layer: int) -> float | np.ndarray | None:
        """Drive without input of a layer (1/s), gamma xi_0; None if it is not known.

        A number or (neuron,).
        """
        time, ratio = (self._nominal(name, layer) for name in ("relaxation_time", "bias_ratio"))
        return None if time is None or ratio is None else self._own("bias", ratio / time, layer)

    def first(self, start: float) -> int:
        """Number of the first time at or after `start`, s after the first one.

        Raises:
            DataError: fewer than two times are left.
        """
        elapsed = self.time - self.time[0]
        # a time that rounding puts just before start is meant
        index = int(np.searchsorted(elapsed, start * (1 - 1e-12)))
        if index > len(elapsed) - 2:
            raise DataError(
                f"start: {start:g} s leaves fewer than 2 of the {len(elapsed)} times, up to "
                f"{elapsed[-1]:g} s"
            )
        return index

    def point_ends(self) -> np.ndarray:
        """Numbers of the last time of each input interval, (point,).

        Raises:
            DataError: the interval is not known, or shorter than the step.
        """
        if self.input_interval is None:
            raise DataError("it needs the input interval")
        elapsed = self.time - self.time[0]
        # rounding must not cost the last interval, nor the last time of one
        points = math.floor(elapsed[-1] / self.input_interval + 1e-6)
        ends = self.input_interval * (np.arange(points + 1) + 1e-6)
        index = np.searchsorted(elapsed, ends, side="right") - 1
        if not points or (np.diff(index) < 1).any():
            raise DataError("it needs at least one time in each input interval")
        return index[1:]


def _given(values, name, missing=False):
    return None if values is None else array_of(values, name, missing=missing)


def recording_of(
    trajectory: AnyTrajectory,
    config: NetworkConfig,
    inputs: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    network: Any = None,
    name: str = "trajectory",
) -> Recording:
    """`Recording` of a trajectory.

    Args:
        trajectory: `Trajectory`, or an open trajectory file.
        config: `NetworkConfig`.
        inputs: (case, channel, time); labels: (case,); network: `Network`.
        name: for messages.
    Raises:
        DataError: it holds no power.
    """
    power = _stored(trajectory.state)
    if power is None or not next(iter(power.values())).shape[0]:
        raise DataError(f"{name}: holds no powers; simulate with the variable p")
    common = {name: _common(config.neurons, name) for name in _QUANTITIES}
    return Recording(
        name,
        np.asarray(trajectory.time, dtype=np.float64),
        power,
        _stored(trajectory.drive),
        inputs,
        labels,
        config.input_interval,
        **common,
        neuron=name_of(config),
        network=network,
        neurons=config.neuron if isinstance(config.neuron, tuple) else (),
    )


def _common(neurons, name):
    """What all neurons that have a quantity have in common, None if that is nothing."""
    values = {getattr(neuron, name) for neuron in neurons if hasattr(neuron, name)}
    return values.pop() if len(values) == 1 else None


def _stored(layers):
    """{layer: array} of the layers that were stored, None if none was."""
    found = {number: array for number, array in enumerate(layers or ()) if array is not None}
    return found or None
