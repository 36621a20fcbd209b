"""Mutations of networks that settle: steps, nudges, couplings, adjoint, estimate."""

KERNEL, HOST, NET, ESTIMATOR, UNITS, CONFIG = (
    "spinrnn/kernels/settling.py",
    "spinrnn/networks/settling.py",
    "spinrnn/networks/symmetric.py",
    "spinrnn/learning/equilibrium.py",
    "spinrnn/neurons/rate_units.py",
    "spinrnn/config/symmetric.py",
)
STATIC, TRAINER = "spinrnn/networks/static.py", "spinrnn/learning/trainer.py"
TESTS, LEARNING = "tests/networks/test_symmetric.py", "tests/learning/test_equilibrium.py"


def mutation(file, old, new, k="", tests=TESTS, **others):
    return {"file": file, "old": old, "new": new, "tests": tests, "k": k, **others}


MUTATIONS = [
    # the step and the nudges
    mutation(KERNEL, "total += c.beta * off", "total -= c.beta * off", "nudged_steps"),
    mutation(KERNEL, "pulled(c, first, scale * off)", "pulled(c, first, off)", "nudged_steps"),
    mutation(KERNEL, "missing(goal, s[0]) if", "goal if", "nudged_steps"),
    mutation(KERNEL, "held + scale * total", "held + total", "formulas"),
    mutation(KERNEL, "return c.low if emitted", "return c.high if emitted", "stays"),
    mutation(KERNEL, "if goal == goal else", "if True else", "missing_targets"),
    mutation(
        KERNEL,
        "q, own, top, here = take(numbers, row)",
        "q, own, top, here = take(numbers, 0)",
        "spread_of_every_neuron",
    ),
    mutation(
        KERNEL, "            changed |= here", "            changed = here", "changes_nothing"
    ),
    mutation(KERNEL, "moved |= output(", "moved = output(", "changes_nothing"),
    # the adjoint
    mutation(KERNEL, "out[j] = scale[row] * g_drive[j]", "out[j] = g_drive[j]", "adjoint_is"),
    mutation(KERNEL, "g_base[j] += g_drive[j]", "g_base[j] = g_drive[j]", "adjoint_is"),
    mutation(KERNEL, "range(steps - 1, -1, -1)", "range(steps - 1, 0, -1)", "adjoint_is"),
    mutation(KERNEL, "at.jacobian + t * d * d * size, at.by", "at.jacobian, at.by", "adjoint_is"),
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
        "found = [np.empty((0, sum(self.config.populations)), self.config.dtype)]",
        "found = []",
        "no_cases",
    ),
]
