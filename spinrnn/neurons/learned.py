"""A learned device: an equation whose right-hand side is a small network of weights.

The hidden state of a device of which one output y was recorded is replaced by k values
of y, one sampling step apart, z(t) = (y(t), ..., y(t + (k - 1) D)), and each drive u
likewise, v(t) = (u(t), ..., u(t + (k - 1) D)): Chen et al., Nat. Commun. 13, 1016
(2022). Then

    dz/dt = f([z, v]) ,   f(x) = W_n tanh( ... tanh(W_0 x + b_0) ... ) + b_n ,

in a unit of time in which the sampling step is `unit_step`. Values of files and of the
public functions are SI or the user's unit; z and v are scaled, see `Channel`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from spinrnn.errors import DataError, StoreError
from spinrnn.files.container import load_record, save_record
from spinrnn.neurons.learnedruns import simulated

KIND = "learned"
"""Of files that hold a learned device."""

Weights = tuple[tuple[np.ndarray, np.ndarray], ...]
"""((outputs, inputs) matrix, (outputs,) bias) of each layer; tanh between two."""


class Channel(NamedTuple):
    """A recorded quantity: the drive or the output of a device.

    Attributes:
        name, unit: as the recording has them.
        offset, scale: the network's number is (value - offset) * scale.
        low, high: least and largest value that was seen, in `unit`.
    """

    name: str
    unit: str
    offset: float
    scale: float
    low: float
    high: float

    def scaled(self, values: np.ndarray) -> np.ndarray:
        """The network's numbers of values in `unit`."""
        return (np.asarray(values, dtype=np.float64) - self.offset) * self.scale

    def unscaled(self, numbers: np.ndarray) -> np.ndarray:
        """Values in `unit` of the network's numbers."""
        return np.asarray(numbers) / self.scale + self.offset


@dataclass(frozen=True, eq=False)
class LearnedDevice:
    """What was learned of a device from its recordings.

    Attributes:
        weights: of f, float64; the first matrix is (H, k + k * drives), its columns z
            and then the k values of each drive in turn.
        output, drives: what was recorded.
        sampling_step: D in s; unit_step: the same in the unit of time of f.
        delays: k, number of states.
        held: whether the drive is held between two samples, else it goes linearly.
        diffusion: of the network that gives the logarithm of each state's noise, per
            square root of the unit of time, from [z, v]; None where the device is taken
            as free of noise.
        base: the known equation beside f, see `learnedruns.KnownEquation.table`; empty
            where all is learned.
        provenance: what was learned from and how: names of files, digests, errors.
    """

    weights: Weights
    output: Channel
    drives: tuple[Channel, ...]
    sampling_step: float
    unit_step: float
    delays: int = 2
    held: bool = True
    diffusion: Weights | None = None
    base: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems = [f"weights: {text}" for text in self._misfits(self.weights)]
        if self.diffusion is not None:
            problems += [f"diffusion: {text}" for text in self._misfits(self.diffusion)]
        if self.delays < 1 or not self.drives:
            problems.append("delays: must be at least 1, of at least one drive")
        if not (self.sampling_step > 0 and self.unit_step > 0):
            problems.append("sampling_step: must be above 0 s, as unit_step")
        if problems:
            raise DataError("; ".join(problems))

    @property
    def columns(self) -> int:
        """Length of [z, v]."""
        return self.delays * (1 + len(self.drives))

    def _misfits(self, weights):
        """What is wrong with the shapes of a network's weights."""
        width = self.columns
        for matrix, bias in weights:
            if matrix.ndim != 2 or matrix.shape[1] != width or bias.shape != matrix.shape[:1]:
                return [f"{matrix.shape} and {bias.shape} do not follow {width} values"]
            if not (np.isfinite(matrix).all() and np.isfinite(bias).all()):
                return ["not all numbers are finite"]
            width = len(bias)
        return [] if width == self.delays else [f"give {width} values for {self.delays} states"]

    def slope(self, z: np.ndarray, v: np.ndarray) -> np.ndarray:
        """(..., k) dz/dt by the unit of time, without noise and base.

        Args:
            z: (..., k) scaled states; v: (..., k * drives) scaled drives.
        """
        return applied(self.weights, np.concatenate([z, v], axis=-1))

    def simulate(
        self,
        time: np.ndarray,
        drive: Any,
        start: np.ndarray | None = None,
        seed: int | None = None,
        runs: int | None = None,
    ) -> np.ndarray:
        """The output over a drive, in `output.unit`.

        Warns where a drive is beyond what the device was learned from.

        Args:
            time: (time,) s, in steps of `sampling_step`.
            drive: (time,) in the drive's unit; of several drives (drive, time), or
                {name: (time,)}.
            start: (k,) first outputs; None: at rest under the first drive.
            seed: of the noise; None: without, as where the device has none.
            runs: so many repetitions, each with its own noise; None: one.
        Returns:
            (time,), or (run, time) where `runs` is given.
        Raises:
            DataError: shapes, or times in other steps; DivergenceError: it runs away.
        """
        return simulated(self, np.asarray(time, dtype=np.float64), drive, start, seed, runs)

    def save(self, path: str | Path) -> None:
        """Writes the file, whole or not at all; StoreError where it cannot be."""
        arrays = _arrays("weight", self.weights)
        if self.diffusion is not None:
            arrays |= _arrays("diffusion", self.diffusion)
        plain = {
            "output": self.output._asdict(),
            "drives": [drive._asdict() for drive in self.drives],
            "sampling_step": self.sampling_step,
            "unit_step": self.unit_step,
            "delays": self.delays,
            "held": self.held,
            "base": dict(self.base),
            "provenance": dict(self.provenance),
        }
        save_record(path, KIND, "", arrays, plain)


def load_learned(path: str | Path) -> LearnedDevice:
    """The device of a file that `LearnedDevice.save` wrote.

    Raises:
        StoreError: the file is missing, damaged or of another kind.
    """
    _, arrays, plain = load_record(path, KIND)
    try:
        return LearnedDevice(
            weights=_weights("weight", arrays),
            diffusion=_weights("diffusion", arrays) or None,
            output=Channel(**plain.pop("output")),
            drives=tuple(Channel(**drive) for drive in plain.pop("drives")),
            **plain,
        )
    except (KeyError, TypeError, AttributeError, DataError) as error:
        raise StoreError(f"{path}: its learned device is not whole: {error}") from None


def applied(weights: Weights, values: np.ndarray) -> np.ndarray:
    """(..., outputs) of a network of weights for (..., inputs) values."""
    *hidden, (matrix, bias) = weights
    for inner, shift in hidden:
        values = np.tanh(values @ inner.T + shift)
    return values @ matrix.T + bias


def _arrays(name, weights):
    """{"name/0/matrix": array, ...} of all layers."""
    found = {}
    for layer, (matrix, bias) in enumerate(weights):
        found |= {f"{name}/{layer}/matrix": matrix, f"{name}/{layer}/bias": bias}
    return found


def _weights(name, arrays):
    """`Weights` of what `_arrays` made; KeyError where a part is missing."""
    layers = sum(1 for key in arrays if key.startswith(f"{name}/") and key.endswith("matrix"))
    return tuple(
        (arrays[f"{name}/{layer}/matrix"], arrays[f"{name}/{layer}/bias"])
        for layer in range(layers)
    )
