"""One point in a worker: trains it and writes the file of its result.

Takes and gives plain dictionaries, so that any executor can carry them. Whatever
happens to the worker, the files are whole: the run has its checkpoints, and the result
file is written last and at once.
"""

import functools
import math
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing import connection, parent_process

import numpy as np

from spinrnn.analysis.drive import cumulative_drive
from spinrnn.config import kinds
from spinrnn.config.run import from_tables, to_tables
from spinrnn.config.toml import to_toml
from spinrnn.datasets import loading
from spinrnn.datasets.parts import divide
from spinrnn.errors import DivergenceError, MemoryLimitError, SpinrnnError, StoreError
from spinrnn.learning.trainer import evaluate
from spinrnn.machine import memory, threads
from spinrnn.machine.environment import describe
from spinrnn.runs import run
from spinrnn.sweep.columns import history_columns
from spinrnn.sweep.file import Sweep
from spinrnn.sweep.folder import SweepFolder
from spinrnn.sweep.points import Point

GRACE = 20
"""Seconds that a worker has for its checkpoint when its parent has died."""


def task(
    folder: SweepFolder,
    session: str,
    known: float | None,
    point: Point,
    sweep: Sweep,
    limits: dict,
    keep_runs: bool,
) -> dict:
    """What `run_point` needs to know of a point, as a dictionary of plain values.

    Args:
        folder, session: of the sweep, and of the process that gives the work.
        known: time at which a failure ended that is to be tried again; None for others.
        point, sweep: what is run.
        limits: {"threads": of the point, "memory": bytes, None for what the worker
            finds}.
        keep_runs: keep the run folder.
    """
    return {
        "folder": str(folder.path.absolute()),
        "session": session,
        "known": known,
        "digest": point.digest,
        "name": point.name,
        "data": point.data,
        "values": point.values,
        "tables": to_tables(point.config),
        "uses": kinds.sources(),
        "record_test": sweep.record_test,
        "cumulative_drive": sweep.cumulative_drive,
        **limits,
        "keep_runs": keep_runs,
    }


def run_point(task: dict, stop: Callable[[], bool] | None = None) -> dict:
    """Runs one point, or goes on where it was stopped.

    Args:
        task: as `task` makes it.
        stop: called after each batch, true stops; so does the end of the session.
    Returns:
        {"outcome": ..., "seconds": ..., "error": text}. The outcome is "done",
        "diverged" or "failed" with a result file written, "stopped", "busy" (another
        worker has it),
        or "fatal": no other point would fare better, as the disk is full or the data
            have changed.
    """
    _worker.busy = True
    began = time.monotonic()
    try:
        outcome, error = _run_locked(task, stop, began)
    except StoreError as reason:
        outcome, error = "fatal", f"{socket.gethostname()}: {reason}"
    _worker.busy = False
    # even with an outcome, which is in its file: a pool that sent SIGTERM may never
    # take it
    if _worker.leaving:
        _leave()
    return {"outcome": outcome, "error": error, "seconds": time.monotonic() - began}


def _run_locked(task, stop, began):
    """(outcome, error) of a point, which no other worker has meanwhile."""
    folder = SweepFolder(task["folder"])
    if not (folder.path / "points").is_dir():
        raise StoreError(
            f"{folder.path}: no such folder; workers need the file system of the process "
            "that started the sweep"
        )
    if not folder.going_on(task["session"]):
        return "stopped", None
    kinds.use_same(task["uses"])
    # what a worker of an earlier session left
    folder.clear(task["digest"], task["name"], task["keep_runs"])
    lock = folder.lock(task["name"])
    if not lock.acquire():
        return "busy", None
    try:
        found = _result_of_another(task, folder)
        if found is not None:
            return found
        # for this thread alone, as others of this process may work on other points
        with threads.using(task["threads"]), memory.using(task["memory"]):
            return _train(task, folder, _Stop(folder, task["session"], lock, stop), began)
    finally:
        lock.release()


def _result_of_another(task, folder):
    """(outcome, error) where another process was quicker, else None."""
    try:
        _, state = folder.load(task["digest"], task["name"])
    except StoreError:
        # there is none, or it is damaged
        return None
    if state["status"] == "failed" and state["finished"] == task["known"]:
        return None
    return _told(state)


def _told(state):
    return state["status"], state["error"] and state["error"]["text"]


class _Stop:
    """Called after each batch: whether to stop.

    Looks at the session a few times a second, and says that the worker lives.
    """

    def __init__(self, folder, session, lock, asked):
        self._folder, self._session, self._lock, self._asked = folder, session, lock, asked
        self._looked = 0.0

    def __call__(self):
        if _worker.stopping or (self._asked is not None and self._asked()):
            return True
        if time.monotonic() - self._looked < 0.25:
            return False
        self._looked = time.monotonic()
        self._lock.touch()
        return not self._folder.going_on(self._session)


# ---- the training ----


