"""The RF network (arXiv:2211.03659) on the drones' spectra: how it learns, and what
becomes of it on devices that are not as designed.

Naive transfer: trained ideal, put on the devices. Twin: trained with the devices'
outputs and the derivatives of an ideal network. Exact: with the gradient of the
devices.
"""

from pathlib import Path
from typing import Any

import numpy as np

from spinrnn.config.run import from_tables
from spinrnn.datasets.loading import load_dataset
from spinrnn.networks.making import network_of
from spinrnn.paper.numbers import FigureNumbers
from spinrnn.systems.learning import accuracy, parts_of, trained
from spinrnn.systems.trials import Trial

RATE = 6.6093e-6
"""Of Adam, in GHz and V [program of the paper]."""
TWIN_RATE = 0.0357
"""The same for the software twin [program of the paper]."""
EPOCHS, BATCH, SEEDS = 100, 256, 6
SPREADS = (1e-4, 1e-3, 1e-2)
"""Of frequencies and of powers; 1e-2 is a whole linewidth."""
DEAD = 0.1
"""Share of resonators that do nothing in one trial."""
WATCHED = (1, 5, 10, 20, 50, 100)
"""Epochs whose accuracy is told."""
SHIPPED = (98.7, 100.0)
"""Per cent, band of the authors' program at epoch 100, read from its figure."""


def tables(seed: int, epochs: int, spread: float = 0.0, dead: float = 0.0) -> dict[str, Any]:
    """Tables of the published network; spread: of tones, resonators and powers."""
    chain = {
        "kind": "resonator",
        "tone_tolerance": spread,
        "resonance_tolerance": spread,
        "dead": dead,
    }
    second = {"tone_spacing": "geometric", "resonator_spacing": "geometric"}
    return {
        "network": {
            "kind": "feedforward",
            "layers": [128],
            "bias_deviation": 10e-3,
            "output_amplification": 1000.0,
            "neuron_seed": seed,
        },
        "activation": {"kind": "rf", "tolerance": spread},
        "synapse": [{**chain, "unit_power": 1e-6}, {**chain, **second}],
        "train": _train(seed, epochs, RATE),
        "data": {"source": "drones", "validation_fraction": 0.01},
    }


def software(seed: int, epochs: int) -> dict[str, Any]:
    """Tables of the software twin, with ReLU."""
    return {
        "network": {"kind": "feedforward", "layers": [128]},
        "activation": {"kind": "relu"},
        "train": _train(seed, epochs, TWIN_RATE),
        "data": {"source": "drones", "validation_fraction": 0.01},
    }


def _train(seed, epochs, rate):
    return {
        "epochs": epochs,
        "batch": BATCH,
        "learning_rate": rate,
        "schedule": "constant",
        "clip": 0.0,
        "noise": 0.0,
        "seed": seed,
    }


# ---- trials ----


def trials(quick: bool, folders: dict[str, Path]) -> list[Trial]:
    """All trials, or with one seed, fewer epochs and one spread."""
    data = load_dataset("drones")
    epochs = 10 if quick else EPOCHS
    found = []
    for seed in range(1 if quick else SEEDS):
        found += [
            _trial("ideal", seed, 0.0, epochs, lambda s=seed: _curve(tables(s, epochs), data)),
            _trial("software", seed, 0.0, epochs, lambda s=seed: _curve(software(s, epochs), data)),
            _trial("dead", seed, 0.0, epochs, lambda s=seed: _dead(s, epochs, data)),
        ]
        for spread in SPREADS[1:2] if quick else SPREADS:
            for way, run in (("naive", _naive), ("twin", _twin), ("exact", _exact)):
                found.append(
                    _trial(
                        way,
                        seed,
                        spread,
                        epochs,
                        lambda r=run, s=seed, e=spread: r(s, epochs, e, data),
                    )
                )
    found.append(Trial({"way": "spectra", "epochs": epochs}, lambda: _spectra(epochs, data)))
    return found


def _trial(way, seed, spread, epochs, run):
    return Trial({"way": way, "seed": seed, "spread": spread, "epochs": epochs}, run)


def _curve(given, data):
    """Accuracy of the test part after each epoch, of the last weights."""
    test, curve = parts_of(data.flat())[1], []
    trainer = trained(given, data, lambda t: curve.append(accuracy(t.net, test)))
    return {"accuracy": curve[-1], "curve": curve, **_powers(trainer.net, test)}


def _powers(net, test):
    """Mean powers for one case in W: of all tones, and of what the junctions take."""
    kind = net.config.activation
    if kind.kind != "rf":
        return {}
    tones = net.config.synapses[0].unit_power * test.inputs[:, :, 0].sum(axis=1).mean()
    tones += sum(h.sum(axis=1).mean() for h in net.hidden(test.inputs))
    sums = net.hidden(test.inputs, sums=True)
    taken = sum(kind.consumption(z.astype(float)).sum(axis=1).mean() for z in sums)
    return {"tones": float(tones), "junctions": float(taken)}


def _dead(seed, epochs, data):
    """Naive transfer to chains with dead resonators, and training on them."""
    test = parts_of(data.flat())[1]
    ideal = trained(tables(seed, epochs), data).net
    broken = trained(tables(seed, epochs, dead=DEAD), data)
    fresh = network_of(broken.config.network, seed=seed)
    _move(fresh, ideal)
    return {"accuracy": accuracy(broken.net, test), "naive": accuracy(fresh, test)}


