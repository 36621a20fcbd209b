"""Trajectories: the states and drives of a network over time, as `Network.simulate` returns them."""

from dataclasses import dataclass

import numpy as np


@dataclass(eq=False, repr=False)
class Trajectory:
    """States and drives of a simulation with M substeps. Lists have one array for each layer l; values after a case's own end are NaN.

    Attributes:
        time: (M + 1,) float64, seconds from the start.
        state: [(case, n_l, M + 1)] power p, dimensionless (CTRNN: s), at `time`.
        output: [(case, n_l, M + 1)] high-passed power y = p - m, eq. (2) (CTRNN: s), at `time`.
        drive: [(case, n_l, M)] drive I held from time k to k + 1, in 1/s (CTRNN: the argument of tanh, dimensionless).
        logits: (case, class), eq. (4).
        network: a copy of the `Network`; inputs: (case, channel, point), what it read; lengths: (case,) input points of each case; noise_seed: as
            given. None where the trajectory was not made by `Network.simulate`.
    """

    time: np.ndarray
    state: list
    output: list
    drive: list
    logits: np.ndarray
    network: object = None
    inputs: np.ndarray | None = None
    lengths: np.ndarray | None = None
    noise_seed: int | list | None = None

    def __repr__(self):
        cases, points = len(self.logits), len(self.time) - 1
        return f"<Trajectory of {cases} cases, {points} substeps, layers of {', '.join(str(s.shape[1]) for s in self.state)} neurons>"

    def save(self, path, labels=None):
        """Writes a trajectory file, atomically, in float32; labels: (case,) classes of the cases. Errors as of `spinrnn.write_trajectory`."""
        from spinrnn.recordings.writing import save_trajectory

        save_trajectory(path, self, labels)

    @staticmethod
    def open(path):
        """`spinrnn.open_trajectory`: a file that is read as far as it is asked for."""
        from spinrnn.recordings.reading import open_trajectory

        return open_trajectory(path)

    @classmethod
    def empty(cls, config, samples, points):
        """Arrays of NaN for this many cases and input points."""
        steps = points * config.resolved_substeps

        def arrays(levels):
            return [
                np.full((samples, n, levels), np.nan, dtype=config.dtype) for n in config.layers
            ]

        return cls(
            time=np.arange(steps + 1) * (config.input_interval / config.resolved_substeps),
            state=arrays(steps + 1),
            output=arrays(steps + 1),
            drive=arrays(steps),
            logits=np.full((samples, config.outputs), np.nan, dtype=config.dtype),
        )


class MemorySink:
    """Fills the arrays of an empty `Trajectory`; a `Sink`."""

    variables = ("p", "output", "drive")

    def __init__(self, trajectory: Trajectory):
        arrays = (trajectory.state, trajectory.output, trajectory.drive)
        self._arrays = dict(zip(self.variables, arrays, strict=True))
        self._logits = trajectory.logits

    def array(self, variable: str, layer: int, cases: slice) -> np.ndarray:
        return self._arrays[variable][layer][cases]

    def put(self, variable: str, layer: int, cases: slice, filled: np.ndarray) -> None:
        """Nothing: `array` is a view, so the trajectory has been filled."""

    def end(self, cases: slice, logits: np.ndarray) -> None:
        self._logits[cases] = logits
