"""The command line of sweeps: `spinrnn sweep run`, `status`, `collect` and `slurm`.

Exit status of `sweep run`: 0 all points have a result (a divergence is one), 1 some
failed, 2 bad input or a full disk, and where it was asked to stop, with checkpoints
written: 130 by Ctrl-C, 143 by SIGTERM, 75 by SIGUSR1 (queue the same command again).
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from spinrnn.cli.options import add_command, add_json, add_memory, add_use, whole
from spinrnn.cli.wording import span
from spinrnn.progress import SECONDS, on_terminal

SUMMARY = "Run many points along axes, on this machine or a cluster."


def add_commands(commands: Any) -> None:
    """Adds the commands of sweeps; commands: what `add_subparsers` returned."""
    sweep = commands.add_parser("sweep", help=SUMMARY, description=SUMMARY)
    inner = sweep.add_subparsers(dest="sweep_command", required=True, metavar="COMMAND")
    for name, (function, add_options, summary) in COMMANDS.items():
        # threads are those of the points, which have options of their own
        parser = add_command(inner, name, function, summary, threads=False)
        parser.add_argument("sweep", metavar="FILE", help="sweep file, or the folder of a sweep")
        parser.add_argument(
            "--out", metavar="DIR", help="folder of the sweep (default: sweeps/NAME)"
        )
        add_use(parser)
        add_options(parser)


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--shard", metavar="I/N", help="only share I of N, I from 0, as for SLURM arrays"
    )
    parser.add_argument(
        "--keep-runs",
        action="store_true",
        help="keep the run folder of each point, with checkpoints and pictures",
    )
    add_engine_options(parser)


def _add_collect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--cube", metavar="FILE", help="file to write (default: cube.h5 in the sweep's folder)"
    )
    parser.add_argument(
        "--no-history", action="store_true", help="leave out the curves against the epoch"
    )


def _add_slurm(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--array",
        type=whole,
        metavar="N",
        help="tasks of the array (default: tasks of about an hour)",
    )
    parser.add_argument(
        "--jobs",
        type=whole,
        default=1,
        metavar="N",
        help="points at a time in each task (default: 1)",
    )
    _add_threads_per_worker(parser)
    parser.add_argument("--script", metavar="FILE", help="script to write (default: NAME.slurm)")


def _add_threads_per_worker(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--threads-per-worker",
        type=whole,
        default=1,
        metavar="N",
        help="threads of each point (default: 1)",
    )


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of commands that run sweeps, which `engine_settings` reads."""
    parser.add_argument(
        "--jobs",
        type=whole,
        metavar="N",
        help="points at a time (default: as many as fit the threads, as SPINRNN_THREADS or SLURM"
        " and the system allow them)",
    )
    parser.add_argument(
        "--executor",
        choices=("process", "serial", "dask", "mpi"),
        default="process",
        help="where points run (default: process)",
    )
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="of a Dask cluster, as in tcp://host:8786 (default: a cluster on this machine)",
    )
    _add_threads_per_worker(parser)
    add_memory(parser, "for the states of all batches at a time on this machine, as in 8G")
    parser.add_argument(
        "--retry-failed",
        action="store_true",
        help="run points again that failed; those that diverged have their result",
    )
    parser.add_argument(
        "--extend",
        action="store_true",
        help="take over the folder of another version of the sweep and keep what both have",
    )


def engine_settings(options: argparse.Namespace) -> dict[str, Any]:
    """Keyword arguments of `run_sweep` from these options."""
    from spinrnn.errors import ConfigError

    if options.memory and (options.executor == "mpi" or options.scheduler):
        advice = "set SPINRNN_MEMORY where the others are started"
        raise ConfigError([f"--memory: goes with processes of this command; {advice}"])
    names = ("executor", "jobs", "scheduler", "threads_per_worker", "retry_failed", "extend")
    return {name: getattr(options, name) for name in names}


def _open(options: argparse.Namespace) -> tuple[Any, Path]:
    """(`Sweep`, its folder) of a sweep file or a folder."""
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


# ---- run ----


def _run(options: argparse.Namespace) -> int:
    from spinrnn.machine.signals import StopSignals
    from spinrnn.sweep.runner import run_sweep

    shard = _shard(options.shard)
    settings = engine_settings(options)
    stop = StopSignals()
    sweep, folder = _open(options)
    if not stop():
        part = f", shard {options.shard}" if shard else ""
        print(f"sweep {sweep.name} in {folder}, {len(sweep)} points{part}", flush=True)
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
    _tell_strangers(sweep, folder)
    tell_failures(progress)
    if progress.stopped:
        left = f"{progress.total - progress.finished} of {progress.total} points left"
        text = f"spinrnn: stopped with {left}; to go on: the same command again"
        print(text, file=sys.stderr)
        return stop.status
    print(f"finished: {_counts(progress)}; to collect: spinrnn sweep collect {folder}")
    return 1 if progress.failed else 0


def _shard(text: str | None) -> tuple[int, int] | None:
    """(I, N) of I/N; None where nothing is said."""
    from spinrnn.errors import ConfigError

    if text is None:
        return None
    parts = text.split("/", 1)
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() for part in parts):
        form = "I/N with I from 0 to N - 1, as in 0/10"
        raise ConfigError([f"--shard: write {form}; got {text}"])
    return int(parts[0]), int(parts[1])


