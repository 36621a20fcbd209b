"""A memristor Bayesian machine (arXiv:2112.10547): accuracy against cycles, against
wrong bits and against where the registers begin; on iris, wine, and digits that were
written in the air.
"""

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from spinrnn.config.bayesian import BayesianConfig
from spinrnn.datasets.dataset import Dataset
from spinrnn.datasets.loading import load_dataset
from spinrnn.datasets.statistics import statistics
from spinrnn.errors import DataError, StoreError
from spinrnn.learning.counts import Counts, counted, gaussian
from spinrnn.networks.bayesian import EDGES, BayesianNetwork
from spinrnn.paper.numbers import FigureNumbers
from spinrnn.readers.formats import read_table
from spinrnn.systems.trials import Trial
from spinrnn.tasks.classification import Classification

FOLDS, SEEDS = 5, 10
CYCLES = (8, 16, 32, 64, 128, 255)
RATES = (0.001, 0.003, 0.01, 0.03, 0.1)
"""Shares of the memory cells that are read wrongly."""
BEST_WINE = "mean flavanoids, mean color_intensity, mean proline, mean od280_od315"
FEATURES = "maximum 1, maximum 2, maximum 3, deviation 6, jerk 1-3, mean 4"
"""Of the gestures: accelerometer 1 to 3, gyroscope 4 to 6."""
NAMES = {
    "iris": "iris",
    "wine4": "wine, 4 measures",
    "wine13": "wine, 13 measures",
    "gestures": "gestures 0 to 3",
    "gestures_time": "gestures 0 to 3, parts by time",
    "gestures_ten": "gestures 0 to 9",
    "gestures_ten_time": "gestures 0 to 9, parts by time",
}
"""{data of a trial: what they are called}."""
ARCHIVE = "imu_digits.npz"


# ---- data and parts ----


def _gestures(folder: Path, digits: int) -> Dataset:
    """The first digits, in the order in which they were recorded."""
    path = folder / ARCHIVE
    data = statistics(load_dataset(path), FEATURES)
    files = [str(name) for name in read_table(path).arrays["files"]]
    # names end with date and time; each digit was recorded at one time
    order = np.array(sorted(range(len(files)), key=lambda k: _recorded(files[k])))
    assert data.labels is not None
    return data.take(order[data.labels[order] < digits])


def _recorded(file):
    return Path(file).stem.split("_")[-2:]


def check(folders: dict[str, Path]) -> None:
    """StoreError or DataError where the gestures cannot be read."""
    for folder in folders.values():
        if not (folder / ARCHIVE).exists():
            raise StoreError(f"{folder}: holds no {ARCHIVE}")
        if "files" not in read_table(folder / ARCHIVE).arrays:
            raise DataError(f"{folder / ARCHIVE}: lacks files, by which recordings have an order")


