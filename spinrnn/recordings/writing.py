"""Trajectory files: what is in them, under which names and units, how they are written block by block, and how they are opened.

`files.seal` knows how such a file is laid out on the disk; docs/FILES.md has the table of its datasets and attributes for readers in other programs.
"""

import itertools
import threading

import numpy as np

from spinrnn.errors import DataError
from spinrnn.files.streaming import StreamWriter
from spinrnn.recordings.contents import DEFAULT, _Plan
from spinrnn.recordings.histories import taker
from spinrnn.recordings.trajectory import MemorySink

_CASES = 16
"""In a block of a trajectory that is in memory."""


def write_trajectory(
    path,
    net,
    u,
    lengths=None,
    *,
    labels=None,
    every=1,
    variables=DEFAULT,
    layers=None,
    cases=None,
    attributes=None,
    on_start=None,
    on_block=None,
    noise_seed=0,
):
    """Simulates and writes a trajectory file, block by block of cases, so that it may be larger than memory. It is there when all of it is.

    Args:
        path: of the file; one that exists is replaced.
        net: `Network`; u: (case, channel, point) inputs; lengths: (case,) input points of each case, or None, as in `Network.forward`.
        labels: (case,) whole numbers, stored with it, or None.
        every: store every so many substeps.
        variables: some of "p" (power; CTRNN: state s), "m" (mean power), "drive", "output"; layers: numbers of layers from 0, None for all.
        cases: (case,) numbers that the cases have in their data set, None for 0, 1, ...
        attributes: {name: text or numbers} to be stored with it, under names that the file does not use itself.
        noise_seed: of thermal noise, as in `Network.forward`.
        on_start: called with the bytes that the file will take, once it has its place; an error of it is as one of on_block.
        on_block: called with the number of cases done, after each block; an error that it raises ends the simulation and removes the file.
    Raises:
        ConfigError: every, variables, layers, attributes; DataError: u, lengths, labels, noise_seed, the network's devices; MemoryLimitError: not even one block fits;
        DivergenceError: a state became infinite or NaN; StoreError: no room, no permission. After any of them nothing of the file is left.
    """
    u, lengths = net.check_inputs(u, lengths)
    plan = _Plan(net, u.shape, lengths, labels, every, variables, layers, cases)
    block, most = net.blocks(lengths)
    with StreamWriter(
        path, plan.datasets(), plan.attributes(noise_seed, attributes), block
    ) as file:
        if on_start is not None:
            on_start(file.size)
        sink = FileSink(file, plan, u, on_block)
        take = taker(sink, net.config, lengths, plan.variables, plan.layers, plan.every)
        net.history(u, lengths, take, noise_seed, most)


class FileSink:
    """Writes blocks of cases to a `StreamWriter`; a `Sink`.

    Args:
        u: (case, channel, point) inputs of all cases, which are stored with the rest.
        on_block: called with the number of cases done so far, or None.
    """

    def __init__(self, file, plan, u, on_block=None):
        self._file, self._plan, self._inputs, self._on_block = file, plan, u, on_block
        self._done, self._lock = 0, threading.Lock()

    def array(self, variable: str, layer: int, cases: slice) -> np.ndarray:
        neurons = self._plan.net.config.layers[layer]
        shape = (cases.stop - cases.start, neurons, self._plan.times(variable))
        return np.empty(shape, np.float32)

    def put(self, variable: str, layer: int, cases: slice, filled: np.ndarray) -> None:
        self._file.write(self._plan.name(variable, layer), cases.start, filled)

    def end(self, cases: slice, logits: np.ndarray) -> None:
        self._file.write("inputs", cases.start, self._inputs[cases])
        self._file.write("logits", cases.start, logits.astype(np.float32))
        if self._on_block is not None:
            with self._lock:
                self._done += len(logits)
                self._on_block(self._done)


def save_trajectory(path, trajectory, labels=None):
    """Writes a `Trajectory` that is in memory; arguments and errors as of `write_trajectory`, DataError if it was not made by `Network.simulate`."""
    net, u, lengths = trajectory.network, trajectory.inputs, trajectory.lengths
    if net is None:
        raise DataError(
            "trajectory: has no network, only what Network.simulate returned can be saved"
        )
    plan = _Plan(net, u.shape, lengths, labels, 1, DEFAULT, None, None)
    with StreamWriter(
        path, plan.datasets(), plan.attributes(trajectory.noise_seed, None), _CASES
    ) as file:
        sink, stored = FileSink(file, plan, u), MemorySink(trajectory)
        for start in range(0, len(u), _CASES):
            cases = slice(start, min(start + _CASES, len(u)))
            for layer, variable in itertools.product(plan.layers, plan.variables):
                array = stored.array(variable, layer, cases)
                sink.put(variable, layer, cases, array.astype(np.float32))
            sink.end(cases, trajectory.logits[cases])