def _naive(seed, epochs, spread, data):
    test = parts_of(data.flat())[1]
    ideal = trained(tables(seed, epochs), data).net
    real = _real(seed, epochs, spread, data)
    _move(real, ideal)
    return {"accuracy": accuracy(real, test)}


def _real(seed, epochs, spread, data):
    config = from_tables(tables(seed, epochs, spread)).fitted_to(data)
    return network_of(config.network, seed=seed)


def _move(net, other):
    """Trained numbers of another network, on devices of one's own."""
    net.parameters[:] = other.parameters


def _twin(seed, epochs, spread, data):
    given = tables(seed, epochs, spread) | {"estimator": {"kind": "twin"}}
    test = parts_of(data.flat())[1]
    return {"accuracy": accuracy(trained(given, data).net, test)}


def _exact(seed, epochs, spread, data):
    test = parts_of(data.flat())[1]
    return {"accuracy": accuracy(trained(tables(seed, epochs, spread), data).net, test)}


def _spectra(epochs, data):
    """A spectrum, the resonators of one chain, and its weights."""
    net = trained(tables(0, epochs), data).net
    kind, views = net.config.synapses[0], net.views()
    count = net.config.sizes[0]
    tones = kind.frequencies(kind.tone_spacing, count)
    resonators = kind.frequencies(kind.resonator_spacing, count) + 1e9 * views["w"][0][0]
    test = parts_of(data.flat())[1]
    weights = net.layout.named(net.effective())["w_0"][0]
    return {
        "tones": tones,
        "resonators": np.asarray(resonators, dtype=float),
        "weights": np.asarray(weights, dtype=float),
        "spectra": [test.inputs[test.labels == k][0, :, 0].astype(float) for k in (0, 1)],
        "largest_detuning": float(1e9 * max(np.abs(w).max() for w in views["w"])),
    }


# ---- numbers ----


def numbers(rows: list[dict[str, Any]]) -> FigureNumbers:
    """Curves, transfer against spread, the power, and what is claimed of them."""
    spectra = next(row for row in rows if row["way"] == "spectra")
    rows = [row for row in rows if row["way"] != "spectra"]
    curves = [
        {"way": row["way"], "seed": row["seed"], "epoch": epoch, "accuracy": value}
        for row in rows
        if "curve" in row
        for epoch, value in enumerate(row["curve"], 1)
    ]
    kept = ("way", "seed", "spread", "epochs", "accuracy", "naive")
    table = [{name: row.get(name, "") for name in kept} for row in rows]
    data = {"rows": rows, "spectra": spectra}
    return FigureNumbers(data, {"": table, "-curves": curves}, _findings(rows, spectra))


def mean_of(rows: list[dict[str, Any]], way: str, spread: float = 0.0) -> float:
    """Mean accuracy over the seeds."""
    own = [row["accuracy"] for row in rows if row["way"] == way and row["spread"] == spread]
    return float(np.mean(own)) if own else np.nan


def _findings(rows, spectra):
    ideal = [row for row in rows if row["way"] == "ideal"]
    found = {
        "ideal_accuracy": (
            [row["accuracy"] for row in ideal],
            "%",
            "accuracy of the ideal network on the test part, each seed, last epoch",
        ),
        "ideal_accuracy_mean": (mean_of(rows, "ideal"), "%", "its mean"),
        "software_accuracy_mean": (
            mean_of(rows, "software"),
            "%",
            "mean accuracy of the software twin with ReLU",
        ),
        "shipped_band": (SHIPPED, "%", "band of the authors' program, read from its figure"),
        "tones_power": (
            float(np.mean([row["tones"] for row in ideal])),
            "W",
            "mean power of all tones for one case, inputs among them",
        ),
        "junctions_power": (
            float(np.mean([row["junctions"] for row in ideal])),
            "W",
            "mean power R I^2 that the oscillators take for one case, without amplifiers",
        ),
        "largest_detuning": (
            spectra["largest_detuning"],
            "Hz",
            "largest trained detuning; tones are further apart",
        ),
    }
    return found | _of_epochs(ideal) | _of_devices(rows)


def _of_epochs(ideal):
    found = {}
    for epoch in WATCHED:
        values = [row["curve"][epoch - 1] for row in ideal if len(row["curve"]) >= epoch]
        if values:
            key, text = f"ideal_accuracy_epoch_{epoch}", f"mean accuracy after epoch {epoch}"
            found[key] = float(np.mean(values)), "%", text
    return found


def _of_devices(rows):
    """Findings on devices that differ or are dead."""
    found = {}
    for spread in sorted({row["spread"] for row in rows} - {0.0}):
        for way in ("naive", "twin", "exact"):
            key = f"{way}_accuracy_{-round(np.log10(spread))}_digits"
            text = f"mean accuracy, {way}, devices that differ by {spread:g}"
            found[key] = mean_of(rows, way, spread), "%", text
    dead = [row for row in rows if row["way"] == "dead"]
    share = f"{100 * DEAD:g} % of the resonators dead"
    for key, name in (("dead_accuracy_mean", "accuracy"), ("dead_naive_mean", "naive")):
        way = "trained on them" if name == "accuracy" else "put there after training"
        value = float(np.mean([row[name] for row in dead])) if dead else None
        found[key] = value, "%", f"mean accuracy with {share}, {way}"
    return found
