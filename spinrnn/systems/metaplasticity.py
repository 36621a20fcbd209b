"""Synaptic metaplasticity (arXiv:2101.07592): binary networks that learn one task after
another, with latent weights that are the harder to turn the larger they are.

Gains and shifts of batch normalisation are kept for each task and put back for its
test, as published; the test part is normalised by its own statistics.
"""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from spinrnn.paper.numbers import FigureNumbers
from spinrnn.systems.learning import images, in_turn, permuted, shuffled_digits
from spinrnn.systems.trials import Trial

RATE, DECAY, BATCH = 0.005, 1e-7, 100
"""Of all tasks [program of the paper]."""
START = 0.05
"""Latent weights begin even between - this and this [program of the paper]."""
STRENGTHS = (0.0, 10.0, 20.0, 40.0, 80.0)
"""m on the digits: what counts is m times a weight, which grows with the steps."""
FASHION_STRENGTHS = (0.0, 1.5, 3.0, 6.0, 10.0)
"""m on MNIST and Fashion-MNIST, published with 1.5 and wider layers."""
PERMUTED_STRENGTHS = (0.0, 1.35, 5.0)
PERMUTED = {10: PERMUTED_STRENGTHS, 50: (5.0, 0.0)}
"""{permuted tasks of MNIST: m}, published with 1.35."""
PAPER_FORGOTTEN = 20.0
"""Per cent, about, MNIST after Fashion-MNIST without metaplasticity [paper, Fig. 1]."""


def tables(layers: list[int], m: float, epochs: int, seed: int) -> dict[str, Any]:
    """Tables of a binary network without biases."""
    return {
        "network": {
            "kind": "feedforward",
            "layers": layers,
            "normalisation": "batch",
            "statistics": "batch",
            "bias": False,
        },
        "activation": {"kind": "sign"},
        "synapse": {"kind": "sign", "largest": 1.0},
        "writer": {"kind": "metaplastic", "m": m, "decay": DECAY},
        "train": {
            "epochs": epochs,
            "batch": BATCH,
            "learning_rate": RATE,
            "schedule": "constant",
            "clip": 0.0,
            "noise": 0.0,
            "seed": seed,
        },
        "data": {"validation_fraction": 0.01},
    }


# ---- the quadratic task ----


def quadratic(size: int = 500, steps: int = 1000, rate: float = 0.01, seed: int = 0) -> dict:
    """Binary numbers b = sign(theta) on L = 1/2 (b - t)' H (b - t), theta <- theta -
    rate H (b - t): how well |theta| tells what turning b over would cost.
    """
    rng = np.random.default_rng(seed)
    eigenvalues = 20 + 19 * rng.uniform(-0.5, 0.5, size)
    rotation = np.linalg.qr(rng.standard_normal((size, size)))[0]
    hessian = rotation @ (eigenvalues[:, None] * rotation.T)
    target, theta = rng.uniform(-4, 4, size), 0.01 * rng.standard_normal(size)
    for _ in range(steps):
        theta -= rate * hessian @ (_signs(theta) - target)
    b = _signs(theta)
    cost = costs(b, hessian, target)
    return {
        "spearman": float(spearmanr(np.abs(theta), cost)[0]),
        "signs": float(100 * np.mean(b == np.sign(target))),
        "cheaper": float(100 * np.mean(cost < 0)),
        "theta": np.abs(theta)[:200],
        "cost": cost[:200],
    }


def costs(b: np.ndarray, hessian: np.ndarray, target: np.ndarray) -> np.ndarray:
    """By how much L = 1/2 (b - t)' H (b - t) grows where one of the signs b is turned
    over, a step of -2 b_i along one axis: (size,).
    """
    return -2 * b * (hessian @ (b - target)) + 2 * np.diag(hessian)


def _signs(theta):
    return np.where(theta >= 0, 1.0, -1.0)


# ---- trials ----


def trials(quick: bool, folders: dict[str, Path]) -> list[Trial]:
    """The quadratic task, digits, and with data MNIST to Fashion-MNIST and permuted
    MNIST.
    """
    found = [Trial({"what": "quadratic"}, quadratic)]
    epochs, seeds = (5, 1) if quick else (20, 3)
    strengths = STRENGTHS[::3] if quick else STRENGTHS
    for m in strengths:
        for seed in range(seeds):
            key = {"what": "digits", "m": m, "seed": seed, "epochs": epochs}
            given = tables([256, 256], m, epochs, seed)
            found.append(Trial(key, lambda m=m, s=seed: _on_digits(m, epochs, s), given))
    mnist, fashion = folders.get("mnist"), folders.get("fashion-mnist")
    if mnist and fashion:
        found += _fashion_trials(quick, mnist, fashion)
    if mnist:
        found += _permuted_trials(quick, mnist)
    return found


