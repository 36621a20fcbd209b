"""Files as bytes, read whole and written whole or not at all.

What is written goes into a temporary file beside its target, which one rename then puts
in its place: a kill or a full disk never leaves half a file. The temporary file is
under a lock that ends with its process, by which others tell one at work from a stale
one.
"""

import contextlib
import fcntl
import glob
import os
import warnings
from pathlib import Path

from spinrnn.errors import StoreError, reason_of

# ---- writing ----


def write_atomic(path, data):
    """Writes bytes or text: temporary file, fsync, rename, fsync of the folder.

    Temporary files of the same target that killed processes left are removed.

    Raises:
        StoreError: the system's reason; the old file, if any, is untouched and nothing
            half-written stays.
        UnsyncedError: the file is there and whole, only its folder could not be synced.
    """
    write_together({path: data})


def write_together(contents):
    """`write_atomic` of {path: bytes or text}, for files that belong together.

    All are under temporary names before the first gets its own, so a full disk leaves
    the files of before, all of them. Where a rename fails after others, the error names
    those that are new.
    """
    ready, renamed, path = {}, [], None
    try:
        # open, and with that under their locks, until they have their names
        with contextlib.ExitStack() as open_files:
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
                renamed.append(path)
    # ValueError: a path with a null byte
    except (OSError, ValueError) as error:
        others = f"; already new: {', '.join(map(str, renamed))}" if renamed else ""
        raise StoreError(f"cannot write {path}: {reason_of(error)}{others}") from None
    finally:
        for temporary in ready.values():
            with contextlib.suppress(OSError):
                temporary.unlink()
    sync_names(contents)


class UnsyncedError(StoreError):
    """A file is there and whole, but a power cut may still take it."""


def sync_names(paths):
    """Makes the names that files just got by a rename last through a power cut.

    Raises:
        UnsyncedError: the system's reason. All folders were tried.
    """
    failed = None
    for folder, path in {Path(path).parent: path for path in paths}.items():
        try:
            sync_folder(folder)
        except OSError as error:
            failed = failed or (path, error)
    if failed:
        path, error = failed
        raise UnsyncedError(
            f"{path} is written, but its folder could not be synced: {reason_of(error)}; "
            "a power cut may take the file, so run `sync` or write it again"
        )


def sync_folder(folder):
    """Makes what was renamed or created in a folder last through a power cut.

    Raises:
        OSError: as the system says.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path):
    """Creates a folder and those above it; StoreError if that is impossible."""
    path = Path(path)
    for left in reversed(range(10)):
        try:
            missing = [folder for folder in (path, *path.parents) if not folder.exists()]
            path.mkdir(parents=True, exist_ok=True)
            break
        except (OSError, ValueError) as error:
            # a process may remove an empty folder above at this moment
            passing = isinstance(error, (FileNotFoundError, FileExistsError))
            if not left or not passing:
                raise StoreError(f"cannot create the folder {path}: {reason_of(error)}") from None
    for folder in missing:
        # a folder above that this user may enter but not open is left to the system
        with contextlib.suppress(OSError):
            sync_folder(folder.parent)


# ---- temporary files and their locks ----


def new_temporary(path):
    """(path, descriptor) of a new file beside `path`, under a lock of this process.

    The lock ends with the descriptor, and so with the process, however that ends.

    Raises:
        OSError: as the system says.
    """
    while True:
        # random, as processes on other machines may have the same number
        temporary = path.with_name(f".{path.name}.{os.urandom(6).hex()}.tmp")
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            taken = False
        except BlockingIOError:
            # by a process that found it before it was locked, and is about to remove it
            taken = True
        except OSError:
            # a file system without locks: there only its own process removes the file
            taken = False
        if not taken and os.path.exists(temporary):
            return temporary, descriptor
        os.close(descriptor)


def remove_stale(path):
    """Removes temporary files of a target whose processes were killed.

    What is under a lock, or cannot be locked, stays.
    """
    _remove_free(path.parent.glob(f".{glob.escape(path.name)}.*.tmp"))


def remove_all_stale(folder):
    """`remove_stale` for all targets in a folder, as some names never come again."""
    _remove_free(Path(folder).glob(".*.tmp"))


def _remove_free(temporaries):
    """Removes those of the files that no process has under its lock."""
    for temporary in temporaries:
        with contextlib.suppress(OSError):
            descriptor = os.open(temporary, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(temporary)
            finally:
                os.close(descriptor)


def warn_of_no_locks(error, folder):
    """Warns that nothing keeps other processes out; error: what locking gave."""
    reason = getattr(error, "strerror", None) or error
    warnings.warn(
        f"{folder}: no file locks here ({reason}), as on some network file systems; "
        "see to it that one process at a time works in it",
        stacklevel=3,
    )


# ---- reading ----


def read_bytes(path):
    """Content of a file; StoreError with the system's reason."""
    try:
        return Path(path).read_bytes()
    # ValueError: a path with a null byte
    except (OSError, ValueError) as error:
        raise StoreError(f"cannot read {path}: {reason_of(error)}") from None


def packaged(name):
    """Path of what lies below data/, in the installed package or beside its sources."""
    here = Path(__file__).parent.parent
    installed = here / "data" / name
    return installed if installed.exists() else here.parent / "data" / name
