"""Mutations of networks that settle: steps, nudges, couplings, adjoint, estimate, and
of oscillators with amplitude and phase.
"""

KERNEL, HOST, NET, ESTIMATOR, UNITS, CONFIG, PHASES, KINDS = (
    "spinrnn/kernels/settling.py",
    "spinrnn/networks/settling.py",
    "spinrnn/networks/symmetric.py",
    "spinrnn/learning/equilibrium.py",
    "spinrnn/neurons/rate_units.py",
    "spinrnn/config/symmetric.py",
    "spinrnn/neurons/stuart_landau.py",
    "spinrnn/config/neurons.py",
)
STATIC, TRAINER = "spinrnn/networks/static.py", "spinrnn/learning/trainer.py"
TESTS, LEARNING = "tests/networks/test_symmetric.py", "tests/learning/test_equilibrium.py"
EFFORT, DRIVES = "spinrnn/runs/effort.py", "spinrnn/runs/excitation.py"
SUSPECTED, TOLD = "spinrnn/runs/suspicions.py", "tests/runs/test_suspicions.py"
RESTING, RESTS = "spinrnn/runs/resting.py", "tests/runs/test_resting.py"
FUTILE, LEARNS = "spinrnn/runs/futile.py", "tests/runs/test_futile.py"
BOTH = "tests/networks/test_quadratures.py"
LOCKED = "spinrnn/neurons/locked.py"
ALONE, ONE = "spinrnn/neurons/phase_oscillator.py", "tests/networks/test_phases.py"


def mutation(file, old, new, k="", tests=TESTS, **others):
    return {"file": file, "old": old, "new": new, "tests": tests, "k": k, **others}


