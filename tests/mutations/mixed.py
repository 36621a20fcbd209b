"""Layers of different neurons in one network."""

NETWORKS, TABLES = "tests/networks/test_mixed.py", "tests/config/test_neurons.py"

MUTATIONS = [
    {
        "file": "spinrnn/kernels/stepping.py",
        "old": "places.jacobian + at, level.states * size, size",
        "new": "places.jacobian + at, form.states * size, size",
        "tests": NETWORKS,
        "k": "two and three and states",
    },
    {
        "file": "spinrnn/kernels/stepping.py",
        "old": "places.by_numbers + at, level.trained * size, size",
        "new": "places.by_numbers + at, len(chosen) * size, size",
        "tests": NETWORKS,
        "k": "plain",
    },
    {
        "file": "spinrnn/recordings/histories.py",
        "old": "scale = scales[layer] if variable",
        "new": "scale = scales[0] if variable",
        "tests": NETWORKS,
        "k": "unit",
    },
    {
        "file": "spinrnn/neurons/spread.py",
        "old": "np.exp(logarithm * has)",
        "new": "np.exp(logarithm)",
        "tests": NETWORKS,
        "k": "spread",
    },
    {
        "file": "spinrnn/synapses/layout.py",
        "old": "            if quantity in trained_of(config, neuron)\n",
        "new": "",
        "tests": NETWORKS,
        "k": "views",
    },
    {
        "file": "spinrnn/networks/recurrent.py",
        "old": "    if trained_of(config, new) != trained_of(old_config, old):\n",
        "new": "    if False:\n",
        "tests": NETWORKS,
        "k": "replace",
    },
    {
        "file": "spinrnn/config/run.py",
        "old": "shortest = min(one.time_unit for one in kinds_of_neurons)",
        "new": "shortest = max(one.time_unit for one in kinds_of_neurons)",
        "tests": NETWORKS,
        "k": "scales",
    },
    {
        "file": "spinrnn/config/neurons.py",
        "old": "    if all(one == neuron[0] for one in neuron):\n",
        "new": "    if False:\n",
        "tests": TABLES,
    },
    {
        "file": "spinrnn/config/neurons.py",
        "old": "if all(name in one.schemes for one in neurons)]",
        "new": "if any(name in one.schemes for one in neurons)]",
        "tests": TABLES,
    },
    {
        "file": "spinrnn/config/neurons.py",
        "old": "    return neuron, tuple(name for name in trainable(*neuron) if name in trained)\n",
        "new": "    return neuron, trained\n",
        "tests": TABLES,
    },
    {
        "file": "spinrnn/config/neurons.py",
        "old": "        if lacking:\n",
        "new": "        if False:\n",
        "tests": TABLES,
    },
    {
        "file": "spinrnn/config/versions.py",
        "old": "    for row in having or tables:\n",
        "new": "    for row in tables:\n",
        "tests": TABLES,
    },
    {
        "file": "spinrnn/config/versions.py",
        "old": "    rows = [dict(row) if isinstance(row, Mapping) else row for row in rows]\n",
        "new": "",
        "tests": TABLES,
    },
    {
        "file": "spinrnn/config/versions.py",
        "old": " or isinstance(network.neuron, tuple):\n        return None\n",
        "new": ":\n        return None\n",
        "tests": TABLES,
    },
    {
        "file": "spinrnn/runs/folder.py",
        "old": "    for key in {**known, **asked}:\n",
        "new": "    for key in known:\n",
        "tests": "tests/runs/test_run.py",
    },
    {
        "file": "spinrnn/analysis/relaxation.py",
        "old": "        expected[own] = rates[found.neuron[own]]\n",
        "new": "        expected[:] = rates[0]\n",
        "tests": "tests/analysis/test_layers.py",
    },
    {
        "file": "spinrnn/networks/driving.py",
        "old": "step if neuron.rate_driven() else step / neuron.time_unit",
        "new": "step if neuron.rate_driven() else step / config.time_unit",
        "tests": "tests/learning/test_gains.py",
        "k": "wanted",
    },
]
