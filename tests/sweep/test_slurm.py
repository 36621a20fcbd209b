"""Job scripts for SLURM: what a point needs, what an array asks for, the text."""

import pytest
from conftest import here

import spinrnn
from spinrnn.runs.run import FINER
from spinrnn.sweep.slurm import (
    MARK,
    JobArray,
    Needs,
    expected_seconds,
    job_array,
    script,
    write_script,
)

NEEDS = Needs(seconds=800.0, start=5.0, memory=200_000_000, states=10 * 2**20)


@pytest.fixture
def sweep(sweep_file):
    """16 points, four each that take 800, 400, 200 and 100 s."""
    text = '[[axes]]\nkey = "network.substeps"\nvalues = [1, 2, 4, 8]'
    return spinrnn.load_sweep(sweep_file(text, seeds=4))


def test_the_time_of_a_point():
    """Epochs of training and validation; at the end two tests, one of them finer."""
    assert FINER == 8
    parts = {"epochs": 10, "training": 100.0, "validation": 7.0, "test": 3.0, "drive": 0.5}
    assert expected_seconds(**parts, record_test=False) == 10 * 107 + 9 * 3 + 0.5
    assert expected_seconds(**parts, record_test=True) == 10 * 110 + 9 * 3 + 0.5


def test_tasks_of_about_an_hour(sweep):
    """6016 s in all, with a second more for each point: two tasks of one half each."""
    array = job_array(sweep.points, NEEDS)
    half = 2 * (801 + 401 + 201 + 101) + 5
    assert array == JobArray(2, 1, 1, half, -(-(1.5 * half + 180) // 60), 300)


def test_an_array_of_one_point_a_task(sweep):
    array = job_array(sweep.points, NEEDS, tasks=16, threads_per_worker=3)
    assert (array.tasks, array.jobs, array.threads) == (16, 1, 3)
    assert array.seconds == 801 + 5, "the most expensive one"
    assert array.minutes == 24, "half more, and 90 s twice to stop in"
    assert array.megabytes == 300


def test_several_points_at_a_time(sweep):
    array = job_array(sweep.points, NEEDS, tasks=2, jobs=2)
    assert array.seconds == 801 + 401 + 201 + 101 + 5
    assert array.megabytes == 900, "of two points and the process that gives the work"
    assert job_array(sweep.points, NEEDS, tasks=8, jobs=4).seconds == 801 + 5, "no less than one"


def test_impossible_arrays_are_refused(sweep):
    for tasks in (17, 0):
        with pytest.raises(
            spinrnn.ConfigError, match=f"--array: must be from 1 to 16.*got {tasks}"
        ):
            job_array(sweep.points, NEEDS, tasks=tasks)


def test_what_the_script_asks_for(sweep, tmp_path):
    array = JobArray(tasks=3, jobs=2, threads=4, seconds=600.0, minutes=1525, megabytes=123)
    text = script(sweep, tmp_path / "a b", array, NEEDS)
    lines = text.splitlines()
    assert lines[0] == "#!/bin/bash"
    assert MARK in lines[1]
    for line in (
        "#SBATCH --job-name=toy",
        "#SBATCH --array=0-2",
        "#SBATCH --time=1-01:25:00",
        "#SBATCH --mem=123M",
        "#SBATCH --cpus-per-task=8",
        "#SBATCH --signal=B:USR1@90",
        f'#SBATCH --output="{tmp_path}/a b/slurm-%A_%a.log"',
        "export SPINRNN_MEMORY=30M",
        'share="$SLURM_ARRAY_TASK_ID/3"',
    ):
        assert line in lines, line
    assert "16 points in 3 tasks" in text
    assert "800 s and 200 MB" in text
    assert "expected to take 10 min" in text
    (run,) = [line for line in lines if " sweep run " in line]
    assert run.endswith(
        f"-m spinrnn sweep run '{tmp_path}/a b' --shard \"$share\" --jobs 2 "
        "--threads-per-worker 4 &"
    )
    single = script(sweep, tmp_path, JobArray(3, 1, 1, 1.0, 1, 1), NEEDS)
    assert "expected to take 1 s." in single
    assert '--shard "$share" --executor serial --threads-per-worker 1 &' in single
    assert "export SPINRNN_MEMORY=15M" in single


def test_a_script_does_not_replace_another_file(tmp_path):
    precious = tmp_path / "job.slurm"
    precious.write_text("#!/bin/bash\n")
    with pytest.raises(spinrnn.StoreError, match="no script that spinrnn wrote"):
        write_script(precious, "new")
    write_script(tmp_path / "new.slurm", MARK)
    write_script(tmp_path / "new.slurm", MARK + " again")
    assert (tmp_path / "new.slurm").read_text().endswith("again")


@pytest.mark.slow
def test_the_command_measures_a_point_and_writes_the_script(sweep_file, tmp_path):
    path, target = sweep_file(seeds=3, cumulative_drive="true"), tmp_path / "toy.slurm"
    made = here("sweep", "slurm", path, "--out", tmp_path / "out", "--script", target, "--array", 2)
    assert made.returncode == 0, made.stderr
    text = target.read_text()
    assert "#SBATCH --array=0-1" in text
    assert f"{tmp_path / 'out'} --shard" in text
    assert f"sbatch {target}" in made.stdout
    assert 100 < int(text.partition("--mem=")[2].partition("M")[0]) < 4000
