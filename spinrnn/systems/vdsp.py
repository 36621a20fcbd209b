"""Voltage-dependent synaptic plasticity (arXiv:2203.11022): a spiking network whose
synapses learn from the potentials of their inputs, with the windows of three devices.
"""

from pathlib import Path
from typing import Any

import numpy as np

from spinrnn.config.spiking import SpikingConfig
from spinrnn.datasets.loading import load_digits
from spinrnn.networks.spiking import SpikingNetwork
from spinrnn.paper.numbers import FigureNumbers
from spinrnn.synapses.conductance import WINDOWS
from spinrnn.systems.learning import accuracy, images, mean, trained
from spinrnn.systems.trials import Trial

DIGITS: dict[str, Any] = {
    "network": {"threshold": 30.0, "growth": 0.005, "output_time": 0.06},
    "train": {"epochs": 10, "learning_rate": 0.03, "noise": 0.15, "batch": 50},
    "data": {"split_seed": 0, "validation_fraction": 0.02, "test_fraction": 0.22},
}
"""Of the 8 x 8 digits: 1,363 to learn from."""
MNIST: dict[str, Any] = {
    "network": {
        "threshold": 40.0,
        "gain": 6.0,
        "output_time": 0.1,
        "refractory": 0.01,
        "inhibition": 0.02,
    },
    "train": {"epochs": 1, "noise": 0.0, "batch": 100},
    "data": {"split_seed": 0, "validation_fraction": 0.02},
}
SIMPLE: dict[str, Any] = {
    "network": {
        "rest": 0.032 / (1 - np.exp(-1 / 30)),
        "gain": 0.00675 * 255 / (1 - np.exp(-1 / 30)),
        "output_time": 0.06,
        "threshold": 10.0,
        "growth": 0.0,
    },
    "train": {"epochs": 1, "noise": 0.0, "batch": 100, "learning_rate": 0.001},
    "data": MNIST["data"],
}
"""The authors' simplified network, as their program has it; 0 to 255 are its greys."""
ORIGINAL: dict[str, Any] = {
    "network": {
        "time_step": 5e-3,
        "pause": 0.0,
        "output_time": 0.03,
        "input_refractory": 5e-3,
        "refractory": 5e-3,
        "synapse_time": 5e-3,
        "threshold": 20.0,
        "growth": 0.2,
        "growth_time": 1.0,
        "reset": 0.0,
    },
    "train": {"epochs": 1, "noise": 0.0, "batch": 100, "learning_rate": 0.005},
    "data": MNIST["data"],
}
"""The network of the paper's figures, as far as its keys are ours: potentials of the
outputs are in units of a spike, 0.05 of the authors' threshold."""
PUBLISHED = {100: (85.01, 0.76), 400: (89.93, 0.41), 500: (90.56, 0.27)}
"""{neurons: mean and deviation}, MNIST, percent [paper]."""
NEURONS = (10, 25, 50, 100, 200, 400, 500)
CONTROLS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "learned": ({}, {}),
    "shuffled": ({"potentials": "shuffled"}, {}),
    "none": ({}, {"learning_rate": 1e-300}),
}
"""{name: keys of the estimator, of the training}."""
REST = 0.7
RATES = {"vdsp": 0.03, "TiO2": 0.02, "HZO": 0.03, "HfO2": 0.02}
SEEDS, DELAYS, SHOWN = 3, 120, 20
"""DELAYS: ms of the pairing; SHOWN: neurons whose fields are kept."""


def tables(base: dict[str, Any], neurons: int, seed: int, **others: Any) -> dict[str, Any]:
    """Tables of a run; others: keys of tables, which overrule."""
    found = {
        "network": {"kind": "spiking", "layers": [neurons]} | base["network"],
        "estimator": {"kind": "vdsp"},
        "train": {"schedule": "cosine", "clip": 0.0, "seed": seed} | base["train"],
        "data": dict(base["data"]),
    }
    for name, own in others.items():
        found[name] = found.get(name, {}) | own
    return found


def of_mnist(neurons: int, seed: int, cases: int | None = None) -> dict[str, Any]:
    """Tables for MNIST: thresholds and rates as far as neurons have fewer cases each,
    the more of them there are.
    """
    share = neurons / 100
    growth = {"growth": 0.03 * max(share, 1.0), "growth_time": 2000.0 * max(share, 1.0)}
    rate = {"learning_rate": 0.005 * max(share, 1.0) ** 0.5}
    return tables(MNIST, neurons, seed, network=growth, train=rate)


def trials(quick: bool, folders: dict[str, Path]) -> list[Trial]:
    """Pairing windows, digits with controls and devices, and with data MNIST."""
    seeds = 1 if quick else SEEDS
    base = DIGITS if not quick else DIGITS | {"train": DIGITS["train"] | {"epochs": 1}}
    found = [Trial({"what": "pairing"}, _pairing)]
    for seed in range(seeds):
        for control, (own, train) in CONTROLS.items():
            given = tables(base, 50, seed, estimator=own, train=train)
            found.append(_on_digits("digits", seed, given, control=control, neurons=50))
        for window, rate in RATES.items():
            train = {"learning_rate": rate}
            synapse = {"kind": "conductance", "window": window}
            # devices have thresholds, which a dark pixel must be beyond
            given = tables(base, 100, seed, network={"rest": REST}, synapse=synapse, train=train)
            found.append(_on_digits("window", seed, given, window=window, neurons=100))
    if "mnist" in folders:
        found += _mnist_trials(quick, folders["mnist"])
    return found


