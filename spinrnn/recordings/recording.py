"""What is analysed: powers over time with what else is known, one form of all sources."""

import math
from dataclasses import dataclass

import numpy as np

from spinrnn.errors import DataError
from spinrnn.machine.memory import get_memory_limit

CASES = 10
"""That are taken whatever the memory."""
LARGEST = 256e6
"""Bytes of one layer's powers or drives that are taken at a time; of more cases every
second, third ... is taken, of long ones the beginning.
"""
SHORTEST = 1000
"""Times that are taken whatever the memory."""


@dataclass(eq=False)
class Recording:
    """Powers and what is known beside them. What is not known is None.

    Attributes:
        name: of the file, or "trajectory".
        time: (time,) s; of what is longer than memory allows its beginning, `all_times`
            is their number before that.
        layers: numbers of the layers that were recorded.
        power: {layer: (case, neuron, time)}; drive: {layer: (case, neuron, time - 1)},
            1/s (CTRNN: dimensionless), or None. Sliceable, perhaps still on disk.
        inputs: (case, channel, point); labels: (case,).
        input_interval, relaxation_time: s; nonlinear_damping, bias_ratio:
            dimensionless, Q and xi_0.
        neuron: "oscillator" or "ctrnn", whose state stands in the place of the power.
        network: `Network`, of a trajectory of ours; file: the open trajectory file that
            leaving the recording as a context closes.
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
        """Of the cases every so-manieth is taken, so that a layer's float64 copy stays
        within `LARGEST` and a sixteenth of the memory limit.
        """
        largest = max(math.prod(p.shape[:2]) for p in self.power.values()) * len(self.time) * 8
        return min(max(1, self.cases // CASES), max(1, math.ceil(largest / self._room)))

    def powers(self, layer, start=0.0):
        """(case, neuron, time) of a layer, from `start` (s after the first time) on, of
        every `stride`-th case.
        """
        return np.asarray(self.power[layer][:: self.stride, :, self.first(start) : len(self.time)])

    def drives(self, layer):
        """(case, neuron, time - 1) of a layer, of every `stride`-th case. DataError if
        they were not recorded.
        """
        if self.drive is None or layer not in self.drive:
            raise DataError("it needs the drive, which is not in the file")
        return np.asarray(self.drive[layer][:: self.stride, :, : len(self.time) - 1])

    @property
    def devices(self):
        """`Devices` of the network, None where they do not differ or it is not known."""
        return None if self.network is None else self.network.devices

    def _own(self, quantity, value, layer):
        """The value of each neuron of a layer, (neuron,) where devices differ, else the
        number; None if it is not known.
        """
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
        """Drive without input of a layer (1/s), gamma xi_0, a number or (neuron,); None
        if it is not known.
        """
        if self.relaxation_time is None or self.bias_ratio is None:
            return None
        return self._own("bias", self.bias_ratio / self.relaxation_time, layer)

    def first(self, start):
        """Number of the first time at or after `start`, s after the first one.
        DataError if fewer than two times are left.
        """
        index = int(np.searchsorted(self.time - self.time[0], start * (1 - 1e-12)))
        if index > len(self.time) - 2:
            raise DataError(
                f"start: {start:g} s leaves fewer than 2 of the {len(self.time)} times, up to {self.time[-1] - self.time[0]:g} s"
            )
        return index

    def point_ends(self):
        """Numbers of the last time of each input interval, (point,). DataError if the
        interval is not known, or shorter than the step.
        """
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
        trajectory: `Trajectory`, or an open trajectory file; config: `NetworkConfig`;
            inputs: (case, channel, time); labels: (case,); network: `Network`.
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
