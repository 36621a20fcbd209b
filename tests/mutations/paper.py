"""Mutations of the paper's numbers, drawings, advice and pictures."""

PAPER = "tests/paper/test_paper.py"
DRAWN = {"file": "spinrnn/paper/figures.py", "tests": "tests/paper/test_paper_figures.py"}
CURVES = {"file": "spinrnn/paper/curves.py", "tests": PAPER}
NUMBERS = {"file": "spinrnn/paper/numbers.py", "tests": PAPER}
GUIDE = {"file": "spinrnn/paper/guide.py", "tests": PAPER}
PICTURES = {"file": "spinrnn/plotting.py", "tests": "tests/test_plotting.py"}
REAL = {"file": "spinrnn/paper/robustness.py", "tests": PAPER, "k": "devices_of_their_own"}

MUTATIONS = [
    # statistics
    CURVES | {"old": "(25, 50, 75)", "new": "(10, 50, 90)", "k": "quartiles"},
    CURVES | {"old": "above, best = y >= level", "new": "above, best = y > level", "k": "plateau"},
    CURVES
    | {
        "old": "high / low > best[1] / best[0]",
        "new": "high - low > best[1] - best[0]",
        "k": "plateau",
    },
    CURVES
    | {"old": "(y[inside] - level) / (y[inside] - y[outside])", "new": "0.5", "k": "plateau"},
    CURVES
    | {
        "old": "start + share * (end - start)",
        "new": "end + share * (start - end)",
        "k": "plateau",
    },
    CURVES
    | {
        "old": "start, end = math.log(x[inside]), math.log(x[outside])",
        "new": "start, end = math.log(x[inside]), math.log(x[inside]) + 1",
        "k": "plateau",
    },
    CURVES | {"old": "np.abs(np.interp", "new": "(np.interp", "k": "spread_is_zero"},
    CURVES
    | {
        "old": "low, high = max(xa[0], xb[0]), min(xa[-1], xb[-1])",
        "new": "low, high = min(xa[0], xb[0]), max(xa[-1], xb[-1])",
        "k": "spread_is_zero",
    },
    CURVES
    | {
        "old": "sweep.points[::seeds]",
        "new": "sweep.points[:: max(1, seeds - 1)]",
        "k": "conditions_have",
    },
    CURVES
    | {
        "old": "condition.runs or condition.diverged]",
        "new": "condition.runs]",
        "k": "diverged_whole or divergence",
    },
    # tables
    CURVES
    | {
        "old": '"learning_rate": train.learning_rate',
        "new": '"learning_rate": train.noise',
        "k": "fig2_has_both",
    },
    CURVES
    | {
        "old": '("test_accuracy", "accuracy_percent", 100)',
        "new": '("test_accuracy", "accuracy_percent", 1)',
        "k": "fig2_has_both",
    },
    CURVES
    | {
        "old": '"test_accuracy_fine", "accuracy_8x',
        "new": '"test_accuracy", "accuracy_8x',
        "k": "columns",
    },
    CURVES
    | {
        "old": '"density_int": network.density_int',
        "new": '"density_int": network.density_ext',
        "k": "columns",
    },
    CURVES
    | {
        "old": '"input_interval_s": network.input_interval',
        "new": '"input_interval_s": network.relaxation_time',
        "k": "columns",
    },
    CURVES
    | {
        "old": '("q25", "median", "q75")',
        "new": '("q75", "median", "q25")',
        "k": "guideline or columns",
    },
    # findings
    NUMBERS | {"old": "86.92, 89.83, 92.74", "new": "86.92, 88.83, 92.74", "k": "fig2_finds"},
    NUMBERS
    | {
        "old": "_digits(place[1] / place[0])",
        "new": "_digits(place[0] / place[1])",
        "k": "fig2_finds",
    },
    NUMBERS
    | {
        "old": 'c.values["test_accuracy"] - c.values["test_accuracy_fine"]',
        "new": 'c.values["test_accuracy_fine"] - c.values["test_accuracy"]',
        "k": "fig2_finds",
    },
    NUMBERS
    | {
        "old": "        100 * float(np.nanmedian(",
        "new": "        float(np.nanmedian(",
        "k": "fig2_finds",
    },
    NUMBERS
    | {"old": "_digits(found[best].ratio)", "new": "_digits(found[0].ratio)", "k": "fig2_finds"},
    NUMBERS
    | {
        "old": '"interval": ("Delta t", lambda found: [c.interval',
        "new": '"interval": ("Delta t", lambda found: [c.ratio',
        "k": "fig3",
    },
    NUMBERS | {"old": "c.ratio < 1 - 1e-9", "new": "c.ratio > 1 - 1e-9", "k": "fig3"},
    NUMBERS
    | {"old": "same(c.interval, min(shared))", "new": "same(c.interval, max(shared))", "k": "fig3"},
    NUMBERS | {"old": "min(enough, default=None)", "new": "max(enough, default=None)", "k": "fig4"},
    NUMBERS
    | {
        "old": "recurrent = [c for c in spins if c.config.network.density_ext == 1]",
        "new": "recurrent = [c for c in spins if c.config.network.density_int == 1]",
        "k": "fig4",
    },
    NUMBERS
    | {
        "old": '(("train", "training"), ("test", "test"))',
        "new": '(("test", "training"), ("train", "test"))',
        "k": "fig5",
    },
    NUMBERS | {"old": "(100 if percent else 1) * quartiles", "new": "100 * quartiles", "k": "fig5"},
    NUMBERS | {"old": "1e12 * least[", "new": "1e9 * least[", "k": "energy"},
    NUMBERS | {"old": "least = min(enough", "new": "least = max(enough", "k": "energy"},
    NUMBERS
    | {
        "old": "inference_energy(network, INPUT_POINTS, neuron_power, synapse_power)",
        "new": "inference_energy(network, INPUT_POINTS, synapse_power, neuron_power)",
        "k": "energy",
    },
    NUMBERS
    | {
        "old": "bool(low <= trained[1] <= high)",
        "new": "bool(low <= trained[1])",
        "k": "guideline_compares",
    },
    NUMBERS
    | {
        "old": "_digits(np.mean(errors))",
        "new": "_digits(np.median(errors))",
        "k": "guideline_compares",
    },
    NUMBERS
    | {"old": "100 * np.array(expected)", "new": "np.array(expected)", "k": "guideline_compares"},
    REAL | {"old": "max(enough, default=None)", "new": "min(enough, default=None)", "k": "largest"},
    REAL | {"old": "seed=spread.seed", "new": "seed=0"},
    {
        "file": "spinrnn/paper/traces.py",
        "old": "f.over_time[-1]",
        "new": "f.over_time[0]",
        "tests": PAPER,
        "k": "separation",
    },
    {
        "file": "spinrnn/paper/source.py",
        "old": "nearest = min(ratios)\n",
        "new": "nearest = max(ratios)\n",
        "tests": PAPER,
        "k": "nearest",
    },
    {
        "file": "spinrnn/paper/source.py",
        "old": 'np.isnan(cube["diverged"]) | (cube["failed"] > 0)',
        "new": 'np.isnan(cube["diverged"])',
        "tests": PAPER,
        "k": "failed_points",
    },
    {
        "file": "spinrnn/paper/source.py",
        "old": "_finished(kept) > _finished(cube)",
        "new": "_finished(kept) < _finished(cube)",
        "tests": PAPER,
        "k": "knows_more",
    },
    # advice
    GUIDE
    | {
        "old": "expected[1] > choice[0][1]",
        "new": "expected[1] < choice[0][1]",
        "k": "tolerated_range",
    },
    GUIDE | {"old": "FILTER * relaxation_time,", "new": "relaxation_time,", "k": "best_relaxation"},
    GUIDE
    | {
        "old": "math.ceil(4 * ratio - EDGE)",
        "new": "math.ceil(2 * ratio - EDGE)",
        "k": "given_relaxation",
    },
    GUIDE
    | {
        "old": "np.interp(math.log(ratio), places, values)",
        "new": "np.interp(ratio, np.exp(places), values)",
        "k": "interpolated",
    },
    GUIDE
    | {
        "old": "measured, accuracies) - SLACK",
        "new": "measured, accuracies) - 10 * SLACK",
        "k": "best_relaxation",
    },
    GUIDE | {"old": "SLACK = 0.01", "new": "SLACK = 0.1", "k": "best_relaxation"},
    GUIDE
    | {
        "old": "(100 * value for value in advice.expected)",
        "new": "(value for value in advice.expected)",
        "k": "says",
    },
    GUIDE
    | {
        "old": 'f"learning_rate = {advice.learning_rate:g}"',
        "new": 'f"learning_rate = {advice.noise:g}"',
        "k": "advice_is_a_configuration",
    },
    GUIDE
    | {
        "old": "runs=min(c.runs for c in found)",
        "new": "runs=sum(c.runs for c in found)",
        "k": "comes_with",
    },
    # drawings
    DRAWN
    | {
        "old": "low, _, high = 100 * np.transpose",
        "new": "_, low, high = 100 * np.transpose",
        "k": "fig2",
    },
    DRAWN
    | {
        "old": "_curve(b, [k.ratio for k in found]",
        "new": "_curve(b, [k.interval for k in found]",
        "k": "fig3",
    },
    DRAWN | {"old": '(b, "b", "rescaled"', "new": '(b, "a", "rescaled"', "k": "fig3"},
    DRAWN
    | {"old": "((ratios < 1) & ~even, GREEN", "new": "((ratios > 1) & ~even, GREEN", "k": "fig3"},
    DRAWN | {"old": '    _title(upper[0], "a")\n', "new": "", "k": "fig1"},
    DRAWN | {"old": 'text = f"{100 * share:.0f} %', "new": 'text = f"{share:.0f} %', "k": "fig1"},
    DRAWN
    | {
        "old": "1e9 * trace.time, trace.power, color=colours",
        "new": "1e6 * trace.time, trace.power, color=colours",
        "k": "fig1",
    },
    DRAWN
    | {
        "old": '("train", "training", "-", BLUE)',
        "new": '("test", "training", "-", BLUE)',
        "k": "fig5",
    },
    DRAWN
    | {
        "old": '(upper, "accuracy", 100), (lower, "loss", 1)',
        "new": '(upper, "accuracy", 1), (lower, "loss", 100)',
        "k": "fig5",
    },
    DRAWN
    | {
        "old": "reach = middle - low, high - middle",
        "new": "reach = high - middle, middle - low",
        "k": "guideline",
    },
    DRAWN | {"old": "1e12 * row[", "new": "1e9 * row[", "k": "energy"},
    DRAWN | {"old": "return positive[0] / step", "new": "return positive[0] * step", "k": "zero"},
    DRAWN
    | {
        "old": "    low, middle, high = PAPER\n",
        "new": "    low, middle, high = 80, 89.83, 92.74\n",
        "k": "fig4",
    },
    DRAWN
    | {
        "old": "_curve(ax, [density(c) for c in found], found, number, name)",
        "new": "_curve(ax, [density(c) for c in found], found, number + 1, name)",
        "k": "fig4",
    },
    # pictures
    PICTURES | {"old": "        matplotlib.rcdefaults()\n", "new": ""},
    PICTURES
    | {
        "old": "_settings_lock, matplotlib.rc_context()",
        "new": "matplotlib.rc_context()",
        "k": "threads",
    },
    PICTURES
    | {
        "old": "    with settings():\n        return figure_bytes",
        "new": "    if True:\n        return figure_bytes",
    },
    PICTURES
    | {"old": "np.log10(largest) / 3", "new": "np.log10(largest) / 3 + 1", "k": "prefixes"},
    PICTURES | {"old": "dpi=150", "new": "dpi=100", "k": "150"},
]
