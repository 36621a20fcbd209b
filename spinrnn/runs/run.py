"""A training from start to end, in memory or in the folder of a run that survives
kills."""

import dataclasses
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from spinrnn.config.run import RunConfig
from spinrnn.config.tables import plain
from spinrnn.datasets.dataset import Dataset
from spinrnn.datasets.loading import data_of
from spinrnn.datasets.parts import class_problems
from spinrnn.errors import ConfigError, DataError, DeviceError, DivergenceError
from spinrnn.learning.loop import Loop, Stopped
from spinrnn.learning.trainer import Trainer
from spinrnn.networks.ensemble import Ensemble
from spinrnn.notebook import card
from spinrnn.progress import TrainingBar, is_shown
from spinrnn.runs import checkpoints, ensembles, loops
from spinrnn.runs.folder import Folder
from spinrnn.runs.futile import silent, stuck
from spinrnn.runs.loading import check_data, load_data
from spinrnn.runs.resting import SHORT
from spinrnn.runs.suspicions import Suspicions, measured, suspicions, warn_beyond

FINER = 8
"""The trained network is also tested with this many times finer substeps: a network
that needs its own discretisation is no device."""


@dataclasses.dataclass(repr=False)
class Result:
    """What a training run gives back.

    Attributes:
        network: of the best epoch; of an ensemble an `Ensemble`.
        summary: the numbers, as in summary.json.
        history: records of the epochs, as in metrics.jsonl; of an ensemble none.
        folder: of the run, or None.
        config: of the run, with the sizes that follow from its data.
    """

    network: Any
    summary: dict[str, Any]
    history: list[dict[str, Any]]
    folder: Path | None
    config: RunConfig = dataclasses.field(default_factory=RunConfig)

    def __repr__(self) -> str:
        chosen = f"test_{self.config.task.chooses}"
        value = self.summary.get(chosen)
        found = "" if value is None else f", {chosen} {value:.4g}"
        where = "" if self.folder is None else f", in {self.folder}"
        return f"<Result of {len(self.history)} epochs{found}{where}: {self.network!r}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the numbers of the summary, no matrices."""
        plain = {
            name: value
            for name, value in self.summary.items()
            if not (isinstance(value, list) and value and isinstance(value[0], list))
        }
        rows = [("folder", self.folder), ("network", repr(self.network)), *plain.items()]
        return card("Result", rows)


class Interrupted(Exception):
    """The run was asked to stop and has written a checkpoint; it can be resumed."""


def train(
    config: RunConfig | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    data: Dataset | None = None,
    on_start: Callable[[Trainer], object] | None = None,
    on_epoch: Callable[[Trainer], object] | None = None,
    stop: Callable[[], bool] | None = None,
    pictures: bool = True,
    progress: bool | TrainingBar | None = None,
    forward: Callable[[Any], Any] | None = None,
    forward_retries: int = 3,
    forward_wait: float = 1.0,
) -> Result:
    """Trains a network, chooses the best epoch by the validation part, tests it once.

    The test part is read at the end only. With `train.ensemble` several networks are
    trained, one after the other, each as this says.

    Args:
        config: of the run; None means the defaults, or with `resume` the configuration
            of the run.
        out: run folder; None keeps everything in memory.
        resume: continue the run in `out` if there is one, else start it. Data that have
            moved are the same by their digest; their new place, config.data.source, is
            kept.
        data: the labelled sequences; None reads config.data.source.
        on_start: called with the `Trainer` once all checks are done and the folder is
            open.
        on_epoch: the same after each epoch. What it adds to the newest record of
            `trainer.history` is kept with the run.
        stop: called after each batch; when it returns true a checkpoint is written and
            `Interrupted` raised.
        pictures: draw curves.png and confusion.png at the end. Where that fails a
            warning says so.
        progress: whether to show a bar, or lines where there is no terminal; None: in a
            notebook.
        forward: a device in the loop, called with a `Call`: it gives the outputs, or a
            `Reading`, and the network only the gradient. Validation and test ask it
            too. Each call is kept in `calls.h5` of the run folder, and a run that goes
            on takes the answers that are there.
        forward_retries: further attempts where it raises an error or gives NaN;
            forward_wait: s before the first of them, doubled each time, 60 s at most.
    Returns:
        The results; of a run that is complete already, what it found.
    Raises:
        ConfigError, DataError, StoreError: bad input; DivergenceError: the last
        checkpoint stays; DeviceError: the device does not answer, or not rightly; a
        checkpoint is written; Interrupted: see `stop`.
    """
    _check_arguments(config, data)
    device = forward, forward_retries, forward_wait
    if isinstance(progress, TrainingBar) or is_shown(progress):
        with progress if isinstance(progress, TrainingBar) else TrainingBar() as bar:
            hooks = bar.around(on_start, on_epoch, stop)
            return train(config, out, resume, data, *hooks, pictures, False, *device)
    folder = None if out is None else Folder(out)
    if folder is not None:
        config = folder.settle(config, resume)
        folder.check_device(forward)
    config = config or RunConfig()
    loop = loops.loop_of(*device, stop, config)
    if config.train.ensemble > 1:
        calls = {"on_start": on_start, "on_epoch": on_epoch, "stop": stop, "progress": False}
        return _train_ensemble(config, folder, resume, data, pictures, calls)
    if folder is None:
        return _train(config, data, on_start, on_epoch, stop, loop)
    if folder.complete:
        return _found(folder, config, data, pictures)
    try:
        result = _train(config, data, on_start, on_epoch, stop, loop, folder, resume)
        if pictures:
            folder.draw(result.history, result.summary)
        return result
    finally:
        folder.close()


