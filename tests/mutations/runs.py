"""Mutations of runs and of what they report: summary, folder, resumption, pictures."""

RUN, FOLDER, FIGURES = "spinrnn/runs/run.py", "spinrnn/runs/folder.py", "spinrnn/tasks/figures.py"
TRAINER = "spinrnn/learning/trainer.py"
WORDING, COMMAND = "spinrnn/cli/wording.py", "spinrnn/cli/train.py"
CHECKED = "tests/runs/test_checking.py"
TESTS, PICTURES = "tests/runs/test_run.py", "tests/tasks/test_training_figures.py"


def mutation(file, old, new, k="", tests=TESTS, **others):
    return {"file": file, "old": old, "new": new, "tests": tests, "k": k, **others}


FOUND, FINE = 'f"test_{name}": value', 'f"test_{name}_fine": value'
CHOSEN = 'best[f"validation_{score.name}"]'
TEST, BEST, ELSE = "test_part_in_the", "best_epoch_in_the", "what_else"

MUTATIONS = [
    # the numbers of summary.json
    mutation(RUN, "FINER = 8", "FINER = 4", TEST),
    mutation(
        TRAINER,
        "fine = scored(net.replace(substeps=finer * substeps)",
        "fine = scored(net.replace(substeps=substeps)",
        TEST,
    ),
    mutation(TRAINER, FOUND, 'f"test_{name}": 100 * value if name == "accuracy" else value', TEST),
    mutation(
        TRAINER, FINE, 'f"test_{name}_fine": found.scores[name] if name == "loss" else value', TEST
    ),
    mutation(
        TRAINER,
        "test_of(net, self.test, self.config",
        "test_of(net, self.validation, self.config",
        TEST,
    ),
    mutation(
        RUN,
        "trainer.tested(network, FINER)",
        "trainer.tested(trainer.net, FINER)",
        TEST,
    ),
    mutation(RUN, "network = trainer.best_network()", "network = trainer.net", BEST),
    mutation(
        RUN,
        CHOSEN,
        '(trainer.history[-1] if score.name == "accuracy" else best)[f"validation_{score.name}"]',
        BEST,
    ),
    mutation(
        RUN,
        CHOSEN,
        'best[f"{"train" if score.name == "loss" else "validation"}_{score.name}"]',
        BEST,
    ),
    mutation(RUN, '"best_epoch": best["epoch"]', '"best_epoch": trainer.epoch', BEST),
    mutation(RUN, '"best_epoch": best["epoch"]', '"best_epoch": best["epoch"] - 1', BEST),
    mutation(RUN, '"epochs": trainer.epoch', '"epochs": best["epoch"]', BEST),
    mutation(
        RUN,
        "network.parameters.size if mask is None else mask.sum()",
        "network.parameters.size",
        ELSE,
    ),
    mutation(
        RUN,
        "network.parameters.size if mask is None else mask.sum()",
        "network.parameters.size if mask is None else (~mask).sum()",
        ELSE,
    ),
    mutation(
        RUN,
        "network.parameters.size if mask is None",
        "network.config.outputs if mask is None",
        "dense",
    ),
    mutation(RUN, '"training": len(trainer.training)', '"training": len(trainer.validation)', ELSE),
    mutation(RUN, '"test": len(trainer.test)', '"test": len(trainer.validation)', ELSE),
    mutation(
        RUN,
        '"seconds_training": round(trainer.seconds(), 3)',
        '"seconds_training": round(compiling, 3)',
        ELSE,
    ),
    mutation(
        RUN,
        '"seed": trainer.config.train.seed',
        '"seed": trainer.config.network.device_seed',
        ELSE,
    ),
    mutation(
        RUN,
        '"data_sha256": trainer.data_digest',
        '"data_sha256": trainer.training.digest()',
        ELSE,
    ),
    mutation(RUN, "array.tolist() for", "array.T.tolist() for", TEST),
    # records and checkpoints
    mutation(RUN, "        if record and folder:\n            folder.append(record)\n", "", ELSE),
    mutation(
        RUN,
        "waited >= trainer.config.train.checkpoint_seconds",
        "waited < trainer.config.train.checkpoint_seconds",
        "checkpoint",
    ),
    mutation(RUN, "if folder and (stopping or waited", "if folder and (waited", "stop_writes"),
    mutation(
        RUN,
        "        if folder:\n            folder.checkpoint(trainer)\n        network",
        "        network",
        "checkpoints_within",
    ),
    mutation(
        FOLDER,
        "[trainer.config.train.checkpoints :]",
        "[trainer.config.train.checkpoints + 1 :]",
        "chosen",
    ),
    mutation(FOLDER, "{trainer.learner.steps:08d}", "{trainer.epoch:08d}", "chosen"),
    mutation(FOLDER, "                    file.truncate(before)\n", "", "record_that"),
    mutation(FOLDER, "if file.write(line) < len(line):", "if not file.write(line):", "record_that"),
    mutation(
        FOLDER, "lines = [json.dumps(record)", 'lines = ["" and json.dumps(record)', "written_anew"
    ),
    mutation(
        FOLDER, "            trainer.restore(arrays, state)\n", "            pass\n", "stop_writes"
    ),
    # which run it is
    mutation(FOLDER, "if not resume:", "if resume is None:", "overwritten"),
    mutation(
        FOLDER,
        "        if changed:\n            raise ConfigError(\n",
        "        if False:\n            raise ConfigError(\n",
        "overwritten",
    ),
    mutation(FOLDER, 'any(not p.name.startswith(".") for', "any(True for", "kill_before"),
    mutation(
        FOLDER, "fcntl.LOCK_EX | fcntl.LOCK_NB", "fcntl.LOCK_SH | fcntl.LOCK_NB", "two_processes"
    ),
    mutation(FOLDER, "            self._lock.close()", "            pass", "kept"),
    mutation(
        FOLDER,
        'new is None and old == follows.get(key.rpartition(".")[2])',
        "new is None",
        "another_run",
    ),
    mutation(
        FOLDER, 'new is None and old == follows.get(key.rpartition(".")[2])', "False", "another_run"
    ),
    mutation(FOLDER, '{"data.source", "data.test"', '{"data.test"', "with_data_that_moved"),
    mutation(FOLDER, "max(here, key=_last_written", "min(here, key=_last_written", "newest"),
    mutation(FOLDER, "loading.progress(folder)[2] == digest", "True", "newest"),
    mutation(
        FOLDER,
        "if config is not None and elsewhere and not here",
        "if config is not None and elsewhere",
        "newest",
    ),
    # data
    mutation(
        FOLDER,
        'check_data(state["data_sha256"], trainer.data_digest, self.path)',
        "pass",
        "other_data_are",
    ),
    mutation(
        FOLDER,
        "return dataclasses.replace(stored, data=moved)",
        "return stored",
        "with_data_that_moved",
    ),
    mutation(
        FOLDER, "write_atomic(self._config_file, to_toml(config))", "pass", "with_data_that_moved"
    ),
    mutation(
        FOLDER,
        "self.keep_config(trainer.config, same_data=going_on)",
        "self.keep_config(trainer.config, same_data=False)",
        "with_data_that_moved",
    ),
    mutation(
        FOLDER,
        'state["data_sha256"] = trainer.data_digest',
        'state["data_sha256"] = trainer.training.digest()',
        "stop_writes",
    ),
    mutation(
        RUN,
        'check_data(summary["data_sha256"], data.digest(), folder.path)',
        "pass",
        "no_other_data",
    ),
    mutation(RUN, "if moved or data is not None:", "if moved:", "no_other_data"),
    mutation(RUN, "folder.keep_config(config, same_data=True)", "pass", "no_other_data"),
    mutation(RUN, "if folder and folder.started:", "if False:", "project_that"),
    mutation(COMMAND, "read_config(own, settings) if settings else None", "None", "place_alone"),
    mutation(
        COMMAND,
        "if options.resume and options.config is None and own.exists():",
        "if False:",
        "place_alone or overwritten",
    ),
    # pictures
    mutation(
        RUN,
        "        if pictures:\n            folder.draw(result.history",
        "        if True:\n            folder.draw(result.history",
        "left_out",
    ),
    mutation(
        RUN,
        "    if pictures:\n        folder.draw(history",
        "    if True:\n        folder.draw(history",
        "left_out",
    ),
    mutation(RUN, "folder.missing_pictures())", "[])", "costs_no"),
    mutation(
        FOLDER, "except Exception as error:", "except OSError as error:", "one_picture or costs_no"
    ),
    mutation(
        FOLDER,
        "                failed[name] = reason_of(error)\n",
        "                failed[name] = reason_of(error)\n                break\n",
        "one_picture or costs_no",
    ),
    mutation(FOLDER, "dict.fromkeys(failed.values())", "failed.values()", "costs_no"),
    mutation(
        FIGURES,
        '("validation_{}", "validation", "--")',
        '("train_{}", "validation", "--")',
        tests=PICTURES,
    ),
    mutation(
        FIGURES,
        "label, style, scale=scale)",
        "label, style)",
        tests=PICTURES,
    ),
    mutation(
        FIGURES, '"gradient_norm_max", "largest"', '"gradient_norm", "largest"', tests=PICTURES
    ),
    mutation(
        FIGURES, 'record["epoch"] for record', 'record["epoch"] - 1 for record', tests=PICTURES
    ),
    mutation(FIGURES, 'ylabel="accuracy (%)"', 'ylabel="accuracy"', tests=PICTURES),
    mutation(FIGURES, "len(epochs) < 2 else", "len(epochs) < 1 else", tests=PICTURES),
    mutation(FIGURES, "axis=1, keepdims=True", "axis=0, keepdims=True", tests=PICTURES),
    mutation(FIGURES, "percent = 100 * confusion", "percent = confusion", tests=PICTURES),
    mutation(FIGURES, "ax.text(column, row, text", "ax.text(row, column, text", tests=PICTURES),
    mutation(FIGURES, "share of the label's cases (%)", "cases", tests=PICTURES),
    mutation(
        FIGURES,
        'xlabel="class answered", ylabel="class of the label"',
        'xlabel="class of the label", ylabel="class answered"',
        tests=PICTURES,
    ),
    mutation(FIGURES, "vmin=0, vmax=100", "vmin=0", tests=PICTURES),
    mutation(FIGURES, "percent[row, column] > 50", "percent[row, column] > 0.5", tests=PICTURES),
    mutation(FIGURES, "LARGEST_TABLE = 20", "LARGEST_TABLE = 21", tests=PICTURES),
    # what is printed
    mutation(
        WORDING,
        "{100 * value:.{digits}f} %",
        "{value:.{digits}f} %",
        "prints",
    ),
    mutation(WORDING, '("", "_fine" if timed else "")', '("", "")', "prints"),
    mutation(
        WORDING,
        "number_of(s[f'test_{one.name}{ending}'])",
        "number_of(s[f'test_{one.name}'])",
        "prints",
    ),
    mutation(
        WORDING,
        "best epoch {summary['best_epoch']} of",
        "best epoch {summary['epochs']} of",
        "prints",
    ),
    mutation(WORDING, 'score.name == "accuracy"', 'score.name == "loss"', "prints"),
    mutation(
        WORDING, "for r in (record, trainer.best)", "for r in (trainer.best, record)", "prints"
    ),
    # a learning rate of another scale
    mutation("spinrnn/runs/checking.py", "if rate > scale:", "if False:", "rate", CHECKED),
    mutation("spinrnn/runs/checking.py", "rate * steps < 0.01", "rate < 0.01", "rate", CHECKED),
]
