"""The RF network: chains of resonators, oscillators at rest, other activations."""

ACTIVATIONS = "tests/neurons/test_activations.py"
CHAINS = "tests/synapses/test_resonator.py"

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
        "old": "        value += z - z\n",
        "new": "",
        "tests": ACTIVATIONS,
    },
    {
        "file": "spinrnn/neurons/rate.py",
        "old": "value = (z >= 0).astype(z.dtype)",
        "new": "value = (z > 0).astype(z.dtype)",
        "tests": ACTIVATIONS,
    },
    {
        "file": "spinrnn/kernels/resonators.py",
        "old": "strength * (a + a)",
        "new": "strength * a",
        "tests": CHAINS,
    },
    {
        "file": "spinrnn/kernels/resonators.py",
        "old": "d = tones[i] - f",
        "new": "d = f - tones[i]",
        "tests": CHAINS,
    },
    {
        "file": "spinrnn/kernels/resonators.py",
        "old": "factor * d / (square + d * d)",
        "new": "factor * d / (square - d * d)",
        "tests": CHAINS,
    },
    {
        "file": "spinrnn/kernels/resonators.py",
        "old": "factor * (dd - aa) * inverse * inverse",
        "new": "factor * (dd + aa) * inverse * inverse",
        "tests": CHAINS,
    },
    {
        "file": "spinrnn/kernels/resonators.py",
        "old": "factor = g * tone",
        "new": "factor = g * resonances[0]",
        "tests": CHAINS,
    },
    {
        "file": "spinrnn/kernels/resonators.py",
        "old": "out[j, k] *= two * strengths[j, k]",
        "new": "out[j, k] *= strengths[j, k]",
        "tests": CHAINS,
    },
    {
        "file": "spinrnn/synapses/resonator.py",
        "old": "np.where(np.arange(sources) % 2, 1.0, -1.0)",
        "new": "np.where(np.arange(sources) % 2, -1.0, 1.0)",
        "tests": CHAINS,
    },
    {
        "file": "spinrnn/synapses/resonator.py",
        "old": "(designed + trained) * devices",
        "new": "(designed - trained) * devices",
        "tests": CHAINS,
    },
    {
        "file": "spinrnn/synapses/resonator.py",
        "old": 'return out * devices["resonance"].astype(out.dtype)',
        "new": "return out",
        "tests": CHAINS,
    },
    {
        "file": "spinrnn/synapses/resonator.py",
        "old": 'strength * signs * devices["works"]',
        "new": "strength * signs",
        "tests": CHAINS,
    },
    {
        "file": "spinrnn/synapses/resonator.py",
        "old": "self.start_deviation / GIGAHERTZ / math.sqrt(sources)",
        "new": "self.start_deviation / GIGAHERTZ",
        "tests": CHAINS,
    },
    {
        "file": "spinrnn/synapses/resonator.py",
        "old": "self.kappa * self.unit_power / self",
        "new": "self.kappa / self",
        "tests": CHAINS,
    },
    {
        "file": "spinrnn/synapses/resonator.py",
        "old": "min(first + step, chains)",
        "new": "first + step",
        "tests": CHAINS,
    },
    {
        "file": "spinrnn/learning/twin.py",
        "old": "seed, twin=True",
        "new": "seed, twin=False",
        "tests": "tests/systems/test_rf.py",
        "k": "estimator",
    },
    {
        "file": "spinrnn/synapses/resonator.py",
        "old": 'np.linspace if spacing == "linear"',
        "new": 'np.linspace if spacing != "linear"',
        "tests": CHAINS,
    },
]
