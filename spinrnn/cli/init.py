"""The command line of `spinrnn init`: a configuration file with every key, to be
changed.
"""

import argparse
from typing import Any

from spinrnn.cli.options import (
    add_columns,
    add_command,
    add_recipe,
    add_set,
    add_targets,
    add_use,
    settings_of,
)

SUMMARY = "Write a configuration file with every key, its default, unit and meaning."


def add_commands(commands: Any) -> None:
    """Adds the command; commands: what `add_subparsers` returned."""
    parser = add_command(commands, "init", init, SUMMARY, threads=False)
    parser.add_argument(
        "--task",
        metavar="KIND",
        help="classification, regression or forecasting, short for --set task.kind=KIND"
        " (default: what the data can serve)",
    )
    parser.add_argument(
        "--data",
        metavar="FILE",
        help="file or folder to learn from, short for --set data.source=FILE; what follows from"
        " it is said in the file",
    )
    add_recipe(parser)
    add_columns(parser, "the data", "label=class,V=voltage")
    add_targets(parser)
    parser.add_argument(
        "--out",
        default="my.toml",
        metavar="TOML",
        help="file to write, which must not exist (default: my.toml)",
    )
    add_set(parser, "network.layers=[16,16]")
    add_use(parser)


def init(options: argparse.Namespace) -> int:
    """Writes the file; prints what comes next."""
    from spinrnn.errors import ConfigError
    from spinrnn.runs.beginning import about, begin

    if "" in (options.out, options.data, options.task):
        raise ConfigError(["--out, --data, --task: give a name"])
    kind = [] if options.task is None else [f"task.kind={options.task}"]
    config, data = begin(options.out, [*settings_of(options), *kind], options.data)
    print(f"{options.out}: a {config.task.kind}" + ("" if data is None else f" of {about(data)}"))
    print(f"next: spinrnn check {options.out}, spinrnn train {options.out}")
    return 0
