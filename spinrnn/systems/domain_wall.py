"""Domain walls as synapses (arXiv:2111.07284): few positions, each written with an
error, trained in place or written once.

The device's numbers are ours, as the paper's are not public; events are what the paper
counts energy by.
"""

from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import erf

from spinrnn.datasets.loading import load_digits
from spinrnn.networks.writing import write_devices
from spinrnn.paper.numbers import FigureNumbers
from spinrnn.synapses.domain_wall import DomainWall
from spinrnn.systems.learning import accuracy, images, mean, trained
from spinrnn.systems.trials import Trial

NARROW, WIDE = [20, 20, 20], [128, 128, 64]
"""Hidden layers on the digits: wide ones hide the number of states."""
STATES = (0, 5, 3, 2)
"""0: ideal synapses."""
MARGINS = (0.0, 0.25, 0.5, 0.75)
NOISES = (0.1, 0.2, 0.3)
EPOCHS, SEEDS = 30, 5
MNIST_LAYERS, MNIST_EPOCHS = [256, 128, 64], 10
PAPER_ENERGY = 13e-12
"""J of programming for one inference [paper, abstract]."""


def tables(layers: list[int], states: int, epochs: int, seed: int, **wall: Any) -> dict[str, Any]:
    """Tables of a network of ReLU neurons; wall: further keys of the synapse."""
    synapse = {"kind": "domain_wall", "states": states, **wall} if states else {"kind": "ideal"}
    return {
        "network": {"kind": "feedforward", "layers": layers},
        "activation": {"kind": "relu"},
        "synapse": synapse,
        "train": {
            "epochs": epochs,
            "batch": 50,
            "learning_rate": 2e-3,
            "noise": 0.0,
            "clip": 0.0,
            "seed": seed,
        },
        "data": {"split_seed": 0},
    }


# ---- trials ----


def trials(quick: bool, folders: dict[str, Path]) -> list[Trial]:
    """Walls by themselves, digits with narrow and wide layers, margins, and with data
    MNIST.
    """
    epochs, seeds = (3, 1) if quick else (EPOCHS, SEEDS)
    found = [Trial({"what": "walls", "states": n}, lambda n=n: _walls(n)) for n in (2, 3, 5)]

    def add(what, layers, states, seed, **wall):
        key = {"what": what, "states": states, "seed": seed, "epochs": epochs, **wall}
        given = tables(layers, states, epochs, seed, **wall)
        found.append(Trial(key, lambda: _learned(given), given))

    for seed in range(seeds):
        for states in STATES:
            add("narrow", NARROW, states, seed)
            add("wide", WIDE, states, seed)
        for margin in MARGINS:
            add("margin", WIDE, 5, seed, margin=margin)
        for noise in NOISES:
            add("noise", NARROW, 5, seed, noise=noise)
        add("no accumulator", WIDE, 5, seed, accumulate=False)
        key = {"what": "ex situ", "states": 5, "seed": seed, "epochs": epochs}
        found.append(Trial(key, lambda s=seed: _ex_situ(epochs, s)))
    if "mnist" in folders:
        found += _mnist_trials(quick, folders["mnist"])
    return found


def _mnist_trials(quick, folder):
    epochs, cases = (1, 2000) if quick else (MNIST_EPOCHS, None)

    def run(states):
        given = tables(MNIST_LAYERS, states, epochs, 0)
        given["train"] |= {"batch": 100, "learning_rate": 1e-3}
        return _learned(given | {"data": {"validation_fraction": 0.02}}, images(folder, cases))

    return [
        Trial(
            {"what": "mnist", "states": states, "seed": 0, "epochs": epochs},
            lambda n=states: run(n),
        )
        for states in STATES
    ]


def _learned(given, data=None):
    """Accuracy of the best epoch's network, and the events of programming."""
    trainer = trained(given, load_digits() if data is None else data)
    net, events = trainer.best_network(), trainer.learner.events
    samples = trainer.epoch * len(trainer.training)
    return {
        "accuracy": accuracy(net, trainer.test),
        "events": events.count,
        "events_per_sample": events.count / samples,
        "energy_per_sample": events.energy / samples,
        "weights": int(net.layout.is_weight().sum()),
    }


