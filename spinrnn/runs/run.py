"""A run as a folder: its configuration, records, checkpoints and results on disk, and going on after a kill.

The order of writing is what makes a kill harmless: configuration first, checkpoints whenever time has passed, `summary.json` last.
A run that has a summary is complete; anything else goes on from its newest whole checkpoint. runs/README.md lists the files.
"""

import time

from spinrnn.config.run import RunConfig
from spinrnn.datasets.dataset import Dataset
from spinrnn.datasets.loading import load_dataset
from spinrnn.errors import (
    ConfigError,
    DataError,
    DivergenceError,
)
from spinrnn.learning.trainer import Trainer, evaluate
from spinrnn.runs import checkpoints
from spinrnn.runs.folder import Folder, Result

FINER = 8
"""The trained network is also tested with this many times finer substeps: a network that needs its own discretisation is no device."""


class Interrupted(Exception):
    """The run was asked to stop and has written a checkpoint; it can be resumed."""


def train(
    config=None,
    out=None,
    resume=False,
    data=None,
    on_start=None,
    on_epoch=None,
    stop=None,
    pictures=True,
):
    """Trains a network, chooses the best epoch by the validation part and reads the test part once, at the end.

    Args:
        config: `RunConfig`; None means the defaults, or with `resume` the configuration of the run.
        out: run folder; None keeps everything in memory.
        resume: continue the run in `out` if there is one, else start it.
        data: `Dataset`; None reads config.data.source.
        on_start: called with the `Trainer` once all checks are done and the folder is open; on_epoch: the same after each epoch.
            What it adds to the newest record of `trainer.history` is kept with the run.
        stop: called after each batch; when it returns true a checkpoint is written and `Interrupted` raised.
        pictures: draw curves.png and confusion.png at the end.
    Returns:
        `Result`; for a run that is complete already, what it found.
    Raises:
        ConfigError, DataError, StoreError: bad input; DivergenceError: the last checkpoint stays; Interrupted: see `stop`.
    """
    if config is not None and not isinstance(config, RunConfig):
        raise ConfigError(
            [f"config: must be a RunConfig, as load_config returns it; got {type(config).__name__}"]
        )
    if data is not None and not isinstance(data, Dataset):
        raise DataError(
            f"data: must be a Dataset, as in spinrnn.Dataset(inputs, labels); got {type(data).__name__}"
        )
    folder = None if out is None else Folder(out)
    if folder:
        config = folder.settle(config, resume)
        if folder.complete:
            return folder.result()
    try:
        return _train(
            RunConfig() if config is None else config,
            folder,
            resume,
            data,
            on_start,
            on_epoch,
            stop,
            pictures,
        )
    finally:
        if folder:
            folder.close()


def _train(config, folder, resume, data, on_start, on_epoch, stop, pictures):
    trainer = Trainer(config, load_dataset(config.data.source) if data is None else data)
    if folder:
        folder.open(trainer, resume)
    if on_start:
        on_start(trainer)
    last_checkpoint = time.monotonic()
    try:
        compiling = trainer.warm_up()
        for record in trainer.steps():
            if record and folder:
                folder.append(record)
            if record and on_epoch:
                on_epoch(trainer)
            stopping = stop is not None and stop()
            if folder and (
                stopping or time.monotonic() - last_checkpoint >= config.train.checkpoint_seconds
            ):
                folder.checkpoint(trainer)
                last_checkpoint = time.monotonic()
            if stopping:
                raise Interrupted(f"stopped after {trainer.adam.steps} training steps")
    except DivergenceError as error:
        raise _with_checkpoint(error, folder) from None
    if folder:
        folder.checkpoint(trainer)
    return _finish(trainer, folder, compiling, pictures)


def _finish(trainer, folder, compiling, pictures=True):
    """Reads the test part, and writes the results."""
    net = trainer.best_network()
    score = evaluate(net, trainer.test)
    finer = evaluate(net.replace(substeps=FINER * net.config.resolved_substeps), trainer.test)
    summary = {
        "test_accuracy": score.accuracy,
        "test_loss": score.loss,
        "test_accuracy_fine": finer.accuracy,
        "test_loss_fine": finer.loss,
        "substeps": net.config.resolved_substeps,
        "substeps_fine": FINER * net.config.resolved_substeps,
        "validation_accuracy": trainer.best["validation_accuracy"],
        "validation_loss": trainer.best["validation_loss"],
        "best_epoch": trainer.best["epoch"],
        "epochs": trainer.epoch,
        "parameters": int(net.parameters.size if net.mask is None else net.mask.sum()),
        "cases": {
            "training": len(trainer.training),
            "validation": len(trainer.validation),
            "test": len(trainer.test),
        },
        "seconds_training": round(trainer.seconds(), 3),
        "seconds_compiling": round(compiling, 3),
        "seed": trainer.config.train.seed,
        "data_sha256": trainer.data_digest,
        "confusion": score.confusion.tolist(),
    }
    if folder:
        folder.finish(net, trainer.history, summary, pictures)
    return Result(net, summary, trainer.history, folder and folder.path)


def _with_checkpoint(error, folder):
    if folder:
        newest = checkpoints.checkpoint_paths(folder.path)[0]
        error.args = (f"{error}; the last good checkpoint is {newest}",)
    return error
