"""Mutations of built-in tasks, their baselines and capacities, of ridge regressions and of
long sequences in pieces.
"""

SERIES, KEYS = "tests/datasets/test_builtin.py", "tests/config/test_built_in_keys.py"
BASELINES, RIDGE = "tests/learning/test_baselines.py", "tests/learning/test_ridge.py"
PIECES, LAYOUT = "tests/networks/test_pieces.py", "tests/synapses/test_layout.py"
CAPACITY = "tests/tasks/test_capacity.py"


def one(file, old, new, tests):
    return {"file": f"spinrnn/{file}.py", "old": old, "new": new, "tests": tests}


CHOSEN = "if found is None or error < found[0]"

MUTATIONS = [
    one("datasets/builtin", "1.5 * u[t - 9]", "1.5 * u[t - 8]", SERIES),
    one("datasets/builtin", "if max(found) <= BOUND:", "if True:", SERIES),
    one("datasets/builtin", "by_start * at[:-1]", "by_start * at[1:]", SERIES),
    one("datasets/builtin", "phase < PERIOD", "phase <= PERIOD", SERIES),
    one(
        "datasets/builtin",
        "u[delays - k : len(u) - k]",
        "u[delays - k + 1 : len(u) - k + 1]",
        SERIES,
    ),
    one("config/sources", "{**asked, **table}", "table", KEYS),
    one("sweep/points", "for key in sources.KEYS:", "for key in ():", KEYS),
    one(
        "tasks/capacity",
        "products**2, squares",
        "products, squares",
        "tests/tasks/test_capacity.py",
    ),
    one("learning/ridge", "training.xx - np.outer(training.x, mean)", "training.xx", RIDGE),
    one("learning/ridge", CHOSEN, "if True", RIDGE),
    one("learning/ridge", CHOSEN, "if found is None", RIDGE),
    one("learning/ridge", "(root * x, root * y)", "(x, y)", RIDGE),
    one("learning/esn", "(1 - self.leak) * x", "self.leak * x", BASELINES),
    one("learning/baselines", CHOSEN, "if True", BASELINES),
    one("learning/baselines", CHOSEN, "if found is None", BASELINES),
    one("networks/pieces", "u[own], noise_seed, first)", "u[own], noise_seed, 0)", PIECES),
    one("networks/streaming", "start = first * constants.substeps", "start = 0", PIECES),
    one("networks/streaming", "self._points += count", "self._points += 1", PIECES),
    one("synapses/layout", "mask * (w - w.T)", "(w - w.T)", LAYOUT),
    one(
        "datasets/stretches",
        "cases.targets[-1, :, :counted] = np.nan",
        "pass",
        "tests/datasets/test_parts.py",
    ),
]
