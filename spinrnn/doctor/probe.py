"""What a folder's file system can do, tried out in a child process.

A dead network mount stops whoever touches it, and only a process can be left behind.
Run as a script the module is that child. It needs nothing but Python's own library, so
that it starts at once and from nowhere else. What it finds it prints as it goes, one
JSON object in a line, so the last line says at which step it hangs.
"""

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any

NETWORK = {
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "fuse.sshfs",
    "glusterfs",
    "gpfs",
    "lustre",
    "nfs",
    "nfs4",
    "orangefs",
    "pvfs2",
    "smb3",
    "smbfs",
    "wekafs",
}
"""Types of file systems that several machines share, as the kernel names them."""
PREFIX = ".spinrnn-doctor-"


def mount_of(path: str, mountinfo: str) -> tuple[str, str, bool] | None:
    """(type, mount point, mounted read-only) of an absolute path without links.

    mountinfo: text of /proc/self/mountinfo. None if nothing in it fits.
    """
    found = None
    for line in mountinfo.splitlines():
        before, separator, after = line.partition(" - ")
        left, right = before.split(), after.split()
        if not separator or len(left) < 6 or not right:
            continue
        # the kernel writes a space in a name as \040
        point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), left[4])
        below = path == point or path.startswith(point.rstrip("/") + "/")
        # of two at one point the later one hides the other
        if below and (found is None or len(point) >= len(found[1])):
            found = right[0], point, "ro" in left[5].split(",")
    return found


def nearest(path: str) -> str:
    """The path itself, or the first folder above it that exists."""
    path = os.path.abspath(path)
    while not os.path.lexists(path) and os.path.dirname(path) != path:
        path = os.path.dirname(path)
    return path


def trouble(facts: dict[str, Any]) -> str:
    """Why a folder with these facts of `examine` cannot be written, "" if it can."""
    if "hung" in facts:
        return f"it does not answer ({facts['hung']})"
    if "failed" in facts:
        return facts["failed"]
    if not facts.get("look", {}).get("folder"):
        return "is not a folder"
    error = facts.get("write", {}).get("error")
    return error[1] if error else ""


# ---- in the child ----


