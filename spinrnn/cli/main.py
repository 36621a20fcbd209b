"""The command line: the parser of all commands, and what every command has in common.

A command parses, calls the package and prints; heavy imports happen only within it.
Exit status: 0 done, 1 a check or a point of a sweep failed, 2 bad input (one line says
what) or output that cannot be written; stopped with a checkpoint written: 130 by
Ctrl-C, 143 by SIGTERM, 75 by SIGUSR1, with which a batch queue says that the time is
nearly over.
"""

import argparse
import sys
import warnings
from collections.abc import Sequence
from typing import Any, NoReturn

import spinrnn
from spinrnn.cli import (
    analyse,
    bench,
    check,
    doctor,
    evaluate,
    gradcheck,
    identify,
    init,
    kinds,
    look,
    predict,
    reproduce,
    simulate,
    streams,
    sweep,
    tasks,
    train,
)
from spinrnn.config.tables import suggest
from spinrnn.errors import DataNote
from spinrnn.machine.system import unsupported

COMMANDS = (
    init,
    check,
    train,
    evaluate,
    predict,
    gradcheck,
    sweep,
    reproduce,
    simulate,
    analyse,
    identify,
    look,
    kinds,
    tasks,
    doctor,
    bench,
)
"""Files of commands, in the order in which --help lists them."""


class _Parser(argparse.ArgumentParser):
    """With errors of one line, like all others, and the nearest name."""

    def error(self, message: str) -> NoReturn:
        hint = _meant(message) or f"{self.prog} --help says what there is"
        self.exit(2, f"spinrnn: error: {message}; {hint}\n")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        known = [] if action.choices is None else [*map(str, action.choices)]
        if known and str(value) not in known:
            what = "command" if action.dest.endswith("command") else "choice"
            hint = suggest(value, known)
            raise argparse.ArgumentError(None, f"there is no {what} {value!r}{hint}")


def _meant(message: str) -> str | None:
    """What stands for an option that is the name of a key, as --epochs."""
    start = "unrecognized arguments: --"
    if not message.startswith(start):
        return None
    from spinrnn.config.run import known_keys

    name, _, value = message.removeprefix(start).replace("=", " ").partition(" ")
    keys = [key for key in known_keys() if key.partition(".")[2] == name.replace("-", "_")]
    given = value.partition(" ")[0] or "VALUE"
    return f"write --set {keys[0]}={given}" if keys else None


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    made = _Parser(
        prog="spinrnn",
        description="Recurrent networks of spin-torque nano-oscillators: simulate, train, check.",
    )
    made.add_argument("--version", action="version", version=f"spinrnn {spinrnn.__version__}")
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for file in COMMANDS:
        file.add_commands(commands)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        arguments: those after the program's name; those of this process by default.
    Returns:
        The exit status. Ends with SystemExit after --help and where an argument is
        wrong.
    """
    show = warnings.showwarning
    with streams.careful() as (output, _):
        warnings.showwarning = _show_warning
        try:
            status = _run(arguments)
        except SystemExit as stop:
            # from the parser, which has printed what there is to say
            raise SystemExit(_told(output, int(stop.code or 0))) from None
        finally:
            warnings.showwarning = show
        return _told(output, status)


def _run(arguments: Sequence[str] | None) -> int:
    """Parses and runs the command; returns its status, or that of the error it ends
    with.
    """
    options = parser().parse_args(arguments)
    trouble = unsupported()
    if trouble:
        return _refuse(trouble)
    try:
        if options.limits:
            _set_limits(options)
        _use(options)
        return options.function(options)
    except spinrnn.SpinrnnError as error:
        return _refuse(" ".join(str(error).splitlines()))
    except KeyboardInterrupt:
        _say("stopped")
        return 130
    except MemoryError as error:
        advice = "a smaller train.batch or fewer network.substeps need less"
        return _refuse(f"not enough memory: {error}; {advice}")
    except Exception as error:
        return _refuse(_unknown(error))


def _unknown(error: Exception) -> str:
    """One line for an error that is none of ours: of a user's class, with its place, or
    of a file (errors of files that are known come as StoreError). Others are raised
    again, as they are faults of spinrnn.
    """
    from spinrnn.config import kinds

    text, place = " ".join(str(error).split()), kinds.place_of(error)
    if place is not None:
        return f"{place}: {type(error).__name__}{': ' if text else ''}{text}"
    if isinstance(error, OSError):
        return text
    raise error


def _set_limits(options: argparse.Namespace) -> None:
    """Sets threads and memory, and checks what the environment says of them.

    Before anything is written: wrong variables must not cost a run that has begun.
    """
    if options.threads:
        spinrnn.set_threads(options.threads)
    spinrnn.get_threads()
    if "memory" in options:
        if options.memory:
            spinrnn.set_memory_limit(options.memory)
        spinrnn.get_memory_limit()


def _use(options: argparse.Namespace) -> None:
    """Runs the files that the user names, which register kinds."""
    if getattr(options, "use", None):
        from spinrnn.config import kinds as register

        for path in options.use:
            register.use(path)


def _told(output: streams.Stream, status: int) -> int:
    """The status of a command, which says so where its output could not be written.

    A reader that left (`| head -1`) has seen what it wanted. A full disk is an error,
    but the statuses of a stopped command stay, as a batch script queues it again by
    them.
    """
    output.flush()
    if output.error is None or isinstance(output.error, BrokenPipeError) or status > 2:
        return status
    reason = getattr(output.error, "strerror", None) or output.error
    return _refuse(f"cannot write to standard output: {reason}")


def _refuse(text: str) -> int:
    _say(f"error: {text}")
    return 2


def _say(text: str) -> None:
    print(f"spinrnn: {text}", file=sys.stderr)


def _show_warning(message, *_, **__) -> None:
    what = "note" if isinstance(message, DataNote) else "warning"
    _say(f"{what}: {message}")
