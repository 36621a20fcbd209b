"""Mutations of what a user meets first: how data are read, new configurations, their check,
predictions, mistakes.
"""

LOADING, COLUMNS = "spinrnn/datasets/loading.py", "spinrnn/readers/columns.py"

KNOWN, SOUNDS = "spinrnn/datasets/known.py", "spinrnn/datasets/sounds.py"
HEADS = "tests/datasets/test_heads.py"
KNOWNS = "tests/runs/test_known.py"
PREDICTING, STREAM = "spinrnn/runs/predicting.py", "spinrnn/networks/streaming.py"
CHECKING, BEGINNING = "spinrnn/runs/checking.py", "spinrnn/runs/beginning.py"
TEMPLATE, COMMAND = "spinrnn/config/template.py", "spinrnn/cli/predict.py"
PREDICTIONS, DATA = "tests/runs/test_predicting.py", "tests/datasets/test_run_data.py"
CHECKS, BEGINNINGS = "tests/runs/test_checking.py", "tests/runs/test_beginning.py"
BLOCKS, READING = "spinrnn/kernels/blocks.py", "tests/networks/test_reading.py"
SOURCES, VERSIONS = "tests/datasets/test_sources.py", "tests/config/test_versions.py"
MIXED = "tests/networks/test_mixed.py"
TABLES, RANGES = "spinrnn/datasets/tables.py", "spinrnn/datasets/ranges.py"
UNITS, PARTS = "spinrnn/readers/units.py", "spinrnn/datasets/parts.py"
SPLITS = "tests/datasets/test_parts.py"
CHANNELS, CASES = "spinrnn/datasets/channels.py", "spinrnn/datasets/cases.py"
ROWS, TARGETS = "tests/runs/test_rows.py", "tests/datasets/test_targets.py"
SPANS = "tests/datasets/test_ranges.py"
MISTAKES, READ = "tests/cli/test_mistakes.py", "tests/config/test_keys_are_read.py"


def mutation(file, old, new, tests, k="not slow"):
    return {"file": file, "old": old, "new": new, "tests": tests, "k": k}


