"""Sweeps at work: results, skipping, failures, kills, stops, full disks."""

import contextlib
import dataclasses
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from conftest import here, refused
from kills import bits, children

import spinrnn
from spinrnn.config.toml import to_toml
from spinrnn.datasets.parts import split
from spinrnn.files import atomic as files
from spinrnn.files import container
from spinrnn.learning.trainer import Trainer
from spinrnn.machine import memory, threads
from spinrnn.networks import planning
from spinrnn.runs.checkpoints import load_newest_checkpoint
from spinrnn.sweep import executors, runner, work
from spinrnn.sweep.folder import SweepFolder

COMMAND = [sys.executable, "-m", "spinrnn", "sweep"]
RATES = '[[axes]]\nkey = "train.learning_rate"\nvalues = [1e-3, 1e-2, 2e-2, 3e-2]\n'
THREE = '[[axes]]\nkey = "train.learning_rate"\nvalues = [1e-3, 1e-2, 2e-2]\n'
TWO = '[[axes]]\nkey = "train.learning_rate"\nvalues = [1e-3, 1e-2]\n'
LONG = "checkpoint_seconds = 1000"


def sweep_command(*arguments):
    """The command, in this process."""
    return here("sweep", *arguments)


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_a_sweep_gives_what_its_runs_give(sweep_file, tmp_path):
    """The same bits as `spinrnn.train`, and the recorded test part changes nothing."""
    path = sweep_file(RATES, seeds=2, record_test="true", cumulative_drive="true")
    out = tmp_path / "out"
    result = sweep_command("run", path, "--out", out, "--jobs", 1)
    assert result.returncode == 0, result.stderr
    assert "8 of 8 points" in result.stdout
    assert sorted(p.name for p in out.iterdir()) == [".lock", "points", "sweep.json"]
    assert len(list((out / "points").iterdir())) == 8
    sweep, folder = spinrnn.load_sweep(path), SweepFolder(out)
    for point in sweep.points[::7]:
        single = spinrnn.train(point.config)
        arrays, state = folder.load(point.digest, point.name)
        assert arrays["best_parameters"].tobytes() == single.network.parameters.tobytes()
        assert (
            spinrnn.load(folder.result_path(point.name)).parameters.tobytes()
            == single.network.parameters.tobytes()
        )
        for key in (
            "test_accuracy",
            "test_loss",
            "test_loss_fine",
            "best_epoch",
            "validation_loss",
            "data_sha256",
        ):
            assert state["summary"][key] == single.summary[key]
        for key in ("train_loss", "validation_accuracy"):
            np.testing.assert_array_equal(
                arrays[f"history/{key}"], [record[key] for record in single.history]
            )
        best = state["summary"]["best_epoch"] - 1
        assert arrays["history/test_loss"][best] == state["summary"]["test_loss"]
        assert arrays["history/test_accuracy"][best] == state["summary"]["test_accuracy"]
        assert state["environment"]["threads"] == 1
        assert state["values"] == point.values
        data = spinrnn.load_dataset(point.config.data.source)
        test = data.take(split(data, point.config.data, point.config.resolved_split_seed)[2])
        assert (
            state["extra"]["cumulative_drive"]
            == spinrnn.cumulative_drive(single.network, test.inputs, test.lengths)
            > 0
        )


