"""What a configuration would run, without running it: sizes, parts of the data, memory,
time and disk, and all that is wrong.

The time is that of a few real steps, so it holds for this machine as it is now.
"""

import contextlib
import dataclasses
import functools
import shutil
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from spinrnn.config.run import RunConfig
from spinrnn.config.toml import load_config, parts_in
from spinrnn.datasets.dataset import Dataset
from spinrnn.datasets.loading import data_of, load_configured
from spinrnn.datasets.parts import NAMES, class_problems
from spinrnn.errors import ConfigError, DataError, DataNote, SpinrnnError
from spinrnn.learning.reservoir import Reservoir
from spinrnn.learning.trainer import Trainer, evaluate
from spinrnn.runs.beginning import about, classes_of
from spinrnn.runs.effort import Effort, effort_of
from spinrnn.runs.excitation import Drives
from spinrnn.runs.run import FINER
from spinrnn.runs.suspicions import Suspicions, measured, suspicions, warn_beyond

MEASURED = 1.5
"""Seconds for which steps are measured."""
CASES = 64
"""That are tested to measure a test."""
FORTH_AND_BACK = 3
"""Forward passes that a training step takes at most, of nothing else."""
STEPS_OF_THE_RATE = ("adam", "metaplastic")
"""Writers whose steps have about the size of the learning rate."""
RECORD = 400
"""Bytes of an epoch's record in JSON."""
PICTURES = 200_000
"""Bytes of a run's pictures, text and environment."""


@dataclass
class Expected:
    """Times and sizes of a run.

    Attributes:
        compiling, training, testing: seconds: before the first step, of all epochs, of
            the test part at the end; step: of a batch.
        memory: bytes of a batch at work; data: of the data and their parts; devices: of
            the synapses' devices, and once more as they were in the best epoch; disk:
            of the run's folder; free: room where it will be.
        source: where the times come from: "steps", of whole batches; "one point" of
            each sequence, "some steps" of each relaxation; "count" of steps of neurons,
            where that would be too long.
    """

    compiling: float
    training: float
    testing: float
    step: float
    memory: int
    data: int
    disk: int
    free: int
    devices: int = 0
    source: str = "steps"

    @property
    def seconds(self) -> float:
        """Of the whole run, without compiling."""
        return self.training + self.testing


@dataclass
class Checked:
    """What was found about a run.

    Attributes:
        problems: why it cannot run; warnings: what may be meant otherwise; notes: what
            was made of the data.
        config: `RunConfig` with the sizes that follow from the data, None where that
            could not be made.
        about: sentence about the data; parts: {part: {class: cases}}, or {part: cases}
            of data without classes.
        parameters: of the network; batches: of an epoch; epochs: that there will be.
        expected: None where it cannot run.
    """

    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    config: RunConfig | None = None
    about: str | None = None
    parts: dict[str, Any] = field(default_factory=dict)
    parameters: int | None = None
    batches: int | None = None
    epochs: int | None = None
    expected: Expected | None = None


def check_run(path: str | Path | None = None, settings: Sequence[str] = ()) -> Checked:
    """Checks a configuration, and measures what its run will take.

    Args:
        path, settings: as of `load_config`.
    Raises:
        StoreError: the file of the configuration cannot be read.
    """
    found, planned = described(path, settings)
    measure(found, planned)
    return found


class Planned(NamedTuple):
    """A run that can be made: its trainer, and what is suspected of it."""

    trainer: Trainer
    suspected: Suspicions


def described(
    path: str | Path | None = None, settings: Sequence[str] = ()
) -> tuple[Checked, Planned | None]:
    """(what is known at once, that of which `measure` takes the times): times are 0
    yet; None where the run cannot be made.
    """
    found, planned = Checked(), None
    with _telling(found):
        config, data = _read(path, settings, found)
        trainer = _trainer(config, data, found)
        if trainer is not None:
            planned = Planned(trainer, _describe(trainer, found))
    return found, None if found.problems else planned


def measure(found: Checked, planned: Planned | None) -> None:
    """Fills in the times, of real steps of a trainer that is of no use afterwards, and
    what relaxations tell.
    """
    sizes = found.expected
    if planned is None or sizes is None:
        return
    trainer, suspected = planned
    with _telling(found):
        warn_beyond(trainer.net, trainer.training)
        found.warnings += measured(trainer.net, trainer.training, suspected)
        timed = _try(found, lambda: _measured(trainer, suspected.drives, sizes))
        found.expected = timed or sizes


