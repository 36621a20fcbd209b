"""What is odd about the surroundings: processors, memory, cache, HDF5, the file system of a folder. Nothing is changed, compiled or left behind.

Each check takes what it judges (environment, numbers, facts) as arguments and returns a list of `Finding`; `examine` gathers all of it from this machine.
"""

import dataclasses
import importlib
import importlib.metadata
import importlib.util
import os
import platform
import re
from concurrent.futures import ThreadPoolExecutor

from spinrnn.doctor import probe as filesystem
from spinrnn.errors import ConfigError, StoreError
from spinrnn.machine import cgroups, memory, threads

TESTED = {
    "numpy": (2, 0),
    "numba": (0, 61),
    "scipy": (1, 15),
    "h5py": (3, 11),
    "matplotlib": (3, 8),
    "threadpoolctl": (3, 5),
    "tqdm": (4, 66),
}
"""Oldest versions that spinrnn is made for, as pyproject.toml has them."""
FAULTY_HDF5 = {
    (1, 14, 3): "raises floating-point exceptions when it starts, which some programs stop at"
}
EXTRAS = {"dask": "distributed", "mpi": "mpi4py"}
ROOM = (
    200 * 2**20
)  # bytes; a run with its checkpoints and pictures takes a few MiB, compiled code about 20
SKEW, MUCH_SKEW = 2.0, 30.0
"""Seconds between the clocks of the file system and of this machine: to be mentioned; and beyond which a sweep may take a worker that lives for dead.

A worker of a sweep is touched every few seconds and counts as dead after two minutes; clocks of several machines may differ from this one's to both sides."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that was looked at. state: "fine", "note" or "problem"; text: one line, what it is; fix: one line, what to do, or None."""

    subject: str
    state: str
    text: str
    fix: str | None = None


def examine(folder=".", seconds=5.0):
    """Findings about this process and machine, and about the file system of a folder, which gets `seconds` to answer.

    Raises:
        StoreError: there is no such folder.
    """
    environ = dict(os.environ)
    with ThreadPoolExecutor(2) as pool:
        place = pool.submit(filesystem.examine, folder, seconds)
        caches = pool.submit(_caches, seconds)  # imports Numba meanwhile
        found = processors(environ, _affinity(), os.cpu_count() or 1, cgroups.processor_quota())
        found += memory_checks(environ, cgroups.memory_limit(), memory.available_memory())
        found += versions(_versions(), platform.python_version(), _vectors(), _extras())
        found += hdf5(environ, *_hdf5())
        found += cache(environ, caches.result())
        facts = place.result()
    look = facts.get("look", {})
    if look and not (look["exists"] and look["folder"]):
        raise StoreError(
            f"{folder}: {'is not a folder' if look['exists'] else 'no such folder'}; name the one that runs are to be written to"
        )
    return [*found, *folder_checks(folder, facts, environ)]


# ---- processors ----


def slurm_processors(environ):
    """Processors of a SLURM job on this node, as SLURM_JOB_CPUS_PER_NODE ("4(x2),2") and SLURM_NODEID say; None outside of a job."""
    counts = []
    for count, times in re.findall(
        r"([0-9]+)(?:\(x([0-9]+)\))?(?:,|$)", environ.get("SLURM_JOB_CPUS_PER_NODE", "")
    ):
        counts += [int(count)] * min(int(times or 1), 100_000)
    node = _number(environ, "SLURM_NODEID") or 0
    return counts[node] if node < len(counts) else None


