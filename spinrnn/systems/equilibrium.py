"""Equilibrium propagation with binary synapses (arXiv:2103.08953) and of oscillators,
by their power and by amplitude and phase (arXiv:2504.11884): how near its gradient is
to the exact one of the same network, and what is learned.
"""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from spinrnn.config.run import from_tables
from spinrnn.datasets.dataset import Dataset
from spinrnn.datasets.loading import load_digits
from spinrnn.learning.equilibrium import Equilibrium
from spinrnn.networks.making import network_of
from spinrnn.neurons.oscillator import Oscillator
from spinrnn.neurons.phase_oscillator import PhaseOscillator
from spinrnn.neurons.stuart_landau import StuartLandau
from spinrnn.paper.numbers import FigureNumbers
from spinrnn.systems.learning import accuracy, images, mean, trained
from spinrnn.systems.trials import Trial

BETAS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)
DEPTHS = (1, 2, 3, 4)
COUPLINGS = (0.25, 0.5, 1.0, 2.0, 4.0)
SPREADS = (0.0, 0.05, 0.1, 0.2)
SEEDS, CASES = 3, 50
OSCILLATOR = {"kind": Oscillator.kind, "bias_ratio": 3.0}
OF_OSCILLATORS = {"beta": 0.5, "steps": 15, "nudge": "drive", "sign": "symmetric"}
ALL_DIFFER = ("gamma", "bias", "nonlinear_damping", "gain")
PHASE = {"kind": StuartLandau.kind, "reference": 0.5}
DETUNINGS = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1)
SHIFTS = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0)


def signs(sources: int, hidden: int, *strong: float) -> list[dict[str, Any]]:
    """Binary synapses of two layers: the mean size of usual first weights, times a
    factor of each layer.
    """
    pairs = zip((sources, hidden), strong or (1.0, 1.0), strict=True)
    sizes = (0.5 * factor / np.sqrt(n) for n, factor in pairs)
    return [{"kind": "sign", "largest": float(f"{size:.4g}")} for size in sizes]


def flips(gamma: float, tau: float) -> dict[str, Any]:
    """The writer of (9.3) with one gamma and one tau."""
    return {"kind": "flips", "gamma": gamma, "tau": tau}


BINARY = {
    "estimator": {"sign": "symmetric"},
    "synapse": signs(64, 256),
    "writer": flips(1e-3, 3e-5),
}
REAL = {"learning_rate": 2e-3, "noise": 0.1}
PHASES: dict[str, Any] = {
    "network": {"layers": [128], "levels": [-0.5, 0.5], "amplification": [4.0, 1.0]},
    "neuron": PHASE,
    "estimator": OF_OSCILLATORS,
    "train": {"learning_rate": 1e-2, "noise": 0.1, "epochs": 30},
}
"""Oscillators with amplitude and phase."""
ALONE: dict[str, Any] = {**PHASES, "neuron": {"kind": PhaseOscillator.kind}}
"""Oscillators with phase alone."""


