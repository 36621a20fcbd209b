"""A study: trials that are made one after the other, each kept as soon as it is done.

OUT/STUDY.trials.jsonl has a line for each trial: what it was, what it found, its
seconds. A study that was stopped or killed goes on behind the last whole line.
"""

import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from spinrnn.errors import ConfigError, StoreError, reason_of
from spinrnn.files.atomic import make_folder, write_together
from spinrnn.files.text import to_csv, to_json
from spinrnn.findings import findings, plain
from spinrnn.paper.figures import pictures, style
from spinrnn.paper.numbers import FigureNumbers
from spinrnn.sweep.points import json_digest


class Trial(NamedTuple):
    """One computation of a study.

    Attributes:
        key: {name: value} by which it is known again, plain numbers and texts; run:
            returns what it found, {name: what JSON can hold}.
        tables: of its run, as far as it is one; results of other tables do not count.
    """

    key: dict[str, Any]
    run: Callable[[], dict[str, Any]]
    tables: Any = None


@dataclass(frozen=True)
class Study:
    """A study of one paper.

    Attributes:
        name: of its files; title: what it shows; page: of the docs.
        trials: function of (quick, folders) that gives the `Trial`s; folders: {name:
            path} of data that are not part of spinrnn, as far as they are there.
        numbers: function of the rows that trials found, {**key, **found}, that gives
            `FigureNumbers`.
        draw: function of these, gives the figure.
        wants: names of the data of `trials`; check: function of the folders that are
            there, which raises an error of what cannot be read in them.
    """

    name: str
    title: str
    page: str
    trials: Callable[[bool, dict[str, Path]], Iterable[Trial]]
    numbers: Callable[[list[dict[str, Any]]], FigureNumbers]
    draw: Callable[[FigureNumbers], Any]
    wants: tuple[str, ...] = ()
    check: Callable[[dict[str, Path]], object] | None = None


@dataclass
class Outcome:
    """What a study came to.

    Attributes:
        findings: as in its JSON file, None where it was stopped before its end; files:
            paths that were written; lacking: names of data that were not there.
    """

    findings: dict[str, dict[str, Any]] | None
    files: list[str] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)


def study(
    wanted: Study,
    out: str | Path,
    *,
    quick: bool = False,
    run: bool = True,
    data: str | Path | None = None,
    on_trial: Callable[[dict[str, Any], int, int], object] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Makes the trials that are missing, draws the figure and writes its numbers.

    Args:
        out: folder; quick: the reduced form, in a folder of its own.
        run: False draws what there is.
        data: folder that has the data `wanted.wants` in folders of these names.
        on_trial: called with (key, number, how many) before each trial; stop: called
            after each.
    Raises:
        ConfigError: data is no folder; StoreError: nothing is there to be drawn, or
        files cannot be read or written.
    """
    out = Path(out)
    folders = folders_of(data, wanted.wants)
    path = out / f"{wanted.name}.trials.jsonl"
    rows = kept(path)
    if run:
        make_folder(out)
        trials = list(wanted.trials(quick, folders))
        still = _still(trials, rows)
        if wanted.check and folders and len(still) < len(trials):
            wanted.check(folders)
        rows = _made(trials, rows, still, path, on_trial, stop)
        if rows is None:
            return Outcome(None)
    if not rows:
        raise StoreError(f"{path}: no results there; without --no-run they are computed")
    files = _written(wanted, [{**r["key"], **r["found"]} for r in rows], out, quick)
    lacking = [name for name in wanted.wants if name not in folders] if run else []
    return Outcome(files.pop("findings"), list(files["paths"]), lacking)


def folders_of(data: str | Path | None, names: Iterable[str]) -> dict[str, Path]:
    """{name: folder} of the data that lie in a folder.

    ConfigError: it is no folder, or has none of them.
    """
    if data is None:
        return {}
    found = {name: Path(data) / name for name in names}
    there = {name: path for name, path in found.items() if path.is_dir()}
    if not Path(data).is_dir() or (found and not there):
        wanted = " or ".join(f"{data}/{name}" for name in found)
        within = f" with {wanted}" if found else f", got {data}"
        raise ConfigError([f"--data: must be a folder{within}"])
    return there


def kept(path: Path) -> list[dict[str, Any]]:
    """[{"key", "found", "seconds", "tables"}] of a file of trials; a line that was cut
    off at the file's end does not count.

    StoreError: another line is no trial, or the file cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    except (OSError, ValueError) as error:
        raise StoreError(f"cannot read {path}: {reason_of(error)}") from None
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            own = {name: row[name] for name in ("key", "found", "seconds")}
            rows.append(own | {"tables": row.get("tables")})
        except (ValueError, KeyError, TypeError):
            if number == len(lines):
                break
            advice = "remove the line, the trial is then made again"
            raise StoreError(f"{path}, line {number}: is no trial; {advice}") from None
    return rows


def _still(trials, rows):
    """{text of its key: row} of the trials that need not be made again; rows of other
    trials stay in the file, but are not among them.
    """
    known = {_text(row["key"]): row for row in rows}
    found = {}
    for trial in trials:
        row = known.get(_text(trial.key))
        if row is not None and row["tables"] in (None, _digest(trial.tables)):
            found[_text(trial.key)] = row
    return found


def _made(trials, rows, still, path, on_trial, stop):
    """Rows of all trials in their order, None where it was stopped; still: as of
    `_still`.
    """
    anew = {_text(trial.key) for trial in trials} - still.keys()
    known = {_text(row["key"]): row for row in rows if _text(row["key"]) not in anew}
    for number, trial in enumerate(trials, 1):
        if _text(trial.key) in known:
            continue
        if on_trial:
            on_trial(trial.key, number, len(trials))
        before = time.perf_counter()
        found = plain(trial.run())
        seconds = round(time.perf_counter() - before, 3)
        row = {"key": plain(trial.key), "found": found, "seconds": seconds}
        row["tables"] = _digest(trial.tables)
        known[_text(trial.key)] = row
        # whole lines only, also where an earlier one was cut off
        _append(path, [known[key] for key in known])
        if stop() and number < len(trials):
            return None
    return [known[_text(trial.key)] for trial in trials]


def _digest(tables):
    return None if tables is None else json_digest(plain(tables))[:16]


def _text(key):
    return json.dumps(plain(key), sort_keys=True)


def _append(path, rows):
    """Writes all rows, to a new file that takes the old one's place."""
    text = "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows)
    write_together({str(path): text})


def _written(wanted, rows, out, quick):
    """{"findings": ..., "paths": ...} of the figure, its tables and findings."""
    result, stem = wanted.numbers(rows), out / wanted.name
    found = findings(result.findings)
    contents: dict[str, bytes | str] = {}
    with style():
        contents |= pictures(wanted.draw(result), stem)
    for suffix, table in result.tables.items():
        contents[f"{stem}{suffix}.csv"] = to_csv(table)
    about = {"figure": wanted.name, "title": wanted.title, "quick": quick}
    contents[f"{stem}.json"] = to_json({**about, "findings": found})
    write_together(contents)
    return {"findings": found, "paths": [os.fspath(path) for path in contents]}
