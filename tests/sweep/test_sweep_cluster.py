"""Sweeps on clusters: a Dask scheduler, MPI, and a real SLURM with its queues.

Skipped, with the reason, where they are missing.
"""

import json
import os
import shutil
import subprocess
import sys
import time

import pytest
from slurm import NoSlurm
from slurm import start as start_slurm
from slurm import stop as stop_slurm

import spinrnn
from spinrnn.sweep.folder import SweepFolder
from spinrnn.sweep.status import look

COMMAND = [sys.executable, "-m", "spinrnn", "sweep"]
RATES = '[[axes]]\nkey = "train.learning_rate"\nvalues = [1e-3, 1e-2, 2e-2]\n'


def run(*command, **options):
    return subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=120, **options
    )


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)
    return found


def counts(path, out):
    return look(spinrnn.load_sweep(path), SweepFolder(out))["points"]


def accuracies(path, out):
    return spinrnn.collect_sweep(spinrnn.load_sweep(path), out)["test_loss"].tolist()


@pytest.fixture
def expected(sweep_file, tmp_path):
    """A sweep of six points, and its results in this process."""
    path = sweep_file(RATES, seeds=2)
    spinrnn.run_sweep(spinrnn.load_sweep(path), tmp_path / "serial", executor="serial")
    return path, accuracies(path, tmp_path / "serial")


# ---- Dask ----


@pytest.fixture
def dask_cluster(tmp_path):
    pytest.importorskip("distributed", reason="Dask distributed is not installed")
    scheduler = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "distributed.cli.dask_scheduler",
            "--port",
            "0",
            "--no-dashboard",
            "--scheduler-file",
            tmp_path / "s.json",
        ],
        stderr=subprocess.DEVNULL,
    )
    options = [
        "--scheduler-file",
        str(tmp_path / "s.json"),
        "--nthreads",
        "2",
        "--no-dashboard",
        "--local-directory",
        str(tmp_path),
    ]
    worker = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_worker", *options], stderr=subprocess.DEVNULL
    )
    try:
        wait_for(lambda: (tmp_path / "s.json").exists() and (tmp_path / "s.json").stat().st_size)
        yield json.loads((tmp_path / "s.json").read_text())["address"], scheduler
    finally:
        for process in (worker, scheduler):
            process.terminate()
        for process in (worker, scheduler):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.mark.slow
def test_a_dask_scheduler(expected, tmp_path, dask_cluster):
    """A cluster of one's own, with two threads in one worker; it is left running."""
    path, results = expected
    address, scheduler = dask_cluster
    done = run(
        *COMMAND,
        "run",
        path,
        "--out",
        tmp_path / "out",
        "--executor",
        "dask",
        "--scheduler",
        address,
    )
    assert done.returncode == 0, done.stderr
    assert accuracies(path, tmp_path / "out") == results
    assert scheduler.poll() is None


