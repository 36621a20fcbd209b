"""The file system of a folder: its kind, room, locks and clock.

Facts are those of `probe`.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from spinrnn.doctor import probe
from spinrnn.doctor.verdict import Verdict, fine, note, problem
from spinrnn.machine.memory import format_size

Facts = Mapping[str, Any]

ROOM = 200 * 2**20
"""Bytes; a run with its checkpoints and pictures takes a few MiB, compiled code about
20.
"""
LITTLE_ROOM = ROOM // 100
"""Bytes with which no run ends well."""
FILES, FEW_FILES = 1000, 50
"""Numbers of further files (inodes) below which it is said, and is a problem."""
SKEW, MUCH_SKEW = 2.0, 30.0
"""Seconds between the clocks of the file system and of this machine.

Beyond the first it is said. Beyond the second a sweep may take a worker that lives for
dead: its file is touched every few seconds, it counts as dead after two minutes, and
the clocks of several machines may differ from this one's to both sides.
"""
ELSEWHERE = "choose a folder elsewhere (--out)"
ANOTHER = "choose another folder (--out)"
ONE_PROCESS = "start one process for each run folder"


def folder_checks(folder: str | Path, facts: Facts, environ: Mapping[str, str]) -> list[Verdict]:
    """Verdicts on a folder.

    Args:
        folder: as the user named it; facts: as `probe.examine` returns them.
        environ: variables of the environment.
    """
    if "hung" in facts:
        return [_hung(folder, facts["hung"])]
    if "failed" in facts:
        return [problem("folder", f"{folder}: cannot be examined: {facts['failed']}", ANOTHER)]
    found = [_kind(facts), *_room(facts.get("room", {}))]
    if _error(facts, "write"):
        return [*found, _not_written(facts)]
    found += [
        *_locks(facts.get("lock", {}), environ),
        *_calls(facts),
        _clock(facts.get("clock", {}).get("ahead", 0.0)),
    ]
    if _error(facts, "clean"):
        found.append(
            problem("writing", f"files cannot be removed: {_error(facts, 'clean')}", ANOTHER)
        )
    if all(verdict.state == "fine" for verdict in found):
        found.append(fine("writing", "new files, fsync, rename, removal"))
    return found


def _error(facts: Facts, step: str) -> str:
    """What the system said of a step that failed, "" where it did not."""
    error = facts.get(step, {}).get("error")
    return error[1] if error else ""


def _hung(folder: str | Path, step: str) -> Verdict:
    waited = {
        "look": "to be found",
        "mount": "to be found",
        "room": "to say its room",
        "write": "a new file",
        "lock": "a lock",
        "sync": "fsync",
    }
    text = f"the file system does not answer (waiting for {waited.get(step, step)})"
    fix = "ask the administrators, or choose a folder elsewhere (--out)"
    return problem("folder", f"{folder}: {text}; a dead network mount?", fix)


def _kind(facts: Facts) -> Verdict:
    kind = facts.get("mount", {}).get("type", "unknown")
    text = f"{facts['look']['path']}: {kind}{' (network)' if kind in probe.NETWORK else ''}"
    if kind in ("tmpfs", "ramfs"):
        text = f"{text}, in memory: files are gone after a restart"
        return note("file system", text, "write results to a disk")
    return fine("file system", text)


def _room(room: Facts) -> Iterator[Verdict]:
    """Free bytes and free files."""
    if room.get("size"):
        free = room["free"]
        text = f"{format_size(free)} of {format_size(room['size'])}"
        fix = f"make room, or {ELSEWHERE}"
        if free < LITTLE_ROOM:
            yield problem("free space", text, fix)
        elif free < ROOM:
            yield note("free space", text, fix)
        else:
            yield fine("free space", text)
    left = room.get("files_free", 0)
    # file systems without a limit say that they have 0 files
    if room.get("files") and left < FILES:
        text = f"only {left} more files (inodes) of {room['files']}"
        say = problem if left < FEW_FILES else note
        yield say("free files", text, "remove small files, or choose a folder elsewhere")


def _not_written(facts: Facts) -> Verdict:
    read_only = facts.get("room", {}).get("read_only")
    text = "mounted read-only" if read_only else "nothing can be written"
    return problem("writing", f"{text}: {_error(facts, 'write')}", ELSEWHERE)


def _locks(lock: Facts, environ: Mapping[str, str]) -> Iterator[Verdict]:
    unseen = "two processes in one run folder are not noticed"
    if lock.get("held"):
        yield fine("locks", "flock works")
    elif not lock.get("error"):
        fix = f"{ONE_PROCESS}; ask for a mount with locks (Lustre: -o flock)"
        yield problem("locks", f"locks are granted to everybody: {unseen}", fix)
    else:
        text = f"no file locks here ({lock['error'][1]}): {unseen}"
        if environ.get("HDF5_USE_FILE_LOCKING") in ("FALSE", "0"):
            yield note("locks", text, ONE_PROCESS)
        else:
            text = f"{text}, and h5py or xarray may refuse to open files"
            other = "export HDF5_USE_FILE_LOCKING=FALSE for other programs"
            yield problem("locks", text, f"{ONE_PROCESS}; {other} (spinrnn needs no locks)")


def _calls(facts: Facts) -> Iterator[Verdict]:
    """The calls without which no file is finished."""
    for step, what in (("sync", "fsync"), ("rename", "rename and fsync of the folder")):
        if _error(facts, step):
            text = f"{what} fails: {_error(facts, step)}; spinrnn finishes no file without it"
            yield problem(what, text, "choose a folder on another file system (--out)")


def _clock(ahead: float) -> Verdict:
    """ahead: seconds of the file system's clock before that of this machine."""
    if abs(ahead) <= SKEW:
        return fine("clock", "that of the file system agrees with this machine's")
    side = "ahead of" if ahead > 0 else "behind"
    text = f"that of the file system is {abs(ahead):.0f} s {side} this machine's"
    fix = "have the clocks set by NTP"
    if abs(ahead) <= MUCH_SKEW:
        return note("clock", text, fix)
    risk = "a sweep on several machines may take living workers for dead"
    return problem("clock", f"{text}: {risk}, and the newest run for an older one", fix)