MUTATIONS = [
    # reading
    mutation(LOADING, "outputs not in (None, len(found))", "outputs == -1", DATA),
    mutation(LOADING, "found[0] != 1 or found[-1] != len(found)", "found[0] != 1", DATA),
    mutation(
        LOADING, "data.source, labelled, data.missing", 'data.source, labelled, "refuse"', DATA
    ),
    mutation(LOADING, 'kept = ("test", ', "kept = (", DATA),
    mutation(
        LOADING, '"frontend", "features", "targets", "rows")', '"frontend", "features")', TARGETS
    ),
    mutation(
        "spinrnn/datasets/series.py",
        "inputs=data.inputs[:, order]",
        "inputs=data.inputs",
        f"{DATA} {PREDICTIONS}",
    ),
    mutation(COLUMNS, "if not {name, value} & taken", "if name", "tests/readers/test_columns.py"),
    mutation(COLUMNS, "for name in channels if heads else ():", "for name in channels:", HEADS),
    mutation(
        COLUMNS,
        "arrays[name], units[name] = unit.to_si(arrays[name]), unit.si",
        "units[name] = unit.si",
        HEADS,
    ),
    mutation(
        "spinrnn/datasets/cases.py",
        "        _check_said(files[0][0].parent, heads)\n",
        "        pass\n",
        HEADS,
    ),
    mutation("spinrnn/runs/loading.py", "heads=reads_heads(folder)", "heads=True", HEADS),
    mutation(LOADING, '"heads": known.units is not None', '"heads": True', HEADS),
    # rows, targets, ranges of new data
    mutation(LOADING, "known.points == 1", "False", ROWS),
    mutation(LOADING, '"channels": None if "frontend" in taken else', '"channels":', ROWS),
    mutation(TABLES, "if asked.rows is None else", "if True else", ROWS),
    mutation(TABLES, "if asked.told:", "if False:", ROWS),
    mutation(TABLES, '("label",) if asked.rows == "cases" else', "", TARGETS),
    mutation(TABLES, "padded([columns[:, at] for at in rows])", "padded([columns])", TARGETS),
    mutation(COLUMNS, "if not new or value in table.arrays", "if True", TARGETS),
    mutation(RANGES, "known = np.isfinite(part)", "known = np.ones(part.shape, bool)", SPANS),
    mutation(RANGES, "known &= (np.arange", "known |= (np.arange", SPANS),
    mutation(RANGES, "count >= FEW and", "", SPANS),
    mutation(RANGES, "own.largest > factor * known.largest", "own.largest > known.largest", SPANS),
    mutation(RANGES, "= FAR_OF_SHARES if", "= FAR if", KNOWNS),
    mutation(UNITS, 'Unit("%", SHARE, 0.01)', 'Unit("%", "", 0.01)', KNOWNS),
    mutation(LOADING, '() if "frontend" in taken else _bare(known)', "()", KNOWNS),
    mutation(COLUMNS, "not said and _converts(own)", "_converts(own)", KNOWNS),
    mutation(RANGES, "(units[k] and limits[k]) or", "", KNOWNS),
    mutation(RANGES, "known.size * unit.factor / own.size", "own.size / known.size", KNOWNS),
    mutation(RANGES, "[] if all(said) else", "", KNOWNS),
    mutation(RANGES, "in_si = [", "in_si = [None] + [", KNOWNS),
    mutation(CHANNELS, "len(own) == len(wanted) and are_nameless", "are_nameless", SOURCES),
    mutation(CHANNELS, "wanted is None or name in wanted]", "True]", SOURCES),
    mutation(TABLES, "    check_words(table, texts, wanted)\n", "", SOURCES),
    mutation(CASES, "        check_words(table, _texts(table), columns.channels)\n", "", SOURCES),
    mutation(TABLES, "name in asked.names or not (no_time", "not (no_time", SOURCES),
    mutation(TABLES, "*(asked.channels or ()), *named, *other", "*other", SOURCES),
    mutation(CASES, "columns.channels, _texts(table))", "columns.channels)", SOURCES),
    # predictions
    mutation(KNOWN, "data = fitted(data, len(self.channels), self.channels)", "pass", KNOWNS),
    mutation(KNOWN, "other.from_si(unit.to_si(inputs[:, k]))", "unit.to_si(inputs[:, k])", KNOWNS),
    mutation(KNOWN, "unit.si != other.si", "False", KNOWNS),
    mutation(KNOWN, "data.rate not in (None, self.rate)", "False", KNOWNS),
    mutation(KNOWN, "labels=numbers[np.maximum(labels, -1)]", "labels=labels", KNOWNS),
    mutation(KNOWN, "        if foreign:", "        if False:", KNOWNS),
    mutation(SOUNDS, "if own < rate:", "if False:", KNOWNS),
    mutation(
        SOUNDS,
        "        ratio.numerator,\n        ratio.denominator,\n",
        "        1,\n        1,\n",
        KNOWNS,
    ),
    mutation(COLUMNS, "problems += _disagreements(table, columns, sources)", "pass", KNOWNS),
    mutation(
        LOADING,
        "source, labelled, data.missing, names, **taken",
        'source, labelled, "refuse", names, **taken',
        PREDICTIONS,
    ),
    mutation(
        PREDICTING, "softmax(self.outputs, axis=1)", "softmax(self.outputs, axis=0)", PREDICTIONS
    ),
    mutation(PREDICTING, "range(int(self.lengths[case]))", "range(values.shape[2])", PREDICTIONS),
    mutation(PREDICTING, "len(known) > count", "len(known) >= count", PREDICTIONS),
    mutation(PREDICTING, "if run is not None and run.best_epoch is None", "if False", PREDICTIONS),
    mutation(COMMAND, "            stream.reset()\n", "", PREDICTIONS),
    mutation(COMMAND, 'abs(value) < float("inf")', "value == value", PREDICTIONS),
    mutation(COMMAND, 'getattr(output, "error", None) is not None', "False", PREDICTIONS),
    mutation(COMMAND, "stream.points - 1", "stream.points", PREDICTIONS),
    mutation(
        STREAM,
        "self._total / (first + 1)",
        "self._total / (first + 2)",
        "tests/networks/test_reading.py",
    ),
    mutation(STREAM, "            own -= at_end\n", "", "tests/networks/test_reading.py"),
    # what neurons have learned
    mutation(
        "spinrnn/networks/trainable.py",
        "np.asarray(trained_value(neuron, name, x))",
        "np.asarray(x)",
        "tests/neurons/test_trained.py",
    ),
    mutation(
        "spinrnn/cli/wording.py",
        "for v in (values.min(), values.max())",
        "for v in (values.min(), values.max() + 1)",
        "tests/runs/test_run.py",
        "evaluate_prints",
    ),
    mutation(
        "spinrnn/analysis/wording.py", "first, *others", "*others, first", MIXED, "leaves_out"
    ),
    mutation(
        "spinrnn/analysis/consumption.py",
        "settings.neuron_power is None and others",
        "others and False",
        "tests/cli/test_kinds_command.py",
        "ones_own",
    ),
    # heads that count
    mutation(
        "spinrnn/readers/delimited.py", "    return named or (", "    return (", SOURCES, "counts"
    ),
    mutation("spinrnn/datasets/tables.py", "and names in known", "", SOURCES),
    mutation("spinrnn/config/kinds.py", "self.kind == other", "False", VERSIONS),
    mutation("spinrnn/config/kinds.py", "return one == two", "return True", VERSIONS),
    # squares of what is read
    mutation(BLOCKS, "= memory[i] * memory[i]", "= memory[i] + memory[i]", READING, "squares"),
    mutation(BLOCKS, "(x + x) * g_square", "x * g_square", READING, "squares"),
    mutation(
        BLOCKS,
        "    squares_backward(memory, source, g_in, w.read, w.features, points * panels)\n",
        "",
        READING,
        "squares",
    ),
    mutation(
        BLOCKS,
        "source, target = (q + 1) * panel - w.last * v, at + q * w.features * v",
        "source, target = (q + 1) * panel - w.last * v, at + q * w.last * v",
        READING,
        "squares",
    ),
    mutation("spinrnn/networks/packing.py", "read=config.read", "read=config.features", READING),
    mutation("spinrnn/config/run.py", "self.read * (2 if", "self.read * (1 if", READING),
    mutation(
        "spinrnn/networks/recurrent.py", "average and self", "self", READING, "stream_squares"
    ),
    mutation(
        STREAM,
        "            self.total.copy(),\n",
        "            self.total,\n",
        "tests/networks/test_reading.py",
    ),
    # new configurations
    mutation(BEGINNING, "if out.exists() or out.is_symlink()", "if out.is_symlink()", BEGINNINGS),
    mutation(BEGINNING, "os.path.relpath(config.data.source, folder)", "source", BEGINNINGS),
    mutation(PARTS, "deviation < LEAST_DEVIATION and not rare", "deviation < 1e9", SPLITS),
    mutation(PARTS, "    if share <= MOST_SILENT:", "    if share:", SPLITS),
    mutation(BEGINNING, "scale_problems(parts[0], firing=firing)", "[]", BEGINNINGS),
    mutation(TEMPLATE, 'text = re.sub(r"\\bNone\\b", "left out", text)', "pass", BEGINNINGS),
    mutation(
        TEMPLATE,
        "if entry:\n            names",
        "if entry and not names:\n            names",
        BEGINNINGS,
    ),
    # checks
    mutation(CHECKING, "testing=(1 + FINER) * case", "testing=FINER * case", CHECKS),
    mutation(CHECKING, "trainer.batches * effort.step + case", "effort.step + case", CHECKS),
    mutation(CHECKING, "if found.expected.disk > found.expected.free", "if False", CHECKS),
    mutation(CHECKING, "        found.problems += error.problems\n", "        pass\n", CHECKS),
    mutation(CHECKING, "MEASURED < first <= most", "MEASURED < first", CHECKS),
    mutation(CHECKING, "float(np.median(last)) - validation", "float(np.median(last))", CHECKS),
    # mistakes
    mutation(
        "spinrnn/cli/train.py",
        "if out.is_dir() and not any(out.iterdir())",
        "if out.is_dir()",
        MISTAKES,
    ),
    mutation("spinrnn/cli/main.py", "hint = suggest(value, known)", 'hint = ""', MISTAKES),
    mutation(
        "spinrnn/config/tables.py", "{shown(value)}{_slip(value)}", "{shown(value)}", MISTAKES
    ),
    mutation(
        "spinrnn/config/kinds.py",
        "if role in BUILT_IN and name not in names_of(role)",
        "if not role",
        MISTAKES,
    ),
    mutation(
        "spinrnn/config/run.py",
        "key not in given or isinstance(given[key], Unsaid)",
        "key not in given or given[key] == FOLLOWING[key]",
        "tests/config/test_tables.py",
    ),
    # keys
    mutation(
        "spinrnn/config/run.py",
        "    epochs: int = 300\n",
        "    epochs: int = 300\n    idle: int = 0\n",
        READ,
    ),
]
