"""What `spinrnn doctor` looks at: processors, memory, the cache of compiled code, HDF5, and the file system of a folder; each finding with its remedy.

Every check is a function that returns a list of `Finding`s and reads its surroundings from os.environ, the affinity mask, /proc and the folder alone. The folder is
looked at by another process, because a file system that does not answer would hold this one for ever.
"""

import fcntl
import importlib.metadata
import importlib.util
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from spinrnn import cgroups, memory, threads
from spinrnn.errors import ConfigError, StoreError
from spinrnn.memory import format_size

FINE, NOTE, PROBLEM = "fine", "note", "problem"
NETWORK = (
    "nfs",
    "nfs4",
    "lustre",
    "gpfs",
    "beegfs",
    "cifs",
    "smb3",
    "ceph",
    "fuse.ceph",
    "afs",
    "panfs",
    "pvfs2",
    "glusterfs",
    "fuse.glusterfs",
    "fuse.sshfs",
    "9p",
)
"""Types of file systems that several machines share."""
LITTLE_ROOM, LITTLE_CACHE = 1 << 30, 64 << 20
"""Bytes below which it is said that a folder, or the cache's, has little room left."""
SKEW = 2.0
"""Seconds by which the clock of a file system may differ from ours; workers on other machines are given up after a minute's silence."""
SECONDS = 10.0
"""After which a file system counts as not answering."""
_SCHEDULERS = {  # the processes of an MPI job on this machine
    "Open MPI": "OMPI_COMM_WORLD_LOCAL_SIZE",
    "MPICH or Intel MPI": "MPI_LOCALNRANKS",
    "MVAPICH": "MV2_COMM_WORLD_LOCAL_SIZE",
}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        check: its name; state: `FINE`, `NOTE` or `PROBLEM`; text: what was found; fix: what to do, "" if nothing.
    """

    check: str
    state: str
    text: str
    fix: str = ""


def examine(folder="."):
    """All `Finding`s, those of a folder's file system last.

    Raises:
        StoreError: there is no such folder.
    """
    found = [*processors(), *processes(), *memory_size(), *cache(), *hdf5(), *versions(), *extras()]
    return [*found, *file_system(folder)]


# ---- processors ----


def _number(name):
    """Whole number of an environment variable, None if it is missing or none."""
    text = os.environ.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() else None


def _bound():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processors():
    """Threads in use against the processors that were allocated, that the process is bound to and whose time it may take."""
    bound, machine, asked, quota = _bound(), os.cpu_count() or 1, _number("SLURM_CPUS_PER_TASK"), cgroups.processor_quota()
    try:
        used = threads.get_threads()
    except ConfigError as error:
        return [Finding("threads", PROBLEM, str(error), "unset SPINRNN_THREADS, or give the number of threads")]
    found, limits = [], f"bound to {bound} of {machine} processors"
    if quota is not None:
        limits += f", a control group allows the time of {quota:g}"
    if asked:
        limits += f", SLURM gave {asked} to the task"
    if used > bound:
        fix = "unset SPINRNN_THREADS" if os.environ.get("SPINRNN_THREADS") else "ask for more processors"
        found.append(
            Finding(
                "threads", PROBLEM, f"{used} threads on {bound} processors slow each other down; {limits}", f"{fix}, or set it to {bound}"
            )
        )
    elif asked and bound < asked:
        fix = f"start with srun --cpus-per-task={asked} (srun does not inherit it from sbatch), or with --cpu-bind=none"
        found.append(Finding("threads", PROBLEM, f"{used} threads, though SLURM gave {asked} processors to the task: {limits}", fix))
    elif quota is not None and used > quota + 1:
        found.append(
            Finding(
                "threads",
                PROBLEM,
                f"{used} threads, more than the control group has time for; {limits}",
                f"set SPINRNN_THREADS={max(1, int(quota))}",
            )
        )
    elif used < threads.available_threads():
        text = f"{used} threads, fewer than the {threads.available_threads()} that may be used; {limits}"
        found.append(Finding("threads", NOTE, text, "unset SPINRNN_THREADS if that is not meant"))
    else:
        found.append(Finding("threads", FINE, f"{used}; {limits}"))
    return found


def processes():
    """Processes of an MPI job on this machine: whether each is pinned to one processor, or takes the processors of the others."""
    local, name = next(((size, mpi) for mpi, variable in _SCHEDULERS.items() if (size := _number(variable))), (None, None))
    if local is None and (tasks := os.environ.get("SLURM_STEP_TASKS_PER_NODE", "").partition("(")[0].partition(",")[0]).isdigit():
        local, name = int(tasks), "SLURM"
    if local is None:
        return []
    bound, machine = _bound(), os.cpu_count() or 1
    asked = _number("SLURM_CPUS_PER_TASK")
    share = asked or max(1, machine // local)
    text = f"{local} processes of {name} on this machine of {machine} processors, this one bound to {bound}"
    if bound == 1 and share > 1:
        flags = {
            "Open MPI": f"mpirun --map-by slot:PE={share} --bind-to core, or --bind-to none",
            "SLURM": f"srun --cpus-per-task={share} --cpu-bind=cores",
        }
        fix = flags.get(name, f"mpiexec -bind-to none (MPICH), or I_MPI_PIN_DOMAIN={share} (Intel MPI)")
        return [Finding("pinning", PROBLEM, f"{text}; all of its threads share that one, though there are {share} for each", fix)]
    try:
        used = threads.get_threads()
    except ConfigError:
        return []  # told by `processors`
    if bound == machine and local > 1 and used * local > machine:
        return [
            Finding(
                "pinning",
                PROBLEM,
                f"{text}; {used} threads in each are {used * local} on {machine} processors",
                f"set SPINRNN_THREADS={share}",
            )
        ]
    return [Finding("pinning", FINE, text)]


def memory_size():
    """The limit of memory against what the batch system, the control groups and the machine leave."""
    try:
        limit = memory.memory_limit()
    except ConfigError as error:
        return [Finding("memory", PROBLEM, str(error), "unset SPINRNN_MEMORY, or give a size as in 4G")]
    available = int(memory.available_memory() / memory.SHARE)
    text = f"{format_size(limit)} for a computation, {format_size(available)} are available"
    if limit > available:
        return [
            Finding(
                "memory",
                PROBLEM,
                text,
                f"set SPINRNN_MEMORY to {format_size(int(memory.SHARE * available)).replace(' ', '')} or less, or ask for more (--mem)",
            )
        ]
    return [Finding("memory", FINE, text)]


# ---- software ----


def cache():
    """Folders of compiled code: one must take files, and it should be on a disk of this machine."""
    from spinrnn.compiling import cache_folders

    refused = []
    for folder in cache_folders():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / f".doctor-{os.urandom(6).hex()}"
            probe.write_bytes(b"x")
            probe.unlink()
        except OSError as error:
            refused.append(f"{folder} ({error.strerror})")
            continue
        kind, free = mount_of(folder)[1], _free(folder)
        text = f"compiled code is kept in {folder}" + (f"; not in {', '.join(refused)}" if refused else "")
        if free < LITTLE_CACHE:
            return [
                Finding(
                    "cache",
                    PROBLEM,
                    f"{text}, which has {format_size(free)} left",
                    "make room, or set NUMBA_CACHE_DIR to a folder of your own",
                )
            ]
        if kind in NETWORK:
            return [
                Finding(
                    "cache",
                    NOTE,
                    f"{text}, on a network file system ({kind})",
                    "with many processes at once set NUMBA_CACHE_DIR to a local folder of your own",
                )
            ]
        return [Finding("cache", FINE, text)]
    text = f"no folder takes compiled code, so every process compiles for some seconds: {', '.join(refused)}"
    return [Finding("cache", PROBLEM, text, "set NUMBA_CACHE_DIR to a folder of your own that can be written to")]


def hdf5():
    """The HDF5 library: its version, whether it is the one that h5py was built for, and that it writes and reads a file in memory."""
    import h5py

    running, built = h5py.version.hdf5_version, ".".join(str(n) for n in h5py.version.hdf5_built_version_tuple[:3])
    text = f"h5py {h5py.__version__} with HDF5 {running}"
    try:
        with h5py.File("doctor", "w", driver="core", backing_store=False) as file:
            file["x"] = [1.0, 2.0]
            whole = file["x"][1] == 2.0
    except Exception as error:
        whole, text = False, f"{text} ({error})"
    if not whole:
        return [Finding("HDF5", PROBLEM, f"{text} cannot write and read a file", "install h5py anew")]
    if running.split(".")[:2] != built.split(".")[:2]:
        return [
            Finding("HDF5", PROBLEM, f"{text}, but h5py was built for {built}", "unload the module of another HDF5, or install h5py anew")
        ]
    locking = os.environ.get("HDF5_USE_FILE_LOCKING")
    return [
        Finding(
            "HDF5",
            FINE,
            text + (f"; HDF5_USE_FILE_LOCKING={locking}, of no effect on spinrnn, which locks no HDF5 file" if locking else ""),
        )
    ]


def versions():
    """Versions of what results and speed depend on, and the vector instructions of the processor."""
    text = ", ".join(
        [
            f"Python {platform.python_version()}",
            *(f"{name} {importlib.metadata.version(name)}" for name in ("spinrnn", "numpy", "numba", "llvmlite")),
        ]
    )
    flags = cgroups.read_text(cgroups.ROOT / "proc/cpuinfo")
    if platform.machine() == "x86_64" and flags and "avx2" not in flags:
        return [Finding("versions", NOTE, f"{text}; the processor has no AVX2", "everything works, several times slower")]
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return [Finding("versions", PROBLEM, f"{text}; NUMBA_DISABLE_JIT is set, so nothing is compiled", "unset NUMBA_DISABLE_JIT")]
    return [Finding("versions", FINE, text)]


def extras():
    """Optional packages of sweeps on clusters."""
    missing = [name for name in ("dask", "mpi4py") if importlib.util.find_spec(name) is None]
    if not missing:
        return [Finding("extras", FINE, "dask and mpi4py are there")]
    fix = f"only for --executor {' or '.join(n.removesuffix('4py') for n in missing)}: pip install 'spinrnn[{','.join(n.removesuffix('4py') for n in missing)}]'"
    return [Finding("extras", NOTE, f"without {' and '.join(missing)}", fix)]


# ---- the file system of a folder ----


def mount_of(path):
    """(mount point, type, read-only) of the file system that holds a path, by /proc/self/mountinfo; ("", "unknown", False) without that."""
    path, best = os.path.realpath(path), ("", "unknown", False)
    for line in cgroups.read_text(cgroups.ROOT / "proc/self/mountinfo").splitlines():
        own, _, rest = line.partition(" - ")
        words, kind = own.split(), rest.split()
        if len(words) < 6 or not kind:
            continue
        point = words[4].encode().decode("unicode_escape")
        if (path == point or path.startswith(point.rstrip("/") + "/")) and len(point) >= len(best[0]):
            best = (point, kind[0], "ro" in words[5].split(","))
    return best


def _free(folder):
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def probe(folder):
    """What a folder's file system does, as a dictionary: type, read_only, free, inodes, and of what fails the reason: write, rename, lock; skew in s.

    Leaves nothing behind.
    """
    mount, kind, read_only = mount_of(folder)
    disk = os.statvfs(folder)
    found = {"mount": mount, "type": kind, "read_only": read_only, "free": _free(folder), "inodes": disk.f_favail if disk.f_files else None}
    first = Path(folder) / f".doctor-{os.urandom(6).hex()}"
    second = first.with_name(first.name + "-2")
    step = "write"
    try:
        with open(first, "wb") as file:
            before = time.time()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            found["skew"] = os.fstat(file.fileno()).st_mtime - (before + time.time()) / 2
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                found["lock"] = error.strerror
        step = "rename"
        os.replace(first, second)
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        found[step] = error.strerror
    for path in (first, second):
        path.unlink(missing_ok=True)
    return found


def file_system(folder, seconds=SECONDS):
    """What the file system of a folder allows: writing, renaming, locks, room, and its clock.

    Raises:
        StoreError: there is no such folder.
    """
    code = "import json, sys; from spinrnn.doctor import probe; print(json.dumps(probe(sys.argv[1])))"
    path = os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    try:
        out, err = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        child.kill()  # and not waited for: it may not die before its file system answers
        text = f"the file system of {folder} does not answer within {seconds:g} s"
        return [Finding("folder", PROBLEM, text, "ask whether its server is down, or choose a folder on another disk")]
    if child.returncode:
        reason = err.strip().splitlines()[-1].partition("] ")[2] or err.strip().splitlines()[-1]
        raise StoreError(f"cannot look at {folder}: {reason}")
    return _judge(folder, json.loads(out))


def _judge(folder, found):
    """`Finding`s of what `probe` returned."""
    where = f"{os.path.abspath(folder)} ({found['type']}, mounted at {found['mount']})"
    shared = found["type"] in NETWORK
    if found["read_only"] or "write" in found:
        reason = "the file system is mounted read-only" if found["read_only"] else found["write"]
        return [Finding("folder", PROBLEM, f"{where} cannot be written to: {reason}", "choose another folder (--out)")]
    made = [Finding("folder", FINE, f"{where} takes files, {format_size(found['free'])} free")]
    if "rename" in found:
        text = f"{where}: renaming with fsync fails: {found['rename']}"
        made[0] = Finding(
            "folder", PROBLEM, text, "spinrnn needs it for files that a kill cannot damage; choose a folder on another file system"
        )
    if found["type"] in ("tmpfs", "ramfs"):
        made.append(
            Finding(
                "folder",
                NOTE,
                "it is in memory: what is written there takes memory and is gone with the machine's next start",
                "keep results elsewhere",
            )
        )
    if found["free"] < LITTLE_ROOM:
        made.append(
            Finding(
                "room",
                PROBLEM,
                f"{format_size(found['free'])} left",
                "make room before long runs; a full disk stops them, their files stay whole",
            )
        )
    if found["inodes"] is not None and found["inodes"] < 10_000:
        made.append(Finding("room", PROBLEM, f"{found['inodes']} more files fit", "remove files; a sweep has one for each point"))
    if "lock" in found:
        fix = "start one process for each run folder; sweeps work, but two commands may train the same point" + (
            "; on Lustre the mount option flock allows locks" if found["type"] == "lustre" else ""
        )
        made.append(Finding("locks", NOTE if shared else PROBLEM, f"no file locks there: {found['lock']}", fix))
    else:
        hint = "; Lustre's option localflock keeps locks within one machine" if found["type"] == "lustre" else ""
        made.append(Finding("locks", FINE, f"file locks work{hint}"))
    if abs(found["skew"]) > SKEW:
        text = f"the file system's clock is {abs(found['skew']):.1f} s {'ahead of' if found['skew'] > 0 else 'behind'} this machine's"
        made.append(Finding("clock", PROBLEM, text, "have the clocks set; sweeps on several machines tell dead workers by it"))
    else:
        made.append(Finding("clock", FINE, "the file system's clock is this machine's"))
    return made
