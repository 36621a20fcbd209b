"""The file system of a folder: its kind, room, locks and clock."""

from spinrnn.doctor import probe as filesystem
from spinrnn.doctor.verdict import Finding
from spinrnn.machine import memory

ROOM = (
    200 * 2**20
)  # bytes; a run with its checkpoints and pictures takes a few MiB, compiled code about 20


SKEW, MUCH_SKEW = 2.0, 30.0
"""Seconds between the clocks of the file system and of this machine: to be mentioned; and beyond which a sweep may take a worker that lives for dead.

A worker of a sweep is touched every few seconds and counts as dead after two minutes; clocks of several machines may differ from this one's to both sides."""


def folder_checks(folder, facts, environ):
    """Of a folder: facts, as `filesystem.examine` returns them."""
    if "hung" in facts:
        what = {
            "look": "to be found",
            "mount": "to be found",
            "room": "to say its room",
            "write": "a new file",
            "lock": "a lock",
            "sync": "fsync",
        }
        text = f"{folder}: the file system does not answer (waiting for {what.get(facts['hung'], facts['hung'])}); a dead network mount?"
        return [
            Finding(
                "folder",
                "problem",
                text,
                "ask the administrators, or choose a folder elsewhere (--out)",
            )
        ]
    if "failed" in facts:
        return [
            Finding(
                "folder",
                "problem",
                f"{folder}: cannot be examined: {facts['failed']}",
                "choose another folder (--out)",
            )
        ]
    mount, room = facts.get("mount", {}), facts.get("room", {})
    kind = mount.get("type", "unknown")
    text = f"{facts['look']['path']}: {kind}{' (network)' if kind in filesystem.NETWORK else ''}"
    findings = []
    if kind in ("tmpfs", "ramfs"):
        findings.append(
            Finding(
                "file system",
                "note",
                f"{text}, in memory: files are gone after a restart",
                "write results to a disk",
            )
        )
    else:
        findings.append(Finding("file system", "fine", text))
    findings += _room(room)
    error = facts.get("write", {}).get("error")
    if error:
        fix = "choose a folder elsewhere (--out)"
        if room.get("read_only"):
            findings.append(Finding("writing", "problem", f"mounted read-only: {error[1]}", fix))
        else:
            findings.append(
                Finding("writing", "problem", f"nothing can be written: {error[1]}", fix)
            )
        return findings
    findings += _locking(facts.get("lock", {}), environ)
    for step, what in (("sync", "fsync"), ("rename", "rename and fsync of the folder")):
        error = facts.get(step, {}).get("error")
        if error:
            text = f"{what} fails: {error[1]}; spinrnn finishes no file without it"
            findings.append(
                Finding(what, "problem", text, "choose a folder on another file system (--out)")
            )
    findings += _clock(facts.get("clock", {}).get("ahead", 0.0))
    if facts.get("clean", {}).get("error"):
        findings.append(
            Finding(
                "writing",
                "problem",
                f"files cannot be removed: {facts['clean']['error'][1]}",
                "choose another folder (--out)",
            )
        )
    if all(finding.state == "fine" for finding in findings):
        findings.append(Finding("writing", "fine", "new files, fsync, rename, removal"))
    return findings


def _room(room):
    findings = []
    if room.get("size"):
        state, text = (
            "fine",
            f"{memory.format_size(room['free'])} of {memory.format_size(room['size'])}",
        )
        if room["free"] < ROOM:
            state = "problem" if room["free"] < ROOM / 100 else "note"
        findings.append(
            Finding(
                "free space",
                state,
                text,
                None if state == "fine" else "make room, or choose a folder elsewhere (--out)",
            )
        )
    if room.get("files") and room["files_free"] < 1000:
        text = f"only {room['files_free']} more files (inodes) of {room['files']}"
        findings.append(
            Finding(
                "free files",
                "problem" if room["files_free"] < 50 else "note",
                text,
                "remove small files, or choose a folder elsewhere",
            )
        )
    return findings


def _locking(lock, environ):
    error = lock.get("error")
    off = environ.get("HDF5_USE_FILE_LOCKING") in ("FALSE", "0")
    if error:
        text = f"no file locks here ({error[1]}): two processes in one run folder are not noticed"
        text += "" if off else ", and h5py or xarray may refuse to open files"
        fix = "start one process for each run folder" + (
            ""
            if off
            else "; export HDF5_USE_FILE_LOCKING=FALSE for other programs (spinrnn needs no locks)"
        )
        return [Finding("locks", "note" if off else "problem", text, fix)]
    if not lock.get("held"):
        text = "locks are granted to everybody: two processes in one run folder are not noticed"
        return [
            Finding(
                "locks",
                "problem",
                text,
                "start one process for each run folder; ask for a mount with locks (Lustre: -o flock)",
            )
        ]
    return [Finding("locks", "fine", "flock works")]


def _clock(ahead):
    if abs(ahead) <= SKEW:
        return [Finding("clock", "fine", "that of the file system agrees with this machine's")]
    text = f"that of the file system is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} this machine's"
    if abs(ahead) > MUCH_SKEW:
        text += ": a sweep on several machines may take living workers for dead, and the newest run for an older one"
    return [
        Finding(
            "clock",
            "problem" if abs(ahead) > MUCH_SKEW else "note",
            text,
            "have the clocks set by NTP",
        )
    ]
