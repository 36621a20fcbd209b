"""All points of a sweep, given to an workers: what is complete is skipped, what a dead worker lost runs again, and one failure does not stop the rest."""

import concurrent.futures
import dataclasses
import time
from collections import deque
from pathlib import Path

from spinrnn.config.toml import to_toml
from spinrnn.errors import ConfigError, EngineError, StoreError
from spinrnn.sweep import executors, work
from spinrnn.sweep.folder import COMPLETE, SweepFolder

LARGEST_DEATHS = 3
"""A point that loses its worker so often without getting on in between has failed."""


@dataclasses.dataclass
class Progress:
    """Where a sweep stands.

    Attributes:
        total: points of this sweep or shard; done, diverged, failed: those with a result file; skipped: of these, complete before;
        errors: {text of the point: error} of this session's failures; seconds: since the start; remaining: expected seconds, None if unknown;
        stopped: asked to stop before all points were done.
    """

    total: int = 0
    done: int = 0
    diverged: int = 0
    failed: int = 0
    skipped: int = 0
    errors: dict = dataclasses.field(default_factory=dict)
    seconds: float = 0.0
    remaining: float | None = None
    stopped: bool = False

    @property
    def finished(self):
        """Points with a result file."""
        return self.done + self.diverged + self.failed


def shard_of(points, shard):
    """The points of one of several shards (number, count), number from 0; the most expensive ones first, so that shards and workers end together."""
    number, count = shard or (0, 1)
    if not 0 <= number < count:
        raise ConfigError(
            [f"shard: write NUMBER/COUNT with a number from 0 to COUNT - 1, got {number}/{count}"]
        )
    return sorted(points, key=lambda point: -point.cost)[number::count]


def run_sweep(
    sweep, out=None, *, executor="process", jobs=None, scheduler=None, shard=None, threads_per_worker=1, retry_failed=False, keep_runs=False,
    extend=False, on_progress=None, stop=None, only=None,
):  # fmt: skip
    """Runs the points of a sweep that have no result yet.

    Args:
        sweep: `Sweep`; out: its folder (default: sweeps/NAME).
        executor, jobs, scheduler: see `executors.open_workers`; with a process pool the calling script needs its `if __name__ == "__main__":`.
        shard: (number from 0, count): only this share of the points.
        threads_per_worker: threads of each point. Processes on this machine share out `memory.get_memory_limit`; workers elsewhere have their own.
        retry_failed: run failed points again (those that diverged would diverge again and are complete).
        keep_runs: keep the run folder of each point.
        extend: take over the folder of another version of the sweep, with the results that both have.
        on_progress: called with a `Progress` after each point and every few seconds.
        stop: called several times a second; once true, running points stop at their next batch with a checkpoint.
        only: called with each `Point`; those for which it is false are left out, as if they were no part of the sweep.
    Returns:
        `Progress`.
    Raises:
        ConfigError, DataError: the sweep is impossible; StoreError: the folder is another's, the disk is full, data have changed; EngineError.
        Finished points are safe in every case.
    """
    folder = SweepFolder(Path("sweeps") / sweep.name if out is None else out)
    points = shard_of([point for point in sweep.points if only is None or only(point)], shard)
    folder.claim(sweep, extend)
    folder.tidy()
    progress = Progress(total=len(points))
    left = []
    for point, status, _, state in folder.results(points):
        if status in COMPLETE or (status == "failed" and not retry_failed):
            setattr(progress, status, getattr(progress, status) + 1)
            progress.skipped += 1
            folder.clear(point.digest, point.name, keep_runs)
        else:
            left.append((point, state and state["finished"]))
    stop = stop or (lambda: False)
    on_progress = on_progress or (lambda progress: None)
    on_progress(progress)
    if not left:
        return progress
    workers = executors.open_workers(executor, jobs, scheduler, threads_per_worker, stop)
    session = None
    try:
        session = folder.begin_session()
        for point, _ in left:
            folder.clear(point.digest, point.name, keep_runs)
        limits = {"threads": threads_per_worker, "memory": workers.memory(len(left))}
        tasks = [
            (work.task(folder, session, known, point, sweep, limits, keep_runs), point)
            for point, known in left
        ]
        _Loop(folder, workers, session, tasks, progress, on_progress, stop).run()
    finally:
        if session:
            folder.end_session(session)
        workers.close()
    return progress


