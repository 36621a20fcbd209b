"""Devices and what writes them: laws, noise, levels, gates, what is counted."""

WALL, SIGN, CELLS = (f"spinrnn/synapses/{name}.py" for name in ("domain_wall", "sign", "rram"))
LAWS, KERNEL = "spinrnn/synapses/laws.py", "spinrnn/kernels/cells.py"
UPDATES, STEPS = "spinrnn/kernels/updates.py", "tests/kernels/test_updates.py"
METAPLASTIC, FLIPS, PULSES = (
    f"spinrnn/learning/{name}.py" for name in ("metaplastic", "flips", "pulses")
)
WRITING, CONNECTIONS = "spinrnn/networks/writing.py", "spinrnn/synapses/connections.py"
CHECK, RUN, SAVED = (
    "spinrnn/checks/synapse.py",
    "spinrnn/config/run.py",
    "spinrnn/networks/saved.py",
)
WALLS, RESET = "tests/synapses/test_domain_wall.py", "tests/synapses/test_weak_reset.py"
WRITERS, PAIRS = "tests/learning/test_writers.py", "tests/synapses/test_pairs.py"
CHECKED = "tests/checks/test_synapse.py"


def mutation(file, old, new, tests, k=""):
    return {"file": file, "old": old, "new": new, "tests": tests, "k": k}