def _check_arguments(config: Any, data: Any) -> None:
    if config is not None and not isinstance(config, RunConfig):
        got = type(config).__name__
        raise ConfigError([f"config: must be a RunConfig, as load_config returns it; got {got}"])
    if data is not None and not isinstance(data, Dataset):
        raise DataError(
            "data: must be a Dataset, as in spinrnn.Dataset(inputs, labels); "
            f"got {type(data).__name__}"
        )


def _found(folder: Folder, config: RunConfig, data: Dataset | None, pictures: bool) -> Result:
    """The results of a complete run; data at another place must be the same."""
    network, summary, history = folder.results()
    moved = folder.moved(config)
    if moved or data is not None:
        data = load_data(config, folder.path) if data is None else data
        check_data(summary["data_sha256"], data.digest(), folder.path)
    if moved:
        folder.keep_config(config, same_data=True)
    if pictures:
        folder.draw(history, summary, folder.missing_pictures())
    return Result(network, summary, history, folder.path, config)


def _train_ensemble(
    config: RunConfig,
    folder: Folder | None,
    resume: bool,
    data: Dataset | None,
    pictures: bool,
    calls: dict[str, Any],
) -> Result:
    """All members of an ensemble, those that are complete as they are, and what they
    answer together.
    """
    data = _load(config, folder) if data is None else data
    config = config.fitted_to(data)
    try:
        if folder is not None:
            folder.begin(config, resume)
        results = ensembles.train_members(train, config, folder, data, **calls)
        network = Ensemble([result.network for result in results], config.task.labelled)
        if folder is not None and folder.complete:
            summary = folder.summary()
        else:
            summary = ensembles.summarise(results, network, data, FINER)
        if folder is not None:
            folder.conclude(summary)
            if pictures and "confusion" in summary:
                folder.draw([], summary, ["confusion.png"])
        return Result(network, summary, [], folder and folder.path, config)
    finally:
        if folder is not None:
            folder.close()


def _train(
    config: RunConfig,
    data: Dataset | None,
    on_start: Callable[[Trainer], object] | None,
    on_epoch: Callable[[Trainer], object] | None,
    stop: Callable[[], bool] | None,
    loop: Loop | None,
    folder: Folder | None = None,
    resume: bool = False,
) -> Result:
    """A run that is not complete yet, to its numbers."""
    data = _load(config, folder) if data is None else data
    config = config.fitted_to(data)
    trainer = Trainer(config, data, loop=loop)
    suspected = _warn_of_data(trainer)
    if folder:
        folder.open(trainer, resume)
    if on_start:
        on_start(trainer)
    try:
        compiling = trainer.warm_up()
        _warn_of_rest(trainer, suspected)
        _steps(trainer, folder, on_epoch, stop)
        if folder:
            folder.checkpoint(trainer)
        network = trainer.best_network()
        warn_beyond(network, trainer.training)
        _warn_of_stuck(trainer, network)
        summary = summarise(trainer, network, compiling)
    except DivergenceError as error:
        raise _with_checkpoint(error, folder) from None
    except DeviceError as error:
        raise _kept(error, trainer, folder) from error.__cause__
    except Stopped:
        _kept(None, trainer, folder)
        raise Interrupted(f"stopped after {trainer.learner.steps} training steps") from None
    if folder:
        folder.finish(network, summary)
    return Result(network, summary, trainer.history, folder and folder.path, config)


def _warn_of_data(trainer: Trainer) -> Suspicions:
    """Warns of data from which nothing can be learned, or not all that is asked for,
    and of values that make a training endless or futile; returns what is suspected.
    """
    parts = trainer.training, trainer.validation, trainer.test
    classes = class_problems(*parts) if trainer.config.task.labelled else []
    estimator = trainer.config.train.estimator
    found = suspicions(trainer.net, trainer.training, excited=False, estimator=estimator)
    for text in [*trainer.unsuited, *classes, *trainer.unheeded, *found.endless]:
        warnings.warn(text, stacklevel=4)
    return found


