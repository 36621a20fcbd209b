"""Measured synapses: programming, the fit of pulse responses, resonance lines."""

SYNAPSE = "tests/synapses/test_measured.py"
FIT = "tests/identify/test_responses.py"
LINES = "tests/identify/test_lines.py"

MUTATIONS = [
    {
        "file": "spinrnn/synapses/measured.py",
        "old": "weights = largest * (2 * x - 1)",
        "new": "weights = largest * (2 * x + 1)",
        "tests": SYNAPSE,
    },
    {
        "file": "spinrnn/synapses/measured.py",
        "old": "x[at] + sign * step, 0, 1",
        "new": "x[at] + step, 0, 1",
        "tests": SYNAPSE,
    },
    {
        "file": "spinrnn/synapses/measured.py",
        "old": "left[at] -= 1",
        "new": "left[at] -= 2",
        "tests": SYNAPSE,
    },
    {
        "file": "spinrnn/synapses/measured.py",
        "old": "curve = self.potentiation if upwards else self.depression",
        "new": "curve = self.potentiation",
        "tests": SYNAPSE,
    },
    {
        "file": "spinrnn/synapses/measured.py",
        "old": "name = self.fields[0 if upwards else 1].name",
        "new": "name = self.fields[0].name",
        "tests": SYNAPSE,
    },
    {
        "file": "spinrnn/synapses/measured.py",
        "old": "scatter = self.potentiation_scatter if upwards else self.depression_scatter",
        "new": "scatter = self.potentiation_scatter",
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
        "old": "np.where(pulses > 0, x > 1 - 1e-6, x < 1e-6)",
        "new": "np.where(pulses > 0, x < 1e-6, x > 1 - 1e-6)",
        "tests": SYNAPSE,
    },
    {
        "file": "spinrnn/synapses/measured.py",
        "old": "np.where(np.isfinite(pulses), weights, np.nan)",
        "new": "weights",
        "tests": SYNAPSE,
    },
    {
        "file": "spinrnn/synapses/measured.py",
        "old": "places = places[request.exists.ravel()[places]]",
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