def processors(environ, affinity, machine, quota):
    """Of threads: affinity, processors that this process is bound to; machine, that there are; quota of its control groups, None without."""
    problems, threads_ = [], None
    asked = environ.get("SPINRNN_THREADS", "").strip()
    try:
        threads_ = threads.get_threads()
    except ConfigError as error:
        problems.append(
            Finding("threads", "problem", str(error), "export SPINRNN_THREADS=N, or unset it")
        )
    per_task, job = _number(environ, "SLURM_CPUS_PER_TASK"), slurm_processors(environ)
    launcher, ranks = _launched(environ)
    allowed = min(machine if quota is None else max(1, int(quota + 0.999)), job or machine)
    share = per_task or max(1, allowed // ranks)  # of this process
    parts = [f"bound to {affinity} of {machine} processors"]
    parts += [f"SLURM_CPUS_PER_TASK {per_task}"] if per_task else []
    parts += [f"{job} of the job on this node"] if job else []
    parts += [f"quota {quota:g}"] if quota is not None else []
    if affinity == 1 and share > 1 and (launcher or job):
        flag = {
            "Open MPI": f"mpiexec --bind-to none, or --map-by slot:PE={share}",
            "MPI": f"mpiexec -bind-to none (MPICH, Hydra), or I_MPI_PIN_DOMAIN={share} (Intel MPI)",
            "SLURM": f"srun --cpu-bind=none, or srun --cpus-per-task={share} --cpu-bind=cores",
        }[launcher or "SLURM"]
        text = f"{launcher or 'SLURM'} has pinned this process to one processor where {share} are its share ({', '.join(parts)})"
        problems.append(Finding("binding", "problem", text, flag))
    elif affinity < share and (per_task or job):
        text = (
            f"this process is bound to fewer processors than it was allocated: {', '.join(parts)}"
        )
        problems.append(
            Finding(
                "binding", "problem", text, f"srun --cpus-per-task={share}, or srun --cpu-bind=none"
            )
        )
    if job and not per_task and ranks > 1 and affinity > job // ranks:
        text = f"{ranks} tasks on this node and no SLURM_CPUS_PER_TASK: each takes {affinity} threads of {job} processors"
        problems.append(
            Finding(
                "shares",
                "problem",
                text,
                f"srun --cpus-per-task={max(1, job // ranks)}, or export SPINRNN_THREADS={max(1, job // ranks)}",
            )
        )
    if threads_ is not None:
        usable = min(affinity, allowed if quota is not None or job else affinity)
        if asked and threads_ > usable:
            text = f"SPINRNN_THREADS={threads_}, but {usable} may be used: the threads are in each other's way"
            problems.append(
                Finding("threads", "problem", text, f"export SPINRNN_THREADS={usable}, or unset it")
            )
        elif asked and threads_ < min(usable, share):
            text = f"SPINRNN_THREADS={threads_} leaves {min(usable, share) - threads_} of {min(usable, share)} processors idle, unless other processes use them"
            problems.append(
                Finding(
                    "threads", "note", text, "unset SPINRNN_THREADS where this process is alone"
                )
            )
        elif affinity < machine and not (per_task or job or launcher or asked):
            text = f"{threads_} ({', '.join(parts)}): taskset, a container or the batch system holds this process to a part of the machine"
            problems.append(
                Finding("threads", "note", text, "ask for more processors where that is not meant")
            )
        else:
            problems.append(Finding("threads", "fine", f"{threads_} ({', '.join(parts)})"))
    for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
        value = environ.get(name, "").strip()
        if value and threads_ is not None and not asked and value != str(threads_):
            text = f"{name}={value[:40]} does not hold for spinrnn, which takes {threads_} threads"
            problems.append(
                Finding(
                    name,
                    "note",
                    text,
                    f"export SPINRNN_THREADS={value}" if value.isdigit() else "use SPINRNN_THREADS",
                )
            )
    return problems


def _launched(environ):
    """(who started this process among others, None if nobody; processes on this node)."""
    for name, launcher in (("OMPI_COMM_WORLD_LOCAL_SIZE", "Open MPI"), ("MPI_LOCALNRANKS", "MPI")):
        if _number(environ, name):
            return launcher, _number(environ, name)
    if "PMI_RANK" in environ and "SLURM_PROCID" not in environ:
        return "MPI", _number(environ, "PMI_SIZE") or 1  # the world's; on one node the same
    if "SLURM_STEP_ID" in environ and "SLURM_PROCID" in environ:
        tasks = re.match(r"[0-9]+", environ.get("SLURM_STEP_TASKS_PER_NODE", ""))
        return "SLURM", max(1, int(tasks[0])) if tasks else 1
    return None, 1


def _number(environ, name):
    text = environ.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None


def _affinity():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# ---- memory ----


def memory_checks(environ, limit, available):
    """Of memory: limit, bytes of the control groups, None without; available, bytes that spinrnn would take unasked."""
    try:
        taken = memory.memory_limit()
    except ConfigError as error:
        return [Finding("memory", "problem", str(error), "export SPINRNN_MEMORY=2G, or unset it")]
    size, limit = (
        memory.format_size(taken),
        None if limit is None or limit > 2**50 else limit,
    )  # version 1 says "none" by an enormous one
    within = "" if limit is None else f", control group {memory.format_size(limit)}"
    most = available / memory.SHARE if limit is None else min(limit, available / memory.SHARE)
    if environ.get("SPINRNN_MEMORY", "").strip() and taken > most:
        text = f"SPINRNN_MEMORY={size}, but there are {memory.format_size(int(most))}{within}: the process may be killed without a word"
        return [
            Finding(
                "memory",
                "problem",
                text,
                "ask the batch system for more (--mem), or unset SPINRNN_MEMORY",
            )
        ]
    if taken < 64 * 2**20:
        text = f"only {size} for the states of a batch{within}: time is cut into segments, which costs time"
        return [Finding("memory", "note", text, "ask the batch system for more (--mem)")]
    return [Finding("memory", "fine", f"{size} for the states of a batch{within}")]


# ---- cache of compiled code ----


def _caches(seconds):
    """[(folder, facts)] of the folders that may hold compiled code; an exception where Numba cannot be imported."""
    try:
        from spinrnn.kernels.compiling import cache_folders
    except Exception as error:  # a broken installation fails in any way
        return error
    return [(str(folder), filesystem.examine(folder, seconds)) for folder in cache_folders()]


def cache(environ, found):
    """Of the cache: found, as `_caches` returns it."""
    if isinstance(found, Exception):
        text = f"Numba cannot be imported: {type(found).__name__}: {_line(found)}"
        return [
            Finding(
                "numba",
                "problem",
                text,
                "install numba and llvmlite anew: pip install --force-reinstall numba",
            )
        ]
    findings = []
    if environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        findings.append(
            Finding(
                "numba",
                "problem",
                "NUMBA_DISABLE_JIT is set: everything runs a thousand times slower",
                "unset NUMBA_DISABLE_JIT",
            )
        )
    usable = [(folder, facts) for folder, facts in found if not _trouble(facts)]
    for folder, facts in found[: 1 if environ.get("NUMBA_CACHE_DIR") else 0]:
        if _trouble(facts):
            text = f"{folder}, which NUMBA_CACHE_DIR names, cannot be written: {_trouble(facts)}"
            findings.append(
                Finding(
                    "cache",
                    "problem",
                    text,
                    "set NUMBA_CACHE_DIR to a folder of yours that can be written",
                )
            )
    if not usable:
        reasons = "; ".join(f"{folder}: {_trouble(facts)}" for folder, facts in found)
        text = f"compiled code cannot be kept, every run compiles for about ten seconds ({reasons})"
        return [
            *findings,
            Finding(
                "cache", "problem", text, "set NUMBA_CACHE_DIR to a folder that can be written"
            ),
        ]
    folder, facts = usable[0]
    kind, look = facts.get("mount", {}).get("type", ""), facts["look"]
    if look.get("mode", 0) & 0o002:
        text = f"{folder}: others may write to {look['tried']}, and loading a cache runs its code"
        return [
            *findings,
            Finding(
                "cache", "note", text, "set NUMBA_CACHE_DIR to a folder that only you can write to"
            ),
        ]
    if kind in filesystem.NETWORK:
        text = f"{folder} is on a network file system ({kind}): many processes that start at once wait for it"
        return [
            *findings,
            Finding(
                "cache",
                "note",
                text,
                "where that is slow, set NUMBA_CACHE_DIR to a folder on the node's own disk",
            ),
        ]
    return [*findings, Finding("cache", "fine", f"{folder}" + (f" ({kind})" if kind else ""))]


def _trouble(facts):
    """Why a folder cannot be written, "" if it can."""
    if "hung" in facts:
        return f"it does not answer ({facts['hung']})"
    if "failed" in facts:
        return facts["failed"]
    if not facts.get("look", {}).get("folder"):
        return "is not a folder"
    error = facts.get("write", {}).get("error")
    return error[1] if error else ""


# ---- HDF5, versions ----


def _hdf5():
    """(h5py's version, HDF5 version at work, HDF5 version built against, with MPI), or one exception in place of all."""
    try:
        import h5py

        v = h5py.version
        return (
            v.version,
            v.hdf5_version_tuple[:3],
            getattr(v, "hdf5_built_version_tuple", v.hdf5_version_tuple)[:3],
            h5py.get_config().mpi,
        )
    except Exception as error:  # a broken installation fails in any way
        return error, None, None, None


def hdf5(environ, h5py_version, running, built, mpi):
    """Of HDF5: the versions, as tuples of three numbers."""
    if isinstance(h5py_version, Exception):
        text = f"h5py cannot be imported: {type(h5py_version).__name__}: {_line(h5py_version)}"
        return [
            Finding("HDF5", "problem", text, "install it anew: pip install --force-reinstall h5py")
        ]
    text, findings = (
        f"h5py {h5py_version}, HDF5 {_dotted(running)}{', with MPI' if mpi else ''}",
        [],
    )
    if running[:2] != built[:2] or running < built:
        text = f"{text}, but h5py was built against {_dotted(built)}: another library is loaded in its place, results may be wrong"
        findings.append(
            Finding(
                "HDF5",
                "problem",
                text,
                "unload the hdf5 module, or unset LD_LIBRARY_PATH and LD_PRELOAD; else reinstall h5py",
            )
        )
    elif running in FAULTY_HDF5:
        findings.append(
            Finding("HDF5", "note", f"{text} {FAULTY_HDF5[running]}", "pip install --upgrade h5py")
        )
    else:
        findings.append(Finding("HDF5", "fine", f"{text}; h5py lets one thread into it at a time"))
    locking = environ.get("HDF5_USE_FILE_LOCKING")
    if locking is not None and locking not in ("TRUE", "FALSE", "1", "0", "BEST_EFFORT"):
        text = f"HDF5_USE_FILE_LOCKING={locking[:40]!r} is none of TRUE, FALSE and BEST_EFFORT: HDF5 ignores it"
        findings.append(
            Finding(
                "HDF5_USE_FILE_LOCKING",
                "problem",
                text,
                "export HDF5_USE_FILE_LOCKING=BEST_EFFORT, or unset it",
            )
        )
    return findings


def _versions():
    """{package: version, None if missing} of what spinrnn needs."""
    found = {}
    for name in (*TESTED, "llvmlite"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def versions(found, python, vectors, extras):
    """Of versions: {package: version or None}; vectors: bytes of a processor's vector, None if unknown; extras: {extra: there or not}."""
    findings = []
    for name, version in found.items():
        if version is None:
            findings.append(
                Finding("versions", "problem", f"{name} is not installed", f"pip install {name}")
            )
        elif (
            name in TESTED
            and tuple(int(n) for n in re.findall(r"[0-9]+", version)[:2]) < TESTED[name]
        ):
            least = _dotted(TESTED[name])
            findings.append(
                Finding(
                    "versions",
                    "problem",
                    f"{name} {version} is older than {least}",
                    f"pip install '{name}>={least}'",
                )
            )
    shown = ", ".join(
        f"{name} {found[name]}" for name in ("numpy", "numba", "llvmlite") if found.get(name)
    )
    findings.append(Finding("versions", "fine", f"Python {python}, {shown}"))
    if vectors is not None:
        name = {64: "AVX-512", 32: "AVX"}.get(vectors)
        slow = Finding(
            "processor",
            "note",
            "no AVX: kernels take two to four times as long",
            "on a cluster choose newer nodes (--constraint)",
        )
        findings.append(
            Finding("processor", "fine", f"{name}, vectors of {vectors} bytes") if name else slow
        )
    for extra, there in extras.items():
        text = (
            "installed"
            if there
            else f"not installed; pip install 'spinrnn[{extra}]', if a sweep is to use it"
        )
        findings.append(Finding(f"extra {extra}", "fine", text))
    return findings


def _vectors():
    flags = (
        cgroups.read_text(cgroups.ROOT / "proc/cpuinfo")
        .partition("\nflags")[2]
        .partition("\n")[0]
        .split()
    )
    return None if not flags else 64 if "avx512f" in flags else 32 if "avx" in flags else 16


def _extras():
    return {extra: importlib.util.find_spec(module) is not None for extra, module in EXTRAS.items()}


def _dotted(numbers):
    return ".".join(map(str, numbers))


def _line(error):
    return " ".join(str(error).split())


# ---- a folder ----


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
