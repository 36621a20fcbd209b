"""What a folder's file system can do, tried out in a child process: a dead network mount stops whoever touches it, and only a process can be left behind.

Run as a script the module is that child. It needs nothing but Python's own library, so that it starts at once and from nowhere else. What it finds it
prints as it goes, one JSON object in a line, so the last line says at which step it hangs.
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

NETWORK = {"9p", "afs", "beegfs", "ceph", "cifs", "fuse.sshfs", "glusterfs", "gpfs", "lustre", "nfs", "nfs4", "orangefs", "pvfs2", "smb3", "smbfs", "wekafs"}  # fmt: skip
"""Types of file systems that several machines share, as the kernel names them."""
PREFIX = ".spinrnn-doctor-"


def mount_of(path, mountinfo):
    """(type, mount point, mounted read-only) of an absolute path without links, from the text of /proc/self/mountinfo; None if nothing fits."""
    found = None
    for line in mountinfo.splitlines():
        left, separator, right = line.partition(" - ")
        left, right = left.split(), right.split()
        if not separator or len(left) < 6 or not right:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), left[4])
        below = path == point or path.startswith(point.rstrip("/") + "/")
        if below and (
            found is None or len(point) >= len(found[1])
        ):  # of two at one point the later one hides the other
            found = right[0], point, "ro" in left[5].split(",")
    return found


def nearest(path):
    """The path itself, or the first folder above it that exists."""
    path = os.path.abspath(path)
    while not os.path.lexists(path) and os.path.dirname(path) != path:
        path = os.path.dirname(path)
    return path


def probe(path, root="/"):
    """Yields (step, facts): dictionaries that JSON can hold, of a folder or, where it does not exist, of the nearest one above it.

    `look`: path, tried (the folder that exists), exists, folder. `mount`: type, point. `room`: free, size (bytes), files_free, files (0: no limit), read_only.
    The others have `error`, None or [number, text]: `write`, `lock` (also `held`: whether a second opening is kept out), `sync`, `rename`,
    `clock` (`ahead`: seconds of the file system's clock before ours) and `clean`.
    """
    yield "look", {}
    tried = nearest(path)
    yield (
        "look",
        {
            "path": os.path.abspath(path),
            "tried": tried,
            "exists": os.path.exists(path),
            "folder": os.path.isdir(tried),
            "mode": os.stat(tried).st_mode,
        },
    )
    if not os.path.isdir(tried):
        return
    yield "mount", {}
    with contextlib.suppress(OSError), open(os.path.join(root, "proc/self/mountinfo")) as file:
        mount = mount_of(os.path.realpath(tried), file.read())
        yield "mount", {} if mount is None else {"type": mount[0], "point": mount[1]}
    yield "room", {}
    with contextlib.suppress(OSError):
        disk = os.statvfs(tried)
        sizes = {
            "free": disk.f_bavail * disk.f_frsize,
            "size": disk.f_blocks * disk.f_frsize,
            "files_free": disk.f_favail,
            "files": disk.f_files,
        }
        yield "room", {**sizes, "read_only": bool(disk.f_flag & os.ST_RDONLY)}
    yield "write", {}
    try:
        folder = tempfile.mkdtemp(prefix=PREFIX, dir=tried)
    except OSError as error:
        yield "write", {"error": _told(error)}
        return
    try:
        yield from _tried(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    yield "clean", {"error": [0, f"{folder} is left"] if os.path.exists(folder) else None}


def _tried(folder):
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
        after, stamp = time.time(), os.fstat(file.fileno()).st_mtime
        yield (
            "clock",
            {"error": None, "ahead": stamp - after if stamp > after else min(0.0, stamp - before)},
        )
        yield "lock", {}
        yield "lock", _locks(first, file)
        yield "sync", {}
        yield "sync", {"error": _attempt(lambda: os.fsync(file.fileno()))}
    yield "rename", {}
    made = _attempt(lambda: open(second, "wb").close())
    yield (
        "rename",
        {
            "error": made
            or _attempt(lambda: os.replace(first, second))
            or _attempt(lambda: _sync_folder(folder))
        },
    )


def _locks(path, file):
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with open(path, "rb") as other:
            fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return {"error": None, "held": True}
    except OSError as error:
        return {"error": _told(error), "held": False}
    return {"error": None, "held": False}


def _attempt(call):
    try:
        call()
    except OSError as error:
        return _told(error)


def _sync_folder(folder):
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _told(error):
    return [error.errno or 0, error.strerror or str(error)]


def examine(path, seconds=5.0, command=None):
    """{step: facts} as `probe` yields, found by a child process within a time limit; "hung": the step at which it was given up, if so.

    command: of the child, for tests. "failed": what the child said when it ended with an error.
    """
    command = command or [sys.executable, "-I", "-S", os.path.abspath(__file__)]
    lines = []
    child = subprocess.Popen(
        [*command, os.fspath(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    reader = threading.Thread(
        target=lambda: lines.extend(child.stdout), daemon=True
    )  # a thread, as the pipe stays open while the child hangs
    reader.start()
    try:
        reader.join(seconds)
        hung = reader.is_alive()
    finally:
        if child.poll() is None and reader.is_alive():
            _end(child)
    reader.join(0.2)
    facts, step = {}, "look"
    for line in list(lines):
        step, found = json.loads(line)
        facts[step] = found
    if hung:
        return {**facts, "hung": step}
    said = child.stderr.read().strip().splitlines()
    return (
        facts
        if child.wait() == 0
        else {**facts, "failed": said[-1] if said else f"exit status {child.returncode}"}
    )


def _end(child):
    """Ends a child: it gets a second to clean up, and one that hangs in the kernel is left to it."""
    child.send_signal(signal.SIGTERM)
    for last in (False, True):
        try:
            child.wait(1.0)
            return
        except subprocess.TimeoutExpired:
            if not last:
                child.kill()


def _main(path):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was made is removed
    for step, facts in probe(path):
        print(json.dumps([step, facts]), flush=True)


if __name__ == "__main__":
    _main(sys.argv[1])
