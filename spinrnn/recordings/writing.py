"""Writes trajectory files: block by block during a simulation, or from memory.

`contents` says what is in such a file, `files.streaming` how it is laid out on the
disk.
"""

import itertools
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spinrnn.errors import DataError
from spinrnn.files.streaming import StreamWriter
from spinrnn.progress import Bar, is_shown
from spinrnn.recordings.contents import (
    DEFAULT,
    Contents,
    attributes_of,
    contents_of,
    datasets_of,
)
from spinrnn.recordings.histories import taker
from spinrnn.recordings.trajectory import MemorySink, Trajectory

_CASES = 16
"""In a block of a trajectory that is in memory."""


def write_trajectory(
    path: str | Path,
    net,
    u: np.ndarray,
    lengths: np.ndarray | None = None,
    *,
    labels: np.ndarray | None = None,
    every: int = 1,
    variables: str | Iterable[str] = DEFAULT,
    layers: int | Iterable[int] | None = None,
    cases: np.ndarray | None = None,
    attributes: Mapping[str, Any] | None = None,
    on_start: Callable[[int], object] | None = None,
    on_block: Callable[[int], object] | None = None,
    noise_seed: int | list[int] = 0,
    progress: bool | None = None,
) -> None:
    """Simulates and writes a trajectory file block by block, as it may be larger than
    memory.

    The file is there when all of it is; after an error nothing of it is left.

    Args:
        path: of the file; one that exists is replaced.
        net: `Network`.
        u: (case, channel, point) inputs; lengths: (case,) input points of each case, or
            None, as in `Network.forward`.
        labels: (case,) whole numbers, stored with it, or None.
        every: store every so many substeps.
        variables: some of "p" (power; CTRNN: state s), "m" (mean power), "drive",
            "output".
        layers: numbers of layers from 0, None for all.
        cases: (case,) numbers that the cases have in their data set, None for 0, 1, ...
        attributes: {name: text or numbers} to be stored with it, under names that the
            file does not use itself.
        on_start: called with the bytes that the file will take, once it has its place;
            an error of it is as one of on_block.
        on_block: called with the number of cases done, after each block; an error that
            it raises ends the simulation and removes the file.
        noise_seed: of thermal noise, as in `Network.forward`.
        progress: whether to show a bar, or lines where there is no terminal; None: in a
            notebook.
    Raises:
        ConfigError: every, variables, layers, attributes.
        DataError: u, lengths, labels, noise_seed, the network's devices.
        MemoryLimitError: not even one block fits.
        DivergenceError: a state became infinite or NaN.
        StoreError: no room, no permission.
    """
    u, all_lengths = net.check_inputs(u, lengths)
    contents = contents_of(
        net, u.shape, all_lengths,
        labels=labels, every=every, variables=variables, layers=layers, cases=cases,
    )  # fmt: skip
    block, most = net.blocks(all_lengths)
    shown = Bar(len(u), "case", shown=is_shown(progress))
    with _writer(path, contents, noise_seed, attributes, block) as file, shown as bar:
        if on_start is not None:
            on_start(file.size)

        def ended(done: int) -> None:
            if on_block is not None:
                on_block(done)
            bar(done)

        sink = FileSink(file, contents, u, ended)
        take = taker(
            sink, net.config, all_lengths, contents.variables, contents.layers, contents.every
        )
        net.history(u, all_lengths, take, noise_seed, most)


def save_trajectory(
    path: str | Path, trajectory: Trajectory, labels: np.ndarray | None = None
) -> None:
    """Writes a `Trajectory` that is in memory; arguments and errors as of
    `write_trajectory`.

    Raises:
        DataError: also where it was not made by `Network.simulate`.
    """
    net, u, lengths = trajectory.network, trajectory.inputs, trajectory.lengths
    if net is None or u is None or lengths is None:
        raise DataError(
            "trajectory: has no network, only what Network.simulate returned can be saved"
        )
    contents = contents_of(net, u.shape, lengths, labels=labels)
    stored = MemorySink(trajectory)
    with _writer(path, contents, trajectory.noise_seed, None, _CASES) as file:
        sink = FileSink(file, contents, u)
        for start in range(0, len(u), _CASES):
            cases = slice(start, min(start + _CASES, len(u)))
            for layer, variable in itertools.product(contents.layers, contents.variables):
                if not contents.has(variable, layer):
                    continue
                array = stored.array(variable, layer, cases)
                sink.put(variable, layer, cases, array.astype(np.float32))
            sink.end(cases, trajectory.logits[cases])


def _writer(path, contents, noise_seed, further, block):
    """The file, with all but what is streamed, in blocks of so many cases."""
    own = attributes_of(contents, noise_seed, further)
    return StreamWriter(path, datasets_of(contents), own, block)


class FileSink:
    """Writes blocks of cases to a `StreamWriter`; a `histories.Sink`.

    Args:
        u: (case, channel, point) inputs of all cases, which are stored with the rest.
        on_block: called with the number of cases done so far, or None.
    """

    def __init__(
        self,
        file: StreamWriter,
        contents: Contents,
        u: np.ndarray,
        on_block: Callable[[int], object] | None = None,
    ):
        self._file, self._contents, self._inputs = file, contents, u
        self._on_block, self._done, self._lock = on_block, 0, threading.Lock()

    def array(self, variable: str, layer: int, cases: slice) -> np.ndarray:
        neurons = self._contents.net.config.layers[layer]
        shape = (cases.stop - cases.start, neurons, self._contents.times(variable))
        return np.empty(shape, np.float32)

    def put(self, variable: str, layer: int, cases: slice, filled: np.ndarray) -> None:
        self._file.write(self._contents.name(variable, layer), cases.start, filled)

    def end(self, cases: slice, logits: np.ndarray) -> None:
        self._file.write("inputs", cases.start, self._inputs[cases])
        self._file.write("logits", cases.start, logits.astype(self._contents.of_outputs))
        if self._on_block is not None:
            with self._lock:
                self._done += len(logits)
                self._on_block(self._done)
