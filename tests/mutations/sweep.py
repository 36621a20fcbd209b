"""Mutations of sweeps: order, identity, seeds, status, remaining time, scripts, cube."""

STATUS = {"file": "spinrnn/sweep/status.py", "tests": "tests/sweep/test_status.py"}
SLURM = {"file": "spinrnn/sweep/slurm.py", "tests": "tests/sweep/test_slurm.py", "k": "not command"}
RUNNER = {
    "file": "spinrnn/sweep/runner.py",
    "tests": "tests/sweep/test_status.py",
    "k": "not guard",
}
POINTS = {"file": "spinrnn/sweep/points.py", "tests": "tests/sweep/test_sweep_spec.py"}
AXES = {"file": "spinrnn/sweep/axes.py", "tests": "tests/sweep/test_sweep_spec.py"}
FILE = {"file": "spinrnn/sweep/file.py", "tests": "tests/sweep/test_sweep_spec.py"}
CUBE = {"file": "spinrnn/sweep/cube.py", "tests": "tests/sweep/test_sweep_cube.py"}
WORK = {
    "file": "spinrnn/sweep/work.py",
    "tests": "tests/sweep/test_sweep_run.py",
    "k": "gives_what_its_runs_give or divergence or other_failures or more_memory or damaged_run",
}
COST = POINTS | {"tests": "tests/sweep/test_status.py", "k": "cost"}