def test_labels_from_1_are_read_as_train_reads_them(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 10 + 1
    np.savez(tmp_path / "one.npz", inputs=rng.random((40, 1, 4)), labels=labels)
    text = '[data]\nsource = "one.npz"\n[network]\nlayers = [3]\nsubsteps = 1\n'
    text += '[sweep]\nname = "a"\n[[axes]]\nkey = "train.epochs"\nvalues = [1]\n'
    (tmp_path / "sweep.toml").write_text(text)
    out = tmp_path / "out"
    done = sweep_command("run", tmp_path / "sweep.toml", "--out", out, "--jobs", 1)
    assert done.returncode == 0, done.stderr
    point = spinrnn.load_sweep(tmp_path / "sweep.toml").points[0]
    arrays, state = SweepFolder(out).load(point.digest, point.name)
    run = spinrnn.train(point.config, tmp_path / "run", pictures=False)
    assert point.config.network.outputs == 10
    assert state["summary"]["classes"] == [str(k) for k in range(1, 11)]
    assert state["summary"]["test_loss"] == run.summary["test_loss"]
    np.testing.assert_array_equal(arrays["best_parameters"], run.network.parameters)
    # the file of a point knows its classes too
    found = spinrnn.predict(SweepFolder(out).result_path(point.name), rng.random((1, 1, 4)))
    assert found.classes == tuple(state["summary"]["classes"])


def test_complete_points_are_skipped_and_damaged_ones_repeated(sweep_file, tmp_path):
    path, out = sweep_file(RATES), tmp_path / "out"
    assert sweep_command("run", path, "--out", out, "--executor", "serial").returncode == 0
    whole = bits(path, out)
    before = {p: p.stat().st_mtime_ns for p in (out / "points").iterdir()}
    again = sweep_command("run", out, "--executor", "serial")
    assert again.returncode == 0
    assert {p: p.stat().st_mtime_ns for p in (out / "points").iterdir()} == before
    files = sorted(before)
    files[0].write_bytes(files[0].read_bytes()[:2000])
    content = files[1].read_bytes()
    files[1].write_bytes(content[:5000] + bytes([content[5000] ^ 1]) + content[5001:])
    shutil.copy(files[3], files[2])  # whole, but of another point
    status = json.loads(sweep_command("status", out, "--json").stdout)["points"]
    assert (status["done"], status["damaged"]) == (1, 3)
    assert sweep_command("run", path, "--out", out, "--executor", "serial").returncode == 0
    assert bits(path, out) == whole
    assert files[3].stat().st_mtime_ns == before[files[3]]


def test_a_divergence_is_a_result_and_stops_nothing(sweep_file, tmp_path):
    text = (
        '[network]\nscheme = "euler"\npower_floor = 0\n'
        "[[axes]]\n"
        'key = "train.learning_rate"\n'
        "values = [1e-3, 300, 1e-2]"
    )
    path, out = sweep_file(text, epochs="4\nclip = 0"), tmp_path / "out"
    result = sweep_command("run", path, "--out", out, "--executor", "serial")
    assert result.returncode == 0
    assert "1 of them diverged" in result.stdout
    assert [status for status, *_ in bits(path, out).values()] == ["done", "diverged", "done"]
    status = sweep_command("status", out).stdout
    assert "2 done, 1 diverged, 0 failed" in status
    assert "diverged at learning_rate = 300: diverged in epoch" in status
    assert "checkpoint" not in status
    assert not (out / "runs").exists()
    cube = spinrnn.collect_sweep(spinrnn.load_sweep(path), out)
    assert np.isnan(cube["test_accuracy"]).tolist() == [False, True, False]
    assert cube["diverged"].tolist() == [0, 1, 0]
    before = {p: p.stat().st_mtime_ns for p in (out / "points").iterdir()}
    assert sweep_command("run", path, "--out", out, "--retry-failed").returncode == 0
    assert {p: p.stat().st_mtime_ns for p in (out / "points").iterdir()} == before


def test_other_failures_are_recorded_and_tried_again_when_asked(sweep_file, tmp_path, monkeypatch):
    path, out = sweep_file(RATES, cumulative_drive="true"), tmp_path / "out"
    sweep = spinrnn.load_sweep(path)

    def broken(net, *_):
        if broken.count == 1:
            broken.count += 1
            raise ZeroDivisionError("no such thing")
        broken.count += 1
        return 1.0

    broken.count = 0
    monkeypatch.setattr(work, "cumulative_drive", broken)
    progress = spinrnn.run_sweep(sweep, out, executor="serial")
    assert (progress.done, progress.failed) == (3, 1)
    assert list(progress.errors.values()) == ["no such thing"]
    error = sweep_command("status", out)
    assert "failed at learning_rate" in error.stdout
    assert "no such thing" in error.stdout
    again = spinrnn.run_sweep(sweep, out, executor="serial")
    assert (again.failed, again.skipped, broken.count) == (1, 4, 4)
    retried = spinrnn.run_sweep(sweep, out, executor="serial", retry_failed=True)
    assert (retried.done, retried.failed, broken.count) == (4, 0, 5)


def test_shards_share_the_points(sweep_file, tmp_path):
    path, out = sweep_file(RATES, epochs=1, seeds=2), tmp_path / "out"
    for number, expected in ((0, 3), (1, 6), (2, 8)):
        result = sweep_command(
            "run", path, "--out", out, "--executor", "serial", "--shard", f"{number}/3"
        )
        assert result.returncode == 0
        assert len(list((out / "points").glob("*.h5"))) == expected
    for shard in ("3/3", "-1/3", "1", "1/0", "a/b"):
        refused(sweep_command("run", path, "--out", out, f"--shard={shard}"), "shard")


def test_a_folder_belongs_to_one_sweep(sweep_file, tmp_path):
    path, out = sweep_file(RATES, epochs=1), tmp_path / "out"
    assert sweep_command("run", path, "--out", out, "--executor", "serial").returncode == 0
    first = bits(path, out)
    sweep_file(RATES, epochs=1, seeds=2)
    refused(
        sweep_command("run", path, "--out", out, "--executor", "serial"),
        "belongs to another sweep",
        "--extend",
    )
    refused(sweep_command("status", path, "--out", out), "belongs to another sweep")
    refused(sweep_command("collect", path, "--out", out), "belongs to another sweep")
    extended = sweep_command("run", path, "--out", out, "--executor", "serial", "--extend")
    assert extended.returncode == 0
    assert "8 of 8 points" in extended.stdout
    assert {position: bits(path, out)[*position, 0] for position in first} == first
    sweep_file('[[axes]]\nkey = "train.learning_rate"\nvalues = [1e-3]', epochs=1)
    less = sweep_command("run", path, "--out", out, "--executor", "serial", "--extend")
    assert "7 result files" in less.stderr
    assert len(list((out / "points").glob("*.h5"))) == 8
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("precious")
    refused(sweep_command("run", path, "--out", tmp_path / "other"), "not empty and not a sweep")
    refused(sweep_command("run", path, "--out", tmp_path / "other" / "thesis.tex"), "is a file")
    refused(sweep_command("status", tmp_path / "other"), "no sweep.json")
    refused(
        sweep_command("status", path, "--out", tmp_path / "none"), "no sweep has been run there"
    )
    (out / "sweep.json").write_text("{}")
    refused(sweep_command("status", out), "sweep.json: damaged")


def test_data_that_change_stop_the_sweep(sweep_file, tmp_path, tiny_data):
    path, out = sweep_file(RATES), tmp_path / "out"
    assert (
        sweep_command(
            "run", path, "--out", out, "--executor", "serial", "--shard", "0/2"
        ).returncode
        == 0
    )
    np.savez(
        tmp_path / "tiny.npz",
        inputs=tiny_data.inputs + 1,
        labels=tiny_data.labels,
        lengths=tiny_data.lengths,
    )
    work._load.cache_clear()  # this process has the right ones in memory
    refused(sweep_command("run", out, "--executor", "serial"), "tiny.npz has changed")
    (tmp_path / "tiny.npz").unlink()
    refused(sweep_command("run", out, "--jobs", 1), "tiny.npz: No such file")
    assert len(list((out / "points").glob("*.h5"))) == 2
    assert sweep_command("status", out).returncode == 0  # reading needs no data
    assert sweep_command("collect", out).returncode == 0


def test_bad_command_lines(sweep_file, tmp_path):
    path = sweep_file(RATES)
    refused(sweep_command("run", tmp_path / "none.toml"), "none.toml: No such file")
    refused(
        sweep_command("run", path, "--scheduler", "tcp://x:1", "--out", tmp_path / "o"),
        "--scheduler belongs to --executor dask",
    )
    refused(
        sweep_command("run", sweep_file('[[axes]]\nkey = "x"\nvalues = []')),
        "x is no configuration key",
        "the axis is empty",
    )
    with memory.using(None):  # the option sets it in this process
        refused(
            sweep_command(
                "run", path, "--executor", "mpi", "--memory", "1G", "--out", tmp_path / "p"
            ),
            "--memory",
            "SPINRNN_MEMORY",
        )
    assert not (tmp_path / "p").exists()
    for arguments in (
        ["fly"],
        [],
        ["run"],
        ["run", path, "--jobs", 0],
        ["run", path, "--executor", "magic"],
    ):
        refused(sweep_command(*arguments), "--help says what there is")


# ---- threads and memory ----


def least_memory(point):
    """Bytes without which a point cannot be trained by one thread."""
    trainer = Trainer(point.config, spinrnn.load_dataset(point.config.data.source))
    cases, inputs = min(point.config.train.batch, len(trainer.training)), trainer.training.inputs
    with threads.using(1):
        return planning.plan(
            trainer.net.config, trainer.net._packing(), cases, inputs.shape[2], True, 1
        ).bytes


@pytest.mark.slow
def test_processes_share_threads_and_memory(sweep_file, tmp_path, monkeypatch):
    """As many processes as threads; two get half of the memory each, one all of it."""
    monkeypatch.setenv("SPINRNN_THREADS", "7")
    assert executors.open_workers("process", threads_per_worker=2).slots() == 3
    sweep = spinrnn.load_sweep(sweep_file(RATES))
    with memory.using(2 * least_memory(sweep.points[0]) - 2):
        progress = spinrnn.run_sweep(sweep, tmp_path / "out", jobs=2)
        assert (progress.done, progress.failed) == (0, 4)
        assert all("are allowed" in error for error in progress.errors.values())
        assert spinrnn.run_sweep(sweep, tmp_path / "out", jobs=1, retry_failed=True).done == 4


@pytest.mark.slow
def test_a_point_goes_on_with_more_memory(sweep_file, tmp_path):
    """Where it fails for want of memory its checkpoints stay."""
    path, out = sweep_file(RATES, epochs="4\ncheckpoint_seconds = 0"), tmp_path / "out"
    sweep, calls = spinrnn.load_sweep(path), itertools.count()
    assert spinrnn.run_sweep(sweep, out, executor="serial", stop=lambda: next(calls) > 6).stopped
    steps = SweepFolder(out).progress(sweep.points[0].name)
    assert steps > 0
    with memory.using(least_memory(sweep.points[0]) // 2):
        assert spinrnn.run_sweep(sweep, out, executor="serial").failed == 4
    assert SweepFolder(out).progress(sweep.points[0].name) == steps
    assert spinrnn.run_sweep(sweep, out, executor="serial", retry_failed=True).done == 4
    assert spinrnn.run_sweep(sweep, tmp_path / "other", executor="serial").done == 4
    assert bits(path, out) == bits(path, tmp_path / "other")
    assert not (out / "runs").exists()


# ---- kills and stops ----


@pytest.fixture
def forty(sweep_file, tmp_path):
    """A sweep of 40 points of a third of a second each, and its undisturbed results."""
    pytest.importorskip("distributed", reason="Dask distributed is not installed")
    path = sweep_file(
        RATES, epochs="40\nnoise = 0.1\ncheckpoint_seconds = 0.05", seeds=10, record_test="true"
    )
    assert (
        sweep_command(
            "run", path, "--out", tmp_path / "undisturbed", "--executor", "serial"
        ).returncode
        == 0
    )
    return path, bits(path, tmp_path / "undisturbed")


@pytest.mark.slow
def test_forty_points_and_workers_of_dask_killed_at_random(forty, tmp_path):
    """Kills with -9, the sweep itself interrupted once: complete, to the same bits."""
    path, expected = forty
    out, rng, killed, interrupted = tmp_path / "disturbed", random.Random(3), Counter(), False
    for _ in range(20):
        process = subprocess.Popen(
            [*COMMAND, "run", str(path), "--out", str(out), "--jobs", "2", "--executor", "dask"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        while process.poll() is None:
            time.sleep(0.4 + rng.random())
            finished = len(list((out / "points").glob("*.h5"))) if out.exists() else 0
            if finished > 15 and not interrupted:
                interrupted = True
                process.send_signal(signal.SIGINT)
                process.wait(60)
                assert process.returncode == 130
                continue
            # three deaths without a checkpoint in between would rightly count as the
            # point's own fault
            locks = [lock for lock in out.glob("points/*.run") if killed[lock.stem] < 2]
            if locks and sum(killed.values()) < 8:
                victim = rng.choice(locks)
                with contextlib.suppress(OSError, ValueError):  # it has just finished
                    pid = json.loads(victim.read_text())["pid"]
                    if pid in children(process.pid):
                        os.kill(pid, signal.SIGKILL)
                        killed[victim.stem] += 1
        complaint = process.communicate()[1]
        if process.returncode != 130:
            break
    assert process.returncode == 0, complaint
    assert interrupted
    assert sum(killed.values()) >= 4
    assert bits(path, out) == expected
    assert sorted(p.name for p in out.iterdir()) == [".lock", "points", "sweep.json"]


@pytest.mark.parametrize(
    ("executor", "number", "status"),
    [
        pytest.param("process", signal.SIGTERM, 143, marks=pytest.mark.slow),
        pytest.param("serial", signal.SIGUSR1, 75, marks=pytest.mark.slow),
    ],
)
def test_a_stopped_sweep_goes_on(sweep_file, tmp_path, executor, number, status):
    path, out = sweep_file("", epochs=f"300\n{LONG}", record_test="true"), tmp_path / "out"
    command = [*COMMAND, "run", str(path), "--out", str(out), "--jobs", "1", "--executor", executor]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    records = lambda: [p for p in out.glob("runs/*/metrics.jsonl") if p.stat().st_size > 2000]
    wait_for(lambda: records() or process.poll() is not None)
    seen = sweep_command("status", out).stdout
    process.send_signal(number)
    complaint = process.communicate(timeout=30)[1]
    assert process.returncode == status, complaint
    assert "stopped with 1 of 1 points left" in complaint
    assert "1 running" in seen
    run = next(out.glob("runs/*"))
    steps = load_newest_checkpoint(run)[2]["steps"]
    assert steps > 10
    assert not list(out.glob("session-*"))
    assert not list(out.glob("points/*"))
    assert "0 running, 1 waiting" in sweep_command("status", out).stdout
    assert subprocess.run(command, timeout=60).returncode == 0
    if executor == "process":
        assert (
            sweep_command(
                "run", path, "--out", tmp_path / "whole", "--executor", "serial"
            ).returncode
            == 0
        )
        assert bits(path, out) == bits(path, tmp_path / "whole")


@pytest.mark.slow
def test_workers_do_not_outlive_the_sweep(sweep_file, tmp_path):
    path, out = sweep_file("", epochs=f"100000\n{LONG}"), tmp_path / "out"
    process = subprocess.Popen(
        [*COMMAND, "run", str(path), "--out", str(out), "--jobs", "2"], stdout=subprocess.DEVNULL
    )
    wait_for(lambda: [p for p in out.glob("runs/*/metrics.jsonl") if p.stat().st_size > 2000])
    workers = children(process.pid)
    assert workers
    process.kill()
    process.wait()
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), 20)
    assert (
        load_newest_checkpoint(next(out.glob("runs/*")))[2]["steps"] > 10
    )  # they had the time for it
    assert json.loads(sweep_command("status", out, "--json").stdout)["points"]["running"] == 0


def test_what_kills_leave_behind_complete_points_is_removed(sweep_file, tmp_path):
    """Kills after the last result, of a worker and of the sweep.

    The worker dies before it removes its run, the sweep before it ends its session or
    while it begins it.
    """
    path, out = sweep_file(TWO, epochs=1), tmp_path / "out"
    assert (
        sweep_command("run", path, "--out", out, "--executor", "serial", "--keep-runs").returncode
        == 0
    )
    whole, folder = bits(path, out), SweepFolder(out)
    first, second = (point.name for point in spinrnn.load_sweep(path).points)
    folder.lock(first)._path.write_text(json.dumps({"host": "x", "pid": 1}))
    os.utime(folder.lock(first)._path, (0, 0))
    (out / "session-0123456789ab").write_text(
        json.dumps({"host": os.uname().nodename, "pid": 2**22 + 1})
    )
    (out / ".session-0123456789ab.0123.tmp").write_text("")
    (out / ".sweep.json.0123.tmp").write_text("{")
    assert sweep_command("run", path, "--out", out, "--executor", "serial").returncode == 0
    assert sorted(p.name for p in out.iterdir()) == [".lock", "points", "runs", "sweep.json"]
    assert not folder.run_path(first).exists()
    assert folder.run_path(second).exists()  # was kept on purpose
    assert not list(out.glob("points/*.run"))
    assert bits(path, out) == whole


def deadly(task):
    """In place of `run_point`: the point with learning rate 0.02 kills its worker."""
    lock = SweepFolder(task["folder"]).lock(task["name"])
    if task["values"]["train.learning_rate"] == 2e-2:
        assert lock.acquire()
        os.kill(os.getpid(), signal.SIGKILL)
    return run_point(task)


run_point = work.run_point


@pytest.mark.slow
@pytest.mark.parametrize(("deaths", "jobs"), [(1, 1), (3, 2)])
def test_a_point_that_kills_its_workers_fails_alone(
    sweep_file, tmp_path, monkeypatch, deaths, jobs
):
    path, out = sweep_file(RATES, epochs=1), tmp_path / "out"
    assert runner.LARGEST_DEATHS == 3
    monkeypatch.setattr(runner, "LARGEST_DEATHS", deaths)
    monkeypatch.setattr(work, "run_point", deadly)
    progress = spinrnn.run_sweep(spinrnn.load_sweep(path), out, jobs=jobs)
    assert (progress.done, progress.failed) == (3, 1)
    ((place, error),) = progress.errors.items()
    assert place == "learning_rate = 0.02"
    assert f"the worker died {deaths} times before the first checkpoint" in error
    monkeypatch.undo()
    assert (
        spinrnn.run_sweep(spinrnn.load_sweep(path), out, executor="serial", retry_failed=True).done
        == 4
    )


def die_at_once(task):
    os._exit(1)


@pytest.mark.slow
def test_workers_that_cannot_begin_are_told(sweep_file, tmp_path, monkeypatch):
    monkeypatch.setattr(work, "run_point", die_at_once)
    with pytest.raises(spinrnn.EngineError, match="die before they begin a point"):
        spinrnn.run_sweep(spinrnn.load_sweep(sweep_file(RATES)), tmp_path / "out", jobs=1)


@pytest.mark.slow
def test_workers_that_dask_gives_up_are_started_again(monkeypatch):
    """It drops one for good that takes too long to start again, as on a busy machine.

    The sweep would wait for ever.
    """
    dask = pytest.importorskip("dask", reason="Dask is not installed")
    pytest.importorskip("distributed", reason="Dask distributed is not installed")
    with dask.config.set({"distributed.deploy.lost-worker-timeout": "1s"}):
        engine = executors.open_workers("dask", 1)
        try:
            wait_for(lambda: engine.slots() == 1, 180)
            cluster, (nanny,) = engine._cluster, engine._cluster.workers.values()
            cluster.sync(nanny.close)
            wait_for(lambda: engine.slots() == 0, 180)
            wait_for(lambda: engine.slots() == 1, 180)
            assert "no such folder" in engine.submit({"folder": "/nowhere"}).result(60)["error"], (
                "it works"
            )
            monkeypatch.setattr(engine._cluster, "scale", lambda _: None)
            monkeypatch.setattr(executors, "PATIENCE", 3)
            (nanny,) = cluster.workers.values()
            cluster.sync(nanny.close)
            with pytest.raises(spinrnn.EngineError, match="do not start again"):
                wait_for(lambda: engine.slots() is None, 180)
        finally:
            engine.close()


class DiesLate(executors.Workers):
    """The worker of each point dies once, between result and removal of the folder."""

    lost = (BrokenExecutor,)

    def __init__(self):
        super().__init__(None, 1)
        self.died = set()

    def submit(self, task):
        future, first = Future(), task["name"] not in self.died
        answer = work.run_point(task | {"keep_runs": task["keep_runs"] or first})
        if first:
            self.died.add(task["name"])
            (Path(task["folder"]) / "points" / f"{task['name']}.run").write_text("{}")
            future.set_exception(BrokenExecutor())
        else:
            future.set_result(answer)
        return future

    def rebuild(self):
        pass


class DiesUnderAnother(DiesLate):
    """The same, but another session meets what is left.

    Nobody says that a worker was lost, the point is merely sent again.
    """

    def submit(self, task):
        future = super().submit(task)
        if isinstance(future.exception(), BrokenExecutor):
            future = Future()
            future.set_result({"outcome": "busy", "error": None, "seconds": 0.0})
        return future


@pytest.mark.parametrize("keep_runs", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_what_a_worker_leaves_that_dies_in_another_session(
    sweep_file, tmp_path, monkeypatch, keep_runs
):
    dying, out = DiesUnderAnother(), tmp_path / "out"
    monkeypatch.setattr(executors, "open_workers", lambda *_: dying)
    sweep = spinrnn.load_sweep(sweep_file(TWO, epochs=1))
    assert spinrnn.run_sweep(sweep, out, keep_runs=keep_runs).done == 2
    assert len(list(out.glob("runs/*/summary.json"))) == (2 if keep_runs else 0)
    assert not list(out.glob("points/*.run"))


@pytest.mark.parametrize("keep_runs", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_what_a_killed_sweep_leaves_is_removed_by_the_next(sweep_file, tmp_path, keep_runs):
    """With a result the run folder goes, unless it is to be kept.

    Without one, or with one for want of memory, the point goes on from it.
    """
    path, out = sweep_file(THREE, epochs=1), tmp_path / "out"
    sweep = spinrnn.load_sweep(path)
    assert spinrnn.run_sweep(sweep, out, executor="serial", keep_runs=True).done == 3
    folder, (done, lost, short) = SweepFolder(out), sweep.points
    folder.result_path(lost.name).unlink()
    _, _, state = container.load_record(folder.result_path(short.name), "point")
    state |= {
        "status": "failed",
        "error": {"class": "MemoryLimitError", "text": ""},
        "summary": None,
    }
    container.save_record(folder.result_path(short.name), "point", to_toml(short.config), {}, state)
    for point in (done, lost, short):
        folder.lock(point.name)._path.write_text("{}")
        folder.clear(point.digest, point.name, keep_runs)
        assert not folder.lock(point.name)._path.exists()
    assert [folder.run_path(p.name).exists() for p in (done, lost, short)] == [
        keep_runs,
        True,
        True,
    ]
    assert (
        spinrnn.run_sweep(
            sweep, out, executor="serial", retry_failed=True, keep_runs=keep_runs
        ).done
        == 3
    )


@pytest.mark.parametrize("keep_runs", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_what_a_worker_leaves_that_dies_after_its_result(
    sweep_file, tmp_path, monkeypatch, keep_runs
):
    dying, out = DiesLate(), tmp_path / "out"
    monkeypatch.setattr(executors, "open_workers", lambda *_: dying)
    sweep = spinrnn.load_sweep(sweep_file(TWO, epochs=1))
    assert spinrnn.run_sweep(sweep, out, keep_runs=keep_runs).done == 2
    assert len(dying.died) == 2
    assert len(list(out.glob("runs/*/summary.json"))) == (2 if keep_runs else 0)
    assert (out / "runs").exists() == keep_runs
    assert not list(out.glob("points/*.run"))


def test_a_folder_is_made_while_another_worker_removes_the_one_above(tmp_path, monkeypatch):
    """Once in each of the ways in which pathlib notices."""
    make, calls = Path.mkdir, []

    def late(path, *arguments, **options):
        calls.append(path)
        if len(calls) < 4:
            raise (FileNotFoundError if len(calls) % 2 else FileExistsError)(
                2, "No such file or directory"
            )
        return make(path, *arguments, **options)

    monkeypatch.setattr(Path, "mkdir", late)
    files.make_folder(tmp_path / "runs" / "point")
    assert (tmp_path / "runs" / "point").is_dir()
    with pytest.raises(spinrnn.StoreError, match="cannot create the folder"):
        files.make_folder(Path("/proc/none/there"))


def test_any_executor_will_do(sweep_file, tmp_path):
    sweep = spinrnn.load_sweep(sweep_file(RATES))
    with ThreadPoolExecutor(2) as executor:
        assert spinrnn.run_sweep(sweep, tmp_path / "out", executor=executor, jobs=2).done == 4
    with pytest.raises(spinrnn.EngineError, match="must be one of process, serial, dask, mpi"):
        spinrnn.run_sweep(sweep, tmp_path / "other", executor="magic")


@pytest.mark.slow
def test_two_processes_share_one_sweep(sweep_file, tmp_path):
    """Each point is run once; who ends first waits for the other's last point."""
    path, out = sweep_file(RATES, epochs=f"30\n{LONG}", seeds=2), tmp_path / "out"
    command = [*COMMAND, "run", str(path), "--out", str(out), "--executor", "serial", "--keep-runs"]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in both:
        output, complaint = process.communicate(timeout=60)
        assert process.returncode == 0, complaint
        assert "finished: 8 of 8 points" in output
    assert len(bits(path, out)) == 8
    assert len(list(out.glob("runs/*/curves.png"))) == 8
    assert not list(out.glob("points/*.run"))


def test_a_damaged_run_folder_is_begun_again(sweep_file, tmp_path):
    path, out = sweep_file(RATES, epochs=1), tmp_path / "out"
    sweep = spinrnn.load_sweep(path)
    run = SweepFolder(out).run_path(sweep.points[0].name)
    other = dataclasses.replace(
        sweep.points[0].config, network=spinrnn.NetworkConfig(layers=(3,), inputs=2, outputs=3)
    )
    spinrnn.train(other, out=run)
    (out / "sweep.json").write_text(json.dumps({"digest": sweep.digest, **sweep.to_json()}))
    assert spinrnn.run_sweep(sweep, out, executor="serial").done == 4
    assert spinrnn.run_sweep(sweep, tmp_path / "other", executor="serial").done == 4
    assert bits(path, out) == bits(path, tmp_path / "other")


@pytest.mark.slow
def test_no_space_left(sweep_file, tmp_path):
    """On a small file system: told, and with more space it goes on."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", disk], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount a small file system: {mounted.stderr.strip()}")
    try:
        path, out = sweep_file(RATES, seeds=10), disk / "out"
        refused(sweep_command("run", path, "--out", out, "--jobs", 2), "No space left")
        status = json.loads(sweep_command("status", out, "--json").stdout)["points"]
        assert status["done"] > 0
        assert status["damaged"] == status["failed"] == status["running"] == 0
        subprocess.run(["mount", "-o", "remount,size=20m", disk], check=True)
        assert sweep_command("run", path, "--out", out, "--jobs", 2).returncode == 0
        assert len(bits(path, out)) == 40
    finally:
        subprocess.run(["umount", disk], check=True)
