"""Mutations of learned devices: the adjoint of the steps, training, diffusion, files."""

_ODES = "tests/kernels/test_odes.py"


def _kernel(old, new, k):
    return {"file": "spinrnn/kernels/odes.py", "old": old, "new": new, "tests": _ODES, "k": k}


def _fit(file, old, new, k):
    tests = "tests/identify/test_learn.py"
    return {"file": f"spinrnn/identify/{file}.py", "old": old, "new": new, "tests": tests, "k": k}


def _run(old, new, k):
    path = "spinrnn/neurons/learnedruns.py"
    return {"file": path, "old": old, "new": new, "tests": "tests/identify/test_learn.py", "k": k}


MUTATIONS = [
    # the adjoint
    _kernel(
        "total = rule.b[i] * memory[places.adjoint",
        "total = rule.b[0] * memory[places.adjoint",
        "complex_step",
    ),
    _kernel(
        "total += rule.a[j, i] * memory[places.pulled",
        "total += rule.a[i, j] * memory[places.pulled",
        "complex_step",
    ),
    _kernel("for j in range(i + 1, STAGES):", "for j in range(i + 2, STAGES):", "complex_step"),
    _kernel(
        "memory[deltas + last + r] = h * total", "memory[deltas + last + r] = total", "complex_step"
    ),
    _kernel(
        "memory[places.adjoint + r] += memory[places.pulled + i * rows + r]",
        "memory[places.adjoint + r] = memory[places.pulled + i * rows + r]",
        "complex_step",
    ),
    _kernel(
        "adjoint[j] *= one - values[j] * values[j]", "adjoint[j] *= one - values[j]", "complex_step"
    ),
    _kernel("+= 2.0 * scale[first + j] * error", "+= scale[first + j] * error", "complex_step"),
    _kernel(
        "_scaled(memory, places.adjoint, bent + rows, rows)",
        "_scaled(memory, places.adjoint, bent, rows)",
        "known_equation",
    ),
    _kernel(
        "half(net, known, series, lane, n, rule.halves[1]",
        "half(net, known, series, lane, n, rule.halves[0]",
        "known_equation",
    ),
    # the rules
    _kernel("(-1 / 3, 1, 0, 0), (1, -1, 1, 0)", "(-1 / 3, 1, 0, 0), (1, 1, -1, 0)", "order"),
    _kernel("(1 / 8, 3 / 8, 3 / 8, 1 / 8)", "(1 / 6, 1 / 3, 1 / 3, 1 / 6)", "order"),
    _kernel("(0, 1 / 2, 0, 0), (0, 0, 1, 0)", "(1 / 2, 0, 0, 0), (0, 0, 1, 0)", "order"),
    _kernel("c, halves = a.sum(axis=1)", "c, halves = np.zeros(4)", "complex_step or order"),
    # noise
    _kernel("* root * normals[normals_at + r]", "* normals[normals_at + r]", "noise"),
    _kernel("if wanted == wanted:", "if True:", "not_recorded"),
    # records
    _fit(
        "learnrecords",
        "first, last - points - states + 1)",
        "first, last - points + 1)",
        "cases_stand",
    ),
    _fit("learnrecords", "own = own[there[own + delay]]", "own = own[there[own]]", "cases_stand"),
    _fit(
        "learnrecords",
        "known = np.flatnonzero(np.isfinite(times))[::every]",
        "known = np.flatnonzero(np.isfinite(times))",
        "every_other",
    ),
    _fit("learnrecords", "if off.max() > UNEVEN or", "if off.max() > 20 * UNEVEN or", "grid"),
    _fit(
        "learnrecords",
        "training[0], held_out[0]) < min",
        "training[0], held_out[0]) > min",
        "parts_by",
    ),
    _fit("learnrecords", "if not spread > FLAT *", "if spread > FLAT *", "does_not_change"),
    # training
    _fit("learntraining", "if error < self.best[1]:", "if True:", "best_of_a_training"),
    _fit(
        "learntraining",
        "scale[: len(starts)] = 1 / (len(starts) * s.points * k)",
        "scale[:] = 1 / (len(starts) * s.points * k)",
        "a_batch_is",
    ),
    _fit("learntraining", "run[last - first - k + 1 :] = path[n, 1:k]", "pass", "open_loop_runs"),
    _fit(
        "learntraining",
        "return float(error) if np.isfinite(error) else np.inf",
        "return float(error)",
        "open_loop_runs",
    ),
    # states, parting
    _fit("learn", "more > (1 - FALLS) * error or", "more > error or", "number_of_states"),
    _fit("learn", "or more > error - LITTLE", "", "number_of_states"),
    _fit(
        "learn",
        "_running(errors, records.cases), FACTOR * usual",
        "_running(errors, records.cases), usual",
        "parting",
    ),
    _fit(
        "learn", "if (np.cumsum(np.where(later, 1, -1)) > 0).all():", "if later.any():", "parting"
    ),
    _fit(
        "learn",
        "self.held_out_error**2 - self.expected_most**2",
        "self.held_out_error**2",
        "noise_explains",
    ),
    # noise
    _fit(
        "learndiffusion",
        "weights = np.concatenate([[1.0], -_gains",
        "weights = np.concatenate([[1.0], _gains",
        "told_apart",
    ),
    _fit(
        "learndiffusion",
        "process = covariance[0] - readout * unit[0]",
        "process = covariance[0]",
        "told_apart",
    ),
    _fit("learndiffusion", "left[:k] -= readout * unit[1:]", "pass", "told_apart"),
    _fit(
        "learndiffusion",
        "told_apart = bool(np.sqrt(square) > APART * unit[0])",
        "told_apart = True",
        "cannot_be_told",
    ),
    _fit(
        "learndiffusion",
        "by_log = (1 - squares / variance) * own",
        "by_log = (1 - squares / own) * own",
        "likelihood",
    ),
    _fit(
        "learndiffusion",
        "constant = 0.5 * np.log(moments.process / h)",
        "constant = np.log(moments.process / h)",
        "told_apart",
    ),
    _fit(
        "learndiffusion",
        "if moments.coloured[0] > max(COLOURED",
        "if moments.coloured[0] < min(COLOURED",
        "no_noise or told_apart",
    ),
    # runs
    _run("bias=constant,", "bias=0.0,", "known_equation"),
    _run(
        "per = unit if neuron.rate_driven() else",
        "per = 1.0 if neuron.rate_driven() else",
        "known_equation",
    ),
    # where it does not describe
    _fit(
        "learnadvice",
        "    if change > COARSE:\n        return (",
        "    if False:\n        return (",
        "coarse",
    ),
    _fit(
        "learnadvice",
        "found += wider + more if fit.scouted",
        "found += wider + more if True",
        "tried",
    ),
    _fit("learnrecords", "else min(held, MOST_HELD))", "else held)", "interval"),
]
