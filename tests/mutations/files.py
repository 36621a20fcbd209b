"""Mutations of machine, files, networks/saved, runs/checkpoints, runs/loading and errors."""

THREADS = "tests/machine/test_threads.py"
MEMORY = "tests/machine/test_memory.py"
SIGNALS = "tests/machine/test_signals.py"
ATOMIC = "tests/files/test_atomic.py"
STORE = "tests/files/test_store.py"
TEXT = "tests/files/test_text.py"
OTHERS = "tests/files/test_other_programs.py"
FUZZ = "tests/files/test_fuzz.py"
TRUST = "tests/recordings/test_trajectory_trust.py"
LOADING = "tests/runs/test_loading.py"


def one(file, old, new, tests, k=""):
    """A mutation, with the tests that must notice it."""
    return {"file": f"spinrnn/{file}.py", "old": old, "new": new, "tests": tests, "k": k}


MUTATIONS = [
    # ---- threads and memory ----
    one("machine/threads", "min(allowed, int(asked))", "int(asked)", THREADS),
    one("machine/threads", "math.ceil(quota)", "math.floor(quota)", THREADS),
    one("machine/threads", "_pool(threads - 1,", "_pool(get_threads() - 1,", THREADS),
    one("machine/threads", "submit(copy_context().run, work)", "submit(work)", THREADS),
    one("machine/threads", "errors[min(errors)]", "errors[max(errors)]", THREADS),
    one("machine/threads", "most or len(items)", "len(items)", THREADS),
    one("machine/threads", "while not errors:", "while True:", THREADS),
    one(
        "machine/threads",
        "return _chosen.within(_checked(count))",
        "return _chosen.within(1)",
        THREADS,
    ),
    one("machine/setting", "block[0] = value", "self._process = value", THREADS),
    one("machine/setting", "self._block.set(before)", "self._block.set(None)", THREADS),
    one(
        "machine/setting",
        "if block is None else block[0]",
        "if not block or block[0] is None else block[0]",
        THREADS,
    ),
    one(
        "machine/setting",
        "self._block.set([self.get() if value is None else value])",
        "self._process = value or self._process",
        THREADS,
    ),
    one("machine/memory", "SHARE = 0.5", "SHARE = 0.6", MEMORY),
    one("machine/memory", "processor * available_threads()", "processor", MEMORY),
    one("machine/memory", "int(text) * 2**20 if", "int(text) * 10**6 if", MEMORY),
    one(
        "machine/memory",
        "min(_from_machine(), _from_slurm() or math.inf)",
        "_from_slurm() or _from_machine()",
        MEMORY,
    ),
    one("machine/memory", "(found[1]) * 1024 **", "(found[1]) * 1000 **", MEMORY),
    one("machine/memory", " + 7e-6", "", MEMORY),
    one(
        "machine/memory",
        "parse_size(asked) if asked",
        "min(parse_size(asked), available_memory()) if asked",
        MEMORY,
    ),
    one(
        "machine/memory",
        'words.index("MemAvailable:") + 1]',
        'words.index("MemFree:") + 1]',
        MEMORY,
    ),
    one(
        "machine/cgroups",
        "range(len(names), -1, -1)",
        "range(len(names), len(names) - 1, -1)",
        THREADS,
    ),
    one("machine/cgroups", "min(quotas, default", "max(quotas, default", THREADS),
    one("machine/cgroups", "min(limits, default", "max(limits, default", MEMORY),
    one("machine/signals", "self.number or int(number)", "int(number)", SIGNALS),
    one("machine/signals", "REQUEUE = 75", "REQUEUE = 76", SIGNALS),
    one("machine/signals", "waited >= GRACE", "waited >= 0", SIGNALS),
    one(
        "machine/signals",
        "signal.SIGTERM, signal.SIGUSR1):\n            first",
        "signal.SIGTERM):\n            first",
        SIGNALS,
    ),
    one("machine/signals", "_watch() if watched else None", "None", SIGNALS),
    one("machine/signals", "if number == signal.SIGINT", "if number != signal.SIGINT", SIGNALS),
    one("machine/environment", '"threads": get_threads()', '"threads": os.cpu_count()', SIGNALS),
    one(
        "sweep/work",
        'with threads.using(task["threads"])',
        'threads.set_threads(task["threads"])\n        with threads.using(None)',
        THREADS,
    ),
    # ---- files as bytes ----
    one("files/atomic", "    sync_names(contents)\n", "", ATOMIC),
    one("files/atomic", "; already new: ", "; ", ATOMIC),
    one("files/atomic", "sync_folder(folder.parent)", "pass", ATOMIC),
    one("files/atomic", "                os.fsync(file.fileno())\n", "", ATOMIC),
    one("files/atomic", "if not taken and os.path.exists(temporary)", "if not taken", ATOMIC),
    one(
        "files/atomic",
        "            taken = True\n",
        "            taken = False\n",
        ATOMIC,
    ),
    one(
        "files/atomic",
        "fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)\n                os.unlink",
        "os.unlink",
        f"{STORE} {TRUST}",
        "stale",
    ),
    one("files/atomic", "glob.escape(path.name)", "path.name", TRUST, "stale"),
    one("files/text", ":.7g", ":.6g", TEXT),
    one("files/text", '"" if value != value else', '"nan" if value != value else', TEXT),
    one(
        "files/text", "all(key in value for key in keys)", "any(key in value for key in keys)", TEXT
    ),
    one("errors", "names[:10])", "names[:12])", TEXT),
    one("errors", "if character.isprintable():", "if character:", TEXT),
    # ---- trust ----
    one("files/seal", "if digest != hashlib.sha256(content).digest():", "if not digest:", STORE),
    one(
        "files/seal",
        "content.rfind(WHOLE, -96)",
        "content.rfind(WHOLE, -48)",
        STORE,
        "end_of_a_file",
    ),
    one("files/seal", "if offset < at:", "if offset < 0:", OTHERS, "places"),
    one("files/seal", "return at <= self.end", "return True", OTHERS, "places"),
    one("files/seal", "self.block > 0 and", "", OTHERS, "places"),
    one(
        "files/lazy",
        "if found.digest(descriptor, tail) != digest:",
        "if not digest:",
        TRUST,
        "flipped",
    ),
    one(
        "files/lazy",
        "if checksum(content) != self.checksums[number].tobytes():",
        "if not len(content):",
        TRUST,
        "flipped or damaged_block",
    ),
    one("files/lazy", "            self._check_datasets(file)\n", "", TRUST, "hostile"),
    one("files/lazy", "if magic == UNSEALED:", "if not magic:", TRUST, "unfinished"),
    one(
        "files/lazy",
        'raise StoreError(f"{self.path}: became shorter while it was read")',
        "break",
        TRUST,
        "cut_while",
    ),
    one(
        "files/lazy",
        "number = low // self.block",
        "number = high // self.block",
        "tests/recordings/test_trajectory_file.py",
        "slices",
    ),
    one(
        "files/lazy",
        "inverse.reshape(np.shape(cases))",
        "np.arange(len(wanted))",
        "tests/recordings/test_trajectory_file.py",
        "slices",
    ),
    one(
        "files/container",
        "!= digest_of([kind, version, toml], arrays)",
        "== 0",
        STORE,
        "another_program",
    ),
    one(
        "files/container",
        "arrays[name].shape}",
        "0}",
        "tests/test_fixtures.py",
        "not computes and not simulated",
    ),
    one("files/container", "if version > known:", "if version > known + 1:", STORE, "future"),
    one(
        "files/hdf5",
        "            check_link(group, name, prefix, self.path)\n",
        "",
        STORE,
        "hostile",
    ),
    one(
        "files/hdf5",
        "                check_plain(item, full, self.path, self.strict)\n",
        "",
        STORE,
        "hostile",
    ),
    one("files/hdf5", "                self._measure(item, full)\n", "", STORE, "hostile"),
    one("files/hdf5", ">= LARGEST_DEPTH", ">= LARGEST_DEPTH + 1", STORE, "nested"),
    one(
        "files/hdf5",
        "    if item.is_virtual or item.external:\n        return False\n",
        "",
        STORE,
        "hostile",
    ),
    one("files/hdf5", "or len(set(filters)) < len(filters)", "", FUZZ, "hostile"),
    one(
        "files/hdf5",
        "max(LARGEST_COUNT, size // SMALLEST_DATASET)",
        "LARGEST_COUNT",
        OTHERS,
        "many_datasets_is_read and not 10000",
    ),
    one(
        "files/hdf5",
        "attribute.dtype.itemsize > largest:",
        "attribute.dtype.itemsize > 10**12:",
        OTHERS,
        "claims",
    ),
    # ---- writing what is larger than memory ----
    one("files/streaming", "sync_names([self.path])", "pass", ATOMIC),
    one("files/streaming", "np.int32(1)", "np.int32(0)", OTHERS, "noise_seeds"),
    one("files/streaming", "if missing:", "if missing < 0:", TRUST, "not_written"),
    one("files/streaming", "need > free", "need > 1000 * free", TRUST, "room"),
    one(
        "files/streaming",
        "        self._thread.shutdown()\n        if self._running",
        "        self._thread.shutdown()\n        if not self._thread",
        TRUST,
        "told_once",
    ),
    one("files/streaming", "np.all(np.abs(value) < 2**31)", "True", OTHERS, "kinds"),
    one(
        "files/streaming",
        "not -(2**63) <= value < 2**63",
        "not -(2**31) <= value < 2**31",
        OTHERS,
        "kinds",
    ),
    one("files/container", "return make(oldest)", "return make(newer)", OTHERS, "oldest"),
    one(
        "files/container",
        '_FORMS = ("earliest", ("v108", "v108"))',
        '_FORMS = ("earliest", "earliest")',
        OTHERS,
        "noise_seeds or large",
    ),
    one(
        "files/container",
        '", ".join(axes[name])',
        '", ".join(axes[name][::-1])',
        OTHERS,
        "names_the_axes",
    ),
    # ---- networks and runs ----
    one(
        "networks/saved",
        'net.parameters[:] = arrays["best_parameters"]',
        'net.parameters[:] = arrays["parameters"]',
        LOADING,
        "best_weights",
    ),
    one(
        "networks/saved",
        'arrays["mask"].astype(bool)',
        '~arrays["mask"].astype(bool)',
        f"{STORE} {LOADING}",
        "every_path",
    ),
    one(
        "networks/saved",
        "    net.devices = devices_in(path, config, arrays)\n",
        "",
        STORE,
        "devices",
    ),
    one(
        "networks/saved",
        "        net.devices = devices\n",
        "        pass\n",
        STORE,
        "devices",
    ),
    one(
        "networks/saved",
        "found.dtype.kind not in kinds",
        'found.dtype.kind not in "fiub"',
        STORE,
        "fit",
    ),
    one("runs/loading", "config.train != stored.train or", "", LOADING, "finished_run"),
    one("runs/loading", "or config.data != moved:", ":", LOADING, "finished_run"),
    one("runs/loading", "if digest != expected:", "if not digest:", LOADING, "finished_run"),
    one("runs/loading", "seed=config.train.seed", "seed=0", LOADING, "every_path"),
    one(
        "runs/loading",
        "load(folder).replace(**vars(config.network))",
        "load(folder)",
        LOADING,
        "finished_run",
    ),
    one("runs/checkpoints", "reverse=True", "reverse=False", STORE, "newest"),
    one("readers/npz", "if foreign:", "if not arrays:", FUZZ, "no_array"),
]
