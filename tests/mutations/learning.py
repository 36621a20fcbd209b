"""Mutations of training: seeds, noise, clipping, decay, rates, records, checkpoints."""

TRAINER, ADAM, SCHEDULE, LEARNER = (
    f"spinrnn/learning/{name}.py" for name in ("trainer", "adam", "schedule", "learner")
)
TASK, CLASSES, REGRESSION, FORECAST = (
    f"spinrnn/tasks/{name}.py"
    for name in ("protocol", "classification", "regression", "forecasting")
)
STRETCHES, BLOCKS = "spinrnn/datasets/stretches.py", "spinrnn/kernels/blocks.py"
LOSSES, TARGETS = "spinrnn/kernels/losses.py", "spinrnn/networks/targets.py"
REGRESSIONS, READING = "tests/tasks/test_regression.py", "tests/networks/test_reading.py"
CONNECTIONS, RECURRENT = "spinrnn/synapses/connections.py", "spinrnn/networks/recurrent.py"
UPDATES, BASE = "spinrnn/kernels/updates.py", "spinrnn/networks/base.py"
CHECK, CHECKED = "spinrnn/checks/synapse.py", "tests/checks/test_synapse.py"
CLASSIFICATION = "tests/tasks/test_classification.py"
SYNAPSE, PAIRS = "tests/synapses/test_own_synapse.py", "tests/synapses/test_pairs.py"
TESTS, OPTIM = "tests/learning/test_training.py", "tests/learning/test_optim.py"
DIVERGED, WHY = "spinrnn/learning/divergence.py", "tests/learning/test_divergence.py"


def mutation(file, old, new, k="", tests=TESTS, **others):
    return {"file": file, "old": old, "new": new, "tests": tests, "k": k, **others}


