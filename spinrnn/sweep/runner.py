"""All points of a sweep, given to workers.

What is complete is skipped, what a dead worker lost runs again, and one failure does
not stop the rest.
"""

import concurrent.futures
import contextlib
import dataclasses
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from spinrnn.config.toml import to_toml
from spinrnn.errors import ConfigError, EngineError, StoreError
from spinrnn.notebook import card
from spinrnn.progress import Bar, is_shown
from spinrnn.sweep import executors, work
from spinrnn.sweep.file import Sweep
from spinrnn.sweep.folder import COMPLETE, SweepFolder
from spinrnn.sweep.points import Point

LARGEST_DEATHS = 3
"""A point that loses its worker so often without getting on in between has failed."""


@dataclasses.dataclass
class Progress:
    """Where a sweep stands.

    Attributes:
        total: points of this sweep or shard.
        done, diverged, failed: those with a result file.
        skipped: of these, complete before.
        errors: {text of the point: error} of this session's failures.
        seconds: since the start.
        remaining: expected seconds, None if unknown.
        stopped: asked to stop before all points were done.
    """

    total: int = 0
    done: int = 0
    diverged: int = 0
    failed: int = 0
    skipped: int = 0
    errors: dict[str, str] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0
    remaining: float | None = None
    stopped: bool = False

    @property
    def finished(self) -> int:
        """Points with a result file."""
        return self.done + self.diverged + self.failed

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        rows = [
            ("finished", f"{self.finished} of {self.total}"),
            ("complete before", self.skipped or None),
            ("diverged", self.diverged or None),
            ("failed", self.failed or None),
            ("seconds", f"{self.seconds:.1f}"),
            *self.errors.items(),
        ]
        return card("Progress of a sweep", rows)

    def count(self, outcome: str) -> None:
        """One point more that is "done", "diverged" or "failed"."""
        setattr(self, outcome, getattr(self, outcome) + 1)


def shard_of(points: list[Point], shard: tuple[int, int] | None) -> list[Point]:
    """The points of one of several shards (number from 0, count).

    The most expensive ones come first, so that shards and workers end together.
    """
    number, count = shard or (0, 1)
    if not 0 <= number < count:
        want = "write NUMBER/COUNT with a number from 0 to COUNT - 1"
        raise ConfigError([f"shard: {want}, got {number}/{count}"])
    return sorted(points, key=lambda point: -point.cost)[number::count]


def run_sweep(
    sweep: Sweep,
    out: str | Path | None = None,
    *,
    executor: str | concurrent.futures.Executor = "process",
    jobs: int | None = None,
    scheduler: str | None = None,
    shard: tuple[int, int] | None = None,
    threads_per_worker: int = 1,
    retry_failed: bool = False,
    keep_runs: bool = False,
    extend: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
    only: Callable[[Point], bool] | None = None,
    progress: bool | None = None,
) -> Progress:
    """Runs the points of a sweep that have no result yet.

    Args:
        sweep: as `load_sweep` reads it.
        out: its folder (default: sweeps/NAME).
        executor, jobs, scheduler: see `executors.open_workers`. A script that uses a
            pool of processes calls this below its `if __name__ == "__main__":`.
        shard: (number from 0, count): only this share of the points.
        threads_per_worker: threads of each point. Processes on this machine share out
            `memory.get_memory_limit`; workers elsewhere have their own.
        retry_failed: run failed points again (those that diverged would diverge again
            and are complete).
        keep_runs: keep the run folder of each point.
        extend: take over the folder of another version of the sweep, with the results
            that both have.
        on_progress: called with a `Progress` after each point and every few seconds.
        stop: called several times a second; once true, running points stop at their
            next batch with a checkpoint.
        only: called with each `Point`; those for which it is false are left out, as if
            they were no part of the sweep.
        progress: whether to show a bar, or lines where there is no terminal; None: in a
            notebook.
    Raises:
        ConfigError, DataError: the sweep is impossible.
        StoreError: the folder is another's, the disk is full, data have changed.
        EngineError: workers cannot be had, or die.
        Finished points are safe in every case.
    """
    executors.leave_unguarded_import()
    folder = SweepFolder(Path("sweeps") / sweep.name if out is None else out)
    points = shard_of([p for p in sweep.points if only is None or only(p)], shard)
    folder.claim(sweep, extend)
    folder.tidy()
    counts, left = _unfinished(folder, points, retry_failed, keep_runs)
    shown = Bar(len(points), "point", shown=is_shown(progress))
    report = _reporter(shown, on_progress)
    report(counts)
    if not left:
        return counts
    asked = stop or (lambda: False)
    workers = executors.open_workers(executor, jobs, scheduler, threads_per_worker, asked)
    limits = {"threads": threads_per_worker, "memory": workers.memory(len(left))}
    try:
        with _session(folder) as session:
            given = folder, session, sweep, limits, keep_runs
            tasks = [(_task(*given, point, known), point) for point, known in left]
            _Loop(folder, workers, session, tasks, counts, report, asked).run()
    finally:
        workers.close()
        shown.__exit__()
    return counts


