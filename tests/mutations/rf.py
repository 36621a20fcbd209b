"""The RF network: chains of resonators, oscillators at rest, other activations."""

ACTIVATIONS = "tests/neurons/test_activations.py"

MUTATIONS = [
    {
        "file": "spinrnn/neurons/oscillator.py",
        "old": "    return (drive - damping) / (drive + saturation)\n",
        "new": "    return (drive - damping) / (drive + damping * saturation + damping)\n",
        "tests": ACTIVATIONS,
    },
    {
        "file": "spinrnn/neurons/rf.py",
        "old": "power * xi * xi,",
        "new": "power * xi,",
        "tests": ACTIVATIONS,
    },
    {
        "file": "spinrnn/neurons/rf.py",
        "old": "(z + self.bias_voltage)",
        "new": "(z - self.bias_voltage)",
        "tests": ACTIVATIONS,
    },
    {
        "file": "spinrnn/neurons/rf.py",
        "old": "(1 + q) * xi * xi / (xi + q) ** 2 + 2",
        "new": "(1 - q) * xi * xi / (xi + q) ** 2 + 2",
        "tests": ACTIVATIONS,
    },
    {
        "file": "spinrnn/neurons/rf.py",
        "old": "(wanted > 1) & (wanted < self.largest_ratio)",
        "new": "(wanted > 1)",
        "tests": ACTIVATIONS,
    },
    {
        "file": "spinrnn/neurons/rf.py",
        "old": "np.maximum(0.0, 1 + self.tolerance",
        "new": "np.maximum(-1.0, 1 + self.tolerance",
        "tests": ACTIVATIONS,
    },
    {
        "file": "spinrnn/neurons/rate.py",
        "old": "np.where(z >= 0, one, -one) + (z - z)",
        "new": "np.where(z >= 0, one, -one)",
        "tests": ACTIVATIONS,
    },
    {
        "file": "spinrnn/neurons/rate.py",
        "old": "np.where(z >= 0, one, -one)",
        "new": "np.where(z > 0, one, -one)",
        "tests": ACTIVATIONS,
    },
]
