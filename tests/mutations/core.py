"""Kernels, neurons, networks and the gradient check."""

PLAIN = "tests/kernels/test_plain.py"
STEPPING = "spinrnn/kernels/stepping.py"
DEVICES = "spinrnn/kernels/devicesteps.py"
BLOCKS = "spinrnn/kernels/blocks.py"
COUPLINGS = "spinrnn/kernels/couplings.py"
TILES = "spinrnn/kernels/tiles.py"
LOSSES = "spinrnn/kernels/losses.py"
RANDOM = "spinrnn/kernels/random.py"
ARITHMETIC = "spinrnn/kernels/arithmetic.py"
RUNNING = "spinrnn/networks/running.py"
PACKING = "spinrnn/networks/packing.py"
PLANNING = "spinrnn/networks/planning.py"
RECURRENT = "spinrnn/networks/recurrent.py"
INPUTS = "spinrnn/networks/inputs.py"
SPREAD = "spinrnn/neurons/spread.py"
LAYOUT = "spinrnn/synapses/layout.py"
GRADIENT = "spinrnn/checks/gradient.py"
SENSITIVITY = "spinrnn/identify/sensitivity.py"
VALUES = "tests/networks/test_values.py"
CHECK = "tests/checks/test_check.py"


def _plain(file, old, new):
    """A mutation that the kernels as plain Python show, without compilation."""
    return {"file": file, "old": old, "new": new, "tests": PLAIN}


def _of(file, old, new, tests, k=None):
    mutation = {"file": file, "old": old, "new": new, "tests": tests}
    return mutation | ({"k": k} if k else {})