def _on_digits(m, epochs, seed):
    tasks = [partial(shuffled_digits, number) for number in range(2)]
    return in_turn(tables([256, 256], m, epochs, seed), tasks, START)


def _fashion_trials(quick, mnist, fashion):
    epochs, cases = (1, 5000) if quick else (10, None)
    given = FASHION_STRENGTHS[::2] if quick else FASHION_STRENGTHS

    def run(m):
        tasks = [partial(images, folder, cases) for folder in (mnist, fashion)]
        return in_turn(tables([512, 512], m, epochs, 0), tasks, START)

    return [
        Trial({"what": "fashion", "m": m, "seed": 0, "epochs": epochs}, lambda m=m: run(m))
        for m in given
    ]


def _permuted_trials(quick, mnist):
    """Short and long sequences; quick: one short one, of fewer cases."""
    if quick:
        return [_permuted(mnist, 2000, 3, m) for m in PERMUTED_STRENGTHS]
    return [
        _permuted(mnist, None, count, m) for count, strengths in PERMUTED.items() for m in strengths
    ]


def _permuted(mnist, cases, count, m):
    """A sequence of `count` tasks; of long ones all are tested after each tenth."""

    def run():
        data = images(mnist, cases)
        tasks = [partial(permuted, data, number) for number in range(count)]
        every = 1 if count <= 10 else 10
        return in_turn(tables([1024, 1024], m, 1, 0), tasks, START, every)

    return Trial({"what": "permuted", "seed": 0, "epochs": 1, "tasks": count, "m": m}, run)


# ---- numbers ----


def numbers(rows: list[dict[str, Any]]) -> FigureNumbers:
    """What is kept of each task at the end."""
    quadratic_row = next(row for row in rows if row["what"] == "quadratic")
    rows = [row for row in rows if row["what"] != "quadratic"]
    table = [
        {
            **{name: row[name] for name in ("what", "m", "seed", "epochs")},
            "task": task,
            "tasks": len(row["after"][-1]),
            "learned": learned_of(row)[task],
            "at_the_end": value,
            "signs_turned": row["signs"][task],
        }
        for row in rows
        for task, value in enumerate(row["after"][-1])
    ]
    found = {
        "quadratic_spearman": (
            quadratic_row["spearman"],
            "1",
            "rank correlation of |theta| with the cost of turning its sign over",
        ),
        "quadratic_signs": (quadratic_row["signs"], "%", "signs that are those of the optimum"),
        **_kept("digits", rows),
        **_kept("fashion", rows),
        **_kept_of_many(rows),
    }
    return FigureNumbers({"rows": rows, "quadratic": quadratic_row}, {"": table}, found)


def learned_of(row: dict[str, Any]) -> list[float]:
    """Accuracy of each task when it was learned; `after` has it where all were tested
    after each one, as in results of earlier versions.
    """
    return row.get("learned") or [after[-1] for after in row["after"]]


def ends(rows: list[dict[str, Any]], what: str, tasks: int = 2) -> dict[float, np.ndarray]:
    """{m: (seed, task) accuracies at the end} of a sequence of so many tasks."""
    own = [row for row in rows if row["what"] == what and len(row["after"][-1]) == tasks]
    strengths = sorted({row["m"] for row in own})
    return {m: np.array([row["after"][-1] for row in own if row["m"] == m]) for m in strengths}


def _kept(what, rows):
    """Findings of a sequence of two tasks."""
    found = {}
    for m, values in ends(rows, what).items():
        text = f"accuracy of the first and the second task at the end, {what}, m = {m:g}"
        found[f"{what}_{_named(m)}"] = values.mean(axis=0).tolist(), "%", text
    if what == "fashion" and found:
        text = "MNIST after Fashion-MNIST without metaplasticity, about [paper, Fig. 1]"
        found["fashion_paper"] = PAPER_FORGOTTEN, "%", text
    return found


def _named(m):
    return f"m_{f'{m:g}'.replace('.', '_')}"


def _kept_of_many(rows):
    """Findings of sequences of permuted tasks, by their length."""
    found = {}
    for count in sorted({len(r["after"][-1]) for r in rows if r["what"] == "permuted"}):
        for m, values in ends(rows, "permuted", count).items():
            text = f"mean accuracy over all {count} permuted tasks at the end, m = {m:g}"
            found[f"permuted_{count}_{_named(m)}_mean"] = float(values.mean()), "%", text
    return found