MUTATIONS = [
    # status
    STATUS | {"old": "cost_left += point.cost", "new": "cost_left += 1"},
    STATUS | {"old": "cost_done += point.cost", "new": "cost_done += 1"},
    STATUS
    | {
        "old": "cost_left * seconds_done / cost_done",
        "new": "cost_left * cost_done / seconds_done",
    },
    STATUS | {"old": '/ max(1, counts["running"])', "new": ""},
    STATUS | {"old": 'max(state["seconds"], state', "new": 'min(state["seconds"], state'},
    STATUS | {"old": 'not in (*COMPLETE, "failed")', "new": "not in COMPLETE"},
    STATUS
    | {"old": 'not in (*COMPLETE, "failed")', "new": 'not in (*COMPLETE, "failed", "damaged")'},
    STATUS | {"old": 'seconds_done / counts["done"]', "new": "seconds_done / len(sweep)"},
    STATUS | {"old": '!= "failed")', "new": '== "failed")'},
    STATUS | {"old": "len(errors) - SHOWN", "new": "len(errors)"},
    # order, shares, remaining time of the process that gives the work
    RUNNER | {"old": "key=lambda point: -point.cost", "new": "key=lambda point: point.cost"},
    RUNNER | {"old": "[number::count]", "new": "[: len(points) // count]"},
    RUNNER | {"old": "self._cost_left -= point.cost", "new": "self._cost_left -= 1"},
    RUNNER
    | {
        "old": "progress.seconds * self._cost_left / self._cost_done",
        "new": "progress.seconds * self._cost_done / self._cost_left",
    },
    RUNNER
    | {
        "old": "progress.skipped += 1",
        "new": "progress.skipped += 0",
        "tests": "tests/sweep/test_sweep_run.py",
        "k": "other_failures",
    },
    RUNNER
    | {
        "old": 'status in COMPLETE or (status == "failed" and not retry_failed)',
        "new": 'status in COMPLETE and not retry_failed or status == "failed"',
        "tests": "tests/sweep/test_sweep_run.py",
        "k": "other_failures or divergence",
    },
    RUNNER | {"old": '{"threads": threads_per_worker, ', "new": '{"threads": 1, '},
    RUNNER | {"old": "    executors.leave_unguarded_import()\n", "new": "", "k": "guard"},
    {
        "file": "spinrnn/sweep/executors.py",
        "old": "min(self._jobs, points)",
        "new": "self._jobs",
        "tests": "tests/sweep/test_status.py",
        "k": "share_out",
    },
    {
        "file": "spinrnn/sweep/executors.py",
        "old": "// min(self._jobs, points))",
        "new": ")",
        "tests": "tests/sweep/test_status.py",
        "k": "share_out",
    },
    {
        "file": "spinrnn/sweep/executors.py",
        "old": "threads.get_threads() // threads_per_worker",
        "new": "threads.get_threads()",
        "tests": "tests/sweep/test_status.py",
        "k": "share_out",
    },
    # identity and cost
    POINTS
    | {
        "old": 'for key in ("checkpoint_seconds", "checkpoints")',
        "new": 'for key in ("checkpoint_seconds", "checkpoints", "seed")',
        "k": "identity",
    },
    POINTS
    | {
        "old": 'for key in ("checkpoint_seconds", "checkpoints")',
        "new": 'for key in ("checkpoint_seconds",)',
        "k": "identity",
    },
    POINTS
    | {
        "old": 'tables["data"]["source"] = data',
        "new": 'tables["data"]["source"] = ""',
        "k": "identity",
    },
    POINTS | {"old": "FLAT, tables, sorted(record)]", "new": "FLAT, tables]", "k": "identity"},
    POINTS
    | {"old": "FLAT = 1", "new": "FLAT = 2", "tests": "tests/test_fixtures.py", "k": "sweep"},
    POINTS
    | {
        "old": "table[key] = value\n    if",
        "new": "pass\n    if",
        "k": "identity or automatic or same",
    },
    POINTS | {"old": "first.setdefault(point.digest, point)", "new": "point", "k": "same_run"},
    COST | {"old": "n * (n + m)", "new": "n * n + m"},
    COST | {"old": "config.train.epochs * config", "new": "config"},
    COST | {"old": "NEURON_COST = 60", "new": "NEURON_COST = 6"},
    # the file
    AXES
    | {
        "old": "range(min(seeds, LARGEST_SWEEP + 1))",
        "new": "range(1, min(seeds, LARGEST_SWEEP + 1) + 1)",
    },
    AXES
    | {"old": 'np.geomspace if form == "logarithmic"', "new": 'np.geomspace if form == "linear"'},
    AXES | {"old": "values[-1] = float(last)", "new": "pass"},
    AXES | {"old": "_is_whole(s, 0)", "new": "_is_whole(s, 1)", "k": "seeds_are"},
    AXES
    | {
        "old": 'known_keys().get(key, "1")',
        "new": '"1"',
        "tests": "tests/sweep/test_sweep_cube.py",
        "k": "the_cube",
    },
    FILE | {"old": 'versions.put(tables, f"{name}.{key}", value)', "new": "pass"},
    FILE
    | {
        "old": "_absolute(tables, path.parent)",
        "new": "_absolute(tables, folder.parent)",
        "k": "overrule",
    },
    # what a point yields
    WORK
    | {
        "old": 'f"test_{name}": value for name, value in found.items()',
        "new": 'f"test_{name}": -value for name, value in found.items()',
        "k": "gives_what",
    },
    WORK | {"old": "divide(data, config)[2]", "new": "divide(data, config)[0]", "k": "gives_what"},
    WORK
    | {
        "old": 'if not task["keep_runs"] and not _lacked_memory(state)',
        "new": 'if not task["keep_runs"]',
        "k": "more_memory",
    },
    WORK
    | {
        "old": '"diverged" if isinstance(error, DivergenceError) else "failed"',
        "new": '"failed"',
        "k": "divergence",
    },
    WORK | {"old": 'state["finished"] == task["known"]', "new": "False", "k": "other_failures"},
    WORK | {"old": 'threads.using(task["threads"]), ', "new": "", "k": "gives_what"},
    # the cube
    CUBE
    | {
        "old": '"diverged": status == "diverged"',
        "new": '"diverged": status == "failed"',
        "tests": "tests/sweep/test_sweep_run.py",
        "k": "divergence",
    },
    CUBE
    | {
        "old": "np.arange(1, epochs + 1, dtype=np.float64)",
        "new": "np.arange(epochs, dtype=np.float64)",
    },
    CUBE
    | {
        "old": "values[position][: len(found[name])]",
        "new": "values[position][-len(found[name]) :]",
    },
    CUBE
    | {
        "old": '{"units": unit_of_column, "long_name": meaning}',
        "new": '{"units": meaning, "long_name": unit_of_column}',
    },
    CUBE
    | {
        "old": "cube[name][point.position] = numbers[name]",
        "new": "cube[name][point.position[::-1]] = numbers[name]",
    },
    {
        "file": "spinrnn/sweep/columns.py",
        "old": '"seconds_training": ("s",',
        "new": '"seconds_training": ("1",',
        "tests": "tests/sweep/test_status.py",
    },
    # job scripts
    SLURM | {"old": "epochs * each + (1 + FINER) * test", "new": "epochs * each + FINER * test"},
    SLURM | {"old": "training + validation + (test if", "new": "training + (test if"},
    SLURM | {"old": "(test if record_test else 0.0)", "new": "(0.0 if record_test else test)"},
    SLURM
    | {"old": "max(seconds, max(own), sum(own) / jobs)", "new": "max(seconds, sum(own) / jobs)"},
    SLURM | {"old": "seconds += needs.start", "new": "pass"},
    SLURM | {"old": "(MARGIN * seconds + 2 * NOTICE) / 60", "new": "(seconds + 2 * NOTICE) / 60"},
    SLURM | {"old": "needs.memory * jobs + (PARENT", "new": "needs.memory + (PARENT"},
    SLURM
    | {"old": "MARGIN * needs.states * array.jobs / 2**20", "new": "MARGIN * needs.states / 2**20"},
    SLURM
    | {
        "old": "minutes // 60:02d}:{minutes % 60:02d}:00",
        "new": "minutes % 60:02d}:{minutes // 60:02d}:00",
    },
    SLURM
    | {
        "old": "cpus-per-task={array.jobs * array.threads}",
        "new": "cpus-per-task={array.jobs + array.threads}",
    },
    SLURM | {"old": "/ jobs / TASK_SECONDS", "new": "/ TASK_SECONDS / 60"},
]