def _tell_strangers(sweep: Any, folder: Path) -> None:
    """A warning where the folder holds results of another sweep."""
    from spinrnn.sweep.folder import SweepFolder

    strangers = SweepFolder(folder).strangers(sweep.points)
    if strangers:
        text = f"{strangers} result files in {folder}/points belong to no point of this sweep"
        print(f"spinrnn: warning: {text} and are left alone", file=sys.stderr)


def tell_failures(progress: Any) -> None:
    """A warning for each failure of this session."""
    for place, error in progress.errors.items():
        print(f"spinrnn: warning: failed at {place}: {error}", file=sys.stderr)


def _counts(progress: Any) -> str:
    text = f"{progress.finished} of {progress.total} points"
    text += f", {progress.diverged} of them diverged" if progress.diverged else ""
    return text + (f", {progress.failed} FAILED" if progress.failed else "")


class Line:
    """One line that is written again and again on a terminal.

    Elsewhere, as in a batch job's log, a line for each tenth of the points and every
    some seconds.
    """

    def __enter__(self) -> "Line":
        self._open, self._terminal = False, on_terminal()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.start()

    def start(self, text: str | None = None) -> None:
        """Ends the line, prints a text, and begins anew."""
        if self._open:
            print(file=sys.stderr)
        self._tenth, self._open, self._last = None, False, time.monotonic()
        if text:
            print(text, flush=True)

    def __call__(self, progress: Any) -> None:
        text = _counts(progress) + _speed(progress)
        if self._terminal:
            self._open = True
            print(f"\r{text}\x1b[K", end="", file=sys.stderr, flush=True)
            return
        tenth, now = progress.finished * 10 // max(progress.total, 1), time.monotonic()
        if tenth != self._tenth or now - self._last >= SECONDS:
            self._tenth, self._last = tenth, now
            print(text, flush=True)


def _speed(progress: Any) -> str:
    """Points per time of this session, and the time that is left."""
    new = progress.finished - progress.skipped
    if not (new and progress.seconds):
        return ""
    rate = new / progress.seconds
    text = f", {rate:.1f} points/s" if rate >= 1 else f", {rate * 60:.1f} points/min"
    return text + (f", {span(progress.remaining)} left" if progress.remaining is not None else "")


# ---- status and collect ----


def _status(options: argparse.Namespace) -> int:
    from spinrnn.sweep.folder import SweepFolder
    from spinrnn.sweep.status import look

    sweep, path = _open(options)
    folder = SweepFolder(path)
    folder.check(sweep)
    found = look(sweep, folder)
    if options.json:
        print(json.dumps(found))
        return 0
    always = ("done", "failed", "running")
    counts = [f"{n} {status}" for status, n in found["points"].items() if n or status in always]
    print(f"sweep {sweep.name} in {path}: {len(sweep)} points, {', '.join(counts)}")
    if found["remaining"] is not None:
        print(_expected(found))
    for error in found["errors"]:
        print(f"{error['status']} at {error['point']}: {error['error']}")
    if found["more_errors"]:
        print(f"and {found['more_errors']} more")
    return 0


def _expected(found: dict[str, Any]) -> str:
    running = found["points"]["running"]
    workers = f"{running} at a time" if running else "one at a time"
    text = f"expected to take another {span(found['remaining'])}, {workers}"
    return f"{text}; a point has taken {span(found['seconds'])} on average"


def _collect(options: argparse.Namespace) -> int:
    from spinrnn.sweep.cube import collect_sweep, cube_path
    from spinrnn.sweep.folder import SweepFolder

    sweep, path = _open(options)
    SweepFolder(path).check(sweep)
    cube = collect_sweep(sweep, path, history=not options.no_history)
    target = Path(options.cube) if options.cube else cube_path(path)
    cube.save(target)
    axes = " x ".join(f"{axis.name} {len(axis)}" for axis in sweep.axes)
    states = ", ".join(f"{count} {state}" for state, count in cube.states.items())
    print(f"{target}: {axes or 'one point'}; {states}")
    return 0


# ---- slurm ----


def _slurm(options: argparse.Namespace) -> int:
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
    most = f"{span(measured.seconds)} and {measured.memory / 1e6:.0f} MB"
    taken = f"measured in {time.monotonic() - start:.0f} s"
    print(f"{taken}: {most} for the most expensive of {len(sweep)} points")
    each = f"{span(array.minutes * 60)} and {array.megabytes} MB each"
    longest = f"the longest is expected to take {span(array.seconds)}"
    print(f"{target}: {array.tasks} tasks, {each}; {longest}")
    look, collect = f"spinrnn sweep status {path}", f"spinrnn sweep collect {path}"
    print(f"to submit: sbatch {target}    to look: {look}    at the end: {collect}")
    return 0


COMMANDS = {
    "run": (
        _run,
        _add_run,
        "Run the points of a sweep that have no result yet; run again, it goes on.",
    ),
    "status": (_status, add_json, "Say how far a sweep is."),
    "collect": (
        _collect,
        _add_collect,
        "Collect the results so far in one HDF5 file, a cube for xarray.",
    ),
    "slurm": (
        _slurm,
        _add_slurm,
        "Measure one point and write a job-array script for SLURM.",
    ),
}
"""{name: (what it does, what adds its options, summary)} of the commands below `sweep`.
"""