@contextlib.contextmanager
def _telling(found: Checked) -> Iterator[None]:
    """Context whose Python warnings go into what was found, each sentence once."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        said = found.notes if warning.category is DataNote else found.warnings
        said.append(str(warning.message))
    for texts in (found.problems, found.warnings, found.notes):
        texts[:] = dict.fromkeys(texts)


def _try(found: Checked, call: Callable[[], Any]) -> Any:
    """What call() returns; its error becomes a problem."""
    try:
        return call()
    except ConfigError as error:
        found.problems += error.problems
    except SpinrnnError as error:
        found.problems.append(str(error))
    return None


def _read(path, settings, found):
    """(`RunConfig`, `Dataset`), None of what has mistakes; the data also of a
    configuration that has some elsewhere.
    """
    config = _try(found, lambda: load_config(path, settings))
    if config is not None:
        return config, _try(found, lambda: data_of(config))
    try:
        parts = parts_in(path, settings)
    except ConfigError:
        return None, None
    if "data" in parts:
        data = _try(found, lambda: load_configured(parts["data"], labelled=False))
        return None, data
    return None, None


def _trainer(config, data, found):
    """The `Trainer` of the run, or None."""
    if data is not None:
        found.about = about(data)
    if config is None or data is None:
        return None

    def make():
        found.config = config.fitted_to(data)
        return Trainer(found.config, data)

    return _try(found, make)


def _describe(trainer: Trainer, found: Checked) -> Suspicions:
    """Fills in what needs no measurement; returns what is suspected."""
    mask, parts = trainer.net.mask, (trainer.training, trainer.validation, trainer.test)
    found.parameters = int(trainer.net.parameters.size if mask is None else mask.sum())
    found.batches, found.epochs = trainer.batches, trainer.epochs
    task = trainer.config.task
    for name, part in zip(NAMES, parts, strict=True):
        has_classes = task.labelled and part.labels is not None
        found.parts[name] = classes_of(part) if has_classes else len(part)
    found.warnings += trainer.unsuited
    found.warnings += class_problems(*parts) if task.labelled else []
    found.warnings += rate_problems(trainer) + trainer.unheeded
    estimator = trainer.config.train.estimator
    suspected = suspicions(trainer.net, trainer.training, estimator=estimator)
    found.notes += suspected.driven
    found.problems += suspected.problems
    found.warnings += suspected.warnings
    found.expected = _expected(trainer)
    if found.expected.disk > found.expected.free:
        found.problems.append("the disk has less room than the run needs; choose another --out")
    return suspected


def rate_problems(trainer: Trainer) -> list[str]:
    """A sentence for each kind of synapse whose trained numbers have another scale than
    the learning rate: a step of Adam is about the rate, whatever the gradient.
    """
    train, found = trainer.config.train, {}
    if train.estimator.at_once or train.writer.kind not in STEPS_OF_THE_RATE:
        return []
    steps = trainer.epochs * trainer.batches
    for synapse in trainer.config.network.synapses:
        scale, rate = synapse.trained_scale, train.learning_rate
        about = f"train.learning_rate: {rate:g}, and {scale:g} is a large change of a trained"
        about += f" number of the synapse {synapse.kind}"
        if rate > scale:
            found[synapse.kind] = f"{about}; one step goes beyond it, as {scale / 30:.1g} does not"
        elif rate * steps < 0.01 * scale:
            found[synapse.kind] = f"{about}; all {steps} steps together hardly move one"
    return list(found.values())


# ---- what it takes ----


def _expected(trainer: Trainer) -> Expected:
    """Sizes of the run; its times are 0 until they are measured."""
    arrays, _ = trainer.state()
    checkpoint = sum(array.nbytes for array in arrays.values())
    kept = trainer.config.train.checkpoints
    parts = trainer.training, trainer.validation, trainer.test
    # records are in metrics.jsonl and in each checkpoint
    records = RECORD * trainer.epochs * (kept + 1)
    own = kept * checkpoint + checkpoint // 2 + records
    return Expected(
        compiling=0.0,
        training=0.0,
        testing=0.0,
        step=0.0,
        memory=trainer.plan.bytes,
        # the whole, and its parts
        data=int(2 * sum(part.inputs.nbytes for part in parts)),
        devices=2 * sum(array.nbytes for array in trainer.net.connections.named().values()),
        disk=members_of(trainer.config.train) * own + PICTURES,
        free=shutil.disk_usage(Path.cwd()).free,
    )


def members_of(train: Any) -> int:
    """Networks that a `TrainConfig` trains, one after the other."""
    return getattr(train, "ensemble", 1)


def _measured(trainer: Trainer, drives: Drives, sizes: Expected) -> Expected:
    """The same with times."""
    net, inputs = trainer.net, trainer.training.inputs
    effort = effort_of(net, inputs, min(trainer.config.train.batch, len(inputs)), drives)
    if effort is None:
        compiling = trainer.warm_up()
        case = _per_case(lambda part: evaluate(net, part, task=trainer.config.task), trainer.test)
        step, fit = _seconds_of_step(trainer, case), _seconds_of_fits(trainer)
        return _times(trainer, sizes, Effort(case, step, compiling, True), fit)
    fit = effort.case * (len(trainer.training) + len(trainer.validation))
    one = "one point" if "time" in net.config.abilities else "some steps"
    source = one if effort.measured else "count"
    found = _times(trainer, sizes, effort, fit if _fits(trainer) else 0.0)
    return dataclasses.replace(found, source=source)


def _fits(trainer: Trainer) -> bool:
    """Whether all is learned at once, or begins with such a fit."""
    estimator = trainer.config.train.estimator
    return estimator.at_once or estimator.warm == "reservoir"


def _times(trainer: Trainer, sizes: Expected, effort: Effort, fit: float) -> Expected:
    """Times of the whole run; fit: seconds of what is learned at once."""
    training, validation, test = trainer.training, trainer.validation, trainer.test
    case, learning = effort.case, fit
    if trainer.config.train.estimator.at_once:
        learning += case * (len(training) + len(validation))
    else:
        learning += trainer.epochs * (trainer.batches * effort.step + case * len(validation))
    members = members_of(trainer.config.train)
    # each is tested alone, and all together
    tests = 2 * members if members > 1 else 1
    return dataclasses.replace(
        sizes,
        compiling=effort.compiling,
        training=members * learning,
        testing=(1 + FINER) * case * len(test) * tests,
        step=effort.step,
    )


def _seconds_of_step(trainer: Trainer, case: float) -> float:
    """Of a batch; 0 where all is learned at once."""
    if trainer.config.train.estimator.at_once:
        return 0.0
    most = FORTH_AND_BACK * case * min(trainer.config.train.batch, len(trainer.training))
    return _seconds_of_batch(trainer, case * len(trainer.validation), most)


def _seconds_of_fits(trainer: Trainer) -> float:
    """Of what is learned at once; 0 where nothing is."""
    if not _fits(trainer):
        return 0.0
    estimator = trainer.config.train.estimator
    fit = estimator.fit if estimator.at_once else Reservoir().fit
    call = functools.partial(fit, trainer.net, trainer.config.task)
    return _seconds_of_fit(call, trainer.training, trainer.validation)


def _per_case(call: Callable[[Dataset], Any], data: Dataset, more: int = 0) -> float:
    """Median seconds of a call with some cases, for each of them.

    more: cases that each call has besides.
    """
    few = data.take(slice(0, CASES))
    call(few)
    seconds, end = [], time.perf_counter() + MEASURED / 4
    while not seconds or time.perf_counter() < end:
        before = time.perf_counter()
        call(few)
        seconds.append(time.perf_counter() - before)
    return float(np.median(seconds)) / (len(few) + more)


def _seconds_of_fit(
    fit: Callable[[Dataset, Dataset], Any], training: Dataset, validation: Dataset
) -> float:
    """Seconds of what is learned at once: of some cases, or of all where that is
    quick.
    """
    few = validation.take(slice(0, CASES))
    # some cases may lack what can only be learned of all, as cases of a class
    with contextlib.suppress(DataError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = _per_case(lambda part: fit(part, few), training, len(few))
        whole = one * (len(training) + len(validation))
        if whole > MEASURED:
            return whole
    before = time.perf_counter()
    fit(training, validation)
    return time.perf_counter() - before


def _seconds_of_batch(trainer: Trainer, validation: float, most: float) -> float:
    """Median seconds of a training step; validation: those of an epoch's end. The first
    step takes its memory and loads what is compiled, so it counts only where it is long
    by itself: within `most`, what a step takes without these.
    """
    own: list[float] = []
    last: list[float] = []
    steps, before = trainer.steps(), time.perf_counter()
    record, end = next(steps), before + MEASURED
    first = time.perf_counter() - before
    if record is None and MEASURED < first <= most:
        return first
    while not (own or last) or time.perf_counter() < end:
        before = time.perf_counter()
        record = next(steps, StopIteration)
        if record is StopIteration:
            break
        (own if record is None else last).append(time.perf_counter() - before)
    if own:
        return float(np.median(own))
    return max(float(np.median(last)) - validation, 0.0) if last else 0.0
