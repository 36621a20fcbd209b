"""The folder of a sweep: whose it is, the result files, and which points are complete, running, failed or damaged.

sweep.json          the sweep, by which the folder is claimed
points/NAME.h5      result of a point; NAME is the start of its digest
points/NAME.run     the point is being worked on: held by a lock, touched every few seconds
runs/NAME/          its run folder with checkpoints, removed when the result is there
session-*           a process works on the sweep; when it is removed the workers stop
"""

import contextlib
import fcntl
import json
import os
import shutil
import socket
import time
import uuid
from pathlib import Path

from spinrnn.errors import ConfigError, StoreError, reason_of
from spinrnn.files import container
from spinrnn.files.atomic import make_folder, remove_all_stale, warn_of_no_locks, write_atomic
from spinrnn.files.text import read_json
from spinrnn.runs import checkpoints
from spinrnn.sweep.columns import EXTRA, SUMMARY
from spinrnn.sweep.file import Sweep

SILENCE = 120
"""Seconds without a touch after which a worker on another machine, whose lock may not be visible here, counts as dead."""

COMPLETE = ("done", "diverged")
"""States of a point that need no more work; a divergence is a result, as it would come again."""


class SweepFolder:
    """Files of one sweep below `path`."""

    def __init__(self, path):
        self.path = Path(path)

    def result_path(self, name):
        return self.path / "points" / f"{name}.h5"

    def run_path(self, name):
        return self.path / "runs" / name

    # ---- whose folder it is ----

    def claim(self, sweep, extend=False):
        """Makes the folder that of this sweep.

        Args:
            sweep: `Sweep`; extend: it may take over a folder of another sweep; results of points that both have are kept.
        Raises:
            StoreError: it is another sweep's, is something else, or cannot be written.
        """
        if self.path.exists() and not self.path.is_dir():
            raise StoreError(f"{self.path} is a file; choose another folder (--out)")
        own = self.path / "sweep.json"
        if (
            self.path.is_dir()
            and not own.exists()
            and any(not p.name.startswith(".") for p in self.path.iterdir())
        ):
            raise StoreError(
                f"{self.path} is not empty and not a sweep; choose another folder (--out)"
            )
        make_folder(self.path)
        with _locked(self.path / ".lock"):
            if own.exists():
                found = read_json(own, ("digest", "sweep"))
                if found["digest"] == sweep.digest:
                    make_folder(self.path / "points")
                    return
                if not extend:
                    raise StoreError(
                        f"{self.path} belongs to another sweep or another version of this one ({found['sweep']['name']}); choose another "
                        "folder (--out), or --extend to go on with the new one and keep the results that both have"
                    )
                if any(self._sessions()):
                    raise StoreError(
                        f"{self.path}: another process works on this sweep; wait for it before --extend"
                    )
            write_atomic(own, json.dumps({"digest": sweep.digest, **sweep.to_json()}) + "\n")
            make_folder(
                self.path / "points"
            )  # after sweep.json, without which a start that failed would be taken for a foreign folder

    def check(self, sweep):
        """Raises StoreError unless the folder is that of this sweep."""
        if not (self.path / "sweep.json").is_file():
            raise StoreError(f"{self.path}: no sweep has been run there; spinrnn sweep run does it")
        found = read_json(self.path / "sweep.json", ("digest", "sweep"))
        if found["digest"] != sweep.digest:
            raise StoreError(
                f"{self.path} belongs to another sweep or another version of this one; give the folder in place of the file"
            )

    def sweep(self):
        """The `Sweep` whose folder it is; StoreError if there is none."""
        path = self.path / "sweep.json"
        if not path.is_file():
            raise StoreError(
                f"{self.path}: no sweep.json there; give a sweep file or the folder of a sweep"
            )
        value = read_json(path, ("digest", "sweep", "axes", "tables", "data"))
        try:
            sweep = Sweep.from_json(value, path)
            if sweep.digest == value["digest"]:
                return sweep
        except (ConfigError, TypeError, ValueError):
            pass
        raise StoreError(
            f"{path}: damaged or of another version of spinrnn; run the sweep file again, in a new folder"
        )

    # ---- processes at work ----

    def tidy(self):
        """Removes session files and halves of files of processes that were killed."""
        with _locked(self.path / ".lock"):
            for folder in (self.path, self.path / "points"):
                remove_all_stale(folder)
            alive = self._sessions()
            for old in self.path.glob("session-*"):
                if old not in alive:
                    old.unlink(missing_ok=True)

    def begin_session(self):
        """Name of a new session, whose file exists until `end_session`."""
        name = f"session-{uuid.uuid4().hex[:12]}"
        with _locked(self.path / ".lock"):
            write_atomic(
                self.path / name, json.dumps({"host": socket.gethostname(), "pid": os.getpid()})
            )
        return name

    def end_session(self, name):
        """Tells all workers of the session to stop after their batch."""
        with contextlib.suppress(OSError):
            (self.path / name).unlink(missing_ok=True)

    def going_on(self, name):
        return (self.path / name).exists()

    def _sessions(self):
        """Paths of sessions whose process may be alive."""
        alive = []
        for path in self.path.glob("session-*"):
            with contextlib.suppress(StoreError):
                owner = read_json(path, ("host", "pid"))
                if (
                    owner["host"] != socket.gethostname()
                    or Path(f"/proc/{owner['pid']}").exists()
                    or not Path("/proc").exists()
                ):
                    alive.append(path)
        return alive

    # ---- points ----

    def lock(self, name):
        return PointLock(self.path / "points" / f"{name}.run")

    def save(self, point, name, toml, arrays, state):
        """Writes the result file of a point, by its digest."""
        container.save_record(
            self.result_path(name), "point", toml, arrays, {"digest": point, **state}
        )

    def load(self, digest, name):
        """(arrays, state) of a point's result file.

        Raises:
            StoreError: damaged, or of another point.
        """
        path = self.result_path(name)
        _, arrays, state = container.load_record(path, "point")
        if (
            not isinstance(state, dict)
            or state.get("digest") != digest
            or state.get("status") not in (*COMPLETE, "failed")
        ):
            raise StoreError(f"{path}: is the result of another point")
        if not _sound(arrays, state):
            raise StoreError(
                f"{path}: damaged or of another version of spinrnn, its content is not that of a result"
            )
        return arrays, state

    def results(self, points):
        """Yields (point, status, arrays, state); status "done", "diverged", "failed", "damaged", "running" or "waiting"; the last three without data."""
        names = set(os.listdir(self.path / "points")) if (self.path / "points").is_dir() else set()
        for point in points:
            if f"{point.name}.h5" in names:
                try:
                    arrays, state = self.load(point.digest, point.name)
                    yield point, state["status"], arrays, state
                    continue
                except StoreError:
                    status = "damaged"
            else:
                status = "waiting"
            if f"{point.name}.run" in names and self.lock(point.name).held():
                status = "running"
            yield point, status, None, None

    def strangers(self, points):
        """Number of result files that belong to no point of the sweep."""
        known = {f"{point.name}.h5" for point in points}
        return sum(path.name not in known for path in (self.path / "points").glob("*.h5"))

    def clear(self, digest, name, keep_runs):
        """Removes what a dead worker left of a point: its lock, lest it count as another death, and the run folder if the result was there already."""
        lock = self.lock(name)
        if lock.left_behind() and lock.acquire():
            with contextlib.suppress(StoreError):  # no result, or a damaged one
                if not keep_runs and self.load(digest, name)[1]["status"] in COMPLETE:
                    self.remove_run(name)
            lock.release()

    def remove_run(self, name):
        """Removes the run folder of a point; what cannot be removed stays."""
        shutil.rmtree(self.run_path(name), ignore_errors=True)
        with contextlib.suppress(OSError):
            (self.path / "runs").rmdir()  # where it was the last one

    def progress(self, name):
        """Training steps of the newest checkpoint of a point's run, -1 if there is none."""
        newest = checkpoints.checkpoint_paths(self.run_path(name))
        return int(newest[0].stem) if newest else -1


