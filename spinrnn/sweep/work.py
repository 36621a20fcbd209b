"""One point in a worker: train it, measure it, write its result file. Takes and gives plain dictionaries, so that any executor can carry them.

Whatever happens to the worker, the files are whole: the run has its checkpoints, and the result file is written last and at once.
"""

import functools
import os
import signal
import socket
import sys
import threading
import time
from multiprocessing import connection, parent_process

import numpy as np

from spinrnn.analysis.drive import cumulative_drive
from spinrnn.config.run import from_tables, to_tables
from spinrnn.config.toml import to_toml
from spinrnn.datasets import loading, parts
from spinrnn.errors import DivergenceError, MemoryLimitError, SpinrnnError, StoreError
from spinrnn.learning.trainer import evaluate
from spinrnn.machine import memory, threads
from spinrnn.machine.environment import describe
from spinrnn.runs import run
from spinrnn.sweep.columns import HISTORY
from spinrnn.sweep.folder import SweepFolder

GRACE = 20
"""Seconds that a worker has to write its checkpoint when the process that gives the work has died."""


def task(folder, session, known, point, sweep, limits, keep_runs):
    """What `run_point` needs to know of a point, as a dictionary of plain values; a failure that ended at the time `known` is tried again.

    limits: {"threads": of the point, "memory": bytes, or None for what the worker finds itself}.
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
        "record_test": sweep.record_test,
        "cumulative_drive": sweep.cumulative_drive,
        **limits,
        "keep_runs": keep_runs,
    }


def run_point(task, stop=None):
    """Runs one point, or goes on where it was stopped.

    Args:
        task: as `task` makes it; stop: called after each batch, true stops; besides, the end of the session does.
    Returns:
        {"outcome": ..., "seconds": ..., "error": text}; the outcome is "done", "diverged" or "failed" with a result file written, "stopped", "busy"
        (another worker has it), or "fatal": no other point would fare better, as the disk is full or the data have changed.
    """
    _worker.busy = True
    began = time.monotonic()
    try:
        outcome, error = _run_locked(task, stop, began)
    except StoreError as reason:
        outcome, error = "fatal", f"{socket.gethostname()}: {reason}"
    _worker.busy = False
    if (
        _worker.leaving
    ):  # even with a result: it is in its file, and a pool that has sent SIGTERM may never take it
        _leave()
    return {"outcome": outcome, "error": error, "seconds": time.monotonic() - began}


def _run_locked(task, stop, began):
    folder = SweepFolder(task["folder"])
    if not (folder.path / "points").is_dir():
        raise StoreError(
            f"{folder.path}: no such folder; workers need the file system of the process that started the sweep"
        )
    if not folder.going_on(task["session"]):
        return "stopped", None
    folder.clear(task["digest"], task["name"], task["keep_runs"])  # of another session's worker
    lock = folder.lock(task["name"])
    if not lock.acquire():
        return "busy", None
    try:
        try:
            state = folder.load(task["digest"], task["name"])[1]
            if (
                state["status"] != "failed" or state["finished"] != task["known"]
            ):  # another process was quicker
                return state["status"], state["error"] and state["error"]["text"]
        except StoreError:
            pass  # there is none, or it is damaged
        # for this thread alone, as others of this process may work on other points
        with threads.using(task["threads"]), memory.using(task["memory"]):
            return _train(task, folder, _Stop(folder, task["session"], lock, stop), began)
    finally:
        lock.release()


class _Stop:
    """Called after each batch: whether to stop. Looks at the session a few times a second, and says that the worker lives."""

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


def _train(task, folder, stop, began):
    config = from_tables(task["tables"])
    data = _data(config.data.source, task["data"])
    name, path, seen = task["name"], folder.run_path(task["name"]), []

    def on_epoch(trainer):
        if task["record_test"]:
            try:
                score = evaluate(trainer.net, trainer.test)
                scores = {"test_loss": score.loss, "test_accuracy": score.accuracy}
            except DivergenceError:  # a mere look must not end the run
                scores = {"test_loss": float("nan"), "test_accuracy": float("nan")}
            trainer.history[-1].update(scores)

    def train():
        return run.train(
            config, path, True, data, seen.append, on_epoch, stop, pictures=task["keep_runs"]
        )

    state = {
        "values": task["values"],
        "environment": _environment(),
        "summary": None,
        "extra": {},
        "error": None,
    }
    arrays, history = {}, []
    try:
        resumed = path.exists()
        try:
            result = train()
        except SpinrnnError as error:
            if isinstance(error, (DivergenceError, MemoryLimitError)) or not resumed:
                raise
            folder.remove_run(name)  # a damaged run folder or one of an older version: begin again
            result = train()
        state |= {"status": "done", "summary": result.summary}
        history = result.history
        arrays["best_parameters"] = result.network.parameters
        if result.network.mask is not None:
            arrays["mask"] = result.network.mask.astype(np.uint8)
        if result.network.devices is not None:
            arrays |= result.network.devices.named()
        if task["cumulative_drive"]:
            test = data.take(parts.split(data, config.data, config.resolved_split_seed)[2])
            state["extra"]["cumulative_drive"] = cumulative_drive(
                result.network, test.inputs, test.lengths
            )
    except run.Interrupted:
        return "stopped", None
    except StoreError:
        raise
    except Exception as error:
        # the number of the run folder's checkpoint is of no use to a reader, the folder will be gone
        text = str(error).partition("; the last good checkpoint is")[0] or type(error).__name__
        state |= {
            "status": "diverged" if isinstance(error, DivergenceError) else "failed",
            "summary": None,
            "extra": {},
        }
        state["error"] = {"class": type(error).__name__, "text": text}
        history, arrays = seen[-1].history if seen else [], {}
    for key in HISTORY:
        if history and key in history[0]:
            arrays[f"history/{key}"] = np.array(
                [record[key] for record in history], dtype=np.float64
            )
    state |= {"seconds": round(time.monotonic() - began, 3), "finished": time.time()}
    folder.save(task["digest"], name, to_toml(config), arrays, state)
    seen.clear()
    short = state["error"] is not None and state["error"]["class"] == MemoryLimitError.__name__
    if not task["keep_runs"] and not short:  # with more memory it can go on
        folder.remove_run(name)
    return state["status"], state["error"] and state["error"]["text"]


@functools.lru_cache(maxsize=2)
def _load(source):
    data = loading.load_dataset(source)
    return data, data.digest()


def _data(source, digest):
    """The data set, kept for the next point; StoreError if it is not the one of the sweep."""
    data, found = _load(source)
    if found != digest:
        _load.cache_clear()
        raise StoreError(
            f"{source} has changed since the sweep was read; restore it, or begin the sweep again in another folder"
        )
    return data


@functools.lru_cache(maxsize=1)
def _environment():
    return describe()


# ---- the process ----


class _Worker:
    """What signals have asked of this process."""

    stopping = False  # after the current batch
    leaving = False  # and then the process ends
    busy = False


_worker = _Worker()


def start_worker(leave):
    """Initializer of a worker process: SIGTERM and SIGUSR1 stop the point after its batch with a checkpoint, SIGINT is left to the parent.

    Args:
        leave: end the process after that, and when the parent has died; without it the process goes on, stopping every further point.
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
    """Ends this process soon after its parent, which an executor's worker would survive for ever."""
    connection.wait([parent_process().sentinel])
    _worker.stopping = _worker.leaving = True
    end = time.monotonic() + GRACE
    while _worker.busy and time.monotonic() < end:
        time.sleep(0.05)
    _leave()


def _leave():
    sys.stderr.flush()
    os._exit(143)
