"""The folder of a sweep: whose it is, the result files, and the state of each point.

sweep.json       the sweep, by which the folder is claimed
kinds.json       of neurons of the user's: their files and SHA-256
points/NAME.h5   result of a point; NAME is the start of its digest
points/NAME.run  the point is being worked on: held by a lock, touched every few
                 seconds
runs/NAME/       its run folder with checkpoints, removed when the result is there
session-*        a process works on the sweep; when it is removed the workers stop
"""

import contextlib
import fcntl
import json
import os
import shutil
import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from spinrnn.config import kinds
from spinrnn.errors import ConfigError, StoreError, reason_of
from spinrnn.files import container
from spinrnn.files.atomic import make_folder, remove_all_stale, warn_of_no_locks, write_atomic
from spinrnn.files.text import read_json
from spinrnn.runs import checkpoints
from spinrnn.runs.loading import KINDS, check_kinds
from spinrnn.sweep.columns import EXTRA, all_tasks, summary_columns
from spinrnn.sweep.file import Sweep
from spinrnn.sweep.points import Point

SILENCE = 120
"""Seconds without a touch after which a worker on another machine counts as dead.

Its lock may not be visible here.
"""

COMPLETE = ("done", "diverged")
"""States of a point that need no more work; a divergence would come again."""


class SweepFolder:
    """Files of one sweep below `path`."""

    def __init__(self, path: str | Path):
        self.path = Path(path)

    def result_path(self, name: str) -> Path:
        return self.path / "points" / f"{name}.h5"

    def run_path(self, name: str) -> Path:
        return self.path / "runs" / name

    # ---- whose folder it is ----

    def claim(self, sweep: Sweep, extend: bool = False) -> None:
        """Makes the folder that of this sweep.

        Args:
            sweep: whose folder it shall be.
            extend: it may take over that of another sweep; results of points that both
                have are kept.
        Raises:
            StoreError: it is another sweep's, is something else, or cannot be written.
        """
        self._check_free()
        make_folder(self.path)
        own = self.path / "sweep.json"
        with _locked(self.path / ".lock"):
            if not (own.exists() and self._is_of(sweep, extend)):
                write_atomic(own, json.dumps({"digest": sweep.digest, **sweep.to_json()}) + "\n")
            self._keep_kinds(sweep)
            # after sweep.json: a folder with files and without it counts as foreign
            make_folder(self.path / "points")

    def _keep_kinds(self, sweep):
        """Writes the sources of kinds that are the user's; ConfigError if the folder
        has results of others.
        """
        check_kinds(self.path)
        sources = kinds.record_of(kind for point in sweep.points for kind in point.config.kinds)
        if sources:
            write_atomic(self.path / KINDS, json.dumps(sources) + "\n")

    def _check_free(self):
        """Raises StoreError where something stands that is no folder of a sweep."""
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise StoreError(f"{self.path} is a file; choose another folder (--out)")
        visible = [path for path in self.path.iterdir() if not path.name.startswith(".")]
        if visible and not (self.path / "sweep.json").exists():
            raise StoreError(
                f"{self.path} is not empty and not a sweep; choose another folder (--out)"
            )

    def _is_of(self, sweep, extend):
        """Whether sweep.json is this sweep's; StoreError where another's must stay."""
        found = read_json(self.path / "sweep.json", ("digest", "sweep"))
        if found["digest"] == sweep.digest:
            return True
        if not extend:
            raise StoreError(
                f"{self.path} belongs to another sweep or another version of this one "
                f"({found['sweep']['name']}); choose another folder (--out), or --extend to go "
                "on with the new one and keep the results that both have"
            )
        if any(self._sessions()):
            raise StoreError(
                f"{self.path}: another process works on this sweep; wait for it before --extend"
            )
        return False

    def check(self, sweep: Sweep) -> None:
        """Raises StoreError unless the folder is that of this sweep."""
        if not (self.path / "sweep.json").is_file():
            raise StoreError(f"{self.path}: no sweep has been run there; spinrnn sweep run does it")
        found = read_json(self.path / "sweep.json", ("digest", "sweep"))
        if found["digest"] != sweep.digest:
            raise StoreError(
                f"{self.path} belongs to another sweep or another version of this one; give the "
                "folder in place of the file"
            )
        check_kinds(self.path)

    def sweep(self) -> Sweep:
        """The `Sweep` whose folder it is; StoreError if there is none."""
        path = self.path / "sweep.json"
        if not path.is_file():
            raise StoreError(
                f"{self.path}: no sweep.json there; give a sweep file or the folder of a sweep"
            )
        check_kinds(self.path)
        value = read_json(path, ("digest", "sweep", "axes", "tables", "data"))
        try:
            sweep = Sweep.from_json(value, path)
            if sweep.digest == value["digest"]:
                return sweep
        except (ConfigError, TypeError, ValueError) as error:
            # a kind of the user's that is not given; the message says how
            if ".kind: must be " in str(error):
                raise ConfigError([str(error)]) from None
            if "is no configuration key" in str(error):
                text = "; a key of a neuron of your own is known with --use FILE"
                raise ConfigError([str(error) + text]) from None
        raise StoreError(
            f"{path}: damaged or of another version of spinrnn; run the sweep file again, in a "
            "new folder"
        )

    # ---- processes at work ----

    def tidy(self) -> None:
        """Removes session files and halves of files of processes that were killed."""
        with _locked(self.path / ".lock"):
            for folder in (self.path, self.path / "points"):
                remove_all_stale(folder)
            alive = self._sessions()
            for old in self.path.glob("session-*"):
                if old not in alive:
                    old.unlink(missing_ok=True)

    def begin_session(self) -> str:
        """Name of a new session, whose file exists until `end_session`."""
        name = f"session-{uuid.uuid4().hex[:12]}"
        with _locked(self.path / ".lock"):
            write_atomic(
                self.path / name, json.dumps({"host": socket.gethostname(), "pid": os.getpid()})
            )
        return name

    def end_session(self, name: str) -> None:
        """Tells all workers of the session to stop after their batch."""
        with contextlib.suppress(OSError):
            (self.path / name).unlink(missing_ok=True)

    def going_on(self, name: str) -> bool:
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

    def lock(self, name: str) -> "PointLock":
        return PointLock(self.path / "points" / f"{name}.run")

    def save(self, digest: str, name: str, toml: str, arrays: dict, state: dict) -> None:
        """Writes the result file of a point."""
        container.save_record(
            self.result_path(name), "point", toml, arrays, {"digest": digest, **state}
        )

    def load(self, digest: str, name: str) -> tuple[dict, dict]:
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
                f"{path}: damaged or of another version of spinrnn, its content is not that of a "
                "result"
            )
        return arrays, state

    def results(self, points: list[Point]) -> Iterator[tuple[Point, str, dict | None, dict | None]]:
        """Yields (point, status, arrays, state) of each point.

        The status is "done", "diverged", "failed", "damaged", "running" or "waiting";
        with the last three arrays and state are None.
        """
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

    def strangers(self, points: list[Point]) -> int:
        """Number of result files that belong to no point of the sweep."""
        known = {f"{point.name}.h5" for point in points}
        return sum(path.name not in known for path in (self.path / "points").glob("*.h5"))

    def clear(self, digest: str, name: str, keep_runs: bool) -> None:
        """Removes what a dead worker left of a point.

        Its lock, which would count as another death, and the run folder if the result
        was there already.
        """
        lock = self.lock(name)
        if lock.left_behind() and lock.acquire():
            with contextlib.suppress(StoreError):  # no result, or a damaged one
                if not keep_runs and self.load(digest, name)[1]["status"] in COMPLETE:
                    self.remove_run(name)
            lock.release()

    def remove_run(self, name: str) -> None:
        """Removes the run folder of a point; what cannot be removed stays."""
        shutil.rmtree(self.run_path(name), ignore_errors=True)
        with contextlib.suppress(OSError):
            (self.path / "runs").rmdir()  # where it was the last one

    def progress(self, name: str) -> int:
        """Training steps of the newest checkpoint of a point, -1 if there is none."""
        newest = checkpoints.checkpoint_paths(self.run_path(name))
        return int(newest[0].stem) if newest else -1


