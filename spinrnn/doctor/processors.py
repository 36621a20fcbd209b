"""Processors and threads: what binds this process, and what it takes."""

import os
import re

from spinrnn.doctor.verdict import Finding
from spinrnn.errors import ConfigError
from spinrnn.machine import threads


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
