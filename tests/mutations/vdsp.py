"""Mutations of spiking networks: spikes, waiting, thresholds, the rule, devices,
classes.
"""

EVENTS, NETWORK = "spinrnn/kernels/events.py", "spinrnn/networks/spiking.py"
RULE, CONFIG = "spinrnn/learning/vdsp.py", "spinrnn/config/spiking.py"
SYNAPSE, MEASURED = "spinrnn/synapses/conductance.py", "spinrnn/synapses/measured.py"
STUDY, RUN = "spinrnn/systems/vdsp.py", "spinrnn/config/run.py"
KERNEL, LEARNS = "tests/kernels/test_events.py", "tests/learning/test_vdsp.py"
TRAINER, LOOK = "spinrnn/learning/trainer.py", "spinrnn/look/figures.py"
LOOKS = "tests/look/test_look.py"
STUDIED = "tests/systems/test_vdsp_study.py"


def mutation(file, old, new, k="", tests=KERNEL, **others):
    return {"file": file, "old": old, "new": new, "tests": tests, "k": k, **others}


MUTATIONS = [
    # when inputs fire
    mutation(
        EVENTS,
        "> threshold:\n            high = middle",
        ">= threshold + 1e-3:\n            high = middle",
    ),
    mutation(EVENTS, "first = state.waiting[i] + n", "first = n"),
    mutation(EVENTS, "scratch.period[i] = timing.input_wait + n", "scratch.period[i] = n"),
    mutation(EVENTS, "low, high = 0, powers.shape[0]", "low, high = 1, powers.shape[0]"),
    # their potentials
    mutation(EVENTS, "scratch.seen[i] = moved if n > 0 else start", "scratch.seen[i] = moved"),
    mutation(EVENTS, "since - wait\n", "since\n"),
    mutation(
        EVENTS,
        "scratch.seen[i] * powers[max(timing.pause - left, 0)]",
        "scratch.seen[i] * powers[timing.pause]",
    ),
    # the rule
    mutation(
        EVENTS,
        "over = -volts - low if volts < 0 else volts - high",
        "over = -volts - low if volts < 0 else volts - low",
    ),
    mutation(
        EVENTS,
        "amounts[i] = size if volts < 0 else -size",
        "amounts[i] = -size if volts < 0 else size",
    ),
    mutation(EVENTS, "(1.0 - w if amount > 0 else w)", "(1.0 - w if amount > 0 else 1.0 - w)"),
    mutation(EVENTS, "return x * mean / kept", "return x * mean"),
    mutation(EVENTS, "    x = min(x, MOST)\n", "", "far_below"),
    mutation(EVENTS, "(-1.0 if amount < -1 else amount)", "amount"),
    mutation(EVENTS, "1.0 if amount > 1 else", "amount if amount > 1 else", "far_below"),
    mutation(EVENTS, "volts = seen[i] * window.volts", "volts = seen[i]"),
    mutation(EVENTS, "(up if volts < 0 else down) * over", "(down if volts < 0 else up) * over"),
    mutation(EVENTS, "scratch.other[i] = seen[order[i]]", "scratch.other[i] = seen[i]"),
    # devices
    mutation(EVENTS, "left = 1.0 - x if up else x", "left = 1.0 - x"),
    mutation(
        EVENTS, "amount *= devices.factors[way, i, j]", "amount *= devices.factors[1 - way, i, j]"
    ),
    mutation(
        EVENTS,
        "x = (float(weights[i, j]) - window.low) / window.span",
        "x = float(weights[i, j]) / window.span",
    ),
    mutation(EVENTS, "x = 0.0 if x < 0 else x\n", "x = x\n"),
    mutation(EVENTS, "return square_root(length) * cosine", "return length * cosine"),
    mutation(EVENTS, "if window.scatters[way] > 0:", "if window.scatters[0] > 0 and way == 1:"),
    # outputs
    mutation(
        EVENTS,
        "if state.silent[j] == 0 and over > best:",
        "if over > best:",
        equivalent="neurons that wait are at 0 or below, and thresholds are above 0",
    ),
    mutation(
        EVENTS,
        "over = state.level[j] - (timing.firing + state.raised[j])",
        "over = state.level[j] - timing.firing",
    ),
    mutation(EVENTS, "state.silent[j] = timing.output_wait", "state.silent[j] = timing.silence"),
    mutation(EVENTS, "state.level[j] = timing.floor", "state.level[j] = 0.0"),
    mutation(EVENTS, "timing.filtered * current[j] + (common", "current[j] + (common"),
    mutation(EVENTS, " or forget < timing.keep", ""),
    mutation(EVENTS, "common = timing.base * arrived", "common = timing.base"),
    mutation(
        EVENTS,
        "state.raised[j] += timing.growth if grows else 0.0",
        "state.raised[j] += timing.growth",
    ),
    mutation(EVENTS, "forget = timing.forget if grows else 1.0", "forget = timing.forget"),
    mutation(EVENTS, "_power(timing.keep, free)", "_power(timing.keep, timing.pause)"),
    mutation(EVENTS, "        if not carries:\n            _clear(state)\n", ""),
    # the network
    mutation(
        NETWORK,
        "slope = answer.gain / answer.span",
        "slope = answer.gain",
        tests=LEARNS,
        k="scale_of",
    ),
    mutation(
        NETWORK,
        "share * (answer.base - slope * answer.low)",
        "share * answer.base",
        tests=LEARNS,
        k="scale_of",
    ),
    mutation(
        NETWORK, "share = 1.0 - kept(c.synapse_time)", "share = 1.0", tests=LEARNS, k="scale_of"
    ),
    mutation(
        NETWORK, "mean.argmax(axis=0), -1)", "mean.argmax(axis=0), 0)", tests=LEARNS, k="classes"
    ),
    mutation(
        NETWORK,
        'self.buffers["answers/spikes"] / np.maximum(cases, 1)[:, None]',
        'self.buffers["answers/spikes"] * 1.0',
        tests=LEARNS,
        k="classes",
    ),
    mutation(
        NETWORK,
        "counts[:, own].mean(axis=1)",
        "counts[:, own].sum(axis=1)",
        tests=LEARNS,
        k="classes",
    ),
    mutation(
        NETWORK, 'self.buffers["state/shown"] += len(x)', "pass", tests=LEARNS, k="events_are"
    ),
    mutation(
        NETWORK,
        "(seed, _CHANCE, shown)",
        "(seed, _CHANCE, 0)",
        tests=LEARNS,
        k="shuffled_potentials",
    ),
    # the rule in a training
    mutation(RULE, "labels, fresh=True)", "labels)", tests=LEARNS, k="labelling"),
    mutation(
        RULE,
        "        return every[:wanted]",
        "        return every",
        tests=LEARNS,
        k="labelling",
    ),
    mutation(
        RULE,
        "        outputs = net.answers(counts)\n",
        "        net.tally(counts, targets.labels[:, 0])\n        outputs = net.answers(counts)\n",
        tests=LEARNS,
        k="a_step_shows",
    ),
    mutation(
        CONFIG,
        "train.learning_rate * largest > 1",
        "train.learning_rate > 1",
        tests=LEARNS,
        k="told",
    ),
    mutation(
        CONFIG,
        "THRESHOLD * math.sqrt(int(self.inputs))",
        "THRESHOLD * int(self.inputs)",
        tests=LEARNS,
        k="thresholds_follow",
    ),
    mutation(MEASURED, "low=-largest", "low=largest", tests=LEARNS, k="scale_of"),
    # windows and study
    mutation(SYNAPSE, "(1.6796, 0.9439)", "(1.6796, 0.9349)", tests=STUDIED),
    mutation(SYNAPSE, "ratio, volts):\n", "ratio, volts):\n    ratio = 1 / ratio\n", tests=STUDIED),
    mutation(SYNAPSE, "((up, up * share)", "((up, up / share)", tests=STUDIED),
    mutation(STUDY, '"growth": 0.03 * max(share, 1.0)', '"growth": 0.03', tests=STUDIED),
    mutation(STUDY, "max(share, 1.0) ** 0.5", "max(share, 1.0)", tests=STUDIED),
    mutation(
        RUN,
        "unwritable = [] if estimator.local else",
        "unwritable =",
        tests="tests/config/test_together.py",
        k="vdsp",
    ),
    # weights, receptive fields
    mutation(RUN, "estimator.weighs or getattr", "getattr", "weights", LEARNS),
    mutation(
        TRAINER,
        "or weights is None or np.ptp(weights) == 0",
        "or weights is None",
        "weights",
        LEARNS,
    ),
    mutation(LOOK, "labels.max() + 1, labels)", "len(labels), labels)", "fields", LOOKS),
    mutation(LOOK, "if side * side == weights.shape[1] else 1", "", "fields", LOOKS),
    mutation(LOOK, "vmin=low, vmax=high", "vmin=0, vmax=high", "fields", LOOKS),
    mutation(LOOK, 'name = "-" if label < 0 else', "name =", "fields", LOOKS),
]