@pytest.mark.slow
def test_a_dask_scheduler_that_goes_away(sweep_file, tmp_path, dask_cluster):
    address, scheduler = dask_cluster
    path, out = sweep_file("", epochs="100000\ncheckpoint_seconds = 1000"), tmp_path / "out"
    process = subprocess.Popen(
        [
            *COMMAND,
            "run",
            str(path),
            "--out",
            str(out),
            "--executor",
            "dask",
            "--scheduler",
            address,
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(lambda: list(out.glob("points/*.run")))
    scheduler.kill()
    complaint = process.communicate(timeout=60)[1]
    assert process.returncode == 2
    assert (
        "finished points are safe, run the sweep again to go on"
        in complaint.strip().splitlines()[-1]
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:9", "nonsense", "tcp://no-such-host.invalid:8786"]
)
def test_a_dask_address_that_does_not_answer(sweep_file, tmp_path, address):
    pytest.importorskip("distributed", reason="Dask distributed is not installed")
    start = time.monotonic()
    with pytest.raises(spinrnn.EngineError, match="no Dask scheduler answers at"):
        spinrnn.run_sweep(
            spinrnn.load_sweep(sweep_file()), tmp_path / "out", executor="dask", scheduler=address
        )
    assert time.monotonic() - start < 10


@pytest.mark.slow
def test_extras_that_are_missing_are_named(sweep_file, tmp_path):
    code = (
        "import sys\n"
        "for name in ('dask', 'distributed', 'mpi4py'): sys.modules[name] = None\n"
        "from spinrnn.cli.main import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    path = sweep_file()
    for executor, extra in (("dask", "spinrnn[dask]"), ("mpi", "spinrnn[mpi]")):
        result = run(
            sys.executable,
            "-c",
            code,
            "sweep",
            "run",
            path,
            "--out",
            tmp_path / "out",
            "--executor",
            executor,
        )
        assert result.returncode == 2
        assert extra in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1


# ---- MPI ----


@pytest.fixture
def mpiexec():
    pytest.importorskip("mpi4py", reason="mpi4py is not installed")
    found = shutil.which("mpiexec")
    if found is None:
        pytest.skip("there is no mpiexec")
    return found


@pytest.mark.slow
def test_mpi(expected, tmp_path, mpiexec):
    path, results = expected
    environment = {
        **os.environ,
        "OMPI_MCA_rmaps_base_oversubscribe": "1",
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    }
    ranks = [
        mpiexec,
        "-n",
        "3",
        sys.executable,
        "-m",
        "mpi4py.futures",
        "-m",
        "spinrnn",
        "sweep",
        "run",
    ]
    done = run(*ranks, path, "--out", tmp_path / "out", "--executor", "mpi", env=environment)
    assert done.returncode == 0, done.stderr
    assert "finished: 6 of 6 points" in done.stdout
    assert accuracies(path, tmp_path / "out") == results
    plain = run(*COMMAND, "run", path, "--out", tmp_path / "other", "--executor", "mpi")
    assert plain.returncode == 2
    assert "mpiexec -n N python -m mpi4py.futures -m spinrnn sweep run" in plain.stderr


# ---- SLURM ----


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """A SLURM of one node; yields the environment in which its commands find it."""
    folder = tmp_path_factory.mktemp("slurm")
    try:
        environment = start_slurm(folder)
        yield environment
        run("scancel", "--user", "root", env=environment)
    except NoSlurm as reason:
        pytest.skip(f"no SLURM here: {reason}")
    finally:
        stop_slurm(folder)


def queue(slurm):
    """{task: (state, restarts)} of the jobs that wait or run."""
    lines = run(
        "squeue",
        "--array",
        "--noheader",
        "--Format=JobArrayID:40,State:20,RestartCnt:10",
        env=slurm,
    ).stdout.splitlines()
    return {
        task: (state, int(restarts)) for task, state, restarts in (line.split() for line in lines)
    }


def submit(slurm, script, *options):
    done = run("sbatch", "--parsable", *options, *([script] if script else []), env=slurm)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.slow
def test_an_array_of_jobs(expected, tmp_path, slurm):
    path, results = expected
    out, script = tmp_path / "out", tmp_path / "toy.slurm"
    made = run(*COMMAND, "slurm", path, "--out", out, "--array", 2, "--script", script)
    assert made.returncode == 0, made.stderr
    assert f"sbatch {script}" in made.stdout
    text = script.read_text()
    for line in (
        "#SBATCH --array=0-1",
        "#SBATCH --time=0-00:0",
        "#SBATCH --mem=",
        "#SBATCH --requeue",
        "#SBATCH --signal=B:USR1@90",
    ):
        assert line in text
    assert run("bash", "-n", script).returncode == 0
    submit(slurm, script)
    wait_for(lambda: not queue(slurm), 90)
    logs = [log.read_text() for log in sorted(out.glob("slurm-*.log"))]
    assert len(logs) == 2
    assert all("finished: 3 of 3 points" in log for log in logs), logs
    assert accuracies(path, out) == results


@pytest.mark.slow
def test_time_limit_requeue_and_cancel(sweep_file, tmp_path, slurm):
    """Three attempts, as SLURM looks at limits and queue when it likes.

    On a busy machine that may be before a job has begun its work.
    """
    path = sweep_file("", epochs="1000000\ncheckpoint_seconds = 100000")
    for attempt in range(3):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        try:
            return through_time_limit_requeue_and_cancel(path, folder, slurm)
        except AssertionError:
            run("scancel", "--user", "root", env=slurm)
            wait_for(lambda: not queue(slurm), 120)
            if attempt == 2:
                raise


def through_time_limit_requeue_and_cancel(path, tmp_path, slurm):
    out, script = tmp_path / "out", tmp_path / "long.slurm"
    assert run(*COMMAND, "slurm", path, "--out", out, "--script", script).returncode == 0
    steps = lambda: max((int(p.stem) for p in out.glob("runs/*/checkpoints/*.h5")), default=0)
    job = submit(slurm, script, "--time=1", "--signal=B:USR1@55") + "_0"
    wait_for(lambda: queue(slurm).get(job) == ("RUNNING", 0), 90)
    wait_for(lambda: counts(path, out)["running"], 40)
    assert steps() == 0
    # before the limit: stops with a checkpoint and is queued again
    wait_for(lambda: queue(slurm).get(job) == ("PENDING", 1), 90)
    first = steps()
    assert first > 0
    assert counts(path, out) == {
        "done": 0,
        "diverged": 0,
        "failed": 0,
        "damaged": 0,
        "running": 0,
        "waiting": 1,
    }
    # queued again: goes on; not in the same second, as SLURM has revoked the credential
    # of the job that it requeued
    time.sleep(5)
    assert (
        run(
            "scontrol", "update", f"jobid={job}", "timelimit=30", "starttime=now", env=slurm
        ).returncode
        == 0
    )
    submit(
        slurm, None, "--wrap=true", "--output=/dev/null"
    )  # SLURM looks at its queue when something is submitted
    wait_for(
        lambda: queue(slurm).get(job) == ("RUNNING", 1), 200
    )  # at the latest when SLURM's delay of two minutes is over
    wait_for(lambda: counts(path, out)["running"], 30)
    time.sleep(1)
    # cancelled: stops with a checkpoint and stays so
    run("scancel", job, env=slurm)
    wait_for(lambda: job not in queue(slurm), 60)
    assert steps() > first
    assert counts(path, out)["waiting"] == 1
    log = next(out.glob("slurm-*.log")).read_text()
    assert log.count("stopped with 1 of 1 points left") == 2
    assert not list(out.glob("session-*"))
