"""Mutations of learned devices: the adjoint of the steps, training, diffusion, files."""

_ODES = "tests/kernels/test_odes.py"


def _kernel(old, new, k):
    return {"file": "spinrnn/kernels/odes.py", "old": old, "new": new, "tests": _ODES, "k": k}


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
]
