"""Networks without time: signs and factors of their pass, of its adjoint and of what is
kept with them; the studies.
"""

NETWORK, KERNEL = "spinrnn/networks/feedforward.py", "spinrnn/kernels/normalising.py"
LOSSES, PRODUCTS = "spinrnn/networks/losses.py", "spinrnn/networks/products.py"
TRIALS, LEARNING = "spinrnn/systems/trials.py", "spinrnn/systems/learning.py"
META, TRAINER = "spinrnn/systems/metaplasticity.py", "spinrnn/learning/trainer.py"
LEARNER, LAYOUT = "spinrnn/learning/learner.py", "spinrnn/synapses/layout.py"
BLAS, BLASES = "spinrnn/machine/blas.py", "tests/machine/test_blas.py"
TESTS, STUDIES = "tests/networks/test_feedforward.py", "tests/systems/test_trials.py"


def mutation(file, old, new, k="", tests=TESTS, **others):
    return {"file": file, "old": old, "new": new, "tests": tests, "k": k, **others}


MUTATIONS = [
    # batch normalisation
    mutation(KERNEL, "mean[j] /= count", "pass"),
    mutation(KERNEL, "variance[j] /= count", "variance[j] /= count - 1"),
    mutation(KERNEL, "(a[i, j] - mean[j]) * inverse[j]", "a[i, j] * inverse[j]"),
    mutation(KERNEL, "gain[j] * normal[i, j] + shift[j]", "gain[j] * normal[i, j]"),
    mutation(KERNEL, "own -= (g_shift[j] +", "own -= (-g_shift[j] +", "exact"),
    mutation(KERNEL, "+ normal[i, j] * g_gain[j]) / count", ") / count", "exact"),
    mutation(KERNEL, "inverse[j] * gain[j] * own", "inverse[j] * own", "exact"),
    mutation(KERNEL, "g_gain[j] += g[i, j] * normal[i, j]", "g_gain[j] += g[i, j]", "exact"),
    mutation(KERNEL, "EPSILON = 1e-5", "EPSILON = 1e-3"),
    # the pass and its adjoint
    mutation(NETWORK, "a *= a.dtype.type(amplification)", "pass"),
    mutation(NETWORK, 'a += views[f"bias_{i}"]', "pass"),
    mutation(NETWORK, "g *= g.dtype.type(c.amplifications[i])", "pass", "exact"),
    mutation(NETWORK, "slopes * c.output_amplification", "slopes", "exact"),
    mutation(NETWORK, "g *= c.activation.slope(", "c.activation.slope(", "exact"),
    mutation(NETWORK, "np.sum(g, axis=0, out=", "np.mean(g, axis=0, out=", "exact"),
    mutation(NETWORK, "share = max(self._net.config.momentum, 1 / count)", "share = 1 / count"),
    mutation(NETWORK, "(cases / (cases - 1))", "1"),
    mutation(NETWORK, "if cases < 2:", "if cases < 1:", "one_case"),
    mutation(NETWORK, "u, not self._of_all, read=given)[0]", "u, False, read=given)[0]"),
    mutation(NETWORK, "[:, :, 0], not self._of_all)\n", "[:, :, 0], True)\n", "hidden"),
    mutation(NETWORK, "if same or name.startswith", "if True or name.startswith", "replaced"),
    mutation(KERNEL, " + (variance - variance)", "", "overflows"),
    mutation(
        NETWORK,
        'self.buffers.get(f"devices/factor_{layer}") if wanted',
        "None if wanted",
        tests="tests/systems/test_rf.py",
    ),
    mutation(LEARNER, "        prepared.commit()\n", "", "goes_on or running"),
    # losses
    mutation(LOSSES, "slopes[cases, labels] -= 1", "slopes[cases, labels] -= 2", "exact"),
    mutation(
        LOSSES,
        "np.log(total) - shifted[cases, labels]",
        "np.log(total)",
        "sign or squared or exact or training",
    ),
    mutation(LOSSES, "2 * error / count", "error / count", "regression"),
    mutation(LOSSES, "return weights * losses, slopes", "return losses, slopes", "weighted"),
    mutation(LOSSES, "outputs - outputs.max(axis=1, keepdims=True)", "outputs", "beyond"),
    # what a run keeps
    mutation(TRAINER, "        net.buffers = _copies(self.best_buffers)\n", "", "goes_on"),
    mutation(LAYOUT, "view[...] = 1.0", "view[...] = 0.0", "goes_on"),
    # BLAS on one thread
    mutation(BLAS, "_set([1] *", "_set([2] *", tests=BLASES),
    mutation(BLAS, "if _users[0] == 0:", "if True:", tests=BLASES),
    mutation(BLAS, "_users[0] -= 1", "pass", tests=BLASES),
    # studies
    mutation(TRIALS, "if number == len(lines):", "if True:", tests=STUDIES),
    mutation(TRIALS, "if _text(trial.key) in known:", "if False:", tests=STUDIES),
    mutation(TRIALS, "if stop() and number < len(trials):", "if False:", tests=STUDIES),
    mutation(
        META,
        "-2 * b * (hessian @ (b - target))",
        "2 * b * (hessian @ (b - target))",
        tests="tests/systems/test_metaplasticity.py",
    ),
    mutation(META, "+ 2 * np.diag(hessian)", "", tests="tests/systems/test_metaplasticity.py"),
    mutation(
        LEARNING,
        "other.parameters[~net.layout.is_weight()] = normalisation",
        "pass",
        tests="tests/systems/test_metaplasticity.py",
    ),
    mutation(NETWORK, "if cases == 1 and self._of_all:", "if False:", "its_own_mean"),
    mutation(NETWORK, "if cases == 1 and self._of_all:", "if self._of_all:", "its_own_mean"),
]
