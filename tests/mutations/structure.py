"""Mutations of the house itself: imports that go upwards, libraries that stray."""

MUTATIONS = [
    {
        "file": "spinrnn/machine/memory.py",
        "old": "from spinrnn.errors import ConfigError\n",
        "new": "from spinrnn.errors import ConfigError\nfrom spinrnn.files import atomic\n",
        "tests": "tests/test_structure.py",
        "k": "downwards",
    },
    {
        "file": "spinrnn/config/toml.py",
        "old": "import tomllib\n",
        "new": "import pickle\nimport tomllib\n",
        "tests": "tests/test_structure.py",
        "k": "heavy",
    },
]
