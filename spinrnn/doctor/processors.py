"""Processors and threads: what binds this process, and what it takes.

`facts_of` reads the environment once; each check looks at the facts and says what is
odd.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from spinrnn.doctor.verdict import Verdict, fine, note, problem
from spinrnn.errors import ConfigError
from spinrnn.machine import threads

Environment = Mapping[str, str]


@dataclass(frozen=True)
class Facts:
    """What is known of the processors of this process.

    Attributes:
        affinity: processors that it is bound to; machine: that there are; quota: of its
            control groups, in processors, None without.
        asked: text of SPINRNN_THREADS; threads: that it takes, None where that text is
            wrong; refused: why it is, else "".
        per_task: SLURM_CPUS_PER_TASK; job: processors of a SLURM job on this node; None
            where SLURM does not say.
        launcher: what started this process among others, "" if nothing did; ranks: how
            many it started on this node.
        general: numbers of threads that are asked of other libraries, {variable: text}.
    """

    affinity: int
    machine: int
    quota: float | None
    asked: str
    threads: int | None
    refused: str
    per_task: int | None
    job: int | None
    launcher: str
    ranks: int
    general: dict[str, str]

    @property
    def allowed(self) -> int:
        """Processors that the processes on this node may use together."""
        quota = self.machine if self.quota is None else max(1, int(self.quota + 0.999))
        return min(quota, self.job or self.machine)

    @property
    def share(self) -> int:
        """Processors that are meant for this process."""
        return self.per_task or max(1, self.allowed // self.ranks)

    @property
    def usable(self) -> int:
        """Processors that this process can use."""
        limited = self.quota is not None or self.job
        return min(self.affinity, self.allowed) if limited else self.affinity

    def __str__(self) -> str:
        parts = [f"bound to {self.affinity} of {self.machine} processors"]
        if self.per_task:
            parts.append(f"SLURM_CPUS_PER_TASK {self.per_task}")
        if self.job:
            parts.append(f"{self.job} of the job on this node")
        if self.quota is not None:
            parts.append(f"quota {self.quota:g}")
        return ", ".join(parts)


def processors(
    environ: Environment, affinity: int, machine: int, quota: float | None
) -> list[Verdict]:
    """Verdicts on processors and threads; arguments as of `Facts`."""
    facts = facts_of(environ, affinity, machine, quota)
    checks = (_binding, _shares, _threads, _other_libraries)
    return [verdict for check in checks for verdict in check(facts)]


# ---- facts ----


def facts_of(environ: Environment, affinity: int, machine: int, quota: float | None) -> Facts:
    """`Facts` from the environment and the three numbers of the system."""
    taken, refused = None, ""
    try:
        taken = threads.get_threads()
    except ConfigError as error:
        refused = str(error)
    launcher, ranks = _launched(environ)
    general = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")
    return Facts(
        affinity=affinity,
        machine=machine,
        quota=quota,
        asked=environ.get("SPINRNN_THREADS", "").strip(),
        threads=taken,
        refused=refused,
        per_task=_number(environ, "SLURM_CPUS_PER_TASK"),
        job=slurm_processors(environ),
        launcher=launcher,
        ranks=ranks,
        general={name: environ[name].strip() for name in general if environ.get(name, "").strip()},
    )


def affinity() -> int:
    """Processors that this process is bound to; those of the machine where nothing says
    it.
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def slurm_processors(environ: Environment) -> int | None:
    """Processors of a SLURM job on this node; None outside of a job.

    SLURM_JOB_CPUS_PER_NODE has them in the form "4(x2),2", SLURM_NODEID the node's
    place.
    """
    text = environ.get("SLURM_JOB_CPUS_PER_NODE", "")
    counts: list[int] = []
    for count, times in re.findall(r"([0-9]+)(?:\(x([0-9]+)\))?(?:,|$)", text):
        counts += [int(count)] * min(int(times or 1), 100_000)
    node = _number(environ, "SLURM_NODEID") or 0
    return counts[node] if node < len(counts) else None


