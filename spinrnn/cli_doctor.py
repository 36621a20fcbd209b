"""The command line of the surroundings: `spinrnn doctor`. Exit status: 0 no problem, 1 there are problems, 2 bad input."""

import dataclasses
import json


def add_commands(command):
    """Adds the command; its argument as in `cli_sweep.add_commands`."""
    sub = command(
        "doctor", _doctor, "Look at processors, memory, cache, HDF5 and a folder's file system; say what is wrong and how to mend it."
    )
    sub.add_argument("folder", nargs="?", default=".", metavar="FOLDER", help="where results shall go (default: the working folder)")
    sub.add_argument("--json", action="store_true", help="a line of JSON for each finding")


def _doctor(options):
    from spinrnn.doctor import PROBLEM, examine

    found = examine(options.folder)
    for finding in found:
        if options.json:
            print(json.dumps(dataclasses.asdict(finding)))
            continue
        print(f"{finding.state.upper() if finding.state == PROBLEM else finding.state:<8} {finding.check:<9} {finding.text}")
        if finding.fix:
            print(f"{'':<18} -> {finding.fix}")
    return 1 if any(finding.state == PROBLEM for finding in found) else 0
