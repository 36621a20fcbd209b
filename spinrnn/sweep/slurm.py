"""A job-array script for SLURM, with time and memory from a short run of one point."""

import concurrent.futures
import dataclasses
import math
import multiprocessing
import resource
import shlex
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np

from spinrnn.analysis.drive import cumulative_drive
from spinrnn.config import kinds
from spinrnn.config.run import from_tables, to_tables
from spinrnn.datasets.loading import from_one, load_configured
from spinrnn.errors import ConfigError, EngineError, StoreError, reason_of
from spinrnn.files.atomic import write_atomic
from spinrnn.learning.trainer import Trainer, evaluate
from spinrnn.machine import threads
from spinrnn.machine.signals import REQUEUE
from spinrnn.runs.run import FINER
from spinrnn.sweep.file import Sweep
from spinrnn.sweep.points import Point
from spinrnn.sweep.runner import shard_of

MEASURED, CASES = 5.0, 64
"""Seconds of training steps that are measured, and cases on which the test is."""
TASK_SECONDS = 3600
"""Expected time of a task where the size of the array is left to us."""
LARGEST_ARRAY = 1000
"""SLURM's usual MaxArraySize allows 0 to 1000."""
MARGIN = 1.5
"""Times and memory asked for, over those expected."""
PARENT = 2e8
"""Bytes of the process that gives the work to several others."""
NOTICE = 90
"""Seconds before the time limit at which a task is told to stop."""
MARK = "# Written by `spinrnn sweep slurm`"


@dataclasses.dataclass(frozen=True)
class Needs:
    """What the most expensive point of a sweep needs.

    Attributes:
        seconds: expected, of the whole point.
        start: seconds before its first step.
        memory: bytes of the process; states: bytes of these for a batch.
    """

    seconds: float
    start: float
    memory: int
    states: int


@dataclasses.dataclass(frozen=True)
class JobArray:
    """A job array, and what to ask for.

    Attributes:
        tasks: number of them.
        jobs: points at a time in each task; threads: of each point.
        seconds: expected of the longest task.
        minutes, megabytes: to ask for, of each task.
    """

    tasks: int
    jobs: int
    threads: int
    seconds: float
    minutes: int
    megabytes: int


# ---- what a point needs ----


def time_point(sweep: Sweep, threads_per_worker: int = 1) -> Needs:
    """Runs the most expensive point for some seconds, in a process of its own.

    Raises:
        DivergenceError, DataError: the point cannot be run.
        EngineError: the process died, for want of memory.
    """
    point = shard_of(sweep.points, None)[0]
    options = kinds.sources(), sweep.record_test, sweep.cumulative_drive, threads_per_worker
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        job = pool.submit(_time_point, to_tables(point.config), *options)
        try:
            return job.result()
        except BrokenProcessPool:
            raise EngineError(
                f"the process that measured the most expensive point ({point}) died; is there "
                "enough memory?"
            ) from None


def _time_point(tables, uses, record_test, with_drive, threads_per_worker):
    began = time.perf_counter()
    threads.set_threads(threads_per_worker)
    kinds.use_same(uses)
    config = from_tables(tables)
    data = load_configured(config.data, config.task.labelled)
    trainer = Trainer(config, from_one(data, config.network.outputs))
    trainer.warm_up()
    start = time.perf_counter() - began
    batch = _seconds_of_batch(trainer)
    net = trainer.net
    few = trainer.test.take(np.arange(min(CASES, len(trainer.test))))
    case = _seconds_of(evaluate, net, few) / len(few)
    # for its memory, which the process takes at the end of the point as well
    if "time" in net.config.abilities:
        evaluate(net.replace(substeps=FINER * net.config.resolved_substeps), few)
    drive = 0.0
    if with_drive:
        drive = _seconds_of(cumulative_drive, net, few.inputs, few.lengths) / len(few)
    seconds = expected_seconds(
        config.train.epochs,
        trainer.batches * batch,
        case * len(trainer.validation),
        case * len(trainer.test),
        drive * len(trainer.test),
        record_test,
    )
    unit = 1 if sys.platform == "darwin" else 1024
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return Needs(seconds, start, memory, trainer.plan.bytes)


def _seconds_of_batch(trainer):
    """Median time of a training step."""
    steps, seconds, end = trainer.steps(), [], time.perf_counter() + MEASURED
    while not seconds or time.perf_counter() < end:
        before = time.perf_counter()
        if next(steps, StopIteration) is StopIteration:
            break
        if trainer.batch:
            seconds.append(time.perf_counter() - before)
        elif not seconds:
            # an epoch of one batch: with its validation, which counts twice then
            return time.perf_counter() - before
        # else the end of an epoch, with a validation, which is counted apart
    return float(np.median(seconds))


def _seconds_of(function, *arguments):
    before = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - before


def expected_seconds(
    epochs: int, training: float, validation: float, test: float, drive: float, record_test: bool
) -> float:
    """Time of a point from those of its parts, all in seconds.

    Each epoch trains and validates, with `record_test` tests, too; at the end the
    network is tested as it is and with `FINER` times finer substeps.

    Args:
        epochs: number of them.
        training, validation, test: of one epoch's batches, and of these cases once.
        drive: of the cumulative drive of the test cases.
        record_test: test after every epoch.
    """
    each = training + validation + (test if record_test else 0.0)
    return epochs * each + (1 + FINER) * test + drive


