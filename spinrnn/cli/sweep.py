"""The command line of sweeps: `spinrnn sweep run`, `status`, `collect` and `slurm`.

Exit status of `sweep run`: 0 all points have a result (a divergence is one), 1 some failed, 2 bad input or a full disk, and where it was asked to
stop, with checkpoints written: 130 by Ctrl-C, 143 by SIGTERM, 75 by SIGUSR1 (queue the same command again).
"""

import json
import sys
import time
from pathlib import Path


def add_commands(command, positive, size):
    """Adds the commands of sweeps.

    Args:
        command: function (name, function, summary) that returns a parser for one command; positive, size: types of whole numbers from 1 and
            of sizes of memory.
    """

    def target(sub):
        sub.add_argument("sweep", metavar="FILE", help="sweep file, or the folder of a sweep")

    def folder(sub):
        sub.add_argument("--out", metavar="DIR", help="folder of the sweep (default: sweeps/NAME)")

    run = command(
        "run", _run, "Run the points of a sweep that have no result yet; run again, it goes on."
    )
    target(run)
    folder(run)
    run.add_argument(
        "--shard", metavar="I/N", help="only share I of N, I from 0, as for SLURM arrays"
    )
    run.add_argument(
        "--keep-runs",
        action="store_true",
        help="keep the run folder of each point, with checkpoints and pictures",
    )
    add_engine_options(run, positive, size)

    status = command("status", _status, "Say how far a sweep is.")
    target(status)
    folder(status)
    status.add_argument("--json", action="store_true", help="print one JSON object")

    collect = command(
        "collect", _collect, "Collect the results so far in one HDF5 file, a cube for xarray."
    )
    target(collect)
    folder(collect)
    collect.add_argument(
        "--cube", metavar="FILE", help="file to write (default: cube.h5 in the sweep's folder)"
    )
    collect.add_argument(
        "--no-history", action="store_true", help="leave out the curves against the epoch"
    )

    slurm = command("slurm", _slurm, "Measure one point and write a job-array script for SLURM.")
    target(slurm)
    folder(slurm)
    slurm.add_argument(
        "--array",
        type=positive,
        metavar="N",
        help="tasks of the array (default: tasks of about an hour)",
    )
    slurm.add_argument(
        "--jobs",
        type=positive,
        default=1,
        metavar="N",
        help="points at a time in each task (default: 1)",
    )
    slurm.add_argument(
        "--threads-per-worker",
        type=positive,
        default=1,
        metavar="N",
        help="threads of each point (default: 1)",
    )
    slurm.add_argument("--script", metavar="FILE", help="script to write (default: NAME.slurm)")


def add_engine_options(sub, positive, size):
    """Adds the options of all commands that run sweeps, which `engine_settings` reads."""
    sub.add_argument(
        "--jobs",
        type=positive,
        metavar="N",
        help="points at a time (default: as many as fit the threads, as SPINRNN_THREADS or SLURM and the system allow them)",
    )
    sub.add_argument(
        "--executor",
        choices=("process", "serial", "dask", "mpi"),
        default="process",
        help="where points run (default: process)",
    )
    sub.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="of a Dask cluster, as in tcp://host:8786 (default: a cluster on this machine)",
    )
    sub.add_argument(
        "--threads-per-worker",
        type=positive,
        default=1,
        metavar="N",
        help="threads of each point (default: 1)",
    )
    sub.add_argument(
        "--memory",
        type=size,
        metavar="SIZE",
        help="memory for the states of all batches at a time on this machine, as in 8G (default: SPINRNN_MEMORY, else half of what is available)",
    )
    sub.add_argument(
        "--retry-failed",
        action="store_true",
        help="run points again that failed; those that diverged have their result",
    )
    sub.add_argument(
        "--extend",
        action="store_true",
        help="take over the folder of another version of the sweep and keep what both have",
    )


def engine_settings(options):
    """Keyword arguments of `run_sweep` from these options."""
    from spinrnn.errors import ConfigError

    if options.memory and (options.executor == "mpi" or options.scheduler):
        raise ConfigError(
            [
                "--memory: goes with processes of this command; set SPINRNN_MEMORY where the others are started"
            ]
        )
    names = ("executor", "jobs", "scheduler", "threads_per_worker", "retry_failed", "extend")
    return {name: getattr(options, name) for name in names}


def _open(options):
    """(Sweep, Path of its folder) of a sweep file or a folder."""
    from spinrnn.errors import ConfigError
    from spinrnn.sweep.file import load_sweep
    from spinrnn.sweep.folder import SweepFolder

    if options.out == "":
        raise ConfigError(["--out: give the name of a folder"])
    path = Path(options.sweep)
    if path.is_dir():
        if options.out is not None and Path(options.out).absolute() != path.absolute():
            raise ConfigError([f"{path} is the folder of a sweep; --out goes with a sweep file"])
        return SweepFolder(path).sweep(), path
    sweep = load_sweep(path)
    return sweep, Path("sweeps") / sweep.name if options.out is None else Path(options.out)