def _sound(arrays, state):
    """Whether the result of a point holds what its readers rely on.

    Its checksum says only that it is what somebody wrote.
    """
    try:
        found = (state["summary"] or {}) | state["extra"]
        names = [*summary_columns(all_tasks()), *EXTRA]
        numbers = [found[name] for name in names if found.get(name) is not None]
        numbers += [state["seconds"], state["finished"]]
        if state["status"] == "done":
            numbers.append(state["summary"]["seconds_training"])
        texts = [state["error"]["text"]] if state["error"] else []
    except (KeyError, TypeError, AttributeError):
        return False
    curves = [array for name, array in arrays.items() if name.startswith("history/")]
    return (
        all(_fits_float(number) for number in numbers)
        and all(isinstance(text, str) for text in texts)
        and all(curve.ndim == 1 for curve in curves)
    )


def _fits_float(value):
    return isinstance(value, float) or (isinstance(value, int) and abs(value) < 2**1000)


class PointLock:
    """Keeps a point to one worker.

    The file says who has it. A file that nobody holds was left by a worker that died.
    """

    def __init__(self, path: Path):
        self._path, self._file, self._touched = path, None, 0.0

    def acquire(self) -> bool:
        """Whether the point is ours now; StoreError if the file cannot be written."""
        if self._elsewhere():
            return False
        try:
            # open as long as it is held; unbuffered, or closing would tell a full disk
            file = open(self._path, "ab", buffering=0)  # noqa: SIM115
        except OSError as error:
            raise StoreError(f"cannot write {self._path}: {reason_of(error)}") from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # another file if the owner of the lock has just removed its own
            same = os.stat(self._path).st_ino == os.fstat(file.fileno()).st_ino
        except (BlockingIOError, FileNotFoundError):
            same = False
        except OSError:
            # a file system without locks; the touches are left
            same = True
        if not same:
            file.close()
            return False
        self._file = file
        with contextlib.suppress(OSError):
            file.truncate(0)
            file.write(json.dumps({"host": socket.gethostname(), "pid": os.getpid()}).encode())
        return True

    def touch(self) -> None:
        """Says that the worker lives, at most every five seconds."""
        if time.monotonic() - self._touched > 5:
            self._touched = time.monotonic()
            with contextlib.suppress(OSError):
                os.utime(self._path)

    def release(self) -> None:
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
        if self._file is not None:
            self._file.close()

    def held(self) -> bool:
        """Whether a worker that lives holds it."""
        try:
            with open(self._path, "rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return self._elsewhere()

    def left_behind(self) -> bool:
        """Whether a worker died while it held the lock."""
        return self._path.exists() and not self.held()

    def _elsewhere(self):
        """Whether a worker on another machine holds it and was heard of lately."""
        try:
            age = time.time() - self._path.stat().st_mtime
            owner = json.loads(self._path.read_bytes())["host"]
            # an age below -SILENCE was written before a clock was set back
            return abs(age) < SILENCE and owner != socket.gethostname()
        except (OSError, ValueError, KeyError, TypeError):
            return False


@contextlib.contextmanager
def _locked(path):
    """Context of one process at a time; a warning where files cannot be locked."""
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
