"""A job-array script for SLURM, with time and memory from a short measurement of one point."""

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
from spinrnn.config.run import from_tables, to_tables
from spinrnn.datasets.loading import load_dataset
from spinrnn.errors import ConfigError, EngineError, StoreError, reason_of
from spinrnn.files.atomic import write_atomic
from spinrnn.learning.trainer import Trainer, evaluate
from spinrnn.machine import threads
from spinrnn.machine.signals import REQUEUE
from spinrnn.runs.run import FINER
from spinrnn.sweep.runner import shard_of

MEASURED, CASES = 5.0, 64
"""Seconds of training steps that are measured, and cases on which the test is."""
TASK_SECONDS = 3600
"""Expected time of a task where the size of the array is left to us."""
LARGEST_ARRAY = 1000
"""SLURM's usual MaxArraySize allows 0 to 1000."""
MARGIN = 1.5
"""Times and memory asked for, over those expected."""
NOTICE = 90
"""Seconds before the time limit at which a task is told to stop."""
MARK = "# Written by `spinrnn sweep slurm`"


@dataclasses.dataclass(frozen=True)
class Needs:
    """What one point needs, its most expensive one: seconds (expected, of the whole point), start (seconds before its first step),
    memory (bytes of the process), states (bytes of these for a batch)."""

    seconds: float
    start: float
    memory: int
    states: int


def time_point(sweep, threads_per_worker=1):
    """Measures the most expensive point of the sweep for some seconds, in a process of its own. Returns a `Needs`.

    Raises:
        DivergenceError, DataError: the point cannot be run; EngineError: the process died, for want of memory.
    """
    point = shard_of(sweep.points, None)[0]
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        job = pool.submit(
            _time_point,
            to_tables(point.config),
            sweep.record_test,
            sweep.cumulative_drive,
            threads_per_worker,
        )
        try:
            return job.result()
        except BrokenProcessPool:
            raise EngineError(
                f"the process that measured the most expensive point ({point}) died; is there enough memory?"
            ) from None


def _time_point(tables, record_test, with_drive, threads_per_worker):
    began = time.perf_counter()
    threads.set_threads(threads_per_worker)
    config = from_tables(tables)
    trainer = Trainer(config, load_dataset(config.data.source))
    trainer.warm_up()
    start = time.perf_counter() - began
    steps, seconds, end = trainer.steps(), [], time.perf_counter() + MEASURED
    while not seconds or time.perf_counter() < end:
        before = time.perf_counter()
        if next(steps, StopIteration) is StopIteration:
            break
        if trainer.batch:  # else it has ended an epoch, with a validation, which is counted below
            seconds.append(time.perf_counter() - before)
        elif not seconds:
            seconds = [time.perf_counter() - before]
            break
    net, few = trainer.net, trainer.test.take(np.arange(min(CASES, len(trainer.test))))
    before = time.perf_counter()
    evaluate(net, few)
    case = (time.perf_counter() - before) / len(few)
    evaluate(net.replace(substeps=FINER * net.config.resolved_substeps), few)
    total = config.train.epochs * trainer.batches * float(np.median(seconds))
    total += (
        config.train.epochs * case * (len(trainer.validation) + len(trainer.test) * record_test)
    )
    total += (1 + FINER) * case * len(trainer.test)
    if with_drive:
        before = time.perf_counter()
        cumulative_drive(net, few.inputs, few.lengths)
        total += (time.perf_counter() - before) / len(few) * len(trainer.test)
    unit = 1 if sys.platform == "darwin" else 1024
    return Needs(
        total, start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit, trainer.plan.bytes
    )


@dataclasses.dataclass(frozen=True)
class JobArray:
    """A job array: tasks, jobs (points at a time in each), threads (of each point), seconds (expected of the longest task), minutes and megabytes to ask for."""

    tasks: int
    jobs: int
    threads: int
    seconds: float
    minutes: int
    megabytes: int


def job_array(points, needs, tasks=None, jobs=1, threads_per_worker=1):
    """A `JobArray` for these points.

    Args:
        points: of the sweep; needs: `Needs`; tasks: size of the array, None: tasks of about an hour; jobs, threads_per_worker: see `JobArray`.
    Raises:
        ConfigError: the array is too large.
    """
    largest = max(point.cost for point in points)
    expected = {point.digest: needs.seconds * point.cost / largest + 1 for point in points}
    if tasks is None:
        tasks = min(
            max(1, math.ceil(sum(expected.values()) / jobs / TASK_SECONDS)),
            len(points),
            LARGEST_ARRAY,
        )
    if not 1 <= tasks <= min(len(points), LARGEST_ARRAY):
        raise ConfigError(
            [
                f"--array: must be from 1 to {min(len(points), LARGEST_ARRAY)}, for {len(points)} points; got {tasks}"
            ]
        )
    seconds = 0.0
    for number in range(tasks):
        own = [expected[point.digest] for point in shard_of(points, (number, tasks))]
        seconds = max(seconds, max(own), sum(own) / jobs)
    seconds += needs.start
    minutes = math.ceil((MARGIN * seconds + 2 * NOTICE) / 60)
    return JobArray(
        tasks,
        jobs,
        threads_per_worker,
        seconds,
        minutes,
        math.ceil(MARGIN * (needs.memory * jobs + (jobs > 1) * 2e8) / 1e6),
    )


def script(sweep, folder, array, needs):
    """Text of the job script."""
    folder = Path(folder).absolute()
    executor = "--executor serial" if array.jobs == 1 else f"--jobs {array.jobs}"
    command = f"{shlex.quote(sys.executable)} -m spinrnn sweep"
    where = shlex.quote(str(folder))
    days, minutes = divmod(array.minutes, 24 * 60)
    return f"""#!/bin/bash
{MARK}. Edit freely; options of sbatch overrule the #SBATCH lines.
#
# Sweep "{sweep.name}": {len(sweep)} points in {array.tasks} tasks. Measured on the most expensive point: {needs.seconds:.0f} s and {needs.memory / 1e6:.0f} MB;
# the longest task is expected to take {array.seconds / 60:.0f} min. Time and memory below have a margin of {MARGIN}.
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

# For the states of batches, out of --mem; left to itself spinrnn would take half of that, and more time where it is too little.
export SPINRNN_MEMORY={math.ceil(MARGIN * needs.states * array.jobs / 2**20)}M

# {NOTICE} s before the time limit SLURM sends USR1 to this script, and TERM when the job is cancelled or preempted. Both go on to
# spinrnn, which stops at its next batch with a checkpoint; after USR1 it exits with {REQUEUE}, and the task is queued again to go on.
{command} run {where} --shard "$SLURM_ARRAY_TASK_ID/{array.tasks}" {executor} --threads-per-worker {array.threads} &
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


def write_script(path, text):
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