def _span(seconds):
    """A time for people: 12 s, 3 min, 1 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


# ---- run ----


def _run(options):
    from spinrnn.errors import ConfigError
    from spinrnn.machine.signals import StopSignals
    from spinrnn.sweep.folder import SweepFolder
    from spinrnn.sweep.runner import run_sweep

    shard = None
    if options.shard is not None:
        number, slash, count = options.shard.partition("/")
        if not slash or not (
            number.isascii() and number.isdigit() and count.isascii() and count.isdigit()
        ):
            raise ConfigError(
                [f"--shard: write I/N with I from 0 to N - 1, as in 0/10; got {options.shard}"]
            )
        shard = int(number), int(count)
    settings = engine_settings(options)
    stop = StopSignals()
    sweep, folder = _open(options)
    if not stop():
        print(
            f"sweep {sweep.name} in {folder}, {len(sweep)} points{f', shard {options.shard}' if shard else ''}",
            flush=True,
        )
    with Line() as line:
        progress = run_sweep(
            sweep,
            folder,
            shard=shard,
            keep_runs=options.keep_runs,
            on_progress=line,
            stop=stop,
            **settings,
        )
    strangers = SweepFolder(folder).strangers(sweep.points)
    if strangers:
        print(
            f"spinrnn: warning: {strangers} result files in {folder}/points belong to no point of this sweep and are left alone",
            file=sys.stderr,
        )
    tell_failures(progress)
    if progress.stopped:
        left = progress.total - progress.finished
        print(
            f"spinrnn: stopped with {left} of {progress.total} points left; to go on: the same command again",
            file=sys.stderr,
        )
        return stop.status
    print(f"finished: {_counts(progress)}; to collect: spinrnn sweep collect {folder}")
    return 1 if progress.failed else 0


def tell_failures(progress):
    """A warning for each failure of this session."""
    for place, error in progress.errors.items():
        print(f"spinrnn: warning: failed at {place}: {error}", file=sys.stderr)


def _counts(progress):
    text = f"{progress.finished} of {progress.total} points"
    text += f", {progress.diverged} of them diverged" if progress.diverged else ""
    return text + (f", {progress.failed} FAILED" if progress.failed else "")


class Line:
    """One line that is written again and again on a terminal; elsewhere, as in a batch job's log, a line for about each tenth of the points."""

    def __enter__(self):
        self._open, self._terminal = False, sys.stderr.isatty()
        self.start()
        return self

    def __exit__(self, *_):
        self.start()

    def start(self, text=None):
        """Ends the line, prints a text, and begins anew."""
        if self._open:
            print(file=sys.stderr)
        self._tenth, self._open = None, False
        if text:
            print(text, flush=True)

    def __call__(self, progress):
        text, new = _counts(progress), progress.finished - progress.skipped
        if new and progress.seconds:
            rate = new / progress.seconds
            text += f", {rate:.1f} points/s" if rate >= 1 else f", {rate * 60:.1f} points/min"
            text += f", {_span(progress.remaining)} left" if progress.remaining is not None else ""
        if self._terminal:
            self._open = True
            print(f"\r{text}\x1b[K", end="", file=sys.stderr, flush=True)
            return
        tenth = progress.finished * 10 // max(progress.total, 1)
        if tenth != self._tenth:
            self._tenth = tenth
            print(text, flush=True)


# ---- status and collect ----


def _status(options):
    from spinrnn.sweep.folder import SweepFolder
    from spinrnn.sweep.status import look

    sweep, path = _open(options)
    folder = SweepFolder(path)
    folder.check(sweep)
    found = look(sweep, folder)
    if options.json:
        print(json.dumps(found))
        return 0
    counts = ", ".join(
        f"{count} {status}"
        for status, count in found["points"].items()
        if count or status in ("done", "failed", "running")
    )
    print(f"sweep {sweep.name} in {path}: {len(sweep)} points, {counts}")
    if found["remaining"] is not None:
        workers = (
            f"{found['points']['running']} at a time"
            if found["points"]["running"]
            else "one at a time"
        )
        print(
            f"expected to take another {_span(found['remaining'])}, {workers}; a point has taken {_span(found['seconds'])} on average"
        )
    for error in found["errors"]:
        print(f"{error['status']} at {error['point']}: {error['error']}")
    if found["more_errors"]:
        print(f"and {found['more_errors']} more")
    return 0


def _collect(options):
    from spinrnn.sweep.cube import collect_sweep, cube_path
    from spinrnn.sweep.folder import SweepFolder

    sweep, path = _open(options)
    SweepFolder(path).check(sweep)
    cube = collect_sweep(sweep, path, history=not options.no_history)
    target = Path(options.cube) if options.cube else cube_path(path)
    cube.save(target)
    print(
        f"{target}: {' x '.join(f'{axis.name} {len(axis)}' for axis in sweep.axes) or 'one point'}; "
        + ", ".join(f"{n} {s}" for s, n in cube.states.items())
    )
    return 0


# ---- slurm ----


def _slurm(options):
    from spinrnn.sweep import slurm
    from spinrnn.sweep.folder import SweepFolder

    sweep, path = _open(options)
    SweepFolder(path).claim(sweep)
    print("measuring the most expensive point for some seconds", flush=True)
    start = time.monotonic()
    measured = slurm.time_point(sweep, options.threads_per_worker)
    array = slurm.job_array(
        sweep.points, measured, options.array, options.jobs, options.threads_per_worker
    )
    target = options.script or f"{sweep.name}.slurm"
    slurm.write_script(target, slurm.script(sweep, path, array, measured))
    print(
        f"measured in {time.monotonic() - start:.0f} s: {_span(measured.seconds)} and {measured.memory / 1e6:.0f} MB for the most expensive of {len(sweep)} points"
    )
    print(
        f"{target}: {array.tasks} tasks, {_span(array.minutes * 60)} and {array.megabytes} MB each; the longest is expected to take {_span(array.seconds)}"
    )
    print(
        f"to submit: sbatch {target}    to look: spinrnn sweep status {path}    at the end: spinrnn sweep collect {path}"
    )
    return 0