def _launched(environ: Environment) -> tuple[str, int]:
    """(what started this process among others, "" if nothing did; processes on this
    node).
    """
    for name, launcher in (("OMPI_COMM_WORLD_LOCAL_SIZE", "Open MPI"), ("MPI_LOCALNRANKS", "MPI")):
        ranks = _number(environ, name)
        if ranks:
            return launcher, ranks
    if "PMI_RANK" in environ and "SLURM_PROCID" not in environ:
        # processes on all nodes; on one node these are the same
        return "MPI", _number(environ, "PMI_SIZE") or 1
    if "SLURM_STEP_ID" in environ and "SLURM_PROCID" in environ:
        tasks = re.match(r"[0-9]+", environ.get("SLURM_STEP_TASKS_PER_NODE", ""))
        return "SLURM", max(1, int(tasks[0])) if tasks else 1
    return "", 1


def _number(environ: Environment, name: str) -> int | None:
    text = environ.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None


# ---- checks ----


def _binding(facts: Facts) -> Iterator[Verdict]:
    """Fewer processors than the process is to have: it was bound to them."""
    share, launcher = facts.share, facts.launcher or "SLURM"
    if facts.affinity == 1 and share > 1 and (facts.launcher or facts.job):
        fixes = {
            "Open MPI": f"mpiexec --bind-to none, or --map-by slot:PE={share}",
            "MPI": f"mpiexec -bind-to none (MPICH, Hydra), or I_MPI_PIN_DOMAIN={share} (Intel MPI)",
            "SLURM": f"srun --cpu-bind=none, or srun --cpus-per-task={share} --cpu-bind=cores",
        }
        text = f"{launcher} has pinned this process to one processor where {share} are its share"
        yield problem("binding", f"{text} ({facts})", fixes[launcher])
    elif facts.affinity < share and (facts.per_task or facts.job):
        text = f"this process is bound to fewer processors than it was allocated: {facts}"
        fix = f"srun --cpus-per-task={share}, or srun --cpu-bind=none"
        yield problem("binding", text, fix)


def _shares(facts: Facts) -> Iterator[Verdict]:
    """Several tasks of SLURM on one node, each of which takes all processors."""
    if not facts.job or facts.per_task or facts.ranks == 1:
        return
    share = facts.job // facts.ranks
    if facts.affinity > share:
        text = f"{facts.ranks} tasks on this node and no SLURM_CPUS_PER_TASK"
        each = f"each takes {facts.affinity} threads of {facts.job} processors"
        fix = f"srun --cpus-per-task={max(1, share)}, or export SPINRNN_THREADS={max(1, share)}"
        yield problem("shares", f"{text}: {each}", fix)


def _threads(facts: Facts) -> Iterator[Verdict]:
    """The number of threads that the process takes."""
    taken = facts.threads
    if taken is None:
        yield problem("threads", facts.refused, "export SPINRNN_THREADS=N, or unset it")
        return
    meant = min(facts.usable, facts.share)
    explained = facts.per_task or facts.job or facts.launcher or facts.asked
    if facts.asked and taken > facts.usable:
        text = f"SPINRNN_THREADS={taken}, but {facts.usable} may be used"
        fix = f"export SPINRNN_THREADS={facts.usable}, or unset it"
        yield problem("threads", f"{text}: the threads are in each other's way", fix)
    elif facts.asked and taken < meant:
        text = f"SPINRNN_THREADS={taken} leaves {meant - taken} of {meant} processors idle"
        fix = "unset SPINRNN_THREADS where this process is alone"
        yield note("threads", f"{text}, unless other processes use them", fix)
    elif facts.affinity < facts.machine and not explained:
        holder = "taskset, a container or the batch system"
        text = f"{taken} ({facts}): {holder} holds this process to a part of the machine"
        yield note("threads", text, "ask for more processors where that is not meant")
    else:
        yield fine("threads", f"{taken} ({facts})")


def _other_libraries(facts: Facts) -> Iterator[Verdict]:
    """Variables that set the threads of other libraries, and not ours."""
    if facts.threads is None or facts.asked:
        return
    for name, text in facts.general.items():
        if text != str(facts.threads):
            fix = f"export SPINRNN_THREADS={text}" if text.isdigit() else "use SPINRNN_THREADS"
            found = f"{name}={text[:40]} does not hold for spinrnn"
            yield note(name, f"{found}, which takes {facts.threads} threads", fix)
