"""The report on a recording: a folder with report.txt, report.json and the measures'
files.

Of each measure NAME.csv has the numbers and NAME.png the picture.
"""

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from spinrnn.analysis.answer import Answer, Settings
from spinrnn.analysis.measures import MEASURES
from spinrnn.analysis.wording import heading
from spinrnn.errors import ConfigError, DataError, DivergenceError, MemoryLimitError, StoreError
from spinrnn.files.atomic import make_folder, write_together
from spinrnn.files.text import to_csv, to_json
from spinrnn.findings import findings
from spinrnn.plotting import picture_or_none
from spinrnn.readers.columns import NONE, Columns
from spinrnn.recordings.envelope import Demodulation
from spinrnn.recordings.opening import open_recording
from spinrnn.recordings.recording import Recording


@dataclass
class Report:
    """What `analyse` did.

    Attributes:
        text: as in report.txt; findings: {measure: list of lines}.
        skipped: {measure: reason}; files: list of paths written.
        numbers: {measure: findings for machines}, as in report.json.
    """

    text: str
    findings: dict[str, list[str]]
    skipped: dict[str, str]
    files: list[str]
    numbers: dict[str, dict[str, Any]] = field(default_factory=dict)


def analyse(
    source: Any,
    out: str | Path,
    *,
    measures: Iterable[str] | None = None,
    settings: Settings | None = None,
    on_measure: Callable[[str], None] | None = None,
    columns: Columns = NONE,
    how: Demodulation | None = None,
    **numbers: float | None,
) -> Report:
    """Measures what a recording allows and writes a report folder. What it does not
    allow is skipped, and the report says why.

    Args:
        source: a trajectory file of ours or a file of the user's, as `open_recording`
            describes it, a `Recording`, or a DataFrame, an xarray Dataset or a
            dictionary of arrays with the same names.
        out: folder, made if there is none; pictures and tables that an earlier
            report.txt names and that are not written again are removed.
        measures: names, None for all; on_measure: called with the name of each before
            it starts.
        columns: what a user calls the arrays of the file, and their units.
        how: that the power is made of a `voltage` in the file, which oscillates.
        numbers: that a user's file does not hold, as in `open_recording`.
    Raises:
        ConfigError: no such measure, or impossible settings; StoreError: the file
        cannot be read or the folder not written; DataError: the file's content does not
        fit together.
    """
    settings, out = settings or Settings(), Path(out)
    names = list(MEASURES) if measures is None else list(measures)
    problems = _problems(names, settings)
    if problems:
        raise ConfigError(problems)
    if out.exists() and not out.is_dir():
        raise StoreError(f"{out} is a file; choose another folder (--out)")
    if isinstance(source, Recording):
        return _analyse(source, out, names, settings, on_measure)
    with open_recording(source, columns=columns, how=how, **numbers) as recording:
        return _analyse(recording, out, names, settings, on_measure)


def _problems(names, settings):
    """Sentences about measures that do not exist and impossible settings."""
    problems = [
        f"measure {name}: unknown; there are {', '.join(MEASURES)}"
        for name in names
        if name not in MEASURES
    ]
    if not names:
        problems.append("measures: name at least one")
    ranges = {
        "start": settings.start,
        "neuron_power": settings.neuron_power or 0.0,
        "synapse_power": settings.synapse_power,
    }
    problems += [
        f"{name}: must be a number from 0, got {value}"
        for name, value in ranges.items()
        if not 0 <= value < np.inf
    ]
    if not 0 <= settings.tolerance < 1:
        problems.append(f"tolerance: must be in [0, 1), got {settings.tolerance}")
    return problems


def _analyse(recording, out, names, settings, on_measure):
    # a start after the end is the user's mistake and no reason to skip
    recording.first(settings.start)
    new = not out.exists()
    # before minutes are spent; nothing is put into it before all is measured
    make_folder(out)
    try:
        answers, skipped = _measure(recording, names, settings, on_measure)
        return _write(recording, out, names, answers, skipped)
    except BaseException:
        if new:
            # not where something is in it already
            with contextlib.suppress(OSError):
                out.rmdir()
        raise


def _measure(recording, names, settings, on_measure):
    """({name: `Answer`}, {name: reason why it was skipped}); DataError if none is
    possible."""
    answers, skipped = {}, {}
    for name in names:
        if on_measure:
            on_measure(name)
        try:
            answers[name] = MEASURES[name].answer(recording, settings)
        except (DataError, DivergenceError, MemoryLimitError) as error:
            skipped[name] = str(error)
    if not answers:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in skipped.items())
        raise DataError(f"{recording.name}: allows none of the measures; {reasons}")
    return answers, skipped


def _write(recording, out, names, answers: Mapping[str, Answer], skipped):
    """Writes the report, whole or not at all; `Report`."""
    earlier = _named(out)
    contents = {name: _files_of(name, answer) for name, answer in answers.items()}
    text = [heading(recording)]
    for name in names:
        title = MEASURES[name].title
        if name in skipped:
            text.append(f"{title}: skipped. {skipped[name]}")
        else:
            first = f"{title} ({', '.join(contents[name])})"
            text.append("\n  ".join([first, *answers[name].lines]))
    text = "\n\n".join(text) + "\n"
    numbers = {name: findings(answer.numbers) for name, answer in answers.items()}
    files = {name: content for files in contents.values() for name, content in files.items()}
    files["report.json"] = to_json(_for_machines(recording, numbers, skipped, contents))
    files["report.txt"] = text
    write_together({out / name: content for name, content in files.items()})
    _remove(
        out, {f"{name}{ending}" for name in earlier for ending in (".png", ".csv")} - set(files)
    )
    lines = {name: answer.lines for name, answer in answers.items()}
    return Report(text, lines, skipped, [str(out / name) for name in files], numbers)


def _files_of(name, answer):
    """{file name: content} of a measure, without a picture where drawing fails."""
    measure = MEASURES[name]

    def draw():
        ax = measure.draw(*answer.shown)
        assumed = f"\n{ax.get_title()}" if ax.get_title() else ""
        ax.set_title(f"{measure.title}{assumed}", fontsize="medium")
        return ax

    picture = picture_or_none(draw, f"{name}.png")
    files = {} if picture is None else {f"{name}.png": picture}
    return files | {f"{name}.csv": to_csv(answer.rows)}


def _for_machines(recording, numbers, skipped, contents):
    """The content of report.json; its form is in docs/FILES.md."""
    return {
        "recording": recording.name,
        "cases": recording.cases,
        "cases_taken": len(range(0, recording.cases, recording.stride)),
        "measures": {
            name: {
                "title": MEASURES[name].title,
                "files": list(contents[name]),
                "findings": found,
            }
            for name, found in numbers.items()
        },
        "skipped": skipped,
    }


def _named(out):
    """Measures whose files an earlier report in the folder names: others of these names
    may be the user's."""
    try:
        text = (out / "report.txt").read_text(errors="replace")
    except OSError:
        return []
    return [
        name
        for name in MEASURES
        if f" ({name}.png, {name}.csv)\n" in text or f" ({name}.csv)\n" in text
    ]


def _remove(out, names):
    """Removes pictures and tables of an earlier report."""
    for name in names:
        with contextlib.suppress(OSError):
            (out / name).unlink()
