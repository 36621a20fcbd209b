"""The Bayesian machine: registers, words, sums, bytes, counting, numbers of sequences."""

KERNEL, NETWORK = "spinrnn/kernels/bitstreams.py", "spinrnn/networks/bayesian.py"
COUNTS, CONFIG = "spinrnn/learning/counts.py", "spinrnn/config/bayesian.py"
STATISTICS, STUDY = "spinrnn/datasets/statistics.py", "spinrnn/systems/bayes.py"
BITS, MACHINES = "tests/kernels/test_bitstreams.py", "tests/networks/test_bayesian.py"
LEARNING, FEATURES = "tests/learning/test_counts.py", "tests/datasets/test_statistics.py"
TABLES, ANSWERS = "spinrnn/datasets/tables.py", "spinrnn/runs/predicting.py"
CHANNELS, CASES = "spinrnn/datasets/channels.py", "spinrnn/datasets/cases.py"
SOURCES = "tests/datasets/test_sources.py"
ROWS = "tests/runs/test_bayesian_runs.py"
SYSTEM = "tests/systems/test_bayes.py"


def mutation(file, old, new, tests):
    return {"file": file, "old": old, "new": new, "tests": tests}


MUTATIONS = [
    mutation(KERNEL, "^ (r >> 3)", "^ (r >> 2)", BITS),
    mutation(KERNEL, "    place = 7\n", "    place = 6\n", BITS),
    mutation(KERNEL, "w * WORD + b]", "b]", BITS),
    mutation(KERNEL, "bit << np.uint64(b)", "bit << np.uint64(63 - b)", BITS),
    mutation(KERNEL, "bits &= words", "bits |= words", BITS),
    mutation(KERNEL, "bits = prior[i, w]", "bits = prior[0, w]", BITS),
    mutation(KERNEL, "u[n, j] >= edges", "u[n, j] > edges", BITS),
    mutation(KERNEL, "bits & np.uint64(127)", "bits & np.uint64(63)", BITS),
    mutation(KERNEL, ", LARGEST)", ", LARGEST + 1)", BITS),
    mutation(KERNEL, "np.int64(prior[i])", "np.int64(0)", BITS),
    mutation(NETWORK, "PERIOD // max(apart, 1)", "PERIOD // max(count, 1)", MACHINES),
    mutation(NETWORK, "states[-1:], of_prior", "states[:1], of_prior", MACHINES),
    mutation(NETWORK, "counters + 0.5", "counters + 1.0", MACHINES),
    mutation(NETWORK, "return -self.config.log_step", "return self.config.log_step", MACHINES),
    mutation(NETWORK, '== "value" else (0, 2)', '== "value" else (1, 2)', MACHINES),
    mutation(NETWORK, "np.round(255 * share)", "np.floor(255 * share)", MACHINES),
    mutation(NETWORK, "known.astype(np.uint8) ^ self", "known.astype(np.uint8) | self", MACHINES),
    mutation(NETWORK, "(known >= 0) & (known <= 255)", "(known >= 0)", MACHINES),
    mutation(NETWORK, "== best[:, None]).sum(axis=1) > 1", "== best[:, None]).sum(axis=1) > 2",
             MACHINES),
    mutation(NETWORK, "classes * (columns - 1),\n", "classes * columns,\n", MACHINES),
    mutation(CONFIG, "normal.cdf(2**0.5", "normal.cdf(2", MACHINES),
    mutation(CONFIG, "self.columns > PERIOD", "self.columns > PERIOD + 1", MACHINES),
    mutation(COUNTS, "found += smoothing", "found += 1", LEARNING),
    mutation(COUNTS, "np.arange(1, bins) / bins", "np.arange(bins - 1) / bins", LEARNING),
    mutation(COUNTS, "given = labels[known], weights[known]",
             "given = labels[known], np.ones(known.sum())", LEARNING),
    mutation(COUNTS, "u > least, u", "u >= least, u", LEARNING),
    mutation(COUNTS, "append=np.inf) > 0", "append=np.inf) >= 0", LEARNING),
    mutation(COUNTS, "else there)", "else 1.0)", LEARNING),
    mutation(COUNTS, "found[:, constant] = 1 / config.bins", "pass", LEARNING),
    mutation(COUNTS, "-np.frexp(np.abs(u).max(axis=0))[1]", "np.zeros(u.shape[1], int)",
             LEARNING),
    mutation(COUNTS, "labels[weights > 0]", "labels[weights >= 0]", LEARNING),
    mutation("spinrnn/networks/static.py", "array.copy() for name, array in self.buffers",
             "array for name, array in self.buffers", MACHINES),
    mutation(NETWORK, "other.scaling, other.knows = self.scaling, self.knows", "pass", MACHINES),
    mutation(NETWORK, "~np.isfinite(edges).all(axis=1)", "np.zeros(len(edges), bool)", MACHINES),
    mutation(NETWORK, "(np.diff(edges, axis=1) < 0)", "(np.diff(edges, axis=1) < -1e12)",
             MACHINES),
    mutation(COUNTS, "u[labels == i]", "u[labels <= i]", LEARNING),
    mutation(COUNTS, "(own - mean) ** 2", "(own - own[0]) ** 2", LEARNING),
    mutation(COUNTS, "(counts > 0).sum() < 2", "(counts > 0).sum() < 1", LEARNING),
    mutation(COUNTS, "if share > SILENT:", "if False:", LEARNING),
    mutation(STATISTICS, "np.abs(np.diff(x, axis=2))", "np.diff(x, axis=2)", FEATURES),
    mutation(STATISTICS, "there[:, :, 1:]", "there[:, :, :-1]", FEATURES),
    mutation(STATISTICS, "np.maximum(count - 1, 1)", "count", FEATURES),
    mutation(STATISTICS, "[:, feature.first - 1 : feature", "[:, feature.first : feature",
             FEATURES),
    mutation(STUDY, "np.arange(len(own)) * FOLDS // len(own)", "np.arange(len(own)) % FOLDS",
             SYSTEM),
    mutation(NETWORK, "if not len(found):", "if False:", MACHINES),
    # a row of a table
    mutation(
        TABLES, "asked.numbers == len(channels)", "asked.numbers is not None",
        "tests/datasets/test_sources.py",
    ),
    mutation(TABLES, "[*every[:, None]] if alone else [every]", "[every]", ROWS),
    mutation(CHANNELS, "if missing:", "if False:", ROWS),
    mutation(CHANNELS, "return list(wanted), said", "return list(own), said", ROWS),
    mutation(CHANNELS, "nearest(name, left)", "None", ROWS),
    mutation(TABLES, "if len(at) > 1]", "if False]", ROWS),
    mutation(
        TABLES, "free = [name for name in table.arrays if name not in others]",
        "free = [*table.arrays]", SOURCES,
    ),
    mutation(CASES, "{name: channels[name] for name in names}", "dict(channels)", ROWS),
    mutation(ANSWERS, 'None if "time" in config.abilities else', "", ROWS),
]  # fmt: skip
