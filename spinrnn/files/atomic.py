"""Writing files so that a kill or a full disk never leaves half of one: all of it beside the target, then one rename."""

import contextlib
import fcntl
import glob
import os
import warnings
from pathlib import Path

from spinrnn.errors import StoreError, reason_of


def write_atomic(path, data):
    """Writes bytes or text to path: temporary file, fsync, rename, fsync of the folder. What killed processes left of that kind is removed.

    Raises:
        StoreError: one line with the system's reason; the old file, if any, is untouched and nothing half-written stays.
    """
    write_together({path: data})


def write_together(contents):
    """`write_atomic` of {path: bytes or text}: all under temporary names before the first gets its own, so that a full disk leaves a report as it was."""
    ready, path = {}, None
    try:
        with contextlib.ExitStack() as open_files:  # under their locks until they have their names
            for path, data in contents.items():
                remove_stale(Path(path))
                ready[path], descriptor = new_temporary(Path(path))
                file = open_files.enter_context(open(descriptor, "wb"))
                file.write(data.encode() if isinstance(data, str) else data)
                file.flush()
                os.fsync(file.fileno())
            for path in contents:
                os.replace(ready[path], path)
                del ready[path]
        for folder in {Path(path).parent for path in contents}:
            sync_folder(folder)
    except (OSError, ValueError) as error:  # ValueError: a path with a null byte
        raise StoreError(f"cannot write {path}: {reason_of(error)}") from None
    finally:
        for temporary in ready.values():
            with contextlib.suppress(OSError):
                temporary.unlink()


def warn_of_no_locks(error, folder):
    """Says that nothing keeps other processes out of a folder, as its file system has no locks."""
    warnings.warn(
        f"{folder}: no file locks here ({getattr(error, 'strerror', None) or error}), as on some network file systems; "
        "see to it that one process at a time works in it",
        stacklevel=3,
    )


def new_temporary(path):
    """(path, descriptor) of a new file beside `path`, under a lock that ends with this process however it ends; OSError as the system says."""
    while True:
        temporary = path.with_name(
            f".{path.name}.{os.urandom(6).hex()}.tmp"
        )  # processes on other machines may have the same number
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        taken = False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # by another process that is about to remove it as a stale one
            taken = True
        except OSError:  # a file system without locks: then nobody removes it but its owner
            pass
        if not taken and os.path.exists(temporary):
            return temporary, descriptor
        os.close(descriptor)


def remove_stale(path):
    """Removes what processes left that were killed while they wrote to `path`. Whatever is still under a lock, or cannot be locked, stays."""
    _remove_free(path.parent.glob(f".{glob.escape(path.name)}.*.tmp"))


def remove_all_stale(folder):
    """`remove_stale` for all files of a folder, for those whose names do not come again."""
    _remove_free(Path(folder).glob(".*.tmp"))


def _remove_free(leftovers):
    for leftover in leftovers:
        with contextlib.suppress(OSError):
            descriptor = os.open(leftover, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(leftover)
            finally:
                os.close(descriptor)


def sync_folder(folder):
    """Makes a rename in this folder last through a power cut; OSError as the system says."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path):
    """Creates a folder and those above it; StoreError if that is impossible."""
    for left in reversed(range(10)):
        try:
            return Path(path).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            # a worker that ends may remove the last empty folder above this one at the same moment
            if not left or not isinstance(error, (FileNotFoundError, FileExistsError)):
                raise StoreError(f"cannot create the folder {path}: {reason_of(error)}") from None


def read_bytes(path):
    """Content of a file; StoreError with the system's reason."""
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a path with a null byte
        raise StoreError(f"cannot read {path}: {reason_of(error)}") from None


def packaged(name):
    """Path of a file or folder below data/, as installed with the package, or beside it in a development install."""
    here = Path(__file__).parent.parent
    installed = here / "data" / name
    return installed if installed.exists() else here.parent / "data" / name
