"""The learned device as a neuron: its level of rows, its derivatives, its noise."""


def plain(old, new, file="spinrnn/kernels/rows.py"):
    """A mutation that networks in plain Python must notice."""
    return {"file": file, "old": old, "new": new, "tests": "tests/kernels/test_plain.py"}


MUTATIONS = [
    plain("first = third if number == 1 else -third", "first = third if number == 1 else third"),
    plain("second = h if number == 2 else -h", "second = h"),
    plain("(three if 0 < number < 3 else one)", "(three if 0 < number < 2 else one)"),
    plain(
        "        bends[j] = kept * (two * inverse) * (two * inverse)\n",
        "        bends[j] = (two * inverse) * (two * inverse)\n",
    ),
    plain("        copy(memory, by + k * v, row + k * v, v)\n", ""),
    plain(
        "before = of_stage + (j * m + direction) * v", "before = of_stage + (direction * m + j) * v"
    ),
    plain("by_drive = q[SCALE] * q[GAIN]", "by_drive = q[GAIN]"),
    plain(
        "out = places.jacobian + (i * level.states + n) * size + at", "out = places.jacobian + at"
    ),
    plain("slope -= memory[tangents + (i * m + n) * v + j] * z", "slope -= z"),
    plain("length = h * q[RATE]", "length = h"),
    plain(
        "        multiply(view(memory, tangents + number * v, v), own)\n",
        "",
    ),
    plain("square_root(c.step * q[RATE])", "square_root(c.step)"),
    plain("first[j] = radius * ((c * c) - left)", "first[j] = radius * c"),
    {
        "file": "spinrnn/neurons/learnedstep.py",
        "old": "float(channel.scaled(np.array((channel.low + channel.high) / 2)))",
        "new": "float(channel.scaled(np.array(channel.high)))",
        "tests": "tests/neurons/test_learned_kind.py",
        "k": "other_drives",
    },
    {
        "file": "spinrnn/neurons/learnedkind.py",
        "old": "            if self.file and name != self.file:\n",
        "new": "            if self.file and not self.content:\n",
        "tests": "tests/neurons/test_learned_kind.py",
        "k": "another_file",
    },
    {
        "file": "spinrnn/neurons/learnedkind.py",
        "old": '"shift": scale * self.drive_offset - drive.scale * drive.offset',
        "new": '"shift": scale * self.drive_offset',
        "tests": "tests/neurons/test_learned_kind.py",
        "k": "units",
    },
    {
        "file": "spinrnn/neurons/learnedtext.py",
        "old": "        if not unpacking.eof:\n",
        "new": "        if False:\n",
        "tests": "tests/neurons/test_learned_kind.py",
        "k": "mistakes",
    },
]
MUTATIONS += [
    {
        "file": "spinrnn/networks/ranges.py",
        "old": "own = drive[:-1, neurons] * neuron.drive_unit",
        "new": "own = drive[:-1] * neuron.drive_unit",
        "tests": "tests/neurons/test_learned_kind.py",
        "k": "beyond",
    },
    {
        "file": "spinrnn/neurons/learnedkind.py",
        "old": "return low / self.drive_gain, high / self.drive_gain",
        "new": "return low, high",
        "tests": "tests/neurons/test_learned_kind.py",
        "k": "beyond",
    },
    {
        "file": "spinrnn/systems/skyrmion.py",
        "old": "np.concatenate([[0.0], ends[:-1]])",
        "new": "ends",
        "tests": "tests/systems/test_skyrmion.py",
        "k": "reservoir_emits",
    },
    {
        "file": "spinrnn/systems/skyrmion.py",
        "old": "k2 = slope(n + 1 / 3, z + h * k1 / 3)",
        "new": "k2 = slope(n, z + h * k1 / 3)",
        "tests": "tests/systems/test_skyrmion.py",
        "k": "free_run",
    },
]