def folds(labels: np.ndarray, seed: int | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(training, test) numbers of the cases, five times: of each class every fifth case
    in a drawn order, or of None a fifth in the order of the cases, which keeps
    neighbours together.
    """
    place = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        if seed is None:
            place[own] = np.arange(len(own)) * FOLDS // len(own)
        else:
            rng = np.random.default_rng([seed, int(label)])
            place[rng.permutation(own)] = np.arange(len(own)) % FOLDS
    for fold in range(FOLDS):
        yield np.flatnonzero(place != fold), np.flatnonzero(place == fold)


# ---- machines ----


def programmed(training: Dataset, likelihood: str, seed: int = 0, **keys: Any) -> BayesianNetwork:
    """A machine that has learned a training part; keys: of `BayesianConfig`."""
    assert training.labels is not None
    classes = int(training.labels.max()) + 1
    config = BayesianConfig(
        inputs=np.shape(training.inputs)[1],
        outputs=classes,
        error_seed=seed,
        register_seed=seed,
        **keys,
    )
    net = BayesianNetwork(config)
    with warnings.catch_warnings():
        # that counters are empty is among what is measured
        warnings.simplefilter("ignore")
        Counts(likelihood=likelihood).fit(net, Classification(), training, None)
    return net


def logs_of(training: Dataset, net: BayesianNetwork, likelihood: str) -> np.ndarray:
    """(class, observable, bin) ln p(bin | class) as a float classifier has them."""
    assert training.labels is not None
    labels, classes = training.labels, net.config.outputs
    given = labels, np.ones(len(labels)), classes
    if likelihood == "gaussian":
        u = np.asarray(training.inputs, dtype=np.float64)[:, :, 0]
        return np.log(gaussian(u, *given, net.buffers[EDGES]))
    return np.log(counted(net.observed(training.inputs), *given, net.config.bins))


def answers(logs: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """(case,) classes of naive Bayes: the largest sum of logarithms."""
    columns = np.arange(bins.shape[1])
    return logs[:, columns, bins].sum(axis=2).argmax(axis=0)


def flipped(numbers: np.ndarray, rate: float, seed: int) -> np.ndarray:
    """Numbers as float32 of which so many bits are turned over; what is not finite then
    is 0.
    """
    own = np.ascontiguousarray(numbers, dtype=np.float32)
    bits = np.random.default_rng([seed, 14]).random((*own.shape, 32)) < rate
    mask = (bits * (np.uint32(1) << np.arange(32, dtype=np.uint32))).sum(axis=-1)
    found = (own.view(np.uint32) ^ mask.astype(np.uint32)).view(np.float32)
    return np.where(np.isfinite(found), found, np.float32(0)).astype(np.float64)


def variants() -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """{name: (keys that a machine is programmed with, keys that are changed after)}."""
    found: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "value": ({}, {}),
        "column": ({"normalisation": "column"}, {}),
        "equal seeds": ({}, {"seeds": "equal"}),
        "random seeds": ({}, {"seeds": "random"}),
        "logarithmic": ({"mode": "logarithmic"}, {}),
        "prior": ({"prior": "counts"}, {}),
    }
    found |= {f"{n} cycles": ({}, {"cycles": n}) for n in CYCLES}
    for rate in RATES:
        found[f"{rate:g} wrong"] = ({}, {"bit_error_rate": rate})
        found[f"{rate:g} wrong, pairs"] = ({}, {"bit_error_rate": rate, "cell": "pair"})
        found[f"{rate:g} wrong, logarithmic"] = (
            {"mode": "logarithmic"},
            {"bit_error_rate": rate},
        )
    return found


def compared(data: Dataset, likelihood: str, seeds: list[int | None]) -> dict[str, Any]:
    """Accuracies in percent, means over all folds and seeds, of float naive Bayes and
    of all `variants`; shares of ties and of empty counters.

    seeds: of the folds; None: parts by the order of the cases.
    """
    labels, right, shares = np.asarray(data.labels), {}, {"ties": [], "zeros": []}
    for number, seed in enumerate(seeds):
        for train, test in folds(labels, seed):
            training, rest = data.take(train), data.take(test)
            found, net = _of_fold(training, rest, likelihood, number)
            for name, own in found.items():
                right.setdefault(name, []).extend((own == labels[test]).tolist())
            for name, share in net.undecided(rest.inputs).items():
                shares[name] += [share] * len(test)
    found = {name: 100 * float(np.mean(own)) for name, own in right.items()}
    undecided = {name: 100 * float(np.mean(own)) for name, own in shares.items()}
    # the newest cases, of parts by the order of the cases
    last = {name: 100 * float(np.mean(own[-len(test) :])) for name, own in right.items()}
    newest = {"last": {name: last[name] for name in ("float", "value")}}
    known = newest if seeds[-1] is None else {}
    return {"accuracy": found, **undecided, **known, "operations": net.operations()}


def _of_fold(training, test, likelihood, seed):
    """({variant: answers}, the machine as it is by default) of one fold."""
    machines: dict[str, BayesianNetwork] = {}
    found = {}
    for name, (given, changed) in variants().items():
        key = repr(given)
        if key not in machines:
            machines[key] = programmed(training, likelihood, seed, **given)
        own = machines[key].replace(**changed) if changed else machines[key]
        found[name] = own.forward(test.inputs).argmax(axis=1)
    net = machines["{}"]
    logs, bins = logs_of(training, net, likelihood), net.observed(test.inputs)
    found["float"] = answers(logs, bins)
    # common factors of all classes, as in eq. (B1), for each bin by itself
    found["float, value"] = answers(logs - logs.max(axis=0), bins)
    for rate in RATES:
        found[f"{rate:g} wrong, float"] = answers(flipped(logs, rate, seed), bins)
    return found, net


# ---- trials ----


def trials(quick: bool, folders: dict[str, Path]) -> list[Trial]:
    """All data with counts, the gestures with Gaussians too; and the table of
    shifts.
    """
    seeds = list(range(1 if quick else SEEDS))
    wine = {"frontend": "statistics", "features": BEST_WINE}
    made = [
        ("iris", "counts", lambda: load_dataset("iris"), seeds),
        ("wine4", "counts", lambda: load_dataset("wine", **wine), seeds),
        ("wine13", "counts", lambda: load_dataset("wine"), seeds),
    ]
    if "imu" in folders:
        folder = folders["imu"]
        for likelihood in ("counts", "gaussian"):
            for name, digits in (("gestures", 4), ("gestures_ten", 10)):
                load = _later(_gestures, folder, digits)
                made.append((name, likelihood, load, seeds))
                made.append((f"{name}_time", likelihood, load, [None]))
    found = [Trial({"what": "shifts"}, shifts)]
    for name, likelihood, load, own in made:
        key = {"what": name, "likelihood": likelihood, "seeds": len(own)}
        found.append(Trial(key, _later(_compared, load, likelihood, own)))
    return found


def _later(function: Callable[..., Any], *given: Any) -> Callable[[], Any]:
    return lambda: function(*given)


def _compared(load, likelihood, seeds):
    return compared(load(), likelihood, seeds)


def shifts(places: tuple[int, ...] = (0, 1, 7, 64, 100, 127)) -> dict[str, Any]:
    """Root mean square of what the count of two columns in one period differs by from
    L1 L2 / 255, over all L1 and L2, for registers so many places apart.
    """
    config = BayesianConfig(inputs=1, outputs=256, bins=2)
    net = BayesianNetwork(config)
    memory = net.layout.named(net.parameters)["memory_0"]
    memory[...] = np.arange(256.0)[:, None, None]
    once = bits_of(net)
    exact = np.outer(np.arange(256), np.arange(256)) / 255
    errors = [once @ np.roll(once, -place, axis=1).T - exact for place in places]
    return {"places": places, "errors": [float(np.sqrt((e**2).mean())) for e in errors]}


def bits_of(net: BayesianNetwork) -> np.ndarray:
    """(class, cycle) 0 or 1 that the first column gives for its first bin."""
    words = net._words()[0][0, 0]
    bits = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")
    return bits[:, : net.config.cycles].astype(np.int64)


# ---- numbers ----


def numbers(rows: list[dict[str, Any]]) -> FigureNumbers:
    """What the machine costs against a float classifier, and what imperfections
    cost.
    """
    table = [
        {"data": row["what"], "likelihood": row["likelihood"], "machine": name, "accuracy": value}
        for row in rows
        if row["what"] != "shifts"
        for name, value in row["accuracy"].items()
    ]
    found: dict[str, tuple[Any, str, str]] = {}
    for row in rows:
        if row["what"] == "shifts":
            text = f"rms error of two columns, registers {row['places']} places apart"
            found["shifts"] = row["errors"], "1", text
            continue
        found |= _findings(row)
    return FigureNumbers({"rows": rows}, {"": table}, found)


LOST = {
    "machine": ("float", "value", "points lost against the float classifier"),
    "column": ("value", "column", "points lost by one maximum for each column"),
    "equal": ("value", "equal seeds", "points lost by equal seeds"),
    "errors": ("value", "0.01 wrong", "points lost by 1 % of wrong bits"),
    "errors_logarithmic": ("logarithmic", "0.01 wrong, logarithmic", "the same, logarithmic"),
    "errors_float": ("float", "0.01 wrong, float", "the same of a float32 memory"),
}
"""{finding: (machine before, machine after, meaning)}."""


def _findings(row):
    """The findings of one data set."""
    gaussian_too = "_gaussian" if row["likelihood"] == "gaussian" else ""
    key, own = f"{row['what']}{gaussian_too}", row["accuracy"]
    where = f"{NAMES[row['what']]}{', Gaussians' if gaussian_too else ''}"
    found = {
        f"{key}_float": (own["float"], "%", f"float naive Bayes, {where}"),
        f"{key}_value": (own["value"], "%", f"255 cycles, {where}"),
        f"{key}_logarithmic": (own["logarithmic"], "%", f"logarithmic mode, {where}"),
    }
    if "last" in row:
        value, of_float = row["last"]["value"], row["last"]["float"]
        found[f"{key}_last"] = value, "%", f"255 cycles, the last fifth alone, {where}"
        found[f"{key}_last_float"] = of_float, "%", f"float, the last fifth alone, {where}"
    for name, (before, after, text) in LOST.items():
        found[f"{key}_lost_{name}"] = own[before] - own[after], "%", f"{text}, {where}"
    if row["what"] not in ("iris", "wine4", "wine13", "gestures") or gaussian_too:
        return found
    curve = [own[f"{n} cycles"] for n in CYCLES]
    cycles = ", ".join(map(str, CYCLES))
    return found | {
        f"{key}_zeros": (row["zeros"], "%", f"cases with all counters 0, {where}"),
        f"{key}_ties": (row["ties"], "%", f"cases with a tie, {where}"),
        f"{key}_cycles": (curve, "%", f"accuracy after {cycles} cycles, {where}"),
    }
