"""The macrospin: signs and terms of its equation and of its derivatives."""

TESTS = "tests/neurons/test_macrospin.py"
LLG = "spinrnn/neurons/llg.py"
AUTO = "spinrnn/neurons/autooscillation.py"
OWN = "tests/neurons/test_autooscillation.py"
EXCITATION = "spinrnn/neurons/excitation.py"
WHY = "tests/neurons/test_excitation.py"
EFFORT = "tests/runs/test_effort.py"
SLIPS = "tests/config/test_slips.py"
MACROSPIN = "spinrnn/neurons/macrospin.py"

MUTATIONS = [
    {
        "file": LLG,
        "old": "square_root(-one) if wanted > MOST else h",
        "new": "h",
        "tests": TESTS,
        "k": "beyond_all_bounds",
    },
    {
        "file": LLG,
        "old": "    if count <= 1:\n        return step(q, shared, h, s, current, one)\n",
        "new": "    count = count if count > 1 else 1\n",
        "tests": "tests/checks/test_neuron.py",
        "k": "driven_more and macrospin or every_kind and macrospin",
    },
    {
        "file": LLG,
        "old": "    a = added(w, -(q[0] + q[10]) * torque, p)\n",
        "new": "    a = added(w, (q[0] + q[10]) * torque, p)\n",
        "tests": TESTS,
    },
    {
        "file": LLG,
        "old": "    b = added(scaled(q[0], w), (one - q[0] * q[10]) * torque, p)\n",
        "new": "    b = added(scaled(q[0], w), -(one - q[0] * q[10]) * torque, p)\n",
        "tests": TESTS,
        "k": "gilbert or favours",
    },
    {
        "file": LLG,
        "old": "- q[7] * m[2],",
        "new": "+ q[7] * m[2],",
        "tests": TESTS,
    },
    {
        "file": LLG,
        "old": "    by_c = current / (one + q[9] * across)\n",
        "new": "    by_c = current / (one - q[9] * across)\n",
        "tests": TESTS,
    },
    {
        "file": LLG,
        "old": "t, scaled(-torque * skew * share, p))",
        "new": "t, scaled(torque * skew * share, p))",
        "tests": TESTS,
        "k": "complex",
    },
    {
        "file": LLG,
        "old": "            rows[1][2] - c[0] - g[2][1] * n[2],",
        "new": "            rows[1][2] + c[0] - g[2][1] * n[2],",
        "tests": TESTS,
        "k": "complex",
    },
    {
        "file": LLG,
        "old": "one, w), -beta * torque, p))",
        "new": "one, w), beta * torque, p))",
        "tests": TESTS,
        "k": "complex",
    },
    {
        "file": LLG,
        "old": "    f = scaled(-inverse, e)\n",
        "new": "    f = scaled(-one, e)\n",
        "tests": TESTS,
        "k": "complex",
    },
    {
        "file": LLG,
        "old": "    x3 = all_led_on(m3, half, x2, e3)\n",
        "new": "    x3 = all_led_on(m3, half, x1, e3)\n",
        "tests": TESTS,
        "k": "complex",
    },
    {
        "file": LLG,
        "old": "    return all_led_on(matrix, one, x, (blank, e[1], e[2], e[3], e[4]))\n",
        "new": "    return all_led_on(matrix, one, x, (blank, blank, e[2], e[3], e[4]))\n",
        "tests": TESTS,
        "k": "long",
    },
    {
        "file": LLG,
        "old": "    second = size * two * cosine * square_root(",
        "new": "    second = size * cosine * square_root(",
        "tests": TESTS,
        "k": "kick",
    },
    {
        "file": LLG,
        "old": "    first = size * (two * cosine * cosine - one)\n",
        "new": "    first = size * cosine\n",
        "tests": TESTS,
        "k": "kick",
    },
    {
        "file": LLG,
        "old": "first * sign * x * a + second * two * y * a, -second)",
        "new": "first * sign * x * a + second * y * a, -second)",
        "tests": TESTS,
        "k": "kick",
    },
    {
        "file": LLG,
        "old": "/ (two * safe), times(along, t))",
        "new": "/ safe, times(along, t))",
        "tests": TESTS,
        "k": "kick",
    },
    {
        "file": MACROSPIN,
        "old": "        spins = HBAR / CHARGE * self.polarisation * square / (square + 1)\n",
        "new": "        spins = HBAR / CHARGE / 2 * self.polarisation * square / (square + 1)\n",
        "tests": TESTS,
        "k": "gilbert or opposes",
    },
    {
        "file": MACROSPIN,
        "old": "self.temperature * damping / (1 + damping**2) / moment",
        "new": "self.temperature * damping / moment",
        "tests": TESTS,
        "k": "browns",
    },
    {
        "file": MACROSPIN,
        "old": "        m = _newton(q, shared, m, current * (part / PARTS))\n",
        "new": "        m = _newton(q, shared, m, 0 * current)\n",
        "tests": TESTS,
        "k": "rest",
    },
    {
        "file": AUTO,
        "old": "    by_action = (u4 * (2 * a * a + b * b) + 3 * a * b * b) / mode.frequency**2\n",
        "new": "    by_action = (u4 * (2 * a * a + b * b) - 3 * a * b * b) / mode.frequency**2\n",
        "tests": OWN,
    },
    {
        "file": AUTO,
        "old": "    return float(by_action * mode.frequency / a)\n",
        "new": "    return float(by_action)\n",
        "tests": OWN,
    },
    {
        "file": AUTO,
        "old": "        damping_rate=2 * mode.loss,\n",
        "new": "        damping_rate=mode.loss,\n",
        "tests": OWN,
    },
    {
        "file": AUTO,
        "old": "    return mode.loss / mode.gain\n",
        "new": "    return -mode.loss / mode.gain\n",
        "tests": OWN,
    },
    {
        "file": AUTO,
        "old": "    gain = stretch * mean(driven) / (2 * omega * action)",
        "new": "    gain = stretch * mean(driven) / (omega * action)",
        "tests": OWN,
    },
    {
        "file": EXCITATION,
        "old": "    near = high if threshold > 0 else low\n",
        "new": "    near = high\n",
        "tests": WHY,
    },
    {
        "file": EXCITATION,
        "old": "        if 1 <= factor / ratio < USUAL:\n",
        "new": "        if 1 <= ratio / factor < USUAL:\n",
        "tests": WHY,
    },
    {
        "file": "spinrnn/runs/excitation.py",
        "old": "    sums = sums + _rows(views",
        "new": "    sums = sums + 0 * _rows(views",
        "tests": WHY,
    },
    {
        "file": "spinrnn/runs/effort.py",
        "old": "functions.strength(q, step, end, 1.0)",
        "new": "functions.strength(q, 1.0, end, 1.0)",
        "tests": EFFORT,
        "k": "cut",
    },
    {
        "file": "spinrnn/runs/effort.py",
        "old": "    if panel * least * unit > BUDGET:\n",
        "new": "    if False:\n",
        "tests": EFFORT,
        "k": "counted",
    },
    {
        "file": "spinrnn/runs/effort.py",
        "old": "* points / some / cases",
        "new": "* points / cases",
        "tests": EFFORT,
        "k": "some_points",
    },
    {
        "file": "spinrnn/cli/check.py",
        "old": "    if told:\n",
        "new": "    if False:\n",
        "tests": EFFORT,
        "k": "printed_before",
    },
    {
        "file": "spinrnn/config/run.py",
        "old": "    found += (neurons.unusual(c.neuron) if wrong else []) or wrong\n",
        "new": "    found += wrong\n",
        "tests": SLIPS,
        "k": "named_and_not",
    },
    {
        "file": "spinrnn/config/slips.py",
        "old": "1e3 * _MU_0",
        "new": "1e-3 * _MU_0",
        "tests": SLIPS,
        "k": "slip_of_units",
    },
    {
        "file": AUTO,
        "old": "    current = macrospin.current_unit * field / q[8]\n",
        "new": "    current = macrospin.current_unit\n",
        "tests": WHY,
        "k": "whatever_its_unit",
    },
]