# ---- the array ----


def job_array(
    points: list[Point],
    needs: Needs,
    tasks: int | None = None,
    jobs: int = 1,
    threads_per_worker: int = 1,
) -> JobArray:
    """A `JobArray` for these points.

    Args:
        points: of the sweep.
        needs: of the most expensive one.
        tasks: size of the array; None: tasks of about an hour.
        jobs, threads_per_worker: points at a time in each task, and threads of each.
    Raises:
        ConfigError: the array is too large.
    """
    largest = max(point.cost for point in points)
    # a second more for what every point takes, however cheap it is
    expected = {point.digest: needs.seconds * point.cost / largest + 1 for point in points}
    most = min(len(points), LARGEST_ARRAY)
    if tasks is None:
        tasks = min(max(1, math.ceil(sum(expected.values()) / jobs / TASK_SECONDS)), most)
    if not 1 <= tasks <= most:
        want = f"must be from 1 to {most}, for {len(points)} points"
        raise ConfigError([f"--array: {want}; got {tasks}"])
    seconds = 0.0
    for number in range(tasks):
        own = [expected[point.digest] for point in shard_of(points, (number, tasks))]
        seconds = max(seconds, max(own), sum(own) / jobs)
    seconds += needs.start
    # with several jobs the process that gives the work is one more
    memory = needs.memory * jobs + (PARENT if jobs > 1 else 0)
    return JobArray(
        tasks=tasks,
        jobs=jobs,
        threads=threads_per_worker,
        seconds=seconds,
        minutes=math.ceil((MARGIN * seconds + 2 * NOTICE) / 60),
        megabytes=math.ceil(MARGIN * memory / 1e6),
    )


# ---- the script ----


def script(sweep: Sweep, folder: str | Path, array: JobArray, needs: Needs) -> str:
    """Text of the job script."""
    folder = Path(folder).absolute()
    command = f"{shlex.quote(sys.executable)} -m spinrnn sweep"
    where = " ".join([shlex.quote(str(folder)), *map(_use, kinds.sources())])
    days, minutes = divmod(array.minutes, 24 * 60)
    seconds = array.seconds
    longest = f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"
    return f"""#!/bin/bash
{MARK}. Edit freely; options of sbatch overrule the #SBATCH lines.
#
# Sweep "{sweep.name}": {len(sweep)} points in {array.tasks} tasks.
# Measured on the most expensive point: {needs.seconds:.0f} s and {needs.memory / 1e6:.0f} MB;
# the longest task is expected to take {longest}.
# Time and memory below have a margin of {MARGIN}.
# The submission, how to look and what to do at the end:
#   sbatch THIS_FILE
#   {command} status {where}
#   {command} collect {where}
#
#SBATCH --job-name={sweep.name}
#SBATCH --array=0-{array.tasks - 1}
#SBATCH --time={days}-{minutes // 60:02d}:{minutes % 60:02d}:00
#SBATCH --mem={array.megabytes}M
#SBATCH --ntasks=1
#SBATCH --cpus-per-task={array.jobs * array.threads}
#SBATCH --output="{folder}/slurm-%A_%a.log"
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR1@{NOTICE}

{_commands(command, where, array, needs)}"""


def _use(path):
    return f"--use {shlex.quote(path)}"


def _commands(command, where, array, needs):
    """What the job script does: runs its share, and passes signals on."""
    executor = "--executor serial" if array.jobs == 1 else f"--jobs {array.jobs}"
    return f"""\
# For the states of batches, out of --mem. Left to itself spinrnn would take half of that,
# and more time where it is too little.
export SPINRNN_MEMORY={math.ceil(MARGIN * needs.states * array.jobs / 2**20)}M

# {NOTICE} s before the time limit SLURM sends USR1 to this script, and TERM when the job is
# cancelled or preempted. Both go on to spinrnn, which stops at its next batch with a
# checkpoint; after USR1 it exits with {REQUEUE}, and the task is queued again to go on.
share="$SLURM_ARRAY_TASK_ID/{array.tasks}"
{command} run {where} --shard "$share" {executor} --threads-per-worker {array.threads} &
child=$!
trap 'signalled=yes; kill -USR1 $child 2>/dev/null' USR1
trap 'signalled=yes; kill -TERM $child 2>/dev/null' TERM
while :; do  # a signal ends the wait before spinrnn has ended
    signalled=
    wait $child; code=$?
    [ "$code" -eq 127 ] || status=$code
    [ "$signalled" ] || break
done
if [ "$status" -eq {REQUEUE} ]; then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
"""


def write_script(path: str | Path, text: str) -> None:
    """Writes the script; StoreError if something else stands there."""
    path = Path(path)
    if path.exists():
        try:
            ours = MARK in path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise StoreError(f"cannot read {path}: {reason_of(error)}") from None
        if not ours:
            raise StoreError(
                f"{path} exists and is no script that spinrnn wrote; choose another name (--out)"
            )
    write_atomic(path, text)
