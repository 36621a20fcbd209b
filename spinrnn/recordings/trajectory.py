"""States and drives of a network over time, as `Network.simulate` returns them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from spinrnn.config.run import NetworkConfig
from spinrnn.recordings import exporting

if TYPE_CHECKING:
    from spinrnn.recordings.reading import TrajectoryFile


class AnyTrajectory(Protocol):
    """What `Trajectory` and `TrajectoryFile` have in common; attributes as there.

    Lists have an item for each layer, an array or what is sliced like one, or None
    where the layer was not stored; the whole list is None where the variable was not.
    """

    @property
    def time(self) -> np.ndarray: ...
    @property
    def state(self) -> Sequence[Any] | None: ...
    @property
    def output(self) -> Sequence[Any] | None: ...
    @property
    def drive(self) -> Sequence[Any] | None: ...
    @property
    def logits(self) -> np.ndarray: ...
    @property
    def network(self) -> Any: ...
    @property
    def inputs(self) -> np.ndarray | None: ...
    @property
    def lengths(self) -> np.ndarray | None: ...
    @property
    def noise_seed(self) -> int | list[int] | None: ...


@dataclass(eq=False, repr=False)
class Trajectory(exporting.Exported):
    """States and drives of a simulation with M substeps; an `AnyTrajectory`.

    Lists have one array for each layer l; values after a case's own end are NaN.

    Attributes:
        time: (M + 1,) float64, seconds from the start.
        state: [(case, n_l, M + 1)] power p, dimensionless (CTRNN: s), at `time`.
        output: [(case, n_l, M + 1)] high-passed power y = p - m, eq. (2) (CTRNN: s), at
            `time`.
        drive: [(case, n_l, M)] drive I held from time k to k + 1, in 1/s (CTRNN: the
            argument of tanh, dimensionless).
        logits: (case, class), eq. (4).
        states: {name: [(case, n_l, M + 1)]} of a neuron's states besides the first,
            None for a layer of other neurons.
        network: a copy of the `Network`; inputs: (case, channel, point), what it read.
        lengths: (case,) input points of each case; noise_seed: as given. These are None
            where the trajectory was not made by `Network.simulate`.
    """

    time: np.ndarray
    state: list[np.ndarray]
    output: list[np.ndarray]
    drive: list[np.ndarray]
    logits: np.ndarray
    states: dict[str, list[Any]] = field(default_factory=dict)
    network: Any = None
    inputs: np.ndarray | None = None
    lengths: np.ndarray | None = None
    noise_seed: int | Sequence[int] | None = None

    def __repr__(self) -> str:
        layers = ", ".join(str(state.shape[1]) for state in self.state)
        return (
            f"<Trajectory of {len(self.logits)} cases, {len(self.time) - 1} substeps, "
            f"layers of {layers} neurons>"
        )

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return exporting.html_of(self, "Trajectory", ranges=True)

    def save(self, path: str | Path, labels: np.ndarray | None = None) -> None:
        """Writes a trajectory file, atomically, in float32.

        labels: (case,) classes of the cases. Errors as of `spinrnn.write_trajectory`.
        """
        from spinrnn.recordings.writing import save_trajectory

        save_trajectory(path, self, labels)

    @staticmethod
    def open(path: str | Path) -> TrajectoryFile:
        """`spinrnn.open_trajectory`: a file that is read as far as it is asked for."""
        from spinrnn.recordings.reading import open_trajectory

        return open_trajectory(path)

    @classmethod
    def empty(cls, config: NetworkConfig, samples: int, points: int) -> Trajectory:
        """Arrays of NaN for so many cases and input points."""
        steps, dtype = points * config.resolved_substeps, config.dtype

        def arrays(levels):
            return [np.full((samples, n, levels), np.nan, dtype) for n in config.layers]

        # {state besides the first: a layer's array, or None}
        states: dict[str, list[Any]] = {}
        for layer, (n, neuron) in enumerate(zip(config.layers, config.neurons, strict=True)):
            for state in neuron.states[1:]:
                own = states.setdefault(state.name, [None] * len(config.layers))
                own[layer] = np.full((samples, n, steps + 1), np.nan, dtype)

        return cls(
            time=np.arange(steps + 1) * (config.input_interval / config.resolved_substeps),
            state=arrays(steps + 1),
            output=arrays(steps + 1),
            drive=arrays(steps),
            logits=np.full((samples, config.outputs), np.nan, dtype),
            states=states,
        )


class MemorySink:
    """Fills the arrays of an empty `Trajectory`; a `histories.Sink`."""

    def __init__(self, trajectory: Trajectory):
        known = {"p": trajectory.state, "output": trajectory.output, "drive": trajectory.drive}
        self._arrays: dict[str, list] = {**known, **trajectory.states}
        self.variables = tuple(self._arrays)
        self._logits = trajectory.logits

    def array(self, variable: str, layer: int, cases: slice) -> np.ndarray:
        return self._arrays[variable][layer][cases]

    def put(self, variable: str, layer: int, cases: slice, filled: np.ndarray) -> None:
        """Nothing: `array` is a view, so the trajectory has been filled."""

    def end(self, cases: slice, logits: np.ndarray) -> None:
        self._logits[cases] = logits