def _warn_of_rest(trainer: Trainer, suspected: Suspicions) -> None:
    """Warns where a network that settles does not, and of drives beyond what devices
    were seen under; what that needs is compiled.
    """
    warn_beyond(trainer.net, trainer.training)
    for text in measured(trainer.net, trainer.training, suspected, SHORT):
        warnings.warn(text, stacklevel=4)


def _warn_of_stuck(trainer: Trainer, net: Any) -> None:
    """Warns where nothing moves outputs at the end, unless inputs are such that this is
    no wonder, which is told. Before that weights below may still bring them back.
    """
    train = trainer.config.train
    if not trainer.unsuited:
        for text in stuck(net, train.estimator, trainer.config.task, trainer.training):
            warnings.warn(text, stacklevel=4)


def _load(config: RunConfig, folder: Folder | None) -> Dataset:
    """The configuration's data; those of a run that goes on may have moved."""
    if folder and folder.started:
        return load_data(config, folder.path)
    return data_of(config)


def _steps(
    trainer: Trainer,
    folder: Folder | None,
    on_epoch: Callable[[Trainer], object] | None,
    stop: Callable[[], bool] | None,
) -> None:
    """All steps that are left, with records and checkpoints on the way."""
    last_checkpoint = time.monotonic()
    for record in trainer.steps():
        if record and folder:
            folder.append(record)
        if record and trainer.epoch == 1:
            for text in silent(trainer.net):
                warnings.warn(text, stacklevel=4)
        if record and on_epoch:
            on_epoch(trainer)
            # a number of NumPy that was added is none of JSON
            record.update((key, plain(value)) for key, value in list(record.items()))
        stopping = stop is not None and stop()
        waited = time.monotonic() - last_checkpoint
        if folder and (stopping or waited >= trainer.config.train.checkpoint_seconds):
            folder.checkpoint(trainer)
            last_checkpoint = time.monotonic()
        if stopping:
            raise Interrupted(f"stopped after {trainer.learner.steps} training steps")


def summarise(trainer: Trainer, network: Any, compiling: float) -> dict[str, Any]:
    """Reads the test part; the numbers of summary.json.

    Args:
        trainer: at the end of the training.
        network: of its best epoch.
        compiling: seconds before the first step.
    """
    task, best, mask = trainer.config.task, trainer.best, network.mask
    found, numbers = trainer.tested(network, FINER)
    assert best is not None, "no epoch has ended"
    return {
        **numbers,
        **{f"validation_{score.name}": best[f"validation_{score.name}"] for score in task.scores},
        "best_epoch": best["epoch"],
        "epochs": trainer.epoch,
        "parameters": int(network.parameters.size if mask is None else mask.sum()),
        "cases": {
            "training": len(trainer.training),
            "validation": len(trainer.validation),
            "test": len(trainer.test),
        },
        "seconds_training": round(trainer.seconds(), 3),
        "seconds_compiling": round(compiling, 3),
        **_events(trainer.history),
        **_device(trainer.loop),
        "seed": trainer.config.train.seed,
        "data_sha256": trainer.data_digest,
        **trainer.names(),
        **{name: array.tolist() for name, array in found.further.items()},
        **({} if trainer.drives is None else {"initial_drive": trainer.drives[1].tolist()}),
    }


def _device(loop: Loop | None) -> dict[str, Any]:
    """What a device in the loop was asked; {} without one."""
    if loop is None:
        return {}
    totals = {f"forward_{name}": value for name, value in loop.totals().items()}
    return {"forward": loops.record_of(loop.forward)["forward"], **totals}


def _events(history: list[dict[str, Any]]) -> dict[str, Any]:
    """What programming has cost in all epochs; {} where nothing was counted. Devices
    that are saturated are those of the last epoch.
    """
    names = [name for record in history for name in record if name.startswith("programming_")]
    found = {name: sum(record.get(name, 0) for record in history) for name in dict.fromkeys(names)}
    if "programming_saturated" in found:
        found["programming_saturated"] = history[-1].get("programming_saturated", 0)
    return found


def _kept(error: Any, trainer: Trainer, folder: Folder | None) -> Any:
    """The error of a device with what there is of the run, which is kept by now."""
    if folder:
        folder.checkpoint(trainer)
    if error is not None:
        kept = (
            f"all before it is kept in {folder.path}; go on by resume"
            if folder
            else ("the run was in memory only; give out=... to be able to go on")
        )
        error.args = (f"{error}; {kept}",)
    return error


def _with_checkpoint(error: DivergenceError, folder: Folder | None) -> DivergenceError:
    """The error with the place of the last checkpoint."""
    if folder:
        newest = checkpoints.checkpoint_paths(folder.path)[0]
        error.args = (f"{error}; the last good checkpoint is {newest}",)
    return error
