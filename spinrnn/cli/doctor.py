"""The command line of the doctor: `spinrnn doctor`."""


def add_commands(command):
    """Adds the command; command: function (name, function, summary) that returns the parser."""
    sub = command(
        "doctor",
        _doctor,
        "Say what is odd about the surroundings: threads, memory, cache, HDF5, the file system of a folder.",
    )
    sub.add_argument(
        "folder",
        nargs="?",
        default=".",
        metavar="FOLDER",
        help="where runs are to be written (default: the working folder)",
    )
    sub.add_argument("--json", action="store_true", help="print one JSON object for each finding")


def _doctor(options):
    import dataclasses
    import json

    from spinrnn.doctor import examine as doctor
    from spinrnn.errors import ConfigError

    if not options.folder or "\0" in options.folder:
        raise ConfigError(["FOLDER: give the name of a folder"])
    findings = doctor.examine(options.folder)
    for finding in findings:
        if options.json:
            print(json.dumps(dataclasses.asdict(finding)))
        else:
            print(f"{finding.state:<8} {finding.subject}: {finding.text}")
            if finding.fix:
                print(f"{'':<8} -> {finding.fix}")
    problems = sum(finding.state == "problem" for finding in findings)
    if not options.json:
        print(f"{problems or 'no'} problem{'' if problems == 1 else 's'}")
    return 1 if problems else 0
