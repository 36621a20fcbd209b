"""The command line of `spinrnn predict`: answers to the cases of a file, or to the
points of standard input as they come.

Exit status: 0 done, and at the end of standard input; 2 bad input.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from spinrnn.cli.options import (
    add_columns,
    add_command,
    add_forward,
    add_memory,
    add_rows,
    add_set,
    add_use,
    columns,
    forward_of,
    note_of_device,
)

SUMMARY = "Apply a trained network to new data: classes with probabilities, or outputs."
STREAM = "-"
"""In place of a file: standard input."""


def add_commands(commands: Any) -> None:
    """Adds the command; commands: what `add_subparsers` returned."""
    parser = add_command(commands, "predict", predict, SUMMARY)
    parser.add_argument("run", metavar="RUN", help="run folder, or file of a network")
    parser.add_argument(
        "file",
        metavar="FILE",
        help="new data, as of data.source, without labels or with them; - reads standard input, a"
        " line of numbers for each point, and answers each at once",
    )
    add_columns(parser, "the data", "V=voltage")
    add_rows(parser, "what a case of the training was")
    parser.add_argument(
        "--out", metavar="CSV", help="write a CSV file (default: print a table for people)"
    )
    add_set(parser, "network.substeps=16")
    add_use(parser)
    add_forward(parser, "the answers to a file")
    add_memory(
        parser,
        "for the states of all cases, as in 2G; less takes longer and gives the same bits",
    )


def predict(options: argparse.Namespace) -> int:
    """Answers to all cases of a file, or to the lines of standard input."""
    from spinrnn.errors import ConfigError, DataError
    from spinrnn.runs.predicting import opened

    if "" in (options.file, options.run, options.out):
        raise ConfigError(["RUN, FILE, --out: give the name of a file"])
    said = columns(options)
    if options.file == STREAM and not (said.empty and options.out is None):
        raise ConfigError(["--columns, --units, --out: go with a file, not with standard input"])
    if options.file == STREAM and options.forward is not None:
        raise ConfigError(["--forward: goes with a file, not with standard input"])
    forward = forward_of(options)
    source = opened(options.run, options.set)
    note_of_device(source.run and source.run.folder, forward)
    if source.run is not None and source.run.note:
        print(f"spinrnn: warning: {source.run.note}", file=sys.stderr)
    if options.file == STREAM:
        if sys.stdin is None:
            raise DataError(
                "standard input is closed; give a file, or a pipe with lines of numbers"
            )
        _answer(source, sys.stdin, sys.stdout, said.rows)
        return 0
    data = source.load(options.file, said)
    try:
        found = source.predict(data, forward=forward, where=options.file)
    except DataError as error:
        raise DataError(f"{options.file}: {error}") from None
    if options.out is None:
        print("\n".join(_table([found.header(), *found.rows()])))
        return 0
    found.save(options.out)
    cases = f"{len(found)} case{'s' if len(found) != 1 else ''}"
    print(f"{options.out}: answers to {cases}")
    return 0


def _table(rows: Iterable[list[Any]]) -> list[str]:
    """Lines with aligned columns, numbers with four digits."""
    from spinrnn.runs.predicting import as_text

    cells = [[as_text(value, 4) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


# ---- standard input ----


def _are_cases(source: Any, rows: str | None) -> bool:
    """Whether each line is a case; rows: as said, None for those of the training."""
    if rows is None and source.single:
        note = (
            "each line is a case of one point, as in the training; --rows points takes all as one"
        )
        print(f"spinrnn: note: {note}", file=sys.stderr)
    return source.single if rows is None else rows == "cases"


def _answer(source: Any, lines: TextIO, output: Any, rows: str | None = None) -> None:
    """Answers each line at once, until the input ends or nobody reads the answers;
    rows: as of `_are_cases`.
    """
    from spinrnn.errors import DataError, DivergenceError
    from spinrnn.runs.predicting import as_text, columns_of

    stream, net, answered, told = source.stream(), source.net, 0, False
    cases = _are_cases(source, rows)
    head = [
        "case" if cases else "point",
        *columns_of(source.classes, net.config.outputs, source.targets),
    ]
    print(_csv(head), file=output, flush=True)
    for number, values in _points(lines, net.config.inputs, source.channels):
        if values is None or cases:
            stream.reset()
        if values is None:
            continue
        if (said := source.far(values)) and not told:
            print(f"spinrnn: warning: standard input, line {number}: {said}", file=sys.stderr)
            told = True
        try:
            answer = stream(values)
        except (DataError, DivergenceError) as error:
            raise type(error)(f"standard input, line {number}: {error}") from None
        row = [answered if cases else stream.points - 1, *answer]
        answered += 1
        print(_csv([as_text(cell) for cell in row]), file=output, flush=True)
        if getattr(output, "error", None) is not None:
            # the reader has left
            return


def _csv(cells: list[str]) -> str:
    import csv
    import io

    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()


def _points(
    lines: TextIO, channels: int, names: tuple[str, ...] | None
) -> Iterator[tuple[int, list[float] | None]]:
    """(number of the line from 1, numbers of a point; None where a new case begins).

    An empty line begins a new case; a line of names may be the first, and # begins a
    comment.

    Raises:
        DataError: a line is no point, with its number.
    """
    from spinrnn.errors import DataError

    begun = False
    for number, line in enumerate(_decoded(lines), 1):
        text = line.partition("#")[0]
        cells = [cell.strip() for cell in text.split(",")] if "," in text else text.split()
        if not cells:
            if begun and not line.strip():
                yield number, None
            continue
        values, wrong = _numbers(cells)
        if not begun and len(wrong) == len(cells) == channels:
            _check_names(number, cells, names)
            begun = True
            continue
        begun = True
        where = f"standard input, line {number}"
        if wrong:
            semicolon = "; write a point as decimal sign" if ";" in text else ""
            raise DataError(f"{where}: {wrong[0][:40]!r} is no finite number{semicolon}")
        if len(values) != channels:
            which = "" if names is None else f" ({', '.join(names)})"
            count = f"{len(values)} number{'s' if len(values) != 1 else ''}"
            raise DataError(
                f"{where}: {count}, the network reads {channels}{which}; give one for each "
                "channel, with commas or spaces between them"
            )
        yield number, values


def _decoded(lines: TextIO) -> Iterator[str]:
    """The lines; DataError where they are no text."""
    from spinrnn.errors import DataError

    try:
        yield from iter(lines.readline, "")
    except UnicodeDecodeError as error:
        raise DataError(
            f"standard input: no text ({error.reason}); give lines of numbers"
        ) from None


def _numbers(cells: list[str]) -> tuple[list[float], list[str]]:
    """(finite numbers, what is none)."""
    values, wrong = [], []
    for cell in cells:
        try:
            value = float(cell)
        except ValueError:
            value = float("nan")
        if abs(value) < float("inf"):
            values.append(value)
        else:
            wrong.append(cell)
    return values, wrong


def _check_names(number: int, cells: list[str], names: tuple[str, ...] | None) -> None:
    """DataError unless a line of names has those of the network's channels."""
    from spinrnn.errors import DataError

    if names is not None and tuple(cells) != names:
        raise DataError(
            f"standard input, line {number}: the names are {', '.join(cells)}, the network reads "
            f"{', '.join(names)} in this order"
        )
