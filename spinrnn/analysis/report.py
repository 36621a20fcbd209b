"""The report on a recording: a folder with report.txt and, of each measure, its picture NAME.png and its numbers NAME.csv."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spinrnn import plotting as figures
from spinrnn.analysis.measures import MEASURES, Settings
from spinrnn.errors import ConfigError, DataError, DivergenceError, MemoryLimitError, StoreError
from spinrnn.files.atomic import make_folder, write_together
from spinrnn.files.text import to_csv
from spinrnn.recordings.opening import open_recording
from spinrnn.recordings.recording import Recording


@dataclass
class Report:
    """What `analyse` did.

    Attributes:
        text: as in report.txt; findings: {measure: list of lines}; skipped: {measure: reason}; files: list of paths written.
    """

    text: str
    findings: dict
    skipped: dict
    files: list


def analyse(source, out, *, measures=None, settings=None, on_measure=None, **numbers):
    """Measures what a recording allows and writes a report folder. What it does not allow is skipped, and the report says why.

    Args:
        source: a trajectory file of ours or a file of the user's, as `recordings` describes it, or a `Recording`.
        out: folder, made if there is none; pictures and tables that an earlier report.txt names and that are not written again are removed.
        measures: names, None for all; settings: `Settings`; on_measure: called with the name of each before it starts.
        numbers: that a user's file does not hold, as in `open_recording`.
    Returns:
        `Report`.
    Raises:
        ConfigError: no such measure, or impossible settings; StoreError: the file cannot be read or the folder not written; DataError: the file's content
        does not fit together.
    """
    settings, out = settings or Settings(), Path(out)
    names = list(MEASURES) if measures is None else list(measures)
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
    if problems:
        raise ConfigError(problems)
    if out.exists() and not out.is_dir():
        raise StoreError(f"{out} is a file; choose another folder (--out)")
    if isinstance(source, Recording):
        return _analyse(source, out, names, settings, on_measure)
    with open_recording(source, **numbers) as recording:
        return _analyse(recording, out, names, settings, on_measure)


def _analyse(recording, out, names, settings, on_measure):
    recording.first(
        settings.start
    )  # a start after the end is the user's mistake and no reason to skip
    new = not out.exists()
    make_folder(out)  # before minutes are spent, and nothing is put into it before all is measured
    try:
        return _measure(recording, out, names, settings, on_measure)
    except BaseException:
        if new:
            with contextlib.suppress(OSError):  # where something is in it already
                out.rmdir()
        raise


def _measure(recording, out, names, settings, on_measure):
    text, results, skipped = [_heading(recording)], {}, {}
    for name in names:
        if on_measure:
            on_measure(name)
        title = MEASURES[name].__doc__
        try:
            results[name] = MEASURES[name](recording, settings)
        except (DataError, DivergenceError, MemoryLimitError) as error:
            skipped[name] = str(error)
            text.append(f"{title}: skipped. {error}")
        else:
            text.append("\n  ".join([f"{title} {_files(name)}", *results[name].lines]))
    if not results:
        raise DataError(
            f"{recording.name}: allows none of the measures; {'; '.join(f'{name}: {reason}' for name, reason in skipped.items())}"
        )
    earlier = _named(out)
    contents = {}
    for name, found in results.items():
        ax, title = found.draw(), MEASURES[name].__doc__
        ax.set_title(
            title if not ax.get_title() else f"{title}\n{ax.get_title()}", fontsize="medium"
        )
        contents[out / f"{name}.png"] = figures.picture(ax)
        contents[out / f"{name}.csv"] = to_csv(found.rows)
    text = "\n\n".join(text) + "\n"
    contents[out / "report.txt"] = text
    write_together(contents)
    _remove(out, [name for name in earlier if name not in results])
    files = [str(path) for path in contents]
    return Report(text, {name: found.lines for name, found in results.items()}, skipped, files)


def _files(name):
    return f"({name}.png, {name}.csv)"


def _named(out):
    """Measures whose files an earlier report in the folder names: others of these names may be the user's."""
    try:
        text = (out / "report.txt").read_text(errors="replace")
    except OSError:
        return []
    return [name for name in MEASURES if f" {_files(name)}\n" in text]


def _remove(out, names):
    """Removes pictures and tables of an earlier report."""
    for name in names:
        for path in (out / f"{name}.png", out / f"{name}.csv"):
            with contextlib.suppress(OSError):
                path.unlink()


def _heading(recording):
    layers = ", ".join(
        f"{_count(recording.power[k].shape[1], 'neuron')} in layer {k}" for k in recording.layers
    )
    times = recording.time
    lines = [
        f"{recording.name}: {_count(recording.cases, 'case')}, {len(times)} times over {times[-1] - times[0]:.4g} s, {layers}"
    ]
    if recording.stride > 1:
        lines.append(f"taken: one case of {recording.stride}, as many as memory allows")
    if len(times) < recording.all_times:
        lines.append(
            f"taken: the first {len(times)} of {recording.all_times} times, as many as memory allows (--memory)"
        )
    known = {
        "relaxation time": (recording.relaxation_time, " s"),
        "Q": (recording.nonlinear_damping, ""),
        "bias ratio": (recording.bias_ratio, ""),
        "input interval": (recording.input_interval, " s"),
    }
    lines.append(
        "known: "
        + (
            ", ".join(
                f"{name} {value:.4g}{unit}"
                for name, (value, unit) in known.items()
                if value is not None
            )
            or "times and powers"
        )
    )
    sample = recording.powers(recording.layers[0])
    low, high = np.nanmin(sample), np.nanmax(sample)
    if recording.neuron == "oscillator" and (low < -0.5 or high > 1.5):
        lines.append(
            f"warning: powers from {low:.3g} to {high:.3g}; eq. (1) is for powers normalised to [0, 1)"
        )
    elif recording.neuron == "oscillator" and recording.network is None and 0 < high < 1e-3:
        lines.append(
            f"warning: powers up to {high:.3g} only; are they normalised? eq. (1) is for powers in units of the largest possible one"
        )
    return "\n".join([*lines, *_units(recording)])


def _count(number, what):
    return f"{number} {what}{'' if number == 1 else 's'}"


def _units(recording):
    """Warnings where times and rates are so far apart that a unit must be another than s or 1/s."""
    step, span = (
        float(np.median(np.diff(recording.time))),
        float(recording.time[-1] - recording.time[0]),
    )
    if (
        recording.relaxation_time is not None
        and not 1e-3 * recording.relaxation_time <= span <= 1e9 * recording.relaxation_time
    ):
        yield f"warning: {span:.3g} s are {span / recording.relaxation_time:.2g} relaxation times; is the time in s?"
    elif recording.relaxation_time is not None and step > 1e3 * recording.relaxation_time:
        yield f"warning: steps of {step:.3g} s are {step / recording.relaxation_time:.2g} relaxation times; is the time in s?"
    if (
        recording.drive is None or recording.network is not None
    ):  # trajectories of ours have their units
        return
    drive = np.abs(recording.drives(next(iter(recording.drive))))
    largest = float(np.max(drive[np.isfinite(drive)], initial=0.0))
    if largest * step > 1e3 or 0 < largest * span < 1e-3:
        yield f"warning: drives up to {largest:.3g} do not fit steps of {step:.3g} s over {span:.3g} s; are they in 1/s, and the time in s?"
