"""Mutations of configurations: limits, types, what follows from other keys, TOML."""

RUN, TABLES, TOML = (f"spinrnn/config/{name}.py" for name in ("run", "tables", "toml"))
KINDS, QUANTITY, OLD = (f"spinrnn/config/{name}.py" for name in ("kinds", "quantity", "versions"))
PARTS = "spinrnn/config/parts.py"
NEURONS, OSCILLATOR = "spinrnn/config/neurons.py", "spinrnn/neurons/oscillator.py"
ADAM = "spinrnn/learning/adam.py"
SYNAPSE, KINDS_COMMAND = "tests/synapses/test_own_synapse.py", "tests/cli/test_kinds_command.py"
OWN, BEFORE = "tests/config/test_kinds.py", "tests/config/test_versions.py"
READ, START = "spinrnn/config/unread.py", "spinrnn/runs/run.py"
POINTS, SCIKIT = "spinrnn/sweep/points.py", "spinrnn/sklearn.py"
UNREAD = "tests/config/test_unread.py"
CONFIG, TYPES = "tests/config/test_config.py", "tests/config/test_tables.py"


def mutation(file, old, new, tests=CONFIG, k="", **others):
    return {"file": file, "old": old, "new": new, "tests": tests, "k": k, **others}


MUTATIONS = [
    # defaults and what follows
    mutation(OSCILLATOR, '        0.0, about="Q"', '        0.1, about="Q"'),
    mutation(ADAM, '0.0,\n        about="share', '0.01,\n        about="share'),
    mutation(RUN, "noise: float = 0.15", "noise: float = 0.0"),
    mutation(RUN, "if estimator.ideal_synapses:", "if False:"),
    mutation(RUN, 'if estimator.warm == "reservoir":', "if False:"),
    mutation(RUN, "TEST_FRACTION = 0.2", "TEST_FRACTION = 0.25"),
    mutation(RUN, "shortest - 1e-9)", "shortest)"),
    mutation(RUN, "max(1, math.ceil(4 *", "max(1, math.ceil(2 *"),
    mutation(RUN, "-step * unit / filter_time", "-step / filter_time"),
    mutation(RUN, "own * self.time_unit", "own", BEFORE, "filter"),
    mutation(RUN, "self.highpass_time or None", "self.highpass_time", BEFORE),
    mutation(OSCILLATOR, "(drive + saturation)", "drive"),
    mutation(
        RUN, "return self.train.seed if self.data.split_seed", "return 0 if self.data.split_seed"
    ),
    mutation(RUN, '"split_seed": config.resolved_split_seed', '"split_seed": config.train.epochs'),
    # limits
    mutation(RUN, "LARGEST_RATIO = 1e5", "LARGEST_RATIO = 1e7"),
    mutation(PARTS, "LARGEST_NETWORK = 1e10", "LARGEST_NETWORK = 1e11"),
    mutation(RUN, "sum(n * n for n in c.layers)", "sum(n for n in c.layers)"),
    mutation(RUN, "any(n < 1 for n in c.layers)", "any(n < 0 for n in c.layers)"),
    mutation(RUN, "0 < getattr(c, key) <= 1, key", "0 <= getattr(c, key) <= 1, key"),
    mutation(RUN, "window >= 0", "window >= -1"),
    mutation(QUANTITY, "above < value < below", "above <= value < below"),
    mutation(QUANTITY, "above < value < below", "above < value <= below"),
    mutation(QUANTITY, "low <= value <= high", "low < value <= high"),
    mutation(QUANTITY, "low <= value <= high", "low <= value < high"),
    mutation(RUN, "LARGEST_THERMAL_POWER = 0.1", "LARGEST_THERMAL_POWER = 0.2"),
    mutation("spinrnn/config/spread.py", "0 <= value <= 1", "0 <= value < 1"),
    mutation(
        NEURONS, "if name not in known:", "if False:", "tests/config/test_config.py", "mistakes"
    ),
    mutation(RUN, 'if declared.unit == "s"', "if False", OWN, "slip"),
    mutation(RUN, "if given != layers", "if given > layers"),
    mutation(RUN, "smallest <= a <= LARGEST_NUMBER", "0 <= a <= LARGEST_NUMBER"),
    mutation(
        RUN, '("epochs", "batch", "checkpoints", "ensemble")', '("epochs", "batch", "ensemble")'
    ),
    mutation(ADAM, "gradient's running mean\", low=0, below=1", "gradient's running mean\", low=0"),
    mutation(RUN, '"checkpoint_seconds", "seed", "patience"', '"checkpoint_seconds", "patience"'),
    mutation(RUN, "sum(shares.values()) >= 1", "sum(shares.values()) > 1"),
    # types
    mutation(TABLES, "return value.item()", "return value", TYPES),
    mutation(TABLES, ', "item") and not getattr(value, "mask", False)', ', "item")', TYPES),
    mutation(TABLES, " and not isinstance(value, bool)", "", f"{CONFIG} {TYPES}"),
    mutation(TABLES, "abs(value) < 2**63", "True", f"{CONFIG} {TYPES}"),
    mutation(TABLES, "abs(value) <= sys.float_info.max", "True", f"{CONFIG} {TYPES}"),
    mutation(TABLES, "str: str.__str__,", "str: lambda text: text,", TYPES),
    mutation(TABLES, "tuple(_typed(item, plain(v)) for", "tuple(_typed(item, v) for", TYPES),
    mutation(TABLES, "text[: SHOWN - 3]", "text", TYPES),
    mutation(TABLES, "converted = field.default", "continue"),
    mutation(TABLES, "    problems += config.problems()\n", ""),
    # names
    mutation(
        RUN,
        "        if owners:\n            return [f",
        "        if not owners:\n            return [f",
        CONFIG,
        "mistakes",
    ),
    mutation(TABLES, "nearest(name, known) or next(same, None)", "nearest(name, known)", TYPES),
    mutation(TABLES, "len(known) <= LARGEST_LIST", "True", TYPES),
    # kinds, and keys of 0.1
    mutation(KINDS, "before is not None and _place_of(before) != _place_of(kind)", "False", OWN),
    mutation(
        KINDS, "if name in BUILT_IN[role]:\n        return [", "if False:\n        return [", OWN
    ),
    mutation(KINDS, "_looked_up.add(", "(", OWN, "told_once"),
    mutation(KINDS, 'now.get("sha256") != before', "False", KINDS_COMMAND),
    mutation(KINDS, "if found != digest:", "if False:", KINDS_COMMAND),
    mutation(OLD, "if named and given:", "if False:", BEFORE),
    mutation(OLD, "seconds == kind.highpass * tau", "True", BEFORE),
    mutation(OLD, "bool(network.trained)", "False", BEFORE),
    mutation(OLD, "bool(spread) if ideal", "False if ideal", BEFORE),
    mutation(OLD, "(network.filter_time is None) != ideal", "False", BEFORE),
    mutation(OLD, "_forget(tables, [OLD.get(key) or NEW[key]])", "pass", BEFORE),
    mutation(OLD, "_prune(role, tables.get(role), value)", "pass", BEFORE),
    # several roles, and what 0.1 had of them
    mutation(OLD, '(role != "writer" and tables[role] != default)', "False", BEFORE),
    mutation(OLD, "for key in WRITER}\n    left", "for key in WRITER[:3]}\n    left", BEFORE),
    mutation(OLD, "if name not in _ONLY}", 'if name != "writer"}', BEFORE),
    mutation(
        OLD,
        "{**(before or {}), **old}\n    return made",
        "{**old, **(before or {})}\n    return made",
        BEFORE,
    ),
    mutation(
        OLD,
        "    if isinstance(before, str):\n        before =",
        "    if False:\n        before =",
        BEFORE,
    ),
    mutation(OLD, "        before = before.table()\n", "        pass\n", BEFORE),
    mutation(RUN, "order or keys_of(self)", "keys_of(self)", BEFORE, "positional"),
    mutation(
        RUN,
        "{**parts.get(owner, {}), table: known[table]}",
        "{table: known[table]}",
        SYNAPSE,
        "tables or told",
    ),
    mutation(RUN, "sorted(estimator.needs - network.abilities)", "[]", SYNAPSE, "together"),
    mutation(RUN, "estimator.needs - network.abilities", "estimator.needs", SYNAPSE, "together"),
    mutation(RUN, 'not {gives, "amount"} & set(one.takes)', "False", SYNAPSE, "together"),
    mutation(RUN, "        if misfits:", "        if False:", SYNAPSE, "together"),
    mutation(
        RUN, 'problems += set_parts(self, {"task": (make, kind_part("task")[1])})', "pass", CONFIG
    ),
    mutation(RUN, "return (*self.network.kinds, *own)", "return own", KINDS_COMMAND),
    mutation(
        RUN,
        "return (*self.network.kinds, *own)",
        "return self.network.kinds",
        SYNAPSE,
        "take_part",
    ),
    mutation(
        KINDS,
        "if given is None:\n        return default(role)",
        "if given is None:\n        return given",
        SYNAPSE,
    ),
    mutation(
        KINDS,
        "isinstance(given, Kind) or given.role != role:",
        "isinstance(given, Kind):",
        SYNAPSE,
        "told",
    ),
    mutation(
        KINDS,
        "return kind_of(role, name).example() if known else default(role)",
        "return default(role)",
        CONFIG,
        "stands_in",
    ),
    # TOML
    mutation(
        TOML,
        "_absolute(named[key], path.absolute().parent)",
        "_absolute(named[key], Path.cwd())",
    ),
    mutation(TOML, "value = _absolute(value, Path.cwd())", "pass"),
    mutation(
        TOML, "not equals or len(parts) != 2 or not all(parts)", "not equals or len(parts) != 2"
    ),
    mutation(TOML, '.replace("\\x7f", "\\\\u007f")', "", TYPES),
    mutation(TOML, "ensure_ascii=False", "ensure_ascii=True", TYPES),
    mutation(TOML, 'f"# {key} = {known[key]}', 'f"{key} = {known[key]}'),
    mutation(TOML, 'bring = key == "test_fraction"', "bring = False"),
    mutation(TOML, 'encoding="utf-8-sig"', 'encoding="utf-8"'),
    mutation(TOML, 'list(parsed) == ["value"]', "True"),
    mutation(TOML, "if len(parts) != 2 or not all(parts)", "if len(parts) != 2"),
    # keys that nothing reads
    mutation(READ, "if not (estimator.at_once or estimator.local):", "if False:", UNREAD),
    mutation(READ, "AT_ONCE if estimator.at_once else LOCAL", "AT_ONCE", UNREAD),
    mutation(READ, "[getattr(usual, key), same, *(", "[getattr(usual, key), *(", UNREAD),
    mutation(READ, "for table in tables if key in table", "for table in []", UNREAD),
    mutation(READ, "not in (usual.writer, own)", "not in (usual.writer,)", UNREAD),
    mutation(READ, "not in {*kept, *tables}", "not in {*tables}", UNREAD),
    mutation(START, "*trainer.unheeded, *found.endless", "*found.endless", UNREAD),
    mutation(POINTS, "if all(key in own for own in keys)", "", UNREAD),
    mutation(
        READ,
        "named = [recipe] if recipe in recipes.RECIPES else [*recipes.RECIPES]",
        "named = [*recipes.RECIPES]",
        UNREAD,
    ),
    mutation(READ, "if lacking and getattr(one, key) != usual[key]:", "if lacking:", UNREAD),
    mutation(READ, "bool(value) if wanted is ... else value == wanted", "value == wanted", UNREAD),
    mutation(POINTS, "if all(key in own for own in idle)", "", UNREAD),
    mutation(
        "spinrnn/config/toml.py", "network=network, recipe=config.recipe", "network=network", UNREAD
    ),
    mutation(POINTS, "        _tell_unread(configs)\n", "", UNREAD),
    mutation(SCIKIT, "return without_unread(run)", "return run", "tests/test_sklearn.py"),
    mutation(
        RUN,
        "if estimator.needs <= cls.abilities]\n    own",
        "]\n    own",
        "tests/learning/test_vdsp.py",
        "needs_spikes",
    ),
]
