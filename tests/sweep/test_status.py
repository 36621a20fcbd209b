"""How far a sweep is and what it takes: status, remaining time, shares, order."""

import json
import os
import subprocess
import sys
import types
from concurrent.futures import Future

import pytest
from conftest import here

import spinrnn
from spinrnn.machine import memory, threads
from spinrnn.sweep import columns, executors, runner, work
from spinrnn.sweep.folder import SweepFolder
from spinrnn.sweep.points import cost
from spinrnn.sweep.status import look

EPOCHS = '[[axes]]\nkey = "train.epochs"\nvalues = [1, 2, 4, 8, 16]\n'
SUMMARY = {"seconds_training": 0.0, "test_accuracy": 0.5}


@pytest.fixture
def five(sweep_file, tmp_path):
    """A sweep of five points of cost 1, 2, 4, 8 and 16, and its folder."""
    sweep, folder = spinrnn.load_sweep(sweep_file(EPOCHS)), SweepFolder(tmp_path / "out")
    folder.claim(sweep)
    return sweep, folder


def write(folder, point, status="done", seconds=1.0, training=0.0, error=None):
    """A result by hand."""
    summary = None if error else SUMMARY | {"seconds_training": training}
    state = {"status": status, "seconds": seconds, "finished": 7.0, "extra": {}}
    state |= {"summary": summary, "error": error and {"class": "X", "text": error}}
    folder.save(point.digest, point.name, "", {}, state)


# ---- status ----


def test_nothing_done_has_no_times(five):
    found = look(*five)
    assert found["points"] == {
        "done": 0, "diverged": 0, "failed": 0, "damaged": 0, "running": 0, "waiting": 5,
    }  # fmt: skip
    assert (found["sweep"], found["remaining"], found["seconds"]) == ("toy", None, None)
    assert (found["errors"], found["more_errors"]) == ([], 0)


def test_remaining_time_goes_by_the_cost_of_what_is_left(five):
    """Points of cost 1 and 4 took 3 and 7 s: 2 s for each; 2 + 8 + 16 are left."""
    sweep, folder = five
    write(folder, sweep.points[0], seconds=3.0)
    write(folder, sweep.points[2], seconds=7.0)
    found = look(sweep, folder)
    assert found["remaining"] == pytest.approx(26 * 2)
    assert found["seconds"] == pytest.approx(5)
    locks = [folder.lock(point.name) for point in sweep.points[3:]]
    assert all(lock.acquire() for lock in locks)
    found = look(sweep, folder)
    assert (found["points"]["running"], found["points"]["waiting"]) == (2, 1)
    assert found["remaining"] == pytest.approx(26 * 2 / 2), "two at a time"
    shown = here("sweep", "status", folder.path).stdout
    assert "5 points, 2 done, 0 failed, 2 running, 1 waiting" in shown
    assert "another 26 s, 2 at a time; a point has taken 5 s on average" in shown
    for lock in locks:
        lock.release()


def test_a_resumed_point_has_taken_what_its_training_took(five):
    """Its own seconds are those of its last session."""
    sweep, folder = five
    write(folder, sweep.points[0], seconds=1.0, training=9.0)
    assert look(sweep, folder)["seconds"] == 9


def test_failures_and_divergences_neither_count_as_done_nor_as_left(five):
    sweep, folder = five
    write(folder, sweep.points[0], seconds=2.0)
    write(folder, sweep.points[3], "diverged", 1000.0, error="too large")
    write(folder, sweep.points[4], "failed", 1000.0, error="no memory")
    found = look(sweep, folder)
    assert found["remaining"] == pytest.approx(2 * (2 + 4))
    assert found["seconds"] == 2
    assert [error["status"] for error in found["errors"]] == ["failed", "diverged"]
    assert found["errors"][0] == {"point": "epochs = 16", "status": "failed", "error": "no memory"}
    assert found["errors"][1]["error"] == "too large"
    (folder.result_path(sweep.points[1].name)).write_bytes(b"half")
    found = look(sweep, folder)
    assert (found["points"]["damaged"], found["points"]["waiting"]) == (1, 1)
    assert found["remaining"] == pytest.approx(2 * (2 + 4)), "damaged ones run again"


def test_all_done_leaves_nothing(five):
    sweep, folder = five
    for point in sweep.points:
        write(folder, point, seconds=4.0)
    found = look(sweep, folder)
    assert (found["points"]["done"], found["remaining"], found["seconds"]) == (5, None, 4)


def test_ten_errors_are_listed(sweep_file, tmp_path):
    sweep, folder = spinrnn.load_sweep(sweep_file(seeds=13)), SweepFolder(tmp_path / "out")
    folder.claim(sweep)
    for point in sweep.points:
        write(folder, point, "failed", error="bad")
    found = look(sweep, folder)
    assert (len(found["errors"]), found["more_errors"]) == (10, 3)
    assert here("sweep", "status", folder.path).stdout.endswith("and 3 more\n")


# ---- cost, order, shares ----


def test_the_cost_of_a_run():
    """Epochs x substeps x (couplings within and between layers + 60 a neuron)."""
    network = spinrnn.NetworkConfig(layers=(3, 5), substeps=7)
    config = spinrnn.RunConfig(network=network, train=spinrnn.TrainConfig(epochs=2))
    assert cost(config) == 2 * 7 * (3 * 3 + 5 * (5 + 3) + 60 * 8)