MUTATIONS = [
    # the step and the nudges
    mutation(KERNEL, "+ c.beta * off if", "- c.beta * off if", "nudged_steps"),
    mutation(KERNEL, "pulled(c, first, scale * off)", "pulled(c, first, off)", "nudged_steps"),
    mutation(KERNEL, "missing(goal[k], s[0]) if", "goal[k] if", "nudged_steps"),
    mutation(
        KERNEL,
        "return held[0] + scale * total[0]\n",
        "return held[0] + total[0]\n",
        "formulas",
    ),
    mutation(KERNEL, "return c.low if emitted", "return c.high if emitted", "stays"),
    mutation(KERNEL, "if goal == goal else", "if True else", "missing_targets"),
    mutation(
        KERNEL,
        "q, own, top, here = take(numbers, row)",
        "q, own, top, here = take(numbers, 0)",
        "spread_of_every_neuron",
    ),
    mutation(
        KERNEL, "            changed |= here", "            changed = here", "any_neuron_moves"
    ),
    mutation(KERNEL, "moved |= output(", "moved = output(", "any_neuron_moves"),
    # the adjoint
    mutation(KERNEL, "out[j] = scale[row] * g_drive[j]", "out[j] = g_drive[j]", "adjoint_is"),
    mutation(KERNEL, "g_base[j] += g_drive[j]", "g_base[j] = g_drive[j]", "adjoint_is"),
    mutation(KERNEL, "range(steps - 1, -1, -1)", "range(steps - 1, 0, -1)", "adjoint_is"),
    mutation(KERNEL, "at.jacobian + t * d * d * size, by_", "at.jacobian, by_", "adjoint_is"),
    # both quadratures
    mutation(KERNEL, "held[1] + scale * total[1]", "held[1] + total[1]", "formulas"),
    mutation(
        KERNEL,
        "here, there = source_at + m * size,",
        "here, there = source_at,",
        "formulas and stuart",
    ),
    mutation(KERNEL, "in range(1, emits):", "in range(2, emits):", "adjoint_is and stuart"),
    mutation(
        KERNEL,
        "        slopes = view(memory, by_drive + i * size, size)",
        "        slopes = view(memory, by_drive, size)",
        "adjoint_is and stuart",
    ),
    mutation(KERNEL, "size, steps * emits,", "size, steps,", "adjoint_is and stuart"),
    mutation(
        KERNEL, "view(g_base, m * size, size)", "view(g_base, 0, size)", "adjoint_is and stuart"
    ),
    mutation(NET, "shifts = [i * self", "shifts = [0 * self", "an_energy", BOTH),
    mutation(
        NET,
        "slice(self._tops[-2], self._tops[-1])",
        "slice(-self._outs, None)",
        "formulas and stuart",
    ),
    mutation(NET, "neuron = place % self._tops[-1]", "neuron = place", "nan", BOTH),
    mutation(NET, "(1) * 1j * second", "(1) * -1j * second", "formulas and stuart"),
    mutation(PHASES, "detuning - shift * nominal", "detuning", "power_obeys", BOTH),
    mutation(LOCKED, '(factors["frequency"] - 1)', 'factors["frequency"]', "power_obeys", BOTH),
    mutation(PHASES, "(xi + q) / 2", "(xi + q)", "power_obeys", BOTH),
    mutation(PHASES, 'rate * factors["bias"] * xi', "rate * xi", "locks", BOTH),
    mutation(PHASES, "(fields[1] + reference)", "fields[1]", "any_length", BOTH),
    mutation(PHASES, "gain * x - t * y", "gain * x + t * y", "any_length", BOTH),
    mutation(PHASES, "t, bent = half *", "t, bent = h *", "any_length", BOTH),
    mutation(PHASES, "turn * turn, one)", "one - one, one)", "keeps_its_power", BOTH),
    mutation(PHASES, "bent * (y + y_next)", "bent * y", "complex_step", BOTH),
    mutation(PHASES, "-(t + c * x", "-(t - c * x", "complex_step", BOTH),
    mutation(PHASES, "in range(4):", "in range(2):", "root_of", BOTH),
    mutation(PHASES, "moved < 1e-14", "moved < 1e-2", "locks", BOTH),
    mutation(KINDS, "if not _check_emitted(neurons, found):", "if False:", "go_together", BOTH),
    # couplings and panels
    mutation(
        HOST, 'places[f"w_{i}"].T, i - 1, i)', 'places[f"w_{i}"].T, i - 1, i - 1)', "formulas"
    ),
    mutation(HOST, "flat[block] += packed", "flat[block] = packed", "adjoint_is"),
    mutation(
        HOST,
        "config.amplifications, config.populations) * gain",
        "config.amplifications, config.populations)",
        "formulas",
    ),
    mutation(HOST, "for gradient in found[1:]:", "for gradient in found[2:]:", "adjoint_is"),
    mutation(HOST, "rest if config.start is None else", "rest if True else", "binary_units"),
    # outputs, targets, losses
    mutation(NET, "mean - real(c.middle)", "mean", "formulas"),
    mutation(NET, "c.levels[1]", "c.levels[0]", "nudged_steps"),
    mutation(
        NET,
        "/ c.output_amplification + c.middle\n        return",
        "/ c.output_amplification\n        return",
        "missing_targets",
    ),
    mutation(NET, "halves = 0.5 * (off", "halves = (off", "missing_targets"),
    mutation(NET, "(targets.weights / cases)", "(1 / cases * np.ones(cases))", "missing_targets"),
    # the estimate
    mutation(NET, "change = (second - first)", "change = (first - second)", "beta_and"),
    mutation(NET, "first.dtype.type(0.5)", "first.dtype.type(1)", "beta_and"),
    mutation(NET, ".sum(axis=1) / scale[own]", ".sum(axis=1)", "oscillators_nudged"),
    mutation(NET, "pull = beta * h if", "pull = beta if", "nudged_steps"),
    mutation(NET, "c.steps - back)", "c.steps)", "part_of_the_adjoint"),
    mutation(ESTIMATOR, "(2 * beta * cases)", "(beta * cases)", "beta_and"),
    mutation(ESTIMATOR, "wanted, -beta,", "wanted, beta,", "beta_and"),
    mutation(ESTIMATOR, "else -self.beta", "else self.beta", "sign_of_beta"),
    mutation(ESTIMATOR, "[*np.atleast_1d(seed).tolist(), _SIGN]", "[_SIGN]", "sign_of_beta"),
    mutation(ESTIMATOR, "if batch.targets.measured.size:", "if False:", "loop", LEARNING),
    # units
    mutation(UNITS, "(one - kappa) * s + kappa * target", "s + kappa * target", "formulas"),
    mutation(UNITS, "slope = kappa * inside(current, one)", "slope = kappa", "adjoint_is"),
    mutation(UNITS, "s_next + s_next >= one", "s_next >= one", "binary_units"),
    mutation(UNITS, "+ (s_next - s_next)", "", "binary_nan"),
    # configuration
    mutation(CONFIG, "self.scheme or self.neuron.settling or", "self.scheme or", "comes_back"),
    mutation(CONFIG, "return sum(self.levels) / 2", "return 0.5", "levels"),
    # rounds that are left out, images that are learned
    mutation(KERNEL, "left %= made - kept", "left = 0", "go_round"),
    mutation(KERNEL, "left %= made - kept", "left %= 2", "go_round"),
    mutation(KERNEL, "if kept and _equal(whole, earlier):", "if kept:", "go_round"),
    mutation(KERNEL, "if kept and _equal(whole, earlier):", "if False:", "go_round"),
    mutation(
        KERNEL, "one[j - 1] == other[j - 1]:", "abs(one[j - 1] - other[j - 1]) < 1e-3:", "go_round"
    ),
    mutation(NET, "change.any(axis=0)", "change.all(axis=0)", "learned"),
    mutation(NET, "change, total = inputs[moved],", "change, total = inputs,", "learned"),
    mutation(NET, "change[:, moved], total[:, moved]", "change[:, moved], total", "learned"),
    # memory of the exact gradient, direct calls
    mutation(
        NET, "if backward:\n            wanted = req", "if False:\n            wanted = req", "plan"
    ),
    mutation(NET, "net.relaxing(cases, True) + np", "0 * cases + np", "plan"),
    mutation(NET, "kept + count * packed", "kept", "plan"),
    mutation(NET, "if wanted > limit:", "if wanted >= limit:", "plan"),
    mutation(TRAINER, "self._goes_back)\n", "True)\n", "training_plans"),
    mutation(CONFIG, 'if nudge != "state" or states == 1:', "if states == 1:", "pull"),
    mutation(ESTIMATOR, "problems = net.config.unpulled(self.nudge)", "problems = []", "pull"),
    mutation(
        STATIC,
        "lengths = checked_lengths(self.config, lengths, shape[0], shape[2])",
        "lengths = shape[2] if lengths is None else np.asarray(lengths)",
        "lengths",
    ),
    mutation(
        NET,
        "found = [np.empty((0, rows), self.config.dtype)]",
        "found = []",
        "no_cases",
    ),
    # phases alone
    mutation(ALONE, "x - turn * y + h", "x + turn * y + h", "short_step", ONE),
    mutation(ALONE, "one - one / (many * many)", "one", "just_cancels", ONE),
    mutation(ALONE, "if square == one - one else", "if False else", "without_phase", ONE),
    mutation(
        CONFIG, "wrong = fits and self.start", "wrong = False and self.start", "no_neuron_can"
    ),
    mutation(ALONE, "x = -detuning", "x = detuning", "rest_is", ONE),
    mutation(ALONE, "-np.sign(detuning)", "np.sign(detuning)", "rest_is", ONE),
    mutation(ALONE, "xx + xy * turn, kept", "xx - xy * turn, kept", "complex_step", ONE),
    mutation(ALONE, "yy - xy * turn", "yy + xy * turn", "complex_step", ONE),
    mutation(ALONE, "-x_next * y_next * size", "x_next * y_next * size", "complex_step", ONE),
    mutation(ALONE, "h * (fields[1] + reference)", "h * fields[1]", "short_step", ONE),
    mutation(LOCKED, "self.frequency * time_unit", "self.frequency", "shift_the_phase", ONE),
    # what may be meant otherwise
    mutation(EFFORT, "(EULER * unit if euler else", "(UNUSUAL * rest if euler else", "", TOLD),
    mutation(EFFORT, "lanes(c.dtype) * each > BUDGET", "False", "counted", TOLD),
    mutation(EFFORT, "some) * c.steps / some / cases", "some) * c.steps / cases", "counted", TOLD),
    mutation(DRIVES, "sums + _rows(w[layer + 1].T) * span", "sums", "both_ways", TOLD),
    mutation(DRIVES, "net.received(data.inputs[own], lengths)", "data.inputs[own]", "both", TOLD),
    mutation(SUSPECTED, "[] if found.unusual else step", "step", "does_not_suit", TOLD),
    mutation(CONFIG, "neurons.unusual(self.neuron) if wrong", "[] if wrong", "refused", TOLD),
    mutation(CONFIG, "and step > self.neuron.longest_step", "and False", "refused", TOLD),
    # whether it settles, and learns
    mutation(RESTING, "return self.share < LEFT", "return True", "", RESTS),
    mutation(RESTING, "ways > self._least * sizes", "ways > 0", "walk", RESTS),
    mutation(RESTING, "np.max([_dis", "np.min([_dis", "advice or coupled", RESTS),
    mutation(RESTING, "share < LEFT / 2", "share < LEFT * 3", "advice", RESTS),
    mutation(RESTING, "short = c.step is not None and", "short =", "coupled", RESTS),
    mutation(RESTING, "if whole >= rest:", "if False:", "nothing_moves", RESTS),
    mutation(RESTING, "if least > steps:", "if False:", "search", RESTS),
    mutation(FUTILE, "or yes > high", "", "chance", LEARNS),
    mutation(
        FUTILE,
        "least = DROWNS * float(np.finfo(c",
        "least = float(np.finfo(c",
        "chance or can_be",
        LEARNS,
    ),
    mutation(FUTILE, "no < FALLS * high", "no < 0", "chance", LEARNS),
    mutation(FUTILE, "if isinstance(estimator, Equilibrium)", "if True", "can_be", LEARNS),
    mutation(FUTILE, "~moved.reshape", "moved.reshape", "nothing_moves", LEARNS),
    mutation(LOCKED, "reach >= LEAST_TURN *", "reach >= 1e-3 *", "chance", LEARNS),
    mutation(PHASES, "abs(self.nonlinear_shift) <=", "self.nonlinear_shift <=", "chance", LEARNS),
    mutation(SUSPECTED, "or found.slow or", "or", "speaks_against", RESTS),
    # rest
    mutation(PHASES, "@functools.lru_cache(maxsize=KEPT)\n", "", "thousand", BOTH),
    mutation(PHASES, "RESTS = 1000", "RESTS = 999", "thousand", BOTH),
]
