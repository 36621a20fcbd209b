"""The command line of `spinrnn doctor`. Exit status 1: there is a problem."""

import argparse
import dataclasses
import json
from typing import Any

from spinrnn.cli.options import add_command, add_json

SUMMARY = (
    "Say what is odd about the surroundings:"
    " threads, memory, cache, HDF5, the file system of a folder."
)


def add_commands(commands: Any) -> None:
    """Adds the command; commands: what `add_subparsers` returned."""
    parser = add_command(commands, "doctor", doctor, SUMMARY, threads=False)
    # what the environment says of them is what it looks at, right or wrong
    parser.set_defaults(limits=False)
    parser.add_argument(
        "folder",
        nargs="?",
        default=".",
        metavar="FOLDER",
        help="where runs are to be written (default: the working folder)",
    )
    add_json(parser, "one JSON object for each finding")


def doctor(options: argparse.Namespace) -> int:
    """Examines; prints one line for each verdict, and below it what to do."""
    from spinrnn.doctor.examine import examine
    from spinrnn.errors import ConfigError

    if not options.folder or "\0" in options.folder:
        raise ConfigError(["FOLDER: give the name of a folder"])
    verdicts = examine(options.folder)
    for verdict in verdicts:
        if options.json:
            print(json.dumps(dataclasses.asdict(verdict)))
            continue
        print(f"{verdict.state:<8} {verdict.subject}: {verdict.text}")
        if verdict.fix:
            print(f"{'':<8} -> {verdict.fix}")
    problems = sum(verdict.state == "problem" for verdict in verdicts)
    if not options.json:
        print(f"{problems or 'no'} problem{'' if problems == 1 else 's'}")
    return 1 if problems else 0