def _ex_situ(epochs, seed):
    """A rehearsal in place, and what is left of it in fresh walls that are verified."""
    trainer = trained(tables(WIDE, 5, epochs, seed), load_digits())
    rehearsed = trainer.best_network()
    written = write_devices(rehearsed, seed=seed + 1000)
    attempts = np.concatenate([own.reshape(-1) for own in written.attempts.values()])
    return {
        "accuracy": accuracy(written.network, trainer.test),
        "rehearsal": accuracy(rehearsed, trainer.test),
        "attempts": float(attempts.mean()),
        "events": written.events.count,
    }


def _walls(states, count=100_000):
    """Means and deviations of each level over many writings, and attempts with
    verification beside the law.
    """
    kind, rng = DomainWall(states=states, margin=0.25, largest=1.0), np.random.default_rng(states)
    levels = np.linspace(-1, 1, states)
    means, deviations = [], []
    for level in levels:
        wanted = np.full((1, count), level)
        position = kind.make(wanted, rng)["position"]
        means.append(float(position.mean()))
        deviations.append(float(position.std()))
    wanted = np.full((1, count), levels[0])
    devices = kind.make(wanted, rng)
    attempts = kind.write(wanted, devices, None, rng)[1]
    chance = float(erf(kind.margin / (kind.noise * np.sqrt(2))))
    return {
        "levels": levels,
        "means": means,
        "deviations": deviations,
        "expected_deviation": kind.noise * kind.distance,
        "attempts": float(attempts.mean()),
        "expected_attempts": 1 / chance,
    }


# ---- numbers ----


def numbers(rows: list[dict[str, Any]]) -> FigureNumbers:
    """Accuracies against the number of states, and what a margin saves."""
    walls = [row for row in rows if row["what"] == "walls"]
    rows = [row for row in rows if row["what"] != "walls"]
    names = ("what", "states", "seed", "epochs", "margin", "noise", "accumulate")
    names += ("accuracy", "events", "events_per_sample", "energy_per_sample")
    table = [{name: row.get(name, "") for name in names} for row in rows]
    found: dict[str, tuple[Any, str, str]] = {}
    for what, text in (("narrow", "20-20-20"), ("wide", "128-128-64"), ("mnist", "MNIST")):
        for states in STATES:
            value = mean(rows, what, states=states)
            if value is not None:
                name = f"{states} states" if states else "ideal synapses"
                key = f"{what}_{states or 'ideal'}"
                found[key] = value, "%", f"mean accuracy, {text}, {name}"
    found |= _of_margins(rows) | _of_writing(rows)
    found["paper_energy"] = PAPER_ENERGY, "J", "of programming for one inference [paper, abstract]"
    return FigureNumbers({"rows": rows, "walls": walls}, {"": table}, found)


def _of_margins(rows):
    found = {}
    for margin in MARGINS:
        value = mean(rows, "margin", margin=margin)
        if value is None:
            continue
        name = f"margin_{round(100 * margin)}"
        found[name] = value, "%", f"mean accuracy with a margin of {margin:g} distances of levels"
        for key, unit, text in (
            ("events_per_sample", "1", "writings for a training sample"),
            ("energy_per_sample", "J", "energy of these"),
        ):
            value = mean(rows, "margin", key, margin=margin)
            found[f"{name}_{key}"] = value, unit, f"{text}, margin {margin:g}"
    return found


def _of_writing(rows):
    found = {}
    texts = {
        ("no accumulator", "accuracy"): ("no_accumulator", "%", "without an accumulator"),
        ("ex situ", "rehearsal"): ("rehearsal", "%", "of the rehearsal"),
        ("ex situ", "accuracy"): ("ex_situ", "%", "of it in fresh walls, written once, verified"),
        ("ex situ", "attempts"): ("ex_situ_attempts", "1", "attempts for a wall"),
    }
    for (what, name), (key, unit, text) in texts.items():
        value = mean(rows, what, name)
        if value is not None:
            said = text if unit == "1" else f"mean accuracy {text}"
            found[key] = value, unit, said
    for noise in NOISES:
        value = mean(rows, "noise", noise=noise)
        if value is not None:
            text = f"mean accuracy, 20-20-20, 5 states, noise {noise:g} distances of levels"
            found[f"noise_{round(100 * noise)}"] = value, "%", text
    return found