MUTATIONS = [
    # domain walls
    mutation(WALL, "return 2 / (self.states - 1)", "return 1 / (self.states - 1)", WALLS),
    mutation(WALL, "(self.noise * self.distance)", "(self.noise)", WALLS),
    mutation(WALL, "self.margin * self.distance,\n", "self.margin,\n", STEPS),
    mutation(UPDATES, "far[i, j] = abs(", "far[i, j] = (", STEPS),
    mutation(UPDATES, "np.rint(wanted * scale + middle)", "wanted * scale + middle", STEPS),
    mutation(UPDATES, "wanted = size if wanted > size else wanted", "pass", STEPS),
    mutation(UPDATES, "level = last if level > last else level", "pass", STEPS),
    mutation(
        WALL, "np.rint(trained * scale + middle)", "np.floor(trained * scale + middle)", WALLS
    ),
    mutation(WALL, "((self.states - 1) / 2)", "(self.states / 2)", WALLS),
    mutation(WALL, "(self.distance) - levels.dtype.type(1)", "(self.distance)", WALLS),
    mutation(WALL, "np.clip(trained, -size, size, out=trained)", "pass", WALLS),
    mutation(WALL, "math.sqrt(12 / trained.shape[1])", "math.sqrt(12 / trained.shape[0])", WALLS),
    mutation(WALL, "math.sqrt(12 / trained.shape[1])", "math.sqrt(3 / trained.shape[1])", WALLS),
    mutation(WALL, "position.dtype.type(self._size(trained))", "1", WALLS),
    mutation(WALL, "rng.random(places.size) < self.slips", "rng.random(places.size) > 1", WALLS),
    mutation(WALL, "< 0.5, -1, 1)", "< 0.9, -1, 1)", WALLS),
    mutation(WALL, "np.where(beside < 0, 1, beside)", "np.where(beside < 0, 0, beside)", WALLS),
    mutation(WALL, "self.states - 2, beside)", "self.states - 1, beside)", WALLS),
    mutation(WALL, "        if not self.accumulate:\n", "        if False:\n", WALLS),
    mutation(WALL, "            far &= request.exists\n", "            pass\n", WALLS),
    mutation(WALL, "places.size * self.energy, slipped,", "places.size, slipped,", WALLS),
    mutation(WALL, "self.energy, slipped, int(ends)", "self.energy, 0, int(ends)", WALLS),
    mutation(WALL, "| (levels == self.states - 1)", "", WALLS),
    mutation(WALL, "            attempts[left] += 1\n", "            attempts += 1\n", WALLS),
    mutation(WALL, "left[error > self.margin * self.distance]", "left[error > self.margin]", WALLS),
    mutation(WALL, "            left = np.flatnonzero(exists)\n", "            pass\n", WALLS),
    mutation(WALL, "self.energy, left.size, int(", "self.energy, 0, int(", WALLS),
    mutation(WALL, "(1 + 1e-9) // 1", "// 1", WALLS, "room"),
    mutation(WALL, "if self.states > self.most_states:", "if False:", WALLS),
    # signs
    mutation(UPDATES, "size if own >= 0", "size if own > 0", STEPS),
    mutation(UPDATES, "every &= own - own == 0", "pass", STEPS),
    mutation(UPDATES, "every &= numbers[i] - numbers[i] == 0", "pass", STEPS),
    mutation(SIGN, "2 / math.sqrt(block.shape[1])", "2 / math.sqrt(block.shape[0])", WALLS),
    mutation(SIGN, "np.array([-size, size], dtype)", "np.array([size, -size], dtype)", RESET),
    mutation(UPDATES, "turned = -smallest if before == 0 else -before", "turned = -before", STEPS),
    mutation(UPDATES, "turned if flips[i, j] != 0 else before", "turned", STEPS),
    mutation(UPDATES, "(before >= 0) != (after >= 0)", "before != after", STEPS),
    mutation(SIGN, "np.where(request.exists, change, change.dtype.type(0))", "change", WALLS),
    mutation(SIGN, "Events(count, count * self.energy)", "Events(count, count)", WALLS),
    # laws of cells
    mutation(LAWS, "6.56468e-4", "6.3e-4", RESET),
    {
        "file": LAWS,
        "old": "3.74158e-5, 6.5",
        "new": "0.0, 6.5",
        "equivalent": "an exponential is the same above any bound",
    },
    mutation(LAWS, "542.539", "560", RESET),
    mutation(LAWS, "0.803382", "0.83", RESET),
    mutation(LAWS, "2.88905e-5", "3e-5", RESET),
    mutation(LAWS, "5.29314e-3, 5.3", "0.0, 5.3", RESET),
    mutation(LAWS, "381.7", "395", RESET),
    mutation(LAWS, "normal(6988", "normal(7003", RESET),
    mutation(LAWS, "6252, 7897", "6100, 8000", RESET),
    mutation(LAWS, "0, 1.3e-4", "0, 2e-4", RESET),
    mutation(LAWS, "41, 2000", "41, 2600", RESET),
    mutation(LAWS, "7.6e-3", "9e-3", RESET),
    mutation(LAWS, "least + (most - least) * rng.random(shape)", "rng.random(shape)", RESET),
    mutation(LAWS, "least + (most - least) * shares", "shares[:-1]", RESET),
    mutation(CELLS, "mean + spread * (drawn - mean)", "drawn", RESET),
    mutation(CELLS, "(OFFSETS, self.offset_spread)", "(OFFSETS, self.slope_spread)", RESET),
    mutation(CELLS, "self.telegraph * rng.random(shape)", "self.telegraph", RESET),
    # what pulses do
    mutation(KERNEL, "* min(t, turn) +", "* t +", RESET),
    mutation(KERNEL, "late = max(t - turn, np.float32(0))", "late = t", RESET),
    mutation(KERNEL, "cells.start[cell] + mean +", "cells.start[cell] - mean +", RESET),
    mutation(KERNEL, "np.int64(asked[pair]) * (1 - 2 * side)", "np.int64(asked[pair])", RESET),
    mutation(
        KERNEL, "stationary = noise.rise / (", "stationary = noise.fall / (", RESET, "telegraph"
    ),
    mutation(KERNEL, "memory**number", "memory", RESET, "telegraph"),
    mutation(KERNEL, "(cells.high[cell] - stationary) *", "-stationary *", RESET, "dwell"),
    mutation(KERNEL, "memory = 1 - noise.rise - noise.fall", "memory = 1 - noise.rise", RESET),
    mutation(KERNEL, "cells.high[cell] = chance < high", "cells.high[cell] = chance > high", RESET),
    mutation(
        KERNEL, "* cells.amplitude[cell] * chances[cell - first]", "* cells.amplitude[cell]", RESET
    ),
    mutation(KERNEL, "room.chances[1])\n", "room.chances[0])\n", RESET),
    mutation(
        KERNEL, "age = newest + GROUP * back - place", "age = newest + GROUP * back + place", RESET
    ),
    mutation(KERNEL, "there = (age >= 0) & (age < ", "there = (age < ", RESET),
    mutation(
        KERNEL, "(len(coefficients) + GROUP - 2) // GROUP + 1", "len(coefficients) // GROUP", RESET
    ),
    mutation(KERNEL, "(c * scale - centre) * w2", "(c * scale - centre) * w3", RESET),
    mutation(KERNEL, "(a * scale - centre) * w0", "(b * scale - centre) * w0", RESET),
    mutation(KERNEL, "(np.int64(groups[j]) - back)", "(np.int64(groups[j]) + back)", RESET),
    mutation(KERNEL, "scramble(group, cells[j], key", "scramble(group, cells[0], key", RESET),
    mutation(KERNEL, "        sums[j] = 0\n", "        sums[j] = sums[j]\n", RESET),
    {
        "file": KERNEL,
        "old": "    room.filled[place] = 0\n",
        "new": "    room.filled[place] = 1\n",
        "equivalent": "the first cell is summed once more, to the same number",
    },
    mutation(KERNEL, "cells.log_resistance[cell] += cells.pink[cell]", "pass", RESET),
    mutation(KERNEL, "(pulsed or every)", "pulsed", RESET),
    mutation(KERNEL, "    counts[2] += number < wanted\n", "    counts[2] += 0\n", RESET),
    mutation(KERNEL, "min(wanted, noise.endurance - np.int64(cells.given[cell]))", "wanted", RESET),
    mutation(KERNEL, ">= cells.turn[cell]\n", "> 0\n", RESET),
    mutation(CELLS, "np.cumprod((k - 0.5) / k)", "np.cumprod((k - 0.4) / k)", RESET),
    mutation(CELLS, "0.5 - 0.5 / 65536 if self.centred", "0.0 if self.centred", RESET),
    mutation(CELLS, "weights_of(amplitude * pink", "weights_of(pink", RESET),
    mutation(CELLS, "((first == second) & (trained >= 0))", "(first == second)", RESET),
    mutation(CELLS, "positive = (first > second)", "positive = (first < second)", RESET),
    mutation(CELLS, "            asked *= request.exists\n", "            pass\n", RESET),
    mutation(CELLS, "pulses * self.energy + sets", "sets", RESET),
    mutation(CELLS, "+ sets * self.set_energy", "", RESET),
    mutation(CELLS, "Events(pulses + sets,", "Events(pulses,", RESET),
    mutation(CELLS, "most = self.refresh // 2", "most = self.refresh", RESET),
    mutation(CELLS, "pulses[0] - pulses[1], -most", "pulses[1] - pulses[0], -most", RESET),
    mutation(CELLS, "        pulses[:, full] = 0\n", "        pass\n", RESET),
    mutation(CELLS, '        devices["sets"][full] += 2\n', "        pass\n", RESET),
    # writers
    mutation(METAPLASTIC, "(2 * self.m)", "(self.m)", WRITERS),
    mutation(UPDATES, "(e + e + e + e)", "(e + e)", STEPS),
    mutation(
        UPDATES,
        "(asked < 0) & (own > 0) | (asked > 0) & (own < 0)",
        "(asked < 0) & (own < 0) | (asked > 0) & (own > 0)",
        STEPS,
    ),
    mutation(UPDATES, "if weights[i] & towards", "if towards", STEPS),
    mutation(METAPLASTIC, "(weights * trained)", "trained", WRITERS),
    mutation(UPDATES, "gamma * (mean[i] + g)", "gamma * g", STEPS),
    mutation(UPDATES, "-own if trained[i] >= 0 else own", "abs(own)", STEPS),
    mutation(UPDATES, "if against > tau else", "if against < tau else", STEPS),
    mutation(UPDATES, "-rate * g", "-g", STEPS),
    mutation(
        FLIPS, "real(self.gamma), real(self.tau)", "real(self.tau), real(self.gamma)", WRITERS
    ),
    mutation(UPDATES, "np.rint(scale * change[i])", "scale * change[i]", STEPS),
    mutation(UPDATES, "share * change[i]", "change[i]", STEPS),
    mutation(UPDATES, "pulses = most if pulses > most else pulses", "pass", STEPS),
    mutation(PULSES, "(self.scale, self.most, self.share)", "(self.scale, self.most, 1)", WRITERS),
    # around them
    mutation(
        RUN,
        'if not _unwritable(kinds.kind_of("writer", n).gives, every))',
        "if True)",
        PAIRS,
    ),
    mutation(
        RUN, '    if "kind" not in known.get("writer", {}):\n', "    if False:\n", PAIRS, "follows"
    ),
    mutation(SAVED, "configs.run_of(net.config)", "configs.RunConfig(net.config)", PAIRS, "files"),
    mutation(CHECK, "max(grown / size, 0.0)", "0.0", CHECKED),
    mutation(CHECK, "large = -np.sign(g_trained)", "large = -np.sign(g_weights)", CHECKED),
    mutation(CHECK, "1.0 * (np.sign(before) != large)", "0.0 * large", CHECKED),
    mutation(
        CONNECTIONS,
        "Request(asked[name], keep, own, exists.get(name))",
        "Request(asked[name], keep, own)",
        PAIRS,
    ),
    mutation(
        CONNECTIONS,
        "Request(asked[name], keep, own, exists.get(name))",
        "Request(asked[name], keep)",
        PAIRS,
    ),
    mutation(
        WRITING,
        "other.parameters, other.scaling = _wanted(net), net.scaling",
        "other.scaling = net.scaling",
        WALLS,
    ),
    mutation(WRITING, "        other.mask = net.mask.copy()\n", "        pass\n", WALLS),
    mutation(WRITING, "weights[...] = trained[name]", "pass", WALLS, "weights_of_any"),
    mutation(WRITING, "net.effective().copy()", "net.parameters.copy()", WALLS, "weights_of_any"),
    mutation(SAVED, "    if not net.connections.direct:\n", "    if False:\n", PAIRS, "none"),
    mutation(CONNECTIONS, "[seed, _MAKING]", "[0, _MAKING]", "tests/synapses/test_own_synapse.py"),
    mutation(KERNEL, "cells.pulses[cell] += number", "cells.pulses[cell] += wanted", RESET, "more"),
    mutation(CONNECTIONS, "flags[self._layout.places(name)] = False", "pass", PAIRS, "get_amounts"),
    mutation(
        "spinrnn/learning/trainer.py",
        "if events.count or self._programs:",
        "if events.count:",
        PAIRS,
        "never_programmed",
    ),
    mutation(
        "spinrnn/learning/trainer.py",
        "type(one).program is not Synapse.program",
        "True",
        PAIRS,
        "never_programmed",
    ),
    mutation(
        "spinrnn/synapses/protocol.py", "wrong | (values > self.high)", "wrong", PAIRS, "cannot_be"
    ),
    mutation(
        "spinrnn/synapses/protocol.py",
        "values < self.low if low",
        "values < -9 if low",
        PAIRS,
        "cannot_be",
    ),
    mutation(CONNECTIONS, "self._require_possible(arrays)", "pass", PAIRS, "cannot_be"),
]
