"""From the blocks of a simulation to trajectories: layers, axes, units, ends of cases.

The engine hands over a block of cases as (time, neuron, case) with the neurons of all
layers, in reduced units, up to the block's longest case. A trajectory has (case,
neuron, time) for each layer, drives in 1/s and NaN after a case's own end. `taker`
turns the one into the other, for a `Sink`: arrays in memory, or a file.
"""

import itertools
from collections.abc import Callable, Iterable
from typing import Protocol

import numpy as np

from spinrnn.config.run import NetworkConfig


class Sink(Protocol):
    """Where blocks of cases go. Several threads call it, each with cases of its own."""

    def array(self, variable: str, layer: int, cases: slice) -> np.ndarray:
        """(case, neuron, stored time) to be filled with a variable of these cases."""
        ...

    def put(self, variable: str, layer: int, cases: slice, filled: np.ndarray) -> None:
        """Takes what `array` gave, filled."""
        ...

    def end(self, cases: slice, logits: np.ndarray) -> None:
        """The logits (case, class) of these cases, of which all else has been put."""
        ...


def taker(
    sink: Sink,
    config: NetworkConfig,
    lengths: np.ndarray,
    variables: Iterable[str],
    layers: Iterable[int],
    every: int = 1,
) -> Callable:
    """The function `take` that `Network.history` calls for each block, which fills a
    sink.

    Args:
        lengths: (case,) input points of all cases.
        variables: some of "p", "m", "output" and "drive".
        layers: numbers from 0.
        every: substeps from a stored time to the next.
    """
    wanted = list(itertools.product(layers, variables))
    cuts = np.cumsum([0, *config.layers]).tolist()
    substeps = lengths * config.resolved_substeps
    names = [[s.name for s in neuron.states] for neuron in config.neurons]
    scales = [_drive_scale(config, neuron) for neuron in config.neurons]

    def take(cases, states, mean, drive, logits):
        for layer, variable in wanted:
            neurons = slice(cuts[layer], cuts[layer + 1])
            if variable == "output":
                values = states[0][::every, neurons] - mean[::every, neurons]
            else:
                known = {**dict(zip(names[layer], states, strict=False)), "p": states[0]}
                history = {**known, "m": mean, "drive": drive[:-1]}.get(variable)
                if history is None:
                    continue
                values = history[::every, neurons]
            array = sink.array(variable, layer, cases)
            scale = scales[layer] if variable == "drive" else None
            _fill(array, values.transpose(2, 1, 0), scale)
            _blank(array, _known(variable, substeps[cases], every))
            sink.put(variable, layer, cases, array)
        sink.end(cases, logits)

    return take


def _drive_scale(config, neuron):
    """What drives of a neuron are divided by, None where they are in the unit of files
    already.
    """
    real = np.dtype(config.dtype).type
    if neuron.rate_driven():
        return real(config.time_unit)
    return None if neuron.drive_unit == 1 else real(1 / neuron.drive_unit)


def _fill(array, values, scale):
    """Writes values, divided by scale unless it is None, to the first times of the
    array.
    """
    times = min(array.shape[2], values.shape[2])
    if scale is None:
        array[:, :, :times] = values[:, :, :times]
    else:
        np.divide(values[:, :, :times], scale, out=array[:, :, :times], casting="same_kind")


def _known(variable, substeps, every):
    """Stored times that cases of so many substeps have, (case,).

    A state is known at the end itself, while a drive is held from a time before the
    end.
    """
    return -(-substeps // every) if variable == "drive" else substeps // every + 1


def _blank(array, known):
    """NaN after the known times of each case."""
    for case in np.flatnonzero(known < array.shape[2]):
        array[case, :, known[case] :] = np.nan