def _sound(arrays, state):
    """Whether the result of a point holds what those who read it rely on; its checksum says only that it is what somebody wrote."""
    try:
        numbers = (state["summary"] or {}) | state["extra"]
        values = [numbers[name] for name in SUMMARY | EXTRA if numbers.get(name) is not None] + [
            state["seconds"],
            state["finished"],
        ]
        if state["status"] == "done":
            values.append(state["summary"]["seconds_training"])
        texts = [state["error"]["text"]] if state["error"] else []
        curves = [array for name, array in arrays.items() if name.startswith("history/")]
        fits = all(
            isinstance(v, float) or (isinstance(v, int) and abs(v) < 2**1000) for v in values
        ) and all(isinstance(t, str) for t in texts)
        return fits and all(curve.ndim == 1 for curve in curves)
    except (KeyError, TypeError, AttributeError):
        return False


class PointLock:
    """Keeps a point to one worker. The file says who has it; a file that nobody holds was left by a worker that died."""

    def __init__(self, path):
        self._path, self._file, self._touched = path, None, 0.0

    def acquire(self):
        """Whether the point is ours now; StoreError if the file cannot be written."""
        if self._elsewhere():
            return False
        try:
            file = open(self._path, "ab", buffering=0)  # noqa: SIM115 - held open as long as the lock; a full disk must not be told on closing
        except OSError as error:
            raise StoreError(f"cannot write {self._path}: {reason_of(error)}") from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            same = (
                os.stat(self._path).st_ino == os.fstat(file.fileno()).st_ino
            )  # else its owner has just removed it
        except (BlockingIOError, FileNotFoundError):
            same = False
        except OSError:
            same = True  # a file system without locks; the touches are left
        if not same:
            file.close()
            return False
        self._file = file
        with contextlib.suppress(OSError):
            file.truncate(0)
            file.write(json.dumps({"host": socket.gethostname(), "pid": os.getpid()}).encode())
        return True

    def touch(self):
        """Says that the worker lives, at most every five seconds."""
        if time.monotonic() - self._touched > 5:
            self._touched = time.monotonic()
            with contextlib.suppress(OSError):
                os.utime(self._path)

    def release(self):
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
        self._file.close()

    def held(self):
        """Whether a worker that lives holds it."""
        try:
            with open(self._path, "rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return self._elsewhere()

    def left_behind(self):
        """Whether a worker died while it held the lock."""
        return self._path.exists() and not self.held()

    def _elsewhere(self):
        """Whether a worker on another machine holds it and was heard of lately."""
        try:
            age = (
                time.time() - self._path.stat().st_mtime
            )  # far in the future: touched before a clock was set back
            return (
                abs(age) < SILENCE
                and json.loads(self._path.read_bytes())["host"] != socket.gethostname()
            )
        except (OSError, ValueError, KeyError, TypeError):
            return False


@contextlib.contextmanager
def _locked(path):
    """Context in which no other process is in the same one; on a file system that has no locks a warning."""
    try:
        file = open(path, "w")  # noqa: SIM115 - closed below
    except OSError as error:
        raise StoreError(f"cannot write {path}: {reason_of(error)}") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            warn_of_no_locks(error, path.parent)
        yield