def probe(path: str, root: str = "/") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields (step, facts), first without facts, so that it is known what is being
    tried.

    Facts are dictionaries that JSON can hold, of a folder or, where it does not exist,
    of the nearest one above it:

    - `look`: path, tried (the folder that exists), exists, folder (whether it is one),
    mode;
    - `mount`: type, point;
    - `room`: free and size in bytes, files_free, files (0: no limit), read_only;
    - `write`, `lock` (also `held`: whether a second opening is kept out), `sync`,
    `rename`,
      `clock` (also `ahead`: seconds of the file system's clock before ours) and `clean`
      have `error`, None or [number, text].
    """
    yield "look", {}
    tried = nearest(path)
    look = {
        "path": os.path.abspath(path),
        "tried": tried,
        "exists": os.path.exists(path),
        "folder": os.path.isdir(tried),
        "mode": os.stat(tried).st_mode,
    }
    yield "look", look
    if not look["folder"]:
        return
    yield "mount", {}
    with (
        contextlib.suppress(OSError),
        open(os.path.join(root, "proc/self/mountinfo"), "rb") as file,
    ):
        # names are bytes, which no encoding need fit
        mount = mount_of(os.path.realpath(tried), os.fsdecode(file.read()))
        yield "mount", {} if mount is None else {"type": mount[0], "point": mount[1]}
    yield "room", {}
    with contextlib.suppress(OSError):
        yield "room", _room(tried)
    yield from _writing(tried)


def _room(folder: str) -> dict[str, Any]:
    disk = os.statvfs(folder)
    return {
        "free": disk.f_bavail * disk.f_frsize,
        "size": disk.f_blocks * disk.f_frsize,
        "files_free": disk.f_favail,
        "files": disk.f_files,
        "read_only": bool(disk.f_flag & os.ST_RDONLY),
    }


def _writing(folder: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The steps that write, in a temporary folder, which is removed at the end."""
    yield "write", {}
    try:
        made = tempfile.mkdtemp(prefix=PREFIX, dir=folder)
    except OSError as error:
        yield "write", {"error": _told(error)}
        return
    try:
        yield from _tried(made)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    yield "clean", {"error": [0, f"{made} is left"] if os.path.exists(made) else None}


def _tried(folder: str) -> Iterator[tuple[str, dict[str, Any]]]:
    first, second = os.path.join(folder, "first"), os.path.join(folder, "second")
    before = time.time()
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(open(first, "wb"))
            file.write(bytes(65536))  # a full disk may take an empty file
            file.flush()
        except OSError as error:
            with contextlib.suppress(OSError):  # it would be written once more
                os.truncate(first, 0)
            yield "write", {"error": _told(error)}
            return
        yield "write", {"error": None}
        stamp = os.fstat(file.fileno()).st_mtime
        yield "clock", {"error": None, "ahead": _ahead(stamp, before, time.time())}
        yield "lock", {}
        yield "lock", _locks(first, file)
        yield "sync", {}
        yield "sync", {"error": _attempt(lambda: os.fsync(file.fileno()))}
    yield "rename", {}
    steps = (
        lambda: open(second, "wb").close(),
        lambda: os.replace(first, second),
        lambda: _sync_folder(folder),
    )
    errors = (_attempt(step) for step in steps)
    yield "rename", {"error": next((error for error in errors if error), None)}


def _ahead(stamp: float, before: float, after: float) -> float:
    """Seconds by which the stamp of a file lies outside of the time in which it was
    written.
    """
    return stamp - after if stamp > after else min(0.0, stamp - before)


def _locks(path: str, file: IO[bytes]) -> dict[str, Any]:
    """Whether a lock on the file keeps a second opening out."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with open(path, "rb") as other:
            fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return {"error": None, "held": True}
    except OSError as error:
        return {"error": _told(error), "held": False}
    return {"error": None, "held": False}


def _attempt(call: Callable[[], object]) -> list | None:
    """What the system says of a call that fails; None where it does not."""
    try:
        call()
    except OSError as error:
        return _told(error)
    return None


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _told(error: OSError) -> list:
    return [error.errno or 0, error.strerror or str(error)]


def _main(path: str) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was made is removed
    for step, facts in probe(path):
        print(json.dumps([step, facts]), flush=True)


# ---- in the process that asks ----


def examine(
    path: str | os.PathLike[str], seconds: float = 5.0, command: Sequence[str] | None = None
) -> dict[str, Any]:
    """{step: facts} as `probe` yields, found by a child process within a time limit.

    Args:
        path: folder; seconds: that the child gets; command: of the child, for tests.
    Returns:
        The facts, also "hung": the step at which the child was given up, if so;
        "failed": what the child said when it ended with an error.
    """
    command = command or [sys.executable, "-I", "-S", os.path.abspath(__file__)]
    lines: list[str] = []
    child = subprocess.Popen(
        [*command, os.fspath(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    output, complaints = child.stdout, child.stderr
    assert output is not None
    assert complaints is not None
    # a thread reads, as the pipe stays open while the child hangs
    reader = threading.Thread(target=lambda: lines.extend(output), daemon=True)
    reader.start()
    try:
        reader.join(seconds)
        hung = reader.is_alive()
    finally:
        if child.poll() is None and reader.is_alive():
            _end(child)
    reader.join(0.2)
    facts, step = _read(list(lines))
    if hung:
        return {**facts, "hung": step}
    said = complaints.read().strip().splitlines()
    if child.wait() == 0:
        return facts
    return {**facts, "failed": said[-1] if said else f"exit status {child.returncode}"}


def _read(lines: list[str]) -> tuple[dict[str, Any], str]:
    """({step: facts}, the last step) of what a child has printed."""
    facts, step = {}, "look"
    for line in lines:
        step, found = json.loads(line)
        facts[step] = found
    return facts, step


def _end(child: subprocess.Popen) -> None:
    """Ends a child.

    It gets a second to clean up; one that hangs in the kernel is left to it.
    """
    child.send_signal(signal.SIGTERM)
    for last in (False, True):
        try:
            child.wait(1.0)
            return
        except subprocess.TimeoutExpired:
            if not last:
                child.kill()


if __name__ == "__main__":
    _main(sys.argv[1])
