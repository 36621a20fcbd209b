"""Repeats the README's results on the digits: python docs/results.py [--runs DIR] [STUDY ...]; a killed call goes on where it was.

Each study is a list of ordinary training runs in DIR (default runs/results), one folder for each seed. Prints a line for each run and
then a table with the median and the worst of each study. A run that diverges stops the script with its message.
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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path("runs/results"))
    parser.add_argument(
        "studies", nargs="*", metavar="STUDY", help=f"of {', '.join(STUDIES)}; default: all"
    )
    options = parser.parse_args()
    table = []
    for study in options.studies or STUDIES:
        seeds, settings = STUDIES[study]
        summaries = []
        for seed in range(seeds):
            config = load_config(None, [*settings, f"train.seed={seed}"])
            summaries.append(
                spinrnn.train(config, options.runs / f"{study}-seed{seed}", resume=True).summary
            )
            keys = (
                "test_accuracy",
                "test_accuracy_fine",
                "validation_accuracy",
                "best_epoch",
                "seconds_training",
            )
            print(study, seed, json.dumps({key: summaries[-1][key] for key in keys}), flush=True)
        accuracy, fine, seconds = (
            np.array([s[key] for s in summaries])
            for key in ("test_accuracy", "test_accuracy_fine", "seconds_training")
        )
        numbers = (
            100 * np.median(accuracy),
            100 * accuracy.min(),
            100 * np.median(fine),
            100 * np.median(accuracy - fine),
            np.median(seconds),
        )
        table.append((study, seeds, *numbers))
    print(
        "\n| study | seeds | median test (%) | worst (%) | median, 8 x finer (%) | median loss (points) | seconds |"
    )
    print("|---|---|---|---|---|---|---|")
    for row in table:
        print("| {} | {} | {:.2f} | {:.2f} | {:.2f} | {:.2f} | {:.0f} |".format(*row))


if __name__ == "__main__":
    main()