MUTATIONS = [
    # why it diverges
    mutation(DIVERGED, "    if begun:\n", "    if True:\n", "before", WHY),
    mutation(DIVERGED, "if authored(kind)]", "if True]", "authors", WHY),
    mutation(DIVERGED, "network.neuron,) if", "network.neuron,) if not", "neurons_that", WHY),
    mutation(TRAINER, "self.learner.steps > 0", "True", "a_training", WHY),
    # seeds
    mutation(
        TRAINER,
        "network_of(config.network, seed=config.train.seed)",
        "network_of(config.network)",
        "initial",
    ),
    mutation(
        TRAINER,
        "[self.config.train.seed, _ORDER, self.epoch]",
        "[0, _ORDER, self.epoch]",
        "next_of",
    ),
    mutation(
        TRAINER,
        "[self.config.train.seed, _ORDER, self.epoch]",
        "[self.config.train.seed, _ORDER, 0]",
        "next_of",
    ),
    mutation(
        TRAINER,
        "[c.seed, _NOISE, self.epoch, self.batch]",
        "[0, _NOISE, self.epoch, self.batch]",
        "next_of",
    ),
    mutation(
        TRAINER,
        "[c.seed, _NOISE, self.epoch, self.batch]",
        "[c.seed, _NOISE, self.epoch, 0]",
        "noise",
    ),
    mutation(
        TRAINER,
        "[c.seed, _NOISE, self.epoch, self.batch]",
        "[c.seed, _NOISE, 0, self.batch]",
        "noise",
    ),
    mutation(
        TRAINER,
        "(c.seed, _THERMAL, self.epoch, self.batch)",
        "(0, _THERMAL, self.epoch, self.batch)",
        "thermal",
    ),
    mutation(
        TRAINER,
        "(c.seed, _THERMAL, self.epoch, self.batch)",
        "(c.seed, _THERMAL, self.epoch, 0)",
        "next_of",
    ),
    mutation(
        TRAINER,
        "self.training, self.validation, self.test = parts.divide(whole, config)",
        "self.training, self.test, self.validation = parts.divide(whole, config)",
        "split",
    ),
    # input noise
    mutation(TRAINER, "noise = c.noise * rng", "noise = c.noise**2 * rng", "width"),
    mutation(
        TRAINER,
        "rng.standard_normal(inputs.shape, dtype=np.float32)",
        "rng.random(inputs.shape, dtype=np.float32)",
        "width",
    ),
    mutation(
        TRAINER,
        "rng.standard_normal(inputs.shape, dtype=np.float32)",
        "(12**0.5 * (rng.random(inputs.shape, dtype=np.float32) - 0.5))",
        "width",
    ),
    mutation(
        TRAINER,
        "rng.standard_normal(inputs.shape, dtype=np.float32)",
        "rng.standard_normal(inputs.shape[1:], dtype=np.float32)",
        "width",
    ),
    mutation(TRAINER, "if c.noise == 0:", "if c.noise >= 0:", "width"),
    # a step
    mutation(
        TRAINER,
        "self.batch * c.batch : (self.batch + 1) * c.batch",
        "self.batch * c.batch : (self.batch + 1) * c.batch - 1",
        "next_of",
    ),
    mutation(
        LEARNER,
        "norm = clip_gradient(gradient, c.clip)",
        "norm = clip_gradient(gradient, 0)",
        "adams",
    ),
    mutation(
        TRAINER,
        "learning_rate(c, self.epoch * self.batches + batch,",
        "learning_rate(c, self.epoch * self.batches + batch + 1,",
        "rates",
    ),
    mutation(
        TRAINER,
        "learning_rate(c, self.epoch * self.batches + batch,",
        "learning_rate(c, self.epoch * self.batches,",
        "rates",
    ),
    mutation(TRAINER, "c.epochs * self.batches)", "c.epochs * self.batches - 1)", "rates"),
    mutation(
        CONNECTIONS,
        "self._is_weight = layout.is_weight()\n",
        "self._is_weight = layout.is_weight() | True\n",
        "adams",
    ),
    mutation(
        CONNECTIONS,
        "self._is_weight = layout.is_weight()\n",
        "self._is_weight = ~layout.is_weight()\n",
        "adams",
    ),
    mutation(
        TRAINER,
        "-(-len(self.training) // config.train.batch)",
        "len(self.training) // config.train.batch",
        "next_of",
    ),
    mutation(CONNECTIONS, "flat[self._is_weight] *= keep", "flat *= keep", "adams"),
    mutation(ADAM, "1 - rate * self.weight_decay", "1 - self.weight_decay", tests=OPTIM),
    mutation(UPDATES, "second[i] / divisor", "second[i]", tests=OPTIM),
    mutation(ADAM, "(1 - self.beta1**step)", "(1 - self.beta1**(step + 1))", tests=OPTIM),
    mutation(
        UPDATES,
        "(square_root(second[i] / divisor) + epsilon)",
        "square_root(second[i] / divisor + epsilon)",
        tests=OPTIM,
    ),
    mutation(
        UPDATES,
        "decay2 * (g * g - second[i])",
        "decay1 * (g * g - second[i])",
        tests=OPTIM,
    ),
    # synapses of one's own
    mutation(
        CONNECTIONS,
        "trained[~mask] = before[~mask]",
        "pass",
        tests=SYNAPSE,
    ),
    mutation(
        CONNECTIONS,
        "flat[~mask] = before[~mask]\n        if not",
        "pass\n        if not",
        tests=SYNAPSE,
    ),
    mutation(CONNECTIONS, "name: own + asked[name]", "name: own", tests=SYNAPSE),
    mutation(CONNECTIONS, "turned and mask is None else", "turned else", tests=PAIRS),
    mutation(CONNECTIONS, 'turned = asks == "flips" and', "turned =", tests=PAIRS),
    mutation(CONNECTIONS, "if not all(np.isfinite(own).all()", "if not all(True", tests=PAIRS),
    mutation(CONNECTIONS, "[*seed, _PROGRAMMING]", "[_PROGRAMMING]", tests=SYNAPSE),
    mutation(CONNECTIONS, "total += kind.program", "total = kind.program", tests=SYNAPSE),
    mutation(CONNECTIONS, "        array[...] = arrays[name]", "        pass", tests=SYNAPSE),
    mutation(CONNECTIONS, "array.copy() for name", "array for name", tests=SYNAPSE),
    mutation(BASE, "self.connections.read(self.parameters)", "self.parameters", tests=SYNAPSE),
    mutation(
        RECURRENT,
        "net.connections.read_backward(net.parameters, gradient)",
        "gradient",
        tests=SYNAPSE,
    ),
    mutation(TRAINER, "net.connections = self.best_connections.copy()", "pass", tests=SYNAPSE),
    mutation(
        TRAINER,
        "net.connections = self.best_connections.copy()",
        "net.connections = self.best_connections",
        tests=SYNAPSE,
    ),
    mutation(
        TRAINER,
        "            self.best_connections = self.net.connections.copy()\n",
        "",
        tests=SYNAPSE,
    ),
    mutation(LEARNER, "array[...] = arrays[name]", "pass"),
    mutation(TRAINER, "array[...] = arrays[name]", "pass", tests=SYNAPSE),
    mutation(LEARNER, "self.steps = steps", "pass"),
    mutation(TRAINER, '{"accuracy": known.pop', '{"accurac": known.pop', "sums"),
    mutation(TRAINER, "Events(*self.events) + step.events", "step.events", tests=SYNAPSE),
    mutation(SCHEDULE, "math.pi * step / steps", "math.pi * step / (steps - 1)", tests=OPTIM),
    mutation(SCHEDULE, "0.5 * (1 + math.cos", "0.5 * (1.1 + math.cos", tests=OPTIM),
    mutation(
        SCHEDULE, 'config.schedule == "constant"', 'config.schedule != "constant"', tests=OPTIM
    ),
    mutation(SCHEDULE, "gradient *= limit / norm", "gradient *= limit", tests=OPTIM),
    mutation(SCHEDULE, "if 0 < limit < norm", "if limit < norm", tests=OPTIM),
    mutation(SCHEDULE, "if 0 < limit < norm", "if 0 < limit", tests=OPTIM),
    # records
    mutation(TRAINER, "self.loss += step.loss * cases", "self.loss += step.loss", "records"),
    mutation(TRAINER, "sums.loss / sums.cases", "sums.loss / self.batches", "records"),
    mutation(TRAINER, "total / sums.cases for", "total / len(self.validation) for", "records"),
    mutation(
        TRAINER,
        '"gradient_norm": sums.norm / self.batches',
        '"gradient_norm": sums.norm',
        "records",
    ),
    mutation(TRAINER, "max(self.largest_norm, step.norm)", "step.norm", "records"),
    mutation(
        TRAINER,
        'f"validation_{name}": value',
        'f"validation_{name}": sums.loss / sums.cases if name == "loss" else value',
        "records or validation",
    ),
    mutation(
        TRAINER,
        'f"validation_{name}": value',
        'f"validation_{name}": sums.scores.get(name, value) / (sums.cases if name in sums.scores '
        "else 1)",
        "best",
    ),
    mutation(
        TRAINER,
        "scored(candidate, self.validation, task=task, forward=asked)",
        "scored(candidate, self.test, task=task, forward=asked)",
        "best or test_part or records",
    ),
    mutation(
        TRAINER,
        "scored(candidate, self.validation, task=task, forward=asked)",
        "scored(candidate, self.training, task=task, forward=asked)",
        "best or test_part or records",
    ),
    mutation(TASK, "new >= old if", "new > old if", "best"),
    mutation(TASK, "new >= old if", "new <= old if", "best"),
    mutation(
        TRAINER,
        "self.best_parameters = candidate.parameters.copy()",
        "self.best_parameters = candidate.parameters",
        "best",
    ),
    mutation(
        TRAINER,
        '"epoch": self.epoch + 1,\n            "train',
        '"epoch": self.epoch,\n            "train',
        "best or records",
    ),
    mutation(TRAINER, "net.parameters[:] = self.best_parameters", "pass", "best"),
    mutation(
        TRAINER,
        'record["seconds"] for record in self.history) + self._sums.seconds',
        'record["seconds"] for record in self.history[1:])',
        "seconds",
    ),
    # evaluation
    mutation(
        CLASSES,
        "np.add.at(confusion, (labels[known], logits.argmax(axis=1)[known]), 1)",
        "np.add.at(confusion, (logits.argmax(axis=1)[known], labels[known]), 1)",
        "confusion",
    ),
    mutation(
        CLASSES,
        "np.add.at(confusion, (labels[known], logits.argmax(axis=1)[known]), 1)",
        "confusion[labels[known], logits.argmax(axis=1)[known]] = 1",
        "confusion",
    ),
    mutation(
        CLASSES,
        "log_softmax(logits, axis=1)",
        "log_softmax(logits, axis=0)",
        "evaluation",
    ),
    mutation(CLASSES, "float(losses.mean())", "float(losses.sum())", "evaluation"),
    mutation(
        TRAINER,
        "data.inputs, data.lengths, noise_seed)",
        "data.inputs, None, noise_seed)",
        "evaluation",
    ),
    mutation(
        TRAINER,
        "data.inputs, data.lengths, noise_seed)",
        "data.inputs, data.lengths)",
        "evaluation",
    ),
    # checkpoints
    mutation(
        LEARNER,
        'f"{kind}_{name}": array for name, array in self.memory.items()',
        'f"{kind}_{name}": self.memory["first"] for name in self.memory',
        "restoring",
    ),
    mutation(TRAINER, 'arrays["best_parameters"]', 'arrays["parameters"]', "restoring"),
    mutation(
        TRAINER,
        '_Sums.of(state["sums"]), list',
        "_Sums(), list",
        "restoring",
    ),
    mutation(
        TRAINER,
        'record["epoch"] == state["best_epoch"]',
        'record["epoch"] == state["epoch"]',
        "restoring",
    ),
    mutation(TRAINER, 'self.net.mask[:] = arrays["mask"].astype(bool)', "pass", "other_devices"),
    mutation(
        TRAINER,
        "self.net.devices = devices_of(arrays, self.config.network)",
        "pass",
        "other_devices",
    ),
    mutation(
        TRAINER,
        "[name for name, shape in wanted.items() if arrays[name].shape != shape]",
        "[]",
        "not_a_state",
    ),
    mutation(
        TRAINER, "type(state[name]) is not int or state[name] < 0", "state[name] < 0", "not_a_state"
    ),
    # errors
    mutation(
        TRAINER,
        'f"epoch {self.epoch + 1}, batch {batch}"',
        'f"epoch {self.epoch}, batch {batch}"',
        "diverge",
    ),
    mutation(
        TRAINER,
        "batch = self.batch + 1 if self.batch < self.batches",
        "batch = self.batch if self.batch < self.batches",
        "diverge",
    ),
    mutation(TRAINER, "layer=error.layer", "layer=error.neuron", "diverge"),
    mutation(
        DIVERGED,
        'getattr(network, "scheme", None) == "euler"',
        'getattr(network, "scheme", None) != "euler"',
        "diverge",
    ),
    # sums of an epoch
    mutation(TRAINER, "self.cases += cases", "self.cases = cases", "sums"),
    mutation(TRAINER, "self.norm += step.norm", "self.norm = step.norm", "sums"),
    mutation(TRAINER, "self.scores.get(name, 0) + values", "values", "sums"),
    mutation(TRAINER, "values.sum().item()", "values.mean().item()", "sums"),
    mutation(TRAINER, "values.sum().item()", "values.sum()", "sums"),
    mutation(TRAINER, "known = dict(state)", "known = state", "sums"),
    mutation(TRAINER, 'if "correct" in known:', "if False:", "sums"),
    # tasks
    mutation(TASK, '.better == "high"', '.better != "high"', tests=CLASSIFICATION),
    mutation(TASK, "score.name == cls.chooses", "True", tests=CLASSIFICATION),
    mutation(TASK, "else new <= old", "else new < old", tests=CLASSIFICATION),
    mutation(TASK, "else new <= old", "else new >= old", "lowest"),
    mutation(
        TRAINER,
        'chosen = f"validation_{task.chooses}"',
        'chosen = "validation_accuracy"',
        "lowest",
    ),
    mutation(TRAINER, "task.better(record[chosen], self.best[chosen])", "True", "lowest"),
    mutation(
        CLASSES,
        "accuracy = (right.sum(axis=1) / known.sum(axis=1)).mean()",
        "accuracy = right.sum() / known.sum()",
        tests=CLASSIFICATION,
    ),
    mutation(
        CLASSES,
        'return {"accuracy": right.sum(axis=1) / known.sum(axis=1)}',
        "return {}",
        tests=CLASSIFICATION,
    ),
    mutation(CLASSES, "argmax(axis=1) == labels", "argmin(axis=1) == labels", tests=CLASSIFICATION),
    mutation(
        CLASSES,
        "labels, classes = targets.labels, outputs.shape[1]",
        "labels, classes = targets.labels, targets.labels.max() + 1",
        tests=CLASSIFICATION,
    ),
    mutation(CLASSES, "log_softmax(logits, axis=1)", "logits", tests=CLASSIFICATION),
    mutation(CLASSES, "np.diag(confusion)[there]", "np.diag(confusion)", tests=CLASSIFICATION),
    mutation(
        CLASSES, "confusion.sum(axis=0) == 0", "confusion.sum(axis=1) == 0", tests=CLASSIFICATION
    ),
    mutation(REGRESSION, "known.sum(axis=(0, 2))", "known.sum(axis=(0, 2)) - 1", tests=REGRESSIONS),
    mutation(REGRESSION, "np.sqrt(nmse)", "nmse", tests=REGRESSIONS),
    mutation(REGRESSION, "1 - nmse", "1 - np.sqrt(nmse)", tests=REGRESSIONS),
    mutation(REGRESSION, "values[:, :, : self.washout] = np.nan", "pass", tests=REGRESSIONS),
    mutation(
        FORECAST, "inputs[:, :, self.horizon :]", "inputs[:, :, : -self.horizon]", tests=REGRESSIONS
    ),
    mutation(
        FORECAST, "output = stream(output)", "output = stream(start[:, :, -1])", tests=REGRESSIONS
    ),
    mutation(FORECAST, "~(error <= bound)", "error > bound", tests=REGRESSIONS),
    mutation(STRETCHES, "validation - length)", "validation - length - 1)", tests=REGRESSIONS),
    mutation(STRETCHES, "(test - washout, points)", "(test, points)", tests=REGRESSIONS),
    mutation(STRETCHES, "targets[:, :, :washout] = np.nan", "pass", tests=REGRESSIONS),
    mutation(BLOCKS, "1 if 0 < k < end else 0.5", "1", tests=READING),
    mutation(BLOCKS, "memory[g_mean + target + i] -= memory[source + i]", "pass", tests=READING),
    mutation(
        LOSSES, "factor = weights[j] / max(known, 1)", "factor = 1 / max(known, 1)", tests=READING
    ),
    mutation(LOSSES, "weights[j] / max(count, 1), 0.0", "weights[j], 0.0", tests=READING),
    mutation(TARGETS, "np.where(after, -1, known)", "known", tests=READING),
    mutation(TARGETS, "np.where(after[:, None], np.nan, known)", "known", tests=READING),
    # the check of a synapse
    mutation(CHECK, "BOUND = 1e-8", "BOUND = 1e-7", tests=CHECKED),
    mutation(CHECK, "error <= BOUND", "not error > BOUND", tests=CHECKED),
    mutation(CHECK, '[] if found == shape else ["read"]', "[]", tests=CHECKED),
    mutation(CHECK, "sorted(wanted - devices.keys())", "()", tests=CHECKED),
    mutation(CHECK, "sorted(devices.keys() - wanted)", "()", tests=CHECKED),
    mutation(CHECK, "        if not arrays.ok:", "        if False:", tests=CHECKED),
    mutation(CHECK, "if not synapse.exact:", "if False:", tests=CHECKED),
    mutation(CHECK, "found.shape != shape or not np", "not np", tests=CHECKED),
    mutation(CHECK, "or not np.isfinite(found).all()", "", tests=CHECKED),
    mutation(
        CHECK,
        "    if found.shape != shape:\n",
        "    if found.size != expected.size:\n",
        tests=CHECKED,
    ),
    mutation(CHECK, "/ max(1.0, np.abs(expected).max())", "", tests=CHECKED),
    mutation(CHECK, "/ max(1.0, np.abs(expected).max())", "/ np.abs(expected)", tests=CHECKED),
    mutation(CHECK, "np.nan_to_num(errors, nan=np.inf)", "np.nan_to_num(errors)", tests=CHECKED),
    mutation(CHECK, "moved[place] += k * step", "moved[place] += step", tests=CHECKED),
    mutation(
        CHECK, "8 * values[1] + 8 * values[2]", "7 * values[1] + 7 * values[2]", tests=CHECKED
    ),
    mutation(CHECK, "(g_weights * synapse.read(", "(synapse.read(", tests=CHECKED),
    mutation(CHECK, "if not isinstance(events, Events):", "if len(events) != 3:", tests=CHECKED),
    mutation(CHECK, "bad = not np.isfinite(other).all()", "bad = False", tests=CHECKED),
    mutation(CHECK, "for asks in synapse.takes:", "for asks in synapse.takes[:1]:", tests=CHECKED),
    mutation(CHECK, 'keep = 0.9 if asks == "amount" else 1.0', "keep = 1.0", tests=CHECKED),
    # an early end
    mutation(
        TRAINER,
        'record[f"validation_{task.chooses}"]',
        'record["validation_accuracy"]',
        "lower_loss",
        "tests/learning/test_small_data.py",
    ),
    mutation(
        "spinrnn/kernels/updates.py",
        "for i in range(whole, numbers.shape[0]):",
        "for i in range(whole, whole):",
        "norm_is",
        "tests/kernels/test_updates.py",
    ),
]
