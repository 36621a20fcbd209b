"""Measured synapses: programming, the fit of pulse responses, resonance lines."""

SYNAPSE = "tests/synapses/test_measured.py"
FIT = "tests/identify/test_responses.py"
LINES = "tests/identify/test_lines.py"

MUTATIONS = [
    {
        "file": "spinrnn/kernels/pulsing.py",
        "old": "weights[n] = largest * (2 * x - 1)",
        "new": "weights[n] = largest * (2 * x + 1)",
        "tests": SYNAPSE,
    },
    {
        "file": "spinrnn/kernels/pulsing.py",
        "old": "x += sign * step",
        "new": "x += step",
        "tests": SYNAPSE,
    },
    {
        "file": "spinrnn/kernels/pulsing.py",
        "old": "range(int(abs(asked)))",
        "new": "range(1)",
        "tests": SYNAPSE,
    },
    {
        "file": "spinrnn/kernels/pulsing.py",
        "old": "if up else (curves[1], scatters[1])",
        "new": "if up else (curves[0], scatters[1])",
        "tests": SYNAPSE,
    },
    {
        "file": "spinrnn/kernels/pulsing.py",
        "old": "if up else (curves[1], scatters[1])\n",
        "new": "if up else (curves[1], scatters[0])\n",
        "tests": SYNAPSE,
    },
    {
        "file": "spinrnn/kernels/pulsing.py",
        "old": "(factors[1][n], -1.0)",
        "new": "(factors[0][n], -1.0)",
        "tests": SYNAPSE,
    },
    {
        "file": "spinrnn/kernels/pulsing.py",
        "old": "(x > 1 - NEAR) if up else (x < NEAR)",
        "new": "(x < NEAR) if up else (x > 1 - NEAR)",
        "tests": SYNAPSE,
    },
    {
        "file": "spinrnn/kernels/pulsing.py",
        "old": "weights[n] = np.nan",
        "new": "pass",
        "tests": SYNAPSE,
    },
    {
        "file": "spinrnn/kernels/pulsing.py",
        "old": "square_root(length) * cosine",
        "new": "length * cosine",
        "tests": SYNAPSE,
    },
    {
        "file": "spinrnn/kernels/pulsing.py",
        "old": "scramble(np.uint32(device), np.uint32(number)",
        "new": "scramble(np.uint32(device), np.uint32(0)",
        "tests": SYNAPSE,
    },
    {
        "file": "spinrnn/kernels/pulsing.py",
        "old": "scramble(np.uint32(device), np",
        "new": "scramble(np.uint32(0), np",
        "tests": SYNAPSE,
    },
    {
        "file": "spinrnn/synapses/measured.py",
        "old": "self.pulse_voltage**2 * self",
        "new": "self.pulse_voltage * self",
        "tests": SYNAPSE,
    },
    {
        "file": "spinrnn/synapses/measured.py",
        "old": "pulses[~request.exists] = 0",
        "new": "pass",
        "tests": SYNAPSE,
    },
    {
        "file": "spinrnn/identify/responses.py",
        "old": "read = -products / max(kept, 1e-300)",
        "new": "read = products / max(kept, 1e-300)",
        "tests": FIT,
    },
    {
        "file": "spinrnn/identify/responses.py",
        "old": "return left, 1 + sign * factor * rise / (2 * small)",
        "new": "return left, 1 - 6 * sign * factor * rise / (2 * small)",
        "tests": FIT,
    },
    {
        "file": "spinrnn/identify/responses.py",
        "old": "max(value - lost, 0.0)",
        "new": "value + 9 * lost",
        "tests": FIT,
    },
    {
        "file": "spinrnn/identify/responses.py",
        "old": "(n - 1) / n * ((without",
        "new": "1 / n * ((without",
        "tests": FIT,
    },
    {
        "file": "spinrnn/identify/responses.py",
        "old": "steps.x = steps.before + np.where",
        "new": "steps.x = steps.read + 0 * np.where",
        "tests": FIT,
    },
    {
        "file": "spinrnn/identify/responses.py",
        "old": "factor, curve = factor / mean, curve * mean",
        "new": "factor, curve = factor / mean, curve",
        "tests": FIT,
        "equivalent": "after some turns the mean of the factors is 1",
    },
    {
        "file": "spinrnn/identify/pulses.py",
        "old": "k % 2 == 0, k // 2",
        "new": "k % 2 == 1, k // 2",
        "tests": FIT,
    },
    {
        "file": "spinrnn/identify/lines.py",
        "old": "return np.stack([bell, u / w * bell, np.ones_like(u), u], axis=1)",
        "new": "return np.stack([bell, u / w, np.ones_like(u), u], axis=1)",
        "tests": LINES,
    },
    {
        "file": "spinrnn/identify/lines.py",
        "old": "offset = mean - centre / k",
        "new": "offset = mean + centre / k",
        "tests": LINES,
    },
    {
        "file": "spinrnn/identify/lines.py",
        "old": "errors = t * np.sqrt(np.diag(covariance))",
        "new": "errors = 0.4 * np.sqrt(np.diag(covariance))",
        "tests": LINES,
    },
    {
        "file": "spinrnn/identify/lines.py",
        "old": "good &= _on_a_straight_line(field, frequency, good)",
        "new": "pass",
        "tests": LINES,
    },
]