class _Loop:
    """The points in flight, and what becomes of them."""

    def __init__(self, folder, workers, session, tasks, progress, on_progress, stop):
        self._folder, self._workers, self._session, self._progress = (
            folder,
            workers,
            session,
            progress,
        )
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
        """Keeps twice as many points in flight as run at a time: enough that no worker waits, few enough to lose or cancel."""
        room = 2 * self._workers.slots() if self._waiting else 0
        while self._waiting and len(self._flying) < max(room, 1):
            task, point = self._waiting.popleft()
            try:
                self._flying[self._workers.submit(task)] = task, point
            except concurrent.futures.BrokenExecutor:
                self._waiting.appendleft((task, point))
                if not self._flying:
                    self._workers.rebuild()
                return  # the futures in flight tell which points are lost

    def _collect(self):
        if not self._flying:
            return
        finished, _ = concurrent.futures.wait(self._flying, 0.2, concurrent.futures.FIRST_COMPLETED)
        lost = []
        for future in finished:
            task, point = self._flying.pop(future)
            if future.cancelled():
                if not self._progress.stopped:
                    self._fatal = EngineError(
                        "the scheduler has dropped a point, it may be gone; finished points are safe, run the sweep again to go on"
                    )
                continue
            error = future.exception()
            if isinstance(error, self._workers.lost):
                lost.append((task, point))
            elif error is not None:  # `run_point` tells everything else in its answer
                self._fatal = self._fatal or EngineError(
                    f"a worker cannot run points: {type(error).__name__}: {error}"
                )
            else:
                self._note(task, point, future.result())
        if lost:
            self._recover(lost)

    def _note(self, task, point, answer):
        outcome, self._barren = answer["outcome"], 0
        if outcome == "busy":
            self._busy.append((task, point))
        elif outcome == "stopped":
            self._end()  # a worker was told to
        elif outcome == "fatal":
            self._fatal = self._fatal or StoreError(answer["error"])
        else:
            self._count(point, outcome, answer["error"])

    def _count(self, point, outcome, error):
        setattr(self._progress, outcome, getattr(self._progress, outcome) + 1)
        self._cost_left -= point.cost
        self._cost_done += point.cost
        if outcome == "failed":
            self._progress.errors[str(point)] = error

    def _recover(self, lost):
        """Runs lost points again, save those that have killed their workers; all others were merely in the same pool."""
        if isinstance(
            self._workers.executor, concurrent.futures.ProcessPoolExecutor
        ):  # one dead worker breaks all
            lost += self._flying.values()
            self._flying.clear()
        self._workers.rebuild()
        if self._progress.stopped:
            return
        guilty = {point.name for _, point in lost if self._folder.lock(point.name).left_behind()}
        self._barren += not guilty
        if self._barren > 2 * LARGEST_DEATHS:
            raise EngineError(
                "the workers die before they begin a point; is there enough memory, and does `python -m spinrnn --version` work there?"
            )
        for task, point in lost:
            if point.name in guilty:
                self._folder.clear(point.digest, point.name, task["keep_runs"])
                where, count = self._deaths.get(point.name, (None, 0))
                steps = self._folder.progress(point.name)
                self._deaths[point.name] = steps, count + 1 if where == steps else 1
                if self._deaths[point.name][1] >= LARGEST_DEATHS:
                    self._give_up(point, steps)
                    continue
            self._waiting.appendleft((task, point))

    def _give_up(self, point, steps):
        """Records as failed what kills its workers."""
        text = (
            f"the worker died {LARGEST_DEATHS} times {'before the first checkpoint' if steps < 0 else f'after step {steps}'}, "
            "killed by the system; is there enough memory?"
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
            (self._busy if self._folder.lock(point.name).held() else self._waiting).append(
                (task, point)
            )

    def _tell(self, now=False):
        p, self._progress.seconds = self._progress, time.monotonic() - self._began
        if self._cost_done:
            p.remaining = p.seconds * self._cost_left / self._cost_done
        shown = (p.finished, p.stopped)
        if now or shown != self._reported:
            self._reported = shown
            self._report(p)
