"""What the studies share: a training in memory, data by their folders, one task after
another.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from spinrnn.config.run import RunConfig, from_tables
from spinrnn.datasets.dataset import Dataset
from spinrnn.datasets.loading import load_dataset
from spinrnn.learning.trainer import Trainer, evaluate


def trained(
    tables: dict[str, Any],
    data: Dataset,
    on_epoch: Callable[[Trainer], object] | None = None,
    start: Any = None,
) -> Trainer:
    """A `Trainer` at its end, of a run's tables.

    Args:
        on_epoch: called with it after each epoch; start: network whose parameters,
            synapses and running means it begins with, or None.
    """
    config: RunConfig = from_tables(tables).fitted_to(data)
    trainer = Trainer(config, data)
    if start is not None:
        take_over(trainer.net, start)
    for record in trainer.steps():
        if record and on_epoch:
            on_epoch(trainer)
    return trainer


def take_over(net: Any, other: Any) -> None:
    """Gives a network the trained numbers, synapses and buffers of another one, which
    stay its own.
    """
    net.parameters[:] = other.parameters
    net.connections = other.connections.copy()
    for name, array in other.buffers.items():
        net.buffers[name][...] = array


def accuracy(net: Any, data: Dataset) -> float:
    """In percent."""
    return 100 * evaluate(net, data).scores["accuracy"]


def images(folder: Path, training: int | None = None) -> Dataset:
    """Images of IDX files as lists of pixels, with their own test part; training: how
    many of the others, the first ones.
    """
    data = load_dataset(folder).flat()
    if training is None:
        return data
    assert data.test is not None
    first = np.flatnonzero(~data.test)[:training]
    chosen = np.concatenate([first, np.flatnonzero(data.test)])
    return data.take(chosen)


def permuted(data: Dataset, number: int) -> Dataset:
    """The data with their numbers in another order, the same for all cases; 0: as they
    are.
    """
    flat = data.flat()
    if number == 0:
        return flat
    order = np.random.default_rng([number, 10]).permutation(flat.inputs.shape[1])
    return Dataset(flat.inputs[:, order], flat.labels, test=flat.test, classes=flat.classes)


def parts_of(data: Dataset) -> tuple[Dataset, Dataset]:
    """(training, test part) of data that bring their own."""
    assert data.test is not None
    return data.take(np.flatnonzero(~data.test)), data.take(np.flatnonzero(data.test))