def _task(folder, session, sweep, limits, keep_runs, point, known):
    """What a worker is given for a point."""
    folder.clear(point.digest, point.name, keep_runs)
    return work.task(folder, session, known, point, sweep, limits, keep_runs)


def _reporter(shown: Bar, on_progress: Callable[[Progress], None] | None):
    """What is called with a `Progress`: the user's function, then the bar."""

    def report(counts: Progress) -> None:
        if on_progress:
            on_progress(counts)
        failed = f"{counts.failed} failed" if counts.failed else ""
        shown(counts.finished, failed)

    return report


@contextlib.contextmanager
def _session(folder):
    """Context of a session; at its end the workers stop."""
    session = folder.begin_session()
    try:
        yield session
    finally:
        folder.end_session(session)


def _unfinished(folder, points, retry_failed, keep_runs):
    """`Progress` so far, and [(point, end of its failure or None)] of those to run."""
    progress, left = Progress(total=len(points)), []
    for point, status, _, state in folder.results(points):
        if status in COMPLETE or (status == "failed" and not retry_failed):
            progress.count(status)
            progress.skipped += 1
            folder.clear(point.digest, point.name, keep_runs)
        else:
            left.append((point, state and state["finished"]))
    return progress, left


class _Loop:
    """The points in flight, and what becomes of them."""

    def __init__(self, folder, workers, session, tasks, progress, on_progress, stop):
        self._folder, self._workers = folder, workers
        self._session, self._progress = session, progress
        self._report, self._asked = on_progress, stop
        self._waiting, self._busy, self._flying = deque(tasks), deque(), {}
        self._deaths, self._barren, self._fatal = {}, 0, None
        self._began, self._reported = time.monotonic(), 0.0
        self._cost_left, self._cost_done = sum(point.cost for _, point in tasks), 0.0

    def run(self):
        while self._waiting or self._busy or self._flying:
            if self._asked() or self._fatal:
                self._end()
            self._fill()
            self._collect()
            if not self._flying and not self._waiting:
                self._look_at_busy()
            self._tell()
        self._tell(now=True)
        if self._fatal:
            raise self._fatal

    def _end(self):
        """No more points; those that run stop at their next batch."""
        self._progress.stopped = True
        self._folder.end_session(self._session)
        self._waiting.clear()
        self._busy.clear()

    def _fill(self):
        """Keeps twice as many points in flight as run at a time.

        Enough that no worker waits, few enough to lose or cancel.
        """
        room = 2 * self._workers.slots() if self._waiting else 0
        while self._waiting and len(self._flying) < max(room, 1):
            task, point = self._waiting.popleft()
            try:
                self._flying[self._workers.submit(task)] = task, point
            except concurrent.futures.BrokenExecutor:
                self._waiting.appendleft((task, point))
                if not self._flying:
                    self._workers.rebuild()
                # the futures in flight tell which points are lost
                return

    def _collect(self):
        if not self._flying:
            return
        finished, _ = concurrent.futures.wait(self._flying, 0.2, concurrent.futures.FIRST_COMPLETED)
        lost = []
        for future in finished:
            task, point = self._flying.pop(future)
            error = None if future.cancelled() else future.exception()
            if future.cancelled():
                self._note_dropped()
            elif isinstance(error, self._workers.lost):
                lost.append((task, point))
            elif error is not None:
                # `run_point` tells everything else in its answer
                self._fatal = self._fatal or EngineError(
                    f"a worker cannot run points: {type(error).__name__}: {error}"
                )
            else:
                self._note(task, point, future.result())
        if lost:
            self._recover(lost)

    def _note_dropped(self):
        """A point was cancelled: by us, who stop, or by a scheduler."""
        if not self._progress.stopped:
            self._fatal = EngineError(
                "the scheduler has dropped a point, it may be gone; finished points are safe, "
                "run the sweep again to go on"
            )

    def _note(self, task, point, answer):
        outcome, self._barren = answer["outcome"], 0
        if outcome == "busy":
            self._busy.append((task, point))
        elif outcome == "stopped":
            # a worker was told to stop
            self._end()
        elif outcome == "fatal":
            self._fatal = self._fatal or StoreError(answer["error"])
        else:
            self._count(point, outcome, answer["error"])

    def _count(self, point, outcome, error):
        self._progress.count(outcome)
        self._cost_left -= point.cost
        self._cost_done += point.cost
        if outcome == "failed":
            self._progress.errors[str(point)] = error

    def _recover(self, lost):
        """Runs lost points again, save those that have killed their workers.

        All others were merely in the same pool.
        """
        # in a pool of processes one dead worker breaks all
        if isinstance(self._workers.executor, concurrent.futures.ProcessPoolExecutor):
            lost += self._flying.values()
            self._flying.clear()
        self._workers.rebuild()
        if self._progress.stopped:
            return
        guilty = {point.name for _, point in lost if self._folder.lock(point.name).left_behind()}
        self._barren += not guilty
        if self._barren > 2 * LARGEST_DEATHS:
            raise EngineError(
                "the workers die before they begin a point; is there enough memory, and does "
                "`python -m spinrnn --version` work there?"
            )
        for task, point in lost:
            if point.name in guilty:
                self._folder.clear(point.digest, point.name, task["keep_runs"])
                steps = self._folder.progress(point.name)
                if self._count_death(point.name, steps) >= LARGEST_DEATHS:
                    self._give_up(point, steps)
                    continue
            self._waiting.appendleft((task, point))

    def _count_death(self, name, steps):
        """How often a point has lost its worker since its newest checkpoint."""
        where, count = self._deaths.get(name, (None, 0))
        count = count + 1 if where == steps else 1
        self._deaths[name] = steps, count
        return count

    def _give_up(self, point, steps):
        """Records as failed what kills its workers."""
        where = "before the first checkpoint" if steps < 0 else f"after step {steps}"
        text = (
            f"the worker died {LARGEST_DEATHS} times {where}, killed by the system; is there "
            "enough memory?"
        )
        lock = self._folder.lock(point.name)
        if lock.acquire():
            error = {"class": "WorkerDied", "text": text}
            state = {
                "values": point.values,
                "environment": None,
                "summary": None,
                "extra": {},
                "error": error,
                "status": "failed",
            }
            state |= {"seconds": 0.0, "finished": time.time()}
            self._folder.save(point.digest, point.name, to_toml(point.config), {}, state)
            lock.release()
        self._count(point, "failed", text)

    def _look_at_busy(self):
        """Points that another process has: done by it, or left by it and ours."""
        if not self._busy:
            return
        time.sleep(1)
        busy, self._busy = self._busy, deque()
        for task, point in busy:
            held = self._folder.lock(point.name).held()
            (self._busy if held else self._waiting).append((task, point))

    def _tell(self, now=False):
        progress = self._progress
        progress.seconds = time.monotonic() - self._began
        if self._cost_done:
            progress.remaining = progress.seconds * self._cost_left / self._cost_done
        shown = (progress.finished, progress.stopped)
        if now or shown != self._reported:
            self._reported = shown
            self._report(progress)