def _on_digits(what, seed, given, **key):
    shown = seed == 0 and key.get("control") == "learned"
    run = lambda: _learned(given, load_digits(), shown)
    return Trial({"what": what, "seed": seed, **key}, run, given)


def _mnist_trials(quick, folder):
    if quick:
        return [_on_images("mnist", folder, of_mnist(10, 0), 10, 0, 1000)]
    found = [_on_images("mnist", folder, of_mnist(100, 0), 100, 0, 10_000)]
    for neurons in NEURONS:
        for seed in range(SEEDS if neurons in (100, 400) else 1):
            given = of_mnist(neurons, seed)
            found.append(_on_images("mnist", folder, given, neurons, seed, 60_000))
    for what, base in (("simplified", SIMPLE), ("original", ORIGINAL)):
        given = tables(base, 100, 0, train={"schedule": "constant"})
        found.append(_on_images(what, folder, given, 100, 0, 60_000))
    return found


def _on_images(what, folder, given, neurons, seed, cases):
    """cases: how many of the training part, the first ones."""
    key = {"what": what, "neurons": neurons, "seed": seed, "cases": cases}
    shown = (what, neurons, seed) == ("mnist", 100, 0)
    return Trial(key, lambda: _learned(given, images(folder, cases), shown), given)


def _learned(given, data, pictures=False):
    trainer = trained(given, data)
    net, test = trainer.net, trainer.test
    counts = net.counted(net.cases(test.inputs))
    spikes, moved = net.buffers["state/events"]
    return {
        "accuracy": accuracy(net, test),
        "updates": int(spikes),
        "moved": int(moved),
        "spikes": float(counts.sum(axis=1).mean()),
        "never_fire": int((counts.sum(axis=0) == 0).sum()),
        "training_seconds": trainer.seconds(),
        **(_fields(net) if pictures else {}),
    }


def _fields(net):
    """The first neurons' states as pictures, in 255ths, and their classes."""
    states = net.views()["w"][0][:SHOWN]
    return {
        "fields": np.rint(255 * states).astype(int).tolist(),
        "classes": net.labels[:SHOWN].tolist(),
    }


# ---- pairs ----


def pairing(window: str, rest: float, rate: float = 0.1, state: float = 0.5) -> np.ndarray:
    """(delay,) changes of a synapse by a spike of its output 0, 1, ... ms after one of
    its input, which then relaxes towards rest.

    A second input makes the output fire: it waits until then, and is beyond its
    threshold.
    """
    changes = []
    for delay in range(DELAYS + 1):
        config = SpikingConfig(
            layers=(1,),
            inputs=2,
            outputs=2,
            synapse={"window": window, "lowest": 0.0},
            threshold=0.9,
            presentation=(delay + 1) * 1e-3,
            pause=0.0,
            rest=rest,
            gain=0.0,
            dtype="float64",
        )
        net = SpikingNetwork(config)
        net.parameters[:] = state, 1.0
        net.buffers["state/potential"][:] = 1000.0
        net.buffers["state/waiting"][:] = 0, delay
        net.show(np.zeros((1, 2)), rate)
        changes.append(net.parameters[0] - state)
    return np.array(changes)


def _pairing():
    found = {f"{name}": pairing(name, REST).tolist() for name in WINDOWS}
    return {"delays": list(range(DELAYS + 1)), "changes": found}


# ---- numbers ----


def numbers(rows: list[dict[str, Any]]) -> FigureNumbers:
    """Accuracies beside the published ones."""
    pairs = next(row for row in rows if row["what"] == "pairing")
    rows = [row for row in rows if row["what"] != "pairing"]
    names = ("what", "neurons", "cases", "control", "window", "seed", "accuracy", "spikes")
    names += ("updates", "moved", "never_fire", "training_seconds")
    table = [{name: row.get(name, "") for name in names} for row in rows]
    found: dict[str, tuple[Any, str, str]] = {}
    for control in CONTROLS:
        value = mean(rows, "digits", control=control)
        found[f"digits_{control}"] = value, "%", f"mean accuracy, digits, 50 neurons: {control}"
    for window in RATES:
        value = mean(rows, "window", window=window)
        text = f"mean accuracy, digits, 100 neurons: window {window}"
        found[f"window_{window.lower()}"] = value, "%", text
    for key, value in _of_mnist(rows).items():
        found[key] = value
    return FigureNumbers({"rows": rows, "pairs": pairs}, {"": table}, found)


def _of_mnist(rows):
    """Findings of MNIST, as far as there are any."""
    found = {}
    for cases in sorted({row["cases"] for row in rows if row["what"] == "mnist"}):
        for neurons in sorted({row["neurons"] for row in rows if row.get("cases") == cases}):
            own = [
                row["accuracy"]
                for row in rows
                if (row["what"], row.get("cases"), row["neurons"]) == ("mnist", cases, neurons)
            ]
            if not own:
                continue
            text = f"mean accuracy, {cases} images of MNIST, {neurons} neurons"
            found[f"mnist_{cases}_{neurons}"] = float(np.mean(own)), "%", text
            if len(own) > 1:
                text = f"deviation over {len(own)} seeds, {neurons} neurons"
                found[f"mnist_{cases}_{neurons}_deviation"] = float(np.std(own, ddof=1)), "%", text
    for what, text in (
        ("simplified", "the authors' simplified network"),
        ("original", "the paper's network as far as it is known here"),
    ):
        value = mean(rows, what)
        if value is not None:
            found[what] = value, "%", f"accuracy, MNIST, 100 neurons, {text}"
    return found
