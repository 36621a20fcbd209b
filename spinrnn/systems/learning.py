"""What the studies share: a training in memory, data by their folders, one task after
another.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spinrnn.config.run import RunConfig, from_tables
from spinrnn.datasets.dataset import Dataset
from spinrnn.datasets.loading import load_dataset, load_digits
from spinrnn.datasets.parts import divide
from spinrnn.learning.trainer import Trainer, evaluate
from spinrnn.networks.making import network_of


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


def check_images(folders: Mapping[str, Path]) -> None:
    """Reads the images of all folders; an error where one cannot be read."""
    for folder in folders.values():
        images(folder)


def permuted(data: Dataset, number: int) -> Dataset:
    """The data with their numbers in another order, the same for all cases; 0: as they
    are.
    """
    if number == 0:
        return data
    shape = np.shape(data.inputs)
    flat = np.reshape(data.inputs, (len(data), -1))
    order = np.random.default_rng([number, 10]).permutation(flat.shape[1])
    return dataclasses.replace(data, inputs=flat[:, order].reshape(shape))


def parts_of(data: Dataset) -> tuple[Dataset, Dataset]:
    """(training, test part) of data that bring their own."""
    assert data.test is not None
    return data.take(np.flatnonzero(~data.test)), data.take(np.flatnonzero(data.test))


# ---- one task after another ----


def in_turn(
    given: dict[str, Any],
    tasks: Sequence[Callable[[], Dataset]],
    even: float = 0.0,
    every: int = 1,
) -> dict[str, Any]:
    """Learns tasks one after the other, with a fresh writer for each. What is no weight
    - biases, gains, shifts - is kept for each task and put back for its test.

    Args:
        given: tables of the run.
        tasks: functions that give data with their own test parts, so that only one of
            them is in memory.
        even: latent weights begin even between - this and this; 0: as drawn.
        every: tasks between two tests of all tasks so far; the last one is one.
    Returns:
        {"after": [accuracies of all tasks so far, after each `every` tasks], "learned":
        [accuracy of each task when it was learned], "signs": share of signs that each
        task has turned over}, in percent.
    """
    kept, after, learned, turned, net = [], [], [], [], None
    for number, task in enumerate(tasks, 1):
        data = task()
        # the last weights, as no part of an earlier task may choose them
        start = _start(given, data, even) if net is None else net
        before = _weights(start)
        net = trained(given, data, start=start).net
        turned.append(100 * float(np.mean((before >= 0) != (_weights(net) >= 0))))
        kept.append(_normalisation(net))
        learned.append(_tested(net, kept[-1], data))
        if number % every == 0 or number == len(tasks):
            old = [_tested(net, own, of()) for own, of in zip(kept[:-1], tasks, strict=False)]
            after.append([*old, learned[-1]])
    return {"after": after, "learned": learned, "signs": turned}


def _start(given, data, even):
    """A network whose latent weights are even around zero, or as drawn."""
    config = from_tables(given).fitted_to(data)
    net = network_of(config.network, seed=config.train.seed)
    weights = net.layout.is_weight()
    rng = np.random.default_rng([config.train.seed, 11])
    if even:
        net.parameters[weights] = rng.uniform(-even, even, weights.sum())
    return net


def _weights(net):
    return net.parameters[net.layout.is_weight()].copy()


def _normalisation(net):
    """Gains and shifts."""
    return net.parameters[~net.layout.is_weight()].copy()


def _tested(net, normalisation, data):
    """Accuracy of a task's test part with its own gains and shifts."""
    other = net.replace()
    other.parameters[~net.layout.is_weight()] = normalisation
    return accuracy(other, parts_of(data)[1])


def shuffled_digits(number):
    """The digits in another order of their pixels, with the test part of the default
    split.
    """
    data = permuted(load_digits(), number)
    parts = divide(data, from_tables({"data": {"split_seed": 0}}))
    training, test = parts[0], parts[2]
    return Dataset(
        np.concatenate([training.inputs, test.inputs]),
        np.concatenate([np.asarray(training.labels), np.asarray(test.labels)]),
        test=np.arange(len(training) + len(test)) >= len(training),
    )


def mean(rows: list[dict[str, Any]], what: str, number: str = "accuracy", **keys: Any) -> Any:
    """Mean over the seeds of a number, None where there is none."""
    own = [
        row[number]
        for row in rows
        if row["what"] == what and all(row.get(key) == value for key, value in keys.items())
    ]
    return float(np.mean(own)) if own else None
