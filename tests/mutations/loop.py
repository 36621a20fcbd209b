"""Mutations of a device in the loop: whose loss, what is asked again, what the log has."""

BLOCKS, RUNNING = "spinrnn/kernels/blocks.py", "spinrnn/networks/running.py"
FORWARD, RECURRENT = "spinrnn/networks/feedforward.py", "spinrnn/networks/recurrent.py"
LOOP, READINGS = "spinrnn/learning/loop.py", "spinrnn/learning/readings.py"
TRAINER, CALLS = "spinrnn/learning/trainer.py", "spinrnn/files/calls.py"
LOOPS, RUN, FOLDER = (f"spinrnn/runs/{name}.py" for name in ("loops", "run", "folder"))
LEARN = "spinrnn/learning/"
TESTS, RUNS = "tests/learning/test_loop.py", "tests/runs/test_loops.py"


def mutation(file, old, new, k="", tests=TESTS):
    return {"file": file, "old": old, "new": new, "tests": tests, "k": k}


MUTATIONS = [
    # the loss is the device's
    mutation(
        BLOCKS, "if measured.size > 0 else memory[place]", "if False else memory[place]", "the_rest"
    ),
    mutation(BLOCKS, "measured[n, o, t] if measured", "measured[j, o, t] if measured", "the_rest"),
    mutation(
        BLOCKS,
        "memory[at + i * v] = measured[first + j, i, t]",
        "memory[at + i * v] = measured[j, i, t]",
        "features",
    ),
    mutation(
        BLOCKS,
        "at = readout + (t * panels + j // v) * features",
        "at = readout + features",
        "features",
    ),
    mutation(
        RUNNING, "measured=scaling.wanted(targets.measured)", "measured=targets.measured", "scaled"
    ),
    mutation(FORWARD, "outputs = outputs if measured is None else measured", "pass", "the_rest"),
    mutation(FORWARD, "h = read if i == last and read is not None else h", "pass", "features"),
    mutation(
        FORWARD,
        "return self._outputs(self._read(u, lengths, noise_seed), given)",
        "return self._outputs(self._read(u, lengths, noise_seed))",
        "features",
    ),
    mutation(
        FORWARD,
        "return self._said(self._run(self._read(u, lengths, noise_seed), False)[0][:, :, 0])",
        "return self.forward(u, lengths, noise_seed)",
        "without_time",
    ),
    mutation(RECURRENT, "Targets(*none, features=given)", "Targets(*none)", "features"),
    # what is asked
    mutation(
        LOOP,
        "shaped = [a if not a.size or a.ndim == 3 else a[:, :, None]",
        "shaped = [0 * a if not a.size or a.ndim == 3 else a[:, :, None]",
        "the_rest",
    ),
    mutation(
        LOOP,
        "self._net.trained_outputs(self.inputs, self.lengths, self.seed)",
        "self._net.forward(self.inputs, self.lengths, self.seed)",
        "without_time",
    ),
    mutation(LOOP, "view.flags.writeable = False", "pass", "which_order"),
    mutation(
        TRAINER,
        "batch = inputs, targets, part.lengths",
        "batch = inputs, task.targets(self.net, part), part.lengths",
        "differs",
    ),
    mutation(
        TRAINER,
        "test_of(net, self.test, self.config.task, finer, self._asked",
        "test_of(net, self.test, self.config.task, finer, None and self._asked",
        "test_part_is",
    ),
    mutation(TRAINER, 'asked = self._asked("validation")', "asked = None", "which_order"),
    mutation(
        TRAINER, "self.epoch * each + batch)", "self.epoch * self.batches + batch)", "which_order"
    ),
    mutation(
        TRAINER,
        "if self.batch < self.batches:\n                self._step",
        "if True:\n                self._step",
        "same_call",
        RUNS,
    ),
    # what fails
    mutation(
        LOOP,
        "passing and call.attempt <= self.retries",
        "passing and call.attempt < self.retries",
        "asked_again",
    ),
    mutation(LOOP, "self.wait * 2 ** (attempt - 1)", "self.wait * attempt", "longest"),
    mutation(LOOP, "(attempt - 1), LONGEST_WAIT)", "(attempt - 1), 1e9)", "longest"),
    mutation(
        LOOP, "passing = not wrong or isinstance(error, NotFinite)", "passing = True", "at_once"
    ),
    mutation(LOOP, "isinstance(error, NotFinite)", "False", "asked_again"),
    mutation(
        READINGS,
        "wrong = np.argwhere(~np.isfinite(array))",
        "wrong = np.argwhere(np.isnan(array))",
        "asked_again or not_finite",
    ),
    mutation(READINGS, "array.shape != shape", "array.size != np.prod(shape)", "at_once"),
    mutation(READINGS, "array = np.where(after, 0.0, array)", "pass", "behind"),
    mutation(LOOP, "if self.stop is not None and self.stop():", "if False:", "stop_while", RUNS),
    mutation(
        RUN,
        "    if folder:\n        folder.checkpoint(trainer)\n    if error is not None:",
        "    if error is not None:",
        "stop_while",
        RUNS,
    ),
    # what the log has, and who goes on
    mutation(LOOP, "if known[1] != digests:", "if False:", "other_weights", RUNS),
    mutation(CALLS, "if self.answer(number) is not None:", "if False:", "not_overwritten", RUNS),
    mutation(CALLS, " - int(torn)", "", "torn", RUNS),
    mutation(
        LOOP,
        "if self.log is None or (known",
        "if True or (known",
        "not_asked_again",
        RUNS,
    ),
    mutation(CALLS, "!= _digest(arrays)", "is None", "torn", RUNS),
    mutation(
        CALLS,
        '"gave": gave, "attempts": count + 1',
        '"gave": gave, "attempts": 1',
        "all_attempts",
        RUNS,
    ),
    mutation(
        CALLS,
        '"seconds_failed": failed + seconds',
        '"seconds_failed": seconds',
        "all_attempts",
        RUNS,
    ),
    mutation(CALLS, '("last_error",) if count else', "", "all_attempts", RUNS),
    mutation(
        CALLS,
        "if not self._planned.same(",
        "if False and not self._planned.same(",
        "another_training",
        RUNS,
    ),
    mutation(LOOPS, "if now != name:", "if False:", "refused_by_name", RUNS),
    mutation(
        LOOPS, "if before is None and forward is not None:", "if False:", "refused_by_name", RUNS
    ),
    mutation(LOOPS, 'sources[-1].get("sha256") != digest', "False", "mended", RUNS),
    mutation(LOOPS, "isinstance(found, type) or not callable", "not callable", "refuses", RUNS),
    mutation(
        FOLDER,
        "if not self.complete:\n            loops",
        "if True:\n            loops",
        "same_call",
        RUNS,
    ),
    # who would not hear a device
    mutation(LOOPS, "if estimator.hears_devices and not estimator.at_once:", "if True:", "hear"),
    mutation(LOOPS, 'others = "adjoint" in config.network.abilities', "others = True", "hear"),
    mutation(LEARN + "vdsp.py", "hears_devices = False", "hears_devices = True", "hear"),
    mutation(LEARN + "equilibrium.py", "hears_devices = False", "hears_devices = True", "hear"),
]
