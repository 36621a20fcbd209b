"""Repeats the table of docs/results.md: python docs/results.py [STUDY ...]

Each study is a list of ordinary training runs in DIR (default runs/results), one folder
for each seed. Prints a line for each run and then a table with the median and the worst
of each study. A killed call goes on where it was. A run that diverges stops the script.
"""

import argparse
import json
from pathlib import Path

import numpy as np

import spinrnn
from spinrnn.config.toml import load_config

CTRNN, PLAIN = "network.neuron=ctrnn", "train.noise=0"
STUDIES = {
    "default": (10, []),
    "ctrnn": (10, [CTRNN]),
    "ctrnn-slow": (5, [CTRNN, "train.learning_rate=0.005"]),
    "plain": (5, [PLAIN]),
    "fixed-split": (10, ["data.split_seed=0"]),
    "interval-0.1": (3, ["network.input_interval=1e-9"]),
    "interval-5": (3, ["network.input_interval=50e-9", "train.epochs=100"]),
    "interval-10": (3, ["network.input_interval=100e-9", "train.epochs=100"]),
}


KEYS = (
    "test_accuracy", "test_accuracy_fine", "validation_accuracy", "best_epoch", "seconds_training",
)  # fmt: skip
HEAD = "| study | seeds | median (%) | worst (%) | 8 x finer (%) | loss (points) | seconds |"


def summaries_of(study, folder):
    """Summaries of a study's runs; each is trained unless it is there, and printed."""
    seeds, settings = STUDIES[study]
    for seed in range(seeds):
        config = load_config(None, [*settings, f"train.seed={seed}"])
        summary = spinrnn.train(config, folder / f"{study}-seed{seed}", resume=True).summary
        print(study, seed, json.dumps({key: summary[key] for key in KEYS}), flush=True)
        yield summary


def row_of(study, summaries):
    """The study's row of the table."""
    accuracy, fine, seconds = (
        np.array([summary[key] for summary in summaries])
        for key in ("test_accuracy", "test_accuracy_fine", "seconds_training")
    )
    numbers = (
        100 * np.median(accuracy),
        100 * accuracy.min(),
        100 * np.median(fine),
        100 * np.median(accuracy - fine),
    )
    cells = [study, str(len(summaries)), *(f"{n:.2f}" for n in numbers)]
    return f"| {' | '.join(cells)} | {np.median(seconds):.0f} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path("runs/results"))
    parser.add_argument(
        "studies", nargs="*", metavar="STUDY", help=f"of {', '.join(STUDIES)}; default: all"
    )
    options = parser.parse_args()
    studies = options.studies or STUDIES
    rows = [row_of(study, list(summaries_of(study, options.runs))) for study in studies]
    print("", HEAD, "|---|---|---|---|---|---|---|", *rows, sep="\n")


if __name__ == "__main__":
    main()
