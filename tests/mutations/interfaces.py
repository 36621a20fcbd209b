"""Mutations of what other libraries meet: scikit-learn, pandas, xarray, notebooks; of progress, and
of the front ends, envelope and mel.
"""


def one(file, old, new, tests, k=""):
    return {"file": f"spinrnn/{file}.py", "old": old, "new": new, "tests": tests, "k": k}


SKLEARN = "tests/test_sklearn.py"
RESERVOIR = "tests/learning/test_reservoir.py"
EXPORTING = "tests/recordings/test_exporting.py"
OBJECTS = "tests/datasets/test_objects.py"
DEVICES = "tests/recordings/test_objects_of_devices.py"
PROGRESS = "tests/test_progress.py"
ENVELOPE = "tests/recordings/test_envelope.py"
MEL = "tests/datasets/test_mel.py"

MUTATIONS = [
    one("sklearn", "counted[alike].sum()", "counted[alike[0]]", SKLEARN, "weight_of_three"),
    one("sklearn", "outputs[:, 1] - outputs[:, 0]", "outputs[:, 0]", SKLEARN, "two_classes"),
    one("learning/ridge", "root * x, root * y", "root * x, y", RESERVOIR, "weight_of_two"),
    one("networks/base", "weights = data.weights", "weights = None", RESERVOIR, "of_two"),
    one("recordings/exporting", "np.repeat(layers, sizes)", "np.repeat(0, sum(sizes))", EXPORTING),
    one("notebook", "html.escape(", "str(", "tests/test_notebook.py"),
    one("readers/objects", "np.transpose(np.asarray(variable.values), order)",
        "np.asarray(variable.values)", OBJECTS, "order"),
    one("datasets/series", "values[:, :, 0] if same.all() else values", "values", OBJECTS),
    one("recordings/samples", 'array[:, None] if axes == {"case"} else array[None]', "array",
        DEVICES, "axes"),
    one("progress", "or now - self._last >= SECONDS", "", PROGRESS, "tenth"),
    one("recordings/envelope", "np.abs(analytic) ** 2 / 2 /", "np.abs(analytic) ** 2 /", ENVELOPE,
        "modulated_amplitude"),
    one("recordings/envelope", "(count - 1) // 2, count // 2", "0, 0", ENVELOPE, "held"),
    one("recordings/envelope", "1 / step > ABOVE * width", "1 / step < width", ENVELOPE, "blame"),
    one("recordings/envelope", "share > BLURRED", "share > 1", ENVELOPE, "blame"),
    one("recordings/envelope", "frequency = carrier + ", "frequency = carrier - ", ENVELOPE,
        "modulated_frequency"),
    one("recordings/envelope", "np.split(there, cuts)", "[there]", ENVELOPE, "near_by"),
    one("datasets/mel", "np.hanning(length + 1)[:-1]", "np.hanning(length)", MEL, "formula"),
    one("datasets/mel", "np.square(weight).sum()", "len(weight)", MEL, "formula"),
    one("config/toml", 'if f"network.{k}" not in settings)', "if False)",
        "tests/config/test_config.py", "settings_in_python"),
]  # fmt: skip