MUTATIONS = [
    # one neuron's step: value, dp'/dp, dp'/dI
    _plain(STEPPING, "lost = p * (h * (current + gq))", "lost = p * (h * (current - gq))"),
    _plain(STEPPING, "one + growth - lost, h * p", "one + growth + lost, h * p"),
    _plain(STEPPING, "h * p * (one - p)", "h * p * (one + p)"),
    _plain(
        STEPPING,
        "chi = h * h * (curved if a >= 0 else lost - curved)\n    inverse = one / ((",
        "chi = h * h * (curved if a >= 0 else lost + curved)\n    inverse = one / ((",
    ),
    _plain(
        STEPPING,
        "    by_i = p_next * (h - p * (psi + c * chi) * inverse)",
        "    by_i = p_next * (h - p * (psi - c * chi) * inverse)",
    ),
    _plain(
        STEPPING,
        "    left = one - p\n",
        "    left = one + p\n",
    ),
    _plain(STEPPING, "bent = (lost - kept) /", "bent = (lost + kept) /"),
    _plain(
        STEPPING,
        "p * (s * h) * (bent if a >= 0 else curved)",
        "p * (s * h) * (bent if a >= 0 else lost)",
    ),
    _plain(STEPPING, "(kept if a >= 0 else one) * left +", "(kept if a >= 0 else one) * p +"),
    # filter and extrapolation
    _plain(STEPPING, "(p + c.ahead * (p_next - p)) - m", "(p + c.ahead * (p_next + p)) - m"),
    _plain(STEPPING, "c.before * (p - m)", "c.before * (p_next - m)"),
    # CTRNN
    _plain(STEPPING, "by_state[j] = one - c.approach", "by_state[j] = one + c.approach"),
    _plain(
        STEPPING,
        "c.approach * kept * (two * inverse) * (two * inverse)",
        "c.approach * kept * (two * inverse)",
    ),
    # floors
    _plain(
        STEPPING,
        "        by_state[j] = zero if held else by_p\n        by_drive[j] = zero if held else by_i\n\n\ndef",
        "        by_state[j] = by_p\n        by_drive[j] = zero if held else by_i\n\n\ndef",
    ),
    _plain(
        STEPPING,
        "            by_state[j] = zero if held else by_p\n            by_drive",
        "            by_state[j] = by_p\n            by_drive",
    ),
    # backward
    _plain(
        STEPPING,
        "c.now * g_blended[j] + c.before * g_blended_after[j]",
        "c.now * g_blended[j] - c.before * g_blended_after[j]",
    ),
    _plain(STEPPING, "g_m = g_mean[j] - g_y", "g_m = g_mean[j] + g_y"),
    _plain(STEPPING, "(g_state[j] + g_y) + share * g_m", "(g_state[j] + g_y) - share * g_m"),
    _plain(STEPPING, "g_p_next * by_state[j] + rest * g_m", "g_p_next * by_state[j]"),
    _plain(STEPPING, "(one - c.blend) * g_m\n", "(one + c.blend) * g_m\n"),
    _plain(STEPPING, "g_base[j] += g_drive", "g_base[j] = g_drive"),
    # devices and noise
    _plain(
        DEVICES,
        "            slope = zero if held or below else slope\n            by_state[j] = slope * by_p",
        "            slope = zero if held or below else slope\n            by_state[j] = by_p",
    ),
    _plain(DEVICES, "            by_drive[j] = slope * by_i", "            by_drive[j] = by_i"),
    _plain(DEVICES, "by_i + slope * before_by_i", "by_i + before_by_i"),
    _plain(DEVICES, "zero if held else slope * before_by_p", "zero if held else slope"),
    _plain(DEVICES, "slope = one + (mixed / p if", "slope = one - (mixed / p if"),
    _plain(DEVICES, "(p + length) + (mixed + mixed)", "(p - length) + (mixed + mixed)"),
    _plain(DEVICES, "square_root(length * p) * cosine", "length * p * cosine"),
    _plain(
        DEVICES,
        "                a, k = drive[j] - g, drive[j] + gq\n",
        "                a, k = drive[j] - one, drive[j] + gq\n",
    ),
    _plain(RANDOM, "case, own = first_case + row // neurons * v,", "case, own = first_case,"),
    # readout, losses
    _plain(
        BLOCKS, "memory[g_mean + target + i * v] -= g_y", "memory[g_mean + target + i * v] += g_y"
    ),
    _plain(
        BLOCKS,
        "g_y = weights[before_end] * memory[source + i * v]",
        "g_y = memory[source + i * v]",
    ),
    _plain(
        BLOCKS,
        "memory[state + source + i * v] - memory[mean + source + i * v]",
        "memory[state + source + i * v] + memory[mean + source + i * v]",
    ),
    _plain(BLOCKS, "couple(w, i + 1, memory, g_out", "couple(w, i, memory, g_out"),
    _plain(BLOCKS, "sum_rows(memory, g_out + q * g_unit,", "sum_rows(memory, g_out,"),
    _plain(LOSSES, "share - 1.0 if i == labels[j]", "share if i == labels[j]"),
    # segments, ends, intervals
    _plain(
        BLOCKS, "if reading and k > block.first_end - c.readout.size:", "if k > block.first_end:"
    ),
    _of(
        BLOCKS,
        "            hold_finished(k, ends, memory, work.held, state, panel, panels)\n",
        "",
        "tests/checks/test_gradients.py",
        "cannot_blow_up and float64",
    ),
    _plain(
        BLOCKS,
        "        copy(memory, starts + 2 * size, work.blended, size)\n",
        "",
    ),
    _plain(
        BLOCKS,
        "initial_at = g_after if w.table[i, ADDS] else -1",
        "initial_at = g_after",
    ),
    _plain(
        BLOCKS, "initial_at = drive if w.table[i, ADDS] else work.base", "initial_at = work.base"
    ),
    _plain(
        BLOCKS,
        "u_here = block.u_at + k // c.substeps * block.u_time",
        "u_here = block.u_at",
    ),
    {
        "file": BLOCKS,
        "old": "if k % c.chunk == 0 or k == first:",
        "new": "if k % c.chunk == 0:",
        "equivalent": "segments are whole chunks, so the first substep of each begins one",
    },
    # couplings
    _plain(
        COUPLINGS,
        "    source_at += w.table[i, SOURCE] * v\n    if w.table[i, SPARSE]:\n        sparse_gradient(",
        "    if w.table[i, SPARSE]:\n        sparse_gradient(",
    ),
    _plain(COUPLINGS, "here, end = g_at + row * v,", "here, end = g_at,"),
    _plain(COUPLINGS, "(left * targets // v + row) * v", "row * v"),
    # the instructions and the plain lines of the products
    _plain(TILES, "total += values[e] * _rows(", "total = values[e] * _rows("),
    _of(
        TILES,
        "shifts = [builder.mul(panel, _whole(q)) for q in range(count)]",
        "shifts = [builder.mul(b_panel, _whole(q)) for q in range(count)]",
        "tests/kernels/test_tiles.py",
        "sparse_row",
    ),
    _of(
        TILES,
        "v.store(builder.fadd(v.load(out), totals), out)",
        "v.store(totals, out)",
        "tests/kernels/test_tiles.py",
        "lane_products",
    ),
    _of(
        ARITHMETIC,
        "cosine = angle * (\n        _ONE_32 + z * (_S3 +",
        "cosine = angle * (\n        _ONE_32 - z * (_S3 +",
        "tests/neurons/test_devices.py",
        "two_normal",
    ),
    _of(
        ARITHMETIC,
        "return power + power * t, mean, q if n == 0 else (_ONE_32 - mean) * inverse",
        "return power + power * t, mean, q if n == 0 else (_ONE_32 + mean) * inverse",
        "tests/kernels/test_steps.py",
        "decay",
    ),
    # what the kernels are given
    _of(
        RUNNING,
        "weights[0] = weights[-1] = 0.5 / window",
        "weights[0] = weights[-1] = 1 / window",
        PLAIN,
    ),
    _plain(RUNNING, "now=real(1 if euler else 1.5)", "now=real(1)"),
    _plain(RUNNING, "first_case=self._first_case + start", "first_case=1"),
    _plain(PACKING, 'views[f"w_int_{i}"][:] *= gain[:, None]', "pass"),
    _plain(PACKING, "(config.bias_ratio * (self.devices.bias - 1))", "(self.devices.bias - 1)"),
    _plain(
        SPREAD,
        "damping * config.thermal_power * config.reduced",
        "config.thermal_power * config.reduced",
    ),
    # numbers that are drawn
    _of(SPREAD, "* rng.standard_normal(neurons)", "* rng.uniform(-1.73, 1.73, neurons)", VALUES),
    _of(
        SPREAD,
        "rng.standard_normal(neurons) - variance / 2",
        "rng.standard_normal(neurons)",
        VALUES,
    ),
    _of(SPREAD, "[config.device_seed, _PURPOSE, number]", "[_PURPOSE, number]", VALUES),
    _of(SPREAD, "first, second = seed_key(seed)", "first, second = seed_key(0)", VALUES),
    _of(
        LAYOUT,
        "0, 1 / math.sqrt(_density(config, name) * shape[1])",
        "0, 1 / math.sqrt(shape[1])",
        VALUES,
    ),
    _of(RECURRENT, "rng = np.random.default_rng(seed)", "rng = np.random.default_rng(0)", VALUES),
    # networks
    _of(RECURRENT, "self.mask.copy()", "self.mask", VALUES),
    _of(RECURRENT, "np.array_equal(p.mask, self.mask)", "True", VALUES),
    _of(
        INPUTS,
        "u = np.where(np.arange(points) < lengths",
        "u = np.where(np.arange(points) <= lengths",
        VALUES,
    ),
    _of(INPUTS, "if scan and not np.isfinite(u).all()", "if not np.isfinite(u).all()", VALUES),
    _of(
        PLANNING,
        "numbers = 3 * sum(config.layers) + 3",
        "numbers = 2 * sum(config.layers) + 3",
        VALUES,
    ),
    # the gradient check
    _of(
        GRADIENT,
        "np.abs(gradient - right) - unknown, 0).max()",
        "np.abs(gradient - right) - unknown, 0).mean()",
        CHECK,
    ),
    _of(
        GRADIENT,
        "unknown = np.where(unknown > 5 * wanted, unknown, 0)",
        "unknown = np.abs(right)",
        CHECK,
    ),
    _of(GRADIENT, "scale = np.abs(gradient[where]).max()", "scale = np.abs(gradient).max()", CHECK),
    _of(GRADIENT, "bool(error <= bound)", "not error > bound", CHECK),
    _of(
        SENSITIVITY,
        "by_i * (bias - 1.0) + by_c * (1.0 + damping)",
        "by_i * (bias - 1.0) + by_c * (1.0 - damping)",
        "tests/identify/test_identify.py",
        "complex_step",
    ),
]
