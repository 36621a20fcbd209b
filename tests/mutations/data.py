"""Mutations of readers, data sets and recordings."""

RECORDINGS, DATASETS = "spinrnn/recordings/", "spinrnn/datasets/"
HISTORIES = "tests/recordings/test_histories.py"
CONTENTS = "tests/recordings/test_contents.py"
SAMPLES = "tests/recordings/test_samples.py"
RECORDING = "tests/recordings/test_recording.py"
FILES = "tests/recordings/test_trajectory_file.py"
DATA = "tests/datasets/test_datasets.py"
SELECTION = "tests/datasets/test_selection.py"


def mutation(file, old, new, tests, k=""):
    return {"file": file, "old": old, "new": new, "tests": tests, "k": k}


MUTATIONS = [
    # layers, units and ends of histories
    mutation(
        f"{RECORDINGS}histories.py",
        "slice(cuts[layer], cuts[layer + 1])",
        "slice(cuts[layer - 1], cuts[layer])",
        HISTORIES,
    ),
    mutation(
        f"{RECORDINGS}histories.py",
        "states[0][::every, neurons] - mean[::every, neurons]",
        "states[0][::every, neurons] + mean[::every, neurons]",
        HISTORIES,
    ),
    mutation(f"{RECORDINGS}histories.py", '"drive": drive[:-1]', '"drive": drive[1:]', HISTORIES),
    mutation(
        f"{RECORDINGS}histories.py",
        'scales[layer] if variable == "drive"',
        'scales[layer] if variable != "drive"',
        HISTORIES,
    ),
    mutation(
        f"{RECORDINGS}histories.py",
        "if neuron.rate_driven():",
        "if True:",
        HISTORIES,
    ),
    mutation(
        f"{RECORDINGS}histories.py",
        "real(config.time_unit)",
        "real(config.input_interval)",
        HISTORIES,
    ),
    mutation(f"{RECORDINGS}histories.py", "-(-substeps // every)", "substeps // every", HISTORIES),
    mutation(f"{RECORDINGS}histories.py", "substeps // every + 1", "substeps // every", HISTORIES),
    mutation(
        f"{RECORDINGS}histories.py",
        "array[case, :, known[case] :]",
        "array[case, :, known[0] :]",
        HISTORIES,
    ),
    mutation(
        f"{RECORDINGS}histories.py",
        "_known(variable, substeps[cases], every)",
        "_known(variable, substeps, every)",
        HISTORIES,
    ),
    mutation(
        f"{RECORDINGS}histories.py",
        "values.transpose(2, 1, 0), scale",
        "values[::-1].transpose(2, 1, 0), scale",
        HISTORIES,
    ),
    mutation(
        f"{RECORDINGS}trajectory.py",
        '"p": trajectory.state, "output": trajectory.output',
        '"p": trajectory.output, "output": trajectory.state',
        "tests/networks/test_network.py",
        "histor or trajector or simulate",
    ),
    mutation(
        f"{RECORDINGS}trajectory.py",
        "np.arange(steps + 1) * (config.input_interval / config.resolved_substeps)",
        "np.arange(steps + 1) * config.input_interval",
        FILES,
        "both_ways",
    ),
    # names, axes and values of files
    mutation(
        f"{RECORDINGS}contents.py",
        "config.resolved_substeps * contents.every",
        "config.resolved_substeps",
        CONTENTS,
    ),
    mutation(
        f"{RECORDINGS}contents.py",
        "np.arange(points) * config.input_interval",
        "np.arange(points) * step",
        CONTENTS,
    ),
    mutation(
        "spinrnn/synapses/layout.py",
        '(f"neuron_{layer}", f"source_{layer}")',
        '(f"source_{layer}", f"neuron_{layer}")',
        CONTENTS,
    ),
    mutation(
        f"{RECORDINGS}contents.py",
        '"drive_time" if name == "drive" else "time")',
        '"time" if name == "drive" else "drive_time")',
        CONTENTS,
    ),
    mutation(
        f"{RECORDINGS}contents.py",
        'Stored("drive", neuron.drive.unit,',
        'Stored("drive", "1",',
        CONTENTS,
    ),
    mutation(
        f"{RECORDINGS}contents.py",
        "net.layout.named(net.mask).items()",
        "net.layout.named(~net.mask).items()",
        CONTENTS,
    ),
    mutation(
        f"{RECORDINGS}contents.py",
        '"labels", ("case",), "i4", "1", "class of the case", contents.labels',
        '"labels", ("case",), "i4", "1", "class of the case", contents.cases',
        CONTENTS,
    ),
    mutation(
        f"{RECORDINGS}contents.py",
        '"1", case, contents.cases)',
        '"1", case, np.arange(len(contents.cases)))',
        CONTENTS,
    ),
    mutation(
        f"{RECORDINGS}contents.py",
        "checked_seed(noise_seed), default",
        "checked_seed(0), default",
        CONTENTS,
    ),
    mutation(
        f"{RECORDINGS}contents.py", '        "substeps": config.resolved_substeps,\n', "", CONTENTS
    ),
    mutation(
        f"{RECORDINGS}contents.py",
        "sorted({int(layer) for layer in layers})",
        "[int(layer) for layer in layers]",
        FILES,
        "every_so_many",
    ),
    mutation(
        f"{RECORDINGS}writing.py",
        "cases.start, self._inputs[cases])",
        "cases.start, self._inputs[: cases.stop - cases.start])",
        CONTENTS + " " + FILES,
        "values or both_ways",
    ),
    mutation(
        f"{RECORDINGS}writing.py",
        "self._done += len(logits)",
        "self._done = len(logits)",
        FILES,
        "progress",
    ),
    mutation(
        f"{RECORDINGS}writing.py",
        "attributes_of(contents, noise_seed, further)",
        "attributes_of(contents, 0, further)",
        CONTENTS,
    ),
    # reading files
    mutation(
        f"{RECORDINGS}reading.py",
        "levels != substeps // every + 1",
        "False",
        "tests/recordings/test_trajectory_trust.py",
        "hostile",
    ),
    mutation(
        f"{RECORDINGS}reading.py",
        'len(self.time) - (name == "drive")',
        "len(self.time)",
        FILES,
        "every_so_many",
    ),
    mutation(
        f"{RECORDINGS}reading.py",
        'for name in ("p", "m", "output", "drive")',
        'for name in ("p", "output", "m", "drive")',
        FILES,
        "mean_power",
    ),
    mutation(
        f"{RECORDINGS}reading.py",
        "if version > VERSION:",
        "if version > VERSION + 1:",
        "tests/recordings/test_trajectory_trust.py",
        "hostile or new",
    ),
    mutation(
        f"{RECORDINGS}reading.py",
        "for _ in stored.blocks():",
        "for _ in []:",
        "tests/recordings/test_trajectory_trust.py",
        "flip or damage or checksum or block",
    ),
    # a device's samples
    mutation(
        f"{RECORDINGS}samples.py",
        'array.ndim == 2 and axes == 2 and rows == "case"',
        'array.ndim == 2 and axes == 2 and rows == "neuron"',
        SAMPLES,
    ),
    mutation(
        f"{RECORDINGS}samples.py", "array[:, neuron : neuron + 1] if", "array[:, :1] if", SAMPLES
    ),
    mutation(
        f"{RECORDINGS}samples.py",
        '("drive", (times, times - 1))',
        '("drive", (times, times - 1, times - 2))',
        SAMPLES,
    ),
    mutation(
        f"{RECORDINGS}samples.py",
        "np.diff(time) <= 0",
        "np.diff(time) < 0",
        SAMPLES + " tests/identify/test_identify.py",
        "mistakes or say_the_same",
    ),
    mutation(
        f"{RECORDINGS}samples.py",
        "measured.shape[1] - 1 - np.argmax",
        "measured.shape[1] - 2 - np.argmax",
        SAMPLES,
    ),
    mutation(
        f"{RECORDINGS}samples.py",
        "~np.isnan(self.power).all(axis=1)",
        "~np.isnan(self.power).any(axis=1)",
        RECORDING + " " + SAMPLES,
    ),
    mutation(f"{RECORDINGS}samples.py", "all(n in (1, most) for n, most in own)", "True", SAMPLES),
    mutation(
        f"{RECORDINGS}samples.py",
        "wrong = ~np.isnan(power) & ~((noise > 0)",
        "wrong = ~np.isnan(power) & ~((noise >= 0)",
        "tests/identify/test_identify.py",
        "mistakes",
    ),
    mutation(
        f"{RECORDINGS}measurement.py",
        "np.where(used[:, : drive.shape[1]], drive.astype(np.float64), 0.0)",
        "drive.astype(np.float64)",
        SAMPLES,
    ),
    mutation(
        f"{RECORDINGS}measurement.py", "drives[case, :end]", "drives[case, : end + 1]", SAMPLES
    ),
    mutation(
        f"{RECORDINGS}measurement.py",
        "np.finfo(np.float32 if single else np.float64)",
        "np.finfo(np.float64 if single else np.float32)",
        SAMPLES,
    ),
    mutation(
        f"{RECORDINGS}measurement.py",
        "self.time[cases], self.drive[cases], self.power[cases]",
        "self.time[cases], self.drive, self.power[cases]",
        SAMPLES,
    ),
    mutation(
        f"{RECORDINGS}measurement.py",
        "np.asarray(drive[cases, neuron])",
        "np.asarray(drive[cases, 0])",
        "tests/identify/test_identify.py",
        "trajectory",
    ),
    mutation(
        f"{RECORDINGS}opening.py",
        "time[:, : len(own)] == own)).all()",
        "time[:, : len(own)] == own)).any()",
        SAMPLES,
    ),
    mutation(
        f"{RECORDINGS}opening.py",
        "drive), shape)[:, :, : times - 1]",
        "drive), shape)[:, :, 1:times]",
        SAMPLES,
    ),
    mutation(
        f"{RECORDINGS}opening.py",
        "if key in found else None for key in NUMBERS}",
        "if key in found and len(key) < 16 else None for key in NUMBERS}",
        "tests/analysis/test_analyse.py",
        "drive_and_numbers",
    ),
    # thinned recordings
    mutation(
        f"{RECORDINGS}recording.py",
        "self.power[layer][:: self.stride, :, times]",
        "self.power[layer][: self.cases // self.stride, :, times]",
        RECORDING,
    ),
    mutation(
        f"{RECORDINGS}recording.py",
        "self.drive[layer][:: self.stride, :, : len(self.time) - 1]",
        "self.drive[layer][1 :: self.stride, :, : len(self.time) - 1]",
        RECORDING,
    ),
    mutation(
        f"{RECORDINGS}recording.py",
        "self.inputs[:: self.stride]",
        "self.inputs[1 :: self.stride]",
        RECORDING,
    ),
    mutation(
        f"{RECORDINGS}recording.py",
        "self.labels[:: self.stride]",
        "self.labels[1 :: self.stride]",
        RECORDING,
    ),
    mutation(f"{RECORDINGS}recording.py", "else 1 / rate", "else rate", RECORDING),
    mutation(
        f"{RECORDINGS}recording.py",
        "value * factors[layer]",
        "value * factors[0]",
        RECORDING,
    ),
    mutation(f"{RECORDINGS}recording.py", 'side="right") - 1', 'side="right")', RECORDING),
    # masked arrays
    mutation(
        "spinrnn/arrays.py",
        "    if not missing:\n        raise",
        "    if False:\n        raise",
        "tests/test_arrays.py",
    ),
    mutation(
        "spinrnn/arrays.py",
        "np.ma.getmaskarray(masked), np.nan, array",
        "np.ma.getmaskarray(masked), 0, array",
        "tests/test_arrays.py",
    ),
    mutation(
        f"{DATASETS}dataset.py",
        'missing = name in ("inputs", "targets")',
        "missing = True",
        DATA,
        "masked",
    ),
    # data sets
    mutation(
        f"{DATASETS}dataset.py",
        "(self.inputs, self.labels, self.lengths, self.test, self.targets)",
        "(self.inputs, self.labels, self.lengths, self.targets)",
        DATA,
        "digest",
    ),
    mutation(f"{DATASETS}parts.py", "[np.flatnonzero(own), *test]", "[*test]", DATA, "given"),
    mutation(
        f"{DATASETS}parts.py",
        "(labels == label) & ~own",
        "labels == label",
        DATA,
        "given",
    ),
    mutation(
        f"{DATASETS}parts.py",
        "[round(share * size) for size in sizes]",
        "[int(share * size) for size in sizes]",
        DATA,
        "shares or drawn",
    ),
    mutation(
        f"{DATASETS}parts.py",
        "[len(order) - test - validation, len(order) - test]",
        "[len(order) - test - validation, len(order) - validation]",
        DATA,
        "shares or drawn",
    ),
    mutation(
        f"{DATASETS}folder.py",
        "np.repeat([False, True]",
        "np.repeat([True, False]",
        "tests/datasets/test_folder.py",
        "test_a_folder",
    ),
    mutation(
        f"{DATASETS}folder.py",
        "inputs /= 255",
        "inputs /= 256",
        "tests/datasets/test_folder.py",
        "test_a_folder",
    ),
    mutation(
        f"{DATASETS}loading.py",
        "reshape(len(images), 1, -1) / 16",
        "reshape(len(images), 1, -1) / 15",
        DATA,
        "digests",
    ),
    mutation(
        f"{DATASETS}selection.py",
        '{"train": 0, "validation": 1, "test": 2}',
        '{"train": 0, "validation": 2, "test": 1}',
        SELECTION,
    ),
    mutation(
        f"{DATASETS}selection.py",
        "numbers = numbers[_index(cases, len(numbers), text)]",
        "numbers = np.arange(len(numbers))[_index(cases, len(numbers), text)]",
        SELECTION,
    ),
    mutation(
        f"{DATASETS}selection.py",
        "return data.take(numbers), numbers, digest",
        "return data.take(np.arange(len(numbers))), numbers, digest",
        SELECTION,
    ),
    mutation(f"{DATASETS}selection.py", "numbers >= count", "numbers > count", SELECTION),
    # formats
    mutation(
        "spinrnn/readers/hdf5.py",
        "max(512, 2 * place)",
        "2 * place + 512",
        "tests/readers/test_table.py",
    ),
    mutation(
        "spinrnn/readers/idx.py",
        "self._bytes > DEFLATE * size",
        "False",
        "tests/readers/test_idx.py",
    ),
    mutation(
        "spinrnn/readers/idx.py", "if self._take(1):", "if False:", "tests/readers/test_idx.py"
    ),
    mutation(
        "spinrnn/readers/npz.py",
        "math.prod(shape) * dtype.itemsize > member.file_size",
        "False",
        "tests/readers/test_table.py",
    ),
    mutation(
        "spinrnn/readers/npz.py",
        "> LARGEST_RATIO * size",
        "> 100 * LARGEST_RATIO * size",
        "tests/readers/test_table.py",
    ),
    mutation(
        "spinrnn/readers/table.py",
        "if name not in self.arrays]\n        problems",
        "if name in self.arrays]\n        problems",
        "tests/readers/test_table.py",
    ),
]