def test_shards_take_turns_from_the_most_expensive_point_down(five):
    sweep, _ = five
    epochs = lambda shard: [
        point.config.train.epochs for point in runner.shard_of(sweep.points, shard)
    ]
    assert epochs(None) == [16, 8, 4, 2, 1]
    assert epochs((0, 2)) == [16, 4, 1]
    assert epochs((1, 2)) == [8, 2]
    with pytest.raises(spinrnn.ConfigError, match="NUMBER/COUNT"):
        runner.shard_of(sweep.points, (2, 2))


def test_equally_expensive_points_keep_their_order(sweep_file):
    points = spinrnn.load_sweep(sweep_file(seeds=4)).points
    assert runner.shard_of(points, None) == points


def test_processes_of_ours_share_out_the_memory():
    """Between those that run, no more than there are points; others find their own."""
    with memory.using(1000), threads.using(6):
        ours = executors.open_workers("process", jobs=4)
        assert [ours.memory(points) for points in (1, 3, 4, 100)] == [1000, 333, 250, 250]
        assert ours.slots() == 4
        assert executors.open_workers("process").slots() == 6
        assert executors.open_workers("process", threads_per_worker=4).slots() == 1
        serial = executors.open_workers("serial")
        assert (serial.memory(5), serial.slots()) == (None, 1)
    with memory.using(1):
        assert executors.open_workers("process", jobs=4).memory(9) == 1


class Instant(executors.Workers):
    """Answers at once, a clock going on by ten seconds for each unit of cost."""

    def __init__(self, sweep, outcomes):
        super().__init__(None, 1)
        self.now, self.tasks, self._outcomes = 0.0, [], outcomes
        self._costs = {point.name: point.config.train.epochs for point in sweep.points}

    def submit(self, task):
        self.tasks.append(task)
        self.now += 10.0 * self._costs[task["name"]]
        outcome = self._outcomes.get(len(self.tasks), "done")
        future = Future()
        future.set_result({"outcome": outcome, "error": "bad", "seconds": 0.0})
        return future

    def monotonic(self):
        return self.now


def test_progress_tells_what_is_left(five, monkeypatch):
    """Ten seconds for a unit of cost: after the point of 16 the other 15 take 150 s."""
    sweep, folder = five
    workers, seen = Instant(sweep, {2: "failed"}), []
    monkeypatch.setattr(executors, "open_workers", lambda *_: workers)
    monkeypatch.setattr(
        runner, "time", types.SimpleNamespace(monotonic=workers.monotonic, sleep=None)
    )
    monkeypatch.setattr(workers, "slots", lambda: 0)
    note = lambda p: seen.append((p.total, p.finished, p.failed, p.seconds, p.remaining))
    progress = runner.run_sweep(sweep, folder.path, on_progress=note, threads_per_worker=3)
    assert seen == [
        (5, 0, 0, 0.0, None), (5, 1, 0, 160.0, 150.0), (5, 2, 1, 240.0, 70.0),
        (5, 3, 1, 280.0, 30.0), (5, 4, 1, 300.0, 10.0), (5, 5, 1, 310.0, 0.0),
        (5, 5, 1, 310.0, 0.0),
    ]  # fmt: skip
    assert (progress.done, progress.failed, progress.skipped) == (4, 1, 0)
    assert progress.errors == {"epochs = 8": "bad"}
    assert [task["tables"]["train"]["epochs"] for task in workers.tasks] == [16, 8, 4, 2, 1]
    assert {(task["threads"], task["memory"]) for task in workers.tasks} == {(3, None)}


def test_a_task_tells_the_worker_what_the_point_is(sweep_file, tmp_path):
    text = '[[axes]]\nkey = "train.noise"\nvalues = [0.1, 0.2]'
    sweep = spinrnn.load_sweep(sweep_file(text, seeds="[5, 6]", record_test="true"))
    point, folder = sweep.points[1], SweepFolder(tmp_path / "out")
    task = work.task(folder, "session", 3.0, point, sweep, {"threads": 2, "memory": 9}, True)
    assert json.loads(json.dumps(task)) == json.loads(json.dumps(task | {}))
    assert task["values"] == {"train.noise": 0.1, "train.seed": 6}
    assert (task["tables"]["train"]["noise"], task["tables"]["train"]["seed"]) == (0.1, 6)
    assert (task["name"], task["digest"], task["data"]) == (point.name, point.digest, point.data)
    assert (task["record_test"], task["cumulative_drive"], task["keep_runs"]) == (True, False, True)
    assert (task["threads"], task["memory"], task["known"]) == (2, 9, 3.0)
    assert task["folder"] == os.path.abspath(folder.path)


# ---- a script without a main guard ----


@pytest.mark.slow
def test_a_script_without_a_main_guard_is_told_in_one_line(sweep_file, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import spinrnn\n"
        f"sweep = spinrnn.load_sweep({str(sweep_file(epochs=1))!r})\n"
        "try:\n"
        f"    spinrnn.run_sweep(sweep, {str(tmp_path / 'out')!r}, jobs=1)\n"
        "except spinrnn.EngineError as error:\n"
        "    print(error)\n"
    )
    found = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert (found.returncode, found.stderr) == (0, "")
    (line,) = found.stdout.splitlines()
    assert "imports your script" in line
    assert line.endswith('below `if __name__ == "__main__":`')
    assert not list((tmp_path / "out").glob("session-*"))


def test_columns_that_are_times_have_seconds():
    tasks = columns.all_tasks()
    every = {**columns.summary_columns(tasks), **columns.EXTRA, **columns.history_columns(tasks)}
    for name, (unit, _) in every.items():
        assert unit == ("s" if name.startswith("seconds") else "1"), name
