"""The command line of `spinrnn bench`."""

import argparse
import json
import sys
from typing import Any

from spinrnn.cli.options import add_command, add_json

SUMMARY = "Measure the speed on this machine, beside its matrix product; some minutes."


def add_commands(commands: Any) -> None:
    """Adds the command; commands: what `add_subparsers` returned."""
    parser = add_command(commands, "bench", bench, SUMMARY)
    parser.add_argument(
        "--quick", action="store_true", help="less than a minute: fewer sizes and repetitions"
    )
    parser.add_argument(
        "--peers",
        action="store_true",
        help="also the same work in JAX and PyTorch, and a reservoir in reservoirpy, where"
        " installed; takes longer",
    )
    parser.add_argument(
        "--reservoir",
        action="store_true",
        help="nothing but a reservoir's states and ridge regression, beside reservoirpy's",
    )
    parser.add_argument(
        "--devices",
        action="store_true",
        help="nothing but training steps of networks of devices, beside PyTorch and aihwkit",
    )
    parser.add_argument(
        "--mnist", metavar="DIR", help="also an epoch of MNIST, from the folder of its IDX files"
    )
    add_json(parser, "one JSON object for each result")


def bench(options: argparse.Namespace) -> int:
    """Measures; prints each result as it comes, and the ratios at the end."""
    from spinrnn.bench import runner, table
    from spinrnn.bench.sizes import FULL, QUICK

    rows = []
    results = runner.run(
        QUICK if options.quick else FULL,
        count=options.threads,
        peers=options.peers,
        reservoirs=options.reservoir,
        devices=options.devices,
        mnist=options.mnist,
        progress=_show,
    )
    try:
        for row in results:
            _show("")
            rows.append(row)
            for line in [json.dumps(row)] if options.json else table.lines(row):
                print(line, flush=True)
    finally:
        _show("")
    if not options.json:
        print("\n".join(table.ratios(rows)))
    return 0


def _show(text: str) -> None:
    """What is measured next, on a terminal; the empty text clears the line."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text and text + ' ...'}", end="", file=sys.stderr, flush=True)
