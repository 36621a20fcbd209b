"""Where points run: the workers of any `concurrent.futures.Executor`.

Here is what differs between executors: how one is had, how many points it takes at a
time, how it loses them.
"""

import asyncio
import concurrent.futures
import contextlib
import math
import multiprocessing
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.context import SpawnContext

from spinrnn.errors import EngineError
from spinrnn.machine import memory, threads
from spinrnn.sweep import work

NAMES = ("process", "serial", "dask", "mpi")
ANSWER = 5
"""Seconds in which a Dask scheduler of the user's must answer."""
UNGUARDED = 79
"""Exit status of a worker that came to `run_sweep` while it imported the script."""
PATIENCE = 120
"""Seconds after which workers of a Dask cluster of ours count as dead for good."""


def open_workers(
    executor: str | concurrent.futures.Executor = "process",
    jobs: int | None = None,
    scheduler: str | None = None,
    threads_per_worker: int = 1,
    stop: Callable[[], bool] | None = None,
) -> "Workers":
    """`Workers`, to be closed after use.

    Args:
        executor: "process", a pool of processes on this machine; "serial", this
            process; "dask"; "mpi"; or an Executor of your own, which stays open.
        jobs: workers of a process pool or a local Dask cluster, or points at a time of
            an Executor; None: as many as fit `threads.get_threads`.
        scheduler: address of a Dask scheduler; None starts a local cluster.
        threads_per_worker: by which that number is divided where jobs is None.
        stop: asked by the serial executor after each batch; the others stop at the end
            of the session.
    Raises:
        EngineError: a library is missing, the scheduler does not answer, or MPI was not
            started as it must be.
    """
    if scheduler is not None and executor != "dask":
        raise EngineError("--scheduler belongs to --executor dask")
    jobs = jobs or max(1, threads.get_threads() // threads_per_worker)
    if isinstance(executor, concurrent.futures.Executor):
        return Workers(executor, jobs)
    if executor == "process":
        return _Processes(jobs)
    if executor == "serial":
        return _Serial(stop)
    if executor == "dask":
        return _Dask(jobs, scheduler)
    if executor == "mpi":
        return _mpi()
    raise EngineError(
        f"executor: must be one of {', '.join(NAMES)} or an Executor, got {executor!r}"
    )


class Workers:
    """An executor, with what the others do not have in common.

    Attributes:
        lost: exceptions of a future that mean its worker has died; the point may run
            again.
        ours: the workers are processes that it has started on this machine; others have
            limits of their own.
    """

    lost = (concurrent.futures.BrokenExecutor,)
    ours = False

    def __init__(self, executor, jobs):
        self.executor, self._jobs = executor, jobs

    def slots(self) -> int:
        """Points that run at a time."""
        return self._jobs

    def memory(self, points: int) -> int | None:
        """Bytes that each worker may take for its batches; None: what it finds itself.

        Workers of ours share out what this process may take.
        """
        return max(1, memory.get_memory_limit() // min(self._jobs, points)) if self.ours else None

    def submit(self, task: dict) -> concurrent.futures.Future:
        return self.executor.submit(work.run_point, task)

    def rebuild(self) -> None:
        """Makes a broken executor usable again; EngineError if that is impossible."""
        raise EngineError("the executor is broken: its workers died; run the sweep again to go on")

    def close(self) -> None:
        """Waits for the workers, where they are ours."""


class _Processes(Workers):
    """Spawned processes, as a fork would not have the threads that kernels run on."""

    ours = True

    def __init__(self, jobs):
        super().__init__(None, jobs)
        self._start()

    def _start(self):
        self._context = _Context()
        self.executor = concurrent.futures.ProcessPoolExecutor(
            self._jobs, self._context, work.start_worker, (True,)
        )

    def submit(self, task):
        # Ctrl-C goes to all processes of a terminal: workers inherit that they do not
        # take it, and the parent tells them
        with _without_interrupts():
            return super().submit(task)

    def rebuild(self):
        # waits until the others have ended, too
        self.close()
        if UNGUARDED in [process.exitcode for process in self._context.started]:
            raise EngineError(
                "each worker process imports your script and came to run_sweep there; put what "
                'the script does below `if __name__ == "__main__":`'
            )
        self._start()

    def close(self):
        self.executor.shutdown(wait=True, cancel_futures=True)


class _Context(SpawnContext):
    """Spawns processes and keeps them, to ask how they ended."""

    def __init__(self):
        super().__init__()
        self.started = []

    def Process(self, *args, **kwargs):
        process = super().Process(*args, **kwargs)
        self.started.append(process)
        return process


def leave_unguarded_import() -> None:
    """Ends this process if it is a worker that still imports its parent's script.

    A script without `if __name__ == "__main__":` comes to `run_sweep` again there.
    Python itself would end the worker with a traceback; this status tells the parent.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise SystemExit(UNGUARDED)


@contextlib.contextmanager
def _without_interrupts():
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Serial(Workers):
    """One point after the other in this process."""

    def __init__(self, stop):
        super().__init__(None, 1)
        self._stop = stop

    def slots(self):
        return 1

    def submit(self, task):
        future = concurrent.futures.Future()
        future.set_result(work.run_point(task, self._stop))
        return future


class _Dask(Workers):
    """Workers of a Dask cluster: a running one, or one of ours on this machine."""

    def __init__(self, jobs, address):
        try:
            import dask
            import distributed
        except ImportError:
            raise EngineError(
                "--executor dask needs Dask distributed; install spinrnn[dask]"
            ) from None
        self._cluster, self.ours = None, address is None
        settings = {
            # of a cluster of ours: `runner` counts how often a point loses its worker
            "distributed.scheduler.allowed-failures": 0,
            "distributed.worker.daemon": True,
        }
        # workers of ours may take longer to connect on a busy machine
        if not self.ours:
            settings["distributed.comm.timeouts.connect"] = f"{ANSWER}s"
        with dask.config.set(settings), _without_interrupts():
            if address is not None:
                _probe(address)
            try:
                if address is None:
                    self._cluster = distributed.LocalCluster(
                        n_workers=jobs,
                        threads_per_worker=1,
                        processes=True,
                        memory_limit=0,
                        dashboard_address=None,
                        silence_logs="CRITICAL",
                    )
                self._client = distributed.Client(
                    self._cluster or address, timeout=ANSWER, set_as_default=False
                )
            except (OSError, RuntimeError, TimeoutError) as error:
                raise EngineError(f"Dask did not start: {error}") from None
        super().__init__(self._client.get_executor(pure=False), jobs)
        self.lost = (distributed.scheduler.KilledWorker,)
        self._counted, self._threads, self._worked = -math.inf, 0, time.monotonic()

    def slots(self):
        if self._client.status not in ("running", "connecting"):
            raise EngineError(
                "the Dask scheduler is gone; finished points are safe, run the sweep again to go on"
            )
        now = time.monotonic()
        if now > self._counted + 2:
            self._counted, self._threads = now, sum(self._client.nthreads().values())
            if self._threads:
                self._worked = now
            if self._cluster is not None and self._threads < self._jobs:
                # one that takes too long to start again, as on a busy machine, is
                # dropped for good unless it is asked for anew
                self._cluster.scale(self._jobs)
            if self.ours and now > self._worked + PATIENCE:
                raise EngineError(
                    "the Dask workers have died and do not start again; finished points are safe, "
                    "run the sweep again to go on"
                )
        return self._threads

    def rebuild(self):
        """Dask replaces its workers itself."""

    def close(self):
        with contextlib.suppress(OSError, TimeoutError):
            self._client.close(ANSWER)
        if self._cluster is not None:
            with contextlib.suppress(
                OSError, TimeoutError, AssertionError
            ):  # Dask asserts that no worker was lost in a way of its own
                self._cluster.close(ANSWER)


def _probe(address):
    """Raises EngineError unless a Dask scheduler answers.

    A client that fails to connect would take long to say so.
    """
    from distributed.comm import connect
    from distributed.security import Security

    async def knock():
        comm = await connect(address, timeout=ANSWER, **Security().get_connection_args("client"))
        comm.abort()

    try:
        asyncio.run(asyncio.wait_for(knock(), ANSWER))
    except Exception as error:  # whatever answers there may say anything
        raise EngineError(
            f"no Dask scheduler answers at {address} within {ANSWER} s ({type(error).__name__}); "
            "is the address right, as in "
            "tcp://host:8786, and does it run the same version of Dask?"
        ) from None


def _mpi():
    usage = (
        "start as: mpiexec -n N python -m mpi4py.futures -m spinrnn sweep run FILE "
        "--executor mpi, with N at least 2 (one gives the work, N - 1 do it)"
    )
    try:
        from mpi4py import MPI
        from mpi4py.futures import MPIPoolExecutor
    except (ImportError, RuntimeError) as error:  # RuntimeError: mpi4py found no MPI library
        raise EngineError(
            f"--executor mpi needs mpi4py and an MPI library ({str(error).splitlines()[0]}); "
            "install spinrnn[mpi]"
        ) from None
    if MPI.COMM_WORLD.Get_size() < 2 or "mpi4py.futures" not in sys.orig_argv:
        raise EngineError(f"--executor mpi: {usage}")
    return _Mpi(
        MPIPoolExecutor(initializer=work.start_worker, initargs=(False,)),
        MPI.COMM_WORLD.Get_size() - 1,
    )


class _Mpi(Workers):
    """Ranks of an MPI job. A rank that dies ends the job; run again, it goes on."""

    def close(self):
        self.executor.shutdown(wait=True, cancel_futures=True)