def _train(task, folder, stop, began):
    """Trains the point and writes its result file. Returns (outcome, error)."""
    config = from_tables(task["tables"])
    data = _data(config.data.whole(), task["data"])
    data = loading.from_one(data, config.network.outputs)
    trainers = []
    try:
        result = _trained(task, folder, config, data, trainers.append, stop)
        arrays, outcome = _success(task, config, data, result)
        history = result.history
    except run.Interrupted:
        return "stopped", None
    except StoreError:
        raise
    except Exception as error:
        arrays, outcome = {}, _failure(error)
        history = trainers[-1].history if trainers else []
    arrays |= _curves(config.task, history)
    state = {"values": task["values"], "environment": _environment(), **outcome}
    state |= {"seconds": round(time.monotonic() - began, 3), "finished": time.time()}
    folder.save(task["digest"], task["name"], to_toml(config), arrays, state)
    # frees the memory of batches before the next point
    trainers.clear()
    if not task["keep_runs"] and not _lacked_memory(state):
        folder.remove_run(task["name"])
    return _told(state)


def _trained(task, folder, config, data, on_start, stop):
    """The `Result` of the run, resumed from its checkpoints where there are some."""
    path = folder.run_path(task["name"])
    on_epoch = _record_test if task["record_test"] else None

    def train():
        return run.train(
            config, path, True, data, on_start, on_epoch, stop, pictures=task["keep_runs"]
        )

    resumed = path.exists()
    try:
        return train()
    except (DivergenceError, MemoryLimitError):
        raise
    except SpinrnnError:
        if not resumed:
            raise
    # its run folder is damaged or of an older version: begin again
    folder.remove_run(task["name"])
    return train()


def _record_test(trainer):
    """Adds the test score to an epoch's record, after the best one has been chosen."""
    task = trainer.config.task
    try:
        found = evaluate(trainer.net, trainer.test, task=task).scores
    except DivergenceError:
        # a mere look must not end the run
        found = {score.name: math.nan for score in task.scores}
    trainer.history[-1].update({f"test_{name}": value for name, value in found.items()})


def _success(task, config, data, result):
    """(arrays, state) of a finished run."""
    net, extra = result.network, {}
    arrays = {"best_parameters": net.parameters}
    if net.mask is not None:
        arrays["mask"] = net.mask.astype(np.uint8)
    if net.devices is not None:
        arrays |= net.devices.named()
    if net.scaling is not None:
        arrays |= net.scaling.named()
    own = net.connections.named() | net.buffers
    arrays |= {f"best_{name}": array for name, array in own.items()}
    if task["cumulative_drive"]:
        test = divide(data, config)[2]
        extra["cumulative_drive"] = cumulative_drive(net, test.inputs, test.lengths)
    return arrays, {"status": "done", "summary": result.summary, "extra": extra, "error": None}


def _failure(error):
    """State of a run that ended in an error."""
    # a reader cannot use the number of a checkpoint, as the run folder will be gone
    text = str(error).partition("; the last good checkpoint is")[0] or type(error).__name__
    return {
        "status": "diverged" if isinstance(error, DivergenceError) else "failed",
        "summary": None,
        "extra": {},
        "error": {"class": type(error).__name__, "text": text},
    }


def _curves(task, history):
    """{name: (epoch,) float64} of the recorded columns."""
    recorded = [key for key in history_columns([task]) if history and key in history[0]]
    return {
        f"history/{key}": np.array([record[key] for record in history], dtype=np.float64)
        for key in recorded
    }


def _lacked_memory(state):
    """Whether the run ended for want of memory; with more it can go on."""
    return state["error"] is not None and state["error"]["class"] == MemoryLimitError.__name__


# ---- what is kept from point to point ----


@functools.lru_cache(maxsize=2)
def _load(config):
    data = loading.load_configured(config, labelled=False)
    return data, data.digest()


def _data(config, digest):
    """The data set of a `DataConfig`, kept for the next point; StoreError if it is not
    the sweep's.
    """
    data, found = _load(config)
    if found != digest:
        _load.cache_clear()
        raise StoreError(
            f"{config.name} has changed since the sweep was read; restore it, or begin the sweep "
            "again in another folder"
        )
    return data


@functools.lru_cache(maxsize=1)
def _environment():
    return describe()


# ---- the process ----


class _Worker:
    """What signals have asked of this process."""

    # after the current batch
    stopping = False
    # and then the process ends
    leaving = False
    busy = False


_worker = _Worker()


def start_worker(leave: bool) -> None:
    """Initializer of a worker process.

    SIGTERM and SIGUSR1 stop the point after its batch with a checkpoint; SIGINT is left
    to the parent.

    Args:
        leave: end the process after that, and when the parent has died. Without it the
            process goes on, stopping every further point.
    """
    _worker.leaving = False

    def note(*_):
        _worker.stopping = True
        _worker.leaving = leave
        if leave and not _worker.busy:
            _leave()

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, note)
    if leave and parent_process() is not None:
        threading.Thread(target=_watch_parent, daemon=True).start()


def _watch_parent():
    """Ends this process soon after its parent; a worker would survive it for ever."""
    parent = parent_process()
    if parent is None:
        return
    connection.wait([parent.sentinel])
    _worker.stopping = _worker.leaving = True
    end = time.monotonic() + GRACE
    while _worker.busy and time.monotonic() < end:
        time.sleep(0.05)
    _leave()


def _leave():
    sys.stderr.flush()
    os._exit(143)