def differing(name: str, given: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """{name: tables} of oscillators whose frequencies are alike, and not."""
    shares = {", 5 %": 0.05, ", 10 %": 0.1}
    differ = {name + text: {**given, "spread": {"frequency": x}} for text, x in shares.items()}
    return {name: given, **differ}


def shifted(nu: float, **changes: Any) -> dict[str, Any]:
    """Tables of oscillators whose frequency depends on their power."""
    return {**PHASES, "neuron": {**PHASE, "nonlinear_shift": nu}, **changes}


CONDITIONS: dict[str, dict[str, Any]] = {
    "real": {
        "network": {"steps": 60},
        "estimator": {"sign": "symmetric"},
        "train": {**REAL, "epochs": 40},
    },
    "real, exact gradient": {
        "network": {"steps": 60},
        "estimator": {"kind": "bptt"},
        "train": {**REAL, "epochs": 20},
    },
    "binary": {**BINARY, "train": {"learning_rate": 0.05, "noise": 0.1, "epochs": 60}},
    "binary, shuffled": {**BINARY, "train": {"learning_rate": 0.05, "noise": 0.1, "epochs": 20}},
    "binary activations": {
        "network": {"layers": [1024], "units": 10, "steps": 20, "step": 5e-9, "start": 1.0},
        "neuron": {"kind": "binary_rate"},
        "synapse": signs(64, 1024, 2.0, 2.9),
        "writer": flips(1e-3, 2e-4),
        "estimator": {"beta": 2.0, "nudge": "drive", "sign": "plus"},
        "train": {"learning_rate": 1e-3, "epochs": 40},
    },
    "oscillators": {
        "network": {"layers": [128], "levels": [0.4, 0.8]},
        "neuron": OSCILLATOR,
        "estimator": OF_OSCILLATORS,
        "train": {"learning_rate": 1e-2, "epochs": 30},
    },
    "oscillators, 10 %": {
        "network": {"layers": [128], "levels": [0.4, 0.8]},
        "neuron": OSCILLATOR,
        "spread": dict.fromkeys(ALL_DIFFER, 0.1),
        "estimator": OF_OSCILLATORS,
        "train": {"learning_rate": 1e-2, "epochs": 30},
    },
    "oscillators, exact gradient": {
        "network": {"layers": [128], "levels": [0.4, 0.8]},
        "neuron": OSCILLATOR,
        "estimator": {"kind": "bptt"},
        "train": {"learning_rate": 1e-2, "epochs": 30},
    },
    **differing("phases", PHASES),
    "phases, exact gradient": {**PHASES, "estimator": {"kind": "bptt"}},
    "phases, nu 0.3": shifted(0.3),
    "phases, nu 1": shifted(1.0),
    "phases, nu 1, exact gradient": shifted(1.0, estimator={"kind": "bptt"}),
    **differing("phase alone", ALONE),
}
"""{name: tables} on digits, 64-256-10 where nothing else is said; gamma, tau and rates
were found by trial."""
ON_MNIST: dict[str, Any] = {
    "network": {**PHASES["network"], "layers": [512], "steps": 30},
    "estimator": {"nudge": "drive", "sign": "symmetric"},
    "train": {"learning_rate": 3e-3, "epochs": 8},
}
"""Of phases, 512 neurons and T = 30."""
MNIST: dict[str, dict[str, Any]] = {
    "real": {"train": {"learning_rate": 1e-3, "epochs": 4}},
    "binary": {
        "synapse": signs(784, 1024),
        "writer": flips(1e-4, 3e-6),
        "train": {"learning_rate": 0.05, "epochs": 6},
    },
    **differing("phases", {**PHASES, **ON_MNIST}),
    **differing("phase alone", {**ALONE, **ON_MNIST}),
}
"""784-1024-10, T = 50, K = 10, beta = 0.3, batches of 64, as published."""


def tables(given: dict[str, Any], seed: int, batch: int, **network: Any) -> dict[str, Any]:
    """Tables of a run; given: as in `CONDITIONS`; network: keys that it overrules."""
    found = {
        "network": {"kind": "symmetric", **network, **given.get("network", {})},
        "neuron": given.get("neuron", {"kind": "rate"}),
        "estimator": {"kind": "equilibrium", **given.get("estimator", {})},
        "train": {
            "batch": batch,
            "noise": 0.0,
            "clip": 0.0,
            "seed": seed,
            # a rate that falls would keep flips from nothing: theirs is of biases alone
            "schedule": "constant" if "writer" in given else "cosine",
            **given["train"],
        },
        "data": {"split_seed": 0, "validation_fraction": 0.05},
    }
    return found | {key: given[key] for key in ("synapse", "writer", "spread") if key in given}


def trials(quick: bool, folders: dict[str, Path]) -> list[Trial]:
    """Gradients beside the exact ones, digits under all conditions, with data MNIST."""
    found = _gradient_trials(quick)
    for seed in range(1 if quick else SEEDS):
        for name, given in CONDITIONS.items():
            epochs = 1 if quick else given["train"]["epochs"]
            given = {**given, "train": {**given["train"], "epochs": epochs}}
            made = tables(given, seed, 50, layers=[256], steps=40)
            key = {"what": "digits", "condition": name, "seed": seed, "epochs": epochs}
            run = lambda m=made, n=name, s=seed: _learned(m, _digits(n, s))
            found.append(Trial(key, run, made))
    return found + (_mnist_trials(quick, folders["mnist"]) if "mnist" in folders else [])


def _mnist_trials(quick, folder):
    found = []
    for name, given in MNIST.items():
        epochs = 1 if quick else given["train"]["epochs"]
        given = {**given, "train": {**given["train"], "epochs": epochs}}
        made = tables(given, 0, 64, layers=[64 if quick else 1024], steps=50)
        key = {"what": "mnist", "condition": name, "seed": 0, "epochs": epochs}
        run = lambda m=made: _learned(m, images(folder, 2000 if quick else None))
        found.append(Trial(key, run, made))
    return found


def _digits(name, seed):
    """Digits, of a condition that says so with labels in a random order, for which
    there is nothing to be learned.
    """
    data = load_digits()
    if not name.endswith("shuffled"):
        return data
    assert data.labels is not None
    order = np.random.default_rng([seed, 11]).permutation(len(data))
    return dataclasses.replace(data, labels=data.labels[order])


def _learned(given: dict[str, Any], data: Dataset) -> dict[str, Any]:
    """Accuracy of the best epoch, and what each epoch came to."""
    trainer = trained(given, data)
    net, count = trainer.best_network(), trainer.net.layout.is_weight().sum()
    turned = [record.get("programming_count", 0) / count for record in trainer.history]
    return {
        "accuracy": accuracy(net, trainer.test),
        "last": accuracy(trainer.net, trainer.test),
        "validation": [100 * record["validation_accuracy"] for record in trainer.history],
        "flips": [float(value) for value in turned],
    }


# ---- gradients beside the exact ones ----


def _gradient_trials(quick):
    found = []
    for what, neuron in (("interior", {"kind": "rate"}), ("oscillators", OSCILLATOR)):
        for seed in range(1 if quick else 3):
            key = {"what": "beta", "network": what, "seed": seed}
            found.append(Trial(key, lambda w=what, n=neuron, s=seed: _beta_laws(w, n, s)))
    for neuron in ("interior", "rate", Oscillator.kind):
        for depth in DEPTHS[:2] if quick else DEPTHS:
            key = {"what": "depth", "neuron": neuron, "depth": depth}
            found.append(Trial(key, lambda n=neuron, d=depth: _by_depth(n, d)))
    for name, values in (("frequency", DETUNINGS), ("shift", SHIFTS)):
        for value in values[::5] if quick else values:
            key = {"what": "rotation", "of": name, "value": value}
            found.append(Trial(key, lambda n=name, v=value: _of_phases(n, v)))
    for coupling in COUPLINGS[1:3] if quick else COUPLINGS:
        for spread in SPREADS[:2] if quick else SPREADS:
            key = {"what": "cosine", "coupling": coupling, "spread": spread}
            found.append(Trial(key, lambda c=coupling, s=spread: _of_oscillators(c, s)))
    return found


def drawn(neuron: dict[str, Any], seed: int, spread: dict[str, float], **keys: Any):
    """(a network in double precision with 64 inputs and 10 outputs, digits (case, 1,
    64), their labels); keys: of its table.
    """
    data, network = load_digits(), {"kind": "symmetric", "dtype": "float64"}
    given = {"network": {**network, "inputs": 64, "outputs": 10, **keys}, "neuron": neuron}
    if spread:
        given["spread"] = spread
    net = network_of(from_tables(given).network, seed=seed)
    assert data.labels is not None
    cases = np.random.default_rng([seed, 12]).permutation(len(data))[:CASES]
    return net, data.inputs[cases].reshape(CASES, 64, 1), data.labels[cases]


def compared(net: Any, u: Any, labels: Any, exact: Any, **keys: Any) -> tuple[float, float]:
    """(cosine, error relative to the exact one) of an estimate; keys: of
    `Equilibrium`.
    """
    own = Equilibrium(**keys).estimate(net.prepared(), u, labels, None, 0).gradient
    length = np.linalg.norm(exact)
    if length == 0 or not own.any():
        return 0.0, 1.0
    cosine = own @ exact / length / np.linalg.norm(own)
    return float(cosine), float(np.linalg.norm(own - exact) / length)


def _beta_laws(what, neuron, seed):
    """Errors of both ways to nudge against beta, in long relaxations."""
    net, u, labels = _weak(neuron, 1, seed, 400)
    emitted = np.concatenate(net.settle(u), axis=1)
    exact, found = net.loss_and_grad(u, labels)[1], {}
    for sign in ("plus", "symmetric"):
        keys = {"steps": 400, "nudge": "drive", "sign": sign}
        pairs = [compared(net, u, labels, exact, beta=beta, **keys) for beta in BETAS]
        found[sign] = [pair[1] for pair in pairs]
        found[f"{sign}_cosine"] = [pair[0] for pair in pairs]
    return {**found, "least": float(emitted.min()), "most": float(emitted.max())}


def _weak(neuron, depth, seed, steps):
    """As `drawn`, of weak couplings and inputs; rates are in the middle of their range,
    so that none is held at 0 or 1.
    """
    keys = {"layers": [40] * depth, "steps": steps, "start_gain": 0.2}
    net, u, labels = drawn(neuron, seed, {}, **keys)
    if neuron["kind"] == "rate":
        for bias in net.views()["bias"]:
            bias[:] = 0.5
    return net, 0.2 * u, labels


def _by_depth(neuron, depth):
    """Cosines with the exact gradient of all steps, for a drawn network on digits."""
    given = {"rate": ({"kind": "rate"}, {}), Oscillator.kind: (OSCILLATOR, {"levels": [0.4, 0.8]})}
    if neuron == "interior":
        net, u, labels = _weak({"kind": "rate"}, depth, 0, 60 * depth)
    else:
        kind, network = given[neuron]
        keys = {"layers": [64] * depth, "steps": 60 * depth, **network}
        net, u, labels = drawn(kind, 0, {}, **keys)
    exact = net.loss_and_grad(u, labels)[1]
    found = {}
    for name, keys in (
        ("published", {"beta": 0.3, "sign": "plus", "steps": 10}),
        ("longer", {"beta": 0.3, "sign": "plus", "steps": 30 * depth}),
        ("symmetric", {"beta": 0.1, "sign": "symmetric", "steps": 30 * depth}),
    ):
        for nudge in ("state", "drive"):
            cosine, error = compared(net, u, labels, exact, nudge=nudge, **keys)
            found[f"{name}, {nudge}"] = {"cosine": cosine, "error": error}
    emitted = np.concatenate(net.settle(u), axis=1)
    held = float(np.mean((emitted <= 1e-5) | (emitted >= 1)))
    back = net.prepared().run(net.prepared().batch_of(u, labels, None), 30 * depth)[2]
    last = float(back @ exact / np.linalg.norm(back) / np.linalg.norm(exact))
    return {"cosines": found, "held": held, "last_steps": last}


def _of_oscillators(coupling, spread):
    """Cosines of oscillators against beta, K = 15 as in training, at one amplification
    and spread.
    """
    keys = {"layers": [64], "steps": 200, "levels": [0.4, 0.8], "amplification": coupling}
    differ = dict.fromkeys(ALL_DIFFER, spread) if spread else {}
    net, u, labels = drawn(OSCILLATOR, 0, differ, **keys)
    exact, found = net.loss_and_grad(u, labels)[1], {}
    for sign in ("plus", "symmetric"):
        own = {"steps": 30, "nudge": "drive", "sign": sign}
        found[sign] = [compared(net, u, labels, exact, beta=b, **own)[0] for b in BETAS]
    silent = np.concatenate(net.settle(u), axis=1) < 1e-3
    return {**found, "silent": float(silent.mean())}


def _of_phases(name, value):
    """Cosines of oscillators with amplitude and phase against beta, of which the
    frequencies differ by a share or depend on the power, nu; how far the last step
    went.
    """
    shift = {"nonlinear_shift": value} if name == "shift" else {}
    spread = {"frequency": value} if name == "frequency" and value else {}
    keys = {"layers": [64], "levels": [-0.5, 0.5], "steps": 600, "start_gain": 0.2}
    net, u, labels = drawn({"kind": StuartLandau.kind, **shift}, 0, spread, **keys)
    exact, found = net.loss_and_grad(u, labels)[1], {}
    for sign in ("plus", "symmetric"):
        own = {"steps": 200, "nudge": "drive", "sign": sign}
        found[sign] = [compared(net, u, labels, exact, beta=b, **own)[0] for b in BETAS]
    last = [np.concatenate(net.settle(u, steps), axis=1) for steps in (600, 601)]
    return {**found, "moved": float(np.abs(last[1] - last[0]).max())}


# ---- numbers ----


def slope(errors: list[float], most: float = 0.1) -> float:
    """Of log error against log beta, from the least beta to this one."""
    own = np.array([pair for pair in zip(BETAS, errors, strict=True) if pair[0] <= most])
    return float(np.polyfit(np.log(own[:, 0]), np.log(own[:, 1]), 1)[0])


def numbers(rows: list[dict[str, Any]]) -> FigureNumbers:
    """Laws of beta, agreement by depth and of oscillators, accuracies, flips."""
    learned = [row for row in rows if row["what"] in ("digits", "mnist")]
    names = ("what", "condition", "seed", "epochs", "accuracy", "last")
    table = [{name: row[name] for name in names} for row in learned]
    found: dict[str, tuple[Any, str, str]] = {}
    inner = [row for row in rows if row["what"] == "beta" and row["network"] == "interior"]
    for sign, law in (("plus", "one-sided"), ("symmetric", "symmetric")):
        value = float(np.mean([slope(row[sign]) for row in inner]))
        found[f"slope_{sign}"] = value, "1", f"of log error against log beta, {law}"
    found |= _agreement(rows)
    for what in ("digits", "mnist"):
        for name in CONDITIONS if what == "digits" else MNIST:
            value = mean(rows, what, condition=name)
            if value is not None:
                key = f"{what}_{_word(name)}"
                found[key] = value, "%", f"mean accuracy, {what}, {name}"
    binary = [row for row in learned if row["condition"] == "binary" and row["what"] == "digits"]
    total = float(np.mean([np.sum(row["flips"]) for row in binary]))
    found["flips"] = total, "1", "mean flips of a binary weight in a training on digits"
    return FigureNumbers({"rows": rows}, {"": table}, found)


def _word(name):
    """A condition as part of a key."""
    return name.replace(", ", "_").replace(" ", "_").replace("_%", "").replace(".", "_")


def _agreement(rows):
    """Cosines with the exact gradient."""
    found: dict[str, tuple[Any, str, str]] = {}
    for row in rows:
        if row["what"] == "depth":
            key = f"cosine_{row['neuron']}_{row['depth']}"
            nudge = "drive" if row["neuron"] == Oscillator.kind else "state"
            value = row["cosines"][f"symmetric, {nudge}"]["cosine"]
            text = f"with the exact gradient, {row['neuron']}, {row['depth']} hidden layers"
            found[key] = value, "1", text
        if row["what"] == "cosine" and row["coupling"] == 1.0:
            at = BETAS.index(1e-1)
            key = f"cosine_spread_{100 * row['spread']:.0f}_percent"
            text = f"oscillators, spread {row['spread']:g}, symmetric nudge of 0.1"
            found[key] = row["symmetric"][at], "1", text
        if row["what"] == "rotation":
            at, what = BETAS.index(1e-2), row["of"]
            key = f"cosine_{what}_{row['value']:g}".replace(".", "_")
            text = f"amplitude and phase, {what} {row['value']:g}, symmetric nudge of 0.01"
            found[key] = row["symmetric"][at], "1", text
    return found
